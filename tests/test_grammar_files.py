"""Grammars in files and to and from NLTK: round trips, hand-written ones, damaged and malformed ones."""

import json

import nltk
import numpy as np
import pytest

from made_grammars import ODD, grammar, preset
from ziplaw.errors import GrammarError, ZiplawError
from ziplaw.grammar import Grammar

SAVED = {"odd start": ODD["start at one only"], "recursive": ODD["unit cycle"]} | {
    name: preset(name) for name in ("main-1", "main-3", "vocabulary-6", "compressibility-4")
}


@pytest.mark.parametrize("name", SAVED)
def test_save_and_load(tmp_path, name):
    g, path = SAVED[name], tmp_path / "Datei ü 文.json"
    g.save(path)
    again = Grammar.load(path)
    assert again == g
    assert again.provenance == g.provenance
    first = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "g.json"
    g = ODD["unit cycle"]
    g.save(path)
    text = path.read_text()
    for damaged in (text.replace("'3'", "'2'"), text.replace('"n_terminals": 3', '"n_terminals": 4')):
        assert damaged != text
        path.write_text(damaged)
        with pytest.raises(ZiplawError, match="does not match its own checksum"):
            Grammar.load(path)
    path.write_text(text[: len(text) // 2])
    with pytest.raises(ZiplawError, match="not valid JSON"):
        Grammar.load(path)
    path.write_text(text.replace("ziplaw/grammar", "ziplaw/floor"))
    with pytest.raises(ZiplawError, match="ziplaw/floor file"):
        Grammar.load(path)


def test_json_written_by_hand(tmp_path):
    path = tmp_path / "g.json"
    hand = {"n_nonterminals": 2, "n_terminals": 3, "productions": ["N0 -> '3' N1 [1]", "N1 -> '1' [0.25]"]}
    hand["productions"].append("N1 -> '2' '2' [0.75]")
    path.write_text(json.dumps(hand))
    assert Grammar.load(path) == grammar((0, (3, -2), 1), (1, (1,), 1), (1, (2, 2), 3))
    for change, message in (
        ({"n_terminals": None}, "n_terminals is None"),
        ({"productions": "N0 -> '1' [1]"}, "productions must be a list"),
        ({"productions": ["N0 -> '1' [1] | '2' [0.5]"]}, "grammar, line 1"),
        ({"productions": ["A -> '1' [1]"]}, "'A' is not of the form N0"),
        ({"productions": ["N0 -> '1'"]}, "no probability"),
        ({"productions": []}, "N0 has no production"),
        ({"start": 1}, "start is 1"),
        ({"start": [1.0]}, "start has 1 probabilities"),
        ({"start": ["a", "b"]}, "a probability of start is"),
        ({"provenance": 3}, "provenance is a int"),
        ({"format": 99}, "format 99"),
    ):
        path.write_text(json.dumps({**hand, **change}))
        with pytest.raises(ZiplawError, match=message):
            Grammar.load(path)
    del hand["n_terminals"]
    path.write_text(json.dumps(hand))
    with pytest.raises(GrammarError, match="no 'n_terminals'"):
        Grammar.load(path)


@pytest.mark.parametrize("name", ["odd start", "recursive", "main-1", "main-3"])
def test_nltk_round_trip(tmp_path, name):
    g = SAVED[name]
    theirs = g.to_nltk()
    assert isinstance(theirs, nltk.PCFG)
    assert Grammar.from_nltk(theirs, g.n_terminals) == g
    # and by text, which NLTK reads as well
    path = tmp_path / "g.txt"
    path.write_text(g.to_text())
    assert Grammar.load(path) == g
    assert Grammar.from_nltk(nltk.PCFG.fromstring(g.to_text()), g.n_terminals) == g


def test_text_written_by_hand(tmp_path):
    path = tmp_path / "hand.pcfg"
    path.write_text(
        "# a comment\n\nS -> NP VP [1.0]\nNP -> '1' [0.4] | \"2\" NP \\\n   [0.6]\nVP -> '3' NP [0.34] | '4' [0.66]\n"
    )
    g = Grammar.load(path)
    assert g.provenance["names"] == ["S", "NP", "VP"]
    assert g.start == (1.0, 0.0, 0.0)
    assert (g.n_nonterminals, g.n_terminals) == (3, 4)
    assert g == Grammar.from_nltk(nltk.PCFG.fromstring(path.read_text().replace("\\\n", "")))
    path.write_text("\ufeffS -> '1' S [0.5] | '2' [0.5]")
    assert Grammar.load(path) == grammar((0, (1, -1), 1), (0, (2,), 1))
    path.write_text("%start B\nA -> '1' [1]\nB -> A A [1]")
    assert Grammar.load(path).start == (0.0, 1.0)
    # thirds as people write them
    path.write_text("S -> '1' [0.333] | '2' [0.333] | '3' [0.333]")
    np.testing.assert_allclose([rule.probability for rule in Grammar.load(path).productions], 1 / 3, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no production"),
        ("# nothing\n", "holds no production"),
        ("S -> '1'", "line 1.*no probability"),
        ("S -> '1' [1.0]\nS '2' [0.5]", "line 2: .* is no production"),
        ("S -> '1' [0.5]", r"probabilities of S sum to 0\.5"),
        ("S -> '1' [0.5] '2' [0.5]", "put | between options"),
        ("S -> 'one' [1.0]", "terminal 'one' is no token id"),
        ("S -> '0' [1.0]", "terminal '0' is no token id"),
        ("S -> '-1' [1.0]", "terminal '-1' is no token id"),
        ("S -> '٣' [1.0]", "is no token id"),
        ("S -> [1.0]", "empty right-hand side"),
        ("S -> ", "empty right-hand side"),
        ("S -> A [1.0]", "nonterminal A in a rule of S has no production"),
        ("S -> S [1.0]", "holds no terminal"),
        ("S -> S '1' [1.0]", "never yields a finite sentence"),
        ("S -> '1' [1.0]\nB -> '2' [1.0]", "never reached"),
        ("S -> '1' [nan]", "is 'nan', must be above 0"),
        ("S -> '1' [1.0", "cannot read"),
        ("S -> '1 [1.0]", "cannot read"),
        ("S -> '1' [1.0] \\", "ends in a backslash"),
        ("S -> '1' [0.5] | [0.5]", "empty right-hand side"),
        ("S -> | '1' [1.0]", "an option of S has no probability"),
        ("S -> '1' [1.0] |", "last option of S has no probability"),
        ("S -> '1' [0.5] || '2' [0.5]", "an option of S has no probability"),
        ("%start X\nS -> '1' [1.0]", "start symbol X has no production"),
    ],
)
def test_malformed_text(tmp_path, text, message):
    path = tmp_path / "bad.pcfg"
    path.write_text(text)
    with pytest.raises(GrammarError, match=message):
        Grammar.load(path)


@pytest.mark.parametrize("value", [None, 3, "S -> '1' [1.0]", nltk.CFG.fromstring("S -> '1'")])
def test_not_an_nltk_grammar(value):
    with pytest.raises(GrammarError, match=r"is no nltk\.PCFG"):
        Grammar.from_nltk(value)
