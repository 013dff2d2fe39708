"""Compile the model step by step, so that two processes can share the wait of a first command.

Compiled code lands in the cache of the machine, where the other process finds it. What a kernel is compiled for
are the types of its arguments, so tiny hand-made states serve. No two steps have a long kernel in common.
"""

import gc
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from sim import history, record
from sim.ledger import ACTIVE, STARTUP, turns
from sim.parameters import Parameters
from sim.policy import Policies
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
    programmes,
    rent_cuts,
)
from sim.randomness import Draws
from sim.scenario import Scenario
from sim.space import Grid
from sim.world import World

MONTH = 0
DRAW = Draws(1, MONTH)
FIRMS = 4
LARGE = 1e9  #: heads of a firm that surely has spin-offs


def compile_finance(world: World, par, terms) -> None:
    finance.close_rounds(world, par, terms, DRAW)


def compile_rooms(world: World, par, terms) -> None:
    world.largest_lease[:] = np.inf
    choice = location.weigh_region(world, par, terms)
    births.found_startups(world, par, terms, DRAW)
    location.place_entrants(world, par, terms, choice, DRAW)
    world.startups["lease_end"][:] = MONTH
    rent_cuts.mark_eligible(world, par, terms, DRAW)
    programmes.admit(world, par, terms, DRAW)
    location.move_tenants(world, par, terms, DRAW)


def compile_operations(world: World, par, terms) -> None:
    operations.post_and_release(world, par, terms)
    operations.earn_and_spend(world, par, terms)


def compile_births(world: World, par, terms) -> None:
    world.startups["heads"][:], world.startups["born"][:] = LARGE, MONTH - 100
    births.found_startups(world, par, terms, DRAW)


def compile_exits(world: World, par, terms) -> None:
    exits.end_startups(world, par, terms, DRAW)
    exits.keep_register(world, par, terms, DRAW)


def compile_ledger(world: World, par, terms) -> None:
    firms, rows = world.startups.parts[0], np.arange(1)
    turns(firms, rows, DRAW("turn"))
    turns(world.startups.whole(), rows, DRAW("turn"))
    world.begin_month()
    world.startups.give(rows, world.former)
    world.gone.take(world.former, rows)


def compile_land_and_history(world: World, par, terms) -> None:
    history.adapt_residuals(world, par, np.ones(world.grid.n_zones))
    land.start_offices(world, par)
    land.clear_offices(world, par, terms)
    land.open_space(world, par, terms)


def compile_record(world: World, par, terms) -> None:
    world.month = MONTH + 1
    record.Recorder(MONTH, 1, world.grid.n_zones, ()).record(world, None)


def compile_access(world: World, par, terms) -> None:
    access.prepare_access(world, par)
    access.refresh_fields(world, par, terms)


def compile_markets(world: World, par, terms) -> None:
    compute.clear_market(world, par, terms)
    labour.fill_posts(world, par, terms)
    production.produce(world, par, terms, DRAW)


def compile_funds(world: World, par, terms) -> None:
    funds.found_funds(world, par, DRAW)
    funds.call_capital(world, par, terms)


#: the compiler makes objects by the million, and most of them stay: looking for rubbish seldom saves an eighth of the time
SELDOM = (200_000, 50, 1000)
#: those that take longest first
STEPS = (compile_finance, compile_rooms, compile_operations, compile_births, compile_exits, compile_access,
         compile_markets, compile_ledger, compile_record, compile_land_and_history, compile_funds)  # fmt: skip


def compile_steps(scenario: Scenario, turns: Connection | None = None) -> None:
    """Compile what no other process has begun with.

    Parameters
    ----------
    scenario
        Any scenario.
    turns
        End of a pipe that holds the number of each step as a byte, shared by processes; absent: this process does all.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        for k in range(len(STEPS)) if turns is None else _taken(turns):
            STEPS[k](*_state(scenario))
    finally:
        gc.set_threshold(*usual)


def _taken(turns: Connection) -> Iterator[int]:
    while taken := os.read(turns.fileno(), 1):
        yield taken[0]


def _state(scenario: Scenario) -> tuple[World, Any, Any]:
    """Return a world with a few startups without rooms, parameters and terms."""
    grid, par = Grid.of(scenario.world), Parameters.of(scenario)
    world = World.empty(grid, MONTH)
    world.leased = np.zeros(grid.n_cells)
    policies = Policies(scenario.policies, grid.tables.zone_index, scenario.start)
    world.prepare_for(policies)
    terms = policies.in_force(MONTH)
    rows = np.zeros(FIRMS, dtype=STARTUP)
    rows["uid"], rows["status"], rows["heads"] = 1 + np.arange(FIRMS), ACTIVE, 2.0
    rows["area"], rows["lease_rent"], rows["ask"] = 30.0, 100.0, 10.0
    rows["search_end"], rows["holding"] = MONTH + 5, -1
    world.startups.replace(rows)
    return world, par, terms
