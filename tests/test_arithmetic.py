"""The arithmetic that decides a trajectory: accuracy, edges, and the same bits with and without compilation."""

import decimal
import math

import numpy as np
import pytest
from scipy import special, stats

from sim.compiled import exp, exps, log, logs, normal_quantile, poisson_inversion

RNG = np.random.default_rng(1)
CONTEXT = decimal.Context(prec=50)
EXPONENTS = np.concatenate(
    [RNG.uniform(-708.3, 709.7, 1500), RNG.uniform(-1, 1, 1500), RNG.normal(0, 1e-9, 200)]
)
ARGUMENTS = np.concatenate([np.exp(RNG.uniform(-700, 700, 1500)), RNG.uniform(0.4, 2.5, 1500),
                            1.0 + RNG.normal(0, 1e-9, 200)])  # fmt: skip
PROBABILITIES = np.concatenate([RNG.uniform(0, 1, 3000), np.exp(RNG.uniform(-700, -1, 500)),
                                1.0 - np.exp(RNG.uniform(-36, -1, 500))])  # fmt: skip
PROBABILITIES = PROBABILITIES[(PROBABILITIES > 0) & (PROBABILITIES < 1)]


def units_in_the_last_place(value: float, truth: decimal.Decimal) -> float:
    """Return the error of `value` in units of the last place of `truth`."""
    return abs(float(CONTEXT.subtract(decimal.Decimal(value), truth))) / math.ulp(float(truth))


def test_exp_is_within_one_unit_in_the_last_place():
    worst = max(units_in_the_last_place(exp(x), CONTEXT.exp(decimal.Decimal(float(x)))) for x in EXPONENTS)
    assert worst < 1.0


def test_log_is_within_one_unit_in_the_last_place():
    worst = max(units_in_the_last_place(log(x), CONTEXT.ln(decimal.Decimal(float(x)))) for x in ARGUMENTS)
    assert worst < 1.0


@pytest.mark.parametrize(("many", "one", "edges"), [
    (exps, exp, [np.inf, -np.inf, np.nan, 709.782712893384, 709.7828, -708.3964, -709.0, 0.0, -0.0]),
    (logs, log, [np.inf, -1.0, -np.inf, np.nan, 5e-324, 1e-310, np.finfo(float).tiny, 0.0, 1.0])])  # fmt: skip
def test_several_at_a_time_give_the_bits_of_one_at_a_time(many, one, edges):
    x = np.concatenate([EXPONENTS if one is exp else ARGUMENTS, edges])
    out = np.empty(x.size)
    many(x, out)
    assert out.tobytes() == np.array([one(value) for value in x]).tobytes()


def test_exp_at_its_edges():
    assert exp(0.0) == 1.0
    assert exp(-0.0) == 1.0
    assert exp(np.inf) == np.inf
    assert exp(-np.inf) == 0.0
    assert np.isnan(exp(np.nan))
    assert exp(709.782712893384) == pytest.approx(np.finfo(float).max, rel=1e-12)
    assert exp(709.7828) == np.inf
    assert exp(-708.3964) == pytest.approx(np.finfo(float).tiny, rel=1e-3)
    assert exp(-709.0) == 0.0


def test_log_at_its_edges():
    assert log(1.0) == 0.0
    assert log(0.0) == log(-0.0) == -np.inf
    assert log(np.inf) == np.inf
    assert np.isnan(log(-1.0))
    assert np.isnan(log(-np.inf))
    assert np.isnan(log(np.nan))
    for x in (5e-324, 1e-310, np.finfo(float).tiny, np.finfo(float).max):
        assert log(x) == pytest.approx(math.log(x), rel=1e-15)


def test_log_undoes_exp():
    for x in EXPONENTS[:500]:
        assert log(exp(x)) == pytest.approx(x, rel=1e-15, abs=1e-13)


def test_exp_and_log_rise():
    steps = np.linspace(-3.0, 3.0, 4001)
    assert np.all(np.diff([exp(x) for x in steps]) > 0)
    assert np.all(np.diff([log(x) for x in np.linspace(0.01, 4.0, 4001)]) > 0)


def test_normal_quantile_agrees_with_scipy():
    ours = np.array([normal_quantile(p) for p in PROBABILITIES])
    np.testing.assert_allclose(ours, special.ndtri(PROBABILITIES), rtol=5e-15, atol=2e-16)


def test_normal_quantile_is_odd_about_one_half():
    assert normal_quantile(0.5) == 0.0
    for k in range(1, 1024):
        assert normal_quantile(k / 1024) == -normal_quantile(1.0 - k / 1024)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.003, 0.4, 1.0, 12.5, 200.0, 500.0])
def test_poisson_inversion_is_the_quantile(rate):
    for u in np.concatenate([RNG.uniform(0, 1, 300), [1e-16, 0.5, 1.0 - 1e-12]]):
        count = poisson_inversion(rate, u)
        assert u <= stats.poisson.cdf(count, rate) + 1e-12
        if count > 0:
            assert u > stats.poisson.cdf(count - 1, rate) - 1e-12


def test_poisson_inversion_ends_even_next_to_one():
    assert 500 < poisson_inversion(500.0, 1.0 - 2.0**-53) < 2000


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (exp, [(x,) for x in (*EXPONENTS, np.inf, -np.inf, np.nan, 709.79, -708.4, 0.0)]),
        (log, [(x,) for x in (*ARGUMENTS, np.inf, 0.0, -1.0, np.nan, 5e-324, 1e-310)]),
        (normal_quantile, [(p,) for p in PROBABILITIES]),
        (poisson_inversion, [(rate, p) for rate in (0.01, 3.0, 250.0) for p in PROBABILITIES[:500]]),
    ],
    ids=["exp", "log", "normal_quantile", "poisson_inversion"],
)
def test_compilation_changes_no_bit(function, arguments):
    compiled = np.array([function(*some) for some in arguments], dtype=float)
    with np.errstate(all="ignore"):
        plain = np.array([function.py_func(*some) for some in arguments], dtype=float)
    assert compiled.tobytes() == plain.tobytes()
