"""The levers of a scenario, seen from inside a run: the terms of a month, and what levers cost."""

import functools
import hashlib
from collections.abc import Iterable
from typing import Any

from sim.levers import Lever
from sim.terms import TABLES, Terms


class Policies:
    """The levers of a scenario, in the order of their ids, so that their order in a file changes nothing.

    Parameters
    ----------
    levers
        Levers of the scenario.
    zone_index
        Position of each zone by its id.
    start
        Calendar month of month 0, "YYYY-MM".
    """

    def __init__(self, levers: tuple[Any, ...], zone_index: dict[str, int], start: str) -> None:
        self.levers: tuple[Lever, ...] = tuple(sorted(levers, key=lambda lever: lever.id))
        self.start = start
        self._zone_index = zone_index
        self._rows, self._numbers = [], dict.fromkeys(TABLES, 0)
        for lever in self.levers:
            self._rows.append(self._numbers.get(lever.slot, 0))
            if lever.slot:
                self._numbers[lever.slot] += 1
        self._months_in_force: dict[int, list[int | None]] = {}
        self._terms_of: dict[int, Terms] = {}
        for lever in self.levers:
            lever.budget_rmb(12, 1)  # told after the runs: one that cannot be told is found before them
        self._neutral = self._terms([])

    def in_force(self, month: int) -> Terms:
        """Return the terms of `month` (months of the history are neutral). They are made once: nothing writes them."""
        if month not in self._terms_of:
            self._terms_of[month] = self._terms_in(month)
        return self._terms_of[month]

    def _terms_in(self, month: int) -> Terms:
        acting = [(row, since) for row, since in enumerate(self._since(month)) if since is not None]
        if not acting:
            return self._neutral
        terms = self._terms(acting)
        terms.year = month - self._months_into_year(month)
        return terms

    def begins_year(self, month: int) -> bool:
        """Return whether `month` is a January, in which yearly budgets begin anew."""
        return self._months_into_year(month) == 0

    def _months_into_year(self, month: int) -> int:
        return (int(self.start[5:7]) - 1 + month) % 12

    def fixed_cost_rmb(self, month: int) -> list[float]:
        """Return what each lever costs in `month`, whoever uses it [RMB]."""
        return [
            0.0 if since is None else lever.fixed_cost_rmb(since)
            for lever, since in zip(self.levers, self._since(month), strict=True)
        ]

    def _since(self, month: int) -> list[int | None]:
        """Return for how many months each lever has been in force, None if it is not."""
        if month not in self._months_in_force:  # the month's terms and its costs both ask
            self._months_in_force[month] = [lever.since(self.start, month) for lever in self.levers]
        return self._months_in_force[month]

    def budgets_rmb(self, months: int) -> list[float | None]:
        """Return what each lever may spend in the first `months` months [RMB]; None where nothing bounds it."""
        budgets = []
        for lever in self.levers:
            acting = [month for month in range(months) if lever.since(self.start, month) is not None]
            years = {month - self._months_into_year(month) for month in acting}
            budgets.append(lever.budget_rmb(len(acting), len(years)))
        return budgets

    def _terms(self, acting: list[tuple[int, int]]) -> Terms:
        """Return the terms that levers make, each with its months in force."""
        terms = Terms.neutral(len(self._zone_index), self._numbers)
        for position, lever in enumerate(self.levers):
            if lever.slot:
                row = getattr(terms, lever.slot)[self._rows[position]]
                row["lever"], row["key"] = position, _address(lever.id)
        for position, since in acting:
            self.levers[position].offer(terms, self._rows[position], since, self._zone_index)
        return terms


def added(levers: Iterable[Any], baseline: Iterable[Any]) -> tuple[Any, ...]:
    """Return the levers of a policy that its baseline has not: those of both are no part of what the policy changes."""
    known = tuple(baseline)
    return tuple(lever for lever in levers if lever not in known)


def treated_zones(levers: Iterable[Any], zones: Iterable[str]) -> tuple[str, ...]:
    """Return the zones of all place-bound levers, in the order of `zones`."""
    treated = {zone for lever in levers if lever.place_bound for zone in lever.zone_ids()}
    return tuple(zone for zone in zones if zone in treated)


@functools.lru_cache(maxsize=32)
def policies_of(levers: tuple[Any, ...], zones: tuple[str, ...], start: str) -> Policies:
    """Return the levers of a scenario as a run sees them: the same for every run, so that terms are made once.

    Parameters
    ----------
    levers
        Levers of the scenario.
    zones
        Ids of the zones, in the order of the grid.
    start
        Calendar month of month 0, "YYYY-MM".
    """
    return Policies(levers, {zone: position for position, zone in enumerate(zones)}, start)


def _address(lever_id: str) -> int:
    """Return the number from which a lever's draws are addressed: the same whatever other levers there are."""
    return int.from_bytes(hashlib.sha256(lever_id.encode()).digest()[:8], "big") >> 1
