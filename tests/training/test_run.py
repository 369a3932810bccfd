"""Training: runs that repeat byte for byte, branches, arms, divergence, errors."""

import math
from importlib import import_module

import numpy as np
import pytest
import torch
from tiny_runs import CONTEXT, grammar_corpus, model, run, training

from ziplaw.base.clusters import clustered_stderr
from ziplaw.base.documents import read_csv, read_json
from ziplaw.corpora.storage.format import CorpusWriter
from ziplaw.errors import CorpusError, TrainError, ZiplawError
from ziplaw.training.ensemble import ensemble
from ziplaw.training.members import Member
from ziplaw.training.recipe.batches import check_supply
from ziplaw.training.recipe.recipe import BUDGETS, TrainConfig
from ziplaw.training.steps.cpu_step import CpuStep
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.steps.plain_step import PlainStep

trainers = import_module("ziplaw.training.trainer")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


# --- runs ------------------------------------------------------------------------------------------------------------


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


def test_golden_losses(corpus, tmp_path):
    """A change beyond rounding must come with a new versions.TRAINER; BLAS libraries differ in the last bits."""
    record = run(corpus, tmp_path, [640, 2560], shape=model(hidden=12, layers=2))
    assert record["corpus_sha256"].startswith("2c5d7ec1"), "the sampler changed: new golden losses, not a new trainer"
    assert record["versions"] == {"ziplaw_trainer": 1}
    assert [p["loss"] for p in record["points"]] == pytest.approx([2.4078257, 0.5616437], rel=1e-3)


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


def test_held_out_loss_does_not_depend_on_the_batch(corpus):
    trainer = trainers.Trainer(
        np.load(corpus / "train.npy"), np.load(corpus / "valid.npy"), model(), TrainConfig([640])
    )
    trainer.run()
    loss, stderr = trainer.evaluate()
    documents = torch.from_numpy(trainer.valid.astype(np.int64))
    each = trainer.model.token_losses(documents).double().mean(1)
    assert loss == pytest.approx(float(each.mean()), abs=1e-6)
    assert stderr == pytest.approx(float(each.std() / len(each) ** 0.5), abs=1e-6)
    assert trainer.points[0]["loss"] == loss


@pytest.mark.parametrize("engine", [CpuStep, GraphStep, PlainStep])
def test_published_held_out_loss(corpus, engine):
    arrays = np.load(corpus / "train.npy"), np.load(corpus / "valid.npy")
    losses = {}
    for loss in ("mean", "paper"):
        trainer = trainers.Trainer(*arrays, model(), TrainConfig([1280], loss=loss), engine=engine)
        trainer.run()
        losses[loss] = trainer.points[0]["loss"]
    nll = trainer.model.token_losses(torch.from_numpy(arrays[1].astype(np.int64))).double()
    assert losses["mean"] == pytest.approx(float(nll.mean()), abs=1e-6)
    # 41 documents: a batch of 32 and one of 9
    batches = [float(nll[:32, 1:].mean()), float(nll[32:, 1:].mean())]
    assert losses["paper"] == pytest.approx(sum(batches) / 2, abs=1e-6)
    assert trainer.config.record()["loss"] == "paper"
    assert "loss" not in TrainConfig([1280]).record()


def test_one_validation_document_has_no_standard_error(corpus):
    documents = np.load(corpus / "train.npy")
    trainer = trainers.Trainer(documents, documents[:1], model(), TrainConfig([640]))
    trainer.run()
    assert trainer.points[0]["loss_stderr"] is None


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


def test_weight_decay_shrinks_matrices_only(corpus):
    documents = np.load(corpus / "train.npy")
    trainer = trainers.Trainer(documents, documents[:9], model(), TrainConfig([640], weight_decay=0.5))
    decayed = {
        g for n, s, g in trainer.model.layout if trainer.model.views(trainer.engine.optimizer.decay_mask)[n].all()
    }
    assert decayed == {"attention", "mlp", "head"}


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


# --- arms ------------------------------------------------------------------------------------------------------------


