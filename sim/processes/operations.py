"""Operations: productivity, posts, releases, revenue, cost and cash.

Equations
---------
(E12) ``productivity = exp(e_M (L_s - L0) + e_J (J - J0)) (phi/phi0)^psi``, phi being the share of compute that is
delivered, times the factor of a programme; capability is quality times productivity.
(E13) ``cost = H w_s w (1 + overhead + compute x bill) + area x lease rent x (1 - sigma) - support``, w being the
wage index and the bill ``(p/p0)^(1 - e)``;
``revenue = reference cost x w^p x min(rev_k min(capability, cap)^e, ceiling)``, the reference cost counting wages
at their first level and rent at the reference rent; ``cash += revenue - cost``.
(E14) A startup aims at ``H* = target(segment, stage) clip(capability)^e``. With a runway above ten months it
posts what it lost plus 6 % of the gap; between six and ten what it lost; below six it releases 10 %. Hiring
stops where a head would have less than 8 m2. Who is hired is the labour market's business (E10).

References
----------
E. Moretti (2021), The effect of high-tech clusters on the productivity of top inventors, American Economic
Review 111, 3328-3375, doi:10.1257/aer.20191277.
"""

import numpy as np

from sim.compiled import exps, inlined_kernel, kernel, log
from sim.ledger import ACTIVE, IN_PROGRAMME, LISTED, SUPPORTED, offered
from sim.terms import WAN
from sim.world import FLOW, exact, floor_exact, price_level

BLOCK = 512  # rows
REVENUE, SUBSIDISED_AREA, SUBSIDY = FLOW["revenue_wan"], FLOW["subsidised_area_m2"], FLOW["subsidy_wan"]


def post_and_release(world, par, terms) -> None:
    """Set productivity, let heads go and open posts (writes log_capability, revenue_share, heads, posts, labour)."""
    firms, states, books = world.startups.parts
    staff(firms, states, books, par.table, world.labour, world.compute, world.posts, world.caps)


def earn_and_spend(world, par, terms) -> None:
    """Take on who was hired; book revenue, cost, support and rent relief (writes heads, cash, subsidy, flows,
    accounts)."""
    firms, states, books = world.startups.parts
    settle(firms, states, books, par.table, world.filled, world.labour, world.compute, world.grid.zone,
           terms.cuts, terms.rent_share, world.flows, world.accounts)  # fmt: skip


@kernel
def log_productivity(spillover, diversity, operations):
    """e_M (L - L0) + e_J (J - J0)   (E12)"""
    return (operations.spillover_elasticity * (spillover - operations.spillover_centre)
            + operations.diversity_elasticity * (diversity - operations.diversity_centre))  # fmt: skip


@kernel
def target_exponent(log_capability, low, high, operations):
    """ln clip(capability, low, high)^e; bounds as logs   (E14)"""
    return operations.target_quality_exponent * min(max(log_capability, low), high)


@kernel
def revenue_exponent(log_capability, top, operations):
    """ln min(capability, cap)^e; cap as a log   (E13)"""
    return operations.revenue_quality_exponent * min(log_capability, top)


@kernel
def target_heads(segment, stage, power, operations):
    """H* = target power, power = clip(capability)^e   (E14)"""
    return operations.target_heads[segment, stage] * power


@kernel
def revenue_over_cost(stage, power, operations):
    """min(rev_k power, ceiling), power = min(capability, cap)^e   (E13)"""
    return min(operations.revenue_share[stage] * power, operations.revenue_cap)


@kernel
def cost_per_head(segment, stage, operations):
    """w (1 + overhead + compute) [wan/month]   (E13)"""
    rates = 1.0 + operations.overhead_share[stage] + operations.compute_share[segment]
    return operations.wage_wan_head_month[segment] * rates


@kernel
def rent_per_head(location):
    """Rent of a head's space at the reference rent [wan/month]   (E13)"""
    return location.area_m2_per_head * location.reference_rent_rmb_m2_month / WAN


