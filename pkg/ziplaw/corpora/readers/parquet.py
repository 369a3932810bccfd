"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..storage.files import InputFile
from ..storage.parquet_limits import largest_page
from .fields import dig
from .pyarrow_columns import Readable, choose_column, column_values, forms_of_columns, load_pyarrow

# rows are decoded in batches that come to about this, whatever the file says of itself
_BATCH_BYTES = 1 << 26
_BATCH_ROWS = 256


def choose(file: InputFile, wanted: str | None) -> tuple[str, str, str]:
    """Choose the column to read; see `formats.RecordReader`."""
    pa = load_pyarrow(file)
    with Readable(pa, file):
        with pa.parquet.ParquetFile(file) as table:
            schema = table.schema_arrow
        return choose_column(schema, wanted, file, pa)


def values(file: InputFile, column: str) -> Iterator[tuple[int, str, Any]]:
    """Yield the values of a column; see `pyarrow_columns.column_values`."""
    return column_values(file, column, _batches)


def _batches(file, column, pa):
    # read through a small buffer: by default whole column chunks, often a gigabyte, are held
    with pa.parquet.ParquetFile(file, buffer_size=1 << 16, pre_buffer=False) as table:
        if not any(name == column for name in forms_of_columns(table.schema_arrow, pa)):
            dig(dict.fromkeys(forms_of_columns(table.schema_arrow, pa)), column, str(file))
        # no value is larger than the page it is in, or than the page of the dictionary that it is taken from
        with open(file, "rb") as stream:
            page = largest_page(stream, column, file)
        rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, page)))
        yield from table.iter_batches(batch_size=rows, columns=[column], use_threads=False)
