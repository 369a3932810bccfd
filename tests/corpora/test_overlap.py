"""What counts as a copy of held-out text: near copies go, what many sources share stays."""

import numpy as np
import pytest
from texts import make, memory, words

from ziplaw.corpora import overlap


def changed(rng, text, every):
    """The text with one letter in so many replaced by another."""
    found = np.frombuffer(text, np.uint8).copy()
    at = rng.permutation(len(found))[: len(found) // every]
    found[at] = 97 + (found[at] - 97 + 1) % 26
    return found.tobytes()


@pytest.mark.parametrize("every", [300, 60])
def test_near_copies_are_kept_out_and_counted(tmp_path, every):
    rng = np.random.default_rng(3)
    texts = [words(rng, 2000) for _ in range(100)]
    near = [b"changed" + changed(rng, text, every) for text in texts]
    corpus, done = make(memory({f"{i}": [text] for i, text in enumerate(texts + near)}), tmp_path, context=128)
    n = done["near_copies_left_out"]
    assert n == corpus.meta["source"]["near_copies_left_out"]
    # of each held-out window there are pieces in one or two training windows, unless both twins are held out
    assert 25 < n < 80
    held = {window[i : i + 16].tobytes() for window in corpus.valid for i in range(128 - 15)}
    for window in corpus.train:
        assert sum(window[i : i + 16].tobytes() in held for i in range(128 - 15)) < 0.25 * (128 - 15)


def test_what_many_sources_share_is_language_and_no_copy(tmp_path):
    rng = np.random.default_rng(4)
    licence = words(rng, 300)
    files = {f"{i}": [licence + words(rng, 700)] for i in range(200)}
    corpus, done = make(memory(files), tmp_path, context=64, n_valid=128)
    assert done["near_copies_left_out"] == 0
    assert sum(licence[100:120] in bytes(max(x, 1) - 1 for x in row.tolist()) for row in corpus.train) > 100


@pytest.mark.parametrize("context", [2, 3, 9, 31, 32, 100])
def test_phrases_are_hashed_by_their_content(context):
    rng = np.random.default_rng(context)
    windows = rng.integers(0, 3, (40, context), dtype=np.uint16)
    hashes = overlap.phrase_hashes(windows)
    n = context - hashes.shape[1] + 1
    assert n == (16 if context >= 32 else max(1, context // 2))
    phrases = [tuple(window[i : i + n]) for window in windows.tolist() for i in range(context - n + 1)]
    by_hash = dict(zip(hashes.ravel().tolist(), phrases, strict=True))
    assert len(by_hash) == len(set(phrases))
    assert all(by_hash[value] == phrase for value, phrase in zip(hashes.ravel().tolist(), phrases))


def test_near_copies_against_plain_python():
    rng = np.random.default_rng(5)
    valid = rng.integers(0, 2, (12, 40), dtype=np.uint16)
    sources = np.repeat([0, 1, 2, 3], 3)
    train = np.concatenate([rng.integers(0, 2, (30, 40), dtype=np.uint16), valid])
    for i in range(20):
        at, n = rng.integers(0, 20), rng.integers(10, 40)
        train[i, at : at + n] = valid[i % 12, at : at + n]
    of = {}
    for window, source in zip(valid.tolist(), sources.tolist()):
        for i in range(25):
            of.setdefault(tuple(window[i : i + 16]), set()).add(source)
    rare = {phrase for phrase, found in of.items() if len(found) < overlap.COMMON}
    want = [sum(tuple(window[i : i + 16]) in rare for i in range(25)) >= overlap.NEAR * 25 for window in train.tolist()]
    got = overlap.HeldOutPhrases(valid, sources).near_copies(train)
    assert got.tolist() == want
    assert 12 < sum(want) < len(want)


def test_of_many_held_out_phrases_a_share_finds_the_same_copies(monkeypatch):
    rng = np.random.default_rng(10)
    valid = rng.integers(0, 999, (300, 256), dtype=np.uint16)
    train = rng.integers(0, 999, (600, 256), dtype=np.uint16)
    train[:100, :128] = valid[:100, 128:]
    train[100:200, :30] = valid[100:200, :30]
    sources = np.arange(300)
    whole = overlap.HeldOutPhrases(valid, sources)
    monkeypatch.setattr(overlap, "_MOST_PHRASES", valid.size // 3)
    some = overlap.HeldOutPhrases(valid, sources)
    assert len(some.phrases) < len(whole.phrases) / 3
    assert whole.near_copies(train).tolist() == some.near_copies(train).tolist() == [True] * 100 + [False] * 500
