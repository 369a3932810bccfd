"""Flat files of token ids: bare, with the header of llm.c's shards, or with Megatron's index beside them."""

from __future__ import annotations

import codecs
import os
import struct
from pathlib import Path

import numpy as np

from ...errors import CorpusError
from ..storage.files import InputFile, short_name
from .sources import TokenSource, check_ids

BIN_DTYPES = ("uint8", "uint16", "int32", "uint32", "int64")
# llm.c's shards start with 256 int32: a number that stands for the type, a version, the count of ids
_LLMC_DTYPES = {20240520: "uint16", 20240801: "uint32"}
_LLMC_BYTES = 1024
_MEGATRON = b"MMIDIDX\x00\x00"
_MEGATRON_HEAD = struct.Struct("<QBQQ")
_MEGATRON_DTYPES = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 8: "uint16"}
# what other files that go by .bin start with
_STRANGERS = {
    b"PK\x03\x04": "a zip archive (a PyTorch checkpoint?)",
    b"\x7fELF": "a program",
    b"GGUF": "a model (GGUF)",
    b"PAR1": "a parquet file",
    b"ARROW1": "an Arrow file",
    b"\x93NUMPY": "a .npy array",
    b"\x1f\x8b\x08": "a gzip file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\x80\x02": "a Python pickle",
    _MEGATRON: "the index of a Megatron data set",
}
_GUESS_TOKENS, _LEAST_GUESS = 1 << 16, 16


def source(file: InputFile, dtype: str | None = None) -> TokenSource:
    """Open a flat file of little-endian ids.

    Parameters
    ----------
    file : InputFile
        The file.
    dtype : str, optional
        One of BIN_DTYPES. By default it is told by Megatron's index beside the file or by llm.c's header in it, else
        uint16, unless the ids look like those of another type.

    Raises
    ------
    CorpusError
        When index or header do not fit the file or ``dtype``, or the type has to be said.
    """
    size = os.path.getsize(file)
    with open(file, "rb") as stream:
        head = stream.read(1 << 16)
    index = Path(file.path).with_suffix(".idx")
    if index.is_file():
        return _megatron(file, index, size, dtype)
    magic = int.from_bytes(head[:4], "little")
    if magic in _LLMC_DTYPES and size >= _LLMC_BYTES:
        return _llmc(file, head, size, dtype)
    stranger = next((what for mark, what in _STRANGERS.items() if head.startswith(mark)), None)
    if dtype is None and stranger:
        raise CorpusError(f"{file} is {stranger}, no array of token ids: give ids, or say --dtype if they are")
    if dtype is None and len(head) >= _LEAST_GUESS and _is_text(head):
        raise CorpusError(f"{file} is text by its bytes: --format text reads it so, --dtype uint16 as token ids")
    kind = np.dtype(dtype or "uint16").newbyteorder("<")
    if size % kind.itemsize:
        raise CorpusError(
            f"{file} has {size} bytes, no multiple of {kind.itemsize} ({kind.name}): give the true --dtype, "
            f"one of {', '.join(BIN_DTYPES)}"
        )
    tokens = _mapped(file, kind, 0, size)
    if dtype is None:
        _guess_is_sure(tokens, file)
    return _bin(file, tokens, f"{kind.name}" + ("" if dtype else " (the default: no header, no index)"))


def _bin(file, tokens, how, documents=None):
    check_ids(tokens, file)
    dtype = tokens.dtype.name
    provenance = {"kind": "bin", "name": file.document, "dtype": dtype}
    what = f"{tokens.size} ids, {how}"
    return TokenSource(short_name(file.document), "bin", tokens, provenance=provenance, documents=documents, what=what)


