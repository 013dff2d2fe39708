"""Maps by zone: levels in five classes, differences in nine, both on the same ground."""

import bisect
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.text import Text

from sim.figures.geography import PADDING, Geography
from sim.figures.numbers import Band, difference_text, level_text
from sim.figures.style import (
    PALETTE,
    ROLES,
    UNIT,
    fonts,
    gid_of,
    pixels_of,
    spread_out,
    text_width,
    wrap,
    write,
)
from sim.figures.words import say
from sim.intervals import FEWEST_PAIRS
from sim.places import AnyWorld, default_world

BAR_KM = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
)  #: lengths of the scale bar
BAR_SHARE = 0.16  #: the most of a map's width that it takes
#: what keeps a number legible on the colour of its zone
BEHIND: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.2}
DEFAULT_WORLD = default_world()
LABEL_STEP = 12.0  #: least distance between the lines of the label column [px]
HATCH = "/////"
DOT: dict[str, Any] = {"markersize": 3.4, "markeredgecolor": "white", "markeredgewidth": 0.6}
#: how a node and a named place are drawn below the labels of zones
NODE: dict[str, Any] = {
    "marker": "^",
    "markersize": 5.2,
    "color": "white",
    "markeredgecolor": PALETTE["ink"],
    "markeredgewidth": 0.9,
}
PLACE: dict[str, Any] = {
    "marker": "D",
    "markersize": 2.2,
    "color": "white",
    "markeredgecolor": PALETTE["ink_note"],
    "markeredgewidth": 0.6,
}
CREDIT_GAP = 5.0  #: between a map and the lines below it [px]
_LAND, _DISTRICTS, _HOME, _STATIONS, _ZONES, _SELECTED, _LEADERS, _PLACES, _DOTS, _NODES, _LABELS = range(11)


def draw_ground(ax: Axes, world: AnyWorld, lang: str = "en") -> Geography:
    """Draw land, districts, stations and the scale bar; return the geography for what comes above.

    Credit and the note on synthetic stock stand below the axes, which need 40 px of room there.
    """
    geography = Geography.of(world)
    colours = PALETTE["map"]
    x0, x1, y0, y1 = geography.extent(pixels_of(ax)[0], lang)
    ax.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal", xticks=[], yticks=[], facecolor=colours["land"])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=PALETTE["rule"], linewidth=0.8)
    home = geography.home_name("en")
    for district in geography.districts:
        at_home = district.name_en == home
        for ring in district.rings:
            fill, line = ("home", "home_line") if at_home else ("land", "district_line")
            ax.add_patch(
                Polygon(
                    ring,
                    facecolor=colours[fill] if at_home else "none",
                    edgecolor=colours[line],
                    linewidth=1.0 if at_home else 0.5,
                    zorder=_HOME if at_home else _DISTRICTS,
                )
            )
    x, y = geography.stations.T
    seen = (x > x0) & (x < x1) & (y > y0) & (y < y1)
    dots: dict[str, Any] = {"markersize": 2.4, "markeredgewidth": 0, "color": colours["station"]}
    ax.plot(x[seen], y[seen], ".", zorder=_STATIONS, gid=gid_of(ax, "map", "stations"), **dots)
    if not geography.grid.apart:
        _scale_bar(ax, lang)
    _credit(ax, geography, lang)
    return geography


def _credit(ax: Axes, geography: Geography, lang: str) -> None:
    """Write below the map whose data it shows, in full where there is room, and that stock is synthetic."""
    width = pixels_of(ax)[0]
    ax.annotate(
        wrap(geography.credit(lang, in_full=width > 1.5 * UNIT), width, "credit"),
        (0, 0),
        xycoords="axes fraction",
        xytext=(0, -CREDIT_GAP),
        textcoords="offset points",
        va="top",
        fontsize=ROLES["credit"][0],
        color=ROLES["credit"][2],
        family=list(fonts()),
        parse_math=False,
        annotation_clip=False,
        gid=gid_of(ax, "map", "credit"),
    )


