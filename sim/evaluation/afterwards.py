"""What comes of a policy in time: when a new zone stands on its own, and what is left after the money ends."""

import numpy as np

from sim.evaluation import design
from sim.evaluation.intervals import mean_of, resamples_of, share_of
from sim.evaluation.reading import CRITICAL, Runs
from sim.evaluation.result import CriticalMass, Estimate, Persistence
from sim.language import _


def critical_mass(runs: Runs, member: design.Member) -> tuple[CriticalMass, ...]:
    """Return when each treated zone that is new reaches critical mass.

    A zone is new if it has fewer than 20 startups in the first month of the baseline.
    """
    if not runs.has("critical"):
        return ()
    ids, pairs, rows = tuple(zone.id for zone in runs.zones), runs.pairs(member), []
    for zone in design.treated(member, ids):
        if len(pairs) == 0 or runs.found["first"][member.base, pairs, zone].mean() >= CRITICAL:
            continue
        own, base = (
            runs.found["critical"][position, pairs, :, zone] for position in (member.position, member.base)
        )
        rows.append(CriticalMass(ids[zone], _reached(own), _reached(base), _median(own), _median(base),
                                 _always_paid(runs, member, zone)))  # fmt: skip
    return tuple(rows)


def _reached(months: np.ndarray) -> Estimate:
    """Return the share of runs that have a month, from months (n_seeds, n_points): seeds are counted, points averaged."""
    return share_of(float(np.isfinite(months).mean(axis=1).sum()), len(months))


def _median(months: np.ndarray) -> float | None:
    """Return the median month of the runs (n_seeds, n_points), None if fewer than half of them have one."""
    half = float(np.sort(months, axis=None)[(months.size - 1) // 2]) if months.size else np.inf
    return half if np.isfinite(half) else None


def _always_paid(runs: Runs, member: design.Member, zone: int) -> bool:
    """Return whether levers that pay startups in a zone are in force up to the last month."""
    scenario, ids = member.scenario, tuple(z.id for z in runs.zones)
    pays = design.paying_zones(scenario, ids)[:, zone]
    levers = sorted(scenario.policies, key=lambda lever: lever.id)
    last = runs.store.plan.months - 1
    return any(
        p and lever.since(scenario.start, last) is not None for p, lever in zip(pays, levers, strict=True)
    )


def persistence(runs: Runs, member: design.Member) -> Persistence | None:
    """Return what is left of a policy's gain after its payments end; None for what pays nothing."""
    months, pairs = runs.store.plan.months, runs.pairs(member)
    paid = np.flatnonzero(member.paid_months(months))
    none = Estimate()
    if len(paid) == 0 or len(pairs) == 0:
        return None
    if paid[-1] == months - 1:
        note = _("payments go on to the last month")
        return Persistence(None, none, none, none, none, none, None, None, note)
    end = int(paid[-1])
    gains, notes = [none, none], []
    kept = none
    if runs.has("moments") and end + design.LATER < months:
        values = [_gain(runs, member, pairs, month) for month in (end, end + design.LATER)]
        gains = [mean_of(value) for value in values]
        kept = resamples_of(len(pairs)).ratio(values[1], values[0])
        if gains[0].low is None or gains[0].low <= 0:
            kept = Estimate(note=_("there is no gain at the end of payments that could last"))
    else:
        notes.append(_("the runs end less than {n} months later").format(n=design.LATER))
    stay = _stay(runs, member, pairs)
    if stay is None:
        notes.append(_("startups are not taken down often enough to follow them"))
    first, second, own, base = stay or (None, None, none, none)
    return Persistence(end + 1, gains[0], gains[1], kept, own, base, first, second, _("; ").join(notes))


def _gain(runs: Runs, member: design.Member, pairs: np.ndarray, month: int) -> np.ndarray:
    """Return the effect on the startups of the treated zones, or of the region, in one month, (n_pairs,)."""
    wanted = runs.found["moments"][:, :, runs.moments.index(month)]
    zones = design.treated(member, tuple(zone.id for zone in runs.zones))
    there = wanted[..., zones].sum(axis=-1) if len(zones) else wanted.sum(axis=-1)
    return there[member.position, pairs] - there[member.base, pairs]


def _stay(runs: Runs, member: design.Member, pairs: np.ndarray) -> tuple[int, int, Estimate, Estimate] | None:
    from sim.evaluation.pairing import stay_of

    asked = stay_of(member, tuple(zone.id for zone in runs.zones), runs.store.plan.months)
    if asked is None or not runs.has("stay"):
        return None
    own, base = (
        resamples_of(len(pairs)).ratio(*runs.found[name][member.position, pairs].T)
        for name in ("stay", "base_stay")
    )
    return asked.first, asked.second, own, base
