"""The tables of a world: zones and nodes, as read from its folder.

``read_world`` finds a shipped world by its id, or asks a made world (``sim/made_worlds.py``) for its tables;
``sim/space.py`` cuts a world into cells.
"""

import csv
import dataclasses
import functools
import json
import pathlib
import tomllib
from typing import Any, Protocol

import numpy as np

from sim.problems import nearest


class WorldError(ValueError):
    """A world's tables are missing or inconsistent; the message names file, line and remedy."""

    exit_code = 2


@dataclasses.dataclass(frozen=True)
class Zone:
    """An office zone. Units: degrees, km, m2, RMB/m2/month, shares; the initial share is a weight."""

    id: str
    name: str
    name_zh: str
    lat: float
    lon: float
    radius_km: float
    stock_m2: float
    potential_stock_m2: float
    rent_rmb_m2_month: float
    vacancy_share: float
    initial_share: float
    belt: str
    note: str


@dataclasses.dataclass(frozen=True)
class Node:
    """A university, institute or anchor firm. Units: degrees, people a year, spin-offs a year."""

    id: str
    name: str
    name_zh: str
    lat: float
    lon: float
    kind: str
    ai_graduates_per_year: float
    ai_spinoffs_per_year: float


@dataclasses.dataclass(frozen=True, eq=False)
class Lattice:
    """Cells of a made world, given one by one and alike.

    Attributes
    ----------
    shape
        Columns and rows.
    column, row, zone
        Place and zone of each cell, ordered by zone, (n_cells,).
    wraps
        Whether distances go around the edges.
    apart
        Whether places have no distance: spillovers stay in a place, and every place is equally near.
    """

    shape: tuple[int, int]
    column: np.ndarray
    row: np.ndarray
    zone: np.ndarray
    wraps: bool
    apart: bool


