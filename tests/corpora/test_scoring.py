"""H of texts and corpora: with an interval over sources, whatever the order of rows."""

import numpy as np

import ziplaw
from ziplaw.base.clusters import median_interval
from ziplaw.corpora.compress import compressibility
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import TextSource, TokenSource, open_source
from ziplaw.corpora.scoring import score_source
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.corpora.storage.streams import DocumentName


def text_of(rng, n, letters):
    return rng.choice(np.frombuffer(b"abcdefghijklmnop", np.uint8)[:letters], n).tobytes()


def folder_of_texts(tmp_path, n=120, seed=0):
    """Texts whose compressibility differs from file to file, in an order that goes from one end to the other."""
    rng = np.random.default_rng(seed)
    (tmp_path / "texts").mkdir()
    for i in range(n):
        text = text_of(rng, int(rng.lognormal(9, 0.6)), 2 + i * 14 // n)
        (tmp_path / "texts" / f"{i:03}.txt").write_bytes(text)
    return tmp_path / "texts"


def test_the_corpus_and_its_text_have_the_same_h_within_the_interval(tmp_path):
    folder = folder_of_texts(tmp_path)
    text = score_source(open_source(folder), "bytes", 256, 1000)
    assert text["H_interval"][0] < text["H"] < text["H_interval"][1]
    assert text["H_sources"] >= 50
    everything = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    whole = compressibility(np.frombuffer(everything, np.uint8), samples=10**9)
    assert text["H_interval"][0] < whole.median < text["H_interval"][1]
    for seed in range(3):
        import_corpus(open_source(folder), tmp_path / "c", "bytes", n_valid=64, seed=seed)
        corpus = score_source(open_source(tmp_path / "c"), window=256)
        low, high = corpus["H_interval"]
        assert low < whole.median < high
        assert corpus["n"] == 1000
        # the same windows taken as if they were draws claim too much
        naive = median_interval(np.array(corpus["sizes"]) / 1024, np.arange(1000))
        assert high - low > 1.2 * (naive[1] - naive[0])


def test_rows_in_any_order_are_scored_as_a_whole(tmp_path):
    rng = np.random.default_rng(3)
    easy, hard = rng.integers(0, 4, (1500, 64)), rng.integers(0, 250, (1500, 64))
    np.save(tmp_path / "rows.npy", np.concatenate([easy, hard]))
    scores = {w: score_source(open_source(tmp_path / "rows.npy"), window=w, samples=1000) for w in (64, 32)}
    for score in scores.values():
        assert score["q25"] < 0.7 * score["q75"]
        # half of the rows are easy and half are hard: the median may be either
        low, high = score["H_interval"]
        assert low < 1.1 * score["q25"]
        assert high > 0.9 * score["q75"]
    assert compressibility(np.concatenate([easy, hard]), 64, first=False).median == scores[64]["H"]
    assert compressibility(np.concatenate([easy, hard]), 64).quantiles["q95"] < scores[64]["q25"] * 1.2


def test_grammar_corpora_keep_their_score(tmp_path):
    grammar = ziplaw.random_grammar(10, 150, 5, 3, seed=0)
    tokens = ziplaw.sample(grammar, n_documents=1200, context=64, seed=0)
    with CorpusWriter(tmp_path / "c", 1200, 4, 64, 151, {"kind": "grammar"}) as writer:
        writer.train[:], writer.valid[:] = tokens, tokens[:4]
    score = score_source(open_source(tmp_path / "c"), window=64)
    assert not {"H_interval", "H_sources"} & set(score)
    assert score["sizes"] == ziplaw.gzip_sizes(tokens[:1000]).tolist()


def test_one_text_counts_as_blocks_and_one_window_has_no_interval():
    text = text_of(np.random.default_rng(4), 100_000, 9)

    def scored(data):
        source = TextSource("a", "text", lambda: iter([(DocumentName("a"), data)]), provenance={})
        return score_source(source, "bytes", 256, 100)

    assert scored(text)["H_sources"] == 50
    assert scored(text[:300])["H_interval"] is None


def test_documents_of_a_stream_of_ids_are_its_sources():
    ids = np.random.default_rng(5).integers(0, 9, 64 * 200)
    bounds = np.concatenate([np.arange(100) * 64, [6400, 64 * 200]])
    source = TokenSource("ids", "bin", ids, documents=bounds)
    # a hundred documents of one window and one of a hundred, which counts as blocks of a fiftieth of the windows
    assert score_source(source, window=64, samples=200)["H_sources"] == 100 + 25
    assert score_source(TokenSource("ids", "bin", ids), window=64, samples=200)["H_sources"] == 50
