"""Hold-outs: facts that nothing was fitted to, held against what the accepted set predicts.

For each fact the predictive distribution over members and seeds, where the fact lies in it, and a verdict. Failures are
listed like successes.
"""

import dataclasses
import math
import pathlib
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from sim.accepted import Ensemble
from sim.alignment import aligned
from sim.calibration.calibrate import Met, how_met, ids_met, told
from sim.calibration.experiments import Done, Experiment, carry_out
from sim.calibration.holdout_measures import HELD, Seen
from sim.calibration.targets import Fact, Months, Table, Targets, Words, read_table
from sim.intervals import Interval, mean_interval
from sim.language import _
from sim.places import read_world, shipped_folder
from sim.problems import Problem, ScenarioError, nearest, shown
from sim.space import Grid
from sim.toml_source import KeyPath, dotted

FILE = "holdouts.toml"
SEEDS = 2  #: of each member, which no other has
#: central part of the predictive distribution in which a number counts as reproduced
CENTRAL = 0.9
#: share of the runs in which a statement has to hold to count as reproduced, and below which it counts as failed
MOSTLY, HARDLY = 0.9, 0.5
#: measures that stand beside each claim that something emerges
EMERGENT = ("marcon_puech_500m", "eg_zones", "densest_3km2_share", "south_share", "north_share")


