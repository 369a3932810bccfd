"""What an arm is worth: a planted factor is found with an interval that holds it, and what cannot be told is not."""

import json

import numpy as np
import pytest
from designs import LAW, grid
from tables_of_laws import columns, table

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import optimal_split
from ziplaw.laws.forms.chinchilla import additive
from ziplaw.laws.outcomes.arms import compare_arms


def arms(s=1.2, t=1.25, noise=0.004, seed=0, law=LAW, design=None, shift=1.0):
    """Runs of a base and of an arm in which each parameter is worth s and each token t of it."""
    N, D = grid(5, 5) if design is None else design
    rng = np.random.default_rng(seed)
    first, second = (np.exp(noise * rng.standard_normal(len(N))) for _ in range(2))
    base = (N, D, additive(LAW, N, D) * first)
    N, D = N * shift, D * shift
    return base, (N, D, additive(law, s * N, t * D) * second)


@pytest.mark.parametrize("shift", [1.0, 1.3])
def test_a_planted_factor_is_found(shift):
    found = compare_arms(*arms(shift=shift, seed=1), bootstrap=300)
    assert found["usable"]
    assert found["n_pairs"] == (25 if shift == 1 else 0)
    low, high = found["factor"]["interval"]
    assert low < 1.5 < high < 1.2 * low
    assert found["N_factor"]["value"] * found["D_factor"]["value"] == pytest.approx(found["factor"]["value"])
    assert found["shared"]["holds"]
    assert found["difference"]["p_value"] < 1e-6
    assert (found["difference"]["p_permutation"] == 1e-3) == (shift == 1)
    for row in found["by_C"]:
        assert row["interval"][0] < 1.5 < row["interval"][1]
        assert not row["extrapolates"]
    json.dumps(found, allow_nan=False)


def test_arms_of_one_law_do_not_differ():
    found = compare_arms(*arms(1.0, 1.0, seed=3), bootstrap=200)
    assert found["difference"]["p_value"] > 0.05
    assert found["difference"]["p_permutation"] > 0.05
    assert found["factor"]["interval"][0] < 1 < found["factor"]["interval"][1]


def test_a_factor_that_depends_on_C_is_called_so():
    law = LAW - [0.1, 0.0, 0.0, 0.0, 0.0]
    found = compare_arms(*arms(1.0, 1.0, law=law, noise=0.002), bootstrap=200)
    assert found["shared"]["holds"] is False
    rows = found["by_C"]
    truth = []
    for row in rows:
        C = np.geomspace(row["C"] / 1e3, row["C"] * 1e3, 20_001)
        base = optimal_split(LAW, C)[2]
        truth.append(np.interp(-float(optimal_split(law, row["C"])[2]), -base, C) / row["C"])
    assert truth[-1] > 1.5 * truth[0]
    for row, m in zip(rows, truth):
        assert row["factor"] == pytest.approx(m, rel=0.1)


def test_tokens_at_equal_size():
    (row,) = compare_arms(*arms(1.0, 1.5), sizes=[1e9], bootstrap=200)["by_N"]
    assert row["N"] == 1e9
    assert row["interval"][0] < 1.5 < row["interval"][1]


def test_a_ladder_is_compared_along_C():
    N = np.geomspace(5e7, 5e9, 7)
    found = compare_arms(*arms(np.sqrt(1.5), np.sqrt(1.5), noise=0.002, design=(N, 20 * N)), bootstrap=200)
    assert found["design"] == "ladder"
    assert "N_factor" not in found
    low, high = found["factor"]["interval"]
    assert low < 1.5 < high < 1.4 * low
    assert found["interval_method"].startswith("factor: standard errors and t")
    assert set(found["parameters"]["factor"][0]) == {"E", "K", "gamma"}
    with pytest.raises(FitError, match="tokens at equal N cannot be compared"):
        compare_arms(*arms(design=(N, 20 * N)), sizes=[1e9])


def test_one_size_is_compared_along_its_tokens():
    D = np.geomspace(1e9, 1e11, 7)
    found = compare_arms(*arms(1.0, 1.5, noise=0.002, design=(np.full(7, 1e8), D)), bootstrap=100)
    assert found["design"] == "ladder"
    assert found["factor"]["interval"][0] < 1.5 < found["factor"]["interval"][1]


def test_few_runs_have_one_factor_and_no_laws_of_their_own():
    N, D = (v[[0, 2, 5, 9, 14]] for v in grid(4, 4))
    found = compare_arms(*arms(noise=0.002, design=(N, D)), bootstrap=100)
    assert found["by_C"] == []
    assert found["shared"] == {"F": None, "df": None, "p_value": None, "holds": None}
    low, high = found["factor"]["interval"]
    assert low < 1.5 < high


def test_what_cannot_be_compared_is_refused():
    base, arm = arms()
    with pytest.raises(FitError, match="the losses do not overlap"):
        compare_arms(base, (arm[0], arm[1], arm[2] / 3))
    with pytest.raises(FitError, match="25 and 2 runs: at least 3 of each arm"):
        compare_arms(base, tuple(column[:2] for column in arm))
    N = arm[0]
    with pytest.raises(FitError, match="N and D move together in one arm"):
        compare_arms(base, (N, 20 * N, additive(LAW, N, 20 * N)))
    two = N < 3e8
    with pytest.raises(FitError, match="2 sizes in both arms together: a law of N and D needs 3"):
        compare_arms(*(tuple(column[two] for column in runs) for runs in (base, arm)))
    with pytest.raises(FitError, match="1 values of C in an arm: a law of C needs 3"):
        compare_arms(*arms(design=(N[:5] * np.arange(1, 6), 1e20 / N[:5] / np.arange(1, 6))))
    with pytest.raises(FitError, match="columns of the arm have 25, 24 and 25 rows"):
        compare_arms(base, (arm[0], arm[1][1:], arm[2]))
    with pytest.raises(FitError, match="loss of the base"):
        compare_arms((base[0], base[1], -base[2]), arm)


def test_a_poor_law_is_no_usable_comparison():
    found = compare_arms(*arms(noise=0.3, seed=1), bootstrap=100)
    assert not found["usable"]
    assert any(text.startswith("poor fit") for text in found["warnings"])


def test_corpora_of_one_published_grid():
    rows = table("gadre_models.csv")
    runs = {}
    for row in rows:
        runs.setdefault(row["dataset_name"], []).append(row)
    base, arm = (columns(runs[name], "N_no_embed", "D", "loss_c4_val") for name in ("c4_original", "rpj"))
    found = compare_arms(base, arm, bootstrap=200)
    # scored on C4, other data is worth less than C4
    assert found["factor"]["interval"][1] < 1
    assert found["factor"]["value"] == pytest.approx(0.625, abs=0.01)
