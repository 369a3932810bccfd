"""``ziplaw sample``: the documents of the function, whole or not at all, one clear line otherwise."""

import errno
import os

import numpy as np
import pytest

from made_grammars import preset
from ziplaw.cli import main
from ziplaw.corpora import format as corpus_format
from ziplaw.corpora.format import open_corpus
from ziplaw.sampling import sample


def run(capsys, *arguments):
    """Run the command in this process; return (status, standard output, standard error)."""
    with pytest.raises(SystemExit) as stop:
        main(["sample", *map(str, arguments)])
    out, err = capsys.readouterr()
    return stop.value.code, out, err


@pytest.fixture
def grammar_file(tmp_path):
    path = tmp_path / "Grammatik ü 文法.json"
    preset("main-2").save(path)
    return path


def test_verb_writes_what_the_function_returns(capsys, tmp_path, grammar_file):
    folder = tmp_path / "neu é" / "корпус"
    options = ("--documents", 40, "--valid-documents", 7, "--context", 33, "--seed", 5)
    assert run(capsys, grammar_file, *options, "--threads", 2, "-o", folder) == (0, "", "")
    corpus, g = open_corpus(folder), preset("main-2")
    np.testing.assert_array_equal(corpus.train, sample(g, 40, 33, seed=5, stream=0))
    np.testing.assert_array_equal(corpus.valid, sample(g, 7, 33, seed=5, stream=1))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(capsys, grammar_file, *options, "--threads", 1, "-o", folder)[0] == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert run(capsys, grammar_file, *options, "--mode", "paper", "-o", folder)[0] == 0
    corpus, lengths = open_corpus(folder), np.empty(40, np.int32)
    np.testing.assert_array_equal(corpus.train, sample(g, 40, 33, seed=5, mode="paper", lengths=lengths))
    assert corpus.meta["source"]["short_documents_train"] == (lengths == 32).sum() > 0


@pytest.mark.parametrize(
    "options",
    [
        ["--documents", 0],
        ["--documents", -3],
        ["--documents", "many"],
        ["--documents", 10**30],
        ["--documents", 5, "--valid-documents", 0],
        ["--documents", 5, "--context", 0],
        ["--documents", 5, "--context", 1],
        ["--documents", 5, "--context", 10**9],
        ["--documents", 5, "--seed", -1],
        ["--documents", 5, "--seed", 2**64],
        ["--documents", 5, "--threads", 0],
        ["--documents", 5, "--mode", "quick"],
        [],
    ],
)
def test_verb_refuses_bad_numbers(capsys, tmp_path, grammar_file, options):
    status, out, err = run(capsys, grammar_file, *options, "-o", tmp_path / "corpus")
    assert (status, out) == (2, "")
    assert "Error" in err or "error" in err
    assert "Traceback" not in err
    assert not (tmp_path / "corpus").exists()


def test_verb_refuses_bad_grammars(capsys, tmp_path):
    for text in ("", "{}", "S -> S [1.0]", "S -> S '1' [1.0]", "S -> '1' [0.5]", "\0\1\2"):
        path = tmp_path / "bad"
        path.write_text(text)
        status, out, err = run(capsys, path, "--documents", 2, "-o", tmp_path / "corpus")
        assert (status, out, err.count("\n")) == (2, "", 1), (text, err)
        assert err.startswith("ziplaw: error: ")
    assert run(capsys, tmp_path / "missing", "--documents", 2, "-o", tmp_path / "corpus")[0] == 2
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("where", ["reserve", "flush", "rename"])
def test_verb_on_a_full_disk(capsys, monkeypatch, tmp_path, grammar_file, where, existing):
    folder = tmp_path / "corpus"
    if existing:
        assert run(capsys, grammar_file, "--documents", 3, "-o", folder)[0] == 0
    before = {p.name: p.read_bytes() for p in folder.iterdir()} if existing else None

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = {"reserve": (os, "posix_fallocate"), "flush": (corpus_format, "_drop_pages"), "rename": (os, "fsync")}
    monkeypatch.setattr(*target[where], full)
    status, out, err = run(capsys, grammar_file, "--documents", 9, "-o", folder)
    assert (status, out) == (2, "")
    message = "cannot write the corpus there (No space left on device): free space or choose another"
    assert err == f"ziplaw: error: {folder}: {message}\n"
    if existing:
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    else:
        assert not folder.exists()
