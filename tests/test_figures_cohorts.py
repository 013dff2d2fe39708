"""Cohorts, funnels, survival and states of zones are what hand-made runs say they are."""

import dataclasses

import numpy as np
import pytest

from sim.figures.cohorts import (
    BOUGHT,
    FAILED,
    HERE,
    MOVED_AWAY,
    NO_ROUND,
    Cohort,
    Funnel,
    Survival,
    product_limit,
)
from sim.figures.states import ZoneState, startups_by_segment, startups_by_zone
from sim.ledger import ACQUIRED, ACTIVE, CLOSED, DORMANT, LEFT, LISTED, NEVER
from sim.parameters import SEGMENTS
from sim.record import POSITION, SERIES

OPC, APP, MODEL, EMB = range(4)
LEDGER = [("uid", "u8"), ("born", "i4"), ("ended", "i4"), ("status", "i1"), ("segment", "i1")]
DEALS = [("uid", "u8"), ("month", "i4"), ("stage", "i1"), ("segment", "i1")]


@dataclasses.dataclass
class MadeUpRun:
    """What figures read of a run."""

    rows: dict
    deal_rows: np.ndarray
    arrays: dict = dataclasses.field(default_factory=dict)
    months: int = 12
    first_month: int = 0
    seed: int = 1
    scenario_id: str = "made-up"
    fingerprint: str = "0123456789"
    start: str = "2025-01"
    zones: tuple = ("a", "b")


def run_of(startups, deals=(), **fields):
    """Return a run from (uid, born, ended, status, segment) and (uid, month, stage, segment)."""
    run = MadeUpRun({}, np.array([tuple(deal) for deal in deals], dtype=DEALS), **fields)
    ledger = np.array([tuple(startup) for startup in startups], dtype=LEDGER)
    run.rows = {run.first_month + run.months: ledger}
    return run


def stayed(uid, born=0, segment=APP):
    return (uid, born, NEVER, ACTIVE, segment)


def went(uid, ended, status, born=0, segment=APP):
    return (uid, born, ended, status, segment)


TEN = [
    stayed(1), stayed(2, born=3), (3, 1, NEVER, LISTED, APP), went(4, 2, DORMANT), went(5, 5, CLOSED, born=2),
    went(6, 8, ACQUIRED), went(7, 6, LEFT, born=3), stayed(8), stayed(9), stayed(10),
    stayed(11, born=4), stayed(12, born=-1), went(13, 3, DORMANT, born=-7),
]  # fmt: skip


def test_a_cohort_holds_the_entrants_of_its_months_and_nobody_else():
    cohort = Cohort.of([run_of(TEN)], entry_months=4)
    assert len(cohort) == 10  # not those born in month 4 or before the record
    assert cohort.followed == 8
    assert cohort.observed.tolist() == [11, 8, 10, 11, 9, 11, 8, 11, 11, 11]


def test_ages_and_fates_are_those_of_the_ledger():
    cohort = Cohort.of([run_of(TEN)], entry_months=4)
    assert cohort.fate.tolist() == [HERE, HERE, HERE, FAILED, FAILED, BOUGHT, MOVED_AWAY, HERE, HERE, HERE]
    assert cohort.age.tolist() == [11, 8, 10, 2, 3, 8, 3, 11, 11, 11]
    assert cohort.listed.tolist() == [False, False, True] + [False] * 7


def test_a_record_that_begins_later_counts_its_own_entrants_only():
    startups = [stayed(1, born=12), stayed(2, born=11), went(3, 15, DORMANT, born=13)]
    cohort = Cohort.of([run_of(startups, first_month=12)], entry_months=3)
    assert cohort.observed.tolist() == [11, 10]
    assert cohort.age.tolist() == [11, 2]


@pytest.mark.parametrize(("months", "entry"), [(120, 24), (72, 24), (36, 12), (12, 4), (2, 1)])
def test_a_cohort_enters_in_two_years_or_a_third_of_a_short_record(months, entry):
    cohort = Cohort.of([run_of([stayed(1)], months=months)])
    assert (cohort.entry_months, cohort.followed) == (entry, months - entry)


def test_the_segment_at_entry_is_that_of_the_first_deal():
    startups = [stayed(1, segment=APP), stayed(2, segment=APP), stayed(3, segment=OPC)]
    deals = [(1, 5, 1, APP), (1, 2, 0, OPC), (2, 4, 0, APP), (99, 1, 0, EMB)]
    cohort = Cohort.of([run_of(startups, deals)], entry_months=1)
    assert cohort.segment.tolist() == [OPC, APP, OPC]
    assert len(cohort.of_segment(OPC)) == 2


def test_rounds_are_dated_from_entry_and_the_last_stage_by_its_first_round():
    startups = [stayed(7, born=1), stayed(5)]
    deals = [(7, 3, 0, APP), (7, 5, 1, APP), (7, 6, 2, APP), (7, 7, 3, APP), (7, 8, 4, APP), (7, 10, 5, APP)]
    cohort = Cohort.of([run_of(startups, deals)], entry_months=2)
    assert cohort.rounds.tolist() == [[2, 4, 5, 6, 7], [NO_ROUND] * 5]


