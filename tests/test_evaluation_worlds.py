"""Other parameters, other worlds, other sizes: what may not be pooled, where policies fail, one budget for all."""

import made_studies
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.effects import add_controls
from sim.evaluation import design, sizes, widening
from sim.evaluation.discovery import Sides, Space, chance, discover, find_box
from sim.evaluation.evaluate import evaluate
from sim.evaluation.vectors import decomposed
from sim.levers import Administration, Cash, FundingClimate, PublicSpace
from sim.problems import ScenarioError
from sim.scenario import Scenario
from sim.studies import plan_of
from sim.study_files import Budget, Study

STUDY = """
scenarios = ["baseline", "rent-cut", "vc-hub"]
seeds = 3
months = 24
controls = true
doses = [0.5, 1, 4]
worlds = ["outside-rises", "southern-crowding"]
"""


NOTHING_KEPT = """
[keep]
series = false
presence = false
costs = false
"""


def study(tmp_path, text=STUDY):
    (tmp_path / "study.toml").write_text(text + NOTHING_KEPT, encoding="utf-8")
    return Study.load(tmp_path / "study.toml")


# two uncertainties


@given(st.integers(0, 1000), st.floats(0.0, 5.0), st.floats(0.0, 5.0), st.floats(0.1, 5.0))
@settings(max_examples=20, deadline=None)
def test_the_split_of_the_variance_is_that_of_a_two_way_table(seed, of_vectors, of_seeds, of_pairs):
    rng = np.random.default_rng(seed)
    effects = of_vectors * rng.normal(3, 1, (40, 1)) + of_seeds * rng.normal(0, 1, (1, 8))
    effects = effects + of_pairs * rng.normal(0, 1, (40, 8))
    found, groups, columns = (
        decomposed("startups_region", effects),
        effects.mean(axis=1),
        effects.mean(axis=0),
    )
    rest = ((effects - groups[:, None] - columns + effects.mean()) ** 2).sum() / (39 * 7)
    of_columns = columns.var(ddof=1) - rest / 40  # the variance that all vectors of a seed have in common
    assert found.mean == pytest.approx(effects.mean())
    assert found.seed_sd**2 == pytest.approx(of_columns + rest)
    assert found.vector_sd**2 == pytest.approx(max(groups.var(ddof=1) - rest / 8, 0.0))


def test_more_seeds_narrow_one_uncertainty_and_leave_the_other():
    rng = np.random.default_rng(0)
    vectors, noise = rng.normal(0, 5, (200, 1)), rng.normal(0, 5, (200, 400))
    few, many = (decomposed("startups_region", vectors + noise[:, :n]) for n in (8, 400))
    assert many.seed_high - many.seed_low < 0.3 * (few.seed_high - few.seed_low)
    assert few.vector_sd == pytest.approx(5, rel=0.2)
    assert many.vector_sd == pytest.approx(few.vector_sd, rel=0.1)
    assert 0.4 < many.vector_share < 0.6


def test_what_a_seed_does_to_all_vectors_alike_hides_no_spread_of_the_vectors():
    rng = np.random.default_rng(3)
    of_vectors, of_seeds = rng.normal(0, 1, (20, 1)), np.array([[-4.0, -2.0, 0.0, 2.0, 4.0]])
    plain = of_vectors + rng.normal(0, 0.3, (20, 5))
    quiet, loud = (decomposed("startups_region", plain + k * of_seeds) for k in (0, 1))
    assert loud.vector_sd == pytest.approx(quiet.vector_sd)
    assert (loud.vector_low, loud.vector_high) == pytest.approx((quiet.vector_low, quiet.vector_high))
    assert loud.vector_share < quiet.vector_share


