"""Random-effects regression over datasets: each dataset's law with its full covariance, on a line in H with scatter.

y_k = (I kron x_k') gamma + u_k + e_k, with u_k ~ N(0, T) the scatter of datasets off the line and e_k ~ N(0, S_k) the
error of dataset k's fit, S_k known. T is found by restricted maximum likelihood (EM steps, which keep it positive
semi-definite), gamma by generalised least squares. Source: the multivariate meta-regression of Jackson, White and Riley
(2013), with the variance scaling and t quantiles of Knapp and Hartung (2003).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEPS, _TOLERANCE = 3000, 1e-9


@dataclass(frozen=True)
class MetaRegression:
    """A fitted random-effects regression of m parameters on q columns.

    Attributes
    ----------
    coefficients : ndarray (m, q)
        One line for each parameter.
    covariance : ndarray (m q, m q)
        Their covariance, parameter by parameter.
    scatter : ndarray (m, m)
        T, covariance of datasets around their lines, fit error taken off.
    df : int
        Degrees of freedom K - q, for t quantiles.
    residuals : ndarray (K, m)
        y - line.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    scatter: np.ndarray
    df: int
    residuals: np.ndarray


def meta_regression(y, S, X) -> MetaRegression:
    """Fit the random-effects regression.

    Parameters
    ----------
    y : ndarray, float64 (K, m)
        Estimates of m parameters in each of K datasets.
    S : ndarray, float64 (K, m, m)
        Their covariances; zero rows for what is known exactly.
    X : ndarray, float64 (K, q)
        Covariates of the datasets, the constant among them; K > q.

    Returns
    -------
    MetaRegression
    """
    (K, m), q = y.shape, X.shape[1]
    df = K - q
    plain = np.linalg.lstsq(X, y, rcond=None)[0]
    rest = y - X @ plain
    # one unit for all parameters, so that one ridge suits them
    unit = np.sqrt((rest**2).sum(axis=0) / df) + 1e-9 * (1 + np.abs(y).max(axis=0))
    y, S = y / unit, S / (unit[:, None] * unit)
    Z = np.einsum("ij,kq->kijq", np.eye(m), X).reshape(K, m, m * q)
    T = np.diag((rest / unit).var(axis=0) * K / df + 1e-6)
    for _ in range(_STEPS):
        gamma, C, r, inverse = _generalised(y, S, T, Z)
        gain = T @ inverse  # (K, m, m)
        u = np.matmul(gain, r[..., None])[..., 0]
        spread = gain @ Z
        new = np.einsum("ka,kb->ab", u, u) / K + T
        new += (spread @ C @ spread.swapaxes(1, 2)).mean(axis=0) - (gain @ T).mean(axis=0)
        new = (new + new.T) / 2
        moved = np.abs(new - T).max()
        T = new
        if moved < _TOLERANCE:
            break
    gamma, C, r, inverse = _generalised(y, S, T, Z)
    misfit = float(np.einsum("ka,kab,kb->", r, inverse, r)) / (m * df)
    scale = np.repeat(unit, q)
    return MetaRegression(
        coefficients=(gamma * scale).reshape(m, q),
        covariance=C * max(1.0, misfit) * scale[:, None] * scale,
        scatter=T * unit[:, None] * unit,
        df=df,
        residuals=r * unit,
    )


def _generalised(y, S, T, Z):
    """Generalised least squares at a given T: gamma (mq,), its covariance, residuals (K, m), inverses (K, m, m)."""
    V = S + T
    V = V + 1e-10 * np.eye(V.shape[-1]) * (1.0 + np.einsum("kii->k", V)[:, None, None])
    inverse = np.linalg.inv(V)
    half = Z.swapaxes(1, 2) @ inverse
    C = np.linalg.pinv((half @ Z).sum(axis=0), hermitian=True, rcond=1e-14)
    gamma = C @ np.matmul(half, y[..., None])[..., 0].sum(axis=0)
    return gamma, C, y - Z @ gamma, inverse
