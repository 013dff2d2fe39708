"""Runs that take no time and go wrong when they are told to, for tests of everything around the model.

As a program it is a study of such runs, which leaves with the exit codes of ``sim``::

    python toy_runs.py FOLDER RUNS WORKERS [OPTIONS as JSON: those of `do` and of `toy_executor`]
    python toy_runs.py kill-at-each-write FOLDER RUNS WRITES
"""

import dataclasses
import io
import itertools
import json
import os
import pathlib
import signal
import sys
import time

import numpy as np
import pyarrow as pa

import sim.pool
from sim.plan import Plan
from sim.pool import Pool
from sim.store import OUTCOMES, writing
from sim.studies import execute
from sim.work import Work, in_this_process

SCENARIOS = {name: {"fingerprint": name * 8, "content": {}} for name in ("base", "cut")}


@dataclasses.dataclass(frozen=True, eq=False)
class ToyWork(Work):
    """Does runs whose results are functions of their address.

    Attributes
    ----------
    notes
        Folder in which each attempt leaves a line in the file of its run, outside the results; None: nowhere.
    seconds
        Time that a run takes.
    trouble
        What goes wrong, by seed: raise, nan, hang, die, die-once.
    rows
        Rows of each table; they do not compress.
    """

    notes: pathlib.Path | None = None
    seconds: float = 0.0
    trouble: dict[int, str] = dataclasses.field(default_factory=dict)
    rows: int = 1

    def reference(self):
        """Return itself: toy runs are not read from the folder."""
        return _itself, self, ""

    def simulate(self, arm):
        """Return what a run would leave, or go wrong."""
        tried = self.note(arm)
        if self.seconds:
            time.sleep(self.seconds)
        trouble = self.trouble.get(arm.seed) if arm.scenario == "cut" else None
        if trouble == "raise":
            raise ZeroDivisionError("no firm left")
        if trouble == "hang":
            time.sleep(3600)
        if trouble == "die" or (trouble == "die-once" and tried == 0):
            os._exit(9)
        values = np.random.default_rng([arm.seed, arm.scenario == "cut"]).random(self.rows)
        values[0] = np.nan if trouble == "nan" else arm.seed
        words = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(self.rows), pa.int8()), pa.array([arm.scenario])
        )
        table = pa.table({"word": words, "value": values})
        return f"{arm.scenario} {arm.point} {arm.seed}", dict.fromkeys((OUTCOMES, *self.plan.keep), table)

    def note(self, arm):
        """Write down an attempt; return how many there were before."""
        if self.notes is None:
            return 0
        with (self.notes / arm.run).open("a+", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
            file.flush()
            file.seek(0)
            return len(file.readlines()) - 1


def _itself(work, _plan):
    return work


def plan_of(runs, **more):
    """Return a plan of so many runs of two scenarios."""
    return Plan(
        "base", SCENARIOS, tuple(range(1, runs // 2 + 1)), 3, "model", **({"keep": ("series",)} | more)
    )


def toy_executor(notes, workers, dask=None, timeout=600.0, flush=0.3, **options):
    """Return an executor that does toy runs in so many processes, 0 for this one, or on a Dask cluster.

    The cluster is that of the address `dask`, or if it is True one of this machine with so many workers.
    """
    if notes is not None:
        notes = pathlib.Path(notes)
        notes.mkdir(parents=True, exist_ok=True)

    def run(work, tasks):
        from sim.dask_executor import DaskExecutor

        toy = ToyWork(work.folder, work.plan, {}, flush, notes, **options)
        if dask:
            does = DaskExecutor(None if dask is True else dask, workers)
        else:
            does = Pool(workers, timeout) if workers else in_this_process
        yield from does(toy, tasks)

    return run


def do(folder, runs=40, workers=2, arms=None, plan=None, notes=True, then=None, **options):
    """Do toy runs into a folder; return those that failed."""
    executor = toy_executor(f"{folder}-notes" if notes else None, workers, **options)
    return execute(
        plan or plan_of(runs), {}, {}, pathlib.Path(folder), executor=executor, arms=arms, then=then
    )


def attempts(folder):
    """Return how often each run was begun, by identity."""
    notes = pathlib.Path(f"{folder}-notes")
    return {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in notes.iterdir()}


def main(where, runs, workers, options="{}"):
    """Do a study of toy runs; return the exit code."""
    told = json.loads(options)
    told["trouble"] = {int(seed): what for seed, what in told.pop("trouble", {}).items()}
    sim.pool.PRELOAD = ["toy_runs"]
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # there is nothing to compile
    try:
        return 1 if do(where, int(runs), int(workers), **told) else 0
    except (Exception, KeyboardInterrupt) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 130 if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", 4)


def kill_at_each_write(where, runs, writes):
    """Do a study in a process of its own for each of its writes, and kill it there.

    Once before the rename that makes the file appear, once behind it, before the folder is synced. Leaves the folders
    ``before-<n>`` and ``after-<n>``; prints how many processes were killed.
    """
    import sim.batch
    import sim.provenance  # noqa: F401 # what all of them need

    killed = 0
    for moment in ("before", "after"):
        for write in range(1, int(writes) + 1):
            child = os.fork()
            if not child:
                _die_at_write(write, moment == "after")
                os._exit(main(f"{where}/{moment}-{write}", runs, 0, '{"flush": -1, "notes": false}'))
            killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    print(killed)
    return 0


def _die_at_write(number, behind):
    rename, count = os.replace, itertools.count(1)

    def replace(source, target):
        last = next(count) == number
        if behind or not last:
            rename(source, target)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace


def contend(where, turn, answers):
    """Do a study when the others are ready to do the same one; answer with the exit code and what was said."""
    sys.stderr = io.StringIO()
    turn.wait()
    code = main(where, 6, 0, '{"seconds": 0.02, "notes": false}')
    answers.put((os.getpid(), code, sys.stderr.getvalue()))


def hold(where, held):
    """Hold a results folder until the process is killed."""
    with writing(where, plan_of(4)):
        held.set()
        time.sleep(3600)


if __name__ == "__main__":
    import toy_runs  # workers must find the class under a name that they can import

    kills = sys.argv[1] == "kill-at-each-write"
    sys.exit(toy_runs.kill_at_each_write(*sys.argv[2:]) if kills else toy_runs.main(*sys.argv[1:]))
