"""The line of (ln N_opt, a) in H by one link: slopes with intervals, and whether H orders the datasets at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....numerics.distributions import student_beyond, student_quantile
from ....numerics.functions import exp
from ...solve.additive import Array
from ..statistics import permutation
from ..statistics.meta_regression import meta_regression
from .dataset_splits import Splits

QUANTITIES = ("ln_N", "a")
STEP = 0.1  # of H: what effects are told for


def trend(splits: Splits, H: Array, *, level: float = 0.95, seed: int = 42) -> dict[str, Any]:
    """Regress the splits of K datasets on H with their covariances and a scatter of datasets about the line.

    The slopes' p over relabellings of H is that of ``permutation.weighted_slope``: each dataset weighs by the error of
    its split and the scatter of datasets about their mean. Spearman's rank correlation, which knows no weights, stands
    beside it.

    Parameters
    ----------
    splits : Splits
        At least three datasets.
    H : ndarray, float64 (K,)
        Three different values at least.
    level : float
        Coverage of the intervals, Student's t with K - 2 degrees of freedom.
    seed : int
        Of the sample of relabellings, beyond seven datasets.

    Returns
    -------
    dict
        ``n_datasets``, ``centre`` (H), ``coefficients`` (2, 2: rows ln_N and a; value at the centre, slope),
        ``covariance`` (4, 4: in the order of the coefficients' rows), ``scatter`` (2, 2), ``df``, ``lines``.
    """
    K, middle = len(H), float(np.mean(H))
    X = np.column_stack([np.ones(K), H - middle])
    fitted = meta_regression(splits.y, splits.S, X)
    about_mean = null_variances(splits)
    t = float(student_quantile(fitted.df, (1 + level) / 2))
    lines = {}
    for i, name in enumerate(QUANTITIES):
        (value, slope), sd = fitted.coefficients[i], np.sqrt(np.diag(fitted.covariance)[2 * i : 2 * i + 2])
        rho, p_rank = permutation.spearman(H, splits.y[:, i], seed)
        line: dict[str, Any] = {
            "value": float(value),
            "value_ci": _around(value, t * sd[0]),
            "slope": float(slope),
            "slope_ci": _around(slope, t * sd[1]),
            "slope_stderr": float(sd[1]),
            "p_value": float(2 * student_beyond(abs(slope) / sd[1], fitted.df)) if sd[1] > 0 else None,
            "p_permutation": permutation.weighted_slope(H, splits.y[:, i], about_mean[:, i], seed),
            "rank_correlation": rho if np.isfinite(rho) else None,
            "p_rank": p_rank,
        }
        # what .1 of H does: N_opt is multiplied, a is shifted
        told = [float(slope), *line["slope_ci"]]
        effect = [float(exp(np.clip(STEP * v, -690, 690))) if name == "ln_N" else STEP * v for v in told]
        line |= {"per_tenth": effect[0], "per_tenth_ci": effect[1:]}
        lines[name] = line
    return {
        "n_datasets": K,
        "datasets": list(splits.names),
        "centre": {"H": middle},
        "coefficients": fitted.coefficients.tolist(),
        "covariance": fitted.covariance.tolist(),
        "scatter": fitted.scatter.tolist(),
        "df": fitted.df,
        "n_permutations": len(permutation.relabellings(K, seed)),
        "permutations": "all" if K <= permutation.ALL_PERMUTATIONS else "sampled",
        "smallest_p": 1 / len(permutation.relabellings(K, seed)),
        "lines": lines,
    }


def null_variances(splits: Splits) -> Array:
    """Variances (K, 2) of ln N_opt and a about the datasets' mean: fit error and scatter, as if H told nothing."""
    mean = meta_regression(splits.y, splits.S, np.ones((len(splits.y), 1)), structure="diagonal")
    return np.einsum("kii->ki", splits.S) + np.diag(mean.scatter) + 1e-12


def _around(value, half):
    return [float(value - half), float(value + half)]
