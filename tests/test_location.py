"""Location: choice shares and the draws that follow them, rooms, leases, staying, and the theory switches."""

import math

import checks
import numpy as np
import pytest
import worlds
from scipy import stats
from worlds import APP, EMB, LONG, MODEL, OPC, entrants, rent_cut, settle, startups

from sim.ledger import ACTIVE, LOST, WAITING
from sim.processes import access, land, location, rent_cuts
from sim.randomness import Draws
from sim.space import Grid
from sim.world import FLOW, World

MANY = 20_000
HALF = 0.5


def fresh(par, rows=None, grid: Grid | None = None, seed: int = 0) -> World:
    """Return a varied town with a few startups and its fields."""
    grid = grid or worlds.town(n_zones=5, cells_per_zone=4)
    if rows is None:
        rng = np.random.default_rng(seed)
        n = 60
        heads = rng.uniform(1, 80, n)
        rows = startups(n, cell=rng.integers(0, grid.n_cells, n), segment=rng.integers(0, 4, n),
                        heads=heads, area=15.6 * heads)  # fmt: skip
    world = worlds.varied(settle(grid, rows), seed)
    access.refresh_fields(world, par, worlds.terms_of(grid))
    return world


def place(world: World, par, terms=None, month: int = 0) -> np.ndarray:
    """Place the waiting entrants; return the cell of each, -1 for none."""
    terms = terms or worlds.terms_of(world.grid)
    worlds.leave_vacant(world, world.vacant)
    choice = location.weigh_region(world, par, terms)
    waiting = world.startups["status"] == WAITING
    location.place_entrants(world, par, terms, choice, Draws(1, month))
    land.count_vacancy(world, par)
    return world.startups["cell"][waiting]


def move(world: World, par, terms=None, month: int = 0) -> None:
    """Let tenants decide."""
    worlds.leave_vacant(world, world.vacant)
    location.move_tenants(world, par, terms or worlds.terms_of(world.grid), Draws(1, month))
    land.count_vacancy(world, par)


def ample(world: World, rows: np.ndarray) -> World:
    """Add entrants to a world with room for all, at the same shares."""
    world.vacant *= 1e6
    world.stock = world.stock * 1e6
    world.startups.replace(np.concatenate([world.startups.whole(), rows]))
    return world


# Shares


@pytest.mark.parametrize("segment", [OPC, APP, MODEL, EMB])
@pytest.mark.parametrize("phase", [0, 1])
def test_choice_shares_are_the_logit_of_the_utilities(par, segment, phase):
    world = fresh(par)
    found = location.choice_shares(world, par, worlds.terms_of(world.grid), segment, phase)
    checks.check_shares(found, checks.shares(world, par, np.zeros(5), segment, phase))


@pytest.mark.parametrize("mask", range(8))
def test_each_rent_cut_acts_for_those_who_are_eligible_and_no_more_than_the_rent_is_paid(par, mask):
    world = fresh(par)
    cuts = (
        rent_cut("a", ("zone-0", "zone-1"), 0.5),
        rent_cut("b", ("zone-1",), 0.8),
        rent_cut("c", ("zone-3",), 0.2),
    )
    terms = worlds.terms_of(world.grid, cuts)
    a, b, c = (mask >> k & 1 for k in range(3))
    relief = np.array([0.5 * a, min(0.5 * a + 0.8 * b, 1.0), 0.0, 0.2 * c, 0.0])
    found = location.choice_shares(world, par, terms, APP, 0, mask)
    checks.check_shares(found, checks.shares(world, par, relief, APP, 0))


def test_choice_shares_of_the_shipped_world_are_the_logit_of_the_utilities(start, par, neutral):
    worlds.varied(start)
    access.refresh_fields(start, par, neutral)
    found = location.choice_shares(start, par, neutral, MODEL, 1)
    checks.check_shares(found, checks.shares(start, par, np.zeros(start.grid.n_zones), MODEL, 1))


def test_a_cell_that_fills_up_leaves_the_ratios_of_the_others(par):
    world = fresh(par)
    terms = worlds.terms_of(world.grid)
    before = location.choice_shares(world, par, terms, APP)
    world.vacant[7] = 0.0
    after = location.choice_shares(world, par, terms, APP)
    assert after[7] == 0.0
    others = np.arange(before.size) != 7
    np.testing.assert_allclose(after[others] / before[others], 1 / (1 - before[7]), rtol=1e-12)


