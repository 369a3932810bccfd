"""Rotary positions together with the change of layout that attention wants, in Triton.

Adjacent features turn together (see :func:`ziplaw.kernels.reference.rope_table`); one kernel serves both directions,
since the gradient of a rotation is the rotation back.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 4096


def tile(width: int) -> tuple[int, int]:
    """Positions and feature pairs a program works on."""
    half = triton.next_power_of_2(width // 2)
    return max(1, min(64, TILE // (2 * half))), half


@triton.jit
def rotate_kernel(
    flat_ptr, packed_ptr, table_ptr, documents, positions, heads, width,
    TO_PACKED: tl.constexpr, BLOCK: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    """Between (B, S, 3, H, d) and (3, B, H, S, d), turning by the table one way and back by it the other way."""
    position = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    document = tl.program_id(1) // heads
    head = tl.program_id(1) % heads
    part = tl.program_id(2)
    pair = tl.arange(0, HALF)
    mask = (position < positions)[:, None] & (2 * pair < width)[None, :]
    feature = 2 * pair[None, :]
    token = (document * positions + position).to(tl.int64)
    in_flat = ((token * 3 + part) * heads + head)[:, None] * width + feature
    # int64 before the product that may pass 2^31
    row = (((part * documents + document) * heads + head).to(tl.int64) * positions + position)[:, None]
    in_packed = row * width + feature
    # the table has q's turns, which may carry the attention scale, then k's, then ones for v
    in_table = (part * positions + position)[:, None] * width + feature
    cos = tl.load(table_ptr + in_table, mask=mask, other=0.0)
    sin = tl.load(table_ptr + in_table + 1, mask=mask, other=0.0)
    if TO_PACKED:
        even = tl.load(flat_ptr + in_flat, mask=mask, other=0.0).to(tl.float32)
        odd = tl.load(flat_ptr + in_flat + 1, mask=mask, other=0.0).to(tl.float32)
        tl.store(packed_ptr + in_packed, even * cos - odd * sin, mask=mask)
        tl.store(packed_ptr + in_packed + 1, even * sin + odd * cos, mask=mask)
    else:
        even = tl.load(packed_ptr + in_packed, mask=mask, other=0.0).to(tl.float32)
        odd = tl.load(packed_ptr + in_packed + 1, mask=mask, other=0.0).to(tl.float32)
        tl.store(flat_ptr + in_flat, even * cos + odd * sin, mask=mask)
        tl.store(flat_ptr + in_flat + 1, odd * cos - even * sin, mask=mask)


def _launch(flat: Tensor, packed: Tensor, table: Tensor, to_packed: bool) -> None:
    _, documents, heads, positions, width = packed.shape
    block, half = tile(width)
    rotate_kernel[(triton.cdiv(positions, block), documents * heads, 3)](
        flat, packed, torch.view_as_real(table), documents, positions, heads, width,
        TO_PACKED=to_packed, BLOCK=block, HALF=half,
    )  # fmt: skip


def rope_forward(qkv: Tensor, table: Tensor, heads: int) -> Tensor:
    """See :func:`ziplaw.kernels.reference.rope_forward`; qkv (B, S, 3*h) contiguous, table complex64."""
    documents, positions, width = qkv.shape
    shape = (3, documents, heads, positions, width // (3 * heads))
    packed = torch.empty(shape, dtype=qkv.dtype, device=qkv.device)
    _launch(qkv, packed, table, True)
    return packed


def rope_backward(grad: Tensor, table: Tensor) -> Tensor:
    """See :func:`ziplaw.kernels.reference.rope_backward`; grad (3, B, H, S, d) contiguous."""
    _, documents, heads, positions, width = grad.shape
    flat = torch.empty((documents, positions, 3 * heads * width), dtype=grad.dtype, device=grad.device)
    _launch(flat, grad, table, False)
    return flat
