"""The twin, written from the ODD alone, gives the engine's history: the same events, floats to one part in 10^9."""

import ast
import collections
import functools
import math
import pathlib
import types

import numpy as np
import pytest
import textbook.model
from textbook import markets, rounds, uptake
from textbook.first_month import FirstMonth
from textbook.fund import Fund
from textbook.history import History, RestingLabour, start_of_the_first_month
from textbook.model import TextbookModel
from textbook.policy import KINDS, Policy
from textbook.region import Region
from textbook.startup import Startup
from textbook_bridge import compare, differences, differences_at_start, start_of

from sim import ClusterModel, Scenario
from sim.levers import LEVERS as CLASSES

FOLDER = pathlib.Path(textbook.__file__).parent
#: what the twin may use of the package: parameters and levers as plain values, tables and cells of the world, draws
SHARED = {"sim.scenario": {"Scenario"}, "sim.space": {"Grid"}, "sim.places": None, "sim.randomness": None}
#: what else: nothing of the tests, and no way to import by name
OUTSIDE = {"mesa", "numpy", "math", "hashlib", "dataclasses", "typing"}
SEED = 1
#: the shipped world with about a quarter of its startups, founders, capital and graduates
SMALL = {
    "initial.startups": 300,
    "births.founding_scale": 0.2,
    "finance.capital_bn_rmb": 40.0,
    "labour.graduate_share": 0.08,
}
#: the world outside moves as well: other tenants grow and other cities offer more
MOVING = {"outlook.tenant_growth_per_month": 0.002, "outlook.outside_offer_per_year": 0.05}
RENT_CUT = {
    "id": "rent", "kind": "rent-cut", "from": "2025-03", "zones": ["wudaokou", "zhichunlu", "yongfeng"], "share": 0.5,
    "max_age_months": 60, "max_stage": 1, "max_area_m2": 300.0, "budget_rmb_year": 4e6,
}  # fmt: skip
GUIDED_FUND = {
    "id": "guided", "kind": "guided-fund", "from": "2025-02", "capital_rmb_year": 1.5e9,
    "segments": ["APP", "MODEL", "EMB"],
}  # fmt: skip
VOUCHER = {
    "id": "voucher", "kind": "compute-voucher", "from": "2025-02", "share": 0.4, "cap_rmb_year": 2e5,
    "budget_rmb_year": 2e7,
}  # fmt: skip
HUB = {
    "id": "hub", "kind": "vc-hub", "from": "2025-03", "zone": "yongfeng", "partners": 4, "visitors": 3, "capital_rmb": 6e9,
}  # fmt: skip
UPTAKE_LIST = {
    "id": "list", "kind": "uptake-list", "from": "2025-02", "zone": "yongfeng", "awareness_per_month": 0.4,
}  # fmt: skip
LEVERS = [RENT_CUT, GUIDED_FUND, VOUCHER, HUB, UPTAKE_LIST]
#: levers of all other kinds
MORE = [
    {"id": "grants", "kind": "rd-subsidy", "from": "2025-04", "share": 0.1, "budget_rmb_year": 2e7,
     "cap_rmb_year": 1e6},
    {"id": "orders", "kind": "public-orders", "from": "2025-04", "share": 0.1, "zones": ["wudaokou", "yongfeng"]},
    {"id": "cash", "kind": "cash", "from": "2025-04", "amount_rmb": 3e5, "budget_rmb_year": 1e7},
    {"id": "second", "kind": "rent-cut", "from": "2025-01", "zones": ["wudaokou"], "share": 0.6, "months": 20,
     "budget_rmb_year": 2e6},
    {"id": "held", "kind": "compute-voucher", "from": "2025-04", "share": 0.8, "co_invested": True},
    {"id": "late", "kind": "guided-fund", "from": "2025-05", "capital_rmb_year": 5e8, "segments": ["APP", "MODEL"],
     "match_share": 0.25, "max_stage": 5, "crowd_out_share": 1.0},
    {"id": "cities", "kind": "outside-offer", "from": "2025-04", "rise_utils": 0.5, "over_months": 12,
     "segments": ["MODEL", "EMB"]},
    {"id": "winter", "kind": "funding-climate", "from": "2025-06", "factor": 0.6, "months": 12},
    {"id": "firms", "kind": "tenant-demand", "from": "2025-04", "zones": ["wudaokou"], "area_m2_month": 10_000.0,
     "over_months": 12, "months": 18},
    {"id": "makers", "kind": "production-offer", "from": "2025-02", "rise_log_odds": -3.0, "over_months": 4},
    {"id": "abroad", "kind": "landing", "from": "2025-02", "founders_per_month": 4.0},
    {"id": "papers", "kind": "administration", "from": "2025-02", "appeal_utils": 0.5},
    {"id": "squares", "kind": "public-space", "from": "2025-02", "zones": ["yongfeng"], "attraction_utils": 1.0},
    {"id": "towers", "kind": "new-space", "zone": "yongfeng", "phases": [{"opens": "2025-02", "area_m2": 4e5},
                                                                          {"opens": "2026-03", "area_m2": 2e5}]},
    {"id": "centre", "kind": "compute-centre", "from": "2025-03", "capacity_gpu": 2_000.0, "price_rmb_gpu_month": 3_000.0,
     "months": 24},
    {"id": "flats", "kind": "talent-housing", "from": "2025-02", "zone": "yongfeng", "units": 3_000.0, "months": 30},
    {"id": "nothing", "kind": "placebo", "from": "2025-03", "funds": 3},
    {"id": "desks", "kind": "incubator", "from": "2025-02", "zones": ["wudaokou", "yongfeng"], "places": 9, "months": 30},
    {"id": "alone", "kind": "accelerator", "from": "2025-03", "zones": ["zgc-west", "wudaokou"], "places": 400},
    {"id": "bench", "kind": "test-platform", "from": "2025-02", "zones": ["shangdi", "zgc-west", "yongfeng"], "places": 4},
    {"id": "later", "kind": "vc-hub", "from": "2025-05", "zone": "shangdi", "partners": 40, "visitors": 2,
     "capital_rmb": 1e9, "counted_share": 0.3, "months": 6},
]  # fmt: skip


