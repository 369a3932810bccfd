"""How much memory a page of a parquet file takes, before it is unpacked: a few kilobytes can stand for gigabytes.

pyarrow unpacks whole pages, of the size that the header of a page claims, and shows no header. So they are read here:
each is a Thrift struct in compact encoding (type, unpacked size, packed size, ..., number of values).
"""

from __future__ import annotations

from typing import BinaryIO

from ...errors import CorpusError
from .files import DamagedFile

MAX_PAGE_BYTES = 1 << 28
# values in lists are packed best of all: a run of a billion equal ones takes ten bytes
_FREE_VALUES, _MAX_VALUES_A_BYTE = 1 << 24, 500
_HEAD_BYTES, _MAX_HEAD_BYTES = 1 << 10, 1 << 22
_DATA_HEADERS = (5, 8)  # fields of a page's header that hold the number of values, in their field 1


def largest_page(stream: BinaryIO, metadata, column: str, file: object) -> int:
    """Return the unpacked size of the largest page of a column, in bytes.

    Parameters
    ----------
    stream : binary file
        The parquet file.
    metadata : pyarrow.parquet.FileMetaData
        Of that file.
    column : str
        A column, keys joined with dots; what is nested in it counts too.
    file : object
        What messages call it.

    Raises
    ------
    CorpusError
        When a page is larger than MAX_PAGE_BYTES, values in lists are too many for the file, or a header is damaged.
    """
    largest = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for i in range(rows.num_columns):
            chunk = rows.column(i)
            if chunk.path_in_schema == column or chunk.path_in_schema.startswith(f"{column}."):
                size, values = _walk(stream, chunk, file)
                largest = max(largest, size)
                nested = chunk.path_in_schema != column
                if nested and values > max(_FREE_VALUES, _MAX_VALUES_A_BYTE * chunk.total_compressed_size):
                    raise CorpusError(
                        f"{file}: column {column!r} has {values} values in {chunk.total_compressed_size} bytes: "
                        "if that is meant, write it anew without encodings"
                    )
    return largest


def _walk(stream, chunk, file):
    """Return (unpacked size of the largest page, number of values) of a column chunk."""
    starts = [chunk.data_page_offset]
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        starts.append(chunk.dictionary_page_offset)
    at = min(starts)
    end = at + chunk.total_compressed_size
    largest = values = 0
    while at < end:
        fields, length = _header(stream, at, file)
        size, packed = fields.get((2,), -1), fields.get((3,), -1)
        if size < 0 or packed < 0:
            raise _damaged(file)
        if size > MAX_PAGE_BYTES:
            raise CorpusError(
                f"{file} has a page of {size} bytes unpacked, at most {MAX_PAGE_BYTES} are read: write it anew with "
                "smaller pages"
            )
        largest = max(largest, size)
        values += max(0, *(fields.get((header, 1), 0) for header in _DATA_HEADERS))
        at += length + packed
    return largest, values


def _damaged(file):
    return DamagedFile(f"{file} is no readable parquet file (the header of a page is damaged): fetch it again")


def _header(stream, at, file):
    size = _HEAD_BYTES
    while True:
        stream.seek(at)
        data = stream.read(size)
        try:
            fields: dict[tuple[int, ...], int] = {}
            return fields, _struct(data, 0, fields, ())
        except IndexError:
            # statistics in a header may hold long texts
            if len(data) < size or size >= _MAX_HEAD_BYTES:
                raise _damaged(file) from None
            size *= 8
        except ValueError:
            raise _damaged(file) from None


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError


def _struct(data, at, fields, path):
    """Read a struct at ``at``; its integers go to ``fields`` under their path; return where it ends."""
    number = 0
    while True:
        head = data[at]
        at += 1
        if head == 0:
            return at
        if head >> 4:
            number += head >> 4
        else:
            value, at = _varint(data, at)
            number = value >> 1 ^ -(value & 1)
        at = _value(data, at, head & 15, fields, (*path, number))


def _value(data, at, kind, fields, path):
    if kind in (1, 2):  # true, false: no bytes of their own
        return at
    if kind == 3:
        return at + 1
    if kind in (4, 5, 6):
        value, at = _varint(data, at)
        fields[path] = value >> 1 ^ -(value & 1)
        return at
    if kind == 7:
        return at + 8
    if kind == 8:
        length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError
        return at + length
    if kind in (9, 10):
        head = data[at]
        count, at = (head >> 4, at + 1) if head >> 4 < 15 else _varint(data, at + 1)
        for _ in range(count):
            at = at + 1 if head & 15 in (1, 2) else _value(data, at, head & 15, {}, ())
        return at
    if kind == 12 and len(path) < 8:
        return _struct(data, at, fields, path)
    raise ValueError
