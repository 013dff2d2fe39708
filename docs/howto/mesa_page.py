"""Mesa's browser page on this model: `python -m uv run --extra viz solara run docs/howto/mesa_page.py` opens it."""

from mesa.visualization import SolaraViz, make_plot_component

from sim import ClusterModel
from sim.drawing import region_renderer

model = ClusterModel(months=36, rng=1)
page = SolaraViz(
    model,
    region_renderer(model).render(),
    components=[make_plot_component("startups")],
    model_params={
        "months": 36,
        "rent_cut_share": {"type": "SliderFloat", "value": 0.0, "min": 0.0, "max": 1.0, "step": 0.1},
        "rng": {"type": "InputText", "value": "1", "label": "seed"},
    },
    name="AI startups in Haidian",
)
