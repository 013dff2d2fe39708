"""Public money in venture capital: guided funds beside private ones, and hubs to which funds move."""

import checks
import numpy as np
import pytest
import worlds
from scipy import stats
from test_levers import lever
from worlds import APP, EMB, LONG, MODEL, OPC, funds, settle, startups

from sim import ClusterModel
from sim.agents import VC
from sim.ledger import ACTIVE, LEFT, LOCKED
from sim.levers import LEVERS, GuidedFund, NewSpace, Phase, VcHub
from sim.policy import Policies
from sim.processes import access, exits, finance, land
from sim.processes import funds as fund_table
from sim.randomness import Draws, combine, uniform
from sim.record import POSITION
from sim.scenario import Scenario
from sim.terms import WAN
from sim.world import FLOW, exact

PLAIN = {"finance.taste_sd": 0.0, "finance.ticket_share": 1.0, "finance.seek_factor": 0.0}
START = "2025-01"
BOOK = ("uncalled", "purse", "invested", "returned")
DRAWN = np.uint64(99)


def guided(monthly_wan: float = 1000.0, id: str = "fund", **fields) -> GuidedFund:
    """Return a guided fund that calls so much a month."""
    money = {"capital_rmb_year": 12 * WAN * monthly_wan, "realisation_share": 1.0, "crowd_out_share": 0.0}
    return GuidedFund(id=id, kind="guided-fund", from_=START, **(money | fields))


def seekers(n: int, ask, **fields) -> np.ndarray:
    """Return startups of a favoured segment that already look for a sum of money."""
    return startups(n, **({"ask": ask, "search_end": LONG, "stage": 1, "segment": MODEL} | fields))


def month_of(par, rows, table, levers=(), month: int = 0, world=None):
    """Return a world after one month of matching with levers."""
    if world is None:
        world = settle(worlds.town(), rows, month)
        world.funds = table
    policies = Policies(levers, world.grid.tables.zone_index, START)
    world.prepare_for(policies)
    world.month = month
    fund_table.call_capital(world, par, policies.in_force(month))
    finance.close_rounds(world, par, policies.in_force(month), Draws(1, month))
    return world


def private(*purses: float, **fields) -> np.ndarray:
    """Return funds without a monthly call, near the startups."""
    return funds(len(purses), **({"purse": purses, "uncalled": 0.0} | fields))


# One round by hand: an ask of 1,200 wan


@pytest.mark.parametrize("match", [0.25, 0.5, 1.0, 2.0, 3.0, 5.0])
@pytest.mark.parametrize(
    "purse", [240.0, 300.0, 360.0, 400.0, 480.0, 600.0, 720.0, 800.0, 900.0, 1000.0, 2000.0]
)
def test_guided_money_pays_one_part_for_every_m_parts_that_private_funds_bring(match, purse):
    ask = 1200.0
    world = month_of(
        worlds.parameters(PLAIN), seekers(1, ask), private(purse), [guided(2000.0, match_share=match)]
    )
    most = exact(ask / (1 + match))
    brought = min(purse, ask - most)
    expected = min(brought / match, most)
    # who leads brings three tenths of the ask, unless guided money leaves less to bring
    closes = purse >= 0.3 * ask and brought + expected >= 0.6 * ask - 1e-4
    (paid,), (left,) = world.guided["paid"], world.guided["purse"]
    assert paid == pytest.approx(expected if closes else 0.0, abs=1e-4)
    assert left == 2000.0 - paid
    assert world.funds["purse"][0] == purse - (brought if closes else 0.0)
    assert world.startups["cash"][0] == pytest.approx(1000.0 + (brought + paid if closes else 0.0), abs=1e-6)
    assert world.startups["stage"][0] == (2 if closes else 1)


def test_a_round_that_does_not_close_gives_the_reserve_back():
    # 400 and as much guided money are less than six tenths of 1,400
    world = month_of(
        worlds.parameters(PLAIN | {"finance.lead_share": 0.2}), seekers(1, 1400.0), private(400.0), [guided()]
    )
    assert world.caps["round_released"][0] == 1
    assert world.guided[["purse", "paid"]][0].tolist() == (1000.0, 0.0)
    assert world.accounts[["spent", "served"]][0].tolist() == (0.0, 0.0)
    assert world.startups["aided"][0] == 0
    assert world.funds["purse"][0] == 400.0


