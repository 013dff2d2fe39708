"""Measures of clustering: published values, other forms of the same formulas, and exact means under the null."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import indices
from sim.language import _
from sim.measures import thrown
from sim.randomness import STREAMS, combine, uniforms
from sim.verify.case import Case, Knob, KnobError, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: employment by area (rows) and industry (columns), and the indices printed for it by the library "inequality" 1.0.1
TABLE = ((10, 13, 13, 49), (19, 29, 31, 46), (33, 16, 34, 34))
PRINTED = {
    "Ellison-Glaeser": (0.054499, 0.016242, 0.010141, 0.028803),
    "Maurel-Sedillot": (0.078583, 0.035977, 0.039374, -0.009049),
}
SIDE, CELL_KM = 8, 0.5  #: cells along the edge of the map of the null, and their size
LEAST_STOCK = 0.5  #: of a cell over the spread of others: M in a cell of next to nothing would be a lottery
#: standard errors that a mean of throws may be off: twice in a million by the normal law, and once in ten thousand where few
#: throws of two firms make coincidences so rare that they follow Poisson's
ERRORS = 5.0
AT_KM = (0.25, 1.0, 2.5)  #: distances at which K_d is asked
ROUNDING = 1e-12  #: of numbers near 1, after sums of some dozens


def check(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the rows of all measures."""
    return [*_published(), *_formulas(values), *_null_means(values, seed), *_distances(values, seed)]


def _published() -> list[Row]:
    rows, everybody = [], [sum(row) for row in TABLE]
    for industry in range(len(TABLE[0])):
        column = [row[industry] for row in TABLE]
        found = {
            "Ellison-Glaeser": indices.ellison_glaeser(column, everybody, 1 / sum(column)),
            "Maurel-Sedillot": indices.maurel_sedillot(column, everybody, 1 / sum(column)),
        }
        rows += [
            Row(f"{name}, published table, industry {industry + 1}", PRINTED[name][industry], value, 5e-7, _("printed to six digits"))
            for name, value in found.items()
        ]  # fmt: skip
    return rows


def _formulas(values: Mapping[str, Any]) -> list[Row]:
    """Return the indices of given shares against exact fractions and sums over pairs."""
    s, x = (_exact_shares(values[name]) for name in ("s", "x"))
    rows, why = [], _("rounding of 64-bit sums")
    room = 1 - sum(b * b for b in x)
    for h in values["h"]:
        raw = sum((a - b) ** 2 for a, b in zip(s, x, strict=True)) / room
        more = (sum(a * a for a in s) - sum(b * b for b in x)) / room
        for name, index, theory in (
            ("Ellison-Glaeser", indices.ellison_glaeser, raw),
            ("Maurel-Sedillot", indices.maurel_sedillot, more),
        ):
            expected = float((theory - Fraction(h)) / (1 - Fraction(h)))
            found = index(values["s"], values["x"], h)
            slack = _slack(expected, float(room) * (1 - h))
            rows.append(Row(f"{name} of s against x at H = {h:g}", expected, found, slack, why))
    pairs = sum(abs(a * d - b * c) for a, b in zip(s, x, strict=True) for c, d in zip(s, x, strict=True))
    gini, theil = (f(values["s"], values["x"]) for f in (indices.locational_gini, indices.theil))
    rows.append(Row("locational Gini of s against x", float(pairs / 2), gini, ROUNDING, why))
    apart = math.fsum(-float(a) * math.log(b / a) for a, b in zip(s, x, strict=True) if a)
    rows.append(Row("Theil of s against x [nats]", apart, theil, _slack(apart), why))
    return rows


def _slack(expected: float, divisor: float = 1.0) -> float:
    return ROUNDING * max(1.0, abs(expected)) / divisor


def _exact_shares(amounts: tuple[float, ...]) -> list[Fraction]:
    exact = [Fraction(amount) for amount in amounts]
    return [amount / sum(exact) for amount in exact]


