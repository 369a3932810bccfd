"""Best N at one compute and a against H: the points are those of the table, the lines those of the regression."""

import numpy as np
import pytest
from synthetic_sweep import rows_of

from ziplaw.base.documents import read_csv, read_json


def test_points_are_those_of_the_table_of_links(sweep, drawn):
    table = {(row["dataset"], row["link"]): row for row in read_csv(sweep / "links.csv")}
    points = [row for row in rows_of(drawn, "split_vs_h") if row["kind"] == "dataset"]
    assert {row["way"] for row in points} == {"identity", "bounded", "isoflop"}
    for row in points:
        of, name = table[row["dataset"], row["way"]], {"N_opt": "N", "a": "a"}[row["quantity"]]
        assert row["value"] == pytest.approx(of[row["quantity"]])
        assert (row["low"], row["high"]) == (pytest.approx(of[f"{name}_lo"]), pytest.approx(of[f"{name}_hi"]))
        assert (row["H"], row["C"], row["chosen"]) == (of["H"], pytest.approx(of["C"]), of["chosen"])


def test_lines_are_those_of_the_regression(sweep, drawn):
    split = read_json(sweep / "regression.json")["split"]
    lines = [row for row in rows_of(drawn, "split_vs_h") if row["kind"] == "line"]
    for way, found in split["by"].items():
        for i, (quantity, back) in enumerate((("N_opt", np.log), ("a", float))):
            part = [row for row in lines if (row["way"], row["quantity"]) == (way, quantity)]
            value, slope = found["coefficients"][i]
            for row in part[::10]:
                assert back(row["value"]) == pytest.approx(value + slope * (row["H"] - found["centre"]["H"]))
                assert row["low"] < row["value"] < row["high"]
