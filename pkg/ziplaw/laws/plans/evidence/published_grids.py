"""Where published grids of runs put the best split: a random-effects summary, to begin a plan for a new corpus with.

Each grid k (one corpus, one training recipe) gives y_k = (ln N_opt at C_ref, a) with the covariance S_k of its fit.
They scatter by more than their errors, since corpora, recipes and forms of laws differ:

    y_k = mu + u_k + e_k,   u_k ~ N(0, T),   e_k ~ N(0, S_k).

What is asked about a new corpus is mu + u, so T belongs to its band. Grids of one source share models, recipe and
authors and are no independent witnesses: each source counts once, the m grids of one weigh 1/m each.

Few sources know T badly, and the likelihood's maximum is often none at all. So the summary is the mean and covariance
of what is known about a new corpus over the whole posterior of T: with T = (tau_N^2, rho tau_N tau_a; ., tau_a^2), half
normal priors on tau_N (scale .5) and tau_a (scale .2), rho anywhere, mu flat and integrated out,

    E[mu_T],   E[T + var(mu_T)] + cov(mu_T),

by quadrature. A scale of .5 is the usual weak one for the scatter of a logarithm between studies (Roever et al. 2021,
doi 10.1002/jrsm.1475); that of a lets it scatter over most of what exponents can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ....errors import FitError, shown
from ....numerics.functions import einsum, exp, log, product
from ....numerics.linear import eigh
from ...forms import arguments
from ...forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ...solve.additive import Array
from .gaussian_split import REFERENCE_C, GaussianSplit

MIN_SOURCES = 3
SCALES = (0.5, 0.2)  # of the half-normal priors: ln N_opt, a
_POINTS = (24, 24, 11)  # of the quadrature: tau_N and tau_a up to three and a half scales, rho
METHOD = (
    "random effects over published grids, each source counts once; mean and covariance for a new corpus over the "
    f"posterior of the scatter (half-normal priors of scale {SCALES[0]:g} for ln N, {SCALES[1]:g} for a)"
)


class RandomEffects(NamedTuple):
    """Mean (m,) and covariance (m, m) for a new corpus, and the posterior mean of the scatter T (m, m)."""

    mean: Array
    covariance: Array
    scatter: Array


def random_effects(y: Array, S: Array, sources: Sequence[str]) -> RandomEffects:
    """Sum up grids, see the head of this module.

    Parameters
    ----------
    y : ndarray, float64 (K, 2)
        ln N_opt and a of every grid.
    S : ndarray, float64 (K, 2, 2)
        Their covariances.
    sources : sequence of str (K,)
        Where each is from.
    """
    count = Counter(sources)
    weight = np.array([1 / count[source] for source in sources])
    T, log_prior = _scatters()
    inverse, log_det = _inverse(S + T[:, None])  # (t, K, 2, 2)
    precision = einsum("tkij,k->tij", inverse, weight)
    of_mean, log_precision = _inverse(precision)
    pulled = product(inverse, y[..., None])[..., 0]
    mean = product(of_mean, einsum("tki,k->ti", pulled, weight)[..., None])[..., 0]
    rest = y - mean[:, None]
    # the restricted likelihood, where each source counts once
    fit = (rest * product(inverse, rest[..., None])[..., 0]).sum(axis=-1) + log_det
    log_posterior = log_prior - 0.5 * (product(fit, weight) + log_precision)
    p = exp(log_posterior - log_posterior.max())
    p /= p.sum()
    middle = product(p, mean)
    scatter = einsum("t,tij->ij", p, T)
    off = mean - middle
    covariance = scatter + einsum("t,tij->ij", p, of_mean) + einsum("t,ti,tj->ij", p, off, off)
    return RandomEffects(middle, (covariance + covariance.T) / 2, scatter)


def _inverse(S):
    """Inverses of symmetric matrices (..., 2, 2), and the logarithms of their determinants."""
    p, q, r = S[..., 0, 0], S[..., 0, 1], S[..., 1, 1]
    det = p * r - q * q
    return np.stack([r, -q, -q, p], axis=-1).reshape(S.shape) / det[..., None, None], log(det)


def _scatters():
    """Every T of the quadrature (t, 2, 2), and the logarithm of its prior (t,)."""
    # the middle of every cell: neither no scatter nor a rho of one, which no inverse needs then
    taus = [scale * 3.5 * (np.arange(n) + 0.5) / n for scale, n in zip(SCALES, _POINTS)]
    rho = 2 * (np.arange(_POINTS[2]) + 0.5) / _POINTS[2] - 1
    t_N, t_a, r = (axis.ravel() for axis in np.meshgrid(*taus, rho, indexing="ij"))
    both = r * t_N * t_a
    T = np.stack([np.square(t_N), both, both, np.square(t_a)], axis=-1).reshape(-1, 2, 2)
    return T, -0.5 * (np.square(t_N / SCALES[0]) + np.square(t_a / SCALES[1]))


def summarise(grids: Sequence[Mapping[str, Any]], *, C: float = REFERENCE_C) -> dict[str, Any]:
    """Sum up grids into a prior for the split of a new corpus.

    Parameters
    ----------
    grids : sequence of dict
        Of each ``source`` (grids of one source share it), and ``C``, ``ln_N``, ``a``, ``covariance`` (2 x 2 of ln_N
        and a): its split, as ``GaussianSplit.to_dict`` gives it.
    C : float
        Compute of the summary, FLOPs.

    Returns
    -------
    dict
        ``C ln_N a covariance`` of a new corpus, ``scatter`` (posterior mean of T), ``n_grids``, ``n_sources``,
        ``tokens_per_parameter`` and ``method``.

    Raises
    ------
    FitError
        When fewer than three sources are given.
    """
    sources = [str(grid["source"]) for grid in grids]
    n = len(set(sources))
    if n < MIN_SOURCES:
        raise FitError(f"{n} sources of grids: their scatter needs at least {MIN_SOURCES}; add grids of other sources")
    told = [GaussianSplit.of(grid).at(C) for grid in grids]
    found = random_effects(np.array([one.mean for one in told]), np.array([one.covariance for one in told]), sources)
    return GaussianSplit(found.mean, found.covariance, C).to_dict() | {
        "scatter": found.scatter.tolist(),
        "n_grids": len(sources),
        "n_sources": n,
        "tokens_per_parameter": float(C / FLOPS_PER_PARAMETER_TOKEN / exp(2 * found.mean[0])),
        "method": METHOD,
    }


def prior_of(document: Mapping[str, Any], name: str = "the prior") -> GaussianSplit:
    """Take the Gaussian out of a prior file, whose form docs/formats.md has.

    Raises
    ------
    FitError
        When a key is missing or a number cannot be: with the value, the limit and the remedy.
    """
    try:
        found = GaussianSplit.of(document)
    except (KeyError, TypeError, ValueError):
        found = None
    if found is None or not np.isfinite([*found.mean, found.C]).all():
        raise FitError(f"{name} lacks numbers for C, ln_N, a and covariance: docs/formats.md has its form")
    S = found.covariance
    if S.shape != (2, 2) or not np.isfinite(S).all():
        raise FitError(f"{name} has no 2 x 2 covariance of ln_N and a: docs/formats.md has its form")
    if S[0, 1] != S[1, 0] or S[0, 0] <= 0 or eigh(S)[0][0] < -1e-12 * S.max():
        raise FitError(f"{name} has the covariance {shown(S.tolist())}: it must be symmetric and positive")
    arguments.check_positive(found.C, "C of the prior")
    if not 0 < found.mean[1] < 1:
        raise FitError(f"{name} has a = {found.mean[1]:g}, must lie between 0 and 1: N_opt rises as C^a")
    return found
