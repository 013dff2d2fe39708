"""Cases about markets: offices and rent, people and wages, and space that is added.

The market for money has a module of its own.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize

from sim import space
from sim.ledger import ACQUIRED, ACTIVE, DORMANT, LEFT, LISTED, LOST, WAITING
from sim.model import ClusterModel
from sim.processes import access, births, labour, land, location
from sim.randomness import Draws, uniform
from sim.verify import worlds
from sim.verify.case import Case, Knob, KnobError, Row
from sim.verify.chance import each, none_row, number_of, share_row
from sim.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = Mapping[str, Any]

STEP = 2.0**-20  # to which the model rounds what it adds over startups
REST_MONTHS = 20_000  # in which rents must be at rest, up to what is nearly nothing
NEARLY = 1e-6
MOST_MONTHS = 30_000  # after which a market that does not rest never will


# Rent


def offices(values: Values, seed: int, alike: bool = False) -> World:
    """Return a town whose cells have unlike vacancies and rents, or all the same."""
    grid = worlds.town(4, 5)
    world = worlds.settle(grid, worlds.startups(0))
    share = values["vacancy"] + values["spread"] * (2.0 * worlds.numbers(grid.n_cells, seed) - 1.0)
    world.tenant_demand = world.stock * (1.0 - share)
    world.nearby_stock = space.spread_one(land.neighbourhood(grid, values["range_km"]), world.stock)
    world.log_rent = values["start"] * (2.0 * worlds.numbers(grid.n_cells, seed, 1) - 1.0)
    if alike:
        world.tenant_demand[:] = world.stock * (1.0 - values["vacancy"])
        world.log_rent[:] = values["start"]
    return world


def rent_paths(
    values: Values, seed: int, months: int, alike: bool = False, **changes: float
) -> tuple[np.ndarray, World]:
    """Return log rents by month and cell in the engine's market for offices, (months + 1, n_cells)."""
    settings = {"tenant_rent_elasticity": 0.0, "rent_speed_per_month": values["speed"],
                "natural_vacancy_share": values["natural"], "rent_reversion_per_month": values["reversion"],
                "rent_step_limit": values["limit"], "vacancy_range_km": values["range_km"]} | changes  # fmt: skip
    par = worlds.parameters({f"land.{name}": float(value) for name, value in settings.items()})
    world = offices(values, seed, alike)
    terms, path = worlds.terms_of(world.grid), [world.log_rent.copy()]
    for month in range(months):
        world.month = month
        land.clear_offices(world, par, terms)
        path.append(world.log_rent.copy())
    return np.array(path), world


def gaps(values: Values, world: World) -> np.ndarray:
    """Return v* - v of each cell's neighbourhood, by brute force, (n_cells,)."""
    x, y = world.grid.x, world.grid.y
    near = np.exp(-np.hypot(x[:, None] - x, y[:, None] - y) / values["range_km"])
    return values["natural"] - near @ (world.stock - world.tenant_demand) / (near @ world.stock)


def check_rent(values: Values, seed: int) -> list[Row]:
    """Compare the engine's rents with their closed forms."""
    months, speed, back = values["months"], values["speed"], values["reversion"]
    rows, rounding = [], "rounding of 64-bit numbers over the months"
    path, world = rent_paths(values, seed, months, rent_reversion_per_month=0.0, rent_step_limit=1.0)
    gap = gaps(values, world)
    rise = np.clip(speed * gap, -1.0, 1.0) * months
    far = int(np.abs(rise).argmax())
    rows.append(Row(f"log rent after {months} months at a fixed vacancy, farthest cell", rise[far] + path[0, far],
                    path[-1, far], 1e-12 * months, rounding))  # fmt: skip
    error = float(np.abs(path[-1] - path[0] - rise).max())
    rows.append(Row("largest error of the log rent of a cell", 0.0, error, 1e-12 * months, rounding))

    rows += autoregression(values, seed, gap)

    path, world = rent_paths(values, seed, months)
    bounded, binds = path[0].copy(), False
    for _ in range(months):
        step = speed * gap - back * bounded
        binds |= bool(np.any(np.abs(step) > values["limit"]))
        bounded = bounded + np.clip(step, -values["limit"], values["limit"])
    error = float(np.abs(path[-1] - bounded).max())
    rows.append(Row("the same with the largest step", 0.0, error, 1e-12 * months, rounding))
    if binds:
        beyond = np.abs(np.diff(path, axis=0)) > values["limit"] + 1e-12
        rows.append(Row("steps beyond the largest", 0.0, float(number_of(beyond)), 0.0, "none is allowed"))
    return rows + resting_rent(values, seed)


