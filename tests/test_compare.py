"""The command and the function that compare policies, on small runs of the real model."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

import sim.batch
from sim import Scenario, ScenarioError, compare
from sim.__main__ import cli
from sim.effects import ComparisonError, Interrupted
from sim.model import ClusterModel
from sim.paired import FROM_ACCOUNT
from sim.store import Store
from sim.work import Work

MONTHS = 8


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Return a function that compares in a folder of its own; the kernels are not compiled apart."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sim.batch, "compile_kernels", lambda *_a: None)

    def call(policies=("rent-cut",), seeds=2, workers=0, **options):
        return compare(
            list(policies),
            seeds=seeds,
            months=MONTHS,
            workers=workers,
            figures=False,
            controls=False,
            **options,
        )

    return call


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that runs the command in a folder of its own, without drawing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sim.batch, "compile_kernels", lambda *_a: None)
    monkeypatch.setattr("sim.paired.Comparison.draw", lambda _self: None)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def no_runs(monkeypatch):
    """Fail if any run is begun."""
    monkeypatch.setattr(Work, "attempt", lambda _self, _arm: pytest.fail("a run began"))


def test_what_the_runs_do_not_reach_is_a_dash_in_the_table(small):
    rows = [line.split() for line in small().table().splitlines()]
    (row,) = [row for row in rows if row[:4] == ["top", "kept", "share", "10y"]]
    assert row[5:] == ["–", "–"]  # baseline and policy


def test_a_policy_of_zero_strength_is_exactly_zero_everywhere(small):
    idle = Scenario.load("rent-cut").with_values({"policies.north-latitude-rent.share": 0.0})
    told = small([idle], seeds=5).to_dict()
    effects = told["scenarios"]["rent-cut"]
    assert {value for effect in effects.values() for value in effect.values()} <= {0, None}
    assert effects["startups_region"] == {"mean": 0, "low": 0, "high": 0}
    assert {effects[name]["mean"] for name in FROM_ACCOUNT} == {0}
    assert effects["cost_per_net_startup_rmb"] == {"mean": None, "low": None, "high": None}
    assert told["levels"]["rent-cut"]["gross_startups"]["mean"] > 0


def test_a_rent_cut_moves_startups_and_the_account_adds_up(small):
    cut = Scenario.load("rent-cut").with_values({"policies.north-latitude-rent.from": "2025-01"})
    found = small([cut]).intervals["rent-cut"]
    gain = (
        found["displaced_startups"].mean
        + found["attracted_startups"].mean
        - found["lost_treated_startups"].mean
    )
    assert found["startups_treated_zones"].mean > 0
    assert found["displaced_startups"].mean > 0
    assert gain >= found["startups_treated_zones"].mean
    assert found["public_cost_rmb"].mean > found["public_cost_pv_rmb"].mean > 0
    assert 0 < found["windfall_share"].mean < 1


def test_the_months_of_the_labour_market_and_of_compute_are_kept_as_the_runs_have_them(small):
    small(seeds=2, out="kept")
    kept, ends = Store("kept").region(), Store("kept").outcomes()
    last = kept.filter(pc.equal(kept["month"], MONTHS - 1))
    assert kept.num_rows == 2 * 2 * MONTHS
    assert last["seed"].to_pylist() == ends["seed"].to_pylist() == [1, 2, 1, 2]
    assert last["wage_index"].to_pylist() == ends["wage_index"].to_pylist()
    run = ClusterModel.from_scenario(Scenario.load("rent-cut"), seed=2).run(MONTHS)
    mine = kept.filter(pc.and_(pc.equal(kept["scenario"], "rent-cut"), pc.equal(kept["seed"], 2)))
    for name in ("posts_heads", "compute_price", "founded_outside_app"):
        assert mine[name].to_pylist() == run.region[name].to_pylist()
        assert len(set(mine[name].to_pylist())) > 1


def test_the_digest_does_not_depend_on_the_number_of_processes(small):
    digests = {small(seeds=2, workers=n, out=f"with-{n}").digest for n in (0, 1, 2)}
    assert len(digests) == 1


def test_an_interrupted_comparison_goes_on_where_it_stopped(small, monkeypatch):
    whole = small(out="whole").digest
    done, attempt = [], Work.attempt

    def interrupted(self, arm):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(arm.run)
        return attempt(self, arm)

    monkeypatch.setattr(Work, "attempt", interrupted)
    with pytest.raises(Interrupted, match="3 finished runs are kept in results") as caught:
        small()
    monkeypatch.setattr(Work, "attempt", lambda self, arm: done.append(arm.run) or attempt(self, arm))
    again = small()
    assert len(done) == len(set(done)) == 4
    assert again.digest == whole
    assert again.folder == caught.value.folder


def test_more_seeds_in_the_same_folder_only_add_runs(small, monkeypatch):
    small(seeds=1, out="grows")
    begun, attempt = [], Work.attempt
    monkeypatch.setattr(Work, "attempt", lambda self, arm: begun.append(arm.seed) or attempt(self, arm))
    small(seeds=2, out="grows")
    assert begun == [2, 2]


def test_a_damaged_shard_is_run_again(small, capsys):
    first = small(out="here")
    path = next((first.folder / "shards").glob("series-*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    again = small(out="here")
    assert again.digest == first.digest
    assert path.name in capsys.readouterr().err


def test_a_run_that_fails_is_named_and_left_out_of_its_pair_only(command, monkeypatch):
    build = ClusterModel.from_scenario.__func__

    def fail(cls, scenario, seed=1, cell_km=None):
        if seed == 2 and scenario.id == "rent-cut":
            raise ZeroDivisionError("no firm left")
        return build(cls, scenario, seed, cell_km)

    monkeypatch.setattr(ClusterModel, "from_scenario", classmethod(fail))
    result = command(
        "compare",
        "rent-cut",
        "--seeds",
        2,
        "--months",
        2,
        "--workers",
        0,
        "--out",
        "here",
        "--json",
        "--no-controls",
    )
    assert result.exit_code == 1
    assert "failed: rent-cut, seed 2: ZeroDivisionError: no firm left" in result.stderr
    assert json.loads(result.stdout)["levels"]["rent-cut"]["missing_seeds"] == [2]
    failure = json.loads(pathlib.Path("here/failures.jsonl").read_text())
    assert (failure["scenario"], failure["seed"]) == ("rent-cut", 2)
    assert "Traceback" in failure["traceback"]
    assert os.path.dirname(os.path.dirname(sim.batch.__file__)) not in failure["traceback"]
    assert len(Store("here").finished()) == 3


def test_if_every_run_fails_nothing_is_claimed(command, monkeypatch):
    def fail(_cls, _scenario, seed=1, cell_km=None):
        raise ValueError("\x1b[2Jno")

    monkeypatch.setattr(ClusterModel, "from_scenario", classmethod(fail))
    result = command(
        "compare", "rent-cut", "--seeds", 6, "--months", 2, "--workers", 0, "--out", "here", "--no-controls"
    )
    assert result.exit_code == 1
    assert result.stdout.startswith("rent-cut: no finished pair of runs")
    assert "12 failed" in result.stdout
    assert "\x1b" not in result.output


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_ended_from_outside_leaves_no_process_and_goes_on_to_the_same_bytes(
    tmp_path, number
):
    words = [
        sys.executable,
        "-m",
        "sim",
        "compare",
        "rent-cut",
        "--seeds",
        "6",
        "--months",
        "60",
        "--workers",
        "2",
    ]
    words += ["--json", "--out"]
    options = {"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    whole = subprocess.run([*words, "whole"], check=True, **options).stdout
    with subprocess.Popen([*words, "cut"], start_new_session=True, **options) as process:
        while not list(tmp_path.glob("cut/shards/outcomes-*")) and process.poll() is None:
            time.sleep(0.05)
        begin = time.monotonic()
        process.send_signal(number)
        _out, said = process.communicate()  # returns when the last process has closed the pipe
    assert time.monotonic() - begin < 50
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "go on with: sim compare rent-cut" in said
    assert subprocess.run([*words, "cut"], check=True, **options).stdout == whole


def test_a_folder_that_cannot_be_written_is_told_before_any_run(command, no_runs, tmp_path):
    (tmp_path / "taken").write_text("a file")
    for out in ("taken", "taken/inside"):
        result = command("compare", "rent-cut", "--workers", 0, "--out", out)
        assert result.exit_code == 4
        assert "taken" in result.stderr
        assert command("run", "baseline", "--out", out).exit_code == 4


def test_a_folder_in_use_is_exit_75(command, no_runs, small, tmp_path):
    import fcntl

    (tmp_path / "here").mkdir()
    with open("here/.lock", "w") as lock:
        lock.write("123 on elsewhere")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = command("compare", "rent-cut", "--out", "here")
    assert result.exit_code == 75
    assert "123 on elsewhere" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-policy",), ("baseline",), ("--seeds", 0), ("--months", 121), ("--months", 0), ("--workers", -1),
        ("--baseline", "no-such"),
    ],
)  # fmt: skip
def test_bad_input_is_exit_2_before_any_run(command, no_runs, words):
    result = command("compare", *words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_scenarios_of_other_months_or_start_are_refused_with_the_key(no_runs):
    cut = Scenario.load("rent-cut")
    with pytest.raises(ComparisonError, match="months is 60 and 120"):
        compare([cut.with_values({"months": 60})])
    with pytest.raises(ComparisonError, match="start is 2025-02 and 2025-01"):
        compare([cut.with_values({"start": "2025-02"})])
    with pytest.raises(ComparisonError, match="two different scenarios are called rent-cut"):
        compare([cut, cut.with_values({"policies.north-latitude-rent.share": 0.1})])
    with pytest.raises(ComparisonError, match="seeds"):
        compare(["rent-cut"], seeds=[1, 1])
    with pytest.raises(ScenarioError, match="no scenario of this name"):
        compare(["rent-cutt"])


def test_the_command_prints_one_sentence_a_policy_then_the_table(command):
    words = ("compare", "baseline", "north-space", "rent-cut", "--seeds", 2, "--months", 3, "--workers", 0)
    result = command(*words)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(
        "north-space: 0 startups in the region by the end of month 3 (provisional: no interval from fewer than 5"
    )
    assert lines[1].startswith("rent-cut: ")
    assert any(line.startswith("startups region") for line in lines)
    assert (
        "rent-cut: north-latitude-rent never acted in the 3 months simulated: it begins later, or nobody was eligible"
        in lines
    )
    folder = next(line for line in lines if line.startswith("results: ")).removeprefix("results: ")
    assert folder.startswith("results/north-space-")
    manifest = json.loads(pathlib.Path(folder, "manifest.json").read_text())
    assert "extends" in manifest["scenario_files"]["rent-cut"]
    assert os.getcwd() not in json.dumps(manifest)
    assert set(manifest["fingerprints"]) == {
        "baseline",
        "north-space",
        "rent-cut",
        "placebo",
        "cash-benchmark",
    }
    again = command(*words, "--json")
    assert json.loads(again.stdout)["seeds"] == 2


def test_one_run_is_told_as_a_story(command):
    result = command("run", "baseline", "--seed", 3, "--months", 2, "--out", "tables")
    assert result.exit_code == 0
    assert "one seed is a story, not a result" in result.stdout
    tables = [f"{n}.parquet" for n in ("costs", "outcomes", "presence", "region", "series")]
    assert sorted(os.listdir("tables")) == sorted([*tables, "scenario.png", "scenario.svg"])
    told = json.loads(command("run", "baseline", "--seed", 3, "--months", 2, "--json").stdout)
    assert told["outcomes"]["startups_region"] > 1000
    assert command("run", "baseline", "--months", 121).exit_code == 2


def test_a_run_in_which_nobody_enters_is_told_without_a_page_of_entrants(command):
    pathlib.Path("quiet.toml").write_text(
        'name = "Nobody founds"\nmonths = 3\nworld = { kind = "line", parks = 2, gap_cells = 4, startups = [0, 0] }\n'
        "[births]\nindependents_per_month = 0\nspinoff_per_month = 0\n",
        encoding="utf-8",
    )
    result = command("run", "quiet.toml", "--out", "tables")
    assert result.exit_code == 0, result.output
    assert "one seed is a story, not a result" in result.stdout
    assert "no page of figures: nobody found first rooms early in the run" in result.stderr
    assert not list(pathlib.Path("tables").glob("scenario.*"))


@pytest.mark.parametrize(("lang", "tag", "name"), [("en", "en", "Baseline"), ("zh", "zh-Hans", "基准情景")])
def test_the_page_of_a_run_speaks_the_language_of_its_command(command, monkeypatch, lang, tag, name):
    monkeypatch.setenv("SIM_LANG", "en")
    assert command("run", "baseline", "--months", 2, "--out", "tables", "--lang", lang).exit_code == 0
    root = ET.parse(pathlib.Path("tables", "scenario.svg")).getroot()
    assert root.get("lang") == tag
    assert root[0].text.startswith(name)


@pytest.mark.parametrize("workers", [-1, 1.5, "two", 2000])
def test_a_number_of_workers_that_cannot_be_is_refused(workers, tmp_path):
    with pytest.raises(ComparisonError, match="workers: must be 0 to"):
        compare("rent-cut", seeds=2, months=2, workers=workers, out=tmp_path)


@pytest.mark.parametrize("seeds", [2.0, [1.5, 2], "12", [], None])
def test_seeds_that_are_no_whole_numbers_are_refused(seeds, tmp_path):
    with pytest.raises(ComparisonError, match="seeds: must be"):
        compare("rent-cut", seeds=seeds, months=2, workers=0, out=tmp_path)
