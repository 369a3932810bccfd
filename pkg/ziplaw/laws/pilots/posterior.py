"""What a handful of runs says of the law: a posterior under each link, and the links weighed by their evidence.

A trunk's cells share its seed, its initialisation and its order of documents. So cell i of trunk j errs by

    ln loss_i = ln L(N_i, D_i; theta) + r_j + e_i,   r_j ~ N(0, tau^2),   e_i ~ N(0, sigma^2),

and all of theta has a Gaussian prior (``PRIOR_MEAN``, ``PRIOR_SD``), weak beside what two dozen cells can say, and
elsewhere what is known beforehand: that exponents of language models lie between .15 and 1, that the floor is a part of
the least loss, that noise is a few per mille to a few per cent.

Each link is fitted by Fisher scoring from a few starts (Laplace's approximation at the best); its posterior is then
drawn by adaptive importance sampling: from a multivariate t about the mode with the inverse Fisher information, then
from the mean and covariance found so far, every draw weighed against the mixture of all proposals (Cornuet et al. 2012,
doi 10.1111/j.1467-9469.2011.00756.x; weights are truncated as in Ionides 2008, doi 10.1198/106186008X320456). The mean
weight is the link's evidence, by which the links are mixed (MacKay 2003, chapters 28 and 29).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...numerics.draws import chi_squares, normals
from ...numerics.functions import exp, log, log1p, product
from ...numerics.linear import inv
from ..intervals.drawn_laws import cholesky
from ..solve.additive import Array
from .soft_law import LAW, NO_CEILING, Frame, log_loss

LINKS = ("identity", "power", "bounded")
FREE = {
    "identity": np.array([0, 1, 2, 3, 4, 7, 8]),
    "power": np.array([0, 1, 2, 3, 4, 5, 7, 8]),
    "bounded": np.arange(9),
}
# mean and standard deviation of theta; ln E is counted from ln of the least loss, level from ln of the middle one
PRIOR_MEAN = np.array([log(0.5), log(0.4), 0.0, log(0.4), log(0.4), 0.0, log(0.3), log(0.008), log(0.006)])
PRIOR_SD = np.array([0.5, 1.0, 2.5, 0.5, 0.5, 0.5, 1.0, 0.8, 0.8])
DRAWS = 4000
_ROUNDS = 4  # of importance sampling: each adapts to those before it
_DF = 7
_LN_2PI = log(2 * np.pi)
_STEPS = 60
_STARTS = [(e, d) for e in (0.0, 0.6) for d in (-2.0, 0.0, 2.0)]  # ln E and delta beside their prior means


@dataclass(frozen=True, eq=False)
class Observed:
    """Cells as the posterior sees them.

    Attributes
    ----------
    x, y, z : ndarray, float64 (n,)
        ln N, ln D, ln loss.
    member : ndarray, float64 (n, t)
        1 where a cell belongs to a trunk.
    frame : Frame
        What theta is counted from.
    mean, sd : ndarray (9,)
        The prior of theta.
    """

    x: Array
    y: Array
    z: Array
    member: Array
    frame: Frame
    mean: Array
    sd: Array

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array, trunk: npt.NDArray[np.intp]) -> Observed:
        """Take a table; ``trunk`` counts the trunks from 0."""
        mean = PRIOR_MEAN.copy()
        mean[0] += log(loss.min())
        mean[1] += log(np.median(loss))
        member = (trunk[:, None] == np.unique(trunk)).astype(np.float64)
        return cls(log(N), log(D), log(loss), member, Frame.of(N, D, loss), mean, PRIOR_SD)

    def log_posterior(self, theta: Array, *, curved: bool = False) -> tuple[Array, Array | None, Array | None]:
        """Logarithm of likelihood times prior (S,) at theta (S, 9), up to no constant at all.

        Returns
        -------
        value : ndarray (S,)
            Of all nine; what is held by a link has its prior's density there, which ``link_posterior`` takes off.
        slope, information : ndarray (S, 9), (S, 9, 9), or None
            Gradient and Fisher information with the prior's.
        """
        value, slopes = log_loss(theta, self.x, self.y, self.frame, slopes=curved)
        rest = self.z - value
        m = self.member.sum(axis=0)
        s2, t2 = (exp(2 * theta[:, i])[:, None] for i in (7, 8))
        wide = s2 + m * t2  # (S, t): variance of a trunk's sum over its cells, over their number
        mean = product(rest, self.member) / m
        within = np.square(rest).sum(axis=1, keepdims=True) - (m * np.square(mean)).sum(axis=1, keepdims=True)
        within = np.maximum(within, 0.0)
        df = len(self.x) - len(m)
        off = (theta - self.mean) / self.sd
        out = -0.5 * (
            df * log(s2)[:, 0] + log(wide).sum(axis=1) + (within / s2)[:, 0] + (m * np.square(mean) / wide).sum(axis=1)
            + len(self.x) * _LN_2PI + (np.square(off) + 2 * log(self.sd) + _LN_2PI).sum(axis=1)
        )  # fmt: skip
        out = np.where(np.isfinite(out), out, -np.inf)
        if slopes is None:
            return out, None, None
        shape = (len(theta), 9, 9)
        gradient, information = np.zeros(shape[:2]), np.zeros(shape)
        sums = product(self.member.T, slopes)  # (S, t, 7)
        # the inverse of sigma^2 + tau^2 J in every trunk, by which residuals and slopes are weighed
        pull = t2 / (s2 * wide)
        turned = rest / s2 - product(pull * product(rest, self.member), self.member.T)
        gradient[:, LAW] = (slopes * turned[..., None]).sum(axis=1)
        information[:, LAW, LAW] = product(slopes.swapaxes(1, 2), slopes) / s2[..., None] - product(
            (sums * pull[..., None]).swapaxes(1, 2), sums
        )
        part_s, part_t = s2 / wide, m * t2 / wide
        gradient[:, 7] = -df + (within / s2)[:, 0] + (part_s * (m * np.square(mean) / wide - 1)).sum(axis=1)
        gradient[:, 8] = (part_t * (m * np.square(mean) / wide - 1)).sum(axis=1)
        information[:, 7, 7] = 2 * (df + np.square(part_s).sum(axis=1))
        information[:, 8, 8] = 2 * np.square(part_t).sum(axis=1)
        information[:, 7, 8] = information[:, 8, 7] = 2 * (part_s * part_t).sum(axis=1)
        information[:, np.arange(9), np.arange(9)] += 1 / np.square(self.sd)
        return out, gradient - off / self.sd, information


@dataclass(frozen=True, eq=False)
class LinkPosterior:
    """One link's.

    Attributes
    ----------
    link : str
    mode : ndarray (9,)
    draws : ndarray (K, 9)
        Weighted by ``weights`` (K,), which sum to 1.
    log_evidence : float
    effective : float
        Number of draws that count.
    """

    link: str
    mode: Array
    draws: Array
    weights: Array
    log_evidence: float
    effective: float


def link_posterior(seen: Observed, link: str, *, seed: int = 0, draws: int = DRAWS) -> LinkPosterior:
    """Fit and draw the law under one link.

    Parameters
    ----------
    seen : Observed
        The cells.
    link : {"identity", "power", "bounded"}
        Which law.
    seed, draws : int
        Of the importance sampling.
    """
    free = FREE[link]
    base = seen.mean.copy()
    if link == "identity":
        base[5] = 0.0
    if link != "bounded":
        base[6] = NO_CEILING
    held = np.setdiff1d(np.arange(9), free)
    # the prior's density of what is held is no part of the link's evidence
    spare = -0.5 * (np.square((base - seen.mean) / seen.sd) + 2 * log(seen.sd) + _LN_2PI)[held].sum()
    mode, information = _mode(seen, base, free)
    proposals = [_Proposal(mode[free], cholesky(inv(information)))]
    rng = np.random.default_rng([seed, LINKS.index(link)])
    theta, value = np.empty((0, 9)), np.empty(0)
    while True:
        more = np.repeat(base[None], draws // _ROUNDS, axis=0)
        more[:, free] = proposals[-1].drawn(rng, len(more))
        theta = np.concatenate([theta, more])
        value = np.concatenate([value, seen.log_posterior(more)[0] - spare])
        # every draw as if it came from the mixture of all proposals so far
        density = np.stack([one.log_density(theta[:, free]) for one in proposals])
        ratio = np.where(np.isfinite(value), value - _log_mean(density), -np.inf)
        top = ratio.max()
        w = exp(ratio - top)
        evidence = float(top + log(w.mean()))
        w = np.minimum(w, w.mean() * np.sqrt(len(w)))
        w = w / w.sum()
        effective = float(1 / np.square(w).sum())
        if len(proposals) == _ROUNDS:
            return LinkPosterior(link, mode, theta, w, evidence, effective)
        centre = product(w, theta[:, free])
        off = theta[:, free] - centre
        spread = product((off * w[:, None]).T, off)
        # few draws that count tell the spread badly: some of the last one stays
        last, kept = proposals[-1].root, 1 / (1 + effective / 50)
        proposals.append(_Proposal(centre, cholesky((1 - kept) * spread + kept * product(last, last.T))))


class _Proposal(NamedTuple):
    """A multivariate t: its centre (p,) and lower triangular root (p, p)."""

    centre: Array
    root: Array

    def drawn(self, rng: np.random.Generator, n: int) -> Array:
        noise = normals(rng, (n, len(self.centre))) / np.sqrt(chi_squares(rng, _DF, n) / _DF)[:, None]
        return np.asarray(self.centre + product(noise, self.root.T))

    def log_density(self, at: Array) -> Array:
        p = len(self.centre)
        squares = np.square(product(at - self.centre, inv(self.root).T)).sum(axis=1)
        constant = _log_gamma_half(_DF + p) - _log_gamma_half(_DF) - 0.5 * p * log(_DF * np.pi)
        return np.asarray(constant - log(np.diag(self.root)).sum() - 0.5 * (_DF + p) * log1p(squares / _DF))


def _log_mean(logs: Array) -> Array:
    """Ln of the mean over the first axis of what has these logarithms."""
    top = logs.max(axis=0)
    return np.asarray(top + log(exp(logs - top).mean(axis=0)))


def _log_gamma_half(n: int) -> float:
    """Ln Gamma(n/2), n a whole number above 0."""
    value, at = (0.5 * log(np.pi), 1) if n % 2 else (0.0, 2)
    while at < n:
        value, at = value + log(at / 2), at + 2
    return float(value)


def _mode(seen: Observed, base: Array, free: npt.NDArray[np.intp]) -> tuple[Array, Array]:
    """The best theta (9,) of Fisher scoring from all starts together, and the information of what is free."""
    theta = np.repeat(base[None], len(_STARTS), axis=0)
    for i, (e, d) in enumerate(_STARTS):
        theta[i, 0] += e
        theta[i, 2] += d
    theta[:, 7:] += 1.0  # wide noise first: the law then moves before the noise shrinks
    grid = np.ix_(free, free)
    damp = np.full(len(theta), 1e-2)
    value, slope, information = seen.log_posterior(theta, curved=True)
    for _ in range(_STEPS):
        assert slope is not None
        assert information is not None
        H = information[:, grid[0], grid[1]]
        diagonal = np.einsum("sii->si", H)
        H = H + damp[:, None, None] * diagonal[:, :, None] * np.eye(len(free))
        step = np.clip(product(inv(H), slope[:, free, None])[..., 0], -1.5, 1.5)
        new = theta.copy()
        new[:, free] += step
        new_value, new_slope, new_information = seen.log_posterior(new, curved=True)
        assert new_slope is not None
        assert new_information is not None
        better = new_value > value
        gained = np.where(better, new_value - value, 0.0)
        theta = np.where(better[:, None], new, theta)
        value = np.where(better, new_value, value)
        slope = np.where(better[:, None], new_slope, slope)
        information = np.where(better[:, None, None], new_information, information)
        damp = np.clip(np.where(better, damp / 5, damp * 6), 1e-9, 1e6)
        if (better.any() and gained.max() < 1e-5) or damp.min() > 1e3:
            break
    best = int(value.argmax())
    assert information is not None
    return theta[best], information[best][grid]
