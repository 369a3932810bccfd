"""Rows as an aligned text table, and sentences of bounded width, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

WIDTH = 120


def aligned(rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> list[str]:
    """Return the lines of a table: its header, then a line a row; numbers right, text left, None as a dash.

    Parameters
    ----------
    rows : sequence of dict
        Column -> value; without any there are no lines.
    columns : sequence of str, optional
        What is shown, in order; by default the columns of the first row.
    """
    if not rows:
        return []
    columns = list(columns or rows[0])
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    numeric = [all(isinstance(row.get(c), int | float | None) for row in rows) for c in columns]
    widths = [max(len(str(c)), *(len(line[i]) for line in cells)) for i, c in enumerate(columns)]
    return [
        "  ".join(v.rjust(w) if right else v.ljust(w) for v, w, right in zip(line, widths, numeric)).rstrip()
        for line in [[str(c) for c in columns], *cells]
    ]


def cell(value: Any) -> str:
    """Write one value: four digits of a float, a dash for none and NaN."""
    if value is None or value != value:
        return "-"
    if isinstance(value, float) and value and not 1e-99 < abs(value) < 1e99:
        # numbers out here mean only "very small" and "very large"
        return f"{'-' if value < 0 else ''}{'<1e-99' if abs(value) < 1 else '>1e99'}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e-3 or abs(value) >= 1e5 else f"{value:.4f}"
    return str(value)


def wrapped(lines: Iterable[str]) -> list[str]:
    """Return lines broken at ``WIDTH``, what goes on indented; names without spaces stay whole."""
    parts = (textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False) for line in lines)
    return [line for part in parts for line in part]
