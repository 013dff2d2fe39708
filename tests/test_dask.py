"""Runs on a real Dask scheduler and workers, started as processes on this machine."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from test_faults import ENVIRONMENT, program, shards, wait_for_a_run, whole
from toy_runs import attempts, do

import sim.batch
import sim.pool
from sim.__main__ import cli
from sim.dask_executor import DaskExecutor, _fly, answering
from sim.plan import Arm
from sim.store import Head, Store
from sim.studies import status

pytestmark = pytest.mark.fault
__all__ = ["whole"]

#: a client gives a scheduler up after so many seconds
PATIENCE = "3s"


@pytest.fixture(autouse=True)
def nothing_to_compile(monkeypatch):
    """Toy runs need no compiled model."""
    monkeypatch.setattr(sim.batch, "compile_kernels", lambda *_a: None)
    monkeypatch.setitem(ENVIRONMENT, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", PATIENCE)


@pytest.fixture
def cluster(tmp_path):
    """Return scheduler, workers and the scheduler's address."""
    pytest.importorskip("distributed", reason="no Dask: uv sync --extra dask")
    file = tmp_path / "scheduler.json"
    options = {"env": ENVIRONMENT, "cwd": tmp_path, "stderr": subprocess.DEVNULL, "start_new_session": True}
    start = [sys.executable, "-m", "dask"]
    here = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    scheduler = subprocess.Popen([*start, "scheduler", "--port", "0", *here], **options)
    workers = [
        subprocess.Popen(
            [*start, "worker", *here, "--nthreads", "1", "--local-directory", str(tmp_path / f"worker-{i}")],
            **options,
        )
        for i in range(2)
    ]
    address = _address(file)
    yield scheduler, workers, address
    for process in (*workers, scheduler):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _address(file):
    import json

    from distributed import Client

    for _attempt in range(600):
        if file.exists() and file.read_text():
            break
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    with Client(address, set_as_default=False, timeout=60) as client:
        client.wait_for_workers(2, timeout=120)
    return address


