"""How often each claim would be decided: studies simulated with a design's H, and fits and scatter as measured.

A simulated study has so many reportable datasets as the measured one: H drawn of the design without repeats, and of
each the covariance of a measured dataset's fit, drawn with repeats. Its laws (ln E, ln A, ln B, alpha, beta at the
centre) lie on planted lines in H, with the measured scatter of datasets, and are estimated with their fit's error. Each
is then judged by the rules of ``dependence.claims`` and ``equivalence``, with three stand-ins that are fast: slopes by
weighted least squares with known weights, scaled by what the residuals show (Knapp and Hartung) in place of the full
regression; the joint test over all cells by Wald's F of both slopes; the F test of a group of one H by the chi-squared
of its exponents about their mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....numerics.distributions import chi_squared_beyond, f_beyond, normal_inverse, student_quantile
from ....numerics.draws import normals
from ....numerics.functions import einsum, product
from ....numerics.linear import eigh, inv
from ...dependence.statistics import permutation
from ...solve.additive import Array
from .equivalence import EXPONENT, NEAR, OVER, TURN, smallest_effects

PARAMETERS = ("ln_E", "ln_A", "ln_B", "alpha", "beta")
MONOTONE = dict(zip(("E_monotone", "A_monotone", "B_monotone", "alpha_monotone", "beta_monotone"), range(5)))
FALLS = {"A_falls": 1, "B_falls": 2, "alpha_falls": 3, "beta_falls": 4}
ENOUGH = "ten_of_sixteen_decided"
DRAWS = 1000
_LARGEST_Q = 400.0
Masks = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]  # supported and not supported, (draws,)


@dataclass(frozen=True)
class Planted:
    """What studies are simulated of.

    Attributes
    ----------
    H : ndarray (n,)
        Of the design's datasets, of which ``count`` are reportable.
    one_vocabulary, one_H : ndarray, bool (n,)
        Which are of the group of one vocabulary, and of one H.
    covariances : ndarray (m, 5, 5)
        Of measured fits, at the centre; 0 where held.
    scatter : ndarray (5, 5)
        Of datasets about their lines.
    value : ndarray (5,)
        Of the lines at the mean H.
    count : int
    ln_N, ln_D : float
        The centre.
    """

    H: Array
    one_vocabulary: npt.NDArray[np.bool_]
    one_H: npt.NDArray[np.bool_]
    covariances: Array
    scatter: Array
    value: Array
    count: int
    ln_N: float
    ln_D: float


def claim_power(
    planted: Planted, slopes: Array, *, draws: int = DRAWS, level: float = 0.95, seed: int = 42
) -> dict[str, tuple[float, float]]:
    """Shares of simulated studies in which each claim is supported, and not supported.

    Parameters
    ----------
    planted : Planted
    slopes : ndarray (5,)
        True slopes of the lines in H, per unit, at the centre of N and D.
    draws, level, seed
        Simulated studies; 1 - level is the size of tests.

    Returns
    -------
    dict
        claim -> (supported, not supported); the rest is undecided. ``ENOUGH``: whether ten claims or more are decided.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.random((draws, len(planted.H))).argsort(axis=1)[:, : planted.count]
    of = rng.integers(0, len(planted.covariances), chosen.shape)
    H = planted.H[chosen]
    S = planted.covariances[of]
    h = H - H.mean(axis=1, keepdims=True)
    truth = planted.value + h[..., None] * slopes + _drawn(rng, planted.scatter[None, None], (*h.shape, 5))
    y = truth + _drawn(rng, S, (*h.shape, 5))
    # A and B as in A/N^alpha: moved from the centre to N = D = 1
    move = np.eye(5)
    move[1, 3], move[2, 4] = planted.ln_N, planted.ln_D
    at_one, errors = product(y, move.T), np.sqrt(np.maximum(einsum("dkij,ai,aj->dka", S, move, move), 0.0))
    lines = _lines(h, y, S, planted.scatter)
    spread = einsum("ai,ij,bj->ab", move, planted.scatter, move)
    natural = _lines(h, at_one, einsum("ai,dkij,bj->dkab", move, S, move), spread)
    smallest = smallest_effects({"ln_N": planted.ln_N, "ln_D": planted.ln_D})
    verdicts: dict[str, Masks] = {}
    for claim, i in FALLS.items():
        verdicts[claim] = _directed(natural, i, -1, smallest[PARAMETERS[i]], level)
    verdicts["E_rises"] = _directed(natural, 0, +1, smallest["ln_E"], level)
    for claim, i in MONOTONE.items():
        verdicts[claim] = _monotone(H, at_one[..., i], errors[..., i], level)
    verdicts["exponents_depend_on_H"] = _depends(lines, level)
    verdicts |= _of_both(lines, H, smallest, level)
    group = planted.one_vocabulary[chosen]
    # of as many datasets as the smallest draw has of them, so that one array serves
    least = int(group.sum(axis=1).min())
    if least >= 5:
        order = np.argsort(~group, axis=1, kind="stable")[:, :least]
        take = lambda a: np.take_along_axis(a, order.reshape(order.shape + (1,) * (a.ndim - 2)), axis=1)  # noqa: E731
        part = take(H)
        found = _lines(part - part.mean(axis=1, keepdims=True), take(y), take(S), planted.scatter)
        verdicts["survives_fixed_vocabulary"] = _depends(found, level)
    verdicts["vanishes_at_fixed_H"] = _one_H(planted, rng, draws, level)
    decided = np.sum([yes | no for yes, no in verdicts.values()], axis=0)
    found = {claim: (float(yes.mean()), float(no.mean())) for claim, (yes, no) in verdicts.items()}
    return found | {ENOUGH: (float((decided >= 10).mean()), float((decided < 10).mean()))}


