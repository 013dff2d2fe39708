"""Access: fields of heads, diversity, talent and capital."""

import math

import checks
import numpy as np
import pytest
import worlds
from worlds import APP, EMB, MODEL, OPC, grid_of, settle, startups, zone

from sim.ledger import ACQUIRED, CLOSED, DORMANT, LEFT, LISTED, LOST
from sim.processes import access


def whole_lattice(side: int, cell_km: float = 0.5):
    """Return a square lattice of which every cell is there, in one zone."""
    cells = [
        ((i + 0.5) * cell_km, (j + 0.5) * cell_km, 0, 1 / side**2) for j in range(side) for i in range(side)
    ]
    return grid_of(cells, [zone("all", 1e7)], cell_km=cell_km)


def refreshed(grid, rows, par, neutral):
    """Return a world with these startups and its fields."""
    world = settle(grid, rows)
    access.refresh_fields(world, par, neutral)
    return world


def test_the_field_of_an_interior_source_is_the_source_but_for_what_leaves_the_grid(par, neutral):
    side, range_km = 41, float(par.access.spillover_range_km)
    grid = whole_lattice(side)
    centre = side * (side // 2) + side // 2
    world = refreshed(grid, startups(1, cell=centre, heads=70.0, segment=MODEL), par, neutral)
    steps = np.arange(-(side // 2), side // 2 + 1)
    inside = np.exp(-0.5 * np.hypot(*np.meshgrid(steps, steps)) / range_km).sum()
    kept = inside / checks.lattice_sum(0.5, range_km)
    assert kept > 0.999
    assert world.spillovers[MODEL].sum() == pytest.approx(70.0 * kept, rel=1e-9)
    assert not world.spillovers[[OPC, APP, EMB]].any()


def test_what_a_source_in_the_corner_sends_outside_is_lost(par, neutral):
    world = refreshed(whole_lattice(41), startups(1, cell=0, heads=1.0), par, neutral)
    quarter = world.spillovers[APP].sum()
    assert 0.25 < quarter < 0.5


@pytest.mark.parametrize("cell_km", [0.5, 1.0])
def test_the_kernel_sums_to_one_on_the_unbounded_lattice_at_any_cell_size(cell_km, par):
    side = int(2 * 15 / cell_km) + 1
    grid = whole_lattice(side, cell_km)
    middle = side * (side // 2) + side // 2
    row = access.spillover_matrix.__wrapped__(grid, float(par.access.spillover_range_km), math.inf)[middle]
    assert row.sum() == pytest.approx(1.0, abs=1e-7)


def test_logs_of_fields_and_diversity_are_those_of_the_formula(start, par, neutral):
    access.refresh_fields(start, par, neutral)
    strength, scale = checks.field(start, par), float(par.access.spillover_scale_heads)
    np.testing.assert_allclose(start.log_spillovers, np.log1p(strength / scale), rtol=0, atol=1e-12)
    np.testing.assert_allclose(start.diversity, checks.jacobs(strength, scale), rtol=0, atol=1e-11)


def test_a_startup_does_not_spill_over_on_itself(start, par, neutral):
    access.refresh_fields(start, par, neutral)
    range_km, scale = float(par.access.spillover_range_km), float(par.access.spillover_scale_heads)
    strength = checks.field(start, par)
    peak = 1 / checks.lattice_sum(0.5, range_km)
    rows = start.startups.whole()
    for firm in rows[(rows["status"] == 0) | (rows["status"] == LISTED)][::37]:
        others = strength[:, firm["cell"]].copy()
        others[firm["segment"]] -= peak * firm["heads"]
        assert firm["spillover"] == pytest.approx(math.log1p(others[firm["segment"]] / scale), abs=1e-7)
        assert firm["diversity"] == pytest.approx(checks.jacobs(others[:, None], scale)[0], abs=1e-7)


@pytest.mark.parametrize("heads", [1.0, 30.0, 5000.0])
def test_a_lone_startup_receives_nothing_however_large(heads, par, neutral):
    world = refreshed(worlds.town(), startups(1, heads=heads), par, neutral)
    assert world.startups["spillover"][0] == pytest.approx(0.0, abs=1e-14)
    assert world.startups["diversity"][0] == pytest.approx(0.0, abs=1e-14)


def test_a_startup_counts_itself_where_self_spillover_is_on(neutral):
    par = worlds.parameters({"access.self_spillover": True})
    world = refreshed(worlds.town(), startups(1, heads=30.0), par, neutral)
    peak = 1 / checks.lattice_sum(0.5, 0.75)
    assert world.startups["spillover"][0] == pytest.approx(math.log1p(30.0 * peak / 20.0), rel=1e-9)


def test_two_neighbours_receive_each_others_heads(par, neutral):
    world = refreshed(worlds.town(), startups(2, heads=[10.0, 40.0]), par, neutral)
    peak = 1 / checks.lattice_sum(0.5, 0.75)
    expected = np.log1p(np.array([40.0, 10.0]) * peak / 20.0)
    np.testing.assert_allclose(world.startups["spillover"], expected, rtol=1e-9)


def test_one_segment_has_no_diversity_and_equal_segments_have_the_most(par, neutral):
    one = refreshed(worlds.town(), startups(4, segment=APP), par, neutral)
    np.testing.assert_allclose(one.diversity, 0.0, atol=1e-13)
    four = refreshed(worlds.town(), startups(4, segment=[0, 1, 2, 3]), par, neutral)
    whole = four.spillovers.sum(axis=0)
    np.testing.assert_allclose(four.diversity, 0.75 * np.log1p(whole / 20.0), rtol=1e-12)


def test_heads_of_which_hardly_anything_is_left_so_far_away_make_no_diversity(neutral):
    par = worlds.parameters({"access.spillover_range_km": 0.05})
    far = grid_of([(0.25, 0.25, 0, 1.0), (20.25, 0.25, 1, 1.0)], [zone("near", 1e6), zone("far", 1e6)])
    world = refreshed(far, startups(2, segment=[APP, EMB], cell=0), par, neutral)
    whole = world.spillovers.sum(axis=0)
    assert (whole[-1] > 0.0) & (whole[-1] ** 2 == 0.0)
    assert world.diversity[-1] == 0.0
    assert np.isfinite(world.attraction).all()


def test_only_active_and_listed_firms_are_sources(par, neutral):
    for status, counts in ((LISTED, True), (DORMANT, False), (ACQUIRED, False), (LEFT, False), (CLOSED, False),
                           (LOST, False)):  # fmt: skip
        world = refreshed(worlds.town(), startups(1, status=status), par, neutral)
        assert world.spillovers.any() == counts


def test_beyond_the_cut_nothing_spills_over(neutral):
    par = worlds.parameters({"access.spillover_cut_km": 1.1})
    world = refreshed(worlds.town(n_zones=6), startups(1, cell=0), par, neutral)
    far = checks.distances(world)[0] > 1.1
    assert not world.spillovers[APP][far].any()
    assert np.all(world.spillovers[APP][~far] > 0)
    expected = 5.0 / checks.lattice_sum(0.5, 0.75, cut_km=1.1)
    assert world.spillovers[APP][0] == pytest.approx(expected, rel=1e-12)


def test_the_relative_form_is_the_count_over_the_mean_count(neutral):
    # a range far below the size of a cell: every cell is alone
    theory = {
        "location.social_form": "relative",
        "access.spillover_range_km": 0.05,
        "access.self_spillover": True,
    }
    par = worlds.parameters(theory | {"access.spillover_cut_km": 0.0})
    counts = np.array([5, 0, 2, 1, 0, 0, 0, 0, 1, 0, 3, 0])
    rows = startups(12, cell=np.repeat(np.arange(12), counts), heads=np.arange(1.0, 13.0))
    world = refreshed(worlds.town(), rows, par, neutral)
    np.testing.assert_allclose(world.log_spillovers[APP], counts, rtol=1e-12)  # the mean is 1
    assert not world.diversity.any()


def test_in_the_relative_form_a_startup_counts_the_others_over_the_mean_of_the_others(neutral):
    theory = {"location.social_form": "relative", "access.spillover_range_km": 0.05}
    par = worlds.parameters(theory | {"access.spillover_cut_km": 0.0})
    rows = startups(9, cell=[0, 0, 0, 0, 0, 1, 1, 1, 5])
    world = refreshed(worlds.town(), rows, par, neutral)
    expected = np.array([4, 4, 4, 4, 4, 2, 2, 2, 0]) / (8 / 12)
    np.testing.assert_allclose(world.startups["spillover"], expected, rtol=1e-12)


def test_talent_access_has_stock_weighted_mean_one(start, par):
    access.prepare_access(start, par)
    graduates = np.exp(start.log_talent / float(par.access.campus_share))
    assert (start.stock * graduates).sum() / start.stock.sum() == pytest.approx(1.0, rel=1e-12)


def test_talent_access_falls_with_distance_from_graduates(start, par):
    grid = start.grid
    reach = np.exp(-np.hypot(grid.x[:, None] - grid.node_x, grid.y[:, None] - grid.node_y) / 3.0)
    expected = reach @ np.array([node.ai_graduates_per_year for node in grid.tables.nodes])
    found = access.talent(start, 3.0)
    np.testing.assert_allclose(found / found[0], expected / expected[0], rtol=1e-12)


def test_log_capital_access_has_stock_weighted_mean_zero_wherever_funds_sit(start, par):
    access.prepare_access(start, par)
    assert start.log_capital.any()
    assert (start.stock * start.log_capital).sum() / start.stock.sum() == pytest.approx(0.0, abs=1e-12)
    start.funds["seat"] = 11
    access.prepare_access(start, par)
    assert (start.stock * start.log_capital).sum() / start.stock.sum() == pytest.approx(0.0, abs=1e-12)


def test_without_money_no_place_is_closer_to_funds(start, par):
    start.funds[worlds.BASE] = 0.0
    access.prepare_access(start, par)
    assert not start.log_capital.any()
