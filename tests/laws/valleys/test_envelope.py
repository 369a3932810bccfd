"""The envelope of the curves of all sizes: the exponent on clean and on noisy curves, and what it cannot say."""

import numpy as np
import pytest
from designs import LAW, losses
from tables_of_laws import planted

from ziplaw.errors import FitError
from ziplaw.laws.forms.allocation import allocate, exponents
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.laws.valleys.envelope import envelope


def dense():
    return tuple(g.ravel() for g in np.meshgrid(np.geomspace(5e7, 1.6e10, 10), np.geomspace(1e9, 3e11, 12)))


def test_it_finds_the_exponent_on_clean_curves():
    N, D = dense()
    law = CHINCHILLA_REFIT.array
    found = envelope(N, D, additive(law, N, D), law=law)
    truth = exponents(law)[0]
    assert found.a == pytest.approx(truth, abs=0.03)
    assert found.bias == pytest.approx(found.a - truth, abs=1e-9)
    plan = found.allocate(1e21)
    assert plan.N * plan.D * 6 == pytest.approx(1e21)
    assert plan.N == pytest.approx(allocate(law, 1e21).N, rel=0.2)


def test_its_interval_is_of_redrawn_tables():
    N, D = dense()
    wide, narrow = (envelope(N, D, losses(N, D, noise=noise, seed=1)).a_interval for noise in (0.01, 0.001))
    truth = LAW[4] / (LAW[3] + LAW[4])
    assert wide[0] < truth < wide[1]
    assert narrow[1] - narrow[0] < wide[1] - wide[0] < 0.3
    again = envelope(N, D, losses(N, D, noise=0.01, seed=1))
    assert again.a_interval == wide
    assert again.N_interval.shape == (len(again.C), 2)
    assert (again.N_interval[:, 0] <= again.N * (1 + 1e-9)).all()


def test_too_few_sizes():
    N, D, loss = planted(0.0, sizes=2)
    with pytest.raises(FitError, match="3 are needed"):
        envelope(N, D, loss)
