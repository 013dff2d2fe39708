"""Between the engine and its twin: the engine's state as plain values, and what differs between the two."""

import dataclasses
import math

import numpy as np
from textbook.model import TextbookModel
from textbook.words import ACQUIRED, ACTIVE, LISTED, LONG_AGO, LOST, SEGMENTS, WAITING

from sim.ledger import NEVER, ORIGINS, STATUSES
from sim.model import ClusterModel
from sim.processes.funds import VISITOR

SITES = (None, "here", "outside")
#: how far two floats may lie apart: the engine's exp and log are its own, and differ from math's in the last bits
RELATIVE = 1e-9
NO_ROOM = -1e5  #: an appeal that no rent and no neighbour could make


def month_of(value):
    """Return a month of the engine, with the twin's word for a month long ago."""
    return LONG_AGO if value <= NEVER else int(value)


def start_of(model: ClusterModel) -> dict:
    """Return the engine's state as the plain values from which the twin begins."""
    world = model.world
    half_life = model.setup.land.vacancy_half_life_months
    return {
        "month": world.month,
        "offices": {
            "stock": np.array(world.stock),
            "reference_rent": np.array(world.reference_rent),
            "rent": np.array(world.rent),
            "tenant_demand": np.array(world.tenant_demand),
            "excess_vacancy": np.array(world.excess_vacancy[0])
            * 2.0 ** (max(world.month - 1, 0) / half_life),
            "residual": np.array(world.residual),
        },
        "labour": {name: float(world.labour[name][0]) for name in ("seekers", "wage", "usual_inflow")},
        "compute": {name: float(world.compute[name][0]) for name in ("capacity", "price", "voucher_gpu")},
        "funds": [fund_of(row) for row in world.funds],
        "startups": [
            startup_of(row, world.holdings.rows, world.funds)
            for ledger in ledgers(world)
            for row in ledger.whole()
        ],
        "reference_appeal": [float(value) for value in world.reference_appeal],
    }


def fund_of(row) -> dict:
    """Return a row of the fund table as plain values."""
    money = ("commitment", "uncalled", "purse", "committed", "invested", "returned", "recycled", "all_invested",
             "all_proceeds")  # fmt: skip
    return {
        "uid": np.uint64(row["uid"]),
        "size": float(row["base_commitment"]),
        "seat": int(row["seat"]),
        "offset": int(row["offset"]),
        "rounds": (int(row["first_round"]), int(row["last_round"])),
        "segments": {s for s in range(4) if int(row["segments"]) >> s & 1},
        "partner": int(row["partner"]) == 1,
        "visiting": int(row["partner"]) == VISITOR,
        **{name: float(row[name]) for name in money},
    }


WHOLE = ("segment", "stage", "cell", "waited", "origin_place", "rounds")
MONTHS = ("born", "lease_end", "boost_end", "search_end", "pause_end", "ended", "lock_end", "reserved", "applied",
          "last_round")  # fmt: skip
REAL = (
    "heads",
    "cash",
    "area",
    "lease_rent",
    "log_quality",
    "ask",
    "valuation",
    "production",
    "guided",
    "subsidy",
)
#: what else is compared at the end of a month
SEEN = ("log_capability", "spillover", "diversity", "revenue_share", "posts", "support")


def ledgers(world):
    """Return the three places in which the engine keeps its startups."""
    return world.startups, world.former, world.gone


def startup_of(row, holdings, funds) -> dict:
    """Return a row of the ledger as plain values."""
    # who was acquired or listed has paid its holders: the engine leaves the chain where it was
    paid_out = STATUSES[row["status"]] in (ACQUIRED, LISTED)
    chain, at = [], -1 if paid_out else int(row["holding"])
    while at >= 0:
        fund, share, before, at = (holdings[at][name] for name in ("fund", "share", "rounds", "next"))
        chain.append((int(fund), float(share), int(before) - 1))
        at = int(at)
    return {
        "uid": np.uint64(row["uid"]),
        "parent": int(row["parent"]),
        "status": STATUSES[row["status"]],
        "origin": ORIGINS[row["origin"]],
        "site": SITES[row["site"]],
        "holdings": chain,
        **{name: int(row[name]) for name in WHOLE},
        **{name: month_of(row[name]) for name in MONTHS},
        **{name: float(row[name]) for name in REAL},
    }


