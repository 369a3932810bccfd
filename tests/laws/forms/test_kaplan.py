"""Kaplan et al.'s laws from their published constants, and the other laws recovered from planted parameters."""

import numpy as np
import pytest
from tables_of_laws import columns, planted, table

from ziplaw.errors import FitError
from ziplaw.laws.fits.catalogue import compare, fit_law
from ziplaw.laws.forms import kaplan
from ziplaw.laws.forms.chinchilla import additive
from ziplaw.laws.forms.constrained import DATA_CONSTRAINED, data_constrained_loss, effective_tokens


def grid(*sizes):
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e6, 1e9, sizes[0]), np.geomspace(1e8, 2e10, sizes[1])))
    return N, D


def test_published_bound_on_overfitting():
    k, p = kaplan.overfitting_bound(0.02)
    assert k == pytest.approx(5e3, rel=0.15)  # published: 5e3, one digit
    assert p == pytest.approx(0.74, abs=0.005)
    for N in (1e6, 1e9):
        assert kaplan.overfitting(N, k * N**p) == pytest.approx(0.02, rel=1e-9)
        assert kaplan.overfitting(N, 10 * k * N**p) < 0.02


def test_overfitting_is_the_ratio_of_joint_losses():
    N, D = grid(4, 4)
    ratio = kaplan.joint_loss(N, D) / kaplan.joint_loss(N, 1e40) - 1
    np.testing.assert_allclose(kaplan.overfitting(N, D), ratio, rtol=1e-8)


def test_published_allocation_per_decade():
    one, ten = (kaplan.allocate(C) for C in (1e21, 1e22))
    # Kaplan's exponents .73 and .27 give 5.4 and 1.9, which Hoffmann et al. quote as 5.5 and 1.8
    assert ten.N / one.N == pytest.approx(5.5, rel=0.03)
    assert ten.D / one.D == pytest.approx(1.8, rel=0.04)
    alpha, a = kaplan.predicted_exponent()
    assert alpha == pytest.approx(0.054, abs=0.003)
    assert a == pytest.approx(0.71, abs=0.03)


def test_contradiction_point_is_within_the_published_order_of_magnitude():
    point = kaplan.contradiction()
    for name, published in (("C_pf_days", 1e4), ("N", 1e12), ("D", 1e12)):
        assert 0.1 < point[name] / published < 10, name
    assert point["loss"] == pytest.approx(1.7, abs=0.1)
    # there the two laws agree
    assert kaplan.loss_of_D(point["D"]) == pytest.approx(point["loss"], rel=1e-9)
    assert kaplan.loss_of_C(point["C"]) == pytest.approx(point["loss"], rel=1e-9)
    with pytest.raises(FitError, match="do not meet"):
        kaplan.contradiction(
            kaplan.KaplanConstants(alpha_C_min=0.0257, N_opt_exponent=0.73, alpha_D=0.0951851851851852)
        )


def test_critical_batch_and_minimal_compute():
    batch = kaplan.critical_batch(3.0)
    assert kaplan.minimal_compute(1e20, batch, 3.0) == pytest.approx(5e19)
    assert kaplan.minimal_steps(1e5, batch, 3.0) == pytest.approx(5e4)
    # published: B_crit doubles for every 13 % of loss, and is 1 to 2 million tokens at the lowest losses
    assert kaplan.critical_batch(3.0 * 0.87) / batch == pytest.approx(2, rel=0.05)
    assert kaplan.early_stopping_steps(1e8, 1e9) > 0


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_constants_are_found(noise):
    N, D = grid(6, 6)
    bump = np.exp(noise * np.random.default_rng(0).normal(size=N.size))
    tolerance = {"rel": 1e-4 if noise == 0 else 0.3}
    joint = fit_law("kaplan", {"N": N, "D": D}, kaplan.joint_loss(N, D) * bump)
    assert joint.converged
    assert joint.parameters["alpha_N"] == pytest.approx(0.076, **tolerance)
    assert joint.parameters["alpha_D"] == pytest.approx(0.103, **tolerance)
    steps = fit_law("kaplan-steps", {"N": N, "S": D / 5e5}, kaplan.steps_loss(N, D / 5e5) * bump)
    assert steps.parameters["alpha_S"] == pytest.approx(0.76, **tolerance)
    assert steps.parameters["Sc"] == pytest.approx(2.1e3, **tolerance)
    alone = kaplan.fit_power("N", N, kaplan.loss_of_N(N) * bump)
    assert alone.parameters["alpha"] == pytest.approx(0.076, **tolerance)
    assert alone.predict(N=1e8) == pytest.approx(kaplan.loss_of_N(1e8), rel=0.01)


