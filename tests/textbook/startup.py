"""A startup: what it knows, decides and suffers in a month."""

import math

import mesa

from sim.randomness import normal, poisson, uniform

from .words import (
    ACQUIRED,
    ACTIVE,
    APP,
    CLOSED,
    DORMANT,
    EMB,
    LAST_STAGE,
    LEFT,
    LISTED,
    LONG_AGO,
    LOST,
    OPC,
    ROUNDS,
    SEED,
    WAITING,
    WAN,
    clip,
    down_to_grain,
    to_grain,
)

#: what a startup is when it is founded
BLANK = {
    "status": WAITING, "stage": 0, "cell": -1, "area": 0.0, "lease_rent": 0.0, "lease_end": LONG_AGO, "born": LONG_AGO,
    "waited": 0, "relief": 0.0, "posts": 0.0, "log_capability": 0.0, "spillover": 0.0, "diversity": 0.0,
    "revenue_share": 0.0, "ask": 0.0, "valuation": 0.0, "last_round": LONG_AGO, "search_end": LONG_AGO,
    "pause_end": LONG_AGO, "boost_end": LONG_AGO, "ended": LONG_AGO, "subsidy": 0.0, "support": 0.0, "guided": 0.0,
    "lock_end": LONG_AGO, "lock_fund": None, "production": 0.0, "site": None, "rounds": 0, "reserved": LONG_AGO,
    "applied": LONG_AGO,
}  # fmt: skip


