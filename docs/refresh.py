"""Write the pages of docs/, or the parts of them, that follow from the code's own declarations.

python docs/refresh.py                      all pages but those that take minutes
python docs/refresh.py verification.md      that page, and its pictures
"""

import dataclasses
import functools
import pathlib
import re
import runpy
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from typing import Any

import numpy as np

import sim.store
from sim.levers import LEVERS
from sim.meanings import CAPS
from sim.measures import MEASURES, against_null, further, maup
from sim.model import ClusterModel
from sim.paired import MEANINGS, METRICS
from sim.parameters import SECTIONS, SEGMENTS, STAGES
from sim.places import read_world, shipped_folder
from sim.record import FLOW_COLUMNS, PEAKS, PRESENCE, STOCKS, ZONE_COLUMNS, Column, Run
from sim.scenario import Scenario
from sim.work import MOMENTS, table_of

DOCS = pathlib.Path(__file__).parent
TESTS = DOCS.parent / "tests"
MARK = "<!-- written by docs/refresh.py; edit the declarations instead -->"
BEGIN, END = "<!-- written by docs/refresh.py -->\n", "<!-- end -->\n"
#: a row of a parameter table in ODD.md: symbol and parameter are written by hand, the rest is not
ODD_ROW = re.compile(r"^\| ([^|]*)\| \[`(\w+)\.(\w+)`\]\(parameters\.md#\w+\) \|.*$", re.MULTILINE)
COUNTER_ROW = re.compile(r"^(\| `(\w+)`.* \|) [^|]* \|$", re.MULTILINE)
ODD_HEADING = re.compile(r"^(?:##|###) (.+)$", re.MULTILINE)
NOTHING_FOUND = "No evidence found; the effect is assumed."
NO_POLICY = "No policy: what is assumed is the development itself."
#: what the public pays for each kind of lever, and what is known of such policies (names of sources.md)
ACCOUNTS = {
    "rent-cut": (
        "The share of the rent of every eligible lease, month by month: what startups receive. "
        "Part of it can end as higher rent.",
        "Of the businesses in Britain's enterprise zones 50 to 80 % had moved there (Papke (1993)); US empowerment zones "
        "added jobs at a modest loss (Busso, Gregory and Kline (2013)); of China's zones those created later brought less and "
        "distorted more (Jin Wang (2013)), though new firms mattered more than "
        "firms that stayed (Lu, Wang and Zhu (2019)). How strongly startups shun rent is not known.",
    ),
    "new-space": (
        "The gross building cost, at the opening or in equal monthly parts with interest at 5 % a year; rents that "
        "the owner receives and the value that is left at the end are not counted.",
        "The cost is that of the Jingxi park (2023). China's zones, with more than buildings on offer, had more firms "
        "and jobs than before (Lu, Wang and Zhu (2019)); reviews of zones elsewhere are very mixed "
        "(Neumark and Simpson (2015)).",
    ),
    "uptake-list": (
        "Nothing.",
        "130 firms had reserved space and 27 of them applied "
        "(21st Century Business Herald (2025)). Many pairs of awareness and offer give such counts: nothing is learned "
        "of either alone.",
    ),
    "compute-centre": (
        "Capacity times the full cost of an accelerator, whether it is used or not, less what users pay.",
        "No evaluation found. It acts through the market for compute, of which every number is assumed.",
    ),
    "compute-voucher": (
        "What vouchers pay of the bills of their holders, who use more because of them.",
        "No evaluation found. The default cap is that of Beijing's compute voucher (2023).",
    ),
    "rd-subsidy": (
        "The share of wages that is paid: what startups receive.",
        "A first US grant of about 150,000 USD doubled the chance of an energy startup to raise venture capital later "
        "(Howell (2017)); here a grant works through cash alone, so that nothing of that kind is assumed.",
    ),
    "public-orders": (
        "The orders: what startups receive.",
        "Firms of facial recognition in China that won public contracts rich in data made more commercial software "
        "(Beraja, Yang and Yuchtman (2023)); access to data is no part of this lever.",
    ),
    "vc-hub": (
        "A sum a month, as the scenario says.",
        "Funds invest less often at a distance (Sorenson and Stuart (2001)), which was seen between cities and not "
        "inside one. What share of visiting capital would have come anyway is assumed.",
    ),
    "guided-fund": (
        "The part of what is paid that is lost, booked when it is paid; less when a startup that leaves returns the "
        "money. The rest is capital at risk, not cost.",
        "Only 26 % of guidance funds had reached their target size by 2021 (Wei, Ang and Jia (2023)). Funds of city "
        "governments raised early investment and lowered the number of new firms, because money went to favoured "
        "industries (Zhang (2025)).",
    ),
    "cash": (
        "The amounts: what founders receive.",
        "No effect is assumed but that of cash on survival and growth. It is the benchmark: another lever that brings "
        "less for the money needs another reason.",
    ),
    "talent-housing": ("The discount on each flat that is let.", NOTHING_FOUND),
    "administration": (
        "A sum a month, as the scenario says.",
        "One office for all registration raised the number of registered businesses in Mexico by 5 % "
        "(Bruhn (2011)): shops and services, seldom firms that choose between cities. The effect is assumed.",
    ),
    "landing": (
        "A sum for each founder expected to come and look, whether it founds here or not.",
        "A programme that brought founders to Chile raised the performance of those whom it schooled; cash and a desk "
        "alone showed no effect (Gonzalez-Uribe and Leatherbee (2018)). How many come is assumed.",
    ),
    "public-space": ("A sum a month, as the scenario says.", NOTHING_FOUND),
    "incubator": (
        "A price for each taken place and month; empty places cost nothing.",
        "In Chile schooling inside an accelerator raised the performance of startups, cash and a desk alone did not "
        "(Gonzalez-Uribe and Leatherbee (2018)). The factors here are assumed.",
    ),
    "accelerator": (
        "A price for each taken place and month; empty places cost nothing.",
        "As for an incubator (Gonzalez-Uribe and Leatherbee (2018)); nothing found on one-person companies. The "
        "factors are assumed.",
    ),
    "test-platform": (
        "A price for each user and month; free places cost nothing.",
        NOTHING_FOUND,
    ),
    "funding-climate": (
        "Nothing.",
        NO_POLICY
        + " Deal counts doubled within 18 months in 2024 and 2025 (IT Juzi (2025)), so that factors far from "
        "1 are within what has been seen.",
    ),
    "placebo": (
        "Nothing.",
        "None is needed: its true effect is zero. What a table shows for it is the size of what chance alone makes of an "
        "effect.",
    ),
    "outside-offer": ("Nothing.", NO_POLICY),
    "production-offer": (
        "Nothing.",
        NO_POLICY
        + " Production of hardware has left before, for Shenzhen, Dongguan and Huizhou (Wang (2026)).",
    ),
    "tenant-demand": (
        "Nothing.",
        NO_POLICY + " 76,000 m² were absorbed in Zhongguancun in half a year (HelloOffice (2025)).",
    ),
}
#: the runs of the page on measures
MEASURED_SEEDS, MEASURED_YEARS = (1, 2, 3), 10
#: how it calls the cuts of the map, and the measures that have no column
CUTS = {"500m": "squares of 0.5 km", "1km": "squares of 1 km", "2km": "squares of 2 km", "zones": "zones"}
FURTHER = {
    "maurel_sedillot_zones": "Maurel-Sédillot over zones",
    "gini_cells": "locational Gini over cells",
    "theil_between_zones": "Theil between zones",
    "theil_within_zones": "Theil within zones",
    "moran_cells": "Moran's I over cells",
}


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MyST make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


