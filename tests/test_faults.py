"""What may go wrong around runs, done to real processes, disks and clusters: nothing that was durable is lost.

===== =========================================================== ==================================================
fault what goes wrong                                             test
===== =========================================================== ==================================================
F1    everything is killed, many times                            test_killing_everything_at_random_times_...
F2    the coordinator is killed                                   test_killing_only_the_coordinator_ends_its_workers
F3    Ctrl-C, SIGTERM                                             test_a_signal_to_one_or_all_...;
                                                                  test_compare: test_a_command_that_is_ended_...
F4    killed at a rename, before and behind it                    test_a_kill_at_any_write_leaves_shards_absent_...;
                                                                  test_store: test_wherever_writing_a_shard_ends_...
F5    a worker dies once                                          test_studies: test_a_worker_that_dies_once_...
F6    a run always kills its worker                               test_studies: test_a_run_that_always_kills_...;
                                                                  test_a_command_ends_with_1_if_a_run_kills_...
F7    runs raise, give NaN, hang                                  test_studies: test_a_run_that_goes_wrong_...,
                                                                  test_a_run_that_hangs_...
F8    the disk is full                                            test_a_full_disk_...
F9    the folder is read-only, or vanishes                        test_a_folder_that_is_read_only_..., _vanishes_...
F10   a bit is flipped                                            test_a_flipped_bit_is_detected_400_times_...
F11   a shard is cut, empty, foreign, renamed                     test_store: test_a_shard_that_is_not_whole_...,
                                                                  test_what_an_interrupted_write_left_...;
                                                                  test_studies: test_a_damaged_part_is_never_merged
F12   another plan is in the folder                               test_studies: test_another_plan_in_the_folder_...
F13   two studies at once in one folder                           test_of_two_studies_in_one_folder_one_goes_on
F14   a lock is left over                                         test_the_lock_of_a_killed_process_is_free
F15   parts of an array in any order, twice, missing              test_studies: test_parts_in_any_order_...,
                                                                  test_parts_that_disagree_are_refused
F16   a Dask worker or scheduler is killed                        test_dask.py
F17   the program was changed                                     test_studies: test_another_plan_in_the_folder_...;
                                                                  test_study_command: test_changed_sources_...
F18   locale, path, PYTHONHASHSEED                                test_study_command: test_the_digest_...
F19   number of workers, processor features                       test_study_command: test_the_digest_...;
                                                                  test_bits.py
F20   malformed files                                             test_study_files: test_rubbish_is_...;
                                                                  test_scenario.py
F21   hostile files, a plan of a trillion runs                    test_study_files: test_a_study_of_many_runs_...,
                                                                  test_points_come_from_the_folder_only, ...
F27   results that hold a pickle                                  test_store: test_nothing_that_is_read_is_unpickled
F29   50,000 tiny runs                                            test_memory_does_not_grow_with_runs
F30   results of another version                                  test_store: test_a_folder_of_another_version_...
===== =========================================================== ==================================================

A killer waits until at least one run is durable, and checks that not all are.
"""

import contextlib
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import toy_runs
from click.testing import CliRunner
from toy_runs import attempts, do, plan_of

import sim.batch
import sim.pool
import sim.work
from sim.__main__ import cli
from sim.plan import DamagedResultsError
from sim.store import Store, writing

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("toys")]

TESTS = pathlib.Path(__file__).parent
ENVIRONMENT = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"}
#: seconds for which finished runs wait in toy studies, unless told otherwise
FLUSH = 0.3


@pytest.fixture
def whole(tmp_path):
    """Return a function that gives the digest of so many runs that nothing interrupted."""

    def digest(runs, **options):
        folder = tmp_path / f"whole-{runs}"
        do(folder, runs, 0, notes=False, **options)
        return Store(folder).digest()

    return digest


def program(folder, runs, workers=2, **options):
    """Start a command that does toy runs, in a session of its own."""
    words = [sys.executable, TESTS / "toy_runs.py", folder, runs, workers, json.dumps(options)]
    return subprocess.Popen(
        [str(word) for word in words],
        env=ENVIRONMENT,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )


def shards(folder):
    return {path.name for path in pathlib.Path(folder).glob("shards/outcomes-*.parquet")}


def wait_for_a_run(folder, process, known=frozenset()):
    """Wait until a run is durable that was not; return whether there is one before the process ends."""
    while process.poll() is None:
        if shards(folder) - known:
            return True
        time.sleep(0.005)
    return False


def test_killing_everything_at_random_times_loses_no_durable_run(here, whole):
    runs, seconds, kills, rng = 1200, 0.02, 0, np.random.default_rng(1)
    while kills < 20:
        before = shards(here)
        with program(here, runs, seconds=seconds) as process:
            if not wait_for_a_run(here, process, before):
                break
            time.sleep(rng.uniform(0, 0.2))
            kept = shards(here)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
        assert kept <= shards(here)
    print(f"{kills} kills")
    assert kills == 20
    assert 0 < len(Store(here).finished()) < runs
    do(here, runs, 2)
    assert Store(here).digest() == whole(runs)
    assert not list(here.rglob(".tmp-*"))
    # what two workers do in a flush interval, and the two runs that they were at
    most = kills * 2 * ((FLUSH + seconds) / seconds + 2)
    assert sum(attempts(here).values()) - runs <= most


