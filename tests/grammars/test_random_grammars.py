"""Random grammars draw by draw against the definition written plainly, and which sub-seed is taken."""

import math
from itertools import pairwise

import numpy as np
import pytest

from ziplaw.grammars.presets import PRESETS, draw_preset
from ziplaw.grammars.production import Production
from ziplaw.grammars.random_grammars import random_grammar


def plain_draw(n_nonterminals, n_terminals, max_rhs_options, max_rhs_length, seed, sub_seed):
    """One draw after the other: option counts, lengths, symbols, weights. (A word that must be redrawn is one in
    2^50.)
    """
    shape = (n_nonterminals, n_terminals, max_rhs_options, max_rhs_length)
    bits = np.random.PCG64(np.random.SeedSequence([seed, sub_seed, *shape]))

    def uniform(bound):
        return bits.random_raw() % bound

    options = [1 + uniform(max_rhs_options) for _ in range(n_nonterminals)]
    lengths = [[1 + uniform(max_rhs_length) for _ in range(count)] for count in options]
    draws = [[[uniform(n_nonterminals + n_terminals) for _ in range(n)] for n in row] for row in lengths]
    weights = [[1 + uniform(100) for _ in range(count)] for count in options]
    return tuple(
        Production(
            lhs,
            tuple(-(d + 1) if d < n_nonterminals else d - n_nonterminals + 1 for d in rhs),
            weight / sum(weights[lhs]),
        )
        for lhs in range(n_nonterminals)
        for rhs, weight in zip(draws[lhs], weights[lhs])
    )


def radii(productions, n):
    """Spectral radii of M and LC by a dense eigenvalue solver."""
    m, lc = np.zeros((2, n, n))
    for lhs, rhs, p in productions:
        for symbol in rhs:
            if symbol < 0:
                m[lhs, -symbol - 1] += p
        if rhs[0] < 0:
            lc[lhs, -rhs[0] - 1] += p
    return [np.abs(np.linalg.eigvals(matrix)).max() for matrix in (m, lc)]


def assert_as_defined(g, shape, seed, supercritical):
    # redraw asks for rho(M) < 1, truncate for rho(LC) < 1; an eigenvalue of 1 is found as 1 - 1e-15
    asked = 0 if supercritical == "redraw" else 1
    sub_seed = g.provenance["sub_seed"]
    assert g.productions == plain_draw(*shape, seed, sub_seed)
    assert g.start == (1 / shape[0],) * shape[0]
    assert radii(g.productions, shape[0])[asked] < 1 - 1e-9
    for earlier in range(sub_seed):
        assert radii(plain_draw(*shape, seed, earlier), shape[0])[asked] > 1 - 1e-9
    assert (g.provenance["seed"], g.provenance["supercritical"]) == (seed, supercritical)


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "vocabulary-6"])
def test_presets_are_drawn_as_defined(name):
    for seed in (0, 2**64 - 1):
        preset = PRESETS[name]
        assert_as_defined(draw_preset(name, seed), preset["shape"], seed, preset["supercritical"])


@pytest.mark.parametrize("supercritical", ["redraw", "truncate"])
def test_critical_draws_are_drawn_again(supercritical):
    shape = (3, 5, 2, 3)
    made = [random_grammar(*shape, seed=seed, supercritical=supercritical) for seed in range(60)]
    for seed, g in enumerate(made):
        assert_as_defined(g, shape, seed, supercritical)
    assert {0, 1} <= {g.provenance["sub_seed"] for g in made}


def test_weights_are_integers_up_to_100():
    g = random_grammar(4000, 40_000, 2, 1, seed=5, supercritical="truncate")
    rules = g.productions
    pairs = [a.probability for a, b in pairwise(rules) if a.lhs == b.lhs]
    # the first of two options has probability a / (a + b), a and b uniform over 1..100
    a, b = np.meshgrid(np.arange(1, 101), np.arange(1, 101))
    assert np.isin(pairs, a / (a + b)).all()
    for power in (1, 2, 3):
        exact = (a / (a + b)) ** power
        assert abs(np.mean(np.power(pairs, power)) - exact.mean()) < 4 * exact.std() / math.sqrt(len(pairs))


@pytest.mark.parametrize("name", ["main-2", "main-4", "compressibility-4"])
def test_random_grammars_follow_the_definition(name):
    shape = PRESETS[name]["shape"]
    made = [random_grammar(*shape, seed=seed, supercritical="truncate") for seed in range(12)]
    options = [sum(rule.lhs == i for rule in g.productions) for g in made for i in range(g.n_nonterminals)]
    lengths = [len(rule.rhs) for g in made for rule in g.productions]
    symbols = [s if s < 0 else 1 for g in made for rule in g.productions for s in rule.rhs]
    for values, highest in ((options, shape[2]), (lengths, shape[3])):
        assert (min(values), max(values)) == (1, highest)
        # uniform on 1..highest: variance (highest^2 - 1) / 12
        assert abs(np.mean(values) - (1 + highest) / 2) < 4.5 * math.sqrt((highest**2 - 1) / 12 / len(values))
    share = shape[0] / (shape[0] + shape[1])
    spread = math.sqrt(share * (1 - share) / len(symbols))
    # redrawn and rejected ones are few here, so the mean stays put
    assert abs(np.mean([s < 0 for s in symbols]) - share) < 5 * spread
    assert all(abs(sum(r.probability for r in g.productions if r.lhs == 0) - 1) < 1e-12 for g in made)
