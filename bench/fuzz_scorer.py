"""Hold the gzip-size core against zlib on many generated inputs: any difference is a bug.

Usage: python bench/fuzz_scorer.py --inputs 1000000 [--seed 0] [--out fuzz.csv]

Every batch is one kind of input, drawn anew: see the functions of KINDS. Lengths run from 0 to the core's limit, most
of them short. The peer is zlib itself, through Python's zlib module, which is what gzip.compress uses.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
import zlib
from pathlib import Path

import numpy as np

from ziplaw import _gzip
from ziplaw.base.documents import progress, write_csv

MAX_BYTES = _gzip.MAX_BYTES
BATCH = 500


def length(rng, most=MAX_BYTES):
    """Mostly short, sometimes up to the limit."""
    return int(rng.integers(0, min(most, rng.choice([16, 128, 1028, 1100, most])) + 1))


def as_ids(ids):
    return np.asarray(ids).astype(">i4").tobytes()


def alphabet(rng):
    return int(2 ** rng.uniform(1, rng.choice([4, 8, 11, 16, 31])))


def uniform_ids(rng):
    """Independent ids of an alphabet of 2 to 2^31."""
    return as_ids(rng.integers(0, alphabet(rng), length(rng) // 4))


def round_ids(rng):
    """Multiples of 2^8, 2^16, 2^24 and other ids with zero bytes where tokens have none."""
    ids = rng.integers(0, 128, length(rng) // 4) << rng.choice([0, 8, 16, 24], length(rng) // 4 or 1)[0]
    mask = rng.random(len(ids)) < rng.random()
    return as_ids(np.where(mask, rng.integers(0, alphabet(rng), len(ids)), ids))


def zipf_ids(rng):
    """Ids as frequent as words."""
    n_ids = min(alphabet(rng), 100_000)
    weights = 1 / np.arange(1, n_ids + 1) ** rng.uniform(0.5, 2)
    return as_ids(np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(length(rng) // 4)))


def grammar_ids(rng):
    """Sentences of a small random grammar: phrases of phrases, joined by 0."""
    n_ids = alphabet(rng)
    phrases = [rng.integers(1, n_ids + 1, int(rng.integers(1, 5))) for _ in range(int(rng.integers(2, 40)))]
    for _ in range(int(rng.integers(0, 60))):
        parts = rng.integers(0, len(phrases), int(rng.integers(1, 5)))
        phrases.append(np.concatenate([phrases[i] for i in parts])[:80])
    n = length(rng) // 4
    tokens = []
    while len(tokens) < n:
        tokens.extend(phrases[int(rng.integers(0, len(phrases)))].tolist())
        tokens.append(0)
    return as_ids(np.minimum(tokens[:n], 2**31 - 1))


def equal_ids(rng):
    """One token, or one token over and over."""
    return as_ids(np.full(int(rng.choice([0, 1, 2, 3, length(rng) // 4])), rng.integers(0, alphabet(rng))))


def periodic(rng):
    """A period of 1 to 300 bytes or ids, with a few mutations."""
    n = length(rng)
    unit = rng.integers(0, 256 if rng.random() < 0.5 else 3, int(rng.integers(1, 301))).astype("u1")
    if rng.random() < 0.5:
        unit = np.frombuffer(as_ids(unit), dtype="u1")
    data = np.resize(unit, n)
    places = rng.integers(0, max(n, 1), int(rng.integers(0, 8)) if n else 0)
    data[places] = rng.integers(0, 256, len(places))
    return data.tobytes()


def runs(rng):
    """Runs of equal bytes, of zeros as often as not, some of them hundreds long."""
    n = length(rng)
    n_runs = int(rng.integers(1, 400))
    values = rng.integers(0, int(rng.choice([2, 4, 256])), n_runs) * (rng.random(n_runs) < rng.random())
    lengths = rng.geometric(1 / rng.choice([1.5, 4, 20, 300]), n_runs)
    return np.repeat(values, lengths).astype("u1")[:n].tobytes()


def sparse(rng):
    """One background byte with few others: long chains that share three bytes."""
    data = np.full(length(rng), int(rng.choice([0, 0, 1, 97, 255])), dtype="u1")
    places = rng.random(len(data)) < 10 ** rng.uniform(-3, -0.5)
    data[places] = rng.integers(0, int(rng.choice([2, 8, 256])), int(places.sum()))
    return data.tobytes()


def zeros_and_phrases(rng):
    """Runs of zeros, some about as long as the longest match, between a few short phrases."""
    n = length(rng)
    phrases = [rng.integers(0, int(rng.choice([2, 4, 256])), int(rng.integers(1, 12))) for _ in range(5)]
    longest = int(rng.choice([4, 12, 40, 255, 300, 600]))
    parts = []
    while n > 0:
        near = rng.random() < 0.3
        zeros = longest + int(rng.integers(-4, 5)) if near else int(rng.integers(0, longest))
        parts += [np.zeros(max(zeros, 0), dtype=int), phrases[int(rng.integers(0, 5))]]
        n -= len(parts[-1]) + len(parts[-2])
    return np.concatenate([*parts, []]).astype("u1").tobytes()


def few_bytes(rng):
    """Independent bytes of a small alphabet, uniform or geometric."""
    n = length(rng)
    if rng.random() < 0.5:
        return rng.integers(0, int(rng.integers(2, 257)), n).astype("u1").tobytes()
    return (rng.geometric(rng.uniform(0.05, 0.95), n) - 1).astype("u1").tobytes()


def copies(rng):
    """Literals and copies of what went before, at the lengths and distances where deflate changes its mind."""
    n = length(rng)
    few = int(rng.choice([2, 4, 256]))
    data = bytearray(rng.integers(0, few, int(rng.integers(1, 64))).astype("u1").tobytes())
    lengths = [3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 34, 64, 128, 257, 258, 259, 260, 300]
    while len(data) < n:
        if rng.random() < 0.3:
            data += rng.integers(0, few, int(rng.integers(1, 6))).astype("u1").tobytes()
            continue
        source = len(data) - int(rng.integers(1, len(data) + 1))
        for i in range(int(rng.choice(lengths)) if rng.random() < 0.5 else int(rng.integers(3, 60))):
            data.append(data[source + i])
    return bytes(data[:n])


def mutated(rng):
    """A block again and again, with a change here and there."""
    n = length(rng)
    block = rng.integers(0, int(rng.choice([3, 256])), int(rng.integers(4, 500))).astype("u1")
    if rng.random() < 0.5:
        block = np.frombuffer(as_ids(block[: len(block) // 4 + 1]), dtype="u1").copy()
    data = np.resize(block, n)
    places = rng.random(n) < 10 ** rng.uniform(-3, -1)
    data[places] ^= rng.integers(1, 256, int(places.sum())).astype("u1")
    return data.tobytes()


def skewed(rng):
    """Frequencies that double or grow like Fibonacci numbers: trees deeper than deflate allows."""
    growth = rng.choice([1.5, 1.618, 1.7, 2.0])
    counts = np.maximum(1, growth ** np.arange(int(rng.integers(2, 24)))).astype(int)
    symbols = rng.permutation(256)[: len(counts)]
    data = np.repeat(symbols, counts)[-MAX_BYTES:].astype("u1")
    rng.shuffle(data)
    return data[: MAX_BYTES if rng.random() < 0.5 else length(rng)].tobytes()


def distinct(rng):
    """Every byte value a few times: wide trees, many code lengths."""
    data = np.repeat(rng.permutation(256)[: int(rng.integers(1, 257))], int(rng.integers(1, 12))).astype("u1")
    rng.shuffle(data)
    return data[:MAX_BYTES].tobytes()


def files(rng):
    """Slices of the Python library's sources and of the Python program itself."""
    names = [*sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:40], Path(sys.executable)]
    path = names[int(rng.integers(0, len(names)))]
    n = length(rng)
    with open(path, "rb") as stream:
        stream.seek(int(rng.integers(0, max(1, path.stat().st_size - n))))
        return stream.read(n)


