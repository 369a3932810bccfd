"""Distributions of H against the scores."""

import numpy as np
from synthetic_sweep import rows_of

from ziplaw.base.documents import read_json


def test_distributions_hold_every_window_and_its_median(sweep, drawn):
    rows = rows_of(drawn, "gzip_distributions")
    for name in ("syn-a", "code", "prose.bytes"):
        score = read_json(sweep / "scores" / f"{name}.json")
        own = [row for row in rows if row["name"] == name]
        assert sum(row["windows"] for row in own) == score["n"]
        values = np.repeat([row["H"] for row in own], [row["windows"] for row in own])
        assert np.median(values) == score["H"] == own[0]["median"]
    kinds = {row["name"]: row["kind"] for row in rows}
    assert (kinds["syn-a"], kinds["code"], kinds["code.bytes"]) == ("dataset", "reference", "raw bytes")
