"""Power laws of one column, such as L = (Nc/N)^alpha (Kaplan et al. 2020, eq. 1.1 to 1.3)."""

from __future__ import annotations

import numpy as np

from ...numerics.functions import exp, log
from .form import IDENTITY, Array, Centre, Columns, Form, Index, Logs, OneColumn


def _power(column: str) -> Form:
    # theta: ln of the term at the centre, ln alpha
    def log_terms(theta: Array, columns: Columns, centre: Centre) -> Logs:
        return [theta[0] - exp(theta[1]) * (log(columns[column]) - centre[column])]

    def natural(theta: Array, centre: Centre) -> list[float]:
        exponent = exp(theta[1])
        return [exp(np.minimum(centre[column] + theta[0] / exponent, 700.0)), exponent]

    def starts(columns: Columns, z: Array, centre: Centre) -> list[list[float]]:
        return [[z.mean(), log(slope)] for slope in (0.03, 0.1, 0.4)]

    name = f"{column}c"
    return Form(
        f"L({column})",
        f"L = ({name}/{column})^alpha",
        (name, "alpha"),
        Index((column,), (name, "alpha"), log_terms, natural),
        IDENTITY,
        starts,
        np.array([-np.inf, log(1e-4)]),
        np.array([np.inf, log(10.0)]),
    )


POWER = OneColumn("power", "L = (xc/x)^alpha", {column: _power(column) for column in ("C", "N", "D")})
