"""Uptake: who reserves rooms in a zone on offer, who applies to move in, and that nothing else is touched."""

import math

import checks
import numpy as np
import pytest
import worlds
from worlds import LONG, lever, rent_cut, settle, startups

from sim import ClusterModel
from sim.ledger import DORMANT, LISTED, NEVER
from sim.processes import location, rent_cuts, uptake
from sim.randomness import Draws, uniform
from sim.record import UPTAKE

OFFERED = 1  #: position of the zone on offer
OWN = ("reserved", "applied")


def offer(**fields):
    """Return a list for zone-1 of which everybody has heard."""
    return lever("uptake-list", **({"zone": "zone-1", "awareness_per_month": 1.0} | fields))


def keep(world, par, levers, months: int = 1, seed: int = 1) -> np.ndarray:
    """Keep the list for some months; return reservations and applications, (months, 2)."""
    counts = []
    for _ in range(months):
        terms, draw = worlds.terms_of(world.grid, levers, world.month), Draws(seed, world.month)
        rent_cuts.mark_eligible(world, par, terms, draw)
        uptake.keep_list(world, par, terms, location.weigh_movers, draw)
        counts.append(world.uptake.copy())
        world.month += 1
    return np.array(counts)


def gumbel(u) -> float:
    """Return the taste at a uniform number."""
    return -math.log(-math.log(u))


def written_out(world, levers, month: int, seed: int, awareness: float, extra: float, window: int):
    """Return who should reserve and who should apply this month, firm by firm, from the rules."""
    grid, draw = world.grid, Draws(seed, month)
    (cut,) = [lv for lv in levers if lv.kind == "rent-cut"]
    reserve, apply = set(), set()
    for firm in world.startups.whole():
        zone = grid.zone[firm["cell"]]
        if firm["status"] != 0 or zone == OFFERED:
            continue
        reserved, applied = firm["reserved"] != NEVER, firm["applied"] != NEVER
        if applied or (not reserved and uniform(draw("aware"), firm["uid"], 0) >= awareness):
            continue
        s, p = firm["segment"], int(firm["stage"] > 1)
        young = month - firm["born"] <= cut.max_age_months
        share = np.array([cut.share if young and z.id in cut.zones else 0.0 for z in grid.tables.zones])
        paid = world.rent * (1 - share[grid.zone]) + 60.0
        value = (np.log(world.attraction[s, p]) + np.log(world.lift[s, p, grid.zone])
                 - 1.2 * 210 / 150 * np.log(paid / 210.0))  # fmt: skip
        taste = [gumbel(uniform(draw.once("liking"), firm["uid"], k)) for k in range(grid.n_zones + 1)]
        worth = np.array([
            np.log(np.sum((world.vacant * np.exp(value))[grid.zone == z])) + taste[z] + (extra if z == OFFERED else 0.0)
            for z in range(grid.n_zones)
        ])  # fmt: skip
        rank = np.count_nonzero(worth > worth[OFFERED])
        if not reserved and rank <= 1:
            reserve.add(int(firm["uid"]))
            reserved = True
        crowded = 12 * firm["heads"] * 1.1 > firm["area"]
        if not reserved or rank > 0 or (firm["lease_end"] > month + window and not crowded):
            continue
        own = firm["cell"]
        if worth[OFFERED] > value[own] + math.log(world.vacant[own] + firm["area"]) + taste[-1]:
            apply.add(int(firm["uid"]))
    return reserve, apply


