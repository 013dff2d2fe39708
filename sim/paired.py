"""Paired differences: what a policy changes, seed by seed, against the same seeds without it."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sim import meanings
from sim.intervals import UNDEFINED, Interval, Verdict, mean_interval, verdict
from sim.language import current_language
from sim.measures import MEASURES
from sim.policy import added, treated_zones
from sim.scenario import Scenario
from sim.spending import announced, spending
from sim.store import OUTCOMES, Failure, Head, Store

if TYPE_CHECKING:
    from sim.evaluation.result import Evaluation, PolicyResult
    from sim.evaluation.rows import Effect, Estimate

#: measures of clustering that a policy can change
CLUSTERING = tuple(name for name in MEASURES if name != "hhi_even")
#: metrics that are columns of the outcomes: the region at the last month, or sums over the run
FROM_OUTCOMES = (
    "startups_region", "listed_region", "registered_region", "heads_region", "rd_heads_region",
    "production_heads_region", "entries", "failures", "acquisitions", "listings", "departures", "moves",
    "reservations", "applications", "deals", "capital_rmb", "guided_rmb", "founded_outside", "landed", "production_outside_heads",
    "top_kept_share_3y", "top_kept_share_5y", "top_kept_share_10y", "top_founded_outside_10y", "top_left_10y",
    "top_acquired_10y", "top_failed_10y", "public_cost_rmb", "public_cost_pv_rmb",
    *CLUSTERING,
)  # fmt: skip
#: parts of the account of startups, by the name of their metric
FROM_ACCOUNT = {
    "displaced_startups": "displaced",
    "attracted_startups": "attracted",
    "gained_elsewhere_startups": "gained_elsewhere",
    "lost_treated_startups": "lost_treated",
    "lost_elsewhere_startups": "lost_elsewhere",
}
#: metrics in the order of every table, with their units
METRICS = {
    "startups_region": "startups",
    "startups_treated_zones": "startups",
    "displaced_startups": "startups",
    "attracted_startups": "startups",
    "displaced_share_of_gain": "share",
    "public_cost_rmb": "RMB",
    "public_cost_pv_rmb": "RMB",
    "cost_per_net_startup_rmb": "RMB/startup",
    "windfall_share": "share",
    "landlord_capture": "share",
    "heads_region": "heads",
    "rd_heads_region": "heads",
    "production_heads_region": "heads",
    "production_outside_heads": "heads",
    "top_kept_share_3y": "share",
    "top_kept_share_5y": "share",
    "top_kept_share_10y": "share",
    "top_founded_outside_10y": "founders",
    "top_left_10y": "founders",
    "top_acquired_10y": "founders",
    "top_failed_10y": "founders",
    "entries": "startups",
    "landed": "startups",
    "founded_outside": "startups",
    "failures": "startups",
    "acquisitions": "startups",
    "listings": "startups",
    "departures": "startups",
    "moves": "moves",
    "reservations": "startups",
    "applications": "startups",
    "listed_region": "firms",
    "registered_region": "firms",
    "deals": "rounds",
    "capital_rmb": "RMB",
    "guided_rmb": "RMB",
    "other_tenants_m2_region": "m2",
    "gained_elsewhere_startups": "startups",
    "lost_treated_startups": "startups",
    "lost_elsewhere_startups": "startups",
} | {name: MEASURES[name][0] for name in CLUSTERING}
#: what those mean that are no columns of a run, or more than these
EFFECTS = {
    "startups_region": "Active startups in the region: the net effect",
    "startups_treated_zones": "Active startups in the zones of the policy's place-bound levers",
    "displaced_startups": "Startups new in the treated zones that are elsewhere in the region in the baseline",
    "attracted_startups": "Startups new in the treated zones that are not in the region in the baseline",
    "displaced_share_of_gain": "Displaced over displaced plus attracted; a ratio of means",
    "cost_per_net_startup_rmb": "Mean present cost over mean net startups; null where the net may be 0 or less",
    "windfall_share": "Public money of startups that are where it is paid in the baseline too, over all of it",
    "landlord_capture": "Subsidised area times the rise of the mean rent paid in its zone, over the subsidy; "
    "the mean moves with rents and with the ages of leases",
    "top_kept_share_3y": "Of the top 1 % of potential founders by drawn quality, the same in every scenario, the share "
    "of those drawn in the first 3 years who founded here and are still here at their end",
    "top_kept_share_5y": "The same after 5 years",
    "top_kept_share_10y": "The same after 10 years",
    "top_founded_outside_10y": "Those of them who founded elsewhere",
    "other_tenants_m2_region": "Floor space held by other tenants",
    "gained_elsewhere_startups": "Startups outside the treated zones that are not in the region in the baseline",
    "lost_treated_startups": "Startups of the baseline's treated zones that are not in the region",
    "lost_elsewhere_startups": "Startups of the baseline's other zones that are not in the region",
}
#: what each metric means; differences are policy minus baseline, at the last month or summed over the run
MEANINGS = {name: EFFECTS.get(name) or meanings.OUTCOMES[name] for name in METRICS}


#: columns of the levers' accounts
LEVER_COLUMNS = ("cost_rmb", "served", "refused")
#: tables of the terms from which startups receive money
PAYING = ("cuts", "aids", "cash")
#: metrics whose number and interval are taken from an account of the evaluation, by the name of its estimate
FROM_EVALUATION = FROM_ACCOUNT | {
    "displaced_share_of_gain": "displaced_share",
    "windfall_share": "windfall_share",
    "landlord_capture": "landlord_capture",
}


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a comparison keeps of one run.

    Attributes
    ----------
    outcomes
        The row of outcomes by name.
    series
        Monthly series by name, (months, n_zones) each, summed over segments; those that were asked for.
    zones
        Ids of the zones.
    levers
        Public cost [RMB], whom each lever served and whom it refused, (3, months, n_levers).
    """

    outcomes: dict[str, Any]
    series: dict[str, np.ndarray]
    zones: tuple[str, ...]
    levers: np.ndarray


