"""The cases of ``sim verify`` about entry and exit, survival, spin-offs and sizes: they pass where they must, and only there."""

import math

import numpy as np
import pytest
from checks import failing
from matplotlib.figure import Figure

from sim.verify import demography, sizes, worlds
from sim.verify.chance import law_row, mean_row, share_row, variance_row

CASES = {case.name: case for case in (*demography.CASES, *sizes.CASES)}
#: settings that nobody has looked at in choosing tolerances
SETTINGS = [
    ("stock", {"rate": "3", "hazard": "0.3", "months": "25", "start": "0"}),
    ("stock", {"exposure": "true", "rate": "40", "hazard": "0.2", "months": "15", "sources": "60"}),
    ("stock", {"rate": "20", "hazard": "0.01", "start": "2000", "months": "30", "sources": "20"}),
    ("survival", {"hazards": "0.3,0.2,0.1"}),
    ("survival", {"hazards": "0,0.1,0.9", "startups": "5000"}),
    ("branching", {"hazard": "0.1", "spinoffs": "0.15", "months": "150"}),
    ("branching", {"hazard": "0.05", "spinoffs": "0.04", "months": "200", "founders": "3"}),
    ("branching", {"hazard": "0.0", "spinoffs": "0.1", "months": "20"}),
    ("gibrat", {"mu": "0.1", "s": "0.5", "delta": "0.2"}),
    ("gibrat", {"mu": "-0.1", "s": "0.3", "delta": "0.05"}),
    ("gibrat", {"mu": "0.005", "s": "0.15", "delta": "0.012", "lines": "1500"}),
    ("splitting", {"parts": "3", "zones": "7", "cells": "2"}),
    ("splitting", {"parts": "8", "stay_bonus": "-2", "startups": "4000"}),
]
#: parameters of the engine that a case depends on to one per cent
PARAMETERS = [
    ("stock", "exits.failure_per_month"),
    ("stock", "births.founding_scale"),
    ("survival", "exits.failure_per_month"),
    ("branching", "exits.failure_per_month"),
    ("branching", "births.spinoff_per_month"),
    ("gibrat", "exits.failure_per_month"),
    ("gibrat", "births.heredity_sd"),
]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_engine_agrees_with_theory_at_the_defaults(case):
    assert failing(case) == []


@pytest.mark.parametrize(("name", "given"), SETTINGS)
def test_the_engine_agrees_with_theory_at_other_parameters(name, given):
    assert failing(CASES[name], given, seed=17) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 115))
def test_no_seed_of_many_is_a_false_alarm(seed):
    found = {case.name: failing(case, seed=seed) for case in CASES.values()}
    found |= {f"{name} {given}": failing(CASES[name], given, seed) for name, given in SETTINGS}
    assert not any(found.values()), {name: rows for name, rows in found.items() if rows}


@pytest.mark.parametrize(("name", "key"), PARAMETERS)
def test_a_parameter_that_the_engine_reads_one_per_cent_too_high_fails_the_case(name, key, monkeypatch):
    usual = worlds.parameters

    def wrong(changes):
        value = changes.get(key, getattr(usual().values, key.split(".")[0]).__dict__[key.split(".")[1]])
        return usual(changes | {key: 1.01 * value})

    # draws are looked at one by one, so that a few months of many startups are enough
    short = {"stock": {"months": "24"}, "branching": {"months": "60"}}.get(name, {})
    if short:
        assert failing(CASES[name], short) == []
    monkeypatch.setattr(worlds, "parameters", wrong)
    assert failing(CASES[name], short)


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.picture], ids=lambda case: case.name)
def test_a_picture_shows_theory_and_simulation(case):
    small = {"stock": {"months": "12", "sources": "20"}, "survival": {"startups": "500"},
             "branching": {"months": "60", "lineages": "100"}, "gibrat": {"lines": "200", "delta": "0.1"}}  # fmt: skip
    figure = Figure()
    case.picture(case.values(small[case.name]), 1, figure)
    for axes in figure.axes:
        labels = " ".join(text.get_text() for text in axes.get_legend().get_texts())
        assert "simulation" in labels
        assert "theory" in labels


# Theory, against what is published


