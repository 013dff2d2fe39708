"""Worlds made up for theory: the table ``[world]`` of a scenario file, turned into zones and cells.

Equal places without distance, a torus, a uniform plain, a line of parks, an empty region: what a theorem speaks of.
They have no universities and no history unless they ask for one; features are switched off by the parameters.
"""

import abc
import functools
import itertools
import math
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, Strict, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from sim.parameters.section import Section, parameter
from sim.places import Lattice, WorldTables, Zone

MOST_CELLS = 4096  #: matrices over pairs of cells take 130 MB each at this number
MOST_ZONES = 400
_SOURCE = "chosen by the scenario"
_KIND = "Kind of made world."

Counts = Annotated[tuple[int, ...], Strict(False)]


class MadeWorld(Section, abc.ABC):
    """What every made world has. Its cells are alike."""

    kind: str = Field(description=_KIND)
    cell_km: float = parameter(
        0.5, unit="km", bounds=(0.01, 100), sweep=(0.25, 1.0), meaning="Side of a cell.", source=_SOURCE)  # fmt: skip
    stock_m2: float = parameter(
        100_000.0, unit="m2", bounds=(1, 1e12), sweep=(1e4, 1e6),
        meaning="Floor space of each cell.", source=_SOURCE)  # fmt: skip
    rent_rmb_m2_month: float = parameter(
        150.0, unit="RMB/m2/month", bounds=(0.01, 10_000), sweep=(100, 250),
        meaning="Rent of every cell in the first month.", source=_SOURCE)  # fmt: skip
    inflow_heads_month: float | None = parameter(
        None, unit="heads/month", bounds=(0, 1e9), sweep=(0, 1000),
        meaning="People who begin to look for work in a startup; absent: as many as the first posts need.",
        source=_SOURCE)  # fmt: skip

    #: what it is called, in English and Chinese
    called: ClassVar[tuple[str, str]]
    #: whether distances go around the edges; whether places have no distance at all
    wraps: ClassVar[bool] = False
    apart: ClassVar[bool] = False

    def tables(self) -> WorldTables:
        """Return the world's zones and cells."""
        return _tables(self)

    @abc.abstractmethod
    def cells(self) -> list[tuple[int, int, int]]:
        """Return column, row and zone of each cell, ordered by zone."""

    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """Return the columns and rows of the lattice on which the cells lie."""

    def vacancy(self) -> float:
        """Return the share of floor space that is vacant in the first month, but for what startups take."""
        return 1.0

    def counts(self, n_zones: int) -> tuple[int, ...] | None:
        """Return the startups of each zone in the first month; None where a history decides."""
        return (0,) * n_zones


class _Let(MadeWorld):
    """A world in which somebody is at home."""

    vacancy_share: float = parameter(
        0.2, unit="share", bounds=(0, 1), sweep=(0.05, 0.5),
        meaning="Share of floor space that other tenants leave, in every cell.", source=_SOURCE)  # fmt: skip
    startups: Counts = parameter(
        (10,), unit="startups", bounds=(0, 1_000_000), sweep=(0, 100),
        meaning="Startups of each zone in the first month: one number for all zones, or one for each.",
        source=_SOURCE)  # fmt: skip
    history: bool = parameter(
        False, unit="-", sweep=(False, True),
        meaning="Whether a history leads to the first month, as in shipped worlds; `startups` are then weights.",
        source=_SOURCE)  # fmt: skip

    @abc.abstractmethod
    def n_zones(self) -> int:
        """Return the number of zones."""

    def vacancy(self) -> float:
        """Return the share of floor space that is vacant in the first month, but for what startups take."""
        return self.vacancy_share

    def weights(self) -> tuple[int, ...]:
        """Return a number for each zone."""
        return self.startups * self.n_zones() if len(self.startups) == 1 else self.startups

    def counts(self, n_zones: int) -> tuple[int, ...] | None:
        """Return the startups of each zone in the first month; None where a history decides."""
        return None if self.history else self.weights()

    @model_validator(mode="after")
    def _one_for_all_or_for_each(self) -> Self:
        given, zones = len(self.startups), self.n_zones()
        if given not in (1, zones):
            wrong = PydanticCustomError("wrong_count", "wrong count", {"numbers": given, "zones": zones})
            error = InitErrorDetails(type=wrong, loc=("startups",), input=self.startups)
            raise ValidationError.from_exception_data("world", [error])
        return self


