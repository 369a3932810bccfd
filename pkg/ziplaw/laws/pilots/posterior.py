"""What a handful of runs says of the law: a posterior under each link, and the links weighed by their evidence.

Cells err by their seeds and by what the law gets wrong, as ``cell_errors`` has it:

    ln loss_i = ln L(N_i, D_i; theta) + noise of cell and trunk (scale sigma) + misfit (scale kappa),

and all of theta has a Gaussian prior (``PRIOR_MEAN``, ``PRIOR_SD``), weak beside what two dozen cells can say, and
elsewhere what is known beforehand: that exponents of language models lie between .15 and 1, that noise is a few per
mille, misfit a few per cent. Only of E it is a strong one, .3 +- .1 of the least loss: small models level off where
pairs of tokens are known and then take off again, so that a pilot's own floor is a false one (English text: 3.6 nats,
where eight times the compute reached 3.4), while that of text is known well enough: Chinchilla's 1.69 nats a token are
.57 bits a byte, a pilot reaches about 2.5. Data that models learn to the end, such as grammars, are no pilot's matter.

Each link is fitted by Fisher scoring from a few starts (Laplace's approximation at the best) and drawn by adaptive
importance sampling: from a multivariate t about the mode with the inverse Fisher information, then from the mean and
covariance found so far, every draw weighed against the mixture of all proposals (Cornuet et al. 2012,
doi 10.1111/j.1467-9469.2011.00756.x; weights truncated as in Ionides 2008, doi 10.1198/106186008X320456). The mean
weight is the link's evidence, by which links are mixed (MacKay 2003, chapters 28 and 29). Posteriors of E, exponents
and k bend, and no t reaches their tails (a floor's standard deviation came out at half of what it is): those of links
with a chance are drawn again by walkers that begin there (``walkers``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...numerics.draws import chi_squares, normals
from ...numerics.functions import cov, exp, log, log1p, product
from ...numerics.linear import inv
from ..intervals.drawn_laws import cholesky
from ..solve.additive import Array
from .cell_errors import Kriging, decades_below, turned
from .soft_law import LAW, NO_CEILING, Frame, log_loss
from .walkers import walk

LINKS = ("identity", "power", "bounded")
FREE = {
    "identity": np.array([0, 1, 2, 3, 4, 7, 8]),
    "power": np.array([0, 1, 2, 3, 4, 5, 7, 8]),
    "bounded": np.arange(9),
}
# mean and standard deviation of theta; level is counted from ln of the middle loss
PRIOR_MEAN = np.array([0.3, log(0.4), 0.0, log(0.4), log(0.4), 0.0, log(0.3), log(0.004), log(0.02)])
PRIOR_SD = np.array([0.1, 1.0, 2.5, 0.5, 0.5, 0.5, 1.0, 0.8, 0.7])
DRAWS = 500  # of every proposal
_ADAPTED = 3  # proposals made from the draws before them
_CHANCE = 4.0  # nats of evidence below the best, from which on a link is not drawn with care
_WALKERS, _WALK, _BURN, _EVERY = 64, 450, 120, 11
_DF = 7
_LN_2PI = log(2 * np.pi)
_STEPS = 60
_STARTS = [(e, d) for e in (0.0, 0.3) for d in (-2.0, 0.0, 2.0)]  # f and delta beside their prior means


@dataclass(frozen=True, eq=False)
class Observed:
    """Cells as the posterior sees them.

    Attributes
    ----------
    x, y, z : ndarray, float64 (n,)
        ln N, ln D, ln loss.
    kriging : Kriging
        Its ``turn`` W (n, n) turns residuals so that they err independently, by sigma^2 + kappa^2 ``spread`` (n,).
    log_turn : float
        ln |det W|.
    frame : Frame
        What theta is counted from.
    mean, sd : ndarray (9,)
        The prior of theta.
    """

    x: Array
    y: Array
    z: Array
    kriging: Kriging
    log_turn: float
    frame: Frame
    mean: Array
    sd: Array

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array, trunk: npt.NDArray[np.intp], log_C: Array) -> Observed:
        """Take a table; ``trunk`` counts the trunks from 0, ``log_C`` is ln of all FLOPs of each cell."""
        mean = PRIOR_MEAN.copy()
        mean[1] += log(np.median(loss))
        x, y = log(N), log(D)
        W, spread, log_turn = turned(x, y, trunk, log_C)
        kriging = Kriging(x, y, 1 + decades_below(log_C, float(log_C.max())), W, spread)
        return cls(x, y, log(loss), kriging, log_turn, Frame.of(N, D, loss), mean, PRIOR_SD)

    def log_posterior(self, theta: Array, *, curved: bool = False) -> tuple[Array, Array | None, Array | None]:
        """Logarithm of likelihood times prior (S,) at theta (S, 9).

        Returns
        -------
        value : ndarray (S,)
            Of all nine; what is held by a link has its prior's density there, which is taken off again.
        slope, information : ndarray (S, 9), (S, 9, 9), or None
            Gradient and Fisher information with the prior's.
        """
        value, slopes = log_loss(theta, self.x, self.y, self.frame, slopes=curved)
        rest = product(self.z - value, self.kriging.turn)
        s2, k2 = (exp(2 * theta[:, i])[:, None] for i in (7, 8))
        variance = s2 + k2 * self.kriging.spread
        squares = rest * rest / variance
        off = (theta - self.mean) / self.sd
        out = self.log_turn - 0.5 * (
            (log(variance) + squares).sum(axis=1) + len(self.x) * _LN_2PI
            + (np.square(off) + 2 * log(self.sd) + _LN_2PI).sum(axis=1)
        )  # fmt: skip
        # a floor below 0 is none
        out = np.where(np.isfinite(out) & (theta[:, 0] > 0), out, -np.inf)
        if slopes is None:
            return out, None, None
        turned_slopes = product(self.kriging.turn.T, slopes)
        weighed = turned_slopes / variance[..., None]
        gradient, information = np.zeros((len(theta), 9)), np.zeros((len(theta), 9, 9))
        gradient[:, LAW] = (weighed * rest[..., None]).sum(axis=1)
        information[:, LAW, LAW] = product(weighed.swapaxes(1, 2), turned_slopes)
        parts = s2 / variance, k2 * self.kriging.spread / variance
        for i, one in enumerate(parts, start=7):
            gradient[:, i] = (one * (squares - 1)).sum(axis=1)
            for j, other in enumerate(parts, start=7):
                information[:, i, j] = 2 * (one * other).sum(axis=1)
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
        Laws, each with its weight.
    weights : ndarray (K,)
        They sum to 1.
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


def posteriors(seen: Observed, *, seed: int = 0) -> list[LinkPosterior]:
    """Fit and draw the law under every link; those that the cells leave a chance are drawn with care."""
    sampled = [_Sampled(seen, link, seed) for link in LINKS]
    top = max(one.log_evidence for one in sampled)
    for one in sampled:
        if one.log_evidence > top - _CHANCE:
            one.walk()
    return [one.told() for one in sampled]


class _Sampled:
    """Draws of one link: by importance sampling, then by walkers that begin there."""

    def __init__(self, seen: Observed, link: str, seed: int) -> None:
        self.seen, self.link, self.free = seen, link, FREE[link]
        self.base = seen.mean.copy()
        if link == "identity":
            self.base[5] = 0.0
        if link != "bounded":
            self.base[6] = NO_CEILING
        held = np.setdiff1d(np.arange(9), self.free)
        # the prior's density of what is held is no part of the link's evidence
        off = (self.base - seen.mean) / seen.sd
        self.spare = -0.5 * (np.square(off) + 2 * log(seen.sd) + _LN_2PI)[held].sum()
        self.rng = np.random.default_rng([seed, LINKS.index(link)])
        self.mode, information = _mode(seen, self.base, self.free)
        self.theta, self.value = np.empty((0, len(self.free))), np.empty(0)
        self.proposals: list[_Proposal] = []
        self.walked: Array | None = None
        self._propose(_Proposal(self.mode[self.free], cholesky(inv(information))))
        for _ in range(_ADAPTED):
            centre = product(self.weights, self.theta)
            off = self.theta - centre
            spread = product((off * self.weights[:, None]).T, off)
            # few draws that count tell the spread badly: some of the last one stays
            last, kept = self.proposals[-1].root, 1 / (1 + self.effective / 50)
            self._propose(_Proposal(centre, cholesky((1 - kept) * spread + kept * product(last, last.T))))

    def density(self, at: Array) -> Array:
        """Ln of likelihood times prior (k,) of what is free (k, p)."""
        theta = np.repeat(self.base[None], len(at), axis=0)
        theta[:, self.free] = at
        return self.seen.log_posterior(theta)[0] - self.spare

    def _propose(self, proposal: _Proposal) -> None:
        """Draw from one more proposal, and weigh every draw as if it came from the mixture of all of them."""
        self.proposals.append(proposal)
        more = proposal.drawn(self.rng, DRAWS)
        self.theta = np.concatenate([self.theta, more])
        self.value = np.concatenate([self.value, self.density(more)])
        mixture = _log_mean(np.stack([one.log_density(self.theta) for one in self.proposals]))
        ratio = np.where(np.isfinite(self.value), self.value - mixture, -np.inf)
        top = ratio.max()
        w = exp(ratio - top)
        self.log_evidence = float(top + log(w.mean()))
        w = np.minimum(w, w.mean() * np.sqrt(len(w)))
        self.weights = w / w.sum()
        self.effective = float(1 / np.square(self.weights).sum())

    def walk(self) -> None:
        """Draw by walkers: a bent posterior has tails that no proposal reaches. The evidence is told anew by theirs."""
        start = self.theta[equally_likely(self.weights, _WALKERS, self.rng)]
        # what was drawn twice is pulled apart
        last = self.proposals[-1]
        near = start + 0.05 * (last.drawn(self.rng, _WALKERS) - last.centre)
        start = np.where(np.isfinite(self.density(near))[:, None], near, start)
        self.walked = walk(self.density, start, self.rng, steps=_WALK, burn=_BURN, every=_EVERY)
        spread = cov(self.walked.T)
        self._propose(_Proposal(self.walked.mean(axis=0), cholesky(1.2 * spread)))

    def told(self) -> LinkPosterior:
        """What was found."""
        at = self.theta if self.walked is None else self.walked
        weights = self.weights if self.walked is None else np.full(len(at), 1 / len(at))
        draws = np.repeat(self.base[None], len(at), axis=0)
        draws[:, self.free] = at
        return LinkPosterior(self.link, self.mode, draws, weights, self.log_evidence, self.effective)


def equally_likely(weights: Array, count: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Places (count,) of equally likely draws among weighted ones."""
    edges = np.cumsum(weights)
    at = (np.arange(count) + rng.random()) / count * edges[-1]
    return np.minimum(np.searchsorted(edges, at), len(weights) - 1)


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
        new[:, 0] = np.maximum(new[:, 0], 0.2 * theta[:, 0])
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
