"""What may be said of an effect: the interval, and the correction for many tests, pick the verb."""

from sim.evaluation.result import Effect, PolicyResult
from sim.intervals import Verdict, verdict
from sim.language import _
from sim.summary import SMALL, money, number, percent, signed

ALPHA = 0.05
#: effects smaller than this are called little; other metrics have no such size
_SMALL = {"startups_region": SMALL, "startups_treated_zones": SMALL}
_RAISED = ("_share", "_rmb_m2_month", "_index")


def verb_of(
    metric: str,
    mean: float | None,
    low: float | None,
    high: float | None,
    p_holm: float | None,
    more: int | None,
    tests: int,
    provisional: bool,
    headline: bool = False,
) -> Verdict:
    """Return the verb that the evidence on one effect allows.

    Parameters
    ----------
    metric
        Metric of the effect.
    mean, low, high
        Mean paired difference and its interval.
    p_holm
        p corrected for the number of tests.
    more
        Seeds that would have to be added for a direction to be stated.
    tests
        Over how many tests is corrected.
    provisional
        Whether seeds are still missing, so that nothing is said.
    headline
        Whether the correction decides.
    """
    if provisional:
        return Verdict("–", False, _("provisional"), _("not all seeds are done"))
    small = _SMALL.get(metric, 0.0)
    found = verdict(mean, low, high, small)
    if low is None or low == high == 0:
        return found
    if found.resolved and headline and (p_holm is None or p_holm >= ALPHA):
        note = _("its own interval excludes 0, but not among {n} tests").format(n=tests)
        if high is not None and max(-low, high) < small:  # as of an interval that includes 0
            return Verdict("＝", False, _("changes by less than {small:g}").format(small=small), note)
        return Verdict("◇", False, _("not resolved"), _("; ").join(filter(None, [note, _still_needed(more)])))
    if found.resolved and (metric.endswith(_RAISED) or metric.startswith("survival_")):
        return Verdict(found.chip, True, _("raises") if found.chip == "▲" else _("lowers"))
    if found.chip == "◇":
        return Verdict("◇", False, found.verb, _still_needed(more))
    return found


def _still_needed(more: int | None) -> str:
    """Return how many more seeds would allow a verb of change, or nothing."""
    if not more:
        return ""
    text = _("about {n} more seed would resolve it, if mean and spread stay") if more == 1 else _(
        "about {n} more seeds would resolve it, if mean and spread stay")  # fmt: skip
    return text.format(n=more)


def sentence(
    net: Effect | None,
    zones: Effect | None,
    displaced: float | None,
    spent: float | None,
    each: float | None,
    months: int,
) -> str:
    """Return the plain sentence of a policy: the region first, then its zones, then the money.

    Parameters
    ----------
    net, zones
        Effects on the startups of the region and of the treated zones at the last month.
    displaced
        Share of the newcomers of the treated zones that would have been elsewhere in the region.
    spent, each
        Present value of public cost, and of one net startup [RMB].
    months
        Months simulated.
    """
    if net is None:
        return _("no finished pair of runs")
    parts = [_region(net, months)]
    if zones is not None and zones.mean:
        part = _("{n} in its zones").format(n=signed(zones.mean))
        if displaced is not None:
            part += _(", where {share} of the newcomers would have been elsewhere in the region").format(
                share=percent(displaced)
            )
        parts.append(part)
    if spent:
        part = _("{cost} RMB of public money in present value").format(cost=money(spent))
        if each is not None and net.resolved:
            part += _(", {each} RMB per net startup").format(each=money(each))
        parts.append(part)
    return _("; ").join(parts)


def _region(net: Effect, months: int) -> str:
    """Return what is said of the net effect on the region."""
    span = _("by the end of month {n}").format(n=months)
    if net.mean is None or net.low is None or net.high is None:
        return _("{mean} startups in the region {span} ({verb}: {note})").format(
            mean=signed(net.mean or 0.0), span=span, verb=net.verb, note=net.note
        )
    if net.low == net.high == 0:
        return _("does not change the number of startups in the region: exactly 0 in every seed")
    interval = _("95 % interval {low} to {high}").format(low=number(net.low), high=number(net.high))
    if not net.resolved:
        note = _("; ") + net.note if net.note else ""
        text = _("startups in the region {span}: {verb} ({interval}{note})")
        return text.format(span=span, verb=net.verb, interval=interval, note=note)
    place = _("to the region") if net.low > 0 else _("in the region")
    text = _("{verb} {size} startups {place} {span} ({interval})")
    if net.verb in (_("adds a little"), _("loses a little")):
        text = _("{verb}: {mean} startups {place} {span} ({interval})")
    return text.format(verb=net.verb, size=number(abs(net.mean)), mean=signed(net.mean), place=place, span=span,
                       interval=interval)  # fmt: skip


def caution(result: PolicyResult, own: set[str]) -> str:
    """Return what must stand beside a policy's sentence, or nothing; `own` are the levers that its baseline has not."""
    parts, levers = [], [use for use in result.levers if use.lever in own]
    if result.against_cash is not None and result.against_cash.verdict == "worse":
        parts.append(result.against_cash.sentence)
    idle = [use.lever for use in levers if use.months == 0 or (use.served == 0 and not use.refused)]
    if idle:
        parts.append(_("never acted: {names}").format(names=_(", ").join(idle)))
    assumed = [
        _("{name}: {text}").format(name=use.lever, text=_(use.assumed))
        for use in levers
        if use.assumed and use.months
    ]
    if assumed:
        parts.append(_("assumed, not estimated: {what}").format(what=_("; ").join(assumed)))
    if result.missing_seeds:
        parts.append(_("{n} seeds are missing").format(n=len(result.missing_seeds)))
    return _(". ").join(parts)
