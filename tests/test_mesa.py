"""Mesa's tools on the model: time, seeds, the data collectors, batch runs, copies, and the grid."""

import copy
import inspect
import multiprocessing
import pickle

import mesa
import numpy as np
import pytest
from mesa.discrete_space import OrthogonalMooreGrid
from mesa.time import Schedule

from sim import compare
from sim.agents import VC, Startup, University
from sim.collector import ColumnCollector
from sim.district import LAYERS, DistrictGrid, build_grid
from sim.model import REPORTERS, ClusterModel
from sim.scenario import Scenario
from sim.startups import ATTRIBUTES


def built(seed=1, months=1, base="baseline"):
    model = ClusterModel.from_scenario(base, seed=seed)
    if months:
        model.run(months)
    return model


@pytest.fixture(scope="module")
def seen():
    """Return a model of some months with its grid; nobody may write it."""
    return built(months=6)


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """Return the path of a scenario with a short history, for tests that need many seeds."""
    path = tmp_path_factory.mktemp("scenarios") / "brief.toml"
    path.write_text(
        'extends = "baseline"\nname = "Brief"\n[initial]\nhistory_months = 12\n', encoding="utf-8"
    )
    return str(path)


@pytest.fixture
def start_method():
    """Undo what mesa.batch_run does to the whole process."""
    before = multiprocessing.get_start_method(allow_none=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def test_whole_numbers_of_numpy_are_seeds_months_and_values_as_those_of_python_are():
    scenario = Scenario.load("baseline").with_values(
        {"initial.startups": np.int64(50), "births.heredity": np.float64(0.5)}
    )
    assert scenario == Scenario.load("baseline").with_values({"initial.startups": 50, "births.heredity": 0.5})
    runs = [
        ClusterModel.from_scenario(scenario, seed=seed).run(months)
        for seed, months in ((3, 2), (np.int32(3), np.uint8(2)))
    ]
    assert runs[0].digest == runs[1].digest


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ClusterModel.from_scenario("baseline", seed=1.0), "seed: must be a whole number, not 1.0"),
        (lambda: ClusterModel(months=2.7, rng=1), "months: must be a whole number, not 2.7"),
        (lambda: ClusterModel(months=-5, rng=1), "months: must be 0 or more, not -5"),
        (lambda: built(months=0).run(1.5), "months: must be a whole number, not 1.5"),
        (
            lambda: ClusterModel.from_scenario("baseline", cell_km=0),
            "cell_km: must be finite and above 0, not 0",
        ),
        (lambda: ClusterModel.from_scenario("baseline", cell_km=float("nan")), "cell_km: must be finite"),
    ],
)
def test_numbers_that_no_run_can_have_are_refused_by_their_names(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# Time


def test_a_step_is_a_month_and_half_a_step_is_none():
    model = built(months=0)
    model.run_for(0.5)
    assert (model.time, model.steps, model.world.month) == (0.5, 0, 0)
    model.step()
    assert (model.time, model.steps, model.world.month) == (1.5, 1, 1)
    model.run_until(12)
    assert (model.time, model.steps, model.world.month) == (12.0, 12, 12)


@pytest.mark.parametrize("advance", ["step", "run_for", "run_until", "run"])
def test_every_way_to_advance_gives_the_same_months(advance):
    model = built(months=0)
    if advance == "step":
        for _ in range(4):
            model.step()
    else:
        getattr(model, advance)(4)
    np.testing.assert_array_equal(model.world.rent, built(months=4).world.rent)
    assert model.startups.columns.cash.tolist() == built(months=4).startups.columns.cash.tolist()


def test_a_scheduled_event_sees_the_month_of_its_time():
    model, seen = built(months=0), []

    def once():
        seen.append(("once", model.world.month))

    def often():
        seen.append(("often", model.world.month))

    model.schedule_event(once, at=2)
    model.schedule_recurring(often, Schedule(interval=2, start=1))
    model.run_for(4)
    assert seen == [("often", 1), ("once", 2), ("often", 3)]


def test_a_model_stops_running_after_its_last_month_with_and_without_a_collector():
    for model in (ClusterModel(months=3, rng=1), built(months=117)):
        assert model.running
        model.run_model()
        assert not model.running
        assert model.world.month == model.last_month
    assert not ClusterModel(months=0, rng=1).running


def test_a_model_that_somebody_stops_is_not_running():
    for model in (built(), ClusterModel(months=4, rng=1)):
        model.running = False
        assert not model.running
        model.step()
        assert not model.running


def test_run_for_goes_on_past_the_last_month():
    model = ClusterModel(months=1, rng=1)
    model.run_for(3)
    assert model.world.month == 3
    assert not model.running


# Seeds


def rents(model):
    """Return the state of a model after two months."""
    model.run(2)
    return model.world.rent.tobytes() + model.startups.columns.cash.tobytes()


def test_a_seed_is_the_same_seed_as_number_as_text_and_as_numpys_number(brief):
    expected = rents(built(seed=42, months=0, base=brief))
    for rng in (42, "42", " 42 ", np.int64(42)):
        model = ClusterModel(base=brief, rng=rng)
        assert model.seed_number == 42
        assert rents(model) == expected
    assert rents(ClusterModel(base=brief, rng=-5)) == rents(built(seed=-5, months=0, base=brief))


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.SeedSequence])
def test_a_generator_or_seed_sequence_decides_the_run(make, brief):
    first, second, other = (ClusterModel(base=brief, rng=make(entropy)) for entropy in (5, 5, 6))
    assert first.seed_number == second.seed_number != other.seed_number
    assert first.random.random() == second.random.random() != other.random.random()
    assert rents(first) == rents(second) != rents(other)


