"""Plans on fewer unique tokens than they ask for: epochs, cost, the best split, and where nobody knows."""

import numpy as np
import pytest

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import allocate
from ziplaw.laws.forms.constrained import R_D_STAR, effective_tokens, repeating_plan
from ziplaw.laws.forms.overfitting import overfitting_loss
from ziplaw.laws.plans import repeated_runs
from ziplaw.laws.plans.repeating import repeating_advice, repeating_split, rising


def plan(C=1e20):
    found = allocate(repeated_runs.estimate()[:5], C)
    return float(found.N), float(found.D)


def test_enough_unique_tokens_need_no_advice():
    N, D = plan()
    assert repeating_advice(1e20, N, D, D) is None
    assert repeating_advice(1e20, N, D, 2 * D) is None


def test_four_epochs_cost_next_to_nothing():
    N, D = plan()
    advice = repeating_advice(1e20, N, D, D / 4)
    assert advice["epochs"] == pytest.approx(4)
    assert 0 < advice["cost"] < 0.01
    assert advice["split"]["factor"] == pytest.approx(1, abs=0.05)
    assert advice["published"]["worth"] == pytest.approx(effective_tokens(4, 1) / 4)
    assert advice["published"]["R_D*"] == R_D_STAR
    assert advice["sentence"].startswith("D asks for 4 epochs of")


def test_the_split_of_the_laws_own_plan_is_the_best_of_the_law():
    C, (N, D) = 1e20, plan()
    U = D / 30
    advice = repeating_advice(C, N, D, U)
    split, law = advice["split"], repeated_runs.estimate()
    assert 6 * split["N"] * split["D"] == pytest.approx(C)
    sizes = np.geomspace(1e6, 1e11, 2001)
    losses = overfitting_loss(law, sizes, C / (6 * sizes), U)
    assert split["N"] == pytest.approx(sizes[losses.argmin()], rel=0.02)
    assert split["cost"] == pytest.approx(losses.min() - float(allocate(law[:5], C).loss), abs=1e-4)
    assert split["cost"] < advice["cost"]
    assert split["N_interval"][0] < split["N"] < split["N_interval"][1]


def test_the_plans_own_band_is_in_the_band():
    C, (N, D) = 1e20, plan()
    narrow, wide = (repeating_advice(C, N, D, D / 10, log_sd=sd)["split"]["N_interval"] for sd in (0.0, 0.5))
    assert np.log(wide[1] / wide[0]) > 1.5 * np.log(narrow[1] / narrow[0])
    # D goes the other way, at 6 N D = C
    split = repeating_advice(C, N, D, D / 10)["split"]
    assert split["D_interval"][0] * split["N_interval"][1] * 6 == pytest.approx(C)


def test_it_moves_with_the_plan_it_is_given():
    C, (N, D) = 1e20, plan()
    first, second = repeating_advice(C, N, D, D / 20), repeating_advice(C, N / 3, D * 3, D * 3 / 20)
    assert second["split"]["N"] == pytest.approx(first["split"]["N"] / 3)
    assert second["cost"] == pytest.approx(first["cost"])


def test_beyond_all_runs_no_split_is_given():
    N, D = plan(1e21)
    advice = repeating_advice(1e21, N, D, 3000.0)
    assert advice["split"] is None
    assert "beyond what was ever run on repeated data" in advice["sentence"]
    assert any(text.startswith("U ") for text in advice["extrapolates"])


def test_impossible_numbers_are_refused():
    with pytest.raises(FitError, match="unique is"):
        repeating_advice(1e20, 1e9, 1e10, -1.0)


def test_the_split_of_the_discount_is_its_own_plan():
    parameters = [1.87, 521.0, 1488.0, 0.3527, 0.3527, 15.4, 5.3]
    found = repeating_split("data-constrained", 1e20, 1e9, np.array(parameters))
    assert found == repeating_plan(1e20, 1e9, parameters)


def test_series_that_rise_are_found():
    N, U = np.full(7, 1e8), np.array([1e8, 1e8, 1e8, 1e8, 5e8, 5e8, 5e8])
    D = np.array([4e8, 1e8, 2e8, 1e9, 5e8, 1e9, 2e9])
    loss = np.array([3.3, 3.5, 3.2, 4.0, 3.5, 3.4, 3.41])
    series, of = rising(N, D, U, loss)
    assert of == 2
    (one,) = series
    assert (one["best_epochs"], one["best_loss"], one["epochs"], one["loss"]) == (2.0, 3.2, 10.0, 4.0)
    assert one["rise"] == pytest.approx(0.25)
    assert rising(N, D, np.arange(7) + 1.0, loss) == ([], 0)


def test_tokens_are_those_that_the_compute_pays_for():
    plain = repeating_advice(1e20, 1e9, 1e20 / 6e9, 4e9)["split"]
    costly = repeating_advice(1e20, 1e9, 1e20 / 6e9, 4e9, tokens=lambda N: 1e20 / (7 * N))["split"]
    assert costly["N"] == plain["N"]
    for key in ("D", "D_interval"):
        assert costly[key] == pytest.approx(np.multiply(plain[key], 6 / 7))
