"""Work beside the page: runs and comparisons in processes of their own, few at a time, in a bounded queue.

Two lanes: one process does runs for the map one after another and lives on, because it has the model loaded; each comparison
has a process of its own. What is cancelled, or whose reader has gone, is ended.
"""

import collections
import contextlib
import dataclasses
import itertools
import multiprocessing
import multiprocessing.connection
import signal
import threading
import time
from typing import Any

from sim.language import _
from sim.pool import clean_start
from sim.scenario import Scenario

MOST_WAITING = 6  #: jobs of a lane that wait, of all readers together
MOST_KEPT = 16  #: runs whose frames are kept
PATIENCE = 5.0  #: seconds that a comparison has to write down what it has
RUN, COMPARE = "run", "compare"


class QueueFullError(RuntimeError):
    """More work is waiting than is taken."""


@dataclasses.dataclass
class Job:
    """One run of scenarios for the map, or one comparison.

    Attributes
    ----------
    owner
        Session that asked; None: the page itself.
    lane
        RUN or COMPARE.
    asked
        Arguments of the work: picklable.
    status
        waiting, running, done, failed or cancelled.
    step, finished, failed, total
        How far it is.
    result
        What came out: frames by position, or the results folder.
    message
        Why it failed.
    """

    number: int
    owner: Any
    lane: str
    asked: tuple[Any, ...]
    status: str = "waiting"
    step: str = ""
    finished: int = 0
    failed: int = 0
    total: int = 0
    result: Any = None
    message: str = ""
    began: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def open(self) -> bool:
        """Whether it is not over."""
        return self.status in ("waiting", "running")


class Worker:
    """One process and the pipe to it.

    Parameters
    ----------
    target
        What the process does with its end of the pipe.
    arguments
        More arguments, picklable.
    """

    def __init__(self, target: Any, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(theirs, *arguments))
        with clean_start():
            self.process.start()
        theirs.close()
        self.ending: float | None = None

    def end(self, politely: bool) -> None:
        """Ask the process to end, or end it."""
        if politely and self.ending is None:
            self.ending = time.monotonic()
            self.process.terminate()
        elif not politely:
            self.process.kill()

    def has_ended(self) -> bool:
        """Return whether it is gone; one that was asked and does not go is ended."""
        if self.process.is_alive():
            if self.ending is not None and time.monotonic() - self.ending > PATIENCE:
                self.process.kill()
            return False
        return True


class Jobs:
    """All work beside the page; `poll` is called often, and nothing here waits."""

    def __init__(self) -> None:
        self.queues: dict[str, collections.deque[Job]] = {
            RUN: collections.deque(),
            COMPARE: collections.deque(),
        }
        self.running: dict[str, Job | None] = {RUN: None, COMPARE: None}
        self.workers: dict[str, Worker | None] = {RUN: None, COMPARE: None}
        self.leaving: list[Worker] = []
        self.kept: collections.OrderedDict[Any, Any] = collections.OrderedDict()
        self._numbers = itertools.count(1)

    def submit(self, owner: Any, lane: str, *asked: Any) -> Job:
        """Put work into the queue.

        Raises
        ------
        QueueFullError
            If too much is waiting.
        """
        queue = self.queues[lane]
        if len(queue) >= MOST_WAITING:
            message = _("The queue is full: {n} jobs wait. Nothing was started; try again when one is done.")
            raise QueueFullError(message.format(n=len(queue)))
        job = Job(next(self._numbers), owner, lane, asked)
        queue.append(job)
        return job

    def cancel(self, job: Job) -> None:
        """End a job, waiting or running; a comparison keeps the runs that it has finished."""
        if not job.open:
            return
        if job.status == "waiting":
            self.queues[job.lane].remove(job)
        else:
            worker = self.workers[job.lane]
            self.running[job.lane] = self.workers[job.lane] = None
            if worker is not None:
                worker.end(politely=job.lane == COMPARE)
                self.leaving.append(worker)
        job.status = "cancelled"

    def forget(self, owner: Any) -> None:
        """Cancel all that a session has asked for."""
        for lane, queue in self.queues.items():
            for job in [*queue, self.running[lane]]:
                if job is not None and job.owner == owner:
                    self.cancel(job)

    def poll(self) -> None:
        """Take what processes have said, and start what waits."""
        for lane, queue in self.queues.items():
            job = self.running[lane]
            if job is not None:
                self._listen(job)
            if self.running[lane] is None and queue and not (lane == COMPARE and self.leaving):
                self._start(queue.popleft())
        self.leaving = [worker for worker in self.leaving if not worker.has_ended()]

    def _start(self, job: Job) -> None:
        from sim.app import work  # it imports this module

        job.status = "running"
        self.running[job.lane] = job
        worker = self.workers[job.lane]
        if job.lane == COMPARE:
            self.workers[COMPARE] = Worker(*job.asked)  # what is done, and with what
            return
        if worker is None or worker.has_ended():
            worker = self.workers[RUN] = Worker(work.run_in_process)
        with contextlib.suppress(OSError):  # if it has died, so says its end of the pipe
            worker.connection.send(job.asked)

    def _listen(self, job: Job) -> None:
        worker = self.workers[job.lane]
        assert worker is not None
        try:
            while job.open and worker.connection.poll():
                self._hear(job, *worker.connection.recv())
        except (EOFError, OSError):
            if job.open:
                job.status, job.message = "failed", _("its process has died")
        if not job.open:
            self.running[job.lane] = None
            if job.lane == COMPARE or job.message:
                self.leaving.append(worker)
                worker.end(politely=True)
                self.workers[job.lane] = None

    def _hear(self, job: Job, kind: str, *said: Any) -> None:
        if kind == "progress":
            job.step, job.finished, job.failed, job.total = said
        elif kind == "done":
            job.status, job.result = "done", said[0]
            if job.lane == RUN:
                for key, frames in said[0].items():
                    self.keep(key, frames)
        else:
            job.status, job.message = "failed", said[0]

    def keep(self, key: Any, frames: Any) -> None:
        """Keep the frames of a run, and forget the oldest beyond what is kept."""
        self.kept[key] = frames
        self.kept.move_to_end(key)
        while len(self.kept) > MOST_KEPT:
            self.kept.popitem(last=False)

    def close(self) -> None:
        """End all processes."""
        for queue in self.queues.values():
            for job in list(queue):
                self.cancel(job)
        for lane, running in self.running.items():
            if running is not None:
                self.cancel(running)
            worker = self.workers[lane]
            if worker is not None:
                worker.end(politely=False)
                self.leaving.append(worker)
                self.workers[lane] = None
        deadline = time.monotonic() + PATIENCE
        for worker in self.leaving:
            worker.process.join(max(deadline - time.monotonic(), 0.1))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self.leaving = []


def key_of(scenario: Scenario, seed: int, months: int | None) -> tuple[str, int, int]:
    """Return under what the frames of a run are kept."""
    return scenario.fingerprint, seed, months or scenario.months


def end_with_parent() -> None:
    """End this process when the one that started it has ended, however that was."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            multiprocessing.connection.wait([parent.sentinel])
            signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