def test_a_generator_is_used_as_it_is_and_gives_each_model_another_seed(brief):
    generator = np.random.default_rng(5)
    models = [ClusterModel(base=brief, rng=generator) for _ in range(2)]
    assert all(model.rng is generator for model in models)
    assert models[0].seed_number != models[1].seed_number


def test_without_a_seed_each_model_has_another(brief):
    assert len({ClusterModel(base=brief, rng=rng).seed_number for rng in (None, "", "  ")}) == 3


def test_text_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"rng: must be a whole number, not '4\.2'"):
        ClusterModel(rng="4.2")


def test_no_draw_of_the_models_generators_decides_a_run():
    model, twin = built(months=0), built(months=0)
    model.rng.normal(size=100)
    model.random.random()
    model.startups.shuffle()
    assert rents(model) == rents(twin)


def test_the_constructor_names_all_its_parameters_so_that_mesas_tools_can_pass_them():
    parameters = list(inspect.signature(ClusterModel).parameters.values())
    assert [p.name for p in parameters] == ["base", "months", "rent_cut_share", "new_space_m2", "rng"]
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty for p in parameters)


def test_a_text_field_or_slider_may_give_any_parameter():
    model = ClusterModel(base="baseline", months="4", rent_cut_share="0.5", new_space_m2="0", rng="7")
    assert model.last_month == 4
    assert [lever.share for lever in model.setup.policies] == [0.5]


# Data collectors


def collector(kind):
    return kind(
        model_reporters={"startups": lambda m: len(m.startups), "month": "steps"},
        agent_reporters={"kind": lambda a: type(a).__name__, "pos": "pos"},
        agenttype_reporters={
            Startup: {name: name for name in ATTRIBUTES} | {"double": lambda s: 2 * s.heads, "pos": "pos"},
            University: {"name": "name", "spinoffs": lambda u: len(u.spinoffs)},
            VC: {"capital": "capital", "focus": "focus"},
            mesa.Agent: {"uid": "unique_id"},
        },
    )


@pytest.fixture(scope="module")
def collected():
    """Return what Mesa's collector and ours take down of one run."""
    model, both = built(months=0), [collector(kind) for kind in (mesa.DataCollector, ColumnCollector)]
    for _ in range(3):
        for each in both:
            each.collect(model)
        model.step()
    return both


def test_the_column_collectors_tables_are_those_of_mesas_collector(collected):
    stock, ours = collected
    assert stock.get_model_vars_dataframe().equals(ours.get_model_vars_dataframe())
    assert stock.get_agent_vars_dataframe().equals(ours.get_agent_vars_dataframe())
    for kind in (Startup, University, VC, mesa.Agent):
        one, other = (each.get_agenttype_vars_dataframe(kind) for each in collected)
        assert len(one) > 40
        assert one.dtypes.tolist() == other.dtypes.tolist()
        assert one.index.equals(other.index)
        assert one.equals(other)
        records = [[each._agenttype_records[time][kind] for time in (0.0, 1.0, 2.0)] for each in collected]
        assert records[0] == records[1]


def test_attributes_of_everyone_are_read_by_columns_too():
    model = built()
    for reporters in ({"x": "x", "y": "y"}, {"x": "x", "kind": lambda a: type(a).__name__}, {"pos": "pos"}):
        frames = []
        for kind in (mesa.DataCollector, ColumnCollector):
            each = kind(agent_reporters=reporters)
            each.collect(model)
            frames.append(each.get_agent_vars_dataframe())
        assert len(frames[0]) == len(model.agents)
        assert frames[0].equals(frames[1])


def test_the_column_collector_makes_no_view_for_names(monkeypatch):
    model = built()
    monkeypatch.setattr(Startup, "__init__", None)
    each = ColumnCollector(agenttype_reporters={Startup: {name: name for name in ATTRIBUTES}})
    each.collect(model)
    assert len(each.get_agenttype_vars_dataframe(Startup)) == len(model.startups)


