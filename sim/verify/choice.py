"""Choice among cells: the logit and what follows from it for shares, removal, splitting, rents and rooms."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.compiled import kernel, log
from sim.ledger import ACTIVE, INDEPENDENT
from sim.processes import births
from sim.randomness import Draws, identity, normal, uniform
from sim.verify.case import Case, Knob, Row
from sim.verify.chance import counts_row, each
from sim.verify.engine import BARE, SEGMENT, Company, Theatre
from sim.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARK_CELLS = 2  # along each side
ROUNDING = "rounding of 64-bit numbers"
STEP = 1e-5  # of log rent, for slopes
REFERENCE = 150.0  # RMB/m2/month
SCARCE_M2 = 400.0  # floor space of a cell where rooms run short


@kernel
def normals(key, number):
    """Return standard normal numbers, (number,)."""
    out = np.empty(number)
    for i in range(number):
        out[i] = normal(key, np.uint64(i), 0)
    return out


@kernel
def best_of_all(log_weights, choosers, key):
    """Return the cell with the largest log weight plus Gumbel taste of each chooser, (choosers,)."""
    out = np.empty(choosers, dtype=np.int64)
    for i in range(choosers):
        best = -np.inf
        for c in range(log_weights.size):
            value = log_weights[c] - log(-log(uniform(key, np.uint64(i), c)))
            if value > best:
                best, out[i] = value, c
    return out


@kernel
def write_entrants(firms, states, books, number, month, par, key):
    """Fill rows with founders without origin who have one head and look for rooms."""
    for i in range(number):
        uid = identity(np.uint64(2), np.uint64(month), np.uint64(i))
        births.write_founder(firms[i], states[i], books[i], uid, np.uint64(0), SEGMENT, 0.0, INDEPENDENT, -1, month,
                             par[0].births, par[0].operations, key)  # fmt: skip


def table_of(values: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the world of the case: a line of parks of four cells each."""
    return {"kind": "line", "parks": values["parks"], "park_cells": PARK_CELLS, "startups": (0,)} | more


def parameters_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what choosers weigh: a talent term that the case sets cell by cell, rent, and size."""
    return BARE | {
        "location.talent_weight": 1.0,
        "location.rent_sensitivity": values["alpha"],
        "location.occupancy_cost_rmb_m2_month": values["occupancy_cost"],
        "location.size_weight": values["size_weight"],
        "births.entry_size": 0.0,
    }


def vary(world: World, values: Mapping[str, Any], seed: int) -> None:
    """Give each cell a utility, a rent and floor space of its own."""
    n, key = world.grid.n_cells, Draws(seed, 0).once("taste")
    drawn = normals(key, 3 * n).reshape(3, n)
    world.log_talent = values["spread"] * drawn[0]
    world.rent = world.reference_rent * np.exp(0.3 * drawn[1])
    world.stock = world.stock * np.exp(0.5 * drawn[2])
    world.vacant = world.stock.copy()


def logit(world: World, values: Mapping[str, Any]) -> np.ndarray:
    """Return the shares of the formula, from the world's cells alone, (n_cells,)."""
    other = values["occupancy_cost"]
    slope = values["alpha"] * (REFERENCE + other) / REFERENCE
    value = world.log_talent - slope * np.log((world.rent + other) / (REFERENCE + other))
    value += values["size_weight"] * np.log(world.vacant)
    weights = np.exp(value - value.max())
    return np.asarray(weights / weights.sum())


