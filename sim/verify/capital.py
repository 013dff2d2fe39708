"""Cases about money: the funnel of rounds, the matching of startups and funds, and the books of funds."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg, special

from sim.ledger import ACTIVE
from sim.model import ClusterModel
from sim.places import read_world
from sim.processes import exits, finance
from sim.randomness import Draws, combine, uniform
from sim.verify import worlds
from sim.verify.case import Case, Knob, KnobError, Row
from sim.verify.chance import each, none_row, number_of, share_row, sum_row
from sim.world import FLOW, World, exact

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Mapping[str, Any]


# Funnel

STAGES = 6


def failures(values: Values) -> np.ndarray:
    """Return the chance of failing in a month at each stage that gives the stated chances of a next round, (6,).

    Who is at a stage advances with chance a, else fails with chance f, else tries again next month; who has
    advanced may fail in the same month.
    """
    reach, advance = values["reach"], values["advance"]
    out = np.empty(STAGES)
    for k in range(STAGES - 1):
        a, p = advance[k], reach[k]
        stays = (1.0 - a / p) / (1.0 - a) if k == 0 else p / (a + p * (1.0 - a))
        out[k] = 1.0 - stays
    out[-1] = values["last_failure"]
    return out


def check_chances(values: Values) -> None:
    """Refuse chances that no hazard of failure gives."""
    reach, advance = values["reach"], values["advance"]
    if len(reach) != STAGES - 1 or len(advance) != STAGES - 1:
        raise KnobError(f"reach and advance: must be {STAGES - 1} numbers each")
    if advance[0] > reach[0]:
        raise KnobError("advance: the first must not be larger than the first of reach")


def through_rounds(values: Values, seed: int) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Return the stage that each startup reached, its months until it failed, and events not those of draws."""
    number, fail, advance = values["startups"], failures(values), np.append(values["advance"], 0.0)
    par = worlds.parameters({
        "finance.round_probability": tuple(float(a) for a in values["advance"]), "finance.first_window_months": 1.0,
        "finance.window_months": 1.0, "finance.seek_factor": 1.0, "finance.first_round_factor": 1.0,
        "finance.first_round_segment_factor": (1.0,) * 4, "finance.seek_quality_exponent": 0.0,
        "finance.first_gap_months": 0, "finance.gap_months": 0, "finance.stale_factor": 1.0,
        "finance.round_median_m_rmb": (0.01,) * 5, "finance.round_sd": 0.0, "finance.ticket_share": 1.0,
        "finance.score_bar": -20.0, "exits.failure_per_month": 1.0, "exits.failure_first_year_factor": 1.0,
        "exits.failure_stage_factor": tuple(fail.tolist()), "exits.acquisition_per_month": (0.0,) * STAGES,
        "exits.listing_per_month": 0.0, "exits.departure_per_month": 0.0})  # fmt: skip
    world = worlds.settle(worlds.town(1, 1, 1e9), worlds.startups(number, born=0, last_round=0))
    world.funds = worlds.funds(1, purse=1e8, commitment=1e8, uncalled=0.0)
    rows, terms = world.startups.whole(), worlds.terms_of(world.grid)
    order = np.argsort(rows["uid"])
    reached, lived, wrong, seen, month = np.zeros(number, np.int64), np.zeros(number, np.int64), 0, 0.0, 0
    while world.startups.n:
        month += 1
        world.month = month
        world.begin_month()
        world.former.n = world.holdings.n = world.deals.n = 0
        world.startups["holding"][:] = -1
        firms, draw = world.startups.parts[0], Draws(seed, month)
        before = firms["stage"].astype(np.int64)
        rises = (worlds.draws_of(firms, draw("seek")) < advance[before]).astype(np.int64)
        finance.close_rounds(world, par, terms, draw)
        stage = firms["stage"].astype(np.int64)
        last = before == STAGES - 1
        wrong += number_of((stage - before != rises) & ~last)
        ends = worlds.draws_of(firms, draw("fail")) < fail[stage]
        exits.end_startups(world, par, terms, draw)
        wrong += number_of((firms["status"] != ACTIVE) != ends)
        who = order[np.searchsorted(rows["uid"][order], firms["uid"])]
        reached[who], lived[who] = stage, month
        seen += 2.0 * len(firms)
    return reached, lived, wrong, seen


