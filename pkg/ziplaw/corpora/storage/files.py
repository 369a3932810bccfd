"""What a file is, told by its name; how messages call it; what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...errors import CorpusError


class Kind(NamedTuple):
    """A kind of files that can be read, by the module of its name in `corpora.readers`.

    Attributes
    ----------
    endings : tuple of str
        What names of such files end in.
    holds : {"records", "table", "ids", "text"}
        Records with fields, a table with columns (either gives one text, or list of ids, a row), token ids, or text.
    words : str
        What messages call some files of this kind.
    """

    endings: tuple[str, ...]
    holds: str
    words: str


KINDS = {
    "jsonl": Kind((".jsonl", ".ndjson"), "records", "JSON records"),
    "parquet": Kind((".parquet", ".pq"), "table", "parquet"),
    "arrow": Kind((".arrow", ".feather"), "table", "Arrow"),
    "npy": Kind((".npy",), "ids", "token ids"),
    "bin": Kind((".bin",), "ids", "token ids"),
    "text": Kind((), "text", "text"),
}
PACKED = (".gz", ".zst", ".xz", ".bz2")
# .json is looked into; the others are token ids, but need another file or unpacking; all other endings are text
_UNSURE = {".json": "json", ".npz": "npz", ".idx": "idx"}


class BinaryFile(CorpusError):
    """A file that should be text has a NUL byte near its start."""


class DamagedFile(CorpusError):
    """A packed file cannot be unpacked to its end."""


@dataclass(frozen=True)
class InputFile:
    """One file to read.

    Attributes
    ----------
    path : str or path-like
        Where its bytes are.
    label : str
        What messages call it.
    document : str
        What the names of its documents call it.
    kind : str
        One of KINDS, or "json" (records or one text: to be looked into), "npz" or "idx".
    packed : str
        ".gz", ".zst", ".xz", ".bz2" or "".
    """

    path: str | os.PathLike
    label: str
    document: str
    kind: str
    packed: str = ""

    @classmethod
    def of(cls, path: str | os.PathLike, document: str | None = None, kind: str | None = None) -> InputFile:
        """Return a file as its name describes it; ``kind`` overrules the name."""
        suffix, packed = inner_suffix(path)
        known = (name for name, one in KINDS.items() if suffix in one.endings)
        kind = kind or next(known, _UNSURE.get(suffix, "text"))
        return cls(path, os.fspath(path), short_name(path) if document is None else document, kind, packed)

    @property
    def holds_ids(self) -> bool:
        """Whether it holds token ids, which may need another file or unpacking before they can be read."""
        return self.kind in ("npz", "idx") or (self.kind in KINDS and KINDS[self.kind].holds == "ids")

    @property
    def holds_records(self) -> bool:
        """Whether it holds records, of fields or of columns."""
        return self.kind in KINDS and KINDS[self.kind].holds in ("records", "table")

    def __str__(self) -> str:
        return self.label

    def __fspath__(self) -> str:
        return os.fspath(self.path)


def inner_suffix(path: str | os.PathLike) -> tuple[str, str]:
    """Return (format suffix, compression suffix) in lower case: a.JSONL.gz -> (".jsonl", ".gz")."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = suffixes.pop() if suffixes and suffixes[-1] in PACKED else ""
    return (suffixes[-1] if suffixes else ""), packed


def short_name(path: str | os.PathLike) -> str:
    """Return a path's last name as printable text: undecodable bytes replaced, "." resolved to its folder."""
    name = Path(path).name or Path(path).resolve().name or "root"
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def missing(package: str, what: str) -> CorpusError:
    """Return the error for an optional package that is not installed."""
    return CorpusError(f"{what} needs the Python package {package}, which is not installed: pip install {package}")
