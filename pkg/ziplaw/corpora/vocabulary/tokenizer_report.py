"""A tokenizer for a corpus, trained or given, with a report of what it gives and costs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ...base.documents import sha256_file, write_json
from ...base.limits import CORPUS_CONTEXT, SEED
from ...base.outputs import Output, by_kind
from ...errors import CorpusError, integer
from ..corpus_limits import LARGEST_VOCABULARY, pilot_corpus_limits
from ..readers import Source, TextSource
from ..tokenizers import Tokenizer, bytes_per_token, cut_bpe, load_tokenizer, save_tokenizer, train_bpe
from .rule import HEAD_SHARE, LARGEST_RUN, TOKENS_PER_PARAMETER, VOCABULARIES, against, choose, cost_row
from .text_sample import read_sample

KIND = "tokenizer_report"


def report_path(path: str | os.PathLike) -> Path:
    """Return where the report of a tokenizer file lies: tokenizer.report.json beside tokenizer.json."""
    return Path(path).with_suffix(".report.json")


def tokenizer_outputs(path: str | os.PathLike, name: str) -> list[Output]:
    """List what is written for a tokenizer; ``name`` is what messages call its file."""
    is_note, is_report = by_kind("tokenizer"), by_kind(KIND)

    def made(path: Path) -> bool:
        if is_note(path):
            return True
        report = report_path(path)
        # the report beside it has the checksum of the tokenizer that the same verb wrote
        return report.is_file() and is_report(report) and sha256_file(path).encode() in report.read_bytes()

    beside = report_path(path)
    return [Output(path, made, name), Output(beside, is_report, f"{beside.name}, written beside {name},")]


def make_tokenizer(
    source: Source,
    path: str | os.PathLike,
    tokenizer: str | None = None,
    vocab_size: int | None = None,
    *,
    pilot_C: float | None = None,
    target_C: float | None = None,
    context: int = 256,
    seed: int = 0,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> dict[str, Any]:
    """Write the tokenizer of a corpus, and a report beside it.

    Parameters
    ----------
    source : Source
        The corpus.
    path : path-like
        tokenizer.json: a file of the tokenizers library; of bytes and of token ids a note of ours that
        ``--tokenizer bpe:FILE`` takes as well.
    tokenizer : str, optional
        A tokenizer that is given, as `tokenizers.load_tokenizer` takes it; by default a byte-level BPE is trained.
    vocab_size : int, optional
        Of the one that is trained; by default `rule.choose` does.
    pilot_C, target_C : float, optional
        Training FLOPs of the pilot, without which the rule looks at the text alone, and of its target. With the first a
        corpus that is too small for a pilot is refused.
    context, seed : int
        Tokens in a document; where the sample begins.
    progress : callable
        Wraps the pieces of text that are read.

    Returns
    -------
    dict
        The report, ``docs/formats.md``.

    Raises
    ------
    CorpusError
        When the corpus has no text, is too small, or the tokenizer cannot be read.
    """
    context = integer("context", context, *CORPUS_CONTEXT, "256 is usual", CorpusError)
    seed = integer("seed", seed, *SEED, "0 is usual", CorpusError)
    costs = {"pilot_C": pilot_C, "target_C": target_C, "context": context}
    made: Tokenizer | None
    if not isinstance(source, TextSource):
        made, report = None, _of_ids(source, costs)
    else:
        if vocab_size is not None and tokenizer is not None:
            raise CorpusError("a tokenizer that is given has its vocabulary: leave vocab_size out")
        given = None if tokenizer is None else load_tokenizer(tokenizer)
        sample = read_sample(source, seed, vocab_size or 0, progress)
        if not sample.text.bytes:
            raise CorpusError(f"{source.name} has no text ({source.reading()}): give files with text in them")
        if pilot_C:
            pilot_corpus_limits(sample.text.unique_bytes, context, source.name)
        made, report = _of_text(sample, given, vocab_size, costs)
    if pilot_C:
        allowed = pilot_corpus_limits(report["tokens"], context, source.name)
        report["held_out"], report["train_tokens"] = allowed.held_out, allowed.train_tokens
    save_tokenizer(path, made)
    report |= costs | {
        "seed": seed,
        "head_share_allowed": HEAD_SHARE,
        "largest_run": LARGEST_RUN,
        "tokens_per_parameter": TOKENS_PER_PARAMETER,
        "source": source.provenance,
        "file_sha256": sha256_file(path),
    }
    write_json(report_path(path), report, kind=KIND)
    return report


def _of_ids(source, costs):
    from ..importing import largest_id

    vocab_size = largest_id(source) + 1
    row = cost_row(vocab_size, (0.0, None), int(source.tokens.size), **costs)
    row |= {"bytes_per_token": source.token_bytes}
    return _report(row, [row], None, f"{vocab_size}: the largest token id of the corpus and 0") | {
        "tokenizer_sha256": None
    }


def _report(row, rows, name, why):
    return {
        "tokenizer": name,
        "vocab_size": row["vocab_size"],
        "model_vocab_size": row["vocab_size"] + 1,
        "bytes_per_token": row["bytes_per_token"],
        "bytes_per_token_error": row.get("bytes_per_token_error"),
        "tokens": row["tokens"],
        "table": rows,
        "why": why,
    }


def _of_text(sample, given, vocab_size, costs):
    text = sample.text

    def row(tokenizer):
        found = bytes_per_token(tokenizer, sample.measured)
        tokens = round(text.unique_bytes / found[0]) + text.documents - text.duplicates
        return cost_row(tokenizer.vocab_size, found, tokens, **costs)

    if given is not None or vocab_size is not None:
        made = given if given is not None else train_bpe(sample.learned, vocab_size)
        rows, at = [row(made)], 0
        said = against(rows[0], costs["context"])
        why = f"{made.vocab_size}: {'given' if given is not None else 'asked for'}" + (f"; it {said}" if said else "")
        if given is None and made.vocab_size < vocab_size:
            why += f" ({vocab_size} were asked for: the text has no more pairs to join)"
    else:
        largest = train_bpe(sample.learned, LARGEST_VOCABULARY)
        # the first merges of a large vocabulary are those of a small one
        candidates = [cut_bpe(largest, size) for size in VOCABULARIES if size <= largest.vocab_size]
        rows = [row(one) for one in candidates]
        at, why = choose(rows, costs["context"])
        made = candidates[at]
    report = _report(rows[at], rows, given.name if given else "trained", why)
    report |= {
        "tokenizer_sha256": made.sha256,
        "text_bytes": text.bytes,
        "unique_text_bytes": text.unique_bytes,
        "documents": text.documents,
        "duplicate_documents": text.duplicates,
        "learned_bytes": 0 if given else sum(map(len, sample.learned)),
        "measured_bytes": sum(map(len, sample.measured)),
    }
    return made, report
