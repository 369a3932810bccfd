"""Real text: six corpora of the committed pilots, and a folder of invented ones."""

import math
from pathlib import Path

import pytest

from ziplaw.base.documents import write_csv
from ziplaw.studies.answers.real_text import COLUMNS, rows
from ziplaw.studies.measured import Study

PILOTS = Path(__file__).parents[3] / "results" / "reference" / "pilots" / "1"


def study_with(folder, files):
    """A study whose folder has these pilots beside it."""
    (folder / "pilots").symlink_to(files, target_is_directory=True)
    return Study((), (), (), {}, folder)


def test_the_committed_pilots_have_six_corpora(tmp_path):
    table = rows(study_with(tmp_path, PILOTS))
    assert [(row["known"], row["covariate"]) for row in table] == [
        (known, name) for known in ("all runs", "pilot alone") for name in ("H", "bytes_per_token")
    ]
    for row in table:
        assert tuple(row) == COLUMNS
        assert row["n"] == 6
        assert row["slope_low"] < row["slope"] < row["slope_high"]
        assert row["C"] == pytest.approx(6.67e12, rel=0.001)


def test_a_planted_move_is_read_off_the_bands(tmp_path):
    corpora = [{"corpus": f"c{i}", "H": 0.25 + 0.05 * i, "bytes_per_token": 2 + (i * 3 % 5) / 5} for i in range(6)]
    (tmp_path / "text").mkdir()
    write_csv(tmp_path / "text" / "corpora.csv", corpora)
    told = []
    for i, corpus in enumerate(corpora):
        N = 1e5 * math.exp(5 * (corpus["H"] - 0.4) + 0.02 * (-1) ** i)
        band = {"N": N, "N_lo": N / 1.2, "N_hi": N * 1.2, "C": 5e12, "corpus": corpus["corpus"]}
        told += [band | {"rule": rule} for rule in ("with held-out runs", "runs alone", "prior")]
    write_csv(tmp_path / "text" / "rules.csv", told)
    H = next(row for row in rows(study_with(tmp_path, tmp_path / "text")) if row["covariate"] == "H")
    assert H["slope_low"] < 5 < H["slope_high"]
    assert H["p_permutation"] == pytest.approx(2 / 720)


def test_a_study_without_pilots_has_no_row(tmp_path):
    assert rows(Study((), (), (), {}, tmp_path)) == rows(Study((), (), (), {})) == []
