"""Speed of the gzip sizes beside what else computes them: microseconds per document of 256 tokens, one core.

    python bench/cores/core_scorer.py --out core_scorer.csv

Peers: the paper's loop (bytes of every token, a gzip.GzipFile on a BytesIO per document); Python's zlib.compress per
document; zlib itself in a C loop that resets one stream (compiled here with `cc`, left out where there is no zlib.h).
Where installed, for comparison only because their sizes are not H: zlib-ng, ISA-L, libdeflate (`deflate`), zstandard.
All start from the same uint16 tokens (the paper's from lists) and take turns; medians over the repeats. Times are
processor time, which other processes disturb less than wall time; the row with two threads is wall time against
ziplaw's wall time on one, the best of many turns each.
"""

from __future__ import annotations

import argparse
import ctypes
import gzip
import importlib
import io
import statistics
import subprocess
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

import ziplaw
from ziplaw.base.documents import progress, write_csv

DOCUMENTS = 1000
REPEATS = 5
# wall times are short and any other process disturbs them: the best of many, of more documents
WALL_DOCUMENTS = 8000
WALL_REPEATS = 15
QUICK = {"documents": 30, "repeats": 1, "wall_repeats": 1}
LOOP = """
#include <zlib.h>
int sizes(unsigned char *data, long width, long n, long *out)
{
    static unsigned char room[1 << 20];
    z_stream s = {0};
    if (deflateInit2(&s, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) return -1;
    for (long i = 0; i < n; i++) {
        deflateReset(&s);
        s.next_in = data + i * width;
        s.avail_in = width;
        s.next_out = room;
        s.avail_out = sizeof room;
        if (deflate(&s, Z_FINISH) != Z_STREAM_END) return -1;
        out[i] = s.total_out;
    }
    return deflateEnd(&s);
}
"""


def paper(tokens):
    """What the published code does with a document, which there is a list of Python integers."""
    sizes = []
    for row in tokens:
        data = b"".join(int.to_bytes(token, length=4, byteorder="big", signed=True) for token in row)
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb") as stream:
            stream.write(data)
        sizes.append(buffer.tell())
    return sizes


def each(compress, overhead):
    """A loop over the documents with a one-call compressor; overhead makes a gzip member of what it returns."""

    def sizes(tokens):
        return [overhead + len(compress(row)) for row in map(bytes, tokens.astype(">i4"))]

    return sizes


def c_zlib():
    """The C loop, or None without a compiler or zlib's header."""
    folder = Path(tempfile.mkdtemp())
    (folder / "loop.c").write_text(LOOP)
    command = ["cc", "-O3", "-shared", "-fPIC", "-o", str(folder / "loop.so"), str(folder / "loop.c"), "-lz"]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    loop = ctypes.CDLL(str(folder / "loop.so"))
    pointer = np.ctypeslib.ndpointer(flags="C")
    loop.sizes.argtypes = [pointer, ctypes.c_long, ctypes.c_long, pointer]

    def sizes(tokens):
        data = tokens.astype(">i4")
        out = np.empty(len(data), dtype=np.int64)
        assert loop.sizes(data, data.shape[1] * 4, len(data), out) == 0
        return out

    return sizes


def methods():
    """Name of every method that can run here, and its function from tokens to sizes."""
    found = {
        "ziplaw": lambda tokens: ziplaw.gzip_sizes(tokens, threads=1),
        "paper's loop": paper,
        "Python zlib": each(lambda data: zlib.compress(data, 9, -15), 18),
        "C zlib": c_zlib(),
    }
    peers = {
        "zlib-ng 9": ("zlib_ng.zlib_ng", lambda m: each(lambda data: m.compress(data, 9, -15), 18)),
        "ISA-L 3": ("isal.isal_zlib", lambda m: each(lambda data: m.compress(data, 3, -15), 18)),
        "libdeflate 9": ("deflate", lambda m: each(lambda data: m.deflate_compress(data, 9), 18)),
        "zstd 19": ("zstandard", lambda m: each(m.ZstdCompressor(level=19).compress, 0)),
    }
    for name, (module, make) in peers.items():
        try:
            found[name] = make(importlib.import_module(module))
        except ImportError:
            continue
    return {name: function for name, function in found.items() if function is not None}


