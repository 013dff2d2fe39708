"""Approximate Bayesian computation: from what history matching leaves, parameters by how near their runs come.

Sequential Monte Carlo by pyABC. The prior is even over what the waves have left; the distance of a run is the root mean
square of its moments' distances from the targets, in tolerances, so that 0.5 is what a model without fault would have if a
tolerance is two standard deviations. Each population has to come nearer than half of the last; it is drawn anew from what
is left and not by shaking the last, because in some thirty dimensions a shaken population leaves the ranges and its weights
degenerate. Points are drawn in one sequence, the seed of a run follows from its parameters, and a population is the first so
many of the sequence that come near: the same command makes the same set with any number of processes. The results folder
keeps every finished run and every finished population, and the same command goes on from there.

References
----------
T. Toni et al. (2009), Approximate Bayesian computation scheme for parameter inference and model selection in dynamical
systems, Journal of the Royal Society Interface 6, 187-202, doi:10.1098/rsif.2008.0172. E. Klinger, D. Rickert and
J. Hasenauer (2018), pyABC: distributed, likelihood-free inference, Bioinformatics 34, 3591-3593,
doi:10.1093/bioinformatics/bty361.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import multiprocessing
import os
import pathlib
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.calibration.matching import MOST_BATCHES, Effort, Wave, draw_left, survives
from sim.calibration.moments import moments_table
from sim.calibration.targets import Targets
from sim.files import write_text
from sim.language import _
from sim.plan import DamagedResultsError, OtherPlanError, canonical
from sim.problems import not_installed, shown
from sim.progress import FEWEST_FOR_GUESS, PATIENCE, PLAIN_EVERY
from sim.studies import Interrupted

DATABASE, KEY, RUNS = "smc.db", "smc.json", "smc-runs.jsonl"
#: what the sampler's processes share; it forks them
FORK = multiprocessing.get_context("fork")
DRAWN_AT_ONCE = 64
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

    @property
    def digest(self) -> str:
        """One hash of all of it."""
        numbers = (
            self.cube,
            self.weights,
            self.distances,
            self.values,
            np.array([self.epsilon, *self.samples]),
        )
        return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in numbers)).hexdigest()


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
    Interrupted
        If it is interrupted; finished runs are kept.
    OtherPlanError
        If the folder's database belongs to other targets, waves or sources.
    DamagedResultsError
        If the folder's database, or the file that says what it holds, is damaged.
    """
    pyabc = load_pyabc()
    said = _said(targets, waves, effort)
    history, done = _finished(pyabc, said, out, targets)
    while len(done) < effort.generations and not (done and done[-1].epsilon <= NEAR_ENOUGH):
        near = next_epsilon(done, waves, targets)
        _one_more(pyabc, history, out, targets, waves, near, len(done), effort.particles, workers, run)
        history, done = _finished(pyabc, said, out, targets)
    return done[-1]


def _one_more(
    pyabc: Any,
    history: Any,
    out: pathlib.Path,
    targets: Targets,
    waves: list[Wave],
    near: float,
    generation: int,
    particles: int,
    workers: int,
    run: Callable[[np.ndarray, Targets], np.ndarray],
) -> None:
    """Do the population with a number, from 0, whose runs have to come as near as this."""
    keys, names = targets.keys, tuple(target.key for target in targets.rows)
    runs = Runs(out / RUNS, particles, near)

    def model(particle: Any) -> dict[str, float]:
        values = runs.moments(np.array([particle[key] for key in keys]), targets, run)
        return dict(zip(names, map(float, values), strict=True))

    def away(one: dict[str, float], _other: Any) -> float:
        return float(distance(np.array([one[name] for name in names]), targets))

    left = prior_of(pyabc, targets, waves, generation)
    abc = pyabc.ABCSMC(
        model,
        left,
        distance_function=away,
        population_size=particles,
        transitions=anew(pyabc, left),
        eps=pyabc.ConstantEpsilon(near),
        sampler=ahead(pyabc, workers, runs, left) if workers > 1 else pyabc.SingleCoreSampler(),
    )
    if history is None:
        abc.new(_url(out), {target.key: target.value for target in targets.rows})
    else:
        abc.load(_url(out), history.id)
    try:
        abc.run(max_nr_populations=1)
    except KeyboardInterrupt:
        raise Interrupted(out, len(read_runs(out / RUNS))) from None


