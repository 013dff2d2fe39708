"""Drawings: Mesa's renderer and ours show the same points, and Mesa's browser page steps and resets the model."""

import pathlib
import runpy

import ipyvuetify as vue
import numpy as np
import pytest
import solara
from matplotlib.colors import to_rgba
from matplotlib.image import imread
from mesa.visualization import SpaceRenderer
from mesa.visualization.components import AgentPortrayalStyle
from mesa.visualization.solara_viz import ModelController, SpaceRendererComponent

from sim.agents import VC, Startup, University
from sim.drawing import ClusterRenderer, Portrayal, label_map, portray, portray_rent, region_renderer
from sim.figures.style import PALETTE
from sim.model import ClusterModel
from sim.parameters import SEGMENTS
from sim.startups import Startup as View


@pytest.fixture(scope="module")
def model():
    """Return a model of some months; nobody may write it."""
    built = ClusterModel.from_scenario("baseline", seed=1)
    built.run(6)
    return built


def points(renderer):
    """Return all that is drawn of agents, a row each: place, size, fill, edge and width, sorted."""
    rows = []
    for group in renderer.canvas.collections:
        n = len(group.get_offsets())
        looks = [group.get_sizes()[:, None], group.get_facecolors(), group.get_edgecolors()]
        looks += [np.reshape(group.get_linewidths(), (-1, 1)), np.array([[group.get_zorder()]])]
        rows.append(
            np.column_stack([group.get_offsets(), *(np.resize(look, (n, look.shape[1])) for look in looks)])
        )
    table = np.concatenate(rows)
    return table[np.lexsort(table.T)]


def points_of(kind, model, portrayal=portray):
    """Return what one kind of renderer draws of the agents."""
    renderer = kind(model).setup_agents(portrayal)
    renderer.draw_agents()
    return points(renderer)


def picture(renderer, path):
    """Write a PNG and return its pixels."""
    renderer.canvas.get_figure().savefig(path)
    return imread(path)


# Pictures


def test_mesas_renderer_and_ours_draw_the_same_points(model):
    stock, ours = (points_of(kind, model) for kind in (SpaceRenderer, ClusterRenderer))
    assert len(stock) == len(model.agents)
    np.testing.assert_array_equal(stock, ours)


def test_both_renderers_write_the_same_picture(model, tmp_path):
    pictures = []
    for kind in (SpaceRenderer, ClusterRenderer):
        renderer = kind(model).setup_agents(portray).setup_propertylayer(portray_rent)
        renderer.draw_agents()
        renderer.draw_propertylayer()
        pictures.append(picture(renderer, tmp_path / "region.png"))
    assert pictures[0].shape[0] > 300
    assert len(np.unique(pictures[0].reshape(-1, 4), axis=0)) > 50
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_startups_have_the_colour_of_their_segment_and_stand_in_their_cell(model):
    table = points_of(ClusterRenderer, model)
    places = {tuple(row[:2].tolist()): row for row in table}
    for startup in model.startups.select(at_most=100):
        row = places[startup.x, startup.y]
        assert (np.round(row[:2]).astype(int) == startup.pos).all()
        colour = PALETTE["segments"][SEGMENTS.index(startup.segment)]["colour"]
        assert tuple(row[3:7]) == to_rgba(colour)


def test_the_column_renderer_makes_no_view(model, monkeypatch):
    monkeypatch.setattr(View, "__init__", None)
    table = points_of(ClusterRenderer, model)
    assert len(table) == 14 + 48 + len(model.startups)


def test_a_portrayal_without_columns_is_asked_for_each_startup(model):
    asked = []

    def plain(agent):
        asked.append(agent)
        return AgentPortrayalStyle(color="tab:red" if isinstance(agent, Startup) else "tab:blue")

    stock, ours = (points_of(kind, model, plain) for kind in (SpaceRenderer, ClusterRenderer))
    assert len(asked) == 2 * len(model.agents)
    np.testing.assert_array_equal(stock, ours)
    assert (stock[:, :2] == np.round(stock[:, :2])).all()  # by pos: in the middle of their cells


