"""The training loop: one trunk, a branch per budget, held-out loss at the end of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..base.clusters import clustered_stderr
from ..base.elementary import log
from ..base.sums import mean
from ..errors import TrainError
from ..models.flat import FlatModel, init_seed
from ..models.registry import build
from ..models.shape.decoder_config import ModelConfig
from ..models.shape.flops import six_nd, training_flops_per_token
from ..models.shape.lstm_config import LstmConfig
from .device import precision_of, resolve_device
from .meter import Meter
from .parallel.parallel_step import ParallelStep
from .parallel.processes import Processes
from .recipe.batches import Batches, check_supply
from .recipe.recipe import TrainConfig
from .recipe.schedule import BudgetPlan, Stretch, plan_budgets, rate_factor, stretches
from .segment import Segment
from .steps.compiled_step import CompiledStep
from .steps.engine import Engine
from .steps.graph_step import GraphStep
from .steps.stacked_step import Seat

# a budget's train_loss is the mean over this share of its steps, at the end
TAIL = 0.05
CHECK_STEPS = 50
# documents in a batch of the published held-out loss
PAPER_BATCH = 32
# nats above ln(vocab_size), the loss of guessing every id alike: a model that ends there was blown up, and has diverged
WORSE_THAN_GUESSING = 1.0
# entries of a vocabulary on a GPU are padded to a multiple of this, so that rows of logits are aligned
VOCABULARY_PAD = 64
LOG_ROWS = 100
# a step, and copies of parameters and optimiser by name
Snapshot = tuple[int, dict[str, Tensor]]
# before the names of the trunk's copies in a checkpoint
TRUNK = "trunk_"
# of the model; which models it knows is its own affair
MakeEngine = Callable[[Any, TrainConfig, Batches, list[Stretch]], Engine]


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
    between_steps : callable, optional
        Called with the trainer between any two steps; may save :meth:`state` and may raise
        :class:`ziplaw.training.checkpoint.Stopped`.
    engine : callable, optional
        Makes the step of (model, config, batches, program): by default :class:`CompiledStep` for a decoder on a CPU
        and :class:`GraphStep` else, which on a CPU runs without a graph.
    seat : Seat, optional
        Train the model there instead of one of its own; its weights are initialised already.
    valid_sources : ndarray of int64, shape (n_valid,), optional
        The source of each held-out document, see :class:`ziplaw.corpora.storage.format.Corpus`.
    processes : Processes, optional
        Those that train the model together: each has a trainer like this one, and all take the same steps, of
        :class:`ziplaw.training.parallel.parallel_step.ParallelStep`.
    """

    def __init__(
        self,
        train: np.ndarray,
        valid: np.ndarray,
        model: ModelConfig | LstmConfig,
        config: TrainConfig,
        corpus_sha256: str = "",
        meter: Meter | None = None,
        between_steps: Callable[[Trainer], None] | None = None,
        engine: MakeEngine | None = None,
        seat: Seat | None = None,
        valid_sources: np.ndarray | None = None,
        processes: Processes | None = None,
    ):
        self.config = config = config.resolved()
        if config.learning_rate is None:
            raise TrainError("the arm tuned has no learning rate yet: give --learning-rate, or search one with tune()")
        self.model_config = model
        self.tokens_per_step = config.batch_documents * model.context
        self.plans = plan_budgets(config.budgets, self.tokens_per_step, config.cooldown, config.schedule)
        check_supply(len(train), self.plans[-1].steps, config.batch_documents, config.epochs)
        self.device = resolve_device(config.device)
        self.precision = precision_of(model.architecture, config.precision, self.device)
        self.batches = Batches(train, config.batch_documents, config.seed)
        self.program = stretches(self.plans)
        self.model: FlatModel | Seat
        self.engine: Engine
        if seat is not None:
            self.model = self.engine = seat
        else:
            # the compiled step knows the decoder only, and only one process
            compiled = self.device.type == "cpu" and model.architecture == "llama"
            make: MakeEngine = engine or (CompiledStep if compiled else GraphStep)
            pad = VOCABULARY_PAD if make is GraphStep or processes else 1
            if processes:
                make = partial(ParallelStep, processes)
            self.model = build(model, self.device, getattr(torch, self.precision), pad)
            self.model.initialise(init_seed(config.seed, model, corpus_sha256), config.init)
            self.engine = make(self.model, config, self.batches, self.program)
        self.valid, self.valid_sources, self.processes = valid, valid_sources, processes
        self.step = 0
        self.segments: list[Segment] = []
        self.points: list[dict[str, Any]] = []
        self.trunk: Snapshot | None = None
        self.on_branch = False
        self.worst_loss = float(log(model.vocab_size)) + WORSE_THAN_GUESSING
        # dead: the trunk has diverged, and so has every budget to come; lost: the branch has
        self.dead = self.lost = self.diverged = False
        self.meter = meter
        self.between_steps = between_steps

    def snapshot(self) -> Snapshot:
        """Copy everything a later :meth:`restore` needs: step, parameters, the optimiser's state."""
        return self.step, {name: buffer.clone() for name, buffer in self._buffers().items()}

    def _buffers(self) -> dict[str, Tensor]:
        return {"flat": self.model.flat, **self.engine.state}

    def restore(self, saved: tuple[int, Mapping[str, Tensor | np.ndarray]]) -> None:
        """Go back to a :meth:`snapshot`."""
        self.step, values = saved
        for name, buffer in self._buffers().items():
            buffer.copy_(torch.as_tensor(values[name]))
        self.model.refresh()

    def _rate(self, step: int, plan: BudgetPlan | None) -> float:
        c = self.config
        return c.learning_rate * rate_factor(step, plan, c.warmup_steps, c.schedule)

    def _segment(self, stop: int, plan: BudgetPlan | None) -> Segment:
        # a resumed run goes on with the segment that it was in
        last = self.segments[-1] if self.segments else None
        budget = None if plan is None else plan.budget
        if last and last.budget == budget and last.start + last.done == self.step and last.done < len(last.losses):
            return last
        here = (part for part in self.program if part.plan == plan and part.start <= self.step < part.stop)
        part = next(here)
        slot = part.slot + self.step - part.start
        segment = self._view(budget, self.step, 0, slot, stop - self.step)
        self.segments.append(segment)
        return segment

    def _view(self, budget: int | None, start: int, done: int, slot: int, count: int) -> Segment:
        here = slice(slot, slot + count)
        return Segment(budget, start, done, slot, self.engine.losses[here], self.engine.norms[here])

    def advance(self, stop: int, plan: BudgetPlan | None, limit: int | None = None) -> bool:
        """Train up to step ``stop``, on the trunk (plan None) or on a budget's branch; ``limit`` steps at most.

        Returns
        -------
        bool
            False when a loss or gradient norm was not finite; training then stopped within CHECK_STEPS steps.
        """
        if self.step >= stop:
            return True
        segment = self._segment(stop, plan)
        self.engine.seek(segment.slot + segment.done)
        end = stop if limit is None else min(stop, self.step + limit)
        while self.step < end:
            self.engine.advance(segment.slot + segment.done, self.step, self._rate(self.step, plan))
            segment.done += 1
            self.step += 1
            if segment.done % CHECK_STEPS == 0 or self.step == stop:
                # the only places where the host waits for a device
                first = (segment.done - 1) // CHECK_STEPS * CHECK_STEPS
                recent = torch.stack([segment.losses[first : segment.done], segment.norms[first : segment.done]]).cpu()
                if self.meter:
                    self.meter.update(segment.done - first, float(recent[0, -1]))
                if not recent.isfinite().all():
                    return False
            if self.between_steps:
                self.between_steps(self)
        return True

    def evaluate(self) -> tuple[float, float | None]:
        """Held-out loss, nats per token, and its standard error over sources; see TrainConfig's ``loss``."""
        published = self.config.loss == "paper"
        losses = self.engine.document_losses(self.valid, int(published)).numpy()
        stderr = clustered_stderr(losses, self.valid_sources)
        if published:
            batches = [mean(losses[i : i + PAPER_BATCH]) for i in range(0, len(losses), PAPER_BATCH)]
            return float(np.median(batches)), stderr
        return mean(losses), stderr

    def _point(self, plan: BudgetPlan, finite: bool) -> dict[str, Any]:
        loss = stderr = train_loss = None
        if finite:
            loss, stderr = self.evaluate()
            tail = min(max(1, round(TAIL * plan.steps)), plan.cooldown)
            train_loss = mean(self.segments[-1].losses[-tail:].cpu().numpy())
        if loss is None or not loss <= self.worst_loss:
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

    @property
    def plan(self) -> BudgetPlan | None:
        """The budget that is trained next, None when all are done."""
        return self._now if len(self.points) < len(self.plans) else None

    @property
    def _now(self) -> BudgetPlan:
        return self.plans[len(self.points)]

    def reach_branch(self, limit: int | None = None) -> bool:
        """Train the trunk up to the next budget's branch, ``limit`` steps at most; True when there is no more to do."""
        if not (self.on_branch or self.dead):
            self.dead = not self.advance(self._now.branch, None, limit)
        return self.on_branch or self.dead or self.step == self._now.branch

    def open_branch(self) -> None:
        """Keep the trunk, where it is needed again, and leave it."""
        if not self.on_branch:
            needed = not self.dead and self.plan is not self.plans[-1]
            self.trunk = self.snapshot() if needed else None
            self.on_branch = True

    def reach_budget(self, limit: int | None = None) -> bool:
        """Train the branch to its end, ``limit`` steps at most; True when there is no more to do."""
        if not (self.dead or self.lost):
            self.lost = not self.advance(self._now.steps, self._now, limit)
        return self.dead or self.lost or self.step == self._now.steps

    def close_branch(self) -> None:
        """Measure the held-out loss and go back to the trunk."""
        self.points.append(self._point(self._now, not (self.dead or self.lost)))
        self.on_branch = self.lost = False
        if self.trunk is not None:
            self.restore(self.trunk)
            self.trunk = None

    def run(self) -> None:
        """Train every budget: the trunk up to each branch, the branch, its held-out loss, and back to the trunk."""
        while self.plan is not None:
            self.reach_branch()
            self.open_branch()
            self.reach_budget()
            self.close_branch()

    def curve(self) -> list[dict[str, Any]]:
        """Rows of curve.csv: logged steps of trunk and branches, then one point a budget."""
        every = max(1, self.plans[-1].steps // LOG_ROWS)
        plans: dict[int | None, BudgetPlan] = {plan.budget: plan for plan in self.plans}
        rows = []
        for segment in self.segments:
            rows += segment.rows(every, self.tokens_per_step, partial(self._rate, plan=plans.get(segment.budget)))
        keys = ("budget", "step", "D", "C", "C_6nd", "loss", "loss_stderr", "train_loss")
        rows += [{"kind": "point", "tokens": p["D"], **{key: p[key] for key in keys}} for p in self.points]
        return rows

    def state(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Everything needed to go on from here: a JSON-serialisable part, and tensors as they lie.

        They are no copies, which a large model has no room for: save them before the next step.
        """
        tensors = self._buffers()
        if self.trunk is not None:
            tensors |= {f"{TRUNK}{name}": value for name, value in self.trunk[1].items()}
        tensors |= {"losses": self.engine.losses, "norms": self.engine.norms}
        place = {
            "step": self.step,
            "trunk_step": None if self.trunk is None else self.trunk[0],
            "on_branch": self.on_branch,
            "dead": self.dead,
            "lost": self.lost,
            "diverged": self.diverged,
            "points": self.points,
            "segments": [[s.budget, s.start, s.done, s.slot, len(s.losses)] for s in self.segments],
        }
        return place, tensors

    def load_state(self, place: dict[str, Any], arrays: Mapping[str, Tensor | np.ndarray]) -> None:
        """Go on from a :meth:`state`; the model and settings must be those it was taken under.

        Tensor by tensor into the buffers that are there: what this takes is the trunk's copy, as in training.
        """
        buffers = self._buffers()
        self.restore((place["step"], arrays))
        if place["trunk_step"] is not None:
            kept = {name: torch.empty_like(buffer) for name, buffer in buffers.items()}
            for name, value in kept.items():
                value.copy_(torch.as_tensor(arrays[f"{TRUNK}{name}"]))
            self.trunk = place["trunk_step"], kept
        for name in ("on_branch", "dead", "lost", "diverged"):
            setattr(self, name, place[name])
        self.points = place["points"]
        self.engine.losses.copy_(torch.as_tensor(arrays["losses"]))
        self.engine.norms.copy_(torch.as_tensor(arrays["norms"]))
        self.segments = [self._view(*where) for where in place["segments"]]
