"""Grammar files that are damaged, hostile or only odd: one ZiplawError, or a grammar that works."""

import json

import fuzz_checks
import pytest

from ziplaw.base.documents import read_json, write_json
from ziplaw.cli import main
from ziplaw.errors import GrammarError, ZiplawError
from ziplaw.grammars.grammar import Grammar
from ziplaw.grammars.production import Production

SMALL = {"n_nonterminals": 1, "n_terminals": 2, "productions": ["N0 -> '1' [0.5]", "N0 -> '2' N0 [0.5]"]}
TEXT = "S -> A [0.5] | A B [0.5]\nA -> '7' [1.0]\nB -> '3' A [0.25] | '1' '2' [0.75]\n"


def test_every_seed_of_the_fuzzer_is_refused_or_works():
    for data in fuzz_checks.seeds()["grammar"]:
        fuzz_checks.grammar(data)


def refused(path, content, match, error=ZiplawError):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(error, match=match) as caught:
        Grammar.load(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(path))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("1,", "50000000,", "N1 has no production"),
        ("1,", "true,", "n_nonterminals is True"),
        ("1,", "NaN,", "NaN is no number"),
        ("1,", "1e400,", "n_nonterminals is inf"),
        ("2,", "9" * 4000 + ",", r"n_terminals is 9{60}\.\.\., must be an integer from 1"),
        ("2,", "9" * 5000 + ",", "not valid JSON"),
        ("2,", '2, "n_terminals": 3,', "'n_terminals' stands twice"),
        ("2,", '2, "start": [' + "9" * 500 + "],", r"a probability of start is 9{60}\.\.\., must"),
        ("N0 ->", "N" + "1" * 5000 + " ->", "not of the form"),
        ("'1'", "'\u0661'", "no token id"),
        ("0.5", "\u0660.5", "a probability of N0"),
        ("0.5", "0_1.5", "a probability of N0"),
        ("0.5", "nan", "a probability of N0"),
    ],
)
def test_malformed_json(tmp_path, old, new, match):
    text = json.dumps(SMALL)
    assert old in text
    refused(tmp_path / "g.json", text.replace(old, new, 1), match)


def test_edited_files_are_refused(tmp_path):
    path = tmp_path / "g.json"
    Grammar.from_dict(SMALL).save(path)
    text = path.read_text()
    for old, new in (("'2' N0", "'1' N0"), ('"n_terminals": 2', '"n_terminals": 3')):
        assert old in text
        refused(path, text.replace(old, new), "does not match its own checksum")
    refused(path, text[: len(text) // 2], "not valid JSON")
    refused(path, text.replace("ziplaw/grammar", "ziplaw/floor"), "ziplaw/floor.? file")


@pytest.mark.parametrize("depth", [101, 900, 100_000])
def test_deep_nesting(tmp_path, depth):
    body = json.dumps(SMALL)[1:]
    refused(tmp_path / "g.json", '{"provenance":{"a":' + "[" * depth + "]" * depth + "}," + body, "not valid JSON")


def test_bytes_that_are_not_utf8(tmp_path):
    # replaced by the same character, both names would become one nonterminal
    text = "S -> é [0.5] | è [0.5]\né -> '1' [1.0]\nè -> '2' [1.0]\n"
    refused(tmp_path / "g.txt", text.encode("latin-1"), "not UTF-8")
    refused(tmp_path / "g.json", json.dumps(SMALL).encode("utf-16"), "not UTF-8")


def test_byte_order_mark_and_line_ends_change_nothing(tmp_path):
    plain, marked = tmp_path / "a", tmp_path / "b"
    for text in (TEXT, json.dumps(SMALL)):
        plain.write_bytes(text.encode())
        marked.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        assert Grammar.load(marked) == Grammar.load(plain)


def test_white_space_without_a_bracket_takes_no_time(tmp_path):
    refused(tmp_path / "g.txt", "S -> '1' [" + " " * 20_000, "cannot read", GrammarError)


def test_numbers_too_long_for_a_message():
    rules = (Production(0, (1,), 1.0),)
    for arguments in ((10**5000, 1, rules), (1, 10**5000, rules), (1, 1, (Production(0, (10**5000,), 1.0),))):
        with pytest.raises(GrammarError, match="integer of 16610 bits"):
            Grammar(*arguments)
    with pytest.raises(GrammarError):
        Grammar(1, 1, rules, (10**5000,))


def test_names_that_are_no_utf8_survive_json(tmp_path):
    path = tmp_path / "x.json"
    document = {"file": "caf\udce9.txt"}
    write_json(path, document)
    assert read_json(path)["file"] == document["file"]
    path.read_bytes().decode("utf-8")


def test_a_checksum_over_infinity_is_damage(tmp_path):
    refused(tmp_path / "g.json", json.dumps({**SMALL, "sha256": "0", "x": 1}).replace("1}", "1e400}"), "checksum")


WORDS = """S -> NP 'sees' NP [1.0]
NP -> 'the' N [0.6] | "a" N [0.4]
N -> 'cat' [0.5] | 'd\u00f6g' [0.3] | N 'of' 'the' N [0.1] | '.' [0.1]
"""


def test_words_are_numbered_in_order_of_appearance(tmp_path):
    path = tmp_path / "words.cfg"
    path.write_text(WORDS, encoding="utf-8")
    g = Grammar.load(path)
    assert g.provenance["words"] == ["sees", "the", "a", "cat", "d\u00f6g", "of", "."]
    by_hand = WORDS
    for number, word in enumerate(g.provenance["words"], start=1):
        by_hand = by_hand.replace(f"'{word}'", f"'{number}'").replace(f'"{word}"', f"'{number}'")
    path.write_text(by_hand)
    assert Grammar.load(path) == g
    g.save(tmp_path / "g.json")
    assert Grammar.load(tmp_path / "g.json").provenance == g.provenance
    nltk = pytest.importorskip("nltk")
    theirs = Grammar.from_nltk(nltk.PCFG.fromstring(WORDS))
    assert theirs == g
    assert theirs.provenance["words"] == g.provenance["words"]


def test_words_are_shown(tmp_path, capsys):
    (tmp_path / "words.cfg").write_text(WORDS, encoding="utf-8")
    for arguments in (["convert", "words.cfg", "-o", "g.json"], ["show", "g.json"], ["show", "words.cfg"]):
        with pytest.raises(SystemExit) as stop:
            main(["grammar", *(str(tmp_path / a) if "." in a else a for a in arguments)])
        assert stop.value.code == 0
        assert "ids of the words: 1 = 'sees', 2 = 'the'" in capsys.readouterr().out
    text = json.loads((tmp_path / "g.json").read_text())["productions"]
    assert not any("the" in rule for rule in text)


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "1e3", "1,000", "", " ", "\u0661"])
def test_numbers_that_are_no_ids_are_no_words(tmp_path, word):
    refused(tmp_path / "g.txt", f"S -> '{word}' [1.0]", "no token id")
    refused(tmp_path / "g.json", json.dumps(SMALL).replace("'1'", "'the'"), "no token id")


@pytest.mark.parametrize("text", ["0", "1.5", "-1", "1_000", " ", ""])
def test_a_terminal_that_is_neither_id_nor_word(tmp_path, text):
    path = tmp_path / "g.txt"
    path.write_text(f"S -> '{text}' [0.5] | 'cat' [0.5]\n")
    with pytest.raises(
        GrammarError, match=r"is no token id and no word: ids are .*, a word is no number and not blank"
    ):
        Grammar.load(path)
