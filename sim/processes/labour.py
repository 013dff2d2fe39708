"""Labour: seekers, posts, hires and the wage.

Equations
---------
(E10) Heads that firms lose or release join the seekers ``U``, of whom a part leaves the region's labour market in
a month; into it come ``I = (graduates + experienced) w^eta exp(-pull x outside offer)``. Of the posts ``X`` that
firms open ``M = min(sum X, U, mu sqrt(U sum X))`` are filled, in proportion to ``X_i T^e`` (talent access of the
cell), nobody more than it has posted, what is left shared again. The wage moves by
``d ln w = clip(speed (sum X / U - tightness))``, ``U`` before the hires. Founding teams come from the seekers; of
the heads of a failed, acquired or departed firm stated shares return to them.

In the history the wage rests at 1 and the seekers are those that the resting tightness needs; the inflow that
this takes, averaged over a year, is the inflow of the first month.

References
----------
C. Pissarides (2000), Equilibrium Unemployment Theory, MIT Press (matching function). O. Blanchard and P. Diamond
(1989), The Beveridge curve, Brookings Papers on Economic Activity 1989(1), 1-76, doi:10.2307/2534495.
"""

import numpy as np

from sim.compiled import exp, kernel, log
from sim.space import total

ROUNDS = 3
MONTHS_A_YEAR = 12.0


def fill_posts(world, par, terms) -> None:
    """Let people come, leave and be hired; move the wage (writes heads, labour).   (E10)"""
    firms, states, _ = world.startups.parts
    market, labour = world.labour[0], par.values.labour
    posts = total(world.posts)
    leavers = labour.leaving_per_month * market.seekers
    stayed = market.seekers - leavers
    if world.month < 0:
        joined = posts / labour.tightness - stayed
        market.usual_inflow += (joined - market.usual_inflow) / MONTHS_A_YEAR
    else:
        joined = inflow(world, par)
    pool = stayed + joined
    share = np.zeros(world.posts.size)
    hires = share_hires(world.posts, world.log_talent, matched(posts, pool, par.table), par.table, share)
    hire(firms, states, share)
    market.posts, market.inflow, market.leavers, market.hires = posts, joined, leavers, hires
    market.seekers = pool - hires
    if world.month >= 0:
        market.wage *= exp(wage_step(posts, pool, par.table, world.caps))


def inflow(world, par) -> float:
    """Return who joins the seekers this month [heads]: graduates and experienced people.   (E10)"""
    market, labour = world.labour[0], par.values.labour
    more = graduates_a_month(world, par) - market.usual_graduates
    pull = par.values.births.outside_pull * par.outside_offer(world.month)
    return max(market.usual_inflow + more, 0.0) * exp(labour.inflow_elasticity * log(market.wage) - pull)


def graduates_a_month(world, par) -> float:
    """Return the graduates of all nodes who look for work in a startup [heads a month].   (E10)"""
    return par.values.labour.graduate_share * total(world.nodes["graduates_per_year"]) / MONTHS_A_YEAR


def begin_labour(world, par, scale: float) -> None:
    """Begin month 0: seekers and inflow in proportion to the startups of the first month (writes labour)."""
    market = world.labour[0]
    market.seekers *= scale
    market.usual_inflow *= scale
    market.usual_graduates = graduates_a_month(world, par)


@kernel
def matched(posts, seekers, par):
    """M = min(sum X, U, mu sqrt(U sum X))   (E10)"""
    seekers = max(seekers, 0.0)
    return min(posts, seekers, par[0].labour.matching_constant * np.sqrt(seekers * posts))


@kernel
def share_hires(posted, log_talent, hires, par, share):
    """Write the share of the posts of each cell that is filled; return the hires.   (E10)

    They go in proportion to posts times T^e; what cells with no more posts to fill leave over is shared again.
    """
    exponent, left = par[0].labour.access_exponent, hires
    for _ in range(ROUNDS):
        weight = 0.0
        for c in range(posted.size):
            if share[c] < 1.0:
                weight += posted[c] * exp(exponent * log_talent[c])
        if weight <= 0.0 or left <= 0.0:
            break
        offered, made = left / weight, 0.0
        for c in range(posted.size):
            if share[c] < 1.0:
                more = min(offered * exp(exponent * log_talent[c]), 1.0 - share[c])
                share[c] += more
                made += more * posted[c]
        left -= made
    return hires - left


@kernel
def hire(firms, states, share):
    """Add to each firm the heads that it hires."""
    for i in range(firms.shape[0]):
        if states[i].posts > 0.0:
            firms[i].heads += share[firms[i].cell] * states[i].posts


@kernel
def wage_step(posts, seekers, par, caps):
    """d ln w = clip(speed (sum X / U - tightness))   (E10)"""
    labour = par[0].labour
    step = labour.wage_speed_per_month * (posts / seekers - labour.tightness) if seekers > 0.0 else np.inf
    caps[0].wage_step += abs(step) >= labour.wage_step_limit
    return min(max(step, -labour.wage_step_limit), labour.wage_step_limit)
