"""A fitted law as intervals see it: its optimum, how to find those of other losses and weights, what follows from it.

Bootstraps, jackknife, delta method and profile are written against this alone, so each works for every law. Two kinds
of law stand behind it: ``AdditiveView``, whose solver has coordinates of its own, and ``FormView`` for any form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ...numerics.functions import product
from ...numerics.linear import norm, pinv, svd
from ..solve.additive import Array
from ..solve.diagnostics import score_moments

Ends = tuple[float, float]
Function = Callable[[Array], Any]  # of points (..., p)


@dataclass(frozen=True)
class Chart:
    """Coordinates in which a law is nearly linear, for the delta method.

    Attributes
    ----------
    centre : ndarray (m,)
        The estimate.
    covariance : ndarray (m, m)
        Of the coordinates; rows and columns that did not move freely are not read.
    free : ndarray, bool (m,)
        Those that moved freely.
    to_point : callable
        Coordinates (..., m) -> points (..., p), see ``View``.
    """

    centre: Array
    covariance: Array
    free: npt.NDArray[np.bool_]
    to_point: Function


class View(ABC):
    """A law and its table, as resampling needs them.

    ``theta`` (p,) are the solver's coordinates. A *point* is a law as the functions below take it: natural parameters
    of the additive law, theta of any other, whose natural parameters may overflow where theta does not.

    Attributes
    ----------
    names : tuple of str
        The natural parameters.
    theta : ndarray (p,)
        The optimum.
    low, high : ndarray (p,)
        Bounds of theta.
    moving : ndarray (p, m)
        Basis of the directions in which the solver may go: a column for each parameter that is fitted, one for both
        exponents where they are tied.
    z, residuals, weights : ndarray (n,)
        What was fitted (ln loss, or ln of the loss over a floor), model less z, and the weights of rows.
    delta, objective : float
        Huber's delta and the sum of Huber terms.
    n_free : int
        Number of fitted parameters.
    on_log : set of str
        Parameters whose estimates scatter evenly about the truth on a log scale: the others do on their own.
    signed : set of str
        Parameters that may be negative.
    default : str
        The kind of interval where no runs are named.
    """

    names: tuple[str, ...]
    theta: Array
    low: Array
    high: Array
    moving: Array
    z: Array
    residuals: Array
    weights: Array
    delta: float
    objective: float
    n_free: int
    on_log: frozenset[str]
    signed: frozenset[str] = frozenset()
    default: str = "sandwich"

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.z)

    @property
    def freedom(self) -> int:
        """Rows less fitted parameters, at least 1."""
        return max(self.n - self.n_free, 1)

    @abstractmethod
    def solve(
        self, theta: Array, *, z: Array | None = None, weights: Array | None = None, threads: int | None = 1
    ) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
        """Find the optima of other losses or weights: theta (k, p), objective (k,), converged (k,) from starts (k, p).

        ``z`` and ``weights`` are (n,) or (k, n); by default those of the table.
        """

    @abstractmethod
    def natural(self, theta: Array) -> Array:
        """Natural parameters (..., q) of theta (..., p)."""

    @abstractmethod
    def points(self, theta: Array) -> Array:
        """Points of theta (..., p)."""

    @abstractmethod
    def natural_of(self, points: Array) -> Array:
        """Natural parameters (..., q) of points (..., p)."""

    @abstractmethod
    def named(self, points: Array) -> dict[str, Array]:
        """Return the parameters, and a, b and log10_G where the law has them, each (...)."""

    @abstractmethod
    def split(self, points: Array, C: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """N_opt, D_opt and the loss there, (...) for one C, (..., m) for m of them; FitError where the law has none."""

    @abstractmethod
    def loss(self, points: Array, columns: Mapping[str, Array]) -> Array:
        """Mean loss (..., m) at columns (m,)."""

    def tells_loss(self, columns: Mapping[str, Array]) -> npt.NDArray[np.bool_]:
        """Whether the law says anything about the loss at columns (m,): bool (m,). Any law with a formula does."""
        return np.ones(np.shape(next(iter(columns.values()))), dtype=bool)

    def told_loss(self, ends: tuple[Any, Any], columns: Mapping[str, Array]) -> tuple[Any, Any]:
        """Ends (...) of an interval of the loss at columns (...), from 0 to infinity where the law says nothing."""
        told = self.tells_loss(columns)
        low, high = np.where(told, ends[0], 0.0), np.where(told, ends[1], np.inf)
        return (float(low), float(high)) if low.ndim == 0 else (low, high)

    @abstractmethod
    def quantities(
        self, C: float | None = None, N: float | None = None, D: float | None = None
    ) -> dict[str, tuple[Function, bool]]:
        """Return what an interval may be asked for: see ``quantities.quantities``."""

    @abstractmethod
    def held(self) -> dict[str, float]:
        """Return parameters that were not fitted, with their values."""

    @abstractmethod
    def unknown(self) -> dict[str, Ends]:
        """Whole ranges of what the table says nothing about: name -> (lo, hi)."""

    @abstractmethod
    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Log residuals (n,) at theta (p,) and their derivatives (n, p)."""

    def along(self, J: Array) -> Array:
        """Derivatives (n, m) along ``moving`` of derivatives (n, p)."""
        return product(J, self.moving)

    @abstractmethod
    def tangent(self) -> Array:
        """Derivatives (n, m) of the residuals at the optimum, along all directions that moved freely."""

    @abstractmethod
    def chart(self, robust: bool = False) -> Chart:
        """Coordinates and covariance for the delta method: one spread for all rows, or by ``robust_covariance``."""

    def left_out_residuals(self, J: Array) -> Array:
        """Each row's log residual had the row been left out, to first order: r + psi(r) h / (E[psi'] (1 - h)), (n,).

        h is the row's leverage, given derivatives J (n, m) of the residuals. A Huber fit drives about as many residuals
        to zero as it has parameters; without this redrawn noise would be too small.
        """
        J = J * np.sqrt(self.weights)[:, None]
        basis = svd(J)[0] if J.shape[1] else np.zeros((self.n, 1))
        h = np.clip(np.square(basis).sum(axis=1), 0.0, 0.95)
        _, slope = score_moments(self.residuals, self.weights, self.delta, self.n_free)
        return self.residuals + np.clip(self.residuals, -self.delta, self.delta) * h / (slope * (1 - h))

    def covariance(self, J: Array, robust: bool) -> Array:
        """Covariance (m, m) of coordinates along which residuals have the derivatives J (n, m).

        (J'WJ)^-1 J'W S W J (J'WJ)^-1 over the squared slope of the Huber score. S is the score's mean square for all
        rows alike; or, ``robust``, the square of each row's own score at its residual had it been left out, which holds
        however the spread of errors differs between rows (of least squares that is HC3, MacKinnon and White 1985).
        """
        square, slope = score_moments(self.residuals, self.weights, self.delta, self.n_free)
        S: Any = square
        if robust:
            S = np.square(np.clip(self.left_out_residuals(J), -self.delta, self.delta))
        V = S / np.square(slope)
        # columns of one size: what is singular is then a matter of directions, not of units
        size = norm(J, axis=0)
        scale = np.where(size > 0, size, 1.0)
        J = J / scale
        bread = pinv(product((J * self.weights[:, None]).T, J), rcond=1e-12, hermitian=True)
        meat = product((J * (V * np.square(self.weights))[:, None]).T, J)
        found: Array = product(bread, meat, bread) / np.outer(scale, scale)
        return found

    @abstractmethod
    def levels(self) -> tuple[dict[str, Array], int, str]:
        """Columns of which a refit needs several values, by what these are called; how many; what else would help."""


class HasView(Protocol):
    """Any fit that resampling works on: ``LawFit``, ``FormFit``, ``LinkFit``."""

    @property
    def view(self) -> View:
        """Itself, as intervals see it."""
