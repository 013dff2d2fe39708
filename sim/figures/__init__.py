"""Figures: one function a figure, drawing into given axes, and whole sheets for a comparison and a world.

>>> from sim.figures import draw_comparison, draw_world
>>> draw_world("world.png")  # doctest: +SKIP
"""

from sim.figures.bars import Split, draw_split_bar
from sim.figures.maps import draw_difference, draw_difference_key, draw_level_key, draw_levels
from sim.figures.numbers import Band, difference_bounds, level_bounds
from sim.figures.overview import draw_world
from sim.figures.paths import draw_difference_path, draw_level_paths
from sim.figures.sheets import draw_comparison
from sim.figures.style import FontError, Mark, house_style

__all__ = [
    "Band",
    "FontError",
    "Mark",
    "Split",
    "difference_bounds",
    "draw_comparison",
    "draw_difference",
    "draw_difference_key",
    "draw_difference_path",
    "draw_level_key",
    "draw_level_paths",
    "draw_levels",
    "draw_split_bar",
    "draw_world",
    "house_style",
    "level_bounds",
]
