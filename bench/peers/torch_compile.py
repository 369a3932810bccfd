"""torch.compile of the plain decoder's loss as a peer: autograd, clip_grad_norm_, torch's fused AdamW."""

from __future__ import annotations

import torch

from ziplaw.models.plain_decoder import token_losses


class TorchCompile:
    """Takes a decoder's step; the first one compiles, which can take minutes.

    Parameters
    ----------
    model : Decoder
        Whose weights to start from.
    config : TrainConfig
        Resolved.
    """

    def __init__(self, model, config):
        self.parameters = {name: value.detach().clone().requires_grad_() for name, value in model.parameters.items()}
        scales = config.rate_scales(model.config.hidden)
        groups = [{"params": [self.parameters[name]], "scale": scales[group]} for name, _, group in model.layout]
        self.optimiser = torch.optim.AdamW(
            groups, lr=1.0, betas=(config.beta1, config.beta2), eps=config.epsilon, weight_decay=0.0, fused=True
        )
        self.clip = config.clip
        self.loss = torch.compile(lambda targets: token_losses(model.config, self.parameters, targets).mean())

    def step(self, targets, rate):
        """One optimiser step on documents, int64 (B, S); returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        self.optimiser.zero_grad()
        loss = self.loss(targets)
        loss.backward()
        if self.clip:
            torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), self.clip)
        self.optimiser.step()
        return loss.detach()