@functools.cache
def scenario(every=False):
    """Return the small world with five levers, or with levers of every kind."""
    levers = LEVERS + (MORE if every else [])
    return Scenario.load("baseline").with_values(SMALL | MOVING | {"policies": levers})


def both(setup, seed=SEED):
    """Return engine and twin at the same first month."""
    model = ClusterModel.from_scenario(setup, seed=seed)
    return model, TextbookModel(setup, start_of(model), seed)


def own_start(setup, model, seed=SEED):
    """Return the twin at the first month to which its own history leads, after this is held against the engine's."""
    start = start_of_the_first_month(setup, seed)
    assert first(differences_at_start(start_of(model), start)) is None
    return TextbookModel(setup, start, seed)


def shipped():
    """Return the kinds of levers of the package, without plug-ins that another test has loaded."""
    return {kind for kind, lever in CLASSES.items() if lever.__module__.startswith("sim.levers.")}


def first(found):
    """Return the first difference in words, for a failed assertion to show."""
    return str(found[0]) if found else None


def imported(path):
    """Return what a file imports from outside its folder: pairs of module and name."""
    pairs = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            pairs |= {(node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            pairs |= {(alias.name, "") for alias in node.names}
    return pairs


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_the_twin_imports_scenario_cells_tables_and_draws_alone(path):
    for module, name in imported(path):
        if module.split(".")[0] in OUTSIDE:
            continue
        assert module in SHARED, f"{path.name} imports {module}"
        assert SHARED[module] is None or name in SHARED[module], f"{path.name} imports {module}.{name}"


def test_six_months_of_every_kind_of_lever_are_those_of_the_engine():
    model, twin = both(scenario(every=True))
    served = set()
    for _ in range(6):
        assert first(compare(model, twin, 1)) is None
        served |= {policy.kind for policy in twin.policies if policy.served}
    # the others are no service to anybody, but change what all see: the comparison finds them in its fields
    assert served >= {"rent-cut", "compute-voucher", "rd-subsidy", "public-orders", "guided-fund", "cash", "compute-centre",
                      "incubator", "accelerator", "test-platform"}  # fmt: skip
    assert {policy.kind for policy in twin.policies} == set(KINDS) == shipped()
    assert model.world.stock.sum() == pytest.approx(twin.region.first_stock.sum() + 4e5)
    assert twin.deals
    assert sum(fund.visiting for fund in twin.funds) == 5
    assert any(startup.applied >= 0 for startup in twin.active())


def test_where_public_compute_is_free_the_twin_is_the_engine():
    free = {"compute.public_share": 1.0, "compute.public_price": 0.0, "initial.history_months": 12}
    model, twin = both(scenario().with_values(free))
    assert first(compare(model, twin, 2)) is None
    assert twin.compute.demand > 0.0


def test_where_rooms_cost_nothing_at_all_the_twin_is_the_engine():
    zones = ["wudaokou", "yongfeng", "north-latitude"]
    cut = {"kind": "rent-cut", "id": "a", "from": "2025-01", "zones": zones, "share": 1.0}
    free = {"policies": [cut], "location.occupancy_cost_rmb_m2_month": 0.0, "initial.history_months": 12}
    model, twin = both(scenario().with_values(free))
    assert first(compare(model, twin, 2)) is None
    assert any(startup.relief == 1.0 for startup in twin.active())


def test_where_cuts_of_more_than_the_rent_run_short_one_after_the_other_the_twin_is_the_engine():
    cut = {"kind": "rent-cut", "from": "2025-01", "zones": ["wudaokou", "yongfeng"], "share": 0.8}
    levers = [
        cut | {"id": name, "budget_rmb_year": budget} for name, budget in (("a", 3e6), ("b", 1e6), ("c", 2e5))
    ]
    model, twin = both(scenario().with_values({"policies": levers}))
    held = set()
    for _ in range(3):
        assert first(compare(model, twin, 1)) is None
        spent = [policy.spent for policy in twin.policies]
        np.testing.assert_allclose(model.world.accounts["spent"], spent, rtol=0, atol=1e-4)
        assert model.world.accounts["refused"].tolist() == [policy.refused for policy in twin.policies]
        held |= {len(startup.cuts) for startup in twin.active()}
    assert held == {0, 1, 2, 3}
    assert all(policy.refused for policy in twin.policies)


def test_the_twin_refuses_a_lever_that_it_does_not_know():
    with pytest.raises(NotImplementedError, match="no lever of kind 'lottery'"):
        Policy(types.SimpleNamespace(kind="lottery"), "2025-01", {})


def test_a_month_in_the_middle_of_a_run_is_the_same_from_the_engines_state():
    setup = Scenario.load("baseline").with_values(SMALL | MOVING)
    model = ClusterModel.from_scenario(setup, seed=SEED)
    for _ in range(7):
        model.step()
    assert first(compare(model, TextbookModel(setup, start_of(model), SEED), 1)) is None


def test_thirty_six_months_of_the_twin_are_those_of_the_engine():
    model, twin = both(scenario())
    paid = collections.Counter()
    for _ in range(36):
        assert first(compare(model, twin, 1)) is None
        paid.update(policy.id for policy in twin.policies if policy.served)
        paid.update(f"{policy.id} refused" for policy in twin.policies if policy.refused)
    happened = collections.Counter(kind for _, kind, *_ in twin.events)
    # nothing is compared that did not happen
    assert all(happened[kind] for kind in ("births", "entries", "moves", "failures", "acquisitions", "departures",
                                           "closed", "production here", "production outside"))  # fmt: skip
    assert {"rent", "rent refused", "guided", "voucher", "voucher refused"} <= set(paid)
    visitors = {int(fund.uid) for fund in twin.funds if fund.visiting}
    assert visitors & {deal["lead"] for deal in twin.deals}
    assert 0 < sum(s.applied > 0 for s in twin.active()) < sum(s.reserved > 0 for s in twin.active())
    assert twin.labour.wage != 1.0
    assert min(fund.purse for fund in twin.funds) >= 0.0


#: histories: as long as rounds, failures, new leases and residuals need; so short that zones borrow startups and teams
#: take more people than there are; the same where copies find no room any more; none; and the null world
HISTORIES = {
    "thirty months": {"initial.history_months": 30, "initial.residual_months": 20},
    "two months": {"initial.history_months": 2, "initial.residual_months": 1},
    "crowded": {"initial.history_months": 2, "initial.startups": 3_000, "location.area_m2_per_head": 600.0},
    "no month": {"initial.history_months": 0, "initial.startups": 0},
    "by floor space": {"initial.history_months": 12, "initial.start_from": "uniform"},
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name == "crowded" else ()) for name in HISTORIES]
)
def test_the_twins_own_history_leads_to_the_engines_first_month(name):
    setup = scenario().with_values(HISTORIES[name])
    model = ClusterModel.from_scenario(setup, seed=SEED)
    twin = own_start(setup, model)
    tenants = twin.active()
    densest = setup.operations.densest_m2_per_head
    # who hires stays below the densest space: only a copy that finds less than its row had is above it
    assert any(densest * startup.heads > startup.area for startup in tenants) == (name == "crowded")
    if name == "two months":
        assert twin.labour.seekers < 0.0
    assert twin.region.residual.any() == (name not in ("no month", "by floor space"))
    if name != "crowded":  # three thousand objects are slow
        assert first(compare(model, twin, 3)) is None


