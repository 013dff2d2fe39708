"""The accepted set as it is made: written, and asked what it tells of the parameters; `sim.accepted` reads it."""

import dataclasses
import json
import os
import pathlib
from typing import Any

import numpy as np
import pyarrow as pa

from sim.accepted import ABOUT, Ensemble
from sim.calibration.smc import Population, distance, simulate
from sim.calibration.targets import Targets, unit_of
from sim.files import write_table
from sim.language import _

#: part of a posterior that its width spans, and widths, in those of the range, below which it says something
SPAN, NARROW, BARELY = 0.9, 0.5, 0.8
#: chance up to which a set that is not even over the range may be taken for one that is
EVEN = 0.01
#: correlation from which two parameters are called a ridge
RIDGE = 0.35


def write(ensemble: Ensemble, path: str | os.PathLike[str]) -> None:
    """Write an accepted set as Parquet; the file is whole or absent."""
    columns: dict[str, Any] = {
        "weight": ensemble.weights,
        "distance": ensemble.distances,
        "shipped": ensemble.shipped,
    }
    columns |= dict(zip(ensemble.keys, ensemble.values.T, strict=True))
    columns |= {f"moment:{key}": values for key, values in ensemble.moments.items()}
    lists = {
        "keys": ensemble.keys,
        "factors": sorted(ensemble.factors),
        "moments": list(ensemble.moments),
    }
    table = pa.table({name: pa.array(np.ascontiguousarray(values)) for name, values in columns.items()})
    text = json.dumps(ensemble.about | lists, sort_keys=True)
    write_table(pathlib.Path(path), table.replace_schema_metadata({ABOUT: text}))


def accepted(targets: Targets, population: Population, about: dict[str, Any]) -> Ensemble:
    """Return the accepted set: what the sampler accepted, and the shipped defaults.

    The defaults weigh what the others weigh on average if their run is as near, and nothing if not.
    """
    own = simulate(targets.shipped, targets)
    away = float(distance(own, targets))
    fits = away <= max(population.epsilon, float(population.distances.max()))
    weights = np.append(population.weights, population.weights.mean() if fits else 0.0)
    cube = np.vstack([population.cube, targets.shipped])
    values = np.array(
        [[axis.at(float(u)) for axis, u in zip(targets.axes, row, strict=True)] for row in cube]
    )
    moments = np.vstack([population.values, own])
    return Ensemble(
        targets.keys,
        frozenset(axis.key for axis in targets.axes if axis.factor),
        values,
        weights / weights.sum(),
        np.append(population.distances, away),
        {target.key: moments[:, j] for j, target in enumerate(targets.rows)},
        np.arange(len(weights)) == len(weights) - 1,
        about,
    )


@dataclasses.dataclass(frozen=True)
class Narrowing:
    """What the targets say of one parameter.

    Attributes
    ----------
    key, factor
        Its key, and whether values are factors on the shipped one.
    prior
        Ends of its plausible range.
    posterior
        Ends of the central 90 % of the accepted set, and its median between.
    width
        Width of these 90 % over that of the range.
    chance
        How likely a set as uneven as this would be if the targets said nothing, by Kolmogorov and Smirnov.
    shipped
        The shipped default.
    """

    key: str
    factor: bool
    prior: tuple[float, float]
    posterior: tuple[float, float, float]
    width: float
    chance: float
    shipped: float

    @property
    def verdict(self) -> str:
        """Whether the targets identify it."""
        if self.width <= NARROW:
            return _("identified")
        if self.width <= BARELY:
            return _("narrowed")
        return _("shifted") if self.chance <= EVEN else _("not identified")


def narrowings(ensemble: Ensemble, targets: Targets) -> list[Narrowing]:
    """Return for each parameter how much narrower the accepted set is than the plausible range."""
    from scipy.special import kolmogorov  # scipy.stats takes seconds to import

    tail = (1 - SPAN) / 2
    found, ensemble = [], ensemble.fitted
    for j, axis in enumerate(targets.axes):
        column = ensemble.values[:, j]
        units = np.array([unit_of(dataclasses.replace(axis, factor=False), value) for value in column])
        low, middle, high = (float(q) for q in ensemble.quantiles(column, (tail, 0.5, 1 - tail)))
        ends = ensemble.quantiles(units, (tail, 1 - tail))
        order = np.argsort(units, kind="stable")
        reached = np.cumsum(ensemble.weights[order])
        gap = max(
            np.abs(reached - units[order]).max(),
            np.abs(reached - ensemble.weights[order] - units[order]).max(),
        )
        found.append(
            Narrowing(
                axis.key,
                axis.factor,
                (axis.low, axis.high),
                (low, middle, high),
                float(ends[1] - ends[0]) / SPAN,
                float(kolmogorov(np.sqrt(ensemble.effective) * gap)),
                axis.at(float(targets.shipped[j])),
            )
        )
    return found


def volume_kept(ensemble: Ensemble) -> float:
    """Return the part of the plausible ranges' volume that the set stands for.

    Vectors of each population are drawn evenly from what the waves left: the part of the last one's runs that came near
    enough, times what was left.
    """
    return float(ensemble.about["left"][-1] * len(ensemble.fitted) / ensemble.about["population_runs"][-1])


def ridges(ensemble: Ensemble) -> list[tuple[str, str, float]]:
    """Return pairs of parameters of which the targets identify a combination rather than each, strongest first."""
    ensemble = ensemble.fitted
    known = ensemble.weights > 0
    correlations = weighted_correlations(ensemble.values[known], ensemble.weights[known])
    pairs = [(ensemble.keys[i], ensemble.keys[j], float(correlations[i, j]))
             for i in range(len(ensemble.keys)) for j in range(i)]  # fmt: skip
    return sorted((pair for pair in pairs if abs(pair[2]) >= RIDGE), key=lambda pair: -abs(pair[2]))


def weighted_correlations(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the correlations of columns (n, m) with weights (n,), (m, m)."""
    covariance = np.cov(values.T, aweights=weights)
    spread = np.sqrt(np.diag(covariance))
    return covariance / np.outer(spread, spread)