@pytest.mark.parametrize(("other_cost", "relief"), [(60.0, 0.0), (60.0, 0.5), (0.0, 0.0), (0.0, 0.5)])
def test_the_rent_elasticity_of_a_share_is_that_of_calculus(other_cost, relief):
    par = worlds.parameters({"location.occupancy_cost_rmb_m2_month": other_cost})
    world = fresh(par)
    terms = worlds.terms_of(world.grid, (rent_cut("cut", ("zone-1",), relief),))
    cell, rent, step = 5, world.rent[5], 1e-5
    share = location.choice_shares(world, par, terms, APP, 0, 1)[cell]
    moved = []
    for sign in (1, -1):
        world.rent[cell] = rent * math.exp(sign * step)
        moved.append(math.log(location.choice_shares(world, par, terms, APP, 0, 1)[cell]))
    paid = rent * (1 - relief)
    expected = -1.2 * (150 + other_cost) / 150 * paid / (paid + other_cost) * (1 - share)
    if other_cost == 0.0:
        assert expected == pytest.approx(-1.2 * (1 - share))
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(expected, rel=1e-7)


def test_the_rent_factor_is_one_at_the_reference_rent(par):
    zone = np.zeros(2, dtype=np.int64)
    factors = location.rent_factors(np.array([150.0, 0.0]), np.zeros(1), zone, par.location)
    assert factors[0] == 1.0
    assert factors[1] == pytest.approx((210 / 60) ** (1.2 * 210 / 150), rel=1e-12)


def test_no_size_weight_makes_shares_blind_to_vacant_space():
    par = worlds.parameters({"location.size_weight": 0.0})
    world = fresh(par)
    value = checks.utility(world, par, np.zeros(5), APP, 0)
    expected = np.exp(value) / np.exp(value).sum()
    checks.check_shares(location.choice_shares(world, par, worlds.terms_of(world.grid), APP), expected)


def test_a_size_weight_of_one_half_takes_the_root_of_vacant_space():
    par = worlds.parameters({"location.size_weight": 0.5})
    world = fresh(par)
    weights = np.exp(checks.utility(world, par, np.zeros(5), APP, 0)) * np.sqrt(world.vacant)
    found = location.choice_shares(world, par, worlds.terms_of(world.grid), APP)
    checks.check_shares(found, weights / weights.sum())


def test_in_the_relative_form_a_place_is_worth_its_count_over_the_mean_count():
    theory = {"location.social_form": "relative", "access.self_spillover": True, "access.spillover_cut_km": 0.0,
              "location.size_weight": 0.0, "location.rent_sensitivity": 0.0, "location.talent_weight": 0.0,
              "location.capital_weight": 0.0, "location.spillover_weight": 0.9}  # fmt: skip
    par = worlds.parameters(theory)
    counts = np.array([4, 0, 1, 3, 0, 2])
    grid = worlds.town(n_zones=6, cells_per_zone=1)
    world = settle(grid, startups(10, cell=np.repeat(np.arange(6), counts), heads=np.arange(1.0, 11.0)))
    access.refresh_fields(world, par, worlds.terms_of(grid))
    expected = np.exp(0.9 * counts / (10 / 6))
    found = location.choice_shares(world, par, worlds.terms_of(grid), APP)
    checks.check_shares(found, expected / expected.sum())


# Draws


def test_entrants_choose_cells_by_their_shares(par):
    world = ample(fresh(par), entrants(MANY))
    expected = checks.shares(world, par, np.zeros(5), APP, 0)
    cells = place(world, par)
    checks.check_frequencies(np.bincount(cells, minlength=expected.size), expected)


def test_the_choice_has_the_law_of_the_best_of_all_cells_with_gumbel_tastes(par):
    world = ample(fresh(par), entrants(MANY))
    value = checks.utility(world, par, np.zeros(5), APP, 0) + np.log(world.vacant)
    taste = np.random.default_rng(5).gumbel(size=(MANY, value.size))
    best = np.bincount((value + taste).argmax(axis=1), minlength=value.size)
    ours = np.bincount(place(world, par), minlength=value.size)
    assert stats.chi2_contingency([best, ours]).pvalue > 1e-4


