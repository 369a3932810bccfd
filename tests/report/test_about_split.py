"""What the report says of the split and H: every sentence with a sweep of which it is said and one of which it must
not be.
"""

import pytest
from sweeps_for_sentences import hold, sentences_of

from ziplaw.laws.dependence.splits.claimed import claims_about_splits

REGISTRY = sentences_of("about_split")

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "not_tested": ("bare", "Not tested", "planted"),
    "cannot_be_told": ("one", "Cannot be told", "planted"),
    "dependence_shown": ("best N moves", "less compressible data wanted larger models and fewer tokens", "scattered"),
    "ways_disagree": ("ways disagree", "Perhaps: it depends on how the split is read off", "planted"),
    "dependence_not_shown": ("scattered", "Not shown, and not excluded either", "best N moves"),
    "no_regression": ("bare", "no regression", "one"),
    "why_it_cannot_be_told": ("one", "3 are needed", "planted"),
    "rivals_of_H_in_the_split": ("planted", "other numbers order the best N of these datasets as well", "one"),
    "best_N_with_H": ("planted", ".1 more of H multiplies the best N by", "one"),
    "best_N_by_the_other_ways": ("planted", "By the other ways it is multiplied by", "one"),
    "exponent_with_H": ("planted", "corrected for each other (Holm)", "one"),
    "how_the_split_is_tested": ("planted", "p from relabelling H", "one"),
    "direction_of_the_paper": ("best N moves", "here it is the other way", "scattered"),
    "disagreement_of_the_ways": ("planted", "within a factor of", "one"),
    "no_line_of_the_split": ("one", "No line in H", "planted"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)


@pytest.mark.parametrize(
    ("case", "verdict"), [("best N moves", "supported"), ("ways disagree", "undecided"), ("scattered", "undecided")]
)
def test_the_verdict_is_that_of_the_claim(case, verdict, sweep_of):
    sweep = sweep_of(case)
    claimed = claims_about_splits(sweep.split, "", 0.05)
    assert next(row for row in claimed if row["claim"] == "best_N_depends_on_H")["verdict"] == verdict
    assert (REGISTRY["dependence_shown"].say(sweep) is not None) is (verdict == "supported")


def test_four_datasets_can_be_in_order_by_chance(sweep_of):
    assert "4 datasets can be in order of H by chance" in REGISTRY["why_it_cannot_be_told"].say(sweep_of("mixed"))


def test_every_link_is_said_only_where_each_shows_it(sweep_of, monkeypatch):
    sweep = sweep_of("best N moves")
    assert "under every link and by isoFLOP" in REGISTRY["dependence_shown"].say(sweep)
    monkeypatch.setitem(sweep.split["by"]["isoflop"]["lines"]["ln_N"], "p_permutation", 0.5)
    assert "every link" not in REGISTRY["dependence_shown"].say(sweep)