class Places(_Let):
    """Places without distance: spillovers stay in a place, and from everywhere every place is equally near."""

    called: ClassVar[tuple[str, str]] = ("Equal places", "等同地点")
    kind: Literal["places"] = Field(description=_KIND)
    places: int = parameter(
        2, unit="places", bounds=(1, MOST_ZONES), sweep=(2, 16),
        meaning="Number of places; each is a zone of one cell.", source=_SOURCE)  # fmt: skip
    apart: ClassVar[bool] = True

    def n_zones(self) -> int:
        """Return the number of zones."""
        return self.places

    def _across(self) -> int:
        return math.ceil(math.sqrt(self.places))

    def shape(self) -> tuple[int, int]:
        """Return the columns and rows of the lattice on which the cells lie: drawn apart, though no distance counts."""
        across = self._across()
        return 2 * across + 1, 2 * math.ceil(self.places / across) + 1

    def cells(self) -> list[tuple[int, int, int]]:
        """Return column, row and zone of each cell, ordered by zone; the first stands at the top left."""
        across, (_, rows) = self._across(), self.shape()
        return [(2 * (p % across) + 1, rows - 2 - 2 * (p // across), p) for p in range(self.places)]


class _Field(MadeWorld):
    """A rectangle full of cells, cut into square blocks that are its zones."""

    columns: int = parameter(
        16, unit="cells", bounds=(1, MOST_CELLS), sweep=(8, 64), meaning="Cells from west to east.", source=_SOURCE)  # fmt: skip
    rows: int = parameter(
        16, unit="cells", bounds=(1, MOST_CELLS), sweep=(8, 64), meaning="Cells from south to north.", source=_SOURCE)  # fmt: skip
    blocks: int = parameter(
        4, unit="zones", bounds=(1, 20), sweep=(1, 8),
        meaning="Zones along each side, as far as there are cells.", source=_SOURCE)  # fmt: skip

    @field_validator("rows")
    @classmethod
    def _fits(cls, rows: int, info: ValidationInfo) -> int:
        columns = info.data.get("columns", 1)
        if rows * columns > MOST_CELLS:
            raise PydanticCustomError(
                "too_many_cells", "too many cells", {"cells": rows * columns, "most": MOST_CELLS}
            )
        return rows

    def n_zones(self) -> int:
        """Return the number of zones."""
        return min(self.blocks, self.columns) * min(self.blocks, self.rows)

    def shape(self) -> tuple[int, int]:
        """Return the columns and rows of the lattice on which the cells lie."""
        return self.columns, self.rows

    def cells(self) -> list[tuple[int, int, int]]:
        """Return column, row and zone of each cell, ordered by zone: from north to south, from west to east."""
        across, down = min(self.blocks, self.columns), min(self.blocks, self.rows)
        found = [
            ((down - 1 - row * down // self.rows) * across + column * across // self.columns, row, column)
            for row, column in itertools.product(range(self.rows), range(self.columns))
        ]
        return [(column, row, zone) for zone, row, column in sorted(found)]


class Torus(_Field, _Let):
    """A rectangle whose edges are joined, so that no cell is at a border."""

    called: ClassVar[tuple[str, str]] = ("Torus", "环面")
    kind: Literal["torus"] = Field(description=_KIND)
    wraps: ClassVar[bool] = True


class Plain(_Field, _Let):
    """A uniform plain with borders; what radiates beyond them is lost."""

    called: ClassVar[tuple[str, str]] = ("Uniform plain", "均匀平原")
    kind: Literal["plain"] = Field(description=_KIND)


class Empty(_Field):
    """A plain on which nobody is at home yet: no startups and no other tenants."""

    called: ClassVar[tuple[str, str]] = ("Empty region", "空白区域")
    kind: Literal["empty"] = Field(description=_KIND)
    inflow_heads_month: float | None = parameter(
        200.0, unit="heads/month", bounds=(0, 1e9), sweep=(0, 1000),
        meaning="People who begin to look for work in a startup; absent: nobody, for there are no first posts.",
        source=_SOURCE)  # fmt: skip


class Line(_Let):
    """Parks in a row, each a square of cells."""

    called: ClassVar[tuple[str, str]] = ("Line of parks", "一排园区")
    kind: Literal["line"] = Field(description=_KIND)
    parks: int = parameter(
        8, unit="parks", bounds=(1, 100), sweep=(2, 16), meaning="Number of parks; each is a zone.", source=_SOURCE)  # fmt: skip
    park_cells: int = parameter(
        2, unit="cells", bounds=(1, 20), sweep=(1, 4), meaning="Cells along each side of a park.", source=_SOURCE)  # fmt: skip
    gap_cells: int = parameter(
        4, unit="cells", bounds=(0, 100), sweep=(0, 8), meaning="Width of the empty land between two parks.",
        source=_SOURCE)  # fmt: skip

    @field_validator("park_cells")
    @classmethod
    def _fits(cls, park_cells: int, info: ValidationInfo) -> int:
        cells = info.data.get("parks", 1) * park_cells**2
        if cells > MOST_CELLS:
            raise PydanticCustomError(
                "too_many_cells", "too many cells", {"cells": cells, "most": MOST_CELLS}
            )
        return park_cells

    def n_zones(self) -> int:
        """Return the number of zones."""
        return self.parks

    def shape(self) -> tuple[int, int]:
        """Return the columns and rows of the lattice on which the cells lie, with a margin of one park."""
        step = self.park_cells + self.gap_cells
        return step * self.parks - self.gap_cells + 2 * self.park_cells, 3 * self.park_cells

    def cells(self) -> list[tuple[int, int, int]]:
        """Return column, row and zone of each cell, ordered by zone."""
        side, step = self.park_cells, self.park_cells + self.gap_cells
        return [
            (side + park * step + column, side + row, park)
            for park, row, column in itertools.product(range(self.parks), range(side), range(side))
        ]


#: the kinds of made worlds by the word that a scenario file uses
WORLDS: dict[str, type[MadeWorld]] = {
    "places": Places,
    "torus": Torus,
    "plain": Plain,
    "line": Line,
    "empty": Empty,
}
_ONE, _ONE_ZH = {"places": "place", "line": "park"}, {"places": "地点", "line": "园区"}


@functools.lru_cache(maxsize=32)
def _tables(world: MadeWorld) -> WorldTables:
    """Return the tables of a made world; lengths stand for degrees, so that places are in km."""
    column, row, zone = (np.array(part, dtype=np.int64) for part in zip(*world.cells(), strict=True))
    n_zones = int(zone[-1]) + 1
    counts = world.counts(n_zones)
    weights = world.weights() if isinstance(world, _Let) else (1,) * n_zones
    kind = world.kind
    width, height = (n * world.cell_km for n in world.shape())
    zones = []
    for z in range(n_zones):
        cells = np.flatnonzero(zone == z)
        stock = world.stock_m2 * cells.size
        zones.append(
            Zone(
                id=f"{_ONE.get(kind, 'block')}-{z + 1}",
                name=f"{_ONE.get(kind, 'block').capitalize()} {z + 1}",
                name_zh=f"{_ONE_ZH.get(kind, '区块')} {z + 1}",
                lat=float((row[cells].mean() + 0.5) * world.cell_km),
                lon=float((column[cells].mean() + 0.5) * world.cell_km),
                radius_km=math.sqrt(cells.size) * world.cell_km / 2,
                stock_m2=stock,
                potential_stock_m2=stock,
                rent_rmb_m2_month=world.rent_rmb_m2_month,
                vacancy_share=world.vacancy(),
                initial_share=float(weights[z]),
                belt="all",
                note="",
            )
        )
    return WorldTables(kind, None, _settings(world, zones, width, height), tuple(zones), (),
                       Lattice(world.shape(), column, row, zone, world.wraps, world.apart), counts)  # fmt: skip


def _settings(world: MadeWorld, zones: list[Zone], width: float, height: float) -> dict[str, Any]:
    """Return what world.toml says of a shipped world."""
    return {
        "origin_lon": 0.0,
        "origin_lat": 0.0,
        "km_per_degree_lon": 1.0,
        "km_per_degree_lat": 1.0,
        "width_km": width,
        "height_km": height,
        "cell_km": world.cell_km,
        "name": world.called[0],
        "name_zh": world.called[1],
        "belts": {"all": {"name": "all zones", "name_zh": "全部"}},
        "funds": {"partner_seats": [], "seat_weights": dict.fromkeys((zone.id for zone in zones), 1.0)},
        "inflow_heads_month": world.inflow_heads_month,
    }