def autoregression(values: Values, seed: int, gap: np.ndarray) -> list[Row]:
    """Return the comparison of rents at a fixed vacancy with a first-order autoregression.

    None where a step would be larger than the largest that the engine can be given.

    Parameters
    ----------
    gap
        v* - v of each cell's neighbourhood, (n_cells,).
    """
    months, speed, back, rounding = (
        values["months"],
        values["speed"],
        values["reversion"],
        "rounding of 64-bit numbers over the months",
    )
    path, _world = rent_paths(values, seed, months, rent_step_limit=1.0)
    if np.any(np.abs(speed * gap - back * path[0]) > 1.0):  # later steps are smaller
        return []
    theory = path[0] * (1.0 - back) ** months + speed * gap * geometric(back, months)
    error = float(np.abs(path[-1] - theory).max())
    rows = [Row("the same with reversion", 0.0, error, 1e-12 * months, rounding)]
    far = int(np.abs(path[0]).argmax())
    if months > 1 and back < 1.0 and abs(path[0, far]) > 1e-3:
        found = (path[1, far] - speed * gap[far]) / path[0, far]
        rows.append(Row("coefficient of the autoregression", 1.0 - back, float(found), 1e-11, rounding))
    return rows


def geometric(back: float, number: int) -> float:
    """Return 1 + (1 - back) + (1 - back)^2 + ... to `number` terms."""
    if back in (0.0, 1.0):
        return 1.0 if back else float(number)
    return -math.expm1(number * math.log1p(-back)) / back  # a difference from 1 would lose digits


def held_share(values: Values, log_rent: float) -> float:
    """Return the share of the space that other tenants hold at a log rent: min(D, F)/F   (E8)."""
    if values["vacancy"] == 1.0:
        return 0.0
    return math.exp(min(math.log(1.0 - values["vacancy"]) - values["elasticity"] * log_rent, 0.0))


def pull(values: Values, log_rent: float) -> float:
    """Return the step of a log rent that no limit bounds   (E9)."""
    vacancy = 1.0 - held_share(values, log_rent)
    return float(values["speed"] * (values["natural"] - vacancy) - values["reversion"] * log_rent)


def rest_of_rent(values: Values) -> float:
    """Return the log rent that rests, the root of E8 and E9; nan where there is none, or not one only."""
    vacancy, natural, speed, back, elasticity = (
        values[name] for name in ("vacancy", "natural", "speed", "reversion", "elasticity")
    )
    if back == 0.0 and (elasticity == 0.0 or vacancy == 1.0 or natural == 0.0):
        return math.nan
    if vacancy == 1.0 or elasticity == 0.0:
        return float(speed * (natural - vacancy) / back)
    natural_held = (
        math.log((1.0 - vacancy) / (1.0 - natural)) / elasticity
    )  # where vacancy is the natural one
    if back == 0.0:
        return natural_held
    most, beyond = speed / back, 1e-6 * (1.0 + abs(natural_held))
    low = max(min(natural_held, 0.0) - beyond, -most - beyond)
    high = min(max(natural_held, 0.0) + beyond, most + beyond)
    if pull(values, low) < 0.0 or pull(values, high) > 0.0:  # a slope that rounding hides
        return math.nan
    return float(optimize.brentq(lambda log_rent: pull(values, log_rent), low, high, xtol=1e-14))


