"""Levers: every kind, one by one: what it does, what it costs, when it stops, and that nothing else is disturbed."""

import copy
import dataclasses
import functools
import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
import worlds

from sim import ClusterModel
from sim.ledger import IN_PROGRAMME, SUPPORTED
from sim.levers import LEVERS, Dated
from sim.parameters import Parameters
from sim.policy import Policies
from sim.processes import (
    access,
    aid,
    births,
    compute,
    funds,
    land,
    location,
    production,
    programmes,
    rent_cuts,
    uptake,
)
from sim.randomness import Draws
from sim.record import POSITION, Run
from sim.scenario import Scenario, ScenarioError
from sim.world import World

START, MONTHS = "2025-01", 36
SOUTH = ["zgc-west", "wudaokou", "shangdi"]

#: one lever of each kind, of moderate strength
EXAMPLES: dict[str, dict[str, Any]] = {
    "rent-cut": {"zones": SOUTH, "share": 0.2, "max_stage": 2},
    "new-space": {"zone": "jingxi", "phases": [{"opens": "2025-04", "area_m2": 50_000.0},
                                               {"opens": "2026-01", "area_m2": 90_000.0}]},
    "uptake-list": {"zone": "north-latitude", "offer_utils": 1.0, "awareness_per_month": 0.15},
    "compute-centre": {"capacity_gpu": 3_000.0},
    "compute-voucher": {"share": 0.2, "max_age_months": 60},
    "rd-subsidy": {"share": 0.05, "segments": ["MODEL", "EMB"], "zones": SOUTH},
    "public-orders": {"share": 0.02, "max_stage": 3},
    "vc-hub": {"zone": "jingxi", "partners": 2, "visitors": 3, "capital_rmb": 8e9, "cost_rmb_month": 1e6},
    "guided-fund": {"capital_rmb_year": 1e9},
    "cash": {"amount_rmb": 5e5},
    "talent-housing": {"zone": "yongfeng", "units": 1_000.0},
    "administration": {"appeal_utils": 0.1, "cost_rmb_month": 2e6},
    "landing": {"founders_per_month": 2.0},
    "public-space": {"zones": ["wenquan", "cuihu"], "attraction_utils": 0.2, "cost_rmb_month": 3e6},
    "incubator": {"zones": SOUTH, "places": 40},
    "accelerator": {"zones": SOUTH, "places": 20},
    "test-platform": {"zones": SOUTH, "places": 8},
    "placebo": {"funds": 4},
    "funding-climate": {"factor": 0.8},
    "outside-offer": {"rise_utils": 0.2, "over_months": 12},
    "production-offer": {"rise_log_odds": 3.0, "over_months": 1},
    "tenant-demand": {"zones": SOUTH, "area_m2_month": 2_000.0},
}  # fmt: skip
#: the same without strength, in every way to say so
NOTHING: list[tuple[str, dict[str, Any]]] = [
    ("rent-cut", {"share": 0.0}),
    ("new-space", {"phases": [{"opens": "2025-04", "area_m2": 0.0}]}),
    ("uptake-list", {"awareness_per_month": 0.0}),
    ("compute-centre", {"capacity_gpu": 0.0}),
    ("compute-voucher", {"share": 0.0}),
    ("rd-subsidy", {"share": 0.0}),
    ("public-orders", {"share": 0.0}),
    ("vc-hub", {"partners": 0, "visitors": 0, "cost_rmb_month": 0.0}),
    ("vc-hub", {"partners": 0, "capital_rmb": 0.0, "cost_rmb_month": 0.0}),
    ("guided-fund", {"capital_rmb_year": 0.0}),
    ("guided-fund", {"realisation_share": 0.0}),
    ("cash", {"amount_rmb": 0.0}),
    ("talent-housing", {"units": 0.0}),
    ("administration", {"appeal_utils": 0.0, "cost_rmb_month": 0.0}),
    ("landing", {"founders_per_month": 0.0}),
    ("public-space", {"attraction_utils": 0.0, "cost_rmb_month": 0.0}),
    ("incubator", {"places": 0}),
    ("accelerator", {"places": 0}),
    ("test-platform", {"places": 0}),
    ("placebo", {"funds": 0}),
    ("funding-climate", {"factor": 1.0}),
    ("outside-offer", {"rise_utils": 0.0}),
    ("production-offer", {"rise_log_odds": 0.0}),
    ("tenant-demand", {"area_m2_month": 0.0}),
]  # fmt: skip
#: what makes a lever stronger
STRENGTH = {
    "rent-cut": "share", "uptake-list": "awareness_per_month", "compute-centre": "capacity_gpu",
    "compute-voucher": "share", "rd-subsidy": "share", "public-orders": "share", "vc-hub": "capital_rmb",
    "guided-fund": "capital_rmb_year", "cash": "amount_rmb", "talent-housing": "units",
    "administration": "appeal_utils", "landing": "founders_per_month", "public-space": "attraction_utils",
    "incubator": "places", "accelerator": "places", "test-platform": "places", "funding-climate": "factor", "placebo": "funds",
    "outside-offer": "rise_utils", "production-offer": "rise_log_odds", "tenant-demand": "area_m2_month",
}  # fmt: skip
KINDS = tuple(LEVERS)
DATED = tuple(kind for kind in KINDS if issubclass(LEVERS[kind], Dated))
IN_FORCE, FIRST = 24, 3  # months in force in the runs of one lever, and the first of them


