"""A run on a corpus: byte for byte the same, branches, its record, divergence, what does not fit.

`python tests/training/test_run.py` writes the golden file again, after versions.TRAINER was bumped.
"""

import hashlib
import json
import math
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from houses import ROOT
from lesser_processor import other_c_library, output_there
from tiny_runs import CONTEXT, grammar_corpus, model, run

from ziplaw import versions
from ziplaw.base.clusters import clustered_stderr
from ziplaw.base.documents import read_csv, read_json
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.errors import CorpusError, TrainError
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training import trainer as trainers
from ziplaw.training.ensemble import ensemble
from ziplaw.training.members import Member
from ziplaw.training.recipe.batches import check_supply
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.core import core


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize("arm", ["mup", "paper"])
def test_branch_is_a_separate_run_bitwise(corpus, tmp_path, arm):
    settings = {"arm": arm, "batch_documents": 4}
    together = run(corpus, tmp_path / "all", [640, 2500, 7000], **settings)
    for point in together["points"]:
        alone = run(corpus, tmp_path / str(point["budget"]), [point["budget"]], **settings)
        assert alone["points"] == [point]
    assert [p["D"] for p in together["points"]] == [640, 2560, 7040]


def test_same_settings_same_bytes(corpus, tmp_path):
    for name in "ab":
        run(corpus, tmp_path / name, [640, 2560])
    for file in ("curve.csv", "run.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    other = run(corpus, tmp_path / "c", [640, 2560], seed=1)
    assert other["points"][0]["loss"] != read_json(tmp_path / "a" / "run.json")["points"][0]["loss"]


# --- the same bytes everywhere ----------------------------------------------------------------------------------------

GOLDEN = ROOT / "tests" / "golden" / "trainer.json"
SHAPES = {
    "usual": ({"hidden": 12, "layers": 2}, {}),
    "cosine, heads, decay": (
        {"hidden": 20, "layers": 1, "heads": 2, "intermediate": 33, "vocab_size": 50},
        {"arm": "paper", "batch_documents": 20, "learning_rate": 1e-3, "weight_decay": 0.1, "loss": "paper"},
    ),
    "tuned": ({"hidden": 6}, {"arm": "tuned", "seed": 7}),
}


def golden_runs(folder):
    """Checksums of what runs of three kinds write, and their losses."""
    corpus, found = grammar_corpus(folder / "corpus"), {}
    for name, (shape, settings) in SHAPES.items():
        out = folder / name
        record = run(corpus, out, [640, 5120], shape=model(**shape), device="cpu", **settings)
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.iterdir())}
        found[name] = {"losses": [point["loss"] for point in record["points"]], **digests}
    return {"version": versions.TRAINER, "runs": found}


@pytest.mark.parametrize("build", core().builds())
def test_golden_bytes(tmp_path, build):
    best = core().used()
    try:
        core().use(build)
        found = golden_runs(tmp_path)
    finally:
        core().use(best)
    golden = json.loads(GOLDEN.read_text())
    assert golden["version"] == versions.TRAINER, "TRAINER was bumped: write the golden file again"
    assert found == golden, "bytes changed: bump TRAINER in versions.py and write the golden file again"


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are preloaded by Linux's loader")
def test_golden_bytes_on_another_processor_with_another_c_library(tmp_path):
    code = (
        f"import json, pathlib, sys; sys.path.insert(0, {os.fspath(Path(__file__).parent)!r}); import test_run; "
        f"test_run.core().use(test_run.core().builds()[-1]); "
        f"print(json.dumps(test_run.golden_runs(pathlib.Path({os.fspath(tmp_path)!r}))))"
    )
    assert json.loads(output_there(code, **other_c_library(tmp_path))) == json.loads(GOLDEN.read_text())


def test_golden_losses_of_an_lstm(corpus, tmp_path):
    """A change beyond rounding must come with a new versions.TRAINER; torch adds in an order of the processor's."""
    record = run(corpus, tmp_path, [640, 2560], shape=LstmConfig(12, 2, 21, CONTEXT), device="cpu")
    assert record["versions"] == {"ziplaw_trainer": 2}
    assert record["execution"] == {"device": "cpu", "step": f"torch {torch.__version__}", "machine_dependent": True}
    assert [p["loss"] for p in record["points"]] == pytest.approx([2.6992735, 1.9184324], rel=1e-3)


