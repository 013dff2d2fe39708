"""Figures say what they were given, on scales that all policies share, in files fit for a strict page."""

import dataclasses
import json
import pathlib
import re
import struct
import types
import xml.etree.ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

import sim.figures
from sim.figures import (
    Band,
    FontError,
    Mark,
    Split,
    difference_bounds,
    draw_comparison,
    draw_difference,
    draw_difference_path,
    draw_levels,
    draw_split_bar,
    draw_world,
    house_style,
    level_bounds,
)
from sim.figures import style as look
from sim.figures.geography import Geography, outline
from sim.figures.maps import draw_mark_key, draw_point_key
from sim.figures.numbers import difference_text, level_text
from sim.figures.sheets import View
from sim.figures.words import month_name
from sim.intervals import verdict
from sim.language import speaking
from sim.paired import Comparison
from sim.scenario import Scenario

MINUS = "\N{MINUS SIGN}"
SVG = "{http://www.w3.org/2000/svg}"
GEOGRAPHY = Geography.of("haidian")
ZONES = [zone.id for zone in GEOGRAPHY.grid.tables.zones]
N_ZONES = len(ZONES)
NAMES = [label.short_en for label in GEOGRAPHY.labels]
HOSTILE = "<script>alert(1)</script> & $x_1$"


@dataclasses.dataclass
class MadeUpScenario:
    name: str
    name_zh: str = ""
    world: str = "haidian"
    treated_zones: tuple[str, ...] = ()
    policies: tuple[object, ...] = ()


class MadeUpComparison:
    """What figures read of a comparison, with made-up arrays: zone z of policy p differs by p * z."""

    def __init__(self, n_policies=2, n_seeds=8, months=48, noise=0.0):
        rng = np.random.default_rng(1)
        self.baseline, self.months, self.start = "base", months, "2025-01"
        self.policies = [f"p{i}" for i in range(n_policies)]
        self.seeds, self.zones = tuple(range(n_seeds)), tuple(ZONES)
        self.plan_hash = "0123456789abcdef"
        self.scenarios = {"base": MadeUpScenario("Baseline", "基准情景")} | {
            id_: MadeUpScenario(HOSTILE if i == 0 else f"Policy {i}", "政策", treated_zones=(ZONES[0],))
            for i, id_ in enumerate(self.policies)
        }
        level = 10.0 + 5 * np.arange(N_ZONES) + rng.normal(0, 1, (n_seeds, months, N_ZONES))
        self.values = {"base": level}
        for i, id_ in enumerate(self.policies):
            shift = np.where(np.arange(N_ZONES) == 1, 7.0, 10.0**i * np.arange(N_ZONES))
            self.values[id_] = level + shift + noise * rng.normal(0, 1, level.shape)
        self.effects = pa.Table.from_pylist([row for id_ in self.policies for row in _effects(id_)])

    def verdict(self, policy, metric):
        return verdict(12.0, 4.0, 20.0)

    def by_zone(self, scenario_id, month, column="startups"):
        return self.values[scenario_id][:, month]

    def path(self, scenario_id, column="startups"):
        return self.values[scenario_id].sum(axis=2)


