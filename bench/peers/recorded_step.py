"""The decoder's training step on a CPU as torch calls recorded once and replayed: what the compiled step replaced.

An engine (:class:`ziplaw.training.steps.engine.Engine`) without an evaluation pass.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .recorded_decoder import Recorder


def adamw(parameters, grad, first, second, scale, decay, rate, t, config):
    """One AdamW step over flat buffers behind a clip of the global norm; factors on rate and decay by parameter."""
    norm = torch.linalg.vector_norm(grad)
    if config.clip:
        grad.mul_(torch.clamp(config.clip / (norm + 1e-6), max=1.0))
    first.lerp_(grad, 1.0 - config.beta1)
    second.mul_(config.beta2).addcmul_(grad, grad, value=1.0 - config.beta2)
    update = torch.sqrt(second).mul_(1.0 / math.sqrt(1.0 - config.beta2**t)).add_(config.epsilon)
    torch.div(first, update, out=update)
    correct = 1.0 / (1.0 - config.beta1**t)
    if config.weight_decay:
        update.mul_(correct).addcmul_(parameters, decay, value=config.weight_decay)
        parameters.addcmul_(update, scale, value=-rate)
    else:
        parameters.addcmul_(update, scale, value=-rate * correct)
    return norm


class RecordedStep:
    """Moves a decoder along on a CPU; takes what :class:`ziplaw.training.steps.compiled_step.CompiledStep` takes."""

    same_everywhere = False

    def __init__(self, model, config, batches, program):
        self.model, self.config, self.batches = model, config, batches
        self.first, self.second = torch.zeros_like(model.flat), torch.zeros_like(model.flat)
        self.scale, self.decay = self._spread(config.rate_scales(model.config.hidden)), None
        if config.weight_decay:
            self.decay = self._spread(config.decay_factors())
        slots = program[-1].slot + program[-1].stop - program[-1].start
        self.losses, self.norms = torch.zeros((2, slots), dtype=model.flat.dtype)
        self.recorder = Recorder(model, config.batch_documents, backward=True)

    def _spread(self, values) -> Tensor:
        parts = [torch.full((math.prod(shape),), float(values[group])) for _, shape, group in self.model.layout]
        return torch.cat(parts).to(self.model.flat)

    @property
    def state(self):
        """See Engine."""
        return {"first": self.first, "second": self.second}

    def seek(self, slot):
        """See Engine."""

    @torch.inference_mode()
    def take(self, targets: Tensor, rate: float, t: int) -> Tensor:
        """One step on documents, int64 (B, S); returns the gradient's norm before clipping."""
        self.recorder.replay(targets)
        flat, grad = self.model.flat, self.model.grad
        return adamw(flat, grad, self.first, self.second, self.scale, self.decay, rate, t, self.config)

    @torch.inference_mode()
    def advance(self, slot, step, rate):
        """See Engine."""
        self.norms[slot] = self.take(torch.from_numpy(self.batches[step]), rate, step + 1)
        self.losses[slot] = self.recorder.losses.mean()
