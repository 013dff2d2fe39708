"""An evaluation as text for a terminal: a sentence a policy, then tables with the controls in every one."""

from collections.abc import Iterable

from sim.alignment import aligned
from sim.evaluation.result import CriticalMass, Effect, Estimate, Evaluation, PolicyResult
from sim.language import N_, _
from sim.problems import shown
from sim.rounding import rounded
from sim.summary import number, percent, units_of_money

_NONE = "–"
#: how a policy does beside cash
_VERDICTS = (N_("better"), N_("worse"), N_("not resolved"), N_("not comparable"))


def lines(found: Evaluation) -> list[str]:
    """Return the evaluation as lines of text."""
    out = [
        _("{name}: {text}").format(name=shown(policy.id), text=policy.sentence) for policy in found.policies
    ]
    out += [
        "  " + _("{name}: {text}").format(name=shown(policy.id), text=policy.caution)
        for policy in found.policies
        if policy.caution
    ]
    for part in (headline_table, cost_table, additionality_table, time_table, dose_table, vector_table):
        rows = part(found)
        if len(rows) > 1:
            out += ["", *aligned(rows)]
    costs = [policy.costs[-1].present_value_rmb for policy in found.policies if policy.costs]
    out += dict.fromkeys(cost.note for cost in costs if cost.low is not None and cost.note)
    out += [
        _("{name}: {text}").format(name=shown(policy.id), text=beside.sentence)
        for policy in found.policies
        if (beside := policy.against_cash) is not None
        and beside.difference.low is not None
        and beside.difference.note
    ]
    out += ["", *_choices(found)]
    return [*out, *map(shown, found.notes)]


def _named(policy: PolicyResult) -> str:
    marks = {"cash": _(" (control)"), "placebo": _(" (control)"), "stress": _(" (no policy)")}
    return shown(policy.id) + marks.get(policy.role, "")


def headline_table(found: Evaluation) -> list[list[str]]:
    """Return the headline effects at each horizon."""
    units = [_unit(found.metrics[name].unit) for name in found.headline]
    labels = {
        "startups_region": _("net startups"), "rd_heads_region": _("R&D heads"),
        "production_heads_region": _("production heads"), "private_capital_rmb": _("private capital"),
        "other_tenants_m2_region": _("other tenants"), "top_kept_share": _("top founders kept"),
    }  # fmt: skip
    rows = [
        [
            _("policy"),
            _("at month"),
            *(
                _("{name}, {unit}").format(name=labels[n], unit=u)
                for n, u in zip(found.headline, units, strict=True)
            ),
        ]
    ]
    for horizon in found.horizons:
        for policy in found.policies:
            cells = [
                _effect(policy.effect(name, horizon), found.metrics[name].unit) for name in found.headline
            ]
            rows.append([_named(policy), str(horizon), *cells])
    return rows


def _unit(unit: str) -> str:
    shown_in = {"RMB": "M RMB", "share": N_("% points")}.get(unit, unit)
    return _(shown_in)


def _effect(effect: Effect | None, unit: str) -> str:
    if effect is None or effect.mean is None:
        return _NONE
    scale = _in_money() if unit == "RMB" else 100.0 if unit == "share" else 1.0
    if effect.low is None or effect.high is None:
        return f"  {number(scale * effect.mean)}"
    ends = f"[{number(scale * effect.low)}, {number(scale * effect.high)}]"
    sign = effect.chip if effect.resolved and effect.chip in "▲▼" else " "
    return f"{sign} {number(scale * effect.mean)} {ends}"


def _in_money() -> float:
    """Return by what amounts in RMB are multiplied under a head "M RMB"; in Chinese it says 万元."""
    return 1.0 / units_of_money()[1]


def _estimate(found: Estimate, scale: float = 1.0) -> str:
    if found.mean is None:
        return _NONE
    if found.low is None or found.high is None:
        return number(scale * found.mean)
    return f"{number(scale * found.mean)} [{number(scale * found.low)}, {number(scale * found.high)}]"


def cost_table(found: Evaluation) -> list[list[str]]:
    """Return what the public pays up to the end, and for what."""
    rows = [[_("policy"), _("present cost, M RMB"), _("M RMB per net startup"), _("RMB per net R&D job"),
             _("RMB per net RMB of private capital"), _("beside cash, {what}").format(what=_criterion(found))]]  # fmt: skip
    for policy in found.policies:
        if not policy.costs:
            continue
        cost = policy.costs[-1]
        beside = _NONE
        if policy.against_cash is not None and policy.against_cash.difference.mean is not None:
            beside = _("{verdict}: {mean}").format(
                verdict=_(policy.against_cash.verdict), mean=_estimate(policy.against_cash.difference)
            )
        rows.append([_named(policy), _estimate(cost.present_value_rmb, _in_money()), _estimate(cost.per_net_startup_rmb, _in_money()),
                     _estimate(cost.per_net_rd_job_rmb), _estimate(cost.per_private_rmb), beside])  # fmt: skip
    return rows


