"""The sampler against its plain twin and golden bytes; paper mode, arguments, and the C core under sanitizers."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_grammars import ODD, RIGHT, grammar, preset
from twins import sampler as twin
from ziplaw import sampling, versions
from ziplaw.errors import GrammarError, ZiplawError
from ziplaw.grammar import PRESETS, Grammar, random_grammar
from ziplaw.sampling import sample

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "sampler.json"

# the same bytes as the twin ------------------------------------------------------------------------------------------


def same_as_twin(g, n, context, seed=3, stream=1, first_document=5):
    want = twin.sample(g, n, context, seed, stream, first_document)
    for some in {1, 2, context}:
        found = sample(g, n, some, seed, 1, stream, first_document)
        assert found.dtype == want.dtype
        np.testing.assert_array_equal(found, want[:, :some])


@pytest.mark.parametrize("name", PRESETS)
def test_presets_equal_the_twin(name):
    same_as_twin(preset(name), 9, 200)


@pytest.mark.parametrize("name", ODD)
def test_odd_grammars_equal_the_twin(name):
    same_as_twin(ODD[name], 7, 300)


@st.composite
def grammars(draw):
    """Any grammar whose left corners lead to lower nonterminals only, so that tokens keep coming."""
    n, n_terminals = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    rules = []
    for lhs in range(n):
        first = st.integers(-lhs, n_terminals).filter(bool)
        rest = st.lists(st.integers(-n, n_terminals).filter(bool), max_size=draw(st.sampled_from([1, 4, 30])))
        for _ in range(draw(st.integers(1, 4))):
            rules.append((lhs, (draw(first), *draw(rest)), draw(st.integers(1, 100))))
    return grammar(*rules, n_terminals=n_terminals, supercritical="truncate")


@settings(max_examples=20, deadline=None, derandomize=True)
@given(grammars(), st.integers(1, 9), st.integers(2, 90), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_any_grammar_equals_the_twin(g, n, context, seed, stream):
    same_as_twin(g, n, context, seed, stream, first_document=seed >> 1)


@pytest.mark.parametrize("n_terminals", [65_535, 70_000])
def test_many_terminals(n_terminals):
    g = grammar((0, (n_terminals, 1, -1), 3), (0, (n_terminals - 1,), 1), (0, (40_000, 65_535), 1))
    g = Grammar(1, n_terminals, g.productions)
    assert sample(g, 1).dtype == (np.uint16 if n_terminals == 65_535 else np.uint32)
    same_as_twin(g, 5, 300)
    assert set(np.unique(sample(g, 50))) == {0, 1, 40_000, 65_535, n_terminals - 1, n_terminals}


def test_a_hundred_thousand_productions():
    n, options = 1000, 100
    draw = np.random.default_rng(0)
    rules = [
        (lhs, (int(draw.integers(1, 60_000)), -int(draw.integers(1, n + 1))) if j % 3 == 0 else (j,), int(j))
        for lhs in range(n)
        for j in range(1, options + 1)
    ]
    g = grammar(*rules, n_terminals=60_000)
    assert len(g.productions) == 100_000
    same_as_twin(g, 3, 300)


# golden bytes --------------------------------------------------------------------------------------------------------


def digest(name, mode):
    tokens = sample(preset(name), 40, 256, seed=0, threads=1, mode=mode)
    return hashlib.sha256(tokens.astype(tokens.dtype.newbyteorder("<")).tobytes()).hexdigest()


def golden(mode):
    # of the endless presets few sentences are shallow enough for the paper's code
    return {name: digest(name, mode) for name, p in PRESETS.items() if mode == "exact" or p["group"] == "main"}


def test_golden_bytes():
    want = json.loads(GOLDEN.read_text())
    assert want["sampler"] == versions.SAMPLER, "write tests/golden/sampler.json for the new versions.SAMPLER"
    for mode in ("exact", "paper"):
        assert golden(mode) == want[mode], (
            f"sampled bytes changed ({mode} mode): undo that, or bump versions.SAMPLER (GRAMMAR if grammars changed) "
            "and write tests/golden/sampler.json again"
        )


# the same bytes however they are asked for ---------------------------------------------------------------------------

MANNERS = ["main-1", "main-3", "main-6", "compressibility-4"]


@pytest.mark.parametrize("mode", ["exact", "paper"])
@pytest.mark.parametrize("name", MANNERS[:2])
def test_threads_and_chunks(monkeypatch, name, mode):
    n = 203
    want = np.empty(n, np.int32)
    whole = sample(preset(name), n, 64, 7, threads=1, mode=mode, lengths=want)
    for threads in (1, 2, np.int64(3), 16, 4096):
        for chunk in (1, 64, 640, 1 << 20):
            monkeypatch.setattr(sampling, "CHUNK_TOKENS", chunk)
            lengths = np.empty(n, np.int32)
            again = sample(preset(name), n, 64, 7, threads=threads, mode=mode, lengths=lengths)
            np.testing.assert_array_equal(again, whole)
            np.testing.assert_array_equal(lengths, want)


@pytest.mark.parametrize("name", MANNERS)
def test_pieces_prefixes_and_both_loops(name):
    g = preset(name)
    whole = sample(g, 60, 97, seed=11, threads=1)
    for n in (1, 2, 3, 4, 5, 59):
        np.testing.assert_array_equal(sample(g, n, 97, seed=11), whole[:n])
    for at in range(0, 60, 13):
        np.testing.assert_array_equal(
            sample(g, len(whole[at : at + 13]), 97, 11, first_document=at), whole[at : at + 13]
        )
    # a shorter document is the beginning of the longer one
    np.testing.assert_array_equal(sample(g, 60, 31, seed=11), whole[:, :31])
    loops = sampling._sampler(g)
    loops.open = not loops.open
    try:
        np.testing.assert_array_equal(sample(g, 60, 97, seed=11), whole)
    finally:
        loops.open = not loops.open


def test_seeds_streams_and_documents_differ():
    g = preset("main-3")
    rows = np.concatenate([sample(g, 4, 64, seed, stream=stream) for seed in (0, 1, 2**64 - 1) for stream in (0, 1, 2)])
    assert len(np.unique(rows, axis=0)) == len(rows)
    last = sample(g, 2, 64, first_document=2**63 - 1)
    np.testing.assert_array_equal(sample(g, 1, 64, first_document=2**63 - 1), last[:1])


def test_writes_into_out(tmp_path):
    g = preset("main-2")
    want = sample(g, 30, 50, seed=2)
    mapped = np.memmap(tmp_path / "tokens", np.uint16, "w+", shape=(32, 50))
    assert sample(g, 30, 50, seed=2, out=mapped[1:31]).base is not None
    np.testing.assert_array_equal(mapped[1:31], want)
    assert not mapped[[0, 31]].any()
    assert sample(g, 30, 50, seed=2, out=(out := np.empty((30, 50), np.uint16))) is out


# paper mode ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["main-1", "main-2", "main-3", "centre", "left recursion", "start not uniform"])
@pytest.mark.parametrize("depth", [4, 991])
def test_paper_mode_equals_the_twin(monkeypatch, name, depth):
    g = ODD[name] if name in ODD else preset(name)
    monkeypatch.setattr(sampling, "PAPER_DEPTH", depth)
    lengths = np.empty(20, np.int32)
    found = sample(g, 20, 60, seed=3, stream=1, first_document=9, mode="paper", lengths=lengths)
    want, want_lengths = twin.sample_like_paper(g, 20, 60, 3, 1, 9, depth)
    np.testing.assert_array_equal(found, want)
    np.testing.assert_array_equal(lengths, want_lengths)


def test_habits_of_paper_mode():
    g = preset("main-2")
    lengths = np.empty(400, np.int32)
    tokens = sample(g, 400, 40, mode="paper", lengths=lengths)
    assert set(lengths) == {39, 40}
    assert not tokens[lengths == 39, -1].any()
    # ids are one lower: terminal 1 is written 0, as the separator is, and the highest id is never written
    assert tokens.max() < g.n_terminals
    assert not sample(grammar((0, (1, 1), 1)), 3, 9, mode="paper").any()
    sample(g, 4, 40, lengths=(exact := np.zeros(4, np.int32)))
    assert set(exact) == {40}


def test_paper_mode_skips_deep_sentences():
    def chain(n, shallow):
        deep = [(i, (-(i + 2),), 1) for i in range(n - 1)] + [(n - 1, (2,), 1)]
        return grammar((0, (3,), shallow), *deep) if shallow else grammar(*deep, start=(1.0,) + (0.0,) * (n - 1))

    # the start symbol is the first of 991 levels
    assert set(sample(chain(990, 0), 2, 8, mode="paper").reshape(-1)) == {0, 1}
    only = chain(992, 1)
    only = Grammar(only.n_nonterminals, 3, only.productions, (1.0,) + (0.0,) * 991)
    assert set(sample(only, 20, 8, mode="paper").reshape(-1)) == {0, 2}
    assert set(sample(only, 20, 8).reshape(-1)) == {0, 2, 3}
    with pytest.raises(GrammarError, match="millions of rewrites"):
        sample(chain(991, 0), 1, 8, mode="paper")


# errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_documents": 0}, "n_documents is 0, must be from 1"),
        ({"n_documents": -1}, "n_documents is -1"),
        ({"n_documents": 2.0}, r"n_documents is 2\.0, must be an integer"),
        ({"n_documents": 2**60}, "n_documents is 1152921504606846976"),
        ({"n_documents": 2**40, "context": 16}, "GB, this machine has"),
        ({"context": 0}, "context is 0"),
        ({"context": 2**24 + 1}, "context is 16777217"),
        ({"context": "256"}, "context is '256', must be an integer"),
        ({"context": None}, "context is None"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"seed": None}, "seed is None"),
        ({"stream": -1}, "stream is -1"),
        ({"stream": 2**32}, "stream is 4294967296"),
        ({"first_document": -1}, "first_document is -1"),
        ({"first_document": 2**63}, "first_document is 9223372036854775808"),
        ({"threads": 0}, "threads is 0"),
        ({"threads": -2}, "threads is -2"),
        ({"threads": 1.5}, r"threads is 1\.5"),
        ({"threads": True}, "threads is True"),
        ({"mode": "fast"}, "mode is 'fast', must be 'exact' or 'paper'"),
        ({"out": [[0]]}, "out is a list"),
        ({"out": np.empty((4, 8), np.int16)}, "out is int16"),
        ({"out": np.empty((4, 8), np.uint32)}, "out is uint32"),
        ({"out": np.empty((4, 8), ">u2")}, "out is >u2"),
        ({"out": np.empty((8, 4), np.uint16)}, r"shape \(8, 4\)"),
        ({"out": np.empty(32, np.uint16)}, r"shape \(32,\)"),
        ({"out": np.empty((8, 4), np.uint16).T}, "writeable, aligned, C-contiguous"),
        ({"out": np.empty((4, 16), np.uint16)[:, ::2]}, "writeable, aligned, C-contiguous"),
        ({"out": np.frombuffer(bytes(64), np.uint16).reshape(4, 8)}, "writeable, aligned, C-contiguous"),
        ({"out": np.frombuffer(bytearray(65), np.uint16, offset=1).reshape(4, 8)}, "writeable, aligned"),
        ({"lengths": np.empty(3, np.int32)}, r"lengths is int32 of shape \(3,\)"),
        ({"lengths": np.empty(4, np.int64)}, "lengths is int64"),
    ],
)
def test_malformed_arguments(arguments, message):
    with pytest.raises(ZiplawError, match=message):
        sample(RIGHT, **{"n_documents": 4, "context": 8, **arguments})


@pytest.mark.parametrize("value", [None, "grammar.json", {}, Grammar])
def test_not_a_grammar(value):
    with pytest.raises(GrammarError, match=r"must be a ziplaw\.Grammar"):
        sample(value, 1)


@pytest.mark.timeout(60)
def test_derivations_that_never_emit():
    endless = {"supercritical": "truncate"}
    for rules in (
        [(0, (-1,), 1)],
        [(0, (-1, 1), 1)],
        [(0, (-1, 1), 1), (0, (-1, 2), 1)],
        [(0, (-2,), 1), (1, (-1,), 1)],
        [(0, (1, -2), 1), (1, (-3, 1), 1), (2, (-2, 2), 1)],
    ):
        g = grammar(*rules, n_terminals=2, **endless)
        for mode in ("exact", "paper"):
            with pytest.raises(GrammarError, match=r"rho\(LC\) = 1, must be below 1"):
                sample(g, 1, mode=mode)


@pytest.mark.timeout(60)
def test_derivations_that_seldom_emit():
    """rho(LC) just below 1 gives either documents or an error, never a hang."""
    for rare in (1e-3, 1e-6, 1.1e-9):
        found = sample(grammar((0, (-1,), 1 - rare), (0, (1,), rare)), 2, 8)
        np.testing.assert_array_equal(found, [[1, 0] * 4] * 2)
        # every rewrite leaves a token pending, so these derivations must grow their stack
        try:
            found = sample(grammar((0, (-1, 2), 1 - rare), (0, (1,), rare), supercritical="truncate"), 2, 8)
        except GrammarError as error:
            assert "rho(LC) is too near to 1" in str(error)  # noqa: PT017 - either may happen
        else:
            assert set(found.reshape(-1)) <= {0, 1, 2}
            np.testing.assert_array_equal(found[:, 0], [1, 1])


def test_random_grammars_can_always_be_sampled():
    for seed in range(8):
        g = random_grammar(3, 4, 2, 3, seed=seed, supercritical="truncate")
        assert sample(g, 2, 9, seed).max() <= 4


# the C core under sanitizers -----------------------------------------------------------------------------------------

SANITIZE = ["-g", "-std=c99", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def test_c_core_under_sanitizers(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    empty = tmp_path / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    if compiler is None:
        pytest.skip("no C compiler")
    tried = subprocess.run([compiler, *SANITIZE, empty, "-o", tmp_path / "empty"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"this compiler has no sanitizers: {tried.stderr.strip()[:200]}")
    sources = [ROOT / "tests/csrc/pcfg_check.c", *sorted((ROOT / "ext/src").glob("pcfg*.c"))]
    command = [compiler, *SANITIZE, f"-I{ROOT}/ext/src", *sources, "-o", tmp_path / "check", "-lm"]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    found = subprocess.run([tmp_path / "check"], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "ok\n"), found.stderr
