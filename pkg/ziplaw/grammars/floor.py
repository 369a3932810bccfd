"""The Bayes-optimal loss of a grammar: what a model that knew the grammar would get, exactly.

A document is the first ``context`` tokens of s1 0 s2 0 s3 ..., the s being independent sentences and 0 the separator.
Its probability is the product of its whole sentences' probabilities and the prefix probability of the cut last one,
which counts every continuation, the endless ones of supercritical grammars included. Prefix probabilities follow
Stolcke (1995, Computational Linguistics 21:2, sections 4.2 to 4.5): Earley's chart with inner and forward
probabilities and the closures R_L = (I - P_L)^-1 over left corners and R_U = (I - P_U)^-1 over unit productions, so
that no normal form is asked for and recursion, left recursion, unit cycles and ambiguity are summed exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.documents import progress
from ..base.threads import each, n_threads
from ..base.token_arrays import token_array
from ..errors import GrammarError, ZiplawError
from .grammar import Grammar, checked

CHUNK_TOKENS = 1 << 13
SHOW_PROGRESS_TOKENS = 1 << 20
# two dense square matrices are made: 8192 nonterminals take 1 GB
MAX_NONTERMINALS = 8192
# an entry for every id up to the highest, used or not
MAX_TERMINALS = 1 << 26


@dataclass(frozen=True)
class Floor:
    """The floor of a grammar, measured on documents.

    Attributes
    ----------
    nats_per_token : float
        Mean over documents of -ln p(document) / context: the least expected loss of any model, the separator counted
        as a token and nothing given before the first token.
    stderr : float
        Standard error of that mean over documents; nan for a single document.
    n_documents, context : int
        How many documents of how many tokens.
    nll : ndarray of float64, shape (n_documents,)
        -ln p of each document, in nats.
    """

    nats_per_token: float
    stderr: float
    n_documents: int
    context: int
    nll: np.ndarray = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON-ready data, without the documents' own values."""
        return {
            "floor": self.nats_per_token,
            "stderr": self.stderr,
            "n_documents": self.n_documents,
            "context": self.context,
        }


def floor(grammar: Grammar, tokens: np.ndarray, threads: int | None = None) -> Floor:
    """Return the exact Bayes-optimal loss of ``grammar`` on documents drawn from it.

    Parameters
    ----------
    grammar : Grammar
        With rho(LC) < 1; rho(M) may be anything. Probabilities are divided by each nonterminal's sum.
    tokens : ndarray of integers, shape (n_documents, context)
        Documents as :func:`ziplaw.sample` makes them: ids 0 .. n_terminals, 0 between sentences.
    threads : int, optional
        All usable cores by default; the result has the same bits for any number.

    Returns
    -------
    Floor

    Raises
    ------
    ZiplawError
        When ``tokens`` is not a 2-D integer array of ids, when the grammar cannot produce a document (the message
        names document and position), or when rho(LC) >= 1.
    """
    tokens = _documents(tokens)
    nll = np.empty(len(tokens))
    _run(grammar, tokens, nll, None, threads)
    n, context = tokens.shape
    per_token = nll / context
    mean = math.fsum(per_token) / n
    stderr = math.sqrt(math.fsum(np.square(per_token - mean)) / (n - 1) / n) if n > 1 else math.nan
    return Floor(mean, stderr, n, context, nll)


def position_nats(grammar: Grammar, tokens: np.ndarray, threads: int | None = None) -> np.ndarray:
    """Return -ln p(x_t | x_<t) of every token, in nats.

    Parameters
    ----------
    grammar, tokens, threads
        As for :func:`floor`.

    Returns
    -------
    ndarray of float64, shape (n_documents, context)
        A row sums to the document's -ln p. A separator's value is -ln p(the sentence ends here | the document so far).

    Raises
    ------
    ZiplawError
        As for :func:`floor`.
    """
    tokens = _documents(tokens)
    positions = np.empty(tokens.shape)
    _run(grammar, tokens, np.empty(len(tokens)), positions, threads)
    return positions


