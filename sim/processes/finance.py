"""Finance: who looks for money, the funds that have it, and the rounds that close.

Equations
---------
(E15) A startup begins to look for its next round with hazard ``h = m h0_k min(capability^e, cap)``,
``h0_k = -ln(1 - p_k)/window``, from a gap after the last round on, lower when that round is long past. It asks
for ``median_k x segment factor x exp(sd eps)`` and looks for nine months, then pauses.
(E16) Each fund calls its commitment evenly over its investment period into a purse of at most twelve months.
Once a month all pairs of a seeker and a fund that invests in its segment and round, with
``score = ln capability - w d/range + sd eps(pair) > bar``, stand in one list by falling score, and the list
is gone down once: the fund commits what the round still needs, at most its ticket and its purse; the first
investor brings at least 30 % of the ask, the others 5 %. A round with 60 % of its ask closes; otherwise all
is released. Both sides rank a pair by the same number, so no order of agents matters. A round sells 18 % of
the firm; older shares are diluted. A one-person company that raises becomes an application company.

References
----------
O. Sorenson and T. Stuart (2001), Syndication networks and the spatial distribution of venture capital
investments, American Journal of Sociology 106, 1546-1588, doi:10.1086/321301 (distance).
D. Gale and L. Shapley (1962), College admissions and the stability of marriage, American Mathematical Monthly
69, 9-15 (with aligned preferences the ranked list of whole tickets is the stable matching).
"""

import numpy as np

from sim.compiled import exp, kernel, log, normal_quantiles
from sim.randomness import combine, normal, pick, uniform
from sim.world import ACTIVE, FLOW, FUND, NEVER, exact

APP, LAST_STAGE, LAST_ROUND = 1, 5, 4
DEALS, CAPITAL = FLOW["deals"], FLOW["capital_wan"]
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


def close_rounds(world, par, terms, draw) -> None:
    """Call capital, let startups look for money, match them with funds (writes startups, funds, deals)."""
    firms, states, books = world.startups.parts
    grid, table = world.grid, par.table
    pace = par.values.outlook.climate if world.month >= 0 else 1.0
    call_capital(world.funds, table, world.month, fund_scale(par, world.month), pace, world.caps)
    seekers = seek(firms, states, books, table, world.month, draw("seek"), draw.once("ask"), world.caps)
    if seekers.size == 0:
        return
    seekers = seekers[np.argsort(firms["uid"][seekers])]
    order = np.argsort(world.funds["uid"])
    first, fund, score = score_pairs(
        firms, states, seekers, world.funds, order, grid.zone_distance, table, draw.once("taste"))  # fmt: skip
    asks = books["ask"][seekers]
    pairs, best = first_pairs(asks, world.funds, table, first, fund, score)
    queue = in_list_order(pairs, np.argsort(-best), score)
    firm, fund, amount = commit(asks, world.funds, table, first, fund, score, queue, world.caps)
    holdings, deals = world.holdings, world.deals
    (held,), (closed,) = holdings.reserve(len(firm)), deals.reserve(len(seekers))
    holdings.n, deals.n = settle(
        firms, states, books, seekers, world.funds, table, world.month, grid.zone, firm, fund, amount,
        held, holdings.n, closed, deals.n, world.flows, world.caps)  # fmt: skip


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
def call_capital(funds, par, month, scale, pace, caps):
    """Open periods that begin this month, then call a month's money into each purse.   (E16)"""
    finance = par[0].finance
    mean = 0.0
    for v in range(funds.shape[0]):
        mean += record_of(funds[v]) / funds.shape[0]
    for v in range(funds.shape[0]):
        fund = funds[v]
        if (month - fund.offset) % finance.period_months == 0:
            relative = min(max(record_of(fund) / mean, finance.performance_low), finance.performance_high)
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
    """Return whether u < 1 - exp(-h), h = hazard x quality."""
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
    """Begin and end searches; return the rows that look for money this month.   (E15)"""
    finance = par[0].finance
    seeking, n = np.empty(firms.shape[0], dtype=np.int64), 0
    hazards = base_hazards(finance)
    most = finance.seek_quality_cap * max(
        finance.stale_factor, 1.0
    )  # no hazard is larger: settles most cases
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status != ACTIVE:
            continue
        if firm.search_end > month:
            seeking[n] = i
            n += 1
        elif firm.search_end != NEVER:
            firm.search_end, firm.pause_end = NEVER, month + finance.pause_months
            caps[0].search_expired += 1
        elif month >= firm.pause_end:
            u, hazard = uniform(key, firm.uid, 0), hazards[firm.segment, firm.stage]
            if u >= hazard * most:
                continue
            hazard *= by_gap(firm.stage, month - states[i].last_round, finance)
            if begins_search(u, hazard, states[i].log_capability, finance):
                noise = normal(ask_key, firm.uid, firm.stage)
                books[i].ask = ask_for(firm.segment, firm.stage, noise, finance)
                firm.search_end = month + finance.search_months
                seeking[n] = i
                n += 1
    return seeking[:n]


