"""What stands beside every policy: a placebo, cash, what levers spent, what was announced, the top founders."""

import math
import re

import numpy as np
import pytest
import worlds

import sim.batch
from sim import ClusterModel, Scenario, ScenarioError, compare
from sim.announced import Announced
from sim.controls import CASH, CASH_RMB, PLACEBO, controls
from sim.levers import LEVERS
from sim.processes import births
from sim.record import FATE_STEPS, FATES, fates
from sim.spending import unit_served
from sim.summary import closing_lines

MONTHS = 8


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """Return a function that compares a scenario and the controls with the baseline."""
    monkeypatch.setattr(sim.batch, "compile_kernels", lambda *_a: None)
    options = {"workers": 0, "figures": False, "out": tmp_path, "months": MONTHS}
    return lambda scenario, seeds=2: compare([scenario], seeds=seeds, **options)


def with_levers(**levers) -> Scenario:
    """Return the baseline with levers by id."""
    changes = {f"policies.{name}": {"from": "2025-01"} | values for name, values in levers.items()}
    return Scenario.load("baseline").with_values(changes).model_copy(update={"id": "tried"})


def test_a_placebo_and_cash_stand_beside_the_policies_and_apart_from_them(compared):
    told = compared("rent-cut").to_dict()
    assert list(told["scenarios"]) == ["rent-cut"]
    assert list(told["controls"]) == [PLACEBO, CASH]
    assert told["controls"][PLACEBO]["public_cost_rmb"]["mean"] == 0
    entrants = told["levels"][CASH]["metrics"]["entries"]["policy_mean"]
    assert told["controls"][CASH]["public_cost_rmb"]["mean"] == pytest.approx(entrants * CASH_RMB)


def test_a_control_that_is_named_as_a_policy_stands_once(compared):
    told = compared(controls(Scenario.load("baseline"))[1]).to_dict()
    assert list(told["scenarios"]) == [CASH]
    assert list(told["controls"]) == [PLACEBO]


def test_the_placebo_changes_who_is_liked_and_has_no_effect_in_the_mean():
    scenario = Scenario.load("baseline")
    placebo = controls(scenario)[0]
    gaps = []
    for seed in range(1, 7):
        arms = [ClusterModel.from_scenario(s, seed=seed).run(24) for s in (placebo, scenario)]
        deals = [set(run.deal_rows["uid"].tolist()) for run in arms]
        assert deals[0] != deals[1]
        gaps.append(len(arms[0].deal_rows) - len(arms[1].deal_rows))
    assert abs(np.mean(gaps)) < 3 * max(np.std(gaps, ddof=1), 1.0) / np.sqrt(len(gaps)) + 1


def test_a_lever_for_whom_nobody_is_eligible_is_told_to_have_never_acted(compared):
    scenario = with_levers(
        grant={"kind": "rd-subsidy", "share": 0.1, "zones": ["north-latitude"], "max_stage": 0},
        cash={"kind": "cash", "amount_rmb": 1000.0},
        late={"kind": "cash", "amount_rmb": 1000.0, "from": "2030-01"},
    )
    comparison = compared(scenario, seeds=1)
    idle = comparison.idle_levers()
    assert ("tried", "late") in idle
    assert ("tried", "cash") not in idle
    spent = {row["lever"]: row for row in comparison.to_dict()["levels"]["tried"]["levers"]}
    assert (("tried", "grant") in idle) == (spent["grant"]["served"] == 0)


def test_spent_money_is_shown_beside_the_budget_and_the_refused(compared):
    scenario = with_levers(
        grant={"kind": "rd-subsidy", "share": 0.5, "budget_rmb_year": 3e6},
        desk={"kind": "administration", "appeal_utils": 0.1, "cost_rmb_month": 5e4},
    )
    comparison = compared(scenario)
    rows = {row["lever"]: row for row in comparison.to_dict()["levels"]["tried"]["levers"]}
    assert rows["grant"]["budget_rmb"] == pytest.approx(3e6)  # one calendar year
    assert 0.5 * 3e6 < rows["grant"]["spent_rmb"] <= 3e6
    assert rows["grant"]["refused"] > 1000
    assert rows["desk"]["spent_rmb"] == pytest.approx(5e4 * MONTHS)
    assert rows["desk"]["assumed"] == "the whole effect"
    text = comparison.table()
    assert "tried: grant" in text
    assert "the whole effect" in text


