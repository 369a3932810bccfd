"""`ziplaw sample`: what it writes, what it refuses, and what is left when it ends early."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner
from verbs import started as run

from grammars import BY_HAND
from ziplaw.cli import command
from ziplaw.corpora.storage import format as corpus_format
from ziplaw.corpora.storage.format import open_corpus
from ziplaw.errors import CorpusError
from ziplaw.grammars.grammar import Grammar
from ziplaw.grammars.sampling import sample


def fails(*arguments):
    found = run(*arguments)
    assert found.returncode == 2, found.stderr
    assert found.stderr.startswith("ziplaw: error: ")
    assert "Traceback" not in found.stderr
    return found.stderr


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ünï cödé 'q' $x")
    (folder / "grammar 文.pcfg").write_text(BY_HAND)
    return folder / "grammar 文.pcfg"


def test_a_grammar_by_hand_is_sampled_and_floored(by_hand):
    folder = by_hand.parent / "corpus ß"
    done = run("sample", by_hand, "--documents", 40, "--valid-documents", 10, "--context", 32, "-o", folder)
    assert done.returncode == 0, done.stderr
    corpus = open_corpus(folder)
    np.testing.assert_array_equal(corpus.train, sample(Grammar.load(by_hand), 40, 32))
    np.testing.assert_array_equal(corpus.valid, sample(Grammar.load(by_hand), 10, 32, stream=1))
    floor = run("floor", by_hand, "--corpus", folder, "--json")
    assert floor.returncode == 0, floor.stderr
    assert json.loads(floor.stdout)["n_documents"] == 10


def test_sample_refuses_before_writing(by_hand, tmp_path):
    critical = tmp_path / "critical.txt"
    critical.write_text("S -> S '1' [0.5] | S S [0.49] | '1' [0.01]")
    empty = tmp_path / "none"
    good = ["--documents", "4", "-o", str(empty)]
    fails("sample", tmp_path / "missing.json", *good)
    fails("sample", by_hand, "--documents", 0, "-o", empty)
    fails("sample", by_hand, *good, "--context", 0)
    fails("sample", by_hand, *good, "--threads", 0)
    fails("sample", by_hand, *good, "--seed", -1)
    fails("sample", by_hand, *good, "--valid-documents", 0)
    # a file where a folder must be, as good as a read-only place
    fails("sample", by_hand, "--documents", 4, "-o", by_hand / "x")
    assert not empty.exists()
    assert run("grammar", "show", critical).returncode == 0


def test_a_full_disk_leaves_nothing(by_hand, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corpus_format.os, "posix_fallocate", full)
    arguments = ["sample", str(by_hand), "--documents", "400", "-o", str(tmp_path / "corpus")]
    found = CliRunner().invoke(command, arguments)
    assert isinstance(found.exception, CorpusError)
    assert "No space left" in str(found.exception)
    assert list(tmp_path.iterdir()) == []


def test_killed_while_writing_leaves_no_corpus(by_hand, tmp_path):
    folder = tmp_path / "corpus"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "ziplaw", "sample", str(by_hand), "--documents", "400000", "-o", str(folder)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".train.npy.*.part")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    assert run("sample", by_hand, "--documents", 4, "-o", folder).returncode == 0
    assert open_corpus(folder).train.shape == (4, 256)
