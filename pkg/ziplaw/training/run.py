"""Train one model at several token budgets on one corpus and write curve.csv and run.json."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from .. import versions
from ..base.documents import sha256_file, write_csv, write_json
from ..corpora.storage.format import Corpus, open_corpus
from ..errors import TrainError
from ..models.decoder import ModelConfig, count_params
from ..models.flops import training_flops_per_token
from ..models.lstm import LstmConfig
from ..models.memory import check_memory, memory_errors
from . import checkpoint
from .device import lease, peak_flops, resolve_device, torch_settings
from .meter import Meter
from .recipe.recipe import TrainConfig
from .trainer import Stopped, Trainer
from .tune import tune

__all__ = ["TrainConfig", "train"]

COLUMNS = [
    "kind",
    "budget",
    "step",
    "tokens",
    "learning_rate",
    "train_loss",
    "grad_norm",
    "grad_norm_max",
    "spikes",
    "loss",
    "loss_stderr",
    "D",
    "C",
    "C_6nd",
]


def check_corpus(corpus: Corpus, model: ModelConfig | LstmConfig) -> None:
    """Refuse a model whose vocabulary or context does not fit the corpus.

    Raises
    ------
    TrainError
        When they differ (a larger vocabulary is allowed: the paper's models have 32001 entries).
    """
    if model.vocab_size < corpus.vocab_size:
        raise TrainError(
            f"the model's vocabulary is {model.vocab_size}, the corpus has {corpus.vocab_size} ids: "
            f"use --vocab-size {corpus.vocab_size} or leave it out"
        )
    if model.context != corpus.context:
        raise TrainError(
            f"the model's context is {model.context}, the corpus has documents of {corpus.context} tokens: "
            f"use a context of {corpus.context}"
        )


def execution(trainer: Trainer) -> dict:
    """Return where and how a run was computed, as far as it decides bits: nothing for a CPU, which computes in fp32."""
    if trainer.device.type == "cpu":
        return {}
    name = torch.cuda.get_device_name(trainer.device)
    return {"device": trainer.device.type, "device_name": name, "precision": trainer.precision}


def run_identity(trainer: Trainer, corpus_sha256: str) -> dict:
    """Everything that decides the bits of a run; a checkpoint is only used under the same."""
    return {
        "trainer version": versions.TRAINER,
        "torch": torch.__version__,
        "checkpoint format": checkpoint.FORMAT,
        "device": trainer.device.type,
        "execution": execution(trainer),
        "threads": trainer.config.threads,
        "corpus_sha256": corpus_sha256,
        "arm": trainer.config.arm,
        "seed": trainer.config.seed,
        **trainer.model_config.to_dict(),
        **trainer.config.record(),
    }


def train(
    corpus_dir: str | os.PathLike,
    out_dir: str | os.PathLike,
    model: ModelConfig | LstmConfig,
    config: TrainConfig,
    checkpoint_minutes: float = checkpoint.DEFAULT_MINUTES,
) -> dict:
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
        When settings are out of range or do not fit the corpus, memory does not suffice, or the checkpoint found is damaged or another
        run's.
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
        if timer.due():
            checkpoint.save(path, run_identity(trainer, corpus_sha256), *trainer.state())
            timer.saved()
            if timer.stopped_by:
                raise Stopped

    if device.type == "cpu":
        check_memory([model], config.batch_documents)
    with lease(device) as device, torch_settings(device, config.threads), timer.signals(), memory_errors():
        tuning = None
        if config.learning_rate is None:
            config, tuning = tune(corpus.train, corpus.valid, model, config, corpus_sha256)
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
        run_to_end(trainer, path, timer, meter)
    record = write_run(out_dir, trainer, corpus_sha256, {} if tuning is None else {"tuning": tuning})
    path.unlink(missing_ok=True)
    return record


def run_to_end(work: Trainer, path: Path, timer: checkpoint.Timer, meter: Meter) -> None:
    """Run what has a ``run`` method; a signal that saved a checkpoint ends the process with 128 + its number."""
    try:
        work.run()
    except Stopped:
        print(f"ziplaw: stopped; the same command goes on from {path}", file=sys.stderr)
        raise SystemExit(128 + timer.stopped_by) from None
    finally:
        meter.close()


def write_run(out_dir: str | os.PathLike, trainer: Trainer, corpus_sha256: str, more: dict) -> dict:
    """Write curve.csv, then run.json with its checksum; return run.json's content."""
    out = Path(out_dir)
    params = count_params(trainer.model_config)
    write_csv(out / "curve.csv", trainer.curve(), COLUMNS)
    record = {
        "arm": trainer.config.arm,
        "seed": trainer.config.seed,
        "model": trainer.model_config.to_dict(),
        "N": params.N,
        "N_total": params.N_total,
        "training": trainer.config.record(),
        "corpus_sha256": corpus_sha256,
        "curve_sha256": sha256_file(out / "curve.csv"),
        "status": "diverged" if trainer.diverged else "finished",
        "points": trainer.points,
        "versions": {"ziplaw_trainer": versions.TRAINER},
        **({"execution": execution(trainer)} if execution(trainer) else {}),
        **more,
    }
    write_json(out / "run.json", record, kind="run")
    return record


def _ensemble(*arguments, **keywords) -> list[dict]:
    """Train several runs of one size side by side: see :func:`ziplaw.training.ensemble.ensemble`."""
    from .ensemble import ensemble

    return ensemble(*arguments, **keywords)


train.ensemble = _ensemble
