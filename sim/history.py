"""The history that leads to the first month, so that a run begins in balance.

From an empty region the full model runs with rents and vacancy held, growing founding and fund commitments,
and no policy. In its last years a residual of each zone adapts until startups stand where the world's table
says; it is then shrunk by the number of startups that speak for it. At the end the startups are thinned or
cloned, zone by zone, to the number of the first month: whole rows, so that stage, cash, heads and lease clocks
stay together.

A made world that gives its startups has no history (sim/given.py).

The state depends on the scenario's undated parameters and the seed only. It is kept and copied, never re-run,
for all scenarios that differ in dated things.
"""

import collections
import threading

import numpy as np

from sim.compiled import exp, kernel, log
from sim.given import given_world
from sim.language import _
from sim.ledger import ACTIVE, turns
from sim.policy import Policies
from sim.problems import Problem, ScenarioError
from sim.processes import (
    access,
    births,
    compute,
    exits,
    finance,
    funds,
    labour,
    land,
    location,
    operations,
    production,
)
from sim.randomness import Draws, combine, uniform
from sim.space import Grid, total
from sim.terms import Terms
from sim.world import World, floor_exact

UNIFORM = 1
KEPT_STATES = 8
#: states are keyed by all that they depend on, and only copies leave this module
_states: "collections.OrderedDict[tuple[str, int, float], World]" = collections.OrderedDict()
_lock = threading.Lock()  #: threads may run models side by side, as those of a Dask worker do


def first_month(scenario, par, seed: int, cell_km: float | None = None) -> World:
    """Return the state before month 0, an own copy.

    Parameters
    ----------
    scenario, par
        The scenario and its parameters.
    seed
        Seed of the run.
    cell_km
        Size of the cells; absent: the world's own.

    Raises
    ------
    ScenarioError
        If startups are asked for and the history leads to none.
    """
    grid = Grid.of(scenario.world, cell_km)
    key = (scenario.history_fingerprint, seed, grid.cell_km)
    with _lock:
        world = _states.get(key)
    if world is None:
        world = live_history(grid, par, seed)  # two threads that ask for the same state at once both live it
        require_startups(scenario, world)
    with _lock:
        _states[key] = world
        _states.move_to_end(key)
        while len(_states) > KEPT_STATES:
            _states.popitem(last=False)
    return world.copy()


def require_startups(scenario, world: World) -> None:
    """Raise ScenarioError if startups of the first month had to come out of the history, and none did."""
    initial, given = scenario.initial, world.grid.tables.startups is not None
    if given or not initial.startups or (world.startups["status"] == ACTIVE).any():
        return
    if not any(zone.vacancy_share * zone.stock_m2 for zone in world.grid.tables.zones):
        message = _("no zone has vacant floor space (vacancy_share), so that no startup finds rooms")
        raise ScenarioError([Problem(scenario.id, None, None, "world", message)])
    message = _(
        "a history of {months} months leads to no startup, and so to none of the {startups} of the first month: "
        "lengthen it, or let more be founded"
    )
    message = message.format(months=initial.history_months, startups=initial.startups)
    raise ScenarioError([Problem(scenario.id, None, None, "initial.history_months", message)])


def live_history(grid: Grid, par, seed: int) -> World:
    """Return the state before month 0, by running the history, or as a made world gives it."""
    terms = Policies((), grid.tables.zone_index, "2000-01").in_force(0)
    if grid.tables.startups is not None:
        world = given_world(grid, par, terms, seed)
        open_markets(world, par, terms)
        return world
    world = World.empty(grid, -par.values.initial.history_months)
    funds.found_funds(world, par, Draws(seed, world.month))
    access.prepare_access(world, par)
    shares = target_shares(grid, par)
    while world.month < 0:
        live_month(world, par, terms, Draws(seed, world.month))
        if shares is not None and world.month >= -par.values.initial.residual_months:
            adapt_residuals(world, par, shares)
        world.month += 1
    begin(world, par, terms, seed, shares)
    return world


