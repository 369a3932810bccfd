"""Twin of ext/src/laws/lawfit.c in numpy, all problems side by side: the same damped Newton steps, readable."""

import numpy as np

from ziplaw.laws.solve.additive import EXPONENT_BOUNDS, huber

_BLOCK = 60_000  # points x problems handled together: the arrays of a step stay in the processor's cache


def _objective(theta, x, y, z, w, delta):
    """Return objective (k,), and u, v, f, r (k, n) for reuse by the derivatives."""
    u = np.exp(-theta[:, 3, None] * x)
    v = np.exp(-theta[:, 4, None] * y)
    f = theta[:, 0, None] + theta[:, 1, None] * u + theta[:, 2, None] * v
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.log(f) - z
        value = (w * huber(r, delta[:, None])).sum(axis=1)
    return np.where(np.isfinite(value), value, np.inf), (u, v, f, r)


def _derivatives(theta, x, y, w, delta, parts):
    """Gradient (k, 5), Newton matrix (k, 5, 5) and the positive definite IRLS matrix (k, 5, 5)."""
    u, v, f, r = parts
    A, B = theta[:, 1, None], theta[:, 2, None]
    size = np.abs(r)
    psi = np.clip(r, -delta[:, None], delta[:, None])
    g = np.empty((5, *r.shape))  # grad of ln f
    np.divide(1.0, f, out=g[0])
    np.multiply(u, g[0], out=g[1])
    np.multiply(v, g[0], out=g[2])
    np.multiply(g[1], -x * A, out=g[3])
    np.multiply(g[2], -y * B, out=g[4])
    rows = g.transpose(1, 0, 2)  # (k, 5, n)
    wpsi = w * psi
    gradient = np.matmul(rows, wpsi[:, :, None])[:, :, 0]
    majoriser = w * np.minimum(1.0, delta[:, None] / np.maximum(size, 1e-300))
    columns = rows.transpose(0, 2, 1)
    irls = np.matmul(rows * majoriser[:, None, :], columns)
    newton = np.matmul(rows * (w * (size <= delta[:, None]) - wpsi)[:, None, :], columns)
    ua, vb = -x * g[1], -y * g[2]  # mixed second derivatives of f, over f
    for i, j, second in ((1, 3, ua), (2, 4, vb)):
        mixed = (wpsi * second).sum(axis=1)
        newton[:, i, j] += mixed
        newton[:, j, i] += mixed
    newton[:, 3, 3] += (wpsi * g[3] * -x).sum(axis=1)
    newton[:, 4, 4] += (wpsi * g[4] * -y).sum(axis=1)
    return gradient, newton, irls


