"""Approximate Bayesian computation: from what history matching leaves, parameters by how near their runs come.

Sequential Monte Carlo by pyABC. The prior is even over what the waves have left; the distance of a run is the root mean
square of its moments' distances from the targets, in tolerances, so that 0.5 is what a model without fault would have if a
tolerance is two standard deviations. Each population has to come nearer than half of the last; it is drawn anew from what
is left and not by shaking the last, because in some thirty dimensions a shaken population leaves the ranges and its weights
degenerate. The seed of a run follows from its parameters. The database in the results folder keeps every finished
population, and the same command goes on from it; the draws of a sampler are not promised to the bit.

References
----------
T. Toni et al. (2009), Approximate Bayesian computation scheme for parameter inference and model selection in dynamical
systems, Journal of the Royal Society Interface 6, 187-202, doi:10.1098/rsif.2008.0172. E. Klinger, D. Rickert and
J. Hasenauer (2018), pyABC: distributed, likelihood-free inference, Bioinformatics 34, 3591-3593,
doi:10.1093/bioinformatics/bty361.
"""

import collections
import dataclasses
import hashlib
import itertools
import json
import logging
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.calibration.matching import MOST_BATCHES, Effort, Wave, draw_left, survives
from sim.calibration.moments import moments_table
from sim.calibration.targets import Targets
from sim.language import _
from sim.plan import OtherPlanError, canonical
from sim.problems import shown

DATABASE, KEY = "smc.db", "smc.json"
#: distance at which the sampler stops: tolerances are two standard deviations
NEAR_ENOUGH = 0.5
#: distance of a run without one of its moments
FAR = 10.0
SMALLEST_MEDIAN = 0.5  #: quantile of the distances at which the next population begins


@dataclasses.dataclass(frozen=True, eq=False)
class Population:
    """What the sampler accepted last.

    Attributes
    ----------
    cube
        Vectors in the unit cube, (n, n_axes).
    weights
        Their weights, summing to 1, (n,).
    distances
        Distance of each one's run, (n,).
    values
        Moments of each one's run, (n, n_targets).
    epsilon
        Largest distance that was accepted.
    samples
        Runs of each population so far, the last one's at the end.
    """

    cube: np.ndarray
    weights: np.ndarray
    distances: np.ndarray
    values: np.ndarray
    epsilon: float
    samples: tuple[int, ...]


def distance(values: np.ndarray, targets: Targets) -> np.ndarray:
    """Return the root mean square distance of moments (..., n_targets) from the targets, in tolerances."""
    away = np.abs(targets.deviations(values))
    away = np.where(np.isfinite(away), np.minimum(away, FAR), FAR)
    return np.sqrt(np.mean(away**2, axis=-1))


def seed_of(point: dict[str, Any]) -> int:
    """Return the seed of a particle: a function of its values."""
    return int.from_bytes(hashlib.sha256(canonical(point).encode()).digest()[:8], "big") >> 2


def simulate(cube: np.ndarray, targets: Targets) -> np.ndarray:
    """Return the moments of the run at a point of the unit cube, nan where it has none, (n_targets,).

    A run that goes wrong has none and is told of: it ends nothing, as in a study.
    """
    from sim.model import ClusterModel
    from sim.study_files import at_point

    point = targets.point(cube)
    scenario = at_point(targets.scenario, point, {axis.key for axis in targets.axes if axis.factor})
    seed = seed_of(point)
    try:
        run = ClusterModel.from_scenario(scenario, seed=seed).run(targets.months)
    except Exception as error:
        told = _("a run failed and does not count: seed {seed}: {kind}: {why}")
        print(told.format(seed=seed, kind=type(error).__name__, why=shown(error)), file=sys.stderr)
        return np.full(len(targets.rows), np.nan)
    return moments_table(run, targets.rows)["value"].to_numpy().astype(float)


def sample(
    targets: Targets,
    waves: list[Wave],
    out: pathlib.Path,
    effort: Effort,
    workers: int = 0,
    run: Callable[[np.ndarray, Targets], np.ndarray] = simulate,
) -> Population:
    """Do the populations that are missing in a folder; return the last.

    Parameters
    ----------
    targets, waves
        What is fitted, and what history matching has left.
    out
        Results folder.
    effort
        Particles of a population, and how many populations at most.
    workers
        Processes; 0 or 1 does the runs in this one.
    run
        Returns the moments at a point.

    Raises
    ------
    OtherPlanError
        If the folder's database belongs to other targets, waves or sources.
    """
    pyabc = load_pyabc()
    url = _database(targets, waves, out, effort)
    keys, names = targets.keys, tuple(target.key for target in targets.rows)

    def model(particle: Any) -> dict[str, float]:
        values = run(np.array([particle[key] for key in keys]), targets)
        return dict(zip(names, map(float, values), strict=True))

    def away(one: dict[str, float], _other: Any) -> float:
        return float(distance(np.array([one[name] for name in names]), targets))

    left, history = prior_of(pyabc, targets, waves), None
    if (out / DATABASE).exists():
        history = pyabc.History(url, create=False)
    abc = pyabc.ABCSMC(
        model,
        left,
        distance_function=away,
        population_size=effort.particles,
        transitions=anew(pyabc, left),
        eps=pyabc.QuantileEpsilon(
            initial_epsilon=next_epsilon(history, waves, targets), alpha=SMALLEST_MEDIAN, weighted=True
        ),
        sampler=pyabc.MulticoreEvalParallelSampler(workers) if workers > 1 else pyabc.SingleCoreSampler(),
    )
    if history is None:
        abc.new(url, {target.key: target.value for target in targets.rows})
    else:
        abc.load(url, history.id)
    done = abc.history.get_all_populations()
    finished = done[done.t >= 0]
    missing = effort.generations - len(finished)
    if missing > 0 and (finished.empty or finished.epsilon.min() > NEAR_ENOUGH):
        abc.run(minimum_epsilon=NEAR_ENOUGH, max_nr_populations=missing)
    return population_of(abc.history, keys, names)


