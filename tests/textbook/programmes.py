"""Programmes with places: incubators, accelerators and test platforms.   (E24)"""

import numpy as np

from sim.randomness import combine, uniform

from .policy import is_tenant
from .words import WAN, to_grain

KINDS = ("incubator", "accelerator", "test-platform")


def programmes(model):
    """Return the levers of this sort that are in force."""
    return [policy for kind in KINDS for policy in model.of_kind(kind)]


def admit(model):
    """Holders keep their places while they are eligible; free places go by lot.   (E24)"""
    for startup in model.startups:
        startup.programmes = []
    for programme in programmes(model):
        eligible = [
            s for s in model.startups if is_tenant(s) and s.zone in programme.zones and programme.suits(s)
        ]
        holders = [startup for startup in eligible if startup in programme.holders]
        others = [startup for startup in eligible if startup not in programme.holders]
        free = max(programme.lever.places - len(holders), 0)
        programme.holders = holders + by_lot(model, programme, others)[:free]
        programme.served = len(programme.holders)
        programme.pay(to_grain(programme.served * programme.lever.price_rmb_place_month / WAN))
        programme.refused = len(eligible) - programme.served
        for startup in programme.holders:
            startup.programmes.append(programme.lever)
        programme.attraction = attraction(programme, len(eligible))


def by_lot(model, programme, startups):
    """Return startups in the order of this month's lots."""
    key = np.uint64(combine(model.draw("place"), np.uint64(programme.key)))
    return sorted(startups, key=lambda startup: (uniform(key, startup.uid, 0), startup.uid))


def attraction(programme, eligible):
    """Return b_z of its zones: what a place is worth while places are free.   (E24)"""
    free = programme.lever.places - len(programme.holders)
    chance = min(1.0, free / eligible) if eligible else float(free > 0)
    return programme.lever.attraction_utils * chance


def draws(programme, segment, phase):
    """Return whether it attracts a chooser: by segment, and by whether its last stage lies in the phase or beyond."""
    last = programme.lever.max_stage
    return segment in programme.segments and (phase == 0 or last is None or last >= 2)
