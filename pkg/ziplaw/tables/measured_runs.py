"""The runs of a table: rows that are asked for, columns of N, D and loss in one unit each, and how they were read."""

from __future__ import annotations

import math
import operator
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ..base import limits
from ..base.numerals import MISSING, read_number, shown_number
from ..errors import FitError, shown
from .any_file import Table, read_table
from .cells import columns_of_numbers, decimal_mark, header_of, is_missing, plain_number, read_column
from .column_names import LOSS_UNITS, factor_of, guess, loss_unit

if TYPE_CHECKING:
    import numpy as np

GROUPS = ("dataset", "dataset_name", "corpus")
QUANTITIES = ("N", "D", "C", "loss", "U", "S")
MEANING = {"N": " (parameters)", "D": " (training tokens)", "U": " (unique tokens)", "S": " (training steps)"}
OPERATORS = {"<=": operator.le, ">=": operator.ge, "!=": operator.ne, "==": operator.eq, "=": operator.eq,
             "<": operator.lt, ">": operator.gt}  # fmt: skip


@dataclass
class Reading:
    """How to read the columns of a table.

    Attributes
    ----------
    named : dict
        Column names given for "N", "D", "loss", "C", "U", "S"; a product such as "unique_tokens*epoch" or "N*1e6" is
        allowed. What is not named is guessed.
    units : dict
        What "N" and "D" are to be multiplied by, such as {"N": 1e6}; by default what their names say.
    loss_unit : str, optional
        One of ``LOSS_UNITS``; by default what the name says, else nats per token.
    bytes_per_token : float, optional
        Turns a loss per byte into one per token.
    decimal : {".", ","}, optional
        The mark before decimals; by default told from the cells.
    drop_nan : bool
        Leave out rows without a finite number in a column that is used ("nan", "diverged"), rather than refuse.
    """

    named: dict[str, str] = field(default_factory=dict)
    units: dict[str, float] = field(default_factory=dict)
    loss_unit: str | None = None
    bytes_per_token: float | None = None
    decimal: str | None = None
    drop_nan: bool = False

    def __post_init__(self) -> None:
        for what, given, known in (("named", self.named, QUANTITIES), ("units", self.units, ("N", "D"))):
            if unknown := [key for key in given if key not in known]:
                raise FitError(f"{what} holds {shown(unknown[0])}, must be of {', '.join(known)}: mend its keys")
        if bad := [key for key, unit in self.units.items() if unit not in limits.UNIT]:
            raise FitError(f"the unit of {bad[0]} is {shown(self.units[bad[0]])}, {limits.UNIT.demand}")


@dataclass
class Runs:
    """A table's runs, ready for a law.

    Attributes
    ----------
    columns : dict of ndarray float64 (n,)
        "N", "D", "loss" (and "C", "U" or "S" where asked for), in parameters, tokens, FLOPs and ``loss_unit``;
        ``ziplaw.fit(**runs.columns)`` fits them.
    origin : dict of str
        Where each came from, such as {"N": "params_M*1e6"}.
    loss_unit : str
        "nats per token", "nats per byte", "nats per word" or "nats per character".
    rows : list of dict
        The rows behind them, cells as they stand in the file.
    notes : list of str
        Every choice and conversion that was made.
    """

    columns: dict[str, np.ndarray]
    origin: dict[str, str]
    loss_unit: str
    rows: list[dict[str, Any]]
    notes: list[str]

    @property
    def N(self) -> np.ndarray:
        """Parameters, float64 (n,)."""
        return self.columns["N"]

    @property
    def D(self) -> np.ndarray:
        """Training tokens, float64 (n,)."""
        return self.columns["D"]

    @property
    def loss(self) -> np.ndarray:
        """Held-out loss in ``loss_unit``, float64 (n,)."""
        return self.columns["loss"]