def test_runs_that_failed_move_no_vector_towards_the_seeds_that_it_has():
    of_vectors, of_seeds = np.arange(12.0)[:, None], np.array([[-30.0, -10.0, 0.0, 10.0, 30.0]])
    effects = of_vectors + of_seeds
    effects[[0, 3, 3, 7, 11], [0, 0, 1, 4, 4]] = np.nan
    found = decomposed("startups_region", effects)
    assert (found.vectors, found.seeds) == (12, 5)
    assert found.mean == pytest.approx(5.5)
    assert found.vector_sd == pytest.approx(np.std(np.arange(12.0), ddof=1), rel=0.05)  # weighted by runs
    assert (found.vector_low, found.vector_high) == pytest.approx(
        np.quantile(np.arange(12.0), [0.025, 0.975])
    )
    assert (found.seed_low + found.seed_high) / 2 == pytest.approx(5.5)


def test_a_seed_that_failed_everywhere_takes_no_vector_with_it():
    effects = np.random.default_rng(2).normal(5, 1, (10, 6))
    whole = decomposed("startups_region", effects[:, 1:])
    effects[:, 0] = np.nan
    assert decomposed("startups_region", effects) == whole


def test_the_range_over_parameters_is_that_of_true_effects_not_of_noisy_means():
    rng = np.random.default_rng(4)
    truth = rng.normal(1, 1, (1000, 1))
    found = decomposed("startups_region", truth + rng.normal(0, 4, (1000, 5)))
    low, high = np.quantile(truth, [0.025, 0.975])
    assert found.vector_low == pytest.approx(low, abs=0.4)
    assert found.vector_high == pytest.approx(high, abs=0.4)
    assert found.positive_share == pytest.approx((truth > 0).mean(), abs=0.05)


def test_parameters_that_change_nothing_have_no_range():
    of_seeds, of_pairs = (
        np.array([[-2.0, -1.0, 0.0, 1.0, 2.0]]),
        np.random.default_rng(1).normal(0, 1, (30, 5)),
    )
    found = decomposed("startups_region", of_seeds + of_pairs - of_pairs.mean(axis=1, keepdims=True))
    assert found.vector_sd == found.vector_share == 0
    assert found.vector_low is found.vector_high is found.positive_share is None
    assert found.seed_low < 0 < found.seed_high


def test_one_seed_tells_no_parameter_from_chance():
    found = decomposed("startups_region", np.arange(30.0)[:, None])
    assert found.mean == 14.5
    assert {found.seed_sd, found.vector_sd, found.vector_share, found.vector_low, found.positive_share} == {
        None
    }


def test_parameters_and_seeds_stay_apart_in_a_study_with_a_design(tmp_path):
    points = tuple({"births.outside_pull": 0.1 + 0.01 * i} for i in range(30))
    plan = made_studies.plan_of(("baseline", "rent-cut"), 6, points=points)
    rng = np.random.default_rng(3)
    plain = made_studies.noisy_outcomes(rng, costs={"rent-cut": 1e8})

    def tables(arm):
        row = plain(arm)["outcomes"].to_pylist()[0]
        if arm.scenario == "rent-cut":
            row["startups_region"] += 20.0 - 2.0 * arm.point  # it pays where the pull is weak
        return {"outcomes": made_studies.outcomes_of(row)}

    found = evaluate(made_studies.write(tmp_path / "s", plan, tables))
    row = next(r for r in found.policy("rent-cut").decomposition if r.metric == "startups_region")
    assert (row.vectors, row.seeds) == (30, 6)
    assert row.vector_sd == pytest.approx(np.std(2.0 * np.arange(30), ddof=1), rel=0.1)
    assert row.vector_low < row.seed_low < row.mean < row.seed_high < row.vector_high
    assert row.positive_share == pytest.approx(1 / 3, abs=0.1)
    (discovery,) = found.discoveries
    (box,) = discovery.boxes
    assert box.limits[0].key == "births.outside_pull"
    assert box.limits[0].low == pytest.approx(
        0.15, abs=0.011
    )  # 10 startups for 100 M RMB, 5 vectors from the first
    assert box.density == 1.0


