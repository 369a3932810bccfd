"""gzip sizes: the same number as Python's own gzip for every input, whatever computes it."""

import gzip
import json
import random
import statistics
import struct
import sys
import types
import warnings
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ziplaw
from twins import gzip_size as twin
from ziplaw import _gzip
from ziplaw.corpora import compress
from ziplaw.corpora.compress import byte_compressibility, compressibility, gzip_sizes
from ziplaw.errors import CorpusError, ZiplawError


def reference(data):
    return len(gzip.compress(data, 9))


def core_size(data):
    sizes = np.zeros(1, dtype=np.int64)
    _gzip.sizes_of_bytes(data, np.array([0, len(data)]), sizes)
    return int(sizes[0])


def pack(ids):
    return struct.pack(f">{len(ids)}i", *ids)


@pytest.fixture
def unchecked():
    """The core is checked once a process: let a test see the check, and the next test see it anew."""
    compress._trusted_core.cache_clear()
    yield
    compress._trusted_core.cache_clear()


# --- the core against zlib -------------------------------------------------------------------------------------------

ids = st.one_of(
    st.lists(st.integers(0, 3), max_size=300),
    st.lists(st.integers(0, 300), max_size=300),
    st.lists(st.sampled_from([0, 1, 255, 256, 512, 65535, 65536, 2**24, 2**31 - 1]), max_size=300),
)
raw = st.one_of(
    st.binary(max_size=400),
    st.binary(min_size=1000, max_size=_gzip.MAX_BYTES),
    st.lists(st.sampled_from([0, 0, 0, 1, 2]), max_size=900).map(bytes),
)


@st.composite
def copies(draw):
    """Literals, runs and copies of what went before, at the lengths where deflate changes its mind."""
    data = bytearray(draw(st.binary(max_size=20)))
    steps = st.tuples(st.integers(1, 2000), st.sampled_from([1, 3, 4, 31, 32, 33, 257, 258, 259, 600]), st.booleans())
    for distance, length, run in draw(st.lists(steps, max_size=12)):
        start = max(0, len(data) - distance)
        piece = bytes(data[start : start + length]) or b"x"
        data += bytes(1) * length if run else (piece * length)[:length]
        data += draw(st.binary(max_size=2))
    return bytes(data[: _gzip.MAX_BYTES])


@settings(max_examples=300, deadline=None)
@given(st.one_of(ids.map(pack), raw, copies()))
@example(b"")
@example(b"a")
@example(bytes(4096))
@example(bytes(range(256)) * 16)
def test_size_is_that_of_gzip(data):
    assert core_size(data) == reference(data)


@settings(max_examples=60, deadline=None)
@given(st.one_of(ids.map(lambda tokens: pack(tokens[:60])), raw.map(lambda data: data[:200]), copies()))
def test_twin_is_the_core_is_zlib(data):
    data = data[:600]
    assert twin.gzip_size(data) == core_size(data) == reference(data)


@pytest.mark.parametrize("between", [*range(1014, 1034), 900, 1500])
def test_few_candidates_with_a_good_match_in_hand(between):
    # "x aaa R" waits with 34 bytes; a longer "aaa R" lies behind `between` other "aaa", more than zlib may look at
    rest = random.Random(0).randbytes(60)
    data = b"-aaa" + rest + b"a" * between + b"xaaa" + rest[:30] + b"!!" + b"xaaa" + rest + b"?"
    assert core_size(data) == reference(data) == twin.gzip_size(data)


@pytest.mark.parametrize("zeros", [*range(250, 270), 515, 516, 517, 518])
@pytest.mark.parametrize("tail", [b"", b"\2" + bytes(8) + b"\3\3\2" + bytes(8) + b"\3"])
def test_zeros_about_as_long_as_the_longest_match(zeros, tail):
    data = b"\1\0\2" + bytes(9) + b"\3\1\2" + bytes(zeros) + tail
    assert core_size(data) == reference(data) == twin.gzip_size(data)


def test_trees_deeper_than_deflate_allows():
    deeper = 0
    for seed in range(25):
        draw = random.Random(seed)
        data = pack([draw.randrange(2000) for _ in range(256)])
        assert core_size(data) == reference(data)
        frequencies, distances, _ = twin.count(twin.parse(data))
        counts = [0] * twin.N_LENGTHS
        for lengths in (twin.huffman(frequencies, 15), twin.huffman(distances, 15)):
            for code in twin.run_codes(lengths):
                counts[code] += 1
        deeper += max(twin.huffman(counts, 15)) > 7
    assert deeper > 0  # else the limit of 7 bits was never met


