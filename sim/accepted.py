"""The accepted set: weighted vectors of parameters whose runs look like the world, the uncertainty that every statement has.

`sim calibrate` makes it, `sim.calibration.ensemble` says what it tells of the parameters, and studies take their points from
it.

>>> from sim.accepted import Ensemble
>>> from sim.places import default_world
>>> ensemble = Ensemble.of(default_world())
>>> len(ensemble.points(20))
20
"""

import dataclasses
import functools
import json
import os
import pathlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.language import _
from sim.places import shipped_folder
from sim.problems import shown

FILE = "accepted.parquet"
#: key of the file's metadata under which it says how it was made
ABOUT = b"sim.calibration"


class EnsembleError(LookupError):
    """There is no accepted set, or none that fits."""

    exit_code = 2


@dataclasses.dataclass(frozen=True, eq=False)
class Ensemble:
    """Weighted vectors of parameters.

    Attributes
    ----------
    keys
        Dotted keys of the parameters.
    factors
        Those of them whose values multiply the scenario's own.
    values
        Value of each parameter, (n, n_keys).
    weights
        Weights, summing to 1, (n,).
    distances
        Distance of each vector's run from the targets, (n,).
    moments
        Moments of that run by the key of the target, (n,) each.
    shipped
        Whether the vector is that of the shipped defaults, (n,).
    about
        How it was made.
    """

    keys: tuple[str, ...]
    factors: frozenset[str]
    values: np.ndarray
    weights: np.ndarray
    distances: np.ndarray
    moments: dict[str, np.ndarray]
    shipped: np.ndarray
    about: dict[str, Any]

    @classmethod
    def of(cls, world: str) -> "Ensemble":
        """Return the accepted set of a shipped world.

        Raises
        ------
        EnsembleError
            If it has none.
        """
        return cls.read(shipped_folder() / world / FILE)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "Ensemble":
        """Return the accepted set in a file.

        Raises
        ------
        EnsembleError
            If it is missing, or not such a file.
        """
        path = pathlib.Path(path)
        if not path.is_file():
            message = _("{path}: no accepted set; sim calibrate makes one")
            raise EnsembleError(message.format(path=shown(path)))
        try:
            table = pq.ParquetFile(path, page_checksum_verification=True).read()
            about = json.loads((table.schema.metadata or {}).get(ABOUT, b"{}"))
            if not about:
                raise EnsembleError(_("{path}: not written by sim calibrate").format(path=shown(path)))
            return cls._of_table(table, about)
        except (OSError, ValueError, KeyError, TypeError) as error:  # Arrow's own are kinds of these
            message = _("{path}: cannot be read: {why}")
            raise EnsembleError(message.format(path=shown(path), why=shown(error))) from None

    @classmethod
    def _of_table(cls, table: pa.Table, about: dict[str, Any]) -> "Ensemble":
        keys = tuple(about.pop("keys"))
        column = lambda name: table[name].to_numpy()  # noqa: E731
        return cls(
            keys, frozenset(about.pop("factors")), np.column_stack([column(key) for key in keys]), column("weight"),
            column("distance"), {key: column(f"moment:{key}") for key in about.pop("moments")}, column("shipped"), about,
        )  # fmt: skip

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.weights)

    def point(self, row: int) -> dict[str, float]:
        """Return a vector as values by key."""
        return dict(zip(self.keys, map(float, self.values[row]), strict=True))

    def chosen(self, number: int | None = None, place: float = 0.5) -> np.ndarray:
        """Return rows that stand for the whole: all, or so many, each as often as its weight asks for.

        Rows are taken at even steps of the weights, in the order of the distance to the targets.

        Parameters
        ----------
        number
            How many rows; absent: each once.
        place
            Where in each step, from 0 to below 1. A place drawn evenly makes each row as likely as its weight says.
        """
        if number is None:
            return np.arange(len(self))
        order = np.argsort(self.distances, kind="stable")
        reached = np.cumsum(self.weights[order])
        steps = (np.arange(number) + place) / number * reached[-1]
        return order[np.minimum(np.searchsorted(reached, steps), len(order) - 1)]

    def points(self, number: int | None = None, place: float = 0.5) -> tuple[dict[str, float], ...]:
        """Return vectors that stand for the whole, each once: all, or at most so many.

        They count alike, so they stand for the whole only as far as no vector weighs more than a step of `chosen`: a heavier
        one stands for several steps once, which shows as fewer vectors than were asked for.
        """
        return tuple(self.point(row) for row in dict.fromkeys(self.chosen(number, place).tolist()))

    @functools.cached_property
    def effective(self) -> float:
        """Number of equal weights that would be worth as much."""
        return float(1.0 / np.sum(self.weights**2))

    def mean(self, values: np.ndarray) -> float:
        """Return the weighted mean of a number of each vector; those without one do not count."""
        known = np.isfinite(values)
        return float(np.average(values[known], weights=self.weights[known]))

    def quantiles(self, values: np.ndarray, levels: Any) -> np.ndarray:
        """Return weighted quantiles of a number of each vector."""
        known = np.isfinite(values) & (self.weights > 0)
        return weighted_quantiles(values[known], self.weights[known], levels)

    @functools.cached_property
    def fitted(self) -> "Ensemble":
        """The set without the shipped defaults: what was drawn and accepted, and so what speaks of the fit.

        The defaults were set by hand near the middle of the ranges, where they would pass for the median of any set.
        """
        drawn = ~self.shipped
        weights = self.weights[drawn]
        return dataclasses.replace(
            self, values=self.values[drawn], weights=weights / weights.sum(), distances=self.distances[drawn],
            moments={key: values[drawn] for key, values in self.moments.items()}, shipped=self.shipped[drawn],
        )  # fmt: skip

    @functools.cached_property
    def median_row(self) -> int:
        """Row of the median member: the one nearest to the weighted medians of all parameters, each by its spread.

        The shipped defaults are not looked at.
        """
        fitted = self.fitted
        medians = np.array([fitted.quantiles(column, 0.5) for column in fitted.values.T])
        spread = np.array(
            [float(np.diff(fitted.quantiles(column, (0.25, 0.75)))[0]) for column in fitted.values.T]
        )
        away = np.abs(self.values - medians) / np.where(spread > 0, spread, 1.0)
        return int(np.argmin(np.where((self.weights > 0) & ~self.shipped, away.sum(axis=1), np.inf)))


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, levels: Any) -> np.ndarray:
    """Return quantiles of values (n,) with weights (n,): interpolated between the middles of the weights."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    middles = (reached - weights[order] / 2) / reached[-1]
    return np.interp(levels, middles, values[order])
