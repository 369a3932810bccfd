"""A table with declared columns: what each holds, how its cells are read and written; nothing is guessed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..base.checksums import check_made
from ..base.documents import guessed, read_csv, write_csv
from ..errors import FitError, again

NUMBER, TEXT, TRUTH, GUESSED = "number", "text", "truth", "guessed"


@dataclass(frozen=True)
class Columns:
    """The columns of one table.

    Parameters
    ----------
    name : str
        The file's name in a sweep's folder.
    kinds : mapping of str to str
        Column -> kind, in order. "number": an integer where it is written as one, else a float; "text": as it stands,
        so that the names 007, 1e5, nan and true stay what they are; "truth": true or false. An empty cell is None in
        each.
    others : {"text", "guessed"}
        What further columns hold, which a user may have added.
    """

    name: str
    kinds: Mapping[str, str]
    others: str = TEXT

    @classmethod
    def declare(cls, name: str, columns: str) -> Columns:
        """Declare a table by its columns between spaces, each a number unless ``:text`` or ``:truth`` stands behind
        it.
        """
        pairs = [column.partition(":") for column in columns.split()]
        return cls(name, {column: kind or NUMBER for column, _, kind in pairs})

    @property
    def names(self) -> list[str]:
        """The header."""
        return list(self.kinds)

    def value(self, column: str, cell: str) -> Any:
        """Return what a cell holds: a number or truth value where one is declared, else its text; None of an empty
        one.
        """
        kind = self.kinds.get(column, self.others)
        if kind == GUESSED:
            return guessed(column, cell)
        if cell == "":
            return None
        if kind == TRUTH and cell in ("true", "false"):
            return cell == "true"
        for number in (int, float) if kind == NUMBER else ():
            try:
                return number(cell)
            except ValueError:
                continue
        return cell

    def typed(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return rows from a table of any format, of which cells may be text or typed already, as declared."""

        def typed(column, cell):
            if isinstance(cell, str):
                return self.value(column, cell)
            return str(cell) if cell is not None and self.kinds.get(column) == TEXT else cell

        return [{column: typed(column, cell) for column, cell in row.items()} for row in rows]

    def read(self, path: str | os.PathLike[str]) -> list[dict[str, Any]]:
        """Read the table's CSV.

        Raises
        ------
        FitError
            When a column of numbers holds text: it is refused where it stands, not where it is used.
        ZiplawError
            When it is no CSV (see :func:`ziplaw.base.documents.read_csv`), or does not match the checksums beside it.
        """
        check_made(path)
        rows = read_csv(path, self.value)
        for index, row in enumerate(rows, start=1):
            for column, value in row.items():
                if isinstance(value, str) and self.kinds.get(column) == NUMBER:
                    shown = value if len(value) <= 40 else value[:39] + "…"
                    raise FitError(f"{path} row {index}: {column} is {shown!r}, a number is needed: {again(path)}")
        return rows

    def write(self, path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as the table's CSV, atomically; keys that are missing from a row become empty cells."""
        write_csv(path, rows, self.names)