def test_a_study_without_a_design_says_that_it_knows_one_uncertainty_only(tmp_path):
    plan = made_studies.plan_of(("baseline", "rent-cut"), 6)
    found = evaluate(
        made_studies.write(tmp_path / "s", plan, made_studies.noisy_outcomes(np.random.default_rng(1)))
    )
    assert found.policy("rent-cut").decomposition == ()
    assert any("no parameter was varied" in note for note in found.notes)


# where policies fail


def cube(n=400, seed=1):
    rng = np.random.default_rng(seed)
    points = tuple({"a": float(x), "b": float(y), "c": float(z), "word": w} for x, y, z, w in
                   zip(rng.random(n), rng.random(n), rng.random(n), rng.choice(["one", "two", "six"], n), strict=True))  # fmt: skip
    return points, Space.of(points)


def test_a_hidden_box_is_found_with_its_sides_and_no_other():
    _points, space = cube()
    fails = (space.numbers[:, 0] > 0.6) & (space.numbers[:, 1] < 0.5)
    box, _p = find_box(space, fails, np.ones(len(fails), dtype=bool))
    assert box.cut() == [0, 1]
    assert box.low[0] == pytest.approx(0.6, abs=0.05)
    assert box.high[1] == pytest.approx(0.5, abs=0.05)
    assert fails[box.holds(space)].mean() > 0.9
    assert fails[box.holds(space)].sum() > 0.85 * fails.sum()


def test_a_word_can_be_the_side_of_a_box():
    _points, space = cube()
    fails = (space.words[3] == "six") & (space.numbers[:, 2] > 0.3)
    box, _p = find_box(space, fails, np.ones(len(fails), dtype=bool))
    assert box.words == {3: frozenset({"six"})}
    assert box.cut() == [2, 3]


def test_failures_without_a_pattern_have_no_box():
    points, space = cube(seed=2)
    fails = np.random.default_rng(5).random(len(points)) < 0.3
    assert find_box(space, fails, np.ones(len(fails), dtype=bool)) is None


def test_where_nothing_varies_there_is_no_box():
    fails = np.array([True, False, True, False])
    assert find_box(Space.of(({},) * 4), fails, np.ones(4, dtype=bool)) is None


def discovered(n, chance_of_failure, seed):
    """Return where made failures of `n` vectors of eight parameters lie."""
    rng = np.random.default_rng(seed)
    values = rng.random((n, 8))
    fails = rng.random(n) < chance_of_failure(values)
    points = tuple({f"k{j}": float(x) for j, x in enumerate(row)} for row in values)
    return discover("rent-cut", points, np.where(fails, -1.0, 1.0), np.ones(n), threshold=10.0)


def test_a_plain_box_is_found_beyond_the_first_slice_that_makes_nothing_denser():
    studies = [
        discovered(100, lambda values: np.where(values[:, 0] > 0.6, 0.95, 0.1), seed) for seed in range(12)
    ]
    named = [{limit.key for box in found.boxes for limit in box.limits} for found in studies]
    assert sum("k0" in keys for keys in named) >= 11
    assert sum(len(keys - {"k0"}) for keys in named) <= 2


def test_failures_without_a_pattern_have_a_box_in_one_study_of_twenty_at_most():
    studies = [discovered(20, lambda values: np.full(len(values), 0.3), seed) for seed in range(200)]
    found = [study for study in studies if study.boxes]
    assert len(found) <= stats.binom.ppf(0.999, len(studies), 0.05)
    assert all(box.density >= 0.8 and box.p <= 0.05 for study in found for box in study.boxes)
    assert all("no box found with this many vectors" in s.sentence for s in studies if 0 < s.failures < 20 and not s.boxes)  # fmt: skip


def test_a_box_that_chance_could_have_made_is_told_with_its_p():
    points, space = cube(60)
    net = np.where(space.numbers[:, 0] > 0.6, -1.0, 10.0)
    (box,) = discover("rent-cut", points, net, np.full(len(net), 2e7), threshold=5e6).boxes
    assert box.p == 1 / 200  # no dealing out of failures is as telling
    assert "p = 0.005" in box.sentence


