"""The named arms, and settings that are out of range."""

import math

import pytest
from tiny_runs import grammar_corpus, model, training

from ziplaw.errors import ZiplawError
from ziplaw.training.recipe.recipe import BUDGETS, TrainConfig


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


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