def _mapped(file, dtype, start, end):
    return (
        np.memmap(os.fspath(file), dtype, "r", start, (end - start) // dtype.itemsize)
        if end > start
        else np.empty(0, dtype)
    )


def _is_text(head):
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not any(char < " " and char not in "\t\n\r\f" for char in text)


def _agrees(file, dtype, found, who):
    if dtype is not None and dtype != found:
        raise CorpusError(f"{file}: --dtype is {dtype}, {who} says {found}: leave --dtype out")


def _llmc(file, head, size, dtype):
    magic, version, count = np.frombuffer(head, "<i4", 3).tolist()
    kind = np.dtype(_LLMC_DTYPES[magic])
    _agrees(file, dtype, kind.name, "the header of llm.c's shards in it")
    have = (size - _LLMC_BYTES) // kind.itemsize
    if count != have or (size - _LLMC_BYTES) % kind.itemsize:
        raise CorpusError(
            f"{file}: its header (llm.c, {kind.name}) promises {count} ids, the file has {have}: it was cut short or "
            "is damaged, fetch or write it again"
        )
    tokens = _mapped(file, kind.newbyteorder("<"), _LLMC_BYTES, size)
    return _bin(file, tokens, f"{kind.name} (header of llm.c, version {version})")


def _megatron(file, index, size, dtype):
    name = f"{file}: its index {short_name(index)}"
    with open(index, "rb") as stream:
        magic, head = stream.read(len(_MEGATRON)), stream.read(_MEGATRON_HEAD.size)
    if magic != _MEGATRON or len(head) < _MEGATRON_HEAD.size:
        raise CorpusError(
            f"{name} is none of Megatron's (it must start with MMIDIDX): move it away and give --dtype, or write it "
            "again"
        )
    version, code, n_sequences, n_documents = _MEGATRON_HEAD.unpack(head)
    if version != 1 or code not in _MEGATRON_DTYPES:
        raise CorpusError(
            f"{name} has version {version} and type {code}, must be version 1 and a type of integers: write it again"
        )
    kind = np.dtype(_MEGATRON_DTYPES[code])
    _agrees(file, dtype, kind.name, f"the index {short_name(index)}")
    start = len(_MEGATRON) + _MEGATRON_HEAD.size
    need = start + 12 * n_sequences + 8 * n_documents
    if os.path.getsize(index) < need:
        raise CorpusError(f"{name} promises {n_sequences} sequences, which take {need} bytes, and is shorter: "
                          "it was cut short, fetch it again")  # fmt: skip
    lengths = _mapped(index, np.dtype("<i4"), start, start + 4 * n_sequences).astype(np.int64)
    pointers = _mapped(index, np.dtype("<i8"), start + 4 * n_sequences, start + 12 * n_sequences)
    first = _mapped(index, np.dtype("<i8"), start + 12 * n_sequences, need)
    if (lengths < 0).any():
        raise CorpusError(f"{name} has a sequence of {lengths.min()} ids: it is damaged, fetch or write it again")
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if n_sequences else 0
    if total * kind.itemsize != size:
        raise CorpusError(
            f"{name} counts {total} ids of {kind.name}, {total * kind.itemsize} bytes, the file has {size}: "
            "they do not belong together, or one was cut short"
        )
    if not np.array_equal(pointers, (ends - lengths) * kind.itemsize):
        raise CorpusError(f"{name} has its sequences out of order: write the data set anew")
    if n_documents and (first[0] != 0 or first[-1] > n_sequences or (np.diff(first) < 0).any()):
        raise CorpusError(f"{name} has its documents out of order: write the data set anew")
    bounds = np.concatenate([[0], ends])
    documents = np.unique(bounds[np.append(first, n_sequences)]) if n_documents else bounds
    tokens = _mapped(file, kind.newbyteorder("<"), 0, size)
    how = f"{kind.name} in {len(documents) - 1} documents (Megatron's index {short_name(index)})"
    return _bin(file, tokens, how, documents)


def _guess_is_sure(tokens, file):
    """Refuse ids of 32 or 64 bits that would be read as 16-bit ones: their upper parts are zeros, or nearly."""
    n = len(tokens) // 4 * 4
    if n < _LEAST_GUESS:
        return
    # evenly spaced groups of four, so that the start of a file does not speak for all of it
    groups = tokens[:n].reshape(-1, 4)
    groups = groups[:: max(1, len(groups) // _GUESS_TOKENS)]
    largest = groups.max(axis=0).astype(int)
    if largest[0] and not largest[1:].any():
        raise CorpusError(
            f"{file}: read as uint16, three of four ids are 0: 64-bit ids? Then --dtype int64, else --dtype uint16"
        )
    if largest[[0, 2]].any() and not largest[[1, 3]].any():
        raise CorpusError(
            f"{file}: read as uint16, every second id is 0: 32-bit ids? Then --dtype uint32, else --dtype uint16"
        )
    if largest[[1, 3]].any() and not largest[[0, 2]].any():
        raise CorpusError(
            f"{file}: read as uint16, every second id is 0, from the first on: big-endian 32-bit ids? Then save them "
            'little-endian, numpy.fromfile(FILE, ">u4").astype("<u4").tofile(NEW), else --dtype uint16'
        )
    # a vocabulary beyond 65536: the upper halves are a few small numbers
    if max(largest[[1, 3]]) < 16 and min(largest[[0, 2]]) >= 1 << 12:
        raise CorpusError(
            f"{file}: read as uint16, every second id is below {max(largest[[1, 3]]) + 1}: 32-bit ids? Then --dtype "
            "uint32, else --dtype uint16"
        )
