"""Exits: failure, acquisition, listing, departure and the register.

Equations
---------
(E17) Failure: a background hazard by stage, lower in the first year, and one in four a month without cash.
Acquisition by stage; the last stage goes public. A listed firm keeps its heads, rooms and spin-offs but is no
startup any more. Funds receive their part of the price, some of which they may invest again.
(E21) Departure from the region: ``h = h0 (rent paid / reference)^e (1 + a stage) exp(pull x outside offer)``,
less while guided money holds the firm; whoever leaves then returns it.
(E22) A failed firm stays on the register for a geometric time.
"""

import numpy as np

from sim.compiled import exp, kernel, log
from sim.ledger import (
    ACQUIRED,
    ACTIVE,
    CLOSED,
    DORMANT,
    IN_PROGRAMME,
    LAST_STAGE,
    LEFT,
    LISTED,
    LOCKED,
    NEVER,
)
from sim.randomness import uniform
from sim.world import FLOW, exact

FAILURES, ACQUISITIONS, LISTINGS, DEPARTURES = (
    FLOW[name] for name in ("failures", "acquisitions", "listings", "departures")
)
FIRST_YEAR = 12  # months


def end_startups(world, par, terms, draw) -> None:
    """Let startups fail, be acquired, go public or leave the region (writes status, leased, funds, flows)."""
    firms, states, books = world.startups.parts
    end(firms, states, books, par.table, world.month, world.grid.zone, world.leased, world.holdings.rows,
        world.funds, par.outside_offer(world.month), terms.outside_offer, world.highest_rent, world.labour, terms.guided, world.guided, world.accounts,
        draw("fail"), draw("acquire"), draw("list"), draw("leave"), world.flows)  # fmt: skip


def keep_register(world, par, terms, draw) -> None:
    """Strike failed firms off the register (writes status)."""
    strike_off(world.former.parts[0], par.table, draw("register"))


@kernel
def pull_outside(trend, offer, births):
    """exp(pull x outside offer) by segment   (E21)"""
    out = np.empty(offer.size)
    for s in range(offer.size):
        out[s] = exp(births.outside_pull * (trend + offer[s]))
    return out


@kernel
def failure_probability(stage, age, cash, help, exits):
    """Return the chance of failing this month: background, or insolvency; `help` is a programme's factor.   (E17)"""
    background = exits.failure_per_month * exits.failure_stage_factor[stage] * help
    if age <= FIRST_YEAR:
        background *= exits.failure_first_year_factor
    background = min(background, 1.0)
    if cash >= 0.0:
        return background
    return 1.0 - (1.0 - background) * (1.0 - exits.insolvency_per_month)


@kernel
def departure_probability(rent, stage, pull, exits):
    """h0 (rent / reference)^e (1 + a stage) exp(pull)   (E21)"""
    if exits.departure_rent_exponent == 0.0:
        by_rent = 1.0
    elif rent <= 0.0:
        by_rent = 0.0
    else:
        by_rent = exp(exits.departure_rent_exponent * log(rent / exits.departure_rent_rmb_m2_month))
    chance = exits.departure_per_month * by_rent * (1.0 + exits.departure_stage_slope * stage) * pull
    return min(chance, 1.0)


