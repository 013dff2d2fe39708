"""Births: potential founders, the choice between inside and outside, spin-offs, and the balance of startups."""

import math

import checks
import numpy as np
import pytest
import worlds
from scipy import stats
from worlds import APP, EMB, MODEL, OPC, settle, startups

from sim.ledger import ACQUIRED, DORMANT, FIRM, INDEPENDENT, LISTED, NEVER, WAITING
from sim.processes import births
from sim.randomness import Draws, uniform
from sim.world import node_table

YEARLY = {"institutes": 138.0, "anchors": 120.0, "independents": 180.0}  #: potential founders, before factors


def founded(par, world, month: int, seed: int = 1) -> np.ndarray:
    """Return the startups founded in one month in a world without firms."""
    world.startups.n = world.former.n = 0
    world.month = month
    world.begin_month()
    births.found_startups(world, par, worlds.terms_of(world.grid), Draws(seed, month))
    return world.startups.whole()


@pytest.fixture(scope="module")
def cohort():
    """Return all who founded here in 600 months at the reference appeal, and how many founded outside."""
    par, world = worlds.parameters(), worlds.start_world()
    groups, outside = [], 0.0
    for month in range(600):
        groups.append(founded(par, world, month))
        outside += world.founded_outside.sum()
    return np.concatenate(groups), outside


def test_the_rates_of_all_sources_are_those_of_the_table(par):
    nodes = node_table(worlds.start_world().grid)
    rates = {node["uid"]: births.founding_rate(node, 0.0, par.births) * 12 / (0.82 * 1.35) for node in nodes}
    assert sum(rates.values()) == pytest.approx(sum(YEARLY.values()))
    assert rates[nodes[-2]["uid"]] == pytest.approx(YEARLY["independents"])


def test_potential_founders_are_poisson_with_the_stated_mean(cohort):
    inside, outside = cohort
    mean = sum(YEARLY.values()) / 12 * 0.82 * 1.35 * 600
    assert abs(len(inside) + outside - mean) < 4 * math.sqrt(mean)
    monthly = np.bincount(inside["born"], minlength=600)
    expected = mean / 600 / 1.35
    # the ratio of variance to mean of Poisson counts has standard error sqrt(2/n)
    assert abs(monthly.var(ddof=1) / monthly.mean() - 1) < 4 * math.sqrt(2 / 600)
    assert abs(monthly.mean() - expected) < 4 * math.sqrt(expected / 600)


def test_each_source_has_its_part_of_founders(cohort):
    inside, _ = cohort
    world = worlds.start_world()
    nodes = world.nodes[:-1]  # without founders from abroad, who come where a lever brings them
    rates = [births.founding_rate(node, 0.0, worlds.parameters().births) for node in nodes]
    counts = [np.count_nonzero(inside["parent"] == node["uid"]) for node in nodes]
    assert sum(counts) == len(inside)
    assert stats.chisquare(counts, np.array(rates) / sum(rates) * len(inside)).pvalue > 1e-4
    places = np.where(inside["origin"] == INDEPENDENT, -1, inside["origin_place"])
    assert np.array_equal(places, inside["origin_place"])
    for j, node in enumerate(nodes[:-1]):
        assert set(inside["origin_place"][inside["parent"] == node["uid"]].tolist()) <= {j}


def test_three_in_four_found_here_at_the_reference_appeal(par, cohort):
    assert births.inside_probability(0.0, par.births) == pytest.approx(1 / 1.35)
    inside, outside = cohort
    checks.check_chance(len(inside), round(len(inside) + outside), 1 / 1.35)


def test_founders_have_their_segments_qualities_and_cash(cohort):
    inside, _ = cohort
    weights = np.array([0.28, 0.45, 0.11, 0.16])
    assert (
        stats.chisquare(np.bincount(inside["segment"]), weights / weights.sum() * len(inside)).pvalue > 1e-4
    )
    assert stats.kstest(inside["log_quality"] / 0.6, "norm").pvalue > 1e-4
    median = np.array([40.0, 185.0, 185.0, 185.0])[inside["segment"]]
    assert stats.kstest(np.log(inside["cash"] / median) / 0.6, "norm").pvalue > 1e-4
    np.testing.assert_allclose(inside["heads"], np.array([1.0, 2.8, 5.6, 4.2])[inside["segment"]], rtol=1e-12)
    assert set(inside["status"].tolist()) == {WAITING}
    assert set(inside["cell"].tolist()) == {-1}
    assert set(inside["boost_end"].tolist()) == {NEVER}


