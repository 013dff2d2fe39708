"""Many runs: scenarios by seeds, over processes.

The runs of one seed go to one process, one after another, because they share the history before the first
month. A run that raises is a row among the failures and ends nothing; so is one whose process dies twice, the
second time alone. Runs are kept as they finish: whoever is interrupted goes on where it stopped.
"""

import collections
import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import pathlib
import signal
import sys
import threading
import time
import traceback
import types
from collections.abc import Generator, Iterable, Iterator, Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.language import _
from sim.progress import Progress
from sim.scenario import Scenario
from sim.store import TABLES, Failure, RunRecord, Writer

if TYPE_CHECKING:
    from sim.record import Run

#: finished runs are written when so many wait, or after so many seconds
FLUSH_RUNS, FLUSH_SECONDS = 24, 5.0
#: parallel over runs: libraries get one thread each
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
_HISTORY_TO_COMPILE = 24  #: months after which every kind of event has happened


@dataclasses.dataclass(frozen=True)
class Job:
    """One run to do."""

    run: str
    scenario: Scenario
    seed: int
    months: int


def run_missing(
    results: Writer, scenarios: Mapping[str, Scenario], workers: int | None = None
) -> list[Failure]:
    """Do the runs of a plan that are not done yet; return those that failed.

    Parameters
    ----------
    results
        Where finished runs go.
    scenarios
        The scenarios of the plan by id.
    workers
        Processes; 0 runs in this one, None takes one for each processor.
    """
    plan, done = results.plan, results.done()
    jobs: dict[str, Job] = {}
    for seed, scenario_id in itertools.product(plan.seeds, plan.scenarios):
        run = plan.run_id(scenario_id, seed)
        if run not in done:
            jobs.setdefault(run, Job(run, scenarios[scenario_id], seed, plan.months))
    if not jobs:
        return []
    with _terminable(), Progress(len(jobs)) as progress:
        if workers != 0:
            _start_server()  # it imports the model while this process compiles it
        compile_kernels(scenarios.values(), progress, workers)
        progress.begin_runs()
        with contextlib.closing(attempt_all(jobs.values(), workers)) as attempts:
            return _keep(results, attempts, progress)


def _keep(results: Writer, attempts: Iterator[RunRecord | Failure], progress: Progress) -> list[Failure]:
    """Write runs as they come, also when they stop coming; return the failures."""
    failures: list[Failure] = []
    finished: list[RunRecord] = []
    flushed = time.monotonic()
    try:
        for result in attempts:
            if isinstance(result, Failure):
                results.fail(result)
                failures.append(result)
            else:
                finished.append(result)
            progress.count(failed=isinstance(result, Failure))
            if len(finished) >= FLUSH_RUNS or time.monotonic() - flushed > FLUSH_SECONDS:
                if finished:
                    results.add(finished)
                finished, flushed = [], time.monotonic()
    finally:
        if finished:
            results.add(finished)
    return failures


def run_once(scenario: Scenario, seed: int, months: int | None = None) -> "Run":
    """Do one run in this process; its first use compiles the model."""
    from sim.model import ClusterModel

    with Progress(1) as progress:
        compile_kernels([scenario], progress)
    return ClusterModel.from_scenario(scenario, seed=seed).run(months)


def attempt(job: Job) -> RunRecord | Failure:
    """Do one run; whatever goes wrong in it is returned, not raised."""
    begin = time.perf_counter()
    try:
        from sim.model import ClusterModel

        run = ClusterModel.from_scenario(job.scenario, seed=job.seed).run(job.months)
        tables = {name: getattr(run, name) for name in TABLES}
        for name, value in run.measures().items():
            if value[1] is not None and not np.isfinite(value[1]):
                raise ArithmeticError(f"{name} is {value[1]}")
        return RunRecord(job.run, job.seed, run.digest, round(time.perf_counter() - begin, 3), tables)
    except Exception as error:
        folder = str(pathlib.Path(__file__).parent.parent) + os.sep
        where = traceback.format_exc().replace(folder, "")
        what = f"{type(error).__name__}: {error}"
        return Failure(job.run, job.scenario.id, job.seed, what, where)


