"""The ledger: one row a startup, and growing tables of records.

A kernel reads a row like an object. It has three parts of whole cache lines, by who reads them: ``firms``, what nearly
every process reads of every row; ``states``, what operations and location read as well; ``books``, what single events
read.

Money is in wan (10,000 RMB), areas in m2, rents in RMB/m2/month, time in months since the first month of the scenario
(the history is negative).
"""

import copy
from typing import Any

import numpy as np

from sim.compiled import kernel
from sim.parameters import STAGES
from sim.randomness import uniform
from sim.terms import record_dtype

NEVER = -(2**30)  #: a month long before any history

LAST_STAGE = len(STAGES) - 1  # a stage is the number of the last round closed
LAST_ROUND = LAST_STAGE - 1  # a round is told by the stage before it

# status of a row of the ledger
ACTIVE = 0  # a startup at work
LISTED = 1  # went public: employs, rents and spins off, but is no startup any more
WAITING = 2  # founded, looking for rooms
DORMANT = 3  # failed, still on the register
ACQUIRED = 4
LEFT = 5  # left the region
LOST = 6  # never found rooms
CLOSED = 7  # failed and struck off the register
STATUSES = ("active", "listed", "waiting", "dormant", "acquired", "left", "lost", "closed")

# origin of a startup
INITIAL, INSTITUTE, FIRM, INDEPENDENT, ANCHOR, ABROAD = range(6)
ORIGINS = ("initial", "institute", "firm", "independent", "anchor", "abroad")

IN_PROGRAMME, SUPPORTED, LOCKED = 1, 2, 4  # bits of `aided`

UNDECIDED, PRODUCES_HERE, PRODUCES_OUTSIDE = range(3)  # sites of production


def aligned_rows(number: int, dtype: np.dtype) -> np.ndarray:
    """Return zeroed rows that begin at a cache line."""
    line = 64
    room = np.zeros(number * dtype.itemsize + line, dtype=np.uint8)
    start = -room.ctypes.data % line
    return room[start : start + number * dtype.itemsize].view(dtype)


#: who a startup is, where it stands, and the clocks that decide who acts this month
FIRMS = record_dtype(
    [
        ("uid", "<u8"),
        ("heads", "<f8"),  # in R&D; kept at its last value after an exit
        ("area", "<f8"),  # leased m2
        ("cash", "<f8"),  # wan
        ("cell", "<i4"),  # -1 without rooms
        ("born", "<i4"),  # month of the first lease
        ("lease_end", "<i4"),  # month
        ("boost_end", "<i4"),  # month until which it has more spin-offs
        ("search_end", "<i4"),  # month in which the search for money ends; NEVER if not searching
        ("pause_end", "<i4"),  # month from which it may search again
        ("waited", "<i2"),  # entrant: months without rooms; tenant: 1 on a stopgap lease
        ("segment", "i1"),
        ("stage", "i1"),
        ("status", "i1"),
        ("origin", "i1"),
        ("counted_as", "i1"),  # segment under which this month's fields count its heads
        ("aided", "i1"),  # bits of why its book must be read: IN_PROGRAMME, SUPPORTED, LOCKED
    ],
    size=64,
)

#: what it is worth, pays and receives
STATES = record_dtype(
    [
        ("lease_rent", "<f8"),  # RMB/m2/month
        ("log_quality", "<f8"),
        ("log_capability", "<f8"),  # log of quality times productivity, as of this month
        ("revenue_share", "<f8"),  # revenue over reference cost, as of this month
        ("spillover", "<f8"),  # log spillovers received from others, as of this month
        ("diversity", "<f8"),  # diversity of the others around it, as of this month
        ("relief", "<f8"),  # share of its rent that the public pays this month
        ("posts", "<f8"),  # heads that it wants to hire this month
    ],
    size=64,
)

#: what has happened to it: in the first cache line what happens to many
BOOKS = record_dtype(
    [
        ("ask", "<f8"),  # money looked for, wan
        ("valuation", "<f8"),  # after the last round, wan
        ("last_round", "<i4"),  # month
        ("rounds", "<i4"),  # closed rounds
        ("holding", "<i4"),  # last entry of its chain of fund holdings, -1 for none
        ("origin_place", "<i4"),  # row of Grid.origin_distance, -1 for none
        ("production", "<f8"),  # heads in production, wherever that is
        ("site", "<i4"),  # of its production
        ("ended", "<i4"),  # month of its end, NEVER before
        ("subsidy", "<f8"),  # received from month 0 on, wan
        ("eligible", "<i4"),  # bit i: eligible for rent cut i this month
        ("programmes", "<i4"),  # bit k: has a place in programme k
        ("parent", "<u8"),  # uid of the parent: a startup, a node, or 0
        ("support", "<f8"),  # money for running costs this month, wan
        ("vouchers_year", "<f8"),  # received in the calendar year of `aid_year`, wan, by kind of aid
        ("grants_year", "<f8"),
        ("orders_year", "<f8"),
        ("guided", "<f8"),  # guided money that it would have to return if it left, wan
        ("failure_factor", "<f8"),  # effects of the programmes in which it has a place
        ("seek_factor", "<f8"),
        ("log_help", "<f8"),  # log of the factor of productivity
        ("production_odds", "<f8"),  # log odds of producing outside
        ("lock_end", "<i4"),  # month until which guided money holds it here
        ("lock_fund", "<i4"),  # guided fund whose money it is
        ("aid_year", "<i4"),  # first month of the calendar year in which it last received aid
        ("reserved", "<i4"),  # month of its reservation on an uptake list
        ("applied", "<i4"),  # month of its application
    ],
    size=192,
)

