"""Cells as people write them: units, marks before decimals, words for nothing."""

import numpy as np
import pytest
from tables_of_laws import PLAIN, RECORDS, lines, same, text_table
from verbs import refuses

import ziplaw
from ziplaw.errors import FitError


def test_cells_as_people_write_them(tmp_path):
    rows = [
        ["model_size", "tokens", "loss"],
        *([f"{float(n) / 1e6:.6f}M", f"{float(d) / 1e9:.9f} B", v] for n, d, v in text_table()[1:]),
    ]
    (tmp_path / "t.csv").write_text(lines(rows))
    runs = ziplaw.read_runs(tmp_path / "t.csv")
    np.testing.assert_allclose(runs.N, [row["N"] for row in RECORDS], rtol=1e-12)
    assert "model_size: 10.000000M is read as 10000000 (36 such cells)" in runs.notes


def test_a_cell_of_two_readings_is_asked_about(tmp_path, capsys):
    text = "N;D;loss\n" + "".join(
        f"{n};{n}000;{3 + i / 100:.3f}\n".replace(".", ",") for i, n in enumerate(range(10**7, 10**7 + 9))
    )
    (tmp_path / "t.csv").write_text(text)
    assert "loss is '3,000', which may be 3000 or 3: say which with --decimal" in refuses(
        capsys, "fit", tmp_path / "t.csv"
    )
    assert ziplaw.read_runs(tmp_path / "t.csv", decimal=",").loss[1] == 3.01
    assert ziplaw.read_runs(tmp_path / "t.csv", decimal=".").loss[1] == 3010


@pytest.mark.parametrize("word", ["diverged", "OOM", "#REF!", "TBD"])
def test_words_in_place_of_numbers(word, tmp_path, expected):
    (tmp_path / "t.csv").write_text(PLAIN + f"30000000,4000000000,{word}\n")
    with pytest.raises(FitError, match=r"row 37.*--drop-nan"):
        ziplaw.read_runs(tmp_path / "t.csv")
    runs = ziplaw.read_runs(tmp_path / "t.csv", drop_nan=True)
    same(runs, expected)
    assert any(f"{word!r} is read as no number" in note for note in runs.notes)
    same(ziplaw.read_runs(tmp_path / "t.csv", drop_nan=True, where=["loss<1e9"]), expected)
    (tmp_path / "t.csv").write_text(PLAIN + "30000000,4000000000,3.4?\n")
    with pytest.raises(FitError, match=r"row 37.*mend it"):  # a slip in a number is not left out
        ziplaw.read_runs(tmp_path / "t.csv", drop_nan=True)
