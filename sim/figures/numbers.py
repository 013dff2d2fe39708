"""Numbers as figures show them: rounding, signs, intervals over seeds, classes of a map."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from scipy.special import stdtrit

MINUS = "\N{MINUS SIGN}"
FEWEST_SEEDS = 5  #: fewer paired seeds than this give no interval
CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True, eq=False)
class Interval:
    """Mean over seeds and the limits of its 95 % interval, each (...) ; nan where there is none."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def over_seeds(cls, samples: np.ndarray) -> "Interval":
        """Return mean and t interval over the first axis of `samples`, (n_seeds, ...)."""
        samples = np.asarray(samples, dtype=float)
        n = len(samples)
        mean = samples.mean(axis=0)
        if n < FEWEST_SEEDS:
            unknown = np.full_like(mean, np.nan)
            return cls(mean, unknown, unknown)
        half = stdtrit(n - 1, 0.5 + CONFIDENCE / 2) * samples.std(axis=0, ddof=1) / np.sqrt(n)
        return cls(mean, mean - half, mean + half)

    @property
    def resolved(self) -> np.ndarray:
        """Whether the interval is known and excludes 0."""
        return (self.low > 0) | (self.high < 0)


def level_text(value: float) -> str:
    """Return a level as text: whole, with thousands separated; "–" where it is not defined."""
    return "–" if not np.isfinite(value) else f"{value:,.0f}"


def difference_text(value: float) -> str:
    """Return a difference with its sign: whole from 1 on, one decimal below, "0" if it rounds to 0."""
    if not np.isfinite(value):
        return "–"
    size = f"{abs(value):,.0f}" if abs(value) >= 0.95 else f"{abs(value):.1f}"
    return "0" if size == "0.0" else (MINUS if value < 0 else "+") + size


def interval_text(low: float, high: float) -> str:
    """Return an interval of differences in square brackets."""
    return f"[{difference_text(low)}, {difference_text(high)}]"


def level_bounds(top: float) -> tuple[float, ...]:
    """Return the four bounds between five classes of levels, doubling, the last of them at most `top`."""
    last = 8.0
    for candidate in (f * 10**e for e in range(9) for f in (8, 16, 40)):
        if last < candidate <= top:
            last = candidate
    return (last / 8, last / 4, last / 2, last)


def difference_bounds(top: float) -> tuple[float, ...]:
    """Return the eight bounds between nine classes of differences, symmetric about 0.

    Their sizes are four successive numbers of 1, 2, 5, 10, 20, ..., the last of them at most `top`.
    """
    ladder = list(itertools.takewhile(lambda step: step <= max(top, 10), _one_two_five()))
    sizes = ladder[-4:]
    return (*(-size for size in reversed(sizes)), *sizes)


def _one_two_five() -> Iterator[float]:
    for exponent in itertools.count():
        for factor in (1, 2, 5):
            yield float(factor * 10**exponent)
