"""Programmes with places: who has one, what it does for them, and who is refused.

Equations
---------
(E24) A place is kept as long as its holder is eligible: segment, stage, age, zone. Free places go by lot among the
eligible who have none; who gets none is refused for the month. A holder's background failure, hazard to look for
money, productivity and odds of producing outside are multiplied by the programme's factors, all of them assumed.
While places are free, the zones of a programme attract the eligible by ``b min(1, free places / eligible startups)``,
in the choice inside the region alone.
"""

import numpy as np

from sim.compiled import exp, kernel, log
from sim.ledger import IN_PROGRAMME, in_order, is_eligible
from sim.randomness import combine, uniform
from sim.world import exact

EARLY = 1  # last stage of the early phase of location choice


def admit(world, par, terms, draw) -> None:
    """Give and take places, and note what levers make of zones (writes programmes, factors, lift, accounts)."""
    utils = terms.attraction
    if terms.programmes.size:
        firms, _, books = world.startups.parts
        utils = utils.copy()
        for k, programme in enumerate(terms.programmes):
            zones = terms.programme_zones[k]
            key = np.uint64(combine(draw("place"), np.uint64(programme["key"])))
            candidates, numbers, taken = review(
                firms, books, terms.programmes, k, zones, world.grid.zone, world.month, key
            )
            free = max(int(programme["places"]) - taken, 0)
            admitted = candidates[in_order(numbers, firms["uid"][candidates])[:free]]
            books["programmes"][admitted] |= 1 << k
            book_places(world, programme, taken + len(admitted), len(candidates) - len(admitted))
            if programme["attraction"] > 0 and programme["places"] > 0:
                left = programme["places"] - taken - len(admitted)
                utils += offered(programme, left / max(taken + len(candidates), 1), zones)
        help_members(firms, books, terms.programmes)
    lift(utils, world.lift)


def book_places(world, programme, taken: int, refused: int) -> None:
    """Book the cost of taken places, and who was refused."""
    account = world.accounts[programme["lever"]]
    cost = exact(taken * programme["price"])
    account["spent"] += cost
    account["spent_year"] += cost
    account["served"], account["refused"] = taken, refused


def offered(programme, free: float, zones: np.ndarray) -> np.ndarray:
    """Return what free places make of zones for each segment and phase [utils], (4, 2, n_zones).   (E24)"""
    utils = np.zeros((4, 2, zones.size))
    for segment in range(4):
        if (programme["segments"] >> segment) & 1:
            utils[segment, 0] = programme["attraction"] * min(free, 1.0) * zones
            if programme["max_stage"] > EARLY:
                utils[segment, 1] = utils[segment, 0]
    return utils


@kernel
def review(firms, books, programmes, k, zones, zone, month, key):
    """Take places from who is no longer eligible; return who asks for one, their lots, and the places taken."""
    asking, numbers = np.empty(firms.shape[0], dtype=np.int64), np.empty(firms.shape[0])
    n, taken, bit, open_ = 0, 0, np.int64(1) << np.int64(k), programmes[k].places > 0
    for i in range(firms.shape[0]):
        firm, has = firms[i], (books[i].programmes & bit) != 0
        eligible = open_ and is_eligible(firm, programmes[k], month) and zones[zone[firm.cell]]
        if has and not eligible:
            books[i].programmes &= ~bit
        elif has:
            taken += 1
        elif eligible:
            asking[n], numbers[n] = i, uniform(key, firm.uid, 0)
            n += 1
    return asking[:n], numbers[:n], taken


@kernel
def help_members(firms, books, programmes):
    """Write the factors of the programmes in which each startup has a place.   (E24)"""
    for i in range(firms.shape[0]):
        firm, book = firms[i], books[i]
        if book.programmes == 0 and not firm.aided & IN_PROGRAMME:
            continue
        book.failure_factor, book.seek_factor, book.log_help, book.production_odds = 1.0, 1.0, 0.0, 0.0
        for k in range(programmes.size):
            if (book.programmes >> k) & 1:
                book.failure_factor *= programmes[k].failure
                book.seek_factor *= programmes[k].seek
                book.log_help += log(programmes[k].productivity)
                book.production_odds += programmes[k].production
        firm.aided = (firm.aided & ~IN_PROGRAMME) | (IN_PROGRAMME if book.programmes != 0 else 0)


@kernel
def lift(utils, out):
    """Write exp of what levers make of zones."""
    for s in range(utils.shape[0]):
        for p in range(utils.shape[1]):
            for z in range(utils.shape[2]):
                out[s, p, z] = exp(utils[s, p, z])
