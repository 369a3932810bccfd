"""Parquet files whose footer is wrong about them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inputs import texts

from ziplaw.errors import CorpusError


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
