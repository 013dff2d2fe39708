"""Levers on compute and on running costs: computing centres, vouchers, R&D subsidies, public orders."""

from typing import ClassVar, Literal

from pydantic import Field

from sim.levers.base import Budgeted, Dated, Segments, limit, quantity
from sim.terms import COMPUTE_BILL, PAYROLL, TURNOVER, WAN, Terms


class ComputeCentre(Dated):
    """A public computing centre: capacity at a price of its own.

    Compute is remote: where the centre stands matters to nobody.
    """

    place_bound: ClassVar[bool] = False
    acts_on: ClassVar[str] = "E11: public capacity and its price"
    slot: ClassVar[str] = "centres"
    strength: ClassVar[tuple[str, ...]] = ("capacity_gpu",)

    kind: Literal["compute-centre"] = Field(description="Kind of lever.")
    capacity_gpu: float = quantity("GPU", "Capacity, in accelerators of the A100 class.", high=1e7)
    price_rmb_gpu_month: float = quantity("RMB/GPU/month", "Price to startups.", 4_200.0, high=1e6)
    cost_rmb_gpu_month: float = quantity(
        "RMB/GPU/month", "What a month of one accelerator costs the public, capital included.", 6_000.0,
        high=1e6)  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write capacity and price."""
        terms.centres[row]["capacity"] = self.capacity_gpu
        terms.centres[row]["price"] = self.price_rmb_gpu_month / WAN

    def fixed_cost_rmb(self, since: int) -> float:
        """Return the cost of the capacity; what users pay for it comes back [RMB]."""
        return self.capacity_gpu * self.cost_rmb_gpu_month


class _Aid(Budgeted):
    """Money for running costs, month by month, until the year's budget is used up."""

    slot: ClassVar[str] = "aids"
    base: ClassVar[int]
    strength: ClassVar[tuple[str, ...]] = ("share",)

    share: float = Field(ge=0, le=1, description="Share that the public pays.",
                         json_schema_extra={"unit": "share"})  # fmt: skip
    cap_rmb_year: float | None = quantity(
        "RMB/year", "Most that one startup receives of the kind in a calendar year; absent: no bound.", None)  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write the share that is paid, of what, and to whom."""
        aid = terms.aids[row]
        self.write_eligible(aid, terms.aid_zones[row], zones)
        aid["base"], aid["share"] = self.base, self.share
        aid["cap"] = limit(self.cap_rmb_year, WAN)


class ComputeVoucher(_Aid):
    """The public pays a share of the bill for compute; who pays less uses more."""

    acts_on: ClassVar[str] = "E11, E13: the price of compute to its holder"
    base: ClassVar[int] = COMPUTE_BILL

    kind: Literal["compute-voucher"] = Field(description="Kind of lever.")
    co_invested: bool = Field(
        default=False, description="Whether only startups that a guided fund holds are eligible."
    )
    share: float = Field(ge=0, le=0.95, description="Share of the bill that the public pays.",
                         json_schema_extra={"unit": "share"})  # fmt: skip
    cap_rmb_year: float | None = quantity(
        "RMB/year", "Most that one startup receives in a calendar year (the voucher of 2023-25: 2 million).",
        2e6)  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write the share that is paid, and to whom."""
        super().offer(terms, row, since, zones)
        terms.aids[row]["held_only"] = self.co_invested


class RdSubsidy(_Aid):
    """The public pays a share of the wages of R&D heads."""

    acts_on: ClassVar[str] = "E13: cash"
    base: ClassVar[int] = PAYROLL

    kind: Literal["rd-subsidy"] = Field(description="Kind of lever.")


class PublicOrders(_Aid):
    """Hospitals, schools and offices of the district are opened as places of use: they order from startups.

    The orders are paid for by the public, so that revenue does not appear from nowhere.
    """

    acts_on: ClassVar[str] = "E13: revenue, as a share of the reference cost"
    assumed: ClassVar[str] = "that the work done for the orders costs the startup nothing more"
    base: ClassVar[int] = TURNOVER

    kind: Literal["public-orders"] = Field(description="Kind of lever.")
    segments: Segments = Field(default=("APP", "EMB"), min_length=1, description="Segments that deliver.")
