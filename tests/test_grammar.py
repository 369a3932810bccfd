"""Random grammars against their definition, what is known in closed form, and malformed grammars."""

import hashlib
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from made_grammars import ODD, RIGHT, grammar, preset
from ziplaw import spectra, versions
from ziplaw.errors import GrammarError
from ziplaw.grammar import PRESETS, Grammar, Production, draw_preset, random_grammar
from ziplaw.sampling import sample

GOLDEN = Path(__file__).parent / "golden" / "grammar.json"
FINITE = grammar((0, (-2, 1, -2), 3), (0, (-3,), 2), (1, (2, -3), 1), (1, (3,), 4), (2, (1,), 1), (2, (1, 1), 2))


# random grammars -----------------------------------------------------------------------------------------------------


def plain_draw(n_nonterminals, n_terminals, max_rhs_options, max_rhs_length, seed, sub_seed):
    """The definition, one draw after the other: option counts, lengths, symbols, weights; no draw is ever rejected."""
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


def dense_radii(productions, n):
    """Spectral radii of M and LC by a dense eigenvalue solver."""
    m, lc = np.zeros((2, n, n))
    for lhs, rhs, p in productions:
        for symbol in rhs:
            if symbol < 0:
                m[lhs, -symbol - 1] += p
        if rhs[0] < 0:
            lc[lhs, -rhs[0] - 1] += p
    return [np.abs(np.linalg.eigvals(matrix)).max() for matrix in (m, lc)]


@pytest.mark.parametrize("name", PRESETS)
def test_random_grammar_is_as_defined(name):
    shape, choice = PRESETS[name]["shape"], PRESETS[name]["supercritical"]
    for seed in (0, 1, 2**64 - 1) if PRESETS[name]["group"] == "main" and shape[0] < 60 else (0,):
        g = draw_preset(name, seed)
        sub_seed = g.provenance["sub_seed"]
        assert g.productions == plain_draw(*shape, seed, sub_seed)
        assert set(g.start) == {1 / shape[0]}
        radii = dense_radii(g.productions, shape[0])
        np.testing.assert_allclose([g.provenance["rho_m"], g.provenance["rho_lc"]], radii, rtol=1e-8, atol=1e-6)
        assert radii[choice == "truncate"] < 1
        for earlier in range(sub_seed):
            assert dense_radii(plain_draw(*shape, seed, earlier), shape[0])[choice == "truncate"] >= 1 - 1e-9
        assert (g.provenance["seed"], g.provenance["supercritical"]) == (seed, choice)


def test_sub_seeds_are_used():
    drawn = [random_grammar(3, 20, 2, 2, seed=seed) for seed in range(100)]
    redrawn = [g for g in drawn if g.provenance["sub_seed"] > 0]
    assert 2 <= len(redrawn) <= 25  # about one in ten is critical
    assert all(g.criticality().rho_m < 1 for g in drawn)
    for g in redrawn:
        first = dense_radii(plain_draw(3, 20, 2, 2, g.provenance["seed"], 0), 3)
        assert first[0] >= 1 - 1e-9
        truncated = random_grammar(3, 20, 2, 2, seed=g.provenance["seed"], supercritical="truncate")
        assert (truncated.provenance["sub_seed"] == 0) == (first[1] < 1 - 1e-9)


