"""What a map of a world is drawn from: outlines of zones, districts, stations, places and labels."""

import collections
import dataclasses
import functools
from typing import Any

import numpy as np
from matplotlib.path import Path

from sim.figures.style import ROLES, text_width
from sim.figures.words import say
from sim.places import AnyWorld, Ground, read_ground
from sim.space import Grid

#: space between a zone and the column of labels, as a share of the grid's width
_COLUMN_GAP = 0.022
#: rim around a made world, as a share of its longer side, and how flat or steep its map may be
_RIM, _FLATTEST, _STEEPEST = 0.035, 0.5, 1.2
#: the longest number that has to fit beside the name of a zone, and space around a label [px]
_LONGEST, PADDING = "\N{MINUS SIGN}888", 5.0
#: from the middle of the lowest label to the edge of a map: the scale bar and its number stand between them [px]
_BAR_ROOM = 32.0


@dataclasses.dataclass(frozen=True)
class Label:
    """Short name of a zone and where it stands [km]; without a place it joins the column on the right."""

    short_en: str
    short_zh: str
    x: float | None
    y: float | None
    align: str

    def name(self, lang: str) -> str:
        """Return the short name in a language."""
        return self.short_zh if lang == "zh" and self.short_zh else self.short_en


@dataclasses.dataclass(frozen=True)
class District:
    """A district and the rings of its boundary [km], each (n, 2)."""

    name_en: str
    name_zh: str
    rings: tuple[np.ndarray, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Geography:
    """One world as a map sees it; places in km from the south-west corner of the grid.

    Attributes
    ----------
    grid
        Cells and zones.
    outlines
        Outline of each zone's cells.
    everything
        Outline of all cells together.
    centres
        A point of each zone's own cells, at its centre or as near as can be, (n_zones, 2).
    labels
        Label of each zone.
    districts
        Districts, the home district among them.
    stations
        Metro stations, (n, 2).
    places
        Named places, each as (row of the table, x, y).
    """

    grid: Grid
    outlines: tuple[Path, ...]
    everything: Path
    centres: np.ndarray
    labels: tuple[Label, ...]
    districts: tuple[District, ...]
    stations: np.ndarray
    places: tuple[tuple[dict[str, str], float, float], ...]

    @classmethod
    def of(cls, world: AnyWorld) -> "Geography":
        """Return the geography of a world; a made one has neither districts nor stations."""
        return _read(world)

    @property
    def settings(self) -> dict[str, Any]:
        """What world.toml says."""
        return self.grid.tables.settings

    @property
    def made(self) -> bool:
        """Whether the world is made up for theory: alike zones without names that matter, and nothing around them."""
        return self.grid.tables.lattice is not None

    def extent(
        self, width: float, lang: str = "en", longest: str = _LONGEST
    ) -> tuple[float, float, float, float]:
        """Return what a map of `width` px shows: first and last x, first and last y [km].

        That is the extent that the world states, made wider where the longest label of a zone would not
        fit, its name beside the `longest` number, and higher where a label would stand over the edge or on the
        scale bar; so it hangs on names and fonts, never on the numbers of one map.
        """
        if self.made:
            return self._rimmed()
        shown = self.settings.get("map", {})
        x0, x1 = shown.get("x_km", (0.0, self.settings["width_km"]))
        y0, y1 = shown.get("y_km", (0.0, self.settings["height_km"]))
        column = self.column_x()
        size = ROLES["strong"][0]
        needs = [
            (column if label.x is None else label.x, label.align, text_width(text, size, "bold") + PADDING)
            for label in self.labels
            for text in [f"{label.name(lang)} {longest}"]
        ]
        west, east = x0, x1
        for _ in range(20):  # the wider the map shows, the more km a label covers
            step = (east - west) / width
            west = min([x0, *(x - need * step for x, align, need in needs if align == "right")])
            east = max([x1, *(x + need * step for x, align, need in needs if align == "left")])
        step = (east - west) / width
        ys = [label.y for label in self.labels if label.y is not None]
        south = min([y0, *(y - _BAR_ROOM * step for y in ys)])
        return west, east, south, max([y1, *(y + size / 2 * step for y in ys)])

    def _rimmed(self) -> tuple[float, float, float, float]:
        """Return the extent of a made world with a rim, below which the scale bar has room, and no flat strip."""
        width, height = self.settings["width_km"], self.settings["height_km"]
        rim = _RIM * max(width, height)
        west, east, south, north = -rim, width + rim, -3 * rim, height + rim
        more = max(_FLATTEST * (east - west) - (north - south), 0.0) / 2
        wider = max((north - south) / _STEEPEST - (east - west), 0.0) / 2
        return west - wider, east + wider, south - more, north + more

    def home_name(self, lang: str) -> str:
        """Return the name of the home district, empty if the world names none."""
        for district in self.districts:
            if district.name_en == self.settings.get("map", {}).get("home_district"):
                return district.name_zh if lang == "zh" else district.name_en
        return ""

    def home_note(self, lang: str) -> str:
        """Return what the world says of its home district and the frame of maps, empty if nothing."""
        return str(self.settings.get("map", {}).get("home_note_zh" if lang == "zh" else "home_note", ""))

    def home_text(self, lang: str) -> str:
        """Return that the home district is white on maps, empty if the world names none."""
        home, note = self.home_name(lang), self.home_note(lang)
        if not home:
            return ""
        if not note:
            return say("{home} in white", lang, home=home)
        return say("{home} in white; {note}", lang, home=home, note=note)

    def credit(self, lang: str = "en", in_full: bool = False) -> str:
        """Return whose data a map shows and that stock is synthetic, in a few words or in full."""
        if self.made:
            return say("a world made up for theory", lang)
        given = str(self.settings.get("credit" if in_full else "credit_short", ""))
        note = say("synthetic stock", lang)
        if in_full:
            note = say("synthetic stock: floor space by zone is estimated and spread by rule", lang)
        return f"{given} · {note}".removeprefix(" · ")

    def column_x(self) -> float:
        """Return where the column of labels begins: right of all zones that stand in it, or of all if none does [km]."""
        inside = np.array([label.x is None for label in self.labels])
        x = self.grid.x[inside[self.grid.zone]] if inside.any() else self.grid.x
        right = x.max() + self.grid.cell_km / 2
        return float(right + _COLUMN_GAP * self.settings["width_km"])


@functools.lru_cache(maxsize=4)
def _read(world: AnyWorld) -> Geography:
    grid = Grid.of(world)
    tables = grid.tables
    ground = tables.ground
    if ground is None:
        ground = read_ground(tables.folder) if tables.folder is not None else Ground()
    stations, places = (
        [(row, *tables.km(float(row["lon"]), float(row["lat"]))) for row in rows]
        for rows in (ground.stations, ground.places)
    )
    cells = [np.flatnonzero(grid.zone == z) for z in range(grid.n_zones)]
    return Geography(
        grid=grid,
        outlines=tuple(outline(grid.column[c], grid.row[c], grid.cell_km) for c in cells),
        everything=outline(grid.column, grid.row, grid.cell_km),
        centres=np.array([_centre(grid, z, c) for z, c in enumerate(cells)]),
        labels=_labels(grid, {row["zone"]: row for row in ground.labels}),
        districts=tuple(
            District(name, name_zh, tuple(np.array([tables.km(*point) for point in ring]) for ring in rings))
            for name, name_zh, rings in ground.districts
        ),
        stations=np.array([(x, y) for _row, x, y in stations]).reshape(-1, 2),
        places=tuple(places),
    )


def _labels(grid: Grid, rows: dict[str, dict[str, str]]) -> tuple[Label, ...]:
    labels = []
    for zone in grid.tables.zones:
        row = rows.get(zone.id, {})
        x, y = (float(row[key]) if row.get(key) else None for key in ("x_km", "y_km"))
        english, chinese = row.get("short_en") or zone.name, row.get("short_zh") or zone.name_zh
        labels.append(Label(english, chinese, x, y, row.get("align") or "left"))
    return tuple(labels)


def _centre(grid: Grid, zone: int, cells: np.ndarray) -> tuple[float, float]:
    x, y = float(grid.zone_x[zone]), float(grid.zone_y[zone])
    away = np.maximum(np.abs(grid.x[cells] - x), np.abs(grid.y[cells] - y))
    nearest = cells[away.argmin()]
    inside = away.min() <= grid.cell_km / 2
    return (x, y) if inside else (float(grid.x[nearest]), float(grid.y[nearest]))


def outline(columns: np.ndarray, rows: np.ndarray, cell_km: float) -> Path:
    """Return the boundary of a set of square cells: their sides that no two of them share.

    Sides run with their cell on the left, so that holes turn the other way round and stay empty.
    """
    sides: collections.Counter[tuple[tuple[int, int], tuple[int, int]]] = collections.Counter()
    for c, r in zip(columns.tolist(), rows.tolist(), strict=True):
        corners = [(c, r), (c + 1, r), (c + 1, r + 1), (c, r + 1)]
        sides.update(zip(corners, [*corners[1:], corners[0]], strict=True))
    onward: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for start, end in sides:
        if (end, start) not in sides:
            onward.setdefault(start, []).append(end)
    loops = []
    while onward:
        loops.append(_loop(onward))
    vertices = np.concatenate([np.array([*loop, loop[0]], dtype=float) for loop in loops]) * cell_km
    codes = [code for loop in loops for code in _codes(len(loop))]
    return Path(vertices, codes)


def _loop(onward: dict[tuple[int, int], list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Take one closed loop out of the sides and return its corners."""
    first = here = next(iter(onward))
    loop: list[tuple[int, int]] = []
    while True:
        loop.append(here)
        ends = onward[here]
        there = ends.pop()
        if not ends:
            del onward[here]
        here = there
        if here == first:
            break
    turns = [
        here
        for before, here, after in zip([loop[-1], *loop], loop, [*loop[1:], loop[0]], strict=False)
        if not (before[0] == here[0] == after[0] or before[1] == here[1] == after[1])
    ]
    return turns


def _codes(n: int) -> list[Any]:
    return [Path.MOVETO, *[Path.LINETO] * (n - 1), Path.CLOSEPOLY]