#: a whole startup in one record: how rows leave the ledger
STARTUP = record_dtype(
    [(name, part.fields[name][0].str) for part in (FIRMS, STATES, BOOKS) for name in part.names]  # type: ignore
)


@kernel
def is_eligible(firm, rule, month):
    """Return whether a startup is of a segment, stage and age that a lever's row of the terms serves."""
    return (firm.status == ACTIVE and (rule.segments >> firm.segment) & 1 and firm.stage <= rule.max_stage
            and month - firm.born <= rule.max_age)  # fmt: skip


@kernel
def offered(mask, share, z):
    """Return the sum of the shares of the rent that a mask's rent cuts pay in a zone."""
    whole = 0.0
    for k in range(share.shape[0]):
        if (mask >> np.int64(k)) & np.int64(1):
            whole += share[k, z]
    return whole


@kernel
def turns(firms, chosen, key):
    """Return the number by which each chosen startup is served."""
    out = np.empty(chosen.size)
    for i in range(chosen.size):
        out[i] = uniform(key, firms[chosen[i]].uid, 0)
    return out


@kernel
def in_order(numbers, uids):
    """Return the positions by ascending number; equal numbers by uid. The halves of halves are merged upwards."""
    order, other, width = np.arange(numbers.size), np.empty(numbers.size, dtype=np.int64), 1
    while width < order.size:
        for first in range(0, order.size, 2 * width):
            middle, end = min(first + width, order.size), min(first + 2 * width, order.size)
            a, b = first, middle
            for k in range(first, end):
                i, j = order[min(a, middle - 1)], order[min(b, order.size - 1)]
                later = numbers[j] < numbers[i] or (numbers[j] == numbers[i] and uids[j] < uids[i])
                if b < end and (a == middle or later):
                    other[k], b = j, b + 1
                else:
                    other[k], a = i, a + 1
        order, other, width = other, order, 2 * width
    return order


@kernel
def in_turn(firms, chosen, key):
    """Return the rows `chosen` in the random order in which they are served; ties go by uid.

    The numbers are uniform, so as many drawers as rows hold about one each, and order is left to make in drawers only.
    """
    size, numbers = chosen.size, turns(firms, chosen, key)
    begin = np.zeros(size + 1, dtype=np.int64)
    for i in range(size):
        begin[drawer(numbers[i], size) + 1] += 1
    for d in range(size):
        begin[d + 1] += begin[d]
    out, number = np.empty(size, dtype=np.int64), np.empty(size)
    for i in range(size):
        d = drawer(numbers[i], size)
        out[begin[d]], number[begin[d]] = chosen[i], numbers[i]
        begin[d] += 1
    for i in range(1, size):
        row, mine, k = out[i], number[i], i
        while k > 0 and (
            mine < number[k - 1] or (mine == number[k - 1] and firms[row].uid < firms[out[k - 1]].uid)
        ):
            out[k], number[k] = out[k - 1], number[k - 1]
            k -= 1
        out[k], number[k] = row, mine
    return out


@kernel
def drawer(number, size):
    """Return which of `size` equal parts of the interval (0, 1) a number is in."""
    return min(np.int64(number * size), size - 1)


@kernel
def distinct(masks):
    """Return the different masks, ascending, and the position of each of `masks` among them; they are few."""
    found, columns, n = np.empty(masks.size, dtype=np.int64), np.empty(masks.size, dtype=np.int64), 0
    for mask in masks:
        k = position(found, n, mask)
        if k == n or found[k] != mask:
            for j in range(n, k, -1):
                found[j] = found[j - 1]
            found[k], n = mask, n + 1
    for i in range(masks.size):
        columns[i] = position(found, n, masks[i])
    return found[:n], columns


@kernel
def position(ascending, n, value):
    """Return how many of the first n numbers are below a value."""
    k = 0
    while k < n and ascending[k] < value:
        k += 1
    return k


@kernel
def ended(firms):
    """Return the rows, ascending, of firms that are neither at work, nor listed, nor looking for rooms."""
    out, n = np.empty(firms.shape[0], dtype=np.int64), 0
    for i in range(firms.shape[0]):
        status = firms[i].status
        if status != ACTIVE and status != LISTED and status != WAITING:
            out[n] = i
            n += 1
    return out[:n]


@kernel
def without_rooms(firms):
    """Return the rows, ascending, of founders who wait for rooms."""
    out, n = np.empty(firms.shape[0], dtype=np.int64), 0
    for i in range(firms.shape[0]):
        out[n] = i
        n += firms[i].status == WAITING
    return out[:n]


