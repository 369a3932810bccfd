"""Packed files: whole, damaged, and small ones that unpack to gigabytes."""

import bz2
import gzip
import lzma
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from inputs import TEXT, documents_of, h, texts, write

from twins import gzip_score
from ziplaw.corpora.readers import open_source
from ziplaw.errors import CorpusError


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("damage", [lambda d: d[: len(d) // 3], lambda d: b"nonsense" + d, lambda d: d[:-1]])
def test_damaged_packed_file(tmp_path, suffix, damage):
    path = write(tmp_path / f"a.txt{suffix}", os.urandom(5000).hex().encode())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorpusError, match=f"a.txt{suffix} .*(fetch it again|unpack it)"):
        documents_of(open_source(path))


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
