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
D. Gale and L. Shapley (1962), College admissions and the stability of marriage, American Mathematical Monthly
69, 9-15 (with aligned preferences the ranked list of whole tickets is the stable matching).
"""

import numpy as np

from sim.compiled import exp, kernel, log, normal_quantile
from sim.ledger import ACTIVE, IN_PROGRAMME, LOCKED, NEVER
from sim.randomness import combine, normal, uniform
from sim.world import FLOW, exact

APP, LAST_STAGE, LAST_ROUND = 1, 5, 4
DEALS, CAPITAL, GUIDED = FLOW["deals"], FLOW["capital_wan"], FLOW["guided_wan"]
LITTLE = 0.02  # weight of a fund that invests in favoured segments only, in crowding out
SHORT_LIST = 20_000  # pairs
PART_HEIGHT = 2.0  # of a part of the list, in standard deviations of taste


def close_rounds(world, par, terms, draw) -> None:
    """Let startups look for money and match them with funds (writes startups, funds, guided, deals)."""
    firms, states, books = world.startups.parts
    grid, table = world.grid, par.table
    seekers = seek(firms, states, books, table, world.month, draw("seek"), draw.once("ask"), world.caps)
    if seekers.size == 0:
        return
    order = np.argsort(world.funds["uid"])
    firm, fund, amount, guided_by, reserved = match(
        firms, states, books, seekers, world.month, world.funds, order, grid.zone_distance, table,
        draw.once("taste"), parts_of(len(seekers) * len(order)), terms.guided, world.guided, world.caps)  # fmt: skip
    holdings, deals = world.holdings, world.deals
    (held,), (closed,) = holdings.reserve(len(firm)), deals.reserve(len(seekers))
    holdings.n, deals.n = settle(
        firms, states, books, seekers, world.funds, table, world.month, grid.zone, firm, fund, amount,
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
    # no hazard is larger: settles most cases
    most = finance.seek_quality_cap * max(finance.stale_factor, 1.0)
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
            if u >= hazard * most and not firm.aided & IN_PROGRAMME:
                continue
            hazard *= by_gap(firm.stage, month - books[i].last_round, finance)
            if firm.aided & IN_PROGRAMME:
                hazard *= books[i].seek_factor
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
def match(firms, states, books, seekers, month, funds, order, to_seat, par, key, parts, guided, purses, caps):
    """Go down the list of all pairs once.   (E16)

    Returns the commitments made, as seeker, fund and amount, and for each seeker the guided fund that takes part
    (-1: none) and what it has reserved.

    The list is written in `parts` from the top: most money is spent before the second, and a fund without
    money is in no later part. `order` lists the funds by uid.
    """
    finance = par[0].finance
    asks, uids = np.empty(seekers.size), np.empty(seekers.size, dtype=np.uint64)
    for i in range(seekers.size):
        asks[i], uids[i] = books[seekers[i]].ask, firms[seekers[i]].uid
    need, made = asks.copy(), np.zeros(asks.size, dtype=np.int64)
    guided_by, reserved = np.full(asks.size, -2), np.zeros(asks.size)  # -2: not yet asked
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
                    firms, books, seekers, month, guided, purses, guided_by, reserved,
                    out_firm, out_fund, out_amount, n, caps)  # fmt: skip
        ceiling = floor
    for v in range(funds.shape[0]):
        funds[v].purse = purse[v]
    return out_firm[:n], out_fund[:n], out_amount[:n], guided_by, reserved


@kernel
def reserve(firm, book, month, ask, guided, purses, finance):
    """Return the guided fund that takes part in a round, and what it reserves: 1/(1 + match) of the ask.   (E16)

    A startup that one guided fund holds takes nothing from another. Like a first investor the fund brings the lead share of its part, or nothing: a little money binds nobody.
    """
    held = firm.aided & LOCKED and month < book.lock_end
    for g in range(guided.size):
        if held and book.lock_fund != g:
            continue
        if (
            (guided[g].segments >> firm.segment) & 1
            and firm.stage <= guided[g].max_stage
            and guided[g].call > 0.0
        ):
            whole = ask / (1.0 + guided[g].match)
            amount = exact(min(whole, purses[g].purse))
            if amount > 0.0 and amount >= finance.lead_share * whole:
                purses[g].purse -= amount
                return g, amount
    return -1, 0.0


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
def smallest_part(ask, made, reserved, finance):
    """Return the least that a further investor must bring [wan]: the first more than the others.   (E16)

    Where guided money takes a part of the ask, it is never more than the rest.
    """
    return min(ask * (finance.lead_share if made == 0 else finance.follow_share), ask - reserved)


@kernel
def go_down(uids, asks, need, made, purse, ticket, finance, first, fund_of, score, firms, books, seekers, month, guided, purses,
            guided_by, reserved, out_firm, out_fund, out_amount, n, caps):  # fmt: skip
    """Go down one part of the list, append the commitments made, and return how many there are now.   (E16)

    The list is never sorted: a heap holds each seeker by the score of its next pair.
    """
    pair, heap = np.empty(asks.size, dtype=np.int64), np.empty(asks.size, dtype=np.int64)
    scores, size = np.empty(asks.size), 0
    for i in range(asks.size):
        least = smallest_part(asks[i], made[i], reserved[i], finance)
        pair[i] = next_pair(i, -1, first, fund_of, score, least, purse, ticket) if need[i] >= least else -1
        if pair[i] >= 0:
            heap[size], scores[size] = i, score[pair[i]]
            sift_up(heap, scores, size, uids)
            size += 1
    while size > 0:
        i = heap[0]
        v, least = fund_of[pair[i]], smallest_part(asks[i], made[i], reserved[i], finance)
        if guided.size > 0 and guided_by[i] == -2 and min(purse[v], ticket[v]) >= least:
            guided_by[i], reserved[i] = reserve(
                firms[seekers[i]], books[seekers[i]], month, asks[i], guided, purses, finance
            )
            need[i] -= reserved[i]
            least = smallest_part(asks[i], made[i], reserved[i], finance)
        amount = min(need[i], purse[v], ticket[v])
        if amount > 0.0 and amount >= least:
            caps[0].ticket_short += amount < need[i]
            purse[v] -= amount
            need[i] -= amount
            made[i] += 1
            out_firm[n], out_fund[n], out_amount[n] = i, v, amount
            n += 1
            least = smallest_part(asks[i], made[i], reserved[i], finance)
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
def settle(firms, states, books, seekers, funds, par, month, zone, firm_of, fund_of, amounts, guided_by, reserved,
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
        firm, state, book = firms[seekers[i]], states[seekers[i]], books[seekers[i]]
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
        receive(firm, state, book, raised[i], month, finance)
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
def receive(firm, state, book, amount, month, finance):
    """Book a closed round."""
    firm.cash += amount
    book.valuation = amount / finance.round_stake
    firm.stage = min(firm.stage + 1, LAST_STAGE)
    if firm.segment == 0:
        firm.segment = APP
    book.rounds += 1
    book.last_round, firm.search_end = month, NEVER
