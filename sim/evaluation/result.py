"""What an evaluation finds, as one frozen tree: what `sim evaluate` prints, writes and hands to the report.

Everything is plain data: numbers, words, tuples of these. Numbers are in the unit that stands beside them; a number
that is not defined is None, and the `note` beside it says why. Words of users (`sentence`, `note`, `verb`) are in the
language of whoever evaluated; the rest are ids.

Names that come back everywhere
-------------------------------
metric
    Name of an output, a key of `Evaluation.metrics`, such as ``startups_region``.
horizon
    Months simulated up to the moment that is meant: 12, 36, 60, 120 as far as the runs reach, and the last month.
margin, part
    What an effect is broken down by, one margin at a time: ``region`` (part ""), ``zone`` (id of a zone), ``belt``,
    ``segment`` or ``stage`` ("0" to "5").
effect
    Policy minus baseline with the same seed, over all seeds that have both.
"""

import dataclasses
import types
import typing
from typing import Any, Self

from sim.evaluation.rows import (
    Additionality,
    AgainstCash,
    Cost,
    CriticalMass,
    Decomposition,
    Displaced,
    Dose,
    Effect,
    Estimate,
    LeverUse,
    Metric,
    Path,
    Persistence,
    Plan,
)

__all__ = [
    "FORMAT",
    "Additionality",
    "AgainstCash",
    "Best",
    "Box",
    "Cost",
    "CriticalMass",
    "Decomposition",
    "Discovery",
    "Displaced",
    "Dose",
    "Effect",
    "EqualBudget",
    "Estimate",
    "Evaluation",
    "LeverUse",
    "Limit",
    "Metric",
    "Path",
    "Persistence",
    "Plan",
    "PolicyResult",
    "Regret",
    "SizedLever",
    "Zone",
]

FORMAT = 2  #: of the file; another one where verbs or their keys follow other rules


@dataclasses.dataclass(frozen=True)
class PolicyResult:
    """Everything about one policy, or control.

    Attributes
    ----------
    id, name, name_zh, description
        As in the scenario.
    role
        ``policy``, ``stress`` (a development outside only), ``cash`` or ``placebo`` (the controls), ``dose`` or
        ``world`` (only shown in `doses` or `Regret`).
    sentence
        The plain sentence: net effect first, the verb that the evidence allows.
    caution
        What must stand beside it, or "": worse than cash, levers that never acted, assumed effects.
    pairs, missing_seeds
        Seeds behind it, and those that failed or are not done.
    zones
        Treated zones.
    effects
        All effects; see `effect`.
    paths
        Effects month by month.
    additionality
        None where the study keeps no presence.
    costs
        By horizon; empty where the study keeps no costs.
    against_cash, persistence
        None where they cannot be told.
    critical_mass
        By treated zone; empty if none is new.
    levers, announced, doses, decomposition
        Rows.
    """

    id: str
    name: str
    name_zh: str
    description: str
    role: str
    sentence: str
    caution: str
    pairs: int
    missing_seeds: tuple[int, ...]
    zones: tuple[str, ...]
    effects: tuple[Effect, ...]
    paths: tuple[Path, ...]
    additionality: Additionality | None
    costs: tuple[Cost, ...]
    against_cash: AgainstCash | None
    critical_mass: tuple[CriticalMass, ...]
    persistence: Persistence | None
    levers: tuple[LeverUse, ...]
    announced: tuple[Plan, ...]
    doses: tuple[Dose, ...]
    decomposition: tuple[Decomposition, ...]

    def effect(self, metric: str, horizon: int, margin: str = "region", part: str = "") -> Effect | None:
        """Return one effect, None if it was not found."""
        wanted = (metric, horizon, margin, part)
        return next((e for e in self.effects if (e.metric, e.horizon, e.margin, e.part) == wanted), None)


@dataclasses.dataclass(frozen=True)
class Zone:
    """A zone of the world: id, names, belt, and its baseline at the first month and the last.

    Attributes
    ----------
    startups_first, startups
        Active startups of the baseline at the first and at the last month, mean over seeds.
    rent_rmb_m2_month, vacancy
        Of the baseline at the last month.
    """

    id: str
    name: str
    name_zh: str
    belt: str
    startups_first: float | None
    startups: float | None
    rent_rmb_m2_month: float | None
    vacancy: float | None


@dataclasses.dataclass(frozen=True)
class Best:
    """Which policy is best: probabilities by bootstrap over seeds, never a bare ranking.

    Attributes
    ----------
    criterion
        ``net startups`` at equal budgets, else ``net startups per 100 M RMB``.
    policies, probability
        Policies that have a cost, and cash; in the order of the study. The probability is that of being better than all
        others; where two are exactly alike, neither is, so that probabilities may add up to less than 1.
    sure
        The policy whose probability is at least 0.95, if its net effect has the verb of gain; or None.
    left_out
        Policies without cost.
    sentence
        In words.
    """

    criterion: str
    policies: tuple[str, ...]
    probability: tuple[float, ...]
    sure: str | None
    left_out: tuple[str, ...]
    sentence: str


@dataclasses.dataclass(frozen=True)
class Regret:
    """How far each policy stays behind the best in each world.

    Attributes
    ----------
    criterion
        As in `Best`.
    worlds
        Ids of the worlds: "" is the world as it is, others are those of the developments outside.
    policies
        Ids of those that cost something in every world.
    effect, regret
        A row a policy, a column a world; None where the study did not run it. Regret is the best policy's value in that
        world less the policy's own, never below 0.
    worst
        Largest regret of each policy over the worlds.
    minimax
        Policy whose worst regret is smallest; with `probability`, the share of resamples of seeds in which it is. None where
        all are exactly alike.
    probability
        Of each policy.
    sentence
        In words.
    leads
        In what share of resamples each policy is better than all others, a row a policy, a column a world; empty while seeds
        are missing.
    """

    criterion: str
    worlds: tuple[str, ...]
    policies: tuple[str, ...]
    effect: tuple[tuple[float | None, ...], ...]
    regret: tuple[tuple[float | None, ...], ...]
    worst: tuple[float | None, ...]
    minimax: str | None
    probability: tuple[float, ...]
    sentence: str
    leads: tuple[tuple[float, ...], ...] = ()


