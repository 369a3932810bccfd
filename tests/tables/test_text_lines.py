"""A table as text: lines above its header, comments and blanks, and how many of them may be."""

import pytest
from tables_of_laws import PLAIN, same

import ziplaw
from ziplaw.errors import FitError
from ziplaw.tables.any_file import read_table


@pytest.mark.parametrize("line", ["\n", "# a\n", ",,\n", "1,2,3\n"])
def test_lines_are_bounded_wherever_they_stand(line, tmp_path, monkeypatch):
    monkeypatch.setattr("ziplaw.tables.text_lines.MAX_ROWS", 1000)
    for text in (line * 2500 + PLAIN, PLAIN + line * 2500):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(FitError, match=r"more than|no names"):
            read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("title", ["My runs (2024)", "My runs,,\n\nmade by hand,,", '"Runs, of 2024",,\n', "\n7"])
def test_lines_above_the_header_are_titles(title, tmp_path, expected):
    (tmp_path / "t.csv").write_text(f"{title}\n{PLAIN}")
    runs = ziplaw.read_runs(tmp_path / "t.csv")
    same(runs, expected)
    assert any("above the header" in note for note in runs.notes)


def test_a_header_over_two_lines_is_no_title(tmp_path):
    (tmp_path / "t.csv").write_text('"loss\n(nats)",N,D\n3.1,1e7,1e9\n')
    assert read_table(tmp_path / "t.csv").rows == [{"loss\n(nats)": "3.1", "N": "1e7", "D": "1e9"}]


@pytest.mark.parametrize("above", ["", "# a\n\n# b\n", "My runs\n\n", "sep=,\n"])
def test_lines_are_counted_from_the_top_of_the_file(above, tmp_path):
    text = f"{above}N,D,loss\n1e7,1e9,3\n1e7,1e9,3,4\n"
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(FitError, match=f"line {text.count(chr(10))} has more cells"):
        read_table(tmp_path / "t.csv")
