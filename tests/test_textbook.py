"""The twin, written from the ODD alone, gives the engine's history: the same events, floats to one part in 10^9."""

import ast
import collections
import functools
import math
import pathlib

import pytest
import textbook.model
from textbook import markets, rounds
from textbook.fund import Fund
from textbook.model import TextbookModel
from textbook.region import Region
from textbook.startup import Startup
from textbook_bridge import compare, differences, start_of

from sim import ClusterModel, Scenario

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
LEVERS = [RENT_CUT, GUIDED_FUND, VOUCHER]
#: levers of other kinds that the twin knows
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
]  # fmt: skip


@functools.cache
def scenario(every=False):
    """Return the small world with three levers, or with every kind that the twin knows."""
    levers = LEVERS + (MORE if every else [])
    return Scenario.load("baseline").with_values(SMALL | MOVING | {"policies": levers})


def both(setup, seed=SEED):
    """Return engine and twin at the same first month."""
    model = ClusterModel.from_scenario(setup, seed=seed)
    return model, TextbookModel(setup, start_of(model), seed)


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


def test_three_months_of_the_twin_are_those_of_the_engine():
    model, twin = both(scenario())
    assert first(compare(model, twin, 3)) is None
    assert collections.Counter(kind for _, kind, *_ in twin.events)["entries"] > 10
    assert twin.deals


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
    assert twin.labour.wage != 1.0
    assert min(fund.purse for fund in twin.funds) >= 0.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_every_kind_of_lever_that_the_twin_knows_gives_the_engines_history(seed):
    model, twin = both(scenario(every=True), seed)
    assert first(compare(model, twin, 36)) is None


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


#: what is changed in the twin: months within which it must be caught, and fields at which it may show first
MUTATIONS = {
    "E1, the range of spillovers is 1 % longer": (
        times("access.spillover_range_km", 1.01), 1, {"spillover"}),
    "E1, a firm is its own neighbour": (patched(Region, "received", with_own_heads), 1, {"spillover"}),
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
    "E17, young startups fail like others": (
        times("exits.failure_first_year_factor", 1.0 / 0.6), 24, {"status"}),
    "E18, the appeal of the region counts twice": (
        patched(textbook.model, "inside_probabilities", doubled_appeal), 24, {"founded outside"}),
    "E19, spin-offs do not grow with size": (
        times("births.spinoff_size_exponent", 0.0), 12, {"founded outside", "is there"}),
    "E20, staying is worth 0.3 more": (times("location.stay_bonus", 1.3), 24, {"cash", "cell"}),
    "E21, departure answers rents twice as much": (
        times("exits.departure_rent_exponent", 2.0), 36, {"status", "wage"}),
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