def test_draws_are_uniform():
    g = random_grammar(4000, 5000, 7, 4, seed=5, supercritical="truncate")
    lhs = np.array([rule.lhs for rule in g.productions])
    options = np.bincount(lhs, minlength=4000)
    lengths = np.array([len(rule.rhs) for rule in g.productions])
    symbols = np.array([symbol for rule in g.productions for symbol in rule.rhs])
    assert symbols.min() >= -4000
    assert symbols.max() <= 5000
    assert 0 not in symbols
    for values, highest in ((options, 7), (lengths, 4)):
        counts = np.bincount(values)
        assert counts[0] == 0
        assert len(counts) == highest + 1
        due = counts.sum() / highest
        assert 1e-3 < chi2.sf(((counts[1:] - due) ** 2 / due).sum(), highest - 1)
    counts = np.bincount(symbols + 4000, minlength=9001)[np.arange(9001) != 4000]
    due = counts.sum() / 9000
    assert 1e-3 < chi2.sf(((counts - due) ** 2 / due).sum(), 8999)
    # of two options the first has probability a / (a + b), a and b uniform over 1..100
    a, b = np.meshgrid(np.arange(1, 101), np.arange(1, 101))
    possible = np.unique(a / (a + b))
    probabilities = np.array([rule.probability for rule in g.productions])
    pairs = probabilities[np.flatnonzero(options[lhs] == 2)][::2]
    assert np.isin(pairs, possible).all()
    for power in (1, 2):
        exact = (a / (a + b)) ** power
        assert abs((pairs**power).mean() - exact.mean()) < 4 * exact.std() / math.sqrt(len(pairs))
    np.testing.assert_allclose(np.bincount(lhs, weights=probabilities), 1.0, rtol=1e-12)


def digests():
    return {name: hashlib.sha256(draw_preset(name, 1).to_text().encode()).hexdigest() for name in PRESETS}


def test_golden_grammars():
    want = json.loads(GOLDEN.read_text())
    assert want["grammar"] == versions.GRAMMAR, "write tests/golden/grammar.json for the new versions.GRAMMAR"
    assert digests() == want["sha256"], (
        "random grammars changed: undo that, or bump versions.GRAMMAR and write tests/golden/grammar.json again"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 1, 1, 1), "n_nonterminals is 0, must be from 1"),
        ((1, 0, 1, 1), "n_terminals is 0"),
        ((1, 1, -1, 1), "max_rhs_options is -1"),
        ((1, 1, 1, 1.5), r"max_rhs_length is 1\.5, must be an integer"),
        ((2_000_000, 1, 1, 1), "n_nonterminals is 2000000"),
        ((1000, 1, 10_000, 10_000), "symbols, the limit is 50000000"),
        ((1, 1, 1, 1, -1), "seed is -1"),
        ((1, 1, 1, 1, 2**64), "seed is 18446744073709551616"),
        ((1, 1, 1, 1, "0"), "seed is '0', must be an integer"),
        ((1, 1, 1, 1, 0, "ignore"), "supercritical is 'ignore'"),
        ((20, 1, 1, 9), r"all of 64 grammars .* rho\(M\) = .* or supercritical='truncate'"),
        ((5000, 1, 1, 1, 0, "truncate"), "all of 64 grammars .* or more terminals$"),
    ],
)
def test_malformed_shapes(arguments, message):
    with pytest.raises(GrammarError, match=message):
        random_grammar(*arguments)


def test_unknown_preset():
    with pytest.raises(GrammarError, match=r"no preset 'main-7': choose from main-1, .*compressibility-4"):
        draw_preset("main-7")


# closed forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("g", "radii"),
    [
        (RIGHT, (0.9, 0.0)),
        (ODD["left recursion"], (0.6, 0.6)),
        (ODD["endless"], (1.0, 0.0)),
        (ODD["one rule"], (0.0, 0.0)),
        (ODD["33 pending"], (0.0, 0.0)),
        (grammar((0, (1, -2), 1), (0, (1,), 3), (1, (-1, 1), 1)), (0.5, 0.0)),
        (grammar((0, (-2, -2), 1), (0, (1,), 3), (1, (-1,), 1), (1, (2,), 1)), (0.5, math.sqrt(0.125))),
        # two blocks, one feeding the other: the larger radius counts, however often it is repeated
        (grammar((0, (1, -1), 1), (0, (-2,), 1), (1, (1, -2), 1), (1, (2,), 1)), (0.5, 0.0)),
    ],
)
def test_criticality_of_known_grammars(g, radii):
    np.testing.assert_allclose(g.criticality(), radii, rtol=1e-12, atol=1e-15)


