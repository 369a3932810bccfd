"""Train one model at several token budgets on one corpus and write curve.csv and run.json."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..base.documents import read_json
from ..corpora.storage.format import Corpus, open_corpus
from ..models.memory import check_memory, memory_errors
from ..models.shape.decoder_config import ModelConfig
from ..models.shape.flops import training_flops_per_token
from ..models.shape.lstm_config import LstmConfig
from . import checkpoint
from .device import lease, peak_flops, resolve_device, torch_settings
from .members import check_corpus
from .meter import Meter
from .parallel.processes import Processes, joined
from .recipe.recipe import TrainConfig
from .run_folder import execution, run_identity, write_run
from .trainer import Trainer
from .tune import with_rate


def train(
    corpus_dir: str | os.PathLike,
    out_dir: str | os.PathLike,
    model: ModelConfig | LstmConfig,
    config: TrainConfig,
    checkpoint_minutes: float = checkpoint.DEFAULT_MINUTES,
) -> dict[str, Any]:
    """Train a model on a corpus and write curve.csv and run.json; under torchrun together with its other processes.

    Parameters
    ----------
    corpus_dir : path-like
        A corpus folder.
    out_dir : path-like
        Where the two files go; they appear when the run is finished. Until then a checkpoint may lie there, from
        which the same command goes on; the finished run deletes it.
    model : ModelConfig or LstmConfig
    config : TrainConfig
    checkpoint_minutes : float
        Time between checkpoints; 0 writes one only when the process is told to stop (SIGTERM, SIGINT).

    Returns
    -------
    dict
        The content of run.json. Its status is "finished", or "diverged" when a loss was not finite, or a
        held-out loss more than a nat above ln(vocab_size), which guessing costs; such a run is
        written too, with null losses from there on.

    Raises
    ------
    TrainError
        When settings are out of range or do not fit the corpus, memory does not suffice, or the checkpoint found is
        damaged or another run's.
    CorpusError
        When the corpus cannot be read or is damaged.
    SystemExit
        With status 128 + signal number, after SIGTERM or SIGINT and a checkpoint.
    """
    config = config.resolved()
    corpus = open_corpus(corpus_dir)
    check_corpus(corpus, model)
    path = Path(out_dir) / checkpoint.NAME
    with joined(resolve_device(config.device)) as (device, processes):
        if device.type == "cpu":
            check_memory([model], config.batch_documents, config.threads)
        timer = (
            checkpoint.SharedTimer(processes, checkpoint_minutes) if processes else checkpoint.Timer(checkpoint_minutes)
        )
        with lease(device) as device, torch_settings(device, config.threads), timer.signals(), memory_errors():
            trainer, tuning = _trained(corpus, model, config, path, timer, processes)
        if processes is None or processes.rank == 0:
            record = write_run(out_dir, trainer, corpus.meta["sha256_train"], tuning)
            path.unlink(missing_ok=True)
        if processes:
            processes.gather([0.0])  # until it is written
            record = read_json(Path(out_dir) / "run.json", "run")
    return record


def _trained(
    corpus: Corpus,
    model: ModelConfig | LstmConfig,
    config: TrainConfig,
    path: Path,
    timer: checkpoint.Timer,
    processes: Processes | None,
) -> tuple[Trainer, dict[str, Any]]:
    corpus_sha256 = corpus.meta["sha256_train"]

    def between_steps(trainer: Trainer) -> None:
        timer.save_if_due(path, trainer, lambda: run_identity(trainer, corpus_sha256))

    config, tuning = with_rate(corpus.train, corpus.valid, model, config, corpus_sha256, processes)
    meter = Meter()
    trainer = Trainer(
        corpus.train,
        corpus.valid,
        model,
        config,
        corpus_sha256,
        meter,
        between_steps,
        valid_sources=corpus.valid_sources,
        processes=processes,
    )
    found = checkpoint.load(path, run_identity(trainer, corpus_sha256))
    if found:
        trainer.load_state(*found)
    # of several processes one shows how far they are
    if processes is None or processes.rank == 0:
        peak = peak_flops(execution(trainer).get("device_name", ""))
        if peak and processes:
            peak *= processes.size
        meter.start(trainer.plans, trainer.tokens_per_step, training_flops_per_token(model), peak)
        meter.skip(sum(segment.done for segment in trainer.segments))
    checkpoint.run_to_end(trainer, path, timer, meter)
    return trainer, tuning
