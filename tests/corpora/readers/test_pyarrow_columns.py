"""Files with columns, whatever their type: one H; and what would take too much memory."""

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from inputs import DOCUMENTS, IDS, TEXT, arrow, h, texts

from twins import gzip_score
from ziplaw.corpora.readers import open_source, pyarrow_columns
from ziplaw.corpora.storage import arrow_limits, parquet_limits
from ziplaw.errors import CorpusError


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


def test_tables_without_rows(tmp_path):
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet") == (b"", "read parquet records, column 'text': 0 records; left out: nothing")
    pq.write_table(pa.table({"text": pa.nulls(5)}), tmp_path / "a.parquet")
    assert texts(tmp_path / "a.parquet")[1].endswith("left out: empty records: 5")
    (tmp_path / "a.jsonl").write_bytes(b"")
    assert texts(tmp_path / "a.jsonl")[0] == b""


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
    monkeypatch.setattr(pyarrow_columns, "FREE_BYTES", 50_000)
    monkeypatch.setattr(pyarrow_columns, "MAX_RATIO", 1)
    with pytest.raises(CorpusError, match="row 3: the file unpacks to over 1 times its size"):
        texts(tmp_path / "a.parquet", text_field="text")
