"""Choice with social interaction: how many equilibria there are, which of them hold, and the law of few choosers."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize

from sim.verify.case import Case, Knob, Row
from sim.verify.engine import RELATIVE, Company, Theatre

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXACT = 1e-9
ROUNDING = "rounding and root finding of 64-bit numbers"
#: standard errors that one random row in fifteen thousand exceeds by chance
ERRORS = 4.0
#: where the map of m onto m is steeper, m wanders so far that its mean says little: ask brock-durlauf-finite
STEEPEST = 0.9
FLAT = 1e-5  # of beta J around 1, where an m of a thousandth cannot be told from 0
STEP = 1e-5  # of m, for slopes
RUINED = 0.02  # lead over the others below which a cluster is gone
MANY = 1e6  # startups of a world without draws


def crossing(of: Callable[[float], float], low: float, high: float) -> float:
    """Return where the engine's answer crosses 0, which an engine in error may never do: then it is not defined."""
    if not of(low) * of(high) < 0.0:
        return math.nan
    return float(optimize.brentq(of, low, high, xtol=1e-12))


# Brock and Durlauf


def theory_m(beta_j: float, h: float) -> float:
    """Return the largest root of m = tanh(beta J m + h)."""
    grid = np.linspace(-1.0, 1.0, 20_001)
    gap = np.tanh(beta_j * grid + h) - grid
    if h == 0.0:
        if beta_j <= 1.0:
            return 0.0
        return float(optimize.brentq(lambda m: math.tanh(beta_j * m) - m, 1e-9 + 0.5 * math.sqrt(
            min(3.0 * (beta_j - 1.0), 1.0)), 1.0, xtol=1e-14))  # fmt: skip
    last = int(np.flatnonzero(gap >= 0.0)[-1])
    return float(
        optimize.brentq(lambda m: math.tanh(beta_j * m + h) - m, grid[last], grid[last + 1], xtol=1e-14)
    )


def widest_field(beta_j: float) -> float:
    """Return the field up to which three equilibria exist: H = beta J s - artanh s, s = sqrt(1 - 1/beta J)."""
    s = math.sqrt(1.0 - 1.0 / beta_j)
    return beta_j * s - math.atanh(s)


class Pair:
    """Two places without distance between which the engine chooses.

    Parameters
    ----------
    beta_j
        Strength of the social term.
    h
        Field: half of what the first place is worth more than the second [utils].
    """

    def __init__(self, beta_j: float, h: float) -> None:
        self.theatre = Theatre({"kind": "places"}, RELATIVE | {"location.spillover_weight": beta_j})
        self.field(h)

    def field(self, h: float) -> None:
        """Make the first place worth 2 h more than the second."""
        self.theatre.world.residual[:] = (h, -h)

    def answer(self, m: float) -> float:
        """Return the m that choosers make who see m."""
        share = self.theatre.shares(MANY * np.array([(1.0 + m) / 2.0, (1.0 - m) / 2.0]))
        return float(share[0] - share[1])

    def excess(self, m: float) -> float:
        """Return by how much choosers who see m overshoot it."""
        return self.answer(m) - m

    def equilibrium(self) -> float:
        """Return the largest m that choosers confirm; found from above, where the first place holds everybody."""
        above = 1.0
        for m in np.linspace(1.0, -1.0, 2001)[1:]:
            if m <= EXACT and abs(self.excess(0.0)) < EXACT and self.excess(1e-3) < 0.0:
                return 0.0
            if self.excess(float(m)) >= 0.0:
                return float(optimize.brentq(self.excess, m, above, xtol=1e-13))
            above = float(m)
        return math.nan

    def lowest_excess(self, h: float) -> float:
        """Return the least excess where the second place holds more: below 0, an equilibrium holds out there."""
        self.field(h)
        found = optimize.minimize_scalar(self.excess, bounds=(-1.0, 0.0), method="bounded",
                                         options={"xatol": 1e-10})  # fmt: skip
        return float(found.fun)


