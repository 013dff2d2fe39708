"""The history: the state before month 0 has the right startups in the right places, and is in balance."""

import collections
import concurrent.futures
import sys
import types

import numpy as np
import pytest
import worlds

from sim import ClusterModel, history
from sim.ledger import ACTIVE, DORMANT, LISTED, WAITING
from sim.parameters import Parameters
from sim.processes import land
from sim.scenario import Scenario, ScenarioError

SEEDS = (1, 2, 3)
ARRAYS = (
    "stock",
    "leased",
    "tenants",
    "vacant",
    "rent",
    "residual",
    "appeal",
    "reference_appeal",
    "excess_vacancy",
    "flows",
)


def zone_counts(world) -> np.ndarray:
    """Return the active startups of each zone."""
    rows = world.startups.whole()
    return np.bincount(world.grid.zone[rows["cell"][rows["status"] == ACTIVE]], minlength=world.grid.n_zones)


def largest_remainder(shares: np.ndarray, total: int) -> np.ndarray:
    """Return whole numbers nearest to shares of a total, by the largest remainders."""
    quota = shares / shares.sum() * total
    out = np.floor(quota).astype(int)
    for z in sorted(range(len(quota)), key=lambda z: -(quota[z] - out[z]))[: total - out.sum()]:
        out[z] += 1
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_month_has_the_startups_of_the_table(seed):
    world = worlds.start_world(seed)
    counts = zone_counts(world)
    assert counts.sum() == 1300
    assert np.array_equal(counts, largest_remainder(world.grid.zone_values("initial_share"), 1300))


def test_another_number_of_startups_is_met_as_exactly():
    scenario = worlds.scenario().with_values({"initial.startups": 777, "initial.history_months": 96})
    world = history.first_month(scenario, Parameters.of(scenario), 1)
    counts = zone_counts(world)
    assert np.array_equal(counts, largest_remainder(world.grid.zone_values("initial_share"), 777))


def test_without_a_history_only_a_region_without_startups_can_begin():
    none = worlds.scenario().with_values({"initial.history_months": 0, "initial.startups": 0})
    assert len(history.first_month(none, Parameters.of(none), 1).startups) == 0
    given = Scenario.load("baseline").with_values(
        {"world": {"kind": "line", "startups": [3]}, "initial.history_months": 0}
    )
    assert len(history.first_month(given, Parameters.of(given), 1).startups) > 0
    with pytest.raises(ScenarioError, match=r"history_months: must be at least 1: the 7 startups"):
        none.with_values({"initial.startups": 7})


def test_a_history_that_leads_to_no_startup_is_refused_where_startups_are_asked_for():
    nobody = {"initial.history_months": 1, "births.founding_scale": 0.0}
    scenario = worlds.scenario().with_values(nobody)
    with pytest.raises(ScenarioError, match=r"a history of 1 months leads to no startup.* none of the 1300 "):
        history.first_month(scenario, Parameters.of(scenario), 1)
    none = scenario.with_values({"initial.startups": 0})
    assert len(history.first_month(none, Parameters.of(none), 1).startups) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_month_oversells_no_cell_and_is_at_the_rents_and_vacancies_of_the_table(seed):
    world = worlds.start_world(seed)
    grid = world.grid
    world.check()
    assert world.vacant.min() >= 0.0
    assert np.array_equal(
        grid.zone_sums(world.stock), grid.zone_sums(grid.spread_stock(grid.zone_values("stock_m2")))
    )
    vacancy = grid.zone_sums(world.vacant) / grid.zone_sums(world.stock)
    np.testing.assert_allclose(vacancy, grid.zone_values("vacancy_share"), atol=0.002)
    assert not world.log_rent.any()
    rows = world.startups.whole()
    housed = rows["cell"] >= 0
    assert np.array_equal(rows["lease_rent"][housed], world.reference_rent[rows["cell"][housed]])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_identity_of_the_first_month_is_its_own(seed):
    rows = worlds.start_world(seed).startups.whole()
    assert len(set(rows["uid"].tolist())) == len(rows)
    assert rows["uid"].max() < 2**63


