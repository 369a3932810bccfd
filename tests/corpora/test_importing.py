"""``ziplaw import``: ids move up by one, zeros stand between documents, text is on one side of the split."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import words

from ziplaw import versions
from ziplaw.base.documents import sha256_file
from ziplaw.cli import main
from ziplaw.corpora.census import about_unique
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import TextSource, TokenSource, open_source
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.corpora.storage.streams import DocumentName
from ziplaw.corpora.tokenizers import load_tokenizer
from ziplaw.errors import CorpusError


def memory(documents, name="memory"):
    """A source of documents given as bytes."""
    return TextSource(name, "directory", lambda: ((DocumentName(str(i)), text) for i, text in enumerate(documents)))


def unpack(tokens):
    """The documents of a packed stream as bytes (the bytes tokenizer), the last one perhaps cut."""
    return [bytes(x - 1 for x in part) for part in split_at_zero(tokens.ravel().tolist())]


def split_at_zero(ids):
    parts = [[]]
    for i in ids:
        if i == 0:
            parts.append([])
        else:
            parts[-1].append(i)
    return parts


def refused_as_too_small(error, folder):
    assert "give more text" in str(error)
    assert not folder.exists()


documents = st.lists(st.binary(min_size=1, max_size=40), min_size=2, max_size=40)


@given(documents, st.integers(0, 5), st.integers(2, 8), st.one_of(st.none(), st.integers(1, 6)))
@settings(max_examples=150, deadline=None)
def test_both_parts_are_made_of_the_texts(tmp_path_factory, texts, seed, context, n_documents):
    folder = tmp_path_factory.mktemp("i") / "c"
    try:
        done = import_corpus(memory(texts), folder, "bytes", n_documents, 1, context, seed)
    except CorpusError as error:
        refused_as_too_small(error, folder)
        return
    corpus = open_corpus(folder)
    assert corpus.vocab_size == 257
    assert corpus.train.shape == (done["n_train"], context)
    assert corpus.valid.shape == (1, context)
    for window in (*corpus.train, *corpus.valid):
        assert all(any(part in text for text in texts) for part in unpack(window))
    assert corpus.valid_sources.tolist() == [0]
    assert done["n_train"] == n_documents or done["train_windows"]
    assert corpus.meta["token_bytes"] == pytest.approx(sum(map(len, texts)) / sum(len(text) + 1 for text in texts))


def test_fewer_documents_are_spread_over_the_same_text(tmp_path):
    texts = [f"document {i} ".encode() * 5 for i in range(300)]
    done = {}
    for n in (40, None):
        done[n] = import_corpus(memory(texts), tmp_path / str(n), "bytes", n, 4, 32, 1)
    small, large = open_corpus(tmp_path / "40"), open_corpus(tmp_path / "None")
    assert len(large.train) == done[40]["train_windows"] == done[None]["n_train"]
    assert (small.train == large.train[np.arange(40) * len(large.train) // 40]).all()
    assert (small.valid == large.valid).all()
    import_corpus(memory(texts), tmp_path / "other", "bytes", 40, 4, 32, seed=2)
    assert (open_corpus(tmp_path / "other").valid != small.valid).any()


def test_golden_bytes(tmp_path):
    """Other arrays from the same text: raise versions.CORPUS, so that sweeps import again, and renew these.

    A meta.json that only says more of the same arrays needs no import: nothing behind it reads what it did not say.
    """
    texts = [f"document {i} ".encode() * (1 + i % 7) for i in range(100)]
    import_corpus(memory(texts), tmp_path, "bytes", 20, 4, 32, seed=7)
    assert versions.CORPUS == 2
    assert {name: sha256_file(tmp_path / name)[:16] for name in ("train.npy", "valid.npy", "meta.json")} == {
        "train.npy": "0861becfa4b5b383",
        "valid.npy": "66afccc0b3b76ab1",
        "meta.json": "5bd41040f763c4e1",
    }


def test_order_of_files_does_not_matter(tmp_path):
    texts = [f"document {i} ".encode() * 5 for i in range(100)]
    import_corpus(memory(texts), tmp_path / "a", "bytes", 10, 4, 32)
    import_corpus(memory(texts[::-1]), tmp_path / "b", "bytes", 10, 4, 32)
    assert (tmp_path / "a" / "meta.json").read_bytes() == (tmp_path / "b" / "meta.json").read_bytes()


def test_bundled_ids_move_up_by_one(tmp_path):
    texts = [f"The {i}th whale was seen by {i * i} sailors. ".encode() * 3 for i in range(60)]
    import_corpus(memory(texts), tmp_path / "c", "bundled", None, 2, 64)
    corpus, bundled = open_corpus(tmp_path / "c"), load_tokenizer("bundled")
    first = split_at_zero(corpus.train.ravel().tolist())[0]
    assert bundled.decode([i - 1 for i in first]).encode() in texts
    assert corpus.vocab_size == 8193
    assert 2 < corpus.meta["token_bytes"] < 6
    assert corpus.meta["source"]["tokenizer_sha256"] == bundled.sha256


def test_rows_as_wide_as_the_context_stay_rows(tmp_path):
    rows = np.random.default_rng(0).integers(0, 90, (50, 16))
    np.save(tmp_path / "a.npy", rows)
    import_corpus(open_source(tmp_path / "a.npy"), tmp_path / "c", n_valid=8, context=16)
    corpus = open_corpus(tmp_path / "c")
    everything = np.concatenate([corpus.train, corpus.valid]).astype(int) - 1
    assert sorted(everything.tolist()) == sorted(rows.tolist())
    assert corpus.vocab_size == rows.max() + 2
    assert corpus.meta["token_bytes"] is None


def test_ids_too_large_for_a_vocabulary(tmp_path):
    np.save(tmp_path / "a.npy", np.full(4096, 1 << 25))
    with pytest.raises(CorpusError, match="holds id 33554432, a corpus takes ids below"):
        import_corpus(open_source(tmp_path / "a.npy"), tmp_path / "c")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n_documents": 0}, "documents is 0"),
        ({"n_valid": 0}, "valid documents is 0"),
        ({"context": 1}, "context is 1"),
        ({"context": 1 << 63}, "context is 9223372036854775808, must be an integer from 2 to"),
        ({"n_valid": 10**20}, "valid documents is 1"),
        ({"n_documents": 10**20}, "documents is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"n_documents": 10**6}, "were asked for: give more text"),
        ({"n_valid": 10**6}, "were asked for: give more text"),
    ],
)
def test_bad_numbers(tmp_path, options, says):
    with pytest.raises(CorpusError, match=says):
        import_corpus(memory([b"text " * 9] * 9), tmp_path / "c", "bytes", **({"n_valid": 1, "context": 8} | options))
    assert not (tmp_path / "c").exists()


def test_nothing_is_left_when_the_source_breaks(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n{')
    with pytest.raises(CorpusError, match="line 2"):
        import_corpus(open_source(tmp_path / "a.jsonl"), tmp_path / "c", "bytes")
    assert not (tmp_path / "c").exists()


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["import", *map(str, arguments)])
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_command(tmp_path, capsys):
    (tmp_path / "data.jsonl").write_text("".join(json.dumps({"body": f"text {i} " * 20}) + "\n" for i in range(90)))
    options = ["--field", "body", "--tokenizer", "bytes", "--documents", 60, "--valid-documents", 8, "--context", 64]
    status, out, err = run(capsys, tmp_path / "data.jsonl", *options, "--seed", 3, "-o", tmp_path / "c")
    assert status == 0
    read, unique, held = err.splitlines()
    assert read.endswith("data.jsonl: read JSON records, field 'body': 90 records; left out: nothing")
    assert "unique tokens, counted: all of the text was tokenised; of 90 documents none is an exact copy" in unique
    assert held.endswith("the held-out text was not found again in the text to train on")
    assert re.search(r"60 training documents of 64 tokens .of \d+. and 8 held out, of [5-8] sources of 90;", out)
    corpus = open_corpus(tmp_path / "c")
    assert (len(corpus.train), len(corpus.valid), corpus.context) == (60, 8, 64)
    assert corpus.meta["source"]["name"] == "data.jsonl"
    assert str(tmp_path) not in json.dumps(corpus.meta)
    status, _, err = run(capsys, tmp_path / "c", "-o", tmp_path / "d")
    assert status == 2
    assert "c is a ziplaw corpus already" in err


def test_unique_tokens_are_counted_where_all_is_tokenised(tmp_path):
    rng = np.random.default_rng(5)
    texts = [words(rng, 500) for _ in range(60)]
    done = import_corpus(memory(texts + texts[:7] + texts[:1]), tmp_path, "bytes", None, 4, 32)
    source = open_corpus(tmp_path).meta["source"]
    # each document ends in a separator
    assert (done["unique_tokens"], done["unique_tokens_error"]) == (60 * 501, None)
    assert (source["documents"], source["duplicate_documents"], source["text_bytes"]) == (68, 8, 68 * 500)
    assert "8 of 68 documents are exact copies of another and count once" in about_unique(done)


def test_unique_tokens_of_a_sampled_text_are_estimated(tmp_path, monkeypatch):
    monkeypatch.setattr("ziplaw.corpora.importing.SAMPLED_BYTES", 1 << 17)
    rng = np.random.default_rng(6)
    # two sorts of text, of which a token takes one byte or about four
    texts = [
        words(rng, n) if n % 2 else b"%d the LORD said " % i + b"unto him " * (n // 9)
        for i, n in enumerate(rng.integers(1000, 4000, 900))
    ]
    true = import_corpus(memory(texts + texts[:300]), tmp_path / "all", "bundled", None, 8, 32)["unique_tokens"]
    off = []
    for seed in range(8):
        done = import_corpus(memory(texts + texts[:300]), tmp_path / "some", "bundled", 64, 8, 32, seed)
        assert 0 < done["share_read"] < 0.5
        assert done["duplicate_documents"] == 300
        off.append((done["unique_tokens"] - true) / done["unique_tokens_error"])
    # standard normal, if the error is what it says: the mean square of 8 lies within these but once in a thousand
    assert 0.1 < np.square(off).mean() < 3.3
    assert "about " in about_unique(done)


def test_at_most_so_many_documents(tmp_path):
    texts = [f"document {i} ".encode() * 5 for i in range(300)]
    every = import_corpus(memory(texts), tmp_path / "c", "bytes", None, 4, 32)["n_train"]
    assert import_corpus(memory(texts), tmp_path / "c", "bytes", 10**6, 4, 32, at_most=True)["n_train"] == every
    assert import_corpus(memory(texts), tmp_path / "c", "bytes", 40, 4, 32, at_most=True)["n_train"] == 40


def test_at_most_so_many_of_a_large_text_read_less_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr("ziplaw.corpora.importing.SAMPLED_BYTES", 1 << 12)
    rng = np.random.default_rng(7)
    texts = [words(rng, 1000) for _ in range(600)]
    share = {}
    for at_most in (False, True):
        done = import_corpus(memory(texts), tmp_path / "c", "bytes", 500, 16, 32, at_most=at_most)
        share[at_most] = done["share_read"]
        assert done["n_train"] == 500
    # a byte a token is known, eight were assumed
    assert share[True] < 0.2 < share[False]


@pytest.mark.parametrize("kind", ["stream", "documents", "rows"])
def test_at_most_so_many_of_many_ids_read_some_of_them(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("ziplaw.corpora.importing.SAMPLED_BYTES", 1 << 15)
    monkeypatch.setattr("ziplaw.corpora.importing._CHUNK_IDS", 1 << 12)
    ids = np.random.default_rng(8).integers(0, 5000, 400 * 2000)
    source = TokenSource("ids", "bin", ids.reshape(-1, 32) if kind == "rows" else ids)
    if kind == "documents":
        source.documents = np.arange(0, len(ids) + 1, 2000)
    done = import_corpus(source, tmp_path / "c", n_documents=800, n_valid=16, context=32, at_most=True)
    assert (done["n_train"], done["n_valid"]) == (800, 16)
    assert 0.02 < done["share_read"] < 0.2
    n_separators = {"stream": 1, "documents": 400, "rows": 0}[kind]
    # of a stream the passages that are read end in separators, which are as rare as they are
    assert done["unique_tokens"] == pytest.approx(len(ids) + n_separators, abs=300)
    assert done["unique_tokens_error"] is not None
    rows = open_corpus(tmp_path / "c").train
    every = {window.tobytes() for window in np.lib.stride_tricks.sliding_window_view((ids + 1).astype(rows.dtype), 32)}
    assert sum(row.tobytes() in every for row in rows if row.all()) == sum(bool(row.all()) for row in rows) > 700


def test_few_documents_are_held_out_of_a_small_text(tmp_path):
    texts = [f"document {i} ".encode() * 5 for i in range(300)]
    done = import_corpus(memory(texts), tmp_path / "c", "bytes", None, "auto", 32)
    assert done["n_valid"] == done["unique_tokens"] // 320
    assert 16 < done["n_valid"] < 256


def test_command_takes_several_paths(tmp_path, capsys):
    (tmp_path / "folder with\n'quotes").mkdir()
    (tmp_path / "folder with\n'quotes" / "a.txt").write_text("some text " * 900)
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({"text": f"text {i} " * 20}) + "\n" for i in range(90)))
    paths = [tmp_path / "folder with\n'quotes", tmp_path / "b.jsonl", tmp_path / "folder with\n'quotes" / "a.txt"]
    options = ["--tokenizer", "bytes", "--valid-documents", "auto", "--max-documents", 10**9, "--context", 32]
    status, _, err = run(capsys, *paths, *options, "-o", tmp_path / "c")
    assert status == 0
    assert "of 91 documents none" in err
    # an end of line in a name ends no line
    assert all(line.startswith("ziplaw: ") for line in err.splitlines())
    assert "a.txt: all of it was read already, with a path before it" in err
    assert [p["name"] for p in open_corpus(tmp_path / "c").meta["source"]["paths"]] == [
        "folder with\n'quotes",
        "b.jsonl",
    ]
    assert str(tmp_path) not in json.dumps(open_corpus(tmp_path / "c").meta)


def test_command_builtin(tmp_path, capsys):
    options = ["--tokenizer", "bytes", "--documents", 64, "--valid-documents", 16, "-o", tmp_path / "c"]
    assert run(capsys, "--builtin", "prose", *options)[0] == 0
    assert b"LORD" in b" ".join(unpack(open_corpus(tmp_path / "c").train))


@pytest.mark.parametrize("arguments", [["-o", "c"], ["x", "--builtin", "code", "-o", "c"], ["x"]])
def test_bad_usage(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err.startswith("ziplaw: error: ")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in KiB on Linux")
def test_a_large_file_is_imported_in_bounded_memory(tmp_path):
    rng = np.random.default_rng(9)
    (tmp_path / "texts").mkdir()
    with open(tmp_path / "texts" / "large.txt", "wb") as stream:
        for _ in range(96):
            stream.write(words(rng, 1 << 20))
    code = (
        "import resource, sys; from ziplaw.corpora.importing import import_corpus as i; "
        "from ziplaw.corpora.readers import open_source; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "i(open_source(sys.argv[1]), sys.argv[2], 'bytes'); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    arguments = [sys.executable, "-c", code, tmp_path / "texts", tmp_path / "c"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=os.environ)
    assert (tmp_path / "c" / "train.npy").stat().st_size > 160 << 20
    # the text is 96 MiB, the corpus and the spool are twice that
    assert int(done.stdout) < 96 << 10