def _drawn(rng, covariance, shape):
    values, vectors = eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    return product(root, normals(rng, shape)[..., None])[..., 0]


@dataclass(frozen=True)
class _Lines:
    """Values at the mean and slopes (draws, 2, p), their joint covariance of alpha and beta, degrees of freedom."""

    value: Array
    slope: Array
    value_error: Array
    slope_error: Array
    slope_covariance: Array  # (draws, 2, 2) of alpha and beta
    value_covariance: Array
    df: int


def _lines(h, y, S, T):
    """Weighted lines of each parameter through (h (d, K), y (d, K, p)), weights of each by S + T."""
    v = np.einsum("dkii->dki", S) + np.diag(T) + 1e-12
    w = 1 / v
    total = w.sum(axis=1)
    centre = (w * h[..., None]).sum(axis=1) / total
    off = h[..., None] - centre[:, None]
    ss = (w * np.square(off)).sum(axis=1)
    ss = np.where(ss > 0, ss, np.nan)  # all at one H: no slope, and nothing is decided
    slope = (w * off * y).sum(axis=1) / ss
    mean = (w * y).sum(axis=1) / total
    rest = y - mean[:, None] - slope[:, None] * off
    df = h.shape[1] - 2
    scale = np.sqrt((w * np.square(rest)).sum(axis=1) / df)
    value = mean - slope * centre
    value_error = scale * np.sqrt(1 / total + np.square(centre) / ss)
    # estimates of alpha and beta covary as their datasets do
    shared = S[..., 3, 4] + T[3, 4]
    a, b = w[..., 3] * off[..., 3] / ss[:, None, 3], w[..., 4] * off[..., 4] / ss[:, None, 4]
    cov_slope = (a * b * shared).sum(axis=1) * scale[:, 3] * scale[:, 4]
    a0, b0 = (w[..., i] / total[:, None, i] - (centre[:, None, i] * c) for i, c in ((3, a), (4, b)))
    cov_value = (a0 * b0 * shared).sum(axis=1) * scale[:, 3] * scale[:, 4]
    errors = scale / np.sqrt(ss)
    return _Lines(value, slope, value_error, errors, cov_slope, cov_value, df)


def _directed(lines, i, sign, smallest, level):
    t = student_quantile(lines.df, (1 + level) / 2)
    slope, half = lines.slope[:, i] * sign, t * lines.slope_error[:, i]
    yes = slope - half > 0
    return yes, ~yes & ((slope + half < 0) | (OVER * (slope + half) < smallest))


