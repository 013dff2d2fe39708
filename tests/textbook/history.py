"""The months before the first, from an empty region on.   (section 5 of the ODD)"""

import math

import numpy as np

from sim.space import Grid

from .first_month import FirstMonth
from .fund import first_funds
from .markets import Compute, Labour
from .model import TextbookModel

#: what the history knows nothing of: levers, and what the world outside does from the first month on
DATED = {
    "outlook.climate": 1.0, "outlook.outside_offer_per_year": 0.0, "outlook.tenant_growth_per_month": 0.0,
    "compute.national_price": 1.0, "policies": [],
}  # fmt: skip
PRIOR = 2.0  #: startups added to both sides where a residual compares


def start_of_the_first_month(scenario, seed):
    """Return the state from which a TextbookModel begins, as plain values."""
    history = History(scenario, seed)
    while history.month < 0:
        history.step()
    return FirstMonth(history).start()


class RestingLabour(Labour):
    """The labour market of the history: the wage rests, and as many people come as its tightness needs.   (E10)"""

    def fill_posts(self):
        """Let come who is missing, remember a year's inflow, fill posts."""
        labour = self.model.setup.labour
        firms = [firm for firm in self.model.firms() if firm.posts > 0.0]
        posts = sum(firm.posts for firm in firms)
        needed = posts / labour.tightness
        come = needed - (1.0 - labour.leaving_per_month) * self.seekers
        self.usual_inflow += (come - self.usual_inflow) / 12.0
        self.seekers = needed
        if posts > 0.0:
            hires = min(posts, needed, labour.matching_constant * math.sqrt(needed * posts))
            self.seekers -= self.share_hires(firms, hires)


class SharedCompute(Compute):
    """The market for compute of the history: public capacity is a share of what is wanted.   (E11)"""

    def count_demand(self):
        """Let capacity follow what is wanted."""
        super().count_demand()
        self.capacity = self.model.setup.compute.public_share * self.demand


class History(TextbookModel):
    """The model without levers, at the rents and vacancies of the zone table.

    Parameters
    ----------
    scenario
        Parameters; what is dated in them is left aside.
    seed
        Seed of all draws.
    """

    LABOUR, COMPUTE = RestingLabour, SharedCompute

    def __init__(self, scenario, seed):
        scenario = scenario.with_values(DATED)
        grid = Grid.of(scenario.world)
        stock = grid.spread_stock(grid.zone_values("stock_m2"))
        rent = grid.zone_values("rent_rmb_m2_month")[grid.zone]
        self.vacancy = grid.zone_values("vacancy_share")[grid.zone]
        start = {
            "month": -scenario.initial.history_months,
            "offices": {
                "stock": stock,
                "reference_rent": rent,
                "rent": rent,
                "tenant_demand": np.zeros(grid.n_cells),
                "excess_vacancy": stock * (self.vacancy - scenario.land.natural_vacancy_share),
                "residual": np.zeros(grid.n_zones),
            },
            "labour": {"seekers": 0.0, "wage": 1.0, "usual_inflow": 0.0},
            "compute": {"capacity": 0.0, "price": 1.0},
            "funds": first_funds(scenario, grid.tables, seed),
            "startups": [],
            "reference_appeal": [0.0] * 4,
        }
        super().__init__(scenario, start, seed)
        self.from_floor_space = scenario.initial.start_from == "uniform"
        weights = grid.zone_values("stock_m2" if self.from_floor_space else "initial_share")
        self.shares = weights / weights.sum()  # of startups, by zone
        self.region.vacant = stock * self.vacancy  # held, as rents are
        self.region.largest_lease = self.region.vacant
        for fund in self.funds:
            fund.begin_history()

    # ---- what differs from the months after it

    @property
    def commitments(self):
        """Return the factor of commitments: that of a period's middle, as far as this lies in the history."""
        middle = self.month + self.setup.finance.period_months // 2
        return math.exp(self.setup.initial.history_growth_per_month * min(middle, 0))

    def begin_month(self):
        """Founding grows from month to month."""
        super().begin_month()
        self.growth = math.exp(self.setup.initial.history_growth_per_month * self.month)

    def places(self):
        """Heads radiate; other tenants and rents do not move.   (E1 to E3)"""
        self.region.refresh_fields()
        for firm in self.firms():
            firm.receive()

    def count_vacancy(self):
        """Vacancy is held; only leases are counted."""
        self.region.count_leases()

    def found_startups(self):
        """Founders choose at the reference odds.   (E18)"""
        self.reference_appeal = self.appeal
        super().found_startups()

    def step(self):
        """Advance a month, at the end of which residuals adapt."""
        adapt = not self.from_floor_space and self.month >= -self.setup.initial.residual_months
        super().step()
        if adapt:
            self.adapt_residuals()

    def adapt_residuals(self):
        """Move each zone's residual towards the startups that it should have."""
        there = np.bincount([startup.zone for startup in self.active()], minlength=self.region.n_zones)
        gap = np.log((self.shares * there.sum() + PRIOR) / (there + PRIOR))
        self.region.residual += self.setup.initial.residual_speed * gap
