"""One door to everything that can be scored or imported: files and folders of text, and token ids.

`open_source` looks at a path and returns a `TextSource` (documents of bytes, still to be tokenised) or a
`TokenSource` (ids). Which path is read how is written in docs/formats.md.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CorpusError
from .format import open_corpus
from .streams import (
    JSONL_SUFFIXES,
    BinaryFile,
    DamagedFile,
    Pieces,
    inner_suffix,
    jsonl_pieces,
    parquet_pieces,
    text_pieces,
)

MAX_ID = (1 << 31) - 1
BIN_DTYPES = ("uint16", "uint32", "int32")
_CHECK_TOKENS = 1 << 26
# llm.c and its descendants start a .bin shard with 256 int32: this number, a version, the token count
_BIN_MAGIC = 20240520
_BIN_HEADER_BYTES = 1024


@dataclass
class TextSource:
    """Documents of text.

    Attributes
    ----------
    name : str
        What messages call it.
    kind : str
        "text", "directory", "jsonl", "parquet" or "builtin".
    pieces : callable
        ``pieces()`` reads everything anew and yields (`DocumentName`, at most 64 KiB of its UTF-8 bytes).
    sections : callable or None
        For a single text: the same, cut into sections that stand as documents of their own.
    notes : Counter
        What the last reading left out, e.g. ``{"binary files": 3}``.
    provenance : dict
        What goes into a result's ``source``.
    """

    name: str
    kind: str
    pieces: Callable[[], Pieces]
    sections: Callable[[], Pieces] | None = None
    notes: Counter = field(default_factory=Counter)
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass
class TokenSource:
    """Token ids.

    Attributes
    ----------
    name : str
        What messages call it.
    kind : str
        "npy", "bin" or "corpus".
    tokens : ndarray of an integer type, 1-D (a stream) or 2-D (documents)
        Memory-mapped.
    tokenizer : str or None
        What made the ids, when known.
    token_bytes : float or None
        Raw bytes behind one token, when known.
    provenance : dict
        What goes into a result's ``source``.
    """

    name: str
    kind: str
    tokens: np.ndarray
    tokenizer: str | None = None
    token_bytes: float | None = None
    provenance: dict[str, Any] = field(default_factory=dict)


Source = TextSource | TokenSource


def shown(path: str | os.PathLike) -> str:
    """Return a path's last name as printable text: undecodable bytes replaced, "." resolved to its folder."""
    name = Path(path).name or Path(path).resolve().name or "root"
    return os.fsencode(name).decode("utf-8", "replace")


def open_source(
    path: str | os.PathLike,
    *,
    text_field: str | None = None,
    dtype: str | None = None,
    extensions: Sequence[str] = (),
    binary: bool = False,
) -> Source:
    """Open a file or folder of text or token ids.

    Parameters
    ----------
    path : path-like
        A text file, .jsonl, .ndjson or .parquet; any text or JSON lines packed as .gz or .zst; .npy or .bin of token
        ids; a ziplaw corpus (its training documents); or a folder, read in sorted order.
    text_field : str, optional
        Field or column that holds the text; by default "text", else "content".
    dtype : str, optional
        Type of a .bin file's ids: uint16 (default), uint32 or int32. Given, any file is read as such.
    extensions : sequence of str
        In a folder read only files that end so ("py", "md"); by default every text file.
    binary : bool
        Read a file with NUL bytes all the same, as bytes.

    Raises
    ------
    CorpusError
        When the path does not exist, holds nothing usable or is not what its name says.
    """
    if not os.fspath(path):
        raise CorpusError("the path is empty: give a file or a folder (. is the current one)")
    path = Path(path)
    if dtype is not None and dtype not in BIN_DTYPES:
        raise CorpusError(f"dtype is {dtype!r}, must be one of {', '.join(BIN_DTYPES)}: nanoGPT-style files are uint16")
    if not path.exists():
        raise CorpusError(f"{path} does not exist: check the path")
    if path.is_dir():
        if (path / "meta.json").is_file() and (path / "train.npy").exists():
            return _corpus(path)
        return _folder(path, text_field, tuple(e.lower() if e.startswith(".") else f".{e.lower()}" for e in extensions))
    suffix = inner_suffix(path)
    if suffix == (".npy", ""):
        return _npy(path)
    if dtype is not None or suffix == (".bin", ""):
        return _bin(path, dtype)
    if suffix[0] in (".npy", ".bin", ".npz") or (suffix[1] and suffix[0] == ".parquet"):
        raise CorpusError(f"{path} cannot be read as it is: unpack it to a plain .npy, .bin or .parquet first")
    kind = _text_kind(path)
    source = TextSource(shown(path), kind, lambda: iter(()), provenance={"kind": kind, "name": shown(path)})
    if kind == "text":
        source.pieces = lambda: text_pieces(path, shown(path), binary)
        source.sections = lambda: text_pieces(path, shown(path), binary, sections=True)
    else:
        source.pieces = lambda: _record_pieces(path, kind, text_field, source.notes, shown(path))
    return source


def _text_kind(path):
    suffix = inner_suffix(path)[0]
    return "jsonl" if suffix in JSONL_SUFFIXES else "parquet" if suffix == ".parquet" else "text"


def _record_pieces(path, kind, text_field, notes, file):
    return (jsonl_pieces if kind == "jsonl" else parquet_pieces)(path, text_field, notes, file)


