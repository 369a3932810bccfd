"""What can be wrong with a fit, measured: identification, bounds, conditioning, misfit, hold-out error."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ...errors import FitError
from ..forms.chinchilla import PARAMETERS
from .additive import EXPONENT_BOUNDS

POOR_RMS = 0.05
SYSTEMATIC_SHARE = 0.5
REPLICATE_SPREAD = 0.1
FEW_STARTS = 0.1
_ILL_CONDITIONED = 1e8
# sizes (or budgets) this near to each other are one: C/(6 N) and rounding move them in the seventh digit
SAME_VALUE = 1e-3
# standard deviation of ln N and ln D across the line they follow, below which they count as one variable: ladders at one
# ratio have 0 to .06, two ladders a factor of two apart .24, grids and isoFLOP tables over 1
TOGETHER_SPREAD = 0.1
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


def jacobian(theta, design):
    """Derivatives (n, 5) of ln f in the centred coordinates ln E, ln A, ln B, alpha, beta."""
    E, A, B, alpha, beta = theta
    u, v = A * np.exp(-alpha * design.x), B * np.exp(-beta * design.y)
    f = E + u + v
    return np.column_stack([np.full_like(u, E) / f, u / f, v / f, -u * design.x / f, -v * design.y / f])


def estimable(fitted):
    """Which of the five parameters moved freely: fitted, and not at a bound; bool (5,)."""
    theta = fitted.solution.theta
    low, high = EXPONENT_BOUNDS
    inside = np.array([*(theta[:3] > 0), *((theta[3:] > low) & (theta[3:] < high))])
    inside[3:] &= theta[1:3] > 0
    free = fitted.settings.free | np.array([False, False, False, False, fitted.settings.tie])
    return inside & free


def score_moments(r, weights, delta, n_free):
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


def covariance(fitted):
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


def unidentified(fitted):
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


def flags(fitted):
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


def condition(fitted):
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


def misfit(fitted):
    """Measure how the residuals fail to scatter: size, share explained by N and D, spread of equal runs, trends."""
    r, w = fitted.residuals, fitted.weights
    out = {"rms_log_residual": float(np.sqrt((w * r * r).sum() / w.sum())), "flags": []}
    out.update(systematic_share=None, systematic_p=None, replicate_spread=None)
    if not np.isfinite(out["rms_log_residual"]):
        return out
    out["systematic_share"], out["systematic_p"] = _smooth_share(r, fitted.solution.design)
    n_group, d_group = near_groups(fitted.N), near_groups(fitted.D)
    out["replicate_spread"] = _pure_error(n_group, d_group, r)["rms"]
    poor = out["rms_log_residual"] > POOR_RMS
    if poor:
        out["flags"].append("poor fit")
    if (out["replicate_spread"] or 0) > REPLICATE_SPREAD:
        out["flags"].append("mixed runs")
    share, p_value = out["systematic_share"], out["systematic_p"]
    if share is not None and share > SYSTEMATIC_SHARE and p_value < 0.01 and out["rms_log_residual"] > 0.01:
        out["flags"].append("systematic residuals")
    for name, along, across in (("D", d_group, n_group), ("N", n_group, d_group)):
        pairs, rises = _rises(along, across, fitted.loss)
        if pairs >= 4 and rises / pairs > 0.2:
            out["flags"].append(f"loss rises with {name}")
    loss = fitted.loss
    if poor and loss.max() > 2 * loss.min():
        out["flags"] += ["barely trained runs"] if (loss > 0.85 * loss.max()).mean() >= 0.1 else []
        out["flags"] += ["saturated runs"] if (loss < 1.1 * loss.min()).mean() >= 0.25 else []
    return out


def near_groups(values, tolerance=0.02):
    """Label values (n,) so that those within 2 % of the least of their group share a label: budgets are seldom exact."""
    order = np.argsort(values, kind="stable")
    x = np.log(values[order])
    labels = np.empty(len(values), dtype=np.intp)
    start = label = 0
    while start < len(x):
        end = int(np.searchsorted(x, x[start] + tolerance, side="right"))
        labels[order[start:end]] = label
        start, label = end, label + 1
    return labels


def n_levels(values):
    """Number of different sizes or budgets among values (n,), those within ``SAME_VALUE`` counted as one."""
    return int(near_groups(values, SAME_VALUE).max()) + 1


def together(fitted):
    """Say which line N and D of a fit follow, see ``common_line``."""
    rows = fitted.weights > 0
    return common_line(fitted.N[rows], fitted.D[rows])


def common_line(N, D, name="D"):
    """Say which line N and D (n,) follow, such as "D = 20 N"; "" where they vary apart, or one of them not at all.

    Steps may stand in the place of tokens, under their ``name``.
    """
    if min(n_levels(N), n_levels(D)) < 2:
        return ""
    x, y = np.log(N), np.log(D)
    X = np.column_stack([x - x.mean(), y - y.mean()])
    _, singular, axes = np.linalg.svd(X, full_matrices=False)
    spread = singular[1] / np.sqrt(len(x))
    if spread > TOGETHER_SPREAD:
        return ""
    near = "" if spread < SAME_VALUE else f" within {spread:.1g} in logarithms"
    if abs(axes[0, 1]) < 0.02 * abs(axes[0, 0]):
        return f"{name} is about {np.exp(y.mean()):.3g} throughout"
    if abs(axes[0, 0]) < 0.02 * abs(axes[0, 1]):
        return f"N is about {np.exp(x.mean()):.3g} throughout"
    power = axes[0, 1] / axes[0, 0]
    if abs(power - 1) < 0.02:
        return f"{name} = {np.exp(y.mean() - x.mean()):.3g} N{near}"
    if abs(power + 1) < 0.02 and name == "D":
        return f"D = C/(6 N), one budget of C = {6 * np.exp(x.mean() + y.mean()):.3g}{near}"
    return f"{name} = {np.exp(y.mean() - power * x.mean()):.2g} N^{power:.2g}{near}"


def _smooth_share(r, design):
    """Share of the residuals' variance that a quadratic in ln N, ln D explains, and the p-value of its F test."""
    columns = [np.ones_like(r)]
    for values in (design.x, design.y):
        levels = min(len(np.unique(values)) - 1, 2)
        columns += [values**power for power in range(1, levels + 1)]
    if len(columns) == 5:
        columns.append(design.x * design.y)
    X = np.column_stack(columns)
    freedom = len(r) - X.shape[1]
    total = float(((r - r.mean()) ** 2).sum())
    if freedom < 4 or total <= 0 or X.shape[1] < 2:
        return None, None
    rest = float(((r - X @ np.linalg.lstsq(X, r, rcond=None)[0]) ** 2).sum())
    F = (total - rest) / (X.shape[1] - 1) / max(rest / freedom, 1e-300)
    return max(0.0, 1 - rest / total), float(stats.f.sf(max(F, 0.0), X.shape[1] - 1, freedom))