@pytest.mark.parametrize("kind", LEVERS)
def test_what_a_lever_serves_is_known_where_it_is_counted_and_only_there(kind):
    assert (unit_served(kind) != "") == bool(LEVERS[kind].slot)


def test_the_served_of_a_table_have_a_unit(compared):
    comparison = compared(with_levers(
        grant={"kind": "rd-subsidy", "share": 0.5},
        centre={"kind": "compute-centre", "capacity_gpu": 100},
        gift={"kind": "cash", "amount_rmb": 1e5},
    ), seeds=1)  # fmt: skip
    text = comparison.table()
    for lever, unit in (("grant", "startups"), ("centre", "GPU"), ("gift", "entering startups")):
        (line,) = [line for line in text.splitlines() if line.startswith(f"tried: {lever}")]
        assert re.search(rf"[\d.,]+ {unit}  ", line), line
    assert "; 1 seed" in "\n".join(closing_lines(comparison)).splitlines()[-2]


SERIES = {"startups": np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]), "landed": np.ones((3, 2))}


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"series": "startups", "zone": "b", "by": "2025-02"}, 6.0),
        ({"series": "startups", "by": "2025-03"}, 10.0),
        ({"series": "landed", "by": "2025-03", "sum_months": 2}, 4.0),
        ({"series": "landed", "by": "2025-03", "sum_months": 99}, 6.0),
        ({"series": "landed", "by": "2025-04"}, None),
    ],
)
def test_an_announcement_is_read_off_the_series_of_a_run(about, expected):
    promise = Announced(name="x", at_least=1.0, **about)
    assert promise.value(SERIES, ("a", "b"), "2025-01") == expected


def announcing(**values) -> Scenario:
    """Return the baseline with one announcement."""
    about = {"name": "a thousand", "series": "startups", "at_least": 1000.0, "by": "2025-06"} | values
    return with_levers(cash={"kind": "cash", "amount_rmb": 1.0}).with_values({"announced": [about]})


def test_an_announcement_is_no_input(compared):
    plain = with_levers(cash={"kind": "cash", "amount_rmb": 1.0})
    assert announcing().fingerprint == plain.fingerprint
    comparison = compared(announcing())
    (row,) = comparison.to_dict()["levels"]["tried"]["announced"]
    assert (row["probability"], row["baseline_probability"], row["runs"]) == (1.0, 1.0, 2)
    assert "announced: a thousand by 2025-06; reached in 100 % of 2 runs" in comparison.table()


@pytest.mark.parametrize(
    "wrong", [{"zone": "nowhere"}, {"by": "2050-01"}, {"at_least": -1.0}, {"series": "joy"}]
)
def test_an_announcement_that_cannot_be_held_against_a_run_is_refused(wrong):
    with pytest.raises(ScenarioError):
        announcing(**wrong)


def test_the_fates_of_top_founders_add_up_and_the_founders_are_the_same_whatever_the_policy():
    counted = {}
    for name in ("baseline", "rent-cut"):
        model = ClusterModel.from_scenario(Scenario.load(name), seed=3)
        run = model.run(40)
        counts = dict(zip(("number", *FATES), run.arrays["fates"][FATE_STEPS.index(36)], strict=True))
        ends = ("kept", "founded_outside", "left", "acquired", "failed", "no_rooms")
        assert sum(counts[end] for end in ends) == counts["number"] > 5
        assert counts["producing_outside"] <= counts["kept"]
        counted[name] = model.world.talents.rows[["uid", "month", "segment", "origin"]].tolist()
        assert np.isnan(run.arrays["fates"][FATE_STEPS.index(60)]).all()
        assert run.measures()["top_kept_share_5y"][1] is None
        assert run.measures()["top_kept_share_3y"][1] == counts["kept"] / counts["number"]
    assert counted["baseline"] == counted["rent-cut"]


def test_a_hundredth_of_the_potential_founders_is_looked_at(par):
    rates = [births.founding_rate(node, 0.0, par.births) for node in worlds.start_world().nodes]
    expected, found = 0.0, 0
    for seed in (1, 2, 3):
        model = ClusterModel.from_scenario("baseline", seed=seed)
        model.run(60)
        found += len(model.world.talents)
        expected += 0.01 * 60 * sum(rates)
        assert fates(model.world)[0] == len(model.world.talents)
    assert abs(found - expected) < 4 * math.sqrt(expected)


def test_every_kind_says_on_what_it_acts():
    for kind, lever in LEVERS.items():
        assert lever.acts_on.startswith("E"), kind
        assert lever.__doc__, kind
