"""Location: where entrants find rooms, when tenants stay or move, and how appealing the region is.

Equations
---------
(E4) A tenant pays ``r (1 - sigma)``, sigma being the sum of the rent cuts for which it is eligible, at most 1.
(E5) ``V = b_M L_s + b_J J + b_T ln T + b_W ln W + xi_zone - alpha' ln((r (1 - sigma) + c)/(r_ref + c))
- chi d(zone, origin)`` with ``alpha' = alpha (r_ref + c)/r_ref``, so that alpha is the elasticity at the
reference rent. chi acts once, at birth, and counts to the centre of the zone.
(E6) ``P(cell) ~ vacant exp(V)``: the zone by Gumbel-max on inclusive values (the same as the first arrival
among exponential clocks of rate exp(value)), then the cell by one uniform number on the cumulative weights in
their fixed order; both are addressed by startup.
(E7) A chooser needs ``reserve x area per head x heads``. Choosers come in a random order of their own; one
whose cell has no room draws again, and after 16 passes chooses among the cells with room. By independence of
irrelevant alternatives that is the law of choosing among cells with room from the beginning.
(E18) Appeal of the region: ``IV_s = ln sum(vacant exp(V)) - (1 - theta) ln sum(vacant)``, without chi, and
without what levers are assumed to make of a zone: such attractions act on the choice inside the region alone.
(E20) At the end of its lease, or when it is crowded, a tenant whose cell has room stays with probability
``e^(V_own + iota) / (e^(V_own + iota) + sum(vacant e^V)/sum(vacant))``; its own heads are not among its
neighbours.

References
----------
D. McFadden (1978), Modelling the choice of residential location, in: Spatial Interaction Theory and Planning
Models, 75-96 (the size term).
"""

import functools

import numpy as np

from sim.compiled import exp, exps, kernel, log, logs
from sim.ledger import ABROAD, ACTIVE, LISTED, LOST, distinct, in_turn, offered, turns, without_rooms
from sim.randomness import uniform
from sim.space import Grid, total
from sim.terms import WAN
from sim.world import FLOW, exact, floor_exact

PASSES, BLOCK = 16, 512  # draws of a chooser; rows taken together
LEAST_COST = 0.01  # RMB/m2/month: rooms that cost nothing at all are worth a finite amount
FULL = -1e6  # stands for the log of no space at all; finite, so that appeal is
ONE = 1  # revision by exactly one startup a month
NO_CUT = np.zeros(1, dtype=np.int64)  # the masks where there is no rent cut
ENTRIES, LANDED, MOVES_IN, MOVES_OUT, LOST_FOR_SPACE = (
    FLOW[name] for name in ("entries", "landed", "moves_in", "moves_out", "lost_for_space")
)


class Choice:
    """Weights of all cells for choosers of every segment, phase and eligibility, at one moment.

    Attributes
    ----------
    masks
        Eligibility masks, sorted, (n_masks,).
    weights
        vacant^size exp(V without chi), (4, 2, n_masks, n_cells).
    columns
        Position of the mask of each chooser for whom the weights were made.
    zone_sums, log_all
        Their sums by zone, (4, 2, n_masks, n_zones), and the log of that over all, (4, 2, n_masks).
    log_vacancy
        Log of all vacant space to the power of the size coefficient.
    """

    def __init__(self, world, par, terms, masks: np.ndarray) -> None:
        grid = world.grid
        self.masks, self.columns = NO_CUT, np.zeros(len(masks), dtype=np.int64)
        if terms.cuts.size:
            self.masks, self.columns = distinct(masks)
        self.weights, self.zone_sums, self.log_all, self.log_vacancy = weigh(
            world.attraction, world.rent, world.vacant, grid.zone, grid.first, self.masks,
            rent_offer(terms.rent_share, terms.cuts, world.accounts), world.lift, par.table)  # fmt: skip


