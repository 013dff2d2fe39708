"""What becomes of startups after their entry: who survives, and where the others went."""

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes

from sim.figures.cohorts import Survival
from sim.figures.numbers import Band, percent_text, share_text
from sim.figures.paths import BAND, label_ends
from sim.figures.style import PALETTE, Named, gid_of
from sim.figures.words import say
from sim.intervals import FEWEST_PAIRS

MOST_BANDS = 2  #: bands of more groups than this hide each other


def draw_survival(ax: Axes, groups: Mapping[Named, Survival], lang: str = "en") -> None:
    """Draw by months since entry the share that has not failed, with its interval, and thin the share still here.

    The interval is a band and, for the last age, stands in brackets; with more than two groups it does only
    that. Who was acquired or moved away has not failed, but is not here either. The curves are named at their ends.

    Parameters
    ----------
    ax
        Where to draw; its right 130 px of neighbourhood hold the names.
    groups
        Survival of each group, with its name and mark.
    lang
        Language, "en" or "zh".

    Raises
    ------
    ValueError
        If there is no group, or the groups differ in entry months or in their last age.
    """
    _require_same_cohort(groups)
    ends, texts, seconds = [], [], []
    for named, survival in groups.items():
        mark, ages, band = named.mark, survival.ages, survival.not_failed
        if len(groups) <= MOST_BANDS:
            _fill_band(ax, ages, band, mark.colour)
        ax.plot(ages, band.mean, color=mark.colour, linestyle=mark.line)
        ax.plot(ages, survival.here.mean, color=mark.colour, linewidth=0.8)
        ends.append(float(band.mean[-1]))
        texts.append(f"{named.name} {share_text(ends[-1], lang)}")
        here = say("here {share}", lang, share=share_text(float(survival.here.mean[-1]), lang))
        seconds.append(" · ".join([*_limits(band), here]))
    _age_axes(ax, next(iter(groups.values())).ages, lang)
    shown = "brackets: {interval}" if len(groups) > MOST_BANDS else "band, brackets: {interval}"
    say_below(
        ax,
        say("months since entry · thick: not failed, thin: still here", lang),
        entrants_text(groups.values(), lang),
        say(shown, lang, interval=interval_name(groups.values(), lang)),
    )
    label_ends(ax, ends, texts, [named.mark for named in groups], seconds)


def draw_fates(ax: Axes, survival: Survival, lang: str = "en") -> None:
    """Draw by months since entry which share is here, was acquired, moved away or failed, as bands that add up.

    Parameters
    ----------
    ax
        Where to draw; its right 130 px of neighbourhood hold the names.
    survival
        What became of one cohort.
    lang
        Language, "en" or "zh".
    """
    ages, zero = survival.ages, np.zeros(len(survival.ages))
    edges = [zero, survival.here.mean, survival.not_left.mean, survival.not_failed.mean, zero + 1]
    looks = (("here", "Still here {share}"), ("acquired", "Acquired {share}"),
             ("left", "Moved away {share}"), ("failed", "Failed {share}"))  # fmt: skip
    ends, texts = [], []
    for (name, phrase), low, high in zip(looks, edges[:-1], edges[1:], strict=True):
        ax.fill_between(
            ages, low, high, color=PALETTE["fates"][name], linewidth=0, gid=gid_of(ax, "fates", name)
        )
        ax.plot(ages, high, color="white", linewidth=0.8)
        ends.append(float(low[-1] + high[-1]) / 2)
        texts.append(say(phrase, lang, share=share_text(float(high[-1] - low[-1]), lang)))
    seconds = [""] * len(texts)
    if survival.listed > 0:
        seconds[0] = say("{share} listed in the end", lang, share=share_text(survival.listed, lang))
    band = survival.here
    ax.plot(ages, band.mean, color=PALETTE["ink"], linewidth=1.4)
    _fill_band(ax, ages, band, PALETTE["ink"])
    _age_axes(ax, ages, lang)
    say_below(
        ax,
        f"{say('months since entry', lang)} · {entrants_text([survival], lang)}",
        say("dark band: still here, {interval}", lang, interval=interval_name([survival], lang)),
    )
    label_ends(ax, ends, texts, [None] * len(ends), seconds)


def _fill_band(ax: Axes, ages: np.ndarray, band: Band, colour: str) -> None:
    known = np.isfinite(band.low)
    ax.fill_between(ages, band.low, band.high, where=known, color=colour, alpha=BAND, linewidth=0)


def _limits(band: Band) -> list[str]:
    """Return the last interval in brackets, if there is one."""
    low, high = float(band.low[-1]), float(band.high[-1])
    return [f"[{percent_text(low)}, {percent_text(high)}]"] if np.isfinite(low) else []


def say_below(ax: Axes, *lines: str) -> None:
    """Write lines below the scale of axes, from their left edge on."""
    ax.set_xlabel("\n".join(lines), x=0, ha="left", labelpad=2, fontsize=10.5, linespacing=1.25)


def entrants_text(survivals: Iterable[Survival], lang: str = "en") -> str:
    """Return how many startups survivals are about, and when they entered."""
    listed = list(survivals)
    count = f"{sum(survival.startups for survival in listed):,}"
    return say(
        "{count} entrants of the first {months} months", lang, count=count, months=listed[0].entry_months
    )


def interval_name(survivals: Iterable[Survival], lang: str = "en") -> str:
    """Return what the intervals of survivals are over."""
    seeds = min(survival.runs for survival in survivals)
    if seeds < FEWEST_PAIRS:
        return say("95 % interval over the startups", lang)
    return say("95 % interval over {seeds} seeds", lang, seeds=seeds)


def _require_same_cohort(groups: Mapping[Named, Survival]) -> None:
    if not groups:
        raise ValueError("there is no group to draw")
    ways = {(survival.entry_months, len(survival.ages) - 1) for survival in groups.values()}
    if len(ways) > 1:
        raise ValueError(f"survivals of different cohorts, as (entry months, last age): {sorted(ways)}")


def _age_axes(ax: Axes, ages: np.ndarray, lang: str) -> None:
    """Show months since entry by years, and shares from 0 to 1 in per cent."""
    last = int(ages[-1])
    years = max(1, round(last / 12 / 5))
    step = 12 * years if last >= 24 else 6 if last > 8 else 2
    ax.set_xlim(0, last)
    ax.set_xticks(range(0, last + 1, step))
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], [share_text(v, lang) for v in (0, 0.25, 0.5, 0.75, 1)])
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_fontsize(11)
