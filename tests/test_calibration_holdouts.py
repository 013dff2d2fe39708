"""Hold-outs: facts kept out of the fit are asked in the right world, counted rightly, and failures are called so."""

import dataclasses
import json
import os
import pathlib
import sys
import types

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from test_calibration import series, small_ensemble, small_targets

from sim.accepted import Ensemble
from sim.alignment import aligned
from sim.calibration import holdouts, pictures
from sim.calibration.calibrate import how_met
from sim.calibration.commands import _say
from sim.calibration.ensemble import Narrowing, accepted, write
from sim.calibration.experiments import IN_PROPORTION, carry_out, study_of
from sim.calibration.holdout_measures import HELD, Seen
from sim.calibration.holdouts import (
    EMERGENT,
    Answer,
    Holdout,
    Rival,
    densest_stock,
    read_holdouts,
    zone_areas,
)
from sim.calibration.matching import run_points
from sim.calibration.recovery import made_targets
from sim.calibration.smc import Population, simulate
from sim.calibration.tables import difference_rows, holdout_rows, markdown
from sim.calibration.targets import Targets
from sim.places import read_world
from sim.problems import ScenarioError
from sim.scenario import Scenario
from sim.study_files import at_point

SHIPPED = read_holdouts("haidian")
FACT = {"id": "H", "key": "h", "name": "a fact", "unit": "-", "source": "somebody", "reliability": "weak", "months": (1, 24),
        "measure": "stock", "experiment": "plain"}  # fmt: skip


def fact(**more):
    return Holdout(**FACT | more)


def world(**belts):
    """Return tables of a world whose zones, here and there, lie in belts."""
    zones = [types.SimpleNamespace(id=zone, belt=belt) for zone, belt in belts.items()]
    return types.SimpleNamespace(zones=zones)


def seen(region=None, **columns):
    return Seen(
        series(**columns),
        pa.table(region or {}),
        world(here="south", there="north"),
        {"here": 1.0, "there": 4.0},
    )


def asked(**more):
    return types.SimpleNamespace(**{"months": (1, 24), "zones": (), "series": "startups", "belt": ""} | more)


def with_rows(table, zone, **columns):
    """Return a series in which one zone has other values."""
    frame = table.to_pandas()
    for name, value in columns.items():
        frame.loc[frame["zone"] == zone, name] = np.repeat(np.asarray(value, dtype=float), 2)
    return pa.Table.from_pandas(frame)


def test_growth_is_what_compounds_to_the_last_month():
    run = seen(startups=[100 * 1.01**month for month in range(24)])
    assert HELD["growth"](run, asked()) == pytest.approx(1.01**12 - 1)


def test_counts_of_the_list_are_summed_over_the_window_only():
    run = seen({"reservations": [5.0, 10, 20, 40], "applications": [1.0, 2, 3, 100]}, startups=1.0)
    assert HELD["listed"](run, asked(series="reservations", months=(2, 3))) == 30
    ratio = HELD["listed_ratio"](run, asked(series="applications", over="reservations", months=(1, 3)))
    assert ratio == pytest.approx(6 / 35)


def test_the_densest_zone_is_the_one_with_most_startups_by_area_and_not_by_number():
    run = seen(startups=1.0)
    run.series = with_rows(
        run.series, "there", startups=np.full(24, 3.0)
    )  # 3 times as many on 4 times the area
    assert HELD["densest_zone"](run, asked(zones=("here",))) == 1.0
    assert HELD["densest_zone"](run, asked(zones=("there",))) == 0.0
    assert holdouts.densest_zone(run, 24) == "here"


def test_a_belt_rises_only_if_its_share_does():
    run = seen(startups=[float(n) for n in range(1, 25)])
    assert HELD["belt_rises"](run, asked(belt="south")) == 0.0  # it grows as everything does
    run.series = with_rows(run.series, "here", startups=np.arange(1, 25) * 2.0)
    run.series = with_rows(run.series, "there", startups=np.full(24, 2.0))
    assert HELD["belt_rises"](run, asked(belt="south")) == 1.0
    assert HELD["belt_rises"](run, asked(belt="north")) == 0.0


