"""H of a file, a folder, a corpus or a built-in text: read, tokenise, measure; the content of a score file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..base.clusters import blocks, median_interval
from ..base.limits import SAMPLES, WINDOW
from ..errors import CorpusError, integer
from .builtin import open_builtin
from .compress import Compressibility, byte_compressibility, chosen_windows, compressibility
from .passages import Thinned
from .readers import Source, TextSource, open_source
from .tokenizers import BUNDLED, Tokenizer, load_tokenizer

# of longer texts, evenly spaced blocks of PIECE_BYTES that come to at most this are tokenised
TEXT_BYTES = 1 << 24
_BYTES_PER_ID = 4
# ids of a file without a vocabulary, among which the largest is looked for
_LOOKED_AT = 1 << 26
# a text with more than this share of the windows counts as several, blocks of neighbouring windows
_LARGEST_SHARE = 50
# below this a byte-level BPE fits the text badly; the bundled one gives 3.6 for code and 4.2 for prose
FEW_BYTES_PER_TOKEN = 2.5
REPLACED = "invalid UTF-8 sequences replaced"


def score_path(
    path: str | os.PathLike,
    tokenizer: str | Tokenizer = BUNDLED,
    window: int = 256,
    samples: int = 1000,
    threads: int | None = None,
    *,
    dataset: str | None = None,
    text_field: str | None = None,
    dtype: str | None = None,
    extensions: Sequence[str] = (),
    kind: str | None = None,
) -> dict[str, Any]:
    """Measure H of a path.

    Parameters
    ----------
    path : path-like
        Anything that `readers.open_source` opens.
    tokenizer : str or Tokenizer
        For text, as `tokenizers.load_tokenizer` takes it; ids need none.
    window, samples : int
        Tokens in a window, windows measured, as in `compress.compressibility`.
    threads : int, optional
        All usable cores by default.
    dataset : str, optional
        Name in the result; by default the path's last name.
    text_field, dtype, extensions, kind
        As in `readers.open_source`.

    Returns
    -------
    dict
        The content of a score file, docs/formats.md; ``H`` is the median.

    Raises
    ------
    CorpusError
        When the path cannot be read or holds less than one window.
    """
    # ids need no tokenizer: it is loaded when text turns up
    binary = getattr(tokenizer, "name", tokenizer) == "bytes"
    source = open_source(path, text_field=text_field, dtype=dtype, extensions=extensions, binary=binary, kind=kind)
    return score_source(source, tokenizer, window, samples, threads, dataset=dataset)


def score_builtin(
    name: str,
    tokenizer: str | Tokenizer = BUNDLED,
    window: int = 256,
    samples: int = 1000,
    threads: int | None = None,
    *,
    dataset: str | None = None,
) -> dict[str, Any]:
    """Measure H of a built-in corpus ("code" or "prose"); the result is marked ``reference``."""
    return score_source(open_builtin(name), tokenizer, window, samples, threads, dataset=dataset) | {"reference": True}


def score_source(
    source: Source,
    tokenizer: str | Tokenizer = BUNDLED,
    window: int = 256,
    samples: int = 1000,
    threads: int | None = None,
    *,
    dataset: str | None = None,
) -> dict[str, Any]:
    """Measure H of an opened source; parameters and result as for `score_path`.

    Texts are joined end to end, as training packs them, and tokenised whole up to TEXT_BYTES (more when many or long
    windows are wanted); of a longer source evenly spaced blocks are. Windows are evenly spaced over all tokens; only of
    documents that are independent draws, a grammar's, the first ones are taken.
    """
    integer("window", window, *WINDOW, "256 is the paper's")
    integer("samples", samples, *SAMPLES, "1000 is the paper's")
    if isinstance(source, TextSource):
        tokenizer = load_tokenizer(tokenizer) if isinstance(tokenizer, str) else tokenizer
        result = _score_text(source, tokenizer, window, samples, threads)
    else:
        result = _score_tokens(source, window, samples, threads)
    return {"dataset": dataset or source.name.rstrip("/")} | result


def _too_short(source, tokens, window):
    how = f"give more text or a --window of at most {tokens}" if tokens else "give a source that is not empty"
    return CorpusError(f"{source.name} has {tokens} tokens, a window needs {window}: {how}")


def _score_tokens(source, window, samples, threads):
    tokens = source.tokens
    if tokens.size < window:
        raise _too_short(source, tokens.size, window)
    if tokens.ndim == 2 and tokens.shape[1] < window:
        raise CorpusError(
            f"{source.name} has rows of {tokens.shape[1]} tokens, a window needs {window}: "
            f"use --window {tokens.shape[1]}, or save the ids as one flat array if the rows are one text"
        )
    try:
        measured = compressibility(tokens, window, samples, threads=threads, first=source.draws)
    except CorpusError as error:
        raise CorpusError(f"{source.name}: {error}") from None
    width = tokens.shape[-1]
    at = chosen_windows(tokens.size // width * (width // window), samples)
    if source.documents is not None:
        of = np.searchsorted(source.documents, at * window, "right")
    else:
        # rows as wide as a window may be one text cut up: neighbours count as alike
        of = at // (width // window) if tokens.ndim == 2 and width >= 2 * window else np.zeros(len(at), np.int64)
    return (
        measured.to_dict()
        | ({} if source.draws else _interval(measured, of))
        | {
            "tokens": int(tokens.size),
            "bytes_per_token": source.token_bytes,
            "tokenizer": source.tokenizer,
            "source": source.provenance,
        }
    )


def _interval(measured: Compressibility, documents: np.ndarray) -> dict[str, Any]:
    """What a score says about the uncertainty of H, from the document that each window is of."""
    sources = blocks(documents, -(-measured.n // _LARGEST_SHARE))
    found = median_interval(measured.sizes / measured.raw_bytes, sources)
    return {"H_interval": None if found is None else list(found), "H_sources": int(sources[-1]) + 1}


def _score_text(source, tokenizer, window, samples, threads):
    thinned = Thinned(max(TEXT_BYTES, 32 * window * samples))
    replaced = tokenizer.replaced
    for name, piece in source.pieces():
        thinned.add(name, piece)
    ids = tokenizer.encode([piece for _, piece in thinned.kept])
    tokens = np.concatenate(ids) if ids else np.empty(0, np.uint32)
    if len(tokens) < window:
        raise _too_short(source, len(tokens), window)
    notes = dict(sorted(source.notes.items()))
    if tokenizer.replaced > replaced:
        notes[REPLACED] = tokenizer.replaced - replaced
    measured = compressibility(tokens, window, samples, threads=threads)
    # the document of each window is that of its first token
    names = [name for name, _ in thinned.kept]
    document = np.cumsum([0] + [a != b for a, b in pairwise(names)])
    ends = np.cumsum([len(part) for part in ids])
    starts = chosen_windows(len(tokens) // window, samples) * window
    # as many bytes a window as the tokens take at 4 bytes each
    bytes_window, raw = _BYTES_PER_ID * window, b"".join(piece for _, piece in thinned.kept)
    beside = byte_compressibility(raw, bytes_window, samples, threads=threads) if len(raw) >= bytes_window else None
    return (
        measured.to_dict()
        | _interval(measured, document[np.searchsorted(ends, starts, "right")])
        | {
            "tokens": len(tokens),
            "text_bytes": thinned.total_bytes,
            "tokenised_bytes": thinned.kept_bytes,
            "bytes_per_token": thinned.kept_bytes / len(tokens),
            "bytes_H": beside.median if beside else None,
            "bytes_window": bytes_window,
            "tokenizer": tokenizer.name,
            "tokenizer_sha256": tokenizer.sha256,
            "vocab_size": tokenizer.vocab_size,
            "source": source.provenance | ({"notes": notes} if notes else {}),
        }
    )


def vocabulary_of(source: Source, score: dict[str, Any]) -> tuple[int, str]:
    """Entries that a model of a scored source needs, the separator among them, and what says so.

    Of a corpus its own; of text those of the tokenizer and the separator; of other ids the largest of the first
    64 M, and the separator.
    """
    if isinstance(source, TextSource):
        return int(score["vocab_size"]) + 1, f"tokenizer {score['tokenizer']}"
    if source.vocab_size is not None:
        return source.vocab_size, "the corpus"
    tokens = source.tokens
    rows = max(1, _LOOKED_AT // (tokens[:1].size or 1))
    return int(tokens[:rows].max()) + 2, "the largest id"


def remarks(score: dict[str, Any]) -> list[str]:
    """Return what a reader of a score has to know beside its numbers, as sentences."""
    # what was left out stands in the line that says what was read
    replaced = score["source"].get("notes", {}).get(REPLACED)
    texts = [f"{REPLACED}: {replaced}"] if replaced else []
    if score.get("tokenised_bytes", 0) < score.get("text_bytes", 0):
        share = score["tokenised_bytes"] / score["text_bytes"]
        texts.append(f"evenly spaced blocks, {share:.2%} of the text, were tokenised")
    few = (score.get("bytes_per_token") or FEW_BYTES_PER_TOKEN) < FEW_BYTES_PER_TOKEN
    # of a vocabulary that was learned, and so may not fit: a tokenizer without a file of one has none
    if few and score.get("tokenizer_sha256"):
        texts.append(
            f"only {score['bytes_per_token']:.2f} bytes a token: the vocabulary does not fit this text, which lowers "
            "H; an under-trained vocabulary looks like compressibility"
        )
    return texts