def _effects(id_):
    numbers = {
        "startups_region": (12.0, 4.0, 20.0),
        "startups_treated_zones": (30.0, 25.0, 35.0),
        "displaced_startups": (21.0, 15.0, 27.0),
        "attracted_startups": (9.0, 5.0, 13.0),
    }
    return [
        {"scenario": id_, "metric": metric, "mean": mean, "low": low, "high": high}
        for metric, (mean, low, high) in numbers.items()
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Paths of the figures of a comparison, by name."""
    folder = tmp_path_factory.mktemp("figures") / "new"
    return {path.name: path for path in draw_comparison(MadeUpComparison(), folder)}


@pytest.fixture
def ax():
    """Axes of one map."""
    return Figure(figsize=(352 / 72, 276 / 72), dpi=72).add_axes((0, 0, 1, 1))


def texts_of(sheet):
    """Return every line of text on a sheet with its box [px]."""
    found, hidden = [], set()
    for ax in sheet.figure.axes:
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
            hidden |= {label for place, label in ticks if not low <= place <= high or not axis.get_visible()}
    for text in sheet.figure.findobj(lambda artist: hasattr(artist, "get_text")):
        if text.get_visible() and text.get_text().strip() and text not in hidden:
            found.append((text.get_text(), text.get_window_extent()))
    return found


def labels(ax):
    """Texts of the zones' labels on a map, in the order of the table."""
    found = {text.get_gid(): text for text in ax.texts if text.get_gid()}
    return [found[f"map-label-{zone}"].get_text() for zone in ZONES]


def fills(ax):
    """Patches of the zones on a map, in the order of the table."""
    found = {patch.get_gid(): patch for patch in ax.patches if isinstance(patch, PathPatch)}
    return [found[f"map-zone-{zone}"] for zone in ZONES]


def svg_texts(path):
    return ["".join(text.itertext()) for text in ET.parse(path).iter(f"{SVG}text")]


def test_labels_of_a_level_map_show_the_numbers_given(ax):
    values = 100.0 * np.arange(N_ZONES) + 0.4
    draw_levels(ax, values, level_bounds(values.max()))
    assert labels(ax) == [f"{name} {value:,.0f}" for name, value in zip(NAMES, values, strict=True)]


def test_a_zone_without_startups_is_labelled_0_and_not_filled(ax):
    values = np.full(N_ZONES, 50.0)
    values[3] = 0.2
    draw_levels(ax, values, level_bounds(50))
    assert labels(ax)[3] == f"{NAMES[3]} 0"
    assert [patch.get_facecolor()[3] for patch in fills(ax)] == [
        0.0 if z == 3 else 1.0 for z in range(N_ZONES)
    ]


def test_levels_fall_into_the_class_whose_last_value_they_do_not_exceed(ax):
    draw_levels(ax, [20, 21, 40, 41, 80, 81, 160, 161] + [1] * (N_ZONES - 8), (20, 40, 80, 160))
    classes = [look.PALETTE["levels"].index(to_hex(p.get_facecolor()).upper()) for p in fills(ax)]
    assert classes[:9] == [0, 1, 1, 2, 2, 3, 3, 4, 0]


def test_chinese_labels_come_from_the_table(ax):
    draw_levels(ax, np.ones(N_ZONES), level_bounds(1), lang="zh")
    assert labels(ax) == [f"{label.short_zh} 1" for label in GEOGRAPHY.labels]
    assert all(label.short_zh for label in GEOGRAPHY.labels)


def test_a_zone_whose_interval_includes_zero_is_hatched_and_in_brackets(ax):
    mean = np.full(N_ZONES, -12.0)
    low, high = mean - 1, mean + 1
    low[0], high[0] = -30.0, 6.0
    draw_difference(ax, Band(mean, low, high), difference_bounds(12))
    patches, texts = fills(ax), labels(ax)
    assert patches[0].get_hatch()
    assert to_hex(patches[0].get_facecolor()) == "#ffffff"
    assert texts[0] == f"{NAMES[0]} ({MINUS}12)"
    assert not any(patch.get_hatch() for patch in patches[1:])
    assert texts[1:] == [f"{name} {MINUS}12" for name in NAMES[1:]]


def test_fewer_than_five_seeds_resolve_nothing():
    assert not Band.over_seeds(np.full((4, 3), 9.0)).resolved.any()
    assert Band.over_seeds(np.full((5, 3), 9.0)).resolved.all()


def test_a_difference_of_exactly_zero_is_not_resolved():
    assert not Band.over_seeds(np.zeros((20, 3))).resolved.any()


@pytest.mark.parametrize("top", [0.0, 3.0, 12.0, 33.0, 99.0, 790.0, 12_345.0])
def test_difference_classes_are_symmetric_and_rise(top):
    bounds = np.array(difference_bounds(top))
    assert np.array_equal(bounds, -bounds[::-1])
    assert np.all(np.diff(bounds) > 0)
    assert bounds[-1] <= max(top, 10)


@pytest.mark.parametrize("top", [0.0, 9.0, 60.0, 310.0, 5_000.0])
def test_level_classes_end_in_whole_numbers(top):
    bounds = level_bounds(top)
    assert all(float(bound).is_integer() for bound in bounds)
    assert bounds[0] >= 1


def test_equal_differences_have_equal_colours_on_the_maps_of_all_policies(written):
    fill = {g.get("id"): g.find(f"{SVG}path").get("fill") for g in ET.parse(written["map.svg"]).iter(f"{SVG}g")
            if "-zone-" in g.get("id", "")}  # fmt: skip
    equal, other = f"zone-{ZONES[1]}", f"zone-{ZONES[-1]}"
    assert fill[f"map-difference-A-{equal}"] == fill[f"map-difference-B-{equal}"]
    assert fill[f"map-difference-A-{other}"] != fill[f"map-difference-B-{other}"]
    assert fill[f"map-level-0-{equal}"] != "none"


def test_the_map_shows_the_levels_of_month_36_and_the_differences_of_the_last(written):
    comparison, texts = MadeUpComparison(), svg_texts(written["map.svg"])
    levels = comparison.by_zone("base", 35).mean(axis=0)
    assert {f"{n} {v:,.0f}" for n, v in zip(NAMES, levels, strict=True)} <= set(texts)
    assert f"{NAMES[-1]} +{10 * (N_ZONES - 1)}" in texts
    assert any("Dec 2027 (month 36)" in text for text in texts)
    assert any("Dec 2028" in text for text in texts)


def test_level_paths_end_with_month_36():
    assert View(MadeUpComparison(months=48), "en").level_months == 36
    assert View(MadeUpComparison(months=12), "en").level_months == 12


def test_zones_are_taken_in_the_order_of_the_comparison():
    comparison = MadeUpComparison()
    comparison.zones = tuple(reversed(comparison.zones))
    assert np.allclose(
        View(comparison, "en").levels("base"), comparison.by_zone("base", 35).mean(axis=0)[::-1]
    )


def test_credit_and_synthetic_note_stand_under_every_map(written):
    texts = " ".join(svg_texts(written["map.svg"]))
    words = f"{GEOGRAPHY.settings['credit_short']} · synthetic stock"
    assert texts.count(words) == 5


def test_each_figure_is_written_as_png_at_twice_its_size_and_as_svg(written):
    assert sorted(written) == ["map.png", "map.svg", "paths.png", "paths.svg", "zones.png", "zones.svg"]
    for name in ("map", "paths", "zones"):
        width, height = struct.unpack(">II", written[f"{name}.png"].read_bytes()[16:24])
        root = ET.parse(written[f"{name}.svg"]).getroot()
        assert abs(width - 2 * float(root.get("width"))) <= 1
        assert abs(height - 2 * float(root.get("height"))) <= 1


@pytest.mark.parametrize("name", ["map", "paths", "zones"])
def test_svg_is_fit_for_a_strict_page(written, name):
    text = written[f"{name}.svg"].read_text(encoding="utf-8")
    root = ET.fromstring(text)
    elements = list(root.iter())
    assert not [e for e in elements if "style" in e.attrib or e.tag in (f"{SVG}style", f"{SVG}script")]
    assert [e.tag for e in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert all(e.text for e in root[:2])
    ids = [e.get("id") for e in elements if e.get("id")]
    assert len(ids) == len(set(ids))
    assert all(id_.startswith(f"{name}-") for id_ in ids)
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text)) <= set(ids)
    assert HOSTILE.split("&", maxsplit=1)[0].strip() in " ".join(svg_texts(written[f"{name}.svg"]))


