"""Fit any form by the sum of Huber terms: a general optimiser with numeric derivatives, from many starts.

The additive law has its own solver and diagnostics (``fit``); this serves the other laws. Kaplan's go by the compiled
fitter of the power link, which they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...errors import FitError
from ...numerics.functions import exp, log
from ..forms import arguments
from ..forms.allocation import near_best
from ..forms.form import Array, Form
from ..intervals.form_view import FormView
from ..intervals.resampled import Resampled
from ..solve.as_power import AsPower
from ..solve.general import jacobian, minimise
from .fitted import Fitted

_MOST_STARTS = 12


@dataclass(frozen=True, eq=False)
class FormFit(Resampled, Fitted):
    """A fitted ``Form``; a failed fit has ``converged`` False and says why in ``message``."""

    form: Form
    theta: Array
    objective: float
    converged: bool
    message: str
    delta: float
    fraction_of_starts: float
    table: dict[str, Array] = field(repr=False)
    loss: Array = field(repr=False)
    centre: dict[str, float] = field(repr=False)

    @cached_property
    def view(self) -> FormView:
        """The fit as intervals see it."""
        return FormView(self)

    @cached_property
    def parameters(self) -> Array:
        """Natural parameters (p,), in the order of ``form.parameters``."""
        return self.natural(self.theta)

    @property
    def columns(self) -> dict[str, Array]:
        """The columns fitted, each (n,)."""
        return self.table

    @property
    def n_free(self) -> int:
        """Number of parameters that were fitted: all."""
        return len(self.theta)

    @property
    def flags(self) -> tuple[str, ...]:
        """Short warnings: the parameters at a bound."""
        ends = zip(self.form.parameters, self.theta, self.form.low, self.form.high)
        return tuple(f"{name} at its bound" for name, value, low, high in ends if value <= low or value >= high)

    @property
    def low(self) -> Array:
        """Lower bounds of theta (p,)."""
        return self.form.low

    @property
    def high(self) -> Array:
        """Upper bounds of theta (p,)."""
        return self.form.high

    @property
    def moving(self) -> Array:
        """Directions (p, m) in which theta may go: a column for each parameter that is not held."""
        return np.eye(len(self.theta))[:, self.form.low < self.form.high]

    @cached_property
    def z(self) -> Array:
        """Ln loss (n,)."""
        return log(self.loss)

    @cached_property
    def weights(self) -> Array:
        """Weights of the rows, all one (n,)."""
        return np.ones(self.n)

    @property
    def residuals(self) -> Array:
        """Log residuals ln L - ln loss, (n,)."""
        return self.model(self.theta) - self.z

    def model(self, theta: Array) -> Array:
        """Ln L (..., n) of the rows at theta (..., p)."""
        return self._log_loss(theta, self.columns)

    def jacobian(self, theta: Array) -> Array:
        """Derivatives (n, p) of ``model`` at theta (p,), by central differences."""
        return jacobian(self.model, theta, self.low, self.high)

    def natural(self, theta: Array) -> Array:
        """Natural parameters (..., p) of theta (..., p)."""
        return np.moveaxis(np.asarray(self.form.natural(np.moveaxis(theta, -1, 0), self.centre), np.float64), 0, -1)

    def loss_at(self, theta: Array, columns: Mapping[str, Array]) -> Array:
        """Mean loss (..., m) at columns (m,) or (..., m), nats per token."""
        return exp(self._log_loss(theta, columns))

    def solve(
        self, theta: Array, *, z: Array | None = None, weights: Array | None = None, threads: int | None = 1
    ) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
        """Optima of other losses or weights: see ``intervals.view.View.solve``."""
        if self.form.as_power is not None:
            return _as_power(self.form, self.columns, self.z, self.centre, self.delta).solve(theta, z, weights, threads)
        k, n = len(theta), self.n
        zs, ws = (np.broadcast_to(own if v is None else v, (k, n)) for v, own in ((z, self.z), (weights, self.weights)))
        found = [
            minimise(self.model, start, z, w.astype(float), self.delta, self.low, self.high, max_steps=100)
            for start, z, w in zip(theta, zs, ws)
        ]
        out, objective, converged = (np.array(part) for part in zip(*found))
        return out, objective, converged

    @cached_property
    def diagnostics(self) -> dict[str, Any]:
        """Flags, RMS, fraction of starts and the error on the largest compute."""
        return {
            "flags": list(self.flags),
            "rms_log_residual": self.rms,
            "fraction_of_starts": self.fraction_of_starts,
            "holdout": self.error_at_largest_C(),
        }

    def error_at_largest_C(self, share: float = 0.1) -> dict[str, Any] | None:
        """See ``Fitted.error_at_largest_C``.

        Where the law has other columns, the product of its first two (or the one) stands in the place of N D.
        """
        values = np.prod([self.columns[name] for name in self.form.columns[:2]], axis=0)
        top = values >= min(values.max(), np.quantile(values, 1 - share))
        if (~top).sum() <= len(self.theta):
            return None
        rest = self.refit(~top)
        error = log(rest.predict(**{k: v[top] for k, v in self.columns.items()}) / self.loss[top])
        return {"n": int(top.sum()), "rms_log_error": float(np.sqrt(np.square(error).mean()))}

    def predict(self, *args: npt.ArrayLike, **columns: npt.ArrayLike) -> Any:
        """Loss in nats per token at the columns of the form, by name or in their order; arrays broadcast."""
        columns = dict(zip(self.form.columns, args)) | columns
        missing = [name for name in self.form.columns if name not in columns]
        if missing:
            raise FitError(f"the law {self.form.name} needs {', '.join(self.form.columns)}; {missing[0]} is missing")
        table = np.broadcast_arrays(*(arguments.check_positive(columns[name], name) for name in self.form.columns))
        return exp(self.form.log_loss(self.theta, dict(zip(self.form.columns, table)), self.centre))

    def near_best(self, C: float, tolerance: float = 1e-3) -> tuple[float, float]:
        """Least and largest N whose loss at C = 6 N D is within a share of the best: see ``allocation.near_best``."""
        low, high = near_best(self.parameters, C, tolerance, self.form)
        return float(low), float(high)

    def refit(self, rows: Any = None) -> FormFit:
        """Fit the same law to some of the rows (index or mask)."""
        rows = slice(None) if rows is None else rows
        return fit_form(self.form, {k: v[rows] for k, v in self.columns.items()}, self.loss[rows], delta=self.delta)

    def _log_loss(self, theta: Array, columns: Mapping[str, Array]) -> Array:
        # one axis behind the parameters for the rows, so that many laws are taken at once
        parts = np.moveaxis(np.asarray(theta, dtype=np.float64), -1, 0)
        return self.form.log_loss(parts if parts.ndim == 1 else parts[..., None], columns, self.centre)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for a JSON file."""
        return {
            "law": self.form.name,
            "formula": self.form.formula,
            "parameters": self.estimates,
            "objective": self.objective,
            "delta": self.delta,
            "n": self.n,
            "converged": self.converged,
            "message": self.message,
            **self.diagnostics,
        }


