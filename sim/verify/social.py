"""Choice with social interaction: how many equilibria there are, which of them hold, and the law of few choosers."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg, optimize

from sim.verify.case import Case, Knob, Row, demand_affordable
from sim.verify.chance import SKEWED, between, each, reach, surprise
from sim.verify.engine import RELATIVE, Company, Theatre

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXACT = 1e-9
ROUNDING = "rounding and root finding of 64-bit numbers"
SECONDS = 1.5e-4  # that a tick of a startup takes
#: ticks for each startup before counting begins, in which the chain forgets most of where it began
FORGET = 10
FLAT = 1e-5  # of beta J around 1, where an m of a thousandth cannot be told from 0
STEP = 1e-5  # of m, for slopes
RUINED = 0.02  # lead over an equal share below which a cluster is gone
#: of the distance below the fold at which a state lasts as long as the search waits: the two ends of its way count too
LASTING = 1.25
SETTLING = 9.0  # times that distance above the fold, a state comes to rest in the same time
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
        rows.append(_drawn_row(beta_j, values, seed))
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


def drawn(beta_j: float, values: Mapping[str, Any], seed: int) -> np.ndarray:
    """Return m as startups draw it, from the equilibrium on and after each month, (months + 1,)."""
    h, n = values["h"], values["startups"]
    first = round(n * (1.0 + theory_m(beta_j, h)) / 2.0)
    company = Company({"kind": "places", "startups": (first, n - first)},
                      RELATIVE | {"location.spillover_weight": beta_j,
                                  "location.revision_rate_per_month": values["rho"]}, seed)  # fmt: skip
    company.world.residual[:] = (h, -h)
    path = np.empty(values["months"] + 1)
    for month in range(len(path)):
        if month:
            company.revise()
        path[month] = 1.0 - 2.0 * np.mean(company.cells)
    return path


def month_of(beta_j: float, h: float, rho: float, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean m a month after m, and its variance times the number of startups."""
    to = np.tanh(beta_j * m + h)
    stays, comes = ((1.0 - rho) * side + rho * to for side in (1.0, -1.0))
    # each startup is where it is, 1 or -1, with a chance that depends on where it was
    variance = (1.0 + m) / 2.0 * (1.0 - stays**2) + (1.0 - m) / 2.0 * (1.0 - comes**2)
    return (1.0 - rho) * m + rho * to, variance


def _drawn_row(beta_j: float, values: Mapping[str, Any], seed: int) -> Row:
    """Compare m as startups draw it with its expectation month by month: so it is no matter where m wanders."""
    h, rho, n, months = values["h"], values["rho"], values["startups"], values["months"]
    path, startups = drawn(beta_j, values, seed), n / 2.0  # of one unit of m
    mean, variance = month_of(beta_j, h, rho, path[:-1])
    usual = month_of(beta_j, h, rho, np.array(theory_m(beta_j, h)))[1] * months * n / 4.0
    rate = each(len(values["beta_j"]))
    most = surprise(float(variance.sum()) * n / 4.0, float(usual), rate) / startups / months
    reason = f"Freedman bound of {months} months of {n} startups, each given the month before, false alarms {rate:.0e}"
    return Row(f"mean m drawn at beta J = {beta_j:g}, given each month the one before", float(mean.mean()),
               float(path[1:].mean()), most + EXACT, reason)  # fmt: skip


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
    crosses = (0.5, 0.8, 1.3, 1.5, 2.0, 2.3)
    means = [drawn(b, values, seed)[1:].mean() for b in crosses]
    ax.plot(crosses, means, "x", markersize=8, label=f"{values['startups']} startups, drawn")
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


