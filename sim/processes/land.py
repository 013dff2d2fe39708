"""Land: new space, other tenants, vacancy and rent.

Equations
---------
(E8) Other tenants want ``D = (D0 exp(g t) + X) (r/r0)^-e``, X being what a scenario adds zone by zone, and hold ``min(D, F - startups)``; what neither holds is
vacant. Tenants who are squeezed below what they want are an output.
(E9) ``d ln r = clip(kappa (v* - v) + zeta ln(r0/r))``: vacancy v and its natural level v* are averages over
the neighbourhood, weighted by stock. Space vacant by nature beyond the mature level fades with a half-life,
a longer one for the stock of the first month than for space opened since, which starts empty.

References
----------
W. Wheaton and R. Torto (1988), Vacancy rates and the future of office rents, AREUEA Journal 16, 430-436,
doi:10.1111/1540-6229.00466. P. Hendershott (1996), Rental adjustment and valuation in overbuilt markets,
Journal of Urban Economics 39, 51-67, doi:10.1006/juec.1996.0003.
"""

import functools

import numpy as np

from sim.compiled import exp, exps, kernel
from sim.ledger import ACTIVE, LISTED
from sim.space import Grid, decay, spread_one, total
from sim.world import IdentityError, exact

TOLERANCE_M2 = 1e-3
LN_2 = 0.6931471805599453


def open_space(world, par, terms) -> None:
    """Put new space on the market at the current rent of its cells (writes stock, excess_vacancy)."""
    if world.month > 0:
        fade(
            world.excess_vacancy,
            par.values.land.vacancy_half_life_months,
            par.values.land.new_space_half_life_months,
        )
    if total(terms.opened_m2):
        opened = world.grid.spread_stock(terms.opened_m2)
        world.stock += opened
        world.excess_vacancy[1] += opened * (1.0 - par.values.land.natural_vacancy_share)
        world.nearby_stock = spread_one(
            neighbourhood(world.grid, par.values.land.vacancy_range_km), world.stock
        )


def clear_offices(world, par, terms) -> None:
    """Let other tenants take what they want, then move rents (writes tenants, vacant and rents)."""
    growth = exp(par.values.outlook.tenant_growth_per_month * world.month)
    grid = world.grid
    oversold = hold_offices(par.table, world.stock, world.leased, world.tenant_demand, growth, terms.tenants_m2,
                            grid.spread, grid.zone, world.log_rent, world.tenants, world.vacant, world.caps)  # fmt: skip
    if par.values.location.unlimited_capacity:
        world.vacant[:] = world.stock
    elif oversold > TOLERANCE_M2:
        raise IdentityError(f"month {world.month}: startups hold {oversold:.6g} m2 more than a cell has")
    near = neighbourhood(grid, par.values.land.vacancy_range_km)
    above = spread_one(near, world.excess_vacancy[0] + world.excess_vacancy[1] - world.vacant)
    adjust_rents(par.table, above, world.nearby_stock, world.log_rent, world.caps)
    world.highest_rent = max(world.highest_rent, rent_of(world.reference_rent, world.log_rent, world.rent))


def count_vacancy(world, par) -> None:
    """Count vacancy anew after leases were signed or given up (writes vacant)."""
    free_space(world.stock, world.tenants, world.leased, par.table, world.vacant)


def start_offices(world, par) -> None:
    """Begin month 0: other tenants want what startups leave of the occupied stock, at today's rents."""
    grid = world.grid
    vacancy = grid.zone_values("vacancy_share")[grid.zone]
    world.leased = startup_area(world.startups.parts[0], grid.n_cells)
    wanted = world.stock * (1.0 - vacancy) - world.leased
    world.caps[0].demand_floor += int((wanted < 0).sum())
    world.tenant_demand = np.maximum(wanted, 0.0)
    world.tenants = world.tenant_demand.copy()
    world.vacant = world.space - world.leased
    world.largest_lease = np.full(grid.n_cells, np.inf)
    world.nearby_stock = spread_one(neighbourhood(grid, par.values.land.vacancy_range_km), world.stock)
    world.excess_vacancy[0] = world.stock * (vacancy - par.values.land.natural_vacancy_share)


@functools.lru_cache(maxsize=8)
def neighbourhood(grid: Grid, range_km: float) -> np.ndarray:
    """Return exp(-d/range) between cells, (n_cells, n_cells)."""
    return decay(grid.cell_distance, range_km, np.inf)


@kernel
def startup_area(firms, n_cells):
    """Return floor space leased by startups and listed firms [m2], (n_cells,)."""
    out = np.zeros(n_cells)
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status == ACTIVE or firm.status == LISTED:
            out[firm.cell] += exact(firm.area)
    return out


@kernel
def free_space(stock, tenants, startups, par, vacant):
    """Write what neither other tenants nor startups hold; all of it where capacity has no limit."""
    for c in range(stock.size):
        vacant[c] = stock[c] if par[0].location.unlimited_capacity else stock[c] - tenants[c] - startups[c]


@kernel
def tenant_demand(at_reference, log_rent, elasticity):
    """D = (D0 exp(g t) + X) (r/r0)^-e, the bracket being what they want at the reference rent   (E8)"""
    return max(at_reference, 0.0) * exp(-elasticity * log_rent)


@kernel
def hold_offices(par, stock, startups, demand, growth, more, spread, zone, log_rent, tenants, vacant, caps):
    """Other tenants hold min(D, F - startups); the rest is vacant. Return the most that is oversold.   (E8)"""
    land, oversold = par[0].land, 0.0
    for c in range(stock.size):
        left = stock[c] - startups[c]
        oversold = max(oversold, -left)
        at_reference = demand[c] * growth + spread[c] * more[zone[c]]
        wanted = tenant_demand(at_reference, log_rent[c], land.tenant_rent_elasticity)
        if wanted > left:
            caps[0].tenants_squeezed += 1
        tenants[c] = max(min(wanted, left), 0.0)
        vacant[c] = left - tenants[c]
    caps[0].cell_months += stock.size
    return oversold


@kernel
def rent_step(gap, log_rent, speed, reversion, limit):
    """d ln r = clip(kappa (v* - v) - zeta ln(r/r0))   (E9)"""
    return min(max(speed * gap - reversion * log_rent, -limit), limit)


@kernel
def adjust_rents(par, above, stock, log_rent, caps):
    """Move each rent by its neighbourhood's vacancy against the natural level.   (E9)

    Both are averages over the same neighbourhood, so v* - v is the mature level plus the average of
    (vacancy beyond it by nature - vacancy): `above` over `stock`.
    """
    land = par[0].land
    for i in range(stock.size):
        gap = land.natural_vacancy_share + above[i] / stock[i]
        step = rent_step(gap, log_rent[i], land.rent_speed_per_month, land.rent_reversion_per_month,
                         land.rent_step_limit)  # fmt: skip
        if abs(step) >= land.rent_step_limit:
            caps[0].rent_step += 1
        log_rent[i] += step


@kernel
def fade(excess, half_life, new_half_life):
    """Let natural vacancy beyond the mature level halve in its time.   (E9)"""
    old, new = exp(-LN_2 / half_life), exp(-LN_2 / new_half_life)
    for c in range(excess.shape[1]):
        excess[0, c] *= old
        excess[1, c] *= new


@kernel
def rent_of(reference, log_rent, out):
    """r = r0 exp(ln(r/r0)); return the highest"""
    exps(log_rent, out)
    highest = 0.0
    for c in range(reference.size):
        out[c] *= reference[c]
        highest = max(highest, out[c])
    return highest
