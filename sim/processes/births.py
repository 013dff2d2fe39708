"""Births: potential founders from institutes, anchors, firms and on their own, and who founds here.

Equations
---------
(E18) Potential founders of a month are Poisson: spin-offs a year / 12 x consideration x scale for each node,
likewise for independents. Each has a fixed identity, drawn in advance of any policy. It founds here with
probability ``1/(1 + w exp(-x))``, ``x = pull (IV_s - IV_s at the start - outside offer) + appeal``, the appeal
being that of simpler administration; in the history x = 0. Founders brought from abroad are a source of their own.
(E19) A firm older than 18 months has Poisson(b (H/30)^e) spin-offs a month, more after its exit. A child
inherits part of its parent's quality and mostly its segment.

References
----------
S. Klepper (2007), Disagreements, spinoffs, and the evolution of Detroit as the capital of the U.S. automobile
industry, Management Science 53, 616-631, doi:10.1287/mnsc.1060.0683. S. Klepper (2010), The origin and growth
of industry clusters, Journal of Urban Economics 67, 15-32, doi:10.1016/j.jue.2009.09.004.
"""

import numpy as np

from sim.compiled import exp, kernel, log, normal_quantile, poisson_inversion
from sim.ledger import (
    ABROAD,
    ACQUIRED,
    ACTIVE,
    ANCHOR,
    CLOSED,
    DORMANT,
    FIRM,
    INDEPENDENT,
    INSTITUTE,
    LISTED,
    NEVER,
    WAITING,
)
from sim.randomness import identity, normal, pick, poisson, uniform
from sim.world import exact

MONTHS_A_YEAR = 12.0


def found_startups(world, par, terms, draw) -> None:
    """Draw the month's founders and add those who found here, without rooms yet (writes startups)."""
    appeal = world.appeal - world.reference_appeal if world.month >= 0 else np.zeros(4)
    offer = appeal - par.outside_offer(world.month) - terms.outside_offer
    inside = inside_probabilities(offer, terms.founding_appeal, par.table)
    counts = founder_counts(world.nodes, world.scale, terms.landing, par.table, draw("founders"))
    ledger, number = world.startups, int(counts.sum())
    (talents,) = world.talents.reserve(number)
    n = before = ledger.n
    start = _month_number(world.month)
    firms, states, books = ledger.reserve(number)
    ledger.n, world.talents.n = add_founders(
        firms, states, books, n, world.nodes, counts, start, world.month, par.table, inside,
        draw("founder"), draw("inside"), world.founded_outside, talents, world.talents.n)  # fmt: skip

    for source in (ledger, world.former):
        parents, children = spinoff_counts(
            source.parts[0], world.month, world.scale, par.table, draw("spin-off")
        )
        if parents.size == 0:
            continue
        firms, states, books = ledger.reserve(int(children.sum()))
        parent_firms, parent_states, _ = source.parts
        ledger.n = add_spinoffs(
            firms, states, books, ledger.n, parents, children, parent_firms, parent_states, len(world.nodes) - 2,
            world.grid.zone, start, world.month, par.table, inside, draw("founder"), draw("inside"),
            world.founded_outside)  # fmt: skip
    form_teams(ledger.parts[0], before, world.labour)


def _month_number(month: int) -> np.uint64:
    return np.uint64(month if month >= 0 else month + (1 << 20))


@kernel
def inside_probability(x, births):
    """1 / (1 + w exp(-x))   (E18)"""
    return 1.0 / (1.0 + births.outside_weight * exp(-x))


@kernel
def inside_probabilities(appeal, more, par):
    """Return the chance of founding here by segment, (4,); `more` is added by simpler administration."""
    births, out = par[0].births, np.empty(4)
    for s in range(4):
        out[s] = inside_probability(births.outside_pull * appeal[s] + more, births)
    return out


