"""Compile the model in two halves, so that two processes can share the wait of a first command.

Compiled code lands in the cache of the machine, where the other process finds it. What a kernel is compiled for
are the types of its arguments, so tiny hand-made states serve.
"""

import numpy as np

from sim.ledger import STARTUP
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
)
from sim.randomness import Draws
from sim.scenario import Scenario
from sim.space import Grid
from sim.terms import Terms
from sim.world import World

MONTH = 0


def compile_places(scenario: Scenario) -> None:
    """Compile births, location and relief: the half of a second process."""
    world, par, terms = _state(scenario)
    world.largest_lease[:] = np.inf
    draw = Draws(1, MONTH)
    choice = location.weigh_region(world, par, terms)
    births.found_startups(world, par, terms, draw)
    location.place_entrants(world, par, terms, choice, draw)
    world.startups["lease_end"][:] = MONTH
    world.startups["born"][:] = MONTH - 100
    location.mark_eligible(world, par, terms, draw)
    programmes.admit(world, par, terms, draw)
    location.move_tenants(world, par, terms, draw)
    births.found_startups(world, par, terms, draw)


def compile_money(scenario: Scenario) -> None:
    """Compile everything else: the half of the process that waits."""
    world, par, terms = _state(scenario)
    draw = Draws(1, MONTH)
    funds.found_funds(world, par, draw)
    access.prepare_access(world, par)
    rows = np.zeros(4, dtype=STARTUP)
    for i, row in enumerate(rows):
        row["uid"], row["heads"], row["area"], row["lease_rent"] = i + 1, 2.0, 30.0, 100.0
        row["ask"], row["search_end"], row["holding"] = 10.0, MONTH + 5, -1
    world.startups.replace(rows)
    land.start_offices(world, par)
    land.clear_offices(world, par, terms)
    access.refresh_fields(world, par, terms)
    compute.clear_market(world, par, terms)
    operations.post_and_release(world, par, terms)
    labour.fill_posts(world, par, terms)
    operations.earn_and_spend(world, par, terms)
    funds.call_capital(world, par, terms)
    finance.close_rounds(world, par, terms, draw)
    exits.end_startups(world, par, terms, draw)
    production.produce(world, par, terms, draw)
    exits.keep_register(world, par, terms, draw)
    land.open_space(world, par, terms)


def _state(scenario: Scenario) -> tuple[World, Parameters, Terms]:
    grid = Grid.of(scenario.world)
    world = World.empty(grid, MONTH)
    world.leased = np.zeros(grid.n_cells)
    policies = Policies(scenario.policies, grid.tables.zone_index, scenario.start)
    world.prepare_for(policies)
    return world, Parameters.of(scenario), policies.in_force(MONTH)
