"""Kaplan et al.'s laws from their published constants."""

import numpy as np
import pytest
from tables_of_laws import grid

from ziplaw.errors import FitError
from ziplaw.laws.forms import kaplan


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
    one, ten = (kaplan.efficient_plan(C) for C in (1e21, 1e22))
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
