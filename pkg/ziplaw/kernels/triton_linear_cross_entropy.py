"""The output head and its cross-entropy without all logits at once: products by cuBLAS, rows by the Triton kernel.

The number of chunks depends on the size of the logits alone, not on the width: narrow models with a large vocabulary
get few, large products. The head's gradient is summed in fp32.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .triton_cross_entropy import cross_entropy_into

LOGITS_BYTES = 256 << 20


def default_chunk(tokens: int, vocabulary: int, item_bytes: int) -> int:
    """Rows of logits held at once: a power of two of at most LOGITS_BYTES, at least 128."""
    rows = max(128, LOGITS_BYTES // (vocabulary * item_bytes))
    return min(tokens, 1 << (rows.bit_length() - 1))


def _add_product(out: Tensor, left: Tensor, right: Tensor, first: bool) -> None:
    if left.dtype == out.dtype:
        torch.addmm(out, left, right, beta=float(not first), out=out)
        return
    if out.device.type == "cuda":
        product = torch.mm(left, right, out_dtype=out.dtype)
    else:
        product = left.to(out.dtype) @ right.to(out.dtype)
    out.copy_(product) if first else out.add_(product)


def linear_cross_entropy_loss(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int, chunk: int | None = None
) -> Tensor:
    """See :func:`ziplaw.kernels.reference.linear_cross_entropy_loss`; losses fp32."""
    head = weight[:vocabulary].t()
    chunk = chunk or default_chunk(x.shape[0], vocabulary, x.element_size())
    parts = []
    for start in range(0, x.shape[0], chunk):
        logits = x[start : start + chunk] @ head
        parts.append(cross_entropy_into(logits, targets[start : start + chunk], vocabulary, logits))
    return torch.cat(parts)


def linear_cross_entropy_backward(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int, weight_grad: Tensor, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """See :func:`ziplaw.kernels.reference.linear_cross_entropy_backward`; ``weight_grad`` may be fp32."""
    tokens = x.shape[0]
    head, head_grad = weight[:vocabulary], weight_grad[:vocabulary]
    chunk = chunk or default_chunk(tokens, vocabulary, x.element_size())
    grad = torch.empty_like(x)
    parts = []
    for start in range(0, tokens, chunk):
        rows = x[start : start + chunk]
        logits = rows @ head.t()
        parts.append(cross_entropy_into(logits, targets[start : start + chunk], vocabulary, logits, 1.0 / tokens))
        torch.mm(logits, head, out=grad[start : start + chunk])
        _add_product(head_grad, logits.t(), rows, start == 0)
    return torch.cat(parts).mean(), grad
