"""Compute: what is wanted, what public capacity serves, the price, and what is delivered."""

import math

import numpy as np
import pytest
import worlds
from scipy import optimize
from worlds import LONG, lever, settle, startups

from sim import ClusterModel
from sim.ledger import ACQUIRED, DORMANT, LEFT, LISTED, WAITING
from sim.processes import access, aid, compute, operations
from sim.randomness import Draws

HEADS = np.array([200.0, 900.0, 700.0, 400.0])
PER_HEAD = np.array([0.20 * 1.8, 0.15 * 3.6, 0.80 * 5.5, 0.25 * 3.9])  #: bill for compute [wan/month]
PRICE = 0.6  #: wan for a GPU-month
WANTED = float(HEADS @ PER_HEAD) / PRICE  #: GPU-months at the national price and the wage 1
CENTRE = {"price_rmb_gpu_month": 3000.0, "cost_rmb_gpu_month": 5000.0}


def market(capacity: float = 0.0, month: int = 0, heads=HEADS):
    """Return a world with so many heads and so much public capacity."""
    world = settle(worlds.town(), startups(0), month)
    world.heads[:] = heads
    world.compute["capacity"] = capacity
    return world


def clear(world, par, levers=(), months: int = 1):
    """Clear the market for some months; return its record."""
    for _ in range(months):
        world.begin_month()
        compute.clear_market(world, par, worlds.terms_of(world.grid, levers, world.month))
        world.month += 1
    return world.compute[0]


@pytest.mark.parametrize("served", [0.0, 0.15, 0.6, 3.0])
@pytest.mark.parametrize("national", [1.0, 1.6])
def test_a_steady_market_rests_at_its_closed_form(served, national):
    par = worlds.parameters({"compute.national_price": national})
    found = clear(market(served * WANTED), par, months=400)

    def public(price):
        return min(1.0, served * WANTED / (WANTED * price**-0.7))

    def excess(price):
        return public(price) * 0.85 + (1 - public(price)) * national - price

    price = optimize.brentq(excess, 0.5, 2.0, xtol=1e-14)
    assert found.price == pytest.approx(price, rel=1e-10)
    assert found.demand == pytest.approx(WANTED * price**-0.7, rel=1e-10)
    assert found.public_share == pytest.approx(public(price), rel=1e-10)
    delivered = public(price) + (1 - public(price)) * 0.9
    assert found.delivered == pytest.approx(delivered, rel=1e-10)
    assert found.log_sufficiency == pytest.approx(math.log(delivered / (0.15 + 0.85 * 0.9)), abs=1e-10)
    assert found.capacity == served * WANTED


def test_demand_is_in_proportion_to_heads_and_wages(par):
    for factor, wage in ((1.0, 1.0), (3.0, 1.0), (1.0, 1.25)):
        world = market(heads=factor * HEADS)
        world.labour["wage"] = wage
        assert clear(world, par).demand == pytest.approx(factor * wage * WANTED, rel=1e-12)


def test_in_the_history_public_capacity_is_a_fixed_share_of_what_is_wanted(par):
    world = market(month=-30)
    for growth in range(1, 21):
        world.heads[:] = growth * HEADS
        found = clear(world, par)
        assert found.public_share == pytest.approx(0.15, rel=1e-12)
        assert found.capacity == pytest.approx(0.15 * found.demand, rel=1e-12)
        assert found.price == pytest.approx(0.15 * 0.85 + 0.85, rel=1e-12)
        assert found.log_sufficiency == pytest.approx(0.0, abs=1e-14)


def test_the_national_price_of_a_scenario_holds_from_the_first_month_on_and_not_in_the_history():
    par = worlds.parameters({"compute.national_price": 2.0})
    assert clear(market(month=-1), par).price == pytest.approx(0.15 * 0.85 + 0.85, rel=1e-12)
    assert clear(market(month=0), par).price == pytest.approx(2.0, rel=1e-12)


def test_from_the_first_month_on_capacity_stays_and_twice_the_heads_find_half_of_it(par):
    world = market(month=-5)
    rest = clear(world, par, months=5)
    capacity, price = rest.capacity, rest.price
    assert clear(world, par).public_share == pytest.approx(0.15, rel=1e-12)
    assert world.compute["price"][0] == pytest.approx(price, rel=1e-12)
    world.heads *= 2.0
    found = clear(world, par)
    assert found.public_share == pytest.approx(0.075, rel=1e-12)
    assert found.log_sufficiency == pytest.approx(math.log((0.075 + 0.925 * 0.9) / 0.915), rel=1e-12)
    clear(world, par, months=20)
    assert world.compute["capacity"][0] == capacity


