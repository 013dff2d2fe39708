"""Time paths: levels of baseline and policy or of groups over the first years, and paired differences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sim.figures.numbers import Band, difference_text, interval_text, level_text
from sim.figures.style import PALETTE, Mark, Named, gid_of, pixels_of, spread_out, write
from sim.figures.words import say

BAND = 0.22  #: opacity of a band
LABEL_STEP = 14.0  #: least distance between the labels of lines [px]


def draw_level_paths(
    ax: Axes,
    baseline: np.ndarray,
    policy: np.ndarray,
    mark: Mark,
    start: str,
    limits: tuple[float, float],
    lang: str = "en",
) -> None:
    """Draw the levels of baseline and policy: mean, and 95 % band over seeds.

    Parameters
    ----------
    ax
        Where to draw.
    baseline, policy
        Levels by seed and month, (n_seeds, months).
    mark
        How the policy is drawn.
    start
        First month, "YYYY-MM".
    limits
        Least and largest level that the panel shows, the same in every panel.
    lang
        Language, "en" or "zh".
    """
    months = np.arange(1, baseline.shape[1] + 1)
    ends, names = [], []
    base = Mark.of(None)
    for samples, look, name in ((baseline, base, say("Baseline", lang)), (policy, mark, mark.letter)):
        interval = Band.over_seeds(samples)
        _line(ax, months, interval, look)
        ends.append(float(interval.mean[-1]))
        names.append(f"{name} {level_text(ends[-1])}")
    ax.set_ylim(limits)
    ax.yaxis.set_major_formatter(lambda value, _: level_text(value))
    _calendar(ax, start, len(months))
    for y, name, look in zip(_apart(ax, ends), names, (base, mark), strict=True):
        write(ax, len(months), y, f" {name}", "strong", color=look.colour, va="center_baseline")


def draw_group_paths(
    ax: Axes,
    groups: Mapping[Named, np.ndarray],
    start: str,
    limits: tuple[float, float] | None = None,
    lang: str = "en",
) -> None:
    """Draw the levels of several groups: mean, and 95 % band over seeds, each named at its end.

    Parameters
    ----------
    ax
        Where to draw; its right 120 px of neighbourhood hold the names.
    groups
        Levels by seed and month of each group, (n_seeds, months).
    start
        First month, "YYYY-MM".
    limits
        Least and largest level shown; absent: from 0 to the largest.
    lang
        Language, "en" or "zh".

    Raises
    ------
    ValueError
        If there is no group.
    """
    if not groups:
        raise ValueError("there is no group to draw")
    months = np.arange(1, next(iter(groups.values())).shape[1] + 1)
    ends = []
    for named, samples in groups.items():
        band = Band.over_seeds(samples)
        _line(ax, months, band, named.mark)
        ends.append(float(band.mean[-1]))
    ax.set_ylim(limits or (0, 1.08 * max(float(np.nanmax(samples)) for samples in groups.values()) or 1))
    ax.yaxis.set_major_formatter(lambda value, _: level_text(value))
    _calendar(ax, start, len(months))
    texts = [f"{named.name} {level_text(end)}" for named, end in zip(groups, ends, strict=True)]
    label_ends(ax, ends, texts, [named.mark for named in groups])


def label_ends(
    ax: Axes,
    ends: Sequence[float],
    texts: Sequence[str],
    marks: Sequence[Mark | None],
    seconds: Sequence[str] = (),
) -> None:
    """Write a text beside the end of each line, apart from each other, tied to it by a short leader.

    Parameters
    ----------
    ax
        Axes whose limits are set.
    ends
        Where the lines end at the right edge of the axes.
    texts
        What to write.
    marks
        Shapes and colours between leader and text; None for neither.
    seconds
        A lighter line below each text, or nothing.
    """
    right, (low, high) = ax.get_xlim()[1], ax.get_ylim()
    width, height = pixels_of(ax)
    step, rise = np.ptp(ax.get_xlim()) / width, (high - low) / height
    lines = 2 if any(seconds) else 1
    gap = (LABEL_STEP * lines - lines + 1) * rise
    edge = gap / 2 - rise  # half of what a label covers
    placed = _kept_within(spread_out(np.array(ends), gap), gap, low + edge, high - edge)
    for i, (y, end, mark) in enumerate(zip(placed, ends, marks, strict=True)):
        colour = PALETTE["map"]["leader"] if mark is None else mark.colour
        top = y + 6 * rise * (lines - 1)
        ax.plot([right + step, right + 7 * step], [end, top], color=colour, linewidth=0.8, clip_on=False)
        if mark is not None:
            look: dict[str, Any] = {
                "marker": mark.marker,
                "markersize": 5.5,
                "markeredgewidth": 0,
                "color": colour,
            }
            ax.plot([right + 10 * step], [top], clip_on=False, **look)
        x = right + (9 if mark is None else 16) * step
        write(ax, x, top, texts[i], "strong", va="center_baseline", gid=gid_of(ax, "path", f"end-{i}"))
        if any(seconds):
            below: dict[str, Any] = {"color": PALETTE["ink_secondary"], "va": "center_baseline"}
            write(ax, x, top - 12 * rise, seconds[i], gid=gid_of(ax, "path", f"second-{i}"), **below)


def _kept_within(places: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Return the places moved inward as far as needed, still `gap` apart; upward where there is no room."""
    order, steps, placed = np.argsort(places, kind="stable"), gap * np.arange(len(places)), places.copy()
    placed[order[::-1]] = np.minimum(placed[order[::-1]], high - steps)
    placed[order] = np.maximum(placed[order], low + steps)
    return placed