def test_coupled_form_finds_its_floor():
    N, D = grid(5, 5)
    found = fit_law("kaplan-coupled", {"N": N, "D": D}, 0.5 + kaplan.joint_loss(N, D))
    assert found.parameters["E"] == pytest.approx(0.5, rel=1e-3)


def test_repeated_data():
    assert effective_tokens(1e9, 2e9) == 1e9
    assert effective_tokens(1e30, 1e9) == pytest.approx(1e9 * 16.387756)
    # up to four epochs are nearly as good as fresh data: the paper's headline
    assert effective_tokens(4e9, 1e9) > 3.7e9
    p = DATA_CONSTRAINED.array
    assert data_constrained_loss(1e8, 1e11, 1e11) == pytest.approx(additive(p, 1e8, 1e11), rel=1e-9)
    N, D, U = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 5e9, 5), np.geomspace(1e8, 5e10, 6), [1e8, 1e9, 5e9]))
    found = fit_law(
        "data-constrained", {"N": N, "D": D, "U": np.minimum(U, D)}, data_constrained_loss(N, D, np.minimum(U, D))
    )
    assert found.parameters["R_D*"] == pytest.approx(15.387756, rel=1e-3)
    assert found.parameters["R_N*"] == pytest.approx(5.309743, rel=1e-3)


def test_broken_power_law_finds_its_break():
    C = np.geomspace(1e15, 1e22, 30)
    loss = 0.8 + 30 * C**-0.06 * (1 + (C / 1e19) ** (1 / 0.8)) ** (-0.1 * 0.8)
    found = fit_law("broken", {"C": C}, loss)
    assert found.parameters["d"] == pytest.approx(1e19, rel=1e-2)
    assert found.parameters["c1"] == pytest.approx(0.1, rel=1e-2)


def test_envelope_keeps_what_nothing_beats():
    rows = kaplan.envelope(np.array([1.0, 2, 3, 3, 4]), np.array([5.0, 4, 4.5, 3, 3]))
    assert rows.tolist() == [0, 1, 3]


def test_comparison_prefers_the_law_that_made_the_data():
    N, D, loss = planted(0.003)
    rows = compare({"N": N, "D": D}, loss)
    two_column = [row for row in rows if "envelope" not in row["law"]]
    assert two_column[0]["law"] == "chinchilla"
    assert two_column[0]["objective"] == min(row["objective"] for row in two_column)
    assert [row["law"] for row in rows if not row["converged"]] == []


def test_chinchillas_points_by_every_law():
    N, D, loss = columns(table("chinchilla_points.csv"), "N", "D", "loss")
    rows = {row["law"]: row for row in compare({"N": N, "D": D}, loss)}
    assert rows["chinchilla"]["objective"] < rows["kaplan"]["objective"]


@pytest.mark.parametrize(
    ("law", "columns_", "message"),
    [
        ("magic", {}, "must be one of"),
        ("kaplan-steps", {"N": [1.0] * 9}, "needs the column S"),
        ("broken", {"C": [1.0, 2, 3]}, "cannot hold the 6 parameters"),
        ("kaplan", {"N": [1.0] * 9, "D": [1.0] * 8}, "one length"),
    ],
)
def test_tables_that_cannot_be_fitted(law, columns_, message):
    loss = np.linspace(3, 2, len(columns_.get("C", [1.0] * 9)))
    with pytest.raises(FitError, match=message):
        fit_law(law, columns_, loss)