def golden_document(i):
    return [(j * j * (i + 1) // 7 + j * i) % (2 ** (i % 11) + 1) for j in range(256)]


GOLDEN = [40, 50, 63, 96, 163, 291, 127, 408, 472, 535, 581, 37]


def test_golden_sizes():
    sizes = [core_size(pack(golden_document(i))) for i in range(12)]
    assert sizes == GOLDEN
    assert sizes == [reference(pack(golden_document(i))) for i in range(12)]


# --- rows ------------------------------------------------------------------------------------------------------------


def documents(n, width=256, alphabet=300, dtype=np.uint16):
    return (np.random.default_rng(0).random((n, width)) ** 3 * alphabet).astype(dtype)


def expected(rows):
    return [reference(pack([int(token) for token in row])) for row in rows]


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", ">u2", ">i4", "<i8"])
def test_every_integer_type(dtype):
    tokens = documents(6, alphabet=120).astype(dtype)
    assert gzip_sizes(tokens).tolist() == expected(tokens)


def test_any_layout_of_the_array():
    tokens = documents(40, 300)
    assert gzip_sizes(tokens[::2, ::3]).tolist() == expected(tokens[::2, ::3])
    assert gzip_sizes(tokens.T[:20]).tolist() == expected(tokens.T[:20])
    assert gzip_sizes(np.asfortranarray(tokens)).tolist() == expected(tokens)
    assert gzip_sizes(tokens.tolist()).tolist() == expected(tokens)
    frozen = tokens.copy()
    frozen.flags.writeable = False
    assert gzip_sizes(frozen).tolist() == expected(tokens)


def test_rows_of_any_length():
    lengths = [1, 0, 2, 256, 1024, 1025, 5000, 0, 3, 100_000, 7]
    flat = np.random.default_rng(1).integers(0, 2**31, sum(lengths))
    flat[:110] %= 5
    flat[2000:] %= 7
    offsets = np.cumsum([0, *lengths])
    rows = [flat[a:b] for a, b in pairwise(offsets)]
    assert gzip_sizes(flat, offsets=offsets, threads=2).tolist() == expected(rows)
    assert gzip_sizes(flat, offsets=offsets[3:6].tolist()).tolist() == expected(rows[3:5])


def test_nothing_is_twenty_bytes_and_no_rows_are_no_sizes():
    assert gzip_sizes(np.zeros((3, 0), dtype=int)).tolist() == [20, 20, 20]
    assert gzip_sizes(np.zeros((0, 256), dtype=int)).tolist() == []
    assert gzip_sizes([], offsets=[0]).tolist() == []
    assert gzip_sizes([], offsets=[0, 0]).tolist() == [20]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("chunk_bytes", [1, 3000, 1 << 18])
def test_threads_and_chunks_do_not_matter(monkeypatch, threads, chunk_bytes):
    tokens = documents(50)
    want = expected(tokens)
    monkeypatch.setattr(compress, "_CHUNK_BYTES", chunk_bytes)
    assert gzip_sizes(tokens, threads=threads).tolist() == want


# --- another zlib ----------------------------------------------------------------------------------------------------


def test_a_differing_zlib_takes_over_with_a_warning(monkeypatch, unchecked):
    def other(data, level, wbits):
        return zlib.compress(data, min(level, 6), wbits)

    fake = types.SimpleNamespace(compress=other, MAX_WBITS=15, ZLIB_RUNTIME_VERSION="9.9.other")
    monkeypatch.setattr(compress, "zlib", fake)
    tokens = documents(20, alphabet=30)
    with pytest.warns(RuntimeWarning, match=r"zlib 9\.9\.other gives \d+ of \d+ probes other sizes"):
        sizes = gzip_sizes(tokens)
    assert sizes.tolist() == [18 + len(other(pack(row), 9, -15)) for row in tokens.tolist()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gzip_sizes(tokens)  # warns once a process
        assert compressibility(tokens).zlib_version == "9.9.other"


def test_a_wrong_core_is_not_used(monkeypatch, unchecked):
    def wrong(payload, offsets, sizes):
        sizes[:] = 21

    monkeypatch.setattr(ziplaw, "_gzip", types.SimpleNamespace(sizes_of_bytes=wrong), raising=False)
    tokens = documents(20)
    with pytest.warns(RuntimeWarning, match="every size is taken from it"):
        sizes = gzip_sizes(tokens)
    assert sizes.tolist() == expected(tokens)


def test_works_without_the_core(monkeypatch, unchecked):
    monkeypatch.delattr(ziplaw, "_gzip", raising=False)
    monkeypatch.setitem(sys.modules, "ziplaw._gzip", None)
    tokens = documents(20)
    assert compress._trusted_core() is None
    assert gzip_sizes(tokens, threads=2).tolist() == expected(tokens)


def test_the_installed_zlib_is_trusted(unchecked):
    # the makers of this package know no zlib under its own name that differs; a fork may, and then this test says so
    if zlib.ZLIB_RUNTIME_VERSION.replace(".", "").isdigit():
        assert compress._trusted_core() is _gzip


# --- H ---------------------------------------------------------------------------------------------------------------


def test_h_is_the_median_ratio():
    tokens = documents(30)
    ratios = [size / 1024 for size in expected(tokens)]
    score = compressibility(tokens)
    assert score.sizes.tolist() == expected(tokens)
    assert score.median == statistics.median(ratios)
    assert score.mean == pytest.approx(statistics.mean(ratios), rel=1e-12)
    assert score.std == pytest.approx(statistics.stdev(ratios), rel=1e-12)
    assert list(score.quantiles) == ["q05", "q25", "q50", "q75", "q95"]
    assert score.quantiles["q50"] == score.median
    assert (score.n, score.window, score.encoding, score.level, score.raw_bytes) == (30, 256, ">i4", 9, 1024)
    assert score.zlib_version == zlib.ZLIB_RUNTIME_VERSION
    assert json.loads(json.dumps(score.to_dict()))["H"] == score.median


@pytest.mark.parametrize(
    ("shape", "window", "samples", "starts"),
    [
        ((6, 256), 256, 4, [(0, 0), (1, 0), (2, 0), (3, 0)]),  # documents as they stand: the first ones
        ((4, 600), 256, 4, [(0, 0), (1, 0), (2, 0), (3, 0)]),  # eight windows, every second
        ((4, 600), 256, 99, [(i, j) for i in range(4) for j in (0, 256)]),
        ((1000,), 100, 5, [(0, j) for j in (0, 200, 400, 600, 800)]),  # a stream: evenly spaced
        ((1000,), 300, 9, [(0, 0), (0, 300), (0, 600)]),  # the rest is too short
    ],
)
def test_which_windows(shape, window, samples, starts):
    tokens = documents(1, int(np.prod(shape))).reshape(shape)
    rows = [np.atleast_2d(tokens)[i, j : j + window] for i, j in starts]
    assert compressibility(tokens, window, samples).sizes.tolist() == expected(rows)


def test_a_seed_draws_other_windows_and_the_same_again():
    tokens = documents(100)
    drawn = [compressibility(tokens, samples=20, seed=seed).sizes.tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    everything = compressibility(tokens, samples=100, seed=3).sizes.tolist()
    assert everything == compressibility(tokens, samples=1000).sizes.tolist()


@pytest.mark.parametrize("encoding", compress.ENCODINGS)
@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_encodings_and_levels(encoding, level):
    tokens = documents(3, alphabet=100)
    score = compressibility(tokens, encoding=encoding, level=level)
    assert score.sizes.tolist() == [len(gzip.compress(row.astype(encoding).tobytes(), level)) for row in tokens]
    assert score.raw_bytes == 256 * np.dtype(encoding).itemsize


def test_raw_bytes():
    data = ("what the whale said to the sailor " * 200).encode()
    score = byte_compressibility(data, window=500, samples=3)
    assert score.sizes.tolist() == [reference(data[i : i + 500]) for i in (0, 2000, 4000)]
    assert (score.encoding, score.raw_bytes, score.n) == ("bytes", 500, 3)
    assert byte_compressibility(memoryview(data), 500, 3).median == score.median


# --- malformed input -------------------------------------------------------------------------------------------------

GOOD = np.zeros((2, 256), dtype=int)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gzip_sizes(GOOD.astype(float)), "dtype float64"),
        (lambda: gzip_sizes(GOOD.astype(bool)), "dtype bool"),
        (lambda: gzip_sizes("tokens"), "dtype <U6"),
        (lambda: gzip_sizes([[1, 2], [3]]), "rows of different lengths"),
        (lambda: gzip_sizes(GOOD[0]), "has 1 dimensions, must have 2"),
        (lambda: gzip_sizes(GOOD[None]), "has 3 dimensions, must have 2"),
        (lambda: gzip_sizes(3), "has 0 dimensions"),
        (lambda: gzip_sizes(GOOD, offsets=[0, 1]), "has 2 dimensions, must be flat"),
        (lambda: gzip_sizes(GOOD - 1), "token id -1 is out of range"),
        (lambda: gzip_sizes(GOOD + 2**31), f"token id {2**31} is out of range"),
        (lambda: gzip_sizes(np.full((1, 1), 2**64 - 1, dtype=np.uint64)), f"token id {2**64 - 1} is out of range"),
        (lambda: gzip_sizes([2**70]), "dtype object"),
        (lambda: gzip_sizes(GOOD[0], offsets=[]), "must be flat and not empty"),
        (lambda: gzip_sizes(np.ma.masked_equal(GOOD, 0)), "tokens has masked entries"),
        (lambda: compressibility(np.ma.masked_equal(GOOD, 0)), "tokens has masked entries"),
        (lambda: gzip_sizes(GOOD[0], offsets=[0.0, 1.0]), "offsets has dtype float64"),
        (lambda: gzip_sizes(GOOD[0], offsets=[[0, 1]]), "shape (1, 2)"),
        (lambda: gzip_sizes(GOOD[0], offsets=[0, 9, 5]), "must rise"),
        (lambda: gzip_sizes(GOOD[0], offsets=[-1, 5]), "must rise from 0"),
        (lambda: gzip_sizes(GOOD[0], offsets=[0, 257]), "at most 256"),
        (lambda: gzip_sizes(GOOD, threads=0), "threads is 0"),
        (lambda: compressibility(GOOD[:0]), "hold no window of 256"),
        (lambda: compressibility(GOOD[:, :255]), "hold no window of 256"),
        (lambda: compressibility(GOOD[0, :0]), "hold no window"),
        (lambda: compressibility(GOOD, window=0), "window is 0"),
        (lambda: compressibility(GOOD, window=2.5), "window is 2.5"),
        (lambda: compressibility(GOOD, samples=0), "samples is 0"),
        (lambda: compressibility(GOOD, samples=True), "samples is True"),
        (lambda: compressibility(GOOD, level=10), "level is 10"),
        (lambda: compressibility(GOOD, seed=-1), "seed is -1"),
        (lambda: compressibility(GOOD, encoding="f8"), "encoding is 'f8'"),
        (lambda: compressibility(GOOD + 256, encoding="u1"), "token id 256 is out of range"),
        (lambda: compressibility(GOOD[None]), "has 3 dimensions"),
        (lambda: byte_compressibility("text"), "data is a str"),
        (lambda: byte_compressibility(b"short"), "hold no window of 1024 bytes"),
    ],
)
def test_malformed_input_is_refused_in_one_line(call, says):
    with pytest.raises(ZiplawError) as error:
        call()
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((b"abc", [0, 3], [0, 0]), "2 offsets for 2 sizes"),
        ((b"abc", [0, 4], [0]), "outside 0 to 3"),
        ((b"abc", [-1, 3], [0]), "outside 0 to 3"),
        ((b"abc", [0, 3, 1, 3], [0, 0, 0]), "less than the one before"),
    ],
)
def test_the_binding_lets_nothing_through_to_c(arguments, says):
    payload, offsets, sizes = arguments
    with pytest.raises(ZiplawError, match=says):
        _gzip.sizes_of_bytes(payload, np.array(offsets), np.array(sizes))
    with pytest.raises(ZiplawError, match="3 bytes, must have 1, 2, 4 or 8"):
        _gzip.sizes_of_ids(payload, 3, np.array([0, 1]), np.array([0]))


def test_errors_are_corpus_errors():
    with pytest.raises(CorpusError):
        gzip_sizes([[-5]])
