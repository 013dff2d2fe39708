"""Tables of calibration and validation, as rows of text: printed aligned, or as Markdown on pages."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.language import _
from sim.summary import units_of_money

if TYPE_CHECKING:
    from sim.calibration.calibrate import Met
    from sim.calibration.ensemble import Narrowing
    from sim.calibration.holdouts import Answer, Confrontation

Rows = list[list[str]]


def number(value: float | None) -> str:
    """Return a number with three or four digits."""
    if value is None or math.isnan(value):
        return "-"
    if abs(value) >= 1e9:
        return _("{n} bn").format(n=f"{value / units_of_money()[0]:.3g}")
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def markdown(rows: Rows) -> str:
    """Return rows as a table of Markdown, the first as its head."""
    escaped = [[re.sub(r"([|*<])", r"\\\1", cell) for cell in row] for row in rows]
    head, *body = ["| " + " | ".join(row) + " |" for row in escaped]
    return "\n".join([head, "| " + " | ".join("---" for _cell in rows[0]) + " |", *body])


def target_rows(met: Sequence["Met"]) -> Rows:
    """Return the table of targets: tolerance against the median member, the mean, the central 90 % and the defaults.

    The shipped defaults stand beside the set and have no part in the verdict.
    """
    rows = [[_("target"), "", _("wanted"), _("median member"), _("mean"), _("90 %"), _("verdict"), _("shipped defaults")]]  # fmt: skip
    for row in met:
        wanted = f"{number(row.target.low)} .. {number(row.target.high)}"
        verdict = _("within") if all(row.inside) else _("MISSED") if not any(row.inside) else _("partly")
        rows.append([row.target.id, f"{row.target.name} [{row.target.unit}]", wanted, number(row.median), number(row.mean),
                     f"{number(row.low)} .. {number(row.high)}", verdict, number(row.shipped)])  # fmt: skip
    return rows


def holdout_rows(answers: Sequence["Answer"]) -> Rows:
    """Return the table of hold-outs: the fact against the predictive distribution."""
    rows = [[_("hold-out"), "", _("fact"), _("predicted"), _("90 %"), _("percentile"), _("verdict")]]
    for answer in answers:
        fact = answer.fact
        if fact.kind == "statement":
            middle, span, place = f"{answer.chance:.0%}" if answer.chance is not None else "-", "-", "-"
        else:
            middle = number(answer.quantile(0.5))
            span = f"{number(answer.quantile(0.05))} .. {number(answer.quantile(0.95))}"
            place = "-" if answer.percentile is None else f"{answer.percentile:.0%}"
        said = {"statement": _("said to be so"), "open": "-"}.get(fact.kind, number(fact.value))
        if fact.kind == "plan":
            said += " " + _("(plan)")
        rows.append([fact.id, f"{fact.name} [{fact.unit}]", said, middle, span, place, answer.verdict])
    return rows


def rival_rows(found: "Confrontation") -> Rows:
    """Return the table of null and rival worlds: measures of clustering, and where it is densest."""
    from sim.calibration.holdouts import EMERGENT

    rows = [[_("world, from an even start"), *_measure_names(), _("densest zone in")]]
    for one in found.rivals:
        zones = Counter(one.densest)
        places = ", ".join(f"{zone} {n / zones.total():.0%}" for zone, n in zones.most_common(3))
        means = [float(np.nanmean(one.measures[key])) if zones else None for key in EMERGENT]
        rows.append([one.name, *map(number, means), places])
    return rows


def difference_rows(found: "Confrontation") -> Rows:
    """Return by how much each rival world differs from the one with everything on, with 95 % intervals over members."""
    from sim.calibration.holdouts import EMERGENT

    rows = [[_("difference from everything on (95 %)"), *_measure_names()]]
    for one in found.rivals[1:]:
        differences = [one.against(found.rivals[0], key) for key in EMERGENT]
        rows.append(
            [one.name, *(f"{_signed(d.mean)} ({_signed(d.low)} .. {_signed(d.high)})" for d in differences)]
        )
    return rows


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2g}"


def _measure_names() -> list[str]:
    """Return how the measures of emergence are called, in the order of `EMERGENT`."""
    from sim.calibration.holdouts import EMERGENT

    names = {"marcon_puech_500m": _("M in 0.5 km"), "eg_zones": _("gamma over zones"),
             "densest_3km2_share": _("densest 3 km2"), "south_share": _("south"), "north_share": _("north")}  # fmt: skip
    return [names[key] for key in EMERGENT]


def narrowing_rows(found: Sequence["Narrowing"]) -> Rows:
    """Return the table of parameters: plausible range against the accepted set."""
    rows = [
        [
            _("parameter"),
            _("plausible range"),
            _("accepted, 90 %"),
            _("median"),
            _("shipped"),
            _("width"),
            _("chance"),
            _("verdict"),
        ]
    ]
    for one in found:
        x = "x " if one.factor else ""
        rows.append([f"`{one.key}`", f"{x}{number(one.prior[0])} .. {number(one.prior[1])}",
                     f"{x}{number(one.posterior[0])} .. {number(one.posterior[2])}", x + number(one.posterior[1]),
                     x + number(one.shipped), f"{one.width:.2f}", f"{one.chance:.2g}", one.verdict])  # fmt: skip
    return rows
