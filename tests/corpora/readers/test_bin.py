"""Flat files of token ids: bare, of llm.c and of Megatron; and a refusal where their type is in doubt."""

import numpy as np
import pytest
from fuzz_readers import megatron_index
from inputs import IDS, TEXT

from twins import gzip_score
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import open_source, source_files
from ziplaw.corpora.scoring import score_source
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import CorpusError


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


def test_big_endian_ids_without_a_header(tmp_path):
    IDS.astype(">u4").tofile(tmp_path / "a.bin")
    with pytest.raises(CorpusError, match="from the first on: big-endian 32-bit ids"):
        open_source(tmp_path / "a.bin")
    assert len(open_source(tmp_path / "a.bin", dtype="uint16").tokens) == 12_000


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
