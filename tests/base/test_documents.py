"""JSON and CSV come back as written, and a changed file is noticed."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ziplaw.base.documents import read_csv, read_json, write_csv, write_json
from ziplaw.errors import ZiplawError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text().filter(lambda k: k not in ("kind", "format", "sha256")), values))
def test_json_round_trip(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("json") / "d.json"
    write_json(path, document, kind="thing")
    back = read_json(path, kind="thing")
    for key in ("kind", "format", "sha256"):
        back.pop(key)
    assert back == document


def test_json_notices_an_edit_and_says_the_remedy(tmp_path):
    path = tmp_path / "d.json"
    write_json(path, {"a": 1}, kind="thing")
    path.write_text(path.read_text().replace('"a": 1', '"a": 2'))
    with pytest.raises(ZiplawError, match=r"checksum.*delete its \"sha256\""):
        read_json(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000])
def test_json_rejects_what_is_no_object(tmp_path, text):
    path = tmp_path / "d.json"
    path.write_text(text)
    with pytest.raises(ZiplawError):
        read_json(path)


def test_json_rejects_another_kind_and_a_newer_format(tmp_path):
    write_json(tmp_path / "a.json", {}, kind="score")
    with pytest.raises(ZiplawError, match="ziplaw/score"):
        read_json(tmp_path / "a.json", kind="fit")
    (tmp_path / "b.json").write_text(json.dumps({"kind": "ziplaw/fit", "format": 99}))
    with pytest.raises(ZiplawError, match="format 99"):
        read_json(tmp_path / "b.json", kind="fit")


def test_json_turns_non_finite_into_null(tmp_path):
    write_json(tmp_path / "a.json", {"x": math.nan, "y": [math.inf]})
    assert read_json(tmp_path / "a.json")["x"] is None
    assert read_json(tmp_path / "a.json")["y"] == [None]


@given(st.lists(st.fixed_dictionaries({"x": st.none() | st.floats(allow_nan=False), "n": st.integers()}), min_size=1))
def test_csv_keeps_every_bit_of_a_float(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    write_csv(path, rows)
    finite = [{**row, "x": row["x"] if row["x"] is not None and math.isfinite(row["x"]) else None} for row in rows]
    assert read_csv(path) == finite


def test_csv_with_ragged_rows_or_nothing(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2,3\n")
    with pytest.raises(ZiplawError, match="line 2"):
        read_csv(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("")
    with pytest.raises(ZiplawError, match="empty"):
        read_csv(tmp_path / "b.csv")
