"""Cells of a table as numbers, as people write them; products of columns; the mark before decimals."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..base.numerals import MISSING, is_plain, read_number, shown_number
from ..errors import FitError, shown
from .any_file import Table


def numbers(table: Table, name: str, decimal: str | None = None) -> list[float]:
    """Return one column of numbers, or a product ("unique_tokens*epoch", "N*1e6"); FitError where a cell is none."""
    values = columns_of_numbers(table, {name: name}, decimal)[0][name]
    if None in values:
        raise FitError(f"{name} is empty in row {values.index(None) + 1}: a number is needed; drop that row or mend it")
    return [value for value in values if value is not None]


def columns_of_numbers(
    table: Table, specs: Mapping[str, str], decimal: str | None, words: bool = False
) -> tuple[dict[str, list[float | None]], list[str]]:
    """Return key -> numbers (None where a cell is empty) of columns or products, and notes on cells not plain.

    With ``words`` a cell without any digit ("diverged") counts as empty, and a note says so.
    """
    if decimal not in (None, ".", ","):
        raise FitError(f"the decimal mark is {decimal!r}, must be . or ,")
    factors = {key: _factors(table.rows, spec) for key, spec in specs.items()}
    names = dict.fromkeys(name for parts in factors.values() for name in parts if isinstance(name, str))
    cells = {name: [row[name] for row in table.rows] for name in names}
    found: dict[str, list[float | None]] = {}
    notes = []
    for name in names:
        mark = decimal_mark(cells[name], name, decimal, table.mark, cells.values())
        found[name] = read_column(cells[name], name, mark, words)
        if gone := [c for c in cells[name] if words and _is_word(c)]:
            more = f" ({len(gone)} such cells)" if len(gone) > 1 else ""
            notes.append(f"{name}: {shown(gone[0])} is read as no number{more}")
        pairs = zip(cells[name], found[name])
        if odd := [(c, v) for c, v in pairs if isinstance(c, str) and v is not None and not _as_printed(c, v)]:
            cell, value = odd[0]
            more = f" ({len(odd)} such cells)" if len(odd) > 1 else ""
            notes.append(f"{name}: {cell} is read as {shown_number(value)}{more}")
    result: dict[str, list[float | None]] = {}
    for key, parts in factors.items():
        values: list[float | None] = [1.0] * len(table.rows)
        for part in parts:
            column = found[part] if isinstance(part, str) else [part] * len(values)
            values = [None if a is None or b is None else a * b for a, b in zip(values, column)]
        result[key] = values
    return result, notes


def _as_printed(cell, value):
    return value is None or not math.isfinite(value) or (is_plain(cell) and float(cell) == value)


def _factors(rows, spec):
    """Return the parts of a product: column names, and numbers as floats."""
    if spec in rows[0]:
        return [spec]
    parts = []
    for part in map(str.strip, spec.split("*")):
        value = None if part in rows[0] else read_number(part)
        if part not in rows[0] and (value is None or not math.isfinite(value)):
            raise FitError(f"there is no column {shown(part)}: the table has {header_of(rows)}")
        parts.append(part if value is None else value)
    if not any(isinstance(part, str) for part in parts):
        raise FitError(f"there is no column {shown(spec)}: the table has {header_of(rows)}")
    return parts


def decimal_mark(
    cells: Sequence[Any], name: str, given: str | None, between: str, columns: Collection[Sequence[Any]]
) -> str:
    """Return the decimal mark of a column: as given, or as its cells show, or else the other columns'."""
    if given is not None or not any(isinstance(cell, str) and "," in cell for column in columns for cell in column):
        return given or "."
    shows = _marks_shown(cells)
    if len(shows) > 1:
        raise FitError(f"{name} has decimals after points and after commas: write one kind, or give --decimal")
    shows = shows or set().union(*map(_marks_shown, columns))
    if len(shows) == 1:
        return shows.pop()
    either = next((c for c in cells if isinstance(c, str) and "," in c and read_number(c) != read_number(c, ",")), None)
    if either is not None and between not in (",", ""):
        raise FitError(
            f"{name} is {either!r}, which may be {shown_number(read_number(either) or 0)} or "
            f"{shown_number(read_number(either, ',') or 0)}: say which with --decimal . or --decimal ,"
        )
    return "."


def _marks_shown(cells):
    """Return the decimal marks without which a cell of the column would be no number."""
    shows = set()
    for cell in cells:
        if isinstance(cell, str) and ("," in cell or "." in cell) and not is_plain(cell):
            readable = {mark for mark in ".," if read_number(cell, mark) is not None}
            shows |= readable if len(readable) == 1 else set()
    return shows


def _is_word(cell):
    return (
        isinstance(cell, str) and not is_missing(cell) and not any(map(str.isdigit, cell)) and read_number(cell) is None
    )


def _no_number(name, cell, row):
    remedy = "--drop-nan (drop_nan=True) leaves such rows out" if _is_word(cell) else "drop that row or mend it"
    return FitError(f"{name} is {shown(cell)} in row {row}: a number is needed; {remedy}")


def read_column(cells: Sequence[Any], name: str, mark: str, words: bool = False) -> list[float | None]:
    """Return a column's cells as floats, None where one is empty; FitError names the first that is no number.

    With ``words`` a cell without any digit ("diverged", "OOM") counts as empty.
    """
    values: list[float | None] = []
    for row, cell in enumerate(cells, start=1):
        value = None
        if isinstance(cell, str):
            if mark == "." and is_plain(cell):
                value = float(cell)
            elif cell.strip().lower() not in MISSING:
                value = read_number(cell, mark)
                if value is None and not (words and _is_word(cell)):
                    raise _no_number(name, cell, row)
        elif cell is not None:
            if isinstance(cell, bool) or not isinstance(cell, int | float):
                raise _no_number(name, cell, row)
            value = _float(cell)
        values.append(value)
    return values


def header_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the column names of rows as a message shows them."""
    names = [str(name) for name in rows[0]]
    return ", ".join(names[:20]) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")


def plain_number(cell: Any) -> float | None:
    """Return the number of a cell that is written as programs write them, else None."""
    if isinstance(cell, str):
        return float(cell) if is_plain(cell) else None
    return None if cell is None or isinstance(cell, bool) or not isinstance(cell, int | float) else _float(cell)


def _float(value):
    try:
        return float(value)
    except OverflowError:
        return math.inf


def is_missing(cell: Any) -> bool:
    """Tell whether a cell is empty, nan or a word for nothing."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell)) or (
        isinstance(cell, str) and cell.strip().lower() in MISSING | {"nan"}
    )  # fmt: skip
