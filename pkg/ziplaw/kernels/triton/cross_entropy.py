"""Cross-entropy of rows of logits and its gradient, in Triton.

Up to 8192 entries a program holds whole rows in registers and reads the logits once; larger vocabularies take two
passes with a running maximum and sum. The gradient may overwrite the logits. Loads are masked by the padded width,
which is a multiple of the vector's, not by the vocabulary, which would make them two bytes each.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

ONE_PASS = 8192
LOOP_BLOCK = 4096
TILE = 8192


def tile(padded: int) -> tuple[bool, int, int]:
    """Whether one pass does, rows and columns a program holds; ``padded`` is the number of columns."""
    block = triton.next_power_of_2(padded)
    if block > ONE_PASS:
        return False, 1, LOOP_BLOCK
    return True, max(1, min(16, TILE // block)), block


def warps(block: int) -> int:
    """Warps of a program that holds so many columns at once."""
    return 8 if block >= 4096 else 4


@triton.jit
def rows_kernel(
    logits_ptr, grad_ptr, targets_ptr, nll_ptr, sizes_ptr, scale, rows, rows_each, vocabulary, padded,
    SEVERAL: tl.constexpr, ONE: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Compute lse(z) - z[target] and scale * (softmax(z) - onehot); zeros for negative targets.

    Of several models each has rows_each rows, and a vocabulary of its own in ``sizes``.
    """
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    live = row < rows
    target = tl.load(targets_ptr + row, mask=live, other=-1)
    counted = target >= 0
    column = tl.arange(0, BLOCK)
    start = row[:, None] * padded
    size = tl.full((ROWS,), vocabulary, dtype=tl.int32)
    if SEVERAL:
        size = tl.load(sizes_ptr + row // rows_each, mask=live, other=1)
    if ONE:
        real = column[None, :] < size[:, None]
        mask = live[:, None] & (column < padded)[None, :]
        z = tl.load(logits_ptr + start + column[None, :], mask=mask, other=0.0).to(tl.float32)
        hit = column[None, :] == target[:, None]
        # registers cannot be indexed: the target's logit is the sum over the one column that matches
        wanted = tl.sum(tl.where(hit, z, 0.0), 1)
        top = tl.max(tl.where(real, z, float("-inf")), 1)
        power = tl.where(real, tl.exp(z - top[:, None]), 0.0)
        total = tl.sum(power, 1)
        grad = (power / total[:, None] - tl.where(hit, 1.0, 0.0)) * scale
        grad = tl.where(counted[:, None], grad, 0.0)
        # padded columns too: the gradient's memory may be uninitialised, or the logits
        tl.store(grad_ptr + start + column[None, :], grad, mask=mask)
        nll = top + tl.log(total) - wanted
    else:
        top = tl.full((ROWS,), float("-inf"), dtype=tl.float32)
        total = tl.zeros((ROWS,), dtype=tl.float32)
        wanted = tl.zeros((ROWS,), dtype=tl.float32)
        for first in range(0, vocabulary, BLOCK):
            here = first + column
            real = here[None, :] < size[:, None]
            mask = live[:, None] & (here < padded)[None, :]
            z = tl.load(logits_ptr + start + here[None, :], mask=mask, other=0.0).to(tl.float32)
            wanted += tl.sum(tl.where(here[None, :] == target[:, None], z, 0.0), 1)
            z = tl.where(real, z, float("-inf"))
            # a new maximum rescales the sum so far, so that no exponential overflows and one pass gives both
            higher = tl.maximum(top, tl.max(z, 1))
            total = total * tl.exp(top - higher) + tl.sum(tl.exp(z - higher[:, None]), 1)
            top = higher
        for first in range(0, padded, BLOCK):
            here = first + column
            real = here[None, :] < size[:, None]
            mask = live[:, None] & (here < padded)[None, :]
            z = tl.load(logits_ptr + start + here[None, :], mask=mask, other=0.0).to(tl.float32)
            power = tl.where(real, tl.exp(z - top[:, None]), 0.0)
            # each logit is read here before its gradient is written over it
            grad = (power / total[:, None] - tl.where(here[None, :] == target[:, None], 1.0, 0.0)) * scale
            grad = tl.where(counted[:, None], grad, 0.0)
            tl.store(grad_ptr + start + here[None, :], grad, mask=mask)
        nll = top + tl.log(total) - wanted
    tl.store(nll_ptr + row, tl.where(counted, nll, 0.0), mask=live)


def cross_entropy_into(
    logits: Tensor, targets: Tensor, vocabulary: int | Tensor, grad: Tensor, scale: float = 1.0
) -> Tensor:
    """Losses (T,) in fp32; ``scale`` times their gradient goes to ``grad``, which may be ``logits`` itself."""
    rows, padded = logits.shape
    several = isinstance(vocabulary, Tensor)
    models = vocabulary.numel() if isinstance(vocabulary, Tensor) else 1
    nll = torch.empty(rows, dtype=torch.float32, device=logits.device)
    one, tile_rows, block = tile(padded)
    rows_kernel[(triton.cdiv(rows, tile_rows),)](
        logits, grad, targets, nll, vocabulary if several else targets, scale, rows, rows // models,
        padded if several else vocabulary, padded,
        SEVERAL=several, ONE=one, ROWS=tile_rows, BLOCK=block, num_warps=warps(block),
    )  # fmt: skip
    return nll


def cross_entropy_forward(
    logits: Tensor, targets: Tensor, vocabulary: int | Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """See :func:`ziplaw.kernels.reference_head.cross_entropy_forward`; logits contiguous, losses fp32."""
    grad = torch.empty_like(logits)
    wanted = logits.shape[1] if vocabulary is None else vocabulary
    return cross_entropy_into(logits, targets, wanted, grad), grad


def cross_entropy_in_place(logits: Tensor, targets: Tensor, vocabulary: int | Tensor, scale: float = 1.0) -> Tensor:
    """See :func:`ziplaw.kernels.reference_head.cross_entropy_in_place`; logits contiguous, losses fp32."""
    return cross_entropy_into(logits, targets, vocabulary, logits, scale)