def choice_shares(world, par, terms, segment: int, phase: int = 0, mask: int = 0) -> np.ndarray:
    """Return the chance that a chooser without origin takes each cell, by the weights that the step samples.

    Parameters
    ----------
    world, par, terms
        State, parameters and policy of the month.
    segment, phase, mask
        Segment (0 to 3), phase (0 up to the seed stage, 1 later), rent cuts for which it is eligible.

    Returns
    -------
    Shares, (n_cells,); they sum to 1.
    """
    weights = Choice(world, par, terms, np.array([mask])).weights[segment, phase, 0]
    return weights / total(weights)


def weigh_region(world, par, terms) -> Choice:
    """Return the weights that founders see, and note the region's appeal to them (writes appeal).   (E18)"""
    choice = Choice(world, par, terms, entrant_masks(par.table, terms.cuts))
    note_appeal(choice.zone_sums, choice.columns, choice.log_vacancy, world.lift, par.table, world.appeal)
    return choice


def weigh_movers(world, par, terms) -> Choice:
    """Return the weights that sitting tenants see."""
    return Choice(world, par, terms, world.startups["eligible"])


def place_entrants(world, par, terms, choice: Choice, draw) -> None:
    """Give rooms to those who founded here; who waits too long is lost (writes startups, leased, flows)."""
    firms, states, books = world.startups.parts
    waiting = without_rooms(firms)
    if waiting.size == 0:
        return
    waiting = in_turn(firms, waiting, draw("turn"))
    near = nearness(world.grid, par.values.location.origin_weight_per_km)
    seat(firms, states, books, waiting, par.table, world.month, world.grid.zone, world.grid.first, choice.weights,
         choice.zone_sums, choice.columns, near, world.rent, world.space, world.leased, world.largest_lease,
         draw("zone"), draw("cell"), terms.cash, terms.cash_zones, world.accounts, world.flows, world.labour,
         world.caps)  # fmt: skip


def move_tenants(world, par, terms, draw) -> None:
    """Let tenants at the end of a lease, or crowded, stay or move (writes startups, leased, flows)."""
    firms, states, books = world.startups.parts
    choosers = looking(firms, world.month, par.table)
    revising = par.values.location.revision_rate_per_month > 0 or par.values.location.revision == ONE
    if revising:
        choosers = revisers(firms, par.location, draw("revise"))
    if choosers.size == 0:
        return
    choosers = in_turn(firms, choosers, draw("turn"))
    # nobody's book is read where there is no rent cut
    masks = books["eligible"][choosers] if terms.cuts.size else np.zeros(choosers.size, dtype=np.int32)
    choice = Choice(world, par, terms, masks)
    decide(firms, states, choosers, par.table, world.month, world.grid.zone, world.grid.first,
           choice.weights, choice.zone_sums, choice.log_all - max(choice.log_vacancy, FULL),
           choice.columns, revising,
           world.attraction, world.lift, world.log_spillovers, world.diversity,
           world.rent, world.space, world.leased, world.largest_lease, world.vacant,
           world.labour, draw("stay"), draw("zone"), draw("cell"), world.flows, world.caps)  # fmt: skip


@functools.lru_cache(maxsize=8)
def nearness(grid: Grid, weight_per_km: float) -> np.ndarray:
    """Return exp(-chi d(zone, origin)) by origin, and last for those without one, (n_origins + 1, n_zones)."""
    distances = grid.origin_distance
    out = np.ones((len(distances) + 1, distances.shape[1]))
    for place, row in enumerate(distances):
        for z, km in enumerate(row):
            out[place, z] = exp(-weight_per_km * km)
    return out


def revisers(firms, location, key) -> np.ndarray:
    """Return who revises its place without a reason: each at a rate, or exactly one."""
    active = np.flatnonzero(firms["status"] == ACTIVE)
    numbers = turns(firms, active, key)
    if location.revision == ONE:
        return active[np.lexsort((firms["uid"][active], numbers))[:1]]
    return active[numbers < location.revision_rate_per_month]


