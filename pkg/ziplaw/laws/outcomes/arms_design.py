"""May two arms be compared, and by a law of N and D or of C alone? What their runs must have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ..forms import arguments
from ..solve.additive import Array
from ..solve.levels import common_line, n_levels

Table = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]
Columns = tuple[Array, Array, Array]
_LEAST_LEVELS = 3


def checked_arms(base: Table, arm: Table, along_C: bool) -> tuple[list[Columns], bool]:
    """Check the runs of two arms.

    Parameters
    ----------
    base, arm : (N, D, loss)
        Columns of each.
    along_C : bool
        Whether a law of C alone is asked for.

    Returns
    -------
    tables : list of (N, D, loss), each ndarray (n,)
    ladder : bool
        Whether the law is one of C alone.

    Raises
    ------
    FitError
        When a column is malformed, runs are too few or of too few sizes, designs differ, or losses do not overlap.
    """
    tables = [_checked(table, name) for table, name in ((base, "base"), (arm, "arm"))]
    n = [len(table[0]) for table in tables]
    if min(n) < _LEAST_LEVELS:
        raise FitError(f"{n[0]} and {n[1]} runs: at least {_LEAST_LEVELS} of each arm are needed")
    ladder = along_C or _is_ladder(tables)
    if ladder:
        _check_ladder(tables)
    _check_overlap(*(table[2] for table in tables))
    return tables, ladder


def _is_ladder(tables: Sequence[Columns]) -> bool:
    """Whether N and D move along one line in both arms; FitError where a law of N and D cannot be told otherwise."""
    lines = [_line(N, D) for N, D, _ in tables]
    if all(lines):
        return True
    if any(lines):
        line = next(text for text in lines if text)
        raise FitError(f"N and D move together in one arm ({line}) and not in the other: compare runs of one design")
    for name, column in (("sizes", 0), ("budgets of tokens", 1)):
        levels = n_levels(np.concatenate([table[column] for table in tables]))
        if levels < _LEAST_LEVELS:
            raise FitError(
                f"{levels} {name} in both arms together: a law of N and D needs {_LEAST_LEVELS}; add runs, or compare "
                "along C alone (--along-c)"
            )
    return False


def _line(N: Array, D: Array) -> str:
    """The line that N and D follow, also where one of them does not move; "" where they vary apart."""
    for name, values in (("N", N), ("D", D)):
        if n_levels(values) < 2:
            return f"{name} = {values[0]:.3g} throughout"
    return common_line(N, D, "D")


def _check_ladder(tables: Sequence[Columns]) -> None:
    """Refuse runs of one C: a law of C needs several."""
    for N, D, _ in tables:
        if (levels := n_levels(N * D)) < _LEAST_LEVELS:
            raise FitError(
                f"{levels} values of C in an arm: a law of C needs {_LEAST_LEVELS}; add runs at other budgets"
            )


def _checked(table: Table, name: str) -> Columns:
    N, D, loss = (
        arguments.check_column(column, f"{what} of the {name}") for column, what in zip(table, ("N", "D", "loss"))
    )
    if not len(N) == len(D) == len(loss):
        raise FitError(f"columns of the {name} have {len(N)}, {len(D)} and {len(loss)} rows: give one length")
    return N, D, loss


def _check_overlap(base: Array, arm: Array) -> None:
    """Refuse arms of which one never came as low as the other began: any factor would be extrapolated."""
    if base.min() > arm.max() or arm.min() > base.max():
        raise FitError(
            f"the losses do not overlap ({base.min():.4g} to {base.max():.4g} and {arm.min():.4g} to {arm.max():.4g}): "
            "no factor can be measured; add runs of one arm that reach the other's losses"
        )