@pytest.mark.parametrize("seed", SEEDS)
def test_rents_rest_in_the_first_month(seed, par, neutral):
    world = worlds.start_world(seed)
    land.open_space(world, par, neutral)
    land.clear_offices(world, par, neutral)
    before = world.grid.zone_sums(world.stock * world.reference_rent)
    drift = world.grid.zone_sums(world.stock * world.rent) / before - 1
    assert np.abs(drift).max() < 0.003
    assert np.abs(world.log_rent).max() < 0.003


@pytest.mark.parametrize("seed", SEEDS)
def test_heads_never_fall_below_the_first_month(seed):
    model = ClusterModel.from_scenario("baseline", seed=seed)

    def heads() -> float:
        return float(model.world.startups["heads"][model.employing].sum())

    first, lowest = heads(), np.inf
    for _ in range(24):
        model.step()
        lowest = min(lowest, heads())
    assert lowest >= 0.99 * first


@pytest.mark.parametrize("seed", SEEDS)
def test_three_in_four_potential_founders_found_here_in_the_first_month(seed):
    model = ClusterModel.from_scenario("baseline", seed=seed)
    model.step()
    appeal = model.world.appeal - model.world.reference_appeal
    chance = 1 / (1 + 0.35 * np.exp(-0.5 * appeal))
    np.testing.assert_allclose(chance, 1 / 1.35, atol=0.005)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_mix_of_stages_is_that_of_a_funnel(seed):
    rows = worlds.start_world(seed).startups.whole()
    stages = np.bincount(rows["stage"][rows["status"] == ACTIVE], minlength=6)
    assert np.all(np.diff(stages) < 0)
    assert stages[0] < 0.75 * stages.sum()
    assert np.count_nonzero(worlds.start_world(seed).former["status"] == DORMANT) > 100
    assert np.count_nonzero(rows["status"] == LISTED) < 30
    assert np.count_nonzero(rows["status"] == WAITING) < 10


def test_copies_of_the_first_month_are_independent(par):
    first = worlds.start_world(1)
    before = first.copy()
    first.startups["cash"][:] = -1.0
    first.startups.reserve(100_000)
    first.funds["purse"] = 0.0
    first.holdings.n = 0
    first.former.n = 0
    for name in ARRAYS:
        getattr(first, name)[:] = 7.0
    second = worlds.start_world(1)
    assert worlds.same(second.startups.whole(), before.startups.whole())
    assert worlds.same(second.funds, before.funds)
    assert second.holdings.n == before.holdings.n > 0
    assert worlds.same(second.former.whole(), before.former.whole())
    assert second.gone.n == 0 < second.former.n
    for name in ARRAYS:
        assert np.array_equal(getattr(second, name), getattr(before, name)), name


def test_scenarios_that_differ_in_dated_things_alone_share_one_history(monkeypatch):
    worlds.start_world(1)  # lived once, at the latest here

    def refuse(*_):
        raise AssertionError("the history ran again")

    monkeypatch.setattr(history, "live_history", refuse)
    changed = worlds.scenario().with_values({"months": 60, "start": "2026-01", "outlook.climate": 0.6})
    for other in (worlds.scenario("rent-cut"), worlds.scenario("north-space"), changed):
        history.first_month(other, Parameters.of(other), 1)
    for key, value in (("births.quality_sd", 0.5), ("initial.startups", 1200)):
        other = worlds.scenario().with_values({key: value})
        with pytest.raises(AssertionError, match="ran again"):
            history.first_month(other, Parameters.of(other), 1)
    with pytest.raises(AssertionError, match="ran again"):
        history.first_month(worlds.scenario(), Parameters.of(worlds.scenario()), 991)


