"""``ziplaw tokenizer``: prints a table, says why, refuses in one line."""

import json

import pytest
from verbs import refuses, run


@pytest.fixture
def text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("".join(f"the {i}th of {i * i % 97} whales said {i % 7}\n" for i in range(9000)))
    return tmp_path


def test_table_why_and_reading(text):
    done = run("tokenizer", "a.txt", "a.txt", "--pilot-flops", "1e13", "--flops", "1e18", "-o", "t.json")
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "vocabulary"
    assert [line.split()[0] for line in lines[1:-1]] == ["256", "512", "1024", "2048", "4096", "8192"]
    assert lines[-1].startswith("t.json and t.report.json: a vocabulary of ")
    assert "%" in lines[1]
    assert "a.txt: all of it was read already" in done.stderr


def test_a_field_and_json(text):
    (text / "b.jsonl").write_text('{"body": "some words"}\n{"body": "more words"}\n')
    report = json.loads(run("tokenizer", "b.jsonl", "--field", "body", "--json", "-o", "t.json").stdout)
    assert (report["text_bytes"], report["vocab_size"]) == (20, 256)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give exactly one of PATH"),
        (["a.txt", "--builtin", "code"], "give exactly one of PATH"),
        (["a.txt", "--tokenizer", "bytes", "--vocab-size", "512"], "a tokenizer has its vocabulary"),
        (["a.txt", "--vocab-size", "12"], "vocab_size is 12, must be an integer from 256"),
        (["a.txt", "--pilot-flops", "0"], "give training FLOPs"),
        (["a.txt", "--context", "100000", "--pilot-flops", "1e13"], "is too small for a pilot: at most "),
        (["a.txt", "--seed", "-1"], "seed is -1"),
    ],
)
def test_refusals(text, capsys, arguments, says):
    assert says in refuses(capsys, "tokenizer", *arguments, "-o", "t.json")
    assert not (text / "t.json").exists()
