"""Read any table of N, D and loss: CSV, TSV or parquet, with named or guessed columns."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from .errors import FitError
from .io import read_csv

# guesses, best first, letters and digits only, lower case; N means non-embedding parameters where a table has both
GUESSES = {
    "N": "nnoembed nnonembedding nonembeddingparams nonembedding n params nparams parameters nparameters numparams "
    "numparameters modelsize size ntotal totalparams".split(),
    "D": "d tokens ntokens trainingtokens traintokens numtokens trainedtokens tokensseen datasetsize ndata".split(),
    "C": "c flops flop compute trainingflops trainflops c6nd".split(),
    "U": "u uniquetokens unique tokensperepoch".split(),
    "S": "s steps step".split(),
    "epochs": "epoch epochs nepochs numepochs".split(),
    "loss": "loss validloss valloss validationloss evalloss testloss heldoutloss crossentropy nll".split(),
}
GROUPS = ("dataset", "dataset_name", "corpus")


def read_rows(path: str | Path) -> list[dict[str, Any]]:
    """Read a CSV, TSV or parquet file into one dict a row.

    Raises
    ------
    FitError
        When the file is empty, has no rows, or is parquet and pyarrow is missing.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        raise FitError(f"{path} is JSON, no table: give the CSV, TSV or parquet file of runs")
    if path.suffix.lower() in (".parquet", ".pq"):
        rows = _read_parquet(path)
    elif path.suffix.lower() in (".tsv", ".tab"):
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as stream:
            rows = [{k: _parse(v) for k, v in row.items() if k} for row in csv.DictReader(stream, delimiter="\t")]
    else:
        with open(path, encoding="utf-8-sig", errors="replace") as stream:
            header = stream.readline()
        if "," not in header and (others := [mark for mark in ";\t|" if mark in header]):
            raise FitError(f"{path} has columns separated by {others[0]!r}: commas are needed, or tabs in a .tsv")
        rows = read_csv(path)
    if not rows:
        raise FitError(f"{path} has a header and no rows: measure something first")
    return rows


def _parse(cell):
    from .io import _parse as parse

    return parse(cell or "")


def _read_parquet(path):
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise FitError(f"{path} is parquet, which needs pyarrow: pip install pyarrow, or give a CSV") from None
    import pyarrow as arrow

    try:
        return parquet.read_table(path).to_pylist()
    except arrow.ArrowInvalid as error:
        raise FitError(f"{path} is not a parquet file ({error}): give a parquet or CSV file") from None


def select(rows, conditions):
    """Keep the rows in which every named column has the given value (compared as text, numbers as numbers).

    Raises
    ------
    FitError
        When a column does not exist or no row is left; the values to choose from are named.
    """
    for column, wanted in conditions:
        if column not in rows[0]:
            raise FitError(f"there is no column {column!r}: the table has {', '.join(map(str, rows[0]))}")
        kept = [row for row in rows if _equal(row[column], wanted)]
        if not kept:
            values = sorted({str(row[column]) for row in rows})
            shown = ", ".join(values[:8]) + (", ..." if len(values) > 8 else "")
            raise FitError(f"no row has {column} = {wanted!r}: choose one of {shown}")
        rows = kept
    return rows


def _equal(value, wanted):
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value) == float(wanted)
        except ValueError:
            return False
    return str(value) == wanted


def group_column(rows):
    """Return the name of the column that tells datasets apart, or None."""
    lower = {str(name).lower(): name for name in rows[0]}
    return next((lower[name] for name in GROUPS if name in lower), None)


def law_columns(rows, named=None, extra=()) -> tuple[dict[str, list], dict[str, str]]:
    """Return the columns N, D, loss and any extra ones (lists), and the text of where each came from.

    Parameters
    ----------
    rows : list of dict
        The table.
    named : dict, optional
        Column names given for "N", "D", "loss", "C", "U", "S"; a product such as "unique_tokens*epoch" is allowed.
    extra : sequence of str
        Further columns that are needed: "C", "U" (unique tokens) or "S" (steps). C is 6 N D where there is none, D
        unique tokens times epochs.

    Raises
    ------
    FitError
        When a column is missing, ambiguous, or a cell is no number.
    """
    named = {key: value for key, value in (named or {}).items() if value}
    if "D" not in named and not guess_column(rows, "D"):
        unique, epochs = named.get("U") or guess_column(rows, "U"), guess_column(rows, "epochs")
        if unique and epochs:
            named["D"] = f"{unique}*{epochs}"
    columns, origin = {}, {}
    for key in ("N", "D", "loss", "C", *(key for key in extra if key != "C")):
        name = named.get(key) or guess_column(rows, key)
        if name:
            columns[key], origin[key] = numbers(rows, name), name
    for missing, other in (("N", "D"), ("D", "N")):
        if missing not in columns and other in columns and "C" in columns:
            columns[missing] = [c / (6 * v) for c, v in zip(columns["C"], columns[other])]
            origin[missing] = f"{origin['C']}/(6*{origin[other]})"
    if "C" in extra and "C" not in columns and {"N", "D"} <= set(columns):
        columns["C"] = [6 * n * d for n, d in zip(columns["N"], columns["D"])]
        origin["C"] = f"6*{origin['N']}*{origin['D']}"
    wanted = ("loss", "N", "D", *extra)
    for key in wanted:
        if key not in columns:
            raise FitError(
                f"no column for {key} among {', '.join(map(str, rows[0]))}: name it with --{key.lower()}-column"
            )
    return {key: columns[key] for key in wanted}, {key: origin[key] for key in wanted}


def guess_column(rows, key) -> str | None:
    """Return the column of a table that by its name holds a quantity of ``GUESSES``; None where there is none.

    Raises
    ------
    FitError
        When several columns may be the loss.
    """
    header = rows[0]
    plain = {}
    for name in header:
        plain.setdefault("".join(ch for ch in str(name).lower() if ch.isalnum()), name)
    for guess in GUESSES[key]:
        if guess in plain:
            return plain[guess]
    if key == "loss":
        candidates = [name for name in header if str(name).lower().startswith("loss") or "loss" in str(name).lower()]
        held_out = [name for name in candidates if "train" not in str(name).lower()]
        if len(held_out) == 1:
            return held_out[0]
        if len(candidates) > 1:
            raise FitError(f"several columns may be the loss ({', '.join(candidates)}): choose with --loss-column")
    return None


def numbers(rows, name) -> list[float]:
    """Return one column of numbers, or the product of several ("unique_tokens*epoch"); FitError where a cell is none."""
    factors = [name] if name in rows[0] else [part.strip() for part in name.split("*")]
    values = [1.0] * len(rows)
    for factor in factors:
        if factor not in rows[0]:
            raise FitError(f"there is no column {factor!r}: the table has {', '.join(map(str, rows[0]))}")
        for i, row in enumerate(rows):
            cell = row[factor]
            if isinstance(cell, bool) or not isinstance(cell, int | float):
                shown = "empty" if cell in (None, "") else repr(cell)
                raise FitError(f"{factor} is {shown} in row {i + 1}: a number is needed; drop that row or mend it")
            values[i] *= cell
    return values
