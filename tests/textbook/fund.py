"""Venture funds, and the guided fund of a lever."""

import mesa
import numpy as np

from .words import WAN, clip, to_grain


class Fund(mesa.Agent):
    """A venture fund: commitment, what of it is uncalled, and the purse.   (E16)"""

    def __init__(self, model, *, uid, size, seat, offset, rounds, segments, commitment=0.0, uncalled=0.0, purse=0.0,
                 committed=0.0, invested=0.0, returned=0.0, recycled=0.0, all_invested=0.0, all_proceeds=0.0):  # fmt: skip
        super().__init__(model)
        self.uid, self.size, self.seat, self.offset = uid, size, seat, offset
        self.rounds, self.segments = (
            rounds,
            segments,
        )  # rounds (0 seed ... 4 D or later) and segments in focus
        self.commitment, self.uncalled, self.purse = commitment, uncalled, purse
        self.committed, self.invested, self.returned, self.recycled = committed, invested, returned, recycled
        self.all_invested, self.all_proceeds = all_invested, all_proceeds

    @property
    def performance(self):
        """P of E16."""
        return 0.5 + (self.all_proceeds / self.all_invested if self.all_invested > 0.0 else 0.0)

    @property
    def ticket(self):
        """Return the most that it puts into one round."""
        return to_grain(self.model.setup.finance.ticket_share * self.commitment)

    def begins_period(self):
        """Return whether its next investment period begins this month."""
        return (self.model.month - self.offset) % self.model.setup.finance.period_months == 0

    def begin_period(self, mean_performance):
        """Return what was never called; the next commitment follows the record.   (E16)"""
        finance, climate = self.model.setup.finance, self.model.climate
        record = clip(self.performance / mean_performance, finance.performance_low, finance.performance_high)
        self.returned += self.uncalled
        self.commitment = to_grain(self.size * climate * record**finance.performance_exponent)
        self.uncalled = self.commitment
        self.committed += self.commitment

    def call(self):
        """Call a month's part of the commitment into the purse.   (E16)"""
        finance = self.model.setup.finance
        pace = self.commitment / finance.period_months
        room = max(finance.purse_months * pace - self.purse, 0.0)
        called = min(self.uncalled, to_grain(min(self.model.climate * pace, room)))
        self.uncalled -= called
        self.purse += called

    def invests_in(self, startup):
        """Return whether segment and round of a startup are in its focus."""
        first, last = self.rounds
        return startup.segment in self.segments and first <= min(startup.stage, 4) <= last

    def pay(self, amount):
        """Put money into a round that closed."""
        self.purse -= amount
        self.invested += amount
        self.all_invested += amount

    def withdraw(self, amount):
        """Give money of the purse back to investors: guided money crowds it out."""
        self.purse -= amount
        self.returned += amount

    def earn(self, proceeds):
        """Receive its part of an exit; some of it may be called again.   (E17)"""
        again = to_grain(self.model.setup.finance.recycled_share * proceeds)
        self.all_proceeds += proceeds
        self.recycled += again
        self.uncalled += again


class GuidedFund:
    """The public fund of a `guided-fund` lever.   (E16)"""

    def __init__(self, policy):
        self.policy, self.lever = policy, policy.lever
        self.purse = self.called = self.paid = self.returned = self.handed_back = 0.0

    @property
    def monthly(self):
        """Return what it calls a month [wan]."""
        return self.lever.capital_rmb_year * self.lever.realisation_share / 12.0 / WAN

    def call(self):
        """Call a month's money, up to a purse of twelve months."""
        called = to_grain(max(min(self.monthly, 12.0 * self.monthly - self.purse), 0.0))
        self.purse += called
        self.called += called

    def favours(self, startup):
        """Return whether it favours a startup's segment and stage, and no other guided fund holds it."""
        free = startup.lock_fund in (None, self) or startup.lock_end <= startup.model.month
        return startup.segment in self.policy.segments and startup.stage <= self.lever.max_stage and free

    def pay(self, amount):
        """Pay its part of a round; what is expected to be lost is the cost."""
        self.paid += amount
        self.policy.pay(to_grain(self.lever.loss_share * amount))
        self.policy.served += 1

    def take_back(self, amount):
        """Receive back what a startup had taken that leaves while it is held.   (E21)"""
        again = min(amount, max(12.0 * self.monthly - self.purse, 0.0))
        self.purse += again
        self.returned += amount
        self.handed_back += amount - again
        self.policy.pay(-to_grain(self.lever.loss_share * amount))

    def crowd_out(self, amount, funds):
        """Private funds withdraw money, those most who look at other segments.   (E16)"""
        weights = [
            to_grain(fund.purse * (len(fund.segments - self.policy.segments) + 0.02)) for fund in funds
        ]
        whole = float(np.sum(weights))
        for fund, weight in zip(funds, weights, strict=True):
            if whole > 0.0:
                wanted = to_grain(self.lever.crowd_out_share * amount * weight / whole)
                fund.withdraw(min(wanted, fund.purse))
