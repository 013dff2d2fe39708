"""Compilation and arithmetic that give the same bits on every machine.

Only ``+ - * /`` and ``sqrt`` are rounded alike by every processor; the ``exp`` and ``log`` of NumPy, numba
and the C library are not. What decides a trajectory therefore uses the functions below and nothing else.
They are as accurate as the library's (about one unit in the last place) and, inlined, faster.
"""

import atexit
import contextlib
import functools
import hashlib
import os
import pathlib
import shutil
import sys
import tempfile

import numpy as np


@functools.cache
def source_hash() -> str:
    """Return the SHA-256 of every Python source of the package, in hexadecimal."""
    digest = hashlib.sha256()
    root = pathlib.Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _cache_folder() -> pathlib.Path:
    """Return the folder for compiled code; a change to any source gives a new one, also inside one that somebody names.

    numba's own index looks at one file only, so a kernel whose callee changed elsewhere would go stale. Where nothing can
    be written, compiled code is kept until this process ends.
    """
    own = source_hash()[:16]
    with contextlib.suppress(OSError, RuntimeError):  # a home that is read-only, or of a user who has none
        named = pathlib.Path(os.environ.get("NUMBA_CACHE_DIR") or _caches() / "haidian-sim")
        folder = (
            named if named.name == own else named / own
        )  # the process that started this one may have named it
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    made = tempfile.mkdtemp(prefix="haidian-sim-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return pathlib.Path(made, own)


def _caches() -> pathlib.Path:
    """Return where programs of this user keep what they can make anew."""
    if sys.platform == "darwin":
        return pathlib.Path.home() / "Library" / "Caches"
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")


os.environ["NUMBA_CACHE_DIR"] = str(_cache_folder())

import numba  # noqa: E402  (reads NUMBA_CACHE_DIR when it is imported)

numba.config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]  # type: ignore[attr-defined] # somebody may have imported it before

kernel = numba.njit(cache=True, error_model="numpy")
#: for a long function that one loop calls for every row, and that the compiler would not draw into it
inlined_kernel = numba.njit(cache=True, error_model="numpy", forceinline=True)

# ln 2 in two parts: the product of the first with any exponent below 2^11 is exact
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634
_CENTRE = 0.425  # distance from 1/2 up to which one rational function serves
_LARGEST = 709.782712893384
_TINY = 2.2250738585072014e-308  # the smallest normal number
_SMALLEST = -708.3964185322641
# a number above 2^52 has the bits of its whole part last: processors without such an instruction turn several whole
# numbers, below 2^50 in size, into floating point ones and back by adding it
_SHIFT = 6755399441055744.0  # 1.5 x 2^52
_SHIFT_BITS = np.int64(np.float64(_SHIFT).view(np.int64))


@kernel
def exp(x):
    """Return e to the power x; 0 below the smallest normal number, inf above the largest.

    x = n ln 2 + r with abs(r) <= ln(2)/2; the series of e^r to r^13 in a fixed (Estrin) order; then the
    exponent n is written into the bits.
    """
    if not (_SMALLEST <= x <= _LARGEST):
        if x > _LARGEST:
            return np.inf
        return 0.0 if x < _SMALLEST else np.nan
    return _normal_exp(x)


@kernel
def exps(x, out):
    """Write the exponential of each x into `out`: the same bits, several at a time."""
    beyond = 0
    for i in range(x.size):
        out[i] = _normal_exp(x[i])
        beyond += not (_SMALLEST <= x[i] <= _LARGEST)
    if beyond == 0:
        return
    for i in range(x.size):
        if not (_SMALLEST <= x[i] <= _LARGEST):
            out[i] = exp(x[i])


@kernel
def _normal_exp(x):
    n = np.floor(x * _LOG2_E + 0.5)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    s = r * r
    q = s * s
    low = (1 / 2 + r * (1 / 6)) + s * (1 / 24 + r * (1 / 120))
    mid = (1 / 720 + r * (1 / 5040)) + s * (1 / 40320 + r * (1 / 362880))
    high = (1 / 3628800 + r * (1 / 39916800)) + s * (1 / 479001600 + r * (1 / 6227020800))
    value = 1.0 + (r + s * (low + q * (mid + q * high)))
    half = np.floor(0.5 * n)  # 2^n itself may be too large or too small a number
    return value * _power_of_two(half) * _power_of_two(n - half)


@kernel
def _power_of_two(n):
    """Return 2 to the power n for a whole number -1022 <= n <= 1023."""
    whole = np.float64(n + _SHIFT).view(np.int64) - _SHIFT_BITS
    return np.int64((whole + np.int64(1023)) << np.int64(52)).view(np.float64)


