"""One law that holds the links identity, power and bounded, in coordinates in which few runs tell it apart.

With dx = ln N - x0, dy = ln D - y0 about a centre (x0, y0),

    s(dN, dD) = k ln(e^(dN/k) + e^(dD/k)),
    z  = s(level' + delta/2 - alpha dx, level' - delta/2 - beta dy),   level' = level - s(delta/2, -delta/2),
    L  = E + 1 / (1/(U - E) + e^-z),

which is L = E + 1/(1/(U - E) + (A/N^(alpha/k) + B/D^(beta/k))^-k), the bounded link of ``forms.links``: the power link
where U is far away, the additive law where k is 1 as well. ``alpha`` and ``beta`` are the exponents of the excess loss
on either side of the bend, whatever k is, ``level`` is the logarithm of the excess at the centre (before U bends it),
and ``delta`` says which side of the valley the centre lies on: the best split is where the two terms stand in the ratio

    (delta - alpha dx + beta dy) / k = ln(eps beta / alpha).

theta (9,) is f, level, delta, ln alpha, ln beta, ln k, u, ln sigma, ln kappa with E = f L_min and U = L_max (1 + e^u),
L_min and L_max being the least and largest loss seen; the last two are the scales of noise and
misfit, see ``cell_errors``. (A posterior of E is nearer to a Gaussian than one of ln E, whose tail goes far down.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...numerics.functions import exp, log, logaddexp, tanh
from ..solve.additive import Array
from .compute import Compute

NAMES = ("f", "level", "delta", "ln alpha", "ln beta", "ln k", "u", "ln sigma", "ln kappa")
LAW = slice(0, 7)  # of theta, what the law is made of
NO_CEILING = 25.0  # u of a U that leaves no trace
_LEAST_GAP = 1e-9
_APART = 0.5


@dataclass(frozen=True)
class Frame:
    """What theta is counted from: the centre (x0, y0), in ln N and ln D, and the least and largest loss seen."""

    x0: float
    y0: float
    least: float
    largest: float

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array) -> Frame:
        """The middle of a table."""
        return cls(float(log(N).mean()), float(log(D).mean()), float(loss.min()), float(loss.max()))


def log_loss(theta: Array, x: Array, y: Array, frame: Frame, *, slopes: bool = False) -> tuple[Array, Array | None]:
    """Ln L of laws (S, 9) at ln N and ln D, each (n,) or (S, n).

    Returns
    -------
    value : ndarray (S, n)
    slopes : ndarray (S, n, 7) or None
        In f, level, delta, ln alpha, ln beta, ln k, u.
    """
    t = np.asarray(theta, dtype=np.float64)[:, :7, None]
    E, delta, alpha, beta, k = frame.least * t[:, 0], t[:, 2], exp(t[:, 3]), exp(t[:, 4]), exp(t[:, 5])
    dx, dy = x - frame.x0, y - frame.y0
    half = 0.5 * delta
    fold = k * logaddexp(half / k, -half / k)
    first, second = t[:, 1] - fold + half - alpha * dx, t[:, 1] - fold - half - beta * dy
    z = k * logaddexp(first / k, second / k)
    room = frame.largest * exp(t[:, 6])
    gap = np.maximum(frame.largest + room - E, _LEAST_GAP)
    log_excess = -logaddexp(-z, -log(gap))
    excess = exp(log_excess)
    # a floor below 0 may leave nothing; the posterior refuses it
    loss = np.maximum(E + excess, _LEAST_GAP)
    value = log(loss)
    if not slopes:
        return value, None
    ended = excess / gap
    up, share = excess / loss, exp((first - z) / k)
    rising = up * (1 - ended)  # of ln L in z
    lean = tanh(half / k)
    bend = (z - share * first - (1 - share) * second) - (fold - lean * half)  # k dz/dk
    out = np.stack(
        np.broadcast_arrays(
            frame.least * (1 - excess * ended / gap) / loss,
            rising,
            rising * (share - 0.5 - 0.5 * lean),
            rising * share * -alpha * dx,
            rising * (1 - share) * -beta * dy,
            rising * bend,
            up * ended * room / gap,
        ),
        axis=-1,
    )
    return value, out


def best_size(theta: Array, C: Any, frame: Frame, compute: Compute) -> Array:
    """Ln N_opt (S,) of laws (S, 9) at C of all FLOPs, or (S, m) at C (m,)."""
    t = np.asarray(theta, dtype=np.float64)
    k, alpha, beta = exp(t[:, 5]), exp(t[:, 3]), exp(t[:, 4])
    # of ln(A/N^a + B/D^b) with a = alpha/k, b = beta/k
    log_A = (0.5 * t[:, 2] + alpha * frame.x0) / k
    log_B = (-0.5 * t[:, 2] + beta * frame.y0) / k
    parts = [log_A, log_B, alpha / k, beta / k]
    if np.ndim(C):
        parts = [part[:, None] for part in parts]
    log_A, log_B, *exponents = parts
    return np.asarray(compute.best(log_A, log_B, exponents[0], exponents[1], C))


def best_size_slopes(theta: Array, C: float, frame: Frame, compute: Compute) -> tuple[Array, Array]:
    """Ln N_opt (S,) and its slopes (S, 7) in the law's part of theta, with the elasticity held.

    By the implicit function ln(alpha/beta) - ln eps + (delta - alpha dx + beta dy) / k = 0.
    """
    t = np.asarray(theta, dtype=np.float64)
    x = best_size(t, C, frame, compute)
    k, alpha, beta = exp(t[:, 5]), exp(t[:, 3]), exp(t[:, 4])
    N = exp(x)
    dx, dy = x - frame.x0, log(compute.tokens(N, C)) - frame.y0
    steep = (alpha + beta * compute.elasticity(N)) / k
    out = np.zeros((len(t), 7))
    out[:, 2] = 1 / k
    out[:, 3] = 1 - alpha * dx / k
    out[:, 4] = -1 + beta * dy / k
    out[:, 5] = -(t[:, 2] - alpha * dx + beta * dy) / k
    return x, out / steep[:, None]


def valley_bend(theta: Array, x: Array, C: float, frame: Frame, compute: Compute) -> Array:
    """Second derivative (S,) of ln L in ln N along c(N) D = C, at ln N = x (S,), over half an e-fold to either side."""
    z = []
    for off in (-_APART, 0.0, _APART):
        at = (x + off)[:, None]
        z.append(log_loss(theta, at, log(C) - compute.log_C(at, 0.0 * at), frame)[0][:, 0])
    return np.maximum((z[0] + z[2] - 2 * z[1]) / np.square(_APART), 1e-6)


def excess_share(theta: Array, x: Any, y: Any, frame: Frame) -> Array:
    """Excess over the loss (S,) of laws (S, 9), each at its own ln N and ln D (S,), or all at one."""
    x, y = (np.broadcast_to(v, len(theta))[:, None] for v in (x, y))
    value = log_loss(theta, x, y, frame)[0][:, 0]
    return np.asarray(1 - frame.least * theta[:, 0] / exp(value))


def natural(theta: Array, frame: Frame) -> Array:
    """E, A, B, alpha, beta, k, U (S, 7) as ``forms.links.BOUNDED`` names them, of laws (S, 9)."""
    t = np.asarray(theta, dtype=np.float64)
    E, k, alpha, beta = frame.least * t[:, 0], exp(t[:, 5]), exp(t[:, 3]), exp(t[:, 4])
    half = 0.5 * t[:, 2]
    level = t[:, 1] - k * logaddexp(half / k, -half / k)
    A, B = exp((level + half + alpha * frame.x0) / k), exp((level - half + beta * frame.y0) / k)
    return np.stack([E, A, B, alpha / k, beta / k, k, frame.largest * (1 + exp(t[:, 6]))], axis=-1)