def test_killing_only_the_coordinator_ends_its_workers(here, whole):
    trouble = {1: "hang"}  # a worker in the midst of a long run hears nothing of a pipe that is closed
    with program(here, 200, seconds=0.05, trouble=trouble) as process:
        try:
            assert wait_for_a_run(here, process)
            process.kill()
            process.wait()
            begin = time.monotonic()
            process.communicate(timeout=30)  # until the last worker has closed it
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    took = time.monotonic() - begin
    print(f"workers ended after {took:.2f} s")
    assert took < 20  # promised: 2 s
    assert 0 < len(Store(here).finished()) < 200
    do(here, 200, 2)
    assert Store(here).digest() == whole(200)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to", [os.kill, os.killpg])
def test_a_signal_to_one_or_all_writes_what_is_finished_and_says_so(here, whole, number, workers, to):
    pathlib.Path(f"{here}-notes").mkdir()
    # nothing is due to be written: what is kept was written because of the signal
    with program(here, 200, workers, seconds=0.05, flush=600.0) as process:
        while process.poll() is None and len(os.listdir(f"{here}-notes")) < 20:
            time.sleep(0.005)
        assert not shards(here)
        begin = time.monotonic()
        to(process.pid, number)
        _out, said = process.communicate()
    took = time.monotonic() - begin
    print(f"ended after {took:.2f} s")
    assert "Traceback" not in said
    assert took < 50  # promised: 5 s
    assert process.returncode == 130
    kept = len(Store(here).finished())
    assert f"{kept} finished runs are kept" in said
    assert 200 > kept >= len(attempts(here)) - max(workers, 1)  # but the run that each was at
    do(here, 200, 2)
    assert Store(here).digest() == whole(200)


