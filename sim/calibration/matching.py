"""History matching: rule out the parameters whose runs cannot look like the world, wave by wave.

A wave runs the model at points that fill what is left of the parameters' ranges, fits a response surface to each moment,
and rules out where one moment lies, or all together lie, further from the targets than surface, seeds and tolerance
explain. What no wave has ruled out is left. Waves are studies: they survive interruption, and the same command goes on.

References
----------
I. Vernon, M. Goldstein and R. Bower (2010), Galaxy formation: a Bayesian uncertainty analysis, Bayesian Analysis 5,
619-669, doi:10.1214/10-BA524.
"""

import dataclasses
import pathlib

import numpy as np

from sim.calibration.targets import Targets
from sim.designs import unit_points
from sim.problems import shown
from sim.store import Failure, Store
from sim.studies import run_study, with_own_seeds
from sim.study_files import Study

#: standard deviations beyond which one moment rules a point out, and the chance with which all together may do so wrongly
CUT, RISK = 3.0, 0.05
#: points tried at once, and at most how often, when points are drawn from what is left
BATCH, MOST_BATCHES = 8192, 400
#: rows for each coefficient of a surface that has squares
ROWS_A_COEFFICIENT = 3


class CalibrationError(ValueError):
    """A calibration cannot go on as asked."""

    exit_code = 2


