"""The evaluation of a study: reads the runs once, and puts together what they say.

>>> from sim.evaluation.evaluate import evaluate
>>> found = evaluate("results/rent-cut-1a2b3c4d")
>>> found.policy("rent-cut").sentence
"""

import dataclasses
import json
import os
import pathlib

import numpy as np

from sim.evaluation import accounts, afterwards, design, discovery, vectors
from sim.evaluation.choosing import Choosing
from sim.evaluation.effects import Levels, effects, paths
from sim.evaluation.metrics import HEADLINE, STAGES, catalogue
from sim.evaluation.reading import Runs, read
from sim.evaluation.result import Discovery, Effect, Estimate, Evaluation, PolicyResult, Zone
from sim.evaluation.words import caution, sentence
from sim.files import write_text
from sim.language import _, current_language, speaking
from sim.parameters import SEGMENTS
from sim.policy import treated_zones
from sim.problems import shown
from sim.store import OUTCOMES, Store

FILE = "evaluation.json"
PLAN = "plan.json"
SHOWN = (design.POLICY, design.STRESS, design.CASH_ROLE, design.PLACEBO_ROLE)
DEFAULT_PRICE_RMB = 10e6  #: per net startup, asked for in the search for failures where cash has no price


class EvaluationError(ValueError):
    """A results folder cannot be evaluated."""

    exit_code = 2


def evaluate(folder: str | os.PathLike[str], price_rmb: float | None = None) -> Evaluation:
    """Return what the runs in a results folder say of its policies.

    Parameters
    ----------
    folder
        Results folder of a study or of a comparison.
    price_rmb
        Cost per net startup that a policy is asked to reach in the search for failures; absent: that of cash, or
        `DEFAULT_PRICE_RMB` where cash has none.

    Raises
    ------
    EvaluationError
        If there is nothing to compare: one scenario alone, or no seed that has both runs.
    DamagedResultsError
        If a shard is damaged.
    """
    store = results_in(folder)
    _require_policies(store)
    return evaluation_of(read(store), price_rmb)


def results_in(folder: str | os.PathLike[str]) -> Store:
    """Return the results of a study or a comparison in a folder.

    Raises
    ------
    EvaluationError
        If the folder holds none, with what it holds and what to type instead.
    """
    place = pathlib.Path(folder)
    if (place / PLAN).exists():
        return Store(place)
    inside = sorted(path.parent for path in place.glob(f"*/{PLAN}"))
    hint = _("results come from: sim compare POLICY --seeds 20 --out DIR, or: sim study run FILE --out DIR")
    if any(place.glob(f"parts/*/{PLAN}")):
        hint = _("its parts are not put together yet; type: sim study merge {folder}").format(
            folder=shown(place)
        )
    elif inside:
        hint = _("did you mean {folder}?").format(folder=shown(inside[0]))
    elif (place / f"{OUTCOMES}.parquet").exists():
        hint = _("it holds one run, and policies are told by comparing; type: sim compare POLICY --seeds 20")
    message = _("{folder}: no results of a study or a comparison; {hint}")
    raise EvaluationError(message.format(folder=shown(place), hint=hint))


def _require_policies(store: Store) -> None:
    if len(store.plan.scenarios) < 2:
        (only,) = store.plan.scenarios
        message = _("nothing to evaluate: the study has one scenario, {id}; a policy is told by comparing it with a baseline, "
                    "such as: sim compare rent-cut --seeds 20")  # fmt: skip
        raise EvaluationError(message.format(id=shown(only)))


def evaluation_of(runs: Runs, price_rmb: float | None = None) -> Evaluation:
    """Return what runs that were read say of their policies; otherwise like `evaluate`."""
    _require_policies(runs.store)
    members = [member for member in runs.members if member.position != member.base]
    if not any(len(runs.pairs(member)) for member in members):
        raise EvaluationError(_("nothing to evaluate: no seed is done both with a policy and without"))
    with speaking(current_language()):  # asked for once, not for each of thousands of texts
        return _put_together(runs, [member for member in members if member.role in SHOWN], price_rmb)


def save(found: Evaluation, folder: str | os.PathLike[str]) -> pathlib.Path:
    """Write an evaluation into its results folder; return the file."""
    path = pathlib.Path(folder) / FILE
    write_text(path, json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False) + "\n")
    return path