def test_production_is_mostly_outside_only_if_more_heads_are():
    assert HELD["mostly_outside"](seen(production_heads=2.0, production_outside_heads=3.0), asked()) == 1.0
    assert HELD["mostly_outside"](seen(production_heads=3.0, production_outside_heads=3.0), asked()) == 0.0


def test_the_register_holds_active_dormant_and_listed_firms():
    assert HELD["registered"](seen(startups=1.0, dormant=2.0, listed=3.0), asked()) == 4 * 6


# Verdicts


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(50.0, "inside"), (3.0, "FAILS: too high"), (200.0, "FAILS: too low"), (94.0, "inside")],
)
def test_a_number_outside_the_central_nine_tenths_fails_and_says_which_way(value, verdict):
    answer = Answer(fact(kind="number", value=value), np.arange(100.0))
    assert answer.verdict == verdict


def test_the_percentile_counts_half_of_what_is_equal():
    assert Answer(fact(kind="number", value=1.0), np.array([0.0, 1.0, 1.0, 2.0])).percentile == 0.5


@pytest.mark.parametrize(("share", "verdict"), [(0.95, "holds"), (0.7, "undecided"), (0.3, "FAILS")])
def test_a_statement_holds_in_nine_runs_of_ten_or_it_does_not(share, verdict):
    values = (np.arange(100) < 100 * share).astype(float)
    assert Answer(fact(kind="statement"), values).verdict == verdict


def test_a_number_that_was_looked_at_is_never_called_reproduced():
    assert Answer(fact(kind="used", value=50.0), np.arange(100.0)).verdict == "used up"
    assert Answer(fact(kind="used", value=500.0), np.arange(100.0)).verdict == "FAILS: too low"


def test_a_plan_is_never_called_right_or_wrong():
    answer = Answer(fact(kind="plan", value=75.0), np.arange(100.0))
    assert answer.verdict == "reached in 25 % of the runs"


def test_runs_without_a_value_do_not_count_and_none_says_so():
    assert Answer(fact(kind="number", value=1.0), np.full(3, np.nan)).verdict == "no run says anything"
    assert Answer(fact(kind="number", value=1.0), np.array([np.nan, 1.0, 1.0])).percentile == 0.5


def test_a_failure_stands_in_the_table_as_plainly_as_a_success():
    values = np.arange(100.0)
    rows = holdout_rows([Answer(fact(kind="number", value=v), values) for v in (50.0, 500.0)])
    assert [row[-1] for row in rows[1:]] == ["inside", "FAILS: too low"]
    assert len({len(row) for row in rows}) == 1
    assert "FAILS" in "\n".join(aligned(rows))
    assert markdown([["a|b"], ["<i>"]]).splitlines() == ["| a\\|b |", "| --- |", "| \\<i> |"]


# Null and rival worlds


def rival(arms, **measures):
    return Rival(
        "a world", arms, {key: np.array(values) for key, values in measures.items()}, ["here"] * len(arms)
    )


def test_worlds_are_compared_member_by_member_whatever_the_order_of_their_runs():
    arms = [(member, seed) for member in range(6) for seed in (1, 2)]
    rng = np.random.default_rng(1)
    own = 100 * rng.normal(size=6)  # members differ far more than worlds do
    here = rival(arms, m=[own[member] + 1.0 + 0.1 * seed for member, seed in arms])
    there = rival(arms[::-1], m=[own[member] + 0.1 * seed for member, seed in arms[::-1]])
    found = here.against(there, "m")
    assert (found.mean, found.low, found.high) == pytest.approx((1.0, 1.0, 1.0), abs=1e-9)
    assert there.against(here, "m").mean == pytest.approx(-1.0)


def test_a_run_that_one_world_lacks_or_has_no_number_of_counts_in_neither():
    arms = [(member, seed) for member in range(6) for seed in (1, 2)]
    here = rival(arms, m=[1000.0] + [2.0] * 10 + [np.nan])
    there = rival(arms[1:], m=[1.0] * 11)
    assert here.against(there, "m").mean == pytest.approx(1.0)


