"""The work of one process: runs of a plan, one after another, written as they are finished."""

import dataclasses
import functools
import pathlib
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from sim.language import _
from sim.plan import Arm, OtherPlanError, Plan, read_plan
from sim.problems import shown
from sim.scenario import Scenario
from sim.store import OUTCOMES, Failure, Head, RunRecord, write_shard
from sim.study_files import at_point

#: finished runs are written when so many wait, or so many bytes of them
FLUSH_RUNS, FLUSH_BYTES = 1000, 2**26
#: or after so many seconds: what a process that is killed has to do again
FLUSH_SECONDS = 5.0
#: scenarios at points that a process remembers
REMEMBERED = 64
#: the kept table that is no table of the run itself
MOMENTS = "moments"

#: runs that go to one process, one after another, because they share the history before the first month
Task = tuple[Arm, ...]
#: does tasks and yields what became of their runs, in no particular order
Executor = Callable[["Work", list[Task]], Iterator["list[Head] | Failure"]]


@dataclasses.dataclass(frozen=True, eq=False)
class Work:
    """What a process needs to know to do runs of a plan.

    Attributes
    ----------
    folder
        Results folder, into whose shards finished runs are written.
    plan
        What is run.
    scenarios
        The scenarios of the plan by id.
    flush_seconds
        Seconds for which finished runs may wait to be written.
    """

    folder: pathlib.Path
    plan: Plan
    scenarios: dict[str, Scenario]
    flush_seconds: float = FLUSH_SECONDS

    def scenario(self, arm: Arm) -> Scenario:
        """Return the scenario of a run, at its point of the design."""
        return self._at_point(arm.scenario, arm.point)

    @functools.cached_property
    def _at_point(self) -> Callable[[str, int], Scenario]:
        def apply(scenario: str, point: int) -> Scenario:
            values = self.plan.values(scenario, point)
            return at_point(self.scenarios[scenario], values, set(self.plan.factors))

        return functools.lru_cache(maxsize=REMEMBERED)(apply)

    def reference(self) -> tuple[Any, ...]:
        """Return a function, and what to call it with, that makes this work anew wherever the folder is seen."""
        return remembered_work, str(self.folder.absolute()), self.plan.sha

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for other processes: without what this one remembers."""
        return {name: value for name, value in self.__dict__.items() if name != "_at_point"}

    def attempt(self, arm: Arm) -> RunRecord | Failure:
        """Do one run; whatever goes wrong in it is returned, not raised."""
        begin = time.perf_counter()
        try:
            digest, tables = self.simulate(arm)
            for name, value in tables[OUTCOMES].to_pylist()[0].items():
                if isinstance(value, float) and not np.isfinite(value):
                    raise ArithmeticError(f"{name} is {value}")
            return RunRecord(arm.run, arm.seed, digest, round(time.perf_counter() - begin, 3), tables)
        except Exception as error:
            where = traceback.format_exc().replace(f"{pathlib.Path(__file__).parent.parent}/", "")
            what, month = f"{type(error).__name__}: {error}", getattr(error, "month", None)
            return Failure(arm.run, arm.scenario, arm.seed, what, where, arm.point, month)

    def simulate(self, arm: Arm) -> tuple[str, dict[str, pa.Table]]:
        """Do one run; return its digest and the tables that are kept."""
        from sim.model import ClusterModel

        model = ClusterModel.from_scenario(self.scenario(arm), seed=arm.seed)
        try:
            run = model.run(self.plan.months)
        except Exception as error:
            error.month = model.world.month  # type: ignore[attr-defined] # for the row among the failures
            raise
        return run.digest, {name: table_of(run, name) for name in (OUTCOMES, *self.plan.keep)}

    def do(self, arms: Iterable[Arm]) -> Iterator[list[Head] | Failure]:
        """Do runs one after another; yield failures, and finished runs once they are written."""
        unwritten = Unwritten(self.folder, self.flush_seconds)
        try:
            for arm in arms:
                result = self.attempt(arm)
                if isinstance(result, Failure):
                    yield result
                    continue
                unwritten.add(result)
                if unwritten.due:
                    yield unwritten.write()
        finally:
            heads = unwritten.write()
        if heads:
            yield heads


def read_work(folder: str, sha: str = "") -> Work:
    """Return what a process needs to do runs of the plan in a folder.

    Parameters
    ----------
    folder
        Results folder.
    sha
        Hash of the plan, if results are to count: then only the sources that the plan names will do.

    Raises
    ------
    OtherPlanError
        If the folder holds another plan, or this process has other sources of the program.
    """
    from sim.compiled import source_hash

    plan = read_plan(pathlib.Path(folder))
    if sha and plan.sha != sha:
        raise OtherPlanError(_("{path}: holds another plan").format(path=shown(folder)))
    if sha and plan.model != source_hash():
        raise OtherPlanError(_("{path}: planned with other sources of sim; only those can do its runs").format(
            path=shown(folder)))  # fmt: skip
    scenarios = {
        name: Scenario.model_validate({**values["content"], "id": name})
        for name, values in plan.scenarios.items()
    }
    for name, scenario in scenarios.items():
        if sha and scenario.fingerprint != plan.scenarios[name]["fingerprint"]:
            raise OtherPlanError(_("{path}: {scenario} was planned with other sources of a plug-in; only those can do its "
                                   "runs").format(path=shown(folder), scenario=shown(name)))  # fmt: skip
    return Work(pathlib.Path(folder), plan, scenarios)


@functools.lru_cache(maxsize=4)
def remembered_work(folder: str, sha: str) -> Work:
    """Return the work of an absolute folder; a process reads it once."""
    return read_work(folder, sha)


def table_of(run: Any, name: str) -> pa.Table:
    """Return a table that is kept of a run: one of its own, or the moments that the targets of its world ask for."""
    if name != MOMENTS:
        return getattr(run, name)
    from sim.calibration.moments import moments_table
    from sim.calibration.targets import Targets

    return moments_table(run, Targets.of(run.grid.tables.id).rows)


class Unwritten:
    """Finished runs that wait to be written together.

    Parameters
    ----------
    folder
        Results folder.
    seconds
        Seconds for which they may wait.
    """

    def __init__(self, folder: pathlib.Path, seconds: float = FLUSH_SECONDS) -> None:
        self.folder, self.seconds = folder, seconds
        self._records: list[RunRecord] = []
        self._since, self._bytes = time.monotonic(), 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: RunRecord) -> None:
        """Take a finished run."""
        if not self._records:
            self._since = time.monotonic()
        self._records.append(record)
        self._bytes += sum(table.nbytes for table in record.tables.values())

    @property
    def due(self) -> bool:
        """Whether enough runs wait, or for long enough."""
        many = len(self._records) >= FLUSH_RUNS or self._bytes >= FLUSH_BYTES
        return bool(self._records) and (many or time.monotonic() - self._since > self.seconds)

    def write(self) -> list[Head]:
        """Write what waits; return what was written."""
        records, self._records, self._bytes = self._records, [], 0
        return write_shard(self.folder, records) if records else []


def in_this_process(work: Work, tasks: list[Task]) -> Iterator[list[Head] | Failure]:
    """Do all tasks in this process."""
    yield from work.do(arm for task in tasks for arm in task)
