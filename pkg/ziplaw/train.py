"""Train one model at several token budgets: one trunk, a branch per budget, held-out loss at the end of each."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import versions
from .corpora.format import Corpus, open_corpus
from .cpu_step import Recorder
from .data import Batches, check_supply
from .errors import TrainError
from .flops import six_nd, training_flops_per_token
from .io import sha256_file, write_csv, write_json
from .meter import Meter
from .model import Decoder, ModelConfig, count_params, init_seed
from .recipe import TrainConfig
from .schedule import BudgetPlan, plan_budgets, rate_factor

__all__ = ["TrainConfig", "Trainer", "train"]

COLUMNS = [
    "kind",
    "budget",
    "step",
    "tokens",
    "learning_rate",
    "train_loss",
    "grad_norm",
    "loss",
    "loss_stderr",
    "D",
    "C",
    "C_6nd",
]
# a budget's train_loss is the mean over this share of its steps, at the end
TAIL = 0.05
CHECK_STEPS = 50
EVAL_TOKENS = 1024
LOG_ROWS = 100


@dataclass
class Segment:
    """Losses and gradient norms of consecutive steps: of the trunk (budget None) or of one budget's branch."""

    budget: int | None
    start: int
    rates: list[float]
    losses: Tensor
    norms: Tensor

    def rows(self, every: int, tokens_per_step: int) -> list[dict[str, object]]:
        """One row for every ``every`` steps: means over them, the rate of the last."""
        losses, norms = self.losses.double().cpu().numpy(), self.norms.double().cpu().numpy()
        rows = []
        for first in range(0, len(self.rates), every):
            last = min(first + every, len(self.rates))
            step = self.start + last
            rows.append(
                {
                    "kind": "log" if self.budget is None else "branch",
                    "budget": self.budget,
                    "step": step,
                    "tokens": step * tokens_per_step,
                    "learning_rate": self.rates[last - 1],
                    "train_loss": float(losses[first:last].mean()),
                    "grad_norm": float(norms[first:last].mean()),
                }
            )
        return rows


