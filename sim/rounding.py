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
