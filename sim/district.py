"""The drawable grid: the lattice as Mesa's space, with rent, compute and talent as property layers.

It is built on first use, in tens of milliseconds, and no run needs it. Its layers are pictures of the state: they
are filled anew when the grid is read in another month, into the same memory, and what one writes there no process
of the model reads.
"""

from typing import Any

import mesa
import numpy as np
from mesa.discrete_space import OrthogonalMooreGrid

from sim.ledger import NEVER

LAYERS = ("rent", "compute", "talent")


class DistrictGrid(OrthogonalMooreGrid):
    """Layers rent [RMB/m2/month], compute (1 is enough), talent (mean 1), and everybody who stands on the grid.

    Layers have shape (columns, rows); cells without floor space hold 0. A cell that was kept over a month shows
    the new state once the grid is read.

    Attributes
    ----------
    model
        The model that it shows.
    shown
        Month whose state the layers hold.
    """

    model: Any = None
    shown = NEVER

    @property
    def agents(self) -> Any:
        """Everyone in the model (Mesa draws these)."""
        if self.model is None:
            return super().agents
        self.refresh()
        return self.model.agents

    @property
    def _mesa_property_layers(self) -> dict[str, Any]:
        # everything in Mesa that reads a layer comes by here
        self.refresh()
        return self.__dict__["_mesa_property_layers"]

    @_mesa_property_layers.setter
    def _mesa_property_layers(self, layers: dict[str, Any]) -> None:
        self.__dict__["_mesa_property_layers"] = layers

    def refresh(self) -> None:
        """Fill the layers with the state of the model, if they hold that of another month."""
        if self.model is None or self.shown == self.model.world.month:
            return
        world, layers = self.model.world, self.__dict__["_mesa_property_layers"]
        self.shown = world.month
        at = (world.grid.column, world.grid.row)
        for name, values in zip(LAYERS, (world.rent, 1.0, np.exp(world.log_talent)), strict=True):
            np.asarray(layers[name].data)[at] = values


def build_grid(model: mesa.Model) -> DistrictGrid:
    """Return the grid of a model, filled."""
    grid = DistrictGrid(model.world.grid.shape, torus=False, random=model.random)
    for name in LAYERS:
        grid.create_property_layer(name, default_value=0.0, dtype=float)
    grid.model = model
    grid.refresh()
    return grid
