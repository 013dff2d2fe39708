"""Measures of clustering: published values, other forms of the same formulas, and exact means under the null."""

import math
from collections.abc import Callable, Mapping
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
ERRORS = 5.0  #: standard errors that a mean of draws may be off: once in a million
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
                for k, n in enumerate((SIDE**2, values["firms"], SIDE**2 * values["draws"]))]  # fmt: skip
        self.stock = -np.log(lots[0])
        self.sizes = lots[1] ** (-1 / values["tail"])
        self.orders = lots[2].reshape(values["draws"], -1).argsort(axis=1)
        self.column, self.row = (a.ravel() for a in np.indices((SIDE, SIDE)))
        x, y = CELL_KM * self.column, CELL_KM * self.row
        self.close = indices.neighbours(x, y, values["reach_km"])
        self.edges = indices.neighbours(x, y, CELL_KM)
        self.draws = list(thrown(self.stock, values["firms"], seed, values["draws"]))
        self.concentration = indices.herfindahl(self.sizes)

    def means(self) -> dict[str, tuple[float, list[float]]]:
        """Return the mean that theory gives for each measure, and its values in the draws."""
        x, h = self.stock / self.stock.sum(), self.concentration
        held = [np.bincount(cells, weights=self.sizes, minlength=SIDE**2) for cells in self.draws]
        squares = float(np.sum(x * x))
        return {
            "E[Ellison-Glaeser]": (0.0, [indices.ellison_glaeser(e, self.stock, h) for e in held]),
            "E[Maurel-Sedillot]": (0.0, [indices.maurel_sedillot(e, self.stock, h) for e in held]),
            "E[Herfindahl over cells]": (
                squares + h * (1 - squares),
                [indices.herfindahl(e) for e in held],
            ),
            "E[Marcon-Puech M]": (
                1.0,
                [indices.marcon_puech(cells, self.sizes, self.stock, self.close) for cells in self.draws],
            ),
            "E[Moran's I], values in any order": (
                -1 / (SIDE**2 - 1),
                [indices.moran(self.stock[order], self.edges) for order in self.orders],
            ),
        }


def _null_means(values: Mapping[str, Any], seed: int) -> list[Row]:
    rows = []
    for name, (theory, drawn) in _Null(values, seed).means().items():
        error = float(np.std(drawn, ddof=1)) / math.sqrt(len(drawn))
        why = _("{n:g} standard errors of {draws} draws").format(n=ERRORS, draws=len(drawn))
        rows.append(Row(name, theory, float(np.mean(drawn)), ERRORS * error + ROUNDING, why))
    return rows


def _distances(values: Mapping[str, Any], seed: int) -> list[Row]:
    """Return what holds of the distances between firms, by Fourier transforms and by all pairs."""
    null = _Null(values, seed)
    cells = null.draws[0]
    lengths, pairs = indices.pair_lengths(
        null.column, null.row, np.bincount(cells, minlength=SIDE**2), cell_km=CELL_KM
    )
    apart = _all_distances(null, cells)
    wide = indices.bandwidth(lengths, pairs, CELL_KM)
    at = np.linspace(0.0, float(lengths[-1]) + 10 * wide, 4001)
    area = float(np.trapezoid(indices.duranton_overman(at, lengths, pairs, wide), at))
    reach, number = values["reach_km"], len(cells)
    within = 2 * float(np.sum(apart <= reach * (1 + 1e-9))) * (SIDE * CELL_KM) ** 2 / number**2
    ripley = float(indices.ripley_k(np.array([reach]), lengths, pairs, number, (SIDE * CELL_KM) ** 2)[0])
    return [
        Row("pairs of firms", number * (number - 1) / 2, float(pairs.sum()), 0.0, _("whole numbers")),
        Row("integral of Duranton-Overman K_d", 1.0, area, 1e-6, _("trapezoids of a hundredth of the bandwidth or less")),
        Row(f"Ripley K({reach:g} km), all pairs [km2]", within, ripley, _slack(within), _("rounding of 64-bit sums")),
    ]  # fmt: skip


def _all_distances(null: _Null, cells: np.ndarray) -> np.ndarray:
    from scipy.spatial.distance import pdist

    return pdist(CELL_KM * np.column_stack([null.column[cells], null.row[cells]]))


def picture(values: Mapping[str, Any], seed: int, figure: "Figure") -> None:
    """Draw Ellison-Glaeser in throws of the null about its mean 0, and the distances between firms in both ways."""
    null = _Null(values, seed)
    left, right = figure.subplots(1, 2)
    theory, drawn = null.means()["E[Ellison-Glaeser]"]
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
    density: Callable[[float], np.ndarray] = lambda d: np.exp(-0.5 * ((d - apart) / wide) ** 2)  # noqa: E731
    both = [np.mean(density(d) + density(-d)) / (wide * math.sqrt(2 * math.pi)) for d in at]
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
            "Moran's I over all orders is -1/(n - 1). Distances by Fourier transforms against all pairs of firms."
        ),
        knobs={
            "s": Knob((0.6, 0.2, 0.2, 0.0), _("employment by unit, in any unit"), low=0.0, high=1e9),
            "x": Knob((0.4, 0.3, 0.2, 0.1), _("reference by unit, in any unit"), low=0.0, high=1e9),
            "h": Knob((0.2,), _("Herfindahl index of firm sizes; several are asked one by one"), low=0.0, high=1.0),
            "firms": Knob(200, _("firms thrown on floor space"), "firms", low=2, high=2000),
            "draws": Knob(1000, _("throws"), "draws", low=100, high=20_000),
            "tail": Knob(3.0, _("exponent of the power law of firm sizes"), low=1.1, high=100.0),
            "reach_km": Knob(0.5, _("distance of M and K"), "km", low=0.0, high=10.0),
        },
        check=check,
        picture=picture,
        values_check=agree,
    ),
)  # fmt: skip