def chain(values: Values) -> np.ndarray:
    """Return the chances of being at a stage next month for who is at one this month, (6, 6)."""
    fail, advance, out = failures(values), np.append(values["advance"], 0.0), np.zeros((STAGES, STAGES))
    for k in range(STAGES):
        out[k, k] = (1.0 - advance[k]) * (1.0 - fail[k])
        if k + 1 < STAGES:
            out[k, k + 1] = advance[k] * (1.0 - fail[k + 1])
    return out


def check_funnel(values: Values, seed: int) -> list[Row]:
    """Compare who reaches which round, and for how long it lives, with an absorbing Markov chain."""
    reached, lived, wrong, seen = through_rounds(values, seed)
    number, shares = len(reached), np.cumprod(values["reach"])
    fundamental = linalg.inv(np.eye(STAGES) - chain(values))
    months = fundamental.sum(axis=1)
    spread = math.sqrt((2 * fundamental - np.eye(STAGES))[0] @ months - months[0] ** 2)
    rows = [none_row("rounds and ends that are not those of their draws", wrong, seen)]
    for k in range(STAGES - 1):
        hits = number_of(reached > k)
        rows.append(share_row(f"share that reaches round {k + 1}", hits, number, shares[k], each(STAGES)))
    rows.append(sum_row("mean months until a startup ends", months[0], float(lived.mean()), number,
                        lambda tilt: lifetime_cumulant(chain(values), tilt), spread, each(STAGES), f"{number:,} lives"))  # fmt: skip
    return rows


def lifetime_cumulant(stays: np.ndarray, tilt: float) -> float:
    """Return ln E e^(tilt (L - E L)), L being the months until a startup ends; infinite where there is none.

    ``stays`` is the chance matrix of those who go on, upper triangular, so that P(L > k) is the sum of the first row of
    its k-th power.
    """
    if math.exp(tilt) * stays.diagonal().max() >= 1.0:
        return math.inf
    lasting, ones = np.eye(len(stays)), np.ones(len(stays))
    mean = linalg.solve(lasting - stays, ones)[0]
    moment = 1.0 + math.expm1(tilt) * linalg.solve(lasting - math.exp(tilt) * stays, ones)[0]
    return math.log(moment) - tilt * mean


def draw_funnel(values: Values, seed: int, figure: "Figure") -> None:
    """Draw the share that reaches each round."""
    reached = through_rounds(values, seed)[0]
    axes, shares = figure.subplots(), np.concatenate([[1.0], np.cumprod(values["reach"])])
    found = [np.mean(reached >= k) for k in range(STAGES)]
    axes.bar(np.arange(STAGES), found, alpha=0.5, label="simulation")
    axes.plot(np.arange(STAGES), shares, "ko", label="theory")
    axes.set(xlabel="round", ylabel="share of startups that reach it")
    axes.legend()


FUNNEL = Case(
    name="funnel",
    title="chances of a next round make a funnel of cumulative products",
    about="With funds that never run short, each month a startup closes its next round with a chance, and else may "
    "fail; the shares that reach each round are the products of the chances to reach the next, and the months until a "
    "startup ends are the row sums of the fundamental matrix (I - Q)^-1. Under test: finance.close_rounds (search, "
    "list of pairs, rounds; E15, E16) and exits.end_startups (E17). Default: the funnel of CB Insights (2017), Venture "
    "capital funnel. Literature: J. Kemeny and J. Snell (1960), Finite Markov Chains.",
    knobs={
        "reach": Knob((0.46, 0.57, 0.55, 0.42, 0.46), "chance to reach the next round at all, by stage", "-", 0.01, 0.999),
        "advance": Knob((0.05, 0.08, 0.08, 0.06, 0.06), "chance to close it in a month", "1/month", 0.001, 0.95),
        "last_failure": Knob(0.1, "chance to end in a month at the last stage", "1/month", 0.01, 1.0),
        "startups": Knob(20_000, "startups", "-", 100, 500_000),
    },
    check=check_funnel,
    picture=draw_funnel,
    values_check=check_chances,
)  # fmt: skip


