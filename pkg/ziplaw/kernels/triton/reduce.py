"""Sums in an order that depends on shapes alone, not on the device as torch's reductions may, in Triton."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 2048
ROWS = 32
COLUMNS = 64


@triton.jit
def sum_kernel(x_ptr, out_ptr, total, scale, ROOT: tl.constexpr, BLOCK: tl.constexpr):
    """Add up one row of ``total`` numbers, then scale it, then take the root if asked to."""
    row = tl.program_id(0).to(tl.int64)
    # BLOCK running sums, added up in one fixed tree at the end
    share = tl.zeros((BLOCK,), dtype=tl.float32)
    for first in range(0, total, BLOCK):
        at = first + tl.arange(0, BLOCK)
        share += tl.load(x_ptr + row * total + at, mask=at < total, other=0.0).to(tl.float32)
    value = tl.sum(share, 0) * scale
    if ROOT:
        value = tl.sqrt(value)
    tl.store(out_ptr + row, value)


@triton.jit
def sum_rows_kernel(x_ptr, places_ptr, out_ptr, rows, width, total, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Add up the rows of one matrix of many, (count, models), for COLUMNS columns; each count has its place in out."""
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    model = tl.program_id(2).to(tl.int64)
    x_ptr += (tl.program_id(1).to(tl.int64) * tl.num_programs(2) + model) * rows * width
    out_ptr += model * total + tl.load(places_ptr + tl.program_id(1))
    share = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for first in range(0, rows, ROWS):
        row = (first + tl.arange(0, ROWS)).to(tl.int64)
        mask = (row < rows)[:, None] & (column < width)[None, :]
        share += tl.load(x_ptr + row[:, None] * width + column[None, :], mask=mask, other=0.0).to(tl.float32)
    tl.store(out_ptr + column, tl.sum(share, 0), mask=column < width)


def row_sums(x: Tensor, *, scale: float = 1.0, root: bool = False) -> Tensor:
    """Sums over the last axis of a contiguous x (..., n), times ``scale``; their square root if asked for; fp32."""
    out = torch.empty(x.shape[:-1], dtype=torch.float32, device=x.device)
    sum_kernel[(out.numel(),)](x, out, x.shape[-1], scale, ROOT=root, BLOCK=BLOCK)
    return out


def sums_of_rows(x: Tensor, places: Tensor, out: Tensor) -> None:
    """Sums of the rows of matrices x (count, models, R, n) into ``out`` (models * total,), from places (count,) on."""
    count, models, rows, width = x.shape
    sum_rows_kernel[(triton.cdiv(width, COLUMNS), count, models)](
        x, places, out, rows, width, out.numel() // models, ROWS=ROWS, COLUMNS=COLUMNS
    )
