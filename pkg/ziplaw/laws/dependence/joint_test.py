"""The joint test: do the exponents depend on H? Common exponents (M0) against exponents linear in H (M1)."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from ...errors import FitError
from ...numerics.distributions import f_beyond, student_beyond, student_quantile
from ...numerics.draws import normals
from ...numerics.functions import exp, log
from ..solve.additive import Array
from . import joint, pooled
from .panel import Panel
from .statistics import permutation
from .statistics.permutation import p_words

SAMPLED_ALL_LINEAR = 199  # for the secondary test of L1 against L0
_TIE = 1e-7  # two sums of squares this close (relative) are equal: the optimiser's tolerance


def information_criteria(rss: float, n: int, p: int) -> tuple[float | None, float]:
    """AICc (None where undefined) and BIC of a least-squares fit with p parameters; the variance is one more."""
    fit = n * log(max(rss, 1e-300) / n)
    k = p + 1
    aicc = fit + 2 * k + 2 * k * (k + 1) / (n - k - 1) if n - k - 1 > 0 else None
    return None if aicc is None else float(aicc), float(fit + k * log(n))


def f_statistic(rss0: float | Array, rss1: float | Array, extra: int, freedom: int) -> Any:
    """F of nested fits: ((rss0 - rss1) / extra) / (rss1 / freedom)."""
    return (rss0 - rss1) / extra / np.maximum(rss1 / freedom, 1e-300)


def joint_test(panel: Panel, *, bootstrap: int = 499, level: float = 0.95, seed: int = 42) -> dict[str, Any]:
    """Test whether alpha and beta depend on H, with effect sizes.

    All datasets are fitted together by least squares on log loss, N and D centred in logs. M0: each dataset has its
    own E, A, B (E held at the floor where it is known), alpha and beta are common. M1: alpha and beta are linear in H.
    S: each dataset alone. L1: everything linear in H, L0 the same with common exponents. The statistic is F of M1
    against M0, with two p-values:

    - permutation (the default, the one the conclusion rests on): F under all relabellings of the datasets' H. Valid
      when datasets scatter off any line, because it asks only whether H orders them better than chance does.
    - parametric bootstrap: tables simulated from M0 with each dataset's residual variance. It takes M0 at its word
      (identical exponents), so scatter of datasets makes it reject too often; it is there to be compared.

    The slopes' intervals use t with K - 2 degrees of freedom; their errors are those that the cells' noise foretells,
    times sqrt(F of S against M1), by which datasets lie further off the line (or closer to it) than that noise.

    Parameters
    ----------
    panel : Panel
        At least 3 datasets with 3 different values of H.
    bootstrap : int
        Simulated tables; 0 leaves them out.
    level : float
        Coverage of the slopes' intervals; 1 - level is the level of the test.
    seed : int
        Of the simulation, and of the permutations when there are more than 7 datasets.

    Returns
    -------
    dict
        See ``docs/formats.md``.
    """
    K, n, L = panel.K, panel.n, panel.n_local
    if K < 3 or len(np.unique(panel.H)) < 3:
        raise FitError(
            f"{K} datasets with {len(np.unique(panel.H))} values of H: the test needs at least 3 that differ"
        )
    p0, p1, pS = K * L + 2, K * L + 4, K * (L + 2)
    if n <= pS:
        raise FitError(f"{n} cells cannot hold {pS} parameters: measure more cells")
    table = joint.grid(panel)
    alone, null = joint.saturated(panel, table), joint.common(panel, table)
    order = permutation.relabellings(K, seed)
    basis = joint.linear(panel.H[order])
    fits = joint.with_basis(panel, basis, alone, null)
    rss0, rss1, rssS = float(null.rss[0]), float(fits.rss[0]), float(alone.rss.sum())
    # the identity is among them, so p is never zero; ties within the tolerance count against the effect
    p_permutation = float((fits.rss <= rss1 * (1 + _TIE)).mean())
    F = float(f_statistic(rss0, rss1, 2, n - p1))
    lines = _all_linear(panel, basis[_some(len(basis), seed)], alone)
    scatter_F, scatter_p = None, None
    if K > 2 and pS > p1:
        scatter_F = float(max(f_statistic(rss1, rssS, pS - p1, n - pS), 0.0))
        scatter_p = float(f_beyond(scatter_F, pS - p1, n - pS))
    out = {
        "question": "do alpha and beta depend on H?",
        "model_null": "M0: E, A, B of each dataset, alpha and beta common",
        "model_alternative": "M1: E, A, B of each dataset, alpha and beta linear in H",
        "E": "free in each dataset" if panel.ln_E is None else "held at each dataset's floor",
        "residuals": "least squares on log loss, every cell weighs the same",
        "n_datasets": K,
        "n_cells": n,
        "statistic": "F",
        "F": F,
        "log_likelihood_ratio": float(n * log(rss0 / rss1)),
        "df": [2, n - p1],
        "p_permutation": p_permutation,
        "n_permutations": len(order),
        "permutations": "all" if K <= permutation.ALL_PERMUTATIONS else "sampled",
        "p_bootstrap": None,
        "n_bootstrap": bootstrap,
        "scatter": {
            "F": scatter_F,
            "p_value": scatter_p,
            "df": [pS - p1, n - pS],
            "meaning": "do datasets lie off the line in H by more than their cells' noise (S against M1)?",
        },
        "models": {
            name: dict(zip(("rss", "n_parameters", "AICc", "BIC"), (rss, p, *information_criteria(rss, n, p))))
            for name, rss, p in (("M0", rss0, p0), ("M1", rss1, p1), ("S", rssS, pS), *lines[0])
        },
        "all_linear": lines[1],
        "rms_log_residual": float(np.sqrt(rss1 / n)),
        "level": level,
        "seed": seed,
    }
    out["exponents"] = _effects(panel, fits, basis[:1], alone, scatter_F, level)
    out["common_exponents"] = dict(zip(("alpha", "beta"), null.coefficients[0, 0].tolist()))
    if bootstrap:
        out["p_bootstrap"] = _parametric(panel, null, alone, basis[:1], F, n - p1, bootstrap, seed)
    out["conclusion"] = _conclusion(out)
    return out


def _some(count, seed):
    """Index of the identity and of at most SAMPLED_ALL_LINEAR other relabellings."""
    if count <= SAMPLED_ALL_LINEAR + 1:
        return np.arange(count)
    drawn = np.random.default_rng(seed).choice(np.arange(1, count), SAMPLED_ALL_LINEAR, replace=False)
    return np.concatenate([[0], np.sort(drawn)])


def _all_linear(panel, basis, alone):
    """L0 and L1 as (name, rss, parameters), and the test of one against the other."""
    rss, p = {}, {}
    for name, moving in (("L0", False), ("L1", True)):
        D = pooled.design(panel, basis, moving)
        rss[name], p[name] = pooled.fit_pooled(panel, D, alone)[1], D.shape[-1]
    F = f_statistic(rss["L0"], rss["L1"], 2, panel.n - p["L1"])
    test = {
        "question": "L1 (ln E if free, ln A, ln B, alpha, beta linear in H) against L0 (alpha, beta common)",
        "F": float(F[0]),
        "df": [2, panel.n - p["L1"]],
        "p_permutation": float((F >= F[0] - _TIE * abs(F[0])).mean()),
        "n_permutations": len(F),
    }
    return [(name, float(rss[name][0]), p[name]) for name in rss], test


def _effects(panel, fits, basis, alone, scatter_F, level):
    """Slope of alpha and of beta in H with intervals, and their values at mean H."""
    K = panel.K
    sigma2 = float(alone.rss.sum()) / (panel.n - K * (panel.n_local + 2))
    V = joint.covariance_of_coefficients(panel, fits, basis) * sigma2 * (scatter_F or 1.0)
    t = float(student_quantile(K - 2, (1 + level) / 2))
    out = {"H_centre": float(panel.H.mean()), "covariance": V.tolist(), "df": K - 2}
    out["order"] = ["alpha at centre", "beta at centre", "slope of alpha", "slope of beta"]
    for i, name in enumerate(("alpha", "beta")):
        value, slope = (float(fits.coefficients[0, j, i]) for j in (0, 1))
        sd0, sd1 = (float(np.sqrt(V[2 * j + i, 2 * j + i])) for j in (0, 1))
        out[name] = {
            "at_centre": value,
            "at_centre_ci": [value - t * sd0, value + t * sd0],
            "slope": slope,
            "slope_stderr": sd1,
            "slope_ci": [slope - t * sd1, slope + t * sd1],
            "p_value": float(2 * student_beyond(abs(slope) / max(sd1, 1e-300), K - 2)),
        }
    return out


def _parametric(panel, null, alone, basis, F, freedom, count, seed):
    """Share of tables simulated from M0 whose F is at least the observed one, the observed one counted."""
    rng = np.random.default_rng(seed)
    free = np.maximum(alone.n - panel.n_local - 2, 1)
    sd = np.sqrt(alone.rss / free)
    alpha, beta = null.coefficients[0, 0]
    E, A, B = (exp(null.local[0, :, i, None]) for i in range(3))
    mean = log(E + A * exp(-alpha * panel.x) + B * exp(-beta * panel.y))
    z = mean + sd[:, None] * normals(rng, (count, *panel.x.shape))
    zero = np.zeros((1, 2, 2))
    zero[:, 0] = null.coefficients[:, 0]
    first = joint.solve(panel, joint.ones(panel.K), null.local, null.coefficients, z=z)
    second = joint.solve(panel, basis, null.local, zero, z=z)
    simulated = f_statistic(first.rss, second.rss, 2, freedom)
    return float((1 + (simulated >= F).sum()) / (count + 1))


def _conclusion(test):
    K, p, alpha = test["n_datasets"], test["p_permutation"], 1 - test["level"]
    slopes = ", ".join(
        f"{name} {e['slope']:+.2f} ({e['slope_ci'][0]:+.2f} to {e['slope_ci'][1]:+.2f})"
        for name, e in test["exponents"].items()
        if name in ("alpha", "beta")
    )
    least = 1 / factorial(K) if test["permutations"] == "all" else 1 / test["n_permutations"]
    if least > alpha:
        verdict = f"{K} datasets are too few for this test (its smallest possible p is {least:.2f})"
    elif p <= alpha:
        verdict = "the exponents depend on H"
    else:
        verdict = "no dependence of the exponents on H is shown; it is not excluded either"
    text = f"{verdict}: permutation {p_words(p)} over {K} datasets, slopes per unit of H: {slopes}"
    if (test["scatter"]["p_value"] or 1) < 0.05:
        text += "; datasets scatter off the line by more than their cells' noise"
    return text
