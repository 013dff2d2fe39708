"""What levers do to people and places: housing, founders, other tenants, and new space of average quality."""

import math

import checks
import numpy as np
import pytest
import worlds
from worlds import lever, settle, startups

from sim import ClusterModel
from sim.ledger import ABROAD, INDEPENDENT
from sim.levers import NewSpace, Phase
from sim.processes import access, births, labour, land, location
from sim.randomness import Draws

UNITS = 24_000.0


def housing(zone: str = "yongfeng", **fields):
    """Return a site of talent housing."""
    return lever("talent-housing", **({"zone": zone, "units": UNITS, "additional_share": 0.25} | fields))


def live_in(world, par, levers, month: int) -> np.ndarray:
    """Refresh the fields of a month; return ln T by cell."""
    world.month = month
    access.refresh_fields(world, par, worlds.terms_of(world.grid, levers, month))
    return world.log_talent.copy()


def gain(grid, zone: str, units: float) -> np.ndarray:
    """Return what flats in a zone add to ln T of each cell."""
    z = grid.tables.zone_index[zone]
    km = np.hypot(grid.x - grid.zone_x[z], grid.y - grid.zone_y[z])
    return 0.3 * np.log1p(units * np.exp(-km / 8.0) / 40_000.0)


# Talent housing


def test_flats_raise_access_to_talent_near_and_hardly_far(start, par):
    before = start.log_talent.copy()
    after = live_in(start, par, (housing(),), 11)
    expected = gain(start.grid, "yongfeng", UNITS)
    np.testing.assert_allclose(after - before, expected, rtol=0, atol=1e-12)
    assert expected.max() > 3 * expected.min() > 0


@pytest.mark.parametrize(("month", "let"), [(0, 1 / 12), (5, 0.5), (11, 1.0), (12, 1.0), (90, 1.0)])
def test_flats_are_let_within_a_year(month, let, start, par):
    before = start.log_talent.copy()
    after = live_in(start, par, (housing(),), month)
    np.testing.assert_allclose(after - before, gain(start.grid, "yongfeng", let * UNITS), rtol=0, atol=1e-12)


def test_two_sites_draw_on_one_logarithm(start, par):
    before = start.log_talent.copy()
    after = live_in(start, par, (housing(), housing("raycom", id="other", units=9_000.0)), 20)
    near = sum(
        np.exp(gain(start.grid, zone, units) / 0.3) - 1
        for zone, units in (("yongfeng", UNITS), ("raycom", 9e3))
    )
    np.testing.assert_allclose(after - before, 0.3 * np.log1p(near), rtol=0, atol=1e-12)


def test_access_to_talent_is_what_it_was_once_the_flats_are_gone(start, par):
    before = start.log_talent.copy()
    levers = (housing(months=14),)
    for month in range(14):
        assert not np.array_equal(live_in(start, par, levers, month), before)
    assert np.array_equal(live_in(start, par, levers, 14), before)


def test_flats_do_not_weigh_graduates_anew_when_offices_have_opened(start, par):
    before = start.log_talent.copy()
    start.stock[start.grid.zone == 0] += 50_000.0
    after = live_in(start, par, (housing(),), 11)
    np.testing.assert_allclose(after - before, gain(start.grid, "yongfeng", UNITS), rtol=0, atol=1e-12)


def test_seats_of_funds_are_weighed_by_the_floor_space_of_the_table(start, par):
    before = access.capital(start, 3.0)
    start.stock[start.grid.zone == 0] += 50_000.0
    assert np.array_equal(access.capital(start, 3.0), before)


def test_no_flats_change_no_bit(start, par):
    before = start.log_talent.tobytes()
    assert live_in(start, par, (housing(units=0.0),), 11).tobytes() == before


def test_graduates_that_are_set_anew_leave_the_flats_where_they_are():
    site = {"policies.site": {"id": "site", "kind": "talent-housing", "zone": "yongfeng", "units": UNITS,
                              "from": "2025-01"}}  # fmt: skip
    model = ClusterModel.from_scenario(worlds.scenario().with_values(site), seed=1)
    model.step()
    before = model.world.log_talent.copy()
    node = next(agent for agent in model.agents if getattr(agent, "graduates_per_year", 0) > 0)
    node.graduates_per_year = node.graduates_per_year
    assert np.array_equal(model.world.log_talent, before)


