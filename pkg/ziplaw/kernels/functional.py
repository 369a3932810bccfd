"""Differentiable functions over the kernels of the input's device, for use under torch's autograd."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .backend import for_device
from .reference import EPSILON

__all__ = ["adamw", "adamw_step", "cross_entropy", "linear_cross_entropy", "rms_norm", "rope", "swiglu"]


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, residual, epsilon):
        y, total, rstd = for_device(x.device).rms_norm_forward(x, weight, residual, epsilon)
        ctx.save_for_backward(total, rstd, weight)
        ctx.has_residual = residual is not None
        # an output must not be an input: without a residual the sum is x itself
        return y, total if ctx.has_residual else total.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, total_grad):
        total, rstd, weight = ctx.saved_tensors
        weight_grad = torch.empty_like(weight)
        ops = for_device(total.device)
        out = ops.rms_norm_backward(grad.contiguous(), total, rstd, weight, weight_grad, total_grad.contiguous())
        return out, weight_grad, out if ctx.has_residual else None, None


class _Rope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, qkv, table, heads):
        ctx.save_for_backward(table)
        return for_device(qkv.device).rope_forward(qkv, table, heads)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return for_device(grad.device).rope_backward(grad.contiguous(), *ctx.saved_tensors), None, None


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gate_up):
        ctx.save_for_backward(gate_up)
        return for_device(gate_up.device).swiglu_forward(gate_up)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return for_device(grad.device).swiglu_backward(grad.contiguous(), *ctx.saved_tensors)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, targets, vocabulary):
        nll, grad = for_device(logits.device).cross_entropy_forward(logits, targets, vocabulary)
        ctx.save_for_backward(grad)
        return nll

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (saved,) = ctx.saved_tensors
        return (saved * grad.unsqueeze(1)).to(saved.dtype), None, None


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, targets, vocabulary, chunk):
        weight_grad = torch.zeros_like(weight)
        ops, sizes = for_device(x.device), {} if chunk is None else {"chunk": chunk}
        loss, grad = ops.linear_cross_entropy_backward(x, weight, targets, vocabulary, weight_grad, **sizes)
        # the kernels' mean is over all tokens; no host sync to learn how many are ignored
        ratio = len(targets) / (targets >= 0).sum().clamp(min=1)
        ctx.save_for_backward(grad, weight_grad, ratio)
        return loss * ratio

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
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


def adamw(parameters: Tensor, *arguments, **settings) -> Tensor:
    """One AdamW step over flat buffers; see :func:`ziplaw.kernels.reference.adamw`."""
    return for_device(parameters.device).adamw(parameters, *arguments, **settings)


def adamw_step(parameters: Tensor, *arguments, **settings) -> Tensor:
    """AdamW with rates and corrections in tensors; see :func:`ziplaw.kernels.reference.adamw_step`."""
    return for_device(parameters.device).adamw_step(parameters, *arguments, **settings)