def test_seeds_of_one_member_do_not_make_an_interval_narrower():
    values = [0.0, 1.0, 2.0, 3.0, 4.0]
    zero = lambda arms: rival(arms, m=[0.0] * len(arms))  # noqa: E731
    once = [(member, 1) for member in range(5)]
    often = [(member, seed) for member in range(5) for seed in range(10)]
    one = rival(once, m=values).against(zero(once), "m")
    many = rival(often, m=np.repeat(values, 10)).against(zero(often), "m")
    assert (many.low, many.high) == pytest.approx((one.low, one.high))
    assert one.high - one.low > 3  # five members, whatever their runs


def test_the_table_of_differences_has_a_row_for_each_rival_and_none_for_the_world_it_is_held_against():
    arms = [(member, 1) for member in range(6)]
    worlds = [
        rival(arms, **{key: [level + member for member, _seed in arms] for key in EMERGENT})
        for level in (0.0, 2.0)
    ]
    rows = difference_rows(types.SimpleNamespace(rivals=worlds))
    assert rows[1:] == [["a world", *["+2 (+2 .. +2)"] * len(EMERGENT)]]


@pytest.fixture
def drawn(monkeypatch):
    """Return a list to which every figure is added instead of being written."""
    figures = []

    def keep(path, _rows, draw):
        figures.append(Figure())
        draw(figures[-1])
        return path

    monkeypatch.setattr(pictures, "save", keep)
    return figures


@pytest.mark.parametrize("zones", [3, 9])
def test_the_picture_of_rivals_has_every_run_of_a_world_in_one_of_its_zones(drawn, zones):
    names = {f"z{i}": f"zone {i}" for i in range(zones)}
    runs = [f"z{i}" for i in range(zones) for _n in range(zones - i)]
    arms = [(member, 1) for member in range(len(runs))]
    worlds = [Rival("a", arms, {"marcon_puech_500m": np.linspace(1, 2, len(runs))}, runs),
              Rival("b", arms, {"marcon_puech_500m": np.linspace(2, 3, len(runs))}, ["z0"] * len(runs))]  # fmt: skip
    pictures.draw_rivals(None, worlds, names)
    below = drawn[0].axes[1]
    bars = [bar for bar in below.patches if bar.get_width() > 0]
    for world, most in ((0, zones / len(runs)), (1, 1.0)):
        own = [bar for bar in bars if round(bar.get_y() + bar.get_height() / 2) == world]
        assert sum(bar.get_width() for bar in own) == pytest.approx(1.0)
        assert max(bar.get_width() for bar in own) == pytest.approx(most)
        assert sorted(bar.get_x() for bar in own) == pytest.approx(
            np.cumsum([0.0, *(bar.get_width() for bar in sorted(own, key=lambda bar: bar.get_x()))])[:-1]
        )
    labels = [text.get_text() for text in below.get_legend().get_texts()]
    assert labels == [names[f"z{i}"] for i in range(min(zones, 6))] + (["elsewhere"] if zones > 6 else [])


def test_the_picture_of_hold_outs_paints_failures_red_and_nothing_else(drawn):
    values = np.arange(1.0, 101.0)
    verdicts = {50.0: False, 500.0: True, 0.5: True}
    pictures.draw_holdouts(None, [Answer(fact(kind="number", value=v), values) for v in verdicts])
    bars = [line for line in drawn[0].axes[0].lines if line.get_linewidth() == 6]
    assert [bar.get_color() == pictures.VERMILION for bar in bars] == list(verdicts.values())


