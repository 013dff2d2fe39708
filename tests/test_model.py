"""The whole model: reproducibility, conservation, neutral policies, and what a run yields."""

import copy
import json
import pickle

import mesa
import numpy as np
import pytest
from refresh_baseline import BASELINE, SEED

from sim.ledger import ACTIVE, LISTED
from sim.model import ClusterModel
from sim.policy import policies_of
from sim.processes import exits, finance, location, operations
from sim.record import POSITION, SERIES
from sim.scenario import Scenario
from sim.study_files import KEPT
from sim.work import table_of
from sim.world import IdentityError

MONTHS = 24
STARTUP_FLOWS = ("entries", "failures", "acquisitions", "listings", "departures")


def run(scenario, seed=1, months=MONTHS):
    return ClusterModel.from_scenario(scenario, seed=seed).run(months)


def total(series, name):
    return series[..., POSITION[name]].sum(axis=(1, 2))


@pytest.fixture(scope="module", params=Scenario.shipped())
def shipped(request):
    """Return a shipped scenario and its whole run; tests of one scenario follow each other and share it."""
    scenario = Scenario.load(request.param)
    return scenario, run(scenario, seed=SEED, months=None)


def test_a_shipped_scenario_gives_the_digest_of_the_baseline(shipped):
    scenario, found = shipped
    expected = json.loads(BASELINE.read_text(encoding="utf-8"))
    assert found.digest == expected[scenario.id]["digest"], (
        "see tests/refresh_baseline.py if results were to change"
    )


def test_startups_and_firms_of_a_zone_change_by_what_is_counted_each_month(shipped):
    _, found = shipped
    column = {name: found.arrays["series"][..., i].sum(axis=2) for name, i in POSITION.items()}
    ends = sum(column[name] for name in STARTUP_FLOWS[1:])
    change = np.diff(column["startups"].sum(axis=1))
    np.testing.assert_array_equal(change, (column["entries"] - ends).sum(axis=1)[1:])
    # by zone, listed firms, who move as well, included
    firms = column["startups"] + column["listed"]
    flow = column["entries"] - ends + column["listings"] + column["moves_in"] - column["moves_out"]
    np.testing.assert_array_equal(np.diff(firms, axis=0), flow[1:])
    assert column["moves_in"].sum() == column["moves_out"].sum() > 0
    assert column["listings"].sum() > 0


def test_the_baseline_names_every_shipped_scenario():
    assert sorted(json.loads(BASELINE.read_text(encoding="utf-8"))) == sorted(Scenario.shipped())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first = run("rent-cut", seed=3)
    assert run("rent-cut", seed=3).digest == first.digest
    assert run("rent-cut", seed=4).digest != first.digest


def test_negative_and_large_seeds_are_seeds():
    digests = {run("baseline", seed=seed, months=2).digest for seed in (0, -1, 1, 2**63)}
    assert len(digests) == 4


def test_a_policy_changes_nothing_before_its_first_month():
    with_cut, without = run("rent-cut", months=8), run("baseline", months=8)
    first = 6  # 2025-07
    np.testing.assert_array_equal(with_cut.arrays["series"][:first], without.arrays["series"][:first])
    assert not np.array_equal(with_cut.arrays["series"][first:], without.arrays["series"][first:])


def test_floor_space_of_every_zone_adds_up_every_month():
    series = run("north-space", months=36).arrays["series"]
    zone = {name: series[:, :, 0, POSITION[f"zone_{name}_m2"]] for name in ("stock", "vacant", "tenants")}
    leased = series[..., POSITION["area_m2"]].sum(axis=2)
    # moves and entries of the month change vacancy and leases alike
    np.testing.assert_allclose(leased + zone["vacant"] + zone["tenants"], zone["stock"], rtol=1e-9)