def test_quality_segment_and_cash_are_independent_of_each_other(cohort):
    inside, _ = cohort
    noise = np.log(inside["cash"] / np.array([40.0, 185.0, 185.0, 185.0])[inside["segment"]])
    for a, b in ((noise, inside["log_quality"]), (inside["segment"], inside["log_quality"])):
        assert abs(np.corrcoef(a, b)[0, 1]) * math.sqrt(len(inside)) < 4


def test_every_founder_has_an_identity_of_its_own(cohort):
    inside, _ = cohort
    assert len(set(inside["uid"].tolist())) == len(inside)


def test_appeal_decides_who_founds_here_and_nothing_about_those_who_do(par):
    low, high = worlds.start_world(), worlds.start_world()
    high.appeal = low.reference_appeal + 1.0
    low.appeal = low.reference_appeal.copy()
    few, many = founded(par, low, 30), founded(par, high, 30)
    assert len(few) < len(many)
    assert set(few["uid"].tolist()) < set(many["uid"].tolist())
    common = many[np.isin(many["uid"], few["uid"])]
    assert worlds.same(common, few)


def test_the_inside_probability_is_the_logit_of_appeal_and_offer():
    par = worlds.parameters({"outlook.outside_offer_per_year": 0.3})
    counts = np.zeros(2)
    world = worlds.start_world()
    for month in range(240, 480):
        world.appeal = world.reference_appeal + 0.4
        here = len(founded(par, world, month))
        chance = 1 / (1 + 0.35 * math.exp(-0.5 * (0.4 - 0.3 * month / 12)))
        whole = here + world.founded_outside.sum()
        counts += (here - chance * whole, chance * (1 - chance) * whole)
    assert abs(counts[0]) < 4 * math.sqrt(counts[1])


def test_in_the_history_neither_appeal_nor_offer_counts():
    world = worlds.start_world()
    world.appeal = world.reference_appeal + 50.0
    rows = founded(worlds.parameters({"outlook.outside_offer_per_year": 10.0}), world, -24)
    assert world.founded_outside.sum() > 0
    assert len(rows) > 0


# Spin-offs


def children(par, rows, month: int = 0, appeal: float = 1e6) -> tuple[np.ndarray, np.ndarray]:
    """Return the ledger and the spin-offs of one month, all of which found here."""
    world = settle(worlds.town(), rows, month)
    world.nodes["spinoffs_per_year"] = 0.0
    world.appeal = np.full(4, appeal)
    births.found_startups(world, par, worlds.terms_of(world.grid), Draws(1, month))
    return world.startups.whole()[: len(rows)], world.startups.whole()[len(rows) :]


NO_FOUNDERS = {"births.founding_scale": 0.0, "births.outside_weight": 0.0}


def test_the_spin_off_rate_is_the_root_of_size(par):
    assert births.spinoff_rate(30.0, par.births) == pytest.approx(0.008, rel=1e-12)
    assert births.spinoff_rate(120.0, par.births) == pytest.approx(0.016, rel=1e-12)
    assert births.spinoff_rate(7.5, par.births) == pytest.approx(0.004, rel=1e-12)


@pytest.mark.parametrize(
    ("fields", "factor"),
    [
        ({"born": -19}, 1),
        ({"born": -18}, 0),
        ({"status": LISTED}, 1),
        ({"boost_end": 1}, 3),
        ({"boost_end": 0}, 1),
        ({"status": LISTED, "boost_end": 12}, 3),
        ({"status": DORMANT, "boost_end": 1}, 3),
        ({"status": DORMANT, "boost_end": 0}, 0),
        ({"status": ACQUIRED, "boost_end": 5}, 3),
        ({"status": ACQUIRED}, 0),
        ({"status": DORMANT}, 0),
        ({"status": WAITING, "cell": -1, "born": 0}, 0),
    ],
)
def test_spin_offs_come_from_firms_of_age_and_three_times_as_often_after_an_exit(fields, factor):
    par = worlds.parameters(NO_FOUNDERS | {"births.spinoff_per_month": 0.05})
    n = 12_000
    _, born = children(par, startups(n, heads=30.0, **fields))
    mean = 0.05 * factor * n
    assert abs(len(born) - mean) <= 4 * math.sqrt(mean)