def read_runs(
    path: str | os.PathLike, *, where: str | Sequence[str] = (), extra: Sequence[str] = (), **reading: Any
) -> Runs:
    """Read a table of runs from a file or pipe: CSV and the like, JSON, JSON lines or parquet, packed or not.

    Parameters
    ----------
    path : path-like
        See ``table_files.read_table``; ``-`` is standard input.
    where : str or sequence of str
        Conditions on the rows to keep: "dataset=web", "C<1e21", "loss != nan".
    extra : sequence of str
        Further columns that are needed: "C", "U" (unique tokens) or "S" (steps).
    **reading
        Columns, units and gaps, as in `Reading`: ``named={"loss": "val_bpb"}``, ``units={"N": 1e6}``, ...

    Returns
    -------
    Runs
        Columns for ``ziplaw.fit``, and notes on how they were read.

    Raises
    ------
    FitError
        When the file is no table, a column is missing or ambiguous, or a cell is no number; one line with its remedy.

    Examples
    --------
    >>> runs = ziplaw.read_runs("runs.csv", where=["C<1e21"])  # doctest: +SKIP
    >>> ziplaw.fit(**runs.columns)  # doctest: +SKIP
    """
    where = [where] if isinstance(where, str) else where
    table, reading = read_table(path), Reading(**reading)
    return law_columns(select(table, map(condition, where), reading), reading, extra)


def condition(text: str) -> tuple[tuple[str, str, str], ...]:
    """Return the ways to read ``COLUMN<VALUE`` as (column, operator, value): a column's name may hold an operator
    too.
    """
    ways = [(text[: m.start()].strip(), m[0], text[m.end() :].strip()) for m in re.finditer(r"[<>!=]=|[<>=]", text)]
    if not ways or not ways[0][0]:
        raise FitError(f"{shown(text)} is no condition: write COLUMN=VALUE, or <, <=, >, >= or != in place of =")
    return tuple(ways)


def select(
    table: Table, conditions: Iterable[tuple[tuple[str, str, str], ...]], reading: Reading | None = None
) -> Table:
    """Keep the rows for which every condition holds; a column of numbers is compared as such, others as text.

    N, D, C, loss, U and S may stand for the columns that hold them; C is 6 N D where there is none.

    Raises
    ------
    FitError
        When a column does not exist, no row is left, or < and the like meet text; the values to choose from are named.
    """
    rows, reading = table.rows, reading or Reading()
    for ways in conditions:
        column, sign, wanted = next((way for way in ways if way[0] in rows[0]), ways[0])
        if column in rows[0]:
            cells = [row[column] for row in rows]
        elif column in QUANTITIES:
            cells = _quantity(Table(table.name, rows, table.mark), reading, column)
        else:
            raise FitError(f"there is no column {shown(column)}: the table has {header_of(rows)}")
        read = partial(_numbers, cells, column, reading.decimal, table.mark, reading.drop_nan)
        kept = [row for row, keep in zip(rows, _compare(cells, sign, wanted, column, read)) if keep]
        if not kept:
            raise FitError(f"no row has {column} {sign} {shown(wanted)}: {_choices(cells)}")
        rows = kept
    return Table(table.name, rows, table.mark, list(table.notes))


def only(table: Table, column: str, name: str) -> Table:
    """Keep the rows with this name, compared as text, in a column; FitError where there is none."""
    kept = [row for row in table.rows if str(row[column]) == name]
    if not kept:
        return select(table, [((column, "=", name),)])
    return Table(table.name, kept, table.mark, list(table.notes))


def _choices(cells):
    """Say which values a column has: a few of them, or the range of many numbers."""
    numbers = {plain_number(cell) for cell in cells if not is_missing(cell)}
    if None in numbers or not numbers:
        values = sorted({str(cell) for cell in cells})
    elif len(numbers) > 8:
        return f"it goes from {shown_number(min(numbers))} to {shown_number(max(numbers))}"
    else:
        values = [shown_number(number) for number in sorted(numbers)]
    return f"choose one of {', '.join(values[:8])}{', ...' if len(values) > 8 else ''}"


def _compare(cells, sign, wanted, column, read):
    compare, target = OPERATORS[sign], read_number(wanted)
    if sign in ("=", "==", "!="):
        if wanted.lower() in MISSING | {"nan"}:
            return [compare(is_missing(cell), True) for cell in cells]
        if target is None or _are_names(cells, wanted, read):
            return [compare(str(cell), wanted) for cell in cells]
        return [compare(number, target) for number in read()]
    if target is None or math.isnan(target):
        raise FitError(f"{column} {sign} {shown(wanted)}: a number is needed, such as 1e21")
    return [number is not None and compare(number, target) for number in read()]