def lever(kind: str, id: str = "", begins: str = START, **fields) -> dict[str, Any]:
    """Return the example of a kind as a table of a scenario file, with other values."""
    dates = {"from": begins} if kind in DATED else {}
    return {"id": id or f"the-{kind}", "kind": kind} | dates | EXAMPLES[kind] | fields


def scaled(kind: str, factor: float, id: str = "", **fields) -> dict[str, Any]:
    """Return the example of a kind, so many times as strong, in force from the first month on."""
    if kind == "new-space":
        return lever(kind, id, phases=[{"opens": START, "area_m2": 40_000.0 * factor}], **fields)
    value = EXAMPLES[kind][STRENGTH[kind]] * factor
    whole = isinstance(EXAMPLES[kind][STRENGTH[kind]], int)
    return lever(kind, id, **{STRENGTH[kind]: int(value) if whole else value} | fields)


def scenario(*levers: dict[str, Any], **values) -> Scenario:
    """Return the baseline with levers, and other values."""
    return worlds.scenario().with_values({f"policies.{table['id']}": table for table in levers} | values)


def run(*levers: dict[str, Any], months: int = MONTHS, seed: int = 1, **values) -> Run:
    """Return the run of the baseline with levers."""
    return ClusterModel.from_scenario(scenario(*levers, **values), seed).run(months)


@functools.cache
def plain(months: int = MONTHS) -> Run:
    """Return the run without levers."""
    return run(months=months)


@functools.cache
def run_of(kind: str) -> Run:
    """Return a run with a kind's example, in force for two years from the fourth month on."""
    limits = {"months": IN_FORCE} if kind in DATED else {}
    if kind == "guided-fund":
        limits["lock_in_months"] = 0  # nothing is ever returned
    return run(lever(kind, begins="2025-04", **limits))


def alike(one: Run, other: Run, but: tuple[str, ...] = ()) -> bool:
    """Return whether two runs are the same bit for bit, but for their levers' columns and some of startups'."""
    arrays = all(
        one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in ("series", "region", "outside")
    )
    return arrays and all(same_rows(one.rows[step], other.rows[step], but) for step in one.rows)


def same_rows(a: np.ndarray, b: np.ndarray, but: tuple[str, ...]) -> bool:
    """Return whether two ledgers hold the same startups, in any order."""
    if len(a) != len(b):
        return False
    a, b = a[np.argsort(a["uid"])], b[np.argsort(b["uid"])]
    return all(a[n].tobytes() == b[n].tobytes() for n in a.dtype.names if n not in (*but, "holding"))


def series(run: Run, name: str) -> np.ndarray:
    """Return a series of the region by month."""
    return run.arrays["series"][..., POSITION[name]].sum(axis=(1, 2))


def cost(run: Run) -> np.ndarray:
    """Return what the only lever of a run cost by month [RMB]."""
    return run.arrays["costs"][:, 0, 0]


def served(run: Run) -> np.ndarray:
    """Return whom the only lever of a run served by month."""
    return run.arrays["costs"][:, 0, 1]


def refused(run: Run) -> np.ndarray:
    """Return whom the only lever of a run refused by month."""
    return run.arrays["costs"][:, 0, 2]


def received(run: Run, step: int = MONTHS) -> np.ndarray:
    """Return what each startup that was ever here received [RMB]."""
    steps = run.presence["step"].to_numpy()
    return run.presence["subsidy_rmb"].to_numpy()[steps == step]


def test_every_kind_has_an_example_a_zero_a_strength_a_measure_and_a_bill():
    # a new kind is to be entered here
    assert set(EXAMPLES) == set(LEVERS)
    assert {kind for kind, _ in NOTHING} == set(LEVERS)
    assert {*STRENGTH, "new-space"} == set(LEVERS)
    assert set(MEASURES) == set(LEVERS)
    assert set(BILLS) == set(LEVERS)


# Zero strength