def test_new_space_opens_in_its_month_and_to_the_square_metre():
    north = Scenario.load("north-space")
    stock = run(north, months=14).arrays["series"][:, :, 0, POSITION["zone_stock_m2"]].sum(axis=1)
    opened = sum(p.area_m2 for lever in north.policies for p in lever.phases if p.opens == "2026-01")
    np.testing.assert_allclose(np.diff(stock)[11], opened, rtol=1e-12)
    assert not np.diff(stock)[:11].any()


def test_what_the_public_pays_is_what_startups_receive():
    cut = run("rent-cut", months=36)
    paid, received = (
        cut.arrays["costs"][:, :, 0].sum(),
        cut.arrays["series"][..., POSITION["subsidy_rmb"]].sum(),
    )
    assert paid > 0
    np.testing.assert_allclose(paid, received, rtol=1e-12)
    in_ledger = cut.rows[36]["subsidy"].sum() * 10_000
    np.testing.assert_allclose(received, in_ledger, rtol=1e-9)


def test_building_new_space_costs_its_price_a_square_metre():
    space = run("north-space", months=13)
    lever = next(lever for lever in Scenario.load("north-space").policies if lever.zone == "wenquan")
    column = space.levers.index(lever.id)
    assert space.arrays["costs"][12, column, 0] == pytest.approx(lever.phases[0].area_m2 * lever.cost_rmb_m2)


def test_permuting_the_rows_of_the_ledger_changes_no_bit():
    straight, shuffled = (ClusterModel.from_scenario("rent-cut", seed=2) for _ in range(2))
    rows = shuffled.world.startups.whole()
    shuffled.world.startups.replace(np.random.default_rng(5).permutation(rows))
    assert shuffled.run(MONTHS).digest == straight.run(MONTHS).digest


def test_a_deep_copy_continues_identically_and_on_its_own():
    model = ClusterModel.from_scenario("baseline", seed=1)
    model.run(3)
    other = copy.deepcopy(model)
    assert model.run(6).digest == other.run(6).digest
    model.world.startups["cash"][:] = -1.0
    assert (other.world.startups["cash"] != -1.0).any()


def test_copies_run_by_the_kernels_that_are_compiled():
    """A table of parameters that could be written, or of another dtype, would have every kernel compiled anew."""
    model = ClusterModel.from_scenario("baseline", seed=1)
    model.run(1)
    kernels = (finance.match, location.decide, exits.end, operations.settle)
    compiled = [len(kernel.signatures) for kernel in kernels]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other.run(1)
        assert [len(kernel.signatures) for kernel in kernels] == compiled
        assert other.parameters.table.dtype is model.parameters.table.dtype
        assert other.parameters.table.tobytes() == model.parameters.table.tobytes()


def test_two_models_in_one_process_do_not_touch_each_other():
    alone = run("baseline", seed=1, months=6).digest
    one, other = (ClusterModel.from_scenario("baseline", seed=seed) for seed in (1, 2))
    for _ in range(3):
        other.step()
    assert one.run(6).digest == alone


def test_tables_carry_units_and_meanings():
    result = run("rent-cut", months=12)
    tables = {name: table_of(result, name) for name in ("outcomes", *KEPT)}
    assert (tables["series"].num_columns, tables["presence"].num_columns) == (len(SERIES) + 3, 10)
    for name, table in tables.items():
        for field in table.schema:
            assert field.metadata[b"unit"], f"{name}.{field.name}"
            assert field.metadata[b"meaning"], f"{name}.{field.name}"
    assert result.series.num_rows == 12 * 16 * 4
    assert result.outcomes.num_rows == 1


