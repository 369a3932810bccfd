"""Sampling documents from a grammar: fixed-length token windows, the same bytes at any thread count."""

from __future__ import annotations

import math
import os

import numpy as np

from ..base.documents import progress
from ..base.limits import CORPUS_CONTEXT, MAX_TOKENS, SEED
from ..base.threads import each, n_threads
from ..errors import ZiplawError, integer, shown
from .grammar import Grammar, checked

CHUNK_TOKENS = 1 << 20
SHOW_PROGRESS_TOKENS = 1 << 30
# levels of a derivation, the start symbol the first, that the published code can recurse before Python 3.11 stops it
PAPER_DEPTH = 991


def sample(
    grammar: Grammar,
    n_documents: int,
    context: int = 256,
    seed: int = 0,
    threads: int | None = None,
    stream: int = 0,
    first_document: int = 0,
    mode: str = "exact",
    out: np.ndarray | None = None,
    lengths: np.ndarray | None = None,
) -> np.ndarray:
    """Sample documents: sentences from the start symbol, joined by the separator 0, the last one cut at ``context``.

    Every document has its own random stream keyed by (seed, stream, document index), so a document's bytes depend on
    neither threads nor how many documents are asked for: a longer corpus starts with the shorter one.

    Parameters
    ----------
    grammar : Grammar
        Its left corners must be subcritical (rho(LC) < 1); rho(M) may be anything, sentences are cut.
    n_documents : int
        At least 1.
    context : int, optional
        Tokens per document, at least 1.
    seed : int, optional
        From 0 to 2**64 - 1.
    threads : int, optional
        All usable cores by default.
    stream : int, optional
        0 for training documents, 1 for validation, 2 for anything else; up to 2**32 - 1.
    first_document : int, optional
        Index of the first document, so that a corpus can be made in pieces.
    mode : {"exact", "paper"}, optional
        "exact" is the definition above. "paper" has the habits of the paper's published code: ids are one lower, so
        that 0 is also a terminal; sentences whose derivation is deeper than Python's recursion limit of 1000 lets it
        be are skipped; a document whose last sentence ends one token early has context - 1 tokens and a 0 behind it.
    out : ndarray, optional
        Where to write, memory-mapped or not: C-contiguous, shape (n_documents, context), of the dtype returned.
    lengths : ndarray of int32, shape (n_documents,), optional
        Receives the tokens of each document: context, or in paper mode sometimes context - 1.

    Returns
    -------
    ndarray of uint16 (uint32 when vocab_size > 65536), shape (n_documents, context)
        ``out`` when given.

    Raises
    ------
    ZiplawError
        For an argument out of range, an ``out`` that does not fit, or a grammar that need not reach its next token.
    """
    n_documents, context, seed = check_sizes(grammar, n_documents, context, seed)
    stream = integer("stream", stream, 0, 2**32 - 1, "0 is for training, 1 for validation, 2 for the rest")
    first_document = integer("first_document", first_document, 0, 2**63 - 1, "documents count from 0")
    threads = n_threads(threads)
    if mode not in ("exact", "paper"):
        raise ZiplawError(f"mode is {shown(mode)}, must be 'exact' or 'paper': 'exact' is the definition")
    shape = (n_documents, context)
    dtype = np.dtype(np.uint16 if grammar.vocab_size <= 1 << 16 else np.uint32)
    out = _new(shape, dtype) if out is None else _fitting("out", out, shape, dtype)
    if lengths is None:
        lengths = np.empty(n_documents if mode == "paper" else 0, np.int32)
    else:
        _fitting("lengths", lengths, (n_documents,), np.dtype(np.int32))[...] = context
    sampler = _sampler(grammar)

    def work(row):
        some = slice(row, row + rows)
        if mode == "exact":
            sampler.fill(out[some], seed, stream, first_document + row)
        else:
            sampler.fill_like_paper(out[some], lengths[some], seed, stream, first_document + row, PAPER_DEPTH)

    rows = max(1, min(CHUNK_TOKENS // context, math.ceil(n_documents / (4 * threads))))
    chunks = range(0, n_documents, rows)
    total = n_documents * context
    bar = progress(total=len(chunks), desc="sampling", unit="chunk") if total >= SHOW_PROGRESS_TOKENS else None
    each(work, chunks, threads, bar)
    if bar is not None:
        bar.close()
    return out


def check_sizes(
    grammar: Grammar, n_documents: int, context: int, seed: int, name: str = "n_documents"
) -> tuple[int, int, int]:
    """Check what :func:`sample` will be asked for, and that the grammar can be sampled; return the three as int.

    ``name`` is what the caller calls the number of documents.
    """
    checked(grammar)
    context = integer("context", context, 1, CORPUS_CONTEXT[1], "256 tokens a document is usual")
    n_documents = integer(name, n_documents, 1, MAX_TOKENS // context, f"at least one, and {MAX_TOKENS} tokens in all")
    _sampler(grammar)
    return n_documents, context, integer("seed", seed, *SEED, "choose another")


def _new(shape, dtype):
    needed = math.prod(shape) * dtype.itemsize
    # an array beyond the machine's memory may be granted and kill the process later
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > memory:
        raise ZiplawError(
            f"{shape[0]} documents of {shape[1]} tokens need {needed / 1e9:.3g} GB, this machine has "
            f"{memory / 1e9:.3g} GB: ask for fewer, or pass a memory-mapped array as out"
        )
    return np.empty(shape, dtype)


def _fitting(name, array, shape, dtype):
    if not isinstance(array, np.ndarray):
        raise ZiplawError(
            f"{name} is a {type(array).__name__}, must be a numpy array of {dtype} {shape}: make it with numpy.empty"
        )
    if array.shape != shape or array.dtype != dtype:
        raise ZiplawError(
            f"{name} is {array.dtype} of shape {array.shape}, must be {dtype} of shape {shape}: make it with "
            "numpy.empty"
        )
    if not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
        raise ZiplawError(f"{name} is not a writeable, aligned, C-contiguous array: pass a fresh one or a memory map")
    return array


def _sampler(grammar):
    """Return the grammar's sampling tables, built once and kept with it."""
    sampler = vars(grammar).get("_sampler")
    if sampler is None:
        grammar.check_emits()
        try:
            from .._pcfg import Sampler
        except ImportError:
            raise ZiplawError("the compiled sampler is missing: run `make build`, or reinstall ziplaw") from None
        sampler = vars(grammar)["_sampler"] = Sampler(grammar.vocab_size > 1 << 16, **grammar._flat)
    return sampler
