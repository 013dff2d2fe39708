"""Measures of clustering: published values, exact means under the null by enumeration, brute-force twins."""

import dataclasses
import itertools
import math
import time

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import pdist

from sim import indices, measures
from sim.indices import (
    bandwidth,
    clusters,
    densest_cells,
    densest_share,
    duranton_overman,
    ellison_glaeser,
    herfindahl,
    jaccard,
    locational_gini,
    marcon_puech,
    maurel_sedillot,
    moran,
    neighbours,
    pair_lengths,
    ripley_k,
    theil,
    theil_parts,
    zipf,
)
from sim.ledger import ACTIVE, LISTED, Ledger
from sim.measures import MEASURES, Band, Envelope, against_null, further, headline, maup, thrown, units
from sim.model import ClusterModel
from sim.space import Grid
from sim.summary import clustering_table
from sim.verify.case import KnobError
from sim.verify.measures import CASES, pairs_sd

#: employment by area (rows) and industry (columns), and the indices that its authors print
TABLE = np.array([[10, 13, 13, 49], [19, 29, 31, 46], [33, 16, 34, 34]], dtype=float)
PRINTED_EG = (0.054499, 0.016242, 0.010141, 0.028803)
PRINTED_MS = (0.078583, 0.035977, 0.039374, -0.009049)
#: most that sums of a few dozen 64-bit numbers near 1 differ by
ROUNDING = 1e-12

amounts = st.lists(st.integers(1, 1000), min_size=2, max_size=8)


@pytest.fixture(scope="module")
def haidian():
    """Return the map of the shipped world."""
    return Grid.of("haidian")


@pytest.fixture(scope="module")
def stock(haidian):
    """Return the floor space of its cells [m2]."""
    return haidian.spread_stock(haidian.zone_values("stock_m2"))


def firms_on(stock, n, seed):
    """Return cells and unequal sizes of firms thrown on floor space."""
    sizes = np.random.default_rng(seed).pareto(1.5, n) + 1.0
    return next(thrown(stock, n, seed, 1)), sizes


def pairs_of_amounts():
    """Return a strategy of two lists of like length: amounts and a reference."""
    return amounts.flatmap(
        lambda a: st.tuples(st.just(a), st.lists(st.integers(1, 1000), min_size=len(a), max_size=len(a)))
    )


# Published values and exact means


@pytest.mark.parametrize("industry", range(4))
def test_indices_of_a_published_table_are_those_printed(industry):
    column, everything = TABLE[:, industry], TABLE.sum(axis=1)
    concentration = 1.0 / column.sum()
    assert ellison_glaeser(column, everything, concentration) == pytest.approx(PRINTED_EG[industry], abs=5e-7)
    assert maurel_sedillot(column, everything, concentration) == pytest.approx(PRINTED_MS[industry], abs=5e-7)


def test_the_two_indices_differ_where_they_should_and_agree_on_an_even_reference():
    s, x, even = (0.6, 0.2, 0.2, 0.0), (0.4, 0.3, 0.2, 0.1), (0.25, 0.25, 0.25, 0.25)
    assert ellison_glaeser(s, x, 0.2) == pytest.approx(-1 / 7, abs=ROUNDING)
    assert maurel_sedillot(s, x, 0.2) == pytest.approx(0.0, abs=ROUNDING)
    assert ellison_glaeser(s, even, 0.2) == pytest.approx(1 / 15, abs=ROUNDING)
    assert maurel_sedillot(s, even, 0.2) == pytest.approx(1 / 15, abs=ROUNDING)


@pytest.mark.parametrize("index", [ellison_glaeser, maurel_sedillot])
def test_the_mean_over_all_ways_to_throw_firms_is_exactly_zero(index):
    reference, sizes = np.array([0.5, 0.3, 0.2]), np.array([7.0, 2.0, 2.0, 1.0])
    mean = 0.0
    for places in itertools.product(range(3), repeat=4):
        there = np.bincount(places, weights=sizes, minlength=3)
        mean += np.prod(reference[list(places)]) * index(there, reference, herfindahl(sizes))
    assert mean == pytest.approx(0.0, abs=ROUNDING)


