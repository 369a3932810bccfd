"""What the fuzzer tries: a target takes bytes and raises whenever ziplaw does what it must not.

Only ZiplawError may leave the loading of a grammar, and the scorer must agree with gzip on every row.
"""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np

from ziplaw import _gzip
from ziplaw.compress import gzip_sizes
from ziplaw.errors import ZiplawError
from ziplaw.floor import floor
from ziplaw.grammar import PRESETS, Grammar, random_grammar
from ziplaw.sampling import sample

DTYPES = (np.uint8, np.uint16, np.int32, np.uint32, np.int64)


def scorer(data: bytes) -> None:
    """Rows of ids or of bytes: the first two bytes say how the rest is cut and read."""
    if len(data) < 2:
        return
    kind, rows, rest = data[0], 1 + data[1] % 7, data[2:]
    if kind & 8:
        rest = (rest * (1 + kind // 16))[: 4 * _gzip.MAX_BYTES]
    dtype = np.dtype(DTYPES[kind % 8 % len(DTYPES)])
    ids = np.frombuffer(rest[: len(rest) // dtype.itemsize * dtype.itemsize], dtype)
    ids = (ids & (2**31 - 1 if dtype.itemsize > 2 else 0xFFFF)).astype(dtype)
    offsets = np.linspace(0, len(ids), rows + 1).astype(np.int64)
    offsets[1:-1] = np.sort((offsets[1:-1] * 2654435761 + data[1]) % (len(ids) + 1))
    compare(gzip_sizes(ids, threads=1, offsets=offsets), [ids[a:b].astype(">i4").tobytes() for a, b in cuts(offsets)])

    offsets = np.linspace(0, len(rest), 1 + -(-len(rest) // _gzip.MAX_BYTES) + 1).astype(np.int64)
    sizes = np.empty(len(offsets) - 1, np.int64)
    _gzip.sizes_of_bytes(rest, offsets, sizes)
    compare(sizes, [rest[a:b] for a, b in cuts(offsets)])


def cuts(offsets):
    """Return (first, end) of every row."""
    return zip(offsets[:-1].tolist(), offsets[1:].tolist())


def compare(sizes, payloads):
    """Every size must be what gzip makes of its row."""
    for size, payload in zip(sizes.tolist(), payloads, strict=True):
        want = len(gzip.compress(payload, 9))
        if size != want:
            raise AssertionError(f"size {size}, gzip {want}: {payload.hex()}")


def grammar(data: bytes) -> None:
    """A grammar file of any kind; one that is accepted must sample, be floored and survive a round trip."""
    with tempfile.TemporaryDirectory(prefix="ziplaw-fuzz-") as folder:
        path = Path(folder) / "grammar"
        path.write_bytes(data)
        try:
            loaded = Grammar.load(path)
        except ZiplawError:
            return
        loaded.save(path)
        if Grammar.load(path) != loaded:
            raise AssertionError("a saved grammar is not the one that was read")
    try:
        documents = sample(loaded, 2, 16, threads=1)
        floor(loaded, documents, threads=1)
    except ZiplawError:
        return


def scorer_seeds():
    """A few inputs of every kind that bench/fuzz_scorer.py makes."""
    from fuzz_scorer import KINDS

    for number, kind in enumerate(KINDS):
        for some in range(3):
            rng = np.random.default_rng([number, some])
            yield bytes([4 if some else 10 + 16 * number % 256, some]) + kind(rng)[: 4 * 1100]


def grammar_seeds():
    """Grammars in both forms, and the malformed ones that are easiest to get wrong."""
    text = "S -> A [0.5] | A B [0.5]\nA -> '7' [1.0]\nB -> '3' A [0.25] | '1' '2' [0.75]\n"
    yield text.encode()
    yield b"\xef\xbb\xbf" + text.encode()
    yield text.replace("\n", "\r\n").encode("utf-16")
    yield ("%start A\n# n_terminals: 9\n" + text.replace("0.25", "2.5e-1")).encode()
    with tempfile.TemporaryDirectory(prefix="ziplaw-fuzz-") as folder:
        path = Path(folder) / "grammar.json"
        for name in ("main-1", "main-2"):
            some = random_grammar(*PRESETS[name]["shape"], seed=1)
            some.save(path)
            body = path.read_bytes()
            yield body
            # without its checksum a changed file goes on to the grammar's own checks
            body = b"\n".join(line for line in body.split(b"\n") if b'"sha256"' not in line)
            yield body
            yield some.to_text().encode()
    small = '{"n_nonterminals": 1, "n_terminals": 2, "productions": ["N0 -> \'1\' [0.5]", "N0 -> \'2\' N0 [0.5]"]}'
    yield small.encode()
    for old, new in (
        (": 1,", ": 50000000,"),
        (": 1,", ": 1e400,"),
        (": 1,", ": true,"),
        (": 1,", ": NaN,"),
        (": 2,", ": " + "9" * 5000 + ","),
        (": 2,", ": 2147483646,"),
        (": 2,", ': 2, "n_terminals": 3,'),
        (": 2,", ': 2, "start": [1.0], "provenance": {"\\ud800": NaN},'),
        (": 2,", ': 2, "start": [' + "9" * 500 + "],"),
        ("N0 ->", "N" + "1" * 5000 + " ->"),
        ("'1'", "'\u0661'"),
        ("'1'", "'\u00b2'"),
        ("0.5", "nan"),
        ("0.5", "\u0660.5"),
        ("0.5", "1e-320"),
    ):
        yield small.replace(old, new, 1).encode()
    yield b'{"a":' * 100_000
    yield b'{"provenance":' + b"[" * 900 + b"]" * 900 + b"," + small.encode()[1:]


TARGETS = {"scorer": (scorer, scorer_seeds, 8192), "grammar": (grammar, grammar_seeds, 4096)}
