"""Gradient of the embedding without atomics, in Triton: tokens are sorted, one program sums the rows of one entry.

A stable sort and a fixed order of summation make the bits independent of scheduling.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 8192
MOST_ROWS = 128
NARROW = 256


def tile(width: int) -> tuple[int, int]:
    """Rows summed at once and columns of a program.

    A frequent token, such as the separator, has thousands of rows: few columns and many rows at once where a model is
    narrow, so that no program is long; more columns where it is wide, so that programs are not too many.
    """
    columns = min(triton.next_power_of_2(width), 64 if width <= NARROW else 256)
    return min(MOST_ROWS, TILE // columns), columns


@triton.jit
def sum_kernel(grad_ptr, order_ptr, bounds_ptr, out_ptr, width, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Compute out[v] = sum of grad[order[i]] for i from bounds[v] to bounds[v + 1]."""
    entry = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    first = tl.load(bounds_ptr + entry)
    last = tl.load(bounds_ptr + entry + 1)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for start in range(first, last, ROWS):
        place = start + tl.arange(0, ROWS)
        # int64 indices from the sort: addresses of large batches pass 2^31
        token = tl.load(order_ptr + place, mask=place < last, other=0)
        mask = (place < last)[:, None] & (column < width)[None, :]
        total += tl.sum(
            tl.load(grad_ptr + token[:, None] * width + column[None, :], mask=mask, other=0.0).to(tl.float32), 0
        )
    tl.store(out_ptr + entry * width + column, total, mask=column < width)


def embedding_backward(grad: Tensor, tokens: Tensor, weight_grad: Tensor) -> None:
    """See :func:`ziplaw.kernels.reference.embedding_backward`; grad (T, h) contiguous, every row is written."""
    entries, width = weight_grad.shape
    # a radix sort takes a pass for every byte of the key
    keys = tokens.to(torch.int16 if entries < 1 << 15 else torch.int32)
    ordered, order = torch.sort(keys, stable=True)
    # an entry without a token has an empty range, and a gradient of zeros is written all the same
    bounds = torch.searchsorted(ordered, torch.arange(entries + 1, device=tokens.device, dtype=keys.dtype))
    rows, block = tile(width)
    grid = (entries, triton.cdiv(width, block))
    sum_kernel[grid](grad, order, bounds, weight_grad, width, ROWS=rows, BLOCK=block)