def polish(theta, design, *, weights=None, delta=1e-3, free=(1, 1, 1, 1, 1), tie=False, max_steps=500, anneal=True):
    """Minimise the sum of weighted Huber terms from each start.

    Parameters
    ----------
    theta : ndarray, float64 (problems, 5)
        Starts in centred coordinates.
    design : Design
        The data; ``z`` may be (n,) or (problems, n).
    weights : ndarray, float64 (n,) or (problems, n), optional
        Weight of each term, at least 0.
    delta : float or ndarray (problems,)
        Huber's delta; inf means least squares on log loss.
    free : sequence of 5 bool
        Parameters that may move.
    tie : bool
        Keep alpha = beta (start with them equal).
    max_steps : int
        Newton steps allowed to each problem.
    anneal : bool
        Start with delta at the size of the residuals and shrink it fourfold at a time.

    Returns
    -------
    theta : ndarray (problems, 5)
    objective : ndarray (problems,)
    converged : ndarray, bool (problems,)
    """
    theta = np.array(theta, dtype=np.float64, ndmin=2)
    k, n = len(theta), len(design.x)
    z = np.broadcast_to(design.z, (k, n))
    w = np.broadcast_to(1.0 if weights is None else weights, (k, n))
    delta = np.broadcast_to(np.asarray(delta, dtype=np.float64), (k,))
    objective, converged = np.empty(k), np.empty(k, dtype=bool)
    step = max(1, _BLOCK // n)
    for first in range(0, k, step):
        part = slice(first, first + step)
        theta[part], objective[part], converged[part] = _polish_block(
            theta[part], design.x, design.y, z[part], w[part], delta[part], np.array(free, bool), tie, max_steps, anneal
        )
    return theta, objective, converged


def _polish_block(theta, x, y, z, w, target, free, tie, max_steps, anneal):
    k = len(theta)
    lower = np.array([0.0, 0.0, 0.0, EXPONENT_BOUNDS[0], EXPONENT_BOUNDS[0]])
    upper = np.array([np.inf, np.inf, np.inf, EXPONENT_BOUNDS[1], EXPONENT_BOUNDS[1]])
    active = np.arange(k)  # indices of problems still moving
    delta = target.copy()
    if anneal:
        _, (_, _, _, r) = _objective(theta, x, y, z, w, delta)
        size = np.ma.masked_array(np.abs(r), w <= 0)
        delta = np.maximum(target, np.where(np.isfinite(target), np.ma.median(size, axis=1).data, target))
    damping = np.full(k, 1e-2)
    value, parts = _objective(theta, x, y, z, w, delta)
    converged = np.zeros(k, dtype=bool)
    out_theta, out_value = theta.copy(), value.copy()
    eye = np.eye(5)
    for _ in range(max_steps):
        gradient, newton, irls = _derivatives(theta, x, y, w, delta, parts)
        if tie:
            for matrix in (newton, irls):
                matrix[:, 3] += matrix[:, 4]
                matrix[:, :, 3] += matrix[:, :, 4]
            gradient[:, 3] += gradient[:, 4]
        held = (~free) | ((theta <= lower) & (gradient > 0)) | ((theta >= upper) & (gradient < 0))
        if tie:
            held[:, 4] = True
        # a held row becomes the identity with a zero right-hand side, so that its step is zero
        keep = (~held).astype(float)
        mask = keep[:, :, None] * keep[:, None, :]
        gradient = gradient * keep
        scale = np.sqrt(np.maximum(np.einsum("kii->ki", irls), 1e-300))
        scale = np.where(held, 1.0, scale)
        norm = scale[:, :, None] * scale[:, None, :]
        metric = irls * mask / norm + 1e-10 * eye + eye * (1 - keep)[:, None, :]
        matrix = newton * mask / norm + damping[:, None, None] * metric
        matrix += eye * (1 - keep)[:, None, :]
        move = _solve_descent(matrix, metric, -gradient / scale, damping)
        predicted = -0.5 * np.einsum("ki,ki->k", gradient / scale, move)
        move = move / scale
        if tie:
            move[:, 4] = move[:, 3]
        trial = np.clip(theta + move, lower, upper)
        # a step may not take f to zero: keep the floor and both terms from vanishing together
        trial_value, trial_parts = _objective(trial, x, y, z, w, delta)
        better = trial_value < value
        gain = np.where(better, value - trial_value, 0.0)
        small = (predicted <= 1e-14 * value + 1e-300) | (better & (gain <= 1e-13 * value) & (damping < 1))
        stuck = ~better & (damping > 1e10)
        damping = np.where(better, np.where(gain > 0.5 * predicted, damping * 0.1, damping), damping * 8)
        damping = np.clip(damping, 1e-9, 1e12)
        origin = theta
        theta = np.where(better[:, None], trial, theta)
        value = np.where(better, trial_value, value)
        parts = tuple(np.where(better[:, None], new, old) for new, old in zip(trial_parts, parts))
        # nearly straight along the step (few residuals within delta): go on doubling it while that pays
        longer, going = 2.0, better & (gain > 1.2 * predicted)
        while going.any() and longer < 1e6:
            trial = np.clip(origin + longer * move, lower, upper)
            trial_value, trial_parts = _objective(trial, x, y, z, w, delta)
            going &= trial_value < value
            theta = np.where(going[:, None], trial, theta)
            value = np.where(going, trial_value, value)
            parts = tuple(np.where(going[:, None], new, old) for new, old in zip(trial_parts, parts))
            longer *= 2.0
        at_target = delta <= target
        coarse = ~at_target & (small | stuck | (better & (gain < 0.02 * value)))
        done = at_target & (small | stuck)
        if coarse.any():
            delta = np.where(coarse, np.maximum(target, delta / 4), delta)
            damping = np.where(coarse, 1e-2, damping)
            value = (w * huber(parts[3], delta[:, None])).sum(axis=1)
        if done.any():
            out_theta[active[done]], out_value[active[done]] = theta[done], value[done]
            converged[active[done]] = True
            go = ~done
            if not go.any():
                break
            active, theta, value, delta, target, damping = (
                array[go] for array in (active, theta, value, delta, target, damping)
            )
            z, w, parts = z[go], w[go], tuple(part[go] for part in parts)
    else:
        out_theta[active], out_value[active] = theta, value
    return out_theta, out_value, converged


def _solve_descent(matrix, metric, rhs, damping):
    """Solve for steps; where the damped Newton matrix is not positive definite, step with the IRLS matrix."""
    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        bad = np.linalg.eigvalsh(matrix)[:, 0] <= 1e-12
        matrix = np.where(bad[:, None, None], (1 + damping[:, None, None]) * metric, matrix)
        return np.linalg.solve(matrix, rhs[:, :, None])[:, :, 0]
    del factor
    return np.linalg.solve(matrix, rhs[:, :, None])[:, :, 0]
