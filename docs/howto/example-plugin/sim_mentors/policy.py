"""Mentors: somebody experienced whom startups of a zone may ask."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from sim.levers.base import Dated, Zones, quantity
from sim.terms import Terms
from sim_mentors.learning import OFFER


class Mentors(Dated):
    """Mentors for the startups of some zones. They act through the process `learning`, which a scenario must have."""

    assumed: ClassVar[str] = "how much better mentors make startups"
    acts_on: ClassVar[str] = "the process learning: rise of log quality"
    strength: ClassVar[tuple[str, ...]] = ("gain_per_month",)
    needs: ClassVar[tuple[str, ...]] = ("learning",)

    kind: Literal["mentors"] = Field(description="Kind of lever.")
    zones: Zones = Field(min_length=1, description="Zones in which there are mentors.")
    gain_per_month: float = quantity(
        "log units/month", "Rise of log quality in a month with a mentor.", high=1.0
    )
    cost_rmb_month: float = quantity("RMB/month", "What the mentors cost, whoever asks them.", 500_000.0)

    def offer(self, terms: Terms, row: int, since: int, zones: dict[str, int]) -> None:
        """Write the rise by zone, on top of what other mentors offer there."""
        rise = terms.own.setdefault(OFFER, np.zeros(len(zones)))
        for zone in self.zones:
            rise[zones[zone]] += self.gain_per_month

    def fixed_cost_rmb(self, since: int) -> float:
        """Return what the mentors cost this month [RMB]."""
        return self.cost_rmb_month