@pytest.mark.parametrize("kind", [mesa.DataCollector, ColumnCollector])
def test_a_name_that_agents_have_not_is_an_error_that_says_so(kind):
    each = kind(agenttype_reporters={Startup: {"size": "headz"}})
    with pytest.raises(AttributeError, match="has no attribute 'headz'"):
        each.collect(built())


def test_mesas_constructor_collects_and_stops():
    model = ClusterModel(months=3, rent_cut_share=0.5, rng=7)
    while model.running:
        model.step()
    frame = model.datacollector.get_model_vars_dataframe()
    assert len(frame) == 4
    assert frame["startups"].iloc[-1] == len(model.startups)
    assert frame["heads"].iloc[-1] == model.world.startups["heads"][model.employing].sum()
    assert list(frame) == list(REPORTERS)
    assert [lever.share for lever in model.setup.policies] == [0.5]


def test_new_space_of_the_constructor_is_that_much():
    levers = ClusterModel(new_space_m2=1e5, months=1, rng=1).setup.policies
    assert sum(phase.area_m2 for lever in levers for phase in lever.phases) == pytest.approx(1e5)


def test_a_model_with_its_own_collector_survives_pickling():
    model = ClusterModel(months=5, rng=1)
    model.step()
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.run_model()
    assert again.datacollector.get_model_vars_dataframe().equals(
        model.datacollector.get_model_vars_dataframe()
    )
    assert again.world.rent.tobytes() == model.world.rent.tobytes()


# Batch runs


def test_batch_run_pairs_seeds_over_parameters(start_method):
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


class Agents(ClusterModel):
    """A model whose collector reports agents only."""

    def __init__(self, months=2, rng=None):
        super().__init__(months=months, rng=rng)
        self.datacollector = ColumnCollector(agenttype_reporters={Startup: {"heads": "heads"}})


def test_a_column_collector_of_agents_alone_has_rows_in_batch_run(start_method):
    rows = mesa.batch_run(Agents, {"months": 2}, rng=[1], display_progress=False)
    model = Agents(rng=1)
    model.run_model()
    expected = dict(zip(model.startups.columns.unique_id.tolist(), model.startups.get("heads"), strict=True))
    assert {row["AgentID"]: row["heads"] for row in rows} == expected
    assert {row["Step"] for row in rows} == {2.0}


@pytest.mark.slow
def test_batch_run_over_two_processes_gives_the_rows_of_one(start_method):
    parameters = {"rent_cut_share": [0.0, 0.5], "months": [8]}
    serial, parallel = (
        mesa.batch_run(
            ClusterModel,
            parameters,
            number_processes=processes,
            rng=[1, 2],
            data_collection_period=1,
            display_progress=False,
        )
        for processes in (1, 2)
    )
    by_run = [sorted(rows, key=lambda row: (row["RunId"], row["Step"])) for rows in (serial, parallel)]
    assert len(serial) == 4 * 9
    assert by_run[0] == by_run[1]


# Copies and several models


def watched(model):
    """Attach collectors of both kinds of reporters."""
    model.datacollector = collector(ColumnCollector)
    return model


def test_a_deep_copy_goes_on_identically_with_its_collector_and_grid():
    model = watched(built(months=2))
    model.step()
    assert model.grid.agents is not None
    other = copy.deepcopy(model)
    for each in (model, other):
        for _ in range(3):
            each.step()
    for kind in (Startup, University, VC):
        frames = [each.datacollector.get_agenttype_vars_dataframe(kind) for each in (model, other)]
        assert len(frames[0].index.unique(0)) == 4
        assert frames[0].equals(frames[1])
    assert other.grid.model is other
    np.testing.assert_array_equal(other.grid.rent.data, model.grid.rent.data)
    assert all(agent.model is other for agent in other.agents)


def test_a_deep_copy_goes_on_alone():
    model = built()
    other = copy.deepcopy(model)
    cell, fund = next(iter(other.startups)).cell, other.agents_by_type[VC].to_list()[0]
    rent, capital = cell.rent, fund.capital
    for _ in range(2):
        model.step()
    model.agents_by_type[VC].to_list()[0].capital = 0.0
    assert (cell.rent, fund.capital, other.time, other.world.month) == (rent, capital, 1.0, 1)
    assert other.random.random() == built().random.random()