@kernel
def end(firms, states, books, par, month, zone, leased, holdings, funds, trend, offer, highest_rent, labour, guided,
        purses, accounts, fail_key, acquire_key, list_key, leave_key, flows):  # fmt: skip
    """Draw each startup's end, in the order failure, acquisition, listing, departure.   (E17, E21)

    Nobody leaves more readily than at the last stage and the highest rent, and nobody with cash fails more
    readily than at the worst stage: that settles most draws alone.
    """
    exits, births, finance = par[0].exits, par[0].births, par[0].finance
    pull = pull_outside(trend, offer, births)
    most = departure_probability(highest_rent, LAST_STAGE, np.max(pull), exits)
    worst = exits.failure_per_month * max(exits.failure_first_year_factor, 1.0)
    worst *= np.max(exits.failure_stage_factor)
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status != ACTIVE:
            continue
        u = uniform(fail_key, firm.uid, 0)
        help = books[i].failure_factor if firm.aided & IN_PROGRAMME else 1.0
        if (firm.cash < 0.0 or u < worst * max(help, 1.0)) and u < failure_probability(
            firm.stage, month - firm.born, firm.cash, help, exits
        ):
            status, flow, multiple = DORMANT, FAILURES, 0.0
        elif uniform(acquire_key, firm.uid, 0) < exits.acquisition_per_month[firm.stage]:
            status, flow, multiple = ACQUIRED, ACQUISITIONS, finance.acquisition_multiple
        elif firm.stage == LAST_STAGE and uniform(list_key, firm.uid, 0) < exits.listing_per_month:
            status, flow, multiple = LISTED, LISTINGS, finance.listing_multiple
        elif departs(uniform(leave_key, firm.uid, 0), firm, states[i], books[i], month, pull, most, exits):
            status, flow, multiple = LEFT, DEPARTURES, 0.0
        else:
            continue
        firm.status = status
        flows[zone[firm.cell], firm.segment, flow] += 1.0
        if multiple > 0.0:
            pay_holders(books[i], multiple, finance, holdings, funds)
        if firm.stage >= births.boost_stage and status != LEFT:
            firm.boost_end = month + births.boost_months
        firm.search_end = NEVER
        if status == LEFT and firm.aided & LOCKED:
            give_back(books[i], month, guided, purses, accounts)
        if status != LISTED:
            books[i].ended = month
            leased[firm.cell] -= firm.area
            firm.area = 0.0
            returned = exact(firm.heads * share_of_heads(status, par[0].labour))
            labour[0].returned += returned
            labour[0].seekers += returned


@kernel
def share_of_heads(status, labour):
    """Return the share of an ended firm's heads who look for work here.   (E10)"""
    if status == DORMANT:
        return labour.failed_heads_return
    return labour.acquired_heads_return if status == ACQUIRED else labour.departed_heads_return


@kernel
def departs(u, firm, state, book, month, pull, most, exits):
    """Return whether u falls below the firm's chance of departure, which guided money holds back.   (E21)"""
    if u >= most * (1.0 + 1e-9):
        return False
    rent = state.lease_rent * (1.0 - state.relief)
    chance = departure_probability(rent, firm.stage, pull[firm.segment], exits)
    if firm.aided & LOCKED and month < book.lock_end:
        chance *= exits.locked_departure_factor
    return u < chance


@kernel
def give_back(book, month, guided, purses, accounts):
    """Return guided money on departure; the public has not lost its part of it.   (E16, E21)"""
    if month >= book.lock_end or book.guided <= 0.0:
        return
    g = book.lock_fund
    kept = min(book.guided, max(guided[g].limit - purses[g].purse, 0.0))
    purses[g].purse += kept
    purses[g].returned += book.guided
    purses[g].handed_back += book.guided - kept
    accounts[guided[g].lever].spent -= exact(purses[g].loss * book.guided)
    book.guided = 0.0


@kernel
def pay_holders(book, multiple, finance, holdings, funds):
    """Share the price among the funds that hold the firm; older shares have been diluted by each later round."""
    entry = book.holding
    while entry >= 0:
        part = holdings[entry]
        share = part.share
        for _ in range(part.rounds, book.rounds):
            share *= 1.0 - finance.round_stake
        proceeds = exact(multiple * book.valuation * share)
        fund = funds[part.fund]
        fund.all_proceeds += proceeds
        again = exact(finance.recycled_share * proceeds)
        fund.uncalled += again
        fund.recycled += again
        entry = part.next


@kernel
def strike_off(former, par, key):
    """Let a dormant firm leave the register with chance 1/mean; whose end is of this month is not among them.   (E22)"""
    exits = par[0].exits
    for i in range(former.shape[0]):
        firm = former[i]
        if firm.status == DORMANT and uniform(key, firm.uid, 0) * exits.dormancy_months < 1.0:
            firm.status = CLOSED
