"""How much text there is: documents, bytes, and how much of it is exact copies, counted once over all of it."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np

from .storage.streams import DocumentName

# of more documents than this a share is looked at, chosen by the hash of their content: copies stay together
MOST_DOCUMENTS = 1 << 22


@dataclass(frozen=True)
class UniqueText:
    """What a corpus holds if each of its documents is counted once.

    Attributes
    ----------
    documents, duplicates : int
        How many there are, and how many of them are exact copies of one before.
    bytes, unique_bytes : int
        Size of all, and without those copies.
    """

    documents: int
    duplicates: int
    bytes: int
    unique_bytes: int


def unique_text(digests: np.ndarray, sizes: np.ndarray) -> UniqueText:
    """Count documents with equal digests once.

    Parameters
    ----------
    digests : ndarray of uint64, shape (k,)
        Hash of each document's content.
    sizes : ndarray of int64, shape (k,)
        Their bytes.
    """
    _, first = np.unique(digests, return_index=True)
    return UniqueText(len(digests), len(digests) - len(first), int(sizes.sum()), int(sizes[first].sum()))


def about_unique(done: dict[str, Any]) -> str:
    """Say in a sentence how much text there is, from what `importing.import_corpus` returns."""
    copies, n = done["duplicate_documents"], done["documents"]
    if copies:
        once = f"{copies:,} of {n:,} documents {'is an exact copy' if copies == 1 else 'are exact copies'} of another"
        once += f" and count{'s' if copies == 1 else ''} once"
    else:
        once = f"of {n:,} document{'s' * (n != 1)} none is an exact copy of another"
    if done["unique_tokens_error"] is None:
        return f"{done['unique_tokens']:,} unique tokens, counted: all of the text was tokenised; {once}"
    return (
        f"about {done['unique_tokens']:,} unique tokens (standard error {done['unique_tokens_error']:,}): all of the "
        f"text was read, and {done['share_read']:.2%} of it tokenised; {once}"
    )


def about_held_out(done: dict[str, Any]) -> str:
    """Say in a sentence what of the training text was left out as a copy of what the loss is measured on."""
    exact, near = done["copies_left_out"], done["near_copies_left_out"]
    if not exact and not near:
        return "the held-out text was not found again in the text to train on"
    return (
        f"held-out text was found again in the text to train on, and left out there: {exact:,} "
        f"exact cop{'y' if exact == 1 else 'ies'} of documents, {near:,} training documents that share much with it"
    )


class Census:
    """Count a stream of pieces in bounded memory.

    Up to MOST_DOCUMENTS documents the counts are exact. Of more, those whose hash is below a bound tell the share of
    copies; the bound is halved whenever too many are below it.
    """

    def __init__(self) -> None:
        self._below = 1 << 64
        self._digests, self._sizes = array("Q"), array("q")
        self._documents = self._bytes = self._size = 0
        self._name: DocumentName | None = None
        self._state = hashlib.blake2b(digest_size=8)

    def add(self, name: DocumentName, piece: bytes | np.ndarray) -> None:
        """Count a piece, bytes or ids; those of one document follow one another."""
        if name != self._name:
            self._close()
            self._name, self._size, self._state = name, 0, hashlib.blake2b(digest_size=8)
        self._state.update(piece if isinstance(piece, bytes) else np.ascontiguousarray(piece).data)
        self._size += len(piece)

    def _close(self):
        if self._name is None:
            return
        self._documents += 1
        self._bytes += self._size
        digest = int.from_bytes(self._state.digest(), "big")
        if digest < self._below:
            self._digests.append(digest)
            self._sizes.append(self._size)
        while len(self._digests) > MOST_DOCUMENTS:
            self._below //= 2
            digests, sizes = np.array(self._digests, np.uint64), np.array(self._sizes, np.int64)
            kept = digests < np.uint64(self._below)
            self._digests = array("Q", digests[kept].tobytes())
            self._sizes = array("q", sizes[kept].tobytes())

    def result(self) -> UniqueText:
        """Return the counts; nothing may be added after."""
        self._close()
        self._name = None
        seen = unique_text(np.array(self._digests, np.uint64), np.array(self._sizes, np.int64))
        if not seen.bytes:
            return UniqueText(self._documents, 0, self._bytes, self._bytes)
        return UniqueText(
            self._documents,
            round(self._documents * seen.duplicates / seen.documents),
            self._bytes,
            round(self._bytes * seen.unique_bytes / seen.bytes),
        )
