"""A city of one's own: three files become a world folder that scenarios beside it name; what is wrong is said."""

import json
import os
import re
import shutil
import stat
import tomllib

import numpy as np
import pytest
from click.testing import CliRunner

from sim.__main__ import cli
from sim.city import City, read_city
from sim.csv_source import number_in
from sim.districts import km_per_degree
from sim.figures.geography import Geography
from sim.model import ClusterModel
from sim.places import read_world, shipped_folder
from sim.problems import ScenarioError
from sim.scenario import Scenario
from sim.space import Grid

RIVERTOWN = shipped_folder().parent / "docs" / "howto" / "rivertown"
INPUTS = ("districts.geojson", "zones.csv", "nodes.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with the invented city, made once, and its scenarios."""
    folder = tmp_path_factory.mktemp("rivertown")
    for file in (*INPUTS, "today.toml", "docks-rent-cut.toml"):
        shutil.copy(RIVERTOWN / file, folder)
    result = new(folder)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """Return a folder with the three files, to be spoilt."""
    for file in INPUTS:
        shutil.copy(RIVERTOWN / file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(folder, *more, out="city"):
    words = ["world", "new", "Rivertown", "--out", str(folder / out)]
    for file in INPUTS:
        words += [f"--{file.partition('.')[0]}", str(folder / file)]
    return CliRunner().invoke(cli, [*words, *more])


def change(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def refused(folder, *said):
    """Check that the files are refused for these reasons, in plain words, and that nothing is written."""
    result = new(folder)
    assert result.exit_code == 2, result.output
    for words in said:
        assert words in result.stderr, result.stderr
    assert "Traceback" not in result.output
    assert not [path for path in folder.iterdir() if path.is_dir()]
    return result.stderr.splitlines()


def test_from_three_files_to_a_comparison(made, monkeypatch, tmp_path):
    monkeypatch.setattr("sim.effects.Comparison.draw", lambda comparison: None)
    cut, today = str(made / "docks-rent-cut.toml"), str(made / "today.toml")
    assert (made / "city" / "map.png").read_bytes().startswith(b"\x89PNG")
    for words in (
        ["world", "check", str(made / "city")],
        ["scenario", "validate", cut, today],
        ["run", cut, "--months", "3"],
    ):
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 0, result.output
    words = ["compare", cut, "--baseline", today, "--seeds", "2", "--months", "9", "--workers", "0", "--json"]
    result = CliRunner().invoke(cli, [*words, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["scenarios"]["docks-rent-cut"]
    assert found["public_cost_rmb"]["mean"] > 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Rivertown" in page
    assert "Ferry Docks" in page
    assert "Haidian" not in page
    assert "海淀" not in page


def test_results_are_read_and_drawn_when_the_folder_is_gone(made, tmp_path, monkeypatch):
    monkeypatch.setattr("sim.effects.Comparison.draw", lambda comparison: None)
    away = tmp_path / "away"
    shutil.copytree(made, away)
    words = ["compare", str(away / "docks-rent-cut.toml"), "--baseline", str(away / "today.toml"), "--seeds", "1",
             "--months", "2", "--workers", "0", "--no-controls", "--out", str(tmp_path / "out")]  # fmt: skip
    assert CliRunner().invoke(cli, words).exit_code == 0
    shutil.rmtree(away)
    (tmp_path / "out" / "report.html").unlink()
    result = CliRunner().invoke(cli, ["report", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "Ferry Docks" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_grid_holds_all_floor_space_of_the_tables(made):
    city = read_city(made / "city", "city")
    grid = Grid.of(city)
    assert grid.n_zones == 6
    np.testing.assert_allclose(grid.zone_sums(grid.spread), 1.0)
    assert grid.x.max() < city.settings.width_km
    assert grid.y.max() < city.settings.height_km
    centre = [(grid.spread * grid.x)[grid.zone == z].sum() for z in range(grid.n_zones)]
    assert np.abs(np.array(centre) - grid.zone_x).max() < grid.cell_km


def test_the_shipped_world_as_a_folder_of_ones_own_runs_bit_for_bit_the_same(tmp_path):
    shutil.copytree(shipped_folder() / "haidian", tmp_path / "copy")
    (tmp_path / "a.toml").write_text('extends = "baseline"\nname = "A"\nworld = "./copy"\n', encoding="utf-8")
    own, shipped = Scenario.load(tmp_path / "a.toml"), Scenario.load("baseline")
    assert isinstance(own.world, City)
    assert own.world.tables().zones == read_world("haidian").zones
    assert own.world.tables().nodes == read_world("haidian").nodes
    short = {"initial.history_months": 3, "initial.startups": 200}
    runs = [
        ClusterModel.from_scenario(scenario.with_values(short), seed=3).run(2) for scenario in (own, shipped)
    ]
    np.testing.assert_array_equal(runs[0].arrays["series"], runs[1].arrays["series"])
    assert own.fingerprint != shipped.fingerprint  # a copy may be changed
    mine, theirs = Geography.of(own.world), Geography.of("haidian")
    assert mine.labels == theirs.labels
    assert [d.name_zh for d in mine.districts] == [d.name_zh for d in theirs.districts]


def test_a_table_that_changes_makes_another_scenario_and_a_name_does_not(made, tmp_path):
    shutil.copytree(made, tmp_path / "rivertown")
    file, zones = tmp_path / "rivertown" / "today.toml", tmp_path / "rivertown" / "city" / "zones.csv"
    before = Scenario.load(file)
    change(zones, "Market Square", "Great Market Square")
    named = Scenario.load(file)
    assert (named.fingerprint, named.history_fingerprint) == (before.fingerprint, before.history_fingerprint)
    change(zones, "420000,420000,165", "420000,420000,166")
    dearer = Scenario.load(file)
    assert dearer.fingerprint != before.fingerprint
    assert dearer.history_fingerprint != before.history_fingerprint


def test_what_a_plan_holds_of_a_city_is_the_city(made):
    scenario = Scenario.load(made / "docks-rent-cut.toml")
    content = json.loads(json.dumps(scenario.model_dump(mode="json", by_alias=True)))
    again = Scenario.model_validate(content | {"id": scenario.id})
    assert again.world == scenario.world
    assert again.fingerprint == scenario.fingerprint
    assert again.treated_zones == ("ferry-docks",)


@pytest.mark.parametrize(
    ("names", "belts"),
    [
        (("和平区", "河东区"), ["belt", "belt-2"]),
        (("Öst", "Ost"), ["ost", "ost-2"]),
        (("East side", "East-Side"), ["east-side", "east-side-2"]),
    ],
)
def test_districts_whose_names_are_alike_in_plain_letters_stay_two_belts(inputs, names, belts):
    found = json.loads((inputs / "districts.geojson").read_text(encoding="utf-8"))
    for feature, name in zip(found["features"], names, strict=False):
        feature["properties"] = {"name": name}
    (inputs / "districts.geojson").write_text(json.dumps(found), encoding="utf-8")
    result = new(inputs)
    assert result.exit_code == 0, result.output
    made = tomllib.loads((inputs / "city" / "world.toml").read_text(encoding="utf-8"))
    assert list(made["belts"])[:2] == belts


def test_a_degree_is_as_long_as_on_the_ellipsoid():
    # at the equator a degree of longitude is 1/360 of its circumference; at the poles a degree of latitude is longest
    assert km_per_degree(0.0)[0] == pytest.approx(2 * np.pi * 6378.137 / 360, rel=1e-12)
    assert km_per_degree(0.0)[1] == pytest.approx(110.574, abs=1e-3)
    assert km_per_degree(90.0)[1] == pytest.approx(111.694, abs=1e-3)
    shipped = read_world("haidian").settings
    assert km_per_degree(40.0) == pytest.approx(
        (shipped["km_per_degree_lon"], shipped["km_per_degree_lat"]), abs=0.02
    )


@pytest.mark.parametrize(
    ("world", "said"),
    [
        ("./../city", "is not a path inside this file's own folder"),
        ("/etc/", "is not a path inside this file's own folder"),
        ("C:/city", "is not a path inside this file's own folder"),
        ("./link", "is not a path inside this file's own folder"),
        ("./nowhere", 'no folder "./nowhere" in this file\'s folder'),
        ("city", 'a world folder beside the file is written "./city"'),
    ],
)
def test_a_scenario_names_no_world_outside_its_own_folder(made, tmp_path, world, said):
    folder = tmp_path / "own"
    folder.mkdir()
    shutil.copytree(made / "city", tmp_path / "city")
    os.symlink(tmp_path / "city", folder / "link")
    file = folder / "a.toml"
    file.write_text(f'extends = "baseline"\nname = "A"\nworld = "{world}"\n', encoding="utf-8")
    with pytest.raises(ScenarioError) as error:
        Scenario.load(file)
    (problem,) = error.value.problems
    assert (problem.line, problem.column, problem.key) == (3, 1, "world")
    assert said in problem.message


def test_no_file_of_a_world_may_be_a_link_to_outside(made, tmp_path):
    shutil.copytree(made, tmp_path / "own")
    zones = tmp_path / "own" / "city" / "zones.csv"
    shutil.move(zones, tmp_path / "secret.csv")
    os.symlink(tmp_path / "secret.csv", zones)
    with pytest.raises(ScenarioError, match=r"zones\.csv: lies outside of the scenario's own folder"):
        Scenario.load(tmp_path / "own" / "today.toml")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("zones.csv", "quayside,Quay", "Quay side,Quay", "zones.csv:4:1: zone: must be lower-case letters"),
        (
            "zones.csv",
            ",0.22,0.08,",
            ",1.22,0.08,",
            "zones.csv:5:63: vacancy_share: must lie between 0 and 1, not 1.22",
        ),
        (
            "zones.csv",
            ",old-town,",
            ",old-twon,",
            'zones.csv:2:81: belt: no belt "old-twon" in world.toml; did you mean "old-town"?',
        ),
        (
            "zones.csv",
            "380000,520000",
            "380000,52000",
            "potential_stock_m2: must be at least the stock of today, 380,000",
        ),
        ("world.toml", "cell_km", "cel_km", 'world.toml:10:1: cel_km: unknown key; did you mean "cell_km"?'),
        (
            "world.toml",
            "mill-park = 0.03",
            "mil-park = 0.03",
            'no zone "mil-park" in zones.csv; did you mean "mill-park"?',
        ),
        ("world.toml", "width_km = 15.5", "width_km = 5.5", "lies outside of the grid"),
        (
            "nodes.csv",
            ",anchor,",
            ",anker,",
            'kind: must be "university" or "institute" or "anchor", not "anker"',
        ),
        ("geo/districts.geojson", "name_en", "nam", "features[0].properties: needs the name of the district"),
    ],
)
def test_what_is_wrong_with_a_world_folder_is_named_with_its_place(made, tmp_path, file, old, new, said):
    shutil.copytree(made / "city", tmp_path / "city")
    change(tmp_path / "city" / file, old, new)
    result = CliRunner().invoke(cli, ["world", "check", str(tmp_path / "city")])
    assert result.exit_code == 2, result.output
    assert said in result.stderr, result.stderr
    assert "Traceback" not in result.output


def test_a_projected_map_is_refused_whether_it_says_so_or_not(inputs):
    file = inputs / "districts.geojson"
    plain = file.read_text(encoding="utf-8")
    crs = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}, "features"'
    change(file, '"features"', crs)
    refused(
        inputs, "crs: must be WGS-84 in degrees, not urn:ogc:def:crs:EPSG::3857", "ogr2ogr -t_srs EPSG:4326"
    )
    file.write_text(plain.replace("-30.1, 44.905", "-3350716.7, 5604000.0"), encoding="utf-8")
    refused(inputs, "districts.geojson:2:1: features[0].geometry: must be degrees", "[-3350716.7, 5604000]")


def test_wgs_84_may_be_said_in_the_words_of_old_files(inputs):
    crs = '"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, "features"'
    change(inputs / "districts.geojson", '"features"', crs)
    assert new(inputs).exit_code == 0


def test_a_boundary_that_crosses_itself_is_refused_with_the_point(inputs):
    data = json.loads((inputs / "districts.geojson").read_text(encoding="utf-8"))
    ring = data["features"][1]["geometry"]["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    (inputs / "districts.geojson").write_text(json.dumps(data), encoding="utf-8")
    (line,) = refused(inputs, "features[1].geometry: the boundary crosses itself at [")
    lon, lat = map(float, re.search(r"at \[(.*), (.*)\]", line).groups())
    assert -30.1 < lon < -29.8
    assert 44.8 < lat < 45.1


def test_districts_that_overlap_are_refused(inputs):
    data = json.loads((inputs / "districts.geojson").read_text(encoding="utf-8"))
    data["features"][2]["geometry"] = data["features"][1]["geometry"]
    (inputs / "districts.geojson").write_text(json.dumps(data), encoding="utf-8")
    refused(inputs, "features[2].geometry: overlaps with Harbour on 100.0% of the smaller of the two")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("districts.geojson", '"Polygon"', '"LineString"', "must be a Polygon or a MultiPolygon, not LineString"),
        ("districts.geojson", '"FeatureCollection"', '"Feature"', "must be a FeatureCollection of districts"),
        ("districts.geojson", '"Harbour"', '"Old Town"', 'features[1].properties: the name "Old Town" stands twice'),
        ("districts.geojson", '"coordinates": [[', '"coordinates": [[[1],', "coordinates must be rings"),
        ("districts.geojson", "}", "", "no JSON"),
        ("zones.csv", "44.930,-30.062", "46.030,-30.062", "zones.csv:3:31: lat: lies in no district; the nearest is Upper Valley"),
        ("zones.csv", "44.930,-30.062", "-30.062,44.930", "lies in no district; are lat and lon swapped?"),
        ("zones.csv", "rent_rmb_m2_month", "rent_m2_month", 'unknown column; did you mean "rent_rmb_m2_month"?'),
        ("zones.csv", "rent_rmb_m2_month", "rent_m2_month", "zones.csv:1:1: rent_rmb_m2_month: required column is missing: Rent today"),
        ("zones.csv", "zone,name_en", "zone,zone", "zones.csv:1:6: zone: the column stands twice"),
        ("zones.csv", "foundry-lane,", "market-square,", 'zones.csv:3:1: zone: the id "market-square" stands twice'),
        ("zones.csv", "420000,420000", "420k,420000", "zones.csv:2:53: stock_m2: must be a number, not text"),
        ("zones.csv", "420000,420000", "nan,420000", "stock_m2: must be a number, not text"),
        ("zones.csv", "420000,420000", "420,000,420000", "12 cells in this row, but there are 11 columns"),
        ("zones.csv", ",Quayside,", ',"Quayside,', "zones.csv:4:1: a quotation mark is not closed"),
        ("zones.csv", ",Quayside,", ",Quay\u202eside,", "zones.csv:4:10: name_en: must not hold control"),
        ("zones.csv", "zone,name_en", "\ufeffzone,name_en", "begins with a byte order mark (UTF-8)"),
        ("nodes.csv", "data-institute,", "river-tech,", 'nodes.csv:4:1: node: the id "river-tech" stands twice'),
        ("nodes.csv", "420,9", "-420,9", "ai_graduates_per_year: must lie between 0 and 1,000,000, not -420"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_file_line_column_and_rule(inputs, file, old, new, said):
    change(inputs / file, old, new)
    refused(inputs, said)


@pytest.mark.parametrize(("file", "size"), [("districts.geojson", 20_000_001), ("zones.csv", 1_000_001)])
def test_huge_files_are_refused_unread(inputs, file, size):
    with (inputs / file).open("wb") as sparse:
        sparse.truncate(size)
    refused(inputs, f"{file}:1:1: larger than {size - 1} bytes")


def test_a_table_in_another_encoding_or_with_semicolons_is_refused(inputs):
    text = (inputs / "zones.csv").read_text(encoding="utf-8")
    (inputs / "zones.csv").write_bytes(text.encode("gbk"))
    refused(inputs, "zones.csv:2:29: byte 0xbc is not UTF-8")
    (inputs / "zones.csv").write_text(text.replace(",", ";"), encoding="utf-8")
    refused(inputs, "zones.csv:1:1: cells must be separated by commas")


def test_all_problems_of_all_files_are_said_at_once(inputs):
    change(inputs / "zones.csv", "420000,420000", "x,420000")
    change(inputs / "nodes.csv", ",institute,", ",school,")
    change(inputs / "districts.geojson", '"Polygon"', '"Point"')
    assert len(refused(inputs)) == 3


def test_a_city_wider_than_a_plane_is_refused(inputs):
    data = json.loads((inputs / "districts.geojson").read_text(encoding="utf-8"))
    data["features"].append({"type": "Feature", "properties": {"name": "Far"}, "geometry": {
        "type": "Polygon", "coordinates": [[[10, 40], [11, 40], [11, 41], [10, 41], [10, 40]]]}})  # fmt: skip
    (inputs / "districts.geojson").write_text(json.dumps(data), encoding="utf-8")
    change(inputs / "zones.csv", "45.055,-29.940", "40.5,10.5")
    refused(inputs, "zones.csv:7:30: lon: zones reach over", "a city may reach over 200")


def test_a_folder_that_is_there_is_not_written_over(inputs):
    (inputs / "city").mkdir()
    (inputs / "city" / "mine.txt").write_text("mine", encoding="utf-8")
    result = new(inputs)
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert [path.name for path in (inputs / "city").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("here", [".", "./", ""])
def test_the_folder_in_which_one_stands_is_no_new_one_though_it_is_empty(inputs, tmp_path, monkeypatch, here):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    result = new(inputs, "--out", here)
    assert result.exit_code == 2
    assert "is there already: name a new folder" in result.stderr


def test_a_boundary_of_many_points_becomes_a_map_of_few_with_the_same_area(inputs):
    import shapely

    from sim.districts import MOST_POINTS, read_districts

    data = json.loads((inputs / "districts.geojson").read_text(encoding="utf-8"))
    for feature in data["features"]:
        area = shapely.segmentize(shapely.geometry.shape(feature["geometry"]), 0.00005)
        feature["geometry"] = json.loads(shapely.to_geojson(area))
    (inputs / "districts.geojson").write_text(json.dumps(data), encoding="utf-8")
    assert (inputs / "districts.geojson").stat().st_size > 300_000
    assert new(inputs).exit_code == 0
    before, after = (
        read_districts(path, "")
        for path in (inputs / "districts.geojson", inputs / "city" / "geo" / "districts.geojson")
    )
    assert sum(shapely.get_num_coordinates([d.area for d in before])) > MOST_POINTS
    assert sum(shapely.get_num_coordinates([d.area for d in after])) < MOST_POINTS
    for long, short in zip(before, after, strict=True):
        assert short.area.symmetric_difference(long.area).area < 1e-3 * long.area.area


def test_without_shapely_the_line_to_type_is_said(inputs, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shapely", None)
    result = new(inputs)
    assert result.exit_code == 4
    assert "python -m uv sync --extra world" in result.stderr
    monkeypatch.setattr("sim.problems.__file__", "/usr/lib/site-packages/sim/problems.py")
    assert 'pip install "haidian-sim[world]"' in new(inputs).stderr


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("-7", -7), ("+.5", 0.5), ("1E3", 1000.0), ("1e999", None), ("9" * 400, None), ("9" * 5000, None),
     ("1_000", None), ("nan", None), ("", None), ("７", None), ("0x10", None)],
)  # fmt: skip
def test_a_cell_is_a_number_only_if_it_spells_a_finite_one(text, number):
    found = number_in(text)
    assert (found, type(found)) == (number, type(number))


def own(folder, zones, nodes=None):
    """Write a city of two plain rectangles with these rows of zones (and nodes)."""
    features = []
    for name, a, b in (("North", 52.5, 52.7), ("South", 52.3, 52.5)):
        ring = [[13.2, a], [13.6, a], [13.6, b], [13.2, b], [13.2, a]]
        shape = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": {"name_en": name}, "geometry": shape})
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))
    (folder / INPUTS[0]).write_text(text, encoding="utf-8")
    columns = (
        "zone,name_en,lat,lon,radius_km,stock_m2,rent_rmb_m2_month,vacancy_share,initial_ai_firm_share,belt"
    )
    (folder / INPUTS[1]).write_text("\n".join([columns, *zones]) + "\n", encoding="utf-8")
    columns = "node,name_en,lat,lon,kind,ai_graduates_per_year,ai_spinoffs_per_year"
    nodes = nodes or ["uni,University,52.52,13.40,university,400,9"]
    (folder / INPUTS[2]).write_text("\n".join([columns, *nodes]) + "\n", encoding="utf-8")


def row(zone, lat, lon, belt="", radius=0.8, stock=900000, share=0.4):
    return f"{zone},{zone.title()},{lat},{lon},{radius},{stock},200,0.1,{share},{belt}"


APART = [row("a", 52.62, 13.40), row("b", 52.55, 13.25), row("c", 52.43, 13.5), row("d", 52.45, 13.28),
         row("e", 52.53, 13.53)]  # fmt: skip


@pytest.mark.parametrize("number", [1, 4, 5])
def test_a_city_all_of_whose_zones_have_room_for_their_names_has_a_map(inputs, number):
    own(inputs, APART[:number])
    result = new(inputs)
    assert result.exit_code == 0, result.output
    assert all(label.x is not None for label in Geography.of(read_city(inputs / "city", "city")).labels)
    assert (inputs / "city" / "map.png").is_file()


def test_who_may_read_a_new_folder_is_left_to_who_makes_it(inputs):
    before = os.umask(0o077)
    try:
        assert new(inputs).exit_code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((inputs / "city").stat().st_mode) == 0o700


def test_a_map_that_cannot_be_drawn_leaves_no_folder_in_the_way_of_the_next_try(inputs, monkeypatch):
    def fail(*_given):
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("sim.new_city.draw_map", fail)
        assert new(inputs).exit_code != 0
    assert new(inputs).exit_code == 0


@pytest.mark.parametrize(
    ("zones", "nodes", "said"),
    [
        ([row(f"z{i}", 52.35 + i / 50, 13.4, f"b{i}") for i in range(13)], None,
         ": belt: more than 12 belts: give zones a `belt`"),
        ([row("a", 52.62, 13.4, share=0), row("b", 52.55, 13.25, share=0)], None,
         "zones.csv:2:35: initial_ai_firm_share: at least one zone must have a weight above 0"),
        ([row("a", 52.62, 13.4)], ["uni,University,58.5,13.40,university,400,9"],
         "nodes.csv:2:16: lat: lies 654 km away from a zone"),
        ([row("a", 52.62, 13.4), row("mitte", 52.62, 13.4)], None,
         'zones.csv:3:13: lat: has the same centre as the zone "a"'),
        ([row("a", 52.62, 13.4), row("mitte", 52.45, 13.3, stock=10)], None, "zones.csv: zone 'mitte' has no cell"),
    ],
)  # fmt: skip
def test_what_new_refuses_stands_in_a_file_of_the_users(inputs, zones, nodes, said):
    own(inputs, zones, nodes)
    lines = refused(inputs, said)
    assert "city" not in "".join(lines).replace("a city may", "").replace("world", ""), lines


LABELS_HEAD = "zone,short_en,short_zh,x_km,y_km,align\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LABELS_HEAD + "market-square,M,,1,1,middle\n", "labels.csv:2:22: align: must be one of left, center, right"),
        (LABELS_HEAD + "market-square,M,,inf,1,left\n", "labels.csv:2:18: x_km: must be a number of km from"),
        (LABELS_HEAD + "market-square,M,,1,nan,left\n", "labels.csv:2:20: y_km: must be a number of km from"),
        (LABELS_HEAD + "market-square,M,,1,1e9,left\n", "labels.csv:2:20: y_km: must be a number of km from"),
        (LABELS_HEAD + "market-square,M,,1,,left\n", "labels.csv:2:20: y_km: needs both coordinates, or neither"),
        (LABELS_HEAD + "market-squar,M,,1,1,left\n", 'zone "market-squar" in zones.csv; did you mean "market-square"?'),
        ("zone,x\nmarket-square,1\n", "labels.csv:1:6: x: unknown column"),
    ],
)  # fmt: skip
def test_labels_that_no_map_can_show_are_refused_at_their_place(made, tmp_path, text, said):
    shutil.copytree(made / "city", tmp_path / "city")
    (tmp_path / "city" / "labels.csv").write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["world", "check", str(tmp_path / "city")])
    assert result.exit_code == 2, result.output
    assert said in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r"km_per_degree_lon = .*", "km_per_degree_lon = 30", "km_per_degree_lon: a degree is 7"),
        (r"\Z", '[map]\nhome_district = "Nrd"\n', 'map.home_district: no district "Nrd"'),
        (r"market-square = .*", "market-square = -0.5",
         "funds.seat_weights.market-square: must be at least 0, not -0.5"),
    ],
)  # fmt: skip
def test_contradictions_of_world_toml_are_refused_at_their_line(made, tmp_path, old, new, said):
    shutil.copytree(made / "city", tmp_path / "city")
    file = tmp_path / "city" / "world.toml"
    text = re.sub(r"\[map\]\nhome_district.*\n", "", file.read_text(encoding="utf-8"))
    file.write_text(re.sub(old, new, text, count=1), encoding="utf-8")
    result = CliRunner().invoke(cli, ["world", "check", str(tmp_path / "city")])
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert re.search(r"world\.toml:\d+:", result.stderr)


