"""Study files: what they ask for is what is planned, and what is wrong with them is said at its place."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Scenario, ScenarioError
from sim.accepted import Ensemble
from sim.calibration.ensemble import write
from sim.designs import from_accepted
from sim.parameters import Births
from sim.study_files import Study, at_point, has_key

HEAD = 'scenarios = ["baseline", "rent-cut"]\nseeds = 3\nmonths = 12\n'


@pytest.fixture
def study(tmp_path):
    """Return a function that reads a study file of the given text."""

    def read(text, **options):
        path = tmp_path / "study.toml"
        path.write_text(text, encoding="utf-8")
        return Study.load(path, **options)

    return read


def problems(study, text):
    """Return what is wrong with a study file, as (line, column, key, message)."""
    with pytest.raises(ScenarioError) as caught:
        study(text)
    return [(p.line, p.column, p.key, p.message) for p in caught.value.problems]


def test_scenarios_and_seeds_are_enough(study):
    found = study('scenarios = ["rent-cut", "baseline"]\nseeds = 2\n')
    assert list(found.scenarios) == ["baseline", "rent-cut"]
    assert (found.seeds, found.months, found.points, found.runs) == ((1, 2), 120, ({},), 4)
    assert found.keep == ("series", "region", "presence", "costs")


def test_runs_at_one_budget_end_with_its_years(study):
    budget = "equal_budget = { present_value_rmb = 1e8, years = 3 }\n"
    assert study(HEAD.replace("months = 12\n", "") + budget).months == 36
    assert study(HEAD.replace("12", "36") + budget).months == 36


def test_a_list_of_seeds_and_another_baseline(study):
    found = study('scenarios = ["baseline", "rent-cut"]\nbaseline = "rent-cut"\nseeds = [5, 1]\n')
    assert list(found.scenarios) == ["rent-cut", "baseline"]
    assert found.seeds == (5, 1)


def test_a_path_is_relative_to_the_file(study, tmp_path):
    (tmp_path / "mine.toml").write_text('name = "Mine"\nextends = "baseline"\n', encoding="utf-8")
    assert list(study('scenarios = ["mine.toml"]\nseeds = 1\n').scenarios) == ["mine"]


def test_an_axis_takes_the_sweep_of_its_parameter_and_a_table_is_multiplied(study):
    found = study(HEAD + '[design]\nmethod = "grid"\nlevels = 2\n'
                  '[[design.axes]]\nkey = "births.outside_pull"\n'
                  '[[design.axes]]\nkey = "exits.failure_stage_factor"\nlow = 0.5\nhigh = 2.0\n'
                  '[[design.axes]]\nkey = "access.self_spillover"\n')  # fmt: skip
    pull, failure, switch = found.axes
    assert (pull.low, pull.high) == tuple(Births.model_fields["outside_pull"].json_schema_extra["sweep"])
    assert failure.factor
    assert switch.values == (False, True)
    assert len(found.points) == 8
    base = Scenario.load("baseline").exits.failure_stage_factor
    doubled = found.applied("baseline", {"exits.failure_stage_factor": 2.0}).exits.failure_stage_factor
    assert doubled == tuple(2 * value for value in base)


def test_a_point_changes_only_scenarios_that_have_its_key(study):
    key = "policies.north-latitude-rent.share"
    found = study(HEAD + f'[design]\nmethod = "zip"\n[[design.axes]]\nkey = "{key}"\nvalues = [0.0, 0.5]\n')
    assert not has_key(found.scenarios["baseline"], key)
    assert found.applied("baseline", found.points[1]) is found.scenarios["baseline"]
    (cut,) = found.applied("rent-cut", {key: 0.125}).policies
    assert cut.share == 0.125


def test_any_field_of_a_lever_can_be_varied_by_the_name_that_its_file_gives_it(study):
    key = "policies.north-latitude-rent.from"
    axis = f'[design]\nmethod = "grid"\n[[design.axes]]\nkey = "{key}"\nvalues = ["2025-03", "{{last}}"]\n'
    found = study(HEAD + axis.format(last="2025-07"))
    (cut,) = found.applied("rent-cut", found.points[1]).policies
    assert cut.from_ == "2025-07"
    assert "2025-13" in problems(study, HEAD + axis.format(last="2025-13"))[0][3]


def test_a_factor_is_held_against_each_scenario_that_it_multiplies(study, tmp_path):
    for name, share in (("low", 0.4), ("high", 0.7)):
        lever = f'id = "cut"\nkind = "rent-cut"\nzones = ["jingxi"]\nshare = {share}\nfrom = "2025-01"\n'
        (tmp_path / f"{name}.toml").write_text(
            f'name = "{name}"\nextends = "baseline"\n[[policies]]\n{lever}', encoding="utf-8"
        )
    text = 'scenarios = ["baseline", "low.toml", "high.toml"]\nseeds = 1\nmonths = 12\n[design]\nmethod = "zip"\n'
    axis = '[[design.axes]]\nkey = "policies.cut.share"\nfactor = true\nvalues = [0.5, {most}]\n'
    assert len(study(text + axis.format(most=1.25)).points) == 2
    assert "must lie between" in problems(study, text + axis.format(most=2.0))[0][3]


def test_the_shipped_study_is_what_it_says():
    found = Study.load("scenarios/studies/outside-pull.toml")
    assert found.runs == 3 * 64 * 5


def test_points_of_a_csv_file(study, tmp_path):
    (tmp_path / "points.csv").write_text(
        "births.outside_pull,access.self_spillover\n0.25,true\n0.5,false\n", encoding="utf-8"
    )
    found = study(HEAD + '[design]\nmethod = "csv"\nfile = "points.csv"\n')
    assert found.points == ({"births.outside_pull": 0.25, "access.self_spillover": True},
                            {"births.outside_pull": 0.5, "access.self_spillover": False})  # fmt: skip


def test_spaces_around_the_keys_of_a_file_of_points_mean_as_little_as_around_its_values(study, tmp_path):
    (tmp_path / "points.csv").write_text(
        "births.outside_pull, births.heredity\n0.25, 0.5\n", encoding="utf-8"
    )
    found = study(HEAD + '[design]\nmethod = "csv"\nfile = "points.csv"\n')
    assert found.points == ({"births.outside_pull": 0.25, "births.heredity": 0.5},)


def test_a_study_of_many_runs_is_confirmed_before_its_points_are_made(study):
    axes = "".join(
        f'[[design.axes]]\nkey = "births.{key}"\n' for key in ("outside_pull", "outside_weight", "heredity")
    )
    text = HEAD + f'[design]\nmethod = "grid"\nlevels = 10000\n{axes}'
    for confirmed in (False, True):
        with pytest.raises(ScenarioError, match=r"1,000,000,000,000 points, more than 10,000,000$"):
            study(text, confirmed=confirmed)
    many = 'scenarios = ["baseline"]\nseeds = 100000\n[design]\nmethod = "grid"\nlevels = 11\n[[design.axes]]\nkey = "births.heredity"\n'
    with pytest.raises(ScenarioError, match="1,100,000 runs, more than 1,000,000"):
        study(many)
    assert study(many, confirmed=True).runs == 1_100_000


def test_runs_that_a_study_asks_for_beside_its_scenarios_are_confirmed_too(study):
    asked = 'scenarios = ["baseline", "rent-cut"]\nseeds = {seeds}\ncontrols = true\ndoses = [0.5]\nworlds = ["outside-rises"]\n'
    assert study(asked.format(seeds=100_000)).runs == 200_000
    many = (
        asked.format(seeds=100_000)
        + '[design]\nmethod = "grid"\n[[design.axes]]\nkey = "births.heredity"\nvalues = [0.1, 0.2]\n'
    )
    with pytest.raises(ScenarioError, match="1,600,000 runs, more than 1,000,000"):
        study(many)


def test_runs_at_the_points_of_a_file_are_confirmed_too(study, tmp_path):
    rows = "\n".join(str(i / 1e6) for i in range(11))
    (tmp_path / "points.csv").write_text(f"births.heredity\n{rows}\n", encoding="utf-8")
    text = 'scenarios = ["baseline"]\nseeds = 100000\n[design]\nmethod = "csv"\nfile = "points.csv"\n'
    with pytest.raises(ScenarioError, match="1,100,000 runs, more than 1,000,000"):
        study(text)


PARKS = 'name = "Parks"\nmonths = 12\n[world]\nkind = "line"\nparks = 2\nstartups = [20, 5]\n'
FROM_SET = 'scenarios = ["parks.toml"]\nseeds = 2\n[design]\nmethod = "accepted"\n'


@pytest.fixture
def small_set(tmp_path):
    """Return an accepted set of a made world, beside which both lie in files: four vectors, one weighing nothing."""
    (tmp_path / "parks.toml").write_text(PARKS, encoding="utf-8")
    keys = ("location.rent_sensitivity", "finance.round_probability")  # a number, and a factor on a table
    values = np.array([[0.5, 0.8], [1.0, 0.9], [1.5, 1.1], [2.0, 1.2]])
    ensemble = Ensemble(
        keys, frozenset(keys[1:]), values, np.array([0.5, 0.25, 0.25, 0.0]), np.arange(4.0), {"t": values[:, 0]},
        np.arange(4) == 0, {"epsilon": 1.0})  # fmt: skip
    write(ensemble, tmp_path / "set.parquet")
    return ensemble


def test_points_of_an_accepted_set_are_its_vectors_and_factors_multiply(study, small_set):
    found = study(FROM_SET + 'points = 2\nfile = "set.parquet"\n')
    assert found.points == (
        small_set.point(0),
        small_set.point(1),
    )  # at a quarter and three quarters of the weights
    assert found.runs == 1 * 2 * 2
    assert [axis.factor for axis in found.axes] == [False, True]
    own = found.scenarios["parks"].finance.round_probability
    applied = found.applied("parks", found.points[1])
    assert applied.location.rent_sensitivity == 1.0
    assert np.array(applied.finance.round_probability) == pytest.approx(0.9 * np.array(own))


def test_runs_of_an_accepted_set_are_those_of_its_vectors_and_tell_two_uncertainties(
    study, small_set, tmp_path
):
    from sim.batch import run_once
    from sim.evaluation.evaluate import evaluate
    from sim.store import Store
    from sim.studies import run_study

    cut = 'id = "cut"\nkind = "rent-cut"\nzones = ["park-2"]\nshare = 0.5\nfrom = "2025-01"\n'
    (tmp_path / "cut.toml").write_text(
        f'name = "Cut"\nextends = "parks.toml"\n[[policies]]\n{cut}', encoding="utf-8"
    )
    text = FROM_SET.replace('"parks.toml"', '"parks.toml", "cut.toml"').replace("seeds", "months = 6\nseeds")
    found = study('baseline = "parks"\n' + text + 'points = 2\nfile = "set.parquet"\n')
    assert run_study(found, tmp_path / "out", 0) == []
    own = Scenario.load(tmp_path / "cut.toml")
    row = [0.9 * chance for chance in own.finance.round_probability]
    by_hand = own.with_values({"location.rent_sensitivity": 1.0, "finance.round_probability": row})
    rows = Store(tmp_path / "out").outcomes().to_pylist()
    (kept,) = [row for row in rows if (row["scenario"], row["point"], row["seed"]) == ("cut", 1, 2)]
    (once,) = run_once(by_hand, 2, 6).outcomes.to_pylist()
    assert {key: kept[key] for key in ("startups_region", "deals", "rd_heads_region")} == {
        key: once[key] for key in ("startups_region", "deals", "rd_heads_region")
    }
    (policy,) = evaluate(tmp_path / "out").policies
    assert {(row.vectors, row.seeds) for row in policy.decomposition} == {(2, 2)}


def test_without_a_file_the_points_are_those_of_the_set_of_the_world(study):
    found = study(HEAD + '[design]\nmethod = "accepted"\npoints = 7\n')
    assert found.points == Ensemble.of("haidian").points(7)


def test_a_seed_draws_other_vectors_of_a_set(study):
    text = HEAD + '[design]\nmethod = "accepted"\npoints = 7\n'
    assert study(text + "seed = 3\n").points == study(text + "seed = 3\n").points
    assert study(text + "seed = 3\n").points != study(text + "seed = 4\n").points


def test_vectors_are_drawn_as_often_as_they_weigh(small_set):
    drawn = [from_accepted(small_set, 1, seed)[1][0]["location.rent_sensitivity"] for seed in range(2000)]
    share = np.array([drawn.count(value) / 2000 for value in (0.5, 1.0, 1.5, 2.0)])
    assert share == pytest.approx(small_set.weights, abs=0.05)  # four standard errors
    assert share[3] == 0


@pytest.mark.parametrize(
    ("design", "line", "column", "key", "told"),
    [
        ('points = 4\nfile = "set.parquet"', 5, 1, "design.points", "gives 3 different vectors"),
        ('file = "set.parquet"', 3, 1, "design", "gives 3 different vectors"),
        ('points = 0\nfile = "set.parquet"', 5, 1, "design.points", "must lie between 1"),
        ('seed = -1\nfile = "set.parquet"', 5, 1, "design.seed", "must be"),
        ("points = 2", 4, 1, "design.method", "a made world has no accepted set"),
        ('file = "parks.toml"', 5, 1, "design.file", "cannot be read"),
        ('file = "none.parquet"', 5, 1, "design.file", "no accepted set; sim calibrate makes one"),
        ('file = "../set.parquet"', 5, 1, "design.file", "inside this file's folder"),
        ("point = 2", 5, 1, "design.point", 'did you mean "points"'),
        ("levels = 3", 5, 1, "design.levels", "does not read it, but points, seed, file"),
    ],
)
def test_what_is_wrong_with_an_accepted_design_is_said_at_its_place(
    study, small_set, design, line, column, key, told
):
    found = problems(study, FROM_SET + design + "\n")
    assert (line, column, key) in [place[:3] for place in found]
    assert told in "; ".join(message for *_place, message in found)


def test_moments_of_a_made_world_are_refused(study, small_set):
    text = 'scenarios = ["parks.toml"]\nseeds = 1\n[keep]\nmoments = true\n'
    assert problems(study, text) == [(4, 1, "keep.moments", "only shipped worlds have targets")]


def test_a_key_that_a_method_does_not_read_is_refused(study):
    text = '[design]\nmethod = "grid"\nseed = 2\n[[design.axes]]\nkey = "births.heredity"\n'
    assert problems(study, HEAD + text)[0][2:] == (
        "design.seed",
        "method grid does not read it, but axes, levels",
    )


@pytest.mark.parametrize(
    ("text", "line", "key", "told"),
    [
        ("seeds = 1\n", 1, "scenarios", "required key is missing"),
        ('scenarios = ["baseline"]\n', 1, "seeds", "required key is missing"),
        ('scenarios = ["baseline"]\nseeds = 1\nsedes = 2\n', 3, "sedes", 'did you mean "seeds"'),
        ('scenarios = ["baseline"]\nseeds = 0\n', 2, "seeds", "must be 1 to 100000"),
        ('scenarios = ["baseline"]\nseeds = [1, 1]\n', 2, "seeds", "different whole numbers"),
        ('scenarios = ["baseline", "baseline"]\nseeds = 1\n', 1, "scenarios[1]", "stands twice"),
        (HEAD + "[keep]\nserie = true\n", 5, "keep.serie", 'did you mean "series"'),
        (HEAD + 'baseline = "rentcut"\n', 4, "baseline", 'did you mean "rent-cut"'),
        (HEAD.replace("12", "121"), 3, "months", "the scenarios have 120 months"),
        (
            HEAD + "equal_budget = { present_value_rmb = 1e8, years = 2 }\n",
            3,
            "months",
            "must be 24, the months of the budget",
        ),
        (
            HEAD + "equal_budget = { present_value_rmb = 1e8, years = 11 }\n",
            4,
            "equal_budget.years",
            "the scenarios have 120",
        ),
        (HEAD + '[design]\nmethod = "grid"\n', 4, "design.axes", "what is varied"),
        (HEAD + '[design]\nmethod = "lattice"\n', 5, "design.method", "must be"),
        (HEAD + '[design]\nmethod = "csv"\n', 4, "design.file", "the CSV file"),
        (
            HEAD + '[design]\nmethod = "csv"\nfile = "../points.csv"\n',
            6,
            "design.file",
            "inside this file's folder",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_line_and_key(study, text, line, key, told):
    found = problems(study, text)
    assert [(at, name) for at, _column, name, _message in found] == [(line, key)]
    assert told in found[0][3]


@pytest.mark.parametrize(
    ("axis", "told"),
    [
        ('key = "births.outside_pul"', 'did you mean "births.outside_pull"'),
        ('key = "births.outside_pull"\nlow = 2.0\nhigh = 1.0', "needs low < high"),
        ('key = "births.outside_pull"\nlow = 0.0\nhigh = 1.0\nscale = "log"', "0 < low < high"),
        ('key = "births.outside_pull"\nlow = -3.0\nhigh = 1.0', "must lie between"),
        ('key = "births.heredity"\nvalues = [0.5, "much"]', "must be a number"),
        ('key = "location.lease_reserve"\nvalues = [true]', "must be a number"),
        ('key = "policies.north-latitude-rent.share"', "needs low and high"),
        ('key = "finance.search_months"\nlow = 1.5\nhigh = 3', "whole numbers"),
        ('key = "social_form"', "no scenario of the study has this key"),
        ('key = "finance.search_months"\nvalues = [2, 2.5, 3]', "must be a whole number"),
        ('key = "months"\nvalues = [6, 12]', "do not depend on this key"),
        ('key = "name"\nvalues = ["a", "b"]', "do not depend on this key"),
        ('key = "policies.north-latitude-rent.id"\nvalues = ["a", "b"]', "do not depend on this key"),
        ('key = "location.social_form"\nfactor = true\nvalues = [2.0]', "cannot be multiplied"),
        ('key = "births.heredity"\nvalues = [0.1, 0.5]\nlow = 0.2', "means nothing for words"),
        ('key = "location.social_form"\nhigh = 2', "means nothing for words"),
        ('key = "births.heredity"\nvalues = [0.0, 0.5]\nscale = "log"', "above 0 on a log scale"),
        ('key = "location.social_form"\nvalues = ["log"]\nscale = "log"', "above 0 on a log scale"),
        ('key = "location.social_form"\nscale = "log"', "above 0 on a log scale"),
    ],
)
def test_what_is_wrong_with_an_axis_is_said_at_the_axis(study, axis, told):
    found = problems(study, HEAD + f'[design]\nmethod = "grid"\n[[design.axes]]\n{axis}\n')
    assert all(
        line in (6, 7, 8, 9) and key.startswith("design.axes[0]") for line, _column, key, _message in found
    )
    assert told in found[0][3]


def test_points_that_meet_between_few_whole_numbers_come_with_a_way_out(study):
    few = '[[design.axes]]\nkey = "finance.search_months"\nlow = 2\nhigh = 4\n'
    said = problems(study, HEAD + '[design]\nmethod = "lhs"\npoints = 8\n' + few)[0][3]
    assert said.startswith("5 points stand twice: take fewer points")
    assert len(study(HEAD + '[design]\nmethod = "lhs"\npoints = 3\n' + few).points) == 3
    assert len(study(HEAD + '[design]\nmethod = "grid"\n' + few).points) == 3


def test_a_range_of_what_a_lever_leaves_open_keeps_to_whole_numbers(study):
    axis = '[[design.axes]]\nkey = "policies.{}.months"\nlow = {}\nhigh = 30\n'
    head = HEAD + '[design]\nmethod = "lhs"\npoints = 5\n'
    lever = next(lever for lever in Scenario.load("rent-cut").policies if lever.months is None).id
    months = [point[f"policies.{lever}.months"] for point in study(head + axis.format(lever, 6)).points]
    assert all(type(n) is int and 6 <= n <= 30 for n in months)
    assert "takes whole numbers only" in problems(study, head + axis.format(lever, 6.5))[0][3]


def test_zip_needs_lists_of_one_length(study):
    text = '[design]\nmethod = "zip"\n[[design.axes]]\nkey = "births.heredity"\nvalues = [0.1, 0.2]\n[[design.axes]]\nkey = "births.outside_pull"\nvalues = [0.1]\n'
    assert "as many values" in problems(study, HEAD + text)[0][3]


@pytest.mark.parametrize(
    ("text", "told"),
    [("births.heredity\n", "at least one point"), ("births.heredity\n0.1,0.2\n", "has 2 cells, the keys are 1"),
     ("births.hereditary\n0.1\n", 'did you mean "births.heredity"'), ("births.heredity\n0.1\n0.1\n", "1 points stand twice"),
     ("births.heredity\nmuch\n", "must be a number"), ("births.heredity\n7\n", "must lie between"),
     ("births.heredity,births.heredity\n0.1,0.6\n", "the key births.heredity stands twice"),
     ("finance.search_months\n2\n2.5\n3\n", "finance.search_months = 2.5: must be a whole number"),
     ("finance.search_months,births.heredity\n2,0.1\n2.0,0.2\n3,0.3\n", "finance.search_months = 2.0: must be a whole"),
     ("months\n6\n", "months: the runs of a study do not depend on this key")],
)  # fmt: skip
def test_what_is_wrong_with_points_of_a_file_is_said(study, tmp_path, text, told):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    assert told in problems(study, HEAD + '[design]\nmethod = "csv"\nfile = "points.csv"\n')[0][3]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("births.heredity\n0.1\n\n0.2\n7\n", 5),
        ("births.heredity\n0.1\n\n0.2,0.3\n", 4),
        ("\n\nbirths.heredity,births.heredity\n0.1,0.2\n", 3),
    ],
)
def test_what_is_wrong_in_a_file_of_points_is_said_at_its_line_blank_ones_counted(
    study, tmp_path, text, line
):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as wrong:
        study(HEAD + '[design]\nmethod = "csv"\nfile = "points.csv"\n')
    (problem,) = wrong.value.problems
    assert (problem.path, problem.line) == ("points.csv", line)


def test_a_point_that_a_scenario_does_not_allow_is_refused():
    with pytest.raises(ScenarioError, match="must lie between"):
        at_point(Scenario.load("baseline"), {"births.heredity": 9.0}, set())


def test_a_broken_scenario_is_told_with_its_own_place(study, tmp_path):
    (tmp_path / "broken.toml").write_text('name = "x"\nextends = "baseline"\nmonts = 3\n', encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        study('scenarios = ["broken.toml"]\nseeds = 1\n')
    assert [(p.path.endswith("broken.toml"), p.line) for p in caught.value.problems] == [(True, 3)]


def test_plans_are_the_same_bytes_for_the_same_file(study):
    from sim.plan import Plan
    from sim.studies import plan_of

    text = HEAD + '[design]\nmethod = "sobol"\npoints = 8\n[[design.axes]]\nkey = "births.heredity"\n'
    one, two = plan_of(study(text)), plan_of(study(text))
    assert one.text == two.text
    assert isinstance(one, Plan)
    assert json.loads(one.text)["scenarios"][0]["axes"] == ["births.heredity"]


RUBBISH = [b"[" * 100_000, b"seeds = " + b"9" * 20_000, b"seeds = nan", b"seeds = -inf", b"\xff\xfe\x00a", b"a\x00b",
           b"\xef\xbb\xbf\xef\xbb\xbfseeds = 1", b"#" * 50_000_000, b"seeds = 1\nseeds = 2", b"", b"\xc3\x28", b"=",
           b"seeds = 1000000000000", b'scenarios = "baseline"\nseeds = true', b"[design]\nmethod = 1\naxes = 3",
           b'name = "a\\u001b[2J"\nseeds = 1\nscenarios = ["baseline"]',
           b'scenarios = ["\\u202e.toml", "/dev/zero", "/etc/hosts", "https://example.org/a.toml"]\nseeds = 1']  # fmt: skip


@pytest.mark.parametrize("content", RUBBISH, ids=[f"{text[:24]!r}" for text in RUBBISH])
def test_rubbish_is_told_with_its_place_and_shows_nothing_hidden(tmp_path, content):
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        Study.load(path)
    assert all(problem.line is None or problem.line >= 1 for problem in caught.value.problems)
    assert not set("\x1b\x00\u202e") & set(str(caught.value))


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_study_or_told(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    with contextlib.suppress(ScenarioError):
        Study.load(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "values", "low", "x"]), inner)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=50)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "scenarios": st.just(["baseline"]) | VALUES,
            "seeds": st.integers(1, 3) | VALUES,
            "months": VALUES,
            "keep": VALUES,
            "design": VALUES | st.fixed_dictionaries(
                {"method": st.sampled_from(["grid", "zip", "lhs", "csv"]), "axes": st.lists(VALUES, max_size=2)},
                optional={"points": VALUES, "levels": st.integers(-1, 3), "file": VALUES}),
        },
    )
)  # fmt: skip
def test_any_keys_and_values_are_a_study_or_told(tmp_path_factory, said):
    path = tmp_path_factory.getbasetemp() / "keys.toml"
    path.write_text(as_toml(said), encoding="utf-8")
    with contextlib.suppress(ScenarioError):
        Study.load(path)


def as_toml(value, top=True):
    """Return a value as TOML, tables in line."""
    if isinstance(value, dict):
        pairs = [
            f"{json.dumps(key)} = {as_toml(part, False)}" for key, part in value.items() if part is not None
        ]
        return "\n".join(pairs) if top else "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(part, False) for part in value if part is not None) + "]"
    if isinstance(value, str):
        return json.dumps(value)
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf") if value is not None else "0"


@pytest.mark.parametrize(
    "name", ["/etc/hosts", "../points.csv", "link.csv", "linked/points.csv", "none.csv", ".", "\u202e"]
)
def test_points_come_from_the_folder_only(study, tmp_path, name):
    outside = tmp_path.parent / "points.csv"
    outside.write_text("births.heredity\n0.1\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(outside)
    (tmp_path / "linked").symlink_to(tmp_path.parent)
    found = problems(study, HEAD + f'[design]\nmethod = "csv"\nfile = {json.dumps(name)}\n')
    assert [key for _line, _column, key, _message in found] == ["design.file"]
