"""The output head and its cross-entropy without all logits at once: products by cuBLAS, rows by the Triton kernel.

The number of chunks depends on the size of the logits alone, not on the width: narrow models with a large vocabulary
get few, large products. The head's gradient is summed in fp32. Rows of the head past the vocabulary are padding, there
to make products of aligned sizes: they are multiplied, but get no probability, and so a gradient of zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..products import product_into, wide_product
from ..reference_head import default_chunk
from .cross_entropy import cross_entropy_into
from .reduce import row_sums


def _whole(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, -1)


def linear_cross_entropy_loss(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int | Tensor, chunk: int | None = None
) -> Tensor:
    """See :func:`ziplaw.kernels.reference_head.linear_cross_entropy_loss`; logits and losses fp32."""
    tokens, targets = x.shape[-2], targets.view(x.shape[:-1])
    chunk = chunk or default_chunk(tokens, weight.numel() // weight.shape[-1], torch.float32.itemsize)
    parts = []
    for start in range(0, tokens, chunk):
        wanted = targets[..., start : start + chunk]
        logits = wide_product(x[..., start : start + chunk, :], weight.mT).view(-1, weight.shape[-2])
        parts.append(cross_entropy_into(logits, wanted.reshape(-1), vocabulary, logits).view(wanted.shape))
    return _whole(parts)


def linear_cross_entropy_backward(
    x: Tensor,
    weight: Tensor,
    targets: Tensor,
    vocabulary: int | Tensor,
    weight_grad: Tensor,
    chunk: int | None = None,
) -> tuple[Tensor, Tensor]:
    """See :func:`ziplaw.kernels.reference_head.linear_cross_entropy_backward`.

    ``weight_grad`` may be fp32; its padded rows become 0.
    """
    multiply = torch.mm if x.dim() == 2 else torch.bmm
    tokens, targets = x.shape[-2], targets.view(x.shape[:-1])
    # of several models side by side a row of logits is one of each
    chunk = chunk or default_chunk(tokens, weight.numel() // weight.shape[-1], x.element_size())
    grad = torch.empty_like(x)
    parts = []
    for start in range(0, tokens, chunk):
        rows, wanted = x[..., start : start + chunk, :], targets[..., start : start + chunk]
        logits = multiply(rows, weight.mT)
        flat = logits.view(-1, logits.shape[-1])
        nll = cross_entropy_into(flat, wanted.reshape(-1), vocabulary, flat, 1.0 / tokens)
        parts.append(nll.view(wanted.shape))
        multiply(logits, weight, out=grad[..., start : start + chunk, :])
        product_into(logits.mT, rows, weight_grad, accumulate=start > 0)
    return row_sums(_whole(parts), scale=1.0 / tokens), grad
