"""One door: every path gives text or ids, in bounded pieces, or says in one line why not."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from inputs import DOCUMENTS, LETTER, RECORDS, TEXT, documents_of, hub, lines, texts, write

from ziplaw.cli import main
from ziplaw.corpora import readers
from ziplaw.corpora.readers import open_source
from ziplaw.corpora.storage.files import KINDS, Kind
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.corpora.storage.streams import DocumentName
from ziplaw.errors import CorpusError


def test_names_tell_the_file_from_the_document_within(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("a.jsonl", "b/ä.jsonl"):
        (tmp_path / name).write_text('{"text": "one"}\n{"text": "two"}\n')
    (tmp_path / "note.txt").write_text("word " * 10_000)
    names = [name for name, _ in open_source(tmp_path, extensions=["jsonl"]).pieces()]
    assert names == [("a.jsonl", "1"), ("a.jsonl", "2"), ("b/ä.jsonl", "1"), ("b/ä.jsonl", "2")]
    assert str(names[-1]) == "b/ä.jsonl:2"
    note = open_source(tmp_path / "note.txt")
    assert {name for name, _ in note.pieces()} == {DocumentName("note.txt")}


def test_corpus_folder(tmp_path):
    with CorpusWriter(tmp_path / "c", 3, 1, 8, 20, {"tokenizer": "bundled"}, token_bytes=3.5) as writer:
        writer.train[:] = np.arange(8)
    source = open_source(tmp_path / "c")
    assert (source.kind, source.name, source.tokenizer, source.token_bytes) == ("corpus", "c", "bundled", 3.5)
    assert source.tokens.tolist() == [list(range(8))] * 3


@pytest.mark.parametrize("name", ["a.npy.gz", "a.bin.zst", "a.npz", "a.parquet.gz"])
def test_what_must_be_unpacked_first(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CorpusError, match="unpack it"):
        open_source(tmp_path / name)


def test_no_such_path(tmp_path):
    with pytest.raises(CorpusError, match="does not exist"):
        open_source(tmp_path / "nowhere")


def test_missing_packages_are_named(tmp_path, monkeypatch):

    write(tmp_path / "a.jsonl.zst", b"{}")
    (tmp_path / "a.parquet").write_bytes(b"x")
    for name, package in (("a.jsonl.zst", "zstandard"), ("a.parquet", "pyarrow")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(CorpusError, match=f"pip install {package}"):
            documents_of(open_source(tmp_path / name))


def test_a_field_that_is_of_no_use_is_said(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.txt").write_text(LETTER)
    (tmp_path / "a.jsonl").write_text(json.dumps({"body": LETTER, "n": 1}) + "\n")
    np.save(tmp_path / "a.npy", np.arange(500))
    for name in ("src", "src/a.txt", "a.npy"):
        assert "--field body, for there are no fields" in open_source(tmp_path / name, text_field="body").reading()
        assert "--field" not in open_source(tmp_path / name).reading()
    assert "--field" not in open_source(tmp_path / "a.jsonl", text_field="body").reading()


def test_json_that_could_be_text(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"name": "x" * 2000, "version": 1}))
    assert texts(tmp_path / "config.json")[1] == "read one text; left out: nothing"
    (tmp_path / "one.json").write_text('{"text": "words"}\n')
    with pytest.raises(CorpusError, match=r"one JSON object with a text in it: --format jsonl .* --format text"):
        open_source(tmp_path / "one.json")
    assert texts(tmp_path / "one.json", kind="text")[0] == b'{"text": "words"}\n'
    assert texts(tmp_path / "one.json", text_field="text")[0] == b"words"
    (tmp_path / "a.txt").write_bytes(RECORDS["a.jsonl"])
    with pytest.raises(CorpusError, match=r"a\.txt looks like JSON lines: --format jsonl"):
        open_source(tmp_path / "a.txt")
    assert texts(tmp_path / "a.txt", kind="jsonl")[0] == TEXT
    (tmp_path / "many.json").write_bytes(lines(a=DOCUMENTS, b=DOCUMENTS))
    with pytest.raises(CorpusError, match=r"\(it has: a, b\): name it with --field, or .* --format text"):
        open_source(tmp_path / "many.json")


def test_score_import_and_plan_say_what_they_read(tmp_path, capsys):
    folder = hub(tmp_path / "d")
    for words in (
        ["score"],
        ["import", "-o", str(tmp_path / "c"), "--valid-documents", "4"],
        ["plan", "--flops", "1e12"],
    ):
        with pytest.raises(SystemExit):
            main([words[0], str(folder), *words[1:], "--tokenizer", "bytes"])
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith(f"ziplaw: {folder}: read ")]
        assert len(said) == 1, words
        assert "left out: LICENSE, README.md, dataset_infos.json" in said[0]


def test_a_reader_is_one_module_and_one_line(tmp_path, monkeypatch):
    class Semicolons(ModuleType):
        """A reader of rows `text;number`, as someone might add it."""

        @staticmethod
        def choose(file, wanted):
            return wanted or "text", "text", ""

        @staticmethod
        def values(file, field):
            for number, line in enumerate(Path(file).read_text().splitlines(), start=1):
                yield number, f"{file} row {number}", line.split(";")[0]

    name = f"{readers.__name__}.semicolons"
    monkeypatch.setitem(sys.modules, name, Semicolons(name))
    monkeypatch.setitem(KINDS, "semicolons", Kind((".ssv",), "table", "rows with semicolons"))
    (tmp_path / "b").mkdir()
    for path in ("a.ssv", "b/a.ssv", "b/z.ssv"):
        (tmp_path / path).write_text("one;1\n;2\nthree;3\n")
    source = open_source(tmp_path / "a.ssv")
    assert documents_of(source) == {"a.ssv:1": b"one", "a.ssv:3": b"three"}
    assert source.reading() == "read semicolons records, column 'text': 3 records; left out: empty records: 1"
    assert texts(tmp_path / "b") == (
        b"onethree" * 2,
        "read 2 files of rows with semicolons (.ssv), column 'text': 6 records; left out: empty records: 2",
    )
