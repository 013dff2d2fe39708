"""Tolerances of random comparisons: how far a simulated number may lie from theory before chance is no excuse.

A case that makes several random comparisons shares its false-alarm rate among them, so that the whole case
fails a right engine at most once in ten thousand seeds. Bounds hold at any size of sample and for rare events:
they follow from exact laws or from moment generating functions (Chernoff), not from the normal law.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, special, stats

from sim.verify.case import Row

FALSE_ALARM = 1e-4  #: of a whole case
#: multiples of the tilt that is best for a normal law, among which the best is sought: rare events want less
TILTS = np.geomspace(1e-3, 30.0, 75)
#: why the tolerance above theory is not that below it
SKEWED = "on the side of theory on which it lies"


def each(rows: int) -> float:
    """Return the false-alarm rate of each of so many random comparisons of one case."""
    return FALSE_ALARM / rows


def between(quantity: str, theory: float, found: float, low: float, high: float, reason: str) -> Row:
    """Return the comparison that passes from `low` to `high`, which need not be as far from theory as each other."""
    return Row(quantity, theory, found, high - theory if found > theory else theory - low, reason)


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
    law, theory = stats.binom(trials, chance), chance if ever is None else ever
    left, rounding = abs(theory - chance), 1e-12
    low, high = law.ppf(rate / 2) / trials - left - rounding, law.isf(rate / 2) / trials + left + rounding
    reason = f"binomial law of {trials:,} trials, false alarms {rate:.0e}, {SKEWED}"
    if ever is not None:
        reason += f"; {left:.2g} is left to happen"
    return between(quantity, theory, hits / trials, low, high, reason)


def reach(cumulant: Callable[[float], float], deviation: float, rate: float) -> tuple[float, float]:
    """Return how far below and above its expectation a number lies with a chance of at most `rate`/2 each.

    Whatever the tilt t > 0, P(X - E X >= x) <= e^(K(t) - t x); the tilt that says most is taken.

    Parameters
    ----------
    cumulant
        K(t) = ln E e^(t (X - E X)), or a bound above it; t of both signs; infinite or nan where there is none.
    deviation
        The standard deviation of X, as a scale.
    rate
        False-alarm rate of both sides.
    """
    if deviation == 0.0:
        return 0.0, 0.0
    enough = math.log(2.0 / rate)
    tilts = TILTS * math.sqrt(2.0 * enough) / deviation
    with np.errstate(all="ignore"):
        down, up = (
            np.nanmin([(enough + cumulant(sign * tilt)) / tilt for tilt in tilts]) for sign in (-1.0, 1.0)
        )
    return float(down), float(up)


def sum_row(
    quantity: str,
    theory: float,
    found: float,
    number: int,
    cumulant: Callable[[float], float],
    deviation: float,
    rate: float,
    of: str,
) -> Row:
    """Return the comparison of the mean of many alike with its expectation.

    Parameters
    ----------
    quantity
        What is compared.
    theory, found
        The expectation and the mean.
    number
        How many independent ones the mean is of.
    cumulant
        ln E e^(t (X - theory)) of one of them, or a bound above it, as `reach` takes it.
    deviation
        Standard deviation of one of them.
    rate
        False-alarm rate.
    of
        What they are, in words.
    """
    down, up = reach(lambda tilt: number * cumulant(tilt), deviation * math.sqrt(number), rate)
    rounding = 1e-12 * (1.0 + abs(theory))
    low, high = theory - down / number - rounding, theory + up / number + rounding
    reason = f"Chernoff bound of the sum of {of}, false alarms {rate:.0e}, {SKEWED}"
    return between(quantity, theory, found, low, high, reason)


def surprise(variance: float, usual: float, rate: float) -> float:
    """Return how far a sum of surprises of at most 1 each lies from 0 with a chance of at most `rate`.

    A surprise is what happened less its expectation given all before. For a tilt t chosen beforehand,
    P(sum >= (ln(2/rate) + (e^t - 1 - t) variance) / t) <= rate/2 (Freedman 1975).

    Parameters
    ----------
    variance
        Sum of the variances of the surprises, each given what was before it: known only when all has happened.
    usual
        What it is about, by theory: the tilt is best where the two are alike, and the bound holds where not.
    rate
        False-alarm rate.
    """
    enough = math.log(2.0 / rate)
    tilts = TILTS * math.sqrt(2.0 * enough / usual)
    with np.errstate(over="ignore"):
        tilt = tilts[np.argmin((enough + (np.expm1(tilts) - tilts) * usual) / tilts)]
    return float((enough + (math.expm1(tilt) - tilt) * variance) / tilt)


def excess_of_mean(variance: float, above: float, below: float, number: int, rate: float) -> float:
    """Return by how much a mean of bounded numbers exceeds its expectation with a chance of at most `rate`/2.

    Parameters
    ----------
    variance
        Of one of them.
    above, below
        How far one can lie above and below the expectation.
    number
        How many independent ones there are.
    rate
        False-alarm rate of both sides.
    """
    rarity = math.log(2.0 / rate) / number
    # Bennett: (1 + u) ln(1 + u) - u = rarity * above^2 / variance
    u = math.expm1(1.0 + float(special.lambertw((rarity * above**2 / variance - 1.0) / math.e).real))
    chance = below / (above + below)
    if -math.log(chance) <= rarity:
        return min(u * variance / above, above)

    def excess(share: float) -> float:  # Hoeffding's first bound: the relative entropy of two coins
        return float(special.rel_entr(share, chance) + special.rel_entr(1.0 - share, 1.0 - chance)) - rarity

    coin = float(optimize.brentq(excess, chance, 1.0)) - chance
    return min(u * variance / above, coin * (above + below), above)


def variance_row(quantity: str, sample: np.ndarray, law: np.ndarray, rate: float) -> Row:
    """Return the comparison of the spread of whole numbers about their expectation with their law's variance.

    Parameters
    ----------
    quantity
        What is compared.
    sample
        Whole numbers, 0 or more, independent of each other.
    law
        The chance of 0, 1, ...
    rate
        False-alarm rate: half of it for numbers so far out that none is to be expected, half for the others.
    """
    number, values = len(sample), np.arange(len(law))
    mean = float(law @ values)
    squares = (values - mean) ** 2
    variance = float(law @ squares)
    # beyond a distance that chance hardly ever reaches every distance counts as that one: squares of unbounded
    # numbers have no moment generating function
    farthest = np.argsort(-squares, kind="stable")
    far = np.cumsum(law[farthest]) <= rate / 2 / number
    width = float(squares[farthest[~far][0]])
    squares = np.minimum(squares, width)
    deviation = math.sqrt(max(float(law @ squares**2) - float(law @ squares) ** 2, 0.0))

    def cumulant(tilt: float) -> float:
        return float(np.log(law @ np.exp(tilt * (squares - variance))))

    found = float(np.mean((sample - mean) ** 2))
    return sum_row(quantity, variance, found, number, cumulant, deviation, rate / 2, f"{number:,} squares")


def law_row(quantity: str, sample: np.ndarray, cumulative: np.ndarray, rate: float) -> Row:
    """Return the comparison of whole numbers with their law: the largest distance of shares up to a number.

    The bound is that of Dvoretzky, Kiefer and Wolfowitz with the constant of Massart (1990), for any law.

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
    last = len(cumulative) - 1
    shares = np.cumsum(np.bincount(np.minimum(sample, last), minlength=last + 1)) / len(sample)
    distance = float(np.abs(shares - cumulative)[:-1].max(initial=0.0))
    most = math.sqrt(math.log(2.0 / rate) / (2.0 * len(sample)))
    reason = f"bound of Dvoretzky, Kiefer and Wolfowitz for {len(sample):,} of them, false alarms {rate:.0e}"
    return Row(quantity, 0.0, distance, most, reason)


def counts_row(quantity: str, counts: np.ndarray, chances: np.ndarray, rate: float) -> Row:
    """Return the comparison of counts with their chances, in the class least likely to have what it has.

    Parameters
    ----------
    quantity
        What is compared.
    counts
        How many of independent draws fell into each class.
    chances
        The chance of each.
    rate
        False-alarm rate, shared by the classes.
    """
    law = stats.binom(int(counts.sum()), np.minimum(chances, 1.0))
    worst = int(np.minimum(law.cdf(counts), law.sf(counts - 1)).argmin())
    return share_row(
        quantity, counts[worst], int(counts.sum()), min(float(chances[worst]), 1.0), rate / len(counts)
    )


def none_row(quantity: str, number: float, of: float) -> Row:
    """Return the comparison of a count of disagreements, among `of`, with none."""
    return Row(quantity, 0.0, float(number), 0.0, f"theory and engine see the same draws, {of:,.0f} of them")


def number_of(which: np.ndarray) -> int:
    """Return how many are true."""
    return int(np.count_nonzero(which))
