"""The data-dependent law L(N, D, H): lines in H with their covariance, crossings, plans with bands, the blend.

L(N, D, H) = E(H) + A(H)/N^alpha(H) + B(H)/D^beta(H), with ln E, ln A, ln B, alpha and beta linear in H. (The paper
lets E, A and B themselves be linear; on logs they stay positive wherever the lines are followed.) The law is a plain
dict, so that a JSON file holds it whole; ``docs/formats.md`` lists its keys.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from ...base import limits
from ...errors import FitError
from ..forms import arguments, kaplan
from ..forms.allocation import exponents, optimal_split
from ..forms.chinchilla import CHINCHILLA, CHINCHILLA_REFIT
from ..intervals import identification
from ..solve.additive import EXPONENT_BOUNDS
from .meta_regression import meta_regression

PARAMETERS = ("ln_E", "ln_A", "ln_B", "alpha", "beta")
DRAWS = 4000
_FORM = (
    "L(N, D, H) = E(H) + A(H)/N^alpha(H) + B(H)/D^beta(H); ln E, ln A, ln B, alpha and beta are linear in H; "
    "A and B are kept at the geometric mean of N and D, where they are least correlated with the exponents"
)
_METHOD = (
    "random-effects regression of the datasets' laws on H with their full covariances; "
    "intervals by t with df degrees of freedom, the datasets less the coefficients of a line"
)


def centre(estimates, covariances, ln_N, ln_D):
    """Move ln A and ln B from N = D = 1 to the centre: y (K, 5) and S (K, 5, 5).

    ln A at the centre is ln A - alpha ln N0. What a fit held fixed (NaN covariance) counts as exactly known.
    """
    y = np.array(estimates, dtype=np.float64)
    move = np.eye(5)
    move[1, 3], move[2, 4] = -ln_N, -ln_D
    y = y @ move.T
    S = np.nan_to_num(np.array(covariances, dtype=np.float64), nan=0.0)
    return y, move @ S @ move.T


def fit_law(estimates, covariances, H, *, ln_N, ln_D, level=0.95, sloped=True) -> dict:
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
    if not sloped:
        coefficients, covariance = np.pad(coefficients, ((0, 0), (0, 1))), np.kron(covariance, [[1, 0], [0, 0]])
    law = {
        "form": _FORM,
        "method": _METHOD,
        "parameters": list(PARAMETERS),
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


def _arrays(law):
    """Coefficients (5, 2), covariance (10, 10), scatter (5, 5), df, centre of a law dict."""
    try:
        found = tuple(np.asarray(law[key], dtype=np.float64) for key in ("coefficients", "covariance", "scatter"))
        where = {key: float(law["centre"][key]) for key in ("H", "ln_N", "ln_D")}
        df = int(law["df"])
    except (KeyError, TypeError, ValueError) as error:
        raise FitError(f"the law lacks {error}: make it again with ziplaw regress") from None
    if [a.shape for a in found] != [(5, 2), (10, 10), (5, 5)] or df < 1 or not all(np.isfinite(a).all() for a in found):
        raise FitError("the law's coefficients are not 5 lines with their covariance: make it with ziplaw regress")
    return *found, df, where


def lines(law, level=0.95) -> dict:
    """Slope and intercept (at H = 0, N = D = 1) of each parameter: estimate, interval, p-value of the slope."""
    coefficients, covariance, _, df, c = _arrays(law)
    t = stats.t.ppf((1 + level) / 2, df)
    # ln A = ln A' + alpha ln N0, and the same for B
    back = np.eye(5)
    back[1, 3], back[2, 4] = c["ln_N"], c["ln_D"]
    both = np.kron(back, np.array([[1.0, -c["H"]], [0.0, 1.0]]))  # to (intercept at H = 0, slope)
    natural, spread = (both @ coefficients.ravel()).reshape(5, 2), both @ covariance @ both.T
    # at the centre of N and D the slope of ln A and ln B is better known; both are given
    out = {}
    for i, name in enumerate(PARAMETERS):
        entry = {}
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
    return float(2 * stats.t.sf(abs(value) / sd, df))


def parameters_at(law, H):
    """E, A, B, alpha, beta of the law at H: float64 (5,), or (m, 5) for an array of H."""
    coefficients, _, _, _, c = _arrays(law)
    h = np.asarray(H, dtype=np.float64)[..., None] - c["H"]
    return natural(coefficients[:, 0] + coefficients[:, 1] * h, c)


def natural(y, c):
    """Turn ln E, ln A, ln B (at the centre c), alpha, beta (..., 5) into E, A, B, alpha, beta at N = D = 1."""
    alpha, beta = np.maximum(y[..., 3], EXPONENT_BOUNDS[0]), np.maximum(y[..., 4], EXPONENT_BOUNDS[0])
    logs = (y[..., 0], y[..., 1] + alpha * c["ln_N"], y[..., 2] + beta * c["ln_D"])
    return np.stack([*(np.exp(np.clip(value, -690, 690)) for value in logs), alpha, beta], axis=-1)


def draws_at(law, H, n=DRAWS, *, seed=42, scatter=True):
    """Draw laws at one H from their uncertainty, multivariate t: E, A, B, alpha, beta, float64 (n, 5).

    ``scatter`` adds how far single datasets lie off the line: the law of a NEW dataset of this H, not of the mean one.
    """
    coefficients, covariance, T, df, c = _arrays(law)
    h = float(H) - c["H"]
    at = np.kron(np.eye(5), [[1.0, h]])
    spread = at @ covariance @ at.T + (T if scatter else 0.0)
    y = multivariate_t(coefficients[:, 0] + coefficients[:, 1] * h, spread, df, n, seed)
    return natural(y, c)


def multivariate_t(mean, covariance, df, n, seed):
    """Draw from a multivariate t (normal when df is None), float64 (n, m); the scale matrix may be singular."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, len(mean))) @ _cholesky(covariance).T
    if df is not None:
        noise /= np.sqrt(rng.chisquare(df, n) / df)[:, None]
    return mean + noise


