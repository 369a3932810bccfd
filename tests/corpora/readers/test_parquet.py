"""Parquet files: a column, its nulls, and damage."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inputs import documents_of

from ziplaw.corpora.readers import open_source
from ziplaw.errors import CorpusError


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": [1, 2, 3], "content": ["one", None, "drei ä"]}), path)
    source = open_source(path)
    assert documents_of(source) == {"a.parquet:1": b"one", "a.parquet:3": "drei ä".encode()}
    assert source.notes == {"empty records": 1}
    with pytest.raises(CorpusError, match="column 'n' is int64, must be text"):
        documents_of(open_source(path, text_field="n"))
    with pytest.raises(CorpusError, match="it has: n, content"):
        documents_of(open_source(path, text_field="text"))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CorpusError, match="no readable parquet"):
        documents_of(open_source(path))
