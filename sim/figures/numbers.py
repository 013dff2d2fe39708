"""Numbers as figures show them: rounding, signs, intervals over seeds, classes of a map."""

import dataclasses
import math

import numpy as np
from scipy.special import stdtrit

from sim.intervals import FEWEST_PAIRS, LEVEL
from sim.rounding import rounded

MINUS = "\N{MINUS SIGN}"


@dataclasses.dataclass(frozen=True, eq=False)
class Band:
    """Mean over seeds of many numbers at once, and the limits of its 95 % interval, each (...) ; nan where there is none."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def over_seeds(cls, samples: np.ndarray) -> "Band":
        """Return mean and t interval over the first axis of `samples`, (n_seeds, ...)."""
        samples = np.asarray(samples, dtype=float)
        n = len(samples)
        mean = samples.mean(axis=0)
        if n < FEWEST_PAIRS:
            unknown = np.full_like(mean, np.nan)
            return cls(mean, unknown, unknown)
        half = stdtrit(n - 1, (1 + LEVEL) / 2) * samples.std(axis=0, ddof=1) / np.sqrt(n)
        return cls(mean, mean - half, mean + half)

    def clipped(self, low: float, high: float) -> "Band":
        """Return the same within the limits that its numbers can have."""
        return Band(*(np.clip(of, low, high) for of in (self.mean, self.low, self.high)))

    @property
    def resolved(self) -> np.ndarray:
        """Whether the interval is known and excludes 0."""
        return (self.low > 0) | (self.high < 0)


def level_text(value: float) -> str:
    """Return a level as text: whole, with thousands separated; "–" where it is not defined."""
    return "–" if not np.isfinite(value) else rounded(value).replace("-", MINUS)


def share_text(value: float, lang: str = "en") -> str:
    """Return a share of 1 in per cent, whole from 10 on, one decimal below; "–" where it is not defined."""
    if not np.isfinite(value):
        return "–"
    return f"{percent_text(value)} %" if lang == "en" else f"{percent_text(value)}%"


def percent_text(value: float) -> str:
    """Return a share of 1 as a number of per cent without its sign."""
    percent = 100 * value
    if percent == 0 or percent >= 9.95:
        return rounded(percent)
    return "<0.1" if percent < 0.05 else rounded(percent, 1)


def count_text(value: float) -> str:
    """Return a number of things: whole from 10 on, thousands separated, one decimal below; "–" if not defined."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    text = rounded(size) if size >= 9.95 else rounded(size, 1).removesuffix(".0")
    return text if text == "0" else (MINUS if value < 0 else "") + text


def difference_text(value: float) -> str:
    """Return a difference of numbers of things with its sign."""
    text = count_text(value)
    return text if value < 0 or text in ("0", "–") else f"+{text}"


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
    """Return the eight bounds between nine classes of differences, symmetric about 0, the last at most `top`.

    The classes span two powers of ten, so that a small policy keeps its colour beside a large one.
    """
    last = 10.0
    sizes: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)
    for candidate in (f * 10.0**e for e in range(1, 9) for f in (1, 2, 5)):
        if last < candidate <= top:
            last, sizes = candidate, tuple(candidate * share for share in (0.01, 0.05, 0.25, 1.0))
    sizes = {20.0: (1.0, 5.0, 10.0, 20.0), 50.0: (1.0, 5.0, 20.0, 50.0)}.get(last, sizes)
    return (*(-size for size in reversed(sizes)), *sizes)
