"""The markets for people and for compute, and the aid that the public pays for running costs."""

import math

import numpy as np

from sim.randomness import combine, uniform

from .policy import is_tenant
from .words import WAN, clip, down_to_grain, to_grain

#: of compute, over the national price of the first month   (E11)
LEAST_PRICE = 0.01


class Labour:
    """Seekers, posts and the wage index.   (E10)"""

    def __init__(self, model, *, seekers, wage, usual_inflow):
        self.model, self.seekers, self.wage, self.usual_inflow = model, seekers, wage, usual_inflow

    def join(self, heads):
        """Let people who lost or left their work look for another."""
        self.seekers += heads

    def take_team(self, heads):
        """Take a founding team from the seekers."""
        self.seekers -= to_grain(heads)

    def return_team(self, heads):
        """Let the team of an entrant that found no rooms look for work."""
        self.seekers += to_grain(heads)

    def take_back(self, heads, share):
        """Let a share of the heads of a firm that ended look for work here."""
        self.seekers += to_grain(share * heads)

    def inflow(self):
        """Return who begins to look for work this month.   (E10)"""
        par, model = self.model.setup, self.model
        heads = model.region.heads  # of the beginning of the month
        whole = sum(heads)
        offer = sum(h * o for h, o in zip(heads, model.outside_offer, strict=True)) / whole if whole else 0.0
        come = self.wage**par.labour.inflow_elasticity * math.exp(-par.births.outside_pull * offer)
        return max(self.usual_inflow, 0.0) * come + sum(
            self.come_for(flats) for flats in model.of_kind("talent-housing")
        )

    def come_for(self, flats):
        """Return who comes for flats that are let this month and would not have come otherwise.   (E10)"""
        newly = flats.flats_let(self.model.month) - flats.flats_let(self.model.month - 1)
        return flats.lever.additional_share * newly

    def fill_posts(self):
        """People come and go; posts are filled; the wage moves.   (E10)"""
        labour, model = self.model.setup.labour, self.model
        firms = [firm for firm in model.firms() if firm.posts > 0.0]
        posts = sum(firm.posts for firm in firms)
        self.seekers = (1.0 - labour.leaving_per_month) * self.seekers + self.inflow()
        there = max(self.seekers, 0.0)  # teams may have taken more than there were
        hires = min(posts, there, labour.matching_constant * math.sqrt(there * posts))
        tightness = posts / there if there > 0.0 else math.inf
        if posts > 0.0:
            self.seekers -= self.share_hires(firms, hires)
        step = labour.wage_speed_per_month * (tightness - labour.tightness)
        self.wage *= math.exp(clip(step, -labour.wage_step_limit, labour.wage_step_limit))

    def share_hires(self, firms, hires):
        """Share hires by posts and access to talent; nobody gets more than it posted.   (E10)"""
        region, exponent = self.model.region, self.model.setup.labour.access_exponent
        cells = {firm.cell for firm in firms}
        posts = dict.fromkeys(cells, 0.0)
        for firm in firms:
            posts[firm.cell] += firm.posts
        pull = {cell: region.talent[cell] ** exponent for cell in cells}
        filled = dict.fromkeys(cells, 0.0)  # share of a cell's posts that is filled
        left, open_cells = hires, cells
        while left > 0.0 and open_cells:
            level = left / sum(posts[cell] * pull[cell] for cell in open_cells)
            full = {cell for cell in open_cells if level * pull[cell] >= 1.0 - filled[cell]}
            for cell in open_cells:
                more = 1.0 - filled[cell] if cell in full else level * pull[cell]
                filled[cell] += more
                left -= more * posts[cell]
            open_cells = open_cells - full
            if not full:
                break
        for firm in firms:
            firm.hire(firm.posts * filled[firm.cell])
        return hires - left


class Compute:
    """Public capacity, price and what is delivered.   (E11)"""

    def __init__(self, model, *, capacity, price, log_sufficiency=0.0, voucher_gpu=0.0):
        self.model, self.capacity, self.price = model, capacity, price
        self.log_sufficiency, self.voucher_gpu = log_sufficiency, voucher_gpu
        self.demand = self.delivered = 0.0

    @property
    def bill_level(self):
        """Return B of E13: the bill over that at the first month's national price."""
        return self.price ** (1.0 - self.model.setup.compute.price_elasticity)

    def clear(self):
        """Serve a part of what is wanted; set price and what is delivered.   (E11)"""
        par, model = self.model.setup, self.model
        self.count_demand()
        # what centres add, and the mean of all public prices by capacity
        capacity, paid = self.capacity, self.capacity * par.compute.public_price
        for centre in model.of_kind("compute-centre"):
            capacity += centre.lever.capacity_gpu
            price = centre.lever.price_rmb_gpu_month / par.compute.price_rmb_gpu_month
            paid += centre.lever.capacity_gpu * price
        public = paid / capacity if capacity > 0.0 else 1.0
        served = min(1.0, capacity / self.demand) if self.demand > 0.0 else 1.0
        price = served * public + (1.0 - served) * par.compute.national_price
        self.price = max(price, LEAST_PRICE)
        self.charge(self.demand / capacity if capacity > 0.0 else 0.0, max(self.demand - capacity, 0.0))
        self.delivered = served + (1.0 - served) * par.compute.national_delivery
        usual = par.compute.public_share + (1.0 - par.compute.public_share) * par.compute.national_delivery
        self.log_sufficiency = math.log(self.delivered / usual)

    def count_demand(self):
        """Add up the GPU-months that all firms want, and what vouchers add.   (E11)"""
        par, model = self.model.setup, self.model
        level = model.labour.wage * WAN / par.compute.price_rmb_gpu_month
        level *= self.price**-par.compute.price_elasticity
        self.demand = self.voucher_gpu
        for firm in model.firms():
            wage = par.operations.wage_wan_head_month[firm.segment]
            self.demand += par.operations.compute_share[firm.segment] * to_grain(firm.heads) * wage * level

    def charge(self, wanted, unserved):
        """Let users pay centres for as much of their capacity as they use.   (E11)"""
        centres = self.model.of_kind("compute-centre")
        whole = sum(centre.lever.capacity_gpu for centre in centres)
        for centre in centres:
            used = min(wanted, 1.0) * centre.lever.capacity_gpu
            centre.pay(-to_grain(used * centre.lever.price_rmb_gpu_month / WAN))
            centre.served, centre.refused = used, unserved * centre.lever.capacity_gpu / whole


