"""A run's folder: what is written there, and whether what lies there already is what training would write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from .. import versions
from ..base.documents import read_json, sha256_file, write_json
from ..errors import TrainError, ZiplawError
from ..models.flat import kernels_of
from ..models.shape.counts import count_params
from ..tables.declared import CURVE
from . import checkpoint
from .device import precision_of
from .members import Member
from .trainer import Trainer


def execution(trainer: Trainer) -> dict[str, Any]:
    """Return what computed a run, as far as it decides bits; on a CPU in fp32.

    Returns
    -------
    dict
        Of a step whose bits are the same on every machine, its name alone beside "cpu". Other results hang on the
        processor or GPU that made them: a CPU's say so, with torch's version, a GPU's name it and the precision, and
        the kernels where ZIPLAW_KERNELS chose others than usual. Where several processes trained together, how many.
    """
    if trainer.engine.same_everywhere:
        return {"device": "cpu", "step": "compiled"}
    # the order of sums hangs on how many share them
    several = {"processes": trainer.processes.size} if trainer.processes else {}
    if trainer.device.type == "cpu":
        return {"device": "cpu", "step": f"torch {torch.__version__}", "machine_dependent": True, **several}
    name = torch.cuda.get_device_name(trainer.device)
    kernels = kernels_of(trainer.device)
    unusual = {"kernels": kernels} if kernels != "triton" else {}
    return {"device": trainer.device.type, "device_name": name, "precision": trainer.precision, **unusual, **several}


def run_identity(trainer: Trainer, corpus_sha256: str) -> dict[str, Any]:
    """Everything that decides the bits of a run; a checkpoint is only used under the same."""
    libraries = {"torch": torch.__version__, "threads": trainer.config.threads}
    return {
        "trainer version": versions.TRAINER,
        "checkpoint format": checkpoint.FORMAT,
        "device": trainer.device.type,
        "execution": execution(trainer),
        **({} if trainer.engine.same_everywhere else libraries),
        "corpus_sha256": corpus_sha256,
        "arm": trainer.config.arm,
        "seed": trainer.config.seed,
        **trainer.model_config.to_dict(),
        **trainer.config.record(),
    }


def write_run(out_dir: str | os.PathLike, trainer: Trainer, corpus_sha256: str, more: dict[str, Any]) -> dict[str, Any]:
    """Write curve.csv, then run.json with its checksum; return run.json's content."""
    out = Path(out_dir)
    params = count_params(trainer.model_config)
    CURVE.write(out / "curve.csv", trainer.curve())
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
        "execution": execution(trainer),
        **more,
    }
    write_json(out / "run.json", record, kind="run")
    return record


def is_finished(member: Member, corpus_sha256: str) -> bool:
    """Tell whether a run's folder holds what training it would write: the same settings, corpus and trainer version."""
    out = Path(member.out_dir)
    try:
        record = read_json(out / "run.json", "run")
        return (
            not _difference(member, corpus_sha256, record)
            and _executed_as_asked(member, record)
            and record["curve_sha256"] == sha256_file(out / "curve.csv")
        )
    except (OSError, KeyError, TypeError, ValueError, ZiplawError):
        return False


def _executed_as_asked(member: Member, record: dict[str, Any]) -> bool:
    """Tell whether a run was computed where and in the precision that is asked for; auto takes what is there."""
    there, config = record.get("execution") or {}, member.config
    device = there.get("device", "cpu")
    precision = {"fp32": "float32", "bf16": "bfloat16"}.get(config.precision, "auto")
    if device == "cuda" and precision == "auto" and torch.cuda.is_available():
        precision = precision_of(getattr(member.model, "architecture", "llama"), "auto", torch.device("cuda"))
    return config.device in ("auto", device) and precision in ("auto", there.get("precision", "float32"))


def check_folder(member: Member, corpus_sha256: str) -> None:
    """Refuse to train over a finished run of other settings.

    Raises
    ------
    TrainError
        Saying which setting differs.
    """
    path = Path(member.out_dir) / "run.json"
    try:
        difference = _difference(member, corpus_sha256, read_json(path, "run"))
    except (OSError, KeyError, TypeError, ValueError, ZiplawError):
        return  # no run, or none that can be read
    if difference:
        name, there, here = difference
        raise TrainError(
            f"{path} is of another run that is finished: {name} is {there!r} there and {here!r} here: give another "
            "folder, or delete the file"
        )


def _difference(member: Member, corpus_sha256: str, record: dict[str, Any]) -> tuple[str, Any, Any] | None:
    """The first setting in which a run.json differs from what training the member would write, or None."""
    config = member.config.resolved()
    trained = dict(record["training"])
    if config.learning_rate is None and "tuning" in record:
        trained["learning_rate"] = None
    there = {**record["model"], **trained, **{key: record[key] for key in ("arm", "seed", "corpus_sha256", "versions")}}
    here = {
        **member.model.to_dict(),
        # as JSON gives lists for tuples
        **config.record(),
        "budgets": list(config.budgets),
        "arm": config.arm,
        "seed": config.seed,
        "corpus_sha256": corpus_sha256,
        "versions": {"ziplaw_trainer": versions.TRAINER},
    }
    for name in sorted(there.keys() | here.keys()):
        if there.get(name) != here.get(name):
            return name, there.get(name), here.get(name)
    return None
