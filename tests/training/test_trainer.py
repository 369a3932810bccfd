"""The trainer: held-out losses, over all tokens or as the paper measures them, and their errors."""

import numpy as np
import pytest
import torch
from tiny_runs import grammar_corpus, model

from ziplaw.training import trainer as trainers
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.steps.plain_step import PlainStep


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


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


@pytest.mark.parametrize("engine", [CompiledStep, GraphStep, PlainStep])
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