# parameters.md and the tables of ODD.md


def about(section: str, name: str) -> Any:
    """Return unit, bounds, sweep and source of a parameter."""
    return SECTIONS[section].model_fields[name].json_schema_extra


def default(section: str, name: str) -> str:
    """Return the default of a parameter with its unit, for a cell of ODD.md."""
    value = SECTIONS[section].model_fields[name].default
    if isinstance(value, tuple) and isinstance(value[0], tuple):
        return "a table"
    unit = about(section, name)["unit"]
    if unit == "-" or value is None:
        return shown(value)
    return f"{shown(value)} ({unit})" if isinstance(value, tuple) else f"{shown(value)} {unit}"


def places_in_odd(text: str) -> dict[str, list[tuple[str, str]]]:
    """Return the headings of ODD.md under which each parameter stands, with its symbol there."""
    places: dict[str, list[tuple[str, str]]] = {}
    for row in ODD_ROW.finditer(text):
        heading = [found for found in ODD_HEADING.finditer(text) if found.start() < row.start()][-1].group(1)
        places.setdefault(f"{row.group(2)}.{row.group(3)}", []).append((heading, row.group(1).strip()))
    return places


def parameters_page() -> str:
    """Return the page of all parameters."""
    places = places_in_odd((DOCS / "ODD.md").read_text(encoding="utf-8"))
    out = f"{MARK}\n\n# Parameters\n\n"
    out += (
        "One table per section of a scenario file. *Bounds* is where the equation is defined, *sweep* the plausible "
        "range for sensitivity analysis (for a table of values a factor on all of them), *read in* the equation of "
        "[ODD.md](ODD.md) and the symbol there. What a source is worth stands in [sources.md](sources.md). A table "
        f"lists segments as {', '.join(SEGMENTS)} and stages as {', '.join(STAGES)}.\n"
    )
    head = ("parameter", "default", "unit", "bounds", "sweep", "meaning", "read in", "source")
    for section, kind in SECTIONS.items():
        rows = []
        for name, field in kind.model_fields.items():
            told, sweep = about(section, name), about(section, name)["sweep"]
            read = (
                f"[{re.split('[.:]', heading)[0]}](ODD.md#{slug(heading)}){f' {symbol}' if symbol else ''}"
                for heading, symbol in places.get(f"{section}.{name}", [])
            )
            rows.append(
                (
                    f"`{name}`",
                    shown(field.default),
                    told["unit"],
                    shown_range(told.get("bounds")),
                    "x " + shown_range(sweep["factor"]) if isinstance(sweep, dict) else shown_range(sweep),
                    str(field.description),
                    ", ".join(read),
                    linked(told["source"]),
                )
            )
        out += f"\n## {section}\n\n{kind.__doc__}\n\n" + table(head, rows)
    return out


