"""The command ``sim verify``: what it prints, what it refuses, its exit codes; and knobs, rows and cases."""

import json
import math
import pathlib
import subprocess
import sys

import pytest
from click.testing import CliRunner

import sim.verify
from sim.__main__ import cli
from sim.verify import cases, chosen, read_settings, values_of, verify
from sim.verify.case import MOST_BYTES, MOST_SECONDS, Case, Knob, KnobError, Result, Row, demand_affordable
from sim.verify.page import page, write_page
from sim.verify.report import Watch, mark_of, report_lines, summary_line, value_text

QUICK = ["hysteresis", "--set", "cells=3", "--set", "months=5000", "--set", "bracket=0.005"]
KNOBS = {
    "n": Knob(3, "a number of things", "things", 1, 9),
    "share": Knob(0.5, "a share", "-", 0.0, 1.0),
    "rates": Knob((0.1, 0.2), "rates", "1/month", 0.0, 1.0),
    "on": Knob(True, "whether"),
    "form": Knob("log", "which form"),
}


def run(*args: object):
    """Run the command inside this process."""
    return CliRunner().invoke(cli, ["verify", *(str(arg) for arg in args)])


def case(name: str = "made-up", rows: list[Row] | None = None, **more) -> Case:
    """Return a case that finds these rows."""
    found = rows if rows is not None else [Row("one", 1.0, 1.0, 0.0, "it is")]
    return Case(name, "A title", "What it asks.", KNOBS, lambda _values, _seed: found, **more)


@pytest.fixture
def known(monkeypatch):
    """Put cases made up for the test in the place of the real ones."""

    def put(*made: Case) -> None:
        monkeypatch.setattr(sim.verify, "cases", lambda: {one.name: one for one in made})

    return put


def test_a_question_that_takes_too_long_or_holds_too_much_is_refused_with_the_most_that_is_allowed():
    demand_affordable({"n": 1234}, "n", seconds=MOST_SECONDS, held=MOST_BYTES)
    with pytest.raises(KnobError, match=r"n: must be at most 610 with .* some 20 minutes"):
        demand_affordable({"n": 1234}, "n", seconds=2 * MOST_SECONDS, held=MOST_BYTES)
    with pytest.raises(KnobError, match=r"n: must be at most 12 with .* some 200 GB"):
        demand_affordable({"n": 1234}, "n", held=100 * MOST_BYTES)


@pytest.mark.parametrize(
    ("name", "given", "knob", "allowed"),
    [("stock", {"rate": "199", "hazard": "1e-4", "sources": "2000", "months": "5000"}, "months", 12),
     ("brock-durlauf-finite", {"ticks": "10000000"}, "ticks", 4_000_000),
     ("polya", {"urns": "100000"}, "urns", 16_000), ("polya", {"urns": "10000", "additions": "10000"}, "urns", 330)],
)  # fmt: skip
def test_what_takes_ages_or_does_not_fit_is_refused_and_what_the_rule_allows_is_not(
    name, given, knob, allowed
):
    with pytest.raises(KnobError, match=f"{name}: {knob}: must be at most {allowed} "):
        cases()[name].values(given)
    cases()[name].values(given | {knob: str(allowed)})


# Rows


@pytest.mark.parametrize(
    ("theory", "simulated", "tolerance", "passed"),
    [(1.0, 1.0, 0.0, True), (1.0, 1.25, 0.25, True), (1.0, 0.7, 0.25, False), (1.0, 1.3, 0.25, False),
     (math.nan, 1.0, 9.0, False), (1.0, math.nan, 9.0, False), (1.0, 1.0, math.nan, False),
     (math.inf, math.inf, 1.0, False)],
)  # fmt: skip
def test_a_row_passes_where_the_two_are_within_the_tolerance_and_defined(
    theory, simulated, tolerance, passed
):
    assert Row("x", theory, simulated, tolerance, "why").passed is passed


def test_a_case_without_rows_has_not_passed():
    assert not Result(case(), {}, ()).passed


# Knobs


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("n", "7", 7), ("share", "0.25", 0.25), ("share", "1e-1", 0.1), ("rates", "0.3", (0.3,)), ("rates", "0,1,0.5", (0.0, 1.0, 0.5)),
     ("on", "false", False), ("form", "relative", "relative")],
)  # fmt: skip
def test_a_knob_reads_values_of_the_type_of_its_default(name, text, value):
    found = KNOBS[name].read(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("n", "2.5", 'must be a whole number, not "2.5"'), ("n", "10", r"must lie between 1 and 9, not 10 \(things\)"),
     ("share", "much", 'must be a number, not "much"'), ("share", "nan", "must be finite|must lie between"),
     ("share", "1.5", "must lie between 0 and 1, not 1.5"), ("rates", "0.1,,0.2", "must be numbers like"),
     ("rates", "0.1,2", r"must lie between 0 and 1, not 2.0 \(1/month\)"), ("on", "yes", 'must be true or false, not "yes"')],
)  # fmt: skip
def test_a_knob_refuses_what_it_cannot_take_and_says_the_rule(name, text, said):
    with pytest.raises(KnobError, match=said):
        KNOBS[name].read(text)