def next_token_probabilities(grammar: Grammar, prefix: np.ndarray) -> np.ndarray:
    """Return the probability of every token id after ``prefix``.

    Parameters
    ----------
    grammar : Grammar
        As for :func:`floor`.
    prefix : sequence of int, shape (n,)
        The beginning of a document, sentences joined by 0; may be empty.

    Returns
    -------
    ndarray of float64, shape (vocab_size,)
        Entry 0 is the probability that the sentence ends here. The entries sum to 1.

    Raises
    ------
    ZiplawError
        When ``prefix`` is not 1-D, holds an id out of range or cannot be produced, or when rho(LC) >= 1.
    """
    prefix = token_array(prefix, "prefix")
    if prefix.ndim != 1:
        raise ZiplawError(f"prefix has {prefix.ndim} dimensions, must have 1: give one document's beginning")
    prefix = _ids(prefix, "prefix")
    parser = _parser(grammar)
    out = np.empty(grammar.vocab_size)
    try:
        parser.next(prefix, out)
    except _refused() as error:
        raise _explained(error, grammar, prefix[None, :], 0) from None
    return out


def _run(grammar, tokens, nll, positions, threads, wide=False):
    """Fill ``nll`` and, unless None, ``positions``; ``wide`` forces the slow number type (for tests)."""
    threads = n_threads(threads)
    parser = _parser(grammar)
    rows = max(1, CHUNK_TOKENS // tokens.shape[1])
    starts = range(0, len(tokens), rows)

    def work(start):
        part = slice(start, start + rows)
        out = None if positions is None else positions[part]
        try:
            parser.documents(_ids(tokens[part], "tokens", start), nll[part], out, wide)
        except _refused() as error:
            raise _explained(error, grammar, tokens, start) from None

    bar = progress(total=len(starts), desc="floor", unit="chunk") if tokens.size >= SHOW_PROGRESS_TOKENS else None
    each(work, starts, threads, bar)
    if bar is not None:
        bar.close()


def _documents(tokens):
    tokens = token_array(tokens)
    if tokens.ndim != 2:
        raise ZiplawError(
            f"tokens has shape {tokens.shape}, must be (n_documents, context): reshape one document to (1, -1)"
        )
    if tokens.size == 0:
        raise ZiplawError(f"tokens has shape {tokens.shape}, must hold at least one token: sample some documents")
    return tokens


def _ids(tokens, name, first=0):
    """Return ids as C-contiguous uint32, checked to fit."""
    for pick in (np.min, np.max) if tokens.size and tokens.dtype != np.uint16 else ():
        value = pick(tokens)
        if not 0 <= value < 2**31:
            *row, column = np.argwhere(tokens == value)[0]
            where = f"document {first + row[0]}, position {column}" if row else f"position {column}"
            raise ZiplawError(f"{name} holds {value} at {where}: ids count from 0, give those of this grammar")
    return np.ascontiguousarray(tokens, dtype=np.uint32)


def _refused():
    from .._earley import Refused

    return Refused


def _explained(error, grammar, tokens, first):
    reason, document, position = error.args
    document += first
    token = int(tokens[document, position])
    if reason == "token":
        return ZiplawError(
            f"document {document} holds token {token} at position {position}, the grammar's highest is "
            f"{grammar.n_terminals}: give the grammar that these documents were sampled from"
        )
    what = "end a sentence (token 0)" if token == 0 else f"produce token {token}"
    return ZiplawError(
        f"document {document} is impossible: the grammar cannot {what} at position {position} after the tokens before "
        "it; give the grammar that these documents were sampled from"
    )


def _parser(grammar):
    """Return the grammar compiled for parsing, built once and kept with it."""
    parser = vars(checked(grammar)).get("_parser")
    if parser is None:
        if grammar.n_nonterminals > MAX_NONTERMINALS:
            raise GrammarError(
                f"the grammar has {grammar.n_nonterminals} nonterminals, the floor handles {MAX_NONTERMINALS} "
                "(its closures are dense matrices): use a smaller grammar"
            )
        if grammar.n_terminals > MAX_TERMINALS:
            raise GrammarError(
                f"the grammar has {grammar.n_terminals} terminals, the floor handles {MAX_TERMINALS}: number the ones "
                "that are used from 1 up"
            )
        grammar.check_emits()
        try:
            from .._earley import Parser
        except ImportError:
            raise ZiplawError("the compiled parser is missing: run `make build`, or reinstall ziplaw") from None
        parser = vars(grammar)["_parser"] = Parser(grammar.n_terminals, **grammar.arrays())
    return parser