@dataclasses.dataclass(frozen=True)
class Ground:
    """What maps of a world show beside its zones; no run reads it.

    Attributes
    ----------
    labels
        Rows of labels.csv: short names of zones and where they stand.
    districts
        Name in English and Chinese and the rings of the boundary [degrees] of each district.
    stations, places
        Rows with `lon` and `lat` of metro stations and of named places.
    """

    labels: tuple[dict[str, str], ...] = ()
    districts: tuple[tuple[str, str, tuple[tuple[tuple[float, float], ...], ...]], ...] = ()
    stations: tuple[dict[str, str], ...] = ()
    places: tuple[dict[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class WorldTables:
    """The tables of one world, as read: `settings` is world.toml.

    A made world has no folder but a `lattice`, and the number of `startups` of each zone in the first month unless a history
    leads to it. A world of the user's own brings its `ground` along; that of a shipped one is read from its folder when
    a map is drawn.
    """

    id: str
    folder: pathlib.Path | None
    settings: dict[str, Any]
    zones: tuple[Zone, ...]
    nodes: tuple[Node, ...]
    lattice: Lattice | None = None
    startups: tuple[int, ...] | None = None
    ground: Ground | None = None

    @functools.cached_property
    def zone_index(self) -> dict[str, int]:
        """Position of each zone by its id."""
        return {zone.id: i for i, zone in enumerate(self.zones)}

    def km(self, lon: float, lat: float) -> tuple[float, float]:
        """Return (x, y) in km east and north of the grid's south-west corner."""
        s = self.settings
        return (
            (lon - s["origin_lon"]) * s["km_per_degree_lon"],
            (lat - s["origin_lat"]) * s["km_per_degree_lat"],
        )


class Made(Protocol):
    """A world that brings its tables along, made up or read beside a scenario; it can be a key."""

    def __hash__(self) -> int:
        """Return a hash of its values."""

    def tables(self) -> WorldTables:
        """Return its zones and cells."""


#: what a scenario says of its world: the id of a shipped one, or one made up or of the user's own
AnyWorld = str | Made


def shipped_folder() -> pathlib.Path:
    """Return the folder of the shipped scenarios: inside the package if installed, else beside it."""
    package = pathlib.Path(__file__).parent
    inside = package / "scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


def worlds() -> list[str]:
    """Return the ids of the shipped worlds."""
    return sorted(path.parent.name for path in shipped_folder().glob("*/world.toml"))


@functools.cache
def default_world() -> str:
    """Return the id of the shipped world that says ``default = true``."""
    for world in worlds():
        text = (shipped_folder() / world / "world.toml").read_text(encoding="utf-8")
        if tomllib.loads(text).get("default"):
            return world
    raise WorldError("no shipped world says default = true")


def read_world(world: AnyWorld) -> WorldTables:
    """Return the tables of a shipped world, by its id, or of a made world.

    Raises
    ------
    WorldError
        If there is no such world, or a table lacks a column or holds something that is not a number.
    """
    return _read_shipped(world) if isinstance(world, str) else world.tables()


@functools.cache
def _read_shipped(world: str) -> WorldTables:
    folder = shipped_folder() / world
    if world not in worlds():
        raise WorldError(
            f"no world {world!r}{nearest(world, worlds())}; shipped worlds: {', '.join(worlds())}"
        )
    settings = tomllib.loads((folder / "world.toml").read_text(encoding="utf-8"))
    # a variant of another world states what differs: its own settings, and its own tables where it has them
    other = _read_shipped(settings.pop("like")) if "like" in settings else None
    base = other.folder if other is not None and other.folder is not None else folder
    settings = ({} if other is None else other.settings) | settings
    zones = tuple(
        Zone(
            id=row["zone"],
            name=row["name_en"],
            name_zh=row["name_zh"],
            lat=row.number("lat"),
            lon=row.number("lon"),
            radius_km=row.number("radius_km"),
            stock_m2=row.number("stock_m2"),
            potential_stock_m2=row.number("potential_stock_m2"),
            rent_rmb_m2_month=row.number("rent_rmb_m2_month"),
            vacancy_share=row.number("vacancy_share"),
            initial_share=row.number("initial_ai_firm_share"),
            belt=row["belt"],
            note=row["note"],
        )
        for row in _rows(_own_or(base, folder, "zones.csv"))
    )
    nodes = tuple(
        Node(
            id=row["node"],
            name=row["name_en"],
            name_zh=row["name_zh"],
            lat=row.number("lat"),
            lon=row.number("lon"),
            kind=row["kind"],
            ai_graduates_per_year=row.number("ai_graduates_per_year"),
            ai_spinoffs_per_year=row.number("ai_spinoffs_per_year"),
        )
        for row in _rows(_own_or(base, folder, "nodes.csv"))
    )
    return WorldTables(world, base, settings, zones, nodes)


def _own_or(base: pathlib.Path, folder: pathlib.Path, name: str) -> pathlib.Path:
    return folder / name if (folder / name).is_file() else base / name


class _Row(dict[str, str]):
    """One line of a table, which knows where it stands."""

    where: str

    def __missing__(self, column: str) -> str:
        raise WorldError(f"{self.where}: no column {column!r}")

    def number(self, column: str) -> float:
        try:
            return float(self[column])
        except ValueError:
            raise WorldError(f"{self.where}: {column} = {self[column]!r} is not a number") from None


def _rows(path: pathlib.Path) -> list[_Row]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = []
        for line, cells in enumerate(csv.DictReader(file), start=2):
            row = _Row({key: value or "" for key, value in cells.items() if key is not None})
            row.where = f"{path.name}:{line}"
            rows.append(row)
    return rows


def read_ground(folder: pathlib.Path) -> Ground:
    """Return what maps show of a world folder, as far as it has the tables."""
    districts = []
    for file in sorted((folder / "geo").glob("*.geojson")):
        for feature in json.loads(file.read_text(encoding="utf-8"))["features"]:
            shape, named = feature["geometry"], feature["properties"]
            parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
            rings = tuple(
                tuple((float(lon), float(lat)) for lon, lat, *_ in ring) for part in parts for ring in part
            )
            districts.append((named["name_en"], named.get("name_zh") or named["name_en"], rings))
    labels, stations, places = (
        tuple(dict(row) for row in _rows(file)) if (file := folder / name).is_file() else ()
        for name in ("labels.csv", "geo/metro_stations.csv", "geo/places.csv")
    )
    return Ground(labels, tuple(districts), stations, places)
