"""Corpora that grammars generate: sampled into a folder, and the exact floor of their documents."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..base.documents import sha256_file
from ..errors import CorpusError
from ..grammars.floor import floor
from ..grammars.grammar import Grammar
from ..grammars.sampling import check_sizes, sample
from .storage.format import CorpusWriter, open_corpus

# every part of a corpus has a stream of its own, and documents for a floor alone one that neither part uses
STREAMS = {"train": 0, "valid": 1}
FLOOR_STREAM = 2


def sample_corpus(
    grammar_file: str | os.PathLike,
    folder: str | os.PathLike,
    documents: int,
    valid_documents: int = 256,
    context: int = 256,
    seed: int = 0,
    threads: int | None = None,
    mode: str = "exact",
    *,
    names: tuple[str, str] = ("documents", "valid_documents"),
) -> None:
    """Sample training and validation documents straight into a corpus folder, memory-mapped.

    Parameters
    ----------
    grammar_file : path-like
        The grammar; its checksum is kept with the corpus.
    folder : path-like
        The corpus: train.npy, valid.npy and meta.json.
    documents, valid_documents : int
        How many of each.
    context, seed, threads, mode
        As `grammars.sampling.sample` takes them.
    names : tuple of str
        What the caller calls the two numbers of documents.

    Raises
    ------
    ZiplawError
        When a number is out of range or the grammar cannot be sampled, before any file is reserved.
    """
    grammar = Grammar.load(grammar_file)
    check_sizes(grammar, documents, context, seed, names[0])
    check_sizes(grammar, valid_documents, context, seed, names[1])
    source: dict[str, Any] = {
        "kind": "grammar",
        "grammar_sha256": sha256_file(grammar_file),
        "seed": seed,
        "mode": mode,
        "streams": dict(STREAMS),
    }
    with CorpusWriter(folder, documents, valid_documents, context, grammar.vocab_size, source) as writer:
        for name, part in (("train", writer.train), ("valid", writer.valid)):
            lengths = np.empty(len(part), np.int32) if mode == "paper" else None
            sample(grammar, len(part), context, seed, threads, STREAMS[name], mode=mode, out=part, lengths=lengths)
            if lengths is not None:
                # these have a 0 in place of their last token
                writer.source[f"short_documents_{name}"] = int((lengths < context).sum())


def floor_samples(grammar: Grammar, documents: int, context: int, seed: int, threads: int | None = None) -> np.ndarray:
    """Return documents for a floor, token ids (documents, context): of a stream that no corpus uses."""
    return sample(grammar, documents, context, seed, threads, stream=FLOOR_STREAM)


def floor_document(
    grammar_file: str | os.PathLike,
    corpus: str | os.PathLike | None = None,
    *,
    documents: int = 1000,
    context: int = 256,
    seed: int = 1,
    threads: int | None = None,
    dataset: str | None = None,
) -> dict[str, Any]:
    """Return the content of a floor file (``docs/formats.md``): a grammar's Bayes-optimal loss, nats per token.

    Parameters
    ----------
    grammar_file : path-like
        The grammar.
    corpus : path-like, optional
        Take the validation documents of this corpus, so that a model's excess loss over the floor is paired; by
        default documents are sampled.
    documents, context, seed : int
        What is sampled.
    threads : int, optional
        All usable cores by default.
    dataset : str, optional
        Name in the result; by default the grammar file's.

    Raises
    ------
    CorpusError
        When the corpus was sampled from another grammar file, or in paper mode.
    """
    grammar = Grammar.load(grammar_file)
    sha256 = sha256_file(grammar_file)
    if corpus:
        tokens = _validation_documents(corpus, sha256)
    else:
        tokens = floor_samples(grammar, documents, context, seed, threads)
    critical = grammar.criticality()
    return {
        "dataset": dataset or Path(grammar_file).stem,
        **floor(grammar, tokens, threads).to_dict(),
        "documents": "valid" if corpus else "sampled",
        "seed": None if corpus else seed,
        "entropy_rate": grammar.entropy_rate(),
        "expected_sentence_length": grammar.expected_sentence_length(),
        "rho_m": critical.rho_m,
        "rho_lc": critical.rho_lc,
        "grammar_sha256": sha256,
    }


def _validation_documents(folder: str | os.PathLike, sha256: str) -> np.ndarray:
    corpus = open_corpus(folder)
    source = corpus.meta.get("source") or {}
    if source.get("mode", "exact") != "exact":
        raise CorpusError(
            f"{folder} was sampled in {source['mode']} mode, the floor is that of exact mode: sample it again"
        )
    if source.get("grammar_sha256", sha256) != sha256:
        raise CorpusError(f"{folder} was sampled from another grammar file: give the one it was sampled from")
    return corpus.valid
