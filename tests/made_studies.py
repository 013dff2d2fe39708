"""Results folders whose runs are made up, so that the truth behind them is known."""

import numpy as np
import pyarrow as pa

from sim.ledger import STATUSES
from sim.parameters import SEGMENTS
from sim.places import read_world
from sim.plan import Plan
from sim.record import HORIZONS, LEVER_COLUMNS, SERIES
from sim.scenario import Scenario
from sim.store import RunRecord, writing
from sim.studies import content_of

ZONES = tuple(read_world("haidian").zone_index)
#: columns of the outcomes that an evaluation reads, with a level and how far pairs of runs lie apart
OUTCOMES = {
    "startups_region": (2000.0, 5.0), "rd_heads_region": (30000.0, 90.0), "production_heads_region": (4000.0, 30.0),
    "heads_region": (34000.0, 95.0), "capital_rmb": (4e11, 2e8), "guided_rmb": (0.0, 0.0), "entries": (5000.0, 20.0),
    "departures": (60.0, 3.0), "top_kept_share_10y": (0.6, 0.01), "public_cost_rmb": (0.0, 0.0),
    "public_cost_pv_rmb": (0.0, 0.0),
}  # fmt: skip


def plan_of(ids, seeds, months=120, points=({},), keep=(), tags=None):
    """Return the plan of a study of shipped scenarios or scenarios by id, the baseline first."""
    scenarios = {s: Scenario.load(s) for s in ids} if not isinstance(ids, dict) else ids
    axes = list(points[0])
    contents = {
        name: content_of(scenario) | ({"axes": axes} if axes else {}) | (tags or {}).get(name, {})
        for name, scenario in scenarios.items()
    }
    return Plan(
        next(iter(scenarios)), contents, tuple(range(1, seeds + 1)), months, "made", tuple(points), (), keep
    )


def write(folder, plan, tables_of, leave_out=(), at_once=50):
    """Write a results folder; `tables_of` returns the tables of a run by name."""
    with writing(folder, plan) as results:
        arms = [arm for arm in plan.arms() if (arm.scenario, arm.seed) not in leave_out]
        done = {arm.run: arm for arm in arms}
        arms = list(done.values())
        for i in range(0, len(arms), at_once):
            results.add(RunRecord(arm.run, arm.seed, f"{arm.scenario} {arm.point} {arm.seed}", 0.0, tables_of(arm))
                        for arm in arms[i : i + at_once])  # fmt: skip
    return folder


def outcomes_of(values):
    """Return a row of outcomes."""
    return pa.table({name: pa.array([float(value)]) for name, value in values.items()})


def noisy_outcomes(rng, effects=None, costs=None):
    """Return a function from a run to its tables: outcomes whose paired differences are normal around a known effect.

    `effects` holds the true effect on startups, and `costs` the cost, by scenario.
    """
    levels = {}

    def tables(arm):
        level = levels.setdefault(
            arm.seed, {name: rng.normal(0, 20 * sd) for name, (_mean, sd) in OUTCOMES.items()}
        )
        values = {}
        for name, (mean, sd) in OUTCOMES.items():
            own = 0.0 if arm.scenario == "baseline" else rng.normal(0.0, sd)
            values[name] = mean + level[name] + own
        values["startups_region"] += (effects or {}).get(arm.scenario, 0.0)
        cost = (costs or {}).get(arm.scenario, 0.0)
        values["public_cost_pv_rmb"] = values["public_cost_rmb"] = (
            cost * (1 + 0.1 * rng.normal()) if cost else 0.0
        )
        return {"outcomes": outcomes_of(values)}

    return tables


