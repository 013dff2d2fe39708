"""Rent and vacancy of each zone at two moments, or with and without a policy."""

import dataclasses
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim.figures.geography import Geography
from sim.figures.numbers import Band, level_text, percent_text
from sim.figures.states import ZoneState
from sim.figures.style import PALETTE, ROLES, Mark, gid_of, pixels_of, text_width, wrap, write
from sim.figures.words import say
from sim.places import AnyWorld

HEAD = 60.0  #: height of headings and scales above the rows [px]
BETWEEN = 16.0  #: space between the two columns [px]
NUMBER = 29.0  #: room for one of the two numbers at the end of a row [px]


@dataclasses.dataclass(frozen=True, eq=False)
class MarketChange:
    """Rent and vacancy by zone in two states.

    Attributes
    ----------
    world
        Id of the shipped world whose zones these are.
    before, after
        The two states, zones in the order of the world's table.
    names
        What the two are called, in the language of the figure: two months, or a baseline and a policy.
    mark
        How the second is drawn.
    """

    world: AnyWorld
    before: ZoneState
    after: ZoneState
    names: tuple[str, str]
    mark: Mark = dataclasses.field(default_factory=lambda: Mark.of(None))


@dataclasses.dataclass(frozen=True)
class _Column:
    """One column of the figure: where it stands [px], what it shows, and how its numbers are written."""

    left: float
    right: float
    heading: str
    unit: str
    before: Band
    after: Band
    text: Callable[[float], str]
    tick: Callable[[float], str]
    limits: tuple[float, float]

    def x(self, value: np.ndarray | float) -> np.ndarray:
        """Return where a value stands [px]."""
        low, high = self.limits
        share = (np.asarray(value, dtype=float) - low) / (high - low)
        return self.left + share * (self.right - 2 * NUMBER - 6 - self.left)


def draw_rent_and_vacancy(ax: Axes, change: MarketChange, lang: str = "en") -> None:
    """Draw rent and vacancy of each zone, hollow before and filled after, the later number beside them.

    Zones stand by belt, in the order of the world's table, so that the same zone is at the same place in
    every figure. A thin line through the filled mark is the 95 % interval over runs, where there are enough.

    Parameters
    ----------
    ax
        Where to draw, 340 px wide or more, and 12 px or more high for each zone and belt.
    change
        The two states.
    lang
        Language, "en" or "zh".

    Raises
    ------
    ValueError
        If the states have not one number for each zone of the world.
    """
    geography = Geography.of(change.world)
    n_zones = geography.grid.n_zones
    for state in (change.before, change.after):
        if state.rent.mean.shape != (n_zones,):
            raise ValueError(f"{state.rent.mean.shape} rents for a world of {n_zones} zones")
    width, height = pixels_of(ax)
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0))
    rows = zones_by_belt(geography)
    names = [label.name(lang) for label in geography.labels]
    left = max(text_width(name, ROLES["label"][0]) for name in names) + 14
    columns = _columns(change, left, width, lang)
    row = (height - HEAD) / (n_zones + len(rows))
    for column in columns:
        _scale(ax, column, height)
    _key(ax, change, lang)
    y = HEAD
    for belt, zones in rows.items():
        title = geography.settings["belts"][belt]["name_zh" if lang == "zh" else "name"]
        write(ax, 0, y + 0.55 * row, title.capitalize(), "strong", va="center_baseline")
        ax.plot([0, width], [y, y], color=PALETTE["rule"], linewidth=0.8)
        for z in zones:
            y += row
            write(ax, 8, y + row / 2, names[z], va="center_baseline", gid=gid_of(ax, "market", f"zone-{z}"))
            for column in columns:
                _dumbbell(ax, column, z, y + row / 2, change.mark)
        y += row


def zones_by_belt(geography: Geography) -> dict[str, list[int]]:
    """Return the places of the zones of each belt, in the order of the world's belts and table."""
    zones = geography.grid.tables.zones
    rows = {
        belt: [z for z, zone in enumerate(zones) if zone.belt == belt] for belt in geography.settings["belts"]
    }
    return {belt: places for belt, places in rows.items() if places}