@kernel
def burn(firm, state, support, wage, prices, bill, operations, location):
    """Return cost minus revenue and support at the present number of heads [wan/month].   (E13)

    `bill` is the bill for compute relative to the reference, in which revenue is counted.
    """
    unit = cost_per_head(firm.segment, firm.stage, operations)
    more = (
        operations.wage_wan_head_month[firm.segment] * operations.compute_share[firm.segment] * (bill - 1.0)
    )
    cost = firm.heads * (unit + more) * wage + firm.area * state.lease_rent * (1.0 - state.relief) / WAN
    return cost - revenue(firm, state, prices, operations, location) - support


@kernel
def revenue(firm, state, prices, operations, location):
    """reference cost x w^p x share [wan/month]   (E13)"""
    unit = cost_per_head(firm.segment, firm.stage, operations) + rent_per_head(location)
    return prices * state.revenue_share * firm.heads * unit


@kernel
def wanted_posts(heads, target, runway, operations):
    """Return posts that a firm wants to fill: losses, and with a long runway part of the gap.   (E14)"""
    losses = operations.separation_per_month * heads
    growing = losses + operations.growth_per_month * (target - heads)
    wanted = growing if runway > operations.growth_runway_months else losses
    return 0.0 if (runway < operations.cut_runway_months) | (heads > target) else wanted


@kernel
def seek_limit(finance):
    """Return the log of the capability above which a startup looks for money no more often.   (E15)"""
    return log(finance.seek_quality_cap) / finance.seek_quality_exponent


@kernel
def staff(firms, states, books, par, labour, compute, posted, caps):
    """Update capability, revenue share, heads and posts of each firm, and who looks for work.   (E12 to E14)

    Rows are taken in blocks, because exponentials come several at a time; what binds is counted beside the table of
    counters, which would have to be written for each row. So is the cap of E15, for which capability need not be read again.
    """
    operations, location, by_compute = par[0].operations, par[0].location, np.empty(4)
    wage, bill = labour[0].wage, compute[0].bill
    for s in range(4):
        by_compute[s] = par[0].compute.sufficiency_exponent[s] * compute[0].log_sufficiency
    prices, released = price_level(wage, operations), 0.0
    posted[:] = 0.0
    top, seek_top = log(operations.revenue_quality_cap), seek_limit(par[0].finance)
    low, high = log(operations.target_quality_low), log(operations.target_quality_high)
    at_top = at_low = at_high = at_cap = at_seek = cut = hold = short = 0
    rows, for_revenue, for_target = np.empty(BLOCK, dtype=np.int64), np.empty(BLOCK), np.empty(BLOCK)
    revenue_power, target_power = np.empty(BLOCK), np.empty(BLOCK)
    for begin in range(0, firms.shape[0], BLOCK):
        n = 0
        for i in range(begin, min(begin + BLOCK, firms.shape[0])):
            if firms[i].status != ACTIVE and firms[i].status != LISTED:
                continue
            state = states[i]
            capability = (state.log_quality + log_productivity(state.spillover, state.diversity, operations)
                          + by_compute[firms[i].segment])  # fmt: skip
            if firms[i].aided & IN_PROGRAMME:
                capability += books[i].log_help
            state.log_capability = capability
            rows[n], for_revenue[n] = i, revenue_exponent(capability, top, operations)
            for_target[n] = target_exponent(capability, low, high, operations)
            n += 1
            at_top += capability > top
            at_low += capability < low
            at_high += capability > high
            at_seek += (capability > seek_top) & (firms[i].status == ACTIVE)
        exps(for_revenue[:n], revenue_power[:n])
        exps(for_target[:n], target_power[:n])
        for k in range(n):
            firm, state = firms[rows[k]], states[rows[k]]
            state.revenue_share = revenue_over_cost(firm.stage, revenue_power[k], operations)
            at_cap += state.revenue_share >= operations.revenue_cap
            target = target_heads(firm.segment, firm.stage, target_power[k], operations)
            support = books[rows[k]].support if firm.aided & SUPPORTED else 0.0
            let_go, cuts, holds, lacks = plan_heads(
                firm, state, support, target, wage, prices, bill, operations, location
            )
            released, cut, hold, short = released + let_go, cut + cuts, hold + holds, short + lacks
            posted[firm.cell] += state.posts
        caps[0].firm_months += n
    caps[0].revenue_quality_cap += at_top
    caps[0].target_low += at_low
    caps[0].target_high += at_high
    caps[0].revenue_cap += at_cap
    caps[0].seek_quality_cap += at_seek
    caps[0].runway_cut += cut
    caps[0].runway_hold += hold
    caps[0].no_space_to_hire += short
    labour[0].released = released
    labour[0].seekers += released