class Runs:
    """The runs of one population: finished ones are kept in a file, and told of now and then.

    The processes that the sampler forks share the counts.

    Parameters
    ----------
    path
        File of finished runs.
    wanted, near
        How many have to come how near.
    """

    def __init__(self, path: pathlib.Path, wanted: int, near: float) -> None:
        self.path, self.wanted, self.near = path, wanted, near
        self.done, self.new, self.reached = (FORK.Value("q", 0) for _count in range(3))
        self.begin()
        self.began, self.told = time.monotonic(), FORK.Value("d", time.monotonic() + PATIENCE - PLAIN_EVERY)

    def begin(self) -> None:
        """Begin to count, and read what is kept."""
        self.kept = read_runs(self.path)
        for count in (self.done, self.new, self.reached):
            count.value = 0

    def moments(
        self, cube: np.ndarray, targets: Targets, run: Callable[[np.ndarray, Targets], np.ndarray]
    ) -> np.ndarray:
        """Return the moments of the run at a point, which is done only if it is not kept."""
        if (
            multiprocessing.parent_process() is not None
        ):  # who is interrupted is the process that waits for this one
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        name, values = str(seed_of(targets.point(cube))), None
        if name in self.kept:
            values = np.array(self.kept[name])
        else:
            values = run(cube, targets)
            if np.isfinite(values).any():  # what failed is tried again
                append_run(self.path, name, values)
        self._count(name not in self.kept, float(distance(values, targets)) <= self.near)
        return values

    def _count(self, new: bool, reached: bool) -> None:
        with self.told.get_lock():
            self.done.value, self.new.value = self.done.value + 1, self.new.value + new
            self.reached.value += reached
            now, count = time.monotonic(), min(self.reached.value, self.wanted)
            if now - self.told.value < PLAIN_EVERY:
                return
            self.told.value = now
            line = _("{near} of {wanted} near enough after {runs} runs").format(
                near=count, wanted=self.wanted, runs=self.done.value)  # fmt: skip
            if self.new.value >= FEWEST_FOR_GUESS and count:
                missing = (self.wanted - count) * self.done.value / count
                seconds = (now - self.began) / self.new.value * missing
                line += _(", about {seconds:.0f} s left").format(seconds=seconds)
            print(line, file=sys.stderr, flush=True)


def append_run(path: pathlib.Path, name: str, values: np.ndarray) -> None:
    """Add a finished run to a file, at one go: several processes may do so at a time."""
    # the line begins with its end, so that what a killed process has left of one spoils no other
    data = f"\n{json.dumps([name, values.tolist()])}".encode()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(file, data)
    finally:
        os.close(file)


def read_runs(path: pathlib.Path) -> dict[str, list[float]]:
    """Return the moments of finished runs by their seed; a line that is not whole counts for nothing."""
    found: dict[str, list[float]] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        with contextlib.suppress(ValueError, TypeError):
            name, values = json.loads(line)
            found[name] = values
    return found


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
        raise not_installed("pyABC", "calibrate") from None
    logging.getLogger("ABC.History").setLevel(logging.WARNING)
    return pyabc


def _url(out: pathlib.Path) -> str:
    return f"sqlite:///{os.fspath((out / DATABASE).resolve())}"


def _said(targets: Targets, waves: list[Wave], effort: Effort) -> dict[str, Any]:
    """Return what tells one calibration from another."""
    from sim.compiled import source_hash

    content = hashlib.sha256(b"".join(np.ascontiguousarray(w.values).tobytes() for w in waves)).hexdigest()
    return {
        "targets": [target.model_dump(mode="json") for target in targets.rows],
        "axes": [[axis.key, axis.low, axis.high] for axis in targets.axes],
        "scenario": targets.scenario.fingerprint,
        "months": targets.months,
        "particles": effort.particles,
        "waves": content,
        "model": source_hash(),
    }


def _finished(
    pyabc: Any, said: dict[str, Any], out: pathlib.Path, targets: Targets
) -> tuple[Any, list[Population]]:
    """Return a folder's history, None if it has none, and its finished populations, after a look whether they are sound.

    A file beside the database says of which calibration it is, and what each finished population was.
    """
    out.mkdir(parents=True, exist_ok=True)
    known = _known(said, out)
    history, done = None, []
    if (out / DATABASE).exists():
        try:
            with contextlib.closing(sqlite3.connect(out / DATABASE)) as database:
                database.execute("pragma schema_version")  # pyABC leaves what is no database open
            history = pyabc.History(_url(out), create=False)
            names = tuple(target.key for target in targets.rows)
            done = [population_of(history, targets.keys, names, t) for t in range(history.max_t + 1)]
        except Exception as error:  # whatever SQLite, SQLAlchemy, pyABC and pandas make of damage
            raise DamagedResultsError(_damage(out / DATABASE)) from error
    digests = [population.digest for population in done]
    if known != digests[: len(known)]:
        raise DamagedResultsError(_damage(out / DATABASE))
    write_text(out / KEY, canonical(said | {"populations": digests}))
    return history, done


