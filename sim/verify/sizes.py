"""Cases about how startups grow by random factors, and about what the size of cells must not decide.

As in the cases of demography theory looks at the engine's own uniform numbers where that is possible.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special, stats

from sim.ledger import ACTIVE, Ledger
from sim.processes import access, births, exits, location
from sim.randomness import Draws, uniform
from sim.space import Grid
from sim.verify import worlds
from sim.verify.case import Case, Knob, Row
from sim.verify.chance import each, none_row, number_of, share_row, sum_row
from sim.verify.demography import ALL_HERE, ONLY_FAILURE, ROOMY_M2
from sim.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Mapping[str, Any]


# Sizes

CURVED = 1e-4  # how far the tail may be from a power law
FEWEST = 30  # expected excesses by which the exponent is measured
SAMPLED = 4  # generations in which every step is held against its draw


def tail_exponent(drift: float, sd: float, death: float) -> float:
    """Return the positive root of (1 - death) E[e^(zeta X)] = 1, X normal with this drift and deviation."""
    return (-drift + math.sqrt(drift**2 - 2.0 * sd**2 * math.log1p(-death))) / sd**2


def straight_from(drift: float, sd: float, death: float) -> float:
    """Return the log size beyond which the tail is a power law to a part in 10^4.

    The next poles of 1/(1 - (1 - death) E[e^(zeta X)]) are complex, and their part fades by their real part.
    """
    pole = np.sqrt(complex(drift**2 - 2.0 * sd**2 * math.log1p(-death), 4.0 * math.pi * sd**2))
    beyond = (-drift + pole.real) / sd**2 - tail_exponent(drift, sd, death)
    return math.log(1.0 / CURVED) / beyond


def last_sizes(values: Values, seed: int) -> tuple[np.ndarray, float, int]:
    """Return the log size of each line when it ends, the largest wrong step, and the ends not those of draws."""
    drift, sd, death = values["mu"] - values["s"] ** 2 / 2, values["s"], values["delta"]
    changes = {"exits.failure_per_month": death, "births.heredity": 1.0, "births.heredity_sd": sd}
    par = worlds.parameters(ONLY_FAILURE | ALL_HERE | changes)
    world = worlds.settle(worlds.town(1, 1, ROOMY_M2), worlds.startups(values["lines"], log_quality=0.0))
    terms, sizes, step, wrong, month = worlds.terms_of(world.grid), [], 0.0, 0, 0
    while world.startups.n:
        month += 1
        world.month = month
        draw, firms = Draws(seed, month), world.startups.parts[0]
        expected = worlds.draws_of(firms, draw("fail")) < death
        exits.end_startups(world, par, terms, draw)
        ended = firms["status"] != ACTIVE
        wrong += number_of(ended != expected)
        sizes.append(world.startups["log_quality"][ended] + drift * (month - 1))
        children = heirs(world, par, np.flatnonzero(~ended), draw)
        if month <= SAMPLED:
            parents = world.startups["log_quality"][~ended]
            noise = special.ndtri([uniform(draw("founder"), uid, 1) for uid in children["uid"]])
            step = max(step, float(np.abs(children["log_quality"] - parents - sd * noise).max(initial=0.0)))
        children_firms = children.parts[0]
        children_firms["status"], children_firms["cell"] = ACTIVE, 0
        world.startups = children
    return np.concatenate(sizes), step, wrong


def heirs(world: World, par: Any, parents: np.ndarray, draw: Draws) -> Ledger:
    """Return a ledger of one spin-off of each of some startups, all founded here."""
    heirs, (firms, states, _) = Ledger(), world.startups.parts
    number, rows = np.uint64(world.month), heirs.reserve(len(parents))
    heirs.n = births.add_spinoffs(
        rows[0], rows[1], rows[2], 0, parents, np.ones(len(parents), dtype=np.int64), firms, states, 0,
        world.grid.zone, number, world.month, par.table, np.ones(4), draw("founder"), draw("inside"),
        world.founded_outside)  # fmt: skip
    return heirs


def above(x: np.ndarray, drift: float, sd: float, death: float) -> np.ndarray:
    """Return P(log size > x) of a line that has ended: a sum over its generations."""
    generations = np.arange(1, int(math.log(1e-13) / math.log1p(-death)) + 2)
    weights = death * (1.0 - death) ** generations
    spread = sd * np.sqrt(generations)
    return np.array([np.sum(weights * special.ndtr((drift * generations - value) / spread)) for value in x])


def excess(x: float, drift: float, sd: float, death: float) -> tuple[float, float]:
    """Return mean and variance of max(log size - x, 0) of a line that has ended."""
    generations = np.arange(1, int(math.log(1e-15) / math.log1p(-death)) + 2)
    weights, spread = death * (1.0 - death) ** generations, sd * np.sqrt(generations)
    far = drift * generations - x
    chance, density = special.ndtr(far / spread), stats.norm.pdf(far / spread)
    first = float(np.sum(weights * (far * chance + spread * density)))
    second = float(np.sum(weights * ((far**2 + spread**2) * chance + far * spread * density)))
    if x < 0.0:
        first, second = first - death * x, second + death * x**2
    return first, second - first**2


def excess_moment(tilt: float, drift: float, sd: float, death: float) -> float:
    """Return ln E e^(tilt max(log size, 0)) of a line that has ended, rounded up; infinite where there is none."""
    generations = np.arange(1, int(math.log(1e-15) / math.log1p(-death)) + 2)
    last, growth = len(generations), tilt * drift + (tilt * sd) ** 2 / 2 + math.log1p(-death)
    if growth >= 0.0 and tilt > 0.0:
        return math.inf
    with np.errstate(under="ignore"):
        small = death + np.sum(
            death * (1.0 - death) ** generations * special.ndtr(-drift * np.sqrt(generations) / sd)
        )
        shifted = special.log_ndtr((drift + tilt * sd**2) * np.sqrt(generations) / sd)
        large = np.sum(death * np.exp(growth * generations + shifted))
    # of the generations not summed: each excess counts as its whole moment, or as none
    rest = death * math.exp(growth * (last + 1)) / -math.expm1(growth) if tilt > 0.0 else 0.0
    return math.log(small + large + rest + (1.0 - death) ** (last + 1))


def check_gibrat(values: Values, seed: int) -> list[Row]:
    """Compare sizes that grow by random factors until they end with their power law."""
    drift, sd, death = values["mu"] - values["s"] ** 2 / 2, values["s"], values["delta"]
    sizes, step, wrong = last_sizes(values, seed)
    zeta, first, rate = tail_exponent(drift, sd, death), straight_from(drift, sd, death), each(6)
    rows = [
        none_row("lines whose end is not that of u < delta", wrong, float(len(sizes)) / death),
        Row(
            "largest error of a step, against s times the normal quantile of its draw",
            0.0,
            step,
            1e-13 * (1 + sd),
            "rounding of 64-bit numbers",
        ),
    ]
    for multiple in (0.5, 1.0, 2.0):
        x = multiple / zeta
        chance = above(np.array([x]), drift, sd, death)[0]
        rows.append(
            share_row(f"share of sizes beyond e^{x:.3f}", int((sizes > x).sum()), len(sizes), chance, rate)
        )
    mean, variance = excess(0.0, drift, sd, death)
    rows.append(sum_row("mean of the larger of log size and 0", mean, float(np.maximum(sizes, 0.0).mean()), len(sizes),
                        lambda tilt: excess_moment(tilt, drift, sd, death) - tilt * mean, math.sqrt(variance), rate,
                        f"{len(sizes):,} lines"))  # fmt: skip
    if len(sizes) * above(np.array([first]), drift, sd, death)[0] >= FEWEST:
        rows.append(exponent(sizes[sizes > first] - first, first, zeta, rate))
    return rows


def exponent(beyond: np.ndarray, first: float, zeta: float, rate: float) -> Row:
    """Return the comparison of the exponent of the upper tail, measured by excesses over a threshold."""
    number = max(len(beyond), 1)
    # the sum of n excesses is 1/zeta times half a chi-square number of 2n degrees of freedom
    low, high = (2 * number / stats.chi2.ppf(p, 2 * number) for p in (1 - rate / 2, rate / 2))
    found = number / beyond.sum() if len(beyond) else math.nan
    reason = f"gamma law of {number:,} excesses over e^{first:.2f}, false alarms {rate:.0e}"
    tolerance = zeta * (max(1 - low, high - 1) + 10 * CURVED)
    return Row("exponent of the upper tail", zeta, float(found), tolerance, reason)


def draw_gibrat(values: Values, seed: int, figure: "Figure") -> None:
    """Draw the share of sizes beyond each size, on logarithmic axes."""
    drift, sd, death = values["mu"] - values["s"] ** 2 / 2, values["s"], values["delta"]
    sizes = np.sort(last_sizes(values, seed)[0])
    grid = np.linspace(0.0, sizes[-1], 60)
    axes = figure.subplots()
    axes.loglog(np.exp(sizes), 1.0 - np.arange(len(sizes)) / len(sizes), lw=3, alpha=0.5, label="simulation")
    axes.loglog(np.exp(grid), above(grid, drift, sd, death), "k--", lw=1, label="theory")
    zeta = tail_exponent(drift, sd, death)
    axes.set(xlabel="size", ylabel="share that is larger", xlim=(1.0, None), title=f"exponent {zeta:.4f}")
    for axis in (axes.xaxis, axes.yaxis):  # plain numbers: the project's pictures hold no formulas
        axis.set_major_formatter(lambda value, _place: f"{value:g}")
        axis.set_minor_formatter("")
    axes.legend()


GIBRAT = Case(
    name="gibrat",
    title="random growth with a constant hazard has a power-law tail",
    about="A line begins at size 1, takes log steps N(mu - s^2/2, s^2) and ends with chance delta a step; its size has "
    "the upper tail x^-zeta with (1 - delta) E[e^(zeta X)] = 1. The heads of a startup have no such step in the model: "
    "they move towards a target (E14). What grows by random factors is quality along a line of spin-offs (E19), so "
    "that is what is under test: births.add_spinoffs with full heredity and one child for each parent, a step being a "
    "generation, and exits.end_startups (E17). The engine's inheritance has no drift; mu - s^2/2 is added for each "
    "generation by the case. Literature: W. Reed (2001), The Pareto, Zipf and other power laws, Economics Letters 74, "
    "15-19, doi:10.1016/S0165-1765(01)00524-9; R. Gibrat (1931), Les inegalites economiques.",
    knobs={
        "mu": Knob(0.0, "growth of the mean size in a step", "1/step", -0.5, 0.5),
        "s": Knob(0.1, "standard deviation of the log step", "log units", 0.005, 5.0),
        "delta": Knob(0.01, "chance that a line ends", "1/step", 1e-3, 0.9),
        "lines": Knob(5_000, "lines", "-", 100, 1_000_000),
    },
    check=check_gibrat,
    picture=draw_gibrat,
)


# Splitting


def split_town(values: Values, parts: int) -> tuple[Grid, np.ndarray]:
    """Return a town of unequal cells, those of every second zone cut into `parts`, and the whole cell of each part."""
    zones, cells = values["zones"], values["cells"]
    whole = cells * (cells + 1) / 2
    places, owner = [], []
    for z in range(zones):
        pieces = parts if z % 2 == 0 else 1
        for k in range(cells):
            places += [(0.5 * z + 0.1 * k, 0.3 * k, z, (k + 1) / whole / pieces)] * pieces
            owner += [z * cells + k] * pieces
    tables = [worlds.zone(f"zone-{z}", 1e5 * (z + 1), rent=120.0 + 15 * z) for z in range(zones)]
    return worlds.grid_of(places, tables), np.array(owner)


def settled(values: Values, seed: int, parts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return zone shares, and where startups are before and after entrants came and tenants chose.

    Places are whole cells, as they were before the split, (startups,).
    """
    par = worlds.parameters(
        {"location.spillover_weight": 0.0, "location.diversity_weight": 0.0, "location.unlimited_capacity": True,
         "location.stay_bonus": values["stay_bonus"]})  # fmt: skip
    (grid, owner), half = split_town(values, parts), values["startups"] // 2
    old = np.arange(half) % (owner[-1] + 1)
    uids = np.arange(1, half + 1, dtype=np.uint64)
    tenants = worlds.startups(half, cell=np.searchsorted(owner, old), lease_end=0)
    world = worlds.settle(grid, np.concatenate([tenants, worlds.entrants(half, uid=uids)]))
    world.vacant = world.stock.copy()
    world.log_talent = (worlds.numbers(owner[-1] + 1, seed) - 0.5)[owner]
    terms, draw = worlds.terms_of(grid), Draws(seed, 0)
    access.refresh_fields(world, par, terms)
    shares = grid.zone_sums(location.choice_shares(world, par, terms, worlds.APP))
    choice = location.weigh_region(world, par, terms)
    location.place_entrants(world, par, terms, choice, draw)
    location.move_tenants(world, par, terms, draw)
    cell = world.startups["cell"]
    found = np.where(cell >= 0, owner[cell], -1)
    return shares, np.concatenate([old, np.full(half, -1)]), found


