"""Tests by relabelling: does a covariate order a handful of datasets better than chance, alone or beside its rivals?

Relabelling the datasets asks only that the covariate has nothing to do with what was measured: neither normal errors
nor equal ones are assumed, and a dataset measured badly keeps its error under every label. Up to seven datasets every
relabelling is tried, and p is exact; beyond that a seeded sample is, the observed order counted among it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import permutations

import numpy as np
import numpy.typing as npt
from scipy import stats

from ....numerics.functions import product
from ....numerics.linear import svd

ALL_PERMUTATIONS = 7  # up to 7! = 5040 relabellings are all tried, beyond that a seeded sample
SAMPLED = 4999
LEAST_FREEDOM = 2  # of a partial correlation: datasets less the covariates, the constant and the one asked about
_TIE = 1e-9


def relabellings(K: int, seed: int = 42) -> npt.NDArray[np.intp]:
    """Permutations of K datasets, the identity first: all of them up to K = 7, else a seeded sample with it."""
    return _relabellings(K, seed, None if K <= ALL_PERMUTATIONS else SAMPLED)


@cache
def _relabellings(K, seed, sampled):
    if sampled is None:
        order = np.array(list(permutations(range(K))))
    else:
        rng = np.random.default_rng(seed)
        order = np.array([np.arange(K), *(rng.permutation(K) for _ in range(sampled))])
    order.flags.writeable = False  # one array for every test of a sweep
    return order


def smallest_p(K: int) -> float:
    """Smallest p that a two-sided test over the relabellings of K datasets can give."""
    return 2 / len(relabellings(K))


def p_words(p: float) -> str:
    """Write a p-value with three digits, one below a millionth as a bound: no test here resolves it."""
    return f"p = {p:.3g}" if p >= 1e-6 else "p < 1e-6"


def spearman(H: npt.ArrayLike, values: npt.ArrayLike, seed: int = 42) -> tuple[float, float | None]:
    """Spearman's rank correlation (mean ranks for ties) and its two-sided p over relabellings."""
    K = np.size(H)
    a, b = (stats.rankdata(v) - (K + 1) / 2 for v in (H, values))
    size = np.sqrt(product(a, a) * product(b, b))
    if size == 0:
        return float("nan"), None
    everything = product(b[relabellings(K, seed)], a) / size
    rho = everything[0]
    return float(rho), float((np.abs(everything) >= abs(rho) - _TIE).mean())


def weighted_slope(H: npt.ArrayLike, values: npt.ArrayLike, variances: npt.ArrayLike, seed: int = 42) -> float | None:
    """Two-sided p over relabellings of the slope of values on H, each dataset weighing as it is known.

    The statistic is what the line in H explains of the weighted sum of squares, (sum w (h - h0) y)^2 / sum w (h - h0)^2
    with w the inverse variances and h0 the weighted mean of H. The variances must be those under no dependence (fit
    error and the scatter of datasets about their mean): then no relabelling changes a weight.

    Parameters
    ----------
    H, values : array-like (K,)
    variances : array-like (K,)
        Of the values about their mean, above 0.
    seed : int
        Of the sample of relabellings, beyond seven datasets.

    Returns
    -------
    float or None
        None where H or the values are all the same.
    """
    h, y, w = (np.asarray(v, dtype=np.float64) for v in (H, values, 1 / np.asarray(variances, dtype=np.float64)))
    if np.ptp(h) == 0 or np.ptp(y) == 0:
        return None
    y = y - product(w, y) / w.sum()
    drawn = h[relabellings(len(h), seed)]
    drawn = drawn - (product(drawn, w) / w.sum())[:, None]
    explained = np.square(product(drawn, w * y)) / product(np.square(drawn), w)
    return float((explained >= explained[0] * (1 - _TIE)).mean())


def partial_rank(
    H: npt.ArrayLike, values: npt.ArrayLike, given: Sequence[npt.ArrayLike], seed: int = 42
) -> tuple[float, float | None]:
    """Rank correlation of H and values once the ranks of other covariates are taken off both, and its two-sided p.

    The p is Freedman and Lane's (1983): what is left of the values' ranks after the given covariates is relabelled and
    fitted again. It is exact without covariates and close to it with them, as long as datasets are left over.

    Parameters
    ----------
    H, values : array-like (K,)
    given : sequence of array-like (K,)
        The covariates taken off.
    seed : int
        Of the sample of relabellings, beyond seven datasets.

    Returns
    -------
    rho : float
        NaN where nothing is left to correlate: H (or the values) follows the given ones exactly, or too few datasets.
    p : float or None
    """
    K = np.size(H)
    ranked = np.column_stack([np.ones(K), *(stats.rankdata(v) for v in given)])
    basis, sizes, _ = svd(ranked)
    basis = basis[:, sizes > 1e-9 * sizes[0]]
    if K - basis.shape[1] - 1 < LEAST_FREEDOM:
        return float("nan"), None
    h, y = (v - product(basis, product(basis.T, v)) for v in (stats.rankdata(H), stats.rankdata(values)))
    if product(h, h) < _TIE * K or product(y, y) < _TIE * K:
        return float("nan"), None
    drawn = y[relabellings(K, seed)]
    left = drawn - product(drawn, basis, basis.T)
    sizes = np.sqrt(np.maximum(np.square(left).sum(axis=1), _TIE) * product(h, h))
    everything = product(left, h) / sizes
    rho = everything[0]
    return float(rho), float((np.abs(everything) >= abs(rho) - _TIE).mean())


def rank_correlation(x: npt.ArrayLike, y: npt.ArrayLike, given: npt.ArrayLike) -> float | None:
    """Spearman's rank correlation of x and y (K,), the ranks of given covariates (K, q) taken off both, with no test.

    None where nothing is left to correlate.
    """
    ranks = np.column_stack([stats.rankdata(column) for column in (x, y, *np.transpose(given))])
    basis, sizes, _ = svd(np.column_stack([np.ones(len(ranks)), ranks[:, 2:]]))
    basis = basis[:, sizes > 1e-9 * sizes.max(initial=0.0)]
    h, v = (column - product(basis, product(basis.T, column)) for column in ranks.T[:2])
    size = float(np.sqrt(product(h, h) * product(v, v)))
    return float(product(h, v)) / size if size > _TIE * len(ranks) else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's p-values: of several tests, the chance that any true null is rejected stays at the level."""
    order = np.argsort(p_values, kind="stable")
    m, out, running = len(p_values), [1.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (m - rank) * p_values[i]))
        out[i] = running
    return out
