"""Studies: every run of a plan is done once, kept, and found again, whatever happens on the way."""

import dataclasses
import json
import os
import pathlib
import signal
import time

import pytest
import toy_runs
from toy_runs import SCENARIOS, ToyWork, attempts, do, plan_of

import sim.batch
import sim.pool
import sim.work
from sim.batch import tasks_of
from sim.plan import DamagedResultsError, OtherPlanError, Plan
from sim.store import LockedError, NotKeptError, Store, writing
from sim.studies import Interrupted, StudyError, merge, part_of, status

pytestmark = pytest.mark.usefixtures("toys")

TESTS = pathlib.Path(__file__).parent


def test_every_run_is_done_once_and_the_digest_does_not_depend_on_who_does_it(tmp_path):
    digests = set()
    for workers in (0, 1, 2, 4):
        folder = tmp_path / str(workers)
        assert do(folder, 60, workers) == []
        assert set(attempts(folder).values()) == {1}
        assert len(attempts(folder)) == 60
        digests.add(Store(folder).digest())
    assert len(digests) == 1


def test_a_point_is_another_run_only_for_a_scenario_that_has_its_key(here):
    scenarios = {
        "base": SCENARIOS["base"] | {"axes": ["a"]},
        "cut": SCENARIOS["cut"] | {"axes": ["a", "policies.x.share"]},
    }
    points = tuple({"a": a, "policies.x.share": s} for a in (1.0, 2.0) for s in (0.1, 0.2, 0.3))
    plan = Plan("base", scenarios, (1, 2), 3, "model", points, (), ())
    do(here, plan=plan)
    assert len(list(plan.arms())) == 24
    assert len(attempts(here)) == 2 * 2 + 6 * 2
    outcomes = Store(here).outcomes()
    assert outcomes.num_rows == 24
    assert outcomes.column_names[:5] == ["scenario", "point", "seed", "a", "policies.x.share"]
    assert outcomes["a"].to_pylist()[:12] == [1.0] * 6 + [2.0] * 6
    assert Store(here).points()["policies.x.share"].to_pylist() == [0.1, 0.2, 0.3] * 2


def test_a_factor_is_another_run_than_the_value(here):
    scenarios = {"base": SCENARIOS["base"] | {"axes": ["a"]}}
    value, factor = (
        Plan("base", scenarios, (1,), 3, "model", ({"a": 2.0},), factors) for factors in ((), ("a",))
    )
    assert value.run_id("base", 1) != factor.run_id("base", 1)


def test_runs_that_share_a_history_are_one_task_and_no_task_is_long():
    dated = {"base": SCENARIOS["base"] | {"axes": ["outlook.climate"]}}
    points = tuple({"outlook.climate": float(i)} for i in range(30))
    plan = Plan("base", dated, (1, 2), 3, "model", points)
    tasks = tasks_of(plan, plan.arms())
    assert all(len({arm.seed for arm in task}) == 1 and len(task) <= 24 for task in tasks)
    assert sum(map(len, tasks)) == 60
    other = Plan(
        "base", dated, (1, 2), 3, "model", tuple({"births.outside_pull": float(i)} for i in range(30))
    )
    assert {len(task) for task in tasks_of(other, other.arms())} == {1}


@pytest.mark.parametrize("workers", [0, 2])
def test_more_seeds_scenarios_or_points_only_add_runs(here, workers, capsys):
    do(here, 20, workers)
    more = Plan("base", SCENARIOS | {"third": {"fingerprint": "3", "content": {}}}, tuple(range(1, 13)), 3, "model",
                keep=("series",))  # fmt: skip
    do(here, workers=workers, plan=more)
    assert set(attempts(here).values()) == {1}
    assert len(attempts(here)) == 36
    said = capsys.readouterr().err
    assert "20 of 36 runs are done" in said
    assert "16 to do: new in the plan" in said


