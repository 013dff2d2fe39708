"""The list on which startups reserve rooms in a zone on offer, and apply to move in.   (E23)"""

import math

from sim.randomness import uniform

from .choice import Choice
from .words import LONG_AGO

CROWDED = 1.1  #: who needs more than its rooms over this applies before its lease ends


def keep_list(model):
    """Let startups elsewhere look at the offer; return how many reserve and how many apply this month."""
    reservations = applications = 0
    for offer in model.of_kind("uptake-list"):
        choice = Choice(model)
        for startup in model.active():
            if startup.zone in offer.zones or not looks(startup, offer):
                continue
            worth = worth_of_zones(startup, offer, choice)
            (zone,) = offer.zones
            rank = sum(value > worth[zone] for value in worth)
            if startup.reserved == LONG_AGO and rank <= 1:
                startup.reserved = model.month
                reservations += 1
            best = startup.reserved > LONG_AGO and rank == 0
            if best and may_apply(startup, offer) and worth[zone] > worth_of_staying(startup, choice):
                startup.applied = model.month
                applications += 1
    return reservations, applications


def looks(startup, offer):
    """Return whether a startup looks at the offer: it has heard of it, or has reserved and not applied."""
    if startup.reserved > LONG_AGO:
        return startup.applied == LONG_AGO
    return startup.chance("aware") < offer.lever.awareness_per_month


def may_apply(startup, offer):
    """Return whether its lease ends within the window, or its rooms are crowded."""
    needed = startup.par.location.area_m2_per_head * startup.heads
    return (
        startup.lease_end <= startup.model.month + offer.lever.lease_window_months
        or CROWDED * needed > startup.area
    )


def taste(startup, index):
    """Return its lasting Gumbel taste for a zone, or, after the last zone, for staying."""
    return -math.log(-math.log(uniform(startup.model.draw.once("liking"), startup.uid, index)))


def worth_of_zones(startup, offer, choice):
    """Return U of each zone; a zone without any room is worth nothing."""
    region = startup.model.region
    weights = choice.weights(startup.segment, startup.phase, startup.offered_cuts())
    worth = []
    for z in range(region.n_zones):
        inside = float(weights[region.zone == z].sum())
        extra = offer.lever.offer_utils if z in offer.zones else 0.0
        worth.append(math.log(inside) + extra + taste(startup, z) if inside > 0.0 else -math.inf)
    return worth


def worth_of_staying(startup, choice):
    """Return U of the own rooms, with what is vacant beside them."""
    space = float(choice.vacant[startup.cell]) + startup.area
    return math.log(startup.value_of_own_rooms(choice) * space) + taste(startup, startup.model.region.n_zones)