@pytest.mark.parametrize(
    "look",
    [
        lambda s: {"color": (1, 1, 0, 1)},
        lambda s: {"x": s.x, "y": s.y, "size": None, "color": (0, 1, 1, 1), "alpha": 0.3, "marker": "s"},
        lambda s: {
            "x": s.x,
            "y": s.y,
            "color": np.array([[0.1, 0.2, 0.3, 1.0]] * 2)[s.column("segment") % 2],
        },
    ],
)
def test_what_a_portrayal_leaves_out_is_as_mesa_has_it(model, look):
    mine = Portrayal(look, lambda agent: AgentPortrayalStyle(x=agent.x, y=agent.y, color=(0, 0, 0, 1)))
    stock, ours = (points_of(kind, model, mine) for kind in (SpaceRenderer, ClusterRenderer))
    np.testing.assert_array_equal(stock, ours)


def test_edge_colours_of_some_agents_only_are_refused(model):
    edged = Portrayal(
        lambda s: {"x": s.x, "y": s.y, "edgecolors": "white"}, lambda agent: AgentPortrayalStyle(x=0, y=0)
    )
    with pytest.raises(ValueError, match="give them to all agents or to none"):
        points_of(ClusterRenderer, model, edged)


def test_a_region_without_startups_is_drawn():
    model = ClusterModel.from_scenario("baseline", seed=1)
    model.world.startups.replace(model.world.startups.whole()[:0])
    stock, ours = (points_of(kind, model) for kind in (SpaceRenderer, ClusterRenderer))
    assert len(stock) == 14 + 48
    np.testing.assert_array_equal(stock, ours)


def test_the_ready_made_renderer_draws_rents_agents_and_a_legend(model, tmp_path):
    renderer = region_renderer(model).render()
    axes = renderer.canvas
    assert len(points(renderer)) == len(model.agents)
    (rents,) = axes.images
    np.testing.assert_array_equal(rents.get_array(), model.grid.rent.data.T)
    assert (rents.to_rgba(rents.get_array())[model.grid.rent.data.T == 0][:, 3] == 0).all()
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == [*SEGMENTS, "university, institute, anchor", "venture fund"]
    assert picture(renderer, tmp_path / "region.png").shape[2] == 4


def test_what_follows_a_drawing_follows_once(model):
    renderer, axes = ClusterRenderer(model), []
    renderer.post_process = axes.append
    renderer.render().render()
    assert axes == [renderer.canvas]


def test_other_layers_are_not_drawn(model):
    assert portray_rent(model.grid.talent) is None
    assert portray_rent(model.grid.rent).vmin == model.world.rent.min()
    renderer = ClusterRenderer(model).setup_propertylayer(lambda layer: None)
    renderer.draw_propertylayer()
    assert not renderer.canvas.images


def test_altair_draws_every_agent(model):
    chart = ClusterRenderer(model, backend="altair").setup_agents(portray).render().canvas.to_dict()
    rows = max((len(values) for values in chart["datasets"].values()), default=0)
    assert rows == len(model.agents)


def test_a_picture_shows_the_month_in_which_it_is_drawn():
    model = ClusterModel.from_scenario("rent-cut", seed=1)
    renderer = SpaceRenderer(model).setup_propertylayer(portray_rent)
    model.run(3)
    renderer.render()
    (rents,) = renderer.canvas.images
    assert rents.get_array().max() == model.world.rent.max()


# The browser page


@pytest.fixture
def controls():
    """Return a function that renders Mesa's controls of a model and gives their buttons."""
    contexts = []

    def start(model, renderer, parameters, interval=1):
        _, context = solara.render(
            ModelController(
                model,
                renderer=renderer,
                model_parameters=solara.reactive(parameters),
                play_interval=solara.reactive(1),
                render_interval=solara.reactive(interval),
                use_threads=solara.reactive(False),
            ),
            handle_error=False,
        )
        contexts.append(context)
        return lambda label: context.find(vue.Btn, children=[label]).widget

    yield start
    for context in contexts:
        context.close()


