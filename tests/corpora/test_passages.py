"""A text far larger than asked for is sampled: passages of all of it."""

import numpy as np
import pytest
from texts import numbered, owners

from ziplaw.corpora import importing
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import CorpusError


def test_a_text_far_larger_than_asked_for_is_sampled_all_over(tmp_path, monkeypatch):
    lengths = np.array([300_000] * 3 + [90_000] * 10 + [400] * 2000)
    source, ids = numbered(lengths)
    whole = import_corpus(source, tmp_path / "whole", ids, 200, 32, 32)
    assert whole["share_read"] == 1
    read = []

    class Counted(type(ids)):
        def encode(self, pieces):
            read.extend(map(len, pieces))
            return super().encode(pieces)

    monkeypatch.setattr(importing, "SAMPLED_BYTES", 1 << 18)

    def some(folder, **options):
        read.clear()
        return import_corpus(
            source, tmp_path / folder, Counted(), **({"n_documents": 200, "n_valid": 32, "context": 32} | options)
        )

    done = some("some")
    assert done["share_read"] < 0.05
    # half a dozen of the 190 large stretches, and some of the 2000 small documents
    assert 0.25 < sum(read) / (done["share_read"] * 4 * lengths.sum()) < 4
    corpus = open_corpus(tmp_path / "some")
    assert corpus.train.shape == (200, 32)
    assert corpus.meta["source"]["share_read"] == done["share_read"]
    assert len(owners(corpus.train, lengths)) > 8
    assert not np.isin(corpus.train[corpus.train > 0], corpus.valid).any()
    some("again")
    assert (tmp_path / "again/meta.json").read_bytes() == (tmp_path / "some/meta.json").read_bytes()
    some("other", seed=1)
    assert (open_corpus(tmp_path / "other").train != corpus.train).any()
    # where the sample turns out to be too small more is read, at last all
    assert some("more", n_documents=40_000)["share_read"] == 1
    with pytest.raises(CorpusError, match="were asked for: give more text"):
        some("most", n_documents=10**6)
    # stretches of one document may be on both sides: a window's width lies between them
    for seed in range(10):
        some("seeds", seed=seed)
        corpus = open_corpus(tmp_path / "seeds")
        train = np.sort(corpus.train[corpus.train > 0].astype(np.int64))
        valid = corpus.valid[corpus.valid > 0].astype(np.int64)
        of, other = (np.searchsorted(np.cumsum(lengths), part - 1, "right") for part in (valid, train))
        for i in set(of) & set(other):
            assert np.abs(train[other == i][:, None] - valid[of == i]).min() > 32
