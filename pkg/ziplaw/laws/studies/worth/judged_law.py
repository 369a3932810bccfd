"""The loss of any split of one compute, judged by a law fitted to all cells of a dataset: the check of the valleys."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ....numerics.functions import exp, log
from ...forms.form import Form
from ...pilots.compute import Compute
from ...solve.additive import Array
from .judged_valley import wasted

# e-folds below the compute at which the best loss is worked out, and how many of each to one
_BELOW, _PER_FOLD = 8, 20


@dataclass(frozen=True, eq=False)
class JudgedLaw:
    """Log losses of a law at one compute as a function of ln N.

    Attributes
    ----------
    log_C : float
        ln of the compute, as ``compute`` counts it.
    parameters : ndarray (p,)
        Natural parameters of ``form``.
    compute : Compute
        FLOPs of a token at N.
    """

    log_C: float
    parameters: Array
    form: Form = field(repr=False)
    compute: Compute = field(repr=False)

    def at(self, x: Array) -> Array:
        """Ln loss (n,) at ln N (n,)."""
        return self._along(np.atleast_1d(x), np.asarray(self.log_C))

    @property
    def x(self) -> float:
        """Ln N of the best split."""
        return float(self._best[1][0])

    @property
    def log_loss(self) -> float:
        """Ln loss of the best split."""
        return float(self._best[2][0])

    def compute_wasted(self, log_loss: float) -> float:
        """Ln of how many times less compute the best split needs for this loss."""
        return wasted(self._best[0], self._best[2], log_loss)

    @cached_property
    def _best(self) -> tuple[Array, Array, Array]:
        """Ln of computes (k,), falling from this one; ln N of the best split of each and its ln loss."""
        log_C = self.log_C - np.arange(_BELOW * _PER_FOLD + 1) / _PER_FOLD
        A, B, alpha, beta = (float(v) for v in self.form.power_terms(self.parameters))
        x = np.asarray(self.compute.best(log(A), log(B), alpha, beta, exp(log_C)))
        return log_C, x, self._along(x, log_C)

    def _along(self, x: Array, log_C: Array) -> Array:
        N = exp(x)
        return np.asarray(log(self.form.loss_at(self.parameters, N, self.compute.tokens(N, exp(log_C)))))
