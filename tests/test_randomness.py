"""Addressed draws: their law, their independence, and that nothing but the address decides them."""

import numpy as np
import pytest
from scipy import stats

from sim.randomness import STREAMS, Draws, combine, identity, mix, normal, poisson, uniform

N = 40_000
UIDS = [np.uint64(i * 7919 + 13) for i in range(N)]


def uniforms(key, k: int = 0, uids=UIDS) -> np.ndarray:
    """Return the uniform numbers of many identities."""
    return np.array([uniform(key, uid, k) for uid in uids])


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the correlation in units of its standard error under independence."""
    return abs(np.corrcoef(a, b)[0, 1]) * np.sqrt(len(a))


def test_the_mixer_is_the_finaliser_of_splitmix64():
    # the first output of the published generator with seed 0
    assert int(mix(np.uint64(0x9E3779B97F4A7C15))) == 0xE220A8397B1DCDAF


@pytest.mark.parametrize("stream", ["zone", "fail", "seek"])
def test_uniform_numbers_are_uniform(stream):
    for seed, month in ((1, 0), (2, 119), (77, -5)):
        sample = uniforms(Draws(seed, month)(stream))
        assert stats.kstest(sample, "uniform").pvalue > 1e-4


def test_uniform_numbers_lie_strictly_between_0_and_1():
    sample = uniforms(Draws(1, 0)("zone"))
    assert 0.0 < sample.min() < 1e-3
    assert 1.0 - 1e-3 < sample.max() < 1.0
    most = np.float64(np.uint64(2**52 - 1))  # what is left of 64 one bits
    assert (most + 0.5) * 2.220446049250313e-16 < 1.0


def test_draws_of_neighbouring_addresses_are_uncorrelated():
    draw = Draws(1, 5)
    base = uniforms(draw("zone"))
    others = {
        "next startup": np.roll(base, 1),
        "next number": uniforms(draw("zone"), k=1),
        "next stream": uniforms(draw("cell")),
        "next month": uniforms(Draws(1, 6)("zone")),
        "month before the start": uniforms(Draws(1, -5)("zone")),
        "next seed": uniforms(Draws(2, 5)("zone")),
        "no month": uniforms(draw.once("zone")),
    }
    assert {name: r for name, other in others.items() if (r := correlation(base, other)) > 4.5} == {}


def test_draws_of_neighbouring_identities_are_uncorrelated_too():
    base = uniforms(Draws(1, 5)("zone"), uids=[np.uint64(i) for i in range(N)])
    assert max(correlation(base, np.roll(base, lag)) for lag in (1, 2, 3, 17, 256)) < 4.5


def test_draws_do_not_depend_on_the_order_in_which_they_are_made():
    key = Draws(3, 7)("stay")
    order = np.random.default_rng(0).permutation(2000)
    shuffled = np.empty(2000)
    for i in order:
        shuffled[i] = uniform(key, UIDS[i], 0)
    assert np.array_equal(shuffled, uniforms(key, uids=UIDS[:2000]))


def test_every_seed_stream_and_month_has_its_own_key():
    keys = [
        int(Draws(seed, month)(stream))
        for seed in (-1, 0, 1, 2, 2**40)
        for month in (-144, -1, 0, 1, 119)
        for stream in STREAMS
    ]
    keys += [int(Draws(seed, 0).once(stream)) for seed in (-1, 0, 1, 2, 2**40) for stream in STREAMS]
    assert len(set(keys)) == len(keys)


def test_no_stream_number_is_used_twice():
    assert len(set(STREAMS.values())) == len(STREAMS)


def test_draws_that_belong_to_no_month_are_the_same_in_all():
    assert Draws(1, 0).once("ask") == Draws(1, 60).once("ask") == Draws(1, -60).once("ask")


def test_identities_are_distinct_and_have_a_clear_top_bit():
    made = {
        int(identity(np.uint64(parent), np.uint64(month), np.uint64(slot)))
        for parent in range(40)
        for month in range(40)
        for slot in range(20)
    }
    assert len(made) == 40 * 40 * 20
    assert max(made) < 2**63
    assert max(made) > 2**62


def test_combining_heeds_the_order_of_its_two_numbers():
    a, b = np.uint64(123), np.uint64(456)
    assert combine(a, b) != combine(b, a)


def test_normal_numbers_are_standard_normal():
    key = Draws(1, 0)("founder")
    sample = np.array([normal(key, uid, 1) for uid in UIDS])
    assert stats.kstest(sample, "norm").pvalue > 1e-4


@pytest.mark.parametrize("rate", [0.01, 3.0, 199.9, 200.1, 450.0, 2500.0])
def test_poisson_numbers_have_the_mean_and_variance_of_their_rate(rate):
    key = Draws(1, 0)("founders")
    sample = np.array([poisson(rate, key, uid, 0) for uid in UIDS])
    assert abs(sample.mean() - rate) < 4 * np.sqrt(rate / N)
    # the variance of the sample variance of a Poisson number is (rate + 2 rate^2)/n
    assert abs(sample.var() - rate) < 4 * np.sqrt((rate + 2 * rate**2) / N)


def test_poisson_numbers_of_a_large_rate_are_poisson():
    key = Draws(1, 0)("founders")
    sample = np.array([poisson(450.0, key, uid, 0) for uid in UIDS])
    edges = stats.poisson.ppf(np.linspace(0.02, 0.98, 25), 450.0)
    bins = np.concatenate([[-np.inf], edges, [np.inf]])
    observed = np.histogram(sample, bins=np.nextafter(bins, np.inf))[0]
    expected = N * np.diff(stats.poisson.cdf(bins, 450.0))
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_compilation_changes_no_bit_of_a_hash():
    key = Draws(9, 4)("zone")
    with np.errstate(over="ignore"):
        for uid in UIDS[:300]:
            assert mix(uid) == mix.py_func(uid)
            assert combine(key, uid) == combine.py_func(key, uid)


def test_a_number_below_2_63_and_one_above_are_the_same_address_as_the_unsigned_numbers_that_they_spell():
    # what a kernel returns is a Python int, which numba would take as signed
    for a, b in ((5, 3), (2**63, 2**64 - 1), (7, 2**63 + 11), (2**64 - 1, 0)):
        unsigned = np.uint64(a), np.uint64(b)
        assert combine(a, b) == combine(*unsigned)
        assert mix(a) == mix(unsigned[0])
        assert identity(a, b, 2) == identity(*unsigned, np.uint64(2))
        for k in (0, 3):
            assert uniform(a, b, k) == uniform(*unsigned, k)
            assert normal(a, b, k) == normal(*unsigned, k)
            assert poisson(9.0, a, b, k) == poisson(9.0, *unsigned, k)
