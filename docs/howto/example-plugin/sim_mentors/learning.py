"""Learning by doing: startups get better as they work, and faster where mentors are.

ln q <- ln q + g + m each month at work up to an age, with m the offer of mentors in the startup's zone.

References
----------
K. Arrow (1962), The economic implications of learning by doing, Review of Economic Studies 29, 155-173,
doi:10.2307/2295952.
"""

from typing import Any, ClassVar, Literal

import numpy as np

from sim.plugins import Process, parameter

#: where the policy's offer stands in the month's terms: rise of log quality by zone, (n_zones,)
OFFER = "sim-mentors"


class Learning(Process):
    """How startups get better with time."""

    place: ClassVar[Literal["work"]] = "work"

    gain_per_month: float = parameter(
        0.0, unit="log units/month", bounds=(0, 1), sweep=(0, 0.01),
        meaning="Rise of log quality in a month at work.", source="assumed, after Arrow (1962)")  # fmt: skip
    until_months: float = parameter(
        60.0, unit="months", bounds=(0, 1200), sweep=(24, 120),
        meaning="Age until which a startup learns.", source="assumed")  # fmt: skip

    def act(self, world: Any, terms: Any, key: np.uint64) -> None:
        """Let startups at work learn (writes log_quality)."""
        from sim_mentors.compiled import add_experience

        offer = terms.own.get(OFFER, np.zeros(world.grid.n_zones))
        firms, states, _ = world.startups.parts
        add_experience(
            firms, states, world.grid.zone, offer, self.gain_per_month, self.until_months, world.month
        )
