"""Effects against numbers worked out by hand, and intervals against theory."""

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from sim.additionality import Present, account, landlords_rmb, windfall_rmb
from sim.evaluation.evaluate import evaluate
from sim.evaluation.pairing import ACCOUNT
from sim.intervals import Interval, mean_interval, verdict
from sim.paired import CLUSTERING, FROM_OUTCOMES, METRICS, Comparison
from sim.parameters import SEGMENTS
from sim.places import read_world
from sim.plan import Plan
from sim.record import SERIES
from sim.scenario import Scenario
from sim.store import Failure, RunRecord, Store, writing
from sim.summary import SHORTAGES

ZONES = tuple(read_world("haidian").zone_index)
TREATED, ELSEWHERE = ZONES.index("north-latitude"), ZONES.index("zgc-core") if "zgc-core" in ZONES else 0


def people(*rows):
    """Return who is present: rows of uid, zone, active, subsidy."""
    uid, zone, active, subsidy = zip(*rows, strict=True)
    return Present(np.array(uid, np.uint64), np.array(zone), np.array(active, bool), np.array(subsidy, float))


BASELINE = people(
    (1, 7, True, 0), (2, 7, True, 0), (3, 4, True, 0), (4, 4, True, 0), (5, 7, False, 0), (9, 7, True, 0)
)
#: 1 stays, 2 has closed, 3 has moved in, 6 and 8 are new in the zone, 7 new elsewhere; 4 and 9 are gone
POLICY = people(
    (1, 7, True, 30), (2, 7, False, 10), (3, 7, True, 40), (6, 7, True, 15), (7, 4, True, 0), (8, 7, True, 4), (5, 7, False, 1)
)  # fmt: skip


def test_the_account_of_startups_is_that_worked_out_by_hand():
    assert account(POLICY, BASELINE, np.array([7])) == {
        "gross": 4, "deadweight": 1, "displaced": 1, "attracted": 2, "gained_elsewhere": 1,
        "lost_treated": 2, "lost_elsewhere": 1,
    }  # fmt: skip


def test_windfall_is_what_startups_get_that_were_in_the_zone_anyway_alive_or_not():
    assert windfall_rmb(POLICY, BASELINE, np.array([7])) == (30 + 10 + 1, 100)


def test_subsidy_of_the_baseline_is_no_effect():
    assert windfall_rmb(POLICY, POLICY, np.array([7])) == (0, 0)


def test_landlords_get_the_rise_of_paid_rent_on_subsidised_space():
    names = ("area_m2", "rent_bill_rmb", "subsidised_area_m2", "subsidy_rmb", "zone_rent_rmb_m2_month")
    baseline = dict(
        zip(names, np.array([[[100.0, 0.0]], [[15_000.0, 0.0]], [[0, 0]], [[0, 0]], [[1, 140]]]), strict=True)
    )
    policy = dict(
        zip(
            names,
            np.array([[[200.0, 50.0]], [[32_000.0, 7_500.0]], [[80.0, 50.0]], [[6_400, 3_600]], [[1, 1]]]),
            strict=True,
        )
    )
    # 160 instead of 150 paid on 80 m2; 150 instead of a market rent of 140 on 50 m2
    assert landlords_rmb(policy, baseline) == (80 * 10 + 50 * 10, 10_000)


def test_the_interval_is_students():
    values = np.array([3.0, 5.0, -1.0, 4.0, 6.5, 2.0])
    low, high = scipy.stats.t.interval(0.95, 5, values.mean(), scipy.stats.sem(values))
    found = mean_interval(values)
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high), rel=1e-12)


@pytest.mark.parametrize("pairs", [5, 20])
def test_the_interval_covers_the_truth_in_95_of_100_samples(pairs):
    samples = np.random.default_rng(7).normal(3.0, 12.0, size=(4_000, pairs))
    found = [mean_interval(sample) for sample in samples]
    covered = np.mean([i.low <= 3.0 <= i.high for i in found])
    assert 0.94 < covered < 0.96


def test_few_or_equal_values():
    assert mean_interval(np.array([])) == Interval()
    assert mean_interval(np.array([1.0, 2.0, 3.0, 4.0])) == Interval(2.5)
    assert mean_interval(np.full(6, 0.1)) == Interval(0.1, 0.1, 0.1)
    assert mean_interval(np.zeros(6)) == Interval(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("interval", "chip", "verb"),
    [
        ((40, 30, 50), "▲", "adds"),
        ((7, 5, 9), "▲", "adds a little"),
        ((-40, -50, -30), "▼", "loses"),
        ((-7, -9, -5), "▼", "loses a little"),
        ((1, -4, 6), "＝", "changes by less than 10"),
        ((1, -14, 16), "◇", "not resolved"),
        ((0, 0, 0), "＝", "changes nothing"),
        ((5, None, None), "–", "provisional"),
        ((None, None, None), "–", "provisional"),
    ],
)
def test_the_interval_picks_the_verb(interval, chip, verb):
    said = verdict(*interval)
    assert (said.chip, said.verb) == (chip, verb)


