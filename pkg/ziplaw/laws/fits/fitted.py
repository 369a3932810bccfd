"""What every fitted law has, under the same names: its form, parameters, diagnostics, intervals, predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ..forms.form import Array, Form


class Fitted(ABC):
    """A law fitted to a table. A fit that failed is one too: ``converged`` is False and ``message`` says why.

    Attributes
    ----------
    form : Form
        The law: name, formula, columns, names of the parameters.
    objective : float
        Sum of (weighted) Huber terms of the log residuals.
    converged : bool
        Whether the optimiser met its tolerance.
    message : str
        One sentence about the outcome.
    loss : ndarray (n,)
        The losses fitted, nats per token.
    """

    form: Form
    objective: float
    converged: bool
    message: str
    loss: Array

    @property
    @abstractmethod
    def parameters(self) -> Array:
        """Natural parameters (p,), in the order of ``form.parameters``."""

    @property
    @abstractmethod
    def columns(self) -> dict[str, Array]:
        """The columns fitted, each (n,)."""

    @property
    @abstractmethod
    def n_free(self) -> int:
        """Number of parameters that were fitted."""

    @property
    @abstractmethod
    def residuals(self) -> Array:
        """Log residuals ln L - ln loss, (n,)."""

    @property
    @abstractmethod
    def flags(self) -> tuple[str, ...]:
        """Short warnings, worst first."""

    @property
    @abstractmethod
    def diagnostics(self) -> dict[str, Any]:
        """What was measured about the fit, as plain numbers."""

    @abstractmethod
    def error_at_largest_C(self, share: float = 0.1) -> dict[str, Any] | None:
        """Error on the share of the rows with the most compute, by a refit without them: n, rms_log_error.

        The error is that of what was fitted: of log loss, or of the log of its excess over a floor. None where the rest
        cannot hold a fit.
        """

    @abstractmethod
    def predict(self, *args: Any, **columns: Any) -> Any:
        """Loss at the columns of the form, nats per token."""

    @abstractmethod
    def refit(self, rows: Any = None) -> Fitted:
        """Fit the same law to some of the rows (index or mask)."""

    @abstractmethod
    def bootstrap(self, n: int, seed: int = 42) -> Any:
        """Refits of resampled rows: ``.samples`` (n, p) and ``.interval(level)``."""

    @abstractmethod
    def intervals(self, method: str | None = None, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Intervals of the parameters: name -> (lo, hi)."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for a JSON file, diagnostics included."""

    @property
    def n(self) -> int:
        """Number of rows fitted."""
        return len(self.loss)

    @property
    def estimates(self) -> dict[str, float]:
        """The parameters by name."""
        return dict(zip(self.form.parameters, self.parameters.tolist()))

    @property
    def rms(self) -> float:
        """Root mean square of the log residuals."""
        return float(np.sqrt(np.square(self.residuals).mean()))