@pytest.mark.parametrize("cell_km", [0.5, 1.0])
def test_the_most_startups_within_a_kilometre_are_those_counted_pair_by_pair(cell_km):
    model = ClusterModel.from_scenario("baseline", seed=1, cell_km=cell_km)
    series = model.run(2).arrays["series"][-1, :, :, POSITION["startups_within_1km"]]
    ledger, grid = model.world.startups, model.world.grid
    active = ledger["status"] == ACTIVE
    cell, segment = ledger["cell"][active], ledger["segment"][active]
    place = np.stack([grid.x[cell], grid.y[cell]], axis=1)
    expected = np.zeros_like(series)
    for at, zone, kind in zip(place, grid.zone[cell], segment, strict=True):
        around = np.hypot(*(place[segment == kind] - at).T) < 1.001
        expected[zone, kind] = max(expected[zone, kind], around.sum())
    np.testing.assert_array_equal(series, expected)
    assert (series > 0).sum() > 20


def test_presence_is_taken_after_12_steps_and_at_the_end():
    result = run("baseline", months=14)
    steps = np.unique(result.presence["step"].to_numpy())
    assert steps.tolist() == [12, 14]
    last = result.presence.filter(result.presence["step"].to_numpy() == 14)
    active = sum(status == "active" for status in last["status"].to_pylist())
    assert active == total(result.arrays["series"], "startups")[-1]


def test_smaller_cells_give_a_similar_region():
    fine = ClusterModel.from_scenario("baseline", seed=1, cell_km=0.25).run(12)
    usual = run("baseline", months=12)
    ratio = total(fine.arrays["series"], "startups")[-1] / total(usual.arrays["series"], "startups")[-1]
    assert 0.95 < ratio < 1.05


def test_a_second_run_goes_on_where_the_first_ended():
    whole = run("north-space", months=16)
    model = ClusterModel.from_scenario("north-space", seed=1)
    first, second = model.run(10), model.run(6)
    for name in ("series", "outside", "costs"):
        joined = np.concatenate([first.arrays[name], second.arrays[name]])
        np.testing.assert_array_equal(joined, whole.arrays[name])
    assert second.series["month"].to_pylist()[0] == 10
    assert sorted(second.rows) == [12, 16]


def test_a_run_of_no_month_is_refused():
    with pytest.raises(ValueError, match="months: must be 1 or more, not 0"):
        ClusterModel.from_scenario("baseline").run(0)


@pytest.mark.parametrize("what", ["cash", "demand"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_run_does_not_end_well_with_cash_or_a_compute_market_that_is_no_finite_number(what, number):
    model = ClusterModel.from_scenario("baseline", seed=1)
    if what == "cash":
        listed = np.flatnonzero(model.world.startups["status"] == LISTED)[0]
        model.world.startups["cash"][listed] = number
        found = "month 1: the cash of 1 of "
    else:
        model.world.compute["voucher_gpu"] = number
        found = "month 1: demand of the compute market is no finite number"
    with pytest.raises(IdentityError, match=found):
        model.run(1)


def test_a_model_built_for_three_months_runs_three():
    assert ClusterModel(months=3, rng=1).run().months == 3


def test_the_deals_of_a_run_are_those_of_its_series():
    result = run("baseline", months=12)
    assert result.deals.num_rows == total(result.arrays["series"], "deals").sum()
    raised = np.sum(result.deals["raised_rmb"].to_numpy())
    np.testing.assert_allclose(raised, total(result.arrays["series"], "capital_rmb").sum(), rtol=1e-12)


def test_a_collector_attached_later_is_fed_each_step():
    model = ClusterModel.from_scenario("baseline", seed=1)
    model.datacollector = mesa.DataCollector(model_reporters={"n": lambda m: len(m.startups)})
    model.step()
    assert model.datacollector.get_model_vars_dataframe()["n"].tolist() == [len(model.startups)]


def test_terms_that_earlier_runs_have_used_are_those_that_a_first_run_makes():
    scenario = Scenario.load("everything")
    for seed in (1, 2):
        used = ClusterModel.from_scenario(scenario, seed=seed).run(6).digest
    policies_of.cache_clear()
    assert ClusterModel.from_scenario(scenario, seed=2).run(6).digest == used