def way_to_rest(values: Values, root: float) -> tuple[int, float]:
    """Return how many months rents take to their rest, going E8 and E9 from the start, and what is then left."""
    log_rent = values["start"]
    for month in range(REST_MONTHS):
        if abs(log_rent - root) <= 1e-12:
            return month, abs(log_rent - root)
        log_rent += max(min(pull(values, log_rent), 1.0), -1.0)
    return REST_MONTHS, abs(log_rent - root)


def resting_rent(values: Values, seed: int) -> list[Row]:
    """Return the comparison of the rent that rests where other tenants answer to it with the root of E8 and E9.

    None where there is no such rent, or where the way to it is too long.
    """
    root = rest_of_rent(values)
    if values["speed"] == 0.0 or math.isnan(root):
        return []
    months, left = way_to_rest(values, root)
    if left > NEARLY:
        return []
    path, _ = rent_paths(
        values, seed, months + 1, True, tenant_rent_elasticity=values["elasticity"], rent_step_limit=1.0
    )
    return [Row("log rent at rest where other tenants answer to rent", root, float(path[-1].mean()),
                1e-9 * (1.0 + abs(root)) + 2.0 * left, f"what is left of the way after {months + 1:,} months")]  # fmt: skip


def rest_exists(values: Values) -> None:
    """Refuse rents that have no rest or no end."""
    if values["vacancy"] - values["spread"] < 0.0 or values["vacancy"] + values["spread"] > 1.0:
        raise KnobError("vacancy and spread: vacancies must lie between 0 and 1")
    root = rest_of_rent(values)
    if math.isnan(root):
        return
    held = held_share(values, root)
    answer = values["speed"] * values["elasticity"] * held if held < 1.0 else 0.0
    if answer + values["reversion"] >= 2.0:
        raise KnobError(
            "speed, elasticity and reversion: rents would swing for ever, away from where they could rest"
        )


def draw_rent(values: Values, seed: int, figure: "Figure") -> None:
    """Draw rents over time, with and without reversion."""
    months, speed, back = values["months"], values["speed"], values["reversion"]
    axes, time = figure.subplots(), np.arange(months + 1)
    for reversion, name in ((0.0, "no reversion"), (back, "reversion")):
        path, world = rent_paths(
            values, seed, months, rent_reversion_per_month=reversion, rent_step_limit=1.0
        )
        gap = gaps(values, world)
        theory = [
            path[0, 0] * (1 - reversion) ** t + speed * gap[0] * geometric(reversion, int(t)) for t in time
        ]
        axes.plot(time, np.exp(path[:, 0]), lw=3, alpha=0.5, label=f"simulation, {name}")
        axes.plot(time, np.exp(theory), "k--", lw=1, label="theory" if reversion else None)
    axes.set(xlabel="months", ylabel="rent over its reference")
    axes.legend()


RENT = Case(
    name="rent",
    title="rents move with vacancy as their closed form says",
    about="At a fixed vacancy v rents move by exp(kappa (v* - v) t), v being the average of the neighbourhood; with "
    "reversion log rents are a first-order autoregression with coefficient 1 - zeta; no step is larger than the limit; "
    "where other tenants answer to rents they rest at the root of E8 and E9. Under test: land.clear_offices. Literature: "
    "W. Wheaton and R. Torto (1988), Vacancy rates and the future of office rents, AREUEA Journal 16, 430-436; "
    "P. Hendershott (1996), Rental adjustment and valuation in overbuilt markets, Journal of Urban Economics 39, 51-67.",
    knobs={
        "vacancy": Knob(0.215, "mean vacancy of the cells", "share", 0.0, 1.0),
        "spread": Knob(0.05, "how far vacancies of cells lie from it at most", "share", 0.0, 0.5),
        "natural": Knob(0.115, "natural vacancy", "share", 0.0, 0.9),
        "speed": Knob(1.0 / 6.0, "change of log rent for a whole of vacancy", "1/month", 0.0, 1.0),
        "reversion": Knob(0.03, "pull towards the reference rent", "1/month", 0.0, 1.0),
        "limit": Knob(0.01, "largest step of log rent, where it is on", "1/month", 0.0, 1.0),
        "start": Knob(0.3, "log rents of cells at the start lie so far from the reference at most", "log units", 0.0, 1.0),
        "elasticity": Knob(0.4, "elasticity of other tenants, for the rent at rest", "-", 0.0, 5.0),
        "range_km": Knob(1.0, "range of the neighbourhood", "km", 0.05, 50.0),
        "months": Knob(12, "months that pass", "months", 1, 1_200),
    },
    check=check_rent,
    picture=draw_rent,
    values_check=rest_exists,
)  # fmt: skip


