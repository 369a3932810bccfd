"""What can be wrong with a fit, measured: identification, bounds, conditioning, misfit, hold-out error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.distributions import normal_cdf
from ...numerics.functions import exp, log, product, raised
from ...numerics.linear import norm, pinv, svd
from .additive import Array, Design
from .additive_fit import FittedLaw
from .levels import common_line, n_levels
from .misfit import POOR_RMS, lack_of_fit, misfit, worst_region

FEW_STARTS = 0.1
_ILL_CONDITIONED = 1e8
TOGETHER = "N and D move together"

EXPLANATIONS = {
    "not converged": "the optimiser did not meet its tolerance: do not use these numbers",
    "poor fit": f"typical errors exceed {POOR_RMS:.0%} of the loss: the law does not describe these runs",
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
    "k at its bound": "k ran into its bound: the link is not identified, though the split may be",
    "losses above U": "many losses lie above U: it is not the upper end of these runs; leave U free, or check its unit",
    "U at its bound": "U ran into its bound: no run shows the upper end of the loss",
    "spline at its bound": "a slope of the link ran into its bound: the loss hardly moves with the index somewhere",
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
    "losses above U",
    "A at zero",
    "B at zero",
    "alpha at its bound",
    "beta at its bound",
}
# a loss this far above U is no noise of a model that knows nothing; as large a share of the rows is no accident
_ABOVE_U, _MANY_ABOVE = 1.02, 0.05


def jacobian(theta: Array, design: Design) -> Array:
    """Derivatives (n, 5) of ln f in the centred coordinates ln E, ln A, ln B, alpha, beta."""
    E, A, B, alpha, beta = theta
    u, v = A * exp(-alpha * design.x), B * exp(-beta * design.y)
    f = E + u + v
    return np.column_stack([np.full_like(u, E) / f, u / f, v / f, -u * design.x / f, -v * design.y / f])


def estimable(fitted: FittedLaw) -> npt.NDArray[np.bool_]:
    """Which parameters moved freely: fitted, and not at a bound; bool (p,)."""
    ends, names = fitted.problem.ends(fitted.solution.theta), fitted.form.parameters
    inside = np.array([name not in ends for name in names])
    inside[3:5] &= inside[1:3]
    free = fitted.problem.free.copy()
    free[4] |= fitted.settings.tie
    return inside & free


def score_moments(r: Array, weights: Array, delta: float, n_free: int) -> tuple[float, float]:
    """Return E[psi^2], with a degrees-of-freedom correction, and E[psi'] of the Huber score psi.

    E[psi'] is the chance that a residual lies within delta. With delta far below the noise that is the density at
    zero, so it is smoothed by a normal kernel, after dropping the residuals that the fit itself drove to zero.
    """
    n = len(r)
    if not np.isfinite(delta):
        return float((weights * r * r).sum() / weights.sum() * n / max(n - n_free, 1)), 1.0
    psi2 = np.square(np.clip(r, -delta, delta))
    kept = r[np.argsort(np.abs(r), kind="stable")[min(n_free, n - 2) :]]
    spread = min(kept.std(), (np.subtract(*np.percentile(kept, [75, 25]))) / 1.34) or kept.std() or 1e-12
    width = 0.9 * max(spread, 1e-12) * raised(len(kept), -0.2)
    chance = (normal_cdf((delta - kept) / width) - normal_cdf((-delta - kept) / width)).mean()
    chance = max(chance, 1.0 / n * min(1.0, delta / max(spread, 1e-12)))
    return float((weights * psi2).sum() / weights.sum() * n / max(n - n_free, 1)), float(chance)


def covariance(fitted: FittedLaw) -> Array:
    """Delta-method covariance (p, p) of ln E, ln A, ln B, alpha, beta and ln of the rest; NaN rows where not estimated.

    Model-based: V (J'WJ)^-1 (J'W^2 J) (J'WJ)^-1 with V the variance of the Huber score over its squared slope,
    which is the residual variance for least squares.
    """
    theta, free = fitted.solution.theta, estimable(fitted)
    J, w, p = fitted.problem.jacobian(theta), fitted.weights, len(theta)
    tied = fitted.settings.tie
    if tied:
        J = J.copy()
        J[:, 3] += J[:, 4]
        free = free & (np.arange(p) != 4)
    out = np.full((p, p), np.nan)
    index = np.flatnonzero(free)
    if not index.size or not np.isfinite(fitted.objective):
        return out
    square, slope = score_moments(fitted.residuals, w, fitted.solution.delta, len(index))
    V = square / np.square(slope)
    bread = pinv(product((J[:, index] * w[:, None]).T, J[:, index]), rcond=1e-13, hermitian=True)
    meat = product((J[:, index] * (w * w)[:, None]).T, J[:, index])
    out[np.ix_(index, index)] = product(V * bread, meat, bread)
    if tied and free[3]:
        out[4, :], out[:, 4] = out[3, :], out[:, 3]
        out[4, 4] = out[3, 3]
    back, known = fitted.problem.back(theta), np.isfinite(np.diag(out))
    filled = product(back, np.where(known[:, None] & known, out, 0.0), back.T)
    # the free link holds ln B at the centre, and has it from ln A there
    known[2] |= bool(back[2, 1]) and known[1]
    return np.where(known[:, None] & known, filled, np.nan)


def unidentified(fitted: FittedLaw) -> set[str]:
    """Names of the parameters about which this table says nothing, by design or because their term vanished."""
    s, names = fitted.settings, set()
    E_free = bool(fitted.problem.free[0])
    for values, pair in ((fitted.N, ("A", "alpha")), (fitted.D, ("B", "beta"))):
        count = n_levels(values[fitted.weights > 0])
        if count == 1 or (count == 2 and E_free and not s.tie):
            names |= set(pair) | ({"E"} if E_free else set())
    ends = fitted.problem.ends(fitted.solution.theta)
    names |= {exponent for term, exponent in (("A", "alpha"), ("B", "beta")) if ends.get(term) == "at zero"}
    if together(fitted):
        names |= {"A", "B", "alpha", "beta"}
    return names


def flags(fitted: FittedLaw) -> tuple[str, ...]:
    """Short warnings of a fit, worst first; each has its sentence in ``EXPLANATIONS``."""
    found = []
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
    if "U" in fitted.form.parameters:
        U = fitted.parameters[fitted.form.parameters.index("U")]
        found += ["losses above U"] if (fitted.loss > _ABOVE_U * U).mean() > _MANY_ABOVE else []
    ends = fitted.problem.ends(fitted.solution.theta)
    for name in ("E", "A", "alpha", "B", "beta", *fitted.form.parameters[5:]):
        # an exponent of a term that vanished is no finding of its own
        if name in ends and ends.get({"alpha": "A", "beta": "B"}.get(name, "")) != "at zero":
            spline = fitted.form.name == "free" and name not in fitted.form.parameters[:5]
            found.append(f"{'spline' if spline else name} {ends[name]}")
    found = list(dict.fromkeys(found))
    if condition(fitted)[0] > _ILL_CONDITIONED:
        found.append("ill-conditioned")
    if fitted.solution.fraction_of_starts < FEW_STARTS:
        found.append("few starts agree")
    return tuple(found)


def condition(fitted: FittedLaw) -> tuple[float, Array]:
    """Condition number of the scaled information matrix of the estimable parameters, and their correlations (p, p)."""
    index = np.flatnonzero(estimable(fitted))
    correlations = np.full((len(fitted.form.parameters),) * 2, np.nan)
    if not index.size:
        return np.inf, correlations
    J = fitted.problem.jacobian(fitted.solution.theta)[:, index] * np.sqrt(fitted.weights)[:, None]
    norms = norm(J, axis=0)
    singular = svd(J / np.where(norms > 0, norms, 1.0))[1]
    # below the rounding of the largest a singular value is zero
    number = float(np.square(singular[0] / max(singular[-1], 1e-16 * singular[0], 1e-150)))
    sd = np.sqrt(np.diag(fitted.covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = fitted.covariance / sd[:, None] / sd
    return number, correlations


def together(fitted: FittedLaw) -> str:
    """Say which line N and D of a fit follow, see ``common_line``."""
    rows = fitted.weights > 0
    return common_line(fitted.N[rows], fitted.D[rows])


def holdout(fitted: FittedLaw) -> dict[str, Any]:
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
    squares = sum(cell["n"] * np.square(cell["rms_log_error"]) for cell in found)
    return {"n": count, "rms_log_error": float(np.sqrt(squares / count)) if count else None, "cells": cells}


def held_out(fitted: FittedLaw, values: Array, share: float = 0.1) -> dict[str, Any] | None:
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
        error = log((part.predict(fitted.N[top], fitted.D[top]) - floor) / (fitted.loss[top] - floor))
    if not np.isfinite(error).all():
        return None
    return {"n": int(top.sum()), "rms_log_error": float(np.sqrt(np.square(error).mean()))}


def diagnose(fitted: FittedLaw) -> dict[str, Any]:
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
        "unidentified": [name for name in fitted.form.parameters if name in unidentified(fitted)],
        "lack_of_fit": lack_of_fit(fitted),
        "holdout": holdout(fitted),
    }


def usable(fitted: FittedLaw) -> bool:
    """Whether the law may be quoted: it converged, fits, and every parameter is identified."""
    return not blocking(fitted)


def blocking(fitted: FittedLaw) -> set[str]:
    """Flags of a fit with which its parameters are not a law to be used, set."""
    # the free link has no E, and bends in its place
    known_E = not fitted.problem.free[0] and fitted.form.name != "free"
    forgiven = {"two sizes only", "two budgets only"} if known_E else set()
    return set(fitted.flags) & UNUSABLE - forgiven


def warnings(fitted: FittedLaw) -> list[str]:
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
