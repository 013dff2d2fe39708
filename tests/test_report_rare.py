"""The report where studies are not of the usual kind: one seed, failures, a budget that one misses, a city of one's own."""

import dataclasses
import re

import pytest
from report_cases import evaluation, policy

from sim.evaluation.result import Zone
from sim.figures.geography import Geography, Label
from sim.figures.style import ROLES
from sim.intervals import Interval
from sim.made_worlds import WORLDS
from sim.places import default_world, read_world
from sim.report import page_of
from sim.report.maps import Atlas
from sim.report.page import Page
from sim.report.text import effect, span

WIDTH = 352.0  #: of a map [px]


def said(page, lang="en"):
    """Return what a page says in a language, without tags."""
    other = "zh" if lang == "en" else "en"
    shown = re.sub(rf'<span class="{other}"[^>]*>[^<]*</span>', "", page)
    return re.sub(r"<[^>]+>", " ", shown)


def test_a_policy_left_out_of_the_budget_is_not_said_to_cost_the_same():
    """Of the five policies of the case one is brought to the budget."""
    page = page_of(evaluation())
    assert "1 of 5 policies are brought to equal public cost" in said(page)
    assert "5 policies, 1 of them at equal cost" in said(page)
    assert "policies of equal public cost" not in said(page)
    assert "5 项政策中有 1 项调整到相同的财政成本" in said(page, "zh")


@pytest.mark.parametrize(
    ("interval", "mean", "ends"),
    [
        (Interval(-0.02, -0.03, -0.009), "−0.02", "[−0.03, −0.009]"),
        (Interval(-0.0001, -0.0003, -0.00003), "−0.0001", "[−0.0003, −0.00003]"),
        (Interval(0.02, -0.01, 0.04), "0", "[0, 0]"),
        (Interval(2.6, 1.2, 4.0), "+2.6", "[+1.2, +4]"),
    ],
)
def test_a_mean_lies_inside_the_interval_that_stands_beside_it(interval, mean, ends):
    assert effect(interval) == mean
    assert str(span(interval).en) == ends


def test_one_seed_is_called_a_story():
    one = evaluation(seeds=(1,), policies=[dataclasses.replace(policy("Cut", 4.0, 3.0), pairs=1)])
    short = dataclasses.replace(
        one, policies=tuple(dataclasses.replace(p, effects=tuple(
            dataclasses.replace(e, low=None, high=None, chip="–", resolved=False) for e in p.effects)) for p in one.policies))  # fmt: skip
    page = said(page_of(short))
    assert "One seed is a story, not a result" in page
    assert "1 paired seeds" not in page
    assert "Line: 95 % interval" not in page


def test_failed_runs_are_told_on_top_with_a_link_to_their_list():
    failures = tuple(f"rent-cut {seed}: ZeroDivisionError" for seed in range(23))
    page = page_of(evaluation(complete=False, done=157, failures=failures))
    assert re.search(r'class="stamp".*<a href="#failures">.*23 runs failed', page)
    assert 'id="failures"' in page
    assert "And 3 more failed runs" in said(page)
    assert "runs failed" not in page_of(evaluation(complete=False, done=157))


def test_a_policy_that_only_moves_startups_says_so():
    zone = evaluation().zones[0].id
    page = Page(evaluation(policies=[policy("Swap", 0.0, 0.0, (zone,))]))
    assert "exactly 0" in page.rows[0].sentence.en
    assert "would be in other zones of the region" in page.rows[0].sentence.en


def test_a_made_world_is_told_of_no_metro_and_no_estimated_floor_space():
    world = WORLDS["line"].model_validate({"kind": "line", "parks": 3, "startups": [40, 10, 10]})
    zones = tuple(
        Zone(z.id, z.name, z.name_zh, z.belt, 10.0, 12.0, 180.0, 0.1) for z in read_world(world).zones
    )
    page = said(page_of(evaluation(zones=zones, policies=[policy("Cut", 4.0, 3.0)]), world=world))
    assert "metro station" not in page
    assert "floor space by zone is estimated" not in page


def test_a_label_at_the_edge_of_a_city_stands_whole_on_the_map_and_above_the_scale_bar():
    geography = Geography.of(default_world())
    at = geography.settings["map"]["y_km"]
    labels = (Label("Docks", "渡口", 10.0, at[0], "center"), Label("Hill", "山", 10.0, at[1], "center"))
    moved = dataclasses.replace(geography, labels=labels)
    west, east, south, north = moved.extent(WIDTH)
    step = (east - west) / WIDTH
    half = ROLES["strong"][0] / 2
    assert (north - at[1]) / step >= half
    assert (at[0] - south) / step >= half + 20  # the bar with its number


def test_the_shipped_maps_keep_their_frame():
    atlas = Atlas(default_world())
    assert (atlas.south, atlas.north) == (1.6, 28.5)


def test_doses_say_that_sizes_beyond_a_tool_are_left_out():
    assert "Sizes that a tool does not allow are left out" in said(page_of(evaluation()))