def test_a_box_is_told_in_the_words_of_scenario_files_and_with_ends_that_tell_its_range():
    rng = np.random.default_rng(1)
    for key, values, said in (
        ("a", rng.permutation(np.linspace(0.95, 1.05, 60)), "a is at least 1.011"),
        ("b", rng.permutation(np.linspace(2000.0, 2010.0, 60)), "b is at least 2,006.1"),
        ("c", rng.permutation(np.linspace(0.0, 1.0, 60)), "c is at least 0.61"),
        ("d", rng.permutation(np.repeat([True, False], 30)), "d is true"),
    ):
        points = tuple({key: value.item()} for value in values)
        fails = values if values.dtype == bool else values > np.sort(values)[35]
        (box,) = discover("cut", points, np.where(fails, -1.0, 1.0), np.ones(60), 10.0).boxes
        assert f"cut fails where {said}:" in box.sentence


def test_failing_is_costing_more_than_the_price_or_having_no_net_effect_where_that_is_known():
    points = tuple({"a": float(i)} for i in range(40))
    net, cost = np.full(40, 2.0), np.full(40, 20.0)
    assert discover("cut", points, net, cost, threshold=10.0).failures == 0  # it just reaches the price
    cost[25:] = 20.1
    dear = discover("cut", points, net, cost, threshold=10.0)
    assert (dear.failures, dear.boxes[0].limits[0].low) == (15, 25.0)
    net[:5], cost[:5] = 0.0, -1.0
    assert discover("cut", points, net, cost, threshold=10.0).failures == 20
    net[0] = cost[39] = np.nan
    known = discover("cut", points, net, cost, threshold=10.0)
    assert (known.vectors, known.failures) == (38, 18)
    assert (
        discover("cut", points[:20], net[:20], cost[:20], threshold=10.0) is None
    )  # one of twenty is not known


def test_chance_of_a_side_is_that_of_a_binomial_test():
    _points, space = cube()
    fails = space.numbers[:, 0] > 0.7
    box = Sides.open(4).with_side(0, low=0.6)
    inside = box.holds(space)
    test = stats.binomtest(
        int(fails[inside].sum()), int(inside.sum()), float(fails.mean()), alternative="greater"
    )
    assert chance(space, fails, np.ones(len(fails), dtype=bool), box, 0) == pytest.approx(test.pvalue)


def test_coverage_and_density_are_those_of_the_box_in_plain_words():
    points, space = cube()
    net = np.where(space.numbers[:, 0] > 0.6, -1.0, 10.0)
    found = discover("rent-cut", points, net, np.full(len(net), 2e7), threshold=5e6)
    (box,) = found.boxes
    inside = space.numbers[:, 0] >= box.limits[0].low
    assert box.coverage == (net[inside] < 0).sum() / (net < 0).sum()
    assert box.density == (net[inside] < 0).mean()
    assert "a is at least 0.6" in box.sentence
    assert found.failures == (net < 0).sum()


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore")  # theirs
def test_boxes_are_as_good_as_those_of_the_ema_workbench():
    pytest.importorskip("ema_workbench", reason="no EMA workbench: uv sync --group oracles")
    import pandas as pd
    from ema_workbench.analysis import prim

    _points, space = cube(600, seed=4)
    rng = np.random.default_rng(44)
    fails = ((space.numbers[:, 0] > 0.55) & (space.numbers[:, 1] < 0.6)) ^ (rng.random(600) < 0.03)
    theirs = prim.Prim(pd.DataFrame(space.numbers[:, :3], columns=list("abc")), fails).find_box()
    path = theirs.peeling_trajectory
    box, _p = find_box(space, fails, np.ones(600, dtype=bool))
    inside = box.holds(space)
    ours = fails[inside].sum() / fails.sum() * fails[inside].mean()
    assert ours >= (path["coverage"] * path["density"]).max() - 0.02


