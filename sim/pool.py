"""Worker processes of this machine: they share out tasks, and no run can take the others with it.

A worker that dies takes nothing along but what it had not written, which is done again. The run that it was at is
tried again alone; at its third death it is a failure. A run that takes too long is ended, and is a failure. Workers end
with the process that started them, however that ended.
"""

import collections
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Iterator
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait

from sim.language import _
from sim.plan import Arm
from sim.store import Failure, Head
from sim.work import Task, Unwritten, Work

#: parallel over runs: libraries get one thread each
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
#: tasks that a worker has at once, so that it never waits for the next
AT_ONCE = 2
#: times that a run may be at work in a process that dies
TRIES = 3
#: seconds in which a worker must have started
START = 120.0
#: seconds that workers have to write what they have finished when they are told to stop
GRACE = 3.0
#: seconds that a worker without a task waits for one before it writes what it has finished
IDLE = 0.2
#: modules that workers have from the start
PRELOAD = ["sim.batch", "sim.model", "sim.warmup"]
#: what workers say beside results: the identity of a run that begins, or that a task is done
TASK_DONE = None


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """Does tasks in processes of this machine.

    Parameters
    ----------
    workers
        Number of processes.
    timeout
        Seconds after which a run counts as hanging.
    """

    def __init__(self, workers: int, timeout: float) -> None:
        self.workers, self.timeout = workers, timeout

    def __call__(self, work: Work, tasks: list[Task]) -> Iterator[list[Head] | Failure]:
        """Do tasks; yield failures, and finished runs once they are written."""
        suspects: list[Arm] = []
        yield from self._share(work, collections.deque(tasks), self.workers, suspects)
        for arm in suspects:
            for _attempt in range(TRIES - 1):
                died: list[Arm] = []
                yield from self._share(work, collections.deque([(arm,)]), 1, died)
                if not died:
                    break
            else:
                why = _("its process died, {n} times").format(n=TRIES)
                yield Failure(arm.run, arm.scenario, arm.seed, why, point=arm.point)

    def _share(
        self, work: Work, tasks: collections.deque[Task], workers: int, died: list[Arm]
    ) -> Iterator[list[Head] | Failure]:
        """Share tasks out among workers; a run at which one died goes to `died`."""
        crew: list[Worker] = []
        stillborn = 0
        try:
            while tasks or any(worker.open for worker in crew):
                self._give(work, tasks, crew, workers)
                for worker in self._ready(crew):
                    answer = worker.answer()
                    if isinstance(answer, OSError):  # no run is at fault: nothing can be written
                        raise answer
                    if isinstance(answer, Failure) or (isinstance(answer, list) and answer):
                        yield answer
                for worker in [w for w in crew if w.gone or w.hangs(self.timeout)]:
                    crew.remove(worker)
                    worker.end()
                    stillborn = 0 if worker.spoke else stillborn + 1
                    if stillborn == TRIES * workers:  # else they would be started for ever
                        raise ChildProcessError(_("worker processes end before they have begun"))
                    if worker.at is not None and worker.gone:
                        died.append(worker.at)
                    elif worker.at is not None:
                        why = _("took longer than {n:.0f} seconds (--timeout)").format(n=self.timeout)
                        yield Failure(
                            worker.at.run, worker.at.scenario, worker.at.seed, why, point=worker.at.point
                        )
                    left = tuple(arm for arm in worker.open.values() if arm != worker.at)
                    if left:
                        tasks.append(left)
        except (KeyboardInterrupt, GeneratorExit, OSError):
            _stop(crew)
            raise
        finally:
            for worker in crew:
                worker.end()

    def _give(self, work: Work, tasks: collections.deque[Task], crew: list["Worker"], workers: int) -> None:
        """Give each worker the tasks that it may have at once, starting workers as they are needed."""
        for at_once in range(1, AT_ONCE + 1):
            for worker in crew:
                if tasks and worker.tasks < at_once:
                    worker.give(tasks.popleft())
            while at_once == 1 and tasks and len(crew) < workers:
                crew.append(Worker(work))
                crew[-1].give(tasks.popleft())

    def _ready(self, crew: list["Worker"]) -> list["Worker"]:
        """Wait for a worker to answer or for a run to take too long; return who answered."""
        soonest = min(worker.began + worker.patience(self.timeout) for worker in crew) - time.monotonic()
        ready = wait([worker.connection for worker in crew], max(soonest, 0.0) + 0.01)
        return [worker for worker in crew if worker.connection in ready]