def test_the_pull_of_the_origin_weighs_distance_to_the_centre_of_the_zone():
    par = worlds.parameters({"location.origin_weight_per_km": 0.8})
    grid = worlds.town(n_zones=5, cells_per_zone=4)
    world = ample(fresh(par, grid=grid), entrants(MANY, origin_place=1))
    far = np.abs(grid.zone_x - grid.zone_x[1])[grid.zone]
    expected = checks.shares(world, par, np.zeros(5), APP, 0, origin=0.8 * far)
    checks.check_frequencies(np.bincount(place(world, par), minlength=grid.n_cells), expected)


def test_a_stronger_pull_keeps_more_entrants_at_their_origin():
    kept = []
    for pull in (0.0, 0.2, 1.0):
        par = worlds.parameters({"location.origin_weight_per_km": pull})
        world = ample(fresh(par), entrants(5000, origin_place=4))
        kept.append(np.count_nonzero(world.grid.zone[place(world, par)] == 4))
    assert kept[0] < kept[1] < kept[2]


def test_a_choice_does_not_depend_on_who_else_chooses(par):
    alone, crowd = fresh(par), fresh(par)
    rows = entrants(500)
    cells = place(ample(crowd, rows), par)
    few = place(ample(alone, rows[::7].copy()), par)
    assert np.array_equal(few, cells[::7])


# Rooms


def test_no_cell_is_ever_oversold_by_many_choosers(par):
    world = fresh(par)
    world.vacant[:] = np.linspace(10.0, 400.0, world.grid.n_cells)
    before = world.vacant.copy()
    world.startups.replace(np.concatenate([world.startups.whole(), entrants(2000, heads=2.0)]))
    cells = place(world, par)
    need = 1.3 * 12 * 2.0
    taken = np.bincount(cells[cells >= 0], minlength=before.size) * need
    assert world.vacant.min() >= 0.0
    np.testing.assert_allclose(before - taken, world.vacant, atol=1e-3)
    # a cell may only be left with less than one more entrant needs
    assert np.all(world.vacant < need)
    assert np.count_nonzero(cells < 0) == 2000 - np.floor((before + 1e-9) / need).sum()


def test_choosers_take_cells_with_room_by_the_shares_of_these(par):
    world = fresh(par)
    full = np.arange(world.grid.n_cells) % 3 != 0
    world.vacant[full] = 15.0  # less than anyone needs, but not nothing
    world.vacant[~full] *= 1e6
    world.startups.replace(entrants(MANY))
    expected = checks.shares(world, par, np.zeros(5), APP, 0)
    access.refresh_fields(world, par, worlds.terms_of(world.grid))
    expected = checks.shares(world, par, np.zeros(5), APP, 0)
    expected[full] = 0.0
    checks.check_frequencies(np.bincount(place(world, par), minlength=expected.size), expected)


def test_the_only_cell_with_room_is_found_however_unattractive(par):
    world = fresh(par)
    world.vacant[:] = 15.0
    world.vacant[13] = 2000.0
    world.residual[world.grid.zone[13]] = -12.0
    world.startups.replace(entrants(50))
    assert set(place(world, par)) == {13}


def test_among_few_cells_with_room_the_last_resort_draws_by_weight(par):
    world = fresh(par)
    world.residual[:] = 0.0
    world.residual[[1, 3]] = -9.0
    world.vacant[:] = 15.0
    free = [4, 13]
    world.vacant[free] = 1e6
    world.residual[[0, 2, 4]] = 3.0
    world.startups.replace(entrants(6000))
    access.refresh_fields(world, par, worlds.terms_of(world.grid))
    expected = checks.shares(world, par, np.zeros(5), APP, 0)
    expected[np.isin(np.arange(expected.size), free, invert=True)] = 0.0
    checks.check_frequencies(np.bincount(place(world, par), minlength=expected.size), expected)


def test_unlimited_capacity_houses_everybody():
    par = worlds.parameters({"location.unlimited_capacity": True})
    world = fresh(par)
    world.startups.replace(entrants(500, heads=1e5))
    assert np.all(place(world, par) >= 0)


def test_an_entrant_signs_for_what_it_needs_at_the_market_rent(par):
    world = fresh(par)
    world.startups.replace(entrants(1, heads=7.0))
    world.month = 5
    cell = place(world, par, month=5)[0]
    firm = world.startups.whole()[0]
    assert firm["status"] == ACTIVE
    assert firm["area"] == pytest.approx(1.3 * 12 * 7.0, abs=1e-6)
    assert firm["lease_rent"] == world.rent[cell]
    assert firm["lease_end"] == 5 + 24
    assert firm["born"] == firm["last_round"] == 5
    assert world.flows[world.grid.zone[cell], APP, FLOW["entries"]] == 1


