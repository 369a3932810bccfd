"""Several paths as one source: every kind of file, and no file twice."""

import json
import os

import numpy as np
import pytest

from ziplaw.corpora.readers import TextSource, open_several, open_source
from ziplaw.errors import CorpusError


def read(source):
    found = {}
    for name, piece in source.pieces():
        found[name] = found.get(name, b"") + piece
    return list(found.values())


@pytest.fixture
def mixed(tmp_path):
    (tmp_path / "sources" / "inner").mkdir(parents=True)
    (tmp_path / "sources" / "x.py").write_bytes(b"print(1)")
    (tmp_path / "sources" / "inner" / "y.py").write_bytes(b"print(2)")
    (tmp_path / "sources" / "photo.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "x.py").write_bytes(b"another")
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in ("one", "two")))
    return tmp_path


def test_one_path_is_read_as_ever(mixed):
    alone, several = open_source(mixed / "sources"), open_several([mixed / "sources"])
    assert (read(several), several.provenance, several.parts) == (read(alone), alone.provenance, [])


def test_kinds_stand_side_by_side(mixed):
    pytest.importorskip("pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["three", "four"]}), mixed / "rows.parquet")
    paths = [mixed / name for name in ("lines.jsonl", "rows.parquet", "x.py", "sources")]
    source = open_several(paths)
    assert isinstance(source, TextSource)
    assert read(source) == [b"one", b"two", b"three", b"four", b"another", b"print(2)", b"print(1)"]
    assert source.provenance["kind"] == "several"
    assert source.provenance["name"] == "lines.jsonl, rows.parquet, x.py and 1 more"
    assert [part["kind"] for part in source.provenance["paths"]] == ["jsonl", "parquet", "text", "directory"]
    assert source.notes == {"binary files": 1}
    names = [name for name, _ in source.pieces()]
    assert names[4].file == str(mixed / "x.py")
    assert names[5].file == str(mixed / "sources" / "inner" / "y.py")


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (["sources", "sources/x.py"], [b"print(2)", b"print(1)"]),
        (["sources/x.py", "sources"], [b"print(1)", b"print(2)"]),
        (["sources/inner", "sources", "sources/../sources"], [b"print(2)", b"print(1)"]),
        (["linked.py", "sources/x.py", "x.py"], [b"print(1)", b"another"]),
        (["hard.py", "sources"], [b"print(1)", b"print(2)"]),
    ],
)
def test_no_file_is_read_twice(mixed, names, texts):
    (mixed / "linked.py").symlink_to(mixed / "sources" / "x.py")
    os.link(mixed / "sources" / "x.py", mixed / "hard.py")
    source = open_several([mixed / name for name in names])
    assert read(source) == texts
    assert read(source) == texts
    if names[0] == "sources/inner":
        assert [part is None for _, part in source.parts] == [False, False, True]
        assert source.parts[1][1].left_out == {"files read already": 1}


def test_names_that_are_no_text_stay_apart(tmp_path):
    paths = [os.fsencode(tmp_path) + b"/" + name for name in (b"\xfe.txt", b"\xff.txt", b"a\nb.txt")]
    for i, path in enumerate(paths):
        with open(path, "wb") as stream:
            stream.write(b"text %d" % i)
    assert read(open_several([os.fsdecode(path) for path in paths])) == [b"text 0", b"text 1", b"text 2"]


def test_a_loop_of_links_is_harmless(mixed):
    (mixed / "sources" / "again").symlink_to(mixed / "sources")
    (mixed / "loop").symlink_to(mixed / "loop")
    assert read(open_several([mixed / "sources", mixed / "sources" / "again"])) == [b"print(2)", b"print(1)"]
    with pytest.raises(CorpusError, match="loop does not exist"):
        open_several([mixed / "sources", mixed / "loop"])


def test_ids_are_joined(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(7, dtype=np.uint16))
    np.save(tmp_path / "rows.npy", np.arange(100_000, 100_006).reshape(2, 3))
    (tmp_path / "c.jsonl").write_text("[1, 2]\n[3]\n")
    source = open_several([tmp_path / name for name in ("a.npy", "rows.npy", "c.jsonl")])
    assert source.tokens.tolist() == [*range(7), *range(100_000, 100_006), 1, 2, 3]
    assert source.documents.tolist() == [0, 7, 10, 13, 15, 16]
    np.save(tmp_path / "more.npy", np.arange(9).reshape(3, 3))
    rows = open_several([tmp_path / "rows.npy", tmp_path / "more.npy"])
    assert rows.tokens.tolist() == [
        [100_000, 100_001, 100_002],
        [100_003, 100_004, 100_005],
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
    ]
    assert rows.documents is None


def test_what_cannot_stand_side_by_side(tmp_path, mixed):
    np.save(tmp_path / "a.npy", np.arange(7))
    with pytest.raises(CorpusError, match=r"x.py is text and .*a.npy token ids: one corpus takes either"):
        open_several([mixed / "x.py", tmp_path / "a.npy"])
    with pytest.raises(CorpusError, match="nowhere does not exist"):
        open_several([mixed / "x.py", tmp_path / "nowhere"])
    with pytest.raises(CorpusError, match="there is no path"):
        open_several([])
