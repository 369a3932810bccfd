"""Which files of a folder are read: the same on every file system, and a refusal where two readings are possible."""

import gzip
import json
import os

import pyarrow as pa
import pyarrow.ipc
import pytest
from inputs import DOCUMENTS, TEXT, arrow, documents_of, h, hub, lines, texts, write

from twins import gzip_score
from ziplaw.corpora.readers import list_files, open_source, source_files
from ziplaw.errors import CorpusError


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
    assert list(documents_of(source).items()) == [
        ("a/c.md", b"ac" * 500),
        ("a/z.py", b"az"),
        ("a.py", b"a"),
        ("b.py", b"bb"),
    ]
    assert source.notes == {"binary files": 1, "damaged packed files": 1}
    assert list(documents_of(open_source(tree, extensions=["py"]))) == ["a/z.py", "a.py", "b.py"]


def test_folder_of_shards(tmp_path):
    write(tmp_path / "1.jsonl.zst", b'{"text": "one"}\n{"text": "two"}\n')
    write(tmp_path / "0.jsonl", b'{"text": "zero"}\n')
    assert documents_of(open_source(tmp_path)) == {
        "0.jsonl:1": b"zero",
        "1.jsonl.zst:1": b"one",
        "1.jsonl.zst:2": b"two",
    }


def test_file_names_that_are_no_utf8(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"\xff.txt")
    try:
        with open(path, "wb") as stream:
            stream.write(b"text")
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    assert documents_of(open_source(tmp_path)) == {"\ufffd.txt": b"text"}


def test_unreadable_files_in_a_folder_are_counted(tree, monkeypatch):
    whole = open

    def locked(path, *args, **kwargs):
        if str(path).endswith("b.py"):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *args, **kwargs)

    monkeypatch.setattr("builtins.open", locked)
    source = open_source(tree)
    assert "b.py" not in documents_of(source)
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


def test_hub_folder(tmp_path):
    value, line = h(hub(tmp_path / "d", ("train", "test", "validation")))
    assert value == gzip_score.h(list(TEXT))
    assert line == (
        "read 1 file of parquet (.parquet), column 'text': 300 records; left out: LICENSE, README.md, "
        "dataset_infos.json, files of the split test: 1, files of the split validation: 1"
    )
    listed = source_files(tmp_path / "d")
    assert [path.name for path in listed] == ["train-00000-of-00001.parquet"]


def test_a_data_set_among_sources(tmp_path):
    folder = hub(tmp_path / "d", sources=200)
    with pytest.raises(CorpusError, match=r"1 of parquet .* 200 of text|200 of text .* 1 of parquet") as refusal:
        open_source(folder)
    assert "--ext parquet" in str(refusal.value)
    assert "--ext py" in str(refusal.value)
    assert texts(folder, extensions=["parquet"])[0] == TEXT
    assert texts(folder, extensions=[".py"])[0] == b"def f(x): pass\n" * 6000
    few = hub(tmp_path / "few")
    (few / "m0.py").write_text("pass")
    assert "left out: m0.py, LICENSE" in texts(few)[1]


def test_a_few_records_among_sources(tmp_path):
    for i in range(30):
        (tmp_path / f"m{i}.py").write_text("def f(x): pass\n" * 30)
    (tmp_path / "fixture.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "package.json").write_text('{"name": "x"}')
    text, line = texts(tmp_path)
    assert line.startswith("read 31 files of text (.py 30, .json 1); left out: fixture.jsonl")
    assert b'{"text"' not in text


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["test.jsonl", "validation.jsonl"], "the splits test, validation by their names: give"),
        (["train.jsonl", "more.jsonl"], "the splits train by their names, more.jsonl tells none"),
        (
            ["en/train-00000-of-00002.jsonl", "de/train-00000-of-00001.jsonl"],
            r"2 data sets \(de, en\): give one .*--ext jsonl",
        ),
        (["a.jsonl", "a.jsonl.gz"], "holds a.jsonl packed and unpacked"),
        (["a.jsonl", "b.parquet"], "several kinds"),
    ],
)  # fmt: skip
def test_folders_that_could_be_read_in_two_ways(tmp_path, names, says):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        data = lines(text=DOCUMENTS)
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(CorpusError, match=says):
        open_source(tmp_path)


def test_the_ways_out_of_two_readings(tmp_path):
    for name in ("en", "de"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train-00000-of-00001.jsonl").write_bytes(lines(text=DOCUMENTS))
    assert texts(tmp_path, extensions=["jsonl"])[0] == TEXT * 2
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "latest-contest.jsonl").write_bytes(lines(text=DOCUMENTS))
    (tmp_path / "only" / "devices.jsonl").write_bytes(lines(text=DOCUMENTS))
    assert texts(tmp_path / "only")[0] == TEXT * 2  # these words are no splits
    assert texts(tmp_path / "only", kind="text")[0] == lines(text=DOCUMENTS) * 2


def test_shards_of_json_lines_under_json(tmp_path):
    for i in range(2):
        path = tmp_path / f"c4-train.0000{i}-of-00002.json.gz"
        path.write_bytes(gzip.compress(lines(text=DOCUMENTS[i * 150 :][:150], url=DOCUMENTS[:150])))
    value, line = h(tmp_path)
    assert value == gzip_score.h(list(TEXT))
    assert line == "read 2 files of JSON records (.json.gz), field 'text': 300 records; left out: nothing"


def saved(folder, part=""):
    (folder / part).mkdir(parents=True, exist_ok=True)
    arrow(folder / part / "data-00000-of-00001.arrow", pa.table({"text": DOCUMENTS}), pa.ipc.new_stream)
    (folder / part / "dataset_info.json").write_text(json.dumps({"features": {"text": {"dtype": "string"}}}))
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": "train"}
    (folder / part / "state.json").write_text(json.dumps(state))
    return folder


def test_saved_to_disk(tmp_path):
    (saved(tmp_path / "d") / "cache-0123.arrow").write_bytes(b"left over")
    value, line = h(tmp_path / "d")
    assert value == gzip_score.h(list(TEXT))
    assert line.startswith(
        "read 1 file of Arrow (.arrow), column 'text': 300 records; left out: cache-0123.arrow, data"
    )
    (tmp_path / "d" / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(CorpusError, match=r"lists 'data-00000-of-00001\.arrow', which is not there"):
        open_source(tmp_path / "d")


def test_saved_to_disk_with_splits(tmp_path):
    for split in ("train", "test"):
        saved(tmp_path / "d", split)
    (tmp_path / "d" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    text, line = texts(tmp_path / "d")
    assert text == TEXT
    assert "left out: the split test, train/dataset_info.json, train/state.json" in line
    (tmp_path / "d" / "dataset_dict.json").write_text('{"splits": ["a", "test"]}')
    with pytest.raises(CorpusError, match="has the splits a, test: give one of these folders"):
        open_source(tmp_path / "d")