def _are_names(cells, wanted, read):
    """Tell whether = asks for a text: names may look like numbers ("007", "7B" beside "7e9", "1e5" beside "web")."""
    odd = [cell for cell in cells if plain_number(cell) is None and not is_missing(cell)]
    if (wanted[0] == "0" and plain_number(wanted) is None) or any(str(cell)[0] == "0" for cell in odd):
        return True
    if not odd or wanted not in cells:
        try:
            read()
        except FitError:
            return True
        return False
    return True


def _numbers(cells, column, decimal, mark, words):
    """Return a column's numbers, None where there is none."""
    return read_column(cells, column, decimal_mark(cells, column, decimal, mark, [cells]), words)


def group_column(rows: list[dict]) -> str | None:
    """Return the name of the column that tells datasets apart, or None."""
    lower = {str(name).lower(): name for name in rows[0]}
    return next((lower[name] for name in GROUPS if name in lower), None)


def law_columns(table: Table, reading: Reading | None = None, extra: Sequence[str] = ()) -> Runs:
    """Return the columns N, D, loss and any extra ones in their units, and the text of where each came from.

    Parameters
    ----------
    table : Table
        The rows.
    reading : Reading, optional
        Columns, units and what to do about gaps.
    extra : sequence of str
        Further columns that are needed: "C", "U" (unique tokens) or "S" (steps). C is 6 N D where there is none, D
        unique tokens times epochs, a missing N or D follows from C.

    Raises
    ------
    FitError
        When a column is missing, ambiguous, or a cell is no number.
    """
    reading = reading or Reading()
    source, notes = _sources(table, reading, ("N", "D", "loss", *extra))
    raw, more = columns_of_numbers(
        table, {key: spec for key, (spec, _, _) in source.items()}, reading.decimal, reading.drop_nan
    )
    columns = {key: [None if v is None else v * source[key][1] for v in values] for key, values in raw.items()}
    origin = {key: text for key, (_, _, text) in source.items()}
    for missing, other in (("N", "D"), ("D", "N")):
        if missing not in columns and other in columns and "C" in columns:
            columns[missing] = [_ratio(c, v) for c, v in zip(columns["C"], columns[other])]
            origin[missing] = f"{origin['C']}/(6*{origin[other]})"
    if "C" in extra and "C" not in columns and {"N", "D"} <= set(columns):
        columns["C"] = [None if n is None or d is None else 6 * n * d for n, d in zip(columns["N"], columns["D"])]
        origin["C"] = f"6*{origin['N']}*{origin['D']}"
    wanted = dict.fromkeys(("loss", "N", "D", *extra))
    for key in wanted:
        if key not in columns:
            raise FitError(
                f"no column for {key}{MEANING.get(key, '')} among {header_of(table.rows)}: name it with "
                f"--{key.lower()}-column, or named={{{key!r}: ...}} from Python"
            )
    unit = _convert_loss(columns, origin, notes, table.rows[0], reading)
    rows, columns = _complete(table.rows, {key: columns[key] for key in wanted}, origin, reading.drop_nan, notes)
    import numpy as np

    columns = {key: np.array(values, dtype=np.float64) for key, values in columns.items()}
    return Runs(columns, {key: origin[key] for key in wanted}, unit, rows, [*table.notes, *notes, *more])


def _sources(table, reading, keys):
    """Return key -> (column or product, factor, text of both), named or guessed, and notes on the choices."""
    named = {key: value for key, value in reading.named.items() if value}
    header, notes, source = table.rows[0], [], {}
    if "D" not in named and not guess(header, "D"):
        unique = named.get("U") or getattr(guess(header, "U"), "name", None)
        epochs = getattr(guess(header, "epochs"), "name", None)
        if unique and epochs:
            named["D"] = f"{unique}*{epochs}"
    for key in dict.fromkeys((*keys, "C")):
        if key == "C" and "C" not in (*keys, *named) and {"N", "D"} <= set(source):
            continue
        found = None if key in named else guess(header, key)
        name = named.get(key) or (found.name if found else None)
        if name is None:
            continue
        factor = reading.units.get(key)
        if factor is None:
            factor = factor_of(name, key) if name in header else 1.0
            if factor != 1:
                notes.append(f"{key} = {name} * {factor:g}, as its name says")
        source[key] = name, factor, name if factor == 1 else f"{name}*{factor:g}"
        if found and found.note:
            notes.append(f"{key} = {name}, {found.note}")
    return source, notes


