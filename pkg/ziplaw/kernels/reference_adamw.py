"""AdamW over flat buffers in plain torch, and the oracle of the Triton kernel.

Step and rate stand in tensors, so that a captured graph can be replayed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def adamw_settings(
    rates: Sequence[float], first_step: int, betas: tuple[float, float], weight_decay: float = 0.0
) -> Tensor:
    """Rows of (rate, 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t), decay) for consecutive steps, of :func:`adamw_step`.

    Parameters
    ----------
    rates : sequence of float
        Learning rate of each step.
    first_step : int
        t of the first row, 1 for the first update.
    betas : tuple of float
    weight_decay : float

    Returns
    -------
    Tensor, float32, shape (len(rates), 4)
        On the CPU; computed in float64 before rounding.
    """
    t = torch.arange(first_step, first_step + len(rates), dtype=torch.float64)
    table = torch.empty((len(rates), 4), dtype=torch.float64)
    table[:, 0] = torch.as_tensor(rates, dtype=torch.float64)
    table[:, 1] = 1.0 / (1.0 - betas[0] ** t)
    table[:, 2] = 1.0 / torch.sqrt(1.0 - betas[1] ** t)
    table[:, 3] = weight_decay
    return table.float()


def adamw_step(
    parameters: Tensor,
    grad: Tensor,
    first: Tensor,
    second: Tensor,
    groups: Tensor,
    factors: Tensor,
    settings: Tensor,
    *,
    betas: tuple[float, float] = (0.9, 0.95),
    epsilon: float = 1e-8,
    clip: float = 1.0,
    shadow: Tensor | None = None,
) -> Tensor:
    """One AdamW step over flat buffers, after clipping the gradient's global norm; of one model, or several of a shape.

    p <- p - r s (m^ / (sqrt(v^) + eps) + w d p), with m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t), and s, d the
    factors of p's group.

    Parameters
    ----------
    parameters, grad, first, second : Tensor, shape (n,) or (M, n)
        Flat buffers of one or M models of one shape; ``grad`` may be scaled in place.
    groups : Tensor, uint8, shape (n,)
        Group of each parameter.
    factors : Tensor, float32, shape (2, G)
        By group: the factor on the learning rate, and the factor on the decay (1 where it applies, else 0).
    settings : Tensor, float32, shape (4,) or (M, 4)
        A row of :func:`adamw_settings` for each model: rate, two bias corrections, decay.
    betas : tuple of float
    epsilon : float
    clip : float
        Largest global norm of one model's gradient; 0 leaves it as it is.
    shadow : Tensor, shape of ``parameters``, optional
        A copy of the parameters in a smaller dtype, brought up to date.

    Returns
    -------
    Tensor, shape () or (M,)
        Global norms before clipping.
    """
    norm = torch.linalg.vector_norm(grad, dim=-1)
    rate, correct1, correct2, decay = settings.unsqueeze(-1).unbind(-2)
    if clip:
        grad.mul_(torch.clamp(clip / (norm + 1e-6), max=1.0).unsqueeze(-1))
    first.lerp_(grad, 1.0 - betas[0])
    second.mul_(betas[1]).addcmul_(grad, grad, value=1.0 - betas[1])
    scale, decays = factors.index_select(1, groups.int()).to(parameters.dtype)
    update = first * correct1 / (torch.sqrt(second) * correct2 + epsilon) + decay * decays * parameters
    parameters.sub_(rate * scale * update)
    if shadow is not None:
        shadow.copy_(parameters)
    return norm
