"""What stands in each section of the report, taken from an evaluation; the templates put it on the page."""

import dataclasses
import functools
from typing import Any

import numpy as np

from sim.evaluation.choosing import SURE
from sim.evaluation.result import Dose, Effect, Estimate, Evaluation
from sim.figures.numbers import Band, difference_bounds, level_bounds
from sim.figures.style import Mark
from sim.intervals import Interval
from sim.places import AnyWorld
from sim.report import marks
from sim.report.accounts import account_rows, cost_cells, identity
from sim.report.flows import dots, flow, plan_line, sample, two_uncertainties
from sim.report.heading import ACCEPTED, Heading
from sim.report.maps import Atlas, difference_key, level_key, mark_key
from sim.report.rows import HEADS, NET, Row, in_both, interval_of, least_price, price, rows_of
from sim.report.svg import Drawing
from sim.report.text import (
    EMPTY,
    NONE,
    Both,
    alike,
    as_sentence,
    calendar,
    effect,
    listed,
    money,
    name_of,
    percent,
    price_span,
    price_text,
    say,
    shown_percent,
    signed,
    span,
    whole,
)
from sim.report.words import belt_names, other_outcomes, segment_name, series_name, stage_name, world_name
from sim.rounding import rounded

LEVELS_UNTIL = 36  #: months after which levels are not shown any more, only differences
#: metrics of the table of effects beside the share moved and the price
_COLUMNS = (NET, HEADS)