def test_exactly_critical_grammars_are_seen_as_critical():
    assert not grammar((0, (1, -1, -1), 1), (0, (2,), 1)).criticality().terminates
    assert not grammar((0, (-2, 1), 1), (1, (-1, 1), 1), supercritical="truncate").criticality().emits
    three = grammar(*((i, (1, -1, -2, -3), 1) for i in range(3)), *((i, (1,), 2) for i in range(3)))
    assert not three.criticality().terminates
    assert three.expected_sentence_length() == math.inf
    assert math.isnan(three.entropy_rate())


def test_power_iteration_equals_the_dense_solver(monkeypatch):
    g = random_grammar(150, 300, 4, 4, seed=2, supercritical="truncate")
    dense = g.criticality()
    monkeypatch.setattr(spectra, "DENSE", 1)
    np.testing.assert_allclose(spectra.criticality(**g.arrays()), dense, rtol=1e-9)
    # a cycle has as many eigenvalues of the same modulus as it has members
    cycle = grammar(*((i, (-((i + 1) % 9 + 1), 1), 1) for i in range(9)), *((i, (1,), 3) for i in range(9)))
    np.testing.assert_allclose(spectra.criticality(**cycle.arrays()), (0.25, 0.25), rtol=1e-9)
    g = random_grammar(60, 400, 4, 4, seed=3)
    np.testing.assert_allclose(spectra.sentence_moments(**g.arrays()), g._moments, rtol=1e-9)


def derivations(g, symbols):
    """Every derivation of pending symbols, as [(probability, tokens)]; only for grammars without recursion."""
    found = [(1.0, ())]
    for symbol in symbols:
        options = [(1.0, (symbol,))] if symbol > 0 else []
        for lhs, rhs, p in g.productions:
            if lhs == -symbol - 1:
                options += [(p * q, tokens) for q, tokens in derivations(g, rhs)]
        found = [(p * q, head + tail) for p, head in found for q, tail in options]
    return found


def test_moments_against_enumeration():
    g = Grammar(3, 3, FINITE.productions, (0.5, 0.3, 0.2))
    every = [(share * p, tokens) for i, share in enumerate(g.start) for p, tokens in derivations(g, (-(i + 1),))]
    assert math.fsum(p for p, _ in every) == pytest.approx(1.0, rel=1e-12)
    length = math.fsum(p * len(tokens) for p, tokens in every)
    entropy = -math.fsum(p * math.log(p) for p, _ in every)
    assert g.expected_sentence_length() == pytest.approx(length, rel=1e-12)
    assert g.entropy_rate() == pytest.approx(entropy / (length + 1), rel=1e-12)


def test_moments_of_recursive_grammars():
    # a geometric number of 1s before a 2
    assert RIGHT.expected_sentence_length() == pytest.approx(10.0, rel=1e-12)
    choice = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    assert RIGHT.entropy_rate() == pytest.approx(10 * choice / 11, rel=1e-12)
    assert ODD["endless"].expected_sentence_length() == math.inf
    for g in (ODD["unit cycle"], preset("main-2"), preset("main-5")):
        # as a sum over generations of rewrites
        n, generation = g.n_nonterminals, np.array(g.start)
        length, entropy = 0.0, -sum(p * math.log(p) for p in g.start if p > 0)
        for _ in range(4000):
            following = np.zeros(n)
            for lhs, rhs, p in g.productions if generation.sum() > 1e-14 else ():
                weight = generation[lhs] * p
                entropy -= weight * math.log(p)
                for symbol in rhs:
                    if symbol > 0:
                        length += weight
                    else:
                        following[-symbol - 1] += weight
            generation = following
        assert g.expected_sentence_length() == pytest.approx(length, rel=1e-9)
        assert g.entropy_rate() == pytest.approx(entropy / (length + 1), rel=1e-9)


