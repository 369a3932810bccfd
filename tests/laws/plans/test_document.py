"""What is written about a law: plans that are identified, and the reasons of those that are not."""

import numpy as np
import pytest
from designs import grid, losses

import ziplaw
from ziplaw.laws.plans.document import law_document, near_best_document


def test_a_narrow_level_does_not_make_a_split_identified():
    table = grid(3, 3)
    wide = [ziplaw.fit(*table, losses(*table, noise=0.04, seed=seed)) for seed in range(5)]
    for fitted in wide:
        refused = [[d["reason"] for d in law_document(fitted, level=level, flops=[1e24])["plan_refused"]]
                   for level in (0.95, 0.1)]  # fmt: skip
        assert refused[0] == refused[1]


def test_every_plan_says_which_sizes_cost_next_to_nothing():
    table = grid()
    fitted = ziplaw.fit(*table, losses(*table))
    (plan,) = law_document(fitted, flops=[1e21], bootstrap=50)["allocation"]
    near = plan["near_best"]
    low, high = near["N"]
    assert near["tolerance"] == 1e-3
    assert low < plan["N"] < high
    for N in (low, high):
        assert fitted.predict(N, 1e21 / (6 * N)) == pytest.approx(1.001 * plan["loss"], rel=1e-9)


def test_a_valley_without_an_end_has_null_for_it():
    class Flat:
        def near_best(self, C, tolerance):
            return 0.0, np.inf

    assert near_best_document(Flat(), 1e21) == {"tolerance": 1e-3, "N": [None, None]}
