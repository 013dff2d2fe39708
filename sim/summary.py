"""Effects in words: one sentence a policy, led by the net effect on the region, and a table of all metrics.

No sentence is written by hand: the interval picks the verb.
"""

from typing import TYPE_CHECKING

from sim.intervals import Interval, verdict
from sim.language import _
from sim.problems import shown

if TYPE_CHECKING:
    from sim.paired import Comparison
    from sim.record import Run

SMALL = 10.0  #: startups; an effect surely below it is called little
SHORTAGES = ("demand_floor", "entrants_lost", "movers_without_room")  #: caps that mean a shortage
MOST_FAILURES = 10  #: failed runs that are named; all are in the results folder
_NONE = "–"


def sentences(comparison: "Comparison") -> list[str]:
    """Return one sentence a policy."""
    return [f"{shown(policy)}: {sentence(comparison, policy)}" for policy in comparison.policies]


def sentence(comparison: "Comparison", policy: str) -> str:
    """Return what a policy does to the region, to its zones, and what it costs."""
    found, pairs = comparison.intervals[policy], len(comparison.pairs(policy))
    if pairs == 0:
        return _("no finished pair of runs")
    parts = [_region(found["startups_region"], pairs)]
    zones, share = found["startups_treated_zones"], found["displaced_share_of_gain"]
    if zones.mean:
        part = _("{n} in its zones").format(n=_signed(zones.mean))
        if share.mean is not None and found["displaced_startups"].mean:
            part += _(", where {share} of the newcomers would have been elsewhere in the region").format(
                share=_percent(share.mean)
            )
        parts.append(part)
    cost, each = found["public_cost_rmb"].mean, found["cost_per_net_startup_rmb"].mean
    if cost:
        part = _("{cost} RMB").format(cost=_money(cost))
        if each is not None:
            part += _(", {each} per net startup").format(each=_money(each))
        parts.append(part)
    return "; ".join(parts)


def _region(net: Interval, pairs: int) -> str:
    said = verdict(net.mean, net.low, net.high, SMALL, pairs)
    if net.mean is None or net.low is None or net.high is None:
        mean = _signed(net.mean or 0.0)
        return _("{mean} startups in the region ({verb}: {note})").format(
            mean=mean, verb=said.verb, note=said.note
        )
    interval = _("95 % interval {low} to {high}").format(low=_number(net.low), high=_number(net.high))
    if net.low == net.high == 0:
        return _("changes nothing in the region: exactly 0 in every seed")
    if net.low > 0 or net.high < 0:
        text = _("{verb}: {mean} startups in the region ({interval})")
        if said.verb in (_("adds"), _("loses")):
            text = _("{verb} {size} startups {place} ({interval})")
        place = _("to the region") if net.low > 0 else _("in the region")
        size, mean = _number(abs(net.mean)), _signed(net.mean)
        return text.format(verb=said.verb, size=size, mean=mean, place=place, interval=interval)
    text = _("startups in the region: {verb} ({interval})")
    note = f"; {said.note}" if said.note else ""
    return text.format(verb=said.verb, interval=interval + note)


def effects_table(comparison: "Comparison") -> list[str]:
    """Return all metrics as lines of text: the mean difference, its interval, and whether it has a sign."""
    from sim.paired import METRICS

    rows = [["", "", shown(comparison.baseline), *map(shown, comparison.policies)]]
    for name, unit in METRICS.items():
        cells = [_cell(comparison.intervals[policy][name], unit) for policy in comparison.policies]
        levels = (comparison.differences[policy].get(name) for policy in comparison.policies)
        means = [arms[1].mean() for arms in levels if arms is not None and len(arms[1])]
        treated = name == "startups_treated_zones"  # not the same zones for each policy
        level = _amount(float(means[0]), unit) if means and not treated else ""
        rows.append([_label(name), _unit(unit), level, *cells])
    return _aligned(rows)


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
        message = _("{policy}: {lever} never acted: it begins after the {months} months simulated")
        lines.append(message.format(policy=shown(policy), lever=shown(lever), months=comparison.months))
    lines.append(_("differences between scenarios, not forecasts; {n} seeds").format(n=len(comparison.seeds)))
    lines.append(_("results: {folder}").format(folder=shown(comparison.folder)))
    pictures = sorted(path.name for path in comparison.pictures)
    if pictures:
        lines.append(_("pictures: {names}").format(names=", ".join(map(shown, pictures))))
    return lines


