"""Made worlds: the table [world] of a scenario file, its cells and distances, its first month, its runs and maps."""

import json
import re

import numpy as np
import pytest
import worlds
from click.testing import CliRunner

from sim import ClusterModel
from sim.__main__ import cli
from sim.figures import draw_scenario
from sim.figures.geography import Geography
from sim.given import cells_of
from sim.history import first_month
from sim.made_worlds import MOST_CELLS, WORLDS
from sim.parameters import Parameters
from sim.places import WorldError, read_world
from sim.problems import ScenarioError
from sim.processes import access
from sim.scenario import Scenario
from sim.schema import scenario_schema
from sim.space import Grid

KINDS = sorted(WORLDS)
SMALL = {
    "places": {"places": 5},
    "torus": {"columns": 8, "rows": 6},
    "plain": {"columns": 8, "rows": 6},
    "line": {"parks": 3},
    "empty": {"columns": 6, "rows": 6},
}
PEOPLED = sorted(set(KINDS) - {"empty"})
HALF_KM = 0.5


def made(kind: str, changes: dict | None = None, **table) -> Scenario:
    """Return a scenario in a made world."""
    world = {"kind": kind, **SMALL[kind], **table}
    bare = Scenario.model_validate({"id": "made", "name": "Made", "months": 24, "world": world})
    return bare.with_values(changes or {})


def grid_of(kind: str, **table) -> Grid:
    return Grid.of(made(kind, **table).world)


def start_of(scenario: Scenario, seed: int = 1):
    return first_month(scenario, Parameters.of(scenario), seed)


def written(folder, text: str, name: str = "made.toml"):
    path = folder / name
    path.write_text('name = "Made"\nmonths = 24\n' + text, encoding="utf-8")
    return path


def refusal(folder, text: str) -> str:
    with pytest.raises(ScenarioError) as refused:
        Scenario.load(written(folder, text))
    (problem,) = refused.value.problems
    return str(problem).removeprefix(f"{folder}/")


# Files


def test_a_file_makes_a_world_and_says_where_each_value_comes_from(tmp_path):
    path = written(tmp_path, '[world]\nkind = "torus"\ncolumns = 12\nrows = 10\n')
    scenario = Scenario.load(path)
    assert scenario.world == WORLDS["torus"](kind="torus", columns=12, rows=10)
    origin = scenario.origin
    assert origin["world.columns"] == f"{path}:5"
    assert origin["world.stock_m2"] == "default"
    units = {entry.key: entry.unit for entry in scenario.entries()}
    assert units["world.stock_m2"] == "m2"
    assert units["world.columns"] == "cells"


