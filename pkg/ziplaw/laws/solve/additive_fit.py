"""A fit of the additive law as seen from below: ``fits.fit.LawFit``, whose room lies above this one."""

from __future__ import annotations

from typing import Any, Protocol

from .additive import Array
from .optimum import Settings, Solution


class AdditiveFit(Protocol):
    """What diagnostics and intervals look at in a fit."""

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
    def parameters(self) -> Array:
        """E, A, B, alpha, beta (5,)."""

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
    def settings(self) -> Settings:
        """What was asked."""

    @property
    def solution(self) -> Solution:
        """The optimum in centred coordinates."""

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
        """Covariance (5, 5) of ln E, ln A, ln B, alpha, beta."""

    @property
    def residuals(self) -> Array:
        """Log residuals (n,)."""

    @property
    def resampled(self) -> Any:
        """The bootstrap by which a split is judged, drawn once."""

    def refit(self, rows: Any = None) -> AdditiveFit:
        """Fit some of the rows."""

    def predict(self, N: Array, D: Array) -> Any:
        """Loss (n,)."""
