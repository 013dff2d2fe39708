"""Levers on capital: funds that take seats, guided funds, cash for founders."""

from typing import ClassVar, Literal

from pydantic import Field

from sim.levers.base import Budgeted, Dated, Segments, ZoneId, quantity, segment_bits
from sim.terms import NO_LIMIT, WAN, Seats, Terms

PURSE_MONTHS = 12.0  #: of money that a guided fund holds at most


class VcHub(Dated):
    """Venture funds take their seats in one zone: partner funds that are here move, visiting funds are added.

    Seats, and the visitors' periods, stay when the lever ends.
    """

    assumed: ClassVar[str] = "which share of visiting capital would have come anyway"
    acts_on: ClassVar[str] = "E3, E16: the seats of funds, and with visitors their number"

    kind: Literal["vc-hub"] = Field(description="Kind of lever.")
    zone: ZoneId = Field(description="Zone of the hub.")
    partners: int = Field(default=0, ge=0, le=1000, json_schema_extra={"unit": "funds"},
                          description="Partner funds that move their seat to the hub.")  # fmt: skip
    visitors: int = Field(default=0, ge=0, le=1000, json_schema_extra={"unit": "funds"},
                          description="Funds from elsewhere that open a seat in the hub.")  # fmt: skip
    capital_rmb: float = quantity("RMB", "What visiting funds commit together in each investment period, from their arrival to the end.", 0.0,
                                  high=1e13)  # fmt: skip
    counted_share: float = quantity(
        "share", "Share of visiting capital that would have come anyway: taken from the other funds.", 0.8,
        high=1.0)  # fmt: skip
    cost_rmb_month: float = quantity("RMB/month", "Cost of the hub to the public.", 0.0)

    def has_strength(self) -> bool:
        """Return whether any fund takes a seat."""
        return self.partners > 0 or (self.visitors > 0 and self.capital_rmb > 0)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Offer the seats, once."""
        if since == 0:
            visitors = self.visitors if self.capital_rmb > 0 else 0
            seats = Seats(
                zones[self.zone], self.partners, visitors, self.capital_rmb / WAN, self.counted_share, self.id
            )
            terms.seats = (*terms.seats, seats)

    def fixed_cost_rmb(self, since: int) -> float:
        """Return the monthly cost [RMB]."""
        return self.cost_rmb_month


class GuidedFund(Dated):
    """A public fund pays part of rounds that private funds lead, in segments that it favours.

    A share of the ask is reserved when the round finds its first investor, and paid in proportion to what private
    funds bring. The startup is held in the region for a time; if it leaves, the money is returned.
    """

    place_bound: ClassVar[bool] = False
    assumed: ClassVar[str] = "realisation, crowding out and losses of guided money"
    acts_on: ClassVar[str] = "E16: money beside private funds; E21: departure"
    slot: ClassVar[str] = "guided"
    strength: ClassVar[tuple[str, ...]] = ("capital_rmb_year", "realisation_share")

    kind: Literal["guided-fund"] = Field(description="Kind of lever.")
    capital_rmb_year: float = quantity("RMB/year", "Money that the fund announces a year.", high=1e12)
    realisation_share: float = quantity(
        "share", "Share of it that is really there to be called (26 % of guidance funds reached their size by 2021).",
        0.6, high=1.0)  # fmt: skip
    match_share: float = Field(
        default=1.0, ge=0.25, le=10, json_schema_extra={"unit": "RMB/RMB"},
        description="Private money that is asked for one of guided money.")  # fmt: skip
    crowd_out_share: float = quantity(
        "RMB/RMB", "Private money that is withdrawn from the market for one of guided money paid.", 0.4,
        high=1.0)  # fmt: skip
    loss_share: float = quantity(
        "share", "Share of what is paid that the public loses: its cost.", 0.35, high=1.0
    )
    segments: Segments = Field(default=("MODEL", "EMB"), min_length=1, description="Favoured segments.")
    max_stage: int = Field(default=2, ge=0, le=5, json_schema_extra={"unit": "stage"},
                           description="Last stage before the round that is favoured.")  # fmt: skip
    lock_in_months: int = Field(default=60, ge=0, le=1200, json_schema_extra={"unit": "months"},
                                description="Months during which a funded startup is held in the region.")  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write what is called this month, for whom, and on which conditions."""
        fund = terms.guided[row]
        fund["segments"], fund["max_stage"], fund["max_age"] = (
            segment_bits(self.segments),
            self.max_stage,
            NO_LIMIT,
        )
        fund["call"] = self.capital_rmb_year * self.realisation_share / 12.0 / WAN
        fund["limit"] = PURSE_MONTHS * fund["call"]
        fund["match"], fund["crowd_out"], fund["loss"] = (
            self.match_share,
            self.crowd_out_share,
            self.loss_share,
        )
        fund["stay"] = self.lock_in_months

    def budget_rmb(self, months: int, years: int) -> float | None:
        """Return what may be lost of the money that is called."""
        return self.capital_rmb_year * self.realisation_share * self.loss_share * months / 12


class Cash(Budgeted):
    """Every eligible entrant receives an amount of cash: what any other lever should beat."""

    place_bound: ClassVar[bool] = False
    acts_on: ClassVar[str] = "E18: starting cash"
    slot: ClassVar[str] = "cash"
    strength: ClassVar[tuple[str, ...]] = ("amount_rmb",)

    kind: Literal["cash"] = Field(description="Kind of lever.")
    amount_rmb: float = quantity("RMB", "What an entrant receives when it has found rooms.", high=1e9)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write the amount and who may have it."""
        cash = terms.cash[row]
        self.write_eligible(cash, terms.cash_zones[row], zones)
        cash["amount"] = self.amount_rmb / WAN
