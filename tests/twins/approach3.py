"""The published way to fit the additive law, readable: L-BFGS from a grid of 500 starts, E, A and B through logarithms.

Hoffmann et al. 2022 (arXiv 2203.15556, D.2) minimise the sum of Huber(delta = 1e-3) terms of
logsumexp(a - alpha ln N, b - beta ln D, e) - ln loss by L-BFGS from a grid of starts; here with scipy and the
analytic gradient.
"""

import itertools

import numpy as np
from scipy.optimize import minimize

GRID = {  # 5 x 5 x 4 x 3 x 3 = 900, thinned to 500
    "alpha": [0.0, 0.5, 1.0, 1.5, 2.0],
    "beta": [0.0, 0.5, 1.0, 1.5, 2.0],
    "e": [-1.0, 0.0, 0.5, 1.0],
    "a": [0.0, 10.0, 20.0],
    "b": [0.0, 10.0, 20.0],
}
MAX_STARTS = 500


def objective(p, x, y, z, delta=1e-3):
    """Sum of Huber terms and its gradient at p = (a, b, e, alpha, beta); x = ln N, y = ln D, z = ln loss."""
    a, b, e, alpha, beta = p
    terms = np.stack([a - alpha * x, b - beta * y, np.full_like(x, e)])
    top = terms.max(axis=0)
    shares = np.exp(terms - top)
    total = shares.sum(axis=0)
    r = top + np.log(total) - z
    shares /= total
    size = np.abs(r)
    psi = np.where(size <= delta, r, delta * np.sign(r))
    value = np.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta)).sum()
    gradient = np.array(
        [
            (psi * shares[0]).sum(),
            (psi * shares[1]).sum(),
            (psi * shares[2]).sum(),
            (-psi * shares[0] * x).sum(),
            (-psi * shares[1] * y).sum(),
        ]
    )
    return value, gradient


def starts(limit=MAX_STARTS):
    """Return the grid's starts (a, b, e, alpha, beta), evenly thinned to ``limit``."""
    grid = list(itertools.product(GRID["a"], GRID["b"], GRID["e"], GRID["alpha"], GRID["beta"]))
    return [grid[i] for i in np.linspace(0, len(grid) - 1, limit).astype(int)]


def fit(N, D, loss, delta=1e-3, limit=MAX_STARTS):
    """Return the best (E, A, B, alpha, beta), its objective, and every start's final objective."""
    x, y, z = np.log(N), np.log(D), np.log(loss)
    finals, best = [], None
    for start in starts(limit):
        done = minimize(objective, start, args=(x, y, z, delta), jac=True, method="L-BFGS-B")
        finals.append(done.fun)
        if best is None or done.fun < best.fun:
            best = done
    a, b, e, alpha, beta = best.x
    return np.array([np.exp(e), np.exp(a), np.exp(b), alpha, beta]), float(best.fun), np.array(finals)