CENTRES = [{"id": id, "kind": "compute-centre", "from": "2025-01", "capacity_gpu": gpu}
           for id, gpu in (("large", 60.0), ("small", 20.0))]  # fmt: skip
#: parameters at the ends of what they may be, and levers beside one another
ENDS = {
    "a history that sets free more people than it takes": {"exits.failure_per_month": 1.0},
    "funds without money": {"finance.capital_bn_rmb": 0.0},
    "heads without room of their own": {"operations.densest_m2_per_head": 0.0},
    "two computing centres that cannot serve all": {"policies": CENTRES},
    "a rent cut without money that nobody asks for": {
        "policies": [
            {
                "id": "none",
                "kind": "rent-cut",
                "from": "2025-01",
                "zones": ["wudaokou"],
                "share": 0.8,
                "max_age_months": 1,
                "budget_rmb_year": 0.0,
            }
        ]
    },
    "two placebos": {
        "policies": [{"id": id, "kind": "placebo", "from": "2025-01", "funds": 2} for id in ("one", "two")]
    },
}


@pytest.mark.parametrize("name", ENDS)
def test_at_the_ends_of_what_may_be_set_the_twin_gives_the_engines_history(name):
    few = {"initial.startups": 120, "initial.history_months": 36, "initial.residual_months": 12}
    model, twin = both(scenario().with_values(few | ENDS[name]))
    assert first(compare(model, twin, 8)) is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_every_kind_of_lever_gives_the_engines_history_from_the_first_founder_on(seed):
    setup = scenario(every=True)
    model = ClusterModel.from_scenario(setup, seed=seed)
    twin = own_start(setup, model, seed)
    assert {startup.status for startup in (*twin.startups, *twin.former)} >= {"active", "listed", "dormant"}
    assert first(compare(model, twin, 36)) is None


