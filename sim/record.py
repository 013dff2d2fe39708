"""What a run leaves behind: one row of outcomes, monthly series by zone and segment, and who was present.

Every column is declared once, with unit and meaning; the Arrow tables carry both in their schema.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from sim import meanings
from sim.counts import had_rooms, take_fields, take_flows, take_peaks, take_stock, take_zones
from sim.ledger import (
    ACQUIRED,
    ACTIVE,
    CLOSED,
    DORMANT,
    LAST_STAGE,
    LEFT,
    LISTED,
    LOST,
    ORIGINS,
    PRODUCES_HERE,
    PRODUCES_OUTSIDE,
    STARTUP,
    STATUSES,
    WAITING,
    Ledger,
)
from sim.measures import DRAWS, MEASURES, SURVIVAL, Envelope, against_null, headline, survival
from sim.parameters import SEGMENTS
from sim.space import Grid
from sim.terms import WAN
from sim.world import COMPUTE as MARKET
from sim.world import LABOUR

YEARLY_RATE = 0.05  #: at which public cost is discounted

HORIZONS = (12, 36, 60, 120)  #: steps after which the startups present are taken down, besides the last
#: steps after which it is counted what became of the founders of the top share
FATE_STEPS = tuple(12 * years for years in meanings.FATE_YEARS)
FATES = ("kept", "producing_outside", "founded_outside", "left", "acquired", "failed", "no_rooms")


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a table: name, unit and meaning."""

    name: str
    unit: str
    meaning: str


#: counted at the end of the month, by zone and segment
STOCKS = (
    Column("startups", "startups", "Active startups"),
    Column("listed", "firms", "Firms that went public and are still here"),
    Column("dormant", "firms", "Failed firms still on the register, in their last zone"),
    Column("rd_heads", "heads", "R&D heads of active and listed firms"),
    Column("production_heads", "heads", "Production heads kept in the region"),
    Column("area_m2", "m2", "Floor space leased by active and listed firms"),
    Column("rent_bill_rmb", "RMB/month", "Rent of these leases before relief"),
    Column("production_outside_heads", "heads", "Production heads of these firms outside the region"),
)
#: counted over the month, by zone and segment, in the order of world.FLOWS
FLOW_COLUMNS = (
    Column("entries", "startups", "Entrants who found rooms"),
    Column("landed", "startups", "Those of them who were brought from abroad"),
    Column("failures", "startups", "Startups that failed"),
    Column("acquisitions", "startups", "Startups acquired"),
    Column("listings", "startups", "Startups that went public"),
    Column("departures", "startups", "Startups that left the region"),
    Column("moves_in", "startups", "Moves into the zone, from any cell"),
    Column("moves_out", "startups", "Moves out of a cell of the zone"),
    Column("lost_for_space", "startups", "Entrants lost because no rooms were found"),
    Column("deals", "rounds", "Rounds closed"),
    Column("capital_rmb", "RMB", "Money raised in these rounds"),
    Column("guided_rmb", "RMB", "Guided money in these rounds"),
    Column("revenue_rmb", "RMB", "Revenue of active and listed firms"),
    Column("subsidised_area_m2", "m2", "Floor space on which rent relief was paid"),
    Column("subsidy_rmb", "RMB", "Rent relief paid"),
)
#: counted at the end of the month, by zone and segment; no sum over zones
PEAKS = (
    Column(
        "startups_within_1km", "startups", "Most active startups of the segment within 1 km of one of them"
    ),
)
#: of the zone, repeated for each segment
ZONE_COLUMNS = (
    Column("zone_rent_rmb_m2_month", "RMB/m2/month", "Market rent of the zone, weighted by stock"),
    Column("zone_stock_m2", "m2", "Lettable floor space of the zone"),
    Column("zone_vacant_m2", "m2", "Vacant floor space of the zone"),
    Column("zone_tenants_m2", "m2", "Floor space held by other tenants"),
)
SERIES = STOCKS + FLOW_COLUMNS + PEAKS + ZONE_COLUMNS
#: of the whole region, one value a month; in the order of world.LABOUR but for what only the start needs
REGION = (
    Column("seekers_heads", "heads", "People who look for work in a startup, at the end of the month"),
    Column("wage_index", "of the first month", "Wage index, at the end of the month"),
    Column("inflow_heads", "heads", "People who began to look: graduates and experienced"),
    Column("leavers_heads", "heads", "Seekers who left the region's startup labour market"),
    Column("released_heads", "heads", "Heads that firms lost or released"),
    Column("posts_heads", "heads", "Posts open in firms"),
    Column("hires_heads", "heads", "Posts filled"),
    Column("teams_heads", "heads", "Founding teams, taken from the seekers"),
    Column("returned_heads", "heads", "Heads of ended firms who look for work here"),
)
#: the market of compute, likewise
COMPUTE = (
    Column("compute_capacity_gpu", "GPU", "Public compute of the first month"),
    Column("compute_demand_gpu", "GPU", "Compute that startups want"),
    Column("compute_public_share", "share", "Part of it that public capacity serves"),
    Column("compute_price", "of the first month", "Price of compute, relative to the national price"),
    Column("compute_delivered", "share", "Part of what is wanted that is delivered"),
)
#: of the list of a zone on offer
UPTAKE = (
    Column("reservations", "startups", "Startups that reserved rooms in the zone on offer"),
    Column("applications", "startups", "Startups that applied to move there"),
)
#: of each lever, one value a month
LEVER_COLUMNS = (
    Column("cost_rmb", "RMB", "Public money spent; negative where it comes back"),
    Column(
        "served",
        "count",
        "What received something: entrants of cash, rounds of a guided fund, GPU of a computing centre, else startups",
    ),
    Column("refused", "count", "Those that would have been served, had there been places or money"),
)
PRESENCE = (
    Column("step", "steps", "Steps after which the row was taken down"),
    Column("uid", "-", "Identity of the startup, the same in every scenario"),
    Column("zone", "-", "Zone, or the last one before an exit"),
    Column("segment", "-", "Segment"),
    Column("stage", "stage", "Last round closed: 0 none, 1 seed, 2 A, 3 B, 4 C, 5 D or later"),
    Column("status", "-", "active, listed, dormant, acquired, left or closed"),
    Column("rd_heads", "heads", "R&D heads; the last ones after an exit"),
    Column("production_heads", "heads", "Production heads kept in the region"),
    Column("area_m2", "m2", "Floor space leased"),
    Column("subsidy_rmb", "RMB", "Public money received since the first month: rent relief, aid, cash"),
)


