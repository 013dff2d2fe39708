"""Matching: seekers of money and funds, gone through once by falling score.

Equations
---------
(E16) Every pair of a seeker and a fund that invests in its segment and round has the score
``ln capability - w d/range + sd eps(pair)``; those above the bar stand in one list by falling score, and the list is
gone down once: the fund commits what the round still needs, at most its ticket and its purse.

The list is never written out. It is made in parts from the top, for most money is spent before most pairs have been
weighed, and a fund without money is in no later part. The first bits of a pair's uniform number bound its taste, and
with it the score, from above; the score itself is computed only where the bound reaches the part. Within a part a heap
holds each seeker by the score of its next pair.

References
----------
D. Gale and L. Shapley (1962), College admissions and the stability of marriage, American Mathematical Monthly
69, 9-15 (with aligned preferences the ranked list of whole tickets is the stable matching).
"""

import statistics

import numpy as np

from sim.compiled import kernel, normal_quantile
from sim.ledger import LAST_ROUND, LOCKED, is_eligible
from sim.randomness import bits_at, combine, moved, uniform
from sim.world import exact

PARTS = 8  # in which the list is made
PART_HEIGHT = 0.5  # of a part of the list, in standard deviations of taste
BLOCK = 256  # seekers
KNOWN_BITS = 9  # of a pair's uniform number, which bound its taste
_ROWS = 1 << KNOWN_BITS
#: numbers above all standard normal quantiles of k/512 to (k + 1)/512; the last is above that of every number drawn
HIGHEST_TASTES = np.array(
    [statistics.NormalDist().inv_cdf(k / _ROWS) + 1e-9 for k in range(1, _ROWS)] + [8.3]
)


@kernel
def match(firms, states, books, seekers, month, funds, order, to_seat, par, key, parts, guided, purses, accounts,
          caps):  # fmt: skip
    """Go down the list of all pairs once.   (E16)

    Returns the commitments made, as seeker, fund and amount, and for each seeker the guided fund that takes part
    (-1: none) and what it has reserved. `order` lists the funds by uid.
    """
    finance = par[0].finance
    asking = read_seekers(firms, states, books, seekers, key)
    asks, uids = asking[0], asking[1]
    need, made = asks.copy(), np.zeros(asks.size, dtype=np.int64)
    guided_by, reserved = np.full(asks.size, -2), np.zeros(asks.size)  # -2: not yet asked
    purse, ticket = money_of(funds, finance)
    least = np.min(asks) * min(finance.lead_share, finance.follow_share)
    focus = funds_in_focus(funds, order, purse, ticket, least)
    by_km = finance.distance_weight / par[0].access.capital_range_km
    tastes = finance.taste_sd * HIGHEST_TASTES
    most = highest_scores(asking, focus, to_seat, by_km, tastes)
    room = 0
    for q in asking[4]:
        room += focus[3][q]
    room_for_pairs = (np.empty(room, dtype=np.int32), np.empty(room))
    out_firm, out_fund = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    out_amount, n, ceiling = np.empty(room), np.int64(0), np.inf
    for part in range(parts - 1, -1, -1):
        if not (np.minimum(purse, ticket) >= least).any():
            break
        floor = finance.score_bar + part * PART_HEIGHT * finance.taste_sd
        drop_without_money(focus, purse, ticket, least)
        pairs = write_part(asking, most, need, focus, to_seat, par, tastes, floor, ceiling, room_for_pairs)
        n = go_down(uids, asks, need, made, purse, ticket, finance, pairs,
                    firms, books, seekers, month, guided, purses, accounts, guided_by, reserved,
                    out_firm, out_fund, out_amount, n, caps)  # fmt: skip
        ceiling = floor
    for v in range(funds.shape[0]):
        funds[v].purse = purse[v]
    return out_firm[:n], out_fund[:n], out_amount[:n], guided_by, reserved


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
def kind_of(segment, step):
    """Return the position of a segment and round among all of them."""
    return segment * (LAST_ROUND + 1) + step


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
                kind = kind_of(segment, step)
                if in_focus(funds[v], segment, step):
                    n = number[kind]
                    chosen[kind, n], seats[kind, n], uids[kind, n] = v, funds[v].seat, funds[v].uid
                    number[kind] += 1
    return chosen, uids, seats, number


