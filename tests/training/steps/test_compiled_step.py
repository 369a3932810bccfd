"""The compiled step: any number of threads and any build gives the same bits; what it refuses."""

import sys

import numpy as np
import pytest
import torch
from tiny_runs import CONTEXT, documents, model

from ziplaw.errors import TrainError
from ziplaw.models.memory import core_floats
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps import core as cores
from ziplaw.training.trainer import Trainer

BATCH = 37


def trained(threads=1, batch=BATCH, **shape):
    config = TrainConfig([6 * batch * CONTEXT], batch_documents=batch, threads=threads, device="cpu")
    trainer = Trainer(documents(400), documents(90, 1), model(layers=2, **shape), config)
    trainer.run()
    return trainer


def bits(trainer):
    step = trainer.engine
    held_out = step.document_losses(trainer.valid)
    return [t.numpy().tobytes() for t in (trainer.model.flat, step.losses, step.norms, held_out, *step.state.values())]


@pytest.fixture(scope="module")
def alone():
    return bits(trained())


@pytest.mark.parametrize("threads", [2, 3, 4, 64])
def test_threads_change_no_bit(threads, alone):
    one = trained(threads)
    # 8 documents of 32 tokens are a group
    assert len(one.engine.groups) == 5
    assert len(one.engine.scratch) == min(threads, 5)
    assert bits(one) == alone


def test_builds_change_no_bit(alone):
    best = cores.core().used()
    try:
        for build in cores.core().builds():
            cores.core().use(build)
            assert bits(trained()) == alone
    finally:
        cores.core().use(best)


def test_a_batch_of_one_group_and_a_held_out_document():
    one = trained(threads=2, batch=3)
    assert one.engine.threads == 1
    losses = one.engine.document_losses(one.valid[:1])
    assert losses.dtype == torch.float64
    assert losses.tolist() == one.engine.document_losses(one.valid)[:1].tolist()
    each = one.model.token_losses(torch.from_numpy(one.valid.astype(np.int64))).double().mean(1)
    assert torch.allclose(one.engine.document_losses(one.valid), each, rtol=1e-5)


def test_ids_outside_of_the_vocabulary_are_refused():
    train = documents(vocabulary=21)
    trainer = Trainer(train, train[:9], model(vocab_size=20), TrainConfig([640], device="cpu"))
    with pytest.raises(TrainError, match="token 20 is not below the vocabulary"):
        trainer.run()


def test_a_missing_core_is_one_line(monkeypatch):
    cores.core.cache_clear()
    monkeypatch.setitem(sys.modules, "ziplaw._decoder", None)
    monkeypatch.delattr("ziplaw._decoder", raising=False)
    try:
        with pytest.raises(TrainError, match="make build"):
            Trainer(documents(), documents(9), model(), TrainConfig([640], device="cpu"))
    finally:
        cores.core.cache_clear()


@pytest.mark.parametrize(
    "shape",
    [
        {"hidden": 2, "vocab_size": 2, "context": 1},
        {"hidden": 6, "vocab_size": 65536},
        {"hidden": 24, "heads": 3, "layers": 5, "intermediate": 7, "context": 1000},
        {"hidden": 96, "layers": 2, "vocab_size": 301, "context": 256},
        {"hidden": 512, "layers": 6, "context": 4096},
    ],
)
def test_memory_that_is_asked_for_holds_the_scratch_space(shape):
    config = model(**shape)
    step = cores.core().Passes(
        hidden=config.hidden,
        layers=config.layers,
        heads=config.heads,
        intermediate=config.intermediate,
        vocabulary=config.vocab_size,
        positions=config.context,
    )
    documents, floats = core_floats(config)
    assert documents == step.group
    assert 1 <= floats / max(step.scratch_floats(True), step.scratch_floats(False)) < 1.25
