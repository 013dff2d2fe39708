"""What each lever of a policy spent, whom it served and refused, and what of a policy's announcements is reached."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.language import N_
from sim.levers import LEVERS
from sim.places import read_world
from sim.policy import Policies

if TYPE_CHECKING:
    from sim.paired import Comparison


#: what the levers of a table of the terms serve and refuse; those of other tables refuse nobody
SERVED = {"cuts": N_("startups"), "programmes": N_("startups"), "aids": N_("startups"), "cash": N_("entering startups"),
          "centres": N_("GPU"), "guided": N_("rounds")}  # fmt: skip


def unit_served(kind: str) -> str:
    """Return what levers of a kind serve, in English; "" where they do not count it."""
    lever = LEVERS.get(kind)
    return SERVED.get(lever.slot, "") if lever is not None else ""


def spending(comparison: "Comparison", policy: str) -> list[dict[str, Any]]:
    """Return one row a lever, in the order of the runs' columns: means over runs.

    ``lever``, ``kind``, ``serves`` (startups, entering startups, rounds, GPU); ``months`` in force; ``spent_rmb``, and ``budget_rmb`` that it might have spent (None: nothing
    bounds it); ``served`` and ``refused`` in a month in force, with ``counts`` saying whether it counts them
    (``refused`` is None where a lever refuses nobody);
    ``assumed``, what of its effect is assumed; ``stress``, whether it is no policy.
    """
    scenario = comparison.scenarios[policy]
    policies = Policies(scenario.policies, read_world(scenario.world).zone_index, scenario.start)
    data = [run.levers for run in comparison.runs(policy)]
    if not data or not policies.levers:
        return []
    spent, served, refused = np.mean([run.sum(axis=1) for run in data], axis=0)
    budgets = policies.budgets_rmb(comparison.months)
    rows = []
    for i, lever in enumerate(policies.levers):
        months = sum(lever.since(scenario.start, month) is not None for month in range(comparison.months))
        rows.append({
            "lever": lever.id,
            "kind": lever.kind,  # type: ignore[attr-defined]
            "serves": SERVED.get(lever.slot, ""),
            "months": months,
            "spent_rmb": float(spent[i]),
            "budget_rmb": budgets[i],
            "counts": bool(lever.slot),
            "served": float(served[i]) / max(months, 1),
            "refused": float(refused[i]) / max(months, 1) if lever.slot in SERVED else None,
            "assumed": lever.assumed,
            "stress": lever.stress,
        })  # fmt: skip
    return rows


def announced(comparison: "Comparison", policy: str) -> list[dict[str, Any]]:
    """Return one row an announcement that the runs reach in time: in which share of runs it is kept.

    ``name``, ``name_zh``; ``at_least``, ``series``, ``zone``, ``by``; ``probability`` and ``baseline_probability``; ``median``.
    """
    scenario, rows = comparison.scenarios[policy], []
    for promise in scenario.announced:
        reached = [
            [promise.value(run.series, run.zones, scenario.start) for run in comparison.runs(arm)]
            for arm in (policy, comparison.baseline)
        ]
        if not reached[0] or None in reached[0]:
            continue
        shares = [
            float(np.mean(np.array(values) >= promise.at_least)) if values else None for values in reached
        ]
        rows.append(promise.model_dump() | {
            "probability": shares[0],
            "baseline_probability": shares[1],
            "median": float(np.median(np.array(reached[0], dtype=float))),
            "runs": len(reached[0]),
        })  # fmt: skip
    return rows
