"""The commands on studies, on small runs of the real model: a made town of a few dozen startups."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from test_bits import LIBM

import sim.batch
from sim import Scenario
from sim.__main__ import cli
from sim.plan import Plan
from sim.problems import shown
from sim.report import write_report
from sim.store import Store
from sim.studies import merge, plan_of, run_study, status
from sim.study_files import Study
from sim.work import read_work

ROOT = pathlib.Path(__file__).parents[1]
TOWN = 'name = "Town"\nmonths = 4\n[world]\nkind = "line"\nparks = 3\npark_cells = 1\nstartups = [12, 4, 4]\n'
DEAR = 'name = "Dear town"\nextends = "town.toml"\n[operations]\nseparation_per_month = 0.03\n'
STUDY = """scenarios = ["town.toml", "dear.toml"]
seeds = 2
[design]
method = "zip"
[[design.axes]]
key = "operations.wage_wan_head_month"
values = [1.0, 1.2]
"""


@pytest.fixture
def town(tmp_path, monkeypatch):
    """Return the path of a study file beside its scenarios, in a folder that is hard to spell."""
    monkeypatch.setattr(sim.batch, "compile_kernels", lambda *_a: None)
    folder = tmp_path / "研究 'a b'"
    folder.mkdir()
    for name, text in (("town", TOWN), ("dear", DEAR), ("study", STUDY)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder / "study.toml"


def command(*words):
    return CliRunner().invoke(cli, ["study", *map(str, words)])


def test_a_study_is_planned_done_checked_exported_and_done_again_bit_by_bit(town):
    told = json.loads(command("plan", town, "--no-probe", "--json").stdout)
    assert (told["runs"], told["points"], told["scenarios"]) == (8, 2, ["town", "dear"])
    dry = command("run", town, "--out", "results", "--dry-run").stdout
    assert "8 runs into results: 0 are done, 8 to do; nothing was done" in dry
    assert not os.path.exists("results")
    result = command("run", town, "--out", "results", "--workers", 0)
    assert result.exit_code == 0, result.output
    assert "8 of 8 runs are done" in result.stdout
    about = json.loads(command("status", "results", "--json").stdout)
    assert (about["complete"], about["missing"], about["failed"], about["damaged"]) == (True, 0, [], [])
    assert f"digest {about['digest']}" in result.stdout
    assert len({head.digest for head in Store("results").done().values()}) == 8
    again = command("verify", "results", "--sample", 3)
    assert again.exit_code == 0
    assert again.stdout.count("the same bits") == 3
    written = command("export", "results", "--out", "csv").stdout.splitlines()
    assert {pathlib.Path(path).name for path in written} == {
        "outcomes.csv", "series.csv", "region.csv", "presence.csv", "costs.csv", "points.csv"}  # fmt: skip
    assert pathlib.Path("csv/outcomes.csv").read_text().count("\n") == 9
    assert (
        "town, seed 2, 4 months"
        in command("rerun", "results", "--scenario", "town", "--seed", 2, "--point", 1).output
    )


def test_every_column_of_every_table_but_those_of_axes_says_its_unit_and_its_meaning(town):
    kept = "deals = true\nstartups = true\n"
    town.write_text(f"{STUDY}[keep]\n{kept}", encoding="utf-8")
    assert command("run", town, "--out", "results", "--workers", 0).exit_code == 0
    results = Store("results")
    for name in ("outcomes", *results.plan.keep, "points"):
        for field in getattr(results, name)().schema:
            if field.name != "operations.wage_wan_head_month":
                assert set(field.metadata or {}) == {b"unit", b"meaning"}, f"{name}: {field.name}"
    assert results.points().to_pydict() == {"point": [0, 1], "operations.wage_wan_head_month": [1.0, 1.2]}


def test_a_report_says_of_points_that_a_study_chose_that_it_chose_them(town):
    assert command("run", town, "--out", "results", "--workers", 0).exit_code == 0
    assert json.loads(pathlib.Path("results/manifest.json").read_text())["method"] == "zip"
    page = write_report("results").read_text()
    assert "2 points of the design, chosen by the study" in page
    assert "AI-startup clusters · Line of parks · policy comparison" in page


def test_a_dry_run_tells_what_the_folder_lacks_of_the_whole_study_and_searches_for_nothing(town):
    assert command("run", town, "--out", "results", "--workers", 0).exit_code == 0
    text = town.read_text().replace("seeds = 2", "seeds = 3").replace('town.toml"', 'town.toml"', 1)
    town.write_text(text)
    dry = command("run", town, "--out", "results", "--dry-run")
    assert "12 runs into results: 8 are done, 4 to do; nothing was done" in dry.stdout
    town.write_text("controls = true\n" + text)
    told = json.loads(command("plan", town, "--no-probe", "--json").stdout)
    dry = command("run", town, "--out", "other", "--dry-run")
    assert f"{told['runs']:,} runs into other: 0 are done" in dry.stdout
    assert told["runs"] > 12
    town.write_text(text.replace("1.2", "1.3"))
    dry = command("run", town, "--out", "results", "--dry-run")
    assert dry.exit_code == 2
    assert "another plan (design)" in dry.output
    assert not os.path.exists("other")


@pytest.mark.parametrize("seed", [99, -1, 0])
def test_a_run_with_a_seed_that_the_study_does_not_have_is_refused(town, seed):
    assert command("run", town, "--out", "results", "--workers", 0).exit_code == 0
    found = command("rerun", "results", "--scenario", "town", "--seed", seed)
    assert found.exit_code == 2
    assert "--seed: not among those of the study: 2, from 1 to 2" in found.output


def test_how_even_many_points_are_is_left_out_and_that_is_said(town, monkeypatch):
    monkeypatch.setattr("sim.designs.MOST_COMPARED", 2)
    text = town.read_text()
    for points, told in (
        ("1.0, 1.2", "is perfectly even"),
        ("1.0, 1.1, 1.2", "discrepancy left out: more than 2 points"),
    ):
        town.write_text(text.replace("1.0, 1.2", points))
        assert told in command("plan", town, "--no-probe").stdout


def test_a_stored_run_that_is_not_what_comes_out_again_is_damage(town, monkeypatch):
    from sim.work import Work

    honest = Work.simulate
    monkeypatch.setattr(Work, "simulate", lambda self, arm: ("0" * 64, honest(self, arm)[1]))
    assert command("run", town, "--out", "results", "--workers", 0).exit_code == 0
    monkeypatch.setattr(Work, "simulate", honest)
    result = command("verify", "results", "--sample", 1)
    assert result.exit_code == 3
    assert "DIFFERS" in result.stdout


def test_a_failed_run_is_named_with_month_and_a_command_that_does_it_again(town, monkeypatch):
    from sim.model import ClusterModel

    step = ClusterModel.step

    def fail(self):
        if self.seed_number == 2 and self.world.month == 2 and self.setup.id == "dear":
            raise ZeroDivisionError("no firm left")
        step(self)

    monkeypatch.setattr(ClusterModel, "step", fail)
    result = command("run", town, "--out", "results", "--workers", 0)
    assert result.exit_code == 1
    assert "6 of 8 runs are done" in result.stdout
    told = json.loads(command("status", "results", "--json").stdout)["failed"]
    assert [(f["scenario"], f["point"], f["seed"], f["month"]) for f in told] == [
        ("dear", 0, 2, 2), ("dear", 1, 2, 2)]  # fmt: skip
    words = told[1]["reproduce"].removeprefix("SIM_DEBUG=1 sim study ").split()
    monkeypatch.setenv("SIM_DEBUG", "1")
    assert isinstance(command(*words).exception, ZeroDivisionError)


def test_parts_are_done_apart_and_united(town):
    for part in ("2/2", "1/2"):
        assert command("worker", town, "--shard", part, "--out", "array", "--workers", 0).exit_code == 0
    result = command("merge", "array")
    assert result.exit_code == 0, result.output
    assert run_study(Study.load(town), "whole", workers=0) == []
    assert Store("array").digest() == Store("whole").digest()
    for bad in ("0/2", "3/2", "one/two", "2"):
        assert command("worker", town, "--shard", bad, "--out", "array").exit_code == 2


def test_parts_do_no_run_again_that_was_merged_whatever_was_added_and_how_many_they_are(town):
    for part in (1, 2):
        run_study(Study.load(town), "array", workers=0, part=(part, 2))
    merge("array")
    shutil.rmtree("array/parts")
    more = town.read_text(encoding="utf-8").replace("seeds = 2", "seeds = 3").replace("1.2]", "1.2, 1.4]")
    town.write_text(more, encoding="utf-8")
    for part in (1, 2, 3):
        assert (
            command("worker", town, "--shard", f"{part}/3", "--out", "array", "--workers", 0).exit_code == 0
        )
    assert sum(merge("array").values()) == 2 * 3 * 3 - 2 * 2 * 2
    assert status("array")["complete"]


def test_a_part_of_another_study_than_the_whole_is_refused_before_it_runs(town):
    run_study(Study.load(town), "array", workers=0, part=(1, 1))
    merge("array")
    town.write_text("months = 3\n" + town.read_text(encoding="utf-8"), encoding="utf-8")
    result = command("worker", town, "--shard", "1/2", "--out", "array", "--workers", 0)
    assert result.exit_code == 2
    assert "(months)" in result.output
    assert not pathlib.Path("array/parts/1-of-2").exists()


@pytest.mark.parametrize("words", [("status",), ("verify",), ("export",), ("rerun", "--scenario", "town", "--seed", 1)],
                         ids=lambda words: words[0])  # fmt: skip
def test_a_folder_that_only_holds_results_is_refused_with_the_one_that_was_meant(town, words):
    (town.parent / "results" / "first").mkdir(parents=True)
    (town.parent / "results" / "first" / "plan.json").touch()
    result = command(words[0], "results", *words[1:])
    assert result.exit_code == 2
    assert result.stderr == "results: no results of a study or a comparison; did you mean results/first?\n"


def test_a_missing_part_is_told_and_ends_with_1(town):
    assert command("worker", town, "--shard", "2/2", "--out", "array", "--workers", 0).exit_code == 0
    result = command("merge", "array")
    assert result.exit_code == 1
    assert "missing:" in result.stderr


def test_changed_sources_are_refused_and_named_and_old_results_are_still_read(town, monkeypatch):
    assert command("run", town, "--out", "results", "--workers", 0).exit_code == 0
    monkeypatch.setattr("sim.compiled.source_hash", lambda: "changed")
    for words in (("run", town, "--out", "results"), ("verify", "results")):
        result = command(*words)
        assert result.exit_code == 2
        assert "another plan (model)" in result.output or "other sources of sim" in result.output
    assert json.loads(command("status", "results", "--json").stdout)["complete"]


@pytest.mark.parametrize("scenario_id", Scenario.shipped())
def test_a_scenario_comes_out_of_a_plan_as_it_went_in(scenario_id, tmp_path):
    from sim.studies import content_of

    scenario = Scenario.load(scenario_id)
    plan = Plan(scenario_id, {scenario_id: content_of(scenario)}, (1,), 12, "model")
    (tmp_path / "plan.json").write_text(plan.text, encoding="utf-8")
    again = read_work(str(tmp_path)).scenarios[scenario_id]
    assert again.fingerprint == scenario.fingerprint
    assert again.model_dump() == scenario.model_dump()


def test_a_made_world_comes_out_of_a_plan_as_it_went_in(town):
    study = Study.load(town)
    pathlib.Path("results").mkdir()
    pathlib.Path("results/plan.json").write_text(plan_of(study).text, encoding="utf-8")
    work = read_work("results")
    assert {name: s.fingerprint for name, s in work.scenarios.items()} == {
        name: s.fingerprint for name, s in study.scenarios.items()
    }


def apart(town, out, workers, **environment):
    """Do the study in a process of its own; return its digest."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", "study", "run", str(town), "--out", out, "--workers", str(workers)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return status(out)["digest"]