@kernel
def log(x):
    """Return the natural logarithm of x > 0; -inf at 0, nan below.

    x = 2^n m with m between sqrt(1/2) and sqrt(2); log m = 2 artanh((m - 1)/(m + 1)) by its series.
    """
    if not (0.0 < x < np.inf):
        if x == 0.0:
            return -np.inf
        return x if x == np.inf else np.nan
    if x < _TINY:  # a subnormal number: scale it up first
        return _normal_log(x * 18014398509481984.0, np.int64(54))
    return _normal_log(x, np.int64(0))


@kernel
def logs(x, out):
    """Write the natural logarithm of each x into `out`: the same bits, several at a time."""
    beyond = 0
    for i in range(x.size):
        out[i] = _normal_log(x[i], np.int64(0))
        beyond += not (_TINY <= x[i] < np.inf)
    if beyond == 0:
        return
    for i in range(x.size):
        if not (_TINY <= x[i] < np.inf):
            out[i] = log(x[i])


@kernel
def _normal_log(x, shift):
    """Return ln x less `shift` ln 2."""
    bits = np.float64(x).view(np.int64)
    n = (bits >> np.int64(52)) - np.int64(1023)
    m = np.int64((bits & np.int64(0xFFFFFFFFFFFFF)) | np.int64(0x3FF0000000000000)).view(np.float64)
    above = m > 1.4142135623730951
    m = 0.5 * m if above else m
    n = n + np.int64(1) if above else n
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    y = z * z
    w = y * y
    low = (1 / 3 + z * (1 / 5)) + y * (1 / 7 + z * (1 / 9))
    mid = (1 / 11 + z * (1 / 13)) + y * (1 / 15 + z * (1 / 17))
    high = (1 / 19 + z * (1 / 21)) + y * (1 / 23 + z * (1 / 25))
    series = z * (low + w * (mid + w * high))
    # log(1 + f) = f - s (f - 2 series): the large part, f, carries no rounding error of s
    k = np.int64(n - shift + _SHIFT_BITS).view(np.float64) - _SHIFT
    return k * _LN2_HIGH + (f - (s * (f - 2.0 * series) - k * _LN2_LOW))


@kernel
def normal_quantile(p):
    """Return the standard normal quantile of 0 < p < 1 (relative error about 1e-15).

    References
    ----------
    M. J. Wichura (1988), Algorithm AS 241, Applied Statistics 37, 477-484, doi:10.2307/2347330.
    """
    q = p - 0.5
    return _central_quantile(q) if abs(q) <= _CENTRE else _tail_quantile(p, q)


@kernel
def _central_quantile(q):
    r = 0.180625 - q * q
    top = ((((((r * 2509.0809287301226727 + 33430.575583588128105) * r + 67265.770927008700853) * r
                  + 45921.953931549871457) * r + 13731.693765509461125) * r
                + 1971.5909503065514427) * r + 133.14166789178437745) * r + 3.387132872796366608  # fmt: skip
    bottom = ((((((r * 5226.495278852545925 + 28729.085735721942674) * r + 39307.89580009271061) * r
                     + 21213.794301586595867) * r + 5394.1960214247511077) * r
                   + 687.1870074920579083) * r + 42.313330701600911252) * r + 1.0  # fmt: skip
    return q * top / bottom


@kernel
def _tail_quantile(p, q):
    r = np.sqrt(-log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        top = ((((((r * 7.7454501427834140764e-4 + 0.0227238449892691845833) * r
                   + 0.24178072517745061177) * r + 1.27045825245236838258) * r + 3.64784832476320460504) * r
                + 5.7694972214606914055) * r + 4.6303378461565452959) * r + 1.42343711074968357734  # fmt: skip
        bottom = ((((((r * 1.05075007164441684324e-9 + 5.475938084995344946e-4) * r
                      + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
                    + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                  + 2.05319162663775882187) * r + 1.0  # fmt: skip
    else:
        r -= 5.0
        top = ((((((r * 2.01033439929228813265e-7 + 2.71155556874348757815e-5) * r
                   + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
                 + 0.29656057182850489123) * r + 1.7848265399172913358) * r
               + 5.4637849111641143699) * r + 6.6579046435011037772  # fmt: skip
        bottom = ((((((r * 2.04426310338993978564e-15 + 1.4215117583164458887e-7) * r
                      + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r
                    + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
                  + 0.59983220655588793769) * r + 1.0  # fmt: skip
    return -top / bottom if q < 0.0 else top / bottom


@kernel
def poisson_inversion(rate, u):
    """Return the Poisson(rate) count at probability 0 < u < 1, by inversion; rate at most 500."""
    if u <= 1.0 - rate:  # exp(-rate) >= 1 - rate: most rare events are settled without an exponential
        return np.int64(0)
    term = exp(-rate)
    total = term
    count = np.int64(0)
    while u > total and count < np.int64(10_000):
        count += np.int64(1)
        term *= rate / np.float64(count)
        total += term
        if term == 0.0:
            break
    return count
