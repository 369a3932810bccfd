"""The delta method is the textbook one."""

import numpy as np
from tables_of_laws import planted

import ziplaw


def test_delta_interval_of_least_squares_is_the_textbook_one():
    N, D, loss = planted(0.01)
    fit = ziplaw.fit(N, D, loss, objective="log-mse")
    x, y = np.log(N), np.log(D)
    u, v = fit.A * N**-fit.alpha, fit.B * D**-fit.beta
    f = fit.E + u + v
    J = np.column_stack([np.full_like(u, fit.E), u, v, -u * x, -v * y]) / f[:, None]
    variance = (fit.residuals**2).sum() / (fit.n - 5)
    np.testing.assert_allclose(fit.covariance, variance * np.linalg.inv(J.T @ J), rtol=1e-5)
