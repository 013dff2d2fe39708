"""Uptake: who reserves rooms in a zone on offer, and who applies to move in.

Equations
---------
(E23) Each month a startup elsewhere that has not reserved looks at the offer with the chance of awareness. With lasting
tastes g of its own, one for each zone and one for staying, it compares ``U_z = ln sum(vacant exp V) + offer + g_z`` with
the same of every zone, and reserves if the zone is its best or its second best. Who has reserved applies once, if its
lease ends soon or it is crowded, the zone is its best, and it would rather be there than renew:
``U_z > V_own + ln(vacant + own area) + g_stay``. Nothing in the model reads the list: it is a thermometer.
"""

from sim.compiled import exp, kernel, log
from sim.ledger import ACTIVE, NEVER
from sim.randomness import uniform

CROWDED = 1.1  # of the leased area is needed: who is so crowded applies before its lease ends


def keep_list(world, par, terms, weigh, draw) -> None:
    """Count reservations and applications (writes reserved, applied, uptake).

    `weigh` returns what cells are worth to tenants, given world, par and terms.
    """
    world.uptake[:] = 0.0
    if terms.uptake is None:
        return
    offer, choice = terms.uptake, weigh(world, par, terms)
    firms, states, books = world.startups.parts
    read_list(firms, states, books, par.table, world.month, offer.zone, offer.awareness, offer.offer, offer.window,
              world.grid.zone, choice.zone_sums, choice.columns, world.attraction, world.lift,
              world.log_spillovers, world.diversity,
              world.rent, world.vacant, draw("aware"), draw.once("liking"), world.uptake)  # fmt: skip


@kernel
def taste(u):
    """Return the Gumbel number at a uniform one."""
    return -log(-log(u))


@kernel
def cell_value(segment, phase, relief, zone, cell, location, attraction, lift, rent):
    """Return exp V of a cell to a startup."""
    reference, other = location.reference_rent_rmb_m2_month, location.occupancy_cost_rmb_m2_month
    slope = location.rent_sensitivity * (reference + other) / reference
    paid = max(rent[cell] * (1.0 - relief) + other, 0.01) / (reference + other)
    return attraction[segment, phase, cell] * lift[segment, phase, zone] * exp(-slope * log(paid))


@kernel
def read_list(firms, states, books, par, month, offered, awareness, offer, window, zone, zone_sums, columns, attraction,
              lift, log_spill, jacobs, rent, vacant, aware_key, taste_key, uptake):  # fmt: skip
    """Let startups look at the offer; count who reserves and who applies.   (E23)"""
    location, n_zones = par[0].location, zone_sums.shape[3]
    for i in range(firms.shape[0]):
        firm, book = firms[i], books[i]
        if firm.status != ACTIVE or zone[firm.cell] == offered:
            continue
        fresh = book.reserved == NEVER
        if fresh and uniform(aware_key, firm.uid, 0) >= awareness:
            continue
        if not fresh and book.applied != NEVER:
            continue
        s, p = firm.segment, 0 if firm.stage <= 1 else 1
        sums = zone_sums[s, p, columns[i]]
        mine = log(sums[offered]) + offer + taste(uniform(taste_key, firm.uid, offered))
        better = 0
        for z in range(n_zones):
            if z != offered and sums[z] > 0.0:
                better += log(sums[z]) + taste(uniform(taste_key, firm.uid, z)) > mine
        if fresh and better <= 1:
            book.reserved = month
            uptake[0] += 1.0
        if book.reserved == NEVER or better > 0:
            continue
        needs = location.area_m2_per_head * firm.heads * CROWDED > firm.area
        if firm.lease_end > month + window and not needs:
            continue
        own = cell_value(s, p, states[i].relief, zone[firm.cell], firm.cell, location, attraction, lift, rent)
        own *= exp(location.spillover_weight * (states[i].spillover - log_spill[s, firm.cell])
                   + location.diversity_weight * (states[i].diversity - jacobs[firm.cell]))  # fmt: skip
        stay = log(own * (max(vacant[firm.cell], 0.0) + firm.area)) + taste(
            uniform(taste_key, firm.uid, n_zones)
        )
        if mine > stay:
            book.applied = month
            uptake[1] += 1.0
