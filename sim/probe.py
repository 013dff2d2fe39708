"""What a study will take in seconds and bytes, told from two of its runs.

>>> from sim.probe import expected_cost
>>> from sim.study_files import Study
>>> cost = expected_cost(Study.load("scenarios/studies/outside-pull.toml"))
"""

import dataclasses
import math
import pathlib
import tempfile
import time

from sim.batch import DATED, LONGEST_TASK, compile_kernels
from sim.plan import Arm
from sim.pool import processors
from sim.progress import Progress
from sim.record import HORIZONS
from sim.store import RunRecord, write_shard
from sim.studies import plan_of
from sim.study_files import Study
from sim.work import FLUSH_BYTES, FLUSH_RUNS, FLUSH_SECONDS, Work

#: months of a run that tells whether whole ones take too long
SHORT = 6
#: seconds that a whole run may take to be done for the sake of telling
PATIENCE = 5.0
#: tables with as many rows a month
GROWING = ("series", "region", "costs", "deals")


@dataclasses.dataclass(frozen=True)
class Cost:
    """What the runs of a study are expected to take: seconds a run of one processor, runs, and bytes on disk of all."""

    seconds_a_run: float
    runs: int
    bytes: float

    @property
    def seconds(self) -> float:
        """Processor-seconds of all runs."""
        return self.seconds_a_run * self.runs


def expected_cost(study: Study) -> Cost:
    """Return what the runs will take, after a run of the first scenario and one of the last.

    The runs are whole if that takes seconds; else they are short, and what grows with the months is carried on. Neither
    compiling nor loading the model counts, which each process does once.
    """
    from sim.model import ClusterModel

    plan, names = plan_of(study), list(study.scenarios)
    work = Work(pathlib.Path(), plan, study.scenarios)

    def of_months(months: int) -> Work:
        return dataclasses.replace(work, plan=dataclasses.replace(plan, months=months))

    # two seeds, so that no run is the other one again, and one to load the model with
    seeds = (study.seeds[0], *(seed for seed in range(3) if seed != study.seeds[0]))
    arms = [
        Arm(name, point, seed, plan.run_id(name, seed, point))
        for name, point, seed in zip(
            (names[0], names[-1]), (0, len(study.points) - 1), seeds[:2], strict=True
        )
    ]
    with Progress(1) as progress:
        compile_kernels([work.scenario(arm) for arm in arms], progress)
    _sizes([_timed(of_months(1), arms[0]._replace(seed=seeds[2]))])
    begin = time.perf_counter()
    ClusterModel.from_scenario(work.scenario(arms[0]), seed=arms[0].seed)
    history = time.perf_counter() - begin
    months = min(SHORT, study.months)
    does = of_months(months)
    if _timed(does, arms[0]).seconds * study.months / months <= PATIENCE:
        does, months = work, study.months
    records = [_timed(does, arm) for arm in arms]
    own = records[0].seconds  # the other has its history in it
    seconds = history / _share_of_histories(study) + own * study.months / months
    return Cost(seconds, study.runs, _bytes(study, records, months, seconds) + len(plan.text.encode()))


def _timed(work: Work, arm: Arm) -> RunRecord:
    """Do a run and make its tables."""
    begin = time.perf_counter()
    digest, tables = work.simulate(arm)
    return RunRecord(arm.run, arm.seed, digest, time.perf_counter() - begin, tables)


def _share_of_histories(study: Study) -> float:
    """Return how many runs share a history before the first month, as they go to processes in tasks."""
    dated = all(axis.key.split(".")[0] in DATED for axis in study.axes)
    together = len(study.scenarios) * (len(study.points) if dated else 1)
    unlike = len({scenario.history_fingerprint for scenario in study.scenarios.values()})
    return together / max(unlike, math.ceil(together / LONGEST_TASK))


def _bytes(study: Study, records: list[RunRecord], months: int, seconds: float) -> float:
    """Return the bytes of all shards: what each file takes whatever is in it, and what each run adds.

    Parameters
    ----------
    study
        The study.
    records
        Two of its runs, of `months` months.
    months
        Their months.
    seconds
        Seconds that a whole run takes, which tell how many are written together.
    """
    first, second, both = (_sizes(some) for some in (records[:1], records[1:], records))
    carried = dict.fromkeys(GROWING, study.months / months)
    carried["presence"] = _horizons(study.months) / _horizons(months)
    a_file, a_run, in_memory = 0.0, 0.0, 0.0
    for name, size in both.items():
        alone = max(first[name] + second[name] - size, 0)
        a_file += alone
        a_run += (size - alone) / 2 * carried.get(name, 1.0)
        in_memory += records[0].tables[name].nbytes * carried.get(name, 1.0)
    together = max(min(FLUSH_RUNS, FLUSH_SECONDS / seconds, FLUSH_BYTES / in_memory), 1.0)
    shards = max(study.runs / together, min(processors(), study.runs))
    return shards * a_file + study.runs * a_run


def _horizons(months: int) -> int:
    """Return how often a run takes down who is there."""
    return len({step for step in HORIZONS if step <= months} | {months})


def _sizes(records: list[RunRecord]) -> dict[str, int]:
    """Return the bytes of each table in a shard of some runs."""
    with tempfile.TemporaryDirectory() as folder:
        shards = pathlib.Path(folder) / "shards"
        shards.mkdir()
        write_shard(pathlib.Path(folder), records)
        return {path.name.rpartition("-")[0]: path.stat().st_size for path in shards.iterdir()}
