"""Cohorts of entrants that figures take from runs: which rounds they close, and what becomes of them.

A cohort are the startups that found their first rooms in the first months of a record. Each of them is then
followed for the same number of months at least, so that early and late entrants are compared at equal ages.
Startups that were there before the record are no part of it: of them only the survivors are known.
"""

import dataclasses
import warnings
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from sim.evaluation.intervals import resamples_of
from sim.figures.numbers import Band
from sim.figures.states import require_alike
from sim.intervals import FEWEST_PAIRS, LEVEL, Interval
from sim.ledger import ACQUIRED, CLOSED, DORMANT, LEFT, LISTED
from sim.parameters import SEGMENTS, STAGES
from sim.record import Run

LONGEST_ENTRY = 24  #: entrants of so many months make a cohort, or of a third of a shorter record
NO_ROUND = 2**30  #: months from entry to a round that was not closed
#: what became of a startup
HERE, FAILED, MOVED_AWAY, BOUGHT = range(4)
_FATES = {DORMANT: FAILED, CLOSED: FAILED, LEFT: MOVED_AWAY, ACQUIRED: BOUGHT}


class NobodyEnteredError(ValueError):
    """Nobody found first rooms in the first months of a record, so that there is no cohort to follow."""


@dataclasses.dataclass(frozen=True, eq=False)
class Cohort:
    """Startups that entered in the first months of a record; one element a startup, (n,).

    Attributes
    ----------
    runs
        Number of runs.
    entry_months
        Number of months in which they entered.
    followed
        Months for which each is followed after its entry, at least.
    run
        Position of its run.
    segment
        Segment at entry; a one-person company that raises money changes it later.
    fate
        `HERE`, `FAILED`, `MOVED_AWAY` or `BOUGHT`. A listed firm is here.
    listed
        Whether it went public by the end of the record.
    age
        Months from entry to its end, or to the end of the record.
    observed
        Months from entry to the end of the record.
    rounds
        Months from entry to the first round of each stage, (n, 5); `NO_ROUND` where none was closed.
    """

    runs: int
    entry_months: int
    followed: int
    run: np.ndarray
    segment: np.ndarray
    fate: np.ndarray
    listed: np.ndarray
    age: np.ndarray
    observed: np.ndarray
    rounds: np.ndarray

    @classmethod
    def of(cls, runs: Sequence[Run], entry_months: int | None = None) -> "Cohort":
        """Return the cohort of the first `entry_months` months of the runs' record.

        Parameters
        ----------
        runs
            Repetitions of one scenario.
        entry_months
            Absent: 24, or a third of a record shorter than 72 months.

        Raises
        ------
        ValueError
            If the runs are not alike, or no month is left to follow the entrants.
        NobodyEnteredError
            If nobody entered.
        """
        require_alike(runs)
        months = runs[0].months
        entry_months = max(1, min(LONGEST_ENTRY, months // 3)) if entry_months is None else entry_months
        if not 1 <= entry_months < months:
            raise ValueError(
                f"entrants of {entry_months} months cannot be followed in a record of {months} months"
            )
        parts = [_entrants(run, entry_months) for run in runs]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if not len(joined["age"]):
            raise NobodyEnteredError(f"nobody entered in the first {entry_months} months of the record")
        position = np.repeat(np.arange(len(runs)), [len(part["age"]) for part in parts])
        return cls(len(runs), entry_months, months - entry_months, run=position, **joined)

    def of_segment(self, segment: int) -> "Cohort":
        """Return those that entered in a segment, by its place in the parameters.

        Raises
        ------
        ValueError
            If there is none.
        """
        chosen = self.segment == segment
        if not chosen.any():
            raise ValueError(f"nobody entered in segment {SEGMENTS[segment]}")
        arrays = {name: value[chosen] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return dataclasses.replace(self, **arrays)

    def per_run(self, chosen: np.ndarray) -> np.ndarray:
        """Return how many of those `chosen`, (n,) of bool, belong to each run, (n_runs,)."""
        return np.bincount(self.run[chosen], minlength=self.runs)

    def __len__(self) -> int:
        return len(self.age)


def _entrants(run: Run, entry_months: int) -> dict[str, np.ndarray]:
    """Return what a cohort holds of the entrants of one run."""
    last = run.first_month + run.months - 1
    ledger: Any = run.rows[last + 1]
    born = np.asarray(ledger["born"], dtype=np.int64)
    chosen = (born >= run.first_month) & (born < run.first_month + entry_months)
    born, status = born[chosen], np.asarray(ledger["status"])[chosen]
    uid, segment = np.asarray(ledger["uid"])[chosen], np.asarray(ledger["segment"])[chosen]
    fate = np.full(len(born), HERE)
    for code, meaning in _FATES.items():
        fate[status == code] = meaning
    observed = last - born
    age = np.where(fate == HERE, observed, np.asarray(ledger["ended"], dtype=np.int64)[chosen] - born)
    rounds, segment = _rounds(run.deal_rows, uid, born, segment)
    return {
        "segment": segment,
        "fate": fate,
        "listed": status == LISTED,
        "age": age,
        "observed": observed,
        "rounds": rounds,
    }


def _rounds(
    deals: Any, uid: np.ndarray, born: np.ndarray, segment: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return months from entry to the first round of each stage, and the segment at entry.

    A deal states stage and segment before the round; the first round is the only one that changes a segment.
    """
    months, at_entry = np.full((len(uid), len(STAGES) - 1), NO_ROUND), segment.copy()
    order = np.argsort(uid)
    place = np.searchsorted(uid, deals["uid"], sorter=order)
    own = place < len(uid)
    own[own] = uid[order[place[own]]] == deals["uid"][own]
    rows = order[place[own]]
    before, age = np.asarray(deals["stage"])[own], np.asarray(deals["month"])[own] - born[rows]
    reached = np.minimum(before + 1, len(STAGES) - 1) - 1
    np.minimum.at(months, (rows, reached), age)
    first = before == 0
    at_entry[rows[first]] = np.asarray(deals["segment"])[own][first]
    return months, at_entry


@dataclasses.dataclass(frozen=True, eq=False)
class Funnel:
    """Shares of a cohort that closed a round of each stage soon enough.

    Attributes
    ----------
    startups, runs
        Startups of the cohort in all, and the number of runs.
    entry_months
        Number of months in which they entered.
    within
        Months from entry by which a round counts.
    reached
        Share of the entrants for each stage from seed on; with an interval over runs where there are enough.
    """

    startups: int
    runs: int
    entry_months: int
    within: int
    reached: tuple[Interval, ...]

    @classmethod
    def of(cls, cohort: Cohort, within: int | None = None) -> "Funnel":
        """Return the funnel of a cohort.

        Parameters
        ----------
        cohort
            Startups that entered together.
        within
            Months from entry by which a round counts; absent: as long as all are followed.

        Raises
        ------
        ValueError
            If not all of them are followed for so long.
        """
        within = cohort.followed if within is None else within
        if not 1 <= within <= cohort.followed:
            raise ValueError(
                f"within = {within}: all entrants are followed for 1 to {cohort.followed} months"
            )
        entered = cohort.per_run(np.ones(len(cohort), dtype=bool)).astype(float)
        soon = cohort.rounds <= within
        ratio = resamples_of(cohort.runs).ratio
        found = [ratio(cohort.per_run(of_stage).astype(float), entered) for of_stage in soon.T]
        reached = tuple(Interval(share.mean, share.low, share.high) for share in found)
        return cls(len(cohort), cohort.runs, cohort.entry_months, within, reached)


@dataclasses.dataclass(frozen=True, eq=False)
class Survival:
    """What became of a cohort by months since entry; shares of the entrants, (n_ages,).

    The three shares are nested: each adds one way of going. With five runs or more they are means over
    runs and intervals over them; with fewer, of all startups together, with Greenwood's interval.

    Attributes
    ----------
    startups, runs
        Startups of the cohort in all, and the number of runs.
    entry_months
        Number of months in which they entered.
    ages
        Months since entry, from 0 on.
    not_failed
        Share that has not failed.
    not_left
        Share that has neither failed nor left the region.
    here
        Share that has neither failed nor left nor been acquired.
    listed
        Share that is here and went public, at the end of the record.
    """

    startups: int
    runs: int
    entry_months: int
    ages: np.ndarray
    not_failed: Band
    not_left: Band
    here: Band
    listed: float

    @classmethod
    def of(cls, cohort: Cohort, months: int | None = None) -> "Survival":
        """Return the survival of a cohort.

        Parameters
        ----------
        cohort
            Startups that entered together.
        months
            Last age; absent: as long as all are followed. Beyond it those who entered late are censored.

        Raises
        ------
        ValueError
            If nobody is followed for so long.
        """
        months = cohort.followed if months is None else months
        longest = int(cohort.observed.max())
        if not 1 <= months <= longest:
            raise ValueError(f"months = {months}: entrants are followed for 1 to {longest} months")
        ages = np.arange(months + 1)
        return cls(
            startups=len(cohort),
            runs=cohort.runs,
            entry_months=cohort.entry_months,
            ages=ages,
            not_failed=_share_without(cohort, {FAILED}, ages),
            not_left=_share_without(cohort, {FAILED, MOVED_AWAY}, ages),
            here=_share_without(cohort, {FAILED, MOVED_AWAY, BOUGHT}, ages),
            listed=float(np.mean(cohort.listed)),
        )


def _share_without(cohort: Cohort, ways: Collection[int], ages: np.ndarray) -> Band:
    """Return the share of a cohort that has not gone in one of the ways by each age.

    Who went in another way can no longer go in these, and is known not to until the end of the record.
    Censoring it there and not at its own end gives the share of all entrants (one less the cumulative
    incidence), not that of an imagined region in which nobody goes in the other ways.
    """
    gone = np.isin(cohort.fate, list(ways))
    time = np.where(gone, cohort.age, cohort.observed)
    if cohort.runs < FEWEST_PAIRS:
        return product_limit(time, gone, ages)
    present = [cohort.run == r for r in range(cohort.runs) if np.any(cohort.run == r)]
    curves = [product_limit(time[own], gone[own], ages).mean for own in present]
    return Band.over_seeds(np.array(curves)).clipped(0.0, 1.0)


def product_limit(time: np.ndarray, happened: np.ndarray, ages: np.ndarray) -> Band:
    """Return the share to whom nothing has happened by each age (Kaplan and Meier), with its 95 % interval.

    Parameters
    ----------
    time
        Months until it happened, or until observation ended, (n,).
    happened
        Which of the two, (n,) of bool.
    ages
        Months, (n_ages,).

    Returns
    -------
    Band
        Share and interval (Greenwood, log-log), (n_ages,); the interval is nan while nothing has happened
        or where everybody is gone.
    """
    from scipy import stats  # takes a second to import

    if not np.any(happened):
        unknown = np.full(len(ages), np.nan)
        return Band(np.ones(len(ages)), unknown, unknown)
    survival = stats.ecdf(stats.CensoredData.right_censored(time, ~happened)).sf
    with warnings.catch_warnings():  # that it is not defined everywhere
        warnings.simplefilter("ignore", RuntimeWarning)
        limits = survival.confidence_interval(LEVEL, method="log-log")
    return Band(survival.evaluate(ages), limits.low.evaluate(ages), limits.high.evaluate(ages))
