"""The month's matching of startups that look for money with funds.   (E16)"""

import dataclasses
from typing import Any

import numpy as np

from sim.randomness import combine, normal

from .words import to_grain


@dataclasses.dataclass
class Round:
    """A round that is being filled: what is asked, what is reserved by guided money, who committed what."""

    startup: Any
    ask: float
    guided: Any = None
    reserved: float = 0.0
    parts: list[tuple[Any, float]] = dataclasses.field(default_factory=list)

    @property
    def private(self):
        """Return what private funds have committed."""
        return sum(amount for _, amount in self.parts)

    @property
    def needed(self):
        """Return what private funds may still commit."""
        return self.ask - self.reserved - self.private

    @property
    def guided_money(self):
        """Return what the guided fund pays beside what private funds bring."""
        if self.reserved <= 0.0:
            return 0.0
        return to_grain(min(self.reserved * self.private / (self.ask - self.reserved), self.reserved))


def score(startup, fund, taste_key):
    """Return the score by which startup and fund rank each other.   (E16)"""
    finance, access = startup.model.setup.finance, startup.model.setup.access
    region = startup.model.region
    away = region.to_zone[startup.cell, fund.seat] / access.capital_range_km
    taste = normal(np.uint64(combine(taste_key, startup.uid)), fund.uid, startup.stage)
    return startup.log_capability - finance.distance_weight * away + finance.taste_sd * taste


def match(model, seekers):
    """Go down the list of all pairs once, best first; close rounds and pay.   (E16)"""
    finance = model.setup.finance
    taste_key = model.draw.once("taste")
    pairs = []
    for startup in seekers:
        for fund in model.funds:
            if fund.invests_in(startup) and fund.purse > 0.0:
                value = score(startup, fund, taste_key)
                if value > finance.score_bar:
                    pairs.append((-value, startup.uid, fund.uid, startup, fund))
    rounds = {startup.uid: Round(startup, startup.ask) for startup in seekers}
    purse = {fund.uid: fund.purse for fund in model.funds}
    guided_purse = {id(fund): fund.purse for fund in model.guided_in_force()}
    for *_, startup, fund in sorted(pairs, key=lambda pair: pair[:3]):
        go_on(model, rounds[startup.uid], fund, purse, guided_purse)
    for startup in seekers:
        settle(model, rounds[startup.uid])


def go_on(model, deal, fund, purse, guided_purse):
    """Let one pair of the list commit what it can.   (E16)"""
    finance = model.setup.finance
    can_bring = min(fund.ticket, purse[fund.uid])
    if not deal.parts:
        if (
            min(can_bring, deal.ask) < finance.lead_share * deal.ask
        ):  # cannot lead, with or without guided money
            return
        reserve(model, deal, guided_purse)
    amount = min(deal.needed, can_bring)
    least = finance.follow_share if deal.parts else finance.lead_share
    if amount > 0.0 and amount >= min(least * deal.ask, deal.ask - deal.reserved):
        deal.parts.append((fund, amount))
        purse[fund.uid] -= amount


def reserve(model, deal, guided_purse):
    """Reserve guided money when the first pair that can lead is reached; a little money binds nobody.   (E16)"""
    for fund in model.guided_in_force():
        if not fund.favours(deal.startup):
            continue
        whole = deal.ask / (1.0 + fund.lever.match_share)
        reserved = to_grain(min(whole, guided_purse[id(fund)]))
        if reserved > 0.0 and reserved >= model.setup.finance.lead_share * whole:
            deal.guided, deal.reserved = fund, reserved
            guided_purse[id(fund)] -= reserved
            return
        fund.policy.refused += 1


def settle(model, deal):
    """Close a round if enough was committed; otherwise all is released.   (E16)"""
    startup, finance = deal.startup, model.setup.finance
    total = deal.private + deal.guided_money
    if deal.private <= 0.0 or total < finance.close_share * deal.ask:
        return
    for fund, amount in deal.parts:
        fund.pay(amount)
    if deal.guided_money > 0.0:
        deal.guided.purse -= deal.guided_money
        deal.guided.pay(deal.guided_money)
        model.guided_paid.append((deal.guided, deal.guided_money))
    startup.close_round(deal, total)
