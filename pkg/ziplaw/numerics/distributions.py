"""Normal, Student's t, F and chi-squared distributions, to about 13 digits, with the same bits on every machine.

scipy's stand on the C library's exponentials and logarithms, whose last bits belong to the processor.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .._numerics import normal_cdf
from .functions import exp, log, log1p

__all__ = ["chi_squared_beyond", "f_beyond", "normal_cdf", "normal_inverse", "student_beyond", "student_quantile"]
_FAR_DF = 1e10  # degrees of freedom beyond which t is normal to the last digit told here
_STEPS = 100_000  # terms of a series or fraction at most: hundreds for degrees of freedom in the ten thousands
_LEAST = 1e-300
_LN_SQRT_2PI = 0.9189385332046727
# Wichura's AS 241 (Applied Statistics 37, 1988): numerators and denominators, the highest power first
_MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip
_END = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def _ratio(pair: Any, x: Any) -> Any:
    """A rational function by Horner's rule."""
    top, bottom = 0.0, 0.0
    for a, b in zip(*pair):
        top, bottom = top * x + a, bottom * x + b
    return top / bottom


def normal_inverse(p: npt.ArrayLike) -> Any:
    """Standard normal quantiles of shares p (...): -inf of 0, inf of 1, NaN outside."""
    p = np.asarray(p, dtype=np.float64)
    off = p - 0.5
    with np.errstate(all="ignore"):
        near = off * _ratio(_MIDDLE, 0.180625 - off * off)
        far = np.sqrt(-log(np.where(off < 0, p, 1.0 - p)))
        tail = np.where(far <= 5.0, _ratio(_TAIL, far - 1.6), _ratio(_END, far - 5.0))
        tail = np.where(np.isinf(far), np.inf, tail)
    return np.where(np.abs(off) <= 0.425, near, np.copysign(tail, off))[()]


def _stirling(z: float) -> float:
    """What Stirling's formula of ln gamma leaves, z at least 10."""
    w = 1.0 / (z * z)
    tail = -1 / 1680 + w * (1 / 1188 + w * (-691 / 360360 + w / 156))
    return (1 / 12 + w * (-1 / 360 + w * (1 / 1260 + w * tail))) / z


def _log_gamma(z: float) -> float:
    """Logarithm of the gamma function of z > 0."""
    shift = 1.0
    while z < 10.0:
        shift *= z
        z += 1.0
    return float((z - 0.5) * log(z) - z + _LN_SQRT_2PI + _stirling(z) - log(shift))


def _log_beta(a: float, b: float) -> float:
    """Logarithm of the beta function, without a difference of large logarithms of gamma functions."""
    shift = 1.0
    while a < 10.0:
        shift *= (a + b) / a
        a += 1.0
    while b < 10.0:
        shift *= (a + b) / b
        b += 1.0
    body = -(a - 0.5) * log1p(b / a) - b * log1p(a / b) - 0.5 * log(b)
    return float(body + _LN_SQRT_2PI + _stirling(a) + _stirling(b) - _stirling(a + b) + log(shift))


