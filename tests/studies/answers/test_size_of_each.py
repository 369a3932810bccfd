"""The best size of each dataset."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.studies.answers.size_of_each import COLUMNS, rows


def test_sizes_of_each_dataset_by_every_kind_and_accounting():
    # one seed each: the jackknife refits for every run
    study = planted_study((("v", 2),), effects={"H": 6.0}, scatter=0.02, noise=0.001, seeds=1)
    found = rows(study)
    assert {tuple(row) for row in found} == {COLUMNS}
    cells = {(row["accounting"], row["kind"], row["dataset"]) for row in found}
    assert len(cells) == len(found)
    mine = {row["dataset"]: row for row in found if (row["accounting"], row["kind"]) == ("6nd", "bounded")}
    assert set(mine) == set(study.datasets)
    for name, row in mine.items():
        truth = 8.3 + 6.0 * (row["H"] - 0.39) + 0.48 * np.log(row["C"] / (6 * 4000 * 400_000))
        assert row["ln_N"] == pytest.approx(truth, abs=0.15)
        assert 0 < row["ln_N_stderr"] < 0.2
        assert row["ln_ratio"] == pytest.approx(np.log(row["C"] / 6) - 2 * row["ln_N"])
        assert row["H"] == study.covariates[name]["H"]
