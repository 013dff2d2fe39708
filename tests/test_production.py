"""Production: where embodied-AI firms build, how their legs grow, and what the record counts."""

import math

import checks
import numpy as np
import pytest
import worlds
from worlds import APP, EMB, MODEL, OPC, lever, settle, startups

from sim import ClusterModel
from sim.ledger import ACQUIRED, DORMANT, LEFT, LISTED, PRODUCES_HERE, PRODUCES_OUTSIDE, UNDECIDED, WAITING
from sim.policy import Policies
from sim.processes import production, programmes
from sim.randomness import Draws, uniform
from sim.record import POSITION, SERIES, Recorder

OFFICES, WORKS = 0, 1  #: cells of the town with factories


def firms(n: int, **fields) -> np.ndarray:
    """Return embodied-AI firms at the stage of production."""
    return startups(n, **({"segment": EMB, "stage": 3, "heads": 80.0, "cell": OFFICES} | fields))


def produce(world, par, levers=(), months: int = 1, seed: int = 1) -> None:
    """Let months pass."""
    for _ in range(months):
        terms = worlds.terms_of(world.grid, levers, world.month)
        programmes.admit(world, par, terms, Draws(seed, world.month))
        production.produce(world, par, terms, Draws(seed, world.month))
        world.month += 1


@pytest.mark.parametrize("cell", [OFFICES, WORKS])
@pytest.mark.parametrize("place", [False, True])
@pytest.mark.parametrize("rise", [0.0, 1.56, -3.0])
def test_firms_produce_outside_with_the_chance_of_the_logistic_formula(cell, place, rise, par):
    n = 12_000
    levers = (lever("production-offer", rise_log_odds=rise),)
    if place:
        levers += (lever("test-platform", zones=("offices", "works"), places=n, production_log_odds=-0.98),)
    world = settle(worlds.town_with_factories(), firms(n, cell=cell))
    produce(world, par, levers)
    odds = math.log(4) + (-0.4 if cell == WORKS else 0.15) - 0.98 * place + rise
    outside = np.count_nonzero(world.startups["site"] == PRODUCES_OUTSIDE)
    checks.check_chance(outside, n, 1 / (1 + math.exp(-odds)))
    assert np.count_nonzero(world.startups["site"] == PRODUCES_HERE) == n - outside


def test_each_decision_is_that_of_its_own_draw(par):
    rows = firms(500, cell=np.arange(500) % 2)
    world = settle(worlds.town_with_factories(), rows, month=5)
    produce(world, par, seed=9)
    key = Draws(9, 5).once("production")
    u = np.array([uniform(key, uid, 0) for uid in rows["uid"]])
    odds = math.log(4) + np.where(rows["cell"] == WORKS, -0.4, 0.15)
    assert np.array_equal(world.startups["site"] == PRODUCES_OUTSIDE, u < 1 / (1 + np.exp(-odds)))


def test_a_better_offer_elsewhere_takes_firms_and_brings_none(par):
    before = np.zeros(2000, dtype=bool)
    for rise in (-2.0, -0.5, 0.0, 0.4, 2.0):
        world = settle(worlds.town_with_factories(), firms(2000, cell=np.arange(2000) % 2))
        produce(world, par, (lever("production-offer", rise_log_odds=rise),))
        outside = world.startups["site"] == PRODUCES_OUTSIDE
        assert np.all(outside[before])
        assert outside.sum() > before.sum()
        before = outside


def test_where_to_produce_is_decided_once(par):
    world = settle(worlds.town_with_factories(), firms(400))
    produce(world, par)
    first = world.startups["site"].copy()
    assert set(first.tolist()) == {PRODUCES_HERE, PRODUCES_OUTSIDE}
    world.startups["cell"][:] = WORKS
    for rise in (-20.0, 20.0):
        produce(world, par, (lever("production-offer", rise_log_odds=rise),), months=3)
        assert np.array_equal(world.startups["site"], first)


@pytest.mark.parametrize(
    "fields",
    [{"stage": 2}, {"segment": APP}, {"segment": MODEL}, {"segment": OPC}, {"status": DORMANT}, {"status": ACQUIRED},
     {"status": WAITING, "cell": -1}],
)  # fmt: skip
def test_only_embodied_ai_firms_at_the_stage_of_production_produce(fields, par):
    world = settle(worlds.town_with_factories(), firms(30, **fields))
    produce(world, par, months=3)
    assert set(world.startups["site"].tolist()) == {UNDECIDED}
    assert not world.startups["production"].any()


def test_listed_firms_go_on_producing(par):
    world = settle(worlds.town_with_factories(), firms(30, status=LISTED, stage=5))
    produce(world, par)
    assert (world.startups["site"] != UNDECIDED).all()
    np.testing.assert_allclose(world.startups["production"], 0.06 * 80.0, rtol=1e-12)


