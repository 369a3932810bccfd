"""Grammars: checks, files, NLTK both ways, criticality and entropy against brute force, the CLI around them."""

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from itertools import product

import numpy as np
import pytest
from click.testing import CliRunner
from houses import ROOT
from hypothesis import given, settings

from grammars import ODD, draw_preset, grammar, many_rules, small_grammars
from ziplaw import versions
from ziplaw.cli import command
from ziplaw.corpora.storage import format as corpus_format
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import CorpusError, GrammarError
from ziplaw.grammars.grammar import PRESETS, Grammar, random_grammar
from ziplaw.grammars.sampling import sample

GOLDEN = ROOT / "tests" / "golden" / "grammars.json"
BY_HAND = """# a grammar written by hand
S -> NP VP [1.0]
NP -> '1' '2' [0.5] | \\
      "3" [0.25] | NP PP [0.25]
VP -> '4' NP [0.7] | VP PP [0.3]
PP -> '5' NP [1.]
"""


def run(*arguments):
    """What ``ziplaw`` prints and how it ends, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def fails(*arguments):
    found = run(*arguments)
    assert found.returncode == 2, found.stderr
    assert found.stderr.startswith("ziplaw: error: ")
    assert "Traceback" not in found.stderr
    return found.stderr


# random grammars -----------------------------------------------------------------------------------------------------


def golden_grammars():
    found = {}
    for name in PRESETS:
        text = draw_preset(name, seed=7).to_text()
        found[name] = hashlib.sha256(text.encode()).hexdigest()
    return {"version": versions.GRAMMAR, "grammars": found}


def test_golden_grammars():
    golden = json.loads(GOLDEN.read_text())
    assert golden["version"] == versions.GRAMMAR, "GRAMMAR was bumped: run python tests/grammars/test_grammar.py"
    assert golden_grammars()["grammars"] == golden["grammars"], "grammars changed: bump GRAMMAR in versions.py"


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


# what a grammar must be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grammar(0, 1, ()), "n_nonterminals is 0"),
        (lambda: Grammar(1, 0, ()), "n_terminals is 0"),
        (lambda: Grammar(1, 1, ()), "N0 has no production"),
        (lambda: Grammar(1, 1, ((0, (), 1.0),)), "empty right-hand side"),
        (lambda: Grammar(1, 1, ((0, (0,), 1.0),)), "terminal 0, the separator"),
        (lambda: Grammar(1, 1, ((0, (2,), 1.0),)), "terminal 2, the highest is 1"),
        (lambda: Grammar(1, 1, ((0, (-2,), 1.0),)), "nonterminal N1, the highest is N0"),
        (lambda: Grammar(1, 1, ((1, (1,), 1.0),)), "left-hand side is 1"),
        (lambda: Grammar(1, 1, ((0, (1,), 0.9),)), "sum to 0.9, must sum to 1"),
        (lambda: Grammar(1, 1, ((0, (1,), 0.0), (0, (1,), 1.0))), "above 0"),
        (lambda: Grammar(1, 1, ((0, (1,), math.nan),)), "nan"),
        (lambda: Grammar(1, 1, ((0, (1,), -1.0), (0, (1,), 2.0))), "above 0 and at most 1"),
        (lambda: Grammar(1, 1, ((0, (1,), 1.0),), (0.5,)), "start probabilities sum to 0.5"),
        (lambda: Grammar(1, 1, ((0, (1,), 1.0),), (0.5, 0.5)), "start has 2 probabilities"),
        (lambda: Grammar(2, 1, ((0, (1,), 1.0), (1, (1,), 1.0)), (1.0, 0.0)), "N1 is never reached"),
        (lambda: Grammar(1, 1, ((0, (1, -1), 1.0),)), "N0 never yields a finite sentence"),
        (lambda: Grammar(1, 1, ((0, (-1,), 1.0),)), "N0 never yields a finite sentence"),
        (lambda: Grammar(1, 1, ("N0 -> '1'",)), "is no production"),
        (lambda: Grammar(1, 1, None), "productions is None, must be a sequence"),
        (lambda: Grammar(1, 1, "N0"), "productions is 'N0', must be a sequence"),
        (lambda: Grammar(1, 1, ((0, (1,), 1.0),), 3), "start is 3, must be a sequence"),
        (lambda: Grammar(1, 1, ((0, (1,), 1.0),), (True,)), "a probability of start is True"),
        (lambda: Grammar.from_dict(None), "the grammar is None, must be a dict"),
        (lambda: random_grammar(2, 2, 2, 2, seed=True), "seed is True"),
        (lambda: random_grammar(True, 2, 2, 2), "n_nonterminals is True"),
        (lambda: random_grammar(0, 1, 1, 1), "n_nonterminals is 0"),
        (lambda: random_grammar(10**6, 1, 10**4, 10**4), "symbols, the limit"),
        (lambda: random_grammar(*np.array([10**6, 1, 10**7, 10**7], np.int32)), "symbols, the limit"),
        (lambda: random_grammar(5, 5, 5, 30), "are critical"),
        (lambda: draw_preset("main-7"), "there is no preset"),
    ],
)
def test_malformed_grammars(make, message):
    with pytest.raises(GrammarError, match=message):
        make()


# closed forms --------------------------------------------------------------------------------------------------------


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


# files and NLTK ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["main-1", "main-3", "vocabulary-5"])
def test_files_and_nltk_keep_grammars_exactly(name, tmp_path):
    g = draw_preset(name, seed=4)
    g.save(tmp_path / "g.json")
    assert Grammar.load(tmp_path / "g.json") == g
    assert Grammar.load(tmp_path / "g.json").provenance == g.provenance
    if g.criticality().terminates:
        # NLTK keeps every probability as the same float; it has no place for unused terminals
        assert Grammar.from_nltk(g.to_nltk(), g.n_terminals) == g
        (tmp_path / "g.txt").write_text(g.to_text())
        assert Grammar.load(tmp_path / "g.txt") == g


@settings(max_examples=60, deadline=None)
@given(small_grammars(finite=True))
def test_small_grammars_survive_nltk(g):
    back = Grammar.from_nltk(g.to_nltk(), g.n_terminals)
    assert back == g
    np.testing.assert_array_equal(sample(back, 3, 20), sample(g, 3, 20))


def test_nltk_reads_our_text_and_we_read_its_text(tmp_path):
    import nltk

    g = draw_preset("main-2")
    theirs = nltk.PCFG.fromstring(g.to_text())
    assert Grammar.from_nltk(theirs, g.n_terminals) == g
    (tmp_path / "theirs.txt").write_text("\n".join(map(str, theirs.productions())))
    back = Grammar.load(tmp_path / "theirs.txt")
    # NLTK prints six digits of a probability
    assert [r[:2] for r in back.productions] == [r[:2] for r in g.productions]
    np.testing.assert_allclose([r[2] for r in back.productions], [r[2] for r in g.productions], rtol=1e-5)


def test_what_is_written_by_hand_is_read_as_nltk_reads_it(tmp_path):
    import nltk

    (tmp_path / "hand.pcfg").write_text(BY_HAND)
    ours = Grammar.load(tmp_path / "hand.pcfg")
    assert ours == Grammar.from_nltk(nltk.PCFG.fromstring(BY_HAND))
    assert ours.provenance["names"] == ["S", "NP", "VP", "PP"]
    assert ours.start == (1.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no production"),
        ("# nothing\n", "holds no production"),
        ("S -> '1'", "no probability"),
        ("S -> [1.0]", "empty right-hand side"),
        ("S -> | '1' [1.0]", "an option of S has no probability"),
        ("S -> '1' [1.0] |", "last option of S has no probability"),
        ("S -> '1' [0.5] || '2' [0.5]", "an option of S has no probability"),
        ("S ->", "empty right-hand side"),
        ("S -> 'the' [0.5] | '7' [0.5]", "is a word and '7' a token id"),
        ("S -> '' [1.0]", "no token id"),
        ("S -> '7.5' [1.0]", "no token id"),
        ("S -> '0' [1.0]", "no token id"),
        ("S -> '1' [0.5] | '01' [0.5]", "terminal '01' has leading zeros: write 1"),
        ("S -> '-1' [1.0]", "no token id"),
        ("S -> '9999999999' [1.0]", "n_terminals is 9999999999, must be an integer from 1"),
        ("S -> '1' [0.5]", "sum to 0.5"),
        ("S -> '1' [zero]", "'zero', must be above 0"),
        ("S -> '1' [nan]", "must be above 0"),
        ("S -> T [1.0]", "nonterminal T in a rule of S has no production"),
        ("S -> S [1.0]", "holds no terminal"),
        ("S -> S '1' [1.0]", "never yields a finite sentence"),
        ("S -> '1' [1.0]\nT -> '2' [1.0]", "nonterminal T is never reached"),
        ("# n_terminals: 1\nS -> '2' [1.0]", "a production of S holds terminal 2, the highest is 1: raise"),
        ("S -> '1' [0.5] '2' [0.5]", "put . between options"),
        ("S -> '1' [1.0] # always", "give a comment a line of its own"),
        ("S -> '1 [1.0]", "cannot read"),
        ("%start T\nS -> '1' [1.0]", "start symbol T has no production"),
        ("S -> '1' [1.0] \\", "ends in a backslash"),
        ("\x00\x01\xff", "not UTF-8"),
        ("\x00\x01", "no production"),
        ('{"kind": "ziplaw/grammar"', "JSON|json"),
        ('{"kind": "ziplaw/fit"}', "kind|grammar"),
        ('{"n_nonterminals": 1, "n_terminals": 1, "productions": ["N0 -> \'1\' [0.5]"]}', "sum to 0.5"),
        ('{"n_nonterminals": 1, "n_terminals": 1, "productions": []}', "no production"),
    ],
)
def test_malformed_files_end_in_one_line(text, message, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text(text, encoding="latin-1")
    found = CliRunner().invoke(command, ["grammar", "show", str(path)])
    with pytest.raises(Exception, match=message) as caught:
        Grammar.load(path)
    assert type(caught.value).__module__ == "ziplaw.errors"
    assert "\n" not in str(caught.value)
    assert type(found.exception) is type(caught.value)


# the command line ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ünï cödé 'q' $x")
    (folder / "grammar 文.pcfg").write_text(BY_HAND)
    return folder / "grammar 文.pcfg"


def test_show_prints_what_is_known(by_hand):
    g = Grammar.load(by_hand)
    shown = json.loads(run("grammar", "show", by_hand, "--floor", "--documents", 50, "--json").stdout)
    assert shown["rho_m"] == g.criticality().rho_m
    assert shown["rho_lc"] == g.criticality().rho_lc
    assert shown["expected_sentence_length"] == g.expected_sentence_length()
    assert shown["entropy_rate"] == g.entropy_rate()
    assert 0 < shown["floor_stderr"] < 0.05
    assert abs(shown["floor"] - shown["entropy_rate"]) < 0.3
    text = run("grammar", "show", by_hand, "--floor", "--documents", 50).stdout
    for name in ("rho_m", "rho_lc", "expected_sentence_length", "entropy_rate", "floor", "floor_stderr"):
        assert f"\n{name} " in text
    nltk_text = run("grammar", "show", by_hand, "--nltk").stdout
    import nltk

    assert Grammar.from_nltk(nltk.PCFG.fromstring(nltk_text)) == g


def test_a_grammar_by_hand_is_sampled_and_floored(by_hand):
    folder = by_hand.parent / "corpus ß"
    done = run("sample", by_hand, "--documents", 40, "--valid-documents", 10, "--context", 32, "-o", folder)
    assert done.returncode == 0, done.stderr
    corpus = open_corpus(folder)
    np.testing.assert_array_equal(corpus.train, sample(Grammar.load(by_hand), 40, 32))
    np.testing.assert_array_equal(corpus.valid, sample(Grammar.load(by_hand), 10, 32, stream=1))
    floor = run("floor", by_hand, "--corpus", folder, "--json")
    assert floor.returncode == 0, floor.stderr
    assert json.loads(floor.stdout)["n_documents"] == 10


def test_sample_refuses_before_writing(by_hand, tmp_path):
    critical = tmp_path / "critical.txt"
    critical.write_text("S -> S '1' [0.5] | S S [0.49] | '1' [0.01]")
    empty = tmp_path / "none"
    good = ["--documents", "4", "-o", str(empty)]
    fails("sample", tmp_path / "missing.json", *good)
    fails("sample", by_hand, "--documents", 0, "-o", empty)
    fails("sample", by_hand, *good, "--context", 0)
    fails("sample", by_hand, *good, "--threads", 0)
    fails("sample", by_hand, *good, "--seed", -1)
    fails("sample", by_hand, *good, "--valid-documents", 0)
    # a file where a folder must be, as good as a read-only place
    fails("sample", by_hand, "--documents", 4, "-o", by_hand / "x")
    assert not empty.exists()
    assert run("grammar", "show", critical).returncode == 0


def test_a_full_disk_leaves_nothing(by_hand, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus_format.os, "posix_fallocate", full)
    arguments = ["sample", str(by_hand), "--documents", "400", "-o", str(tmp_path / "corpus")]
    found = CliRunner().invoke(command, arguments)
    assert isinstance(found.exception, CorpusError)
    assert "No space left" in str(found.exception)
    assert list(tmp_path.iterdir()) == []


def test_killed_while_writing_leaves_no_corpus(by_hand, tmp_path):
    folder = tmp_path / "corpus"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "ziplaw", "sample", str(by_hand), "--documents", "400000", "-o", str(folder)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".train.npy.*.part")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    assert run("sample", by_hand, "--documents", 4, "-o", folder).returncode == 0
    assert open_corpus(folder).train.shape == (4, 256)


def test_large_grammars_load_and_save(tmp_path):
    g = many_rules(100_000)
    g.save(tmp_path / "g.json")
    assert Grammar.load(tmp_path / "g.json") == g


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_grammars(), indent=1) + "\n")