#: numbers of a whole startup: name, unit, field of the ledger, factor, meaning
WHOLE = (
    ("uid", "-", "uid", 1.0, "Identity of the startup, the same in every scenario"),
    ("parent", "-", "parent", 1.0, "Identity of the parent: a startup, a node, or 0"),
    ("born", "months", "born", 1.0, "Month of the first lease"),
    ("ended", "months", "ended", 1.0, "Month of its end; below -1,000,000 before"),
    ("stage", "stage", "stage", 1.0, "Last round closed: 0 none, 1 seed, 2 A, 3 B, 4 C, 5 D or later"),
    ("rounds", "rounds", "rounds", 1.0, "Rounds closed"),
    ("rd_heads", "heads", "heads", 1.0, "R&D heads; the last ones after an exit"),
    ("production_heads", "heads", "production", 1.0, "Production heads, wherever they are"),
    ("area_m2", "m2", "area", 1.0, "Floor space leased"),
    ("lease_rent_rmb_m2_month", "RMB/m2/month", "lease_rent", 1.0, "Rent of the lease"),
    ("lease_end", "months", "lease_end", 1.0, "Month in which the lease ends"),
    ("cash_rmb", "RMB", "cash", WAN, "Cash"),
    ("valuation_rmb", "RMB", "valuation", WAN, "Valuation after the last round"),
    ("log_quality", "log", "log_quality", 1.0, "Log of its quality"),
    ("log_capability", "log", "log_capability", 1.0, "Log of quality times productivity"),
    ("subsidy_rmb", "RMB", "subsidy", WAN, "Public money received since the first month"),
)
#: its words
WORDS = {
    "zone": "Zone, or the last one before an exit",
    "segment": "Segment",
    "status": "active, listed, dormant, acquired, left or closed",
    "origin": "Where it comes from: " + ", ".join(ORIGINS),
}


