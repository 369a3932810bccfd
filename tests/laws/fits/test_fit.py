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
from ziplaw.laws.solve import diagnostics


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
    fit = ziplaw.fit(N, D, additive(truth, N, D))
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda N, D, L: (N, D, -L), r"loss is -.* in row 1, must be above 0"),
        (lambda N, D, L: (N, D, np.where(np.arange(L.size) == 3, np.nan, L)), "loss is nan in row 4"),
        (lambda N, D, L: (N, D, np.where(np.arange(L.size) == 3, np.inf, L)), "loss is inf in row 4"),
        (lambda N, D, L: (N[:1], D[:1], L[:1]), "1 row cannot hold a law that needs at least 6"),
        (lambda N, D, L: (np.repeat(N[:1], 20), np.repeat(D[:1], 20), np.repeat(L[:1], 20)), "1 distinct"),
        (lambda N, D, L: (np.append(N, N[2]), np.append(D, D[2]), np.append(L, L[2])), "rows 3 and 37 are the same"),
        (lambda N, D, L: (["a"] * 36, D, L), "N is 'a' in row 1"),
        (lambda N, D, L: (N, D[:-1], L), "36, 35 and 36 rows"),
        (lambda N, D, L: (N * 0, D, L), "N is 0 in row 1"),
    ],
)
def test_nonsense_gets_one_clear_line(change, message):
    with pytest.raises(FitError, match=message) as caught:
        ziplaw.fit(*change(*planted()))
    assert "\n" not in str(caught.value)


def test_tables_that_identify_nothing_say_so_and_their_intervals_show_it():
    N, D, loss = planted(0.01)
    rows = D == D.max()
    flat = ziplaw.fit(N[rows], D[rows], loss[rows]) if rows.sum() >= 6 else None
    assert "all D equal" in flat.flags
    interval = flat.bootstrap(100).interval()
    assert interval["beta"] == (0, np.inf)
    assert interval["a"] == (0.0, 1.0)
    assert not diagnostics.usable(flat)
    two = np.isin(N, np.unique(N)[:2])
    pair = ziplaw.fit(N[two], D[two], loss[two])
    assert "two sizes only" in pair.flags
    assert pair.bootstrap(100).interval()["alpha"] == (0, np.inf)
    assert diagnostics.usable(ziplaw.fit(N[two], D[two], loss[two], fixed_E=CHINCHILLA_REFIT.E))


def test_E_at_zero_is_flagged():
    N, D, _ = planted()
    fit = ziplaw.fit(N, D, additive([0, 40, 400, 0.2, 0.3], N, D) * np.exp(0.001 * np.sin(np.arange(N.size))))
    at_zero = fit if fit.E == 0 else ziplaw.fit(N, D, np.maximum(additive([0, 40, 400, 0.2, 0.3], N, D) - 0.2, 1e-3))
    assert at_zero.E == 0
    assert "E at zero" in at_zero.flags
    assert np.isnan(at_zero.covariance[0]).all()


def test_early_pcfg_runs_are_no_usable_law():
    rows = table("pcfg_early_runs.csv")
    N, tokens, epoch, loss = columns(rows, "N_total", "unique_tokens", "epoch", "valid_loss")
    fit = ziplaw.fit(N, tokens * epoch, loss)
    assert {"poor fit", "mixed runs"} <= set(fit.flags)
    assert not diagnostics.usable(fit)
    assert any("RMS error of log loss" in line for line in diagnostics.warnings(fit))


def test_every_flag_has_its_sentence():
    assert diagnostics.UNUSABLE <= set(diagnostics.EXPLANATIONS)


def test_result_is_plain_json_and_repeatable():
    N, D, loss = planted(0.01)
    texts = {json.dumps(ziplaw.fit(N, D, loss).to_dict(), sort_keys=True) for _ in range(3)}
    assert len(texts) == 1


def test_holdout_is_an_extrapolation():
    N, D, loss = planted(0.002)
    held = ziplaw.fit(N, D, loss).diagnostics["holdout"]
    assert held["cells"]["N"]["n"] == 6
    assert held["rms_log_error"] < 0.02
    assert held["n"] == sum(cell["n"] for cell in held["cells"].values())


def test_seed_replicates_give_a_lack_of_fit_test():
    N, D, loss = planted(0.01)
    again = planted(0.01, seed=1)[2]
    good = ziplaw.fit(np.tile(N, 2), np.tile(D, 2), np.concatenate([loss, again]))
    assert good.diagnostics["lack_of_fit"]["p_value"] > 1e-3
    bent = np.exp(0.1 * np.log(N / 1e8) * np.log(D / 1e10))
    bad = ziplaw.fit(np.tile(N, 2), np.tile(D, 2), np.concatenate([loss * bent, again * bent]))
    assert bad.diagnostics["lack_of_fit"]["p_value"] < 1e-6
