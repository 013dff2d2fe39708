"""The funnel, survival, the market of zones and the page of a scenario say what they were given, in both languages."""

import dataclasses
import inspect
import itertools
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from test_figures import texts_of
from test_figures_cohorts import DEALS, run_of, series

import sim.figures
from sim.batch import run_once
from sim.figures import (
    Band,
    Cohort,
    Funnel,
    Mark,
    MarketChange,
    Named,
    Survival,
    ZoneState,
    draw_fates,
    draw_funnel,
    draw_group_paths,
    draw_levels,
    draw_rent_and_vacancy,
    draw_scenario,
    draw_survival,
    house_style,
    level_bounds,
)
from sim.figures import page as pages
from sim.figures.geography import Geography
from sim.figures.market import zones_by_belt
from sim.figures.style import PALETTE
from sim.intervals import Interval
from sim.ledger import ACQUIRED, ACTIVE, DORMANT, LEFT, LISTED, NEVER
from sim.parameters import STAGES
from sim.record import POSITION, SERIES
from sim.scenario import Scenario

GEOGRAPHY = Geography.of("haidian")
ZONES = tuple(zone.id for zone in GEOGRAPHY.grid.tables.zones)
NAMES = [label.short_en for label in GEOGRAPHY.labels]
BASE, OTHER = Named("Base", Mark.of(None)), Named("Other", Mark.of(0))
HAN = re.compile(r"[\u3400-\u9fff\uff00-\uffef\u3000-\u303f]")
SVG = "{http://www.w3.org/2000/svg}"
MONTHS = 48


def axes(width=352, height=240):
    """Return axes of a size in pixels, with room around them."""
    figure = Figure(figsize=((width + 200) / 72, (height + 100) / 72), dpi=72)
    return figure.add_axes(
        (60 / (width + 200), 70 / (height + 100), width / (width + 200), height / (height + 100))
    )


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def bars(ax):
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def funnel(*shares, within=24, runs=1):
    reached = [Interval(*share) if isinstance(share, tuple) else Interval(share) for share in shares]
    return Funnel(1234, runs, 12, within, tuple(reached))


def survival(failed, left, acquired, listed=0.0, startups=500, runs=1, months=24):
    """Return a survival that falls in a straight line to the shares given at its last age."""
    ages = np.arange(months + 1)
    line = lambda lost: 1 - lost * ages / months  # noqa: E731
    bands = [
        Band(line(x), line(x) - 0.02, line(x) + 0.02)
        for x in (failed, failed + left, failed + left + acquired)
    ]
    return Survival(startups, runs, 12, ages, *bands, listed)


def market(rent, vacancy, spread=np.nan):
    rent, vacancy = np.asarray(rent, dtype=float), np.asarray(vacancy, dtype=float)
    return ZoneState(
        Band(rent, rent - spread, rent + spread),
        Band(vacancy, vacancy - spread / 100, vacancy + spread / 100),
    )


def test_bars_of_a_funnel_are_as_long_as_its_shares():
    ax = axes()
    draw_funnel(ax, {BASE: funnel(0.5, 0.25, 0.1, 0.04, 0.0)})
    whole, *rest = [bar.get_width() for bar in bars(ax)]
    assert [width / whole for width in rest] == pytest.approx([0.5, 0.25, 0.1, 0.04, 0.0])


def test_a_funnel_says_who_is_counted_for_how_long_and_how_many():
    ax = axes()
    draw_funnel(ax, {BASE: funnel(0.5, 0.25, 0.0996, 0.0004, 0.0)})
    said = texts(ax)
    assert "Base: 1,234 startups" in said
    assert "Entered: first rooms found in the first 12 months" in said
    assert "Share that closed the round within 24 months of entry" in said
    assert [text for text in said if text.endswith(" %")] == ["50 %", "25 %", "10 %", "<0.1 %", "0 %"]


def test_a_funnel_draws_intervals_only_where_there_are_some():
    ax = axes()
    draw_funnel(ax, {BASE: funnel((0.5, 0.45, 0.55), 0.2, 0.1, 0.0, 0.0, runs=6)})
    assert "[45, 55]" in texts(ax)
    assert sum(text.startswith("[") for text in texts(ax)) == 1
    assert "Brackets and thin line: 95 % interval over 6 seeds" in texts(ax)
    assert "Base: 1,234 startups, 6 seeds" in texts(ax)