def test_the_command_shows_a_made_world_with_its_origin(tmp_path):
    path = written(tmp_path, '[world]\nkind = "line"\nparks = 4\n')
    shown = CliRunner().invoke(cli, ["scenario", "show", str(path), "--origin"]).stdout.splitlines()
    (parks,) = [line for line in shown if line.startswith("world.parks ")]
    assert parks.split() == ["world.parks", "4", "parks", f"{path}:5"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("world = 3", 'made.toml:3:1: world: must be the id of a shipped world or the path of a world folder, as text, or a table with a kind'),
        ('[world]\nkind = "tours"', 'made.toml:4:1: world.kind: no kind of world "tours"; did you mean "torus"?'),
        ('[world]\nplaces = 3', "made.toml:3:1: world.kind: required key is missing: Kind of made world"),
        ('[world]\nkind = "torus"\ncolums = 3', 'made.toml:5:1: world.colums: unknown key; did you mean "columns"?'),
        ('[world]\nkind = "line"\nparks = 2.5',
         "made.toml:5:1: world.parks: must be a whole number, not a number with a fraction (1 to 100, parks)"),
        ('[world]\nkind = "torus"\ncell_km = 0', "made.toml:5:1: world.cell_km: must lie between 0.01 and 100, not 0.0 (km)"),
        ('[world]\nkind = "places"\nstartups = [1, 2, 3]',
         "made.toml:5:1: world.startups: must be one number for all zones or one for each of 2, not 3 numbers"),
        ('[world]\nkind = "torus"\ncolumns = 100\nrows = 90',
         f"made.toml:6:1: world.rows: makes 9000 cells; a made world has at most {MOST_CELLS}"),
        ('[world]\nkind = "empty"\nstartups = [3]', "made.toml:5:1: world.startups: unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_made_world_is_said_where_it_stands(tmp_path, text, said):
    found = refusal(tmp_path, text)
    assert found == said or found.startswith(f"{said} (keys")


def test_an_extending_file_changes_single_keys_of_a_made_world(tmp_path):
    written(tmp_path, '[world]\nkind = "plain"\ncolumns = 12\nrows = 3\n', "parent.toml")
    child = Scenario.load(written(tmp_path, 'extends = "parent.toml"\n[world]\nrows = 5\n'))
    assert (child.world.kind, child.world.columns, child.world.rows) == ("plain", 12, 5)
    assert child.origin["world.columns"].endswith("parent.toml:5")


@pytest.mark.parametrize(
    ("world", "kind"), [('world = "haidian"', None), ('[world]\nkind = "places"', "places")]
)
def test_an_extending_file_puts_another_world_in_its_place(tmp_path, world, kind):
    written(tmp_path, '[world]\nkind = "plain"\ncolumns = 12\n', "parent.toml")
    child = Scenario.load(written(tmp_path, f'extends = "parent.toml"\n{world}\n'))
    assert getattr(child.world, "kind", None) == kind


def test_every_key_of_a_made_world_is_in_the_fingerprints():
    assert made("line").fingerprint == made("line").fingerprint
    changes = {"parks": 4, "park_cells": 3, "gap_cells": 1, "cell_km": 1.0, "stock_m2": 5.0, "vacancy_share": 0.1,
               "rent_rmb_m2_month": 100.0, "startups": (1,), "history": True, "inflow_heads_month": 3.0}  # fmt: skip
    assert set(changes) | {"kind"} == set(WORLDS["line"].model_fields)
    scenarios = [made("line"), *(made("line", **{key: value}) for key, value in changes.items())]
    assert len({scenario.fingerprint for scenario in scenarios}) == len(scenarios)
    assert len({scenario.history_fingerprint for scenario in scenarios}) == len(scenarios)


def test_values_of_a_made_world_change_by_dotted_key():
    assert made("torus").with_values({"world.columns": 3}).world.columns == 3
    with pytest.raises(ScenarioError, match=r"world\.columns"):
        made("torus").with_values({"world.columns": -3})


def test_levers_name_the_zones_of_the_made_world(tmp_path):
    lever = '\n[[policies]]\nid = "cut"\nkind = "rent-cut"\nzones = ["{}"]\nshare = 0.5\nfrom = "2025-02"\n'
    line = '[world]\nkind = "line"\nparks = 3\n'
    assert Scenario.load(written(tmp_path, line + lever.format("park-3"))).treated_zones == ("park-3",)
    assert 'did you mean "park-3"?' in refusal(tmp_path, line + lever.format("park-4")).replace(
        "park-2", "park-3"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_for_editors_offers_every_key_of_a_made_world_with_its_range(kind):
    offered = scenario_schema()["properties"]["world"]["oneOf"]
    (table,) = [
        table for table in offered if table.get("properties", {}).get("kind", {}).get("const") == kind
    ]
    assert set(table["properties"]) == set(WORLDS[kind].model_fields)
    assert table["required"] == ["kind"]
    assert (table["properties"]["cell_km"]["minimum"], table["properties"]["cell_km"]["maximum"]) == (
        0.01,
        100,
    )


# Cells and distances


@pytest.mark.parametrize("kind", KINDS)
def test_each_cell_stands_once_on_its_lattice_and_in_one_zone(kind):
    grid = grid_of(kind)
    assert len(set(zip(grid.column.tolist(), grid.row.tolist(), strict=True))) == grid.n_cells
    assert np.all(
        (grid.column >= 0) & (grid.column < grid.shape[0]) & (grid.row >= 0) & (grid.row < grid.shape[1])
    )
    assert np.array_equal(grid.zone, np.repeat(np.arange(grid.n_zones), np.diff(grid.first)))
    assert grid.first[-1] == grid.n_cells
    np.testing.assert_allclose(grid.zone_sums(grid.spread), 1.0, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_of_a_made_world_have_the_floor_space_of_its_table(kind):
    world = made(kind, stock_m2=1234.5).world
    stock = Grid.of(world).spread_stock(Grid.of(world).zone_values("stock_m2"))
    np.testing.assert_allclose(stock, 1234.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("columns", "rows", "blocks", "zones"), [(8, 6, 4, 16), (3, 9, 4, 12), (5, 5, 20, 25), (7, 7, 1, 1)]
)
def test_a_field_is_cut_into_as_many_blocks_as_it_has_cells_for(columns, rows, blocks, zones):
    grid = grid_of("plain", columns=columns, rows=rows, blocks=blocks)
    assert (grid.n_zones, grid.n_cells) == (zones, columns * rows)
    assert grid.zone[np.argmin(grid.column - 1000 * grid.row)] == 0  # from the north-west


def test_distances_on_a_torus_are_the_shortest_of_nine_images():
    grid = grid_of("torus", columns=8, rows=6, cell_km=0.3)
    width, height = 8 * 0.3, 6 * 0.3
    images = [
        np.hypot(grid.x[:, None] - grid.x + a * width, grid.y[:, None] - grid.y + b * height)
        for a in (-1, 0, 1)
        for b in (-1, 0, 1)
    ]
    np.testing.assert_allclose(grid.cell_distance, np.min(images, axis=0), rtol=0, atol=1e-12)


def test_every_cell_of_a_torus_radiates_alike_and_loses_nothing(par):
    grid = grid_of("torus", columns=9, rows=7)
    kernel = access.spillover_matrix(grid, 0.75, np.inf)
    np.testing.assert_allclose(kernel.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.sort(kernel, axis=1) - np.sort(kernel[0]), 0.0, atol=1e-15)


def test_what_radiates_beyond_the_borders_of_a_plain_is_lost():
    sums = access.spillover_matrix(grid_of("plain", columns=9, rows=9), 0.75, np.inf).sum(axis=1)
    assert sums.max() < 1.0
    grid = grid_of("plain", columns=9, rows=9)
    middle = np.flatnonzero((grid.column == 4) & (grid.row == 4))[0]
    assert sums.argmax() == middle


def test_places_without_distance_keep_spillovers_to_themselves_and_are_equally_near():
    grid = grid_of("places", places=7)
    assert np.array_equal(access.spillover_matrix(grid, 0.75, np.inf), np.eye(7))
    assert not grid.zone_distance.any()
    assert not grid.origin_distance.any()
    assert not grid.reach_of_zones.any()


def test_a_made_world_has_cells_of_its_own_size_only():
    world = made("plain").world
    assert Grid.of(world, HALF_KM) is Grid.of(world)
    with pytest.raises(WorldError, match="change cell_km"):
        Grid.of(world, 1.0)


# The first month


@pytest.mark.parametrize("kind", PEOPLED)
def test_the_startups_of_each_zone_are_those_of_the_table(kind):
    zones = grid_of(kind).n_zones
    counts = [3 * z % 7 for z in range(zones)]
    world = start_of(made(kind, startups=counts))
    found = np.bincount(world.grid.zone[world.startups["cell"]], minlength=zones)
    assert found.tolist() == counts
    assert len(set(world.startups["uid"].tolist())) == sum(counts)
    world.check()


def test_one_number_is_for_all_zones():
    world = start_of(made("line", startups=[6]))
    assert np.bincount(world.grid.zone[world.startups["cell"]]).tolist() == [6, 6, 6]


def test_startups_spread_over_the_cells_of_their_zone_as_evenly_as_can_be():
    grid = grid_of("line", park_cells=3)
    for number in (0, 8, 9, 20):
        counts = np.bincount(cells_of(grid, 1, number, np.uint64(5)), minlength=grid.n_cells)
        assert counts.sum() == counts[grid.zone == 1].sum() == number
        assert np.ptp(counts[grid.zone == 1]) <= 1
    several = {tuple(cells_of(grid, 1, 4, np.uint64(key))) for key in range(20)}
    assert len(several) > 10


def test_the_first_month_depends_on_the_seed_and_on_nothing_dated():
    starts = [
        start_of(made("line", {"outlook.climate": climate}), seed)
        for climate, seed in ((1, 1), (2, 1), (1, 2))
    ]
    rows = [start.startups.whole() for start in starts]
    assert worlds.same(rows[0], rows[1])
    assert worlds.same(starts[0].funds, starts[1].funds)
    assert rows[0]["log_quality"].tolist() != rows[2]["log_quality"].tolist()
    assert rows[0]["uid"].tolist() == rows[2]["uid"].tolist()


def test_leases_of_the_first_month_do_not_all_end_together(par):
    world = start_of(made("line", startups=[300]))
    ends = world.startups["lease_end"]
    assert ends.min() == 1
    assert ends.max() == par.location.early_lease_months
    assert np.bincount(ends)[1:].max() < 2 * ends.size / par.location.early_lease_months


def test_rooms_of_the_first_month_are_those_that_startups_need_and_other_tenants_leave_the_rest(par):
    world = start_of(made("plain", vacancy_share=0.3))
    rows = world.startups.whole()
    reserve = par.location.lease_reserve * par.location.area_m2_per_head
    np.testing.assert_allclose(rows["area"], reserve * rows["heads"], atol=1e-6)
    assert world.vacant.sum() / world.stock.sum() == pytest.approx(0.3)
    assert set(world.rent) == {150.0}


def test_startups_that_do_not_fit_are_refused_with_the_zone_that_is_too_small(tmp_path):
    small = made("line", startups=[1, 500, 1], stock_m2=200.0)
    with pytest.raises(WorldError, match=r"zone 'park-2'.*raise stock_m2"):
        start_of(small)
    start_of(small.with_values({"location.unlimited_capacity": True}))
    path = written(tmp_path, '[world]\nkind = "line"\nparks = 3\nstartups = [500]\nstock_m2 = 200.0\n')
    result = CliRunner().invoke(cli, ["run", str(path)])
    assert result.exit_code == 2
    assert re.match(
        r"zone 'park-\d' has not enough floor space for its 500 startups", result.stderr.splitlines()[-1]
    )


def test_the_labour_market_begins_in_balance_with_the_first_posts():
    model = ClusterModel.from_scenario(made("torus"), seed=1)
    model.step()
    assert 0.97 < model.world.labour["wage"][0] < 1.03
    assert model.world.labour["hires"][0] > 0


def test_people_come_as_the_world_says():
    scenario = made("plain", inflow_heads_month=77.0)
    model = ClusterModel.from_scenario(scenario, seed=1)
    assert model.world.labour["seekers"][0] == pytest.approx(77.0 / 0.06)
    model.step()
    assert model.world.labour["inflow"][0] == pytest.approx(77.0)


def test_in_an_empty_region_startups_appear_from_nothing_and_find_rooms():
    model = ClusterModel.from_scenario(made("empty"), seed=1)
    assert len(model.startups) == 0
    assert model.world.vacant.sum() == model.world.stock.sum()
    model.run(12)
    assert len(model.startups) > 20


def test_a_world_that_asks_for_a_history_has_one():
    changes = {"initial.history_months": 30, "initial.startups": 60}
    world = start_of(made("line", changes, history=True, startups=[1, 2, 3]))
    found = np.bincount(world.grid.zone[world.startups["cell"][world.startups["status"] == 0]])
    assert found.tolist() == [10, 20, 30]
    assert world.startups["born"].min() < -12


# Runs and pictures


@pytest.mark.parametrize("kind", KINDS)
def test_two_years_run_on_each_kind_of_world(kind):
    model = ClusterModel.from_scenario(made(kind), seed=1)
    run = model.run(24)
    model.world.check()
    assert run.outcomes.num_rows == 1
    assert all(np.isfinite(value) for _unit, value in run.measures().values() if value is not None)


@pytest.mark.parametrize("kind", [kind if kind in ("empty", "torus") else pytest.param(kind, marks=pytest.mark.slow)
                                  for kind in KINDS])  # fmt: skip
def test_the_page_of_each_kind_of_world_is_drawn(kind, tmp_path):
    scenario = made(kind)
    run = ClusterModel.from_scenario(scenario, seed=1).run(6)
    files = draw_scenario(tmp_path / "page.png", [run], scenario)
    svg = next(file for file in files if file.suffix == ".svg").read_text(encoding="utf-8")
    assert "a world made up for theory" in svg
    assert "university, institute" not in svg


@pytest.mark.parametrize("kind", PEOPLED)
def test_the_same_seed_gives_the_same_run(kind):
    digests = {ClusterModel.from_scenario(made(kind), seed=3).run(6).digest for _ in range(2)}
    assert len(digests) == 1


def test_a_saved_model_of_a_made_world_goes_on_bit_for_bit(tmp_path):
    model = ClusterModel.from_scenario(made("torus"), seed=1)
    model.run(3)
    model.save(tmp_path / "half.npz")
    again = ClusterModel.load(tmp_path / "half.npz")
    assert again.run(3).digest == model.run(3).digest


def test_the_command_runs_a_file_with_a_made_world(tmp_path):
    path = written(tmp_path, '[world]\nkind = "line"\nparks = 3\n')
    result = CliRunner().invoke(cli, ["run", str(path), "--months", "3", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["months"] == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_shows_every_cell_of_a_made_world_with_room_around_it(kind):
    geography = Geography.of(made(kind).world)
    west, east, south, north = geography.extent(352.0)
    half = geography.grid.cell_km / 2
    assert west < geography.grid.x.min() - half
    assert east > geography.grid.x.max() + half
    assert south < geography.grid.y.min() - half
    assert north > geography.grid.y.max() + half
    assert 0.45 < (north - south) / (east - west) < 1.25
    assert geography.districts == ()
    assert geography.stations.shape == (0, 2)


def test_a_made_world_reads_no_file_of_the_folder_where_it_runs(tmp_path, monkeypatch):
    (tmp_path / "geo").mkdir()
    (tmp_path / "geo" / "metro_stations.csv").write_text("lon,lat\n1.0,1.0\n")
    (tmp_path / "labels.csv").write_text("zone,short_en,short_zh,x_km,y_km,align\npark-1,Trap,,,,\n")
    monkeypatch.chdir(tmp_path)
    geography = Geography.of(made("line", parks=4, gap_cells=7).world)
    assert geography.stations.size == 0
    assert geography.labels[0].short_en == "Park 1"


def test_the_shipped_world_is_untouched_by_made_ones():
    tables = read_world("haidian")
    assert tables.lattice is None
    assert tables.startups is None
    assert not Grid.of("haidian").wraps
