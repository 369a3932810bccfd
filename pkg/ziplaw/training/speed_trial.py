"""How fast this machine trains models of several sizes: a few seconds of real steps on every core at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..models.decoder import ModelConfig
from ..models.lstm import LstmConfig
from .device import lease, resolve_device, torch_settings
from .recipe.recipe import TrainConfig
from .trainer import Trainer

# steps at least, however long they take; the first is not timed
LEAST_STEPS = 3


@dataclass(frozen=True)
class Speed:
    """Seconds that one of the models takes for a token while every core trains one.

    Attributes
    ----------
    train_s : float
        Forward, backward and update.
    held_out_s : float
        Of a held-out loss.
    """

    train_s: float
    held_out_s: float


def speeds(
    models: Sequence[ModelConfig | LstmConfig],
    train: np.ndarray,
    valid: np.ndarray,
    *,
    cores: int,
    seconds: float,
    device: str = "auto",
    batch_documents: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Speed]:
    """Time a few steps of each model, so many copies of it side by side as there are cores.

    Parameters
    ----------
    models : sequence of ModelConfig or LstmConfig
    train, valid : ndarray of uint, shape (n, context)
        Documents; a few are enough, they are read over and over.
    cores : int
        Copies that train at once, each on a core; a GPU trains one at a time.
    seconds : float
        Time for each model: steps go on for so long, two at least.
    device : {"auto", "cpu", "cuda"}
    batch_documents : int, optional
        Documents in a step; by default the usual number.
    clock : callable
        Gives the time in seconds.
    """
    here = resolve_device(device)
    copies = 1 if here.type == "cuda" else cores
    with lease(here) as here, torch_settings(here, 1):
        return [_speed(model, train, valid, copies, seconds, here, batch_documents, clock) for model in models]


def _speed(model, train, valid, copies, seconds, device, batch_documents, clock):
    steps = 1 << 20
    few = TrainConfig([1 << 40], batch_documents=batch_documents, schedule="constant").resolved()
    tokens = few.batch_documents * model.context
    config = TrainConfig(
        [steps * tokens],
        schedule="constant",
        batch_documents=few.batch_documents,
        epochs=10**6,
        device=device.type,
        learning_rate=1e-6,
    )
    trainers = [Trainer(train, valid, model, config) for _ in range(copies)]
    taken = [0] * copies
    spans = [0.0] * copies
    gate = threading.Barrier(copies)

    def steps_of(i):
        trainer, plan = trainers[i], trainers[i].plans[0]
        trainer.advance(1, plan)
        gate.wait()
        began = clock()
        while (clock() - began < seconds or taken[i] < LEAST_STEPS - 1) and trainer.step < steps:
            trainer.advance(trainer.step + 1, plan)
            taken[i] += 1
        if device.type == "cuda":
            torch.cuda.synchronize()
        spans[i] = clock() - began

    def losses_of(i):
        gate.wait()
        began = clock()
        trainers[i].evaluate()
        spans[i] = clock() - began

    _at_once(steps_of, copies)
    train_s = sum(span / (n * tokens) for span, n in zip(spans, taken)) / copies
    _at_once(losses_of, copies)
    return Speed(train_s, sum(spans) / copies / valid.size)


def _at_once(work, copies):
    failed = []

    def run(i):
        try:
            work(i)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
