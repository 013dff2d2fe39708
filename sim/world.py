"""Everything that is kept between months: startups, cells, funds, and what this month has counted.

Startups stand in the ledger (``ledger.py``). Money is in wan (10,000 RMB), areas in m2, rents in RMB/m2/month, time in
months since the first month of the scenario (the history is negative).
"""

import copy
import dataclasses
import hashlib
from typing import Any

import numpy as np

from sim.compiled import exp, kernel, log
from sim.ledger import ABROAD, ACTIVE, ANCHOR, INDEPENDENT, INSTITUTE, LISTED, Ledger, Table, ended, final
from sim.space import Grid
from sim.terms import record_dtype

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
        ("partner", "<i4"),  # 1; a visiting fund has -1
    ]
)

#: a guided fund's money since month 0: called = purse + paid - returned + given back to the treasury [wan];
#: and the share of what is paid that the public loses, which returned money brings back also after the fund's end
GUIDED_PURSE = record_dtype(
    [(name, "<f8") for name in ("purse", "called", "paid", "returned", "handed_back", "loss")]
)

#: what a lever does this month, and what it has spent in the calendar year
ACCOUNT = record_dtype(
    [
        ("spent", "<f8"),  # wan this month, without fixed costs
        ("spent_year", "<f8"),  # wan
        ("served", "<f8"),  # startups, founders or rounds that received something this month
        ("refused", "<f8"),  # those that would have been served, had there been places or money
    ]
)

#: the market of compute
COMPUTE = record_dtype([(name, "<f8") for name in (
    "capacity",  # public capacity of the first month [GPU]
    "demand",  # GPU-months wanted
    "public_share",  # share of them that public capacity serves
    "price",  # relative to the national price of the first month
    "delivered",  # share of the GPU-months wanted that is delivered
    "log_sufficiency",  # log of that over its value in the first month
    "bill",  # (p/p0)^(1 - e): the bill for compute relative to that at the reference price
    "voucher_gpu",  # GPU-months that vouchers add, as of last month
)])  # fmt: skip

#: potential founders of the highest quality, in the region and outside
TALENT = record_dtype(
    [("uid", "<u8"), ("month", "<i4"), ("segment", "<i4"), ("origin", "<i4"), ("here", "<i4")]
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
    "entries", "landed", "failures", "acquisitions", "listings", "departures", "moves_in", "moves_out",
    "lost_for_space", "deals", "capital_wan", "guided_wan",
    "revenue_wan", "subsidised_area_m2", "subsidy_wan",
)  # fmt: skip
FLOW = {name: i for i, name in enumerate(FLOWS)}