def _rises(along, across, loss):
    """Count neighbouring pairs along one axis at equal other axis, and those whose mean log loss rises by over 2 %."""
    pairs = rises = 0
    for value in np.unique(across):
        rows = across == value
        steps, inverse = np.unique(along[rows], return_inverse=True)
        mean = np.bincount(inverse, np.log(loss[rows])) / np.bincount(inverse)
        pairs += len(steps) - 1
        rises += int((np.diff(mean) > 0.02).sum())
    return pairs, rises


def _pure_error(n_group, d_group, r):
    """Scatter of residuals within cells of equal N and D: degrees of freedom, RMS, sum of squares, cells."""
    inverse = np.unique(np.column_stack([n_group, d_group]), axis=0, return_inverse=True)[1].ravel()
    counts = np.bincount(inverse)
    freedom = len(r) - len(counts)
    if freedom < 1:
        return {"df": 0, "rms": None, "ss": 0.0, "cells": len(counts)}
    ss = float(((r - (np.bincount(inverse, r) / counts)[inverse]) ** 2).sum())
    return {"df": freedom, "rms": float(np.sqrt(ss / freedom)), "ss": ss, "cells": len(counts)}


def lack_of_fit(fitted):
    """F test of the law's misfit against the scatter of seed replicates; None without replicates.

    F = (lack-of-fit sum of squares / (cells - parameters)) / (pure error / replicate degrees of freedom), on log loss.
    """
    pure = _pure_error(
        np.unique(fitted.N, return_inverse=True)[1], np.unique(fitted.D, return_inverse=True)[1], fitted.residuals
    )
    freedom = pure["cells"] - fitted.settings.n_free
    if pure["df"] < 1 or freedom < 1 or pure["ss"] <= 0:
        return None
    lack = max(float((fitted.residuals**2).sum()) - pure["ss"], 0.0)
    F = lack / freedom / (pure["ss"] / pure["df"])
    return {"F": F, "df1": freedom, "df2": pure["df"], "p_value": float(stats.f.sf(F, freedom, pure["df"]))}


