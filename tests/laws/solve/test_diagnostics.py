"""What a fit of the additive law says when it should not be believed."""

import numpy as np
from tables_of_laws import planted

import ziplaw
from ziplaw.laws.forms.chinchilla import CHINCHILLA_REFIT, additive
from ziplaw.laws.solve import diagnostics


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


def test_every_flag_has_its_sentence():
    assert diagnostics.UNUSABLE <= set(diagnostics.EXPLANATIONS)


def test_holdout_is_an_extrapolation():
    N, D, loss = planted(0.002)
    held = ziplaw.fit(N, D, loss).diagnostics["holdout"]
    assert held["cells"]["N"]["n"] == 6
    assert held["rms_log_error"] < 0.02
    assert held["n"] == sum(cell["n"] for cell in held["cells"].values())
