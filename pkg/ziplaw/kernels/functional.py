"""Differentiable functions over the kernels, for use under torch's autograd."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import reference
from .reference import EPSILON, HEAD_CHUNK, adamw

__all__ = ["adamw", "cross_entropy", "linear_cross_entropy", "rms_norm", "rope", "swiglu"]


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, epsilon):
        y, normed, rstd = reference.rms_norm_forward(x, weight, epsilon)
        ctx.save_for_backward(normed, rstd, weight)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        normed, rstd, weight = ctx.saved_tensors
        weight_grad = torch.empty_like(weight)
        return reference.rms_norm_backward(grad, normed, rstd, weight, weight_grad), weight_grad, None


class _Rope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, table, heads):
        ctx.save_for_backward(table)
        return reference.rope_forward(qkv, table, heads)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return reference.rope_backward(grad.contiguous(), *ctx.saved_tensors), None, None


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gate_up):
        y, activated = reference.swiglu_forward(gate_up)
        ctx.save_for_backward(gate_up, activated)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return reference.swiglu_backward(grad, *ctx.saved_tensors)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets, vocabulary):
        nll, grad = reference.cross_entropy_forward(logits, targets, vocabulary)
        ctx.save_for_backward(grad)
        return nll

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (saved,) = ctx.saved_tensors
        return saved * grad.unsqueeze(1), None, None


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, targets, vocabulary, chunk):
        weight_grad = torch.zeros_like(weight)
        loss, grad = reference.linear_cross_entropy_backward(x, weight, targets, vocabulary, weight_grad, chunk)
        ctx.save_for_backward(grad, weight_grad)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x_grad, weight_grad = ctx.saved_tensors
        return x_grad * grad, weight_grad * grad, None, None, None


def rms_norm(
    x: Tensor, weight: Tensor, residual: Tensor | None = None, epsilon: float = EPSILON
) -> tuple[Tensor, Tensor]:
    """Add ``residual`` (if given) to x (T, h), then normalise; returns (normalised, sum)."""
    total = x if residual is None else x + residual
    return _RMSNorm.apply(total, weight, epsilon), total


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
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int | None = None, chunk: int = HEAD_CHUNK
) -> Tensor:
    """Mean -ln p(target) of the head ``x @ weight.T``, without holding all logits; x (T, h), weight (Vp, h)."""
    return _LinearCrossEntropy.apply(x, weight, targets, vocabulary or weight.shape[0], chunk)