def test_the_first_month_of_a_run_begins_at_rest():
    model = ClusterModel.from_scenario("baseline", seed=1)
    model.step()
    market = model.world.compute[0]
    assert market.public_share == pytest.approx(0.15, rel=1e-9)
    assert market.log_sufficiency == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("capacity", [0.1 * WANTED, 0.5 * WANTED, 4.0 * WANTED])
def test_a_centres_users_pay_its_price_for_what_they_use_and_that_is_what_comes_back(capacity, par):
    centre = lever("compute-centre", capacity_gpu=capacity, **CENTRE)
    world = market(0.15 * WANTED)
    found = clear(world, par, (centre,))
    supply = 0.15 * WANTED + capacity
    used = min(1.0, WANTED / supply)
    account = world.accounts[0]
    assert account["served"] == pytest.approx(used * capacity, rel=1e-12)
    assert account["refused"] == pytest.approx(max(WANTED - supply, 0.0), rel=1e-12)
    assert account["spent"] == pytest.approx(-used * capacity * 0.3, abs=1e-6)
    assert centre.fixed_cost_rmb(0) == pytest.approx(5000.0 * capacity)
    # the price of public capacity is the mean over all of it, weighted by capacity
    public = (0.15 * WANTED * 0.85 + capacity * 0.5) / supply
    share = min(1.0, supply / WANTED)
    assert found.price == pytest.approx(share * public + 1 - share, rel=1e-12)
    # what firms pay for public compute is what those who run it receive
    assert share * WANTED * public * PRICE == pytest.approx(
        used * 0.15 * WANTED * 0.85 * PRICE - account["spent"], abs=1e-5
    )


def test_a_centre_serves_only_while_it_is_open(par):
    centre = lever("compute-centre", capacity_gpu=0.3 * WANTED, from_="2025-04", months=6)
    world = market(0.15 * WANTED)
    shares = [clear(world, par, (centre,)).public_share for _ in range(14)]
    for month, share in enumerate(shares):
        assert (share > 0.3) == (3 <= month < 9), month
    assert shares[2] < shares[0] + 1e-12  # the price has fallen a little, so a little more is wanted
    quiet = clear(market(0.15 * WANTED), par, months=400)
    clear(world, par, (centre,), months=400)
    assert world.compute["price"][0] == pytest.approx(quiet.price, rel=1e-12)


def test_two_centres_are_one_of_their_capacity(par):
    two = tuple(lever("compute-centre", id=name, capacity_gpu=0.2 * WANTED) for name in ("one", "two"))
    one = (lever("compute-centre", capacity_gpu=0.4 * WANTED),)
    a, b = market(0.15 * WANTED), market(0.15 * WANTED)
    for name in ("demand", "price", "public_share", "delivered"):
        assert clear(a, par, two)[name] == pytest.approx(clear(b, par, one)[name], rel=1e-12)
    np.testing.assert_allclose(a.accounts["spent"][:2].sum(), b.accounts["spent"][0], atol=1e-5)


def test_a_centre_without_capacity_changes_no_bit(par):
    quiet, empty = market(0.15 * WANTED), market(0.15 * WANTED)
    clear(quiet, par, months=5)
    clear(empty, par, (lever("compute-centre", capacity_gpu=0.0),), months=5)
    assert quiet.compute.tobytes() == empty.compute.tobytes()
    assert not empty.accounts["spent"].any()


def test_more_capacity_never_delivers_less(par):
    delivered = []
    for capacity in np.array([0.0, 0.25, 0.5, 1.0, 2.0, 4.0]) * WANTED:
        centre = lever("compute-centre", capacity_gpu=float(capacity))
        delivered.append(clear(market(0.15 * WANTED), par, (centre,), months=50).delivered)
    assert np.all(np.diff(delivered) >= 0.0)
    assert delivered[0] < delivered[2] < delivered[3]
    assert delivered[-1] == 1.0


@pytest.mark.parametrize("elasticity", [0.0, 0.7, 1.0, 5.0])
def test_of_compute_that_costs_nothing_a_finite_amount_is_wanted(elasticity):
    par = worlds.parameters({"compute.price_elasticity": elasticity})
    centre = lever("compute-centre", capacity_gpu=100.0 * WANTED, price_rmb_gpu_month=0.0)
    world = market()
    first = clear(world, par, (centre,)).copy()
    assert first.price == compute.LEAST_PRICE
    assert first.bill == pytest.approx(0.01 ** (1 - elasticity), rel=1e-12)
    assert clear(world, par, (centre,)).demand == pytest.approx(WANTED * 100.0**elasticity, rel=1e-12)
    world.check_finite()