class Worker:
    """A process that does tasks, and what it has not answered for yet.

    Parameters
    ----------
    work
        What it has to know.

    Attributes
    ----------
    open
        Runs that it was given and that are neither written nor failed, by identity.
    tasks
        Tasks that it was given and has not gone through.
    at
        The run that it began last, None if that is answered for.
    began
        When it last said anything, on the clock of this process.
    gone
        Whether it has died.
    spoke
        Whether it has said anything.
    """

    def __init__(self, work: Work) -> None:
        start_server()
        context = multiprocessing.get_context("forkserver")
        self.open: dict[str, Arm] = {}
        self.tasks = 0
        self.at: Arm | None = None
        self.began = time.monotonic()
        self.gone = self.spoke = False
        self.connection, theirs = context.Pipe()
        stop, self.stop = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(theirs, work, stop), daemon=True)
        with clean_start():
            self.process.start()
        theirs.close()
        stop.close()

    def give(self, task: Task) -> None:
        """Send a task."""
        self.open |= {arm.run: arm for arm in task}
        self.tasks += 1
        if self.tasks == 1:
            self.began = time.monotonic()
        with contextlib.suppress(OSError):  # if it has died, so says its end of the pipe
            self.connection.send(task)

    def answer(self) -> list[Head] | Failure | OSError | str | None:
        """Take its next answer: finished runs, a failure, the run that it begins, the end of a task, or of itself."""
        try:
            said: list[Head] | Failure | OSError | str | None = self.connection.recv()
        except (EOFError, OSError):
            self.gone = True
            return None
        self.began, self.spoke = time.monotonic(), True
        if isinstance(said, OSError):
            self.gone = True
        elif said is TASK_DONE:
            self.tasks -= 1
        elif isinstance(said, str):
            self.at = self.open[said]
        else:
            for answered in [said.run] if isinstance(said, Failure) else [head.run for head in said]:
                del self.open[answered]
            if self.at is not None and self.at.run not in self.open:
                self.at = None
        return said

    def patience(self, timeout: float) -> float:
        """Return the seconds that it may be silent: those of a run, and at first those that it takes to start."""
        return timeout if self.spoke else max(timeout, START)

    def hangs(self, timeout: float) -> bool:
        """Return whether it has been at one run, or at its start, for too long."""
        return bool(self.open) and time.monotonic() - self.began > self.patience(timeout)

    def end(self) -> None:
        """End the process at once."""
        self.connection.close()
        self.stop.close()
        self.process.kill()
        self.process.join()


def _stop(crew: list[Worker]) -> None:
    """Let workers end the run that they are at and write what they have finished, if the grace lasts."""
    for worker in crew:
        worker.stop.close()
    until = time.monotonic() + GRACE
    waiting = [worker for worker in crew if worker.open]
    while waiting and (left := until - time.monotonic()) > 0:
        ready = wait([worker.connection for worker in waiting], left)
        for worker in [w for w in waiting if w.connection in ready]:
            worker.answer()
            if worker.gone:
                waiting.remove(worker)


def _work(connection: Connection, work: Work, stop: Connection) -> None:
    """Do tasks until the other end of the pipe is closed, or that of `stop`."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent decides what an interruption means
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _do(connection, work, stop)
    except OSError as error:  # the disk is full, say, or the parent has gone
        with contextlib.suppress(OSError):
            connection.send(error)


def _do(connection: Connection, work: Work, stop: Connection) -> None:
    unwritten = Unwritten(work.folder, work.flush_seconds)
    while not stop.poll():
        if len(unwritten) and not connection.poll(IDLE):  # nothing to do: write what waits
            connection.send(unwritten.write())
        try:
            task = connection.recv()
        except EOFError:
            return
        for arm in task:
            if stop.poll():
                break
            connection.send(arm.run)
            result = work.attempt(arm)
            if isinstance(result, Failure):
                connection.send(result)
            else:
                unwritten.add(result)
            if unwritten.due:
                connection.send(unwritten.write())
        connection.send(TASK_DONE)
    connection.send(unwritten.write())


def _end_with_parent() -> None:
    """End this process when its parent has, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def start_server() -> None:
    """Start the process from which workers are forked, with the model imported; once."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    with clean_start(), _deaf():
        forkserver.ensure_running()


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
def clean_start() -> Iterator[None]:
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