def test_an_unresolved_effect_says_how_many_more_seeds_halve_its_interval():
    assert verdict(1, -20, 22, pairs=20).note == "60 more seeds narrow it to ±10.5"


OUTCOMES = (
    "startups_region", "listed_region", "registered_region", "heads_region", "rd_heads_region",
    "production_heads_region", "entries", "failures", "acquisitions", "listings", "departures", "moves", "deals",
    "capital_rmb", "founded_outside", "public_cost_rmb", "public_cost_pv_rmb", "guided_rmb", "landed",
    "production_outside_heads", "reservations", "applications", "top_founders_10y", "last_stage_region",
)  # fmt: skip


def hand_made(run, seed, here, there, subsidy, cost, extra):
    """Return a run of one month: uids in the treated zone and elsewhere, their subsidy, what it cost."""
    shape = (1, len(ZONES), len(SEGMENTS))
    month, zone, segment = (index.ravel() for index in np.indices(shape))
    series = {"month": month, "zone": [ZONES[z] for z in zone], "segment": [SEGMENTS[s] for s in segment]}
    for column in SERIES:
        values = np.zeros(shape)
        if column.name == "startups":
            values[0, TREATED, 1], values[0, ELSEWHERE, 0] = len(here), len(there)
        if column.name == "zone_tenants_m2":
            values[0] = 50.0 - extra
        if column.name == "zone_stock_m2":
            values[0] = 1000.0
        series[column.name] = values.ravel()
    uids = [*here, *there]
    presence = {
        "step": pa.array([1] * len(uids), pa.int32()),
        "uid": pa.array(uids, pa.uint64()),
        "zone": pa.array([ZONES[TREATED]] * len(here) + [ZONES[ELSEWHERE]] * len(there)).dictionary_encode(),
        "stage": pa.array([0] * len(uids), pa.int8()),
        "status": pa.array(["active"] * len(uids)).dictionary_encode(),
        "rd_heads": [4.0] * len(uids),
        "subsidy_rmb": [float(subsidy)] * len(here) + [0.0] * len(there),
    }
    outcomes = dict.fromkeys(n for n in FROM_OUTCOMES if n.startswith("top_")) | dict.fromkeys(OUTCOMES, 0.0)
    outcomes |= dict.fromkeys(CLUSTERING)
    outcomes |= {"startups_region": float(len(uids)), "public_cost_rmb": cost}
    outcomes |= {f"cap_{name}": 0 for name in SHORTAGES}
    outcomes |= {"public_cost_pv_rmb": cost}  # paid in the first month
    tables = {
        "outcomes": pa.Table.from_pylist([outcomes]),
        "series": pa.table(series),
        "presence": pa.table(presence),
        "costs": pa.table({"month": [0], "cost_rmb": [cost], "served": [4.0], "refused": [1.0]}),
    }
    return RunRecord(run, seed, run, 0.0, tables)


@pytest.fixture
def comparison(tmp_path):
    """Return a comparison whose startups are written by hand: five seeds, one policy."""
    # 3 has moved in, 6 and 7 are new there, 8 is new elsewhere, 5 is gone; from seed 3 on one more
    return compared(tmp_path, lambda seed: [4, 8] + [9] * (seed >= 3))


def compared(folder, elsewhere):
    """Return a comparison of five pairs; `elsewhere` returns who is outside the treated zone with the policy."""
    scenarios = {s: Scenario.load(s) for s in ("baseline", "rent-cut")}
    contents = {
        s: {"fingerprint": x.fingerprint, "content": x.model_dump(mode="json", by_alias=True)}
        for s, x in scenarios.items()
    }
    plan = Plan("baseline", contents, (1, 2, 3, 4, 5, 6), 1, "by hand")
    with writing(folder, plan) as results:
        for seed in plan.seeds[:5]:
            without = hand_made(plan.run_id("baseline", seed), seed, [1, 2], [3, 4, 5], 0, 0.0, 0)
            there = elsewhere(seed)
            policy = hand_made(plan.run_id("rent-cut", seed), seed, [1, 2, 3, 6, 7], there, 10, 60.0, 2.0)
            results.add([without, policy])
        results.add([hand_made(plan.run_id("baseline", 6), 6, [1], [], 0, 0.0, 0)])
        results.fail(Failure(plan.run_id("rent-cut", 6), "rent-cut", 6, "no firm left"))
    return Comparison(Store(folder))


