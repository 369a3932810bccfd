"""All five parameters linear in H (L1), or the three amplitudes only (L0): one law for all datasets, few unknowns.

The same least squares on log loss as in ``joint``; the parameters of dataset k are D_k theta, with D_k made of a
constant and H. No dataset has anything of its own, so datasets off the line count in full as misfit. E stays at the
floors where it is held.
"""

from __future__ import annotations

import numpy as np

from ...numerics.functions import product
from ...numerics.linear import solve
from ..solve.additive import Array
from ..solve.many import Problems
from .joint import Saturated, in_blocks
from .panel import Panel


def design(panel: Panel, basis: Array, exponents_move: bool) -> Array:
    """Matrices D (P, K, m, p) that turn theta into ln E (if free), ln A, ln B, alpha, beta of each dataset.

    Parameters
    ----------
    panel : Panel
    basis : ndarray (P, K, 2)
        A constant and centred H, from ``joint.linear``.
    exponents_move : bool
        Whether alpha and beta have slopes (L1) or are common (L0).
    """
    m = panel.n_local + 2
    widths = [2] * panel.n_local + [2 if exponents_move else 1] * 2
    D = np.zeros((*basis.shape[:2], m, sum(widths)))
    start = 0
    for i, width in enumerate(widths):
        D[:, :, i, start : start + width] = basis[..., :width]
        start += width
    return D


class Pooled(Problems):
    """Everything of a dataset is D_k theta, with D in ``extra`` (P or 1, K, m, p)."""

    def unfold(self, theta: Array) -> tuple[Array, Array]:
        """See ``Problems.unfold``."""
        L = self.n_local
        values = product(self.extra, theta[:, None, :, None])[..., 0]
        local = np.zeros((*values.shape[:2], 3))
        local[..., 3 - L :] = values[..., :L]
        return local, values[..., L:]

    def step(self, M: Array, g: Array) -> Array:
        """See ``Problems.step``."""
        D, turned = self.extra, self.extra.swapaxes(2, 3)
        big, small = product(turned, M, D).sum(axis=1), product(turned, g[..., None]).sum(axis=1)
        return -solve(big, small)[..., 0]


def fit_pooled(panel: Panel, D: Array, alone: Saturated) -> tuple[Array, Array]:
    """Fit theta in many problems from two starts each: the saturated fits regressed on D, and a rough one.

    Parameters
    ----------
    panel : Panel
    D : ndarray (P, K, m, p)
    alone : Saturated

    Returns
    -------
    theta : ndarray (P, p)
    rss : ndarray (P,)
    """
    P, K, m, p = D.shape
    flat = D.reshape(P, K * m, p)
    turned = flat.swapaxes(1, 2)
    target = np.concatenate([alone.local[:, 3 - panel.n_local :], alone.exponents], axis=1)
    # exponents of a single dataset may be wild: one that is not identified must not set the start
    middle = np.median(target, axis=0)
    target = np.clip(target, middle - 2, middle + 2)
    # datasets off the line make local optima: a second start needs none of their fits
    low = np.where(panel.w > 0, panel.z, np.inf).min(axis=1) - 0.5
    level = (panel.w * panel.z).sum(axis=1) / panel.w.sum(axis=1) - 1
    rough = np.column_stack([low, level, level, np.full((K, 2), 0.5)])[:, 3 - panel.n_local :]
    found = []
    for start in (target, rough):
        theta = solve(product(turned, flat), product(turned, start.ravel())[..., None])[..., 0]
        found.append(in_blocks(Pooled.of(panel, D), theta, panel.x.size)[:2])
    (near, near_cost), (far, far_cost) = found
    better = far_cost < near_cost
    return np.where(better[:, None], far, near), np.minimum(far_cost, near_cost)
