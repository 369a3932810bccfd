"""Little memory, a locale without the letters, a run that was blown up, a long job that is told to stop."""

import math
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tiny_runs
import torch

from ziplaw.base.documents import read_json, write_csv
from ziplaw.cli import LIGHTER, VERBS, main
from ziplaw.errors import TrainError
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.laws.intervals.bootstrap import _PIECE, _resampled
from ziplaw.models import memory
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.trainer import WORSE_THAN_GUESSING, Trainer

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}


def ziplaw(*arguments, **options):
    command = [sys.executable, "-m", "ziplaw", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, **{"env": ENVIRONMENT, **options})


def test_a_run_that_ends_worse_than_guessing_has_diverged(tmp_path, monkeypatch):
    corpus = tiny_runs.grammar_corpus(tmp_path / "c")
    measured = Trainer.evaluate
    for excess, status in ((-0.01, "finished"), (0.01, "diverged"), (36_677.0, "diverged"), (math.nan, "diverged")):
        worst = math.log(21) + WORSE_THAN_GUESSING
        monkeypatch.setattr(Trainer, "evaluate", lambda self, loss=worst + excess: (loss, measured(self)[1]))
        run = tiny_runs.run(corpus, tmp_path / f"r{excess}", [512, 1024])
        assert run["status"] == status
        assert [point["loss"] is None for point in run["points"]] == [status == "diverged"] * 2
        assert read_json(tmp_path / f"r{excess}" / "run.json", "run")["status"] == status


def test_training_that_cannot_fit_is_refused_at_once(tmp_path, monkeypatch):
    corpus = tiny_runs.grammar_corpus(tmp_path / "c")
    large = ModelConfig(hidden=65536, layers=200, vocab_size=21, context=tiny_runs.CONTEXT)
    with pytest.raises(TrainError, match=r"training takes about .* GiB are free: take a smaller model"):
        tiny_runs.run(corpus, tmp_path / "r", [512], large)
    assert not (tmp_path / "r").exists()
    monkeypatch.setattr(memory, "free_bytes", lambda: None)  # a system that does not say
    assert tiny_runs.run(corpus, tmp_path / "r", [512])["status"] == "finished"


def test_memory_under_a_limit(tmp_path):
    random_grammar(4, 20, 3, 3, seed=1).save(tmp_path / "g.json")
    done = ziplaw("sample", "g.json", "--documents", 64, "--valid-documents", 4, "-o", "c", cwd=tmp_path)
    assert done.returncode == 0
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))  # noqa: E731
    shape = ("--hidden", 2048, "--layers", 20, "--budgets", 2048)
    done = ziplaw("train", "c", *shape, "-o", "r", cwd=tmp_path, preexec_fn=limit)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr
    assert b"are free: take a smaller model" in done.stderr


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("std::bad_alloc"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
        MemoryError(),
    ],
)
def test_lack_of_memory_while_training_is_one_line(tmp_path, monkeypatch, capsys, error):
    corpus = tiny_runs.grammar_corpus(tmp_path / "c")

    def fail(self):
        raise error

    monkeypatch.setattr(Trainer, "run", fail)
    shape = ["--hidden", "8", "--layers", "1", "--budgets", "512"]
    with pytest.raises(SystemExit) as ended:
        main(["train", str(corpus), *shape, "-o", str(tmp_path / "r")])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"ziplaw: error: out of memory in training: {memory.REMEDY}\n"


def test_other_runtime_errors_of_torch_stay_bugs():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), memory.memory_errors():
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_the_remedy_for_memory_suits_the_verb(tmp_path, monkeypatch, capsys):
    assert set(LIGHTER) <= set(VERBS)
    from ziplaw.corpora import scoring

    def fail(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr(scoring, "score_source", fail)
    (tmp_path / "a.txt").write_text("some words " * 1000)
    with pytest.raises(SystemExit) as ended:
        main(["score", str(tmp_path / "a.txt")])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"ziplaw: error: out of memory: {LIGHTER['score']}\n"


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"LC_ALL": "POSIX"},
    ],
)
def test_letters_that_a_terminal_lacks_do_not_end_a_verb(tmp_path, locale):
    name = "тексты-語-😀.txt"
    (tmp_path / name).write_text("some words, more words\n" * 3000)
    os.chmod(tmp_path, 0o755)
    environment = ENVIRONMENT | locale
    for more in ([], ["--json"]):
        done = ziplaw("score", name, *more, "--samples", 5, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert b"Traceback" not in done.stderr
    # what is printed as JSON is JSON in any locale
    import json

    assert json.loads(done.stdout.decode("latin-1"))["H"] > 0
    done = ziplaw("score", "нет.txt", cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    (tmp_path / "t.csv").write_text("sizé,tökens,loss\n1,2,3\n", encoding="utf-8")
    done = ziplaw("fit", "t.csv", cwd=tmp_path, env=environment)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    for verb in VERBS:
        assert ziplaw(verb, "--help", cwd=tmp_path, env=environment).returncode == 0


def test_main_leaves_streams_as_they_were():
    before = sys.stdout.errors, sys.stderr.errors
    with pytest.raises(SystemExit):
        main(["--version"])
    assert (sys.stdout.errors, sys.stderr.errors) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_long_bootstrap_stops_when_told(tmp_path, number):
    N, D = ([n * 10**6 for n in (1, 2, 4, 8, 16)], [d * 10**8 for d in (1, 2, 4, 8, 16)])
    noise = np.random.default_rng(0).normal(size=25)
    pairs = [(n, d) for n in N for d in D]
    rows = [{"N": n, "D": d, "loss": 1.7 + 400 / n**0.34 + 410 / d**0.28 + 0.01 * e} for (n, d), e in zip(pairs, noise)]
    write_csv(tmp_path / "t.csv", rows)
    reset = lambda: signal.signal(  # noqa: E731
        number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler
    )
    command = [sys.executable, "-m", "ziplaw", "fit", "t.csv", "--bootstrap", "1000000"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, preexec_fn=reset) as process:
        time.sleep(6)  # the refits have begun
        process.send_signal(number)
        began = time.perf_counter()
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert time.perf_counter() - began < 4  # it took 14 s, and a loaded machine is slow


def test_resamples_do_not_depend_on_pieces():
    n = 2 * _PIECE + 7
    whole = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=n)
    assert (_resampled(np.random.default_rng(3), 6, n) == whole).all()
