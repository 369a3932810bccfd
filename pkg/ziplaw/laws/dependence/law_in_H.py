"""The data-dependent law L(N, D, H): lines in H with their covariance, the law at one H, draws of it, the blend.

L(N, D, H) = E(H) + A(H)/N^alpha(H) + B(H)/D^beta(H), with ln E, ln A, ln B, alpha and beta linear in H. (The paper
lets E, A and B themselves be linear; on logs they stay positive wherever the lines are followed.) The law is a plain
dict, so that a JSON file holds it whole; ``docs/formats.md`` lists its keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...errors import FitError
from ...numerics.distributions import student_beyond, student_quantile
from ...numerics.functions import exp, product
from ..forms import arguments
from ..forms.chinchilla import CHINCHILLA, Constants
from ..intervals.drawn_laws import multivariate_t
from ..solve.additive import EXPONENT_BOUNDS, Array
from .statistics.meta_regression import meta_regression

LINES = ("ln_E", "ln_A", "ln_B", "alpha", "beta")
DRAWS = 20_000  # ends of bands would change by half a decade with the seed at 4000
_FORM = (
    "L(N, D, H) = E(H) + A(H)/N^alpha(H) + B(H)/D^beta(H); ln E, ln A, ln B, alpha and beta are linear in H; "
    "A and B are kept at the geometric mean of N and D, where they are least correlated with the exponents"
)
_METHOD = (
    "random-effects regression of the datasets' laws on H with their full covariances; "
    "intervals by t with df degrees of freedom, the datasets less the coefficients of a line"
)


def centre(estimates: npt.ArrayLike, covariances: npt.ArrayLike, ln_N: float, ln_D: float) -> tuple[Array, Array]:
    """Move ln A and ln B from N = D = 1 to the centre: y (K, 5) and S (K, 5, 5).

    ln A at the centre is ln A - alpha ln N0. What a fit held fixed (NaN covariance) counts as exactly known.
    """
    y = np.array(estimates, dtype=np.float64)
    move = np.eye(5)
    move[1, 3], move[2, 4] = -ln_N, -ln_D
    y = product(y, move.T)
    S = np.nan_to_num(np.array(covariances, dtype=np.float64), nan=0.0)
    return y, product(move, S, move.T)


def regress_laws(
    estimates: npt.ArrayLike,
    covariances: npt.ArrayLike,
    H: npt.ArrayLike,
    *,
    ln_N: float,
    ln_D: float,
    level: float = 0.95,
    sloped: bool = True,
) -> dict[str, Any]:
    """Regress the laws of K datasets on H.

    Parameters
    ----------
    estimates : array-like (K, 5)
        ln E, ln A, ln B, alpha, beta of each dataset, A and B as in E + A/N^alpha + B/D^beta.
    covariances : array-like (K, 5, 5)
        Their covariances; NaN where a parameter was held fixed.
    H : array-like (K,)
        Gzip-compressibility; at least three different values.
    ln_N, ln_D : float
        The centre: mean ln N and ln D of the cells.
    level : float
        Coverage of the intervals of slopes and intercepts.
    sloped : bool
        False leaves H out: the mean law of the datasets, with the same keys and slopes of zero.

    Returns
    -------
    dict
        ``centre``, ``coefficients`` (5, 2: value at the centre and slope), ``covariance`` (10, 10), ``scatter`` (5, 5),
        ``df``, and ``lines``: slope and intercept of each parameter at N = D = 1 with intervals.
    """
    H = np.asarray(H, dtype=np.float64)
    level = arguments.check_level(level)
    if len(np.unique(H)) < 3:
        raise FitError(f"{len(np.unique(H))} different values of H: a line in H needs at least 3 datasets that differ")
    y, S = centre(estimates, covariances, ln_N, ln_D)
    H0 = float(H.mean())
    X = np.column_stack([np.ones_like(H), H - H0])
    fitted = meta_regression(y, S, X if sloped else X[:, :1])
    coefficients, covariance = fitted.coefficients, fitted.covariance
    # the mean law has the keys of a law in H: slopes of zero, known exactly
    if not sloped:
        coefficients, covariance = np.pad(coefficients, ((0, 0), (0, 1))), np.kron(covariance, [[1, 0], [0, 0]])
    law: dict[str, Any] = {
        "form": _FORM,
        "method": _METHOD,
        "parameters": list(LINES),
        "centre": {"H": H0, "ln_N": float(ln_N), "ln_D": float(ln_D)},
        "coefficients": coefficients.tolist(),
        "covariance": covariance.tolist(),
        "scatter": fitted.scatter.tolist(),
        "df": fitted.df,
        "level": level,
    }
    if sloped:
        law["lines"] = lines(law, level)
    return law


class LawArrays(NamedTuple):
    """A law in H as arrays: lines (5, 2), covariance (10, 10), scatter (5, 5), df, and the centre of H, ln N, ln D."""

    coefficients: Array
    covariance: Array
    scatter: Array
    df: int
    centre: dict[str, float]


def law_arrays(law: Mapping[str, Any]) -> LawArrays:
    """Take a law apart as JSON holds it.

    Raises
    ------
    FitError
        When something is missing or of another shape.
    """
    try:
        found = tuple(np.asarray(law[key], dtype=np.float64) for key in ("coefficients", "covariance", "scatter"))
        where = {key: float(law["centre"][key]) for key in ("H", "ln_N", "ln_D")}
        df = int(law["df"])
    except (KeyError, TypeError, ValueError) as error:
        raise FitError(f"the law lacks {error}: make it again with ziplaw regress") from None
    if [a.shape for a in found] != [(5, 2), (10, 10), (5, 5)] or df < 1 or not all(np.isfinite(a).all() for a in found):
        raise FitError("the law's coefficients are not 5 lines with their covariance: make it with ziplaw regress")
    lines, covariance, scatter = found
    return LawArrays(lines, covariance, scatter, df, where)


def lines(law: Mapping[str, Any], level: float = 0.95) -> dict[str, dict[str, Any]]:
    """Slope and intercept (at H = 0, N = D = 1) of each parameter: estimate, interval, p-value of the slope."""
    coefficients, covariance, _, df, c = law_arrays(law)
    t = student_quantile(df, (1 + level) / 2)
    # ln A = ln A' + alpha ln N0, and the same for B
    back = np.eye(5)
    back[1, 3], back[2, 4] = c["ln_N"], c["ln_D"]
    both = np.kron(back, np.array([[1.0, -c["H"]], [0.0, 1.0]]))  # to (intercept at H = 0, slope)
    natural, spread = product(both, coefficients.ravel()).reshape(5, 2), product(both, covariance, both.T)
    # at the centre of N and D the slope of ln A and ln B is better known; both are given
    out = {}
    for i, name in enumerate(LINES):
        entry: dict[str, Any] = {}
        for j, key in ((0, "intercept"), (1, "slope")):
            sd = float(np.sqrt(max(spread[2 * i + j, 2 * i + j], 0.0)))
            value = float(natural[i, j])
            entry |= {key: value, f"{key}_ci": [value - t * sd, value + t * sd], f"{key}_stderr": sd}
        entry["p_value"] = _p(entry["slope"], entry["slope_stderr"], df)
        sd = float(np.sqrt(max(covariance[2 * i + 1, 2 * i + 1], 0.0)))
        value = float(coefficients[i, 1])
        entry["at_centre"] = {
            "value": float(coefficients[i, 0]),
            "slope": value,
            "slope_ci": [value - t * sd, value + t * sd],
            "p_value": _p(value, sd, df),
        }
        out[name] = entry
    return out


def _p(value, sd, df):
    if sd <= 0:
        return None
    return float(2 * student_beyond(abs(value) / sd, df))


def parameters_at(law: Mapping[str, Any], H: npt.ArrayLike) -> Array:
    """E, A, B, alpha, beta of the law at H: float64 (5,), or (m, 5) for an array of H."""
    coefficients, _, _, _, c = law_arrays(law)
    h = np.asarray(H, dtype=np.float64)[..., None] - c["H"]
    return natural(coefficients[:, 0] + coefficients[:, 1] * h, c)


def natural(y: Array, c: Mapping[str, float]) -> Array:
    """Turn ln E, ln A, ln B (at the centre c), alpha, beta (..., 5) into E, A, B, alpha, beta at N = D = 1."""
    # a line may cross zero far from its datasets, where no power law is left; e^690 is nearly the largest float
    alpha, beta = np.maximum(y[..., 3], EXPONENT_BOUNDS[0]), np.maximum(y[..., 4], EXPONENT_BOUNDS[0])
    logs = (y[..., 0], y[..., 1] + alpha * c["ln_N"], y[..., 2] + beta * c["ln_D"])
    return np.stack([*(exp(np.clip(value, -690, 690)) for value in logs), alpha, beta], axis=-1)


def draws_at(law: Mapping[str, Any], H: float, n: int = DRAWS, *, seed: int = 42, scatter: bool = True) -> Array:
    """Draw laws at one H from their uncertainty, multivariate t: E, A, B, alpha, beta, float64 (n, 5).

    ``scatter`` adds how far single datasets lie off the line: the law of a NEW dataset of this H, not of the mean one.
    """
    coefficients, covariance, T, df, c = law_arrays(law)
    h = float(H) - c["H"]
    at = np.kron(np.eye(5), [[1.0, h]])
    spread = product(at, covariance, at.T) + (T if scatter else 0.0)
    y = multivariate_t(coefficients[:, 0] + coefficients[:, 1] * h, spread, df, n, seed)
    return natural(y, c)


def blend(parameters: npt.ArrayLike, epsilon: float, constants: Constants = CHINCHILLA) -> Array:
    """Mix a law at some H with Chinchilla's constants.

    x = (1 - epsilon) x' + epsilon x(H) for each of E, A, B, alpha, beta; primed are Chinchilla's. The paper's
    text fixes only that epsilon weighs the gzip adjustment; this is our reading.

    Parameters
    ----------
    parameters : array-like (..., 5)
        E, A, B, alpha, beta at H.
    epsilon : float
        0 gives Chinchilla, 1 the law at H.
    """
    epsilon = float(arguments.check_within(epsilon, "epsilon", limits.EPSILON))
    return (1 - epsilon) * constants.array + epsilon * np.asarray(parameters, dtype=np.float64)
