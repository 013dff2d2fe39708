"""Evaluations made by hand, with everything that a report can show, for tests of the report."""

import numpy as np

from sim.evaluation.result import (
    Additionality,
    AgainstCash,
    Best,
    Box,
    Cost,
    CriticalMass,
    Decomposition,
    Discovery,
    Displaced,
    Dose,
    Effect,
    EqualBudget,
    Estimate,
    Evaluation,
    LeverUse,
    Limit,
    Metric,
    Path,
    Persistence,
    Plan,
    PolicyResult,
    Regret,
    SizedLever,
    Zone,
)
from sim.intervals import verdict
from sim.parameters import SEGMENTS
from sim.places import default_world, read_world

WORLD = default_world()
ZONES = tuple(Zone(z.id, z.name, z.name_zh, z.belt, 10.0, 12.0, 180.0, 0.1) for z in read_world(WORLD).zones)
BELTS = tuple(dict.fromkeys(zone.belt for zone in ZONES))
MONTHS, HORIZONS = 60, (12, 36, 60)
METRICS = {
    "startups_region": Metric("startups", "Active startups in the region: the net effect", True, 1),
    "rd_heads_region": Metric("heads", "R&D heads", True, 1),
    "private_capital_rmb": Metric("RMB", "Money raised from private funds", True, 1, True),
}
ROLES = {"cash-benchmark": "cash", "placebo": "placebo", "winter": "stress"}


def around(mean, half, method="t"):
    """Return an estimate with a symmetric interval."""
    return Estimate(mean, mean - half, mean + half, method)


def effect(metric, horizon, mean, half, margin="region", part="", pairs=20):
    """Return an effect whose verb follows its interval, without a correction."""
    said = verdict(mean, mean - half, mean + half, pairs=pairs)
    return Effect(metric, horizon, margin, part, pairs, 100.0, 100.0 + mean, mean, mean - half, mean + half, None, None,
                  0.9, 0.01, 0.02, None if said.resolved else 40, said.verb, said.chip, said.resolved, said.note)  # fmt: skip


def policy(name, mean, half, zones=(), name_zh=None, draw=None, **more):
    """Return everything about one policy whose net effect is `mean` plus or minus `half`."""
    draw = draw or np.random.default_rng(abs(hash((round(mean * 1000), half))) % 2**32)
    effects = [effect(metric, h, mean * h / MONTHS * k, half * k, ) for metric, k in
               (("startups_region", 1.0), ("rd_heads_region", 20.0), ("private_capital_rmb", 1e6)) for h in HORIZONS]  # fmt: skip
    for margin, parts in (("zone", [z.id for z in ZONES]), ("belt", BELTS), ("segment", SEGMENTS)):
        shares = draw.normal(0.0, 1.0, len(parts))
        effects += [effect("startups_region", h, float(s) * 8, 5.0, margin, p) for p, s in zip(parts, shares, strict=True)
                    for h in HORIZONS]  # fmt: skip
    months = np.arange(1, MONTHS + 1)
    curve = mean * months / MONTHS
    path = Path("startups_region", tuple(100.0 + 0 * curve), tuple(100.0 + curve), tuple(curve),
                tuple(curve - half), tuple(curve + half))  # fmt: skip
    moved = 12.0 if zones else 0.0
    account = Additionality(
        tuple(zones), around(30.0, 3.0), around(10.0, 1.0), around(moved, 2.0), around(8.0, 2.0), around(1.0, 0.5),
        around(2.0, 0.5), around(7.0 - mean, 0.5), around(mean, half), around(moved / 20, 0.1),
        tuple(Displaced(z.id, 1.5) for z in ZONES[:8]) if zones else (), 0.33, 0.02, 0.6, 1.1, mean, True,
        around(0.4, 0.1), around(0.1, 0.05), around(-2000.0, 500.0),
    )  # fmt: skip
    least = 1e8 / (mean + half) if mean + half > 0 else None
    price = (
        Estimate(None, least, None, "fieller" if least else "", "the interval reaches 0")
        if mean - half <= 0
        else around(8e6, 2e6, "fieller")
    )
    spent = around(1e8, 1e6)
    values = {
        "id": name.lower().replace(" ", "-"), "name": name, "name_zh": "某项政策" if name_zh is None else name_zh,
        "description": "", "role": "policy", "sentence": "", "caution": "", "pairs": 20, "missing_seeds": (),
        "zones": tuple(zones), "effects": tuple(effects), "paths": (path,), "additionality": account,
        "costs": (Cost(MONTHS, spent, spent, price, price, price),),
        "against_cash": AgainstCash("worse" if mean < 10 else "better", "net startups per 100 M RMB", around(1.0, 0.5), ""),
        "critical_mass": (CriticalMass(zones[0], around(0.4, 0.2), around(0.1, 0.1), 31.0, None, False),) if zones else (),
        "persistence": Persistence(48, around(5.0, 1.0), around(3.0, 1.0), around(0.6, 0.2), around(0.7, 0.1),
                                   around(0.6, 0.1), 48, 60),
        "levers": (LeverUse("a", "rent-cut", 48, 1e8, None, 12.0, 1.0, "", False, tuple(zones)),
                   LeverUse("b", "talent-housing", 48, 1e7, None, 12.0, 1.0, "the whole effect", False, ())),
        "announced": (), "doses": (), "decomposition": (),
    }  # fmt: skip
    return PolicyResult(**(values | more))


