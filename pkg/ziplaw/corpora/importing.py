"""Make a training corpus of real data: whole documents are held out, the rest is packed into fixed-length documents.

Token ids move up by one, because 0 is the separator and stands between any two documents of the source. Documents
are taken in the order of a keyed hash of their content, so any prefix of the corpus is a fair sample of the source,
the held-out ones are a sample of their own, and two identical documents are never on both sides.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from .. import versions
from ..errors import CorpusError
from .format import MAX_VOCAB, CorpusWriter
from .packing import pack, split, spool_tokens
from .readers import Source, TextSource, check_ids
from .tokenizers import BUNDLED, BytesTokenizer, Tokenizer, load_tokenizer

# the first guess at how much text holds the tokens asked for; too little, and more is read
_BYTES_PER_TOKEN = 8
_SECTION_DOCUMENTS = 16


def import_corpus(
    source: Source,
    folder: str | os.PathLike,
    tokenizer: str | Tokenizer = BUNDLED,
    n_documents: int | None = None,
    n_valid: int = 256,
    context: int = 256,
    seed: int = 0,
) -> dict[str, Any]:
    """Write a corpus folder from text or token ids.

    Parameters
    ----------
    source : TextSource or TokenSource
        From `readers.open_source` or `builtin.open_builtin`. A single text is first cut into sections of about 16 KiB
        at the ends of paragraphs, a 1-D array of ids into sections of 16 documents; those are then its documents. Rows
        of a 2-D array that are exactly ``context`` wide stay documents as they are.
    folder : path-like
        Where the corpus goes.
    tokenizer : str or Tokenizer
        For text.
    n_documents : int, optional
        Training documents of ``context`` tokens; by default everything that is not held out.
    n_valid : int
        Held-out documents of ``context`` tokens.
    context : int
        Tokens in a document.
    seed : int
        Chooses which documents are held out and the order of the others.

    Returns
    -------
    dict
        ``n_train n_valid context vocab_size token_bytes train_documents valid_documents`` (the last two count documents
        of the source) and ``notes``.

    Raises
    ------
    CorpusError
        When a number is out of range, the source is too small, or the folder cannot be written.
    """
    for name, value, low in (("documents", n_documents, 1), ("valid documents", n_valid, 1), ("context", context, 2)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < low):
            raise CorpusError(f"{name} is {value!r}, must be an integer of at least {low}: 256 is usual")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 1 << 64:
        raise CorpusError(f"seed is {seed!r}, must be an integer from 0 to 2^64 - 1")
    if getattr(source, "kind", None) == "corpus":
        raise CorpusError(f"{source.name} is a ziplaw corpus already: train on it as it is")
    reader = _TextUnits(source, tokenizer) if isinstance(source, TextSource) else _TokenUnits(source, context)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as spool:
            return _import(reader, folder, spool, n_documents, n_valid, context, seed)
    except OSError as error:
        raise CorpusError(
            f"{folder}: cannot import ({error.strerror or error}): free space or choose another"
        ) from None
    finally:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


class _TextUnits:
    """The documents of a text source: (size in bytes, pieces of bytes) each."""

    gap = 1

    def __init__(self, source, tokenizer):
        self.source = source
        self.tokenizer = load_tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
        self.vocab_size = self.tokenizer.vocab_size + 1
        self.identity = {"tokenizer": self.tokenizer.name, "tokenizer_sha256": self.tokenizer.sha256}

    def units(self) -> Iterator[list[bytes]]:
        pieces = (self.source.sections or self.source.pieces)()
        for _, group in groupby(pieces, key=lambda pair: pair[0]):
            yield [piece for _, piece in group]

    def encode(self, units: Sequence[list[bytes]]) -> list[np.ndarray]:
        ids = iter(self.tokenizer.encode([piece for unit in units for piece in unit]))
        return [np.concatenate([next(ids) for _ in unit]).astype(np.uint32) for unit in units]

    @staticmethod
    def n_bytes(unit):
        return sum(map(len, unit))

    @staticmethod
    def digest(unit, key):
        state = hashlib.blake2b(key=key, digest_size=8)
        for piece in unit:
            state.update(piece)
        return int.from_bytes(state.digest(), "big")


class _TokenUnits:
    """The documents of a source of ids: rows, or sections of a flat array."""

    def __init__(self, source, context):
        self.source = source
        tokens = source.tokens
        self.gap = int(tokens.ndim == 1 or tokens.shape[1] != context)
        self.vocab_size = _largest_id(source) + 2
        self.identity = {"tokenizer": source.tokenizer, "tokenizer_sha256": None}
        self._context = context

    def units(self) -> Iterator[np.ndarray]:
        tokens = self.source.tokens
        step = _SECTION_DOCUMENTS * self._context
        if tokens.ndim == 2:
            yield from tokens
        else:
            yield from (tokens[start : start + step] for start in range(0, len(tokens), step))

    def encode(self, units):
        return [np.asarray(unit, np.uint32) for unit in units]

    @staticmethod
    def n_bytes(unit):
        # in tokens, of which one counts as _BYTES_PER_TOKEN: then the first guess is exact
        return unit.size * _BYTES_PER_TOKEN

    @staticmethod
    def digest(unit, key):
        content = np.ascontiguousarray(unit, "<u4").tobytes()
        return int.from_bytes(hashlib.blake2b(content, key=key, digest_size=8).digest(), "big")


def _largest_id(source):
    largest = 0
    rows = max(1, (1 << 22) // (source.tokens[:1].size or 1))
    for start in range(0, len(source.tokens), rows):
        piece = source.tokens[start : start + rows]
        check_ids(piece, source.name)
        largest = max(largest, int(piece.max()) if piece.size else 0)
    if largest + 2 > MAX_VOCAB:
        raise CorpusError(
            f"{source.name} holds id {largest}, a corpus takes ids below {MAX_VOCAB - 1}: renumber the ids without gaps"
        )
    return largest


def _import(reader, folder, spool, n_documents, n_valid, context, seed):
    key = seed.to_bytes(8, "big")
    digests, sizes = array("Q"), array("q")
    for unit in reader.units():
        digests.append(reader.digest(unit, key))
        sizes.append(reader.n_bytes(unit))
    notes = dict(sorted(reader.source.notes.items())) if isinstance(reader.source, TextSource) else {}
    digests, sizes = np.array(digests, np.uint64), np.array(sizes, np.int64)
    order = np.argsort(digests, kind="stable")
    wanted = {"valid": n_valid * context, "train": (1 << 62) if n_documents is None else n_documents * context}
    guess = _BYTES_PER_TOKEN * sum(wanted.values())
    while True:
        # the first documents in hash order that probably have enough tokens; what they come to does not change the
        # result, only how much is tokenised in vain
        read = order[: int(np.searchsorted(np.cumsum(sizes[order]), guess)) + 1]
        chosen = np.sort(read)
        lengths = spool_tokens(reader.units(), chosen, reader.encode, reader.n_bytes, spool)
        starts = np.cumsum(lengths) - lengths
        place = np.searchsorted(chosen, read)
        parts = split(read, digests[read], starts[place], lengths[place], wanted, reader.gap)
        if len(read) == len(order) or all(parts[name].n_tokens >= wanted[name] for name in wanted):
            break
        guess *= 4
    n_train = _enough(reader.source.name, parts, n_documents, n_valid, context)
    used = np.concatenate([parts["train"].units, parts["valid"].units])
    n_tokens = sum(int(part.lengths.sum()) for part in parts.values())
    token_bytes = int(sizes[used].sum()) / n_tokens if isinstance(reader.source, TextSource) else None
    origin = reader.source.provenance | reader.identity | {"importer": versions.CORPUS, "seed": seed}
    origin["documents_sha256"] = hashlib.sha256(digests[used].astype("<u8").tobytes()).hexdigest()
    with CorpusWriter(folder, n_train, n_valid, context, reader.vocab_size, origin, token_bytes) as writer:
        for name, part in parts.items():
            pack(spool, part, getattr(writer, name).reshape(-1), reader.gap)
    replaced = getattr(reader, "tokenizer", BytesTokenizer).replaced
    return {
        "n_train": n_train,
        "n_valid": n_valid,
        "context": context,
        "vocab_size": reader.vocab_size,
        "token_bytes": token_bytes,
        "train_documents": len(parts["train"].units),
        "valid_documents": len(parts["valid"].units),
        "notes": notes | ({"invalid UTF-8 sequences replaced": replaced} if replaced else {}),
    }


def _enough(name, parts, n_documents, n_valid, context):
    """Return how many training documents there will be, or say how many there could be."""
    have = {part: parts[part].n_tokens // context for part in parts}
    asked = n_documents or 1
    if have["valid"] >= n_valid and have["train"] >= asked:
        return n_documents or have["train"]
    total, units = have["valid"] + have["train"], sum(len(part.units) for part in parts.values())
    if total >= n_valid + asked:
        raise CorpusError(
            f"{name} is made of {units} text(s) or sections, each held out or trained on as a whole, which gives "
            f"{have['valid']} documents of {context} tokens to hold out and {have['train']} for training, {n_valid} and "
            f"{asked} were asked for: give more texts, or a longer one (a section is about 16 KiB or 16 documents)"
        )
    raise CorpusError(
        f"{name} gives {total} documents of {context} tokens, {n_valid} held out and {asked} for training were asked "
        "for: give more text, or ask for fewer --valid-documents or --documents"
    )