def test_threads_that_begin_runs_at_once_take_no_state_from_each_other(monkeypatch):
    class Lived:
        def __init__(self, seed):
            self.seed = seed

        def copy(self):
            return self

    monkeypatch.setattr(history, "live_history", lambda _grid, _par, seed: Lived(seed))
    monkeypatch.setattr(history, "require_startups", lambda *_: None)
    monkeypatch.setattr(history, "_states", collections.OrderedDict())
    monkeypatch.setattr(
        history, "Grid", types.SimpleNamespace(of=lambda *_: types.SimpleNamespace(cell_km=1.0))
    )
    made = types.SimpleNamespace(world="made", history_fingerprint="")
    seeds = 2 * history.KEPT_STATES + 1

    def begin(thread):
        asked = [(7 * i + thread) % seeds for i in range(10_000)]
        return [history.first_month(made, None, seed).seed for seed in asked] == asked

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            assert all(pool.map(begin, range(12)))
    finally:
        sys.setswitchinterval(before)
    assert len(history._states) == history.KEPT_STATES


def test_the_uniform_start_spreads_startups_by_floor_space_and_knows_no_residual():
    scenario = worlds.scenario().with_values({"initial.start_from": "uniform"})
    world = history.first_month(scenario, Parameters.of(scenario), 1)
    assert np.array_equal(zone_counts(world), largest_remainder(world.grid.zone_values("stock_m2"), 1300))
    assert not world.residual.any()


def test_residuals_are_shrunk_and_a_zone_without_startups_takes_the_mean_of_its_belt(par):
    world = worlds.start_world(1)
    zones = world.grid.tables.zones
    shares = world.grid.zone_values("initial_share")
    shares = shares / shares.sum()
    world.residual = np.linspace(-1.0, 1.0, 16)
    before = world.residual.copy()
    history.shrink_residuals(world, par, shares)
    n = 1300 * shares
    expected = before * n / (n + 25)
    north = [z for z, place in enumerate(zones) if place.belt == "north" and shares[z] > 0]
    stock = np.array([zones[z].stock_m2 for z in north])
    empty = world.grid.tables.zone_index["north-latitude"]
    expected[empty] = (stock * expected[north]).sum() / stock.sum()
    np.testing.assert_allclose(world.residual, expected, rtol=1e-12)


def test_thinning_and_cloning_keep_the_order_of_ages_and_stages():
    rows = worlds.startups(10, stage=[0, 0, 0, 0, 1, 1, 1, 2, 2, 3])
    for number in (4, 10, 25):
        taken, copies = history.take_rows(rows, np.arange(10), number, np.uint64(5), 0)
        counts = np.bincount(taken["stage"], minlength=4)
        assert len(taken) == number
        assert np.abs(counts - number * np.array([4, 3, 2, 1]) / 10).max() <= 1
        assert np.count_nonzero(copies == 0) == len(set(taken["uid"].tolist()))


def test_the_largest_remainders_are_rounded_up():
    assert history.largest_remainder(np.array([0.4, 1.3, 2.3]), 4).tolist() == [1, 1, 2]
    assert history.largest_remainder(np.array([2.0, 0.0]), 2).tolist() == [2, 0]


def test_funds_keep_their_money_and_their_books_open_anew():
    world = worlds.start_world(1)
    assert np.array_equal(world.funds["committed"], world.funds["uncalled"] + world.funds["purse"])
    assert not world.funds["invested"].any()
    assert world.funds["all_invested"].sum() > 0
    assert world.deals.n == 0
    assert not any(world.caps[name][0] for name in world.caps.dtype.names if name != "demand_floor")


def test_a_startup_too_large_for_every_cell_of_its_zone_takes_the_room_there_is():
    par, grid = worlds.parameters(), worlds.town()
    world = worlds.settle(grid, worlds.startups(1, cell=0))
    free = float((world.stock - world.leased)[grid.first[0] : grid.first[1]].max())
    clones = worlds.startups(2, cell=0, area=free + 500.0)
    clones["uid"] += 1_000
    history.house(world, par, clones, 0, None, None)
    assert np.all(world.leased[grid.first[0] : grid.first[1]] <= world.stock[grid.first[0] : grid.first[1]])
    assert world.startups["area"][1] == pytest.approx(free, abs=1e-5)
    assert world.leased.sum() == pytest.approx(world.startups["area"].sum())
