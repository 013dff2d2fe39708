"""Offices: other tenants, new space, vacancy and rent."""

import math

import numpy as np
import pytest
import worlds
from worlds import settle, startups

from sim import ClusterModel, space
from sim.ledger import ACTIVE, LISTED
from sim.levers import NewSpace, Phase
from sim.processes import land
from sim.world import IdentityError

PATH = {
    "land.tenant_rent_elasticity": 0.0,
    "land.rent_speed_per_month": 1 / 6,
    "land.rent_reversion_per_month": 0.0,
}


def offices(vacancy: float, rows=None, grid=None):
    """Return a town whose other tenants leave `vacancy` of each cell, whatever the rent."""
    world = settle(grid or worlds.town(), startups(0) if rows is None else rows)
    world.tenant_demand = world.stock * (1 - vacancy)
    world.nearby_stock = space.spread_one(land.neighbourhood(world.grid, 1.0), world.stock)
    return world


@pytest.mark.parametrize("vacancy", [0.0, 0.6])
def test_the_largest_step_binds_and_is_counted(vacancy, neutral):
    world, par = offices(vacancy), worlds.parameters(PATH | {"land.rent_step_limit": 0.01})
    land.clear_offices(world, par, neutral)
    assert np.abs(world.log_rent).tolist() == [0.01] * world.grid.n_cells
    assert world.caps["rent_step"][0] == world.grid.n_cells
    assert world.caps["cell_months"][0] == world.grid.n_cells


def test_a_rent_step_is_the_gap_times_speed_less_reversion():
    assert land.rent_step(0.02, 0.1, 0.167, 0.03, 0.5) == pytest.approx(0.167 * 0.02 - 0.03 * 0.1)
    assert land.rent_step(1.0, 0.0, 0.167, 0.03, 0.03) == 0.03
    assert land.rent_step(-1.0, 0.0, 0.167, 0.03, 0.03) == -0.03


def test_other_tenants_want_less_at_a_higher_rent_by_their_elasticity():
    for log_rent in (-0.3, 0.0, 0.2):
        assert land.tenant_demand(1000.0, log_rent, 0.4) == pytest.approx(1000.0 * math.exp(-0.4 * log_rent))
    assert land.tenant_demand(1100.0, 0.0, 0.4) == pytest.approx(1100.0)


def test_demand_of_other_tenants_grows_by_the_scenarios_rate(neutral):
    par = worlds.parameters(PATH | {"outlook.tenant_growth_per_month": 0.004})
    world = offices(0.5)
    world.month = 10
    land.clear_offices(world, par, neutral)
    np.testing.assert_allclose(world.tenants, world.stock * 0.5 * math.exp(0.04), rtol=1e-12)


def test_other_tenants_give_way_to_startups_and_are_counted(neutral):
    room = worlds.town().spread_stock(np.full(4, 1e6))[0]
    world = offices(0.1, startups(1, area=0.5 * room, cell=3))
    land.clear_offices(world, worlds.parameters(PATH), neutral)
    assert world.tenants[3] == pytest.approx(0.5 * room)
    assert world.vacant[3] == pytest.approx(0.0, abs=1e-6)
    assert world.caps["tenants_squeezed"][0] == 1
    np.testing.assert_allclose(np.delete(world.tenants, 3), 0.9 * room, rtol=1e-12)


def test_an_oversold_cell_is_an_error_that_says_by_how_much(neutral):
    room = worlds.town().spread_stock(np.full(4, 1e6))[0]
    world = offices(0.1, startups(1, area=room + 50.0))
    with pytest.raises(IdentityError, match=r"month 0: startups hold 50(\.0+\d*)? m2 more"):
        land.clear_offices(world, worlds.parameters(PATH), neutral)


def opening(month: str, area_m2: float, zone: str = "yongfeng") -> NewSpace:
    """Return new space that opens once."""
    return NewSpace(id="space", kind="new-space", zone=zone, phases=(Phase(opens=month, area_m2=area_m2),))


def test_new_space_raises_vacancy_by_exactly_its_area(start, par, neutral):
    quiet = start.copy()
    terms = worlds.terms_of(start.grid, (opening("2025-01", 123_456.0),))
    for world, its_terms in ((quiet, neutral), (start, terms)):
        land.open_space(world, par, its_terms)
        land.clear_offices(world, par, its_terms)
    more = start.grid.zone_sums(start.vacant - quiet.vacant)
    treated = start.grid.tables.zone_index["yongfeng"]
    assert more[treated] == pytest.approx(123_456.0, abs=1e-6)
    assert np.abs(np.delete(more, treated)).max() < 1e-6
    assert (start.stock - quiet.stock).sum() == pytest.approx(123_456.0, abs=1e-6)


def test_new_space_is_vacant_by_nature_in_its_first_month(start, par):
    terms = worlds.terms_of(start.grid, (opening("2025-01", 1e6),))
    land.open_space(start, par, terms)
    land.clear_offices(start, par, terms)
    assert np.abs(start.log_rent).max() < 1e-12


def test_natural_vacancy_of_new_space_halves_in_its_own_time_and_that_of_old_in_another(start, par, neutral):
    terms = worlds.terms_of(start.grid, (opening("2025-01", 1e6),))
    land.open_space(start, par, terms)
    first = start.excess_vacancy.copy()
    assert first[1].sum() == pytest.approx(1e6 * (1 - 0.115), rel=1e-12)
    for month in range(1, 121):
        start.month = month
        land.open_space(start, par, neutral)
        if month == 36:
            np.testing.assert_allclose(start.excess_vacancy[1], first[1] / 2, rtol=1e-12)
    np.testing.assert_allclose(start.excess_vacancy[0], first[0] / 2, rtol=1e-12)


def test_new_space_lowers_rents_nearby_once_it_is_expected_to_fill(start, par, neutral):
    quiet = start.copy()
    terms = worlds.terms_of(start.grid, (opening("2025-01", 1e6),))
    for world, its_terms in ((quiet, neutral), (start, terms)):
        for month in range(24):
            world.month = month
            now = its_terms if month == 0 else neutral
            land.open_space(world, par, now)
            land.clear_offices(world, par, now)
    treated = start.grid.zone == start.grid.tables.zone_index["yongfeng"]
    assert np.all(start.rent[treated] < quiet.rent[treated])


@pytest.mark.parametrize("name", ["rent-cut", "north-space"])
def test_floor_space_adds_up_in_every_cell_every_month(name):
    model = ClusterModel.from_scenario(name, seed=2)
    for _ in range(24):
        model.step()
        world = model.world
        world.check()
        rows = world.startups.whole()
        here = rows[np.isin(rows["status"], (ACTIVE, LISTED))]
        area = np.bincount(here["cell"], weights=here["area"], minlength=world.grid.n_cells)
        np.testing.assert_allclose(area + world.tenants + world.vacant, world.stock, rtol=0, atol=1e-6)
        assert world.vacant.min() >= -1e-6
        assert world.tenants.min() >= 0.0
        # bounds that spare draws must hold
        assert here["lease_rent"].max() <= world.highest_rent
        assert here["heads"].max() <= 900 * math.sqrt(2.5)
    planned = world.grid.zone_values("stock_m2").sum() + (1_552_500 if name == "north-space" else 0)
    assert world.stock.sum() == pytest.approx(planned, abs=1e-3)


def test_the_check_of_floor_space_finds_a_square_metre_that_is_missing(start):
    start.check()
    start.vacant[17] += 1.0
    with pytest.raises(IdentityError, match="cell 17: floor space is off by 1 m2"):
        start.check()
