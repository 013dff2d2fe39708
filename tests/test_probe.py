"""What a study is expected to take, beside what it takes."""

import os
import time

import pytest

import sim.batch
import sim.probe
from sim import warmup
from sim.probe import expected_cost
from sim.progress import Progress
from sim.studies import run_study
from sim.study_files import Study

TOWN = (
    'name = "Town"\nmonths = 24\n[world]\nkind = "line"\nparks = 3\npark_cells = 1\nstartups = [12, 4, 4]\n'
)
CUT = (
    'name = "Cut"\nextends = "town.toml"\n'
    '[[policies]]\nid = "cut"\nkind = "rent-cut"\nzones = ["park-2"]\nshare = 0.5\nfrom = "2025-01"\n'
)
STUDY = 'scenarios = ["town.toml", "cut.toml"]\nbaseline = "town"\nseeds = 6\n'
OUTCOMES_ALONE = "[keep]\nseries = false\nregion = false\npresence = false\ncosts = false\n"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Return a function that reads a study of a made town, to be done by one process."""
    monkeypatch.setattr(sim.probe, "processors", lambda: 1)
    for name, text in (("town", TOWN), ("cut", CUT)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")

    def read(text):
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        return Study.load(tmp_path / "study.toml")

    return read


@pytest.mark.parametrize("kept", ["", OUTCOMES_ALONE, "[keep]\ndeals = true\nstartups = true\n"])
def test_the_bytes_that_are_told_are_those_of_the_files_within_a_factor_of_a_half_more(study, tmp_path, kept):
    asked = study(STUDY + kept)
    told = expected_cost(asked)
    assert told.runs == 12
    assert run_study(asked, tmp_path / "out", workers=0) == []
    files = [*(tmp_path / "out" / "shards").iterdir(), tmp_path / "out" / "plan.json"]
    taken = sum(path.stat().st_size for path in files)
    assert taken / 1.5 < told.bytes < taken * 1.5


@pytest.mark.parametrize("kept", ["", OUTCOMES_ALONE])
def test_short_runs_tell_nearly_the_bytes_that_whole_ones_tell(study, monkeypatch, kept):
    asked = study(STUDY + kept)
    whole = expected_cost(asked).bytes
    monkeypatch.setattr(sim.probe, "PATIENCE", 0.0)
    assert whole / 1.5 < expected_cost(asked).bytes < whole * 1.5


def test_runs_that_share_a_history_share_its_seconds(study):
    axis = '[design]\nmethod = "zip"\n[[design.axes]]\nkey = "{key}"\nvalues = [{values}]\n'
    dated = axis.format(key="policies.cut.share", values="0.1, 0.2, 0.3")
    undated = axis.format(key="operations.overhead_share", values="0.9, 1.0, 1.1")
    assert sim.probe._share_of_histories(study(STUDY)) == 2
    assert sim.probe._share_of_histories(study(STUDY + dated)) == 6
    assert sim.probe._share_of_histories(study(STUDY + undated)) == 2


def test_equal_sources_in_another_folder_are_compiled_again(study, tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(warmup, "compile_steps", lambda *_a: compiled.append(1))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    town = study(STUDY).scenarios["town"]
    for place in (sim.batch.__file__, sim.batch.__file__, "/elsewhere/sim/batch.py"):
        monkeypatch.setattr(sim.batch, "__file__", place)
        with Progress(1) as progress:
            sim.batch.compile_kernels([town], progress)
    assert len(compiled) == 2


def test_compiled_code_that_nobody_has_used_for_long_is_removed_and_nothing_else(
    study, tmp_path, monkeypatch
):
    monkeypatch.setattr(warmup, "compile_steps", lambda *_a: None)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / ("a" * 16)))
    town, long_ago = study(STUDY).scenarios["town"], time.time() - sim.batch.UNUSED_SECONDS - 60
    for name in ("a" * 16, "b" * 16, "c" * 16, "d" * 16, "of somebody else"):
        (tmp_path / name / "sim").mkdir(parents=True)
        (tmp_path / name / "sim" / "kernel.nbi").touch()
        if name != "d" * 16:  # no folder that this program has finished
            for mark in ("compiled-1", "compiled-2"):
                (tmp_path / name / mark).touch()
                os.utime(tmp_path / name / mark, (long_ago, long_ago))
    (tmp_path / ("b" * 16) / "compiled-1").touch()
    with Progress(1) as progress:
        sim.batch.compile_kernels([town], progress)
    names = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert names >= {"a" * 16, "b" * 16, "d" * 16, "of somebody else"}
    assert "c" * 16 not in names
    (used,) = (mark for mark in (tmp_path / ("a" * 16)).glob("compiled-*") if mark.stat().st_mtime > long_ago)
    os.utime(used, (long_ago, long_ago))
    with Progress(1) as progress:
        sim.batch.compile_kernels([town], progress)
    assert used.stat().st_mtime > long_ago
