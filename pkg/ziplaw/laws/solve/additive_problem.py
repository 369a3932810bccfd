"""The additive law of one table in the coordinates that are solved in, under the names of ``linked.LinkProblem``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..forms.chinchilla import ADDITIVE
from ..forms.form import Form
from . import diagnostics
from .additive import EXPONENT_BOUNDS, Array, polish, residuals
from .optimum import Settings, Solution
from .starts import starts

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
    def x(self) -> Array:
        """Centred ln N (n,)."""
        return self.solution.design.x

    @property
    def y(self) -> Array:
        """Centred ln D (n,)."""
        return self.solution.design.y

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

    def back(self, theta: npt.ArrayLike) -> Array:
        """Derivatives (5, 5) of ln E, ln A, ln B, alpha, beta in the coordinates of ``jacobian``."""
        out, design = np.eye(5), self.solution.design
        # ln A = ln A' + ln scale + alpha * mean ln N, and the same for B
        out[1, 3], out[2, 4] = design.x_mean, design.y_mean
        return out

    def ends(self, theta: Array) -> dict[str, str]:
        """Parameters that ended "at zero" or "at its bound"."""
        low, high = EXPONENT_BOUNDS
        out = {}
        if self.free[0] and theta[0] <= 1e-9:
            out["E"] = "at zero"
        for name, value in (("A", theta[1]), ("B", theta[2])):
            if value <= 1e-12:
                out[name] = "at zero"
        for name, value in (("alpha", theta[3]), ("beta", theta[4])):
            if not low < value < high:
                out[name] = "at its bound"
        return out

    def coordinate(self, name: str, values: Array) -> Array:
        """Turn natural values of E, alpha or beta into what theta has of them."""
        return values / self.solution.design.scale if name == "E" else values

    def starts_at(self, E: float) -> Array:
        """Starts (k, 5) where E, in theta's unit, is held."""
        return starts(self.solution.design, self.weights, fixed_E=E, tie=self.settings.tie)

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
