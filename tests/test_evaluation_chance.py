"""What an evaluation says where there is nothing to be found: made studies in which luck is all that differs."""

import dataclasses
import types

import made_studies
import numpy as np
import pyarrow as pa
import pytest
from test_evaluation_worlds import STUDY, plan_of, study

from sim.evaluation import design, widening
from sim.evaluation.accounts import price
from sim.evaluation.choosing import NET, NET_PER_MONEY, Choosing, Yield
from sim.evaluation.discovery import discover
from sim.evaluation.evaluate import DEFAULT_PRICE_RMB, evaluate, save
from sim.evaluation.table import lines
from sim.evaluation.vectors import freed_of_luck
from sim.report.changes import changes
from sim.report.page import Page
from sim.store import RunRecord, writing


def choosing(nets, costs, cash=False, criterion=NET_PER_MONEY):
    """Return the choice among policies 0, 1, ... with such net effects and costs by seed; the last may be cash."""
    roles = [design.POLICY] * len(nets)
    if cash:
        roles[-1] = design.CASH_ROLE
    made = object.__new__(Choosing)
    members = [types.SimpleNamespace(id=str(i), role=role) for i, role in enumerate(roles)]
    made.runs, made.entries = types.SimpleNamespace(members=members), {m.id: {} for m in members}
    made.yields = {
        m.id: Yield(np.asarray(net), np.asarray(cost))
        for m, net, cost in zip(members, nets, costs, strict=True)
    }
    made.criterion, made.unfinished = criterion, set()
    return made


def alike(rng, policies, seeds):
    """Return net effects and costs of policies that differ by luck alone."""
    return rng.normal(30.0, 10.0, (policies, seeds)), rng.normal(1e8, 1e7, (policies, seeds))


@pytest.mark.parametrize("criterion", [NET, NET_PER_MONEY])
def test_few_seeds_call_one_of_two_equal_policies_best_no_oftener_than_many(criterion):
    rng, called, studies = np.random.default_rng(1), 0, 300
    for _study in range(studies):
        best = choosing(*alike(rng, 2, 5), criterion=criterion).best({"0", "1"})
        called += best.sure is not None
    assert called / studies < 0.13  # 0.95 to either side are 0.1; normal quantiles would make it 0.2


def test_policies_as_good_as_cash_are_said_to_be_no_better_or_worse_in_95_of_100_studies():
    rng, wrong, studies = np.random.default_rng(2), 0, 200
    for _study in range(studies):
        made = choosing(*alike(rng, 6, 20), cash=True)
        told = [made.against_cash(member) for member in made.runs.members[:-1]]
        wrong += any(one.verdict != "not resolved" for one in told)
    assert wrong / studies < 0.09  # five tests at 0.05 each would make it 0.18


def test_a_policy_whose_own_interval_beside_cash_is_refused_says_why():
    rng = np.random.default_rng(3)
    nets, costs = alike(rng, 6, 20)
    nets[0] += 13.0
    made = choosing(nets, costs, cash=True)
    told = made.against_cash(made.runs.members[0])
    assert told.verdict == "not resolved"
    assert told.difference.low > 0
    assert "excludes 0, but not among 5 tests" in told.sentence


def test_a_policy_that_loses_startups_is_never_best_because_it_may_save_money():
    rng = np.random.default_rng(4)
    nets = np.vstack([rng.normal(-30.0, 5.0, 20), rng.normal(20.0, 5.0, 20)])
    costs = np.vstack([1e6 + rng.normal(0.0, 2e7, 20), np.full(20, 1e8)])
    costs[0] += 2e6 - costs[0].mean()  # above 0 in the mean, below in many resamples
    best = choosing(nets, costs).best({"1"})
    assert best.probability == (0.0, 1.0)


def test_a_policy_that_saves_money_has_no_price():
    rng = np.random.default_rng(5)
    found = price(rng.normal(-1e7, 1e6, 20), rng.normal(30.0, 5.0, 20))
    assert (found.mean, found.low, found.note) == (None, None, "saves public money")