def test_step_advances_a_month_until_the_last(controls):
    model = solara.reactive(ClusterModel(months=2, rng=1))
    button = controls(model, solara.reactive(region_renderer(model.value)), {"months": 2})
    for month in (1, 2):
        assert not button("Step").disabled
        button("Step").click()
        assert (model.value.time, model.value.world.month) == (month, month)
    assert button("Step").disabled
    assert len(model.value.datacollector.get_model_vars_dataframe()) == 3


def test_step_advances_as_many_months_as_are_drawn_at_a_time(controls):
    model = solara.reactive(ClusterModel(months=9, rng=1))
    button = controls(model, None, {"months": 9}, interval=4)
    button("Step").click()
    assert model.value.world.month == 4


def test_reset_gives_a_new_model_with_the_parameters_and_a_renderer_like_the_old_one(controls):
    first = ClusterModel(months=5, rng=1)
    model, renderer = solara.reactive(first), solara.reactive(region_renderer(first))
    renderer.value.setup_agents(portray, picker=True)
    button = controls(model, renderer, {"months": 3, "rng": "42", "rent_cut_share": 0.5})
    button("Step").click()
    button("Reset").click()
    new = model.value
    assert new is not first
    assert (new.time, new.world.month, new.last_month, new.seed_number) == (0.0, 0, 3, 42)
    assert [lever.share for lever in new.setup.policies] == [0.5]
    assert type(renderer.value) is ClusterRenderer
    assert renderer.value.space is new.grid
    for name in (
        "agent_portrayal",
        "propertylayer_portrayal",
        "draw_space_kwargs",
        "draw_agent_kwargs",
        "post_process",
    ):
        assert getattr(renderer.value, name) == getattr(
            region_renderer(new).setup_agents(portray, picker=True), name
        )
    button("Step").click()
    assert (new.world.month, first.world.month) == (1, 1)
    assert new.startups.get("heads") != first.startups.get("heads")


def test_the_page_shows_the_map_of_the_month_and_a_plot():
    model = ClusterModel(months=3, rng=1)
    renderer = region_renderer(model).render()
    model.step()
    box, context = solara.render(SpaceRendererComponent(model, renderer), handle_error=False)
    assert len(points(renderer)) == len(model.agents)
    (rents,) = renderer.canvas.images
    assert rents.get_array().max() == model.world.rent.max()
    assert box.children
    context.close()


def test_the_page_of_the_how_to_renders_and_its_arguments_make_the_model_that_it_shows():
    names = runpy.run_path(str(pathlib.Path(__file__).parents[1] / "docs" / "howto" / "mesa_page.py"))
    page, model = names["page"], names["model"]
    _, context = solara.render(page, handle_error=False)
    context.close()
    given = page.kwargs["model_params"]
    values = {name: one["value"] if isinstance(one, dict) else one for name, one in given.items()}
    again = ClusterModel(**values)
    for one in (model, again):
        one.step()
    assert np.array_equal(model.startups.columns.heads, again.startups.columns.heads)
    ((plot, _tab),) = page.kwargs["components"]
    box, context = solara.render(plot(model), handle_error=False)
    assert box.children
    context.close()


def test_the_legend_names_every_kind_of_agent(model):
    axes = ClusterRenderer(model).canvas
    label_map(axes)
    kinds = [kind for kind in model.agent_types if kind is not Startup]
    assert kinds == [University, VC]
    assert len(axes.get_legend().get_texts()) == len(SEGMENTS) + len(kinds)


def test_drawing_is_imported_by_nothing_that_a_run_needs():
    package = pathlib.Path(__file__).parent.parent / "sim"
    for path in package.rglob("*.py"):
        if path.stem != "drawing":
            assert "sim.drawing" not in path.read_text(encoding="utf-8"), path.name
