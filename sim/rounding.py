"""One way to round what readers see, so that no two places show the same number differently."""

import math

_BINARY = 1e-9  #: what a decimal half may lack in binary


def rounded(value: float, decimals: int = 0) -> str:
    """Return a number with so many decimals and its thousands apart; halves go away from 0, the sign is a hyphen."""
    if not math.isfinite(value):
        return str(value)
    scale = 10**decimals
    nearest = math.floor(abs(value) * scale + 0.5 + _BINARY) / scale
    return f"{-nearest if value < 0 < nearest else nearest:,.{decimals}f}"


def whole_percent(share: float) -> str:
    """Return a share of 1 as a whole number of per cent, without rounding what is rare to never or always."""
    if 0 < share < 0.01:
        return "<1"
    if 0.99 < share < 1:
        return ">99"
    return rounded(100 * share)
