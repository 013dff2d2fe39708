"""The Mesa face: startups as views, universities and funds that own their tables, the grid."""

import mesa
import numpy as np
import pytest

from sim.agents import VC, Members, Startup, University
from sim.model import ClusterModel
from sim.world import ACTIVE


@pytest.fixture
def model():
    built = ClusterModel.from_scenario("baseline", seed=1)
    built.step()
    return built


def test_the_model_holds_universities_funds_and_startups(model):
    by_type = {kind.__name__: len(agents) for kind, agents in model.agents_by_type.items()}
    active = int((model.world.startups["status"] == ACTIVE).sum())
    assert by_type == {"University": 14, "VC": 48, "Startup": active}
    assert len(model.agents) == 14 + 48 + active == len(list(model.agents))


def test_a_view_reads_its_row(model):
    row = np.flatnonzero(model.world.startups["status"] == ACTIVE)[10]
    view = next(s for s in model.startups if s.unique_id == int(model.world.startups["uid"][row]))
    assert view.heads == model.world.startups["heads"][row]
    model.world.startups["heads"][row] += 1
    assert view.heads == model.world.startups["heads"][row]


def test_a_view_follows_its_startup_when_rows_change_place(model):
    view = model.startups.to_list()[7]
    heads = view.heads
    model.world.startups.replace(model.world.startups.whole()[::-1].copy())
    assert view.heads == heads


def test_a_view_of_a_startup_that_has_gone_raises(model):
    view = model.startups.to_list()[0]
    rows = model.world.startups.whole()
    model.world.startups.replace(rows[rows["uid"] != view.unique_id])
    with pytest.raises(LookupError, match="has left the model"):
        _ = view.heads


def test_two_views_of_one_startup_are_equal_and_of_two_models_are_not(model):
    assert model.startups.to_list()[3] == model.startups.to_list()[3]
    assert len({model.startups.to_list()[3], model.startups.to_list()[3]}) == 1
    other = ClusterModel.from_scenario("baseline", seed=1)
    other.step()
    assert model.startups.to_list()[3] != other.startups.to_list()[3]


def test_a_selection_holds_its_members(model):
    chosen = model.agents.select(lambda a: isinstance(a, Startup) and a.segment == "MODEL")
    assert isinstance(chosen, Members)
    assert 0 < len(chosen) == len(chosen.to_list()) < len(model.startups)
    assert chosen.agg("heads", np.mean) > 1
    assert {key for key, _ in model.startups.groupby("segment")} == {"OPC", "APP", "MODEL", "EMB"}


def test_startups_cannot_be_stepped_or_removed_one_by_one(model):
    view = model.startups.to_list()[0]
    for act in (view.step, view.remove):
        with pytest.raises(TypeError):
            act()


def test_a_university_owns_its_spinoffs_and_what_is_set_counts():
    model, twin = (ClusterModel.from_scenario("baseline", seed=1) for _ in range(2))
    for university in model.agents_by_type[University]:
        university.spinoffs_per_year = 0.0
    entries = [m.run(12).measures()["entries"][1] for m in (model, twin)]
    assert entries[0] < 0.7 * entries[1]
    spinoffs = twin.agents_by_type[University].to_list()[0]
    assert sum(spinoffs.spinoffs_by_segment.values()) == len(spinoffs.spinoffs) > 0


def test_taking_one_funds_money_changes_who_is_funded():
    model, twin = (ClusterModel.from_scenario("baseline", seed=1) for _ in range(2))
    largest = max(model.agents_by_type[VC], key=lambda fund: fund.capital)
    largest.capital = 0.0
    without, usual = model.run(6), twin.run(6)
    position = largest._position
    assert not (model.world.deals.rows["lead"] == position).any()
    assert (twin.world.deals.rows["lead"] == position).any()
    assert without.digest != usual.digest


def test_a_funds_portfolio_are_startups_that_it_financed(model):
    fund = max(model.agents_by_type[VC], key=lambda f: len(f.portfolio))
    assert len(fund.portfolio) > 0
    assert all(startup.rounds > 0 for startup in fund.portfolio)
    assert set(fund.rounds) <= {"seed", "A", "B", "C", "D+"}
    assert set(fund.focus) <= {"OPC", "APP", "MODEL", "EMB"}


def test_the_grid_is_built_on_first_use_and_shows_the_state(model):
    assert model._grid is None
    startup = model.startups.to_list()[0]
    cell = int(startup.column("cell"))
    assert np.asarray(model.grid.rent.data)[startup.pos] == model.world.rent[cell]
    assert startup.cell.rent == model.world.rent[cell]
    assert model.grid.agents is not None
    model.step()
    assert np.asarray(model.grid.rent.data).max() == model.world.rent.max()


def test_a_run_builds_no_grid():
    model = ClusterModel.from_scenario("baseline", seed=1)
    model.run(2)
    assert model._grid is None


def test_mesas_constructor_collects_and_stops():
    model = ClusterModel(months=3, rent_cut_share=0.5, rng=7)
    while model.running:
        model.step()
    frame = model.datacollector.get_model_vars_dataframe()
    assert len(frame) == 4
    assert frame["startups"].iloc[-1] == len(model.startups)
    assert [lever.share for lever in model.setup.policies] == [0.5]


def test_batch_run_pairs_seeds_over_parameters():
    rows = mesa.batch_run(
        ClusterModel,
        {"new_space_m2": [0.0, 1e5], "months": [2]},
        rng=[1, 2],
        max_steps=2,
        display_progress=False,
    )
    assert len(rows) == 4
    startups = {(row["new_space_m2"], row["rng"]): row["startups"] for row in rows}
    assert startups[0.0, 1] == startups[1e5, 1]  # the space opens later
    assert startups[0.0, 1] != startups[0.0, 2]
