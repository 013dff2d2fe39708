"""Marks of policies: keys, split bars, interval plots with their axes, panels over time."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from sim.figures.numbers import Band
from sim.figures.style import PALETTE, Mark
from sim.intervals import Interval
from sim.report.svg import (
    AXIS,
    GRID,
    INK,
    NOTE,
    SECONDARY,
    WIDTH,
    Drawing,
    element,
    hatch,
    nice_ticks,
    number,
)
from sim.report.text import Both, alike, say, signed, whole

#: outline of a key in a box of 24 by 24, by the marker of the palette
SHAPES = {
    "o": "M12 1A11 11 0 1 1 12 23A11 11 0 1 1 12 1Z",
    "s": "M2 2H22V22H2Z",
    "D": "M12 0 24 12 12 24 0 12Z",
    "h": "M6 1H18L24 12 18 23H6L0 12Z",
    "p": "M12 0 23.5 8.6 19 23H5L.5 8.6Z",
}
BASELINE_SHAPE = "M5 1H19A4 4 0 0 1 23 5V19A4 4 0 0 1 19 23H5A4 4 0 0 1 1 19V5A4 4 0 0 1 5 1Z"
UNRESOLVED = "unresolved"  #: id of the pattern of what is not resolved
BAR_WIDTH, BAR_HEIGHT = 300.0, 18.0
PLOT_WIDTH, PLOT_HEIGHT, PLOT_EDGE = 176.0, 24.0, 8.0
PANEL_HEIGHT, PANEL_LEFT, PANEL_BOTTOM, PANEL_TOP = 150.0, 40.0, 22.0, 12.0


def patterns(colours: dict[str, str]) -> Markup:
    """Return the hatches that figures refer to: one for each colour by its id, and that of what is not resolved."""
    made = [hatch(f"hatch-{name}", colour) for name, colour in colours.items()]
    plain = PALETTE["unresolved"]
    return element("defs", Markup("").join([*made, hatch(UNRESOLVED, plain["line"], plain["fill"], 0.9)]))


def key(mark: Mark, baseline: bool = False) -> Drawing:
    """Return the key of a scenario: its letter in its shape."""
    drawing = Drawing(24, 24, kind="key")
    drawing.path(BASELINE_SHAPE if baseline else SHAPES[mark.marker], fill=mark.colour)
    drawing.text(12, 16.6, mark.letter, text_anchor="middle", font_size=13, font_weight=700, fill="#fff")
    return drawing


def dashes(mark: Mark) -> str | None:
    """Return the dashes of a mark's line."""
    if isinstance(mark.line, str):
        return None
    return " ".join(number(2.0 * part) for part in mark.line[1])


def split_bar(
    net: float, moved: float, resolved: bool, mark: Mark, scale: tuple[float, float], name: str
) -> Drawing:
    """Return a bar of what a policy's zones gain: net for the region solid, moved within it hatched.

    Parameters
    ----------
    net, moved
        Startups.
    resolved
        Whether the interval of the net effect excludes 0; else its part is hollow.
    mark, name
        How the policy is drawn, and the id of the hatch in its colour.
    scale
        Least and largest number of startups that any bar of the page reaches.
    """
    drawing = Drawing(BAR_WIDTH, 40, kind="bars")
    low, high = min(scale[0], 0.0), max(scale[1], 1e-9)
    step = (BAR_WIDTH - 2 * 26.0) / (high - low)
    zero = 26.0 - low * step
    begin = zero + max(net, 0.0) * step
    if moved > 0:
        drawing.rect(begin, 2, moved * step, BAR_HEIGHT, fill=f"url(#{name})", stroke=mark.colour)
    if net:
        look = (
            {"fill": mark.colour}
            if resolved
            else {"fill": "#fff", "stroke": mark.colour, "stroke_dasharray": "3 2"}
        )
        drawing.rect(zero, 2, net * step, BAR_HEIGHT, **look)
    drawing.line(zero, 0, zero, BAR_HEIGHT + 4)
    left = min(zero, zero + net * step)
    drawing.text(left, 35, say("net {n}", n=signed(net)), font_size=12, font_weight=700)
    if moved > 0:
        end = begin + moved * step
        far = end - left > 120
        x, anchor = (end, "end") if far else (left + 62, None)
        drawing.text(
            x, 35, say("moved {n}", n=whole(moved)), font_size=12, fill=SECONDARY, text_anchor=anchor
        )
    return drawing