class Occupation:
    """Bounds for sums over the ticks of the chain of few choosers, however slowly it mixes.

    Parameters
    ----------
    n
        Choosers.
    beta_j
        Strength of the social term.
    first
        Choosers in the first place where the chain begins.
    """

    def __init__(self, n: int, beta_j: float, first: int) -> None:
        self.up, self.down = birth_death(n, beta_j)
        self.law, self.first = stationary(n, beta_j), first
        self.stay = 1.0 - self.up - self.down

    def forgotten(self, ticks: int) -> np.ndarray:
        """Return the chance of each number after so many ticks over that of the stationary law, (n + 1,)."""
        ratio = np.zeros(self.law.size)
        ratio[self.first] = 1.0 / self.law[self.first]
        for _ in range(ticks):  # the chain is reversible: the ratio moves as expectations do
            after = self.stay * ratio
            after[:-1] += self.up[:-1] * ratio[1:]
            after[1:] += self.down[1:] * ratio[:-1]
            ratio = after
        return ratio

    def cumulant(self, values: np.ndarray, begin: np.ndarray, ticks: int, tilt: float) -> float:
        """Return a bound above ln E e^(tilt (sum over ticks of `values` less their stationary mean)).

        With the tilt D = e^(tilt values) the expectation is mu (P D)^ticks 1, at most the norms of its ends times the
        largest eigenvalue of D^1/2 P D^1/2, made symmetric by the stationary law, to the power of ticks.

        Parameters
        ----------
        values
            Of each number of choosers in the first place, (n + 1,).
        begin
            Chances of the state before the first tick over those of the stationary law, (n + 1,).
        ticks
            How many are summed.
        tilt
            Of either sign.
        """
        tilted = tilt * (values - self.law @ values)
        scaled = np.exp(tilted - tilted.max())  # at most 1, whatever the tilt
        beside = np.sqrt(self.up[:-1] * self.down[1:] * scaled[:-1] * scaled[1:])
        last = self.law.size - 1
        (largest,) = linalg.eigh_tridiagonal(self.stay * scaled, beside, True, "i", (last, last))
        ends = (self.law @ (begin**2 * np.exp(-tilted))) * (self.law @ np.exp(tilted))
        return float(np.log(ends) / 2.0 + ticks * (np.log(largest) + tilted.max()))


