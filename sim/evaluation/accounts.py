"""What is additional, what it costs, and what lever did what: the account of one policy."""

import dataclasses

import numpy as np

from sim.announced import Announced
from sim.evaluation import design
from sim.evaluation.effects import Levels
from sim.evaluation.intervals import fieller, mean_of, resamples_of, share_of
from sim.evaluation.pairing import ACCOUNT
from sim.evaluation.reading import Runs
from sim.evaluation.result import Additionality, Cost, Displaced, Effect, Estimate, LeverUse, Plan
from sim.evaluation.sizes import size_of
from sim.language import _
from sim.policy import Policies
from sim.spending import SERVED

_DENOMINATORS = {
    "startups_region": "the interval of the net effect on startups reaches 0",
    "rd_heads_region": "the interval of the net effect on R&D heads reaches 0",
    "private_capital_rmb": "the interval of the net effect on private money reaches 0",
}


def additionality(runs: Runs, levels: Levels, member: design.Member) -> Additionality | None:
    """Return what would have been there anyway, what was moved and what is new; None without presence."""
    pairs = runs.pairs(member)
    if not runs.has("account") or len(pairs) == 0:
        return None
    ids = tuple(zone.id for zone in runs.zones)
    zones = design.treated(member, ids)
    account = dict(zip(ACCOUNT, runs.found["account"][member.position, pairs].T, strict=True))
    own, base = (
        levels.region("startups_region")[position, pairs, -1] for position in (member.position, member.base)
    )
    net = own - base
    counted = (
        account["attracted"]
        - account["lost_treated"]
        + account["gained_elsewhere"]
        - account["lost_elsewhere"]
    )
    if np.abs(counted - net).max() > 1e-6:
        raise RuntimeError(f"the account of startups of {member.id} does not add up")
    none = Estimate(note=_("no lever is bound to a place"))
    moved = account["displaced"] + account["attracted"]
    parts = {name: mean_of(values) if len(zones) else none for name, values in account.items()}
    nobody = _("nobody is new in the treated zones")
    share = resamples_of(len(pairs)).ratio(account["displaced"], moved, nobody) if len(zones) else none
    return Additionality(
        zones=tuple(ids[z] for z in zones),
        **parts,  # type: ignore[arg-type]
        net=mean_of(net),
        displaced_share=share,
        displaced_from=_displaced_from(runs, member, pairs, ids) if len(zones) else (),
        **_appraised({name: float(values.mean()) for name, values in account.items()}, float(net.mean()), len(zones) > 0),  # type: ignore[arg-type]
        windfall_share=_share(runs, "windfall", member, pairs),
        landlord_capture=_share(runs, "landlords", member, pairs),
        other_tenants_m2=_tenants(levels, member, pairs),
    )  # fmt: skip


def _tenants(levels: Levels, member: design.Member, pairs: np.ndarray) -> Estimate:
    held = levels.region("other_tenants_m2_region")[..., -1]
    return mean_of(held[member.position, pairs] - held[member.base, pairs], _("the study keeps no series"))


def _displaced_from(
    runs: Runs, member: design.Member, pairs: np.ndarray, ids: tuple[str, ...]
) -> tuple[Displaced, ...]:
    means = runs.found["displaced_from"][member.position, pairs].mean(axis=0)
    return tuple(Displaced(zone, float(mean)) for zone, mean in zip(ids, means, strict=True) if mean > 0)


def _share(runs: Runs, name: str, member: design.Member, pairs: np.ndarray) -> Estimate:
    """Return the ratio of two sums of money over seeds."""
    nobody = _("no startup is paid") if name == "windfall" else _("no rent is paid")
    if not runs.has(name):
        return Estimate(note=nobody)
    part, whole = runs.found[name][member.position, pairs].T
    return resamples_of(len(pairs)).ratio(part, whole, nobody)


def _appraised(account: dict[str, float], net: float, placed: bool) -> dict[str, float | bool | None]:
    """Return the factors of the standard appraisal identity, and whether it gives the net effect.

    References
    ----------
    English Partnerships (2008), Additionality guide: a standard approach to assessing the additional impact of
    interventions, third edition.
    """
    names = (
        "deadweight_share",
        "leakage",
        "displacement",
        "substitution",
        "multiplier",
        "appraised",
        "agrees",
    )
    newcomers = account["displaced"] + account["attracted"]
    left = account["attracted"] - account["lost_treated"]
    if not placed or account["gross"] == 0 or newcomers == 0 or account["attracted"] == 0 or left == 0:
        return dict.fromkeys(names)
    deadweight, displacement = account["deadweight"] / account["gross"], account["displaced"] / newcomers
    substitution = account["lost_treated"] / account["attracted"]
    multiplier = (left + account["gained_elsewhere"] - account["lost_elsewhere"]) / left
    leakage = 0.0  # whatever stays in the region counts
    appraised = account["gross"] * (1 - deadweight) * (1 - leakage) * (1 - displacement)
    appraised *= (1 - substitution) * multiplier
    agrees = abs(appraised - net) <= 1e-6 * max(1.0, abs(net))
    values = (deadweight, leakage, displacement, substitution, multiplier, appraised, agrees)
    return dict(zip(names, values, strict=True))


