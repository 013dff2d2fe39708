"""Measures of clustering, each against its null: firms thrown on floor space like darts.

Offices themselves are clustered, so firms that go anywhere with equal chance prove nothing. The null of every
measure places each firm, with its size, in a cell with a probability proportional to lettable floor space there
(``thrown``); what a measure says is its distance from the values that such throws give (``Envelope``, ``Band``).
Where firms are is known by cell, so that distances are those between cell centres, and 0 inside a cell.

Everything that the headline set is made of is a function of counts and of exact sums by cell, so that the order of
the firms changes no bit. docs/measures.md says what each measure means and what it does not.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from sim.indices import (
    A_LITTLE,
    clusters,
    densest_cells,
    densest_share,
    ellison_glaeser,
    herfindahl,
    jaccard,
    locational_gini,
    maurel_sedillot,
    moran,
    neighbours,
    ratio,
    shares,
    theil_parts,
)
from sim.randomness import STREAMS, combine, uniforms
from sim.space import Grid

#: edges of the squares over which a map is cut, by name [km]
SQUARES_KM = {"500m": 0.5, "1km": 1.0, "2km": 2.0}
ZONES = "zones"
NEAR_KM = 0.5  #: reach of the index of Marcon and Puech
CLUSTER_KM = 0.6  #: reach of the core of a cluster
DRAWS = 199  #: throws of the null: with the value seen a rank among 200

#: headline measures: unit and meaning of each
MEASURES: dict[str, tuple[str, str]] = {
    "eg_zones": ("-", "Ellison-Glaeser gamma of heads over zones, against floor space; 0 for firms thrown on floor space"),
    "eg_500m": ("-", "The same over squares of 0.5 km"),
    "eg_1km": ("-", "The same over squares of 1 km"),
    "eg_2km": ("-", "The same over squares of 2 km"),
    "densest_3km2_share": ("share", "Share of the firms in the densest 3 km2"),
    "marcon_puech_500m": ("-", "Marcon-Puech M: heads within 0.5 km of a firm over what the floor space there would have; "
                          "1 for firms thrown on floor space"),
    "clusters": ("clusters", "Clusters: cells with 20 firms or more within 0.6 km, joined, and what they reach (DBSCAN)"),
    "clusters_km2": ("km2", "Area of the cells of all clusters"),
    "south_share": ("share", "Share of the firms in zones of the south"),
    "north_share": ("share", "Share of the firms in zones of the north"),
    "densest_jaccard": ("share", "Of the cells that are among the tenth with most firms at the start or at the end, the part "
                        "that is so at both"),
    "hhi_zones": ("-", "Herfindahl index of heads over zones"),
    "hhi_even": ("-", "The same for equal zones: one over their number"),
}  # fmt: skip


# The map of a run


@functools.lru_cache(maxsize=32)
def near(grid: Grid, reach_km: float) -> csr_array:
    """Return the neighbours of each cell, kept for the grid."""
    return neighbours(grid.x, grid.y, reach_km)


@functools.lru_cache(maxsize=16)
def units(grid: Grid) -> Mapping[str, np.ndarray]:
    """Return the unit of each cell by how the map is cut: zones, or squares no smaller than a cell, (n_cells,) each."""
    found = {ZONES: np.asarray(grid.zone)}
    for name, edge in SQUARES_KM.items():
        if edge >= grid.cell_km * (1.0 - A_LITTLE):
            column, row = (np.floor(v / edge + A_LITTLE).astype(np.int64) for v in (grid.x, grid.y))
            found[name] = np.unique(column * (1 << 20) + row, return_inverse=True)[1]
    return found


#: ages [years] at which it is told which share of startups has not failed, by the name of the outcome
SURVIVAL = {"survival_1y": 1, "survival_3y": 3, "survival_5y": 5}
SURVIVES = ("Startups that have not failed at this age, by the hazards of the whole run; other ends than failure only end "
            "the watching; listed firms are watched on")  # fmt: skip


def survival(
    born: np.ndarray, ended: np.ndarray, failed: np.ndarray, opens: int, closes: int, age: int
) -> float | None:
    """Return the share of startups that have not failed at an age, by the hazards seen in a window of months.

    A startup counts at each age at which it is seen, whatever its age when the window opens; other ends than failure only
    end the watching; going public is no end. The first age at which a startup can fail is one month.

    Parameters
    ----------
    born, ended
        Month in which each begins, and in which it ends, negative before, (n_startups,) each.
    failed
        Whether its end is a failure, (n_startups,).
    opens, closes
        First and last month of the window, from 0.
    age
        Age [months].

    Returns
    -------
    float
        The product of a month's survival over all ages; None where nobody is seen at one of them.

    References
    ----------
    E. L. Kaplan and P. Meier (1958), Nonparametric estimation from incomplete observations, Journal of the American
    Statistical Association 53, 457-481, doi:10.1080/01621459.1958.10501452.
    """
    gone = ended >= 0
    last = np.where(gone, np.minimum(ended, closes), closes) - born
    first = np.maximum(opens - born, 1)
    seen = (last >= first) & ~((ended < opens) & gone)
    lost = seen & failed & gone & (ended <= closes)
    size = age + 2
    risk = np.bincount(np.minimum(first[seen], size - 1), minlength=size).astype(float)
    risk -= np.bincount(np.minimum(last[seen] + 1, size - 1), minlength=size)
    risk = np.cumsum(risk)[1 : age + 1]
    failures = np.bincount(np.minimum(last[lost], size - 1), minlength=size)[1 : age + 1]
    return None if (risk <= 0).any() else float(np.prod(1.0 - failures / risk))


def headline(
    grid: Grid, stock: np.ndarray, cell: np.ndarray, heads: np.ndarray, before: np.ndarray | None = None
) -> dict[str, float | None]:
    """Return the headline measures, the keys of ``MEASURES``, of firms on a map.

    Parameters
    ----------
    grid, stock
        The map, and the lettable floor space of its cells [m2], (n_cells,).
    cell, heads
        Cell and R&D heads of each firm, (n_firms,).
    before
        Number of firms by cell at the start, (n_cells,); absent: nothing is said of persistence.

    Returns
    -------
    dict
        Values by name; None where a measure has none: without firms, or over squares smaller than a cell.
    """
    found: dict[str, float] = {}
    size = float(np.size(cell))
    heads = np.floor(np.asarray(heads, dtype=float) * 2.0**20 + 0.5) / 2.0**20  # so that sums are exact
    firms = np.bincount(cell, minlength=grid.n_cells).astype(float)
    by_cell = np.bincount(cell, weights=heads, minlength=grid.n_cells)
    concentration = herfindahl(heads)
    for name, unit in units(grid).items():
        there, area = (np.bincount(unit, weights=values) for values in (by_cell, stock))
        found[f"eg_{name}"] = ellison_glaeser(there, area, concentration)
        if name == ZONES:
            found["hhi_zones"], found["hhi_even"] = herfindahl(there), 1.0 / len(there)
    found["densest_3km2_share"] = densest_share(firms, grid.cell_km**2)
    # M by cells: the same as marcon_puech, but its sums do not depend on the order of the firms
    close = near(grid, NEAR_KM)
    around, space = (close @ values + values for values in (by_cell, shares(stock)))
    some = (firms > 0) & (space > 0)
    others = float(np.sum((firms * around - by_cell)[some] / space[some]))
    everywhere = float(by_cell.sum() * firms[some].sum() - by_cell[some].sum())
    found["marcon_puech_500m"] = ratio(others, everywhere)
    label = clusters(firms, near(grid, CLUSTER_KM))
    found["clusters"] = float(label.max() + 1)
    found["clusters_km2"] = float(np.sum(label >= 0)) * grid.cell_km**2
    belts = np.array([zone.belt for zone in grid.tables.zones])[grid.zone]
    for belt in ("south", "north"):
        if belt in belts:
            found[f"{belt}_share"] = ratio(float(firms[belts == belt].sum()), size)
    if before is not None:
        found["densest_jaccard"] = jaccard(densest_cells(before), densest_cells(firms))
    known = {name: value for name, value in found.items() if size and not math.isnan(value)}
    return {name: known.get(name) for name in MEASURES}


def further(grid: Grid, stock: np.ndarray, cell: np.ndarray, heads: np.ndarray) -> dict[str, float]:
    """Return further measures by name; parameters are those of `headline`.

    Moran's I is that of (n - N x)/sqrt(N x), the firms of a cell above what its floor space would have, with cells
    that share an edge as neighbours.
    """
    firms = np.bincount(cell, minlength=grid.n_cells).astype(float)
    by_cell = np.bincount(cell, weights=heads, minlength=grid.n_cells)
    held, space = (np.bincount(grid.zone, weights=values) for values in (by_cell, stock))
    between, within = theil_parts(by_cell, stock, grid.zone)
    expected = len(cell) * shares(stock)
    some = expected > 0
    above = (firms - expected)[some] / np.sqrt(expected[some])
    return {
        "maurel_sedillot_zones": maurel_sedillot(held, space, herfindahl(heads)),
        "gini_cells": locational_gini(by_cell, stock),
        "theil_between_zones": between,
        "theil_within_zones": within,
        "moran_cells": moran(above, near(grid, grid.cell_km)[some][:, some]),
    }


# The null


def thrown(stock: np.ndarray, firms: int, seed: int, draws: int = DRAWS) -> Iterator[np.ndarray]:
    """Yield the cells of firms thrown on floor space, (n_firms,), once a draw; addressed by seed, draw and firm.

    Parameters
    ----------
    stock
        Lettable floor space by cell [m2], (n_cells,).
    firms
        Number of firms.
    seed
        Seed of the draws.
    draws
        Number of draws.
    """
    running = np.cumsum(stock)
    last = int(np.flatnonzero(stock)[-1])
    key = np.uint64(combine(np.uint64(seed & 0xFFFFFFFFFFFFFFFF), np.uint64(STREAMS["dartboard"])))
    for draw in range(draws):
        lots = uniforms(np.uint64(combine(key, np.uint64(draw))), firms)
        yield np.minimum(np.searchsorted(running, lots * running[-1], side="right"), last)


@dataclasses.dataclass(frozen=True)
class Envelope:
    """A measure against its null.

    Attributes
    ----------
    observed
        The measure.
    mean, sd
        Mean and standard deviation of the null's draws.
    low, high
        The bounds within which a draw like the others lies with the chance asked for.
    z
        Standard deviations from the mean; nan where all draws are equal.
    """

    observed: float
    mean: float
    sd: float
    low: float
    high: float
    z: float

    @classmethod
    def of(cls, observed: float | None, drawn: Any, level: float = 0.95) -> "Envelope":
        """Return a measure against values drawn from its null.

        Raises
        ------
        ValueError
            If the draws are too few for bounds that a further draw leaves with the chance 1 - level.
        """
        values = np.sort(np.array([math.nan if v is None else v for v in drawn], dtype=float))
        rank = math.floor((1.0 - level) / 2.0 * (len(values) + 1) + A_LITTLE)
        if rank < 1:
            raise ValueError(f"{len(values)} draws are too few for an envelope of {level:g}")
        seen = math.nan if observed is None else float(observed)
        mean, sd = float(values.mean()), float(values.std(ddof=1))
        if values[0] == values[-1]:  # no spread, though the rounded mean may be none of them
            mean, sd = float(values[0]), 0.0
        return cls(seen, mean, sd, float(values[rank - 1]), float(values[-rank]), ratio(seen - mean, sd))


@dataclasses.dataclass(frozen=True)
class Band:
    """A curve against its null: mean, and bounds that a whole curve of the null leaves with the chance 1 - level."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, drawn: np.ndarray, level: float = 0.95) -> "Band":
        """Return the band of curves drawn from the null, (n_draws, n_points).

        As wide everywhere, in standard deviations, as the largest distance of a curve at this rank (the studentised
        maximum absolute deviation of Myllymaki and others (2017)).
        """
        equal = np.ptp(drawn, axis=0) == 0  # no spread, though the rounded mean may be none of them
        mean = np.where(equal, drawn[0], drawn.mean(axis=0))
        sd = np.where(equal, 0.0, drawn.std(axis=0, ddof=1))
        away = np.abs(drawn - mean) / np.where(sd > 0, sd, np.inf)
        farthest = np.sort(away.max(axis=1))
        width = farthest[min(math.ceil(level * (len(drawn) + 1) - A_LITTLE), len(drawn)) - 1] * sd
        return cls(mean, mean - width, mean + width)