class Region:
    """Makes whole runs: startups of a region that are born, placed and paid by address, so that pairs are alike.

    Parameters
    ----------
    plan
        What is run.
    startups
        Startups ever, in each run.
    """

    def __init__(self, plan, startups=400):
        self.plan, self.startups = plan, startups
        self.scenarios = {
            n: Scenario.model_validate({**e["content"], "id": n}) for n, e in plan.scenarios.items()
        }

    def rows(self, arm):
        """Return the startups of a run: identity, zone, segment, stage, first and last month, money received."""
        rng = np.random.default_rng(arm.seed)
        n, months = self.startups, self.plan.months
        rows = {
            "uid": np.sort(rng.integers(1, 2**62, n).astype(np.uint64)),
            "zone": rng.integers(0, len(ZONES), n),
            "segment": rng.integers(0, 4, n),
            "born": rng.integers(-months, months, n),
            "life": rng.integers(6, 2 * months, n),
            "luck": rng.random(n),
        }
        rows["stage"] = np.clip((rows["luck"] * 7).astype(int), 0, 5)
        scenario = self.scenarios[arm.scenario]
        treated = [ZONES.index(zone) for zone in scenario.treated_zones]
        other = np.random.default_rng([arm.seed, len(scenario.policies)])
        if treated:  # some move there, some come, some are lost
            moved = other.random(n) < 0.1
            rows["zone"][moved] = other.choice(treated, moved.sum())
        if scenario.policies:
            rows["life"] = np.where(other.random(n) < 0.05, rows["life"] + 40, rows["life"])
            rows["life"] = np.where(other.random(n) < 0.02, 3, rows["life"])
        return rows

    def alive(self, rows, month):
        """Return who is active in a month."""
        return (rows["born"] <= month) & (month < rows["born"] + rows["life"])

    def tables(self, arm):
        """Return the tables of a run."""
        rows, months = self.rows(arm), self.plan.months
        series = np.zeros((months, len(ZONES), 4, len(SERIES)))
        names = [column.name for column in SERIES]
        rng = np.random.default_rng([arm.seed, 7])
        for month in range(months):
            here = self.alive(rows, month)
            index = (month, rows["zone"][here], rows["segment"][here])
            np.add.at(series[..., names.index("startups")], index, 1.0)
            np.add.at(series[..., names.index("rd_heads")], index, 10 * rows["luck"][here])
        series[..., names.index("startups_within_1km")] = series[..., names.index("startups")]
        for name, scale in (
            ("production_heads", 3.0),
            ("capital_rmb", 1e6),
            ("entries", 1.0),
            ("departures", 1.0),
        ):
            series[..., names.index(name)] = rng.poisson(1.0, series.shape[:3]) * scale
        for name, level in (("zone_rent_rmb_m2_month", 200.0), ("zone_stock_m2", 1e6), ("zone_vacant_m2", 1e5),
                            ("zone_tenants_m2", 8e5), ("area_m2", 1e3), ("rent_bill_rmb", 2e5)):  # fmt: skip
            series[..., names.index(name)] = level * (1 + 0.01 * rng.random(series.shape[:2]))[:, :, None]
        levers = sorted(lever.id for lever in self.scenarios[arm.scenario].policies)
        costs = np.zeros((months, len(levers), len(LEVER_COLUMNS)))
        costs[..., 0] = 1e5 * (1 + rng.random((months, len(levers))))
        return {
            "outcomes": self._outcomes(rows, series, names, costs),
            "series": _series(series, names),
            "presence": self._presence(rows),
            "costs": _costs(costs, levers),
        }

    def _outcomes(self, rows, series, names, costs):
        last = series[-1].sum(axis=(0, 1))
        sums = series.sum(axis=(0, 1, 2))
        paid = costs[..., 0].sum(axis=1)
        value = dict(zip(names, last, strict=True)) | {
            name: sums[names.index(name)] for name in ("capital_rmb", "guided_rmb", "entries", "departures")
        }
        return outcomes_of({
            "startups_region": value["startups"], "rd_heads_region": value["rd_heads"],
            "production_heads_region": value["production_heads"], "capital_rmb": value["capital_rmb"],
            "guided_rmb": value["guided_rmb"], "entries": value["entries"], "departures": value["departures"],
            "top_kept_share_3y": 0.5, "public_cost_rmb": paid.sum(),
            "public_cost_pv_rmb": (paid * 1.05 ** (-np.arange(len(paid)) / 12)).sum(),
        })  # fmt: skip

    def _presence(self, rows):
        months = self.plan.months
        steps = list(dict.fromkeys([step for step in HORIZONS if step <= months] + [months]))
        parts = []
        for step in steps:
            known = np.flatnonzero(rows["born"] < step)
            active = self.alive(rows, step - 1)[known]
            parts.append((np.full(len(known), step), known, active))
        step, known, active = (np.concatenate(column) for column in zip(*parts, strict=True))
        return pa.table({
            "step": pa.array(step, pa.int32()),
            "uid": pa.array(rows["uid"][known]),
            "zone": _words(rows["zone"][known], ZONES),
            "segment": _words(rows["segment"][known], SEGMENTS),
            "stage": pa.array(rows["stage"][known], pa.int8()),
            "status": _words(np.where(active, STATUSES.index("active"), STATUSES.index("closed")), STATUSES),
            "rd_heads": pa.array(10 * rows["luck"][known]),
            "subsidy_rmb": pa.array(1e4 * (rows["luck"][known] > 0.8)),
        })  # fmt: skip


def _words(codes, words):
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), pa.array(words, pa.string()))


def _series(series, names):
    months, zones, segments = (a.ravel() for a in np.indices(series.shape[:3]))
    flat = series.reshape(-1, len(names))
    keys = {"month": pa.array(months, pa.int32()),
            "zone": _words(zones, ZONES),
            "segment": _words(segments, SEGMENTS)}  # fmt: skip
    return pa.table(keys | {name: pa.array(flat[:, i].copy()) for i, name in enumerate(names)})


def _costs(costs, levers):
    months, lever = (a.ravel() for a in np.indices(costs.shape[:2]))
    flat = costs.reshape(-1, len(LEVER_COLUMNS))
    keys = {"month": pa.array(months, pa.int32()),
            "lever": _words(lever, levers)}  # fmt: skip
    return pa.table(
        keys | {column.name: pa.array(flat[:, i].copy()) for i, column in enumerate(LEVER_COLUMNS)}
    )