def test_the_mean_of_marcon_puech_over_all_ways_to_throw_firms_is_exactly_one():
    reference, sizes = np.array([5.0, 3.0, 2.0]), np.array([7.0, 2.0, 2.0, 1.0])
    close = neighbours(np.array([0.0, 0.5, 2.0]), np.zeros(3), 0.5)
    mean = 0.0
    for places in itertools.product(range(3), repeat=4):
        mean += np.prod(reference[list(places)] / 10) * marcon_puech(
            np.array(places), sizes, reference, close
        )
    assert mean == pytest.approx(1.0, abs=ROUNDING)


def test_the_mean_of_marcon_puech_over_all_ways_to_label_firms_is_exactly_one():
    cells = np.array([0, 0, 0, 1, 1, 2, 2])
    close = neighbours(np.array([0.0, 0.5, 2.0]), np.zeros(3), 0.5)
    everybody = np.bincount(cells).astype(float)
    found = [
        marcon_puech(cells[list(chosen)], np.ones(3), everybody, close, among=True)
        for chosen in itertools.combinations(range(7), 3)
    ]
    assert np.mean(found) == pytest.approx(1.0, abs=ROUNDING)


def test_the_mean_of_moran_over_all_orders_is_exactly_minus_one_over_n_less_one():
    values = np.array([1.0, 5.0, 2.0, 2.0, 9.0, 4.0])
    weights = np.triu(np.arange(36.0).reshape(6, 6) % 5, 1)  # any weights do, also one-sided ones
    found = [moran(np.array(order), weights) for order in itertools.permutations(values)]
    assert np.mean(found) == pytest.approx(-1 / 5, abs=ROUNDING)


def test_all_firms_in_one_of_many_equal_units_give_the_largest_index():
    # G = 1 - 1/L, so gamma = ((1 - 1/L) - (1 - 1/L) H)/((1 - 1/L)(1 - H)) = 1
    assert ellison_glaeser([1, 0, 0, 0], [1, 1, 1, 1], 0.1) == pytest.approx(1.0, abs=ROUNDING)
    assert locational_gini([1, 0, 0, 0], [1, 1, 1, 1]) == pytest.approx(0.75, abs=ROUNDING)
    assert theil([1, 0, 0, 0], [1, 1, 1, 1]) == pytest.approx(math.log(4), abs=ROUNDING)


@pytest.mark.parametrize("index", [ellison_glaeser, maurel_sedillot])
def test_an_index_without_a_value_is_nan(index):
    assert math.isnan(index([3.0], [5.0], 0.2))  # one unit
    assert math.isnan(index([3.0, 0.0], [5.0, 5.0], 1.0))  # one firm
    assert math.isnan(index([0.0, 0.0], [5.0, 5.0], 0.2))  # nobody


@pytest.mark.parametrize("index", [locational_gini, theil])
@pytest.mark.parametrize(("amounts", "reference"), [([0.0, 0.0], [1.0, 1.0]), ([1.0, 2.0], [0.0, 0.0])])
def test_where_nobody_is_or_nothing_is_to_let_no_inequality_is_told(index, amounts, reference):
    assert math.isnan(index(amounts, reference))


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("number", [1, 3, 10, 11])
def test_equal_values_have_no_moran_though_their_mean_is_rounded(value, number):
    weights = np.eye(number, k=1) + np.eye(number, k=-1)
    assert math.isnan(moran(np.full(number, value), weights))


@pytest.mark.parametrize("units", range(1, 40))
def test_draws_that_are_all_equal_have_no_spread_though_their_mean_is_rounded(units):
    value = 1 / units
    drawn = [value] * 199
    for observed in (value, 0.5):
        seen = Envelope.of(observed, drawn)
        assert (seen.mean, seen.sd) == (value, 0.0)
        assert math.isnan(seen.z)
    curves = np.column_stack([drawn, np.linspace(0, 1, 199)])
    band = Band.of(curves)
    assert (band.low[0], band.mean[0], band.high[0]) == (value, value, value)


def test_firms_where_there_is_no_reference_are_an_error():
    with pytest.raises(ValueError, match="no share of the reference"):
        theil([1.0, 1.0], [1.0, 0.0])


# What must not change an index