class Recorder:
    """Takes down one run month by month.

    Parameters
    ----------
    first
        Month of the first record.
    months
        Number of months to come.
    n_zones
        Number of zones.
    levers
        Ids of the levers whose public cost is kept.
    """

    def __init__(self, first: int, months: int, n_zones: int, levers: tuple[str, ...]) -> None:
        self.first = first
        self.series = np.zeros((months, n_zones, 4, len(SERIES)))
        self.outside = np.zeros((months, 4))
        self.region = np.zeros((months, len(REGION + COMPUTE + UPTAKE)))
        self.levers = levers
        self.costs = np.zeros((months, len(levers), len(LEVER_COLUMNS)))
        self.ledgers: dict[int, Ledger] = {}
        self.fates = np.full((len(FATE_STEPS), 1 + len(FATES)), np.nan)

    def record(self, world, policies) -> None:
        """Take down the month that the world has just lived."""
        steps = world.month  # since month 0; the month just lived is the one before
        index, grid = steps - 1 - self.first, world.grid
        row = self.series[index]
        for ledger in (world.startups, world.former):
            firms, states, books = ledger.parts
            take_stock(firms, states, books, grid.zone, row)
        take_flows(world.flows, FLOW_UNITS, len(STOCKS), row)
        (firms, _, _), (first, near) = world.startups.parts, grid.near
        take_peaks(firms, grid.zone, first, near, POSITION["startups_within_1km"], row)
        take_zones(grid.first, world.stock, world.rent, world.vacant, world.tenants, row)
        self.outside[index] = world.founded_outside
        region, markets = self.region[index], len(REGION) + len(COMPUTE)
        take_fields(world.labour.view(np.float64), REGION_FIELDS, region)
        take_fields(world.compute.view(np.float64), COMPUTE_FIELDS, region[len(REGION) :])
        region[markets:] = world.uptake
        if len(self.levers):
            self.costs[index, :, 0] = world.accounts["spent"] * WAN + policies.fixed_cost_rmb(steps - 1)
            self.costs[index, :, 1] = world.accounts["served"]
            self.costs[index, :, 2] = world.accounts["refused"]
        if steps in FATE_STEPS:
            self.fates[FATE_STEPS.index(steps)] = fates(world)
        if steps in HORIZONS or index + 1 == len(self.series):
            self.ledgers[steps] = present(world)


POSITION = {column.name: i for i, column in enumerate(SERIES)}
#: factors from the world's flows to the columns of the series
FLOW_UNITS = np.array([WAN if column.unit == "RMB" else 1.0 for column in FLOW_COLUMNS])


def _fields(market: np.dtype, columns: tuple[Column, ...], names: Callable[[str], str]) -> np.ndarray:
    """Return the positions in a market's record, all numbers, of what columns show."""
    return np.array([(market.names or ()).index(names(column.name)) for column in columns])


REGION_FIELDS = _fields(LABOUR, REGION, lambda name: name.removesuffix("_heads").removesuffix("_index"))
COMPUTE_FIELDS = _fields(MARKET, COMPUTE, lambda name: name.removeprefix("compute_").removesuffix("_gpu"))


def fates(world) -> np.ndarray:
    """Return how many founders of the top share there were since the first month, and their FATES, (8,)."""
    talents = world.talents.rows
    ledgers = (world.gone, world.former, world.startups)
    uids, status, site = (
        np.concatenate([table[name] for table in ledgers]) for name in ("uid", "status", "site")
    )
    order = np.argsort(uids)
    here = talents[talents["here"] == 1]
    rows = order[np.searchsorted(uids, here["uid"], sorter=order)]
    now = status[rows]
    kept = np.isin(now, (ACTIVE, LISTED))
    return np.array([
        len(talents),
        kept.sum(),
        (kept & (site[rows] == PRODUCES_OUTSIDE)).sum(),
        len(talents) - len(here),
        (now == LEFT).sum(),
        (now == ACQUIRED).sum(),
        np.isin(now, (DORMANT, CLOSED)).sum(),
        np.isin(now, (LOST, WAITING)).sum(),
    ], dtype=float)  # fmt: skip


def firms_by_cell(world) -> np.ndarray:
    """Return the number of active startups and listed firms by cell, (n_cells,)."""
    here = np.isin(world.startups["status"], (ACTIVE, LISTED))
    return np.bincount(world.startups["cell"][here], minlength=world.grid.n_cells)