def test_two_groups_of_a_funnel_stand_side_by_side_in_their_colours():
    ax = axes()
    draw_funnel(ax, {BASE: funnel(0.5, 0.4, 0.3, 0.2, 0.1), OTHER: funnel(0.6, 0.4, 0.3, 0.2, 0.1)})
    first, second = bars(ax)[1], bars(ax)[7]
    assert second.get_width() / first.get_width() == pytest.approx(1.2)
    assert second.get_y() > first.get_y()
    assert first.get_facecolor() != second.get_facecolor()


def test_a_funnel_has_a_name_for_each_stage():
    assert len(sim.figures.funnel.ROUNDS) == len(STAGES) - 1


@pytest.mark.parametrize("share", [0.05, 0.5, 0.97, 1.0])
def test_the_text_of_a_share_stays_on_the_axes(share):
    ax = axes(width=320)
    draw_funnel(ax, {BASE: funnel(*[(share, max(share - 0.02, 0), min(share + 0.02, 1))] * 5, runs=9)})
    right = ax.get_window_extent().x1
    assert all(text.get_window_extent().x1 <= right + 0.5 for text in ax.texts)


def test_survival_names_each_curve_with_its_last_shares():
    ax = axes(width=180)
    draw_survival(ax, {BASE: survival(0.4, 0.1, 0.05), OTHER: survival(0.3, 0.1, 0.05)})
    assert texts(ax) == ["Base 60 %", "[58, 62] · here 45 %", "Other 70 %", "[68, 72] · here 55 %"]
    assert "1,000 entrants of the first 12 months" in ax.get_xlabel()


def test_bands_of_survival_are_drawn_for_two_groups_and_not_for_three():
    two, three = axes(), axes()
    third = Named("Third", Mark.of(1))
    draw_survival(two, dict.fromkeys((BASE, OTHER), survival(0.4, 0.1, 0.1)))
    draw_survival(three, dict.fromkeys((BASE, OTHER, third), survival(0.4, 0.1, 0.1)))
    assert sum(isinstance(c, PolyCollection) for c in two.collections) == 2
    assert not [c for c in three.collections if isinstance(c, PolyCollection)]
    assert "band, brackets:" in two.get_xlabel()
    assert "\nbrackets:" in three.get_xlabel()


@pytest.mark.parametrize("lost", [0.0, 0.02, 0.98, 1.0])
def test_names_of_curves_that_end_together_stay_beside_the_axes(lost):
    ax = axes(width=180, height=160)
    groups = [Named(f"Group {i}", Mark.of_segment(i)) for i in range(4)]
    draw_survival(ax, dict.fromkeys(groups, survival(lost, 0, 0)))
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    frame = ax.get_window_extent()
    assert boxes[0].y0 > frame.y0 - 3
    assert boxes[-1].y1 < frame.y1 + 3
    assert all(upper.y0 > lower.y1 - 3.5 for lower, upper in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("runs", "words"), [(4, "95 % interval over the startups"), (5, "95 % interval over 5 seeds")]
)
def test_survival_says_what_its_interval_is_over(runs, words):
    ax = axes()
    draw_survival(ax, {BASE: survival(0.4, 0.1, 0.1, runs=runs)})
    assert ax.get_xlabel().endswith(words)


def test_fates_add_up_and_are_named():
    ax = axes(width=180)
    draw_fates(ax, survival(0.4, 0.15, 0.05, listed=0.02))
    assert texts(ax) == [
        "Still here 40 %",
        "2.0 % listed in the end",
        "Acquired 5.0 %",
        "Moved away 15 %",
        "Failed 40 %",
    ]
    middle = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert middle["Still here 40 %"] == pytest.approx(0.2, abs=0.04)
    assert middle["Failed 40 %"] == pytest.approx(0.8, abs=0.04)


def test_bands_of_fates_fill_the_axes_without_gaps():
    ax = axes(width=180)
    draw_fates(ax, survival(0.4, 0.15, 0.05))
    found = {c.get_gid(): c for c in ax.collections if c.get_gid()}
    last = [found[f"fates-{name}"].get_paths()[0].vertices for name in ("here", "acquired", "left", "failed")]
    spans = [
        (points[points[:, 0] == 24][:, 1].min(), points[points[:, 0] == 24][:, 1].max()) for points in last
    ]
    assert np.ravel(spans) == pytest.approx([0, 0.4, 0.4, 0.45, 0.45, 0.6, 0.6, 1])


@pytest.mark.parametrize("draw", [draw_funnel, draw_survival])
def test_no_group_is_refused(draw):
    with pytest.raises(ValueError, match="no group"):
        draw(axes(), {})


