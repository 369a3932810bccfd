"""The optimum of any law ln L = h(theta): damped Gauss-Newton steps on the Huber sum, with numeric derivatives.

Why not a library: scipy's ``least_squares`` on the same Huber sum from the same starts (``bench/laws.py --general``)
ends at the same objective to 1e-9 for all laws but the broken power laws, and takes two to six times as long; a
bootstrap is hundreds of such fits. Of the broken power laws, whose valley is flat, it ends up to 13 % lower, or 4 %
higher: not taken, for it moves the digits of fits that are on file.
Why not the compiled fitters (``additive``, ``linked``): they know the index ln(A/N^alpha + B/D^beta); Kaplan's laws,
which have it, go there (``as_power``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...numerics.functions import product
from ...numerics.linear import lstsq
from ..forms.arguments import Array
from .additive import huber

Law = Callable[[Array], Array]  # theta (p,) -> ln L (n,)


def jacobian(law: Law, theta: Array, low: Array, high: Array) -> Array:
    """Derivatives (n, p) of a law at theta (p,) by differences within the bounds; 0 of a parameter that is held."""
    out = []
    for i in range(len(theta)):
        step = 1e-6 * max(1.0, abs(theta[i]))
        up, down = theta.copy(), theta.copy()
        up[i], down[i] = min(theta[i] + step, high[i]), max(theta[i] - step, low[i])
        out.append((law(up) - law(down)) / (up[i] - down[i]))
    return np.array(out).T


def minimise(
    law: Law,
    theta: npt.ArrayLike,
    z: Array,
    weights: Array,
    delta: float,
    low: Array,
    high: Array,
    max_steps: int = 200,
) -> tuple[Array, float, bool]:
    """Damped Gauss-Newton steps on the Huber sum while delta shrinks; returns theta, objective, converged.

    Parameters
    ----------
    law : callable
        theta (p,) -> ln L (n,).
    theta : ndarray (p,)
        Start, moved into the bounds.
    z, weights : ndarray (n,)
        ln loss and the weight of each row.
    delta : float
        Target delta; the first is the median residual, if larger.
    low, high : ndarray (p,)
        Bounds.
    """

    def objective(point: Array, at: float) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            r = law(point) - z
            value = float((weights * huber(r, at)).sum())
        return (value, r) if np.isfinite(value) else (np.inf, r)

    theta = np.clip(np.asarray(theta, dtype=np.float64), low, high)
    value, r = objective(theta, delta)
    if not np.isfinite(value):
        return theta, np.inf, False
    current, damping, converged = max(delta, float(np.median(np.abs(r)))), 1e-2, False
    value, r = objective(theta, current)
    for _ in range(max_steps):
        with np.errstate(all="ignore"):
            J = jacobian(law, theta, low, high)
        J = np.nan_to_num(J, nan=0.0, posinf=0.0, neginf=0.0)
        size = np.abs(r)
        gradient = product(J.T, (weights * np.clip(r, -current, current)))
        # least squares is Huber with a delta that no residual reaches
        pull = current / np.maximum(size, current)
        irls = product((J * (weights * pull)[:, None]).T, J)
        newton = product((J * (weights * (size <= current))[:, None]).T, J)
        held = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0)) | (np.diag(irls) <= 1e-200)
        move, predicted = np.zeros(len(theta)), 0.0
        index = np.flatnonzero(~held)
        if index.size:
            scale = np.sqrt(np.diag(irls)[index])
            block = np.ix_(index, index)
            matrix = (newton[block] + damping * irls[block]) / np.outer(scale, scale) + 1e-9 * np.eye(index.size)
            step = lstsq(matrix, -gradient[index] / scale)[0]
            move[index], predicted = step / scale, float(product(-0.5 * (gradient[index] / scale), step))
        trial = np.clip(theta + move, low, high)
        trial_value, trial_r = objective(trial, current)
        gain = value - trial_value
        small = predicted <= 1e-9 * value + 1e-26 or (0 <= gain <= 1e-9 * value and damping < 1)
        if gain > 0:
            origin, longer = theta, 2.0
            theta, value, r = trial, trial_value, trial_r
            while gain > 1.2 * predicted and longer < 1e6:
                trial = np.clip(origin + longer * move, low, high)
                trial_value, trial_r = objective(trial, current)
                if not trial_value < value:
                    break
                theta, value, r, longer = trial, trial_value, trial_r, longer * 2
            damping = max(damping * 0.1, 1e-9) if gain > 0.5 * predicted else damping
        else:
            damping *= 8
        if small or damping > 1e10 or (current > delta and 0 < gain < 0.02 * value):
            if current <= delta:
                converged = True
                break
            current, damping = max(delta, current / 4), 1e-2
            value, r = objective(theta, current)
    return theta, objective(theta, delta)[0], converged
