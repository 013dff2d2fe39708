"""Effects in words: one sentence a policy, led by the net effect on the region, and a table of all metrics.

No sentence is written by hand: the interval picks the verb.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sim.alignment import aligned
from sim.intervals import Interval
from sim.language import _, current_language, name_in
from sim.problems import shown
from sim.rounding import rounded, whole_percent

if TYPE_CHECKING:
    from sim.measures import Envelope
    from sim.paired import Comparison
    from sim.record import Run

MOST_COLUMNS = 5  #: policies beside each other; more stand below each other
TOP_KEPT = ("top_kept_share_3y", "top_kept_share_5y", "top_kept_share_10y")
SMALL = 10.0  #: startups; an effect surely below it is called little
#: caps that mean a shortage
SHORTAGES = ("demand_floor", "entrants_lost", "movers_without_room", "tenants_squeezed", "crowd_out_short")
#: ratios and prices: no direction is told of them
WITHOUT_DIRECTION = (
    "displaced_share_of_gain",
    "windfall_share",
    "landlord_capture",
    "cost_per_net_startup_rmb",
)
MOST_FAILURES = 10  #: failed runs that are named; all are in the results folder
_NONE = "–"
NUMBERS = (2,)  #: columns that are aligned at their right side


def sentences(comparison: "Comparison") -> list[str]:
    """Return one sentence a policy: that of the evaluation."""
    results = {policy: comparison.result(policy) for policy in comparison.policies}
    said = {
        policy: _("no finished pair of runs") if r is None else r.sentence for policy, r in results.items()
    }
    return [_("{name}: {text}").format(name=shown(policy), text=text) for policy, text in said.items()]


def effects_table(comparison: "Comparison") -> list[str]:
    """Return the effects as lines of text: all metrics of a few policies, or the headlines of many."""
    if len(comparison.compared) > MOST_COLUMNS:
        return headline_table(comparison)
    return metrics_table(comparison)


def headline_table(comparison: "Comparison") -> list[str]:
    """Return the headlines of each policy as lines of text."""
    rows = headline_rows(comparison)
    return aligned(rows)


def headline_rows(comparison: "Comparison") -> list[list[str]]:
    """Return one row a policy: net startups, those in its zones, displacement, cost, heads, the top founders."""
    rows = [[_("policy"), _("net startups"), _("in its zones"), _("displaced %"), _("spent, M RMB"),
             _("M RMB per net startup"), _("net R&D heads"), _("production heads"),
             _("top founders kept, % points")]]  # fmt: skip
    last = next((n for n in reversed(TOP_KEPT) if _known(comparison, n)), TOP_KEPT[0])
    for policy in comparison.compared:
        found = comparison.intervals[policy]
        rows.append([
            shown(policy) + (_(" (control)") if policy in comparison.controls else ""),
            _cell(comparison, policy, "startups_region"),
            _cell(comparison, policy, "startups_treated_zones"),
            _mean(found["displaced_share_of_gain"], "share"),
            _mean(found["public_cost_rmb"], "RMB"),
            _mean(found["cost_per_net_startup_rmb"], "RMB/startup"),
            _cell(comparison, policy, "rd_heads_region"),
            _cell(comparison, policy, "production_heads_region"),
            _cell(comparison, policy, last),
        ])  # fmt: skip
    return rows


def _known(comparison: "Comparison", metric: str) -> bool:
    return any(comparison.intervals[policy][metric].mean is not None for policy in comparison.compared)


def _mean(interval: Interval, unit: str) -> str:
    return _NONE if interval.mean is None else _amount(interval.mean, unit)


def top_founders(comparison: "Comparison") -> list[str]:
    """Return what becomes of the founders of the highest quality, the same in every scenario.

    Shares of the baseline, paired differences of the policies; and where the others went in the end.
    """
    horizons = [name for name in TOP_KEPT if _known(comparison, name)]
    if not horizons:
        return []
    years = [name.removeprefix("top_kept_share_").removesuffix("y") for name in horizons]
    founders = _level(comparison, comparison.baseline, f"top_founders_{years[-1]}y")
    title = _("the top {share} % of potential founders by drawn quality ({n} a run, the same in every scenario): "
              "of those drawn so far, founded here and still here")  # fmt: skip
    share = 100 * comparison.scenarios[comparison.baseline].births.top_share
    heads = [_("at the end of year {n}, %").format(n=year) for year in years]
    others = [_("founded elsewhere"), _("left"), _("acquired"), _("failed"), _("produce outside"),
              _("last stage or listed (unpaired)")]  # fmt: skip
    rows = [["", *heads, *others]]
    for scenario in (comparison.baseline, *comparison.compared):
        cells = []
        for name in horizons:
            if scenario == comparison.baseline:
                cells.append(f"  {number(100 * _level(comparison, scenario, name))}")
            else:
                cells.append(_cell(comparison, scenario, name))
        fates = ("founded_outside", "left", "acquired", "failed", "producing_outside")
        counts = [number(_level(comparison, scenario, f"top_{fate}_{years[-1]}y")) for fate in fates]
        rows.append(
            [shown(scenario), *cells, *counts, number(_level(comparison, scenario, "last_stage_region"))]
        )
    return [
        "",
        title.format(share=number(share), n=number(founders)),
        *aligned(rows),
    ]


def _level(comparison: "Comparison", scenario: str, name: str) -> float:
    values = [run.outcomes[name] or 0.0 for run in comparison.runs(scenario)]
    return sum(values) / len(values) if values else 0.0


def lever_table(comparison: "Comparison") -> list[str]:
    """Return what each lever spent, whom it served, whom it refused, and what of its effect is assumed."""
    from sim.spending import spending

    rows = [[_("lever"), _("kind"), _("spent, M RMB"), _("of its budget"), _("served a month"),
             _("refused a month"), _("assumed of its effect")]]  # fmt: skip
    for policy in comparison.policies:
        for row in spending(comparison, policy):
            budget = row["budget_rmb"]
            part = percent(row["spent_rmb"] / budget) if budget else _NONE
            known = [row[name] if row["counts"] else None for name in ("served", "refused")]
            what = row["serves"]
            unit = " " + _(what) if what else ""
            served = [_NONE if value is None else number(value) + unit for value in known]
            rows.append([_("{name}: {text}").format(name=shown(policy), text=shown(row["lever"])), row["kind"],
                         _NONE if row["stress"] else in_millions(row["spent_rmb"]),
                         part, *served, _(row["assumed"]) if row["assumed"] else _NONE])  # fmt: skip
    return ["", *aligned(rows)] if len(rows) > 1 else []


def announcements(comparison: "Comparison") -> list[str]:
    """Return with what probability the model reaches what promoters announce."""
    from sim.spending import announced

    lines = []
    for policy in comparison.policies:
        for row in announced(comparison, policy):
            text = _("{policy}: announced: {name} by {by}; reached in {share} of {n} runs (without the policy {base}), "
                     "median {median}")  # fmt: skip
            paid = row["series"].endswith("_rmb")
            median = _("{n} RMB").format(n=money(row["median"])) if paid else number(row["median"])
            base = row["baseline_probability"]
            lines.append(text.format(
                policy=shown(policy), name=shown(name_in(current_language(), row["name"], row["name_zh"])), by=row["by"], share=percent(row["probability"]),
                n=row["runs"], base=_NONE if base is None else percent(base), median=median))  # fmt: skip
    return ["", *lines] if lines else []


def metrics_table(comparison: "Comparison") -> list[str]:
    """Return all metrics but the measures of clustering: mean difference, interval, and whether it has a sign."""
    from sim.paired import CLUSTERING, METRICS

    rows = [["", "", shown(comparison.baseline), *map(shown, comparison.compared)]]
    for name, unit in METRICS.items():
        if name in CLUSTERING:
            continue
        cells = [_cell(comparison, policy, name) for policy in comparison.compared]
        levels = (comparison.differences[policy].get(name) for policy in comparison.compared)
        means = [arms[1].mean() for arms in levels if arms is not None and len(arms[1])]
        treated = name == "startups_treated_zones"  # not the same zones for each policy
        level = _amount(float(means[0]), unit) if means and not treated else ""
        rows.append([_label(name), _unit(unit), level, *cells])
    return aligned(rows, NUMBERS)


def closing_lines(comparison: "Comparison") -> list[str]:
    """Return what must be known beside the numbers: failed runs, idle levers, where everything is."""
    lines = []
    for failure in comparison.failures[:MOST_FAILURES]:
        words = {"scenario": shown(failure.scenario), "seed": failure.seed, "why": shown(failure.message)}
        lines.append(_("failed: {scenario}, seed {seed}: {why}").format(**words))
    if comparison.failures:
        message = _("{n} failed; their seeds are left out of the pair (failures.jsonl has the details)")
        lines.append(message.format(n=len(comparison.failures)))
    for policy, lever in comparison.idle_levers():
        message = _("{policy}: {lever} never acted in the {months} months simulated: it begins later, or nobody was "
                    "eligible")  # fmt: skip
        lines.append(message.format(policy=shown(policy), lever=shown(lever), months=comparison.months))
    for scenario in (comparison.baseline, *comparison.policies):
        means = {name: _level(comparison, scenario, f"cap_{name}") for name in SHORTAGES}
        means = {name: mean for name, mean in means.items() if mean >= 1.0}
        said = [_("{name}: {text}").format(name=shown(scenario), text=line) for line in _shortages(means)]
        lines += [line + _(" (a run)") for line in said]
    told = _("differences between scenarios, not forecasts; {n} seeds")
    if len(comparison.seeds) == 1:
        told = _("differences between scenarios, not forecasts; {n} seed")
    lines.append(told.format(n=len(comparison.seeds)))
    lines.append(_("results: {folder}").format(folder=shown(comparison.folder)))
    pictures = sorted(path.name for path in comparison.pictures)
    if pictures:
        from sim.figures import language_note

        lines.append(_("pictures: {names}").format(names=_(", ").join(map(shown, pictures))))
        lines += filter(None, [language_note()])
    if comparison.report is not None:
        lines.append(_("report: {path}").format(path=shown(comparison.report)))
    return lines


def run_summary(run: "Run") -> list[str]:
    """Return one run in a few lines."""
    values = {name: value or 0.0 for name, (_unit, value) in run.measures().items()}
    count = lambda name: rounded(values[name])  # noqa: E731 - of one run: whole, no means over seeds
    rows = [
        (_("startups at the end"), count("startups_region")),
        (_("listed firms"), count("listed_region")),
        (_("heads in the region"), count("heads_region")),
        (_("entries"), count("entries")),
        (_("founded outside"), count("founded_outside")),
        (_("failures"), count("failures")),
        (_("departures"), count("departures")),
        (_("moves within the region"), count("moves")),
        *(
            [
                (
                    _("reservations; applications"),
                    _("; ").join((count("reservations"), count("applications"))),
                )
            ]
            if values["reservations"]
            else []
        ),
        (_("rounds closed"), count("deals")),
        (_("capital raised"), _("{n} RMB").format(n=money(values["capital_rmb"]))),
        (_("public cost"), _("{n} RMB").format(n=money(values["public_cost_rmb"]))),
    ]
    title = _("{scenario}, seed {seed}, {months} months from {start}")
    words = {"scenario": shown(run.scenario_id), "seed": run.seed, "months": run.months, "start": run.start}
    table = aligned([[label, "", value] for label, value in rows], NUMBERS)
    short = {name: run.caps[name] for name in SHORTAGES}
    closing = [*_shortages(short), _("one seed is a story, not a result")]
    return [title.format(**words), *table, *clustering_table(run), *closing]


def clustering_table(run: "Run") -> list[str]:
    """Return measures of clustering at the last month, and what the same firms thrown on floor space would have.

    The index of Ellison and Glaeser stands there for every cut of the map.
    """
    from sim.measures import DRAWS, maup

    found = run.clustering_null()
    if found["clusters"].observed != found["clusters"].observed:  # no firm is left
        return []
    cuts = {"500m": _("squares of 0.5 km"), "1km": _("squares of 1 km"), "2km": _("squares of 2 km"),
            "zones": _("zones")}  # fmt: skip
    even = number(found["hhi_even"].observed)
    labels = {
        "hhi_zones": (_("Herfindahl over zones (spread evenly: {n})").format(n=even), "-"),
        "marcon_puech_500m": (_("Marcon-Puech M, within 0.5 km"), "-"),
        "densest_3km2_share": (_("firms in the densest 3 km2, %"), "share"),
        "south_share": (_("firms in the south, %"), "share"),
        "north_share": (_("firms in the north, %"), "share"),
        "densest_jaccard": (_("densest tenth of cells: same as at the start, %"), "share"),
        "clusters": (_("clusters (DBSCAN)"), "-"),
        "clusters_km2": (_("their area, km2"), "-"),
    }
    rows = [[_("clustering at the end"), _("now"), _("95 % of {n} throws on floor space").format(n=DRAWS)]]
    for cut, units, index in maup(found, run.grid):
        label = _("Ellison-Glaeser, {cut} ({n})").format(cut=cuts[cut], n=units)
        rows.append([label, *_against(index, "-")])
    # a world need not have the belts of another one
    known = [
        name
        for name in labels
        if found[name].observed == found[name].observed or not name.startswith(("south", "north"))
    ]
    rows += [[labels[name][0], *_against(found[name], labels[name][1])] for name in known]
    return ["", *aligned(rows, NUMBERS), ""]


def _against(index: "Envelope", unit: str) -> tuple[str, str]:
    """Return a measure and the envelope of its null."""
    if index.observed != index.observed:
        return _NONE, _NONE
    seen, low, high = (_amount(value, unit) for value in (index.observed, index.low, index.high))
    return seen, _("{low} to {high}").format(low=low, high=high)


def _shortages(counts: Mapping[str, float]) -> list[str]:
    """Return a line on what ran short, if anything did."""
    labels = {
        "demand_floor": _("cells where startups need more than is let at the start"),
        "entrants_lost": _("entrants lost for want of rooms"),
        "movers_without_room": _("movers who found no room"),
        "tenants_squeezed": _("cell-months in which other tenants are squeezed"),
        "crowd_out_short": _("purses that held less than was to be crowded out"),
    }
    found = [f"{labels[name]} {number(count)}" for name, count in counts.items() if count]
    return [_("ran short: {what}").format(what=_("; ").join(found))] if found else []


def _label(name: str) -> str:
    label = name.removesuffix("_rmb").replace("_m2", "").replace("_", " ")
    return _(label.replace("rd heads", "R&D heads").replace("pv", "(present value)"))


def _unit(unit: str) -> str:
    shown_in = {"share": "%", "RMB": "M RMB", "RMB/startup": "M RMB"}.get(unit, unit)
    return _(shown_in)


def _cell(comparison: "Comparison", policy: str, metric: str) -> str:
    """Return mean and interval of a metric, with an arrow where a direction may be told."""
    from sim.paired import METRICS

    interval, unit = comparison.intervals[policy][metric], METRICS[metric]
    if interval.mean is None:
        return _NONE
    if interval.low is None or interval.high is None:
        return f"  {_amount(interval.mean, unit)}"
    chip = comparison.verdict(policy, metric).chip if metric not in WITHOUT_DIRECTION else ""
    chip = chip if chip in ("▲", "▼") else " "
    mean, low, high = (_amount(value, unit) for value in (interval.mean, interval.low, interval.high))
    return f"{chip} {mean} [{low}, {high}]"


def _amount(value: float, unit: str) -> str:
    """Return a value in the unit of its line of the table."""
    if unit == "share":
        return number(100 * value)
    return in_millions(value) if unit.startswith("RMB") else number(value)


def number(value: float) -> str:
    """Return a number with as many digits as a reader can use; a dash where there is none."""
    if math.isnan(value):
        return _NONE
    if value == 0:
        return "0"
    size = abs(value)
    text = rounded(value) if size >= 20 else rounded(value, 1) if size >= 0.95 else f"{value:.2g}"
    return text.replace("-", "−") if "e" not in text else text


def signed(value: float) -> str:
    """Return a number with its sign."""
    return ("+" if value > 0 else "") + number(value)


def percent(share: float) -> str:
    """Return a share in per cent."""
    return _("{n} %").format(n=whole_percent(share))


def money(rmb: float) -> str:
    """Return an amount in millions or billions; in Chinese in ten thousands or hundred millions."""
    if rmb == 0:
        return "0"
    many, few = units_of_money()
    if abs(rmb) >= many:
        return _("{n} bn").format(n=number(rmb / many))
    return _("{n} M").format(n=number(rmb / few))


def in_millions(rmb: float) -> str:
    """Return an amount in million RMB, without its unit; in Chinese in ten thousands (万元), as its words and heads say."""
    return number(rmb / units_of_money()[1])


def units_of_money() -> tuple[float, float]:
    """Return what "bn" and "M" mean in the language spoken, which does not translate them but counts otherwise."""
    return (1e8, 1e4) if current_language() == "zh" else (1e9, 1e6)
