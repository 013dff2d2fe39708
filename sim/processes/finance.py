"""Finance: who looks for money, which funds give it, and the rounds that close.

Equations
---------
(E15) A startup begins to look for its next round with hazard ``h = m h0_k min(capability^e, cap)``,
``h0_k = -ln(1 - p_k)/window``, from a gap after the last round on, lower when that round is long past. It asks
for ``median_k x segment factor x exp(sd eps)`` and looks for nine months, then pauses.
(E16) Once a month all pairs of a seeker and a fund that invests in its segment and round, with
``score = ln capability - w d/range + sd eps(pair) > bar``, stand in one list by falling score, and the list
is gone down once: the fund commits what the round still needs, at most its ticket and its purse; the first
investor brings at least 30 % of the ask, the others 5 %. A round with 60 % of its ask closes; otherwise all
is released. Both sides rank a pair by the same number, so no order of agents matters. A round sells 18 % of
the firm; older shares are diluted. A one-person company that raises becomes an application company.
A guided fund reserves ``1/(1 + m)`` of the ask of a startup that it favours when the round reaches its first pair,
and pays in proportion to what private funds bring; for each RMB paid private funds withdraw a share ``f`` from
their purses. Whoever takes its money is held in the region for a time.

References
----------
O. Sorenson and T. Stuart (2001), Syndication networks and the spatial distribution of venture capital
investments, American Journal of Sociology 106, 1546-1588, doi:10.1086/321301 (distance).
"""

import numpy as np

from sim.compiled import exp, kernel, log
from sim.ledger import ACTIVE, IN_PROGRAMME, LAST_ROUND, LAST_STAGE, LOCKED, NEVER, in_order
from sim.matching import PARTS, match
from sim.randomness import normal, uniform
from sim.world import FLOW, exact

APP = 1
DEALS, CAPITAL, GUIDED = FLOW["deals"], FLOW["capital_wan"], FLOW["guided_wan"]
LITTLE = 0.02  # weight of a fund that invests in favoured segments only, in crowding out
BLOCK = 512  # rows


def close_rounds(world, par, terms, draw) -> None:
    """Let startups look for money and match them with funds (writes startups, funds, guided, deals)."""
    firms, states, books = world.startups.parts
    grid, table = world.grid, par.table
    seekers = seek(firms, states, books, table, world.month, draw("seek"), draw.once("ask"), world.caps)
    if seekers.size == 0:
        return
    order = in_order(np.zeros(len(world.funds)), world.funds["uid"].copy())
    firm, fund, amount, guided_by, reserved = match(
        firms, states, books, seekers, world.month, world.funds, order, grid.zone_distance, table,
        draw.once("taste"), PARTS, terms.guided, world.guided, world.accounts, world.caps)  # fmt: skip
    holdings, deals = world.holdings, world.deals
    (held,), (closed,) = holdings.reserve(len(firm)), deals.reserve(len(seekers))
    holdings.n, deals.n = settle(
        firms, books, seekers, world.funds, table, world.month, grid.zone, firm, fund, amount,
        guided_by, reserved, terms.guided, world.guided, world.accounts,
        held, holdings.n, closed, deals.n, world.flows, world.caps)  # fmt: skip


@kernel
def base_hazard(segment, stage, finance):
    """m h0_k with the factors before the first round, h0_k = -ln(1 - p_k)/window   (E15)"""
    step = min(stage, LAST_ROUND)
    window = finance.first_window_months if stage == 0 else finance.window_months
    hazard = -log(1.0 - finance.round_probability[step]) / window * finance.seek_factor
    if stage == 0:
        hazard *= finance.first_round_factor * finance.first_round_segment_factor[segment]
    return hazard


@kernel
def by_gap(stage, gap, finance):
    """Return the factor of time since the last round: 0 before the gap, lower once it is stale.   (E15)"""
    if gap < (finance.first_gap_months if stage == 0 else finance.gap_months):
        return 0.0
    return finance.stale_factor if gap > finance.stale_months else 1.0


@kernel
def by_quality(log_capability, finance):
    """min(capability^e, cap)   (E15)"""
    return min(exp(finance.seek_quality_exponent * log_capability), finance.seek_quality_cap)


@kernel
def begins_search(u, hazard, log_capability, finance):
    """Return whether u < 1 - exp(-h), h = hazard x quality; as that is below h, most cases need no exponential."""
    if u >= hazard * finance.seek_quality_cap:
        return False
    whole = hazard * by_quality(log_capability, finance)
    return u < whole and u < 1.0 - exp(-whole)


