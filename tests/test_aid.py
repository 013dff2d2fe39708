"""Aid: vouchers, R&D subsidies and public orders, their caps, their budgets, and what they do."""

import math

import numpy as np
import pytest
import worlds
from worlds import APP, EMB, lever, settle, startups

from sim import ClusterModel
from sim.ledger import LISTED, SUPPORTED
from sim.processes import aid, operations
from sim.randomness import Draws, combine, uniform

WAN = 10_000.0
STEP = 2.0**-20  #: of amounts [wan]
COMPUTE = np.array([0.20, 0.15, 0.80, 0.25])
WAGES = np.array([1.8, 3.6, 5.5, 3.9])
OVERHEAD = np.array([0.1, 0.2, 0.4, 0.6, 0.7, 0.7])


def crowd(n: int = 24, **fields) -> np.ndarray:
    """Return startups of every segment, stage and place, of different sizes."""
    i = np.arange(n)
    return startups(n, **({"segment": i % 4, "stage": i % 6, "cell": i % 12, "heads": np.linspace(1.0, 60.0, n)}
                          | fields))  # fmt: skip


def grant(
    world, par, levers, seed: int = 1, start: str = "2025-01", months: int = 1
) -> dict[str, np.ndarray]:
    """Let months of aid pass; return what each account noted, (months, n_levers), by name."""
    noted = []
    for _ in range(months):
        month = world.month
        terms = worlds.terms_of(world.grid, levers, month, start)
        world.begin_month((int(start[5:]) - 1 + month) % 12 == 0)
        aid.grant_aid(world, par, terms, Draws(seed, month))
        noted.append(world.accounts[: len(levers)].copy())
        world.month += 1
    return {
        name: np.array([row[name] for row in noted]) for name in ("spent", "spent_year", "served", "refused")
    }


def full_amounts(rows, kind: str, share: float, wage: float, price: float) -> np.ndarray:
    """Return what startups would receive in a month without cap and budget [wan]."""
    payroll = rows["heads"] * WAGES[rows["segment"]] * wage
    if kind == "rd-subsidy":
        return share * payroll
    if kind == "compute-voucher":
        return share * COMPUTE[rows["segment"]] * payroll * price**0.3 * (1 - share) ** -0.7
    rates = 1 + OVERHEAD[rows["stage"]] + COMPUTE[rows["segment"]]
    return share * (payroll * rates + rows["heads"] * 12 * 150 / WAN * wage)


def own(kind: str, **fields):
    """Return aid for everybody without a cap."""
    more = {"segments": ("OPC", "APP", "MODEL", "EMB")} | (
        {"cap_rmb_year": None} if kind == "compute-voucher" else {}
    )
    return lever(kind, **(more | fields))


KINDS = ("compute-voucher", "rd-subsidy", "public-orders")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_startup_receives_the_share_of_its_bill_its_wages_or_its_reference_cost(kind, share, par):
    world = settle(worlds.town(), crowd())
    world.labour["wage"] = 1.15
    worlds.at_price(world, 0.9, par)
    noted = grant(world, par, (own(kind, share=share),))
    expected = full_amounts(world.startups, kind, share, 1.15, 0.9)
    np.testing.assert_allclose(world.startups["subsidy"], expected, rtol=0, atol=STEP)
    assert noted["spent"][0, 0] == pytest.approx(expected.sum(), abs=24 * STEP)
    assert noted["served"][0, 0] == 24
    assert noted["refused"][0, 0] == 0
    if kind != "compute-voucher":
        assert np.array_equal(world.startups["support"], world.startups["subsidy"])


@pytest.mark.parametrize("passed_on", [0.0, 0.5, 1.0])
def test_public_orders_pay_the_prices_that_firms_can_charge(passed_on):
    par = worlds.parameters({"operations.wage_passed_on": passed_on})
    world = settle(worlds.town(), crowd())
    world.labour["wage"] = 1.3
    grant(world, par, (own("public-orders", share=0.2),))
    expected = full_amounts(world.startups, "public-orders", 0.2, 1.0, 1.0) * 1.3**passed_on
    np.testing.assert_allclose(world.startups["subsidy"], expected, rtol=0, atol=STEP)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("elasticity", [0.0, 0.35, 0.7, 1.0])
