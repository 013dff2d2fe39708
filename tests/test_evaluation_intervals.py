"""Intervals of paired differences against SciPy, against their definitions, and against the truth."""

import collections
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim.evaluation.accounts import _paid
from sim.evaluation.effects import Table, _more
from sim.evaluation.intervals import (
    Resamples,
    fieller,
    holm,
    mean_of,
    paired,
    seeds_needed,
    share_of,
    spread,
)
from sim.evaluation.words import verb_of
from sim.intervals import FEWEST_PAIRS


def skewed(seed=0, n=30, columns=5):
    rng = np.random.default_rng(seed)
    values = rng.gamma(1.5, 3.0, (n, columns)) - 4
    values[:, -1] = np.round(values[:, -1])
    return values


def test_paired_interval_and_p_are_those_of_scipy():
    values = skewed()
    found, test = paired(values), stats.ttest_1samp(values, 0.0)
    interval = test.confidence_interval(0.95)
    np.testing.assert_allclose(found.low, interval.low, rtol=1e-12)
    np.testing.assert_allclose(found.high, interval.high, rtol=1e-12)
    np.testing.assert_allclose(found.p, test.pvalue, rtol=1e-12)


def test_bootstrap_is_that_of_scipy_on_the_same_draws():
    values = skewed()
    found = Resamples(30, 5000, seed=3).bca(values)
    for k in range(values.shape[1]):
        theirs = stats.bootstrap(
            (values[:, k],),
            np.mean,
            n_resamples=5000,
            method="BCa",
            rng=np.random.default_rng(3),
            confidence_level=2 * stats.norm.cdf(spread(30)) - 1,
        ).confidence_interval
        np.testing.assert_allclose(found[:, k], [theirs.low, theirs.high], rtol=1e-9)


def test_blocks_of_resamples_are_the_same_resamples(monkeypatch):
    values = skewed()
    whole = Resamples(30, 2000).bca(values)
    monkeypatch.setattr("sim.evaluation.intervals._MOST_NUMBERS", 30 * 700)
    np.testing.assert_array_equal(Resamples(30, 2000).bca(values), whole)


def test_a_column_more_changes_no_other_interval():
    values = skewed()
    np.testing.assert_array_equal(Resamples(30).bca(values)[:, :2], Resamples(30).bca(values[:, :2]))


def test_a_policy_without_any_effect_has_an_interval_of_exactly_zero():
    found = paired(np.zeros((8, 1)))
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)
    np.testing.assert_array_equal(Resamples(8).bca(np.zeros((8, 1))), np.zeros((2, 1)))


@pytest.mark.parametrize("n", [5, 8])
def test_equal_differences_are_as_improbable_as_their_signs_and_never_impossible(n):
    values = np.full(n, -3.1)
    means = (np.array(list(itertools.product((-1, 1), repeat=n))) * values).mean(axis=1)
    as_far = np.isclose(np.abs(means), 3.1).mean()
    np.testing.assert_array_equal(paired(values[:, None]).p, [as_far])


def test_seeds_needed_of_equal_differences_are_just_enough():
    tests = np.arange(1, 60)
    needed = seeds_needed(np.full(59, 2.0), np.zeros(59), 1 - 0.05 / tests)
    for n, level in zip(needed.astype(int), 0.05 / tests, strict=True):
        assert paired(np.full((n, 1), 2.0)).p < level
        assert n == FEWEST_PAIRS or not paired(np.full((n - 1, 1), 2.0)).p < level
    assert np.isnan(seeds_needed(np.zeros(1), np.zeros(1), np.full(1, 0.95))).all()


def test_fewer_than_five_pairs_make_no_interval():
    found = paired(skewed(n=4))
    assert np.isfinite(found.mean).all()
    assert np.isnan([found.low, found.high, found.p, found.sd]).all()
    assert np.isnan(Resamples(4).bca(skewed(n=4))).all()
    assert mean_of(skewed(n=4)[:, 0]).low is None


@pytest.mark.parametrize("level", [0.95, 0.9975])
def test_seeds_needed_are_just_enough(level):
    rng = np.random.default_rng(5)
    mean, sd = rng.uniform(-3.0, 3.0, 200), rng.uniform(0.1, 2.0, 200)
    needed = seeds_needed(mean, sd, np.full(200, level))

    def excludes_zero(n):
        return stats.t.ppf((1 + level) / 2, n - 1) * sd / np.sqrt(n) < np.abs(mean)

    known = np.isfinite(needed)
    assert (needed[known] >= FEWEST_PAIRS).all()
    assert known.sum() > 190
    assert excludes_zero(needed)[known].all()
    assert (~excludes_zero(needed - 1) | (needed == FEWEST_PAIRS))[known].all()