def grant_relief(model):
    """Tell startups for which rent cuts they are eligible; a cut without enough money refuses some.   (E4)"""
    for startup in model.startups:
        startup.learn_relief()
    cuts = model.of_kind("rent-cut")
    for cut in cuts:
        cut.short = False
    while late := [(cut, startup) for cut in cuts for startup in beyond_budget(model, cut)]:
        for cut, startup in late:  # each holds fewer cuts now, so that those which are left pay more
            startup.cuts = tuple(other for other in startup.cuts if other is not cut)
            cut.refused += 1
            cut.short = True
    for startup in model.startups:
        startup.count_on_relief()


def beyond_budget(model, cut):
    """Return whom a cut cannot pay: from the first on for whom its money does not reach.   (E4)"""
    asking = [startup for startup in model.startups if cut in startup.cuts and startup.zone in cut.zones]
    left = max(cut.budget_left, 0.0)
    if sum(startup.cut_of_rent(cut) for startup in asking) <= left:
        return []
    late = []
    for startup in in_order_of_service(model, cut, asking):
        left -= startup.cut_of_rent(cut)
        if left < 0.0:
            late.append(startup)
    return late


def in_order_of_service(model, policy, startups):
    """Return startups in the order in which a budget serves them: their own for each lever, and lasting."""
    key = np.uint64(combine(model.draw.once("aid"), np.uint64(policy.key)))
    return sorted(startups, key=lambda startup: (uniform(key, startup.uid, 0), startup.uid))


AIDS = ("compute-voucher", "rd-subsidy", "public-orders")


def grant_aid(model):
    """Pay vouchers, R&D subsidies and public orders while the year's money lasts.   (E25)"""
    model.compute.voucher_gpu = 0.0
    taken = {}  # share of each base that is already paid, by startup and kind
    for startup in model.startups:
        startup.support = 0.0
        if model.begins_year:
            startup.received_this_year = {}
    aids = [aid for kind in AIDS for aid in model.of_kind(kind)]
    for aid in sorted(aids, key=lambda aid: (-aid.lever.share, aid.key)):
        asking = [startup for startup in model.startups if asks_for(aid, startup)]
        open_counter = True
        for startup in in_order_of_service(model, aid, asking):
            already = taken.get((startup.uid, aid.kind), 0.0)
            if aid.kind == "compute-voucher" and already > 0.0:
                continue
            paid, support, gpu = due(aid, startup, min(aid.lever.share, 1.0 - already))
            if paid <= 0.0:
                continue
            open_counter = open_counter and paid <= aid.budget_left
            if not open_counter:
                aid.refused += 1
                continue
            taken[startup.uid, aid.kind] = already + aid.lever.share
            book(model, aid, startup, paid, support, gpu)


def asks_for(aid, startup):
    """Return whether a startup is eligible.   (E25)"""
    if not is_tenant(startup) or startup.zone not in aid.zones or not aid.suits(startup):
        return False
    held = startup.lock_end > startup.model.month
    return held or not getattr(aid.lever, "co_invested", False)


def due(aid, startup, share):
    """Return what is paid, what of it supports the startup, and the compute that the rest buys.   (E25)"""
    e = startup.par.compute.price_elasticity
    if aid.kind == "compute-voucher":
        bill = startup.compute_bill
        paid = share * bill * (1.0 - share) ** -e
        support = bill * (1.0 - (1.0 - share) ** (1.0 - e))
    else:
        base = startup.payroll
        if aid.kind == "public-orders":
            base = startup.reference_cost * startup.model.labour.wage**startup.par.operations.wage_passed_on
        paid = support = share * base
    cap = aid.lever.cap_rmb_year
    left = math.inf if cap is None else cap / WAN - startup.received_this_year.get(aid.kind, 0.0)
    within = down_to_grain(max(min(paid, left), 0.0))
    support, paid = (support * within / paid if paid > 0.0 else 0.0), within
    price = startup.model.compute.price * startup.par.compute.price_rmb_gpu_month / WAN
    return paid, support, to_grain((paid - support) / price)


def book(model, aid, startup, paid, support, gpu):
    """Pay one startup."""
    startup.support += support
    startup.subsidy += paid
    startup.received_this_year[aid.kind] = startup.received_this_year.get(aid.kind, 0.0) + paid
    model.compute.voucher_gpu += gpu
    aid.pay(paid)
    aid.served += 1