def live_month(world: World, par, terms: Terms, draw: Draws) -> None:
    """Advance the history by one month: the step of the model without land and policy."""
    world.begin_month()
    world.scale = float(exp(par.values.initial.history_growth_per_month * world.month))
    access.refresh_fields(world, par, terms)
    compute.clear_market(world, par, terms)
    operations.post_and_release(world, par, terms)
    labour.fill_posts(world, par, terms)
    operations.earn_and_spend(world, par, terms)
    funds.call_capital(world, par, terms)
    finance.close_rounds(world, par, terms, draw)
    exits.end_startups(world, par, terms, draw)
    production.produce(world, par, terms, draw)
    choice = location.weigh_region(world, par, terms)
    births.found_startups(world, par, terms, draw)
    location.place_entrants(world, par, terms, choice, draw)
    location.move_tenants(world, par, terms, draw)
    exits.keep_register(world, par, terms, draw)


def target_shares(grid: Grid, par) -> np.ndarray | None:
    """Return the startups of each zone as shares: of the table; None where they are left to floor space."""
    if par.values.initial.start_from == UNIFORM:
        return None
    shares = grid.zone_values("initial_share")
    return shares / total(shares)


def adapt_residuals(world: World, par, shares: np.ndarray) -> None:
    """Move each zone's residual towards its share of startups.   xi += k ln((share N + 2)/(n + 2))"""
    counts = startups_by_zone(world.startups.parts[0], world.grid.zone, world.grid.n_zones)
    move_residuals(world.residual, counts, shares, par.values.initial.residual_speed)


def begin(world: World, par, terms: Terms, seed: int, shares: np.ndarray | None) -> None:
    """Turn the end of the history into the state before month 0."""
    world.month, world.scale = 0, 1.0
    world.begin_month()
    shrink_residuals(world, par, shares)
    before = startups_by_zone(world.startups.parts[0], world.grid.zone, world.grid.n_zones)
    represent(world, par, terms, Draws(seed, 0), shares)
    scale = par.values.initial.startups / max(total(before), 1.0)
    labour.begin_labour(world, par, scale)
    open_markets(world, par, terms)


def open_markets(world: World, par, terms: Terms) -> None:
    """Begin month 0 with the startups that are there: leases, accounts, offices, fields, compute, appeal."""
    cell, lease_rent = world.startups["cell"], world.startups["lease_rent"]
    lease_rent[cell >= 0] = world.reference_rent[cell[cell >= 0]]
    begin_accounts(world)
    land.start_offices(world, par)
    access.refresh_fields(world, par, terms)
    compute.begin_compute(world, par)
    location.weigh_region(world, par, terms)
    world.reference_appeal = world.appeal.copy()


def begin_accounts(world: World) -> None:
    """Count flows from here: deals, caps, and the funds' money."""
    world.gone.n = 0
    world.deals.n = 0
    world.caps[:] = 0
    funds = world.funds
    funds["committed"] = funds["uncalled"] + funds["purse"]
    for flow in ("invested", "returned", "recycled"):
        funds[flow] = 0.0


def shrink_residuals(world: World, par, shares: np.ndarray | None) -> None:
    """Believe a residual as far as startups speak for it; a zone without any takes its belt's.

    xi <- xi n/(n + 25), n = startups of the zone at the start; a zone whose share is 0 takes the stock-weighted
    mean of the other zones of its belt.
    """
    if shares is None:
        world.residual[:] = 0.0
        return
    expected = par.values.initial.startups * shares
    if par.values.initial.residual_shrinkage > 0:
        world.residual *= expected / (expected + par.values.initial.residual_shrinkage)
    zones = world.grid.tables.zones
    for z in np.flatnonzero(shares == 0):
        same = [k for k, zone in enumerate(zones) if zone.belt == zones[z].belt and shares[k] > 0]
        stocks = np.array([zones[k].stock_m2 for k in same])
        world.residual[z] = total(world.residual[same] * stocks) / total(stocks) if same else 0.0


