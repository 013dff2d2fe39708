"""Names of what the code knows by ids: series, segments, belts, kinds of levers."""

import re

from pydantic.fields import FieldInfo

from sim.explain import unit_of
from sim.figures.geography import Geography
from sim.figures.page import SEGMENT_NAMES
from sim.language import N_
from sim.levers import LEVERS, Phase
from sim.problems import ScenarioError
from sim.report.text import EMPTY, Both, alike, money, name_of, percent, ratio, say, whole
from sim.scenario import Scenario
from sim.spending import unit_served

#: series that promoters announce, see `sim.announced`
SERIES = {
    "startups": N_("active startups"),
    "listed": N_("listed firms"),
    "rd_heads": N_("R&D heads"),
    "production_heads": N_("production heads"),
    "landed": N_("startups brought from abroad"),
    "entries": N_("startups founded"),
    "deals": N_("financing rounds closed"),
    "capital_rmb": N_("capital raised"),
    "revenue_rmb": N_("revenue"),
}
KINDS = {
    "rent-cut": N_("Rent cut"),
    "new-space": N_("New space"),
    "uptake-list": N_("List of an offer"),
    "vc-hub": N_("VC hub"),
    "guided-fund": N_("Guided fund"),
    "cash": N_("Cash for entrants"),
    "compute-centre": N_("Computing centre"),
    "compute-voucher": N_("Compute voucher"),
    "rd-subsidy": N_("R&D subsidy"),
    "public-orders": N_("Public orders"),
    "funding-climate": N_("Funding climate"),
    "outside-offer": N_("Offer elsewhere"),
    "production-offer": N_("Production offer elsewhere"),
    "placebo": N_("Placebo"),
    "tenant-demand": N_("Demand of other tenants"),
    "talent-housing": N_("Talent housing"),
    "administration": N_("Administration"),
    "landing": N_("Landing service"),
    "public-space": N_("Public services and space"),
    "incubator": N_("Incubator"),
    "accelerator": N_("Accelerator"),
    "test-platform": N_("Test platform"),
}


def other_outcomes() -> list[tuple[str, tuple[float, float], Both, Both]]:
    """Return the outcomes that a table shows beside startups and R&D heads: metric, scale by language, title and unit."""
    return [
        ("production_heads_region", (1.0, 1.0), say("Production heads"), say("heads")),
        ("private_capital_rmb", (1e-6, 1e-8), say("Private capital"), say("M RMB, summed")),
        ("other_tenants_m2_region", (1e-3, 1e-3), say("Other tenants"), say("1,000 m²")),
        ("top_kept_share", (100.0, 100.0), say("Top founders kept"), say("% points")),
        ("survival_3y", (100.0, 100.0), say("Not failed at 3 years"), say("% points")),
        ("departures", (1.0, 1.0), say("Departures"), say("startups, summed")),
        ("failures", (1.0, 1.0), say("Failures"), say("startups, summed")),
        ("rent_rmb_m2_month", (1.0, 1.0), say("Market rent"), say("RMB/m²/month")),
        ("vacancy_share", (100.0, 100.0), say("Vacancy"), say("% points")),
    ]


def series_name(series: str) -> Both:
    """Return what a series counts."""
    return say(SERIES[series])


def kind_name(kind: str) -> Both:
    """Return what a kind of lever is called; a kind of a plug-in has its id only."""
    return say(KINDS[kind]) if kind in KINDS else alike(kind)


def size_lines(kind: str, size: dict[str, float]) -> list[Both]:
    """Return what a scenario sets for the size of a lever, field by field: its meaning, the value and the unit."""
    fields = (
        {**(Phase.model_fields if kind == "new-space" else {}), **LEVERS[kind].model_fields}
        if kind in LEVERS
        else {}
    )
    return [_set_to(fields[name], value) for name, value in size.items() if name in fields]


def _set_to(field: FieldInfo, value: float) -> Both:
    unit = unit_of(field)
    per = say(unit) if unit else EMPTY
    if unit == "share":
        said = percent(value)
    elif unit.startswith("RMB"):
        english = money(value).en if value >= 1e6 else f"{whole(value)} RMB"
        said = Both(english.removesuffix("RMB") + per.en, money(value).zh.removesuffix("元") + per.zh)
    else:
        many = ratio(value / 1e4) + "万" if value >= 1e5 else f"{ratio(value)} "
        said = Both(f"{ratio(value)} {per.en.replace('m2', 'm²')}".strip(), f"{many}{per.zh}".strip())
    meaning = say((field.description or "").split("\n\n")[0].replace("\n", " "))
    return say("{name}: {text}", name=Both(_first(meaning.en), _first(meaning.zh)), text=said)


def _first(meaning: str) -> str:
    """Return what a meaning says first: not what holds where nothing is set, nor an example in brackets."""
    return re.split(r"[;；(（]", meaning)[0].rstrip(" .。")


def served_name(kind: str) -> Both:
    """Return what levers of a kind serve; nothing for a kind that is not known here."""
    unit = unit_served(kind)
    return say(unit) if unit else alike("")


def stage_name(stage: str) -> Both:
    """Return what a stage, the number of the last round closed, is called."""
    names = (
        say("No round yet"),
        say("Seed round"),
        say("Series A"),
        say("Series B"),
        say("Series C"),
        say("D or later"),
    )
    return names[int(stage)] if stage.isdecimal() and int(stage) < len(names) else alike(stage)


def world_name(scenario_id: str) -> Both:
    """Return what a development outside is called; its id where no scenario of that id is shipped."""
    try:
        return name_of(Scenario.load(scenario_id))
    except ScenarioError:
        return alike(scenario_id)


def segment_name(segment: str) -> Both:
    """Return what a segment is called."""
    return say(SEGMENT_NAMES[segment]) if segment in SEGMENT_NAMES else alike(segment)


def belt_names(geography: Geography) -> dict[str, Both]:
    """Return the names of a world's belts by id."""
    return {
        belt: Both(about.get("name", belt), about.get("name_zh") or about.get("name", belt))
        for belt, about in geography.settings.get("belts", {}).items()
    }