def _cholesky(S):
    """Lower triangular root of a positive semi-definite matrix; it is unique, unlike eigenvectors: bytes are stable."""
    S = np.array(S, dtype=np.float64)
    unit = np.sqrt(np.maximum(np.diag(S), 0.0))
    root = np.zeros_like(S)
    for j in range(len(S)):
        pivot = S[j, j] - root[j, :j] @ root[j, :j]
        if pivot <= 1e-12 * unit[j] ** 2:
            continue
        root[j, j] = np.sqrt(pivot)
        root[j + 1 :, j] = (S[j + 1 :, j] - root[j + 1 :, :j] @ root[j, :j]) / root[j, j]
    return root


def bands(draws, C, level=0.95) -> dict:
    """Quantile bands of N_opt, D_opt and loss at C over drawn laws (n, 5): name -> (lo, hi)."""
    split = optimal_split(draws, C)
    edges = [(1 - level) / 2, (1 + level) / 2]
    out = {}
    for name, values in zip(("N", "D", "loss"), split):
        lo, hi = np.quantile(values, edges, axis=0)
        out[name] = (float(lo), float(hi)) if np.ndim(lo) == 0 else (lo, hi)
    return out


def crossing(law, level=0.95, H_range=None) -> dict:
    """Where alpha(H) = beta(H), which is also where the split's exponent a(H) = beta/(alpha+beta) is one half.

    Returns
    -------
    dict
        ``H`` (the lines' crossing, None where they are parallel), ``interval`` (Fieller's, [None, None] where the
        slopes are too uncertain to bound it), ``in_range``, ``slope_of_a`` (da/dH there: negative means that the
        optimal split moves from parameters towards data as H grows) and ``text``.
    """
    coefficients, covariance, _, df, c = _arrays(law)
    contrast = np.zeros((2, 10))
    contrast[0, [6, 8]] = contrast[1, [7, 9]] = 1, -1
    (d0, d1), V = contrast @ coefficients.ravel(), contrast @ covariance @ contrast.T
    t2 = stats.t.ppf((1 + level) / 2, df) ** 2
    H_cross = c["H"] - d0 / d1 if abs(d1) > 1e-12 else None
    # Fieller: all h with (d0 + d1 h)^2 <= t^2 var(d0 + d1 h)
    p2, p1, p0 = d1**2 - t2 * V[1, 1], 2 * (d0 * d1 - t2 * V[0, 1]), d0**2 - t2 * V[0, 0]
    interval = [None, None]
    under = p1**2 - 4 * p2 * p0
    if p2 > 0 and under >= 0:
        interval = [c["H"] + (-p1 + sign * np.sqrt(under)) / (2 * p2) for sign in (-1, 1)]
    in_range = None
    if H_cross is not None and H_range is not None:
        in_range = bool(H_range[0] <= H_cross <= H_range[1])
    slope = None
    if H_cross is not None:
        at = parameters_at(law, np.array([H_cross - 1e-4, H_cross + 1e-4]))
        slope = float(np.diff(exponents(at)[0])[0] / 2e-4)
    result = {"H": None if H_cross is None else float(H_cross), "interval": [_float(v) for v in interval],
              "in_range": in_range, "slope_of_a": slope, "level": level}  # fmt: skip
    return result | {"text": _crossing_text(result, H_range)}


