"""What a study runs besides its scenarios so that they can be judged: controls, doses, worlds, one budget for all.

The budget comes first, because it changes the policies themselves: the size of each is searched for over a few seeds
until its present cost is that of the budget. What was found is kept in the results folder, so that the same command
goes on with the same sizes.
"""

import dataclasses
import functools
import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.effects import add_controls
from sim.evaluation import sizes
from sim.files import write_text
from sim.language import _
from sim.policy import Policies
from sim.problems import ScenarioError, shown
from sim.scenario import Scenario
from sim.study_files import Budget, Study
from sim.summary import in_millions

FILE = "budget.json"
PILOT_SEEDS = 8
CLOSE = 0.01  #: how near to the budget is near enough
FAR = 0.05  #: how far from it no budget is called common, where whole places or funds allow nothing nearer
MOST_TRIALS = 16

Tell = Callable[[str], None]


def widened(study: Study, folder: pathlib.Path | None, tell: Tell, search: bool = True) -> Study:
    """Return a study with everything that it asks for beside its scenarios.

    Parameters
    ----------
    study
        As it was read.
    folder
        Results folder, where the sizes for a common budget are kept; None: they are not searched for.
    tell
        Told what is done and what is left out.
    search
        Whether sizes that the folder does not hold are searched for, and kept there.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    asked = study.evaluated
    if study.tags or asked == type(asked)():
        return study
    scenarios, tags = dict(study.scenarios), dict[str, dict[str, Any]]()
    baseline = next(iter(scenarios.values()))
    policies = [name for name in list(scenarios)[1:] if not _outside(scenarios[name], baseline)]
    if asked.controls:
        for name in add_controls(scenarios):
            tags[name] = {"control": True}
            policies += [name] if not _outside(scenarios[name], baseline) else []
    budget = asked.equal_budget
    if budget is not None and folder is not None:
        if search or _known(folder / FILE, _asked(budget, policies, study)) is not None:
            _bring_to(budget, study, scenarios, policies, tags, folder, tell)
        else:
            tell(_("the sizes for one budget are not searched for yet"))
    own = [name for name in policies if name not in tags or budget is not None]
    _add_doses(asked.doses, scenarios, own, tags, tell)
    _add_worlds(study.worlds, scenarios, policies, tags, tell)
    return dataclasses.replace(study, scenarios=scenarios, tags=tags)


def _outside(scenario: Scenario, baseline: Scenario) -> bool:
    """Return whether a scenario adds developments outside alone to its baseline."""
    return all(lever.stress for lever in sizes.own_levers(scenario, baseline))


def _add_doses(
    doses: tuple[float, ...],
    scenarios: dict[str, Scenario],
    policies: list[str],
    tags: dict[str, dict[str, Any]],
    tell: Tell,
) -> None:
    baseline = next(iter(scenarios.values()))
    for name in policies:
        if not sizes.has_size(scenarios[name], baseline):
            continue
        for dose in doses:
            if dose == 1.0:
                continue
            other = f"{name}-x{dose:g}"
            try:
                scenarios[other] = _named(sizes.scaled(scenarios[name], dose, baseline), other)
            except ScenarioError as error:
                why = error.problems[0].message
                tell(_("{name} is left out: {why}").format(name=shown(other), why=why))
                continue
            tags[other] = {"of": name, "dose": dose}


def _add_worlds(
    worlds: dict[str, Scenario],
    scenarios: dict[str, Scenario],
    policies: list[str],
    tags: dict[str, dict[str, Any]],
    tell: Tell,
) -> None:
    baseline = next(iter(scenarios))
    for world, development in worlds.items():
        levers = {lever.id: lever for lever in development.policies}
        for name in (baseline, *policies):
            other, known = f"{name}-in-{world}", scenarios[name].policies
            both = next((lever.id for lever in known if lever != levers.get(lever.id, lever)), None)
            if both is not None:  # else the development would take the lever's place
                why = _("it and the development outside have different levers with the id {id}").format(
                    id=both
                )
                tell(_("{name} is left out: {why}").format(name=shown(other), why=why))
                if name == baseline:
                    break  # nothing in this world has anything to be compared with
                continue
            added = {f"policies.{id_}": lever for id_, lever in levers.items()}
            scenarios[other] = _named(scenarios[name].with_values(added), other)
            tags[other] = {"of": name, "world": world}


def _named(scenario: Scenario, name: str) -> Scenario:
    return scenario.model_copy(update={"id": name})


def _bring_to(
    budget: Budget, study: Study, scenarios: dict[str, Scenario], policies: list[str], tags: dict[str, dict[str, Any]],
    folder: pathlib.Path, tell: Tell,
) -> None:  # fmt: skip
    """Bring every policy to the budget; say of each what was found."""
    path, baseline = folder / FILE, next(iter(scenarios.values()))
    asked = _asked(budget, policies, study)
    known = _known(path, asked)
    found = known or {}
    for name in policies:
        if name not in found:
            tell(_("looking for the size at which {name} costs {cost} M RMB").format(
                name=shown(name), cost=in_millions(budget.present_value_rmb)))  # fmt: skip
            factor, cost, reason = size_for(scenarios[name], budget, study.seeds[:PILOT_SEEDS], baseline)
            found[name] = {"factor": factor, "found_rmb": cost, "reason": reason}
        if found[name]["factor"] is None:
            tell(_("{name} is left as it is: {why}").format(name=shown(name), why=found[name]["reason"]))
        else:
            scenarios[name] = sizes.scaled(scenarios[name], found[name]["factor"], baseline)
        tags[name] = tags.get(name, {}) | {"budget": found[name] | budget.model_dump()}
    if known is None:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({"asked": asked, "found": found}, indent=2))


def _asked(budget: Budget, policies: list[str], study: Study) -> dict[str, Any]:
    """Return what the sizes depend on."""
    from sim.compiled import source_hash

    first = {name: scenario.fingerprint for name, scenario in study.scenarios.items()}
    return budget.model_dump() | {"scenarios": first, "policies": policies, "seeds": list(study.seeds[:PILOT_SEEDS]),
                                  "model": source_hash()}  # fmt: skip


def _known(path: pathlib.Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Return the sizes that were found for the same question, None if there are none."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return dict(kept["found"]) if kept["asked"] == asked else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def size_for(
    scenario: Scenario, budget: Budget, seeds: tuple[int, ...], baseline: Scenario | None = None
) -> tuple[float | None, float | None, str]:
    """Return at which multiple of its size a policy costs the budget, what it then costs, and else why not.

    What the levers of its baseline cost is no part of it. The cost grows with the size, but not evenly, for who is served is decided by the model.
    """
    if not sizes.has_size(scenario, baseline):
        return None, None, _("its levers have no size")
    trial = Trial(scenario, budget, seeds, baseline)
    wanted = budget.present_value_rmb
    if trial.cost(1.0) <= 0:
        return None, None, _("it costs the public nothing")
    most = sizes.largest(scenario, baseline)
    if trial.cost(1.0) < (1 - CLOSE) * wanted and trial.cost(most) < (1 - CLOSE) * wanted:
        return None, None, _("it costs at most {cost} M RMB").format(cost=in_millions(trial.cost(most)))
    for step in range(MOST_TRIALS):
        nearest = min(trial.costs, key=lambda f: abs(trial.costs[f] - wanted))
        if abs(trial.costs[nearest] / wanted - 1) <= CLOSE:
            break
        factor = _next(trial.costs, wanted, halve=step % 3 == 2)
        if factor is None:
            break
        trial.cost(factor)
    nearest = min(trial.costs, key=lambda f: abs(trial.costs[f] - wanted))
    if abs(trial.costs[nearest] / wanted - 1) > FAR:
        why = _("it costs {cost} M RMB at the nearest size").format(cost=in_millions(trial.costs[nearest]))
        return None, None, why
    return nearest, trial.costs[nearest], ""


def _next(costs: dict[float, float], wanted: float, halve: bool) -> float | None:
    """Return the multiple to be tried next; None where nothing lies between those that were tried.

    Between one that costs too little and one that costs too much: where a power law through both meets the budget, or
    half-way in logarithms. Below all that were tried: where the power law through the cheapest two does.
    """
    below = [f for f, cost in costs.items() if cost < wanted]
    above = sorted(f for f, cost in costs.items() if cost >= wanted)
    if not below:
        low = above[0]
        slope = 1.0
        if len(above) > 1:
            slope = max(math.log(costs[above[1]] / costs[low]) / math.log(above[1] / low), 0.1)
        factor = low * max((wanted / costs[low]) ** (1 / slope) * (1 - CLOSE / 2), 1e-3)
        return factor if factor * sizes.MOST >= 1 else None
    low, high = max(below), above[0]
    if high / low < 1 + CLOSE / 100:
        return None
    share = 0.5
    if not halve and costs[low] > 0:
        share = math.log(wanted / costs[low]) / math.log(costs[high] / costs[low])
    return low * (high / low) ** min(max(share, 0.02), 0.98)


class Trial:
    """Tries what a policy costs at a size.

    Parameters
    ----------
    scenario, budget, seeds
        The policy, the budget, and the seeds over which is averaged.
    baseline
        The scenario beyond whose cost it is counted; absent: one without levers.
    """

    def __init__(
        self, scenario: Scenario, budget: Budget, seeds: tuple[int, ...], baseline: Scenario | None = None
    ) -> None:
        self.scenario, self.seeds, self.baseline = scenario, seeds, baseline
        self.months = 12 * budget.years
        self.weights = (1.0 + budget.discount) ** (-np.arange(self.months) / 12)
        self.costs: dict[float, float] = {}

    def cost(self, factor: float) -> float:
        """Return the present cost at a multiple of its size [RMB] beyond the baseline's, a mean over seeds."""
        if factor not in self.costs:
            self.costs[factor] = self._of(sizes.scaled(self.scenario, factor, self.baseline)) - self._without
        return self.costs[factor]

    @functools.cached_property
    def _without(self) -> float:
        """What the baseline costs [RMB], in the same months and seeds."""
        return 0.0 if self.baseline is None else self._of(self.baseline)

    def _of(self, scenario: Scenario) -> float:
        used = any(lever.slot for lever in scenario.policies)
        runs = (
            [_monthly(scenario, seed, self.months) for seed in self.seeds]
            if used
            else [_fixed(scenario, self.months)]
        )
        return float(np.mean([(monthly * self.weights).sum() for monthly in runs]))


def _fixed(scenario: Scenario, months: int) -> np.ndarray:
    """Return what levers cost whoever uses them, (months,) [RMB]."""
    policies = Policies(scenario.policies, {}, scenario.start)
    return np.array([sum(policies.fixed_cost_rmb(month)) for month in range(months)])


def _monthly(scenario: Scenario, seed: int, months: int) -> np.ndarray:
    """Return what levers cost in a run, (months,) [RMB]."""
    from sim.model import ClusterModel

    run = ClusterModel.from_scenario(scenario, seed=seed).run(months)
    return run.costs["cost_rmb"].to_numpy().reshape(months, -1).sum(axis=1)