def money(runs: Runs, levels: Levels, member: design.Member) -> dict[str, np.ndarray]:
    """Return what a policy costs beyond its baseline, ``spent`` and ``pv``, (n_pairs, n_horizons) each [RMB]."""
    pairs, out = runs.pairs(member), {}
    for name, column, outcome in (
        ("spent", "cost_rmb", "public_cost_rmb"),
        ("pv", "cost_pv_rmb", "public_cost_pv_rmb"),
    ):
        values = runs.found.get(column)
        if values is None:
            values = np.full((*runs.done.shape, len(runs.horizons)), np.nan)
            values[..., -1] = levels.outcome(outcome)
        out[name] = values[member.position, pairs] - values[member.base, pairs]
    return out


def costs(runs: Runs, levels: Levels, member: design.Member, said: tuple[Effect, ...]) -> tuple[Cost, ...]:
    """Return what the public pays up to each horizon, and for what.

    Parameters
    ----------
    runs, levels
        What was read.
    member
        The policy.
    said
        Its effects: there is a price only of what it is said to add.
    """
    region = {(effect.metric, effect.horizon): effect for effect in said if effect.margin == "region"}
    pairs, paid = runs.pairs(member), money(runs, levels, member)
    if len(pairs) == 0:
        return ()
    effects = {
        metric: levels.region(metric)[member.position, pairs] - levels.region(metric)[member.base, pairs]
        for metric in _DENOMINATORS
    }
    rows = []
    for h, horizon in enumerate(runs.horizons):
        spent, value = paid["spent"][:, h], paid["pv"][:, h]
        if np.isnan(value).any():
            continue
        each = [
            price(value, net[:, h], metric, region.get((metric, horizon))) for metric, net in effects.items()
        ]
        rows.append(Cost(horizon, _paid(spent), _paid(value), *each))
    return tuple(rows)


def _paid(value: np.ndarray) -> Estimate:
    """Return the mean of what is paid, with a note where its interval reaches below 0 though no seed does."""
    found = mean_of(value)
    if found.low is None or found.low >= 0 or value.min() < 0:
        return found
    note = _(
        "an interval of public cost reaches below 0 where few seeds spend much and others little; no seed costs less than 0"
    )
    return dataclasses.replace(found, note=note)


def price(
    value: np.ndarray, net: np.ndarray, metric: str = "startups_region", said: Effect | None = None
) -> Estimate:
    """Return money over a net effect.

    There is none where nothing is paid or money is saved, where the effect may be 0 or less, and where the verb of the effect,
    if it has one, is not resolved: then `note` says why, and but for the first two the least price stands alone.
    """
    if not value.any():
        return Estimate(note=_("costs nothing"))
    if value.sum() < 0:
        return Estimate(note=_("saves public money"))
    found = fieller(value, net, _(_DENOMINATORS[metric]))
    if found.mean is not None and said is not None and not said.resolved:
        return Estimate(None, found.low, None, found.method, said.note)
    return found


def lever_uses(runs: Runs, member: design.Member) -> tuple[LeverUse, ...]:
    """Return what each lever of a policy spent, whom it served and whom it refused."""
    scenario, months = member.scenario, runs.store.plan.months
    policies = Policies(scenario.policies, {zone.id: i for i, zone in enumerate(runs.zones)}, scenario.start)
    sums = runs.found.get(f"levers:{member.position}")
    done = np.flatnonzero(runs.done[member.position])
    means = None if sums is None or len(done) == 0 else sums[member.position, done].mean(axis=0)
    rows = []
    for i, (lever, budget) in enumerate(zip(policies.levers, policies.budgets_rmb(months), strict=True)):
        acting = sum(lever.since(scenario.start, month) is not None for month in range(months))
        served = refused = None
        if means is not None and lever.slot:
            served = float(means[1, i]) / max(acting, 1)
            refused = float(means[2, i]) / max(acting, 1) if lever.slot in SERVED else None
        spent = float(means[0, i]) if means is not None else 0.0
        rows.append(LeverUse(lever.id, lever.kind,  # type: ignore[attr-defined]
                             acting, spent, budget, served, refused, lever.assumed, lever.stress,
                             lever.zone_ids(), size_of(lever)))  # fmt: skip
    return tuple(rows)


def announced(runs: Runs, member: design.Member) -> tuple[Plan, ...]:
    """Return the announcements that the runs reach in time, and in which share of seeds they are kept."""
    rows, i = [], 0
    for other in runs.members:
        for promise in other.scenario.announced:
            if other is member and runs.has(f"promised:{i}"):
                rows.append(_held(runs, member, promise, i))
            i += 1
    return tuple(rows)


def _held(runs: Runs, member: design.Member, promise: Announced, i: int) -> Plan:
    kept, reached = runs.found[f"promised:{i}"], runs.found[f"reached:{i}"]
    with_policy, without = (kept[p, runs.done[p]] for p in (member.position, member.base))
    own = reached[member.position, runs.done[member.position]]
    return Plan(promise.name, promise.name_zh, promise.series, promise.zone, promise.at_least, promise.by, _share_kept(with_policy),
                _share_kept(without), float(np.median(own)) if len(own) else 0.0, len(own))  # fmt: skip


def _share_kept(kept: np.ndarray) -> Estimate:
    return share_of(float(kept.sum()), len(kept))