@dataclasses.dataclass(frozen=True, eq=False)
class Surface:
    """A response surface: a moment as a quadratic without products, fitted by least squares over the unit cube.

    Attributes
    ----------
    coefficients
        Of 1, the axes, and their squares if there are rows enough, (n_terms,).
    inverse
        (X'X)^-1, (n_terms, n_terms).
    residual
        Variance of what the surface leaves of one row.
    """

    coefficients: np.ndarray
    inverse: np.ndarray
    residual: float
    squares: bool

    @classmethod
    def fit(cls, cube: np.ndarray, values: np.ndarray) -> "Surface":
        """Return the surface through values (n,) at points (n, n_axes); rows without a value do not count.

        Raises
        ------
        CalibrationError
            If there are fewer rows than coefficients.
        """
        known = np.isfinite(values)
        cube, values = cube[known], values[known]
        squares = len(values) >= ROWS_A_COEFFICIENT * (2 * cube.shape[1] + 1)
        terms = terms_of(cube, squares)
        free = len(values) - terms.shape[1]
        if free < 1:
            raise CalibrationError(f"{len(values)} points are too few for {cube.shape[1]} parameters")
        inverse = np.linalg.pinv(terms.T @ terms)
        coefficients = inverse @ (terms.T @ values)
        left = values - terms @ coefficients
        return cls(coefficients, inverse, float(left @ left) / free, squares)

    def predict(self, cube: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of the fitted mean at points (n, n_axes), (n,) each."""
        terms = terms_of(cube, self.squares)
        return terms @ self.coefficients, self.residual * np.einsum("ij,jk,ik->i", terms, self.inverse, terms)


def terms_of(cube: np.ndarray, squares: bool) -> np.ndarray:
    """Return the terms of a surface at points (n, n_axes): 1, x - 1/2, and (x - 1/2)^2 if asked for."""
    centred = cube - 0.5
    parts = [np.ones((len(cube), 1)), centred] + ([centred**2] if squares else [])
    return np.hstack(parts)


@dataclasses.dataclass(frozen=True, eq=False)
class Wave:
    """What one wave found.

    Attributes
    ----------
    cube
        Points in the unit cube, (n_points, n_axes).
    values
        Moments by point, seed and target; nan where a run has none, (n_points, n_seeds, n_targets).
    surfaces
        One for each target.
    seed_variance
        Variance of each moment between seeds at one point, (n_targets,); with one seed a point what the surface leaves,
        which is lack of fit and seeds together.
    left
        Share of the ranges that no wave up to this one has ruled out.
    """

    cube: np.ndarray
    values: np.ndarray
    surfaces: tuple[Surface, ...]
    seed_variance: np.ndarray
    left: float = float("nan")

    @classmethod
    def of(cls, cube: np.ndarray, values: np.ndarray) -> "Wave":
        """Return a wave with its surfaces fitted."""
        means = mean_of_known(values, axis=1)
        surfaces = tuple(Surface.fit(cube, means[:, j]) for j in range(values.shape[2]))
        if values.shape[1] > 1:
            seeds = (
                mean_of_known((values - means[:, None]) ** 2, axis=(0, 1))
                * values.shape[1]
                / (values.shape[1] - 1)
            )
        else:  # no two points share a seed, or what it does to all of them would hide in the surface's constant
            seeds = np.array([surface.residual for surface in surfaces])
        return cls(cube, values, surfaces, seeds)

    def implausibility(self, cube: np.ndarray, targets: Targets) -> np.ndarray:
        """Return for each point how far each moment lies from its target, in standard deviations, (n, n_targets)."""
        away = []
        for target, surface, seeds in zip(targets.rows, self.surfaces, self.seed_variance, strict=True):
            mean, variance = surface.predict(cube)
            allowed = (
                variance + seeds + (target.side(mean) / 2) ** 2
            )  # a tolerance is two standard deviations
            away.append(np.abs(mean - target.value) / np.sqrt(allowed))
        return np.stack(away, axis=1)


def mean_of_known(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Return the mean of what is no nan; nan where nothing is."""
    known = np.isfinite(values)
    number = known.sum(axis=axis)
    sums = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(number > 0, sums / np.maximum(number, 1), np.nan)


def survives(cube: np.ndarray, waves: list[Wave], targets: Targets) -> np.ndarray:
    """Return which points of the unit cube no wave rules out, (n,)."""
    from scipy.special import chdtri  # scipy.stats takes seconds to import

    inside = ((cube >= 0.0) & (cube <= 1.0)).all(axis=1)
    most = float(chdtri(len(targets.rows), RISK))
    for wave in waves:
        chosen = np.flatnonzero(inside)
        if len(chosen):
            away = wave.implausibility(cube[chosen], targets)
            inside[chosen] = (away.max(axis=1) <= CUT) & ((away**2).sum(axis=1) <= most)
    return inside


def draw_left(number: int, waves: list[Wave], targets: Targets, seed: int) -> tuple[np.ndarray, float]:
    """Return points of what is left, (number, n_axes), and its share of the ranges.

    Raises
    ------
    CalibrationError
        If nothing, or next to nothing, is left.
    """
    found: list[np.ndarray] = []
    have = tried = 0
    for batch in range(MOST_BATCHES):
        cube = unit_points("lhs", len(targets.axes), BATCH, seed + batch)
        kept = cube[survives(cube, waves, targets)]
        found.append(kept)
        have, tried = have + len(kept), tried + len(cube)
        if have >= number:
            break
    if have < number:
        raise CalibrationError(
            f"of {tried:,} points {have} are left, {number} are wanted: the model cannot meet these targets together"
        )
    return np.concatenate(found)[:number], have / tried


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much a calibration does.

    Attributes
    ----------
    waves, points, seeds
        Waves of history matching, points of each and seeds at each point, which are its own.
    particles, generations
        Size of a population of the sampler, and how many populations at most.
    """

    waves: int = 2
    points: int = 200
    seeds: int = 1
    particles: int = 210
    generations: int = 1


#: for tests and first looks: too little to believe
QUICK = Effort(waves=1, points=64, seeds=1, particles=24, generations=1)


def run_waves(targets: Targets, out: pathlib.Path, effort: Effort, workers: int | None = None) -> list[Wave]:
    """Run the waves of history matching that are missing in a folder; return all of them.

    Raises
    ------
    Interrupted
        If it is interrupted; what is finished is kept.
    CalibrationError
        If no parameters are left.
    """
    waves: list[Wave] = []
    for number in range(effort.waves):
        if number == 0:
            cube = np.vstack([targets.shipped, unit_points("lhs", len(targets.axes), effort.points - 1, 1)])
        else:
            cube, _left = draw_left(effort.points, waves, targets, 1000 * number)
        runs = effort.points * effort.seeds
        seeds = tuple(range(1 + number * runs, 1 + (number + 1) * runs))  # no wave has another's luck
        wave = Wave.of(cube, run_points(targets, cube, seeds, out / f"wave-{number + 1}", workers))
        _sample, left = draw_left(effort.points, [*waves, wave], targets, 1000 * (number + 1))
        waves.append(dataclasses.replace(wave, left=left))
    return waves


def run_points(
    targets: Targets, cube: np.ndarray, seeds: tuple[int, ...], out: pathlib.Path, workers: int | None = None
) -> np.ndarray:
    """Return the moments of runs at points (n_points, n_axes), running those that are missing in a folder.

    Parameters
    ----------
    targets
        Whose moments are asked for.
    cube
        Points of the unit cube, (n_points, n_axes).
    seeds
        As many for each point, in their order, (n_points * n_seeds,): what a seed does to a run it does to only one point.
    out
        Results folder.
    workers
        Processes; 0 runs in this one, absent takes one for each processor.

    Returns
    -------
    numpy.ndarray
        Moments by point, seed and target, nan where a run has none or failed, (n_points, n_seeds, n_targets).
    """
    points = tuple(targets.point(row) for row in cube)
    scenario = targets.scenario
    study = Study(
        out.name,
        out.name,
        {scenario.id: scenario},
        {},
        seeds,
        targets.months,
        targets.axes,
        points,
        ("moments",),
    )
    failures = run_study(study, out, workers, own_seeds=True)
    return moments_of(out, targets, failures)


def moments_of(folder: pathlib.Path, targets: Targets, failures: list[Failure]) -> np.ndarray:
    """Return the moments in a results folder, by point, seed and target."""
    results = Store(folder)
    arms = with_own_seeds(results.plan)
    tables = results.tables("moments")
    values = np.full((len(arms), len(targets.rows)), np.nan)
    for i, arm in enumerate(arms):
        if arm.run in tables:
            row = dict(zip(*(tables[arm.run][name].to_pylist() for name in ("key", "value")), strict=True))
            values[i] = [np.nan if row[target.key] is None else row[target.key] for target in targets.rows]
    if len(failures) > len(arms) // 10:
        raise CalibrationError(
            f"{shown(folder)}: {len(failures)} runs failed, the first with {failures[0].message}"
        )
    return values.reshape(len(results.plan.points), -1, len(targets.rows))
