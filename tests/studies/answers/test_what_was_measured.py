"""Counts, ranges, correlations and seed noise of a study."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.studies.answers.what_was_measured import rows, seed_noise


@pytest.fixture(scope="module")
def study():
    return planted_study((("v", 5), ("h", 3)), noise=0.01)


def test_a_row_for_each_half_and_family(study):
    found = {(row["half"], row["family"]): row for row in rows(study)}
    assert list(found) == [
        (half, family) for half in ("exploratory", "confirmatory", "both") for family in ("all", "varied", "H")
    ]
    half, both = found["exploratory", "all"], found["both", "all"]
    assert half["datasets"] == 8
    assert half["cells"] == 6 * half["runs"] == len(study.half("exploratory").runs)
    assert half["scaling"] + half["saturated"] + half["not_started"] + half["diverged"] == half["cells"]
    assert both["cells"] == half["cells"] + found["confirmatory", "all"]["cells"]
    H, floor = ([study.covariates[d][name] for d in study.datasets] for name in ("H", "floor"))
    assert both["r_floor"] == pytest.approx(np.corrcoef(H, floor)[0, 1], abs=1e-12)
    assert (both["H_least"], both["H_most"]) == (min(H), max(H))
    assert found["both", "H"]["r_floor"] is None


def test_seed_noise_is_that_of_seeds_of_one_cell():
    rng = np.random.default_rng(0)
    cells = [
        {"dataset": "d", "model": f"h{m}", "D": 1, "loss": float(np.exp(m / 100 + 0.02 * rng.normal()))}
        for m in range(400)
        for _ in range(2)
    ]
    pairs, sd = seed_noise(cells)
    assert pairs == 400
    assert sd == pytest.approx(0.02, rel=0.1)
    assert seed_noise(cells[::2]) == (0, None)