@pytest.mark.parametrize(
    ("other", "key"),
    [
        (Plan("base", SCENARIOS, (1, 2), 3, "model", keep=("series",)), "seeds"),
        (Plan("base", SCENARIOS, tuple(range(1, 21)), 4, "model", keep=("series",)), "months"),
        (Plan("base", SCENARIOS, tuple(range(1, 21)), 3, "changed", keep=("series",)), "model"),
        (Plan("base", SCENARIOS, tuple(range(1, 21)), 3, "model", ({"a": 1},), keep=("series",)), "design"),
        (Plan("base", SCENARIOS, tuple(range(1, 21)), 3, "model", keep=()), "keep"),
    ],
)
def test_another_plan_in_the_folder_is_refused_with_its_key(here, other, key):
    do(here, 40, 0)
    with pytest.raises(OtherPlanError, match=rf"\({key}\)"):
        do(here, workers=0, plan=other)
    assert len(Store(here).finished()) == 40


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("trouble", "told"), [("raise", "ZeroDivisionError"), ("nan", "value is nan")])
def test_a_run_that_goes_wrong_is_a_row_among_the_failures_and_is_tried_again(
    here, workers, trouble, told, capsys
):
    failed = do(here, 200, workers, trouble={7: trouble, 50: trouble})
    assert {(f.scenario, f.seed) for f in failed} == {("cut", 7), ("cut", 50)}
    assert all(told in f.message and "Traceback" in f.traceback for f in failed)
    about = status(here)
    assert (about["runs"], about["done"], about["missing"], about["complete"]) == (200, 198, 2, False)
    assert about["failed"][0]["reproduce"].startswith("SIM_DEBUG=1 sim study rerun")
    do(here, 200, workers)
    assert "2 to do: failed last time" in capsys.readouterr().err
    assert status(here)["complete"]
    assert status(here)["failed"] == []


def test_a_run_that_hangs_is_ended_and_the_others_finish(here):
    failed = do(here, 40, 2, trouble={3: "hang"}, timeout=8.0)
    assert [(f.scenario, f.seed) for f in failed] == [("cut", 3)]
    assert "took longer than" in failed[0].message
    assert len(Store(here).finished()) == 39


def test_workers_that_cannot_begin_end_the_command_and_are_not_started_for_ever(here, monkeypatch):
    class Unreadable(toy_runs.ToyWork):
        def __reduce__(self):
            return os._exit, (3,)  # what a worker does as it reads its work

    monkeypatch.setattr(toy_runs, "ToyWork", Unreadable)
    with pytest.raises(ChildProcessError, match="before they have begun"):
        do(here, 40, 2)


def test_a_worker_that_dies_once_costs_nothing(here, tmp_path):
    do(tmp_path / "whole", 40, 0)
    assert do(here, 40, 2, trouble={3: "die-once", 11: "die-once"}) == []
    assert Store(here).digest() == Store(tmp_path / "whole").digest()


def test_a_run_that_always_kills_its_worker_is_tried_three_times_and_the_others_finish(here):
    failed = do(here, 40, 2, trouble={3: "die"})
    assert [(f.scenario, f.seed, f.message) for f in failed] == [("cut", 3, "its process died, 3 times")]
    assert attempts(here)[failed[0].run] == 3
    assert len(Store(here).finished()) == 39


def test_an_interruption_keeps_what_is_written_and_goes_on(here, tmp_path, monkeypatch):
    do(tmp_path / "whole", 80, 0)
    whole = ToyWork.attempt

    def interrupted(self, arm):
        if len(os.listdir(self.notes)) == 50:
            raise KeyboardInterrupt
        return whole(self, arm)

    monkeypatch.setattr(ToyWork, "attempt", interrupted)
    with pytest.raises(Interrupted, match="50 finished runs are kept"):
        do(here, 80, 0)
    monkeypatch.setattr(ToyWork, "attempt", whole)
    do(here, 80, 0)
    assert set(attempts(here).values()) == {1}
    assert Store(here).digest() == Store(tmp_path / "whole").digest()