def _depends(lines, level):
    """Wald's F of both slopes; not supported where both intervals are small."""
    s, e, c = lines.slope[:, 3:], lines.slope_error[:, 3:], lines.slope_covariance
    V = np.empty((len(s), 2, 2))
    V[:, 0, 0], V[:, 1, 1] = np.square(e[:, 0]), np.square(e[:, 1])
    V[:, 0, 1] = V[:, 1, 0] = np.clip(c, -0.99 * e[:, 0] * e[:, 1], 0.99 * e[:, 0] * e[:, 1])
    F = einsum("di,dij,dj->d", s, inv(V), s) / 2
    yes = F > _f_quantile(2, lines.df, level)
    half = student_quantile(lines.df, (1 + level) / 2) * e
    return yes, ~yes & (OVER * (np.abs(s) + half) < EXPONENT).all(axis=1)


def _f_quantile(df1, df2, level):
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if f_beyond(middle, df1, df2) > 1 - level else (low, middle)
    return 0.5 * (low + high)


def _of_both(lines, H, smallest, level):
    """The claims about alpha and beta together: steeper, near .27, the turn of the frontier."""
    t = student_quantile(lines.df, (1 + level) / 2)
    (a1, b1), (a0, b0) = lines.slope[:, 3:].T, lines.value[:, 3:].T
    ea, eb = lines.slope_error[:, 3:].T
    difference = np.abs(a1) - np.abs(b1)
    sign = np.sign(a1) * np.sign(b1)
    half = t * np.sqrt(np.maximum(np.square(ea) + np.square(eb) - 2 * sign * lines.slope_covariance, 1e-12))
    yes = difference - half > 0
    steeper = yes, ~yes & ((difference + half < 0) | (OVER * (difference + half) < EXPONENT))
    total = np.square(a0 + b0)
    slope = (a0 * b1 - b0 * a1) / total
    # by alpha' and beta' alone, which have most of the error
    ga, gb = -b0 / total, a0 / total
    sd = np.sqrt(np.maximum(np.square(ga * ea) + np.square(gb * eb) + 2 * ga * gb * lines.slope_covariance, 1e-12))
    low, high = slope - t * sd, slope + t * sd
    near, nowhere_near = _place(lines, H, NEAR, t)
    inside, nowhere = _place(lines, H, TURN, t)
    falls = high < 0
    turns = falls & inside
    against = (low > 0) | nowhere | (OVER * low > -smallest["a"])
    return {
        "alpha_steeper_than_beta": steeper,
        "alpha_equals_beta_near_0.27": (near & ~nowhere_near, nowhere_near),
        "frontier_turns": (turns, ~turns & against),
    }


def _place(lines, H, place, t):
    """Whether the crossing's interval is bounded, measured and overlaps a place; whether it is rejected all over it."""
    value = lines.value[:, 3] - lines.value[:, 4]
    slope = lines.slope[:, 3] - lines.slope[:, 4]
    v0 = np.square(lines.value_error[:, 3:]).sum(axis=1) - 2 * lines.value_covariance
    v1 = np.square(lines.slope_error[:, 3:]).sum(axis=1) - 2 * lines.slope_covariance
    v0, v1 = np.maximum(v0, 1e-12), np.maximum(v1, 1e-12)
    mean = H.mean(axis=1)
    at = np.linspace(*place, 21)[:, None] - mean
    z = (value + slope * at) / np.sqrt(v0 + v1 * np.square(at))
    rejected = ((z > t).all(axis=0) | (z < -t).all(axis=0)) & (H.min(axis=1) < place[1])
    p2, p1, p0 = np.square(slope) - t * t * v1, 2 * value * slope, np.square(value) - t * t * v0
    under = np.square(p1) - 4 * p2 * p0
    bounded = (p2 > 0) & (under >= 0)
    with np.errstate(all="ignore"):
        root = np.sqrt(np.maximum(under, 0.0))
        low, high = (mean + (-p1 + s * root) / (2 * p2) for s in (-1, 1))
    found = bounded & (low >= H.min(axis=1)) & (high <= H.max(axis=1))
    return found & (low <= place[1]) & (high >= place[0]), rejected


