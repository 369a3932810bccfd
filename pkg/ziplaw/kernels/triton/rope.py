"""Rotary positions of queries and keys, in the layout of the projection, in Triton.

Adjacent features turn together (see :func:`ziplaw.kernels.reference.rope_table`); one kernel serves both directions,
since the gradient of a rotation is the rotation back. Whole rows are loaded and stored as they lie in memory, and
parted into even and odd features in registers: loading those apart would take two bytes at a time.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 2048


def tile(width: int) -> tuple[int, int]:
    """Tokens and features of one head that a program works on at once."""
    block = triton.next_power_of_2(width)
    return max(1, min(64, TILE // block)), block


@triton.jit
def rotate_kernel(
    query_ptr, key_ptr, value_ptr, out_ptr, table_ptr, tokens, positions, heads, width,
    document_stride, token_stride, head_stride,
    BACK: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Turn queries and keys of one head, three of (B, S, H, d) of the given strides, into out (B, S, 3, H, d)."""
    token = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    head = tl.program_id(1)
    feature = tl.arange(0, BLOCK)
    mask = (token < tokens)[:, None] & (feature < width)[None, :]
    position = token % positions
    start = token // positions * document_stride + position * token_stride + head * head_stride
    read = start[:, None] + feature[None, :]
    write = ((token * 3 * heads + head) * width)[:, None] + feature[None, :]
    for part in tl.static_range(3):
        x_ptr = query_ptr if part == 0 else key_ptr if part == 1 else value_ptr
        x = tl.load(x_ptr + read, mask=mask, other=0.0)
        # values do not turn
        if part < 2:
            # q's turns, which may carry the attention scale, then k's; cosine and sine of a pair side by side
            row = (part * positions + position) * width
            turn = tl.load(table_ptr + row[:, None] + feature[None, :], mask=mask, other=0.0)
            cos, sin = tl.split(tl.reshape(turn, (ROWS, BLOCK // 2, 2)))
            if BACK:
                sin = -sin
            even, odd = tl.split(tl.reshape(x.to(tl.float32), (ROWS, BLOCK // 2, 2)))
            turned = tl.interleave(even * cos - odd * sin, even * sin + odd * cos)
            x = turned.to(out_ptr.dtype.element_ty)
        tl.store(out_ptr + write + part * heads * width, x, mask=mask)


def _launch(parts: tuple[Tensor, ...], table: Tensor, back: bool) -> Tensor:
    query, key, value = parts
    # attention may give three tensors of their own, or views of one
    if query.stride(-1) != 1 or not query.stride() == key.stride() == value.stride():
        query, key, value = (part.contiguous() for part in parts)
    documents, positions, heads, width = query.shape
    out = torch.empty((documents, positions, 3, heads, width), dtype=query.dtype, device=query.device)
    rows, block = tile(width)
    tokens = documents * positions
    rotate_kernel[(triton.cdiv(tokens, rows), heads)](
        query, key, value, out, torch.view_as_real(table), tokens, positions, heads, width, *query.stride()[:3],
        BACK=back, ROWS=rows, BLOCK=block,
    )  # fmt: skip
    return out


def rope_forward(qkv: Tensor, table: Tensor, heads: int) -> Tensor:
    """See :func:`ziplaw.kernels.reference.rope_forward`; qkv (B, S, 3*h) contiguous, table complex64."""
    return _launch(qkv.unflatten(-1, (3, heads, -1)).unbind(2), table, False)


def rope_backward(query_grad: Tensor, key_grad: Tensor, value_grad: Tensor, table: Tensor) -> Tensor:
    """See :func:`ziplaw.kernels.reference.rope_backward`; three of (B, S, H, d)."""
    return _launch((query_grad, key_grad, value_grad), table, True).flatten(2)
