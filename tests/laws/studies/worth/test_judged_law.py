"""The judge by a law against the law itself."""

import numpy as np
import pytest

from ziplaw.laws.forms.allocation import split
from ziplaw.laws.forms.links import linked
from ziplaw.laws.pilots.compute import Compute
from ziplaw.laws.studies.worth.judged_law import JudgedLaw

FORM = linked("bounded")
NUMBERS = {"E": 1.0, "A": 60.0, "B": 900.0, "alpha": 0.45, "beta": 0.5, "k": 1.2, "U": 4.5}
LAW = np.array([NUMBERS[name] for name in FORM.parameters])
C = 4e10
LADDER = Compute.of(20.0 * np.array([6, 8, 12, 16, 24, 32]) ** 2, [3e4, 5e4, 9e4, 1.3e5, 2.4e5, 3.6e5])


def test_it_says_what_the_law_says_of_six_nd():
    judge = JudgedLaw(float(np.log(C)), LAW, FORM, Compute.six_nd())
    N, D = split(LAW, C, FORM)
    assert judge.x == pytest.approx(np.log(N), abs=1e-9)
    assert judge.log_loss == pytest.approx(np.log(FORM.loss_at(LAW, N, D)), abs=1e-12)
    sizes = np.array([3000.0, 9000.0])
    np.testing.assert_allclose(np.exp(judge.at(np.log(sizes))), FORM.loss_at(LAW, sizes, C / 6 / sizes), rtol=1e-12)


@pytest.mark.parametrize("compute", [Compute.six_nd(), LADDER])
def test_compute_wasted_is_undone_by_as_much_less_compute(compute):
    judge = JudgedLaw(float(np.log(C)), LAW, FORM, compute)
    x = np.linspace(judge.x - 1, judge.x + 1, 201)
    assert (judge.at(x) >= judge.log_loss - 1e-5).all()
    for factor in (1.05, 1.7, 20.0):
        less = JudgedLaw(float(np.log(C / factor)), LAW, FORM, compute)
        assert judge.compute_wasted(less.log_loss) == pytest.approx(np.log(factor), rel=2e-3)
