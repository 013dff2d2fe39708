"""The stage funnel: which share of the startups that entered closed a round of each stage."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from sim.figures.cohorts import Funnel
from sim.figures.numbers import percent_text, share_text
from sim.figures.style import PALETTE, ROLES, Named, pixels_of, text_width, wrap, write
from sim.figures.words import say
from sim.intervals import Interval

ROUNDS = ("Seed round", "Series A", "Series B", "Series C", "Series D or later")
NOTE = 46.0  #: height of the three lines below the bars [px]
BAR, APART = 14.0, 7.0  #: largest height of a bar, and least space between stages [px]


def draw_funnel(ax: Axes, funnels: Mapping[Named, Funnel], lang: str = "en") -> None:
    """Draw the shares of entrants that closed a round of each stage, one bar a group, side by side.

    A thin line through the end of a bar is its 95 % interval over runs, where there are enough of them.

    Parameters
    ----------
    ax
        Where to draw, 300 px wide or more; 20 px a stage and 12 px more for each further group.
    funnels
        Shares of each group, with its name and mark. All count rounds within the same time.
    lang
        Language, "en" or "zh".

    Raises
    ------
    ValueError
        If there is no group, or the groups differ in entry months or in the time within which rounds count.
    """
    if not funnels:
        raise ValueError("there is no group to draw")
    ways = {(funnel.entry_months, funnel.within) for funnel in funnels.values()}
    if len(ways) > 1:
        raise ValueError(f"funnels of different cohorts, as (entry months, within): {sorted(ways)}")
    width, height = pixels_of(ax)
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(height, 0))
    stages = [say(name, lang) for name in ROUNDS]
    left = max(text_width(name, ROLES["label"][0]) for name in [*stages, say("Entered", lang)]) + 8
    row = (height - NOTE) / (len(stages) + 1)
    bar = min(BAR, (row - APART) / len(funnels))
    full = min(_fitting(width - left, interval, lang) for f in funnels.values() for interval in f.reached)
    write(ax, left - 8, row / 2, say("Entered", lang), ha="right", va="center_baseline")
    for s, name in enumerate(stages, start=1):
        write(ax, left - 8, (s + 0.5) * row, name, ha="right", va="center_baseline")
    for i, (named, funnel) in enumerate(funnels.items()):
        first = row / 2 + (i - len(funnels) / 2) * bar
        _frame(ax, named, funnel, (left, first, full, bar), lang)
        for s, interval in enumerate(funnel.reached, start=1):
            _bar(ax, named, interval, (left, first + s * row, full, bar), lang)
    base = height - NOTE + 4
    ax.plot([left, left], [0, base - 4], color=PALETTE["ink_secondary"], linewidth=1)
    for line, text in enumerate(note_lines(next(iter(funnels.values())), lang)):
        write(ax, 0, base + 14 * (line + 0.5), text, color=PALETTE["ink_note"], va="center_baseline")


def note_lines(funnel: Funnel, lang: str) -> list[str]:
    """Return who is counted, for how long, and what the interval is, if there is one."""
    lines = [
        say("Entered: first rooms found in the first {months} months", lang, months=funnel.entry_months),
        say("Share that closed the round within {months} months of entry", lang, months=funnel.within),
    ]
    if any(interval.low is not None for interval in funnel.reached):
        interval = say("95 % interval over {seeds} seeds", lang, seeds=funnel.runs)
        lines.append(say("Brackets and thin line: {interval}", lang, interval=interval))
    return lines


def _frame(ax: Axes, named: Named, funnel: Funnel, box: tuple[float, float, float, float], lang: str) -> None:
    """Draw all entrants of a group as an empty bar that says whose and how many they are."""
    x, y, width, height = box
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": named.mark.colour, "linewidth": 1}
    ax.add_patch(Rectangle((x, y + 0.5), width, height - 1, **look))
    fields = {"count": f"{funnel.startups:,}", "seeds": funnel.runs}
    phrase = "{name}: {count} startups" if funnel.runs == 1 else "{name}: {count} startups, {seeds} seeds"
    size = min(ROLES["label"][0], height)
    room = width - 10 - text_width(say(phrase, lang, name="", **fields), size)
    name = wrap(named.name, max(room, 40.0), "label", lines=1)
    write(
        ax, x + 5, y + height / 2, say(phrase, lang, name=name, **fields), va="center_baseline", fontsize=size
    )


def _bar(
    ax: Axes, named: Named, interval: Interval, box: tuple[float, float, float, float], lang: str
) -> None:
    x, y, full, height = box
    share, middle = interval.mean or 0.0, y + height / 2
    ax.add_patch(Rectangle((x, y + 0.5), share * full, height - 1, facecolor=named.mark.colour, linewidth=0))
    end = x + share * full
    if interval.low is not None and interval.high is not None:
        ends = [x + interval.low * full, x + interval.high * full]
        ax.plot(ends, [middle, middle], color="white", linewidth=2.6, solid_capstyle="butt")
        ax.plot(ends, [middle, middle], color=PALETTE["ink"], linewidth=1)
        end = max(end, ends[1])
    first = write(ax, end + 5, middle, share_text(share, lang), "strong", va="center_baseline")
    rest = _interval_text(interval)
    if rest:
        start = end + 5 + text_width(first.get_text(), ROLES["strong"][0], "bold") + 5
        write(ax, start, middle, rest, color=PALETTE["ink_secondary"], va="center_baseline")


def _interval_text(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f"[{percent_text(interval.low)}, {percent_text(interval.high)}]"


def _fitting(room: float, interval: Interval, lang: str) -> float:
    """Return the largest length of all entrants' bar that leaves room for the text of a share [px]."""
    share, size = interval.mean or 0.0, ROLES["strong"][0]
    text = f"{share_text(share, lang)} {_interval_text(interval)}"
    end = max(share, interval.high or 0.0)
    return min(room - 1, (room - 12 - text_width(text, size, "bold")) / max(end, 0.01))
