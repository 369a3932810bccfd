"""Every kind of input that people bring: the H of plain Python's gzip, and a line about what was read; or a refusal."""

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard
from fuzz_readers import megatron_index

from twins import gzip_score
from ziplaw.cli import main
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import TextSource, open_source, records, source_files
from ziplaw.corpora.scoring import score_source
from ziplaw.corpora.storage import arrow_limits, packed, parquet_limits
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import CorpusError

DOCUMENTS = [f"On day {i} the {i * 7 % 13} sailors saw {i * i % 101} whales, naïve ones.\n" for i in range(300)]
TEXT = "".join(DOCUMENTS).encode()
IDS = np.random.default_rng(0).geometric(0.02, 6000)


def texts(path, **options):
    source = open_source(path, **options)
    return b"".join(piece for _, piece in source.pieces()), source.reading()


def h(path, **options):
    """H of a path by bytes, and the line about it."""
    source = open_source(path, **options)
    return score_source(source, "bytes", threads=1)["H"], source.reading()


def lines(**columns):
    return "".join(json.dumps(dict(zip(columns, row))) + "\n" for row in zip(*columns.values())).encode()


def arrow(path, table, new=pa.ipc.new_file, **options):
    with new(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=70)


CHAT = [[{"role": "user", "content": text[:9]}, {"role": "bot", "content": text[9:]}] for text in DOCUMENTS]
CHAT_TEXT = b"".join(f"{text[:9]}\n\n{text[9:]}".encode() for text in DOCUMENTS)
RECORDS = {
    "a.jsonl": lines(text=DOCUMENTS, id=range(300)),
    "A.JSONL": lines(text=DOCUMENTS, id=range(300)),
    "b.ndjson.gz": gzip.compress(lines(content=DOCUMENTS)),
    "c.json": lines(text=DOCUMENTS, id=range(300)),
    "array.json": json.dumps([{"id": i, "text": text} for i, text in enumerate(DOCUMENTS)], indent=1).encode(),
    "one.json.xz": lzma.compress(json.dumps([{"text": text} for text in DOCUMENTS]).encode()),
    "d.jsonl.bz2": bz2.compress(lines(text=DOCUMENTS)),
    "crlf.jsonl": b"\xef\xbb\xbf" + lines(text=DOCUMENTS).replace(b"\n", b"\r\n"),
    "only.jsonl": lines(id=range(300), body=DOCUMENTS),
}


@pytest.mark.parametrize("name", RECORDS)
def test_json(tmp_path, name):
    (tmp_path / name).write_bytes(RECORDS[name])
    value, line = h(tmp_path / name)
    assert value == gzip_score.h(list(TEXT))
    field = {"only.jsonl": "'body' (the only field of text)", "b.ndjson.gz": "'content'"}.get(name, "'text'")
    assert line == f"read JSON records, field {field}: 300 records; left out: nothing"


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".xz", ".bz2"])
def test_packed_text(tmp_path, suffix):
    pack = {".gz": gzip.compress, ".zst": zstandard.compress, ".xz": lzma.compress, ".bz2": bz2.compress}[suffix]
    (tmp_path / f"a.txt{suffix}").write_bytes(pack(TEXT[:5000]) + pack(TEXT[5000:]))
    assert h(tmp_path / f"a.txt{suffix}") == (gzip_score.h(list(TEXT)), "read one text; left out: nothing")
    (tmp_path / f"a.txt{suffix}").write_bytes(pack(TEXT)[:-9])
    with pytest.raises(CorpusError, match="fetch it again"):
        texts(tmp_path / f"a.txt{suffix}")


def test_padding_and_skippable_frames(tmp_path):
    (tmp_path / "a.xz").write_bytes(lzma.compress(b"one") + bytes(8) + lzma.compress(b"two") + bytes(4))
    skipped = (0x184D2A53).to_bytes(4, "little") + (5).to_bytes(4, "little") + b"12345"
    frame = zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compress(b"two")
    (tmp_path / "a.zst").write_bytes(skipped + zstandard.compress(b"one") + frame + skipped)
    assert texts(tmp_path / "a.xz")[0] == texts(tmp_path / "a.zst")[0] == b"onetwo"