def _criterion(found: Evaluation) -> str:
    return _(found.best.criterion) if found.best is not None else _("net startups per 100 M RMB")


def additionality_table(found: Evaluation) -> list[list[str]]:
    """Return what is new, what was moved and who takes the money."""
    rows = [[_("policy"), _("in its zones"), _("there anyway"), _("moved there"), _("new there"), _("net in the region"),
             _("by appraisal"), _("windfall %"), _("landlords %"), _("other tenants, m2")]]  # fmt: skip
    for policy in found.policies:
        account = policy.additionality
        if account is None:
            continue
        appraised = _NONE if account.appraised is None else number(account.appraised)
        rows.append([_named(policy), *(_estimate(x) for x in (account.gross, account.deadweight, account.displaced,
                     account.attracted, account.net)), appraised, _estimate(account.windfall_share, 100),
                     _estimate(account.landlord_capture, 100), _estimate(account.other_tenants_m2)])  # fmt: skip
    return rows


def time_table(found: Evaluation) -> list[list[str]]:
    """Return when new zones stand on their own, and what is left after the money ends."""
    rows = [[_("policy"), _("new zone"), _("critical mass, % of seeds"), _("median month"), _("money ends, month"),
             _("gain then"), _("two years later"), _("still there %")]]  # fmt: skip
    for policy in found.policies:
        left = policy.persistence
        zones: list[CriticalMass | None] = [*policy.critical_mass] or [None]
        if not policy.critical_mass and (left is None or left.ends is None):
            continue
        for i, zone in enumerate(zones):
            mass = [_NONE] * 3
            if zone is not None:
                never = _("never unpaid") if zone.subsidised_throughout else _NONE
                mass = [
                    zone.zone,
                    _estimate(zone.share, 100),
                    never if zone.months is None else rounded(zone.months),
                ]
            after = [""] * 4
            if i == 0 and left is not None and left.ends is not None:
                after = [str(left.ends), _estimate(left.gain_at_end), _estimate(left.gain_later),
                         _estimate(left.still_there, 100)]  # fmt: skip
            rows.append([_named(policy) if i == 0 else "", *mass, *after])
    return rows


def dose_table(found: Evaluation) -> list[list[str]]:
    """Return policies at multiples of their size."""
    rows = [[_("policy"), _("times its size"), _("present cost, M RMB"), _("net startups"), _("R&D heads"),
             _("M RMB per net startup")]]  # fmt: skip
    for policy in found.policies:
        for dose in policy.doses:
            rows.append([_named(policy), f"{dose.factor:g}", _estimate(dose.present_value_rmb, _in_money()),
                         _estimate(dose.net_startups), _estimate(dose.net_rd_heads),
                         _estimate(dose.per_net_startup_rmb, _in_money())])  # fmt: skip
    return rows


def vector_table(found: Evaluation) -> list[list[str]]:
    """Return the two uncertainties beside each other."""
    rows = [[_("policy"), _("metric"), _("mean"), _("other seeds: 95 %"), _("other parameters: 95 %"), _("positive in"),
             _("of the variance from parameters")]]  # fmt: skip
    for policy in found.policies:
        for row in policy.decomposition:
            seeds = _range(row.seed_low, row.seed_high)
            positive, share = (
                _NONE if x is None else percent(x) for x in (row.positive_share, row.vector_share)
            )
            rows.append([_named(policy), row.metric, number(row.mean), seeds, _range(row.vector_low, row.vector_high),
                         positive, share])  # fmt: skip
    return rows


def _range(low: float | None, high: float | None) -> str:
    return _NONE if low is None or high is None else f"[{number(low)}, {number(high)}]"


def _choices(found: Evaluation) -> Iterable[str]:
    """Return the sentences on the choice among policies."""
    if found.best is not None:
        yield found.best.sentence
    if found.regret is not None:
        yield found.regret.sentence
    for discovery in found.discoveries:
        yield discovery.sentence
        yield from (f"  {box.sentence}" for box in discovery.boxes)
    if found.equal_budget is not None:
        for row in found.equal_budget.levers:
            if row.reason:
                yield _("{policy}: not brought to the common budget: {why}").format(
                    policy=shown(row.scenario), why=row.reason
                )
