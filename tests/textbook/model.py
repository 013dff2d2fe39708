"""The twin of ClusterModel: the same months, one Python object a startup."""

import mesa

from sim.randomness import Draws
from sim.scenario import Scenario
from sim.space import Grid

from .choice import Choice, in_turn
from .founders import University, appeal, inside_probabilities, spin_off
from .fund import Fund, GuidedFund, take_seats
from .markets import Compute, Labour, grant_aid, grant_relief
from .policy import Policy
from .programmes import admit
from .region import Region
from .rounds import match
from .startup import Startup
from .uptake import keep_list
from .words import ACTIVE, DORMANT, LISTED, WAITING


class TextbookModel(mesa.Model):
    """Startups, universities and funds as Mesa agents; offices as arrays over cells.

    Parameters
    ----------
    scenario
        Parameters and levers.
    start
        The state before the first month, as plain values.
    seed
        Seed of all draws.
    """

    LABOUR, COMPUTE = Labour, Compute  # the markets; the history has others

    def __init__(self, scenario: Scenario, start: dict, seed: int = 1) -> None:
        super().__init__(rng=abs(seed))
        self.setup, self.seed_number, self.month = scenario, seed, start["month"]
        grid = Grid.of(scenario.world)
        self.draw = Draws(seed, self.month)
        zones = {zone.id: position for position, zone in enumerate(grid.tables.zones)}
        levers = sorted(scenario.policies, key=lambda lever: lever.id)
        self.policies = [Policy(lever, scenario.start, zones) for lever in levers]
        self.guided_funds = [GuidedFund(policy) for policy in self.policies if policy.kind == "guided-fund"]
        self.events: list[tuple] = []
        self.deals: list[dict] = []
        self.uptake = (0, 0)  # who reserves and who applies in a month
        self.founded_outside = [0, 0, 0, 0]
        self.growth = 1.0  # of founding, over the first month: less only in the history

        self.region = Region(self, grid, start["offices"])
        self.labour = self.LABOUR(self, **start["labour"])
        self.compute = self.COMPUTE(self, **start["compute"])
        self.funds = [Fund(self, **fund) for fund in start["funds"]]
        self.region.capital_access()
        self.universities = self.meet_universities(grid.tables.nodes)
        self.startups: list[Startup] = []
        self.former: list[Startup] = []  # ended, but on the register or with spin-offs to come
        self.gone: list[Startup] = []
        for state in start["startups"]:
            self.add_startup(dict(state))
        self.reference_appeal = start["reference_appeal"]
        self.region.count_leases()

    def meet_universities(self, nodes):
        """Return the sources of founders, in the order of the world's table."""
        found = [
            University(self, node.id, "anchor" if node.kind == "anchor" else "institute", place, node.ai_spinoffs_per_year)
            for place, node in enumerate(nodes)
        ]  # fmt: skip
        return [
            *found,
            University(self, "independent", "independent", -1, 0.0),
            University(self, "abroad", "abroad", -1, 0.0),
        ]

    def add_startup(self, state):
        """Add a startup of the first month."""
        holdings = state.pop("holdings", [])
        startup = Startup(self, **state)
        startup.holdings = [[self.funds[fund], share, before] for fund, share, before in holdings]
        here = startup.status in (ACTIVE, LISTED, WAITING)
        (self.startups if here else self.former).append(startup)

    # ---- what agents ask for

    def firms(self):
        """Return active startups and listed firms."""
        return [startup for startup in self.startups if startup.status in (ACTIVE, LISTED)]

    def active(self):
        """Return active startups."""
        return [startup for startup in self.startups if startup.status == ACTIVE]

    def of_kind(self, kind):
        """Return the levers of a kind that are in force."""
        return self.in_force.get(kind, ())

    @property
    def commitments(self):
        """Return the factor of what is committed to funds this month.   (E16)"""
        return self.climate

    def guided_in_force(self):
        """Return the guided funds whose levers are in force."""
        acting = self.of_kind("guided-fund")
        return [fund for fund in self.guided_funds if fund.policy in acting]

    def note(self, kind, startup, *more):
        """Take down an event."""
        zone = startup.zone if startup.cell >= 0 else None
        self.events.append((self.month, kind, int(startup.uid), startup.cell, zone, *more))

    # ---- the month

    def begin_month(self):
        """Look up levers in force, the outlook and the draws of the month."""
        self.draw = Draws(self.seed_number, self.month)
        self.in_force = {}
        for policy in self.policies:
            if policy.months_in_force(self.month) is not None:
                self.in_force.setdefault(policy.kind, []).append(policy)
        self.begins_year = (int(self.setup.start[5:]) - 1 + self.month) % 12 == 0
        for policy in self.policies:
            policy.begin_month(self.begins_year)
        outlook = self.setup.outlook
        self.climate = outlook.climate
        for policy in self.of_kind("funding-climate"):
            self.climate *= policy.lever.factor
        self.outside_offer = [outlook.outside_offer_per_year * self.month / 12.0] * 4
        for policy in self.of_kind("outside-offer"):
            for segment in policy.segments:
                self.outside_offer[segment] += policy.lever.rise_utils * policy.ramp(self.month)
        self.production_offer = sum(
            policy.lever.rise_log_odds * policy.ramp(self.month)
            for policy in self.of_kind("production-offer")
        )
        self.founded_outside = [0, 0, 0, 0]

    def step(self):
        """Advance one month, in the order of the schedule of the ODD."""
        self.begin_month()
        self.places()
        self.work()
        self.ends()
        self.beginnings_and_moves()
        self.month += 1

    def places(self):
        """New space, relief, places in programmes, neighbours, offices.   (E1 to E4, E8, E9, E24)"""
        self.region.open_space()
        self.seat_funds()
        grant_relief(self)
        admit(self)
        self.region.refresh_fields()
        for firm in self.firms():
            firm.receive()
        self.region.clear_offices()

    def work(self):
        """Compute, aid, heads, cash, rounds.   (E10 to E16, E25)"""
        self.compute.clear()
        grant_aid(self)
        released = sum(firm.post_and_release() for firm in self.firms())
        self.labour.join(released)
        self.labour.fill_posts()
        for firm in self.firms():
            firm.earn_and_spend()
        self.call_capital()
        match(self, [startup for startup in self.active() if startup.seek()])
        self.crowd_out()

    def ends(self):
        """Failure, acquisition, listing, departure; production.   (E17, E21)"""
        for startup in self.active():
            startup.face_the_end()
        for firm in self.firms():
            firm.produce()

    def beginnings_and_moves(self):
        """Founders, entrants, movers; the register.   (E18 to E20, E22)"""
        self.count_vacancy()
        choice = Choice(self)
        self.appeal = appeal(self, choice)
        self.found_startups()
        for entrant in in_turn([s for s in self.startups if s.status == WAITING]):
            entrant.look_for_first_rooms(choice)
        self.count_vacancy()
        choice = Choice(self)
        for tenant in in_turn([firm for firm in self.firms() if firm.wants_to_choose()]):
            tenant.stay_or_move(choice)
        self.count_vacancy()
        self.keep_register()
        self.uptake = keep_list(self)

    def seat_funds(self):
        """In its first month a placebo draws tastes of partner funds anew, and a hub takes in funds.   (E16)"""
        partners = [fund for fund in self.funds if fund.partner]
        beginning = [placebo for placebo in self.of_kind("placebo") if placebo.first_month == self.month]
        for fund in partners[: sum(placebo.lever.funds for placebo in beginning)]:
            fund.draw_tastes_anew()
        for hub in self.of_kind("vc-hub"):
            if hub.first_month == self.month:
                take_seats(self, hub)

    def call_capital(self):
        """Periods of funds begin and end; funds call money.   (E16)"""
        beginning = [fund for fund in self.funds if fund.begins_period()]
        judged = [fund.performance for fund in self.funds if not fund.visiting]
        mean = sum(judged) / len(judged)
        for fund in beginning:
            fund.begin_period(mean)
        for fund in self.funds:
            fund.call()
        for fund in self.guided_in_force():
            fund.call()
        self.guided_paid = []

    def crowd_out(self):
        """Guided money takes private money out of the market.   (E16)"""
        for fund in self.guided_in_force():
            paid = sum(amount for payer, amount in self.guided_paid if payer is fund)
            if paid > 0.0:
                fund.crowd_out(paid, self.funds)

    def count_vacancy(self):
        """Count leases and vacancy."""
        self.region.count_leases()
        self.region.count_vacancy()

    def found_startups(self):
        """Founders are drawn, and choose between the region and outside.   (E18, E19)"""
        inside = inside_probabilities(self, self.appeal)
        parents = [*self.startups, *self.former]
        for university in self.universities:
            university.found(inside)
        for parent in parents:
            if parent.status != WAITING:
                spin_off(parent, inside)

    def keep_register(self):
        """Strike failed firms off the register; move who ended out of the list of startups.   (E22)"""
        for startup in [*self.startups, *self.former]:
            if startup.status == DORMANT and startup.ended < self.month:
                startup.stay_on_register()
        here = (ACTIVE, LISTED, WAITING)
        self.former += [startup for startup in self.startups if startup.status not in here]
        self.startups = [startup for startup in self.startups if startup.status in here]
        for startup in [s for s in self.former if s.status != DORMANT and s.boost_end <= self.month]:
            self.former.remove(startup)
            self.gone.append(startup)
            startup.remove()