def check_finite(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the rows of the stationary law of few startups."""
    n, beta_j, ticks, rate = values["n"], values["beta_j"], values["ticks"], each(4)
    path = _ticks(n, beta_j, ticks, seed)
    rows = _law_rows(n, beta_j, path, rate)
    reason = "Freedman bound of ticks, each given where the one before left the places"
    if len(rows) < 2:
        told = rows[0].quantity.split(" of ")[0] if rows else "none"
        reason += f"; {ticks} ticks are too few to tell all of the stationary law: of E|m| and E m^2 only {told} stands"
    law = stationary(n, beta_j)
    for name, chance, step in zip(("gains", "loses"), birth_death(n, beta_j), (1, -1), strict=True):
        expected, spread = chance[path[:-1]], chance * (1.0 - chance)
        most = surprise(float(spread[path[:-1]].sum()), ticks * float(law @ spread), rate)
        seen = float(np.count_nonzero(np.diff(path) == step))
        rows.append(Row(f"ticks in which the first place {name} one, given where it stands", float(expected.sum()), seen,
                        most, reason))  # fmt: skip
    return rows


def _law_rows(n: int, beta_j: float, path: np.ndarray, rate: float) -> list[Row]:
    """Return the rows of the stationary moments: those that so many ticks can tell from any others."""
    ticks, m = path.size - 1, np.abs(2.0 * np.arange(n + 1) / n - 1.0)
    chain, rows = Occupation(n, beta_j, typical(n, beta_j)), []
    begin = chain.forgotten(FORGET * n)
    for name, theory in (("E|m|", m), ("E m^2", m * m)):
        mean = float(chain.law @ theory)
        bound = functools.partial(chain.cumulant, theory, begin, ticks)
        deviation = math.sqrt(ticks * float(chain.law @ (theory - mean) ** 2))
        down, up = reach(bound, deviation, rate)
        low, high = mean - down / ticks - EXACT, mean + up / ticks + EXACT
        if high - low > (theory.max() - theory.min()) / 2.0:
            continue  # nearly any law would pass
        reason = f"Chernoff bound of {ticks} ticks of the chain, false alarms {rate:.0e}, {SKEWED}"
        found = float(theory[path[1:]].mean())
        rows.append(between(f"{name} of {n} startups at beta J = {beta_j:g}", mean, found, low, high, reason))
    return rows


def typical(n: int, beta_j: float) -> int:
    """Return a number in the first place that is usual, from which the chain begins."""
    spread = np.sqrt(stationary(n, beta_j) @ (2.0 * np.arange(n + 1) / n - 1.0) ** 2)
    return round(n * (1.0 + float(spread)) / 2.0)


def _ticks(n: int, beta_j: float, ticks: int, seed: int) -> np.ndarray:
    """Return the number in the first place before, and after each tick in which one startup revises, (ticks + 1,)."""
    first = typical(n, beta_j)
    changes = RELATIVE | {
        "access.self_spillover": False,
        "location.spillover_weight": beta_j,
        "location.revision": "one",
    }
    company = Company({"kind": "places", "startups": (first, n - first)}, changes, seed)
    path = np.empty(ticks + 1, dtype=np.int64)
    for _ in range(FORGET * n):
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

    def rest(self, beta_j: float, shares: np.ndarray, months: int, lost: float = 0.0) -> np.ndarray:
        """Return the shares after `months` of everybody choosing anew, or once they rest or none is above `lost`."""
        self.theatre.tune("location.spillover_weight", beta_j)
        for _ in range(months):
            after = self.theatre.shares(MANY * shares)
            if after.max() < lost or np.abs(after - shares).max() < 1e-12:
                return after
            shares = after
        return shares

    def top(self, beta_j: float, start: float, months: int, lost: float = 0.0) -> float:
        """Return the top share that is left of a state with `start` in one place and the rest alike."""
        shares = np.full(self.cells, (1.0 - start) / (self.cells - 1))
        shares[0] = start
        return float(self.rest(beta_j, shares, months, lost).max())


def curvature(cells: int) -> float:
    """Return the second derivative at the fold of beta J by the top share."""
    share, step = theory_fold(cells)[1], 1e-3
    sides = strength_at(share + step, cells) + strength_at(share - step, cells)
    return (sides - 2.0 * strength_at(share, cells)) / step**2


def ghost(cells: int, months: int) -> float:
    """Return how far below the fold a concentrated state lasts for so many months, of more than two cells.

    Near the fold the top share s moves by a (beta J - fold - c (s - s_fold)^2 / 2) a month, c being the curvature and a
    what the share answers to beta J. At a distance d below the fold it takes pi / (a sqrt(d c / 2)) months to pass.
    """
    share = theory_fold(cells)[1]
    answer = share * (1.0 - share) * (cells * share - 1.0) * cells / (cells - 1.0)
    return 2.0 / curvature(cells) * (math.pi / (answer * months)) ** 2


def settled(beta_j: float, cells: int) -> float:
    """Return the top share at rest, above the fold."""
    share = theory_fold(cells)[1]
    return float(
        optimize.brentq(lambda s: strength_at(s, cells) - beta_j, max(share, 1.0 / cells + 1e-6), 1.0 - 1e-12)
    )


def check_hysteresis(values: Mapping[str, Any], _seed: int) -> list[Row]:
    """Return the rows of the fold and of the take-off."""
    cells, ring = values["cells"], Ring(values["cells"])
    fold, months, width = theory_fold(cells)[0], values["months"], values["bracket"]
    # a concentrated state lasts above the fold and falls apart below it
    low, high, lost = 0.2 * fold, 2.0, 1.0 / cells + RUINED
    while high - low > width * fold:
        middle = (low + high) / 2.0
        if ring.top(middle, 1.0 - 1e-6, months, lost) > lost:
            high = middle
        else:
            low = middle
    if cells > 2:
        below, above = LASTING * ghost(cells, months), 0.0
        reason = (
            f"half of where the search ends, and {below:.2g} below, where a state lasts for {months} months"
        )
    else:  # the top share falls all the way to the half: it counts as gone a little before that
        below, above = 0.0, strength_at(lost, cells) - fold
        reason = f"half of where the search ends, and {above:.2g} above, where a top share of {lost:g} rests"
    half = width * fold / 2.0
    rows = [between(f"beta J at which one of {cells} places loses its hold", fold, (low + high) / 2.0,
                    fold - half - below - EXACT, fold + half + above + EXACT, reason)]  # fmt: skip
    for beta_j, where in ((fold + SETTLING * below, "just above the fold, "), (1.1 * fold, "")):
        if beta_j > fold:
            rows.append(Row(f"top share {where}at beta J = {beta_j:.7g}", settled(beta_j, cells),
                            ring.top(beta_j, 1.0 - 1e-6, months), 1e-7, ROUNDING))  # fmt: skip
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
        values_check=lambda values: demand_affordable(values, "ticks", seconds=SECONDS * values["ticks"]),
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
