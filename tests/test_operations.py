"""Operations: productivity, heads, revenue, cost, cash and rent relief."""

import math

import numpy as np
import pytest
import worlds
from worlds import APP, EMB, MODEL, OPC, rent_cut, settle, startups

from sim import ClusterModel
from sim.ledger import LISTED
from sim.processes import labour, operations, rent_cuts
from sim.randomness import Draws
from sim.world import FLOW

FILLED = 0.5 / math.sqrt(0.5)  # posts filled in a month
LOST = 0.012
STEP = 2 * 2.0**-20  # heads are released, and posts opened, in steps of 2^-20


def works(par, rows, terms=None):
    """Return a town after a month of hiring and another of paying."""
    world = settle(worlds.town(), rows)
    terms = terms or worlds.terms_of(world.grid)
    rent_cuts.mark_eligible(world, par, terms, Draws(1, 0))
    operations.post_and_release(world, par, terms)
    world.month = -1  # in the history the pool is what the resting tightness needs, and the wage rests
    labour.fill_posts(world, par, terms)
    world.month = 0
    operations.earn_and_spend(world, par, terms)
    return world


def monthly_loss(par, firm, heads: float, capability: float, index: float = 1.0, bill: float = 1.0) -> float:
    """Return what a startup loses in a month, written out."""
    o = par.operations
    wage, segment, stage = o.wage_wan_head_month, firm["segment"], firm["stage"]
    head = wage[segment] * (1 + o.overhead_share[stage] + o.compute_share[segment])
    more = wage[segment] * o.compute_share[segment] * (bill - 1)
    cost = index * heads * (head + more) + firm["area"] * firm["lease_rent"] * (1 - firm["relief"]) / 1e4
    share = min(o.revenue_share[stage] * min(capability, 2.0) ** 0.35, 1.1)
    return cost - index * share * heads * (head + 12 * 150 / 1e4)


def test_a_seed_startup_of_five_heads_pays_and_earns_what_the_book_says(par):
    # 5 heads of APP at 3.6 wan, 20 % overhead, 15 % compute, 78 m2 at 150 RMB; revenue 39 % of reference cost
    firms, states, _ = settle(worlds.town(), startups(1, stage=1)).startups.parts
    firm, state = firms[0], states[0]
    state["revenue_share"] = operations.revenue_over_cost(1, 1.0, par.operations)
    cost = 5 * 3.6 * 1.35 + 78 * 150 / 1e4
    revenue = 0.39 * (5 * 3.6 * 1.35 + 12 * 5 * 150 / 1e4)
    assert operations.burn(firm, state, 0.0, 1.0, 1.0, 1.0, par.operations, par.location) == pytest.approx(
        cost - revenue, rel=1e-12
    )


@pytest.mark.parametrize("segment", [OPC, APP, MODEL, EMB])
@pytest.mark.parametrize("capability", [0.3, 1.0, 1.7, 5.0])
def test_cash_falls_by_cost_less_revenue(par, segment, capability):
    rows = startups(6, segment=segment, stage=np.arange(6), log_quality=math.log(capability), cash=1e6,
                    spillover=2.0, diversity=1.5)  # fmt: skip
    world = works(par, rows)
    for before, after in zip(rows, world.startups.whole(), strict=True):
        loss = monthly_loss(par, after, after["heads"], capability)
        assert before["cash"] - after["cash"] == pytest.approx(loss, rel=1e-9, abs=1e-9)


def test_revenue_does_not_depend_on_the_rent_paid_or_leased(par):
    rows = startups(2, area=[78.0, 780.0], lease_rent=[150.0, 400.0], cash=1e6)
    world = works(par, rows)
    assert world.startups["revenue_share"][0] == world.startups["revenue_share"][1]


def test_revenue_stops_rising_at_its_quality_cap_and_at_its_ceiling(par):
    o, top = par.operations, math.log(2.0)

    def share(stage: int, log_capability: float) -> float:
        power = math.exp(operations.revenue_exponent(log_capability, top, o))
        return operations.revenue_over_cost(stage, power, o)

    assert share(2, top) == pytest.approx(0.40 * 2**0.35)
    assert share(2, top + 3.0) == share(2, top)
    assert share(2, top - 0.1) < share(2, top)
    assert share(0, top) == 1.1  # 0.95 x 2^0.35 is more


def test_productivity_is_one_at_the_centre_and_has_the_stated_elasticities(par):
    o = par.operations
    assert operations.log_productivity(2.0, 1.5, o) == 0.0
    assert operations.log_productivity(3.0, 1.5, o) == pytest.approx(0.065)
    assert operations.log_productivity(2.0, 2.5, o) == pytest.approx(0.03)


