"""Frontiers against their table."""

import pytest
from synthetic_sweep import rows_of

from ziplaw.base.documents import read_csv


def test_frontiers_keep_the_table_and_add_tokens_per_parameter(sweep, drawn):
    rows = rows_of(drawn, "frontiers")
    assert len(rows) == len(read_csv(sweep / "frontier.csv"))
    assert {row["group"] for row in rows} == {"dataset", "law", "chinchilla"}
    for row in rows:
        assert row["tokens_per_parameter"] == pytest.approx(row["D_opt"] / row["N_opt"])
        if row["ratio_lo"] is not None:
            assert row["ratio_lo"] <= row["tokens_per_parameter"] <= row["ratio_hi"]
