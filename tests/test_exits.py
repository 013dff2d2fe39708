"""Exits: failure, acquisition, listing, departure, the register, and what funds are paid."""

import math

import checks
import numpy as np
import pytest
import worlds
from worlds import APP, funds, settle, startups

from sim.ledger import ACQUIRED, ACTIVE, CLOSED, DORMANT, LEFT, LISTED, NEVER
from sim.processes import exits, land
from sim.randomness import Draws
from sim.world import FLOW, HOLDING

ROUND = HOLDING.names[2]  #: field of the number of the round
ONLY_FAILURE = {"exits.failure_stage_factor": (1.0,) * 6, "exits.failure_first_year_factor": 1.0,
                "exits.acquisition_per_month": (0.0,) * 6, "exits.listing_per_month": 0.0,
                "exits.departure_per_month": 0.0}  # fmt: skip
ONLY_DEPARTURE = ONLY_FAILURE | {"exits.failure_per_month": 0.0, "exits.departure_per_month": 0.06}


def live(world, par, month: int, seed: int = 1) -> None:
    """Let a month's ends happen."""
    world.month = month
    exits.end_startups(world, par, worlds.terms_of(world.grid), Draws(seed, month))


@pytest.mark.parametrize("stage", range(6))
def test_survival_by_stage_is_the_product_of_the_monthly_chances(stage):
    stay = {
        "exits.acquisition_per_month": (0.0,) * 6,
        "exits.listing_per_month": 0.0,
        "exits.departure_per_month": 0.0,
    }
    par = worlds.parameters(stay)
    n, factor = 12_000, (2.2, 1.0, 0.7, 0.5, 0.35, 0.2)[stage]
    world = settle(worlds.town(), startups(n, stage=stage, born=0))
    for month in range(1, 37):
        live(world, par, month)
    hazard = 0.0048 * factor
    survival = (1 - 0.6 * hazard) ** 12 * (1 - hazard) ** 24
    checks.check_chance(np.count_nonzero(world.startups["status"] == ACTIVE), n, survival)


def test_the_first_year_lasts_twelve_months(par):
    chances = [exits.failure_probability(1, age, 1.0, 1.0, par.exits) for age in range(1, 15)]
    np.testing.assert_allclose(chances, [0.6 * 0.0048] * 12 + [0.0048] * 2, rtol=1e-12)


def test_a_startup_without_cash_fails_by_either_of_two_independent_causes(par):
    chance = exits.failure_probability(0, 20, -0.01, 1.0, par.exits)
    assert chance == pytest.approx(1 - (1 - 0.0048 * 2.2) * (1 - 0.25), rel=1e-12)
    assert exits.failure_probability(0, 20, 0.0, 1.0, par.exits) == pytest.approx(0.0048 * 2.2)


def test_no_chance_of_failure_exceeds_one():
    par = worlds.parameters({"exits.failure_per_month": 1.0, "exits.insolvency_per_month": 1.0})
    assert exits.failure_probability(0, 20, -1.0, 1.0, par.exits) == 1.0


def test_startups_are_acquired_and_listed_at_their_rates(par):
    safe = worlds.parameters({"exits.failure_per_month": 0.0, "exits.departure_per_month": 0.0})
    n, months = 20_000, 12
    world = settle(worlds.town(), startups(n, stage=np.arange(n) % 6))
    for month in range(months):
        live(world, safe, month)
    rows = world.startups.whole()
    for stage, monthly in enumerate((0.0, 0.0006, 0.0012, 0.002, 0.002)):
        hits = np.count_nonzero((rows["stage"] == stage) & (rows["status"] == ACQUIRED))
        assert abs(hits - n / 6 * (1 - (1 - monthly) ** months)) <= 4 * math.sqrt(n / 6 * monthly * months)
    last = rows[rows["stage"] == 5]
    gone = 1 - (1 - 0.002) * (1 - 0.012)
    checks.check_chance(np.count_nonzero(last["status"] != ACTIVE), len(last), 1 - (1 - gone) ** months)
    listed = np.count_nonzero(last["status"] == LISTED) / np.count_nonzero(last["status"] != ACTIVE)
    assert abs(listed - 0.998 * 0.012 / gone) < 4 * math.sqrt(
        0.25 / np.count_nonzero(last["status"] != ACTIVE)
    )
    assert not np.any((rows["stage"] < 5) & (rows["status"] == LISTED))


