"""The additive law as intervals see it: the compiled solver's coordinates, and natural parameters as points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ...numerics.functions import exp, log, product
from ..forms.allocation import optimal_split
from ..forms.chinchilla import PARAMETERS, additive
from ..solve import diagnostics
from ..solve.additive import EXPONENT_BOUNDS, Array, Design, polish
from ..solve.additive_fit import FittedLaw
from ..solve.diagnostics import estimable, jacobian
from .quantities import named_quantities, quantities, unknown_ranges
from .view import Chart, Ends, Function, View


class AdditiveView(View):
    """See ``View``; theta is the solver's E, A, B (centred and scaled), alpha, beta.

    Parameters
    ----------
    fitted : LawFit
        The law and its table.
    """

    names = PARAMETERS
    on_log = frozenset("AB")
    low = np.array([0.0, 0.0, 0.0, EXPONENT_BOUNDS[0], EXPONENT_BOUNDS[0]])
    high = np.array([np.inf, np.inf, np.inf, EXPONENT_BOUNDS[1], EXPONENT_BOUNDS[1]])

    def __init__(self, fitted: FittedLaw) -> None:
        self.fitted, self._settings, self._design = fitted, fitted.settings, fitted.solution.design
        self.theta, self.delta, self.objective = fitted.solution.theta, fitted.solution.delta, fitted.objective
        self.z, self.residuals, self.weights = self._design.z, fitted.residuals, fitted.weights
        self.n_free = self._settings.n_free
        # few rows carry an excess near the floor: resampled, they vary less than fresh ones would
        self.default = "case" if self._settings.excess_floor is None else "sandwich"
        self.moving = np.eye(5)[:, self._settings.free]
        if self._settings.tie:
            self.moving[4] = self.moving[3]

    def solve(
        self, theta: Array, *, z: Array | None = None, weights: Array | None = None, threads: int | None = 1
    ) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
        """See ``View.solve``."""
        d = self._design
        return polish(
            theta,
            d if z is None else Design(d.x, d.y, z, d.x_mean, d.y_mean, d.scale),
            weights=self.weights if weights is None else weights,
            delta=self.delta,
            free=self._settings.free,
            tie=self._settings.tie,
            threads=threads,
        )

    def natural(self, theta: Array) -> Array:
        """E, A, B, alpha, beta (..., 5)."""
        out = self._design.to_natural(theta)
        if self._settings.excess_floor is not None:
            out[..., 0] = self._settings.excess_floor
        return out

    points = natural

    def natural_of(self, points: Array) -> Array:
        """Points themselves."""
        return points

    def named(self, points: Array) -> dict[str, Array]:
        """E, A, B, alpha, beta, a, b and log10_G."""
        return named_quantities(points)

    def split(self, points: Array, C: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """See ``allocation.optimal_split``."""
        return optimal_split(points, C)

    def loss(self, points: Array, columns: Mapping[str, Array]) -> Array:
        """See ``chinchilla.additive``."""
        return additive(points, columns["N"], columns["D"])

    def quantities(
        self, C: float | None = None, N: float | None = None, D: float | None = None
    ) -> dict[str, tuple[Function, bool]]:
        """See ``quantities.quantities``."""
        return quantities(C, N, D)

    def held(self) -> dict[str, float]:
        """E where it was not fitted."""
        return {} if self._settings.free[0] else {"E": float(self.fitted.parameters[0])}

    def unknown(self) -> dict[str, Ends]:
        """Whole ranges of what the table says nothing about, E at zero included."""
        return unknown_ranges(self.fitted)

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Log residuals (n,) and their derivatives (n, 5) in the solver's coordinates."""
        x, y = self._design.x, self._design.y
        u, v = exp(-theta[3] * x), exp(-theta[4] * y)
        f = theta[0] + theta[1] * u + theta[2] * v
        J = np.column_stack([np.ones_like(u), u, v, -theta[1] * x * u, -theta[2] * y * v])
        return log(f) - self.z, J / f[:, None]

    def along(self, J: Array) -> Array:
        """See ``View.along``: columns taken rather than multiplied, whose last digits are on file."""
        if self._settings.tie:
            J[:, 3] += J[:, 4]
        return J[:, self._settings.free]

    def tangent(self) -> Array:
        """Derivatives along the logarithms of E, A, B, and alpha and beta, as far as they moved."""
        return jacobian(self.theta, self._design)[:, estimable(self.fitted)]

    def chart(self, robust: bool = False) -> Chart:
        """Return ln E, ln A, ln B, alpha, beta, not centred; where ``robust``, steps along what moved freely."""
        with np.errstate(divide="ignore"):
            centre = np.concatenate([log(self.fitted.parameters[:3]), self.fitted.parameters[3:]])
        free = estimable(self.fitted)
        if not robust:
            return Chart(centre, diagnostics.covariance(self.fitted), free, _of_logs)
        directions = np.eye(5)
        if self._settings.tie:
            directions[4] += directions[3]
            free = free & (np.arange(5) != 4)
        directions = directions[:, free]
        found = self.covariance(product(jacobian(self.theta, self._design), directions), robust)
        # ln A = ln A' + ln scale + alpha * mean ln N, and the same for B
        back = np.eye(5)
        back[1, 3], back[2, 4] = self._design.x_mean, self._design.y_mean
        moves, m = product(back, directions), directions.shape[1]

        def to_point(phi: Array) -> Array:
            return _of_logs(centre + product(phi, moves.T))

        return Chart(np.zeros(m), found, np.ones(m, dtype=bool), to_point)

    def levels(self) -> tuple[dict[str, Array], int, str]:
        """Sizes and budgets: three of each where E is free, else two."""
        E_free = bool(self._settings.free[0]) and not self._settings.tie
        values = {"model sizes": self.fitted.N, "token budgets": self.fitted.D}
        return values, 3 if E_free else 2, "hold E (--fix-e)" if E_free else ""


def _of_logs(phi: Array) -> Array:
    """E, A, B, alpha, beta of (ln E, ln A, ln B, alpha, beta)."""
    phi = np.asarray(phi, dtype=np.float64)
    return np.concatenate([exp(phi[..., :3]), phi[..., 3:]], axis=-1)