def test_nothing_is_said_beside_cash_or_of_the_best_while_seeds_are_missing(tmp_path):
    names = ("baseline", "rent-cut", "cash-benchmark")
    plan = made_studies.plan_of(names, 20)
    for done, verdict, sure in ((20, "better", "rent-cut"), (12, "not resolved", None)):
        tables = made_studies.noisy_outcomes(
            np.random.default_rng(1),
            {"rent-cut": 90.0, "cash-benchmark": 20.0},
            dict.fromkeys(names[1:], 1e8),
        )
        missing = [("rent-cut", seed) for seed in range(done + 1, 21)]
        found = evaluate(made_studies.write(tmp_path / str(done), plan, tables, leave_out=missing))
        beside = found.policy("rent-cut").against_cash
        assert (beside.verdict, found.best.sure) == (verdict, sure)
        for sentence in (beside.sentence, found.best.sentence):
            assert sentence.endswith("not all seeds are done") == (done < 20)
        assert any(beside.sentence in line for line in lines(found)) == (done < 20)


# other worlds


def regret_of(tmp_path, effects, free=()):
    text = STUDY.replace("seeds = 3", "seeds = 20").replace("months = 24\n", "")
    asked = widening.widened(study(tmp_path, text), None, lambda line: None)
    names = [name for name in asked.scenarios if name.startswith(("rent-cut", "vc-hub", "cash"))]
    costs = {name: 1e8 for name in names if name not in free}
    tables = made_studies.noisy_outcomes(np.random.default_rng(8), effects, costs)
    folder = made_studies.write(tmp_path / "s", plan_of(asked), tables)
    found = evaluate(folder)
    save(found, folder)  # nothing in it that JSON does not know
    return found


def test_a_policy_that_costs_nothing_in_one_world_has_no_regret(tmp_path):
    found = regret_of(tmp_path, {}, free=("rent-cut-in-outside-rises",))
    assert found.regret is None
    assert any(note.startswith("nothing is said of regret") for note in found.notes)


def test_no_policy_surely_has_the_least_regret_where_all_yield_the_same(tmp_path):
    found = regret_of(tmp_path, dict.fromkeys(("rent-cut", "vc-hub"), 20.0))
    assert max(found.regret.probability) < 0.95
    assert found.regret.sentence.startswith("no policy surely has the smallest largest regret")
    assert np.array(found.regret.leads).sum(axis=0) == pytest.approx(1.0)


@pytest.mark.parametrize(("ahead", "said"), [(0.6, 0), (0.96, 1)])
def test_another_world_changes_the_conclusion_only_if_its_leader_is_sure(ahead, said):
    from report_cases import evaluation, policy

    made = evaluation([policy("One", 30.0, 5.0, id="one"), policy("Two", 20.0, 5.0, id="two")])
    regret = made.regret
    leads = tuple(tuple(ahead if share == 1.0 else 1 - ahead for share in row) for row in regret.leads)
    page = Page(dataclasses.replace(made, regret=dataclasses.replace(regret, leads=leads)))
    assert sum("world is" in change.condition.en for change in changes(page)) == said


# where a policy fails


def vectors_of(tmp_path, seeds, price_rmb, effect=5.0):
    """Return the discovery of a policy that costs 2 M RMB per net startup at each of 60 vectors; cash does nothing."""
    points = tuple({"location.rent_sensitivity": float(x)} for x in np.linspace(0.5, 1.5, 60))
    plan = made_studies.plan_of(("baseline", "rent-cut", "cash-benchmark"), seeds, points=points)
    rng = np.random.default_rng(1)

    def tables(arm):
        row = {name: mean for name, (mean, _sd) in made_studies.OUTCOMES.items()}
        row["startups_region"] += {"baseline": 0.0, "rent-cut": effect + rng.normal(0.0, 10.0)}.get(
            arm.scenario, rng.normal(0.0, 10.0)
        )
        cost = {"baseline": 0.0, "rent-cut": 2e6 * effect}.get(arm.scenario, 1e8)
        return {
            "outcomes": made_studies.outcomes_of(row | {"public_cost_pv_rmb": cost, "public_cost_rmb": cost})
        }

    (found,) = evaluate(made_studies.write(tmp_path / "s", plan, tables), price_rmb).discoveries
    return found


