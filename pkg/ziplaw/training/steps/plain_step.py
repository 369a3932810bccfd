"""The training step on one page, to be read: forward, loss, backward by autograd, clip, AdamW, schedule.

Slow and simple; the fast steps (``compiled_step``, ``graph_step``, ``stacked_step``) do the same and are held to it by
tests. To try an idea, change it here first: ``Trainer(..., engine=PlainStep)`` trains with it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...models.decoder import Decoder
from ...models.plain_decoder import token_losses
from ..recipe.batches import Batches
from ..recipe.recipe import TrainConfig
from ..recipe.schedule import BudgetPlan, Stretch, rate_factor

EVAL_DOCUMENTS = 32


class PlainStep:
    """Moves a decoder along step by step; see :class:`ziplaw.training.steps.engine.Engine`.

    Parameters
    ----------
    model : Decoder
        Initialised, computing in the dtype of its parameters, which are updated in place.
    config : TrainConfig
        Resolved.
    batches : Batches
        Training documents by step.
    program : list of Stretch
        The whole run; decides how long the logs are.
    """

    same_everywhere = False

    def __init__(self, model: Decoder, config: TrainConfig, batches: Batches, program: list[Stretch]):
        self.model, self.config, self.batches = model, config, batches
        self.scales, self.decays = config.rate_scales(model.config.hidden), config.decay_factors()
        self.first, self.second = torch.zeros_like(model.flat), torch.zeros_like(model.flat)
        slots = program[-1].slot + program[-1].stop - program[-1].start
        self.losses, self.norms = torch.zeros((2, slots), dtype=model.flat.dtype, device=model.flat.device)

    @property
    def state(self) -> dict[str, Tensor]:
        """AdamW's moments."""
        return {"first": self.first, "second": self.second}

    def seek(self, slot: int) -> None:
        """Go on from a slot; nothing to do here, where :meth:`advance` is told it."""

    def advance(self, slot: int, step: int, rate: float) -> None:
        """Take one step; see :meth:`ziplaw.training.steps.engine.Engine.advance`."""
        c, t = self.config, step + 1

        # forward, loss, backward
        p = {name: value.detach().requires_grad_() for name, value in self.model.parameters.items()}
        targets = torch.from_numpy(self.batches[step]).to(self.model.flat.device)
        loss = token_losses(self.model.config, p, targets).mean()
        gradients = dict(zip(p, torch.autograd.grad(loss, list(p.values()))))

        # clip the global norm
        norm = torch.cat([g.flatten() for g in gradients.values()]).norm()
        shrink = torch.clamp(c.clip / (norm + 1e-6), max=1.0) if c.clip else 1.0

        # AdamW, with factors on rate and decay by parameter group
        first, second = self.model.views(self.first), self.model.views(self.second)
        with torch.no_grad():
            for name, _, group in self.model.layout:
                g, m, v = gradients[name] * shrink, first[name], second[name]
                m.copy_(c.beta1 * m + (1 - c.beta1) * g)
                v.copy_(c.beta2 * v + (1 - c.beta2) * g * g)
                unbiased, spread = m / (1 - c.beta1**t), torch.sqrt(v / (1 - c.beta2**t))
                decay = c.weight_decay * self.decays[group] * p[name]
                p[name] -= rate * self.scales[group] * (unbiased / (spread + c.epsilon) + decay)

        self.losses[slot], self.norms[slot] = loss.detach(), norm

    @torch.no_grad()
    def document_losses(self, documents: np.ndarray, first: int = 0) -> Tensor:
        """Mean -ln p a token of each document (n, context) from token ``first`` on, nats, float64 on the CPU, (n,)."""
        means = []
        for start in range(0, len(documents), EVAL_DOCUMENTS):
            targets = torch.from_numpy(documents[start : start + EVAL_DOCUMENTS].astype(np.int64))
            losses = token_losses(self.model.config, self.model.parameters, targets.to(self.model.flat.device))
            means.append(losses[:, first:].double().mean(1))
        return torch.cat(means).cpu()


def train_budget(step: PlainStep, plan: BudgetPlan) -> Tensor:
    """Train one budget by itself, as a separate run of it would; return the loss of every step, (steps,).

    A trainer does the same, but shares the steps before the cooldown, the trunk, among all budgets.
    """
    c = step.config
    for t in range(plan.steps):
        step.advance(t, t, c.learning_rate * rate_factor(t, plan, c.warmup_steps, c.schedule))
    return step.losses[: plan.steps]
