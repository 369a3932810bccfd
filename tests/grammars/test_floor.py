"""The floor against enumeration, closed forms, its plain twin and NLTK's parsers; its range and errors."""

import itertools
import math
import pickle
import time
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twins import floor as twin
from ziplaw.errors import GrammarError, ZiplawError
from ziplaw.grammars.floor import _run, floor, next_token_probabilities, position_nats
from ziplaw.grammars.grammar import Grammar
from ziplaw.grammars.presets import PRESETS
from ziplaw.grammars.production import Production
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample

RELATIVE = 1e-10
MAIN = [name for name, preset in PRESETS.items() if preset["group"] == "main"]


def grammar(text, start=(), **provenance):
    """Make a grammar from lines "a > 1 b 2 : .5": letters are nonterminals, numbers are terminals."""
    rules = []
    for line in text.strip().splitlines():
        lhs, rest = line.split(">")
        rhs, probability = rest.split(":")
        symbols = tuple(int(s) if s.isdecimal() else ord("a") - ord(s) - 1 for s in rhs.split())
        rules.append(Production(ord(lhs.strip()) - ord("a"), symbols, float(probability)))
    highest = max(symbol for rule in rules for symbol in rule.rhs)
    return Grammar(max(rule.lhs for rule in rules) + 1, highest, tuple(rules), start, provenance)


# no recursion, so every derivation can be listed; ambiguous, with chains of units and repeated symbols
FINITE = {
    "ambiguous": """
        a > b b : .5
        a > 1 b : .3
        a > c : .2
        b > 1 : .4
        b > 1 1 : .3
        b > c 2 : .3
        c > 1 : .6
        c > 2 1 : .4""",
    "units": """
        a > b : .5
        a > c : .25
        a > d d : .25
        b > c : .7
        b > d : .3
        c > d : .5
        c > 1 d 2 : .5
        d > 1 : .9
        d > 2 2 3 : .1""",
    "deep": """
        a > b b : .9
        a > 3 : .1
        b > c c : .8
        b > c : .2
        c > d d : .5
        c > 2 : .5
        d > 1 : .5
        d > 2 : .5""",
}

# every kind of recursion
RECURSIVE = {
    "left": "a > a 1 : .4\na > 2 : .6",
    "right": "a > 1 a : .4\na > 2 : .6",
    "centre": "a > 1 a 2 : .4\na > 1 : .3\na > a a : .1\na > 2 : .2",
    "unit cycle": "a > b : .5\na > 1 a : .2\na > 1 : .3\nb > a : .4\nb > 2 : .6",
    "self unit": "a > a : .3\na > 1 a : .3\na > 2 : .4",
    "mutual left": "a > b 1 : .5\na > 2 : .5\nb > a 2 : .4\nb > a : .1\nb > 1 : .5",
    "ambiguous": "a > a a : .4\na > 1 : .5\na > 2 : .1",
}

# a > a a: sentences of m tokens have probability Catalan(m - 1) q^(m - 1) (1 - q)^m; supercritical for q > 1/2
CATALAN = "a > a a : {q}\na > 1 : {rest}"


@pytest.mark.parametrize("name", FINITE)
def test_equals_enumeration(name):
    g = grammar(FINITE[name])
    sentences = twin.language(g)
    assert math.fsum(sentences.values()) == pytest.approx(1.0, rel=1e-12)

    def mass(prefix):
        return math.fsum(p for s, p in sentences.items() if s[: len(prefix)] == prefix)

    for prefix in {s[:k] for s in sentences for k in range(len(s) + 1)}:
        after = next_token_probabilities(g, prefix)
        want = [sentences.get(prefix, 0.0), *(mass((*prefix, a)) for a in range(1, g.vocab_size))]
        np.testing.assert_allclose(after, np.array(want) / mass(prefix), rtol=RELATIVE, atol=0)
        if prefix:
            assert floor(g, [prefix]).nll[0] == pytest.approx(-math.log(mass(prefix)), rel=RELATIVE, abs=1e-13)
    # whole documents: sentences joined by the separator, the last one cut anywhere
    for first, second in itertools.product(list(sentences)[:8], repeat=2):
        for cut in range(len(second) + 1):
            want = -math.log(sentences[first]) - math.log(mass(second[:cut]))
            assert floor(g, [(*first, 0, *second[:cut])]).nll[0] == pytest.approx(want, rel=RELATIVE)


