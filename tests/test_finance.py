"""Finance: who looks for money, the funds, the ranked list of pairs, and money that is never made or lost."""

import math

import checks
import numpy as np
import pytest
import worlds
from scipy import stats
from worlds import APP, LONG, OPC, funds, settle, startups

from sim import matching
from sim.ledger import NEVER
from sim.processes import finance
from sim.processes import funds as funds_process
from sim.randomness import Draws, combine, uniform
from sim.terms import GUIDED
from sim.world import HOLDING, exact

PLAIN = {"finance.taste_sd": 0.0, "finance.ticket_share": 1.0, "finance.seek_factor": 0.0}


def seekers(n: int, ask, **fields) -> np.ndarray:
    """Return startups that already look for a sum of money."""
    return startups(n, **({"ask": ask, "search_end": LONG, "stage": 1} | fields))


def closed(par, rows, table, month: int = 0):
    """Return a world after one month of matching."""
    world = settle(worlds.town(), rows, month)
    world.funds = table
    funds_process.call_capital(world, par, worlds.terms_of(world.grid))
    finance.close_rounds(world, par, worlds.terms_of(world.grid), Draws(1, month))
    return world


# Matching by hand: two seekers and two funds; both like fund 1 better, and both funds like startup 1 better

TWO = {"log_capability": [0.3, 0.0], "cell": [0, 1]}


def two_funds(first: float, second: float) -> np.ndarray:
    """Return two funds without a monthly call, one in the startups' zone and one far away."""
    return funds(2, purse=[first, second], seat=[0, 3], uncalled=0.0)


def test_a_round_with_six_tenths_of_its_ask_closes_on_what_there_is():
    world = closed(worlds.parameters(PLAIN), seekers(2, [10.0, 10.0], **TWO), two_funds(10.0, 6.0))
    assert world.startups["stage"].tolist() == [2, 2]
    assert world.startups["cash"].tolist() == [1010.0, 1006.0]
    assert world.funds["purse"].tolist() == [0.0, 0.0]


def test_the_first_investor_must_bring_three_tenths_and_the_others_a_twentieth():
    par = worlds.parameters(PLAIN | {"finance.distance_weight": 1.0})
    for purses, stage in (((2.9, 9.0), 2), ((3.0, 6.9), 2), ((9.0, 0.4), 2), ((2.9, 2.9), 1)):
        world = closed(par, seekers(1, 10.0), two_funds(*purses))
        assert world.startups["stage"].tolist() == [stage], purses
    # 2.9 cannot lead: the far fund leads with 7.5 and the near one is not asked again
    world = closed(par, seekers(1, 10.0), two_funds(2.9, 7.5))
    assert world.deals.rows["lead"].tolist() == [1]
    assert world.deals.rows["amount"].tolist() == [7.5]
    # 0.4 is too little to follow
    world = closed(par, seekers(1, 10.0), two_funds(9.0, 0.4))
    assert world.deals.rows["amount"].tolist() == [9.0]


def test_no_ticket_is_larger_than_the_funds_largest():
    par = worlds.parameters(PLAIN | {"finance.ticket_share": 0.16})
    table = funds(1, purse=100.0, commitment=50.0)
    world = closed(par, seekers(1, 10.0), table)
    assert world.deals.rows["amount"].tolist() == [8.0]


def test_a_fund_looks_only_at_its_segments_and_rounds_and_above_its_bar():
    par = worlds.parameters(PLAIN)
    base = {"purse": 100.0}
    for fund, firm, deals in (
        ({}, {}, 1),
        ({"segments": 0b1101}, {}, 0),
        ({"segments": 0b0010}, {}, 1),
        ({"first_round": 2}, {}, 0),
        ({"last_round": 0}, {}, 0),
        ({"first_round": 1, "last_round": 1}, {}, 1),
        ({"first_round": 4, "last_round": 4}, {"stage": 5}, 1),
        ({}, {"log_capability": -1.3}, 0),
        ({}, {"log_capability": -1.1}, 1),
    ):
        world = closed(par, seekers(1, 10.0, **firm), funds(1, **(base | fund)))
        assert world.deals.n == deals, (fund, firm)


def test_the_score_falls_with_distance_to_the_seat():
    par = worlds.parameters(PLAIN | {"finance.score_bar": -0.1})
    # 0.4 per 3 km: half a kilometre costs 0.067, one and a half 0.2
    for seat, deals in ((1, 1), (3, 0)):
        assert closed(par, seekers(1, 10.0, cell=1), funds(1, purse=10.0, seat=seat)).deals.n == deals


