"""What the results do not carry: every sentence with a sweep of which it is said and one of which it must not be."""

import pytest
from sweeps_for_sentences import hold, sentences_of

from ziplaw.report.doubts import slopes
from ziplaw.report.sentences import said
from ziplaw.sweep.folder import Sweep

REGISTRY = sentences_of("doubts")

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "exponents_greyed_out": ("noisy", "reaches a bound of the fit", "planted"),
    "losses_below_the_floor": ("below the floor", "36 of the losses", "planted"),
    "runs_diverged": ("part lost", "diverged, and no fit holds them", "planted"),
    "saturation_unknown": ("mixed", "syn-c, syn-d", "planted"),
    "free_E_below_the_floor": ("planted", "2 of 6 datasets", "imports"),
    "law_misses": ("noisy", "more than 5 % of the loss", "planted"),
    "worse_held_out": ("worse held out", "30 % at worst", "planted"),
    "models_far_smaller": ("planted", "10 orders of magnitude", "huge"),
    "one_training_seed": ("planted", "one training seed", "seeds"),
    "bytes_of_one_machine": ("trained by torch", "6 of 36 runs (llama) were made by torch 2.13.0 on a CPU", "planted"),
    "exploratory": ("shipped", "the grammars of syn-a, which come with ziplaw", "planted"),
    "few_levels_of_H": ("planted", "6 levels of H", "one"),
    "H_goes_with_the_floor": ("planted", "−1.00 over 6 datasets", "imports"),
    "vocabularies_differ": ("vocabularies", "2 sizes of vocabulary", "planted"),
    "kinds_of_data_differ": ("mixed", "between syn-a, syn-b and syn-c, syn-d", "imports"),
    "slopes_disagree": (
        "crossed",
        "ln A (−4.00 by the two-stage regression, +3.00 by the hierarchical law)",
        "agreeing",
    ),
    "coefficients_turn": ("crossed", "ln A by +3.00, ln A/N^alpha at the mean N by −2.00", "agreeing"),
    "two_stage_alone": ("tests disagree", "the joint test does not agree", "planted"),
    "many_tests": ("level", "Each verdict by itself at 10 %", "one"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)


@pytest.mark.parametrize("folder", ["default", "mine"])
def test_the_name_of_a_folder_decides_nothing(folder, sweep_of, root):
    moved = root / f"named-{folder}" / folder
    moved.parent.mkdir()
    moved.symlink_to(sweep_of("planted").folder)
    assert "exploratory" not in said(Sweep(moved), "does not carry")
    assert "exploratory" in said(sweep_of("shipped"), "does not carry")


def test_slopes_are_compared_parameter_by_parameter(sweep_of):
    found = slopes(sweep_of("planted"))
    assert set(found) == {"ln A", "ln B", "alpha", "beta"}
    assert set(found["alpha"]) == {"two-stage regression", "hierarchical law", "joint fit"}
    assert set(found["ln A"]) == {"two-stage regression", "hierarchical law"}