#: fields in the order in which a month computes them: the first that differs tells the process that is at fault
SCHEDULE = (
    "seat", "size", "spillover", "diversity", "tenants", "rent", "demand", "price", "delivered", "log_sufficiency", "support",
    "voucher_gpu", "log_capability", "revenue_share", "posts", "wage", "heads", "cash", "commitment", "uncalled",
    "search_end", "ask", "pause_end", "number", "amount", "stage", "valuation", "status", "site", "production",
    "appeal", "founded outside", "is there", "segment", "log_quality", "cell", "area", "lease_rent", "lease_end",
    "reserved", "applied", "reservations", "applications",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Difference:
    """Where two histories differ: month, what, field, and both values."""

    month: int
    what: str
    field: str
    engine: object
    twin: object

    @property
    def place(self):
        """Return where in the month's schedule its field is computed."""
        return SCHEDULE.index(self.field) if self.field in SCHEDULE else len(SCHEDULE)

    def __str__(self):
        """Say it in one line."""
        return f"month {self.month}: {self.what}: {self.field}: engine {self.engine}, twin {self.twin}"


def near(a, b):
    """Return whether two values are the same: floats within the tolerance, all else exactly."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return a == b


def differences(model: ClusterModel, twin: TextbookModel, month: int) -> list[Difference]:
    """Return where the states of engine and twin differ after `month`, in the order of the schedule."""
    found: list[Difference] = []

    def hold(what, field, engine, own):
        if not near(engine, own):
            found.append(Difference(month, what, field, engine, own))

    world = model.world
    rows = {int(r["uid"]): r for ledger in ledgers(world) for r in ledger.whole()}
    own = {int(s.uid): s for s in (*twin.startups, *twin.former, *twin.gone)}
    for uid in sorted(rows.keys() - own.keys()):
        found.append(Difference(month, f"startup {uid}", "is there", STATUSES[rows[uid]["status"]], None))
    for uid in sorted(own.keys() - rows.keys()):
        found.append(Difference(month, f"startup {uid}", "is there", None, own[uid].status))
    for uid in sorted(rows.keys() & own.keys()):
        row, startup, what = rows[uid], own[uid], f"startup {uid}"
        hold(what, "status", STATUSES[row["status"]], startup.status)
        hold(what, "site", SITES[row["site"]], startup.site)
        for name in WHOLE:
            hold(what, name, int(row[name]), int(getattr(startup, name)))
        for name in MONTHS if startup.rounds else MONTHS[:-1]:  # the gap before the first round is the age
            if name == "born" and startup.status in (WAITING, LOST):
                continue  # the engine keeps the month of founding there until the first lease
            hold(what, name, month_of(row[name]), int(getattr(startup, name)))
        at_work = startup.status in (ACTIVE, LISTED) and startup.born < month
        for name in (*REAL, *(SEEN if at_work else ())):
            hold(what, name, float(row[name]), float(getattr(startup, name)))
    deals, own_deals = (
        [deal for deal in table if deal["month"] == month] for table in (world.deals.rows, twin.deals)
    )
    for table in (deals, own_deals):
        table.sort(key=lambda deal: int(deal["uid"]))
    hold("rounds", "number", len(deals), len(own_deals))
    for deal, own_deal in zip(deals, own_deals, strict=False):
        for name, value in own_deal.items():
            engine = int(world.funds["uid"][deal[name]]) if name == "lead" else deal[name].item()
            hold(f"round of startup {int(deal['uid'])}", name, engine, value)
    for row, fund in zip(world.funds, twin.funds, strict=True):
        for name, value in fund_of(row).items():
            hold(f"fund {int(row['uid'])}", name, value, getattr(fund, name))
    for name in ("rent", "leased", "vacant", "tenants"):
        for cell, (a, b) in enumerate(zip(getattr(world, name), getattr(twin.region, name), strict=True)):
            hold(f"cell {cell}", name, float(a), float(b))
    for name in ("seekers", "wage"):
        hold("labour", name, float(world.labour[name][0]), float(getattr(twin.labour, name)))
    for name in ("price", "demand", "delivered", "log_sufficiency", "voucher_gpu"):
        hold("compute", name, float(world.compute[name][0]), float(getattr(twin.compute, name)))
    for segment in range(4):
        appeal = float(
            world.appeal[segment]
        )  # the engine's word for a region without any room is a large number
        appeal = -math.inf if appeal < NO_ROOM else appeal
        hold(f"founders of {SEGMENTS[segment]}", "appeal", appeal, twin.appeal[segment])
        hold(f"founders of {SEGMENTS[segment]}", "founded outside", int(world.founded_outside[segment]),
             twin.founded_outside[segment])  # fmt: skip
    for name, engine, count in zip(("reservations", "applications"), world.uptake, twin.uptake, strict=True):
        hold("uptake list", name, int(engine), count)
    for account, policy in zip(world.accounts, twin.policies, strict=True):
        for name in ("spent", "served", "refused"):
            hold(f"lever {policy.id}", name, float(account[name]), float(getattr(policy, name)))
    for fund in twin.guided_funds:
        row = world.guided[[guided.policy for guided in twin.guided_funds].index(fund.policy)]
        for name in ("purse", "called", "paid", "returned", "handed_back"):
            hold(f"guided fund {fund.policy.id}", name, float(row[name]), float(getattr(fund, name)))
    return sorted(found, key=lambda difference: difference.place)


#: what of a start is compared first: the cause before what follows from it
CAUSES = ("residual", "commitment", "uncalled", "is there")


def differences_at_start(engine: dict, own: dict) -> list[Difference]:
    """Return where two states differ from which a twin may begin, each as plain values."""
    found: list[Difference] = []

    def hold(what, field, a, b):
        if not near(a, b):
            found.append(Difference(engine["month"], what, field, a, b))

    theirs, ours = ({int(s["uid"]): s for s in state["startups"]} for state in (engine, own))
    for uid in sorted(theirs.keys() ^ ours.keys()):
        hold(f"startup {uid}", "is there", *(s[uid]["status"] if uid in s else None for s in (theirs, ours)))
    hold("startups", "number", len(engine["startups"]), len(own["startups"]))
    for uid in sorted(theirs.keys() & ours.keys()):
        a, b = theirs[uid], ours[uid]
        for name in a | b:
            if name == "holdings":
                hold_alike(hold, f"startup {uid}", sorted(a[name]), sorted(b[name]))
            elif name != "last_round" or a["rounds"]:  # the gap before the first round is the age
                hold(f"startup {uid}", name, a.get(name), b.get(name))
    for name in engine["offices"]:
        place = "zone" if name == "residual" else "cell"
        for k, pair in enumerate(zip(engine["offices"][name], own["offices"][name], strict=True)):
            hold(f"{place} {k}", name, *map(float, pair))
    for market in ("labour", "compute"):
        for name in engine[market] | own[market]:
            hold(market, name, engine[market].get(name), own[market].get(name))
    for a, b in zip(engine["funds"], own["funds"], strict=True):
        for name in a | b:
            hold(f"fund {int(a['uid'])}", name, a.get(name), b.get(name))
    for segment, pair in enumerate(zip(engine["reference_appeal"], own["reference_appeal"], strict=True)):
        hold(f"founders of {SEGMENTS[segment]}", "appeal", *pair)
    hold("the start", "month", engine["month"], own["month"])
    rank = {field: place for place, field in enumerate(CAUSES)}
    return sorted(found, key=lambda difference: rank.get(difference.field, len(rank)))


def hold_alike(hold, what, engine, own):
    """Compare what funds hold of a startup: fund, share, and how many rounds had closed before."""
    hold(what, "number of holdings", len(engine), len(own))
    for a, b in zip(engine, own, strict=False):
        for field, one, other in zip(("holding", "share", "round"), a, b, strict=True):
            hold(what, field, one, other)


def compare(model: ClusterModel, twin: TextbookModel, months: int) -> list[Difference]:
    """Advance both until they differ, `months` at most; return the differences of that month."""
    for _ in range(months):
        model.step()
        twin.step()
        found = differences(model, twin, model.world.month - 1)
        if found:
            return found
    return []