@dataclasses.dataclass(frozen=True)
class Limit:
    """One side of a box of parameter space: the values of `key` that lie in it.

    Attributes
    ----------
    low, high
        Ends; None where the box is open.
    values
        Words or switches in the box, for a parameter without order; else empty.
    p
        Quasi-p: chance of such a density of failures, had the side not been cut.
    """

    key: str
    low: float | None
    high: float | None
    values: tuple[str, ...]
    p: float


@dataclasses.dataclass(frozen=True)
class Box:
    """A part of parameter space in which a policy fails.

    Attributes
    ----------
    limits
        Its sides.
    coverage
        Share of all failures that lie in it.
    density
        Share of its vectors that fail.
    mass
        Share of all vectors that lie in it.
    p
        Chance that the search finds so telling a box where failures have nothing to do with the parameters.
    sentence
        In words.
    """

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    p: float
    sentence: str


@dataclasses.dataclass(frozen=True)
class Discovery:
    """Where a policy fails to reach a given cost per net startup (patient rule induction).

    Attributes
    ----------
    policy
        Id.
    threshold_rmb
        Cost per net startup that is asked for.
    vectors, failures
        Vectors of parameters, and those in which it costs more or the net effect is 0 or less.
    boxes
        From the most telling one on; empty where it fails nowhere or everywhere, or where so many vectors tell none.
    sentence
        In words.
    """

    policy: str
    threshold_rmb: float
    vectors: int
    failures: int
    boxes: tuple[Box, ...]
    sentence: str


@dataclasses.dataclass(frozen=True)
class SizedLever:
    """A policy brought to the common budget.

    Attributes
    ----------
    scenario
        Id.
    factor
        What its sizes were multiplied by; None if it was left out.
    present_value_rmb
        What it then costs in the years of the budget, mean over the pilot's seeds.
    reason
        Why it was left out, or "".
    """

    scenario: str
    factor: float | None
    present_value_rmb: float | None
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class EqualBudget:
    """The budget to which policies were brought before the study.

    Attributes
    ----------
    present_value_rmb, discount, years
        Present value, yearly rate, and the years over which is summed.
    levers
        A row a policy.
    """

    present_value_rmb: float
    discount: float
    years: int
    levers: tuple[SizedLever, ...]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a study says of its policies.

    Attributes
    ----------
    study
        Name of the results folder.
    plan, digest, model
        Identity of what was planned, of what came out, and of the program that ran.
    baseline, baseline_name, baseline_name_zh
        The scenario with which everything is compared.
    world, start, months
        World, first month ("2025-01"), months simulated.
    seeds, vectors
        Seeds planned, and number of parameter vectors (1: none varied).
    horizons
        Months at which effects are told; the last is the end of the runs.
    complete, runs, done
        Whether all runs are done; their number; how many are.
    failures
        Failed runs in words.
    zones, belts, segments, stages
        Parts of the margins, in order.
    metrics
        Metrics by name, in the order of tables.
    headline
        Names of the headline metrics.
    tests
        Number of tests over which Holm's correction goes at each horizon.
    policies
        Policies in the order of the study, then the controls; every table has the controls in it.
    best, regret, equal_budget
        None where they cannot be told; `notes` says why.
    discoveries
        Rows.
    notes
        What is missing and why, and what must be read beside the numbers; plain sentences.
    """

    study: str
    plan: str
    digest: str
    model: str
    baseline: str
    baseline_name: str
    baseline_name_zh: str
    world: str
    start: str
    months: int
    seeds: tuple[int, ...]
    vectors: int
    horizons: tuple[int, ...]
    complete: bool
    runs: int
    done: int
    failures: tuple[str, ...]
    zones: tuple[Zone, ...]
    belts: tuple[str, ...]
    segments: tuple[str, ...]
    stages: tuple[str, ...]
    metrics: dict[str, Metric]
    headline: tuple[str, ...]
    tests: int
    policies: tuple[PolicyResult, ...]
    best: Best | None
    regret: Regret | None
    discoveries: tuple[Discovery, ...]
    equal_budget: EqualBudget | None
    notes: tuple[str, ...]

    def policy(self, scenario_id: str) -> PolicyResult:
        """Return the result of one policy.

        Raises
        ------
        KeyError
            If the study has no such policy.
        """
        for found in self.policies:
            if found.id == scenario_id:
                return found
        raise KeyError(scenario_id)

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as plain dictionaries and lists, for JSON."""
        return {"format": FORMAT} | dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the tree that `to_dict` made, also after a trip through JSON.

        Raises
        ------
        ValueError
            If it is of another format.
        """
        if values.get("format") != FORMAT:
            raise ValueError(f"evaluation of format {values.get('format')!r}, not {FORMAT}")
        return _built(cls, {key: value for key, value in values.items() if key != "format"})


def _built(kind: Any, value: Any) -> Any:
    """Return plain data as what a type hint says."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return _built(next(part for part in inner if part is not type(None)), value)
    if origin is tuple:
        return tuple(_built(inner[0], part) for part in value)
    if origin is dict:
        return {key: _built(inner[1], part) for key, part in value.items()}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        made: Any = kind
        return made(**{name: _built(hints[name], part) for name, part in value.items()})
    return value
