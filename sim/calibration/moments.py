"""Moments: the numbers of a run that a calibration looks at, computed from the run's recorded tables and from nothing else.

Months count from 1, the first that is simulated. A run is anything that has the tables ``series``, ``presence``,
``startups`` and ``deals`` of a run; the last month of a table is that of the run.

References
----------
E. Kaplan and P. Meier (1958), Nonparametric estimation from incomplete observations, Journal of the American Statistical
Association 53, 457-481, doi:10.1080/01621459.1958.10501452.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from sim.ledger import LAST_STAGE
from sim.measures import survival as surviving

MONTHS_A_YEAR = 12
FAILED, PRIVATE, INSTITUTE = ("dormant", "closed"), "active", "institute"


class Tables(Protocol):
    """The recorded tables of a run."""

    @property
    def series(self) -> Any:
        """Months by zone and segment."""

    @property
    def presence(self) -> Any:
        """Who was there after some steps."""

    @property
    def startups(self) -> Any:
        """Everybody who was there, whole."""

    @property
    def deals(self) -> Any:
        """Rounds closed."""


@dataclasses.dataclass(frozen=True)
class Window:
    """Where a moment looks.

    Attributes
    ----------
    first, last
        Months, both included.
    age
        Age in months, for survival.
    zones, over
        Ids of zones, and of those with which they are compared; empty for the whole region.
    """

    first: int
    last: int
    age: int = 0
    zones: tuple[str, ...] = ()
    over: tuple[str, ...] = ()

    @property
    def years(self) -> float:
        """Length in years."""
        return (self.last + 1 - self.first) / MONTHS_A_YEAR


def monthly(run: Tables, column: str, window: Window, zones: Sequence[str] = ()) -> np.ndarray:
    """Return a series by month of the window, summed over zones (all, if none is named) and segments.

    Columns that speak of a whole zone stand once for each segment and are counted once.
    """
    table = run.series
    month = table["month"].to_numpy() + 1
    chosen = (month >= window.first) & (month <= window.last)
    if zones:
        chosen &= is_one_of(table["zone"], zones)
    values = table[column].to_numpy()
    if column.startswith("zone_"):
        values = values / len(table["segment"].unique())
    places = month[chosen] - window.first
    return np.bincount(places, weights=values[chosen], minlength=window.last + 1 - window.first)


def is_one_of(column: pa.ChunkedArray, words: Sequence[str]) -> np.ndarray:
    """Return which rows of a column of words hold one of some words."""
    codes = column.combine_chunks()
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    wanted = np.array([word in words for word in codes.dictionary.to_pylist()], dtype=bool)
    return wanted[codes.indices.to_numpy()] if len(codes) else np.zeros(0, dtype=bool)


def at_the_end(run: Tables, column: str, window: Window) -> float:
    """Return a stock of the whole region at the end of the window."""
    return float(monthly(run, column, Window(window.last, window.last))[0])


def startups(run: Tables, window: Window) -> float:
    """Return the active startups."""
    return at_the_end(run, "startups", window)


def heads(run: Tables, window: Window) -> float:
    """Return the R&D heads of startups and listed firms."""
    return at_the_end(run, "rd_heads", window)


def heads_lowest(run: Tables, window: Window) -> float:
    """Return the lowest heads in the window over those of the first month."""
    first = monthly(run, "rd_heads", Window(1, 1))[0]
    return ratio(float(monthly(run, "rd_heads", window).min()), float(first))


def survival(run: Tables, window: Window) -> float:
    """Return the share of startups that have not failed at an age, by the hazards seen in the window.

    A firm counts at each age at which it is seen, whatever its age when the window opens; other ends than failure only
    end the watching; going public is no end. The first age at which a firm can fail is one month.
    """
    table = run.startups
    born, ended = (table[name].to_numpy() for name in ("born", "ended"))
    opens, closes = window.first - 1, window.last - 1  # months of the tables count from 0
    found = surviving(born, ended, is_one_of(table["status"], FAILED), opens, closes, window.age)
    return math.nan if found is None else found


def chosen_deals(run: Tables, window: Window) -> dict[str, np.ndarray]:
    """Return stage before the round and money raised of the rounds closed in the window."""
    month = run.deals["month"].to_numpy() + 1
    inside = (month >= window.first) & (month <= window.last)
    return {name: run.deals[name].to_numpy()[inside] for name in ("stage", "raised_rmb")}


def deals(run: Tables, window: Window) -> float:
    """Return the rounds closed in a year."""
    return len(chosen_deals(run, window)["stage"]) / window.years


def capital(run: Tables, window: Window) -> float:
    """Return the capital raised in a year [bn RMB]."""
    return float(np.sort(chosen_deals(run, window)["raised_rmb"]).sum()) / 1e9 / window.years


def early_share(run: Tables, window: Window) -> float:
    """Return the share of first rounds among all."""
    stages = chosen_deals(run, window)["stage"]
    return ratio(float(np.count_nonzero(stages == 0)), float(len(stages)))


def rent_ratio(run: Tables, window: Window) -> float:
    """Return the rent of some zones, weighted by stock, over that of others, mean over the window."""
    levels = []
    for zones in (window.zones, window.over):
        bill = sum(monthly(run, "zone_rent_rmb_m2_month", window, (z,)) * monthly(run, "zone_stock_m2", window, (z,))
                   for z in zones)  # fmt: skip
        levels.append(bill / monthly(run, "zone_stock_m2", window, zones))
    return float(np.mean(levels[0] / levels[1]))


def vacancy(run: Tables, window: Window) -> float:
    """Return the vacant share of the floor space of some zones, mean over the window."""
    vacant, stock = (monthly(run, f"zone_{what}_m2", window, window.zones) for what in ("vacant", "stock"))
    return float(np.mean(vacant / stock))


def institute_share(run: Tables, window: Window) -> float:
    """Return the share of spin-offs of universities and institutes among those who entered in the window."""
    born = run.startups["born"].to_numpy() + 1
    entered = (born >= window.first) & (born <= window.last)
    institutes = entered & is_one_of(run.startups["origin"], (INSTITUTE,))
    return ratio(float(np.count_nonzero(institutes)), float(np.count_nonzero(entered)))


def moves(run: Tables, window: Window) -> float:
    """Return the moves per firm, startup or listed, and year."""
    firms = monthly(run, "startups", window) + monthly(run, "listed", window)
    return ratio(float(monthly(run, "moves_in", window).sum()), float(firms.mean())) / window.years


def last_stage(run: Tables, window: Window) -> float:
    """Return the startups of the last stage that are neither listed nor gone."""
    table = run.presence
    there = (table["step"].to_numpy() == window.last) & (table["stage"].to_numpy() == LAST_STAGE)
    return float(np.count_nonzero(there & is_one_of(table["status"], (PRIVATE,))))


#: what can be asked of a run, by name
MOMENTS: dict[str, Callable[[Tables, Window], float]] = {
    function.__name__: function
    for function in (
        startups,
        survival,
        deals,
        capital,
        early_share,
        heads,
        heads_lowest,
        rent_ratio,
        vacancy,
        institute_share,
        moves,
        last_stage,
    )
}


def ratio(top: float, bottom: float) -> float:
    """Return a ratio, nan over 0."""
    return top / bottom if bottom else math.nan


def moments_table(run: Tables, asked: Sequence[Any]) -> pa.Table:
    """Return one row a target: its key and what the run has; null where it has none, or ends before the window does.

    Parameters
    ----------
    run
        A run.
    asked
        Targets: ``key``, ``moment`` and ``window``.
    """
    months = len(run.series["month"].unique())
    values = [MOMENTS[t.moment](run, t.window) if t.window.last <= months else math.nan for t in asked]
    schema = pa.schema([
        pa.field("key", pa.string(), metadata={"unit": "-", "meaning": "Key of the target"}),
        pa.field("value", pa.float64(), metadata={
            "unit": "of the target",
            "meaning": "What the run has; absent where it has none, or ends before the target's window does"}),
    ])  # fmt: skip
    return pa.table(
        [[target.key for target in asked], [None if math.isnan(v) else v for v in values]], schema
    )
