"""What a file is, told by its name; how messages call it; what is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import CorpusError

# what can be read, and the endings that say so; .json is looked into, every other ending is text
KINDS = {
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".feather"),
    "npy": (".npy",),
    "bin": (".bin",),
    "text": (),
}
RECORDS = ("jsonl", "parquet", "arrow")
IDS = ("npy", "bin")
PACKED = (".gz", ".zst", ".xz", ".bz2")
_BY_SUFFIX = {suffix: kind for kind, suffixes in KINDS.items() for suffix in suffixes} | {".json": "json"}
# token ids all the same, but in need of another file or of unpacking
_ID_SUFFIXES = {".npz": "npz", ".idx": "idx"}


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
        kind = kind or _BY_SUFFIX.get(suffix) or _ID_SUFFIXES.get(suffix, "text")
        return cls(path, os.fspath(path), shown(path) if document is None else document, kind, packed)

    def __str__(self) -> str:
        return self.label

    def __fspath__(self) -> str:
        return os.fspath(self.path)


def inner_suffix(path: str | os.PathLike) -> tuple[str, str]:
    """Return (format suffix, compression suffix) in lower case: a.JSONL.gz -> (".jsonl", ".gz")."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = suffixes.pop() if suffixes and suffixes[-1] in PACKED else ""
    return (suffixes[-1] if suffixes else ""), packed


def shown(path: str | os.PathLike) -> str:
    """Return a path's last name as printable text: undecodable bytes replaced, "." resolved to its folder."""
    name = Path(path).name or Path(path).resolve().name or "root"
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def missing(package: str, what: str) -> CorpusError:
    """Return the error for an optional package that is not installed."""
    return CorpusError(f"{what} needs the Python package {package}, which is not installed: pip install {package}")
