"""Levels that figures take from runs: startups by zone and segment, rents and vacancy of zones."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from sim.figures.numbers import Band
from sim.record import POSITION, Run


def require_alike(runs: Sequence[Run]) -> None:
    """Check that runs are repetitions of one scenario.

    Raises
    ------
    ValueError
        If there is none, or if they differ in scenario, first month, length or zones, or share a seed.
    """
    if not runs:
        raise ValueError("there is no run to draw")
    first = runs[0]
    for run in runs[1:]:
        for name in ("scenario_id", "fingerprint", "first_month", "months", "zones"):
            ours, theirs = getattr(first, name), getattr(run, name)
            if ours != theirs:
                raise ValueError(f"runs of one figure differ in {name}: {ours!r} and {theirs!r}")
    seeds = [run.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"runs of one figure share a seed: {sorted(seeds)}")


@dataclasses.dataclass(frozen=True, eq=False)
class ZoneState:
    """Rent and vacancy of each zone at the end of a month; means over runs with intervals, (n_zones,).

    Attributes
    ----------
    rent
        Asking rent, weighted by floor space [RMB/m2/month].
    vacancy
        Vacant share of the lettable floor space.
    """

    rent: Band
    vacancy: Band

    @classmethod
    def of(cls, runs: Sequence[Run], months: int) -> "ZoneState":
        """Return the state at the end of the first `months` months of the record.

        Raises
        ------
        ValueError
            If the runs are not alike, or their record has no such month.
        """
        series = _at(runs, months)[:, :, 0]
        column = lambda name: series[:, :, POSITION[name]]  # noqa: E731
        stock = column("zone_stock_m2")
        vacancy = np.divide(
            column("zone_vacant_m2"), stock, out=np.full(stock.shape, np.nan), where=stock > 0
        )
        rent = np.where(stock > 0, column("zone_rent_rmb_m2_month"), np.nan)
        return cls(Band.over_seeds(rent), Band.over_seeds(vacancy).clipped(0.0, 1.0))


def startups_by_zone(runs: Sequence[Run], months: int) -> np.ndarray:
    """Return active startups at the end of the first `months` months, (n_runs, n_zones).

    Raises
    ------
    ValueError
        If the runs are not alike, or their record has no such month.
    """
    return _at(runs, months)[:, :, :, POSITION["startups"]].sum(axis=2)


def startups_by_segment(runs: Sequence[Run], months: int) -> np.ndarray:
    """Return active startups at the end of each of the first `months` months, (n_runs, months, n_segments).

    Raises
    ------
    ValueError
        If the runs are not alike, or their record has no such month.
    """
    _at(runs, months)
    return np.stack([run.arrays["series"][:months, :, :, POSITION["startups"]].sum(axis=1) for run in runs])


def _at(runs: Sequence[Run], months: int) -> np.ndarray:
    """Return the series in the last of the first `months` months, (n_runs, n_zones, n_segments, n_columns)."""
    require_alike(runs)
    if not 1 <= months <= runs[0].months:
        raise ValueError(f"months = {months}: the record has 1 to {runs[0].months}")
    return np.stack([run.arrays["series"][months - 1] for run in runs])
