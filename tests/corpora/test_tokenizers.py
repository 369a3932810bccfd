"""Tokenizers: bytes, the bundled vocabulary, files, training; and what they say when they cannot."""

import functools
import hashlib
import importlib.util
import json
import re
import sys
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from texts import memory

from ziplaw.corpora import tokenizers
from ziplaw.corpora.scoring import score_source
from ziplaw.corpora.storage.streams import PIECE_BYTES, cut_up
from ziplaw.corpora.tokenizers import BUNDLED_FILE, load_tokenizer, train_bpe
from ziplaw.errors import CorpusError

bundled_needs = pytest.mark.skipif(importlib.util.find_spec("tokenizers") is None, reason="tokenizers not installed")
WORDS = [
    "def",
    "return",
    "self.x",
    "the",
    "LORD",
    "said,",
    "\n",
    "\n\n",
    "    ",
    "\t",
    "  ",
    "é",
    "\u2003",
    "日本",
    "'s",
    "1",
]


@functools.cache
def bundled():
    return load_tokenizer("bundled")


@given(st.binary())
def test_bytes_are_their_own_ids(data):
    (ids,) = load_tokenizer("bytes").encode([data])
    assert bytes(ids.tolist()) == data


@bundled_needs
def test_bundled_is_small_and_complete():
    text = resources.files("ziplaw.corpora").joinpath(BUNDLED_FILE).read_text("utf-8")
    assert len(text) < 400_000
    assert (bundled().vocab_size, bundled().name) == (8192, "bundled")
    assert bundled().sha256 == hashlib.sha256(text.encode()).hexdigest()
    # another vocabulary is another H: raise versions.SCORER and versions.CORPUS with it, and renew docs/data.md
    assert bundled().sha256.startswith("f57e503eb7524e15")


@bundled_needs
@given(st.text())
@settings(deadline=None)
def test_bundled_loses_nothing(text):
    (ids,) = bundled().encode([text.encode("utf-8")])
    assert bundled().decode(ids) == text
    assert ids.max(initial=0) < bundled().vocab_size


@bundled_needs
@given(st.lists(st.sampled_from(WORDS), max_size=100), st.sampled_from([" ", " ", "\n"]), st.integers(16, 200))
@settings(deadline=None, max_examples=150)
def test_cutting_a_text_at_a_space_does_not_change_its_tokens(words, joint, limit):
    data = joint.join(words).encode()
    pieces = list(cut_up(iter([data]), limit))
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= limit for piece in pieces)
    for piece in pieces:
        piece.decode("utf-8")
    # without a safe place in reach the pieces are whole characters, but the tokens may differ
    assume(all(re.search(rb"[!-~]$", a) and re.match(rb" [!-~]", b) for a, b in pairwise(pieces)))
    whole = bundled().encode([data])[0].tolist()
    assert [i for ids in bundled().encode(pieces) for i in ids.tolist()] == whole


@bundled_needs
def test_long_text_gives_the_tokens_of_one_call():
    text = ("The quick brown fox's den, 1234 times.\n    def f(x):\n\n        return x\n" * 4000).encode()
    pieces = list(cut_up(iter([text])))
    assert len(pieces) == -(-len(text) // PIECE_BYTES)
    assert np.concatenate(bundled().encode(pieces)).tolist() == bundled().encode([text])[0].tolist()


@bundled_needs
def test_invalid_utf8_is_replaced_and_counted():
    fresh = load_tokenizer("bundled")
    (ids,) = fresh.encode(["é".encode("latin-1") + b"a\xff" + "\ufffd".encode()])
    assert fresh.replaced == 2
    assert fresh.decode(ids) == "\ufffda\ufffd\ufffd"


@bundled_needs
def test_training_is_reproducible_and_its_file_loads(tmp_path):
    texts = ["one fish two fish red fish blue fish " * 20, b"red blue \xff" * 20]
    first, second = train_bpe(texts, 300), train_bpe(texts, 300)
    assert first.sha256 == second.sha256
    first.save(tmp_path / "fish.json")
    for spec in (f"bpe:{tmp_path / 'fish.json'}", str(tmp_path / "fish.json")):
        loaded = load_tokenizer(spec)
        assert (loaded.sha256, loaded.name) == (first.sha256, "bpe:fish.json")
    (ids,) = loaded.encode([b"fish fish"])
    assert len(ids) < 9
    assert loaded.decode(ids) == "fish fish"


@bundled_needs
def test_settings_inside_a_file_do_not_change_the_ids(tmp_path):
    """Truncation, padding and special tokens of somebody's training setup are not part of the text."""
    document = json.loads(resources.files("ziplaw.corpora").joinpath(BUNDLED_FILE).read_text("utf-8"))
    document["truncation"] = {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}
    document["padding"] = {
        "strategy": {"Fixed": 512}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "!",
    }  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    data = [b"In the beginning God created the heaven and the earth."]
    assert load_tokenizer(str(tmp_path)).encode(data)[0].tolist() == load_tokenizer("bundled").encode(data)[0].tolist()


@bundled_needs
@pytest.mark.parametrize("content", ["", "{}", "not json", '{"model": {"type": "BPE"}}'])
def test_what_is_no_tokenizer_file(tmp_path, content):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(CorpusError, match=r"cannot be read.*tokenizer\.json"):
        load_tokenizer(f"bpe:{tmp_path / 't.json'}")


@pytest.mark.parametrize("spec", ["gpt2", "", "bpe:", "bpe:nowhere.json"])
def test_unknown_tokenizer(spec, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=f"give {', '.join(tokenizers.NAMED)} or bpe:FILE"):
        load_tokenizer(spec)


@pytest.mark.parametrize("size", [255, True, 1.5, 1 << 21])
def test_vocabulary_size_is_checked(size):
    with pytest.raises(CorpusError, match="vocab_size is"):
        train_bpe(["a"], size)


def test_without_the_library_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(CorpusError, match="pip install tokenizers, or use --tokenizer bytes"):
        load_tokenizer("bundled")
    assert load_tokenizer("bytes").vocab_size == 256


def test_a_tokenizer_is_one_class_and_one_line(monkeypatch):
    class Words:
        """One id a word, as someone might add it."""

        name, vocab_size, sha256, replaced = "words", 3, None, 0

        def encode(self, pieces):
            return [np.array([len(word) % 3 for word in piece.split()], np.uint8) for piece in pieces]

    monkeypatch.setitem(tokenizers.NAMED, "words", Words)
    assert tokenizers.tokenizer_path("words") is None
    assert load_tokenizer("words").encode([b"a bc def"])[0].tolist() == [1, 2, 0]
    score = score_source(memory({"a": [b"one word after another " * 900]}), "words", threads=1)
    assert (score["tokenizer"], score["vocab_size"]) == ("words", 3)
    with pytest.raises(CorpusError, match=r"give bytes, bundled, .*words or bpe:FILE"):
        load_tokenizer("nothing")