def present(world) -> Ledger:
    """Return copies of the rows of all startups that had rooms here since the first month."""
    found, ledgers = Ledger(), (world.gone, world.former, world.startups)
    found.reserve(sum(map(len, ledgers)))
    for ledger in ledgers:
        firms, _, books = ledger.parts
        found.take(ledger, had_rooms(firms, books))
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """The record of one run.

    Attributes
    ----------
    scenario_id, fingerprint, seed, start
        What was run: scenario id, its fingerprint, seed, calendar month of month 0.
    zones
        Ids of the zones, in the order of the arrays.
    first_month, months
        First month of the record, and number of months.
    arrays
        ``series`` (months, n_zones, 4, n_columns), ``region`` (months, n_columns), ``outside`` (months, 4), ``costs``
        (months, n_levers, n_columns) and ``fates`` (n_steps, 1 + n_fates).
    levers
        Ids of the levers.
    ledgers
        Who had rooms here, by step.
    deal_rows
        Rounds closed, (n_rounds,).
    caps
        How often each cap bound.
    cell_zone
        Zone of each cell, (n_cells,).
    grid
        The map.
    stock
        Lettable floor space by cell at the last month [m2], (n_cells,).
    before
        Active startups and listed firms by cell at the start, (n_cells,).
    """

    scenario_id: str
    fingerprint: str
    seed: int
    start: str
    zones: tuple[str, ...]
    first_month: int
    months: int
    arrays: dict[str, np.ndarray]
    levers: tuple[str, ...]
    ledgers: dict[int, Ledger]
    deal_rows: np.ndarray
    caps: dict[str, int]
    cell_zone: np.ndarray
    grid: Grid
    stock: np.ndarray
    before: np.ndarray

    @functools.cached_property
    def rows(self) -> dict[int, np.ndarray]:
        """Whole records of who had rooms here, by step."""
        return {step: ledger.whole() for step, ledger in self.ledgers.items()}

    @functools.cached_property
    def series(self) -> pa.Table:
        """Monthly series by zone and segment; units in the schema."""
        data = self.arrays["series"]
        months, zones, segments = (a.ravel() for a in np.indices(data.shape[:3]))
        keys = [
            ("month", "months", pa.array(months + self.first_month, pa.int32())),
            ("zone", "-", _names(zones, self.zones)),
            ("segment", "-", _names(segments, SEGMENTS)),
        ]
        flat = data.reshape(-1, data.shape[3])
        values = [(c.name, c.unit, pa.array(np.ascontiguousarray(flat[:, i]))) for i, c in enumerate(SERIES)]
        return _table(keys + values, {c.name: c.meaning for c in SERIES})

    @functools.cached_property
    def region(self) -> pa.Table:
        """Monthly series of the whole region: who founded outside, by segment, and the labour market."""
        values, outside = self.arrays["region"], self.arrays["outside"]
        months = pa.array(np.arange(len(values)) + self.first_month, pa.int32())
        columns = [("month", "months", months)]
        columns += [
            (c.name, c.unit, pa.array(values[:, i].copy())) for i, c in enumerate(REGION + COMPUTE + UPTAKE)
        ]
        names = [f"founded_outside_{segment.lower()}" for segment in SEGMENTS]
        columns += [(name, "founders", pa.array(outside[:, s].copy())) for s, name in enumerate(names)]
        told = dict.fromkeys(names, "Potential founders of the segment who chose another region")
        return _table(columns, told | {c.name: c.meaning for c in REGION + COMPUTE + UPTAKE})

    @functools.cached_property
    def presence(self) -> pa.Table:
        """Who was here after 12, 36, 60 and 120 steps and at the end; one row a startup and step."""
        steps = np.concatenate([np.full(len(ledger), step) for step, ledger in self.ledgers.items()])
        orders = [(ledger, np.argsort(ledger["uid"])) for ledger in self.ledgers.values()]
        names = ("uid", "cell", "segment", "stage", "status", "heads", "site", "production", "area",
                 "subsidy")  # fmt: skip
        rows = {name: np.concatenate([ledger[name][order] for ledger, order in orders]) for name in names}
        columns = [
            pa.array(steps, pa.int32()),
            pa.array(rows["uid"], pa.uint64()),
            _names(self.cell_zone[rows["cell"]], self.zones),
            _names(rows["segment"], SEGMENTS),
            pa.array(rows["stage"], pa.int8()),
            _names(rows["status"], STATUSES),
            pa.array(rows["heads"]),
            pa.array(np.where(rows["site"] == PRODUCES_HERE, rows["production"], 0.0)),
            pa.array(rows["area"]),
            pa.array(rows["subsidy"] * WAN),
        ]
        return _table(
            [(c.name, c.unit, column) for c, column in zip(PRESENCE, columns, strict=True)],
            {c.name: c.meaning for c in PRESENCE},
        )

    @functools.cached_property
    def startups(self) -> pa.Table:
        """Everybody who had rooms here up to the last step, whole, one row a startup; units in the schema."""
        rows = self.ledgers[max(self.ledgers)].whole()
        rows = rows[np.argsort(rows["uid"])]
        words = {"zone": (self.cell_zone[rows["cell"]], self.zones), "segment": (rows["segment"], SEGMENTS),
                 "status": (rows["status"], STATUSES), "origin": (rows["origin"], ORIGINS)}  # fmt: skip
        columns = [(name, "-", _names(*words[name])) for name in words]
        numbers = [(name, unit, pa.array(rows[field] * factor if factor != 1.0 else rows[field]))
                   for name, unit, field, factor, _meaning in WHOLE]  # fmt: skip
        return _table(
            numbers[:2] + columns + numbers[2:], {name: meaning for name, *_, meaning in WHOLE} | WORDS
        )

    @functools.cached_property
    def costs(self) -> pa.Table:
        """Public cost by month and lever [RMB], whom it served and whom it refused."""
        data = self.arrays["costs"]
        months, levers = (a.ravel() for a in np.indices(data.shape[:2]))
        flat = data.reshape(-1, len(LEVER_COLUMNS))
        return _table(
            [
                ("month", "months", pa.array(months + self.first_month, pa.int32())),
                ("lever", "-", _names(levers, self.levers)),
                *((c.name, c.unit, pa.array(flat[:, i].copy())) for i, c in enumerate(LEVER_COLUMNS)),
            ],
            {c.name: c.meaning for c in LEVER_COLUMNS},
        )

    @functools.cached_property
    def deals(self) -> pa.Table:
        """One row a closed round."""
        rows = np.sort(self.deal_rows, order=("month", "uid"))
        return _table(
            [
                ("month", "months", pa.array(rows["month"])),
                ("uid", "-", pa.array(rows["uid"])),
                ("zone", "-", _names(rows["zone"], self.zones)),
                ("segment", "-", _names(rows["segment"], SEGMENTS)),
                ("stage", "stage", pa.array(rows["stage"])),
                ("asked_rmb", "RMB", pa.array(rows["ask"] * WAN)),
                ("raised_rmb", "RMB", pa.array(rows["amount"] * WAN)),
                ("lead_fund", "-", pa.array(rows["lead"])),
                ("investors", "funds", pa.array(rows["investors"])),
            ],
            meanings.DEALS,
        )

    @functools.cached_property
    def outcomes(self) -> pa.Table:
        """One row: the region at the last month, sums over the run, public cost, and how often caps bound."""
        row = {
            "scenario": ("-", self.scenario_id),
            "seed": ("-", self.seed),
            "months": ("months", self.months),
        }
        row |= {name: (unit, value) for name, (unit, value) in self.measures().items()}
        row |= {f"cap_{name}": ("times", count) for name, count in self.caps.items()}
        kinds = {name: pa.float64() if value is None else None for name, (_unit, value) in row.items()}
        return _table(
            [(name, unit, pa.array([value], kinds[name])) for name, (unit, value) in row.items()],
            meanings.OUTCOMES,
            optional=True,
        )

    def measures(self) -> dict[str, tuple[str, float | None]]:
        """Return unit and value of each outcome; None where the run is too short for it."""
        data = self.arrays["series"]
        last, sums = data[-1].sum(axis=(0, 1)), data.sum(axis=(0, 1, 2))
        value = lambda name, of: float(of[POSITION[name]])  # noqa: E731
        costs = self.arrays["costs"][:, :, 0].sum(axis=1)
        rd, production = value("rd_heads", last), value("production_heads", last)
        out: dict[str, tuple[str, float | None]] = {
            "startups_region": ("startups", value("startups", last)),
            "listed_region": ("firms", value("listed", last)),
            "registered_region": ("firms", value("startups", last) + value("dormant", last)),
            "heads_region": ("heads", rd + production),
            "rd_heads_region": ("heads", rd),
            "production_heads_region": ("heads", production),
        }
        events = ("entries", "failures", "acquisitions", "listings", "departures", "lost_for_space", "deals")
        for name in events:
            out[name] = ("count", value(name, sums))
        wage = [column.name for column in REGION].index("wage_index")
        out["wage_index"] = ("of the first month", float(self.arrays["region"][-1, wage]))
        out["moves"] = ("count", value("moves_in", sums))
        for i, column in enumerate(UPTAKE):
            out[column.name] = ("count", float(self.arrays["region"][:, i - len(UPTAKE)].sum()))
        out["founded_outside"] = ("count", float(self.arrays["outside"].sum()))
        out["landed"] = ("count", value("landed", sums))
        out["capital_rmb"] = ("RMB", value("capital_rmb", sums))
        out["guided_rmb"] = ("RMB", value("guided_rmb", sums))
        out["production_outside_heads"] = ("heads", value("production_outside_heads", last))
        rows = self.ledgers[max(self.ledgers)]
        late = np.isin(rows["status"], (ACTIVE, LISTED)) & (rows["stage"] == LAST_STAGE)
        out["last_stage_region"] = ("firms", float(np.count_nonzero(late)))
        ends = (rows["ended"], np.isin(rows["status"], (DORMANT, CLOSED)))
        window = (self.first_month, self.first_month + self.months - 1)
        for name, years in SURVIVAL.items():
            out[name] = ("share", survival(rows["born"], *ends, *window, 12 * years))
        out["subsidy_rmb"] = ("RMB", value("subsidy_rmb", sums))
        out["public_cost_rmb"] = ("RMB", float(costs.sum()))
        out["public_cost_pv_rmb"] = ("RMB", present_value(costs, first=self.first_month))
        found = self.clustering()
        out |= {name: (unit, found[name]) for name, (unit, _meaning) in MEASURES.items()}
        return out | self._fates()

    def clustering(self) -> dict[str, float | None]:
        """Return the headline measures of clustering of the active startups and listed firms at the last month."""
        return headline(self.grid, self.stock, *self.firms, self.before)

    def clustering_null(self, draws: int = DRAWS) -> dict[str, Envelope]:
        """Return them with their null: the same firms thrown on floor space; draws follow from the run's seed."""
        return against_null(self.grid, self.stock, *self.firms, self.before, seed=self.seed, draws=draws)

    @functools.cached_property
    def firms(self) -> tuple[np.ndarray, np.ndarray]:
        """Cell and R&D heads of the active startups and listed firms at the last month, (n_firms,) each."""
        ledger = self.ledgers[max(self.ledgers)]
        here = np.isin(ledger["status"], (ACTIVE, LISTED))
        return ledger["cell"][here].astype(np.int64), ledger["heads"][here]

    def _fates(self) -> dict[str, tuple[str, float | None]]:
        """Return what became of the founders of the top share; None for years that the run does not reach."""
        out: dict[str, tuple[str, float | None]] = {}
        for step, counts in zip(FATE_STEPS, self.arrays["fates"], strict=True):
            number, years = None if np.isnan(counts[0]) else float(counts[0]), step // 12
            out[f"top_founders_{years}y"] = ("founders", number)
            out[f"top_kept_share_{years}y"] = ("share", float(counts[1] / number) if number else None)
            for name, count in zip(FATES, counts[1:], strict=True):
                out[f"top_{name}_{years}y"] = ("founders", None if number is None else float(count))
        return out

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the months and of who had rooms here, in hexadecimal; rounds, caps and the map follow from the same run."""
        digest = hashlib.sha256()
        for name in sorted(self.arrays):
            digest.update(np.ascontiguousarray(self.arrays[name]).tobytes())
        for step, ledger in self.ledgers.items():
            order = np.argsort(ledger["uid"], kind="stable")
            for name in STARTUP.names or ():
                if name != "holding":  # a position in another table
                    digest.update(str(step).encode() + np.ascontiguousarray(ledger[name][order]).tobytes())
        return digest.hexdigest()


def present_value(costs: np.ndarray, yearly_rate: float = YEARLY_RATE, first: int = 0) -> float:
    """Return monthly costs discounted to month 0, at 5 % a year unless stated otherwise."""
    return float(np.sum(costs / (1.0 + yearly_rate) ** ((first + np.arange(len(costs))) / 12)))


def _names(codes: Any, names: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string()))


def _table(
    columns: list[tuple[str, str, pa.Array]], told: dict[str, str], optional: bool = False
) -> pa.Table:
    """Return a table; without `optional` no cell may be absent, which Parquet writes in a third less time."""
    fields = [
        pa.field(name, array.type, optional, {"unit": unit, "meaning": told.get(name) or meanings.KEYS[name]})
        for name, unit, array in columns
    ]
    return pa.Table.from_arrays([array for _, _, array in columns], schema=pa.schema(fields))
