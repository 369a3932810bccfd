"""Train one model at several token budgets on one corpus and write curve.csv and run.json."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..corpora.storage.format import open_corpus
from ..models.memory import check_memory, memory_errors
from ..models.shape.decoder_config import ModelConfig
from ..models.shape.flops import training_flops_per_token
from ..models.shape.lstm_config import LstmConfig
from . import checkpoint
from .device import lease, peak_flops, resolve_device, torch_settings
from .members import check_corpus
from .meter import Meter
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
    """Train a model on a corpus and write curve.csv and run.json.

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
    device = resolve_device(config.device)
    corpus = open_corpus(corpus_dir)
    check_corpus(corpus, model)
    corpus_sha256 = corpus.meta["sha256_train"]
    path = Path(out_dir) / checkpoint.NAME
    timer = checkpoint.Timer(checkpoint_minutes)

    def between_steps(trainer: Trainer) -> None:
        timer.save_if_due(path, trainer, lambda: run_identity(trainer, corpus_sha256))

    if device.type == "cpu":
        check_memory([model], config.batch_documents, config.threads)
    with lease(device) as device, torch_settings(device, config.threads), timer.signals(), memory_errors():
        config, tuning = with_rate(corpus.train, corpus.valid, model, config, corpus_sha256)
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
        )
        found = checkpoint.load(path, run_identity(trainer, corpus_sha256))
        if found:
            trainer.load_state(*found)
        peak = peak_flops(execution(trainer).get("device_name", ""))
        meter.start(trainer.plans, trainer.tokens_per_step, training_flops_per_token(model), peak)
        meter.skip(sum(segment.done for segment in trainer.segments))
        checkpoint.run_to_end(trainer, path, timer, meter)
    record = write_run(out_dir, trainer, corpus_sha256, tuning)
    path.unlink(missing_ok=True)
    return record
