"""Rivals of H: the covariate behind the splits is told from one that only goes along with it."""

import numpy as np
import pytest
from splits_in_H import C

from ziplaw.laws.dependence.splits.dataset_splits import Splits
from ziplaw.laws.dependence.splits.rivals import rivals_in_words, rivals_of_H


def planted(K=12, seed=0):
    """Splits made by a rival, and an H that follows the rival loosely."""
    rng = np.random.default_rng(seed)
    rival = rng.permutation(np.linspace(4, 6, K))
    H = 0.1 * rival + 0.06 * rng.normal(size=K)
    y = np.column_stack([8 + rival + 0.2 * rng.normal(size=K), 0.45 + 0.01 * rng.normal(size=K)])
    return Splits(tuple(f"d{k}" for k in range(K)), y, np.tile(np.diag([1e-3, 1e-4]), (K, 1, 1)), C), H, rival


def test_the_covariate_behind_the_splits_is_found():
    splits, H, rival = planted()
    rows, skipped = rivals_of_H(splits, H, {"rival": rival, "other": np.arange(12) % 5, "one": np.ones(12)})
    found = {row["covariate"]: row["ln_N"] for row in rows}
    assert found["rival"]["rank_correlation"] > 0.9
    assert found["rival"]["given_H"]["p_permutation"] < 0.01
    assert abs(found["rival"]["H_given"]["rank_correlation"]) < abs(found["H"]["rank_correlation"])
    assert found["rival"]["H_given"]["p_permutation"] > 0.05
    assert found["rival"]["left_out_error"] < found["H"]["left_out_error"] < 1.2 * found["none"]["left_out_error"]
    assert set(found) == {"H", "rival", "other", "all rivals", "none"}
    assert skipped == {"one": "takes 1 values over 12 datasets"}


def test_a_rival_that_is_H_leaves_nothing_to_H():
    splits, H, _ = planted(6)
    rows, _ = rivals_of_H(splits, H, {"copy": 2 * H, "words": ["a"] * 6})
    assert rows[1]["ln_N"]["H_given"] == {"rank_correlation": None, "p_permutation": None, "why": "nothing left"}
    assert rows[1]["ln_N"]["left_out_error"] == pytest.approx(rows[0]["ln_N"]["left_out_error"])


def test_a_rival_may_not_bear_the_name_of_another_row():
    splits, H, rival = planted(6)
    rows, skipped = rivals_of_H(splits, H, {"H": rival, "none": rival})
    assert [row["covariate"] for row in rows] == ["H", "none"]
    assert skipped == dict.fromkeys(("H", "none"), "bears the name of another row: rename the column")


def test_three_datasets_cannot_spare_one():
    splits, H, _ = planted(3)
    rows, _ = rivals_of_H(splits, H, {})
    assert [row["covariate"] for row in rows] == ["H", "none"]
    assert rows[0]["ln_N"]["left_out_error"] is None


def test_rivals_in_words():
    splits, H, rival = planted()
    told = rivals_in_words(rivals_of_H(splits, H, {"rival": rival})[0])
    assert told["better"] == ["rival"]
    assert told["text"].startswith("ln N_opt of a dataset left out is foretold better by rival (")
    assert "rank correlation with H that is left given rival: " in told["text"]
    other = rivals_in_words(rivals_of_H(splits, rival, {"loose": H, "copy": 2 * rival})[0])
    assert other["better"] == []
    assert "; copy: nothing left; " in other["text"]
    assert rivals_in_words(rivals_of_H(splits, H, {})[0]) == {"better": [], "text": None}
