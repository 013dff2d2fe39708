"""What two runs with the same seed say together: additionality, windfall, what landlords take, who stays.

Runs come in any order; a policy's run waits for that of its baseline, and both are dropped once all have met.
"""

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from sim import additionality
from sim.evaluation import design
from sim.evaluation.presence import present

ACCOUNT = (
    "gross",
    "deadweight",
    "displaced",
    "attracted",
    "gained_elsewhere",
    "lost_treated",
    "lost_elsewhere",
)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What is kept of a run until it has met its pair: rows of presence by step, and series of rents by name."""

    steps: dict[int, dict[str, np.ndarray]]
    rents: dict[str, np.ndarray] | None


@dataclasses.dataclass(frozen=True)
class Stay:
    """Whose staying is asked for: startups in some zones after one step, and after another."""

    zones: np.ndarray
    first: int
    second: int


def paid_rents(series: dict[str, np.ndarray], summed: tuple[str, ...], rent: str) -> dict[str, np.ndarray]:
    """Return the series of one run that tell what landlords take, (months, n_zones) each.

    Parameters
    ----------
    series
        Series of the run by name, (months, n_zones, n_segments) each.
    summed, rent
        Those that are summed over segments, and that of the zones' rents.
    """
    return {name: series[name].sum(axis=-1) for name in summed} | {rent: series[rent][..., 0].copy()}


class Pairing:
    """Brings together the runs of a policy and of its baseline.

    Parameters
    ----------
    members
        Scenarios of the study.
    zones
        Ids of the zones.
    months, seeds
        Months of each run, and number of seeds.
    add
        Called with a name, the place of the policy's run, and a value.
    """

    names: tuple[str, ...] = ("account", "displaced_from", "windfall", "landlords", "stay", "base_stay")

    def __init__(
        self,
        members: list[design.Member],
        zones: tuple[str, ...],
        months: int,
        seeds: int,
        add: Callable[[str, tuple[int, int, int], Any], None],
    ) -> None:
        self.members, self.zones, self.months, self.add = members, zones, months, add
        self.treated = [design.treated(member, zones) for member in members]
        self.paid_in = [design.paid_in(member, zones) for member in members]
        self.stays = [stay_of(member, zones, months) for member in members]
        self.waiting: dict[tuple[int, int], dict[int, Seen]] = collections.defaultdict(dict)
        self.met: dict[tuple[int, int], set[int]] = collections.defaultdict(set)
        self.done = np.zeros((len(members), seeds), dtype=int)

    def take(self, place: tuple[int, int, int], seen: Seen) -> None:
        """Take a run; tell what it says with those that it waited for."""
        scenario, point, seed = place
        key = (point, seed)
        waiting = self.waiting[key]
        waiting[scenario] = seen
        for member in self.members:
            own, base = member.position, member.base
            if own == base or own in self.met[key] or scenario not in (own, base):
                continue
            if own in waiting and base in waiting:
                self._pair((own, point, seed), waiting[own], waiting[base])
                self.met[key].add(own)
                self.done[own, seed] += 1
                del waiting[own]
        if all(member.position in self.met[key] for member in self.members if member.position != member.base):
            del self.waiting[key]

    def _pair(self, place: tuple[int, int, int], own: Seen, base: Seen) -> None:
        zones, paid = self.treated[place[0]], self.paid_in[place[0]]
        if self.months in own.steps and self.months in base.steps:
            with_policy, without = present(own.steps[self.months]), present(base.steps[self.months])
            rows = additionality.same_startups(with_policy, without)
            account = additionality.account(with_policy, without, zones, rows)
            self.add("account", place, [account[name] for name in ACCOUNT])
            if len(zones):
                origins = additionality.displaced_from(with_policy, without, zones, len(self.zones), rows)
                self.add("displaced_from", place, origins)
            if len(paid):
                self.add("windfall", place, additionality.windfall_rmb(with_policy, without, paid, rows))
        if own.rents is not None and base.rents is not None and own.rents["subsidy_rmb"].any():
            self.add("landlords", place, additionality.landlords_rmb(own.rents, base.rents))
        stay = self.stays[place[0]]
        if stay is not None:
            self.add("stay", place, still_there(own.steps, stay))
            self.add("base_stay", place, still_there(base.steps, stay))


def stay_of(member: design.Member, zones: tuple[str, ...], months: int) -> Stay | None:
    """Return whose staying after the end of payments the steps of presence can tell, None if nobody's."""
    paid = np.flatnonzero(member.paid_months(months))
    if len(paid) == 0:
        return None
    kept = design.steps_kept(months)
    first = next((step for step in kept if step >= paid[-1] + 1), None)
    second = None if first is None else next((step for step in kept if step >= first + design.LATER), None)
    if first is None or second is None:
        return None
    treated = design.treated(member, zones)
    return Stay(treated if len(treated) else np.arange(len(zones)), first, second)


def still_there(steps: dict[int, dict[str, np.ndarray]], stay: Stay) -> tuple[float, float]:
    """Return how many startups were active in some zones after both steps, and after the first."""
    first, second = present(steps[stay.first]), present(steps[stay.second])
    there = first.active & np.isin(first.zone, stay.zones)
    later = second.active & np.isin(second.zone, stay.zones)
    rows = additionality.same_startups(first, second)
    found = there & (rows >= 0)
    return float(later[rows[found]].sum()), float(there.sum())
