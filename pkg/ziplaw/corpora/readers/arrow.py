"""Arrow IPC files: both their forms, and what the datasets library saves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ..storage.arrow_limits import check_batches
from ..storage.files import DamagedFile, InputFile
from .pyarrow_columns import Readable, choose_column, column_values, load_pyarrow

_MARK = b"ARROW1"


def choose(file: InputFile, wanted: str | None) -> tuple[str, str, str]:
    """Choose the column to read; see `formats.RecordReader`."""
    pa = load_pyarrow(file)
    with Readable(pa, file):
        with _stream(file, pa) as stream, pa.ipc.open_stream(stream) as reader:
            schema = reader.schema
        return choose_column(schema, wanted, file, pa)


def values(file: InputFile, column: str) -> Iterator[tuple[int, str, Any]]:
    """Yield the values of a column; see `pyarrow_columns.column_values`."""
    return column_values(file, column, _batches)


def _stream(file, pa):
    """Open the file where its stream of messages starts: after the mark of the file form, or at once."""
    stream = pa.memory_map(os.fspath(file))
    if stream.read(6) != _MARK:
        stream.seek(0)
        return stream
    stream.seek(max(0, stream.size() - 6))
    if stream.read(6) != _MARK:
        raise DamagedFile(f"{file} is no whole arrow file (its end is missing): fetch it again")
    stream.seek(8)
    return stream


def _batches(file, column, pa):
    with _stream(file, pa) as stream:
        check_batches(file, pa.ipc.MessageReader.open_stream(stream))
    with _stream(file, pa) as stream, pa.ipc.open_stream(stream) as reader:
        for batch in reader:
            # offsets that point outside would be followed: pyarrow looks only when asked
            batch.validate(full=True)
            yield batch