def test_a_city_without_cells_is_refused_when_a_scenario_is_validated(made, tmp_path):
    shutil.copytree(made, tmp_path / "rivertown")
    file = tmp_path / "rivertown" / "city" / "world.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        re.sub("smallest_cell_stock_m2 = .*", "smallest_cell_stock_m2 = 1e9", text), encoding="utf-8"
    )
    result = CliRunner().invoke(cli, ["scenario", "validate", str(tmp_path / "rivertown" / "today.toml")])
    assert result.exit_code == 2, result.output
    assert "city/zones.csv: zone 'market-square' has no cell" in result.stderr
    assert "smallest_cell_stock_m2" in result.stderr


def test_a_city_without_vacant_space_is_told_so(made, tmp_path):
    shutil.copytree(made, tmp_path / "rivertown")
    file = tmp_path / "rivertown" / "city" / "zones.csv"
    rows = [line.split(",") for line in file.read_text(encoding="utf-8").splitlines()]
    for cells in rows[1:]:
        cells[rows[0].index("vacancy_share")] = "0"
    file.write_text("\n".join(map(",".join, rows)) + "\n", encoding="utf-8")
    scenario = Scenario.load(tmp_path / "rivertown" / "today.toml").with_values({"initial.history_months": 2})
    with pytest.raises(ScenarioError, match=r"world: no zone has vacant floor space \(vacancy_share\)"):
        ClusterModel.from_scenario(scenario, seed=1)


def test_a_boundary_like_a_bow_tie_crosses_itself_though_its_halves_cancel_out(inputs):
    own(inputs, APART)
    text = (inputs / INPUTS[0]).read_text(encoding="utf-8")
    tie = "[13.2,52.5],[13.6,52.7],[13.6,52.5],[13.2,52.7],[13.2,52.5]"
    start = text.index("[[[") + 2
    (inputs / INPUTS[0]).write_text(text[:start] + tie + text[text.index("]]]") + 1 :], encoding="utf-8")
    refused(inputs, "the boundary crosses itself at")


def test_a_table_whose_first_line_is_blank_is_told_so_once(inputs):
    file = inputs / "zones.csv"
    file.write_text("\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    lines = refused(inputs, "zones.csv:1:1: the first line is blank; it must name the columns")
    assert len(lines) == 1
