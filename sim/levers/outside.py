"""What the world outside may do: no policies, but developments that a scenario assumes."""

from typing import ClassVar, Literal

from pydantic import Field

from sim.levers.base import ALL_SEGMENTS, Dated, Segments, Zones, quantity
from sim.terms import Terms


class _Stress(Dated):
    """A development outside; it costs the public nothing."""

    place_bound: ClassVar[bool] = False
    stress: ClassVar[bool] = True
    assumed: ClassVar[str] = "the whole development"


class FundingClimate(_Stress):
    """A boom or a winter of venture capital."""

    acts_on: ClassVar[str] = "E16: fund commitments and their pace"

    kind: Literal["funding-climate"] = Field(description="Kind of lever.")
    factor: float = quantity("-", "Factor of fund commitments and of their pace.", high=20.0)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Multiply the climate."""
        terms.climate *= self.factor


class OutsideOffer(_Stress):
    """Other cities offer more: they copy what made the region attractive."""

    acts_on: ClassVar[str] = "E18, E21, E10: founders, departures, people who come"

    kind: Literal["outside-offer"] = Field(description="Kind of lever.")
    segments: Segments = Field(
        default=ALL_SEGMENTS, min_length=1, description="Segments to which they offer more."
    )
    rise_utils: float = quantity("utils", "How much more in the end.", low=-10.0, high=10.0)
    over_months: int = Field(default=1, ge=1, le=1200, json_schema_extra={"unit": "months"},
                             description="Months over which the offer rises, evenly.")  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add to what other cities offer."""
        reached = self.rise_utils * min((since + 1) / self.over_months, 1.0)
        terms.outside_offer[[ALL_SEGMENTS.index(segment) for segment in self.segments]] += reached


class ProductionOffer(_Stress):
    """Other cities offer more to production."""

    acts_on: ClassVar[str] = "E21: where embodied-AI firms produce"

    kind: Literal["production-offer"] = Field(description="Kind of lever.")
    rise_log_odds: float = quantity(
        "log odds", "Rise of the log odds of producing outside in the end (1.56 turns 0.80 into 0.95).", low=-20.0,
        high=20.0)  # fmt: skip
    over_months: int = Field(default=1, ge=1, le=1200, json_schema_extra={"unit": "months"},
                             description="Months over which the offer rises, evenly.")  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add to the log odds."""
        terms.production_offer += self.rise_log_odds * min((since + 1) / self.over_months, 1.0)


class Placebo(_Stress):
    """A change without meaning: the likings of some partner funds are drawn anew, in the same way.

    Its true effect is zero; what a table shows for it is the noise in which other effects must be seen.
    """

    assumed: ClassVar[str] = ""
    acts_on: ClassVar[str] = "E16: which startups a fund happens to like"

    kind: Literal["placebo"] = Field(description="Kind of lever.")
    funds: int = Field(default=1, ge=0, le=1000, json_schema_extra={"unit": "funds"},
                       description="Partner funds whose likings are drawn anew.")  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Draw anew, once."""
        if since == 0:
            terms.redrawn_funds += self.funds


class TenantDemand(_Stress):
    """Large firms take offices: floor space that other tenants want beyond their trend."""

    acts_on: ClassVar[str] = "E8: demand of other tenants"

    kind: Literal["tenant-demand"] = Field(description="Kind of lever.")
    zones: Zones = Field(min_length=1, description="Zones in which they look, each for the same area.")
    area_m2_month: float = quantity("m2/month", "Floor space that each zone's tenants want more every month.", low=-1e6,
                                    high=1e6)  # fmt: skip
    over_months: int = Field(default=12, ge=1, le=1200, json_schema_extra={"unit": "months"},
                             description="Months in which demand rises; then it stays.")  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add to the demand of other tenants."""
        reached = self.area_m2_month * min(since + 1, self.over_months)
        terms.tenants_m2[[zones[zone] for zone in self.zones]] += reached
