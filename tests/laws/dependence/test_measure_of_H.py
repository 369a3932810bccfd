"""What the H of a law and of a score must have in common."""

import pytest
from laws_in_H import score

from ziplaw.errors import FitError
from ziplaw.laws.dependence.measure_of_H import check_score, measure_of

BUNDLED = {"tokenizer": "bundled", "tokenizer_sha256": "1" * 64}


def test_scores_of_a_law_must_be_measured_alike():
    assert measure_of([]) is None
    texts = [score("a", tokenizer="bundled", tokenizer_sha256="1" * 64), score("b", tokenizer="bytes")]
    assert [entry["name"] for entry in measure_of([*texts, texts[0]])["tokenizers"]] == ["bundled", "bytes"]
    with pytest.raises(FitError, match="H of b is of windows of 64 tokens, that of a of windows of 256 tokens"):
        measure_of([score("a"), score("b", window=64)])


@pytest.mark.parametrize(
    ("law", "mine", "refusal"),
    [
        ([score()], score(window=128), "windows of 128 tokens, the law's of windows of 256 tokens.*--window 256"),
        ([score(window=64)], score(), "windows of 256 tokens, the law's of windows of 64 tokens"),
        ([score()], score(encoding="u1"), "ids written as u1, the law's of ids written as >i4"),
        ([score()], score(level=6), "gzip level 6, the law's of gzip level 9"),
        ([score(**BUNDLED)], score(tokenizer="bytes"), "the tokenizer bytes, the law's of the tokenizer bundled"),
        ([score(**BUNDLED)], score(tokenizer="bundled", tokenizer_sha256="2" * 64), "they do not compare"),
        ([score(), score(**BUNDLED)], score(tokenizer="bpe:x.json"), "the tokenizer bpe:x.json, the law's of the"),
        (None, score(window=64), "windows of 64 tokens"),
    ],
)
def test_scores_that_do_not_compare_are_refused_by_both_names(law, mine, refusal):
    with pytest.raises(FitError, match=refusal):
        check_score(law and measure_of(law), mine)


@pytest.mark.parametrize(
    ("law", "mine", "remark"),
    [
        ([score()], score(), None),
        ([score(**BUNDLED)], score(**BUNDLED), None),
        ([score(**BUNDLED)], score(tokenizer="bundled"), None),
        ([score(), score(**BUNDLED)], score(**BUNDLED), None),
        ([score(), score(**BUNDLED)], score(), None),
        (
            [score()],
            score(**BUNDLED),
            "token ids of grammars, which no tokenizer made; this H is of the tokenizer bundled",
        ),
        ([score(**BUNDLED)], score(), "ids of an unknown tokenizer"),
        (None, score(**BUNDLED), "does not say which tokenizer"),
    ],
)
def test_what_compares_with_a_remark_or_without(law, mine, remark):
    found = check_score(law and measure_of(law), mine)
    assert len(found) == (remark is not None)
    assert all(remark in text for text in found)
