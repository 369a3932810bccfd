"""What the report says of links: every sentence with a sweep of which it is said and one of which it must not be."""

import pytest
from sweeps_for_sentences import hold, sentences_of

from ziplaw.report.about_links import errors, spreads

REGISTRY = sentences_of("about_links")

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "link_chosen": ("planted", "was chosen, blind to H, by its error where compute is largest", "lost"),
    "how_links_are_fitted": ("mixed", "E at the floor, where one is known, else of ln(loss) with E free", "lost"),
    "cells_without_a_logarithm": ("saturated", "had to be left out", "planted"),
    "links_that_failed": ("lost", "Not fitted: z (bounded) (0 rows", "planted"),
    "splits_not_identified": ("seeds, no jackknife", "leaving one out at a time needs 4", "planted"),
    "no_links": ("lost", "No link could be fitted", "planted"),
    "additive_form_misses": ("bounded", "a finding about the form", "planted"),
    "index_serves_all_links": ("links agree", "the links differ by × 1.00 at most", "links apart"),
    "links_disagree": ("links apart", "1 of 6 datasets (syn-a)", "links agree"),
    "sizes_that_are_near_the_best": ("planted", "for .1 % of the loss: N between", "lost"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)


def test_errors_are_medians_over_the_datasets_that_have_one(sweep_of):
    sweep = sweep_of("planted")
    found = sorted(sweep.fits[name]["links"]["identity"]["rms_log_residual"] for name in sweep.datasets)
    assert errors(sweep, "identity")[0] == pytest.approx((found[2] + found[3]) / 2)
    assert errors(sweep, "power") == (None, None)


def test_links_are_as_far_apart_as_their_table_says(sweep_of):
    far = spreads(sweep_of("links apart"))
    assert far["syn-a"] == pytest.approx(2.0)
    assert far["syn-b"] == pytest.approx(1.0)