def _beta_share(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function of x, rest = 1 - x, by its continued fraction (Lentz)."""
    if x <= 0.0 or rest <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _beta_share(b, a, rest, x)
    front = float(exp(a * (log(x) if x < 0.5 else log1p(-rest)) + b * (log(rest) if rest < 0.5 else log1p(-x))
                      - _log_beta(a, b))) / a  # fmt: skip
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _LEAST else _LEAST)
    out = d
    for m in range(1, _STEPS):
        change = 1.0
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1.0 + top * d, 1.0 + top / c
            d, c = 1.0 / (d if abs(d) > _LEAST else _LEAST), c if abs(c) > _LEAST else _LEAST
            change = d * c
            out *= change
        if abs(change - 1.0) < 1e-16:
            break
    return front * out


def _t_tail(t: float, df: float) -> float:
    """Share of Student's t beyond t >= 0."""
    squared = t * t
    return 0.5 * _beta_share(0.5 * df, 0.5, df / (df + squared), squared / (df + squared))


@lru_cache(maxsize=4096)
def _t_beyond(df: float, share: float) -> float:
    """The t >= 0 that a share of at most a half lies beyond: Newton's steps on logarithms, kept within known bounds."""
    if df > _FAR_DF:
        return float(-normal_inverse(share))
    if share >= 0.5:
        return 0.0
    wanted = float(log(share))
    low, high = -40.0, 800.0 / max(df, 1.0) + 6.0
    u = float(log(-normal_inverse(share)))
    density = float(-_log_beta(0.5 * df, 0.5) - 0.5 * log(df))
    for _ in range(200):
        t = float(exp(u))
        tail = _t_tail(t, df)
        off = float(log(tail)) - wanted if tail > 0.0 else -math.inf
        low, high = (u, high) if off > 0 else (low, u)
        slope = -float(exp(density - 0.5 * (df + 1.0) * log1p(t * t / df) + u)) / tail if tail > 0.0 else -math.inf
        step = -off / slope if math.isfinite(off) and slope < 0.0 else math.nan
        new = u + step if low < u + step < high else 0.5 * (low + high)
        if abs(new - u) <= 2e-16 * max(1.0, abs(u)):
            break
        u = new
    return float(exp(u))


def student_quantile(df: float, p: npt.ArrayLike) -> Any:
    """Quantiles of Student's t of ``df`` degrees of freedom at shares p (...)."""
    p = np.asarray(p, dtype=np.float64)
    out = np.full(p.shape, np.nan)
    for at in np.ndindex(p.shape) if df > 0 else ():
        share = float(p[at])
        if 0.0 <= share <= 1.0:
            beyond = min(share, 1.0 - share)
            out[at] = math.copysign(_t_beyond(float(df), beyond) if beyond else math.inf, share - 0.5)
    return out[()]


def student_beyond(t: float, df: float) -> float:
    """Share of Student's t of ``df`` degrees of freedom above t."""
    t, df = float(t), float(df)
    if not df > 0 or math.isnan(t):
        return math.nan
    if df > _FAR_DF:
        return float(normal_cdf(-t))
    tail = 0.0 if math.isinf(t) else _t_tail(abs(t), df)
    return tail if t >= 0 else 1.0 - tail


def f_beyond(F: float, df1: float, df2: float) -> float:
    """Share of the F distribution of ``df1`` and ``df2`` degrees of freedom above F."""
    F, df1, df2 = float(F), float(df1), float(df2)
    if not (df1 > 0 and df2 > 0) or math.isnan(F):
        return math.nan
    if F <= 0 or math.isinf(F):
        return 1.0 if F <= 0 else 0.0
    total = df2 + df1 * F
    return _beta_share(0.5 * df2, 0.5 * df1, df2 / total, df1 * F / total)


def chi_squared_beyond(Q: float, df: float) -> float:
    """Share of the chi-squared distribution of ``df`` degrees of freedom above Q."""
    a, x = 0.5 * float(df), 0.5 * float(Q)
    if not a > 0 or math.isnan(x):
        return math.nan
    if x <= 0 or math.isinf(x):
        return 1.0 if x <= 0 else 0.0
    front = float(exp(a * log(x) - x - _log_gamma(a)))
    if x < a + 1.0:
        term = total = 1.0 / a
        for i in range(1, _STEPS):
            term *= x / (a + i)
            total += term
            if term < 1e-17 * total:
                break
        return 1.0 - front * total
    b = x + 1.0 - a
    c, d = 1.0 / _LEAST, 1.0 / b
    out = d
    for i in range(1, _STEPS):
        top = -i * (i - a)
        b += 2.0
        d, c = top * d + b, b + top / c
        d, c = 1.0 / (d if abs(d) > _LEAST else _LEAST), c if abs(c) > _LEAST else _LEAST
        out *= d * c
        if abs(d * c - 1.0) < 1e-16:
            break
    return front * out
