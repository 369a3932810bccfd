"""Power of every claim from the exploratory half, and from nothing of the confirmatory one but its design."""

import numpy as np
import pytest
from planted_study import planted_study

from ziplaw.laws.dependence.claims import _STATEMENTS
from ziplaw.studies.answers.claim_powers import AS_EXPLORED, AT_ENDS, CHANGES, COLUMNS, SCENARIOS, _at_ends, rows
from ziplaw.studies.measured import Study


@pytest.fixture(scope="module")
def study():
    return planted_study(
        (("v", 6), ("f", 6)), effects={"H": 6.0}, fitted=True, links=("identity",), bootstrap=20, seed=1
    )


def test_every_claim_has_its_power(study):
    table = rows(study)
    assert all(tuple(row) == COLUMNS for row in table)
    additive = [row for row in table if row["kind"] == "additive"]
    assert {row["scenario"] for row in additive} == {*SCENARIOS, AS_EXPLORED}
    ends = {(row["claim"], row["scenario"]) for row in table if row["kind"] == AT_ENDS}
    assert ends == {(row["claim"], row["scenario"]) for row in additive}
    assert set(_STATEMENTS) - {row["claim"] for row in additive} <= {"survives_fixed_vocabulary"}
    for row in table:
        shares = [row[name] for name in ("supported", "not_supported", "undecided")]
        assert sum(shares) == pytest.approx(1)
        assert min(shares) >= -1e-12
    split = [row for row in table if row["claim"] == "best_N_falls" and row["kind"] == "bounded"]
    assert {row["scenario"] for row in split} == {*CHANGES["ln_N"], AS_EXPLORED}
    assert next(row for row in split if row["scenario"] == AS_EXPLORED)["not_supported"] > 0.9, "ln N_opt rises by 1.2"


def test_the_surest_design_has_H_at_its_ends():
    H = np.array([0.3, 0.4, 0.35, 0.5, 0.39, 0.33])
    np.testing.assert_array_equal(_at_ends(H, ["varied"] * 4 + ["H"] + ["varied"]), [0.3, 0.5, 0.5, 0.5, 0.39, 0.3])
    assert H[1] == 0.4


def test_losses_of_the_confirmatory_half_have_no_part(study):
    other = [{**row, "loss": row["loss"] * 1.1} if row["dataset"][0] == "c" else row for row in study.runs]
    assert rows(Study(study.design, tuple(other), study.fits, study.covariates)) == rows(study)
    assert rows(study.half("confirmatory")) == []
