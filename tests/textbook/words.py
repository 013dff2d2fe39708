"""Words, limits and roundings that the whole twin uses."""

import math

OPC, APP, MODEL, EMB = range(4)  #: segments, in the order of the tables of parameters
SEGMENTS = ("OPC", "APP", "MODEL", "EMB")
SEED, SERIES_A, LAST_STAGE = 1, 2, 5  #: stages: the last round closed
ROUNDS = 5  #: kinds of rounds: seed, A, B, C, D or later

WAITING, ACTIVE, LISTED = "waiting", "active", "listed"
DORMANT, ACQUIRED, LEFT, LOST, CLOSED = "dormant", "acquired", "left", "lost", "closed"

WAN = 10_000.0  #: RMB
LONG_AGO = -(10**9)  #: a month before every other
GRAIN = 2.0**20  #: what is summed over startups is a multiple of 1 / GRAIN (decision 1)


def to_grain(x: float) -> float:
    """Return x rounded to the nearest multiple of 2^-20."""
    return math.floor(x * GRAIN + 0.5) / GRAIN


def down_to_grain(x: float) -> float:
    """Return the largest multiple of 2^-20 that is not above x."""
    return math.floor(x * GRAIN) / GRAIN


def clip(x: float, low: float, high: float) -> float:
    """Return x, or the bound that it passes."""
    return min(max(x, low), high)