def check_brock_durlauf(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the rows of the bifurcation."""
    rows = []
    for beta_j in values["beta_j"]:
        rows += _equilibrium_rows(beta_j, values["h"], values["rho"])
        rows += _drawn_rows(beta_j, values, seed)
    return rows


def _equilibrium_rows(beta_j: float, h: float, rho: float) -> list[Row]:
    pair, at = Pair(beta_j, h), f"at beta J = {beta_j:g}"
    flat = h == 0.0 and abs(beta_j - 1.0) < FLAT
    rows = [Row(f"m* {at}", theory_m(beta_j, h), pair.equilibrium(), 2e-3 if flat else 1e-8,
                "where tanh touches the diagonal any small m is as good" if flat else ROUNDING)]  # fmt: skip
    if h == 0.0:
        growth = 1.0 - rho + rho * (pair.answer(STEP) - pair.answer(-STEP)) / (2.0 * STEP)
        rows.append(Row(f"growth of a small m in a month {at}", 1.0 + rho * (beta_j - 1.0), growth, 1e-6,
                        f"difference over 2 x {STEP:g}, whose error is of third order"))  # fmt: skip
    if beta_j > 1.0 + FLAT:
        pair = Pair(beta_j, 0.0)
        found = crossing(pair.lowest_excess, 0.0, 5.0)
        rows.append(Row(f"field up to which there are three equilibria, {at}", widest_field(beta_j), found, 1e-7,
                        ROUNDING))  # fmt: skip
    return rows


def _drawn_rows(beta_j: float, values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return m as startups draw it, month after month, from the equilibrium on."""
    h, rho, n, months = values["h"], values["rho"], values["startups"], values["months"]
    m = theory_m(beta_j, h)
    slope = beta_j * (1.0 - m * m)
    if slope > STEEPEST:
        return []
    first = round(n * (1.0 + m) / 2.0)
    company = Company({"kind": "places", "startups": (first, n - first)},
                      RELATIVE | {"location.spillover_weight": beta_j, "location.revision_rate_per_month": rho},
                      seed)  # fmt: skip
    company.world.residual[:] = (h, -h)
    path = np.empty(months)
    for month in range(months):
        company.revise()
        path[month] = 1.0 - 2.0 * np.mean(company.cells)
    # linear around m: m' - m* = a (m - m*) + noise of variance q
    a = 1.0 - rho * (1.0 - slope)
    q = (1.0 - ((1.0 - rho) ** 2 + 2.0 * rho * (1.0 - rho) * m * m + rho * rho * m * m)) / n
    error = math.sqrt(q / months) / (1.0 - a)
    variance = q / (1.0 - a * a)
    shift = abs(-2.0 * beta_j**2 * m * (1.0 - m * m)) / 2.0 * variance / (1.0 - slope)
    reason = (
        f"{ERRORS:g} standard errors of {months} months of {n} startups with their autocorrelation, "
        "and what curvature shifts the mean"
    )
    return [Row(f"mean m drawn at beta J = {beta_j:g}", m, float(path.mean()),
                ERRORS * error + 2.0 * shift + 2.0 / n, reason)]  # fmt: skip


def draw_bifurcation(values: Mapping[str, Any], seed: int, figure: "Figure") -> None:
    """Draw m* over beta J: theory as a line, the engine's choice as dots, its draws as crosses."""
    ax = figure.subplots()
    strengths = np.linspace(0.2, 2.5, 400)
    branch = np.array([theory_m(float(b), values["h"]) for b in strengths])
    ax.plot(strengths, branch, color="0.6", linewidth=3, label="m = tanh(βJ m + βh)")
    if values["h"] == 0.0:
        ax.plot(strengths, -branch, color="0.6", linewidth=3)
        ax.plot(strengths[strengths > 1], 0 * strengths[strengths > 1], color="0.6", linestyle=":")
    dots = np.linspace(0.3, 2.4, 22)
    ax.plot(
        dots,
        [Pair(float(b), values["h"]).equilibrium() for b in dots],
        "o",
        markersize=4,
        label="choice_shares",
    )
    drawn = [
        (b, row.simulated) for b in (0.5, 0.8, 1.3, 1.5, 2.0, 2.3) for row in _drawn_rows(b, values, seed)
    ]
    ax.plot(*zip(*drawn, strict=True), "x", markersize=8, label=f"{values['startups']} startups, drawn")
    ax.set(xlabel="βJ", ylabel="m: share of the first place less that of the second")
    ax.legend(loc="upper left")


# Few choosers


def birth_death(n: int, beta_j: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the chances that the first place gains and loses one in a tick, by its number, (n + 1,)."""
    k = np.arange(n + 1)
    up = (n - k) / n / (1.0 + np.exp(-2.0 * beta_j * (2 * k - n + 1) / (n - 1)))
    down = k / n / (1.0 + np.exp(2.0 * beta_j * (2 * k - n - 1) / (n - 1)))
    return up, down


def stationary(n: int, beta_j: float) -> np.ndarray:
    """Return the stationary law of the number in the first place, by detailed balance, (n + 1,)."""
    up, down = birth_death(n, beta_j)
    steps = np.log(up[:-1]) - np.log(down[1:])
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    law = np.exp(logs - logs.max())
    return law / law.sum()


def standard_error(n: int, beta_j: float, values: np.ndarray, ticks: int) -> float:
    """Return the standard error of a time average of `values` over `ticks`, all autocorrelation counted.

    With Q = P - 1 the solution g of Q g = -(f - E f) has asymptotic variance 2 E[f g] - E[f^2], f centred.
    """
    up, down = birth_death(n, beta_j)
    law = stationary(n, beta_j)
    centred = values - law @ values
    chain = np.diag(up[:-1], 1) + np.diag(down[1:], -1)
    chain -= np.diag(up + down)
    solved = np.linalg.solve(chain - law[None, :], -centred)
    solved -= law @ solved
    variance = 2.0 * law @ (centred * solved) - law @ (centred * centred)
    return math.sqrt(max(variance, 0.0) / ticks)


def check_finite(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the rows of the stationary law of few startups."""
    n, beta_j, ticks = values["n"], values["beta_j"], values["ticks"]
    law, m = stationary(n, beta_j), np.abs(2.0 * np.arange(n + 1) / n - 1.0)
    path = _ticks(n, beta_j, ticks, seed)
    rows = []
    for name, theory in (("E|m|", m), ("E m^2", m * m)):
        error = standard_error(n, beta_j, theory, ticks)
        reason = f"{ERRORS:g} standard errors of {ticks} ticks, the chain's own autocorrelation counted"
        rows.append(Row(f"{name} of {n} startups at beta J = {beta_j:g}", float(law @ theory),
                        float(theory[path[1:]].mean()), ERRORS * error, reason))  # fmt: skip
    for name, chance, step in zip(("gains", "loses"), birth_death(n, beta_j), (1, -1), strict=True):
        expected = chance[path[:-1]]
        error = math.sqrt(float((expected * (1.0 - expected)).sum()))
        seen = float(np.count_nonzero(np.diff(path) == step))
        rows.append(Row(f"ticks in which the first place {name} one, given where it stands", float(expected.sum()), seen,
                        ERRORS * error + 1.0, f"{ERRORS:g} standard errors: given the state, ticks are independent"))  # fmt: skip
    return rows


def _ticks(n: int, beta_j: float, ticks: int, seed: int) -> np.ndarray:
    """Return the number in the first place before, and after each tick in which one startup revises, (ticks + 1,)."""
    law = stationary(n, beta_j)
    typical = np.sqrt(law @ (2.0 * np.arange(n + 1) / n - 1.0) ** 2)
    first = round(n * (1.0 + float(typical)) / 2.0)
    changes = RELATIVE | {
        "access.self_spillover": False,
        "location.spillover_weight": beta_j,
        "location.revision": "one",
    }
    company = Company({"kind": "places", "startups": (first, n - first)}, changes, seed)
    path = np.empty(ticks + 1, dtype=np.int64)
    for _ in range(10 * n):  # from a typical state it forgets where it began within a few turns of everybody
        company.revise()
    path[0] = n - np.count_nonzero(company.cells)
    for tick in range(ticks):
        company.revise()
        path[tick + 1] = n - np.count_nonzero(company.cells)
    return path


def draw_finite(values: Mapping[str, Any], seed: int, figure: "Figure") -> None:
    """Draw the stationary law of |m|: theory as bars, the share of ticks as dots."""
    n, ax = values["n"], figure.subplots()
    law, path = stationary(n, values["beta_j"]), _ticks(n, values["beta_j"], values["ticks"], seed)
    path = path[1:]
    seen = np.bincount(path, minlength=n + 1) / path.size
    away = np.abs(2 * np.arange(n + 1) - n)
    m = np.unique(away)
    folded = [[float(part[away == d].sum()) for d in m] for part in (law, seen)]
    ax.bar(m / n, folded[0], width=1.5 / n, color="0.8", label="detailed balance")
    ax.plot(m / n, folded[1], "o", markersize=4, label=f"{path.size} ticks of the engine")
    ax.set(xlabel="|m|", ylabel="probability")
    ax.legend()


# Hysteresis


def strength_at(share: float, cells: int) -> float:
    """Return the beta J at which one cell holds `share` and the others the rest alike."""
    rest = (1.0 - share) / (cells - 1)
    return math.log(share / rest) / (cells * (share - rest))


def theory_fold(cells: int) -> tuple[float, float]:
    """Return the beta J below which no concentrated state exists, and the top share there."""
    if cells == 2:
        return 1.0, 0.5
    found = optimize.minimize_scalar(lambda s: strength_at(s, cells), bounds=(1.0 / cells + 1e-6, 1.0 - 1e-9),
                                     method="bounded", options={"xatol": 1e-12})  # fmt: skip
    return float(found.fun), float(found.x)


class Ring:
    """Equal places among which the engine chooses, and its choice is fed back until it rests.

    Parameters
    ----------
    cells
        Number of places.
    """

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.theatre = Theatre({"kind": "places", "places": cells}, RELATIVE)

    def rest(self, beta_j: float, shares: np.ndarray, months: int) -> np.ndarray:
        """Return the shares after `months` of everybody choosing anew, or once they rest."""
        self.theatre.tune("location.spillover_weight", beta_j)
        for _ in range(months):
            after = self.theatre.shares(MANY * shares)
            ruined = after.max() < min(1.0 / self.cells + RUINED / 2.0, shares.max())
            if ruined or np.abs(after - shares).max() < 1e-12:
                return after
            shares = after
        return shares

    def top(self, beta_j: float, start: float, months: int) -> float:
        """Return the top share that is left of a state with `start` in one place and the rest alike."""
        shares = np.full(self.cells, (1.0 - start) / (self.cells - 1))
        shares[0] = start
        return float(self.rest(beta_j, shares, months).max())


def check_hysteresis(values: Mapping[str, Any], _seed: int) -> list[Row]:
    """Return the rows of the fold and of the take-off."""
    cells, ring = values["cells"], Ring(values["cells"])
    fold, share = theory_fold(cells)
    months, width = values["months"], values["bracket"]
    # a concentrated state lasts above the fold and falls apart below it
    low, high, top = 0.2 * fold, 2.0, math.nan
    uniform = 1.0 / cells
    while high - low > width * fold:
        middle = (low + high) / 2.0
        left = ring.top(middle, 1.0 - 1e-6, months)
        if left > uniform + RUINED:
            high, top = middle, left
        else:
            low = middle
    rows = [Row(f"beta J at which one of {cells} places loses its hold", fold, (low + high) / 2.0, 0.02 * fold,
                "2 %: near the fold a state takes ever longer to fall apart")]  # fmt: skip
    if cells > 2:
        # s - s_fold ~ sqrt(beta J - fold): what the search leaves open moves the share by its root
        bend = (strength_at(share + 1e-3, cells) + strength_at(share - 1e-3, cells) - 2.0 * fold) / 1e-6
        left_open = math.sqrt(2.0 * (2.0 * width + 1e-4) * fold / bend) + 0.001
        rows.append(Row("top share at the fold", share, top, left_open,
                        "the root of what the search leaves open of beta J"))  # fmt: skip
    beta_j = 1.1 * fold
    settled = optimize.brentq(
        lambda s: strength_at(s, cells) - beta_j, max(share, uniform + 1e-6), 1.0 - 1e-12
    )
    rows.append(Row(f"top share at beta J = {beta_j:.4g}", float(settled), ring.top(beta_j, 1.0 - 1e-6, months), 1e-7,
                    ROUNDING))  # fmt: skip
    rows.append(_take_off(ring))
    return rows


def _take_off(ring: Ring) -> Row:
    """Return the beta J from which a small lead of one place grows."""
    lead = 1e-5 / ring.cells

    def growth(beta_j: float) -> float:
        after = ring.top(beta_j, 1.0 / ring.cells + lead, 1)
        return (after - 1.0 / ring.cells) / lead - 1.0

    found = crossing(growth, 0.5, 1.5)
    return Row(
        "beta J at which the uniform state gives way", 1.0, found, 1e-4, "a lead of 1e-5, not of nothing"
    )


def draw_hysteresis(values: Mapping[str, Any], _seed: int, figure: "Figure") -> None:
    """Draw the top share over beta J as it is first lowered and then raised, over the curve of theory."""
    cells, ax = values["cells"], figure.subplots()
    fold, share = theory_fold(cells)
    s = np.linspace(1.0 / cells + 1e-3, 0.995, 500)
    strength = np.array([strength_at(float(x), cells) for x in s])
    upper = s >= share
    ax.plot(strength[upper], s[upper], color="0.6", linewidth=3, label="theory, stable")
    ax.plot(strength[~upper], s[~upper], color="0.6", linestyle=":", label="theory, unstable")
    ax.plot([0.5, 1.0], [1.0 / cells] * 2, color="0.6", linewidth=3)
    ax.axvline(fold, color="0.85", linewidth=1, zorder=0)
    ax.axvline(1.0, color="0.85", linewidth=1, zorder=0)
    ring, path = Ring(cells), np.linspace(0.5, 1.3, 33)
    for steps, mark, label in ((path[::-1], "v", "engine, βJ lowered"), (path, "^", "engine, βJ raised")):
        shares = np.full(cells, 1.0 / cells)
        if mark == "v":
            shares = np.full(cells, 1e-6 / (cells - 1))
            shares[0] = 1.0 - 1e-6
        tops = []
        for beta_j in steps:
            shares = shares + 1e-6 * (np.arange(cells) == 0)
            shares = ring.rest(float(beta_j), shares / shares.sum(), values["months"])
            tops.append(shares.max())
        ax.plot(steps, tops, mark, markersize=4, label=label)
    ax.set(xlabel="βJ", ylabel="share of the largest place", xlim=(0.5, 1.3), ylim=(0, 1.02))
    ax.legend(loc="center right")


_BETA_J = "strength of the social term: utils per startup over the mean number of startups per place"

CASES = (
    Case(
        name="brock-durlauf",
        title="Two places, social interaction: one equilibrium up to beta J = 1, then two",
        about=(
            "Startups between two places see the counts over their mean (the relative form of E1) and choose by E6. "
            "Then m, the share of the first place less that of the second, rests where m = tanh(beta J m + h), h being "
            "beta times the field (Brock and Durlauf 2001). Under test: access.relative_counts, access.attract, "
            "location.choice_shares; and location.move_tenants, which draws."
        ),
        knobs={
            "beta_j": Knob((0.5, 0.9, 1.1, 1.2, 2.0), _BETA_J, "utils", 0.0, 5.0),
            "h": Knob(
                0.0,
                "half of what the first place is worth more than the second, for itself",
                "utils",
                0.0,
                3.0,
            ),
            "rho": Knob(0.5, "share of startups that revise their place in a month", "1/month", 0.01, 1.0),
            "startups": Knob(10_000, "startups that draw", "startups", 1000, 200_000),
            "months": Knob(60, "months of draws", "months", 20, 10_000),
        },
        check=check_brock_durlauf,
        picture=draw_bifurcation,
    ),
    Case(
        name="brock-durlauf-finite",
        title="Two places, few startups, one revision a tick: the whole stationary law",
        about=(
            "One startup a tick, drawn at random, revises its place in answer to the others, itself not among them. "
            "The number in the first place is a birth-death chain whose law follows from detailed balance. Under test: "
            'location.move_tenants with revision = "one", access.receive without self-spillover, the addressed draws.'
        ),
        knobs={
            "n": Knob(50, "startups", "startups", 2, 2000),
            "beta_j": Knob(1.5, _BETA_J, "utils", 0.0, 5.0),
            "ticks": Knob(20_000, "ticks that are counted", "ticks", 1000, 10_000_000),
        },
        check=check_finite,
        picture=draw_finite,
    ),
    Case(
        name="hysteresis",
        title="Equal places: a cluster holds below the strength at which it would form",
        about=(
            "With more than two equal places the concentrated state lasts down to a fold below beta J = 1, at which the "
            "uniform state gives way: the break and sustain points of this mechanism (the corresponding pair of "
            "Krugman 1991 belongs to another). The case lowers beta J until the engine's own chances, fed back, no "
            "longer hold a cluster, and closes in on the fold by halving. Under test: location.choice_shares and the "
            "relative form of E1."
        ),
        knobs={
            "cells": Knob(5, "equal places", "places", 2, 60),
            "months": Knob(20_000, "months in which a state may fall apart", "months", 5_000, 100_000),
            "bracket": Knob(3e-5, "width at which the search ends, as a share of beta J", "-", 1e-6, 0.01),
        },
        check=check_hysteresis,
        picture=draw_hysteresis,
    ),
)