def check_splitting(values: Values, seed: int) -> list[Row]:
    """Compare where startups go before and after each cell is cut into several."""
    whole, before, plain = settled(values, seed, 1)
    cut, _, split = settled(values, seed, values["parts"])
    half = values["startups"] // 2
    moved = [float(np.mean(found[:half] != before[:half])) for found in (plain, split)]
    return [
        Row("largest difference of a zone's share of choosers", 0.0, float(np.abs(whole - cut).max()), 1e-13,
            "rounding of sums of weights"),
        none_row("startups elsewhere than without the split", number_of(plain != split), values["startups"]),
        Row("share of tenants who change their cell", moved[0], moved[1], 0.0, "the same draws"),
        Row("entrants without rooms", 0.0, float(number_of(split[half:] < 0)), 0.0, "there is room for all"),
    ]  # fmt: skip


SPLITTING = Case(
    name="splitting",
    title="cutting cells into parts changes neither zone shares nor who moves",
    about="The cells of every second zone are cut into equal cells at the same place. A zone's share of choosers, the chance to stay, and "
    "where each startup goes stay as they were, because the size term counts vacant space with the exponent 1. Under "
    "test: location.choice_shares, location.place_entrants, location.move_tenants (E6, E20), without spillovers, whose "
    "form is local. Literature: D. McFadden (1978), Modelling the choice of residential location, 75-96.",
    knobs={
        "parts": Knob(2, "cells that each cell of every second zone becomes", "-", 1, 20),
        "zones": Knob(4, "zones", "-", 2, 40),
        "cells": Knob(3, "cells of each zone", "-", 1, 20),
        "startups": Knob(12_000, "startups, half of them entrants and half tenants", "startups", 2, 200_000),
        "stay_bonus": Knob(1.0, "advantage of the own rooms", "utils", -5.0, 10.0),
    },
    check=check_splitting,
)


CASES = (GIBRAT, SPLITTING)
