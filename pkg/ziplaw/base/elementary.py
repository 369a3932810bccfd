"""Elementary functions by additions, products, quotients and square roots alone: the same bits on every machine.

The C library and numpy compute logarithms and the like by code that is chosen by the processor (with or without fused
multiply-adds, 256 or 512 bits wide), and whose last bits differ. What a result hangs on comes from here instead. Every
operation below is one of IEEE 754's, rounded by itself: numpy fuses none of two calls. Reductions and coefficients
are fdlibm's (Sun Microsystems 1993), whose errors stay below one unit in the last place.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

Real = TypeVar("Real", float, np.ndarray)

# ln 2 and pi / 2 in parts: the first ones have 33 bits, so a product with a whole number below 2^20 is exact
LN2, LN2_REST = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")
HALF_PI = tuple(map(float.fromhex, ("0x1.921fb54400000p+0", "0x1.0b4611a600000p-34", "0x1.3198a2e037073p-69")))

_LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
_EXP = (
    1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05, -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)  # fmt: skip
_SIN = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06,
    -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
_COS = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05, -2.75573143513906633035e-07,
    2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip


def polynomial(x: Real, coefficients: tuple[float, ...]) -> Real:
    """Return c0 + x (c1 + x (c2 + ...)), every product and every sum rounded."""
    value: Any = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def log(x: ArrayLike) -> np.ndarray:
    """Natural logarithm.

    Parameters
    ----------
    x : array_like of float

    Returns
    -------
    ndarray of float64, same shape
        Within one unit in the last place; -inf at 0, nan below.
    """
    x = np.asarray(x, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        # x = 2^k (1 + f) with 1 + f between the roots of 1/2 and 2
        mantissa, k = np.frexp(x)
        low = mantissa < 0.7071067811865476
        f = np.where(low, 2.0 * mantissa, mantissa) - 1.0
        k = (k - low).astype(np.float64)
        s = f / (2.0 + f)
        z = s * s
        half = 0.5 * f * f
        rest = s * (half + z * polynomial(z, _LOG)) + k * LN2_REST
        value = k * LN2 - ((half - rest) - f)
        value = np.where(x > 0, value, np.where(x == 0, -np.inf, np.nan))
        return np.where(x == np.inf, np.inf, value)


def exp(x: ArrayLike) -> np.ndarray:
    """Exponential function.

    Parameters
    ----------
    x : array_like of float

    Returns
    -------
    ndarray of float64, same shape
        Within one unit in the last place; inf where it exceeds the largest number, 0 far below 0.
    """
    x = np.asarray(x, np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        # x = k ln 2 + r; beyond these ends nothing is left, or everything
        near = np.where(np.isnan(x), 0.0, np.minimum(np.maximum(x, -800.0), 800.0))
        k = np.rint(near * 1.4426950408889634)
        high, low = near - k * LN2, k * LN2_REST
        r = high - low
        z = r * r
        c = r - z * polynomial(z, _EXP)
        value = 1.0 - ((low - r * c / (2.0 - c)) - high)
        # 2^k in two factors: the largest numbers have k = 1024, and the smallest are rounded once
        k = k.astype(np.int32)
        return np.where(np.isnan(x), np.nan, np.ldexp(2.0 * value, k - 1))


# r + rest within pi/4 of 0
def _sin_near(r: Real, rest: Real) -> Real:
    z = r * r
    cube = z * r
    return r - ((z * (0.5 * rest - cube * polynomial(z, _SIN[1:])) - rest) - cube * _SIN[0])


def _cos_near(r: Real, rest: Real) -> Real:
    z = r * r
    half = 0.5 * z
    whole = 1.0 - half
    return whole + (((1.0 - whole) - half) + (z * (z * polynomial(z, _COS)) - r * rest))


def sin_cos(x: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine.

    Parameters
    ----------
    x : array_like of float
        Radians, from -2^20 to 2^20.

    Returns
    -------
    sin, cos : ndarray of float64, same shape
        Within 1.2e-16.
    """
    x = np.asarray(x, np.float64)
    # x = n pi / 2 + (r + rest): the first product is exact, the second difference corrected by what it lost
    n = np.rint(x * 0.6366197723675814)
    first = x - n * HALF_PI[0]
    product = n * HALF_PI[1]
    second = first - product
    lost = n * HALF_PI[2] - ((first - second) - product)
    r = second - lost
    rest = (second - r) - lost
    sin, cos = _sin_near(r, rest), _cos_near(r, rest)
    quarter = n.astype(np.int64) % 4
    odd = quarter % 2 == 1
    return (
        np.where(quarter >= 2, -1.0, 1.0) * np.where(odd, cos, sin),
        np.where((quarter == 1) | (quarter == 2), -1.0, 1.0) * np.where(odd, sin, cos),
    )


def cos_pi(x: float) -> float:
    """Return cos(pi x) for a number from 0 to 1, within 3e-16."""
    pi = 3.141592653589793
    if x <= 0.25:
        return _cos_near(pi * x, 0.0)
    # these differences are exact
    return _sin_near(pi * (0.5 - x), 0.0) if x < 0.75 else -_cos_near(pi * (1.0 - x), 0.0)
