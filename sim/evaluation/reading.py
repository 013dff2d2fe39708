"""One pass over the shards of a study: what an evaluation needs of each run, in arrays by scenario and seed."""

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from sim.evaluation import design
from sim.evaluation.metrics import PATHS, SOURCES, STAGES, horizons
from sim.evaluation.pairing import Pairing, Seen, paid_rents
from sim.evaluation.presence import by_stage, columns_of_presence, numbers, steps_of
from sim.parameters import SEGMENTS
from sim.record import YEARLY_RATE
from sim.store import OUTCOMES, Head, Store

STOCKS = ("startups", "listed", "rd_heads", "production_heads", "production_outside_heads")
FLOWS = ("entries", "landed", "failures", "acquisitions", "listings", "departures", "moves_in", "deals",
         "capital_rmb", "guided_rmb")  # fmt: skip
PLACES = ("zone_rent_rmb_m2_month", "zone_stock_m2", "zone_vacant_m2", "zone_tenants_m2")
RENTS = ("area_m2", "rent_bill_rmb", "subsidised_area_m2", "subsidy_rmb")
_PRESENCE = ("step", "uid", "zone", "stage", "status", "rd_heads", "subsidy_rmb")
_COSTS = ("cost_rmb", "served", "refused")
#: what else may take the runs of a shard
Also = Callable[[list[Head], dict[str, pa.Table], tuple[str, ...]], None]
CRITICAL, ENTRY_MONTHS = 20.0, 6  #: startups of a segment within 1 km; months of net entry
NEAR = "startups_within_1km"


@dataclasses.dataclass
class Runs:
    """What was read; arrays begin with (n_scenarios, n_seeds) and are means over the points of the design.

    Attributes
    ----------
    store, members
        The results, and what their scenarios are to each other.
    zones
        Zones of the world, in the order of the arrays.
    horizons
        Months after which effects are told.
    done
        Which scenarios and seeds are complete.
    outcomes
        Columns of the outcomes by scenario, point and seed, and the headline metric of the last month that they lack.
    found
        Arrays by name: columns of the series at the horizons, ``path:`` by month, and what else `Reader` takes down;
        ``critical`` is no mean, but (n_scenarios, n_seeds, n_points, n_zones).
    moments
        Months, from 0, at which ``moments`` holds startups by zone.
    heads
        What the shards say of each run, by its identity.
    """

    store: Store
    members: list[design.Member]
    zones: tuple[Any, ...]
    horizons: tuple[int, ...]
    done: np.ndarray
    outcomes: dict[str, np.ndarray]
    found: dict[str, np.ndarray]
    moments: list[int]
    heads: dict[str, Head]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the zones, in the order of the arrays."""
        return tuple(zone.id for zone in self.zones)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the plan."""
        return self.store.plan.seeds

    def pairs(self, member: design.Member) -> np.ndarray:
        """Return the positions of the seeds that are complete with a policy and without."""
        return np.flatnonzero(self.done[member.position] & self.done[member.base])

    def has(self, name: str) -> bool:
        """Return whether something was read."""
        return name in self.found


def read(store: Store, also: Also | None = None) -> Runs:
    """Read a results folder, once.

    Parameters
    ----------
    store
        A results folder.
    also
        Called with the runs of each shard, their tables, and the ids of the zones: who else takes from the same reading.
    """
    reader = Reader(store)
    for heads, tables in store.parts(reader.columns):
        reader.take(heads, tables)
        if also is not None:
            also(heads, tables, reader.ids)
    return reader.runs()