def test_people_who_would_not_have_come_come_once(start, par):
    levers, extra = (housing(months=40),), []
    for month in range(44):
        quiet, housed = start.copy(), start.copy()
        for world, its in ((quiet, ()), (housed, levers)):
            world.month = month
            labour.fill_posts(world, par, worlds.terms_of(world.grid, its, month))
        extra.append(housed.labour["inflow"][0] - quiet.labour["inflow"][0])
    np.testing.assert_allclose(extra[:12], 0.25 * UNITS / 12, rtol=1e-9)
    np.testing.assert_array_equal(extra[12:], 0.0)
    assert sum(extra) == pytest.approx(0.25 * UNITS, rel=1e-9)


def test_the_regions_appeal_counts_access_to_talent(start, par):
    start.vacant = np.maximum(start.vacant, 0.0)
    for levers in ((), (housing(),)):
        terms = worlds.terms_of(start.grid, levers, 11)
        live_in(start, par, levers, 11)
        location.weigh_region(start, par, terms)
        for segment in range(4):
            value = checks.utility(start, par, np.zeros(start.grid.n_zones), segment, 0)
            expected = np.log(np.sum(start.vacant * np.exp(value))) - 0.65 * np.log(start.vacant.sum())
            assert start.appeal[segment] == pytest.approx(expected, abs=1e-9)
    assert (start.appeal > start.reference_appeal).all()


# Founders


def found(par, levers=(), months: int = 240, seed: int = 1):
    """Return who founded here in a town without nodes at the reference appeal, who did not, and the world."""
    world = settle(worlds.town(), startups(0))
    rows, outside = [], 0.0
    for month in range(months):
        world.startups.n, world.month = 0, month
        world.begin_month()
        births.found_startups(world, par, worlds.terms_of(world.grid, levers, month), Draws(seed, month))
        rows.append(world.startups.whole())
        outside += world.founded_outside.sum()
    return np.concatenate(rows), outside, world


def test_simpler_administration_multiplies_the_odds_of_founding_here(par):
    for appeal in (-2.0, 0.0, 0.7):
        for more in (0.0, 0.3, 2.0):
            found_here = births.inside_probabilities(np.full(4, appeal), more, par.table)
            odds = math.exp(0.5 * appeal + more) / 0.35
            np.testing.assert_allclose(found_here, odds / (1 + odds), rtol=1e-12)


def test_simpler_administration_brings_founders_and_changes_nothing_about_the_others(par):
    few, _, _ = found(par)
    many, outside, _ = found(par, (lever("administration", appeal_utils=0.6),))
    checks.check_chance(len(many), round(len(many) + outside), 1 / (1 + 0.35 * math.exp(-0.6)))
    assert set(few["uid"].tolist()) < set(many["uid"].tolist())
    assert worlds.same(many[np.isin(many["uid"], few["uid"])], few)


def test_founders_from_abroad_are_a_source_of_their_own_with_the_same_odds(par):
    few, before, _ = found(par)
    many, outside, _ = found(par, (lever("landing", founders_per_month=7.0),))
    abroad = many["origin"] == ABROAD
    whole = abroad.sum() + outside - before
    assert abs(whole - 7.0 * 240) < 4 * math.sqrt(7.0 * 240)
    checks.check_chance(int(abroad.sum()), round(whole), 1 / 1.35)
    assert worlds.same(many[~abroad], few)
    assert set(many["origin_place"][abroad].tolist()) == {-1}


def test_founders_come_from_abroad_only_while_they_are_brought(par):
    rows, _, _ = found(
        par, (lever("landing", founders_per_month=9.0, from_="2025-07", months=12),), months=30
    )
    born = rows["born"][rows["origin"] == ABROAD]
    assert set(born.tolist()) == set(range(6, 18))


def test_founders_from_abroad_are_not_counted_among_the_regions_talents():
    par = worlds.parameters({"births.top_share": 1.0})
    rows, outside, world = found(par, (lever("landing", founders_per_month=9.0),), months=40)
    assert (rows["origin"] == ABROAD).any()
    taken_down = world.talents.rows
    assert set(taken_down["origin"].tolist()) == {INDEPENDENT}
    own = rows[rows["origin"] == INDEPENDENT]
    assert set(taken_down["uid"][taken_down["here"] == 1].tolist()) == set(own["uid"].tolist())
    assert len(taken_down) < len(rows) + outside


@pytest.mark.parametrize(("kind", "strength"), [("administration", {"appeal_utils": 0.0}),
                                                ("landing", {"founders_per_month": 0.0})])  # fmt: skip