@dataclasses.dataclass(frozen=True)
class Scale:
    """The scale that a column of interval plots shares: its ends, and whether it is logarithmic."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, intervals: Sequence[Interval], log: bool = False) -> "Scale":
        """Return a scale on which all intervals find room; a linear one holds 0."""
        ends = [v for i in intervals for v in (i.mean, i.low, i.high) if v is not None and math.isfinite(v)]
        if log:
            ends = [v for v in ends if v > 0] or [1.0]
            return cls(min(ends) / 1.25, max(ends) * 1.25, True)
        low, high = min([0.0, *ends]), max([0.0, *ends])
        if low == high:
            return cls(-1.0, 1.0)
        return cls(low - 0.04 * (high - low), high + 0.04 * (high - low))

    def at(self, value: float) -> float:
        """Return where a value stands [px]."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return PLOT_EDGE + share * (PLOT_WIDTH - 2 * PLOT_EDGE)

    def ticks(self) -> list[float]:
        """Return the round numbers that the axis names."""
        if not self.log:
            return nice_ticks(self.low, self.high, 4)
        found = [
            f * 10.0**e for e in range(-6, 10) for f in (1, 2, 5) if self.low <= f * 10.0**e <= self.high
        ]
        if len(found) > 4:
            tens = [value for value in found if round(math.log10(value), 9) % 1 == 0]
            found = tens if len(tens) > 2 else found[:: math.ceil(len(found) / 4)]
        return found


def axis(scale: Scale, percent: bool = False) -> Drawing:
    """Return the axis of a column of interval plots."""
    drawing = Drawing(PLOT_WIDTH, 18, kind="ax")
    for tick in scale.ticks():
        # prices alone are logarithmic, and counted otherwise in Chinese
        text = (
            Both(whole(tick), whole(100 * tick))
            if scale.log
            else alike(whole(100 * tick) if percent else signed(tick))
        )
        reach = 3.2 * max(len(text.en), len(text.zh))  # half of what it covers
        x = min(max(scale.at(tick), reach), PLOT_WIDTH - reach)
        drawing.text(x, 13, text, text_anchor="middle", fill=SECONDARY)
    return drawing


def interval_plot(
    interval: Interval, scale: Scale, mark: Mark, hollow: bool = False, open_ended: bool = False
) -> Drawing:
    """Return a dot on its interval; hollow where the direction is not resolved, an arrow where it has no upper limit."""
    drawing = Drawing(PLOT_WIDTH, PLOT_HEIGHT, kind="iv")
    middle = PLOT_HEIGHT / 2
    for tick in scale.ticks():
        zero = tick == 0 and not scale.log
        x = scale.at(tick)
        drawing.line(
            x, 2 if zero else 4, x, PLOT_HEIGHT - (2 if zero else 4), stroke=INK if zero else RULE_LINE
        )
    if open_ended and interval.low is not None:
        x, end = scale.at(interval.low), PLOT_WIDTH - PLOT_EDGE
        drawing.line(x, middle, end - 5, middle, stroke=mark.colour, stroke_width=2, stroke_dasharray="3 2")
        drawing.path(f"M{number(end)} {number(middle)}l-7 -4v8z", fill=mark.colour)
        drawing.line(x, middle - 5, x, middle + 5, stroke=mark.colour, stroke_width=2)
        return drawing
    if interval.mean is None:
        return drawing
    if interval.low is not None and interval.high is not None:
        look = {"stroke": mark.colour, "stroke_width": 2.5}
        drawing.line(scale.at(interval.low), middle, scale.at(interval.high), middle, **look)
    look = {"fill": "#fff" if hollow else mark.colour, "stroke": mark.colour, "stroke_width": 2}
    drawing.circle(scale.at(interval.mean), middle, 4.5, **look)
    return drawing