def test_every_default_of_every_case_is_a_value_that_its_knob_takes():
    for one in cases().values():
        values = one.values({name: value_text(knob.default) for name, knob in one.knobs.items()})
        assert values == one.values() == {name: knob.default for name, knob in one.knobs.items()}


def test_every_case_says_what_it_asks_and_what_its_knobs_mean():
    for name, one in cases().items():
        assert name == one.name
        assert one.title
        assert len(one.about) > 100
        assert all(knob.meaning for knob in one.knobs.values())


def test_what_is_set_goes_to_every_case_that_has_the_knob_and_to_no_other():
    other = Case("other", "t", "a", {"n": Knob(5, "another"), "m": Knob(6, "more")}, lambda _v, _s: [])
    values = values_of([case(), other], {"n": "4", "m": "2"})
    assert (values[0]["n"], values[1]["n"], values[1]["m"]) == (4, 4, 2)
    assert "m" not in values[0]


def test_a_combination_without_an_answer_is_refused_with_the_name_of_the_case(known):
    def refuse(values):
        if values["n"] == 4:
            raise KnobError("n: not four")

    known(case(values_check=refuse))
    result = run("--set", "n=4")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "made-up: n: not four\n")
    assert run("--set", "n=5").exit_code == 0


@pytest.mark.parametrize("settings", [("n",), ("n=1", "n=2")])
def test_settings_that_are_no_pairs_or_stand_twice_are_refused(settings):
    with pytest.raises(KnobError):
        read_settings(settings)
    assert read_settings(["a=b=c", " d = e "]) == {"a": "b=c", "d": "e"}


# The command


def test_json_is_the_result_and_nothing_else_on_standard_output(known):
    rows = [Row("one", 1.0, 1.5, 1.0, "a"), Row("two", 2.0, math.nan, 0.0, "b")]
    known(case(rows=rows))
    result = run("--json", "--set", "rates=0.5,0.25")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "passed": False,
        "tests": [{
            "test": "made-up",
            "parameters": {"n": 3, "share": 0.5, "rates": [0.5, 0.25], "on": True, "form": "log"},
            "passed": False,
            "rows": [
                {"quantity": "one", "theory": 1.0, "simulated": 1.5, "tolerance": 1.0, "passed": True},
                {"quantity": "two", "theory": 2.0, "simulated": None, "tolerance": 0.0, "passed": False},
            ],
        }],
    }  # fmt: skip


def test_it_ends_with_1_if_one_test_fails_and_names_it(known):
    known(case("good"), case("bad", [Row("two", 2.0, 3.0, 0.5, "why so")]))
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "tests: 2, comparisons: 2 -- FAILED: bad"
    assert run("good").exit_code == 0
    assert run("good").stdout.splitlines()[-1] == "tests: 1, comparisons: 1 -- all passed"


def test_the_report_shows_theory_simulation_tolerance_reason_and_verdict():
    rows = [
        Row("m*", 0.5, 0.25, 0.125, "because"),
        Row("H", 2.0, 2.0, 0.5, "because"),
        Row("K", 0.0, 0.0, 0.0, "exact"),
    ]
    lines = report_lines(Result(case(rows=rows), {"n": 3}, tuple(rows)))
    assert lines[0] == "made-up: A title -- FAILED"
    assert "n = 3" in lines[1]
    assert lines[3].split() == ["m*", "0.5", "0.25", "0.12", "a", "FAILED"]
    assert lines[4].split() == ["H", "2", "2", "0.5", "a", "ok"]
    assert lines[5].split()[-2:] == ["b", "ok"]
    assert [line.strip() for line in lines[-2:]] == ["a: because", "b: exact"]


def test_reasons_beyond_the_alphabet_have_marks_of_their_own():
    assert [mark_of(i) for i in (0, 25, 26, 27, 52)] == ["a", "z", "aa", "ab", "ba"]
    assert summary_line([]) == "tests: 0, comparisons: 0 -- all passed"