def draw_difference_path(
    ax: Axes,
    differences: np.ndarray,
    mark: Mark,
    start: str,
    limits: tuple[float, float],
    resolved: bool,
    lang: str = "en",
) -> None:
    """Draw the paired difference of a policy from the baseline: mean, and 95 % band over seeds.

    Parameters
    ----------
    ax
        Where to draw.
    differences
        Policy minus baseline by seed and month, (n_seeds, months).
    mark, start, limits, lang
        As in `draw_level_paths`.
    resolved
        Whether the direction at the last month may be told; if not, its dot is hollow.
    """
    months = np.arange(1, differences.shape[1] + 1)
    interval = Band.over_seeds(differences)
    ax.axhline(0, color=PALETTE["ink_secondary"], linewidth=1)
    _line(ax, months, interval, mark)
    ax.plot(
        months[-1:],
        interval.mean[-1:],
        "o",
        color=mark.colour,
        markerfacecolor=mark.colour if resolved else "white",
        markeredgewidth=1.6,
        markersize=6,
        clip_on=False,
        zorder=5,
    )
    ax.set_ylim(limits)
    ax.yaxis.set_major_formatter(lambda value, _: difference_text(value))
    _calendar(ax, start, len(months))
    _end_text(ax, interval, limits[1] - limits[0])


def _end_text(ax: Axes, interval: Band, room: float) -> None:
    """Write the last difference and its interval beyond the band: above it, or below a loss."""
    mean, low, high = (float(of[-1]) for of in (interval.mean, interval.low, interval.high))
    text = difference_text(mean) + ("" if np.isnan(low) else f" {interval_text(low, high)}")
    tail = slice(-max(len(interval.mean) // 2, 1), None)
    if mean < 0:
        y, va = float(np.nanmin([interval.low[tail], interval.mean[tail]])) - 0.05 * room, "top"
    else:
        y, va = float(np.nanmax([interval.high[tail], interval.mean[tail]])) + 0.05 * room, "bottom"
    write(ax, len(interval.mean), y, text, "strong", ha="right", va=va)


def shared_limits(samples: list[np.ndarray], zero: bool) -> tuple[float, float]:
    """Return limits that hold means and bands of all panels and a label above; 0 among them if `zero`."""
    intervals = [Band.over_seeds(sample) for sample in samples]
    values = np.concatenate([np.ravel((i.mean, i.low, i.high)) for i in intervals] + [np.zeros(int(zero))])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    size = (high - low) or 4.0
    return low - 0.2 * size, high + 0.22 * size


def _line(ax: Axes, months: np.ndarray, interval: Band, mark: Mark) -> None:
    if np.isfinite(interval.low).all():
        ax.fill_between(months, interval.low, interval.high, color=mark.colour, alpha=BAND, linewidth=0)
    ax.plot(months, interval.mean, color=mark.colour, linestyle=mark.line)


def _calendar(ax: Axes, start: str, months: int) -> None:
    """Put a tick at the turn of each year, or of every other year."""
    year, month = (int(part) for part in start.split("-"))
    first = (1 - month) % 12  # months before the first January
    step = 12 if months <= 60 else 24
    ticks = np.arange(first, months + 1, step)
    ax.set_xlim(0, months)
    ax.set_xticks(ticks, [str(year + (month > 1) + int(t - first) // 12) for t in ticks])
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_fontsize(11)


def _apart(ax: Axes, ends: list[float]) -> np.ndarray:
    """Return where the labels of lines stand, so that they do not overlap."""
    low, high = ax.get_ylim()
    return spread_out(np.array(ends), LABEL_STEP * (high - low) / pixels_of(ax)[1])