def test_the_target_is_the_median_target_times_the_root_of_clipped_capability(par):
    o, low, high = par.operations, math.log(0.5), math.log(2.5)
    for capability, clipped in ((0.1, 0.5), (0.5, 0.5), (1.0, 1.0), (2.0, 2.0), (9.0, 2.5)):
        power = math.exp(operations.target_exponent(math.log(capability), low, high, o))
        found = operations.target_heads(MODEL, 3, power, o)
        assert found == pytest.approx(160 * math.sqrt(clipped), rel=1e-12)


def test_startups_above_what_the_search_for_money_heeds_are_counted_and_listed_firms_are_not(par):
    limit = 4.0 ** (1 / 0.8)  # the largest factor, 4, is reached where capability^0.8 is 4
    rows = startups(
        4, spillover=2.0, diversity=1.5, log_quality=np.log(limit * np.array([0.99, 1.01, 3.0, 3.0]))
    )
    rows["status"][3] = LISTED
    assert works(par, rows).caps["seek_quality_cap"][0] == 2


@pytest.mark.parametrize(("cap", "counted"), [(0.9, 3), (1.1, 0)])
def test_where_quality_does_not_move_the_search_its_cap_binds_for_all_or_for_none(cap, counted):
    par = worlds.parameters({"finance.seek_quality_exponent": 0.0, "finance.seek_quality_cap": cap})
    rows = startups(3, spillover=2.0, diversity=1.5, log_quality=[-2.0, 0.0, 2.0])
    assert works(par, rows).caps["seek_quality_cap"][0] == counted


# Heads. A startup of APP at stage 1 aims at 9 heads at capability 1.


def after_hiring(par, runway: float, heads: float = 5.0, area: float = 1e4, **fields) -> float:
    """Return the heads a month later of a startup with a runway as given."""
    rows = startups(1, stage=1, heads=heads, area=area, spillover=2.0, diversity=1.5, **fields)
    firm = rows[0]
    firm["cash"] = runway * monthly_loss(par, firm, heads, 1.0)
    return works(par, rows).startups["heads"][0]


@pytest.mark.parametrize(
    ("runway", "expected"),
    [
        (5.9, 5 * (1 - LOST - 0.10)),
        (-3.0, 5 * (1 - LOST - 0.10)),
        (6.1, 5 * (1 - LOST) + FILLED * 5 * LOST),
        (9.9, 5 * (1 - LOST) + FILLED * 5 * LOST),
        (10.1, 5 * (1 - LOST) + FILLED * (5 * LOST + 0.06 * (9 - 5))),
    ],
)
def test_the_runway_decides_who_grows_holds_and_shrinks(par, runway, expected):
    assert after_hiring(par, runway) == pytest.approx(expected, abs=STEP)


def test_a_startup_above_its_target_replaces_nobody(par):
    assert after_hiring(par, 100.0, heads=20.0) == pytest.approx(20 * (1 - LOST), abs=STEP)


def test_a_listed_firm_has_a_runway_without_end(par):
    found = after_hiring(par, -5.0, status=LISTED)
    assert found == pytest.approx(5 * (1 - LOST) + FILLED * (5 * LOST + 0.06 * 4), abs=STEP)


def test_a_startup_that_earns_its_cost_grows_without_cash(par):
    # a bootstrapped startup of high capability earns 110 % of reference cost
    rows = startups(1, segment=EMB, stage=0, heads=5.0, area=60.0, lease_rent=10.0, cash=0.0, log_quality=1.0,
                    spillover=2.0, diversity=1.5)  # fmt: skip
    assert works(par, rows).startups["heads"][0] > 5.0


@pytest.mark.parametrize(("area", "posts"), [(8 * 5.0, LOST * 5), (8 * 5.1, LOST * 5 + 0.1), (8 * 4.9, 0.0)])
def test_hiring_stops_at_eight_square_metres_a_head(par, area, posts):
    found = after_hiring(par, 100.0, area=area)
    assert found == pytest.approx(5 * (1 - LOST) + FILLED * posts, abs=STEP)
    assert found <= max(area / 8, 5 * (1 - LOST)) + STEP


def test_without_a_densest_use_space_never_stops_hiring():
    par = worlds.parameters({"operations.densest_m2_per_head": 0.0})
    found = after_hiring(par, 100.0, area=1.0)
    assert found == pytest.approx(5 * (1 - LOST) + FILLED * (5 * LOST + 0.24), abs=STEP)


