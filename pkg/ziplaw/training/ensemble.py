"""Several runs of one size in one job: one batched model on a GPU, turns in one process on a CPU.

On a CPU a step of the smallest model keeps a core busy already, so a model axis gains nothing
(``bench/ensemble.py``); there every run keeps its own step, which makes it the run trained alone bit for bit, and
what is saved is the start of a process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ..base.documents import read_json
from ..corpora.storage.format import Corpus, open_corpus
from ..models.decoder_stack import Decoders
from ..models.flat import init_seed
from ..models.memory import check_memory, memory_errors
from ..models.shape.decoder_config import ModelConfig
from ..models.shape.flops import training_flops_per_token
from ..models.shape.lstm_config import LstmConfig
from . import checkpoint
from .device import device_bytes, lease, peak_flops, resolve_device, resolve_precision, torch_settings
from .members import Member, batches_that_fit, check_corpus, check_members
from .meter import Meter
from .recipe.batches import Batches
from .recipe.recipe import TrainConfig
from .recipe.schedule import plan_budgets, stretches
from .run_folder import execution, is_finished, run_identity, write_run
from .steps.stacked_step import Seat, SideBySide
from .trainer import CHECK_STEPS, VOCABULARY_PAD, Trainer
from .tune import with_rate

CHECKPOINT = "ensemble.npz"


class Ensemble:
    """Trainers that move along together: budget by budget, CHECK_STEPS steps at a time.

    Parameters
    ----------
    train, valid : sequence of ndarray of uint, shape (n, context)
        Documents of each run; runs that share a corpus give the same array.
    models : sequence of ModelConfig or LstmConfig
        Alike but for the vocabulary.
    configs : sequence of TrainConfig
        Alike but for seed, learning rate and weight decay.
    corpora_sha256 : sequence of str
    meter : Meter, optional
    between_chunks : callable, optional
        Called with the ensemble where all its trainers are between two steps; may save :meth:`state` and raise
        :class:`ziplaw.training.checkpoint.Stopped`.
    batched : bool, optional
        Train as one model with a leading axis; by default several decoders on a CUDA device do.
    capture : bool, optional
        Of :class:`ziplaw.training.steps.stacked_step.SideBySide`.
    valid_sources : sequence of (ndarray of int64 or None), optional
        Of each run's corpus, as a :class:`ziplaw.training.trainer.Trainer` takes it.
    """

    def __init__(
        self,
        train: Sequence[np.ndarray],
        valid: Sequence[np.ndarray],
        models: Sequence[ModelConfig | LstmConfig],
        configs: Sequence[TrainConfig],
        corpora_sha256: Sequence[str],
        meter: Meter | None = None,
        between_chunks: Callable[[Ensemble], None] | None = None,
        batched: bool | None = None,
        capture: bool | None = None,
        valid_sources: Sequence[np.ndarray | None] | None = None,
    ):
        configs = [config.resolved() for config in configs]
        device = resolve_device(configs[0].device)
        if batched is None:
            batched = device.type == "cuda" and len(models) > 1 and isinstance(models[0], ModelConfig)
        self.batched, self.between_chunks = batched, between_chunks
        seats: list[Seat | None] = [None] * len(models)
        if batched:
            c = configs[0]
            compute = getattr(torch, resolve_precision(c.precision, device))
            decoders = Decoders(cast("Sequence[ModelConfig]", models), device, compute=compute, pad=VOCABULARY_PAD)
            seeds = [init_seed(c.seed, m, sha256) for c, m, sha256 in zip(configs, models, corpora_sha256)]
            decoders.initialise(seeds, c.init)
            batches = [Batches(t, c.batch_documents, c.seed) for t, c in zip(train, configs)]
            tokens = c.batch_documents * models[0].context
            program = stretches(plan_budgets(c.budgets, tokens, c.cooldown, c.schedule))
            engine = SideBySide(decoders, configs, batches, program, valid, capture)
            seats = [Seat(engine, m) for m in range(len(models))]
        self.trainers = [
            Trainer(t, v, m, c, sha256, meter if i == 0 else None, seat=seat, valid_sources=sources)
            for i, (t, v, m, c, sha256, seat, sources) in enumerate(
                zip(train, valid, models, configs, corpora_sha256, seats, valid_sources or [None] * len(models))
            )
        ]

    def _together(self, move: Callable[[Trainer, int], bool]) -> None:
        there = [False]
        while not all(there):
            there = [move(trainer, CHECK_STEPS) for trainer in self.trainers]
            if self.between_chunks:
                self.between_chunks(self)

    def run(self) -> None:
        """Train every budget of every run. One that diverges is marked, and waits for the next branch or the end."""
        while self.trainers[0].plan is not None:
            self._together(Trainer.reach_branch)
            for trainer in self.trainers:
                trainer.open_branch()
            self._together(Trainer.reach_budget)
            for trainer in self.trainers:
                trainer.close_branch()

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Everything needed to go on from here: the states of all trainers."""
        places: list[dict[str, Any]] = []
        tensors: dict[str, Tensor] = {}
        for m, trainer in enumerate(self.trainers):
            place, own = trainer.state()
            places.append(place)
            tensors |= {f"{m}.{name}": value for name, value in own.items()}
        return {"members": places}, tensors

    def load_state(self, place: dict[str, Any], arrays: Mapping[str, Tensor | np.ndarray]) -> None:
        """Go on from a :meth:`state`."""
        for m, (trainer, own) in enumerate(zip(self.trainers, place["members"], strict=True)):
            trainer.load_state(own, checkpoint.Part(arrays, f"{m}."))