@kernel
def rent_offer(share, cuts, accounts):
    """Return the share of the rent that each cut offers to who would move in, (n_cuts, n_zones).

    A cut that refused sitting tenants this month, or has used up the year's budget, offers nothing.
    """
    out = share.copy()
    for k in range(cuts.size):
        account = accounts[cuts[k].lever]
        if account.refused != 0.0 or account.spent_year >= cuts[k].budget:
            out[k] = 0.0
    return out


@kernel
def looking(firms, month, par):
    """Return the rows that end a lease or are crowded; a tenant on a stopgap lease waits for its end.   (E20)"""
    location = par[0].location
    out, n = np.empty(firms.shape[0], dtype=np.int64), 0
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status == ACTIVE or firm.status == LISTED:
            wanted = location.area_m2_per_head * firm.heads
            crowded = wanted > location.crowding_limit * firm.area and firm.waited == 0
            if firm.lease_end <= month or crowded:
                out[n] = i
                n += 1
    return out[:n]


@kernel
def relief_by_zone(masks, share):
    """sigma by mask and zone: the sum of the shares of the mask's rent cuts, at most 1.   (E4)"""
    out = np.zeros((masks.size, share.shape[1]))
    for m in range(masks.size):
        for z in range(share.shape[1]):
            out[m, z] = min(offered(masks[m], share, z), 1.0)
    return out


@kernel
def rent_parts(rent, location):
    """Return (r + c)/(r_ref + c) and alpha' = alpha (r_ref + c)/r_ref.   (E5)"""
    reference, other = location.reference_rent_rmb_m2_month, location.occupancy_cost_rmb_m2_month
    slope = location.rent_sensitivity * (reference + other) / reference
    return max(rent + other, LEAST_COST) / (reference + other), slope


@kernel
def rent_factors(rent, relief, zone, location):
    """exp of the rent term in each cell; logarithms and exponentials come several at a time   (E4, E5)"""
    ratio, term, out, slope = np.empty(rent.size), np.empty(rent.size), np.empty(rent.size), 0.0
    for c in range(rent.size):
        ratio[c], slope = rent_parts(rent[c] * (1.0 - relief[zone[c]]), location)
    logs(ratio, term)
    exps(-slope * term, out)
    return out


@kernel
def weigh(attraction, rent, vacant, zone, first, masks, rent_share, lift, par):
    """Return weights of all cells, their sums by zone, the logs of those over all and of vacant space.   (E4 to E6)"""
    location = par[0].location
    n_cells, n_zones = rent.size, first.size - 1
    relief = relief_by_zone(masks, rent_share)
    size, total = sized(vacant, location.size_weight), 0.0
    weights = np.empty((4, 2, masks.size, n_cells))
    for m in range(masks.size):
        factor = rent_factors(rent, relief[m], zone, location)
        for c in range(n_cells):
            factor[c] *= size[c]
        for s in range(4):
            for p in range(2):
                for c in range(n_cells):
                    weights[s, p, m, c] = attraction[s, p, c] * factor[c] * lift[s, p, zone[c]]
    zone_sums, log_all = np.empty((4, 2, masks.size, n_zones)), np.empty((4, 2, masks.size))
    for s in range(4):
        for p in range(2):
            for m in range(masks.size):
                log_all[s, p, m] = log(sum_zones(weights[s, p, m], first, zone_sums[s, p, m]))
    for c in range(n_cells):
        total += vacant[c]
    return weights, zone_sums, log_all, location.size_weight * log(total)


@kernel
def note_appeal(zone_sums, columns, log_vacancy, lift, par, out):
    """IV_s = ln sum(vacant exp(V)) - (1 - theta) ln sum(vacant) by segment   (E18)"""
    space = (1.0 - par[0].births.choice_size_exponent) * max(log_vacancy, FULL)
    for s in range(4):
        out[s] = max(without_lift(zone_sums[s, 0, columns[s]], lift[s, 0]), FULL) - space


