"""The first month of a made world: startups as they are given, without a history.

All begin work in that month, in rooms of the size that they need, with lease ends spread over the length of a first
lease, and with the segment, quality and cash of a founder. Founding, funds, leases and markets follow from there by
the equations of the model; the labour market begins in balance with the posts of the first month, or with the
people that the world says.
"""

import numpy as np

from sim.compiled import kernel, log
from sim.ledger import ACTIVE, INITIAL
from sim.places import WorldError
from sim.processes import access, births, funds, land, location, operations
from sim.randomness import Draws, identity, normal, pick, uniform
from sim.space import Grid, total
from sim.terms import Terms
from sim.world import World

BEFORE = -1  #: month in which funds are drawn, so that no dated parameter reaches them


def given_world(grid: Grid, par, terms: Terms, seed: int) -> World:
    """Return the state before month 0 as the world's table gives it; its markets are still to be opened.

    Raises
    ------
    WorldError
        If the startups of a zone do not fit into it.
    """
    world = World.empty(grid, BEFORE)
    funds.found_funds(world, par, Draws(seed, BEFORE))
    access.prepare_access(world, par)
    world.month = 0
    draw = Draws(seed, 0)
    settle(world, par, draw)
    begin_seekers(world, par, terms)
    return world


def settle(world: World, par, draw: Draws) -> None:
    """Add the startups of each zone, spread over its cells by floor space (writes startups, leased).

    They are addressed by the position of the zone, so that its name decides nothing.
    """
    grid, counts = world.grid, np.array(world.grid.tables.startups, dtype=np.int64)
    cells, uids = [], []
    for z in range(grid.n_zones):
        here = cells_of(grid, z, int(counts[z]), draw.once("start"))
        cells.append(here)
        uids.append(identities(np.uint64(z + 1), here.size))
    number = int(counts.sum())
    firms, states, books = world.startups.reserve(number)
    write_startups(firms, states, books, world.startups.n, np.concatenate(cells), np.concatenate(uids),
                   world.rent, par.table, draw.once("start"))  # fmt: skip
    world.startups.n += number
    world.leased = land.startup_area(world.startups.parts[0], grid.n_cells)
    short = grid.zone_sums(np.maximum(world.leased - world.stock, 0.0))
    if short.any() and not par.values.location.unlimited_capacity:
        z = int(short.argmax())
        raise WorldError(
            f"zone {grid.tables.zones[z].id!r} has not enough floor space for its {counts[z]} startups: "
            f"raise stock_m2 or take fewer"
        )


def cells_of(grid: Grid, z: int, number: int, key) -> np.ndarray:
    """Return the cells of `number` startups of a zone, (number,).

    Each cell gets the whole part of its share; the rest go one each to cells drawn by what is left of theirs, as
    the first arrivals among exponential clocks.
    """
    first, last = grid.first[z], grid.first[z + 1]
    quota = number * grid.spread[first:last]
    whole = np.floor(quota + 1e-9).astype(np.int64)
    left = np.maximum(quota - whole, 0.0)
    more = arrivals(left, np.uint64(first), key)[: number - int(whole.sum())]
    whole[more] += 1
    return np.repeat(np.arange(first, last), whole)


def begin_seekers(world: World, par, terms: Terms) -> None:
    """Give the labour market the people that the posts of the first month need (writes labour).

    With X posts and the resting tightness there are U = X/tightness seekers, and as many come in a month as leave or
    are hired. A world that states how many come has the seekers with whom that inflow is in balance without posts.
    """
    stated = world.grid.tables.settings["inflow_heads_month"]
    market, labour = world.labour[0], par.values.labour
    if stated is not None:
        market.usual_inflow = stated
        market.seekers = stated / labour.leaving_per_month if labour.leaving_per_month > 0 else stated
        return
    trial = world.copy()
    access.refresh_fields(trial, par, terms)
    land.start_offices(trial, par)
    operations.post_and_release(trial, par, terms)
    posts = total(trial.posts)
    pool = posts / labour.tightness if labour.tightness > 0 else 0.0
    hires = min(posts, pool, labour.matching_constant * float(np.sqrt(pool * posts)))
    market.seekers = pool - hires
    market.usual_inflow = hires + labour.leaving_per_month * (pool - hires)


@kernel
def identities(zone, number):
    """Return the uids of the startups of a zone, (number,)."""
    out = np.empty(number, dtype=np.uint64)
    for slot in range(number):
        out[slot] = identity(zone, np.uint64(0), np.uint64(slot))
    return out


@kernel
def arrivals(weights, first, key):
    """Return positions in the order of the arrivals of exponential clocks of these rates; 0 never rings."""
    times = np.full(weights.size, np.inf)
    for c in range(weights.size):
        if weights[c] > 0.0:
            times[c] = -log(uniform(key, first + np.uint64(c), 1)) / weights[c]
    return np.argsort(times)


@kernel
def write_startups(firms, states, books, n, cells, uids, rent, par, key):
    """Append startups at work in these cells since this month."""
    born, operations, places = par[0].births, par[0].operations, par[0].location
    for i in range(cells.size):
        firm, state, book, uid = firms[n + i], states[n + i], books[n + i], uids[i]
        segment = np.int64(pick(uniform(key, uid, 0), born.entrant_segments))
        log_quality = born.quality_sd * normal(key, uid, 1)
        births.write_founder(firm, state, book, uid, np.uint64(0), segment, log_quality, INITIAL, -1, 0, born,
                             operations, key)  # fmt: skip
        length = location.lease_length(firm.stage, places)
        firm.status, firm.cell, firm.area = ACTIVE, cells[i], location.needed_area(firm.heads, places)
        firm.lease_end = np.int64(uniform(key, uid, 3) * length) + 1
        state.lease_rent = rent[cells[i]]