def test_the_public_pays_its_share_of_a_bill_that_grew_and_the_holder_saves_less(share, elasticity):
    par = worlds.parameters({"compute.price_elasticity": elasticity})
    world = settle(worlds.town(), crowd())
    worlds.at_price(world, 1.2, par)
    grant(world, par, (own("compute-voucher", share=share),))
    bill = COMPUTE[world.startups["segment"]] * world.startups["heads"] * WAGES[world.startups["segment"]]
    bill = bill * 1.2 ** (1 - elasticity)
    grown = bill * (1 - share) ** -elasticity  # a holder pays (1 - v) p for a unit, and so wants more units
    np.testing.assert_allclose(world.startups["subsidy"], share * grown, rtol=0, atol=STEP)
    np.testing.assert_allclose(world.startups["support"], bill - (1 - share) * grown, rtol=0, atol=STEP)
    np.testing.assert_allclose(
        world.startups["support"], bill * (1 - (1 - share) ** (1 - elasticity)), rtol=0, atol=STEP
    )
    # what the public pays is what holders save and the compute that they use more
    more = world.compute["voucher_gpu"][0] * 1.2 * 0.6
    assert (world.startups["subsidy"] - world.startups["support"]).sum() == pytest.approx(more, abs=24 * STEP)


def test_a_voucher_at_its_cap_buys_the_part_that_it_pays_for(par):
    rows = crowd()
    whole, half = settle(worlds.town(), rows), settle(worlds.town(), rows[20:21])
    grant(whole, par, (own("compute-voucher", share=0.5),))
    amount = float(whole.startups["subsidy"][20])
    grant(half, par, (own("compute-voucher", share=0.5, cap_rmb_year=0.5 * amount * WAN),))
    assert half.startups["subsidy"][0] == pytest.approx(0.5 * amount, abs=STEP)
    assert half.startups["support"][0] == pytest.approx(0.5 * whole.startups["support"][20], abs=STEP)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", ["2025-01", "2025-04", "2025-12"])
def test_nobody_receives_more_than_the_cap_in_a_calendar_year_and_each_year_begins_anew(kind, start, par):
    cap, rows = 20.0, crowd()
    world = settle(worlds.town(), rows)
    aids = (own(kind, share=0.4, cap_rmb_year=cap * WAN, from_=start),)
    amount = full_amounts(rows, kind, 0.4, 1.0, 1.0)
    assert amount.min() * 12 < cap < amount.max()  # some never reach it, some reach it at once
    year = (int(start[5:]) - 1 + np.arange(30)) // 12
    received, before = np.zeros((year[-1] + 1, 24)), np.zeros(24)
    for month in range(30):
        grant(world, par, aids, start=start)
        received[year[month]] += world.startups["subsidy"] - before
        before = world.startups["subsidy"].copy()
        assert np.all(received <= cap)
    for k in range(year[-1] + 1):
        expected = np.minimum(np.count_nonzero(year == k) * amount, cap)
        np.testing.assert_allclose(received[k], expected, rtol=0, atol=13 * STEP)


def test_caps_of_different_kinds_of_aid_are_apart(par):
    aids = tuple(own(kind, share=0.9, cap_rmb_year=1e4) for kind in KINDS)
    world = settle(worlds.town(), crowd(heads=50.0))
    grant(world, par, aids, months=6)
    np.testing.assert_allclose(world.startups["subsidy"], 3.0, rtol=0, atol=6 * STEP)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", ["2025-01", "2025-07"])
def test_the_years_budget_is_never_exceeded_is_used_up_and_begins_anew_in_january(kind, start, par):
    rows = crowd(60)
    amount = full_amounts(rows, kind, 0.3, 1.0, 1.0)
    budget = 3.4 * amount.sum()  # three months and part of the fourth
    world = settle(worlds.town(), rows)
    noted = grant(world, par, (own(kind, share=0.3, budget_rmb_year=budget * WAN, from_=start),), start=start,
                  months=30)  # fmt: skip
    spent, refused, served = (noted[name][:, 0] for name in ("spent", "refused", "served"))
    year = (int(start[5:]) - 1 + np.arange(30)) // 12
    for k in range(year[-1] + 1):
        whole = spent[year == k].sum()
        assert whole <= budget
        assert whole > budget - amount.max()
        within = np.flatnonzero(year == k)
        assert not refused[within[:3]].any()
        assert refused[within[3:]].all()
        np.testing.assert_array_equal(noted["spent_year"][within, 0], np.cumsum(spent[within]))
    np.testing.assert_array_equal(served + refused, 60)


