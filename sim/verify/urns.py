"""Path dependence: spin-offs that join cells in proportion to who is there are Polya's urn."""

import itertools
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from sim.compiled import kernel
from sim.ledger import INDEPENDENT, NEVER
from sim.processes import births
from sim.randomness import identity
from sim.verify.case import Case, Knob, KnobError, Row, demand_affordable
from sim.verify.chance import FALSE_ALARM, excess_of_mean
from sim.verify.engine import BARE, SEGMENT, Company

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEFAULTS = {"additions": 200, "urns": 100}
LEAST_EXPECTED = 8.0  # urns in a class of the chi-square test
SECONDS = 1.8e-4  # that an entrant takes


def expected_hhi(cells: int, start: float, n: int) -> float:
    """Return the exact mean of the sum of squared shares, start included."""
    return float(_hhi_moments(cells, start, n)[0])


def hhi_variance(cells: int, start: float, n: int) -> float:
    """Return the exact variance of that sum."""
    return float(_hhi_moments(cells, start, n)[1])


def _hhi_moments(cells: int, start: float, n: int) -> tuple[Fraction, Fraction]:
    """Return mean and variance of that sum, from the factorial moments of the Dirichlet-multinomial law.

    E[(k)_p (l)_q] = (n)_{p+q} (a)^(p) (a)^(q) / (La)^(p+q), falling and rising factorials. In fractions: the variance is
    the difference of two numbers that may agree in all digits of a 64-bit number.
    """
    a = Fraction(start)
    whole = cells * a + n

    def moment(p: int, q: int) -> Fraction:
        return (
            _rising(Fraction(n - p - q + 1), p + q)
            * _rising(a, p)
            * _rising(a, q)
            / _rising(cells * a, p + q)
        )

    # powers in falling factorials: k^2 = (k)_2 + (k)_1 and so on (Stirling numbers of the second kind)
    stirling = {0: [1], 1: [0, 1], 2: [0, 1, 1], 3: [0, 1, 3, 1], 4: [0, 1, 7, 6, 1]}

    def raw(p: int, q: int) -> Fraction:
        return sum((s * t * moment(i, j) for i, s in enumerate(stirling[p]) for j, t in enumerate(stirling[q]) if s * t),
                   start=Fraction(0))  # fmt: skip

    square = {2: Fraction(1), 1: 2 * a, 0: a**2}  # (k + a)^2
    fourth = {p: math.comb(4, p) * a ** (4 - p) for p in range(5)}  # (k + a)^4
    mean = cells * sum(c * raw(p, 0) for p, c in square.items()) / whole**2
    same = sum(c * raw(p, 0) for p, c in fourth.items())
    other = sum(c * d * raw(p, q) for p, c in square.items() for q, d in square.items())
    return mean, (cells * same + cells * (cells - 1) * other) / whole**4 - mean**2


def _rising(x: Fraction, k: int) -> Fraction:
    """Return x (x + 1) ... (x + k - 1)."""
    return math.prod((x + i for i in range(k)), start=Fraction(1))


@kernel
def write_entrant(firms, states, books, n, uid, month, par, key):
    """Append a founder without origin who has one head and looks for rooms."""
    births.write_founder(firms[n], states[n], books[n], uid, np.uint64(0), SEGMENT, 0.0, INDEPENDENT, -1, month,
                         par[0].births, par[0].operations, key)  # fmt: skip


class Urn(Company):
    """Places without distance into which one startup of one head enters a month, from empty.

    Parameters
    ----------
    cells
        Number of places.
    start
        Weight of a place that is empty [startups].
    seed
        Seed of all draws.
    """

    def __init__(self, cells: int, start: float, seed: int) -> None:
        changes = BARE | {"location.spillover_weight": 1.0, "access.spillover_scale_heads": float(start)}
        super().__init__({"kind": "places", "places": cells, "startups": (0,)}, changes, seed)

    def fill(self, additions: int, urn: int) -> np.ndarray:
        """Return the startups of each place after that many entered, in the urn of this number, (cells,)."""
        world = self.world
        world.startups.n = 0
        world.month = 0
        for addition in range(additions):
            ledger = world.startups
            firms, states, books = ledger.reserve(1)
            uid = identity(np.uint64(1), np.uint64(urn), np.uint64(addition))
            write_entrant(firms, states, books, ledger.n, np.uint64(uid), world.month, self.par.table,
                          self.draw()("founder"))  # fmt: skip
            ledger.n += 1
            self.enter()
        if NEVER in world.startups["lease_end"]:
            raise RuntimeError("an entrant found no rooms in a world without limits")
        return np.bincount(self.cells, minlength=world.grid.n_cells)