def load(folder: str | os.PathLike[str]) -> Evaluation:
    """Return the evaluation that stands in a results folder.

    Raises
    ------
    EvaluationError
        If there is none that this version reads.
    """
    path = pathlib.Path(folder) / FILE
    try:
        return Evaluation.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = _("{path}: no evaluation that this version reads; type: sim evaluate {folder}")
        raise EvaluationError(message.format(path=path, folder=folder)) from error


def _put_together(runs: Runs, members: list[design.Member], price_rmb: float | None) -> Evaluation:
    levels = Levels(runs)
    found, tests = effects(runs, members)
    choosing = Choosing(runs, levels)
    results = tuple(
        _policy(runs, levels, choosing, member, found[member.id])
        for member in sorted(members, key=lambda m: m.role in (design.CASH_ROLE, design.PLACEBO_ROLE))
    )
    plan, base = runs.store.plan, runs.members[0].scenario
    nets = {result.id: result.effect("startups_region", runs.horizons[-1]) for result in results}
    gaining = {name for name, net in nets.items() if net is not None and net.chip == "▲"}
    best, regret = choosing.best(gaining), choosing.regret()
    return Evaluation(
        study=runs.store.folder.resolve().name, plan=plan.sha, digest=runs.store.digest(runs.heads), model=plan.model,
        baseline=plan.baseline, baseline_name=base.name, baseline_name_zh=base.name_zh, world=str(base.world),
        start=base.start, months=plan.months, seeds=plan.seeds, vectors=len(plan.points), horizons=runs.horizons,
        complete=bool(runs.done.all()), runs=plan.size, done=len(runs.store.finished(runs.heads)),
        failures=tuple(f"{f.scenario} {f.seed}: {f.message}" for f in runs.store.failures()),
        zones=_zones(runs), belts=levels.belts, segments=tuple(SEGMENTS), stages=tuple(map(str, range(STAGES))),
        metrics=catalogue(), headline=HEADLINE, tests=tests, policies=results, best=best, regret=regret,
        discoveries=_discoveries(runs, members, results, price_rmb), equal_budget=choosing.equal_budget(),
        notes=tuple(_notes(runs, results, choosing)),
    )  # fmt: skip


def _policy(
    runs: Runs,
    levels: Levels,
    choosing: Choosing,
    member: design.Member,
    found: tuple[Effect, ...],
) -> PolicyResult:
    scenario, pairs, last = member.scenario, runs.pairs(member), runs.horizons[-1]
    account, paid = (
        accounts.additionality(runs, levels, member),
        accounts.costs(runs, levels, member, found),
    )
    result = PolicyResult(
        id=member.id, name=scenario.name, name_zh=scenario.name_zh, description=scenario.description, role=member.role,
        sentence="", caution="", pairs=len(pairs),
        missing_seeds=tuple(seed for i, seed in enumerate(runs.seeds) if i not in pairs),
        zones=treated_zones(member.levers, runs.ids), effects=found, paths=paths(runs, member), additionality=account, costs=paid,
        against_cash=choosing.against_cash(member) if member.role == design.POLICY else None,
        critical_mass=afterwards.critical_mass(runs, member),
        persistence=afterwards.persistence(runs, member), levers=accounts.lever_uses(runs, member),
        announced=accounts.announced(runs, member), doses=choosing.doses(member, paid[-1].per_net_startup_rmb if paid else Estimate()),
        decomposition=vectors.decompositions(runs, member),
    )  # fmt: skip
    displaced = None if account is None else account.displaced_share.mean
    cost = paid[-1] if paid and paid[-1].horizon == last else None
    said = sentence(
        result.effect("startups_region", last), result.effect("startups_treated_zones", last), displaced,
        None if cost is None else cost.present_value_rmb.mean, None if cost is None else cost.per_net_startup_rmb.mean, last,
    )  # fmt: skip
    own = {lever.id for lever in member.levers}
    return dataclasses.replace(result, sentence=said, caution=caution(result, own))


