"""Programmes: places, who has one, who is refused, and what a place and free places do."""

import math

import checks
import numpy as np
import pytest
import worlds
from worlds import APP, EMB, MODEL, OPC, lever, settle, startups

from sim.ledger import ACTIVE, DORMANT, IN_PROGRAMME, LISTED
from sim.processes import exits, finance, location, operations, programmes
from sim.randomness import Draws, combine, uniform

HERE = ("zone-1",)
CELLS = np.array([3, 4, 5])  #: of zone-1
CALM = {"exits.acquisition_per_month": (0.0,) * 6, "exits.departure_per_month": 0.0}


def incubator(places: int, **fields):
    """Return an incubator in zone-1."""
    return lever("incubator", **({"zones": HERE, "places": places, "max_age_months": 1000} | fields))


def young(n: int, **fields) -> np.ndarray:
    """Return startups without money of others, in zone-1."""
    return startups(n, **({"cell": CELLS[np.arange(n) % 3], "stage": 0, "heads": 3.0} | fields))


def admit(world, par, levers, months: int = 1, seed: int = 1) -> np.ndarray:
    """Let months pass; return the account of the first lever, (months,)."""
    noted = []
    for _ in range(months):
        world.begin_month(world.month % 12 == 0)
        terms = worlds.terms_of(world.grid, levers, world.month)
        programmes.admit(world, par, terms, Draws(seed, world.month))
        noted.append(world.accounts[0].copy())
        world.month += 1
    return np.array(noted)


def members(world, k: int = 0) -> set[int]:
    """Return the uids of those who have a place in a programme."""
    has = (world.startups["programmes"] >> k) & 1
    return set(world.startups["uid"][has == 1].tolist())


