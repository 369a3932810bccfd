"""Predictions against the fits."""

import numpy as np
import pytest
from synthetic_sweep import rows_of

from ziplaw.base.documents import read_json


def test_predictions_come_from_the_fit(sweep, drawn):
    for row in rows_of(drawn, "predicted_vs_measured"):
        p = read_json(sweep / "fits" / f"{row['dataset']}.json")["variants"][row["variant"]]["parameters"]
        value = p["E"] + p["A"] / row["N"] ** p["alpha"] + p["B"] / row["D"] ** p["beta"]
        assert row["predicted"] == pytest.approx(value, rel=1e-12)
        assert row["log_error"] == pytest.approx(np.log(value / row["measured"]))
        assert row["largest"] == (row["model"] == "h32" or row["D"] == 2**21)
        assert row["fitted"] == (row["regime"] == "scaling")
