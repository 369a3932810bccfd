"""The additive law: its optimum on real tables, its refusals, and what it says when it should not be believed."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables_of_laws import columns, planted, table

import ziplaw
from ziplaw.errors import FitError
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive


def test_reference_optimum_of_chinchilla_points():
    N, D, loss = columns(table("chinchilla_points.csv"), "N", "D", "loss")
    fit = ziplaw.fit(N, D, loss)
    assert fit.objective <= 0.00084009312 * (1 + 1e-6)
    assert fit.converged
    assert [fit.A, fit.B, fit.E, fit.alpha, fit.beta] == pytest.approx(
        [442.17, 1271.8, 1.7839, 0.34263, 0.342], rel=3e-5
    )


@pytest.mark.parametrize(
    ("name", "objective"), [("c4_original", 0.00050411058), ("rpj", 0.00041129772), ("rw_original", 0.00045929501)]
)
def test_reference_optimum_of_gadre_models(name, objective):
    rows = [row for row in table("gadre_models.csv") if row["dataset_name"] == name]
    fit = ziplaw.fit(*columns(rows, "N_no_embed", "D", "loss_c4_val"))
    assert fit.objective <= objective * (1 + 1e-6)
    assert fit.converged


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.5, 3),
    st.floats(0.15, 0.8),
    st.floats(0.15, 0.8),
    st.floats(0.05, 1.5),
    st.floats(0.05, 1.5),
)
def test_planted_parameters_are_found_without_noise(E, alpha, beta, a_share, b_share):
    N, D, _ = planted()
    truth = np.array([E, a_share * 1e8**alpha, b_share * 1e10**beta, alpha, beta])
    # some of these losses are above ln of any vocabulary, which is asked about where units are not said to be right
    fit = ziplaw.fit(N, D, additive(truth, N, D), units="keep")
    assert fit.converged
    np.testing.assert_allclose(fit.parameters, truth, rtol=2e-3)
    assert fit.objective < 1e-9


def test_scale_of_loss_and_units_of_N_do_not_matter():
    N, D, loss = planted(0.01)
    one, other = ziplaw.fit(N, D, loss), ziplaw.fit(N * 1e3, D, loss * 7, units="keep")
    np.testing.assert_allclose([other.alpha, other.beta], [one.alpha, one.beta], rtol=1e-5)
    assert other.E == pytest.approx(7 * one.E, rel=1e-5)
    assert other.objective == pytest.approx(one.objective, rel=1e-8)


def test_weights_of_two_are_rows_twice():
    N, D, loss = planted(0.01)
    weights = np.ones(N.size)
    weights[:5] = 2
    twice = ziplaw.fit(*(np.concatenate([v, v[:5]]) for v in (N, D, loss)), duplicates="keep")
    weighted = ziplaw.fit(N, D, loss, weights=weights)
    assert weighted.objective == pytest.approx(twice.objective, rel=1e-9)
    np.testing.assert_allclose(weighted.parameters, twice.parameters, rtol=1e-4)


def test_fixed_E_excess_and_tie():
    N, D, loss = planted(0.01)
    E = CHINCHILLA_REFIT.E
    fixed = ziplaw.fit(N, D, loss, fixed_E=E)
    assert fixed.E == pytest.approx(E, rel=1e-12)
    excess = ziplaw.fit(N, D, loss, excess_floor=E)
    assert excess.E == E
    assert excess.alpha == pytest.approx(CHINCHILLA_REFIT.alpha, abs=0.1)
    tied = ziplaw.fit(N, D, loss, tie=True)
    assert tied.alpha == tied.beta
    assert tied.objective >= ziplaw.fit(N, D, loss).objective
    with pytest.raises(FitError, match=r"row \d+, not above the floor"):
        ziplaw.fit(N, D, loss, excess_floor=3.0)


@pytest.mark.parametrize("objective", ["log-mse", "huber-scaled"])
def test_other_objectives_resist_or_yield_to_an_outlier(objective):
    N, D, loss = planted(0.003)
    loss[7] *= 1.5
    fit = ziplaw.fit(N, D, loss, objective=objective)
    off = abs(fit.alpha - CHINCHILLA_REFIT.alpha)
    assert (off < 0.05) == (objective == "huber-scaled")


def test_result_is_plain_json_and_repeatable():
    N, D, loss = planted(0.01)
    texts = {json.dumps(ziplaw.fit(N, D, loss).to_dict(), sort_keys=True) for _ in range(3)}
    assert len(texts) == 1