# Labour


def jobs(values: Values, seed: int, speed: float) -> tuple[World, Any]:
    """Return a town with posts in each cell, one firm a cell, and its parameters."""
    par = worlds.parameters({
        "labour.leaving_per_month": values["leaving"], "labour.graduate_share": 0.0,
        "labour.matching_constant": values["matching"], "labour.tightness": values["tightness"],
        "labour.wage_speed_per_month": speed, "labour.inflow_elasticity": values["elasticity"]})  # fmt: skip
    grid = worlds.town()
    share = worlds.numbers(grid.n_cells, seed)
    posts = values["posts"] * share / share.sum()
    world = worlds.settle(
        grid, worlds.startups(grid.n_cells, cell=np.arange(grid.n_cells), heads=10.0, posts=posts)
    )
    world.posts = posts.copy()
    world.log_talent = values["talent"] * (2.0 * worlds.numbers(grid.n_cells, seed, 1) - 1.0)
    world.labour["usual_inflow"], world.labour["seekers"] = values["inflow"], values["posts"]
    return world, par


def at_rest(values: Values, seed: int, speed: float) -> World:
    """Return the labour market after so many months that nothing changes any more."""
    world, par = jobs(values, seed, speed)
    terms, last = worlds.terms_of(world.grid), (math.nan, math.nan)
    for _ in range(MOST_MONTHS):
        labour.fill_posts(world, par, terms)
        now = float(world.labour["seekers"][0]), float(world.labour["wage"][0])
        if all(abs(a - b) <= 1e-14 * abs(b) for a, b in zip(now, last, strict=True)):
            return world
        last = now
    return world


def hired(values: Values, pool: float) -> float:
    """Return the hires from a pool of seekers: M = min(X, U, mu sqrt(U X))."""
    return min(values["posts"], pool, values["matching"] * math.sqrt(pool * values["posts"]))


def resting_pool(values: Values) -> float:
    """Return the pool before hires at a wage of 1: the root of P = (1 - l)(P - M(P)) + I."""
    left = 1.0 - values["leaving"]
    return float(optimize.brentq(lambda pool: left * (pool - hired(values, pool)) + values["inflow"] - pool, 0.0,
                                 values["inflow"] * 1e7, xtol=1e-12, rtol=1e-15))  # fmt: skip


def check_labour(values: Values, seed: int) -> list[Row]:
    """Compare the labour market at rest with its closed forms, and count people in a whole run."""
    settled, reason = (
        "iterated until a month changes nothing",
        "rounding, and what is left of the way to rest",
    )
    pool, fixed = resting_pool(values), at_rest(values, seed, 0.0)
    seekers = pool - hired(values, pool)
    rows = [Row(f"seekers at rest at a fixed wage, {settled}", seekers, float(fixed.labour["seekers"][0]), 1e-9 * (1 + pool),
                reason),
            Row("hires at rest at a fixed wage", hired(values, pool), float(fixed.labour["hires"][0]), 1e-9 * (1 + pool),
                reason)]  # fmt: skip
    free, rest = at_rest(values, seed, values["speed"]), values["posts"] / values["tightness"]
    inflow = rest - (1.0 - values["leaving"]) * (rest - hired(values, rest))
    wage = (inflow / values["inflow"]) ** (1.0 / values["elasticity"])
    rows.append(Row("wage at rest", wage, float(free.labour["wage"][0]), 1e-8 * wage, reason))
    found = free.labour["posts"][0] / (free.labour["seekers"][0] + free.labour["hires"][0])
    rows.append(Row("posts per seeker at rest", values["tightness"], float(found), 1e-8, reason))
    rows += by_access(values, seed)
    if values["months"]:
        rows.append(people(values, seed))
    return rows