def test_places_are_never_exceeded_and_everybody_eligible_is_served_or_refused(par):
    world, rng = settle(worlds.town(), startups(300, cell=np.arange(300) % 12)), np.random.default_rng(1)
    for month in range(40):
        world.startups["cell"][:] = np.where(
            rng.uniform(size=300) < 0.1, rng.integers(0, 12, 300), world.startups["cell"]
        )
        world.startups["stage"][:] = rng.uniform(size=300) < 0.3
        world.startups["status"][:] = np.where(rng.uniform(size=300) < 0.05, LISTED, ACTIVE)
        noted = admit(world, par, (incubator(20 if month % 2 else 35, price_rmb_place_month=6000.0),))[0]
        rows = world.startups.whole()
        eligible = (rows["stage"] == 0) & (rows["cell"] // 3 == 1) & (rows["status"] == ACTIVE)
        assert noted["served"] == len(members(world))
        assert noted["served"] + noted["refused"] == eligible.sum()
        assert not (rows["programmes"][~eligible]).any()
        assert noted["spent"] == pytest.approx(0.6 * noted["served"], abs=1e-6)
        if month == 0:
            assert noted["served"] == 35
        assert noted["served"] <= 35


def test_no_free_place_is_left_while_somebody_is_refused(par):
    for n, places in ((10, 4), (4, 10), (7, 7)):
        world = settle(worlds.town(), young(n))
        noted = admit(world, par, (incubator(places),))[0]
        assert noted["served"] == min(n, places)
        assert noted["refused"] == max(n - places, 0)


def test_a_place_is_kept_whoever_else_asks(par):
    world = settle(worlds.town(), young(50))
    admit(world, par, (incubator(20),))
    first = members(world)
    for n in (50, 200, 1000):
        rows = world.startups.whole()
        more = young(n)
        more["uid"] = 10**9 + n * 10_000 + np.arange(n)
        world.startups.replace(np.concatenate([more, rows]))
        admit(world, par, (incubator(20),), months=3)
        assert members(world) == first


@pytest.mark.parametrize(
    ("field", "value"),
    [("stage", 1), ("born", -10_000), ("cell", 0), ("cell", 9), ("segment", MODEL), ("status", LISTED)],
)
def test_a_place_is_lost_with_the_stage_the_age_the_zone_or_the_segment(field, value, par):
    world = settle(worlds.town(), young(30))
    programme = (incubator(30, segments=("OPC", "APP")),)
    admit(world, par, programme)
    assert len(members(world)) == 30
    world.startups[field][:10] = value
    noted = admit(world, par, programme)[0]
    rows = world.startups.whole()
    assert not rows["programmes"][:10].any()
    assert rows["programmes"][10:].all()
    assert not (rows["aided"][:10] & IN_PROGRAMME).any()
    for name, neutral in (
        ("failure_factor", 1.0),
        ("seek_factor", 1.0),
        ("log_help", 0.0),
        ("production_odds", 0.0),
    ):
        assert set(rows[name][:10].tolist()) == {neutral}
    assert noted["served"] == 20
    assert noted["refused"] == 0


def test_a_one_person_company_that_grows_out_of_it_leaves_the_accelerator(par):
    world = settle(worlds.town(), young(5, segment=OPC))
    programme = (lever("accelerator", zones=HERE, places=5, max_age_months=1000),)
    admit(world, par, programme)
    assert set(world.startups["seek_factor"].tolist()) == {1.5}
    world.startups["segment"][2] = APP
    admit(world, par, programme)
    assert (world.startups["programmes"] == 0).tolist() == [False, False, True, False, False]


def test_free_places_go_to_the_smallest_lots_of_the_month(par):
    rows = young(200)
    world = settle(worlds.town(), rows, month=7)
    programme = (incubator(60),)
    admit(world, par, programme, seed=3)
    key = combine(Draws(3, 7)("place"), worlds.terms_of(world.grid, programme, 7).programmes["key"][0])
    lots = np.array([uniform(key, uid, 0) for uid in rows["uid"]])
    assert members(world) == set(rows["uid"][np.argsort(lots)[:60]].tolist())


def test_every_startup_has_the_same_chance_of_a_place(par):
    rows = young(4000)
    world = settle(worlds.town(), rows)
    admit(world, par, (incubator(1000),))
    won = world.startups["programmes"] > 0
    for part in (slice(0, 2000), slice(0, None, 2), slice(3000, None)):
        checks.check_chance(np.count_nonzero(won[part]), len(won[part]), 0.25)


def test_who_was_refused_draws_another_lot_next_month(par):
    world = settle(worlds.town(), young(2000))
    admit(world, par, (incubator(1000),))
    again = settle(worlds.town(), young(2000), month=1)
    admit(again, par, (incubator(1000),))
    # independent lots agree for about half of them
    checks.check_chance(len(members(world) & members(again)), 1000, 0.5)


def test_neither_the_order_of_rows_nor_other_programmes_decide_who_has_a_place(par):
    rows = young(300)
    found, levers = [], (incubator(100),)
    more = (lever("test-platform", id="a-platform", zones=HERE, places=50, segments=("APP",)),
            incubator(40, id="zz-incubator", attraction_utils=3.0), lever("cash", amount_rmb=5.0))  # fmt: skip
    for order in (np.arange(300), np.arange(300)[::-1], np.random.default_rng(3).permutation(300)):
        world = settle(worlds.town(), rows[order])
        admit(world, par, levers)
        found.append(members(world))
    for others in ((*more, *levers), (*levers, *more[::-1])):
        world = settle(worlds.town(), rows)
        admit(world, par, others)
        found.append(members(world, 1))
    assert len(found[0]) == 100
    assert all(other == found[0] for other in found)


def test_factors_of_two_programmes_multiply(par):
    one = lever("test-platform", id="one", zones=HERE, segments=("APP",), places=6, productivity_factor=1.1,
                production_log_odds=-0.98)  # fmt: skip
    two = lever("test-platform", id="two", zones=HERE, segments=("APP",), places=9, productivity_factor=1.3,
                production_log_odds=0.2)  # fmt: skip
    three = incubator(4, id="x-three", failure_factor=0.8, seek_factor=1.2)
    four = incubator(7, id="x-four", failure_factor=0.5, seek_factor=1.5)
    world = settle(worlds.town(), young(12))
    levers = (one, two, three, four)
    admit(world, par, levers)
    order = sorted(levers, key=lambda lever: lever.id)
    rows = world.startups.whole()
    has = {lv.id: (rows["programmes"] >> k) & 1 for k, lv in enumerate(order)}
    assert {name: int(bits.sum()) for name, bits in has.items()} == {
        "one": 6,
        "two": 9,
        "x-three": 4,
        "x-four": 7,
    }
    np.testing.assert_allclose(
        rows["failure_factor"], 0.8 ** has["x-three"] * 0.5 ** has["x-four"], rtol=1e-14
    )
    np.testing.assert_allclose(rows["seek_factor"], 1.2 ** has["x-three"] * 1.5 ** has["x-four"], rtol=1e-14)
    expected = math.log(1.1) * has["one"] + math.log(1.3) * has["two"]
    np.testing.assert_allclose(rows["log_help"], expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(rows["production_odds"], -0.98 * has["one"] + 0.2 * has["two"], atol=1e-14)
    assert np.array_equal((rows["aided"] & IN_PROGRAMME) > 0, rows["programmes"] > 0)
    assert np.any(has["one"] & has["two"])


def test_everything_ends_with_the_programme(par):
    world = settle(worlds.town(), young(12))
    levers = (
        incubator(6, months=3),
        lever("test-platform", zones=HERE, segments=("APP",), places=4, months=5),
    )
    admit(world, par, levers, months=3)
    assert len(members(world)) == 6
    assert set(world.startups["failure_factor"].tolist()) == {0.8, 1.0}
    admit(world, par, levers)
    assert not members(world)
    assert len(members(world, 1)) == 4
    assert set(world.startups["failure_factor"].tolist()) == {1.0}
    noted = admit(world, par, levers, months=3)
    assert not world.startups["programmes"].any()
    assert not world.startups["aided"].any()
    assert not world.startups["log_help"].any()
    assert np.all(world.lift == 1.0)
    assert not noted["spent"][1:].any()


@pytest.mark.parametrize("kind", ["incubator", "accelerator", "test-platform"])
def test_a_programme_without_places_changes_no_bit(kind, par):
    quiet, empty = settle(worlds.town(), young(40)), settle(worlds.town(), young(40))
    noted = admit(empty, par, (lever(kind, zones=HERE, places=0),), months=3)
    assert worlds.same(quiet.startups.whole(), empty.startups.whole())
    assert empty.lift.tobytes() == quiet.lift.tobytes()
    assert not noted["refused"].any()
    assert not noted["spent"].any()


# Attraction


@pytest.mark.parametrize(("n", "places", "free"), [(3, 3, 0.0), (3, 5, 2 / 3), (3, 6, 1.0), (3, 50, 1.0), (0, 5, 1.0),
                                                   (9, 5, 0.0), (10, 13, 0.3)])  # fmt: skip
@pytest.mark.parametrize("last_stage", [0, 1, 3])
def test_zones_attract_by_free_places_for_each_who_is_eligible(n, places, free, last_stage, par):
    world = settle(worlds.town(), young(n))
    admit(
        world,
        par,
        (incubator(places, segments=("APP", "MODEL"), max_stage=last_stage, attraction_utils=0.7),),
    )
    expected = np.ones((4, 2, 4))
    expected[[APP, MODEL], 0, 1] = math.exp(0.7 * free)
    if last_stage > 1:
        expected[[APP, MODEL], 1, 1] = math.exp(0.7 * free)
    np.testing.assert_allclose(world.lift, expected, rtol=1e-14)


def test_attractions_of_several_levers_add_in_utils(par):
    world = settle(worlds.town(), startups(0))
    admit(world, par, (incubator(5, attraction_utils=0.4), incubator(5, id="other", attraction_utils=0.3),
                       lever("public-space", zones=("zone-1", "zone-2"), attraction_utils=0.25)))  # fmt: skip
    np.testing.assert_allclose(world.lift[APP, 0], np.exp([0.0, 0.95, 0.25, 0.0]), rtol=1e-14)
    np.testing.assert_allclose(world.lift[APP, 1], np.exp([0.0, 0.25, 0.25, 0.0]), rtol=1e-14)


def test_attraction_moves_choice_inside_the_region_and_leaves_the_regions_appeal(par):
    grid = worlds.town()
    world = worlds.varied(settle(grid, young(20)))
    world.attraction = np.exp(np.random.default_rng(4).normal(0, 0.5, world.attraction.shape))
    levers = (
        incubator(90, attraction_utils=0.8),
        lever("public-space", zones=("zone-3",), attraction_utils=0.6),
    )
    terms = worlds.terms_of(grid, levers)
    location.weigh_region(world, par, terms)
    before, appeal = location.choice_shares(world, par, terms, APP), world.appeal.copy()
    admit(world, par, levers)
    location.weigh_region(world, par, terms)
    after = location.choice_shares(world, par, terms, APP)
    lift = np.exp([0.0, 0.8, 0.0, 0.6])[grid.zone]
    np.testing.assert_allclose(after, before * lift / (before * lift).sum(), rtol=1e-12)
    assert np.abs(after - before).max() > 0.005
    np.testing.assert_allclose(world.appeal, appeal, rtol=0, atol=1e-12)


def test_a_full_programme_attracts_nobody(par):
    world = settle(worlds.town(), young(30))
    admit(world, par, (incubator(30, attraction_utils=2.0),))
    assert np.all(world.lift == 1.0)


# What a place does


def test_a_place_multiplies_the_background_hazard_of_failure_and_not_insolvency(par):
    calm = worlds.parameters(CALM | {"exits.failure_per_month": 0.05})
    n = 30_000
    world = settle(worlds.town(), young(n))
    admit(world, calm, (incubator(n // 2, failure_factor=0.6),))
    has = world.startups["programmes"] > 0
    exits.end_startups(world, calm, worlds.terms_of(world.grid), Draws(1, 5))
    failed = world.startups["status"] == DORMANT
    for mine, factor in ((has, 0.6), (~has, 1.0)):
        checks.check_chance(np.count_nonzero(failed[mine]), np.count_nonzero(mine), 0.05 * 2.2 * factor)
    broke = settle(worlds.town(), young(n, cash=-1.0))
    admit(broke, calm, (incubator(n, failure_factor=0.6),))
    exits.end_startups(broke, calm, worlds.terms_of(world.grid), Draws(1, 5))
    checks.check_chance(
        np.count_nonzero(broke.startups["status"] == DORMANT), n, 1 - (1 - 0.05 * 2.2 * 0.6) * (1 - 0.25)
    )


def test_a_place_that_harms_raises_failure(par):
    calm = worlds.parameters(CALM)
    n = 30_000
    world = settle(worlds.town(), young(n))
    admit(world, calm, (incubator(n, failure_factor=5.0),))
    exits.end_startups(world, calm, worlds.terms_of(world.grid), Draws(2, 5))
    checks.check_chance(np.count_nonzero(world.startups["status"] == DORMANT), n, 0.0048 * 2.2 * 5.0)


@pytest.mark.parametrize("factor", [0.0, 1.2, 6.0])
def test_a_place_multiplies_the_hazard_to_look_for_money(factor, par):
    n = 40_000
    world = settle(worlds.town(), young(n, segment=APP, log_quality=0.0, log_capability=0.3, last_round=-20))
    admit(world, par, (incubator(n // 2, seek_factor=factor),))
    has = world.startups["programmes"] > 0
    draw, parts = Draws(1, 0), world.startups.parts
    seeking = np.zeros(n, dtype=bool)
    seeking[finance.seek(*parts, par.table, 0, draw("seek"), draw.once("ask"), world.caps)] = True
    hazard = -math.log(1 - 0.45) / 36 * 1.55 * 0.85 * 1.6 * math.exp(0.8 * 0.3)
    for mine, times in ((has, factor), (~has, 1.0)):
        chance = 1 - math.exp(-hazard * times)
        checks.check_chance(
            np.count_nonzero(seeking[mine]), np.count_nonzero(mine), chance
        ) if chance else None
        assert chance > 0 or not seeking[mine].any()


def test_a_place_multiplies_productivity(par):
    rows = startups(20, cell=4, segment=EMB, stage=2, log_quality=0.1, spillover=1.0, diversity=0.5)
    world = settle(worlds.town(), rows)
    admit(world, par, (lever("test-platform", zones=HERE, places=8, productivity_factor=1.25),))
    operations.post_and_release(world, par, worlds.terms_of(world.grid))
    plain = 0.1 + 0.065 * (1.0 - 2.0) + 0.03 * (0.5 - 1.5)
    expected = plain + math.log(1.25) * (world.startups["programmes"] > 0)
    np.testing.assert_allclose(world.startups["log_capability"], expected, rtol=0, atol=1e-14)
    assert np.count_nonzero(world.startups["programmes"]) == 8
