"""Pictures of calibration, validation and sensitivity."""

import math
import pathlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.calibration.calibrate import Met
from sim.calibration.ensemble import NARROW, Narrowing
from sim.calibration.holdouts import MOSTLY, Answer, Rival
from sim.calibration.sensitivity import Moved, Sensitivity
from sim.calibration.tables import number
from sim.figures import house_style
from sim.language import _

#: colours of Okabe and Ito, told apart by everybody: set, point, second point, miss, band
BLUE, BLACK, ORANGE, VERMILION, GREY = "#0072B2", "#000000", "#E69F00", "#D55E00", "#DDDDDD"
#: those of zones, in the order of how often they are the densest; the rest is grey
ZONES = (BLUE, ORANGE, "#009E73", "#56B4E9", "#CC79A7", "#F0E442")
#: looks of bars by what is said of them, told apart without colour too
IDENTIFIED: dict[str, Any] = {"facecolor": BLUE}
MOVED: dict[str, Any] = {"facecolor": ORANGE, "hatch": "////", "edgecolor": "white", "linewidth": 0}
UNKNOWN: dict[str, Any] = MOVED | {"facecolor": "#999999", "hatch": "...."}
MISSED: dict[str, Any] = MOVED | {"facecolor": VERMILION}
ROW_INCHES, WIDTH_INCHES = 0.27, 8.6
WIDEST = 4.0  #: tolerances that the picture of targets shows
FURTHEST = 15.0  #: factor between prediction and fact that the picture of hold-outs shows


def save(path: pathlib.Path, rows: int, draw: Callable[[Figure], None]) -> pathlib.Path:
    """Draw a figure with so many rows and write it as PNG; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with house_style():
        figure = Figure(figsize=(WIDTH_INCHES, 1.3 + ROW_INCHES * rows), layout="constrained")
        draw(figure)
        figure.savefig(path, dpi=110, metadata={"Software": None})
    return path


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    """Name the rows of axes, the first at the top."""
    axes.set_yticks(range(len(labels)), labels, fontsize=9)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.3)


def draw_parameters(path: pathlib.Path, found: Sequence[Narrowing]) -> pathlib.Path:
    """Draw the accepted 90 % of each parameter inside its plausible range, the narrowest first."""
    ordered = sorted(found, key=lambda one: one.width)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for i, one in enumerate(ordered):
            low, high = one.prior
            at = [(value - low) / (high - low) for value in (*one.posterior, one.shipped)]
            unknown = one.verdict == _("not identified")
            look = IDENTIFIED if one.width <= NARROW else UNKNOWN if unknown else MOVED
            axes.barh(i, 1.0, color=GREY, height=0.72)
            axes.barh(i, at[2] - at[0], left=at[0], height=0.5, **look)
            axes.plot([at[1]] * 2, [i - 0.25, i + 0.25], color="white", lw=2)
            axes.plot(at[3], i, "D", color=BLACK, ms=4)
        _rows(axes, [one.key for one in ordered])
        axes.set(xlim=(0, 1), xlabel=_("place in the plausible range"))
        axes.set_title(
            _("Accepted 90 % in the plausible range")
            + "\n"
            + _("blue identified, striped orange narrowed or shifted, dotted grey neither; ◆ shipped"),
            fontsize=10,
        )

    return save(path, len(ordered), draw)


def draw_targets(path: pathlib.Path, met: Sequence[Met]) -> pathlib.Path:
    """Draw the accepted set against the tolerance of each target."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvspan(-1, 1, color=GREY)
        axes.axvline(0, color="#888888", lw=1)
        for i, row in enumerate(met):
            low, middle, median, high, shipped = (
                float(np.clip(row.target.deviation(v), -WIDEST, WIDEST))
                for v in (row.low, row.mean, row.median, row.high, row.shipped)
            )
            axes.barh(
                i, high - low, left=low, height=0.35, zorder=2, **(IDENTIFIED if all(row.inside) else MISSED)
            )
            axes.plot(middle, i, "o", color="white", mec=BLACK, ms=7)
            axes.plot(median, i, "D", color=BLACK, ms=4)
            axes.plot(shipped, i, "x", color=BLACK, ms=6, mew=1.5)
        _rows(axes, [f"{row.target.id} {row.target.name}" for row in met])
        axes.set(xlim=(-WIDEST, WIDEST), xlabel=_("distance from the target [tolerances]"))
        axes.set_title(
            _("Accepted set against the targets")
            + "\n"
            + _("bar 90 %, ○ mean, ◆ median member, × shipped defaults; striped red misses"),
            fontsize=10,
        )

    return save(path, len(met), draw)