def test_a_difference_at_the_start_names_startup_and_field():
    setup = scenario().with_values(HISTORIES["thirty months"])
    engine = start_of(ClusterModel.from_scenario(setup, seed=SEED))
    other = start_of(ClusterModel.from_scenario(setup, seed=SEED))
    other["startups"][7]["cash"] *= 1.0 + 1e-8
    other["startups"][9]["lease_end"] += 1
    found = {(d.month, d.what, d.field) for d in differences_at_start(engine, other)}
    uids = [int(startup["uid"]) for startup in engine["startups"]]
    assert found == {(0, f"startup {uids[7]}", "cash"), (0, f"startup {uids[9]}", "lease_end")}


@pytest.mark.slow
def test_a_region_that_fills_up_to_the_last_room_has_the_same_history():
    crowded = {"outlook.tenant_growth_per_month": 0.08, "policies": [RENT_CUT]}
    model, twin = both(scenario().with_values(crowded))
    full = False
    for _ in range(40):
        assert first(compare(model, twin, 1)) is None
        full |= bool(min(twin.appeal) == -math.inf or twin.region.vacant.sum() == 0.0)
    assert full
    assert any(kind == "lost" for _, kind, *_ in twin.events)
    assert any(startup.waited for startup in twin.active())  # found no room, and renewed for a short time


@pytest.mark.slow
def test_public_orders_follow_prices_as_revenue_does():
    orders = [lever for lever in MORE if lever["kind"] == "public-orders"]
    model, twin = both(scenario().with_values({"operations.wage_passed_on": 0.8, "policies": orders}))
    assert first(compare(model, twin, 8)) is None
    assert twin.policies[0].served


def test_a_difference_names_startup_month_and_field():
    model, twin = both(scenario())
    startup = next(s for s in twin.active() if s.cash > 100.0)
    startup.cash *= 1.0 + 1e-6
    found = compare(model, twin, 1)
    assert {(d.month, d.what, d.field) for d in found} == {(0, f"startup {startup.uid}", "cash")}