RULE_LINE = PALETTE["rule"]


@dataclasses.dataclass(frozen=True)
class TimeAxis:
    """Months of the panels over time: the first year and month, how many months, and the share that one takes."""

    start: str
    months: int

    def years(self) -> list[tuple[int, int]]:
        """Return the years to name, each with the months that have passed at its beginning."""
        year, month = (int(part) for part in self.start.split("-"))
        first = year if month == 1 else year + 1
        last = year + (month - 1 + self.months) // 12
        step = 1 if last - first <= 4 else 2
        return [(y, (y - year) * 12 - (month - 1)) for y in range(first, last + 1, step)]


def time_panel(
    band: Band, times: TimeAxis, scale: tuple[float, float], mark: Mark, name: str, ends: int | None, at: int,
    resolved: bool,
) -> Drawing:  # fmt: skip
    """Return the difference of one policy over time: mean, band, and a line where payments end.

    Parameters
    ----------
    band
        Mean and limits by month, (months,).
    times, scale
        Axes that all panels share.
    mark, name
        How the policy is drawn, and the id of what names the figure.
    ends
        Last month with payments, from 1 on; None if they go on.
    at
        Month at which the effect is read, from 1 on.
    resolved
        Whether its direction may be told; if not, the dot is hollow.
    """
    drawing = Drawing(WIDTH, PANEL_HEIGHT, name)
    right, bottom = WIDTH - 10.0, PANEL_HEIGHT - PANEL_BOTTOM
    x = lambda month: PANEL_LEFT + (right - PANEL_LEFT) * month / max(times.months, 1)  # noqa: E731
    reach = scale[1] - scale[0]
    y = lambda value: bottom - (bottom - PANEL_TOP) * (value - scale[0]) / reach  # noqa: E731
    for tick in nice_ticks(*scale, 4):
        drawing.line(PANEL_LEFT, y(tick), right, y(tick), stroke=AXIS if tick == 0 else GRID)
        drawing.text(PANEL_LEFT - 6, y(tick) + 4, signed(tick), text_anchor="end", fill=SECONDARY)
    for year, month in times.years():
        drawing.line(x(month), bottom, x(month), bottom + 4, stroke=AXIS)
        inside = min(x(month), WIDTH - 15.0)  # half of the text is wider than the margin
        drawing.text(inside, bottom + 17, str(year), text_anchor="middle", fill=SECONDARY)
    months = np.arange(1, len(band.mean) + 1)
    points = lambda values: [f"{number(x(m))} {number(y(v))}" for m, v in zip(months, values, strict=True)]  # noqa: E731
    if np.isfinite(band.low).all():
        outline = [*points(band.low), *reversed(points(band.high))]
        drawing.path(f"M{'L'.join(outline)}Z", fill=mark.colour, fill_opacity="0.2")
    drawing.path(f"M{'L'.join(points(band.mean))}", fill="none", stroke=mark.colour, stroke_width=2,
                 stroke_dasharray=dashes(mark))  # fmt: skip
    if ends is not None:
        drawing.line(x(ends), PANEL_TOP, x(ends), bottom, stroke=NOTE, stroke_dasharray="2 3")
        drawing.text(x(ends) + 4, PANEL_TOP + 9, say("payments end"), font_size=10.5, fill=NOTE)
    value = float(band.mean[at - 1])
    drawing.circle(
        x(at), y(value), 3.5, fill=mark.colour if resolved else "#fff", stroke=mark.colour, stroke_width=1.5
    )
    return drawing


def reading(band: Band, at: int) -> Both:
    """Return the number at which a path stands at a month, with its interval."""
    mean, low, high = (float(part[at - 1]) for part in (band.mean, band.low, band.high))
    if not math.isfinite(low):
        return say("{mean}, no interval", mean=signed(mean))
    return say("{mean} [{low}, {high}]", mean=signed(mean), low=signed(low), high=signed(high))