def ensemble(
    members: Sequence[Member],
    checkpoint_minutes: float = checkpoint.DEFAULT_MINUTES,
    keep_finished: bool = False,
    batched: bool | None = None,
) -> list[dict[str, Any]]:
    """Train several runs of one size in one job; every folder is written as :func:`ziplaw.train` would write it.

    On a GPU so many at once as its memory holds by estimate, batch after batch.

    Parameters
    ----------
    members : sequence of Member
        Their models alike but for the vocabulary, their settings but for seed, learning rate and weight decay.
    checkpoint_minutes : float
        Time between checkpoints of them all, in the first member's folder (of a batch its own first member's); 0 writes
        one only when told to stop.
    keep_finished : bool
        Leave members alone whose results are in place and were made from the same corpus with the same settings.
    batched : bool, optional
        See :class:`Ensemble`. Not batched, a run is the run trained alone bit for bit; batched, sums are rounded in
        another order.

    Returns
    -------
    list of dict
        The contents of the run.json files, in the order of the members.

    Raises
    ------
    TrainError, CorpusError, SystemExit
        As :func:`ziplaw.train`, and see :func:`check_members`.
    """
    check_members(members)
    device = resolve_device(members[0].config.device)
    corpora = {os.fspath(m.corpus_dir): None for m in members}
    corpora = {path: open_corpus(path) for path in corpora}
    for member in members:
        check_corpus(corpora[os.fspath(member.corpus_dir)], member.model)
    n_train = [len(corpora[os.fspath(m.corpus_dir)].train) for m in members]
    batches = batches_that_fit(members, n_train, device_bytes(device))
    if len(batches) > 1:
        print(f"ziplaw: the device holds {len(batches[0])} of {len(members)} runs at once", file=sys.stderr)
    paths = [Path(batch[0].out_dir) / CHECKPOINT for batch in batches]
    for i, (batch, path) in enumerate(zip(batches, paths)):
        # what was stopped in a later batch goes on there
        keep = keep_finished or any(later.exists() for later in paths[i + 1 :])
        todo = batch
        if keep and not path.exists():
            todo = [m for m in batch if not is_finished(m, corpora[os.fspath(m.corpus_dir)].meta["sha256_train"])]
        if todo:
            _train(todo, [corpora[os.fspath(m.corpus_dir)] for m in todo], device, path, checkpoint_minutes, batched)
    return [read_json(Path(member.out_dir) / "run.json", "run") for member in members]


def _train(
    members: Sequence[Member],
    corpora: Sequence[Corpus],
    device: torch.device,
    path: Path,
    checkpoint_minutes: float,
    batched: bool | None,
) -> None:
    timer = checkpoint.Timer(checkpoint_minutes)
    hashes = [corpus.meta["sha256_train"] for corpus in corpora]

    def identity(whole: Ensemble) -> dict[str, Any]:
        found: dict[str, Any] = {"batched": whole.batched, "runs": len(whole.trainers)}
        for m, (trainer, sha256) in enumerate(zip(whole.trainers, hashes)):
            found |= {f"run {m}: {key}": value for key, value in run_identity(trainer, sha256).items()}
        return found

    def between_chunks(whole: Ensemble) -> None:
        timer.save_if_due(path, whole, lambda: identity(whole))

    first = members[0].config.resolved()
    if device.type == "cpu":
        check_memory([member.model for member in members], first.batch_documents, first.threads)
    with lease(device) as device, torch_settings(device, first.threads), timer.signals(), memory_errors():
        configs: list[TrainConfig] = []
        more: list[dict[str, Any]] = []
        for member, corpus, sha256 in zip(members, corpora, hashes):
            config, tuning = with_rate(corpus.train, corpus.valid, member.model, member.config.resolved(), sha256)
            configs.append(config)
            more.append(tuning)
        meter = Meter()
        models = [member.model for member in members]
        train, valid = [corpus.train for corpus in corpora], [corpus.valid for corpus in corpora]
        sources = [corpus.valid_sources for corpus in corpora]
        whole = Ensemble(train, valid, models, configs, hashes, meter, between_chunks, batched, valid_sources=sources)
        found = checkpoint.load(path, identity(whole))
        if found:
            whole.load_state(*found)
        first = whole.trainers[0]
        flops = sum(map(training_flops_per_token, models)) // len(models)
        peak = peak_flops(execution(first).get("device_name", ""))
        meter.start(first.plans, first.tokens_per_step * len(models), flops, peak)
        meter.skip(sum(segment.done for segment in first.segments))
        checkpoint.run_to_end(whole, path, timer, meter)
    for member, trainer, sha256, extra in zip(members, whole.trainers, hashes, more):
        write_run(member.out_dir, trainer, sha256, extra)
    path.unlink(missing_ok=True)
