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

from sim.compiled import kernel
from sim.evaluation.result import Box, Discovery, Limit
from sim.language import _
from sim.summary import in_millions, number, percent

PEEL = 0.05  #: share of a box's vectors that a slice holds
LEAST_MASS = 0.05  #: share of all vectors that a box holds at least
DENSE = 0.8  #: share of failures at which a box is said to fail
MOST_BOXES = 3
FEWEST_VECTORS = 20
CHANCE = 0.05
SHUFFLES = 199
_LOW, _HIGH, _WORD = range(3)  # sides of a box


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
                words[k] = np.array([str(v).lower() if isinstance(v, bool) else str(v) for v in values])
        return cls(keys, numbers, words)

    def coded(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the place of each value among those of its key, (n_keys, n_vectors), and which keys are words, (n_keys,)."""
        codes = [
            np.unique(self.words.get(k, self.numbers[:, k]), return_inverse=True)[1]
            for k in range(len(self.keys))
        ]
        return np.array(codes), np.isin(np.arange(len(self.keys)), list(self.words))


def peel(space: Space, fails: np.ndarray, among: np.ndarray) -> tuple[list[Sides], np.ndarray]:
    """Return ever smaller boxes, from everything on to the least mass, or until all in one fail or none.

    Parameters
    ----------
    space
        Vectors.
    fails, among
        Which of them fail, and which are looked at, (n_vectors,).

    Returns
    -------
    list, numpy.ndarray
        Boxes, and vectors and failures in each, (n_boxes, 2).
    """
    box = Sides.open(len(space.keys))
    found = [box]
    cuts, left = _cuts(*space.coded(), fails, among)
    for k, side, row in cuts.tolist():
        if side == _WORD:
            held = box.words.get(k, frozenset(space.words[k].tolist()))
            box = box.with_side(k, words=held - {str(space.words[k][row])})
        elif side == _LOW:
            box = box.with_side(k, low=float(space.numbers[row, k]))
        else:
            box = box.with_side(k, high=float(space.numbers[row, k]))
        found.append(box)
    return found, left


@kernel
def _cuts(codes, worded, fails, among):
    """Return what is cut off, one slice after the other, and what is left of it; see `peel`.

    Parameters
    ----------
    codes, worded
        As `Space.coded` returns them.

    Returns
    -------
    cuts
        Key, side, and a vector that has the new end, or the word cut off, (n_cuts, 3).
    left
        Vectors and failures among them, before the first cut and after each, (n_cuts + 1, 2).
    """
    vectors = len(fails)
    inside, least = among.copy(), max(LEAST_MASS * vectors, 2.0)
    cuts, left = np.zeros((vectors, 3), np.int64), np.zeros((vectors + 1, 2), np.int64)
    left[0, 0], left[0, 1] = inside.sum(), (inside & fails).sum()
    for step in range(vectors):
        k, side, code = _slice(codes, worded, fails, inside, left[step], least)
        if k < 0:
            return cuts[:step], left[: step + 1]
        end = -1
        for i in range(vectors):
            place = codes[k, i]
            if not inside[i]:
                continue
            if (side == _LOW and place <= code) or (side == _HIGH and place >= code) or place == code:
                inside[i] = False
            if inside[i] != (side == _WORD) and (
                end < 0
                or (side == _LOW and place < codes[k, end])
                or (side == _HIGH and place > codes[k, end])
            ):
                end = i
        cuts[step] = k, side, end
        left[step + 1, 0], left[step + 1, 1] = inside.sum(), (inside & fails).sum()
    return cuts, left


@kernel
def _slice(codes, worded, fails, inside, left, least):
    """Return key, side and last code of the slice without which the share of failures is highest for what is lost.

    Thin slices are often alike: then the thickest, then that away from which failures lie farthest on the whole of its key.
    The key is -1 where nothing is to be cut.
    """
    n, failed = left
    thin, best, found = max(int(PEEL * n), 1), (-np.inf, 0, 0), (-1, 0, 0)
    if failed in (0, n):
        return found
    rows, here, bad = np.flatnonzero(inside), np.zeros_like(codes[0]), np.zeros_like(codes[0])
    for k in range(len(codes)):
        here[:], bad[:] = 0, 0
        for i in rows:
            here[codes[k, i]] += 1
            bad[codes[k, i]] += fails[i]
        under, upwards = 0, 0
        for code in range(len(fails)):  # twice the ranks of the failures beyond the middle rank
            upwards += bad[code] * (2 * under + here[code] - n)
            under += here[code]
        for side in range(_WORD, _WORD + 1) if worded[k] else range(_LOW, _HIGH + 1):
            gone, gone_bad = 0, 0
            for j in range(len(fails)):
                code = len(fails) - 1 - j if side == _HIGH else j
                gone, gone_bad = gone + here[code], gone_bad + bad[code]
                if here[code] == 0 or (side != _WORD and gone < thin):
                    continue
                away = (
                    failed * gone - n * gone_bad if side == _WORD else upwards if side == _LOW else -upwards
                )
                if n - gone >= least:
                    gain = ((failed - gone_bad) / (n - gone) - failed / n) / gone
                    if (gain, gone, away) > best:
                        best, found = (gain, gone, away), (k, side, code)
                gone, gone_bad = 0, 0
                if side != _WORD:
                    break
    return found


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


def find_box(space: Space, fails: np.ndarray, among: np.ndarray) -> tuple[Sides, float] | None:
    """Return the box in which most failures lie and few successes, and the p of the search; None if none is found.

    Of the boxes that peeling leaves it is the first by coverage times density that is dense without its weak sides. Where
    nothing varies there is none.
    """
    if not space.keys:
        return None
    boxes, left = peel(space, fails, among)
    scores, base = _scores(left), fails[among].mean()
    p = chance_of_search(space, fails, among, float(scores.max()))
    if p > CHANCE:
        return None
    for i in np.argsort(-scores, kind="stable")[: np.count_nonzero(scores)]:
        box = without_weak(space, fails, among, paste(space, fails, among, boxes[i]))
        inside = box.holds(space)
        density = fails[inside & among].mean()
        if density > base and min(density, fails[inside].mean()) >= DENSE:
            return box, p
    return None


def _scores(left: np.ndarray) -> np.ndarray:
    """Return coverage times density, but for a factor, of boxes (n_boxes, 2) as `_cuts` counts them; 0 if not dense."""
    share = left[:, 1] / left[:, 0]
    return np.where((share >= DENSE) & (share > share[0]), share * left[:, 1], 0.0)


def chance_of_search(space: Space, fails: np.ndarray, among: np.ndarray, score: float) -> float:
    """Return how probable so telling a box is where failures have nothing to do with the parameters.

    It is the share of searches over failures dealt out anew that peel as telling a box; 1 as soon as it cannot but exceed
    `CHANCE`.
    """
    rng, dealt = np.random.default_rng(len(fails)), fails.copy()
    coded, as_telling = space.coded(), 1
    for _search in range(SHUFFLES):
        dealt[among] = rng.permutation(fails[among])
        as_telling += _scores(_cuts(*coded, dealt, among)[1]).max() >= score
        if as_telling > CHANCE * (SHUFFLES + 1):
            return 1.0
    return float(as_telling / (SHUFFLES + 1))


def without_weak(space: Space, fails: np.ndarray, among: np.ndarray, box: Sides) -> Sides:
    """Return the box without the sides that might as well be chance, the weakest first."""
    while box.cut():
        p, k = max((chance(space, fails, among, box, k), k) for k in box.cut())
        if p < CHANCE:
            break
        box = box.without(k)
    return box


def discover(
    policy: str, points: tuple[dict[str, Any], ...], net: np.ndarray, cost: np.ndarray, threshold: float,
    beyond_luck: bool | None = True,
) -> Discovery | None:  # fmt: skip
    """Return where a policy costs more than a threshold per net startup, or has no net effect.

    Parameters
    ----------
    policy
        Id.
    points
        Vectors of parameters.
    net, cost
        Net effect on startups, and present cost [RMB], (n_vectors,) each, freed of what seeds do; NaN where runs are missing.
    threshold
        Cost per net startup [RMB].
    beyond_luck
        Whether the net effect differs between vectors by more than luck; None where the runs cannot tell.
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
        found = find_box(space, fails, among)
        if found is None:
            break
        boxes.append(_told(policy, space, fails, among, *found))
        among &= ~found[0].holds(space)
    return Discovery(
        policy,
        threshold,
        len(fails),
        total,
        tuple(boxes),
        _summary(policy, threshold, len(fails), total, boxes, beyond_luck),
    )


def _told(policy: str, space: Space, fails: np.ndarray, among: np.ndarray, box: Sides, p: float) -> Box:
    inside = box.holds(space)
    limits = []
    for k in box.cut():
        low, high = (None if np.isinf(end[k]) else float(end[k]) for end in (box.low, box.high))
        words = tuple(sorted(box.words.get(k, ())))
        limits.append(Limit(space.keys[k], low, high, words, chance(space, fails, among, box, k)))
    coverage = float(fails[inside].sum() / fails.sum())
    density, mass = float(fails[inside].mean()), float(inside.mean())
    text = _("{policy} fails where {limits}: {density} of the parameter vectors there fail, and {coverage} of all that "
             "fail lie there; p = {p:.2g}")  # fmt: skip
    sides = [
        _side(limit, float(np.ptp(space.numbers[:, k]))) for limit, k in zip(limits, box.cut(), strict=True)
    ]
    said = text.format(policy=policy, limits=_(" and ").join(sides), density=percent(density),
                       coverage=percent(coverage), p=p)  # fmt: skip
    return Box(tuple(limits), coverage, density, mass, p, said)


def _side(limit: Limit, span: float) -> str:
    """Return one side of a box in words, `span` being how far the vectors reach on its key."""
    if limit.values:
        return _("{key} is {words}").format(key=limit.key, words=_(" or ").join(limit.values))
    low, high = (_end(end, span) for end in (limit.low, limit.high))
    if limit.low is None:
        return _("{key} is at most {high}").format(key=limit.key, high=high)
    if limit.high is None:
        return _("{key} is at least {low}").format(key=limit.key, low=low)
    return _("{key} is between {low} and {high}").format(key=limit.key, low=low, high=high)


def _end(value: float | None, span: float) -> str:
    """Return the end of a side with as many digits as a reader can use, and more where a hundredth of the span needs them."""
    if value is None:
        return ""
    digits = next((n for n in range(2, 17) if abs(float(f"{value:.{n}g}") - value) <= span / 100), 17)
    return number(value) if digits == 2 else f"{float(f'{value:.{digits}g}'):,}".removesuffix(".0")


def _summary(
    policy: str, threshold: float, vectors: int, failures: int, boxes: list[Box], beyond_luck: bool | None
) -> str:
    cost = in_millions(threshold)
    if failures in (0, vectors) and beyond_luck is False:
        text = _("{policy} reaches {cost} M RMB per net startup on the mean over {n} parameter vectors, between which its net "
                 "effect differs by no more than luck") if failures == 0 else _(
            "{policy} does not reach {cost} M RMB per net startup on the mean over {n} parameter vectors, between which its net "
            "effect differs by no more than luck")  # fmt: skip
    elif failures == 0:
        text = _("{policy} reaches {cost} M RMB per net startup in all {n} parameter vectors")
    elif failures == vectors:
        text = _("{policy} reaches {cost} M RMB per net startup in none of {n} parameter vectors")
    elif boxes:
        text = _(
            "{policy} does not reach {cost} M RMB per net startup in {failures} of {n} parameter vectors"
        )
    else:
        text = _("{policy} does not reach {cost} M RMB per net startup in {failures} of {n} parameter vectors; no box found "
                 "with this many vectors")  # fmt: skip
    said = text.format(policy=policy, cost=cost, n=vectors, failures=failures)
    if beyond_luck is None:
        said += _("; luck counts as failure, for with so few seeds nobody can tell it from parameters")
    return said
