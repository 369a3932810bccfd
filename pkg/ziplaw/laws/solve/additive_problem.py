"""The additive law of one table in the coordinates that are solved in, under the names of ``linked.LinkProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..forms.chinchilla import ADDITIVE
from ..forms.form import Form
from . import diagnostics
from .additive import Array, polish, residuals
from .optimum import Settings, Solution

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class AdditiveProblem:
    """One table; theta (5,) is E, A, B, alpha, beta, centred and scaled (``additive.Design``)."""

    solution: Solution
    settings: Settings
    weights: Array

    @property
    def form(self) -> Form:
        """The additive law."""
        return ADDITIVE

    @property
    def free(self) -> Flags:
        """Which parameters are fitted, bool (5,)."""
        return self.settings.free

    @property
    def delta(self) -> float:
        """Huber's delta."""
        return self.solution.delta

    @property
    def z(self) -> Array:
        """The logarithm that is fitted, (n,), less that of the design's scale."""
        return self.solution.design.z

    def residuals(self, theta: npt.ArrayLike, z: Array | None = None) -> Array:
        """Log residuals (P, n) at theta (P, 5)."""
        design = self.solution.design
        return residuals(np.asarray(theta, dtype=np.float64), design if z is None else replace(design, z=z))

    def natural(self, theta: npt.ArrayLike) -> Array:
        """E, A, B, alpha, beta (..., 5) of theta (..., 5)."""
        out = self.solution.design.to_natural(theta)
        if self.settings.excess_floor is not None:
            out[..., 0] = self.settings.excess_floor
        return out

    def jacobian(self, theta: npt.ArrayLike) -> Array:
        """Derivatives (n, 5) of the fitted log in ln E, ln A, ln B, alpha, beta, all centred."""
        return diagnostics.jacobian(np.asarray(theta, dtype=np.float64), self.solution.design)

    def solve(
        self,
        theta: npt.ArrayLike,
        z: Array | None = None,
        weights: Array | None = None,
        *,
        delta: float | None = None,
        free: Sequence[bool] | Flags | None = None,
        anneal: bool = True,
        max_steps: int = 500,
        threads: int | None = 1,
    ) -> tuple[Array, Array, Flags]:
        """Minimise from each start theta (P, 5): see ``linked.LinkProblem.solve`` and ``additive.polish``."""
        design = self.solution.design
        return polish(
            theta,
            design if z is None else replace(design, z=z),
            weights=self.weights if weights is None else weights,
            delta=self.solution.delta if delta is None else delta,
            free=self.settings.free if free is None else free,
            tie=self.settings.tie,
            anneal=anneal,
            max_steps=max_steps,
            threads=threads,
        )
