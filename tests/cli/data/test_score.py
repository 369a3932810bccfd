"""``ziplaw score``: the right H for every kind of input (held against Python's own gzip), one clear line otherwise."""

import functools
import gzip
import json
import os
import random
import re
import subprocess
import sys

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from twins import gzip_score
from ziplaw.base.documents import read_json
from ziplaw.cli import main
from ziplaw.corpora import scoring
from ziplaw.corpora.readers import TextSource
from ziplaw.corpora.scoring import score_builtin, score_path, score_source
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.corpora.tokenizers import load_tokenizer, train_bpe
from ziplaw.errors import CorpusError, ZiplawError

PROSE = "".join(
    f"On day {i} the {i * 7 % 13} sailors saw {i * i % 101} whales, and wrote it down.\n" for i in range(400)
)


def run(capsys, *arguments):
    """Run the command in this process; return (status, standard output, standard error)."""
    with pytest.raises(SystemExit) as stop:
        main(["score", *map(str, arguments)])
    out, err = capsys.readouterr()
    return stop.value.code, out, err


@functools.cache
def bundled():
    return load_tokenizer("bundled")


def bundled_ids(text):
    return bundled().encode([text])[0].tolist()


@pytest.fixture
def inputs(tmp_path):
    """One of every input, and the ids that each stands for."""
    text = PROSE.encode()
    ids = np.random.default_rng(0).geometric(0.05, 9000)
    files = {"notes.txt": text, "packed.txt.gz": gzip.compress(text)}
    for name, data in {**files, "src/b.py": text[:9000], "src/sub/a.py": text[9000:], "src/x.png": b"\0\1"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    lines = "".join(json.dumps({"text": line}) + "\n" for line in PROSE.splitlines(keepends=True)).encode()
    (tmp_path / "data.jsonl.zst").write_bytes(zstandard.compress(lines))
    np.save(tmp_path / "ids.npy", ids.astype(np.uint16))
    ids.astype(np.uint32).tofile(tmp_path / "ids.bin")
    per_line = [i for line in PROSE.splitlines(keepends=True) for i in bundled_ids(line.encode())]
    expected = {
        "notes.txt": bundled_ids(text),
        "packed.txt.gz": bundled_ids(text),
        "src": bundled_ids(text[:9000]) + bundled_ids(text[9000:]),
        "data.jsonl.zst": per_line,
        "ids.npy": ids.tolist(),
    }
    return tmp_path, expected


def test_every_input_against_python_gzip(inputs, capsys):
    folder, expected = inputs
    status, out, err = run(capsys, *[folder / name for name in expected], "--json", "--threads", 2)
    assert status == 0
    scores = json.loads(out)
    assert [score["dataset"] for score in scores] == list(expected)
    for score, ids in zip(scores, expected.values(), strict=True):
        assert score["sizes"] == gzip_score.sizes(ids)
        assert score["H"] == gzip_score.h(ids)
        assert score["tokens"] == len(ids)
        assert score["raw_bytes"] == 1024
        assert (score["window"], score["encoding"], score["level"]) == (256, ">i4", 9)
    assert re.search(r"src: read 2 files of text \(\.py\); left out: binary files: 1", err)


def test_bin_needs_its_dtype(inputs, capsys):
    folder, expected = inputs
    _, out, _ = run(capsys, folder / "ids.bin", "--dtype", "uint32", "--json")
    assert json.loads(out)["H"] == gzip_score.h(expected["ids.npy"])


@given(st.binary(min_size=64, max_size=3000), st.sampled_from([16, 64]), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_bytes_tokenizer_against_python_gzip(tmp_path_factory, data, window, samples):
    path = tmp_path_factory.mktemp("b") / "blob"
    path.write_bytes(data)
    score = score_path(path, "bytes", window, samples, threads=1)
    assert score["sizes"] == gzip_score.sizes(list(data), window, samples)
    assert score["H"] == gzip_score.h(list(data), window, samples)
    assert (score["text_bytes"], score["bytes_per_token"]) == (len(data), 1.0)


def test_table_has_a_row_a_path_and_everything_that_h_depends_on(inputs, capsys):
    folder, expected = inputs
    status, out, _ = run(capsys, folder / "notes.txt", folder / "ids.npy", "--samples", 20)
    head, first, second = out.splitlines()
    assert status == 0
    for word in ("H", "mean", "sd", "q05", "n", "window", "encoding", "tokens", "bytes/token", "zlib", "bytes_H"):
        assert word in head.split()
    assert f"{gzip_score.h(expected['notes.txt'], samples=20):.4f}" in first.split()
    assert first.split()[-3:-1] == ["bundled", ">i4"]
    assert "ids" in second.split()


def test_output_file_is_a_score(inputs, capsys):
    folder, expected = inputs
    status, _, _ = run(capsys, folder / "notes.txt", "--dataset", "mine", "-o", folder / "out.json")
    assert status == 0
    score = read_json(folder / "out.json", kind="score")
    assert (score["dataset"], score["H"]) == ("mine", gzip_score.h(expected["notes.txt"]))
    before = (folder / "out.json").read_bytes()
    run(capsys, folder / "notes.txt", "--dataset", "mine", "-o", folder / "out.json", "--threads", 1)
    assert (folder / "out.json").read_bytes() == before
    assert os.fsencode(folder) not in before


def test_corpus_folder(tmp_path, capsys):
    documents = np.random.default_rng(0).integers(0, 50, (30, 256))
    for kind, taken in (("grammar", documents[:20]), ("text", documents[np.arange(20) * 30 // 20])):
        with CorpusWriter(tmp_path / "c", 30, 1, 256, 50, {"kind": kind}) as writer:
            writer.train[:] = documents
        _, out, _ = run(capsys, tmp_path / "c", "--samples", 20, "--json")
        score = json.loads(out)
        assert score["sizes"] == gzip_score.sizes(taken.ravel().tolist())
    assert score["n"] == 20


def test_rows_longer_than_the_window_are_cut_within_the_row(tmp_path):
    rows = np.random.default_rng(0).integers(0, 50, (5, 40))
    np.save(tmp_path / "a.npy", rows)
    expected = [gzip_score.sizes(row[i : i + 16].tolist(), 16)[0] for row in rows for i in (0, 16)]
    assert score_path(tmp_path / "a.npy", window=16)["sizes"] == expected


def test_rows_shorter_than_the_window(tmp_path, capsys):
    np.save(tmp_path / "a.npy", np.zeros((50, 128), np.uint16))
    status, out, err = run(capsys, tmp_path / "a.npy")
    assert (status, out) == (2, "")
    assert "rows of 128 tokens, a window needs 256: use --window 128" in err


def test_empty_file(tmp_path, capsys):
    (tmp_path / "empty.txt").touch()
    status, out, err = run(capsys, tmp_path / "empty.txt")
    assert (status, out) == (2, "")
    assert err == (
        "ziplaw: error: empty.txt has 0 tokens, a window needs 256: give a source that is not empty\n"
    )  # fmt: skip


def test_one_bad_path_does_not_hide_the_good_ones(inputs, capsys):
    folder, _ = inputs
    (folder / "short.txt").write_text("a few words")
    status, out, err = run(capsys, folder / "short.txt", folder / "notes.txt", folder / "nowhere")
    assert status == 2
    assert len(out.splitlines()) == 2
    assert "short.txt has 3 tokens, a window needs 256: give more text or a --window of at most 3" in err
    assert "nowhere does not exist" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to score"),
        (
            ["notes.txt", "--tokenizer", "gpt2"],
            "tokenizer is 'gpt2', and there is no file gpt2: give bytes, bundled or bpe:FILE",
        ),
        (["notes.txt", "--window", "0"], "window is 0, must be an integer from 1"),
        (["notes.txt", "--samples", "-1"], "samples is -1"),
        (["notes.txt", "--threads", "0"], "threads"),
        (["notes.txt", "src", "-o", "x.json"], "exactly one PATH"),
        (["src", "--ext", "rs"], "no text file ending in .rs"),
        (["src/x.png"], "is binary (a NUL at byte 0)"),
        (["ids.bin", "--dtype", "float32"], "dtype is 'float32', must be one of uint8, uint16, int32, uint32, int64"),
        (["notes.txt", "-o", "notes.txt/x.json"], "notes.txt"),
        ([""], "the path is empty"),
        (["--builtin", "poetry"], "must be one of code, prose"),
    ],
)
def test_bad_input_is_one_line(inputs, capsys, monkeypatch, arguments, says):
    monkeypatch.chdir(inputs[0])
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert says in err
    assert len([line for line in err.splitlines() if "rror" in line]) == 1
    assert "Traceback" not in err


def test_invalid_utf8_is_said(tmp_path, capsys):
    (tmp_path / "latin.txt").write_bytes(PROSE.replace("whales", "wh\xe9les").encode("latin-1"))
    status, _, err = run(capsys, tmp_path / "latin.txt")
    assert status == 0
    assert "latin.txt: invalid UTF-8 sequences replaced: 400" in err


def test_under_trained_vocabulary_is_said(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text(PROSE)
    train_bpe(["zzz"], 256).save(tmp_path / "bad.json")
    _, out, err = run(capsys, tmp_path / "notes.txt", "--tokenizer", f"bpe:{tmp_path / 'bad.json'}", "--json")
    assert "only 1.00 bytes a token" in err
    assert "an under-trained vocabulary looks like compressibility" in err
    assert json.loads(out)["tokenizer"] == "bpe:bad.json"
    assert json.loads(out)["H"] < score_path(tmp_path / "notes.txt")["H"]


def test_a_plan_says_what_the_score_says(tmp_path):
    rng = np.random.default_rng(0)
    text = bytes(rng.integers(33, 123, 20_000, dtype=np.uint8))
    (tmp_path / "noise.txt").write_bytes(text + b"\xff")
    command = [
        sys.executable,
        "-m",
        "ziplaw",
        "plan",
        "noise.txt",
        "--flops",
        "1e12",
        "--prior",
        "none",
        "--epsilon",
        "0",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bytes a token: the vocabulary does not fit this text" in done.stdout
    assert "invalid UTF-8" in done.stdout
    # Chinchilla's constants alone have no band
    assert "band" not in done.stdout


def test_long_text_is_thinned_evenly(monkeypatch, capsys, tmp_path):
    pieces = [random.Random(i).randbytes(100) for i in range(200)]
    source = TextSource("many", "text", lambda: iter([("", piece) for piece in pieces]))
    monkeypatch.setattr(scoring, "TEXT_BYTES", 5000)
    score = score_source(source, "bytes", window=10, samples=7, threads=1)
    # 200 pieces of 100 bytes: every fourth is kept, 50 of them are within the limit
    ids = [i for piece in pieces[::4] for i in piece]
    assert score["sizes"] == gzip_score.sizes(ids, 10, 7)
    assert (score["text_bytes"], score["tokenised_bytes"], score["tokens"]) == (20000, 5000, 5000)
    assert score["bytes_per_token"] == 1.0
    (tmp_path / "long.txt").write_text(PROSE * 40)
    monkeypatch.setattr(scoring, "TEXT_BYTES", 1 << 18)
    _, _, err = run(capsys, tmp_path / "long.txt", "--samples", "30")
    assert "evenly spaced blocks" in err


@pytest.mark.parametrize("window", [True, 2.5, "256"])
def test_arguments_of_the_library_are_checked(tmp_path, window):
    (tmp_path / "a").write_text(PROSE)
    with pytest.raises(ZiplawError, match="window is"):
        score_path(tmp_path / "a", window=window)


def test_ids_need_no_tokenizer(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    np.save(tmp_path / "a.npy", np.arange(600))
    assert score_path(tmp_path / "a.npy")["tokenizer"] is None
    (tmp_path / "a.txt").write_text(PROSE)
    with pytest.raises(CorpusError, match="pip install tokenizers"):
        score_path(tmp_path / "a.txt")


def compare_references(tokenizer, samples):
    scores = {name: score_builtin(name, tokenizer, samples=samples) for name in ("code", "prose")}
    assert scores["code"]["H"] < scores["prose"]["H"]
    assert scores["code"]["bytes_H"] < scores["prose"]["bytes_H"]
    assert all(score["reference"] for score in scores.values())
    return scores


@pytest.mark.parametrize("tokenizer", ["bundled", "bytes"])
def test_code_is_more_compressible_than_prose(tokenizer, monkeypatch):
    monkeypatch.setattr(scoring, "TEXT_BYTES", 1 << 21)
    compare_references(tokenizer, 250)


@pytest.mark.slow
def test_the_references_stand_where_the_guide_says():
    """docs/data.md gives .440 and .495; another Python has another standard library."""
    scores = compare_references("bundled", 1000)
    assert scores["code"]["H"] == pytest.approx(0.440, abs=0.015)
    assert scores["prose"]["H"] == pytest.approx(0.495, abs=0.005)
    assert scores["code"]["bytes_per_token"] == pytest.approx(3.61, abs=0.15)
