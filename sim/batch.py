"""Many runs: the arms of a plan, done by an executor and kept as they finish.

The runs of one seed that share the history before the first month go to one process, one after another. A run that
raises is a row among the failures and ends nothing; so is one whose process dies again and again. Whoever is interrupted
goes on where it stopped.
"""

import contextlib
import hashlib
import multiprocessing
import os
import pathlib
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sim.language import _
from sim.plan import Arm, Plan
from sim.pool import Pool, clean_start, processors, start_server
from sim.progress import Progress
from sim.scenario import Scenario
from sim.store import Failure, Writer
from sim.work import Executor, Task, Work, in_this_process

if TYPE_CHECKING:
    from sim.record import Run

#: runs of one task at most
LONGEST_TASK = 24
#: seconds after which a run counts as hanging
HANGS = 600.0
#: what is no part of the history before the first month
DATED = ("policies", "outlook")
#: seconds for which compiled code is kept that nobody uses
UNUSED_SECONDS = 30 * 86_400.0
_CODE = re.compile("[0-9a-f]{16}")  #: folders of compiled code, by their sources
_HISTORY_TO_COMPILE = 24  #: months after which every kind of event has happened


def run_missing(
    results: Writer,
    scenarios: Mapping[str, Scenario],
    workers: int | None = None,
    executor: Executor | None = None,
    timeout: float = HANGS,
    arms: Iterable[Arm] | None = None,
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
    executor
        What does the tasks; absent: processes of this machine.
    timeout
        Seconds after which a run counts as hanging and is ended, if it is in a process of its own.
    arms
        Runs that are wanted; absent: all of the plan.
    """
    plan, done = results.plan, results.done()
    missing = {arm.run: arm for arm in (plan.arms() if arms is None else arms) if arm.run not in done}
    if not missing:
        return []
    with _terminable() as asked_to_end, Progress(len(missing)) as progress:
        if workers != 0 and executor is None:
            start_server()  # it imports the model while this process compiles it
        compile_kernels(scenarios.values(), progress, workers if executor is None else 0)
        if asked_to_end:  # the compiler may have lost the exception
            raise KeyboardInterrupt
        progress.begin_runs()
        if executor is None:
            executor = in_this_process if workers == 0 else Pool(workers or processors(), timeout)
        work = Work(results.folder, plan, dict(scenarios))
        failures = []
        with contextlib.closing(executor(work, tasks_of(plan, missing.values()))) as answers:  # type: ignore[type-var]
            for answer in answers:
                if not isinstance(answer, Failure):
                    progress.count(finished=len(answer))
                elif not asked_to_end:
                    results.fail(answer)
                    failures.append(answer)
                    progress.count(failed=1)
                if asked_to_end:  # compiled code may have lost the exception
                    raise KeyboardInterrupt
    return failures


def tasks_of(plan: Plan, arms: Iterable[Arm]) -> list[Task]:
    """Return runs as tasks: those that share a history together, and no task too long."""
    keys = {key for point in plan.points for key in point}
    shared = all(key.split(".")[0] in DATED for key in keys)
    groups: dict[tuple[int, int], list[Arm]] = {}
    for arm in arms:
        groups.setdefault((arm.seed, 0 if shared else arm.point), []).append(arm)
    return [
        tuple(group[i : i + LONGEST_TASK])
        for group in groups.values()
        for i in range(0, len(group), LONGEST_TASK)
    ]


def run_once(scenario: Scenario, seed: int, months: int | None = None) -> "Run":
    """Do one run in this process; its first use compiles the model."""
    from sim.model import ClusterModel

    with _terminable() as asked_to_end:
        with Progress(1) as progress:
            compile_kernels([scenario], progress)
        if asked_to_end:
            raise KeyboardInterrupt
    return ClusterModel.from_scenario(scenario, seed=seed).run(months)


def compile_kernels(scenarios: Iterable[Scenario], progress: Progress, workers: int | None = 0) -> None:
    """Compile the model before the workers start, with the help of a second process unless `workers` is 0."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        return
    import llvmlite.binding
    import numba

    from sim.compiled import source_hash

    # numba keeps what it compiles by the path of the source: equal sources elsewhere are compiled again
    place = hashlib.sha256(str(pathlib.Path(__file__).parent).encode()).hexdigest()[:8]
    made_for = f"{source_hash()[:16]}-{place}-{numba.__version__}-{llvmlite.binding.get_host_cpu_name()}"
    mark = pathlib.Path(os.environ["NUMBA_CACHE_DIR"]) / f"compiled-{made_for}"
    if mark.exists():
        with contextlib.suppress(OSError):  # somebody else's, or read-only
            mark.touch()
        return
    progress.step(_("compiling the model, first time only"))
    from sim import warmup

    scenarios = list(scenarios)
    if workers == 0:
        warmup.compile_steps(scenarios[-1])
    else:
        context = multiprocessing.get_context("forkserver")
        turns, filled = context.Pipe(duplex=False)
        os.write(filled.fileno(), bytes(range(len(warmup.STEPS))))
        filled.close()
        work = (scenarios[-1], turns)
        helper = context.Process(target=warmup.compile_steps, args=work, daemon=True)
        with clean_start():
            helper.start()
        warmup.compile_steps(*work)
        helper.join()
    from sim.model import ClusterModel  # takes seconds to import, which the second process need not wait for

    for scenario in scenarios:
        months = min(_HISTORY_TO_COMPILE, scenario.initial.history_months)
        short = scenario.with_values({"initial.history_months": months})
        ClusterModel.from_scenario(short, seed=1).run(2)
    with contextlib.suppress(OSError):  # then the next command compiles again
        mark.touch()
        _remove_unused(mark.parent)


def _remove_unused(folder: pathlib.Path) -> None:
    """Remove what was compiled from other sources and not used for long: nobody else ever would."""
    for other in folder.parent.iterdir():
        marks = list(other.glob("compiled-*")) if _CODE.fullmatch(other.name) and other != folder else []
        if marks and time.time() - max(mark.stat().st_mtime for mark in marks) > UNUSED_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


@contextlib.contextmanager
def _terminable() -> Iterator[list[int]]:
    """Treat a polite request to end like Ctrl-C: keep what is finished. Yields the signals that have come."""
    come: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield come
        return

    def interrupt(number: int, _frame: Any) -> None:
        come.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield come
    except Exception:
        if come:  # the compiler and what it compiled turn the exception into another
            raise KeyboardInterrupt from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
