"""Addressed random numbers: a draw is a pure function of (seed, stream, month, uid, k).

Nothing is consumed, so neither the order of the agents nor the presence of others can change a draw: a
policy that does nothing changes nothing, bit for bit, and two scenarios differ only where a policy acts.

References
----------
G. L. Steele, D. Lea, C. H. Flood (2014), Fast splittable pseudorandom number generators, OOPSLA 2014,
doi:10.1145/2660193.2660195 (the finaliser). D. Klein, R. Abeysuriya, R. Stuart, C. Kerr (2024),
Noise-free comparison of stochastic agent-based simulations using common random numbers, arXiv:2409.02086.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from sim.compiled import kernel, normal_quantile, poisson_inversion

#: One stream per decision. Numbers are part of a run's identity: never reuse one.
STREAMS = {
    "founders": 1,  # how many potential founders a node has in a month
    "founder": 2,  # the identity of a founder: segment, quality, cash
    "inside": 3,  # founds in the region or outside
    "spin-off": 4,  # spin-offs of a startup
    "zone": 5,  # Gumbel tastes for zones
    "cell": 6,  # place inside the zone
    "turn": 7,  # order in which choosers are served
    "stay": 8,  # stay or move at the end of a lease
    "seek": 9,  # start to look for money
    "ask": 10,  # size of the round
    "taste": 11,  # a fund's liking for a startup
    "fail": 12,
    "acquire": 13,
    "list": 14,
    "leave": 15,
    "register": 16,  # a dormant firm leaves the register
    "fund-table": 17,
    "rescale": 18,  # the choice of rows that represent the startups of the first month
    "revise": 19,  # who revises its place in worlds of pure revision
    "start": 20,
    "place": 21,  # lots for places in programmes
    "aid": 22,  # order in which startups are served from a budget
    "production": 23,  # where an embodied-AI firm produces
    "aware": 24,  # who looks at an uptake list
    "liking": 25,  # a startup's lasting taste for a zone
    "dartboard": 26,  # firms thrown on floor space, the null of measures; decides nothing in a run
}
FOREVER = 1 << 21  #: the "month" of draws that a startup makes once
_STREAM_COUNT = max(STREAMS.values()) + 1
_BEFORE_START = 1 << 20  #: added to months of the history, which are negative


def _of(signature: str) -> Callable[[Any], Any]:
    """Return a decorator that compiles a kernel for these types and no others; arguments are turned into them.

    A 64-bit number that a kernel returns is a Python int outside of compiled code. Left to itself, numba would take one
    below 2^63 as signed, which gives other bits, and refuse a larger one once it has compiled for signed numbers.
    """

    def fix(dispatcher: Any) -> Any:
        if hasattr(dispatcher, "compile"):  # not where compilation is switched off
            dispatcher.compile(signature)
            dispatcher.disable_compile()
        return dispatcher

    return fix


@_of("uint64(uint64)")
@kernel
def mix(x):
    """Return a 64-bit number in which every bit depends on every bit of x (SplitMix64 finaliser)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@_of("uint64(uint64, uint64)")
@kernel
def combine(a, b):
    """Return a 64-bit hash of the ordered pair of 64-bit numbers (a, b)."""
    return mix(mix(a + np.uint64(0x9E3779B97F4A7C15)) ^ (b * np.uint64(0xD1342543DE82EF95)))


@_of("uint64(uint64, uint64, uint64)")
@kernel
def identity(parent, month, slot):
    """Return the uid of the child `slot` that `parent` has in `month`; its top bit is clear."""
    return combine(combine(parent, month), slot) >> np.uint64(1)


@_of("uint64(uint64, uint64)")
@kernel
def bits_at(key, uid):
    """Return the 64 random bits at address (key, uid, 0), of which the first 52 are the uniform number.

    Keys are hashes, so this is SplitMix64 in counter mode: one round of the finaliser a draw.
    """
    return mix(key + uid * np.uint64(0xD1342543DE82EF95))


@_of("uint64(uint64, int64)")
@kernel
def moved(key, k):
    """Return the key under which what is at address (key, uid, k) is at (key, uid, 0)."""
    return key + np.uint64(k) * np.uint64(0x9E3779B97F4A7C15)


@_of("float64(uint64, uint64, int64)")
@kernel
def uniform(key, uid, k):
    """Return the uniform number in the open interval (0, 1) at address (key, uid, k)."""
    # 52 bits are the fraction of a number between 1 and 2; taking 1 - 2^-53 away centres them between 0 and 1
    bits = bits_at(moved(key, k), uid) >> np.uint64(12)
    return np.uint64(bits | np.uint64(0x3FF0000000000000)).view(np.float64) - 0.9999999999999998889776975


@_of("float64[::1](uint64, int64)")
@kernel
def uniforms(key, number):
    """Return the uniform numbers of the uids 0 to number - 1 at address (key, uid, 0)."""
    out = np.empty(number)
    for i in range(number):
        out[i] = uniform(key, np.uint64(i), 0)
    return out


@_of("float64(uint64, uint64, int64)")
@kernel
def normal(key, uid, k):
    """Return the standard normal number at address (key, uid, k)."""
    return normal_quantile(uniform(key, uid, k))


@kernel
def pick(u, weights):
    """Return the position at which the running share of weights passes u."""
    whole, running = 0.0, 0.0
    for j in range(weights.size):
        whole += weights[j]
    for j in range(weights.size - 1):
        running += weights[j] / whole
        if u < running:
            return j
    return weights.size - 1


@_of("int64(float64, uint64, uint64, int64)")
@kernel
def poisson(rate, key, uid, k):
    """Return the Poisson(rate) count at address (key, uid, k).

    Rates above 200 are split into equal parts with addresses (k, 1), (k, 2) ... to keep exp(-rate) normal.
    """
    parts = np.int64(rate / 200.0) + np.int64(1)
    if parts == 1:
        return poisson_inversion(rate, uniform(key, uid, k))
    count = np.int64(0)
    for part in range(parts):
        count += poisson_inversion(rate / parts, uniform(combine(key, np.uint64(part + 1)), uid, k))
    return count


@kernel
def _keys(seed, month, number):
    """Return the keys of streams 0 to number - 1 in one month."""
    out = np.empty(number, dtype=np.uint64)
    for stream in range(number):
        out[stream] = combine(combine(mix(seed), np.uint64(stream)), month)
    return out


@functools.lru_cache(maxsize=8)
def _once_keys(seed: int) -> np.ndarray:
    return _keys(np.uint64(seed), np.uint64(FOREVER), _STREAM_COUNT)


class Draws:
    """The keys of one month of one run: ``draw("stream")``, and ``draw.once("stream")`` for all months."""

    def __init__(self, seed: int, month: int) -> None:
        self.seed = np.uint64(seed & 0xFFFFFFFFFFFFFFFF)
        self.month = month
        number = month if month >= 0 else month + _BEFORE_START
        self._month_keys = _keys(self.seed, np.uint64(number), _STREAM_COUNT)
        self._once_keys = _once_keys(int(self.seed))

    def __call__(self, stream: str) -> np.uint64:
        """Return the key of `stream` in this month."""
        return self._month_keys[STREAMS[stream]]

    def once(self, stream: str) -> np.uint64:
        """Return the key of `stream` for draws that belong to no month."""
        return self._once_keys[STREAMS[stream]]