def _columns(change: MarketChange, left: float, width: float, lang: str) -> list[_Column]:
    half = (width - left - BETWEEN) / 2
    rents = _limits([change.before.rent, change.after.rent], from_zero=False)
    shares = _limits([change.before.vacancy, change.after.vacancy], from_zero=True)
    return [
        _Column(left, left + half, say("Asking rent", lang), say("RMB/m²/month", lang),
                change.before.rent, change.after.rent, level_text, level_text, rents),
        _Column(left + half + BETWEEN, width, say("Vacancy", lang), say("% of floor space", lang),
                change.before.vacancy, change.after.vacancy, _percent, percent_text, (shares[0], max(shares[1], 0.1))),
    ]  # fmt: skip


def _percent(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{100 * value:.1f}"


def _limits(bands: list[Band], from_zero: bool) -> tuple[float, float]:
    """Return limits that hold all means and intervals, and 0 if `from_zero`."""
    values = np.concatenate([np.ravel((band.mean, band.low, band.high)) for band in bands])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    pad = 0.05 * ((high - low) or 1.0)
    return (0.0 if from_zero else max(low - pad, 0.0)), high + pad


def _scale(ax: Axes, column: _Column, height: float) -> None:
    """Write heading, unit and scale of a column, and draw its light lines."""
    write(ax, column.left, 22, column.heading, "strong", va="center_baseline")
    write(ax, column.left, 35, column.unit, color=PALETTE["ink_note"], va="center_baseline")
    for tick in MaxNLocator(2, steps=[1, 2, 5, 10]).tick_values(*column.limits):
        if column.limits[0] <= tick <= column.limits[1]:
            x = float(column.x(tick))
            ax.plot([x, x], [HEAD - 4, height], color=PALETTE["grid"], linewidth=0.8, zorder=0.5)
            look = {"color": PALETTE["ink_note"], "ha": "center", "va": "center_baseline"}
            write(ax, x, HEAD - 11, column.tick(float(tick)), fontsize=9.5, **look)


def _key(ax: Axes, change: MarketChange, lang: str) -> None:
    """Say above everything which mark is which."""
    if np.isfinite(change.after.rent.low).any():
        look = {"color": PALETTE["ink_note"], "va": "center_baseline", "fontsize": 9.5}
        write(ax, 0, 35, say("line: 95 % interval", lang), **look)
    x, room = 4.0, pixels_of(ax)[0] / 2 - 26
    for name, mark in zip(change.names, (None, change.mark), strict=True):
        text = wrap(name, room, "strong", lines=1)
        role = "label" if mark is None else "strong"
        _mark(ax, x, 5, mark)
        write(ax, x + 8, 5, text, role, va="center_baseline")
        x += 8 + text_width(text, ROLES[role][0], ROLES[role][1]) + 18


def _dumbbell(ax: Axes, column: _Column, zone: int, y: float, mark: Mark) -> None:
    before, after = column.before.mean[zone], column.after.mean[zone]
    ends = column.x(np.array([before, after]))
    ax.plot(ends, [y, y], color=PALETTE["map"]["leader"], linewidth=1.6, alpha=0.6, zorder=2)
    low, high = column.after.low[zone], column.after.high[zone]
    if np.isfinite(low):
        ax.plot(column.x(np.array([low, high])), [y, y], color=PALETTE["ink"], linewidth=0.9, zorder=5)
    if np.isfinite(before):
        _mark(ax, float(ends[0]), y, None)
    if np.isfinite(after):
        _mark(ax, float(ends[1]), y, mark)
    look = {"ha": "right", "va": "center_baseline"}
    write(ax, column.right - NUMBER, y, column.text(float(before)), color=PALETTE["ink_note"], **look)
    write(ax, column.right, y, column.text(float(after)), "strong", **look)


def _mark(ax: Axes, x: float, y: float, mark: Mark | None) -> None:
    """Draw the hollow mark of what was, or the filled one of what came."""
    if mark is None:
        look = {"color": "white", "markeredgecolor": PALETTE["ink_secondary"], "markeredgewidth": 1.0}
        ax.plot([x], [y], "o", markersize=4.6, zorder=3, **look)
    else:
        ax.plot([x], [y], mark.marker, markersize=5.2, color=mark.colour, markeredgewidth=0, zorder=4)
