"""What is counted of a month: the kernels with which a run's record is taken down, by zone and segment."""

import numpy as np

from sim.compiled import kernel
from sim.ledger import ACTIVE, DORMANT, LISTED, NEVER, PRODUCES_HERE, UNDECIDED
from sim.world import exact

EMBODIED = 3  # segment


@kernel
def take_stock(firms, states, books, zone, out):
    """Add the rows of a ledger to the stock columns of each zone and segment."""
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status == DORMANT:
            out[zone[firm.cell], firm.segment, 2] += 1.0
        if firm.status != ACTIVE and firm.status != LISTED:
            continue
        cell = out[zone[firm.cell], firm.segment]
        cell[0 if firm.status == ACTIVE else 1] += 1.0
        cell[3] += exact(firm.heads)
        cell[5] += exact(firm.area)
        cell[6] += exact(firm.area * states[i].lease_rent)
        if firm.segment == EMBODIED and books[i].site != UNDECIDED:
            cell[4 if books[i].site == PRODUCES_HERE else 7] += exact(books[i].production)


@kernel
def take_flows(flows, units, first, out):
    """Write the month's counts of each zone and segment from column `first` on."""
    for z in range(flows.shape[0]):
        for s in range(flows.shape[1]):
            for i in range(flows.shape[2]):
                out[z, s, first + i] = flows[z, s, i] * units[i]


@kernel
def take_peaks(firms, zone, first, near, column, out):
    """Write for each zone and segment the most active startups of the segment within 1 km of one of them."""
    number = np.zeros((out.shape[1], zone.size))
    for i in range(firms.shape[0]):
        if firms[i].status == ACTIVE:
            number[firms[i].segment, firms[i].cell] += 1.0
    for s in range(out.shape[1]):
        for c in range(zone.size):
            if number[s, c] == 0.0:
                continue
            around = 0.0
            for k in range(first[c], first[c + 1]):
                around += number[s, near[k]]
            out[zone[c], s, column] = max(out[zone[c], s, column], around)


@kernel
def take_zones(first, stock, rent, vacant, tenants, out):
    """Write each zone's rent, weighted by stock, and floor space into the last columns, for each segment alike."""
    n = out.shape[2]
    for z in range(first.size - 1):
        space, bill, free, others = 0.0, 0.0, 0.0, 0.0
        for c in range(first[z], first[z + 1]):
            space += stock[c]
            bill += stock[c] * rent[c]
            free += vacant[c]
            others += tenants[c]
        for s in range(out.shape[1]):
            out[z, s, n - 4], out[z, s, n - 3] = bill / space, space
            out[z, s, n - 2], out[z, s, n - 1] = free, others


@kernel
def take_fields(market, fields, out):
    """Write the chosen numbers of a market's record."""
    for k in range(fields.size):
        out[k] = market[fields[k]]


@kernel
def had_rooms(firms, books):
    """Return the rows that had rooms since the first month; who ended before it counts while on the register."""
    out, n = np.empty(firms.shape[0], dtype=np.int64), 0
    for i in range(firms.shape[0]):
        ended_before = NEVER < books[i].ended < 0 and firms[i].status != DORMANT
        if firms[i].cell >= 0 and not ended_before:
            out[n] = i
            n += 1
    return out[:n]