def _float(value):
    return None if value is None else float(value)


def _crossing_text(found, H_range):
    if found["H"] is None:
        return "alpha = beta at no H: their lines run parallel"
    lo, hi = found["interval"]
    span = "its interval is unbounded" if lo is None else f"{100 * found['level']:g}% interval {lo:.3f} to {hi:.3f}"
    if found["in_range"] is False:
        measured = f"{H_range[0]:.3f} to {H_range[1]:.3f}"
        return f"alpha = beta at no H in the measured range {measured} (the lines meet at H = {found['H']:.3f}, {span})"
    return f"alpha = beta at H = {found['H']:.3f} ({span})"


def blend(parameters, epsilon, constants=CHINCHILLA):
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


def predict(law, H, C, *, level=0.95, epsilon=1.0, fitted_on=None, without_H=None) -> dict:
    """Best N, D and loss for compressibility H and C training FLOPs, with bands, beside Chinchilla's.

    Parameters
    ----------
    law : dict
        From ``fit_law`` (the "law" of regression.json).
    H : float
        Gzip-compressibility of the data.
    C : float
        Training FLOPs, C = 6 N D.
    level : float
        Coverage of the bands, which hold for a new dataset of this H: they include the scatter of datasets.
    epsilon : float
        Weight of the law against Chinchilla's constants (1: the law alone).
    fitted_on : dict, optional
        Ranges "H" and "C" behind the law, for saying how far this extrapolates.
    without_H : dict, optional
        The mean law of the datasets, whose split is then given beside it.

    Returns
    -------
    dict
        ``refused`` holds the reasons why the split is not identified, each with what would settle it; empty if it is.

    Raises
    ------
    FitError
        When an argument is out of range, or the law gives less than one parameter or token there.
    """
    arguments.check_level(level)
    H = float(arguments.check_within(H, "H", limits.COMPRESSIBILITY))
    C = float(arguments.check_within(C, "C", limits.FLOPS))
    parameters = blend(parameters_at(law, H), epsilon) if epsilon != 1 else parameters_at(law, H)
    drawn = draws_at(law, H)
    drawn = blend(drawn, epsilon) if epsilon != 1 else drawn
    band = bands(drawn, C, level)
    N, D, loss = (float(v) for v in optimal_split(parameters, C))
    if not (N >= 1 and D >= 1):
        far = f"; {extrapolation(H, C, fitted_on)['text']}" if fitted_on else ""
        raise FitError(
            f"at H = {H:g} and C = {C:g} the law's best split is {N:.3g} parameters and {D:.3g} tokens, which means "
            f"nothing{far}: stay nearer to what the law was fitted on"
        )
    a, b, _ = exponents(parameters)
    a_band = np.quantile(exponents(drawn)[0], [(1 - level) / 2, (1 + level) / 2])
    out = {
        "H": H, "C": C, "level": level, "epsilon": float(epsilon),
        "N": N, "D": D, "loss": loss, "tokens_per_parameter": D / N,
        "N_interval": band["N"], "D_interval": band["D"], "loss_interval": band["loss"],
        "a": float(a), "b": float(b), "a_interval": a_band.tolist(),
        "parameters": dict(zip(("E", "A", "B", "alpha", "beta"), parameters.tolist())),
        "chinchilla": {},
    }  # fmt: skip
    for name, constants in (("published", CHINCHILLA), ("refit", CHINCHILLA_REFIT)):
        cN, cD, cL = (float(v) for v in optimal_split(constants.array, C))
        out["chinchilla"][name] = {"N": cN, "D": cD, "loss": cL, "source": constants.source}
    plan = kaplan.allocate(C)
    out["kaplan"] = {"N": plan.N, "D": plan.D, "loss": plan.loss, "source": "Kaplan et al. 2020, arXiv 2001.08361"}
    out["without_H"] = None
    if without_H is not None:
        mean = dict(zip(("N", "D", "loss"), (float(v) for v in optimal_split(parameters_at(without_H, H), C))))
        mean_drawn = draws_at(without_H, H)
        edges = bands(mean_drawn, C, level)
        out["without_H"] = mean | {f"{name}_interval": edges[name] for name in edges}
        out["without_H"]["identified"] = not _doubts(mean_drawn, C, mean["N"], fitted_on)
    out["extrapolation"] = extrapolation(H, C, fitted_on) if fitted_on else None
    out["refused"] = [doubt.to_dict() for doubt in _doubts(drawn, C, N, fitted_on)]
    return out