def test_svg_numbers_are_rounded_to_a_tenth_of_a_pixel(written):
    for element in ET.parse(written["map.svg"]).iter():
        assert not re.search(r"\.\d\d", element.get("d", "") + element.get("x", ""))


def test_figures_say_where_they_come_from(written):
    stamp = "Scenario difference, not a forecast · 8 seeds · plan 01234567"
    for name in ("map", "paths", "zones"):
        assert stamp in svg_texts(written[f"{name}.svg"])
        assert stamp.encode() in written[f"{name}.svg"].read_bytes()
        assert b"not a forecast" in written[f"{name}.png"].read_bytes()


def test_the_same_comparison_gives_the_same_bytes(written, tmp_path):
    for path in draw_comparison(MadeUpComparison(), tmp_path):
        assert path.read_bytes() == written[path.name].read_bytes()


def test_a_sixth_policy_goes_on_a_second_sheet():
    view = View(MadeUpComparison(n_policies=6, months=3), "en")
    assert list(view.sheets()) == [range(5), range(5, 6)]
    assert Mark.of(5).letter == "F"


def test_without_a_net_effect_there_is_no_split_bar(tmp_path):
    comparison = MadeUpComparison(n_policies=1, n_seeds=1, months=3)
    comparison.effects = comparison.effects.slice(0, 0)
    assert {path.stem for path in draw_comparison(comparison, tmp_path)} == {"map", "paths"}
    assert any("fewer than 5 seeds" in text for text in svg_texts(tmp_path / "map.svg"))