@settings(deadline=None)
@given(pairs_of_amounts(), st.floats(0.01, 100), st.floats(0, 0.9))
def test_units_of_measurement_change_no_index(given_amounts, factor, concentration):
    s, x = map(np.array, given_amounts)
    for index in (ellison_glaeser, maurel_sedillot):
        before = index(s, x, concentration)
        assert index(factor * s, x / factor, concentration) == pytest.approx(before, abs=1e-9)
    for index in (locational_gini, theil):
        assert index(factor * s, x / factor) == pytest.approx(index(s, x), abs=1e-9)


@settings(deadline=None)
@given(pairs_of_amounts(), st.randoms(use_true_random=False))
def test_the_order_of_units_changes_no_index(given_amounts, chance):
    s, x = map(np.array, given_amounts)
    order = list(range(len(s)))
    chance.shuffle(order)
    for index in (locational_gini, theil, lambda a, b: ellison_glaeser(a, b, 0.1)):
        assert index(s[order], x[order]) == pytest.approx(index(s, x), abs=1e-10)


@settings(deadline=None)
@given(pairs_of_amounts(), st.floats(0.05, 0.95))
def test_a_unit_cut_in_proportion_changes_neither_gini_nor_theil(given_amounts, part):
    s, x = (np.array(a, dtype=float) for a in given_amounts)
    cut_s = np.concatenate([[part * s[0], (1 - part) * s[0]], s[1:]])
    cut_x = np.concatenate([[part * x[0], (1 - part) * x[0]], x[1:]])
    assert locational_gini(cut_s, cut_x) == pytest.approx(locational_gini(s, x), abs=1e-10)
    assert theil(cut_s, cut_x) == pytest.approx(theil(s, x), abs=1e-10)


@settings(deadline=None)
@given(pairs_of_amounts())
def test_gini_is_half_the_mean_difference_of_all_pairs(given_amounts):
    s, x = (np.array(a) / np.sum(a) for a in given_amounts)
    quotient = s / x
    expected = 0.5 * np.sum(x[:, None] * x[None, :] * np.abs(quotient[:, None] - quotient[None, :]))
    assert locational_gini(s, x) == pytest.approx(expected, abs=1e-10)


@settings(deadline=None)
@given(pairs_of_amounts(), st.data())
def test_the_parts_of_theil_are_those_of_the_formula_and_not_negative(given_amounts, data):
    s, x = (np.array(a) / np.sum(a) for a in given_amounts)
    group = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(s), max_size=len(s))))
    _, group = np.unique(group, return_inverse=True)
    within = 0.0
    for g in set(group):
        own = group == g
        held, area = s[own] / s[own].sum(), x[own] / x[own].sum()
        within += s[own].sum() * np.sum(held * np.log(held / area))
    parts = theil_parts(s, x, group)
    assert parts[1] == pytest.approx(within, abs=1e-10)
    assert min(parts) >= -ROUNDING


# Distances between firms


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(3, 20)), min_size=2, max_size=40))
def test_distances_by_fourier_transforms_are_those_of_all_pairs(points):
    points = np.array(points)
    cells, counts = np.unique(points, axis=0, return_counts=True)
    lengths, pairs = pair_lengths(cells[:, 0], cells[:, 1], counts, cell_km=0.5)
    expected, number = np.unique(np.rint((2 * pdist(0.5 * points)) ** 2), return_counts=True)
    np.testing.assert_allclose(lengths, np.sqrt(expected) / 2, rtol=1e-14)
    np.testing.assert_array_equal(pairs, number)


def test_weighted_distances_are_those_of_all_pairs():
    rng = np.random.default_rng(3)
    points, sizes = rng.integers(0, 12, (150, 2)), rng.pareto(1.5, 150) + 1
    cells, inverse = np.unique(points, axis=0, return_inverse=True)
    held = np.bincount(inverse.ravel(), weights=sizes)
    lengths, pairs = pair_lengths(cells[:, 0], cells[:, 1], held, own=float(np.sum(sizes**2)))
    first, second = np.triu_indices(150, 1)
    squared = np.rint(pdist(points.astype(float)) ** 2).astype(int)
    expected = np.bincount(squared, weights=sizes[first] * sizes[second])
    np.testing.assert_allclose(lengths**2, np.flatnonzero(expected), rtol=1e-12)
    np.testing.assert_allclose(pairs, expected[expected > 0], rtol=1e-9)  # transforms of numbers up to 1e5


