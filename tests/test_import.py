"""``ziplaw import``: whole documents are held out, ids move up by one, zeros stand between documents."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw import versions
from ziplaw.cli import main
from ziplaw.corpora import importing
from ziplaw.corpora.format import open_corpus
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.packing import split
from ziplaw.corpora.readers import TextSource, open_source
from ziplaw.corpora.tokenizers import load_tokenizer
from ziplaw.errors import CorpusError
from ziplaw.io import sha256_file


def memory(documents, name="memory"):
    """A source of documents given as bytes."""
    return TextSource(name, "directory", lambda: ((str(i), document) for i, document in enumerate(documents)))


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
def test_documents_are_whole_and_on_one_side(tmp_path_factory, texts, seed, context, n_documents):
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
    train, valid = unpack(corpus.train), unpack(corpus.valid)
    for part in (train, valid):
        assert all(text in texts for text in part[:-1])
        assert any(text.startswith(part[-1]) for text in texts)
    # nothing is on both sides; a cut last document is told by its beginning only
    assert set(train[:-1]).isdisjoint(valid[:-1])
    assert corpus.meta["token_bytes"] == 1.0
    if n_documents is None:
        unused = sum(map(len, texts)) + len(texts) - corpus.train.size - corpus.valid.size
        assert unused <= 2 * context + 2 * 40 + sum(len(t) + 1 for t in texts if texts.count(t) > 1)


def test_first_guess_does_not_change_the_corpus(tmp_path, monkeypatch):
    texts = [f"document {i} ".encode() * (1 + i % 5) for i in range(300)]
    import_corpus(memory(texts), tmp_path / "a", "bytes", 20, 4, 32, 1)
    # a thousandth of the text is tokenised first, then four times as much, and so on
    monkeypatch.setattr(importing, "_BYTES_PER_TOKEN", 0.01)
    import_corpus(memory(texts), tmp_path / "b", "bytes", 20, 4, 32, 1)
    for name in ("train.npy", "valid.npy", "meta.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_smaller_corpus_is_a_prefix_and_shares_the_held_out(tmp_path):
    texts = [f"document {i} ".encode() * 5 for i in range(300)]
    for n in (10, 40):
        import_corpus(memory(texts), tmp_path / str(n), "bytes", n, 4, 32, 1)
    small, large = open_corpus(tmp_path / "10"), open_corpus(tmp_path / "40")
    assert (small.train == large.train[:10]).all()
    assert (small.valid == large.valid).all()
    import_corpus(memory(texts), tmp_path / "other", "bytes", 10, 4, 32, seed=2)
    assert (open_corpus(tmp_path / "other").valid != small.valid).any()


def test_golden_bytes(tmp_path):
    """Other bytes from the same text: raise versions.CORPUS, so that sweeps import again, and renew these."""
    texts = [f"document {i} ".encode() * (1 + i % 7) for i in range(100)]
    import_corpus(memory(texts), tmp_path, "bytes", 20, 4, 32, seed=7)
    assert versions.CORPUS == 1
    assert {name: sha256_file(tmp_path / name)[:16] for name in ("train.npy", "valid.npy", "meta.json")} == {
        "train.npy": "9d5c38fe26797b2e",
        "valid.npy": "bcca1dcc6ad13769",
        "meta.json": "c474610a4707e003",
    }


def test_order_of_files_does_not_matter(tmp_path):
    texts = [f"document {i} ".encode() * 5 for i in range(100)]
    import_corpus(memory(texts), tmp_path / "a", "bytes", 10, 4, 32)
    import_corpus(memory(texts[::-1]), tmp_path / "b", "bytes", 10, 4, 32)
    assert (tmp_path / "a" / "meta.json").read_bytes() == (tmp_path / "b" / "meta.json").read_bytes()


def test_equal_documents_stay_on_one_side(tmp_path):
    texts = [b"a" * 30, b"b" * 30] * 20
    import_corpus(memory(texts), tmp_path / "c", "bytes", 10, 4, 32)
    corpus = open_corpus(tmp_path / "c")
    assert set(np.unique(corpus.train)) & set(np.unique(corpus.valid)) == {0}


def test_single_text_is_held_out_by_sections(tmp_path):
    text = "".join(f"Paragraph {i}: {'word ' * (20 + i % 30)}\n\n" for i in range(3000))
    (tmp_path / "a.txt").write_text(text)
    done = import_corpus(open_source(tmp_path / "a.txt"), tmp_path / "c", "bytes", None, 100, 256)
    assert done["valid_documents"] == 2
    corpus = open_corpus(tmp_path / "c")
    assert all(part.decode() in text for part in unpack(corpus.train) + unpack(corpus.valid))
    assert all(part.endswith(b"\n\n") for part in unpack(corpus.train)[:-1])


def test_bundled_ids_move_up_by_one(tmp_path):
    texts = [f"The {i}th whale was seen by {i * i} sailors. ".encode() * 3 for i in range(60)]
    import_corpus(memory(texts), tmp_path / "c", "bundled", 10, 2, 64)
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


def test_flat_ids_are_cut_into_sections(tmp_path):
    ids = np.arange(16 * 8 * 10, dtype=np.uint32) + 70000
    ids.tofile(tmp_path / "a.bin")
    import_corpus(open_source(tmp_path / "a.bin", dtype="uint32"), tmp_path / "c", n_valid=8, context=8)
    corpus = open_corpus(tmp_path / "c")
    assert corpus.train.dtype == np.uint32
    held_out = corpus.valid[corpus.valid > 0]
    assert len(np.unique((held_out - 70001) // (16 * 8))) == 1
    assert set(held_out).isdisjoint(corpus.train[corpus.train > 0])


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


def test_split_serves_parts_in_order():
    order = np.array([4, 2, 0, 1, 3])
    lengths = np.array([5, 5, 5, 5, 5])
    parts = split(order, np.array([1, 2, 2, 3, 4], np.uint64), lengths * 0, lengths, {"valid": 10, "train": 6}, 1)
    # the third document equals the second, which was held out: it is used on neither side
    assert parts["valid"].units.tolist() == [4, 2]
    assert parts["valid"].n_tokens == 11
    assert parts["train"].units.tolist() == [1, 3]


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["import", *map(str, arguments)])
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_command(tmp_path, capsys):
    (tmp_path / "data.jsonl").write_text("".join(json.dumps({"body": f"text {i} " * 20}) + "\n" for i in range(90)))
    options = ["--field", "body", "--tokenizer", "bytes", "--documents", 60, "--valid-documents", 8, "--context", 64]
    status, out, err = run(capsys, tmp_path / "data.jsonl", *options, "--seed", 3, "-o", tmp_path / "c")
    assert (status, err) == (0, "")
    assert "60 training and 8 held-out documents of 64 tokens" in out
    corpus = open_corpus(tmp_path / "c")
    assert (len(corpus.train), len(corpus.valid), corpus.context) == (60, 8, 64)
    assert corpus.meta["source"]["name"] == "data.jsonl"
    assert str(tmp_path) not in json.dumps(corpus.meta)
    status, _, err = run(capsys, tmp_path / "c", "-o", tmp_path / "d")
    assert status == 2
    assert "c is a ziplaw corpus already" in err


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
