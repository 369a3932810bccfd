"""The choice of a study, on candidates that are made up and on a few real ones."""

import numpy as np
import pytest

from ziplaw.errors import ZiplawError
from ziplaw.studies import choosing
from ziplaw.studies.choosing import Request, choose_study, widest_floor
from ziplaw.studies.foretold import correlated, unbalanced

BUDGETS = (65536, 2097152)


def made_up(pool, seed, indices, documents, budgets, threads=None):
    """Rows as of grammars in which H and floor are confounded."""
    rng = np.random.default_rng([seed, indices[0]])
    rows = []
    for index in indices:
        h = 0.25 + 0.25 * rng.random()
        rows.append(
            {
                "n_nonterminals": 3, "max_rhs_options": 9, "max_rhs_length": 4, "n_terminals": pool.terminals[0],
                "seed": 1_000_000 * (seed + 1) + index, "H": h, "H_stderr": 0.001,
                "floor": 3.0 - 5.0 * h + 0.5 * rng.standard_normal(), "floor_stderr": 0.002,
                "unigram_entropy": 2 + 6 * h + 0.4 * rng.standard_normal(),
                "productions": int(400 + 300 * rng.random()),
                "vocab_size": 301 if pool.terminals[0] == pool.terminals[1] else int(100 + 900 * rng.random()),
                "sentence_length": 2 + 9 * rng.random(),
            }
        )  # fmt: skip
    return rows


@pytest.fixture
def chosen(monkeypatch):
    """Choose among made-up candidates, whose rows are not measured anew."""
    known = {}

    def scored(*arguments, **options):
        rows = made_up(*arguments, **options)
        known.update({row["seed"]: row for row in rows})
        return rows

    monkeypatch.setattr(choosing, "score_candidates", scored)
    monkeypatch.setattr(choosing, "draw_candidate", lambda pool, seed, index: 1_000_000 * (seed + 1) + index)
    monkeypatch.setattr(choosing, "measures_of", lambda grammar, *rest, **options: known[grammar])
    return lambda **wanted: choose_study(Request(budgets=BUDGETS, candidates=1200, **wanted))


def test_a_study_of_three_families_in_two_halves(chosen):
    rows, found = chosen(varied=12, vocabulary=13, H=8)
    assert len(found) == 1200
    assert len({row["dataset"] for row in rows}) == len({row["seed"] for row in rows}) == 33
    sizes = {
        (h, f): sum((r["half"], r["family"]) == (h, f) for r in rows)
        for h in choosing.HALVES
        for f in choosing.FAMILIES
    }
    assert list(sizes.values()) == [6, 7, 4, 6, 6, 4]
    # no candidate of one half is one of the other's
    half_of = {row["seed"]: row["half"] for row in found}
    assert all(half_of[row["seed"]] == row["half"] for row in rows)
    assert {row["vocab_size"] for row in rows if row["family"] == "vocabulary"} == {301}
    one = [row["H"] for row in rows if row["family"] == "H"]
    assert max(one) - min(one) <= 2 * choosing.H_TOLERANCE
    for line in correlated(rows):
        if line["half"] != "both" and line["family"] != "H":
            assert abs(line["r_floor"]) <= (choosing.BALANCED if line["family"] == "all" else 0.17), line
    assert unbalanced(rows) == []
    # every training seed is used once, and every third dataset of a family and half has two
    seeds = [seed for row in rows for seed in row["training_seeds"].split()]
    assert len(seeds) == len(set(seeds)) == 33 + 2 + 2 + 1 + 2 + 2 + 1


def test_one_half_has_plain_names_and_no_second_seeds_unless_wanted(chosen):
    rows, _ = chosen(varied=5, halves=1, replicate=0)
    assert [row["dataset"] for row in rows] == ["v01", "v02", "v03", "v04", "v05"]
    assert [row["H"] for row in rows] == sorted(row["H"] for row in rows)
    assert [row["training_seeds"] for row in rows] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"varied": 0, "H": 4, "at_H": 0.9}, "within 0.005 of H 0.900"),
        ({"varied": 0, "H": 400}, "no H has 2000 candidates"),
        ({"varied": 1300}, "600 candidates in the exploratory half, 650 grammars"),
    ],
)
def test_too_few_candidates_are_refused(chosen, wanted, words):
    with pytest.raises(ZiplawError, match=words):
        chosen(**wanted)


def test_the_H_where_the_floor_varies_most():
    rows = [{"H": 0.3, "floor": 1 + 0.01 * k} for k in range(30)] + [
        {"H": 0.4, "floor": 1 + 0.1 * k} for k in range(30)
    ]
    assert widest_floor(rows, 6) == pytest.approx(0.395, abs=0.0051)
    assert widest_floor(rows[:30], 6) == pytest.approx(0.295, abs=0.0051)


def test_an_unbalanced_half_is_told():
    rows = [
        {"half": "exploratory", "family": "varied", "H": h, "floor": 2 - h, "unigram_entropy": 4 + (k % 3),
         "productions": 400 + k % 4, "sentence_length": 3 + k % 5, "vocab_size": 301}
        for k, h in enumerate(np.linspace(0.2, 0.5, 12))
    ]  # fmt: skip
    (sentence,) = unbalanced(rows)
    assert "-1.00 in the exploratory half" in sentence
