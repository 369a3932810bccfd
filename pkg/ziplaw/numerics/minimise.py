"""Minima of smooth functions of a few unknowns, with the same bits on every machine if the function has them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .functions import dot, product
from .linear import solve

Array = npt.NDArray[np.float64]


def bfgs(
    function: Callable[[Array], tuple[float, Array]], start: Array, *, steps: int = 500, flat: float = 1e-8,
    gain: float = 1e-12,
) -> Array:  # fmt: skip
    """Descend by the BFGS update of an inverse Hessian, with steps halved until they pay.

    Parameters
    ----------
    function : callable
        x (n,) to its value and gradient (n,).
    start : ndarray (n,)
        Where to begin.
    steps : int
        At most.
    flat : float
        Largest entry of the gradient at which it ends.
    gain : float
        Or the decrease, relative to the value's size or 1, of two steps in a row.

    Returns
    -------
    ndarray (n,)
        The best point found.
    """
    x, n = np.array(start, dtype=np.float64), len(start)
    value, gradient = function(x)
    inverse, small, scaled = np.eye(n), 0, False
    for _ in range(steps):
        if not np.abs(gradient).max() > flat:
            break
        direction = -product(inverse, gradient)
        slope = dot(direction, gradient)
        if not slope < 0:
            inverse, direction, slope = np.eye(n), -gradient, -dot(gradient, gradient)
        length = 1.0 if scaled else min(1.0, 1.0 / float(np.abs(gradient).sum()))
        for _ in range(60):
            new = x + length * direction
            new_value, new_gradient = function(new)
            if np.isfinite(new_value) and new_value <= value + 1e-4 * length * slope:
                break
            length *= 0.5
        else:
            break
        moved, turned = new - x, new_gradient - gradient
        small = small + 1 if value - new_value <= gain * max(abs(value), abs(new_value), 1.0) else 0
        x, value, gradient = new, new_value, new_gradient
        if small == 2:
            break
        bend = dot(moved, turned)
        if bend > 1e-12 * dot(turned, turned):
            if not scaled:
                inverse, scaled = np.eye(n) * (bend / dot(turned, turned)), True
            pulled = product(inverse, turned)
            both = np.outer(moved, pulled)
            inverse += (1 + dot(turned, pulled) / bend) * np.outer(moved, moved) / bend - (both + both.T) / bend
    return x


def slope_of(function: Callable[[Array], float], at: Array, step: float = 1e-5) -> Array:
    """Gradient (n,) of a function at a point (n,) by differences to both sides."""
    moves = np.eye(len(at)) * step
    return np.array([(function(at + move) - function(at - move)) / (2 * step) for move in moves])


def where_room(
    function: Callable[[Array], float], room: Callable[[Array], float], room_slope: Callable[[Array], Array],
    start: Array, *, steps: int = 200, gain: float = 1e-9,
) -> Array:  # fmt: skip
    """Minimise where room(x) >= 0 by sequential quadratic programming, with slopes of the function by differences.

    Parameters
    ----------
    function : callable
        x (n,) to a value.
    room, room_slope : callable
        What must not be negative, and its gradient (n,).
    start : ndarray (n,)
        Where to begin, on either side of the border.
    steps : int
        At most.
    gain : float
        It ends when a step changes the value, and what the border is overstepped by, by less.

    Returns
    -------
    ndarray (n,)
        The last point; rounding may leave it just beyond the border.
    """
    x = np.array(start, dtype=np.float64)
    bend, price = np.eye(len(x)), 0.0
    value, left, slope, border = function(x), room(x), slope_of(function, x), room_slope(x)
    for _ in range(steps):
        # the quadratic model under the border's tangent: one condition, which holds or binds
        down, inward = np.moveaxis(solve(bend, np.stack([slope, border], axis=1)), 1, 0)
        pull = dot(border, inward)
        weight = max(0.0, (dot(border, down) - left) / pull) if pull > 0 else 0.0
        step = weight * inward - down
        price = max(price, 1.5 * weight)
        merit, fall = value + price * max(0.0, -left), dot(slope, step) - price * max(0.0, -left)
        length = 1.0
        for _ in range(40):
            new = x + length * step
            new_value, new_left = function(new), room(new)
            if new_value + price * max(0.0, -new_left) <= merit + 1e-4 * length * fall:
                break
            length *= 0.5
        else:
            break
        new_slope, new_border = slope_of(function, new), room_slope(new)
        moved, turned = new - x, (new_slope - weight * new_border) - (slope - weight * border)
        settled = abs(new_value - value) < gain and max(0.0, -new_left) < gain
        x, value, left, slope, border = new, new_value, new_left, new_slope, new_border
        if settled:
            break
        # Powell's damping keeps the matrix positive
        along = product(bend, moved)
        size, rise = dot(moved, along), dot(moved, turned)
        share = 1.0 if rise >= 0.2 * size else 0.8 * size / (size - rise)
        turned = share * turned + (1 - share) * along
        rise = dot(moved, turned)
        if not (size > 0 and rise > 0):
            break
        bend += np.outer(turned, turned) / rise - np.outer(along, along) / size
    return x


def on_simplex(x: Array, low: Array, high: Array) -> Array:
    """The nearest point (n,) whose entries lie between bounds (n,) and sum to 1."""
    # entries are those of x less one number, cut to the bounds: the sum falls as the number rises
    least, most = float((x - high).min()), float((x - low).max())
    for _ in range(80):
        middle = 0.5 * (least + most)
        if np.clip(x - middle, low, high).sum() > 1:
            least = middle
        else:
            most = middle
    return np.clip(x - 0.5 * (least + most), low, high)


def convex_on_simplex(
    function: Callable[[Array], tuple[float, Array]], start: Array, low: Array, high: Array, *, steps: int = 3000,
    still: float = 1e-9,
) -> Array:  # fmt: skip
    """Minimise a convex function of shares between bounds, which sum to 1, by spectral projected gradients.

    Parameters
    ----------
    function : callable
        Shares (n,) to value and gradient (n,).
    start, low, high : ndarray (n,)
        Where to begin, and the bounds: they leave room for a sum of 1.
    steps : int
        At most.
    still : float
        It ends where a projected step of length 1 moves no share by more.

    Returns
    -------
    ndarray (n,)
    """
    x = on_simplex(start, low, high)
    value, gradient = function(x)
    best, best_value, recent = x, value, [value]
    length = 1.0 / max(float(np.abs(gradient).max()), 1e-300)
    for _ in range(steps):
        if np.abs(on_simplex(x - gradient, low, high) - x).max() <= still:
            break
        step = on_simplex(x - length * gradient, low, high) - x
        fall, share = dot(gradient, step), 1.0
        for _ in range(50):
            new = x + share * step
            new_value, new_gradient = function(new)
            # against the worst of the last few: such steps may climb for a while
            if new_value <= max(recent) + 1e-4 * share * fall:
                break
            share *= 0.5
        moved, turned = new - x, new_gradient - gradient
        bend = dot(moved, turned)
        length = min(max(dot(moved, moved) / bend, 1e-10), 1e10) if bend > 0 else 1e10
        x, value, gradient = new, new_value, new_gradient
        recent = [*recent[-9:], value]
        if value < best_value:
            best, best_value = x, value
    return best
