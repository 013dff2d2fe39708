"""Puts the page together and writes it."""

import base64
import contextlib
import functools
import hashlib
import json
import os
import pathlib
from typing import Any

import jinja2
from markupsafe import Markup

from sim.evaluation.result import Evaluation
from sim.intervals import FEWEST_PAIRS
from sim.language import LANGUAGES
from sim.places import AnyWorld
from sim.report import marks
from sim.report.changes import changes
from sim.report.page import Page
from sim.report.rows import in_both
from sim.report.svg import element
from sim.report.tables import downloads
from sim.report.text import TAGS, alike, counted, listed, money, percent, ratio, say, whole
from sim.report.words import kind_name, served_name, size_lines

#: name of the page in a results folder
FILE = "report.html"


@functools.cache
def _templates() -> jinja2.Environment:
    """Return the templates; whatever they show is escaped unless it is markup of this package."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("sim.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {"_": say, "counted": counted, "alike": alike, "listed": listed, "percent": percent, "whole": whole, "money": money, "ratio": ratio,
                     "kind_name": kind_name, "served_name": served_name, "size_lines": size_lines, "in_both": in_both, "FEWEST_PAIRS": FEWEST_PAIRS}  # fmt: skip
    return made


def page_of(
    evaluation: Evaluation,
    lang: str = "en",
    world: AnyWorld | None = None,
    manifest: dict[str, Any] | None = None,
) -> str:
    """Return the report as the text of an HTML page.

    Parameters
    ----------
    evaluation
        What a study says, its words in English.
    lang
        Language that is shown first, "en" or "zh".
    world
        World of the study; absent: the shipped one that the evaluation names.
    manifest
        How the study was run, as its folder says.

    Raises
    ------
    MissingEntryError
        If a catalogue lacks a text of the page.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang = {lang!r}: must be one of {', '.join(LANGUAGES)}")
    page = Page(evaluation, world, str((manifest or {}).get("method", "")))
    stamp = "".join(c for c in f"{evaluation.plan[:8]} {evaluation.digest[:8]}" if c.isalnum() or c == " ")
    css = _templates().get_template("report.css").render(stamp=stamp)
    return _templates().get_template("report.html").render(
        page=page, lang=lang, tag=TAGS[lang], css=Markup(css), policy=_policy_of(css), changes=changes(page),
        downloads=downloads(evaluation), patterns_svg=_definitions(page), manifest=manifest or {},
        evaluation=evaluation, regret=page.regret_table(), plans=page.plans(), keys=page.keys(), samples=page.samples(),
    )  # fmt: skip


def sections_of(
    evaluation: Evaluation, names: tuple[str, ...] = ("short", "effects"), world: AnyWorld | None = None
) -> tuple[str, str]:
    """Return sections of the report as HTML, in both languages, and the style that they need.

    Parameters
    ----------
    evaluation
        What a study says, its words in English.
    names
        Names of the sections' templates.
    world
        World of the study; absent: the shipped one that the evaluation names.
    """
    page = Page(evaluation, world)
    css = _templates().get_template("report.css").render(stamp="")
    parts = [_definitions(page)]
    for name in names:
        template = _templates().get_template(f"{name}.html")
        parts.append(
            Markup(
                template.render(page=page, evaluation=evaluation, keys=page.keys(), samples=page.samples())
            )
        )
    return Markup("").join(parts), css


def _policy_of(css: str) -> str:
    """Return the content security policy under which this page, and no other style, is shown."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _definitions(page: Page) -> Markup:
    """Return what figures refer to: hatches, ground and zones of the maps."""
    parts = [marks.patterns({row.slug: row.mark.colour for row in page.rows}), page.atlas.definitions()]
    return element("svg", Markup("").join(parts), **{"class": "defs", "aria-hidden": "true"})


def write_report(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    lang: str = "en",
    evaluation: Evaluation | None = None,
) -> pathlib.Path:
    """Write the report of a results folder; return the path of the page.

    Parameters
    ----------
    folder
        Results of a study or a comparison.
    out
        Page to write; absent: report.html in the folder.
    lang
        Language that is shown first, "en" or "zh".
    evaluation
        What the folder's runs say; absent: as it stands in the folder, or evaluated anew.

    Raises
    ------
    EvaluationError
        If the folder holds nothing to compare.
    DamagedResultsError
        If a shard is damaged.
    OSError
        If the page cannot be written.
    """
    from sim.evaluation.evaluate import results_in
    from sim.files import write_text

    results = results_in(folder).folder
    path = pathlib.Path(out) if out is not None else results / FILE
    write_text(path, page_of(evaluation or _evaluation(results), lang, _world(results), _manifest(results)))
    return path


def _world(folder: pathlib.Path) -> AnyWorld:
    """Return the world of the scenarios of a results folder."""
    from sim.plan import read_plan
    from sim.scenario import Scenario

    plan = read_plan(folder)
    return Scenario.model_validate({**plan.scenarios[plan.baseline]["content"], "id": plan.baseline}).world


def _evaluation(folder: pathlib.Path) -> Evaluation:
    """Return the evaluation that stands in a folder if it is of what the folder holds today, else a new one."""
    from sim.evaluation.evaluate import EvaluationError, evaluate, load
    from sim.store import Store

    with contextlib.suppress(EvaluationError):
        found = load(folder)
        if found.digest == Store(folder).digest():
            return found
    return evaluate(folder)


def _manifest(folder: pathlib.Path) -> dict[str, Any]:
    """Return how a study was run, empty where its folder does not say."""
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
