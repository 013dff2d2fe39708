"""Where founders come from: universities and institutes, anchor firms, independents, abroad, and firms."""

import math

import mesa
import numpy as np

from sim.randomness import identity, normal, pick, poisson, uniform

from .policy import address
from .startup import Startup


def child(parent, month, slot):
    """Return the identity of a child; months before the first are counted from 2^20 down."""
    return np.uint64(identity(parent, np.uint64(month % 2**20), np.uint64(slot)))


class University(mesa.Agent):
    """A source of potential founders: a university, institute or anchor firm, the independents, those from abroad."""

    def __init__(self, model, name, origin, place, spinoffs_per_year):
        super().__init__(model)
        self.name, self.origin, self.place = name, origin, place
        self.uid = np.uint64(address(name))
        self.spinoffs_per_year = spinoffs_per_year

    def rate(self):
        """Return how many potential founders it has in a month on average.   (E18)"""
        births = self.model.setup.births
        scale = births.founding_scale * births.consideration_factor * self.model.growth
        if self.origin == "independent":
            return births.independents_per_month * scale
        if self.origin == "abroad":
            return sum(p.lever.founders_per_month for p in self.model.of_kind("landing"))
        return (
            self.spinoffs_per_year
            / 12.0
            * scale
            * (births.institute_scale if self.origin == "institute" else 1.0)
        )

    def found(self, inside):
        """Return the founders of the month who found here.   (E18)"""
        model, births = self.model, self.model.setup.births
        key = model.draw("founder")
        for slot in range(poisson(self.rate(), model.draw("founders"), self.uid, 0)):
            uid = child(self.uid, model.month, slot)
            segment = int(pick(uniform(key, uid, 0), np.array(births.entrant_segments)))
            if uniform(model.draw("inside"), uid, 0) < inside[segment]:
                quality = births.quality_sd * normal(key, uid, 1)
                enter(model, uid, segment, quality, self.origin, self.place, int(self.uid))
            else:
                model.founded_outside[segment] += 1


def spin_off(parent, inside):
    """Let a firm have spin-offs.   (E19)"""
    model, births = parent.model, parent.par.births
    key = model.draw("founder")
    place = len(model.region.grid.tables.nodes) + parent.zone
    for slot in range(parent.number_of_spinoffs()):
        uid = child(parent.uid, model.month, slot)
        segment = parent.segment
        if uniform(key, uid, 3) >= births.segment_kept:
            segment = int(pick(uniform(key, uid, 0), np.array(births.entrant_segments)))
        if uniform(model.draw("inside"), uid, 0) < inside[segment]:
            quality = births.heredity * parent.log_quality + births.heredity_sd * normal(key, uid, 1)
            enter(model, uid, segment, quality, "firm", place, int(parent.uid))
        else:
            model.founded_outside[segment] += 1


def enter(model, uid, segment, log_quality, origin, place, parent):
    """Add a startup that looks for its first rooms.   (E18)"""
    births = model.setup.births
    spread = births.starting_cash_sd * normal(model.draw("founder"), uid, 2)
    startup = Startup(
        model, uid=uid, segment=segment, origin=origin, origin_place=place, parent=parent, log_quality=log_quality,
        heads=team(model.setup, segment), cash=births.starting_cash_wan[segment] * math.exp(spread),
    )  # fmt: skip
    model.startups.append(startup)
    model.labour.take_team(startup.heads)
    model.note("births", startup)


def team(par, segment):
    """Return the heads of an entrant.   (E18)"""
    return max(par.operations.target_heads[segment][0] * par.births.entry_size, 1.0)


def appeal(model, choice):
    """Return IV of each segment: what the region is worth to an early entrant without an origin.   (E18)"""
    births, region = model.setup.births, model.region
    room = float(choice.vacant.sum())
    values = []
    for segment in range(4):
        cuts = tuple(cut for cut in model.of_kind("rent-cut") if is_for_entrants(cut, model, segment))
        inclusive = float((region.size(choice.vacant) * np.exp(region.value(segment, 0, cuts))).sum())
        if inclusive <= 0.0:  # nothing is vacant anywhere
            values.append(-math.inf)
            continue
        share = 1.0 - births.choice_size_exponent
        values.append(math.log(inclusive) - share * math.log(float(region.size(room))))
    return values


def is_for_entrants(cut, model, segment):
    """Return whether a rent cut is for entrants of a segment.   (E4)"""
    location = model.setup.location
    area = location.lease_reserve * location.area_m2_per_head * team(model.setup, segment)
    return (
        cut.offers
        and segment in cut.segments
        and (cut.lever.max_area_m2 is None or area <= cut.lever.max_area_m2)
    )


def inside_probabilities(model, appeal):
    """Return the chance of each segment's founders to found here.   (E18)"""
    births = model.setup.births
    easier = sum(policy.lever.appeal_utils for policy in model.of_kind("administration"))
    chances = []
    for segment in range(4):
        gain = appeal[segment] - model.reference_appeal[segment] - model.outside_offer[segment]
        if math.isinf(gain):
            chances.append(0.0)
            continue
        x = births.outside_pull * gain + easier
        chances.append(1.0 / (1.0 + births.outside_weight * math.exp(-x)))
    return chances
