"""Approaches without a law: the exponent on clean curves, what each gets wrong, budgets named where the optimum is
outside.
"""

import numpy as np
import pytest
from designs import LAW, grid, isoflops, losses
from tables_of_laws import columns, planted, table

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import allocate, exponents
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.laws.valleys.envelope import envelope
from ziplaw.laws.valleys.isoflop import isoflop


def dense(law):
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(5e7, 1.6e10, 10), np.geomspace(1e9, 3e11, 12)))
    return N, D, additive(law, N, D)


@pytest.mark.parametrize("approach", [envelope, isoflop])
def test_approaches_without_a_law_find_the_exponent_on_clean_curves(approach):
    found = approach(*dense(CHINCHILLA_REFIT.array), law=CHINCHILLA_REFIT.array)
    truth = exponents(CHINCHILLA_REFIT.array)[0]
    assert found.a == pytest.approx(truth, abs=0.03)
    assert found.bias == pytest.approx(found.a - truth, abs=1e-9)
    plan = found.allocate(1e21)
    assert plan.N * plan.D * 6 == pytest.approx(1e21)
    assert plan.N == pytest.approx(allocate(CHINCHILLA_REFIT.array, 1e21).N, rel=0.2)


def test_parabolas_are_biased_when_exponents_differ_and_say_so():
    lopsided = np.array([1.5, 50.0, 5e4, 0.25, 0.55])
    found = isoflop(*dense(lopsided), law=lopsided)
    assert abs(found.bias) > 0.005
    assert "symmetric" in found.note


def test_approaches_on_chinchillas_own_points():
    N, D, loss = columns(table("chinchilla_points.csv"), "N", "D", "loss")
    for approach in (envelope, isoflop):
        # the paper's Table 2: a = 0.50 (0.488, 0.502) and 0.49 (0.462, 0.534)
        assert approach(N, D, loss).a == pytest.approx(0.5, abs=0.05)


def test_too_few_sizes_for_an_envelope():
    N, D, loss = planted(0.0, sizes=2)
    with pytest.raises(FitError, match="3 are needed"):
        envelope(N, D, loss)


def test_isoflop_tables_give_parabolas_at_their_own_budgets():
    N, D = isoflops([1e18, 3e18, 1e19, 3e19, 1e20])
    assert len(np.unique(N)) == 25
    found = isoflop(N, D, losses(N, D, seed=3), law=LAW)
    truth = LAW[4] / (LAW[3] + LAW[4])
    low, high = found.a_interval
    assert low < truth < high
    assert found.a == pytest.approx(truth, abs=0.02)
    assert high - low < 0.1
    assert len(found.C) == 5
    assert found.C == pytest.approx([1e18, 3e18, 1e19, 3e19, 1e20], rel=1e-6)
    assert abs(found.bias) < 0.01
    assert "parabolas at 5 measured budgets" in found.note


def test_budgets_with_their_optimum_on_one_side_are_named():
    budgets = [1e18, 3e18, 1e19, 3e19]
    N, D = isoflops(budgets)
    wrong = isoflops([1e20], shift=1 / 30)
    table = np.concatenate([N, wrong[0]]), np.concatenate([D, wrong[1]])
    found = isoflop(*table, losses(*table))
    assert len(found.C) == 4
    assert "at C = 1e+20 the loss is lowest at the largest size: add larger ones there" in found.note
    for few, said in (([1e20], "one budget"), ([1e19, 1e20], "2 budgets")):
        with pytest.raises(FitError, match=f"{said} of three sizes or more, a line needs 3: add budgets"):
            isoflop(*isoflops(few, 7), losses(*isoflops(few, 7)))
    all_wrong = isoflops(budgets, shift=30)
    with pytest.raises(
        FitError, match=r"0 of 4 budgets have their optimum between their sizes.*add smaller ones there"
    ):
        isoflop(*all_wrong, losses(*all_wrong))


def test_sizes_that_differ_in_the_seventh_digit_are_one():
    N, D = grid(6, 6)
    exact, off = (isoflop(n, D, losses(N, D, noise=0)) for n in (N, N * (1 + 1e-7 * np.arange(len(N)))))
    assert off.a == pytest.approx(exact.a, abs=1e-4)
