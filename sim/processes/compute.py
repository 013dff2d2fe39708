"""Compute: what startups want, what public capacity serves, the price, and what is delivered.

Equations
---------
(E11) A firm wants ``q_i = c_s H_i w_s w / p0 (p_i/p0)^-e`` GPU-months, ``p_i = p (1 - v_i)`` with its voucher. Public
capacity S serves ``a = min(1, S / sum q)`` of all that is wanted, at prices set by those who run it; the rest is
ordered nationally at p_nat, where a share k is delivered. So ``p = a p_pub + (1 - a) p_nat``, at least 0.01, and
``phi = a + (1 - a) k``, which slows progress by ``(phi/phi0)^psi_s`` (E12). Compute is remote: distance plays no part.

In the history public capacity is a fixed share of what is wanted; from the first month on it is that of the first
month and what computing centres add.

References
----------
M. Weitzman (1974), Prices vs. quantities, Review of Economic Studies 41, 477-491, doi:10.2307/2296698 (rationing at an
administered price).
"""

from sim.compiled import exp, kernel, log
from sim.world import exact

LEAST_PRICE = 0.01  # over p0: of compute that costs nothing at all a finite amount is wanted


def clear_market(world, par, terms) -> None:
    """Serve what is wanted from public capacity and from elsewhere (writes compute, accounts)."""
    clear(world.compute, world.heads, world.labour, par.table, world.month < 0, terms.centres,
          world.accounts)  # fmt: skip


def begin_compute(world, par) -> None:
    """Begin month 0: public capacity is its share of what the startups of the first month want (writes compute)."""
    market = world.compute[0]
    demand = wanted(world.heads, world.labour[0].wage, market.price, par.table)
    market.capacity = par.values.compute.public_share * demand


@kernel
def wanted(heads, wage, price, par):
    """Return the GPU-months that all firms want without vouchers, by their heads in each segment.   (E11)"""
    operations, compute, whole = par[0].operations, par[0].compute, 0.0
    for s in range(4):
        whole += operations.compute_share[s] * heads[s] * operations.wage_wan_head_month[s]
    return whole * wage / compute.price_rmb_gpu_month * exp(-compute.price_elasticity * log(price))


@kernel
def bill_of(price, par):
    """(p/p0)^(1 - e): the bill for compute relative to that at the reference price; who pays more uses less   (E11)"""
    return exp((1.0 - par[0].compute.price_elasticity) * log(price))


@kernel
def delivered(public_share, compute):
    """phi = a + (1 - a) k   (E11)"""
    return public_share + (1.0 - public_share) * compute.national_delivery


@kernel
def clear(market, heads, labour, par, history, centres, accounts):
    """Set public share, price and what is delivered; book what users of centres pay.   (E11)"""
    compute, state = par[0].compute, market[0]
    state.demand = wanted(heads, labour[0].wage, state.price, par) + state.voucher_gpu
    if history:
        state.capacity = compute.public_share * state.demand
    supply, spent = state.capacity, state.capacity * compute.public_price
    for k in range(centres.size):
        supply += centres[k].capacity
        spent += centres[k].capacity * centres[k].price / compute.price_rmb_gpu_month
    state.public_share = min(1.0, supply / state.demand) if state.demand > 0.0 else 1.0
    public_price = spent / supply if supply > 0.0 else 1.0
    national = 1.0 if history else compute.national_price
    price = state.public_share * public_price + (1.0 - state.public_share) * national
    state.price = max(price, LEAST_PRICE)
    state.bill = bill_of(state.price, par)
    state.delivered = delivered(state.public_share, compute)
    state.log_sufficiency = log(state.delivered / delivered(compute.public_share, compute))
    let = min(1.0, state.demand / supply) if supply > 0.0 else 0.0
    short = max(state.demand - supply, 0.0) / (supply - state.capacity) if supply > state.capacity else 0.0
    for k in range(centres.size):
        accounts[centres[k].lever].spent -= exact(let * centres[k].capacity * centres[k].price)
        accounts[centres[k].lever].served += let * centres[k].capacity
        accounts[centres[k].lever].refused += short * centres[k].capacity