def test_a_run_with_free_public_compute_for_all_ends_with_finite_cash():
    free = {"compute.public_share": 1.0, "compute.public_price": 0.0}
    brief = {"initial.startups": 100, "initial.history_months": 6}
    model = ClusterModel.from_scenario(worlds.scenario().with_values(free | brief), seed=1)
    model.run(3)
    assert np.isfinite(model.world.startups["cash"]).all()
    assert model.world.compute["price"][0] >= compute.LEAST_PRICE


def test_nobody_wants_compute_where_nobody_works(par):
    found = clear(market(100.0, heads=np.zeros(4)), par, months=3)
    assert found.demand == 0.0
    assert found.public_share == 1.0
    assert np.isfinite([found[name] for name in found.dtype.names]).all()


def test_listed_firms_want_compute_and_those_who_are_gone_do_not(par, neutral):
    rows = startups(
        6, heads=10.0, status=[0, LISTED, DORMANT, ACQUIRED, LEFT, WAITING], cell=[0, 1, 2, 3, 4, -1]
    )
    world = settle(worlds.town(), rows)
    access.refresh_fields(world, par, worlds.terms_of(world.grid))
    expected = 2 * 10.0 * 0.15 * 3.6 / PRICE
    assert clear(world, par).demand == pytest.approx(expected, rel=1e-12)


def test_compute_does_not_care_where_its_users_are(par):
    grid = worlds.town(n_zones=8)
    rows = startups(300, heads=np.linspace(1, 90, 300), segment=np.arange(300) % 4, cell=np.arange(300) % 24)
    found = []
    for cell in (rows["cell"], np.full(300, 23), rows["cell"][::-1]):
        moved = rows.copy()
        moved["cell"] = cell
        world = settle(grid, moved)
        access.refresh_fields(world, par, worlds.terms_of(grid))
        world.compute["capacity"] = 500.0
        clear(world, par, months=3)
        found.append(world.compute.tobytes())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("log_sufficiency", [-0.08, 0.05])
def test_capability_answers_sufficiency_by_the_exponent_of_the_segment(log_sufficiency, par):
    rows = startups(4, segment=np.arange(4), log_quality=0.2, spillover=1.0, diversity=0.5)
    plain, short = settle(worlds.town(), rows), settle(worlds.town(), rows)
    short.compute["log_sufficiency"] = log_sufficiency
    for world in (plain, short):
        operations.post_and_release(world, par, worlds.terms_of(world.grid))
    change = short.startups["log_capability"] - plain.startups["log_capability"]
    np.testing.assert_allclose(change, np.array([0.3, 0.3, 0.6, 0.3]) * log_sufficiency, rtol=0, atol=1e-14)


@pytest.mark.parametrize("elasticity", [0.0, 0.7, 1.0, 1.4])
@pytest.mark.parametrize("price", [0.5, 1.0, 1.3])
def test_the_bill_moves_with_the_price_to_the_power_of_one_less_its_elasticity(elasticity, price):
    par = worlds.parameters({"compute.price_elasticity": elasticity})
    rows = startups(24, segment=np.arange(24) % 4, stage=np.arange(24) % 6, heads=np.linspace(1.0, 50.0, 24),
                    revenue_share=0.4)  # fmt: skip
    cash = []
    for level in (1.0, price):
        world = settle(worlds.town(), rows)
        worlds.at_price(world, level, par).labour["wage"] = 1.2
        operations.earn_and_spend(world, par, worlds.terms_of(world.grid))
        cash.append(world.startups["cash"].copy())
    dearer = 1.2 * rows["heads"] * PER_HEAD[rows["segment"]] * (price ** (1 - elasticity) - 1)
    # revenue counts the reference bill, whatever the price
    np.testing.assert_allclose(cash[0] - cash[1], dearer, rtol=0, atol=1e-9)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.95])
def test_vouchers_add_what_their_holders_use_more_to_the_demand_of_the_next_month(share, par):
    rows = startups(40, heads=np.linspace(1, 90, 40), segment=np.arange(40) % 4, lease_end=LONG)
    voucher = (lever("compute-voucher", share=share, cap_rmb_year=None, months=3),)
    world = settle(worlds.town(), rows)
    access.refresh_fields(world, par, worlds.terms_of(world.grid))
    wanted = float(rows["heads"] @ PER_HEAD[rows["segment"]]) / PRICE
    factor = []
    for month in range(5):
        price = float(world.compute["price"][0])
        factor.append(clear(world, par).demand / (wanted * price**-0.7))
        terms = worlds.terms_of(world.grid, voucher, month)
        aid.grant_aid(world, par, terms, Draws(1, month))
    assert factor[0] == pytest.approx(1.0, rel=1e-9)
    np.testing.assert_allclose(factor[1:4], (1 - share) ** -0.7, rtol=1e-6)
    assert factor[4] == pytest.approx(1.0, rel=1e-9)
