"""The size of a policy: which fields of its levers grow with it, and the same policy at another size."""

import math
from typing import Any

from sim.policy import added
from sim.problems import ScenarioError
from sim.scenario import Scenario

#: fields that grow with the size of a lever, by its kind; where cost and effect are both assumed, both grow
SIZES: dict[str, tuple[str, ...]] = {
    "rent-cut": ("share", "budget_rmb_year"),
    "new-space": ("phases",),
    "compute-centre": ("capacity_gpu",),
    "compute-voucher": ("share", "cap_rmb_year", "budget_rmb_year"),
    "rd-subsidy": ("share", "cap_rmb_year", "budget_rmb_year"),
    "public-orders": ("share", "cap_rmb_year", "budget_rmb_year"),
    "vc-hub": ("partners", "visitors", "capital_rmb", "cost_rmb_month"),
    "guided-fund": ("capital_rmb_year",),
    "cash": ("amount_rmb", "budget_rmb_year"),
    "talent-housing": ("units",),
    "administration": ("appeal_utils", "cost_rmb_month"),
    "landing": ("founders_per_month",),
    "public-space": ("attraction_utils", "cost_rmb_month"),
    "incubator": ("places",),
    "accelerator": ("places",),
    "test-platform": ("places",),
}
MOST = 1e4  #: largest multiple that is tried


def has_size(scenario: Scenario, baseline: Scenario | None = None) -> bool:
    """Return whether any lever of a scenario has a size; those of its baseline do not count."""
    return any(lever.kind in SIZES for lever in own_levers(scenario, baseline))


def size_of(lever: Any) -> dict[str, float]:
    """Return what a scenario sets for the size of a lever, by field in its own unit; of new space all openings together."""
    set_to = {name: getattr(lever, name) for name in SIZES.get(lever.kind, ())}
    if "phases" in set_to:
        set_to = {"area_m2": sum(phase.area_m2 for phase in set_to["phases"])}
    return {name: float(value) for name, value in set_to.items() if value}


def own_levers(scenario: Scenario, baseline: Scenario | None) -> tuple[Any, ...]:
    """Return the levers of a scenario that its baseline, if there is one, has not."""
    return added(scenario.policies, () if baseline is None else baseline.policies)


def scaled(scenario: Scenario, factor: float, baseline: Scenario | None = None) -> Scenario:
    """Return a scenario whose levers have a multiple of their size; whole numbers are rounded, those of its baseline stay.

    Raises
    ------
    ScenarioError
        If a lever cannot be so large.
    """
    changes: dict[str, Any] = {}
    for lever in own_levers(scenario, baseline):
        for name in SIZES.get(lever.kind, ()):
            value = getattr(lever, name)
            if name == "phases":
                for i, phase in enumerate(value):
                    changes[f"policies.{lever.id}.phases[{i}].area_m2"] = phase.area_m2 * factor
            elif isinstance(value, int) and not isinstance(value, bool):
                changes[f"policies.{lever.id}.{name}"] = round(value * factor)
            elif value is not None:
                changes[f"policies.{lever.id}.{name}"] = value * factor
    return scenario.with_values(changes) if factor != 1.0 and changes else scenario


def largest(scenario: Scenario, baseline: Scenario | None = None) -> float:
    """Return the largest multiple at which a scenario is still allowed, to a thousandth."""
    low, high = 1.0, MOST
    if _allowed(scenario, high, baseline):
        return high
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _allowed(scenario, middle, baseline) else (low, middle)
    return low


def _allowed(scenario: Scenario, factor: float, baseline: Scenario | None) -> bool:
    try:
        scaled(scenario, factor, baseline)
    except ScenarioError:
        return False
    return True
