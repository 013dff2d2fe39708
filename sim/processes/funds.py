"""Funds: who they are, where they sit, and the money that they call.

Equations
---------
(E16) Each fund calls its commitment evenly over its investment period into a purse of at most twelve months. At the
end of a period what is uncalled goes back to its investors, and the next commitment follows its record. Sizes fall as
a power law of rank; partner funds invest in everything. A hub moves seats of partner funds, or opens seats of visiting
funds, part of whose money would have come anyway and is taken from the others. A guided fund calls public money.

References
----------
S. Kaplan and A. Schoar (2005), Private equity performance: returns, persistence, and capital flows, Journal of Finance
60, 1791-1823, doi:10.1111/j.1540-6261.2005.00780.x (the next fund follows the record of the last).
"""

import numpy as np

from sim.compiled import exp, kernel, log
from sim.ledger import LAST_ROUND
from sim.randomness import combine, pick, uniform
from sim.space import total
from sim.world import FUND, exact, node_uid

VISITOR = -1  # in place of the mark of partners; others are not judged by visitors' records
LARGE, MIDDLE = 0.3, 0.6  # of the funds by rank of size: invest late, invest in all but the last round


def found_funds(world, par, draw) -> None:
    """Draw the funds: sizes, seats, rounds, segments and the phase of their periods (writes funds).

    Partner funds invest in everything. The others' sizes fall as a power law of their rank; the largest 30 %
    invest from A or B upward, the next 30 % from seed to C, the rest from seed to A or B.
    """
    settings = world.grid.tables.settings["funds"]
    index = world.grid.tables.zone_index
    partners = [index[zone] for zone in settings["partner_seats"]][: par.values.finance.funds]
    zones = np.array([index[zone] for zone in settings["seat_weights"]])
    weights = np.array(list(settings["seat_weights"].values()), dtype=float)
    funds = np.zeros(par.values.finance.funds, dtype=FUND)
    write_funds(funds, np.array(partners, dtype=np.int64), zones, weights, par.table, draw.once("fund-table"))
    begin_funds(funds, par.table, world.month, fund_scale(par, world.month))
    world.funds = funds


def fund_scale(par, month: int) -> float:
    """Return the factor of commitments: below 1 in the history, counted at the middle of the period."""
    middle = month + par.values.finance.period_months // 2
    growth = exp(par.values.initial.history_growth_per_month * min(middle, 0))
    return growth * (par.values.outlook.climate if month >= 0 else 1.0)


def call_capital(world, par, terms) -> None:
    """Open periods that begin this month and call a month's money, private and guided (writes funds, guided)."""
    climate = terms.climate if world.month >= 0 else 1.0
    pace = par.values.outlook.climate * climate if world.month >= 0 else 1.0
    scale = fund_scale(par, world.month) * climate
    call_funds(world.funds, par.table, world.month, scale, pace, world.caps)
    call_guided(terms.guided, world.guided)


def seat_funds(world, par, terms) -> None:
    """Move partner funds, add visiting funds to a hub, draw likings anew (writes funds)."""
    redrawn = (
        np.flatnonzero(world.funds["partner"] == 1)[: terms.redrawn_funds] if terms.redrawn_funds else ()
    )
    for v in redrawn:
        world.funds["uid"][v] = combine(world.funds["uid"][v], np.uint64(1)) >> 1
    for seats in terms.seats:
        elsewhere = world.funds["seat"] != seats.zone
        partners = np.flatnonzero((world.funds["partner"] == 1) & elsewhere)
        world.funds["seat"][partners[: seats.partners]] = seats.zone
        if seats.visitors:
            add_visitors(world, par, seats)


def add_visitors(world, par, seats) -> None:
    """Append visiting funds; what would have come anyway is taken from the others' commitments."""
    funds, months = world.funds, par.values.finance.period_months
    others = total(funds["base_commitment"])
    share = min(seats.counted * seats.capital / others, 1.0) if others > 0.0 else 0.0
    shrink_funds(funds, share)
    # not concatenated: records of an equal dtype that is another object, as after unpickling, would become plain rows
    world.funds = np.zeros(len(funds) + seats.visitors, dtype=FUND)
    world.funds[: len(funds)] = funds
    open_visitors(
        world.funds[len(funds) :], np.uint64(node_uid(seats.name)), seats.zone, exact(seats.capital / seats.visitors),
        world.month % months
    )  # fmt: skip


