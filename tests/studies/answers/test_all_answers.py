"""Every answer gives the rows that its columns say, whole studies and halves of them."""

import pytest
from planted_study import planted_study

from ziplaw.studies.answers.all_answers import ANSWERS


@pytest.fixture(scope="module")
def study():
    return planted_study((("v", 3), ("f", 3), ("h", 2)), effects={"H": 6.0}, fitted=True, bootstrap=20)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_fills_its_columns_and_survives_its_file(name, study, tmp_path):
    answer = ANSWERS[name]
    columns = answer.table.names
    assert len(set(columns)) == len(columns)
    for part in (study, study.half("exploratory")):
        rows = answer.rows(part)
        for row in rows:
            assert set(row) <= set(columns)
        answer.table.write(tmp_path / "rows.csv", rows)
        again = answer.table.read(tmp_path / "rows.csv")
        assert len(again) == len(rows)
        answer.table.write(tmp_path / "again.csv", again)
        assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "rows.csv").read_bytes()
