"""Variable projection: over a grid of (alpha, beta) the best E, A, B >= 0 are linear and closed-form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...numerics.functions import geomspace
from .additive import EXPONENT_BOUNDS, Array, Design, project

_GRID = geomspace(EXPONENT_BOUNDS[0] * 2, EXPONENT_BOUNDS[1] * 0.6, 12)
_MOST_STARTS, _LEAST_STARTS, _ROWS_POLISHED = 8, 4, 400


def starts(
    design: Design,
    weights: npt.ArrayLike | None = None,
    *,
    fixed_E: float | None = None,
    tie: bool = False,
    count: int | None = None,
) -> Array:
    """Return good starting points, best first, in centred coordinates.

    For each (alpha, beta) of a 12 x 12 grid, E, A, B >= 0 minimise sum w (f/L - 1)^2, the first-order form of squared
    log residuals. Cells are taken in the order of that sum, no two of them neighbours: every basin gets a start.

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
    count : int, optional
        Number of starts, by default 8 up to 50 rows and fewer above, 4 at least.

    Returns
    -------
    theta : ndarray, float64 (at most count, 5)
    """
    linear, cost = project(design, weights, _GRID, fixed_E)
    g = len(_GRID)
    if count is None:
        count = min(max(_ROWS_POLISHED // len(design.x), _LEAST_STARTS), _MOST_STARTS)
    order = np.argsort(cost.ravel(), kind="stable")
    open_cells = np.eye(g, dtype=bool) if tie else np.ones((g, g), dtype=bool)
    best: list[int] = []
    for cell in order:
        i, j = divmod(int(cell), g)
        if open_cells[i, j]:
            best.append(int(cell))
            open_cells[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] = False
            if len(best) == count:
                break
    chosen = np.array(best)
    theta = np.empty((len(chosen), 5))
    theta[:, :3] = linear.reshape(-1, 3)[chosen]
    theta[:, 3] = _GRID[chosen // g]
    theta[:, 4] = _GRID[chosen % g]
    # a term that came out as zero has no gradient in its exponent: start it small instead
    theta[:, 1:3] = np.maximum(theta[:, 1:3], 1e-3)
    return theta
