"""Variable projection: over a grid of (alpha, beta) the best E, A, B >= 0 are linear and closed-form."""

from __future__ import annotations

import numpy as np

from .solver import EXPONENT_BOUNDS

_GRID = np.geomspace(EXPONENT_BOUNDS[0] * 2, EXPONENT_BOUNDS[1] * 0.6, 24)
# which of E, A, B are positive; A and B together first, the degenerate ones last
_SUBSETS = [(0, 1, 2), (1, 2), (0, 1), (0, 2), (1,), (2,), (0,)]


def starts(design, weights=None, *, fixed_E=None, tie=False, count=8):
    """Return good starting points, best first, in centred coordinates.

    For each (alpha, beta) of a grid, E, A, B >= 0 minimise sum w ((f - L)/L)^2, the first-order form of squared log
    residuals; all sums come from a few matrix products. The local minima over the grid come first, then the best cells.

    Parameters
    ----------
    design : Design
        The data, ``z`` of shape (n,).
    weights : ndarray (n,), optional
        Weights of the points.
    fixed_E : float, optional
        Centred (scaled) E, when it is not free.
    tie : bool
        Only cells with alpha = beta.
    count : int
        Number of starts.

    Returns
    -------
    theta : ndarray, float64 (count, 5)
    """
    w = np.exp(-2 * design.z)
    if weights is not None:
        w = w * weights
    target = np.exp(design.z) - (fixed_E or 0.0)
    u = np.exp(-_GRID[:, None] * design.x)  # (g, n)
    v = np.exp(-_GRID[:, None] * design.y)
    g = len(_GRID)
    gram = np.empty((g, g, 3, 3))
    gram[..., 0, 0] = w.sum()
    gram[..., 0, 1] = gram[..., 1, 0] = (u @ w)[:, None]
    gram[..., 0, 2] = gram[..., 2, 0] = (v @ w)[None, :]
    gram[..., 1, 1] = ((u * u) @ w)[:, None]
    gram[..., 2, 2] = ((v * v) @ w)[None, :]
    gram[..., 1, 2] = gram[..., 2, 1] = (u * w) @ v.T
    rhs = np.empty((g, g, 3))
    rhs[..., 0] = (w * target).sum()
    rhs[..., 1] = (u @ (w * target))[:, None]
    rhs[..., 2] = (v @ (w * target))[None, :]
    linear, cost = _nonnegative(gram, rhs, use_E=fixed_E is None)
    cost = cost + (w * target * target).sum()
    rows, cols = np.meshgrid(np.arange(g), np.arange(g), indexing="ij")
    padded = np.pad(cost, 1, constant_values=np.inf)
    around = np.min([padded[1 + i : g + 1 + i, 1 + j : g + 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)
    rank = np.where(cost <= around, 0, 1)
    if tie:
        rank = np.where(rows == cols, rank, 2)
    order = np.lexsort((cost.ravel(), rank.ravel()))
    minima = order[: max(count // 2, 1)]
    best = [i for i in np.argsort(np.where(rank < 2, cost, np.inf).ravel(), kind="stable") if i not in set(minima)]
    chosen = np.concatenate([minima, np.array(best[: count - len(minima)], dtype=int)])
    theta = np.empty((len(chosen), 5))
    theta[:, :3] = linear.reshape(-1, 3)[chosen]
    if fixed_E is not None:
        theta[:, 0] = fixed_E
    theta[:, 3] = _GRID[rows.ravel()[chosen]]
    theta[:, 4] = _GRID[cols.ravel()[chosen]]
    # a term that came out as zero has no gradient in its exponent: start it small instead
    theta[:, 1:3] = np.maximum(theta[:, 1:3], 1e-3)
    return theta


def _nonnegative(gram, rhs, use_E):
    """Least squares with x >= 0 for (..., 3) systems by trying each support; returns x and x'Gx - 2 x'r."""
    shape = rhs.shape[:-1]
    best, cost = np.zeros((*shape, 3)), np.full(shape, np.inf)
    for support in _SUBSETS:
        if not use_E and 0 in support:
            continue
        index = np.array(support)
        G = gram[..., index[:, None], index]
        diagonal = np.einsum("...ii->...i", G)
        ridge = 1e-12 * diagonal[..., None] * np.eye(len(index))
        x = np.linalg.solve(G + ridge, rhs[..., index][..., None])[..., 0]
        value = np.where((x >= 0).all(axis=-1), -(x * rhs[..., index]).sum(axis=-1), np.inf)
        better = value < cost
        cost = np.where(better, value, cost)
        full = np.zeros((*shape, 3))
        full[..., index] = x
        best = np.where(better[..., None], full, best)
    return best, cost