# other worlds and doses


def test_a_study_is_widened_by_controls_doses_and_worlds(tmp_path):
    found = widening.widened(study(tmp_path), None, print)
    assert {"placebo", "cash-benchmark", "vc-hub-x0.5", "vc-hub-x4", "rent-cut-x0.5"} <= set(found.scenarios)
    assert "rent-cut-x4" not in found.scenarios  # nobody can pay twice the rent
    assert "rent-cut-x1" not in found.scenarios
    assert found.tags["vc-hub-in-outside-rises"] == {"of": "vc-hub", "world": "outside-rises"}
    both = {lever.id for name in ("vc-hub", "outside-rises") for lever in Scenario.load(name).policies}
    assert {lever.id for lever in found.scenarios["vc-hub-in-outside-rises"].policies} == both
    assert (
        found.scenarios["baseline-in-outside-rises"].fingerprint == Scenario.load("outside-rises").fingerprint
    )
    assert widening.widened(found, None, print) is found


def test_a_study_that_asks_for_nothing_more_keeps_its_plan(tmp_path):
    asked = study(tmp_path, 'scenarios = ["baseline", "rent-cut"]\nseeds = 2\n')
    assert widening.widened(asked, None, print) is asked


def test_a_world_with_a_policy_in_it_is_refused_with_its_line(tmp_path):
    with pytest.raises(ScenarioError, match=r"study\.toml:7:\d+: worlds\[1\].*without policy"):
        study(tmp_path, STUDY.replace("southern-crowding", "rent-cut"))


@pytest.mark.parametrize(("where", "left"), [("mine", ["baseline-in-winter"]), ("baseline", [])])
def test_a_development_never_takes_the_place_of_a_lever_with_its_id(where, left):
    square = PublicSpace(
        id="same", kind="public-space", from_="2025-01", zones=("wudaokou",), attraction_utils=0.1
    )
    winter = FundingClimate(id="same", kind="funding-climate", from_="2025-01", factor=0.5)
    plain = Scenario.load("baseline")
    scenarios = {"baseline": plain, "mine": plain}
    scenarios[where] = with_lever(plain, square)
    told, tags = [], {}
    widening._add_worlds({"winter": with_lever(plain, winter)}, scenarios, ["mine"], tags, told.append)
    assert [name for name in scenarios if "in-winter" in name] == list(tags) == left
    assert [line.split(":")[0] for line in told] == [f"{where}-in-winter is left out"]


def test_regret_is_what_the_best_policy_of_a_world_does_better(tmp_path):
    asked = widening.widened(
        study(tmp_path, STUDY.replace("seeds = 3", "seeds = 20").replace("months = 24\n", "")), None, print
    )
    truth = {"rent-cut": 50.0, "vc-hub": 20.0, "rent-cut-in-outside-rises": 0.0, "vc-hub-in-outside-rises": 20.0,
             "rent-cut-in-southern-crowding": 30.0, "vc-hub-in-southern-crowding": 20.0}  # fmt: skip
    costs = {name: 1e8 for name in asked.scenarios if name.startswith(("rent-cut", "vc-hub", "cash"))}
    rng = np.random.default_rng(8)
    tables = made_studies.noisy_outcomes(rng, truth, costs)
    found = evaluate(made_studies.write(tmp_path / "s", plan_of(asked), tables)).regret
    assert found.worlds == ("", "outside-rises", "southern-crowding")
    regret = dict(zip(found.policies, found.regret, strict=True))
    assert regret["vc-hub"] == pytest.approx((30, 0, 10), abs=12)
    assert regret["rent-cut"] == pytest.approx((0, 20, 0), abs=12)
    assert found.minimax == "rent-cut"
    assert all(min(row) >= 0 for row in found.regret)
    assert sum(found.probability) == pytest.approx(1.0)