def test_bars_of_one_sort_are_hatched_like_each_other_and_unlike_all_others(drawn):
    widths, chances = (0.3, 0.6, 0.9, 0.9), (0.5, 0.5, 0.001, 0.5)
    found = [Narrowing(f"k{i}", False, (0.0, 1.0), (0.1, 0.5, 0.9), w, c, 0.5)
             for i, (w, c) in enumerate(zip(widths, chances, strict=True))]  # fmt: skip
    pictures.draw_parameters(None, found)
    hatches = [bar.get_hatch() for bar in drawn[0].axes[0].patches if bar.get_height() == 0.5]
    identified, narrowed, shifted, unknown = hatches
    assert narrowed == shifted
    assert len({identified, narrowed, unknown}) == 3
    ensemble, targets = Ensemble.of("haidian"), Targets.of("haidian")
    met = how_met(ensemble, targets)
    pictures.draw_targets(None, met)
    hatches = [bar.get_hatch() for bar in drawn[1].axes[0].patches if round(bar.get_height(), 6) == 0.35]
    for row, hatch in zip(met, hatches, strict=True):
        assert bool(hatch) == (not all(row.inside))


@pytest.mark.parametrize("missing", [np.nan, np.inf, float("-inf")])
def test_what_no_run_says_is_null_in_json(capsys, missing):
    _say([], {"median": missing, "prior": (0.5, missing), "deep": [{"p5": missing, "n": 3}]}, True)
    text = capsys.readouterr().out
    assert json.loads(text) == {"median": None, "prior": [0.5, None], "deep": [{"p5": None, "n": 3}]}


# What fitting opens


#: names of the files that this process opens, while it is a list; a hook on them cannot be taken off again
OPENED = None


def hear_of_files(event, args):
    if OPENED is not None and event == "open" and isinstance(args[0], str | os.PathLike):
        OPENED.append(pathlib.Path(args[0]).name)


def test_fitting_opens_no_file_of_hold_outs(tmp_path, monkeypatch):
    sys.addaudithook(hear_of_files)
    monkeypatch.setattr(sys.modules[__name__], "OPENED", [])
    targets = small_targets()
    targets = made_targets(
        targets, run_points(targets, np.full((1, 2), 0.5), (7,), tmp_path / "wave", 0)[0, 0]
    )
    near = simulate(np.full(2, 0.5), targets)
    cube = np.array([[0.5, 0.5]])
    write(
        accepted(targets, Population(cube, np.ones(1), np.zeros(1), near[None], 9.0, (1,)), {}),
        tmp_path / "set.parquet",
    )
    assert "targets.toml" in OPENED
    own = pathlib.Path(__file__).name  # Mesa looks at the source of whoever imports it first
    assert [name for name in OPENED if "holdout" in name.lower() and name != own] == []
    read_holdouts("haidian")
    assert "holdouts.toml" in OPENED  # they would have been heard of


# The file