def run_summary(run: "Run") -> list[str]:
    """Return one run in a few lines."""
    values = {name: value for name, (_unit, value) in run.measures().items()}
    rows = [
        (_("startups at the end"), _number(values["startups_region"])),
        (_("listed firms"), _number(values["listed_region"])),
        (_("heads"), _number(values["heads_region"])),
        (_("entries"), _number(values["entries"])),
        (_("founded outside"), _number(values["founded_outside"])),
        (_("failures"), _number(values["failures"])),
        (_("departures"), _number(values["departures"])),
        (_("moves"), _number(values["moves"])),
        (_("rounds closed"), _number(values["deals"])),
        (_("capital raised"), _("{n} RMB").format(n=_money(values["capital_rmb"]))),
        (_("public cost"), _("{n} RMB").format(n=_money(values["public_cost_rmb"]))),
    ]
    title = _("{scenario}, seed {seed}, {months} months from {start}")
    words = {"scenario": shown(run.scenario_id), "seed": run.seed, "months": run.months, "start": run.start}
    table = _aligned([[label, "", value] for label, value in rows])
    short = {name: run.caps[name] for name in SHORTAGES}
    return [title.format(**words), *table, *_shortages(short), _("one seed is a story, not a result")]


def _shortages(counts: dict[str, int]) -> list[str]:
    """Return a line on what ran short, if anything did."""
    labels = {
        "demand_floor": _("cells where startups need more than is let at the start"),
        "entrants_lost": _("entrants lost for want of rooms"),
        "movers_without_room": _("movers who found no room"),
    }
    found = [f"{labels[name]} {count}" for name, count in counts.items() if count]
    return [_("ran short: {what}").format(what="; ".join(found))] if found else []


def _label(name: str) -> str:
    label = name.removesuffix("_rmb").replace("_m2", "").replace("_", " ")
    return label.replace("rd heads", "R&D heads").replace("pv", "(present value)")


def _unit(unit: str) -> str:
    return {"share": "%", "RMB": "M RMB", "RMB/startup": "M RMB"}.get(unit, unit)


def _cell(interval: Interval, unit: str) -> str:
    if interval.mean is None:
        return _NONE
    if interval.low is None or interval.high is None:
        return f"  {_amount(interval.mean, unit)}"
    chip = " "
    if unit not in ("share", "RMB/startup") and interval.excludes_zero:
        chip = "▲" if interval.low > 0 else "▼"
    mean, low, high = (_amount(value, unit) for value in (interval.mean, interval.low, interval.high))
    return f"{chip} {mean} [{low}, {high}]"


def _amount(value: float, unit: str) -> str:
    """Return a value in the unit of its line of the table."""
    if unit == "share":
        return _number(100 * value)
    return _number(value / 1e6) if unit.startswith("RMB") else _number(value)


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = (0, 1)
    return [
        "  ".join(
            cell.ljust(width) if i in left or i > 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _number(value: float) -> str:
    if value == 0:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 20 else f"{value:.1f}" if abs(value) >= 0.95 else f"{value:.2g}"
    return text.replace("-", "−") if "e" not in text else text


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + _number(value)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _money(rmb: float) -> str:
    if rmb == 0:
        return "0"
    if abs(rmb) >= 1e9:
        return _("{n} bn").format(n=_number(rmb / 1e9))
    return _("{n} M").format(n=_number(rmb / 1e6))
