"""Labour: seekers, posts, hires and the wage.

Equations
---------
(E10) Heads that firms lose or release join the seekers ``U``, of whom a part leaves the region's labour market in
a month; into it come ``I = max(graduates + experienced, 0) w^eta exp(-pull x outside offer)``. Of the posts ``X`` that
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

from sim.compiled import exp, exps, kernel, log
from sim.space import total

MONTHS_A_YEAR = 12.0


def fill_posts(world, par, terms) -> None:
    """Let people come, leave and be hired; move the wage (writes labour, filled).   (E10)"""
    clear(world.labour, world.posts, world.log_talent, graduates_a_month(world, par), pull_of(world, par, terms),
          terms.housing_added, world.month < 0, par.table, world.filled, world.caps)  # fmt: skip


def inflow(world, par, terms) -> float:
    """Return who joins the seekers this month [heads]: graduates and experienced people.   (E10)"""
    return joining(world.labour, graduates_a_month(world, par), pull_of(world, par, terms), par.table)


def pull_of(world, par, terms) -> float:
    """Return how much other cities keep people from coming [log].   (E10)"""
    return par.values.births.outside_pull * (
        par.outside_offer(world.month) + mean_offer(world.heads, terms.outside_offer)
    )


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
def mean_offer(heads, offer):
    """Return what other cities offer beyond the trend, weighted by heads [utils].   (E10)"""
    whole = total(heads)
    return total(heads * offer) / whole if whole > 0.0 else 0.0


@kernel
def joining(market, graduates, pull, par):
    """I = max(graduates + experienced, 0) w^eta exp(-pull)   (E10)"""
    state = market[0]
    usual = max(state.usual_inflow + graduates - state.usual_graduates, 0.0)
    return usual * exp(par[0].labour.inflow_elasticity * log(state.wage) - pull)


@kernel
def clear(market, posted, log_talent, graduates, pull, added, history, par, share, caps):
    """Write the share of the posts of each cell that is filled, and the month of the market.   (E10)"""
    state, labour, posts = market[0], par[0].labour, 0.0
    for c in range(posted.size):
        posts += posted[c]
    leavers = labour.leaving_per_month * state.seekers
    stayed = state.seekers - leavers
    if history:
        joined = posts / labour.tightness - stayed
        state.usual_inflow += (joined - state.usual_inflow) / MONTHS_A_YEAR
    else:
        joined = joining(market, graduates, pull, par) + added
    pool = stayed + joined
    hires = share_hires(posted, log_talent, matched(posts, pool, par), par, share)
    state.posts, state.inflow, state.leavers, state.hires = posts, joined, leavers, hires
    state.seekers = pool - hires
    if not history:
        state.wage *= exp(wage_step(posts, pool, par, caps))


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
    power, left = np.empty(posted.size), hires
    share[:] = 0.0
    exps(par[0].labour.access_exponent * log_talent, power)
    filled = True
    while filled:
        weight, filled = 0.0, False
        for c in range(posted.size):
            if share[c] < 1.0:
                weight += posted[c] * power[c]
        if weight <= 0.0 or left <= 0.0:
            break
        offered, made = left / weight, 0.0
        for c in range(posted.size):
            if share[c] < 1.0:
                more = offered * power[c]
                if more < 1.0 - share[c]:
                    share[c] += more
                else:
                    more, share[c], filled = 1.0 - share[c], 1.0, True
                made += more * posted[c]
        left -= made
    return hires - left


@kernel
def wage_step(posts, seekers, par, caps):
    """d ln w = clip(speed (sum X / U - tightness))   (E10)"""
    labour = par[0].labour
    step = labour.wage_speed_per_month * (posts / seekers - labour.tightness) if seekers > 0.0 else np.inf
    caps[0].wage_step += abs(step) >= labour.wage_step_limit
    return min(max(step, -labour.wage_step_limit), labour.wage_step_limit)
