"""What is written about a law: plans that are identified, and the reasons of those that are not."""

from designs import grid, losses

import ziplaw
from ziplaw.laws.plans.document import law_document


def test_a_narrow_level_does_not_make_a_split_identified():
    table = grid(3, 3)
    wide = [ziplaw.fit(*table, losses(*table, noise=0.04, seed=seed)) for seed in range(5)]
    for fitted in wide:
        refused = [[d["reason"] for d in law_document(fitted, level=level, flops=[1e24])["plan_refused"]]
                   for level in (0.95, 0.1)]  # fmt: skip
        assert refused[0] == refused[1]
