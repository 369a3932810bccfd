"""What can be read only once: standard input, pipes; and devices."""

import json
import lzma
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard
from inputs import DOCUMENTS, IDS, TEXT, arrow, lines

from twins import gzip_score
from ziplaw.corpora.readers import open_source
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import CorpusError


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