@dataclasses.dataclass(frozen=True)
class Cell:
    """A number of a table: the plot of its interval, the number, what stands behind it."""

    plot: Drawing | None
    value: Both
    range: Both = EMPTY


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure with the id of its name, its title, what stands under the title, and what it says in words."""

    id: str
    title: Both
    subtitle: Both
    drawing: Drawing
    words: Both
    row: Row | None = None


class Page:
    """All sections of a report.

    Parameters
    ----------
    evaluation
        What a study says, its words in English.
    world
        World of the study; absent: the shipped one that the evaluation names.
    method
        How the points of its design were chosen; "" where that is not known.
    """

    def __init__(self, evaluation: Evaluation, world: AnyWorld | None = None, method: str = "") -> None:
        self.of, self.method = evaluation, method
        self.horizon = evaluation.horizons[-1]
        self.level_month = max(
            [h for h in evaluation.horizons if h <= LEVELS_UNTIL], default=evaluation.horizons[0]
        )
        self.rows = rows_of(evaluation, self.horizon)
        self.atlas = Atlas(evaluation.world if world is None else world)
        self.heading = Heading(evaluation, self.rows, self.atlas.geography, method)
        self.zones = {zone.id: name for zone, name in zip(evaluation.zones, self.atlas.names, strict=True)}

    @property
    def policies(self) -> list[Row]:
        """Policies alone, the best first."""
        return [row for row in self.rows if row.role == "policy"]

    @property
    def subjects(self) -> list[Row]:
        """What the report is about: the policies, or the developments outside where there is no policy."""
        return self.policies or [row for row in self.rows if row.role == "stress"]

    @property
    def scaling(self) -> list[Row]:
        """Rows that set scales: a development outside, which would dwarf what policies do, only where there is no policy."""
        return [row for row in self.rows if row.role != "stress" or row in self.subjects]

    @property
    def when(self) -> Both:
        """Month at which effects are read."""
        return self.heading.when

    @property
    def has_intervals(self) -> bool:
        """Whether any policy has an interval."""
        return any(row.net_interval.low is not None for row in self.rows)

    @property
    def has_plausible_worlds(self) -> bool:
        """Whether its parameters are vectors that a calibration has accepted, and not the points of another design."""
        return self.method == ACCEPTED

    # -- sections ---------------------------------------------------------------------------------

    @property
    def home(self) -> Both:
        """What maps say of the home district, empty if the world names none."""
        geography = self.atlas.geography
        return Both(geography.home_text("en"), geography.home_text("zh"))

    def zone_list(self, zones: tuple[str, ...]) -> Both:
        """Return the names of zones as a list."""
        return listed([self.zones.get(zone, alike(zone)) for zone in zones])

    @property
    def bars(self) -> dict[str, Drawing]:
        """Split bar of each policy by its slug, all on one scale."""
        shown = [row for row in self.scaling if row.role != "placebo"]
        low = min([0.0, *(row.net_mean for row in shown)])
        high = max([1.0, *(max(row.net_mean, 0.0) + row.moved for row in shown)])
        return {
            row.slug: marks.split_bar(
                row.net_mean, row.moved, row.resolved, row.mark, (low, high), f"hatch-{row.slug}"
            )
            for row in shown
        }

    @property
    def best(self) -> tuple[Both, Both] | None:
        """Whether one policy can be called best, and with what probability which is."""
        best = self.of.best
        if best is None or len(best.policies) < 2:
            return None
        ranked = sorted(zip(best.policies, best.probability, strict=True), key=lambda pair: -pair[1])
        likely = [(one, p) for one, p in ranked if p > 0]
        told = likely[:3] or ranked[:3]  # where all are tied, none has a chance
        chances = listed([say("{name} {share}", name=self.name(one), share=percent(p)) for one, p in told])
        by = self.criterion(best.criterion)
        text = say("Probability of being best, by {criterion}: {chances}.", criterion=by, chances=chances)
        if best.sure is not None:
            return say("{name} comes first.", name=self.name(best.sure)), text
        unsure = say("No single best policy can be named: that the likeliest adds anything is not resolved.")
        return unsure if max(best.probability) >= SURE else say("No single best policy can be named."), text

    def criterion(self, text: str) -> Both:
        """Return by what policies are put in order."""
        return say("net startups") if text == "net startups" else say("net startups per 100 M RMB")

    def name(self, scenario_id: str) -> Both:
        """Return the name of a scenario of the study."""
        names = {result.id: name_of(result) for result in self.of.policies}
        return names.get(scenario_id, alike(scenario_id))

    def effects_table(self) -> dict[str, Any]:
        """Return the table of effects: for each row one cell a column, and the axis of each column."""
        columns = [
            [interval_of(row.result.effect(m, self.horizon)) for row in self.scaling] for m in _COLUMNS
        ]
        scales = [marks.Scale.of(column) for column in columns]
        moved = [self._share(row) for row in self.rows]
        shares = marks.Scale.of(moved)
        known = [price(row, "per_net_startup_rmb")[0] for row in self.rows]
        least = [value for row in self.rows if (value := least_price(row)) is not None]
        prices = marks.Scale.of([*known, *(Interval(value) for value in least)], log=True)
        body = {}
        for row in self.rows:
            cells = [
                self._effect_cell(row, metric, scale) for metric, scale in zip(_COLUMNS, scales, strict=True)
            ]
            body[row.slug] = [*cells, self._share_cell(row, shares), self._price_cell(row, prices)]
        axes = [
            *(_axis(scale, column) for scale, column in zip(scales, columns, strict=True)),
            _axis(shares, moved, percent=True),
            _axis(prices, [*known, *map(Interval, least)]),
        ]
        return {"axes": axes, "cells": body, "baseline": [self._level(metric) for metric in _COLUMNS]}

    def _level(self, metric: str) -> Both:
        """Return the level of the baseline, which is told for three years only."""
        found = next((row.result.effect(metric, self.level_month) for row in self.rows), None)
        if found is None or found.baseline is None:
            return alike("0")
        return say("0 (level in month {month}: {n})", month=self.level_month, n=whole(found.baseline))

    def _effect_cell(self, row: Row, metric: str, scale: marks.Scale) -> Cell:
        found = row.result.effect(metric, self.horizon)
        interval = interval_of(found)
        if interval.mean is None:
            return Cell(None, alike(NONE))
        hollow = found is not None and not found.resolved
        plot = marks.interval_plot(interval, scale, row.mark, hollow) if row in self.scaling else None
        return Cell(plot, alike(effect(interval)), span(interval))

    def _share(self, row: Row) -> Interval:
        return Interval() if row.account is None else interval_of(row.account.displaced_share)

    def _share_cell(self, row: Row, scale: marks.Scale) -> Cell:
        interval = self._share(row)
        if interval.mean is None:
            if not row.has_zones:
                return Cell(None, say("not bound to a place"))
            return Cell(None, say("not kept") if row.is_unaccounted else alike(NONE))
        plot = marks.interval_plot(interval, scale, row.mark, hollow=interval.low is None)
        return Cell(plot, percent(interval.mean), span(interval, 100, sign=False))

    def _price_cell(self, row: Row, scale: marks.Scale) -> Cell:
        interval, why = price(row, "per_net_startup_rmb")
        if interval.mean is not None:
            return Cell(marks.interval_plot(interval, scale, row.mark), price_text(interval.mean),
                        price_span(interval))  # fmt: skip
        least = least_price(row)
        if least is None or row.net_interval.low is None:
            return Cell(None, why if why and row.net_interval.low is not None else alike(NONE))
        plot = marks.interval_plot(Interval(least, least, None), scale, row.mark, open_ended=True)
        return Cell(plot, say("at least {n}", n=price_text(least)), say("no upper limit"))

    def parts_table(self) -> dict[str, Any]:
        """Return net startups by horizon, segment and belt: heads of the columns, and cells by row."""
        belts = belt_names(self.atlas.geography)
        groups = [
            (say("After, whole region"), [(h, "region", "", self._years(h)) for h in self.of.horizons]),
            (say("By segment"), [(self.horizon, "segment", s, segment_name(s)) for s in self.of.segments]),
            (say("By belt"), [(self.horizon, "belt", b, belts.get(b, alike(b))) for b in self.of.belts]),
        ]
        return self._table([(title, [(NET, *column) for column in group]) for title, group in groups])

    def stage_table(self) -> dict[str, Any]:
        """Return net startups and net R&D heads by stage, in the same way; without columns if stages are not known."""
        metrics = ((NET, say("Net startups")), (HEADS, say("Net R&D heads")))
        known = any(
            row.result.effect(NET, self.horizon, "stage", stage)
            for row in self.rows
            for stage in self.of.stages
        )
        return self._table([(title, [(metric, self.horizon, "stage", s, stage_name(s)) for s in self.of.stages if known])
                            for metric, title in metrics])  # fmt: skip

    def _table(self, groups: list[tuple[Both, list[tuple[str, int, str, str, Both]]]]) -> dict[str, Any]:
        """Return effects of metrics on parts of the region: heads of the columns, and cells by row."""
        columns = [column for _, group in groups for column in group]
        cells = {
            row.slug: [_number_cell(row.result.effect(*column[:4])) for column in columns]
            for row in self.rows
        }
        return {"groups": [(title, len(group)) for title, group in groups if group],
                "heads": [name for *_, name in columns], "cells": cells}  # fmt: skip

    def outcomes_table(self) -> dict[str, Any]:
        """Return the other outcomes of the region at the horizon: heads of the columns, levels, and cells by row."""
        known = [(name, scale, title, unit) for name, scale, title, unit in other_outcomes()
                 if any(row.result.effect(name, self.horizon) is not None for row in self.rows)]  # fmt: skip
        cells = {
            row.slug: [
                _number_cell(row.result.effect(name, self.horizon), scale) for name, scale, *_ in known
            ]
            for row in self.rows
        }
        return {"heads": [(title, unit) for *_, title, unit in known], "cells": cells}

    def critical(self) -> list[dict[str, Any]]:
        """Return in what share of seeds new zones reach critical mass, and when."""
        return [
            {"row": row, "zone": self.zones.get(found.zone, alike(found.zone)), "throughout": found.subsidised_throughout,
             "share": _chance(found.share), "without": _chance(found.baseline_share),
             "months": NONE if found.months is None else whole(found.months)}
            for row in self.policies for found in row.result.critical_mass
        ]  # fmt: skip

    def _years(self, horizon: int) -> Both:
        if horizon % 12:
            return say("{n} months", n=horizon)
        return say("1 year") if horizon == 12 else say("{n} years", n=horizon // 12)

    # -- maps, paths ------------------------------------------------------------------------------

    def _by_zone(self, row: Row, horizon: int) -> Band:
        """Return the effect by zone at a horizon, nan where there is none."""
        found = [row.result.effect(NET, horizon, "zone", zone.id) for zone in self.of.zones]
        columns = ([getattr(f, name, None) for f in found] for name in ("mean", "low", "high"))
        return Band(*(np.array([np.nan if v is None else v for v in column]) for column in columns))

    def _zone_levels(self) -> np.ndarray:
        """Return the startups of the baseline by zone at the month up to which levels are shown."""
        for row in self.rows:
            found = [row.result.effect(NET, self.level_month, "zone", zone.id) for zone in self.of.zones]
            if all(f is not None and f.baseline is not None for f in found):
                return np.array([f.baseline for f in found])  # type: ignore[union-attr]
        return np.full(len(self.of.zones), np.nan)

    @functools.cached_property
    def maps(self) -> dict[str, Any]:
        """Return the map of the baseline, those of the differences, and the keys, all on one scale."""
        levels = self._zone_levels()
        bands = {row.slug: self._by_zone(row, self.horizon) for row in self.rows}
        sizes = [
            float(np.nanmax(np.abs(band.mean))) for band in bands.values() if np.isfinite(band.mean).any()
        ]
        bounds, classes = (
            difference_bounds(max(sizes, default=0.0)),
            level_bounds(float(np.nan_to_num(levels).max())),
        )
        base = Figure("map-base", say("Baseline"),
                      say("Active startups by zone, month {month}; levels stop at three years", month=self.level_month),
                      self.atlas.levels(levels, classes, "map-base"), self._said(levels))  # fmt: skip
        figures = [
            self._difference(row, bands[row.slug], bounds)
            for row in self.rows
            if row.role in ("policy", "stress")
        ]
        return {"baseline": base, "figures": [f for f in figures if f is not None], "levels": level_key(classes),
                "differences": difference_key(bounds), "marks": mark_key(len(self.atlas.geography.stations) > 0)}  # fmt: skip

    def _said(self, levels: np.ndarray) -> Both:
        pairs = sorted(
            zip(levels, self.zones.values(), strict=True), key=lambda pair: -np.nan_to_num(pair[0])
        )
        return listed([say("{name} {share}", name=name, share=whole(value)) for value, name in pairs])

    def _difference(self, row: Row, band: Band, bounds: tuple[float, ...]) -> Figure | None:
        if not np.isfinite(band.mean).all():
            return None
        ids = [zone.id for zone in self.of.zones]
        treated = [ids.index(zone) for zone in row.result.zones if zone in ids]
        name = f"map-{row.slug}"
        drawing = self.atlas.difference(band, bounds, name, treated)
        return Figure(name, row.name, self._zones_sentence(band), drawing, self._zones_sentence(band), row)

    def _zones_sentence(self, band: Band) -> Both:
        """Return which zones gain and which lose most, as far as their intervals exclude 0."""
        known = [
            (m, name) for m, ok, name in zip(band.mean, band.resolved, self.zones.values(), strict=True) if ok
        ]
        if not np.isfinite(band.low).any():
            return say("too few seeds for intervals")
        if not known:
            return say("no zone whose interval excludes 0")
        known.sort(key=lambda pair: -abs(pair[0]))
        return listed([say("{name} {share}", name=name, share=signed(m)) for m, name in known[:3]])

    @functools.cached_property
    def paths(self) -> list[Figure]:
        """Return the effect of each policy over time, all on one scale."""
        bands = {row.slug: _path(row) for row in self.scaling if row.role != "placebo"}
        ends = [band for band in bands.values() if band is not None]
        finite = np.concatenate(
            [np.nan_to_num(part) for band in ends for part in (band.low, band.mean, band.high)] or [[0.0]]
        )
        low, high = min(finite.min(), -1.0), max(finite.max(), 1.0)
        scale = (float(low) - 0.05 * float(high - low), float(high) + 0.12 * float(high - low))
        times = marks.TimeAxis(self.of.start, self.of.months)
        figures = []
        for row in self.rows:
            band = bands.get(row.slug)
            if band is None:
                continue
            name = f"path-{row.slug}"
            drawing = marks.time_panel(
                band, times, scale, row.mark, name, _end_of_payments(row), self.horizon, row.resolved
            )
            words = say("{when}: {what}", when=self.when, what=marks.reading(band, self.horizon))
            figures.append(Figure(name, row.name, marks.reading(band, self.horizon), drawing, words, row))
        return figures

    # -- who moved, cost --------------------------------------------------------------------------

    @functools.cached_property
    def flows(self) -> list[dict[str, Any]]:
        """Return for each policy bound to places who moved, as figure and account; the largest flow first."""
        found = []
        for row in sorted(self.policies, key=lambda r: -r.moved):
            account = row.account
            if account is None:
                continue
            name, zones = (
                f"flow-{row.slug}",
                listed([self.zones.get(zone, alike(zone)) for zone in account.zones]),
            )
            words = say("{zones}: {gross} startups with the policy. {anyway} would be there anyway, {moved} would be in "
                        "other zones; new to the region: {new}.", zones=zones, **{
                            key: whole(getattr(account, of).mean or 0.0) for key, of in
                            (("gross", "gross"), ("anyway", "deadweight"), ("moved", "displaced"), ("new", "attracted"))
                        })  # fmt: skip
            figure = Figure(name, row.name, zones, flow(account, self.zones, row.mark, name), words, row)
            found.append({"figure": figure, "rows": account_rows(row), "check": identity(row)})
        return found

    def cost_table(self) -> list[dict[str, Any]]:
        """Return one row a policy: what is spent, prices, and what of it is no gain."""
        return [{"row": row, "cells": cost_cells(row)} for row in self.rows]

    @property
    def cost_notes(self) -> list[Both]:
        """What must be said of intervals of public cost."""
        spent = [row.cost.present_value_rmb for row in self.rows if row.cost is not None]
        return [
            as_sentence(in_both(note))
            for note in dict.fromkeys(e.note for e in spent if e.low is not None)
            if note
        ]

    # -- how sure, plans --------------------------------------------------------------------------

    def spreads(self) -> list[dict[str, Any]]:
        """Return for each policy the interval over seeds and, if worlds were varied, that over worlds."""
        shown = self.scaling
        worlds = {row.slug: _worlds(row) for row in shown}
        scale = marks.Scale.of(
            [*(row.net_interval for row in shown), *(w for w in worlds.values() if w is not None)]
        )
        return [
            {"row": row, "plot": two_uncertainties(row.net_interval, worlds[row.slug], scale, row.mark, row.resolved),
             "agree": _agreement(row), "words": _number_words(row.net_interval), "positive": _positive(row), "axis": marks.axis(scale)}
            for row in shown
        ]  # fmt: skip

    def regret_table(self) -> dict[str, Any] | None:
        """Return how far each policy stays behind the best of each world, with the class of each cell."""
        regret = self.of.regret
        if regret is None:
            return None
        known = [value for values in regret.regret for value in values if value is not None]
        top = max([*known, 1e-9])
        worlds = [say("World as it is") if not world else world_name(world) for world in regret.worlds]
        body = []
        for policy, values in zip(regret.policies, regret.regret, strict=True):
            row = next((row for row in self.rows if row.result.id == policy), None)
            cells = [
                (NONE, 0) if v is None else (whole(v), sum(v > top * share for share in (0.06, 0.25, 0.6)))
                for v in values
            ]
            body.append((row, self.name(policy), cells))
        return {"worlds": worlds, "rows": body, "criterion": self.criterion(regret.criterion)}

    def plans(self) -> list[dict[str, Any]]:
        """Return the plans of promoters, each with the probability that runs reach it."""
        found = []
        for row in self.rows:
            for plan in row.result.announced:
                amount = money if plan.series.endswith("_rmb") else lambda n: alike(whole(n))
                reached = plan.probability
                place = self.zones.get(plan.zone, alike(plan.zone)) if plan.zone else say("whole region")
                found.append({
                    "row": row, "name": Both(plan.name, plan.name_zh or plan.name), "by": calendar(plan.by),
                    "series": series_name(plan.series), "place": place, "stated": amount(plan.at_least),
                    "line": plan_line(plan, say("plan {n}", n=amount(plan.at_least)), say("median {n}", n=amount(plan.median))),
                    "dots": dots(reached.mean or 0.0), "runs": plan.runs, "median": amount(plan.median),
                    "chance": NONE if reached.mean is None else percent(reached.mean),
                    "range": shown_percent(f"{rounded(100 * reached.low)}–{rounded(100 * reached.high)}")
                    if reached.low is not None and reached.high is not None else EMPTY,
                    "without": percent(plan.baseline_probability.mean or 0.0),
                })  # fmt: skip
        return found

    @property
    def notes(self) -> list[Both]:
        """Return what the evaluation says must be read beside the numbers."""
        said = say("differences between scenarios, not forecasts")  # the first of the limits says it already
        return [as_sentence(note) for note in map(in_both, self.of.notes) if note != said]

    @property
    def doses(self) -> list[tuple[Row, list[tuple[str, Both, str, Both, Both]]]]:
        """Return what policies do at multiples of their size: factor, cost, net startups with interval, price."""
        return [
            (row, [_dose(dose) for dose in row.result.doses])
            for row in self.policies
            if len(row.result.doses) > 1
        ]

    def samples(self) -> dict[str, Drawing]:
        """Return the marks that the page explains."""
        return {kind: sample(kind) for kind in ("filled", "hollow", "open")}

    def keys(self) -> dict[str, Drawing]:
        """Return the key of each row by its slug, and that of the baseline."""
        return {"base": marks.key(Mark.of(None), baseline=True)} | {
            row.slug: marks.key(row.mark) for row in self.rows
        }


def _axis(scale: marks.Scale, intervals: list[Interval], percent: bool = False) -> Drawing | Both:
    """Return the axis of a column, nothing where no number stands on it."""
    return marks.axis(scale, percent) if any(i.mean is not None for i in intervals) else EMPTY


def _number_cell(found: Effect | None, scales: tuple[float, float] = (1.0, 1.0)) -> tuple[Both, Both, bool]:
    """Return a mean, its interval, each in the unit of its language, and whether its direction is resolved."""
    en, zh = (interval_of(found, scale) for scale in scales)
    if found is None or en.mean is None or zh.mean is None:
        return alike(NONE), EMPTY, False
    known = Both(effect(en), effect(zh))
    return known, Both(span(en).en, span(zh).zh), found.resolved and en.mean != 0


def _chance(estimate: Estimate) -> Both:
    return alike(NONE) if estimate.mean is None else percent(estimate.mean)


def _number_words(interval: Interval) -> Both:
    return (
        alike(NONE)
        if interval.mean is None
        else Both(f"{effect(interval)} {span(interval).en}", f"{effect(interval)} {span(interval).zh}")
    )


def _dose(dose: Dose) -> tuple[str, Both, str, Both, Both]:
    net, each = interval_of(dose.net_startups), interval_of(dose.per_net_startup_rmb, 1e-6)
    cost = dose.present_value_rmb.mean
    return (f"{dose.factor:g}", alike(NONE) if cost is None else money(cost),
            NONE if net.mean is None else effect(net), span(net),
            say("not resolved") if each.mean is None else price_text(each.mean))  # fmt: skip


def _end_of_payments(row: Row) -> int | None:
    return None if row.result.persistence is None else row.result.persistence.ends


def _path(row: Row) -> Band | None:
    """Return the effect on the region's startups month by month."""
    path = next((path for path in row.result.paths if path.metric == NET), None)
    if path is None:
        return None
    columns = (path.mean, path.low, path.high)
    return Band(*(np.array([np.nan if v is None else v for v in column], dtype=float) for column in columns))


def _worlds(row: Row) -> Interval | None:
    found = next((d for d in row.result.decomposition if d.metric == NET), None)
    return None if found is None else Interval(found.mean, found.vector_low, found.vector_high)


def _positive(row: Row) -> Both:
    found = next((d for d in row.result.decomposition if d.metric == NET), None)
    return alike(NONE) if found is None or found.positive_share is None else percent(found.positive_share)


def _agreement(row: Row) -> Both:
    """Return in what share of seeds the effect has the sign of its mean."""
    return alike(NONE) if row.net is None or row.net.same_sign is None else percent(row.net.same_sign)
