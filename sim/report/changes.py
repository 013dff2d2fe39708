"""What would change the conclusion: worlds in which another policy leads, corners of parameter space, more seeds."""

import dataclasses

from sim.evaluation.choosing import SURE
from sim.evaluation.result import Box, Discovery, Limit, Regret
from sim.report.page import Page
from sim.report.rows import NET, Row
from sim.report.text import EMPTY, Both, alike, counted, money, percent, ratio, say, signed, span, whole

MOST_BOXES = 2  #: boxes of one policy


@dataclasses.dataclass(frozen=True)
class Change:
    """A condition under which a finding turns, what follows, and what stands behind it."""

    condition: Both
    result: Both
    evidence: Both = EMPTY


def changes(page: Page) -> list[Change]:
    """Return what would change the conclusion, as far as the study can tell."""
    return [*_other_worlds(page), *_failing_worlds(page), *_shares_of_worlds(page), *_more_seeds(page)]


def _other_worlds(page: Page) -> list[Change]:
    """Return the developments outside under which another policy leads, as surely as a policy is called best."""
    regret = page.of.regret
    if regret is None or "" not in regret.worlds:
        return []
    usual = _leader(regret, regret.worlds.index(""))
    found = []
    for place, world in enumerate(regret.worlds):
        leader = _leader(regret, place)
        if not world or leader is None or usual is None or leader == usual:
            continue
        if not regret.leads or regret.leads[leader][place] < SURE:
            continue
        values = [regret.effect[i][place] for i in (leader, usual)]
        if None in values:
            continue
        names = [page.name(regret.policies[i]) for i in (leader, usual)]
        found.append(Change(
            say("If the world is “{name}”", name=page.name(world)),
            say("{first} comes before {second}: {a} against {b} {criterion}.", first=names[0], second=names[1],
                a=whole(values[0] or 0.0), b=whole(values[1] or 0.0), criterion=page.criterion(regret.criterion)),
        ))  # fmt: skip
    return found


def _leader(regret: Regret, place: int) -> int | None:
    known = [(row[place], i) for i, row in enumerate(regret.regret) if row[place] is not None]
    return min(known)[1] if known else None


def _failing_worlds(page: Page) -> list[Change]:
    """Return where in parameter space policies cost more than is asked for."""
    found = []
    for discovery in page.of.discoveries:
        for box in discovery.boxes[:MOST_BOXES]:
            found.append(_failing(page, discovery, box))
    return found


def _failing(page: Page, discovery: Discovery, box: Box) -> Change:
    conditions = [_limit(limit) for limit in box.limits]
    text = Both(" and ".join(c.en for c in conditions), "，且".join(c.zh for c in conditions))
    words = {"name": page.name(discovery.policy), "money": money(discovery.threshold_rmb), "density": percent(box.density),
             "coverage": percent(box.coverage), "n": discovery.vectors}  # fmt: skip
    if page.has_plausible_worlds:
        result = say(
            "{name} fails to reach {money} per net startup in {density} of the plausible worlds there.",
            **words,
        )
        evidence = say(
            "Rule found by PRIM: coverage {coverage} of all failures, density {density}, {n} worlds.", **words
        )
    else:
        result = say(
            "{name} fails to reach {money} per net startup at {density} of the points there.", **words
        )
        evidence = say(
            "Rule found by PRIM: coverage {coverage} of all failures, density {density}, {n} points.", **words
        )
    return Change(say("If {conditions}", conditions=text), result, evidence)


def _limit(limit: Limit) -> Both:
    key = alike(limit.key)
    if limit.values:
        return say("{key} is {values}", key=key, values=alike(" / ".join(limit.values)))
    if limit.low is not None and limit.high is not None:
        return say(
            "{key} lies between {low} and {high}", key=key, low=ratio(limit.low), high=ratio(limit.high)
        )
    if limit.low is not None:
        return say("{key} is above {low}", key=key, low=ratio(limit.low))
    return say("{key} is below {high}", key=key, high=ratio(limit.high or 0.0))


def _shares_of_worlds(page: Page) -> list[Change]:
    """Return policies whose effect has another sign at some of the vectors of parameters."""
    found = []
    for row in page.policies:
        spread = next((d for d in row.result.decomposition if d.metric == NET), None)
        if spread is None or spread.positive_share in (None, 0.0, 1.0):
            continue
        other = 1 - spread.positive_share if row.net_mean > 0 else spread.positive_share
        words = {"name": row.name, "share": percent(other), "n": spread.vectors}
        found.append(
            Change(
                say("If another plausible world is the true one"),
                say("{name} has the other sign in {share} of {n} worlds.", **words),
            )
            if page.has_plausible_worlds
            else Change(
                say("If another point of the design holds"),
                say("{name} has the other sign at {share} of {n} points.", **words),
            )
        )
    return found


def _more_seeds(page: Page) -> list[Change]:
    """Return what more seeds would settle."""
    found = []
    for row in page.policies:
        more = row.net.more_seeds if row.net is not None and not row.resolved else None
        if more:
            found.append(Change(
                counted("If {n} seed is added", "If {n} seeds are added", more),
                say("the direction of {name} could be settled, if mean and spread stay.", name=row.name),
                _now(row),
            ))  # fmt: skip
    return found


def _now(row: Row) -> Both:
    """Return what is known of an effect whose direction is not resolved."""
    words = {"n": signed(row.net_mean), "range": span(row.net_interval)}
    if row.is_refused:
        return say("Now: net {n} {range}; the interval excludes 0, but not after the correction for the number of tests.",
                   **words)  # fmt: skip
    return say("Now: net {n} {range}; the interval includes 0.", **words)
