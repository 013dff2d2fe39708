"""The rows of an evaluation: what is found of one policy. `sim.evaluation.result` puts them together.

Names that come back everywhere (metric, horizon, margin, part, effect) are explained there.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes
    ----------
    mean
        The number; None where it is not defined.
    low, high
        Ends of the interval; None where there is none.
    method
        ``t`` (paired, Student), ``fieller`` (ratio of two means), ``bootstrap`` (percentiles over resampled seeds),
        ``wilson`` (a share of seeds), or "" without interval.
    note
        Why there is no number or no interval, in words; or "".
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Metric:
    """An output that policies may change.

    Attributes
    ----------
    unit
        Unit of the effect: startups, heads, RMB, share, m2 ...
    meaning
        What it counts, in one sentence.
    headline
        Whether it belongs to the headline family, in which tests are corrected for their number (Holm).
    better
        +1 if more is what policies are for, -1 if less is, 0 if neither.
    over_time
        Whether it is summed over the months up to the horizon; else it is that of the horizon's month.
    """

    unit: str
    meaning: str
    headline: bool = False
    better: int = 0
    over_time: bool = False


@dataclasses.dataclass(frozen=True)
class Effect:
    """A paired effect: what a policy changes in one metric, at one horizon, in one part of the region.

    Attributes
    ----------
    metric, horizon, margin, part
        Which; see the module.
    pairs
        Seeds that have both runs.
    baseline, policy
        Means of both arms; levels, to be shown beside and never instead of the difference.
    mean
        Mean paired difference; None where the runs do not say.
    low, high
        95 % interval by Student's t; None below 5 pairs.
    bca_low, bca_high
        95 % interval by bootstrap (bias-corrected and accelerated, 10,000 resamples of seeds, the same resamples for all
        metrics and policies); headline metrics of the region only.
    same_sign
        Share of seeds whose difference has the sign of the mean; None for a mean of 0.
    p, p_holm
        Two-sided p of the paired t test (of n equal differences other than 0 it is 2 ** (1 - n), as signs changed by chance
        give), and corrected after Holm over the headline metrics of all policies at this horizon; p_holm is None outside the
        headline family.
    more_seeds
        Seeds that would have to be added for the verb to state a direction, if mean and spread stay: until the interval
        excludes 0, in the headline family at the level of the first step of Holm's correction; 0 where it states one; None
        where no reasonable number would.
    verb
        The verb that the evidence allows, such as "adds" or "not resolved". A verb of change stands only where the
        interval excludes 0 and, in the headline family, `p_holm` is below 0.05.
    chip
        One character for it: ▲ ▼ ＝ ◇, or – where nothing may be said.
    resolved
        Whether `verb` states a direction, or that nothing changes in any seed.
    note
        What must be said beside it, or "".
    """

    metric: str
    horizon: int
    margin: str
    part: str
    pairs: int
    baseline: float | None
    policy: float | None
    mean: float | None
    low: float | None
    high: float | None
    bca_low: float | None
    bca_high: float | None
    same_sign: float | None
    p: float | None
    p_holm: float | None
    more_seeds: int | None
    verb: str
    chip: str
    resolved: bool
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Path:
    """One metric of the whole region, month by month; tuples of `months` numbers.

    Attributes
    ----------
    metric
        Name; `Evaluation.metrics` has its unit.
    baseline, policy
        Means of both arms.
    mean, low, high
        Mean paired difference with its 95 % t interval (None below 5 pairs).
    """

    metric: str
    baseline: tuple[float, ...]
    policy: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


@dataclasses.dataclass(frozen=True)
class Displaced:
    """How many startups of the treated zones would have been in another zone; mean over seeds."""

    zone: str
    startups: float


@dataclasses.dataclass(frozen=True)
class Additionality:
    """What would have been there anyway, what was only moved and what is new, at the last month; in startups.

    gross = deadweight + displaced + attracted in the treated zones, and net = attracted - lost_treated +
    gained_elsewhere - lost_elsewhere in the region, exactly and in every seed. Which startup is which depends on the
    random numbers that both runs share; `net` does not.

    Attributes
    ----------
    zones
        Treated zones; empty if no lever is bound to a place, and then all below but `net` is None.
    gross, deadweight, displaced, attracted, gained_elsewhere, lost_treated, lost_elsewhere, net
        The account.
    displaced_share
        Displaced over displaced and attracted: the displacement, a ratio of means.
    displaced_from
        Where the displaced would have been, zone by zone.
    deadweight_share, leakage, displacement, substitution, multiplier
        The factors of the standard appraisal identity, net = gross (1 - deadweight)(1 - leakage)(1 - displacement)
        (1 - substitution) multiplier, read off the same runs; shares and a factor. Leakage is 0, for whatever stays in
        the region counts; `displacement` is that of what is not deadweight, `substitution` what the treated zones lost
        to it, and the multiplier carries what happens elsewhere in the region. None where one of them is not defined.
    appraised
        Net effect by that identity.
    agrees
        Whether it equals `net` to rounding.
    windfall_share
        Share of the public money paid to startups that are where it is paid in the baseline too.
    landlord_capture
        Share of the rent subsidy that higher rents take.
    other_tenants_m2
        Change of the floor space that other tenants hold in the region at the last month; negative: displaced.
    """

    zones: tuple[str, ...]
    gross: Estimate
    deadweight: Estimate
    displaced: Estimate
    attracted: Estimate
    gained_elsewhere: Estimate
    lost_treated: Estimate
    lost_elsewhere: Estimate
    net: Estimate
    displaced_share: Estimate
    displaced_from: tuple[Displaced, ...]
    deadweight_share: float | None
    leakage: float | None
    displacement: float | None
    multiplier: float | None
    appraised: float | None
    agrees: bool | None
    windfall_share: Estimate
    landlord_capture: Estimate
    other_tenants_m2: Estimate
    substitution: float | None = None


@dataclasses.dataclass(frozen=True)
class Cost:
    """What the public pays up to a horizon, and for what.

    Attributes
    ----------
    horizon
        Months.
    spent_rmb
        Undiscounted sum.
    present_value_rmb
        Discounted to the first month at 5 % a year.
    per_net_startup_rmb, per_net_rd_job_rmb, per_private_rmb
        Present value over the net effect on the region: startups, R&D heads, private money raised (undiscounted).
        A ratio of means with Fieller's interval; not defined, and `note` says so, where the direction of the denominator
        is not resolved: then `low`, the least price, stands alone.
    """

    horizon: int
    spent_rmb: Estimate
    present_value_rmb: Estimate
    per_net_startup_rmb: Estimate
    per_net_rd_job_rmb: Estimate
    per_private_rmb: Estimate


@dataclasses.dataclass(frozen=True)
class AgainstCash:
    """A policy beside cash for every entrant, the benchmark: net startups for the same money.

    Attributes
    ----------
    verdict
        ``better``, ``worse``, ``not resolved``, or ``not comparable`` (without cost, or is the benchmark itself).
    criterion
        ``net startups per 100 M RMB`` or, at equal budgets, ``net startups``.
    difference
        Policy minus cash, bootstrap over seeds.
    sentence
        In words.
    """

    verdict: str
    criterion: str
    difference: Estimate
    sentence: str


@dataclasses.dataclass(frozen=True)
class CriticalMass:
    """When a treated zone reaches critical mass: 20 startups of one segment within 1 km, net entry, no subsidy.

    Attributes
    ----------
    zone
        Zone that a lever treats and that has less in the first month.
    share, baseline_share
        Share of seeds that reach it, with the policy and without.
    months, baseline_months
        Median month after the first in which it is reached, 1 for the first; None if fewer than half of the seeds do.
    subsidised_throughout
        Whether money is paid in the zone up to the last month, so that it cannot be reached by definition.
    """

    zone: str
    share: Estimate
    baseline_share: Estimate
    months: float | None
    baseline_months: float | None
    subsidised_throughout: bool


@dataclasses.dataclass(frozen=True)
class Persistence:
    """What is left after the money ends.

    Attributes
    ----------
    ends
        Last month with payments, 1 for the first month simulated; None if they go on to the end.
    gain_at_end, gain_later
        Effect on the startups of the treated zones (without zones: of the region) then and 24 months later.
    kept_share
        The latter over the former, a ratio of means.
    still_there, baseline_still_there
        Share of the startups that were active in these zones after `from_step` steps and still are after `to_step`, with
        the policy and without.
    from_step, to_step
        Steps at which startups are taken down that come first after the end, and at least 24 months later; None if there
        are none.
    note
        Why something is missing, or "".
    """

    ends: int | None
    gain_at_end: Estimate
    gain_later: Estimate
    kept_share: Estimate
    still_there: Estimate
    baseline_still_there: Estimate
    from_step: int | None
    to_step: int | None
    note: str = ""


@dataclasses.dataclass(frozen=True)
class LeverUse:
    """What one lever spent, whom it served and whom it refused; means over seeds.

    Attributes
    ----------
    lever, kind
        Id and kind.
    months
        Months in force.
    spent_rmb, budget_rmb
        Undiscounted; None for no bound.
    served, refused
        A month in force; None where it does not count.
    assumed
        What of its effect is assumed and not estimated, or "".
    stress
        Whether it is a development of the world outside.
    zones
        Zones that it names.
    size
        What the scenario sets for its size, by field in the field's own unit.
    """

    lever: str
    kind: str
    months: int
    spent_rmb: float
    budget_rmb: float | None
    served: float | None
    refused: float | None
    assumed: str
    stress: bool
    zones: tuple[str, ...]
    size: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Plan:
    """An announcement of promoters, held against the runs.

    Attributes
    ----------
    name, name_zh
        What was announced.
    series, zone, at_least, by
        Which series where (None: the region) is to reach what by which month.
    probability, baseline_probability
        Share of seeds in which it is reached, with the policy and without.
    median
        Median of what is reached.
    runs
        Seeds.
    """

    name: str
    name_zh: str
    series: str
    zone: str | None
    at_least: float
    by: str
    probability: Estimate
    baseline_probability: Estimate
    median: float
    runs: int


@dataclasses.dataclass(frozen=True)
class Dose:
    """A policy at a multiple of its size, at the last month.

    Attributes
    ----------
    scenario
        Id in the study.
    factor
        Multiple of the size, 1 for the policy itself.
    present_value_rmb, net_startups, net_rd_heads, per_net_startup_rmb
        As elsewhere.
    """

    scenario: str
    factor: float
    present_value_rmb: Estimate
    net_startups: Estimate
    net_rd_heads: Estimate
    per_net_startup_rmb: Estimate


@dataclasses.dataclass(frozen=True)
class Decomposition:
    """Where the spread of an effect comes from, at the last month: seeds, or parameters. Never pooled.

    All but the first four are None where runs cannot tell the two apart, as with one seed.

    Attributes
    ----------
    metric
        Headline metric.
    vectors, seeds
        Number of parameter vectors and of seeds, as far as runs are done.
    mean
        Mean over vectors.
    seed_sd
        Standard deviation between seeds of one vector (root of the mean variance within vectors).
    vector_sd
        Standard deviation between vectors, freed of the seeds' part and of the rest that neither explains.
    vector_share
        Part of the variance of a single pair of runs that comes from the parameters.
    seed_low, seed_high
        95 % t interval of the mean over these vectors, seeds being drawn again.
    vector_low, vector_high
        2.5 % and 97.5 % points of the vectors' effects, drawn towards their mean until they spread like `vector_sd`; None
        where that is 0.
    positive_share
        Share of vectors whose effect, drawn in like that, is positive; None where `vector_sd` is 0.
    """

    metric: str
    vectors: int
    seeds: int
    mean: float
    seed_sd: float | None
    vector_sd: float | None
    vector_share: float | None
    seed_low: float | None
    seed_high: float | None
    vector_low: float | None
    vector_high: float | None
    positive_share: float | None