@pytest.mark.parametrize("vacant", [0.0, 10.0])
def test_entrants_without_rooms_wait_and_are_lost_when_their_patience_ends(par, vacant):
    world = fresh(par)
    world.vacant[:] = vacant
    world.startups.replace(entrants(20))
    for month in range(3):
        world.begin_month()
        place(world, par, month=month)
        status = world.startups["status"]
        assert np.all(status == (WAITING if month < 2 else LOST))
        assert np.all(world.startups["cell"] == -1)
    assert world.flows[:, :, FLOW["lost_for_space"]].sum() == 20
    assert world.caps["entrants_lost"][0] == 20


def test_leases_are_longer_from_stage_a_on(par):
    assert [location.lease_length(stage, par.location) for stage in range(6)] == [24, 24, 36, 36, 36, 36]


# Tenants


def stayers(par, terms=None, n: int = 8000, month: int = 0, **fields):
    """Return a world in which tenants at the end of their lease have just decided, and its state before."""
    world = fresh(par)
    rows = startups(
        n, cell=np.arange(n) % world.grid.n_cells, lease_end=month, heads=2.0, area=31.2, **fields
    )
    world.startups.replace(np.concatenate([world.startups.whole(), rows]))
    world.vacant *= 1e4
    world.stock = world.stock * 1e4
    world.month = month
    terms = terms or worlds.terms_of(world.grid)
    rent_cuts.mark_eligible(world, par, terms, Draws(1, 0))
    access.refresh_fields(world, par, terms)
    before = world.copy()
    move(world, par, terms, month)
    return world, before


def test_tenants_stay_with_the_chance_of_their_rooms_against_the_mean_of_the_rest(par):
    world, before = stayers(par)
    value = checks.utility(before, par, np.zeros(5), APP, 0)
    rest = (before.vacant * np.exp(value)).sum() / before.vacant.sum()
    rows = before.startups.whole()[60:]
    scale, strength = 20.0, checks.field(before, par)
    others = strength[APP] - 2.0 / checks.lattice_sum(0.5, 0.75)
    without = strength.copy()
    without[APP] = others
    own = value + 0.45 * (np.log1p(others / scale) - np.log1p(strength[APP] / scale))
    own += 0.25 * (checks.jacobs(without, scale) - checks.jacobs(strength, scale))
    chance = (np.exp(own + 1.0) / (np.exp(own + 1.0) + rest))[rows["cell"]]
    renewed = np.count_nonzero(
        world.startups["lease_end"][60:] > 0) - world.flows[:, APP, FLOW["moves_out"]].sum()  # fmt: skip
    assert abs(renewed - chance.sum()) < 4 * math.sqrt((chance * (1 - chance)).sum())


def test_a_company_that_has_just_become_another_kind_weighs_its_rooms_by_what_it_is_now(par):
    """A one-person company that raised money this month chooses as an application company."""
    grid = worlds.town(n_zones=5, cells_per_zone=4)
    neighbours = startups(10, cell=6, segment=APP, heads=40.0, area=624.0)
    world = fresh(par, np.concatenate([neighbours, startups(1, cell=6, segment=OPC, uid=5)]), grid)
    firms, states, _ = world.startups.parts
    firms["segment"][10], firms["stage"][10] = APP, 1
    others = fresh(par, neighbours, grid)
    expected = checks.utility(others, par, np.zeros(5), APP, 0)[6]
    found = location.own_weights(firms, states, np.array([10]), par.location, grid.zone, world.attraction, world.lift,
                                 world.log_spillovers, world.diversity, world.rent)  # fmt: skip
    assert math.log(found[0]) == pytest.approx(expected, abs=1e-9)


def test_a_larger_bonus_keeps_more_tenants():
    moves = []
    for bonus in (0.0, 1.0, 3.0, 20.0):
        world, _ = stayers(worlds.parameters({"location.stay_bonus": bonus}), n=2000)
        moves.append(world.flows[:, :, FLOW["moves_out"]].sum())
    assert moves[0] > moves[1] > moves[2] > moves[3] == 0