def test_xz_that_asks_for_much_memory(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29, "mode": lzma.MODE_FAST, "mf": lzma.MF_HC3}]
    data = bytearray(lzma.compress(b"x" * 100, filters=[filters[0] | {"dict_size": 1 << 20}]))
    (tmp_path / "a.xz").write_bytes(data)
    assert texts(tmp_path / "a.xz")[0] == b"x" * 100
    import binascii

    data[16] = 39  # the dictionary's size: 3 GiB; then the header's checksum
    data[20:24] = binascii.crc32(bytes(data[12:20])).to_bytes(4, "little")
    (tmp_path / "a.xz").write_bytes(data)
    with pytest.raises(CorpusError, match=r"no readable xz file \(Memory usage limit"):
        texts(tmp_path / "a.xz")


def columns():
    plain = pa.array(DOCUMENTS)
    yield "string", plain
    yield "large", plain.cast(pa.large_string())
    yield "binary", plain.cast(pa.binary())
    yield "large binary", plain.cast(pa.large_binary())
    yield "dictionary", plain.dictionary_encode()
    yield "view", plain.cast(pa.string_view())


@pytest.mark.parametrize("new", [pa.ipc.new_file, pa.ipc.new_stream, "feather", "zstd", "parquet"])
@pytest.mark.parametrize(("kind", "column"), list(columns()))
def test_columns(tmp_path, kind, column, new):
    table = pa.table({"n": list(range(300)), "text": column})
    path = tmp_path / ("a.parquet" if new == "parquet" else "a.arrow")
    if new == "parquet":
        pq.write_table(table, path)
    elif new == "feather":
        pyarrow.feather.write_feather(table, path)
    elif new == "zstd":
        arrow(path, table, compression="zstd")
    else:
        arrow(path, table, new)
    value, line = h(path)
    assert value == gzip_score.h(list(TEXT))
    assert line == f"read {path.suffix[1:]} records, column 'text': 300 records; left out: nothing"


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


