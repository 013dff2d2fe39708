"""Aid: vouchers for compute, R&D subsidies and public orders, paid until the year's budget is used up.

Equations
---------
(E25) An eligible startup receives a share of its bill for compute, of its wages or of its reference cost at the prices
that firms can charge (E13), at the heads of the month before and never more than the cap of the calendar year. Where the
year's budget does not reach for all, startups are served in an order of their own that lasts, and who comes after the
money is refused. The sum of what is received is what the public pays. The largest share comes first; nobody holds two
vouchers at once, and nobody is paid more than the whole of a base.
A voucher for the share v makes its holder use ``(1 - v)^-e`` times the compute (E11): the public pays v of that bill,
and what the holder saves is ``1 - (1 - v)^(1 - e)`` of the bill without voucher; the rest buys more compute.
"""

import numpy as np

from sim.compiled import exp, kernel, log
from sim.ledger import LOCKED, SUPPORTED, in_order, is_eligible, turns
from sim.randomness import combine
from sim.terms import COMPUTE_BILL, PAYROLL, WAN
from sim.world import exact, floor_exact, price_level


def grant_aid(world, par, terms, draw) -> None:
    """Pay this month's aid, the largest shares first (writes support, subsidy, accounts, compute)."""
    if terms.aids.size == 0:
        return
    firms, _, books = world.startups.parts
    clear_support(firms, books)
    market, aids, zone = world.compute, terms.aids, world.grid.zone
    market["voucher_gpu"] = 0.0
    wage = world.labour["wage"][0]
    given = np.zeros((3, len(firms)))  # shares of each base that a startup has been given this month
    for k in np.lexsort((aids["key"], -aids["share"])):
        if aids["share"][k] <= 0.0:
            continue
        account = world.accounts[aids["lever"][k]]
        rows, shares, amounts = due(firms, books, par.table, aids, k, terms.aid_zones[k], zone, world.month, terms.year,
                                    wage, market, given)  # fmt: skip
        left = aids["budget"][k] - account["spent_year"]
        served = len(rows)
        if left <= 0.0:
            served = 0
        elif amounts.sum() > left:
            key = np.uint64(combine(draw.once("aid"), np.uint64(aids["key"][k])))
            order = in_order(turns(firms, rows, key), firms["uid"][rows])
            rows, shares, amounts = rows[order], shares[order], amounts[order]
            served = reached(amounts, left)
        account["refused"], account["served"] = len(rows) - served, served
        paid, gpu = pay(firms, books, rows[:served], shares[:served], amounts[:served], par.table, aids, k, terms.year,
                        wage, market, given)  # fmt: skip
        account["spent"] += paid
        account["spent_year"] += paid
        market["voucher_gpu"] += gpu


@kernel
def clear_support(firms, books):
    """Forget last month's aid."""
    for i in range(firms.shape[0]):
        if firms[i].aided & SUPPORTED:
            firms[i].aided &= ~SUPPORTED
            books[i].support = 0.0


@kernel
def more_use(share, par):
    """(1 - v)^-e: how much more compute the holder of a voucher uses   (E11)"""
    return exp(-par[0].compute.price_elasticity * log(1.0 - share))


@kernel
def compute_bill(firm, par, wage, bill):
    """Return a firm's bill for compute without voucher [wan/month].   (E11)"""
    operations = par[0].operations
    payroll = firm.heads * operations.wage_wan_head_month[firm.segment] * wage
    return operations.compute_share[firm.segment] * payroll * bill


@kernel
def full_amount(firm, par, aid, share, wage, bill, more):
    """Return what a startup would receive for a share without cap and budget [wan/month].   (E25)"""
    operations, location = par[0].operations, par[0].location
    unit = operations.wage_wan_head_month[firm.segment]
    if aid.base == COMPUTE_BILL:
        return share * compute_bill(firm, par, wage, bill) * more
    if aid.base == PAYROLL:
        return share * firm.heads * unit * wage
    rates = 1.0 + operations.overhead_share[firm.stage] + operations.compute_share[firm.segment]
    rent = location.area_m2_per_head * location.reference_rent_rmb_m2_month / WAN
    return share * firm.heads * (unit * rates + rent) * price_level(wage, operations)


@kernel
def received(book, base, year):
    """Return what a startup received of a kind of aid in this calendar year [wan]."""
    if book.aid_year != year:
        return 0.0
    if base == COMPUTE_BILL:
        return book.vouchers_year
    return book.grants_year if base == PAYROLL else book.orders_year


@kernel
def due(firms, books, par, aids, k, zones, zone, month, year, wage, market, given):
    """Return who may have the aid, which share of the base, and how much [wan].   (E25)"""
    rows, n = np.empty(firms.shape[0], dtype=np.int64), 0
    shares, amounts = np.empty(firms.shape[0]), np.empty(firms.shape[0])
    aid = aids[k]
    bill, more = market[0].bill, more_use(aid.share, par) if aid.base == COMPUTE_BILL else 1.0
    for i in range(firms.shape[0]):
        firm = firms[i]
        if not is_eligible(firm, aid, month) or not zones[zone[firm.cell]]:
            continue
        if aid.held_only and not (firm.aided & LOCKED and month < books[i].lock_end):
            continue
        share = min(aid.share, 1.0 - given[aid.base, i])
        if aid.base == COMPUTE_BILL and given[aid.base, i] > 0.0:
            share = 0.0
        left = aid.cap - received(books[i], aid.base, year)
        amount = floor_exact(min(full_amount(firm, par, aid, share, wage, bill, more), left))
        if amount > 0.0:
            rows[n], shares[n], amounts[n] = i, share, amount
            n += 1
    return rows[:n], shares[:n], amounts[:n]


@kernel
def reached(amounts, left):
    """Return how many are served, in their order, before the money is used up."""
    for k in range(amounts.size):
        left -= amounts[k]
        if left < 0.0:
            return k
    return amounts.size


@kernel
def pay(firms, books, rows, shares, amounts, par, aids, which, year, wage, market, given):
    """Book aid with those who receive it; return the sum [wan] and the compute that vouchers add [GPU-months]."""
    paid, gpu, e, aid = 0.0, 0.0, par[0].compute.price_elasticity, aids[which]
    bill, more = market[0].bill, more_use(aid.share, par) if aid.base == COMPUTE_BILL else 1.0
    kept = 1.0 - exp((1.0 - e) * log(1.0 - aid.share)) if aid.base == COMPUTE_BILL else 0.0
    for k in range(rows.size):
        firm, book, amount = firms[rows[k]], books[rows[k]], amounts[k]
        if book.aid_year != year:
            book.aid_year, book.vouchers_year, book.grants_year, book.orders_year = year, 0.0, 0.0, 0.0
        saved = amount
        if aid.base == COMPUTE_BILL:
            own = compute_bill(firm, par, wage, bill)
            part = amount / full_amount(firm, par, aid, aid.share, wage, bill, more)  # below 1 at the cap
            saved = part * own * kept
            gpu += exact(part * own * (more - 1.0) / (market[0].price * par[0].compute.price_rmb_gpu_month))
            book.vouchers_year += amount
        elif aid.base == PAYROLL:
            book.grants_year += amount
        else:
            book.orders_year += amount
        given[aid.base, rows[k]] += shares[k]
        book.support += saved
        book.subsidy += amount
        firm.aided |= SUPPORTED
        paid += amount
    return paid, gpu