def test_every_shipped_hold_out_says_who_said_so_and_asks_what_can_be_asked():
    facts = SHIPPED.holdouts
    assert len({one.key for one in facts}) == len(facts)
    assert {"H1", "H2", "H5", "H6", "H8", "H9"} <= {one.id for one in facts}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('measure = "listed"', 'measure = "liste"', 'did you mean "listed"'),
        ('experiment = "offer"', 'experiment = "ofer"', 'did you mean "offer"'),
        ("value = 130", "", "a number or a plan has a value"),
        ('zones = ["jingxi"]', 'zones = ["jinxi"]', 'did you mean "jingxi"'),
        ("months = [72, 72]", "months = [73, 73]", "the experiment is shorter"),
    ],
)
def test_a_mistake_in_a_file_of_hold_outs_is_named(monkeypatch, tmp_path, old, new, told):
    text = (holdouts.shipped_folder() / "haidian" / "holdouts.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "haidian").mkdir()
    (tmp_path / "haidian" / "holdouts.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(holdouts, "shipped_folder", lambda: tmp_path)
    with pytest.raises(ScenarioError, match=r"holdouts\.toml:") as caught:
        read_holdouts("haidian")
    assert told in str(caught.value)


def test_the_data_sheet_names_every_file_of_the_shipped_worlds():
    folder = holdouts.shipped_folder()
    sheet = (folder.parent / "docs" / "data.md").read_text(encoding="utf-8")
    files = [
        path for world in ("haidian", "haidian-campuses-north") for path in (folder / world).rglob("*.*")
    ]
    assert len(files) > 9
    assert [path.name for path in files if path.name not in sheet] == []


# Experiments


@pytest.fixture(scope="module")
def members():
    """Return an accepted set of two members with a parameter of each sort that experiments change."""
    keys = (
        "births.founding_scale",
        "finance.capital_bn_rmb",
        "location.spillover_weight",
        "births.starting_cash_wan",
    )
    one = small_ensemble([[0.8, 150.0, 0.4, 1.5], [0.9, 170.0, 0.5, 0.7]], [1, 1], keys)
    return dataclasses.replace(one, factors=frozenset({"births.starting_cash_wan"}))


@pytest.mark.parametrize("name", SHIPPED.experiments)
def test_every_experiment_is_a_study_whose_members_may_run(members, name):
    study = study_of(name, SHIPPED.experiments[name], members, 2, 1)
    assert len(study.points) == 2
    assert study.months == SHIPPED.experiments[name].months
    for point in study.points:
        applied = study.applied(next(iter(study.scenarios)), point)
        assert applied.months >= study.months
        assert applied.births.starting_cash_wan[0] in (60.0, 28.0)


def test_members_have_seeds_of_their_own_which_are_the_same_in_every_world(members, tmp_path, monkeypatch):
    short = {"initial.startups": 60, "initial.history_months": 24}
    arms = {}
    for name in ("even", "no-spillovers"):
        experiment = SHIPPED.experiments[name]
        experiment = experiment.model_copy(update={"months": 3, "changes": experiment.changes | short})
        done = carry_out(name, experiment, members, 2, 2, tmp_path, 0)
        assert done.failed == []
        arms[name] = done.arms
    assert arms["even"] == arms["no-spillovers"] == [(0, 1), (0, 2), (1, 3), (1, 4)]


def test_a_force_that_is_switched_off_is_off_for_every_member(members):
    study = study_of("off", SHIPPED.experiments["no-spillovers"], members, 2, 1)
    for point in study.points:
        applied = study.applied(next(iter(study.scenarios)), point)
        assert applied.location.spillover_weight == applied.operations.spillover_elasticity == 0.0


def test_the_past_has_founders_and_capital_in_proportion_to_its_firms(members):
    past = SHIPPED.experiments["past"]
    study = study_of("past", past, members, 2, 1)
    scenario = next(iter(study.scenarios.values()))
    share = past.startups / Scenario.load("baseline").initial.startups
    assert scenario.start == "2011-01"
    for own, point in zip(members.points(2), study.points, strict=True):
        assert [point[key] for key in IN_PROPORTION] == pytest.approx(
            [own[key] * share for key in IN_PROPORTION]
        )
        assert at_point(scenario, point, set(members.factors)).initial.startups == past.startups == 300


def test_every_rival_world_begins_even():
    rivals = [one for one in SHIPPED.experiments.values() if one.rival]
    assert len(rivals) == 4
    assert all(one.changes["initial.start_from"] == "uniform" for one in rivals)


def test_the_rival_world_moves_campuses_and_nothing_else():
    plain, moved = read_world("haidian"), read_world("haidian-campuses-north")
    assert plain.zones == moved.zones
    km = [np.hypot(*np.subtract(plain.km(a.lon, a.lat), moved.km(b.lon, b.lat))) for a, b in
          zip(plain.nodes, moved.nodes, strict=True)]  # fmt: skip
    anchors = [node.kind == "anchor" for node in plain.nodes]
    assert max(np.array(km)[anchors]) == 0.0
    assert min(np.array(km)[~np.array(anchors)]) > 8.0
    for a, b in zip(plain.nodes, moved.nodes, strict=True):
        assert (a.id, a.kind, a.ai_spinoffs_per_year) == (b.id, b.kind, b.ai_spinoffs_per_year)


def test_the_area_of_the_zones_is_that_of_all_cells():
    assert sum(zone_areas("haidian").values()) == pytest.approx(0.25 * 510, rel=0.1)
    assert densest_stock("haidian") in {zone.id for zone in read_world("haidian").zones}