def _known(said: dict[str, Any], out: pathlib.Path) -> list[str]:
    """Return the digests of the populations that a folder's file tells of, after a look whether it is of this calibration."""
    path = out / KEY
    if not path.exists():
        if (out / DATABASE).exists():
            raise DamagedResultsError(_damage(path))
        return []
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        known = list(before["populations"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedResultsError(_damage(path)) from error
    differing = [key for key, value in json.loads(canonical(said)).items() if before.get(key) != value]
    if differing:
        message = _("{path} belongs to another calibration ({keys}): choose another folder")
        raise OtherPlanError(message.format(path=shown(out / DATABASE), keys=", ".join(differing)))
    return known


def _damage(path: pathlib.Path) -> str:
    told = _(
        "{path}: damaged or missing; delete {files}, and the same command goes on from the runs that are kept"
    )
    return told.format(path=shown(path), files=f"{DATABASE}, {KEY}")


def prior_of(pyabc: Any, targets: Targets, waves: list[Wave], generation: int) -> Any:
    """Return the even distribution over what the waves have left of the unit cube.

    Its draws are one sequence for each population, of which whichever process asks takes the next: they hang neither on the
    processes nor on their number.
    """
    keys = targets.keys

    class Left(pyabc.DistributionBase):
        """Even over what is left: drawn in advance, several at once; `taken` is how many are."""

        taken = FORK.Value("q", 0)
        drawn: tuple[int, np.ndarray] = (-1, np.empty((0, 0)))

        def rvs(self, *_args: Any, **_options: Any) -> Any:
            with self.taken.get_lock():
                batch, place = divmod(self.taken.value, DRAWN_AT_ONCE)
                self.taken.value += 1
            if self.drawn[0] != batch:
                seed = (generation + 1 << 32) + MOST_BATCHES * batch
                self.drawn = batch, draw_left(DRAWN_AT_ONCE, waves, targets, seed)[0]
            return pyabc.Parameter(dict(zip(keys, map(float, self.drawn[1][place]), strict=True)))

        def pdf(self, x: Any) -> float:
            return float(survives(np.array([[x[key] for key in keys]]), waves, targets)[0])

    return Left()


def ahead(pyabc: Any, workers: int, runs: Runs, left: Any) -> Any:
    """Return the sampler that forms a population in this process, of runs that other processes have done ahead of it.

    The order in which pyABC's own sampler numbers particles is not that of the draws: of two processes one may be the first
    to take a number and the second to draw, so that a population would hang on who was faster.
    """

    class Ahead(pyabc.SingleCoreSampler):
        """Goes through the sequence from its beginning once the others have been far enough."""

        def sample_until_n_accepted(self, *arguments: Any, **options: Any) -> Any:
            first = left.taken.value
            # what the processes share goes with a fork, not with a pickle
            others = pyabc.MulticoreEvalParallelSampler(workers, pickle=False)
            others.sample_factory = self.sample_factory
            others.sample_until_n_accepted(*arguments, **options)
            left.taken.value = first
            runs.begin()
            return super().sample_until_n_accepted(*arguments, **options)

    return Ahead()


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


def next_epsilon(done: list[Population], waves: list[Wave], targets: Targets) -> float:
    """Return what the next population has to come under: half of the last one, or of the last wave's runs that are left."""
    if done:
        return float(np.quantile(done[-1].distances, SMALLEST_MEDIAN))
    last = waves[-1]
    kept = survives(last.cube, waves, targets)
    values = last.values[kept] if kept.any() else last.values
    return float(np.median(distance(values.reshape(-1, values.shape[2]), targets)))


def population_of(history: Any, keys: tuple[str, ...], stats: tuple[str, ...], t: int) -> Population:
    """Return a population of a history by its number, from 0, given the names of its parameters and moments."""
    table = history.get_population_extended(t=t).sort_index()
    weights = table["w"].to_numpy(dtype=float)
    values = table[[f"sumstat_{key}" for key in stats]].to_numpy(dtype=float)
    populations = history.get_all_populations()
    finished = populations[(populations.t >= 0) & (populations.t <= t)]
    return Population(
        table[[f"par_{key}" for key in keys]].to_numpy(dtype=float),
        weights / weights.sum(),
        table["distance"].to_numpy(dtype=float),
        values,
        float(finished.epsilon.iloc[-1]),
        tuple(map(int, finished.samples)),
    )
