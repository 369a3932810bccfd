"""Contours and frontier against the fitted law."""

import pytest
from synthetic_sweep import rows_of

from ziplaw.base.documents import read_csv, read_json


def test_contours_lie_on_the_law_and_the_frontier_is_optimal(sweep, drawn):
    rows = rows_of(drawn, "loss_contours")
    for row in rows:
        p = read_json(sweep / "fits" / f"{row['dataset']}.json")["variants"][row["variant"]]["parameters"]
        value = p["E"] + p["A"] / row["N"] ** p["alpha"] + p["B"] / row["D"] ** p["beta"]
        if row["kind"] == "contour":
            assert value == pytest.approx(row["loss"], rel=2e-3)
        if row["kind"] == "frontier":
            assert 6 * row["N"] * row["D"] == pytest.approx(row["C"])
            for factor in (0.9, 1.1):
                N, D = row["N"] * factor, row["D"] / factor
                assert p["E"] + p["A"] / N ** p["alpha"] + p["B"] / D ** p["beta"] > value
    kinds = {row["kind"] for row in rows}
    assert kinds == {"contour", "frontier", "cell"}
    assert sum(row["kind"] == "cell" for row in rows) == len(read_csv(sweep / "runs.csv"))
