"""Write the pages of docs/, or the parts of them, that follow from the code's own declarations.

python docs/refresh.py
"""

import pathlib
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import sim.store
from sim.model import ClusterModel
from sim.paired import MEANINGS, METRICS
from sim.parameters import SECTIONS, SEGMENTS, STAGES
from sim.places import read_world, shipped_folder
from sim.policy import LEVERS
from sim.record import FLOW_COLUMNS, PRESENCE, STOCKS, ZONE_COLUMNS, Column
from sim.scenario import Scenario

DOCS = pathlib.Path(__file__).parent
MARK = "<!-- written by docs/refresh.py; edit the declarations instead -->"
BEGIN, END = "<!-- written by docs/refresh.py -->\n", "<!-- end -->\n"
#: a row of a parameter table in ODD.md: symbol and parameter are written by hand, the rest is not
ODD_ROW = re.compile(r"^\| ([^|]*)\| \[`(\w+)\.(\w+)`\]\(parameters\.md#\w+\) \|.*$", re.MULTILINE)
ODD_HEADING = re.compile(r"^(?:##|###) (.+)$", re.MULTILINE)
#: what columns without a meaning of their own hold
ROWS = {
    "month": "Month of the scenario, from 0",
    "scenario": "Id of the scenario",
    "seed": "Seed of all draws",
    "months": "Months that were simulated",
    "startups_region": "Active startups in the region",
    "wage_index": "Wage index of the last month; 1 at the start",
    "lost_for_space": "Entrants lost because no rooms were found",
    "subsidy_rmb": "Rent relief paid",
    "lever": "Id of the lever",
    "uid": "Identity of the startup, the same in every scenario",
    "zone": "Id of the zone",
    "segment": "Segment before the round",
    "asked_rmb": "Money looked for",
    "raised_rmb": "Money raised",
    "investors": "Funds in the round",
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
    """Return ODD.md with default and source of each parameter in its tables."""

    def row(match: re.Match[str]) -> str:
        symbol, section, name = match.groups()
        cells = default(section, name), linked(about(section, name)["source"])
        return f"| {symbol}| [`{section}.{name}`](parameters.md#{section}) | {cells[0]} | {cells[1]} |"

    return ODD_ROW.sub(row, (DOCS / "ODD.md").read_text(encoding="utf-8"))


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
    }.items():
        rows = [(f"`{f.name}`", f.metadata[b"unit"].decode(), meaning(f)) for f in data.schema]
        out += f"\n## {title}\n\n" + table(head, rows)
    out += "\n## Effects of a comparison\n\n"
    out += (
        "`compare(...)` and `sim compare --json` give for each policy and metric mean, low and high of the paired "
        "difference (95 %). What is no difference stands under `levels`: pairs, gross and deadweight startups, and for "
        "each metric the means of both arms, their correlation, the variance ratio of unpaired to paired differences, "
        "and the share of seeds with the sign of the mean.\n\n"
    )
    out += table(
        ("metric", "unit", "meaning"), [(f"`{name}`", METRICS[name], MEANINGS[name]) for name in METRICS]
    )
    layout = textwrap.dedent(str(sim.store.__doc__).split("::\n\n")[1].split("\n\n")[0])
    return out + f"\n## Files of a results folder\n\n```text\n{layout}\n```\n"


def meaning(field: Any) -> str:
    """Return what a column holds."""
    told = str(field.metadata[b"meaning"].decode())
    if told or field.name not in MEANINGS | ROWS:
        return told or counter(field.name)
    return ROWS.get(field.name) or MEANINGS[field.name]


def counter(name: str) -> str:
    """Return what a counter of bounds counts, as ODD.md has it."""
    cap = name.removeprefix("cap_")
    row = re.search(rf"^\|.*`{cap}`.*$", (DOCS / "ODD.md").read_text(encoding="utf-8"), re.MULTILINE)
    if row is None:
        raise LookupError(f"ODD.md, Observation: say what {cap} counts")
    cells = [cell.strip() for cell in row.group().strip("|").split("|")]
    return cells[2][0].upper() + cells[2][1:]


# scenarios.md


def scenarios_page() -> str:
    """Return the page of the shipped scenarios, the levers, and the zones and nodes that they may name."""
    ids = sorted(Scenario.shipped(), key=lambda name: (name != "baseline", name))
    loaded = [Scenario.load(name) for name in ids]
    out = f"{MARK}\n\n# Scenarios\n\n"
    out += (
        "What ships with the program: files of `scenarios/`. `sim list` prints them, `sim scenario show ID --origin` "
        "every value with the line that it comes from.\n\n"
    )
    rows = [(f"[`{s.id}`](#{slug(s.id)})", s.name, s.name_zh, _code(s.extends), _levers(s)) for s in loaded]
    out += table(("id", "name", "中文", "extends", "levers"), rows)
    for scenario in loaded:
        out += f"\n## {scenario.id}\n\n" + scenario_part(scenario)
    out += "\n## Levers\n\nWhat a `[[policies]]` table of a scenario file may be.\n"
    for kind, lever in LEVERS.items():
        out += f"\n### Lever `{kind}`\n\n{_paragraphs(str(lever.__doc__))}\n\n"
        out += table(("key", "unit", "bounds", "default", "meaning"), list(lever_rows(lever)))
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
        out += f"\nLever `{lever.id}`, kind [`{lever.kind}`](#lever-{slug(lever.kind)}):\n\n"
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
    if isinstance(value, tuple):
        return (
            "; ".join(shown(v) for v in value) if isinstance(value[0], tuple) else " ".join(map(shown, value))
        )
    if value is None:
        return "absent"
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


PAGES = {
    "parameters.md": parameters_page,
    "series.md": series_page,
    "scenarios.md": scenarios_page,
    "ODD.md": odd_page,
    "sources.md": sources_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
