"""What the scenarios of a study are to each other: baseline, policy, development outside, control, dose or world."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.controls import CASH, PLACEBO
from sim.paired import PAYING
from sim.places import read_world
from sim.plan import Plan
from sim.policy import added, treated_zones
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
    levers
        Its levers that the scenario with which it is compared has not.
    dose, world
        Multiple of its size; id of the development outside, "" for none.
    """

    id: str
    position: int
    scenario: Scenario
    role: str
    base: int
    of: str
    levers: tuple[Any, ...] = ()
    dose: float = 1.0
    world: str = ""

    def paid_months(self, months: int) -> np.ndarray:
        """Return in which months the public may pay for the policy, (months,)."""
        return self._paid[:months]

    @functools.cached_property
    def _paid(self) -> np.ndarray:
        scenario = self.scenario
        paid = np.zeros(scenario.months, dtype=bool)
        for lever in self.levers:
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
    scenarios = [Scenario.model_validate({**e["content"], "id": name}) for name, e in plan.scenarios.items()]
    found = []
    for scenario, (name, entry) in zip(scenarios, plan.scenarios.items(), strict=True):
        world = str(entry.get("world", ""))
        base = bases.get(world, positions[plan.baseline])
        levers = added(scenario.policies, scenarios[base].policies)
        role = "baseline" if positions[name] == base else role_of(name, levers, entry)
        of, dose = str(entry.get("of", name)), float(entry.get("dose", 1.0))
        found.append(Member(name, positions[name], scenario, role, base, of, levers, dose, world))
    return found


def role_of(name: str, levers: tuple[Any, ...], entry: dict[str, Any]) -> str:
    """Return the role of a scenario with such levers beyond its baseline's.

    A control is marked as one, or named by its own id: cash for some founders is a policy like others.
    """
    if "world" in entry:
        return WORLD
    if "dose" in entry:
        return DOSE
    kinds = {lever.kind for lever in levers}
    for control, kind, role in ((CASH, "cash", CASH_ROLE), (PLACEBO, "placebo", PLACEBO_ROLE)):
        if kinds == {kind} and (entry.get("control") or name == control):
            return role
    return STRESS if levers and all(lever.stress for lever in levers) else POLICY


def paying_zones(scenario: Scenario, zones: tuple[str, ...]) -> np.ndarray:
    """Return in which zones each lever, in the order of the runs' columns, pays startups, (n_levers, n_zones)."""
    return _paying(sorted(scenario.policies, key=lambda lever: lever.id), zones)


def _paying(levers: Sequence[Any], zones: tuple[str, ...]) -> np.ndarray:
    found = np.zeros((len(levers), len(zones)), dtype=bool)
    for i, lever in enumerate(levers):
        if lever.slot in PAYING:
            named = lever.zone_ids()
            found[i] = [not named or zone in named for zone in zones]
    return found


def paid_in(member: Member, zones: tuple[str, ...]) -> np.ndarray:
    """Return the positions of the zones in which a policy pays startups."""
    return np.flatnonzero(_paying(member.levers, zones).any(axis=0))


def treated(member: Member, zones: tuple[str, ...]) -> np.ndarray:
    """Return the positions of the zones that a policy's place-bound levers treat."""
    return np.array([zones.index(zone) for zone in treated_zones(member.levers, zones)], dtype=int)


def zones_of(scenario: Scenario) -> tuple[Any, ...]:
    """Return the zones of a scenario's world, in the order of its tables."""
    return tuple(read_world(scenario.world).zones)


def steps_kept(months: int) -> tuple[int, ...]:
    """Return the steps after which startups are taken down in runs of so many months."""
    return tuple(dict.fromkeys([step for step in HORIZONS if step <= months] + [months]))
