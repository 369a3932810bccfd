"""What is said of H: every sentence with a sweep of which it is said and one of which it must not be."""

import pytest
from sweeps_for_sentences import hold, sentences_of

REGISTRY = sentences_of("about_scores")

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "real_text_in_order": ("code above prose", "is less compressible than prose", "prose by bytes"),
    "real_text_beside_datasets": ("planted", "windows of 256 tokens", "references in other windows"),
    "real_text_scored_differently": ("prose by another file", "were scored differently", "planted"),
    "real_text_not_told_apart": ("code and prose overlap", "the intervals over their sources overlap", "planted"),
    "order_of_datasets": ("imports of few sources", "syn-a and syn-b.", "imports of many sources"),
    "level_of_few_sources": ("imports of few sources", "syn-b (3 sources)", "imports of many sources"),
    "datasets_scored_differently": ("a dataset in other windows", "windows of 1000", "planted"),
    "real_text_not_beside_datasets": ("references in other windows", "windows, encoding or gzip level", "planted"),
    "presets_reproduced": ("planted", "over 6 preset grammars", "presets far off"),
    "presets_not_reproduced": ("presets far off", "main-1", "planted"),
    "what_the_references_are": ("trained on code", "syn-a of this sweep comes from one of them", "imports"),
    "why_raw_bytes_too": ("planted", "raw bytes stands beside it", "no twins"),
    "no_references": ("imports", "No real corpus", "planted"),
    "seeds_of_presets": ("planted", "drawn with 5 seeds", "one preset seed"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)
