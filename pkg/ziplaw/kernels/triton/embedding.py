"""The embedding and its gradient, in Triton: the gradient without atomics, one program sums the rows of one entry.

A stable sort of the tokens and a fixed order of summation make the bits independent of scheduling. The sort needs no
gradient, so it can run beside the rest of the step.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 8192
LOOK_UP = 2048
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
def look_up_kernel(
    tokens_ptr, weight_ptr, x_ptr, entries_ptr, rows, positions, rows_each, entries, width, model_stride,
    SHIFT: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Rows of the embedding of each token, or of the token before it; a separator, 0, is before the first one."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    live = row < rows
    model = row // rows_each
    if SHIFT:
        token = tl.load(tokens_ptr + row - 1, mask=live & (row % positions > 0), other=0)
    else:
        token = tl.load(tokens_ptr + row, mask=live, other=0)
    tl.store(entries_ptr + row, model * entries + token, mask=live)
    column = tl.arange(0, BLOCK)
    mask = live[:, None] & (column < width)[None, :]
    at = (model * model_stride + token * width)[:, None] + column[None, :]
    tl.store(x_ptr + row[:, None] * width + column[None, :], tl.load(weight_ptr + at, mask=mask), mask=mask)


@triton.jit
def sum_kernel(
    grad_ptr, order_ptr, bounds_ptr, out_ptr, entries, width, model_stride, ROWS: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """Compute out[v] = sum of grad[order[i]] for i from bounds[v] to bounds[v + 1]; a model has so many entries."""
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
    place = entry // entries * model_stride + entry % entries * width
    tl.store(out_ptr + place + column, total, mask=column < width)


# a radix sort takes a pass for every byte of the key
def _keys(count: int) -> torch.dtype:
    return torch.int16 if count < 1 << 15 else torch.int32


def embed(tokens: Tensor, weight: Tensor, shift: bool = True) -> tuple[Tensor, Tensor]:
    """See :func:`ziplaw.kernels.reference.embed`; tokens contiguous, so is each model's weight."""
    *models, entries, width = weight.shape
    count = models[0] if models else 1
    rows, positions = tokens.numel(), tokens.shape[1]
    x = torch.empty((rows, width), dtype=weight.dtype, device=tokens.device)
    found = torch.empty(rows, dtype=_keys(count * entries), device=tokens.device)
    block = triton.next_power_of_2(width)
    tile_rows = max(1, LOOK_UP // block)
    look_up_kernel[(triton.cdiv(rows, tile_rows),)](
        tokens, weight, x, found, rows, positions, rows // count, entries, width, weight.stride(0) if models else 0,
        SHIFT=shift, ROWS=tile_rows, BLOCK=block,
    )  # fmt: skip
    return x, found


def embedding_order(entries: Tensor, count: int) -> tuple[Tensor, ...]:
    """See :func:`ziplaw.kernels.reference.embedding_order`: the tokens of each entry, and where they begin and end."""
    ordered, order = torch.sort(entries.to(_keys(count)), stable=True)
    # an entry without a token has an empty range, and a gradient of zeros is written all the same
    return order, torch.searchsorted(ordered, torch.arange(count + 1, device=entries.device, dtype=ordered.dtype))


def embedding_backward(grad: Tensor, order: tuple[Tensor, ...], weight_grad: Tensor) -> None:
    """See :func:`ziplaw.kernels.reference.embedding_backward`; grad (T, h) contiguous, every row is written."""
    *models, entries, width = weight_grad.shape
    rows, block = tile(width)
    grid = (entries * (models[0] if models else 1), triton.cdiv(width, block))
    stride = weight_grad.stride(0) if models else 0
    sum_kernel[grid](grad, *order, weight_grad, entries, width, stride, ROWS=rows, BLOCK=block)