def test_record_and_curve(corpus, tmp_path):
    record = run(corpus, tmp_path, [640, 5120], seed=3)
    on_disk = read_json(tmp_path / "run.json", "run")
    assert on_disk["points"] == record["points"]
    assert on_disk["N"] == 10 * 64 + 3 * 8
    assert on_disk["N_total"] == on_disk["N"] + 2 * 21 * 8
    assert on_disk["training"]["learning_rate"] == 0.02
    assert on_disk["training"]["budgets"] == [640, 5120]
    assert "device" not in on_disk["training"]
    text = (tmp_path / "run.json").read_text() + (tmp_path / "curve.csv").read_text()
    assert str(tmp_path) not in text
    rows = read_csv(tmp_path / "curve.csv")
    points = [row for row in rows if row["kind"] == "point"]
    assert [row["loss"] for row in points] == [p["loss"] for p in record["points"]]
    trunk = [row for row in rows if row["kind"] == "log"]
    assert [row["step"] for row in trunk] == sorted(row["step"] for row in trunk)
    assert trunk[-1]["step"] == 32  # 40 steps less a fifth
    assert trunk[0]["train_loss"] == pytest.approx(math.log(21), rel=0.02)
    assert {row["budget"] for row in rows if row["kind"] == "branch"} == {640, 5120}
    assert all(p["C"] > p["C_6nd"] > 0 and p["loss_stderr"] > 0 for p in record["points"])


def test_learns_a_grammar(corpus, tmp_path):
    record = run(corpus, tmp_path, [600 * CONTEXT], shape=model(layers=2), cooldown=0.3)
    unigram = read_json(corpus / "meta.json")["unigram_entropy"]
    point = record["points"][0]
    assert record["status"] == "finished"
    assert point["loss"] < 0.75 * unigram
    assert abs(point["loss"] - point["train_loss"]) < 0.2


def test_error_of_a_corpus_with_sources_is_over_them(corpus, tmp_path):
    """A run alone and one of several; sources of one to nine documents."""
    sources = np.repeat(np.arange(8), [9, 8, 7, 6, 5, 3, 2, 1])
    train, valid = np.load(corpus / "train.npy"), np.load(corpus / "valid.npy")
    with CorpusWriter(tmp_path / "c", len(train), 41, CONTEXT, 21, {}, valid_sources=sources) as writer:
        writer.train[:], writer.valid[:] = train, valid
    plain, ours = run(corpus, tmp_path / "a", [640]), run(tmp_path / "c", tmp_path / "b", [640])
    trainer = trainers.Trainer(
        train, valid, model(), TrainConfig([640]), read_json(corpus / "meta.json")["sha256_train"]
    )
    trainer.run()
    each = trainer.engine.document_losses(valid).numpy()
    assert plain["points"][0]["loss_stderr"] == clustered_stderr(each) == trainer.points[0]["loss_stderr"]
    assert ours["points"][0]["loss_stderr"] == clustered_stderr(each, sources) != clustered_stderr(each)
    assert ours["points"][0]["loss"] == plain["points"][0]["loss"]
    members = [
        Member(folder, tmp_path / f"e{i}", model(), TrainConfig([640]))
        for i, folder in enumerate((corpus, tmp_path / "c"))
    ]
    together = ensemble(members)
    assert [r["points"] for r in together] == [plain["points"], ours["points"]]


def test_divergence_is_recorded(corpus, tmp_path):
    record = run(corpus, tmp_path, [128, 6400, 12800], learning_rate=100.0, weight_decay=100.0)
    assert record["status"] == "diverged"
    assert read_json(tmp_path / "run.json")["status"] == "diverged"
    assert record["points"][-1]["loss"] is None
    assert [p["budget"] for p in record["points"]] == [128, 6400, 12800]
    assert (tmp_path / "curve.csv").exists()


def test_global_state_is_left_alone(corpus, tmp_path):
    assert not torch.are_deterministic_algorithms_enabled()
    run(corpus, tmp_path, [640], threads=2)
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
@pytest.mark.no_gpu
def test_cuda_without_a_device(corpus, tmp_path):
    with pytest.raises(TrainError, match="no CUDA device"):
        run(corpus, tmp_path, [640], device="cuda")


@pytest.mark.parametrize(
    ("shape", "part"), [({"vocab_size": 20}, "vocabulary is 20, the corpus has 21"), ({"context": 16}, "context is 16")]
)
def test_model_must_fit_the_corpus(corpus, tmp_path, shape, part):
    with pytest.raises(TrainError, match=part):
        run(corpus, tmp_path, [640], shape=model(**shape))


def test_larger_vocabulary_and_more_epochs_are_allowed(corpus, tmp_path):
    record = run(corpus, tmp_path, [640 * CONTEXT], shape=model(vocab_size=64), epochs=2)
    assert record["model"]["vocab_size"] == 64
    check_supply(10, 5, 4, 2)


def test_missing_corpus(tmp_path):
    with pytest.raises((CorpusError, OSError)):
        run(tmp_path / "nothing", tmp_path / "out", [640])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(json.dumps(golden_runs(Path(folder)), indent=1) + "\n")
