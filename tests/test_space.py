"""The grid: floor space to the square metre, one zone for each cell, distances, and places on the real map."""

import itertools
import json
import math

import numpy as np
import pytest
import worlds

from sim import ClusterModel
from sim.places import WorldError, read_world
from sim.scenario import Scenario
from sim.space import Grid, lattice_kernel_sum

SIZES_KM = (0.25, 0.5, 1.0)
#: places that lie in another district than the map's own
ELSEWHERE = {"jingxi": "Mentougou"}


@pytest.fixture(params=SIZES_KM, ids=lambda km: f"{km} km")
def grid(request):
    """Return the shipped world's grid at one of several cell sizes."""
    return Grid.of("haidian", request.param)


@pytest.mark.parametrize("column", ["stock_m2", "potential_stock_m2"])
def test_floor_space_of_a_zone_is_that_of_the_zone_table_to_the_square_metre(grid, column):
    table = grid.zone_values(column)
    assert np.abs(grid.zone_sums(grid.spread_stock(table)) - table).max() < 1e-6


def test_each_cell_stands_once_and_in_one_zone(grid):
    assert len(set(zip(grid.column.tolist(), grid.row.tolist(), strict=True))) == grid.n_cells
    assert np.array_equal(grid.zone, np.repeat(np.arange(grid.n_zones), np.diff(grid.first)))
    assert grid.first[0] == 0
    assert grid.first[-1] == grid.n_cells
    assert np.all(np.diff(grid.first) > 0)


def test_cells_lie_on_the_lattice_inside_the_map(grid):
    assert np.array_equal(grid.x, (grid.column + 0.5) * grid.cell_km)
    assert np.array_equal(grid.y, (grid.row + 0.5) * grid.cell_km)
    assert np.all((grid.column >= 0) & (grid.column < grid.shape[0]))
    assert np.all((grid.row >= 0) & (grid.row < grid.shape[1]))


def test_a_cell_belongs_to_the_zone_with_the_densest_stock_there():
    grid = Grid.of("haidian")
    settings = grid.tables.settings
    columns, rows = np.meshgrid(np.arange(grid.shape[0]), np.arange(grid.shape[1]))
    x, y = (columns.ravel() + 0.5) * grid.cell_km, (rows.ravel() + 0.5) * grid.cell_km
    density = np.zeros((grid.n_zones, x.size))
    for z, place in enumerate(grid.tables.zones):
        squared = (x - grid.zone_x[z]) ** 2 + (y - grid.zone_y[z]) ** 2
        shape = np.exp(-squared / (2 * place.radius_km**2))
        shape[np.sqrt(squared) > settings["stock_cut_radii"] * place.radius_km] = 0.0
        stock = settings["membership_stock_m2"].get(place.id, place.stock_m2)
        density[z] = stock * shape / shape.sum()
    cells = grid.row * grid.shape[0] + grid.column
    assert np.array_equal(density.argmax(axis=0)[cells], grid.zone)


def test_no_cell_is_smaller_than_the_smallest_at_its_zones_largest_stock(grid):
    smallest = grid.tables.settings["smallest_cell_stock_m2"] * (grid.cell_km / 0.5) ** 2
    assert grid.spread_stock(grid.zone_values("potential_stock_m2")).min() >= smallest


def test_the_shipped_world_has_about_510_cells():
    assert 490 <= Grid.of("haidian").n_cells <= 530


def test_the_set_of_cells_is_the_same_in_every_scenario():
    grids = [ClusterModel.from_scenario(name, seed=1).world.grid for name in Scenario.shipped()]
    for other in grids[1:]:
        assert np.array_equal(other.column, grids[0].column)
        assert np.array_equal(other.row, grids[0].row)
        assert np.array_equal(other.zone, grids[0].zone)


def test_distances_are_those_of_the_plane():
    grid = Grid.of("haidian")
    between = grid.cell_distance
    assert np.array_equal(between, between.T)
    assert not between.diagonal().any()
    i, j = 17, 400
    assert between[i, j] == pytest.approx(math.hypot(grid.x[i] - grid.x[j], grid.y[i] - grid.y[j]), rel=1e-15)
    assert grid.zone_distance[i, 3] == pytest.approx(
        math.hypot(grid.x[i] - grid.zone_x[3], grid.y[i] - grid.zone_y[3]), rel=1e-15)  # fmt: skip


def test_origins_are_the_nodes_and_then_the_zones():
    grid = Grid.of("haidian")
    nodes = len(grid.tables.nodes)
    assert grid.origin_distance.shape == (nodes + grid.n_zones, grid.n_zones)
    assert not grid.origin_distance[nodes:].diagonal().any()
    assert grid.origin_distance[2, 5] == pytest.approx(
        math.hypot(grid.node_x[2] - grid.zone_x[5], grid.node_y[2] - grid.zone_y[5]), rel=1e-15)  # fmt: skip


def test_the_kernel_sum_is_that_of_an_unbounded_lattice():
    steps = np.arange(-400, 401)
    lengths = 0.5 * np.hypot(*np.meshgrid(steps, steps))
    for range_km in (0.3, 0.75, 2.0):
        ours = lattice_kernel_sum(0.5, range_km, np.inf)
        assert ours == pytest.approx(np.exp(-lengths / range_km).sum(), rel=1e-6)


def test_an_unknown_world_is_refused_by_name():
    with pytest.raises(WorldError, match=r"no world 'atlantis'; shipped worlds: .*haidian"):
        Grid.of("atlantis")


def is_inside(x: float, y: float, ring: list[list[float]]) -> bool:
    """Return whether a point lies inside a closed ring: a ray from it crosses an odd number of sides."""
    inside = False
    for (x1, y1), (x2, y2) in itertools.pairwise(ring):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside


def districts() -> dict[str, list[list[list[float]]]]:
    """Return the outer rings of each district."""
    path = read_world("haidian").folder / "geo" / "beijing_districts.geojson"
    rings = {}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        shape = feature["geometry"]
        parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        rings[feature["properties"]["name_en"]] = [part[0] for part in parts]
    return rings


def test_every_zone_and_node_lies_in_its_district():
    tables, rings = read_world("haidian"), districts()
    home = tables.settings["map"]["home_district"]
    misplaced = [
        place.id
        for place in (*tables.zones, *tables.nodes)
        if not any(is_inside(place.lon, place.lat, ring) for ring in rings[ELSEWHERE.get(place.id, home)])
    ]
    assert misplaced == []


def test_a_town_made_by_hand_is_a_grid():
    grid = worlds.town(n_zones=3, cells_per_zone=2, stock_m2=500.0)
    assert grid.n_cells == 6
    assert grid.zone_sums(grid.spread_stock(grid.zone_values("stock_m2"))).tolist() == [500.0] * 3
