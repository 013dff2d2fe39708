"""What Jupyter shows of a model and of a comparison: a small map; a table and a picture.

>>> from sim import ClusterModel
>>> ClusterModel.from_scenario("baseline")  # doctest: +SKIP
"""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from sim.figures.geography import Geography
from sim.figures.maps import draw_levels
from sim.figures.numbers import level_bounds
from sim.figures.sheets import CREDIT, PER_SHEET, View, draw_bars
from sim.figures.style import MARGIN, UNIT, Sheet, house_style, require_font, wrap
from sim.figures.words import month_name, say
from sim.language import current, name_in, speaking
from sim.ledger import ACTIVE
from sim.problems import shown
from sim.summary import headline_rows, sentences

if TYPE_CHECKING:
    from sim.model import ClusterModel
    from sim.paired import Comparison

HEAD = 58  #: title and subtitle above the map [px]
_ROW = Markup("<tr>{}</tr>")
_CELL = Markup('<td style="white-space: nowrap">{}</td>')


def draw_model(model: "ClusterModel", lang: str | None = None) -> tuple[bytes, dict[str, Any]]:
    """Return a small map of a model's active startups by zone, as PNG, and the size at which it is shown.

    Parameters
    ----------
    model
        The model.
    lang
        Language, "en" or "zh"; absent: that of the program.

    Raises
    ------
    FontError
        If the language is Chinese and no font of this machine has Chinese characters.
    """
    lang = _language(lang)
    setup, world = model.setup, model.world
    geography = Geography.of(setup.world)
    west, east, south, north = geography.extent(UNIT, lang)
    height = UNIT * (north - south) / (east - west)
    here = world.startups["cell"][world.startups["status"] == ACTIVE]
    by_zone = np.bincount(world.grid.zone[here], minlength=world.grid.n_zones)
    name = name_in(lang, setup.name, setup.name_zh)
    when = say(
        "{n} active startups, end of {date} · seed {seed}",
        lang,
        n=f"{len(here):,}",
        date=month_name(setup.start, world.month, lang),
        seed=model.seed_number,
    )
    with house_style():
        sheet = Sheet(UNIT + 2 * MARGIN, HEAD + height + CREDIT + MARGIN, lang)
        sheet.write(MARGIN, 10, wrap(name, UNIT, "panel", lines=1), "panel")
        sheet.write(MARGIN, 32, wrap(when, UNIT, "note", lines=1), "note")
        ax = sheet.axes(MARGIN, HEAD, UNIT, height)
        bounds = level_bounds(float(by_zone.max(initial=0)))
        draw_levels(ax, by_zone, bounds, setup.world, setup.treated_zones, lang)
        return sheet.png(), {"width": round(sheet.width), "height": round(sheet.height)}


def tell_comparison(comparison: "Comparison", lang: str | None = None) -> str:
    """Return the headlines of a comparison as HTML: a table, what is net and what only moved, a sentence a policy.

    Everything that a scenario names is escaped.

    Parameters
    ----------
    comparison
        Paired runs of a baseline and policies.
    lang
        Language, "en" or "zh"; absent: that of the program.
    """
    lang = _language(lang)
    with speaking(lang):
        rows, said = headline_rows(comparison), sentences(comparison)
        caption = say(
            "Differences from {baseline} on the same {n} seeds after {months} months; no forecasts",
            lang,
            baseline=shown(comparison.baseline),
            n=len(comparison.seeds),
            months=comparison.months,
        )
    head = Markup().join(Markup("<th>{}</th>").format(cell) for cell in rows[0])
    body = Markup().join(
        _ROW.format(Markup().join(_CELL.format(cell.strip()) for cell in row)) for row in rows[1:]
    )
    parts = [
        Markup("<table><caption>{}</caption><thead>{}</thead><tbody>{}</tbody></table>").format(
            caption, _ROW.format(head), body
        ),
        *(Markup("<p>{}</p>").format(sentence) for sentence in said),
        _picture(comparison, lang),
    ]
    return str(Markup('<div style="overflow-x: auto">{}</div>').format(Markup().join(parts)))


def _picture(comparison: "Comparison", lang: str) -> Markup:
    """Return the bars of net and moved startups as an image, nothing if no pair of runs is finished."""
    if not comparison.seeds:
        return Markup()
    view = View(comparison, lang)
    with house_style():
        drawn = draw_bars(view, range(min(len(view.policies), PER_SHEET)))
        if drawn is None:
            return Markup()
        sheet, title, _ = drawn
        data = base64.b64encode(sheet.png()).decode("ascii")
    width = round(sheet.width)
    return Markup(
        '<img alt="{}" width="{}" style="background: white" src="data:image/png;base64,{}">'
    ).format(title, width, data)


def _language(lang: str | None) -> str:
    chosen = lang or current()
    require_font(chosen)
    return chosen
