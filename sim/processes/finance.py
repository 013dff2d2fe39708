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
from sim.ledger import ACTIVE, IN_PROGRAMME, LOCKED, NEVER, in_order, is_eligible
from sim.randomness import combine, normal, uniform
from sim.world import FLOW, exact

APP, LAST_STAGE, LAST_ROUND = 1, 5, 4
DEALS, CAPITAL, GUIDED = FLOW["deals"], FLOW["capital_wan"], FLOW["guided_wan"]
LITTLE = 0.02  # weight of a fund that invests in favoured segments only, in crowding out
PARTS = 8  # in which the list is written
PART_HEIGHT = 0.5  # of a part of the list, in standard deviations of taste
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
    between, so that memory serves many at a time.
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
            if firm.status != ACTIVE:
                continue
            if firm.search_end > month:
                seeking[n] = i
                n += 1
            elif firm.search_end != NEVER:
                firm.search_end, firm.pause_end = NEVER, month + finance.pause_months
                expired += 1
            elif month >= firm.pause_end:
                u = uniform(key, firm.uid, 0)
                rows[m], draws[m] = i, u
                m += u < most[firm.segment, firm.stage] or (firm.aided & IN_PROGRAMME) != 0
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
    """Move those of `rows` whose draws begin a search to the front, and return how many they are.   (E15)"""
    hazard, log_capability, n = np.empty(rows.size), np.empty(rows.size), 0
    for k in range(rows.size):
        firm, book = firms[rows[k]], books[rows[k]]
        hazard[k] = hazards[firm.segment, firm.stage] * by_gap(firm.stage, month - book.last_round, finance)
        hazard[k] *= book.seek_factor if firm.aided & IN_PROGRAMME else 1.0
        log_capability[k] = states[rows[k]].log_capability
    for k in range(rows.size):
        if begins_search(draws[k], hazard[k], log_capability[k], finance):
            rows[n] = rows[k]
            n += 1
    return n


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

    They are those that can bring `least`, in the given order; shapes (4 x rounds, n_funds) and (4 x rounds,).
    """
    rounds = LAST_ROUND + 1
    chosen = np.empty((4 * rounds, order.size), dtype=np.int64)
    seats, uids = np.empty_like(chosen), np.empty(chosen.shape, dtype=np.uint64)
    number = np.zeros(4 * rounds, dtype=np.int64)
    for v in order:
        if min(purse[v], ticket[v]) < least:
            continue
        for segment in range(4):
            for step in range(rounds):
                kind = segment * rounds + step
                if in_focus(funds[v], segment, step):
                    n = number[kind]
                    chosen[kind, n], seats[kind, n], uids[kind, n] = v, funds[v].seat, funds[v].uid
                    number[kind] += 1
    return chosen, uids, seats, number


@kernel
def match(firms, states, books, seekers, month, funds, order, to_seat, par, key, parts, guided, purses, accounts,
          caps):  # fmt: skip
    """Go down the list of all pairs once.   (E16)

    Returns the commitments made, as seeker, fund and amount, and for each seeker the guided fund that takes part
    (-1: none) and what it has reserved.

    The list is written in `parts` from the top: most money is spent before most pairs have been weighed, and a
    fund without money is in no later part. `order` lists the funds by uid.
    """
    finance = par[0].finance
    asks, uids = np.empty(seekers.size), np.empty(seekers.size, dtype=np.uint64)
    for i in range(seekers.size):
        asks[i], uids[i] = books[seekers[i]].ask, firms[seekers[i]].uid
    need, made = asks.copy(), np.zeros(asks.size, dtype=np.int64)
    guided_by, reserved = np.full(asks.size, -2), np.zeros(asks.size)  # -2: not yet asked
    purse, ticket = money_of(funds, finance)
    least = np.min(asks) * min(finance.lead_share, finance.follow_share)
    focus = funds_in_focus(funds, order, purse, ticket, least)
    bounded = bound_scores(firms, states, seekers, focus, to_seat, par, key)
    room = bounded[6].size
    room_for_pairs = (np.empty(room, dtype=np.int32), np.empty(room))
    out_firm, out_fund = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    out_amount, n = np.empty(room), np.int64(0)
    for part in range(parts - 1, -1, -1):
        if not (np.minimum(purse, ticket) >= least).any():
            break
        floor = finance.score_bar + part * PART_HEIGHT * finance.taste_sd
        pairs = write_part(bounded, need, focus, to_seat, purse, ticket, least, par, floor, room_for_pairs)
        n = go_down(uids, asks, need, made, purse, ticket, finance, pairs,
                    firms, books, seekers, month, guided, purses, accounts, guided_by, reserved,
                    out_firm, out_fund, out_amount, n, caps)  # fmt: skip
    for v in range(funds.shape[0]):
        funds[v].purse = purse[v]
    return out_firm[:n], out_fund[:n], out_amount[:n], guided_by, reserved


@kernel
def reserve(firm, book, month, ask, guided, purses, accounts, finance):
    """Return the guided fund that takes part in a round, and what it reserves: 1/(1 + match) of the ask.   (E16)

    A startup that one guided fund holds takes nothing from another. Like a first investor the fund brings the lead
    share of its part, or nothing: a little money binds nobody. Whom it favours and cannot serve it has refused.
    """
    held = firm.aided & LOCKED and month < book.lock_end
    for g in range(guided.size):
        if (held and book.lock_fund != g) or guided[g].call <= 0.0 or not is_eligible(firm, guided[g], month):
            continue
        whole = ask / (1.0 + guided[g].match)
        amount = exact(min(whole, purses[g].purse))
        if amount > 0.0 and amount >= finance.lead_share * whole:
            purses[g].purse -= amount
            return g, amount
        accounts[guided[g].lever].refused += 1.0
    return -1, 0.0


@kernel
def highest_tastes():
    """Return, for k = 0 ... 127, a number above all standard normal quantiles of k/128 to (k + 1)/128."""
    out = np.full(128, np.inf)
    for k in range(127):
        out[k] = normal_quantile((k + 1) / 128.0) + 1e-9
    return out


@kernel
def bound_scores(firms, states, seekers, focus, to_seat, par, key):
    """Bound the score of each pair of a seeker and a fund from above.   (E16)

    Returns of each seeker log capability, cell, address of its draws, stage, position in `focus`, first bound (and,
    last, their number) and largest bound; bounds stand by the uid of the fund.
    """
    _, uids, seats, number = focus
    finance, size, n = par[0].finance, seekers.size, 0
    by_km, tastes = finance.distance_weight / par[0].access.capital_range_km, highest_tastes()
    capability, own, cell = np.empty(size), np.empty(size, dtype=np.uint64), np.empty(size, dtype=np.int64)
    stage, kind, first = np.empty_like(cell), np.empty_like(cell), np.empty(size + 1, dtype=np.int64)
    for k in range(tastes.size):
        tastes[k] = finance.taste_sd * tastes[k] if finance.taste_sd > 0.0 else 0.0
    for i in range(size):
        firm = firms[seekers[i]]
        capability[i], cell[i], stage[i] = states[seekers[i]].log_capability, firm.cell, firm.stage
        own[i], kind[i] = (
            combine(key, firm.uid),
            firm.segment * (LAST_ROUND + 1) + min(firm.stage, LAST_ROUND),
        )
        first[i] = n
        n += number[kind[i]]
    first[size] = n
    bounds, most = np.empty(n), np.empty(size)
    for i in range(size):
        mine, theirs, there, top = bounds[first[i] : first[i + 1]], uids[kind[i]], seats[kind[i]], -np.inf
        distances = to_seat[cell[i]]
        for j in range(mine.size):
            u = uniform(own[i], theirs[j], stage[i])
            mine[j] = capability[i] - by_km * distances[there[j]] + tastes[np.int64(u * 128.0)]
            top = max(top, mine[j])
        most[i] = top
    return capability, cell, own, stage, kind, first, bounds, most


@kernel
def with_money(focus, purse, ticket, least):
    """Return the positions in each row of `focus` of funds that can bring `least`, and how many.   (E16)"""
    funds, _, _, number = focus
    places, left = np.empty_like(funds), np.zeros_like(number)
    for kind in range(number.size):
        for j in range(number[kind]):
            if min(purse[funds[kind, j]], ticket[funds[kind, j]]) >= least:
                places[kind, left[kind]] = j
                left[kind] += 1
    return places, left


@kernel
def write_part(bounded, need, focus, to_seat, purse, ticket, least, par, floor, room):
    """Return the pairs with floor < score that stand in no part above: seekers, where each one's begin, funds, scores.

    The pairs of a seeker stand by the uid of the fund. A bound above the floor is replaced by the score, and by
    minus infinity when the pair has been written.   (E16)
    """
    finance = par[0].finance
    by_km = finance.distance_weight / par[0].access.capital_range_km
    capability, cell, own, stage, kind, begin, bounds, most = bounded
    (funds, uids, seats, _), (fund_of, score), n, m = focus, room, 0, 0
    places, left = with_money(focus, purse, ticket, least)
    who, first = np.empty(need.size, dtype=np.int64), np.zeros(need.size + 1, dtype=np.int64)
    for i in range(need.size):
        if most[i] <= floor or need[i] <= 0.0:
            continue
        mine, top, distances = bounds[begin[i] : begin[i + 1]], -np.inf, to_seat[cell[i]]
        for j in places[kind[i], : left[kind[i]]]:
            if mine[j] > floor:
                known = capability[i] - by_km * distances[seats[kind[i], j]]
                taste = normal_quantile(uniform(own[i], uids[kind[i], j], stage[i]))
                mine[j] = known + finance.taste_sd * taste
                if mine[j] > floor:
                    fund_of[n], score[n], mine[j] = funds[kind[i], j], mine[j], -np.inf
                    n += 1
            top = max(top, mine[j])
        most[i] = top
        if n > first[m]:
            who[m], first[m + 1] = i, n
            m += 1
    return who[:m], first[: m + 1], fund_of[:n], score[:n]


@kernel
def next_pair(first, end, last, fund_of, score, least, purse, ticket):
    """Return the best of a seeker's pairs after pair `last` (-1: none yet) whose fund can bring `least`; -1 if none.

    What a fund can bring only falls during a month, so a pair that is passed over here would have been passed
    over at its turn in the list of all pairs.
    """
    best = -1
    for j in range(first, end):
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
def go_down(uids, asks, need, made, purse, ticket, finance, pairs, firms, books, seekers, month, guided, purses,
            accounts, guided_by, reserved, out_firm, out_fund, out_amount, n, caps):  # fmt: skip
    """Go down one part of the list, append the commitments made, and return how many there are now.   (E16)

    The list is never sorted: a heap holds each seeker by the score of its next pair.
    """
    who, first, fund_of, score = pairs
    pair, heap = np.empty(who.size, dtype=np.int64), np.empty(who.size, dtype=np.int64)
    scores, own, size = np.empty(who.size), uids[who], np.int64(0)
    for k in range(who.size):
        i = who[k]
        least, pair[k] = smallest_part(asks[i], made[i], reserved[i], finance), -1
        if need[i] >= least:
            pair[k] = next_pair(first[k], first[k + 1], pair[k], fund_of, score, least, purse, ticket)
        if pair[k] >= 0:
            heap[size], scores[size] = k, score[pair[k]]
            sift_up(heap, scores, size, own)
            size += 1
    while size > 0:
        k = heap[0]
        i, v = who[k], fund_of[pair[k]]
        least = smallest_part(asks[i], made[i], reserved[i], finance)
        if guided.size > 0 and guided_by[i] == -2 and min(purse[v], ticket[v]) >= least:
            guided_by[i], reserved[i] = reserve(
                firms[seekers[i]], books[seekers[i]], month, asks[i], guided, purses, accounts, finance
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
            following = next_pair(first[k], first[k + 1], pair[k], fund_of, score, least, purse, ticket)
        if following >= 0:
            pair[k], scores[0] = following, score[following]
        else:
            size -= 1
            heap[0], scores[0] = heap[size], scores[size]
        if size > 0:
            sift_down(heap, scores, size, own)
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
