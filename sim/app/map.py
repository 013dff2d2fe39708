"""The map of the page and the curves below it: built once, then only the data of their sources change."""

import functools
import json
import pathlib
from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    Div,
    HoverTool,
    NoOverlap,
    RadioButtonGroup,
    Range1d,
    Slider,
    Span,
    TapTool,
    Title,
)
from bokeh.plotting import figure
from markupsafe import escape
from matplotlib.path import Path

from sim.app.frames import Frames
from sim.app.state import LAYERS, VIEWS
from sim.figures.geography import PADDING, Geography
from sim.figures.numbers import difference_bounds, difference_text, level_bounds
from sim.figures.page import SEGMENT_NAMES
from sim.figures.sheets import LEVEL_MONTHS
from sim.figures.style import PALETTE, Mark, spread_out, text_width
from sim.language import _, current_language, in_language
from sim.parameters import SEGMENTS
from sim.places import AnyWorld

DOT = 3.4  #: width of a startup [px]
BATCHES = (
    10  #: in which the dots of each segment are painted, in turn, so that no segment lies over all others
)
LABEL_STEP = 14.0  #: distance of labels in their column [px]
NARROWEST = 320.0  #: of a map beside the other; where there is less room, one stands below the other [px]
LONGEST = "88,888"  #: number for which there is room beside the name of a zone
#: layers that are levels of a market and no counts: how they are shown
_FACTOR, _SUFFIX = {"vacancy": 100.0}, {"vacancy": "%"}
#: vacant shares that part the classes, and differences of them: what is much is known without a run
VACANCY, VACANCY_DIFFERENCES = (0.05, 0.1, 0.2, 0.4), (0.005, 0.02, 0.05, 0.1)
#: what a number on an axis looks like, in the units of its layer
TICK = """const at = layers.active;
return (tick * factors[at]).toLocaleString("en-US", {maximumFractionDigits: 6}).replace("-", "\u2212") + suffixes[at]"""
#: a row whose parts go below each other where there is no room
WRAP = ":host{flex-wrap:wrap!important;display:flex!important}"


@functools.cache
def script() -> str:
    """Return what draws a month in the browser."""
    return (pathlib.Path(__file__).parent / "play.js").read_text(encoding="utf-8")


