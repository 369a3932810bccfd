"""What stands between the tables: every sentence with a sweep of which it is said and one of which it must not be."""

import pytest
from sweeps_for_sentences import hold, sentences_of

REGISTRY = sentences_of("remarks")

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "intervals_of_H": ("imports of many sources", "95 % interval over sources", "planted"),
    "errors_of_losses": ("imports of many sources", "over held-out sources, as many", "no sources"),
    "random_grammars": ("mixed", "Grammars are random", "written by hand"),
    "growth_of_derivations": ("written by hand", "ρ is the growth rate", "imports"),
    "no_floor_of_imports": ("mixed", "No floor is known of syn-c, syn-d", "planted"),
    "how_laws_are_fitted": ("mixed", "where a floor is known; elsewhere with E free alone", "lost"),
    "what_intervals_are": ("level", "90 % interval", "lost"),
    "grey_rows": ("noisy", "A grey row is not to be quoted", "planted"),
    "several_architectures": ("architectures", "2 architectures (llama, lstm)", "planted"),
    "no_fits": ("bare", "No fits", "planted"),
    "how_held_out": ("planted", "without the largest N", "not held out"),
    "where_the_split_is_shown": ("planted", "At C = 1.78e+11 FLOPs", "saturated"),
    "splits_refused": ("noisy", "Not identified, so not shown: ", "planted"),
    "best_split_outside": ("planted", "syn-f lies outside", "split inside"),
    "published_line": ("planted", "far below the compute", "saturated"),
    "no_split": ("saturated", "No dataset carries a law", "planted"),
    "joint_test_words": ("imports", "E free in each dataset", "one"),
    "bootstrap_of_the_joint_test": ("bootstrapped", "p = 0.0020", "planted"),
    "scatter_of_datasets": ("planted", "are not shown to lie off the line", "one"),
    "what_the_models_are": ("planted", "M0: E, A, B", "no joint test"),
    "what_the_linear_models_are": ("imports", "ln A, ln B, ln E linear", "no joint test"),
    "why_no_joint_test": ("one", "at least 3", "planted"),
    "what_the_two_stages_are": ("planted", "ordinary least squares", "one"),
    "how_claims_are_judged": ("planted", "a rule stated beforehand", "bare"),
    "no_claim_is_judged": ("one", "All 24 claims are undecided: not enough datasets", "planted"),
    "what_undecided_means": ("planted", "it is not a no", "all supported"),
    "no_claims": ("bare", "No claims table", "planted"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)
