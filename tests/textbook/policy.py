"""The levers of a scenario, read as plain values: when they are in force, for whom, and what they spent."""

import hashlib
from typing import Any

from .words import ACTIVE, SEGMENTS, WAN

#: kinds that the twin knows
KINDS = (
    "rent-cut", "compute-voucher", "rd-subsidy", "public-orders", "guided-fund", "cash", "administration", "landing",
    "funding-climate", "outside-offer", "production-offer", "tenant-demand", "public-space", "new-space", "compute-centre",
    "talent-housing", "placebo", "incubator", "accelerator", "test-platform", "vc-hub", "uptake-list",
)  # fmt: skip


def address(name: str) -> int:
    """Return the identity of what has a name and no lineage: the first 63 bits of the name's SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def months_between(start: str, date: str) -> int:
    """Return the months from `start` to `date`, both "YYYY-MM"."""
    return 12 * (int(date[:4]) - int(start[:4])) + int(date[5:]) - int(start[5:])


class Policy:
    """One lever: its fields as in the scenario file, and its account."""

    def __init__(self, lever: Any, start: str, zone_index: dict[str, int]) -> None:
        if lever.kind not in KINDS:
            raise NotImplementedError(f"the twin knows no lever of kind {lever.kind!r}")
        self.lever = lever
        self.id, self.kind = lever.id, lever.kind
        # new space has dates for its phases alone
        phases = getattr(lever, "phases", ())
        self.openings = [(months_between(start, phase.opens), phase.area_m2) for phase in phases]
        self.first_month = min(self.openings)[0] if phases else months_between(start, lever.from_)
        self.key = address(lever.id)
        named = [lever.zone] if hasattr(lever, "zone") else getattr(lever, "zones", None)
        self.zones = {zone_index[z] for z in named} if named else set(zone_index.values())
        self.segments = {SEGMENTS.index(s) for s in getattr(lever, "segments", SEGMENTS)}
        self.holders: list[Any] = []  # of places in a programme
        self.spent_year = 0.0  # wan
        self.short = False  # whether this month's budget does not reach for all
        self.begin_month(True)

    def begin_month(self, begins_year: bool) -> None:
        """Open a new month's account, and in January a new year's."""
        self.spent, self.served, self.refused = 0.0, 0, 0
        if begins_year:
            self.spent_year = 0.0

    def months_in_force(self, month: int) -> int | None:
        """Return for how many months it has been in force, None if it is not."""
        passed = month - self.first_month
        months = getattr(self.lever, "months", None)
        over = months is not None and passed >= months
        return None if passed < 0 or over else passed

    def ramp(self, month: int) -> float:
        """Return the share of a development that has happened: it rises evenly over `over_months`."""
        passed = self.months_in_force(month)
        return 0.0 if passed is None else min((passed + 1) / self.lever.over_months, 1.0)

    def flats_let(self, month: int) -> float:
        """Return how many of its flats are let: all within a year, as many each month.   (E2)"""
        passed = self.months_in_force(month)
        return 0.0 if passed is None else self.lever.units * min((passed + 1) / 12.0, 1.0)

    def suits(self, startup: Any) -> bool:
        """Return whether segment, stage and age of a startup are eligible."""
        young = self.lever.max_age_months is None or startup.age <= self.lever.max_age_months
        early = self.lever.max_stage is None or startup.stage <= self.lever.max_stage
        return startup.segment in self.segments and early and young

    @property
    def budget_left(self) -> float:
        """Return what may still be spent in the calendar year [wan]."""
        budget = self.lever.budget_rmb_year
        return float("inf") if budget is None else budget / WAN - self.spent_year

    @property
    def offers(self) -> bool:
        """Return whether a rent cut offers anything to who would move in: it reaches for all, and has money left.   (E4)"""
        return not self.short and self.budget_left > 0.0

    def pay(self, amount: float) -> None:
        """Book what was paid [wan]."""
        self.spent += amount
        self.spent_year += amount


def is_tenant(startup: Any) -> bool:
    """Return whether a startup is active: the only ones for whom levers are."""
    return startup.status == ACTIVE
