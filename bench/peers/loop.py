"""The usual training loop around a module: autograd, clip_grad_norm_, torch's fused AdamW."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ziplaw.training.recipe.recipe import TrainConfig


class Loop:
    """Trains a module by the recipe of a run, as a step from outside takes it.

    What it calls must not lead back to it: a bound method kept in an attribute is a reference cycle, and then weights,
    gradients and moments stay on the device after the last name is gone, until a collection happens to run.

    Parameters
    ----------
    module : nn.Module
        Its parameters named with "norm" or "embed" take the rate as it is, the others that of the matrices.
    loss : callable
        Mean cross-entropy of documents, int64 (B, S), by ``module``; nats per token.
    config : TrainConfig
        Resolved.
    hidden : int
        Width, which the rates follow.
    half : torch.dtype, optional
        Compute in this dtype under autocast, over fp32 weights.
    """

    def __init__(
        self,
        module: nn.Module,
        loss: Callable[[Tensor], Tensor],
        config: TrainConfig,
        hidden: int,
        half: torch.dtype | None = None,
    ):
        self.module, self.loss, self.half, self.clip = module, loss, half, config.clip
        scales = config.rate_scales(hidden)
        self.factors = (scales["embedding"], scales["mlp"])
        unscaled, scaled = [], []
        for name, parameter in module.named_parameters():
            (unscaled if "norm" in name or "embed" in name else scaled).append(parameter)
        self.optimiser = torch.optim.AdamW(
            [{"params": unscaled}, {"params": scaled}],
            lr=1.0,
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            weight_decay=0.0,
            fused=True,
        )

    def step(self, targets: Tensor, rate: float) -> Tensor:
        """One optimiser step; returns the loss."""
        for group, factor in zip(self.optimiser.param_groups, self.factors):
            group["lr"] = rate * factor
        self.optimiser.zero_grad()
        with torch.autocast(targets.device.type, self.half) if self.half else contextlib.nullcontext():
            loss = self.loss(targets)
        loss.backward()
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.clip)
        self.optimiser.step()
        return loss.detach()