def evaluation(policies=None, **more):
    """Return an evaluation; absent policies: one of each kind that a report tells apart."""
    zone = ZONES[9].id
    policies = policies or [
        policy("Rent cut", 4.5, 3.0, (zone,)),
        policy("New space", 30.0, 6.0, (ZONES[10].id, ZONES[11].id), doses=tuple(
            Dose("new-space", f, around(f * 1e8, 1e6), around(f * 20, 4.0), around(f * 100, 9.0), around(8e6, 1e6))
            for f in (0.5, 1.0, 2.0))),
        policy("Hub", 12.0, 30.0, announced=(
            Plan("50 startups in 18 months", "18 个月内引进 50 家", "landed", None, 50.0, "2027-06", around(0.1, 0.05),
                 around(0.0, 0.0), 13.0, 20),
            Plan("10 bn RMB of output", "产值 100 亿元", "revenue_rmb", zone, 1e10, "2029-12", around(0.9, 0.05),
                 around(0.2, 0.1), 1.2e10, 20))),
        policy("Fund", -25.0, 5.0, decomposition=(
            Decomposition("startups_region", 50, 4, -20.0, 4.0, 9.0, 0.8, -24.0, -16.0, -40.0, 5.0, 0.1),)),
        policy("Nothing", 0.0, 0.0),
        policy("Cash benchmark", 11.0, 3.0, name_zh="现金基准", id="cash-benchmark", role="cash"),
        policy("Placebo", 0.3, 2.0, name_zh="安慰剂对照", id="placebo", role="placebo"),
        policy("Funding winter", -60.0, 9.0, name_zh="融资寒冬", id="winter", role="stress"),
    ]  # fmt: skip
    ids = tuple(p.id for p in policies if p.role == "policy")
    none = (None,) * len(ids)
    values = {
        "study": "study", "plan": "a" * 64, "digest": "b" * 64, "model": "c" * 64, "baseline": "baseline",
        "baseline_name": "Baseline", "baseline_name_zh": "基准情景", "world": WORLD, "start": "2025-01", "months": MONTHS,
        "seeds": tuple(range(1, 21)), "vectors": 50, "horizons": HORIZONS, "complete": True, "runs": 180, "done": 180,
        "failures": (), "zones": ZONES, "belts": BELTS, "segments": tuple(SEGMENTS), "stages": (), "metrics": METRICS,
        "headline": tuple(METRICS), "tests": 15, "policies": tuple(policies),
        "best": Best("net startups per 100 M RMB", ids, tuple(1 / len(ids) for _ in ids), None, (), "") if ids else None,
        "regret": Regret("net startups per 100 M RMB", ("", "winter"), ids,
                         tuple((float(i), float(9 - i)) for i, _ in enumerate(ids)),
                         tuple((float(len(ids) - 1 - i), float(i)) for i, _ in enumerate(ids)), none, None, (), "",
                         tuple((float(i == len(ids) - 1), float(i == 0)) for i, _ in enumerate(ids))),
        "discoveries": (Discovery(ids[0], 1e7, 50, 20, (Box((
            Limit("location.rent_weight", None, 1.9, (), 0.01), Limit("births.scale", 0.2, 0.4, (), 0.02)),
            0.78, 0.91, 0.3, 0.01, ""),), ""),) if ids else (),
        "equal_budget": EqualBudget(1e8, 0.05, 5, (SizedLever(ids[0], 2.5, 1e8), SizedLever("other", None, None, "costs the public nothing")))
        if ids else None,
        "notes": ("differences between scenarios, not forecasts", "10 seeds are few: intervals are wide, and rare large "
                  "differences hardly show in them"),
    }  # fmt: skip
    return Evaluation(**(values | more))