@kernel
def write_funds(funds, partners, zones, weights, par, key):
    """Fill the fund table from addressed draws: one address a fund."""
    finance = par[0].finance
    number, others, total = funds.shape[0], funds.shape[0] - partners.size, 0.0
    for v in range(number):
        fund = funds[v]
        fund.uid = combine(np.uint64(0x66756E64), np.uint64(v)) >> np.uint64(1)
        fund.offset = np.int64(uniform(key, fund.uid, 0) * finance.period_months)
        late = np.int64(1) if uniform(key, fund.uid, 1) < 0.5 else np.int64(2)
        if v < partners.size:
            fund.partner, fund.seat, fund.base_commitment = 1, partners[v], finance.partner_size
            fund.segments, fund.first_round, fund.last_round = 15, 0, LAST_ROUND
        else:
            rank = v - partners.size
            share = (rank + 0.5) / others
            fund.base_commitment = finance.other_size * exp(-log(share) / finance.size_exponent)
            fund.seat = zones[pick(uniform(key, fund.uid, 2), weights)]
            fund.segments = draw_focus(key, fund.uid)
            if share < LARGE:
                fund.first_round, fund.last_round = late, LAST_ROUND
            elif share < MIDDLE:
                fund.first_round, fund.last_round = 0, 3
            else:
                fund.first_round, fund.last_round = 0, late
        total += fund.base_commitment
    for v in range(number):
        funds[v].base_commitment = exact(funds[v].base_commitment * finance.capital_bn_rmb / total)


@kernel
def draw_focus(key, uid):
    """Return bits of two to four segments, all sets of a size equally likely; APP brings OPC along."""
    wanted = 2 + np.int64(uniform(key, uid, 3) * 3.0)
    bits, left = np.int64(0), wanted
    for s in range(4):
        if uniform(key, uid, 4 + s) * (4 - s) < left:
            bits |= np.int64(1) << np.int64(s)
            left -= 1
    if bits & 2:
        bits |= 1
    return bits


@kernel
def begin_funds(funds, par, month, scale):
    """Begin in the middle of each fund's period, with the part of its commitment that is still to call."""
    finance = par[0].finance
    for v in range(funds.shape[0]):
        fund = funds[v]
        elapsed = (month - fund.offset) % finance.period_months
        fund.commitment = exact(fund.base_commitment * scale)
        fund.uncalled = exact(fund.commitment * (finance.period_months - elapsed) / finance.period_months)
        fund.committed = fund.uncalled


@kernel
def record_of(fund):
    """Return a fund's performance: half plus proceeds over money invested."""
    return 0.5 + (fund.all_proceeds / fund.all_invested if fund.all_invested > 0.0 else 0.0)


@kernel
def call_funds(funds, par, month, scale, pace, caps):
    """Open periods that begin this month, then call a month's money into each purse.   (E16)"""
    finance = par[0].finance
    mean, number = 0.0, 0
    for v in range(funds.shape[0]):
        if funds[v].partner != VISITOR:
            mean += record_of(funds[v])
            number += 1
    mean /= max(number, 1)
    for v in range(funds.shape[0]):
        fund = funds[v]
        if (month - fund.offset) % finance.period_months == 0:
            relative = 1.0  # of a fund whose first period begins
            if fund.commitment > 0.0:
                own = record_of(fund) / mean
                relative = min(max(own, finance.performance_low), finance.performance_high)
                caps[0].fund_cap += relative != own
            fund.returned += fund.uncalled
            fund.commitment = exact(
                fund.base_commitment * scale * exp(finance.performance_exponent * log(relative))
            )
            fund.uncalled = fund.commitment
            fund.committed += fund.commitment
        rate = fund.commitment / finance.period_months
        room = max(finance.purse_months * rate - fund.purse, 0.0)
        called = min(fund.uncalled, exact(min(rate * pace, room)))
        fund.uncalled -= called
        fund.purse += called
        caps[0].fund_months += 1
        caps[0].purse_full += room < rate * pace
        caps[0].commitment_exhausted += fund.uncalled <= 0.0


@kernel
def call_guided(guided, purses):
    """Call a month's guided money, as far as the purse holds it.   (E16)"""
    for g in range(guided.size):
        called = exact(max(min(guided[g].call, guided[g].limit - purses[g].purse), 0.0))
        purses[g].purse += called
        purses[g].called += called


@kernel
def shrink_funds(funds, share):
    """Take a share of every fund's commitment, and of what of it is uncalled."""
    for v in range(funds.shape[0]):
        fund = funds[v]
        back = exact(share * fund.uncalled)
        fund.uncalled -= back
        fund.returned += back
        fund.base_commitment -= exact(share * fund.base_commitment)
        fund.commitment -= exact(share * fund.commitment)


@kernel
def open_visitors(funds, address, zone, commitment, offset):
    """Fill new funds that invest in everything and whose first period begins now."""
    for v in range(funds.shape[0]):
        fund = funds[v]
        fund.uid = combine(address, np.uint64(v)) >> np.uint64(1)
        fund.base_commitment, fund.seat, fund.offset = commitment, zone, offset
        fund.segments, fund.first_round, fund.last_round = 15, 0, LAST_ROUND
        fund.partner = VISITOR