def by_access(values: Values, seed: int) -> list[Row]:
    """Return the comparison of one month's hires by firm with posts times T^e, unless somebody fills all posts."""
    world, par = jobs(values, seed, 0.0)
    power = world.posts * np.exp(float(par.labour.access_exponent) * world.log_talent)
    labour.fill_posts(world, par, worlds.terms_of(world.grid))
    pool = values["posts"] * (1.0 - values["leaving"]) + values["inflow"]
    theory = hired(values, pool) * power / power.sum()
    if np.any(theory > world.posts):
        return []
    firms = world.startups
    error = float(np.abs(world.filled[firms["cell"]] * firms["posts"] - theory).max())
    return [Row("largest error of the hires of a firm, posts times access to talent", 0.0, error,
                1e-12 * (1 + values["posts"]), "rounding of 64-bit numbers")]  # fmt: skip


def people(values: Values, seed: int) -> Row:
    """Return the comparison of people before and after each month of a whole run with all flows between them."""
    model = ClusterModel.from_scenario(worlds.scenario(), seed)
    world, kept = model.world, model.parameters.labour
    share = {DORMANT: float(kept.failed_heads_return), ACQUIRED: float(kept.acquired_heads_return),
             LEFT: float(kept.departed_heads_return), LOST: 1.0}  # fmt: skip
    worst, tolerance = 0.0, 0.0
    before = count_people(world)
    for _ in range(values["months"]):
        model.step()
        rows, flows = world.startups.whole(), world.labour[0]
        ended = rows[~np.isin(rows["status"], (ACTIVE, LISTED, WAITING))]
        taken = sum(f["heads"] * (1.0 - share[int(f["status"])]) for f in ended)
        now = count_people(world)
        worst = max(worst, abs(now - before - (flows.inflow - flows.leavers - taken)))
        entered = number_of(rows["born"] == world.month - 1)
        tolerance = max(tolerance, STEP * (len(ended) + entered + 1) + 1e-11 * now)
        before = now
    reason = "heads of who founded or ended are rounded to 2^-20, sums to 64 bits"
    return Row(f"people made or lost in any of {values['months']} months", 0.0, worst, tolerance, reason)


def count_people(world: World) -> float:
    """Return heads in startups and listed firms, founding teams without rooms, and seekers."""
    counted = np.isin(world.startups["status"], (ACTIVE, LISTED, WAITING))
    return float(world.startups["heads"][counted].sum() + world.labour["seekers"][0])


LABOUR = Case(
    name="labour",
    title="people are neither made nor lost, and the labour market rests where it must",
    about="At a fixed wage the pool of seekers rests at the root of P = (1 - l)(P - M(P)) + I with hires "
    "M = min(X, P, mu sqrt(P X)); at a free wage posts per seeker rest at their tightness, and the wage where the "
    "inflow that this takes comes. Hires go by posts times access to talent. In a whole run heads and seekers change "
    "only by inflow, leavers, and heads of startups that end. Under test: labour.fill_posts and every process that "
    "moves people (E10, E14, E17 to E19, E21). Literature: C. Pissarides (2000), Equilibrium Unemployment Theory.",
    knobs={
        "posts": Knob(1_500.0, "posts that firms open in a month", "heads", 1.0, 1e6),
        "inflow": Knob(400.0, "people who begin to look in a month at the wage 1", "heads", 0.1, 1e6),
        "leaving": Knob(0.06, "seekers who leave in a month", "share", 0.005, 0.9),
        "matching": Knob(0.5, "matching constant", "-", 0.01, 1.0),
        "tightness": Knob(0.5, "posts per seeker at which the wage rests", "-", 0.25, 4.0),
        "elasticity": Knob(3.0, "elasticity of the inflow to the wage", "-", 0.2, 10.0),
        "speed": Knob(0.02, "change of log wage for each post per seeker beyond rest", "1/month", 0.002, 0.05),
        "talent": Knob(0.3, "log access to talent of cells lies so far from 0 at most", "log units", 0.0, 3.0),
        "months": Knob(24, "months of a whole run in which people are counted", "months", 0, 1_200),
    },
    check=check_labour,
)  # fmt: skip


