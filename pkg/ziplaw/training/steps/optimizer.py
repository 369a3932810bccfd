"""The optimiser: AdamW over a model's flat buffers; settings, moments and step, for every kind of training step.

To change the optimiser, change this class; the arithmetic over flat buffers is in ``ext/src/decoder/adamw.h`` and
:mod:`ziplaw.kernels.reference_adamw`, and :mod:`ziplaw.training.steps.plain_step` has it in six lines.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from ...kernels.reference_adamw import adamw_settings
from ...models.flat import FlatModel
from ...models.shape.counts import GROUPS
from ..recipe.recipe import TrainConfig
from .core import core


class AdamW:
    """AdamW (Loshchilov and Hutter 2019) with factors by parameter group, behind a clip of the gradient's global norm.

    p <- p - r s (m^ / (sqrt(v^) + eps) + w d p) at step t = 1, 2, ..., where m and v are running means of the gradient
    and its square with the weights beta1 and beta2, m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t); r is the schedule's
    rate and w the weight decay; s and d are the factors of p's group on them.

    Parameters
    ----------
    model : FlatModel
        One model, or several side by side. Its parameters are updated in place from its gradients.
    config : TrainConfig
        Resolved: beta1, beta2, epsilon, weight_decay, clip, and the factors by group.

    Attributes
    ----------
    first, second : Tensor, shape of the model's parameters
        m and v.
    """

    # a row of :meth:`rows` that changes nothing: rate 0, no corrections, no decay
    IDLE = (0.0, 1.0, 1.0, 0.0)

    def __init__(self, model: FlatModel, config: TrainConfig):
        self.model = model
        self.betas, self.epsilon = (config.beta1, config.beta2), config.epsilon
        self.weight_decay, self.clip = config.weight_decay, config.clip
        self.scales, self.decays = config.rate_scales(model.config.hidden), config.decay_factors()
        self.first, self.second = torch.zeros_like(model.flat), torch.zeros_like(model.flat)
        # s and d by group, and the group of every parameter
        self.factors = torch.tensor([[by[g] for g in GROUPS] for by in (self.scales, self.decays)]).to(
            model.flat.device
        )
        self.groups = model.group_indices()

    @property
    def state(self) -> dict[str, Tensor]:
        """What a snapshot of a run keeps beside the parameters, by name."""
        return {"first": self.first, "second": self.second}

    @cached_property
    def stretches(self) -> list[tuple[int, float, float]]:
        """Length, s and d of consecutive parameters that share both, in the order of the flat buffer."""
        factors = [(math.prod(shape), self.scales[group], self.decays[group]) for _, shape, group in self.model.layout]
        return [
            (sum(length for length, _, _ in part), *both)
            for both, part in itertools.groupby(factors, key=lambda entry: entry[1:])
        ]

    def step(self, rate: float, t: int) -> float:
        """Update one model's parameters, float32 on a CPU, by the compiled core; return the norm before clipping."""
        flat, grad, first, second = (b.numpy() for b in (self.model.flat, self.model.grad, self.first, self.second))
        return core().adamw(
            grad,
            flat,
            first,
            second,
            self.stretches,
            rate=rate,
            step=t,
            beta1=self.betas[0],
            beta2=self.betas[1],
            epsilon=self.epsilon,
            weight_decay=self.weight_decay,
            clip=self.clip,
        )

    @staticmethod
    def rows(config: TrainConfig, rates: Sequence[float], first_step: int) -> Tensor:
        """Everything that changes from step to step, a row a step, float32, shape (len(rates), 4).

        See :func:`ziplaw.kernels.reference_adamw.adamw_settings`; ``first_step`` is t of the first row.
        """
        return adamw_settings(rates, first_step, (config.beta1, config.beta2), config.weight_decay)

    def step_by_row(self, row: Tensor) -> Tensor:
        """:meth:`step` where the host must not wait: rate and t stand in a row of :meth:`rows` for each model.

        Returns
        -------
        Tensor, shape () or (M,)
            Norms of the gradients before clipping.
        """
        return self.model.ops.adamw_step(
            self.model.flat,
            self.model.grad,
            self.first,
            self.second,
            self.groups,
            self.factors,
            row,
            betas=self.betas,
            epsilon=self.epsilon,
            clip=self.clip,
            shadow=self.model.shadow,
        )