@kernel
def read_seekers(firms, states, books, seekers, key):
    """Return of each seeker ask, uid, log capability, cell, kind (of segment and round) and address of its tastes."""
    size = seekers.size
    asks, uids, capability = np.empty(size), np.empty(size, dtype=np.uint64), np.empty(size)
    cell, kind, own = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64), np.empty_like(uids)
    for i in range(size):
        firm = firms[seekers[i]]
        asks[i], uids[i], capability[i] = books[seekers[i]].ask, firm.uid, states[seekers[i]].log_capability
        cell[i], kind[i] = firm.cell, kind_of(firm.segment, min(firm.stage, LAST_ROUND))
        own[i] = moved(combine(key, firm.uid), firm.stage)
    return asks, uids, capability, cell, kind, own


@kernel
def by_kind(kind, kinds):
    """Return the seekers sorted by kind, and where each kind begins."""
    order, begin = np.empty(kind.size, dtype=np.int64), np.zeros(kinds + 1, dtype=np.int64)
    for q in kind:
        begin[q + 1] += 1
    for q in range(kinds):
        begin[q + 1] += begin[q]
    place = begin.copy()
    for i in range(kind.size):
        order[place[kind[i]]] = i
        place[kind[i]] += 1
    return order, begin


@kernel
def highest_scores(asking, focus, to_seat, by_km, tastes):
    """Return for each seeker a number that no score of its pairs is above.   (E16)

    Funds are taken one by one and seekers of a kind many at a time.
    """
    _, _, capability, cell, kind, own = asking
    _, uids, seats, number = focus
    (order, begin), from_seat = by_kind(kind, number.size), to_seat.T.copy()
    most, top, known = np.empty(kind.size), np.empty(BLOCK), np.empty(BLOCK)
    place, address = np.empty(BLOCK, dtype=np.int64), np.empty(BLOCK, dtype=np.uint64)
    for q in range(number.size):
        for start in range(begin[q], begin[q + 1], BLOCK):
            rows = order[start : min(start + BLOCK, begin[q + 1])]
            for k in range(rows.size):
                known[k], place[k], address[k], top[k] = (
                    capability[rows[k]],
                    cell[rows[k]],
                    own[rows[k]],
                    -np.inf,
                )
            for j in range(number[q]):
                uid, far = uids[q, j], from_seat[seats[q, j]]
                for k in range(rows.size):
                    score = known[k] - by_km * far[place[k]] + tastes[first_bits(address[k], uid)]
                    top[k] = score if score > top[k] else top[k]
            for k in range(rows.size):
                most[rows[k]] = top[k]
    return most


@kernel
def first_bits(own, uid):
    """Return the first bits of a pair's uniform number, a row of HIGHEST_TASTES."""
    return np.int64(bits_at(own, uid) >> np.uint64(64 - KNOWN_BITS))


@kernel
def drop_without_money(focus, purse, ticket, least):
    """Leave in `focus` the funds alone that can bring `least`.   (E16)"""
    funds, uids, seats, number = focus
    for q in range(number.size):
        left = 0
        for j in range(number[q]):
            v = funds[q, j]
            if min(purse[v], ticket[v]) >= least:
                funds[q, left], uids[q, left], seats[q, left] = v, uids[q, j], seats[q, j]
                left += 1
        number[q] = left


@kernel
def write_part(asking, most, need, focus, to_seat, par, tastes, floor, ceiling, room):
    """Return the pairs with floor < score <= ceiling: seekers, where each one's begin, funds, scores.

    The pairs of a seeker stand by the uid of the fund. What has been found out bounds what is left of its pairs.   (E16)
    """
    finance = par[0].finance
    by_km = finance.distance_weight / par[0].access.capital_range_km
    _, _, capability, cell, kind, own = asking
    (funds, uids, seats, left), (fund_of, score), n, m = focus, room, 0, 0
    who, first = np.empty(need.size, dtype=np.int64), np.zeros(need.size + 1, dtype=np.int64)
    known, bound = np.empty(funds.shape[1]), np.empty(funds.shape[1])
    for i in range(need.size):
        if most[i] <= floor or need[i] <= 0.0:
            continue
        q, top = kind[i], -np.inf
        for j in range(left[q]):
            known[j] = capability[i] - by_km * to_seat[cell[i], seats[q, j]]
            bound[j] = known[j] + tastes[first_bits(own[i], uids[q, j])]
        for j in range(left[q]):
            value = bound[j]
            if value > floor:
                value = known[j] + finance.taste_sd * normal_quantile(uniform(own[i], uids[q, j], 0))
                if value > floor:
                    if value <= ceiling:
                        fund_of[n], score[n] = funds[q, j], value
                        n += 1
                    continue
            top = max(top, value)
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