def check_polya(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the rows of the urn."""
    cells, start, n, urns = (values[name] for name in ("cells", "start", "additions", "urns"))
    urn = Urn(cells, start, seed)
    counts = np.array([urn.fill(n, number) for number in range(urns)])
    shares = (counts + start) / (cells * start + n)
    rows = []
    if math.isfinite(most := tolerated(cells, start, n, urns)):
        mean = expected_hhi(cells, start, n)
        rows = [Row(f"mean HHI of {cells} places from {start:g} each, {n} entrants", mean,
                    float((shares**2).sum(axis=1).mean()), most + (cells + 20) * 2.0**-52 * mean,
                    f"laws of Bennett and Hoeffding for {urns} urns of the exact variance and range, which chance exceeds "
                    f"at most once in {1 / FALSE_ALARM:.0f}, and rounding")]  # fmt: skip
    return rows + _law_rows(counts[:, 0], n, cells, start)


def tolerated(cells: int, start: float, n: int, urns: int) -> float:
    """Return how far the mean HHI of urns lies from its mean at most, but for false alarms; inf if it cannot lie further."""
    mean, variance = _hhi_moments(cells, start, n)
    a, (each, more) = Fraction(start), divmod(n, cells)
    whole = (cells * a + n) ** 2
    above = float(((a + n) ** 2 + (cells - 1) * a**2) / whole - mean)
    below = float(mean - (more * (a + each + 1) ** 2 + (cells - more) * (a + each) ** 2) / whole)
    if not variance:
        return math.inf
    spread = float(variance)
    most = max(
        excess_of_mean(spread, *sides, urns, FALSE_ALARM) for sides in ((above, below), (below, above))
    )
    return most if most < max(above, below) else math.inf


def law_of_first(n: int, cells: int, start: float) -> np.ndarray:
    """Return the law of the entrants of the first place, beta-binomial(n, a, (L - 1) a), (n + 1,)."""
    return np.asarray(stats.betabinom(n, start, (cells - 1) * start).pmf(np.arange(n + 1)))


def _law_rows(first: np.ndarray, n: int, cells: int, start: float) -> list[Row]:
    """Return the chi-square row of the entrants of the first place."""
    observed, expected = classes(
        np.bincount(first, minlength=n + 1), law_of_first(n, cells, start) * first.size
    )
    if observed.size < 2:
        return []
    chi2, degrees = float(((observed - expected) ** 2 / expected).sum()), observed.size - 1
    # with few expected in a class the tail is heavier than chi-square's: one class more, half the rate
    limit = float(stats.chi2(degrees + 1).isf(FALSE_ALARM / 2.0))
    law = "uniform" if cells == 2 and start == 1.0 else "beta-binomial"
    return [Row(f"chi-square of the entrants of the first place against the {law} law, {degrees} degrees of freedom",
                float(degrees), chi2, limit - degrees, f"up to the quantile that chance exceeds once in {1 / FALSE_ALARM:.0f}")]  # fmt: skip


def classes(observed: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return counts and expectations with neighbours put together until each expects enough."""
    seen, wanted, total, hoped = [], [], 0.0, 0.0
    for count, mean in zip(observed, expected, strict=True):
        total, hoped = total + count, hoped + mean
        if hoped >= LEAST_EXPECTED:
            seen.append(total)
            wanted.append(hoped)
            total = hoped = 0.0
    if seen:
        seen[-1] += total
        wanted[-1] += hoped
    return np.array(seen), np.array(wanted)


def can_be_asked(values: Mapping[str, Any]) -> None:
    """Refuse urns that would take too long, and those too few to tell a right engine from a wrong one."""
    cells, start, n, urns = (values[name] for name in ("cells", "start", "additions", "urns"))
    longest = "urns" if urns * DEFAULTS["additions"] >= n * DEFAULTS["urns"] else "additions"
    demand_affordable(values, longest, seconds=SECONDS * n * urns)
    expected = law_of_first(n, cells, start) * urns
    if math.isinf(tolerated(cells, start, n, urns)) and classes(expected, expected)[0].size < 2:
        raise KnobError("urns: so few of so few entrants tell nothing; more of either are needed")


def draw_polya(values: Mapping[str, Any], seed: int, figure: "Figure") -> None:
    """Draw how often the first place took so many entrants, over the exact law."""
    cells, start, n, urns = (values[name] for name in ("cells", "start", "additions", "urns"))
    urn = Urn(cells, start, seed)
    first = np.array([urn.fill(n, number)[0] for number in range(urns)])
    ax = figure.subplots()
    width = max(n // 20, 1)
    edges = np.arange(0, n + 1 + width, width)
    law = law_of_first(n, cells, start)
    sums = [law[a:b].sum() for a, b in itertools.pairwise(edges)]
    ax.bar(edges[:-1] / n, sums, width=width / n, align="edge", color="0.85", label="beta-binomial law")
    seen = np.histogram(first, edges)[0] / urns
    ax.errorbar((edges[:-1] + width / 2) / n, seen, np.sqrt(np.array(sums) / urns), fmt="o", markersize=4,
                label=f"{urns} urns of the engine")  # fmt: skip
    ax.set(xlabel="share of the entrants that the first place took", ylabel="probability", xlim=(0, 1))
    ax.legend()


CASES = (
    Case(
        name="polya",
        title="Entrants join places in proportion to who is there: history decides the shares",
        about=(
            "With the log form of E1, weight 1 and scale a, a place of n one-head startups has the weight 1 + n/a, so "
            "that each entrant takes place i with the chance (n_i + a)/(N + L a): Polya's urn (Arthur 1990). The sum of "
            "squared shares, a startups a place added, has an exact mean, and the entrants of one place are "
            "beta-binomial: uniform for two places and a = 1. Under test: access.refresh_fields, location.weigh_region, "
            "location.place_entrants (zone by its inclusive value, cell by its weight) and their draws."
        ),
        knobs={
            "cells": Knob(5, "places", "places", 2, 100),
            "start": Knob(1.0, "weight of an empty place", "startups", 0.05, 1000.0),
            "additions": Knob(DEFAULTS["additions"], "entrants of an urn", "startups", 1, 10_000),
            "urns": Knob(DEFAULTS["urns"], "urns", "urns", 20, 100_000),
        },
        check=check_polya,
        picture=draw_polya,
        values_check=can_be_asked,
    ),
)
