"""Residual addition and RMSNorm in one pass, forward and backward, in Triton.

Statistics are fp32 whatever the dtype of the rows. The gain's gradient is summed over blocks of rows whose size does
not depend on the device, then, for all norms of a step at once, over the blocks in order: the same bits everywhere, no
atomics. Several models side by side have a gain each.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..reference import EPSILON
from .reduce import sums_of_rows

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
    x_ptr, residual_ptr, weight_ptr, y_ptr, total_ptr, rstd_ptr, rows, width, weight_stride, epsilon,
    HAS_RESIDUAL: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Compute y = w * t * rstd with t = x + residual, for ROWS of the ``rows`` rows of one model."""
    model = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, BLOCK)
    mask = (row < rows)[:, None] & (column < width)[None, :]
    at = (model * rows + row)[:, None] * width + column[None, :]
    total = tl.load(x_ptr + at, mask=mask, other=0.0).to(tl.float32)
    if HAS_RESIDUAL:
        total += tl.load(residual_ptr + at, mask=mask, other=0.0).to(tl.float32)
        tl.store(total_ptr + at, total, mask=mask)
    rstd = 1.0 / tl.sqrt(tl.sum(total * total, 1) / width + epsilon)
    weight = tl.load(weight_ptr + model * weight_stride + column, mask=column < width, other=0.0).to(tl.float32)
    tl.store(y_ptr + at, total * rstd[:, None] * weight[None, :], mask=mask)
    tl.store(rstd_ptr + model * rows + row, rstd, mask=row < rows)


@triton.jit
def backward_kernel(
    grad_ptr, total_ptr, rstd_ptr, weight_ptr, total_grad_ptr, out_ptr, share_ptr, rows, width, weight_stride,
    HAS_TOTAL_GRAD: tl.constexpr, STEPS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradient of STEPS tiles of ROWS rows of one model, and their share of the gain's gradient."""
    model = tl.program_id(1).to(tl.int64)
    column = tl.arange(0, BLOCK)
    weight = tl.load(weight_ptr + model * weight_stride + column, mask=column < width, other=0.0).to(tl.float32)
    share = tl.zeros((BLOCK,), dtype=tl.float32)
    first = tl.program_id(0).to(tl.int64) * (ROWS * STEPS)
    for step in range(STEPS):
        row = first + step * ROWS + tl.arange(0, ROWS)
        mask = (row < rows)[:, None] & (column < width)[None, :]
        at = (model * rows + row)[:, None] * width + column[None, :]
        grad = tl.load(grad_ptr + at, mask=mask, other=0.0).to(tl.float32)
        # rows past the end have rstd 0, and so no share in the gain's gradient
        rstd = tl.load(rstd_ptr + model * rows + row, mask=row < rows, other=0.0)
        normed = tl.load(total_ptr + at, mask=mask, other=0.0).to(tl.float32) * rstd[:, None]
        share += tl.sum(grad * normed, 0)
        scaled = grad * weight[None, :]
        inner = tl.sum(scaled * normed, 1) / width
        # y does not change with the length of its row: the part of the gradient along the row goes
        out = (scaled - normed * inner[:, None]) * rstd[:, None]
        if HAS_TOTAL_GRAD:
            out += tl.load(total_grad_ptr + at, mask=mask, other=0.0).to(tl.float32)
        tl.store(out_ptr + at, out, mask=mask)
    place = model * tl.num_programs(0) + tl.program_id(0)
    tl.store(share_ptr + place * width + column, share, mask=column < width)


# how many models, and from one's gain to the next one's
def _models(weight: Tensor) -> tuple[int, int]:
    return (1, 0) if weight.dim() == 1 else (len(weight), weight.stride(0))


def rms_norm_forward(
    x: Tensor, weight: Tensor, residual: Tensor | None = None, epsilon: float = EPSILON
) -> tuple[Tensor, Tensor, Tensor]:
    """See :func:`ziplaw.kernels.reference.rms_norm_forward`; ``rstd`` is fp32. Inputs contiguous."""
    rows, width = x.shape
    y, rstd = torch.empty_like(x), torch.empty(rows, dtype=torch.float32, device=x.device)
    total = x if residual is None else torch.empty_like(x)
    tile_rows, block = tile(width)
    models, stride = _models(weight)
    each = rows // models
    forward_kernel[(triton.cdiv(each, tile_rows), models)](
        x, x if residual is None else residual, weight, y, total, rstd, each, width, stride, epsilon,
        HAS_RESIDUAL=residual is not None, ROWS=tile_rows, BLOCK=block,
    )  # fmt: skip
    return y, total, rstd


def rms_norm_backward(
    grad: Tensor, total: Tensor, rstd: Tensor, weight: Tensor, share: Tensor, total_grad: Tensor | None = None
) -> Tensor:
    """See :func:`ziplaw.kernels.reference.rms_norm_backward`. Inputs contiguous."""
    rows, width = total.shape
    out = torch.empty_like(total)
    tile_rows, block = tile(width)
    models, stride = _models(weight)
    each = rows // models
    backward_kernel[(share.shape[1], models)](
        grad, total, rstd, weight, grad if total_grad is None else total_grad, out, share, each, width, stride,
        HAS_TOTAL_GRAD=total_grad is not None, STEPS=backward_steps(each, tile_rows), ROWS=tile_rows, BLOCK=block,
    )  # fmt: skip
    return out


def norm_shares(count: int, rows: int, weight: Tensor) -> Tensor:
    """See :func:`ziplaw.kernels.reference.norm_shares`; fp32, a block for each program of the backward kernel."""
    models, _ = _models(weight)
    tile_rows, _ = tile(weight.shape[-1])
    blocks = triton.cdiv(rows // models, tile_rows * backward_steps(rows // models, tile_rows))
    return torch.empty((count, models, blocks, weight.shape[-1]), dtype=torch.float32, device=weight.device)


def add_norm_shares(shares: Tensor, places: Tensor, flat_grad: Tensor) -> None:
    """See :func:`ziplaw.kernels.reference.add_norm_shares`."""
    sums_of_rows(shares, places, flat_grad)
