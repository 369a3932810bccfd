"""What a law is: an index of its columns, a link from the index to the loss, and a floor.

The **index** z is the log of a sum of terms, such as ln(A/N^alpha + B/D^beta). It says how one column is traded for
another, so the best split of a budget follows from it alone. The **link** g turns z into the loss over the floor,
L = E + g(z), and rises with z: whatever it is, it moves no line of equal loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, log, logaddexp
from .arguments import Array, check_choice

Columns = Mapping[str, Array]
Centre = Mapping[str, float]
Logs = Sequence[Array]  # ln of summands, each (n,)


@dataclass(frozen=True)
class Index:
    """z = ln of a sum of terms, each of some columns.

    Attributes
    ----------
    columns : tuple of str
        Columns it needs, such as ("N", "D").
    parameters : tuple of str
        Names of its natural parameters.
    log_terms : callable
        (theta (p,), columns, centre) -> ln of every term, each (n,). ``centre`` holds the mean logarithm of every
        column: amplitudes are fitted where the columns are centred, because ln A and alpha correlate at .999 elsewhere.
    natural : callable
        (theta, centre) -> natural parameters (p,).
    power_terms : callable, optional
        Natural parameters, each (...), -> A, B, alpha, beta (...) for which z = ln(A/N^alpha + B/D^beta). None where
        the index is no such sum: then the split has no closed form.
    """

    columns: tuple[str, ...]
    parameters: tuple[str, ...]
    log_terms: Callable[[Array, Columns, Centre], Logs]
    natural: Callable[[Array, Centre], list[float]]
    power_terms: Callable[..., tuple[Array, Array, Array, Array]] | None = None


@dataclass(frozen=True)
class Link:
    """How the index becomes the loss over the floor.

    Attributes
    ----------
    name : str
        Such as "identity".
    parameters : tuple of str
        The parameters it reads; its theta are their logarithms. Index and floor may own them too.
    log_excess : callable
        (ln of the index's terms, theta (q,)) -> ln of summands of the excess loss, each (n,). It is handed the terms
        rather than their sum, so that the identity can add the floor and the terms in one go.
    curve : callable
        (z (..., n), values: natural parameters, each (..., 1)) -> ln of the excess loss (..., n).
    slopes : callable
        (z (n,), values (q,)) -> derivatives of the curve: in z (n,), and in ln of each parameter, each (n,).
    knots : tuple of float
        Where the spline of a free link bends, in z.
    """

    name: str
    parameters: tuple[str, ...]
    log_excess: Callable[[Logs, Array], Logs]
    curve: Callable[[Array, Sequence[Any]], Array]
    slopes: Callable[[Array, Sequence[Any]], tuple[Array, list[Array]]]
    knots: tuple[float, ...] = ()


def log_sum(logs: Logs) -> Array:
    """Ln of the sum of what has these logarithms."""
    # not ``np.logaddexp.reduce``, which begins with a sum of nothing: one exponential and logarithm more
    return reduce(logaddexp, logs)


IDENTITY = Link(
    "identity",
    (),
    lambda log_terms, theta: log_terms,
    lambda z, values: z,
    lambda z, values: (np.ones_like(z), []),
)


def power(exponent: str) -> Link:
    """Return the link g(z) = e^(k z), where k is the parameter of this name."""
    return Link(
        "power",
        (exponent,),
        lambda log_terms, theta: [exp(theta[0]) * log_sum(log_terms)],
        lambda z, values: values[0] * z,
        lambda z, values: (np.full_like(z, values[0]), [values[0] * z]),
    )


def _spread(values: Array, parameters: Array) -> Array:
    """Give values of a stack of laws an axis for rows."""
    return values if parameters.ndim == 1 else values[..., None]


@dataclass(frozen=True)
class Form:
    """A law that can be fitted: L = E + g(z).

    Attributes
    ----------
    name : str
        Its name on the command line.
    formula : str
        The law as one line of text.
    parameters : tuple of str
        Names of the natural parameters of index, link and floor, in the order of theta.
    index : Index
    link : Link
    starts : callable
        (columns, ln loss, centre) -> starts (k, p).
    low, high : ndarray (p,)
        Bounds of theta; equal ones hold a parameter.
    floor : str, optional
        The parameter that is E, of which theta has the logarithm; None where E = 0.
    as_power : ndarray (6, p), optional
        Where the law is one of the power link with beta = 1: what turns theta into that of ``links.POWER``, so that the
        compiled fitter serves it.
    """

    name: str
    formula: str
    parameters: tuple[str, ...]
    index: Index
    link: Link
    starts: Callable[[Columns, Array, Centre], npt.ArrayLike]
    low: Array
    high: Array
    floor: str | None = None
    as_power: Array | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns it needs besides the loss."""
        return self.index.columns

    def of(self, x: str) -> Form:
        """Return itself: the columns of this law are not a matter of choice (see ``OneColumn.of``)."""
        return self

    @cached_property
    def _places(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Where theta holds the parameters of the index, and those of the link."""
        index, link = (np.array([self.parameters.index(name) for name in part.parameters], dtype=np.intp)
                       for part in (self.index, self.link))  # fmt: skip
        return index, link

    def log_loss(self, theta: Array, columns: Columns, centre: Centre) -> Array:
        """Ln L (n,) at theta (p,)."""
        index, link = self._places
        logs = self.link.log_excess(self.index.log_terms(theta[index], columns, centre), theta[link])
        return log_sum(logs if self.floor is None else [theta[self.parameters.index(self.floor)], *logs])

    def natural(self, theta: Array, centre: Centre) -> list[float]:
        """Natural parameters (p,) of theta."""
        found = dict(zip(self.index.parameters, self.index.natural(theta[self._places[0]], centre)))
        return [found.get(name, exp(value)) for name, value in zip(self.parameters, theta)]

    def loss_at(self, parameters: npt.ArrayLike, N: npt.ArrayLike, D: npt.ArrayLike) -> Array:
        """Loss of one law or of a stack of them, where the index is ln(A/N^alpha + B/D^beta).

        Parameters
        ----------
        parameters : array-like, float64 (..., p)
            Natural parameters, in the order of ``parameters``.
        N, D : array-like
            Parameters and training tokens, which broadcast. With a stack of laws (k, p), (n,) of them give (k, n).

        Returns
        -------
        ndarray, float64
            E + g(z), nats per token.
        """
        p = np.asarray(parameters, dtype=np.float64)
        x, y = log(np.asarray(N, dtype=np.float64)), log(np.asarray(D, dtype=np.float64))
        A, B, alpha, beta = (_spread(v, p) for v in self.power_terms(p))
        with np.errstate(divide="ignore", over="ignore"):
            z = logaddexp(log(A) - alpha * x, log(B) - beta * y)
            return self.loss_of_index(p, z)

    def loss_of_index(self, parameters: npt.ArrayLike, z: Array) -> Array:
        """E + g(z), nats per token, of one law at z (...) or of a stack (k, p) at z (k, n)."""
        p = np.asarray(parameters, dtype=np.float64)
        excess = exp(self.link.curve(z, [_spread(p[..., i], p) for i in self._places[1]]))
        out: Array = excess if self.floor is None else _spread(p[..., self.parameters.index(self.floor)], p) + excess
        return out

    def power_terms(self, parameters: npt.ArrayLike) -> tuple[Array, Array, Array, Array]:
        """A, B, alpha, beta (...) for which natural parameters (..., p) have the index ln(A/N^alpha + B/D^beta).

        Raises
        ------
        FitError
            When the index is no such sum.
        """
        if self.index.power_terms is None:
            raise FitError(f"the law {self.name} has no closed-form split: its index is not A/N^alpha + B/D^beta")
        p = np.asarray(parameters, dtype=np.float64)
        return self.index.power_terms(*(p[..., i] for i in self._places[0]))


@dataclass(frozen=True)
class OneColumn:
    """A law of one column of choice: one form each for C, N and D.

    Attributes
    ----------
    name, formula : str
        As of a form; the formula with x for the column.
    forms : dict
        Column -> its form.
    """

    name: str
    formula: str
    forms: Mapping[str, Form]
    columns: tuple[str, ...] = ("x",)

    def of(self, x: str) -> Form:
        """Return the form in a column."""
        return self.forms[check_choice(x, "x", tuple(self.forms))]
