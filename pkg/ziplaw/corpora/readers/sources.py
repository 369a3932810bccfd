"""What an opened path is: documents of text, or token ids."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import CorpusError
from ..storage.streams import Pieces
from .fields import MAX_ID

_CHECK_TOKENS = 1 << 26


class _Described:
    """Say in one line what is read of a source and what is left out."""

    name: str
    what: str
    left_out: dict[str, int | None]
    notes: Counter

    def reading(self) -> str:
        """Return one line: what was read and what was left out; complete once the source has been read."""
        left = {**self.left_out, **self.notes}
        out = ", ".join(what if n is None else f"{what}: {n}" for what, n in left.items() if n != 0)
        return f"read {self.what}; left out: {out or 'nothing'}"


@dataclass
class TextSource(_Described):
    """Documents of text.

    Attributes
    ----------
    name : str
        What messages call it.
    kind : str
        "text", "directory", "jsonl", "parquet", "arrow", "builtin" or "several".
    pieces : callable
        ``pieces()`` reads everything anew and yields (`DocumentName`, at most 64 KiB of its UTF-8 bytes).
    notes : Counter
        What the last reading left out, e.g. ``{"binary files": 3}``.
    provenance : dict
        What goes into a result's ``source``.
    what : str
        What is read, in words.
    left_out : dict of str to int or None
        What is not read by choice: kinds of files and how many, or names (None).
    keep : object
        Lives as long as the source: the temporary file of a pipe.
    parts : list of (str, Source or None)
        Of several paths read as one source each path and its own, None where all of it was read before.
    """

    name: str
    kind: str
    pieces: Callable[[], Pieces]
    notes: Counter = field(default_factory=Counter)
    provenance: dict[str, Any] = field(default_factory=dict)
    what: str = "one text"
    left_out: dict[str, int | None] = field(default_factory=dict)
    keep: object = None
    parts: list[tuple[str, Source | None]] = field(default_factory=list)


@dataclass
class TokenSource(_Described):
    """Token ids.

    Attributes
    ----------
    name : str
        What messages call it.
    kind : str
        "npy", "bin", "corpus", "several" or that of the records that hold lists of ids.
    tokens : ndarray of an integer type, 1-D (a stream) or 2-D (documents)
        Memory-mapped.
    tokenizer : str or None
        What made the ids, when known.
    token_bytes : float or None
        Raw bytes behind one token, when known.
    provenance : dict
        What goes into a result's ``source``.
    documents : ndarray of int64, shape (k + 1,), or None
        Where the documents of a stream start, and its end; None when nothing tells.
    draws : bool
        The rows are independent draws, as a grammar's documents are.
    vocab_size : int or None
        Of a corpus, whose rows are its documents; None where only the ids tell.
    context : int or None
        Tokens of a document of a corpus.
    unique_tokens : float or None
        Of all that a corpus was imported from, where it says so.
    notes, what, left_out, keep, parts
        As of a `TextSource`.
    """

    name: str
    kind: str
    tokens: np.ndarray
    tokenizer: str | None = None
    token_bytes: float | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    documents: np.ndarray | None = None
    draws: bool = False
    vocab_size: int | None = None
    context: int | None = None
    unique_tokens: float | None = None
    notes: Counter = field(default_factory=Counter)
    what: str = "token ids"
    left_out: dict[str, int | None] = field(default_factory=dict)
    keep: object = None
    parts: list[tuple[str, Source | None]] = field(default_factory=list)


Source = TextSource | TokenSource


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
