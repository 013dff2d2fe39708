"""The choice of a cell: weights at the beginning of a phase, and the draw from them.   (E6, E7)"""

import math

import numpy as np

from sim.randomness import uniform

from .programmes import draws, programmes

PASSES = 16  #: draws before a chooser looks only at cells with room


class Choice:
    """What choosers of one phase of the month choose from: weights use the vacancy at its beginning."""

    def __init__(self, model):
        self.model, self.region = model, model.region
        self.vacant = self.region.vacant.copy()
        self.free_of_tenants = self.region.stock - self.region.tenants
        self._weights = {}

    def lift(self, segment, phase):
        """Return e^b_z: what levers are assumed to make of zones.   (E5)"""
        worth = np.zeros(self.region.n_zones)
        for policy in self.model.of_kind("public-space"):
            for z in policy.zones:
                worth[z] += policy.lever.attraction_utils
        for programme in programmes(self.model):
            if draws(programme, segment, phase):
                for z in programme.zones:
                    worth[z] += programme.attraction
        return np.exp(worth)

    def weights(self, segment, phase, cuts):
        """Return vac^beta e^V of each cell.   (E6)"""
        key = (segment, phase, tuple(cut.id for cut in cuts))
        if key not in self._weights:
            value = self.region.value(segment, phase, cuts)
            lift = self.lift(segment, phase)[self.region.zone]
            self._weights[key] = self.region.size(self.vacant) * np.exp(value) * lift
        return self._weights[key]

    def nearness(self, origin_place):
        """Return e^(-chi d) of each zone for a spin-off: from its node, or its parent's zone.   (E5)"""
        if origin_place < 0:
            return None
        weight = self.model.setup.location.origin_weight_per_km
        return np.exp(-weight * self.region.grid.origin_distance[origin_place])

    def space(self, cell):
        """Return the floor space of a cell that nobody holds at this moment."""
        return self.free_of_tenants[cell] - self.region.leased[cell]

    def find_cell(self, uid, need, weights, near):
        """Draw zone and cell; draw again if there is no room; after some draws look at cells with room.   (E7)"""
        region = self.region
        by_zone = np.array([weights[region.zone == z].sum() for z in range(region.n_zones)])
        pulls = by_zone if near is None else by_zone * near
        for turn in range(PASSES):
            z = self.first_arrival(uid, turn, pulls)
            if z is None:
                return None
            cells = np.flatnonzero(region.zone == z)
            u = uniform(self.model.draw("cell"), uid, turn)
            cell = cells[running_pick(u * by_zone[z], weights[cells])]
            if self.space(cell) >= need and region.largest_lease[cell] >= need:
                return int(cell)
        room = (region.stock - region.tenants - region.leased >= need) & (region.largest_lease >= need)
        free = np.where(room, weights if near is None else weights * near[region.zone], 0.0)
        if not free.any():
            return None
        return int(running_pick(uniform(self.model.draw("cell"), uid, PASSES) * free.sum(), free))

    def first_arrival(self, uid, turn, pulls):
        """Return the zone whose exponential clock rings first: the largest value plus a Gumbel number.   (E6)"""
        best, found = math.inf, None
        for z, pull in enumerate(pulls):
            if pull > 0.0:
                u = uniform(self.model.draw("zone"), uid, turn * len(pulls) + z)
                if -math.log(u) / pull < best:
                    best, found = -math.log(u) / pull, z
        return found


def running_pick(target, weights):
    """Return the position at which the running sum of weights passes `target`; at its end the last with weight."""
    running = np.cumsum(weights)
    positive = np.flatnonzero(weights > 0.0)
    j = int(np.searchsorted(running, target, side="right"))
    return min(j, int(positive[-1]))


def in_turn(choosers):
    """Return choosers in the random order of the month in which they are served.   (E7)"""
    return sorted(choosers, key=lambda startup: (startup.chance("turn"), startup.uid))
