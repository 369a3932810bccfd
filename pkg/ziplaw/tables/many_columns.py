"""Tables with many columns of one kind: a loss and an accuracy for each task, a weight and a loss for each domain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ..errors import FitError, shown
from .any_file import Table
from .cells import columns_of_numbers, header_of
from .column_names import words
from .measured_runs import Reading, law_columns

if TYPE_CHECKING:
    import numpy as np

# marks of a task's loss, best first, and of its accuracy
_LOSSES = ("bpb", "nll", "loss", "ce", "bits")
_ACCURACIES = {"acc", "accuracy"}
_NEITHER = {"std", "stderr", "se", "err", "error", "n", "count", "train", "rank"}
WEIGHTS = ("w_*", "weight_*", "weights_*", "share_*", "mix_*", "mixture_*", "train_*")
LOSSES = ("loss_*", "valid_loss_*", "val_loss_*", "valid_*", "val_*", "bpb_*")


@dataclass(frozen=True)
class Block:
    """Columns of numbers without gaps.

    Attributes
    ----------
    names : tuple of str
    values : ndarray float64 (n, k)
    table : Table
        The rows behind them.
    notes : list of str
        How cells were read, and what was left out.
    """

    names: tuple[str, ...]
    values: np.ndarray
    table: Table
    notes: list[str]


def columns_like(table: Table, patterns: Sequence[str], what: str, option: str) -> tuple[str, ...]:
    """Return the columns whose names match a pattern such as ``w_*``, in the table's order.

    Raises
    ------
    FitError
        When a pattern matches no column.
    """
    header = [str(name) for name in table.rows[0]]
    found = {}
    for pattern in (part.strip() for text in patterns for part in text.split(",")):
        own = [name for name in header if name == pattern or fnmatchcase(name, pattern)]
        if not own:
            raise FitError(
                f"no column matches {shown(pattern)} for {what}: the table has {header_of(table.rows)}; give {option}"
            )
        found.update(dict.fromkeys(own))
    return tuple(name for name in header if name in found)


def guessed_like(table: Table, patterns: Sequence[str], what: str, option: str) -> tuple[str, ...]:
    """Return the columns of the first pattern that two or more match, such as ``WEIGHTS``."""
    for pattern in patterns:
        found = [str(name) for name in table.rows[0] if fnmatchcase(str(name), pattern)]
        if len(found) > 1:
            return tuple(found)
    raise FitError(f"no columns are named as {what} ({', '.join(patterns[:3])}): give {option}")


def common_part(names: Sequence[str]) -> str:
    """Return what all names begin with, up to a mark such as _ or /: ``w_`` of w_code and w_web."""
    common = names[0]
    for name in names:
        while not name.startswith(common):
            common = common[:-1]
    cut = max((common.rfind(mark) for mark in "_/.- "), default=-1)
    return common[: cut + 1]


def task_pairs(header: Iterable[object]) -> dict[str, tuple[str, str]]:
    """Pair the columns of each task by their names: bpb_x with acc_x, x/nll with x/accuracy.

    Returns
    -------
    dict
        Task -> its column of losses, its column of accuracies, in the order of the accuracies.
    """
    losses: dict[tuple[str, ...], tuple[int, str]] = {}
    accuracies: dict[tuple[str, ...], str] = {}
    for name in map(str, header):
        parts = words(name)
        if _NEITHER & set(parts):
            continue
        mark = next((m for m in _LOSSES if m in parts), None)
        if _ACCURACIES & set(parts):
            accuracies.setdefault(tuple(part for part in parts if part not in _ACCURACIES), name)
        elif mark:
            task, rank = tuple(part for part in parts if part != mark), _LOSSES.index(mark)
            if task not in losses or rank < losses[task][0]:
                losses[task] = rank, name
    return {"_".join(task) or "task": (losses[task][1], name) for task, name in accuracies.items() if task in losses}


def given_pairs(texts: Sequence[str], header: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Read ``LOSS=ACCURACY`` as a task each; the task is named by what its two columns share, else by the accuracy.

    Raises
    ------
    FitError
        When a text is no pair or a task is given twice.
    """
    pairs: dict[str, tuple[str, str]] = {}
    for text in texts:
        ways = [(text[:i].strip(), text[i + 1 :].strip()) for i, mark in enumerate(text) if mark == "="]
        if not ways or not all(ways[0]):
            raise FitError(f"{shown(text)} is no task: write LOSS_COLUMN=ACCURACY_COLUMN, such as bpb_arc=acc_arc")
        loss, accuracy = next((way for way in ways if way[0] in header), ways[0])
        name = next(iter(task_pairs([loss, accuracy])), accuracy)
        name = accuracy if name in pairs else name
        if name in pairs:
            raise FitError(f"the task {shown(name)} is given twice: give each accuracy once")
        pairs[name] = loss, accuracy
    return pairs


def block(table: Table, names: Sequence[str], decimal: str | None = None, drop_nan: bool = False) -> Block:
    """Return columns (or products, "acc*0.01") as numbers; rows with a gap are refused, or left out with ``drop_nan``.

    Raises
    ------
    FitError
        When a column is missing, a cell is no number, or there is a gap.
    """
    import numpy as np

    found, notes = columns_of_numbers(table, dict(zip(names, names)), decimal, drop_nan)
    values = np.array([[math.nan if v is None else v for v in found[name]] for name in names], dtype=np.float64).T
    fine = np.array([bool(np.isfinite(row).all()) for row in values])
    if not fine.all():
        row = int(np.flatnonzero(~fine)[0])
        column = names[int(np.flatnonzero(~np.isfinite(values[row]))[0])]
        if not drop_nan:
            raise FitError(
                f"{column} has no finite number in row {row + 1}: mend it, or --drop-nan leaves such rows out"
            )
        if not fine.any():
            raise FitError(f"no row has a finite number in every column; {column} has none in row {row + 1}")
        notes = [
            *notes,
            f"{int((~fine).sum())} of {len(fine)} rows left out, without a number in a column that is used",
        ]
    kept = [row for row, keep in zip(table.rows, fine) if keep]
    return Block(tuple(names), values[fine], Table(table.name, kept, table.mark, table.notes), notes)


def task_columns(
    table: Table, pairs: Mapping[str, tuple[str, str]], reading: Reading
) -> tuple[dict[str, np.ndarray], dict[str, str], list[str]]:
    """Return "N" and "D" (n,), "losses" and "accuracy" (n, T) of the tasks; where N and D came from; and notes."""
    names = [name for pair in pairs.values() for name in pair]
    read = block(table, names, reading.decimal, reading.drop_nan)
    sizes = law_columns(
        read.table,
        Reading({**reading.named, "loss": names[0]}, reading.units, "nats", decimal=reading.decimal),
    )
    columns = {"N": sizes.N, "D": sizes.D, "losses": read.values[:, 0::2], "accuracy": read.values[:, 1::2]}
    return columns, {key: sizes.origin[key] for key in ("N", "D")}, [*sizes.notes, *read.notes]
