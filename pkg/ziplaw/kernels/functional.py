"""Differentiable functions over the kernels of the input's device, for use under torch's autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .backend import for_device
from .reference import EPSILON

__all__ = ["cross_entropy", "linear_cross_entropy", "rms_norm", "rope", "swiglu"]


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, residual: Tensor | None, epsilon: float) -> tuple[Tensor, Tensor]:
        y, total, rstd = for_device(x.device).rms_norm_forward(x, weight, residual, epsilon)
        ctx.save_for_backward(total, rstd, weight)
        ctx.has_residual = residual is not None
        # an output must not be an input: without a residual the sum is x itself
        return y, total if ctx.has_residual else total.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, total_grad: Tensor) -> tuple[Tensor | None, ...]:
        total, rstd, weight = ctx.saved_tensors
        weight_grad = torch.empty_like(weight)
        ops = for_device(total.device)
        shares = ops.norm_shares(1, len(total), weight)
        out = ops.rms_norm_backward(grad.contiguous(), total, rstd, weight, shares[0], total_grad.contiguous())
        ops.add_norm_shares(shares, torch.zeros(1, dtype=torch.int64, device=total.device), weight_grad)
        return out, weight_grad, out if ctx.has_residual else None, None


class _Rope(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, table: Tensor, heads: int) -> Tensor:
        ctx.save_for_backward(table)
        return for_device(qkv.device).rope_forward(qkv, table, heads)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return for_device(grad.device).rope_backward(*grad.contiguous().unbind(2), *ctx.saved_tensors), None, None


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        ctx.save_for_backward(gate_up)
        return for_device(gate_up.device).swiglu_forward(gate_up)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return for_device(grad.device).swiglu_backward(grad.contiguous(), *ctx.saved_tensors)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, vocabulary: int | None) -> Tensor:
        nll, grad = for_device(logits.device).cross_entropy_forward(logits, targets, vocabulary)
        ctx.save_for_backward(grad)
        return nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (saved,) = ctx.saved_tensors
        return (saved * grad.unsqueeze(1)).to(saved.dtype), None, None


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int, chunk: int | None) -> Tensor:
        weight_grad = torch.zeros_like(weight)
        ops, sizes = for_device(x.device), {} if chunk is None else {"chunk": chunk}
        loss, grad = ops.linear_cross_entropy_backward(x, weight, targets, vocabulary, weight_grad, **sizes)
        # the kernels' mean is over all tokens; no host sync to learn how many are ignored
        ratio = len(targets) / (targets >= 0).sum().clamp(min=1)
        ctx.save_for_backward(grad, weight_grad, ratio)
        return loss * ratio

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x_grad, weight_grad, ratio = ctx.saved_tensors
        grad = grad * ratio
        return (x_grad * grad).to(x_grad.dtype), (weight_grad * grad).to(weight_grad.dtype), None, None, None


def rms_norm(
    x: Tensor, weight: Tensor, residual: Tensor | None = None, epsilon: float = EPSILON
) -> tuple[Tensor, Tensor]:
    """Add ``residual`` (if given) to x (T, h), then normalise; returns (normalised, sum)."""
    return _RMSNorm.apply(x, weight, residual, epsilon)


def rope(qkv: Tensor, table: Tensor, heads: int) -> Tensor:
    """Differentiable :func:`ziplaw.kernels.reference.rope_forward`."""
    return _Rope.apply(qkv, table, heads)


def swiglu(gate_up: Tensor) -> Tensor:
    """silu(gate) * up of a fused (T, 2*I) projection; returns (T, I)."""
    return _SwiGLU.apply(gate_up)


def cross_entropy(logits: Tensor, targets: Tensor, vocabulary: int | None = None) -> Tensor:
    """-ln p(target) of rows of logits (T, Vp), shape (T,); negative targets are ignored, padded columns unused."""
    return _CrossEntropy.apply(logits, targets, vocabulary)


def linear_cross_entropy(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int | None = None, chunk: int | None = None
) -> Tensor:
    """Mean -ln p(target) of the head ``x @ weight.T``, without holding all logits; x (T, h), weight (Vp, h).

    Negative targets are ignored and not counted by the mean; rows of ``weight`` from ``vocabulary`` on are padding.
    """
    return _LinearCrossEntropy.apply(x, weight, targets, vocabulary or weight.shape[0], chunk)