# how often a cap or a clip binds
CAPS = record_dtype([(name, "<i8") for name in (
    "revenue_quality_cap", "revenue_cap", "target_low", "target_high", "runway_cut", "runway_hold",
    "no_space_to_hire", "wage_step", "rent_step", "tenants_squeezed", "demand_floor", "seek_quality_cap", "purse_full",
    "fund_cap", "commitment_exhausted", "ticket_short", "round_released", "search_expired", "crowd_out_short", "entrants_lost",
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


def compute_at_rest() -> np.ndarray:
    """Return a compute market at the national price, without public capacity."""
    market = np.zeros(1, dtype=COMPUTE)
    market["price"] = market["bill"] = 1.0
    return market


def node_table(grid: Grid) -> np.ndarray:
    """Return the sources of founders: the world's nodes, the independents, and last those from abroad."""
    nodes = grid.tables.nodes
    table = np.zeros(len(nodes) + 2, dtype=NODE)
    for row, node in zip(table, nodes, strict=False):
        row["uid"] = node_uid(node.id)
        row["graduates_per_year"] = node.ai_graduates_per_year
        row["spinoffs_per_year"] = node.ai_spinoffs_per_year
        row["origin"] = ANCHOR if node.kind == "anchor" else INSTITUTE
    table[-2]["uid"], table[-2]["origin"] = node_uid("independent"), INDEPENDENT
    table[-1]["uid"], table[-1]["origin"] = node_uid("abroad"), ABROAD
    return table


def node_uid(name: str) -> int:
    """Return the identity of a node, from its id; the top bit is clear."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


@kernel
def floor_exact(x):
    """Return the largest multiple of 2^-20 that is not above x."""
    return np.floor(x * 1048576.0) / 1048576.0


@kernel
def price_level(wage, operations):
    """w^p: what firms can charge when all of them pay the wage w.   (E13, E25)"""
    return exp(operations.wage_passed_on * log(wage))


class IdentityError(RuntimeError):
    """A quantity that must be conserved was not, or is no number: an error in the model, never in its input."""


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
        Universities, institutes and anchors, then the independents and those from abroad, (n_nodes + 2,).
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
    lift
        Factor of a zone's attraction by what levers offer there, by segment and phase, (4, 2, n_zones).
    housing
        Flats of talent housing in each zone that `log_talent` counts [units], (n_zones,).
    residual
        Attraction of each zone that nothing else explains [utils], (n_zones,).
    appeal, reference_appeal
        Inclusive value of the region by segment, now and at the start [utils], (4,).
    labour
        The labour market: one record.
    posts, filled
        Posts open this month [heads], and the share of them that is filled.
    scale
        Factor of founding, below 1 in the history.
    flows
        Counts of the month by zone, segment and FLOWS, (n_zones, 4, n_flows).
    founded_outside
        Potential founders of the month who chose another region, by segment, (4,).
    accounts
        What each lever did, (n_levers,).
    guided
        Purses of guided funds, (n_guided,).
    compute
        The market of compute: one record.
    uptake
        Reservations and applications of the month on the list of a zone, (2,).
    heads
        Heads of startups and listed firms by segment, as of the beginning of the month, (4,).
    talents
        Potential founders of the highest quality since month 0.
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
    lift: np.ndarray
    housing: np.ndarray
    residual: np.ndarray
    appeal: np.ndarray
    reference_appeal: np.ndarray
    labour: np.ndarray
    posts: np.ndarray
    filled: np.ndarray
    scale: float
    flows: np.ndarray
    founded_outside: np.ndarray
    accounts: np.ndarray
    guided: np.ndarray
    compute: np.ndarray
    uptake: np.ndarray
    heads: np.ndarray
    talents: Table
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
            lift=np.ones((4, 2, grid.n_zones)),
            housing=np.zeros(grid.n_zones),
            residual=np.zeros(grid.n_zones),
            appeal=np.zeros(4),
            reference_appeal=np.zeros(4),
            labour=at_rest(),
            posts=np.zeros(n),
            filled=np.zeros(n),
            scale=1.0,
            flows=np.zeros((grid.n_zones, 4, len(FLOWS))),
            founded_outside=np.zeros(4),
            accounts=np.zeros(0, dtype=ACCOUNT),
            guided=np.zeros(0, dtype=GUIDED_PURSE),
            compute=compute_at_rest(),
            uptake=np.zeros(2),
            heads=np.zeros(4),
            talents=Table(TALENT),
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

    def prepare_for(self, policies: Any) -> None:
        """Open an account for each lever and a purse for each guided fund, unless they are open."""
        if len(self.accounts) != len(policies.levers):
            self.accounts = np.zeros(len(policies.levers), dtype=ACCOUNT)
        number = len(policies.in_force(0).guided)
        if len(self.guided) != number:
            self.guided = np.zeros(number, dtype=GUIDED_PURSE)

    def begin_month(self, begins_year: bool = False) -> None:
        """Take those who ended last month out of the ledger, and forget the counts of that month, or year."""
        self.startups.give(ended(self.startups.parts[0]), self.former)
        self.former.give(final(self.former.parts[0], self.month), self.gone)
        self.flows[:] = 0.0
        self.founded_outside[:] = 0.0
        self.labour["returned"] = 0.0
        for name in ("spent", "served", "refused", *(("spent_year",) if begins_year else ())):
            self.accounts[name] = 0.0

    def check_finite(self) -> None:
        """Raise IdentityError if the cash of a startup or a field of the compute market is no finite number.

        Raises
        ------
        IdentityError
            Naming the month, and how many startups or which field.
        """
        endless = np.count_nonzero(~np.isfinite(self.startups["cash"]))
        if endless:
            raise IdentityError(
                f"month {self.month}: the cash of {endless} of {self.startups.n} is no finite number"
            )
        for name in self.compute.dtype.names or ():
            if not np.isfinite(self.compute[name][0]):
                raise IdentityError(f"month {self.month}: {name} of the compute market is no finite number")

    def check(self, tolerance: float = 1e-6) -> None:
        """Raise IdentityError if leases, other tenants and vacancy are not the stock, or leases are miscounted.

        Raises
        ------
        IdentityError
            Naming the cell and by how much; or if `check_finite` finds something.
        """
        self.check_finite()
        firms = self.startups.parts[0]
        sitting = firms[np.isin(firms["status"], (ACTIVE, LISTED))]
        startups = np.bincount(sitting["cell"], weights=sitting["area"], minlength=self.grid.n_cells)
        gap = np.abs(self.stock - startups - self.tenants - self.vacant) + np.abs(startups - self.leased)
        if gap.max() > tolerance * max(1.0, self.stock.max()):
            raise IdentityError(f"cell {gap.argmax()}: floor space is off by {gap.max():.6g} m2")
        if self.vacant.min() < -tolerance * max(1.0, self.stock.max()):
            raise IdentityError(f"cell {self.vacant.argmin()}: {-self.vacant.min():.6g} m2 oversold")