def test_no_number_of_seeds_finds_the_direction_of_nothing():
    assert np.isnan(seeds_needed(np.array([0.0, 1e-9, np.nan]), np.ones(3), np.full(3, 0.95))).all()


def test_seeds_that_are_promised_give_the_verb_and_one_fewer_none():
    rng, tests = np.random.default_rng(2), 20
    base, own = np.zeros((5, 300)), rng.normal(rng.uniform(0.2, 2.0, 300), 1.0, (5, 300))
    table = Table([("startups_region", 12, "region", "")] * 300, own, base)
    said = paired(own)
    more = _more(table, said, {table.keys[0]: 1.0}, {12: tests})
    for mean, sd, added in zip(said.mean, said.sd, more, strict=True):
        if added is None or added == 1:
            continue
        for n, settled in ((5 + added, True), (4 + added, False)):
            half, error = (scale * sd / math.sqrt(n) for scale in (stats.t.ppf(0.975, n - 1), 1.0))
            p = tests * 2 * stats.t.sf(abs(mean) / error, n - 1)  # the first step of Holm's procedure
            limits = (mean - half, mean + half)
            assert (
                verb_of("startups_region", mean, *limits, p, 0, tests, False, headline=True).resolved
                is settled
            )


def test_too_few_seeds_promise_nothing():
    own = np.random.default_rng(3).normal(2.0, 1.0, (4, 1))
    table = Table([("startups_region", 12, "region", "")], own, np.zeros((4, 1)))
    with np.errstate(all="raise"):
        assert _more(table, paired(own), {}, collections.Counter()) == [None]


@pytest.mark.parametrize(("low", "high"), [(-0.24, 2.24), (0.06, 1.9), (0.36, 4.0), (-4.0, -0.36)])
def test_an_interval_within_ten_startups_says_at_least_that(low, high):
    said = verb_of("startups_region", (low + high) / 2, low, high, 1.0, 3, 20, False, headline=True)
    assert (said.chip, said.resolved, said.verb) == ("＝", False, "changes by less than 10")
    assert ("not among 20 tests" in said.note) is (low * high > 0)


def test_a_refused_direction_beyond_ten_startups_is_not_resolved_and_says_what_would_help():
    said = verb_of("startups_region", 8.0, 2.0, 14.0, 0.2, 1, 20, False, headline=True)
    assert (said.chip, said.verb) == ("◇", "not resolved")
    assert said.note.endswith(
        "not among 20 tests; about 1 more seed would resolve it, if mean and spread stay"
    )


def test_a_cost_whose_interval_reaches_below_zero_says_that_no_seed_does():
    few = _paid(np.array([0.0, 0.0, 1.0, 12.0, 15.0]))
    assert few.low < 0
    assert "no seed costs less than 0" in few.note
    for values in (
        [5.0, 6.0, 7.0, 6.0, 5.0],
        [-9.0, 0.0, 1.0, 12.0, 15.0],
    ):  # the latter spends less than its baseline
        assert _paid(np.array(values)).note == ""


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.2))
@settings(max_examples=200, deadline=None)
def test_corrected_p_rejects_what_holms_procedure_rejects(p, alpha):
    corrected, rejected = holm(np.array(p)), set()
    for step, i in enumerate(np.argsort(p, kind="stable")):  # from the smallest p, until one is too large
        if p[i] * (len(p) - step) > alpha:
            break
        rejected.add(int(i))
    assert set(np.flatnonzero(corrected <= alpha).tolist()) == rejected


def test_a_missing_p_is_no_test():
    np.testing.assert_array_equal(holm(np.array([0.01, np.nan, 0.02])), [0.02, np.nan, 0.02])