def test_two_models_in_one_process_do_not_touch_each_other():
    model, other = built(seed=1), built(seed=2)
    before = (other.grid.rent.data.copy(), other.startups.get("heads"), other.agents.get("unique_id"))
    view = next(iter(other.startups))
    model.grid.rent.data[:] = 0.0
    for agent in model.agents_by_type[VC]:
        agent.capital = 0.0
    watched(model).run(3)
    np.testing.assert_array_equal(other.grid.rent.data, before[0])
    assert (other.startups.get("heads"), other.agents.get("unique_id")) == before[1:]
    assert view.model is other
    assert view.cell.rent == other.world.rent[view.column("cell")]
    twin = built(seed=2)
    assert rents(other) == rents(twin)


def test_classes_hold_no_state():
    classes = [Startup, University, VC, DistrictGrid, ColumnCollector, ClusterModel]
    before = [dict(vars(kind)) for kind in classes]
    model = watched(built())
    model.step()
    assert len(model.grid.agents) > 0
    copy.deepcopy(model).step()
    assert [dict(vars(kind)) for kind in classes] == before


# The grid


def test_building_and_running_a_batch_never_builds_the_grid(monkeypatch, tmp_path):
    grids = []
    real = OrthogonalMooreGrid.__init__

    def counted(self, *args, **kwargs):
        grids.append(self)
        real(self, *args, **kwargs)

    monkeypatch.setattr(OrthogonalMooreGrid, "__init__", counted)
    model = ClusterModel.from_scenario("baseline", seed=1)
    run = model.run(2)
    assert len(run.series) > 0
    monkeypatch.setattr("sim.batch.compile_kernels", lambda *_a: None)
    options = {"workers": 0, "out": tmp_path / "compared", "figures": False, "controls": False}
    assert compare("rent-cut", seeds=1, months=2, **options).failures == []
    watched(ClusterModel(months=2, rng=1)).run_model()
    model.save(tmp_path / "model.npz")
    ClusterModel.load(tmp_path / "model.npz").step()
    copy.deepcopy(model).step()
    assert model.startups.columns.x.size == len(model.startups.get("zone"))
    assert not grids
    assert isinstance(model.grid, DistrictGrid)
    assert model.grid is model.grid
    assert len(grids) == 1


def test_the_layers_show_the_state_of_the_month():
    model = built()
    place = model.world.grid
    at = (place.column, place.row)
    for _ in range(2):
        grid = model.grid
        np.testing.assert_array_equal(grid.rent.data[at], model.world.rent)
        np.testing.assert_array_equal(grid.talent.data[at], np.exp(model.world.log_talent))
        assert (grid.compute.data[at] == 1.0).all()
        assert grid.rent.data.sum() == pytest.approx(model.world.rent.sum())  # 0 elsewhere
        for startup in model.startups.select(at_most=20):
            assert startup.cell.rent == model.world.rent[startup.column("cell")]
            assert startup.cell.coordinate == startup.pos
        model.step()
    np.testing.assert_array_equal(grid.rent.data[at], model.world.rent)  # also when asked by another name
    assert grid is model.grid


def test_a_layer_keeps_its_memory_and_cells_see_it():
    model = built()
    rents, cell = model.grid.rent.data, next(iter(model.startups)).cell
    rents.reshape(-1)[:] = 7.0
    assert cell.rent == 7.0
    model.step()
    assert model.grid.rent.data is rents
    assert cell.rent in model.world.rent.tolist()
    with pytest.raises(AttributeError, match="already has a property layer"):
        model.grid.rent = rents


def test_what_is_written_on_a_layer_reaches_no_process():
    model, twin = built(), built()
    model.grid.rent.data[:] = 1e6
    model.grid.talent.data[:] = 0.0
    assert rents(model) == rents(twin)


def test_the_grid_is_the_lattice_of_the_world_and_draws_no_random_number(seen):
    before = seen.random.getstate(), repr(seen.rng.bit_generator.state)
    grid = build_grid(seen)
    assert (seen.random.getstate(), repr(seen.rng.bit_generator.state)) == before
    assert (grid.width, grid.height) == seen.world.grid.shape == grid.rent.data.shape
    assert grid.random is seen.random
    assert len(list(grid.all_cells)) == grid.width * grid.height
    assert grid.empty.data.all()  # it is of those who are placed in cells, and startups are not


def test_everyone_stands_on_the_grid(seen):
    assert len(seen.grid.agents) == len(seen.agents)
    assert set(seen.grid.agents) == set(seen.agents)
    assert set(LAYERS) <= set(seen.grid._mesa_property_layers)


def test_smaller_cells_give_a_finer_grid():
    model = ClusterModel.from_scenario("baseline", seed=1, cell_km=1.0)
    assert model.grid.rent.data.shape == model.world.grid.shape == (36, 35)
    startup = next(iter(model.startups))
    assert startup.cell.rent == model.world.rent[startup.column("cell")]
    university = model.agents_by_type[University].to_list()[0]
    assert university.pos == (int(model.world.grid.node_x[0]), int(model.world.grid.node_y[0]))