def test_doses_are_compared_with_the_same_baseline(tmp_path):
    asked = widening.widened(study(tmp_path, STUDY.replace("worlds", "# worlds")), None, print)
    truth = {"vc-hub-x0.5": 10.0, "vc-hub": 20.0, "vc-hub-x4": 40.0}
    costs = {"vc-hub-x0.5": 5e7, "vc-hub": 1e8, "vc-hub-x4": 4e8}
    tables = made_studies.noisy_outcomes(np.random.default_rng(9), truth, costs)
    asked = asked.__class__(**{**asked.__dict__, "seeds": tuple(range(1, 21))})
    found = evaluate(made_studies.write(tmp_path / "s", plan_of(asked), tables))
    doses = found.policy("vc-hub").doses
    assert [dose.factor for dose in doses] == [0.5, 1.0, 4.0]
    assert [dose.net_startups.mean for dose in doses] == pytest.approx([10, 20, 40], abs=4)
    assert {policy.id for policy in found.policies} == {"rent-cut", "vc-hub", "placebo", "cash-benchmark"}


# one budget for all


@pytest.mark.parametrize(
    "name", ["rent-cut", "vc-hub", "jingxi", "north-latitude", "ten-measures", "cash-benchmark"]
)
def test_sizes_grow_together_and_once_is_the_same_policy(name):
    scenario = Scenario.load(name)
    assert sizes.scaled(scenario, 1.0) is scenario
    assert sizes.has_size(scenario)
    most = sizes.largest(scenario)
    assert most >= 1.0
    sizes.scaled(scenario, most)
    if most < sizes.MOST:
        with pytest.raises(ScenarioError):
            sizes.scaled(scenario, 1.01 * most)


def test_new_space_is_sized_to_the_budget_without_a_run():
    budget = Budget(present_value_rmb=1e8, years=5)
    factor, cost, reason = widening.size_for(Scenario.load("north-space"), budget, (1,))
    assert reason == ""
    assert cost == pytest.approx(1e8, rel=0.011)
    trial = widening.Trial(Scenario.load("north-space"), budget, (1,))
    assert trial.cost(2 * factor) == pytest.approx(2 * cost)


@given(st.floats(0.3, 2.5), st.floats(5.0, 9.5))
@settings(max_examples=40, deadline=None)
def test_the_search_meets_any_cost_that_grows_with_the_size(power, target):
    class Curve(widening.Trial):
        def cost(self, factor):
            return self.costs.setdefault(factor, 1e7 * factor**power)

    real = widening.Trial
    widening.Trial = Curve
    try:
        scenario = Scenario.load("vc-hub")
        factor, cost, reason = widening.size_for(scenario, Budget(present_value_rmb=10**target), (1,))
    finally:
        widening.Trial = real
    most = 1e7 * sizes.largest(scenario) ** power
    if 10**target > 1.01 * most:
        assert (factor, reason[:16]) == (None, "it costs at most")
    elif 10**target > 1e7 * (1 / sizes.MOST) ** power * 1.01:
        assert cost == pytest.approx(10**target, rel=0.011)


@pytest.mark.parametrize(("budget", "factor"), [(5e5, None), (1e5, None), (6e5, 0.4), (6.2e5, 0.4)])
def test_whole_places_that_meet_no_budget_are_left_out_of_the_comparison(monkeypatch, budget, factor):
    class Places(widening.Trial):
        def cost(self, factor):
            return self.costs.setdefault(factor, 3e5 * round(5 * factor))

    monkeypatch.setattr(widening, "Trial", Places)
    found, cost, reason = widening.size_for(Scenario.load("vc-hub"), Budget(present_value_rmb=budget), (1,))
    if factor is None:
        assert (found, cost, reason[:8]) == (None, None, "it costs")
    else:
        assert (round(5 * found), cost, reason) == (round(5 * factor), 6e5, "")


