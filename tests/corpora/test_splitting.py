"""What ``ziplaw import`` holds out: many sources, in proportion to their text, apart from training, with a true error."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from texts import memory

from ziplaw.base.clusters import clustered_stderr
from ziplaw.corpora import importing, overlap, splitting
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import TextSource, TokenSource
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.corpora.storage.streams import PIECE_BYTES, DocumentName
from ziplaw.errors import CorpusError


def flat(ids):
    return TokenSource("flat", "bin", np.asarray(ids))


def make(source, folder, **options):
    done = import_corpus(source, folder, "bytes", **({"n_valid": 32, "context": 32} | options))
    return open_corpus(folder), done


def words(rng, n):
    """Text of random letters: no two stretches of it are alike."""
    return rng.integers(97, 123, n, dtype=np.uint8).tobytes()


def owners(window, lengths):
    """Documents behind the ids of a window when ids count up through all documents (see `numbered`)."""
    ends = np.cumsum(lengths)
    return set(np.searchsorted(ends, window[window > 0].astype(np.int64) - 1, "right").tolist())


def numbered(lengths):
    """A source and its tokenizer whose ids count up through all documents, so that every id tells where it is from."""
    ends = np.cumsum(lengths)

    class Ids:
        name, vocab_size, sha256, replaced = "numbers", int(ends[-1]), None, 0

        def encode(self, pieces):
            return [np.frombuffer(piece, "<u4") for piece in pieces]

    ids = np.arange(ends[-1], dtype="<u4")

    def pieces():
        for i, (n, end) in enumerate(zip(lengths, ends)):
            for start in range(end - n, end, PIECE_BYTES // 4):
                yield DocumentName(f"f{i}"), ids[start : min(start + PIECE_BYTES // 4, end)].tobytes()

    return TextSource("numbers", "directory", pieces), Ids()


uneven = st.lists(st.one_of(st.integers(1, 40), st.integers(50, 4000)), min_size=3, max_size=60)


@given(uneven, st.integers(0, 9), st.integers(1, 20), st.sampled_from([8, 16, 33]))
@example([1, 1, 128], 0, 1, 8)  # sixteen windows to the token: with its separator it is longer, and counts as two
@settings(max_examples=150, deadline=None)
def test_no_text_is_on_both_sides_and_none_is_measured_twice(tmp_path_factory, lengths, seed, n_valid, context):
    source, ids = numbered(lengths)
    try:
        import_corpus(source, folder := tmp_path_factory.mktemp("s"), ids, None, n_valid, context, seed)
    except CorpusError as error:
        assert "were asked for: give more text" in str(error)  # noqa: PT017
        return
    corpus = open_corpus(folder)
    train, valid = (part[part > 0].astype(np.int64) for part in (corpus.train, corpus.valid))
    assert len(np.unique(train)) == len(train)
    assert len(np.unique(valid)) == len(valid)
    assert not np.isin(train, valid).any()
    # within a long document that is on both sides, a window's width lies between them
    for i in set(owners(valid, lengths)) & set(owners(train, lengths)):
        assert lengths[i] + 1 > splitting.SECTION_WINDOWS * context  # its separator counts
        first, last = sum(lengths[:i]), sum(lengths[: i + 1])
        own, held = (np.sort(part[(part > first) & (part <= last)]) for part in (train, valid))
        assert np.abs(own[:, None] - held).min() > context
    # windows of different sources share no document that is held out whole
    for a, b in itertools.combinations(range(n_valid), 2):
        if corpus.valid_sources[a] != corpus.valid_sources[b]:
            shared = owners(corpus.valid[a], lengths) & owners(corpus.valid[b], lengths)
            assert all(lengths[i] + 1 > splitting.SECTION_WINDOWS * context for i in shared)


def test_every_stretch_of_text_is_as_likely_to_be_held_out(tmp_path):
    lengths = np.array([20] * 200 + [300] * 40 + [3000] * 12 + [20_000] * 2)
    kind = np.repeat(np.arange(4), [200, 40, 12, 2])
    share = np.bincount(kind, lengths) / lengths.sum()
    source, ids = numbered(lengths)
    found = np.zeros(4)
    for seed in range(60):
        import_corpus(source, tmp_path, ids, None, 32, 32, seed)
        valid = open_corpus(tmp_path).valid
        of = np.searchsorted(np.cumsum(lengths), valid[valid > 0].astype(np.int64) - 1, "right")
        found += np.bincount(kind[of], minlength=4)
    # the rarest kind stands in some 150 windows of 60 x 32
    assert found / found.sum() == pytest.approx(share, rel=0.2)


def test_windows_are_of_many_sources_and_training_of_all_others(tmp_path):
    rng = np.random.default_rng(0)
    lengths = rng.lognormal(6, 1.5, 1000).astype(int) + 1
    source, ids = numbered(lengths)
    done = import_corpus(source, tmp_path / "all", ids, None, 256, 32)
    corpus = open_corpus(tmp_path / "all")
    held = owners(corpus.valid, lengths)
    assert len(held) > 60
    assert done["valid_sources"] == corpus.valid_sources.max() + 1 > 60
    assert len(owners(corpus.train, lengths)) > 850
    import_corpus(source, tmp_path / "some", ids, 500, 256, 32)
    some = open_corpus(tmp_path / "some")
    assert len(some.train) == 500
    assert len(owners(some.train, lengths)) > 200
    assert (some.valid == corpus.valid).all()


def test_one_text_has_sections_as_sources(tmp_path):
    corpus, done = make(flat(np.arange(200_000)), tmp_path, n_valid=40, context=64)
    assert done["sources"] == -(-200_000 // (16 * 64))
    assert done["valid_sources"] > 15
    starts = np.sort(corpus.valid[:, 0].astype(int))
    # spread over the whole of it
    assert starts[0] < 40_000 < 160_000 < starts[-1]


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


def test_by_file_holds_out_whole_files(tmp_path):
    rng = np.random.default_rng(1)
    files = {f"{i}.jsonl": [bytes([97 + i]) * 3 + words(rng, 200) for _ in range(30)] for i in range(20)}
    starts = {text[:19]: file for file, texts in files.items() for text in texts}

    def files_of(corpus, part):
        text = bytes(max(x, 1) - 1 for x in getattr(corpus, part).ravel().tolist())
        return {file for start, file in starts.items() if start in text}

    by_file, done = make(memory(files), tmp_path / "f", n_valid=64, context=32, by="file")
    assert done["sources"] == 20
    assert files_of(by_file, "valid").isdisjoint(files_of(by_file, "train"))
    by_document, done = make(memory(files), tmp_path / "d", n_valid=64, context=32)
    assert done["sources"] == 600
    assert len(files_of(by_document, "train")) == 20
    assert len(files_of(by_document, "valid") & files_of(by_document, "train")) > 5
    assert by_document.meta["source"]["by"] == "document"
    with pytest.raises(CorpusError, match=r"made of 1 source.*leave out --by file"):
        make(memory({"one": files["0.jsonl"]}), tmp_path / "x", by="file")
    with pytest.raises(CorpusError, match="by is 'record', must be one of document, file"):
        make(memory(files), tmp_path / "x", by="record")


def test_exact_copies_are_kept_out_and_counted(tmp_path):
    rng = np.random.default_rng(2)
    texts = [words(rng, 500) for _ in range(200)]
    twice = {f"{i}": [text] for i, text in enumerate(texts * 3)}
    corpus, done = make(memory(twice), tmp_path / "d")
    # a tenth of the 200 texts is held out, two more copies of each are not trained on
    assert done["notes"] == {"copies of held-out documents left out": 40}
    assert corpus.meta["source"]["copies_left_out"] == 40
    assert done["sources"] == 200
    # by file, a record that two files share is held out with one and left out of the other
    files = {f"{i}": [*texts[10 * i : 10 * i + 10], texts[0]] for i in range(20)}
    notes = [make(memory(files), tmp_path / "f", seed=s, by="file")[1]["notes"] for s in range(3)]
    assert [note["copies of held-out documents left out"] for note in notes] == [20 - 1 + 1] * 3


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
    what = "training documents left out as near copies of held-out text"
    n = done["notes"][what]
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
    assert done["notes"] == {}
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


@pytest.mark.parametrize(("n", "held"), [(3, 1), (10, 3), (40, 8), (200, 20)])
def test_few_sources_are_held_out_in_greater_part(tmp_path, n, held):
    rng = np.random.default_rng(11)
    _, done = make(memory({f"{i}": [words(rng, 9000)] for i in range(n)}), tmp_path, n_valid=40, by="file")
    assert done["valid_sources"] == held


def test_sources_without_text(tmp_path):
    for files in ({}, {"a": [b""]}, {"a": [b"x"], "b": [b"y"]}):
        for by in ("document", "file"):
            with pytest.raises(CorpusError, match=r"gives 0 documents of 32 tokens, .* give more text"):
                make(memory(files), tmp_path / "c", by=by)
    for shape in ((0,), (0, 32), (5, 0), (0, 7)):
        with pytest.raises(CorpusError, match=r"gives 0 documents of 32 tokens, .* give more text"):
            make(TokenSource("none", "npy", np.zeros(shape, np.uint16)), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def uneven_files(n, seed):
    """Files of uneven lengths, each with likings of its own: its letters follow a table that it shares in part."""
    rng = np.random.default_rng(seed)
    files = {}
    for i in range(n):
        length = int(rng.lognormal(6.3, 1.1)) + 20
        own = rng.dirichlet(np.full(20, 0.4))
        files[f"{i}"] = [(97 + rng.choice(20, length, p=own)).astype(np.uint8).tobytes()]
    return files


def test_held_out_loss_scatters_over_seeds_as_its_error_says(tmp_path):
    source = memory(uneven_files(1000, 6))
    losses, stated, naive = [], [], []
    for seed in range(40):
        corpus, _ = make(source, tmp_path, n_valid=256, context=32, seed=seed)
        # a model of the letters, fitted to each seed's training part
        counts = np.bincount(corpus.train.ravel(), minlength=corpus.vocab_size) + 1.0
        windows = -np.log(counts / counts.sum())[corpus.valid].mean(1)
        losses.append(windows.mean())
        stated.append(clustered_stderr(windows, corpus.valid_sources))
        naive.append(clustered_stderr(windows))
    spread = np.std(losses, ddof=1)
    # the spread of 40 seeds is known to 11 %
    assert 0.7 < spread / np.mean(stated) < 1.4
    assert spread / np.mean(naive) > 1.4
    assert np.mean(np.abs(losses - np.mean(losses)) < 1.96 * np.array(stated)) > 0.8


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
