"""What the sampler draws against the grammar's own probabilities, over millions of rewrites.

Rules are counted from text alone: ``grammars.tagged`` puts a terminal of its own in front of every rule, so the tags of
a document, left to right, are the rules of its leftmost derivation. The tag of a rewrite is out before anything that
the rewrite leads to, so whether a rewrite of N falls within a document depends on earlier rewrites only, and the first
K choices made at N, documents taken in order, are independent draws: counts of them are exactly multinomial.
"""

import numpy as np
import pytest
from scipy.stats import chi2

from grammars import ODD, draw_preset, grammar, tagged
from ziplaw.grammars.floor import next_token_probabilities
from ziplaw.grammars.grammar import Grammar
from ziplaw.grammars.sampling import sample

LOWEST_P = 1e-3


def p_value(counts, probabilities):
    """Pearson's chi-square over categories that expect at least 5; the rarer ones count as one."""
    counts, expected = np.asarray(counts, float), np.asarray(probabilities) * np.sum(counts)
    rare = expected < 5
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    keep = expected > 1e-9 * expected.sum()
    statistic = ((counts[keep] - expected[keep]) ** 2 / expected[keep]).sum()
    return chi2.sf(statistic, max(1, keep.sum() - 1))


def rules_used(g, tokens):
    """The rules of all rewrites of a tagged grammar, document by document, in derivation order."""
    tags = tokens[(tokens > 0) & (tokens <= len(g.productions))]
    return tags.astype(np.int64) - 1


def rule_p_values(claimed, rules):
    """One p-value for each nonterminal with a choice, from its first 2^k rewrites: K hardly depends on the draws."""
    lhs = np.array([rule.lhs for rule in claimed.productions])
    probabilities = np.array([rule.probability for rule in claimed.productions])
    found = []
    for nonterminal in range(claimed.n_nonterminals):
        own = np.flatnonzero(lhs == nonterminal)
        made = rules[lhs[rules] == nonterminal]
        if len(own) < 2 or len(made) < 1000:
            continue
        made = made[: 1 << (len(made).bit_length() - 1)]
        found.append(p_value(np.bincount(made, minlength=len(lhs))[own], probabilities[own]))
    return np.array(found)


def combined(p_values):
    """Fisher's method."""
    return chi2.sf(-2 * np.log(p_values).sum(), 2 * len(p_values))


@pytest.mark.parametrize(
    ("name", "n_choosers"), [("main-1", 1), ("main-3", 12), ("main-5", 40), ("main-6", 90), ("compressibility-4", 40)]
)
def test_rule_frequencies(name, n_choosers):
    g = tagged(draw_preset(name, seed=1))
    rules = rules_used(g, sample(g, 120_000, 256, seed=11))
    assert len(rules) > 2_000_000
    found = rule_p_values(g, rules)
    assert len(found) >= n_choosers
    print(f"{name}: {len(rules)} rewrites, lowest p {found.min():.3g} of {len(found)}, together {combined(found):.3g}")
    assert found.min() > LOWEST_P / len(found)
    assert combined(found) > LOWEST_P


def test_rules_do_not_depend_on_the_rewrite_before():
    g = tagged(draw_preset("main-2", seed=1))
    rules = rules_used(g, sample(g, 40_000, 256, seed=12))
    lhs = np.array([rule.lhs for rule in g.productions])
    probabilities = np.array([rule.probability for rule in g.productions])
    pairs = np.zeros((len(lhs), len(lhs)))
    np.add.at(pairs, (rules[:-1], rules[1:]), 1)
    found = []
    for before in range(len(lhs)):
        for nonterminal in range(g.n_nonterminals):
            own = np.flatnonzero(lhs == nonterminal)
            if len(own) > 1 and pairs[before, own].sum() > 2000:
                found.append(p_value(pairs[before, own], probabilities[own]))
    assert len(found) > 50
    assert min(found) > LOWEST_P / len(found)
    assert combined(np.array(found)) > LOWEST_P


def test_start_frequencies():
    g = tagged(draw_preset("main-3", seed=1))
    start = (0.4, 0.0, *[0.6 / (g.n_nonterminals - 2)] * (g.n_nonterminals - 2))
    g = Grammar(g.n_nonterminals, g.n_terminals, g.productions, start, {"supercritical": "truncate"})
    tokens = sample(g, 40_000, 256, seed=13)
    lhs = np.array([rule.lhs for rule in g.productions])
    # the first rewrite of every sentence; a document's own first one is always there
    after = np.concatenate([tokens[:, 0], tokens[:, 1:][tokens[:, :-1] == 0]])
    counts = np.bincount(lhs[after.astype(np.int64) - 1], minlength=g.n_nonterminals)
    assert counts.sum() > 100_000
    assert counts[1] == 0
    assert p_value(counts, g.start) > LOWEST_P


def test_a_slightly_wrong_probability_is_noticed():
    claimed = tagged(draw_preset("main-3", seed=1))
    lhs = np.array([rule.lhs for rule in claimed.productions])
    own = np.flatnonzero(lhs == 3)[:2]
    assert len(own) == 2
    rules = list(claimed.productions)
    # one part in thirty, on one of about a hundred rules
    shift = 0.033 * rules[own[0]].probability
    rules[own[0]] = rules[own[0]]._replace(probability=rules[own[0]].probability + shift)
    rules[own[1]] = rules[own[1]]._replace(probability=rules[own[1]].probability - shift)
    wrong = Grammar(claimed.n_nonterminals, claimed.n_terminals, tuple(rules), (), claimed.provenance)
    found = rule_p_values(claimed, rules_used(claimed, sample(wrong, 40_000, 256, seed=11)))
    assert found.min() < 1e-6 / len(found)


