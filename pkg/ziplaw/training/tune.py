"""The arm ``tuned``: find the learning rate of one size on a small budget, and keep the search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..models.shape.decoder_config import ModelConfig
from ..models.shape.lstm_config import LstmConfig
from .parallel.processes import Processes
from .recipe.recipe import TrainConfig
from .trainer import Trainer

FIRST_RATE = 0.02
FACTOR = 2.0
# 0.02 / 2^12 is below the paper's 5e-5; 0.02 * 2^6 is far above any rate that trains
STEPS_DOWN, STEPS_UP = 12, 6


def tuning_budget(budgets: Sequence[int]) -> int:
    """The smallest budget that is at least an eighth of the largest: the best rate depends on the length of a run."""
    return min(budget for budget in budgets if 8 * budget >= max(budgets))


def descend(loss: Callable[[int], float]) -> tuple[int, dict[int, float]]:
    """Walk downhill over whole numbers from 0 until neither neighbour is better.

    Parameters
    ----------
    loss : callable
        Loss at an exponent of FACTOR; infinite where training diverges.

    Returns
    -------
    best : int
        The exponent.
    tried : dict of int to float
        Every loss looked at.
    """
    tried: dict[int, float] = {}

    def look(exponent: int) -> float:
        if not -STEPS_DOWN <= exponent <= STEPS_UP:
            return float("inf")
        if exponent not in tried:
            tried[exponent] = loss(exponent)
        return tried[exponent]

    best = 0
    while look(best) == float("inf") and best > -STEPS_DOWN:
        best -= 1
    for direction in (-1, 1):
        while look(best + direction) < look(best):
            best += direction
    return best, tried


def tune(
    train: np.ndarray,
    valid: np.ndarray,
    model: ModelConfig | LstmConfig,
    config: TrainConfig,
    corpus_sha256: str,
    processes: Processes | None = None,
) -> tuple[TrainConfig, dict[str, Any]]:
    """Search the learning rate by powers of two on one budget of the run.

    Parameters
    ----------
    train, valid : ndarray of uint, shape (n, context)
        Documents. The held-out loss that a rate is chosen by is over ``valid``, as the run's own losses are: with
        hundreds of documents and half a dozen rates the choice gains next to nothing from it.
    model : ModelConfig or LstmConfig
    config : TrainConfig
        Of the arm tuned, without a learning rate.
    corpus_sha256 : str
    processes : Processes, optional
        Those that train together, as of :class:`ziplaw.training.trainer.Trainer`.

    Returns
    -------
    config : TrainConfig
        The same with the best rate.
    record : dict
        budget and tried: the rates and their held-out losses (null where training diverged), for run.json.
    """
    budget = tuning_budget(config.budgets)

    def loss(exponent: int) -> float:
        rate = FIRST_RATE * FACTOR**exponent
        short = replace(config, budgets=(budget,), learning_rate=rate)
        trainer = Trainer(train, valid, model, short, corpus_sha256, processes=processes)
        trainer.run()
        found = trainer.points[0]["loss"]
        return float("inf") if found is None else found

    best, tried = descend(loss)
    rows = [{"learning_rate": FIRST_RATE * FACTOR**e, "loss": value} for e, value in sorted(tried.items())]
    return replace(config, learning_rate=FIRST_RATE * FACTOR**best), {"budget": budget, "tried": rows}


def with_rate(
    train: np.ndarray,
    valid: np.ndarray,
    model: ModelConfig | LstmConfig,
    config: TrainConfig,
    corpus_sha256: str,
    processes: Processes | None = None,
) -> tuple[TrainConfig, dict[str, Any]]:
    """Return a resolved config with a rate, searched where none is given, and what run.json says of the search."""
    if config.learning_rate is not None:
        return config, {}
    config, record = tune(train, valid, model, config, corpus_sha256, processes)
    return config, {"tuning": record}
