"""Everything that is kept between months: startups, cells, funds, and what this month has counted.

One row of the ledger is one startup; a kernel reads it like an object. Money is in wan (10,000 RMB), areas
in m2, rents in RMB/m2/month, time in months since the first month of the scenario (the history is negative).
The ledger has three parts, of one cache line a row, by who reads them: ``firms``, what nearly every process
reads of every row; ``states``, what operations and location read as well; ``books``, what single events read.
"""

import copy
import dataclasses
import hashlib
from typing import Any

import numpy as np

from sim.compiled import kernel
from sim.space import Grid

WAN = 10_000.0  #: RMB
NEVER = -(2**30)  #: a month long before any history

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
INITIAL, INSTITUTE, FIRM, INDEPENDENT, ANCHOR = range(5)
ORIGINS = ("initial", "institute", "firm", "independent", "anchor")


def record_dtype(fields: list[tuple[str, str]], size: int | None = None) -> np.dtype:
    """Return an aligned dtype, padded to `size` bytes, whose elements are records.

    Records read alike in compiled and in plain code.
    """
    tight: Any = np.dtype(fields, align=True)
    names = list(tight.names)
    layout = {
        "names": names,
        "formats": [tight.fields[name][0] for name in names],
        "offsets": [tight.fields[name][1] for name in names],
        "itemsize": size or tight.itemsize,
        "aligned": True,
    }
    return np.dtype((np.record, layout))


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

#: what has happened to it
BOOKS = record_dtype(
    [
        ("parent", "<u8"),  # uid of the parent: a startup, a node, or 0
        ("ask", "<f8"),  # money looked for, wan
        ("valuation", "<f8"),  # after the last round, wan
        ("subsidy", "<f8"),  # received from month 0 on, wan
        ("last_round", "<i4"),  # month
        ("eligible", "<i4"),  # bit i: eligible for rent cut i this month
        ("holding", "<i4"),  # last entry of its chain of fund holdings, -1 for none
        ("rounds", "<i4"),  # closed rounds
        ("origin_place", "<i4"),  # row of Grid.origin_distance, -1 for none
        ("ended", "<i4"),  # month of its end, NEVER before
    ],
    size=64,
)

#: a whole startup in one record: how rows leave the ledger
STARTUP = record_dtype(
    [(name, part.fields[name][0].str) for part in (FIRMS, STATES, BOOKS) for name in part.names]  # type: ignore
)

FUND = record_dtype(
    [
        ("uid", "<u8"),
        ("base_commitment", "<f8"),  # base commitment of a period, wan
        ("commitment", "<f8"),  # of the running period, wan
        ("uncalled", "<f8"),
        ("purse", "<f8"),  # called and not yet invested
        ("committed", "<f8"),  # flows since month 0 (and the stocks of that moment), wan
        ("invested", "<f8"),
        ("returned", "<f8"),
        ("recycled", "<f8"),
        ("all_invested", "<f8"),  # since the fund began, for its record
        ("all_proceeds", "<f8"),
        ("seat", "<i4"),  # zone
        ("offset", "<i4"),  # months by which its periods are shifted
        ("first_round", "<i4"),  # stages at which it invests, from ...
        ("last_round", "<i4"),  # ... to
        ("segments", "<i4"),  # bit s: invests in segment s
        ("partner", "<i4"),
    ]
)

NODE = record_dtype(
    [
        ("uid", "<u8"),
        ("graduates_per_year", "<f8"),
        ("spinoffs_per_year", "<f8"),
        ("origin", "<i4"),  # of its spin-offs
    ]
)

#: the region's labour market: the stock of seekers, the wage, and the flows of the month [heads]
LABOUR = record_dtype([(name, "<f8") for name in (
    "seekers", "wage", "usual_inflow", "usual_graduates", "inflow", "leavers", "released", "posts", "hires",
    "teams", "returned",
)])  # fmt: skip

#: one fund's part of one round; entries of a startup form a chain through `next`
HOLDING = record_dtype([("share", "<f8"), ("fund", "<i4"), ("rounds", "<i4"), ("next", "<i4")])

#: one closed round
DEAL = record_dtype(
    [("uid", "<u8"), ("amount", "<f8"), ("ask", "<f8"), ("month", "<i4"), ("stage", "<i4"),
     ("segment", "<i4"), ("zone", "<i4"), ("lead", "<i4"), ("investors", "<i4")])  # fmt: skip

# what a month counts by zone and segment; names and units are those of the series (record.py)
FLOWS = (
    "entries", "failures", "acquisitions", "listings", "departures", "moves_in", "moves_out",
    "lost_for_space", "deals", "capital_wan", "subsidised_area_m2", "subsidy_wan",
)  # fmt: skip
FLOW = {name: i for i, name in enumerate(FLOWS)}

# how often a cap or a clip binds
CAPS = record_dtype([(name, "<i8") for name in (
    "revenue_quality_cap", "revenue_cap", "target_low", "target_high", "runway_cut", "runway_hold",
    "no_space_to_hire", "wage_step", "rent_step", "tenants_squeezed", "demand_floor", "purse_full",
    "commitment_exhausted", "ticket_short", "round_released", "search_expired", "entrants_lost",
    "movers_without_room", "firm_months", "cell_months", "fund_months",
)])  # fmt: skip


