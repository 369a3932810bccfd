"""How much memory the batches of an Arrow file take, before they are unpacked.

Each batch is unpacked whole; what it unpacks to stands in its buffers, eight bytes each. pyarrow shows messages but not
what is in their metadata (a flatbuffer, of which two tables matter here).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from ...errors import CorpusError
from .files import InputFile

MAX_BATCH_BYTES = 1 << 29
_DICTIONARY, _BATCH = 2, 3


def check_batches(file: InputFile, messages: Iterable[Any]) -> None:
    """Refuse a file with a packed batch of more than MAX_BATCH_BYTES.

    Parameters
    ----------
    file : InputFile
        What messages call it.
    messages : iterable of pyarrow.ipc.Message
        All of the file's.

    Raises
    ------
    CorpusError
        When a batch is too large, or the metadata of a message cannot be understood.
    """
    for message in messages:
        try:
            size = _unpacked(memoryview(message.metadata), message.body)
        except (struct.error, IndexError, ValueError):
            raise CorpusError(
                f"{file} is no readable arrow file (a message's metadata is damaged): fetch it again"
            ) from None
        if size > MAX_BATCH_BYTES:
            raise CorpusError(
                f"{file} has a batch of {size} bytes unpacked, at most {MAX_BATCH_BYTES} are read: write it anew with "
                "fewer rows a batch"
            )


def _unpacked(data, body):
    """Return the bytes that a message's packed buffers come to; 0 where nothing is packed."""
    root = _offset(data, 0)
    kind, header = _field(data, root, 1), _field(data, root, 2)
    if kind is None or header is None or data[kind] not in (_DICTIONARY, _BATCH):
        return 0
    batch = header + _offset(data, header)
    if data[kind] == _DICTIONARY:
        inner = _field(data, batch, 1)
        batch = inner + _offset(data, inner)
    buffers, packed = _field(data, batch, 2), _field(data, batch, 3)
    if buffers is None or packed is None:
        return 0
    vector = buffers + _offset(data, buffers)
    total, held = 0, memoryview(body)
    for i in range(_offset(data, vector)):
        start, length = struct.unpack_from("<qq", data, vector + 4 + 16 * i)
        if length > 0:
            if start < 0:
                raise ValueError
            size = struct.unpack_from("<q", held, start)[0]
            total += length if size < 0 else size
    return total


def _offset(data, at):
    return struct.unpack_from("<I", data, at)[0]


def _field(data, table, number):
    """Return where a field of a table stands; None when it has its default."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if vtable < 0:
        raise ValueError
    size = struct.unpack_from("<H", data, vtable)[0]
    at = vtable + 4 + 2 * number
    shift = struct.unpack_from("<H", data, at)[0] if at < vtable + size else 0
    return table + shift if shift else None
