"""The verb floor: what it prints and writes, and the documents that it takes."""

import json

import pytest
from click.testing import CliRunner

from ziplaw.base.documents import sha256_file
from ziplaw.cli.data.floor import command
from ziplaw.corpora.storage.format import CorpusWriter, open_corpus
from ziplaw.errors import ZiplawError
from ziplaw.grammars.floor import floor
from ziplaw.grammars.random_grammars import random_grammar
from ziplaw.grammars.sampling import sample


def _invoke(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=True)


def test_cli(tmp_path):
    g = random_grammar(10, 150, 5, 3, seed=0)
    path, out = tmp_path / "g.json", tmp_path / "floor.json"
    g.save(path)
    result = _invoke(path, "--documents", 40, "--context", 32, "--seed", 7, "--dataset", "ten", "-o", out, "--json")
    assert result.exit_code == 0, result.output
    printed, written = json.loads(result.output), json.loads(out.read_text())
    expected = floor(g, sample(g, 40, 32, seed=7, stream=2))
    assert printed["floor"] == written["floor"] == expected.nats_per_token
    assert written["kind"] == "ziplaw/floor"
    assert {
        "dataset": "ten",
        "n_documents": 40,
        "context": 32,
        "documents": "sampled",
        "seed": 7,
    }.items() <= printed.items()
    assert printed["entropy_rate"] == pytest.approx(g.entropy_rate())
    assert {"stderr", "expected_sentence_length", "rho_m", "rho_lc", "grammar_sha256"} <= set(printed)
    first = out.read_bytes()
    _invoke(path, "--documents", 40, "--context", 32, "--seed", 7, "--dataset", "ten", "-o", out, "--threads", 3)
    assert out.read_bytes() == first
    assert "floor" in _invoke(path, "--documents", 3).output


def test_cli_on_a_corpus(tmp_path):
    g = random_grammar(10, 150, 5, 3, seed=0)
    path = tmp_path / "g.json"
    g.save(path)
    for name, source in {
        "good": {"grammar_sha256": sha256_file(path), "mode": "exact"},
        "other": {"grammar_sha256": "0" * 64, "mode": "exact"},
        "paper": {"grammar_sha256": sha256_file(path), "mode": "paper"},
    }.items():
        with CorpusWriter(tmp_path / name, 4, 6, 32, g.vocab_size, source) as writer:
            sample(g, 4, 32, seed=1, out=writer.train)
            sample(g, 6, 32, seed=1, stream=1, out=writer.valid)
    result = _invoke(path, "--corpus", tmp_path / "good", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["documents"] == "valid"
    assert document["floor"] == floor(g, open_corpus(tmp_path / "good").valid).nats_per_token
    for name, message in {"other": "another grammar", "paper": "paper mode"}.items():
        error = _invoke(path, "--corpus", tmp_path / name).exception
        assert isinstance(error, ZiplawError)
        assert message in str(error)


def test_one_document_has_no_standard_error(tmp_path):
    random_grammar(10, 150, 5, 3, seed=0).save(tmp_path / "g.json")
    printed = _invoke(tmp_path / "g.json", "--documents", 1, "-o", tmp_path / "floor.json").output
    assert printed.endswith(" nats per token, of one document\n")
    assert json.loads((tmp_path / "floor.json").read_text())["stderr"] is None
