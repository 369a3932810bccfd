"""Leaving one dataset out tells a covariate that carries the laws from one that does not."""

import numpy as np
from panels_in_H import D, N, panel_of, planted

from ziplaw.laws.dependence import covariates


def test_leaving_a_dataset_out_prefers_the_covariate_behind_the_laws():
    H, floors, tables = planted(8, slopes=(-3.0, -3.0), noise=0.005)
    panel = panel_of(H, floors, tables)
    # amplitudes follow H too, so that H carries everything but E
    logs, covariances = [], []
    for k, h in enumerate(H - H.mean()):
        alpha, beta = 0.5 - 3 * h, 0.6 - 3 * h
        logs.append([np.log(floors[k]), 4 * h + alpha * np.log(3900), 4 * h + beta * np.log(370_000), alpha, beta])
        loss = floors[k] + np.exp(4 * h) / (N / 3900) ** alpha + np.exp(4 * h) / (D / 370_000) ** beta
        tables[k] = (N, D, loss)
        covariances.append(np.diag([np.nan, 1e-4, 1e-4, 1e-6, 1e-6]))
    panel = panel_of(H, floors, tables)
    rivals = {"H": H, "noise": [3, 1, 2, 6, 5, 4], "vocab": [301] * 6, "half": [1, None, 2, 3, 4, 5]}
    found = covariates.leave_one_out(np.array(logs), np.array(covariances), panel, rivals)
    by_name = {row["covariate"]: row for row in found["rows"]}
    assert found["rows"][0]["covariate"] == "H"
    assert by_name["H"]["rms_E_known"] < 0.01 < by_name["none"]["rms_E_known"]
    assert by_name["none"]["ratio_E_known"] == 1
    assert by_name["H"]["better_than_none"] == 6
    assert set(found["skipped"]) == {"vocab", "half"}
