"""Approach 2 readably: a parabola a budget, one at a time; and valleys that lean, by a search for the one lean."""

import itertools

import numpy as np
from scipy.optimize import minimize_scalar


def budgets_of(N, D, tolerance=0.02):
    """Rows of every budget, told apart by jumps of C = 6 N D."""
    C = 6 * N * D
    order = np.argsort(C, kind="stable")
    groups = [[order[0]]]
    for before, row in itertools.pairwise(order):
        if np.log(C[row] / C[before]) > tolerance:
            groups.append([])
        groups[-1].append(row)
    return groups


def parabola_bottoms(N, D, loss):
    """ln N of the lowest point of each budget's parabola through ln loss."""
    out = []
    for rows in budgets_of(N, D):
        x = np.log(N[rows])
        square, slope, _ = np.polyfit(x - x.mean(), np.log(loss[rows]), 2)
        out.append(x.mean() - slope / (2 * square))
    return np.array(out)


def leaning_bottoms(N, D, loss, noise, steepness=0.6, lean_sd=0.15):
    """ln N of the lowest points, and beta - alpha of all the valleys c + p exp(-alpha t)/alpha + q exp(beta t)/beta."""

    def fit(lean):
        alpha, beta = (steepness - lean) / 2, (steepness + lean) / 2
        total, bottoms = (noise * lean / lean_sd) ** 2, []
        for rows in budgets_of(N, D):
            t = np.log(N[rows]) - np.log(N[rows]).mean()
            X = np.column_stack([np.ones_like(t), np.exp(-alpha * t) / alpha, np.exp(beta * t) / beta])
            (c, p, q), *_ = np.linalg.lstsq(X, np.log(loss[rows]), rcond=None)
            total += ((X @ [c, p, q] - np.log(loss[rows])) ** 2).sum()
            bottoms.append(np.log(N[rows]).mean() + np.log(p / q) / steepness)
        return total, np.array(bottoms)

    lean = minimize_scalar(lambda s: fit(s)[0], bounds=(-0.45, 0.45), method="bounded").x
    return fit(lean)[1], lean