@pytest.mark.parametrize("name", ["main-1", "main-2", "main-3", "compressibility-4"])
def test_unigrams_and_bigrams_against_exact_probabilities(name):
    g = draw_preset(name, seed=3)
    n = 1_000_000
    tokens = sample(g, n, 2, seed=14).astype(np.int64)
    first = next_token_probabilities(g, [])
    counts = np.bincount(tokens[:, 0], minlength=g.vocab_size)
    assert not counts[first == 0].any()
    assert p_value(counts, first) > LOWEST_P
    found = []
    for token in [t for t in np.argsort(counts)[-8:] if counts[t] > 1000]:
        after = np.bincount(tokens[tokens[:, 0] == token, 1], minlength=g.vocab_size)
        exact = next_token_probabilities(g, [int(token)])
        assert not after[exact == 0].any()
        if np.count_nonzero(exact) > 1:
            found.append(p_value(after, exact))
    assert min(found) > LOWEST_P / len(found)


@pytest.mark.parametrize("stay", [0.6, 0.97])
def test_sentence_lengths_are_geometric(stay):
    for rhs in ((1, -1), (-1, 1), (1, -2)):
        rules = [(0, rhs, stay), (0, (2,), 1 - stay)]
        if -2 in rhs:
            rules += [(1, (-1,), 1.0)]
        g = grammar(2, *rules, start=(1.0,) + (0.0,) * (len(rules) - 2))
        longest = 40
        tokens = sample(g, 300_000, longest + 1, seed=15)
        lengths = np.where((tokens == 0).any(axis=1), (tokens == 0).argmax(axis=1), longest + 1)
        exact = (1 - stay) * stay ** np.arange(longest)
        counts = np.bincount(lengths, minlength=longest + 2)[1:]
        assert p_value(counts, np.append(exact, 1 - exact.sum())) > LOWEST_P


def test_mean_sentence_length():
    # sentences of endless text: tokens over separators, for documents long against the sentences
    g = draw_preset("main-2", seed=3)
    tokens = sample(g, 200, 1 << 15, seed=16)
    separators = (tokens == 0).sum(axis=1) / tokens.shape[1]
    error = separators.mean() * (1 + g.expected_sentence_length()) - 1
    stderr = separators.std(ddof=1) / np.sqrt(len(tokens)) / separators.mean()
    print(f"relative error {error:.2g}, standard error {stderr:.2g}")
    assert abs(error) < 4 * stderr
    assert stderr < 0.01


# where tags stand in front no rule begins with a nonterminal; these two draw through left corners


@pytest.mark.parametrize("name", ["left recursion", "unit cycle", "nested", "centre", "doubling", "uneven start"])
def test_every_document_of_a_small_grammar(name):
    g, n, context = ODD[name], 400_000, 6
    level = {(): 1.0}
    for _ in range(context):
        level = {
            (*prefix, token): p * q
            for prefix, p in level.items()
            for token, q in enumerate(next_token_probabilities(g, prefix))
            if q > 0
        }
    digits = g.vocab_size ** np.arange(context)
    counts = np.bincount(sample(g, n, context, seed=17) @ digits, minlength=g.vocab_size**context)
    counts = counts[np.array(list(level)) @ digits]
    assert counts.sum() == n
    assert p_value(counts, list(level.values())) > LOWEST_P


def test_rule_frequencies_behind_left_corners():
    """Tags behind their rules, in a grammar without recursion; only sentences that always fit are counted."""
    draw = np.random.default_rng(4)
    rules = []
    for lhs in range(5):
        for weight in draw.integers(1, 100, 4):
            symbols = [
                -int(draw.integers(lhs + 2, min(lhs + 4, 6))) if lhs < 4 and draw.random() < 0.9 else 21
                for _ in range(2)
            ]
            rules.append((lhs, (*symbols, len(rules) + 1), int(weight)))
    totals = np.bincount([lhs for lhs, _, _ in rules], [weight for _, _, weight in rules])
    g = grammar(21, *((lhs, rhs, weight / totals[lhs]) for lhs, rhs, weight in rules))
    longest = 3  # of the last nonterminal; a level up has two of them and a tag
    for _ in range(4):
        longest = 2 * longest + 1
    n_sentences = 8
    tokens = sample(g, 60_000, n_sentences * (longest + 1), seed=18)
    whole = np.cumsum(tokens == 0, axis=1, dtype=np.int16) < n_sentences
    assert not whole[:, -1].any()
    used = tokens[whole]
    used = used[(used > 0) & (used < 21)].astype(np.int64) - 1
    assert len(used) > 2_000_000
    found = rule_p_values(g, used)
    assert len(found) == 5
    assert min(found) > LOWEST_P / len(found)
    # and 5 % off on one rule is noticed
    most = np.bincount(used).argmax()
    claimed = [p * (1.05 if r == most else 1.0) for r, (_, _, p) in enumerate(g.productions)]
    totals = np.bincount([rule.lhs for rule in g.productions], claimed)
    off = grammar(21, *((lhs, rhs, p / totals[lhs]) for (lhs, rhs, _), p in zip(g.productions, claimed)))
    assert min(rule_p_values(off, used)) < 1e-6
