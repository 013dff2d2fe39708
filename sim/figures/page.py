"""One page for one scenario: where startups are, what rooms cost, who raises money, what becomes of entrants."""

import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from sim.figures.cohorts import Cohort, Funnel, Survival
from sim.figures.funnel import ROUNDS, draw_funnel
from sim.figures.geography import Geography
from sim.figures.maps import draw_level_key, draw_levels, draw_point_key
from sim.figures.market import MarketChange, draw_rent_and_vacancy
from sim.figures.numbers import level_bounds, level_text, share_text
from sim.figures.paths import draw_group_paths
from sim.figures.sheets import LEVEL_MONTHS
from sim.figures.states import ZoneState, require_alike, startups_by_segment, startups_by_zone
from sim.figures.style import GAP, MARGIN, UNIT, Mark, Named, Sheet, house_style, require_font, wrap
from sim.figures.survival import draw_fates, draw_survival
from sim.figures.words import month_name, say
from sim.intervals import FEWEST_PAIRS
from sim.language import name_in
from sim.parameters import SEGMENTS
from sim.record import Run
from sim.scenario import Scenario

WIDTH = 2 * MARGIN + 2 * UNIT + GAP
TOP = MARGIN + 60  #: title and subtitle of the page [px]
HEAD = 44  #: title and subtitle of a panel [px]
BETWEEN = 18  #: space between rows of panels [px]
KEY, MARKET, FUNNEL = 30, 308, 200  #: heights of the key of the map's points and of two panels [px]
COLOURS = 42  #: height of the key of the map's colours [px]
CREDIT_LINES = 38  #: room for the credit below the map [px]
AXIS = 62  #: room for scale and notes below a curve [px]
SCALE, NAMES = 44, 132  #: room for the scale at the left of a curve and the names at its right [px]
STAMP = 30  #: room for the last line [px]
MOST_SEEDS = 8  #: so many are listed in the last line
SEGMENT_NAMES = {"OPC": "One-person", "APP": "Applications", "MODEL": "Large models", "EMB": "Embodied AI"}


def draw_scenario(
    path: str | pathlib.Path, runs: Sequence[Run], scenario: Scenario, lang: str = "en"
) -> list[pathlib.Path]:
    """Write one page for one scenario as PNG and SVG beside each other.

    It shows startups by zone and by segment, rents and vacancies of zones, the stage funnel, survival by
    segment, and what became of the entrants. Levels end with month 36; entrants are followed to the end.

    Parameters
    ----------
    path
        Where to write; its ending is replaced by .png and .svg, its folder made if it is missing.
    runs
        Runs of the scenario with one seed or more; with five or more, intervals are over them.
    scenario
        The scenario, for its names, its world and the zones it treats.
    lang
        Language, "en" or "zh".

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ValueError
        If there is no run, the runs are not repetitions of that scenario, or they are shorter than 2 months.
    NobodyEnteredError
        If nobody entered.
    FontError
        If the language is Chinese and no font of this machine has Chinese characters.
    """
    require_font(lang)
    page = _Page(runs, scenario, lang)
    path = pathlib.Path(path)
    with house_style():
        sheet, description = page.draw()
        return sheet.save(path.parent, path.stem, page.title, description, page.stamp)