def test_policies_that_cannot_be_sized_are_named():
    budget = Budget(present_value_rmb=1e8)
    assert widening.size_for(Scenario.load("hardware-leaves"), budget, (1,))[2] == "its levers have no size"
    space = Scenario.load("north-space")
    free = space.with_values({f"policies.{lever.id}.cost_rmb_m2": 0.0 for lever in space.policies})
    assert widening.size_for(free, budget, (1,))[2] == "it costs the public nothing"


def test_a_plan_has_the_scenarios_of_the_study_whose_sizes_it_does_not_search_for(tmp_path, monkeypatch):
    asked = study(tmp_path, STUDY.replace("24", "60") + "equal_budget = { present_value_rmb = 1e8 }\n")
    planned = widening.widened(asked, None, print)
    monkeypatch.setattr(widening, "size_for", lambda *_given: pytest.fail("searched"))
    told = []
    dry = widening.widened(asked, tmp_path / "out", told.append, search=False)
    assert "not searched for yet" in told[0]
    monkeypatch.setattr(widening, "size_for", lambda *_given: (1.0, 1e8, ""))
    done = widening.widened(asked, tmp_path / "out", print)
    assert list(planned.scenarios) == list(dry.scenarios) == list(done.scenarios)
    assert "cash-benchmark-x0.5" in done.scenarios
    again = widening.widened(asked, tmp_path / "out", print, search=False)
    assert plan_of(again).sha == plan_of(done).sha


def test_sizes_that_were_found_are_used_again(tmp_path, monkeypatch):
    text = (
        STUDY.replace("worlds", "# worlds").replace("24", "60")
        + "equal_budget = { present_value_rmb = 1e8 }\n"
    )
    text = text.replace('"rent-cut", "vc-hub"', '"north-space"').replace("controls = true", "")
    first = widening.widened(study(tmp_path, text), tmp_path / "out", print)
    asked = []
    monkeypatch.setattr(widening, "size_for", lambda *given: asked.append(given))
    second = widening.widened(study(tmp_path, text), tmp_path / "out", print)
    assert plan_of(first).sha == plan_of(second).sha
    assert not asked
    assert first.tags["north-space"]["budget"]["found_rmb"] == pytest.approx(1e8, rel=0.011)
    assert first.scenarios["north-space"].fingerprint != Scenario.load("north-space").fingerprint


@pytest.mark.slow
def test_a_rent_cut_is_sized_by_runs(tmp_path):
    budget = Budget(present_value_rmb=3e6, years=1)
    factor, cost, reason = widening.size_for(Scenario.load("rent-cut"), budget, (1, 2))
    assert reason == ""
    assert cost == pytest.approx(3e6, rel=0.02)
    assert 0 < factor < 2.01


@pytest.mark.parametrize(
    ("ids", "differ"), [(("baseline", "rent-cut"), False), (("baseline", "rent-cut", "north-space"), True)]
)
def test_policies_are_said_to_spend_different_amounts_where_there_are_two(tmp_path, ids, differ):
    draw = made_studies.noisy_outcomes(np.random.default_rng(1))
    notes = evaluate(made_studies.write(tmp_path / "s", made_studies.plan_of(ids, 6), draw)).notes
    assert any("policies spend different amounts" in note for note in notes) is differ
    assert [all(way in note for way in ("controls = true", "--no-controls", "on the page"))
            for note in notes if "beside the policies" in note] == [True, True]  # fmt: skip


# what a policy changes where its baseline has levers of its own


def with_lever(scenario, lever):
    return scenario.with_values({f"policies.{lever.id}": lever}).model_copy(update={"id": lever.id})


def members_of(scenarios, controls=()):
    tags = {name: {"control": True} for name in controls}
    return {member.id: member for member in design.members(made_studies.plan_of(scenarios, 5, tags=tags))}


