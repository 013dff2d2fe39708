"""Figures: one function a figure, drawing into given axes, and whole sheets for a comparison and a world."""

from sim.figures.sheets import draw_comparison

__all__ = ["draw_comparison"]