@kernel
def without_lift(zone_sums, lift):
    """Return the log of the sum over zones as if levers lifted none of them.   (E18)"""
    whole = 0.0
    for z in range(zone_sums.size):
        whole += zone_sums[z] / lift[z]
    return log(whole)


@kernel
def sum_zones(weights, first, out):
    """Write the sums of weights by zone into `out`; return the whole."""
    whole = 0.0
    for z in range(out.size):
        total = 0.0
        for c in range(first[z], first[z + 1]):
            total += weights[c]
        out[z] = total
        whole += total
    return whole


@kernel
def sized(vacant, weight):
    """vacant^weight; exactly `vacant` at 1 and exactly 1 at 0.   (E6)"""
    out = np.empty(vacant.size)
    for c in range(vacant.size):
        if weight == 1.0:
            out[c] = max(vacant[c], 0.0)
        elif weight == 0.0:
            out[c] = 1.0
        else:
            out[c] = exp(weight * log(vacant[c])) if vacant[c] > 0.0 else 0.0
    return out


@kernel
def needed_area(heads, location):
    """a = reserve x area per head x heads   (E7)"""
    return exact(location.lease_reserve * location.area_m2_per_head * heads)


@kernel
def entrant_masks(par, cuts):
    """Return the rent cuts for which an entrant of each segment is eligible: its need must not be too large."""
    births, operations, location = par[0].births, par[0].operations, par[0].location
    out = np.zeros(4, dtype=np.int64)
    for s in range(4):
        heads = max(births.entry_size * operations.target_heads[s, 0], 1.0)
        for k in range(cuts.size):
            if needed_area(heads, location) <= cuts[k].max_area and (cuts[k].segments >> s) & 1:
                out[s] |= np.int64(1) << np.int64(k)
    return out


@kernel
def lease_length(stage, location):
    """Return the length of a lease [months]."""
    return location.early_lease_months if stage <= 1 else location.late_lease_months


@kernel
def best_zone(uid, turn, zone_sums, near, key):
    """Return the zone with the largest inclusive value plus Gumbel taste; -1 if none has weight.   (E6)

    With taste -ln(-ln u) that is the zone with the smallest -ln(u) / exp(value), and -ln(u) >= 1 - u settles
    most of them.
    """
    best, found = np.inf, -1
    for z in range(zone_sums.size):
        weight = zone_sums[z] * near[z]
        if not weight > 0.0:
            continue
        u = uniform(key, uid, turn * zone_sums.size + z)
        if 1.0 - u < best * weight:
            arrival = -log(u) / weight
            if arrival < best:
                best, found = arrival, z
    return found


@kernel
def cell_at(target, first, last, weights):
    """Return the cell at which the running sum of weights passes `target`; the last with weight at its end."""
    running, found = 0.0, -1
    for c in range(first, last):
        if weights[c] > 0.0:
            found = c
            running += weights[c]
            if target < running:
                break
    return found


@kernel
def has_room(cell, need, space, leased, largest, location):
    """Return whether a chooser of `need` m2 fits into the cell."""
    return location.unlimited_capacity or (space[cell] - leased[cell] >= need and largest[cell] >= need)


@kernel
def find_cell(uid, need, location, zone, first, weights, zone_sums, near, space, leased, largest, zone_key,
              cell_key):  # fmt: skip
    """Return the cell that a chooser takes, or -1 if none has room.   (E6, E7)"""
    for turn in range(PASSES):
        z = best_zone(uid, turn, zone_sums, near, zone_key)
        if z < 0:
            return -1
        target = uniform(cell_key, uid, turn) * zone_sums[z]
        cell = cell_at(target, first[z], first[z + 1], weights)
        if cell >= 0 and has_room(cell, need, space, leased, largest, location):
            return cell
    return find_among_free(uid, need, location, zone, weights, near, space, leased, largest, cell_key)