def against_null(
    grid: Grid,
    stock: np.ndarray,
    cell: np.ndarray,
    heads: np.ndarray,
    before: np.ndarray | None = None,
    seed: int = 1,
    draws: int = DRAWS,
    measures: Callable[..., Mapping[str, float | None]] | None = None,
) -> dict[str, Envelope]:
    """Return measures with their null: the same firms thrown on the floor space, those of the start apart.

    Parameters
    ----------
    grid, stock, cell, heads, before
        As for `headline`.
    seed, draws
        Seed and number of the throws.
    measures
        A function of grid, stock, cell and heads, such as `further`; absent: `headline`.
    """
    measure = measures or headline
    throws = thrown(stock, len(heads), seed, draws)
    if measures is not None or before is None:
        seen = measure(grid, stock, cell, heads)
        drawn = [measure(grid, stock, cells, heads) for cells in throws]
    else:
        seen = headline(grid, stock, cell, heads, before)
        started = thrown(stock, round(float(np.sum(before))), ~seed, draws)
        counts = (np.bincount(cells, minlength=grid.n_cells) for cells in started)
        drawn = [headline(grid, stock, *pair) for pair in zip(throws, [heads] * draws, counts, strict=True)]
    return {name: Envelope.of(value, [d[name] for d in drawn]) for name, value in seen.items()}


def maup(found: Mapping[str, Envelope], grid: Grid) -> list[tuple[str, int, Envelope]]:
    """Return how the index of Ellison and Glaeser hangs on how the map is cut: cut, number of units, index.

    Finest first; a conclusion that holds for one cut only is one about the cut (the modifiable areal unit problem).
    """
    cuts = units(grid)
    ordered = [name for name in (*SQUARES_KM, ZONES) if name in cuts]
    return [(name, int(cuts[name].max()) + 1, found[f"eg_{name}"]) for name in ordered]
