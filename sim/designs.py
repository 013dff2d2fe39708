"""Designs: which points of parameter space a study visits.

A point is a value for each axis; an axis is a dotted parameter of scenarios. Grids and lists visit what they name;
Latin hypercubes and Sobol sequences fill the space between low and high evenly, at a given number of points; what a
calibration has accepted gives vectors that stand for the whole set.

References
----------
M. McKay, R. Beckman and W. Conover (1979), A comparison of three methods for selecting values of input variables in
the analysis of output from a computer code, Technometrics 21, 239-245, doi:10.1080/00401706.1979.10489755.
I. Sobol' (1967), On the distribution of points in a cube and the approximate evaluation of integrals, USSR
Computational Mathematics and Mathematical Physics 7(4), 86-112, doi:10.1016/0041-5553(67)90144-9.
"""

import csv
import dataclasses
import io
import itertools
import math
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.csv_source import number_in

if TYPE_CHECKING:
    from sim.accepted import Ensemble

#: points whose discrepancy is computed: its time grows with their square
MOST_COMPARED = 5000


@dataclasses.dataclass(frozen=True)
class Axis:
    """One parameter that a design varies.

    Attributes
    ----------
    key
        Dotted key of the parameter.
    values
        The values that it takes, for a grid or a list; words and switches always have them.
    low, high
        Ends of its range, where the design chooses values between them.
    log
        Whether the range is even in the logarithm.
    integer
        Whether it takes whole numbers only.
    factor
        Whether the values are factors on the scenario's own value, a number or a table.
    """

    key: str
    values: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    integer: bool = False
    factor: bool = False

    def at(self, u: float) -> Any:
        """Return the value at a share 0 <= u <= 1 of the way from the first to the last."""
        if self.values:
            return self.values[min(int(u * len(self.values)), len(self.values) - 1)]
        if self.integer and self.log:  # each number as wide as the logarithm from it to the next
            value = math.exp(math.log(self.low) + u * (math.log(self.high + 1) - math.log(self.low)))
            return min(max(int(value), int(self.low)), int(self.high))
        if self.integer:
            return min(int(self.low + u * (self.high - self.low + 1)), int(self.high))
        if self.log:
            return math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        return self.low + u * (self.high - self.low)

    def levels(self, number: int) -> tuple[Any, ...]:
        """Return `number` values from low to high, both among them; the axis's own values if it has any.

        Of whole numbers there may be fewer.
        """
        if self.values:
            return self.values
        if self.integer:
            spread = np.geomspace if self.log else np.linspace
            chosen = spread(self.low, self.high, number).round().astype(int)
            return tuple(int(value) for value in np.unique(chosen))
        ends = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        inner = np.linspace(*ends, number)[1:-1].tolist()
        return (self.low, *(math.exp(x) if self.log else x for x in inner), self.high)[:number]


def grid(axes: Sequence[Axis], levels: int) -> Iterator[dict[str, Any]]:
    """Yield every combination of the axes' values, the last axis changing fastest."""
    for chosen in itertools.product(*(axis.levels(levels) for axis in axes)):
        yield {axis.key: value for axis, value in zip(axes, chosen, strict=True)}


def grid_size(axes: Sequence[Axis], levels: int) -> int:
    """Return the number of combinations, without making them."""
    return math.prod(len(axis.levels(levels)) if axis.values or axis.integer else levels for axis in axes)


def side_by_side(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Return the first values of all axes, the second values of all axes, and so on."""
    columns = [axis.values for axis in axes]
    return [dict(zip([a.key for a in axes], row, strict=True)) for row in zip(*columns, strict=True)]


def unit_points(method: str, axes: int, points: int, seed: int) -> np.ndarray:
    """Return points of the unit cube, (points, axes): "lhs" or "sobol" (scrambled).

    A sequence of Sobol is balanced at powers of two; other numbers take its first points.
    """
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    if method == "lhs":
        return qmc.LatinHypercube(axes, rng=rng).random(points)
    sequence = qmc.Sobol(axes, scramble=True, rng=rng)
    return sequence.random_base2(math.ceil(math.log2(max(points, 1))))[:points]


def filling(method: str, axes: Sequence[Axis], points: int, seed: int) -> list[dict[str, Any]]:
    """Return points that fill the space between low and high evenly: "lhs" or "sobol"."""
    cube = unit_points(method, len(axes), points, seed)
    return [{axis.key: axis.at(float(u)) for axis, u in zip(axes, row, strict=True)} for row in cube]


def from_accepted(
    ensemble: "Ensemble", number: int, seed: int | None
) -> tuple[tuple[Axis, ...], tuple[dict[str, Any], ...]]:
    """Return the axes of an accepted set, and so many of its vectors: fewer where one stands for several.

    Without a seed they are the same every time; a seed draws where they are taken.
    """
    place = 0.5 if seed is None else float(np.random.default_rng(seed).random())
    points = ensemble.points(number, place)
    axes = tuple(
        Axis(key, low=min(column), high=max(column), factor=key in ensemble.factors)
        for key, column in zip(ensemble.keys, zip(*(p.values() for p in points), strict=True), strict=True)
    )
    return axes, points


def rows_of(path: pathlib.Path) -> list[tuple[int, list[str]]]:
    """Return the rows of a CSV file that are not blank, each with the number of its last line, from 1.

    Raises
    ------
    OSError, UnicodeDecodeError, csv.Error
        If it cannot be read.
    """
    reader = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True)
    return [(reader.line_num, row) for row in reader if row]


def cell(text: str) -> Any:
    """Return a cell of a CSV file as the number, switch or word that it spells."""
    word = text.strip()
    if word in ("true", "false"):
        return word == "true"
    number = number_in(word)
    return word if number is None else number


def discrepancy(axes: Sequence[Axis], points: Sequence[dict[str, Any]]) -> float | None:
    """Return the centred discrepancy of points on numeric axes: 0 is perfectly even.

    None without such an axis, for a single point, and for more than ``MOST_COMPARED`` points.

    References
    ----------
    F. Hickernell (1998), A generalized discrepancy and quadrature error bound, Mathematics of Computation 67, 299-322,
    doi:10.1090/S0025-5718-98-00894-1.
    """
    from scipy.stats import qmc

    if not 1 < len(points) <= MOST_COMPARED:
        return None
    columns = []
    for axis in axes:
        values = np.array([point[axis.key] for point in points], dtype=object)
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            continue
        numbers = np.log(values.astype(float)) if axis.log else values.astype(float)
        ends = (axis.low, axis.high) if not axis.values else (min(values), max(values))
        low, high = (math.log(end) if axis.log else float(end) for end in ends)
        if high > low:
            columns.append(np.clip((numbers - low) / (high - low), 0.0, 1.0))
    return float(qmc.discrepancy(np.column_stack(columns))) if columns else None
