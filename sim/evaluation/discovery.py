"""Where a policy fails: boxes of parameter space in which most vectors do, found by patient rule induction (PRIM).

A box begins as everything. Again and again the thin slice at one side is cut off without which the share of failures is
highest for what is lost; then sides are moved out again as long as the share does not fall. Sides that might as well be
there by chance are taken away.

References
----------
J. Friedman and N. Fisher (1999), Bump hunting in high-dimensional data, Statistics and Computing 9, 123-143,
doi:10.1023/A:1008894516817.
B. Bryant and R. Lempert (2010), Thinking inside the box: a participatory, computer-assisted approach to scenario
discovery, Technological Forecasting and Social Change 77, 34-49, doi:10.1016/j.techfore.2009.08.002.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from scipy.special import bdtrc

from sim.evaluation.result import Box, Discovery, Limit
from sim.language import _
from sim.summary import number, percent

PEEL = 0.05  #: share of a box's vectors that a slice holds
LEAST_MASS = 0.05  #: share of all vectors that a box holds at least
DENSE = 0.8  #: share of failures at which a box is said to fail
MOST_BOXES = 3
FEWEST_VECTORS = 20
CHANCE = 0.05


@dataclasses.dataclass(frozen=True)
class Sides:
    """The sides of a box: for numbers low and high, (n_keys,) each; for words which of them it holds.

    Attributes
    ----------
    low, high
        Ends, infinite where the box is open.
    words
        Words in the box by position of the key; absent where it holds all.
    """

    low: np.ndarray
    high: np.ndarray
    words: dict[int, frozenset[str]]

    @classmethod
    def open(cls, keys: int) -> Self:
        """Return the box that holds everything."""
        return cls(np.full(keys, -np.inf), np.full(keys, np.inf), {})

    def holds(self, space: "Space") -> np.ndarray:
        """Return which vectors lie in the box, (n_vectors,)."""
        inside = ((space.numbers >= self.low) & (space.numbers <= self.high)).all(axis=1)
        for k, words in self.words.items():
            inside &= np.isin(space.words[k], list(words))
        return inside

    def with_side(self, k: int, low: float | None = None, high: float | None = None,
                  words: frozenset[str] | None = None) -> Self:  # fmt: skip
        """Return the box with another side."""
        lows, highs, held = self.low.copy(), self.high.copy(), dict(self.words)
        if low is not None:
            lows[k] = low
        if high is not None:
            highs[k] = high
        if words is not None:
            held[k] = words
        return type(self)(lows, highs, held)

    def without(self, k: int) -> Self:
        """Return the box without the sides of one key."""
        wider = self.with_side(k, -np.inf, np.inf)
        return type(self)(
            wider.low, wider.high, {key: words for key, words in self.words.items() if key != k}
        )

    def cut(self) -> list[int]:
        """Return the keys on which the box has a side."""
        numbers = np.flatnonzero(np.isfinite(self.low) | np.isfinite(self.high)).tolist()
        return sorted({*numbers, *self.words})


@dataclasses.dataclass(frozen=True)
class Space:
    """Vectors of parameters.

    Attributes
    ----------
    keys
        Dotted keys.
    numbers
        Values (n_vectors, n_keys); 0 for words and switches.
    words
        Values of the keys that are words or switches, by position.
    """

    keys: tuple[str, ...]
    numbers: np.ndarray
    words: dict[int, np.ndarray]

    @classmethod
    def of(cls, points: tuple[dict[str, Any], ...]) -> Self:
        """Return the points of a design as arrays."""
        keys = tuple(dict.fromkeys(key for point in points for key in point))
        numbers, words = np.zeros((len(points), len(keys))), {}
        for k, key in enumerate(keys):
            values = [point[key] for point in points]
            if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
                numbers[:, k] = values
            else:
                words[k] = np.array([str(v) for v in values])
        return cls(keys, numbers, words)


def peel(space: Space, fails: np.ndarray, among: np.ndarray) -> list[Sides]:
    """Return ever smaller boxes, from everything on.

    Parameters
    ----------
    space
        Vectors.
    fails, among
        Which of them fail, and which are looked at, (n_vectors,).
    """
    box = Sides.open(len(space.keys))
    found, least = [box], max(LEAST_MASS * len(fails), 2)
    while True:
        inside = box.holds(space) & among
        rows, share = np.flatnonzero(inside), fails[inside].mean()
        gains: list[tuple[float, int, int, Sides]] = []
        for smaller in _slices(space, box, rows):
            left = smaller.holds(space) & inside
            n = int(left.sum())
            if least <= n < len(rows):
                gains.append(((fails[left].mean() - share) / (len(rows) - n), -n, len(gains), smaller))
        if not gains or max(gains)[0] < 0 or share == 1.0:
            return found
        box = max(gains)[3]
        found.append(box)


def _slices(space: Space, box: Sides, rows: np.ndarray) -> Iterator[Sides]:
    """Yield the box without the thin slice at each of its sides."""
    count = max(int(PEEL * len(rows)), 1)
    for k in range(len(space.keys)):
        if k in space.words:
            here = frozenset(space.words[k][rows].tolist())
            for word in sorted(here) if len(here) > 1 else ():
                yield box.with_side(k, words=here - {word})
            continue
        values = np.sort(space.numbers[rows, k])
        above, below = values[values > values[count - 1]], values[values < values[-count]]
        if len(above):
            yield box.with_side(k, low=float(above[0]))
        if len(below):
            yield box.with_side(k, high=float(below[-1]))


def paste(space: Space, fails: np.ndarray, among: np.ndarray, box: Sides) -> Sides:
    """Return the box with sides moved out as far as the share of failures does not fall."""
    while True:
        inside = box.holds(space) & among
        best, mean = None, fails[inside].mean()
        for wider in _wider(space, box, among, max(int(PEEL * inside.sum()), 1)):
            larger = wider.holds(space) & among
            if larger.sum() > inside.sum() and fails[larger].mean() >= mean:
                best, mean = wider, fails[larger].mean()
        if best is None:
            return box
        box = best


def _wider(space: Space, box: Sides, among: np.ndarray, count: int) -> Iterator[Sides]:
    for k in box.cut():
        beyond = box.without(k).holds(space) & among & ~box.holds(space)
        if k in box.words:
            yield from (
                box.with_side(k, words=box.words[k] | {word}) for word in sorted(set(space.words[k][beyond]))
            )
            continue
        values = np.sort(space.numbers[beyond, k])
        under, over = values[values < box.low[k]], values[values > box.high[k]]
        if len(under):
            yield box.with_side(k, low=float(under[-min(count, len(under))]))
        if len(over):
            yield box.with_side(k, high=float(over[min(count, len(over)) - 1]))


def chance(space: Space, fails: np.ndarray, among: np.ndarray, box: Sides, k: int) -> float:
    """Return how probable so many failures would be in the box, had the key no side (the quasi-p of a limit)."""
    inside, wider = box.holds(space) & among, box.without(k).holds(space) & among
    n, failed = int(inside.sum()), int(fails[inside].sum())
    return 1.0 if failed == 0 else float(bdtrc(failed - 1, n, float(fails[wider].mean())))


def find_box(space: Space, fails: np.ndarray, among: np.ndarray) -> Sides | None:
    """Return the box in which most failures lie and few successes, None if there is none in particular."""
    base = fails[among].mean()
    rows = []
    for box in peel(space, fails, among)[1:]:
        inside = box.holds(space) & among
        rows.append((fails[inside].mean(), fails[inside].sum(), box))
    dense = [row for row in rows if row[0] >= DENSE and row[0] > base]
    if not dense:
        return None
    # coverage times density, but for a factor
    box = paste(space, fails, among, max(dense, key=lambda row: row[0] * row[1])[2])
    while True:
        weak = [(chance(space, fails, among, box, k), k) for k in box.cut()]
        if not weak:
            return None
        p, k = max(weak)
        if p < CHANCE:
            return box
        box = box.without(k)


def discover(
    policy: str, points: tuple[dict[str, Any], ...], net: np.ndarray, cost: np.ndarray, threshold: float
) -> Discovery | None:
    """Return where a policy costs more than a threshold per net startup, or has no net effect.

    Parameters
    ----------
    policy
        Id.
    points
        Vectors of parameters.
    net, cost
        Mean net effect on startups, and mean present cost [RMB], (n_vectors,) each; NaN where runs are missing.
    threshold
        Cost per net startup [RMB].
    """
    known = ~(np.isnan(net) | np.isnan(cost))
    if known.sum() < FEWEST_VECTORS:
        return None
    points = tuple(point for point, k in zip(points, known, strict=True) if k)
    net, cost = net[known], cost[known]
    fails = (net <= 0) | (cost > threshold * net)
    space, total = Space.of(points), int(fails.sum())
    boxes: list[Box] = []
    among = np.ones(len(fails), dtype=bool)
    while (
        0 < total < len(fails) and len(boxes) < MOST_BOXES and fails[among].any() and not fails[among].all()
    ):
        box = find_box(space, fails, among)
        if box is None:
            break
        boxes.append(_told(policy, space, fails, box, among))
        among &= ~box.holds(space)
    return Discovery(
        policy,
        threshold,
        len(fails),
        total,
        tuple(boxes),
        _summary(policy, threshold, len(fails), total, boxes),
    )


def _told(policy: str, space: Space, fails: np.ndarray, box: Sides, among: np.ndarray) -> Box:
    inside = box.holds(space)
    limits = []
    for k in box.cut():
        low, high = (None if np.isinf(end[k]) else float(end[k]) for end in (box.low, box.high))
        words = tuple(sorted(box.words.get(k, ())))
        limits.append(Limit(space.keys[k], low, high, words, chance(space, fails, among, box, k)))
    coverage = float(fails[inside].sum() / fails.sum())
    density, mass = float(fails[inside].mean()), float(inside.mean())
    text = _("{policy} fails where {limits}: {density} of the parameter vectors there fail, and {coverage} of all that "
             "fail lie there")  # fmt: skip
    said = text.format(policy=policy, limits=_(" and ").join(map(_side, limits)), density=percent(density),
                       coverage=percent(coverage))  # fmt: skip
    return Box(tuple(limits), coverage, density, mass, said)


def _side(limit: Limit) -> str:
    """Return one side of a box in words."""
    if limit.values:
        return _("{key} is {words}").format(key=limit.key, words=_(" or ").join(limit.values))
    if limit.low is None:
        return _("{key} is at most {high}").format(key=limit.key, high=number(limit.high or 0.0))
    if limit.high is None:
        return _("{key} is at least {low}").format(key=limit.key, low=number(limit.low))
    return _("{key} is between {low} and {high}").format(
        key=limit.key, low=number(limit.low), high=number(limit.high)
    )


def _summary(policy: str, threshold: float, vectors: int, failures: int, boxes: list[Box]) -> str:
    cost = number(threshold / 1e6)
    if failures == 0:
        text = _("{policy} reaches {cost} M RMB per net startup in all {n} parameter vectors")
    elif failures == vectors:
        text = _("{policy} reaches {cost} M RMB per net startup in none of {n} parameter vectors")
    elif boxes:
        text = _(
            "{policy} does not reach {cost} M RMB per net startup in {failures} of {n} parameter vectors"
        )
    else:
        text = _("{policy} does not reach {cost} M RMB per net startup in {failures} of {n} parameter vectors, nowhere in "
                 "particular")  # fmt: skip
    return text.format(policy=policy, cost=cost, n=vectors, failures=failures)