@pytest.mark.parametrize(("extra", "awareness"), [(0.0, 0.3), (0.8, 0.6), (-0.5, 1.0)])
def test_each_month_those_reserve_and_apply_whom_the_rules_name(extra, awareness, par):
    rng, n = np.random.default_rng(8), 240
    rows = startups(n, cell=rng.integers(0, 12, n), segment=rng.integers(0, 4, n), stage=rng.integers(0, 6, n),
                    heads=rng.uniform(1, 60, n), born=-rng.integers(0, 40, n), lease_end=rng.integers(0, 30, n),
                    status=np.where(rng.uniform(size=n) < 0.1, LISTED, 0))  # fmt: skip
    rows["area"] = rows["heads"] * rng.uniform(12, 18, n)
    world = worlds.varied(settle(worlds.town(stock_m2=6e4), rows))
    world.attraction = np.exp(rng.normal(0, 0.4, world.attraction.shape))
    world.lift = np.exp(rng.normal(0, 0.3, world.lift.shape))
    levers = (offer(awareness_per_month=awareness, offer_utils=extra, lease_window_months=5),
              rent_cut("cut", ("zone-1", "zone-2"), 0.4, max_age_months=25))  # fmt: skip
    everybody = [set(), set()]
    for month in range(5):
        expected = written_out(world, levers, month, 3, awareness, extra, 5)
        (counts,) = keep(world, par, levers, seed=3)
        assert counts.tolist() == [len(expected[0]), len(expected[1])]
        for k, name in enumerate(OWN):
            assert set(world.startups["uid"][world.startups[name] == month].tolist()) == expected[k]
            everybody[k] |= expected[k]
    assert 5 < len(everybody[1]) < len(everybody[0]) < n


def homes(n: int, **fields) -> np.ndarray:
    """Return startups in zone-0, whose leases run on and who have room enough."""
    return startups(n, **({"cell": np.arange(n) % 3, "heads": 2.0, "area": 31.2, "lease_end": LONG} | fields))


def equal_zones(rows):
    """Return a town of four zones that are worth the same to everybody."""
    world = settle(worlds.town(), rows)
    world.vacant[:] = 1e5
    return world


def test_between_equal_zones_half_name_the_offer_among_their_two_best_and_a_quarter_first(par):
    n = 8000
    world = equal_zones(homes(n))
    (counts,) = keep(world, par, (offer(),))
    checks.check_chance(int(counts[0]), n, 2 / 4)
    assert counts[1] == 0  # all leases run on


@pytest.mark.parametrize("lifted", [1.0, 10.0])
@pytest.mark.parametrize("area", [1e-9, 1e6])
def test_own_rooms_are_one_more_choice_weighed_by_vacant_and_own_floor_space(area, lifted, par):
    n = 8000
    world = equal_zones(homes(n, lease_end=3, area=area, heads=1e-12))
    world.lift[:] = lifted  # of all zones alike, and so of the own rooms
    (counts,) = keep(world, par, (offer(),))
    checks.check_chance(int(counts[1]), n, 3 / (12 + (1e5 + area) / 1e5))  # in cells of 1e5 m2


def test_awareness_is_a_chance_each_month_until_a_startup_has_reserved(par):
    n, months = 6000, 5
    world = equal_zones(homes(n))
    counts = keep(world, par, (offer(awareness_per_month=0.15, offer_utils=10.0),), months)
    whole = np.cumsum(counts[:, 0])
    for month in range(months):
        checks.check_chance(int(whole[month]), n, 1 - 0.85 ** (month + 1))
    assert whole[-1] == np.count_nonzero(world.startups["reserved"] != NEVER)


def test_nobody_who_has_not_heard_reserves(par):
    world = equal_zones(homes(500, lease_end=0))
    assert not keep(world, par, (offer(awareness_per_month=0.0, offer_utils=10.0),), 6).any()


def test_an_offer_that_everybody_shuns_has_no_reservations(par):
    assert not keep(equal_zones(homes(500, lease_end=0)), par, (offer(offer_utils=-10.0),), 3).any()


def test_a_better_offer_loses_nobody(par):
    before = set()
    for extra in (-1.0, 0.0, 1.0, 3.0):
        world = equal_zones(homes(900))
        keep(world, par, (offer(offer_utils=extra),))
        found = set(world.startups["uid"][world.startups["reserved"] != NEVER].tolist())
        assert before < found
        before = found


@pytest.mark.parametrize(("fields", "applies"), [
    ({"lease_end": 6}, True), ({"lease_end": 7}, False), ({"heads": 2.363, "area": 31.2}, False),
    ({"heads": 2.364, "area": 31.2}, True)])  # fmt: skip
