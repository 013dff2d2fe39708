"""Levers: what a government can change, and what the world outside may do. One file a market.

A lever is data: when it acts, where, on whom, how much, and what it costs the public. To add one: a class with a
new ``kind`` that writes into ``Terms``, a row in ``LEVERS``, and one process that reads the term. A package of its own
adds a row by an entry point (``sim/plugins.py``), which is looked up when a scenario names a kind that is not here.
"""

from sim.levers.base import (
    MONTH_PATTERN,
    Dated,
    Eligible,
    Lever,
    Month,
    Setting,
    Table,
    ZoneId,
    month_after,
    months_between,
)
from sim.levers.capital import Cash, GuidedFund, VcHub
from sim.levers.compute import ComputeCentre, ComputeVoucher, PublicOrders, RdSubsidy
from sim.levers.outside import FundingClimate, OutsideOffer, Placebo, ProductionOffer, TenantDemand
from sim.levers.people import Administration, Landing, PublicSpace, TalentHousing
from sim.levers.programmes import Accelerator, Incubator, TestPlatform
from sim.levers.space import NewSpace, Phase, RentCut, UptakeList
from sim.plugins import POLICIES, load, names

__all__ = ["LEVERS", "MONTH_PATTERN", "Accelerator", "Administration", "Cash", "ComputeCentre", "ComputeVoucher",
           "Dated", "Eligible", "FundingClimate", "GuidedFund", "Incubator", "Landing", "Lever", "Month", "NewSpace",
           "OutsideOffer", "Phase", "Placebo", "ProductionOffer", "PublicOrders", "PublicSpace", "RdSubsidy", "RentCut",
           "Setting", "Table", "TalentHousing", "TenantDemand", "TestPlatform", "UptakeList", "VcHub", "ZoneId", "kinds",
           "lever_class", "month_after", "months_between"]  # fmt: skip

#: the open table of levers: a new kind adds a row
LEVERS: dict[str, type[Lever]] = {
    "rent-cut": RentCut,
    "new-space": NewSpace,
    "uptake-list": UptakeList,
    "compute-centre": ComputeCentre,
    "compute-voucher": ComputeVoucher,
    "rd-subsidy": RdSubsidy,
    "public-orders": PublicOrders,
    "vc-hub": VcHub,
    "guided-fund": GuidedFund,
    "cash": Cash,
    "talent-housing": TalentHousing,
    "administration": Administration,
    "landing": Landing,
    "public-space": PublicSpace,
    "incubator": Incubator,
    "accelerator": Accelerator,
    "test-platform": TestPlatform,
    "funding-climate": FundingClimate,
    "outside-offer": OutsideOffer,
    "production-offer": ProductionOffer,
    "tenant-demand": TenantDemand,
    "placebo": Placebo,
}


def lever_class(kind: str) -> type[Lever] | None:
    """Return the class of levers of a kind, this program's own or a plug-in's; None if there is none.

    Raises
    ------
    PluginError
        If the kind is that of a plug-in that cannot be used.
    """
    if kind not in LEVERS:
        loaded = load(POLICIES, kind, Lever)
        if loaded is None:
            return None
        LEVERS[kind] = loaded
    return LEVERS[kind]


def kinds() -> list[str]:
    """Return all kinds, those of plug-ins last; imports none of them."""
    return [*LEVERS, *(name for name in names(POLICIES) if name not in LEVERS)]
