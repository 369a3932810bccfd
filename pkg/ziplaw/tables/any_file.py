"""Any table of runs as rows of cells: packed or not, text in any encoding, JSON, parquet; files and pipes."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..base.checksums import check_made
from ..base.documents import unique_keys
from ..errors import FitError, ZiplawError, shown
from .text_lines import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, read_text_table

MAX_BYTES = 1 << 26
# a whole document becomes Python objects of some twenty times its size; JSON lines are taken one by one
MAX_JSON_BYTES, MAX_LINE_BYTES, MAX_NESTING = 1 << 24, 1 << 20, 8
_PACKED = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"\xfd7zXZ\x00": ".xz", b"BZh": ".bz2"}
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TABLE = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet (.xlsx): save the sheet as CSV, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet (.xls): save the sheet as CSV"),
    (b"ARROW1", "an Arrow file: write it as parquet or CSV"),
    (b"\x93NUMPY", "a numpy array: write a CSV with a header such as N,D,loss"),
    (b"%PDF", "a PDF: give the table as CSV"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file: fetch it with git lfs pull"),
    (b"<!doctype", "a web page: download the raw file"),
    (b"<html", "a web page: download the raw file"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass
class Table:
    """Rows of a table as they stand in its file.

    Attributes
    ----------
    name : str
        What messages call it.
    rows : list of dict
        Column -> cell, at least one row; text as it is written, JSON's and parquet's values as they are, None where a
        cell is empty.
    mark : str
        What stands between the columns of a table of text, "" for JSON and parquet.
    notes : list of str
        What was guessed or left out in reading.
    """

    name: str
    rows: list[dict[str, Any]]
    mark: str = ""
    notes: list[str] = field(default_factory=list)


def read_table(path: str | os.PathLike, empty: bool = False) -> Table:
    """Read a table of runs from a file or a pipe; what it is, is told from its content.

    Parameters
    ----------
    path : path-like
        CSV or the like (see `read_text_table`), JSON lines, a JSON array of records or object of columns, or parquet;
        as .gz, .zst, .xz or .bz2 or plain; text in UTF-8, UTF-16 or UTF-32, else Windows-1252. ``-`` is standard input.
    empty : bool
        Take a header without rows.

    Raises
    ------
    FitError
        When it is no table, is empty, has no rows, or is larger than MAX_BYTES unpacked or MAX_ROWS.
    ZiplawError
        When it does not match the checksums that a verb wrote beside it.
    OSError
        When it cannot be read.
    """
    check_made(path)
    name = "standard input" if os.fspath(path) == "-" else str(path)
    data = _bytes(path, name)
    for magic, what in _NO_TABLE:
        if data[:64].lstrip().lower().startswith(magic.lower()):
            raise FitError(f"{name} is {what}")
    if not data.strip():
        raise FitError(f"{name} is empty: a table with a header line is needed")
    if data.startswith(b"PAR1"):
        table = Table(name, _read_parquet(data, name))
    else:
        text, notes = _decoded(data, name)
        if text.lstrip()[:1] in ("{", "["):
            table = Table(name, _read_json(text, name), notes=notes)
        else:
            rows, mark, more = read_text_table(text, name)
            table = Table(name, rows, mark, notes + more)
    if not table.rows and not empty:
        raise FitError(f"{name} has a header and no rows: measure something first")
    return table


def _bytes(path, name):
    """Return the whole content, unpacked, as far as the limit allows."""
    with sys.stdin.buffer if os.fspath(path) == "-" else open(path, "rb") as stream:
        data = _joined(iter(lambda: stream.read(1 << 20), b""), name)
    packed = next((suffix for magic, suffix in _PACKED.items() if data.startswith(magic)), "")
    if not packed:
        return data
    from ..corpora.storage.packed import unpack

    try:
        return _joined(unpack(io.BytesIO(data), packed, name), name)
    except ZiplawError as error:
        raise FitError(str(error)) from None


def _joined(parts, name):
    data = bytearray()
    for part in parts:
        data += part
        if len(data) > MAX_BYTES:
            raise FitError(
                f"{name} holds over {MAX_BYTES >> 20} MiB, more than a table of runs may: keep the rows and columns of "
                "the runs"
            )
    return bytes(data)


def _decoded(data, name):
    """Return text and notes; control characters tell that it is none."""
    head = data[:4096]
    found = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), None)
    if found is None and b"\0" in head:  # UTF-16 without its mark: every second byte of ASCII text is 0
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) * 0.4 and min(even, odd) < len(head) * 0.05:
            found = "utf-16-le" if odd > even else "utf-16-be"
    notes = [f"text in {found.upper()}"] if found not in (None, "utf-8") else []
    try:
        text = data.decode("utf-8-sig" if found in (None, "utf-8") else found)
    except UnicodeDecodeError as error:
        if found is not None:
            raise FitError(f"{name} is no whole {found.upper()} text (byte {error.start}): write it as UTF-8") from None
        text, notes = data.decode("cp1252", "replace"), ["no UTF-8, read as Windows-1252"]
    if found := _CONTROL.search(text):
        raise FitError(
            f"{name} is binary (a character {found[0]!r} at {found.start()}), no table: give CSV, JSON lines or parquet"
        )
    return text, notes


def _read_json(text, name):
    first, _, rest = text.lstrip().partition("\n")
    if first.startswith("{") and rest.strip():
        try:
            _parsed(first)
        except (ValueError, RecursionError):
            pass
        else:
            return _table_of(_json_lines(text, name), name)
    if len(text) > MAX_JSON_BYTES:
        raise FitError(
            f"{name} is one JSON document of over {MAX_JSON_BYTES >> 20} MiB: write JSON lines, a run a line"
        )
    try:
        document = _parsed(text)
    except (ValueError, RecursionError) as error:
        raise FitError(
            f"{name} is neither a JSON document nor JSON lines ({error}): write it again, or give a CSV"
        ) from None
    return _table_of(_records(document, name), name)


def _parsed(text):
    return json.loads(text, object_pairs_hook=unique_keys)


def _json_lines(text, name):
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE_BYTES:
            raise FitError(f"{name} line {number} is longer than {MAX_LINE_BYTES >> 20} MiB: one run a line is needed")
        try:
            yield _parsed(line)
        except (ValueError, RecursionError) as error:
            raise FitError(f"{name} line {number} is not valid JSON ({error}): mend or drop that line") from None


def _records(document, name):
    """Return the records of a JSON document: an array of objects or of rows, or an object of columns."""
    if isinstance(document, dict):
        tables = [
            value for value in document.values() if isinstance(value, list) and value and isinstance(value[0], dict)
        ]
        ours = str(document.get("kind", "")).startswith("ziplaw/")
        if len(tables) == 1 and not ours:
            return tables[0]
        values = list(document.values())
        if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
            return _records([document["columns"], *document["data"]], name)
        if len(values) > 1 and all(isinstance(value, list) and len(value) == len(values[0]) for value in values):
            return [dict(zip(document, row)) for row in zip(*values)]
        if len(values) > 1 and all(isinstance(value, dict) and list(value) == list(values[0]) for value in values):
            columns = {key: value.values() for key, value in document.items()}
            inner = [isinstance(cell, dict | list) for column in columns.values() for cell in column]
            if inner and not any(inner):
                return [dict(zip(document, row)) for row in zip(*columns.values())]
        if not ours and any(isinstance(value, str | int | float) for value in values):
            return [document]
        raise FitError(f"{name} is JSON, no table: give an array of records, JSON lines or a CSV of runs")
    if document and isinstance(document[0], list) and all(isinstance(key, str) for key in document[0]):
        header = document[0]
        for i, row in enumerate(document):
            if not isinstance(row, list) or len(row) != len(header):
                raise FitError(f"{name} row {i} is no array of {len(header)} cells like its header: mend it")
        if len(set(header)) < len(header):
            raise FitError(f"{name} has two columns of one name: rename one")
        return [dict(zip(header, row)) for row in document[1:]]
    return document


def _table_of(records, name):
    """Return flat rows that all have the same columns, in the order in which they first appear."""
    rows, columns = [], {}
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise FitError(f"{name} record {number} is a JSON {type(record).__name__}, not an object of cells: mend it")
        try:
            rows.append(dict(_flat(record)))
        except ValueError as error:
            raise FitError(f"{name} record {number}: {error}") from None
        columns.update(dict.fromkeys(rows[-1]))
        if len(rows) > MAX_ROWS or len(columns) > MAX_COLUMNS or len(rows) * len(columns) > MAX_CELLS:
            raise FitError(
                f"{name} has more than {MAX_ROWS} rows, {MAX_COLUMNS} columns or {MAX_CELLS} cells: keep those of the "
                "runs"
            )
    return [{column: row.get(column) for column in columns} for row in rows]


def _flat(record, prefix="", depth=0):
    """Yield (dotted name, cell) of a record; lists become text."""
    if depth > MAX_NESTING:
        raise ValueError(f"it is nested more than {MAX_NESTING} deep: flatten it")
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.", depth + 1)
        else:
            cell = shown(value) if not (value is None or isinstance(value, str | int | float)) else value
            yield f"{prefix}{key}", None if cell == "" else cell


def _read_parquet(data, name):
    from ..corpora.storage.parquet_limits import largest_page, unpacked_bytes

    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise FitError(f"{name} is parquet, which needs pyarrow: pip install pyarrow, or give a CSV") from None
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        columns = [file.schema_arrow.field(i) for i in range(len(file.schema_arrow.names))]
        kept = [column.name for column in columns if _is_cell(arrow.types, column.type)]
        twice = next((column for i, column in enumerate(kept) if column in kept[:i]), None)
        if twice is not None:
            raise FitError(f"{name} has two columns named {shown(twice)}: rename one")
        size = unpacked_bytes(io.BytesIO(data), name)  # pyarrow's own count can end the process on a damaged footer
        if file.metadata.num_rows > MAX_ROWS or file.metadata.num_rows * len(kept) > MAX_CELLS or size > MAX_BYTES:
            raise FitError(
                f"{name} has {file.metadata.num_rows} rows of {len(columns)} columns, {size >> 20} MiB unpacked; at "
                f"most {MAX_ROWS} rows, {MAX_CELLS} cells and {MAX_BYTES >> 20} MiB are read: keep those of the runs"
            )
        page = max((largest_page(io.BytesIO(data), column, name) for column in kept), default=0)
        if page > MAX_BYTES:  # whatever the end of the file says of it
            raise FitError(
                f"{name} has a page of {page >> 20} MiB, at most {MAX_BYTES >> 20} are read: keep the runs' columns"
            )
        # a text that many rows share stays one text
        texts = [column.name for column in columns if column.name in kept and arrow.types.is_string(column.type)]
        file = parquet.ParquetFile(io.BytesIO(data), read_dictionary=texts)
        rows = []
        for batch in file.iter_batches(batch_size=4096, columns=kept):
            rows += _table_of(_batch(arrow, batch), name)
        return rows
    except (arrow.ArrowException, OSError, UnicodeDecodeError, OverflowError, ValueError) as error:
        if isinstance(error, ZiplawError):
            raise FitError(str(error)) from None
        why = " ".join(str(error).split())
        raise FitError(f"{name} is not a parquet file ({why}): give a parquet or CSV file") from None


def _is_cell(types, kind):
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_struct(kind):
        return all(_is_cell(types, kind.field(i).type) for i in range(kind.num_fields))
    return not (types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _batch(arrow: Any, batch: Any) -> Iterator[dict[str, Any]]:
    columns = {}
    for column, array in zip(batch.schema.names, batch.columns):
        if arrow.types.is_dictionary(array.type):
            values = array.dictionary.to_pylist()
            columns[column] = [None if i is None else values[i] for i in array.indices.to_pylist()]
        else:
            columns[column] = array.to_pylist()
    for row in zip(*columns.values()):
        yield {column: _cell(value) for column, value in zip(columns, row)}


def _cell(value):
    """Decimals as floats, dates as text; numbers, truth values, text and structs as they are."""
    if value is None or isinstance(value, str | int | float | dict):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)