@kernel
def find_among_free(uid, need, location, zone, weights, near, space, leased, largest, cell_key):
    """Return a cell drawn by weight among those with room, or -1.   (E7)"""
    free, total = np.zeros(weights.size), 0.0
    for c in range(weights.size):
        if has_room(c, need, space, leased, largest, location):
            free[c] = weights[c] * near[zone[c]]
            total += free[c]
    return cell_at(uniform(cell_key, uid, PASSES) * total, 0, weights.size, free)


@kernel
def seat(firms, states, books, waiting, par, month, zone, first, weights, zone_sums, columns, near, rent,
         space, leased, largest, zone_key, cell_key, cash, cash_zones, accounts, flows, labour, caps):  # fmt: skip
    """Place each waiting entrant in its turn, or let it wait.   (E5 to E7)"""
    location = par[0].location
    for i in waiting:
        firm = firms[i]
        need = needed_area(firm.heads, location)
        nearby = near[books[i].origin_place]  # -1, no place, is the last row
        s, m = firm.segment, columns[firm.segment]
        cell = find_cell(firm.uid, need, location, zone, first, weights[s, 0, m], zone_sums[s, 0, m],
                         nearby, space, leased, largest, zone_key, cell_key)  # fmt: skip
        if cell >= 0:
            firm.status, firm.cell, firm.area, firm.born = ACTIVE, cell, need, month
            firm.lease_end, firm.waited = month + lease_length(firm.stage, location), 0
            states[i].lease_rent, books[i].last_round = rent[cell], month
            leased[cell] += need
            flows[zone[cell], s, ENTRIES] += 1.0
            flows[zone[cell], s, LANDED] += firm.origin == ABROAD
            for k in range(cash.size):
                if cash_zones[k, zone[cell]] and (cash[k].segments >> s) & 1 and cash[k].amount > 0.0:
                    welcome(firm, books[i], cash[k], accounts[cash[k].lever])
            continue
        firm.waited += 1
        if firm.waited >= location.patience_months:
            firm.status = LOST
            labour[0].returned += exact(firm.heads)
            labour[0].seekers += exact(firm.heads)
            caps[0].entrants_lost += 1
            z = best_zone(firm.uid, 0, zone_sums[s, 0, m], nearby, zone_key)
            flows[max(z, 0), s, LOST_FOR_SPACE] += 1.0


@kernel
def welcome(firm, book, cash, account):
    """Give an entrant its cash, or refuse it once the year's budget is used up."""
    amount = exact(cash.amount)
    if account.refused > 0.0 or account.spent_year + amount > cash.budget:
        account.refused += 1.0
        return
    firm.cash += amount
    book.subsidy += amount
    account.spent += amount
    account.spent_year += amount
    account.served += 1.0


@kernel
def own_weights(firms, states, choosers, location, zone, attraction, lift, log_spill, jacobs, rent):
    """exp of V at each startup's own cell, its own heads not among its neighbours.   (E5, E20)

    Rows are read without a decision between them, so that memory serves many at a time.
    """
    size = choosers.size
    others, ratio, term = np.empty(size), np.empty(size), np.empty(size)
    value, place, slope = np.empty(size), np.empty(size), 0.0
    for k in range(size):
        firm, state = firms[choosers[k]], states[choosers[k]]
        s, p, cell = np.int64(firm.segment), phase_of(firm.stage), firm.cell
        # else its heads are not in the field of its new segment
        own = state.spillover - log_spill[s, cell] if firm.counted_as == s else 0.0
        variety = state.diversity - jacobs[cell]
        others[k] = location.spillover_weight * own + location.diversity_weight * variety
        ratio[k], slope = rent_parts(rent[cell] * (1.0 - state.relief), location)
        place[k] = attraction[s, p, cell] * lift[s, p, zone[cell]]
    logs(ratio, term)
    exps(others - slope * term, value)
    return place * value


