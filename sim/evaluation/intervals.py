"""Intervals of many paired differences at once: Student, bootstrap, ratios, corrections for many tests.

References
----------
B. Efron (1987), Better bootstrap confidence intervals, Journal of the American Statistical Association 82, 171-185,
doi:10.1080/01621459.1987.10478410.
E. C. Fieller (1954), Some problems in interval estimation, Journal of the Royal Statistical Society B 16, 175-185,
doi:10.1111/j.2517-6161.1954.tb00159.x.
S. Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 65-70.
T. C. Hesterberg (2015), What teachers should know about the bootstrap, The American Statistician 69, 371-386,
doi:10.1080/00031305.2015.1089789.
E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference, Journal of the American
Statistical Association 22, 209-212, doi:10.1080/01621459.1927.10502953.
"""

import dataclasses
import functools
import math

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from sim.evaluation.result import Estimate
from sim.intervals import FEWEST_PAIRS, LEVEL
from sim.language import _

RESAMPLES = 10_000
MOST_SEEDS = 100_000  #: more than that are not worth counting
_MOST_NUMBERS = 20_000_000  #: of resampled seeds held at once
_UPPER = (1 + LEVEL) / 2


@functools.lru_cache(maxsize=4)
def resamples_of(n: int) -> "Resamples":
    """Return the resamples of so many seeds, made once: all metrics and policies share them."""
    return Resamples(n)