def _doubts(drawn, C, N, fitted_on):
    """What is to be said against a split of C, judged by drawn laws (n, 5)."""
    found = identification.drawn_doubts(drawn)
    found += identification.split_doubts(C, N, bands(drawn, C, identification.LEVEL)["N"])
    if fitted_on is None:
        return found
    low, high = fitted_on["C"]
    where = (
        f"measure datasets like yours nearer to C = {C:.3g}"
        if not low <= C <= high
        else "measure more datasets of such H"
    )
    return [
        doubt._replace(remedy=f"{where} (behind this law: {low:.3g} to {high:.3g}) and give that law")
        for doubt in found
    ]


def extrapolation(H, C, fitted_on) -> dict:
    """How far H and C lie outside what a law was fitted on: orders of magnitude in C, distance in H, and a sentence."""
    (h_lo, h_hi), (c_lo, c_hi) = fitted_on["H"], fitted_on["C"]
    decades = max(np.log10(C / c_hi), np.log10(c_lo / C), 0.0)
    distance = max(H - h_hi, h_lo - H, 0.0)
    parts = []
    if decades > 0:
        parts.append(
            f"C = {C:.3g} FLOPs is {decades:.1f} orders of magnitude outside the measured {c_lo:.3g} to {c_hi:.3g}"
        )
    if distance > 0:
        parts.append(f"H = {H:.3f} is {distance:.3f} outside the measured {h_lo:.3f} to {h_hi:.3f}")
    text = "; ".join(parts) if parts else "inside the measured range of H and C"
    return {"C_decades": float(decades), "H_distance": float(distance), "in_range": not parts, "text": text}