# Free space


def founding(
    values: Values, seed: int, n_zones: int, reference: np.ndarray | None, outside: float
) -> tuple[World, np.ndarray]:
    """Return a town of equal zones after founders chose between it and outside, and its appeal.

    ``reference`` is the appeal of the town as it was; absent: its own. ``outside`` weighs the choice.
    """
    par = worlds.parameters({
        "births.choice_size_exponent": values["size_exponent"], "births.outside_pull": values["pull"],
        "births.independents_per_month": values["founders"], "births.founding_scale": 1.0,
        "births.consideration_factor": 1.0, "births.outside_weight": outside,
        "location.spillover_weight": 0.0, "location.diversity_weight": 0.0})  # fmt: skip
    world = worlds.settle(worlds.town(n_zones, values["cells"], values["stock_m2"]), worlds.startups(0))
    terms, draw = worlds.terms_of(world.grid), Draws(seed, 0)
    access.refresh_fields(world, par, terms)
    location.weigh_region(world, par, terms)
    world.reference_appeal = world.appeal.copy() if reference is None else reference
    births.found_startups(world, par, terms, draw)
    return world, world.appeal.copy()


def check_free_space(values: Values, seed: int) -> list[Row]:
    """Compare entry before and after equally good vacant space is added."""
    few, many, outside = values["zones"], values["zones"] + values["added"], values["outside"]
    everybody, appeal = founding(values, seed, few, None, 0.0)
    before, _ = founding(values, seed, few, appeal, outside)
    after, more = founding(values, seed, many, appeal, outside)
    rise = values["size_exponent"] * math.log(many / few)
    rows = [
        Row(
            f"rise of the region's appeal to segment {s}",
            rise,
            float(more[s] - appeal[s]),
            1e-12,
            "rounding of logarithms",
        )
        for s in range(4)
    ]
    uids, key = everybody.startups["uid"], Draws(seed, 0)("inside")
    u = np.array([uniform(key, uid, 0) for uid in uids])
    for world, gain, name in ((before, 0.0, "the space that there was"), (after, rise, "more space")):
        chance = 1.0 / (1.0 + outside * math.exp(-values["pull"] * gain))
        here = np.isin(uids, world.startups["uid"])
        rows.append(
            share_row(f"share that founds here with {name}", number_of(here), len(uids), chance, each(2))
        )
        rows.append(none_row(f"founders who choose unlike their draw with {name}", number_of(here != (u < chance)),
                             len(uids)))  # fmt: skip
    return rows


FREE_SPACE = Case(
    name="free-space",
    title="more space of the same quality brings nobody, unless size itself is an attraction",
    about="Without spillovers and with theta_S = 0 the appeal of a region of equal cells does not depend on how many "
    "there are, so that adding equally good vacant space leaves entry as it was, founder by founder; with theta_S > 0 "
    "it rises by theta_S times the log of the ratio, and entry by the logit. Under test: location.weigh_region and "
    "births.found_startups (E18). Literature: D. McFadden (1978), Modelling the choice of residential location, 75-96.",
    knobs={
        "size_exponent": Knob(0.0, "appeal of more vacant space as such, theta_S", "-", 0.0, 1.0),
        "pull": Knob(0.5, "how far appeal moves the choice between inside and outside", "-", 0.0, 10.0),
        "outside": Knob(0.35, "odds of founding outside", "-", 0.0, 100.0),
        "zones": Knob(4, "zones that there are", "-", 1, 100),
        "added": Knob(3, "zones that are added", "-", 0, 100),
        "cells": Knob(3, "cells of a zone", "-", 1, 50),
        "stock_m2": Knob(1e6, "floor space of a zone", "m2", 1e3, 1e9),
        "founders": Knob(6_000.0, "potential founders of the month", "1/month", 10.0, 10_000.0),
    },
    check=check_free_space,
)

CASES = (RENT, LABOUR, FREE_SPACE)
