"""Venture funds, and the guided fund of a lever."""

import mesa
import numpy as np

from sim.randomness import Draws, combine, pick, uniform

from .policy import address
from .words import APP, OPC, ROUNDS, SEGMENTS, SERIES_A, WAN, clip, to_grain

FUND = int.from_bytes(b"fund", "big")  #: what the identities of funds are hashed from
LARGE, MIDDLE = 0.3, 0.6  #: shares of funds, by size, that invest late, and up to the round C
WAN_IN_A_BILLION = 1e9 / WAN


class Fund(mesa.Agent):
    """A venture fund: commitment, what of it is uncalled, and the purse.   (E16)"""

    def __init__(self, model, *, uid, size, seat, offset, rounds, segments, partner=False, visiting=False, commitment=0.0,
                 uncalled=0.0, purse=0.0, committed=0.0, invested=0.0, returned=0.0, recycled=0.0, all_invested=0.0,
                 all_proceeds=0.0):  # fmt: skip
        super().__init__(model)
        self.uid, self.size, self.seat, self.offset = uid, size, seat, offset
        # rounds (0 seed ... 4 D or later) and segments in focus; whether it is one of the first funds of the table, or
        # came to a hub
        self.rounds, self.segments, self.partner, self.visiting = rounds, segments, partner, visiting
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

    def draw_tastes_anew(self):
        """Become another to whoever draws by its identity.   (E16)"""
        self.uid = np.uint64(combine(self.uid, np.uint64(1))) >> np.uint64(1)

    def begins_period(self):
        """Return whether its next investment period begins this month."""
        return (self.model.month - self.offset) % self.model.setup.finance.period_months == 0

    def begin_period(self, mean_performance):
        """Return what was never called; the next commitment follows the record.   (E16)"""
        finance, scale = self.model.setup.finance, self.model.commitments
        record = 1.0  # of who commits for the first time
        if self.commitment > 0.0:
            record = clip(
                self.performance / mean_performance, finance.performance_low, finance.performance_high
            )
        self.returned += self.uncalled
        self.commitment = to_grain(self.size * scale * record**finance.performance_exponent)
        self.uncalled = self.commitment
        self.committed += self.commitment

    def begin_history(self):
        """Be in the middle of a period, with the part of the commitment that is still to call.   (5)"""
        months = self.model.setup.finance.period_months
        left = months - (self.model.month - self.offset) % months
        self.commitment = to_grain(self.size * self.model.commitments)
        self.committed = self.uncalled = to_grain(self.commitment * left / months)

    def open_books(self):
        """Count flows of money from the first month on; the record of the history stays.   (5)"""
        self.committed = self.uncalled + self.purse
        self.invested = self.returned = self.recycled = 0.0

    def call(self):
        """Call a month's part of the commitment into the purse.   (E16)"""
        finance = self.model.setup.finance
        pace = self.commitment / finance.period_months
        room = max(finance.purse_months * pace - self.purse, 0.0)
        called = min(self.uncalled, to_grain(min(self.model.climate * pace, room)))
        self.uncalled -= called
        self.purse += called

    def make_way(self, share):
        """Give back to investors the share that visiting funds take: of the commitment and of what is uncalled."""
        back = to_grain(share * self.uncalled)
        self.uncalled -= back
        self.returned += back
        self.size -= to_grain(share * self.size)
        self.commitment -= to_grain(share * self.commitment)

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


def first_funds(scenario, tables, seed):
    """Return the fund table as plain values: the partners, and all others by rank of size.   (E16)"""
    finance, settings = scenario.finance, tables.settings["funds"]
    partners = settings["partner_seats"][: finance.funds]
    others = finance.funds - len(partners)
    key = Draws(seed, 0).once("fund-table")
    funds = []
    for v in range(finance.funds):
        uid = np.uint64(combine(np.uint64(FUND), np.uint64(v))) >> np.uint64(1)
        fund = {"uid": uid, "offset": int(uniform(key, uid, 0) * finance.period_months)}
        if v < len(partners):
            fund |= {"partner": True, "size": finance.partner_size, "seat": tables.zone_index[partners[v]],
                     "rounds": (0, ROUNDS - 1), "segments": set(range(len(SEGMENTS)))}  # fmt: skip
        else:
            fund |= other_fund(finance, settings, tables, key, uid, (v - len(partners) + 0.5) / others)
        funds.append(fund)
    whole = sum(fund["size"] for fund in funds)
    for fund in funds:
        fund["size"] = to_grain(fund["size"] * finance.capital_bn_rmb * WAN_IN_A_BILLION / whole)
    return funds


def other_fund(finance, settings, tables, key, uid, share):
    """Return a fund that is no partner, by the share of the others that are larger."""
    seat = pick(uniform(key, uid, 2), np.array(list(settings["seat_weights"].values())))
    border = SERIES_A - 1 if uniform(key, uid, 1) < 0.5 else SERIES_A  # the first round or the last
    rounds = (border, ROUNDS - 1) if share < LARGE else (0, 3) if share < MIDDLE else (0, border)
    left, segments = 2 + int(uniform(key, uid, 3) * 3.0), set()
    for segment in range(len(SEGMENTS)):
        if uniform(key, uid, 4 + segment) * (len(SEGMENTS) - segment) < left:
            segments.add(segment)
            left -= 1
    if APP in segments:
        segments.add(OPC)
    return {
        "size": finance.other_size * share ** (-1.0 / finance.size_exponent),
        "seat": tables.zone_index[list(settings["seat_weights"])[int(seat)]],
        "rounds": rounds, "segments": segments,
    }  # fmt: skip


def take_seats(model, hub):
    """Let partner funds from elsewhere move to a hub, and visiting funds open a seat there.   (E16)"""
    (zone,) = hub.zones
    elsewhere = [fund for fund in model.funds if fund.partner and fund.seat != zone]
    for fund in elsewhere[: hub.lever.partners]:
        fund.seat = zone
    capital = hub.lever.capital_rmb / WAN
    if hub.lever.visitors and capital > 0.0:
        others = sum(fund.size for fund in model.funds)
        share = min(hub.lever.counted_share * capital / others, 1.0) if others > 0.0 else 0.0
        for fund in model.funds:
            fund.make_way(share)
        size = to_grain(capital / hub.lever.visitors)
        model.funds += [visitor(model, hub, zone, size, number) for number in range(hub.lever.visitors)]
    model.region.capital_access()


def visitor(model, hub, zone, size, number):
    """Return a visiting fund: it invests in everything, and its first period begins this month."""
    return Fund(
        model, uid=np.uint64(combine(np.uint64(address(hub.id)), np.uint64(number))) >> np.uint64(1), size=size,
        seat=zone, offset=model.month % model.setup.finance.period_months, rounds=(0, ROUNDS - 1),
        segments=set(range(len(SEGMENTS))), visiting=True,
    )  # fmt: skip


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