@pytest.mark.parametrize("months", [10, pytest.param(48, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("kind", "nothing"), NOTHING, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_lever_without_strength_changes_no_bit_and_costs_nothing(kind, nothing, months):
    found = run(lever(kind, begins="2025-04", **nothing), months=months)
    assert alike(found, plain(months))
    assert not found.arrays["costs"].any()


@pytest.mark.parametrize("kind", ["incubator", "accelerator", "test-platform"])
def test_places_that_help_and_attract_nobody_change_no_bit_of_anything_else(kind):
    neutral = {"attraction_utils": 0.0}
    for name, value in {
        "failure_factor": 1.0,
        "seek_factor": 1.0,
        "productivity_factor": 1.0,
        "production_log_odds": 0.0,
    }.items():
        if name in LEVERS[kind].model_fields:
            neutral[name] = value
    found = run(lever(kind, **neutral), months=18)
    assert served(found).any()
    assert alike(found, plain(18), but=("programmes", "aided"))


# It acts


@pytest.mark.parametrize("kind", KINDS)
def test_a_lever_of_moderate_strength_changes_the_run(kind):
    found = run_of(kind)
    assert not alike(found, plain())
    # and nothing before its first month
    for name in ("series", "region", "outside"):
        assert np.array_equal(found.arrays[name][:FIRST], plain().arrays[name][:FIRST])


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_the_world_outside_does_costs_nothing(kind):
    stress_or_list = LEVERS[kind].stress or kind == "uptake-list"
    assert (cost(run_of(kind)).sum() > 0) != stress_or_list


# Cost equals receipts plus fixed costs plus places


def in_force(run: Run) -> np.ndarray:
    """Return 1 in the months in force, else 0."""
    months = np.arange(run.months)
    return ((months >= FIRST) & (months < FIRST + IN_FORCE)).astype(float)


def of_space(run: Run, it) -> np.ndarray:
    """Return the price of the floor space that appears."""
    stock = run.arrays["series"][:, :, 0, POSITION["zone_stock_m2"]].sum(axis=1)
    return it.cost_rmb_m2 * np.diff(stock, prepend=stock[0])


def of_flats(run: Run, it) -> np.ndarray:
    """Return the discount on the flats let, which are all let within a year."""
    since = np.arange(run.months) - FIRST
    return in_force(run) * it.discount_rmb_unit_month * it.units * np.minimum((since + 1) / 12, 1.0)


#: what a lever costs by month, from the other columns of its run; None: only the sum is known there
BILLS = {
    "rent-cut": lambda run, it: series(run, "subsidy_rmb"),
    "new-space": of_space,
    "compute-centre": lambda run, it: in_force(run) * it.capacity_gpu * it.cost_rmb_gpu_month
    - served(run) * it.price_rmb_gpu_month,
    "compute-voucher": None,
    "rd-subsidy": None,
    "public-orders": None,
    "cash": lambda run, it: served(run) * it.amount_rmb,
    "guided-fund": lambda run, it: it.loss_share * series(run, "guided_rmb"),
    "vc-hub": lambda run, it: in_force(run) * it.cost_rmb_month,
    "talent-housing": of_flats,
    "administration": lambda run, it: in_force(run) * it.cost_rmb_month,
    "landing": lambda run, it: in_force(run) * it.founders_per_month * it.cost_rmb_founder,
    "public-space": lambda run, it: in_force(run) * it.cost_rmb_month,
    **dict.fromkeys(("incubator", "accelerator", "test-platform"),
                    lambda run, it: served(run) * it.price_rmb_place_month),
    **dict.fromkeys(("uptake-list", "placebo", "funding-climate", "outside-offer", "production-offer", "tenant-demand"),
                    lambda run, it: np.zeros(run.months)),
}  # fmt: skip
TO_FIRMS = ("rent-cut", "compute-voucher", "rd-subsidy", "public-orders", "cash")


@pytest.mark.parametrize("kind", KINDS)
def test_a_levers_cost_is_what_was_received_plus_its_fixed_costs_and_the_places_taken(kind):
    found, (it,) = run_of(kind), scenario(lever(kind)).policies
    if BILLS[kind] is not None:
        np.testing.assert_allclose(cost(found), BILLS[kind](found, it), rtol=1e-9, atol=1.0)
    assert received(found).sum() == pytest.approx(
        cost(found).sum() if kind in TO_FIRMS else 0.0, rel=1e-12, abs=0.01
    )


def test_no_lever_pays_for_another():
    found = run(*(lever(kind) for kind in KINDS), months=24)
    by_lever = dict(zip(found.levers, found.arrays["costs"].sum(axis=0)[:, 0], strict=True))
    receipts = received(found, 24).sum()
    assert receipts == pytest.approx(sum(by_lever[f"the-{kind}"] for kind in TO_FIRMS), rel=1e-12)
    assert series(found, "subsidy_rmb").sum() == pytest.approx(by_lever["the-rent-cut"], rel=1e-12)


# Budgets and capacities

BUDGETED = tuple(kind for kind in KINDS if "budget_rmb_year" in LEVERS[kind].model_fields)
CAPPED = tuple(kind for kind in KINDS if "cap_rmb_year" in LEVERS[kind].model_fields)
PLACES = tuple(kind for kind in KINDS if "places" in LEVERS[kind].model_fields)


@pytest.mark.parametrize("kind", BUDGETED)
def test_no_calendar_year_costs_more_than_its_budget_and_who_comes_after_is_refused(kind):
    budget = 0.1 * 12 * cost(run_of(kind)).sum() / IN_FORCE  # a tenth of what it takes
    # month 0 is a July: years end after 6, 18 and 30 months
    found = run(lever(kind, begins="2025-09", budget_rmb_year=budget), months=30, start="2025-07")
    assert not cost(found)[:2].any()
    for year in (slice(0, 6), slice(6, 18), slice(18, 30)):
        spent = cost(found)[year].sum()
        assert 0.8 * budget < spent <= budget + 0.01
        assert refused(found)[year].sum() > 0
    assert received(found, 30).sum() == pytest.approx(cost(found).sum(), rel=1e-12)


@pytest.mark.parametrize("kind", BUDGETED)
def test_a_budget_of_nothing_pays_nothing_and_a_budget_beyond_need_is_no_bound(kind):
    none = run(lever(kind, budget_rmb_year=0.0), months=14)
    assert not cost(none).any()
    assert not received(none, 14).any()
    assert refused(none).any()
    free, ample = (run(lever(kind, budget_rmb_year=budget), months=14) for budget in (None, 1e12))
    assert ample.digest == free.digest
    assert not refused(ample).any()


@pytest.mark.parametrize("kind", BUDGETED)
def test_who_would_come_to_a_lever_without_money_is_not_drawn_by_it(kind):
    assert alike(run(lever(kind, budget_rmb_year=0.0), months=14), plain(14), but=("eligible",))


@pytest.mark.parametrize("kind", CAPPED)
def test_no_startup_receives_more_than_its_cap_in_a_calendar_year(kind):
    cap = 2e4
    found = run(lever(kind, cap_rmb_year=cap), months=36)
    for step, years in ((12, 1), (36, 3)):
        most = received(found, step).max()
        assert 0.99 * cap * years <= most <= cap * years + 0.01


@pytest.mark.parametrize("kind", PLACES)
def test_no_more_places_are_taken_than_there_are_and_the_others_are_refused(kind):
    found = run(lever(kind, places=7), months=24)
    assert served(found).max() == 7
    assert refused(found).min() > 0
    price = scenario(lever(kind)).policies[0].price_rmb_place_month
    np.testing.assert_allclose(cost(found), served(found) * price, rtol=1e-6)


def test_a_computing_centre_serves_no_more_than_its_capacity():
    assert served(run_of("compute-centre")).max() <= 3000.0
    # more than all startups together want is not let
    large = run(lever("compute-centre", capacity_gpu=1e6), months=3)
    assert served(large).max() < 1e6
    assert large.region["compute_public_share"].to_numpy()[1] == 1.0


#: kinds that state what they may spend, and with what values
BOUNDED = {
    **{kind: {"budget_rmb_year": 1e8} for kind in BUDGETED},
    **{kind: {} for kind in PLACES},
    "guided-fund": {},
}


@pytest.mark.parametrize("kind", BOUNDED)
def test_what_is_spent_is_no_more_than_the_budget_that_the_lever_states(kind):
    model = ClusterModel.from_scenario(scenario(lever(kind, begins="2025-03", **BOUNDED[kind])), 1)
    (bound,) = model.policies.budgets_rmb(14)
    # twelve months of two calendar years
    assert bound == pytest.approx(model.policies.levers[0].budget_rmb(12, 2))
    assert 0 < cost(model.run(14)).sum() <= bound * (1 + 1e-9)


def test_who_states_no_budget_has_none():
    others = [kind for kind in KINDS if kind not in BOUNDED]
    model = ClusterModel.from_scenario(scenario(*(lever(kind) for kind in others)), 1)
    assert model.policies.budgets_rmb(24) == [None] * len(others)


# It stops when it ends


def terms_alike(one, other) -> bool:
    """Return whether the terms of two months are the same, but for the calendar."""
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name != "year" and (a.tobytes() != b.tobytes() if isinstance(a, np.ndarray) else a != b):
            return False
    return True


@pytest.mark.parametrize("kind", DATED)
def test_terms_are_neutral_before_and_after_the_months_in_force(kind, start):
    levers = scenario(lever(kind, begins="2025-04", months=9)).policies
    policies = Policies(levers, start.grid.tables.zone_index, START)
    neutral = policies.in_force(-1)
    acting = [month for month in range(-1, 30) if not terms_alike(policies.in_force(month), neutral)]
    # seats are offered and likings drawn once
    assert acting == ([3] if kind in ("vc-hub", "placebo") else list(range(3, 12)))
    costs = [policies.fixed_cost_rmb(month)[0] for month in range(30)]
    assert not any(costs[:3] + costs[12:])


@pytest.mark.parametrize("kind", DATED)
def test_a_lever_that_has_ended_pays_serves_and_refuses_nobody(kind):
    costs = run_of(kind).arrays["costs"]
    assert not costs[:FIRST].any()
    assert not costs[FIRST + IN_FORCE :].any()


def test_nothing_of_levers_that_have_ended_is_left_in_the_state():
    model = ClusterModel.from_scenario(scenario(*(lever(kind, months=4) for kind in DATED)), 1)
    twin, world = ClusterModel.from_scenario(worlds.scenario(), 1).world, model.world
    model.run(4)
    assert world.lift.max() > 1.0
    assert (world.startups["aided"] & (SUPPORTED | IN_PROGRAMME)).any()
    assert world.compute["voucher_gpu"][0] > 0
    assert not np.array_equal(world.log_talent, twin.log_talent)
    assert not np.array_equal(world.log_capital, twin.log_capital)
    capital = world.log_capital.copy()
    model.run(2)
    assert (world.lift == 1.0).all()
    assert not world.startups["relief"].any()
    assert not world.startups["support"].any()
    assert not world.startups["programmes"].any()
    assert not (world.startups["aided"] & (SUPPORTED | IN_PROGRAMME)).any()
    assert world.compute["voucher_gpu"][0] == 0.0
    assert not world.uptake.any()
    assert np.array_equal(world.log_talent, twin.log_talent)
    # only seats stay
    assert np.array_equal(world.log_capital, capital)


def test_an_annuity_pays_each_phase_back_with_interest_and_ends_with_its_years():
    found = run(lever("new-space", annuity_years=2))
    phases = {3: 50_000.0 * 12_621.0, 12: 90_000.0 * 12_621.0}
    whole = np.zeros(MONTHS)
    for opened, price in phases.items():
        # what is paid at the end of 24 months is worth the price at 5 % a year
        part = price / sum((1 + 0.05 / 12) ** -month for month in range(1, 25))
        whole[opened : opened + 24] += part
    np.testing.assert_allclose(cost(found), whole, rtol=1e-12)
    assert alike(found, run(lever("new-space")))


# Dose and response, each on the term on which the lever acts


@dataclasses.dataclass
class Setup:
    """A world before month 0 with levers: what a measure needs."""

    world: World
    par: Parameters
    terms: Any
    draw: Draws


def measured(kind: str, start: World, par: Parameters, *tables: dict[str, Any]) -> float:
    """Return the measure of a kind in a copy of a world with levers."""
    world = start.copy()
    policies = Policies(scenario(*tables).policies, world.grid.tables.zone_index, START)
    world.prepare_for(policies)
    return float(MEASURES[kind](Setup(world, par, policies.in_force(0), Draws(1, 0))))


def relief(s: Setup) -> float:
    rent_cuts.mark_eligible(s.world, s.par, s.terms, s.draw)
    return s.world.startups["relief"].sum()


def stock(s: Setup) -> float:
    land.open_space(s.world, s.par, s.terms)
    return s.world.stock.sum()


def reservations(s: Setup) -> float:
    uptake.keep_list(s.world, s.par, s.terms, location.weigh_movers, s.draw)
    return s.world.uptake[0]


def served_by_public_compute(s: Setup) -> float:
    compute.clear_market(s.world, s.par, s.terms)
    return s.world.compute["public_share"][0]


def support(s: Setup) -> float:
    aid.grant_aid(s.world, s.par, s.terms, s.draw)
    return s.world.startups["support"].sum()


def commitments(s: Setup) -> float:
    funds.seat_funds(s.world, s.par, s.terms)
    return s.world.funds[worlds.BASE].sum()


def called(s: Setup) -> float:
    funds.call_guided(s.terms.guided, s.world.guided)
    return s.world.guided["purse"].sum()


def given_to_entrants(s: Setup) -> float:
    access.refresh_fields(s.world, s.par, s.terms)
    choice = location.weigh_region(s.world, s.par, s.terms)
    s.world.startups.replace(
        np.concatenate([s.world.startups.whole(), worlds.entrants(50, uid=np.arange(1, 51))])
    )
    before = s.world.startups["cash"][-50:].sum()
    location.place_entrants(s.world, s.par, s.terms, choice, s.draw)
    return s.world.startups["cash"][-50:].sum() - before


def talent(s: Setup) -> float:
    access.refresh_fields(s.world, s.par, s.terms)
    here = s.world.grid.zone == s.world.grid.tables.zone_index["yongfeng"]
    near = np.exp(s.world.log_talent[here] / (1.0 - s.par.access.campus_share))
    return near.sum()


def founding_here(s: Setup) -> float:
    chance = births.inside_probabilities(-s.terms.outside_offer, s.terms.founding_appeal, s.par.table)[2]
    return math.log(chance / (1.0 - chance))


def founders_from_abroad(s: Setup) -> float:
    return births.founding_rate(s.world.nodes[-1], s.terms.landing, s.par.births)


def lift(s: Setup) -> float:
    programmes.admit(s.world, s.par, s.terms, s.draw)
    return np.log(s.world.lift[1, 0]).sum()


def places(s: Setup) -> float:
    programmes.admit(s.world, s.par, s.terms, s.draw)
    taken = sum(
        np.count_nonzero(s.world.startups["programmes"] >> k & 1) for k in range(len(s.terms.programmes))
    )
    assert s.world.accounts["served"].sum() == taken
    return taken


def called_by_funds(s: Setup) -> float:
    before = s.world.funds["purse"].sum()
    funds.call_capital(s.world, s.par, s.terms)
    return s.world.funds["purse"].sum() - before


def produced_outside(s: Setup) -> float:
    return production.outside_log_odds(False, 0.0, s.terms.production_offer, s.par.production)


def tenants(s: Setup) -> float:
    land.clear_offices(s.world, s.par, s.terms)
    return s.world.tenants.sum()


#: the quantity on which each kind acts, as the process makes it; each rises with strength
MEASURES = {
    "rent-cut": relief,
    "new-space": stock,
    "uptake-list": reservations,
    "compute-centre": served_by_public_compute,
    **dict.fromkeys(("compute-voucher", "rd-subsidy", "public-orders"), support),
    "vc-hub": commitments,
    "guided-fund": called,
    "cash": given_to_entrants,
    "talent-housing": talent,
    "administration": founding_here,
    "landing": founders_from_abroad,
    "public-space": lift,
    **dict.fromkeys(("incubator", "accelerator", "test-platform"), places),
    "placebo": lambda s: s.terms.redrawn_funds,
    "funding-climate": called_by_funds,
    "outside-offer": lambda s: -founding_here(s),
    "production-offer": produced_outside,
    "tenant-demand": tenants,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_more_of_a_lever_the_more_of_what_it_acts_on(kind, par, kept_start):
    doses = [measured(kind, kept_start, par, scaled(kind, factor)) for factor in (0.25, 0.5, 1, 2, 4)]
    assert all(a < b for a, b in itertools.pairwise(doses)), doses
    if kind != "funding-climate":  # of which 1 is nothing, and less is a winter
        assert doses[0] > measured(kind, kept_start, par)


#: kinds whose effect is the sum of that of its parts; two shares of a bill that grows with them are not
ADDITIVE = tuple(kind for kind in KINDS if kind not in ("compute-voucher", "funding-climate", "uptake-list"))


@pytest.mark.parametrize("kind", ADDITIVE)
def test_two_halves_of_a_lever_are_one_whole(kind, par, kept_start):
    whole = measured(kind, kept_start, par, scaled(kind, 1.0))
    halves = measured(kind, kept_start, par, scaled(kind, 0.5, "a"), scaled(kind, 0.5, "z"))
    one = measured(kind, kept_start, par, scaled(kind, 0.5))
    assert halves == pytest.approx(whole, rel=1e-6)
    assert halves != pytest.approx(one, rel=1e-6)


def test_two_winters_multiply(par, kept_start):
    one = measured("funding-climate", kept_start, par, scaled("funding-climate", 0.8))
    two = [lever("funding-climate", id, factor=0.8) for id in ("a", "b")]
    assert measured("funding-climate", kept_start, par, *two) == pytest.approx(one, rel=1e-12)


def test_partners_of_two_hubs_in_one_zone_are_those_of_one_hub(par, kept_start):
    seats = []
    for tables in ([("a", 3)], [("a", 1), ("b", 2)]):
        world = kept_start.copy()
        hubs = scenario(
            *(lever("vc-hub", id, partners=n, visitors=0, capital_rmb=0.0) for id, n in tables)
        ).policies
        funds.seat_funds(world, par, worlds.terms_of(world.grid, hubs))
        seats.append(world.funds["seat"].tolist())
    assert seats[0] == seats[1]
    assert seats[0][:4] == [kept_start.grid.tables.zone_index["jingxi"]] * 3 + [kept_start.funds["seat"][3]]


# Levers combine


def everything() -> list[dict[str, Any]]:
    """Return one lever of each kind, and a second of some, with other values."""
    more = [
        scaled(kind, 0.5, f"a-second-{kind}")
        for kind in ("rent-cut", "incubator", "guided-fund", "cash", "rd-subsidy")
    ]
    return [*(lever(kind) for kind in KINDS), *more]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_levers_in_a_file_changes_nothing(seed):
    levers = everything()
    mixed = [levers[i] for i in np.random.default_rng(seed).permutation(len(levers))]
    one, other = (ClusterModel.from_scenario(scenario(*tables), 1).run(18) for tables in (levers, mixed))
    assert one.digest == other.digest
    assert one.levers == other.levers
    assert one.arrays["costs"].any(axis=(0, 2)).sum() >= 20


def test_a_list_beside_other_levers_disturbs_none_of_them():
    others = [table for table in everything() if table["kind"] != "uptake-list"]
    found, without = (run(*tables, months=18) for tables in ([*others, lever("uptake-list", "m")], others))
    listed = [name.endswith(("reservations", "applications")) for name in found.region.column_names[1:-4]]
    assert found.region["reservations"].to_numpy().any()
    assert found.arrays["series"].tobytes() == without.arrays["series"].tobytes()
    assert np.array_equal(
        found.arrays["region"][:, ~np.array(listed)], without.arrays["region"][:, ~np.array(listed)]
    )
    assert np.array_equal(
        np.delete(found.arrays["costs"], found.levers.index("m"), axis=1), without.arrays["costs"]
    )


@pytest.mark.parametrize(
    "other", ["accelerator", "test-platform", "incubator", "rent-cut", "cash", "guided-fund"]
)
def test_who_has_a_place_does_not_depend_on_what_other_levers_there_are(other, par, kept_start):
    own = lever("incubator", "m", places=9, max_stage=5, max_age_months=600)
    admitted = []
    for tables in ([own], [lever(other, "a"), own], [own, lever(other, "z")]):
        world = kept_start.copy()
        levers = scenario(*tables).policies
        terms = worlds.terms_of(world.grid, levers)
        world.prepare_for(Policies(levers, world.grid.tables.zone_index, START))
        programmes.admit(world, par, terms, Draws(1, 0))
        row = [p["lever"] for p in terms.programmes].index(sorted(t["id"] for t in tables).index("m"))
        admitted.append(set(world.startups["uid"][world.startups["programmes"] >> row & 1 == 1].tolist()))
    assert len(admitted[0]) == 9
    assert admitted[0] == admitted[1] == admitted[2]


def test_two_programmes_of_one_kind_draw_their_own_lots(par, kept_start):
    world = kept_start.copy()
    levers = scenario(*(lever("incubator", id, places=30) for id in ("a", "b"))).policies
    world.prepare_for(Policies(levers, world.grid.tables.zone_index, START))
    programmes.admit(world, par, worlds.terms_of(world.grid, levers), Draws(1, 0))
    one, other = (world.startups["programmes"] >> k & 1 == 1 for k in (0, 1))
    assert one.sum() == other.sum() == 30
    assert (one & other).sum() < 25


def test_the_founders_who_come_to_look_are_the_same_whatever_levers_there_are():
    looked = []
    for levers in ([], [lever("landing", founders_per_month=20.0)], everything()):
        model = ClusterModel.from_scenario(scenario(*levers), 1)
        model.run(24)
        talents = model.world.talents.rows
        looked.append([talents[name].tolist() for name in ("uid", "month", "segment", "origin")])
    assert len(looked[0][0]) >= 3
    assert looked[0] == looked[1] == looked[2]


# What is said about levers that cannot act

HEAD = 'extends = "baseline"\nname = "Bad"\n\n[[policies]]\nid = "mine"\n'


def complaints(text: str, tmp_path) -> list[str]:
    """Return what is said about a lever in a file, without the folder's name."""
    path = tmp_path / "file.toml"
    path.write_text(HEAD + text.strip() + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


BAD = [
    ("cash", "amount_rmb = 5.0\nsegments = []", 8, "segments", "must not be empty"),
    ("cash", "amount_rmb = 5.0\nzones = []", 8, "zones", "must not be empty"),
    ("rent-cut", "share = 0.5\nzones = []", 8, "zones", "must not be empty"),
    ("incubator", "places = 5\nzones = []", 8, "zones", "must not be empty"),
    ("public-space", "attraction_utils = 0.1\nzones = []", 8, "zones", "must not be empty"),
    ("tenant-demand", "area_m2_month = 5.0\nzones = []", 8, "zones", "must not be empty"),
    ("incubator", "places = 5", 4, "zones", "required key is missing: Zones with places"),
    ("rent-cut", 'share = 0.5\nzones = ["jingxi"]\nmax_age_months = 0', 9, "max_age_months",
     "must lie between 1 and 10,000, not 0 (months)"),
    ("rent-cut", 'share = 0.5\nzones = ["jingxi"]\nmax_area_m2 = 0.0', 9, "max_area_m2",
     "must be more than 0, not 0.0 (m2)"),
    ("accelerator", 'places = 5\nzones = ["jingxi"]\nmax_age_months = 0', 9, "max_age_months",
     "must lie between 1 and 10,000, not 0 (months)"),
    ("cash", 'amount_rmb = 5.0\nsegments = ["MODEL", "ROBOT"]', 8, "segments[1]",
     'must be "OPC" or "APP" or "MODEL" or "EMB", not "ROBOT"'),
    ("guided-fund", 'capital_rmb_year = 5.0\nsegments = ["Model"]', 8, "segments[0]",
     'must be "OPC" or "APP" or "MODEL" or "EMB", not "Model"'),
    ("guided-fund", 'capital_rmb_year = 5.0\nsegments = "MODEL"', 8, "segments", "must be an array, not text"),
    ("vc-hub", 'partners = 6\nzone = "jingx"', 8, "zone", 'no zone "jingx" in this world; did you mean "jingxi"?'),
    ("incubator", 'places = 5\nzones = ["jingxi", "mars"]', 8, "zones[1]", 'no zone "mars" in this world'),
    *((kind, f"{'share = 0.5' if kind != 'cash' else 'amount_rmb = 5.0'}\n"
       f"{'zones = ["jingxi"]' if kind == 'rent-cut' else 'max_stage = 1'}\nbudget_rmb_year = -1.0", 9,
       "budget_rmb_year", "must lie between 0 and 1,000,000,000,000, not -1.0 (RMB/year)") for kind in BUDGETED),
    ("rd-subsidy", "share = 0.5\ncap_rmb_year = -3", 8, "cap_rmb_year",
     "must lie between 0 and 1,000,000,000,000, not -3 (RMB/year)"),
    ("compute-voucher", "share = 1.0", 7, "share", "must lie between 0 and 0.95, not 1.0 (share)"),
    ("accelerator", 'places = -5\nzones = ["jingxi"]', 7, "places", "must lie between 0 and 10,000,000, not -5 (places)"),
    ("guided-fund", "capital_rmb_year = 5.0\nmatch_share = 0.1", 8, "match_share",
     "must lie between 0.25 and 10, not 0.1 (RMB/RMB)"),
    ("talent-housing", 'units = -1.0\nzone = "jingxi"', 7, "units", "must lie between 0 and 10,000,000, not -1.0 (units)"),
    ("landing", "founders_per_month = 2.0\nmonths = 0", 8, "months", "must lie between 1 and 1,200, not 0 (months)"),
    ("landing", 'founders_per_month = 2.0\nzones = ["jingxi"]', 8, "zones",
     "unknown key (keys: id, from, months, kind, founders_per_month, cost_rmb_founder)"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "line", "key", "rule"), BAD, ids=lambda value: "")
def test_a_lever_that_could_act_on_nobody_is_refused_by_file_line_key_and_rule(
    kind, text, line, key, rule, tmp_path
):
    said = complaints(f'kind = "{kind}"\n{text}\nfrom = "2025-02"', tmp_path)
    assert len(said) == 1
    place, _, rest = said[0].partition(": ")
    assert place.split(":")[:2] == ["file.toml", str(line)]
    assert rest.startswith(f"policies[0].{key}: {rule}")


@pytest.mark.parametrize("kind", DATED)
@pytest.mark.parametrize("date", ["2024-12", "2035-01"])
def test_a_lever_that_begins_outside_the_scenario_is_refused(kind, date):
    with pytest.raises(ScenarioError) as caught:
        scenario(lever(kind, begins=date))
    assert str(caught.value) == (
        f"baseline: policies.the-{kind}.from: must lie in the scenario's own months, 2025-01 to 2034-12, not {date}"
    )


def test_space_that_opens_before_the_scenario_is_refused(tmp_path):
    said = complaints(
        'kind = "new-space"\nzone = "jingxi"\nphases = [{opens = "2025-02", area_m2 = 1.0}, {opens = "2024-12", area_m2 = 5.0}]',
        tmp_path,
    )
    assert [text.split(": ", 1)[1] for text in said] == [
        "policies[0].phases[1].opens: must lie in the scenario's own months, 2025-01 to 2034-12, not 2024-12"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_lever_survives_the_way_through_a_file_and_back(kind):
    before = scenario(lever(kind))
    again = Scenario.model_validate({**before.model_dump(mode="json", by_alias=True), "id": "again"})
    assert again.policies == before.policies
    assert again.fingerprint == before.fingerprint


@pytest.mark.parametrize("again", ["saved", "copied", "pickled"])
def test_a_model_goes_on_alike_with_every_lever_that_begins_later(again, tmp_path):
    """Half of the levers end again; so do what a model was saved in, copied to or pickled into."""
    levers = [
        lever(kind, begins="2025-04", **({"months": 9} if i % 2 and kind in DATED else {}))
        for i, kind in enumerate(KINDS)
    ]
    whole, model = (ClusterModel.from_scenario(scenario(*levers), seed=3) for _ in range(2))
    model.run(2)
    if again == "saved":
        model.save(tmp_path / "model.npz")
        model = ClusterModel.load(tmp_path / "model.npz")
    else:
        model = copy.deepcopy(model) if again == "copied" else pickle.loads(pickle.dumps(model))
    whole.run(2)
    assert alike(model.run(14), whole.run(14))