class _Null:
    """A map with uneven floor space, firms of uneven size, and their measures in draws of the null."""

    def __init__(self, values: Mapping[str, Any], seed: int) -> None:
        key = combine(np.uint64(seed), np.uint64(STREAMS["dartboard"]))
        lots = [uniforms(np.uint64(combine(np.uint64(key), np.uint64(~k & 0xFFFF))), n)
                for k, n in enumerate((SIDE**2, values["firms"]))]  # fmt: skip
        self.stock = LEAST_STOCK - np.log(lots[0])
        self.sizes = lots[1] ** (-1 / values["tail"])
        self.column, self.row = (a.ravel() for a in np.indices((SIDE, SIDE)))
        x, y = CELL_KM * self.column, CELL_KM * self.row
        self.apart = np.hypot(x[:, None] - x, y[:, None] - y)
        self.reach = values["reach_km"]
        self.close = indices.neighbours(x, y, self.reach)
        self.edges = indices.neighbours(x, y, CELL_KM)
        self.draws = list(thrown(self.stock, values["firms"], seed, values["draws"]))
        self.concentration = indices.herfindahl(self.sizes)

    def means(self) -> dict[str, tuple[float, float, list[float]]]:
        """Return the mean and the standard deviation that theory gives for each measure, and its values in the draws."""
        x, h = self.stock / self.stock.sum(), self.concentration
        held = [np.bincount(cells, weights=self.sizes, minlength=SIDE**2) for cells in self.draws]
        squares = float(np.sum(x * x))
        w, one, same = self.sizes / self.sizes.sum(), np.ones(len(self.sizes)), np.eye(SIDE**2)
        near = (self.apart <= self.reach * (1 + 1e-9)).astype(float)
        around = near / (near @ self.stock)[:, None]
        everywhere = float(np.sum(1 - w)) / self.stock.sum()
        herfindahl = pairs_sd(same, x, w, w)
        return {
            "E[Ellison-Glaeser]": (0.0, pairs_sd(same, x, w, w, -2 * x) / ((1 - squares) * (1 - h)),
                                   [indices.ellison_glaeser(e, self.stock, h) for e in held]),
            "E[Maurel-Sedillot]": (0.0, herfindahl / ((1 - squares) * (1 - h)),
                                   [indices.maurel_sedillot(e, self.stock, h) for e in held]),
            "E[Herfindahl over cells]": (squares + h * (1 - squares), herfindahl, [indices.herfindahl(e) for e in held]),
            "E[Marcon-Puech M]": (1.0, pairs_sd(around, x, one, w) / everywhere,
                                  [indices.marcon_puech(cells, self.sizes, self.stock, self.close) for cells in self.draws]),
        }  # fmt: skip


def pairs_sd(kernel: np.ndarray, x: np.ndarray, a: np.ndarray, b: np.ndarray, single: Any = 0.0) -> float:
    """Return the exact standard deviation of sum_{f != g} a_f b_g K(c_f, c_g) + sum_f b_f l(c_f), cells c drawn from x.

    By the decomposition of Hoeffding: what a firm adds alone, and what only pairs add, are uncorrelated.

    Parameters
    ----------
    kernel
        K, (n_cells, n_cells).
    x
        Chance of each cell, (n_cells,).
    a, b
        Weights of firms, (n_firms,).
    single
        l, (n_cells,).
    """
    first, second = kernel @ x, x @ kernel
    mean = float(x @ first)
    alone = (np.outer(a * (b.sum() - b), first - mean) + np.outer(b * (a.sum() - a), second - mean)
             + np.outer(b, single - np.sum(x * single)))  # fmt: skip
    rest = kernel - first[:, None] - second[None, :] + mean
    squared, crossed = float(x @ rest**2 @ x), float(x @ (rest * rest.T) @ x)
    of_pairs = (np.sum(a**2) * np.sum(b**2) - np.sum((a * b) ** 2)) * squared
    of_pairs += (np.sum(a * b) ** 2 - np.sum((a * b) ** 2)) * crossed
    return math.sqrt(max(float(np.sum(alone**2 @ x)) + float(of_pairs), 0.0))


