"""Two uncertainties, side by side and never pooled: what other seeds would show, and what other parameters would.

Effects of a study with a design are effects d(v, s) by parameter vector v and seed s. Their variance is split into that
between vectors and that within; the interval over seeds is that of the mean over the vectors at hand, and the range over
vectors is that of the vectors' means.

References
----------
S. Searle, G. Casella and C. McCulloch (1992), Variance components, Wiley, doi:10.1002/9780470316856.
"""

import numpy as np

from sim.evaluation import design
from sim.evaluation.intervals import paired
from sim.evaluation.metrics import HEADLINE, SOURCES
from sim.evaluation.reading import Runs
from sim.evaluation.result import Decomposition


def by_vector(runs: Runs, member: design.Member, metric: str) -> np.ndarray | None:
    """Return the effect on a metric of the last month by vector and seed, (n_vectors, n_seeds); None if unknown."""
    source, years = SOURCES[metric], runs.store.plan.months // 12
    plus = tuple(name.format(years=years) for name in source.plus)
    if metric in runs.outcomes:
        values = runs.outcomes[metric]
    elif all(name in runs.outcomes for name in (*plus, *source.minus)):
        values = source.of(lambda name: runs.outcomes[name.format(years=years)])
    else:
        return None
    return np.asarray(values[member.position] - values[member.base])


def decompositions(runs: Runs, member: design.Member) -> tuple[Decomposition, ...]:
    """Return where the spread of each headline effect comes from; nothing without a design."""
    if len(runs.store.plan.points) < 2:
        return ()
    rows = []
    for metric in HEADLINE:
        effects = by_vector(runs, member, metric)
        if effects is None:
            continue
        effects = effects[~np.isnan(effects).any(axis=1)]
        if len(effects) > 1:
            rows.append(decomposed(metric, effects))
    return tuple(rows)


def decomposed(metric: str, effects: np.ndarray) -> Decomposition:
    """Split the variance of effects (n_vectors, n_seeds) between vectors and seeds."""
    vectors, seeds = effects.shape
    means = effects.mean(axis=1)
    within = float(effects.var(axis=1, ddof=1).mean()) if seeds > 1 else 0.0
    between = max(float(means.var(ddof=1)) - within / seeds, 0.0)
    over_seeds = paired(effects.mean(axis=0)[:, None])
    low, high = (None if np.isnan(x[0]) else float(x[0]) for x in (over_seeds.low, over_seeds.high))
    ends = np.quantile(means, [0.025, 0.975])
    return Decomposition(
        metric, vectors, seeds, float(means.mean()), within**0.5, between**0.5,
        between / (between + within) if seeds > 1 and between + within > 0 else None,
        low, high, float(ends[0]), float(ends[1]), float((means > 0).mean()),
    )  # fmt: skip