def test_arms():
    paper = TrainConfig([10**6], arm="paper").resolved()
    assert (paper.learning_rate, paper.batch_documents, paper.schedule) == (5e-5, 32, "cosine")
    assert (paper.beta1, paper.beta2, paper.epsilon, paper.clip, paper.init) == (0.9, 0.999, 1e-6, 0.0, "llama")
    assert set(paper.rate_scales(2048).values()) == {1.0}
    assert [b / 10**6 for b in BUDGETS["paper"]] == [0.1, 1, 5, 20, 50, 100]
    assert [b / 10**8 for b in BUDGETS["paper-code"]] == [0.001, 0.01, 0.1, 0.2, 0.5, 0.95]
    mup = TrainConfig([10**6]).resolved()
    unscaled = {"embedding": 1.0, "norms": 1.0, "biases": 1.0}
    assert mup.rate_scales(128) == unscaled | dict.fromkeys(("attention", "mlp", "recurrent", "head"), 0.25)
    assert TrainConfig([1], arm="tuned", learning_rate=0.1).resolved().rate_scales(128)["mlp"] == 1.0
    assert TrainConfig([1], clip=0.0).resolved().clip == 0.0


def test_descent_finds_a_minimum():
    tune = import_module("ziplaw.training.tune")
    assert tune.descend(lambda e: (e + 4) ** 2)[0] == -4
    best, tried = tune.descend(lambda e: (e - 2.3) ** 2)
    assert best == 2
    assert sorted(tried) == [-1, 0, 1, 2, 3]
    assert tune.descend(lambda e: math.inf if e > -3 else -e)[0] == -3
    assert tune.descend(lambda e: math.inf)[0] == -tune.STEPS_DOWN
    assert tune.descend(lambda e: 1.0)[0] == 0
    assert tune.descend(lambda e: -e)[0] == tune.STEPS_UP
    assert tune.tuning_budget((100, 1000, 125)) == 125


def test_tuned_arm_saves_its_search(corpus, tmp_path):
    record = run(corpus, tmp_path / "a", [1280, 5120], arm="tuned")
    search = record["tuning"]
    assert search["budget"] == 1280
    rates = [row["learning_rate"] for row in search["tried"]]
    best = min(search["tried"], key=lambda row: math.inf if row["loss"] is None else row["loss"])
    assert record["training"]["learning_rate"] == best["learning_rate"]
    assert len(rates) >= 3
    assert 0.02 in rates
    given = run(corpus, tmp_path / "b", [1280, 5120], arm="tuned", learning_rate=best["learning_rate"])
    assert given["points"] == record["points"]
    assert "tuning" not in given
    with pytest.raises(TrainError, match="no learning rate yet"):
        trainers.Trainer(np.zeros((99, 32), np.uint16), np.zeros((9, 32)), model(), TrainConfig([640], arm="tuned"))


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"budgets": []}, "no budgets"),
        ({"budgets": [100]}, "less than one step of 128 tokens"),
        ({"budgets": [1000, 1030]}, "both round to 8 steps"),
        ({"budgets": [10**6]}, "--epochs 53"),
        ({"budgets": [-5]}, "budget is -5"),
        ({"budgets": [1e5]}, "budget is 100000.0"),
        ({"arm": "best"}, "arm is 'best'"),
        ({"schedule": "step"}, "schedule is 'step'"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"base_hidden": 0}, "base_hidden is 0"),
        ({"batch_documents": 0}, "batch_documents is 0"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        ({"cooldown": 1.5}, "cooldown is 1.5"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"beta2": 1.0}, "beta2 is 1.0"),
        ({"clip": -1.0}, "clip is -1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"device": "tpu"}, "device is 'tpu'"),
        ({"threads": 0}, "threads is 0"),
        ({"init": "zero"}, "init is 'zero'"),
        ({"loss": "median"}, "loss is 'median'"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
    ],
)
def test_bad_settings(corpus, tmp_path, settings, part):
    with pytest.raises(ZiplawError) as caught:
        training.train(corpus, tmp_path / "out", model(), TrainConfig(**{"budgets": [640], **settings}))
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
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
