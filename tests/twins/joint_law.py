"""Readable twins of the joint fits: one scipy least-squares problem at a time, nothing eliminated, nothing batched."""

import numpy as np
from scipy.optimize import least_squares


def fit_joint(tables, H, floors=None, exponents="own", amplitudes="own", start=None):
    """Least squares on log loss over several datasets.

    Parameters
    ----------
    tables : list of (N, D, loss)
    H : sequence of float
    floors : sequence of float, optional
        E held there; free (as ln E) otherwise.
    exponents : {"common", "linear", "own"}
        alpha and beta shared (M0, L0), linear in H (M1, L1) or of each dataset's own (S).
    amplitudes : {"own", "linear"}
        ln A, ln B (and ln E) of each dataset's own (M0, M1, S) or linear in H (L0, L1).
    start : ndarray (K, 5), optional
        ln E, ln A, ln B at the centre, alpha, beta of each dataset to start from.

    Returns
    -------
    rss : float
    values : ndarray (K, 5)
        ln E, ln A, ln B at the centre of ln N and ln D, alpha, beta of each dataset.
    """
    K = len(tables)
    h = np.asarray(H) - np.mean(H)
    x_mean = np.log(np.concatenate([N for N, _, _ in tables])).mean()
    y_mean = np.log(np.concatenate([D for _, D, _ in tables])).mean()
    cells = [(np.log(N) - x_mean, np.log(D) - y_mean, np.log(loss)) for N, D, loss in tables]
    columns = {"common": np.ones((K, 1)), "linear": np.column_stack([np.ones(K), h]), "own": np.eye(K)}
    designs = [columns[amplitudes]] * 3 + [columns[exponents]] * 2
    widths = [X.shape[1] for X in designs]
    edges = np.cumsum([0, *widths])

    def unfold(theta):
        values = np.column_stack([X @ theta[a:b] for X, a, b in zip(designs, edges, edges[1:])])
        if floors is not None:
            values[:, 0] = np.log(floors)
        return values

    def residuals(theta):
        out = []
        for (x, y, z), (ln_E, ln_A, ln_B, alpha, beta) in zip(cells, unfold(theta)):
            out.append(np.log(np.exp(ln_E) + np.exp(ln_A - alpha * x) + np.exp(ln_B - beta * y)) - z)
        return np.concatenate(out)

    if start is None:
        start = [[z.min() - 0.5, z.mean() - 1, z.mean() - 1, 0.5, 0.5] for _, _, z in cells]
    start = np.asarray(start, dtype=float)
    theta = np.concatenate([np.linalg.lstsq(X, start[:, i], rcond=None)[0] for i, X in enumerate(designs)])
    found = least_squares(residuals, theta, method="trf", xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=2000)
    return 2 * found.cost, unfold(found.x)


def restricted_likelihood(y, S, X, T):
    """Minus twice the restricted log likelihood of a random-effects regression, up to a constant, by plain loops."""
    K, m = y.shape
    q = X.shape[1]
    V = np.zeros((K * m, K * m))
    Z = np.zeros((K * m, m * q))
    for k in range(K):
        V[k * m : (k + 1) * m, k * m : (k + 1) * m] = S[k] + T
        for i in range(m):
            Z[k * m + i, i * q : (i + 1) * q] = X[k]
    inverse = np.linalg.inv(V)
    information = Z.T @ inverse @ Z
    gamma = np.linalg.solve(information, Z.T @ inverse @ y.ravel())
    r = y.ravel() - Z @ gamma
    return np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1] + r @ inverse @ r