def represent(world: World, par, terms: Terms, draw: Draws, shares: np.ndarray | None) -> None:
    """Thin or clone the startups of each zone to the number of the first month (writes startups).

    In each zone the m startups stand by (stage, segment, random priority), and the rows floor((j + u) m/n),
    j = 0 .. n - 1, are taken: one rule that keeps the mix. A zone without startups takes rows of its belt.
    Listed, dormant and waiting firms are kept whole.
    """
    grid, rows = world.grid, world.startups.whole()
    if shares is None:
        stock = grid.zone_values("stock_m2")
        shares = stock / total(stock)
    wanted = largest_remainder(shares * par.values.initial.startups, par.values.initial.startups)
    active, zone = rows["status"] == ACTIVE, grid.zone[rows["cell"]]
    belt = np.array([other.belt for other in grid.tables.zones])
    kept, clones = [rows[~active]], []
    for z in range(grid.n_zones):
        own = np.flatnonzero(active & (zone == z))
        foreign = own.size == 0
        if foreign:
            own = np.flatnonzero(active & np.isin(zone, np.flatnonzero(belt == belt[z])))
            own = own if own.size else np.flatnonzero(active)
        if own.size == 0 or wanted[z] == 0:
            continue
        taken, copies = take_rows(rows, own, int(wanted[z]), draw.once("rescale"), z)
        original = (copies == 0) & (not foreign)
        kept.append(taken[original])
        clones.append((z, foreign, rename(taken[~original], copies[~original], z)))
    world.startups.replace(np.concatenate(kept))
    world.leased = land.startup_area(world.startups.parts[0], grid.n_cells)
    choice = location.Choice(world, par, terms, np.zeros(1, dtype=np.int64))
    for z, foreign, group in clones:
        house(world, par, group, z, choice.weights[:, 0, 0] if foreign else None, draw.once("rescale"))


def take_rows(rows: np.ndarray, own: np.ndarray, number: int, key, z: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `number` of the rows `own`, spread evenly over their order, and which copy of its row each is."""
    priority = turns(rows, own, key)
    order = own[np.lexsort((rows["uid"][own], priority, rows["segment"][own], rows["stage"][own]))]
    u = uniform(key, np.uint64(z), 1)
    places = np.floor((np.arange(number) + u) * own.size / number).astype(np.int64)
    places = np.minimum(places, own.size - 1)
    copies = np.arange(number) - np.searchsorted(places, places)
    return rows[order[places]].copy(), copies


def rename(clones: np.ndarray, copies: np.ndarray, z: int) -> np.ndarray:
    """Give clones identities of their own: hash(uid of the row, copy, zone)."""
    for i in range(len(clones)):
        address = np.uint64(copies[i] + (z << 32))
        clones["uid"][i] = combine(clones["uid"][i], address) >> np.uint64(1)
    return clones


def house(world: World, par, clones: np.ndarray, z: int, weights: np.ndarray | None, key) -> None:
    """Add clones to zone z: in their row's cell, or by cell weights where rows come from another zone.

    One that does not fit there goes to the zone's cell with most room, and if that is not enough takes what there is:
    crowded, it will look for rooms from the first month on.
    """
    first, last = world.grid.first[z], world.grid.first[z + 1]
    for clone in clones:
        if weights is not None:
            row = weights[clone["segment"]]
            target = uniform(key, clone["uid"], 2) * total(row[first:last])
            clone["cell"] = location.cell_at(target, first, last, row)
        free = world.stock[first:last] - world.leased[first:last]
        if free[clone["cell"] - first] < clone["area"]:
            clone["cell"] = first + int(np.argmax(free))
            if not par.values.location.unlimited_capacity:
                clone["area"] = min(clone["area"], floor_exact(max(free.max(), 0.0)))
        world.leased[clone["cell"]] += clone["area"]
    ledger = world.startups
    ledger.replace(np.concatenate([ledger.whole(), clones]))


def largest_remainder(quotas: np.ndarray, total: int) -> np.ndarray:
    """Return whole numbers of sum `total` nearest to the quotas; ties go to the first."""
    whole = np.floor(quotas).astype(np.int64)
    rest = quotas - whole
    whole[np.argsort(-rest, kind="stable")[: total - whole.sum()]] += 1
    return whole


@kernel
def startups_by_zone(firms, zone, n_zones):
    """Return the number of startups in each zone."""
    out = np.zeros(n_zones)
    for i in range(firms.shape[0]):
        if firms[i].status == ACTIVE:
            out[zone[firms[i].cell]] += 1.0
    return out


@kernel
def move_residuals(residual, counts, shares, speed):
    """xi += speed ln((share N + 2)/(n + 2))"""
    number = 0.0
    for z in range(counts.size):
        number += counts[z]
    for z in range(counts.size):
        residual[z] += speed * log((shares[z] * number + 2.0) / (counts[z] + 2.0))