KINDS = (
    *(uniform_ids, round_ids, zipf_ids, grammar_ids, grammar_ids, equal_ids, periodic, runs, sparse, few_bytes),
    *(zeros_and_phrases, zeros_and_phrases, copies, copies, mutated, skewed, distinct, files),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="CSV with one row a kind")
    arguments = parser.parse_args()
    rows = {kind: {"kind": kind.__name__, "inputs": 0, "bytes": 0, "longest": 0, "mismatches": 0} for kind in KINDS}
    for batch in progress(range(-(-arguments.inputs // BATCH)), desc="fuzz"):
        kind = KINDS[batch % len(KINDS)]
        rng = np.random.default_rng([arguments.seed, batch])
        inputs = [kind(rng)[:MAX_BYTES] for _ in range(min(BATCH, arguments.inputs - batch * BATCH))]
        offsets = np.cumsum([0, *map(len, inputs)], dtype=np.int64)
        sizes = np.empty(len(inputs), dtype=np.int64)
        _gzip.sizes_of_bytes(b"".join(inputs), offsets, sizes)
        want = np.array([18 + len(zlib.compress(data, 9, -15)) for data in inputs])
        row = rows[kind]
        row["inputs"] += len(inputs)
        row["bytes"] += int(offsets[-1])
        row["longest"] = max(row["longest"], int(np.diff(offsets).max()))
        row["mismatches"] += int((sizes != want).sum())
        for i in np.flatnonzero(sizes != want)[:3]:
            print(f"{kind.__name__}: {len(inputs[i])} bytes: {sizes[i]}, zlib {want[i]}: {inputs[i].hex()}")
    total = sum(row["inputs"] for row in rows.values())
    bad = sum(row["mismatches"] for row in rows.values())
    for row in rows.values():
        print(
            "{kind:12} {inputs:8} inputs {bytes:11} bytes, longest {longest:5}: {mismatches} mismatches".format(**row)
        )
    print(f"zlib {zlib.ZLIB_RUNTIME_VERSION}, seed {arguments.seed}: {total} inputs, {bad} mismatches")
    if arguments.out:
        write_csv(arguments.out, list(rows.values()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
