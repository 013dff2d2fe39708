"""Access: spillovers, diversity, talent and capital over the cells.

Equations
---------
(E1) Heads of a segment radiate: ``A_s = K N_s`` with ``K`` falling as exp(-d/range), of sum 1 over the whole
lattice; what falls outside the grid is lost. ``L_s = ln(1 + A_s/a0)``. Diversity
``J = (1 - sum p_s^2) ln(1 + sum A_s/a0)``, ``p_s = A_s/sum A``. Startups and listed firms are sources.
(E2) Talent access: graduates of each node, weighted by exp(-d/range), with stock-weighted mean 1, to the
power of the campus share.
(E3) Capital access: sizes of the funds weighted by exp(-d/range); its log has stock-weighted mean 0.

The second form of the social term counts startups relative to the mean per cell (``relative``).

References
----------
A. Marshall (1890), Principles of Economics; J. Jacobs (1969), The Economy of Cities.
W. Brock and S. Durlauf (2001), Discrete choice with social interactions, Review of Economic Studies 68,
235-260, doi:10.1111/1467-937X.00168 (the relative form).
"""

import functools
import math

import numpy as np

from sim.compiled import exps, kernel, log, logs
from sim.ledger import ACTIVE, LISTED
from sim.space import Grid, decay, spread, spread_one, sum_rows, total
from sim.world import exact

RELATIVE = 1
BLOCK = 512  # rows


def prepare_access(world, par) -> None:
    """Compute what levers alone can change: access to talent and to capital (writes log_talent, log_capital)."""
    world.log_talent = access_to_talent(world, par)
    world.log_capital = capital(world, par.values.access.capital_range_km)


def refresh_fields(world, par, terms) -> None:
    """Recompute the fields from where heads are now (writes spillovers, log_spillovers, diversity, heads).

    Where other flats are let than last month, access to talent is weighed anew (writes housing, log_talent).
    """
    if (total(terms.housing) or total(world.housing)) and not np.array_equal(terms.housing, world.housing):
        world.housing = terms.housing.copy()
        world.log_talent = access_to_talent(world, par)
    relative = par.values.location.social_form == RELATIVE
    sources = heads_by_cell(world.startups.parts[0], world.grid.n_cells, relative)
    heads = heads_by_cell(world.startups.parts[0], world.grid.n_cells, False) if relative else sources
    sum_rows(heads, world.heads)
    matrix = spillover_matrix(world.grid, par.values.access.spillover_range_km, cut_of(par))
    spread(matrix, sources, world.spillovers)
    if relative:
        others = 0.0 if par.values.access.self_spillover else 1.0
        relative_counts(world.spillovers, sources, others, world.log_spillovers, world.diversity)
    else:
        log_fields(
            world.spillovers, par.values.access.spillover_scale_heads, world.log_spillovers, world.diversity
        )
    firms, states, _ = world.startups.parts
    own = own_weights(world.grid, par.values.access.spillover_range_km, cut_of(par))
    receive(firms, states, par.table, own, relative, world.spillovers, world.log_spillovers,
            world.diversity)  # fmt: skip
    attract(world, par, world.attraction)


def note_seats(world, par, terms) -> None:
    """Recompute access to capital when funds have changed their seats (writes log_capital)."""
    if terms.seats:
        world.log_capital = capital(world, par.values.access.capital_range_km)


def attract(world, par, out: np.ndarray) -> None:
    """Write exp of the utility without rent into `out`, (4, 2, n_cells)."""
    _attract(
        par.table,
        world.log_spillovers,
        world.diversity,
        world.log_talent,
        world.log_capital,
        world.residual,
        world.grid.zone,
        out,
    )


def access_to_talent(world, par) -> np.ndarray:
    """Return ln T: access to graduates, and to people who live in talent housing, (n_cells,).   (E2)"""
    access = par.values.access
    log_talent = access.campus_share * log_of(talent(world, access.talent_range_km))
    if not world.housing.any():
        return log_talent
    grid = world.grid
    reach = decay(grid.reach_of_zones, access.housing_range_km, np.inf)
    near = 1.0 + spread_one(reach, world.housing) / access.housing_scale_units
    return log_talent + (1.0 - access.campus_share) * log_of(near)


def talent(world, range_km: float) -> np.ndarray:
    """Return access to graduates with stock-weighted mean 1, (n_cells,).   (E2)"""
    grid, stock = world.grid, first_stock(world.grid)
    graduates = world.nodes["graduates_per_year"][:-2].copy()
    if not graduates.any():
        return np.ones(grid.n_cells)
    reach = decay(grid.reach_of_nodes, range_km, np.inf)
    access = spread_one(reach, graduates)
    return access * (total(stock) / total(stock * access))


def capital(world, range_km: float) -> np.ndarray:
    """Return log closeness to funds with stock-weighted mean 0, (n_cells,).   (E3)"""
    grid, stock = world.grid, first_stock(world.grid)
    sizes = np.zeros(grid.n_zones)
    for fund in world.funds:
        sizes[fund.seat] += fund.base_commitment
    if not sizes.any():
        return np.zeros(grid.n_cells)
    reach = decay(grid.reach_of_zones, range_km, np.inf)
    access = log_of(spread_one(reach, sizes))
    return access - total(stock * access) / total(stock)


def first_stock(grid: Grid) -> np.ndarray:
    """Return the floor space of the world's table, by which means are weighed whatever opens later, (n_cells,)."""
    return grid.spread_stock(grid.zone_values("stock_m2"))


def cut_of(par) -> float:
    """Return the distance beyond which spillovers are cut [km]; infinity if they are not."""
    cut = par.values.access.spillover_cut_km
    return np.inf if math.isnan(cut) else cut


