"""The outputs on which policies are judged: where each comes from, what it means, and which are headlines."""

import dataclasses
from collections.abc import Callable

import numpy as np

from sim.evaluation.result import Metric
from sim.measures import MEASURES, SURVIVAL, SURVIVES
from sim.paired import CLUSTERING, MEANINGS, METRICS

#: months after which effects are told, as far as the runs reach; besides the last
YEARS = (1, 3, 5, 10)
STAGES = 6

STOCK, FLOW, LAST, FATE, PLACE = "stock", "flow", "last", "fate", "place"


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a metric of the region comes from.

    Attributes
    ----------
    kind
        ``stock`` (series, in the month of the horizon), ``flow`` (series, summed up to it), ``last`` (outcomes: only at
        the last month), ``fate`` (outcomes, for 3, 5 and 10 years), ``place`` (series, of the zones' offices).
    plus, minus
        Columns that are added and taken away.
    """

    kind: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def of(self, value: Callable[[str], np.ndarray]) -> np.ndarray:
        """Return the metric from the values of its columns."""
        total = value(self.plus[0])
        for name in self.plus[1:]:
            total = total + value(name)
        for name in self.minus:
            total = total - value(name)
        return total


def _stock(*columns: str) -> Source:
    return Source(STOCK, columns)


def _flow(column: str) -> Source:
    return Source(FLOW, (column,))


#: metrics of the region in the order of tables
SOURCES: dict[str, Source] = {
    "startups_region": _stock("startups"),
    "rd_heads_region": _stock("rd_heads"),
    "production_heads_region": _stock("production_heads"),
    "private_capital_rmb": Source(FLOW, ("capital_rmb",), ("guided_rmb",)),
    "other_tenants_m2_region": Source(PLACE, ("zone_tenants_m2",)),
    "top_kept_share": Source(FATE, ("top_kept_share_{years}y",)),
    "startups_treated_zones": _stock("startups"),
    "heads_region": _stock("rd_heads", "production_heads"),
    "production_outside_heads": _stock("production_outside_heads"),
    "listed_region": _stock("listed"),
    "entries": _flow("entries"),
    "landed": _flow("landed"),
    "failures": _flow("failures"),
    "acquisitions": _flow("acquisitions"),
    "listings": _flow("listings"),
    "departures": _flow("departures"),
    "moves": _flow("moves_in"),
    "deals": _flow("deals"),
    "capital_rmb": _flow("capital_rmb"),
    "guided_rmb": _flow("guided_rmb"),
    "rent_rmb_m2_month": Source(PLACE, ("zone_rent_rmb_m2_month",)),
    "vacancy_share": Source(PLACE, ("zone_vacant_m2",)),
    **{name: Source(LAST, (name,)) for name in ("registered_region", "founded_outside", "reservations", "applications")},
    **{name: Source(LAST, (name,)) for name in SURVIVAL},
    **{f"top_{fate}": Source(FATE, (f"top_{fate}_{{years}}y",))
       for fate in ("founded_outside", "left", "acquired", "failed", "producing_outside")},
    **{name: Source(LAST, (name,)) for name in CLUSTERING},
}  # fmt: skip

#: metrics whose sign is tested together, policy by policy, after Holm
HEADLINE = (
    "startups_region",
    "rd_heads_region",
    "production_heads_region",
    "private_capital_rmb",
    "other_tenants_m2_region",
    "top_kept_share",
)
#: metrics that are told month by month, of the region
PATHS = ("startups_region", "rd_heads_region", "production_heads_region", "private_capital_rmb")
#: metrics that are broken down, by margin
MARGINS: dict[str, tuple[str, ...]] = {
    "startups_region": ("zone", "belt", "segment", "stage"),
    "rd_heads_region": ("zone", "belt", "segment", "stage"),
    "production_heads_region": ("zone", "belt", "segment"),
    "private_capital_rmb": ("zone", "belt", "segment"),
    "departures": ("zone", "belt", "segment"),
    "startups_share": ("belt",),
    "rd_heads_share": ("belt",),
    "rent_rmb_m2_month": ("zone",),
    "vacancy_share": ("zone",),
    "other_tenants_m2_region": ("zone", "belt"),
}
#: metrics that are told by stage, in the order of `presence.by_stage`
BY_STAGE = ("startups_region", "rd_heads_region")
#: metrics that are parts of a whole and mean nothing for the region
SHARES = {"startups_share": "startups_region", "rd_heads_share": "rd_heads_region"}

_OWN = {
    "private_capital_rmb": ("RMB", "Money raised from private funds: all money raised without guided money"),
    "top_kept_share": ("share", "Of the top 1 % of potential founders by drawn quality, the share of those drawn so far who "
                       "founded here and are still here"),
    "rent_rmb_m2_month": ("RMB/m2/month", "Market rent, weighted by floor space"),
    "vacancy_share": ("share", "Vacant over lettable floor space"),
    "startups_share": ("share", "Share of the region's active startups"),
    "rd_heads_share": ("share", "Share of the region's R&D heads"),
    "top_founded_outside": ("founders", "Top founders who founded elsewhere"),
    "top_left": ("founders", "Top founders whose firm left the region"),
    "top_acquired": ("founders", "Top founders whose firm was acquired"),
    "top_failed": ("founders", "Top founders whose firm failed"),
    "top_producing_outside": ("founders", "Top founders here whose firm produces outside the region"),
}  # fmt: skip
_OWN |= dict.fromkeys(SURVIVAL, ("share", SURVIVES))
_BETTER = {
    "startups_region": 1, "rd_heads_region": 1, "production_heads_region": 1, "private_capital_rmb": 1,
    "survival_1y": 1, "survival_3y": 1, "survival_5y": 1, "top_kept_share": 1, "heads_region": 1, "deals": 1, "entries": 1, "listings": 1, "listed_region": 1,
    "failures": -1, "departures": -1, "founded_outside": -1, "production_outside_heads": -1, "top_left": -1,
    "top_founded_outside": -1, "top_failed": -1, "other_tenants_m2_region": 1,
}  # fmt: skip


def catalogue() -> dict[str, Metric]:
    """Return all metrics by name, in the order of tables."""
    found = {}
    for name in (*SOURCES, *SHARES):
        unit, meaning = _OWN.get(name) or (METRICS.get(name) or MEASURES[name][0], MEANINGS.get(name, ""))
        over_time = name in SOURCES and SOURCES[name].kind == FLOW
        found[name] = Metric(
            unit, meaning, name in HEADLINE, _BETTER.get(name, 0), over_time or name == "founded_outside"
        )
    return found


def horizons(months: int) -> tuple[int, ...]:
    """Return the months after which effects are told, in runs of so many months; the last one is the end."""
    reached = [12 * years for years in YEARS if 12 * years <= months]
    return tuple(dict.fromkeys([*reached, months]))