def pids(address):
    """Return the processes in which the workers do tasks."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        return list(client.run(os.getpid).values())


def test_dask_gives_the_digest_of_one_process_with_few_files_and_failures_as_rows(cluster, tmp_path, whole):
    folder = tmp_path / "results"
    trouble = {3: "raise", 50: "nan"}
    failed = do(folder, 300, dask=cluster[2], trouble=trouble, flush=10.0)
    assert {(f.scenario, f.seed) for f in failed} == {("cut", 3), ("cut", 50)}
    assert len(shards(folder)) < 100
    assert do(folder, 300, dask=cluster[2]) == []
    assert Store(folder).digest() == whole(300)
    assert sum(attempts(folder).values()) == 302


def test_a_run_that_kills_dask_workers_is_a_failure_and_all_others_finish(cluster, tmp_path):
    folder = tmp_path / "results"
    failed = do(folder, 30, dask=cluster[2], trouble={3: "die"})
    assert [(f.scenario, f.seed) for f in failed] == [("cut", 3)]
    assert "its process died" in failed[0].message
    assert status(folder)["done"] == 29


def test_killing_a_dask_worker_costs_no_durable_run(cluster, tmp_path, whole):
    folder = tmp_path / "results"
    with program(folder, 400, dask=cluster[2], seconds=0.02) as process:
        assert wait_for_a_run(folder, process)
        os.kill(pids(cluster[2])[0], signal.SIGKILL)
        assert len(Store(folder).finished()) < 400
        _out, said = process.communicate()
    assert process.returncode == 0, said
    assert Store(folder).digest() == whole(400)
    assert Store(folder).outcomes().num_rows == 400


def test_killing_the_scheduler_ends_the_command_with_4_and_the_study_goes_on_without(
    cluster, tmp_path, whole
):
    folder = tmp_path / "results"
    with program(folder, 400, dask=cluster[2], seconds=0.02) as process:
        assert wait_for_a_run(folder, process)
        os.killpg(cluster[0].pid, signal.SIGKILL)
        kept = shards(folder)
        _out, said = process.communicate()
    assert process.returncode == 4, said
    assert "scheduler" in said
    assert kept <= shards(folder)
    assert len(Store(folder).finished()) < 400
    do(folder, 400, 2)
    assert Store(folder).digest() == whole(400)
    assert Store(folder).outcomes().num_rows == 400


@pytest.mark.parametrize("name", ["CommClosedError", "CancelledError", "ClosedClientError", "OSError"])
def test_whatever_dask_calls_it_the_scheduler_has_gone(name):
    client = pytest.importorskip("distributed.client", reason="no Dask: uv sync --extra dask")
    error = OSError if name == "OSError" else getattr(client, name)
    with pytest.raises(ConnectionError, match="scheduler has gone"), answering():
        raise error("the stream is closed")


@pytest.mark.parametrize("first", ["pending", "lost"])
def test_a_bundle_whose_worker_died_with_the_answer_is_waited_for_again(monkeypatch, first):
    distributed = pytest.importorskip("distributed", reason="no Dask: uv sync --extra dask")
    numbers = itertools.count()

    class Bundle:
        """A future of Dask that comes back without an answer, and then with one."""

        def __init__(self, task):
            self.key, self.task, self.states = next(numbers), task, iter([first, "finished"])

        def result(self):
            return [[Head(arm.run, arm.seed, "", 0.1, {}) for arm in self.task]]

        def release(self):
            pass

    class Completed(list):
        def __init__(self, loop):
            super().__init__()

        add = list.append

        def __next__(self):
            future = self.pop(0)
            future.status = next(future.states)
            return future

    class Client:
        loop = None

        def nthreads(self):
            return {"a worker": 1}

        def submit(self, _do, _work, task, pure):
            return Bundle(task)

    class Work:
        flush_seconds = 1.0

        def reference(self):
            return ("the work",)

    monkeypatch.setattr(distributed, "as_completed", Completed)
    died, tasks = [], [(Arm("base", 0, seed, f"run {seed}"),) for seed in range(5)]
    came = [head.run for heads in _fly(Client(), Work(), tasks, died) for head in heads]
    assert sorted(came) == [f"run {seed}" for seed in range(5)]
    assert died == []


def test_a_disk_that_dask_workers_cannot_write_is_no_failure_of_runs(cluster, tmp_path):
    folder = tmp_path / "results"
    with program(folder, 400, dask=cluster[2], seconds=0.02) as process:
        assert wait_for_a_run(folder, process)
        (folder / "shards").rename(tmp_path / "elsewhere")  # in one step: workers are writing into it
        _out, said = process.communicate()
    assert process.returncode == 4
    assert "No such file or directory" in said


@pytest.mark.parametrize(
    "address", ["", "tcp://", "somewhere", "127.0.0.1:port", "http://127.0.0.1:8786", "tcp://h:99999"]
)
def test_an_address_at_which_no_scheduler_can_be_is_bad_usage_and_nothing_is_begun(address, tmp_path):
    pytest.importorskip("distributed", reason="no Dask: uv sync --extra dask")
    study, folder = tmp_path / "study.toml", tmp_path / "results"
    study.write_text('scenarios = ["baseline"]\nseeds = 1\nmonths = 1\n', encoding="utf-8")
    words = ["study", "run", str(study), "--out", str(folder), "--executor", "dask", "--address", address]
    asked = CliRunner().invoke(cli, words)
    assert asked.exit_code == 2
    assert "--address: must be like tcp://127.0.0.1:8786" in asked.stderr
    assert not folder.exists()


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8786", "tcp://127.0.0.1:8786", "tls://node-1:8786", "tcp://[::1]:8786"]
)
def test_an_address_at_which_a_scheduler_may_be_is_taken(address):
    pytest.importorskip("distributed", reason="no Dask: uv sync --extra dask")
    assert DaskExecutor(address).address == address