def test_the_whole_table_is_that_worked_out_by_hand(comparison):
    found = comparison.intervals["rent-cut"]
    assert comparison.pairs("rent-cut") == comparison.seeds == (1, 2, 3, 4, 5)
    low, high = scipy.stats.t.interval(0.95, 4, 2.6, scipy.stats.sem([2, 2, 3, 3, 3]))
    net = found["startups_region"]
    assert (net.mean, net.low, net.high) == pytest.approx((2.6, low, high))
    exact = {
        "startups_treated_zones": 3.0, "displaced_startups": 1.0, "attracted_startups": 2.0, "public_cost_rmb": 60.0,
        "lost_elsewhere_startups": 1.0, "lost_treated_startups": 0.0, "other_tenants_m2_region": -2.0 * len(ZONES),
    }  # fmt: skip
    assert {name: found[name] for name in exact} == {n: Interval(v, v, v) for n, v in exact.items()}
    assert found["displaced_share_of_gain"].mean == pytest.approx(1 / 3)
    assert found["windfall_share"].mean == pytest.approx(20 / 50)
    assert found["cost_per_net_startup_rmb"].mean == pytest.approx(60 / 2.6)
    assert found["landlord_capture"] == Interval()


def test_levels_stand_apart_and_name_the_seeds_that_are_missing(comparison):
    told = comparison.to_dict()
    levels = told["levels"]["rent-cut"]
    assert (levels["pairs"], levels["missing_seeds"]) == (5, [6])
    assert levels["gross_startups"]["mean"] == 5
    assert levels["deadweight_startups"]["mean"] == 2
    assert levels["metrics"]["startups_region"]["baseline_mean"] == 5
    assert levels["metrics"]["startups_region"]["same_sign_share"] == 1
    assert list(told["scenarios"]["rent-cut"]) == list(METRICS)
    assert set(told) == {"baseline", "seeds", "months", "scenarios", "controls", "levels"}


def test_arrays_for_figures_are_in_the_order_of_seeds_zones_and_months(comparison):
    zones = comparison.by_zone("rent-cut", -1)
    assert zones.shape == (5, len(ZONES))
    assert zones[:, TREATED].tolist() == [5] * 5
    assert comparison.path("rent-cut").tolist() == [[7], [7], [8], [8], [8]]


def test_an_account_that_does_not_add_up_is_an_error(comparison):
    comparison._read.found["account"][1, 0, ACCOUNT.index("attracted")] += 1
    with pytest.raises(RuntimeError, match="does not add up"):
        _ = comparison.intervals


def test_the_text_leads_with_the_net_of_the_region(comparison):
    first = comparison.table().splitlines()[0]
    told = "adds a little: +2.6 startups to the region by the end of month 1 (95 % interval 1.9 to 3.3)"
    assert first.startswith(f"rent-cut: {told}")
    assert "+3.0 in its zones, where 33 % of the newcomers would have been elsewhere" in first


def test_a_comparison_says_what_the_evaluation_of_its_folder_says(comparison):
    found = evaluate(comparison.folder)
    (policy,) = found.policies
    assert comparison.table().splitlines()[0] == f"rent-cut: {policy.sentence}"
    for metric, unit in METRICS.items():
        effect = policy.effect(metric, 1)
        if effect is not None:
            assert comparison.verdict("rent-cut", metric).verb == effect.verb, (metric, unit)
            assert comparison.intervals["rent-cut"][metric].mean == pytest.approx(effect.mean)
    price = policy.costs[-1].per_net_startup_rmb
    assert comparison.intervals["rent-cut"]["cost_per_net_startup_rmb"] == Interval(
        price.mean, price.low, price.high
    )


def test_a_price_ends_where_the_interval_of_the_net_effect_does_if_all_seeds_cost_the_same(comparison):
    low, high = scipy.stats.t.interval(0.95, 4, 2.6, scipy.stats.sem([2, 2, 3, 3, 3]))
    found = comparison.intervals["rent-cut"]["cost_per_net_startup_rmb"]
    assert (found.low, found.high) == pytest.approx((60 / high, 60 / low))


def test_an_interval_without_zero_is_no_direction_before_the_correction_for_many_tests(tmp_path):
    found = compared(tmp_path, lambda seed: [4, 8][: (0, 1, 1, 1, 2)[seed - 1]])
    net = found.intervals["rent-cut"]["startups_region"]
    assert scipy.stats.ttest_1samp([0, 1, 1, 1, 2], 0.0).pvalue == pytest.approx(0.034, abs=0.001)
    assert net.excludes_zero  # but it is one of five tests
    assert found.verdict("rent-cut", "startups_region").verb == "changes by less than 10"
    first, row = (
        found.table().splitlines()[0],
        next(line for line in found.table().splitlines() if "startups region" in line),
    )
    assert "adds" not in first
    assert "not among" in first
    assert "▲" not in row


def test_a_series_that_no_figure_shows_is_read_when_it_is_asked_for(comparison):
    np.testing.assert_array_equal(
        comparison.by_zone("rent-cut", -1, "zone_stock_m2"), np.full((5, len(ZONES)), 1000.0)
    )
    tenants = comparison.by_zone("rent-cut", 0, "zone_tenants_m2")
    np.testing.assert_array_equal(tenants, np.full((5, len(ZONES)), 48.0))
    assert comparison.path("rent-cut", "listed").tolist() == [[0]] * 5
