"""Tests by relabelling, a dataset and a relabelling at a time."""

from itertools import permutations

import numpy as np
from scipy import stats


def weighted_slope_p(H, y, v):
    """Share of relabellings of H whose weighted line leaves no more of y than the observed one does."""

    def left(h):
        X, W = np.column_stack([np.ones(len(h)), h]), np.diag(1 / v)
        line = np.linalg.solve(X.T @ W @ X, X.T @ W @ y)
        return float((y - X @ line) @ W @ (y - X @ line))

    found = [left(np.array(h)) for h in permutations(H)]
    return np.mean([f <= found[0] + 1e-9 * abs(found[0]) for f in found])


def partial_rank(H, y, given):
    """Correlation of what the given covariates' ranks leave of the ranks of H and y, and Freedman and Lane's p.

    What is left of y is relabelled, added to what the covariates explain, and all is fitted again.
    """
    X = np.column_stack([np.ones(len(H)), *map(stats.rankdata, given)])

    def explained(v):
        return X @ np.linalg.lstsq(X, v, rcond=None)[0]

    h, ranks = stats.rankdata(H), stats.rankdata(y)
    h = h - explained(h)
    fitted, rest = explained(ranks), ranks - explained(ranks)
    found = []
    for order in permutations(range(len(H))):
        again = fitted + rest[list(order)]
        found.append(np.corrcoef(h, again - explained(again))[0, 1])
    return found[0], np.mean([abs(r) >= abs(found[0]) - 1e-9 for r in found])