@functools.lru_cache(maxsize=8)
def spillover_matrix(grid: Grid, range_km: float, cut_km: float) -> np.ndarray:
    """Return K, (n_cells, n_cells); row j holds what one head in cell j gives to each cell."""
    return decay(grid.cell_distance, range_km, cut_km) / grid.kernel_sum(range_km, cut_km)


@functools.lru_cache(maxsize=8)
def own_weights(grid: Grid, range_km: float, cut_km: float) -> np.ndarray:
    """Return what one head gives to its own cell, (n_cells,)."""
    return spillover_matrix(grid, range_km, cut_km).diagonal().copy()


@kernel
def heads_by_cell(firms, n_cells, count):
    """Return heads by segment and cell (startups instead of heads if `count`), (4, n_cells)."""
    out = np.zeros((4, n_cells))
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status == ACTIVE or firm.status == LISTED:
            out[firm.segment, firm.cell] += 1.0 if count else exact(firm.heads)
    return out


@kernel
def mixture(one, two, three, four):
    """Return sum A, and 1 - sum p^2 with p = A/sum A (0 where nobody is, or so far that the square of A is 0).   (E1)"""
    whole = one + two + three + four
    squares = one * one + two * two + three * three + four * four
    return whole, 1.0 - squares / (whole * whole) if whole * whole > 0.0 else 0.0


@kernel
def diversity(one, two, three, four, scale):
    """J = (1 - sum p^2) ln(1 + sum A / a0)   (E1)"""
    whole, mixed = mixture(one, two, three, four)
    return mixed * log(1.0 + whole / scale)


@kernel
def log_fields(field, scale, out, jacobs):
    """L = ln(1 + A / a0) and J, cell by cell."""
    ratio, mixed = np.empty(jacobs.size), np.empty(jacobs.size)
    for s in range(4):
        for c in range(ratio.size):
            ratio[c] = 1.0 + field[s, c] / scale
        logs(ratio, out[s])
    for c in range(ratio.size):
        whole, mixed[c] = mixture(field[0, c], field[1, c], field[2, c], field[3, c])
        ratio[c] = 1.0 + whole / scale
    logs(ratio, jacobs)
    for c in range(ratio.size):
        jacobs[c] *= mixed[c]


@kernel
def relative_counts(field, counts, others, out, jacobs):
    """n / nbar by segment; nbar = (N - others) / n_cells."""
    n_cells = field.shape[1]
    for s in range(4):
        number = 0.0
        for c in range(n_cells):
            number += counts[s, c]
        mean = max(number - others, 1.0) / n_cells
        for c in range(n_cells):
            out[s, c] = field[s, c] / mean
    jacobs[:] = 0.0


@kernel
def receive(firms, states, par, own_weight, relative, field, log_field, jacobs):
    """Give each firm the fields at its cell, without its own part unless it counts itself.   (E1)

    Rows are taken in blocks, because logarithms come several at a time.
    """
    access = par[0].access
    scale, plain, by_cell = access.spillover_scale_heads, access.self_spillover or relative, field.T.copy()
    others, own_kind, everybody = np.empty((BLOCK, 4)), np.empty(BLOCK), np.empty(BLOCK)
    rows, mixed = np.empty(BLOCK, dtype=np.int64), np.empty(BLOCK)
    log_own, log_all = np.empty(BLOCK), np.empty(BLOCK)
    for begin in range(0, firms.shape[0], BLOCK):
        n = 0
        for i in range(begin, min(begin + BLOCK, firms.shape[0])):
            firm = firms[i]
            if firm.status != ACTIVE and firm.status != LISTED:
                continue
            s, c = np.int64(firm.segment), firm.cell
            if firm.counted_as != s:  # a row that is not written need not go back to memory
                firm.counted_as = s
            if plain:
                without, state = not access.self_spillover and field[s, c] > 0.0, states[i]
                share = 1.0 - own_weight[c] / field[s, c] if without else 1.0
                state.spillover, state.diversity = log_field[s, c] * share, 0.0 if without else jacobs[c]
                continue
            for k in range(4):
                others[n, k] = by_cell[c, k]
            others[n, s] -= min(own_weight[c] * firm.heads, others[n, s])
            own_kind[n], rows[n] = 1.0 + others[n, s] / scale, i
            n += 1
        for k in range(n):
            whole, mixed[k] = mixture(others[k, 0], others[k, 1], others[k, 2], others[k, 3])
            everybody[k] = 1.0 + whole / scale
        logs(own_kind[:n], log_own[:n])
        logs(everybody[:n], log_all[:n])
        for k in range(n):
            state = states[rows[k]]
            state.spillover, state.diversity = log_own[k], mixed[k] * log_all[k]


@kernel
def _attract(par, spill, jacobs, log_talent, log_capital, residual, zone, out):
    """exp(b_M L + b_J J + b_T ln T + b_W ln W + residual)   (part of E5)"""
    location, n = par[0].location, jacobs.size
    late = location.capital_weight * location.late_capital_share
    early_factor, late_factor, utility, value = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    exps(location.capital_weight * log_capital, early_factor)
    exps(late * log_capital, late_factor)
    for s in range(4):
        for c in range(n):
            place = location.diversity_weight * jacobs[c] + location.talent_weight * log_talent[c]
            utility[c] = place + residual[zone[c]] + location.spillover_weight * spill[s, c]
        exps(utility, value)
        for c in range(n):
            out[s, 0, c] = value[c] * early_factor[c]
            out[s, 1, c] = value[c] * late_factor[c]


@kernel
def log_of(values):
    """Return the logarithm of each value."""
    out = np.empty(values.size)
    for i in range(values.size):
        out[i] = log(values[i])
    return out
