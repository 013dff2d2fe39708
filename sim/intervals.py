"""What a sample of paired differences says: mean, interval, and the verb that the interval allows."""

import dataclasses
import math

import numpy as np

from sim.language import _

FEWEST_PAIRS = 5  #: fewer make no interval
LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval; None where it is not defined."""

    mean: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def to_dict(self) -> dict[str, float | None]:
        """Return the three numbers by name."""
        return dataclasses.asdict(self)


UNDEFINED = Interval()


def mean_interval(values: np.ndarray) -> Interval:
    """Return the mean of `values` (n,) and its interval by Student's t."""
    n = len(values)
    if n == 0:
        return UNDEFINED
    mean = float(values.mean())
    if np.all(values == values[0]):
        mean = float(values[0])
        return Interval(mean, mean, mean) if n >= FEWEST_PAIRS else Interval(mean)
    if n < FEWEST_PAIRS:
        return Interval(mean)
    from scipy.special import stdtrit  # scipy.stats takes seconds to import

    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * float(values.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What may be said of an effect.

    Attributes
    ----------
    chip
        One character: up or down triangle, equals, diamond, or a dash where nothing may be said.
    resolved
        Whether a direction is shown.
    verb
        "adds", "loses", "changes by less than 10" and so on.
    note
        What else must be said, or nothing.
    """

    chip: str
    resolved: bool
    verb: str
    note: str = ""


def verdict(
    mean: float | None, low: float | None, high: float | None, small: float = 10.0, pairs: int = 0
) -> Verdict:
    """Return the verb that an interval allows.

    Parameters
    ----------
    mean, low, high
        Mean and interval of the paired difference.
    small
        Size below which an effect is called little; 0 for never.
    pairs
        Number of seeds behind it, for saying how many more would help.
    """
    if mean is None or low is None or high is None:
        return Verdict("–", False, _("provisional"), _("no interval from fewer than 5 seeds is called one"))
    if low == high == 0:
        return Verdict("＝", True, _("changes nothing"), _("exactly 0 in every seed"))
    inside = -small < low and high < small
    if low > 0:
        return Verdict("▲", True, _("adds a little") if inside else _("adds"))
    if high < 0:
        return Verdict("▼", True, _("loses a little") if inside else _("loses"))
    if inside:
        return Verdict("＝", False, _("changes by less than {small:g}").format(small=small))
    note = ""
    if pairs:
        note = _("{n} more seeds narrow it to ±{half:.3g}").format(n=3 * pairs, half=(high - low) / 4)
    return Verdict("◇", False, _("not resolved"), note)
