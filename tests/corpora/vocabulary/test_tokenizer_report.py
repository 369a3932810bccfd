"""A tokenizer trained or taken, the same file every time, and the report of what it costs."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from texts import memory, words

from ziplaw.base.documents import read_json
from ziplaw.corpora.importing import import_corpus
from ziplaw.corpora.readers import TokenSource
from ziplaw.corpora.tokenizers import cut_bpe, load_tokenizer, takes_any_bytes, train_bpe
from ziplaw.corpora.vocabulary.tokenizer_report import make_tokenizer, report_path
from ziplaw.errors import CorpusError


def prose(n, seed=0):
    """Sentences of 300 made-up words, documents of 40 of them."""
    rng = np.random.default_rng(seed)
    made = [words(rng, int(k)) for k in rng.integers(2, 9, 300)]
    chosen = np.minimum(rng.geometric(0.02, (n, 40)), 300) - 1
    return [b" ".join(made[i] for i in row) for row in chosen]


TEXTS = prose(3000)


def test_the_table_and_the_choice(tmp_path):
    report = make_tokenizer(memory({"a": TEXTS}), tmp_path / "t.json", pilot_C=1e14, target_C=1e18)
    assert report == {k: v for k, v in read_json(tmp_path / "t.report.json").items() if k in report}
    sizes = [row["vocab_size"] for row in report["table"]]
    assert sizes == [256, 512, 1024][: len(sizes)]
    made = load_tokenizer(f"bpe:{tmp_path / 't.json'}")
    assert (made.vocab_size, made.sha256) == (report["vocab_size"], report["tokenizer_sha256"])
    assert report["model_vocab_size"] == made.vocab_size + 1
    # what it says of the text is what an import finds in it
    done = import_corpus(memory({"a": TEXTS}), tmp_path / "c", made, None, "auto")
    # pieces are drawn without replacement: the error is rather too large
    off = report["bytes_per_token_error"] / report["bytes_per_token"] * report["tokens"]
    assert abs(done["unique_tokens"] - report["tokens"]) < 3 * off
    assert (done["n_valid"], done["vocab_size"]) == (report["held_out"], report["model_vocab_size"])
    assert (report["documents"], report["text_bytes"]) == (3000, sum(map(len, TEXTS)))


def test_a_cut_vocabulary_is_that_which_would_have_been_trained():
    large = train_bpe(TEXTS, 700)
    for size in (256, 300, 512):
        assert json.loads(cut_bpe(large, size).text) == json.loads(train_bpe(TEXTS, size).text)


def test_same_text_same_bytes_at_any_thread_count(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\n".join(TEXTS))
    for n in ("1", "3"):
        arguments = ["tokenizer", tmp_path / "a.txt", "--pilot-flops", "1e13", "-o", tmp_path / f"{n}.json"]
        done = subprocess.run(
            [sys.executable, "-m", "ziplaw", *arguments],
            env=os.environ | {"RAYON_NUM_THREADS": n, "PYTHONHASHSEED": n},
            check=True,
            capture_output=True,
            text=True,
        )
        assert "a vocabulary of " in done.stdout
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "3.json").read_bytes()
    assert (tmp_path / "1.report.json").read_bytes() == (tmp_path / "3.report.json").read_bytes()


def test_a_tokenizer_that_is_given_is_taken_and_told_what_it_costs(tmp_path):
    source = memory({"a": TEXTS})
    report = make_tokenizer(source, tmp_path / "t.json", "bundled", pilot_C=1e13, target_C=1e18)
    assert re.match(
        r"8192: given; it has entries that stand \d+ times .*, and has a head that takes 86% of", report["why"]
    )
    assert len(report["table"]) == 1
    assert load_tokenizer(f"bpe:{tmp_path / 't.json'}").sha256 == load_tokenizer("bundled").sha256
    with pytest.raises(CorpusError, match="leave vocab_size out"):
        make_tokenizer(source, tmp_path / "t.json", "bundled", 512)
    report = make_tokenizer(source, tmp_path / "t.json", None, 300)
    assert (report["vocab_size"], report["why"]) == (300, "300: asked for")


def test_bytes_and_ids_leave_a_note(tmp_path):
    path = tmp_path / "t.json"
    report = make_tokenizer(memory({"a": TEXTS}), path, "bytes", pilot_C=1e13)
    assert (report["vocab_size"], report["bytes_per_token"]) == (256, 1.0)
    assert load_tokenizer(f"bpe:{path}").name == "bytes"
    assert takes_any_bytes(f"bpe:{path}")
    ids = TokenSource("ids", "npy", np.arange(60_000) % 900)
    report = make_tokenizer(ids, path, pilot_C=1e13)
    assert (report["tokenizer"], report["vocab_size"], report["tokens"]) == (None, 900, 60_000)
    assert not takes_any_bytes(f"bpe:{path}")
    with pytest.raises(CorpusError, match="token ids, which need no tokenizer"):
        load_tokenizer(f"bpe:{path}")
    assert import_corpus(ids, tmp_path / "c", f"bpe:{path}", None, "auto")["vocab_size"] == 901


def test_too_small_for_a_pilot(tmp_path):
    few = [b"a text of a few words. " * 100]
    with pytest.raises(
        CorpusError, match="memory is too small for a pilot: at most 2300 tokens, the smallest takes 40960"
    ):
        make_tokenizer(memory({"a": few}), tmp_path / "t.json", pilot_C=1e13)
    with pytest.raises(CorpusError, match=r"memory has no text \(read one text; left out: nothing\)"):
        make_tokenizer(memory({}), tmp_path / "t.json")
    assert list(tmp_path.iterdir()) == []
    # copies of one text are one text
    with pytest.raises(CorpusError, match="at most 2300 tokens"):
        make_tokenizer(memory({"a": few * 100}), tmp_path / "t.json", pilot_C=1e13)
    assert make_tokenizer(memory({"a": few}), tmp_path / "t.json")["vocab_size"] == 256
    assert report_path(tmp_path / "t.json").is_file()
