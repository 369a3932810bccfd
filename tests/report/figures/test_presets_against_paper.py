"""Preset grammars against their table."""

import numpy as np
import pytest
from synthetic_sweep import rows_of

from ziplaw.base.documents import read_csv


def test_presets_are_means_over_seeds(sweep, drawn):
    table = read_csv(sweep / "presets.csv")
    for row in rows_of(drawn, "presets"):
        values = [r["H"] for r in table if r["preset"] == row["preset"]]
        assert row["H"] == pytest.approx(np.mean(values))
        assert row["seeds"] == len(values) == 5
