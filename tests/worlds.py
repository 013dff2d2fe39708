"""Worlds for tests: those made by hand that ``sim verify`` uses too, and more."""

import numpy as np

from sim.history import first_month
from sim.levers import RentCut
from sim.parameters import Parameters
from sim.processes.compute import bill_of
from sim.space import Grid
from sim.verify.worlds import (
    APP,
    BASE,
    EMB,
    LONG,
    MODEL,
    OPC,
    entrants,
    funds,
    grid_of,
    leave_vacant,
    lever,
    parameters,
    same,
    scenario,
    settle,
    startups,
    terms_of,
    town,
    zone,
)
from sim.world import World

__all__ = ["APP", "BASE", "EMB", "LONG", "MODEL", "OPC", "at_price", "entrants", "funds", "grid_of", "leave_vacant", "lever",
           "parameters", "rent_cut", "same", "scenario", "settle", "start_world", "startups", "terms_of", "town",
           "town_with_factories", "varied", "zone"]  # fmt: skip


def start_world(seed: int = 1, name: str = "baseline") -> World:
    """Return an own copy of the state before month 0 of a shipped scenario."""
    return first_month(scenario(name), Parameters.of(scenario(name)), seed)


def rent_cut(id: str, zones: tuple[str, ...], share: float, start: str = "2025-01", **limits) -> RentCut:
    """Return a rent cut from the first month on."""
    return RentCut(id=id, kind="rent-cut", zones=zones, share=share, from_=start, **limits)


def varied(world: World, seed: int = 0) -> World:
    """Give every cell its own rent, vacancy, access and residual, at random."""
    rng = np.random.default_rng(seed)
    n = world.grid.n_cells
    world.rent = world.reference_rent * np.exp(rng.normal(0.0, 0.3, n))
    world.vacant = world.stock * rng.uniform(0.05, 0.5, n)
    world.log_talent = rng.normal(0.0, 0.5, n)
    world.log_capital = rng.normal(0.0, 0.5, n)
    world.residual = rng.normal(0.0, 0.5, world.grid.n_zones)
    return leave_vacant(world, world.vacant)


def at_price(world: World, price: float, par: Parameters) -> World:
    """Let compute cost that much, relative to the national price of the first month."""
    world.compute["price"], world.compute["bill"] = price, bill_of(price, par.table)
    return world


def town_with_factories() -> Grid:
    """Return a town of two zones of one cell each, the second of which has space for factories."""
    cells = [(0.25, 0.25, 0, 1.0), (0.75, 0.25, 1, 1.0)]
    grid = grid_of(cells, [zone("offices", 1e9), zone("works", 1e9, belt="works")])
    grid.tables.settings["belts"] = {"works": {"factory_space": True}}
    return grid
