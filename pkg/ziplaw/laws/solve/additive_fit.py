"""A fit as seen from below: ``fits.fit.LawFit`` and ``fits.link_fit.LinkFit``, whose room lies above this one."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..forms.form import Form
from .additive import Array
from .optimum import Settings, Solution

Flags = npt.NDArray[np.bool_]


class Coordinates(Protocol):
    """A table and a law in the coordinates that are solved in: ``AdditiveProblem`` and ``LinkProblem``."""

    @property
    def free(self) -> Flags:
        """Which of theta are fitted, bool (p,)."""

    @property
    def x(self) -> Array:
        """Centred ln N (n,)."""

    @property
    def y(self) -> Array:
        """Centred ln D (n,)."""

    def jacobian(self, theta: Array) -> Array:
        """Derivatives (n, p) in ln of E and both terms at the centre, alpha, beta, and ln of the rest."""

    def back(self, theta: Array) -> Array:
        """Derivatives (p, p) of ln E, ln A, ln B, alpha, beta and ln of the rest in those coordinates."""

    def ends(self, theta: Array) -> dict[str, str]:
        """Parameters that ended "at zero" or "at its bound"."""


class FittedLaw(Protocol):
    """What diagnostics look at in a fit of the index ln(A/N^alpha + B/D^beta), whatever its link."""

    @property
    def form(self) -> Form:
        """The law."""

    @property
    def problem(self) -> Coordinates:
        """The table in the coordinates that are solved in."""

    @property
    def settings(self) -> Any:
        """What was asked."""

    @property
    def solution(self) -> Any:
        """The optimum in those coordinates."""

    @property
    def parameters(self) -> Array:
        """E, A, B, alpha, beta and those of the link (p,)."""

    @property
    def n(self) -> int:
        """Number of rows."""

    @property
    def n_free(self) -> int:
        """Number of parameters that were fitted."""

    @property
    def objective(self) -> float:
        """Sum of Huber terms."""

    @property
    def converged(self) -> bool:
        """Whether the optimiser met its tolerance."""

    @property
    def N(self) -> Array:
        """Sizes (n,)."""

    @property
    def D(self) -> Array:
        """Tokens (n,)."""

    @property
    def loss(self) -> Array:
        """Losses (n,)."""

    @property
    def weights(self) -> Array:
        """Weights of the rows (n,)."""

    @property
    def flags(self) -> tuple[str, ...]:
        """Short warnings."""

    @property
    def covariance(self) -> Array:
        """Covariance (p, p) of ln E, ln A, ln B, alpha, beta and ln of the rest."""

    @property
    def residuals(self) -> Array:
        """Log residuals (n,)."""

    def refit(self, rows: Any = None) -> FittedLaw:
        """Fit some of the rows."""

    def predict(self, N: Array, D: Array) -> Any:
        """Loss (n,)."""


class AdditiveFit(FittedLaw, Protocol):
    """A fit of the additive law."""

    @property
    def E(self) -> float:
        """The floor."""

    @property
    def A(self) -> float:
        """Amplitude of the term of N."""

    @property
    def B(self) -> float:
        """Amplitude of the term of D."""

    @property
    def settings(self) -> Settings:
        """What was asked."""

    @property
    def solution(self) -> Solution:
        """The optimum in centred coordinates."""

    @property
    def resampled(self) -> Any:
        """The bootstrap by which a split is judged, drawn once."""

    @property
    def view(self) -> Any:
        """The fit as intervals see it."""

    def refit(self, rows: Any = None) -> AdditiveFit:
        """Fit some of the rows."""