@kernel
def ask_for(segment, stage, noise, finance):
    """median_k x segment factor x exp(sd eps)   (E15)"""
    median = finance.round_median_m_rmb[min(stage, LAST_ROUND)]
    return exact(median * finance.round_segment_factor[segment] * exp(finance.round_sd * noise))


@kernel
def base_hazards(finance):
    """Return the hazards by segment and stage before gap and quality, (4, 6)."""
    out = np.empty((4, LAST_STAGE + 1))
    for s in range(4):
        for k in range(LAST_STAGE + 1):
            out[s, k] = base_hazard(s, k, finance)
    return out


@kernel
def seek(firms, states, books, par, month, key, ask_key, caps):
    """Begin and end searches; return the rows that look for money this month.   (E15)

    Rows are taken in blocks. No hazard is above a bound by segment and stage, which settles most draws from the
    first part of a row alone; the other parts of the rest are then read one after the other without a decision
    between, so that memory serves many at a time. Nor is there one where most rows differ: no processor could
    foresee it.
    """
    finance = par[0].finance
    seeking, n, expired = np.empty(firms.shape[0], dtype=np.int64), 0, 0
    hazards = base_hazards(finance)
    most = hazards * (finance.seek_quality_cap * max(finance.stale_factor, 1.0))
    rows, draws = np.empty(BLOCK, dtype=np.int64), np.empty(BLOCK)
    for begin in range(0, firms.shape[0], BLOCK):
        m = 0
        for i in range(begin, min(begin + BLOCK, firms.shape[0])):
            firm = firms[i]
            u = uniform(key, firm.uid, 0)
            likely = (u < most[firm.segment, firm.stage]) | ((firm.aided & IN_PROGRAMME) != 0)
            if (firm.search_end != NEVER) & (firm.search_end <= month) & (firm.status == ACTIVE):
                firm.search_end, firm.pause_end = NEVER, month + finance.pause_months
                expired += 1
            free = (firm.status == ACTIVE) & (firm.search_end == NEVER) & (month >= firm.pause_end)
            rows[m], draws[m] = i, u
            m += likely & free
            seeking[n] = i
            n += (firm.status == ACTIVE) & (firm.search_end > month)
        chosen = who_begins(firms, states, books, rows[:m], draws, hazards, month, finance)
        for k in range(chosen):
            firm = firms[rows[k]]
            noise = normal(ask_key, firm.uid, firm.stage)
            books[rows[k]].ask = ask_for(firm.segment, firm.stage, noise, finance)
            firm.search_end = month + finance.search_months
            seeking[n] = rows[k]
            n += 1
    caps[0].search_expired += expired
    return seeking[:n]


@kernel
def who_begins(firms, states, books, rows, draws, hazards, month, finance):
    """Move those of `rows` whose draws begin a search to the front, and return how many they are.   (E15)

    Quality alone settles more draws than the time since the last round, so fewer books are read than states.
    """
    log_capability, left, n = np.empty(rows.size), 0, 0
    most = max(finance.stale_factor, 1.0) * (1.0 + 1e-9)
    for k in range(rows.size):
        log_capability[k] = states[rows[k]].log_capability
    for k in range(rows.size):
        firm = firms[rows[k]]
        hazard = most * hazards[firm.segment, firm.stage]
        rows[left], draws[left], log_capability[left] = rows[k], draws[k], log_capability[k]
        left += begins_search(draws[k], hazard, log_capability[k], finance) | (
            (firm.aided & IN_PROGRAMME) != 0
        )
    for k in range(left):
        firm, book = firms[rows[k]], books[rows[k]]
        hazard = hazards[firm.segment, firm.stage] * by_gap(firm.stage, month - book.last_round, finance)
        hazard *= book.seek_factor if firm.aided & IN_PROGRAMME else 1.0
        rows[n] = rows[k]
        n += begins_search(draws[k], hazard, log_capability[k], finance)
    return n


