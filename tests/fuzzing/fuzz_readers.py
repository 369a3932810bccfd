"""What must hold of every reader for any bytes whatever: one clear line or the right answer, in bounded memory and
time.

Driven by tests/fuzzing/fuzz.py for minutes and by test_fuzz.py briefly, in a process of its own:

    python tests/fuzzing/fuzz_readers.py READER SECONDS RUNS SEED

The bytes under test lie in build/fuzz/reader-READER while they are read; what kills the process is found there.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from itertools import groupby
from pathlib import Path

import fuzz_checks
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import zstandard

from ziplaw.corpora.readers import TextSource, open_source
from ziplaw.errors import CorpusError

BUILD = Path(__file__).parents[2] / "build" / "fuzz"
# address space, of which the libraries take some 700 MB before they have read anything; peak of what is in use
SPACE_BYTES, RESIDENT_BYTES, CASE_S = 6 << 30, 1200 << 20, 30
_LINES = b'{"text": "one two", "id": 1}\n{"text": "drei \\u00e4", "id": 2}\n\n{"text": null}\n{"text": ""}\n'
_CHAT = (
    b'{"messages": [{"role": "user", "content": "hi"}, {"role": "bot", "content": [{"type": "text", "text": "ho"}]}]}\n'
)
_TEXT = b"Alpha beta gamma.\nDelta na\xc3\xafve " * 40
_FRAMES = b"".join(zstandard.ZstdCompressor(write_checksum=True).compress(part) for part in (_TEXT, b"tail"))


def _table():
    texts = [f"row {i} " * (i % 7) for i in range(40)]
    columns = {"text": texts, "n": list(range(40)), "ids": [[i, i + 1] for i in range(40)]}
    columns["data"] = [{"text": text} for text in texts]
    return pa.table(columns)


def _parquet(**options):
    out = io.BytesIO()
    pq.write_table(_table(), out, **options)
    return out.getvalue()


def _arrow(new, **options):
    out = io.BytesIO()
    table = _table()
    with new(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in table.to_batches(max_chunksize=16):
            writer.write_batch(batch)
    return out.getvalue()


def _npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def _llmc(dtype, magic, n=64):
    return np.array([magic, 1, n, *[0] * 253], "<i4").tobytes() + np.arange(n, dtype=dtype).tobytes()


def megatron_index(lengths, code=4, itemsize=4):
    """Bytes of a Megatron index over sequences of these lengths, each a document."""
    ends = np.cumsum(lengths)
    head = b"MMIDIDX\x00\x00" + (1).to_bytes(8, "little") + bytes([code])
    head += len(lengths).to_bytes(8, "little") + (len(lengths) + 1).to_bytes(8, "little")
    pointers = ((ends - lengths) * itemsize).astype("<i8")
    return (
        head
        + np.array(lengths, "<i4").tobytes()
        + pointers.tobytes()
        + np.arange(len(lengths) + 1, dtype="<i8").tobytes()
    )


# reader -> (name of the file, what it may start from); the mutations are of these
READERS = {
    "text": ("a.txt", [_TEXT, b"\xef\xbb\xbfone", _TEXT.decode().encode("utf-16")]),
    "gzip": ("a.txt.gz", [gzip.compress(_TEXT), gzip.compress(b"a") + gzip.compress(b"b")]),
    "zstd": ("a.txt.zst", [_FRAMES, zstandard.compress(bytes(1 << 20).replace(b"\0", b"x"))]),
    "xz": ("a.txt.xz", [lzma.compress(_TEXT), lzma.compress(b"a") + bytes(8) + lzma.compress(b"b")]),
    "bzip2": ("a.txt.bz2", [bz2.compress(_TEXT), bz2.compress(b"a") + bz2.compress(b"b")]),
    "jsonl": ("a.jsonl", [_LINES, _CHAT, b"[1, 2, 3]\n[4]\n", b'{"data": {"text": "deep"}}\n', b"[" * 5000]),
    "json": ("a.json", [b"[" + b",\n".join(_LINES.split(b"\n")[:2]) + b"]", _LINES, b'{"text": "one"}', b"[]"]),
    "parquet": ("a.parquet", [_parquet(), _parquet(use_dictionary=False, compression="zstd", row_group_size=9),
                              _parquet(data_page_version="2.0", compression="none")]),
    "arrow": ("a.arrow", [_arrow(pa.ipc.new_file), _arrow(pa.ipc.new_stream),
                          _arrow(pa.ipc.new_file, compression="zstd")]),
    "npy": ("a.npy", [_npy(np.arange(90)), _npy(np.arange(90, dtype=np.uint16).reshape(9, 10)),
                      _npy(np.zeros((5, 0), int))]),
    "bin": ("a.bin", [np.arange(300, dtype=t).tobytes() for t in ("<u2", "<u4", "<i8")]),
    "llmc": ("a.bin", [_llmc("<u2", 20240520), _llmc("<u4", 20240801)]),
    "megatron": ("a.idx", [megatron_index(np.array([20, 0, 80])), megatron_index(np.array([200]), 8, 2)]),
    "saved": ("state.json", [b'{"_data_files": [{"filename": "a.arrow"}], "_split": "train"}']),
    "pipe": ("pipe", [_LINES, gzip.compress(_LINES), _TEXT, _parquet(), _npy(np.arange(40)), _FRAMES]),
}  # fmt: skip
_UNPACK = {"text": bytes, "gzip": gzip.decompress, "bzip2": bz2.decompress}


def seeds():
    """Reader -> inputs to start from."""
    return {name: list(inputs) for name, (_, inputs) in READERS.items()}


def check(name, data, folder):
    """Read ``data`` by a reader: a CorpusError of one line, or what a reading by other means gives."""
    file = READERS[name][0]
    (folder / file).write_bytes(data)
    path = folder if name == "saved" else folder / file
    if name == "megatron":
        np.arange(100, dtype="<i4").tofile(folder / "a.bin")
        path = folder / "a.bin"
    elif name == "saved":
        (folder / "a.arrow").write_bytes(READERS["arrow"][1][0])
    stream = open(path, "rb") if name == "pipe" else None  # noqa: SIM115
    try:
        source = open_source(f"/dev/fd/{stream.fileno()}" if stream else path)
        if isinstance(source, TextSource):
            got = [b"".join(p for _, p in group) for _, group in groupby(source.pieces(), lambda pair: pair[0])]
            text = b"".join(got)
        else:
            text, got = None, np.asarray(source.tokens)
        line = source.reading()
    except CorpusError as error:
        text, got, line = None, None, str(error)
    finally:
        if stream:
            stream.close()
    assert "\n" not in line.replace(str(folder), ""), f"more than one line: {line!r}"
    assert len(line) < 2000, f"a line of {len(line)} characters"
    if got is not None:
        _compare(name, data, got, text)


def _compare(name, data, got, text):
    if name in _UNPACK:
        assert text == _UNPACK[name](data).removeprefix(b"\xef\xbb\xbf"), "other text than Python unpacks"
    elif name == "xz":
        # Python stumbles over zeros after a stream, which the format allows and the xz tool passes over
        with lzma.open(io.BytesIO(data.rstrip(b"\0"))) as whole:
            assert text.startswith(whole.read().removeprefix(b"\xef\xbb\xbf")), "other text than Python unpacks"
    elif name == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as whole:
            assert text == whole.read().removeprefix(b"\xef\xbb\xbf"), "other text than zstandard unpacks"
    elif name == "jsonl" and text is not None:
        records = [
            json.loads(x.decode("utf-8", "surrogateescape"))
            for x in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
            if x.strip()
        ]
        fields = [list(filter(None, (r.get("text") for r in records)))] if all("text" in r for r in records) else []
        for values in fields:
            if all(isinstance(value, str) for value in values):
                assert text == b"".join(map(_utf8, values)), "other text than json reads"
    elif name == "npy" and got.size:  # numpy loads no array of a type without bytes
        assert np.array_equal(_load(data), got), "other ids than numpy loads"
    elif name == "bin":
        assert got.tobytes() == data, "other ids than are in the file"
    elif name == "llmc":
        assert got.tobytes() in (data, data[1024:]), "other ids than are in the file"
    elif name == "parquet" and text is not None:
        column = pq.read_table(io.BytesIO(data), columns=["text"]).column("text")
        values = filter(None, column.to_pylist())
        assert text == b"".join(v if isinstance(v, bytes) else v.encode() for v in values), (
            "other text than pyarrow reads"
        )


def _load(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of arrays that Python 2 saved
        return np.load(io.BytesIO(data))


def _peak_bytes():
    # not getrusage: its peak begins with that of the process which started this one
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


def _utf8(value):
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that JSON spells out
        return value.encode("utf-8", "surrogatepass")


def main(name, seconds, runs, seed):
    resource.setrlimit(resource.RLIMIT_AS, (SPACE_BYTES, SPACE_BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    BUILD.mkdir(parents=True, exist_ok=True)
    kept, rng, pool = BUILD / f"reader-{name}", np.random.default_rng(seed), seeds()[name]
    end, n = time.monotonic() + seconds, 0
    tempdir = tempfile.mkdtemp(prefix="ziplaw-fuzz-")
    try:
        while n < len(pool) or (time.monotonic() < end and (not runs or n < runs)):
            data = pool[n] if n < len(pool) else fuzz_checks.mutated(rng, pool, 1 << 16)
            kept.write_bytes(data)
            folder = Path(tempdir, "case")
            folder.mkdir()
            signal.alarm(CASE_S)
            check(name, data, folder)
            signal.alarm(0)
            shutil.rmtree(folder)
            used = _peak_bytes()
            assert used < RESIDENT_BYTES, f"{used >> 20} MiB in use"
            n += 1
    finally:
        shutil.rmtree(tempdir, ignore_errors=True)
    kept.unlink()
    print(f"fuzz: reader {name}: {n} inputs, no failure", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