@pytest.mark.parametrize("name", RECURSIVE)
def test_within_bounds_of_listed_derivations(name):
    g = grammar(RECURSIVE[name])
    for length in (1, 2, 3):
        for prefix in itertools.product((1, 2), repeat=length):
            low, lost = twin.prefix_by_derivations(g, prefix, cutoff=1e-7)
            if low == 0.0:
                with pytest.raises(ZiplawError, match="impossible"):
                    floor(g, [prefix])
                continue
            found = math.exp(-floor(g, [prefix]).nll[0])
            assert low * (1 - RELATIVE) <= found <= (low + lost) * (1 + RELATIVE)
            assert lost <= 0.05 * found


# a unit cycle has infinitely many parses, which NLTK would list one by one
LISTABLE = {**FINITE, **{name: text for name, text in RECURSIVE.items() if "unit" not in name}}


@pytest.mark.parametrize("name", LISTABLE)
def test_equals_nltk(name):
    nltk = pytest.importorskip("nltk")
    g = grammar(LISTABLE[name])
    parser = nltk.InsideChartParser(g.to_nltk())
    found = 0
    for length in range(1, 5):
        for sentence in itertools.product(range(1, g.vocab_size), repeat=length):
            inside = math.fsum(tree.prob() for tree in parser.parse([str(token) for token in sentence]))
            if inside == 0.0:
                continue
            found += 1
            assert floor(g, [(*sentence, 0)]).nll[0] == pytest.approx(-math.log(inside), rel=RELATIVE)
    assert found >= 4


@pytest.mark.parametrize("q", [0.2, 0.5, 0.7, 0.95])
def test_counts_endless_derivations(q):
    g = grammar(CATALAN.format(q=q, rest=1 - q), supercritical="truncate")
    n = 40
    split, leaf = Fraction(q), 1 - Fraction(q)
    ends = [math.comb(2 * m - 2, m - 1) // m * split ** (m - 1) * leaf**m for m in range(1, n + 1)]
    # a sentence has n tokens or more unless it ended before, whether it ever ends or not
    alive = [1 - sum(ends[:k]) for k in range(n + 1)]
    for k in (2, 3, 10, n):
        assert floor(g, np.ones((1, k), int)).nll[0] == pytest.approx(-math.log(alive[k - 1]), rel=RELATIVE)
        assert next_token_probabilities(g, [1] * k)[0] == pytest.approx(float(ends[k - 1] / alive[k - 1]), rel=RELATIVE)


shapes = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))