@kernel
def settle(firms, books, seekers, funds, par, month, zone, firm_of, fund_of, amounts, guided_by, reserved,
           guided, purses, accounts, holdings, n_holdings, deals, n_deals, flows, caps):  # fmt: skip
    """Close the rounds that reached their share of the ask, release the others.   (E16)"""
    finance = par[0].finance
    raised, leads = np.zeros(seekers.size), np.full(seekers.size, -1)
    investors = np.zeros(seekers.size, dtype=np.int64)
    for k in range(firm_of.size):
        i = firm_of[k]
        if leads[i] < 0:
            leads[i] = fund_of[k]
        raised[i] += amounts[k]
        investors[i] += 1
    paid = np.zeros(seekers.size)
    for i in range(seekers.size):
        if reserved[i] > 0.0:
            paid[i] = guided_part(raised[i], books[seekers[i]].ask, reserved[i])
            raised[i] += paid[i]
    for k in range(firm_of.size):
        i, fund = firm_of[k], funds[fund_of[k]]
        book = books[seekers[i]]
        if raised[i] < finance.close_share * book.ask:
            fund.purse += amounts[k]
            continue
        fund.invested += amounts[k]
        fund.all_invested += amounts[k]
        entry = holdings[n_holdings]
        entry.share, entry.fund = finance.round_stake * amounts[k] / raised[i], fund_of[k]
        entry.rounds, entry.next = book.rounds + 1, book.holding
        book.holding = n_holdings
        n_holdings += 1
    for i in range(seekers.size):
        if raised[i] == 0.0 and reserved[i] == 0.0:  # most rows are not even read
            continue
        firm, book = firms[seekers[i]], books[seekers[i]]
        if raised[i] < finance.close_share * book.ask:
            caps[0].round_released += raised[i] > 0.0
            if reserved[i] > 0.0:
                purses[guided_by[i]].purse += reserved[i]
            continue
        z, s = zone[firm.cell], firm.segment
        flows[z, s, DEALS] += 1.0
        flows[z, s, CAPITAL] += raised[i]
        deal = deals[n_deals]
        deal.uid, deal.month, deal.stage, deal.segment = firm.uid, month, firm.stage, s
        deal.zone, deal.amount, deal.ask = z, raised[i], book.ask
        deal.lead, deal.investors = leads[i], investors[i]
        n_deals += 1
        if reserved[i] > 0.0:
            g = guided_by[i]
            flows[z, s, GUIDED] += paid[i]
            pay_guided(
                firm, book, paid[i], reserved[i], g, guided[g], purses[g], accounts[guided[g].lever], month
            )
        receive(firm, book, raised[i], month, finance)
    for g in range(guided.size):
        whole = 0.0
        for i in range(seekers.size):
            if guided_by[i] == g and raised[i] >= finance.close_share * books[seekers[i]].ask:
                whole += paid[i]
        if whole > 0.0:
            crowd_out(funds, whole * guided[g].crowd_out, guided[g].segments, caps)
    return n_holdings, n_deals


@kernel
def guided_part(private, ask, reserved):
    """Return what guided money pays beside `private`: its reserve in proportion to what the others bring.   (E16)"""
    return exact(min(reserved * private / (ask - reserved), reserved))


@kernel
def pay_guided(firm, book, amount, reserved, g, fund, purse, account, month):
    """Pay guided money, free the rest of the reserve, and hold the firm in the region.   (E16)"""
    purse.purse += reserved - amount
    purse.paid += amount
    purse.loss = fund.loss
    account.served += 1.0
    account.spent += exact(fund.loss * amount)
    account.spent_year += exact(fund.loss * amount)
    if fund.stay > 0:
        book.guided = book.guided + amount if month < book.lock_end else amount
        book.lock_end, book.lock_fund = max(book.lock_end, month + fund.stay), g
        firm.aided |= LOCKED


@kernel
def crowd_out(funds, amount, favoured, caps):
    """Take private money from purses, in proportion to purse and to segments that are not favoured.   (E16)

    It goes back to the funds' investors; what a purse does not hold is not taken.
    """
    weights, whole = np.empty(funds.shape[0]), 0.0
    for v in range(funds.shape[0]):
        others = funds[v].segments & ~favoured
        number = (others & 1) + ((others >> 1) & 1) + ((others >> 2) & 1) + ((others >> 3) & 1)
        weights[v] = exact(funds[v].purse * (number + LITTLE))
        whole += weights[v]
    for v in range(funds.shape[0]):
        wanted = exact(amount * weights[v] / whole) if whole > 0.0 else 0.0
        taken = min(wanted, funds[v].purse)
        caps[0].crowd_out_short += taken < wanted
        funds[v].purse -= taken
        funds[v].returned += taken


@kernel
def receive(firm, book, amount, month, finance):
    """Book a closed round."""
    firm.cash += amount
    book.valuation = amount / finance.round_stake
    firm.stage = min(firm.stage + 1, LAST_STAGE)
    if firm.segment == 0:
        firm.segment = APP
    book.rounds += 1
    book.last_round, firm.search_end = month, NEVER
