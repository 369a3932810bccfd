"""silu(gate) * up and its gradient in one pass each, in Triton; silu is computed again in the backward pass."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024


@triton.jit
def forward_kernel(gate_up_ptr, y_ptr, total, width, BLOCK: tl.constexpr):
    """Y[i] = silu(gate[i]) * up[i]."""
    # rows are gate and up side by side, (T, 2 I)
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = at < total
    gate_at = at // width * (2 * width) + at % width
    gate = tl.load(gate_up_ptr + gate_at, mask=mask, other=0.0).to(tl.float32)
    up = tl.load(gate_up_ptr + gate_at + width, mask=mask, other=0.0).to(tl.float32)
    tl.store(y_ptr + at, gate / (1.0 + tl.exp(-gate)) * up, mask=mask)


@triton.jit
def backward_kernel(grad_ptr, gate_up_ptr, out_ptr, total, width, BLOCK: tl.constexpr):
    """Fill d gate = g * up * (s + gate * s * (1 - s)), d up = g * gate * s, with s the sigmoid of the gate."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    mask = at < total
    gate_at = at // width * (2 * width) + at % width
    grad = tl.load(grad_ptr + at, mask=mask, other=0.0).to(tl.float32)
    gate = tl.load(gate_up_ptr + gate_at, mask=mask, other=0.0).to(tl.float32)
    up = tl.load(gate_up_ptr + gate_at + width, mask=mask, other=0.0).to(tl.float32)
    sigmoid = 1.0 / (1.0 + tl.exp(-gate))
    silu = gate * sigmoid
    tl.store(out_ptr + gate_at, grad * up * (sigmoid + silu * (1.0 - sigmoid)), mask=mask)
    tl.store(out_ptr + gate_at + width, grad * silu, mask=mask)


def swiglu_forward(gate_up: Tensor) -> Tensor:
    """See :func:`ziplaw.kernels.reference.swiglu_forward`; gate_up (T, 2*I) contiguous."""
    tokens, width = gate_up.shape[0], gate_up.shape[1] // 2
    y = torch.empty((tokens, width), dtype=gate_up.dtype, device=gate_up.device)
    forward_kernel[(triton.cdiv(y.numel(), BLOCK),)](gate_up, y, y.numel(), width, BLOCK=BLOCK)
    return y


def swiglu_backward(grad: Tensor, gate_up: Tensor) -> Tensor:
    """See :func:`ziplaw.kernels.reference.swiglu_backward`; both contiguous."""
    out = torch.empty_like(gate_up)
    grid = (triton.cdiv(grad.numel(), BLOCK),)
    backward_kernel[grid](grad, gate_up, out, grad.numel(), grad.shape[1], BLOCK=BLOCK)
    return out
