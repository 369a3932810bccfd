"""All that is measured of a corpus: which tokens are counted, and what is refused."""

import numpy as np
import pytest

from twins import rivals_of_H as twin
from ziplaw.base.documents import plain
from ziplaw.corpora.measures.corpus_measures import covariate_rows, measure_source
from ziplaw.corpora.readers import open_source
from ziplaw.errors import CorpusError, ZiplawError
from ziplaw.tables.declared import MEASURED

IDS = np.random.default_rng(5).geometric(0.2, (80, 64)).astype(np.uint16)


@pytest.fixture
def source(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    return open_source(tmp_path / "ids.npy")


def test_a_row_of_the_table(source):
    found = measure_source(source, window=64, samples=50, dataset="mine")
    (row,) = covariate_rows([found])
    assert list(row) == MEASURED.names
    assert row["dataset"] == "mine"
    assert row["conditional_entropy_2"] == pytest.approx(twin.conditional_entropy(IDS.tolist(), 2), abs=1e-12)
    assert (found["tokens"], found["rows"], found["samples"]) == (80 * 64, [80, 64], 50)
    assert (row["alpha_D"], found["decays"]["alpha_D"]["identified"]) == (None, False)
    assert plain(found) == plain(measure_source(source, window=64, samples=50, dataset="mine", threads=2))


def test_zstd_can_be_left_out(source):
    found = measure_source(source, window=64, zstd=False)
    assert (found["covariates"]["zstd"], found["zstd_version"]) == (None, None)


def test_of_longer_rows_evenly_spaced_windows_are_counted(source):
    found = measure_source(source, window=32, samples=9, tokens=4096, zstd=False)
    chosen = IDS.reshape(160, 32)[np.arange(128) * 160 // 128]
    assert found["rows"] == [128, 32]
    assert found["covariates"]["conditional_entropy_1"] == pytest.approx(
        twin.conditional_entropy(chosen.tolist(), 1), abs=1e-12
    )


def test_text(tmp_path):
    text = "".join(f"On day {i} the {i * 7 % 13} sailors saw {i * i % 101} whales.\n" for i in range(400))
    (tmp_path / "notes.txt").write_text(text)
    found = measure_source(open_source(tmp_path / "notes.txt"), "bytes", zstd=False)
    assert found["tokens"] == len(text) // 256 * 256
    rows = np.frombuffer(text.encode()[: found["tokens"]], np.uint8).reshape(-1, 256)
    # an alphabet of one's own changes no entropy
    assert found["covariates"]["bigram_information"] == pytest.approx(
        twin.entropy([b for _, b in twin.blocks(rows.tolist(), 2)]) - twin.conditional_entropy(rows.tolist(), 1),
        abs=1e-12,
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 512}, "has 0 windows of 512 tokens, 16 are needed"),
        ({"window": 5}, "window is 5, must be an integer from 6"),
        ({"tokens": 100}, "tokens is 100, must be an integer from 4096"),
        ({"samples": 0}, "samples is 0"),
    ],
)
def test_what_is_refused(source, options, words):
    with pytest.raises(ZiplawError, match=words):
        measure_source(source, **options)


def test_ids_out_of_range(tmp_path):
    source = open_source(_saved(tmp_path, IDS))
    source.tokens = np.where(IDS == 1, -1, IDS.astype(np.int64))
    with pytest.raises(CorpusError, match="holds id -1"):
        measure_source(source, window=64)


def _saved(folder, ids):
    np.save(folder / "ids.npy", ids)
    return folder / "ids.npy"
