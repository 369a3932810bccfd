"""What there is of text, each document counted once: exact, and by a share of the hashes where there is too much."""

import numpy as np
import pytest
from texts import words

from ziplaw.corpora import census
from ziplaw.corpora.census import Census, UniqueText, about_held_out
from ziplaw.corpora.storage.streams import DocumentName


def counted(documents, piece=100):
    found = Census()
    for i, text in enumerate(documents):
        for start in range(0, len(text), piece):
            found.add(DocumentName(str(i)), text[start : start + piece])
    return found.result()


def test_copies_count_once_however_they_are_cut():
    rng = np.random.default_rng(0)
    texts = [words(rng, 350) for _ in range(20)]
    every = texts + texts[:3] + texts[:1]
    assert counted(every, 100) == counted(every, 99) == UniqueText(24, 4, 24 * 350, 20 * 350)
    assert counted([]) == UniqueText(0, 0, 0, 0)


def test_of_many_documents_a_share_tells(monkeypatch):
    monkeypatch.setattr(census, "MOST_DOCUMENTS", 1000)
    rng = np.random.default_rng(1)
    texts = [words(rng, int(n)) for n in rng.integers(10, 50, 8000)]
    found = counted(texts + texts[:4000])
    assert found.documents == 12000
    assert found.bytes == sum(map(len, texts + texts[:4000]))
    # of 500 to 1000 hashes: four standard errors of a share of a third
    assert found.duplicates == pytest.approx(4000, rel=4 * (2 / 500) ** 0.5)
    assert found.unique_bytes == pytest.approx(sum(map(len, texts)), rel=4 * (0.5 / 500) ** 0.5)


def test_what_was_held_out_twice_is_said():
    assert about_held_out({"copies_left_out": 0, "near_copies_left_out": 0}).startswith(
        "the held-out text was not found"
    )
    assert "1 exact copy of documents, 1,200 training documents" in about_held_out(
        {"copies_left_out": 1, "near_copies_left_out": 1200}
    )
