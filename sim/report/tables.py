"""Tables to download: CSV inside the page, as data addresses."""

import csv
import dataclasses
import io
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sim.evaluation.result import Effect, Estimate, Evaluation
from sim.report.rows import HEADS, NET
from sim.report.text import Both, say

#: what a spreadsheet takes for a formula at the beginning of a cell
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: characters that may stand in an address as they are
_PLAIN = ",.;:+-_()/!~*="
_ESTIMATE = ("mean", "low", "high", "method", "note")
_EFFECT = tuple(
    f.name for f in dataclasses.fields(Effect) if f.name not in ("verb", "chip", "resolved", "note")
)
_ACCOUNT = ("gross", "deadweight", "displaced", "attracted", "gained_elsewhere", "lost_treated", "lost_elsewhere",
            "net", "displaced_share", "windfall_share", "landlord_capture", "other_tenants_m2")  # fmt: skip
_COST = ("spent_rmb", "present_value_rmb", "per_net_startup_rmb", "per_net_rd_job_rmb", "per_private_rmb")
_LEVER = ("lever", "kind", "months", "spent_rmb", "budget_rmb", "served", "refused", "stress")


@dataclasses.dataclass(frozen=True)
class Download:
    """A table to download: its title, the name of the file, and the address that holds it."""

    title: Both
    file: str
    address: str


def downloads(evaluation: Evaluation) -> list[Download]:
    """Return all tables of a page."""
    made = [
        (say("Effects on the region"), "effects", ("scenario", "unit", *_EFFECT), _effects(evaluation)),
        (say("Startups and R&D heads by zone, belt, segment, stage"), "parts", ("scenario", *_EFFECT), _parts(evaluation)),
        (say("Month by month"), "months", ("scenario", "month", "baseline", "policy", "mean", "low", "high"),
         _months(evaluation)),
        (say("Who moved"), "account", ("scenario", "part", *_ESTIMATE), _accounts(evaluation)),
        (say("Cost"), "costs", ("scenario", "horizon", "part", *_ESTIMATE), _costs(evaluation)),
        (say("Policy tools"), "levers", ("scenario", *_LEVER), _levers(evaluation)),
        (say("Plans"), "plans", ("scenario", "plan", "series", "zone", "at_least", "by", "probability", "low", "high",
                                 "baseline_probability", "median", "runs"), _plans(evaluation)),
    ]  # fmt: skip
    found = []
    for title, name, header, rows in made:
        text = as_csv(header, rows)
        if text.count("\n") > 1:
            found.append(Download(title, f"{name}.csv", address_of(text)))
    return found


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV with a mark that tells spreadsheets its encoding; formulas are defused."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\ufeff" + out.getvalue()


def address_of(text: str) -> str:
    """Return a data address that holds a table."""
    return "data:text/csv;charset=utf-8," + urllib.parse.quote(text, safe=_PLAIN)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(FORMULA) else text


def _effects(evaluation: Evaluation) -> Iterator[list[Any]]:
    for policy in evaluation.policies:
        for effect in policy.effects:
            if effect.margin == "region":
                metric = evaluation.metrics.get(effect.metric)
                yield [policy.id, metric.unit if metric else "", *(getattr(effect, name) for name in _EFFECT)]


def _parts(evaluation: Evaluation) -> Iterator[list[Any]]:
    for policy in evaluation.policies:
        for effect in policy.effects:
            if effect.margin != "region" and effect.metric in (NET, HEADS):
                yield [policy.id, *(getattr(effect, name) for name in _EFFECT)]


def _months(evaluation: Evaluation) -> Iterator[list[Any]]:
    for policy in evaluation.policies:
        for path in policy.paths:
            if path.metric == NET:
                columns = (path.baseline, path.policy, path.mean, path.low, path.high)
                for month, row in enumerate(zip(*columns, strict=True), start=1):
                    yield [policy.id, month, *row]


def _estimates(owner: Any, names: Sequence[str]) -> Iterator[list[Any]]:
    for name in names:
        estimate: Estimate = getattr(owner, name)
        yield [name, *(getattr(estimate, part) for part in _ESTIMATE)]


def _accounts(evaluation: Evaluation) -> Iterator[list[Any]]:
    for policy in evaluation.policies:
        if policy.additionality is not None:
            for row in _estimates(policy.additionality, _ACCOUNT):
                yield [policy.id, *row]
            for source in policy.additionality.displaced_from:
                yield [policy.id, f"displaced from {source.zone}", source.startups, None, None, "", ""]


def _costs(evaluation: Evaluation) -> Iterator[list[Any]]:
    for policy in evaluation.policies:
        for cost in policy.costs:
            for row in _estimates(cost, _COST):
                yield [policy.id, cost.horizon, *row]


def _levers(evaluation: Evaluation) -> Iterator[list[Any]]:
    for policy in evaluation.policies:
        for lever in policy.levers:
            yield [policy.id, *(getattr(lever, name) for name in _LEVER)]


def _plans(evaluation: Evaluation) -> Iterator[list[Any]]:
    for policy in evaluation.policies:
        for plan in policy.announced:
            reached = plan.probability
            yield [policy.id, plan.name, plan.series, plan.zone, plan.at_least, plan.by, reached.mean, reached.low,
                   reached.high, plan.baseline_probability.mean, plan.median, plan.runs]  # fmt: skip
