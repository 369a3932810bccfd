"""Cells against the index: what is drawn is what the link says of N and D."""

import numpy as np
import pytest
from synthetic_sweep import rows_of

from ziplaw.base.documents import read_csv, read_json


def test_every_cell_stands_under_every_link_on_the_curve_of_its_fit(sweep, drawn):
    rows = rows_of(drawn, "links")
    assert len(rows) == 2 * len(read_csv(sweep / "runs.csv"))
    for row in rows[::7]:
        fit = read_json(sweep / "fits" / f"{row['dataset']}.json")["links"][row["link"]]
        index, U = fit["index"], read_json(sweep / "corpora" / row["dataset"] / "meta.json")["unigram_entropy"]
        z = np.log(index["A"] / row["N"] ** index["alpha"] + index["B"] / row["D"] ** index["beta"])
        k = fit["parameters"].get("k", 1.0)
        assert row["x"] == pytest.approx(k * z - np.log(U - fit["E"]), rel=1e-9, abs=1e-9)
        on_curve = 1 / (1 + np.exp(-row["x"])) if row["link"] == "bounded" else np.exp(row["x"])
        # between the points of the curve that the file holds
        assert row["predicted"] == pytest.approx(on_curve, rel=2e-3)
        assert row["log_error"] == pytest.approx(np.log(row["reduced"] / row["predicted"]))


def test_the_cells_of_largest_compute_are_marked(sweep, drawn):
    rows = [row for row in rows_of(drawn, "links") if (row["dataset"], row["link"]) == ("syn-a", "identity")]
    held = [row["N"] * row["D"] for row in rows if row["largest"]]
    assert len(held) == read_json(sweep / "fits" / "syn-a.json")["links"]["identity"]["holdout"]["n"]
    assert min(held) > max(row["N"] * row["D"] for row in rows if not row["largest"])
