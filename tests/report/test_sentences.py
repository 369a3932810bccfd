"""All sentences together, of every sweep there is, and the words for numbers in them."""

import re

import pytest
from houses import ROOT
from sweeps_for_sentences import BUILT, CHANGED

from ziplaw.report.findings import TONES, answer
from ziplaw.report.sentences import MODULES, count, p_value, percent, registry, share_of, span

REGISTRY = registry()


def test_every_module_of_sentences_has_its_tests():
    for module in MODULES:
        assert (ROOT / "tests" / "report" / f"test_{module}.py").exists()


@pytest.mark.parametrize("case", [*BUILT, *CHANGED])
def test_no_sentence_of_any_sweep_holds_a_broken_number_and_one_verdict_is_given(case, sweep_of):
    sweep = sweep_of(case)
    for name, each in REGISTRY.items():
        words = each.say(sweep) or ""
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|e-\d{3}|\[\]|\(\)|  |\.\.$", words), (name, words)
    verdict = answer(sweep)["verdict"]
    assert len(verdict) == 1
    assert answer(sweep)["tone"] == TONES.get(next(iter(verdict)), "open")


def test_a_sweep_without_floors_never_speaks_of_a_floor_that_is_known(sweep_of):
    words = " ".join(filter(None, (s.say(sweep_of("imports")) for s in REGISTRY.values())))
    assert "exact floor" not in words
    assert "E held" not in words
    assert "grammar" not in words
    assert "scaling regime" not in words


def test_words_for_numbers():
    assert [p_value(p) for p in (None, 1.17e-320, 0.0004, 0.05, 0.68, 0.999)] == [
        "no p", "p < 0.001", "p < 0.001", "p = 0.050", "p = 0.68", "p = 1.0",
    ]  # fmt: skip
    assert [percent(x) for x in (0.95, 0.975, 0.9999, 0.05)] == ["95 %", "97.5 %", "100 %", "5 %"]
    assert [count(n, "dataset") for n in (0, 1, 1200)] == ["0 datasets", "1 dataset", "1,200 datasets"]
    assert span(3, 3) == "3"
    assert span(0.3, 0.3004, ".3f") == "0.300"
    assert share_of([], ["a"]) == "not the dataset"
    assert share_of(["a"], ["a"]) == "the dataset"
    assert share_of([], ["a", "b"]) == "no dataset"
    assert share_of(["b"], ["a", "b"]) == "1 of 2 datasets (b)"