def check_logit(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the rows of shares, draws, removal, splitting, rent and rooms."""
    theatre = Theatre(table_of(values), parameters_of(values))
    vary(theatre.world, values, seed)
    expected = logit(theatre.world, values)
    found = theatre.shares(np.zeros(theatre.grid.n_cells))
    rows = [Row("largest distance of a share from its formula", 0.0, float(np.abs(found - expected).max()), 1e-13,
                ROUNDING)]  # fmt: skip
    rows += _drawn_rows(values, expected, seed)
    rows.append(_removal_row(theatre, found))
    rows.append(_splitting_row(values, seed))
    rows.append(_rent_row(theatre, values, found))
    rows.append(_room_row(values, seed))
    return rows


def _drawn_rows(values: Mapping[str, Any], expected: np.ndarray, seed: int) -> list[Row]:
    number, cells = values["choosers"], np.arange(expected.size)
    drawn = enter(values, seed, number)
    taste = best_of_all(np.log(expected), number, Draws(seed, 0).once("liking"))
    counts = np.bincount(drawn, minlength=expected.size)
    shares = [np.searchsorted(np.sort(sample), cells, side="right") / number for sample in (drawn, taste)]
    rate = each(2)
    # two samples of one size, 458 or more: R. Wei and R. Dudley (2012), Statistics & Probability Letters 82, 636-644
    most = math.sqrt(math.log(2.0 / rate) / number)
    return [
        counts_row("share of the draws in the cell where it is least likely", counts, expected, rate),
        Row("distance of the law of the draws from that of the best of all cells with Gumbel tastes", 0.0,
            float(np.abs(shares[0] - shares[1]).max()), most,
            f"bound of Dvoretzky, Kiefer and Wolfowitz for two samples of {number:,}, false alarms {rate:.0e}"),
    ]  # fmt: skip


def enter(values: Mapping[str, Any], seed: int, number: int, limited: bool = False) -> np.ndarray:
    """Return where entrants found rooms, -1 where they found none, (number,)."""
    return _entered(values, seed, number, limited).cells


def _entered(values: Mapping[str, Any], seed: int, number: int, limited: bool) -> Company:
    changes = parameters_of(values) | {"location.unlimited_capacity": not limited}
    company = Company(
        table_of(values, **({"stock_m2": SCARCE_M2, "vacancy_share": 1.0} if limited else {})), changes, seed
    )
    vary(company.world, values, seed)
    ledger = company.world.startups
    firms, states, books = ledger.reserve(number)
    write_entrants(firms, states, books, number, 0, company.par.table, company.draw()("founder"))
    ledger.n = number
    company.enter()
    return company


def _removal_row(theatre: Theatre, before: np.ndarray) -> Row:
    """Take the largest cell away: the ratios of the others stay."""
    cell, vacant = int(before.argmax()), theatre.world.vacant.copy()
    weight = theatre.par.values.location.size_weight
    if weight == 0.0:  # no size to take away: make it worthless
        theatre.world.attraction[:, :, cell] = 0.0
    theatre.world.vacant[cell] = 0.0
    after = theatre.now()
    theatre.world.vacant = vacant
    theatre.shares(np.zeros(theatre.grid.n_cells))
    others = np.arange(before.size) != cell
    ratios = after[others] / before[others] * before[others].sum()
    return Row("share of a cell after another was taken away, over its share among the rest before", 1.0,
               float(ratios[np.abs(ratios - 1.0).argmax()]), 1e-12, ROUNDING)  # fmt: skip


def _splitting_row(values: Mapping[str, Any], seed: int) -> Row:
    """Cut one place into parts: with a size weight of 1 their shares sum to what it had."""
    cells, parts, shares = 6, values["parts"], []
    for cut in (1, parts):
        number = cells - 1 + cut
        theatre = Theatre({"kind": "places", "places": number}, parameters_of(values))
        drawn = normals(Draws(seed, 0).once("taste"), 3 * cells).reshape(3, cells)
        old = np.append(np.arange(cells), np.zeros(cut - 1, dtype=np.int64))
        world = theatre.world
        world.log_talent = values["spread"] * drawn[0][old]
        world.rent = world.reference_rent * np.exp(0.3 * drawn[1][old])
        world.vacant = world.stock * np.exp(0.5 * drawn[2][old]) / np.where(old == 0, cut, 1)
        shares.append(float(theatre.shares(np.zeros(number))[old == 0].sum()))
    factor = parts ** (1.0 - values["size_weight"])
    theory = factor * shares[0] / (1.0 - shares[0] + factor * shares[0])
    return Row(f"share of a place cut into {parts} parts", theory, shares[1], 1e-12, ROUNDING)


def _rent_row(theatre: Theatre, values: Mapping[str, Any], before: np.ndarray) -> Row:
    """Move one rent: the elasticity of the cell's share."""
    # the largest that does not have nearly everybody, whose share hardly answers
    cell = int(np.where(before <= 0.5, before, 0.0).argmax())
    rent, other = theatre.world.rent.copy(), values["occupancy_cost"]
    logs = []
    for sign in (1.0, -1.0):
        theatre.world.rent = rent.copy()
        theatre.world.rent[cell] *= math.exp(sign * STEP)
        logs.append(math.log(theatre.now()[cell]))
    theatre.world.rent = rent
    paid = float(rent[cell])
    theory = (
        -values["alpha"]
        * (REFERENCE + other)
        / REFERENCE
        * paid
        / (paid + other)
        * (1.0 - float(before[cell]))
    )
    return Row("elasticity of a share to its own rent", theory, (logs[0] - logs[1]) / (2.0 * STEP), 1e-7,
               f"difference over 2 x {STEP:g} in log rent")  # fmt: skip


def _room_row(values: Mapping[str, Any], seed: int) -> Row:
    """Send more entrants than there are rooms: no cell is oversold."""
    company = _entered(values, seed, int(40 * PARK_CELLS**2 * values["parks"]), limited=True)
    rows = company.world.startups.whole()
    seated = rows[rows["status"] == ACTIVE]
    used = np.bincount(seated["cell"], weights=seated["area"], minlength=company.world.grid.n_cells)
    over = float((used - company.world.stock).max())
    return Row("floor space let beyond the stock of any cell [m2]", 0.0, max(over, 0.0), 1e-6, ROUNDING)


def draw_logit(values: Mapping[str, Any], seed: int, figure: "Figure") -> None:
    """Draw the share of draws over the share of the formula."""
    theatre = Theatre(table_of(values), parameters_of(values))
    vary(theatre.world, values, seed)
    expected, number = logit(theatre.world, values), values["choosers"]
    counts = np.bincount(enter(values, seed, number), minlength=expected.size)
    ax = figure.subplots()
    top = float(expected.max()) * 1.1
    ax.plot([0.0, top], [0.0, top], color="0.6", linewidth=3, label="theory")
    ax.errorbar(expected, counts / number, 2.0 * np.sqrt(expected * (1 - expected) / number), fmt="o", markersize=4,
                label=f"{number} entrants, ± 2 standard errors")  # fmt: skip
    ax.set(
        xlabel="share of a cell by the formula",
        ylabel="share of the entrants there",
        xlim=(0, top),
        ylim=(0, top),
    )
    ax.legend(loc="lower right")


CASES = (
    Case(
        name="logit",
        title="Choice among cells: shares, draws, removal, splitting, rent, rooms",
        about=(
            "Cells of unlike utility, rent and floor space. Shares are the logit with size term (McFadden 1978); draws of "
            "the zone by Gumbel-max and then of the cell by inversion have the law of the best of all cells; taking a "
            "cell away leaves the ratios of the others; cutting a place into parts leaves its share if the size weight "
            "is 1, and multiplies its odds by parts^(1 - weight) otherwise; the elasticity to the own rent is -alpha (r_1 + "
            "c)/r_1 r/(r + c) (1 - P); and nobody gets rooms that are not there. Under test: location.choice_shares, "
            "location.weigh, location.place_entrants (E5 to E7)."
        ),
        knobs={
            "parks": Knob(6, "parks of four cells", "parks", 2, 100),
            "spread": Knob(0.7, "standard deviation of the utilities of cells", "utils", 0.0, 5.0),
            "alpha": Knob(1.2, "aversion to rent", "utils", 0.0, 20.0),
            "occupancy_cost": Knob(60.0, "other cost of occupancy", "RMB/m2/month", 0.0, 1000.0),
            "size_weight": Knob(1.0, "coefficient of log vacant floor space", "-", 0.0, 1.0),
            "parts": Knob(4, "parts into which a place is cut", "parts", 2, 100),
            "choosers": Knob(20_000, "entrants who draw", "startups", 1000, 1_000_000),
        },
        check=check_logit,
        picture=draw_logit,
    ),
)
