"""A power law of one column with one smooth break (Caballero et al. 2022)."""

from __future__ import annotations

import numpy as np

from ...numerics.functions import exp, log, logaddexp
from .form import IDENTITY, Array, Centre, Columns, Form, Index, Logs, OneColumn

_FORMULA = "L = E + b {x}^-c0 (1 + ({x}/d)^(1/f))^(-c1 f)"


def _broken(column: str) -> Form:
    """Form of a one-break smoothly broken power law in one column.

    L = E + b x^-c0 (1 + (x/d)^(1/f))^(-c1 f): slope c0 before the break at d, c0 + c1 after it, f the width of the
    break (Caballero et al. 2022, arXiv 2210.14891, eq. 1 with n = 1).
    """

    # theta of the index: ln of the term at the centre, ln c0, ln d less the centre, c1, ln f
    def log_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
        x = log(columns[column]) - centre[column]
        width = exp(theta[4])
        bend = logaddexp(0.0, (x - theta[2]) / width)
        return [theta[0] - exp(theta[1]) * x - theta[3] * width * bend]

    def natural(theta: Array, centre: Centre) -> list[float]:
        c0 = exp(theta[1])
        with np.errstate(over="ignore"):
            b, d = exp(theta[0] + c0 * centre[column]), exp(theta[2] + centre[column])
        return [b, c0, d, theta[3], exp(theta[4])]

    def starts(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
        x = log(columns[column]) - centre[column]
        out = []
        for share in (0.1, 0.8):
            E = z.min() + log(share)
            rest = log(exp(z.mean()) - exp(E))
            for c0 in (0.05, 0.3):
                for where in np.quantile(x, [0.25, 0.5, 0.75]):
                    for c1 in (-0.5 * c0, 0.3):
                        out.append([E, rest, log(c0), where, c1, log(0.5)])
        return out

    return Form(
        f"broken({column})",
        _FORMULA.format(x=column),
        ("E", "b", "c0", "d", "c1", "f"),
        Index((column,), ("b", "c0", "d", "c1", "f"), log_terms, natural),
        IDENTITY,
        starts,
        np.array([-30.0, -30.0, log(1e-4), -50.0, -5.0, log(0.05)]),
        np.array([30.0, 30.0, log(5.0), 50.0, 5.0, log(10.0)]),
        floor="E",
    )


BROKEN = OneColumn("broken", _FORMULA.format(x="x"), {column: _broken(column) for column in ("C", "N", "D")})