@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_as_many_vectors_fail_as_there_are_not_as_luck_makes(spread):
    rng, told, true, raw = np.random.default_rng(1), 0, 0, 0
    for _study in range(40):
        truth = 5.0 + spread * rng.normal(size=60)
        effects = truth[:, None] + rng.normal(0.0, 10.0, (60, 4))
        told += (freed_of_luck(effects)[0] < 2.5).mean() / 40
        true += (truth < 2.5).mean() / 40
        raw += (effects.mean(axis=1) < 2.5).mean() / 40
    assert told == pytest.approx(true, abs=0.06)
    assert raw > true + 0.04


def test_a_policy_that_reaches_a_price_everywhere_is_said_to_in_spite_of_few_seeds(tmp_path):
    found = vectors_of(tmp_path, 4, 4e6)
    assert found.failures < 10  # of the means over four seeds about 19 of 60 lie beyond the price


def test_one_seed_says_that_luck_counts_as_failure(tmp_path):
    found = vectors_of(tmp_path, 1, 4e6)
    assert found.failures > 10
    assert "luck counts as failure" in found.sentence


def test_a_vector_with_a_failed_seed_is_looked_at_all_the_same():
    effects = np.add.outer(np.linspace(-20.0, 20.0, 30), [3.0, -3.0, 0.0]) + 0.1
    effects[::3, 1] = np.nan
    told, beyond_luck = freed_of_luck(effects)
    assert beyond_luck
    np.testing.assert_allclose(told, np.linspace(-20.0, 20.0, 30) + 0.1, atol=1e-6)


def test_vectors_that_differ_by_luck_alone_reach_a_price_on_the_mean_only():
    points = tuple({"a": float(i)} for i in range(30))
    found = discover("it", points, np.full(30, 5.0), np.full(30, 1e7), 4e6, beyond_luck=False)
    assert "on the mean over 30 parameter vectors" in found.sentence


def test_cash_without_a_verb_of_gain_has_no_price_for_others_to_reach(tmp_path):
    assert vectors_of(tmp_path, 6, None).threshold_rmb == DEFAULT_PRICE_RMB


# seeds that are added


def test_an_evaluation_that_promises_a_verb_for_more_seeds_says_what_looking_again_does(tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut"), 10)
    tables = made_studies.noisy_outcomes(np.random.default_rng(1), {"rent-cut": 3.0})
    found = evaluate(made_studies.write(tmp_path / "s", plan, tables))
    notes = [effect.note for effect in found.policies[0].effects if effect.more_seeds and effect.chip == "◇"]
    assert notes
    assert all(note.endswith("would resolve it, if mean and spread stay") for note in notes)
    assert any("looks again gives chance another try" in note for note in found.notes)


# the order in which runs come


def test_a_policy_that_changes_nothing_does_so_in_whatever_order_the_vectors_come(tmp_path):
    points = tuple({"location.rent_sensitivity": x} for x in (0.8, 0.9, 1.0, 1.1, 1.2))
    plan = made_studies.plan_of(("baseline", "rent-cut"), 6, 12, points=points, keep=("series",))
    region = made_studies.Region(plan, startups=100)

    def tables(arm):
        made = region.tables(arm._replace(scenario="baseline"))
        series, factor = made["series"], 1 + 0.1 * np.sin(1.7 * arm.point + arm.seed)
        for name in ("rd_heads", "capital_rmb", "zone_tenants_m2", "zone_rent_rmb_m2_month"):
            place = series.column_names.index(name)
            series = series.set_column(
                place, series.schema.field(place), pa.array(factor * series[name].to_numpy())
            )
        return {"outcomes": made["outcomes"], "series": series}

    shuffled = list(plan.arms())
    np.random.default_rng(1).shuffle(shuffled)
    with writing(tmp_path / "s", plan) as results:
        for arm in shuffled:
            results.add([RunRecord(arm.run, arm.seed, str(arm), 0.0, tables(arm))])
    effects = evaluate(tmp_path / "s").policy("rent-cut").effects
    assert {effect.mean for effect in effects} == {0.0}
    assert {effect.verb for effect in effects} == {"changes nothing"}