def test_a_startup_applies_only_if_its_lease_ends_soon_or_it_is_crowded(fields, applies, par):
    world = equal_zones(homes(400, **fields))
    (counts,) = keep(world, par, (offer(offer_utils=10.0, lease_window_months=6),))
    assert counts.tolist() == [400, 400 * applies]


def test_a_startup_applies_once_and_reserves_once(par):
    world = equal_zones(homes(400))
    levers = (offer(offer_utils=10.0, lease_window_months=0),)
    assert keep(world, par, levers).tolist() == [[400, 0]]
    world.startups["lease_end"][:250] = 1
    assert keep(world, par, levers, 3).tolist() == [[0, 250], [0, 0], [0, 0]]


def test_who_would_rather_stay_does_not_apply(par):
    world = equal_zones(homes(300, lease_end=0))
    world.attraction[:, :, :3] = (
        1e30  # of its own zone: nobody would leave it, and every other zone is like another
    )
    (counts,) = keep(world, par, (offer(offer_utils=5.0),))
    assert counts[0] > 250  # the second best
    assert counts[1] == 0


def test_startups_of_the_zone_listed_firms_and_the_gone_are_not_asked(par):
    rows = homes(
        90, lease_end=0, cell=np.arange(90) % 12, status=np.array([0, 0, LISTED, DORMANT])[np.arange(90) % 4]
    )
    world = equal_zones(rows)
    keep(world, par, (offer(offer_utils=10.0),))
    asked = (rows["status"] == 0) & (rows["cell"] // 3 != OFFERED)
    assert np.array_equal(world.startups["reserved"] != NEVER, asked)
    assert np.array_equal(world.startups["applied"] != NEVER, asked)


def test_the_list_is_kept_only_while_it_is_open(par):
    world = equal_zones(homes(400))
    levers = (offer(awareness_per_month=0.2, offer_utils=10.0, from_="2025-03", months=3),)
    counts = keep(world, par, levers, 8)
    assert (counts[:, 0] > 0).tolist() == [False, False, True, True, True, False, False, False]
    assert not keep(equal_zones(homes(50, lease_end=0)), par, (), 2).any()


def test_the_order_of_rows_decides_nothing(par):
    rows, found = homes(300, lease_end=np.arange(300) % 12), []
    for order in (np.arange(300), np.arange(300)[::-1]):
        world = equal_zones(rows[order])
        keep(world, par, (offer(awareness_per_month=0.4, offer_utils=1.0),), 4)
        whole = world.startups.whole()
        found.append(whole[np.argsort(whole["uid"])])
    assert worlds.same(*found)


def test_the_list_changes_nothing_but_its_own_columns():
    """A thermometer: the record of a run with the list is that of a run without it, bit for bit."""
    uptake_list = {"policies.list": {"id": "list", "kind": "uptake-list", "zone": "yongfeng", "from": "2025-02",
                                     "offer_utils": 2.0, "awareness_per_month": 0.5}}  # fmt: skip
    base = worlds.scenario()
    plain, listed = (
        ClusterModel.from_scenario(scenario, seed=1).run(18)
        for scenario in (base, base.with_values(uptake_list))
    )
    for name in ("series", "outside"):
        assert np.array_equal(plain.arrays[name], listed.arrays[name])
    own = len(UPTAKE)
    assert np.array_equal(plain.arrays["region"][:, :-own], listed.arrays["region"][:, :-own])
    assert not plain.arrays["region"][:, -own:].any()
    assert not listed.arrays["region"][0, -own:].any()
    assert (listed.arrays["region"][:, -own:].sum(axis=0) > 0).all()
    assert not listed.arrays["costs"].any()
    assert plain.caps == listed.caps
    assert np.array_equal(plain.deal_rows, listed.deal_rows)
    assert plain.rows.keys() == listed.rows.keys()
    for step in plain.rows:
        a, b = (np.sort(run.rows[step], order="uid") for run in (plain, listed))
        for name in a.dtype.names:
            if name not in OWN:
                assert a[name].tobytes() == b[name].tobytes(), name
        assert (b["reserved"] != NEVER).any()
