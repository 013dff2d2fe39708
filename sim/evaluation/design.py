"""What the scenarios of a study are to each other: baseline, policy, development outside, control, dose or world."""

import dataclasses
import functools
from typing import Any

import numpy as np

from sim.controls import CASH, PLACEBO
from sim.paired import PAYING
from sim.places import read_world
from sim.plan import Plan
from sim.record import HORIZONS
from sim.scenario import Scenario

POLICY, STRESS, CASH_ROLE, PLACEBO_ROLE, DOSE, WORLD = "policy", "stress", "cash", "placebo", "dose", "world"
LATER = 24  #: months after the end of payments at which is asked what is left


@dataclasses.dataclass(frozen=True)
class Member:
    """One scenario of a study, seen from what it is compared with.

    Attributes
    ----------
    id, position
        Id, and position among the scenarios of the plan.
    scenario
        The scenario.
    role
        See `PolicyResult.role`; ``baseline`` for the baseline and for that of each world.
    base
        Position of the scenario with which it is compared.
    of
        Id of the policy of which it is a dose, or that it is in another world; else its own.
    dose, world
        Multiple of its size; id of the development outside, "" for none.
    """

    id: str
    position: int
    scenario: Scenario
    role: str
    base: int
    of: str
    dose: float = 1.0
    world: str = ""

    def paid_months(self, months: int) -> np.ndarray:
        """Return in which months the public may pay for the policy, (months,)."""
        return self._paid[:months]

    @functools.cached_property
    def _paid(self) -> np.ndarray:
        scenario = self.scenario
        paid = np.zeros(scenario.months, dtype=bool)
        for lever in scenario.policies:
            for month in range(0 if not lever.stress else scenario.months, scenario.months):
                since = lever.since(scenario.start, month)
                paid[month] |= since is not None and (bool(lever.slot) or lever.fixed_cost_rmb(since) > 0)
        return paid


def members(plan: Plan) -> list[Member]:
    """Return the scenarios of a plan in its order."""
    positions = {name: i for i, name in enumerate(plan.scenarios)}
    bases = {
        str(entry["world"]): positions[name]
        for name, entry in plan.scenarios.items()
        if "world" in entry and entry.get("of") == plan.baseline
    }
    found = []
    for name, entry in plan.scenarios.items():
        scenario = Scenario.model_validate({**entry["content"], "id": name})
        world = str(entry.get("world", ""))
        base = bases.get(world, positions[plan.baseline])
        role = "baseline" if positions[name] == base else _role(scenario, entry)
        dose = float(entry.get("dose", 1.0))
        found.append(
            Member(name, positions[name], scenario, role, base, str(entry.get("of", name)), dose, world)
        )
    return found


def _role(scenario: Scenario, entry: dict[str, Any]) -> str:
    if "world" in entry:
        return WORLD
    if "dose" in entry:
        return DOSE
    kinds = {lever.kind for lever in scenario.policies}  # type: ignore[attr-defined]
    for kind, role in ((CASH.removesuffix("-benchmark"), CASH_ROLE), (PLACEBO, PLACEBO_ROLE)):
        if kinds == {kind}:
            return role
    return STRESS if kinds and all(lever.stress for lever in scenario.policies) else POLICY


def paying_zones(scenario: Scenario, zones: tuple[str, ...]) -> np.ndarray:
    """Return in which zones each lever, in the order of the runs' columns, pays startups, (n_levers, n_zones)."""
    levers = sorted(scenario.policies, key=lambda lever: lever.id)
    found = np.zeros((len(levers), len(zones)), dtype=bool)
    for i, lever in enumerate(levers):
        if lever.slot in PAYING:
            named = lever.zone_ids()
            found[i] = [not named or zone in named for zone in zones]
    return found


def paid_in(scenario: Scenario, zones: tuple[str, ...]) -> np.ndarray:
    """Return the positions of the zones in which startups are paid."""
    return np.flatnonzero(paying_zones(scenario, zones).any(axis=0))


def treated(scenario: Scenario, zones: tuple[str, ...]) -> np.ndarray:
    """Return the positions of the zones that a policy's place-bound levers treat."""
    return np.array([zones.index(zone) for zone in scenario.treated_zones if zone in zones], dtype=int)


def zones_of(scenario: Scenario) -> tuple[Any, ...]:
    """Return the zones of a scenario's world, in the order of its tables."""
    return tuple(read_world(scenario.world).zones)


def steps_kept(months: int) -> tuple[int, ...]:
    """Return the steps after which startups are taken down in runs of so many months."""
    return tuple(dict.fromkeys([step for step in HORIZONS if step <= months] + [months]))