def test_groups_of_different_cohorts_are_refused():
    with pytest.raises(ValueError, match=r"different cohorts.*\(12, 24\), \(12, 36\)"):
        draw_funnel(axes(), {BASE: funnel(*[0.5] * 5), OTHER: funnel(*[0.5] * 5, within=36)})
    with pytest.raises(ValueError, match="different cohorts"):
        draw_survival(axes(), {BASE: survival(0.4, 0, 0), OTHER: survival(0.4, 0, 0, months=36)})


def test_zones_stand_by_belt_with_both_their_numbers():
    ax, n = axes(height=300), len(ZONES)
    before = market(100 + np.arange(n), np.full(n, 0.1))
    after = market(200 + np.arange(n), np.arange(n) / 100)
    draw_rent_and_vacancy(ax, MarketChange("haidian", before, after, ("Then", "Now")))
    rows = {text.get_gid(): text for text in ax.texts if text.get_gid()}
    assert [rows[f"market-zone-{z}"].get_text() for z in range(n)] == NAMES
    for z in range(n):
        y = rows[f"market-zone-{z}"].get_position()[1]
        numbers = [text.get_text() for text in ax.texts if text.get_position()[1] == y][1:]
        assert numbers == [f"{100 + z}", f"{200 + z}", "10.0", f"{z:.1f}"]
    order = sorted(range(n), key=lambda z: rows[f"market-zone-{z}"].get_position()[1])
    assert order == list(itertools.chain.from_iterable(zones_by_belt(GEOGRAPHY).values()))
    assert {"Then", "Now", "Asking rent", "RMB/m²/month", "Vacancy", "% of floor space"} <= set(texts(ax))
    assert "line: 95 % interval" not in texts(ax)


def test_marks_of_zones_lie_on_one_scale_within_their_column():
    ax, n = axes(height=300), len(ZONES)
    rent, vacancy = np.linspace(75, 250, n), np.linspace(0, 0.9, n)
    change = MarketChange(
        "haidian", market(rent, vacancy), market(rent + 10, vacancy, 5.0), ("A", "B"), Mark.of(0)
    )
    draw_rent_and_vacancy(ax, change)
    colour = Mark.of(0).colour
    shown = [line for line in ax.lines if line.get_color() == colour and line.get_marker() == "o"][1:]
    x = np.array([line.get_xdata()[0] for line in shown]).reshape(n, 2)
    order = list(itertools.chain.from_iterable(zones_by_belt(GEOGRAPHY).values()))
    assert np.corrcoef(x[:, 0], rent[order])[0, 1] == pytest.approx(1)
    assert np.corrcoef(x[:, 1], vacancy[order])[0, 1] == pytest.approx(1)
    assert x[:, 0].max() < x[:, 1].min()
    assert np.all(np.ptp(x, axis=0) > 40)  # the scale is that of the numbers, not from 0
    assert "line: 95 % interval" in texts(ax)


def test_a_zone_without_rent_shows_a_dash_and_no_mark():
    ax, n = axes(height=300), len(ZONES)
    rent = np.full(n, 100.0)
    rent[2] = np.nan
    state = market(rent, np.where(np.isnan(rent), np.nan, 0.1))
    draw_rent_and_vacancy(ax, MarketChange("haidian", state, state, ("A", "B")))
    assert texts(ax).count("–") == 4


