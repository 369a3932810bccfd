"""Tables of N, D and loss, held against what a law can be fitted to; every refusal is one line with its remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...base import limits
from ...errors import FitError, shown

Array = npt.NDArray[np.float64]

# N, D, C and losses beyond these are slips of units or of parsing, and their products overflow
LEAST, MOST = 1e-30, 1e30
# beyond these N, D and D/N are of no language model, but of one counted in millions or in other units
LEAST_N, MOST_N, LEAST_D, MOST_D, LARGEST_D = 1e3, 1e15, 1.0, 1e18, 1e4
RATIOS = 1e-3, 1e6
# ln of nine million: no vocabulary is that large
MOST_LOSS = 16.0


def check_column(values: npt.ArrayLike, name: str) -> Array:
    """Return one column as float64 (n,), finite and positive, within ``LEAST`` and ``MOST``.

    Raises
    ------
    FitError
        When a value is no number, not finite, or not above zero; the row is named, counted from 1.
    """
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise FitError(_first_text(values, name)) from None
    if column.ndim != 1:
        raise FitError(f"{name} has {column.ndim} dimensions: give one value a row")
    bad = np.flatnonzero(~np.isfinite(column))
    if bad.size:
        raise FitError(f"{name} is {column[bad[0]]} in row {bad[0] + 1}: drop rows without a finite value")
    bad = np.flatnonzero(column <= 0)
    if bad.size:
        raise FitError(
            f"{name} is {column[bad[0]]:g} in row {bad[0] + 1}, must be above 0: laws live in logarithms; drop that row"
        )
    bad = np.flatnonzero((column < LEAST) | (column > MOST))
    if bad.size:
        raise FitError(
            f"{name} is {column[bad[0]]:g} in row {bad[0] + 1}, must be from {LEAST:g} to {MOST:g}: check its units"
        )
    return column


def check_units(N: Array, D: Array, loss: Array, rows: npt.NDArray[np.intp]) -> None:
    """Refuse N, D and losses that no language model has, though one counted in other units does.

    Parameters
    ----------
    N, D, loss : ndarray float64 (n,)
        Parameters, training tokens, nats per token or byte.
    rows : ndarray of int
        The rows that count.

    Raises
    ------
    FitError
        One line that names every column in doubt, with its value and how to give its unit.
    """
    doubts = []
    for values, name, what, least, most, unit in (
        (N, "N", "parameters", LEAST_N, MOST_N, "in millions? --n-unit 1e6"),
        (D, "D", "training tokens", LEAST_D, MOST_D, "in billions? --d-unit 1e9"),
    ):
        low, high = rows[values[rows].argmin()], rows[values[rows].argmax()]
        if values[low] < least:
            doubts.append(f"{name} is {values[low]:g} in row {low + 1}, below {least:g} {what} ({unit})")
        elif name == "D" and values[high] < LARGEST_D:
            doubts.append(f"D is {values[high]:g} at most, below {LARGEST_D:g} {what} ({unit})")
        elif values[high] > most:
            doubts.append(f"{name} is {values[high]:g} in row {high + 1}, above {most:g} {what}")
    ratio = float(np.median(D[rows] / N[rows]))
    if not doubts and not RATIOS[0] <= ratio <= RATIOS[1]:
        doubts.append(
            f"D/N is {ratio:g} in the middle row, not from {RATIOS[0]:g} to {RATIOS[1]:g} (--n-unit, --d-unit)"
        )
    remedy = ": --n-unit 1, --d-unit 1 or units='keep' if they are right" if doubts else ""
    if loss[high := rows[loss[rows].argmax()]] > MOST_LOSS:
        doubts.append(
            f"the loss is {loss[high]:g} in row {high + 1}, above ln of any vocabulary, {MOST_LOSS:g} (a perplexity? "
            f"--loss-unit perplexity; a run that diverged? --where 'loss<{MOST_LOSS:g}')"
        )
    if doubts:
        raise FitError(f"units? {'; '.join(doubts)}{remedy}")


def one_architecture(rows: Iterable[Mapping[str, object]]) -> None:
    """Refuse rows of models of several architectures: a law is one of N and D, and theirs differ.

    Raises
    ------
    FitError
        With their names.
    """
    names = sorted({str(row["architecture"]) for row in rows if row.get("architecture")})
    if len(names) > 1:
        raise FitError(
            f"rows of {len(names)} architectures ({', '.join(names)}) in one law: fit one at a time "
            f"(ziplaw fit --where architecture={names[0]}), or give a table of one"
        )


def _first_text(values: Any, name: str) -> str:
    for row, value in enumerate(values, start=1):
        try:
            float(value)
        except (TypeError, ValueError):
            return f"{name} is {value!r} in row {row}: numbers are needed in this column"
    return f"{name} does not hold one number a row: check the column"


def check_table(
    N: npt.ArrayLike,
    D: npt.ArrayLike,
    loss: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    needed: int = 6,
    duplicates: str = "error",
    units: str = "keep",
) -> tuple[Array, Array, Array, Array]:
    """Return N, D, loss and weights as float64 (n,) arrays fit for a law.

    Parameters
    ----------
    N, D, loss : array-like (n,)
        Parameters, training tokens, held-out loss in nats per token.
    weights : array-like (n,), optional
        Weight of each row, at least 0.
    needed : int
        The least number of distinct rows: one more than the parameters that are fitted.
    duplicates : {"error", "keep"}
        What to do about rows that agree in N, D and loss to the last digit.
    units : {"error", "keep"}
        What to do about N, D and losses that no language model has (`check_units`).

    Raises
    ------
    FitError
        One line: value, limit, remedy.
    """
    N, D, loss = check_column(N, "N"), check_column(D, "D"), check_column(loss, "loss")
    if not len(N) == len(D) == len(loss):
        raise FitError(f"N, D and loss have {len(N)}, {len(D)} and {len(loss)} rows: give columns of one length")
    table = np.column_stack([N, D, loss])
    distinct, first = np.unique(table, axis=0, return_index=True)
    if len(distinct) < needed:
        copies = f" ({len(distinct)} distinct)" if len(distinct) < len(N) else ""
        rows = f"{len(N)} row{'s' if len(N) != 1 else ''}"
        raise FitError(f"{rows}{copies} cannot hold a law that needs at least {needed}: measure more (N, D) points")
    if duplicates == "error" and len(distinct) < len(N):
        copy = int(np.setdiff1d(np.arange(len(N)), first)[0])
        original = int(np.flatnonzero((table[:copy] == table[copy]).all(axis=1))[0])
        raise FitError(
            f"rows {original + 1} and {copy + 1} are the same N, D and loss ({len(N) - len(distinct)} such copies): "
            "copies feign certainty; remove them, or keep them on purpose (duplicates='keep', --keep-duplicates)"
        )
    if loss.min() == loss.max():
        raise FitError(f"the loss is {loss[0]:g} in every row: nothing tells what N and D do; check the column")
    if weights is None:
        weights = np.ones(len(N))
    try:
        weights = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise FitError(_first_text(weights, "weights")) from None
    if weights.shape != N.shape or not np.isfinite(weights).all() or (weights < 0).any():
        raise FitError(f"weights must be {len(N)} finite numbers of at least 0, one a row")
    if (weights > 0).sum() < needed:
        raise FitError(f"only {(weights > 0).sum()} rows have a weight above 0, at least {needed} are needed")
    if units == "error":
        check_units(N, D, loss, np.flatnonzero(weights))
    return N, D, loss, weights


def check_choice(value: str, name: str, choices: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``choices``; FitError with the list otherwise."""
    if value not in choices:
        raise FitError(f"{name} is {value!r}, must be one of {', '.join(choices)}")
    return value


def check_level(level: float) -> float:
    """Return a coverage within ``limits.LEVEL``; FitError otherwise."""
    return float(check_within(level, "level", limits.LEVEL))


def check_within(value: object, name: str, range: limits.Range) -> Array:
    """Return a number or array as float64, all of it within a ``limits.Range``; FitError otherwise."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FitError(f"{name} is {shown(value)}, {range.demand}") from None
    outside = [number for number in array.ravel().tolist() if number not in range]
    if outside or not array.size:
        raise FitError(f"{name} is {shown(outside[0] if array.ndim and outside else value)}, {range.demand}")
    return array


def check_positive(value: npt.ArrayLike, name: str) -> Array:
    """Return a positive, finite number or array as float64; FitError otherwise."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise FitError(f"{name} is {shown(value)}: a number above 0 is needed") from None
    if not array.size or not np.isfinite(array).all() or (array <= 0).any():
        raise FitError(f"{name} is {shown(value)}: finite numbers above 0 are needed")
    return array
