"""Two uncertainties, side by side and never pooled: what other seeds would show, and what other parameters would.

Effects of a study with a design are effects d(v, s) by parameter vector v and seed s. Every vector is run with the same
seeds, so that what a seed does to all vectors alike says nothing of the parameters: the effects are taken as the sum of a
part of the vector, a part of the seed and a rest, fitted by least squares over the pairs of runs that are done. The interval
over seeds is that of the mean over the vectors at hand. The range over vectors is that of the vectors' parts, drawn
together until they spread no more than the parameters make them.

References
----------
S. Searle, G. Casella and C. McCulloch (1992), Variance components, Wiley, doi:10.1002/9780470316856.
T. Louis (1984), Estimating a population of parameter values using Bayes and empirical Bayes methods, Journal of the
American Statistical Association 79, 393-398, doi:10.1080/01621459.1984.10478062.
"""

import dataclasses

import numpy as np

from sim.evaluation import design
from sim.evaluation.intervals import paired
from sim.evaluation.metrics import HEADLINE, SOURCES
from sim.evaluation.reading import Runs
from sim.evaluation.result import Decomposition

_ROUNDING = 1e-12  #: part of the mean square of effects that differences of rounding stay below


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
        row = None if effects is None else decomposed(metric, effects)
        rows += [row] if row is not None else []
    return tuple(rows)


@dataclasses.dataclass(frozen=True)
class Parts:
    """Effects as the sum of a part of the vector, a part of the seed and a rest.

    Attributes
    ----------
    vectors
        Part of each vector, with the mean effect in it, (n_vectors,).
    seeds
        Part of each seed, 0 on average, (n_seeds,).
    rest
        Mean square of what neither explains.
    between
        Variance that the parameters make between vectors, 0 at least.
    """

    vectors: np.ndarray
    seeds: np.ndarray
    rest: float
    between: float

    def told(self, runs: np.ndarray) -> np.ndarray:
        """Return the parts of the vectors, (n_vectors,), drawn towards their mean until they spread like `between`.

        `runs` is the number of known effects of each vector, (n_vectors,).
        """
        mean = self.vectors.mean()
        if self.between == 0:
            return np.full_like(self.vectors, mean)
        return mean + np.sqrt(self.between / (self.between + self.rest / runs)) * (self.vectors - mean)


def parts_of(effects: np.ndarray, known: np.ndarray) -> Parts | None:
    """Return the parts of effects (n_vectors, n_seeds), as far as they are known; None if these cannot tell them apart.

    Every vector and every seed has one known effect at least. With all of them this is the analysis of variance of a two-way
    table; with gaps, Henderson's third method (Searle et al. 1992, chapter 5).
    """
    n, (vectors, seeds) = int(known.sum()), known.shape
    x = np.where(known, effects, 0.0)
    means = x.sum(axis=1) / known.sum(axis=1)
    weights = known / known.sum(axis=1, keepdims=True)
    normal = np.diag(known.sum(axis=0).astype(float)) - known.T @ weights
    free = n - vectors - seeds + 1
    if free < 1 or np.linalg.matrix_rank(normal) < seeds - 1:
        return None
    by_seed = np.linalg.pinv(normal, hermitian=True) @ (x - known * means[:, None]).sum(axis=0)
    by_vector = means - weights @ by_seed
    left = float((known * (x - by_vector[:, None] - by_seed) ** 2).sum())
    without_vectors = float((known * (x - x.sum(axis=0) / known.sum(axis=0)) ** 2).sum())
    between = (without_vectors - left - (vectors - 1) * left / free) / (n - seeds)
    return Parts(by_vector, by_seed, left / free, between if between > _ROUNDING * (x**2).sum() / n else 0.0)


def freed_of_luck(effects: np.ndarray) -> tuple[np.ndarray, bool | None]:
    """Return effects by vector, (n_vectors,), freed of what seeds do, and whether parameters spread them beyond luck.

    Effects (n_vectors, n_seeds) are NaN where runs are missing, as is what is returned of a vector without any. Where the runs
    cannot tell parameters and luck apart, as with one seed, these are plain means, and the answer is None.
    """
    known = ~np.isnan(effects)
    rows, columns = known.any(axis=1), known.any(axis=0)
    effects, known = effects[rows][:, columns], known[rows][:, columns]
    found = parts_of(effects, known) if len(effects) > 1 else None
    told = np.full(len(rows), np.nan)
    if found is None:
        told[rows] = np.nanmean(effects, axis=1) if len(effects) else np.nan
        return told, None
    told[rows] = found.told(known.sum(axis=1))
    return told, found.between > 0


def decomposed(metric: str, effects: np.ndarray) -> Decomposition | None:
    """Split the variance of effects (n_vectors, n_seeds) between vectors and seeds; None from fewer than two vectors.

    Effects of pairs that are not done, or failed, are NaN. From one seed, or where hardly two vectors have a seed in common,
    nothing is split.
    """
    known = ~np.isnan(effects)
    rows, columns = known.any(axis=1), known.any(axis=0)
    effects, known = effects[rows][:, columns], known[rows][:, columns]
    vectors, seeds = effects.shape
    if vectors < 2:
        return None
    found = parts_of(effects, known)
    if found is None:
        mean = float(np.nanmean(effects, axis=1).mean())
        return Decomposition(metric, vectors, seeds, mean, *[None] * 8)
    mean, runs = float(found.vectors.mean()), known.sum(axis=1)
    within = float(np.nansum((effects - np.nanmean(effects, axis=1, keepdims=True)) ** 2) / (runs - 1).sum())
    over_seeds = paired((mean + found.seeds)[:, None])
    low, high = (None if np.isnan(x[0]) else float(x[0]) for x in (over_seeds.low, over_seeds.high))
    share = found.between / (found.between + within) if found.between + within > 0 else None
    first = last = positive = None
    if found.between > 0:
        told = found.told(runs)
        first, last = map(float, np.quantile(told, [0.025, 0.975]))
        positive = float((told > 0).mean())
    return Decomposition(
        metric, vectors, seeds, mean, within**0.5, found.between**0.5, share, low, high, first, last, positive
    )