@kernel
def form_teams(firms, first, labour):
    """Take the heads of the rows from `first` on from the seekers.   (E10)"""
    heads = 0.0
    for i in range(first, firms.shape[0]):
        heads += exact(firms[i].heads)
    labour[0].teams = heads
    labour[0].seekers -= heads


@kernel
def founding_rate(node, landing, births):
    """Return the potential founders of a source [1/month]; `landing` are those brought from abroad.   (E18)"""
    if node.origin == ABROAD:
        return landing
    if node.origin == INDEPENDENT:
        monthly = births.independents_per_month
    else:
        monthly = node.spinoffs_per_year / MONTHS_A_YEAR
    if node.origin == INSTITUTE:
        monthly *= births.institute_scale
    return monthly * births.founding_scale * births.consideration_factor


@kernel
def founder_counts(nodes, scale, landing, par, key):
    """Return the number of potential founders of each source.   (E18)"""
    births, out = par[0].births, np.empty(nodes.shape[0], dtype=np.int64)
    for j in range(nodes.shape[0]):
        out[j] = poisson(founding_rate(nodes[j], landing, births) * scale, key, nodes[j].uid, 0)
    return out


@kernel
def write_founder(
    firm, state, book, uid, parent, segment, log_quality, origin, place, month, births, operations, key
):
    """Fill a row with a new startup that has no rooms yet."""
    firm.uid, book.parent = uid, parent
    firm.segment, firm.stage, firm.status, firm.origin = segment, 0, WAITING, origin
    state.log_quality, state.log_capability, state.revenue_share = log_quality, log_quality, 0.0
    spread = births.starting_cash_sd * normal(key, uid, 2)
    firm.cash = births.starting_cash_wan[segment] * exp(spread)
    firm.heads = max(births.entry_size * operations.target_heads[segment, 0], 1.0)
    firm.area, firm.cell, firm.born, firm.waited, firm.counted_as = 0.0, -1, month, 0, segment
    firm.lease_end, firm.search_end, firm.pause_end, firm.boost_end = NEVER, NEVER, NEVER, NEVER
    state.lease_rent, state.spillover, state.diversity, state.relief = 0.0, 0.0, 0.0, 0.0
    state.posts, book.last_round, book.eligible = 0.0, month, 0
    book.ask, book.valuation, book.subsidy = 0.0, 0.0, 0.0
    book.holding, book.rounds, book.origin_place, book.ended = -1, 0, place, NEVER
    firm.aided, book.programmes, book.lock_end, book.lock_fund, book.aid_year = 0, 0, NEVER, 0, NEVER
    book.support, book.guided, book.failure_factor, book.seek_factor = 0.0, 0.0, 1.0, 1.0
    book.log_help, book.production_odds, book.production, book.site = 0.0, 0.0, 0.0, 0
    book.vouchers_year, book.grants_year, book.orders_year = 0.0, 0.0, 0.0
    book.reserved, book.applied = NEVER, NEVER


@kernel
def add_founders(
    firms,
    states,
    books,
    n,
    nodes,
    counts,
    number,
    month,
    par,
    inside,
    key,
    inside_key,
    outside,
    talents,
    n_talents,
):
    """Append the founders of nodes, and independents, who found here; return the new length.   (E18)

    Those of the highest quality are taken down wherever they found, unless they were brought from abroad.
    """
    births, operations = par[0].births, par[0].operations
    top = births.quality_sd * normal_quantile(1.0 - births.top_share) if births.top_share < 1.0 else -np.inf
    for j in range(nodes.shape[0]):
        node = nodes[j]
        place = j if node.origin == INSTITUTE or node.origin == ANCHOR else -1
        for slot in range(counts[j]):
            uid = identity(node.uid, number, np.uint64(slot))
            segment = pick(uniform(key, uid, 0), births.entrant_segments)
            log_quality = births.quality_sd * normal(key, uid, 1)
            here = uniform(inside_key, uid, 0) < inside[segment]
            if log_quality > top and node.origin != ABROAD and month >= 0:
                talent = talents[n_talents]
                talent.uid, talent.month, talent.segment = uid, month, segment
                talent.origin, talent.here = node.origin, here
                n_talents += 1
            if not here:
                outside[segment] += 1.0
                continue
            write_founder(firms[n], states[n], books[n], uid, node.uid, segment, log_quality, node.origin, place, month, births,
                          operations, key)  # fmt: skip
            n += 1
    return n, n_talents