def test_a_startup_never_has_less_than_one_head(par):
    assert after_hiring(par, -1.0, heads=1.0) == 1.0
    model = ClusterModel.from_scenario("baseline", seed=3)
    for _ in range(24):
        model.step()
        assert model.world.startups["heads"][model.employing].min() >= 1.0


# Rent relief


def test_what_the_public_pays_is_what_startups_receive(par):
    rows = startups(
        40, cell=np.arange(40) % 12, area=np.linspace(20, 90, 40), lease_rent=np.linspace(80, 240, 40)
    )
    terms = worlds.terms_of(worlds.town(), (rent_cut("a", ("zone-0", "zone-2"), 0.5),))
    plain, treated = works(par, rows.copy()), works(par, rows.copy(), terms)
    received = treated.startups["subsidy"].sum()
    in_zone = np.isin(treated.grid.zone[rows["cell"]], (0, 2))
    due = 0.5 * (rows["area"] * rows["lease_rent"] / 1e4)[in_zone].sum()
    assert received == pytest.approx(due, abs=1e-4)
    assert treated.accounts["spent"].sum() == received
    assert treated.flows[:, :, FLOW["subsidy_wan"]].sum() == received
    gained = (treated.startups["cash"] - plain.startups["cash"]).sum()
    assert gained == pytest.approx(received, abs=1e-4)
    assert treated.flows[:, :, FLOW["subsidised_area_m2"]].sum() == pytest.approx(rows["area"][in_zone].sum())


def test_two_cuts_of_more_than_the_rent_pay_exactly_the_rent(par):
    rows = startups(5, lease_rent=np.linspace(90.0, 240.0, 5))
    cuts = (rent_cut("a", ("zone-0",), 0.7), rent_cut("b", ("zone-0",), 0.6))
    world = works(par, rows, worlds.terms_of(worlds.town(), cuts))
    rent = (rows["area"] * rows["lease_rent"]).sum() / 1e4
    assert world.startups["relief"].tolist() == [1.0] * 5
    assert world.accounts["spent"].sum() == pytest.approx(rent, abs=1e-5)
    assert world.accounts["spent"][0] / world.accounts["spent"][1] == pytest.approx(7 / 6, rel=1e-6)
    assert world.startups["subsidy"].sum() == pytest.approx(rent, abs=1e-5)


@pytest.mark.parametrize(("more", "refused"), [(1.05, False), (0.95, True)])
def test_budgets_of_two_cuts_of_more_than_the_rent_have_to_reach_for_their_parts_alone(par, more, refused):
    rows = startups(100, lease_rent=np.linspace(90.0, 240.0, 100))
    rent = (rows["area"] * rows["lease_rent"]).sum()
    cuts = [rent_cut(name, ("zone-0",), 0.8, budget_rmb_year=more * rent / 2) for name in ("a", "b")]
    world = works(par, rows, worlds.terms_of(worlds.town(), cuts))
    assert world.accounts["refused"].any() == refused
    assert (world.accounts["spent"].sum() == pytest.approx(rent / 1e4, abs=1e-4)) != refused


def test_a_cut_whose_part_grows_because_another_has_no_money_left_pays_no_more_than_its_budget(par):
    rows = startups(100, lease_rent=np.linspace(90.0, 240.0, 100))
    rent = (rows["area"] * rows["lease_rent"]).sum()
    budget = 0.6 * rent  # more than its half, less than its 80 per cent
    cuts = (
        rent_cut("a", ("zone-0",), 0.8, budget_rmb_year=budget),
        rent_cut("b", ("zone-0",), 0.8, budget_rmb_year=0.0),
    )
    world = works(par, rows, worlds.terms_of(worlds.town(), cuts))
    spent, refused = world.accounts["spent"], world.accounts["refused"]
    assert spent[1] == 0.0
    assert refused[1] == 100.0
    assert 0.9 * budget < spent[0] * 1e4 <= budget
    assert refused[0] == (world.startups["relief"] == 0.0).sum() > 0
    assert set(world.startups["relief"]) == {0.0, 0.8}


def test_a_cut_in_another_zone_pays_nothing(par):
    world = works(
        par, startups(3, cell=[3, 4, 5]), worlds.terms_of(worlds.town(), (rent_cut("a", ("zone-0",), 0.5),))
    )
    assert not world.accounts["spent"].any()
    assert not world.startups["subsidy"].any()
