"""Records that are lists of token ids."""

import json
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from inputs import IDS, arrow

from twins import gzip_score
from ziplaw.corpora.readers import open_source
from ziplaw.corpora.scoring import score_source
from ziplaw.errors import CorpusError


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
