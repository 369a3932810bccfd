"""Other ratios of compression, held against Python's own gzip and zstandard."""

import sys

import numpy as np
import pytest
import zstandard

from twins import gzip_score
from ziplaw.corpora.measures.other_ratios import ratios, smallest_encoding, zstd_ratios
from ziplaw.errors import CorpusError

ROWS = np.random.default_rng(0).geometric(0.05, (40, 256)).astype(np.uint16)


def test_gzip_of_other_windows_and_encodings():
    stream = ROWS.reshape(-1)
    found = ratios(ROWS, stream, samples=10_000)
    assert found["H_64"] == gzip_score.h(stream.tolist(), 64, 10_000)
    assert found["H_1024"] == gzip_score.h(stream.tolist(), 1024, 10_000)
    assert ROWS.max() < 256
    assert found["H_64"] > found["H_1024"]
    assert found["H_smallest"] > found["H_16bit"]


def test_what_is_too_short_or_too_wide_is_left_out():
    few = ROWS[:3].astype(np.uint32)
    found = ratios(few, few.reshape(-1), samples=10)
    assert found["H_1024"] is None
    few[0, 0] = 70_000
    found = ratios(few, few.reshape(-1), samples=10)
    assert found["H_16bit"] is None
    assert found["H_smallest"] is not None


@pytest.mark.parametrize(("vocabulary", "encoding"), [(256, "u1"), (257, ">u2"), (65536, ">u2"), (65537, ">i4")])
def test_the_smallest_encoding(vocabulary, encoding):
    assert smallest_encoding(vocabulary) == encoding
    assert np.iinfo(encoding).max >= vocabulary - 1


def test_zstd():
    found, version = zstd_ratios(ROWS, samples=1000)
    sizes = [len(zstandard.compress(row.astype(">i4").tobytes(), 19)) for row in ROWS]
    assert found["zstd"] == np.median(sizes) / 1024
    assert found["zstd_whole"] == len(zstandard.compress(ROWS.astype(">i4").tobytes(), 9)) / (4 * ROWS.size)
    assert version == ".".join(map(str, zstandard.ZSTD_VERSION))


def test_without_zstandard(monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(CorpusError, match="--no-zstd leaves it out"):
        zstd_ratios(ROWS, samples=10)
