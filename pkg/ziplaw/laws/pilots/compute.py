"""All training FLOPs of a size as part of a ladder: C = c(N) D in place of C = 6 N D.

A ladder is a family of model sizes of one shape. Of each size the training FLOPs per token c are known exactly (head
and attention with the rest); between sizes ln c is a line in ln N, and beyond the ends it goes on with their slope. Of
a small model the head is most of the compute, so

    eps(N) = d ln c / d ln N

lies well below the 1 of 6 N D. The best split of C minimises the index ln(A/N^alpha + B/D^beta) along c(N) D = C:

    alpha A / N^alpha = eps(N) beta B / D^beta.

Along 6 N D the same law has D_6(N) tokens at its optimum N, so that of all FLOPs has

    D(N) = D_6(N) eps(N)^(1/beta),   C = c(N) D(N),

which is how a split known as a Gaussian over (ln N_opt at C = 6 N D, a) is told at C of all FLOPs: by solving for N,
with first-order errors. Sizes of whole layers and heads make c jitter; eps is a local line through ln c (Gaussian
weights of width ``SMOOTH`` in ln N), so that the best N does not stick to sizes of the ladder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, log
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.arguments import check_column, check_positive
from ..plans.evidence.gaussian_split import GaussianSplit, normal_quantile
from ..solve.additive import Array

SMOOTH = 0.7  # e-folds of N over which the elasticity is averaged
_REACH = 60.0  # e-folds beyond the ladder within which a best N is looked for
_HALVINGS = 70
BETA = 0.45  # where a split comes without its beta: the middle of what corpora gave, see docs/validation.md


@dataclass(frozen=True, eq=False)
class Compute:
    """FLOPs per token as a function of N along a ladder.

    Attributes
    ----------
    x, y : ndarray, float64 (k,)
        ln N, rising, and ln of the training FLOPs per token.
    """

    x: Array
    y: Array

    @classmethod
    def of(cls, N: npt.ArrayLike, flops_per_token: npt.ArrayLike) -> Compute:
        """Take a ladder's sizes.

        Parameters
        ----------
        N : array-like (k,)
            Non-embedding parameters, each once, in any order.
        flops_per_token : array-like (k,)
            Training FLOPs per token of each, forward and backward, head and attention included.

        Raises
        ------
        FitError
            When a number is not positive, a size stands twice, or a larger size costs less.
        """
        N, c = check_column(N, "N"), check_column(flops_per_token, "flops_per_token")
        if len(N) != len(c) or not len(N):
            raise FitError(f"{len(N)} sizes and {len(c)} costs: give one number of FLOPs per token for every size")
        order = np.argsort(N, kind="stable")
        N, c = N[order], c[order]
        if (np.diff(N) <= 0).any() or (np.diff(c) <= 0).any():
            raise FitError("FLOPs per token must rise with N from size to size: name every size once, of one family")
        return cls(log(N), log(c))

    @classmethod
    def six_nd(cls) -> Compute:
        """C = 6 N D: eps is 1 everywhere."""
        return cls(np.zeros(1), np.array([log(FLOPS_PER_PARAMETER_TOKEN)]))

    def per_token(self, N: npt.ArrayLike) -> Any:
        """Training FLOPs per token at N (...), float64 (...): exact at the sizes of the ladder."""
        return exp(self._log_cost(log(check_positive(N, "N"))))

    def log_C(self, x: Array, y: Array) -> Array:
        """Ln of all FLOPs (...) at ln N and ln D (...)."""
        return np.asarray(self._log_cost(x) + y)

    def elasticity(self, N: npt.ArrayLike) -> Any:
        """Eps (...), d ln c / d ln N at N (...)."""
        return self._elasticity(log(check_positive(N, "N")))

    def tokens(self, N: npt.ArrayLike, C: npt.ArrayLike) -> Any:
        """D (...) that C pays for at N: C / c(N)."""
        return np.asarray(C, dtype=np.float64) / self.per_token(N)

    def six_nd_of(self, N: npt.ArrayLike, C: npt.ArrayLike) -> Any:
        """6 N D (...) of the run of size N that costs C of all FLOPs."""
        return FLOPS_PER_PARAMETER_TOKEN * np.asarray(N, dtype=np.float64) * self.tokens(N, C)

    def best(
        self, log_A: npt.ArrayLike, log_B: npt.ArrayLike, alpha: npt.ArrayLike, beta: npt.ArrayLike, C: npt.ArrayLike
    ) -> Any:
        """Ln N_opt at C, float64 (...): of one law or of arrays of drawn ones, which broadcast with C.

        Parameters
        ----------
        log_A, log_B, alpha, beta : array-like (...)
            Of the index ln(A/N^alpha + B/D^beta); alpha and beta positive.
        C : array-like (...)
            All training FLOPs.

        Returns
        -------
        float64 (...)
            Where alpha A / N^alpha = eps(N) beta B / D^beta with D = C / c(N); within 60 e-folds of the ladder.
        """
        p, q, alpha, beta, log_C = np.broadcast_arrays(
            *(np.asarray(v, dtype=np.float64) for v in (log_A, log_B, alpha, beta)), log(check_positive(C, "C"))
        )
        left = log(alpha) + p - log(beta) - q

        def falls(x: Array) -> Any:
            return left - alpha * x + beta * (log_C - self._log_cost(x)) - log(self._elasticity(x))

        return self._zero(falls, p.shape)

    def _zero(self, falls: Any, shape: tuple[int, ...]) -> Any:
        """Where a falling function of ln N is 0, by halving."""
        low, high = np.full(shape, self.x[0] - _REACH), np.full(shape, self.x[-1] + _REACH)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            above = falls(middle) > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return (0.5 * (low + high))[()]

    def split(self, known: GaussianSplit, C: float, level: float = 0.95, *, beta: float = BETA) -> dict[str, Any]:
        """Tell a split known at C = 6 N D for C of all FLOPs.

        Parameters
        ----------
        known : GaussianSplit
            Over (ln N_opt, a) where C is 6 N D.
        C : float
            All training FLOPs.
        level : float
            Coverage of the bands.
        beta : float
            Exponent of D, by which the elasticity counts; it matters where the head is much of the compute.

        Returns
        -------
        dict
            As ``GaussianSplit.split`` gives, with ``C``, ``C_6nd`` and ``elasticity`` at the best N. ``a`` is that of
            6 N D.
        """
        here = self.told(known, C, beta=beta)
        z, (x, sd) = normal_quantile(level), here
        low, middle, high = (float(exp(x + s * z * sd)) for s in (-1, 0, 1))
        D = [float(self.tokens(n, C)) for n in (low, middle, high)]
        a, sd_a = float(known.mean[1]), float(np.sqrt(max(known.covariance[1, 1], 0.0)))
        return {
            "N": middle, "N_interval": [low, high],
            "D": D[1], "D_interval": [D[2], D[0]],
            "tokens_per_parameter": D[1] / middle, "tokens_per_parameter_interval": [D[2] / high, D[0] / low],
            "a": a, "a_interval": [a - z * sd_a, a + z * sd_a],
            "C": float(C), "C_6nd": float(self.six_nd_of(middle, C)), "elasticity": float(self.elasticity(middle)),
        }  # fmt: skip

    def told(self, known: GaussianSplit, C: float, *, beta: float = BETA) -> tuple[float, float]:
        """Ln N_opt at C of all FLOPs, and its standard deviation, of a split known at C = 6 N D; see ``split``."""
        (m, a), log_C = known.mean, log(float(check_positive(C, "C")))
        a = min(max(float(a), 0.01), 0.99)
        x = float(self.best_of_splits(m, a, known.C, C, beta))
        step = 1e-4
        ends = [self._beyond_split(v, m, a, known.C, log_C, beta) for v in (x - step, x + step)]
        along = (ends[0] - ends[1]) / (2 * step)
        # what moves when m or a does, with ln C held
        slopes = np.array([1 / a, (x - m) / np.square(a)]) / along
        return x, float(np.sqrt(max((np.outer(slopes, slopes) * known.covariance).sum(), 0.0)))

    def best_of_splits(
        self, ln_N: npt.ArrayLike, a: npt.ArrayLike, known_C: float, C: float, beta: npt.ArrayLike = BETA
    ) -> Any:
        """Ln N_opt (...) at C of all FLOPs, from ln_N (...) at 6 N D = ``known_C`` and a (...); see ``split``."""
        ln_N, a, beta = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (ln_N, a, beta)))
        a, log_C = np.clip(a, 0.01, 0.99), log(float(check_positive(C, "C")))
        return self._zero(lambda x: self._beyond_split(x, ln_N, a, known_C, log_C, beta), ln_N.shape)

    def _beyond_split(self, x: Any, m: Any, a: Any, known_C: float, log_C: float, beta: Any) -> Any:
        """Ln C less that of the optimum of size x, which falls with x."""
        log_D = log(known_C) + (x - m) / a - log(FLOPS_PER_PARAMETER_TOKEN) - x + log(self._elasticity(x)) / beta
        return log_C - self._log_cost(x) - log_D

    def _log_cost(self, x: Any) -> Any:
        """Ln c at ln N (...)."""
        x = np.asarray(x, dtype=np.float64)
        inside = np.interp(x, self.x, self.y)
        below, above = np.minimum(x - self.x[0], 0.0), np.maximum(x - self.x[-1], 0.0)
        ends = self._elasticity(self.x[[0, -1]])
        return inside + below * ends[0] + above * ends[1]

    def _elasticity(self, x: Any) -> Any:
        knots, slopes = self._slopes
        return np.interp(np.asarray(x, dtype=np.float64), knots, slopes)

    @property
    def _slopes(self) -> tuple[Array, Array]:
        """Knots in ln N and the elasticity at each."""
        cached = self.__dict__.get("_cached")
        if cached is None:
            cached = _local_slopes(self.x, self.y)
            self.__dict__["_cached"] = cached
        return cached


def _local_slopes(x: Array, y: Array) -> tuple[Array, Array]:
    """Slopes of local lines through (x, y) at points a third of the width apart; 1 where there is one size."""
    if len(x) < 2:
        return x, np.ones(len(x))
    width = max(SMOOTH, float(np.diff(x).max()) if len(x) < 6 else SMOOTH)
    knots = np.linspace(x[0], x[-1], max(2, int(np.ceil((x[-1] - x[0]) / (width / 3))) + 1))
    slopes = []
    for knot in knots:
        w = exp(-0.5 * np.square((x - knot) / width))
        w = w / w.sum()
        mx, my = (w * x).sum(), (w * y).sum()
        slopes.append((w * (x - mx) * (y - my)).sum() / (w * np.square(x - mx)).sum())
    return knots, np.array(slopes)