@pytest.mark.parametrize("solid", [True, False])
def test_the_net_effect_is_solid_only_if_its_direction_may_be_told(ax, solid):
    split = Split(net=12.0, low=4.0, high=20.0, moved=21.0, new=9.0, gain=30.0, resolved=solid)
    draw_split_bar(ax, split, Mark.of(0), (0, 40))
    bars = {patch.get_gid(): patch for patch in ax.patches}
    assert (to_hex(bars["bar-net"].get_facecolor()) == Mark.of(0).colour.lower()) is solid
    assert bars["bar-moved"].get_hatch()
    assert (bars["bar-moved"].get_x(), bars["bar-moved"].get_width()) == (0.0, 21.0)  # no part of a sum
    assert bars["bar-moved"].get_y() > bars["bar-net"].get_y() + bars["bar-net"].get_height()


@pytest.mark.parametrize("resolved", [True, False])
def test_the_end_of_a_path_is_hollow_where_bar_and_sentence_are(ax, resolved):
    differences = 5.0 + np.random.default_rng(2).normal(0, 1, (8, 24))
    draw_difference_path(ax, differences, Mark.of(0), "2025-01", (0, 8), resolved)
    (dot,) = [line for line in ax.lines if line.get_marker() == "o"]
    assert (to_hex(dot.get_markerfacecolor()) == Mark.of(0).colour.lower()) is resolved


def test_a_policy_without_treated_zones_moves_nothing_in_its_bar(ax):
    draw_split_bar(ax, Split(-3.0, -5.0, -1.0, None, None, None, True), Mark.of(1), (-5, 5))
    assert [patch.get_gid() for patch in ax.patches] == ["bar-net"]
    assert "no treated zone" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.04, "0"), (0.4, "+0.4"), (-0.96, f"{MINUS}1"), (4.6, "+4.6"), (1.14, "+1.1"), (-12.4, f"{MINUS}12"), (1234.0, "+1,234"),
     (float("nan"), "–")],
)  # fmt: skip
def test_differences_carry_their_sign_and_a_true_minus(value, text):
    assert difference_text(value) == text


def test_an_undefined_level_is_a_dash():
    assert level_text(float("nan")) == "–"


