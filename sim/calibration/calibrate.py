"""The whole calibration: waves of history matching, the sampler, the accepted set, and a summary of it in a few lines."""

import dataclasses
import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

from sim.accepted import FILE, Ensemble
from sim.calibration.ensemble import accepted, narrowings, ridges, volume_kept, write
from sim.calibration.matching import Effort, run_waves
from sim.calibration.smc import load_pyabc, sample
from sim.calibration.targets import Target, Targets
from sim.language import _
from sim.pool import processors


@dataclasses.dataclass(frozen=True)
class Met:
    """How one target fares: the runs of the shipped defaults and of the median member, the mean and central 90 % of the set."""

    target: Target
    shipped: float
    median: float
    mean: float
    low: float
    high: float

    @property
    def inside(self) -> tuple[bool, bool]:
        """Whether the median member and the mean lie within tolerance."""
        return self.meets(self.median), self.meets(self.mean)

    def meets(self, value: float) -> bool:
        """Return whether a value lies within tolerance."""
        return abs(float(self.target.deviation(value))) <= 1.0


def calibrate(
    targets: Targets, out: str | os.PathLike[str], effort: Effort, workers: int | None = None
) -> Ensemble:
    """Do what is missing of a calibration in a folder; return the accepted set, which then stands there too.

    Parameters
    ----------
    targets
        What is fitted, and what may move for it.
    out
        Results folder: a study for each wave, the sampler's database, the accepted set.
    effort
        How much is done.
    workers
        Processes; 0 runs in this one, absent takes one for each processor.

    Raises
    ------
    Interrupted
        If it is interrupted in a wave or in the sampler; finished runs are kept.
    CalibrationError
        If the targets cannot be met together.
    OtherPlanError
        If the folder holds another calibration.
    DamagedResultsError
        If the folder's results are damaged.
    ImportError
        If pyABC is not installed.
    """
    load_pyabc()  # say so before any run, if it is not there
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    waves = run_waves(targets, folder, effort, workers)
    population = sample(targets, waves, folder, effort, processors() if workers is None else workers)
    about = {
        "effort": dataclasses.asdict(effort) | {"generations": len(population.samples)},
        "left": [wave.left for wave in waves],
        "wave_runs": [int(np.prod(wave.values.shape[:2])) for wave in waves],
        "epsilon": population.epsilon,
        "sampler_runs": sum(population.samples),
        "population_runs": list(population.samples),
        "scenario": targets.scenario.id,
        "months": targets.months,
    }
    ensemble = accepted(targets, population, about)
    write(ensemble, folder / FILE)
    return ensemble


def how_met(ensemble: Ensemble, targets: Targets) -> list[Met]:
    """Return for each target how the median member, the mean and the whole set fare, and the shipped defaults beside them."""
    found, fitted = [], ensemble.fitted
    for target in targets.rows:
        own, values = ensemble.moments[target.key], fitted.moments[target.key]
        low, high = (float(q) for q in fitted.quantiles(values, (0.05, 0.95)))
        shipped, median = float(own[ensemble.shipped.argmax()]), float(own[ensemble.median_row])
        found.append(Met(target, shipped, median, fitted.mean(values), low, high))
    return found


def ids_of_members(ensemble: Ensemble, targets: Targets) -> np.ndarray:
    """Return how many moments the run of each vector meets, a moment with several numbers only if all of them, (n,)."""
    met = {
        row.key: np.abs([float(row.deviation(value)) for value in ensemble.moments[row.key]]) <= 1.0
        for row in targets.rows
    }
    ids = dict.fromkeys(row.id for row in targets.rows)
    return np.sum(
        [np.all([met[row.key] for row in targets.rows if row.id == name], axis=0) for name in ids], axis=0
    )


class Counts(NamedTuple):
    """How many moments the median member, the mean and the shipped defaults meet, and how many there are."""

    median: int
    mean: int
    shipped: int
    of: int


def ids_met(rows: list[Met]) -> Counts:
    """Return how many moments are met, a moment with several numbers only if all of them are."""
    ids = list(dict.fromkeys(row.target.id for row in rows))
    median, mean, shipped = (
        sum(all(row.meets(getattr(row, which)) for row in rows if row.target.id == name) for name in ids)
        for which in ("median", "mean", "shipped")
    )
    return Counts(median, mean, shipped, len(ids))


def told(counts: Counts) -> str:
    """Return how many moments are met as a sentence."""
    return _(
        "moments within tolerance: {a} of {n} by the median member, {b} by the mean, {c} by the shipped defaults"
    ).format(a=counts.median, b=counts.mean, c=counts.shipped, n=counts.of)


def summary(ensemble: Ensemble, targets: Targets) -> list[str]:
    """Return a calibration in a few lines."""
    rows = how_met(ensemble, targets)
    left = ", ".join(f"{share:.2g}" for share in ensemble.about["left"])
    lines = [
        _("{n} accepted vectors, worth {e:.0f} equal ones; distance up to {d:.2f}").format(
            n=len(ensemble), e=ensemble.effective, d=ensemble.about["epsilon"]),
        _("share of the ranges left after each wave: {left}").format(left=left),
        _("share of the ranges that comes near enough: {kept:.2g}").format(kept=volume_kept(ensemble)),
        told(ids_met(rows)),
    ]  # fmt: skip
    lines += [
        _("missed by the mean: {id} {name}: {mean:.4g}, wanted {low:g} to {high:g}").format(
            id=row.target.id, name=row.target.name, mean=row.mean, low=row.target.low, high=row.target.high)
        for row in rows if not row.inside[1]
    ]  # fmt: skip
    unknown = [row.key for row in narrowings(ensemble, targets) if row.verdict == _("not identified")]
    lines.append(_("not identified: {keys}").format(keys=", ".join(unknown) or "-"))
    lines += [
        _("ridge: {a} with {b}, correlation {r:.2f}").format(a=a, b=b, r=r)
        for a, b, r in ridges(ensemble)[:5]
    ]
    return lines


def to_dict(ensemble: Ensemble, targets: Targets) -> dict[str, Any]:
    """Return a calibration as what `--json` prints."""
    rows = how_met(ensemble, targets)
    return {
        "vectors": len(ensemble),
        "effective": ensemble.effective,
        "about": ensemble.about,
        "volume_kept": volume_kept(ensemble),
        "met": ids_met(rows)._asdict(),
        "targets": {
            row.target.key: {"id": row.target.id, "low": row.target.low, "value": row.target.value,
                             "high": row.target.high, "shipped": row.shipped, "median_member": row.median,
                             "mean": row.mean, "p5": row.low, "p95": row.high} for row in rows
        },
        "parameters": {
            row.key: {"prior": row.prior, "posterior": row.posterior, "width": row.width, "chance": row.chance,
                      "verdict": row.verdict}
            for row in narrowings(ensemble, targets)
        },
        "ridges": ridges(ensemble),
    }  # fmt: skip
