"""Which field of a record is read, and how its value becomes text."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inputs import CHAT, CHAT_TEXT, DOCUMENTS, TEXT, arrow, documents_of, h, texts

from twins import gzip_score
from ziplaw.corpora.readers import TextSource, open_source
from ziplaw.errors import CorpusError


def test_field_can_be_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"body": "mine", "text": "other"}\n')
    assert documents_of(open_source(tmp_path / "a.jsonl", text_field="body")) == {"a.jsonl:1": b"mine"}
    with pytest.raises(CorpusError, match="no field 'x'"):
        documents_of(open_source(tmp_path / "a.jsonl", text_field="x"))


def test_nested_fields_nulls_and_empty_ones(tmp_path):
    rows = [{"data": {"text": text, "n": 1}, "id": i} for i, text in enumerate(DOCUMENTS)]
    rows[5:5] = [{"data": None, "id": 0}, {"data": {"text": None, "n": 2}, "id": 0}, {"data": {"text": ""}, "id": 1}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    arrow(tmp_path / "a.arrow", pa.Table.from_pylist(rows))
    for name in ("a.jsonl", "a.parquet", "a.arrow"):
        text, line = texts(tmp_path / name, text_field="data.text")
        assert text == TEXT, name
        assert line.endswith("'data.text': 303 records; left out: empty records: 3"), line
        with pytest.raises(CorpusError, match=r"'data' is an object.*name a field in it \(data\.text, data\.n\)"):
            open_source(tmp_path / name, text_field="data")
        with pytest.raises(CorpusError, match=r"no (field|column) 'data\.x' \(it has: data\.text, data\.n, id\)"):
            open_source(tmp_path / name, text_field="data.x")
    assert texts(tmp_path / "a.parquet")[0] == TEXT  # the only column of text


def test_a_key_with_a_dot_comes_before_a_path(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"data.text": "flat", "data": {"text": "deep"}}\n')
    assert texts(tmp_path / "a.jsonl", text_field="data.text")[0] == b"flat"


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "arrow"])
@pytest.mark.parametrize("keys", [("messages", "role", "content"), ("conversations", "from", "value")])
def test_chats(tmp_path, kind, keys):
    field, role, content = keys
    rows = [{field: [{role: m["role"], content: m["content"]} for m in chat]} for chat in CHAT]
    path = tmp_path / f"a.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        table = pa.Table.from_pylist(rows)
        pq.write_table(table, path) if kind == "parquet" else arrow(path, table)
    value, line = h(path)
    assert value == gzip_score.h(list(CHAT_TEXT))
    assert f"{field!r} (the words of its messages): 300 records" in line


def test_parts_of_messages(tmp_path):
    image = {"type": "image_url", "image_url": "x.png"}
    parts = [{"type": "text", "text": "see"}, image, {"type": "text", "text": "this"}]
    chat = [{"role": "user", "content": parts}, {"role": "bot", "content": None, "tool_calls": []}]
    chat.append({"role": "bot", "content": "fine"})
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": chat}) + "\n")
    assert texts(tmp_path / "a.jsonl")[0] == b"see\nthis\n\nfine"


@pytest.mark.parametrize("fields", [("text", "content"), ("text", "messages"), ("content", "input_ids")])
def test_two_fields_that_could_be_meant(tmp_path, fields):
    value = {"messages": CHAT[0], "input_ids": [1, 2]}
    row = {name: value.get(name, "words") for name in fields}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(CorpusError, match=f"'{fields[0]}' and '{fields[1]}', which differ: say which .* --field"):
            open_source(tmp_path / name)
        assert isinstance(open_source(tmp_path / name, text_field=fields[0]), TextSource)


def test_a_field_may_have_an_empty_name(tmp_path):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"": text}) + "\n" for text in DOCUMENTS))
    for options in ({}, {"text_field": ""}):
        found, reading = texts(tmp_path / "a.jsonl", **options)
        assert found == TEXT
        assert "field ''" in reading
    pq.write_table(pa.table({"": DOCUMENTS}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet")[0] == TEXT