def test_an_outline_encloses_its_cells_and_no_hole():
    ring = [(c, r) for c in range(3) for r in range(3) if (c, r) != (1, 1)]
    columns, rows = np.array([*ring, (4, 4)]).T
    path = outline(columns, rows, 0.5)
    assert sum(_area(polygon) for polygon in path.to_polygons()) == pytest.approx(9 * 0.25)


def test_outlines_of_all_zones_cover_each_cell_once():
    grid = GEOGRAPHY.grid
    for z, path in enumerate(GEOGRAPHY.outlines):
        area = sum(_area(polygon) for polygon in path.to_polygons())
        assert area == pytest.approx(np.sum(grid.zone == z) * grid.cell_km**2)


def _area(polygon):
    x, y = polygon.T
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def test_every_label_lies_on_the_map_even_with_the_longest_number():
    for lang in ("en", "zh"):
        west, east, _, _ = GEOGRAPHY.extent(352, lang)
        for label in GEOGRAPHY.labels:
            width = look.text_width(f"{label.name(lang)} {MINUS}888", 10.5, "bold") * (east - west) / 352
            x = GEOGRAPHY.column_x() if label.x is None else label.x
            assert x + width < east if label.align == "left" else x - width > west or label.align == "center"


def test_labels_that_collide_are_spread_and_keep_their_order():
    placed = look.spread_out(np.array([5.0, 1.0, 1.1, 1.2]), 1.0)
    assert np.all(np.diff(placed[[1, 2, 3, 0]]) >= 1 - 1e-9)
    assert placed[0] == 5.0


def test_a_long_name_is_wrapped_and_cut():
    lines = look.wrap("word " * 100, 200, "panel").split("\n")
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert all(look.text_width(line, 16, "bold") <= 200 for line in lines)


@pytest.mark.parametrize("width", range(60, 300, 20))
def test_no_line_begins_with_a_mark_that_closes(width):
    lines = look.wrap(
        "企业数，政策减基准，2025年8月（第8个月）；括号：未定（n = 8）。另一句", width, "subtitle", 9
    ).split("\n")
    assert len(lines) > 1
    assert not [line for line in lines if line[0] in "，。：；、）"]


def test_the_base_map_labels_every_zone_and_numbers_every_node(tmp_path):
    paths = draw_world(tmp_path / "world.png")
    assert [path.name for path in paths] == ["world.png", "world.svg"]
    texts = svg_texts(tmp_path / "world.svg")
    assert set(NAMES) <= set(texts)
    assert {str(i + 1) for i in range(len(GEOGRAPHY.grid.tables.nodes))} <= set(texts)
    assert GEOGRAPHY.settings["stock_note"] in " ".join(texts)
    assert GEOGRAPHY.settings["credit"].split(";")[0] in " ".join(texts)


def test_the_base_map_draws_into_given_axes(ax):
    with house_style():
        assert draw_world(ax) == []
    assert labels(ax) == NAMES


def test_chinese_without_a_font_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(look, "fonts", lambda: ("DejaVu Sans",))
    with pytest.raises(FontError, match="fonts-noto-cjk"):
        draw_comparison(MadeUpComparison(), tmp_path, lang="zh")
    assert not list(tmp_path.iterdir())


def test_where_there_is_no_chinese_font_pictures_are_english_and_say_so(monkeypatch):
    with speaking("zh"):
        assert (look.drawable("zh"), look.language_note()) == ("zh", "")
        monkeypatch.setattr(look, "fonts", lambda: ("DejaVu Sans",))
        assert look.drawable("zh") == "en"
        assert "fonts-noto-cjk" in look.language_note()
    with speaking("en"):
        assert look.language_note() == ""


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_comparison_draws_in_the_language_spoken(lang, monkeypatch, tmp_path):
    monkeypatch.setattr("sim.figures.draw_comparison", lambda _comparison, _folder, lang: [lang])
    comparison = types.SimpleNamespace(seeds=(1,), pictures=[], folder=tmp_path)
    with speaking(lang):
        Comparison.draw(comparison)
    assert comparison.pictures == [lang]


