"""Whole figures on paper: the maps, paths and bars of a comparison, written as PNG and SVG."""

import collections
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sim.evaluation.design import role_of
from sim.figures.bars import ROW, Split, draw_split_bar
from sim.figures.geography import Geography
from sim.figures.maps import draw_difference, draw_difference_key, draw_level_key, draw_levels, draw_mark_key
from sim.figures.numbers import (
    Band,
    count_text,
    difference_bounds,
    difference_text,
    interval_text,
    level_bounds,
    level_text,
)
from sim.figures.paths import draw_difference_path, draw_level_paths, shared_limits
from sim.figures.style import GAP, MARGIN, PALETTE, UNIT, Mark, Sheet, house_style, require_font, wrap
from sim.figures.words import month_name, say
from sim.intervals import FEWEST_PAIRS
from sim.language import name_in
from sim.places import AnyWorld
from sim.policy import added

LEVEL_MONTHS = 36  #: levels are shown to this month; differences go on
COLUMNS = 3
PER_SHEET = len(PALETTE["policies"])  #: more policies than this go on a second sheet
HEAD = 70  #: title and subtitle above a panel [px]
CREDIT = 40  #: room for the credit line below a map [px]
MARK_KEY = 96  #: height of the key of marks [px]
LINE = 18.5


def draw_comparison(comparison: Any, folder: str | pathlib.Path, lang: str = "en") -> list[pathlib.Path]:
    """Write the figures of a comparison: map, paths and, where it has the numbers, zones.

    Each is written as PNG at twice its size and as SVG. With more than five policies the others go on
    sheets of their own (``map-2.png`` and so on), on the same scales.

    Parameters
    ----------
    comparison
        Paired runs of a baseline and policies.
    folder
        Where to write; made if it is missing.
    lang
        Language, "en" or "zh".

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FontError
        If the language is Chinese and no font of this machine has Chinese characters.
    """
    require_font(lang)
    folder = pathlib.Path(folder)
    view = View(comparison, lang)
    written = []
    with house_style():
        for number, places in enumerate(view.sheets(), start=1):
            suffix = "" if number == 1 else f"-{number}"
            for name, draw in (("map", _maps), ("paths", _paths), ("zones", draw_bars)):
                drawn = draw(view, places)
                if drawn is not None:
                    sheet, title, description = drawn
                    written += sheet.save(folder, name + suffix, title, description, view.stamp)
    return written