# malformed grammars --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "rules", "start", "message"),
    [
        (1, (), (), "N0 has no production"),
        (0, (), (), "n_nonterminals is 0"),
        (2, [(0, (1,), 1.0)], (), "N1 has no production"),
        (1, [(0, (), 1.0)], (), "N0 has an empty right-hand side"),
        (1, [(0, (0,), 1.0)], (), "terminal 0, the separator"),
        (1, [(0, (6,), 1.0)], (), "terminal 6, the highest is 5"),
        (1, [(0, (1, -2), 1.0)], (), "nonterminal N1, the highest is N0"),
        (1, [(1, (1,), 1.0)], (), "left-hand side is 1"),
        (1, [(0, (1,), 0.9)], (), r"probabilities of N0 sum to 0\.9, must sum to 1"),
        (1, [(0, (1,), 0.5), (0, (2,), 0.6)], (), r"sum to 1\.1"),
        (1, [(0, (1,), 1.0), (0, (2,), 0.0)], (), r"probability of N0 is 0\.0, must be above 0"),
        (1, [(0, (1,), -1.0), (0, (2,), 2.0)], (), r"probability of N0 is -1\.0"),
        (1, [(0, (1,), math.nan)], (), "probability of N0 is nan"),
        (1, [(0, (1,), math.inf)], (), "probability of N0 is inf"),
        (1, [(0, (1,), "much")], (), "probability of N0 is"),
        (1, [(0, (1.5,), 1.0)], (), "is no production"),
        (1, [(0, 1, 1.0)], (), "is no production"),
        (1, [(0, (1,))], (), "is no production"),
        (1, ["N0 -> '1' [1.0]"], (), "is no production"),
        (1, [(0, (1,), 1.0)], (0.5, 0.5), "start has 2 probabilities"),
        (2, [(0, (1, -2), 1.0), (1, (1,), 1.0)], (0.5, 0.4), r"start probabilities sum to 0\.9"),
        (2, [(0, (1, -2), 1.0), (1, (1,), 1.0)], (1.5, -0.5), r"probability of start is 1\.5"),
        (2, [(0, (1,), 1.0), (1, (1,), 1.0)], (1.0, 0.0), "N1 is never reached"),
        (1, [(0, (-1,), 1.0)], (), "N0 never yields a finite sentence"),
        (1, [(0, (1, -1), 1.0)], (), "N0 never yields a finite sentence"),
        (2, [(0, (1, -2), 1.0), (1, (1,), 0.5), (1, (2, -1, -2), 0.5)], (), None),
        (2, [(0, (1, -2), 1.0), (1, (-1,), 1.0)], (), "never yields a finite sentence"),
    ],
)
def test_malformed_grammars(n, rules, start, message):
    if message is None:
        Grammar(n, 5, tuple(rules), start)
        return
    with pytest.raises(GrammarError, match=message):
        Grammar(n, 5, tuple(rules), start)


def test_a_deep_chain_is_checked_without_recursion():
    n = 100_000
    g = Grammar(n, 1, (*((i, (-(i + 2),), 1.0) for i in range(n - 1)), (n - 1, (1,), 1.0)), (1.0,) + (0.0,) * (n - 1))
    assert g.criticality() == (0.0, 0.0)
    assert sample(g, 1, 4).tolist() == [[1, 0, 1, 0]]


def test_values():
    g = grammar((1, (2,), 1), (0, (1, -2), 1), (0, (3,), 3))
    assert [rule.lhs for rule in g.productions] == [0, 0, 1]
    assert g == Grammar(2, 3, g.productions, (0.5, 0.5), {"source": "elsewhere"})
    assert g != Grammar(2, 4, g.productions)
    assert g.vocab_size == 4
    arrays = g.arrays()
    assert arrays["symbols"].tolist() == [1, -2, 3, 2]
    assert arrays["prod_offsets"].tolist() == [0, 2, 3, 4]
    assert arrays["lhs_offsets"].tolist() == [0, 2, 3]
    arrays["symbols"][:] = 0
    assert g.arrays()["symbols"].tolist() == [1, -2, 3, 2]
    sample(g, 1, 1)
    assert pickle.loads(pickle.dumps(g)) == g
    with pytest.raises(AttributeError):
        g.n_terminals = 5
