"""Make a training corpus of real data: whole sources are held out, everything is cut into documents of one length.

Token ids move up by one, because 0 is the separator and stands between any two documents of the source. What is held
out, and where the held-out windows stand, is in `splitting`; what counts as a copy of held-out text, in `overlap`.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import versions
from ..base import limits
from ..errors import CorpusError, integer
from .census import Census, UniqueText
from .corpus_limits import HELD_OUT, held_out_documents
from .overlap import HeldOutPhrases
from .packing import read_windows, spool_documents, stream_windows
from .passages import Thinned, keep_share
from .readers import Source, TextSource, TokenSource, check_ids
from .splitting import cut_units, first_copies, hold_out, measurable, place_windows, text_needed
from .storage.format import MAX_VOCAB, CorpusWriter, token_dtype
from .storage.streams import DocumentName, Pieces
from .tokenizers import BUNDLED, BytesTokenizer, Tokenizer, bytes_per_token, load_tokenizer

BY = ("document", "file")
_CHUNK_IDS = 1 << 18
# with --documents, a text of more than twice what they probably take, and than this, is sampled before it is tokenised
SAMPLED_BYTES = 1 << 24
_BYTES_PER_TOKEN = 8
_AMPLE = 2
_TRIED_BYTES = 1 << 20


def import_corpus(
    source: Source,
    folder: str | os.PathLike,
    tokenizer: str | Tokenizer = BUNDLED,
    n_documents: int | None = None,
    n_valid: int | str = 256,
    context: int = 256,
    seed: int = 0,
    by: str = "document",
    at_most: bool = False,
    progress: Callable[[Pieces], Pieces] = iter,
) -> dict[str, Any]:
    """Write a corpus folder from text or token ids.

    Parameters
    ----------
    source : TextSource or TokenSource
        From `readers.open_source`, `readers.open_several` or `builtin.open_builtin`. Rows of a 2-D array that are
        exactly ``context`` wide stay documents as they are; a 1-D array is one long document unless the source tells
        where its documents start.
    folder : path-like
        Where the corpus goes.
    tokenizer : str or Tokenizer
        For text.
    n_documents : int, optional
        Training documents of ``context`` tokens, at even steps over all training text; by default all of it. Of a
        text far larger than they take, a seeded sample of its stretches of 64 KiB at most is read, of all documents.
    n_valid : int or "auto"
        Held-out documents of ``context`` tokens; by "auto" as many as `corpus_limits.held_out_documents` says.
    context : int
        Tokens in a document.
    seed : int
        Chooses what is held out and the order of the rest.
    by : str
        What is held out as a whole and counts as one source: a "document" (file, record, row or chapter; of a long one
        a section), or a "file" with all its documents.
    at_most : bool
        Take fewer than ``n_documents`` where there are fewer, and of a large text read a smaller sample: what the
        tokenizer makes of some of it tells how much is needed.
    progress : callable
        Wraps the pieces whenever they are read.

    Returns
    -------
    dict
        ``n_train n_valid context vocab_size token_bytes sources valid_sources`` (how many there are, and how many are
        measured), ``train_windows`` (that there would be without ``n_documents``), ``share_read`` (of the
        text), ``documents duplicate_documents unique_tokens unique_tokens_error`` (of all text, each document counted
        once; the standard error of an estimate, None for a count), ``copies_left_out near_copies_left_out`` and
        ``notes``.

    Raises
    ------
    CorpusError
        When a number is out of range, the source is too small, or the folder cannot be written.
    """
    if n_documents is not None:
        n_documents = integer("documents", n_documents, *limits.DOCUMENTS, "leave it out to take all", CorpusError)
    held: int | None = None
    if n_valid != "auto":
        held = integer("valid documents", n_valid, *limits.DOCUMENTS, "256 is usual", CorpusError)
    context = integer("context", context, *limits.CORPUS_CONTEXT, "256 is usual", CorpusError)
    seed = integer("seed", seed, *limits.SEED, "0 is usual", CorpusError)
    if by not in BY:
        raise CorpusError(f"by is {by!r}, must be one of {', '.join(BY)}: a document is the smaller unit")
    if getattr(source, "kind", None) == "corpus":
        raise CorpusError(f"{source.name} is a ziplaw corpus already: train on it as it is")
    reader: _Text | _Ids = (
        _Text(source, tokenizer, progress) if isinstance(source, TextSource) else _Ids(source, context, progress)
    )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as spool:
            for share in _shares(reader, n_documents, held, context, at_most):
                with contextlib.suppress(_TooLittle):
                    return _import(reader, folder, spool, share, n_documents, held, context, seed, by)
            if at_most and n_documents is not None:
                return _import(reader, folder, spool, 1, None, held, context, seed, by, n_documents)
            return _import(reader, folder, spool, 1, n_documents, held, context, seed, by)
    except OSError as error:
        raise CorpusError(
            f"{folder}: cannot import ({error.strerror or error}): free space or choose another"
        ) from None
    finally:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


class _TooLittle(CorpusError):
    """There is less text than the documents asked for take."""


def _shares(reader, n_documents, n_valid, context, at_most):
    """Yield which share to read, and more if that turns out to be too little; after the last, all of it.

    Ids are sampled where documents are asked for at most; text always.
    """
    if n_documents is not None and (at_most or isinstance(reader, _Text)):
        census, some = Census(), Thinned(_TRIED_BYTES)
        for name, piece in reader.pieces():
            census.add(name, piece)
            if isinstance(reader, _Text):
                some.add(name, piece)
        reader.text = census.result()
        size = reader.text.bytes
        each = _BYTES_PER_TOKEN
        if at_most:
            pieces = [piece for _, piece in some.kept]
            each = bytes_per_token(reader.tokenizer, pieces)[0] if isinstance(reader, _Text) else 1
        n_held = HELD_OUT if n_valid is None else n_valid
        enough = max(SAMPLED_BYTES, _AMPLE * each * (n_documents + 2 * n_held) * context)
        while 2 * enough < size:
            yield enough / size
            enough *= 4


class _Text:
    """Text and what tokenises it."""

    gap = 1
    text: UniqueText | None = None

    def __init__(self, source: TextSource, tokenizer: str | Tokenizer, progress: Callable[[Pieces], Pieces]):
        self.source = source
        self.tokenizer = load_tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
        self.vocab_size = self.tokenizer.vocab_size + 1
        self.identity = {"tokenizer": self.tokenizer.name, "tokenizer_sha256": self.tokenizer.sha256}
        self.pieces, self.encode = lambda: progress(source.pieces()), self.tokenizer.encode


class _Ids:
    """Token ids: documents or rows, or one long document."""

    text: UniqueText | None = None

    def __init__(self, source: TokenSource, context: int, progress: Callable[[Any], Any]):
        self.source, self.progress = source, progress
        tokens = source.tokens
        self.gap = int(tokens.ndim == 1 or tokens.shape[1] != context)
        self.vocab_size = largest_id(source) + 2
        self.identity = {"tokenizer": source.tokenizer, "tokenizer_sha256": None}

    def pieces(self) -> Iterator[tuple[DocumentName, np.ndarray]]:
        return self.progress(self._pieces())

    def _pieces(self) -> Iterator[tuple[DocumentName, np.ndarray]]:
        tokens, bounds = self.source.tokens, self.source.documents
        if bounds is not None:
            for i, (start, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist())):
                for at in range(start, end, _CHUNK_IDS):
                    yield DocumentName(self.source.name, str(i)), tokens[at : min(end, at + _CHUNK_IDS)]
            return
        if tokens.ndim == 2:
            yield from ((DocumentName(self.source.name, str(i)), row) for i, row in enumerate(tokens))
        for start in range(0, len(tokens) if tokens.ndim == 1 else 0, _CHUNK_IDS):
            yield DocumentName(self.source.name), tokens[start : start + _CHUNK_IDS]

    @staticmethod
    def encode(pieces: list[np.ndarray]) -> list[np.ndarray]:
        return pieces


def largest_id(source: TokenSource) -> int:
    """Return the largest id, read piece by piece; CorpusError where one is no token id or too large for a corpus."""
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


def _import(reader, folder, spool, share, n_documents, n_valid, context, seed, by, most=None):
    dtype = token_dtype(reader.vocab_size)
    key, replaced = seed.to_bytes(8, "big"), _replaced(reader)
    pieces = reader.pieces() if share == 1 else keep_share(reader.pieces(), share, key)
    documents = spool_documents(pieces, reader.encode, spool, dtype, reader.gap, key)
    is_text, name = isinstance(reader.source, TextSource), reader.source.name
    unique = _unique(reader, documents, share)
    if n_valid is None:
        n_valid = held_out_documents(unique["unique_tokens"], context)
    units = cut_units(documents, by, context)
    n_sources = int(units.sources.max(initial=-1)) + 1
    mask = hold_out(units, n_valid, context, reader.gap)
    held, train = units.take(mask), units.take(~mask)
    # a file may hold a copy of a document of another
    again = np.isin(train.digests, held.digests)
    n_copies = int(again.sum()) + int((~first_copies(held.digests)).sum())
    train = train.take(~again)
    train = train.take(np.argsort(train.sources, kind="stable"))
    _enough(name, by, n_sources, held, train, n_documents, n_valid, context, reader.gap)
    windows = place_windows(held, n_valid, context, seed)
    valid = np.empty((n_valid, context), dtype)
    read_windows(spool, dtype, windows.run_starts, windows.run_lengths, windows.starts, valid)
    stream = (spool, dtype, train.starts, train.lengths, train.cut, context)
    phrases = HeldOutPhrases(valid, windows.sources)
    near = np.concatenate([phrases.near_copies(part) for part in stream_windows(*stream)])
    chosen = np.flatnonzero(~near)
    n_train = n_documents or min(len(chosen), most or len(chosen))
    if len(chosen) < n_train or not n_train:
        raise _TooLittle(
            f"{name}: {int(near.sum())} of {len(near)} training documents of {context} tokens are near copies of "
            f"held-out text, which leaves {len(chosen)}, {n_documents or 1} were asked for: give more text"
        )
    chosen = chosen[np.arange(n_train) * len(chosen) // n_train]
    origin = reader.source.provenance | reader.identity | {"importer": versions.CORPUS, "seed": seed, "by": by}
    origin["documents_sha256"] = hashlib.sha256(np.sort(documents.digests).astype("<u8").tobytes()).hexdigest()
    if share < 1:
        origin["share_read"] = share
    copies = {"copies_left_out": n_copies, "near_copies_left_out": int(near.sum())}
    origin |= {"sources": n_sources} | copies | unique
    token_bytes = int(documents.sizes.sum()) / int(documents.lengths.sum()) if is_text else None
    with CorpusWriter(
        folder, n_train, n_valid, context, reader.vocab_size, origin, token_bytes, windows.sources
    ) as writer:
        writer.valid[:] = valid
        at = first = 0
        for part in stream_windows(*stream):
            here = chosen[at : np.searchsorted(chosen, first + len(part))] - first
            writer.train[at : at + len(here)] = part[here]
            at, first = at + len(here), first + len(part)
            writer.release()
    notes = dict(sorted(reader.source.notes.items())) if is_text else {}
    notes |= {"invalid UTF-8 sequences replaced": _replaced(reader) - replaced}
    return {
        "n_train": n_train,
        "n_valid": n_valid,
        "context": context,
        "vocab_size": reader.vocab_size,
        "token_bytes": token_bytes,
        "sources": n_sources,
        "valid_sources": int(windows.sources.max()) + 1,
        "train_windows": int(len(near) - near.sum()),
        "share_read": share,
        **copies,
        **unique,
        "notes": {what: n for what, n in notes.items() if n},
    }


def _unique(reader, documents, share):
    """Return what there is of tokens in all of the text, separators counted and each document once."""
    first = first_copies(documents.digests)
    lengths, sizes = documents.lengths[first], documents.sizes[first]
    if share == 1:
        found = {
            "documents": len(first),
            "duplicate_documents": len(first) - len(lengths),
            "unique_tokens": int(lengths.sum()),
            "unique_tokens_error": None,
        }
        text_bytes = int(documents.sizes.sum())
    else:
        text = reader.text
        ratio, k = int(lengths.sum()) / int(sizes.sum()), len(lengths)
        # of a ratio of sums over documents, each drawn with the same chance
        off = lengths - ratio * sizes
        error = math.sqrt(float((off * off).sum()) * k / max(1, k - 1)) / int(sizes.sum())
        found = {
            "documents": text.documents,
            "duplicate_documents": text.duplicates,
            "unique_tokens": round(ratio * text.unique_bytes),
            "unique_tokens_error": math.ceil(error * text.unique_bytes),
        }
        text_bytes = text.bytes
    return found | ({"text_bytes": text_bytes} if isinstance(reader, _Text) else {})


def _replaced(reader):
    return getattr(reader, "tokenizer", BytesTokenizer).replaced


def _enough(name, by, n_sources, held, train, n_documents, n_valid, context, gap):
    """Refuse a source with too little text, saying how much there is."""
    have, need = int(measurable(held, context).sum()), text_needed(n_valid, context, gap)
    n_train, asked = int(train.lengths.sum()) // context, n_documents or 1
    if have >= need and n_train >= asked:
        return
    total = (int(held.lengths.sum()) + int(train.lengths.sum())) // context
    twice = ", which takes twice their text" if gap else ""
    what = f"{n_valid} held out{twice}, and {asked} for training were asked for"
    if total * context < need + asked * context:
        raise _TooLittle(
            f"{name} gives {total} documents of {context} tokens, {what}: give more text, or ask for fewer "
            "--valid-documents or --documents"
        )
    raise _TooLittle(
        f"{name} is made of {n_sources} source(s), each held out or trained on as a whole, which gives {n_train} "
        f"documents of {context} tokens for training beside what is held out; {what}: give more text"
        + (", or leave out --by file" if by == "file" else ", or ask for fewer --valid-documents or --documents")
    )