def list_files(folder: str | os.PathLike, notes: Counter | None = None) -> list[Path]:
    """List a folder's files, recursively, sorted by path, whatever the file system's order.

    Hidden files and folders and __pycache__ are left out, links to folders are not followed (so a loop of links is
    harmless), and what is no regular file is skipped. ``notes`` counts what could not be listed.
    """
    notes = Counter() if notes is None else notes

    def unreadable(_):
        notes["unreadable folders"] += 1

    found = []
    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    # os.path.isfile is False, where Path.is_file raises, behind a link that may not be followed
    found = [path for path in found if os.path.isfile(path)]
    return sorted(found, key=lambda path: [os.fsencode(part) for part in path.relative_to(folder).parts])


def _folder(folder, text_field, extensions):
    notes = Counter()
    files = list_files(folder, notes)
    ids = [path for path in files if inner_suffix(path)[0] in (".npy", ".bin", ".npz")]
    files = [path for path in files if path not in set(ids)]
    if extensions:
        files = [path for path in files if path.name.lower().endswith(extensions)]
    texts = [path for path in files if _text_kind(path) == "text"]
    # a folder of nothing but JSON lines or parquet is a sharded data set; among sources they are fixtures
    records = [] if texts and not extensions else [path for path in files if _text_kind(path) != "text"]
    what = f"{shown(folder)}/"
    if not texts and not records:
        only = f" ending in {' '.join(extensions)}" if extensions else ""
        ids_too = f" ({len(ids)} of token ids: give those one by one)" if ids else ""
        raise CorpusError(f"{folder} has no text file{only}{ids_too}: give a folder of text, code or JSON lines")
    source = TextSource(what, "directory", lambda: iter(()))
    source.provenance = {"kind": "directory", "name": shown(folder), "files": len(texts) + len(records)}

    def pieces() -> Pieces:
        source.notes.clear()
        source.notes.update(notes)
        for path in files if records else texts:
            file = os.fsencode(path.relative_to(folder)).decode("utf-8", "replace")
            if _text_kind(path) != "text":
                yield from _record_pieces(path, _text_kind(path), text_field, source.notes, file)
                continue
            try:
                yield from text_pieces(path, file)
            except BinaryFile:
                source.notes["binary files"] += 1
            except DamagedFile:
                source.notes["damaged packed files"] += 1
            except OSError:
                source.notes["unreadable files"] += 1

    source.pieces = pieces
    return source


def _corpus(folder):
    corpus = open_corpus(folder)
    source = corpus.meta.get("source") or {}
    keep = {"kind": "corpus", "name": shown(folder), "sha256_train": corpus.meta["sha256_train"]}
    return TokenSource(
        shown(folder), "corpus", corpus.train, source.get("tokenizer"), corpus.meta.get("token_bytes"), keep
    )


def _npy(path):
    try:
        tokens = np.lib.format.open_memmap(path, mode="r") if path.stat().st_size else None
    except ValueError as error:
        raise CorpusError(f"{path} is no readable .npy array ({error}): save token ids with numpy.save") from None
    if tokens is None:
        raise CorpusError(f"{path} is empty: save token ids with numpy.save")
    if tokens.dtype.kind not in "iu":
        raise CorpusError(f"{path} holds {tokens.dtype} values, token ids must be integers: use .astype(numpy.uint32)")
    if tokens.ndim not in (1, 2):
        raise CorpusError(
            f"{path} has {tokens.ndim} dimensions, must have 1 (a stream) or 2 (documents x tokens): reshape it"
        )
    check_ids(tokens, path)
    return TokenSource(shown(path), "npy", tokens, provenance={"kind": "npy", "name": shown(path)})


def _bin(path, dtype):
    size, start = path.stat().st_size, 0
    kind = np.dtype(dtype or "uint16").newbyteorder("<")
    head = np.fromfile(path, "<i4", 1)
    if dtype is None and size >= _BIN_HEADER_BYTES and head[0] == _BIN_MAGIC:
        start = _BIN_HEADER_BYTES
    if (size - start) % kind.itemsize:
        raise CorpusError(
            f"{path} has {size} bytes, no multiple of {kind.itemsize} ({kind.name}): give the true --dtype, "
            f"one of {', '.join(BIN_DTYPES)}"
        )
    if size - start == 0:
        tokens = np.empty(0, kind)
    else:
        tokens = np.memmap(path, kind, "r", offset=start)
    check_ids(tokens, path)
    provenance = {"kind": "bin", "name": shown(path), "dtype": kind.name}
    return TokenSource(shown(path), "bin", tokens, provenance=provenance)


def check_ids(tokens: np.ndarray, path: str | os.PathLike) -> None:
    """Refuse ids below 0 or above 2^31 - 1, naming one; of large arrays only the first 64 M tokens are looked at.

    What is scored or imported later is checked again.
    """
    if tokens.dtype.kind == "u" and tokens.dtype.itemsize < 4:
        return
    rows = max(1, (1 << 22) // (tokens.shape[1] or 1)) if tokens.ndim == 2 else 1 << 22
    for start in range(0, min(len(tokens), _CHECK_TOKENS // (1 << 22) * rows), rows):
        piece = tokens[start : start + rows]
        low, high = (int(piece.min()), int(piece.max())) if piece.size else (0, 0)
        if low < 0 or high > MAX_ID:
            raise CorpusError(
                f"{path} holds id {low if low < 0 else high}, token ids must be from 0 to {MAX_ID}: renumber them"
            )