def holdout(fitted):
    """Hold out the largest N, then D, then C = 6 N D: refit on the rest and predict them.

    The held-out rows are those at the largest value, or the top tenth of the rows where that is more.

    Returns
    -------
    dict
        ``n``, ``rms_log_error`` pooled over the three, and ``cells``: one entry each for N, D and C (None where the
        rest cannot hold a fit).
    """
    cells, squares, count = {}, 0.0, 0
    for name, values in (("N", fitted.N), ("D", fitted.D), ("C", fitted.N * fitted.D)):
        top = values >= min(values.max(), np.quantile(values, 0.9))
        cells[name] = None
        rest = ~top & (fitted.weights > 0)
        enough = len(np.unique(np.column_stack([fitted.N, fitted.D])[rest], axis=0)) > fitted.settings.n_free
        if not enough:
            continue
        try:
            part = fitted.refit(rest)
        except FitError:
            continue
        error = np.log(part.predict(fitted.N[top], fitted.D[top]) / fitted.loss[top])
        if np.isfinite(error).all():
            cells[name] = {"n": int(top.sum()), "rms_log_error": float(np.sqrt((error**2).mean()))}
            squares, count = squares + float((error**2).sum()), count + int(top.sum())
    return {"n": count, "rms_log_error": float(np.sqrt(squares / count)) if count else None, "cells": cells}


def diagnose(fitted):
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


def usable(fitted):
    """Whether the law may be quoted: it converged, fits, and every parameter is identified."""
    return not blocking(fitted)


def blocking(fitted):
    """Flags of a fit with which its parameters are not a law to be used, set."""
    fixed_E = not fitted.settings.free[0]
    forgiven = {"two sizes only", "two budgets only"} if fixed_E else set()
    return set(fitted.flags) & UNUSABLE - forgiven


def warnings(fitted):
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


def worst_region(fitted):
    """Say where the law is furthest off: a third of the range of N crossed with a third of the range of D."""
    r = -fitted.residuals
    thirds = [np.searchsorted(np.quantile(v, [1 / 3, 2 / 3]), v, side="right") for v in (fitted.N, fitted.D)]
    words = ("small", "middling", "large")
    found = []
    for i in range(3):
        for j in range(3):
            rows = (thirds[0] == i) & (thirds[1] == j)
            if rows.sum() >= 2:
                found.append((float(np.median(r[rows])), f"{words[i]} N and {words[j]} D"))
    if not found:
        return "too few rows to say where"
    off, where = max(found, key=lambda item: abs(item[0]))
    return f"at {where} the loss lies {abs(np.expm1(off)):.0%} {'above' if off > 0 else 'below'} the law"
