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

from sim.compiled import exp, kernel, log, normal_quantile
from sim.randomness import combine, normal, pick, uniform
from sim.world import ACTIVE, FLOW, FUND, NEVER, exact

APP, LAST_STAGE, LAST_ROUND = 1, 5, 4
DEALS, CAPITAL = FLOW["deals"], FLOW["capital_wan"]
SHORT_LIST = 20_000  # pairs
PART_HEIGHT = 2.0  # of a part of the list, in standard deviations of taste
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
    order = np.argsort(world.funds["uid"])
    firm, fund, amount = match(
        firms, states, books, seekers, world.funds, order, grid.zone_distance, table,
        draw.once("taste"), parts_of(len(seekers) * len(order)), world.caps)  # fmt: skip
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
            hazard *= by_gap(firm.stage, month - books[i].last_round, finance)
            if begins_search(u, hazard, states[i].log_capability, finance):
                noise = normal(ask_key, firm.uid, firm.stage)
                books[i].ask = ask_for(firm.segment, firm.stage, noise, finance)
                firm.search_end = month + finance.search_months
                seeking[n] = i
                n += 1
    return seeking[:n]


@kernel
def money_of(funds, finance):
    """Return what each fund has in its purse, and its largest ticket [wan]."""
    purse, ticket = np.empty(funds.shape[0]), np.empty(funds.shape[0])
    for v in range(funds.shape[0]):
        purse[v], ticket[v] = funds[v].purse, exact(finance.ticket_share * funds[v].commitment)
    return purse, ticket


@kernel
def in_focus(fund, segment, step):
    """Return whether a fund invests in a segment and round.   (E16)"""
    return (fund.segments >> segment) & 1 == 1 and fund.first_round <= step <= fund.last_round


@kernel
def funds_in_focus(funds, order, purse, ticket, least):
    """Return funds, their uids and seats for each segment and round, and how many.   (E16)

    They are those that can bring `least`, in the given order; shapes (4, rounds, n_funds) and (4, rounds).
    """
    rounds = LAST_ROUND + 1
    chosen, seats = (
        np.empty((4, rounds, order.size), dtype=np.int32),
        np.empty((4, rounds, order.size), dtype=np.int32),
    )
    uids, number = np.empty((4, rounds, order.size), dtype=np.uint64), np.zeros((4, rounds), dtype=np.int64)
    for segment in range(4):
        for step in range(rounds):
            for v in order:
                if min(purse[v], ticket[v]) >= least and in_focus(funds[v], segment, step):
                    n = number[segment, step]
                    chosen[segment, step, n], seats[segment, step, n] = v, funds[v].seat
                    uids[segment, step, n] = funds[v].uid
                    number[segment, step] += 1
    return chosen, uids, seats, number


def parts_of(pairs: int) -> int:
    """Return in how many parts a list of that many pairs is best written: all at once if it is short."""
    return 1 if pairs < SHORT_LIST else 2


@kernel
def match(firms, states, books, seekers, funds, order, to_seat, par, key, parts, caps):
    """Go down the list of all pairs once; return the commitments made: seeker, fund, amount.   (E16)

    The list is written in `parts` from the top: most money is spent before the second, and a fund without
    money is in no later part. `order` lists the funds by uid.
    """
    finance = par[0].finance
    asks, uids = np.empty(seekers.size), np.empty(seekers.size, dtype=np.uint64)
    for i in range(seekers.size):
        asks[i], uids[i] = books[seekers[i]].ask, firms[seekers[i]].uid
    need, made = asks.copy(), np.zeros(asks.size, dtype=np.int64)
    purse, ticket = money_of(funds, finance)
    least = np.min(asks) * min(finance.lead_share, finance.follow_share)
    room = seekers.size * funds.shape[0]
    out_firm, out_fund = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    out_amount, n, ceiling = np.empty(room), 0, np.inf
    for part in range(parts - 1, -1, -1):
        floor = finance.score_bar + part * PART_HEIGHT * finance.taste_sd
        focus = funds_in_focus(funds, order, purse, ticket, least)
        first, fund_of, score = write_part(firms, states, seekers, need, focus, to_seat, par,
                                           key, floor, ceiling)  # fmt: skip
        n = go_down(uids, asks, need, made, purse, ticket, finance, first, fund_of, score,
                    out_firm, out_fund, out_amount, n, caps)  # fmt: skip
        ceiling = floor
    for v in range(funds.shape[0]):
        funds[v].purse = purse[v]
    return out_firm[:n], out_fund[:n], out_amount[:n]


@kernel
def safe_chances():
    """Return, for x = -4, -4 + 1/16 ... 4, a number such that no standard normal quantile up to it reaches x."""
    steps, out = np.empty(128), np.empty(129)
    steps[0] = -np.inf
    for k in range(1, 128):
        steps[k] = normal_quantile(k / 128.0)
    for k in range(out.size):
        below = int(np.searchsorted(steps, -4.0 + k / 16.0 - 1e-9)) - 1
        out[k] = max(below, 0) / 128.0
    return out


