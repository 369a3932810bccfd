"""Fit any law ln L = h(theta; columns) by the sum of Huber terms, and compare laws by held-out error.

The additive law has its own solver (``fit``); this one serves the other forms, with numeric derivatives and many starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...base import limits
from ...errors import FitError
from ..forms import arguments
from .additive import huber

_MOST_STARTS = 12


@dataclass(frozen=True)
class Form:
    """A law in a form that can be fitted.

    Attributes
    ----------
    name : str
        Its name on the command line.
    formula : str
        The law as one line of text.
    columns : tuple of str
        Columns it needs besides the loss, such as ("N", "D").
    parameters : tuple of str
        Names of the natural parameters, in the order that ``natural`` returns them.
    log_loss : callable
        (theta (p,), columns, centre) -> ln L (n,). ``centre`` holds the mean logarithm of every column.
    natural : callable
        (theta, centre) -> natural parameters (p,).
    starts : callable
        (columns, ln loss, centre) -> starts (k, p).
    low, high : ndarray (p,)
        Bounds of theta.
    """

    name: str
    formula: str
    columns: tuple[str, ...]
    parameters: tuple[str, ...]
    log_loss: Callable
    natural: Callable
    starts: Callable
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class FormFit:
    """A fitted ``Form``; a failed fit has ``converged`` False and says why in ``message``."""

    form: Form
    theta: np.ndarray
    parameters: dict[str, float]
    objective: float
    converged: bool
    message: str
    delta: float
    fraction_of_starts: float
    at_bound: tuple[str, ...]
    columns: dict[str, np.ndarray] = field(repr=False)
    loss: np.ndarray = field(repr=False)
    centre: dict[str, float] = field(repr=False)

    def predict(self, **columns):
        """Loss in nats per token at the given columns (those of the form)."""
        missing = [name for name in self.form.columns if name not in columns]
        if missing:
            raise FitError(f"the law {self.form.name} needs {', '.join(self.form.columns)}; {missing[0]} is missing")
        table = {name: arguments.check_positive(columns[name], name) for name in self.form.columns}
        return np.exp(self.form.log_loss(self.theta, table, self.centre))

    @property
    def residuals(self):
        """Log residuals ln L - ln loss, (n,)."""
        return self.form.log_loss(self.theta, self.columns, self.centre) - np.log(self.loss)

    def holdout(self, column=None):
        """Refit without the top tenth of a column (of 6 N D by default) and return the RMS error of log loss there."""
        values = (
            self.columns[column] if column else np.prod([self.columns[name] for name in self.form.columns[:2]], axis=0)
        )
        top = values >= min(values.max(), np.quantile(values, 0.9))
        if (~top).sum() <= len(self.theta):
            return None
        rest = fit_form(self.form, {k: v[~top] for k, v in self.columns.items()}, self.loss[~top], delta=self.delta)
        error = np.log(rest.predict(**{k: v[top] for k, v in self.columns.items()}) / self.loss[top])
        return {"n": int(top.sum()), "rms_log_error": float(np.sqrt((error**2).mean()))}

    def bootstrap(self, n=200, seed=42):
        """Natural parameters (n, p) of refits to resampled rows, each started at the estimate."""
        rng = np.random.default_rng(seed)
        weights = rng.multinomial(len(self.loss), np.full(len(self.loss), 1 / len(self.loss)), size=n)
        z = np.log(self.loss)
        out = np.empty((n, len(self.theta)))
        for i, w in enumerate(weights):
            theta, _, _ = minimise(
                self._model(), self.theta, z, w.astype(float), self.delta, self.form.low, self.form.high, max_steps=40
            )
            out[i] = self.form.natural(theta, self.centre)
        return out

    def _model(self):
        return lambda theta: self.form.log_loss(theta, self.columns, self.centre)

    def to_dict(self):
        """Plain numbers for a JSON file."""
        return {
            "law": self.form.name,
            "formula": self.form.formula,
            "parameters": self.parameters,
            "objective": self.objective,
            "delta": self.delta,
            "n": len(self.loss),
            "converged": self.converged,
            "message": self.message,
            "flags": [f"{name} at its bound" for name in self.at_bound],
            "rms_log_residual": float(np.sqrt((self.residuals**2).mean())),
            "fraction_of_starts": self.fraction_of_starts,
            "holdout": self.holdout(),
        }


def fit_form(form, columns, loss, *, delta=1e-3) -> FormFit:
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
    centre = {name: float(np.log(values).mean()) for name, values in table.items()}
    z, w = np.log(loss), np.ones(len(loss))

    def model(theta):
        return form.log_loss(theta, table, centre)

    starts = np.clip(np.atleast_2d(form.starts(table, z, centre)), form.low, form.high)
    with np.errstate(all="ignore"):
        first = np.array([np.median(np.abs(model(start) - z)) for start in starts])
    order = np.argsort(np.nan_to_num(first, nan=np.inf), kind="stable")[:_MOST_STARTS]
    found = [minimise(model, starts[i], z, w, delta, form.low, form.high) for i in order]
    values = np.array([value for _, value, _ in found])
    theta, value, converged = found[int(np.argmin(values))]
    natural = np.asarray(form.natural(theta, centre), dtype=np.float64)
    at_bound = tuple(n for n, t, a, b in zip(form.parameters, theta, form.low, form.high) if t <= a or t >= b)
    converged = bool(converged and np.isfinite(value))
    return FormFit(
        form=form,
        theta=theta,
        parameters=dict(zip(form.parameters, natural.tolist())),
        objective=float(value),
        converged=converged,
        message="converged" if converged else "not converged: the optimiser ran out of steps",
        delta=delta,
        fraction_of_starts=float((values <= values.min() * (1 + 1e-4) + 1e-12).mean()),
        at_bound=at_bound,
        columns=table,
        loss=loss,
        centre=centre,
    )


def _jacobian(model, theta, low, high):
    out = []
    for i in range(len(theta)):
        step = 1e-6 * max(1.0, abs(theta[i]))
        up, down = theta.copy(), theta.copy()
        up[i], down[i] = min(theta[i] + step, high[i]), max(theta[i] - step, low[i])
        out.append((model(up) - model(down)) / (up[i] - down[i]))
    return np.array(out).T


def minimise(model, theta, z, weights, delta, low, high, max_steps=200):
    """Damped Gauss-Newton steps on the Huber sum while delta shrinks; returns theta, objective, converged.

    Parameters
    ----------
    model : callable
        theta (p,) -> ln L (n,).
    theta : ndarray (p,)
        Start, moved into the bounds.
    z, weights : ndarray (n,)
        ln loss and the weight of each row.
    delta : float
        Target delta; the first is the median residual, if larger.
    low, high : ndarray (p,)
        Bounds.
    """

    def objective(point, at):
        with np.errstate(all="ignore"):
            r = model(point) - z
            value = float((weights * huber(r, at)).sum())
        return (value, r) if np.isfinite(value) else (np.inf, r)

    theta = np.clip(np.asarray(theta, dtype=np.float64), low, high)
    value, r = objective(theta, delta)
    if not np.isfinite(value):
        return theta, np.inf, False
    current, damping, converged = max(delta, float(np.median(np.abs(r)))), 1e-2, False
    value, r = objective(theta, current)
    for _ in range(max_steps):
        with np.errstate(all="ignore"):
            J = _jacobian(model, theta, low, high)
        J = np.nan_to_num(J, nan=0.0, posinf=0.0, neginf=0.0)
        size = np.abs(r)
        gradient = J.T @ (weights * np.clip(r, -current, current))
        irls = (J * (weights * np.minimum(1.0, current / np.maximum(size, 1e-300)))[:, None]).T @ J
        newton = (J * (weights * (size <= current))[:, None]).T @ J
        held = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0)) | (np.diag(irls) <= 1e-200)
        move, predicted = np.zeros(len(theta)), 0.0
        index = np.flatnonzero(~held)
        if index.size:
            scale = np.sqrt(np.diag(irls)[index])
            block = np.ix_(index, index)
            matrix = (newton[block] + damping * irls[block]) / np.outer(scale, scale) + 1e-9 * np.eye(index.size)
            step = np.linalg.lstsq(matrix, -gradient[index] / scale)[0]
            move[index], predicted = step / scale, float(-0.5 * (gradient[index] / scale) @ step)
        trial = np.clip(theta + move, low, high)
        trial_value, trial_r = objective(trial, current)
        gain = value - trial_value
        small = predicted <= 1e-9 * value + 1e-26 or (0 <= gain <= 1e-9 * value and damping < 1)
        if gain > 0:
            origin, longer = theta, 2.0
            theta, value, r = trial, trial_value, trial_r
            while gain > 1.2 * predicted and longer < 1e6:
                trial = np.clip(origin + longer * move, low, high)
                trial_value, trial_r = objective(trial, current)
                if not trial_value < value:
                    break
                theta, value, r, longer = trial, trial_value, trial_r, longer * 2
            damping = max(damping * 0.1, 1e-9) if gain > 0.5 * predicted else damping
        else:
            damping *= 8
        if small or damping > 1e10 or (current > delta and 0 < gain < 0.02 * value):
            if current <= delta:
                converged = True
                break
            current, damping = max(delta, current / 4), 1e-2
            value, r = objective(theta, current)
    return theta, objective(theta, delta)[0], converged
