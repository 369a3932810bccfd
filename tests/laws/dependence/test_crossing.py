"""Where the lines of alpha and beta meet, with an interval that holds as often as it says."""

import numpy as np

from ziplaw.laws.dependence import law_in_H
from ziplaw.laws.dependence.crossing import crossing


def test_fieller_interval_holds_the_crossing_as_often_as_it_says():
    rng = np.random.default_rng(1)
    H = np.linspace(0.2, 0.5, 8)
    truth = np.column_stack([0 * H, 0 * H, 0 * H, 0.5 - 2 * (H - 0.3), 0.5 + 0.5 * (H - 0.3)])
    S = np.diag([1e-4, 1e-4, 1e-4, 0.02**2, 0.02**2])
    inside = []
    for _ in range(60):
        y = truth + rng.multivariate_normal(np.zeros(5), S, len(H))
        law = law_in_H.regress_laws(y, [S] * len(H), H, ln_N=0.0, ln_D=0.0)
        low, high = crossing(law)["interval"]
        inside.append(low <= 0.3 <= high)
    assert np.mean(inside) >= 0.9