def attempt_all(jobs: Iterable[Job], workers: int | None = None) -> Generator[RunRecord | Failure]:
    """Yield the result of each job as it comes, in no particular order.

    Parameters
    ----------
    jobs
        Runs to do.
    workers
        Processes; 0 runs in this one, None takes one for each processor.
    """
    by_seed: dict[int, list[Job]] = {}
    for job in jobs:
        by_seed.setdefault(job.seed, []).append(job)
    tasks = collections.deque(by_seed.values())
    if workers == 0:
        yield from map(attempt, itertools.chain.from_iterable(tasks))
        return
    suspects: list[Job] = []
    yield from _serve(tasks, _processors() if workers is None else workers, suspects)
    for job in suspects:
        died: list[Job] = []
        yield from _serve(collections.deque([[job]]), 1, died)
        if died:
            yield Failure(job.run, job.scenario.id, job.seed, _("its process died, twice"))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker:
    """A process that does the jobs it is given, and what it has not answered yet."""

    def __init__(self) -> None:
        _start_server()
        context = multiprocessing.get_context("forkserver")
        self.left: collections.deque[Job] = collections.deque()
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _clean_start():
            self.process.start()
        theirs.close()

    def give(self, task: list[Job]) -> None:
        self.left.extend(task)
        with contextlib.suppress(OSError):  # if it has died, so says its end of the pipe
            self.connection.send(task)

    def answer(self) -> RunRecord | Failure | None:
        """Return the next answer; None if the process has died."""
        try:
            result: RunRecord | Failure = self.connection.recv()
        except (EOFError, OSError):
            return None
        self.left.popleft()
        return result

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


def _start_server() -> None:
    """Start the process from which workers are forked, with the model imported; once."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(["sim.batch", "sim.model", "sim.warmup"])
    with _clean_start(), _deaf():
        forkserver.ensure_running()


def _serve(
    tasks: collections.deque[list[Job]], workers: int, died: list[Job]
) -> Iterator[RunRecord | Failure]:
    """Yield results of tasks done by processes; a job in which one died goes to `died`."""
    crew: list[_Worker] = []
    try:
        while tasks or any(worker.left for worker in crew):
            idle = [worker for worker in crew if not worker.left]
            while tasks and (idle or len(crew) < workers):
                if not idle:
                    crew.append(_Worker())
                    idle.append(crew[-1])
                idle.pop().give(tasks.popleft())
            ready = wait([worker.connection for worker in crew if worker.left])
            for worker in [worker for worker in crew if worker.connection in ready]:
                result = worker.answer()
                if result is not None:
                    yield result
                    continue
                died.append(worker.left.popleft())
                if worker.left:
                    tasks.append(list(worker.left))
                crew.remove(worker)
                worker.end()
    finally:
        for worker in crew:
            worker.end()


def _work(connection: Connection) -> None:
    """Do jobs until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        for job in task:
            connection.send(attempt(job))


def _end_with_parent() -> None:
    """End this process when its parent has, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that start here ignore Ctrl-C for good: the parent decides what it means."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _clean_start() -> Iterator[None]:
    """Start processes with one thread each, and without running the user's own script in them again."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    main = sys.modules["__main__"]
    os.environ.update(ONE_THREAD)
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def compile_kernels(scenarios: Iterable[Scenario], progress: Progress, workers: int | None = 0) -> None:
    """Compile the model before the workers start, half of it in a second process unless `workers` is 0."""
    import llvmlite.binding
    import numba

    from sim.compiled import source_hash

    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return
    made_for = f"{source_hash()[:16]}-{numba.__version__}-{llvmlite.binding.get_host_cpu_name()}"
    mark = pathlib.Path(os.environ["NUMBA_CACHE_DIR"]) / f"compiled-{made_for}"
    if mark.exists():
        return
    progress.step(_("compiling the model, first time only"))
    from sim import warmup
    from sim.model import ClusterModel

    scenarios = list(scenarios)
    helper = None
    if workers != 0:
        helper = multiprocessing.get_context("forkserver").Process(
            target=warmup.compile_places, args=(scenarios[-1],), daemon=True
        )
        with _clean_start():
            helper.start()
    warmup.compile_money(scenarios[-1])
    if helper is not None:
        helper.join()
    for scenario in scenarios:
        months = min(_HISTORY_TO_COMPILE, scenario.initial.history_months)
        short = scenario.with_values({"initial.history_months": months})
        ClusterModel.from_scenario(short, seed=1).run(2)
    with contextlib.suppress(OSError):  # then the next command compiles again
        mark.touch()


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Treat a polite request to end like Ctrl-C: keep what is finished."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
