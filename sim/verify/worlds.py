"""Small worlds made by hand, whose answer theory knows: grids, startups, funds, and the terms of a month.

Nothing here is random but by address, so that a world is the same wherever it is made.
"""

import functools
import pathlib
from typing import Any

import numpy as np

from sim.ledger import ACTIVE, INDEPENDENT, LISTED, NEVER, STARTUP, WAITING
from sim.levers import LEVERS, Lever
from sim.parameters import Parameters
from sim.places import Node, WorldTables, Zone
from sim.policy import Policies
from sim.processes import location
from sim.randomness import Draws
from sim.scenario import Scenario
from sim.space import Grid
from sim.terms import Terms
from sim.world import ACCOUNT, FUND, GUIDED_PURSE, World

OPC, APP, MODEL, EMB = range(4)
LONG = 10_000  #: a month after every case
BASE = "base_commitment"  #: field of a fund's base commitment
MOST_LEVERS = 8  #: accounts of a world made by hand
LATTICE = 100  #: columns and rows of a lattice made by hand


@functools.cache
def scenario(name: str = "baseline") -> Scenario:
    """Return a shipped scenario."""
    return Scenario.load(name)


def parameters(changes: dict[str, Any] | None = None) -> Parameters:
    """Return the parameters of the baseline with other values, by dotted key."""
    return Parameters.of(scenario().with_values(changes or {}))


def terms_of(grid: Grid, levers: tuple = (), month: int = 0, start: str = "2025-01") -> Terms:
    """Return what levers offer in a month."""
    return Policies(levers, grid.tables.zone_index, start).in_force(month)


def lever(kind: str, **fields: Any) -> Lever:
    """Return a lever in force from the first month on, with its kind as its id unless another is given."""
    return LEVERS[kind](**({"id": kind, "kind": kind, "from_": "2025-01"} | fields))


def zone(id: str, stock_m2: float, rent: float = 150.0, vacancy: float = 0.2, **more: Any) -> Zone:
    """Return a zone of a world made by hand."""
    values: dict[str, Any] = {"name": id, "name_zh": id, "lat": 0.0, "lon": 0.0, "radius_km": 1.0, "initial_share": 1.0,
              "potential_stock_m2": stock_m2, "belt": "south", "note": ""} | more  # fmt: skip
    return Zone(id=id, stock_m2=stock_m2, rent_rmb_m2_month=rent, vacancy_share=vacancy, **values)


def node(id: str, spinoffs_per_year: float) -> Node:
    """Return an anchor firm without graduates, in the corner of a world made by hand."""
    return Node(id=id, name=id, name_zh=id, lat=0.0, lon=0.0, kind="anchor",
                ai_graduates_per_year=0.0, ai_spinoffs_per_year=spinoffs_per_year)  # fmt: skip


def grid_of(
    cells: list[tuple[float, float, int, float]],
    zones: list[Zone],
    nodes: tuple[Node, ...] = (),
    cell_km: float = 0.5,
) -> Grid:
    """Return a grid made by hand: cells are (x km, y km, zone, share of the zone's stock), ordered by zone."""
    x, y, owner, spread = (np.array(column) for column in zip(*cells, strict=True))
    owner = owner.astype(np.int64)
    count = len(zones)
    settings = {"funds": {"partner_seats": [zones[0].id], "seat_weights": {z.id: 1.0 for z in zones}}}
    tables = WorldTables("by-hand", pathlib.Path(), settings, tuple(zones), tuple(nodes))
    centre = [[values[owner == z].mean() for z in range(count)] for values in (x, y)]
    return Grid(
        tables=tables,
        cell_km=cell_km,
        shape=(LATTICE, LATTICE),
        column=(x / cell_km).astype(np.int64),
        row=(y / cell_km).astype(np.int64),
        x=x.astype(float),
        y=y.astype(float),
        zone=owner,
        first=np.searchsorted(owner, np.arange(count + 1)),
        spread=spread.astype(float),
        zone_x=np.array(centre[0]),
        zone_y=np.array(centre[1]),
        node_x=np.zeros(len(nodes)),
        node_y=np.zeros(len(nodes)),
    )


