"""What of a run is held against a fact that was kept out of the fit, computed from the run's recorded tables."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from sim.calibration.moments import MONTHS_A_YEAR, Window, monthly, ratio
from sim.places import WorldTables


class Seen:
    """The tables of one run, and the map on which it happened.

    Parameters
    ----------
    series, region
        Monthly series by zone and segment, and of the whole region.
    world
        The world's tables.
    km2
        Area of the cells of each zone [km2], by id.
    """

    def __init__(
        self, series: pa.Table, region: pa.Table, world: WorldTables, km2: Mapping[str, float]
    ) -> None:
        self.series, self.region, self.world, self.km2 = series, region, world, km2
        self.presence = self.startups = self.deals = None

    def path(self, column: str, asked: Any, zones: tuple[str, ...] = ()) -> np.ndarray:
        """Return a series by month of the window, summed over zones (all, if none is named)."""
        return monthly(self, column, Window(*asked.months), zones)

    def of_region(self, column: str, asked: Any) -> float:
        """Return a series of the region, summed over the months of the window."""
        first, last = asked.months
        return float(self.region[column].to_numpy()[first - 1 : last].sum())

    def belt(self, name: str) -> tuple[str, ...]:
        """Return the ids of the zones of a belt."""
        return tuple(zone.id for zone in self.world.zones if zone.belt == name)


def listed(seen: Seen, asked: Any) -> float:
    """Return a count of the list of a zone on offer."""
    return seen.of_region(asked.series, asked)


def listed_ratio(seen: Seen, asked: Any) -> float:
    """Return one count of that list over another."""
    return ratio(seen.of_region(asked.series, asked), seen.of_region(asked.over, asked))


def stock(seen: Seen, asked: Any) -> float:
    """Return a stock at the end of the window, in some zones or in all."""
    return float(seen.path(asked.series, asked, asked.zones)[-1])


def flow(seen: Seen, asked: Any) -> float:
    """Return a flow, summed over the window."""
    return float(seen.path(asked.series, asked, asked.zones).sum())


def registered(seen: Seen, asked: Any) -> float:
    """Return active, dormant and listed firms at the end of the window."""
    return float(sum(seen.path(column, asked)[-1] for column in ("startups", "dormant", "listed")))


def growth(seen: Seen, asked: Any) -> float:
    """Return the growth of a series a year, from the first month of the window to the last [1/year]."""
    path = seen.path(asked.series, asked)
    if path[0] <= 0 or path[-1] <= 0:
        return math.nan
    return float((path[-1] / path[0]) ** (MONTHS_A_YEAR / (len(path) - 1)) - 1.0)


def densest_zone(seen: Seen, asked: Any) -> float:
    """Return 1 if the zone with most startups per square kilometre at the end is one of those named, else 0."""
    density = {
        zone: float(seen.path("startups", asked, (zone,))[-1]) / area for zone, area in seen.km2.items()
    }
    return float(max(density, key=lambda zone: density[zone]) in asked.zones)


def mostly_outside(seen: Seen, asked: Any) -> float:
    """Return 1 if production has more heads outside the region than inside at the end, else 0."""
    inside, outside = (seen.path(c, asked)[-1] for c in ("production_heads", "production_outside_heads"))
    return float(outside > inside)


def belt_rises(seen: Seen, asked: Any) -> float:
    """Return 1 if a belt's share of the startups is larger at the end of the window than at its beginning, else 0."""
    share = seen.path("startups", asked, seen.belt(asked.belt)) / seen.path("startups", asked)
    return float(share[-1] > share[0])


#: what can be asked of a run, by name
HELD: dict[str, Callable[[Seen, Any], float]] = {
    function.__name__: function
    for function in (
        listed,
        listed_ratio,
        stock,
        flow,
        registered,
        growth,
        densest_zone,
        mostly_outside,
        belt_rises,
    )
}