def _monotone(H, values, errors, level):
    """Ranks against H, and pairs that rise and fall beyond their errors."""
    draws, K = H.shape
    order = np.argsort(H, axis=1)
    y, e = (np.take_along_axis(a, order, axis=1) for a in (values, errors))
    ranks = np.argsort(np.argsort(y, axis=1), axis=1) - (K - 1) / 2
    x = np.arange(K) - (K - 1) / 2
    rho = product(ranks, x) / float(product(x, x))
    null = np.abs(product(x[permutation.relabellings(K)], x)) / float(product(x, x))
    ordered = np.abs(rho) >= np.quantile(null, level)
    i, j = np.triu_indices(K, 1)
    limit = -normal_inverse((1 - level) / 2 / len(i))
    reversed_ = np.zeros(draws, dtype=bool)
    for d in range(draws):
        z = (y[d, j] - y[d, i]) / np.maximum(np.sqrt(np.square(e[d, i]) + np.square(e[d, j])), 1e-9)
        reversed_[d] = z.max() > limit and z.min() < -limit
    return ordered & ~reversed_, reversed_


def _one_H(planted, rng, draws, level):
    """Not supported where exponents of a group of one H differ by more than their fits' errors."""
    share = planted.count / len(planted.H)
    n = max(4, round(share * planted.one_H.sum()))
    S = planted.covariances[rng.integers(0, len(planted.covariances), (draws, n))][..., 3:, 3:]
    y = _drawn(rng, planted.scatter[3:, 3:][None, None], (draws, n, 2)) + _drawn(rng, S, (draws, n, 2))
    W = inv(S + 1e-12 * np.eye(2))
    mean = product(inv(W.sum(axis=1)), product(W, y[..., None]).sum(axis=1))[..., 0]
    off = y - mean[:, None]
    Q = einsum("dki,dkij,dkj->d", off, W, off)
    limit = next(q for q in np.linspace(0, _LARGEST_Q, 4001) if chi_squared_beyond(q, 2 * (n - 1)) <= 1 - level)
    no = Q > limit
    return np.zeros(draws, dtype=bool), no


def split_power(
    H: Array, variances: Array, scatter: float, changes: Mapping[str, float], smallest: float, *,
    draws: int = DRAWS, level: float = 0.95, seed: int = 42,
) -> dict[str, tuple[float, float, float, float]]:  # fmt: skip
    """Power of the claims about one quantity of the split.

    Parameters
    ----------
    H : ndarray (n,)
        Of the design.
    variances : ndarray (m,)
        Squared errors of measured splits, drawn with repeats.
    scatter : float
        Standard deviation of datasets about the line.
    changes : dict
        name -> true change over .2 of H.
    smallest : float
        The smallest effect of interest.

    Returns
    -------
    dict
        name -> shares of studies in which *depends on H* is supported and not supported, and *falls* is.
    """
    rng = np.random.default_rng(seed)
    v = variances[rng.integers(0, len(variances), (draws, len(H)))] + scatter * scatter
    h = H - H.mean()
    noise = np.sqrt(v) * normals(rng, v.shape)
    t = student_quantile(len(H) - 2, (1 + level) / 2)
    found = {}
    for name, change in changes.items():
        w = 1 / v
        off = h - ((w * h).sum(axis=1) / w.sum(axis=1))[:, None]
        ss = (w * off * off).sum(axis=1)
        y = change / OVER * h + noise
        slope = (w * off * y).sum(axis=1) / ss
        rest = y - ((w * y).sum(axis=1) / w.sum(axis=1))[:, None] - slope[:, None] * off
        half = t * np.sqrt((w * rest * rest).sum(axis=1) / (len(H) - 2) / ss)
        shown = np.abs(slope) > half
        small = OVER * (np.abs(slope) + half) < smallest
        falls = shown & (slope < 0)
        not_falls = ~falls & ((shown & (slope > 0)) | (OVER * (slope - half) > -smallest))
        shares = (shown, ~shown & small, falls, not_falls)
        a, b, c, d = (float(mask.mean()) for mask in shares)
        found[name] = a, b, c, d
    return found