def test_where_money_is_short_startups_are_served_in_an_order_of_their_own_that_lasts(par):
    rows = crowd(50, heads=np.linspace(5.0, 9.0, 50), segment=APP)
    amount = full_amounts(rows, "rd-subsidy", 0.2, 1.0, 1.0)
    aids = (own("rd-subsidy", share=0.2, budget_rmb_year=1.5 * amount.sum() * WAN),)
    world = settle(worlds.town(), rows)
    lever = np.uint64(worlds.terms_of(world.grid, aids).aids["key"][0])
    key = np.uint64(combine(Draws(7, 0).once("aid"), lever))
    lots = np.array([uniform(key, uid, 0) for uid in rows["uid"]])
    order = np.argsort(lots)
    reach = int(np.searchsorted(np.cumsum(amount[order]), 0.5 * amount.sum(), side="right"))
    for month in range(26):
        grant(world, par, aids, seed=7)
        paid = np.flatnonzero(world.startups["support"])
        if month % 12 == 0:
            assert len(paid) == 50
        if month % 12 == 1:  # half of what would be needed is left, in both years for the same startups
            assert set(paid.tolist()) == set(order[:reach].tolist())
    other = settle(worlds.town(), rows)
    grant(other, par, aids, seed=8, months=2)
    assert set(np.flatnonzero(other.startups["support"]).tolist()) != set(order[:reach].tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_decides_nothing(kind, par):
    rows = crowd(200)
    budget = 2.3 * full_amounts(rows, kind, 0.3, 1.0, 1.0).sum()
    aids = (own(kind, share=0.3, budget_rmb_year=budget * WAN, cap_rmb_year=40 * WAN),)
    found = []
    for order in (np.arange(200), np.arange(200)[::-1], np.random.default_rng(2).permutation(200)):
        world = settle(worlds.town(), rows[order])
        noted = grant(world, par, aids, months=15)
        whole = world.startups.whole()
        back = whole[np.argsort(whole["uid"])]
        found.append([back[name].tobytes() for name in ("subsidy", "support", "aided")]
                     + [noted[name].tobytes() for name in noted] + [world.compute.tobytes()])  # fmt: skip
    assert found[0] == found[1] == found[2]


def test_what_startups_receive_is_what_the_public_pays(par):
    """Several levers at once, with caps and budgets and heads that change."""
    aids = (own("compute-voucher", share=0.5, cap_rmb_year=30 * WAN, budget_rmb_year=900 * WAN),
            own("rd-subsidy", share=0.15, zones=("zone-1", "zone-3"), budget_rmb_year=1500 * WAN, months=20),
            own("public-orders", share=0.05, segments=("APP", "EMB"), cap_rmb_year=60 * WAN, from_="2025-08"),
            own("rd-subsidy", id="young", share=0.1, max_stage=1, max_age_months=110))  # fmt: skip
    world, rng, spent = settle(worlds.town(), crowd(150)), np.random.default_rng(5), 0.0
    for _ in range(40):
        world.startups["heads"][:] *= np.exp(rng.normal(0, 0.2, 150))
        spent += grant(world, par, aids)["spent"].sum()
        assert world.startups["subsidy"].sum() == pytest.approx(spent, abs=1e-9)
    assert spent > 1000.0


@pytest.mark.parametrize(
    ("limits", "who"),
    [
        ({"zones": ("zone-2",)}, lambda rows: rows["cell"] // 3 == 2),
        ({"segments": ("EMB",)}, lambda rows: rows["segment"] == EMB),
        ({"max_stage": 1}, lambda rows: rows["stage"] <= 1),
        ({"max_age_months": 30}, lambda rows: -rows["born"] <= 30),
        ({}, lambda rows: rows["status"] != LISTED),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_only_the_eligible_receive_aid(kind, limits, who, par):
    rows = crowd(120, born=-(np.arange(120) % 60), status=np.where(np.arange(120) % 7, 0, LISTED))
    world = settle(worlds.town(), rows)
    grant(world, par, (own(kind, share=0.2, **limits),))
    eligible = who(rows) & (rows["status"] != LISTED)
    assert np.array_equal(world.startups["subsidy"] > 0, eligible)
    assert 0 < eligible.sum() < 120


def test_support_is_money_in_hand(par):
    plain, helped = settle(worlds.town(), crowd()), settle(worlds.town(), crowd())
    grant(helped, par, (own("rd-subsidy", share=0.25),))
    for world in (plain, helped):
        operations.earn_and_spend(world, par, worlds.terms_of(world.grid))
    gain = helped.startups["cash"] - plain.startups["cash"]
    np.testing.assert_allclose(gain, full_amounts(plain.startups, "rd-subsidy", 0.25, 1.0, 1.0), atol=1e-6)


def test_support_lengthens_the_runway_and_so_keeps_and_hires_heads(par):
    # five heads of APP at seed stage lose about 16 wan a month: cash for five months, with aid for twenty
    firm = startups(1, stage=1, segment=APP, heads=5.0, area=78.0, spillover=2.0, diversity=1.5)
    loss = 5 * 3.6 * 1.35 + 78 * 150 / WAN - 0.39 * (5 * 3.6 * 1.35 + 12 * 5 * 150 / WAN)
    firm["cash"] = 5.0 * loss
    share = 0.75 * loss / (5 * 3.6)
    plain, helped = settle(worlds.town(), firm), settle(worlds.town(), firm)
    grant(helped, par, (own("rd-subsidy", share=share),))
    for world in (plain, helped):
        operations.post_and_release(world, par, worlds.terms_of(world.grid))
    assert plain.startups["posts"][0] == 0.0
    assert plain.startups["heads"][0] == pytest.approx(5.0 * (1 - 0.012 - 0.10), abs=2 * STEP)
    assert helped.startups["heads"][0] == pytest.approx(5.0 * (1 - 0.012), abs=2 * STEP)
    assert helped.startups["posts"][0] == pytest.approx(0.012 * 5 + 0.06 * (9 - 5), abs=2 * STEP)


def test_aid_stops_when_its_lever_ends(par):
    aids = tuple(own(kind, share=0.3, months=4) for kind in KINDS)
    world = settle(worlds.town(), crowd())
    grant(world, par, aids, months=4)
    assert (world.startups["support"] > 0).all()
    before = world.startups["subsidy"].copy()
    noted = grant(world, par, aids, months=3)
    assert not noted["spent"].any()
    assert not noted["served"].any()
    assert not world.startups["support"].any()
    assert not (world.startups["aided"] & SUPPORTED).any()
    assert world.compute["voucher_gpu"][0] == 0.0
    assert np.array_equal(world.startups["subsidy"], before)


@pytest.mark.parametrize("kind", KINDS)
def test_aid_of_no_share_changes_no_bit(kind, par):
    quiet, empty = settle(worlds.town(), crowd()), settle(worlds.town(), crowd())
    noted = grant(empty, par, (own(kind, share=0.0),), months=3)
    assert worlds.same(quiet.startups.whole(), empty.startups.whole())
    assert quiet.compute.tobytes() == empty.compute.tobytes()
    assert not any(values.any() for values in noted.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_budget_of_nothing_refuses_everybody(kind, par):
    world = settle(worlds.town(), crowd())
    noted = grant(world, par, (own(kind, share=0.3, budget_rmb_year=0.0),))
    assert noted["refused"][0, 0] == 24
    assert noted["spent"][0, 0] == 0.0
    assert not world.startups["subsidy"].any()


def test_in_a_run_what_startups_received_is_what_aid_cost():
    limits = {"share": 0.3, "from": "2025-03", "budget_rmb_year": 3e8, "cap_rmb_year": 2e6}
    aids = {f"policies.{kind}": {"id": kind, "kind": kind} | limits for kind in KINDS}
    model = ClusterModel.from_scenario(worlds.scenario().with_values(aids), seed=1)
    world, spent, by_year = model.world, 0.0, np.zeros((2, 3))
    before = world.startups["subsidy"].sum()
    for month in range(14):
        model.step()
        spent += world.accounts["spent"].sum()
        by_year[month // 12] += world.accounts["spent"]
        if month < 2:
            assert spent == 0.0
    ledgers = (world.startups, world.former, world.gone)
    assert sum(ledger["subsidy"].sum() for ledger in ledgers) - before == pytest.approx(spent, abs=1e-9)
    assert spent > 0.0
    assert by_year.max() <= 3e8 / WAN
    assert math.isclose(by_year[0].max(), 3e8 / WAN, rel_tol=0.05)
