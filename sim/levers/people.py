"""Levers on people and places: talent housing, administration, landing from abroad, public space."""

from typing import ClassVar, Literal

from pydantic import Field

from sim.levers.base import Dated, ZoneId, Zones, quantity
from sim.terms import Terms

LETTING_MONTHS = 12.0  #: in which a housing site is let, evenly


class TalentHousing(Dated):
    """Flats at a discount for people who work in startups, let within a year."""

    assumed: ClassVar[str] = "how many tenants would not have come otherwise"
    acts_on: ClassVar[str] = "E2: access to talent near the site; E10: people who come for it"
    strength: ClassVar[tuple[str, ...]] = ("units",)

    kind: Literal["talent-housing"] = Field(description="Kind of lever.")
    zone: ZoneId = Field(description="Zone in which the flats are.")
    units: float = quantity("units", "Flats.", high=1e7)
    discount_rmb_unit_month: float = quantity(
        "RMB/unit/month", "Discount on the rent of a flat.", 1_500.0, high=1e6
    )
    additional_share: float = quantity(
        "share", "Share of tenants who would not have come to work in a startup here otherwise.", 0.2,
        high=1.0)  # fmt: skip

    def let(self, since: int) -> float:
        """Return the flats that are let."""
        return self.units * min((since + 1) / LETTING_MONTHS, 1.0)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add flats, and the people who come for those that were let this month."""
        terms.housing[zones[self.zone]] += self.let(since)
        if since < LETTING_MONTHS:
            terms.housing_added += self.additional_share * self.units / LETTING_MONTHS

    def fixed_cost_rmb(self, since: int) -> float:
        """Return the discount on the flats that are let [RMB]."""
        return self.let(since) * self.discount_rmb_unit_month


class Administration(Dated):
    """Founding takes fewer papers and less time, which makes founders choose the region more often."""

    place_bound: ClassVar[bool] = False
    assumed: ClassVar[str] = "the whole effect"
    acts_on: ClassVar[str] = "E18: the odds of founding here"
    strength: ClassVar[tuple[str, ...]] = ("appeal_utils",)

    kind: Literal["administration"] = Field(description="Kind of lever.")
    appeal_utils: float = quantity("utils", "How much more founders are drawn to the region.", high=10.0)
    cost_rmb_month: float = quantity("RMB/month", "Cost of the offices to the public.", 0.0)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add to the appeal of the region."""
        terms.founding_appeal += self.appeal_utils

    def fixed_cost_rmb(self, since: int) -> float:
        """Return the monthly cost [RMB]."""
        return self.cost_rmb_month


class Landing(Dated):
    """Founders from abroad are brought to look at the region; they found here with the same odds as others."""

    place_bound: ClassVar[bool] = False
    assumed: ClassVar[str] = "how many founders from abroad come to look"
    acts_on: ClassVar[str] = "E18: potential founders"
    strength: ClassVar[tuple[str, ...]] = ("founders_per_month",)

    kind: Literal["landing"] = Field(description="Kind of lever.")
    founders_per_month: float = quantity("1/month", "Potential founders who come to look.", high=1e4)
    cost_rmb_founder: float = quantity("RMB", "Cost to the public of each that is expected to come, whether it founds here or not.", 100_000.0,
                                       high=1e9)  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add potential founders."""
        terms.landing += self.founders_per_month

    def fixed_cost_rmb(self, since: int) -> float:
        """Return the monthly cost of those expected [RMB]."""
        return self.founders_per_month * self.cost_rmb_founder


class PublicSpace(Dated):
    """Squares, cafes, events, schools: what makes a zone pleasant to work in.

    It acts on the choice inside the region, not on the choice between the region and outside.
    """

    assumed: ClassVar[str] = "the whole effect"
    acts_on: ClassVar[str] = "E5: the attraction of the zone"
    strength: ClassVar[tuple[str, ...]] = ("attraction_utils",)

    kind: Literal["public-space"] = Field(description="Kind of lever.")
    zones: Zones = Field(min_length=1, description="Zones that become more pleasant.")
    attraction_utils: float = quantity("utils", "How much.", high=10.0)
    cost_rmb_month: float = quantity("RMB/month", "Cost to the public.", 0.0)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Add to the attraction of the zones."""
        terms.attraction[:, :, [zones[zone] for zone in self.zones]] += self.attraction_utils

    def fixed_cost_rmb(self, since: int) -> float:
        """Return the monthly cost [RMB]."""
        return self.cost_rmb_month