def test_the_density_of_distances_integrates_to_one_and_is_the_formula():
    rng = np.random.default_rng(4)
    points = rng.integers(0, 20, (60, 2))
    cells, counts = np.unique(points, axis=0, return_counts=True)
    lengths, pairs = pair_lengths(cells[:, 0], cells[:, 1], counts, cell_km=0.5)
    distances = np.linspace(0.0, 30.0, 3001)
    density = duranton_overman(distances, lengths, pairs, 0.7)
    assert np.trapezoid(density, distances) == pytest.approx(
        1.0, abs=1e-6
    )  # trapezoids of 0.01 km, h = 0.7 km
    apart = pdist(0.5 * points)
    expected = stats.norm.pdf(2.0, apart, 0.7) + stats.norm.pdf(-2.0, apart, 0.7)
    assert density[200] == pytest.approx(expected.mean(), rel=1e-10)


def test_ripley_counts_pairs_on_the_edge_of_a_circle_as_within():
    points = np.array([[0, 0], [1, 0], [0, 1], [4, 4]])
    lengths, pairs = pair_lengths(points[:, 0], points[:, 1], np.ones(4), cell_km=0.5)
    found = ripley_k(np.array([0.0, 0.49, 0.5, 1.0, 5.0]), lengths, pairs, 4, area_km2=8.0)
    np.testing.assert_allclose(found, 8.0 / 16 * 2 * np.array([0, 0, 2, 3, 6]))


def test_the_bandwidth_is_that_of_the_written_out_distances():
    points = np.random.default_rng(5).integers(0, 40, (300, 2))
    cells, counts = np.unique(points, axis=0, return_counts=True)
    lengths, pairs = pair_lengths(cells[:, 0], cells[:, 1], counts)
    apart = pdist(points.astype(float))
    low, high = np.quantile(apart, [0.25, 0.75], method="inverted_cdf")
    expected = 0.9 * min(apart.std(), (high - low) / 1.34) * len(apart) ** -0.2
    assert bandwidth(lengths, pairs) == pytest.approx(expected, rel=1e-10)
    assert bandwidth(lengths, pairs, cell_km=9.0) == 9.0


def test_sizes_of_an_exact_power_law_give_its_exponent_and_error():
    sizes = (np.arange(500) + 0.5) ** (-1 / 1.3)
    assert zipf(sizes) == pytest.approx((1.3, 1.3 * math.sqrt(2 / 500)), rel=1e-10)
    assert zipf(np.concatenate([sizes, 1e-9 * sizes]), largest=500)[0] == pytest.approx(1.3, rel=1e-10)
    assert math.isnan(zipf([2.0, 2.0])[0])


def test_the_error_of_the_exponent_covers_as_often_as_it_says():
    rng = np.random.default_rng(6)
    trials, hits = 1000, 0
    for _ in range(trials):
        exponent, error = zipf(rng.pareto(1.1, 400) + 1)
        hits += abs(exponent - 1.1) < 1.96 * error
    assert abs(hits / trials - 0.95) < 0.01 + 4 * math.sqrt(0.95 * 0.05 / trials)  # the error is asymptotic


# Clusters and dense cells

LINE = np.arange(6) * 0.5


def test_clusters_are_joined_by_cores_and_reach_their_edge():
    close = neighbours(LINE, np.zeros(6), 0.6)
    # 12 + 12 and 12 + 12 + 3 make cores, 3 is reached, 1 is not, 25 stands alone
    labels = clusters(np.array([12.0, 12.0, 3.0, 1.0, 0.0, 25.0]), close)
    assert labels.tolist() == [0, 0, 0, -1, -1, 1]


def test_a_cell_without_firms_neither_joins_nor_belongs():
    close = neighbours(LINE, np.zeros(6), 0.6)
    assert clusters(np.array([20.0, 0.0, 20.0, 0.0, 0.0, 0.0]), close).tolist() == [0, -1, 1, -1, -1, -1]
    assert clusters(np.zeros(6), close).tolist() == [-1] * 6


def test_nineteen_firms_are_no_cluster_and_twenty_are():
    close = neighbours(LINE, np.zeros(6), 0.6)
    assert clusters(np.array([10.0, 9.0, 0, 0, 0, 0]), close).max() == -1
    assert clusters(np.array([10.0, 10.0, 0, 0, 0, 0]), close).max() == 0