def test_a_kill_at_any_write_leaves_shards_absent_or_whole(tmp_path, whole):
    runs = 4
    writes = 2 + 2 * runs + 1  # plan, manifest; series and outcomes of each run; manifest
    words = [sys.executable, TESTS / "toy_runs.py", "kill-at-each-write", tmp_path, runs, writes + 1]
    done = subprocess.run(
        [str(word) for word in words], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == 2 * writes  # and the one behind the last is never reached
    sizes = set()
    for folder in sorted(tmp_path.glob("*-*[0-9]")):
        if not folder.name.startswith(("before", "after")):
            continue
        if (folder / "plan.json").exists():
            assert Store(folder).damaged() == []
            sizes.add(len(Store(folder).finished()))
            assert Store(folder).outcomes().num_rows == len(Store(folder).finished())
        do(folder, runs, 0, notes=False)
        assert Store(folder).digest() == whole(runs)
        assert not list(folder.rglob(".tmp-*"))
        assert not (folder / "quarantine").exists()
    assert sizes == set(range(runs + 1))


def test_a_command_ends_with_1_if_a_run_kills_its_workers_and_names_it(here):
    with program(here, 40, trouble={"3": "die"}) as process:
        process.communicate()
    assert process.returncode == 1
    result = CliRunner().invoke(cli, ["study", "status", str(here)])
    assert result.exit_code == 1
    assert "39 of 40 runs are done, 1 are missing" in result.output
    assert "cut 3: its process died, 3 times" in result.output


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that mounts a small file system of its own."""
    mounted = []

    def mount(options):
        place = tmp_path / "disk"
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        try:
            subprocess.run(words, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("this user may not mount a file system")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_ends_a_study_with_4_and_it_goes_on_when_there_is_room(
    small_disk, tmp_path, whole, workers
):
    options = {"rows": 2000, "flush": 0.0, "seconds": 0.01}
    place = small_disk("size=1m")
    folder = place / "results"
    with program(folder, 60, workers, notes=False, **options) as process:
        _out, said = process.communicate()
    assert process.returncode == 4, said
    assert "No space left on device" in said
    assert 0 < len(Store(folder).finished()) < 60
    assert Store(folder).damaged() == []
    remount(place, "size=16m")
    do(folder, 60, workers, notes=False, **options)
    assert Store(folder).digest() == whole(60, rows=2000)


@pytest.mark.parametrize("when", ["manifest", "tables"])
def test_a_disk_that_is_full_when_manifest_or_tables_are_written_keeps_the_runs(small_disk, whole, when):
    import pyarrow as pa

    place = small_disk("size=1m")
    folder, ballast = place / "results", place / "ballast"

    def fill(results=None, *_more):
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
        ballast.write_bytes(bytes(free - free % 4096))
        if results is not None:
            results.finish(pa.table({"a": [1]}))

    if when == "manifest":
        folder.mkdir()
        with writing(folder, plan_of(10)):
            fill()
        with pytest.raises(OSError, match="No space left"):
            do(folder, 10, 0, notes=False)
    else:
        with pytest.raises(OSError, match="No space left"):
            do(folder, 10, 0, notes=False, then=fill)
        assert len(Store(folder).finished()) == 10
    ballast.unlink()
    do(folder, 10, 0, notes=False, then=lambda results, *_more: results.finish(pa.table({"a": [1]})))
    assert Store(folder).digest() == whole(10)
    assert (folder / "outcomes.parquet").exists()
    assert not list(folder.rglob(".tmp-*"))


def test_a_folder_that_is_read_only_is_told_before_any_run(small_disk, monkeypatch):
    place = small_disk("size=1m")
    remount(place, "ro")
    begun = []
    monkeypatch.setattr(sim.batch, "run_missing", lambda *_a: begun.append(1) or [])
    with pytest.raises(OSError, match="Read-only file system"):
        do(place / "results", 10, 0, notes=False)
    result = CliRunner().invoke(
        cli,
        [
            "study",
            "run",
            str(TESTS.parent / "scenarios/studies/outside-pull.toml"),
            "--out",
            str(place / "r"),
        ],
    )
    assert result.exit_code == 4
    assert not begun


@pytest.mark.parametrize("workers", [0, 2])
def test_a_folder_that_vanishes_ends_a_study_with_4(here, workers):
    with program(here, 400, workers, seconds=0.02) as process:
        assert wait_for_a_run(here, process)
        shutil.rmtree(here)
        _out, said = process.communicate()
    assert process.returncode == 4, said
    assert "No such file or directory" in said
    assert not here.exists() or not shards(here)


def test_a_flipped_bit_is_detected_400_times_of_400_and_its_runs_are_done_again(here, whole):
    do(here, 60, 0, rows=40, flush=0.0, notes=False)
    digest, rng = Store(here).digest(), np.random.default_rng(1)
    paths = sorted((here / "shards").iterdir())
    for _trial in range(400):
        path = paths[rng.integers(len(paths))]
        content = path.read_bytes()
        place, bit = rng.integers(len(content)), rng.integers(8)
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
        assert path in Store(here).damaged()
        with pytest.raises(DamagedResultsError, match=path.name):
            Store(here).outcomes() if path.name.startswith("outcomes") else Store(here).series()
        path.write_bytes(content)
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    result = CliRunner().invoke(cli, ["study", "status", str(here)])
    assert result.exit_code == 3
    assert path.name in result.output
    do(here, 60, 0, rows=40, notes=False)
    assert Store(here).digest() == digest == whole(60, rows=40)
    assert path.name in {moved.name for moved in (here / "quarantine").iterdir()}


def test_of_two_studies_in_one_folder_one_goes_on(tmp_path):
    context = multiprocessing.get_context("forkserver")
    refused = 0
    with sim.pool.clean_start():
        for trial in range(50):
            folder, turn, answers = tmp_path / str(trial), context.Barrier(2), context.Queue()
            pair = [
                context.Process(target=toy_runs.contend, args=(str(folder), turn, answers)) for _ in range(2)
            ]
            for process in pair:
                process.start()
            said = sorted((answers.get() for _ in pair), key=lambda answer: answer[1])
            for process in pair:
                process.join()
            (first, code, _text), (_second, other, text) = said
            assert (code, other) in ((0, 75), (0, 0)), said
            if other == 75:
                refused += 1
                assert f"in use by process {first} on {os.uname().nodename}" in text
            assert len(Store(folder).finished()) == 6
    print(f"{refused} of 50 were refused")
    assert refused > 25


def test_the_lock_of_a_killed_process_is_free(here):
    context = multiprocessing.get_context("forkserver")
    with sim.pool.clean_start():
        held = context.Event()
        holder = context.Process(target=toy_runs.hold, args=(here, held))
        holder.start()
    assert held.wait(60)
    holder.kill()
    holder.join()
    assert (here / ".lock").read_text().startswith(f"{holder.pid} on ")
    assert do(here, 4, 0) == []


MEMORY = """
import resource, sys, toy_runs
from sim.store import Head
seen = []
def watched(work, tasks):
    inner = toy_runs.toy_executor(None, 0, flush=1e9)(work, tasks)
    for answer in inner:
        seen.append((len(answer), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
        yield answer
from sim.studies import execute
import pathlib
execute(toy_runs.plan_of(int(sys.argv[2])), {}, {}, pathlib.Path(sys.argv[1]), executor=watched)
print(*(f"{runs}:{kib}" for runs, kib in seen))
"""


def test_memory_does_not_grow_with_runs(here):
    runs = int(os.environ.get("SIM_TINY_RUNS", "50000"))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(here), str(runs)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = [tuple(int(part) for part in word.split(":")) for word in done.stdout.split()]
    assert sum(number for number, _kib in seen) == runs
    fifth, last = seen[len(seen) // 5][1], seen[-1][1]
    print(f"{len(seen)} shards, {fifth} KiB after a fifth of {runs} runs, {last} KiB at the end")
    assert last < 1.05 * fifth
    assert len(list((here / "shards").iterdir())) == 2 * len(seen) == 2 * -(-runs // sim.work.FLUSH_RUNS)
