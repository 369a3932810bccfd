"""What must hold for any bytes whatever; driven by tests/fuzzing/fuzz.py for as long as you like, by test_fuzz.py
briefly.
"""

import gzip
import json
import tempfile
from itertools import pairwise
from pathlib import Path

import fuzz_tables
import numpy as np

import ziplaw
from ziplaw.errors import GrammarError, ZiplawError
from ziplaw.grammars.grammar import Grammar
from ziplaw.grammars.presets import PRESETS
from ziplaw.grammars.random_grammars import random_grammar


def scorer(data):
    """The size of these bytes as one row of ids and as many short ones, and as 4-byte ids, is gzip's."""
    rows = np.frombuffer(data, np.uint8)
    cuts = np.unique(np.concatenate([[0, len(rows)], np.cumsum(rows[:40].astype(np.int64)).clip(0, len(rows))]))
    wide = np.frombuffer(data[: len(data) // 4 * 4], "<u4").astype(np.int64) & 0x7FFFFFFF
    for tokens, offsets in ((rows, cuts), (wide, np.array([0, len(wide)]))):
        sizes = ziplaw.gzip_sizes(tokens, threads=1, offsets=offsets)
        want = [len(gzip.compress(tokens[a:b].astype(">i4").tobytes(), 9)) for a, b in pairwise(offsets)]
        assert sizes.tolist() == want, f"sizes {sizes.tolist()}, gzip's {want}"


def grammar(data):
    """A grammar file is refused by a ZiplawError, or loads, survives a round trip and can be sampled and parsed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grammar"
        path.write_bytes(data)
        _load_and_use(lambda: Grammar.load(path))
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):  # past the checksum of the file
        _load_and_use(lambda: Grammar.from_dict(document))


def _load_and_use(load):
    try:
        g = load()
    except ZiplawError:
        return
    assert Grammar.from_dict(json.loads(json.dumps(g.to_dict()))) == g
    try:
        tokens = ziplaw.sample(g, 3, 24, seed=1, threads=1)
    except ZiplawError:
        return  # a derivation that may never reach its next token
    assert tokens.shape == (3, 24)
    assert int(tokens.max()) < g.vocab_size
    try:
        nats = ziplaw.floor(g, tokens, threads=1).nll
    except GrammarError:
        return  # more nonterminals or terminals than the floor handles
    assert np.isfinite(nats).all(), f"a sampled document has -ln p {nats}"
    assert (nats >= -1e-9).all()


table = fuzz_tables.table


def seeds():
    """Name -> inputs to start from, for each check: documents of grammars; grammar files of both kinds."""
    small = [random_grammar(n, 5, 2, 3, seed=seed) for n, seed in ((1, 0), (2, 1), (4, 2))]
    left = "S -> A [0.5] | S '7' [0.5]\nA -> '1' [.9] | A A [.1]\n# a comment\n"
    files = [left.encode(), b"%start B\nB -> '1' C [1.0]\nC -> '2' [0.25] | B [0.5] | '3' B '3' [0.25]\n"]
    for g in small:
        files += [g.to_text().encode(), json.dumps(g.to_dict()).encode()]
    files += list(_hostile())
    documents = []
    for preset in PRESETS.values():
        g = random_grammar(*preset["shape"], seed=0, supercritical=preset["supercritical"])
        tokens = ziplaw.sample(g, 2, 256, seed=0, threads=1)
        documents += [tokens[0].astype(">i4").tobytes(), tokens[1].astype("<u2").tobytes()]
    return {"grammar": files, "scorer": documents, "table": fuzz_tables.seeds()}


def _hostile():
    # what is easiest to get wrong: claims of size, numbers that are none, digits that are not ASCII, deep nesting
    small = '{"n_nonterminals": 1, "n_terminals": 2, "productions": ["N0 -> \'1\' [0.5]", "N0 -> \'2\' N0 [0.5]"]}'
    yield small.encode()
    yield b"\xef\xbb\xbf" + small.encode()
    yield small.encode("utf-16")
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


def mutated(rng, pool, limit=6000):
    """One of the pool with bytes changed, cut, repeated, or joined with another."""
    data = bytearray(pool[int(rng.integers(len(pool)))])
    for _ in range(int(rng.integers(1, 6))):
        at, n = int(rng.integers(len(data) + 1)), int(rng.integers(1, 24))
        what = int(rng.integers(6))
        if what == 0:
            data[at : at + 1] = rng.bytes(1)
        elif what == 1:
            del data[at : at + n]
        elif what == 2:
            data[at:at] = data[at : at + n] * int(rng.integers(1, 300) if rng.random() < 0.1 else 2)
        elif what == 3:
            other = pool[int(rng.integers(len(pool)))]
            start = int(rng.integers(len(other) + 1))
            data[at:at] = other[start : start + 8 * n]
        elif what == 4:
            pieces = rb"""0 9 [ ] ' | -> 1e308 - . nan { " """.split() + [b"\n", b"\xff"]
            data[at:at] = pieces[int(rng.integers(len(pieces)))]
        else:
            data[at : at + n] = bytes(n)
    return bytes(data[:limit])