def test_states_of_another_world_are_refused():
    state = market([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="rents for a world of 16 zones"):
        draw_rent_and_vacancy(axes(), MarketChange("haidian", state, state, ("A", "B")))


def test_paths_of_groups_end_with_their_names_and_means():
    ax = axes(width=200)
    draw_group_paths(
        ax, {BASE: np.full((3, 12), 40.0), OTHER: np.array([[10.0] * 12, [20.0] * 12])}, "2025-01"
    )
    assert texts(ax) == ["Base 40", "Other 15"]
    assert ax.get_ylim()[0] == 0
    with pytest.raises(ValueError, match="no group"):
        draw_group_paths(axes(), {}, "2025-01")


def test_a_map_alone_carries_credit_note_nodes_and_places():
    ax = axes(height=276)
    draw_levels(ax, np.arange(len(ZONES)), level_bounds(16))
    below = " ".join(" ".join(texts(ax)).split())
    assert GEOGRAPHY.settings["credit_short"] in below
    assert "synthetic stock" in below
    triangles = [line for line in ax.lines if line.get_marker() == "^"]
    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    assert len(triangles[0].get_xdata()) == len(GEOGRAPHY.grid.tables.nodes)
    assert len(diamonds[0].get_xdata()) == len(GEOGRAPHY.places)


def test_no_station_lies_under_the_label_of_a_zone():
    ax = axes(height=276)
    draw_levels(ax, np.full(len(ZONES), 888), level_bounds(888))
    stations = next(line for line in ax.lines if line.get_gid() == "map-stations")
    x, y = ax.transData.transform(np.column_stack([stations.get_xdata(), stations.get_ydata()])).T
    assert len(x) > 100
    for text in ax.texts:
        if "-label-" in (text.get_gid() or ""):
            box = text.get_window_extent()
            assert not np.any((x > box.x0) & (x < box.x1) & (y > box.y0 + 1) & (y < box.y1 - 1))


def test_every_figure_takes_axes_then_data_and_a_language():
    for name in sim.figures.__all__:
        if name.startswith("draw_") and name not in ("draw_comparison", "draw_scenario", "draw_world"):
            names = list(inspect.signature(getattr(sim.figures, name)).parameters.values())
            assert names[0].name == "ax", name
            assert (names[-1].name, names[-1].default) == ("lang", "en"), name


@dataclasses.dataclass
class MadeUpScenario:
    id: str = "made-up"
    name: str = "Made up"
    name_zh: str = "虚构情景"
    world: str = "haidian"
    fingerprint: str = "0123456789"
    treated_zones: tuple = (ZONES[0],)


def page_run(seed=1, months=MONTHS):
    """Return a run of all zones of the shipped world, with entrants of every segment and fate."""
    rng = np.random.default_rng(seed)
    startups, deals = [], []
    statuses = (ACTIVE, ACTIVE, DORMANT, DORMANT, LEFT, ACQUIRED, LISTED)
    for uid in range(400):
        born, status = int(rng.integers(0, months - 8)), statuses[rng.integers(len(statuses))]
        ended = NEVER if status in (ACTIVE, LISTED) else int(rng.integers(born + 1, months))
        startups.append((uid, born, ended, status, uid % 4))
        for stage in range(rng.integers(0, 5)):
            deals.append((uid, min(born + 3 * (stage + 1), months - 1), stage, uid % 4))
    run = run_of(startups, months=months, seed=seed, zones=ZONES)
    run.deal_rows = np.array(deals, dtype=DEALS)
    data = np.zeros((months, len(ZONES), 4, len(SERIES)))
    data[..., POSITION["startups"]] = rng.uniform(5, 60, data.shape[:3])
    data[..., POSITION["zone_rent_rmb_m2_month"]] = rng.uniform(75, 250, data.shape[:2])[..., None]
    data[..., POSITION["zone_stock_m2"]] = 1000
    data[..., POSITION["zone_vacant_m2"]] = rng.uniform(10, 900, data.shape[:2])[..., None]
    run.arrays = {"series": data}
    return run


#: pages of which each language and each number of seeds has one by default
PAGES = [("en", 1), pytest.param(("en", 6), marks=pytest.mark.slow),
         pytest.param(("zh", 1), marks=pytest.mark.slow), ("zh", 6)]  # fmt: skip


@pytest.fixture(scope="module", params=PAGES, ids=str)
def page(request, tmp_path_factory):
    """Language, files and drawn sheet of a page."""
    lang, seeds = request.param
    runs = [page_run(seed) for seed in range(1, seeds + 1)]
    folder, sheets = tmp_path_factory.mktemp("page"), []
    with pytest.MonkeyPatch.context() as patch:
        draw = pages._Page.draw
        patch.setattr(pages._Page, "draw", lambda self: sheets.append(draw(self)) or sheets[-1])
        paths = draw_scenario(folder / "new" / "page.png", runs, MadeUpScenario(), lang)
    ((sheet, _),) = sheets
    with house_style():
        sheet.figure.draw_without_rendering()
    return lang, {path.suffix: path for path in paths}, sheet


def test_a_page_is_written_as_png_and_svg(page):
    lang, paths, _ = page
    assert sorted(paths) == [".png", ".svg"]
    root = ET.parse(paths[".svg"]).getroot()
    assert root.get("lang") == {"en": "en", "zh": "zh-Hans"}[lang]
    assert 1.3 < float(root.get("height")) / float(root.get("width")) < 1.55  # about A4
    assert len(root[0].text.split()) <= 10


def test_the_svg_of_a_page_is_fit_for_a_strict_page(page):
    root = ET.parse(page[1][".svg"]).getroot()
    elements = list(root.iter())
    assert not [e for e in elements if "style" in e.attrib or e.tag in (f"{SVG}style", f"{SVG}script")]
    ids = [e.get("id") for e in elements if e.get("id")]
    assert len(ids) == len(set(ids))
    text = page[1][".svg"].read_text(encoding="utf-8")
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text)) <= set(ids)