class Comparison:
    """The effects of policies on the same seeds.

    Parameters
    ----------
    results
        A results folder.
    failures
        Runs that failed.

    Attributes
    ----------
    baseline
        Id of the scenario with which the policies are compared.
    policies
        Ids of the others.
    controls
        Ids of the placebo and of the cash benchmark, which run beside them.
    scenarios
        Scenarios by id.
    zones
        Ids of the zones, in the order of the arrays.
    months, start
        Months simulated, and the first of them.
    seeds
        Seeds that are complete in every scenario, in the order of the arrays.
    planned_seeds
        Seeds that were asked for.
    pictures
        Paths of the figures drawn.
    report
        The page for planners, None before it is written.
    folder, plan_hash, digest
        Results folder, identity of what was planned, and of what came out.
    """

    def __init__(self, results: Store, failures: Sequence[Failure] = ()) -> None:
        from sim.evaluation.reading import read

        plan = results.plan
        self._results, self._runs = results, dict[tuple[str, int], Measured]()
        self.folder, self.plan_hash = results.folder, plan.sha
        self.baseline, self.months = plan.baseline, plan.months
        self.controls = [name for name, values in plan.scenarios.items() if values.get("control")]
        self.policies = [name for name in plan.scenarios if name not in (plan.baseline, *self.controls)]
        self.scenarios = {
            name: Scenario.model_validate({**values["content"], "id": name})
            for name, values in plan.scenarios.items()
        }
        self.start = self.scenarios[self.baseline].start
        self.planned_seeds, self.failures = plan.seeds, list(failures)
        self.pictures: list[pathlib.Path] = []
        self.report: pathlib.Path | None = None
        self._arms = {arm.run: arm for arm in plan.arms()}
        self._read = read(results, self._take)
        self.digest, self.zones = results.digest(self._read.heads), self._read.ids
        self.seeds = tuple(
            seed for seed in plan.seeds if all((s, seed) in self._runs for s in plan.scenarios)
        )

    def _take(self, heads: list[Head], tables: dict[str, pa.Table], zones: tuple[str, ...]) -> None:
        """Keep what figures and tables need of the runs of one shard."""
        shape = (len(heads), self.months, len(zones), -1)
        series = {name: _of_zones(name, column.to_numpy().reshape(shape))
                  for name, column in zip(tables["series"].column_names, tables["series"].columns, strict=True)
                  if name in self._shown}  # fmt: skip
        costs, start = [tables["costs"][name].to_numpy() for name in LEVER_COLUMNS], 0
        for i, (head, outcomes) in enumerate(zip(heads, tables[OUTCOMES].to_pylist(), strict=True)):
            stop = start + head.rows["costs"]
            levers = np.stack([column[start:stop].reshape(self.months, -1) for column in costs])
            start = stop
            if (arm := self._arms.get(head.run)) is not None:
                mine = {name: values[i].copy() for name, values in series.items()}
                self._runs[arm.scenario, arm.seed] = Measured(outcomes, mine, zones, levers)

    @functools.cached_property
    def _shown(self) -> set[str]:
        """Series that figures and tables show."""
        promised = {promise.series for scenario in self.scenarios.values() for promise in scenario.announced}
        return {"startups", "zone_tenants_m2", *promised}

    def _series(self, column: str) -> dict[tuple[str, int], np.ndarray]:
        """Return a series of each run, (months, n_zones); one that no figure shows is read when it is asked for."""
        if column in self._shown:
            return {key: run.series[column] for key, run in self._runs.items()}
        found = {}
        for heads, tables in self._results.parts({"series": (column,)}):
            values = tables["series"][column].to_numpy().reshape(len(heads), self.months, len(self.zones), -1)
            for head, own in zip(heads, _of_zones(column, values), strict=True):
                if (arm := self._arms.get(head.run)) is not None:
                    found[arm.scenario, arm.seed] = own
        return found

    @functools.cached_property
    def evaluation(self) -> "Evaluation | None":
        """What `sim evaluate` says of the same runs, from the same reading; None if no seed has both runs."""
        from sim.evaluation.evaluate import EvaluationError, evaluation_of

        try:
            return evaluation_of(self._read)
        except EvaluationError:
            return None

    def result(self, policy: str) -> "PolicyResult | None":
        """Return what the evaluation says of one policy; None if it has no pair of runs."""
        if self.evaluation is None or not self.pairs(policy):
            return None
        return self.evaluation.policy(policy)

    def verdict(self, policy: str, metric: str) -> Verdict:
        """Return the verb that a metric of a policy allows: that of the evaluation, and so of the report, if it has one."""
        effect = self._effect(policy, metric)
        if effect is not None:
            return Verdict(effect.chip, effect.resolved, effect.verb, effect.note)
        found = self.intervals[policy][metric]
        return verdict(found.mean, found.low, found.high, 0.0)

    def _effect(self, policy: str, metric: str) -> "Effect | None":
        result, (name, _years, years) = self.result(policy), metric.rpartition("_")
        if result is None:
            return None
        if metric.startswith("top_") and years.endswith("y"):  # told by horizon, not by name
            return result.effect(name, 12 * int(years[:-1]))
        return result.effect(metric, self.months)

    @property
    def compared(self) -> list[str]:
        """Ids of the policies and of the controls."""
        return [*self.policies, *self.controls]

    def pairs(self, policy: str) -> tuple[int, ...]:
        """Return the seeds that are complete both with the policy and without."""
        both = {self.baseline, policy}
        return tuple(seed for seed in self.planned_seeds if all((s, seed) in self._runs for s in both))

    def by_zone(self, scenario_id: str, month: int, column: str = "startups") -> np.ndarray:
        """Return a series in one month by zone, (n_seeds, n_zones); month 0 is the first, -1 the last."""
        found = self._series(column)
        return np.array([found[scenario_id, seed][month] for seed in self.seeds])

    def path(self, scenario_id: str, column: str = "startups") -> np.ndarray:
        """Return a series of the whole region by month, (n_seeds, months)."""
        found = self._series(column)
        return np.array([found[scenario_id, seed].sum(axis=1) for seed in self.seeds])

    def runs(self, scenario_id: str) -> list[Measured]:
        """Return the finished runs of a scenario."""
        return [
            self._runs[scenario_id, seed] for seed in self.planned_seeds if (scenario_id, seed) in self._runs
        ]

    def arms(self, policy: str, value: Callable[[Measured], float]) -> tuple[np.ndarray, np.ndarray]:
        """Return a number of each run with the policy and without, (n_pairs,) each."""
        seeds = self.pairs(policy)
        return tuple(  # type: ignore[return-value]
            np.array(
                [np.nan if (v := value(self._runs[scenario, seed])) is None else v for seed in seeds],
                dtype=float,
            )
            for scenario in (policy, self.baseline)
        )

    @functools.cached_property
    def differences(self) -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """By policy and metric: values with the policy and without, (n_pairs,) each."""
        return {policy: self._differences(policy) for policy in self.compared}

    def _differences(self, policy: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        found = {name: self.arms(policy, lambda run, n=name: run.outcomes[n]) for name in FROM_OUTCOMES}  # type: ignore[misc]
        found["other_tenants_m2_region"] = self.arms(
            policy, lambda run: float(run.series["zone_tenants_m2"][-1].sum())
        )
        zones = self.treated(policy)
        if len(zones):
            found["startups_treated_zones"] = self.arms(
                policy, lambda run: float(run.series["startups"][-1, zones].sum())
            )
        return found

    def treated(self, policy: str) -> np.ndarray:
        """Return the positions of the zones that a policy's place-bound levers treat."""
        scenarios = self.scenarios
        levers = added(scenarios[policy].policies, scenarios[self.baseline].policies)
        chosen = treated_zones(levers, self.zones)
        return np.array([self.zones.index(zone) for zone in chosen], dtype=int)

    @functools.cached_property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """By policy and metric: mean and interval of the effect."""
        return {policy: self._intervals(policy) for policy in self.compared}

    def _intervals(self, policy: str) -> dict[str, Interval]:
        found = {
            name: mean_interval(t - b)
            for name, (t, b) in self.differences[policy].items()
            if not np.isnan(t - b).any()  # a horizon that the runs do not reach
        }
        result = self.result(policy)
        account = None if result is None else result.additionality
        if account is not None:
            found |= {metric: _interval(getattr(account, name)) for metric, name in FROM_EVALUATION.items()}
        if result is not None and result.costs:
            found["cost_per_net_startup_rmb"] = _interval(result.costs[-1].per_net_startup_rmb)
        return {name: found.get(name, UNDEFINED) for name in METRICS}

    def levels(self, policy: str) -> dict[str, Any]:
        """Return what is no difference: gross and deadweight, means of both arms, and what pairing gained."""
        seeds, result = self.pairs(policy), self.result(policy)
        account = None if result is None else result.additionality
        standing = {
            name: UNDEFINED if account is None else _interval(getattr(account, name))
            for name in ("gross", "deadweight")
        }
        return {
            "pairs": len(seeds),
            "missing_seeds": [seed for seed in self.planned_seeds if seed not in seeds],
            "gross_startups": standing["gross"].to_dict(),
            "deadweight_startups": standing["deadweight"].to_dict(),
            "metrics": {
                name: _pairing(*self.differences[policy][name])
                for name in METRICS
                if name in self.differences[policy] and not np.isnan(self.differences[policy][name]).any()
            },
            "levers": spending(self, policy),
            "announced": announced(self, policy),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the effects as ``sim compare --json`` prints them."""
        return {
            "baseline": self.baseline,
            "seeds": len(self.planned_seeds),
            "months": self.months,
            "scenarios": {
                policy: {name: interval.to_dict() for name, interval in self.intervals[policy].items()}
                for policy in self.policies
            },
            "controls": {
                control: {name: interval.to_dict() for name, interval in self.intervals[control].items()}
                for control in self.controls
            },
            "levels": {policy: self.levels(policy) for policy in self.compared},
        }

    @functools.cached_property
    def effects(self) -> pa.Table:
        """One row a policy and metric: mean and interval of the difference, and what stands behind it."""
        rows = []
        for policy in self.compared:
            levels = self.levels(policy)
            for name, unit in METRICS.items():
                row = {"scenario": policy, "metric": name, "unit": unit, "pairs": levels["pairs"]}
                row |= self.intervals[policy][name].to_dict() | dict.fromkeys(_PAIRING)
                rows.append(row | levels["metrics"].get(name, {}))
        types = {"scenario": pa.string(), "metric": pa.string(), "unit": pa.string(), "pairs": pa.int64()}
        columns = ("scenario", "metric", "unit", "mean", "low", "high", "pairs", *_PAIRING)
        return pa.Table.from_pylist(rows, pa.schema([(n, types.get(n, pa.float64())) for n in columns]))

    def idle_levers(self) -> list[tuple[str, str]]:
        """Return scenario and id of the levers that never acted: not in force, or nobody had anything of them."""
        return [
            (policy, row["lever"])
            for policy in self.policies
            for row in spending(self, policy)
            if row["months"] == 0 or (row["counts"] and not row["served"] and not row["refused"])
        ]

    def table(self) -> str:
        """Return the effects as text: one sentence a policy, then all metrics."""
        from sim.summary import announcements, effects_table, lever_table, sentences, top_founders

        parts = (effects_table, top_founders, lever_table, announcements)
        return "\n".join([*sentences(self), "", *(line for part in parts for line in part(self))])

    def _repr_html_(self) -> str:
        """Return the headlines as a table and a picture, which Jupyter shows."""
        from sim.figures.inline import tell_comparison

        return tell_comparison(self)

    def figure(self, name: str) -> pathlib.Path:
        """Return the path of a figure as SVG, such as ``"map"``; figures are drawn on first use."""
        self.draw()
        drawn = {path.stem: path for path in self.pictures if path.suffix == ".svg"}
        if name not in drawn:
            raise KeyError(f"no figure {name!r}; there are: {', '.join(sorted(drawn))}")
        return drawn[name]

    def draw(self) -> None:
        """Draw all figures into the results folder, once, in the user's language if this machine has a font for it."""
        if self.seeds and not self.pictures:
            from sim.figures import draw_comparison, drawable

            self.pictures = list(draw_comparison(self, self.folder, drawable(current_language())))


def _of_zones(name: str, values: np.ndarray) -> np.ndarray:
    """Return a series (..., n_zones, n_segments) by zone: what speaks of a whole zone stands once a segment."""
    return values[..., 0] if name.startswith("zone_") else values.sum(axis=-1)


def _interval(found: "Estimate") -> Interval:
    return UNDEFINED if found.mean is None else Interval(found.mean, found.low, found.high)


_PAIRING = ("baseline_mean", "policy_mean", "correlation", "variance_ratio", "same_sign_share")


def _pairing(with_policy: np.ndarray, without: np.ndarray) -> dict[str, float | None]:
    """Return the means of both arms, and how much narrower pairing makes the interval."""
    found: dict[str, float | None] = dict.fromkeys(_PAIRING)
    if len(without) == 0:
        return found
    difference = with_policy - without
    found["baseline_mean"], found["policy_mean"] = float(without.mean()), float(with_policy.mean())
    if difference.mean() != 0:
        found["same_sign_share"] = float(np.mean(np.sign(difference) == np.sign(difference.mean())))
    if len(without) > 1:
        own, other = float(with_policy.var(ddof=1)), float(without.var(ddof=1))
        paired = float(difference.var(ddof=1))
        found["variance_ratio"] = (own + other) / paired if paired > 0 else None
        if own > 0 and other > 0:
            found["correlation"] = float(np.corrcoef(with_policy, without)[0, 1])
    return found