@kernel
def spinoff_rate(heads, births):
    """b (H / 30)^e   (E19)"""
    return births.spinoff_per_month * exp(births.spinoff_size_exponent * log(heads / births.spinoff_heads))


@kernel
def spins_off(firm, month, births):
    """Return whether a firm can have spin-offs: old enough, and alive or lately gone."""
    if month - firm.born <= births.spinoff_age_months:
        return False
    if firm.status == ACTIVE or firm.status == LISTED:
        return True
    gone = firm.status == DORMANT or firm.status == CLOSED or firm.status == ACQUIRED
    return gone and month < firm.boost_end


@kernel
def no_spinoff_below(births, scale):
    """Return, for heads from 2^k to 2^(k+1), a chance up to which a draw gives no spin-off, (24,).   (E19)

    A count is 0 if u <= 1 - rate, and the rate grows with heads; the first is for fewer heads too, the last for more.
    """
    out = np.full(24, -1.0)
    for k in range(out.size - 1):
        rate = spinoff_rate(np.float64(np.int64(2) << np.int64(k)), births) * (1.0 + 1e-9)
        out[k] = 1.0 - rate * scale * max(births.boost_factor, 1.0)
    return out


@kernel
def power_below(heads):
    """Return the k of the largest power of two, 2^k, that is not above heads > 0, between 0 and 23."""
    return min(
        max((np.float64(heads).view(np.int64) >> np.int64(52)) - np.int64(1023), np.int64(0)), np.int64(23)
    )


@kernel
def spinoff_counts(firms, month, scale, par, key):
    """Return the rows of firms that have spin-offs this month, and how many each has.   (E19)

    A bound by the order of magnitude of a firm's heads settles most draws alone.
    """
    births, n = par[0].births, 0
    rows, counts = np.empty(firms.shape[0], dtype=np.int64), np.empty(firms.shape[0], dtype=np.int64)
    none = no_spinoff_below(births, scale)
    for i in range(firms.shape[0]):
        firm = firms[i]
        u = uniform(key, firm.uid, 0)
        if u > none[power_below(firm.heads)] and spins_off(firm, month, births):
            boost = births.boost_factor if month < firm.boost_end else 1.0
            count = poisson_inversion(spinoff_rate(firm.heads, births) * scale * boost, u)
            if count > 0:
                rows[n], counts[n] = i, count
                n += 1
    return rows[:n], counts[:n]


@kernel
def add_spinoffs(firms, states, books, n, parents, children, parent_firms, parent_states, first_zone_place, zone, number, month, par, inside, key, inside_key,
                 outside):  # fmt: skip
    """Append the spin-offs of firms who found here; return the new length.   (E19)"""
    births, operations = par[0].births, par[0].operations
    for k in range(parents.size):
        for slot in range(children[k]):
            parent = parent_firms[parents[k]]
            uid = identity(parent.uid, number, np.uint64(slot))
            segment = np.int64(parent.segment)
            if uniform(key, uid, 3) >= births.segment_kept:
                segment = np.int64(pick(uniform(key, uid, 0), births.entrant_segments))
            if uniform(inside_key, uid, 0) >= inside[segment]:
                outside[segment] += 1.0
                continue
            log_quality = births.heredity * parent_states[
                parents[k]
            ].log_quality + births.heredity_sd * normal(key, uid, 1)
            place = first_zone_place + zone[parent.cell]
            write_founder(firms[n], states[n], books[n], uid, parent.uid, segment, log_quality, FIRM, place, month, births,
                          operations, key)  # fmt: skip
            n += 1
    return n