@dataclasses.dataclass(frozen=True)
class Columns:
    """What columns of paired differences say; arrays of shape (n_columns,), NaN where nothing is said.

    Attributes
    ----------
    mean, low, high
        Mean and 95 % interval by Student's t.
    p
        Two-sided p of a mean of 0, by Student's t; of n equal values that are not 0, 2 ** (1 - n): what changing signs by
        chance gives, for no t says that anything is impossible because few seeds agree.
    same_sign
        Share of values with the sign of the mean.
    sd
        Standard deviation.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    same_sign: np.ndarray
    sd: np.ndarray


def paired(differences: np.ndarray) -> Columns:
    """Return what columns of paired differences (n_pairs, n_columns) say; a column with a NaN says nothing."""
    n, columns = differences.shape
    blank = np.full(columns, np.nan)
    if n == 0:
        return Columns(*(blank.copy() for _field in dataclasses.fields(Columns)))
    mean = differences.mean(axis=0)
    constant = (differences == differences[0]).all(axis=0)
    mean = np.where(constant, differences[0], mean)
    with np.errstate(invalid="ignore"):
        same = (np.sign(differences) == np.sign(mean)).mean(axis=0)
    same = np.where((mean == 0) | np.isnan(mean), np.nan, same)
    if n < FEWEST_PAIRS:
        return Columns(mean, blank, blank.copy(), blank.copy(), same, blank.copy())
    sd = np.where(constant, 0.0, differences.std(axis=0, ddof=1))
    error = sd / math.sqrt(n)
    half = stdtrit(n - 1, _UPPER) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(error > 0, np.abs(mean) / error, np.where(np.isnan(mean), np.nan, 0.0))
    p = np.where(constant & (mean != 0), 2.0 ** (1 - n), 2 * stdtr(n - 1, -ratio))
    return Columns(mean, mean - half, mean + half, p, same, sd)


def seeds_needed(mean: np.ndarray, sd: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return how many values make a Student interval around a mean exclude 0, if mean and spread stay.

    Of equal values, with no spread, it is how many make the p of `paired` fall below 1 - level.

    Parameters
    ----------
    mean, sd
        Mean and standard deviation of values, (n,) each.
    level
        Level of each interval, (n,), such as 0.95.

    Returns
    -------
    The smallest numbers, (n,), none below `FEWEST_PAIRS`; NaN where the mean is 0 or more than `MOST_SEEDS` are needed.
    """
    size, upper = np.abs(mean), (1 + level) / 2
    low = np.full(len(size), float(FEWEST_PAIRS) - 1)
    high = np.full(len(size), MOST_SEEDS + 1.0)
    while (high - low > 1).any():  # the half-width falls with every value
        middle = np.floor((low + high) / 2)
        enough = stdtrit(middle - 1, upper) * sd / np.sqrt(middle) < size
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    high = np.where((sd == 0) & (size > 0), np.floor(2 - np.log2(1 - level)), high)
    return np.where((high > MOST_SEEDS) | np.isnan(size), np.nan, np.maximum(high, FEWEST_PAIRS))


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values (n,) corrected for their number after Holm; NaN stays and is not counted."""
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return out


def spread(n: int, level: float = LEVEL) -> float:
    """Return how many standard errors, as resamples of n values show them, an interval of a level reaches to each side.

    Resamples spread like the standard deviation with divisor n, and normal quantiles take it for known: from 20 values a
    plain bootstrap interval of a mean is 9 % too narrow. This makes it as wide as Student's.
    """
    return math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, (1 + level) / 2))


def widened(means: np.ndarray, resampled: np.ndarray, n: int) -> np.ndarray:
    """Return resamples (number, k) moved away from the means (k,) until they spread as `spread` says for n values.

    Shares of resamples told as probabilities would else take the spread of few seeds for known.
    """
    return means + (resampled - means) * (spread(n) / float(ndtri(_UPPER)))


class Resamples:
    """One set of resamples of seeds.

    Parameters
    ----------
    n
        Number of seeds.
    number
        Number of resamples.
    seed
        Of the draws.
    """

    def __init__(self, n: int, number: int = RESAMPLES, seed: int = 1) -> None:
        self.n, self.number, self.seed = n, number, seed
        self._counts: np.ndarray | None = None

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of columns (n, n_columns) over each resample, (number, n_columns)."""
        if self.n * self.number <= _MOST_NUMBERS:
            if self._counts is None:
                (self._counts,) = self._blocks(self.number)
            return self._counts @ values
        return np.concatenate([block @ values for block in self._blocks(_MOST_NUMBERS // self.n)])

    def _blocks(self, size: int):
        """Yield how often each resample holds each seed, (size, n), a block of resamples after the other."""
        rng = np.random.default_rng(self.seed)
        for first in range(0, self.number, size):
            rows = min(size, self.number - first)
            picks = rng.integers(0, self.n, (rows, self.n)) + self.n * np.arange(rows)[:, None]
            yield np.bincount(picks.ravel(), minlength=rows * self.n).reshape(rows, self.n).astype(float)

    def bca(self, values: np.ndarray) -> np.ndarray:
        """Return the 95 % BCa interval of the mean of each column (n, n_columns), (2, n_columns).

        NaN below `FEWEST_PAIRS` values, and where a value is missing.
        """
        columns = values.shape[1]
        out = np.full((2, columns), np.nan)
        known = np.flatnonzero(~np.isnan(values).any(axis=0))
        if self.n < FEWEST_PAIRS or len(known) == 0:
            return out
        x = values[:, known]
        constant = (x == x[0]).all(axis=0)
        out[:, known[constant]] = x[0, constant]
        x, known = x[:, ~constant], known[~constant]
        if len(known) == 0:
            return out
        sums, total = np.sort(self.sums(x), axis=0), x.sum(axis=0)
        below = np.array([
            np.searchsorted(column, value, side) for side in ("left", "right")
            for column, value in zip(sums.T, total, strict=True)
        ]).reshape(2, -1).sum(axis=0) / (2 * self.number)  # fmt: skip
        bias = ndtri(below)
        away = x - x.mean(axis=0)  # of the jackknife, but for a positive factor that cancels
        skew = (away**3).sum(axis=0) / (6 * (away**2).sum(axis=0) ** 1.5)
        for side, errors in enumerate((-spread(self.n), spread(self.n))):
            shifted = bias + errors
            share = ndtr(bias + shifted / (1 - skew * shifted))
            out[side, known] = _quantiles(sums, share) / self.n
        return out

    def ratio(self, top: np.ndarray, bottom: np.ndarray, note: str = "") -> Estimate:
        """Return the ratio of two means with its percentile interval; nothing where the denominator may be 0."""
        if len(top) == 0 or bottom.sum() == 0:
            return Estimate(note=note or _("nothing to divide by"))
        mean = float(top.sum() / bottom.sum())
        if self.n < FEWEST_PAIRS:
            return Estimate(mean, note=_("no interval from fewer than 5 seeds is called one"))
        tops, bottoms = self.sums(np.column_stack([top, bottom])).T
        if (bottoms == 0).any() or (np.sign(bottoms) != np.sign(bottom.sum())).any():
            return Estimate(mean, note=_("no interval: the denominator may be 0"))
        return self.percentiles(mean, tops / bottoms)

    def percentiles(self, mean: float, resampled: np.ndarray) -> Estimate:
        """Return a number with the percentiles of its resamples, (number,); none where a resample has no such number."""
        if not np.isfinite(resampled).all():
            return Estimate(mean, note=_("no interval: the denominator may be 0"))
        share = float(ndtr(spread(self.n)))
        low, high = (float(q) for q in np.quantile(resampled, [1 - share, share]))
        return Estimate(mean, low, high, "bootstrap")


def _quantiles(ordered: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return a quantile of each sorted column, by linear interpolation; NaN for a share of NaN."""
    at = np.nan_to_num(share) * (len(ordered) - 1)
    below = np.clip(np.floor(at).astype(int), 0, len(ordered) - 1)
    above = np.minimum(below + 1, len(ordered) - 1)
    columns = np.arange(ordered.shape[1])
    low, high = ordered[below, columns], ordered[above, columns]
    return np.where(np.isnan(share), np.nan, low + (at - below) * (high - low))


def mean_of(values: np.ndarray, note: str = "") -> Estimate:
    """Return the mean of values (n,) with its t interval."""
    if len(values) == 0 or np.isnan(values).any():
        return Estimate(note=note)
    found = paired(values[:, None])
    if np.isnan(found.low[0]):
        return Estimate(float(found.mean[0]), note=_("no interval from fewer than 5 seeds is called one"))
    return Estimate(float(found.mean[0]), float(found.low[0]), float(found.high[0]), "t")


def fieller(top: np.ndarray, bottom: np.ndarray, nothing: str) -> Estimate:
    """Return the ratio of two means with Fieller's 95 % interval.

    Where the denominator may be 0 there is no ratio and no upper end, but the least ratio above 0 that a paired test does not
    reject, if the numerator is above 0 for certain.

    Parameters
    ----------
    top, bottom
        Paired values, (n,) each.
    nothing
        What is said where the interval of the denominator reaches 0, so that there is no ratio.
    """
    n = len(top)
    if n == 0 or np.isnan(top).any() or np.isnan(bottom).any():
        return Estimate()
    if n < FEWEST_PAIRS:
        return Estimate(note=_("no interval from fewer than 5 seeds is called one"))
    covariance = np.cov(top, bottom) / n
    a, b = float(top.mean()), float(bottom.mean())
    square = float(stdtrit(n - 1, _UPPER)) ** 2
    leading, last = b * b - square * covariance[1, 1], a * a - square * covariance[0, 0]
    if leading == 0 or (leading > 0 and b <= 0) or (leading < 0 and (last <= 0 or a <= 0)):
        return Estimate(note=nothing)
    middle = a * b - square * covariance[0, 1]
    root = math.sqrt(max(middle**2 - leading * last, 0.0))
    low = float(middle - root) / leading  # where the leading term is below 0 the other end is too
    if leading < 0:
        return Estimate(None, low, None, "fieller", nothing)
    return Estimate(a / b, low, float(middle + root) / leading, "fieller")


def share_of(successes: float, n: int) -> Estimate:
    """Return a share with its 95 % interval after Wilson; a success may be one in part, as a mean over points."""
    if n == 0:
        return Estimate()
    share, square = successes / n, float(ndtri(_UPPER)) ** 2
    if n < FEWEST_PAIRS:
        return Estimate(share, note=_("no interval from fewer than 5 seeds is called one"))
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = math.sqrt(share * (1 - share) * square / n + square**2 / (4 * n * n)) / (1 + square / n)
    return Estimate(share, max(centre - half, 0.0), min(centre + half, 1.0), "wilson")