def test_an_interruption_that_compiled_code_turns_into_another_error_is_no_failed_run(here, monkeypatch):
    whole = ToyWork.simulate

    def turned(self, arm):
        if len(os.listdir(self.notes)) == 50:
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10)
            except KeyboardInterrupt as error:
                raise SystemError("returned a result with an exception set") from error
        return whole(self, arm)

    monkeypatch.setattr(ToyWork, "simulate", turned)
    with pytest.raises(Interrupted, match="50 finished runs are kept"):
        do(here, 80, 0)
    assert Store(here).failures() == []
    monkeypatch.setattr(ToyWork, "simulate", whole)
    assert do(here, 80, 0) == []
    assert len(Store(here).finished()) == 80


@pytest.mark.parametrize("turned", [RuntimeError("no compiled object yet"), None])
def test_an_interruption_that_the_compiler_turns_into_another_error_or_loses_is_one(
    here, monkeypatch, turned
):
    def compiling(*_args):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            if turned:
                raise turned from error

    monkeypatch.setattr(sim.batch, "compile_kernels", compiling)
    with pytest.raises(Interrupted, match="0 finished runs are kept"):
        do(here, 8, 0)
    with pytest.raises(KeyboardInterrupt):
        sim.batch.run_once(None, 1)
    assert attempts(here) == {}
    assert Store(here).failures() == []


def test_a_part_without_runs_does_none(here):
    plan = plan_of(4)
    assert part_of(plan, 9, 9) == []
    assert do(here, workers=0, arms=[], plan=plan) == []
    assert attempts(here) == {}


def test_parts_in_any_order_give_the_digest_of_the_whole(here, tmp_path):
    do(tmp_path / "whole", 90, 0)
    plan = plan_of(90)
    parts = [part_of(plan, i, 3) for i in (1, 2, 3)]
    assert sorted(arm for part in parts for arm in part) == sorted(plan.arms())
    for i in (3, 1):
        do(here / "parts" / f"{i}-of-3", workers=0, arms=parts[i - 1], plan=plan)
    assert merge(here) == {"1-of-3": len(parts[0]), "3-of-3": len(parts[2])}
    about = status(here)
    assert (about["done"], about["missing"]) == (len(parts[0]) + len(parts[2]), len(parts[1]))
    do(here / "parts" / "2-of-3", workers=0, arms=parts[1], plan=plan)
    do(here / "parts" / "1-of-3 twice", workers=0, arms=parts[0], plan=plan)
    merge(here)
    assert status(here)["complete"]
    assert Store(here).digest() == Store(tmp_path / "whole").digest()


def test_parts_that_disagree_are_refused(here, monkeypatch):
    plan = plan_of(10)
    do(here / "parts" / "1-of-1", workers=0, plan=plan)
    honest = ToyWork.simulate
    monkeypatch.setattr(ToyWork, "simulate", lambda self, arm: ("another", honest(self, arm)[1]))
    do(here / "parts" / "again", workers=0, plan=plan)
    with pytest.raises(DamagedResultsError, match="different results"):
        merge(here)


@pytest.mark.parametrize("harm", ["cut", "empty", "gone"])
def test_a_damaged_part_is_never_merged(here, harm):
    do(here / "parts" / "1-of-1", workers=0, plan=plan_of(10))
    path = next((here / "parts" / "1-of-1" / "shards").glob("series-*"))
    content = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(content[:-9] if harm == "cut" else b"")
    with pytest.raises(DamagedResultsError, match="damaged"):
        merge(here)
    assert status(here)["done"] == 0


