"""Grammars: what they must be, their files, and NLTK both ways."""

import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings

from grammars import BY_HAND, draw_preset, many_rules, small_grammars
from ziplaw.cli import command
from ziplaw.errors import GrammarError
from ziplaw.grammars.grammar import Grammar
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample


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


def test_large_grammars_load_and_save(tmp_path):
    g = many_rules(100_000)
    g.save(tmp_path / "g.json")
    assert Grammar.load(tmp_path / "g.json") == g