def test_tables_without_rows(tmp_path):
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet") == (b"", "read parquet records, column 'text': 0 records; left out: nothing")
    pq.write_table(pa.table({"text": pa.nulls(5)}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet")[1].endswith("left out: empty records: 5")
    (tmp_path / "a.jsonl").write_bytes(b"")
    assert texts(tmp_path / "a.jsonl")[0] == b""


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


@pytest.mark.parametrize("kind", ["jsonl", "bare.jsonl", "parquet", "arrow"])
def test_records_of_ids(tmp_path, kind):
    cuts = [0, 100, 100, 2100, 6000]
    rows = [IDS[a:b].tolist() for a, b in pairwise(cuts)]
    path = tmp_path / f"a.{kind}"
    if kind.endswith("jsonl"):
        path.write_text("".join(json.dumps(r if "bare" in kind else {"input_ids": r}) + "\n" for r in rows))
    else:
        table = pa.table({"input_ids": pa.array(rows, pa.list_(pa.int32())), "length": list(map(len, rows))})
        pq.write_table(table, path) if kind == "parquet" else arrow(path, table)
    source = open_source(path)
    assert score_source(source, threads=1)["H"] == gzip_score.h(IDS.tolist())
    assert source.documents.tolist() == [0, 100, 2100, 6000]
    assert source.reading().endswith("6000 token ids in 3 documents; left out: empty records: 1")


@pytest.mark.parametrize(
    "bad", [[1, -1], [1, 2.5], [1, "a"], [1, 1 << 31], [1, 1 << 70], [1, [2]], [True, 2], {"a": 1}]
)
def test_ids_that_are_none(tmp_path, bad):
    (tmp_path / "a.jsonl").write_text('{"input_ids": [1, 2]}\n' + json.dumps({"input_ids": bad}) + "\n")
    if bad == [True, 2]:
        assert open_source(tmp_path / "a.jsonl").tokens.tolist() == [1, 2, 1, 2]  # as numpy has it
        return
    with pytest.raises(CorpusError, match="line 2: field 'input_ids' is no list of token ids from 0 to 2147483647"):
        open_source(tmp_path / "a.jsonl")


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


def hub(folder, splits=("train",), sources=0):
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("# A data set\n" * 300)
    (folder / "LICENSE").write_text("Do as you like.")
    (folder / "dataset_infos.json").write_text('{"default": {"text": "x"}}')
    for i in range(sources):
        (folder / f"m{i}.py").write_text("def f(x): pass\n" * 30)
    for split in splits:
        pq.write_table(pa.table({"text": DOCUMENTS}), folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


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
        (["en/train-00000-of-00002.jsonl", "de/train-00000-of-00001.jsonl"], r"2 data sets \(de, en\): give one .*--ext jsonl"),
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


@pytest.mark.parametrize(("code", "dtype"), [(1, "u1"), (3, "<i2"), (4, "<i4"), (5, "<i8"), (8, "<u2")])
def test_megatron(tmp_path, code, dtype):
    ids = IDS % 250
    ids.astype(dtype).tofile(tmp_path / "a.bin")
    lengths = np.array([1000, 0, 2000, 3000])
    (tmp_path / "a.idx").write_bytes(megatron_index(lengths, code, np.dtype(dtype).itemsize))
    source = open_source(tmp_path / "a.bin")
    assert score_source(source, threads=1)["H"] == gzip_score.h(ids.tolist())
    assert source.documents.tolist() == [0, 1000, 3000, 6000]
    assert source.reading() == (
        f"read 6000 ids, {np.dtype(dtype).name} in 3 documents (Megatron's index a.idx); left out: nothing"
    )
    assert source_files(tmp_path / "a.bin") == [tmp_path / "a.bin", tmp_path / "a.idx"]
    with pytest.raises(CorpusError, match=r"--dtype is uint32, the index a\.idx says"):
        open_source(tmp_path / "a.bin", dtype="uint32")
    with pytest.raises(CorpusError, match=r"is an index: give the \.bin"):
        open_source(tmp_path / "a.idx")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda d: b"TNTIDX\x00\x00" + d[8:], "is none of Megatron's"),
        (lambda d: d[:9] + b"\x02" + d[10:], "has version 2"),
        (lambda d: d[:17] + b"\x06" + d[18:], "and type 6, must be"),
        (lambda d: d[:60], "promises 2 sequences, which take"),
        (lambda d: d[:18] + b"\xff" * 8 + d[26:], "was cut short"),
        (lambda d: d[:34] + b"\x07" + d[35:], "the file has 24000"),
        (lambda d: d[:34] + (-5).to_bytes(4, "little", signed=True) + d[38:], "has a sequence of -5 ids"),
        (lambda d: d[:42] + b"\x08" + d[43:], "sequences out of order"),
        (lambda d: d[:58] + b"\x01" + d[59:], "documents out of order"),
        (lambda d: d[:5], "is none of Megatron's"),
    ],
)
def test_a_damaged_index(tmp_path, damage, says):
    IDS.astype("<i4").tofile(tmp_path / "a.bin")
    (tmp_path / "a.idx").write_bytes(damage(megatron_index(np.array([2000, 4000]))))
    with pytest.raises(CorpusError, match=says):
        open_source(tmp_path / "a.bin")