def _null_means(values: Mapping[str, Any], seed: int) -> list[Row]:
    rows = []
    for name, (theory, sd, drawn) in _Null(values, seed).means().items():
        why = _("{n:g} exact standard errors of {draws} throws").format(n=ERRORS, draws=len(drawn))
        rows.append(
            Row(name, theory, float(np.mean(drawn)), ERRORS * sd / math.sqrt(len(drawn)) + ROUNDING, why)
        )
    return rows


def _distances(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return what holds of the distances between cells and between firms, by the functions and by all pairs."""
    null = _Null({**values, "draws": 1}, seed)
    cells, why = null.draws[0], _("rounding of 64-bit sums")
    lengths, pairs = indices.pair_lengths(
        null.column, null.row, np.bincount(cells, minlength=SIDE**2), cell_km=CELL_KM
    )
    apart = _all_distances(null, cells)
    reach, number = values["reach_km"], len(cells)
    within = 2 * float(np.sum(apart <= reach * (1 + 1e-9))) * (SIDE * CELL_KM) ** 2 / number**2
    ripley = float(indices.ripley_k(np.array([reach]), lengths, pairs, number, (SIDE * CELL_KM) ** 2)[0])
    z = null.stock - math.fsum(null.stock) / len(null.stock)
    beside = (null.apart > 0) & (null.apart < 1.1 * CELL_KM)
    moran = len(z) * math.fsum(np.outer(z, z)[beside]) / (float(beside.sum()) * math.fsum(z**2))
    rule, wide = silverman(apart), max(silverman(apart), CELL_KM)
    found = indices.duranton_overman(
        np.array(AT_KM), lengths, pairs, indices.bandwidth(lengths, pairs, CELL_KM)
    )
    rows = [
        Row("Moran's I of floor space, all pairs of cells", moran, indices.moran(null.stock, null.edges), ROUNDING, why),
        Row("pairs of firms", number * (number - 1) / 2, float(pairs.sum()), 0.0, _("whole numbers")),
        Row(f"Ripley K({reach:g} km), all pairs [km2]", within, ripley, _slack(within), why),
    ]  # fmt: skip
    if rule > 0.0:
        rows.append(
            Row("bandwidth of Silverman, all pairs [km]", rule, indices.bandwidth(lengths, pairs), 1e-9, why)
        )
    for d, density in zip(AT_KM, found, strict=True):
        rows.append(Row(f"Duranton-Overman K_d({d:g} km), all pairs [1/km]", all_pairs_density(d, apart, wide),
                        float(density), 1e-9, why))  # fmt: skip
    return rows


def silverman(apart: np.ndarray) -> float:
    """Return 0.9 min(sd, IQR/1.34) n^(-1/5) of distances between firms [km], (n_pairs,)."""
    low, high = np.quantile(apart, (0.25, 0.75), method="inverted_cdf")
    return float(0.9 * min(np.std(apart), (high - low) / 1.34) * len(apart) ** -0.2)


def all_pairs_density(d: float, apart: np.ndarray, wide: float) -> float:
    """Return K_d at a distance [1/km]: a Gaussian about each distance between two firms (n_pairs,), reflected at 0."""
    both = np.exp(-0.5 * ((d - apart) / wide) ** 2) + np.exp(-0.5 * ((d + apart) / wide) ** 2)
    return float(np.mean(both)) / (wide * math.sqrt(2 * math.pi))


def _all_distances(null: _Null, cells: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import pdist

    return pdist(CELL_KM * np.column_stack([null.column[cells], null.row[cells]]))


def picture(values: Mapping[str, Any], seed: int, figure: "Figure") -> None:
    """Draw Ellison-Glaeser in throws of the null about its mean 0, and the distances between firms in both ways."""
    null = _Null(values, seed)
    left, right = figure.subplots(1, 2)
    theory, _sd, drawn = null.means()["E[Ellison-Glaeser]"]
    left.hist(drawn, bins=30, color="0.8")
    left.axvline(theory, color="black", label=_("theory: mean 0"))
    left.axvline(float(np.mean(drawn)), color="tab:red", linestyle="--", label=_("mean of the throws"))
    left.set(xlabel=_("Ellison-Glaeser gamma"), ylabel=_("throws"))
    left.locator_params(axis="x", nbins=5)
    left.legend()
    cells = null.draws[0]
    counts = np.bincount(cells, minlength=SIDE**2)
    lengths, pairs = indices.pair_lengths(null.column, null.row, counts, cell_km=CELL_KM)
    wide = indices.bandwidth(lengths, pairs, CELL_KM)
    at, apart = np.linspace(0.0, float(lengths[-1]) + 3 * wide, 60), _all_distances(null, cells)
    both = [all_pairs_density(d, apart, wide) for d in at]
    right.plot(at, both, color="black", label=_("theory: all pairs of firms"))
    right.plot(at, indices.duranton_overman(at, lengths, pairs, wide), "o", color="tab:red", markersize=3,
               label=_("by Fourier transforms"))  # fmt: skip
    right.set(xlabel=_("distance between two firms [km]"), ylabel=_("density K_d [1/km]"), ylim=(0, None))
    right.legend()


def agree(values: Mapping[str, Any]) -> None:
    """Demand that shares belong together and that the indices have a value.

    Raises
    ------
    KnobError
        If they do not.
    """
    s, x, h = values["s"], values["x"], values["h"]
    if len(s) != len(x):
        raise KnobError(
            _("s and x must have one number for each unit, not {s} and {x}").format(s=len(s), x=len(x))
        )
    if not sum(s) or any(a and not b for a, b in zip(s, x, strict=True)):
        raise KnobError(_("s must hold something, and nothing where x is 0"))
    if sum(b > 0 for b in x) < 2:
        raise KnobError(_("x must be above 0 in two units or more"))
    if max(h) >= 1:
        raise KnobError(_("h must be below 1: with one firm the indices have no value"))


CASES = (
    Case(
        name="measures",
        title=_("indices of clustering against published values, exact fractions and their means under the null"),
        about=_(
            "Functions of sim/indices.py and the throws of sim/measures.py. Ellison and Glaeser (1997) and Maurel "
            "and Sedillot (1999) of a published table and of any shares s against x, in exact fractions; Gini as half the "
            "mean difference of all pairs; Theil term by term. Firms thrown on floor space: the indices are 0 on average, "
            "M of Marcon and Puech (2010) is 1, the Herfindahl index sum x^2 + H (1 - sum x^2), whatever the sizes of the firms; "
            "Moran's I, K, K_d and its bandwidth against sums over all pairs of cells or firms."
        ),
        knobs={
            "s": Knob((0.6, 0.2, 0.2, 0.0), _("employment by unit, in any unit"), low=0.0, high=1e9),
            "x": Knob((0.4, 0.3, 0.2, 0.1), _("reference by unit, in any unit"), low=0.0, high=1e9),
            "h": Knob((0.2,), _("Herfindahl index of firm sizes; several are asked one by one"), low=0.0, high=1.0),
            "firms": Knob(200, _("firms thrown on floor space"), "firms", low=2, high=2000),
            "draws": Knob(1000, _("throws"), "draws", low=500, high=20_000),
            "tail": Knob(3.0, _("exponent of the power law of firm sizes"), low=1.1, high=100.0),
            "reach_km": Knob(0.5, _("distance of M and K"), "km", low=0.0, high=10.0),
        },
        check=check,
        picture=picture,
        values_check=agree,
    ),
)  # fmt: skip