@pytest.mark.parametrize(
    ("args", "said"),
    [(["histeresis"], 'no test "histeresis"; did you mean "hysteresis"?'),
     (["hysteresis", "--set", "cels=3"], 'no parameter "cels"; did you mean "cells"?'),
     (["hysteresis", "--set", "lambda_km=3"], 'no parameter "lambda_km" (there are: bracket, cells, months)'),
     (["hysteresis", "--set", "cells=1"], "hysteresis: cells: must lie between 2 and 60, not 1 (places)"),
     (["hysteresis", "--set", "cells"], 'must be key=value, not "cells"'),
     (["dispersion", "--set", "modes=1,3.5"],
      "dispersion: modes: must be whole numbers from 1 to 32, half the side, not 3.5")],
)  # fmt: skip
def test_what_is_wrong_with_the_question_is_said_in_one_line_and_ends_with_2(args, said):
    result = run(*args)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"{said}\n")


def test_a_case_that_is_wrongly_asked_stops_before_any_other_runs(known):
    def never(_values, _seed):
        raise AssertionError

    known(Case("first", "t", "a", {}, never), case())
    assert run("--set", "n=99").exit_code == 2


def test_the_list_shows_every_test_with_its_parameters_and_runs_none(known):
    listed = run("--list", "--json").stdout
    assert {one["test"] for one in json.loads(listed)} == set(cases())
    known(Case("never", "t", "a", KNOBS, lambda _values, _seed: 1 / 0))
    lines = run("--list", "never").stdout.splitlines()
    assert lines[0] == "never: t"
    assert [line.split()[:3] for line in lines if line.startswith("  n ")] == [["n", "3", "1"]]
    assert any("0.1,0.2" in line for line in lines)


def test_a_real_test_passes_from_the_command_line_with_another_setting():
    result = run(*QUICK, "--seed", 7, "--json")
    assert result.exit_code == 0, result.output
    (test,) = json.loads(result.stdout)["tests"]
    assert test["parameters"]["cells"] == 3
    assert {row["passed"] for row in test["rows"]} == {True}


def test_the_seed_reaches_the_draws():
    settings = {"parks": "2", "choosers": "1000"}
    one, same, other = (verify(["logit"], settings, seed)[0].to_dict() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_fault_of_a_case_is_no_verdict(known):
    known(Case("broken", "t", "a", {}, lambda _values, _seed: 1 / 0))
    assert run().exit_code == 70


def test_interrupting_ends_with_130_and_without_a_traceback(known):
    def interrupt(_values, _seed):
        raise KeyboardInterrupt

    known(Case("long", "t", "a", {}, interrupt))
    result = run()
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_progress_is_silent_at_first_and_then_names_the_test(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 4.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with Watch() as watch:
        for number in range(1, 5):
            watch.begin(case(f"case-{number}"), number, 4)
    assert capsys.readouterr().err.splitlines() == ["test 2 of 4: case-2", "test 4 of 4: case-4"]


def test_names_given_twice_are_asked_once(known):
    known(case("one"), case("two"))
    assert [one.name for one in chosen(["two", "one", "two"])] == ["two", "one"]
    assert [one.name for one in chosen()] == ["one", "two"]


def test_help_of_the_command_loads_nothing_heavy():
    code = (
        "import sys, contextlib, io\n"
        "from sim.__main__ import cli\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    cli.main(['verify', '--help'])\n"
        "print([m for m in ('numpy', 'scipy', 'numba', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The page


def test_the_page_shows_every_row_with_its_reason_and_leads_to_every_test():
    rows = (Row("share | of x", 0.5, 0.5 + 1e-9, 1e-6, "because"), Row("tiny", 0.0, 8e-17, 1e-12, "exact"))
    results = [
        Result(case("one", list(rows)), {"n": 3, "rates": (0.1, 0.2)}, rows),
        Result(case("two"), {}, ()),
    ]
    text = page(results, {"one": "images/one.png"})
    assert "| [one](#one) | A title | 2 | passed |" in text
    assert "| [two](#two) | A title | 0 | **failed** |" in text
    assert "| share \\| of x | 0.5 | 0.5 | 1e-06 | a | ok |" in text
    assert "| tiny | 0 | 0 | 1e-12 | b | ok |" in text
    assert "![A title](images/one.png)" in text
    assert "`rates` = 0.1,0.2" in text
    assert "- a: because\n- b: exact\n" in text


@pytest.mark.slow
def test_the_page_of_verification_is_not_stale(tmp_path):
    docs = pathlib.Path(__file__).parent.parent / "docs"
    written = (docs / "verification.md").read_text(encoding="utf-8")
    assert written.startswith(write_page(tmp_path)), "run python docs/refresh.py verification.md"
    drawn = {path.name for path in (tmp_path / "images").iterdir()}
    assert drawn <= {path.name for path in (docs / "images").iterdir()}