@pytest.mark.parametrize("written", range(8))
def test_wherever_uniting_parts_ends_what_was_taken_is_whole_and_the_next_time_takes_the_rest(
    here, monkeypatch, written
):
    do(here / "parts" / "1-of-1", workers=0, plan=plan_of(6), flush=-1)  # a shard a run
    usual, calls = os.replace, []

    def full(source, target):
        calls.append(target)
        if len(calls) > 1 + written:  # the first is that of the plan
            raise OSError(28, "No space left on device")
        usual(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            merge(here)
    assert Store(here).damaged() == []
    assert Store(here).outcomes().num_rows == Store(here).series().num_rows == written // 2
    merge(here)
    assert status(here)["complete"]
    assert not (here / "quarantine").exists()


def test_a_manifest_is_whole_or_as_it_was_wherever_uniting_parts_ends(here, monkeypatch):
    do(here / "parts" / "1-of-1", workers=0, plan=plan_of(6))
    merge(here)
    before = (here / "manifest.json").read_bytes()
    do(here / "parts" / "1-of-1", workers=0, plan=plan_of(10))
    usual = os.replace

    def killed(source, target):
        if pathlib.Path(target) == here / "manifest.json":
            raise KeyboardInterrupt
        usual(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            merge(here)
    assert (here / "manifest.json").read_bytes() == before
    merge(here)
    assert (here / "manifest.json").read_bytes() == (here / "parts/1-of-1/manifest.json").read_bytes()


def test_a_part_that_was_killed_before_it_said_how_it_is_run_stops_no_other(here):
    for i in (1, 2):
        do(here / "parts" / f"{i}-of-2", workers=0, arms=part_of(plan_of(6), i, 2), plan=plan_of(6))
    (here / "parts/1-of-2/manifest.json").unlink()
    merge(here)
    assert status(here)["complete"]
    assert (here / "manifest.json").read_bytes() == (here / "parts/2-of-2/manifest.json").read_bytes()


def test_nothing_to_merge_and_parts_of_another_plan_are_refused(here):
    here.mkdir()
    with pytest.raises(StudyError, match="no parts"):
        merge(here)
    do(here / "parts" / "a", workers=0, plan=plan_of(10))
    do(here / "parts" / "b", workers=0, plan=dataclasses.replace(plan_of(12), months=4))
    with pytest.raises(OtherPlanError, match=r"another plan .*\(months\)"):
        merge(here)


def test_parts_of_a_study_to_which_seeds_were_added_are_united_before_all_are_sent_again(here):
    old, new = plan_of(10), plan_of(14)
    for i in (1, 2, 3):
        do(here / "parts" / f"{i}-of-3", workers=0, arms=part_of(old, i, 3), plan=old)
    merge(here)
    do(here / "parts" / "3-of-3", workers=0, arms=part_of(new, 3, 3), plan=new)
    for _again in range(2):
        merge(here)
        about = status(here)
        assert (about["runs"], about["done"]) == (14, 10 + sum(arm.seed > 5 for arm in part_of(new, 3, 3)))
    manifest = json.loads((here / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["plan"] == new.sha


def test_parts_are_united_with_what_was_added_to_the_whole_without_them(here):
    do(here / "parts" / "1-of-1", workers=0, plan=plan_of(10))
    merge(here)
    do(here, 14, 0)
    before = status(here), (here / "manifest.json").read_bytes()
    merge(here)
    assert (status(here), (here / "manifest.json").read_bytes()) == before
    assert before[0]["complete"]


def test_a_flipped_bit_is_seen_by_status_and_mended_by_the_next_run(here, capsys):
    do(here, 60, 0)
    before = status(here)["digest"]
    path = sorted((here / "shards").glob("series-*"))[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    about = status(here)
    assert path.name in about["damaged"]
    assert about["digest"] is None
    do(here, 60, 0)
    assert status(here)["digest"] == before
    assert "damaged shard" in capsys.readouterr().err
    assert status(here)["quarantined"]


def test_a_table_that_was_not_kept_is_refused(here):
    do(here, 4, 0)
    with pytest.raises(NotKeptError, match="presence"):
        Store(here).presence()


def test_a_folder_in_use_names_who_holds_it(here):
    with writing(here, plan_of(4)), pytest.raises(LockedError, match=f"process {os.getpid()} on "):
        do(here, 4, 0)


def test_files_grow_with_runs_over_the_runs_of_a_shard(here, monkeypatch):
    monkeypatch.setattr(sim.work, "FLUSH_RUNS", 24)
    do(here, 20 * 24, 0, flush=1e9)
    assert len(list((here / "shards").glob("outcomes-*"))) == 20