@inlined_kernel
def plan_heads(firm, state, support, target, wage, prices, bill, operations, location):
    """Let heads go and open posts, as the runway allows.   (E14)

    Returns the heads let go, and whether the runway cuts heads, holds them, and whether space is short.

    Both sides of each case are computed and one is taken: no processor could foresee them.
    """
    loss = burn(firm, state, support, wage, prices, bill, operations, location)
    runway = firm.cash / loss
    runway = np.inf if (loss <= 0.0) | (firm.status == LISTED) else runway
    room = firm.area / operations.densest_m2_per_head
    room = room if operations.densest_m2_per_head > 0.0 else np.inf
    cuts = runway < operations.cut_runway_months
    wanted = wanted_posts(firm.heads, target, runway, operations)
    kept = firm.heads * (1.0 - operations.separation_per_month)
    opened = min(wanted, max(room - kept, 0.0))
    fewer = kept - operations.cut_per_month * firm.heads
    kept = fewer if cuts else kept
    holds = (operations.cut_runway_months <= runway) & (runway <= operations.growth_runway_months)
    # the last head stays, and its post is not open
    heads = max(kept, 1.0)
    released = floor_exact(max(firm.heads - heads, 0.0))
    firm.heads, state.posts = firm.heads - released, floor_exact(max(opened - (heads - kept), 0.0))
    return released, cuts, holds, opened < wanted


@kernel
def settle(firms, states, books, par, filled, labour, compute, zone, cuts, rent_share, flows, accounts):
    """heads += hires; cash += revenue + support - cost; the public pays its share of the rent.   (E10, E13)"""
    operations, location = par[0].operations, par[0].location
    wage, bill = labour[0].wage, compute[0].bill
    prices = price_level(wage, operations)
    for i in range(firms.shape[0]):
        firm = firms[i]
        if firm.status != ACTIVE and firm.status != LISTED:
            continue
        state = states[i]
        firm.heads += filled[firm.cell] * state.posts
        support = books[i].support if firm.aided & SUPPORTED else 0.0
        income = exact(revenue(firm, state, prices, operations, location))
        firm.cash -= burn(firm, state, support, wage, prices, bill, operations, location)
        flows[zone[firm.cell], firm.segment, REVENUE] += income
        if state.relief <= 0.0:
            continue
        rent, z = firm.area * state.lease_rent / WAN, zone[firm.cell]
        relief = exact(state.relief * rent)
        books[i].subsidy += relief
        flows[z, firm.segment, SUBSIDISED_AREA] += exact(firm.area)
        flows[z, firm.segment, SUBSIDY] += relief
        whole = offered(np.int64(books[i].eligible), rent_share, z)
        for k in range(cuts.size):
            if (books[i].eligible >> k) & 1 and rent_share[k, z] > 0.0:
                paid = exact(relief * rent_share[k, z] / whole)
                account = accounts[cuts[k].lever]
                account.spent += paid
                account.spent_year += paid
                account.served += 1.0
