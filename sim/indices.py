"""Indices of concentration and of nearness, as pure functions of arrays.

Employment, or any amount, over units that have a reference such as floor space; who is near whom; and all distances
between firms. Firms stand in cells: distances are those between cell centres, and 0 inside a cell. What each index
means and what it does not stands in docs/measures.md, sources under "Measures of clustering" in docs/sources.md.
``sim/measures.py`` applies them to a map and holds them against their null.
"""

import math
from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

CLUSTER_FIRMS = 20.0  #: firms that make the core of a cluster
DENSEST_KM2 = 3.0
TOP_SHARE = 0.1  #: share of the cells that counts as the densest
A_LITTLE = 1e-9  #: of a length: lattice distances are compared with round numbers


# Concentration over units: zones, or squares of a map


def shares(amounts: Any) -> np.ndarray:
    """Return amounts as shares of their sum; nan if that is 0."""
    amounts = np.asarray(amounts, dtype=float)
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(amounts.shape, np.nan)


def herfindahl(amounts: Any) -> float:
    """Return the sum of squared shares; the order of the amounts changes no bit."""
    return float(np.sum(np.sort(shares(amounts)) ** 2))


def ellison_glaeser(amounts: Any, reference: Any, concentration: float) -> float:
    """Return the index gamma of Ellison and Glaeser (1997).

    gamma = (sum (s - x)^2 - (1 - sum x^2) H) / ((1 - sum x^2)(1 - H)); its mean is 0 when each firm, whatever its
    size, goes to a unit with probability x.

    Parameters
    ----------
    amounts
        Employment by unit, in any unit, (n_units,); s are its shares.
    reference
        What it is held against by unit, such as floor space, (n_units,); x are its shares.
    concentration
        Herfindahl index H of firm sizes.

    Returns
    -------
    float
        gamma; nan with one unit or one firm, for which it has no value.
    """
    s, x = shares(amounts), shares(reference)
    room = 1.0 - np.sum(x * x)
    return ratio(np.sum((s - x) ** 2) - room * concentration, room * (1.0 - concentration))


def maurel_sedillot(amounts: Any, reference: Any, concentration: float) -> float:
    """Return the index of Maurel and Sedillot (1999), ((sum s^2 - sum x^2)/(1 - sum x^2) - H)/(1 - H).

    Parameters and null mean (0) are those of `ellison_glaeser`; it counts a firm only where employment is, not
    where it is missing.
    """
    s, x = shares(amounts), shares(reference)
    room = 1.0 - np.sum(x * x)
    return ratio(np.sum(s * s) - np.sum(x * x) - room * concentration, room * (1.0 - concentration))


def locational_gini(amounts: Any, reference: Any) -> float:
    """Return the Gini index of s/x weighted by x: 0 where each unit has its share, towards 1 if one has all.

    It is one minus twice the area below the curve of the running s over the running x, units ordered by s/x.
    Units without reference hold nothing. nan where nobody holds anything or there is no reference.
    """
    s, x = _held(amounts, reference)
    order = np.argsort(s / x, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(s[order])])
    return float(1.0 - np.sum((below[1:] + below[:-1]) * x[order]))


def theil(amounts: Any, reference: Any) -> float:
    """Return the index of Theil, sum s ln(s/x): 0 where each unit has its share [nats]; nan for no amounts or no reference."""
    s, x = _held(amounts, reference)
    some = s != 0  # shares that are nan stay in: they make the sum nan
    return float(np.sum(s[some] * np.log(s[some] / x[some])))


def theil_parts(amounts: Any, reference: Any, group: np.ndarray) -> tuple[float, float]:
    """Return the parts of the index of Theil between and within groups of units, which add up to it.

    Parameters
    ----------
    amounts, reference
        By unit, (n_units,).
    group
        Number of each unit's group, (n_units,).
    """
    between = theil(np.bincount(group, weights=amounts), np.bincount(group, weights=reference))
    return between, theil(amounts, reference) - between


def zipf(sizes: Any, largest: int | None = None) -> tuple[float, float]:
    """Return the exponent of a power law of sizes, and its standard error.

    The slope of ln(rank - 1/2) on ln(size) with the error b sqrt(2/k), Gabaix and Ibragimov (2011).

    Parameters
    ----------
    sizes
        Sizes above 0, in any unit.
    largest
        How many of the largest to use; absent: all.
    """
    chosen = np.sort(np.asarray(sizes, dtype=float))[::-1][:largest]
    if len(chosen) < 2 or chosen[0] == chosen[-1]:
        return math.nan, math.nan
    x, y = np.log(chosen), np.log(np.arange(len(chosen)) + 0.5)
    slope = -np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2)
    return float(slope), float(slope * math.sqrt(2.0 / len(chosen)))