def certain(event: str):
    """Return parameters under which one end is certain at the last stage."""
    return worlds.parameters({
        "exits.failure_per_month": float(event == "fail"),
        "exits.failure_stage_factor": (1.0,) * 6,
        "exits.acquisition_per_month": (float(event == "acquire"),) * 6,
        "exits.listing_per_month": float(event == "list"),
        "exits.departure_per_month": float(event == "leave"),
        "exits.departure_rent_exponent": 0.0,
    })  # fmt: skip


@pytest.mark.parametrize(("event", "status", "flow"), [("fail", DORMANT, "failures"), ("acquire", ACQUIRED, "acquisitions"),
                                                       ("list", LISTED, "listings"), ("leave", LEFT, "departures")])  # fmt: skip
def test_an_end_is_counted_once_where_it_happens(event, status, flow):
    world = settle(worlds.town(), startups(30, stage=5, cell=np.arange(30) % 12, segment=np.arange(30) % 4))
    live(world, certain(event), 40)
    assert set(world.startups["status"].tolist()) == {status}
    assert world.flows[:, :, FLOW[flow]].sum() == world.flows.sum() == 30
    where = (world.grid.zone[world.startups["cell"]], world.startups["segment"])
    count = np.zeros((4, 4))
    np.add.at(count, where, 1)
    assert np.array_equal(world.flows[:, :, FLOW[flow]], count)


def test_a_listed_firm_keeps_heads_and_rooms_and_stays():
    world = settle(worlds.town(), startups(20, stage=5, heads=400.0, area=6240.0))
    before = world.startups.whole()
    live(world, certain("list"), 40)
    for name in ("heads", "area", "cell", "lease_end", "cash"):
        assert np.array_equal(world.startups[name], before[name])
    live(world, certain("fail"), 41)
    live(world, certain("acquire"), 42)
    live(world, certain("leave"), 43)
    assert set(world.startups["status"].tolist()) == {LISTED}


@pytest.mark.parametrize("event", ["fail", "acquire", "leave"])
def test_who_is_gone_leaves_its_rooms(event, par):
    grid = worlds.town()
    world = settle(grid, startups(12, cell=np.arange(12), stage=5, area=500.0))
    world.tenants = 0.5 * world.stock
    land.count_vacancy(world, par)
    before = world.vacant.copy()
    live(world, certain(event), 40)
    land.count_vacancy(world, par)
    np.testing.assert_allclose(world.vacant - before, 500.0, rtol=1e-9)
    np.testing.assert_allclose(world.vacant, 0.5 * world.stock, rtol=1e-12)


def test_an_exit_from_stage_a_on_boosts_spin_offs_for_a_year():
    for event, stage, end in (("fail", 2, 52), ("fail", 1, NEVER), ("acquire", 2, 52), ("list", 5, 52)):
        world = settle(worlds.town(), startups(1, stage=stage))
        live(world, certain(event), 40)
        assert world.startups["boost_end"][0] == end, (event, stage)


def test_holders_are_paid_by_their_diluted_shares_and_recycle_a_fifth():
    # fund 0 took the whole of round 1, fund 1 that of round 2 and half of round 3, fund 0 the other half
    held = np.zeros(4, dtype=HOLDING)
    held["share"], held["fund"] = [0.18, 0.18, 0.09, 0.09], [0, 1, 1, 0]
    held[ROUND], held["next"] = [1, 2, 3, 3], [-1, 0, 1, 2]
    world = settle(worlds.town(), startups(1, stage=3, rounds=3, holding=3, valuation=1000.0))
    world.holdings.replace(held)
    world.funds = funds(2, uncalled=0.0)
    live(world, certain("acquire"), 40)
    first = 0.7 * 1000 * (0.18 * 0.82**2 + 0.09)
    second = 0.7 * 1000 * (0.18 * 0.82 + 0.09)
    np.testing.assert_allclose(world.funds["all_proceeds"], [first, second], atol=1e-5)
    np.testing.assert_allclose(world.funds["recycled"], [0.2 * first, 0.2 * second], atol=1e-5)
    assert np.array_equal(world.funds["uncalled"], world.funds["recycled"])


