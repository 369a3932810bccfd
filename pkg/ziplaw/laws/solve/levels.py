"""How many sizes and budgets a table has, and whether N and D move apart in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...numerics.functions import exp, log
from ...numerics.linear import svd
from ..forms.arguments import Array

# sizes (or budgets) this near to each other are one: C/(6 N) and rounding move them in the seventh digit
SAME_VALUE = 1e-3
# standard deviation of ln N and ln D across the line they follow, below which they count as one variable: ladders at
# one ratio have 0 to .06, two ladders a factor of two apart .24, grids and isoFLOP tables over 1
TOGETHER_SPREAD = 0.1


def near_groups(values: Array, tolerance: float = 0.02) -> npt.NDArray[np.intp]:
    """Label values (n,), those within 2 % of the least of their group alike: budgets are seldom exact."""
    order = np.argsort(values, kind="stable")
    x = log(values[order])
    labels = np.empty(len(values), dtype=np.intp)
    start = label = 0
    while start < len(x):
        end = int(np.searchsorted(x, x[start] + tolerance, side="right"))
        labels[order[start:end]] = label
        start, label = end, label + 1
    return labels


def n_levels(values: Array) -> int:
    """Number of different sizes or budgets among values (n,), those within ``SAME_VALUE`` counted as one."""
    return int(near_groups(values, SAME_VALUE).max()) + 1


def common_line(N: Array, D: Array, name: str = "D") -> str:
    """Say which line N and D (n,) follow, such as "D = 20 N"; "" where they vary apart, or one of them not at all.

    Steps may stand in the place of tokens, under their ``name``.
    """
    if min(n_levels(N), n_levels(D)) < 2:
        return ""
    x, y = log(N), log(D)
    X = np.column_stack([x - x.mean(), y - y.mean()])
    _, singular, axes = svd(X)
    spread = singular[1] / np.sqrt(len(x))
    if spread > TOGETHER_SPREAD:
        return ""
    near = "" if spread < SAME_VALUE else f" within {spread:.1g} in logarithms"
    if abs(axes[0, 1]) < 0.02 * abs(axes[0, 0]):
        return f"{name} is about {exp(y.mean()):.3g} throughout"
    if abs(axes[0, 0]) < 0.02 * abs(axes[0, 1]):
        return f"N is about {exp(x.mean()):.3g} throughout"
    power = axes[0, 1] / axes[0, 0]
    if abs(power - 1) < 0.02:
        return f"{name} = {exp(y.mean() - x.mean()):.3g} N{near}"
    if abs(power + 1) < 0.02 and name == "D":
        return f"D = C/(6 N), one budget of C = {6 * exp(x.mean() + y.mean()):.3g}{near}"
    return f"{name} = {exp(y.mean() - power * x.mean()):.2g} N^{power:.2g}{near}"