@kernel
def write_part(firms, states, seekers, need, focus, to_seat, par, key, floor, ceiling):
    """Return the pairs with floor < score <= ceiling: each seeker's first pair, funds and scores.   (E16)

    The pairs of a seeker stand by the uid of the fund.
    """
    finance, access, safe = par[0].finance, par[0].access, safe_chances()
    by_km, sd = finance.distance_weight / access.capital_range_km, finance.taste_sd
    by_taste = 16.0 / sd if sd > 0.0 else 0.0
    funds, uids, seats, number = focus
    first, room = np.zeros(seekers.size + 1, dtype=np.int64), seekers.size * funds.shape[2]
    fund_of, score, n = np.empty(room, dtype=np.int32), np.empty(room), 0
    for i in range(seekers.size):
        firm, capability = firms[seekers[i]], states[seekers[i]].log_capability
        s, stage, distances, own = firm.segment, firm.stage, to_seat[firm.cell], combine(key, firm.uid)
        step = min(stage, LAST_ROUND)
        for j in range(number[s, step] if need[i] > 0.0 else 0):
            u = uniform(own, uids[s, step, j], stage)
            known = capability - by_km * distances[seats[s, step, j]]
            if (
                by_taste > 0.0
                and u <= safe[np.int64(min(max((floor - known) * by_taste + 64.0, 0.0), 128.0))]
            ):
                continue
            value = known + sd * normal_quantile(u)
            if floor < value <= ceiling:
                fund_of[n], score[n] = funds[s, step, j], value
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
def comes_before(score, uid, other_score, other_uid):
    """Return whether a pair stands before another in the list: higher score, then smaller uid.   (E16)"""
    return score > other_score or (score == other_score and uid < other_uid)


@kernel
def sift_up(heap, scores, child, uids):
    """Move the seeker at the heap's end to its place."""
    seeker, score = heap[child], scores[child]
    while child > 0:
        parent = (child - 1) // 2
        if not comes_before(score, uids[seeker], scores[parent], uids[heap[parent]]):
            break
        heap[child], scores[child] = heap[parent], scores[parent]
        child = parent
    heap[child], scores[child] = seeker, score


@kernel
def sift_down(heap, scores, size, uids):
    """Move the seeker at the heap's top to its place."""
    seeker, score, parent = heap[0], scores[0], 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        other = child + 1
        if other < size and comes_before(scores[other], uids[heap[other]], scores[child], uids[heap[child]]):
            child = other
        if not comes_before(scores[child], uids[heap[child]], score, uids[seeker]):
            break
        heap[parent], scores[parent] = heap[child], scores[child]
        parent = child
    heap[parent], scores[parent] = seeker, score


@kernel
def smallest_part(ask, made, finance):
    """Return the least that a further investor must bring [wan]: the first more than the others.   (E16)"""
    return ask * (finance.lead_share if made == 0 else finance.follow_share)


@kernel
def go_down(uids, asks, need, made, purse, ticket, finance, first, fund_of, score, out_firm, out_fund, out_amount, n,
            caps):  # fmt: skip
    """Go down one part of the list, append the commitments made, and return how many there are now.   (E16)

    The list is never sorted: a heap holds each seeker by the score of its next pair.
    """
    pair, heap = np.empty(asks.size, dtype=np.int64), np.empty(asks.size, dtype=np.int64)
    scores, size = np.empty(asks.size), 0
    for i in range(asks.size):
        least = smallest_part(asks[i], made[i], finance)
        pair[i] = next_pair(i, -1, first, fund_of, score, least, purse, ticket) if need[i] >= least else -1
        if pair[i] >= 0:
            heap[size], scores[size] = i, score[pair[i]]
            sift_up(heap, scores, size, uids)
            size += 1
    while size > 0:
        i = heap[0]
        v, least = fund_of[pair[i]], smallest_part(asks[i], made[i], finance)
        amount = min(need[i], purse[v], ticket[v])
        if amount > 0.0 and amount >= least:
            caps[0].ticket_short += amount < need[i]
            purse[v] -= amount
            need[i] -= amount
            made[i] += 1
            out_firm[n], out_fund[n], out_amount[n] = i, v, amount
            n += 1
            least = smallest_part(asks[i], made[i], finance)
        following = -1
        if need[i] > 0.0 and need[i] >= least:
            following = next_pair(i, pair[i], first, fund_of, score, least, purse, ticket)
        if following >= 0:
            pair[i], scores[0] = following, score[following]
        else:
            size -= 1
            heap[0], scores[0] = heap[size], scores[size]
        if size > 0:
            sift_down(heap, scores, size, uids)
    return n


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
    book.last_round, firm.search_end = month, NEVER