def draw_points(ax: Axes, geography: Geography) -> None:
    """Draw nodes and named places small and without names, for maps whose labels are of zones."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    grid = geography.grid
    named = np.array([(x, y) for _row, x, y in geography.places]).reshape(-1, 2)
    nodes = np.column_stack([grid.node_x, grid.node_y])
    for points, look, above in ((named, PLACE, _PLACES), (nodes, NODE, _NODES)):
        x, y = points.T
        seen = (x > x0) & (x < x1) & (y > y0) & (y < y1)
        ax.plot(x[seen], y[seen], linestyle="", zorder=above, **look)


def _scale_bar(ax: Axes, lang: str) -> None:
    (left, right), (bottom, _top) = ax.get_xlim(), ax.get_ylim()
    margin = min(1.2, 0.035 * (right - left))
    km = max(length for length in BAR_KM if length <= max(BAR_SHARE * (right - left), BAR_KM[0]))
    end, y = right - margin, bottom + margin
    ink = PALETTE["ink_secondary"]
    ax.plot([end - km, end], [y, y], color=ink, linewidth=1, marker="|", markersize=5, zorder=_LABELS)
    text = say("{km} km", lang, km=f"{km:g}")
    write(ax, end - km / 2, y + 0.375 * margin, text, color=ink, ha="center", va="bottom", zorder=_LABELS)


def draw_levels(
    ax: Axes,
    by_zone: Sequence[float] | np.ndarray,
    bounds: Sequence[float],
    world: AnyWorld = DEFAULT_WORLD,
    selected: Collection[str] = (),
    lang: str = "en",
) -> None:
    """Draw a level of each zone in five classes, and its number beside it.

    Parameters
    ----------
    ax
        Where to draw.
    by_zone
        Level of each zone, in the order of the world's table, (n_zones,); what rounds to 0 is not filled.
    bounds
        Last value of each class but the highest, (4,).
    world
        Id of a shipped world.
    selected
        Ids of zones with a strong outline.
    lang
        Language, "en" or "zh".
    """
    geography = draw_ground(ax, world, lang)
    for z, value in enumerate(by_zone):
        colour = level_colour(value, bounds)
        _fill(ax, geography, z, facecolor=colour, edgecolor=PALETTE["page" if colour != "none" else "axis"])
    around = {"facecolor": "none", "edgecolor": PALETTE["map"]["zone_line"], "linewidth": 0.8}
    ax.add_patch(PathPatch(geography.everything, joinstyle="miter", zorder=_ZONES, **around))
    _select(ax, geography, selected)
    draw_points(ax, geography)
    label_zones(ax, geography, [level_text(value) for value in by_zone], [False] * len(by_zone), lang)


def draw_difference(
    ax: Axes,
    by_zone: Band,
    bounds: Sequence[float],
    world: AnyWorld = DEFAULT_WORLD,
    selected: Collection[str] = (),
    lang: str = "en",
) -> None:
    """Draw the difference of each zone from the baseline, brown for less and blue for more.

    A zone whose interval includes 0, or has none, is white and hatched, its number in brackets.

    Parameters
    ----------
    ax
        Where to draw.
    by_zone
        Mean difference of each zone and its interval, in the order of the world's table, (n_zones,).
    bounds
        Bounds between the nine classes, symmetric about 0, (8,).
    world, selected, lang
        As in `draw_levels`.
    """
    geography = draw_ground(ax, world, lang)
    hatched = PALETTE["unresolved"]
    texts = []
    for z, (mean, resolved) in enumerate(zip(by_zone.mean, by_zone.resolved, strict=True)):
        if resolved:
            _fill(
                ax,
                geography,
                z,
                facecolor=difference_colour(mean, bounds),
                edgecolor=PALETTE["map"]["zone_line"],
            )
        else:
            _fill(ax, geography, z, facecolor=hatched["fill"], edgecolor=hatched["line"], hatch=HATCH)
        texts.append(difference_text(mean) if resolved else f"({difference_text(mean)})")
    _select(ax, geography, selected)
    draw_points(ax, geography)
    label_zones(ax, geography, texts, by_zone.resolved.tolist(), lang)


def level_colour(value: float, bounds: Sequence[float]) -> str:
    """Return the colour of a level; none for what rounds to 0 or is not defined."""
    if not np.isfinite(value) or round(value) == 0:
        return "none"
    return str(PALETTE["levels"][bisect.bisect_left(bounds, round(value))])


def difference_colour(value: float, bounds: Sequence[float]) -> str:
    """Return the colour of a difference; equal sizes have mirrored colours."""
    place = bisect.bisect_right(bounds, value) if value > 0 else bisect.bisect_left(bounds, value)
    return str(PALETTE["differences"][place])


def _fill(ax: Axes, geography: Geography, zone: int, **look: str) -> None:
    patch = PathPatch(geography.outlines[zone], linewidth=0.8, joinstyle="miter", zorder=_ZONES, **look)
    patch.set_gid(gid_of(ax, "map", f"zone-{geography.grid.tables.zones[zone].id}"))
    ax.add_patch(patch)


def _select(ax: Axes, geography: Geography, selected: Collection[str]) -> None:
    line = PALETTE["map"]["zone_line_selected"]
    for z, zone in enumerate(geography.grid.tables.zones):
        if zone.id in selected:
            path = geography.outlines[z]
            ax.add_patch(
                PathPatch(
                    path,
                    facecolor="none",
                    edgecolor=line,
                    linewidth=1.6,
                    joinstyle="miter",
                    zorder=_SELECTED,
                )
            )


def label_zones(
    ax: Axes, geography: Geography, texts: Sequence[str], strong: Sequence[bool], lang: str
) -> list[Text]:
    """Write name and text of each zone beside it, or in the column on the right in order of latitude.

    The zones of a made world are alike and stand in rows: each holds its text, if that fits into it.
    """
    if geography.made:
        return _write_inside(ax, geography, texts, strong, lang)
    step = np.ptp(ax.get_xlim()) / pixels_of(ax)[0]
    written = []
    for z, (x, y) in enumerate(_label_places(geography, step)):
        zone, label, (cx, cy) = geography.grid.tables.zones[z], geography.labels[z], geography.centres[z]
        ax.plot([cx, x], [cy, y], color=PALETTE["map"]["leader"], linewidth=0.6, zorder=_LEADERS)
        ax.plot([cx], [cy], "o", color=PALETTE["ink"], zorder=_DOTS, **DOT)
        nudge, va = {"left": (2, "center_baseline"), "right": (-2, "center_baseline")}.get(
            label.align, (0, "bottom")
        )
        text = f"{label.name(lang)} {texts[z]}".rstrip()
        role = "strong" if strong[z] else "label"
        look = {
            "ha": label.align,
            "va": va,
            "zorder": _LABELS,
            "gid": gid_of(ax, "map", f"label-{zone.id}"),
        }
        written.append(write(ax, x + nudge * step, y, text, role, **look))
    _clear_stations(ax, [text_box(ax, text) for text in written])
    return written


def _write_inside(
    ax: Axes, geography: Geography, texts: Sequence[str], strong: Sequence[bool], lang: str
) -> list[Text]:
    """Write the text of each zone, or its name where there is none: into it, else below it, else not at all."""
    px = pixels_of(ax)[0] / np.ptp(ax.get_xlim())
    apart = np.abs(geography.centres[:, None, :] - geography.centres[None, :, :]).max(axis=2) * px
    np.fill_diagonal(apart, np.inf)
    written = []
    for z, (x, middle) in enumerate(geography.centres):
        y, role = middle, "strong" if strong[z] else "label"
        size, weight = ROLES[role][:2]
        text = texts[z] or geography.labels[z].name(lang)
        box = geography.outlines[z].get_extents()
        wide, high = text_width(text, size, weight) + PADDING, 1.2 * size + PADDING
        if box.width * px < wide or box.height * px < high:
            y -= (box.height + high / px) / 2
            if apart[z].min() < max(wide, box.height * px + high):
                text = ""
        look = {"ha": "center", "va": "center_baseline", "zorder": _LABELS,
                "gid": gid_of(ax, "map", f"label-{geography.grid.tables.zones[z].id}")}  # fmt: skip
        written.append(write(ax, x, y, text, role, bbox=BEHIND if text else None, **look))
    return written


def text_box(ax: Axes, text: Text) -> np.ndarray:
    """Return what a line of text on a map covers: first and last x, first and last y [km]."""
    font = float(text.get_fontsize()), str(text.get_fontweight())
    align = text.get_horizontalalignment(), text.get_verticalalignment()
    return covered(ax, text.get_position(), text.get_text(), font, align)


def covered(
    ax: Axes,
    place: tuple[float, float],
    text: str,
    font: tuple[float, str],
    align: tuple[str, str] = ("left", "center_baseline"),
) -> np.ndarray:
    """Return what a text would cover on a map: first and last x, first and last y [km]."""
    step = np.ptp(ax.get_xlim()) / pixels_of(ax)[0]
    width, height = text_width(text, *font) * step, 1.2 * font[0] * step
    left = place[0] - {"left": 0.0, "center": 0.5, "right": 1.0}[align[0]] * width
    low = place[1] if align[1] == "bottom" else place[1] - height / 2
    return np.array([left, left + width, low, low + height])


def _clear_stations(ax: Axes, boxes: Sequence[np.ndarray]) -> None:
    """Take away the stations that lie under a label: a dot beside a digit reads as part of the number."""
    for line in ax.lines:
        if line.get_gid() == gid_of(ax, "map", "stations"):
            x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
            under = [(x > a) & (x < b) & (y > c) & (y < d) for a, b, c, d in boxes]
            clear = ~np.any(under, axis=0)
            line.set_data(x[clear], y[clear])


def _label_places(geography: Geography, step: float) -> np.ndarray:
    places = np.array([(label.x or 0.0, label.y or 0.0) for label in geography.labels])
    column = np.array([label.x is None for label in geography.labels])
    if column.any():
        places[column, 0] = geography.column_x()
        places[column, 1] = spread_out(geography.centres[column, 1], LABEL_STEP * step)
    return places


def draw_level_key(ax: Axes, bounds: Sequence[float], titled: bool = True, lang: str = "en") -> None:
    """Draw the key of a level map into axes measured in pixels; without its title where the map says it."""
    width = _key_axes(ax, say("Active startups by zone", lang) if titled else "")
    top = 20 if titled else 2
    lasts = [int(bound) for bound in bounds]
    names = [f"{a + 1}–{b}" if a + 1 < b else str(b) for a, b in zip([0, *lasts[:-1]], lasts, strict=True)]
    colours = PALETTE["levels"]
    box = width / len(colours)
    for i, (colour, name) in enumerate(zip(colours, [*names, f">{lasts[-1]}"], strict=True)):
        ax.add_patch(Rectangle((i * box, top), box, 14, facecolor=colour, edgecolor="none"))
        write(ax, (i + 0.5) * box, top + 18, name, "legend", ha="center", va="top")


def draw_difference_key(ax: Axes, bounds: Sequence[float], lang: str = "en") -> None:
    """Draw the key of a difference map into axes measured in pixels."""
    width = _key_axes(ax, say("Difference from the baseline, startups by zone", lang))
    colours = PALETTE["differences"]
    box = width / len(colours)
    for i, colour in enumerate(colours):
        ax.add_patch(
            Rectangle((i * box, 20), box, 14, facecolor=colour, edgecolor=PALETTE["rule"], linewidth=0.5)
        )
    for i, bound in enumerate(bounds):
        write(ax, (i + 1) * box, 38, difference_text(bound), "legend", ha="center", va="top")


def draw_mark_key(
    ax: Axes, n_seeds: int, home: str, lang: str = "en", points: bool = True, stations: bool = True
) -> None:
    """Draw the key of hatches, outlines and, unless the map has none, points into axes measured in pixels.

    `home` is what it says of the home district; `stations` says whether the points include metro stations.
    """
    _key_axes(ax, "")
    hatched, colours = PALETTE["unresolved"], PALETTE["map"]
    unresolved = say("95 % interval includes 0: not resolved", lang)
    if n_seeds < FEWEST_PAIRS:
        unresolved = say("fewer than {fewest} seeds: no interval, not resolved", lang, fewest=FEWEST_PAIRS)
    ax.add_patch(Rectangle((0, 1), 30, 13, facecolor=hatched["fill"], edgecolor=hatched["line"], hatch=HATCH))
    ax.add_patch(
        Rectangle((1, 21), 28, 12, facecolor="none", edgecolor=colours["zone_line_selected"], linewidth=1.6)
    )
    texts = [unresolved, say("zone the policy treats", lang)]
    if points:
        node, place = say("university, institute or anchor firms", lang), say("named place", lang)
        if stations:
            ax.plot([15], [47], ".", markersize=4, markeredgewidth=0, color=colours["station"])
            ax.plot([15], [66.5], **NODE)
            ax.plot([205], [47], **PLACE)
            write(ax, 215, 47, place, "legend", va="center_baseline")
            texts += [say("metro station", lang), node]
        else:
            ax.plot([15], [47], **NODE)
            ax.plot([15], [66.5], **PLACE)
            texts += [node, place]
    for i, text in enumerate(texts):
        write(ax, 38, 8 + 19.5 * i, text, "legend", va="center_baseline")
    if home:
        write(ax, 0, 86, home, "legend", va="center_baseline")


def draw_point_key(
    ax: Axes, treated: bool = True, lang: str = "en", points: bool = True, stations: bool = True
) -> None:
    """Draw the key of points and of the outline of treated zones, as far as there are any, into axes in pixels."""
    width = _key_axes(ax, "")
    colours = PALETTE["map"]
    spots = ((4.0, 7.0), (0.66 * width, 7.0), (0.66 * width, 22.0), (4.0, 22.0))
    texts = (
        "university, institute or anchor firms",
        "named place",
        "metro station",
        "zone the policy treats",
    )
    for (x, y), phrase, there in zip(
        spots, texts, (points, points, points and stations, treated), strict=True
    ):
        if there:
            write(ax, x + 14, y, say(phrase, lang), color=PALETTE["ink_secondary"], va="center_baseline")
    if treated:
        edge = colours["zone_line_selected"]
        ax.add_patch(Rectangle((0, 17), 10, 9, facecolor="none", edgecolor=edge, linewidth=1.6))
    if points:
        ax.plot(*spots[0], **NODE)
        ax.plot(*spots[1], **PLACE)
        if stations:
            ax.plot(*spots[2], ".", markersize=4, markeredgewidth=0, color=colours["station"])


def _key_axes(ax: Axes, title: str) -> float:
    """Measure axes in pixels from the top left corner, write the title, return the width."""
    width, height = pixels_of(ax)
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    write(ax, 0, 12, title, "legend", va="baseline", fontweight="bold", color=PALETTE["ink"])
    return width