@given(st.integers(0, 10_000), st.floats(-1.0, 6.0))
@settings(max_examples=100, deadline=None)
def test_ends_of_a_ratio_are_the_ratios_that_a_paired_test_just_rejects(seed, mean):
    rng = np.random.default_rng(seed)
    bottom = rng.normal(mean, 1.0, 12)
    top = 3 * bottom + rng.normal(0, 2.0, 12)
    found = fieller(top, bottom, "reaches 0")
    interval = stats.ttest_1samp(bottom, 0.0).confidence_interval(0.95)
    assert (found.mean is None) == (interval.low <= 0)
    if found.mean is None:
        assert found.note == "reaches 0"
        assert found.high is None
        certain = stats.ttest_1samp(top, 0.0, alternative="greater").pvalue < 0.025
        assert (found.low is None) == (interval.high <= 0 or not certain)
        assert found.low is None or found.low > 0
    else:
        assert found.low < found.mean < found.high
    for end in filter(None, (found.low, found.high)):
        assert stats.ttest_1samp(top - end * bottom, 0.0).pvalue == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(("kept", "n"), [(0, 10), (3, 20), (20, 20)])
def test_a_share_of_seeds_has_wilsons_interval(kept, n):
    theirs = stats.binomtest(kept, n).proportion_ci(0.95, "wilson")
    found = share_of(kept, n)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_intervals_cover_the_truth_in_93_to_97_of_100_studies():
    rng = np.random.default_rng(11)
    few, many = rng.normal(3.0, 5.0, (10, 4000)), rng.gamma(4.0, 1.0, (60, 800))
    for found, truth in ((paired(few), 3.0), (paired(many), 4.0)):
        assert 0.93 < ((found.low < truth) & (truth < found.high)).mean() < 0.97
    low, high = Resamples(60, 4000).bca(many)
    assert 0.925 < ((low < 4.0) & (high > 4.0)).mean() < 0.975  # 800 studies tell it to 0.8 %


def test_ratios_cover_the_truth_in_93_to_97_of_100_studies():
    rng, covered = np.random.default_rng(12), []
    for _study in range(3000):
        net = rng.normal(10.0, 6.0, 20)
        cost = 40.0 + 0.5 * net + rng.normal(0, 4.0, 20)
        found = fieller(cost, net, "")
        if found.mean is not None:
            covered.append(found.low < 4.5 < found.high)
    assert len(covered) > 2900
    assert 0.93 < np.mean(covered) < 0.97


def test_what_a_startup_costs_at_least_lies_above_the_truth_in_1_to_4_of_100_studies():
    """Also where the effect may be 0, so that there is no price, and the cost itself is uncertain."""
    rng, above, alone = np.random.default_rng(13), 0, 0
    for _study in range(3000):
        net = rng.normal(3.0, 6.0, 20)
        found = fieller(30.0 + 2.0 * net + rng.normal(0, 20.0, 20), net, "")
        above += found.low is not None and found.low > 12.0
        alone += found.mean is None and found.low is not None
    assert 0.01 < above / 3000 < 0.04
    assert alone > 900


def test_a_bootstrap_interval_of_a_normal_mean_is_as_wide_as_students():
    values = np.random.default_rng(3).normal(0.0, 1.0, (20, 300))
    student, found = paired(values), Resamples(20).bca(values)
    assert np.median((found[1] - found[0]) / (student.high - student.low)) == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["normal", "skewed", "counts"])
def test_both_intervals_cover_the_truth_in_93_to_97_of_100_studies_of_20_seeds(shape):
    rng, studies = np.random.default_rng(21), 3000  # one standard error is 0.4 %
    values, truth = {
        "normal": (rng.normal(12.0, 5.0, (20, studies)), 12.0),
        "skewed": (rng.gamma(4.0, 1.0, (20, studies)), 4.0),
        "counts": (rng.poisson(1.5, (20, studies)).astype(float), 1.5),
    }[shape]
    student, resamples = paired(values), Resamples(20)
    bca = np.concatenate([resamples.bca(values[:, i : i + 500]) for i in range(0, studies, 500)], axis=1)
    for low, high in ((student.low, student.high), bca):
        assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.97


@pytest.mark.parametrize("without", [np.inf, -np.inf, np.nan])
def test_a_resample_in_which_there_is_no_number_leaves_no_interval(without):
    resampled = np.linspace(0.0, 1.0, 100)
    assert Resamples(20).percentiles(0.5, resampled).low is not None
    resampled[:30] = without
    found = Resamples(20).percentiles(0.5, resampled)
    assert (found.mean, found.low, found.high) == (0.5, None, None)
    assert "denominator" in found.note