def test_a_listing_pays_one_and_a_half_valuations_and_a_failure_nothing():
    held = np.zeros(1, dtype=HOLDING)
    held["share"], held[ROUND], held["next"] = 0.18, 1, -1
    for event, value in (("list", 1.5), ("fail", 0.0)):
        world = settle(worlds.town(), startups(1, stage=5, rounds=1, holding=0, valuation=1000.0))
        world.holdings.replace(held)
        world.funds = funds(1)
        live(world, certain(event), 40)
        assert world.funds["all_proceeds"][0] == pytest.approx(value * 180.0, abs=1e-5)


def test_departure_rises_with_the_root_of_the_rent_with_stage_and_with_what_others_offer(par):
    chance = exits.departure_probability
    assert chance(180.0, 0, 1.0, par.exits) == pytest.approx(0.0012, rel=1e-12)
    assert chance(45.0, 0, 1.0, par.exits) == pytest.approx(0.0006, rel=1e-12)
    assert chance(180.0, 5, 1.0, par.exits) == pytest.approx(0.0012 * 2.5, rel=1e-12)
    assert chance(180.0, 2, math.e, par.exits) == pytest.approx(0.0012 * 1.6 * math.e, rel=1e-12)
    assert chance(0.0, 0, 1.0, par.exits) == 0.0
    assert chance(180.0, 0, 1e9, par.exits) == 1.0


def test_startups_leave_at_that_chance_by_the_rent_that_they_pay_themselves():
    # raised fiftyfold, so that a month is enough
    par = worlds.parameters(ONLY_DEPARTURE)
    n = 30_000
    rows = startups(
        n, lease_rent=np.where(np.arange(n) < n // 2, 240.0, 120.0), relief=np.tile([0.0, 0.5], n // 2)
    )
    world = settle(worlds.town(), rows)
    live(world, par, 0)
    gone = world.startups["status"] == LEFT
    for rent, relief in ((240.0, 0.0), (240.0, 0.5), (120.0, 0.0), (120.0, 0.5)):
        group = (rows["lease_rent"] == rent) & (rows["relief"] == relief)
        chance = 0.06 * math.sqrt(rent * (1 - relief) / 180)
        checks.check_chance(np.count_nonzero(gone & group), np.count_nonzero(group), chance)
    assert world.flows[0, APP, FLOW["departures"]] == np.count_nonzero(gone)


def test_what_other_cities_offer_moves_departures_by_the_outside_pull():
    par = worlds.parameters(ONLY_DEPARTURE | {"outlook.outside_offer_per_year": 0.5})
    n = 30_000
    world = settle(worlds.town(), startups(n, lease_rent=180.0), month=24)
    live(world, par, 24)
    hits = np.count_nonzero(world.startups["status"] == LEFT)
    checks.check_chance(hits, n, 0.06 * math.exp(0.5 * 0.5 * 2))


def test_failed_firms_leave_the_register_after_a_geometric_time(par):
    n = 20_000
    world = settle(worlds.town(), startups(n, status=DORMANT))
    world.begin_month()
    months = np.zeros(n)
    for month in range(400):
        world.month = month
        exits.keep_register(world, par, None, Draws(1, month))
        months[(world.former["status"] == CLOSED) & (months == 0)] = month + 1
    assert np.all(months > 0)
    # geometric with mean 24 and variance 24 x 23
    assert abs(months.mean() - 24) < 4 * math.sqrt(24 * 23 / n)
    checks.check_chance(np.count_nonzero(months == 1), n, 1 / 24)


def test_only_dormant_firms_leave_the_register():
    par = worlds.parameters({"exits.dormancy_months": 1.0})
    kinds = [ACTIVE, LISTED, ACQUIRED, LEFT, DORMANT]
    world = settle(worlds.town(), startups(5, status=kinds, boost_end=worlds.LONG))
    world.begin_month()
    exits.keep_register(world, par, None, Draws(1, 0))
    assert sorted(world.startups["status"]) == sorted([ACTIVE, LISTED])
    assert sorted(world.former["status"]) == sorted([ACQUIRED, LEFT, CLOSED])
