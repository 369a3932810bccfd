"""A fit of any form as seen from below: ``fits.form_fit.FormFit``, ``fits.link_fit.LinkFit``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..forms.form import Array, Form


class FittedForm(Protocol):
    """What intervals look at in a fit of a form; theta may have leading axes wherever (..., p) is said."""

    @property
    def form(self) -> Form:
        """The law."""

    @property
    def theta(self) -> Array:
        """The optimum (p,)."""

    @property
    def low(self) -> Array:
        """Lower bounds of theta (p,)."""

    @property
    def high(self) -> Array:
        """Upper bounds of theta (p,)."""

    @property
    def moving(self) -> Array:
        """Basis (p, m) of the directions in which the solver may go; a held parameter is in none."""

    @property
    def columns(self) -> dict[str, Array]:
        """The columns fitted, each (n,)."""

    @property
    def z(self) -> Array:
        """What was fitted (n,): ln loss, or ln of the loss over a floor."""

    @property
    def weights(self) -> Array:
        """Weights of the rows (n,)."""

    @property
    def delta(self) -> float:
        """Huber's delta."""

    @property
    def objective(self) -> float:
        """Sum of Huber terms."""

    @property
    def n_free(self) -> int:
        """Number of fitted parameters."""

    def model(self, theta: Array) -> Array:
        """What is compared with z, (..., n)."""

    def jacobian(self, theta: Array) -> Array:
        """Derivatives (n, p) of the model at theta (p,)."""

    def natural(self, theta: Array) -> Array:
        """Natural parameters (..., q)."""

    def loss_at(self, theta: Array, columns: Mapping[str, Array]) -> Array:
        """Mean loss (..., m) at columns (..., m), nats per token."""

    def solve(
        self, theta: Array, *, z: Array | None = None, weights: Array | None = None, threads: int | None = 1
    ) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
        """Optima of other losses or weights: theta (k, p), objective (k,), converged (k,)."""
