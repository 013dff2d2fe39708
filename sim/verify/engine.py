"""The engine as theory needs it: made worlds with features switched off, its fields and its choice, its months.

Nothing is computed here: these are the calls of ``ClusterModel.step``, with the lines left out that a case switches
off, and, for laws that iterate chances instead of drawing, with numbers of startups that need not be whole.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.history import first_month
from sim.parameters import Parameters
from sim.policy import Policies
from sim.processes import access, land, location
from sim.randomness import Draws
from sim.scenario import Scenario
from sim.space import Grid, spread
from sim.world import World

#: the segment of all startups, and the parameters that make them all alike
SEGMENT = 1
ALIKE = {"births.entrant_segments": (0.0, 1.0, 0.0, 0.0), "births.entry_size": 0.0}
#: no access to anything, no rents, no size, no capacity, no origin: only what a case adds
BARE: dict[str, Any] = ALIKE | {
    "location.spillover_weight": 0.0,
    "location.diversity_weight": 0.0,
    "location.talent_weight": 0.0,
    "location.capital_weight": 0.0,
    "location.rent_sensitivity": 0.0,
    "location.origin_weight_per_km": 0.0,
    "location.size_weight": 0.0,
    "location.unlimited_capacity": True,
}
#: the convention of Brock and Durlauf: counts over their mean, everybody counted
RELATIVE = BARE | {"location.social_form": "relative", "access.self_spillover": True}


def made(table: Mapping[str, Any], changes: Mapping[str, Any]) -> Scenario:
    """Return a scenario of one month in a made world.

    Parameters
    ----------
    table
        The table ``[world]``.
    changes
        Parameters by dotted key.
    """
    bare = Scenario.model_validate({"id": "theory", "name": "Theory", "months": 1, "world": dict(table)})
    return bare.with_values(changes)


class Theatre:
    """A made world without startups, on which fields and choice are played with any numbers of heads.

    Parameters
    ----------
    table
        The table ``[world]``.
    changes
        Parameters by dotted key.
    """

    def __init__(self, table: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self.scenario = made(table, changes)
        self.grid = Grid.of(self.scenario.world)
        self.par = Parameters.of(self.scenario)
        self.terms = Policies((), self.grid.tables.zone_index, self.scenario.start).in_force(0)
        self.world = World.empty(self.grid, 0)
        access.prepare_access(self.world, self.par)

    def tune(self, key: str, value: float) -> None:
        """Change one parameter."""
        self.scenario = self.scenario.with_values({key: value})
        self.par = Parameters.of(self.scenario)

    @property
    def matrix(self) -> np.ndarray:
        """The kernel of spillovers, (n_cells, n_cells)."""
        range_km = self.par.values.access.spillover_range_km
        return access.spillover_matrix(self.grid, range_km, access.cut_of(self.par))

    def shares(self, heads: np.ndarray) -> np.ndarray:
        """Return the chance that a chooser takes each cell, (n_cells,).

        Parameters
        ----------
        heads
            Heads in each cell, or startups in the relative form; they need not be whole, (n_cells,).
        """
        world, par = self.world, self.par
        sources = np.zeros((4, self.grid.n_cells))
        sources[SEGMENT] = heads
        spread(self.matrix, sources, world.spillovers)
        if par.values.location.social_form == access.RELATIVE:
            access.relative_counts(world.spillovers, sources, 0.0, world.log_spillovers, world.diversity)
        else:
            scale = par.values.access.spillover_scale_heads
            access.log_fields(world.spillovers, scale, world.log_spillovers, world.diversity)
        access.attract(world, par, world.attraction)
        return self.now()

    def now(self) -> np.ndarray:
        """Return the chances as the world stands, (n_cells,)."""
        return location.choice_shares(self.world, self.par, self.terms, SEGMENT)


class Company:
    """A made world with startups that choose again, month by month, by the draws of the engine.

    Parameters
    ----------
    table
        The table ``[world]``, with its startups.
    changes
        Parameters by dotted key.
    seed
        Seed of all draws.
    """

    def __init__(self, table: Mapping[str, Any], changes: Mapping[str, Any], seed: int) -> None:
        scenario = made(table, changes)
        self.par = Parameters.of(scenario)
        self.world = first_month(scenario, self.par, seed)
        self.terms = Policies((), self.world.grid.tables.zone_index, scenario.start).in_force(0)
        self.seed = seed

    @property
    def cells(self) -> np.ndarray:
        """The cell of each startup."""
        return self.world.startups["cell"]

    def revise(self) -> None:
        """Let a month pass in which startups see where the others are, and revise their own place."""
        access.refresh_fields(self.world, self.par, self.terms)
        location.move_tenants(self.world, self.par, self.terms, self.draw())
        self.world.month += 1

    def enter(self) -> None:
        """Let a month pass in which those who wait find rooms."""
        world, par, terms = self.world, self.par, self.terms
        access.refresh_fields(world, par, terms)
        land.count_vacancy(world, par)
        choice = location.weigh_region(world, par, terms)
        location.place_entrants(world, par, terms, choice, self.draw())
        world.month += 1

    def draw(self) -> Draws:
        """Return the draws of the month."""
        return Draws(self.seed, self.world.month)
