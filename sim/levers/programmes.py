"""Programmes with places: incubators, accelerators for one-person companies, shared test platforms."""

from typing import ClassVar, Literal

from pydantic import Field

from sim.levers.base import Eligible, Segments, Zones, quantity
from sim.terms import WAN, Terms


class _Programme(Eligible):
    """Places for eligible startups of some zones; who asks when none is free is refused, by lot."""

    slot: ClassVar[str] = "programmes"
    strength: ClassVar[tuple[str, ...]] = ("places",)

    zones: Zones = Field(min_length=1, description="Zones with places.")
    places: int = Field(ge=0, le=10_000_000, description="Places.", json_schema_extra={"unit": "places"})
    price_rmb_place_month: float = quantity("RMB/place/month", "Cost of a taken place to the public.", 6_000.0,
                                            high=1e7)  # fmt: skip
    attraction_utils: float = quantity(
        "utils", "Attraction of its zones to eligible startups while places are free; inside the region only.", 0.4,
        high=10.0)  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write places, price and effects."""
        programme = terms.programmes[row]
        self.write_eligible(programme, terms.programme_zones[row], zones)
        programme["places"], programme["price"] = self.places, self.price_rmb_place_month / WAN
        programme["attraction"] = self.attraction_utils

    def budget_rmb(self, months: int, years: int) -> float | None:
        """Return the cost of all places over the months in force."""
        return self.places * self.price_rmb_place_month * months


class Incubator(_Programme):
    """Rooms, advice and introductions for young startups."""

    assumed: ClassVar[str] = "its effects on failure, on the search for money and on the choice of zone"
    acts_on: ClassVar[str] = "E17: failure; E15: search for money; E5: attraction"

    kind: Literal["incubator"] = Field(description="Kind of lever.")
    max_stage: int = Field(default=0, ge=0, le=5, json_schema_extra={"unit": "stage"},
                           description="Last eligible stage.")  # fmt: skip
    max_age_months: int = Field(default=36, ge=1, le=10_000, json_schema_extra={"unit": "months"},
                                description="Oldest eligible startup; a place is given back then.")  # fmt: skip
    failure_factor: float = quantity("-", "Factor of the background hazard of failure.", 0.8, high=10.0)
    seek_factor: float = quantity("-", "Factor of the hazard to look for money.", 1.2, high=10.0)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write places, price and effects."""
        super().offer(terms, row, since, zones)
        terms.programmes[row]["failure"], terms.programmes[row]["seek"] = (
            self.failure_factor,
            self.seek_factor,
        )


class Accelerator(Incubator):
    """An incubator for one-person companies, which become application companies when they raise money."""

    kind: Literal["accelerator"] = Field(description="Kind of lever.")  # type: ignore[assignment]
    segments: Segments = Field(default=("OPC",), min_length=1, description="Eligible segments.")
    seek_factor: float = quantity("-", "Factor of the hazard to look for money.", 1.5, high=10.0)


class TestPlatform(_Programme):
    """Shared equipment for tests and trial production."""

    __test__: ClassVar[bool] = False  # no test class, whatever its name says

    assumed: ClassVar[str] = "its effects on productivity, on where production goes and on the choice of zone"
    acts_on: ClassVar[str] = "E12: productivity; E21: production; E5: attraction"

    kind: Literal["test-platform"] = Field(description="Kind of lever.")
    segments: Segments = Field(default=("EMB",), min_length=1, description="Eligible segments.")
    price_rmb_place_month: float = quantity(
        "RMB/place/month", "Cost of a user to the public.", 20_000.0, high=1e7
    )
    productivity_factor: float = Field(default=1.1, gt=0, le=10, json_schema_extra={"unit": "-"},
                                       description="Factor of a user's productivity.")  # fmt: skip
    production_log_odds: float = quantity(
        "log odds", "Change of the log odds that a user produces outside (-0.98 turns 0.8 into 0.6).", -0.98,
        low=-20.0, high=20.0)  # fmt: skip

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write places, price and effects."""
        super().offer(terms, row, since, zones)
        terms.programmes[row]["productivity"] = self.productivity_factor
        terms.programmes[row]["production"] = self.production_log_odds