def test_a_field_may_have_an_empty_name(tmp_path):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"": text}) + "\n" for text in DOCUMENTS))
    for options in ({}, {"text_field": ""}):
        found, reading = texts(tmp_path / "a.jsonl", **options)
        assert found == TEXT
        assert "field ''" in reading
    pq.write_table(pa.table({"": DOCUMENTS}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet")[0] == TEXT


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_two_columns_of_one_name(tmp_path, kind):
    table = pa.table([pa.array(DOCUMENTS), pa.array(DOCUMENTS[::-1]), pa.array(IDS[:300])], names=["text", "text", "n"])
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(table, path)
    else:
        pyarrow.feather.write_feather(table, path, compression="uncompressed")
    with pytest.raises(CorpusError, match="has 2 columns 'text': rename one of them"):
        texts(path)


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("order", ["le", "be"])
def test_the_remedy_for_a_text_of_wide_letters_is_the_right_one(tmp_path, bits, order):
    data = ("\ufeff" + DOCUMENTS[0]).encode(f"utf-{bits}-{order}")
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(CorpusError, match=f"iconv -f UTF-{bits} -t") as caught:
        texts(tmp_path / "a.txt")
    assert f"is UTF-{bits}:" in str(caught.value)


def llmc(path, magic, dtype, promised=6000, tail=b""):
    head = np.zeros(256, "<i4")
    head[:3] = magic, 7, promised
    path.write_bytes(head.tobytes() + IDS.astype(dtype).tobytes() + tail)


@pytest.mark.parametrize(("magic", "dtype"), [(20240520, "<u2"), (20240801, "<u4")])
def test_llmc(tmp_path, magic, dtype):
    llmc(tmp_path / "a.bin", magic, dtype)
    source = open_source(tmp_path / "a.bin")
    assert score_source(source, threads=1)["H"] == gzip_score.h(IDS.tolist())
    assert f"read 6000 ids, {np.dtype(dtype).name} (header of llm.c, version 7)" in source.reading()
    with pytest.raises(CorpusError, match="--dtype is int64, the header"):
        open_source(tmp_path / "a.bin", dtype="int64")
    for promised, tail in ((6001, b""), (5999, b""), (-1, b""), (6000, b"x")):
        llmc(tmp_path / "a.bin", magic, dtype, promised, tail)
        with pytest.raises(CorpusError, match=f"promises {promised} ids, the file has 6000"):
            open_source(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("ids", "dtype", "says"),
    [
        (IDS, "<i4", "every second id is 0: 32-bit ids"),
        (IDS * 400, "<u4", r"every second id is below \d: 32-bit ids"),
        (IDS, "<i8", "three of four ids are 0: 64-bit ids"),
    ],
)
def test_wide_ids_without_a_header(tmp_path, ids, dtype, says):
    ids.astype(dtype).tofile(tmp_path / "a.bin")
    with pytest.raises(CorpusError, match=f"{says}. Then --dtype"):
        open_source(tmp_path / "a.bin")
    name = {"<i4": "uint32", "<u4": "uint32", "<i8": "int64"}[dtype]
    source = open_source(tmp_path / "a.bin", dtype=name)
    assert score_source(source, threads=1)["H"] == gzip_score.h(ids.tolist())
    assert len(open_source(tmp_path / "a.bin", dtype="uint16").tokens) == 6000 * np.dtype(dtype).itemsize // 2


@pytest.mark.parametrize("form", ["{}\n{}\n", "[{}, {}]"])
def test_a_key_that_stands_twice_in_a_record(tmp_path, form):
    twice = '{"text": "what was meant", "meta": {"a": 1, "b": 1}, "text": ""}'
    (tmp_path / "a.jsonl").write_text(form.format('{"text": "good"}', twice))
    with pytest.raises(CorpusError, match=r"a.jsonl (line|record) 2 is not valid JSON \(the key 'text' stands twice"):
        open_source(tmp_path / "a.jsonl")


def test_big_endian_ids_without_a_header(tmp_path):
    IDS.astype(">u4").tofile(tmp_path / "a.bin")
    with pytest.raises(CorpusError, match="from the first on: big-endian 32-bit ids"):
        open_source(tmp_path / "a.bin")
    assert len(open_source(tmp_path / "a.bin", dtype="uint16").tokens) == 12_000


@pytest.mark.parametrize("beyond", [b"\0", IDS.tobytes()])
def test_an_array_that_the_file_goes_on_after(tmp_path, beyond):
    with open(tmp_path / "a.npy", "wb") as stream:
        np.save(stream, IDS)
        stream.write(beyond)
    with pytest.raises(CorpusError, match=f"goes on for {len(beyond)} bytes after its array of 6000 ids"):
        open_source(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "ids", [IDS, IDS % 4, IDS % 2, np.zeros(500), IDS + 60_000, np.arange(6000), np.arange(12) * 0]
)
def test_narrow_ids_are_not_taken_for_wide_ones(tmp_path, ids):
    ids.astype("<u2").tofile(tmp_path / "a.bin")
    source = open_source(tmp_path / "a.bin")
    assert (source.tokens == ids.astype("<u2")).all()
    assert "uint16 (the default: no header, no index)" in source.reading()


@pytest.mark.parametrize("data", [b"PK\x03\x04" + bytes(90), b"\x1f\x8b\x08" + bytes(90), b"GGUF" * 20, TEXT[:40]])
def test_what_goes_by_bin_and_is_no_ids(tmp_path, data):
    (tmp_path / "a.bin").write_bytes(data)
    with pytest.raises(CorpusError, match="--dtype"):
        open_source(tmp_path / "a.bin")
    assert open_source(tmp_path / "a.bin", dtype="uint8").tokens.tobytes() == data


def test_documents_of_ids_are_documents_of_an_import(tmp_path):
    ids = np.arange(6000) % 500
    ids.astype("<i4").tofile(tmp_path / "a.bin")
    (tmp_path / "a.idx").write_bytes(megatron_index(np.full(60, 100)))
    import_corpus(open_source(tmp_path / "a.bin"), tmp_path / "c", n_valid=4, context=10)
    corpus = open_corpus(tmp_path / "c")
    assert corpus.meta["source"]["sources"] <= 60
    # a zero stands after each document, and nowhere else
    flat = corpus.train.ravel().astype(int)
    after = flat[1:][(flat[:-1] > 0) & (flat[1:] != flat[:-1] + 1)]
    assert (after == 0).mean() > 0.9


def score(*arguments, **options):
    command = [sys.executable, "-m", "ziplaw", "score", *map(str, arguments), "--tokenizer", "bytes"]
    return subprocess.run(command, capture_output=True, check=False, **options)


@pytest.mark.parametrize(
    ("name", "says"),
    [("a.jsonl", "JSON records"), ("a.jsonl.zst", "JSON records"), ("a.parquet", "parquet"), ("a.arrow", "arrow"),
     ("a.npy", "6000 ids, int64"), ("a.txt", "one text"), ("a.txt.xz", "one text")],
)  # fmt: skip
@pytest.mark.parametrize("way", ["pipe", "file"])
def test_standard_input(tmp_path, name, says, way):
    table = pa.table({"text": DOCUMENTS})
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(table, path)
    elif name == "a.arrow":
        arrow(path, table, pa.ipc.new_stream)
    elif name == "a.npy":
        np.save(path, IDS)
    else:
        data = lines(text=DOCUMENTS) if "jsonl" in name else TEXT
        path.write_bytes({".zst": zstandard.compress, ".xz": lzma.compress}.get(path.suffix, bytes)(data))
    with open(path, "rb") as stream:
        given = {"stdin": stream} if way == "file" else {"input": stream.read()}
        done = score("/dev/stdin", "--json", **given)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["H"] == gzip_score.h(list(IDS if name == "a.npy" else TEXT))
    assert says in done.stderr.decode()


def test_pipes_leave_nothing_behind(tmp_path):
    command = f"{sys.executable} -m ziplaw score <(printf 'words %.0s' $(seq 900)) --tokenizer bytes"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, env=os.environ | {"TMPDIR": str(tmp_path)}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "says"), [("/dev/null", "neither a file nor a folder nor a pipe"), ("/dev/zero", "neither a file")]
)
def test_devices(path, says):
    with pytest.raises(CorpusError, match=says):
        open_source(path)


