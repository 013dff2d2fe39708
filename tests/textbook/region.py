"""Cells and zones: access to neighbours, talent and capital; offices, vacancy and rent. Arrays over cells."""

import numpy as np

from .words import to_grain

#: of a square metre, where rooms cost nothing at all [RMB/m2/month]   (E5)
LEAST_COST = 0.01


class Region:
    """The offices of the region, and what they are near to.

    Parameters
    ----------
    model
        The model.
    grid
        Its cells: zone, place, share of the zone's stock; centres of zones and nodes.
    start
        State at the first month.
    """

    def __init__(self, model, grid, start):
        self.model, self.grid, par = model, grid, model.setup
        self.zone, self.n_zones, self.n_cells = grid.zone, grid.n_zones, grid.n_cells
        self.stock = start["stock"].copy()
        self.first_stock = self.stock.copy()
        self.reference_rent = start["reference_rent"].copy()
        self.rent = start["rent"].copy()
        self.tenant_demand = start["tenant_demand"].copy()  # D0
        self.first_excess = start["excess_vacancy"].copy()  # X of the first month
        self.residual = start["residual"].copy()
        self.leased = np.zeros(self.n_cells)
        self.vacant = np.zeros(self.n_cells)
        self.tenants = np.zeros(self.n_cells)
        self.largest_lease = np.full(self.n_cells, np.inf)  # a bound in the history alone

        between = km(grid.x, grid.y, grid.x, grid.y)
        self.kernel = self.spillover_kernel(between, par.access)
        self.near = np.exp(-between / par.land.vacancy_range_km)
        self.openings = []  # of new space: month, and floor space by cell
        self.to_zone = km(grid.x, grid.y, grid.zone_x, grid.zone_y)
        self.campus = self.campus_access(par.access)  # ln T of E2 without housing
        self.log_capital = np.zeros(self.n_cells)

    # ---- access (E1 to E3)

    def spillover_kernel(self, between, access):
        """Return K of E1: exp(-d / lambda) over its sum on an unbounded lattice."""
        cut = np.inf if access.spillover_cut_km is None else access.spillover_cut_km
        side, reach = self.grid.cell_km, access.spillover_range_km
        steps = np.arange(-int(40 * reach / side) - 1, int(40 * reach / side) + 2) * side
        lattice = np.hypot(steps[:, None], steps[None, :])
        whole = np.exp(-lattice[lattice <= cut] / reach).sum()
        return np.where(between <= cut, np.exp(-between / reach), 0.0) / whole

    def campus_access(self, access):
        """Return ln T of E2 without talent housing: access to graduates."""
        nodes = self.grid.tables.nodes
        graduates = np.array([node.ai_graduates_per_year for node in nodes])
        if not graduates.any():
            return np.zeros(self.n_cells)
        away = km(self.grid.x, self.grid.y, self.grid.node_x, self.grid.node_y)
        reach = np.exp(-away / access.talent_range_km) @ graduates
        return access.campus_share * np.log(reach / np.average(reach, weights=self.first_stock))

    def count_housing(self):
        """Set T of E2: flats that are let count beside graduates."""
        access, let = self.model.setup.access, np.zeros(self.n_zones)
        for policy in self.model.of_kind("talent-housing"):
            for z in policy.zones:
                let[z] += policy.flats_let(self.model.month)
        near = np.exp(-self.to_zone / access.housing_range_km) @ let
        share = 1.0 - access.campus_share
        self.log_talent = self.campus + share * np.log(1.0 + near / access.housing_scale_units)
        self.talent = np.exp(self.log_talent)

    def capital_access(self):
        """Set ln W of E3 from sizes and seats of the funds."""
        sizes = np.zeros(self.n_zones)
        for fund in self.model.funds:
            sizes[fund.seat] += fund.size
        if not sizes.any():
            self.log_capital = np.zeros(self.n_cells)
            return
        reach = np.exp(-self.to_zone / self.model.setup.access.capital_range_km) @ sizes
        self.log_capital = np.log(reach) - np.average(np.log(reach), weights=self.first_stock)

    def refresh_fields(self):
        """Let heads radiate, and weigh what cells are near to.   (E1, E5)"""
        par = self.model.setup
        self.count_housing()
        heads = np.zeros((4, self.n_cells))
        for firm in self.model.firms():
            heads[firm.segment, firm.cell] += to_grain(firm.heads)
        self.fields = heads @ self.kernel  # A_s(c)
        self.heads = heads.sum(axis=1).tolist()  # by segment
        scale = par.access.spillover_scale_heads
        self.log_spillovers = np.log(1.0 + self.fields / scale)  # L_s(c)
        self.diversity = np.array([diversity(self.fields[:, c], scale) for c in range(self.n_cells)])
        w = par.location
        self.worth = np.zeros((4, 2, self.n_cells))  # V without rent, origin and levers, by segment and phase
        for segment in range(4):
            for phase, share in enumerate((1.0, w.late_capital_share)):
                self.worth[segment, phase] = (
                    w.spillover_weight * self.log_spillovers[segment]
                    + w.diversity_weight * self.diversity
                    + w.talent_weight * self.log_talent
                    + w.capital_weight * share * self.log_capital
                    + self.residual[self.zone]
                )

    def received(self, segment, cell, heads):
        """Return L and J that a firm receives at a cell: it is no neighbour of its own.   (E1)"""
        field = self.fields[:, cell].copy()
        if not self.model.setup.access.self_spillover:
            field[segment] = max(field[segment] - self.kernel[cell, cell] * heads, 0.0)
        scale = self.model.setup.access.spillover_scale_heads
        return np.log(1.0 + field[segment] / scale), diversity(field, scale)

    # ---- offices (E8, E9)

    def open_space(self):
        """Bring space whose month has come on the market, spread over the cells of its zone by stock.   (E8)"""
        for policy in self.model.of_kind("new-space"):
            for opens, area in policy.openings:
                if opens == self.model.month:
                    where = np.isin(self.zone, sorted(policy.zones))
                    self.openings.append((opens, np.where(where, area * self.grid.spread, 0.0)))
                    self.stock = self.stock + self.openings[-1][1]

    def vacant_by_nature(self):
        """Return X of E9: floor space vacant beyond the mature level, of the first month's and of new stock."""
        month, land = self.model.month, self.model.setup.land
        excess = self.first_excess * 2.0 ** (-month / land.vacancy_half_life_months)
        for opened, area in self.openings:
            left = 2.0 ** (-(month - opened) / land.new_space_half_life_months)
            excess = excess + area * (1.0 - land.natural_vacancy_share) * left
        return excess

    def count_leases(self):
        """Add up the floor space of tenants who are startups or listed firms."""
        self.leased[:] = 0.0
        for firm in self.model.firms():
            self.leased[firm.cell] += firm.area

    def count_vacancy(self):
        """Count what nobody holds."""
        self.vacant = np.maximum(self.stock - self.leased - self.tenants, 0.0)

    def clear_offices(self):
        """Other tenants take what they want; then rents move.   (E8, E9)"""
        model, land = self.model, self.model.setup.land
        self.count_leases()
        trend = self.tenant_demand * np.exp(model.setup.outlook.tenant_growth_per_month * model.month)
        more = np.zeros(self.n_zones)
        for policy in model.of_kind("tenant-demand"):
            months = min(model.month - policy.first_month + 1, policy.lever.over_months)
            for z in policy.zones:
                more[z] += policy.lever.area_m2_month * months
        wanted = (trend + self.grid.spread * more[self.zone]) * (self.rent / self.reference_rent) ** (
            -land.tenant_rent_elasticity
        )
        self.tenants = np.minimum(np.maximum(wanted, 0.0), self.stock - self.leased)
        self.count_vacancy()
        around = self.near @ self.stock
        natural = land.natural_vacancy_share + self.near @ self.vacant_by_nature() / around
        vacancy = self.near @ self.vacant / around
        step = land.rent_speed_per_month * (natural - vacancy) - land.rent_reversion_per_month * np.log(
            self.rent / self.reference_rent
        )
        self.rent = self.rent * np.exp(np.clip(step, -land.rent_step_limit, land.rent_step_limit))

    # ---- utility (E4, E5)

    def relief(self, cuts):
        """Return the share of the rent that is cut in each zone for who is eligible for `cuts`.   (E4)"""
        share = np.zeros(self.n_zones)
        for cut in cuts:
            for z in cut.zones:
                share[z] += cut.lever.share
        return np.minimum(share, 1.0)

    def rent_term(self, rent, relief):
        """Return what a rent is worth.   (E5)"""
        w = self.model.setup.location
        base = w.reference_rent_rmb_m2_month + w.occupancy_cost_rmb_m2_month
        paid = np.maximum(rent * (1.0 - relief) + w.occupancy_cost_rmb_m2_month, LEAST_COST)
        return -w.rent_sensitivity * base / w.reference_rent_rmb_m2_month * np.log(paid / base)

    def value(self, segment, phase, cuts):
        """Return V of each cell, without origin and without what levers make of zones.   (E5)"""
        relief = self.relief(cuts)[self.zone]
        return self.worth[segment, phase] + self.rent_term(self.rent, relief)

    def size(self, area):
        """Return vacant floor space as it counts in the choice.   (E6)"""
        return np.maximum(area, 0.0) ** self.model.setup.location.size_weight


def diversity(field, scale):
    """Return J of E1 for the heads of the four segments that reach a place."""
    whole = field.sum()
    if whole <= 0.0:
        return 0.0
    shares = field / whole
    return (1.0 - (shares**2).sum()) * np.log(1.0 + whole / scale)


def km(x1, y1, x2, y2):
    """Return straight distances between two sets of points [km]."""
    return np.sqrt((x1[:, None] - x2[None, :]) ** 2 + (y1[:, None] - y2[None, :]) ** 2)