@kernel
def final(firms, month):
    """Return the rows, ascending, that nothing can change any more: off the register, without spin-offs to come."""
    out, n = np.empty(firms.shape[0], dtype=np.int64), 0
    for i in range(firms.shape[0]):
        if firms[i].status != DORMANT and firms[i].boost_end <= month:
            out[n] = i
            n += 1
    return out[:n]


@kernel
def move_rows(which, firms, states, books, to_firms, to_states, to_books, to_n):
    """Append the rows `which` (ascending) to another ledger; the last row takes the place of one that left."""
    n = firms.shape[0]
    for k in range(which.size - 1, -1, -1):
        i = which[k]
        to_firms[to_n], to_states[to_n], to_books[to_n] = firms[i], states[i], books[i]
        to_n += 1
        n -= 1
        firms[i], states[i], books[i] = firms[n], states[n], books[n]


@kernel
def copy_rows(which, firms, states, books, to_firms, to_states, to_books, to_n):
    """Write copies of the rows `which` into another ledger, from row `to_n` on."""
    for k in range(which.size):
        i = which[k]
        to_firms[to_n + k], to_states[to_n + k], to_books[to_n + k] = firms[i], states[i], books[i]


class Table:
    """Growing arrays of records, one beside the other. Rows are appended, and never reordered while a month runs.

    Parameters
    ----------
    dtypes
        The parts of a row.
    """

    def __init__(self, *dtypes: np.dtype) -> None:
        self._parts = [aligned_rows(1024, dtype) for dtype in dtypes]
        self._views: tuple[np.ndarray, ...] | None = (
            None  # kept, because processes ask for them all month long
        )
        self._n = 0
        self.version = 0  # changes when rows change place

    @property
    def n(self) -> int:
        """Number of rows in use."""
        return self._n

    @n.setter
    def n(self, number: int) -> None:
        self._n, self._views = number, None

    @property
    def parts(self) -> tuple[np.ndarray, ...]:
        """The parts of the rows in use, views."""
        if self._views is None:
            self._views = tuple([part[: self._n] for part in self._parts])
        return self._views

    @property
    def rows(self) -> np.ndarray:
        """The rows in use of a table of one part, a view."""
        (rows,) = self.parts
        return rows

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column, a view.

        Raises
        ------
        KeyError
            If no part has it.
        """
        for part in self._parts:
            if name in (part.dtype.names or ()):
                return part[name][: self.n]
        raise KeyError(name)

    def reserve(self, extra: int) -> tuple[np.ndarray, ...]:
        """Return the whole parts with room for `extra` more rows (`n` stays)."""
        if self.n + extra > len(self._parts[0]):
            for i, part in enumerate(self._parts):
                grown = aligned_rows(max(2 * len(part), self.n + extra), part.dtype)
                grown[: self.n] = part[: self.n]
                self._parts[i] = grown
            self._views = None
        return tuple(self._parts)

    def replace(self, rows: np.ndarray) -> None:
        """Take records with all fields as the content."""
        self.n, self.version = 0, self.version + 1
        for part in self.reserve(len(rows)):
            for name in part.dtype.names or ():
                part[name][: len(rows)] = rows[name]
        self.n = len(rows)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies: without the views, which a copy makes of its own rows."""
        return self.__dict__ | {"_views": None}

    def copy(self) -> "Table":
        """Return an independent copy, with room for as many rows again: pages that nobody writes cost nothing."""
        other = copy.copy(self)
        other._parts = [aligned_rows(2 * self.n + 1024, part.dtype) for part in self._parts]
        for new, old in zip(other._parts, self.parts, strict=True):
            new[: self.n] = old
        return other


class Ledger(Table):
    """The startups: ``firms, states, books = ledger.parts``."""

    def __init__(self) -> None:
        super().__init__(FIRMS, STATES, BOOKS)

    def whole(self, which: Any = slice(None)) -> np.ndarray:
        """Return a copy of the rows `which` (absent: all) as whole records, dtype STARTUP."""
        chosen = [part[which] for part in self.parts]
        rows = np.empty(len(chosen[0]), dtype=STARTUP)
        for part in chosen:
            for name in part.dtype.names:
                rows[name] = part[name]
        return rows

    def take(self, other: "Ledger", which: np.ndarray) -> None:
        """Append copies of the rows `which` of another ledger."""
        firms, states, books = other.parts
        to_firms, to_states, to_books = self.reserve(len(which))
        copy_rows(which, firms, states, books, to_firms, to_states, to_books, self.n)
        self.n += len(which)

    def give(self, which: np.ndarray, other: "Ledger") -> None:
        """Move the rows `which`, ascending, to another ledger; rows change place."""
        if which.size:
            firms, states, books = self.parts
            to_firms, to_states, to_books = other.reserve(len(which))
            move_rows(which, firms, states, books, to_firms, to_states, to_books, other.n)
            self.n, other.n, self.version = self.n - len(which), other.n + len(which), self.version + 1