@kernel
def in_focus(fund, segment, step):
    """Return whether a fund with money invests in a segment and round.   (E16)"""
    return (fund.purse > 0.0 and (fund.segments >> segment) & 1 == 1
            and fund.first_round <= step <= fund.last_round)  # fmt: skip


@kernel
def funds_in_focus(funds, order):
    """Return the funds for each segment and round, in the given order, and how many they are."""
    rounds = LAST_ROUND + 1
    chosen = np.empty((4, rounds, funds.shape[0]), dtype=np.int32)
    number = np.zeros((4, rounds), dtype=np.int64)
    for segment in range(4):
        for step in range(rounds):
            for v in order:
                if in_focus(funds[v], segment, step):
                    chosen[segment, step, number[segment, step]] = v
                    number[segment, step] += 1
    return chosen, number


@kernel
def score_pairs(firms, states, seekers, funds, order, to_seat, par, key):
    """Return the pairs in focus above the bar: each seeker's first pair, funds and scores.   (E16)

    Seekers stand by uid, and the pairs of a seeker by the uid of the fund.
    """
    finance, access = par[0].finance, par[0].access
    chosen, number = funds_in_focus(funds, order)
    uids, seats = np.empty(funds.shape[0], dtype=np.uint64), np.empty(funds.shape[0], dtype=np.int64)
    for v in range(funds.shape[0]):
        uids[v], seats[v] = funds[v].uid, funds[v].seat
    first = np.zeros(seekers.size + 1, dtype=np.int64)
    fund_of = np.empty(seekers.size * funds.shape[0], dtype=np.int32)
    score, n = np.empty(fund_of.size), 0
    u, taste = np.empty(funds.shape[0]), np.empty(funds.shape[0])
    for i in range(seekers.size):
        firm, capability = firms[seekers[i]], states[seekers[i]].log_capability
        segment, step = firm.segment, min(firm.stage, LAST_ROUND)
        candidates = chosen[segment, step, : number[segment, step]]
        for j in range(candidates.size):
            u[j] = uniform(key, combine(firm.uid, uids[candidates[j]]), firm.stage)
        normal_quantiles(u[: candidates.size], taste)
        for j in range(candidates.size):
            v = candidates[j]
            far = to_seat[firm.cell, seats[v]] / access.capital_range_km
            value = capability - finance.distance_weight * far + finance.taste_sd * taste[j]
            if value > finance.score_bar:
                fund_of[n], score[n] = v, value
                n += 1
        first[i + 1] = n
    return first, fund_of[:n], score[:n]


@kernel
def next_pair(i, last, first, fund_of, score, least, purse, ticket):
    """Return seeker i's best pair after pair `last` (-1: none yet) whose fund can bring `least`; -1 if none.

    What a fund can bring only falls during a month, so a pair that is passed over here would have been passed
    over at its turn in the list of all pairs.
    """
    best = -1
    for j in range(first[i], first[i + 1]):
        if last >= 0 and (score[j] > score[last] or (score[j] == score[last] and j <= last)):
            continue
        v = fund_of[j]
        if min(purse[v], ticket[v]) >= least and (best < 0 or score[j] > score[best]):
            best = j
    return best


@kernel
def comes_before(one, other, score):
    """Return whether pair `one` stands before `other` in the list: higher score, then smaller uids.   (E16)"""
    return score[one] > score[other] or (score[one] == score[other] and one < other)


@kernel
def push(heap, size, pair, score):
    """Add a pair to the heap of `size` pairs."""
    child = size
    while child > 0:
        parent = (child - 1) // 2
        if not comes_before(pair, heap[parent], score):
            break
        heap[child] = heap[parent]
        child = parent
    heap[child] = pair


@kernel
def pop(heap, size, score):
    """Take the first pair from the heap of `size` pairs and return it."""
    first, last, parent = heap[0], heap[size - 1], 0
    while True:
        child = 2 * parent + 1
        if child >= size - 1:
            break
        if child + 1 < size - 1 and comes_before(heap[child + 1], heap[child], score):
            child += 1
        if not comes_before(heap[child], last, score):
            break
        heap[parent] = heap[child]
        parent = child
    heap[parent] = last
    return first


