"""Residual addition and RMSNorm in one pass, forward and backward, in Triton.

Statistics are fp32 whatever the dtype of the rows. The gain's gradient is summed over blocks of rows whose size does
not depend on the device, then over the blocks in order: the same bits everywhere, no atomics.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..reference import EPSILON
from .reduce import sum_of_rows

TILE = 4096
# programs of the backward pass: enough for any GPU, few enough that adding up their shares costs little
PROGRAMS = 256
MOST_STEPS = 16


def tile(width: int) -> tuple[int, int]:
    """Rows and columns a program works on at once: all columns, as many rows as keep the tile at 4096 numbers."""
    block = triton.next_power_of_2(width)
    return max(1, TILE // block), block


def backward_steps(rows: int, tile_rows: int) -> int:
    """Tiles that a program of the backward pass works through: decided by the shape alone, not by the device."""
    return max(1, min(MOST_STEPS, rows // (tile_rows * PROGRAMS)))


@triton.jit
def forward_kernel(
    x_ptr, residual_ptr, weight_ptr, y_ptr, total_ptr, rstd_ptr, rows, width, epsilon,
    HAS_RESIDUAL: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Compute y = w * t * rstd with t = x + residual, for ROWS rows."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, BLOCK)
    mask = (row < rows)[:, None] & (column < width)[None, :]
    at = row[:, None] * width + column[None, :]
    total = tl.load(x_ptr + at, mask=mask, other=0.0).to(tl.float32)
    if HAS_RESIDUAL:
        total += tl.load(residual_ptr + at, mask=mask, other=0.0).to(tl.float32)
        tl.store(total_ptr + at, total, mask=mask)
    rstd = 1.0 / tl.sqrt(tl.sum(total * total, 1) / width + epsilon)
    weight = tl.load(weight_ptr + column, mask=column < width, other=0.0).to(tl.float32)
    tl.store(y_ptr + at, total * rstd[:, None] * weight[None, :], mask=mask)
    tl.store(rstd_ptr + row, rstd, mask=row < rows)


@triton.jit
def backward_kernel(
    grad_ptr, total_ptr, rstd_ptr, weight_ptr, total_grad_ptr, out_ptr, partial_ptr, rows, width,
    HAS_TOTAL_GRAD: tl.constexpr, STEPS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradient of STEPS tiles of ROWS rows, and their share of the gain's gradient."""
    column = tl.arange(0, BLOCK)
    weight = tl.load(weight_ptr + column, mask=column < width, other=0.0).to(tl.float32)
    share = tl.zeros((BLOCK,), dtype=tl.float32)
    first = tl.program_id(0).to(tl.int64) * (ROWS * STEPS)
    for step in range(STEPS):
        row = first + step * ROWS + tl.arange(0, ROWS)
        mask = (row < rows)[:, None] & (column < width)[None, :]
        at = row[:, None] * width + column[None, :]
        grad = tl.load(grad_ptr + at, mask=mask, other=0.0).to(tl.float32)
        # rows past the end have rstd 0, and so no share in the gain's gradient
        rstd = tl.load(rstd_ptr + row, mask=row < rows, other=0.0)
        normed = tl.load(total_ptr + at, mask=mask, other=0.0).to(tl.float32) * rstd[:, None]
        share += tl.sum(grad * normed, 0)
        scaled = grad * weight[None, :]
        inner = tl.sum(scaled * normed, 1) / width
        # y does not change with the length of its row: the part of the gradient along the row goes
        out = (scaled - normed * inner[:, None]) * rstd[:, None]
        if HAS_TOTAL_GRAD:
            out += tl.load(total_grad_ptr + at, mask=mask, other=0.0).to(tl.float32)
        tl.store(out_ptr + at, out, mask=mask)
    tl.store(partial_ptr + tl.program_id(0).to(tl.int64) * width + column, share, mask=column < width)


def rms_norm_forward(
    x: Tensor, weight: Tensor, residual: Tensor | None = None, epsilon: float = EPSILON
) -> tuple[Tensor, Tensor, Tensor]:
    """See :func:`ziplaw.kernels.reference.rms_norm_forward`; ``rstd`` is fp32. Inputs contiguous."""
    rows, width = x.shape
    y, rstd = torch.empty_like(x), torch.empty(rows, dtype=torch.float32, device=x.device)
    total = x if residual is None else torch.empty_like(x)
    tile_rows, block = tile(width)
    forward_kernel[(triton.cdiv(rows, tile_rows),)](
        x, x if residual is None else residual, weight, y, total, rstd, rows, width, epsilon,
        HAS_RESIDUAL=residual is not None, ROWS=tile_rows, BLOCK=block,
    )  # fmt: skip
    return y, total, rstd


def rms_norm_backward(
    grad: Tensor, total: Tensor, rstd: Tensor, weight: Tensor, weight_grad: Tensor, total_grad: Tensor | None = None
) -> Tensor:
    """See :func:`ziplaw.kernels.reference.rms_norm_backward`. Inputs contiguous; ``weight_grad`` may be fp32."""
    rows, width = total.shape
    out = torch.empty_like(total)
    tile_rows, block = tile(width)
    steps = backward_steps(rows, tile_rows)
    blocks = triton.cdiv(rows, tile_rows * steps)
    partial = torch.empty((blocks, width), dtype=torch.float32, device=total.device)
    backward_kernel[(blocks,)](
        grad, total, rstd, weight, grad if total_grad is None else total_grad, out, partial, rows, width,
        HAS_TOTAL_GRAD=total_grad is not None, STEPS=steps, ROWS=tile_rows, BLOCK=block,
    )  # fmt: skip
    sum_of_rows(partial, weight_grad)
    return out