def test_a_change_below_the_tolerance_is_no_difference():
    model, twin = both(scenario())
    model.step()
    twin.step()
    for row in twin.startups:
        row.heads = row.heads * (1.0 + 1e-12)  # below the tolerance
    assert first(differences(model, twin, 0)) is None


# ---- mutations: each must be caught, and first at a field that the mutated equation writes


def times(key, factor):
    """Multiply a parameter of the twin."""

    def change(setup, _monkeypatch):
        section, name = key.split(".")
        old = getattr(getattr(setup, section), name)
        new = [factor * x for x in old] if isinstance(old, tuple) else factor * old
        return setup.with_values({key: new})

    return change


def patched(owner, name, make):
    """Replace a function of the twin by one made from it."""

    def change(setup, monkeypatch):
        monkeypatch.setattr(owner, name, make(getattr(owner, name)))
        return setup

    return change


def constant_target(_old):
    """Return a target that does not heed capability."""
    return lambda self: self.par.operations.target_heads[self.segment][self.stage]


def with_own_heads(old):
    """Return spillovers of which a firm's own heads are a part."""
    return lambda self, segment, cell, heads: old(self, segment, cell, 0.0)


def more_people(old):
    """Return an inflow 1 % larger."""
    return lambda self: 1.01 * old(self)


def without_guided_money(_old):
    """Return a round to which guided money brings nothing."""
    return property(lambda self: 0.0)


def doubled_appeal(old):
    """Return chances to found here that answer appeal twice as much."""

    def chances(model, appeal):
        twice = [2.0 * now - then for now, then in zip(appeal, model.reference_appeal, strict=True)]
        return old(model, twice)

    return chances


def no_more_compute(old):
    """Return aid whose vouchers buy no additional compute."""
    return lambda *args: (*old(*args)[:2], 0.0)


def every_second_month(old):
    """Return calls of capital in odd months alone."""
    return lambda self: old(self) if self.model.month % 2 else None


def once_only(old):
    """Return access to capital that is computed before the first month alone."""
    return lambda self: None if self.log_capital.any() else old(self)


def nobody_makes_way(_old):
    """Return funds that give up nothing for visiting funds."""
    return lambda self, share: None


def never_the_second_best(old):
    """Return worths of zones of which the best of the others counts twice."""
    return lambda *args: [*old(*args), max(old(*args))]


#: what is changed in the twin: months within which it must be caught, and fields at which it may show first
MUTATIONS = {
    "E1, the range of spillovers is 1 % longer": (
        times("access.spillover_range_km", 1.01), 1, {"spillover"}),
    "E1, a firm is its own neighbour": (patched(Region, "received", with_own_heads), 1, {"spillover"}),
    "E3, a hub leaves access to capital as it was": (patched(Region, "capital_access", once_only), 3, {"appeal", "cash"}),
    "E5, rents repel 1 % more": (times("location.rent_sensitivity", 1.01), 1, {"appeal"}),
    "E9, rents answer 1 % faster": (times("land.rent_speed_per_month", 1.01), 2, {"rent"}),
    "E10, 1 % more people come": (patched(markets.Labour, "inflow", more_people), 1, {"wage"}),
    "E11, demand for compute is 1 % more elastic": (times("compute.price_elasticity", 1.01), 1, {"demand"}),
    "E13, overhead is 0.1 % larger": (times("operations.overhead_share", 1.001), 1, {"posts", "cash"}),
    "E14, targets do not heed capability": (patched(Startup, "target", constant_target), 1, {"posts"}),
    "E15, startups look for money 20 % more often": (times("finance.seek_factor", 1.2), 3, {"search_end", "cash"}),
    "E16, distance does not count": (
        times("finance.distance_weight", 0.0), 6, {"cash", "search_end", "amount", "number", "lead"}),
    "E16, guided money pays nothing": (
        patched(rounds.Round, "guided_money", without_guided_money), 3, {"cash"}),
    "E16, funds call every second month": (patched(Fund, "call", every_second_month), 1, {"uncalled"}),
    "E16, nobody makes way for visiting funds": (patched(Fund, "make_way", nobody_makes_way), 3, {"size"}),
    "E17, young startups fail like others": (
        times("exits.failure_first_year_factor", 1.0 / 0.6), 24, {"status"}),
    "E18, the appeal of the region counts twice": (
        patched(textbook.model, "inside_probabilities", doubled_appeal), 24, {"founded outside"}),
    "E19, spin-offs do not grow with size": (
        times("births.spinoff_size_exponent", 0.0), 12, {"founded outside", "is there"}),
    "E20, staying is worth 0.3 more": (times("location.stay_bonus", 1.3), 24, {"cash", "cell"}),
    "E21, departure answers rents twice as much": (
        times("exits.departure_rent_exponent", 2.0), 36, {"status", "wage"}),
    "E23, who likes another zone better does not reserve": (
        patched(uptake, "worth_of_zones", never_the_second_best), 3, {"reserved"}),
    "E25, a voucher buys no more compute": (patched(markets, "due", no_more_compute), 2, {"voucher_gpu"}),
}  # fmt: skip
QUICK = [name for name, (_, months, _) in MUTATIONS.items() if months <= 3]
LONG = [name for name in MUTATIONS if name not in QUICK]


