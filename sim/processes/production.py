"""Production: where embodied-AI firms build what they invent.

Equations
---------
(E21) An embodied-AI firm decides once, when it reaches the stage of production: outside with log odds
``b0 + b_zone + b_place + offer``, b_zone being lower where the zone has space for factories, b_place what a place in a
test platform changes, the offer what other cities add. The leg grows by a share of the gap to the firm's R&D heads
every month; it is neutral to cost and takes neither people nor floor space from the markets of the model.
"""

from sim.compiled import exp, kernel
from sim.ledger import ACTIVE, IN_PROGRAMME, LISTED, PRODUCES_HERE, PRODUCES_OUTSIDE, UNDECIDED
from sim.randomness import uniform

EMBODIED = 3  # segment


def produce(world, par, terms, draw) -> None:
    """Decide where to produce, and grow the legs (writes site, production)."""
    firms, _, books = world.startups.parts
    run_legs(firms, books, par.table, world.grid.zone, world.grid.factory_space, terms.production_offer,
             draw.once("production"))  # fmt: skip


@kernel
def outside_log_odds(factory, help, offer, production):
    """l = b0 + b_zone + b_place + offer   (E21)"""
    by_zone = production.factory_log_odds if factory else production.no_factory_log_odds
    return production.outside_log_odds + by_zone + help + offer


@kernel
def run_legs(firms, books, par, zone, factory, offer, key):
    """Let firms at the stage of production decide once, then grow their legs towards their R&D heads.   (E21)"""
    production = par[0].production
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.segment != EMBODIED or firm.stage < production.first_stage:
            continue
        if firm.status != ACTIVE and firm.status != LISTED:
            continue
        book = books[i]
        if book.site == UNDECIDED:
            help = book.production_odds if firm.aided & IN_PROGRAMME else 0.0
            odds = outside_log_odds(factory[zone[firm.cell]], help, offer, production)
            leaves = uniform(key, firm.uid, 0) * (1.0 + exp(-odds)) < 1.0
            book.site = PRODUCES_OUTSIDE if leaves else PRODUCES_HERE
        book.production += production.growth_per_month * (firm.heads - book.production)