def town(
    n_zones: int = 4,
    cells_per_zone: int = 3,
    stock_m2: float = 1e6,
    cell_km: float = 0.5,
    nodes: tuple[Node, ...] = (),
) -> Grid:
    """Return a town of equal zones in a row, each a column of equal cells."""
    cells = [
        ((z + 0.5) * cell_km, (k + 0.5) * cell_km, z, 1.0 / cells_per_zone)
        for z in range(n_zones)
        for k in range(cells_per_zone)
    ]
    zones = [zone(f"zone-{z}", stock_m2) for z in range(n_zones)]
    return grid_of(cells, zones, nodes, cell_km)


def leave_vacant(world: World, vacant: np.ndarray) -> World:
    """Let other tenants leave that much floor space vacant beside the startups of the ledger."""
    rows = world.startups.whole()
    here = rows[np.isin(rows["status"], (ACTIVE, LISTED))]
    world.leased = np.bincount(here["cell"], weights=here["area"], minlength=world.grid.n_cells)
    world.vacant = np.array(vacant, dtype=float)
    world.tenants = world.stock - world.leased - world.vacant
    return world


def startups(n: int, **fields: Any) -> np.ndarray:
    """Return ledger rows of like startups at work, with fields as given (one value or one for each row)."""
    rows = np.zeros(n, dtype=STARTUP)
    defaults = {
        "uid": np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(1),
        "status": ACTIVE,
        "segment": APP,
        "heads": 5.0,
        "area": 78.0,
        "cash": 1000.0,
        "lease_rent": 150.0,
        "lease_end": LONG,
        "born": -100,
        "last_round": -100,
        "search_end": NEVER,
        "pause_end": NEVER,
        "boost_end": NEVER,
        "ended": NEVER,
        "holding": -1,
        "origin_place": -1,
        "origin": INDEPENDENT,
        "failure_factor": 1.0,
        "seek_factor": 1.0,
        "lock_end": NEVER,
        "aid_year": NEVER,
        "reserved": NEVER,
        "applied": NEVER,
    }
    for name, value in (defaults | fields).items():
        rows[name] = value
    return rows


def entrants(n: int, **fields: Any) -> np.ndarray:
    """Return ledger rows of startups that look for their first rooms."""
    empty = {"status": WAITING, "cell": -1, "area": 0.0, "lease_rent": 0.0, "lease_end": NEVER, "heads": 1.0}
    return startups(n, **(empty | fields))


def funds(n: int, **fields: Any) -> np.ndarray:
    """Return funds that invest in everything, have money, and open no new period."""
    rows = np.zeros(n, dtype=FUND)
    defaults = {
        "uid": np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95) >> np.uint64(1),
        BASE: 1e6,
        "commitment": 1e6,
        "offset": 1,
        "last_round": 4,
        "segments": 15,
    }
    for name, value in (defaults | fields).items():
        rows[name] = value
    return rows


def settle(grid: Grid, rows: np.ndarray, month: int = 0) -> World:
    """Return a world with these ledger rows, at the rents and vacancies of the zone table."""
    world = World.empty(grid, month)
    world.startups.replace(rows)
    world.nearby_stock = np.ones(grid.n_cells)
    world.largest_lease = np.full(grid.n_cells, np.inf)
    world.highest_rent = 1e4
    world.accounts = np.zeros(MOST_LEVERS, dtype=ACCOUNT)
    world.guided = np.zeros(MOST_LEVERS, dtype=GUIDED_PURSE)
    return leave_vacant(world, world.vacant)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two tables hold the same in every field, bit for bit."""
    return len(a) == len(b) and all(a[name].tobytes() == b[name].tobytes() for name in a.dtype.names or ())


def draws_of(firms: np.ndarray, key: np.uint64) -> np.ndarray:
    """Return the first uniform number of each startup in a stream: what decides an event of its month."""
    return location.turns(firms, np.arange(len(firms)), key)


def numbers(n: int, seed: int, which: int = 0) -> np.ndarray:
    """Return n uniform numbers in (0, 1), addressed by seed and by `which` of several lists."""
    rows = np.zeros(n, dtype=STARTUP)
    rows["uid"] = np.arange(n)
    return draws_of(rows, Draws(seed, which).once("start") + np.uint64(which))
