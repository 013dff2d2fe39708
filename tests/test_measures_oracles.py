"""Measures of clustering against well-kept libraries (dependency group "oracles")."""

import numpy as np
import pytest
from scipy import stats

from sim.indices import (
    bandwidth,
    clusters,
    duranton_overman,
    ellison_glaeser,
    herfindahl,
    locational_gini,
    maurel_sedillot,
    moran,
    neighbours,
    pair_lengths,
    ripley_k,
    theil,
    theil_parts,
)
from sim.space import Grid

pytestmark = [
    pytest.mark.oracle,
    # of the libraries, on import or in use; our own warnings remain errors
    pytest.mark.filterwarnings("default"),
]

SEEDS = range(20)


@pytest.mark.parametrize("seed", SEEDS)
def test_indices_over_units_are_those_of_inequality(seed):
    from inequality import _indices as oracle

    rng = np.random.default_rng(seed)
    table = rng.integers(0, 60, (12, 4)) + np.eye(12, 4, dtype=int)
    concentration = 1.0 / table.sum(axis=0)
    eg, ms = (f(table, concentration) for f in (oracle.ellison_glaeser_egg, oracle.maurel_sedillot_msg))
    whole = table.sum(axis=1)
    assert herfindahl(table.sum(axis=0)) == pytest.approx(oracle.herfindahl_hd(table), rel=1e-12)
    for k in range(4):
        assert ellison_glaeser(table[:, k], whole, concentration[k]) == pytest.approx(eg[k], rel=1e-9)
        assert maurel_sedillot(table[:, k], whole, concentration[k]) == pytest.approx(ms[k], rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_gini_and_theil_of_equal_units_are_those_of_inequality(seed):
    from inequality.gini import Gini
    from inequality.theil import Theil, TheilD

    rng = np.random.default_rng(seed)
    amounts, even = rng.pareto(1.5, 40) + 0.01, np.ones(40)
    group = np.repeat(np.arange(5), 8)
    assert locational_gini(amounts, even) == pytest.approx(Gini(amounts).g, rel=1e-10)
    assert theil(amounts, even) == pytest.approx(Theil(amounts).T, rel=1e-10)
    parts = TheilD(amounts, group)
    expected = tuple(float(np.ravel(part)[0]) for part in (parts.bg, parts.wg))
    assert theil_parts(amounts, even, group) == pytest.approx(expected, rel=1e-10)


def test_the_neighbours_of_cells_are_those_of_libpysal():
    from libpysal.weights import DistanceBand, lat2W

    grid = Grid.of("haidian")
    places = np.column_stack([grid.x, grid.y])
    for reach in (0.5, 0.6, 1.0, 1.7):
        band = DistanceBand(places, reach * (1 + 1e-9), binary=True, silence_warnings=True)
        np.testing.assert_array_equal(neighbours(grid.x, grid.y, reach).todense(), band.full()[0])
    row, column = (a.ravel() for a in np.indices((5, 7)))
    for rook, reach in ((True, 1.0), (False, 1.5)):
        np.testing.assert_array_equal(
            neighbours(column, row, reach).todense(), lat2W(5, 7, rook=rook).full()[0]
        )


@pytest.mark.parametrize("transformation", ["B", "R"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_index_of_moran_is_that_of_esda(seed, transformation):
    from esda import Moran
    from libpysal.weights import lat2W

    weights = lat2W(6, 9)
    values = np.random.default_rng(seed).exponential(size=54)
    oracle = Moran(values, weights, transformation=transformation, permutations=0)
    assert moran(values, weights.full()[0]) == pytest.approx(oracle.I, rel=1e-10)
    assert pytest.approx(-1 / 53) == oracle.EI


@pytest.mark.parametrize("seed", SEEDS)
def test_the_function_of_ripley_is_that_of_pointpats(seed):
    import pointpats

    points = np.random.default_rng(seed).integers(0, 25, (200, 2))
    radii = np.array([0.3, 1.1, 2.7, 6.3, 40.0])  # none is a distance on the lattice
    _, oracle = pointpats.k(0.5 * points, support=radii)
    area = float(np.prod(np.ptp(0.5 * points, axis=0)))  # it takes the bounding box
    cells, counts = np.unique(points, axis=0, return_counts=True)
    lengths, pairs = pair_lengths(cells[:, 0], cells[:, 1], counts, cell_km=0.5)
    np.testing.assert_allclose(ripley_k(radii, lengths, pairs, 200, area), oracle, rtol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_clusters_are_those_of_scikit_learn(seed):
    from sklearn.cluster import DBSCAN

    grid = Grid.of("haidian")
    rng = np.random.default_rng(seed)
    firms = rng.poisson(rng.gamma(0.4, 8.0, grid.n_cells))
    eps, least = (0.6, 20) if seed % 2 else (1.1, 60)
    some = np.flatnonzero(firms)
    places = np.column_stack([grid.x, grid.y])[some]
    oracle = DBSCAN(eps=eps, min_samples=least).fit(places, sample_weight=firms[some])
    own = clusters(firms.astype(float), neighbours(grid.x, grid.y, eps), least)
    assert not (own[firms == 0] >= 0).any()
    own = own[some]
    np.testing.assert_array_equal(own >= 0, oracle.labels_ >= 0)
    core = oracle.core_sample_indices_
    assert own.max() == oracle.labels_.max() > 0
    # cores: the same partition; a cell between two clusters may go to either
    assert len(set(zip(own[core], oracle.labels_[core], strict=True))) == own.max() + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_density_of_distances_is_that_of_scipy_reflected(seed):
    points = np.random.default_rng(seed).integers(0, 30, (120, 2))
    cells, counts = np.unique(points, axis=0, return_counts=True)
    lengths, pairs = pair_lengths(cells[:, 0], cells[:, 1], counts, cell_km=0.5)
    wide = bandwidth(lengths, pairs, cell_km=0.5)
    both = stats.gaussian_kde(
        np.concatenate([lengths, -lengths]), bw_method=1.0, weights=np.concatenate([pairs, pairs])
    )
    both.set_bandwidth(wide / np.sqrt(both.covariance[0, 0]))
    at = np.linspace(0.0, 15.0, 40)
    np.testing.assert_allclose(duranton_overman(at, lengths, pairs, wide), 2 * both(at), rtol=1e-9)
