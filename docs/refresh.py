"""Write docs/parameters.md and docs/outputs.md from the code's own declarations.

python docs/refresh.py
"""

import pathlib
from typing import Any

from sim.model import ClusterModel
from sim.paired import MEANINGS, METRICS
from sim.parameters import SECTIONS, SEGMENTS, STAGES
from sim.record import FLOW_COLUMNS, PRESENCE, STOCKS, ZONE_COLUMNS, Column

DOCS = pathlib.Path(__file__).parent
HEAD = "<!-- written by docs/refresh.py; edit the declarations instead -->\n\n"


def parameters_page() -> str:
    """Return the page of all parameters."""
    out = HEAD + "# Parameters\n\n"
    out += (
        "One table per section of a scenario file. *Bounds* is where the equation is defined, *sweep* the plausible "
        "range for sensitivity analysis (for a table of values a factor on all of them). A table lists segments as "
        f"{', '.join(SEGMENTS)} and stages as {', '.join(STAGES)}.\n"
    )
    for section, kind in SECTIONS.items():
        out += f"\n## {section}\n\n{kind.__doc__}\n\n"
        out += "| parameter | default | unit | bounds | sweep | meaning | source |\n| --- | --- | --- | --- | --- | --- | --- |\n"
        for name, field in kind.model_fields.items():
            about: Any = field.json_schema_extra
            sweep = about["sweep"]
            cells = [
                f"`{name}`",
                shown(field.default),
                about["unit"],
                shown_range(about.get("bounds")),
                "x " + shown_range(sweep["factor"]) if isinstance(sweep, dict) else shown_range(sweep),
                str(field.description),
                about["source"],
            ]
            out += "| " + " | ".join(cells) + " |\n"
    return out


def outputs_page() -> str:
    """Return the page of what a run yields."""
    out = HEAD + "# What a run yields\n\n"
    out += "`ClusterModel.run()` returns a `Run` with these tables (Arrow, units in the schema).\n"
    tables: dict[str, tuple[Column, ...]] = {
        "series: stocks at the end of the month, by zone and segment": STOCKS,
        "series: flows of the month, by zone and segment": FLOW_COLUMNS,
        "series: of the zone, repeated for each segment": ZONE_COLUMNS,
        "presence: one row a startup after 12, 36, 60 and 120 steps and at the last": PRESENCE,
    }
    for title, columns in tables.items():
        out += f"\n## {title}\n\n| column | unit | meaning |\n| --- | --- | --- |\n"
        out += "".join(f"| `{c.name}` | {c.unit} | {c.meaning} |\n" for c in columns)
    run = ClusterModel.from_scenario("baseline").run(1)
    tables_of_units = {"outcomes: one row a run": run.outcomes, "costs: one row a month and lever": run.costs,
                       "deals: one row a closed round": run.deals}  # fmt: skip
    for title, table in tables_of_units.items():
        out += f"\n## {title}\n\n| column | unit |\n| --- | --- |\n"
        out += "".join(f"| `{field.name}` | {field.metadata[b'unit'].decode()} |\n" for field in table.schema)
    out += "\n## Effects of a comparison\n\n"
    out += (
        "`compare(...)` and `sim compare --json` give for each policy and metric mean, low and high of the paired "
        "difference (95 %). What is no difference stands under `levels`: pairs, gross and deadweight startups, and for "
        "each metric the means of both arms, their correlation, the variance ratio of unpaired to paired differences, "
        "and the share of seeds with the sign of the mean.\n\n| metric | unit | meaning |\n| --- | --- | --- |\n"
    )
    out += "".join(f"| `{name}` | {METRICS[name]} | {MEANINGS[name]} |\n" for name in METRICS)
    return out


def shown(value: Any) -> str:
    """Return a value as one would write it."""
    if isinstance(value, tuple):
        return (
            "; ".join(shown(v) for v in value) if isinstance(value[0], tuple) else " ".join(map(shown, value))
        )
    if value is None:
        return "absent"
    return (
        f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value).lower()
    )


def shown_range(values: Any) -> str:
    """Return a range or a list of choices."""
    if not values:
        return ""
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return " to ".join(f"{v:g}" for v in values)
    return "; ".join(shown(v) for v in values)


PAGES = {"parameters.md": parameters_page, "outputs.md": outputs_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
