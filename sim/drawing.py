"""The model in Mesa's drawings: how agents and rents look, and a renderer that reads startups by columns.

>>> from sim.drawing import region_renderer
>>> region_renderer(model).render().canvas.get_figure().savefig("region.png")  # doctest: +SKIP

Mesa's drawing loads Solara, which the extra ``viz`` of Mesa, and of this package, installs.
"""

import dataclasses
import types
from collections.abc import Callable
from typing import Any

import mesa
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba_array
from matplotlib.lines import Line2D

try:
    from mesa.visualization import SpaceRenderer
    from mesa.visualization.backends import MatplotlibBackend
    from mesa.visualization.components import AgentPortrayalStyle, PropertyLayerStyle
except ImportError as error:
    raise ImportError("Mesa's drawing needs Solara: pip install 'mesa[viz]'") from error

from sim.agents import Startup, University
from sim.district import DistrictGrid
from sim.figures.style import PALETTE
from sim.parameters import SEGMENTS

_SEGMENTS = np.array([mark["colour"] for mark in PALETTE["segments"]], dtype=object)
_INK, _PAGE = PALETTE["ink"], PALETTE["page"]
_DEFAULTS = {field.name: field.default for field in dataclasses.fields(AgentPortrayalStyle)}
#: greys, so that the colours of startups stand out; cells without floor space stay blank
_RENTS = LinearSegmentedColormap.from_list("rents", [PALETTE["map"]["land"], PALETTE["axis"]]).with_extremes(
    under=(0, 0, 0, 0)
)


class Portrayal:
    """How agents are drawn, for any renderer of Mesa: ``portrayal(agent)`` is the style of one agent.

    Parameters
    ----------
    startup
        Takes a ``Startup`` or the ``Columns`` of many and returns the fields of Mesa's ``AgentPortrayalStyle``
        that it sets, each one value or an array with one for each startup.
    other
        Takes any other agent and returns its style.
    """

    def __init__(
        self, startup: Callable[[Any], dict[str, Any]], other: Callable[[mesa.Agent], AgentPortrayalStyle]
    ) -> None:
        self.columns, self._other = startup, other

    def __call__(self, agent: mesa.Agent) -> AgentPortrayalStyle:
        """Return the style of one agent."""
        if isinstance(agent, Startup):
            return AgentPortrayalStyle(**self.columns(agent))
        return self._other(agent)


def _portray_startup(startup: Any) -> dict[str, Any]:
    """Return a dot in the colour of the segment, whose area grows with the root of R&D heads."""
    return {
        "x": startup.x,
        "y": startup.y,
        "color": _SEGMENTS[startup.column("segment")],
        "size": 1.0 + 1.5 * np.sqrt(startup.heads),
        "zorder": 2,
        "edgecolors": _PAGE,
        "linewidths": 0.2,
    }


def _portray_other(agent: Any) -> AgentPortrayalStyle:
    """Return a white triangle for a university, a white diamond for a fund."""
    university = isinstance(agent, University)
    return AgentPortrayalStyle(
        x=agent.x,
        y=agent.y,
        color=_PAGE,
        marker="^" if university else "D",
        size=42 if university else 18,
        zorder=4 if university else 3,
        edgecolors=_INK,
        linewidths=0.9,
    )


#: startups by segment, universities and funds
portray = Portrayal(_portray_startup, _portray_other)


def portray_rent(layer: Any) -> PropertyLayerStyle | None:
    """Return how Mesa draws the layer of rents; the other layers are not drawn."""
    if getattr(layer, "name", layer) != "rent":
        return None
    rents = layer.data[layer.data > 0]
    return PropertyLayerStyle(colormap=_RENTS, alpha=1.0, vmin=float(rents.min()), vmax=float(rents.max()))


def label_map(ax: Axes) -> None:
    """Say what the marks mean, beside the map; counting cells along its edges helps nobody."""
    ax.set(xticks=[], yticks=[], aspect="equal")
    looks = [
        *((name, "o", colour, colour) for name, colour in zip(SEGMENTS, _SEGMENTS, strict=True)),
        ("university, institute, anchor", "^", _PAGE, _INK),
        ("venture fund", "D", _PAGE, _INK),
    ]
    handles = [
        Line2D(
            [], [], linestyle="", label=name, marker=marker, color=fill, markeredgecolor=edge, markersize=6
        )
        for name, marker, fill, edge in looks
    ]
    ax.legend(handles=handles, loc="upper left", frameon=False)


