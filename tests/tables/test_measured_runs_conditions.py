"""Rows that are asked for: conditions on numbers, and names that look like numbers."""

import numpy as np
import pytest
from tables_of_laws import NAMES, PLAIN, RECORDS, lines, text_table
from verbs import refuses, run

import ziplaw
from ziplaw.errors import FitError

NAMED = lines(
    [["dataset", "N", "D", "loss", "lr"]]
    + [
        [name, *row, lr]
        for name, lr in (("007", "0.1"), ("7", "0.20"), ("1e5", "0.3"), ("nan", "1e-3"))
        for row in text_table()[1:]
    ]
)


def test_names_that_look_like_numbers_stay_names(tmp_path):
    (tmp_path / "t.csv").write_text(NAMED)
    for name in ("007", "7", "1e5", "nan"):
        runs = ziplaw.read_runs(tmp_path / "t.csv", where=[f"dataset={name}"])
        assert {row["dataset"] for row in runs.rows} == {name}
        assert "36 rows" in run("fit", tmp_path / "t.csv", "--dataset", name, "--intervals", "delta").output


@pytest.mark.parametrize(
    ("condition", "keeps"),
    [
        ("C<1e18", lambda N, D, v: 6 * N * D < 1e18),
        ("C >= 1e18", lambda N, D, v: 6 * N * D >= 1e18),
        ("N<=30M", lambda N, D, v: N <= 3e7),
        ("D>1,000,000,000", lambda N, D, v: D > 1e9),
        ("loss<3", lambda N, D, v: v < 3),
        ("N!=1e7", lambda N, D, v: N != 1e7),
        ("N==10000000", lambda N, D, v: N == 1e7),
        ("lr=0.10", lambda N, D, v: N > 0),
        ("kind!=b", lambda N, D, v: N > 0),
        ("a<b=x", lambda N, D, v: N > 0),
    ],
)
def test_conditions(condition, keeps, tmp_path):
    rows = [[*row, "0.1", "a", "x"] for row in text_table()]
    rows[0] = ["N", "D", "loss", "lr", "kind", "a<b"]
    (tmp_path / "t.csv").write_text(lines(rows))
    runs = ziplaw.read_runs(tmp_path / "t.csv", where=[condition])
    columns = [np.array([row[name] for row in RECORDS]) for name in NAMES]
    keep = keeps(*columns)
    np.testing.assert_allclose(runs.N, columns[0][keep])
    np.testing.assert_allclose(runs.D, columns[1][keep])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("N", "is no condition: write COLUMN=VALUE"),
        ("<3", "is no condition"),
        ("N<big", "N < 'big': a number is needed"),
        ("kind<3", "kind is 'a' in row 1: a number is needed"),
        ("Nope<3", "there is no column 'Nope'"),
        ("N<1", "no row has N < '1'"),
        ("S>3", "there is no column S"),
    ],
)
def test_conditions_that_make_no_sense(condition, message, tmp_path, capsys):
    rows = [[*row, "a"] for row in text_table()]
    rows[0] = [*NAMES, "kind"]
    (tmp_path / "t.csv").write_text(lines(rows))
    assert message in refuses(capsys, "fit", tmp_path / "t.csv", "--where", condition)


@pytest.mark.parametrize("wanted", ["30M", "3e7", "30,000,000", "30000000"])
@pytest.mark.parametrize("size", ["30M", "30000000", "3.0e7"])
def test_where_equals_reads_numbers_as_tables_do(wanted, size, tmp_path):
    (tmp_path / "t.csv").write_text(f"N,D,loss\n{size},1e9,3.1\n{size},2e9,3.0\n70M,1e9,2.9\n")
    rows = ziplaw.read_runs(tmp_path / "t.csv", where=[f"N={wanted}"]).rows
    assert [row["loss"] for row in rows] == ["3.1", "3.0"]
    assert [row["loss"] for row in ziplaw.read_runs(tmp_path / "t.csv", where=[f"N!={wanted}"]).rows] == ["2.9"]


def test_where_equals_keeps_names_apart(tmp_path):
    lines = "".join(f"{name},{i}e7,1e9,3.1\n" for i, name in enumerate(["007", "7", "1e3", "1k", "web"], start=1))
    (tmp_path / "t.csv").write_text("dataset,N,D,loss\n" + lines)
    for name in ("007", "7", "1e3", "1k"):
        assert [r["dataset"] for r in ziplaw.read_runs(tmp_path / "t.csv", where=[f"dataset={name}"]).rows] == [name]
    with pytest.raises(FitError, match=r"no row has N = '9M': choose one of 10000000, 20000000"):
        ziplaw.read_runs(tmp_path / "t.csv", where=["N=9M"])


def test_one_condition_may_be_given_alone(tmp_path):
    (tmp_path / "t.csv").write_text(PLAIN)
    alone = ziplaw.read_runs(tmp_path / "t.csv", where="C<1e21")
    assert alone.rows == ziplaw.read_runs(tmp_path / "t.csv", where=["C<1e21"]).rows