def crowd(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return many seekers and funds of all sorts."""
    rng = np.random.default_rng(2)
    rows = seekers(n, np.round(rng.lognormal(7, 1, n), 3), segment=rng.integers(0, 4, n), cell=rng.integers(0, 12, n),
                   log_capability=rng.normal(0, 0.6, n))  # fmt: skip
    table = funds(20, purse=np.round(rng.lognormal(8, 1, 20), 2), seat=rng.integers(0, 4, 20),
                  commitment=np.round(rng.lognormal(10, 0.5, 20)), segments=rng.integers(1, 16, 20))  # fmt: skip
    return rows, table


def scores_by_the_book(par, world, firm, key) -> list[tuple[float, int]]:
    """Return the score and the fund of each pair of a startup, in plain Python."""
    f, out = par.finance, []
    for v, fund in enumerate(world.funds):
        step = min(firm["stage"], 4)
        if not (
            fund["segments"] >> firm["segment"] & 1 and fund["first_round"] <= step <= fund["last_round"]
        ):
            continue
        u = uniform(np.uint64(combine(key, firm["uid"])), fund["uid"], int(firm["stage"]))
        far = world.grid.zone_distance[firm["cell"], fund["seat"]] / par.access.capital_range_km
        out.append((firm["log_capability"] - f.distance_weight * far + f.taste_sd * stats.norm.ppf(u), v))
    return out


def by_the_book(par, world, key) -> list[tuple[int, int, float]]:
    """Go down the sorted list of all pairs in plain Python; return the commitments made."""
    f, funds, rows = par.finance, world.funds, world.startups.whole()
    pairs = [(-score, int(firm["uid"]), int(funds["uid"][v]), i, v)
             for i, firm in enumerate(rows)
             for score, v in scores_by_the_book(par, world, firm, key) if score > f.score_bar]  # fmt: skip
    need, made, purse = rows["ask"].copy(), np.zeros(len(rows)), funds["purse"].copy()
    out = []
    for *_, i, v in sorted(pairs):
        amount = min(need[i], purse[v], exact(f.ticket_share * funds["commitment"][v]))
        if amount > 0 and amount >= rows["ask"][i] * (f.lead_share if made[i] == 0 else f.follow_share):
            out.append((i, v, amount))
            purse[v], need[i], made[i] = purse[v] - amount, need[i] - amount, made[i] + 1
    return out


@pytest.mark.parametrize("scarcity", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_the_commitments_are_those_of_the_sorted_list_in_however_many_parts(par, parts, scarcity):
    rows, table = crowd(200)
    table["purse"] /= scarcity
    world, key = settle(worlds.town(), rows), np.uint64(99)
    world.funds = table
    expected = by_the_book(par, world, key)
    order, everybody = np.argsort(table["uid"]), np.arange(len(rows))
    found = finance.match(*world.startups.parts, everybody, 0, table.copy(), order, world.grid.zone_distance, par.table,
                          key, parts, np.zeros(0, GUIDED), world.guided, world.accounts, world.caps)[:3]  # fmt: skip
    assert [(i, v) for i, v, _ in zip(*found, strict=True)] == [(i, v) for i, v, _ in expected]
    np.testing.assert_allclose(found[2], [amount for *_, amount in expected], rtol=1e-12)
    assert len(expected) > 20


def test_a_highest_taste_is_just_above_all_tastes_of_its_chances():
    highest = matching.HIGHEST_TASTES
    quantiles = stats.norm.ppf(np.arange(1, 512) / 512)
    assert (quantiles < highest[:-1]).all()
    assert (highest[:-1] < quantiles + 2e-9).all()
    assert highest[-1] > stats.norm.isf(2.0**-53)


def test_the_first_bits_of_a_pair_are_those_of_its_uniform_number():
    own = [np.uint64(combine(np.uint64(7), np.uint64(k))) for k in range(2000)]
    rows = [int(matching.first_bits(key, np.uint64(5))) for key in own]
    assert rows == [int(512 * uniform(key, np.uint64(5), 0)) for key in own]
    assert len(set(rows)) > 400


def test_no_score_is_above_its_bound(par):
    rows, table = crowd(200)
    world, key, f = settle(worlds.town(), rows), np.uint64(99), par.finance
    world.funds = table
    uids, everybody = table["uid"].argsort(), np.arange(len(rows))
    asking = matching.read_seekers(*world.startups.parts, everybody, key)
    rich = np.full(len(table), 1e9)
    focus = matching.funds_in_focus(table, uids, rich, rich, 0.0)
    by_km = f.distance_weight / par.access.capital_range_km
    bound = matching.highest_scores(
        asking, focus, world.grid.zone_distance, by_km, f.taste_sd * matching.HIGHEST_TASTES
    )
    gaps = []
    for i, firm in enumerate(rows):
        scores = [score for score, _ in scores_by_the_book(par, world, firm, key)]
        assert max(scores) <= bound[i]
        gaps.append(bound[i] - max(scores))
    assert np.median(gaps) < 0.02


def test_like_pairs_stand_in_the_list_by_uid():
    # two startups alike in everything, and money for one
    rows = seekers(2, 10.0, log_capability=0.3, cell=1)
    for flip in (1, -1):
        world = closed(worlds.parameters(PLAIN), rows[::flip].copy(), funds(1, purse=10.0, uncalled=0.0))
        served = world.startups["uid"][world.startups["rounds"] == 1]
        assert served.tolist() == [rows["uid"].min()]


def test_a_fund_without_money_changes_who_is_funded(par):
    rows, table = crowd()
    plain = closed(par, rows.copy(), table.copy())
    poor = table.copy()
    poor["purse"][np.argmax(table["purse"])] = 0.0
    poor["commitment"][np.argmax(table["purse"])] = 0.0
    other = closed(par, rows.copy(), poor)
    assert set(other.deals.rows["uid"].tolist()) != set(plain.deals.rows["uid"].tolist())
    assert other.deals.rows["amount"].sum() < plain.deals.rows["amount"].sum()


def test_no_purse_holds_more_than_a_year_of_calls_and_no_more_is_called_than_committed(par):
    world = settle(worlds.town(), startups(0))
    world.funds = funds(3, commitment=4800.0, uncalled=[4800.0, 30.0, 4800.0], purse=[0.0, 0.0, 1150.0])
    funds_process.call_capital(world, par, worlds.terms_of(world.grid))
    assert world.funds["purse"].tolist() == [100.0, 30.0, 1200.0]
    assert world.funds["uncalled"].tolist() == [4700.0, 0.0, 4750.0]


def test_a_new_period_returns_what_was_not_called_and_rewards_performance(par):
    world = settle(worlds.town(), startups(0), month=49)
    world.funds = funds(2, **{worlds.BASE: 1000.0}, commitment=700.0, uncalled=60.0, committed=700.0, all_invested=100.0,
                        all_proceeds=[300.0, 0.0])  # fmt: skip
    funds_process.call_capital(world, par, worlds.terms_of(world.grid))
    # records 3.5 and 0.5 over their mean 2 are 1.75 and 0.25, the latter held at 0.5
    np.testing.assert_allclose(world.funds["commitment"], [1000 * 1.75**0.25, 1000 * 0.5**0.25], atol=1e-6)
    assert world.caps["fund_cap"][0] == 1
    assert world.funds["returned"].tolist() == [60.0, 60.0]
    np.testing.assert_allclose(world.funds["committed"], 700.0 + world.funds["commitment"], rtol=1e-12)


# Seeking


def searching(par, n: int, months: int, **fields) -> int:
    """Return how many of n startups have begun to look for money within some months from their gap on."""
    stage = fields.get("stage", 0)
    gap = int(par.finance.first_gap_months if stage == 0 else par.finance.gap_months)
    world = settle(worlds.town(), startups(n, last_round=-gap, **fields))
    for month in range(months):
        world.month = month
        finance.close_rounds(world, par, worlds.terms_of(world.grid), Draws(1, month))
    return np.count_nonzero(world.startups["search_end"] != NEVER)


@pytest.mark.parametrize("stage", range(6))
def test_the_hazard_gives_the_stated_chance_over_its_window(stage):
    lasting = {"finance.seek_factor": 1.0, "finance.first_round_factor": 1.0, "finance.stale_factor": 1.0,
               "finance.first_round_segment_factor": (1.0,) * 4, "finance.search_months": 120}  # fmt: skip
    par = worlds.parameters(lasting)
    chance = (0.45, 0.50, 0.49, 0.44, 0.40, 0.40)[stage]
    hits = searching(par, 8000, 36 if stage == 0 else 30, stage=stage, log_capability=0.0)
    checks.check_chance(hits, 8000, chance)


def test_from_the_gap_to_staleness_lies_the_window_of_a_later_round(par):
    factors = [finance.by_gap(1, gap, par.finance) for gap in range(60)]
    assert factors.count(1.0) == 30
    assert factors[:7] == [0.0] * 7
    assert factors[37:] == [0.25] * 23
    assert [finance.by_gap(0, gap, par.finance) for gap in (2, 3, 36, 37)] == [0.0, 1.0, 1.0, 0.25]


def test_the_base_hazard_is_that_of_the_book(par):
    f = par.finance
    assert finance.base_hazard(APP, 0, f) == pytest.approx(1.55 * 0.85 * 1.6 * -math.log(0.55) / 36)
    assert finance.base_hazard(OPC, 0, f) == pytest.approx(1.55 * 0.85 * 0.25 * -math.log(0.55) / 36)
    assert finance.base_hazard(APP, 3, f) == pytest.approx(1.55 * -math.log(0.56) / 30)
    assert finance.base_hazard(APP, 5, f) == finance.base_hazard(APP, 4, f)


def test_quality_raises_the_hazard_up_to_its_cap(par):
    assert finance.by_quality(0.0, par.finance) == 1.0
    assert finance.by_quality(math.log(2.0), par.finance) == pytest.approx(2**0.8)
    assert finance.by_quality(9.0, par.finance) == 4.0


@pytest.mark.parametrize("log_capability", [-1.0, 0.0, 1.0, 3.0])
def test_a_search_begins_below_the_exact_chance_and_not_above(par, log_capability):
    whole = 0.08 * min(math.exp(0.8 * log_capability), 4.0)
    chance = 1 - math.exp(-whole)
    assert finance.begins_search(chance * (1 - 1e-9), 0.08, log_capability, par.finance)
    assert not finance.begins_search(chance * (1 + 1e-9), 0.08, log_capability, par.finance)


def searches(pause: int) -> tuple[list[int], list[int], int]:
    """Return how long searches last in which no fund gives money, how long it is to the next, and how many expired."""
    par = worlds.parameters({"finance.seek_factor": 20.0, "finance.seek_quality_exponent": 0.0,
                             "finance.pause_months": pause})  # fmt: skip
    world = settle(worlds.town(), startups(400, stage=4))
    looking = np.zeros((40, 400), dtype=bool)
    for month in range(40):
        world.month = month
        finance.close_rounds(world, par, worlds.terms_of(world.grid), Draws(1, month))
        looking[month] = world.startups["search_end"] > month
    lengths, pauses = [], []
    for firm in looking.T:
        edges = np.flatnonzero(np.diff(firm.astype(int)))
        runs = np.diff(edges)
        inner = firm[edges[:-1] + 1]
        lengths += runs[inner].tolist()
        pauses += runs[~inner].tolist()
    return lengths, pauses, int(world.caps["search_expired"][0])


def test_a_search_lasts_nine_months_and_then_pauses_for_six():
    lengths, pauses, expired = searches(pause=6)
    assert set(lengths) == {9}
    assert min(pauses) == 6
    assert expired > 400


def test_without_a_pause_the_next_search_may_begin_in_the_month_in_which_the_last_ends():
    lengths, _, _ = searches(pause=0)
    assert {9, 18} <= set(lengths)
    assert not any(months % 9 for months in lengths)
    assert set(searches(pause=1)[0]) == {9}


def test_the_money_asked_for_is_lognormal_about_its_median():
    par = worlds.parameters({"finance.seek_factor": 20.0})
    world = settle(worlds.town(), startups(6000, stage=1, log_capability=3.0))
    for month in range(12):
        world.month = month
        finance.close_rounds(world, par, worlds.terms_of(world.grid), Draws(1, month))
    asks = world.startups["ask"]
    noise = np.log(asks[asks > 0] / 3300.0) / 0.8  # 33 million RMB
    assert noise.size > 5000
    assert stats.kstest(noise, "norm").pvalue > 1e-4


def test_money_asked_for_is_in_wan_and_scales_by_segment(par):
    assert finance.ask_for(APP, 0, 0.0, par.finance) == 940.0
    assert finance.ask_for(OPC, 0, 0.0, par.finance) == 235.0
    assert finance.ask_for(APP, 5, 0.0, par.finance) == finance.ask_for(APP, 4, 0.0, par.finance) == 81_900.0


# Rounds


def test_a_round_values_the_firm_by_its_stake_and_makes_a_one_person_company_an_application_company(par):
    rows = seekers(1, 90.0, stage=0, segment=OPC)
    world = closed(worlds.parameters(PLAIN), rows, funds(1, purse=1000.0), month=7)
    firm = world.startups.whole()[0]
    assert (firm["stage"], firm["segment"], firm["rounds"], firm["last_round"]) == (1, APP, 1, 7)
    assert firm["valuation"] == pytest.approx(90.0 / 0.18)
    assert firm["search_end"] == NEVER
    assert world.deals.rows["segment"].tolist() == [OPC]


def test_shares_add_up_to_the_stake_sold_in_proportion_to_the_money():
    par = worlds.parameters(PLAIN)
    world = closed(par, seekers(1, 10.0), funds(3, purse=[5.0, 3.0, 2.0], seat=[0, 1, 2]))
    held = world.holdings.rows
    assert held.dtype == HOLDING
    by_fund = dict(zip(held["fund"].tolist(), held["share"].tolist(), strict=True))
    assert by_fund == pytest.approx({0: 0.09, 1: 0.054, 2: 0.036})
    assert sum(by_fund.values()) == pytest.approx(0.18)


def test_the_last_stage_raises_again_and_stays(par):
    world = closed(worlds.parameters(PLAIN), seekers(1, 10.0, stage=5), funds(1, purse=100.0))
    assert world.startups["stage"].tolist() == [5]
    assert world.startups["rounds"].tolist() == [1]


# The table of funds


@pytest.fixture(scope="module")
def tables():
    """Return the fund tables of many seeds."""
    par, world, out = worlds.parameters(), worlds.start_world(), []
    for seed in range(120):
        funds_process.found_funds(world, par, Draws(seed, -144))
        out.append(world.funds.copy())
    return out


def test_fund_sizes_sum_to_the_regions_capital(tables):
    for table in tables[:5]:
        assert len(table) == 48
        assert table[worlds.BASE].sum() == pytest.approx(160e5, abs=1e-3)  # 160 billion RMB in wan


def test_partner_funds_are_alike_and_invest_in_everything(tables):
    index = worlds.start_world().grid.tables.zone_index
    for table in tables[:5]:
        partners = table[table["partner"] == 1]
        assert len(partners) == 6
        assert len(set(partners[worlds.BASE].tolist())) == 1
        assert set(partners["segments"].tolist()) == {15}
        assert set(zip(partners["first_round"].tolist(), partners["last_round"].tolist(), strict=True)) == {
            (0, 4)
        }
        seats = [index[z] for z in ("wudaokou", "wudaokou", "zgc-west", "zgc-west", "raycom", "raycom")]
        assert sorted(partners["seat"].tolist()) == sorted(seats)


def test_the_other_sizes_are_a_power_law_of_their_rank(tables):
    others = tables[0][tables[0]["partner"] == 0]
    partner = tables[0][tables[0]["partner"] == 1][worlds.BASE][0]
    rank = (np.arange(42) + 0.5) / 42
    np.testing.assert_allclose(others[worlds.BASE] / partner, 0.12 * rank ** (-1 / 1.1), rtol=1e-6)


def test_funds_have_two_to_four_segments_and_application_brings_one_person_companies(tables):
    bits = np.concatenate([table[table["partner"] == 0]["segments"] for table in tables])
    count = sum((bits >> s) & 1 for s in range(4))
    assert count.min() == 2
    assert count.max() == 4
    assert np.all(((bits >> OPC) & 1)[((bits >> APP) & 1) == 1] == 1)
    # drawn: 2, 3 or 4 of 4; APP alone (no OPC) gains a segment: 2 of 6 pairs, 1 of 4 triples
    chance = {2: 1 / 3 * 4 / 6, 3: 1 / 3 * 2 / 6 + 1 / 3 * 3 / 4, 4: 1 / 3 + 1 / 3 * 1 / 4}
    for number, expected in chance.items():
        checks.check_chance(np.count_nonzero(count == number), count.size, expected)


def test_seats_rounds_and_phases_follow_their_distributions(tables):
    world = worlds.start_world()
    weights = world.grid.tables.settings["funds"]["seat_weights"]
    others = np.concatenate([table[table["partner"] == 0] for table in tables])
    for name, weight in weights.items():
        seat = world.grid.tables.zone_index[name]
        checks.check_chance(
            np.count_nonzero(others["seat"] == seat), others.size, weight / sum(weights.values())
        )
    offsets = np.bincount(others["offset"], minlength=48)
    assert offsets.size == 48
    assert stats.chisquare(offsets).pvalue > 1e-4
    rank = np.tile((np.arange(42) + 0.5) / 42, len(tables))
    large, small = others[rank < 0.3], others[rank >= 0.6]
    middle = others[(rank >= 0.3) & (rank < 0.6)]
    assert set(large["last_round"].tolist()) == {4}
    assert set(middle["first_round"].tolist()) == {0}
    assert set(middle["last_round"].tolist()) == {3}
    assert set(small["first_round"].tolist()) == {0}
    checks.check_chance(np.count_nonzero(large["first_round"] == 1), large.size, 0.5)
    checks.check_chance(np.count_nonzero(small["last_round"] == 1), small.size, 0.5)
    assert set(large["first_round"].tolist()) == set(small["last_round"].tolist()) == {1, 2}