class ColumnBackend(MatplotlibBackend):
    """Mesa's matplotlib backend, which reads startups by columns if the portrayal can say how."""

    def collect_agent_data(self, space: Any, agent_portrayal: Any, default_size: float | None = None) -> Any:
        """Return places and styles of all agents, arrays (n, ...): universities and funds, then startups.

        Raises
        ------
        ValueError
            If some agents have edge colours and others have not.
        """
        look = getattr(agent_portrayal, "columns", None)
        if look is None or not isinstance(space, DistrictGrid):
            return super().collect_agent_data(space, agent_portrayal, default_size)
        everyone = space.agents
        registered = types.SimpleNamespace(agents=everyone.registered)
        others = super().collect_agent_data(registered, agent_portrayal, default_size)
        columns, place = space.model.startups.columns, space.model.world.grid
        cell = columns.column("cell")
        middle = {"x": place.column[cell], "y": place.row[cell]}
        startups = _style_arrays(len(columns), _DEFAULTS | middle | look(columns), default_size)
        if len(others["loc"]) == 0 or len(columns) == 0:
            return startups if len(columns) else others
        if bool(len(others["edgecolors"])) != bool(len(startups["edgecolors"])):
            raise ValueError("edgecolors: give them to all agents or to none")
        for name in ("c", "edgecolors"):
            others[name] = to_rgba_array(others[name])
        return {name: np.concatenate([values, startups[name]]) for name, values in others.items()}

    def draw_propertylayer(self, space: Any, property_layers: Any, propertylayer_portrayal: Any) -> Any:
        """Draw the layers that the portrayal has a style for; Mesa stumbles if there are none."""
        layers = [layer for name, layer in property_layers.items() if name != "empty"]
        if all(propertylayer_portrayal(layer) is None for layer in layers):
            return self.ax, None
        return super().draw_propertylayer(space, property_layers, propertylayer_portrayal)


def _style_arrays(n: int, look: dict[str, Any], default_size: float | None) -> dict[str, np.ndarray]:
    """Return what Mesa's backend collects, for n agents of which `look` has one value or one each."""
    edges = look["edgecolors"]
    return {
        "loc": np.column_stack([look["x"], look["y"]]),
        "s": _each(n, look["size"] if look["size"] is not None else default_size or _DEFAULTS["size"]),
        "c": _each_colour(n, look["color"]),
        "marker": _each(n, look["marker"]).astype(object),
        "zorder": _each(n, look["zorder"]),
        "alpha": _each(n, look["alpha"]),
        "edgecolors": np.zeros((0, 4)) if edges is None else _each_colour(n, edges),
        "linewidths": _each(n, look["linewidths"]),
    }


def _each(n: int, value: Any) -> np.ndarray:
    return np.broadcast_to(np.asarray(value), (n,))


def _each_colour(n: int, value: Any) -> np.ndarray:
    """Return RGBA rows, (n, 4), for one colour or an array of colours: names, or RGBA rows."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "OU":
        names = value.tolist()
        place = {name: i for i, name in enumerate(dict.fromkeys(names))}
        return to_rgba_array(list(place))[[place[name] for name in names]]
    return np.broadcast_to(to_rgba_array(value), (n, 4))


class ClusterRenderer(SpaceRenderer):
    """Mesa's space renderer with ``ColumnBackend``; all of Mesa's tools take it.

    Parameters
    ----------
    model
        The model.
    backend
        "matplotlib", or "altair", which reads startups one by one.
    """

    def __init__(self, model: mesa.Model, backend: str = "matplotlib") -> None:
        super().__init__(model, backend)
        if backend == "matplotlib":
            self.backend_renderer = ColumnBackend(self.space_drawer)
            self.backend_renderer.initialize_canvas()

    def render(self, *args: Any, **kwargs: Any) -> "ClusterRenderer":
        """Draw what is set up, once, and then let ``post_process`` change the drawing."""
        super().render(*args, **kwargs)
        if self.backend == "matplotlib" and self.post_process and not self._post_process_applied:
            self.post_process(self.canvas)
            self._post_process_applied = True
        return self

    _post_process_applied: bool

    # a Reset in Mesa's browser page copies the options of drawing under these names
    @property
    def space_kwargs(self) -> dict[str, Any]:
        """Options with which the grid is drawn."""
        return self.draw_space_kwargs

    @space_kwargs.setter
    def space_kwargs(self, options: dict[str, Any]) -> None:
        self.draw_space_kwargs = options

    @property
    def agent_kwargs(self) -> dict[str, Any]:
        """Options with which agents are drawn."""
        return self.draw_agent_kwargs

    @agent_kwargs.setter
    def agent_kwargs(self, options: dict[str, Any]) -> None:
        self.draw_agent_kwargs = options


def region_renderer(model: mesa.Model) -> ClusterRenderer:
    """Return a renderer that is set up to draw rents, universities, funds and startups, with a legend."""
    renderer = ClusterRenderer(model)
    renderer.setup_structure(linewidth=0.2, alpha=0.4)
    renderer.setup_agents(portray).setup_propertylayer(portray_rent)
    renderer.post_process = label_map
    return renderer
