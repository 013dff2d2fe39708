"""The world as a map: zones by belt, universities and anchor firms, stations, named places."""

import itertools
import pathlib
import re
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import PathPatch, Rectangle

from sim.figures.geography import Geography
from sim.figures.maps import DEFAULT_WORLD, DOT, covered, draw_ground, label_zones, text_box
from sim.figures.style import (
    GAP,
    MARGIN,
    PALETTE,
    ROLES,
    UNIT,
    Sheet,
    house_style,
    pixels_of,
    require_font,
    wrap,
    write,
)
from sim.figures.words import say
from sim.places import AnyWorld

MAP_WIDTH = 2 * UNIT + GAP
TINT = 0.35  #: share of a belt's colour in the fill of its zones
LONGEST_NAME = 30  #: named places with longer names stay without a label [characters]
#: marker, its size [px] and name by kind of node
NODE_KINDS = {
    "university": ("o", 15.0, "University"),
    "institute": ("s", 13.5, "Institute"),
    "anchor": ("D", 13.5, "Anchor firms"),
}
#: how a named place is drawn
PLACE: dict[str, Any] = {
    "marker": "D",
    "markersize": 4,
    "color": "white",
    "markeredgecolor": PALETTE["ink_note"],
    "markeredgewidth": 0.9,
}
#: what keeps the name of a place legible above outlines
BEHIND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0}
_NODES, _PLACES, _NAMES = 10, 9, 9


def draw_world(
    path_or_ax: str | pathlib.Path | Axes, world: AnyWorld = DEFAULT_WORLD, lang: str = "en"
) -> list[pathlib.Path]:
    """Draw the base map of a world: into axes, or with its key as PNG and SVG beside each other.

    Parameters
    ----------
    path_or_ax
        Axes to draw the map alone into; or a path, whose ending is replaced by .png and .svg.
    world
        Id of a shipped world.
    lang
        Language, "en" or "zh".

    Returns
    -------
    list of Path
        The files written, none for axes.

    Raises
    ------
    FontError
        If files are written in Chinese and no font of this machine has Chinese characters.
    """
    if isinstance(path_or_ax, Axes):
        _draw_map(path_or_ax, world, lang)
        return []
    require_font(lang)
    path = pathlib.Path(path_or_ax)
    with house_style():
        return _draw_sheet(path.parent, path.stem, world, lang)


def _draw_map(ax: Axes, world: AnyWorld, lang: str) -> None:
    geography = draw_ground(ax, world, lang)
    belts = _belt_colours(geography)
    for z, zone in enumerate(geography.grid.tables.zones):
        look = {"facecolor": _tint(belts[zone.belt]), "edgecolor": belts[zone.belt], "linewidth": 0.9}
        ax.add_patch(
            PathPatch(geography.outlines[z], zorder=4, joinstyle="miter", gid=f"map-zone-{zone.id}", **look)
        )
    labels = label_zones(ax, geography, [""] * geography.grid.n_zones, [True] * geography.grid.n_zones, lang)
    taken = [text_box(ax, label) for label in labels]
    for label, (x, y) in zip(labels, geography.centres, strict=True):
        taken += _along((x, label.get_position()[0]), (y, label.get_position()[1]))
    taken += _draw_nodes(ax, geography)
    _draw_places(ax, geography, taken, lang)


def _belt_colours(geography: Geography) -> dict[str, str]:
    return dict(zip(geography.settings["belts"], itertools.cycle(PALETTE["belts"]), strict=False))


