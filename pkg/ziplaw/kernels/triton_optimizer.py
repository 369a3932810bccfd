"""AdamW over flat buffers in one pass, in Triton: clips, updates fp32 masters, writes their bf16 copy.

The gradient's norm is summed over blocks of a fixed size, then over the blocks in order, so its bits do not depend on
the device. Rate, bias corrections and the norm are read from device memory: a captured graph can be replayed.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024
NORM_BLOCK = 8192


@triton.jit
def squares_kernel(grad_ptr, partial_ptr, total, BLOCK: tl.constexpr):
    """Sum of squares of one block."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    grad = tl.load(grad_ptr + at, mask=at < total, other=0.0).to(tl.float32)
    tl.store(partial_ptr + tl.program_id(0), tl.sum(grad * grad, 0))


@triton.jit
def update_kernel(
    parameter_ptr, grad_ptr, first_ptr, second_ptr, scale_ptr, mask_ptr, shadow_ptr, hyper_ptr, norm_ptr, total,
    beta1, beta2, epsilon, decay, clip,
    HAS_CLIP: tl.constexpr, HAS_DECAY: tl.constexpr, HAS_SHADOW: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Update p <- p - rate * s * (m^ / (sqrt(v^) + eps) + decay * mask * p)."""
    # hyper holds the rate, 1 / (1 - beta1^t) and 1 / sqrt(1 - beta2^t)
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    live = at < total
    rate = tl.load(hyper_ptr)
    correct1 = tl.load(hyper_ptr + 1)
    correct2 = tl.load(hyper_ptr + 2)
    grad = tl.load(grad_ptr + at, mask=live, other=0.0).to(tl.float32)
    if HAS_CLIP:
        grad *= tl.minimum(clip / (tl.load(norm_ptr) + 1e-6), 1.0)
    first = tl.load(first_ptr + at, mask=live, other=0.0)
    second = tl.load(second_ptr + at, mask=live, other=0.0)
    first += (grad - first) * (1.0 - beta1)
    second = second * beta2 + grad * grad * (1.0 - beta2)
    tl.store(first_ptr + at, first, mask=live)
    tl.store(second_ptr + at, second, mask=live)
    parameter = tl.load(parameter_ptr + at, mask=live, other=0.0)
    update = first * correct1 / (tl.sqrt(second) * correct2 + epsilon)
    if HAS_DECAY:
        update += decay * tl.load(mask_ptr + at, mask=live, other=0.0) * parameter
    parameter -= rate * tl.load(scale_ptr + at, mask=live, other=0.0) * update
    tl.store(parameter_ptr + at, parameter, mask=live)
    if HAS_SHADOW:
        tl.store(shadow_ptr + at, parameter, mask=live)


def adamw(
    parameters: Tensor,
    grad: Tensor,
    first: Tensor,
    second: Tensor,
    lr_scale: Tensor,
    *,
    learning_rate: float,
    step: int,
    betas: tuple[float, float] = (0.9, 0.95),
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    decay_mask: Tensor | None = None,
    clip: float = 1.0,
    shadow: Tensor | None = None,
) -> Tensor:
    """See :func:`ziplaw.kernels.reference.adamw`; the gradient itself is left as it was."""
    beta1, beta2 = betas
    total = parameters.numel()
    partial = torch.empty(triton.cdiv(total, NORM_BLOCK), dtype=torch.float32, device=grad.device)
    squares_kernel[(len(partial),)](grad, partial, total, BLOCK=NORM_BLOCK)
    norm = partial.sum().sqrt()
    hyper = torch.tensor([learning_rate, 1.0 / (1.0 - beta1**step), 1.0 / math.sqrt(1.0 - beta2**step)])
    update_kernel[(triton.cdiv(total, BLOCK),)](
        parameters, grad, first, second, lr_scale, lr_scale if decay_mask is None else decay_mask,
        parameters if shadow is None else shadow, hyper.to(grad.device), norm, total,
        beta1, beta2, epsilon, weight_decay, clip,
        HAS_CLIP=clip > 0, HAS_DECAY=weight_decay != 0.0, HAS_SHADOW=shadow is not None, BLOCK=BLOCK,
    )  # fmt: skip
    return norm