def test_a_tenant_signs_anew_for_its_present_need_at_the_market_rent(par):
    world, before = stayers(par, stage=2)
    rows = world.startups.whole()[60:]
    assert np.all(rows["area"] == pytest.approx(31.2, abs=1e-5))
    assert np.array_equal(rows["lease_rent"], world.rent[rows["cell"]])
    assert np.all(rows["lease_end"] == 36)
    change = np.zeros(world.grid.n_cells)
    np.add.at(change, before.startups["cell"], before.startups["area"])
    np.add.at(change, world.startups["cell"], -world.startups["area"])
    np.testing.assert_allclose(world.vacant - before.vacant, change, atol=1e-3)


def test_moving_costs_three_rents_and_a_third_of_a_payroll_and_staying_nothing(par):
    world, before = stayers(par)
    rows, old = world.startups.whole()[60:], before.startups.whole()[60:]
    spent = old["cash"] - rows["cash"]
    cost = 3 * rows["lease_rent"] * rows["area"] / 1e4 + 0.3 * 2.0 * 3.6
    went = rows["cell"] != old["cell"]
    np.testing.assert_allclose(spent[went], cost[went], rtol=1e-9)
    # who left its rooms for others in the same cell has paid too
    assert np.all((spent[~went] == 0) | np.isclose(spent[~went], cost[~went], rtol=1e-9))
    assert np.count_nonzero(spent) == world.flows[:, :, FLOW["moves_out"]].sum()


def test_only_tenants_at_the_end_of_a_lease_or_crowded_choose(par):
    world = fresh(par)
    need = 12 * 5.0
    areas = [need / 1.39, need, need / 1.41, need / 1.41]
    rows = startups(4, lease_end=[LONG, 0, LONG, LONG], area=areas, waited=[0, 0, 0, 1])
    world.startups.replace(rows)
    access.refresh_fields(world, par, worlds.terms_of(world.grid))
    move(world, par)
    assert (world.startups["lease_end"] == 24).tolist() == [False, True, True, False]


def test_a_tenant_that_finds_no_room_renews_for_what_there_is(par):
    world = fresh(par)
    world.startups.replace(startups(1, cell=6, heads=50.0, area=100.0, lease_end=3, lease_rent=1.0))
    world.vacant[:] = 20.0
    world.month = 3
    access.refresh_fields(world, par, worlds.terms_of(world.grid))
    move(world, par, month=3)
    firm = world.startups.whole()[0]
    assert (firm["cell"], firm["area"], firm["lease_end"], firm["waited"]) == (
        6,
        pytest.approx(120.0),
        3 + 12,
        1,
    )
    assert firm["lease_rent"] == world.rent[6]
    assert world.vacant[6] == pytest.approx(0.0, abs=1e-6)
    assert world.caps["movers_without_room"][0] == 1
    assert not world.flows[:, :, FLOW["moves_out"]].any()


def test_a_rent_cut_draws_tenants_who_are_eligible_and_no_others(par):
    grid = worlds.town(n_zones=5, cells_per_zone=4)
    cut = worlds.terms_of(grid, (rent_cut("cut", ("zone-2",), 0.9, max_stage=1),))
    for stage, drawn in ((0, True), (2, False)):
        plain, _ = stayers(par, stage=stage)
        treated, _ = stayers(par, cut, stage=stage)
        into = [w.flows[2, :, FLOW["moves_in"]].sum() for w in (plain, treated)]
        assert into[1] > 1.1 * into[0] if drawn else into[1] == into[0]


@pytest.mark.parametrize(
    ("limit", "eligible"),
    [
        ({"max_age_months": 10}, [True, False, True, True]),
        ({"max_stage": 1}, [True, True, False, True]),
        ({"max_area_m2": 78.0}, [True, True, True, False]),
        ({}, [True, True, True, True]),
    ],
)
def test_eligibility_goes_by_age_stage_and_leased_area(par, limit, eligible):
    grid = worlds.town()
    world = settle(
        grid, startups(4, born=[-10, -11, -10, -10], stage=[1, 1, 2, 1], area=[78.0, 78.0, 78.0, 78.1])
    )
    rent_cuts.mark_eligible(
        world, par, worlds.terms_of(grid, (rent_cut("cut", ("zone-0",), HALF, **limit),)), Draws(1, 0)
    )
    assert (world.startups["eligible"] == 1).tolist() == eligible
    assert world.startups["relief"].tolist() == [HALF * yes for yes in eligible]