def resolve_device(name: str) -> torch.device:
    """Turn auto, cpu or cuda into a device.

    Raises
    ------
    TrainError
        When cuda is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise TrainError("device is cuda, but torch finds no CUDA device: use --device cpu, or a torch built for CUDA")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@contextlib.contextmanager
def torch_settings(device: torch.device, threads: int) -> Iterator[None]:
    """Deterministic algorithms and a fixed thread count, put back afterwards."""
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    else:
        _keep_pages()
    torch.set_num_threads(threads)
    # filling every new tensor with NaN, which deterministic mode does by default, costs a pass over memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        torch.utils.deterministic.fill_uninitialized_memory = before[2]


def _keep_pages() -> None:
    # glibc gives large blocks back to the kernel and takes page faults for them at every step; keep them instead
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((-4, 0), (-1, 1 << 30), (-2, 64 << 20)):  # MMAP_MAX, TRIM_THRESHOLD, TOP_PAD
            mallopt(parameter, value)


class Trainer:
    """A model, its optimiser state and its place in the data, moved along step by step.

    Parameters
    ----------
    train, valid : ndarray of uint, shape (n, context)
        Documents.
    model : ModelConfig
    config : TrainConfig
    corpus_sha256 : str
        Identity of the corpus; takes part in the initial weights' seed.
    meter : Meter, optional
        Told about progress.
    """

    def __init__(
        self,
        train: np.ndarray,
        valid: np.ndarray,
        model: ModelConfig,
        config: TrainConfig,
        corpus_sha256: str = "",
        meter: Meter | None = None,
    ):
        self.config = config = config.resolved()
        self.model_config = model
        self.tokens_per_step = config.batch_documents * model.context
        self.plans = plan_budgets(config.budgets, self.tokens_per_step, config.cooldown, config.schedule)
        check_supply(len(train), self.plans[-1].steps, config.batch_documents, config.epochs)
        self.device = resolve_device(config.device)
        self.model = Decoder(model, self.device)
        self.model.initialise(init_seed(config.seed, model, corpus_sha256), config.init)
        self.first = torch.zeros_like(self.model.flat)
        self.second = torch.zeros_like(self.model.flat)
        self.rate_scale = self.model.spread(config.rate_scales(model.hidden))
        decays = {"embedding": 0, "norms": 0, "attention": 1, "mlp": 1, "head": 1}
        self.decay_mask = self.model.spread(decays) if config.weight_decay else None
        self.recorded: dict[bool, Recorder] = {}
        self.batches = Batches(train, config.batch_documents, config.seed)
        self.valid = valid
        self.step = 0
        self.segments: list[Segment] = []
        self.points: list[dict[str, object]] = []
        self.diverged = False
        self.meter = meter

    def snapshot(self) -> tuple[int, Tensor, Tensor, Tensor]:
        """Copy everything a later :meth:`restore` needs: step, parameters, both moments."""
        return self.step, self.model.flat.clone(), self.first.clone(), self.second.clone()

    def restore(self, saved: tuple[int, Tensor, Tensor, Tensor]) -> None:
        """Go back to a :meth:`snapshot`."""
        self.step, flat, first, second = saved
        self.model.flat.copy_(flat)
        self.first.copy_(first)
        self.second.copy_(second)

    def _recorder(self, backward: bool) -> Recorder:
        if backward not in self.recorded:
            documents = self.config.batch_documents if backward else max(1, EVAL_TOKENS // self.model_config.context)
            self.recorded[backward] = Recorder(self.model, documents, backward=backward)
        return self.recorded[backward]

    def _loss_and_grad(self, documents: np.ndarray) -> Tensor:
        targets = torch.from_numpy(documents)
        if self.device.type != "cpu":
            return self.model.loss_and_grad(targets.to(self.device))
        step = self._recorder(backward=True)
        step.replay(targets)
        return step.losses.mean()

    def _document_losses(self, documents: np.ndarray) -> Tensor:
        targets = torch.from_numpy(documents.astype(np.int64))
        if self.device.type != "cpu":
            return self.model.token_losses(targets.to(self.device)).double().mean(1).cpu()
        look = self._recorder(backward=False)
        # the recording has a fixed batch; what a last, smaller batch leaves in the other rows is not read
        full = torch.zeros_like(look.targets)
        full[: len(targets)] = targets
        look.replay(full)
        return look.losses[: len(targets)].double().mean(1)

    @torch.inference_mode()
    def advance(self, stop: int, plan: BudgetPlan | None) -> bool:
        """Train up to step ``stop``, on the trunk (plan None) or on a budget's branch.

        Returns
        -------
        bool
            False when a loss or gradient norm was not finite; training then stopped within CHECK_STEPS steps.
        """
        c = self.config
        count = max(stop - self.step, 0)
        segment = Segment(
            None if plan is None else plan.budget,
            self.step,
            [],
            torch.zeros(count, device=self.device),
            torch.zeros(count, device=self.device),
        )
        finite = True
        for i in range(count):
            rate = c.learning_rate * rate_factor(self.step, plan, c.warmup_steps, c.schedule)
            segment.losses[i] = self._loss_and_grad(self.batches[self.step])
            segment.norms[i] = self.model.ops.adamw(
                self.model.flat,
                self.model.grad,
                self.first,
                self.second,
                self.rate_scale,
                learning_rate=rate,
                step=self.step + 1,
                betas=(c.beta1, c.beta2),
                epsilon=c.epsilon,
                weight_decay=c.weight_decay,
                decay_mask=self.decay_mask,
                clip=c.clip,
            )
            segment.rates.append(rate)
            self.step += 1
            if (i + 1) % CHECK_STEPS == 0 or i + 1 == count:
                recent = slice(max(0, i + 1 - CHECK_STEPS), i + 1)
                finite = bool((segment.losses[recent] + segment.norms[recent]).isfinite().all())
                if self.meter:
                    self.meter.update(recent.stop - recent.start, float(segment.losses[i]))
                if not finite:
                    break
        done = len(segment.rates)
        segment.losses, segment.norms = segment.losses[:done], segment.norms[:done]
        if done:
            self.segments.append(segment)
        return finite

    @torch.inference_mode()
    def evaluate(self) -> tuple[float, float | None]:
        """Held-out loss over all validation documents, nats per token, and its standard error over documents."""
        batch = max(1, EVAL_TOKENS // self.model_config.context)
        means = [self._document_losses(self.valid[start : start + batch]) for start in range(0, len(self.valid), batch)]
        losses = torch.cat(means).numpy()
        stderr = float(losses.std(ddof=1) / np.sqrt(len(losses))) if len(losses) > 1 else None
        return float(losses.mean()), stderr

    def _point(self, plan: BudgetPlan, finite: bool) -> dict[str, object]:
        loss = stderr = train_loss = None
        if finite:
            loss, stderr = self.evaluate()
            tail = min(max(1, round(TAIL * plan.steps)), plan.cooldown)
            train_loss = float(self.segments[-1].losses[-tail:].double().mean())
        if loss is None or not np.isfinite(loss):
            self.diverged = True
            loss = stderr = train_loss = None
        return {
            "budget": plan.budget,
            "D": plan.D,
            "C": training_flops_per_token(self.model_config) * plan.D,
            "C_6nd": six_nd(self.model_config, plan.D),
            "step": plan.steps,
            "loss": loss,
            "loss_stderr": stderr,
            "train_loss": train_loss,
        }

    def run(self) -> None:
        """Train every budget: the trunk up to each branch, the branch, its held-out loss, and back to the trunk."""
        alive = True
        for plan in self.plans:
            alive = alive and self.advance(plan.branch, None)
            saved = self.snapshot() if alive and plan is not self.plans[-1] else None
            self.points.append(self._point(plan, alive and self.advance(plan.steps, plan)))
            if saved is not None:
                self.restore(saved)

    def curve(self) -> list[dict[str, object]]:
        """Rows of curve.csv: logged steps of trunk and branches, then one point a budget."""
        every = max(1, self.plans[-1].steps // LOG_ROWS)
        rows = [row for segment in self.segments for row in segment.rows(every, self.tokens_per_step)]
        keys = ("budget", "step", "D", "C", "C_6nd", "loss", "loss_stderr", "train_loss")
        rows += [{"kind": "point", "tokens": p["D"], **{key: p[key] for key in keys}} for p in self.points]
        return rows


def check_corpus(corpus: Corpus, model: ModelConfig) -> None:
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


def train(corpus_dir: str | os.PathLike, out_dir: str | os.PathLike, model: ModelConfig, config: TrainConfig) -> dict:
    """Train a model on a corpus and write curve.csv and run.json.

    Parameters
    ----------
    corpus_dir : path-like
        A corpus folder.
    out_dir : path-like
        Where the two files go; nothing appears there before the run is finished.
    model : ModelConfig
    config : TrainConfig

    Returns
    -------
    dict
        The content of run.json. Its status is "finished", or "diverged" when a loss was not finite; such a run is
        written too, with null losses from there on.

    Raises
    ------
    TrainError
        When settings are out of range or do not fit the corpus.
    CorpusError
        When the corpus cannot be read or is damaged.
    """
    config = config.resolved()
    device = resolve_device(config.device)
    corpus = open_corpus(corpus_dir)
    check_corpus(corpus, model)
    with torch_settings(device, config.threads):
        meter = Meter()
        trainer = Trainer(corpus.train, corpus.valid, model, config, corpus.meta["sha256_train"], meter)
        meter.start(trainer.plans, trainer.tokens_per_step, training_flops_per_token(model))
        trainer.run()
        meter.close()
    return write_run(out_dir, trainer, corpus.meta["sha256_train"])


def write_run(out_dir: str | os.PathLike, trainer: Trainer, corpus_sha256: str) -> dict:
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
    }
    write_json(out / "run.json", record, kind="run")
    return record
