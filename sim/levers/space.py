"""Levers on offices: rent cuts, new space, and the list on which startups reserve it."""

import functools
from typing import Annotated, ClassVar, Literal

from pydantic import Field, Strict

from sim.levers.base import (
    Budgeted,
    Dated,
    Lever,
    Month,
    Table,
    ZoneId,
    Zones,
    limit,
    months_between,
    quantity,
)
from sim.terms import Terms, Uptake

YEARLY_RATE = 0.05  #: at which an annuity is counted


class RentCut(Budgeted):
    """The public pays a share of the rent of eligible startups.

    Paid each month on rent and area of the leases that are signed or running in the months in force; cost
    equals receipts.
    """

    acts_on: ClassVar[str] = "E4, E13: the rent that is paid, and so E5, E18 and E21"
    slot: ClassVar[str] = "cuts"
    strength: ClassVar[tuple[str, ...]] = ("share",)

    kind: Literal["rent-cut"] = Field(description="Kind of lever.")
    zones: Zones = Field(min_length=1, description="Zones in which rents are cut.")
    share: float = Field(ge=0, le=1, description="Share of the rent that the public pays.",
                         json_schema_extra={"unit": "share"})  # fmt: skip
    max_area_m2: float | None = Field(default=None, gt=0, le=1e9,
                                      description="Largest eligible leased (entrants: needed) area.",
                                      json_schema_extra={"unit": "m2"})  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write the share of the rent that is paid, and who may have it."""
        cut = terms.cuts[row]
        self.write_eligible(cut, terms.rent_share[row], zones)
        terms.rent_share[row] *= self.share
        cut["max_area"] = limit(self.max_area_m2)


class Phase(Table):
    """One opening of new space."""

    opens: Month = Field(description="Month in which the space comes on the market.")
    area_m2: float = Field(ge=0, le=1e9, description="Lettable floor space that opens.",
                           json_schema_extra={"unit": "m2"})  # fmt: skip


class NewSpace(Lever):
    """New office space in one zone, opened in phases at the rents of the day."""

    acts_on: ClassVar[str] = "E8: the stock of floor space, and so vacancy, rent and E6"

    kind: Literal["new-space"] = Field(description="Kind of lever.")
    zone: ZoneId = Field(description="Zone in which the space is built.")
    cost_rmb_m2: float = Field(default=12_621.0, ge=0, le=1e6, json_schema_extra={"unit": "RMB/m2"},
                               description="Public capital cost (the first phase of the Jingxi park: "
                               "3.9 billion RMB for 309,000 m2).")  # fmt: skip
    annuity_years: int | None = Field(
        default=None, ge=1, le=100, json_schema_extra={"unit": "years"},
        description="Years over which the cost is paid in equal monthly parts at 5 % a year; absent: all at the "
        "opening.")  # fmt: skip
    phases: Annotated[tuple[Phase, ...], Strict(False)] = Field(
        min_length=1, description="Openings, each with a date and an area.")  # fmt: skip

    def since(self, start: str, month: int) -> int | None:
        """Return the months since the first opening, None before it."""
        passed = month - months_between(start, self._first)
        return passed if passed >= 0 and any(phase.area_m2 > 0 for phase in self.phases) else None

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add the floor space that opens this month."""
        for phase, opened in self._opened():
            if opened == since:
                terms.opened_m2[zones[self.zone]] += phase.area_m2

    def fixed_cost_rmb(self, since: int) -> float:
        """Return what is paid for building this month [RMB]."""
        spent = 0.0
        for phase, opened in self._opened():
            if self.annuity_years is None:
                spent += phase.area_m2 * self.cost_rmb_m2 if opened == since else 0.0
            elif opened <= since < opened + 12 * self.annuity_years:
                spent += phase.area_m2 * self.cost_rmb_m2 * annuity(12 * self.annuity_years)
        return spent

    @property
    def _first(self) -> str:
        return min(phase.opens for phase in self.phases)

    def _opened(self) -> list[tuple[Phase, int]]:
        """Return each phase with the months between the first opening and its own."""
        return [(phase, months_between(self._first, phase.opens)) for phase in self.phases]


@functools.cache
def annuity(months: int) -> float:
    """Return the part of a sum that is paid every month so that it is paid back with interest after `months`."""
    rate, left = YEARLY_RATE / 12.0, 1.0
    for _ in range(months):
        left /= 1.0 + rate
    return rate / (1.0 - left)


class UptakeList(Dated):
    """A list on which startups reserve rooms in a zone and apply to move in.

    It is a thermometer: nothing else reads it, and a startup that moves does so on its own account.
    """

    place_bound: ClassVar[bool] = False
    assumed: ClassVar[str] = "how many startups hear of the offer, and what its services are worth"
    alone: ClassVar[bool] = True
    acts_on: ClassVar[str] = "E23: counts reservations and applications, and nothing else"

    kind: Literal["uptake-list"] = Field(description="Kind of lever.")
    zone: ZoneId = Field(description="Zone that is offered.")
    awareness_per_month: float = quantity(
        "1/month", "Chance that a startup elsewhere looks at the offer: 0.15 as usual, 0.5 in a campaign.", 0.15,
        high=1.0)  # fmt: skip
    offer_utils: float = quantity(
        "utils", "What the offer is worth beyond what the model prices; read by the list alone.", 0.0, low=-10.0,
        high=10.0)  # fmt: skip
    lease_window_months: int = Field(default=6, ge=0, le=120, json_schema_extra={"unit": "months"},
                                     description="A startup applies if its lease ends within this time.")  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Open the list."""
        terms.uptake = Uptake(
            zones[self.zone], self.awareness_per_month, self.offer_utils, self.lease_window_months
        )
