"""What ``ziplaw import`` holds out: many sources, in proportion to their text, apart from training, with a true
error.
"""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from texts import make, memory, numbered, owners, words

from ziplaw.base.clusters import clustered_stderr
from ziplaw.corpora import splitting
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import TokenSource
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import CorpusError


def flat(ids):
    return TokenSource("flat", "bin", np.asarray(ids))


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
    assert done["copies_left_out"] == 40
    assert corpus.meta["source"]["copies_left_out"] == 40
    assert done["sources"] == 200
    # by file, a record that two files share is held out with one and left out of the other
    files = {f"{i}": [*texts[10 * i : 10 * i + 10], texts[0]] for i in range(20)}
    done = [make(memory(files), tmp_path / "f", seed=s, by="file")[1] for s in range(3)]
    assert [one["copies_left_out"] for one in done] == [20 - 1 + 1] * 3


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
