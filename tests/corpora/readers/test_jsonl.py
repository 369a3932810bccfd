"""Records in JSON, one a line or in one array: each is read, or told as damaged."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs import RECORDS, TEXT, documents_of, h, texts, write

from twins import gzip_score
from ziplaw.corpora.readers import jsonl, open_source
from ziplaw.corpora.storage import packed
from ziplaw.errors import CorpusError


@pytest.mark.parametrize("name", RECORDS)
def test_json(tmp_path, name):
    (tmp_path / name).write_bytes(RECORDS[name])
    value, line = h(tmp_path / name)
    assert value == gzip_score.h(list(TEXT))
    field = {"only.jsonl": "'body' (the only field of text)", "b.ndjson.gz": "'content'"}.get(name, "'text'")
    assert line == f"read JSON records, field {field}: 300 records; left out: nothing"


record = st.fixed_dictionaries({"text": st.text(max_size=30)}, optional={"n": st.integers(), "body": st.text()})


@given(st.lists(record, max_size=8), st.sampled_from(["", ".gz", ".zst"]))
@settings(max_examples=40, deadline=None)
def test_jsonl(tmp_path_factory, records, packed):
    path = tmp_path_factory.mktemp("j") / f"a.jsonl{packed}"
    write(path, "".join(json.dumps(r) + "\n" for r in records).encode())
    source = open_source(path)
    got = documents_of(source)
    assert [v.decode("utf-8", "surrogatepass") for v in got.values()] == [r["text"] for r in records if r["text"]]
    assert source.notes == Counter(
        {"empty records": sum(not r["text"] for r in records)} if len(got) < len(records) else {}
    )


def test_jsonl_of_many_reads_numbers_its_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "READ_BYTES", 7)
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"content": "one"}\r\n\n{"content": "two"}\n{"content": "three"}')
    assert documents_of(open_source(tmp_path / "a.jsonl")) == {
        "a.jsonl:1": b"one",
        "a.jsonl:3": b"two",
        "a.jsonl:4": b"three",
    }


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2 is not valid JSON"),
        ("[1]", "line 2 is a JSON list"),
        ('{"b": 1}', "line 2 has no field 'text' .it has: b.: name it with --field"),
        ('{"text": 5}', "line 2: field 'text' is a int, must be text"),
        ("[" * 100_000, "line 2 is not valid JSON"),
    ],
)
def test_bad_jsonl(tmp_path, line, says):
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n' + line + "\n")
    with pytest.raises(CorpusError, match=says):
        documents_of(open_source(tmp_path / "a.jsonl"))


def test_endless_line(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "MAX_RECORD_BYTES", 1000)
    monkeypatch.setattr(packed, "READ_BYTES", 100)
    (tmp_path / "a.jsonl").write_text("x" * 5000)
    with pytest.raises(CorpusError, match="line 1 is longer than 1000 bytes"):
        documents_of(open_source(tmp_path / "a.jsonl"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'[{"text": "a"}, {"text": "b"', "record 2|ends in the middle"),
        (b'[{"text": "a"},, {"text": "b"}]', "record 2 is not valid JSON"),
        (b'[{"text": "a"}] [1]', "goes on after its JSON array"),
        (b'[{"text": "a"}, "b"]', "record 2 is a JSON str"),
        (b'[{"text": "a\\', "ends in the middle of a JSON array"),
    ],
)
def test_broken_arrays(tmp_path, data, says):
    (tmp_path / "a.jsonl").write_bytes(data)
    with pytest.raises(CorpusError, match=says):
        texts(tmp_path / "a.jsonl")


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_arrays_in_reads_of_any_size(tmp_path, monkeypatch, size):
    rows = [{"text": 'a "quoted" \\ [one], {two}'}, {"text": "", "x": [[1, {"y": "]"}], {}]}, {"text": "é\\\\"}]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=2))
    monkeypatch.setattr(packed, "READ_BYTES", size)
    assert texts(tmp_path / "a.json")[0] == (rows[0]["text"] + rows[2]["text"]).encode()


@pytest.mark.parametrize("form", ["{}\n{}\n", "[{}, {}]"])
def test_a_key_that_stands_twice_in_a_record(tmp_path, form):
    twice = '{"text": "what was meant", "meta": {"a": 1, "b": 1}, "text": ""}'
    (tmp_path / "a.jsonl").write_text(form.format('{"text": "good"}', twice))
    with pytest.raises(CorpusError, match=r"a.jsonl (line|record) 2 is not valid JSON \(the key 'text' stands twice"):
        open_source(tmp_path / "a.jsonl")


def test_an_array_that_a_brace_closes_is_damaged(tmp_path):
    (tmp_path / "a.jsonl").write_text('[{"text": "deep"}}\n')
    with pytest.raises(CorpusError, match="closes its JSON array by a brace after record 1: mend it"):
        texts(tmp_path / "a.jsonl")
