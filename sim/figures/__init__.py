"""Figures: one function a figure, drawing into given axes, and whole sheets for a comparison, a scenario and a world.

>>> from sim.figures import draw_comparison, draw_scenario, draw_world
>>> draw_world("world.png")  # doctest: +SKIP
"""

from sim.figures.bars import Split, draw_split_bar
from sim.figures.cohorts import Cohort, Funnel, NobodyEnteredError, Survival
from sim.figures.funnel import draw_funnel
from sim.figures.maps import draw_difference, draw_difference_key, draw_level_key, draw_levels
from sim.figures.market import MarketChange, draw_rent_and_vacancy
from sim.figures.numbers import Band, difference_bounds, level_bounds
from sim.figures.overview import draw_world
from sim.figures.page import draw_scenario
from sim.figures.paths import draw_difference_path, draw_group_paths, draw_level_paths
from sim.figures.sheets import draw_comparison
from sim.figures.states import ZoneState
from sim.figures.style import FontError, Mark, Named, drawable, house_style, language_note, use_house_style
from sim.figures.survival import draw_fates, draw_survival

__all__ = [
    "Band",
    "Cohort",
    "FontError",
    "Funnel",
    "Mark",
    "MarketChange",
    "Named",
    "NobodyEnteredError",
    "Split",
    "Survival",
    "ZoneState",
    "difference_bounds",
    "draw_comparison",
    "draw_difference",
    "draw_difference_key",
    "draw_difference_path",
    "draw_fates",
    "draw_funnel",
    "draw_group_paths",
    "draw_level_key",
    "draw_level_paths",
    "draw_levels",
    "draw_rent_and_vacancy",
    "draw_scenario",
    "draw_split_bar",
    "draw_survival",
    "draw_world",
    "drawable",
    "house_style",
    "language_note",
    "level_bounds",
    "use_house_style",
]