def ratio(above: float, below: float) -> float:
    """Return a quotient; nan if it has none."""
    return float(above / below) if below != 0 else math.nan


def _held(amounts: Any, reference: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of the units that have a share of the reference."""
    s, x = shares(amounts), shares(reference)
    if np.any(s[x == 0] > 0):
        raise ValueError("a unit holds something but has no share of the reference")
    return s[x != 0], x[x != 0]  # nan, of a sum of 0, stays in


# Nearness


def neighbours(x: np.ndarray, y: np.ndarray, reach_km: float) -> csr_array:
    """Return who is within reach of whom, itself apart: 1 or nothing, (n, n)."""
    tree = cKDTree(np.column_stack([x, y]))
    pairs = tree.query_pairs(reach_km * (1.0 + A_LITTLE), output_type="ndarray")
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(x), len(x)))


def moran(values: np.ndarray, weights: Any) -> float:
    """Return the index of Moran (1950), (n/S) z'Wz / z'z with z the distance from the mean and S = sum W.

    Parameters
    ----------
    values
        (n,)
    weights
        Matrix W without diagonal, (n, n); dense or sparse.

    Returns
    -------
    float
        Its mean over all orders of the values is -1/(n - 1). nan for equal values or no neighbours.
    """
    if len(values) == 0 or np.ptp(values) == 0:
        return math.nan  # their rounded mean may be none of them, and z all rounding
    z = values - np.mean(values)
    return ratio(len(z) * float(z @ (weights @ z)), float(weights.sum()) * float(z @ z))


def marcon_puech(
    cell: np.ndarray, sizes: np.ndarray, reference: np.ndarray, close: Any, among: bool = False
) -> float:
    """Return the index M of Marcon and Puech (2010): what is near firms, relative to what is everywhere.

    The mean over firms of (size of the other firms near) / (reference near), over the mean of the same for the
    whole map. Firms without any reference near are left out.

    Parameters
    ----------
    cell, sizes
        Cell and size of each firm, (n_firms,).
    reference
        What firms are held against, by cell, (n_cells,): floor space, or the size of all firms.
    close
        Neighbours of each cell within the distance, (n_cells, n_cells); a cell is near itself.
    among
        Whether the firms are part of the reference, which a firm's own size then leaves.

    Returns
    -------
    float
        1 on average for firms thrown on the reference or, if they are part of it, for labels drawn at random;
        nan with less than two firms.
    """
    sizes = np.asarray(sizes, dtype=float)
    by_cell = np.bincount(cell, weights=sizes, minlength=len(reference))
    own = sizes if among else 0.0
    others = (close @ by_cell + by_cell)[cell] - sizes
    around = (close @ reference + reference)[cell] - own
    some = around > 0
    if len(sizes) < 2 or not some.any():
        return math.nan
    everywhere = ((sizes.sum() - sizes) / (np.sum(reference) - own))[some]
    return ratio(float(np.mean(others[some] / around[some])), float(np.mean(everywhere)))


def clusters(firms: np.ndarray, close: csr_array, least: float = CLUSTER_FIRMS) -> np.ndarray:
    """Return the cluster of each cell, -1 for none: DBSCAN of Ester and others (1996) with cells weighted by firms.

    Cells with at least `least` firms within reach are cores; cores within reach of each other are one cluster, and
    so is what they reach. Cells without firms belong to none.

    Parameters
    ----------
    firms
        Number of firms by cell, (n_cells,).
    close
        Neighbours of each cell within reach, (n_cells, n_cells).
    least
        Firms that make a core.
    """
    n = len(firms)
    labels = np.full(n, -1)
    core = (close @ firms + firms >= least) & (firms > 0)
    rows, columns = np.repeat(np.arange(n), np.diff(close.indptr)), close.indices
    joined = core[rows] & core[columns]
    graph = coo_array((np.ones(joined.sum()), (rows[joined], columns[joined])), shape=(n, n))
    labels[core] = np.unique(connected_components(graph, directed=False)[1][core], return_inverse=True)[1]
    reached = ~core[rows] & core[columns] & (firms[rows] > 0)
    found = np.full(n, n)
    np.minimum.at(found, rows[reached], labels[columns[reached]])  # between two clusters: the first
    return np.where(found < n, found, labels)


def densest_share(firms: np.ndarray, cell_km2: float, area_km2: float = DENSEST_KM2) -> float:
    """Return the share of the firms in the densest cells of that area; of the last cell a part counts."""
    running = np.concatenate([[0.0], np.cumsum(np.sort(firms)[::-1])])
    return ratio(float(np.interp(area_km2 / cell_km2, np.arange(len(running)), running)), float(running[-1]))


def densest_cells(firms: np.ndarray, share: float = TOP_SHARE) -> np.ndarray:
    """Return which cells are among the share with most firms; those equal to the last of them are too."""
    number = math.ceil(share * len(firms) - A_LITTLE)
    return (firms > 0) & (firms >= np.sort(firms)[-number])


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Return how much of two sets is in both: the size of what they share over that of all; nan for none."""
    return ratio(float(np.sum(one & other)), float(np.sum(one | other)))


# All distances between firms


def pair_lengths(
    column: np.ndarray, row: np.ndarray, weights: np.ndarray, own: float | None = None, cell_km: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances that occur between two firms, and how many pairs are that far apart.

    The numbers of firms on the lattice are correlated with themselves by Fourier transforms, padded with zeros, in
    O(cells log cells); what a firm has with itself is taken off.

    Parameters
    ----------
    column, row
        Place of each cell on the lattice, (n_cells,).
    weights
        Firms by cell; or sums of their sizes, for pairs that count as the product of their sizes, (n_cells,).
    own
        Sum of the squared sizes of firms; absent: firms are counted.
    cell_km
        Length of a step on the lattice [km].

    Returns
    -------
    tuple
        Distances [km] in rising order, and pairs, each once.
    """
    column, row = column - column.min(), row - row.min()
    shape = (2 * int(column.max()) + 2, 2 * int(row.max()) + 2)
    lattice = np.zeros(shape)
    np.add.at(lattice, (column, row), weights)
    both = np.fft.irfft2(np.abs(np.fft.rfft2(lattice)) ** 2, s=shape)
    both[0, 0] -= np.sum(weights) if own is None else own
    if own is None:
        both = np.rint(both)
    steps = [np.minimum(np.arange(n), n - np.arange(n)) for n in shape]
    squared = steps[0][:, None] ** 2 + steps[1][None, :] ** 2
    pairs = np.bincount(squared.ravel(), weights=both.ravel()) / 2.0
    there = np.flatnonzero(pairs > 1e-12 * pairs.sum())  # rounding of the transforms
    return cell_km * np.sqrt(there), pairs[there]


def ripley_k(
    radii: np.ndarray, lengths: np.ndarray, pairs: np.ndarray, firms: int, area_km2: float
) -> np.ndarray:
    """Return K of Ripley (1976) at each radius, A/n^2 times twice the pairs within it [km2], without edge correction."""
    running = np.concatenate([[0.0], np.cumsum(pairs)])
    within = running[np.searchsorted(lengths, np.asarray(radii) * (1.0 + A_LITTLE), side="right")]
    return 2.0 * within * area_km2 / firms**2


def duranton_overman(
    distances: np.ndarray, lengths: np.ndarray, pairs: np.ndarray, bandwidth_km: float
) -> np.ndarray:
    """Return K_d of Duranton and Overman (2005): the density of distances between firms [1/km].

    A Gaussian kernel, reflected at 0, so that the density integrates to 1 over positive distances.

    Parameters
    ----------
    distances
        Where the density is wanted [km], (n,).
    lengths, pairs
        From `pair_lengths`.
    bandwidth_km
        Standard deviation of the kernel, see `bandwidth`.
    """
    d = np.asarray(distances, dtype=float)[:, None]
    kernel = np.exp(-0.5 * ((d - lengths) / bandwidth_km) ** 2)
    kernel += np.exp(-0.5 * ((d + lengths) / bandwidth_km) ** 2)
    return kernel @ pairs / (pairs.sum() * bandwidth_km * math.sqrt(2.0 * math.pi))


def bandwidth(lengths: np.ndarray, pairs: np.ndarray, cell_km: float = 0.0) -> float:
    """Return the rule of thumb of Silverman (1986), 0.9 min(sd, IQR/1.34) n^(-1/5), but no less than a cell [km].

    Below a cell the density would show the lattice.
    """
    number, mean = pairs.sum(), np.average(lengths, weights=pairs)
    sd = math.sqrt(np.average((lengths - mean) ** 2, weights=pairs))
    low, high = lengths[np.searchsorted(np.cumsum(pairs), (0.25 * number, 0.75 * number))]
    return max(0.9 * min(sd, (high - low) / 1.34) * float(number) ** -0.2, cell_km)
