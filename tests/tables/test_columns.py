"""Tables of declared columns: what a cell holds follows from its column alone."""

import math

import pytest
from houses import ROOT

from ziplaw.errors import FitError, ZiplawError
from ziplaw.tables.columns import Columns
from ziplaw.tables.declared import COVARIATES, DECLARED, RUNS

TABLE = Columns.declare("t.csv", "dataset:text N loss in_range:truth")
LOOKS = ["007", "1_2", "1e5", "nan", "inf", "true", "-0", "None"]


@pytest.mark.parametrize("name", LOOKS)
def test_text_stays_as_it_stands(name, tmp_path):
    row = {"dataset": name, "N": 3, "loss": 2.5, "in_range": False}
    TABLE.write(tmp_path / "t.csv", [row])
    assert TABLE.read(tmp_path / "t.csv") == [row]
    assert TABLE.typed([{"dataset": name, "N": "3", "loss": "2.5", "in_range": "false"}]) == [row]


def test_numbers_and_truth_values_are_read_as_written():
    assert [TABLE.value("N", cell) for cell in ("3", "3.0", "1e5", "")] == [3, 3.0, 1e5, None]
    assert isinstance(TABLE.value("N", "3"), int)
    assert isinstance(TABLE.value("N", "3.0"), float)
    assert math.isnan(TABLE.value("loss", "nan"))
    assert [TABLE.value("in_range", cell) for cell in ("true", "false", "")] == [True, False, None]
    assert TABLE.value("loss", "true") == "true"
    assert TABLE.value("of a user", "7") == "7"


def test_cells_of_other_formats_are_typed_already():
    assert TABLE.typed([{"dataset": 7, "N": 3, "loss": None}]) == [{"dataset": "7", "N": 3, "loss": None}]


def test_text_among_numbers_is_refused_where_it_stands(tmp_path):
    (tmp_path / "t.csv").write_text(f"dataset,N,loss\na,3,2.5\na,{'x' * 60},2.5\n")
    with pytest.raises(FitError, match="t.csv row 2: N is '" + "x" * 39 + "…', a number is needed: make it again"):
        TABLE.read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("N\n1,2\n")
    with pytest.raises(ZiplawError, match="line 2 has more cells than the header"):
        TABLE.read(tmp_path / "t.csv")


def test_a_rival_of_H_may_be_whatever_a_user_measured():
    assert COVARIATES.typed([{"dataset": "1e5", "zstd": "0.25", "code": "true", "by": "hand"}]) == [
        {"dataset": "1e5", "zstd": 0.25, "code": True, "by": "hand"}
    ]


@pytest.mark.parametrize("name", DECLARED)
def test_a_declared_table_names_each_column_once(name):
    kinds = DECLARED[name].kinds
    assert set(kinds.values()) <= {"number", "text", "truth"}
    assert list(kinds) == DECLARED[name].names


def test_names_are_text_in_every_table():
    names = {"dataset", "model", "source", "preset", "variant", "architecture", "arm"}
    for table in DECLARED.values():
        for column in names & set(table.kinds):
            assert table.kinds[column] == "text", (table.name, column)


def test_the_page_of_formats_says_where_to_look():
    assert "pkg/ziplaw/tables/declared.py" in (ROOT / "docs" / "formats.md").read_text()


def test_a_column_is_declared_in_one_way_only():
    """A column of one name is of one kind in all tables, so that joining them changes nothing."""
    seen = {}
    for table in DECLARED.values():
        for column, kind in table.kinds.items():
            assert seen.setdefault(column, kind) == kind, (table.name, column)
    assert RUNS.kinds["seed"] == "number"