def _convert_loss(columns, origin, notes, header, reading):
    """Turn the column of losses into nats, in place; return nats per what. A product is taken as it is."""
    name = origin["loss"]
    given = reading.loss_unit or (loss_unit(name) if name in header else "nats")
    if given not in LOSS_UNITS:
        raise FitError(f"the loss's unit is {given!r}, must be one of {', '.join(LOSS_UNITS)}")
    unit, factor = LOSS_UNITS[given]
    if factor is None:
        from ..numerics.functions import log

        columns["loss"] = [_logarithm(value, log) for value in columns["loss"]]
        origin["loss"] = f"ln({name})"
    elif factor != 1:
        columns["loss"] = [None if value is None else value * factor for value in columns["loss"]]
        origin["loss"] = f"{name}*ln(2)"
    if reading.bytes_per_token is not None:
        if unit != "nats per byte":
            raise FitError(f"bytes per token are of no use: the loss {name} is in {unit}, not per byte")
        if reading.bytes_per_token not in limits.BYTES_PER_TOKEN:
            raise FitError(f"bytes per token are {shown(reading.bytes_per_token)}, {limits.BYTES_PER_TOKEN.demand}")
        columns["loss"] = [None if value is None else value * reading.bytes_per_token for value in columns["loss"]]
        origin["loss"] += f"*{reading.bytes_per_token:g}"
        unit = "nats per token"
    if given != "nats":
        remedy = "" if unit != "nats per byte" else "; --bytes-per-token makes them nats per token"
        notes.append(f"loss = {origin['loss']}: {given.replace('-', ' ')} as {unit}{remedy}")
    return unit


def _logarithm(value, log):
    if value is None or math.isnan(value):
        return value
    return float(log(value)) if value > 0 else -math.inf


def _ratio(c, v):
    return None if c is None or not v else c / (6 * v)


def _complete(rows, columns, origin, drop, notes):
    """Refuse gaps, or leave out the rows that have them."""
    gaps = {}
    for key, values in columns.items():
        for i, value in enumerate(values):
            if value is None or not math.isfinite(value):
                if not drop:
                    raise FitError(
                        f"{origin[key]} is {'empty' if value is None else value} in row {i + 1}: a finite number is "
                        "needed; --drop-nan (drop_nan=True) leaves such rows out"
                    )
                gaps.setdefault(i, key)
    if not gaps:
        return rows, columns
    if len(gaps) == len(rows):
        key = gaps[0]
        raise FitError(f"no row has a finite number in every column; {origin[key]} is {columns[key][0]} in row 1")
    reasons = {key: sum(reason == key for reason in gaps.values()) for key in columns}
    why = ", ".join(f"{n} without {key}" for key, n in reasons.items() if n)
    notes.append(f"{len(gaps)} of {len(rows)} rows left out ({why})")
    keep = [i for i in range(len(rows)) if i not in gaps]
    return [rows[i] for i in keep], {key: [values[i] for i in keep] for key, values in columns.items()}


def _quantity(table, reading, key):
    """Return N, D, C, loss, U or S of every row, as the law takes it; None where it is not known."""
    source, _ = _sources(table, reading, ("N", "D", key))
    raw, _ = columns_of_numbers(
        table, {name: spec for name, (spec, _, _) in source.items()}, reading.decimal, reading.drop_nan
    )
    columns = {name: [None if v is None else v * source[name][1] for v in values] for name, values in raw.items()}
    if key not in columns and key == "C" and {"N", "D"} <= set(columns):
        return [None if n is None or d is None else 6 * n * d for n, d in zip(columns["N"], columns["D"])]
    if key not in columns:
        raise FitError(f"there is no column {key}, nor one known to hold it: the table has {header_of(table.rows)}")
    if key == "loss":
        _convert_loss(columns, {key: source[key][2]}, [], table.rows[0], reading)
    return columns[key]