def fit_form(form: Form, columns: Mapping[str, npt.ArrayLike], loss: npt.ArrayLike, *, delta: float = 1e-3) -> FormFit:
    """Fit a form from the twelve of its starts with the smallest median error, and keep the best.

    Parameters
    ----------
    form : Form
        The law.
    columns : dict of array (n,)
        Its columns, positive.
    loss : array (n,)
        Held-out loss, nats per token.
    delta : float
        Huber's delta on log loss.

    Raises
    ------
    FitError
        When delta is out of range, a column is missing or malformed, or there are not more rows than parameters.
    """
    delta = float(arguments.check_within(delta, "delta", limits.HUBER_DELTA))
    loss = arguments.check_column(loss, "loss")
    table = {}
    for name in form.columns:
        if name not in columns:
            raise FitError(f"the law {form.name} needs the column {name}: name it, or choose another law")
        table[name] = arguments.check_column(columns[name], name)
        if len(table[name]) != len(loss):
            raise FitError(f"{name} has {len(table[name])} rows, loss has {len(loss)}: give columns of one length")
    if len(loss) <= len(form.parameters):
        raise FitError(
            f"{len(loss)} rows cannot hold the {len(form.parameters)} parameters of {form.name}: measure more"
        )
    centre = {name: float(log(values).mean()) for name, values in table.items()}
    z, w = log(loss), np.ones(len(loss))

    def law(theta: Array) -> Array:
        return form.log_loss(theta, table, centre)

    starts = np.clip(np.atleast_2d(form.starts(table, z, centre)), form.low, form.high)
    with np.errstate(all="ignore"):
        first = np.array([np.median(np.abs(law(start) - z)) for start in starts])
    order = np.argsort(np.nan_to_num(first, nan=np.inf), kind="stable")[:_MOST_STARTS]
    if form.as_power is not None:
        theta, value, converged, share = _as_power(form, table, z, centre, delta).best(starts[order])
    else:
        found = [minimise(law, starts[i], z, w, delta, form.low, form.high) for i in order]
        values = np.array([value for _, value, _ in found])
        theta, value, converged = found[int(np.argmin(values))]
        share = float((values <= values.min() * (1 + 1e-4) + 1e-12).mean())
    converged = bool(converged and np.isfinite(value))
    return FormFit(
        form=form,
        theta=theta,
        objective=float(value),
        converged=converged,
        message="converged" if converged else "not converged: the optimiser ran out of steps",
        delta=delta,
        fraction_of_starts=share,
        table=table,
        loss=loss,
        centre=centre,
    )


def _as_power(form: Form, columns: dict[str, Array], z: Array, centre: dict[str, float], delta: float) -> AsPower:
    return AsPower(form, columns, z, np.ones(len(z)), centre, delta)