def odd_page() -> str:
    """Return ODD.md with default and source of each parameter, and what each counter counts, in its tables."""

    def row(match: re.Match[str]) -> str:
        symbol, section, name = match.groups()
        cells = default(section, name), linked(about(section, name)["source"])
        return f"| {symbol}| [`{section}.{name}`](parameters.md#{section}) | {cells[0]} | {cells[1]} |"

    def counter(match: re.Match[str]) -> str:
        head, name = match.groups()
        return f"{head} {CAPS[name][0].lower()}{CAPS[name][1:]} |" if name in CAPS else match.group()

    return COUNTER_ROW.sub(counter, ODD_ROW.sub(row, (DOCS / "ODD.md").read_text(encoding="utf-8")))


# sources.md


def sources_page() -> str:
    """Return sources.md with the table of what each parameter cites."""
    text = (DOCS / "sources.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows = []
    for source, names in sorted(cited().items()):
        links = ", ".join(f"[{name}](#{slug(name)})" for name in entries_for(source, before))
        listed = ", ".join(f"[`{name}`](parameters.md#{name.split('.')[0]})" for name in names)
        rows.append((source, links, listed))
    return before + BEGIN + table(("the parameter says", "see", "parameters"), rows) + END + after


def linked(source: str) -> str:
    """Return what a parameter says of its source, with links to the entries of sources.md."""
    text, others = source, []
    for name in entries_for(source, (DOCS / "sources.md").read_text(encoding="utf-8").split(BEGIN)[0]):
        link = f"sources.md#{slug(name)}"
        if name in source:
            text = text.replace(name, f"[{name}]({link})")
        else:
            others.append((name, link))
    if others and text == source:
        text, others = f"[{source}]({others[0][1]})", others[1:]
    return text + "".join(f" ([{name}]({link}))" for name, link in others)


def cited() -> dict[str, list[str]]:
    """Return the parameters by their source; those that are just assumed are left out."""
    found: dict[str, list[str]] = {}
    for section, kind in SECTIONS.items():
        for name in kind.model_fields:
            source = about(section, name)["source"]
            if source != "assumed":
                found.setdefault(source, []).append(f"{section}.{name}")
    return found


def entries_for(source: str, text: str) -> list[str]:
    """Return the headings of sources.md that a source names, or that quote it."""
    entries = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    quoted = {entry.split("\n")[0]: " ".join(entry.split()) for entry in entries}
    return [
        name
        for name, body in quoted.items()
        if name in source or f"`{source}`" in body or name.lower() in source.split()
    ]


# series.md


def series_page() -> str:
    """Return the page of what a run and a comparison yield."""
    out = f"{MARK}\n\n# Series and tables\n\n"
    out += (
        "`ClusterModel.run()` returns a `Run` with these tables (Arrow, units and meanings in the schema).\n"
    )
    tables: dict[str, tuple[Column, ...]] = {
        "series: stocks at the end of the month, by zone and segment": STOCKS,
        "series: flows of the month, by zone and segment": FLOW_COLUMNS,
        "series: highest concentration at the end of the month, by zone and segment; no sum over zones": PEAKS,
        "series: of the zone, repeated for each segment": ZONE_COLUMNS,
        "presence: one row a startup after 12, 36, 60 and 120 steps and at the last": PRESENCE,
    }
    head = ("column", "unit", "meaning")
    for title, columns in tables.items():
        out += f"\n## {title}\n\n" + table(head, [(f"`{c.name}`", c.unit, c.meaning) for c in columns])
    run = ClusterModel.from_scenario("baseline").run(1)
    for title, data in {
        "outcomes: one row a run": run.outcomes,
        "region: one row a month": run.region,
        "costs: one row a month and lever": run.costs,
        "deals: one row a closed round": run.deals,
        "startups: one row a startup that had rooms here, as it is at the last step": run.startups,
        "moments: one row a target of the calibration of the scenario's world": table_of(run, MOMENTS),
    }.items():
        rows = [
            (f"`{f.name}`", f.metadata[b"unit"].decode(), f.metadata[b"meaning"].decode())
            for f in data.schema
        ]
        out += f"\n## {title}\n\n" + table(head, rows)
    out += "\n## Effects of a comparison\n\n"
    out += (
        "`compare(...)` and `sim compare --json` give for each policy and metric mean, low and high of the paired "
        "difference (95 %). The same stands under `controls` for two rows that every table carries: a "
        "[placebo](levers.md#placebo), whose true effect is zero, and [cash](levers.md#cash) for every entrant. What is no "
        "difference stands under `levels`: pairs, gross and deadweight startups; for each metric the means of both arms, "
        "their correlation, the variance ratio of unpaired to paired differences, and the share of seeds with the sign of "
        "the mean; under `levers` for each lever its months in force, what it spent and might have spent, whom it served "
        "and refused, and what of its effect is assumed; under `announced` with what probability the runs reach what "
        "promoters announce, which is an input of nothing.\n\n"
    )
    out += table(
        ("metric", "unit", "meaning"), [(f"`{name}`", METRICS[name], MEANINGS[name]) for name in METRICS]
    )
    layout = textwrap.dedent(str(sim.store.__doc__).split("::\n\n")[1].split("\n\n")[0])
    return out + f"\n## Files of a results folder\n\n```text\n{layout}\n```\n"


# scenarios.md


def scenarios_page() -> str:
    """Return the page of the shipped scenarios, and of the zones and nodes that they may name."""
    ids = sorted(Scenario.shipped(), key=lambda name: (name != "baseline", name))
    loaded = [Scenario.load(name) for name in ids]
    out = f"{MARK}\n\n# Scenarios\n\n"
    out += (
        "What ships with the program: files of `scenarios/`. `sim list` prints them, `sim scenario show ID --origin` "
        "every value with the line that it comes from. What a `[[policies]]` table may be: [levers.md](levers.md).\n\n"
    )
    rows = [(f"[`{s.id}`](#{slug(s.id)})", s.name, s.name_zh, _code(s.extends), _levers(s)) for s in loaded]
    out += table(("id", "name", "中文", "extends", "levers"), rows)
    for scenario in loaded:
        out += f"\n## {scenario.id}\n\n" + scenario_part(scenario)
    return out + world_part(sorted({scenario.world for scenario in loaded}))


def scenario_part(scenario: Scenario) -> str:
    """Return what a scenario is, what is stated and assumed, its levers, and how it differs from the baseline."""
    names = {zone.id: zone.name for zone in read_world(scenario.world).zones}
    out = f"**{scenario.name}** ({scenario.name_zh}). {scenario.description}\n\n"
    base = f"extends {_code(scenario.extends)}" if scenario.extends else "extends nothing"
    out += f"World {_code(scenario.world)}, from {scenario.start}, {scenario.months} months; {base}.\n\n"
    out += header(scenario.id)
    for lever in scenario.policies:
        rows = []
        for name, field in type(lever).model_fields.items():
            value = getattr(lever, name)
            if name in ("id", "kind", "phases"):
                continue
            given = "yes" if name in lever.model_fields_set else "no, default"
            if isinstance(value, str | tuple) and "zone" in name:
                ids = (value,) if isinstance(value, str) else value
                value = ", ".join(f"{zone} ({names[zone]})" for zone in ids)
            rows.append((_code(field.alias or name), shown(value), _unit(field), given))
        out += f"\nLever `{lever.id}`, kind [`{lever.kind}`](levers.md#{slug(lever.kind)}):\n\n"
        out += table(("key", "value", "unit", "given in the file"), rows)
        if hasattr(lever, "phases"):
            opened = [(phase.opens, f"{phase.area_m2:,g}") for phase in lever.phases]
            out += "\n" + table(("opens", "area_m2"), opened)
    if scenario.id == "baseline":
        return out
    return out + f"\nBesides its levers it differs from the baseline in {differences(scenario)}.\n"


def header(name: str) -> str:
    """Return the comment at the head of a scenario file: what it is, what is stated, what is assumed."""
    lines = (shipped_folder() / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        if not line.startswith("#:schema"):
            comment.append(line.removeprefix("#").removeprefix(" "))
    out = ""
    for line, following in zip(comment, [*comment[1:], ""], strict=True):
        indented = line.startswith("  ")
        out += (
            f"\n**{line}.**\n"
            if line and not indented and following.startswith("  ")
            else f"{line.strip()}\n"
        )
    return re.sub(r"\n{3,}", "\n\n", out.strip()) + "\n"


def differences(scenario: Scenario) -> str:
    """Return the values, levers apart, in which a scenario differs from the baseline."""
    base = {entry.key: entry.value for entry in Scenario.load("baseline").entries()}
    labels = ("policies", "name", "name_zh", "description", "extends")
    other = [
        f"`{entry.key}` ({shown(entry.value)} instead of {shown(base.get(entry.key))})"
        for entry in scenario.entries()
        if entry.key.split(".")[0] not in labels and base.get(entry.key) != entry.value
    ]
    return ", ".join(other) or "nothing"


# measures.md


def measures_page() -> str:
    """Return the page of measures with its tables: columns, the baseline against the null, cuts of the map."""
    text = (DOCS / "measures.md").read_text(encoding="utf-8")
    rows = [(f"`{name}`", unit, meaning) for name, (unit, meaning) in MEASURES.items()]
    tables = iter((table(("column", "unit", "meaning"), rows), null_table(), maup_table()))
    block = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    return block.sub(lambda _block: BEGIN + next(tables) + END, text)


@functools.cache
def nulls() -> list[list[dict[str, Any]]]:
    """Return the headline measures of these runs with their null."""
    return [[run.clustering_null() for run in pair] for pair in measured()]


@functools.cache
def measured() -> tuple[tuple[Run, Run], ...]:
    """Return runs of the baseline after one month and after some years, persistence counted from the start."""
    pairs = []
    for seed in MEASURED_SEEDS:
        model = ClusterModel.from_scenario("baseline", seed=seed)
        first = model.run(1)
        pairs.append((first, dataclasses.replace(model.run(12 * MEASURED_YEARS - 1), before=first.before)))
    return tuple(pairs)


def null_table() -> str:
    """Return the measures of the baseline after one month and at the end, with their null."""
    names = [name for name in MEASURES if not name.startswith("eg_") and name != "hhi_even"]
    rows = []
    more = [
        [against_null(run.grid, run.stock, *run.firms, seed=run.seed, measures=further) for run in pair]
        for pair in measured()
    ]
    for found, labels in ((nulls(), {name: f"`{name}`" for name in names}), (more, FURTHER)):
        for name, label in labels.items():
            cells = (cell for when in (0, 1) for cell in against([pair[when][name] for pair in found]))
            rows.append((label, *cells))
    head = ("measure", "after a month", "thrown", "runs outside")
    return table((*head, f"after {MEASURED_YEARS} years", "thrown", "runs outside"), rows)


def maup_table() -> str:
    """Return the index of Ellison and Glaeser for each cut of the map, firms weighted by heads and counted."""
    runs = [pair[1] for pair in measured()]
    heads = [maup(found[1], run.grid) for found, run in zip(nulls(), runs, strict=True)]
    counted = [
        maup(
            against_null(run.grid, run.stock, run.firms[0], np.ones(len(run.firms[0])), seed=run.seed),
            run.grid,
        )
        for run in runs
    ]
    rows = [
        (CUTS[cut], str(units), *against([r[i][2] for r in heads]), *against([r[i][2] for r in counted]))
        for i, (cut, units, _index) in enumerate(heads[0])
    ]
    head = ("γ by heads", "thrown", "runs outside", "γ, each firm as one", "thrown", "runs outside")
    return table(("cut", "units", *head), rows)


def against(found: list[Any]) -> tuple[str, str, str]:
    """Return means of a measure and of the bounds of its null over runs, and how many runs lie outside theirs."""
    seen, low, high = (np.mean([getattr(e, name) for e in found]) for name in ("observed", "low", "high"))
    above, below = sum(e.observed > e.high for e in found), sum(e.observed < e.low for e in found)
    sides = [f"{n} of {len(found)} {word}" for n, word in ((above, "above"), (below, "below")) if n]
    value, least, most = (
        np.format_float_positional(number, precision=3, fractional=False, trim="-").replace("-", "−")
        for number in (seen, low, high)
    )
    return value, f"{least} to {most}", ", ".join(sides) or "none"


def draw_measures(path: pathlib.Path) -> None:
    """Draw two measures of the baseline over the years against the same firms thrown on floor space."""
    from matplotlib.figure import Figure

    from sim.figures.style import PALETTE, house_style

    panels = {
        "eg_1km": ("Heads over squares of 1 km", "Ellison-Glaeser γ"),
        "marcon_puech_500m": ("Heads within 0.5 km of a firm", "Marcon-Puech M"),
    }
    years = np.arange(MEASURED_YEARS + 1)
    paths = []
    for seed in MEASURED_SEEDS:
        model = ClusterModel.from_scenario("baseline", seed=seed)
        paths.append(
            [model.run(months).clustering_null() for months in (1, 11, *[12] * (MEASURED_YEARS - 1))]
        )
    start = int(model.setup.start[:4])
    ink, grey = PALETTE["policies"][0]["colour"], PALETTE["ink_note"]
    with house_style():
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        title = "Do startups sit closer together than their offices explain? Above the grey band they do"
        figure.suptitle(title, ha="left", x=0.01, fontweight="bold")
        for ax, (name, (title, label)) in zip(figure.subplots(1, 2), panels.items(), strict=True):
            low, high, mean = (
                np.mean([[getattr(e[name], part) for e in path] for path in paths], axis=0)
                for part in ("low", "high", "mean")
            )
            ax.fill_between(start + years, low, high, color=PALETTE["rule"], linewidth=0)
            ax.plot(start + years, mean, color=PALETTE["axis"], linestyle="--", linewidth=1)
            seen = np.array([[e[name].observed for e in path] for path in paths])
            ax.plot(start + years, seen.T, color=ink, linewidth=0.8, alpha=0.45)
            ax.plot(start + years, seen.mean(axis=0), color=ink, linewidth=2.5)
            bottom, top = min(low.min(), seen.min()), max(high.max(), seen.max())
            room = 0.12 * (top - bottom)  # for what the lines are
            ax.set(
                title=title,
                ylabel=label,
                xlim=(start, start + MEASURED_YEARS),
                ylim=(bottom - room, top + room),
            )
            ax.text(0.98, 0.98, f"firms of the model: {len(MEASURED_SEEDS)} runs and their mean", color=ink, ha="right", va="top",
                    transform=ax.transAxes)  # fmt: skip
            ax.text(0.98, 0.02, "grey: the same firms thrown on floor space, 95 %", color=grey, ha="right", va="bottom",
                    transform=ax.transAxes)  # fmt: skip
        figure.savefig(path, dpi=110)


# levers.md


def levers_page() -> str:
    """Return the page of all kinds of levers: what each does, where it acts, what it costs, what is known of it."""
    out = f"{MARK}\n\n# Levers\n\n"
    out += (
        "What a `[[policies]]` table of a scenario file may be: its `kind`, one section each. Levers combine (a "
        "scenario has at most 31, those of the files that it extends among them), a kind may "
        "occur more than once, and their order in a file changes nothing. A lever whose strength is 0 changes nothing, "
        "bit for bit. What each spent, whom it served and whom it refused stands month by month in the table "
        "[costs](series.md#costs-one-row-a-month-and-lever): what a lever could not spend is not counted as its cost. "
        "*Assumed* names what of an effect nobody has measured here: results that rest on it are conditional on it. "
        "*Place-bound* levers treat the zones that they name, so that startups there are counted as displaced if they "
        "would be elsewhere in the region. A *stress* is no policy but a development of the world outside; it stands in "
        "the same list so that it has dates and combines like a policy.\n\n"
    )
    rows = [(f"[`{kind}`](#{slug(kind)})", sort_of(lever), acts_on(lever), lever.assumed or "nothing")
            for kind, lever in LEVERS.items()]  # fmt: skip
    out += table(("kind", "is", "acts on", "assumed"), rows)
    return out + "".join(lever_part(kind, lever) for kind, lever in LEVERS.items())


def lever_part(kind: str, lever: Any) -> str:
    """Return the section of a kind of lever.

    Raises
    ------
    LookupError
        If ``ACCOUNTS`` does not say what it costs and what is known of it.
    """
    if kind not in ACCOUNTS:
        raise LookupError(
            f"docs/refresh.py, ACCOUNTS: say what {kind} costs and what is known of such policies"
        )
    cost, evidence = ACCOUNTS[kind]
    shipped = [
        s.id for s in map(Scenario.load, Scenario.shipped()) if any(p.kind == kind for p in s.policies)
    ]
    facts = {
        "Is": sort_of(lever) + ".",
        "Acts on": acts_on(lever) + ".",
        "Assumed": (lever.assumed or "nothing: it acts through prices and quantities alone") + ".",
        "The public pays": cost,
        "Evidence": linked(evidence),
        "Used by": ", ".join(f"[`{name}`](scenarios.md#{slug(name)})" for name in sorted(shipped)) or "no shipped scenario",
    }  # fmt: skip
    out = f"\n## {kind}\n\n{_paragraphs(str(lever.__doc__))}\n\n"
    out += "".join(f"- **{name}:** {text}\n" for name, text in facts.items())
    return out + "\n" + table(("field", "unit", "range", "default", "meaning"), list(lever_rows(lever)))


def sort_of(lever: Any) -> str:
    """Return whether a lever is a policy or a stress, and whether it is bound to places."""
    if lever.stress:
        return "a stress"
    if lever.place_bound and not any(
        lever.model_fields[name].is_required() for name in ("zone", "zones") if name in lever.model_fields
    ):
        return "a policy, place-bound if it names zones"
    return "a place-bound policy" if lever.place_bound else "a policy, not place-bound"


def acts_on(lever: Any) -> str:
    """Return the term on which a lever acts, with links to the equations."""
    headings = ODD_HEADING.findall((DOCS / "ODD.md").read_text(encoding="utf-8"))
    links = {heading.split(".")[0]: slug(heading) for heading in headings if heading.startswith("E")}
    return re.sub(
        r"\bE\d+\b", lambda found: f"[{found.group()}](ODD.md#{links[found.group()]})", lever.acts_on
    )


def lever_rows(lever: Any, prefix: str = "") -> Iterator[tuple[str, ...]]:
    """Yield the keys of a lever; those of its parts with a prefix."""
    for name, field in lever.model_fields.items():
        if name == "kind":
            continue
        required = "required" if field.is_required() else shown(field.default)
        yield _code(prefix + (field.alias or name)), _unit(field), _bounds(field), required, field.description
        if name == "phases":
            yield from lever_rows(field.annotation.__args__[0], "phases.")


def world_part(worlds: list[str]) -> str:
    """Return the tables of zones and nodes."""
    out = ""
    for world in worlds:
        tables = read_world(world)
        out += f"\n## Zones\n\nOf world `{world}`; what they rest on: [sources](sources.md#zonescsv).\n\n"
        head = ("id", "name", "中文", "belt", "stock m2", "potential m2", "RMB/m2/month", "vacancy", "weight")
        zones = [
            (_code(z.id), z.name, z.name_zh, z.belt, f"{z.stock_m2:,.0f}", f"{z.potential_stock_m2:,.0f}",
             f"{z.rent_rmb_m2_month:g}", f"{z.vacancy_share:g}", f"{z.initial_share:g}")
            for z in tables.zones
        ]  # fmt: skip
        out += table(head, zones)
        out += f"\n## Nodes\n\nOf world `{world}`; what they rest on: [sources](sources.md#nodescsv).\n\n"
        nodes = [
            (_code(n.id), n.name, n.name_zh, n.kind, f"{n.ai_graduates_per_year:,.0f}", f"{n.ai_spinoffs_per_year:g}")
            for n in tables.nodes
        ]  # fmt: skip
        out += table(("id", "name", "中文", "kind", "AI graduates a year", "AI spin-offs a year"), nodes)
    return out


def _levers(scenario: Scenario) -> str:
    return ", ".join(f"`{lever.id}`" for lever in scenario.policies) or "none"


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _paragraphs(doc: str) -> str:
    return re.sub(r"\n[ ]+", "\n", doc.strip())


def _unit(field: Any) -> str:
    return (field.json_schema_extra or {}).get("unit", "")


def _bounds(field: Any) -> str:
    ends = [
        f"{getattr(rule, name):,g}"
        for name in ("ge", "gt", "le", "lt")
        for rule in field.metadata
        if hasattr(rule, name)
    ]
    return " to ".join(ends)


def shown(value: Any) -> str:
    """Return a value as one would write it."""
    if value is None or value == ():
        return "absent"
    if isinstance(value, tuple):
        return (
            "; ".join(shown(v) for v in value) if isinstance(value[0], tuple) else " ".join(map(shown, value))
        )
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def shown_range(values: Any) -> str:
    """Return a range or a list of choices."""
    if not values:
        return ""
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return " to ".join(f"{v:g}" for v in values)
    return "; ".join(shown(v) for v in values)


def verification_page() -> str:
    """Return the page of all tests against theory, and draw its pictures."""
    from sim.verify.page import write_page

    return write_page(DOCS) + errors_found()


def errors_found() -> str:
    """Return the table of errors that tests put into the engine on purpose, and which cases find them."""
    errors = tomllib.loads((TESTS / "deliberate_errors.toml").read_text(encoding="utf-8"))["errors"]
    rows = ["| error put into the source | where | found by |", "| --- | --- | --- |"]
    for error in errors:
        found = ", ".join(f"[{name}](#{name})" for name in error["found_by"])
        rows.append(f"| {error['error']} | `sim/{error['file']}` | {found} |")
    return f"""
## What the tests would find

A test that cannot fail proves nothing. Each of these {len(errors)} errors, most of one per cent, was put into the engine's
source on purpose, one at a time; a slow test (`tests/test_deliberate_errors.py`) does it again and sees each of the named
cases fail.

{chr(10).join(rows)}
"""


def klepper_page() -> str:
    """Return the page on spin-offs against spillovers."""
    written: str = runpy.run_path(str(DOCS / "klepper.py"))["page"]()
    return written


def from_evidence(page: str) -> str:
    """Return a page on calibration, validation, sensitivity or data."""
    written: str = runpy.run_path(str(DOCS / "evidence.py"))[page]()
    return written


PAGES = {
    "parameters.md": parameters_page,
    "series.md": series_page,
    "scenarios.md": scenarios_page,
    "levers.md": levers_page,
    "ODD.md": odd_page,
    "sources.md": sources_page,
    "measures.md": measures_page,
    "calibration.md": lambda: from_evidence("calibration_page"),
    "data.md": lambda: from_evidence("data_page"),
}

#: pages that take minutes, written when they are named
SLOW_PAGES = {
    "verification.md": verification_page,
    "klepper.md": klepper_page,
    "validation.md": lambda: from_evidence("validation_page"),
    "sensitivity.md": lambda: from_evidence("sensitivity_page"),
}

if __name__ == "__main__":
    known = PAGES | SLOW_PAGES
    for name in sys.argv[1:] or PAGES:
        page = DOCS / name
        before, now = page.read_text(encoding="utf-8") if page.exists() else "", known[name]()
        (DOCS / name).write_text(now, encoding="utf-8")
        if name == "measures.md" and now != before:  # the picture shows the numbers of its tables
            draw_measures(DOCS / "images" / "measures.png")
        if name == "calibration.md" and now != before:
            runpy.run_path(str(DOCS / "evidence.py"))["draw_calibration"]()