def _zones(runs: Runs) -> tuple[Zone, ...]:
    """Return the zones with their baseline."""
    done = runs.done[0]
    means = {name: runs.found[name][0, done].mean(axis=0) for name in
             ("first", "startups", "zone_rent_rmb_m2_month", "zone_vacant_m2", "zone_stock_m2")
             if runs.has(name) and done.any()}  # fmt: skip
    rows = []
    for i, zone in enumerate(runs.zones):
        numbers: list[float | None] = [None] * 4
        if means:
            vacant, stock = means["zone_vacant_m2"][-1, i], means["zone_stock_m2"][-1, i]
            numbers = [float(means["first"][i]), float(means["startups"][-1, i].sum()),
                       float(means["zone_rent_rmb_m2_month"][-1, i]), float(vacant / stock)]  # fmt: skip
        rows.append(Zone(zone.id, zone.name, zone.name_zh, zone.belt, *numbers))
    return tuple(rows)


def _discoveries(
    runs: Runs, members: list[design.Member], results: tuple[PolicyResult, ...], price_rmb: float | None
) -> tuple[Discovery, ...]:
    points, found = runs.store.plan.points, []
    if len(points) < discovery.FEWEST_VECTORS:
        return ()
    if price_rmb is None:
        price_rmb = _price_of_cash(results)
    for member in members:
        effects, costs = (
            runs.outcomes[name][member.position] - runs.outcomes[name][member.base]
            for name in ("startups_region", "public_cost_pv_rmb")
        )
        if member.role == design.POLICY and np.nansum(costs) > 0:
            (net, beyond_luck), (cost, _beyond) = map(vectors.freed_of_luck, (effects, costs))
            one = discovery.discover(member.id, points, net, cost, price_rmb, beyond_luck)
            found += [one] if one is not None else []
    return tuple(found)


def _price_of_cash(results: tuple[PolicyResult, ...]) -> float:
    """Return what a net startup costs by the cash benchmark [RMB], if it has a price: a verb of gain, at the last month."""
    cash = next((result for result in results if result.role == design.CASH_ROLE and result.costs), None)
    price = None if cash is None else cash.costs[-1].per_net_startup_rmb.mean
    return DEFAULT_PRICE_RMB if price is None or price <= 0 else price


def _notes(runs: Runs, results: tuple[PolicyResult, ...], choosing: Choosing) -> list[str]:
    """Return what is missing and why, in plain sentences."""
    plan, roles = runs.store.plan, {result.role for result in results}
    notes = [_("differences between scenarios, not forecasts")]
    if not runs.done.all():
        done = int((runs.done[0] & runs.done.all(axis=0)).sum())
        notes.append(
            _("{done} of {n} seeds are complete in every scenario").format(done=done, n=len(plan.seeds))
        )
    if len(plan.points) == 1:
        notes.append(
            _(
                "no parameter was varied: intervals say what other seeds would show, not what other parameters would"
            )
        )
    if design.CASH_ROLE not in roles:
        notes.append(_("no cash benchmark runs beside the policies; it does with controls = true in a study, without "
                       "--no-controls in sim compare, and with placebo and cash ticked on the page"))  # fmt: skip
    if design.PLACEBO_ROLE not in roles:
        notes.append(_("no placebo runs beside the policies; it does with controls = true in a study, without "
                       "--no-controls in sim compare, and with placebo and cash ticked on the page"))  # fmt: skip
    if choosing.equal_budget() is None and sum(result.role == design.POLICY for result in results) > 1:
        notes.append(
            _(
                "policies spend different amounts: they are compared by what they yield for their money, not by heads"
            )
        )
    if not any(member.world for member in runs.members):
        notes.append(
            _(
                "policies were not run in other worlds, so that nothing is said of regret: a study runs them there with the key "
                "worlds"
            )
        )
    elif choosing.regret() is None:
        notes.append(
            _(
                "nothing is said of regret: it takes two policies that cost something in every world, and 5 seeds"
            )
        )
    if any(effect.chip == "◇" and effect.more_seeds and effect.metric in HEADLINE and effect.margin == "region"
           for result in results for effect in result.effects):  # fmt: skip
        notes.append(_("whoever adds seeds and looks again gives chance another try, so that more policies without any effect get "
                       "a verb; a study of other seeds alone does not"))  # fmt: skip
    for name in ("series", "presence", "costs"):
        if name not in plan.keep:
            notes.append(_("the study keeps no {table}: what it tells is missing").format(table=name))
    if len(plan.seeds) < 20:
        notes.append(
            _("{n} seeds are few: intervals are wide, and rare large differences hardly show in them").format(
                n=len(plan.seeds)
            )
        )
    return notes
