"""What can be wrong with a fit, measured: identification, bounds, conditioning, misfit, hold-out error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ...errors import FitError
from ..forms.chinchilla import PARAMETERS
from .additive import EXPONENT_BOUNDS, Array, Design
from .additive_fit import AdditiveFit
from .levels import common_line, n_levels
from .misfit import POOR_RMS, lack_of_fit, misfit, worst_region

FEW_STARTS = 0.1
_ILL_CONDITIONED = 1e8
TOGETHER = "N and D move together"

EXPLANATIONS = {
    "not converged": "the optimiser did not meet its tolerance: do not use these numbers",
    "poor fit": f"typical errors exceed {POOR_RMS:.0%} of the loss: the additive law does not describe these runs",
    "systematic residuals": "the errors follow N and D instead of scattering: the law's shape is wrong for these runs",
    "mixed runs": "runs of equal N and D differ widely: another variable (dataset, epoch, learning rate) is mixed in",
    "loss rises with D": "loss rises with more tokens in many pairs of runs: over-fitting or too high a rate",
    "loss rises with N": "loss rises with more parameters in many pairs of runs: larger models are not tuned",
    "barely trained runs": "many losses sit near the highest one: those runs have not begun to learn; leave them out",
    "saturated runs": "many losses sit at the lowest one: those runs show neither N nor D; leave them out",
    "all N equal": "one model size only: A and alpha cannot be found",
    "all D equal": "one token budget only: B and beta cannot be found",
    "two sizes only": "two model sizes cannot tell E from A and alpha",
    TOGETHER: "the split is not identified, for A and alpha cannot be told from B and beta",
    "two budgets only": "two token budgets cannot tell E from B and beta",
    "E at zero": "E came out as zero: the floor of the loss is not identified by these runs",
    "A at zero": "A came out as zero: these runs show no effect of N, so alpha means nothing",
    "B at zero": "B came out as zero: these runs show no effect of D, so beta means nothing",
    "alpha at its bound": "alpha ran into its bound: it is not identified",
    "beta at its bound": "beta ran into its bound: it is not identified",
    "ill-conditioned": "some combination of parameters is nearly free: their values mean little one by one",
    "few starts agree": "fewer than a tenth of the starts reached this optimum: it may not be the only one",
}

# with any of these the parameters are not a law to be used
UNUSABLE = {
    "not converged",
    "poor fit",
    "mixed runs",
    "all N equal",
    "all D equal",
    "two sizes only",
    "two budgets only",
    TOGETHER,
    "A at zero",
    "B at zero",
    "alpha at its bound",
    "beta at its bound",
}


def jacobian(theta: Array, design: Design) -> Array:
    """Derivatives (n, 5) of ln f in the centred coordinates ln E, ln A, ln B, alpha, beta."""
    E, A, B, alpha, beta = theta
    u, v = A * np.exp(-alpha * design.x), B * np.exp(-beta * design.y)
    f = E + u + v
    return np.column_stack([np.full_like(u, E) / f, u / f, v / f, -u * design.x / f, -v * design.y / f])


def estimable(fitted: AdditiveFit) -> npt.NDArray[np.bool_]:
    """Which of the five parameters moved freely: fitted, and not at a bound; bool (5,)."""
    theta = fitted.solution.theta
    low, high = EXPONENT_BOUNDS
    inside = np.array([*(theta[:3] > 0), *((theta[3:] > low) & (theta[3:] < high))])
    inside[3:] &= theta[1:3] > 0
    free = fitted.settings.free | np.array([False, False, False, False, fitted.settings.tie])
    return inside & free


def score_moments(r: Array, weights: Array, delta: float, n_free: int) -> tuple[float, float]:
    """Return E[psi^2], with a degrees-of-freedom correction, and E[psi'] of the Huber score psi.

    E[psi'] is the chance that a residual lies within delta. With delta far below the noise that is the density at
    zero, so it is smoothed by a normal kernel, after dropping the residuals that the fit itself drove to zero.
    """
    n = len(r)
    if not np.isfinite(delta):
        return float((weights * r * r).sum() / weights.sum() * n / max(n - n_free, 1)), 1.0
    psi2 = np.clip(r, -delta, delta) ** 2
    kept = r[np.argsort(np.abs(r), kind="stable")[min(n_free, n - 2) :]]
    spread = min(kept.std(), (np.subtract(*np.percentile(kept, [75, 25]))) / 1.34) or kept.std() or 1e-12
    width = 0.9 * max(spread, 1e-12) * len(kept) ** -0.2
    chance = (stats.norm.cdf((delta - kept) / width) - stats.norm.cdf((-delta - kept) / width)).mean()
    chance = max(chance, 1.0 / n * min(1.0, delta / max(spread, 1e-12)))
    return float((weights * psi2).sum() / weights.sum() * n / max(n - n_free, 1)), float(chance)


def covariance(fitted: AdditiveFit) -> Array:
    """Delta-method covariance (5, 5) of ln E, ln A, ln B, alpha, beta; NaN rows where nothing was estimated.

    Model-based: V (J'WJ)^-1 (J'W^2 J) (J'WJ)^-1 with V the variance of the Huber score over its squared slope,
    which is the residual variance for least squares.
    """
    design, theta = fitted.solution.design, fitted.solution.theta
    free = estimable(fitted)
    J, w = jacobian(theta, design), fitted.weights
    tied = fitted.settings.tie
    if tied:
        J = J.copy()
        J[:, 3] += J[:, 4]
        free = free & np.array([True, True, True, True, False])
    out = np.full((5, 5), np.nan)
    index = np.flatnonzero(free)
    if not index.size or not np.isfinite(fitted.objective):
        return out
    square, slope = score_moments(fitted.residuals, w, fitted.solution.delta, len(index))
    V = square / slope**2
    bread = np.linalg.pinv((J[:, index] * w[:, None]).T @ J[:, index], rcond=1e-13, hermitian=True)
    meat = (J[:, index] * (w * w)[:, None]).T @ J[:, index]
    out[np.ix_(index, index)] = V * bread @ meat @ bread
    if tied and free[3]:
        out[4, :], out[:, 4] = out[3, :], out[:, 3]
        out[4, 4] = out[3, 3]
    # ln A = ln A' + ln scale + alpha * mean ln N, and the same for B
    back = np.eye(5)
    back[1, 3], back[2, 4] = design.x_mean, design.y_mean
    known = np.isfinite(np.diag(out))
    filled = back @ np.where(known[:, None] & known, out, 0.0) @ back.T
    return np.where(known[:, None] & known, filled, np.nan)


def unidentified(fitted: AdditiveFit) -> set[str]:
    """Names of the parameters about which this table says nothing, by design or because their term vanished."""
    s, names = fitted.settings, set()
    E_free = s.fixed_E is None and s.excess_floor is None
    for values, pair in ((fitted.N, ("A", "alpha")), (fitted.D, ("B", "beta"))):
        count = n_levels(values[fitted.weights > 0])
        if count == 1 or (count == 2 and E_free and not s.tie):
            names |= set(pair) | ({"E"} if E_free else set())
    for value, pair in ((fitted.A, ("A", "alpha")), (fitted.B, ("B", "beta"))):
        if value <= 0:
            names |= {pair[1]}
    if together(fitted):
        names |= {"A", "B", "alpha", "beta"}
    return names


def flags(fitted: AdditiveFit) -> tuple[str, ...]:
    """Short warnings of a fit, worst first; each has its sentence in ``EXPLANATIONS``."""
    found = []
    theta, s = fitted.solution.theta, fitted.settings
    if not fitted.converged:
        found.append("not converged")
    found += misfit(fitted)["flags"]
    for values, one, two in (
        (fitted.N, "all N equal", "two sizes only"),
        (fitted.D, "all D equal", "two budgets only"),
    ):
        count = n_levels(values[fitted.weights > 0])
        found += [one] if count == 1 else [two] if count == 2 else []
    if together(fitted):
        found.append(TOGETHER)
    if s.free[0] and theta[0] <= 1e-9:
        found.append("E at zero")
    for name, value, exponent in (("A", theta[1], theta[3]), ("B", theta[2], theta[4])):
        if value <= 1e-12:
            found.append(f"{name} at zero")
        elif not EXPONENT_BOUNDS[0] < exponent < EXPONENT_BOUNDS[1]:
            found.append(f"{'alpha' if name == 'A' else 'beta'} at its bound")
    if condition(fitted)[0] > _ILL_CONDITIONED:
        found.append("ill-conditioned")
    if fitted.solution.fraction_of_starts < FEW_STARTS:
        found.append("few starts agree")
    return tuple(found)


def condition(fitted: AdditiveFit) -> tuple[float, Array]:
    """Condition number of the scaled information matrix of the estimable parameters, and their correlations (5, 5)."""
    index = np.flatnonzero(estimable(fitted))
    correlations = np.full((5, 5), np.nan)
    if not index.size:
        return np.inf, correlations
    J = jacobian(fitted.solution.theta, fitted.solution.design)[:, index] * np.sqrt(fitted.weights)[:, None]
    norms = np.linalg.norm(J, axis=0)
    singular = np.linalg.svd(J / np.where(norms > 0, norms, 1.0), compute_uv=False)
    # below the rounding of the largest a singular value is zero
    number = float((singular[0] / max(singular[-1], 1e-16 * singular[0], 1e-150)) ** 2)
    sd = np.sqrt(np.diag(fitted.covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = fitted.covariance / sd[:, None] / sd
    return number, correlations


def together(fitted: AdditiveFit) -> str:
    """Say which line N and D of a fit follow, see ``common_line``."""
    rows = fitted.weights > 0
    return common_line(fitted.N[rows], fitted.D[rows])


def holdout(fitted: AdditiveFit) -> dict[str, Any]:
    """Hold out the largest N, then D, then C = 6 N D: refit on the rest and predict them.

    The held-out rows are those at the largest value, or the top tenth of the rows where that is more.

    Returns
    -------
    dict
        ``n``, ``rms_log_error`` pooled over the three, and ``cells``: one entry each for N, D and C (None where the
        rest cannot hold a fit).
    """
    along = {"N": fitted.N, "D": fitted.D, "C": fitted.N * fitted.D}
    cells = {name: held_out(fitted, values) for name, values in along.items()}
    found = [cell for cell in cells.values() if cell]
    count = sum(cell["n"] for cell in found)
    squares = sum(cell["n"] * cell["rms_log_error"] ** 2 for cell in found)
    return {"n": count, "rms_log_error": float(np.sqrt(squares / count)) if count else None, "cells": cells}


def held_out(fitted: Any, values: Array, share: float = 0.1) -> dict[str, Any] | None:
    """Hold out the rows with the largest ``values`` (n,), or this share of them where that is more.

    Returns
    -------
    dict or None
        ``n`` and ``rms_log_error`` of what was fitted (the loss, or its excess over a floor); None where the rest
        cannot hold a fit.
    """
    top = values >= min(values.max(), np.quantile(values, 1 - share))
    rest = ~top & (fitted.weights > 0)
    if len(np.unique(np.column_stack([fitted.N, fitted.D])[rest], axis=0)) <= fitted.n_free:
        return None
    try:
        part = fitted.refit(rest)
    except FitError:
        return None
    floor = fitted.settings.excess_floor or 0.0
    with np.errstate(all="ignore"):
        error = np.log((part.predict(fitted.N[top], fitted.D[top]) - floor) / (fitted.loss[top] - floor))
    if not np.isfinite(error).all():
        return None
    return {"n": int(top.sum()), "rms_log_error": float(np.sqrt((error**2).mean()))}


def diagnose(fitted: AdditiveFit) -> dict[str, Any]:
    """Everything measured about a fit, as plain numbers (see ``docs/laws.md`` for how to read it)."""
    number, correlations = condition(fitted)
    measured = misfit(fitted)
    return {
        "flags": list(fitted.flags),
        "condition_number": number,
        "correlations": correlations.tolist(),
        "bounds_hit": [flag for flag in fitted.flags if "at zero" in flag or "at its bound" in flag],
        "fraction_of_starts": fitted.solution.fraction_of_starts,
        **{key: measured[key] for key in measured if key != "flags"},
        "unidentified": [name for name in PARAMETERS if name in unidentified(fitted)],
        "lack_of_fit": lack_of_fit(fitted),
        "holdout": holdout(fitted),
    }


def usable(fitted: AdditiveFit) -> bool:
    """Whether the law may be quoted: it converged, fits, and every parameter is identified."""
    return not blocking(fitted)


def blocking(fitted: AdditiveFit) -> set[str]:
    """Flags of a fit with which its parameters are not a law to be used, set."""
    fixed_E = not fitted.settings.free[0]
    forgiven = {"two sizes only", "two budgets only"} if fixed_E else set()
    return set(fitted.flags) & UNUSABLE - forgiven


def warnings(fitted: AdditiveFit) -> list[str]:
    """One plain sentence, with its measured value, for every flag of a fit."""
    measured = misfit(fitted)
    numbers = {
        "poor fit": f"(RMS error of log loss {measured['rms_log_residual']:.3g}; {worst_region(fitted)})",
        "mixed runs": f"(spread of log loss {measured['replicate_spread'] or 0:.2g})",
        "systematic residuals": f"({measured['systematic_share'] or 0:.0%} of their variance; {worst_region(fitted)})",
        "few starts agree": f"({fitted.solution.fraction_of_starts:.0%})",
        "ill-conditioned": f"(condition number {condition(fitted)[0]:.1e})",
    }
    names = {TOGETHER: f"{TOGETHER} ({together(fitted)})"}
    return [f"{names.get(flag, flag)}: {EXPLANATIONS[flag]} {numbers.get(flag, '')}".strip() for flag in fitted.flags]
