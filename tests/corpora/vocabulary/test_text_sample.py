"""An even sample of a text in bounded memory, and the bytes of a token measured where nothing was learned."""

import numpy as np
import pytest
from texts import memory, words

from ziplaw.corpora.passages import Thinned
from ziplaw.corpora.storage.streams import DocumentName
from ziplaw.corpora.tokenizers import bytes_per_token, load_tokenizer
from ziplaw.corpora.vocabulary import text_sample
from ziplaw.corpora.vocabulary.text_sample import read_sample


@pytest.mark.parametrize("first", [0, 1, 5, 12345])
@pytest.mark.parametrize("n", [1, 7, 100, 1001])
def test_even_steps_from_anywhere(n, first):
    thinned = Thinned(100, first)
    for i in range(n):
        thinned.add(DocumentName(str(i)), b"0123456789")
        assert thinned.kept_bytes == 10 * len(thinned.kept) <= 110
    kept = [int(name.file) for name, _ in thinned.kept]
    assert kept == [i for i in range(n) if (i + first) % thinned.stride == 0]
    assert len(kept) >= min(n, 5) - 1
    assert thinned.total_bytes == 10 * n


def test_what_is_measured_was_not_learned(monkeypatch):
    monkeypatch.setattr(text_sample, "SAMPLE_BYTES", 40_000)
    rng = np.random.default_rng(0)
    texts = [words(rng, 1000) for _ in range(300)]
    found = {seed: read_sample(memory({"a": texts}), seed) for seed in (0, 1, 2)}
    for sample in found.values():
        assert 20_000 <= sum(map(len, sample.learned + sample.measured)) <= 40_000
        assert not set(sample.learned) & set(sample.measured)
        assert len(sample.learned) > 6 * len(sample.measured) > 0
        assert (sample.text.documents, sample.text.bytes) == (300, 300_000)
    assert found[0].learned == read_sample(memory({"a": texts}), 0).learned
    assert len({tuple(sample.learned) for sample in found.values()}) == 3
    assert len(read_sample(memory({"a": texts}), 0, 100).learned) == 2 * len(found[0].learned)


def test_a_single_text_is_cut_up():
    text = b" ".join(words(np.random.default_rng(2), 7) for _ in range(25_000))
    sample = read_sample(memory({"a": [text]}))
    assert sum(map(len, sample.learned + sample.measured)) == len(text)
    assert len(sample.learned) > 6 * len(sample.measured) > 6 * 7
    assert all(piece in text for piece in sample.learned)
    # of a text too short for that all is both
    assert read_sample(memory({"a": [b"one ", b"two"]})).measured == [b"one two"]
    assert read_sample(memory({"a": [b"one ", b"two"]})).learned == [b"one two"]


def test_the_error_of_a_ratio_covers():
    """Over many samples of 20 pieces the ratio scatters as its error says: 1.96 of it holds the truth in 9 of 10."""
    rng = np.random.default_rng(1)
    bundled = load_tokenizer("bundled")
    kinds = [b"the LORD said unto him, and he went. " * 9, b"x9qj#7zk" * 40]
    pieces = [kinds[i] * int(n) for i, n in zip(rng.integers(0, 2, 400), rng.integers(1, 4, 400))]
    true = bytes_per_token(bundled, pieces)[0]
    held = 0
    for _ in range(200):
        ratio, error = bytes_per_token(bundled, [pieces[i] for i in rng.integers(0, 400, 20)])
        held += abs(ratio - true) < 1.96 * error
    assert held / 200 > 0.85
    assert bytes_per_token(bundled, pieces[:1])[1] is None
    assert bytes_per_token(bundled, []) == (1.0, None)