def test_a_funnel_counts_rounds_of_each_stage_within_the_same_time():
    startups = [stayed(uid, born=uid % 2) for uid in range(1, 9)]
    deals = [(1, 2, 0, APP), (1, 11, 1, APP), (2, 10, 0, APP), (3, 11, 0, APP), (4, 11, 0, APP)]
    funnel = Funnel.of(Cohort.of([run_of(startups, deals)], entry_months=2))
    assert funnel.within == 10
    # startup 4 closed its round after 11 months, later than all others are followed
    assert [share.mean for share in funnel.reached] == [3 / 8, 1 / 8, 0, 0, 0]
    assert Funnel.of(Cohort.of([run_of(startups, deals)], 2), within=5).reached[0].mean == 1 / 8


def test_the_interval_of_a_funnel_of_five_runs_covers_the_truth_in_85_of_100_studies():
    rng, covered, studies = np.random.default_rng(6), 0, 200
    for _study in range(studies):
        run = np.repeat(np.arange(5), rng.poisson(100, 5))
        share = rng.normal(0.3, 0.05, 5)[run]
        rounds = np.full((len(run), 5), NO_ROUND)
        rounds[rng.random(len(run)) < share, 0] = 3
        zeros = np.zeros(len(run), dtype=int)
        cohort = Cohort(5, 1, 12, run, zeros, zeros, zeros > 0, zeros, zeros + 12, rounds)
        found = Funnel.of(cohort).reached[0]
        covered += found.low <= 0.3 <= found.high
    assert covered / studies > 0.85  # plain quantiles reach 0.80, with an error of 0.03


def test_a_funnel_of_several_runs_is_a_ratio_of_sums_with_an_interval_from_five_on():
    runs = [
        run_of([stayed(uid) for uid in range(10 * (seed + 1))], [(0, 1, 0, APP)], seed=seed)
        for seed in range(5)
    ]
    share = Funnel.of(Cohort.of(runs, entry_months=1)).reached[0]
    assert share.mean == pytest.approx(5 / 150)  # not the mean of 1/10, 1/20, ...
    assert share.low < share.mean < share.high
    assert Funnel.of(Cohort.of(runs[:4], entry_months=1)).reached[0].low is None


def test_shares_of_a_cohort_followed_to_the_end_are_plain_counts():
    survival = Survival.of(Cohort.of([run_of(TEN)], entry_months=4))
    assert survival.ages.tolist() == list(range(9))
    assert survival.not_failed.mean == pytest.approx([1, 1, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8])
    assert survival.not_left.mean == pytest.approx([1, 1, 0.9, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7])
    assert survival.here.mean == pytest.approx([1, 1, 0.9, 0.7, 0.7, 0.7, 0.7, 0.7, 0.6])
    assert survival.listed == 0.1


def test_who_was_acquired_never_fails():
    """Censored at its acquisition, startup 2 would leave the risk set and the failure weigh 1/1, not 1/2."""
    startups = [went(1, 8, DORMANT), went(2, 4, ACQUIRED)]
    survival = Survival.of(Cohort.of([run_of(startups)], entry_months=1))
    assert survival.not_failed.mean[-1] == 0.5
    assert survival.here.mean[-1] == 0


def test_shares_stay_nested_where_late_entrants_are_censored():
    rng = np.random.default_rng(3)
    startups = [
        went(uid, born + rng.integers(1, 12 - born), rng.choice([DORMANT, LEFT, ACQUIRED]), born=born)
        if uid % 3
        else stayed(uid, born)
        for uid, born in enumerate(rng.integers(0, 8, 300).tolist())
    ]
    survival = Survival.of(Cohort.of([run_of(startups)], entry_months=8), months=11)
    assert np.all(survival.not_failed.mean >= survival.not_left.mean)
    assert np.all(survival.not_left.mean >= survival.here.mean)
    assert np.all(np.diff(survival.here.mean) <= 0)


def test_the_product_limit_is_that_of_a_textbook():
    """Remission under 6-MP (Freireich 1963), with Greenwood's standard error as printed in textbooks."""
    time = np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35])
    relapse = np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    band = product_limit(time, relapse, np.array([0, 6, 7, 10, 13, 16, 22, 23]))
    expected = [1, 0.857143, 0.806723, 0.752941, 0.690196, 0.627451, 0.537815, 0.448179]
    assert band.mean == pytest.approx(expected, abs=1e-6)
    error = 0.0764 / (0.857143 * np.log(0.857143))  # of log(-log S) at 6 weeks
    limits = [0.857143 ** np.exp(sign * 1.959964 * error) for sign in (-1, 1)]
    assert sorted(limits) == pytest.approx([band.low[1], band.high[1]], abs=2e-3)


