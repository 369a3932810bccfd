"""Sampled rules, documents, bigrams and sentence lengths come as often as the grammar says."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from made_grammars import ODD, grammar, preset
from ziplaw.floor import next_token_probabilities
from ziplaw.grammar import Grammar, Production
from ziplaw.sampling import sample


def marked(g, last=False):
    """Put a terminal of its own before (or behind) each production, so that tokens tell which rules were used."""
    n_rules = len(g.productions)
    rules = []
    for number, (lhs, rhs, p) in enumerate(g.productions, start=1):
        rhs = tuple(symbol + n_rules if symbol > 0 else symbol for symbol in rhs)
        rules.append(Production(lhs, (*rhs, number) if last else (number, *rhs), p))
    return Grammar(g.n_nonterminals, g.n_terminals + n_rules, tuple(rules), g.start, {"supercritical": "truncate"})


def p_values(g, counts):
    """Return (p of chi-square over all rules, Bonferroni's p of the worst rule), given the rewrites of each lhs."""
    lhs = np.array([rule.lhs for rule in g.productions])
    p = np.array([rule.probability for rule in g.productions])
    expected = p * np.bincount(lhs, weights=counts)[lhs]
    used = (expected >= 10) & (p < 1)
    terms = (counts - expected)[used] ** 2 / expected[used]
    # each term over 1 - p is a squared standard score; a nonterminal with rare rules left out keeps its freedom
    kept = np.bincount(lhs[used], minlength=len(g.start))
    whole = np.bincount(lhs[p < 1], minlength=len(g.start))
    freedom = int(kept.sum() - ((kept == whole) & (whole > 0)).sum())
    worst = (terms / (1 - p[used])).max()
    return chi2.sf(terms.sum(), freedom), min(1.0, chi2.sf(worst, 1) * used.sum())


def leftmost_counts(g, rewrites, context=256):
    """Count every rule in documents of a ``marked`` grammar.

    The marker stands first, so a rewrite in leftmost order shows its rule before anything can cut it: given the
    tokens before a marker, the rule is a fresh draw, and counts over all rewrites are those of independent draws.
    """
    n_rules = len(g.productions)
    counts, first = np.zeros(n_rules, np.int64), 0
    while counts.sum() < rewrites:
        tokens = sample(g, 4000, context, seed=20, first_document=first)
        counts += np.bincount(tokens.reshape(-1), minlength=g.vocab_size)[1 : n_rules + 1]
        first += 4000
    return counts


def off_by_5_percent(g):
    """Make the most used rule 5 % likelier; its siblings share the loss."""
    likely = max((r for r in g.productions if r.probability < 0.9), key=lambda r: r.probability)
    loss = (1 - 1.05 * likely.probability) / (1 - likely.probability)
    rules = tuple(
        r._replace(probability=r.probability * (1.0 if r.lhs != likely.lhs else 1.05 if r is likely else loss))
        for r in g.productions
    )
    return Grammar(g.n_nonterminals, g.n_terminals, rules, g.start, g.provenance)


SHAPES = {name: preset(name) for name in ("main-2", "main-3", "main-6", "vocabulary-4", "compressibility-4")} | {
    "single": grammar(*((0, (j, -1, j), j) for j in range(1, 9)), (0, (9,), 40)),
    "no growth": grammar(*((0, (1, -1), 1) for j in range(3000)), (0, (2,), 900)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_rule_frequencies(name):
    g = marked(SHAPES[name])
    for p in p_values(g, leftmost_counts(g, 2_000_000)):
        assert 1e-3 < p


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "main-6"])
def test_rule_frequencies_tell_5_percent(name):
    """The test above can fail: one probability off by 5 % is found (of 5000 rules none is used often enough)."""
    g = marked(SHAPES[name])
    counts = leftmost_counts(off_by_5_percent(g), 2_000_000)
    assert min(p_values(g, counts)) < 1e-6


def test_rule_frequencies_behind_left_corners():
    """Markers behind their rules, so that draws go through left corners; sentences are short, so none is cut."""
    draw = np.random.default_rng(4)
    rules = []
    for lhs in range(5):
        for _ in range(4):
            rest = [
                -int(draw.integers(lhs + 2, min(lhs + 4, 6))) if lhs < 4 and draw.random() < 0.9 else 1
                for _ in range(2)
            ]
            rules.append((lhs, tuple(rest), int(draw.integers(1, 100))))
    g = marked(grammar(*rules, n_terminals=1), last=True)
    longest = 2 + 1  # of N4: two tokens and a marker; a level up has two of them and a marker
    for _ in range(4):
        longest = 2 * longest + 1
    n_sentences = 8

    def count(g):
        tokens = sample(g, 60_000, n_sentences * (longest + 1), seed=8)
        # as many sentences as always fit: those before the eighth 0
        whole = np.cumsum(tokens == 0, axis=1, dtype=np.int16) < n_sentences
        assert not whole[:, -1].any()
        return np.bincount(tokens[whole], minlength=g.vocab_size)[1 : len(g.productions) + 1]

    counts = count(g)
    assert counts.sum() > 2_000_000
    assert min(p_values(g, counts)) > 1e-3
    assert min(p_values(g, count(off_by_5_percent(g)))) < 1e-6


@pytest.mark.parametrize("name", ["left recursion", "centre", "unit cycle", "right recursion", "start not uniform"])
def test_whole_documents(name):
    """Every possible beginning of 6 tokens comes as often as prefix probabilities say."""
    g, n, context = ODD[name], 400_000, 6
    level = {(): 1.0}
    for _ in range(context):
        level = {
            (*prefix, token): p * q
            for prefix, p in level.items()
            for token, q in enumerate(next_token_probabilities(g, prefix))
            if q > 0
        }
    code = sample(g, n, context, seed=1) @ (g.vocab_size ** np.arange(context))
    documents = np.array(list(level)) @ (g.vocab_size ** np.arange(context))
    counts = np.bincount(code, minlength=g.vocab_size**context)
    assert counts[documents].sum() == n
    expected = n * np.array(list(level.values()))
    rare = expected < 10
    seen = np.append(counts[documents][~rare], counts[documents][rare].sum())
    due = np.append(expected[~rare], max(expected[rare].sum(), 1e-9))
    assert chi2.sf(((seen - due) ** 2 / due).sum(), len(seen) - 1 - (not rare.any())) > 1e-3


def test_bigrams():
    """The first two tokens of preset documents, against exact next-token probabilities."""
    g, n = preset("main-2"), 500_000
    tokens = sample(g, n, 2, seed=4).astype(np.int64)
    counts = np.bincount(tokens @ [g.vocab_size, 1], minlength=g.vocab_size**2).reshape(g.vocab_size, -1)
    first = next_token_probabilities(g, ())
    expected = n * np.array([p * next_token_probabilities(g, (a,)) if p else 0 * first for a, p in enumerate(first)])
    assert not counts[expected == 0].any()
    common = expected >= 10
    terms = (counts - expected)[common] ** 2 / expected[common]
    assert 1e-3 < chi2.sf(terms.sum(), common.sum() - 1)


@pytest.mark.parametrize("name", ["main-1", "main-2", "left recursion", "centre", "unit cycle"])
def test_sentence_length(name):
    g = ODD[name] if name in ODD else preset(name)
    tokens = sample(g, 20_000, 2000, seed=6)
    lengths = np.argmax(tokens == 0, axis=1)
    assert (tokens == 0).any(axis=1).all()
    error = lengths.std() / math.sqrt(len(lengths))
    assert abs(lengths.mean() - g.expected_sentence_length()) < 4 * error
