"""Kaplan's laws by the compiled fitter: they are laws of the power link in other coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...numerics.functions import log, product
from ...numerics.linear import inv
from ..forms.arguments import Array
from ..forms.form import Form
from ..forms.links import POWER
from . import link_optimum
from .linked import LinkProblem, LinkSettings

_FAR = 1e3  # ln of a term at the centre: k may be a thousandth, and the loss is the k-th power


class AsPower:
    """One table and one form that has ``as_power``.

    Parameters
    ----------
    form : Form
        The law.
    columns : dict of ndarray (n,)
        N and D.
    z, weights : ndarray (n,)
        ln loss, and the weights.
    centre : dict
        Means of ln N and ln D.
    delta : float
        Huber's delta.
    """

    def __init__(
        self,
        form: Form,
        columns: Mapping[str, Array],
        z: Array,
        weights: Array,
        centre: Mapping[str, float],
        delta: float,
    ) -> None:
        assert form.as_power is not None
        self.matrix, self.floor = form.as_power, form.floor is not None
        # beta, and E where the law has none, are rows of zeros
        self.rows = self.matrix.any(axis=1)
        self.back = inv(self.matrix[self.rows])
        low, high = np.full(6, -_FAR), np.full(6, _FAR)
        # alpha is alpha_N/alpha_D and k alpha_D: within the bounds of both
        (least, most), (least_k, most_k) = ((form.low[i], form.high[i]) for i in (2, 3))
        low[3:], high[3:] = [least - most_k, 0.0, least_k], [most - least_k, 0.0, most_k]
        low[0] = form.low[4] if self.floor else low[0]
        settings = LinkSettings("power", delta=delta, fixed_E=None if self.floor else 0.0, fixed_beta=1.0)
        x, y = (log(columns[name]) - centre[name] for name in ("N", "D"))
        bounded = replace(POWER, low=low, high=high)
        self.problem = LinkProblem(bounded, settings, x, y, z, weights, dict(centre), delta)

    def to(self, theta: Array) -> Array:
        """Theta of the power link (..., 6) of theta (..., p)."""
        return self.problem.held(product(theta, self.matrix.T))

    def of(self, linked: Array) -> Array:
        """Theta (..., p) of that of the power link (..., 6)."""
        out: Array = product(linked[..., self.rows], self.back.T)
        return out

    def best(self, starts: Array) -> tuple[Array, float, bool, float]:
        """The optimum from starts (k, p): theta (p,), objective, convergence, share of starts that found it."""
        found = link_optimum.best(self.problem, self.to(starts))
        return self.of(found.theta), found.objective, found.converged, found.fraction_of_starts

    def solve(
        self, theta: Array, z: Array | None, weights: Array | None, threads: int | None
    ) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
        """Optima of other losses or weights from starts (k, p): theta (k, p), objectives (k,), convergence (k,)."""
        found, objective, converged = self.problem.solve(self.to(theta), z, weights, threads=threads)
        return self.of(found), objective, converged
