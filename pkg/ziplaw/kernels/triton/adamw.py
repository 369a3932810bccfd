"""AdamW over flat buffers in one pass, in Triton: clips, updates fp32 masters, writes their bf16 copy.

The gradient's norm is summed over blocks of a fixed size, then over the blocks in order, so its bits do not depend on
the device. Rate, bias corrections, decay and the norm are read from device memory: a captured graph can be replayed.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from .reduce import row_sums

BLOCK = 1024
NORM_BLOCK = 8192


@triton.jit
def squares_kernel(grad_ptr, partial_ptr, total, BLOCK: tl.constexpr):
    """Sum of squares of one block of one model."""
    model = tl.program_id(1).to(tl.int64)
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    grad = tl.load(grad_ptr + model * total + at, mask=at < total, other=0.0).to(tl.float32)
    tl.store(partial_ptr + model * tl.num_programs(0) + tl.program_id(0), tl.sum(grad * grad, 0))


@triton.jit
def update_kernel(
    parameter_ptr, grad_ptr, first_ptr, second_ptr, groups_ptr, factors_ptr, settings_ptr, norm_ptr, shadow_ptr,
    total, n_groups, beta1, beta2, epsilon, clip,
    HAS_CLIP: tl.constexpr, HAS_SHADOW: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Update p <- p - rate * s * (m^ / (sqrt(v^) + eps) + decay * d * p), s and d the factors of p's group."""
    model = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    # total is the numbers of one model; several models lie one behind the other
    live = place < total
    at = model * total + place
    # settings hold the rate, 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t) and the decay
    rate = tl.load(settings_ptr + model * 4)
    correct1 = tl.load(settings_ptr + model * 4 + 1)
    correct2 = tl.load(settings_ptr + model * 4 + 2)
    decay = tl.load(settings_ptr + model * 4 + 3)
    group = tl.load(groups_ptr + place, mask=live, other=0).to(tl.int32)
    scale = tl.load(factors_ptr + group)
    decays = tl.load(factors_ptr + n_groups + group)
    grad = tl.load(grad_ptr + at, mask=live, other=0.0).to(tl.float32)
    # the gradient in memory stays as it was: it is clipped in registers
    if HAS_CLIP:
        grad *= tl.minimum(clip / (tl.load(norm_ptr + model) + 1e-6), 1.0)
    first = tl.load(first_ptr + at, mask=live, other=0.0)
    second = tl.load(second_ptr + at, mask=live, other=0.0)
    first += (grad - first) * (1.0 - beta1)
    second = second * beta2 + grad * grad * (1.0 - beta2)
    tl.store(first_ptr + at, first, mask=live)
    tl.store(second_ptr + at, second, mask=live)
    # masters and moments are fp32: in bf16 an update below 1/256 of its parameter would be lost
    parameter = tl.load(parameter_ptr + at, mask=live, other=0.0)
    update = first * correct1 / (tl.sqrt(second) * correct2 + epsilon) + decay * decays * parameter
    parameter -= rate * scale * update
    tl.store(parameter_ptr + at, parameter, mask=live)
    if HAS_SHADOW:
        tl.store(shadow_ptr + at, parameter, mask=live)


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
    """See :func:`ziplaw.kernels.reference_adamw.adamw_step`; the gradient itself is left as it was."""
    total = parameters.shape[-1]
    models = parameters.numel() // total
    blocks = triton.cdiv(total, NORM_BLOCK)
    partial = torch.empty((*parameters.shape[:-1], blocks), dtype=torch.float32, device=grad.device)
    squares_kernel[(blocks, models)](grad, partial, total, BLOCK=NORM_BLOCK)
    norm = row_sums(partial, root=True)
    update_kernel[(triton.cdiv(total, BLOCK), models)](
        parameters, grad, first, second, groups, factors, settings, norm, parameters if shadow is None else shadow,
        total, factors.shape[1], *betas, epsilon, clip,
        HAS_CLIP=clip > 0, HAS_SHADOW=shadow is not None, BLOCK=BLOCK,
    )  # fmt: skip
    return norm
