"""Runs on a Dask cluster, through its futures: tasks go out, and what was written comes back.

Workers write shards where they run, into the results folder, which they must see under the same path; they read the
plan there too, so that only names of runs and what a shard says of them travel. Runs are sent in bundles that take some
seconds, so that the scheduler has little to do however short a run is. A run whose worker dies is tried again alone, and
is a failure when Dask gives it up.
"""

import collections
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from sim.language import _
from sim.pool import processors
from sim.problems import not_installed, shown
from sim.store import Failure, Head
from sim.work import FLUSH_RUNS, Task, Work

#: what a cluster of this machine does not do, because it takes a quarter of the workers' time: to look many times a second
#: at what threads, memory, disks and event loops do, and to give memory back to the system between two runs
UNDISTURBED = {
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.interval": "1s",
    "distributed.nanny.pre-spawn-environ": {f"{name}_NUM_THREADS": 1 for name in ("OMP", "MKL", "OPENBLAS")},
    "distributed.worker.memory.monitor-interval": "2s",
    "distributed.worker.profile.enabled": False,
}
#: bundles that the scheduler holds for each thread of a worker, so that none waits for the next
AHEAD = 2


class DaskExecutor:
    """Does tasks on a Dask cluster.

    Parameters
    ----------
    address
        Address of the scheduler; absent: a cluster of this machine, for the length of the work.
    workers
        Processes of that cluster; absent: one for each processor.

    Raises
    ------
    ImportError
        If Dask is not installed.
    ValueError
        If there can be no scheduler at such an address.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError:
            raise not_installed("Dask", "dask") from None
        if address is not None and not _can_be_asked(address):  # Dask's own client would never end
            rule = _("must be like {example}, not {given}")
            raise ValueError(rule.format(example="tcp://127.0.0.1:8786", given=shown(address) or '""'))
        self.address, self.workers = address, workers

    def __call__(self, work: Work, tasks: list[Task]) -> Iterator[list[Head] | Failure]:
        """Do tasks; yield failures, and finished runs once they are written.

        Raises
        ------
        ConnectionError
            If the scheduler cannot be reached, or goes away.
        OSError
            If a worker cannot write.
        """
        import dask
        from distributed import Client

        here = {"n_workers": self.workers or processors(), "threads_per_worker": 1, "processes": True,
                "dashboard_address": None}  # fmt: skip
        to = {"address": self.address} if self.address else here
        with dask.config.set(UNDISTURBED), Client(**to, set_as_default=False) as client:
            suspects: list[Task] = []
            yield from _fly(client, work, tasks, suspects)
            for arm in (arm for task in suspects for arm in task):
                alone: list[Task] = []
                yield from _fly(client, work, [(arm,)], alone)
                if alone:
                    why = _("its process died, again and again (Dask gave it up)")
                    yield Failure(arm.run, arm.scenario, arm.seed, why, point=arm.point)


def _can_be_asked(address: str) -> bool:
    """Return whether an address has a scheme that Dask knows, or none, and a host and a port."""
    from distributed.comm import get_address_host_port

    try:
        host, port = get_address_host_port(address if "://" in address else f"tcp://{address}", strict=True)
    except ValueError:
        return False
    return bool(host) and 0 < port < 2**16


def _fly(client: Any, work: Work, tasks: list[Task], died: list[Task]) -> Iterator[list[Head] | Failure]:
    """Send tasks and take what comes back; bundles that Dask gives up go to `died`."""
    from distributed import KilledWorker, as_completed

    bundles = _Bundles(tasks, work.flush_seconds)
    flying: dict[str, Task] = {}
    running: Any = as_completed(loop=client.loop)

    def send() -> None:
        with answering():
            threads = max(sum(client.nthreads().values()), 1)
        while bundles and len(flying) < AHEAD * threads:
            bundle = bundles.take(threads)
            with answering():
                future = client.submit(do_task, *work.reference(), bundle, pure=False)
            flying[future.key] = bundle
            running.add(future)

    send()
    while flying:
        future = next(running)
        bundle = flying.pop(future.key)
        if future.status == "finished":
            with answering():
                answers = future.result()
            bundles.learn([answer for answer in answers if not isinstance(answer, Failure)])
            yield from answers
        elif future.status == "error" and isinstance(future.exception(), KilledWorker):
            died.append(bundle)
        elif future.status in ("pending", "lost"):  # its worker died with the answer: Dask does it again
            flying[future.key] = bundle
            running.add(future)
            continue
        elif future.status == "error":  # a run that fails is an answer: this is the folder, or the program
            raise future.exception()
        else:
            raise _gone()
        future.release()
        send()


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Say that the scheduler has gone, whatever Dask calls it, which depends on what it was asked last.

    Raises
    ------
    ConnectionError
        If Dask was cut off, or closed itself.
    """
    from distributed.client import CancelledError, ClosedClientError

    try:
        yield
    except (OSError, CancelledError, ClosedClientError) as error:
        raise _gone() from error


def _gone() -> ConnectionError:
    return ConnectionError(_("the Dask scheduler has gone"))


class _Bundles:
    """Runs that wait, in bundles that take so many seconds, as far as the last ones tell; smaller ones at the end."""

    def __init__(self, tasks: list[Task], seconds: float) -> None:
        self.seconds = seconds
        self._waiting = collections.deque(tasks)
        self._left = sum(map(len, tasks))
        self._pace: float | None = None  # seconds a run

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def learn(self, written: list[list[Head]]) -> None:
        """Take note of how long runs took; the first ones of a worker take longer, and do not count for ever."""
        seconds = [head.seconds for heads in written for head in heads]
        if seconds:
            self._pace = sum(seconds) / len(seconds)

    def take(self, threads: int) -> Task:
        """Return the next bundle."""
        bundle: Task = ()
        most = 1.0
        if self._pace is not None:
            most = min(self.seconds / max(self._pace, 1e-9), self._left / (AHEAD * threads), FLUSH_RUNS)
        while self._waiting and (not bundle or len(bundle) + len(self._waiting[0]) <= most):
            bundle += self._waiting.popleft()
        self._left -= len(bundle)
        return bundle


def do_task(open_work: Callable[..., Work], folder: Any, plan: str, task: Task) -> list[list[Head] | Failure]:
    """Do the runs of a task; return failures, and what was written of the others."""
    return list(open_work(folder, plan).do(task))
