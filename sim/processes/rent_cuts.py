"""Rent cuts: who is eligible, what each cut pays, and whom its budget refuses.

Equations
---------
(E4) A tenant pays ``r (1 - sigma)``, sigma being the sum of the rent cuts for which it is eligible, at most 1. Cuts share
what is paid in proportion: one of share s pays ``s / max(1, sum of s)`` of the rent, and its year's budget has to
reach for that.
"""

import numpy as np

from sim.compiled import kernel
from sim.ledger import in_turn, is_eligible, offered
from sim.randomness import combine
from sim.terms import WAN
from sim.world import exact


def mark_eligible(world, par, terms, draw) -> None:
    """Note for which rent cuts each startup is eligible and what they pay (writes eligible, relief, accounts).

    A cut whose yearly budget does not reach for all serves startups in an order of their own, and offers nothing
    to who would move in. Whom one cut refuses costs the others more: so it goes on until all budgets reach.
    """
    if terms.cuts.size == 0:
        return
    firms, states, books = world.startups.parts
    zone, share = world.grid.zone, terms.rent_share
    mark(firms, books, world.month, terms.cuts)
    left = left_of_budgets(terms.cuts, world.accounts)
    due = relieve(firms, states, books, zone, share)
    while (short := np.flatnonzero(due > left)).size:
        asking = books["eligible"].copy()
        for k in short:
            key = np.uint64(combine(draw.once("aid"), np.uint64(terms.cuts["key"][k])))
            chosen = in_turn(firms, np.flatnonzero((asking >> k) & 1), key)
            refused = refuse(firms, states, books, asking, chosen, k, left[k], zone, share)
            world.accounts["refused"][terms.cuts["lever"][k]] += refused
        due = relieve(firms, states, books, zone, share)


@kernel
def left_of_budgets(cuts, accounts):
    """Return what is left of the year's budget of each cut [wan], (n_cuts,)."""
    out = np.empty(cuts.size)
    for k in range(cuts.size):
        out[k] = max(cuts[k].budget - accounts[cuts[k].lever].spent_year, 0.0)
    return out


@kernel
def mark(firms, books, month, cuts):
    """Set the bits of the rent cuts for which each startup is eligible."""
    for i in range(firms.shape[0]):
        bits = np.int64(0)
        for k in range(cuts.size):
            if is_eligible(firms[i], cuts[k], month) and firms[i].area <= cuts[k].max_area:
                bits |= np.int64(1) << np.int64(k)
        books[i].eligible = bits


@kernel
def cut_of_rent(firm, state, mask, k, share, z):
    """s_k / max(1, sum of s) x rent: what a cut pays, of those of the mask [wan]   (E4)"""
    return exact(share[k, z] / max(offered(mask, share, z), 1.0) * firm.area * state.lease_rent / WAN)


@kernel
def relieve(firms, states, books, zone, share):
    """Set the share of the rent that cuts pay; return what each cut would pay this month [wan], (n_cuts,).   (E4)"""
    due = np.zeros(share.shape[0])
    for i in range(firms.shape[0]):
        mask, z = np.int64(books[i].eligible), zone[firms[i].cell]
        states[i].relief = min(offered(mask, share, z), 1.0)
        for k in range(due.size):
            if (mask >> np.int64(k)) & np.int64(1):
                due[k] += cut_of_rent(firms[i], states[i], mask, k, share, z)
    return due


@kernel
def refuse(firms, states, books, asking, chosen, k, left, zone, share):
    """Serve startups in their order while the money lasts; take the cut from the others, and return how many."""
    refused = 0.0
    for i in chosen:
        due = cut_of_rent(firms[i], states[i], np.int64(asking[i]), k, share, zone[firms[i].cell])
        if due <= 0.0:
            continue
        if due <= left and refused == 0.0:
            left -= due
            continue
        refused += 1.0
        books[i].eligible &= ~(np.int64(1) << np.int64(k))
    return refused