def test_levers_on_founders_without_strength_change_no_bit(kind, strength, par):
    assert worlds.same(found(par)[0], found(par, (lever(kind, **strength),))[0])


# Other tenants

STILL = {"land.rent_speed_per_month": 0.0, "land.rent_reversion_per_month": 0.0}


@pytest.mark.parametrize("log_rent", [0.0, math.log(1.2)])
@pytest.mark.parametrize("area", [1000.0, -1000.0])
def test_other_tenants_want_the_floor_space_of_the_lever_on_top_of_their_trend(log_rent, area):
    par = worlds.parameters(STILL | {"outlook.tenant_growth_per_month": 0.004})
    world = settle(worlds.town(), startups(0))
    world.tenant_demand = 0.5 * world.stock
    world.nearby_stock = world.stock.copy()
    world.log_rent[:] = log_rent
    levers = (lever("tenant-demand", zones=("zone-1", "zone-3"), area_m2_month=area, over_months=6, from_="2025-03",
                    months=15),)  # fmt: skip
    for month in range(20):
        world.month = month
        land.clear_offices(world, par, worlds.terms_of(world.grid, levers, month))
        more = area * min(max(month - 1, 0), 6) if month < 17 else 0.0
        trend = 0.5e6 * math.exp(0.004 * month)
        expected = (trend + more * np.array([0, 1, 0, 1])) * math.exp(-0.4 * log_rent)
        np.testing.assert_allclose(world.grid.zone_sums(world.tenants), expected, rtol=1e-12)
        np.testing.assert_allclose(world.vacant, world.stock - world.tenants, rtol=1e-12)


def test_other_tenants_give_up_no_more_than_they_hold(par):
    world = settle(worlds.town(), startups(0))
    world.tenant_demand = 0.5 * world.stock
    world.nearby_stock = world.stock.copy()
    levers = (lever("tenant-demand", zones=("zone-1",), area_m2_month=-1e6, over_months=6),)
    land.clear_offices(world, par, worlds.terms_of(world.grid, levers, 3))
    assert world.grid.zone_sums(world.tenants).tolist()[1] == 0.0
    assert world.grid.zone_sums(world.tenants)[0] == pytest.approx(0.5e6)


# New space

EQUAL = STILL | {"location.spillover_weight": 0.0, "location.diversity_weight": 0.0}


def open_offices(par, area: float, residual: float = 0.0):
    """Return the appeal of a town before and after vacant space has opened in one zone, and vacancy then."""
    world = settle(worlds.town(), startups(60, cell=np.arange(60) % 12, segment=np.arange(60) % 4))
    world.tenant_demand, world.residual[2] = world.tenants.copy(), residual
    space = NewSpace(
        id="space", kind="new-space", zone="zone-2", phases=(Phase(opens="2025-01", area_m2=area),)
    )
    appeal, vacant = [], []
    for levers in ((), (space,)):
        terms = worlds.terms_of(world.grid, levers)
        land.open_space(world, par, terms)
        access.refresh_fields(world, par, terms)
        land.clear_offices(world, par, terms)
        location.weigh_region(world, par, terms)
        appeal.append(world.appeal.copy())
        vacant.append(world.vacant.sum())
    return *appeal, vacant[1] / vacant[0]


@pytest.mark.parametrize("area", [1e4, 3e5, 5e6])
def test_new_space_of_average_quality_leaves_entry_as_it_is(area):
    par = worlds.parameters(EQUAL | {"births.choice_size_exponent": 0.0})
    before, after, ratio = open_offices(par, area)
    assert ratio > 1.01
    chances = [births.inside_probabilities(appeal - before, 0.0, par.table) for appeal in (before, after)]
    np.testing.assert_allclose(chances[1], chances[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(chances[0], 1 / 1.35, rtol=1e-12)


@pytest.mark.parametrize("exponent", [0.2, 0.35, 1.0])
def test_where_more_space_counts_as_such_appeal_rises_by_its_log(exponent):
    par = worlds.parameters(EQUAL | {"births.choice_size_exponent": exponent})
    before, after, ratio = open_offices(par, 3e5)
    np.testing.assert_allclose(after - before, exponent * math.log(ratio), rtol=1e-10)


def test_new_space_of_better_quality_raises_entry_and_of_worse_lowers_it():
    par = worlds.parameters(EQUAL | {"births.choice_size_exponent": 0.0})
    for residual, sign in ((0.5, 1.0), (-0.5, -1.0)):
        before, after, _ = open_offices(par, 3e5, residual)
        assert np.all(sign * (after - before) > 0.01)