class View:
    """A comparison as figures see it: arrays, names and marks, scales shared by all sheets.

    Parameters
    ----------
    comparison
        Paired runs of a baseline and policies.
    lang
        Language, "en" or "zh".
    """

    def __init__(self, comparison: Any, lang: str) -> None:
        self.comparison, self.lang = comparison, lang
        self.policies: Sequence[str] = tuple(comparison.policies)
        self.world: AnyWorld = comparison.scenarios[comparison.baseline].world
        self.geography = Geography.of(self.world)
        self.months, self.start = int(comparison.months), str(comparison.start)
        self.level_months = min(self.months, LEVEL_MONTHS)
        order = {zone: i for i, zone in enumerate(comparison.zones)}
        self._zones = [order[zone.id] for zone in self.geography.grid.tables.zones]
        self.marks = self._marks()
        self.n_seeds = len(self.by_zone(comparison.baseline, self.months))
        self.differences = {
            id_: Band.over_seeds(
                self.by_zone(id_, self.months) - self.by_zone(comparison.baseline, self.months)
            )
            for id_ in self.policies
        }

    def _marks(self) -> list[Mark]:
        """Return how each policy is drawn: as in the report, where developments outside and controls take no letter."""
        before: collections.Counter[str] = collections.Counter()
        marks = []
        for id_ in self.policies:
            own = self.comparison.scenarios[id_].policies
            role = role_of(id_, added(own, self.comparison.scenarios[self.comparison.baseline].policies), {})
            marks.append(Mark.of_role(role, before[role]))
            before[role] += 1
        return marks

    def mark(self, place: int | None) -> Mark:
        """Return how a policy, or the baseline, is drawn."""
        return Mark.of(None) if place is None else self.marks[place]

    def sheets(self) -> Iterator[range]:
        """Yield the places of the policies of each sheet."""
        for first in range(0, len(self.policies), PER_SHEET):
            yield range(first, min(first + PER_SHEET, len(self.policies)))

    def by_zone(self, id_: str, months: int) -> np.ndarray:
        """Return active startups at the end of `months` months by seed and zone of the world's table."""
        return np.asarray(self.comparison.by_zone(id_, months - 1), dtype=float)[:, self._zones]

    def levels(self, id_: str) -> np.ndarray:
        """Return the mean level of each zone in the last month of levels, (n_zones,)."""
        return self.by_zone(id_, self.level_months).mean(axis=0)

    def path(self, id_: str) -> np.ndarray:
        """Return active startups of the region by seed and month."""
        return np.asarray(self.comparison.path(id_), dtype=float)

    def name(self, id_: str) -> str:
        """Return the name of a scenario in the language of the figures."""
        scenario = self.comparison.scenarios[id_]
        return name_in(self.lang, scenario.name, scenario.name_zh)

    def treated(self, id_: str) -> set[str]:
        """Return the zones that the levers of a scenario treat."""
        return set(self.comparison.scenarios[id_].treated_zones)

    def split(self, id_: str) -> Split | None:
        """Return what a policy adds and moves; None if the comparison does not have the net effect."""
        rows = {row["metric"]: row for row in self.comparison.effects.to_pylist() if row["scenario"] == id_}
        net = rows.get("startups_region")
        if net is None or _known(net["mean"]) is None:
            return None
        mean = lambda metric: _known(rows.get(metric, {}).get("mean"))  # noqa: E731
        return Split(
            net=float(net["mean"]),
            low=_known(net["low"]),
            high=_known(net["high"]),
            moved=mean("displaced_startups"),
            new=mean("attracted_startups"),
            gain=mean("startups_treated_zones"),
            resolved=self.is_resolved(id_),
        )

    def is_resolved(self, id_: str) -> bool:
        """Return whether the direction of a policy's net effect at the last month may be told."""
        return bool(self.comparison.verdict(id_, "startups_region").resolved)

    def say(self, phrase: str, **fields: Any) -> str:
        """Return a phrase in the language of the figures."""
        return say(phrase, self.lang, **fields)

    def month(self, months: int) -> dict[str, Any]:
        """Return name and number of the last of `months` months, for a phrase."""
        return {"date": month_name(self.start, months, self.lang), "month": months}

    @property
    def seeds_text(self) -> str:
        """How many seeds there are."""
        return self.say("1 seed") if self.n_seeds == 1 else self.say("{seeds} seeds", seeds=self.n_seeds)

    @property
    def stamp(self) -> str:
        """Where the figure comes from, and what it is not."""
        parts = [self.say("Scenario difference, not a forecast"), self.seeds_text]
        plan = getattr(self.comparison, "plan_hash", None)
        if plan:
            parts.append(self.say("plan {plan}", plan=str(plan)[:8]))
        return " · ".join(parts)

    def sheet(self, width: float, height: float, title: str) -> tuple[Sheet, float]:
        """Return a sheet with title and stamp, and where its content begins [px]."""
        sheet = Sheet(width, height, self.lang)
        sheet.write(MARGIN, MARGIN, title, "title")
        stamp = wrap(self.stamp, width - 2 * MARGIN, "credit", lines=1)
        sheet.write(MARGIN, height - MARGIN - 12, stamp, "credit")
        return sheet, MARGIN + 44