def timed(clock, function, *arguments, **options):
    begin = clock()
    result = function(*arguments, **options)
    return clock() - begin, result


def rows(documents=DOCUMENTS, repeats=REPEATS, wall_repeats=WALL_REPEATS):
    """Return one row for every preset and method, and one for two threads.

    Columns: preset, method, us_per_document, documents_per_s, H (median ratio), same_sizes (as gzip.compress), and the
    speed of ziplaw against the method, `ziplaw_is_faster`.
    """
    table = []
    found = methods()
    presets = [name for name, preset in ziplaw.PRESETS.items() if preset["group"] == "main"]
    for preset in progress(presets, desc="presets"):
        grammar = ziplaw.random_grammar(*ziplaw.PRESETS[preset]["shape"], seed=0)
        tokens = ziplaw.sample(grammar, documents, seed=0)
        want = np.array([len(gzip.compress(row.astype(">i4").tobytes(), 9)) for row in tokens])
        lists = tokens.tolist()
        ziplaw.gzip_sizes(tokens[:1], threads=1)  # the self-check of the first use, 20 ms a process, stands outside
        seconds, sizes, walls = {name: [] for name in found}, {}, {1: [], 2: []}
        for _ in range(repeats):
            for name, function in found.items():
                used, sizes[name] = timed(time.process_time, function, lists if function is paper else tokens)
                seconds[name].append(used)
        many = ziplaw.sample(grammar, max(documents, WALL_DOCUMENTS if documents >= DOCUMENTS else 0), seed=0)
        same = ziplaw.gzip_sizes(many, threads=1)
        for turn in range(2 * wall_repeats):
            threads = 1 + turn % 2
            used, found_sizes = timed(time.perf_counter, ziplaw.gzip_sizes, many, threads=threads)
            walls[threads].append(used)
            assert np.array_equal(found_sizes, same)
        median = {name: statistics.median(used) / documents for name, used in seconds.items()}
        for name, used in median.items():
            table.append(
                {
                    "preset": preset,
                    "method": name,
                    "us_per_document": round(1e6 * used, 2),
                    "documents_per_s": round(1 / used),
                    "H": float(np.median(sizes[name]) / (4 * tokens.shape[1])),
                    "same_sizes": bool(np.array_equal(sizes[name], want)),
                    "ziplaw_is_faster": round(used / median["ziplaw"], 2),
                }
            )
        one, two = (min(walls[threads]) / len(many) for threads in (1, 2))
        table.append(
            {
                "preset": preset,
                "method": "ziplaw, 2 threads (wall)",
                "us_per_document": round(1e6 * two, 2),
                "documents_per_s": round(1 / two),
                "same_sizes": True,
                "ziplaw_is_faster": round(two / one, 2),
            }
        )
    return table


def main():
    """Print the table, then the medians over the presets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--out", help="CSV with the rows")
    arguments = parser.parse_args()
    table = rows(arguments.documents, arguments.repeats)
    for row in table:
        print("{preset:8} {method:26} {us_per_document:9.2f} us {documents_per_s:8} documents/s".format(**row), end="")
        print(f"  {row['ziplaw_is_faster']:6.2f}  {'same sizes' if row['same_sizes'] else 'other sizes'}")
    for method in dict.fromkeys(row["method"] for row in table):
        ratios = [row["ziplaw_is_faster"] for row in table if row["method"] == method]
        print(f"ziplaw against {method}: {statistics.median(ratios):.2f} times as fast (median over presets)")
    if arguments.out:
        write_csv(arguments.out, table)


if __name__ == "__main__":
    main()
