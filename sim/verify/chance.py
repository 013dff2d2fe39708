"""Tolerances of random comparisons: how far a simulated number may lie from theory before chance is no excuse.

A case that makes several random comparisons shares its false-alarm rate among them, so that the whole case
fails a right engine at most once in ten thousand seeds.
"""

import numpy as np
from scipy import stats

from sim.verify.case import Row

FALSE_ALARM = 1e-4  #: of a whole case


def each(rows: int) -> float:
    """Return the false-alarm rate of each of so many random comparisons of one case."""
    return FALSE_ALARM / rows


def share_row(
    quantity: str, hits: float, trials: int, chance: float, rate: float, ever: float | None = None
) -> Row:
    """Return the comparison of a share of independent trials with its chance.

    Parameters
    ----------
    quantity
        What is compared.
    hits, trials
        How often it happened in how many trials.
    chance
        Its chance.
    rate
        False-alarm rate.
    ever
        The chance in the long run, where that is what is compared; what it differs by is allowed for.
    """
    mean, law = trials * chance, stats.binom(trials, chance)
    most = max(law.isf(rate / 2) - mean, mean - law.ppf(rate / 2), 0.0) / trials * (1.0 + 1e-9)
    reason = f"binomial law of {trials:,} trials, false alarms {rate:.0e}"
    if ever is None:
        return Row(quantity, chance, hits / trials, most, reason)
    left = abs(ever - chance)
    return Row(quantity, ever, hits / trials, most + left, f"{reason}; {left:.2g} is left to happen")


def mean_row(quantity: str, theory: float, found: float, error: float, rate: float, of: str) -> Row:
    """Return the comparison of a mean of many with its expectation; `error` is its standard error in theory."""
    number = stats.norm.isf(rate / 2)
    return Row(quantity, theory, found, number * error, f"{number:.1f} standard errors of {of}")


def variance_row(quantity: str, sample: np.ndarray, variance: float, excess: float, rate: float) -> Row:
    """Return the comparison of a sample's variance with theory.

    The variance of a sample variance is that of a chi-square law whose degrees of freedom count the fourth
    cumulant (``excess``, over the squared variance) in.
    """
    freedom = 2.0 / (excess / len(sample) + 2.0 / (len(sample) - 1))
    most = variance * (stats.chi2.isf(rate / 2, freedom) / freedom - 1.0)
    reason = f"chi-square law of the variance of {len(sample):,} counts, false alarms {rate:.0e}"
    return Row(quantity, variance, float(np.var(sample, ddof=1)), most, reason)


def law_row(quantity: str, sample: np.ndarray, cumulative: np.ndarray, rate: float) -> Row:
    """Return the chi-square comparison of whole numbers with their law.

    Parameters
    ----------
    quantity
        What is compared.
    sample
        Whole numbers, 0 or more.
    cumulative
        P(number <= k) for k = 0, 1, ...
    rate
        False-alarm rate.
    """
    classes = max(min(len(sample) // 8, 12), 2)
    edges = np.unique(np.searchsorted(cumulative, np.arange(1, classes) / classes))
    chances = np.diff(np.concatenate([[0.0], cumulative[edges], [1.0]]))
    counts = np.bincount(np.searchsorted(edges, sample), minlength=len(chances))
    expected = chances * len(sample)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = len(chances) - 1
    # with few expected in a class the tail is heavier than chi-square's: one class more, half the rate
    most = stats.chi2.isf(rate / 2, freedom + 1) - freedom
    reason = f"chi-square law with {freedom} degrees of freedom, false alarms {rate:.0e}"
    return Row(quantity, float(freedom), statistic, most, reason)


def none_row(quantity: str, number: float, of: float) -> Row:
    """Return the comparison of a count of disagreements, among `of`, with none."""
    return Row(quantity, 0.0, float(number), 0.0, f"theory and engine see the same draws, {of:,.0f} of them")


def number_of(which: np.ndarray) -> int:
    """Return how many are true."""
    return int(np.count_nonzero(which))