class _Page:
    """The runs of one scenario as a page sees them."""

    def __init__(self, runs: Sequence[Run], scenario: Scenario, lang: str) -> None:
        require_alike(runs)
        run = runs[0]
        if run.fingerprint != scenario.fingerprint:
            raise ValueError(
                f"the runs of {run.scenario_id!r} are not of the scenario {scenario.id!r} as given"
            )
        self.runs, self.run, self.scenario, self.lang = runs, run, scenario, lang
        self.geography = Geography.of(scenario.world)
        self.months = min(run.months, LEVEL_MONTHS)
        self.cohort = Cohort.of(runs)
        self.named = Named(name_in(lang, scenario.name, scenario.name_zh), Mark.of(None))
        self.title = self.say("{name}: startups, rooms, money, survival", name=self.named.name)
        west, east, south, north = self.geography.extent(UNIT, lang)
        self.map_height = UNIT * (north - south) / (east - west)

    def say(self, phrase: str, **fields: object) -> str:
        """Return a phrase in the language of the page."""
        return say(phrase, self.lang, **fields)

    def share(self, value: float) -> str:
        """Return a share in per cent."""
        return share_text(float(value), self.lang)

    def date(self, months: int) -> str:
        """Return the calendar month that is the last of `months` months of the record."""
        return month_name(self.run.start, self.run.first_month + months, self.lang)

    @property
    def first_month(self) -> str:
        """First month of the record as YYYY-MM."""
        year, month = (int(part) for part in self.run.start.split("-"))
        year, month = divmod(year * 12 + month - 1 + self.run.first_month, 12)
        return f"{year}-{month + 1:02d}"

    @property
    def stamp(self) -> str:
        """Where the page comes from, and what it is not."""
        listed = ", ".join(str(run.seed) for run in self.runs[:MOST_SEEDS])
        if len(self.runs) > MOST_SEEDS:
            listed += "…"
        seeds = self.say("seeds {seeds}", seeds=listed)
        if len(self.runs) == 1:
            seeds = self.say("seed {seeds}", seeds=listed)
        scenario = self.say("scenario {of}", of=f"{self.run.scenario_id} {self.run.fingerprint[:8]}")
        return " · ".join([self.say("Scenario, not a forecast"), seeds, scenario])

    @property
    def zone_names(self) -> list[str]:
        """Short names of the zones, in the order of the world's table."""
        return [label.name(self.lang) for label in self.geography.labels]

    @property
    def segments(self) -> list[Named]:
        """Name and mark of each segment."""
        return [Named(self.say(SEGMENT_NAMES[code]), Mark.of_segment(s)) for s, code in enumerate(SEGMENTS)]

    def draw(self) -> tuple[Sheet, str]:
        """Return the page, and its numbers in words."""
        first = HEAD + self.map_height + CREDIT_LINES + COLOURS + KEY
        tops = np.cumsum([TOP, first + BETWEEN, HEAD + MARKET + BETWEEN, HEAD + FUNNEL + 10 + STAMP])
        sheet = Sheet(WIDTH, float(tops[3]) + MARGIN - 8, self.lang)
        room = WIDTH - 2 * MARGIN
        n = len(self.runs)
        seeds = (
            self.say("1 seed: a story, not a result")
            if n == 1
            else self.say("mean of {seeds} seeds", seeds=n)
        )
        subtitle = self.say(
            "{months} months from {start}; {seeds}", months=self.run.months, start=self.date(1), seeds=seeds
        )
        sheet.write(MARGIN, MARGIN, wrap(self.title, room, "title", lines=1), "title")
        sheet.write(MARGIN, MARGIN + 28, wrap(subtitle, room, "subtitle", lines=1), "subtitle")
        sheet.write(MARGIN, sheet.height - MARGIN - 10, wrap(self.stamp, room, "credit", lines=1), "credit")
        rows = (
            (self._draw_map, self._draw_segments),
            (self._draw_market, self._draw_fates),
            (self._draw_funnel, self._draw_survival),
        )
        parts = [
            draw(sheet, MARGIN + column * (UNIT + GAP), float(top))
            for row, top in zip(rows, tops, strict=False)
            for column, draw in enumerate(row)
        ]
        return sheet, " ".join([f"{subtitle}.", *parts, f"{self.stamp}."])

    def _head(self, sheet: Sheet, x: float, y: float, title: str, subtitle: str) -> None:
        """Write title and subtitle of a panel."""
        sheet.write(x, y, wrap(title, UNIT, "panel", lines=1), "panel", fontsize=15)
        sheet.write(x, y + 21, wrap(subtitle, UNIT, "note", lines=1), "note")

    def _curve(self, sheet: Sheet, x: float, y: float, height: float, name: str) -> Axes:
        """Return axes for curves, with room for a scale and names beside them."""
        ax = sheet.axes(x + SCALE, y + HEAD + 6, UNIT - SCALE - NAMES, height - 6 - AXIS)
        ax.set_gid(name)
        return ax

    def _draw_map(self, sheet: Sheet, x: float, y: float) -> str:
        values = startups_by_zone(self.runs, self.months).mean(axis=0)
        subtitle = self.say("Active startups by zone, {date}", date=self.date(self.months))
        self._head(sheet, x, y, self.say("Where startups are"), subtitle)
        ax = sheet.axes(x, y + HEAD, UNIT, self.map_height)
        bounds = level_bounds(float(values.max()))
        draw_levels(ax, values, bounds, self.scenario.world, self.scenario.treated_zones, self.lang)
        below = y + HEAD + self.map_height + CREDIT_LINES
        draw_level_key(sheet.axes(x, below, UNIT, COLOURS), bounds, titled=False, lang=self.lang)
        key = sheet.axes(x, below + COLOURS, UNIT, KEY)
        draw_point_key(key, bool(self.scenario.treated_zones), self.lang, not self.geography.made,
                       len(self.geography.stations) > 0)  # fmt: skip
        listed = (f"{name} {level_text(v)}" for name, v in zip(self.zone_names, values, strict=True))
        return f"{subtitle}: {', '.join(listed)}."

    def _draw_segments(self, sheet: Sheet, x: float, y: float) -> str:
        paths = startups_by_segment(self.runs, self.months)
        subtitle = self.say("Active startups")
        if len(self.runs) >= FEWEST_PAIRS:
            interval = self.say("95 % interval over {seeds} seeds", seeds=len(self.runs))
            subtitle = self.say("Active startups; band: {interval}", interval=interval)
        self._head(sheet, x, y, self.say("Startups by segment over time"), subtitle)
        groups = {named: paths[:, :, s] for s, named in enumerate(self.segments)}
        ax = self._curve(sheet, x, y, self.map_height + AXIS + COLOURS - 14, "segments")
        draw_group_paths(ax, groups, self.first_month, lang=self.lang)
        ends = paths[:, -1].mean(axis=0)
        listed = (f"{named.name} {level_text(ends[s])}" for s, named in enumerate(self.segments))
        return f"{self.say('Active startups')}, {self.date(self.months)}: {', '.join(listed)}."

    def _draw_market(self, sheet: Sheet, x: float, y: float) -> str:
        self._head(sheet, x, y, self.say("What rooms cost, and how much is empty"),
                   self.say("Means of zones, weighted by floor space"))  # fmt: skip
        before, after = (ZoneState.of(self.runs, months) for months in (1, self.months))
        change = MarketChange(self.scenario.world, before, after, (self.date(1), self.date(self.months)))
        draw_rent_and_vacancy(sheet.axes(x, y + HEAD, UNIT, MARKET), change, self.lang)
        zones = (
            self.say(
                "{zone}: rent {rent}, vacancy {share}",
                zone=name,
                rent=level_text(rent),
                share=self.share(share),
            )
            for name, rent, share in zip(self.zone_names, after.rent.mean, after.vacancy.mean, strict=True)
        )
        return f"{self.date(self.months)}: {'; '.join(zones)}."

    def _draw_fates(self, sheet: Sheet, x: float, y: float) -> str:
        survival = Survival.of(self.cohort)
        subtitle = self.say("Share of entrants")
        self._head(sheet, x, y, self.say("What became of those who entered"), subtitle)
        draw_fates(self._curve(sheet, x, y, MARKET, "fates"), survival, self.lang)
        failed = self.say("Failed {share}", share=self.share(1 - survival.not_failed.mean[-1]))
        here = self.say("Still here {share}", share=self.share(survival.here.mean[-1]))
        return f"{subtitle}: {failed}, {here}."

    def _draw_funnel(self, sheet: Sheet, x: float, y: float) -> str:
        funnel = Funnel.of(self.cohort)
        subtitle = self.say("Share of entrants that closed a round of each stage")
        self._head(sheet, x, y, self.say("How far entrants get in raising money"), subtitle)
        draw_funnel(sheet.axes(x, y + HEAD, UNIT, FUNNEL), {self.named: funnel}, self.lang)
        shares = (
            f"{self.say(stage)} {self.share(interval.mean or 0.0)}"
            for stage, interval in zip(ROUNDS, funnel.reached, strict=True)
        )
        return f"{subtitle}: {', '.join(shares)}."

    def _draw_survival(self, sheet: Sheet, x: float, y: float) -> str:
        subtitle = self.say("Share of entrants not failed, by segment at entry")
        self._head(sheet, x, y, self.say("Who survives"), subtitle)
        groups = {
            named: Survival.of(self.cohort.of_segment(s), self.cohort.followed)
            for s, named in enumerate(self.segments)
            if np.any(self.cohort.segment == s)
        }
        draw_survival(self._curve(sheet, x, y, FUNNEL + 14, "survival"), groups, self.lang)
        ends = (f"{named.name} {self.share(s.not_failed.mean[-1])}" for named, s in groups.items())
        return f"{subtitle}: {', '.join(ends)}."