def test_a_purse_that_holds_less_than_the_part_reserves_what_it_has():
    par = worlds.parameters(PLAIN)
    # 200 of 1,000 is reserved: 800 private are asked for, and 640 bring 160
    for purse, paid in ((800.0, 200.0), (640.0, 160.0), (400.0, 0.0)):
        world = month_of(par, seekers(1, 1000.0), private(purse), [guided(200.0)])
        assert world.guided["paid"][0] == paid
        assert world.guided["purse"][0] == 200.0 - paid
        assert world.funds["invested"][0] == (purse if paid else 0.0)


@pytest.mark.parametrize(("purse", "takes_part"), [(149.0, False), (150.0, True)])
def test_a_guided_fund_with_less_than_a_leaders_share_of_its_part_takes_none_and_holds_nobody(
    purse, takes_part
):
    world = month_of(worlds.parameters(PLAIN), seekers(1, 1000.0), private(1000.0), [guided(purse)])
    assert world.guided["paid"][0] == (purse if takes_part else 0.0)
    assert (world.startups["lock_end"][0] > 0) == takes_part
    assert world.deals.n == 1


def test_the_reserve_goes_down_the_list_until_the_purse_is_empty():
    rows = seekers(3, 1000.0, log_capability=[0.1, 0.3, 0.2])
    world = month_of(worlds.parameters(PLAIN), rows, private(9000.0), [guided(700.0)])
    # by capability: 500, then the 200 that are left, then nothing
    assert (world.startups["cash"] - 1000.0).tolist() == [1000.0] * 3
    assert world.startups["guided"].tolist() == [0.0, 500.0, 200.0]
    assert world.guided["paid"][0] == 700.0


def test_guided_money_alone_starts_no_round():
    world = month_of(worlds.parameters(PLAIN), seekers(1, 1000.0), private(0.0), [guided()])
    assert world.deals.n == 0
    assert world.guided["purse"][0] == 1000.0


@pytest.mark.parametrize("segment", [OPC, APP, MODEL, EMB])
@pytest.mark.parametrize("stage", range(6))
def test_only_favoured_segments_and_stages_receive_guided_money(segment, stage):
    fund = guided(segments=("APP", "EMB"), max_stage=3)
    rows = seekers(1, 1000.0, segment=segment, stage=stage)
    world = month_of(worlds.parameters(PLAIN), rows, private(1000.0), [fund])
    assert world.startups["cash"][0] == 2000.0
    favoured = segment in (APP, EMB) and stage <= 3
    assert world.guided["paid"][0] == (500.0 if favoured else 0.0)
    assert world.funds["invested"][0] == (500.0 if favoured else 1000.0)


def test_of_two_guided_funds_the_first_that_has_money_takes_part():
    levers = [guided(50.0, "a", segments=("EMB",)), guided(20.0, "b"), guided(90.0, "c")]
    rows = seekers(2, 100.0, log_capability=[0.3, 0.1])
    world = month_of(worlds.parameters(PLAIN), rows, private(1000.0), levers)
    assert world.guided["paid"].tolist() == [0.0, 20.0, 50.0]
    assert world.startups["lock_fund"].tolist() == [1, 2]


# Many rounds, against a list that is sorted and gone down in plain Python