def test_a_firm_decides_when_it_reaches_the_stage(par):
    world = settle(worlds.town_with_factories(), firms(50, stage=2))
    produce(world, par, months=4)
    world.startups["stage"][:20] = 3
    produce(world, par)
    assert (world.startups["site"] != UNDECIDED).tolist() == [True] * 20 + [False] * 30


@pytest.mark.parametrize("speed", [0.0, 0.06, 1.0])
def test_a_leg_closes_its_gap_to_the_heads_in_research_geometrically(speed):
    par = worlds.parameters({"production.growth_per_month": speed})
    heads = np.array([10.0, 80.0, 333.0])
    world = settle(worlds.town_with_factories(), firms(3, heads=heads))
    for month in range(1, 61):
        produce(world, par)
        np.testing.assert_allclose(
            world.startups["production"], heads * (1 - (1 - speed) ** month), rtol=1e-11
        )
    # after a change of heads it makes for the new number from where it is
    before = world.startups["production"].copy()
    world.startups["heads"][:] = heads / 2
    produce(world, par, months=12)
    expected = heads / 2 + (before - heads / 2) * (1 - speed) ** 12
    np.testing.assert_allclose(world.startups["production"], expected, rtol=1e-11)


def test_what_a_place_changes_counts_only_while_it_is_held(par):
    n = 4000
    world = settle(worlds.town_with_factories(), firms(n, stage=2))
    platform = (lever("test-platform", zones=("offices",), places=n, production_log_odds=-20.0, months=3),)
    produce(world, par, platform, months=3)
    world.startups["stage"][:] = 3
    produce(world, par, platform)  # has ended
    outside = np.count_nonzero(world.startups["site"] == PRODUCES_OUTSIDE)
    checks.check_chance(outside, n, 1 / (1 + math.exp(-(math.log(4) + 0.15))))


def test_an_offer_that_rises_over_time_reaches_its_height_and_stays(par):
    rising = (lever("production-offer", rise_log_odds=1.5, over_months=3, from_="2025-03", months=6),)
    grid = worlds.town_with_factories()
    found = [worlds.terms_of(grid, rising, month).production_offer for month in range(10)]
    np.testing.assert_allclose(found, [0, 0, 0.5, 1.0, 1.5, 1.5, 1.5, 1.5, 0, 0], atol=1e-14)


def test_the_record_counts_legs_by_where_they_are_and_none_of_firms_that_ended(par):
    n = 240
    rows = firms(
        n, cell=np.arange(n) % 2, heads=np.linspace(20, 200, n), segment=np.where(np.arange(n) % 10, EMB, APP)
    )
    world = settle(worlds.town_with_factories(), rows)
    produce(world, par, months=6)
    world.startups["status"][:] = np.array([0, 0, 0, LISTED, DORMANT, ACQUIRED, LEFT, 0])[np.arange(n) % 8]
    recorder = Recorder(world.month - 1, 1, world.grid.n_zones, ())
    recorder.record(world, Policies((), world.grid.tables.zone_index, "2025-01"))
    whole = world.startups.whole()
    here = np.isin(whole["status"], (0, LISTED))
    for site, name in ((PRODUCES_HERE, "production_heads"), (PRODUCES_OUTSIDE, "production_outside_heads")):
        for zone in range(2):
            mine = here & (whole["site"] == site) & (whole["cell"] == zone)
            expected = (rows["heads"] * (1 - 0.94**6))[mine].sum()
            found = recorder.series[0, zone, :, POSITION[name]]
            assert found[EMB] == pytest.approx(expected, abs=mine.sum() * 2.0**-20)
            assert not found[[OPC, APP, MODEL]].any()
            assert expected > 0
    staff = recorder.series[0, :, :, POSITION["rd_heads"]].sum()
    assert staff == pytest.approx(whole["heads"][here].sum(), abs=n * 2.0**-20)


def test_production_takes_neither_people_nor_rooms_nor_money():
    """Where nobody ever decides to produce, everything else is the same bit for bit."""
    runs = []
    for stage in (3, 6):
        scenario = worlds.scenario().with_values({"production.first_stage": stage})
        runs.append(ClusterModel.from_scenario(scenario, seed=2).run(18))
    legs = [POSITION["production_heads"], POSITION["production_outside_heads"]]
    rest = [i for i in range(len(SERIES)) if i not in legs]
    some, none = (run.arrays["series"] for run in runs)
    assert np.array_equal(some[..., rest], none[..., rest])
    assert np.array_equal(runs[0].arrays["region"], runs[1].arrays["region"])
    assert some[..., legs].any(axis=(0, 1, 2)).all()
    assert not none[..., legs].any()
