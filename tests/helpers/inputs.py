"""Texts and ids in the forms that people bring them in, and what is read of them."""

import bz2
import gzip
import json
import lzma
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import zstandard

from ziplaw.corpora.readers import open_source
from ziplaw.corpora.scoring import score_source

LETTER = "Alpha beta gamma.\nDelta, naïve café 日本語 epsilon\r\n" * 50


def documents_of(source):
    """Documents of a source as {printed name: bytes}."""
    groups = groupby(source.pieces(), lambda pair: pair[0])
    return {str(name): b"".join(piece for _, piece in group) for name, group in groups}


def write(path, data):
    """Write bytes packed as the name says."""
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        half = len(data) // 2
        data = b"".join(zstandard.compress(part) for part in (data[:half], data[half:]))
    path.write_bytes(data)
    return path


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