@pytest.mark.parametrize(("rate", "one"), [(0.008, 1.0), (0.012, 0.842546), (0.020, 0.507542)])
def test_the_chance_of_dying_out_is_the_root_of_the_branching_equation(rate, one):
    q = demography.extinction(0.01, rate)
    assert q == pytest.approx(one, abs=5e-7)
    assert q == pytest.approx(0.01 + 0.99 * q * math.exp(rate * (q - 1)), abs=1e-12)


def test_the_tail_exponent_is_that_of_discrete_steps_and_near_that_of_reed():
    for mu, s, delta, discrete, continuous in (
        (0.0, 0.1, 0.01, 2.0034, 2.0), (0.005, 0.1, 0.01, 1.4178, 1.4142), (0.005, 0.15, 0.012, 1.3503, 1.3473)):  # fmt: skip
        drift = mu - s**2 / 2
        assert sizes.tail_exponent(drift, s, delta) == pytest.approx(discrete, abs=1e-4)
        roots = np.roots([s**2 / 2, drift, -delta])
        assert roots.max() == pytest.approx(continuous, abs=1e-4)


def test_beyond_its_threshold_the_tail_is_as_good_as_a_power_law():
    for drift, s, delta in ((-0.005, 0.1, 0.01), (0.1, 0.5, 0.2), (-0.4, 0.6, 0.1), (0.2, 0.05, 0.3)):
        zeta, first = sizes.tail_exponent(drift, s, delta), sizes.straight_from(drift, s, delta)
        tail = sizes.above(np.array([first, first + 1 / zeta]), drift, s, delta)
        assert tail[0] / tail[1] == pytest.approx(math.e, rel=1e-3)


def test_the_moments_of_an_excess_are_those_of_the_law():
    drift, s, delta = -0.1, 0.4, 0.15
    x = np.linspace(0.0, 15.0, 6_001)
    tail = sizes.above(x + 0.7, drift, s, delta)
    mean, variance = sizes.excess(0.7, drift, s, delta)
    assert mean == pytest.approx(np.trapezoid(tail, x), rel=1e-5)
    assert variance + mean**2 == pytest.approx(np.trapezoid(2 * x * tail, x), rel=1e-5)


def test_monthly_hazards_compound_to_the_yearly_ones():
    monthly = demography.monthly((0.016, 0.5))
    np.testing.assert_allclose(1 - (1 - monthly) ** 12, [0.016, 0.5], rtol=1e-12)


# Tolerances


@pytest.mark.parametrize(("trials", "chance"), [(50, 0.3), (500, 0.01), (150, 0.001), (10, 0.5)])
def test_a_right_share_fails_as_often_as_its_false_alarm_rate_says_or_less(trials, chance):
    from scipy import stats

    rate = 0.01
    alarms = [not share_row("", hits, trials, chance, rate).passed for hits in range(trials + 1)]
    assert 0.0 < stats.binom.pmf(np.arange(trials + 1), trials, chance)[alarms].sum() <= rate


def test_shares_that_are_certain_allow_no_exception():
    assert share_row("", 100, 100, 1.0, 1e-4).passed
    assert not share_row("", 99, 100, 1.0, 1e-4).passed
    assert not share_row("", 1, 100, 0.0, 1e-4).passed


def test_means_variances_and_laws_of_right_samples_pass_and_of_wrong_ones_fail():
    from scipy import stats

    rng, n, rate = np.random.default_rng(3), 100, 0.02
    law = stats.poisson.cdf(np.arange(200), 30.0)
    alarms = np.zeros(3)
    for _ in range(400):
        sample = rng.poisson(30.0, n)
        alarms += [not mean_row("", 30.0, sample.mean(), math.sqrt(30 / n), rate, "").passed,
                   not variance_row("", sample, 30.0, 1 / 30.0, rate).passed, not law_row("", sample, law, rate).passed]  # fmt: skip
    # 400 trials at 2 % or less: more than 20 have a chance of 1e-4
    assert alarms.max() <= 20
    wrong = rng.binomial(60, 0.5, n)  # the mean of 30, half the variance
    assert not variance_row("", wrong, 30.0, 1 / 30.0, rate).passed
    assert not law_row("", wrong + 4, law, rate).passed