@functools.cache
def style() -> str:
    """Return the style of the page's parts."""
    return (pathlib.Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def words(text: str = "", **options: Any) -> Div:
    """Return a piece of HTML among the models of the map."""
    return Div(text=text, sizing_mode="stretch_width", stylesheets=[style()], **options)


def layer_names() -> dict[str, str]:
    """Return the names of the layers."""
    return {"startups": _("Startups"), "rent": _("Rent"), "vacancy": _("Vacancy"), "talent": _("Talent"),
            "funds": _("Funds"), "deals": _("Deals")}  # fmt: skip


def layer_units() -> dict[str, str]:
    """Return what the numbers of each layer are."""
    return {
        "startups": _("active startups by zone"),
        "rent": _("market rent by zone, RMB/m²/month"),
        "vacancy": _("vacant share of the floor space by zone"),
        "talent": _("R&D heads of startups and listed firms by zone"),
        "funds": _("venture funds that have their seat in the zone"),
        "deals": _("rounds closed in the last 12 months by zone"),
    }


def region_words() -> dict[str, str]:
    """Return what the numbers of each layer are for the whole region."""
    return {
        "startups": _("active startups in the region"), "rent": _("RMB/m²/month, mean of the region's floor space"),
        "vacancy": _("of the region's floor space vacant"), "talent": _("R&D heads in the region"),
        "funds": _("seats of venture funds in the region"), "deals": _("rounds closed in the last 12 months"),
    }  # fmt: skip


def regional(frames: Frames, layer: str, stock: np.ndarray) -> np.ndarray:
    """Return a layer for the whole region by month: a sum, or a mean weighted by floor space, (T,)."""
    values = frames.layer(layer)
    if layer in ("rent", "vacancy"):
        return np.asarray(np.nansum(values * stock, axis=1) / stock.sum())
    return np.asarray(values.sum(axis=1))


def bounds_of(name: str, baseline: Frames) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the bounds between the five classes of levels and the nine of differences, the same for all months.

    They follow from the baseline as it begins alone, so that a colour means the same beside whatever policy.
    """
    if name == "vacancy":
        return VACANCY, _mirrored(VACANCY_DIFFERENCES)
    values = baseline.layer(name)
    values = next((month for month in values if np.isfinite(month).any()), np.zeros(1))
    values = values[np.isfinite(values)]
    if name == "rent":
        low, high = (float(v) for v in np.percentile(values, [5, 95]))
        levels = tuple(float(f"{low + (high - low) * share:.2g}") for share in (0.125, 0.375, 0.625, 0.875))
        top = float(f"{max(0.1 * (high - low), 1e-3):.1g}")
        return levels, _mirrored(tuple(top * share for share in (0.05, 0.2, 0.5, 1.0)))
    levels = level_bounds(float(values.max(initial=1.0)))
    return levels, difference_bounds(levels[-1])


def _mirrored(sizes: tuple[float, ...]) -> tuple[float, ...]:
    return (*(-size for size in reversed(sizes)), *sizes)


def _key(name: str, bounds: tuple[float, ...], colours: list[str], difference: bool) -> str:
    factor = _FACTOR.get(name, 1.0)
    show = (
        difference_text if difference else lambda value: f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
    )
    suffix = "" if difference else _SUFFIX.get(name, "")
    texts = [f"{show(bound * factor)}{suffix}" for bound in bounds]
    boxes = "".join(f'<span style="background:{colour}"></span>' for colour in colours)
    marks = "".join(f"<span>{text}</span>" for text in texts)
    what, dots = layer_units()[name], ""
    if difference:
        what = _("{what}; policy minus baseline").format(what=what)
        if name in _SUFFIX:
            what += _(", percentage points")
    elif name == "startups":
        what += _("; ") + _("dots: one startup each, coloured by segment, somewhere in its cell")
        dots = "".join(f'<i style="background:{Mark.of_segment(i).colour}"></i>{segment_name(segment)} '
                       for i, segment in enumerate(SEGMENTS))  # fmt: skip
    return (f'<div class="key"><div class="boxes">{boxes}</div><div class="marks m{len(bounds)}">{marks}</div></div>'
            f'<div class="words">{what}</div><div class="dots">{dots}</div>')  # fmt: skip


def segment_name(segment: str) -> str:
    """Return what a segment is called."""
    return in_language(SEGMENT_NAMES[segment], current_language())


class Map:
    """Two maps, a key, a slider over the months and curves, as Bokeh models.

    Parameters
    ----------
    world
        World that is shown.
    treated
        Zones of the policy's place-bound levers.
    on_choice
        Called with a dict of what the reader has chosen: month, layer, view, zone, startup.
    layer, view
        What it opens with.

    Attributes
    ----------
    layout
        All of it, to be put on a page.
    short_names
        Names of the zones on the map by id: short enough for a narrow column.
    """

    def __init__(self, world: AnyWorld, on_choice: Any, layer: str = LAYERS[0], view: str = VIEWS[0]) -> None:
        self.geography = Geography.of(world)
        self.lang = current_language()
        self.extent = self._extent()
        grid = self.geography.grid
        self.stock = grid.zone_values("stock_m2")
        self.short_names = {
            zone.id: label.name(self.lang)
            for zone, label in zip(grid.tables.zones, self.geography.labels, strict=True)
        }
        self.chosen = ColumnDataSource({name: [""] for name in ("month", "layer", "view", "zone", "startup")})
        self.meta = ColumnDataSource({"json": [json.dumps(self._about([], [], ["", ""]))]})
        self.levels, self.regions = (ColumnDataSource({"all": np.empty(0, np.float32)}) for _i in range(2))
        self.time = ColumnDataSource(
            {name: [] for name in ("index", "baseline", "policy", "difference")}, syncable=False
        )
        self.spells = [ColumnDataSource({"all": np.empty(0, dtype=np.int32)}) for _i in range(2)]
        colours = [Mark.of_segment(i).colour for i in range(len(SEGMENTS))] * BATCHES
        nobody: list[list[float]] = [[] for _row in colours]
        self.dots = [
            ColumnDataSource({"xs": nobody, "ys": nobody, "colour": colours}, syncable=False)
            for _i in range(2)
        ]
        self.rings = [ColumnDataSource({"x": [], "y": [], "colour": []}, syncable=False) for _i in range(2)]
        self.zones = [ColumnDataSource(self._zone_shapes(), syncable=False) for _i in range(2)]
        self.labels = [ColumnDataSource(self._label_places(), syncable=False) for _i in range(2)]
        self.figures = [self._figure(side) for side in range(2)]
        self.key = words(css_classes=["mapkey"], syncable=False)
        self.month = words(css_classes=["month"], syncable=False)
        self.titles = [words(css_classes=["maptitle"], syncable=False) for _i in range(2)]
        self.sides = [
            column(
                *parts, sizing_mode="stretch_width", styles={"flex": f"1 1 {NARROWEST:.0f}px"}, syncable=False
            )
            for parts in zip(self.titles, self.figures, strict=True)
        ]
        self._controls(layer, view)
        self._curves()
        self._connect()
        self.chosen.on_change("data", lambda _attr, _old, new: on_choice({k: v[0] for k, v in new.items()}))
        self.layout = self._layout()

    # -- what is drawn once -------------------------------------------------------------------------------

    def _zone_shapes(self) -> dict[str, Any]:
        xs, ys = [], []
        for path in self.geography.outlines:
            shape = _polygons(path)
            xs.append([[ring[:, 0].tolist() for ring in polygon] for polygon in shape])
            ys.append([[ring[:, 1].tolist() for ring in polygon] for polygon in shape])
        n = len(xs)
        names = [label.name(self.lang) for label in self.geography.labels]
        return {
            "xs": xs,
            "ys": ys,
            "fill": ["#ffffff"] * n,
            "name": names,
            "text": ["–"] * n,
            "line": [0.6] * n,
        }

    def _extent(self) -> tuple[float, float, float, float]:
        """Return what the maps show: first and last x, first and last y [km], with room for whole lines of labels."""
        west, east, south, north = self.extent = self.geography.extent(NARROWEST, self.lang, LONGEST)
        line, up = 0.6 * LABEL_STEP * (east - west) / NARROWEST, self._label_places()["y"]
        return west, east, min(south, up.min() - line), max(north, up.max() + line)

    def _label_places(self) -> dict[str, Any]:
        geography = self.geography
        west, east, _south, _north = self.extent
        centres = geography.centres
        if geography.made:
            places = centres.copy()
        else:
            places = np.array([(label.x or 0.0, label.y or 0.0) for label in geography.labels])
            column_ = np.array([label.x is None for label in geography.labels])
            if column_.any():
                places[column_, 0] = geography.column_x()
                places[column_, 1] = spread_out(centres[column_, 1], LABEL_STEP * (east - west) / NARROWEST)
        return {"x": places[:, 0], "y": places[:, 1], "align": [label.align for label in geography.labels],
                "text": [label.name(self.lang) for label in geography.labels]}  # fmt: skip

    def _leaders(self) -> tuple[list[list[float]], list[list[float]]]:
        """Return the lines from the zones to their labels: x and y of both ends."""
        places, centres = self._label_places(), self.geography.centres
        return tuple(
            [[at, label] for at, label in zip(centres[:, i].tolist(), places[axis].tolist(), strict=True)]
            for i, axis in enumerate("xy")
        )  # type: ignore[return-value]

    def _clear_stations(self, km: float) -> np.ndarray:
        """Return the stations that lie under no label; `km` is the size of a pixel."""
        labels, stations = self._label_places(), self.geography.stations
        clear = np.ones(len(stations), dtype=bool)
        for x, y, align, text in zip(*(labels[name] for name in ("x", "y", "align", "text")), strict=True):
            wide = (text_width(f"{text} 8,888", 11.0) + PADDING) * km
            left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[align] * wide
            under = (stations[:, 0] > left) & (stations[:, 0] < left + wide)
            clear &= ~(under & (np.abs(stations[:, 1] - y) < 0.6 * LABEL_STEP * km))
        return stations[clear]

    def _figure(self, side: int) -> Any:
        geography, colours = self.geography, PALETTE["map"]
        west, east, south, north = self.extent
        plot = figure(
            x_range=Range1d(west, east), y_range=Range1d(south, north), toolbar_location=None, tools="",
            width=352, height=round(352 * (north - south) / (east - west)), sizing_mode="scale_width", min_border=0,
            outline_line_color=PALETTE["rule"], background_fill_color=colours["land"],
            name=f"map{side}", css_classes=["map"],
            html_attributes={"data-name": (_("Map of policy A, or of the difference; zones can be chosen from the list below")
                                            if side else _("Map of the baseline; zones can be chosen from the list below"))},
        )  # fmt: skip
        plot.axis.visible = plot.grid.visible = False
        home = geography.home_name("en")
        for is_home in (False, True):
            districts = [d for d in geography.districts if (d.name_en == home) is is_home]
            rings = [ring for district in districts for ring in district.rings]
            plot.patches(
                *([ring[:, axis].round(3).tolist() for ring in rings] for axis in range(2)),  # each array takes a message
                fill_color=colours["home"] if is_home else None, line_width=1 if is_home else 0.5,
                line_color=colours["home_line"] if is_home else colours["district_line"],
            )  # fmt: skip
        stations = self._clear_stations((east - west) / NARROWEST)
        if len(stations):
            plot.scatter(stations[:, 0], stations[:, 1], size=2.4, color=colours["station"])
        zones = plot.multi_polygons(
            "xs", "ys", source=self.zones[side], fill_color="fill", line_color=colours["zone_line"], line_width="line",
            selection_line_color=colours["zone_line_selected"], selection_line_width=2.4, selection_fill_color="fill",
            nonselection_fill_alpha=1.0, nonselection_line_alpha=1.0,
        )  # fmt: skip
        plot.multi_line(*self._leaders(), line_color=colours["leader"], line_width=0.6)
        self._monthly(plot, side)
        plot.add_tools(
            TapTool(renderers=[zones]),
            HoverTool(renderers=[zones], tooltips=[("", "@name: @text")], attachment="above"),
        )
        return plot

    def _monthly(self, plot: Any, side: int) -> None:
        """Add what changes with the month, on a canvas of its own: the rest is painted anew only if a colour changes."""
        plot.multi_line(
            "xs", "ys", source=self.dots[side], line_color="colour", line_width=DOT, line_cap="round", level="overlay",
        )  # fmt: skip
        plot.scatter(
            "x", "y", source=self.rings[side], size=DOT, fill_color="colour", line_color=PALETTE["ink"], line_width=2,
            level="overlay",
        )  # fmt: skip
        plot.text(
            "x", "y", "text", source=self.labels[side], text_align="align", text_baseline="middle",
            text_font_size="11px", text_color=PALETTE["ink"], level="overlay",
        )  # fmt: skip

    def _controls(self, layer: str, view: str) -> None:
        names = layer_names()
        self.layers = RadioButtonGroup(labels=[names[name] for name in LAYERS], active=LAYERS.index(layer), syncable=False,
                                       css_classes=["seg"])  # fmt: skip
        self.views = RadioButtonGroup(labels=[_("Side by side"), _("Difference"), _("One map")], active=VIEWS.index(view),
                                      syncable=False, css_classes=["seg"])  # fmt: skip
        self.play = Button(
            label=f"▶ {_('Play')}", button_type="primary", width=110, tags=[0], syncable=False, name="play"
        )
        self.speed = RadioButtonGroup(
            labels=["1×", "4×", "12×"], active=1, syncable=False, width=150, css_classes=["seg"]
        )
        self.slider = Slider(start=1, end=120, value=1, step=1, title=_("Month"), syncable=False, show_value=False,
                             sizing_mode="stretch_width", bar_color=PALETTE["policies"][0]["colour"], name="month")  # fmt: skip

    def _curves(self) -> None:
        self.cursor, self.cursor2 = (
            Span(
                location=1,
                dimension="height",
                line_color=PALETTE["ink"],
                line_width=1.5,
                level="overlay",
                syncable=False,
            )
            for _i in range(2)
        )
        common: dict[str, Any] = {"toolbar_location": None, "tools": "", "sizing_mode": "stretch_width", "min_border_left": 56,
                                  "min_border_right": 12, "outline_line_color": None}  # fmt: skip
        self.curve = figure(height=120, name="curve", x_range=Range1d(*_months_shown(120)), **common,
                            html_attributes={"data-name": _("The region month by month, baseline and policy A")})  # fmt: skip
        self.bars = figure(height=94, x_range=self.curve.x_range, name="bars", **common,
                           html_attributes={"data-name": _("Policy A minus baseline, month by month")})  # fmt: skip
        self.bars_title = Title(text="", text_font_size="11px", text_font_style="normal", syncable=False,
                                text_color=PALETTE["ink_secondary"])  # fmt: skip
        self.bars.title = self.bars_title
        self.curve.line(
            "index", "baseline", source=self.time, color=PALETTE["baseline"]["colour"], line_width=2
        )
        self.curve.line("index", "policy", source=self.time, color=PALETTE["policies"][0]["colour"], line_width=2,
                        line_dash=[6, 3])  # fmt: skip
        self.bars.vbar(
            x="index", top="difference", source=self.time, width=0.7, color=PALETTE["policies"][0]["colour"]
        )
        self.bars.add_layout(Span(location=0, dimension="width", line_color=PALETTE["axis"]))
        factors, suffixes = [_FACTOR.get(n, 1.0) for n in LAYERS], [_SUFFIX.get(n, "") for n in LAYERS]
        for plot, cursor, ends in (
            (self.curve, self.cursor, suffixes),
            (self.bars, self.cursor2, [""] * len(LAYERS)),
        ):
            plot.add_layout(cursor)
            plot.xgrid.visible = False
            plot.ygrid.grid_line_color = PALETTE["grid"]
            plot.axis.axis_line_color = plot.axis.major_tick_line_color = PALETTE["axis"]
            plot.axis.minor_tick_line_color = None
            plot.axis.major_label_text_color = PALETTE["ink_secondary"]
            plot.yaxis.ticker.desired_num_ticks = 3
            plot.yaxis.formatter = CustomJSTickFormatter(
                args={"layers": self.layers, "factors": factors, "suffixes": ends}, code=TICK
            )
        self.curve.xaxis.visible = False
        self.bars.xaxis.major_label_policy = NoOverlap(min_distance=6)

    def _connect(self) -> None:
        args: dict[str, Any] = {
            "meta": self.meta, "levels": self.levels, "regions": self.regions, "time": self.time, "chosen": self.chosen,
            "layers": self.layers, "views": self.views, "slider": self.slider, "play": self.play, "speed": self.speed,
            "key": self.key, "month": self.month, "cursor": self.cursor, "cursor2": self.cursor2,
            "bars_title": self.bars_title,
        }  # fmt: skip
        for side in range(2):
            args |= {f"zones{side}": self.zones[side], f"labels{side}": self.labels[side], f"dots{side}": self.dots[side],
                     f"rings{side}": self.rings[side], f"spells{side}": self.spells[side], f"map{side}": self.figures[side],
                     f"title{side}": self.titles[side], f"side{side}": self.sides[side]}  # fmt: skip

        def does(what: str) -> CustomJS:
            return CustomJS(args=args, code=f"const what = {json.dumps(what)};\n{script()}")

        series, draw = does("series"), does("draw")
        self.first_draw = series
        self.meta.js_on_change("data", series)
        self.layers.js_on_change("active", series)
        self.views.js_on_change("active", draw)
        self.slider.js_on_change("value", draw)
        self.play.js_on_click(does("toggle"))
        self.speed.js_on_change("active", does("speed"))
        for side in range(2):
            self.zones[side].selected.js_on_change("indices", does("zone"))
            self.figures[side].js_on_event("tap", does("startup"))

    def _layout(self) -> Any:
        credit = words(f'<div class="credit">{escape(self.geography.credit(self.lang))}</div>')
        maps = row(*self.sides, sizing_mode="stretch_width", spacing=12, stylesheets=[WRAP])
        self.month.styles = {"flex": "1 1 300px"}
        top = row(self.layers, self.views, sizing_mode="stretch_width", stylesheets=[WRAP])
        line = row(self.play, self.speed, self.month, sizing_mode="stretch_width", stylesheets=[WRAP])
        return column(
            top, maps, self.key, credit, line, self.slider, self.curve, self.bars, sizing_mode="stretch_width"
        )

    # -- what changes -------------------------------------------------------------------------------------

    def _about(self, runs: list[Frames], treated: list[str], titles: list[str]) -> dict[str, Any]:
        names, regions = layer_names(), region_words()
        less = _("policy A minus baseline")
        layers = []
        for name in LAYERS:
            levels, differences = bounds_of(name, runs[0]) if runs else ((1.0, 2.0, 4.0, 8.0), (-1.0, 1.0))
            layers.append({
                "name": name, "title": names[name], "of_region": regions[name], "bounds": levels, "differences": differences,
                "factor": _FACTOR.get(name, 1.0), "digits": 1 if name in ("rent", "vacancy") else 0,
                "suffix": _SUFFIX.get(name, ""), "difference_suffix": f" {_('pp')}" if name in _SUFFIX else "",
                "difference_title": less + (_(", percentage points") if name in _SUFFIX else ""),
                "key": _key(name, levels, PALETTE["levels"], False),
                "difference_key": _key(name, differences, PALETTE["differences"], True),
            })  # fmt: skip
        zones = self.geography.grid.tables.zones
        return {
            "zones": [label.name(self.lang) for label in self.geography.labels], "zone_ids": [zone.id for zone in zones],
            "months": list(runs[0].months) if runs else [], "two": len(runs) > 1, "layers": layers,
            "levels": PALETTE["levels"], "differences": PALETTE["differences"],
            "month_of": _("month {t} of {n}").replace("{n}", str(len(runs[0].months) if runs else 0)),
            "beyond": _("levels beyond three years mean little: read differences"), "level_months": LEVEL_MONTHS,
            "play": _("Play"), "pause": _("Pause"), "treated": treated,
            "titles": [titles[0], titles[-1], _("{policy} minus {baseline}").format(policy=titles[-1], baseline=titles[0])],
        }  # fmt: skip

    def show(
        self,
        runs: list[Frames],
        treated: tuple[str, ...],
        titles: list[str],
        month: int,
        layer: str,
        view: str,
    ) -> None:
        """Send runs to the browser: the baseline first, then the policy; every month of them at once.

        Parameters
        ----------
        runs
            One run, or two on the same seed.
        treated
            Zones of the policy's place-bound levers.
        titles
            What the runs are called, as HTML.
        month, layer, view
            What is shown first; month 0 is the last.
        """
        for side, frames in enumerate(runs):
            self.spells[side].data = {"all": self._spell_rows(frames).ravel()}
        every = [(name, frames) for name in LAYERS for frames in runs]
        levels = np.stack([frames.layer(name) for name, frames in every])
        regions = np.stack([regional(frames, name, self.stock) for name, frames in every])
        self.levels.data = {"all": levels.astype(np.float32).ravel()}
        self.regions.data = {"all": regions.astype(np.float32).ravel()}
        ids = [zone.id for zone in self.geography.grid.tables.zones]
        line = [1.8 if zone in treated else 0.6 for zone in ids]
        self.zones[1].data = dict(self.zones[1].data) | {"line": line}
        last = len(runs[0].months)
        self.curve.x_range.start, self.curve.x_range.end = _months_shown(last)
        years = list(range(0, last + 1, 12 if last <= 120 else 60))
        for plot in (self.curve, self.bars):
            plot.xaxis.ticker = [t + 1 for t in years]
            plot.xaxis.major_label_overrides = {
                t + 1: str(int(runs[0].months[0][:4]) + t // 12) for t in years
            }
        self.layers.active, self.views.active = LAYERS.index(layer), VIEWS.index(view)
        self.slider.end, self.slider.value = last, month or last
        self.meta.data = {"json": [json.dumps(self._about(runs, list(treated), titles))]}

    def again(self) -> None:
        """Let the browser draw once more, after it has received a new map whose data were there before it."""
        about = json.loads(self.meta.data["json"][0])
        self.meta.data = {"json": [json.dumps(about | {"drawn": about.get("drawn", 0) + 1})]}

    def _spell_rows(self, frames: Frames) -> np.ndarray:
        """Return every stay of a startup in a cell, in one array, since each takes a message of its own, (7, n_spells).

        Rows are place [m], first and last month, segment, and the upper and lower half of the identity.
        """
        spells, grid = frames.spells(), self.geography.grid
        uid = frames.uid[spells["who"]]
        across, up = ((uid >> np.uint64(shift)) % np.uint64(997) / 997.0 - 0.5 for shift in (7, 23))
        place = [1000.0 * (centre[spells["cell"]] + 0.84 * grid.cell_km * aside)
                 for centre, aside in ((grid.x, across), (grid.y, up))]  # fmt: skip
        rows = [*np.rint(place), spells["first"], spells["last"], frames.segment[spells["who"]]]
        halves = np.stack([uid >> np.uint64(32), uid & np.uint64(0xFFFFFFFF)]).astype(np.uint32)
        return np.concatenate([np.stack(rows).astype(np.int32), halves.view(np.int32)])


def _months_shown(last: int) -> tuple[float, float]:
    """Return where the axis of months begins and ends: with room beside the first and the last, known there or not."""
    return 1 - 0.05 * last, last + 0.05 * last


def _polygons(path: Path) -> list[list[np.ndarray]]:
    """Return the polygons of an outline, each with its holes, which turn the other way round."""
    rings = [np.asarray(ring) for ring in path.to_polygons(closed_only=False)]
    outer = [[ring] for ring in rings if _area(ring) > 0]
    for hole in (ring for ring in rings if _area(ring) <= 0):
        home = next(
            (
                p
                for p in outer
                if Path(p[0]).contains_point((float(hole[:, 0].mean()), float(hole[:, 1].mean())))
            ),
            outer[0],
        )
        home.append(hole)
    return outer


def _area(ring: np.ndarray) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
