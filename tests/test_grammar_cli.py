"""``ziplaw grammar``: draws, converts and shows grammars; text written by hand goes through every verb."""

import json

import numpy as np
import pytest

from made_grammars import preset
from ziplaw.cli import main
from ziplaw.corpora.format import open_corpus
from ziplaw.floor import floor
from ziplaw.grammar import Grammar, draw_preset, random_grammar
from ziplaw.sampling import sample

HAND = "# a comment\nS -> A B [1.0]\nA -> '1' [0.75] | '2' A [0.25]\nB -> '3' [1.0]\n"


def run(capsys, *arguments):
    """Run the command in this process; return (status, standard output, standard error)."""
    with pytest.raises(SystemExit) as stop:
        main([*map(str, arguments)])
    out, err = capsys.readouterr()
    return stop.value.code, out, err


@pytest.fixture
def hand(tmp_path):
    path = tmp_path / "von Hand ü.pcfg"
    path.write_text(HAND)
    return path


def test_new(capsys, tmp_path):
    path = tmp_path / "neu" / "g 文.json"
    shape = ("--nonterminals", 10, "--terminals", 150, "--rhs-options", 5, "--rhs-length", 3)
    assert run(capsys, "grammar", "new", *shape, "--seed", 4, "-o", path) == (0, "", "")
    assert Grammar.load(path) == random_grammar(10, 150, 5, 3, seed=4)
    first = path.read_bytes()
    assert run(capsys, "grammar", "new", "--preset", "main-2", "--seed", 4, "-o", path)[0] == 0
    assert path.read_bytes() == first
    assert run(capsys, "grammar", "new", "--preset", "compressibility-4", "-o", path)[0] == 0
    assert Grammar.load(path) == draw_preset("compressibility-4")
    assert Grammar.load(path).provenance["supercritical"] == "truncate"


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--nonterminals", 3],
        ["--preset", "main-9"],
        ["--preset", "main-1", "--terminals", 3],
        ["--preset", "main-1", "--seed", -1],
        ["--preset", "compressibility-4", "--supercritical", "redraw"],
        ["--nonterminals", 0, "--terminals", 1, "--rhs-options", 1, "--rhs-length", 1],
        ["--nonterminals", "x", "--terminals", 1, "--rhs-options", 1, "--rhs-length", 1],
    ],
)
def test_new_refuses(capsys, tmp_path, options):
    status, out, err = run(capsys, "grammar", "new", *options, "-o", tmp_path / "g.json")
    assert (status, out) == (2, "")
    assert "rror: " in err
    assert not any(tmp_path.iterdir())


def test_show(capsys, tmp_path):
    g, path = preset("main-2"), tmp_path / "g.json"
    g.save(path)
    status, out, err = run(capsys, "grammar", "show", path, "--json")
    assert (status, err) == (0, "")
    facts = json.loads(out)
    assert facts["rho_m"] == pytest.approx(g.criticality().rho_m, rel=1e-12)
    assert facts["rho_lc"] == pytest.approx(g.criticality().rho_lc, rel=1e-12)
    assert facts["expected_sentence_length"] == pytest.approx(g.expected_sentence_length(), rel=1e-12)
    assert facts["entropy_rate"] == pytest.approx(g.entropy_rate(), rel=1e-12)
    assert (facts["nonterminals"], facts["terminals"], facts["vocab_size"]) == (10, 150, 151)
    assert facts["productions"] == len(g.productions)
    assert facts["provenance"] == g.provenance
    assert "floor" not in facts
    status, out, err = run(capsys, "grammar", "show", path)
    assert (status, err) == (0, "")
    cells = {fields[0]: fields[1] for line in out.splitlines() if len(fields := line.split()) > 1}
    for name in ("rho_m", "rho_lc", "expected_sentence_length", "entropy_rate"):
        assert float(cells[name]) == pytest.approx(facts[name], rel=1e-3)


def test_show_floor(capsys, tmp_path):
    g, path = preset("main-1"), tmp_path / "g.json"
    g.save(path)
    options = ("--floor", "--documents", 50, "--context", 40, "--seed", 3)
    facts = json.loads(run(capsys, "grammar", "show", path, *options, "--json", "--threads", 1)[1])
    want = floor(g, sample(g, 50, 40, seed=3, stream=2))
    assert (facts["floor"], facts["floor_stderr"]) == (want.nats_per_token, want.stderr)
    out = run(capsys, "grammar", "show", path, *options)[1]
    assert f"{want.nats_per_token:.4f}" in out
    assert f"{want.stderr:.4f}" in out
    assert "documents of 40 tokens" in out


def test_show_nltk_and_convert(capsys, tmp_path, hand):
    g = Grammar.load(hand)
    status, out, err = run(capsys, "grammar", "show", hand, "--nltk")
    assert (status, out, err) == (0, g.to_text(), "")
    assert run(capsys, "grammar", "convert", hand, "-o", tmp_path / "g.json") == (0, "", "")
    assert Grammar.load(tmp_path / "g.json") == g
    (tmp_path / "again.pcfg").write_text(out)
    assert Grammar.load(tmp_path / "again.pcfg") == g


def test_show_an_endless_grammar(capsys, tmp_path):
    path = tmp_path / "g.json"
    preset("compressibility-4").save(path)
    facts = json.loads(run(capsys, "grammar", "show", path, "--json")[1])
    assert facts["rho_m"] > 1 > facts["rho_lc"]
    assert facts["expected_sentence_length"] is None
    assert facts["entropy_rate"] is None
    status, out, _ = run(capsys, "grammar", "show", path)
    assert status == 0
    assert "inf" in out


def test_text_written_by_hand_goes_through_every_verb(capsys, tmp_path, hand):
    g = Grammar.load(hand)
    assert run(capsys, "sample", hand, "--documents", 5, "--context", 20, "-o", tmp_path / "corpus") == (0, "", "")
    np.testing.assert_array_equal(open_corpus(tmp_path / "corpus").train, sample(g, 5, 20))
    found = json.loads(run(capsys, "floor", hand, "--documents", 30, "--context", 20, "--json")[1])
    assert found["floor"] == floor(g, sample(g, 30, 20, seed=1, stream=2)).nats_per_token
    facts = json.loads(run(capsys, "grammar", "show", hand, "--json")[1])
    # A yields 4/3 tokens, B one
    assert facts["expected_sentence_length"] == pytest.approx(7 / 3, rel=1e-12)
    assert facts["rho_m"] == 0.25
    assert facts["rho_lc"] == 0.0


@pytest.mark.parametrize("verb", [("show",), ("show", "--nltk"), ("convert", "-o", "OUT")])
def test_bad_files(capsys, tmp_path, verb):
    verb = [str(tmp_path / "out.json") if word == "OUT" else word for word in verb]
    for text in ("", "S -> S [1.0]", "{", "\0"):
        path = tmp_path / "bad"
        path.write_text(text)
        status, out, err = run(capsys, "grammar", *verb, path)
        assert (status, out, err.count("\n")) == (2, "", 1)
    assert run(capsys, "grammar", *verb, tmp_path / "missing")[0] == 2
    assert run(capsys, "grammar", *verb, tmp_path)[0] == 2
    assert not (tmp_path / "out.json").exists()
