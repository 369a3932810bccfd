"""`ziplaw grammar show` prints what is known of a grammar."""

import json

import pytest
from verbs import started as run

from grammars import BY_HAND
from ziplaw.grammars.grammar import Grammar


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