def draw_holdouts(path: pathlib.Path, answers: Sequence[Answer]) -> pathlib.Path:
    """Draw facts that were kept out of the fit: numbers as prediction over fact, statements as shares of the runs."""
    numbers = [
        a for a in answers if a.fact.kind in ("number", "used", "plan") and a.fact.value and len(a.known)
    ]
    statements = [a for a in answers if a.fact.kind == "statement"]

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(
            2, 1, gridspec_kw={"height_ratios": [len(numbers) + 1, len(statements) + 1]}
        )
        for i, answer in enumerate(numbers):
            low, middle, high = (
                max(answer.quantile(q) / float(answer.fact.value or 1), 0.01) for q in (0.05, 0.5, 0.95)
            )
            failed = answer.verdict.startswith(_("FAILS"))
            colour = VERMILION if failed else ORANGE if answer.fact.kind != "number" else BLUE
            above.plot([low, high], [i, i], color=colour, lw=6, solid_capstyle="butt")
            above.plot(middle, i, "o", color="white", mec=colour, mew=2, ms=7)
        above.axvline(1.0, color=BLACK, lw=1)
        above.set_xscale("log")
        above.set_xlim(1 / FURTHEST, FURTHEST)
        ticks = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
        above.set_xticks(ticks, [f"{tick:g}" for tick in ticks])  # the style writes no powers
        above.minorticks_off()
        _rows(above, [a.fact.name for a in numbers])
        above.set_xlabel(_("predicted over fact"))
        above.set_title(
            _("Facts kept out of the fit (bar 90 %; red fails, orange is a plan or used up)"), fontsize=10
        )
        for i, answer in enumerate(statements):
            share = answer.chance or 0.0
            failed = answer.verdict.startswith(_("FAILS"))
            colour = VERMILION if failed else BLUE if share >= MOSTLY else ORANGE
            below.barh(i, share, color=colour, height=0.5)
            inside = share > 0.8
            below.text(share + (-0.01 if inside else 0.01), i, answer.verdict, va="center", fontsize=9,
                       ha="right" if inside else "left", color="white" if inside else BLACK)  # fmt: skip
        _rows(below, [a.fact.name for a in statements])
        below.set(xlim=(0, 1), xlabel=_("share of the runs in which it holds"))

    return save(path, len(numbers) + len(statements) + 4, draw)


def draw_rivals(path: pathlib.Path, rivals: Sequence[Rival], names: dict[str, str]) -> pathlib.Path:
    """Draw null and rival worlds: how clustered each becomes from an even start, and where it is densest.

    Parameters
    ----------
    path
        The PNG.
    rivals
        The worlds.
    names
        Names of zones by id.
    """
    often = [zone for zone, _n in Counter(zone for one in rivals for zone in one.densest).most_common()]

    def draw(figure: Figure) -> None:
        above, below = figure.subplots(2, 1)
        for i, one in enumerate(rivals):
            low, middle, high = np.nanquantile(one.measures["marcon_puech_500m"], (0.05, 0.5, 0.95))
            above.plot([low, high], [i, i], color=BLUE, lw=6, solid_capstyle="butt")
            above.plot(middle, i, "o", color="white", mec=BLUE, mew=2, ms=7)
        above.axvline(1.0, color=BLACK, lw=1)
        above.margins(x=0.05)
        above.set_title(_("Null and rival worlds, ten years after an even start"), fontsize=10)
        above.set_xlabel(
            _("M in 0.5 km after ten years (bar 90 % of the runs, ○ median; 1 is floor space alone)")
        )
        for zone, colour in zip(often, (*ZONES, *["#999999"] * len(often)), strict=False):
            shares = np.array([one.densest.count(zone) / len(one.densest) for one in rivals])
            left = [
                sum(one.densest.count(z) for z in often[: often.index(zone)]) / len(one.densest)
                for one in rivals
            ]
            label = (
                names[zone]
                if zone in often[: len(ZONES)]
                else _("elsewhere")
                if zone == often[len(ZONES)]
                else None
            )
            below.barh(range(len(rivals)), shares, left=left, color=colour, height=0.6, label=label)
        below.set(xlim=(0, 1), xlabel=_("share of the runs in which a zone is the densest"))
        below.legend(loc="upper center", bbox_to_anchor=(0.35, -0.3), ncols=2, fontsize=9, frameon=False)
        for axes in (above, below):
            _rows(axes, [one.name for one in rivals])

    return save(path, 2 * len(rivals) + 7, draw)