def test_no_text_of_a_page_overlaps_another_or_leaves_it(page):
    _, _, sheet = page
    found = texts_of(sheet)
    width, height = sheet.width, sheet.height
    for text, box in found:
        assert box.x0 > 0, text
        assert box.x1 < width, text
        assert box.y0 > 0, text
        assert box.y1 < height, text
    for (one, a), (other, b) in itertools.combinations(found, 2):
        across, up = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 1 or up < 3.5, f"{one!r} overlaps {other!r}"  # boxes hold the room of descenders


def test_a_page_speaks_one_language(page):
    lang, paths, sheet = page
    root = ET.parse(paths[".svg"]).getroot()
    said = [text for text, _ in texts_of(sheet)] + [root[0].text, root[1].text]
    for text in said:
        if lang == "en":
            assert not HAN.search(text), text
        else:
            rest = text.replace(" ".join(GEOGRAPHY.settings["credit_short"].split()), "")
            if "OpenStreetMap" in rest or "geoBoundaries" in rest:  # the credit is what its owners ask for
                continue
            assert not re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}", rest), text


def test_a_page_says_how_many_startups_each_colour_of_its_map_means(page):
    _, paths, sheet = page
    said = [text for text, _ in texts_of(sheet)]
    last = [text for text in said if re.fullmatch(r">\d+", text)]
    assert len(last) == 1
    drawn = paths[".svg"].read_text(encoding="utf-8").lower()
    assert [colour for colour in PALETTE["levels"] if colour.lower() not in drawn] == []


def test_a_page_says_how_much_its_seeds_are_worth(page):
    lang, paths, _ = page
    words = " ".join("".join(t.itertext()) for t in ET.parse(paths[".svg"]).iter(f"{SVG}text"))
    if "1 seed" in words or "1个种子" in words:
        assert "a story, not a result" in words or "不是结果" in words
    else:
        assert "mean of 6 seeds" in words or "6个种子的均值" in words
    assert ("not a forecast" if lang == "en" else "不是预测") in words


@pytest.mark.parametrize("page", PAGES[:1], indirect=True, ids=str)
def test_the_same_runs_give_the_same_page(page, tmp_path):
    _, paths, _ = page
    again = draw_scenario(tmp_path / "page.png", [page_run()], MadeUpScenario())
    assert {path.suffix: path.read_bytes() for path in again} == {
        suffix: path.read_bytes() for suffix, path in paths.items()
    }


def test_a_page_of_three_months_can_be_drawn(tmp_path):
    run = page_run(months=12)
    short = run_of([(1, 0, NEVER, ACTIVE, 1), (2, 0, 2, DORMANT, 1)], months=3, zones=ZONES)
    short.arrays = {"series": run.arrays["series"][:3]}
    assert len(draw_scenario(tmp_path / "page.svg", [short], MadeUpScenario())) == 2


def test_levels_of_a_page_end_with_month_36():
    assert pages._Page([page_run()], MadeUpScenario(), "en").months == 36


def test_runs_of_another_scenario_are_refused(tmp_path):
    with pytest.raises(ValueError, match="not of the scenario 'other'"):
        draw_scenario(tmp_path / "page.png", [page_run()], MadeUpScenario(id="other", fingerprint="x"))
    with pytest.raises(ValueError, match="no run"):
        draw_scenario(tmp_path / "page.png", [], MadeUpScenario())
    assert not list(tmp_path.iterdir())


def test_names_of_segments_and_fates_have_colours_of_their_own():
    segments = [mark["colour"] for mark in PALETTE["segments"]]
    assert len(set(segments)) == len(segments) == len(pages.SEGMENT_NAMES)
    assert len({mark["marker"] for mark in PALETTE["segments"]}) == len(segments)
    assert len(set(PALETTE["fates"].values())) == 4


def test_the_cohort_of_a_real_run_is_as_large_as_its_entries(tmp_path):
    scenario = Scenario.load("baseline")
    run = run_once(scenario, 1, 9)
    cohort = Cohort.of([run])
    entries = run.arrays["series"][: cohort.entry_months, :, :, POSITION["entries"]]
    assert len(cohort) == entries.sum() > 0
    assert np.bincount(cohort.segment, minlength=4).tolist() == entries.sum(axis=(0, 1)).tolist()
    failures = run.arrays["series"][..., POSITION["failures"]].sum()
    assert np.sum(cohort.age >= 1) > 0
    assert np.sum(cohort.fate == 1) <= failures
    assert len(draw_scenario(tmp_path / "page.png", [run], scenario)) == 2


def test_series_made_by_hand_have_the_columns_of_a_run():
    assert series()["series"].shape[-1] == len(SERIES)
