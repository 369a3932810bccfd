"""Laws of repeated data whose loss may rise: their forms against plain formulas, and planted laws recovered."""

import numpy as np
import pytest
from tables_of_laws import columns, table

from ziplaw.laws.fits.by_name import fit_law
from ziplaw.laws.forms.overfitting import OVERFITTING, PENALISED, overfitting_loss, penalised_loss

LAW = (2.1, 1500.0, 13000.0, 0.4, 0.444)
PLANTED = {
    "repeated-overfitting": (overfitting_loss, [*LAW, 2e-5, 30.0, 1.43, 0.98]),
    "repeated-penalty": (penalised_loss, [*LAW, 0.05, 0.4, 0.8]),
}


def repeated(noise=0.0, seed=0):
    """Five sizes on three sets of unique tokens, seen once to a thousand times."""
    N, U, epochs = (
        g.ravel()
        for g in np.meshgrid(np.geomspace(1e7, 2e9, 5), [1e8, 1e9, 1e10], [1.0, 2.0, 8.0, 40.0, 200.0, 1000.0])
    )
    return {"N": N, "D": U * epochs, "U": U}, np.exp(noise * np.random.default_rng(seed).standard_normal(len(N)))


def test_the_term_is_the_published_formula():
    N, U, epochs = 5e8, 1e9, 21.0
    base = 2.1 + 1500 / N**0.4 + 13000 / (epochs * U) ** 0.444
    saturating = base + 2e-5 * N**1.43 / U**0.98 * np.log(1 + (20 / 30) ** 2)
    assert overfitting_loss(PLANTED["repeated-overfitting"][1], N, epochs * U, U) == pytest.approx(saturating)
    growing = base + 0.05 * 20**0.4 * (N / U) ** 0.8
    assert penalised_loss(PLANTED["repeated-penalty"][1], N, epochs * U, U) == pytest.approx(growing)


@pytest.mark.parametrize("law", PLANTED)
def test_new_tokens_cost_nothing(law):
    loss, parameters = PLANTED[law]
    assert loss(parameters, 1e8, 1e9, 1e9) == loss(parameters, 1e8, 1e9, 5e9)
    assert loss(parameters, 1e9, 1e11, 1e8) > loss(parameters, 1e9, 1e9, 1e8)


@pytest.mark.parametrize("form", [OVERFITTING, PENALISED])
def test_the_form_in_logarithms_is_the_plain_one(form):
    loss, parameters = PLANTED[form.name]
    runs, _ = repeated()
    centre = {name: float(np.log(column).mean()) for name, column in runs.items()}
    theta = np.log(parameters)
    theta[1] -= parameters[3] * centre["N"]
    theta[2] -= parameters[4] * centre["D"]
    power = parameters[-1]
    theta[5] += parameters[7] * centre["N"] - power * centre["U"]
    assert form.natural(theta, centre) == pytest.approx(parameters)
    with np.errstate(all="raise", under="ignore"):
        assert np.exp(form.log_loss(theta, runs, centre)) == pytest.approx(loss(parameters, **runs))


@pytest.mark.parametrize("law", PLANTED)
def test_a_planted_law_is_recovered(law):
    loss, parameters = PLANTED[law]
    runs, noise = repeated(0.005)
    found = fit_law(law, runs, loss(parameters, **runs) * noise)
    assert found.converged
    assert found.flags == ()
    assert found.rms < 0.006
    for name, true in zip(found.form.parameters, parameters):
        if name not in ("A", "B", "P"):
            assert found.estimates[name] == pytest.approx(true, rel=0.15), name


def test_published_runs_are_held_by_the_term_and_not_by_the_discount():
    N, D, U, loss = columns(table("repeated_data.csv"), "N", "D", "U", "loss")
    found = {law: fit_law(law, {"N": N, "D": D, "U": U}, loss) for law in ("data-constrained", *PLANTED)}
    rms = {law: fitted.rms for law, fitted in found.items()}
    assert rms["data-constrained"] == pytest.approx(0.064, abs=1e-3)
    assert rms["repeated-penalty"] == pytest.approx(0.048, abs=1e-3)
    # a third lower was asked for; it is less than half
    assert rms["repeated-overfitting"] < 0.45 * rms["data-constrained"]
    assert found["repeated-overfitting"].flags == ()
    assert found["repeated-overfitting"].fraction_of_starts > 0.9
    assert "R_N* at its bound" in found["data-constrained"].flags
