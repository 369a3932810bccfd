"""A law under a link as intervals see it: the coordinates of ``solve.linked``, theta itself as points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...numerics.functions import exp, log
from ..solve.additive import Array
from ..solve.additive_fit import FittedLaw
from ..solve.linked import LinkProblem, LinkSolution
from .form_view import FormView
from .quantities import unknown_ranges
from .view import Ends

_STEPS = 200
_SAME_Z = 1e-9  # of the index: rounding


class FittedLink(FittedLaw, Protocol):
    """What this looks at in ``fits.link_fit.LinkFit``."""

    @property
    def columns(self) -> dict[str, Array]:
        """N and D, each (n,)."""

    @property
    def problem(self) -> LinkProblem:
        """The table and the law in the coordinates that are solved in."""

    @property
    def solution(self) -> LinkSolution:
        """The optimum there."""


class LinkView(FormView):
    """See ``View``.

    Parameters
    ----------
    fitted : LinkFit
        The law and its table.
    """

    def __init__(self, fitted: FittedLink) -> None:
        self._fitted_law, self._problem = fitted, fitted.problem
        problem = self._problem
        self.form, self.columns, self.names = fitted.form, fitted.columns, fitted.form.parameters
        self.theta, self.low, self.high = fitted.solution.theta, fitted.form.low, fitted.form.high
        self.z, self.weights = problem.z, problem.weights
        self.delta, self.objective, self.n_free = fitted.solution.delta, fitted.objective, fitted.n_free
        moving = np.eye(len(self.theta))
        if problem.settings.tie:
            moving[4] += moving[3]
        self.moving = moving[:, problem.free]
        self._finish(problem.residuals(self.theta[None])[0])

    def unknown(self) -> dict[str, Ends]:
        """Whole ranges of what sits at its bound, vanished, or is not told by the design: name -> (lo, hi)."""
        ends = self._problem.ends(self.theta)
        stuck = {name for name, why in ends.items() if why == "at its bound"}
        out: dict[str, Ends] = {name: (0.0, np.inf) for name in self.names if name in stuck}
        out |= unknown_ranges(self._fitted_law)
        if {"alpha", "beta"} & stuck:
            out |= {"a": (0.0, 1.0), "b": (0.0, 1.0), "log10_G": (-np.inf, np.inf)}
        return out

    def solve(
        self, theta: Array, *, z: Array | None = None, weights: Array | None = None, threads: int | None = 1
    ) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
        """See ``View.solve``."""
        return self._problem.solve(theta, z, weights, delta=self.delta, max_steps=_STEPS, threads=threads)

    def natural(self, theta: Array) -> Array:
        """Natural parameters (..., q)."""
        return self._problem.natural(theta)

    def loss(self, points: Array, columns: Mapping[str, Array]) -> Array:
        """Mean loss (..., m) at columns (m,) or (..., m)."""
        return self.form.loss_at(self.natural(points), columns["N"], columns["D"])

    def tells_loss(self, columns: Mapping[str, Array]) -> npt.NDArray[np.bool_]:
        """Whether the law says anything about the loss at columns (m,): bool (m,).

        A free link whose E nobody gave does so among the runs alone: a rising curve may level out beyond them.
        """
        problem = self._problem
        if problem.settings.link != "free" or problem.settings.given_E:
            return super().tells_loss(columns)
        x, y = (log(np.ravel(columns[name])) - problem.centre[name] for name in ("N", "D"))
        lowest = problem.index(self.theta)[self.weights > 0].min()
        told = replace(problem, x=x, y=y).index(self.theta) >= lowest - _SAME_Z
        return np.reshape(told, np.shape(columns["N"]))

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Log residuals (n,) and their derivatives (n, p)."""
        J = self._problem.jacobian(theta)
        J[:, 3:5] *= exp(theta[3:5])  # those in alpha and beta, of which theta has the logarithms
        return self._problem.residuals(theta[None])[0], J
