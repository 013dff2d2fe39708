"""Experiments with the accepted set: worlds in which facts that were kept out of the fit can be asked after.

Beside the world as it is there are null and rival worlds, so that no claim of emergence stands alone.
"""

import dataclasses
import pathlib
from typing import Any

import pyarrow as pa
from pydantic import Field

from sim.accepted import Ensemble
from sim.calibration.targets import Table
from sim.designs import Axis
from sim.levers.base import MONTH_PATTERN
from sim.scenario import Scenario
from sim.store import Failure, Store
from sim.studies import run_study, with_own_seeds
from sim.study_files import Study, value_of

#: what grows with the stock of firms and is not solved by the start: a past with fewer firms has less of it
IN_PROPORTION = ("births.founding_scale", "finance.capital_bn_rmb")


class Experiment(Table):
    """A world that is run with every member of the accepted set."""

    scenario: str = Field(description="Id of the scenario.")
    months: int = Field(ge=1, le=1200, description="Months of each run.")
    changes: dict[str, bool | int | float | str] = Field(
        default={}, description="Values by dotted key, which hold for every member."
    )
    start: str | None = Field(
        default=None, pattern=MONTH_PATTERN, description="First month, if it lies in the past."
    )
    startups: int | None = Field(default=None, ge=1, description="Startups of that month.")
    rival: str = Field(default="", max_length=120, description="Its name among the null and rival worlds.")


def study_of(name: str, experiment: Experiment, ensemble: Ensemble, members: int, seeds: int) -> Study:
    """Return an experiment as a study of members of the accepted set, with so many seeds for each.

    Seeds follow from the place of a member alone, so that the worlds of all experiments differ in nothing but themselves.
    """
    scenario, months = Scenario.load(experiment.scenario), experiment.months
    changes: dict[str, Any] = dict(experiment.changes)
    share = 1.0
    if experiment.start is not None:
        changes["start"] = experiment.start
    if experiment.startups is not None:
        share = experiment.startups / scenario.initial.startups
        changes["initial.startups"] = experiment.startups
        changes |= {key: value_of(scenario, key) * share for key in IN_PROPORTION}
    changed = scenario.with_values(changes | ({"months": months} if months > scenario.months else {}))
    points = tuple(
        {key: value * (share if key in IN_PROPORTION else 1.0) for key, value in point.items()
         if key not in experiment.changes}
        for point in ensemble.points(members)
    )  # fmt: skip
    axes = tuple(Axis(key, factor=key in ensemble.factors) for key in points[0])
    own = tuple(range(1, 1 + seeds * len(points)))
    return Study(name, name, {changed.id: changed}, {}, own, months, axes, points, ("series", "region"))


@dataclasses.dataclass(frozen=True, eq=False)
class Done:
    """The finished runs of an experiment: which member and seed each is, its tables, and the runs that failed."""

    scenario: Scenario
    arms: list[tuple[int, int]]
    series: list[pa.Table]
    region: list[pa.Table]
    outcomes: list[dict[str, Any]]
    failed: list[Failure]


def carry_out(
    name: str,
    experiment: Experiment,
    ensemble: Ensemble,
    members: int,
    seeds: int,
    out: pathlib.Path,
    workers: int | None = None,
) -> Done:
    """Do the runs of an experiment that are missing in a folder; return all of them.

    Each member has seeds of its own: luck that all members share would not show in the spread of what they predict.

    Raises
    ------
    Interrupted
        If it is interrupted; what is finished is kept.
    """
    study = study_of(name, experiment, ensemble, members, seeds)
    failed = run_study(study, out / name, workers, own_seeds=True)
    results = Store(out / name)
    tables = {table: results.tables(table) for table in ("series", "region", "outcomes")}
    arms = [arm for arm in with_own_seeds(results.plan) if arm.run in tables["outcomes"]]
    finished = [arm.run for arm in arms]
    rows = [tables["outcomes"][run].to_pylist()[0] for run in finished]
    series, region = ([tables[table][run] for run in finished] for table in ("series", "region"))
    which = [(arm.point, arm.seed) for arm in arms]
    return Done(next(iter(study.scenarios.values())), which, series, region, rows, failed)