@pytest.mark.parametrize("families", [None, ("DejaVu Sans",)], ids=["fonts of this machine", "DejaVu alone"])
def test_no_text_of_a_comparison_leaves_its_sheet(families, monkeypatch, tmp_path):
    sheets, save = [], look.Sheet.save
    monkeypatch.setattr(look.Sheet, "save", lambda self, *more: sheets.append(self) or save(self, *more))
    if families is not None:
        monkeypatch.setattr(look, "fonts", lambda: families)
        monkeypatch.setattr(look, "text_width", look.text_width.__wrapped__)  # it remembers widths
    draw_comparison(MadeUpComparison(), tmp_path)
    assert len(sheets) == 3
    for sheet in sheets:
        for text, box in texts_of(sheet):
            assert box.x0 > 0, text
            assert box.x1 < sheet.width, text


def test_a_chinese_font_that_was_installed_after_the_first_figure_is_found(monkeypatch):
    if not any("CJK" in path for path in look.findSystemFonts()):
        pytest.skip("no font with Chinese characters: apt-get install fonts-noto-cjk")
    chinese = {font.fname for font in look.fontManager.ttflist if font.name in look.HAN}
    older = [font for font in look.fontManager.ttflist if font.fname not in chinese]
    monkeypatch.setattr(look.fontManager, "ttflist", older)
    assert set(look.HAN) & set(look.fonts.__wrapped__())


def test_titles_have_at_most_ten_words(written):
    for name in ("map", "paths", "zones"):
        assert len(ET.parse(written[f"{name}.svg"]).getroot()[0].text.split()) <= 10


def test_months_are_named_by_the_calendar():
    assert month_name("2025-01", 36) == "Dec 2027"
    assert month_name("2024-11", 3) == "Jan 2025"
    assert month_name("2025-01", 120, "zh") == "2034年12月"


def test_the_table_of_labels_names_the_zones_of_the_world():
    rows = (GEOGRAPHY.grid.tables.folder / "labels.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert sorted(row.split(",")[0] for row in rows) == sorted(ZONES)


def test_no_zone_is_named_in_the_code_of_figures():
    for file in pathlib.Path(sim.figures.__file__).parent.glob("*.py"):
        code = file.read_text(encoding="utf-8")
        assert not [zone for zone in ZONES if re.search(rf"\b{zone}\b", code)], file.name


def test_the_palette_has_a_mark_for_each_policy_and_a_colour_for_each_class():
    palette = json.loads((pathlib.Path(sim.figures.__file__).parent / "palette.json").read_text())
    assert len(palette["policies"]) == 5
    assert len(palette["levels"]) == 5
    assert len(palette["differences"]) == 9
    assert len(palette["belts"]) >= len(GEOGRAPHY.settings["belts"])


@pytest.mark.parametrize("stations", [True, False])
@pytest.mark.parametrize("draw", [draw_point_key, lambda ax, **look: draw_mark_key(ax, 20, "", **look)])
def test_a_key_names_stations_only_where_a_city_has_some(draw, stations):
    figure = Figure(figsize=(5, 2))
    draw(figure.add_axes((0, 0, 1, 1)), stations=stations)
    said = [text.get_text() for text in figure.axes[0].texts]
    assert ("metro station" in said) == stations
    assert {"named place", "university, institute or anchor firms"} <= set(said)


def test_letters_are_those_of_the_report_where_a_development_outside_stands_between_policies():
    made = MadeUpComparison(n_policies=3, months=3)
    made.scenarios["p1"].policies = Scenario.load("funding-winter").policies
    assert [mark.letter for mark in View(made, "en").marks] == ["A", "a", "B"]
    assert View(made, "en").mark(None) == Mark.of(None)
