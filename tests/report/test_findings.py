"""The answer of the report, and what its results carry: every sentence with a sweep of which it is said and one of
which it must not be.
"""

import pytest
from sweeps_for_sentences import hold, sentences_of

REGISTRY = sentences_of("findings")

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "measured_span": ("one", "models of 750 to 20,640 parameters", "lost"),
    "nothing_measured": ("lost", "Every run of 1 dataset diverged", "part lost"),
    "law_fitted": ("mixed", "all 4 datasets, with a free E", "lost"),
    "cells_scaling": ("mixed", "measured cells of the datasets with a floor", "imports"),
    "cells_started": ("mixed", "of the datasets without a floor have certainly not started", "planted"),
    "exponents_reported": ("noisy", "1 of 4 datasets (syn-c)", "bare"),
    "slope_of_a": ("level", "90 % interval", "one"),
    "joint_test_result": ("scattered", "do not fit better", "no joint test"),
    "no_joint_test": ("no joint test", "12 cells cannot hold 40 parameters", "planted"),
    "claims_tally": ("all undecided", "24 undecided", "bare"),
    "few_grammars": ("mixed", "4 datasets decide little of this", "imports"),
    "losses_above_the_floor": ("mixed", "all 72 held-out losses of grammars", "below the floor"),
    "claims_supported": ("planted", "alpha falls with H", "all undecided"),
    "claims_not_supported": ("planted", "beta falls with H", "all supported"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)


def test_e_at_the_floor_is_marked_as_no_finding_about_learning(sweep_of):
    held, free = (REGISTRY["claims_not_supported"].say(sweep_of(name)) for name in ("planted", "imports"))
    assert "a fact about the grammars" in held
    assert "a fact about the grammars" not in free