def test_the_product_limit_has_no_interval_where_nothing_happened():
    band = product_limit(np.array([3, 4]), np.array([False, False]), np.arange(4))
    assert band.mean.tolist() == [1, 1, 1, 1]
    assert np.isnan(band.low).all()


def test_survival_of_five_runs_is_the_mean_over_runs_with_their_interval():
    runs = [
        run_of([went(uid, 2, DORMANT) if uid < failed else stayed(uid) for uid in range(10)], seed=failed)
        for failed in range(5)
    ]
    band = Survival.of(Cohort.of(runs, entry_months=1)).not_failed
    assert band.mean[-1] == pytest.approx(0.8)
    half = 2.776445 * np.std([0, 0.1, 0.2, 0.3, 0.4], ddof=1) / np.sqrt(5)
    assert (band.low[-1], band.high[-1]) == pytest.approx((0.8 - half, 0.8 + half))
    assert band.high.max() <= 1


def test_four_runs_have_the_interval_of_their_startups_together():
    startups = [went(1, 2, DORMANT), stayed(2), stayed(3), stayed(4)]
    runs = [run_of(startups, seed=seed) for seed in range(4)]
    band = Survival.of(Cohort.of(runs, entry_months=1)).not_failed
    once = product_limit(np.array([2] * 4 + [11] * 12), np.array([True] * 4 + [False] * 12), np.arange(12))
    assert band.mean == pytest.approx(once.mean)
    assert band.low == pytest.approx(once.low)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Cohort.of([]), "no run"),
        (lambda: Cohort.of([run_of([stayed(1, born=9)])]), "nobody entered in the first 4 months"),
        (lambda: Cohort.of([run_of([stayed(1)], months=1)]), "cannot be followed in a record of 1 months"),
        (lambda: Cohort.of([run_of([stayed(1)])], entry_months=12), "cannot be followed"),
        (lambda: Cohort.of([run_of([stayed(1)]), run_of([stayed(1)])]), "share a seed"),
        (lambda: Cohort.of([run_of([stayed(1)]), run_of([stayed(1)], seed=2, months=9)]), "differ in months"),
        (lambda: Cohort.of([run_of([stayed(1)])]).of_segment(MODEL), "nobody entered in segment MODEL"),
        (lambda: Funnel.of(Cohort.of([run_of([stayed(1)])]), within=9), "followed for 1 to 8 months"),
        (lambda: Survival.of(Cohort.of([run_of([stayed(1)])]), months=12), "followed for 1 to 11 months"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_a_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def series(months=3, **columns):
    """Return series of two zones and four segments; columns given by zone, or by month and zone."""
    data = np.zeros((months, 2, len(SEGMENTS), len(SERIES)))
    for name, values in columns.items():
        data[..., POSITION[name]] = np.broadcast_to(values, (months, 2))[..., None]
    return {"series": data}


def market_run(rent, seed=1, **more):
    columns = {
        "zone_rent_rmb_m2_month": rent,
        "zone_stock_m2": [200.0, 1000.0],
        "zone_vacant_m2": [50.0, 100.0],
    }
    return run_of([stayed(1)], months=3, seed=seed, arrays=series(**(columns | more)))


def test_rents_and_vacancies_are_read_at_the_end_of_the_month_asked_for():
    run = market_run([[100, 200], [110, 190], [130, 170]])
    assert ZoneState.of([run], 1).rent.mean.tolist() == [100, 200]
    assert ZoneState.of([run], 3).rent.mean.tolist() == [130, 170]
    assert ZoneState.of([run], 3).vacancy.mean.tolist() == [0.25, 0.1]


def test_states_of_five_runs_have_intervals_and_of_four_have_none():
    runs = [market_run([100 + seed, 200], seed=seed) for seed in range(5)]
    state = ZoneState.of(runs, 2)
    assert state.rent.mean.tolist() == [102, 200]
    assert state.rent.low[0] < 102 < state.rent.high[0]
    assert state.rent.low[1] == 200
    assert np.isnan(ZoneState.of(runs[:4], 2).rent.low).all()


def test_a_zone_without_floor_space_has_neither_rent_nor_vacancy():
    state = ZoneState.of([market_run([100, 200], zone_stock_m2=[0.0, 1000.0])], 1)
    assert np.isnan(state.rent.mean[0])
    assert np.isnan(state.vacancy.mean[0])
    assert state.vacancy.mean[1] == 0.1


def test_startups_are_summed_over_the_other_key():
    run = run_of([stayed(1)], months=3, arrays=series(startups=[[1, 2], [3, 4], [5, 6]]))
    assert startups_by_zone([run], 2).tolist() == [[12, 16]]
    assert startups_by_segment([run], 2).tolist() == [[[3] * 4, [7] * 4]]


@pytest.mark.parametrize("months", [0, 4])
def test_a_month_outside_the_record_is_refused(months):
    with pytest.raises(ValueError, match=f"months = {months}: the record has 1 to 3"):
        ZoneState.of([market_run([1, 1])], months)
