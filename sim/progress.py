"""How far a long piece of work is, on standard error: a bar on a terminal, plain lines elsewhere."""

import contextlib
import contextvars
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from sim.language import _

#: seconds after which progress is shown at all, and between plain lines
PATIENCE = 2.0
PLAIN_EVERY = 10.0
#: runs behind a guess of the time that is left: the first ones also start their process
FEWEST_FOR_GUESS = 4

#: who hears of a step by its name, and of finished, failed and all runs
Watcher = Callable[[str, int, int, int], None]
_watcher: contextvars.ContextVar[Watcher | None] = contextvars.ContextVar("watcher", default=None)


@contextlib.contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell somebody else of all progress instead of standard error."""
    before = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(before)


class Progress:
    """Finished and failed runs out of all, with the time that is left.

    Parameters
    ----------
    total
        Runs to do.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.finished = self.failed = 0
        self._begin = self._shown = time.monotonic()
        self._watcher = _watcher.get()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, what: str) -> None:
        """Say that a step with a name has begun; shown at once."""
        if self._watcher is not None:
            self._watcher(what, self.finished, self.failed, self.total)
            return
        if sys.stderr.isatty():
            self._start_bar(what)
        else:
            print(what, file=sys.stderr, flush=True)

    def begin_runs(self) -> None:
        """Say that the runs begin; the time that is left counts from here."""
        self._begin = time.monotonic()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._start_bar(_("runs"), self.total)
        if self._watcher is not None:
            self.show()

    def count(self, finished: int = 0, failed: int = 0) -> None:
        """Count runs that are written, and runs that failed."""
        self.finished += finished
        self.failed += failed
        self.show()

    def show(self) -> None:
        """Show where the work is, if it takes long."""
        if self._watcher is not None:
            self._watcher(_("runs"), self.finished, self.failed, self.total)
            return
        now = time.monotonic()
        if now - self._begin < PATIENCE:
            return
        if sys.stderr.isatty():
            if self._bar is None:
                self._start_bar(_("runs"), self.total)
            failed = _(", {n} failed").format(n=self.failed) if self.failed else ""
            self._bar.update(self._task, completed=self.finished + self.failed, failed=failed)
        elif now - self._shown >= PLAIN_EVERY or self.finished + self.failed == self.total:
            self._shown = now
            print(self._line(now), file=sys.stderr, flush=True)

    def _line(self, now: float) -> str:
        count = self.finished + self.failed
        line = _("{count} of {total} runs").format(count=count, total=self.total)
        if self.failed:
            line += _(", {n} failed").format(n=self.failed)
        if FEWEST_FOR_GUESS <= count < self.total:
            seconds = (now - self._begin) / count * (self.total - count)
            line += _(", about {seconds:.0f} s left").format(seconds=seconds)
        return line

    def _start_bar(self, what: str, total: int | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns: list[Any] = [TextColumn("{task.description}"), BarColumn()]
        if total is not None:
            columns += [MofNCompleteColumn(), TextColumn("{task.fields[failed]}"), TimeRemainingColumn()]
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(what, total=total, failed="")
        self._bar.start()
