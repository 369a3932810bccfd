"""The search for a learning rate."""

import math

import numpy as np
import pytest
from tiny_runs import grammar_corpus, model, run

from ziplaw.errors import TrainError
from ziplaw.training import trainer as trainers
from ziplaw.training import tune
from ziplaw.training.recipe.recipe import TrainConfig


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


def test_descent_finds_a_minimum():
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
