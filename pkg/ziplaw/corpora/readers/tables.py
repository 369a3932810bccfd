"""Records in columns: parquet and Arrow IPC files (both its forms, and what the datasets library saves)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ...errors import CorpusError
from ..storage.arrow_limits import check_batches
from ..storage.files import DamagedFile, InputFile, missing
from ..storage.parquet_limits import largest_page
from .fields import choose_field, dig

# rows are decoded in batches that come to about this, whatever the file says of itself
_BATCH_BYTES = 1 << 26
_BATCH_ROWS = 256
_ARROW_MARK = b"ARROW1"


def _pyarrow(file):
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise missing("pyarrow", f"{file} ({file.kind})") from None
    return pyarrow


class _Readable:
    """Turn what pyarrow raises for a file that it cannot read into one line."""

    def __init__(self, pa: Any, file: InputFile):
        self.pa, self.file = pa, file

    def __enter__(self) -> _Readable:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        expected = (self.pa.ArrowException, UnicodeDecodeError, OSError, OverflowError, MemoryError)
        if isinstance(error, expected) and not isinstance(error, FileNotFoundError | PermissionError):
            text = " ".join(str(error).split())[:200]
            what = f"{self.file} is no readable {self.file.kind} file ({text}): fetch it again"
            raise CorpusError(what) from None


def _form(kind, pa):
    """Return the form of a column, as `fields.form_of` does of a value."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return "text"
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return "text"
    if types.is_null(kind):
        return "null"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = kind.value_type
        if types.is_integer(inner):
            return "ids"
        names = {inner.field(i).name for i in range(inner.num_fields)} if types.is_struct(inner) else set()
        return "chat" if names & {"content", "value"} else "other"
    return "other"


def _forms(fields, pa, prefix=""):
    found = {}
    for field in fields:
        if pa.types.is_struct(field.type):
            inner = [field.type.field(i) for i in range(field.type.num_fields)]
            found |= _forms(inner, pa, f"{prefix}{field.name}.")
        else:
            found[prefix + field.name] = (_form(field.type, pa), str(field.type))
    return found


def _check_twice(schema, column, file):
    """Refuse a column whose name another one has: which is meant?"""
    for name in (column, column.split(".")[0]):
        if schema.names.count(name) > 1:
            raise CorpusError(f"{file} has {schema.names.count(name)} columns {name!r}: rename one of them")


def choose_column(file: InputFile, wanted: str | None) -> tuple[str, str, str]:
    """Choose the column to read; parameters and result as for `fields.choose_field`."""
    pa = _pyarrow(file)
    with _Readable(pa, file):
        if file.kind == "parquet":
            with pa.parquet.ParquetFile(file) as table:
                schema = table.schema_arrow
        else:
            with _arrow_stream(file, pa) as stream, pa.ipc.open_stream(stream) as reader:
                schema = reader.schema
        chosen = choose_field(_forms(schema, pa), wanted, str(file), "column")
        _check_twice(schema, chosen[0], file)
        return chosen


def table_values(file: InputFile, column: str) -> Iterator[tuple[int, str, Any]]:
    """Yield (row number from 1, place for messages, value) of a column; None for null, an array for a list of numbers.

    Raises
    ------
    CorpusError
        When the file is damaged or has no such column, or pyarrow is not installed.
    """
    pa = _pyarrow(file)
    row = 0
    with _Readable(pa, file):
        for batch in (_parquet_batches if file.kind == "parquet" else _arrow_batches)(file, column, pa):
            names = batch.schema.names
            root = column if column in names else column.split(".")[0]
            if root not in names:
                dig(dict.fromkeys(names), column, str(file))
            cells = batch.column(names.index(root))
            ids = root == column and _form(cells.type, pa) == "ids"
            # one value after the other: of a column with a dictionary a batch may stand for much more than it holds
            for cell in cells:
                row += 1
                where = f"{file} row {row}"
                if ids:
                    value = None if cell.values is None else cell.values.to_numpy(zero_copy_only=False)
                else:
                    value = cell.as_py()
                yield row, where, value if root == column else dig({root: value}, column, where)


def _parquet_batches(file, column, pa):
    # read through a small buffer: by default whole column chunks, often a gigabyte, are held
    with pa.parquet.ParquetFile(file, buffer_size=1 << 16, pre_buffer=False) as table:
        if not any(name == column for name in _forms(table.schema_arrow, pa)):
            dig(dict.fromkeys(_forms(table.schema_arrow, pa)), column, str(file))
        # no value is larger than the page it is in, or than the page of the dictionary that it is taken from
        with open(file, "rb") as stream:
            page = largest_page(stream, column, file)
        rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, page)))
        yield from table.iter_batches(batch_size=rows, columns=[column], use_threads=False)


def _arrow_stream(file, pa):
    """Open the file where its stream of messages starts: after the mark of the file form, or at once."""
    stream = pa.memory_map(os.fspath(file))
    if stream.read(6) != _ARROW_MARK:
        stream.seek(0)
        return stream
    stream.seek(max(0, stream.size() - 6))
    if stream.read(6) != _ARROW_MARK:
        raise DamagedFile(f"{file} is no whole arrow file (its end is missing): fetch it again")
    stream.seek(8)
    return stream


def _arrow_batches(file, column, pa):
    with _arrow_stream(file, pa) as stream:
        check_batches(file, pa.ipc.MessageReader.open_stream(stream))
    with _arrow_stream(file, pa) as stream, pa.ipc.open_stream(stream) as reader:
        for batch in reader:
            # offsets that point outside would be followed: pyarrow looks only when asked
            batch.validate(full=True)
            yield batch