@kernel
def exact(x):
    """Return x rounded to a multiple of 2^-20.

    Sums of such numbers (below 2^33) carry no rounding error, so they do not depend on the order of rows.
    """
    return np.floor(x * 1048576.0 + 0.5) / 1048576.0


def at_rest() -> np.ndarray:
    """Return a labour market at the wage 1, without seekers."""
    market = np.zeros(1, dtype=LABOUR)
    market["wage"] = 1.0
    return market


def node_table(grid: Grid) -> np.ndarray:
    """Return the sources of founders: the world's nodes and, last, the independents."""
    nodes = grid.tables.nodes
    table = np.zeros(len(nodes) + 1, dtype=NODE)
    for row, node in zip(table, nodes, strict=False):
        row["uid"] = node_uid(node.id)
        row["graduates_per_year"] = node.ai_graduates_per_year
        row["spinoffs_per_year"] = node.ai_spinoffs_per_year
        row["origin"] = ANCHOR if node.kind == "anchor" else INSTITUTE
    table[-1]["uid"], table[-1]["origin"] = node_uid("independent"), INDEPENDENT
    return table


def node_uid(name: str) -> int:
    """Return the identity of a node, from its id; the top bit is clear."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


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
def floor_exact(x):
    """Return the largest multiple of 2^-20 that is not above x."""
    return np.floor(x * 1048576.0) / 1048576.0


class IdentityError(RuntimeError):
    """A quantity that must be conserved was not: an error in the model, never in its input."""


class Table:
    """Growing arrays of records, one beside the other. Rows are appended, and never reordered while a month runs.

    Parameters
    ----------
    dtypes
        The parts of a row.
    """

    def __init__(self, *dtypes: np.dtype) -> None:
        self._parts = [aligned_rows(1024, dtype) for dtype in dtypes]
        self.n = 0
        self.version = 0  # changes when rows change place

    @property
    def parts(self) -> tuple[np.ndarray, ...]:
        """The parts of the rows in use, views."""
        return tuple(part[: self.n] for part in self._parts)

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
        return tuple(self._parts)

    def replace(self, rows: np.ndarray) -> None:
        """Take records with all fields as the content."""
        self.n, self.version = 0, self.version + 1
        for part in self.reserve(len(rows)):
            for name in part.dtype.names or ():
                part[name][: len(rows)] = rows[name]
        self.n = len(rows)

    def copy(self) -> "Table":
        """Return an independent copy."""
        other = copy.copy(self)
        other._parts = [aligned_rows(self.n, part.dtype) for part in self._parts]
        for new, old in zip(other._parts, self.parts, strict=True):
            new[:] = old
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

    def give(self, which: np.ndarray, other: "Ledger") -> None:
        """Move the rows `which`, ascending, to another ledger; rows change place."""
        if which.size:
            firms, states, books = self.parts
            to_firms, to_states, to_books = other.reserve(len(which))
            move_rows(which, firms, states, books, to_firms, to_states, to_books, other.n)
            self.n, other.n, self.version = self.n - len(which), other.n + len(which), self.version + 1


@dataclasses.dataclass
class World:
    """The state of one run. Arrays over cells have shape (n_cells,).

    Attributes
    ----------
    grid
        Cells, zones, nodes.
    month
        Month that is being simulated.
    nodes
        Universities, institutes and anchors, and last the independents, (n_nodes + 1,).
    startups
        The ledger of those at work, listed or looking for rooms; who ends stays to the end of the month.
    former
        Those who are still on the register, or whose end still brings spin-offs.
    gone
        Those since month 0 whom nothing can change any more.
    holdings, deals
        What funds hold, and the rounds closed since month 0.
    funds
        Venture funds, (n_funds,).
    stock
        Lettable floor space [m2].
    reference_rent
        Rent of the first month [RMB/m2/month].
    log_rent
        Log of the rent over the reference.
    rent
        Market rent [RMB/m2/month].
    tenant_demand
        Floor space that other tenants want at the reference rent [m2].
    tenants
        Floor space that they hold [m2].
    excess_vacancy
        Floor space vacant by nature beyond the mature level [m2]: of the first month's stock (row 0) and of
        space opened since (row 1), (2, n_cells).
    nearby_stock
        Floor space around each cell, weighted by nearness [m2].
    leased
        Floor space leased by startups and listed firms [m2].
    vacant
        Vacant floor space, as last counted [m2].
    largest_lease
        The most that one lease takes [m2]: no bound, except in the history.
    highest_rent
        The highest rent that ever was [RMB/m2/month].
    spillovers, log_spillovers
        Field of heads by segment, and its log form, (4, n_cells).
    diversity
        Jacobs field.
    attraction
        exp of the utility without rent, by segment, phase (early, late) and cell, (4, 2, n_cells).
    log_talent, log_capital
        Talent and capital access, logs.
    residual
        Attraction of each zone that nothing else explains [utils], (n_zones,).
    appeal, reference_appeal
        Inclusive value of the region by segment, now and at the start [utils], (4,).
    labour
        The labour market: one record.
    posts
        Posts open this month [heads].
    scale
        Factor of founding, below 1 in the history.
    flows
        Counts of the month by zone, segment and FLOWS, (n_zones, 4, n_flows).
    founded_outside
        Potential founders of the month who chose another region, by segment, (4,).
    relief_paid
        What each rent cut paid this month [wan], (n_cuts,).
    caps
        How often each cap bound since month 0.
    """

    grid: Grid
    month: int
    nodes: np.ndarray
    startups: Ledger
    former: Ledger
    gone: Ledger
    holdings: Table
    deals: Table
    funds: np.ndarray
    stock: np.ndarray
    reference_rent: np.ndarray
    log_rent: np.ndarray
    rent: np.ndarray
    tenant_demand: np.ndarray
    tenants: np.ndarray
    excess_vacancy: np.ndarray
    nearby_stock: np.ndarray
    leased: np.ndarray
    vacant: np.ndarray
    largest_lease: np.ndarray
    highest_rent: float
    spillovers: np.ndarray
    log_spillovers: np.ndarray
    diversity: np.ndarray
    attraction: np.ndarray
    log_talent: np.ndarray
    log_capital: np.ndarray
    residual: np.ndarray
    appeal: np.ndarray
    reference_appeal: np.ndarray
    labour: np.ndarray
    posts: np.ndarray
    scale: float
    flows: np.ndarray
    founded_outside: np.ndarray
    relief_paid: np.ndarray
    caps: np.ndarray

    @classmethod
    def empty(cls, grid: Grid, month: int) -> "World":
        """Return a world without startups and funds, at the rents and vacancies of the zone table."""
        n, stock = grid.n_cells, grid.spread_stock(grid.zone_values("stock_m2"))
        rent = grid.zone_values("rent_rmb_m2_month")[grid.zone]
        vacancy = grid.zone_values("vacancy_share")[grid.zone]
        vacant = stock * vacancy
        return cls(
            grid=grid,
            month=month,
            nodes=node_table(grid),
            startups=Ledger(),
            former=Ledger(),
            gone=Ledger(),
            holdings=Table(HOLDING),
            deals=Table(DEAL),
            funds=np.zeros(0, dtype=FUND),
            stock=stock,
            reference_rent=rent,
            log_rent=np.zeros(n),
            rent=rent.copy(),
            tenant_demand=np.zeros(n),
            tenants=np.zeros(n),
            excess_vacancy=np.zeros((2, n)),
            nearby_stock=np.zeros(n),
            leased=np.zeros(n),
            vacant=vacant,
            largest_lease=vacant.copy(),
            highest_rent=float(rent.max()),
            spillovers=np.zeros((4, n)),
            log_spillovers=np.zeros((4, n)),
            diversity=np.zeros(n),
            attraction=np.ones((4, 2, n)),
            log_talent=np.zeros(n),
            log_capital=np.zeros(n),
            residual=np.zeros(grid.n_zones),
            appeal=np.zeros(4),
            reference_appeal=np.zeros(4),
            labour=at_rest(),
            posts=np.zeros(n),
            scale=1.0,
            flows=np.zeros((grid.n_zones, 4, len(FLOWS))),
            founded_outside=np.zeros(4),
            relief_paid=np.zeros(0),
            caps=np.zeros(1, dtype=CAPS),
        )

    def copy(self) -> "World":
        """Return an independent copy; the grid, which nothing writes, is shared."""
        other = copy.copy(self)
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray | Table):
                setattr(other, field.name, value.copy())
        return other

    @property
    def space(self) -> np.ndarray:
        """Floor space that other tenants leave [m2], (n_cells,)."""
        return self.stock - self.tenants

    def begin_month(self) -> None:
        """Take those who ended last month out of the ledger, and forget the counts of that month."""
        self.startups.give(ended(self.startups.parts[0]), self.former)
        self.former.give(final(self.former.parts[0], self.month), self.gone)
        self.flows[:] = 0.0
        self.founded_outside[:] = 0.0
        self.labour["returned"] = 0.0

    def check(self, tolerance: float = 1e-6) -> None:
        """Raise IdentityError if leases, other tenants and vacancy are not the stock, or leases are miscounted.

        Raises
        ------
        IdentityError
            Naming the cell and by how much.
        """
        firms = self.startups.parts[0]
        sitting = firms[np.isin(firms["status"], (ACTIVE, LISTED))]
        startups = np.bincount(sitting["cell"], weights=sitting["area"], minlength=self.grid.n_cells)
        gap = np.abs(self.stock - startups - self.tenants - self.vacant) + np.abs(startups - self.leased)
        if gap.max() > tolerance * max(1.0, self.stock.max()):
            raise IdentityError(f"cell {gap.argmax()}: floor space is off by {gap.max():.6g} m2")
        if self.vacant.min() < -tolerance * max(1.0, self.stock.max()):
            raise IdentityError(f"cell {self.vacant.argmin()}: {-self.vacant.min():.6g} m2 oversold")