def test_import_through_a_pipe_reads_twice(tmp_path):
    command = [sys.executable, "-m", "ziplaw", "import", "/dev/stdin", "--tokenizer", "bytes", "--valid-documents", "4"]
    done = subprocess.run([*command, "--context", "64", "-o", tmp_path / "c"], input=lines(text=DOCUMENTS),
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"/dev/stdin: read JSON records, field 'text': 300 records; left out: nothing" in done.stderr
    assert open_corpus(tmp_path / "c").meta["source"]["field"] == "text"


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


RUN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from ziplaw.cli import main
try:
    main(["score", *sys.argv[1:], "--tokenizer", "bytes"])
finally:
    # not getrusage: its peak begins with that of the process which started this one
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print("peak MiB", int(peak) >> 10, file=sys.stderr)
"""


def bomb(path):
    """Write a small file that unpacks to gigabytes."""
    block = b"x" * (1 << 24)
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"text": pa.array(["x" * (1 << 23)]).take(pa.array([0] * 40))}), path)
        return
    pack = {".zst": zstandard.compress, ".xz": lzma.compress, ".bz2": bz2.compress}[path.suffix]
    path.write_bytes(pack(block) * 640)


@pytest.mark.parametrize("name", ["a.txt.zst", "a.jsonl.zst", "a.txt.xz", "a.txt.bz2", "a.parquet"])
def test_bombs(tmp_path, name):
    bomb(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / name)], capture_output=True, text=True, timeout=120, check=False
    )
    says = {
        "a.txt.zst": "to over 5000 times its size",
        "a.txt.bz2": "to over 5000",
        "a.jsonl.zst": "longer than 67108864 bytes",
    }
    if name in says:
        assert done.returncode == 2
        assert says[name] in done.stderr
    assert "Traceback" not in done.stderr
    assert int(done.stderr.split("peak MiB ")[1]) < 700


def test_pages_batches_and_rows_that_are_too_large(tmp_path, monkeypatch):
    table = pa.table({"text": ["x" * 20_000] * 5, "ids": pa.array([[7] * 5000] * 5)})
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=False)
    arrow(tmp_path / "a.arrow", table, compression="zstd")
    monkeypatch.setattr(parquet_limits, "MAX_PAGE_BYTES", 50_000)
    with pytest.raises(CorpusError, match=r"a page of 1000\d\d bytes unpacked, at most 50000 are read"):
        texts(tmp_path / "a.parquet", text_field="text")
    monkeypatch.setattr(arrow_limits, "MAX_BATCH_BYTES", 50_000)
    with pytest.raises(CorpusError, match=r"a batch of \d+ bytes unpacked, at most 50000 are read"):
        texts(tmp_path / "a.arrow", text_field="text")
    pq.write_table(table, tmp_path / "a.parquet")
    monkeypatch.setattr(parquet_limits, "_FREE_VALUES", 1000)
    monkeypatch.setattr(parquet_limits, "_MAX_VALUES_A_BYTE", 1)
    with pytest.raises(CorpusError, match=r"25000 values in \d+ bytes"):
        open_source(tmp_path / "a.parquet", text_field="ids")
    monkeypatch.setattr(records, "FREE_BYTES", 50_000)
    monkeypatch.setattr(records, "MAX_RATIO", 1)
    with pytest.raises(CorpusError, match="row 3: the file unpacks to over 1 times its size"):
        texts(tmp_path / "a.parquet", text_field="text")


def test_arrow_that_is_damaged(tmp_path):
    arrow(tmp_path / "a.arrow", pa.table({"text": DOCUMENTS}))
    whole = (tmp_path / "a.arrow").read_bytes()
    for data in (whole[:-6], whole[:100], b"ARROW1", b"", b"nonsense" * 9):
        (tmp_path / "a.arrow").write_bytes(data)
        with pytest.raises(CorpusError, match=r"a\.arrow is no (readable|whole) arrow file"):
            texts(tmp_path / "a.arrow")


def test_an_array_that_a_brace_closes_is_damaged(tmp_path):
    (tmp_path / "a.jsonl").write_text('[{"text": "deep"}}\n')
    with pytest.raises(CorpusError, match="closes its JSON array by a brace after record 1: mend it"):
        texts(tmp_path / "a.jsonl")


def test_a_footer_that_gives_other_rows_than_the_pages_is_damaged(tmp_path):
    # pyarrow reads such a file in two ways: other rows by batches than at once
    rows = pa.table({"text": [f"row {i} " * 9 for i in range(9)]})
    pq.write_table(rows, tmp_path / "a.parquet")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    nine, four = bytes([0x16, 9 << 1]), bytes([0x16, 4 << 1])  # Thrift's i64 after the field before: 9, 4
    assert data.count(nine, start) >= 2  # rows of the file, values of the column, rows of the group
    data[start:] = data[start:].replace(nine, four)
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.parquet is no readable parquet file \(its footer"):
        texts(tmp_path / "a.parquet")