def test_the_controls_of_a_baseline_with_levers_are_controls():
    scenarios = {"rent-cut": Scenario.load("rent-cut"), "north-space": Scenario.load("north-space")}
    found = members_of(scenarios, add_controls(scenarios))
    assert {name: member.role for name, member in found.items()} == {
        "rent-cut": "baseline", "north-space": "policy", "placebo": "placebo", "cash-benchmark": "cash"
    }  # fmt: skip


def test_cash_for_some_founders_is_a_policy_and_not_the_benchmark():
    baseline = Scenario.load("baseline")
    some = Cash(id="some", kind="cash", from_="2025-07", segments=("MODEL",), amount_rmb=5e5)
    scenarios = {"baseline": baseline, "some": with_lever(baseline, some)}
    found = members_of(scenarios, add_controls(scenarios))
    assert (found["some"].role, found["cash-benchmark"].role) == ("policy", "cash")


def test_zones_and_months_of_a_policy_are_those_of_its_own_levers():
    cut, space = Scenario.load("rent-cut"), Scenario.load("north-space")
    both = cut.with_values({f"policies.{lever.id}": lever for lever in space.policies})
    found = members_of({"rent-cut": cut, "both": both})["both"]
    assert [made_studies.ZONES[z] for z in design.treated(found, made_studies.ZONES)] == list(
        space.treated_zones
    )
    assert len(design.paid_in(found, made_studies.ZONES)) == 0  # nobody is paid for moving into new space
    assert not found.paid_months(120)[-1]  # the cut of both goes on to the end


def test_one_budget_is_that_of_a_policys_own_levers():
    offices = Administration(
        id="offices", kind="administration", from_="2025-01", appeal_utils=0.1, cost_rmb_month=1e7
    )
    square = PublicSpace(id="square", kind="public-space", from_="2025-01", zones=("wudaokou",), attraction_utils=0.1,
                         cost_rmb_month=1e5)  # fmt: skip
    baseline = with_lever(Scenario.load("baseline"), offices)
    policy = with_lever(baseline, square)
    budget = Budget(present_value_rmb=1e7, years=5)
    factor, cost, reason = widening.size_for(policy, budget, (1,), baseline)
    assert (cost, reason) == (pytest.approx(1e7, rel=0.01), "")
    sized = {lever.id: lever for lever in sizes.scaled(policy, factor, baseline).policies}
    assert sized["offices"] == offices
    monthly = (1.05 ** (-np.arange(60) / 12)).sum() * sized["square"].cost_rmb_month
    assert monthly == pytest.approx(1e7, rel=0.01)


def test_a_placebo_has_no_size_whatever_levers_the_baseline_has(tmp_path, monkeypatch):
    text = STUDY.replace('"baseline", "rent-cut", "vc-hub"', '"rent-cut", "vc-hub"').replace("24", "60")
    text = text.replace("worlds", "# worlds") + "equal_budget = { present_value_rmb = 1e8 }\n"
    monkeypatch.setattr(widening, "size_for", lambda *_given: (1.0, 1e8, ""))
    asked = widening.widened(study(tmp_path, text), tmp_path / "out", print)
    assert [name for name, tag in asked.tags.items() if "budget" in tag] == ["cash-benchmark", "vc-hub"]
    assert [name for name in asked.scenarios if name.startswith("placebo")] == ["placebo"]


def test_what_is_assumed_of_the_levers_of_both_is_not_said_of_a_policy(tmp_path):
    square = PublicSpace(
        id="square", kind="public-space", from_="2025-01", zones=("wudaokou",), attraction_utils=0.1
    )
    offices = Administration(id="offices", kind="administration", from_="2025-01", appeal_utils=0.1)
    baseline = with_lever(Scenario.load("baseline"), square)
    plan = made_studies.plan_of({"square": baseline, "offices": with_lever(baseline, offices)}, 6)
    drawn = made_studies.noisy_outcomes(np.random.default_rng(1))
    said = evaluate(made_studies.write(tmp_path / "s", plan, drawn)).policy("offices").caution
    assert said == "assumed, not estimated: offices: the whole effect"