class Reader:
    """Takes what an evaluation needs from one shard after the other.

    Parameters
    ----------
    store
        A results folder.
    """

    def __init__(self, store: Store) -> None:
        self.store, self.plan = store, store.plan
        self.members = design.members(self.plan)
        self.zones = design.zones_of(self.members[0].scenario)
        self.ids = tuple(zone.id for zone in self.zones)
        self.horizons = horizons(self.plan.months)
        self.shape = (len(self.members), len(self.plan.seeds))
        self.points = len(self.plan.points)
        self.places: dict[str, list[tuple[int, int, int]]] = collections.defaultdict(list)
        positions = {member.id: member.position for member in self.members}
        seeds = {seed: i for i, seed in enumerate(self.plan.seeds)}
        for arm in self.plan.arms():
            self.places[arm.run].append((positions[arm.scenario], arm.point, seeds[arm.seed]))
        self.heads: dict[str, Head] = {}
        self.count = np.zeros(self.shape, dtype=int)
        self.sums: dict[str, np.ndarray] = {}
        self.outcomes: dict[str, np.ndarray] = {}
        self.paying = [design.paying_zones(member.scenario, self.ids) for member in self.members]
        self.moments = self._moments()
        self.pairing = Pairing(self.members, self.ids, self.plan.months, len(self.plan.seeds), self.add)
        self.promised = [promise for member in self.members for promise in member.scenario.announced]
        self.discount = (1.0 + YEARLY_RATE) ** (-np.arange(self.plan.months) / 12)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Which columns of which tables are read."""
        wanted: dict[str, tuple[str, ...]] = {OUTCOMES: ()}
        if "series" in self.plan.keep:
            promised = tuple(promise.series for promise in self.promised)
            wanted["series"] = tuple(dict.fromkeys((*STOCKS, *FLOWS, *PLACES, *RENTS, NEAR, *promised)))
        for name, columns in (("presence", _PRESENCE), ("costs", _COSTS)):
            if name in self.plan.keep:
                wanted[name] = columns
        return wanted

    def _moments(self) -> np.ndarray:
        """Return the months at which gains are told because payments end, and what comes two years later."""
        wanted = set()
        for member in self.members:
            paid = np.flatnonzero(member.paid_months(self.plan.months))
            if len(paid) and paid[-1] + design.LATER < self.plan.months:
                wanted |= {int(paid[-1]), int(paid[-1]) + design.LATER}
        return np.array(sorted(wanted), dtype=int)

    def add(self, name: str, place: tuple[int, int, int], value: Any) -> None:
        """Add a run's part to the mean over points."""
        value = np.asarray(value, dtype=float)
        self._sum(name, value.shape)[place[0], place[2]] += value / self.points

    def _add_all(self, name: str, places: np.ndarray, values: np.ndarray) -> None:
        """Add the parts of the runs of a shard, (n_runs, ...); `places` as `_places` returns them."""
        values = np.asarray(values, dtype=float)
        row, scenario, _point, seed = places
        np.add.at(self._sum(name, values.shape[1:]), (scenario, seed), values[row] / self.points)

    def _sum(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name not in self.sums:
            self.sums[name] = np.zeros(self.shape + shape)
        return self.sums[name]

    def take(self, heads: list[Head], tables: dict[str, pa.Table]) -> None:
        """Take what is needed of the runs of one shard."""
        for head in heads:
            if self.heads.setdefault(head.run, head).digest != head.digest:
                self.store.done()  # says which
        rows = [self.places.pop(head.run, []) for head in heads]  # a run that stands twice counts once
        if not any(rows):
            return
        at = np.array([(row, *place) for row, places in enumerate(rows) for place in places]).T
        self._take_outcomes(at, tables[OUTCOMES])
        monthly = self._take_series(at, len(rows), tables["series"]) if "series" in tables else None
        costs = self._take_costs(rows, heads, tables["costs"]) if "costs" in tables else None
        if monthly is not None and NEAR in monthly:  # older results have none
            self._take_critical_mass(rows, monthly, costs)
        if "presence" in tables:
            self._take_presence(rows, heads, tables["presence"], monthly)

    def _take_outcomes(self, at: np.ndarray, table: pa.Table) -> None:
        """Take the outcomes; `at` holds row, scenario, point and seed of each place of a run, (4, n_places)."""
        for name, column in zip(table.column_names, table.columns, strict=True):
            if pa.types.is_floating(column.type):
                self._keep(name, at, numbers(column))
        np.add.at(self.count, (at[1], at[3]), 1)

    def _keep(self, name: str, at: np.ndarray, values: np.ndarray) -> None:
        """Keep a number of each run of a shard (n_runs,), of every point apart; `at` as for `_take_outcomes`."""
        row, *place = at
        if name not in self.outcomes:
            self.outcomes[name] = np.full((self.shape[0], self.points, self.shape[1]), np.nan)
        self.outcomes[name][*place] = values[row]

    def _take_series(self, places: np.ndarray, runs: int, table: pa.Table) -> dict[str, np.ndarray]:
        """Take the series; return those that are needed further, (n_runs, months, n_zones, 4)."""
        shape = (runs, self.plan.months, len(self.zones), len(SEGMENTS))
        data = {name: numbers(table[name]).reshape(shape) for name in table.column_names}
        at = np.array(self.horizons) - 1
        taken = {name: data[name][:, at] for name in STOCKS}
        bounds = [0, *self.horizons[:-1]]
        for name in FLOWS:
            taken[name] = np.cumsum(np.add.reduceat(data[name], bounds, axis=1), axis=1)
        for name in PLACES:
            taken[name] = data[name][..., 0][:, at]
        taken |= {f"path:{metric}": self._path(metric, data) for metric in PATHS}
        taken["first"] = data["startups"][:, 0].sum(axis=-1)
        if len(self.moments):
            taken["moments"] = data["startups"][:, self.moments].sum(axis=-1)
        for i, promise in enumerate(self.promised):
            series = {promise.series: np.moveaxis(data[promise.series].sum(axis=-1), 0, -1)}
            start = self.members[0].scenario.start
            reached = [promise.value({promise.series: series[promise.series][..., r]}, self.ids, start)
                       for r in range(runs)]  # fmt: skip
            if None not in reached:
                taken[f"promised:{i}"] = np.array(reached) >= promise.at_least
                taken[f"reached:{i}"] = np.array(reached)
        for name, values in taken.items():
            self._add_all(name, places, values)
        self._keep("other_tenants_m2_region", places, taken["zone_tenants_m2"][:, -1].sum(axis=-1))
        return {name: data[name] for name in (*RENTS, PLACES[0], "startups", NEAR) if name in data}

    @staticmethod
    def _path(metric: str, data: dict[str, np.ndarray]) -> np.ndarray:
        """Return a metric of the region by month, (n_runs, months)."""
        source = SOURCES[metric]
        total = source.of(lambda name: data[name].sum(axis=(2, 3)))
        return total if source.kind == "stock" else np.cumsum(total, axis=1)

    def _take_costs(self, rows: list[Any], heads: list[Head], table: pa.Table) -> list[np.ndarray]:
        """Take the costs; return what each lever spent, (months, n_levers) by run [RMB]."""
        columns = [numbers(table[name]) for name in _COSTS]
        start, spent = 0, []
        at = np.array(self.horizons) - 1
        for head, places in zip(heads, rows, strict=True):
            stop = start + head.rows["costs"]
            data = np.stack([column[start:stop] for column in columns]).reshape(3, self.plan.months, -1)
            start = stop
            spent.append(data[0])
            total = data[0].sum(axis=1)
            for place in places:
                self.add("cost_rmb", place, np.cumsum(total)[at])
                self.add("cost_pv_rmb", place, np.cumsum(total * self.discount)[at])
                if data.shape[2]:
                    self.add(f"levers:{place[0]}", place, data.sum(axis=1))
        return spent

    def _take_critical_mass(
        self, rows: list[Any], monthly: dict[str, np.ndarray], costs: list[np.ndarray] | None
    ) -> None:
        """Take the first month in which each zone has critical mass, of each point apart: infinite if it never has."""
        if self.plan.months <= ENTRY_MONTHS:
            return
        startups, near = monthly["startups"], monthly[NEAR]
        grown = startups[:, ENTRY_MONTHS:] > startups[:, :-ENTRY_MONTHS]
        enough = (grown & (near[:, ENTRY_MONTHS:] >= CRITICAL)).any(axis=-1)
        for r, places in enumerate(rows):
            spent = None if costs is None else costs[r]
            for scenario, point, seed in places:
                first = self._first_month(enough[r], scenario, spent)
                self._sum("critical", (self.points, len(self.zones)))[scenario, seed, point] = first

    def _first_month(self, enough: np.ndarray, scenario: int, spent: np.ndarray | None) -> np.ndarray:
        free = np.ones((self.plan.months, len(self.zones)), dtype=bool)
        if spent is not None and spent.size and self.paying[scenario].any():
            free = ~((spent > 0).astype(float) @ self.paying[scenario] > 0)
        paid = np.vstack([np.zeros((1, len(self.zones))), np.cumsum(~free, axis=0)])
        without = paid[ENTRY_MONTHS + 1 :] == paid[1:-ENTRY_MONTHS]  # none in the last months of net entry
        reached = enough & without
        first = reached.argmax(axis=0) + ENTRY_MONTHS + 1.0
        return np.where(reached.any(axis=0), first, np.inf)

    def _take_presence(
        self, rows: list[Any], heads: list[Head], table: pa.Table, monthly: dict[str, np.ndarray] | None
    ) -> None:
        """Take startups by stage, and hand who was there to the pairing."""
        columns = columns_of_presence(table, self.ids)
        start = 0
        for r, (head, places) in enumerate(zip(heads, rows, strict=True)):
            stop = start + head.rows["presence"]
            steps = steps_of({name: column[start:stop] for name, column in columns.items()})
            start = stop
            stages = [by_stage(steps[horizon]) if horizon in steps else np.zeros((2, STAGES))
                      for horizon in self.horizons]  # fmt: skip
            rents = None if monthly is None else self._rents(places, {k: v[r] for k, v in monthly.items()})
            for place in places:
                self.add("stages", place, stages)
                self.pairing.take(place, Seen(steps, rents))

    def _rents(
        self, places: list[tuple[int, int, int]], series: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray] | None:
        """Return what tells of a run what landlords take; None where it cannot: a policy that pays no rent."""
        is_base = any(self.members[scenario].base == scenario for scenario, _point, _seed in places)
        return paid_rents(series, RENTS, PLACES[0]) if is_base or series["subsidy_rmb"].any() else None

    def _without_rounding(self, values: np.ndarray) -> None:
        """Make a policy's means over points its baseline's where they differ by rounding alone.

        Runs come in any order, and so do the terms of a sum: where nothing differs, means would, and by as little in every seed.
        """
        for member in self.members if self.points > 1 else ():
            own, base = values[member.position], values[member.base]
            with np.errstate(invalid="ignore"):  # months that are never reached are infinite
                alike = np.abs(own - base) <= 2 * self.points * np.finfo(float).eps * np.abs(base)
            values[member.position] = np.where(alike, base, own)

    def runs(self) -> Runs:
        """Return what was read."""
        done = self.count == self.points
        for values in self.sums.values():
            values[~done] = np.nan
            self._without_rounding(values)
        both = self.pairing.done == self.points
        for name in self.pairing.names:
            if name in self.sums:
                self.sums[name][~both] = np.nan
        return Runs(
            self.store,
            self.members,
            self.zones,
            self.horizons,
            done,
            self.outcomes,
            self.sums,
            self.moments.tolist(),
            self.heads,
        )