def crowd(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return many seekers and funds of all sorts."""
    rng = np.random.default_rng(2)
    rows = seekers(n, exact(rng.lognormal(7, 1, n)), segment=rng.integers(0, 4, n), cell=rng.integers(0, 12, n),
                   log_capability=rng.normal(0, 0.6, n), stage=rng.integers(0, 5, n))  # fmt: skip
    table = funds(20, purse=exact(rng.lognormal(8, 1, 20)), seat=rng.integers(0, 4, 20), uncalled=0.0,
                  commitment=exact(rng.lognormal(10, 0.5, 20)), segments=rng.integers(1, 16, 20))  # fmt: skip
    return rows, table


def ranked_pairs(par, world) -> list[tuple[float, int, int, int, int]]:
    """Return all pairs in focus above the bar, best first: minus the score, uids, rows."""
    f, rows, table, pairs = par.finance, world.startups.whole(), world.funds, []
    for i, firm in enumerate(rows):
        own, step = np.uint64(combine(DRAWN, firm["uid"])), min(firm["stage"], 4)
        for v, fund in enumerate(table):
            if fund["segments"] >> firm["segment"] & 1 and fund["first_round"] <= step <= fund["last_round"]:
                pairs.append((i, v, uniform(own, fund["uid"], int(firm["stage"]))))
    i, v = (np.array([pair[k] for pair in pairs]) for k in (0, 1))
    far = world.grid.zone_distance[rows["cell"][i], table["seat"][v]] / par.access.capital_range_km
    taste = f.taste_sd * stats.norm.ppf([u for *_, u in pairs])
    score = rows["log_capability"][i] - f.distance_weight * far + taste
    return sorted(
        (-score[k], int(rows["uid"][i[k]]), int(table["uid"][v[k]]), int(i[k]), int(v[k]))
        for k in np.flatnonzero(score > f.score_bar)
    )


def by_the_book(par, world, levers, purses):
    """Go down the sorted list of all pairs; return commitments by pair, and each seeker's fund and reserve."""
    f, table, rows = par.finance, world.funds, world.startups.whole()
    names = ("OPC", "APP", "MODEL", "EMB")
    ask, n, left = rows["ask"], len(rows), list(purses)
    need, made, purse = ask.copy(), np.zeros(n), table["purse"].copy()
    by, reserved, refused, out = np.full(n, -2), np.zeros(n), np.zeros(len(levers)), []
    for *_, i, v in ranked_pairs(par, world):
        can = min(purse[v], exact(f.ticket_share * table["commitment"][v]))
        if by[i] == -2:
            if can < f.lead_share * ask[i]:
                continue  # cannot be the first
            by[i] = -1
            for g, fund in enumerate(levers):
                if names[rows["segment"][i]] not in fund.segments or rows["stage"][i] > fund.max_stage:
                    continue
                whole = exact(ask[i] / (1 + fund.match_share))
                if left[g] == 0.0 or left[g] < f.lead_share * whole:
                    refused[g] += 1
                    continue
                by[i], reserved[i] = g, min(whole, left[g])
                left[g] -= reserved[i]
                need[i] -= reserved[i]
                break
        least = min(ask[i] * (f.lead_share if made[i] == 0 else f.follow_share), ask[i] - reserved[i])
        amount = min(need[i], can)
        if amount > 0 and amount >= least:
            out.append((i, v, amount))
            purse[v], need[i], made[i] = purse[v] - amount, need[i] - amount, made[i] + 1
    return out, by, reserved, refused


@pytest.mark.parametrize("scarcity", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("parts", [1, 2, 5])
@pytest.mark.parametrize("match", [0.5, 4.0])
def test_commitments_and_reserves_are_those_of_the_sorted_list_in_however_many_parts(
    par, parts, scarcity, match
):
    rows, table = crowd()
    table["purse"] = exact(table["purse"] / scarcity)
    levers = [guided(5_000.0, "a", segments=("EMB",)), guided(20_000.0, "b", match_share=match)]
    world = settle(worlds.town(), rows)
    world.funds = table
    policies = Policies(levers, world.grid.tables.zone_index, START)
    world.prepare_for(policies)
    terms = policies.in_force(0)
    fund_table.call_guided(terms.guided, world.guided)
    expected, by, reserved, refused = by_the_book(par, world, levers, world.guided["purse"].copy())
    found = finance.match(*world.startups.parts, np.arange(len(rows)), 0, table.copy(), np.argsort(table["uid"]),
                          world.grid.zone_distance, par.table, DRAWN, parts, terms.guided, world.guided,
                          world.accounts, world.caps)  # fmt: skip
    assert [(int(i), int(v)) for i, v in zip(found[0], found[1], strict=True)] == [
        (i, v) for i, v, _ in expected
    ]
    np.testing.assert_allclose(found[2], [amount for *_, amount in expected], rtol=1e-12)
    np.testing.assert_array_equal(found[4], reserved)
    np.testing.assert_array_equal(found[3], by)
    np.testing.assert_array_equal(world.accounts["refused"][:2], refused)
    assert len(expected) > 10
    assert np.count_nonzero(reserved) > 5


def test_cash_raised_is_private_money_invested_and_guided_money_paid(par):
    rows, table = crowd()
    world = month_of(par, rows.copy(), table, [guided(20_000.0, crowd_out_share=1.0)])
    raised = world.startups["cash"].sum() - rows["cash"].sum()
    paid, invested = world.guided["paid"].sum(), world.funds["invested"].sum()
    assert paid > 1000.0
    assert raised == pytest.approx(invested + paid, abs=1e-6)
    assert world.flows[:, :, FLOW["guided_wan"]].sum() == paid
    assert world.startups["guided"].sum() == paid
    assert world.accounts["served"][0] == np.count_nonzero(world.startups["guided"])


@pytest.mark.parametrize("seed", range(3))
def test_with_guided_money_the_order_of_startups_and_funds_changes_nothing(par, seed):
    rows, table = crowd()
    levers = [
        guided(9_000.0, "a", crowd_out_share=0.7, segments=("EMB", "APP")),
        guided(20_000.0, "b", crowd_out_share=0.3),
    ]
    plain = month_of(par, rows.copy(), table.copy(), levers)
    rng = np.random.default_rng(seed)
    of_rows, of_funds = rng.permutation(len(rows)), rng.permutation(len(table))
    mixed = month_of(par, rows[of_rows], table[of_funds], levers)
    assert (plain.guided["paid"] > 0).all()
    assert plain.funds["returned"].sum() > 0
    for name in ("cash", "stage", "valuation", "guided", "lock_end", "lock_fund", "aided"):
        assert np.array_equal(mixed.startups[name], plain.startups[name][of_rows]), name
    for name in ("purse", "invested", "returned"):
        assert np.array_equal(mixed.funds[name], plain.funds[name][of_funds]), name
    assert worlds.same(mixed.guided, plain.guided)
    assert worlds.same(mixed.accounts, plain.accounts)


# The purse of a guided fund


def test_a_purse_is_filled_month_by_month_up_to_a_year_of_calls_and_never_beyond(par):
    world, levers = None, [guided(100.0, realisation_share=0.6)]
    for month in range(20):
        world = month_of(par, startups(0), funds(1), levers, month, world)
        assert world.guided["purse"][0] == 60.0 * min(month + 1, 12)
    assert world.guided["called"][0] == 720.0


def test_a_fund_that_has_ended_calls_and_pays_nothing_more():
    par, levers = worlds.parameters(PLAIN), [guided(100.0, months=2)]
    world = None
    for month in range(3):
        world = month_of(par, startups(0), private(1000.0, 1000.0), levers, month, world)
    assert world.guided["called"][0] == 200.0
    world.startups.replace(seekers(1, 100.0))
    world = month_of(par, None, None, levers, 3, world)
    assert world.startups["rounds"][0] == 1
    assert world.guided["paid"][0] == 0.0


# Crowding out


def crowded(par, share: float, table: np.ndarray):
    """Return a month with rounds in which guided money is paid and crowds out so much."""
    rows, _ = crowd()
    return month_of(par, rows, table.copy(), [guided(6_000.0, crowd_out_share=share)])


@pytest.mark.parametrize("share", [0.1, 0.4, 1.0])
def test_crowding_out_takes_its_share_from_purses_by_what_else_funds_could_do_with_them(par, share):
    _, table = crowd()
    free, taken = crowded(par, 0.0, table), crowded(par, share, table)
    paid = free.guided["paid"][0]
    assert taken.guided["paid"][0] == paid
    # segments beside MODEL and EMB: the two lowest bits
    others = (table["segments"] & 1) + ((table["segments"] >> 1) & 1)
    weights = free.funds["purse"] * (others + 0.02)
    wanted = share * paid * weights / weights.sum()
    given = np.minimum(wanted, free.funds["purse"])
    np.testing.assert_allclose(free.funds["purse"] - taken.funds["purse"], given, atol=1e-5)
    np.testing.assert_allclose(taken.funds["returned"] - free.funds["returned"], given, atol=1e-5)
    assert taken.caps["crowd_out_short"][0] == np.count_nonzero(wanted > given)
    assert (wanted > given).any() == (share == 1.0)
    assert np.array_equal(taken.startups["cash"], free.startups["cash"])


def test_no_purse_is_crowded_out_below_nothing():
    world = month_of(
        worlds.parameters(PLAIN), seekers(1, 1000.0), private(501.0), [guided(crowd_out_share=1.0)]
    )
    assert world.guided["paid"][0] == 500.0
    assert world.funds["purse"].tolist() == [0.0]
    assert world.funds["returned"].tolist() == [1.0]
    assert world.caps["crowd_out_short"][0] == 1


def test_where_private_purses_are_empty_nothing_is_crowded_out():
    world = month_of(
        worlds.parameters(PLAIN), seekers(1, 1000.0), private(500.0), [guided(crowd_out_share=1.0)]
    )
    assert world.guided["paid"][0] == 500.0
    assert world.funds[["purse", "returned"]][0].tolist() == (0.0, 0.0)


# The lock

ONLY_DEPARTURE = {"exits.acquisition_per_month": (0.0,) * 6, "exits.listing_per_month": 0.0, "exits.failure_per_month": 0.0,
                  "exits.departure_per_month": 0.25, "exits.departure_rent_exponent": 0.0,
                  "exits.departure_stage_slope": 0.0, "outlook.outside_offer_per_year": 0.0}  # fmt: skip
N = 8000


def held(month: int, levers, **fields):
    """Return a world after the ends of a month, with startups that a guided fund holds."""
    par = worlds.parameters(ONLY_DEPARTURE)
    rows = startups(N, **({"aided": LOCKED, "lock_end": 60, "guided": 2.0, "status": ACTIVE} | fields))
    world = settle(worlds.town(), rows, month)
    policies = Policies(levers, world.grid.tables.zone_index, START)
    world.prepare_for(policies)
    world.guided["paid"], world.guided["called"], world.guided["loss"] = 2.0 * N, 2.0 * N, 0.35
    exits.end_startups(world, par, policies.in_force(month), Draws(1, month))
    return world


def left_of(world) -> np.ndarray:
    """Return who left."""
    return world.startups["status"] == LEFT


@pytest.mark.parametrize(("month", "chance"), [(0, 0.05), (59, 0.05), (60, 0.25)])
def test_a_startup_that_guided_money_holds_departs_a_fifth_as_often_until_the_lock_ends(month, chance):
    checks.check_chance(np.count_nonzero(left_of(held(month, [guided()]))), N, chance)


def test_who_departs_with_the_lock_would_depart_without_it():
    locked, free = (left_of(held(5, [guided()], aided=bits)) for bits in (LOCKED, 0))
    assert not (locked & ~free).any()
    assert free.sum() > locked.sum() > 0


@pytest.mark.parametrize("monthly", [10.0, 1e6])
def test_who_breaks_the_lock_returns_the_money_and_the_public_gets_its_loss_back(monthly):
    world = held(5, [guided(monthly)])
    back = 2.0 * left_of(world).sum()
    (purse,) = world.guided
    assert back > 0
    assert purse.returned == back
    assert purse.purse == min(back, 12 * monthly)
    assert purse.called == purse.purse + purse.paid - purse.returned + purse.handed_back
    assert world.accounts["spent"][0] == pytest.approx(-0.35 * back, abs=1e-5 * N)
    assert (world.startups["guided"] == np.where(left_of(world), 0.0, 2.0)).all()


def test_money_returned_after_the_fund_has_ended_goes_to_the_treasury_and_is_no_loss_either():
    world = held(5, [guided(months=3)])
    back = 2.0 * left_of(world).sum()
    assert back > 0
    assert world.guided["handed_back"][0] == back
    assert world.guided["purse"][0] == 0.0
    assert world.accounts["spent"][0] == pytest.approx(-0.35 * back, abs=1e-5 * N)


def test_who_departs_after_the_lock_returns_nothing():
    world = held(60, [guided()])
    assert left_of(world).any()
    assert world.guided["returned"][0] == 0.0
    assert world.accounts["spent"][0] == 0.0


def test_a_round_with_guided_money_locks_from_its_month_on_and_one_without_does_not():
    world = month_of(worlds.parameters(PLAIN), seekers(2, [100.0, 100.0], segment=[MODEL, APP]), private(900.0),
                     [guided(lock_in_months=24)], month=7)  # fmt: skip
    assert world.startups["rounds"].tolist() == [1, 1]
    assert world.startups["lock_end"][0] == 31
    assert (world.startups["aided"] & LOCKED).tolist() == [LOCKED, 0]


def test_a_fund_without_a_lock_holds_nobody():
    world = month_of(worlds.parameters(PLAIN), seekers(1, 100.0), private(900.0), [guided(lock_in_months=0)])
    assert world.guided["paid"][0] == 50.0
    assert world.startups["aided"][0] == 0
    assert world.startups["guided"][0] == 0.0


# Whole runs

FUND = {
    "id": "fund",
    "kind": "guided-fund",
    "capital_rmb_year": 3e9,
    "crowd_out_share": 0.7,
    "from": "2025-01",
}
HUB = {"id": "hub", "kind": "vc-hub", "zone": "jingxi", "partners": 6, "visitors": 5, "capital_rmb": 2e10,
       "counted_share": 0.8, "cost_rmb_month": 1e6, "from": "2025-09"}  # fmt: skip


def scenario(*levers: dict, **values) -> Scenario:
    """Return the baseline with levers and other values, by dotted key with __ for the dot."""
    changes = {key.replace("__", "."): value for key, value in values.items()}
    return worlds.scenario().with_values({f"policies.{table['id']}": table for table in levers} | changes)


@pytest.mark.parametrize(
    ("fund", "departures"),
    [
        pytest.param(FUND, 0.003, id="usual"),
        pytest.param(FUND | {"capital_rmb_year": 2e7}, 0.02, id="poor"),
        pytest.param(FUND | {"months": 14, "crowd_out_share": 1.0, "match_share": 0.5}, 0.03, id="ends"),
    ],
)
def test_the_books_of_guided_and_private_funds_balance_every_month(fund, departures):
    model = ClusterModel.from_scenario(
        scenario(fund, HUB, exits__departure_per_month=departures, exits__locked_departure_factor=1.0), seed=5
    )
    world, raised, paid, spent = model.world, 0.0, 0.0, 0.0
    for month in range(40):
        limit = model.policies.in_force(month).guided["limit"][0]
        model.step()
        table, (purse,) = world.funds, world.guided
        gap = table["committed"] - sum(table[name] for name in BOOK) + table["recycled"]
        assert np.abs(gap).max() < 1e-9 * table["committed"].max()
        assert min(table["purse"].min(), table["uncalled"].min()) >= 0.0
        assert purse.called == pytest.approx(
            purse.purse + purse.paid - purse.returned + purse.handed_back, abs=1e-4
        )
        assert purse.purse >= 0.0
        assert purse.purse <= limit or limit == 0.0
        raised, paid = (
            raised + world.flows[:, :, FLOW["capital_wan"]].sum(),
            paid + world.flows[:, :, FLOW["guided_wan"]].sum(),
        )
        assert purse.paid == pytest.approx(paid, rel=1e-12)
        assert world.deals.rows["amount"].sum() == pytest.approx(raised, rel=1e-12)
        assert table["invested"].sum() + purse.paid == pytest.approx(raised, rel=1e-12)
        spent += world.accounts["spent"][model.policies.levers[0].id != "fund"]
    assert len(world.funds) == 53
    assert purse.paid > 0
    if departures > 0.01:
        assert purse.returned > 0
    assert spent == pytest.approx(0.35 * (purse.paid - purse.returned), abs=1e-3)


@pytest.mark.parametrize("nothing", [{"capital_rmb_year": 0.0}, {"realisation_share": 0.0}])
def test_a_guided_fund_without_money_changes_no_bit(nothing):
    plain = ClusterModel.from_scenario(worlds.scenario(), seed=1).run(12)
    run = ClusterModel.from_scenario(scenario(FUND | nothing), seed=1).run(12)
    assert run.arrays["series"].tobytes() == plain.arrays["series"].tobytes()
    assert worlds.same(run.rows[12], plain.rows[12])
    assert not run.arrays["costs"].any()


# The hub


def hub(**fields) -> VcHub:
    """Return a hub in the town's last zone."""
    return VcHub(id="hub", kind="vc-hub", from_=START, zone="zone-3", **fields)


def seated(seats: VcHub, par, world=None, months=(0,)):
    """Return a town with ten funds, four of them partners, after a hub's seats were offered."""
    if world is None:
        world = settle(worlds.town(), startups(0))
        world.funds = funds(10, seat=np.arange(10) % 3, partner=[1] * 4 + [0] * 6, uncalled=5e5, committed=5e5,
                            **{worlds.BASE: 1e6 * np.arange(1, 11)})  # fmt: skip
    policies = Policies([seats], world.grid.tables.zone_index, START)
    for month in months:
        fund_table.seat_funds(world, par, policies.in_force(month))
        access.note_seats(world, par, policies.in_force(month))
    return world


@pytest.mark.parametrize("number", [0, 1, 3, 4, 9])
def test_as_many_partner_funds_move_to_the_hub_as_it_has_seats_and_no_other_fund(par, number):
    world = seated(hub(partners=number, cost_rmb_month=1.0), par)
    moved = min(number, 4)
    assert world.funds["seat"].tolist() == [3] * moved + [v % 3 for v in range(moved, 10)]


def test_a_partner_whose_seat_is_in_the_hub_already_takes_no_seat(par):
    near = VcHub(id="hub", kind="vc-hub", from_=START, zone="zone-0", partners=1)
    world = seated(near, par)
    # partners sit in zones 0, 1, 2, 0
    assert world.funds["seat"][:4].tolist() == [0, 0, 2, 0]


def test_seats_are_taken_once_and_kept(par):
    world = seated(hub(partners=2, visitors=3, capital_rmb=6e10, months=2), par, months=range(5))
    assert len(world.funds) == 13
    assert world.funds["seat"][:2].tolist() == [3, 3]


@pytest.mark.parametrize("counted", [0.0, 0.3, 0.8, 1.0])
def test_visiting_funds_add_to_commitments_what_would_not_have_come_anyway(par, counted):
    before = 1e6 * np.arange(1, 11)
    world = seated(hub(visitors=4, capital_rmb=8e10, counted_share=counted), par)
    base = world.funds[worlds.BASE]
    assert base.sum() - before.sum() == pytest.approx((1 - counted) * 8e6, abs=1e-3)
    np.testing.assert_allclose(base[10:], 2e6)
    # all others give the same share of theirs, and V of what they had not called
    share = counted * 8e6 / before.sum()
    np.testing.assert_allclose(base[:10], (1 - share) * before, rtol=1e-9)
    np.testing.assert_allclose(world.funds["uncalled"][:10], (1 - share) * 5e5, rtol=1e-9)
    assert (world.funds["committed"] == world.funds["uncalled"] + world.funds["returned"])[:10].all()
    assert (world.funds["seat"][10:] == 3).all()
    assert len(set(world.funds["uid"].tolist())) == 14


def test_visiting_funds_call_and_invest_from_their_first_month_on():
    model = ClusterModel.from_scenario(scenario(HUB | {"from": "2025-01"}), seed=1)
    model.step()
    visitors = model.world.funds[48:]
    # what the hub states is committed in full: nobody has a record yet
    assert visitors["commitment"].tolist() == [400_000.0] * 5
    assert visitors["committed"].tolist() == [400_000.0] * 5
    assert (visitors["purse"] + visitors["invested"] > 0).all()
    model.run(24)
    assert (model.world.funds["invested"][48:] > 0).all()


def closeness(world, par) -> np.ndarray:
    """Return access to capital from the fund table alone, on the floor space of the world's table."""
    grid = world.grid
    sizes = np.zeros(grid.n_zones)
    np.add.at(sizes, world.funds["seat"], world.funds[worlds.BASE])
    km = np.hypot(grid.zone_x[:, None] - grid.x, grid.zone_y[:, None] - grid.y)
    logs = np.log(sizes @ np.exp(-km / par.access.capital_range_km))
    stock = grid.spread_stock(grid.zone_values("stock_m2"))
    return logs - (stock * logs).sum() / stock.sum()


def test_access_to_capital_follows_the_seats_with_stock_weighted_mean_0_also_beside_new_space(par, start):
    levers = (
        NewSpace(id="space", kind="new-space", zone="yongfeng", phases=(Phase(opens=START, area_m2=5e5),)),
        VcHub(**{**HUB, "from": START}),
    )
    terms = worlds.terms_of(start.grid, levers)
    before = start.log_capital.copy()
    np.testing.assert_allclose(before, closeness(start, par), atol=1e-12)
    land.open_space(start, par, terms)
    fund_table.seat_funds(start, par, terms)
    access.note_seats(start, par, terms)
    np.testing.assert_allclose(start.log_capital, closeness(start, par), atol=1e-12)
    here = start.grid.zone == start.grid.tables.zone_index["jingxi"]
    assert (start.log_capital[here] > before[here] + 0.5).all()


def test_a_hub_takes_nothing_from_funds_without_money():
    early = scenario(HUB | {"from": "2025-02"}, finance__capital_bn_rmb=0.0)
    model = ClusterModel.from_scenario(early, seed=1)
    for _ in range(2):
        model.step()
    visitors = model.world.funds["partner"] == fund_table.VISITOR
    assert visitors.sum() == HUB["visitors"]
    assert (model.world.funds["committed"][visitors] > 0).all()
    assert not model.world.funds["committed"][~visitors].any()


# Mesa's agents


def funds_of(model) -> list[VC]:
    """Return the funds' agents in the order of their table."""
    return sorted(model.agents_by_type[VC], key=lambda fund: fund._position)


def test_visiting_funds_are_agents_from_the_month_in_which_they_come():
    model = ClusterModel.from_scenario(scenario(HUB), seed=1)
    for _ in range(8):
        model.step()
    assert len(funds_of(model)) == 48
    model.step()
    agents = funds_of(model)
    assert [fund._position for fund in agents] == list(range(53))
    assert [fund.name for fund in agents[:7]] == [*(f"Partner {i}" for i in range(1, 7)), "Fund 1"]
    assert [fund.name for fund in agents[47:]] == ["Fund 42", *(f"Visitor {i}" for i in range(1, 6))]
    assert {fund.zone for fund in agents[:6] + agents[48:]} == {"jingxi"}
    assert agents[48].purse > 0
    assert set(agents) <= set(model.agents)
    assert len({agent.unique_id for agent in model.agents}) == len(model.agents)
    agents[50].capital = 0.0
    invested = agents[50].invested
    model.run(12)
    assert agents[50].invested == invested
    assert len(funds_of(model)) == 53


# Checkpoints


@pytest.mark.parametrize("saved_after", [2, 17])
def test_a_model_saved_amid_its_levers_goes_on_bit_for_bit(tmp_path, saved_after):
    values = scenario(*(lever(kind) for kind in LEVERS), HUB, FUND)
    whole, model = (ClusterModel.from_scenario(values, seed=3) for _ in range(2))
    whole.run(saved_after)
    model.run(saved_after)
    model.save(tmp_path / "model.npz")
    again = ClusterModel.load(tmp_path / "model.npz")
    assert again.run(20).digest == whole.run(20).digest
    assert worlds.same(again.world.funds, whole.world.funds)
    assert worlds.same(again.world.guided, whole.world.guided)
    assert worlds.same(again.world.accounts, whole.world.accounts)
    own, other = ([(f.unique_id, f.name, f.capital) for f in funds_of(each)] for each in (again, whole))
    assert own == other


# What the market makes of it

SEEDS = range(1, 11)


def paired(one: Scenario, other: Scenario, value, months: int = 60) -> np.ndarray:
    """Return a number of each seed's run of one scenario less that of the other."""
    runs = [[value(ClusterModel.from_scenario(s, seed).run(months)) for s in (one, other)] for seed in SEEDS]
    return np.array([a - b for a, b in runs])


def raised(run) -> float:
    """Return all money raised [RMB]."""
    return run.arrays["series"][..., POSITION["capital_rmb"]].sum()


def firms(run) -> float:
    """Return startups and listed firms at the end."""
    last = run.arrays["series"][-1]
    return last[..., POSITION["startups"]].sum() + last[..., POSITION["listed"]].sum()


@pytest.mark.slow
def test_where_private_money_is_short_and_crowded_out_a_guided_fund_does_not_raise_total_capital():
    short = {"finance__capital_bn_rmb": 160.0 * 25 / 40}
    fund = FUND | {"crowd_out_share": 1.0, "capital_rmb_year": 1e9, "realisation_share": 1.0}
    gain = paired(scenario(fund, **short), scenario(**short), raised)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    assert gain.mean() < 2.3 * error, f"{gain.mean() / 1e9:+.2f} +- {error / 1e9:.2f} bn RMB"


@pytest.mark.slow
def test_where_nothing_is_crowded_out_a_guided_fund_raises_total_capital():
    fund = FUND | {"crowd_out_share": 0.0, "capital_rmb_year": 1e9, "realisation_share": 1.0}
    short = {"finance__capital_bn_rmb": 160.0 * 25 / 40}
    gain = paired(scenario(fund, **short), scenario(**short), raised)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    assert gain.mean() > 2.3 * error, f"{gain.mean() / 1e9:+.2f} +- {error / 1e9:.2f} bn RMB"


@pytest.mark.slow
def test_a_funding_winter_lowers_the_number_of_firms():
    winter = {"id": "winter", "kind": "funding-climate", "factor": 0.6, "from": "2025-01"}
    gain = paired(scenario(winter), scenario(), firms)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    assert gain.mean() < -2.3 * error, f"{gain.mean():+.1f} +- {error:.1f} firms"