class Holdout(Fact):
    """A fact that was kept out of the fit."""

    kind: Literal["number", "used", "statement", "plan", "open"] = Field(
        description="What sort of fact it is."
    )
    experiment: str = Field(description="The world in which it is asked after.")
    measure: str = Field(description="What of a run is held against it.")
    months: Months = Field(description="First and last month that count, from 1.")
    series: str = Field(default="", description="Series that the measure reads.")
    over: str = Field(default="", description="Series by which it divides.")
    zones: Words = Field(default=(), description="Zones; absent: the whole region.")
    belt: str = Field(default="", description="Belt.")
    value: float | None = Field(default=None, description="What was observed or is planned.")
    note: str = Field(default="", max_length=600, description="What to keep in mind.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.measure not in HELD:
            raise PydanticCustomError(
                "unknown", f"no such measure: {self.measure}" + nearest(self.measure, HELD)
            )
        if (self.kind in ("number", "used", "plan")) != (self.value is not None):
            raise PydanticCustomError(
                "value", "a number or a plan has a value, a statement or an open question none"
            )
        return self


class HoldoutsFile(Table):
    """What a file of hold-outs says."""

    experiments: dict[str, Experiment] = Field(min_length=1, description="Worlds by name.")
    holdouts: Annotated[tuple[Holdout, ...], Strict(False)] = Field(min_length=1, max_length=200)


def read_holdouts(world: str) -> HoldoutsFile:
    """Return the hold-outs of a shipped world.

    Raises
    ------
    ScenarioError
        If its file is missing or wrong; lists everything at once.
    """
    name = f"{world}/{FILE}"
    said, source = read_table(shipped_folder() / world / FILE, name, HoldoutsFile)
    zones = read_world(world).zone_index
    found: list[tuple[KeyPath, str]] = []
    for i, fact in enumerate(said.holdouts):
        at: KeyPath = ("holdouts", i)
        if fact.experiment not in said.experiments:
            rule = _("no such experiment") + nearest(fact.experiment, said.experiments)
            found.append(((*at, "experiment"), rule))
        elif fact.months[1] > said.experiments[fact.experiment].months:
            found.append(((*at, "months"), _("the experiment is shorter")))
        found += [
            ((*at, "zones"), _("unknown zone {zone}").format(zone=shown(zone)) + nearest(zone, zones))
            for zone in fact.zones
            if zone not in zones
        ]
    if found:
        raise ScenarioError([Problem(name, *source.place(key), dotted(key), rule) for key, rule in found])
    return said


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
    """What the accepted set says of one fact.

    Attributes
    ----------
    fact
        The fact.
    values
        What each run has; nan where it has none, (n_runs,).
    """

    fact: Holdout
    values: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Values of the runs that have one."""
        return self.values[np.isfinite(self.values)]

    def quantile(self, level: float) -> float:
        """Return a quantile of the predictive distribution."""
        return float(np.quantile(self.known, level)) if len(self.known) else math.nan

    @property
    def percentile(self) -> float | None:
        """Where the fact lies in the predictive distribution, from 0 to 1; the middle of those equal to it."""
        if self.fact.value is None or not len(self.known):
            return None
        return float(np.mean(self.known < self.fact.value) + np.mean(self.known == self.fact.value) / 2)

    @property
    def chance(self) -> float | None:
        """Share of the runs in which a statement holds, or a plan is reached."""
        if not len(self.known):
            return None
        if self.fact.kind == "statement":
            return float(self.known.mean())
        return float(np.mean(self.known >= self.fact.value)) if self.fact.kind == "plan" else None

    @property
    def verdict(self) -> str:
        """What may be said of it."""
        if not len(self.known):
            return _("no run says anything")
        if self.fact.kind in ("number", "used"):
            tail, place = (1 - CENTRAL) / 2, self.percentile or 0.0
            if tail <= place <= 1 - tail:
                return _("inside") if self.fact.kind == "number" else _("used up")
            return _("FAILS: too low") if place > 1 - tail else _("FAILS: too high")
        if self.fact.kind == "statement":
            chance = self.chance or 0.0
            return _("holds") if chance >= MOSTLY else (_("undecided") if chance >= HARDLY else _("FAILS"))
        if self.fact.kind == "plan":
            return _("reached in {n:.0f} % of the runs").format(n=100 * (self.chance or 0.0))
        return _("open")


@dataclasses.dataclass(frozen=True, eq=False)
class Rival:
    """What a null or rival world leaves.

    Attributes
    ----------
    name
        Its name.
    arms
        Member and seed of each run, (n_runs,).
    measures
        Measures of each run by name; nan where it has none, (n_runs,) each.
    densest
        The densest zone of each run, (n_runs,).
    """

    name: str
    arms: list[tuple[int, int]]
    measures: dict[str, np.ndarray]
    densest: list[str]

    def by_member(self, key: str, arms: Collection[tuple[int, int]]) -> np.ndarray:
        """Return a measure of each member, in their order: the mean over those of its runs that are among `arms`."""
        found: dict[int, list[float]] = {}
        for (member, seed), value in zip(self.arms, self.measures[key], strict=True):
            if (member, seed) in arms:
                found.setdefault(member, []).append(float(value))
        return np.array([np.mean(found[member]) for member in sorted(found)])

    def against(self, other: "Rival", key: str) -> Interval:
        """Return by how much a measure is larger here than in another world, over members run with the same seeds.

        Runs of one member are not independent: the interval is that of the mean over members.
        """
        both = {
            arm
            for arm in set(self.arms) & set(other.arms)
            if all(np.isfinite(one.measures[key][one.arms.index(arm)]) for one in (self, other))
        }
        return mean_interval(self.by_member(key, both) - other.by_member(key, both))


@dataclasses.dataclass(frozen=True, eq=False)
class Confrontation:
    """Everything that the accepted set says of targets, hold-outs and rival worlds.

    Attributes
    ----------
    answers
        By hold-out.
    targets
        By target.
    rivals
        Null and rival worlds.
    densest_stock
        The zone with most floor space per square kilometre.
    members, seeds
        Members of the accepted set that were run, and seeds of each.
    failed
        Number of runs that failed.
    """

    answers: list[Answer]
    targets: list[Met]
    rivals: list[Rival]
    densest_stock: str
    members: int
    seeds: int
    failed: int


def confront(world: str, out: pathlib.Path, members: int, workers: int | None = None) -> Confrontation:
    """Run the experiments of all hold-outs that are missing in a folder, and hold the facts against them.

    Raises
    ------
    Interrupted
        If it is interrupted; what is finished is kept.
    EnsembleError
        If the world has no accepted set.
    """
    ensemble, said, targets = Ensemble.of(world), read_holdouts(world), Targets.of(world)
    done = {
        name: carry_out(name, experiment, ensemble, members, SEEDS, out, workers)
        for name, experiment in said.experiments.items()
    }
    seen = {name: list(map(_Map(one).see, one.series, one.region)) for name, one in done.items()}
    answers = [
        Answer(fact, np.array([HELD[fact.measure](run, fact) for run in seen[fact.experiment]]))
        for fact in said.holdouts
    ]
    rivals = [
        Rival(
            experiment.rival,
            done[name].arms,
            {
                key: np.array([np.nan if r[key] is None else r[key] for r in done[name].outcomes])
                for key in EMERGENT
            },
            [densest_zone(run, experiment.months) for run in seen[name]],
        )
        for name, experiment in said.experiments.items()
        if experiment.rival
    ]
    return Confrontation(
        answers, how_met(ensemble, targets), rivals, densest_stock(world), len(ensemble.points(members)), SEEDS,
        sum(len(one.failed) for one in done.values()),
    )  # fmt: skip


class _Map:
    """The map of an experiment, made once for all of its runs."""

    def __init__(self, done: Done) -> None:
        self.world, self.km2 = read_world(done.scenario.world), zone_areas(done.scenario.world)

    def see(self, series: pa.Table, region: pa.Table) -> Seen:
        """Return a run on the map."""
        return Seen(series, region, self.world, self.km2)


def zone_areas(world: Any) -> dict[str, float]:
    """Return the area of the cells of each zone [km2] by id."""
    grid = Grid.of(world)
    cells = np.bincount(grid.zone, minlength=grid.n_zones)
    return {
        zone.id: float(n) * grid.cell_km**2 for zone, n in zip(read_world(world).zones, cells, strict=True)
    }


def densest_zone(seen: Seen, month: int) -> str:
    """Return the zone with most startups per square kilometre at the end of a month, from 1."""
    window = _Window((month, month))
    density = {
        zone: float(seen.path("startups", window, (zone,))[-1]) / area for zone, area in seen.km2.items()
    }
    return max(density, key=lambda zone: density[zone])


@dataclasses.dataclass(frozen=True)
class _Window:
    months: tuple[int, int]


def densest_stock(world: str) -> str:
    """Return the zone with most floor space per square kilometre: where firms thrown on floor space would be densest."""
    areas = zone_areas(world)
    return max(read_world(world).zones, key=lambda zone: zone.stock_m2 / areas[zone.id]).id


def lines(found: Confrontation) -> list[str]:
    """Return the confrontation as text: hold-outs first, then targets, then rival worlds."""
    from sim.calibration.tables import difference_rows, holdout_rows, rival_rows, target_rows

    failures = [answer for answer in found.answers if answer.verdict.startswith(_("FAILS"))]
    return [
        _("{n} members of the accepted set, {s} seeds each").format(n=found.members, s=found.seeds),
        "",
        *aligned(holdout_rows(found.answers)),
        "",
        _("{n} of {m} facts fail").format(n=len(failures), m=_facts(found.answers)),
        "",
        *aligned(target_rows(found.targets)),
        "",
        told(ids_met(found.targets)),
        "",
        *aligned(rival_rows(found)),
        "",
        *aligned(difference_rows(found)),
    ]


def _facts(answers: Sequence[Answer]) -> int:
    return sum(answer.fact.kind in ("number", "statement") for answer in answers)


def to_dict(found: Confrontation) -> dict[str, Any]:
    """Return the confrontation as what `--json` prints."""
    return {
        "members": found.members,
        "seeds": found.seeds,
        "failed_runs": found.failed,
        "holdouts": {
            answer.fact.key: {"id": answer.fact.id, "kind": answer.fact.kind, "value": answer.fact.value,
                              "p5": answer.quantile(0.05), "median": answer.quantile(0.5), "p95": answer.quantile(0.95),
                              "percentile": answer.percentile, "chance": answer.chance, "verdict": answer.verdict}
            for answer in found.answers
        },
        "targets": {row.target.key: {"mean": row.mean, "median_member": row.median, "shipped": row.shipped} for row in found.targets},
        "rivals": {one.name: {key: float(np.nanmean(v)) for key, v in one.measures.items()} for one in found.rivals},
        "differences": {one.name: {key: one.against(found.rivals[0], key).to_dict() for key in EMERGENT}
                        for one in found.rivals[1:]},
        "densest": {one.name: {zone: one.densest.count(zone) / len(one.densest) for zone in dict.fromkeys(one.densest)}
                    for one in found.rivals},
    }  # fmt: skip
