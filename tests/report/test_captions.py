"""Captions of figures: every sentence with a sweep of which it is said and one of which it must not be."""

import pytest
from houses import ROOT
from sweeps_for_sentences import hold, sentences_of

from ziplaw.report.figures import FIGURES, drawn_from

REGISTRY = sentences_of("captions")
CAPTIONS = ROOT / "rules" / "captions"

# sentence: (a sweep of which it is said, words of it, a sweep of which it is not)
CASES = {
    "scores_figure": ("imports", "the bar spans the middle half", "bare"),
    "no_scores_to_draw": ("bare", "No scores", "planted"),
    "references_in_the_figure": ("no twins", "tokenised (grey).", "imports"),
    "presets_figure": ("planted", "preset grammars", "no presets"),
    "bars_of_presets": ("planted", "one standard deviation", "one preset seed"),
    "presets_without_a_published_H": ("planted", "the paper gives no H", "presets all known"),
    "markers_of_the_curves": ("planted", "Held-out loss", "lost"),
    "lines_of_the_curves": ("branches", "dotted of each budget's cooldown", "no curves"),
    "floor_in_the_figure": ("mixed", "drawn where it is known", "imports"),
    "lost_runs_in_the_curves": ("part lost", "A cross", "planted"),
    "links_figure": ("planted", "on its way from the unigram entropy", "lost"),
    "no_links_to_draw": ("lost", "No link was fitted", "planted"),
    "grey_among_the_links": ("saturated", "Grey: too few cells scale", "planted"),
    "split_figure": ("planted", "of each dataset against H", "lost"),
    "lines_of_the_split": ("planted", "Lines are regressions", "one"),
    "no_split_to_draw": ("lost", "No dataset has a split", "planted"),
    "near_best_figure": ("planted", "within .1 % of the best", "lost"),
    "no_range_to_draw": ("lost", "No link was fitted", "planted"),
    "contours_figure": ("bare", "Measured cells over N and D.", "architectures"),
    "regimes_in_the_contours": ("mixed", "Filled markers", "imports"),
    "regimes_without_a_floor": ("imports", "certainly not started", "planted"),
    "lost_runs_in_the_contours": ("part lost", "A cross", "planted"),
    "frontier_in_the_contours": ("planted", "The orange line", "saturated"),
    "frontiers_figure": ("one", "each dataset's own law and Chinchilla's", "saturated"),
    "no_frontier_to_draw": ("saturated", "there is no frontier", "planted"),
    "parameters_figure": ("imports", "Filled markers", "lost"),
    "both_ways_to_treat_E": ("planted", "the other way to treat E", "imports"),
    "grey_in_the_parameters": ("noisy", "Grey ones", "planted"),
    "lines_in_H": ("planted", "The solid line", "one"),
    "no_lines_in_H": ("one", "No line in H", "planted"),
    "predictions_figure": ("planted", "Rings mark", "lost"),
    "cells_that_were_not_fitted": ("imports", "Hollow markers", "saturated"),
    "architectures_figure": ("architectures", "by architecture", "planted"),
    "intervals_over_seeds": ("architectures, seeds", "Student's 95 % intervals", "architectures"),
}


def test_every_sentence_has_both_cases():
    assert set(CASES) == set(REGISTRY)
    assert all(yes != no for yes, _, no in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_it_is_true_and_nowhere_else(name, sweep_of):
    hold(REGISTRY[name], *CASES[name], sweep_of)


def test_every_figure_of_a_report_has_captions_here_and_for_snakemake():
    assert (CAPTIONS / "figure.rst").read_text("utf-8").strip() == "{{ snakemake.params.caption }}"
    for kind, figure in FIGURES.items():
        assert kind in {*drawn_from(["runs", "scores", "presets", "laws"]), *drawn_from(["architectures"])}
        assert figure.caption.strip()
        assert any(each.place == kind for each in REGISTRY.values())
