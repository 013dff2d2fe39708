"""Exits: failure, acquisition, listing, departure and the register.

Equations
---------
(E17) Failure: a background hazard by stage, lower in the first year, and one in four a month without cash.
Acquisition by stage; the last stage goes public. A listed firm keeps its heads, rooms and spin-offs but is no
startup any more. Funds receive their part of the price, some of which they may invest again.
(E21) Departure from the region: ``h = h0 (rent paid / reference)^e (1 + a stage) exp(pull x outside offer)``.
(E22) A failed firm stays on the register for a geometric time.
"""

from sim.compiled import exp, kernel, log
from sim.randomness import uniform
from sim.world import ACQUIRED, ACTIVE, CLOSED, DORMANT, FLOW, LEFT, LISTED, NEVER, exact

FAILURES, ACQUISITIONS, LISTINGS, DEPARTURES = (
    FLOW[name] for name in ("failures", "acquisitions", "listings", "departures")
)
LAST_STAGE = 5


def end_startups(world, par, terms, draw) -> None:
    """Let startups fail, be acquired or go public (writes status, area, funds, flows)."""
    rows = world.startups.rows
    end(rows, par.table, world.month, world.grid.zone, world.holdings.rows,
        world.funds, draw("fail"), draw("acquire"), draw("list"), world.flows)  # fmt: skip


def leave_region(world, par, terms, draw) -> None:
    """Let startups leave the region (writes status, area, flows)."""
    pull = exp(par.births.outside_pull * par.outside_offer(world.month))
    leave(world.startups.rows, par.table, pull, world.grid.zone, draw("leave"), world.flows)


def keep_register(world, par, terms, draw) -> None:
    """Strike failed firms off the register (writes status)."""
    strike_off(world.startups.rows, par.table, draw("register"))


@kernel
def failure_probability(stage, age, cash, exits):
    """Return the chance of failing this month: background, or insolvency.   (E17)"""
    background = exits.failure_per_month * exits.failure_stage_factor[stage]
    if age <= 12:
        background *= exits.failure_first_year_factor
    background = min(background, 1.0)
    if cash >= 0.0:
        return background
    return 1.0 - (1.0 - background) * (1.0 - exits.insolvency_per_month)


@kernel
def departure_probability(rent, stage, pull, exits):
    """h0 (rent / reference)^e (1 + a stage) exp(pull)   (E21)"""
    if exits.departure_rent_exponent == 0.0:
        by_rent = 1.0
    elif rent <= 0.0:
        by_rent = 0.0
    else:
        by_rent = exp(exits.departure_rent_exponent * log(rent / exits.departure_rent_rmb_m2_month))
    chance = exits.departure_per_month * by_rent * (1.0 + exits.departure_stage_slope * stage) * pull
    return min(chance, 1.0)


@kernel
def end(startups, par, month, zone, holdings, funds, fail_key, acquire_key, list_key, flows):
    """Draw each startup's end, in the order failure, acquisition, listing.   (E17)"""
    exits, births, finance = par[0].exits, par[0].births, par[0].finance
    for i in range(startups.shape[0]):
        firm = startups[i]
        if firm.status != ACTIVE:
            continue
        z, s = zone[firm.cell], firm.segment
        if uniform(fail_key, firm.uid, 0) < failure_probability(
            firm.stage, month - firm.born, firm.cash, exits
        ):
            firm.status = DORMANT
            flows[z, s, FAILURES] += 1.0
        elif uniform(acquire_key, firm.uid, 0) < exits.acquisition_per_month[firm.stage]:
            firm.status = ACQUIRED
            flows[z, s, ACQUISITIONS] += 1.0
            pay_holders(firm, finance.acquisition_multiple, finance, holdings, funds)
        elif firm.stage == LAST_STAGE and uniform(list_key, firm.uid, 0) < exits.listing_per_month:
            firm.status = LISTED
            flows[z, s, LISTINGS] += 1.0
            pay_holders(firm, finance.listing_multiple, finance, holdings, funds)
        else:
            continue
        if firm.stage >= births.boost_stage:
            firm.boost_end = month + births.boost_months
        firm.search_end = NEVER
        if firm.status != LISTED:
            firm.area = 0.0


@kernel
def pay_holders(firm, multiple, finance, holdings, funds):
    """Share the price among the funds that hold the firm; older shares have been diluted by each later round."""
    entry = firm.holding
    while entry >= 0:
        part = holdings[entry]
        share = part.share
        for _ in range(part.round, firm.rounds):
            share *= 1.0 - finance.round_stake
        proceeds = exact(multiple * firm.valuation * share)
        fund = funds[part.fund]
        fund.all_proceeds += proceeds
        again = exact(finance.recycled_share * proceeds)
        fund.uncalled += again
        fund.recycled += again
        entry = part.next


@kernel
def leave(startups, par, pull, zone, key, flows):
    """Draw each startup's departure.   (E21)

    Nobody leaves more readily than a startup of the last stage at the highest rent paid: most draws are
    settled by that bound alone.
    """
    exits, highest = par[0].exits, 0.0
    for i in range(startups.shape[0]):
        if startups[i].status == ACTIVE:
            highest = max(highest, startups[i].lease_rent)
    bound = departure_probability(highest, LAST_STAGE, pull, exits) * (1.0 + 1e-9)
    for i in range(startups.shape[0]):
        firm = startups[i]
        if firm.status != ACTIVE:
            continue
        u = uniform(key, firm.uid, 0)
        paid = firm.lease_rent * (1.0 - firm.relief)
        if u < bound and u < departure_probability(paid, firm.stage, pull, exits):
            firm.status = LEFT
            flows[zone[firm.cell], firm.segment, DEPARTURES] += 1.0
            firm.area = 0.0


@kernel
def strike_off(startups, par, key):
    """Let a dormant firm leave the register with chance 1/mean.   (E22)"""
    exits = par[0].exits
    for i in range(startups.shape[0]):
        firm = startups[i]
        if firm.status == DORMANT and uniform(key, firm.uid, 0) * exits.dormancy_months < 1.0:
            firm.status = CLOSED
