"""Any law of ``forms.catalogue``, with any link, as intervals see it: theta itself as points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ...numerics.functions import log, product
from ..forms.allocation import exponents, split
from ..forms.arguments import check_positive
from ..solve.additive import Array
from ..solve.fitted_form import FittedForm
from ..solve.levels import common_line, n_levels
from .view import Chart, Ends, Function, View

# these scatter evenly on their own scale, all other parameters on a log scale
_PLAIN = {"E", "alpha", "beta", "alpha_N", "alpha_D", "alpha_S"}
_SIGNED = {"c1"}
_CALLED = {"N": "model sizes", "D": "token budgets", "S": "numbers of steps", "C": "amounts of compute"}


class FormView(View):
    """See ``View``.

    Parameters
    ----------
    fitted : FittedForm
        The law and its table.
    """

    def __init__(self, fitted: FittedForm) -> None:
        self.fitted, self.form, self.columns = fitted, fitted.form, fitted.columns
        self.names, self.theta, self.low, self.high = self.form.parameters, fitted.theta, fitted.low, fitted.high
        self.moving, self.z, self.weights = fitted.moving, fitted.z, fitted.weights
        self.delta, self.objective, self.n_free = fitted.delta, fitted.objective, fitted.n_free
        self._finish(fitted.model(self.theta) - self.z)

    def _finish(self, residuals: Array) -> None:
        self.residuals = residuals
        self.on_log, self.signed = frozenset(self.names) - _PLAIN - _SIGNED, frozenset(self.names) & _SIGNED

    def solve(
        self, theta: Array, *, z: Array | None = None, weights: Array | None = None, threads: int | None = 1
    ) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
        """See ``View.solve``."""
        return self.fitted.solve(theta, z=z, weights=weights, threads=threads)

    def natural(self, theta: Array) -> Array:
        """Natural parameters (..., q)."""
        with np.errstate(over="ignore"):
            return self.fitted.natural(theta)

    def points(self, theta: Array) -> Array:
        """Theta itself."""
        return theta

    def natural_of(self, points: Array) -> Array:
        """Natural parameters (..., q) of theta (..., p)."""
        return self.natural(points)

    @property
    def splits(self) -> bool:
        """Whether the best split has a closed form."""
        return self.form.index.power_terms is not None and set(self.form.columns) == {"N", "D"}

    def named(self, points: Array) -> dict[str, Array]:
        """Return the parameters, and a, b and log10_G of a law whose split has a closed form."""
        natural = self.natural(points)
        out = dict(zip(self.names, np.moveaxis(natural, -1, 0)))
        if self.splits:
            out |= dict(zip(("a", "b", "log10_G"), exponents(natural, self.form)))
        return out

    def split(self, points: Array, C: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """N_opt, D_opt and the loss there; FitError where the split has no closed form."""
        N, D = split(self.natural(points), C, self.form)
        with np.errstate(over="ignore", invalid="ignore"):
            if np.ndim(C):
                return N, D, self.loss(points, {"N": N, "D": D})
            return N, D, self.loss(points, {"N": N[..., None], "D": D[..., None]})[..., 0]

    def loss(self, points: Array, columns: Mapping[str, Array]) -> Array:
        """Mean loss (..., m) at columns (m,) or (..., m)."""
        return self.fitted.loss_at(points, columns)

    def quantities(
        self, C: float | None = None, N: float | None = None, D: float | None = None
    ) -> dict[str, tuple[Function, bool]]:
        """See ``quantities.quantities``: every parameter by its logarithm, as theta has it."""

        def one(name: str, is_log: bool) -> Function:
            return lambda p: log(self.named(p)[name]) if is_log else self.named(p)[name]

        out = {name: (one(name, name not in self.signed), name not in self.signed) for name in self.names}
        if not self.splits:
            return out
        out |= {name: (one(name, False), False) for name in ("a", "b", "log10_G")}
        if C is not None:
            budget = float(check_positive(C, "C"))

            def log_split(i: int) -> Function:
                return lambda p: log(self.split(p, budget)[i])

            out |= {name: (log_split(i), True) for i, name in enumerate(("N_opt", "D_opt", "loss_opt"))}
        if N is not None and D is not None:
            at = {"N": check_positive([N], "N"), "D": check_positive([D], "D")}
            out["loss"] = (lambda p: log(self.loss(p, at)[..., 0]), True)
        return out

    @property
    def _fitted(self) -> npt.NDArray[np.bool_]:
        """Which of theta moved, bool (p,)."""
        return (self.moving != 0).any(axis=1)

    @property
    def _at_bound(self) -> npt.NDArray[np.bool_]:
        """Which of theta moved until a bound stopped it, bool (p,)."""
        return self._fitted & ((self.theta <= self.low) | (self.theta >= self.high))

    def held(self) -> dict[str, float]:
        """E, and what the link has, where it was not fitted.

        Held coordinates of the index are another matter: they are where its scale is taken up by the link.
        """
        natural = self.natural(self.theta)
        free = set(self.form.index.parameters)
        return {
            name: float(natural[i])
            for i, (name, fitted) in enumerate(zip(self.names, self._fitted))
            if not fitted and name not in free
        }

    def unknown(self) -> dict[str, Ends]:
        """Whole ranges of what sits at its bound or is not told by the design: name -> (lo, hi)."""
        lost = {name for name, bound in zip(self.names, self._at_bound) if bound}
        rows, columns = self.weights > 0, self.columns
        _, needed, _ = self.levels()
        few = [n_levels(columns[name][rows]) < needed for name in self.form.columns if name in _CALLED]
        index = set(self.form.index.parameters)
        if any(few):
            lost |= index | ({"E"} if needed == 3 else set()) - set(self.held())
        if {"N", "D"} <= set(columns) and common_line(columns["N"][rows], columns["D"][rows]):
            lost |= index
        out: dict[str, Ends] = dict.fromkeys((name for name in self.names if name in lost), (0.0, np.inf))
        if self.splits and lost & index:
            out.update(a=(0.0, 1.0), b=(0.0, 1.0), log10_G=(-np.inf, np.inf))
        return out

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Log residuals (n,) and their derivatives (n, p)."""
        return self.fitted.model(theta) - self.z, self.fitted.jacobian(theta)

    def tangent(self) -> Array:
        """Derivatives along the directions that end at no bound."""
        return product(self.derivatives(self.theta)[1], self._inside())

    def _inside(self) -> Array:
        """Directions (p, m) in which theta moved freely: those of no parameter at its bound."""
        return self.moving[:, (self.moving[self._at_bound] == 0).all(axis=0)]

    def chart(self, robust: bool = False) -> Chart:
        """Theta along the directions that moved freely; the estimate is 0."""
        directions = self._inside()
        m = directions.shape[1]
        found = self.covariance(self.tangent(), robust)
        return Chart(np.zeros(m), found, np.ones(m, dtype=bool), lambda phi: self.theta + product(phi, directions.T))

    def levels(self) -> tuple[dict[str, Array], int, str]:
        """Values of each column that is traded: three where E is free and the exponents are not tied, else two."""
        E_free = self.form.floor is not None and self.form.floor not in self.held()
        tied = bool((np.count_nonzero(self.moving, axis=0) > 1).any())
        columns = {_CALLED[name]: values for name, values in self.columns.items() if name in _CALLED}
        return columns, 3 if E_free and not tied else 2, "hold E (--fix-e)" if E_free else ""
