"""Matrix products whose results are wider than their factors: fp32 of bf16."""

from __future__ import annotations

import torch
from torch import Tensor

# norms, rotations and sums over many numbers are computed in float32 for these
HALF = (torch.bfloat16, torch.float16)


def wide_product(left: Tensor, right: Tensor) -> Tensor:
    """``left @ right``, matrices or stacks of them, in fp32 where the factors are narrower, else in their own dtype."""
    multiply = torch.mm if left.dim() == 2 else torch.bmm
    if left.dtype not in HALF:
        return multiply(left, right)
    if left.device.type == "cuda":
        return multiply(left, right, out_dtype=torch.float32)
    return multiply(left.float(), right.float())


def product_into(left: Tensor, right: Tensor, out: Tensor, accumulate: bool = False) -> None:
    """Write (or add) ``left @ right`` into ``out``, which may be wider: fp32 gradients of bf16 operands.

    Matrices, or stacks of M of them; each of ``out`` is contiguous, but the stack need not be.
    """
    multiply, add = (torch.mm, torch.addmm) if left.dim() == 2 else (torch.bmm, torch.baddbmm)
    if left.dtype == out.dtype:
        if accumulate:
            add(out, left, right, out=out)
        else:
            multiply(left, right, out=out)
    elif left.device.type == "cpu":
        product = left.to(out.dtype) @ right.to(out.dtype)
        out.add_(product) if accumulate else out.copy_(product)
    elif accumulate:
        out.add_(multiply(left, right, out_dtype=out.dtype))
    else:
        multiply(left, right, out_dtype=out.dtype, out=out)