def test_the_densest_area_takes_a_part_of_the_last_cell():
    firms = np.array([1.0, 5.0, 3.0, 1.0])
    assert densest_share(firms, cell_km2=2.0, area_km2=3.0) == pytest.approx((5 + 3 / 2) / 10)
    assert densest_share(firms, cell_km2=0.25, area_km2=3.0) == 1.0
    assert math.isnan(densest_share(np.zeros(4), 0.25))


def test_ties_at_the_edge_of_the_densest_cells_are_all_in():
    firms = np.array([0, 7, 3, 3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    chosen = densest_cells(firms)  # a tenth of 20 cells is two
    assert np.flatnonzero(chosen).tolist() == [1, 2, 3, 4]
    assert not densest_cells(np.zeros(20)).any()
    assert jaccard(chosen, np.arange(20) < 3) == pytest.approx(2 / 5)


# The map


def test_squares_of_half_a_kilometre_are_the_cells_and_zones_the_zones(haidian):
    cuts = units(haidian)
    assert len(set(cuts["500m"])) == haidian.n_cells
    np.testing.assert_array_equal(cuts["zones"], haidian.zone)
    for name, edge in measures.SQUARES_KM.items():
        corner = np.stack([haidian.x // edge, haidian.y // edge])
        same_square = np.all(corner[:, :, None] == corner[:, None, :], axis=0)
        np.testing.assert_array_equal(cuts[name][:, None] == cuts[name][None, :], same_square)


def test_squares_smaller_than_a_cell_are_not_measured(stock):
    coarse = Grid.of("haidian", 1.0)
    space = coarse.spread_stock(coarse.zone_values("stock_m2"))
    found = headline(coarse, space, *firms_on(space, 300, 1))
    assert found["eg_500m"] is None
    assert None not in (found["eg_1km"], found["eg_2km"], found["eg_zones"])


def test_the_headline_index_of_nearness_is_that_of_the_firms_one_by_one(haidian, stock):
    cell, heads = firms_on(stock, 400, 2)
    heads = np.floor(heads * 2**20) / 2**20
    expected = marcon_puech(cell, heads, stock, measures.near(haidian, 0.5))
    assert headline(haidian, stock, cell, heads)["marcon_puech_500m"] == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_firms_changes_no_bit_of_a_headline_measure(chance):
    grid = Grid.of("haidian")
    space = grid.spread_stock(grid.zone_values("stock_m2"))
    cell, heads = firms_on(space, 300, 3)
    order = list(range(300))
    chance.shuffle(order)
    before = np.bincount(cell[:100], minlength=grid.n_cells)
    assert headline(grid, space, cell[order], heads[order], before) == headline(
        grid, space, cell, heads, before
    )


def test_headline_measures_do_not_know_units_of_floor_space_or_heads(haidian, stock):
    cell, heads = firms_on(stock, 300, 4)
    one, other = headline(haidian, stock, cell, heads), headline(haidian, stock / 1e4, cell, 64 * heads)
    assert other == pytest.approx(one, abs=1e-6)  # heads are rounded to 2^-20


@pytest.mark.parametrize("firms", [0, 1])
def test_measures_without_a_value_are_none_and_not_zero(haidian, stock, firms):
    found = headline(haidian, stock, *firms_on(stock, firms, 5))
    assert found.keys() == MEASURES.keys()
    assert {name for name, value in found.items() if value is not None} == (
        {
            "densest_3km2_share",
            "clusters",
            "clusters_km2",
            "south_share",
            "north_share",
            "hhi_zones",
            "hhi_even",
        }
        if firms
        else set()
    )


def test_a_world_of_one_zone_has_no_index_over_zones():
    grid = worlds.grid_of([(0.25, 0.25, 0, 0.5), (0.75, 0.25, 0, 0.5)], [worlds.zone("all", 1e5)])
    found = headline(grid, np.array([5e4, 5e4]), np.array([0, 0, 1]), np.ones(3))
    assert found["eg_zones"] is None
    assert found["eg_500m"] is not None
    assert found["north_share"] is None  # no zone of this world lies in the north
    assert found["south_share"] == 1.0


def test_headline_measures_cost_less_than_three_milliseconds(haidian, stock):
    cell, heads = firms_on(stock, 2500, 6)
    before = np.bincount(cell, minlength=haidian.n_cells)
    seconds = []
    for _ in range(50):
        begin = time.perf_counter()
        headline(haidian, stock, cell, heads, before)
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 3e-3


# The null


def test_firms_are_thrown_in_proportion_to_floor_space():
    space = np.array([1.0, 0.0, 3.0, 6.0, 0.0])
    counts = sum(np.bincount(cells, minlength=5) for cells in thrown(space, 2000, 7, 10))
    assert counts[1] == counts[4] == 0
    assert stats.chisquare(counts[[0, 2, 3]], 20_000 * space[[0, 2, 3]] / 10).pvalue > 1e-4


def test_a_throw_depends_on_seed_draw_and_firm_alone(stock):
    few, many = list(thrown(stock, 50, 8, 3)), list(thrown(stock, 80, 8, 5))
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one, other[:50])
    assert not np.array_equal(few[0], few[1])
    assert not np.array_equal(few[0], next(thrown(stock, 50, 9, 1)))


def test_means_of_the_null_are_those_of_theory(haidian, stock):
    _, heads = firms_on(stock, 500, 9)
    drawn = [headline(haidian, stock, cells, heads) for cells in thrown(stock, 500, 10, 400)]
    share = haidian.zone_sums(stock) / stock.sum()
    spread = 1 - np.sum(share**2)
    # the variance of a share x is H x (1 - x), so that the mean of the sum of squares is known
    expected = {f"eg_{name}": 0.0 for name in units(haidian)}
    expected |= {"marcon_puech_500m": 1.0, "hhi_zones": np.sum(share**2) + herfindahl(heads) * spread}
    belts = np.array([zone.belt for zone in haidian.tables.zones])
    expected |= {"south_share": share[belts == "south"].sum(), "north_share": share[belts == "north"].sum()}
    for name, value in expected.items():
        values = np.array([d[name] for d in drawn])
        # 4.9 standard errors: a chance of 1e-6 for each of eight, with room for skew
        assert abs(values.mean() - value) < 4.9 * values.std(ddof=1) / 20, name


def test_firms_that_seek_each_other_stand_above_the_envelope(haidian, stock):
    # every other firm joins the one before it
    cell, _ = firms_on(stock, 600, 11)
    cell[1::2] = cell[::2]
    found = against_null(haidian, stock, cell, np.ones(600), draws=199)
    for name in ("eg_500m", "eg_1km", "marcon_puech_500m"):
        assert found[name].observed > found[name].high, name
        assert found[name].z > 4, name
    assert (
        found["densest_jaccard"].observed != found["densest_jaccard"].observed
    )  # nothing is known of the start


def test_persistence_is_held_against_two_throws_of_their_own_sizes(haidian, stock):
    cell, heads = firms_on(stock, 600, 12)
    before = np.bincount(next(thrown(stock, 200, 13, 1)), minlength=haidian.n_cells)
    found = against_null(haidian, stock, cell, heads, before, draws=99)["densest_jaccard"]
    assert abs(found.z) < 4.5
    same = against_null(haidian, stock, cell, heads, np.bincount(cell, minlength=haidian.n_cells), draws=99)
    assert same["densest_jaccard"].observed == 1.0
    assert same["densest_jaccard"].z > 5


def test_further_measures_have_the_null_values_that_theory_gives(haidian, stock):
    found = against_null(haidian, stock, *firms_on(stock, 2000, 14), draws=199, measures=further)
    for name, value in {"maurel_sedillot_zones": 0.0, "moran_cells": -1 / (haidian.n_cells - 1)}.items():
        assert abs(found[name].mean - value) < 4.9 * found[name].sd / math.sqrt(199), name
    parts = found["theil_between_zones"].observed + found["theil_within_zones"].observed
    cell, heads = firms_on(stock, 2000, 14)
    held = np.bincount(cell, weights=heads, minlength=haidian.n_cells)
    assert parts == pytest.approx(theil(held, stock), rel=1e-12)


def test_the_same_index_is_given_for_every_cut_finest_first(haidian, stock):
    found = against_null(haidian, stock, *firms_on(stock, 300, 15), draws=39)
    rows = maup(found, haidian)
    assert [name for name, _, _ in rows] == ["500m", "1km", "2km", "zones"]
    assert [number for _, number, _ in rows] == [len(set(units(haidian)[name])) for name, _, _ in rows]
    assert rows[1][2] is found["eg_1km"]


def test_an_envelope_is_left_by_draws_of_its_own_as_often_as_it_says():
    rng = np.random.default_rng(16)
    trials = 4000
    values = rng.exponential(size=(trials, 200))
    envelopes = [Envelope.of(row[0], row[1:]) for row in values]
    left = sum(not e.low <= e.observed <= e.high for e in envelopes)
    # a rank among 200 is uniform: exactly ten of them lie outside
    assert abs(left / trials - 0.05) < 4 * math.sqrt(0.05 * 0.95 / trials)


def test_a_whole_curve_leaves_its_band_as_often_as_it_says():
    rng = np.random.default_rng(17)
    trials, left = 1500, 0
    for _ in range(trials):
        curves = np.cumsum(rng.normal(size=(200, 12)), axis=1)
        band = Band.of(curves[1:])
        left += bool(np.any((curves[0] < band.low) | (curves[0] > band.high)))
    # mean and spread are those of 199 other curves, which adds a little
    assert abs(left / trials - 0.05) < 0.005 + 4 * math.sqrt(0.05 * 0.95 / trials)


def test_too_few_draws_for_an_envelope_are_an_error():
    with pytest.raises(ValueError, match="20 draws are too few"):
        Envelope.of(0.0, np.zeros(20))


def test_an_envelope_of_equal_draws_has_no_z():
    assert math.isnan(Envelope.of(1.0, np.ones(39)).z)


# Runs


@pytest.fixture(scope="module")
def lived():
    """Return a model that lived two months, the firms by cell before, and its run."""
    model = ClusterModel.from_scenario("baseline", seed=2)
    ledger = model.world.startups
    here = np.isin(ledger["status"], (ACTIVE, LISTED))
    before = np.bincount(ledger["cell"][here], minlength=model.world.grid.n_cells)
    return model, before, model.run(2)


def test_outcomes_hold_the_measures_of_the_last_month_with_units(lived):
    model, before, run = lived
    ledger = model.world.startups
    here = np.isin(ledger["status"], (ACTIVE, LISTED))
    expected = headline(
        model.world.grid, model.world.stock, ledger["cell"][here], ledger["heads"][here], before
    )
    row = run.outcomes.to_pylist()[0]
    assert {name: row[name] for name in MEASURES} == expected
    assert None not in expected.values()
    for name, (unit, _) in MEASURES.items():
        assert run.outcomes.schema.field(name).metadata[b"unit"].decode() == unit


def test_shares_of_belts_are_those_of_the_series(lived):
    model, _, run = lived
    data = run.arrays["series"][-1].sum(axis=1)
    firms = data[:, 0] + data[:, 1]  # active startups and listed firms by zone
    belts = np.array([zone.belt for zone in model.world.grid.tables.zones])
    for belt in ("south", "north"):
        expected = firms[belts == belt].sum() / firms.sum()
        assert run.measures()[f"{belt}_share"][1] == pytest.approx(expected, rel=1e-12)


def test_startups_of_the_baseline_are_clustered_beyond_their_offices(lived):
    _, _, run = lived
    found = run.clustering_null(draws=99)
    for name in ("eg_zones", "eg_1km", "marcon_puech_500m", "densest_3km2_share"):
        assert found[name].observed > found[name].high, name


def test_a_printed_run_shows_every_cut_beside_its_null(lived):
    _, _, run = lived
    lines = clustering_table(run)
    cuts = [line for line in lines if line.startswith("Ellison-Glaeser")]
    assert [line.split("  ")[0] for line in cuts] == [
        f"Ellison-Glaeser, {cut} ({len(set(units(run.grid)[name]))})"
        for name, cut in {
            "500m": "squares of 0.5 km", "1km": "squares of 1 km", "2km": "squares of 2 km", "zones": "zones",
        }.items()
    ]  # fmt: skip
    assert all(" to " in line for line in cuts)
    assert any(line.startswith("Marcon-Puech M") for line in lines)


def test_a_run_without_firms_prints_no_measures(lived):
    _, _, run = lived
    empty = dataclasses.replace(run, ledgers=dict.fromkeys(run.ledgers, Ledger()))
    assert clustering_table(empty) == []
    assert {name: empty.measures()[name][1] for name in MEASURES} == dict.fromkeys(MEASURES)


# The case of `sim verify`


@pytest.mark.parametrize(
    "given_knobs",
    [
        {},
        {"s": "3,1,0,7,5", "x": "1,1,1,2,0.5", "h": "0,0.5,0.99", "firms": "31", "tail": "1.3"},
        {"s": "1,0", "x": "1e-6,1", "firms": "2", "draws": "500", "reach_km": "0"},
        {"s": "1e9,1e-9", "x": "1,1", "reach_km": "10", "tail": "100"},
    ],
)
def test_the_case_holds_at_its_defaults_and_elsewhere(given_knobs):
    (case,) = CASES
    rows = case.check(case.values(given_knobs), 5)
    assert [row.quantity for row in rows if not row.passed] == []
    assert len(rows) >= 20


@pytest.mark.parametrize("name", ["ellison_glaeser", "maurel_sedillot", "locational_gini", "theil", "moran",
                                  "marcon_puech", "herfindahl", "ripley_k", "duranton_overman"])  # fmt: skip
def test_the_case_catches_an_index_that_is_a_twentieth_off(name, monkeypatch):
    (case,) = CASES
    true = getattr(indices, name)
    monkeypatch.setattr(indices, name, lambda *a, **k: 1.05 * true(*a, **k) + 0.02)
    assert not all(row.passed for row in case.check(case.values({}), 5))


WRONG_DISTANCES = {
    "K_d of half of the distances": (
        "duranton_overman",
        lambda true: lambda at, lengths, pairs, wide: true(at, lengths[::2], pairs[::2], wide),
    ),
    "a bandwidth three times as wide": ("bandwidth", lambda true: lambda *a: 3 * true(*a)),
    "Moran's I of unlike weights": (
        "moran",
        lambda true: lambda z, w: true(z, w @ w - np.diag((w @ w).diagonal())),
    ),
}


@pytest.mark.parametrize("wrong", WRONG_DISTANCES)
def test_the_case_catches_an_index_that_has_the_right_sum_or_mean_and_is_wrong(wrong, monkeypatch):
    (case,) = CASES
    name, error = WRONG_DISTANCES[wrong]
    monkeypatch.setattr(indices, name, error(getattr(indices, name)))
    assert not all(row.passed for row in case.check(case.values({}), 5))


def test_few_throws_of_two_firms_raise_no_false_alarms():
    (case,) = CASES
    values = case.values({"firms": "2", "draws": "500"})
    for seed in range(20):
        assert [row.quantity for row in case.check(values, seed) if not row.passed] == []


def test_the_standard_deviation_of_sums_over_pairs_is_that_of_all_ways_to_fall():
    rng = np.random.default_rng(8)
    x, kernel, single = rng.dirichlet([1.0] * 3), rng.normal(size=(3, 3)), rng.normal(size=3)
    a, b = rng.random((2, 4))
    totals, chances = [], []
    for c in itertools.product(range(3), repeat=4):
        pairs = ((f, g) for f in range(4) for g in range(4) if f != g)
        total = sum(a[f] * b[g] * kernel[c[f], c[g]] for f, g in pairs) + sum(b * single[list(c)])
        totals.append(total)
        chances.append(np.prod(x[list(c)]))
    mean = np.dot(chances, totals)
    exact = np.sqrt(np.dot(chances, (np.array(totals) - mean) ** 2))
    assert pairs_sd(kernel, x, a, b, single) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize(
    ("given_knobs", "rule"),
    [
        ({"s": "1,2"}, "one number for each unit"),
        ({"s": "0,0", "x": "1,1"}, "must hold something"),
        ({"s": "1,1", "x": "0,1"}, "nothing where x is 0"),
        ({"s": "0,1", "x": "0,1"}, "two units"),
        ({"h": "0.2,1"}, "below 1"),
    ],
)
def test_the_case_says_why_it_cannot_be_asked(given_knobs, rule):
    (case,) = CASES
    with pytest.raises(KnobError, match=rule):
        case.values(given_knobs)