class Startup(mesa.Agent):
    """A young AI firm, from its founding to its end."""

    def __init__(
        self, model, *, uid, segment, origin, origin_place, parent, log_quality, heads, cash, **state
    ):
        super().__init__(model)
        self.uid, self.segment, self.log_quality = uid, segment, log_quality
        self.origin, self.origin_place, self.parent = origin, origin_place, parent
        self.heads, self.cash = heads, cash
        for name, value in (BLANK | state).items():
            setattr(self, name, value)
        self.holdings = []  # [fund, share bought, how many rounds had closed before]
        self.received_this_year = {}  # by kind of aid [wan]
        self.cuts = ()  # rent cuts for which it is eligible this month
        self.programmes = []  # programmes in which it has a place this month

    # ---- what it is

    @property
    def par(self):
        """Return the parameters."""
        return self.model.setup

    @property
    def age(self):
        """Return the months since its first lease: 0 for who looks for it."""
        return 0 if self.status == WAITING else self.model.month - self.born

    @property
    def phase(self):
        """Return 0 up to the seed stage, 1 from A."""
        return 0 if self.stage <= SEED else 1

    @property
    def capability(self):
        """Return quality times productivity.   (E12)"""
        return math.exp(self.log_capability)

    @property
    def zone(self):
        """Return the zone of its cell."""
        return int(self.model.region.zone[self.cell])

    @property
    def needed_area(self):
        """Return the floor space for which it signs a lease.   (E7)"""
        location = self.par.location
        return to_grain(location.lease_reserve * location.area_m2_per_head * self.heads)

    @property
    def lease_months(self):
        """Return the length of a lease.   (E7)"""
        location = self.par.location
        return location.late_lease_months if self.phase else location.early_lease_months

    def help(self, what):
        """Return the factor by which its programmes change something; of several they multiply.   (E24)"""
        return math.prod(getattr(lever, what, 1.0) for lever in self.programmes)

    def chance(self, stream):
        """Return its uniform number of a stream in this month."""
        return uniform(self.model.draw(stream), self.uid, 0)

    # ---- places

    def learn_relief(self):
        """Learn for which rent cuts it is eligible.   (E4)"""
        cuts = self.model.of_kind("rent-cut") if self.status == ACTIVE else ()
        self.cuts = tuple(cut for cut in cuts if self.may_have(cut))

    def count_on_relief(self):
        """Take the share of its rent that cuts pay.   (E4)"""
        self.relief = float(self.model.region.relief(self.cuts)[self.zone]) if self.cuts else 0.0

    def cut_of_rent(self, cut):
        """Return what a cut would pay of its rent; cuts share it in proportion to what each offers [wan a month].   (E4)"""
        offers = sum(other.lever.share for other in self.cuts if self.zone in other.zones)
        return to_grain(cut.lever.share / max(offers, 1.0) * self.rent) if self.zone in cut.zones else 0.0

    def may_have(self, cut):
        """Return whether a rent cut is for it: by segment, stage, age and area.   (E4)"""
        area = self.needed_area if self.status == WAITING else self.area
        return cut.suits(self) and (cut.lever.max_area_m2 is None or area <= cut.lever.max_area_m2)

    def receive(self):
        """Receive spillovers and diversity of the own cell.   (E1)"""
        self.spillover, self.diversity = self.model.region.received(self.segment, self.cell, self.heads)

    # ---- work

    def work_out_capability(self):
        """Work out productivity and what follows from it.   (E12, E13)"""
        operations = self.par.operations
        productivity = (
            operations.spillover_elasticity * (self.spillover - operations.spillover_centre)
            + operations.diversity_elasticity * (self.diversity - operations.diversity_centre)
            + self.par.compute.sufficiency_exponent[self.segment] * self.model.compute.log_sufficiency
            + math.log(self.help("productivity_factor"))
        )
        self.log_capability = self.log_quality + productivity
        capped = min(self.capability, operations.revenue_quality_cap)
        self.revenue_share = min(
            operations.revenue_share[self.stage] * capped**operations.revenue_quality_exponent,
            operations.revenue_cap,
        )

    @property
    def payroll(self):
        """Return H w_s w [wan a month]."""
        return self.heads * self.par.operations.wage_wan_head_month[self.segment] * self.model.labour.wage

    @property
    def compute_bill(self):
        """Return the bill for compute [wan a month].   (E11)"""
        return self.par.operations.compute_share[self.segment] * self.payroll * self.model.compute.bill_level

    @property
    def rent(self):
        """Return the rent of its lease before relief [wan a month]."""
        return self.area * self.lease_rent / WAN

    @property
    def reference_cost(self):
        """Return what a month costs at reference rent and first compute price, at the wage 1 [wan].   (E13)"""
        operations, location = self.par.operations, self.par.location
        wage = operations.wage_wan_head_month[self.segment]
        share = 1.0 + operations.overhead_share[self.stage] + operations.compute_share[self.segment]
        rent = location.area_m2_per_head * location.reference_rent_rmb_m2_month / WAN
        return self.heads * (wage * share + rent)

    @property
    def revenue(self):
        """Return the month's revenue [wan].   (E13)"""
        level = self.model.labour.wage**self.par.operations.wage_passed_on
        return level * self.reference_cost * self.revenue_share

    @property
    def loss(self):
        """Return what the month takes from the cash [wan].   (E13)"""
        overhead = self.par.operations.overhead_share[self.stage] * self.payroll
        cost = self.payroll + overhead + self.compute_bill + self.rent * (1.0 - self.relief)
        return cost - self.revenue - self.support

    def target(self):
        """Return the heads at which it aims.   (E14)"""
        operations = self.par.operations
        quality = clip(self.capability, operations.target_quality_low, operations.target_quality_high)
        return operations.target_heads[self.segment][self.stage] * quality**operations.target_quality_exponent

    def post_and_release(self):
        """Lose heads, release heads when money runs short, open posts.   (E14)"""
        operations = self.par.operations
        self.work_out_capability()
        loss = self.loss
        unlimited = self.status == LISTED or loss <= 0.0
        runway = math.inf if unlimited else self.cash / loss
        target, before = self.target(), self.heads
        leaving = operations.separation_per_month * before
        posts, cut = leaving, 0.0
        if runway < operations.cut_runway_months:
            posts, cut = 0.0, operations.cut_per_month * before
        elif before > target:
            posts = 0.0
        elif runway > operations.growth_runway_months:
            posts = leaving + operations.growth_per_month * (target - before)
        kept = before - leaving - cut
        heads = max(kept, 1.0)
        # who keeps its last head opens so many posts less, and nobody has less than the densest space
        densest = operations.densest_m2_per_head
        room = self.area / densest if densest > 0.0 else math.inf
        posts = min(posts - (heads - kept), room - heads)
        released = down_to_grain(max(before - heads, 0.0))
        self.heads = before - released
        self.posts = down_to_grain(max(posts, 0.0))
        return released

    def hire(self, heads):
        """Take who was found for its posts.   (E10)"""
        self.heads += heads

    def earn_and_spend(self):
        """Earn revenue, pay costs, receive aid and relief.   (E13)"""
        self.cash -= self.loss
        if self.relief > 0.0:
            self.be_paid_relief()

    def be_paid_relief(self):
        """Receive the cut part of the rent; cuts share it in proportion to what each offers.   (E13)"""
        paid = to_grain(self.relief * self.rent)
        self.subsidy += paid
        offers = [cut.lever.share if self.zone in cut.zones else 0.0 for cut in self.cuts]
        for cut, offer in zip(self.cuts, offers, strict=True):
            if offer > 0.0:
                cut.pay(to_grain(paid * offer / sum(offers)))
                cut.served += 1

    # ---- money

    def seek(self):
        """Go on looking for money, give up, or begin.   (E15)"""
        finance, month = self.par.finance, self.model.month
        if self.search_end > LONG_AGO and month >= self.search_end:
            self.search_end, self.pause_end = LONG_AGO, month + finance.pause_months
        if self.search_end > LONG_AGO:
            return True
        if month < self.pause_end or self.chance("seek") >= 1.0 - math.exp(-self.seek_hazard()):
            return False
        kind = min(self.stage, ROUNDS - 1)
        median = finance.round_median_m_rmb[kind] * 100.0  # wan
        noise = normal(self.model.draw.once("ask"), self.uid, self.stage)
        self.ask = to_grain(
            median * finance.round_segment_factor[self.segment] * math.exp(finance.round_sd * noise)
        )
        self.search_end = month + finance.search_months
        return True

    def seek_hazard(self):
        """Return the monthly hazard to begin to look for money.   (E15)"""
        finance, month = self.par.finance, self.model.month
        kind = min(self.stage, ROUNDS - 1)
        window = finance.window_months if self.stage else finance.first_window_months
        base = finance.seek_factor * -math.log(1.0 - finance.round_probability[kind]) / window
        if self.stage == 0:
            base *= finance.first_round_factor * finance.first_round_segment_factor[self.segment]
        # before the first round the gap counts from the first lease
        gap = month - (self.last_round if self.rounds else self.born)
        least = finance.gap_months if self.stage else finance.first_gap_months
        by_gap = 0.0 if gap < least else finance.stale_factor if gap > finance.stale_months else 1.0
        base *= self.help("seek_factor")
        return base * by_gap * min(self.capability**finance.seek_quality_exponent, finance.seek_quality_cap)

    def close_round(self, deal, total):
        """Receive the money of a round; give a stake to its funds.   (E16)"""
        finance, month = self.par.finance, self.model.month
        for fund, amount in deal.parts:
            share = (
                finance.round_stake * amount / total
            )  # what guided money would buy stays with the founders
            self.holdings.append([fund, share, self.rounds])
        self.model.deals.append(
            {
                "uid": int(self.uid), "month": month, "amount": total, "ask": deal.ask, "stage": self.stage,
                "segment": self.segment, "zone": self.zone, "lead": int(deal.parts[0][0].uid),
                "investors": len(deal.parts),
            }
        )  # fmt: skip
        self.cash += total
        self.valuation = total / finance.round_stake
        self.rounds += 1
        self.last_round, self.search_end = month, LONG_AGO
        self.stage = min(self.stage + 1, LAST_STAGE)
        if self.segment == OPC:
            self.segment = APP
        if deal.guided_money > 0.0 and deal.guided.lever.lock_in_months:
            still = self.guided if self.lock_end > month else 0.0
            self.guided = still + deal.guided_money
            self.lock_fund, self.lock_end = deal.guided, month + deal.guided.lever.lock_in_months

    # ---- ends

    def face_the_end(self):
        """Fail, be acquired, go public or leave: the first that happens.   (E17, E21)"""
        exits = self.par.exits
        if self.chance("fail") < self.failure_probability():
            self.end(DORMANT, self.par.labour.failed_heads_return)
        elif self.chance("acquire") < exits.acquisition_per_month[self.stage]:
            self.pay_holders(self.par.finance.acquisition_multiple)
            self.end(ACQUIRED, self.par.labour.acquired_heads_return)
        elif self.stage == LAST_STAGE and self.chance("list") < exits.listing_per_month:
            self.pay_holders(self.par.finance.listing_multiple)
            self.status = LISTED
            self.boost_spinoffs()
            self.model.note("listings", self)
        elif self.chance("leave") < self.departure_probability():
            self.return_guided_money()
            self.end(LEFT, self.par.labour.departed_heads_return)

    def failure_probability(self):
        """Return the chance to fail this month.   (E17)"""
        exits = self.par.exits
        young = exits.failure_first_year_factor if self.age <= 12 else 1.0
        hazard = exits.failure_per_month * exits.failure_stage_factor[self.stage] * young
        background = min(hazard * self.help("failure_factor"), 1.0)
        broke = exits.insolvency_per_month if self.cash < 0.0 else 0.0
        return 1.0 - (1.0 - background) * (1.0 - broke)

    def departure_probability(self):
        """Return the chance to leave the region this month.   (E21)"""
        exits = self.par.exits
        rent = self.lease_rent * (1.0 - self.relief) / exits.departure_rent_rmb_m2_month
        pull = math.exp(self.par.births.outside_pull * self.model.outside_offer[self.segment])
        chance = min(
            exits.departure_per_month
            * rent**exits.departure_rent_exponent
            * (1.0 + exits.departure_stage_slope * self.stage)
            * pull,
            1.0,
        )
        held = self.lock_end > self.model.month
        return chance * (exits.locked_departure_factor if held else 1.0)

    def end(self, status, share_of_heads):
        """Give up the rooms; a share of the heads looks for work here.   (E17, E10)"""
        self.status, self.ended, self.area, self.search_end = status, self.model.month, 0.0, LONG_AGO
        self.boost_spinoffs()
        self.model.labour.take_back(self.heads, share_of_heads)
        self.model.note({DORMANT: "failures", ACQUIRED: "acquisitions", LEFT: "departures"}[status], self)

    def boost_spinoffs(self):
        """After its end a firm of a stage high enough has more spin-offs for a time.   (E19)"""
        births = self.par.births
        if self.stage >= births.boost_stage and self.status != LEFT:
            self.boost_end = self.model.month + births.boost_months

    def pay_holders(self, multiple):
        """Pay each fund its diluted share of a multiple of the last valuation.   (E17)"""
        for fund, share, before in self.holdings:
            diluted = share * (1.0 - self.par.finance.round_stake) ** (self.rounds - before - 1)
            fund.earn(to_grain(multiple * self.valuation * diluted))
        self.holdings = []

    def return_guided_money(self):
        """Who leaves while guided money holds it returns that money.   (E21)"""
        if self.lock_fund is not None and self.lock_end > self.model.month:
            self.lock_fund.take_back(self.guided)
            self.guided = 0.0

    def stay_on_register(self):
        """A failed firm is struck off the register by chance.   (E22)"""
        if self.chance("register") * self.par.exits.dormancy_months < 1.0:
            self.status = CLOSED
            self.model.note("closed", self)

    # ---- production

    def produce(self):
        """Decide once where to produce; production grows towards the R&D heads.   (E21)"""
        production = self.par.production
        if self.segment != EMB:
            return
        if self.site is None and self.stage >= production.first_stage:
            factory = self.model.region.grid.factory_space[self.zone]
            odds = (
                production.outside_log_odds
                + (production.factory_log_odds if factory else production.no_factory_log_odds)
                + self.model.production_offer
                + sum(getattr(lever, "production_log_odds", 0.0) for lever in self.programmes)
            )
            u = uniform(self.model.draw.once("production"), self.uid, 0)
            self.site = "outside" if u < 1.0 / (1.0 + math.exp(-odds)) else "here"
            self.model.note(f"production {self.site}", self)
        if self.site is not None:
            self.production += production.growth_per_month * (self.heads - self.production)

    # ---- children

    def number_of_spinoffs(self):
        """Return how many spin-offs it has this month.   (E19)"""
        births, month = self.par.births, self.model.month
        if month - self.born <= births.spinoff_age_months:
            return 0
        rate = births.spinoff_per_month * (self.heads / births.spinoff_heads) ** births.spinoff_size_exponent
        rate *= self.model.growth
        boosted = month < self.boost_end
        if self.status not in (ACTIVE, LISTED) and not boosted:
            return 0
        return poisson(
            rate * (births.boost_factor if boosted else 1.0), self.model.draw("spin-off"), self.uid, 0
        )

    # ---- rooms

    def look_for_first_rooms(self, choice):
        """Look for rooms as an entrant; wait, or be lost when patience ends.   (E6, E7)"""
        weights = choice.weights(self.segment, 0, self.eligible_cuts())
        cell = choice.find_cell(self.uid, self.needed_area, weights, choice.nearness(self.origin_place))
        if cell is None:
            self.waited += 1
            if self.waited >= self.par.location.patience_months:
                self.status = LOST
                self.model.labour.return_team(self.heads)
                self.model.note("lost", self)
            return
        self.status, self.born = ACTIVE, self.model.month
        self.sign(cell, self.needed_area, self.lease_months)
        self.model.note("entries", self)
        self.be_welcomed()

    def eligible_cuts(self):
        """Return the rent cuts that are for an entrant.   (E4)"""
        return tuple(cut for cut in self.model.of_kind("rent-cut") if self.may_have(cut) and cut.offers)

    def be_welcomed(self):
        """Receive cash for entrants.   (E18)"""
        for grant in self.model.of_kind("cash"):
            amount = to_grain(grant.lever.amount_rmb / WAN)
            if grant.suits(self) and self.zone in grant.zones:
                if grant.budget_left >= amount:
                    self.cash += amount
                    self.subsidy += amount
                    grant.pay(amount)
                    grant.served += 1
                else:
                    grant.refused += 1

    def sign(self, cell, area, months):
        """Sign a lease at the rent of the day; the rooms left behind are free.   (E7)"""
        leased = self.model.region.leased
        if self.area > 0.0:
            leased[self.cell] -= self.area
        self.cell, self.area = cell, area
        leased[cell] += area
        self.lease_rent = float(self.model.region.rent[cell])
        self.lease_end, self.waited = self.model.month + months, 0

    def wants_to_choose(self):
        """Return whether its lease ends, or its rooms are crowded.   (E20)"""
        location = self.par.location
        crowded = location.area_m2_per_head * self.heads > location.crowding_limit * self.area
        return self.model.month >= self.lease_end or (crowded and self.waited == 0)

    def stay_or_move(self, choice):
        """Stay in the own rooms, or move.   (E20)"""
        location = self.par.location
        need, space = self.needed_area, choice.space(self.cell) + self.area
        if space >= need and self.chance("stay") < self.stay_probability(choice):
            self.sign(self.cell, need, self.lease_months)
            return
        weights = choice.weights(self.segment, self.phase, self.offered_cuts())
        cell = choice.find_cell(self.uid, need, weights, None)
        if cell is None:
            self.sign(self.cell, min(need, down_to_grain(space)), location.stopgap_lease_months)
            self.waited = 1  # it looks again when this lease ends, however crowded it is
            return
        old = self.cell
        self.sign(cell, need, self.lease_months)
        self.cash -= location.moving_rent_months * self.rent + location.moving_payroll_months * self.payroll
        self.model.note("moves", self, old)

    def offered_cuts(self):
        """Return the rent cuts on which it may count elsewhere: those whose budget reaches.   (E4)"""
        return tuple(cut for cut in self.cuts if cut.offers)

    def value_of_own_rooms(self, choice):
        """Return e^V of where it is, its own heads not among its neighbours.   (E5, E20)"""
        region, w = self.model.region, self.par.location
        own = (
            w.spillover_weight * self.spillover
            + w.diversity_weight * self.diversity
            + w.talent_weight * region.log_talent[self.cell]
            + w.capital_weight * (w.late_capital_share if self.phase else 1.0) * region.log_capital[self.cell]
            + region.residual[self.zone]
            + region.rent_term(region.rent[self.cell], self.relief)
        )
        return math.exp(own) * choice.lift(self.segment, self.phase)[self.zone]

    def stay_probability(self, choice):
        """Return the chance to stay: one alternative against the normalised rest.   (E20)"""
        region = self.model.region
        own = math.exp(self.par.location.stay_bonus) * self.value_of_own_rooms(choice)
        room = float(choice.vacant.sum())
        if room <= 0.0:  # there is no rest to choose from
            return 1.0
        rest = choice.weights(self.segment, self.phase, self.offered_cuts()).sum() / region.size(room)
        return own / (own + rest)