@kernel
def phase_of(stage):
    """Return the phase of a startup: 0 up to the seed stage, 1 later."""
    return np.int64(0) if stage <= 1 else np.int64(1)


@kernel
def stay_probability(own, rest):
    """e^(V_own + iota) / (e^(V_own + iota) + rest), e^(V_own + iota) being `own`   (E20)"""
    return own / (own + rest)


@kernel
def decide(firms, states, choosers, par, month, zone, first,
           weights, zone_sums, log_rest, columns, revising,
           attraction, lift, log_spill, jacobs,
           rent, space, leased, largest, vacant,
           labour, stay_key, zone_key, cell_key, flows, caps):  # fmt: skip
    """Let each chooser, in its turn, stay on a new lease, move, or find no room.   (E20)"""
    location, operations = par[0].location, par[0].operations
    anywhere, bonus, rest = np.ones(first.size - 1), exp(location.stay_bonus), np.empty_like(log_rest)
    exps(log_rest.ravel(), rest.ravel())
    for begin in range(0, choosers.size, BLOCK):
        block = choosers[begin : begin + BLOCK]
        values = own_weights(firms, states, block, location, zone, attraction, lift, log_spill, jacobs, rent)
        for k in range(block.size):
            firm, state = firms[block[k]], states[block[k]]
            s, p, m = firm.segment, phase_of(firm.stage), columns[begin + k]
            need, own = needed_area(firm.heads, location), firm.cell
            fits = location.unlimited_capacity or space[own] - leased[own] + firm.area >= need
            staying = stay_probability(values[k] * bonus, rest[s, p, m]) if fits and not revising else 0.0
            if uniform(stay_key, firm.uid, 0) < staying:
                end = month + lease_length(firm.stage, location)
                sign_lease(firm, state, own, need, rent[own], end, leased)
                continue
            mine, sums = weights[s, p, m], zone_sums[s, p, m]
            if revising:
                mine, sums = without_self(mine, own, values[k], first, vacant[own], location)
            cell = find_cell(firm.uid, need, location, zone, first, mine, sums, anywhere, space, leased,
                             largest, zone_key, cell_key)  # fmt: skip
            if cell < 0:
                caps[0].movers_without_room += 1
                sign_lease(firm, state, own, min(need, floor_exact(firm.area + space[own] - leased[own])), rent[own],
                           month + location.stopgap_lease_months, leased)  # fmt: skip
                firm.waited = 1
                continue
            flows[zone[own], s, MOVES_OUT] += 1.0
            flows[zone[cell], s, MOVES_IN] += 1.0
            sign_lease(
                firm, state, cell, need, rent[cell], month + lease_length(firm.stage, location), leased
            )
            payroll = firm.heads * operations.wage_wan_head_month[s] * labour[0].wage
            firm.cash -= (location.moving_rent_months * rent[cell] * need / WAN
                          + location.moving_payroll_months * payroll)  # fmt: skip


@kernel
def sign_lease(firm, state, cell, area, rent, end, leased):
    """Give up the old rooms and lease `area` m2 in `cell` until `end`."""
    leased[firm.cell] -= firm.area
    leased[cell] += area
    firm.cell, firm.area, state.lease_rent, firm.lease_end, firm.waited = cell, area, rent, end, 0


@kernel
def without_self(weights, own, value, first, vacant, location):
    """Return a reviser's own weights and their sums by zone: its own cell without itself."""
    mine = weights.copy()
    if location.size_weight == 0.0:
        mine[own] = value
    elif weights[own] > 0.0:
        size = vacant if location.size_weight == 1.0 else exp(location.size_weight * log(vacant))
        mine[own] = value * size
    sums = np.empty(first.size - 1)
    sum_zones(mine, first, sums)
    return mine, sums
