"""Corpus folders are written whole or not at all, and a damaged one is noticed when it is opened."""

import errno
import json
import os
import resource
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ziplaw.base.atomic import PART
from ziplaw.base.documents import read_json, write_json
from ziplaw.corpora.storage import format as corpus_format
from ziplaw.corpora.storage.format import CorpusWriter, count_tokens, open_corpus, token_dtype, unigram_entropy
from ziplaw.errors import CorpusError, OutputError


def write(folder, train, valid, vocab_size, **options):
    train, valid = np.asarray(train), np.asarray(valid)
    with CorpusWriter(folder, len(train), len(valid), train.shape[1], vocab_size, {"seed": 0}, **options) as writer:
        writer.train[:] = train
        writer.valid[:] = valid
    return open_corpus(folder)


def small(folder, fill=1):
    return write(folder, np.full((4, 8), fill), np.full((2, 8), fill), vocab_size=300)


@given(data=st.data(), vocab_size=st.sampled_from([2, 300, 65536, 65537, 1 << 20]))
@settings(max_examples=40, deadline=None)
def test_round_trip(tmp_path_factory, data, vocab_size):
    n, context = data.draw(st.integers(1, 5)), data.draw(st.integers(2, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    train, valid = rng.integers(0, vocab_size, (n, context)), rng.integers(0, vocab_size, (2, context))
    folder = tmp_path_factory.mktemp("corpus") / "c"
    corpus = write(folder, train, valid, vocab_size, token_bytes=3.5)
    assert (corpus.train == train).all()
    assert (corpus.valid == valid).all()
    assert corpus.train.dtype == token_dtype(vocab_size) == (np.uint16 if vocab_size <= 65536 else np.uint32)
    assert (corpus.vocab_size, corpus.context, corpus.meta["token_bytes"]) == (vocab_size, context, 3.5)
    _, counts = np.unique(train, return_counts=True)
    p = counts / counts.sum()
    assert corpus.meta["unigram_entropy"] == pytest.approx(-(p * np.log(p)).sum(), rel=1e-11, abs=1e-12)
    assert sorted(os.listdir(folder)) == ["meta.json", "train.npy", "valid.npy"]
    assert not corpus.train.flags.writeable


def test_same_content_same_bytes(tmp_path):
    small(tmp_path / "a"), small(tmp_path / "b")
    for name in ("meta.json", "train.npy", "valid.npy"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_plain_numpy_reads_it(tmp_path):
    small(tmp_path)
    assert (np.load(tmp_path / "train.npy") == 1).all()


def test_counts_in_pieces(monkeypatch):
    monkeypatch.setattr(corpus_format, "CHUNK_TOKENS", 10)
    tokens = np.random.default_rng(0).integers(0, 50, (37, 4)).astype(np.uint16)
    assert count_tokens(tokens).tolist() == np.bincount(tokens.ravel()).tolist()


def test_unigram_entropy_limits():
    assert unigram_entropy([7]) == 0.0
    assert unigram_entropy([]) == 0.0
    assert unigram_entropy([5, 0, 5]) == pytest.approx(np.log(2))


@pytest.mark.parametrize("part", ["train", "valid"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\xff"),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not an array"),
        lambda path: np.save(path, np.zeros((4, 8), np.int64)),
        lambda path: np.save(path, np.zeros((1, 8), np.uint16)),
        lambda path: np.save(path, np.array([{}], object), allow_pickle=True),
        lambda path: path.unlink(),
    ],
)
def test_damage_is_noticed_on_open(tmp_path, part, damage):
    small(tmp_path)
    damage(tmp_path / f"{part}.npy")
    with pytest.raises(CorpusError, match=f"{part}.npy.*make it again"):
        open_corpus(tmp_path)


def test_damaged_meta_is_noticed(tmp_path):
    small(tmp_path)
    path = tmp_path / "meta.json"
    meta = json.loads(path.read_text())
    path.write_text(json.dumps(meta | {"context": 9}))
    with pytest.raises(CorpusError, match="checksum"):
        open_corpus(tmp_path)
    path.write_text(json.dumps({"kind": "ziplaw/corpus", "vocab_size": "many"}))
    with pytest.raises(CorpusError, match="vocab_size is 'many'"):
        open_corpus(tmp_path)


def test_no_corpus(tmp_path):
    with pytest.raises(CorpusError, match="no such folder"):
        open_corpus(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match=r"no meta\.json"):
        open_corpus(tmp_path)


def test_ids_beyond_the_vocabulary(tmp_path):
    with pytest.raises(CorpusError, match="holds id 300, vocab_size is 300"):
        small(tmp_path / "c", fill=300)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_train", 0), ("n_valid", -1), ("context", 1), ("vocab_size", 1), ("n_train", 2.5), ("context", True)],
)
def test_bad_numbers(tmp_path, name, value):
    numbers = {"n_train": 1, "n_valid": 1, "context": 8, "vocab_size": 10} | {name: value}
    with pytest.raises(CorpusError, match=f"{name} is"):
        CorpusWriter(tmp_path / "c", **numbers, source={})


def test_a_failing_block_leaves_the_old_corpus(tmp_path):
    small(tmp_path)
    with pytest.raises(KeyError), CorpusWriter(tmp_path, 4, 2, 8, 300, {}) as writer:
        writer.train[:] = 2
        raise KeyError
    assert (open_corpus(tmp_path).train == 1).all()
    assert sorted(os.listdir(tmp_path)) == ["meta.json", "train.npy", "valid.npy"]


def test_full_disk(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(corpus_format, "_allocate", full)
    with pytest.raises(CorpusError, match="No space left on device"):
        small(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_full_disk_at_the_last_file(tmp_path, monkeypatch):
    small(tmp_path)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(corpus_format, "json_text", full)
    with pytest.raises(CorpusError, match="No space left"):
        small(tmp_path, fill=2)
    monkeypatch.undo()
    assert (open_corpus(tmp_path).train == 1).all()
    assert sorted(os.listdir(tmp_path)) == ["meta.json", "train.npy", "valid.npy"]


def test_no_temporary_file_has_one_of_its_own(tmp_path, monkeypatch):
    """Nobody would tidy that up after a kill, and its rename would drop the lock of the first."""
    replace, renamed = os.replace, []

    def told(source, target):
        renamed.append(os.path.basename(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", told)
    small(tmp_path)
    assert sorted(renamed) == ["meta.json", "train.npy", "valid.npy"]


def test_a_writer_stopped_between_its_files_leaves_no_corpus(tmp_path, monkeypatch):
    small(tmp_path)
    replace = os.replace

    def stopped(source, target):
        if str(target).endswith("train.npy"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(CorpusError, match="Input/output error"):
        small(tmp_path, fill=2)
    with pytest.raises(CorpusError, match=r"no meta\.json in it, so it is no finished"):
        open_corpus(tmp_path)
    assert os.listdir(tmp_path) == []


def test_file_size_limit_is_an_error_and_no_crash(tmp_path):
    # a real kernel limit: storing through a mapping past it would be a SIGBUS
    code = (
        "from ziplaw.corpora.storage.format import CorpusWriter\n"
        f"with CorpusWriter({str(tmp_path / 'c')!r}, 4096, 1, 256, 300, {{}}) as w: w.train[:] = 1"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot write the corpus there" in done.stderr, done.stderr
    assert done.returncode == 1
    assert not (tmp_path / "c").exists()


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file is a file, not a folder: give another path"):
        small(tmp_path / "file" / "c")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written: choose another place"):
        small(tmp_path)


def test_two_writers_at_once(tmp_path):
    barrier = threading.Barrier(4)

    def one(fill):
        with CorpusWriter(tmp_path, 64, 2, 8, 300, {"fill": fill}) as writer:
            writer.train[:], writer.valid[:] = fill, fill
            barrier.wait()

    threads = [threading.Thread(target=one, args=(fill,)) for fill in range(1, 5)]
    [t.start() for t in threads], [t.join() for t in threads]
    corpus = open_corpus(tmp_path)
    assert set(np.unique(corpus.train)) == set(np.unique(corpus.valid)) == {corpus.meta["source"]["fill"]}
    assert sorted(os.listdir(tmp_path)) == ["meta.json", "train.npy", "valid.npy"]


def test_a_folder_of_other_files_is_not_written_into(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me company")
    with pytest.raises(OutputError, match=r"holds 'notes.txt' and is no earlier output"):
        small(tmp_path / "mine")
    assert os.listdir(tmp_path / "mine") == ["notes.txt"]
    # a corpus may be replaced, with what lies beside it
    small(tmp_path / "c")
    (tmp_path / "c" / "notes.txt").write_text("about it")
    assert small(tmp_path / "c", fill=2).train[0, 0] == 2
    # and so may what a writer that was killed between its renames left behind, but not arrays of other origin
    (tmp_path / "c" / "notes.txt").unlink()
    (tmp_path / "c" / "meta.json").rename(tmp_path / "c" / f".meta.json.abcdefgh{PART}")
    assert small(tmp_path / "c", fill=3).train[0, 0] == 3
    (tmp_path / "c" / "meta.json").unlink()
    with pytest.raises(OutputError, match=r"holds 'train.npy' and is no earlier output"):
        small(tmp_path / "c", fill=4)
    assert (np.load(tmp_path / "c" / "train.npy") == 3).all()


@pytest.mark.parametrize("last", ["valid.npy", "train.npy", "meta.json"])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_writer_interrupted_between_its_renames_leaves_nothing_in_the_way(tmp_path, monkeypatch, last, earlier):
    if earlier:
        small(tmp_path / "c")
    real = os.replace

    def replace(source, target):
        if os.path.basename(target) == last:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path / "c", fill=2)
    monkeypatch.undo()
    assert (os.listdir(tmp_path / "c") if earlier else os.listdir(tmp_path)) == []
    assert small(tmp_path / "c", fill=3).train[0, 0] == 3


def test_sources_of_held_out_documents(tmp_path):
    for sources in ([0, 1, 1], np.array([2, 0, 1], np.uint8), None):
        with CorpusWriter(tmp_path, 2, 3, 4, 9, {}, valid_sources=sources) as writer:
            writer.train[:] = 1
        found = open_corpus(tmp_path).valid_sources
        assert found is None if sources is None else found.tolist() == list(sources)
    for sources in ([0, 1], [0, 1, 3], [-1, 0, 1], [0.0, 1.0, 2.0], "abc", [[0, 1, 2]], [[0], [1, 2]]):
        with pytest.raises(CorpusError, match="valid_sources must number the sources of the 3 held-out documents"):
            CorpusWriter(tmp_path, 2, 3, 4, 9, {}, valid_sources=sources)
        meta = read_json(tmp_path / "meta.json") | {"valid_sources": sources}
        write_json(tmp_path / "meta.json", meta, kind="corpus")
        with pytest.raises(CorpusError, match=r"meta\.json: valid_sources must number"):
            open_corpus(tmp_path)
