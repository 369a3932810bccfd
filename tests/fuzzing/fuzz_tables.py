"""What must hold of tables of runs for any bytes whatever: one clear line or the right answer, in bounded time."""

import csv
import gzip
import io
import json
import lzma
import tempfile
import time
from pathlib import Path

import numpy as np
import zstandard

import ziplaw
from ziplaw.errors import ZiplawError
from ziplaw.tables.any_file import read_table

CASE_S = 20
PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"BZh")
_ROWS = [(10**7 * (i + 1), 10**9 * (i % 3 + 1), 4 - i / 50) for i in range(9)]


def table(data):
    """A table is refused by one line, or read: the same packed, the same by Python's csv where that is plain."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        seen = []
        once = data.startswith(PACKED)  # what is packed twice is no table
        for pack in (bytes,) if once else (bytes, gzip.compress, zstandard.compress, lzma.compress):
            path.write_bytes(pack(data))
            seen.append(_read(path))
        assert seen.count(seen[0]) == len(seen), f"packed and plain differ: {seen}"
        rows = _plain(data)
        if rows is not None:
            assert seen[0] == rows, f"{seen[0]} where Python's csv reads {rows}"
        path.write_bytes(data)
        for where in ([], ["N>1e7"], ["C<1e21", "loss!=nan"]):
            _use(path, where)
    took = time.monotonic() - start
    assert took < CASE_S, f"took {took:.0f} s"


def _read(path):
    """The rows, or the line of the refusal."""
    try:
        return json.dumps(read_table(path).rows)
    except ZiplawError as error:
        return _line(error)


def _line(error):
    text = str(error)
    assert len(text.splitlines()) == 1, f"more than a line: {text}"
    assert len(text) < 2000, f"a line of {len(text)} characters"
    return text


def _use(path, where):
    try:
        runs = ziplaw.read_runs(path, where=where, drop_nan=True)
    except ZiplawError as error:
        _line(error)
        return
    for column in runs.columns.values():
        assert column.shape == (len(runs.rows),)
        assert np.isfinite(column).all()


def _plain(data):
    """Rows as JSON by Python's csv, where nothing about the table is in doubt; None elsewhere."""
    lines = data.splitlines(keepends=True)
    if not data.startswith(b"N,D,loss\n") or not all(set(line) <= set(b"0123456789.e,\n") for line in lines[1:]):
        return None
    rows = list(csv.reader(io.StringIO(data.decode())))
    if len(rows) < 3 or any(len(row) != 3 or not all(row) for row in rows):
        return None
    return json.dumps([dict(zip(rows[0], row)) for row in rows[1:]])


def seeds():
    """Tables in every form to start from."""
    plain = "N,D,loss\n" + "".join(",".join(map(str, row)) + "\n" for row in _ROWS)
    records = [dict(zip(("params_M", "tokens", "val_bpb"), row)) for row in _ROWS]
    texts = [plain, plain.replace(",", ";").replace(".", ","), "sep=;\n" + plain.replace(",", ";"), "# a\n# " + plain]
    texts += [plain.replace(",", "\t"), "|" + plain.replace(",", "|").replace("\n", "|\n|"), plain.replace(",", "  ")]
    texts += ["\n".join(map(json.dumps, records)), json.dumps(records), json.dumps({"runs": records})]
    texts += [json.dumps({name: [row[name] for row in records] for name in records[0]})]
    texts += ['params,flops,val/loss,loss,x\n"1,300,000",1e18,3.1,2,a\n64k,2^60,nan,3,"b\n"\n1.3B,1e19,2.5,,007\n']
    packed = [gzip.compress(plain.encode()), zstandard.compress(plain.encode()), lzma.compress(plain.encode())]
    return [*(text.encode() for text in texts), plain.encode("utf-16"), plain.encode("utf-16-be"), *packed, *_parquet()]


def _parquet():
    import pyarrow as pa
    import pyarrow.parquet as pq

    for options in ({}, {"compression": "zstd", "use_dictionary": False}):
        out = io.BytesIO()
        columns = {name: [row[i] for row in _ROWS] for i, name in enumerate(("N", "D", "loss"))}
        pq.write_table(pa.table(columns | {"name": ["a"] * len(_ROWS)}), out, **options)
        yield out.getvalue()
