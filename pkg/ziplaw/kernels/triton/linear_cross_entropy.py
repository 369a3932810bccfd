"""The output head and its cross-entropy without all logits at once: products by cuBLAS, rows by the Triton kernel.

The number of chunks depends on the size of the logits alone, not on the width: narrow models with a large vocabulary
get few, large products. The head's gradient is summed in fp32. Rows of the head past the vocabulary are padding, there
to make products of aligned sizes: they are multiplied, but get no probability, and so a gradient of zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..reference import default_chunk, product_into, wide_product
from .cross_entropy import cross_entropy_into
from .reduce import row_sums


def _whole(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def linear_cross_entropy_loss(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int, chunk: int | None = None
) -> Tensor:
    """See :func:`ziplaw.kernels.reference.linear_cross_entropy_loss`; logits and losses fp32."""
    chunk = chunk or default_chunk(x.shape[0], weight.shape[0], torch.float32.itemsize)
    parts = []
    for start in range(0, x.shape[0], chunk):
        logits = wide_product(x[start : start + chunk], weight.t())
        parts.append(cross_entropy_into(logits, targets[start : start + chunk], vocabulary, logits))
    return _whole(parts)


def linear_cross_entropy_backward(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int, weight_grad: Tensor, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """See :func:`ziplaw.kernels.reference.linear_cross_entropy_backward`.

    ``weight_grad`` may be fp32; its padded rows become 0.
    """
    tokens = x.shape[0]
    chunk = chunk or default_chunk(tokens, weight.shape[0], x.element_size())
    grad = torch.empty_like(x)
    parts = []
    for start in range(0, tokens, chunk):
        rows = x[start : start + chunk]
        logits = rows @ weight.t()
        parts.append(cross_entropy_into(logits, targets[start : start + chunk], vocabulary, logits, 1.0 / tokens))
        torch.mm(logits, weight, out=grad[start : start + chunk])
        product_into(logits.t(), rows, weight_grad, accumulate=start > 0)
    return row_sums(_whole(parts), scale=1.0 / tokens), grad