def _tint(colour: str) -> str:
    red, green, blue = (1 - TINT * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


def _draw_nodes(ax: Axes, geography: Geography) -> list[np.ndarray]:
    """Draw the nodes with their numbers; return the boxes they cover."""
    grid = geography.grid
    step = np.ptp(ax.get_xlim()) / pixels_of(ax)[0]
    boxes = []
    for i, node in enumerate(grid.tables.nodes):
        x, y = float(grid.node_x[i]), float(grid.node_y[i])
        _numbered(ax, x, y, str(i + 1), node.kind, zorder=_NODES)
        boxes.append(np.array([x - 8 * step, x + 8 * step, y - 8 * step, y + 8 * step]))
    return boxes


def _numbered(ax: Axes, x: float, y: float, number: str, kind: str, zorder: float = 3) -> None:
    marker, size, _ = NODE_KINDS.get(kind, ("o", 15.0, ""))
    look: dict[str, Any] = {"color": PALETTE["ink"], "markeredgecolor": "white", "markeredgewidth": 0.8}
    ax.plot([x], [y], marker=marker, markersize=size, zorder=zorder, **look)
    write(
        ax,
        x,
        y,
        number,
        "strong",
        fontsize=8.5,
        color="white",
        ha="center",
        va="center_baseline",
        zorder=zorder,
    )


def _draw_places(ax: Axes, geography: Geography, taken: list[np.ndarray], lang: str) -> None:
    """Draw named places, and the names that no zone has and that cover no label, node or leader."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    step = (x1 - x0) / pixels_of(ax)[0]
    zones = tuple(label.name(lang) for label in geography.labels)
    full = [zone.name_zh if lang == "zh" else zone.name for zone in geography.grid.tables.zones]
    for row, x, y in geography.places:
        if not (x0 < x < x1 and y0 < y < y1):
            continue
        ax.plot([x], [y], **PLACE, zorder=_PLACES)
        name = re.sub(r"\s*[(（][^()（）]*[)）]$", "", row["name_zh" if lang == "zh" else "name_en"])
        if len(name) > LONGEST_NAME or name.startswith(zones) or any(n.startswith(name) for n in full):
            continue
        for side, ha in ((6, "left"), (-6, "right")):
            box = covered(ax, (x + side * step, y), name, ROLES["label"][:2], (ha, "center"))
            if x0 < box[0] and box[1] < x1 and not any(_overlap(box, other) for other in taken):
                look = {"color": PALETTE["ink_secondary"], "ha": ha, "va": "center_baseline", "bbox": BEHIND}
                write(ax, x + side * step, y, name, "label", zorder=_NAMES, **look)
                taken.append(box)
                break


def _along(x: tuple[float, float], y: tuple[float, float]) -> list[np.ndarray]:
    """Return points of a line, as boxes without size."""
    shares = np.linspace(0, 1, 60)[:, None]
    ends = np.array([[x[0], x[0], y[0], y[0]], [x[1], x[1], y[1], y[1]]])
    return list(ends[0] + shares * (ends[1] - ends[0]))


def _overlap(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3])


def _draw_sheet(folder: pathlib.Path, name: str, world: AnyWorld, lang: str) -> list[pathlib.Path]:
    geography = Geography.of(world)
    settings = geography.settings
    west, east, south, north = geography.extent(MAP_WIDTH, lang)
    height = MAP_WIDTH * (north - south) / (east - west)
    sheet = Sheet(2 * MARGIN + MAP_WIDTH + GAP + UNIT, MARGIN + 62 + height + 40 + MARGIN, lang)
    title = say("Office zones, universities and anchor firms", lang)
    subtitle = say(
        "Zones coloured by belt; cells of {cell} km take the zone with most floor space",
        lang,
        cell=settings["cell_km"],
    )
    home = geography.home_text(lang)
    if home:
        subtitle = f"{subtitle} · {home}"
    sheet.write(MARGIN, MARGIN, title, "title")
    sheet.write(
        MARGIN, MARGIN + 31, wrap(subtitle, sheet.width - 2 * MARGIN, "subtitle", lines=1), "subtitle"
    )
    top = MARGIN + 62
    _draw_map(sheet.axes(MARGIN, top, MAP_WIDTH, height), world, lang)
    _draw_key(sheet.axes(MARGIN + MAP_WIDTH + GAP, top, UNIT, height), geography, lang)
    zones = ", ".join(label.name(lang) for label in geography.labels)
    return sheet.save(folder, name, title, f"{subtitle}. {zones}.", geography.credit(lang, in_full=True))


def _draw_key(ax: Axes, geography: Geography, lang: str) -> None:
    """Draw the key into axes measured in pixels: belts, points, numbered nodes."""
    width, height = pixels_of(ax)
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0))
    heading: dict[str, Any] = {"fontweight": "bold", "color": PALETTE["ink"], "va": "center_baseline"}
    write(ax, 0, 8, say("Zones by belt", lang), "legend", **heading)
    y = 28.0
    for belt, colour in _belt_colours(geography).items():
        ax.add_patch(Rectangle((0, y - 7), 28, 13, facecolor=_tint(colour), edgecolor=colour, linewidth=0.9))
        text = geography.settings["belts"][belt]["name_zh" if lang == "zh" else "name"]
        write(ax, 38, y, text, "legend", va="center_baseline")
        y += 20
    points = (("o", PALETTE["ink"], "Zone centre"), (".", PALETTE["map"]["station"], "Metro station"))
    for marker, colour, text in points[: 2 if len(geography.stations) else 1]:
        look = DOT if marker == "o" else {"markersize": 5, "markeredgewidth": 0}
        ax.plot([14], [y], marker, color=colour, **look)
        write(ax, 38, y, say(text, lang), "legend", va="center_baseline")
        y += 20
    if geography.places:
        ax.plot([14], [y], **PLACE)
        write(
            ax, 38, y, say("Named place; its name where there is room", lang), "legend", va="center_baseline"
        )
        y += 20
    _key_of_nodes(ax, geography, y + 6, heading, lang)


def _key_of_nodes(ax: Axes, geography: Geography, y: float, heading: dict[str, Any], lang: str) -> None:
    width = pixels_of(ax)[0]
    nodes = list(enumerate(geography.grid.tables.nodes, start=1))
    for kind, (_, _, title) in NODE_KINDS.items():
        rows = [(i, node) for i, node in nodes if node.kind == kind]
        if not rows:
            continue
        write(ax, 0, y, say(title, lang), "legend", **heading)
        y += 20
        for i, node in rows:
            _numbered(ax, 9, y, str(i), kind)
            text = wrap(node.name_zh if lang == "zh" else node.name, width - 26, "legend", lines=1)
            write(ax, 26, y, text, "legend", va="center_baseline")
            y += 20
        y += 6