@kernel
def first_pairs(asks, funds, par, first, fund_of, score):
    """Return each seeker's best pair whose fund can lead its round, and their scores; others are left out."""
    finance = par[0].finance
    purse, ticket = money_of(funds, finance)
    pairs, n = np.empty(asks.size, dtype=np.int64), 0
    for i in range(asks.size):
        j = next_pair(i, -1, first, fund_of, score, asks[i] * finance.lead_share, purse, ticket)
        if j >= 0:
            pairs[n] = j
            n += 1
    return pairs[:n], score[pairs[:n]]


@kernel
def money_of(funds, finance):
    """Return what each fund has in its purse, and its largest ticket [wan]."""
    purse, ticket = np.empty(funds.shape[0]), np.empty(funds.shape[0])
    for v in range(funds.shape[0]):
        purse[v], ticket[v] = funds[v].purse, exact(finance.ticket_share * funds[v].commitment)
    return purse, ticket


@kernel
def in_list_order(pairs, rank, score):
    """Return pairs by falling score, ties by uid: `rank` sorts them but for ties."""
    out = pairs[rank]
    for k in range(1, out.size):
        j = k
        while j > 0 and score[out[j]] == score[out[j - 1]] and out[j] < out[j - 1]:
            out[j], out[j - 1] = out[j - 1], out[j]
            j -= 1
    return out


@kernel
def commit(asks, funds, par, first, fund_of, score, queue, caps):
    """Go down the list of all pairs once; return the commitments made: seeker, fund, amount.   (E16)

    The list is never written out: `queue` holds each seeker's first pair in the order of the list, and a heap
    the next pair of those who need another fund.
    """
    finance = par[0].finance
    need, made = asks.copy(), np.zeros(asks.size, dtype=np.int64)
    purse, ticket = money_of(funds, finance)
    out_firm, out_fund = np.empty(score.size, dtype=np.int32), np.empty(score.size, dtype=np.int32)
    out_amount, n = np.empty(score.size), 0
    heap, size, taken = np.empty(asks.size, dtype=np.int64), 0, 0
    while taken < queue.size or size > 0:
        if size == 0 or (taken < queue.size and comes_before(queue[taken], heap[0], score)):
            j = queue[taken]
            taken += 1
        else:
            j = pop(heap, size, score)
            size -= 1
        i, v = np.searchsorted(first, j, side="right") - 1, fund_of[j]
        amount = min(need[i], purse[v], ticket[v])
        caps[0].ticket_short += amount < need[i]
        if amount > 0.0 and amount >= asks[i] * (
            finance.lead_share if made[i] == 0 else finance.follow_share
        ):
            purse[v] -= amount
            need[i] -= amount
            made[i] += 1
            out_firm[n], out_fund[n], out_amount[n] = i, v, amount
            n += 1
        least = asks[i] * (finance.lead_share if made[i] == 0 else finance.follow_share)
        if need[i] > 0.0 and need[i] >= least:
            j = next_pair(i, j, first, fund_of, score, least, purse, ticket)
            if j >= 0:
                push(heap, size, j, score)
                size += 1
    for v in range(funds.shape[0]):
        funds[v].purse = purse[v]
    return out_firm[:n], out_fund[:n], out_amount[:n]


@kernel
def settle(firms, states, books, seekers, funds, par, month, zone, firm_of, fund_of, amounts, holdings, n_holdings,
           deals, n_deals, flows, caps):  # fmt: skip
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
        firm, state, book = firms[seekers[i]], states[seekers[i]], books[seekers[i]]
        if raised[i] < finance.close_share * book.ask:
            caps[0].round_released += raised[i] > 0.0
            continue
        z, s = zone[firm.cell], firm.segment
        flows[z, s, DEALS] += 1.0
        flows[z, s, CAPITAL] += raised[i]
        deal = deals[n_deals]
        deal.uid, deal.month, deal.stage, deal.segment = firm.uid, month, firm.stage, s
        deal.zone, deal.amount, deal.ask = z, raised[i], book.ask
        deal.lead, deal.investors = leads[i], investors[i]
        n_deals += 1
        receive(firm, state, book, raised[i], month, finance)
    return n_holdings, n_deals


@kernel
def receive(firm, state, book, amount, month, finance):
    """Book a closed round."""
    firm.cash += amount
    book.valuation = amount / finance.round_stake
    firm.stage = min(firm.stage + 1, LAST_STAGE)
    if firm.segment == 0:
        firm.segment = APP
    book.rounds += 1
    state.last_round, firm.search_end = month, NEVER