# Matching

FAR_KM = 4.0  # side of the cells, so that distance to seats counts


def crowd(values: Values, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return many startups that look for money and many funds, of all sorts."""
    n, m = values["startups"], values["funds"]

    def u(size: int, which: int) -> np.ndarray:
        return worlds.numbers(size, seed, which)

    def lognormal(size: int, which: int, mean: float, sd: float) -> np.ndarray:
        return np.round(np.exp(mean + sd * special.ndtri(u(size, which))), 3)

    rows = worlds.startups(
        n, ask=lognormal(n, 1, 7.0, 1.0), search_end=worlds.LONG, stage=(5 * u(n, 2)).astype(int),
        segment=(4 * u(n, 3)).astype(int), cell=(12 * u(n, 4)).astype(int),
        log_capability=0.6 * special.ndtri(u(n, 5)))  # fmt: skip
    table = worlds.funds(
        m, purse=lognormal(m, 6, 8.0, 1.0) / values["scarcity"], seat=(4 * u(m, 7)).astype(int), uncalled=0.0,
        commitment=np.round(lognormal(m, 8, 10.0, 0.5)), segments=1 + (15 * u(m, 9)).astype(int))  # fmt: skip
    return rows, table


def matched(par: Any, rows: np.ndarray, table: np.ndarray, seed: int) -> World:
    """Return a town after a month of rounds."""
    world = worlds.settle(worlds.town(cell_km=FAR_KM), rows)
    world.funds = table
    finance.close_rounds(world, par, worlds.terms_of(world.grid), Draws(seed, 0))
    return world


def pairs(par: Any, world: World, seed: int) -> Iterator[tuple[float, int, int, int, int]]:
    """Yield every pair above the bar by its place in the list: score, uids, rows."""
    f, key = par.finance, Draws(seed, 0).once("taste")
    far = world.grid.zone_distance / par.access.capital_range_km
    for i, firm in enumerate(world.startups.whole()):
        for v, fund in enumerate(world.funds):
            step = min(int(firm["stage"]), 4)
            if not (fund["segments"] >> firm["segment"]) & 1:
                continue
            if not fund["first_round"] <= step <= fund["last_round"]:
                continue
            u = uniform(np.uint64(combine(key, firm["uid"])), fund["uid"], int(firm["stage"]))
            score = firm["log_capability"] - f.distance_weight * far[firm["cell"], fund["seat"]]
            score += f.taste_sd * special.ndtri(u)
            if score > f.score_bar:
                yield -float(score), int(firm["uid"]), int(fund["uid"]), i, v


def by_the_book(par: Any, world: World, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what each startup raises and each fund keeps, going down the sorted list of all pairs once."""
    f, rows, table = par.finance, world.startups.whole(), world.funds
    need, purse = rows["ask"].copy(), table["purse"].copy()
    ticket = np.array([exact(f.ticket_share * size) for size in table["commitment"]])
    commitments: list[tuple[int, int, float]] = []
    made = np.zeros(len(rows))
    for *_, i, v in sorted(pairs(par, world, seed)):
        amount = min(need[i], purse[v], ticket[v])
        if amount > 0 and amount >= rows["ask"][i] * (f.lead_share if made[i] == 0 else f.follow_share):
            commitments.append((i, v, amount))
            purse[v], need[i], made[i] = purse[v] - amount, need[i] - amount, made[i] + 1
    raised = np.zeros(len(rows))
    for i, _, amount in commitments:
        raised[i] += amount
    closes = raised >= f.close_share * rows["ask"]
    for i, v, amount in commitments:
        purse[v] += 0.0 if closes[i] else amount
    return np.where(closes, raised, 0.0), purse


def hand_case() -> list[Row]:
    """Return the comparison of two startups and two funds with what they do by hand.

    Scores are 3 and 2 for the first startup, 2.5 and 1 for the second; both ask for 10, the purses hold 10 and 4.
    """
    plain = {"finance.taste_sd": 0.0, "finance.ticket_share": 1.0, "finance.seek_factor": 0.0,
             "finance.distance_weight": 1.0, "access.capital_range_km": 1.0}  # fmt: skip
    par = worlds.parameters(plain)
    cells = [(0.0, 0.0, 0, 1.0), (0.25, 0.0, 1, 1.0), (1.5, 0.0, 2, 1.0)]
    grid = worlds.grid_of(cells, [worlds.zone(f"zone-{z}", 1e6) for z in range(3)])
    world = worlds.settle(grid, worlds.startups(2, ask=10.0, search_end=worlds.LONG, stage=1, cell=[1, 0],
                                                log_capability=[3.25, 2.5]))  # fmt: skip
    world.funds = worlds.funds(2, purse=[10.0, 4.0], seat=[0, 2], uncalled=0.0)
    finance.close_rounds(world, par, worlds.terms_of(grid), Draws(1, 0))
    cash, purse = world.startups["cash"] - 1000.0, world.funds["purse"]
    found = {"raised by the first startup, which fund 1 serves in full": (10.0, cash[0]),
             "raised by the second, to which fund 2 offers 4 of 10": (0.0, cash[1]),
             "left to fund 1": (0.0, purse[0]), "released to fund 2": (4.0, purse[1])}  # fmt: skip
    return [
        Row(f"by hand: {what}", theory, float(is_), 0.0, "whole numbers")
        for what, (theory, is_) in found.items()
    ]


def check_matching(values: Values, seed: int) -> list[Row]:
    """Compare rounds with the sorted list, with rounds of permuted tables, and with a case by hand."""
    par = worlds.parameters({"finance.seek_factor": 0.0})
    rows, table = crowd(values, seed)
    start = worlds.settle(worlds.town(cell_km=FAR_KM), rows)
    start.funds = table
    raised, kept = by_the_book(par, start, seed)
    plain = matched(par, rows.copy(), table.copy(), seed)
    cash, money = plain.startups["cash"] - rows["cash"], float(raised.sum())
    out = hand_case()
    out += [
        Row("startups that raise money", float(number_of(raised)), float(number_of(cash)), 0.0, "a count"),
        Row("largest error of what a startup raises", 0.0, float(np.abs(cash - raised).max()), 1e-9 * (1 + money),
            "rounding of sums of money"),
        Row("largest error of what a fund keeps", 0.0, float(np.abs(plain.funds["purse"] - kept).max()), 1e-9 * (1 + money),
            "rounding of sums of money"),
    ]  # fmt: skip
    wrong = 0
    for k in range(values["orders"]):
        of_rows = np.argsort(worlds.numbers(len(rows), seed, 20 + 2 * k))
        of_funds = np.argsort(worlds.numbers(len(table), seed, 21 + 2 * k))
        mixed = matched(par, rows[of_rows], table[of_funds], seed)
        for name in ("cash", "stage", "valuation", "rounds"):
            wrong += number_of(mixed.startups[name] != plain.startups[name][of_rows])
        for name in ("purse", "invested"):
            wrong += number_of(mixed.funds[name] != plain.funds[name][of_funds])
    reason = "the order of rows decides nothing"
    out.append(
        Row(f"numbers that differ in {values['orders']} orders of the tables", 0.0, float(wrong), 0.0, reason)
    )
    return out


MATCHING = Case(
    name="matching",
    title="rounds are those of one ranked list of pairs, in whatever order the tables stand",
    about="All pairs of a startup that looks for money and a fund stand in one list by score; the list is gone down "
    "once. The engine never sorts it; here it is sorted and gone down in plain Python. Permuting startups and funds "
    "changes nothing, and a case of two by two comes out as by hand: below 60 % of its ask a round is released. Under "
    "test: finance.close_rounds (E16). Literature: D. Gale and L. Shapley (1962), College admissions and the stability "
    "of marriage, American Mathematical Monthly 69, 9-15.",
    knobs={
        "startups": Knob(150, "startups that look for money", "-", 1, 2_000),
        "funds": Knob(25, "funds", "-", 1, 500),
        "scarcity": Knob(1.0, "what purses are divided by", "-", 0.01, 1000.0),
        "orders": Knob(5, "orders of the tables that are tried", "-", 1, 100),
    },
    check=check_matching,
)


# Funds

SIDES = ("uncalled", "purse", "invested", "returned")  # where committed money is, but for what came twice
BILLION = 1e9


def with_funds(values: Values, seed: int) -> ClusterModel:
    """Return a model of the shipped world with a guided fund and a hub, and many departures."""
    plain = worlds.scenario()
    zone = read_world(plain.world).zones[-1].id
    guided = {"id": "guided", "kind": "guided-fund", "from": plain.start, "match_share": values["match"],
              "capital_rmb_year": BILLION * values["guided"], "crowd_out_share": values["crowd_out"]}  # fmt: skip
    hub = {"id": "hub", "kind": "vc-hub", "from": plain.start, "zone": zone, "partners": 2, "visitors": 3,
           "capital_rmb": 1e10, "cost_rmb_month": 0.0}  # fmt: skip
    changes = {"policies.guided": guided, "policies.hub": hub, "exits.locked_departure_factor": 1.0,
               "exits.departure_per_month": values["departure"]}  # fmt: skip
    return ClusterModel.from_scenario(plain.with_values(changes), seed)


def check_funds(values: Values, seed: int) -> list[Row]:
    """Compare where the money of every fund is with what was committed, month by month."""
    model = with_funds(values, seed)
    world, worst, below, raised, public = model.world, 0.0, 0, 0.0, 0.0
    for _ in range(values["months"]):
        model.step()
        table, (purse,) = world.funds, world.guided
        gap = table["committed"] - sum(table[name] for name in SIDES) + table["recycled"]
        worst = max(worst, float(np.abs(gap).max()))
        below += number_of(table["purse"] < 0.0) + number_of(table["uncalled"] < 0.0)
        below += purse.purse < 0.0
        raised += world.flows[:, :, FLOW["capital_wan"]].sum()
        kept = purse.purse + purse.paid - purse.returned + purse.handed_back
        public = max(public, abs(float(purse.called - kept)))
    paid = float(table["invested"].sum() + purse.paid)
    whole, exactly = float(table["committed"].sum()), "sums of multiples of 2^-20 below 2^33 are exact"
    rows = [
        Row("largest error of the books of a fund in a month (10,000 RMB)", 0.0, worst, 0.0, exactly),
        Row("purses and commitments below nothing", 0.0, float(below), 0.0, "no fund spends what it has not"),
        Row("money raised, as startups book it, less invested and guided money", 0.0, float(raised) - paid, 1e-12 * whole,
            "rounding of sums over months"),
        Row("money of all rounds less invested and guided money", 0.0, float(world.deals.rows["amount"].sum()) - paid,
            1e-12 * whole, "rounding of sums over rounds"),
        Row("largest error of the guided fund's book (10,000 RMB)", 0.0, public, 0.0, exactly),
    ]  # fmt: skip
    return rows


FUNDS = Case(
    name="funds",
    title="every fund's money is somewhere, in every month of a whole run",
    about="committed = uncalled + purse + invested + returned - recycled for each fund and month, with a guided fund that "
    "takes private money away, a hub with visiting funds, and departures that return money; what startups raise is what "
    "funds invest and the guided fund pays. Under test: funds.call_capital, funds.seat_funds, finance.close_rounds and "
    "exits.end_startups in the model's own month (E16, E17, E21).",
    knobs={
        "months": Knob(48, "months of the run", "months", 1, 1_200),
        "guided": Knob(3.0, "guided money in a year", "billion RMB", 0.0, 1_000.0),
        "match": Knob(1.0, "private money for one of guided", "-", 0.25, 10.0),
        "crowd_out": Knob(0.7, "private money withdrawn for one of guided", "-", 0.0, 1.0),
        "departure": Knob(0.01, "chance that a startup leaves at the reference rent", "1/month", 0.0, 0.5),
    },
    check=check_funds,
)

CASES = (FUNNEL, MATCHING, FUNDS)