def test_each_count_of_spin_offs_is_the_poisson_quantile_of_its_draw():
    par = worlds.parameters(NO_FOUNDERS | {"births.spinoff_per_month": 0.3})
    rng = np.random.default_rng(4)
    rows = startups(
        3000, heads=rng.uniform(1, 500, 3000), boost_end=np.where(rng.uniform(size=3000) < 0.3, 9, NEVER)
    )
    _, born = children(par, rows)
    key = Draws(1, 0)("spin-off")
    u = np.array([uniform(key, uid, 0) for uid in rows["uid"]])
    rate = 0.3 * np.sqrt(rows["heads"] / 30) * np.where(rows["boost_end"] > 0, 3.0, 1.0)
    expected = stats.poisson.ppf(u, rate)
    found = [np.count_nonzero(born["parent"] == uid) for uid in rows["uid"]]
    assert np.array_equal(found, expected)


def test_firms_beyond_every_target_have_spin_offs_by_their_size_too():
    alike = {
        "births.spinoff_per_month": 0.3,
        "births.boost_factor": 1.0,
        "births.entry_size": 10.0,  # entrants then begin far above any target
        "operations.target_heads": ((10.0,) * 6,) * 4,
    }
    n = 5000
    _, born = children(worlds.parameters(NO_FOUNDERS | alike), startups(n, heads=100.0))
    mean = 0.3 * math.sqrt(100 / 30) * n
    assert abs(len(born) - mean) < 4 * math.sqrt(mean)


def test_a_spin_off_inherits_part_of_its_parents_quality():
    par = worlds.parameters(NO_FOUNDERS | {"births.spinoff_per_month": 0.3})
    rng = np.random.default_rng(6)
    rows = startups(20_000, heads=30.0, log_quality=rng.normal(0, 0.6, 20_000))
    parents, born = children(par, rows)
    quality = dict(zip(parents["uid"].tolist(), parents["log_quality"].tolist(), strict=True))
    of_parent = np.array([quality[uid] for uid in born["parent"].tolist()])
    fit = stats.linregress(of_parent, born["log_quality"])
    assert abs(fit.slope - 0.4) < 4 * fit.stderr
    assert abs(fit.intercept) < 4 * fit.intercept_stderr
    assert stats.kstest((born["log_quality"] - 0.4 * of_parent) / 0.55, "norm").pvalue > 1e-4


@pytest.mark.parametrize("segment", [OPC, APP, MODEL, EMB])
def test_most_spin_offs_stay_in_the_segment_of_their_parent(segment):
    par = worlds.parameters(NO_FOUNDERS | {"births.spinoff_per_month": 0.3})
    _, born = children(par, startups(10_000, heads=30.0, segment=segment))
    other = np.array([0.28, 0.45, 0.11, 0.16])
    chance = 0.3 * other / other.sum() + 0.7 * (np.arange(4) == segment)
    assert stats.chisquare(np.bincount(born["segment"], minlength=4), chance * len(born)).pvalue > 1e-4


def test_a_spin_off_comes_from_the_zone_of_its_parent():
    par = worlds.parameters(NO_FOUNDERS | {"births.spinoff_per_month": 1.0})
    parents, born = children(par, startups(40, heads=30.0, cell=np.arange(40) % 12))
    zone = dict(zip(parents["uid"].tolist(), (parents["cell"] // 3).tolist(), strict=True))
    assert set(born["origin"].tolist()) == {FIRM}
    # no nodes come first in this town
    assert born["origin_place"].tolist() == [zone[uid] for uid in born["parent"].tolist()]


def test_some_spin_offs_found_outside():
    par = worlds.parameters({"births.founding_scale": 0.0, "births.spinoff_per_month": 0.3})
    world = settle(worlds.town(), startups(20_000, heads=30.0))
    births.found_startups(world, par, worlds.terms_of(world.grid), Draws(1, 0))
    born = world.startups.n - 20_000
    checks.check_chance(born, round(born + world.founded_outside.sum()), 1 / 1.35)
