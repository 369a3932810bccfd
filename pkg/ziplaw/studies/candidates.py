"""Candidates of a study: random shapes and seeds, each scored by what can be measured before any training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.documents import progress
from ..base.threads import each, n_threads
from ..corpora.compress import compressibility
from ..errors import GrammarError
from ..grammars.floor import floor
from ..grammars.grammar import Grammar
from ..grammars.random_grammars import random_grammar
from ..grammars.sampling import sample
from ..numerics.functions import exp, log

NONTERMINALS = (2, 200)
RHS_LENGTH = (2, 20)
# expected nonterminals of a rewrite, above which nearly every draw is critical
MOST_OFFSPRING = 0.9
MOST_TRIES = 40
# seeds of grammars of one design: nothing else here uses so large ones, so a design's grammars are fresh
SEEDS_OF_A_DESIGN = 1_000_000


@dataclass(frozen=True)
class Pool:
    """What candidates are drawn from.

    Attributes
    ----------
    terminals : (int, int)
        Range of the number of terminals, logarithms uniform; one vocabulary where both are the same.
    productions : (int, int)
        Range of the number of productions, which sets when learning starts and ends.
    """

    terminals: tuple[int, int]
    productions: tuple[int, int]


def draw_candidate(pool: Pool, seed: int, index: int) -> Grammar | None:
    """Draw the candidate of an index; None where no draw of many had productions in the range.

    Shapes: nonterminals 2 to 200, longest right-hand sides 2 to 20 and terminals have uniform logarithms, options are
    what gives a number of productions of the range on average. The grammar's seed is 10^6 (seed + 1) + index.
    """
    uniform = np.random.default_rng([seed, index]).random
    for _ in range(MOST_TRIES):
        nonterminals, terminals, length = (
            _whole(uniform(), *ends) for ends in (NONTERMINALS, pool.terminals, RHS_LENGTH)
        )
        wanted = _whole(uniform(), *pool.productions)
        options = max(1, round(2 * wanted / nonterminals) - 1)
        if nonterminals / (nonterminals + terminals) * (length + 1) / 2 > MOST_OFFSPRING:
            continue
        try:
            grammar = random_grammar(nonterminals, terminals, options, length, SEEDS_OF_A_DESIGN * (seed + 1) + index)
        except GrammarError:
            continue  # every sub-seed is critical
        if pool.productions[0] <= len(grammar.productions) <= pool.productions[1]:
            return grammar
    return None


def _whole(share: float, low: int, high: int) -> int:
    """A whole number of [low, high] whose logarithm is uniform, from a share of [0, 1)."""
    return min(high, int(low * float(exp(share * float(log((high + 1) / low))))))


def measures_of(
    grammar: Grammar, documents: int, budgets: Sequence[int], context: int = 256, threads: int | None = 1
) -> dict[str, Any]:
    """Measure a grammar on documents of the streams that a sweep's corpora have: H on the first of those to train on,
    the floor on the first of those held out.

    Parameters
    ----------
    grammar : Grammar
        A random one, with its shape in its provenance.
    documents : int
        Of each stream. A sweep scores 1000.
    budgets : sequence of int
        Tokens D of a study; its least and largest give the expected range of learning.
    context, threads
        As for `ziplaw.sample`.

    Returns
    -------
    dict
        Columns of design.csv (docs/formats.md).
    """
    tokens = sample(grammar, documents, context, seed=0, threads=threads)
    held_out = sample(grammar, documents, context, seed=0, threads=threads, stream=1)
    counts = np.bincount(tokens.ravel())
    shares = counts[counts > 0] / tokens.size
    lowest = floor(grammar, held_out, threads=threads)
    score = compressibility(tokens, window=context, samples=documents, threads=threads)
    productions = len(grammar.productions)
    facts = grammar.provenance
    return {
        **{
            name: facts[name] for name in ("n_nonterminals", "n_terminals", "max_rhs_options", "max_rhs_length", "seed")
        },
        "H": score.median,
        # of the median of nearly normal ratios
        "H_stderr": 1.2533 * score.std / float(np.sqrt(score.n)),
        "floor": lowest.nats_per_token,
        "floor_stderr": lowest.stderr,
        "unigram_entropy": float(-(shares * log(shares)).sum()),
        "productions": productions,
        "vocab_size": grammar.vocab_size,
        # a document's last sentence, cut, counts as one
        "sentence_length": float((tokens.size - counts[0]) / (counts[0] + len(tokens))),
        "tokens_per_production_least": min(budgets) / productions,
        "tokens_per_production_most": max(budgets) / productions,
    }


def score_candidates(
    pool: Pool,
    seed: int,
    indices: Sequence[int],
    documents: int,
    budgets: Sequence[int],
    context: int = 256,
    threads: int | None = None,
) -> list[dict[str, Any]]:
    """Draw and measure the candidates of these indices, in parallel; those that could not be drawn are left out.

    Same rows for any number of threads.
    """
    found: list[dict[str, Any] | None] = [None] * len(indices)

    def work(place: int) -> None:
        grammar = draw_candidate(pool, seed, indices[place])
        if grammar is not None:
            found[place] = measures_of(grammar, documents, budgets, context)

    bar = progress(total=len(indices), desc="candidates", unit="grammar")
    each(work, range(len(indices)), n_threads(threads), bar)
    bar.close()
    return [row for row in found if row is not None]