def _known(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


def _head(sheet: Sheet, x: float, y: float, mark: Mark, name: str, subtitle: str = "") -> None:
    """Write key, name and subtitle of a panel."""
    sheet.key(x, y + 1, mark)
    sheet.write(x + 26, y, wrap(name, UNIT - 26, "panel", lines=1), "panel")
    sheet.write(x, y + 24, wrap(subtitle, UNIT, "subtitle"), "subtitle")


def _maps(view: View, places: range) -> tuple[Sheet, str, str]:
    west, east, south, north = view.geography.extent(UNIT, view.lang)
    height = UNIT * (north - south) / (east - west)
    panel, key = HEAD + height + CREDIT + GAP, MARK_KEY
    levels: list[int | None] = [None, *places]
    panels = [("level", place) for place in levels] + [("difference", place) for place in places]
    spots = _spots(len(levels), len(places))
    rows = 1 + max(row for row, _ in spots)
    width = 2 * MARGIN + COLUMNS * UNIT + (COLUMNS - 1) * GAP
    title = view.say("Where active startups are, and where policy changes them")
    sheet, top = view.sheet(width, MARGIN + 44 + rows * panel + key + GAP + MARGIN, title)
    everything = [view.levels(id_) for id_ in (view.comparison.baseline, *view.policies)]
    level_steps = level_bounds(float(np.max(everything)))
    shown = [np.abs(i.mean[i.resolved]).max(initial=0.0) for i in view.differences.values()]
    difference_steps = difference_bounds(float(max(shown, default=0.0)))
    for (kind, place), (row, column) in zip(panels, spots, strict=True):
        x, y = MARGIN + column * (UNIT + GAP), top + row * panel
        id_ = view.comparison.baseline if place is None else view.policies[place]
        ax = sheet.axes(x, y + HEAD, UNIT, height)
        ax.set_gid(f"{kind}-{view.mark(place).letter}")
        if kind == "level":
            _head(sheet, x, y, view.mark(place), view.name(id_), _level_subtitle(view))
            draw_levels(ax, view.levels(id_), level_steps, view.world, view.treated(id_), view.lang)
        else:
            _head(
                sheet,
                x,
                y,
                view.mark(place),
                view.say("Difference: {name}", name=view.name(id_)),
                _difference_subtitle(view),
            )
            draw_difference(
                ax, view.differences[id_], difference_steps, view.world, view.treated(id_), view.lang
            )
    keys = [sheet.axes(MARGIN + c * (UNIT + GAP), top + rows * panel, UNIT, key) for c in range(COLUMNS)]
    draw_level_key(keys[0], level_steps, lang=view.lang)
    draw_difference_key(keys[1], difference_steps, view.lang)
    draw_mark_key(keys[2], view.n_seeds, view.geography.home_text(view.lang), view.lang,
                  not view.geography.made, len(view.geography.stations) > 0)  # fmt: skip
    return sheet, title, _describe_maps(view, places)


def _spots(n_levels: int, n_differences: int) -> list[tuple[int, int]]:
    """Return row and column of each map: differences below the levels unless all fit one row."""
    if n_levels + n_differences <= COLUMNS:
        return [divmod(i, COLUMNS) for i in range(n_levels + n_differences)]
    after = -(-n_levels // COLUMNS)
    levels = [divmod(i, COLUMNS) for i in range(n_levels)]
    return levels + [(after + i // COLUMNS, i % COLUMNS) for i in range(n_differences)]


def _level_subtitle(view: View) -> str:
    phrase = "Active startups by zone, {date} (month {month}); mean of {seeds} seeds"
    return view.say(phrase, seeds=view.n_seeds, **view.month(view.level_months))


def _difference_subtitle(view: View) -> str:
    phrase = "Active startups, policy minus baseline, {date} (month {month}); brackets: not resolved"
    return view.say(phrase, **view.month(view.months))


def _describe_maps(view: View, places: range) -> str:
    """Return the numbers of the maps in words."""
    names = [label.name(view.lang) for label in view.geography.labels]
    listed = lambda texts: ", ".join(f"{n} {t}" for n, t in zip(names, texts, strict=True))  # noqa: E731
    ids = [view.comparison.baseline, *(view.policies[place] for place in places)]
    parts = [f"{_level_subtitle(view)}."]
    parts += [f"{view.name(id_)}: {listed([level_text(v) for v in view.levels(id_)])}." for id_ in ids]
    parts.append(f"{_difference_subtitle(view)}.")
    for id_ in ids[1:]:
        i = view.differences[id_]
        texts = [
            difference_text(m) if r else f"({difference_text(m)})"
            for m, r in zip(i.mean, i.resolved, strict=True)
        ]
        parts.append(f"{view.name(id_)}: {listed(texts)}.")
    return " ".join([*parts, f"{view.stamp}."])


def _paths(view: View, places: range) -> tuple[Sheet, str, str]:
    baseline, shown = view.path(view.comparison.baseline), view.level_months
    ids = {place: view.policies[place] for place in places}
    levels = {place: view.path(id_)[:, :shown] for place, id_ in ids.items()}
    differences = {place: view.path(id_) - baseline for place, id_ in ids.items()}
    all_paths = [view.path(id_) for id_ in (view.comparison.baseline, *view.policies)]
    level_limits = shared_limits([path[:, :shown] for path in all_paths], zero=False)
    difference_limits = shared_limits([path - baseline for path in all_paths[1:]], zero=True)

    height, row, right, left = 168, 168 + 62, 92, 44
    title = view.say("Active startups in the region over time")
    sheet, top = view.sheet(
        2 * MARGIN + 2 * UNIT + GAP, MARGIN + 44 + 64 + len(ids) * row + MARGIN + 12, title
    )
    band = "Line: mean; band: 95 % interval over {seeds} seeds; hollow dot: direction not resolved. One scale for each column"
    if view.n_seeds < FEWEST_PAIRS:
        band = "Line: mean of {seeds} seeds; fewer than {fewest} have no interval. One scale for each column"
    band = view.say(band, seeds=view.n_seeds, fewest=FEWEST_PAIRS)
    sheet.write(MARGIN, top - 12, wrap(band, 2 * UNIT + GAP, "subtitle", lines=1), "subtitle")
    headings = (
        view.say("Active startups in the region, first {months} months", months=shown),
        view.say("Difference from the baseline, active startups in the region"),
    )
    second = MARGIN + UNIT + GAP
    for x, heading in zip((MARGIN, second), headings, strict=True):
        sheet.write(x, top + 16, wrap(heading, UNIT, "heading"), "heading")
    for i, (place, id_) in enumerate(ids.items()):
        y = top + 56 + i * row
        mark = view.mark(place)
        _head(sheet, MARGIN, y, mark, view.name(id_))
        ax = sheet.axes(MARGIN + left, y + 28, UNIT - left - right, height)
        draw_level_paths(ax, baseline[:, :shown], levels[place], mark, view.start, level_limits, view.lang)
        ax = sheet.axes(second + left, y + 28, UNIT - left - 12, height)
        draw_difference_path(ax, differences[place], mark, view.start, difference_limits,
                             view.is_resolved(id_), view.lang)  # fmt: skip
    return sheet, title, _describe_paths(view, differences)


def _describe_paths(view: View, differences: dict[int, np.ndarray]) -> str:
    """Return where the paths end in words."""
    heading = view.say("Difference from the baseline, active startups in the region")
    parts = [f"{heading}, {month_name(view.start, view.months, view.lang)}."]
    for place, samples in differences.items():
        end = Band.over_seeds(samples[:, -1])
        known = "" if np.isnan(end.low) else f" {interval_text(float(end.low), float(end.high))}"
        parts.append(f"{view.name(view.policies[place])}: {difference_text(float(end.mean))}{known}.")
    return " ".join([*parts, f"{view.stamp}."])


def draw_bars(view: View, places: range) -> tuple[Sheet, str, str] | None:
    """Return the sheet of net and moved startups with its title and description, None if nothing is known of them."""
    splits = {id_: view.split(id_) for id_ in view.policies}
    known = {id_: split for id_, split in splits.items() if split is not None}
    here = [place for place in places if view.policies[place] in known]
    if not here:
        return None
    here.sort(key=lambda place: -known[view.policies[place]].net)
    low = min(split.span[0] for split in known.values())
    high = max(*(split.span[1] for split in known.values()), low + 1.0)
    title = view.say("Net for the region, and moved within it")
    width, names, row, head = 2 * MARGIN + 2 * UNIT + GAP, 240, ROW + 14, 74
    sheet, top = view.sheet(width, MARGIN + 44 + head + len(here) * row + MARGIN + 16, title)
    phrase = "Active startups, policy minus baseline, {date} (month {month}). One scale for all policies"
    hollow = _say_hollow(view)
    for line, text in enumerate(
        (
            view.say(phrase, **view.month(view.months)),
            view.say("Solid: net for the region. Hatched: moved from other zones of the region"),
            hollow,
        )
    ):
        sheet.write(
            MARGIN, top - 12 + line * 20, wrap(text, width - 2 * MARGIN, "subtitle", lines=1), "subtitle"
        )
    for i, place in enumerate(here):
        id_, y = view.policies[place], top + head + i * row
        sheet.key(MARGIN, y + 5, view.mark(place))
        sheet.write(MARGIN + 26, y + 5, wrap(view.name(id_), names - 40, "panel"), "panel", fontsize=15)
        ax = sheet.axes(MARGIN + names, y, width - 2 * MARGIN - names, ROW)
        ax.set_gid(f"bar-{view.mark(place).letter}")
        draw_split_bar(ax, known[id_], view.mark(place), (1.02 * low, 1.02 * high), view.lang)
    return sheet, title, _describe_bars(view, here, known)


def _say_hollow(view: View) -> str:
    """Return what a hollow bar means."""
    if view.n_seeds < FEWEST_PAIRS:
        return view.say("Hollow: fewer than {fewest} seeds, no interval", fewest=FEWEST_PAIRS)
    return view.say("Hollow: direction not resolved, after the correction for the number of tests")


def _describe_bars(view: View, here: list[int], known: dict[str, Split]) -> str:
    parts = []
    for place in here:
        split = known[view.policies[place]]
        text = view.say("net {net}", net=difference_text(split.net))
        if split.low is not None and split.high is not None:
            text += f" {interval_text(split.low, split.high)}"
        if split.moved is not None:
            text += ", " + view.say("moved {moved}", moved=count_text(split.moved))
        parts.append(f"{view.name(view.policies[place])}: {text}.")
    return " ".join([*parts, f"{view.stamp}."])
