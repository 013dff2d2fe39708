"""Comparisons of many seeds and studies on disk, shown in the cards and words of the report."""

import hashlib
import os
import pathlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import escape

from sim.app.security import inside
from sim.language import _
from sim.scenario import Scenario

if TYPE_CHECKING:  # evaluation and report load when a study is shown, not before the first page
    from sim.evaluation.result import Evaluation

#: how deep studies are looked for, and how many are offered
DEEPEST, MOST_STUDIES = 4, 200
#: what the report's style needs in a narrow column inside another page
_NARROW = """
.cards{container-type:inline-size;font-size:15px;line-height:1.5;color:#1B1F24;
--ink:#1B1F24;--ink2:#4A525B;--ink3:#5F6871;--rule:#D9DDE1;--soft:#F6F7F8;--link:#0B4F7D;--gain:#0B4478;--loss:#7A3300}
.cards h2{font-size:16px;margin:14px 0 4px;padding-top:8px}.cards h3{font-size:14px}.cards .sub{font-size:13px}
.cards p{font-size:14px}.cards .finds.minor p{font-size:13px}.cards .kick{display:none}
.show-en .zh,.show-zh .en{display:none!important}
"""


def studies_below(root: pathlib.Path) -> list[str]:
    """Return the results folders below a folder, newest first, as paths relative to it."""
    found = []
    for folder, names, files in os.walk(root):
        here = pathlib.Path(folder)
        depth = len(here.relative_to(root).parts)
        names[:] = [
            n
            for n in sorted(names)
            if not n.startswith((".", "_")) and depth < DEEPEST and n != "node_modules"
        ]
        if "plan.json" in files and here != root:
            found.append((-(here / "plan.json").stat().st_mtime, str(here.relative_to(root))))
            names.clear()  # parts of a study are no studies
    return [name for _age, name in sorted(found)[:MOST_STUDIES]]


def study_folder(root: pathlib.Path, name: str) -> pathlib.Path | None:
    """Return the results folder `name` below `root`; None if it is none, or lies elsewhere."""
    folder = inside(root, name)
    return folder if folder is not None and (folder / "plan.json").is_file() else None


def comparison_folder(policy: Scenario, baseline: Scenario, months: int | None, controls: bool) -> str:
    """Return the name below the page's folder under which a comparison is kept; more seeds go into the same."""
    from sim.compiled import source_hash

    said = "|".join([policy.fingerprint, baseline.fingerprint, str(months), str(controls), source_hash()])
    return f"results/app-{policy.id}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def report_of(folder: pathlib.Path) -> pathlib.Path:
    """Return where the report of a results folder stands."""
    from sim.report.build import FILE

    return folder / FILE


def known_evaluation(folder: pathlib.Path) -> "Evaluation | None":
    """Return the evaluation that stands in a results folder, None where there is none of what it holds today."""
    from sim.evaluation.evaluate import EvaluationError, load
    from sim.store import Store

    try:
        found = load(folder)
    except EvaluationError:
        return None
    return found if found.digest == Store(folder).digest() else None


def cards(found: "Evaluation", lang: str, name: str) -> str:
    """Return the first sections of the report of a study as HTML, with the style that they need.

    Parameters
    ----------
    found
        What the study says.
    lang
        Language that is shown.
    name
        Results folder, relative to that of the page, for the link to the whole report; empty: no link.
    """
    from sim.report.build import sections_of

    body, css = sections_of(found)
    lines = []
    if not found.complete:
        said = _("{done} of {n} runs done: what is shown is provisional.").format(
            done=found.done, n=found.runs
        )
        lines.append(f'<p class="warn" role="status">{escape(said)}</p>')
    if found.failures:
        said = _("{n} runs failed and are left out, with their pairs.").format(n=len(found.failures))
        lines.append(f'<p class="warn">{escape(said)}</p>')
    if name:
        text = _("Open the whole report in a new tab")
        lines.append(f'<p><a href="report/{quote(name)}" target="_blank" rel="noopener">{escape(text)}</a> '
                     f'<span class="s">{escape(name)}</span></p>')  # fmt: skip
    css = css.split("@page{")[0].replace("@media (max-width:720px)", "@container (max-width:720px)")
    css = css.replace("@media (max-width:1100px)", "@container (max-width:1100px)").replace(
        ":root{", ".cards{"
    )
    css = css.replace("body{", ".cards{") + _NARROW
    return f'<style>{css}</style><div class="cards show-{lang}">{"".join(lines)}{body}</div>'
