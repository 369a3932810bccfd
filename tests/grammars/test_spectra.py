"""Criticality and entropy of grammars against brute force."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from grammars import ODD, draw_preset, grammar, small_grammars
from ziplaw.grammars.presets import PRESETS


def matrices(g):
    m, lc = np.zeros((2, g.n_nonterminals, g.n_nonterminals))
    for lhs, rhs, p in g.productions:
        for place, symbol in enumerate(rhs):
            if symbol < 0:
                m[lhs, -symbol - 1] += p
                if place == 0:
                    lc[lhs, -symbol - 1] += p
    return m, lc


@settings(max_examples=100, deadline=None)
@given(small_grammars())
def test_criticality_equals_plain_eigenvalues(g):
    for found, matrix in zip(g.criticality(), matrices(g)):
        # Gelfand: the spectral radius lies between these, whatever the eigenvectors
        power = np.linalg.matrix_power(matrix, 64)
        assert found <= np.abs(power).sum(axis=1).max() ** (1 / 64) + 1e-9
        assert found >= max(np.abs(np.linalg.eigvals(matrix + 1e-13)).max() - 1e-3, 0)


@pytest.mark.parametrize("name", PRESETS)
def test_criticality_of_presets(name):
    g = draw_preset(name, seed=1)
    want = [np.abs(np.linalg.eigvals(matrix)).max() for matrix in matrices(g)]
    np.testing.assert_allclose(g.criticality(), want, rtol=1e-9, atol=1e-9)
    assert g.criticality().emits


def test_criticality_of_large_components():
    # beyond the dense solver: a cycle of 700 nonterminals, rho = (product of its probabilities)^(1 / 700)
    n = 700
    rules = [(i, (-((i + 1) % n + 1), 1), 0.3 + 0.5 * i / n) for i in range(n)]
    g = grammar(1, *rules, *((lhs, (1,), 1 - p) for lhs, _, p in rules))
    want = math.exp(np.mean([math.log(p) for _, _, p in rules]))
    assert g.criticality().rho_lc == pytest.approx(want, rel=1e-6)
    assert g.expected_sentence_length() == pytest.approx(brute_moments(g)[0], rel=1e-8)


def brute_moments(g):
    """Expected terminals and derivation entropy of a sentence, summed level by level of the derivation tree."""
    matrix, _ = matrices(g)
    p = np.array(g.start)
    terminals, entropy = 0.0, -sum(q * math.log(q) for q in g.start if q > 0)
    t, h = np.zeros((2, g.n_nonterminals))
    for lhs, rhs, q in g.productions:
        t[lhs] += q * sum(s > 0 for s in rhs)
        h[lhs] -= q * math.log(q)
    for _ in range(400):
        terminals, entropy, p = terminals + p @ t, entropy + p @ h, p @ matrix
    return terminals, entropy


def derivations(g, pending, probability=1.0, length=0):
    """Every complete derivation of a grammar without recursion: (probability, terminals)."""
    if not pending:
        yield probability, length
        return
    if pending[0] > 0:
        yield from derivations(g, pending[1:], probability, length + 1)
        return
    for lhs, rhs, p in g.productions:
        if lhs == -pending[0] - 1:
            yield from derivations(g, rhs + pending[1:], probability * p, length)


def test_entropy_and_length_by_listing_every_derivation():
    rules = [(0, (-2, 1, -3), 0.3), (0, (-2,), 0.7), (1, (-3, -3), 0.6), (1, (2,), 0.4)]
    rules += [(2, (3,), 0.25), (2, (4, 4), 0.5), (2, (3, 1, 2), 0.25)]
    g = grammar(4, *rules, start=(0.5, 0.3, 0.2))
    found = [d for i, p in enumerate(g.start) for d in derivations(g, (-(i + 1),), p)]
    assert len(found) == len(list(product(range(3), repeat=3))) + 3 + 9 + 1 + 9 + 1 + 3
    assert sum(p for p, _ in found) == pytest.approx(1.0, rel=1e-12)
    length = sum(p * n for p, n in found)
    entropy = -sum(p * math.log(p) for p, _ in found)
    assert g.expected_sentence_length() == pytest.approx(length, rel=1e-12)
    assert g.entropy_rate() == pytest.approx(entropy / (length + 1), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(small_grammars(finite=True))
def test_entropy_and_length_against_plain_sums(g):
    length, entropy = brute_moments(g)
    assert g.expected_sentence_length() == pytest.approx(length, rel=1e-8)
    assert g.entropy_rate() == pytest.approx(entropy / (length + 1), rel=1e-8, abs=1e-12)


def test_endless_sentences_have_no_entropy_rate():
    assert ODD["endless"].expected_sentence_length() == math.inf
    assert math.isnan(ODD["endless"].entropy_rate())
