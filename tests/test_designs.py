"""Designs: points where they should be, as many as asked, evenly spread."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, qmc

from sim.designs import Axis, discrepancy, filling, grid, grid_size, side_by_side, unit_points

LINEAR, LOG = Axis("a", low=2.0, high=10.0), Axis("b", low=0.01, high=100.0, log=True)
WHOLE, WORDS = Axis("c", low=1.0, high=6.0, integer=True), Axis("d", values=("log", "relative"))
ENDS = st.floats(0.001, 1e6)


def test_a_grid_has_every_combination_once_with_both_ends():
    points = list(grid([LINEAR, LOG, WORDS], 5))
    assert (
        len(points)
        == len({tuple(point.values()) for point in points})
        == 50
        == grid_size([LINEAR, LOG, WORDS], 5)
    )
    assert [point["d"] for point in points[:4]] == ["log", "relative", "log", "relative"]
    np.testing.assert_allclose(sorted({point["a"] for point in points}), [2, 4, 6, 8, 10])
    np.testing.assert_allclose(sorted({point["b"] for point in points}), [0.01, 0.1, 1, 10, 100])
    assert {point["a"] for point in points} >= {2.0, 10.0}


@given(low=ENDS, factor=st.floats(1.01, 1e6), number=st.integers(2, 30), log=st.booleans())
def test_levels_rise_from_the_low_end_to_the_high_end(low, factor, number, log):
    levels = Axis("x", low=low, high=low * factor, log=log).levels(number)
    assert (levels[0], levels[-1], len(levels)) == (low, low * factor, number)
    assert all(a < b or math.isclose(a, b) for a, b in itertools.pairwise(levels))


@pytest.mark.parametrize("number", [2, 3, 6, 50])
def test_whole_levels_are_different_whole_numbers(number):
    levels = WHOLE.levels(number)
    assert all(isinstance(level, int) for level in levels)
    assert sorted(set(levels)) == list(levels)
    assert (levels[0], levels[-1]) == (1, 6)
    assert len(levels) == min(number, 6) == grid_size([WHOLE], number)


def test_whole_numbers_on_a_log_scale_are_even_in_their_logarithm():
    axis = Axis("n", low=1.0, high=1000.0, log=True, integer=True)
    chosen = [axis.at((i + 0.5) / 3000) for i in range(3000)]
    assert (axis.at(0.0), axis.at(1.0), max(chosen)) == (1, 1000, 999)
    assert all(isinstance(value, int) for value in chosen)
    wide = np.log(1001)
    for low, high in ((1, 10), (10, 100), (100, 1000)):
        share = sum(low <= value < high for value in chosen) / 3000
        assert share == pytest.approx(np.log(high / low) / wide, abs=1e-3)
    assert axis.levels(4) == (1, 10, 100, 1000)
    narrow = Axis("n", low=1.0, high=9.0, log=True, integer=True)
    assert narrow.levels(8) == (1, 2, 3, 4, 5, 7, 9)
    assert len(list(grid([narrow], 8))) == grid_size([narrow], 8) == 7
    assert all(
        (one := Axis("n", low=n, high=n + 1, log=True, integer=True)).at(0.0) == n and one.at(1.0) == n + 1
        for n in range(1, 500)
    )


def test_side_by_side_takes_the_first_of_all_then_the_second_of_all():
    assert side_by_side([Axis("a", values=(1, 2)), Axis("b", values=("x", "y"))]) == [
        {"a": 1, "b": "x"}, {"a": 2, "b": "y"}]  # fmt: skip


@pytest.mark.parametrize("method", ["lhs", "sobol"])
def test_a_filling_design_has_one_point_in_each_slice_of_each_axis(method):
    points = filling(method, [LINEAR, LOG, WHOLE, WORDS], 64, 3)
    assert len(points) == 64
    slices = np.sort(np.floor((np.array([point["a"] for point in points]) - 2) / 8 * 64))
    assert np.array_equal(slices, np.arange(64))
    tens = np.log10([point["b"] for point in points])
    assert kstest(tens, "uniform", (-2, 4)).statistic < 0.05
    assert np.bincount([point["c"] for point in points], minlength=7)[1:].min() >= 9
    assert [point["d"] for point in points].count("log") == 32


def test_the_seed_is_the_design():
    one, same, other = (filling("sobol", [LINEAR, LOG], 32, seed) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(("method", "points"), [("lhs", 100), ("sobol", 128), ("sobol", 100)])
def test_discrepancy_is_that_of_scipy_and_far_below_that_of_random_points(method, points):
    chosen = filling(method, [LINEAR, LOG], points, 1)
    found = discrepancy([LINEAR, LOG], chosen)
    assert found == pytest.approx(qmc.discrepancy(unit_points(method, 2, points, 1)), rel=1e-9)
    assert found < 0.5 * qmc.discrepancy(np.random.default_rng(1).random((points, 2)))


def test_words_have_no_discrepancy():
    assert discrepancy([WORDS], [{"d": "log"}, {"d": "relative"}]) is None
