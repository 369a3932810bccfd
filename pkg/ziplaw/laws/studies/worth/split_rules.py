"""Rules that split a compute: a constant ratio of tokens to parameters, and lines of other datasets' splits."""

from __future__ import annotations

import numpy as np

from ....errors import FitError
from ....numerics.functions import geomspace, log, product
from ...dependence.statistics.meta_regression import meta_regression
from ...pilots.compute import Compute
from ...plans.evidence.gaussian_split import GaussianSplit, inflation
from ...solve.additive import Array

# tokens a parameter among which the best constant is looked for
RATIOS = geomspace(1.0, 1e4, 241)
_HALVINGS, _REACH = 60, 40.0


def at_ratio(ratios: Array, log_C: float, compute: Compute) -> Array:
    """Ln N (r,) at which D = ratio N tokens cost C: ln c(N) + ln ratio + ln N = ln C.

    Parameters
    ----------
    ratios : ndarray (r,)
        Tokens a parameter.
    log_C : float
        ln of the compute, as ``compute`` counts it.
    compute : Compute
        FLOPs of a token at N.
    """
    wanted = log_C - log(np.asarray(ratios, dtype=np.float64))
    low, high = wanted / 2 - _REACH, wanted / 2 + _REACH
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        short = compute.log_C(middle, middle) < wanted
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray(0.5 * (low + high))


def foretell(y: Array, S: Array, X: Array, C: float, new: Array) -> list[GaussianSplit]:
    """Foretell the splits of new datasets from the line of others' splits in covariates.

    The band holds the error of the line, widened for its degrees of freedom, and the scatter of datasets about it.

    Parameters
    ----------
    y : ndarray (K, 2)
        (ln N_opt at C, a) of the datasets that are known.
    S : ndarray (K, 2, 2)
        Their covariances.
    X : ndarray (K, q)
        Their covariates; q = 0 is the pooled law.
    C : float
        FLOPs, 6 N D.
    new : ndarray (J, q)
        Covariates of the new ones.

    Raises
    ------
    FitError
        When there are fewer than three datasets more than covariates, or a covariate is the same in all.
    """
    K, q = X.shape
    if K - q < 4:
        raise FitError(f"{K} datasets have splits, a line in {q} covariates needs {q + 4}")
    middle, spread = X.mean(axis=0), X.std(axis=0)
    if (spread <= 1e-12 * (1 + abs(middle))).any():
        raise FitError("a covariate is the same in all datasets")
    columns = np.column_stack([np.ones(K), (X - middle) / spread])
    line = meta_regression(y, S, columns, structure="diagonal")
    wide, found = inflation(line.df), []
    for row in np.atleast_2d(new):
        z = np.concatenate([[1.0], (row - middle) / spread])
        each = np.kron(np.eye(2), z[None])
        covariance = wide * (product(each, line.covariance, each.T) + line.scatter)
        found.append(GaussianSplit(product(line.coefficients, z), covariance, C))
    return found
