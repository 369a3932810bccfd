"""The judgement of laws of repeated data on the published runs is what the table on file says."""

import numpy as np
import pytest
from houses import ROOT
from tables_of_laws import columns, table

from verification.studies.outcomes.repeated_study import FITS, HERE, row
from ziplaw.base.documents import read_csv

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
ON_FILE = {line["law"]: line for line in read_csv(HERE / "repeated_study.csv")}


@pytest.mark.parametrize("name", FITS)
def test_it_is_made_again(name):
    N, D, U, loss = columns(table("repeated_data.csv"), "N", "D", "U", "loss")
    found = row(name, {"N": N, "D": D, "U": U}, loss)
    for key in ("rms", "median", "held_out_C", "held_out_epochs", "held_out_N/U"):
        assert found[key] == pytest.approx(float(ON_FILE[name][key]), rel=0.02), key


@pytest.mark.parametrize("name", ["data-constrained", "repeated-penalty", "repeated-overfitting"])
def test_the_page_has_its_numbers(name):
    page = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith(f"| `{name}`") and line.count("|") == 9]
    words = lines[-1].replace("*", "").split("|")
    shown = [float(word) for word in words[3:8]]
    expected = [float(ON_FILE[name][key]) for key in ("rms", "median", "held_out_C", "held_out_epochs", "held_out_N/U")]
    assert shown == pytest.approx(expected, rel=0.05)
    assert np.argmin([float(line["held_out_epochs"]) for line in ON_FILE.values()]) == 3
