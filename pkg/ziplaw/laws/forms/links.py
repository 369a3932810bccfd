"""Links from the index z = ln(A/N^alpha + B/D^beta) to the loss over a floor E, and the laws that they make of it.

========  ==========================================  ==========================================================
identity  e^z                                         the additive law
power     e^(k z)                                     Kaplan's coupled form is one of them (beta = 1, k = alpha_D)
bounded   1 / (1/(U - E) + e^(-k z))                  between E and U: a model that knows nothing has the unigram
                                                      entropy U, one that knows everything the floor E
free      e^s(z), s a rising spline                   no form: what the split is when nothing is assumed
========  ==========================================  ==========================================================

The parameters of each begin with E, A, B, alpha, beta, and the best split is a matter of the last four alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, log, logaddexp, product
from . import chinchilla
from .arguments import check_choice
from .catalogue import LINKS
from .chinchilla import ADDITIVE, PARAMETERS, natural_terms
from .form import IDENTITY, Array, Centre, Columns, Form, Index, Link, Logs, log_sum, power

Values = Sequence[Any] | Array  # of the parameters of a link, each a number or (..., 1)

# k: at its lower end z is the larger of both terms, at its upper their product
LOW_K, HIGH_K = 0.1, 10.0
# U as a multiple of the largest loss; a larger one leaves no trace
LOW_U, HIGH_U = 0.5, 10.0
_MOST_U = 500.0  # nats, where the table is not looked at
# slopes of the spline of the free link
LOW_SLOPE, HIGH_SLOPE = 0.01, 20.0


def _bounded_parts(z: Array, values: Values) -> tuple[Any, Any, Any, Array, Array]:
    """E, k, U, ln(U - E) and k z."""
    E, k, U = values
    with np.errstate(invalid="ignore", divide="ignore"):
        return E, k, U, log(U - E), k * z


def _bounded_curve(z: Array, values: Values) -> Array:
    _, _, _, gap, kz = _bounded_parts(z, values)
    # in this form an infinite z gives the end, not NaN
    out: Array = -logaddexp(-kz, -gap)
    return out


def _bounded_slopes(z: Array, values: Values) -> tuple[Array, list[Array]]:
    E, k, U, gap, kz = _bounded_parts(z, values)
    with np.errstate(over="ignore"):
        ended = 1 / (1 + exp(gap - kz))  # 1 at the upper end, 0 far below it
    return k * (1 - ended), [-ended * E / (U - E), kz * (1 - ended), ended * U / (U - E)]


def bounded(exponent: str = "k") -> Link:
    """Return the link g(z) = 1/(1/(U - E) + e^(-k z)), where k is the parameter of this name."""
    return Link(
        "bounded",
        ("E", exponent, "U"),
        lambda log_terms, theta: [_bounded_curve(log_sum(log_terms), exp(theta))],
        _bounded_curve,
        _bounded_slopes,
    )


def rises(z: npt.ArrayLike, knots: npt.ArrayLike) -> tuple[Array, Array]:
    """Pieces of a rising spline: its slope is linear between knots and constant beyond them.

    Parameters
    ----------
    z : array-like (...)
        Where.
    knots : array-like (m,)
        Rising.

    Returns
    -------
    rise : ndarray (..., m)
        Integrals of the hat functions of the knots from 0 to z: the spline is level + rise @ slopes at the knots.
    hats : ndarray (..., m)
        The hat functions: the slope at z is hats @ slopes.
    """
    z, t = np.asarray(z, dtype=np.float64)[..., None], np.asarray(knots, dtype=np.float64)
    if len(t) == 1:
        return z + 0.0, np.ones_like(z)
    width = np.diff(t)

    def parts(at: Array) -> tuple[Array, Array]:
        q = np.clip((at - t[:-1]) / width, 0.0, 1.0)  # how far through each interval
        fall, rise, hats = width * (q - q * q / 2), width * q * q / 2, np.zeros((*at.shape[:-1], len(t)))
        out = np.zeros_like(hats)
        out[..., :-1] += fall
        out[..., 1:] += rise
        out[..., 0] += np.minimum(at[..., 0] - t[0], 0.0)
        out[..., -1] += np.maximum(at[..., 0] - t[-1], 0.0)
        hats[..., 0] = 1.0
        hats[..., 1:] = q
        hats[..., :-1] -= hats[..., 1:]
        return out, hats

    rise, hats = parts(z)
    return rise - parts(np.zeros(1))[0], hats


def free_link(knots: Sequence[float]) -> Link:
    """Return the link g(z) = level e^(s(z)) with a rising spline s, s(0) = 0, of these knots; see ``rises``."""
    knots = tuple(float(t) for t in knots)
    names = ("level", *(f"k{j}" for j in range(1, len(knots) + 1)))

    def curve(z: Array, values: Values) -> Array:
        rise, _ = rises(z, knots)
        return log(values[0]) + sum(k * rise[..., j] for j, k in enumerate(values[1:]))

    def slopes(z: Array, values: Values) -> tuple[Array, list[Array]]:
        rise, hats = rises(z, knots)
        k = np.asarray(values[1:], dtype=np.float64)
        return product(hats, k), [np.ones_like(z), *(k[j] * rise[:, j] for j in range(len(knots)))]

    return Link("free", names, lambda logs, theta: [curve(log_sum(logs), exp(theta))], curve, slopes, knots)


# the free link takes up place and scale of the index: ln of its terms is counted from their sum at the centre
def _normal_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
    whole = logaddexp(theta[0], theta[1])
    return [term - whole for term in ADDITIVE.index.log_terms(theta, columns, centre)]


def _natural_normal(theta: Array, centre: Centre) -> list[float]:
    theta = np.array(theta, dtype=np.float64)
    theta[:2] -= logaddexp(theta[0], theta[1])
    return natural_terms(theta, centre)


_NORMAL = Index(("N", "D"), PARAMETERS[1:], _normal_terms, _natural_normal, ADDITIVE.index.power_terms)


def _with_k(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
    """Starts of the additive law, in an index whose k-th power they are."""
    return [
        [start[0], *(np.array(start[1:3]) / k), *(np.array(start[3:]) - log(k)), log(k)]
        for k in (0.5, 1.0, 2.0)
        for start in chinchilla.additive_starts(z)
    ]


def _with_k_and_U(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
    return [[*start, z.max() + log(over)] for over in (1.05, 2.0) for start in _with_k(columns, z, centre)]


# exponents of the index: such as leave alpha k and beta k the range of an additive law's
_LOW, _HIGH = chinchilla.LOW.copy(), chinchilla.HIGH.copy()
_LOW[3:] -= log(HIGH_K)
_HIGH[3:] -= log(LOW_K)

POWER = Form(
    "power",
    "L = E + (A/N^alpha + B/D^beta)^k",
    (*PARAMETERS, "k"),
    ADDITIVE.index,
    power("k"),
    _with_k,
    np.append(_LOW, log(LOW_K)),
    np.append(_HIGH, log(HIGH_K)),
    floor="E",
)

BOUNDED = Form(
    "bounded",
    "L = E + 1/(1/(U - E) + (A/N^alpha + B/D^beta)^-k)",
    (*PARAMETERS, "k", "U"),
    ADDITIVE.index,
    bounded("k"),
    _with_k_and_U,
    np.append(_LOW, [log(LOW_K), -30.0]),
    np.append(_HIGH, [log(HIGH_K), 30.0]),
    floor="E",
)


def free_form(knots: Sequence[float]) -> Form:
    """Return the law of the free link with these knots in z, which is 0 at the centre of the columns."""
    m = len(knots)

    def starts(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
        return [[*start, z.mean(), *[0.0] * m] for start in chinchilla.additive_starts(z)]

    low, high = _LOW.copy(), _HIGH.copy()
    low[2] = high[2] = 0.0
    return Form(
        "free",
        "L = E + e^s(ln(A/N^alpha + B/D^beta)), s a rising spline",
        (*PARAMETERS, *free_link(knots).parameters),
        _NORMAL,
        free_link(knots),
        starts,
        np.concatenate([low, [-30.0], np.full(m, log(LOW_SLOPE))]),
        np.concatenate([high, [30.0], np.full(m, log(HIGH_SLOPE))]),
        floor="E",
    )


FREE = free_form((-1.0, -0.5, 0.0, 0.5, 1.0))


def with_link(form: Form, name: str) -> Form:
    """Put another link on the index of a law.

    Parameters
    ----------
    form : Form
        Any law. Where its index has the exponent of a power link (Kaplan's alpha_D), that is the k of the new link.
    name : {"identity", "power", "bounded"}
        The free link goes with the index ln(A/N^alpha + B/D^beta) alone: see ``free_form``.

    Returns
    -------
    Form
        With E, k and U behind the parameters of the law where it lacks them.

    Raises
    ------
    FitError
        When there is no such link.
    """
    check_choice(name, "link", LINKS)
    if name == form.link.name:
        return form
    if name == "free":
        raise FitError(f"the link free goes with the index A/N^alpha + B/D^beta: --law chinchilla, not {form.name}")
    exponent = form.link.parameters[0] if form.link.name == "power" else "k"
    added: dict[
        str, tuple[Any, Any, Callable[[Array], Any]]
    ] = {}  # name -> low, high, starts (ln loss) of its logarithm
    if name == "bounded" and form.floor is None:
        added["E"] = (-30.0, 30.0, lambda z: [z.min() + log(0.3)])
    if name != "identity" and exponent not in form.parameters:
        added[exponent] = (log(LOW_K), log(HIGH_K), lambda z: log([0.5, 1.0, 2.0]))
    if name == "bounded":
        added["U"] = (-30.0, log(_MOST_U), lambda z: z.max() + log([1.05, 2.0]))
    links = {"identity": IDENTITY, "power": power(exponent), "bounded": bounded(exponent)}

    def starts(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
        more = list(itertools.product(*(at(z) for _, _, at in added.values())))
        return [[*start, *rest] for start in np.atleast_2d(form.starts(columns, z, centre)) for rest in more]

    return replace(
        form,
        as_power=None,
        name=f"{form.name}, link {name}",
        formula=f"{form.formula}, under the link {name}",
        parameters=(*form.parameters, *added),
        link=links[name],
        starts=starts,
        low=np.append(form.low, [low for low, _, _ in added.values()]),
        high=np.append(form.high, [high for _, high, _ in added.values()]),
        floor="E" if "E" in added else form.floor,
    )


def linked(name: str) -> Form:
    """Return the law of A/N^alpha + B/D^beta under a link of ``catalogue.LINKS`` (of "free" with knots of no table)."""
    check_choice(name, "link", LINKS)
    return {"identity": ADDITIVE, "power": POWER, "bounded": BOUNDED, "free": FREE}[name]