def test_relief_is_for_the_zones_of_the_cut_and_for_startups_alone(par):
    grid = worlds.town()
    world = settle(grid, startups(3, cell=[0, 3, 0], status=[ACTIVE, ACTIVE, 1]))
    rent_cuts.mark_eligible(
        world, par, worlds.terms_of(grid, (rent_cut("cut", ("zone-0",), HALF),)), Draws(1, 0)
    )
    assert world.startups["relief"].tolist() == [HALF, 0.0, 0.0]


def test_an_entrant_that_needs_more_than_a_cut_allows_is_not_drawn(par):
    # an entrant of MODEL has 0.7 x 8 heads and needs 87.36 m2, one of OPC 15.6 m2
    world = fresh(par)
    for limit, drawn in ((87.0, False), (87.5, True)):
        terms = worlds.terms_of(world.grid, (rent_cut("cut", ("zone-2",), HALF, max_area_m2=limit),))
        plain = location.weigh_region(world, par, worlds.terms_of(world.grid)).zone_sums
        treated = location.weigh_region(world, par, terms)
        gain = treated.zone_sums[MODEL, 0, treated.columns[MODEL], 2] - plain[MODEL, 0, 0, 2]
        assert (gain > 0.1) == drawn


# Appeal


def test_appeal_is_the_log_sum_of_weights_corrected_for_vacant_space(par):
    world = fresh(par)
    location.weigh_region(world, par, worlds.terms_of(world.grid))
    for segment in range(4):
        value = checks.utility(world, par, np.zeros(5), segment, 0)
        expected = math.log((world.vacant * np.exp(value)).sum()) - (1 - 0.35) * math.log(world.vacant.sum())
        assert world.appeal[segment] == pytest.approx(expected, abs=1e-11)


def test_without_a_size_exponent_more_equally_good_space_has_no_appeal():
    par = worlds.parameters({"births.choice_size_exponent": 0.0})
    world = fresh(par)
    location.weigh_region(world, par, worlds.terms_of(world.grid))
    before = world.appeal.copy()
    world.vacant *= 1.7
    location.weigh_region(world, par, worlds.terms_of(world.grid))
    np.testing.assert_allclose(world.appeal, before, rtol=0, atol=1e-12)


# Revision, for theory

TWO_CELLS = {"location.social_form": "relative", "access.spillover_cut_km": 0.0, "location.size_weight": 0.0,
             "location.rent_sensitivity": 0.0, "location.talent_weight": 0.0, "location.capital_weight": 0.0,
             "location.unlimited_capacity": True, "location.spillover_weight": 1.5}  # fmt: skip


def revise(par, cells: np.ndarray, months: range) -> list[np.ndarray]:
    """Return where startups are after one month of revision, for each of several months of draws."""
    grid = worlds.town(n_zones=2, cells_per_zone=1)
    terms, out = worlds.terms_of(grid), []
    for month in months:
        world = settle(grid, startups(len(cells), cell=cells))
        world.month = month
        access.refresh_fields(world, par, terms)
        move(world, par, terms, month)
        out.append(world.startups["cell"].copy())
    return out


def test_one_reviser_a_month_changes_at_most_one_place():
    par = worlds.parameters(TWO_CELLS | {"location.revision": "one"})
    cells = np.repeat([0, 1], [12, 8])
    changes = [np.count_nonzero(after != cells) for after in revise(par, cells, range(300))]
    assert set(changes) == {0, 1}


def test_revision_at_a_rate_touches_that_share_of_startups():
    par = worlds.parameters(
        TWO_CELLS | {"location.revision_rate_per_month": 0.2, "location.spillover_weight": 0.0}
    )
    cells = np.repeat([0, 1], 2000)
    moved = np.mean([np.count_nonzero(after != cells) for after in revise(par, cells, range(20))])
    # half of those who revise choose the place where they are
    checks.check_chance(round(moved * 20), 4000 * 20, 0.1)


def test_in_a_world_of_pure_revision_the_end_of_a_lease_is_no_reason_to_choose():
    par = worlds.parameters(TWO_CELLS | {"location.revision": "one"})
    grid = worlds.town(n_zones=2, cells_per_zone=1)
    world = settle(grid, startups(50, lease_end=0))
    access.refresh_fields(world, par, worlds.terms_of(grid))
    move(world, par)
    assert np.count_nonzero(world.startups["lease_end"] != 0) == 1