def draw_screening(path: pathlib.Path, found: Sensitivity, most: int = 10) -> pathlib.Path:
    """Draw what moves each output most, by Morris, with the level from which on it is beyond luck; pale is what is not."""

    def draw(axes: Axes, output: str, moved: Sequence[Moved]) -> None:
        for i, m in enumerate(moved):
            axes.barh(
                i, m.strength, color=_colour(output), alpha=1.0 if found.floor.passed(m) else 0.3, height=0.6
            )
            level = found.floor.level(m)
            if math.isfinite(level):
                axes.plot([level] * 2, [i - 0.42, i + 0.42], color=BLACK, lw=1.5)

    label = _("mean absolute effect over the range; stroke: luck and margin, pale: not beyond it")
    return _panels(path, {output: found.top(output, most) for output in found.noise}, draw, label)


def draw_indices(path: pathlib.Path, found: Sensitivity) -> pathlib.Path:
    """Draw total indices of Sobol with their intervals."""
    outputs = dict.fromkeys(m.output for m in found.indices)
    ordered = {
        o: sorted((m for m in found.indices if m.output == o), key=lambda m: -m.strength) for o in outputs
    }

    def draw(axes: Axes, output: str, moved: Sequence[Moved]) -> None:
        axes.barh(range(len(moved)), [m.strength for m in moved], xerr=[m.half for m in moved],
                  color=_colour(output), ecolor="#444444", height=0.6)  # fmt: skip
        axes.axvline(found.luck_share[output], color=BLACK, ls="--", lw=1)

    return _panels(path, ordered, draw, _("total index, 95 % interval; dashed: luck alone, at most"))


def _colour(output: str) -> str:
    """Return the colour of an output: levels apart from effects, which name their policy."""
    return ORANGE if ":" in output else BLUE


def _panels(
    path: pathlib.Path,
    moved: dict[str, list[Moved]],
    draw_rows: Callable[[Axes, str, Sequence[Moved]], None],
    xlabel: str,
) -> pathlib.Path:
    """Draw a panel for each output, with a row for each parameter."""
    columns = 2
    lines = -(-len(moved) // columns)
    longest = max(map(len, moved.values()), default=1)

    def draw(figure: Figure) -> None:
        figure.set_size_inches(12.0, lines * (0.9 + ROW_INCHES * longest))
        cells = np.atleast_1d(figure.subplots(lines, columns)).ravel()
        for axes, (output, rows) in zip(cells, moved.items(), strict=False):
            draw_rows(axes, output, rows)
            _rows(axes, [m.key for m in rows])
            axes.margins(x=0.03)  # a stroke at the end stays whole
            axes.set_xlim(left=0)
            axes.locator_params(axis="x", nbins=5)
            axes.xaxis.set_major_formatter(lambda value, _place: number(value) if value else "0")
            axes.set_title(output, fontsize=10)
            axes.set_xlabel(xlabel, fontsize=8)
        for axes in cells[len(moved) :]:
            axes.set_axis_off()

    return save(path, 1, draw)