def caught(name, monkeypatch):
    """Return the first difference between the engine and the twin with a mutation."""
    change, months, fields = MUTATIONS[name]
    model = ClusterModel.from_scenario(scenario(), seed=SEED)
    twin = TextbookModel(change(scenario(), monkeypatch), start_of(model), SEED)
    found = compare(model, twin, months)
    assert found, "not caught"
    assert found[0].field in fields, str(found[0])
    print(f"MUT | {name} | {found[0].month} | {found[0].field} | {len(found)} |")
    return found[0]


@pytest.mark.parametrize("name", QUICK)
def test_a_mutation_of_the_twin_is_caught_at_once(name, monkeypatch):
    assert caught(name, monkeypatch).month < MUTATIONS[name][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_a_mutation_of_a_rare_event_is_caught_in_time(name, monkeypatch):
    assert caught(name, monkeypatch).month < MUTATIONS[name][1]


# ---- mutations of the history: each must be caught at the first month


def without_memory(old):
    """Return a labour market that forgets the inflow of earlier months."""

    def fill_posts(self):
        self.usual_inflow = 0.0
        old(self)
        self.usual_inflow *= 12.0

    return fill_posts


def at_the_beginning_of_a_period(old):
    """Return funds that begin the history with all of their commitments still to call."""

    def begin_history(self):
        old(self)
        self.uncalled = self.commitment

    return begin_history


def whole_residuals(_old):
    """Return a first month that believes all of a residual."""
    return lambda self: None


def without_stages(_old):
    """Return the first startups of a zone, whatever their stage."""
    return lambda self, rows, number, z: [(rows[j % len(rows)], j // len(rows)) for j in range(number)]


def by_todays_odds(_old):
    """Return founders of the history who compare the region with what it was in the first month of the history."""
    return TextbookModel.found_startups


def of_the_month_itself(_old):
    """Return commitments that are scaled at the beginning of their period."""
    return property(lambda self: math.exp(self.setup.initial.history_growth_per_month * self.month))


#: what is changed in the twin's history, and the fields at which it may show first
PAST = {
    "history, residuals adapt 1 % faster": (times("initial.residual_speed", 1.01), {"residual"}),
    "history, residuals are not shrunk": (patched(FirstMonth, "shrink_residuals", whole_residuals), {"residual"}),
    "history, founding grows half as fast": (times("initial.history_growth_per_month", 0.5), {"residual"}),
    "history, who represents a zone is not chosen by stage": (patched(FirstMonth, "take", without_stages), {"is there"}),
    "history, founders heed the region's appeal": (patched(History, "found_startups", by_todays_odds), {"residual"}),
    "history, funds begin with a whole commitment": (
        patched(Fund, "begin_history", at_the_beginning_of_a_period), {"uncalled"}),
    "history, commitments are those of a period's first month": (
        patched(History, "commitments", of_the_month_itself), {"commitment"}),
    "history, the inflow of the last month alone is usual": (
        patched(RestingLabour, "fill_posts", without_memory), {"usual_inflow"}),
}  # fmt: skip


@pytest.mark.parametrize("name", PAST)
def test_a_mutation_of_the_history_is_caught_at_the_first_month(name, monkeypatch):
    setup = scenario().with_values({"initial.history_months": 12, "initial.residual_months": 8})
    engine = start_of(ClusterModel.from_scenario(setup, seed=SEED))
    change, fields = PAST[name]
    found = differences_at_start(engine, start_of_the_first_month(change(setup, monkeypatch), SEED))
    assert found, "not caught"
    assert found[0].field in fields, str(found[0])
    print(f"MUT | {name} | {found[0].field} | {len(found)} |")
