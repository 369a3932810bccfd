"""The optimum found, against the published 500-start grid and against far starts."""

import numpy as np
from tables_of_laws import columns, planted, table

import ziplaw
from twins import approach3
from ziplaw.laws.solve.additive import Design, polish


def test_published_grid_finds_nothing_better():
    N, D, loss = planted(0.01)
    _, objective, _ = approach3.fit(N, D, loss, limit=40)
    fit = ziplaw.fit(N, D, loss)
    assert fit.objective <= objective * (1 + 1e-9)


def test_gradient_of_the_published_objective_is_right():
    N, D, loss = planted(0.01)
    p, tables = np.array([5.0, 6.0, 0.5, 0.3, 0.3]), (np.log(N), np.log(D), np.log(loss), 1e-3)
    numeric = [
        (approach3.objective(p + h, *tables)[0] - approach3.objective(p - h, *tables)[0]) / 2e-6
        for h in np.eye(5) * 1e-6
    ]
    np.testing.assert_allclose(approach3.objective(p, *tables)[1], numeric, rtol=1e-4, atol=1e-8)


def test_far_starts_find_nothing_better_on_runs_that_fit_badly():
    rows = [row for row in table("pcfg_early_runs.csv") if row["epoch"] == 10]
    rng = np.random.default_rng(0)
    far = np.column_stack([*rng.uniform(0.01, 1, (3, 40)), *np.exp(rng.uniform(np.log(0.01), np.log(3), (2, 40)))])
    for H in sorted({row["gzip_median"] for row in rows}):
        N, D, loss = columns([row for row in rows if row["gzip_median"] == H], "N_total", "unique_tokens", "valid_loss")
        best = ziplaw.fit(N, D * 10, loss).objective
        assert best <= polish(far, Design.of(N, D * 10, loss))[1].min() * (1 + 1e-6)