@given(shape=shapes, seed=st.integers(0, 2**32), context=st.integers(1, 24))
@settings(max_examples=60, deadline=None)
def test_equals_twin(shape, seed, context):
    g = _drawn(shape, seed)
    tokens = sample(g, 2, context, seed=seed, threads=1)
    found = position_nats(g, tokens, threads=1)
    want = np.array([twin.position_nats(g, row) for row in tokens])
    np.testing.assert_allclose(found, want, rtol=RELATIVE, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), floor(g, tokens, threads=1).nll, rtol=1e-12, atol=1e-12)
    after = next_token_probabilities(g, tokens[0, : context // 2])
    assert after.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(after, twin.next_token_probabilities(g, tokens[0, : context // 2]), RELATIVE, 1e-14)


@given(shape=shapes, seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_conditionals_are_next_token_probabilities(shape, seed):
    g = _drawn(shape, seed)
    tokens = sample(g, 1, 40, seed=seed, threads=1)
    chain = [-math.log(next_token_probabilities(g, tokens[0, :t])[x]) for t, x in enumerate(tokens[0])]
    np.testing.assert_allclose(position_nats(g, tokens)[0], chain, rtol=RELATIVE, atol=1e-12)


@cache
def _preset(name):
    return random_grammar(*PRESETS[name]["shape"], seed=0, supercritical="truncate")


def _drawn(shape, seed):
    for attempt in range(seed, seed + 50):
        try:
            return random_grammar(*shape, seed=attempt, supercritical="truncate")
        except GrammarError:
            continue
    raise AssertionError("no usable grammar")


@pytest.mark.parametrize("name", PRESETS)
def test_next_token_probabilities_sum_to_one(name):
    g = _preset(name)
    tokens = sample(g, 1, 256, seed=1, threads=1)[0]
    for length in (0, 1, 2, 17, 100, 255):
        assert next_token_probabilities(g, tokens[:length]).sum() == pytest.approx(1.0, abs=1e-12)


# range of the numbers ----------------------------------------------------------------------------------------------

# two readings of 1 1 1 ...: one of .9 a token, one of 1e-9 a token that alone can end in 3 (or 4 5)
GARDEN = """
    a > b : .5
    a > c : .5
    b > 1 b : .9
    b > 2 : .1
    c > 1 c : 1e-9
    c > 3 : 0.5
    c > 4 d : 0.499999999
    d > 5 : 1.0"""


@pytest.mark.parametrize("length", [10, 40, 200, 1000])
def test_unlikely_readings_survive(length):
    g = grammar(GARDEN, start=(1.0, 0.0, 0.0, 0.0))
    ones = [1] * length
    nll = math.log(2) - length * math.log(1e-9)
    assert floor(g, [[*ones, 3]]).nll[0] == pytest.approx(nll - math.log(0.5), rel=1e-12)
    assert floor(g, [[*ones, 4, 5, 0]]).nll[0] == pytest.approx(nll - math.log(0.499999999), rel=1e-12)
    assert floor(g, [[*ones, 2, 0]]).nll[0] == pytest.approx(math.log(2) - length * math.log(0.9) - math.log(0.1))
    after = next_token_probabilities(g, [*ones, 4])
    np.testing.assert_allclose(after, [0, 0, 0, 0, 0, 1], atol=0, rtol=1e-12)


@pytest.mark.parametrize(
    ("rules", "document", "decades"),
    [
        # an inner times a forward probability, and a waiting item's weight times the left-corner closure
        ("c > 1 1 1 3 : 1e-200\nc > 4 : 1.0", [1, 1, 1, 3, 0], 400),
        ("c > 1 d : 1.0\nd > e : 1e-150\nd > 4 : 1.0\ne > 5 : 1.0", [1, 5, 0], 350),
    ],
)
def test_tiny_probabilities_multiply_safely(rules, document, decades):
    g = grammar(
        f"a > b : 1.0\na > c : 1e-200\nb > 1 b : .9\nb > 2 : .1\n{rules}", (1,) + (0,) * (2 + 2 * ("d >" in rules))
    )
    assert floor(g, [document]).nll[0] == pytest.approx(decades * math.log(10), rel=1e-12)
    assert floor(g, [[1, 1, 1, 1]]).nll[0] == pytest.approx(-4 * math.log(0.9), rel=1e-12)


@pytest.mark.parametrize("step", [1e-3, 1e-9, 3e-17, 7e-33, 2e-77])
def test_wide_numbers_add_up(step):
    """Two unlikely readings a factor of about 3 n apart, added where their exponents differ and where they agree."""
    text = f"""
        a > 1 a : {step}
        a > 1 b : {3 * step}
        a > 2 : {0.7 - 4 * step}
        a > 3 : .3
        b > 1 b : {step}
        b > 2 : {0.8 - step}
        b > 3 : .2
        c > 1 c : .9
        c > 2 : .1"""
    g = grammar(text, start=(0.5, 0, 0.5))
    for n in range(1, 60):
        want = math.log(2) - n * math.log(step) - math.log(0.3 + 3 * n * 0.2)
        for wide in (False, True):
            nll = np.empty(1)
            _run(g, np.array([[1] * n + [3]]), nll, None, 1, wide)
            assert nll[0] == pytest.approx(want, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", PRESETS)
def test_wide_numbers_give_the_same_bits(name):
    g = _preset(name)
    tokens = sample(g, 8, 256, seed=3, threads=1)
    results = []
    for wide in (False, True):
        nll, positions = np.empty(8), np.empty(tokens.shape)
        _run(g, tokens, nll, positions, 1, wide)
        results.append((nll, positions))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_long_documents():
    g = random_grammar(10, 150, 5, 3, seed=0)
    tokens = sample(g, 2, 100_000, seed=0, threads=1)
    whole = floor(g, tokens, threads=1)
    assert np.isfinite(whole.nll).all()
    # cutting at separators does not change a document's probability
    last = np.flatnonzero(tokens[0] == 0)[-1]
    halves = np.split(tokens[0, : last + 1], [np.flatnonzero(tokens[0] == 0)[1000] + 1])
    parts = [floor(g, half[None], threads=1).nll[0] for half in halves]
    rest = floor(g, tokens[:1, last + 1 :], threads=1).nll[0] if last + 1 < tokens.shape[1] else 0.0
    assert math.fsum([*parts, rest]) == pytest.approx(whole.nll[0], rel=1e-12)


# what a user relies on ---------------------------------------------------------------------------------------------


def test_threads_chunks_and_dtypes_give_the_same_bits():
    g = random_grammar(20, 300, 10, 5, seed=1)
    tokens = sample(g, 300, 256, seed=0)
    base = floor(g, tokens, threads=1)
    for threads in (2, 3, 7, None):
        other = floor(g, tokens, threads=threads)
        np.testing.assert_array_equal(other.nll, base.nll)
        assert other == base
        np.testing.assert_array_equal(position_nats(g, tokens, threads=threads), position_nats(g, tokens, threads=1))
    for array in (tokens.astype(np.int64), tokens.astype(">u4"), np.asfortranarray(tokens), tokens.astype(np.int16)):
        np.testing.assert_array_equal(floor(g, array).nll, base.nll)
    np.testing.assert_array_equal(floor(g, tokens[37:90]).nll, base.nll[37:90])
    np.testing.assert_array_equal(floor(g, tokens[::-1]).nll, base.nll[::-1])


def test_summary():
    g = random_grammar(20, 300, 10, 5, seed=1)
    tokens = sample(g, 50, 64, seed=0)
    found = floor(g, tokens)
    per_token = found.nll / 64
    assert found.nats_per_token == pytest.approx(per_token.mean(), rel=1e-14)
    assert found.stderr == pytest.approx(per_token.std(ddof=1) / math.sqrt(50), rel=1e-12)
    assert (found.n_documents, found.context) == (50, 64)
    assert set(found.to_dict()) == {"floor", "stderr", "n_documents", "context"}
    assert math.isnan(floor(g, tokens[:1]).stderr)
    assert pickle.loads(pickle.dumps(g)) == g


def test_floor_is_the_mean_over_all_documents():
    """Over every possible document the mean of -ln p is their entropy; sampled documents come near it."""
    g = grammar(FINITE["units"])
    context = 5
    level = {(): 1.0}
    for _ in range(context):
        level = {
            (*prefix, token): p * q
            for prefix, p in level.items()
            for token, q in enumerate(next_token_probabilities(g, prefix))
            if q > 0
        }
    assert math.fsum(level.values()) == pytest.approx(1.0, rel=1e-12)
    entropy = -math.fsum(p * math.log(p) for p in level.values()) / context
    documents = floor(g, list(level))
    np.testing.assert_allclose(documents.nll, [-math.log(p) for p in level.values()], rtol=RELATIVE)
    found = floor(g, sample(g, 20_000, context, seed=5, stream=2))
    assert abs(found.nats_per_token - entropy) < 4 * found.stderr < 0.02


def test_floor_of_known_grammars():
    """Values that may only change with versions.FLOOR, GRAMMAR or SAMPLER."""
    g = grammar(RECURSIVE["centre"])
    tokens = np.array([[1, 1, 2, 2, 0, 1, 0, 2], [1, 1, 1, 1, 1, 2, 1, 1]])
    want = [7.639227573863749, 7.004335380096718]
    np.testing.assert_allclose(floor(g, tokens).nll, want, rtol=1e-14)
    np.testing.assert_allclose([twin.position_nats(g, row).sum() for row in tokens], want, rtol=1e-13)


@pytest.mark.parametrize("name", MAIN)
def test_speed(name):
    g = _preset(name)
    tokens = sample(g, 1000, 256, seed=1, stream=2, threads=1)
    begin = time.process_time()
    found = floor(g, tokens, threads=1)
    seconds = time.process_time() - begin
    print(f"{name}: {found.nats_per_token:.3f} nats/token, {seconds:.3f} s of at most 3 s")
    assert seconds < 3.0


# errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (np.ones(8, int), r"shape \(8,\), must be \(n_documents, context\)"),
        (np.ones((2, 2, 2), int), "must be"),
        (np.ones((0, 8), int), "at least one token"),
        (np.ones((3, 0), int), "at least one token"),
        (np.ones((1, 4)), "dtype float64"),
        (np.ones((1, 4), bool), "dtype bool"),
        (np.array([["a"]]), "dtype <U1"),
        ([[1], [1, 2]], "rows of different lengths"),
        (np.ma.masked_equal([[1, 2, 1]], 2), "tokens has masked entries: take them out"),
        (np.ma.masked_all((2, 4), int), "tokens has masked entries"),
        (np.array([[1, 1], [2, 3]]), "document 1 holds token 3 at position 1, the grammar's highest is 2"),
        (np.array([[1, 1], [2, 70_000]], np.uint32), "document 1 holds token 70000 at position 1"),
        (np.array([[1, 1], [2, -1]]), "-1 at document 1, position 1"),
        (np.array([[1, 1], [2, -1]], np.int8), "-1 at document 1, position 1"),
        (np.array([[1, 2**40]]), "1099511627776 at document 0, position 1"),
        (np.array([[1, 2, 0, 1], [2, 1, 1, 1]]), "document 1 is impossible: .* cannot produce token 1 at position 1"),
        (np.array([[1, 1, 2, 0], [1, 0, 1, 2]]), r"document 1 .* end a sentence \(token 0\) at position 1"),
        (np.array([[0, 1]]), r"document 0 .* end a sentence \(token 0\) at position 0"),
    ],
)
def test_malformed_tokens(tokens, message):
    g = grammar(RECURSIVE["right"])
    for call in (floor, position_nats):
        with pytest.raises(ZiplawError, match=message):
            call(g, tokens)


def test_first_bad_document_is_named_at_any_thread_count():
    g = random_grammar(20, 300, 10, 5, seed=1)
    tokens = sample(g, 400, 256, seed=0)
    tokens[[123, 200, 399], [8, 0, 255]] = 0
    tokens[123, 7] = 0  # no sentence is empty
    for threads in (1, 2, 8):
        with pytest.raises(ZiplawError, match=r"document 123 .* position [678]"):
            floor(g, tokens, threads=threads)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_malformed_threads(threads):
    with pytest.raises(ZiplawError, match="threads"):
        floor(grammar(RECURSIVE["right"]), [[1, 1]], threads=threads)


def test_malformed_prefix_and_grammar():
    g = grammar(RECURSIVE["right"])
    with pytest.raises(ZiplawError, match="2 dimensions"):
        next_token_probabilities(g, [[1]])
    with pytest.raises(ZiplawError, match="dtype float64"):
        next_token_probabilities(g, [0.5])
    with pytest.raises(ZiplawError, match="dtype object, must be integers below"):
        next_token_probabilities(g, [10**30])
    with pytest.raises(ZiplawError, match="-4 at position 1"):
        next_token_probabilities(g, [1, -4])
    with pytest.raises(ZiplawError, match="token 9 at position 0"):
        next_token_probabilities(g, [9])
    with pytest.raises(ZiplawError, match="impossible"):
        next_token_probabilities(g, [2, 1])
    np.testing.assert_allclose(next_token_probabilities(g, []), [0, 0.4, 0.6])
    with pytest.raises(GrammarError, match=r"ziplaw\.Grammar"):
        floor("grammar.json", [[1]])
    stuck = grammar("a > a 1 : .5\na > a a : .5", supercritical="truncate")
    with pytest.raises(GrammarError, match=r"rho\(LC\) = 1"):
        floor(stuck, [[1]])


def test_probabilities_off_by_rounding_are_normalised():
    """Sums may be off by a millionth; the sampler draws in proportion, and so does the floor count."""
    near = grammar("a > 1 a : .3333337\na > 2 : .3333333\na > 3 : .3333333", start=(0.9999999,))
    assert next_token_probabilities(near, [1, 1]).sum() == pytest.approx(1.0, abs=1e-14)
    total = 0.3333337 + 2 * 0.3333333
    want = -math.log(0.3333337 / total) - math.log(0.3333333 / total)
    assert floor(near, [[1, 2, 0]]).nll[0] == pytest.approx(want, rel=1e-14)
