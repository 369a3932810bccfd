"""Candidates: fresh, in their ranges, measured as a sweep measures."""

import math

import numpy as np
import pytest

import ziplaw
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.studies.candidates import Pool, draw_candidate, measures_of, score_candidates

POOL = Pool((50, 90), (40, 80))
BUDGETS = (1000, 64000)


@pytest.fixture(scope="module")
def rows():
    return score_candidates(POOL, 0, range(12), 30, BUDGETS, context=64, threads=3)


def test_rows_do_not_hang_on_threads_nor_on_how_many(rows):
    assert rows == score_candidates(POOL, 0, range(12), 30, BUDGETS, context=64, threads=1)
    assert rows[:5] == score_candidates(POOL, 0, range(5), 30, BUDGETS, context=64, threads=1)


def test_candidates_are_in_their_ranges_with_seeds_of_their_own(rows):
    assert len(rows) == len({row["seed"] for row in rows}) == 12
    for row in rows:
        assert 40 <= row["productions"] <= 80
        assert 50 <= row["n_terminals"] <= 90
        assert 2 <= row["n_nonterminals"] <= 200
        assert 2 <= row["max_rhs_length"] <= 20
        assert row["seed"] >= 1_000_000
    other = score_candidates(POOL, 1, range(3), 30, BUDGETS, context=64)
    assert not {row["seed"] for row in other} & {row["seed"] for row in rows}


def test_measures_are_those_of_the_grammar_as_a_config_would_draw_it(rows):
    row = rows[0]
    shape = [row[name] for name in ("n_nonterminals", "n_terminals", "max_rhs_options", "max_rhs_length")]
    grammar = random_grammar(*shape, seed=row["seed"])
    assert len(grammar.productions) == row["productions"]
    train, valid = (ziplaw.sample(grammar, 30, 64, seed=0, stream=stream) for stream in (0, 1))
    assert row["H"] == ziplaw.compressibility(train, window=64).median
    assert row["floor"] == ziplaw.floor(grammar, valid).nats_per_token
    shares = np.bincount(train.ravel())[np.unique(train)] / train.size
    assert row["unigram_entropy"] == pytest.approx(-(shares * np.log(shares)).sum())
    sentences = sum(len(part) > 0 for document in train for part in np.split(document, np.flatnonzero(document == 0)))
    assert row["sentence_length"] == pytest.approx((train > 0).sum() / sentences)
    assert row["tokens_per_production_most"] == 64 * row["tokens_per_production_least"] == 64000 / row["productions"]
    assert row["floor_stderr"] > 0
    assert row["H_stderr"] > 0


def test_what_cannot_be_drawn_is_left_out():
    # one nonterminal of one production at most: two nonterminals never have a thousand
    nowhere = Pool((50, 90), (1, 1))
    assert draw_candidate(nowhere, 0, 0) is None
    assert score_candidates(nowhere, 0, range(2), 30, BUDGETS) == []


def test_one_vocabulary():
    grammar = draw_candidate(Pool((70, 70), (40, 80)), 0, 5)
    assert grammar.n_terminals == 70
    assert math.isfinite(measures_of(grammar, 20, BUDGETS)["floor"])