@pytest.mark.fault
@pytest.mark.parametrize(
    ("workers", "environment"),
    [
        (0, {"LC_ALL": "C", "PYTHONHASHSEED": "0"}),
        (1, {"LC_ALL": "zh_CN.UTF-8", "PYTHONHASHSEED": "1"}),
        (2, {"LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "random"}),
        (4, {"GLIBC_TUNABLES": f"glibc.cpu.hwcaps={LIBM}"}),
        (2, {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3", "OPENBLAS_CORETYPE": "Prescott"}),
    ],
)
def test_the_digest_does_not_depend_on_workers_locale_hash_seed_or_processor(town, workers, environment):
    if "NPY_DISABLE_CPU_FEATURES" in environment:
        from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

        environment = environment | {
            "NPY_DISABLE_CPU_FEATURES": " ".join(f for f in __cpu_dispatch__ if __cpu_features__[f])
        }
    run_study(Study.load(town), "here", workers=0)
    assert apart(town, "there", workers, **environment) == status("here")["digest"]


@pytest.mark.fault
def test_the_digest_does_not_depend_on_the_executor_or_on_parts_in_any_order(town):
    pytest.importorskip("distributed", reason="no Dask: uv sync --extra dask")
    from sim.dask_executor import DaskExecutor

    study, digests = Study.load(town), {}
    for workers in (0, 1, 2, 4):
        assert run_study(study, f"with-{workers}", workers=workers) == []
        digests[workers] = status(f"with-{workers}")["digest"]
    assert run_study(study, "dask", executor=DaskExecutor(workers=2)) == []
    digests["dask"] = status("dask")["digest"]
    for order in ((1, 2, 3), (3, 1, 2), (2, 3, 1)):
        for i in order:
            run_study(study, f"array-{order}", workers=0, part=(i, 3))
            merge(f"array-{order}")
        digests[order] = status(f"array-{order}")["digest"]
    assert len(set(digests.values())) == 1, digests


@pytest.mark.fault
def test_the_script_for_slurm_does_every_part_and_goes_on(town):
    page = (ROOT / "docs/howto/run-a-study.md").read_text(encoding="utf-8")
    script = page.partition("<!-- file: study.sbatch -->\n```text\n")[2].partition("\n```")[0]
    assert "#SBATCH --array=1-3" in script
    script = script.replace("python -m uv run sim", f'"{sys.executable}" -m sim').replace(
        "rents.toml", "study.toml"
    )
    pathlib.Path("study.sbatch").write_text(script, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SLURM_CPUS_PER_TASK": "1"}
    # the second task is sent again alone: Slurm then counts the tasks of that array
    for task, count in (("3", "3"), ("1", "3"), ("2", "1"), ("1", "3")):
        slurm = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": count}
        subprocess.run(["bash", "study.sbatch"], env=environment | slurm, check=True)
    assert sorted(path.name for path in pathlib.Path("results/array/parts").iterdir()) == [
        f"{i}-of-3" for i in (1, 2, 3)
    ]
    merge("results/array")
    run_study(Study.load(town), "whole", workers=0)
    assert status("results/array")["complete"]
    assert status("results/array")["digest"] == status("whole")["digest"]


def test_a_path_and_a_command_to_copy_are_told_in_full_and_other_long_text_is_cut(town):
    folder = town.parent / ("far " * 40)
    assert str(folder) in shown(folder)
    assert shown(str(folder)).endswith("...")
    assert shown(pathlib.Path("a\x1b[2Jb")) == "a\\x1b[2Jb"
    assert command("run", town, "--out", folder, "--workers", 0).exit_code == 0
    (folder / "shards" / next(folder.glob("shards/*")).name).write_bytes(b"rubbish")
    assert str(folder) in command("export", folder, "--out", town.parent / "out").stderr