def load_pyabc() -> Any:
    """Return pyABC, which then tells of each population on standard error.

    Raises
    ------
    ImportError
        If it is not installed; the message says how to.
    """
    try:
        import pyabc
    except ImportError:
        raise ImportError(_("pyABC is not installed: python -m uv sync --extra calibrate")) from None
    logging.getLogger("ABC.History").setLevel(logging.WARNING)
    return pyabc


def _database(targets: Targets, waves: list[Wave], out: pathlib.Path, effort: Effort) -> str:
    """Return the address of the folder's database, after a look whether it is of this calibration."""
    from sim.compiled import source_hash

    content = hashlib.sha256(b"".join(np.ascontiguousarray(w.values).tobytes() for w in waves)).hexdigest()
    said = {
        "targets": [target.model_dump(mode="json") for target in targets.rows],
        "axes": [[axis.key, axis.low, axis.high] for axis in targets.axes],
        "scenario": targets.scenario.fingerprint,
        "months": targets.months,
        "particles": effort.particles,
        "waves": content,
        "model": source_hash(),
    }
    path = out / KEY
    out.mkdir(parents=True, exist_ok=True)
    if path.exists() and (out / DATABASE).exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = [key for key, value in json.loads(canonical(said)).items() if before.get(key) != value]
        if differing:
            message = _("{path} belongs to another calibration ({keys}): choose another folder")
            raise OtherPlanError(message.format(path=shown(out / DATABASE), keys=", ".join(differing)))
    path.write_text(canonical(said), encoding="utf-8")
    return f"sqlite:///{os.fspath((out / DATABASE).resolve())}"


def prior_of(pyabc: Any, targets: Targets, waves: list[Wave]) -> Any:
    """Return the even distribution over what the waves have left of the unit cube."""
    keys = targets.keys

    class Left(pyabc.DistributionBase):
        """Even over what is left: drawn in advance, several at once."""

        batches = itertools.count(1)  # of this process, however often the sampler copies the object

        def __init__(self) -> None:
            self.drawn: collections.deque[np.ndarray] = collections.deque()

        def rvs(self, *_args: Any, **_options: Any) -> Any:
            if not self.drawn:
                # processes draw their own, so that they must not draw the same
                seed = (os.getpid() << 24) + MOST_BATCHES * next(self.batches)
                self.drawn.extend(draw_left(64, waves, targets, seed)[0])
            return pyabc.Parameter(dict(zip(keys, map(float, self.drawn.popleft()), strict=True)))

        def pdf(self, x: Any) -> float:
            return float(survives(np.array([[x[key] for key in keys]]), waves, targets)[0])

    return Left()


def anew(pyabc: Any, left: Any) -> Any:
    """Return the transition that draws from what is left again, so that all weights stay equal."""

    class Anew(pyabc.transition.Transition):
        """Forgets the last population."""

        def __init__(self, left: Any) -> None:
            self.left = left

        def fit(self, X: Any, w: Any) -> None:  # noqa: N803
            """Learn nothing."""

        def rvs_single(self) -> Any:
            return self.left.rvs()

        def pdf(self, x: Any) -> Any:
            return np.ones(len(x)) if getattr(x, "ndim", 1) == 2 else 1.0

    return Anew(left)


def next_epsilon(history: Any, waves: list[Wave], targets: Targets) -> float:
    """Return what the next population has to come under: half of the last one, or of the last wave's runs that are left."""
    if history is not None and history.max_t >= 0:
        return float(np.quantile(history.get_weighted_distances()["distance"], SMALLEST_MEDIAN))
    last = waves[-1]
    kept = survives(last.cube, waves, targets)
    values = last.values[kept] if kept.any() else last.values
    return float(np.median(distance(values.reshape(-1, values.shape[2]), targets)))


def population_of(history: Any, keys: tuple[str, ...], stats: tuple[str, ...]) -> Population:
    """Return the last population of a history, given the names of its parameters and moments."""
    table = history.get_population_extended().sort_index()
    weights = table["w"].to_numpy(dtype=float)
    values = table[[f"sumstat_{key}" for key in stats]].to_numpy(dtype=float)
    populations = history.get_all_populations()
    finished = populations[populations.t >= 0]
    return Population(
        table[[f"par_{key}" for key in keys]].to_numpy(dtype=float),
        weights / weights.sum(),
        table["distance"].to_numpy(dtype=float),
        values,
        float(finished.epsilon.iloc[-1]),
        tuple(map(int, finished.samples)),
    )
