"""How much memory a page of a parquet file takes, before it is unpacked: a few kilobytes can stand for gigabytes.

pyarrow unpacks whole pages, of the size that the header of a page claims, and shows no header; and what it shows of the
footer it shows by calls that a damaged one makes end the process. So both are read here: they are structs of Thrift in
compact encoding, here {field number: value}.
"""

from __future__ import annotations

import contextlib
from typing import Any, BinaryIO

from ...errors import CorpusError
from .files import DamagedFile

MAX_PAGE_BYTES = 1 << 28
# values in lists are packed best of all: a run of a billion equal ones takes ten bytes
_FREE_VALUES, _MAX_VALUES_A_BYTE = 1 << 24, 500
_HEAD_BYTES, _MAX_HEAD_BYTES, _MAX_FOOTER_BYTES = 1 << 10, 1 << 22, 1 << 28
_MARK = b"PAR1"
# numbers of fields, of FileMetaData, RowGroup, ColumnChunk, ColumnMetaData and PageHeader
_ROW_GROUPS, _COLUMNS, _ROWS, _META = 4, 1, 3, 3
_PATH, _UNPACKED_SIZE, _PACKED_SIZE, _DATA_OFFSET, _DICTIONARY_OFFSET = 3, 6, 7, 9, 11
_PAGE_SIZE, _PAGE_PACKED_SIZE, _DATA_HEADERS, _NUM_VALUES = 2, 3, (5, 8), 1


def largest_page(stream: BinaryIO, column: str, file: object) -> int:
    """Return the unpacked size of the largest page of a column, in bytes.

    Parameters
    ----------
    stream : binary file
        The parquet file.
    column : str
        A column, keys joined with dots; what is nested in it counts too.
    file : object
        What messages call it.

    Raises
    ------
    CorpusError
        When a page is larger than MAX_PAGE_BYTES, values in lists are too many for the file, or footer or headers are
        damaged.
    """
    largest = 0
    with _damage_told(file):
        for path, chunk, rows in _chunks(stream):
            if path == column or path.startswith(f"{column}."):
                size, values = _walk(stream, chunk, file)
                largest = max(largest, size)
                if path == column and values != rows:  # pyarrow would read other rows by batches than at once
                    raise _DamagedError
                if path != column and values > max(_FREE_VALUES, _MAX_VALUES_A_BYTE * chunk[_PACKED_SIZE]):
                    raise CorpusError(
                        f"{file}: column {column!r} has {values} values in {chunk[_PACKED_SIZE]} bytes: if that is "
                        "meant, write it anew without encodings"
                    )
    return largest


def unpacked_bytes(stream: BinaryIO, file: object) -> int:
    """Return what the footer says that all columns come to unpacked, in bytes; CorpusError where it is damaged."""
    with _damage_told(file):
        return sum(max(0, chunk[_UNPACKED_SIZE]) for _, chunk, _ in _chunks(stream))


@contextlib.contextmanager
def _damage_told(file):
    """Tell what reading a damaged footer or header raises as damage of the file."""
    try:
        yield
    except (IndexError, KeyError, TypeError, AttributeError, UnicodeDecodeError, _DamagedError):
        raise DamagedFile(
            f"{file} is no readable parquet file (its footer or the header of a page is damaged): fetch it again"
        ) from None


class _DamagedError(Exception):
    pass


def _chunks(stream):
    """Yield (path of the column, ColumnMetaData, rows of its group) of all column chunks."""
    end = stream.seek(0, 2)
    stream.seek(max(0, end - 8))
    tail = stream.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MARK or length > min(end - 8, _MAX_FOOTER_BYTES):
        raise _DamagedError
    stream.seek(end - 8 - length)
    footer, _ = _struct(stream.read(length), 0, 0)
    for group in footer.get(_ROW_GROUPS, []):
        for column in group[_COLUMNS]:
            chunk = column[_META]
            yield b".".join(chunk[_PATH]).decode("utf-8"), chunk, group[_ROWS]


def _walk(stream, chunk, file):
    """Return (unpacked size of the largest page, number of values) of a column chunk."""
    # 0 stands for none: a table without rows has a dictionary at most
    at = min((offset for offset in (chunk[_DATA_OFFSET], chunk.get(_DICTIONARY_OFFSET)) if offset), default=0)
    if not at:
        raise _DamagedError
    end = at + chunk[_PACKED_SIZE]
    largest = values = 0
    while at < end:
        header, length = _header(stream, at)
        size, packed = header[_PAGE_SIZE], header[_PAGE_PACKED_SIZE]
        if size < 0 or packed < 0:
            raise _DamagedError
        if size > MAX_PAGE_BYTES:
            raise CorpusError(
                f"{file} has a page of {size} bytes unpacked, at most {MAX_PAGE_BYTES} are read: write it anew with "
                "smaller pages"
            )
        largest = max(largest, size)
        values += max(0, *(header.get(name, {}).get(_NUM_VALUES, 0) for name in _DATA_HEADERS))
        at += length + packed
    return largest, values


def _header(stream, at):
    if at < 0:
        raise _DamagedError
    size = _HEAD_BYTES
    while True:
        stream.seek(at)
        data = stream.read(size)
        try:
            return _struct(data, 0, 0)
        except IndexError:
            # statistics in a header may hold long texts
            if len(data) < size or size >= _MAX_HEAD_BYTES:
                raise
            size *= 8


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
            raise _DamagedError


def _struct(data, at, depth):
    """Return the struct at ``at`` as {field: value}, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head = data[at]
        at += 1
        if head == 0:
            return fields, at
        if head >> 4:
            number += head >> 4
        else:
            value, at = _varint(data, at)
            number = value >> 1 ^ -(value & 1)
        fields[number], at = _value(data, at, head & 15, depth)


def _value(data, at, kind, depth):
    if kind in (1, 2):  # true, false: no bytes of their own
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):
        value, at = _varint(data, at)
        return value >> 1 ^ -(value & 1), at
    if kind == 7:
        return None, at + 8
    if kind == 8:
        length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError
        return data[at : at + length], at + length
    if kind in (9, 10) and depth < 16:
        head = data[at]
        count, at = (head >> 4, at + 1) if head >> 4 < 15 else _varint(data, at + 1)
        values = []
        for _ in range(count):
            value, at = (data[at] == 1, at + 1) if head & 15 in (1, 2) else _value(data, at, head & 15, depth + 1)
            values.append(value)
        return values, at
    if kind == 12 and depth < 16:
        return _struct(data, at, depth + 1)
    raise _DamagedError
