"""Plain-torch kernels: the CPU path, and the oracle every Triton kernel is tested against.

Each op is a pair ``*_forward`` / ``*_backward`` of plain functions on tensors that need no autograd (the trainer
calls these and writes weight gradients straight into its flat buffer), and, for everyone else, one differentiable
function of the op's name built on that pair. Shapes: T tokens = B documents x S positions, h hidden, H heads of
width d, I intermediate, V vocabulary. Any floating dtype.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..base.elementary import exp, log, sin_cos
from ..errors import TrainError

EPSILON = 1e-5
ROPE_BASE = 10_000.0
# rows of logits held at once: 256 x 301 floats stay in a 512 KiB cache
HEAD_CHUNK = 256
LOGITS_BYTES = 256 << 20
# norms and rotations are computed in float32 for these
HALF = (torch.bfloat16, torch.float16)


def rms_norm_forward(
    x: Tensor, weight: Tensor, residual: Tensor | None = None, epsilon: float = EPSILON
) -> tuple[Tensor, Tensor, Tensor]:
    """Add a residual, then normalise rows by their root mean square: y = w * t / sqrt(mean(t^2) + epsilon), t = x + r.

    Parameters
    ----------
    x : Tensor, shape (T, h)
    weight : Tensor, shape (h,)
    residual : Tensor, shape (T, h), optional
    epsilon : float

    Returns
    -------
    y : Tensor, shape (T, h)
    total : Tensor, shape (T, h)
        x + residual, kept for the backward pass; x itself without a residual.
    rstd : Tensor, shape (T,)
        1 / sqrt(mean(t^2) + epsilon).
    """
    if x.dtype in HALF:
        wide = None if residual is None else residual.float()
        y, total, rstd = rms_norm_forward(x.float(), weight.float(), wide, epsilon)
        return y.to(x.dtype), x if residual is None else total.to(x.dtype), rstd
    total = x if residual is None else x + residual
    rstd = torch.linalg.vecdot(total, total).mul_(1.0 / x.shape[1]).add_(epsilon).rsqrt_()
    return total * rstd.unsqueeze(1) * weight, total, rstd


def rms_norm_backward(
    grad: Tensor, total: Tensor, rstd: Tensor, weight: Tensor, weight_grad: Tensor, total_grad: Tensor | None = None
) -> Tensor:
    """Gradient of :func:`rms_norm_forward` with respect to x (and the residual); fills ``weight_grad`` (h,).

    dt = total_grad + rstd * (g*w - n * mean(g*w*n)) with n = t * rstd; dw = sum over tokens of g*n. ``total_grad``,
    (T, h), is what else flows back into t: the residual stream's own gradient.
    """
    if total.dtype in HALF:
        wide = None if total_grad is None else total_grad.float()
        share = torch.empty_like(weight_grad, dtype=torch.float32)
        out = rms_norm_backward(grad.float(), total.float(), rstd.float(), weight.float(), share, wide)
        weight_grad.copy_(share)
        return out.to(total.dtype)
    rstd = rstd.unsqueeze(1)
    normed = total * rstd
    torch.sum(grad * normed, 0, out=weight_grad)
    scaled = grad * weight
    inner = torch.linalg.vecdot(scaled, normed).unsqueeze(1).mul_(-1.0 / normed.shape[1])
    scaled.addcmul_(normed, inner)
    return scaled.mul_(rstd) if total_grad is None else torch.addcmul(total_grad, scaled, rstd)


def rope_table(positions: int, width: int, *, scale_queries: bool = True, dtype: torch.dtype = torch.float32) -> Tensor:
    """Complex rotations for packed queries, keys and values.

    Parameters
    ----------
    positions : int
        Sequence length S.
    width : int
        Head width d, even. Adjacent features (2j, 2j+1) turn by the angle t * 10000^(-2j/d) at position t.
    scale_queries : bool
        Fold the attention scale d^-1/2 into the queries' rotations.
    dtype : torch.dtype
        The real dtype of the activations.

    Returns
    -------
    Tensor, complex, shape (3, S, d/2)
        Rows: queries, keys, values (all ones). Computed in float64 before rounding, alike on every machine.

    Raises
    ------
    TrainError
        When the head width is odd.
    """
    if width % 2:
        raise TrainError(f"head width is {width}, rotary positions need an even one: change hidden or heads")
    frequency = exp(-log(ROPE_BASE) * (np.arange(0, width, 2) / width))
    sin, cos = sin_cos(np.arange(positions)[:, None] * frequency)
    scale = 1.0 / np.sqrt(width) if scale_queries else 1.0
    parts = np.stack([cos * scale, cos, np.ones_like(cos)]), np.stack([sin * scale, sin, np.zeros_like(sin)])
    real, imaginary = (torch.from_numpy(part) for part in parts)
    return torch.complex(real, imaginary).to(torch.complex128 if dtype == torch.float64 else torch.complex64)


def rope_forward(qkv: Tensor, table: Tensor, heads: int) -> Tensor:
    """Rotate queries and keys and lay heads out for attention.

    Parameters
    ----------
    qkv : Tensor, shape (B, S, 3*h)
        Output of the fused projection: queries, keys, values, each H heads of width d.
    table : Tensor, complex, shape (3, S, d/2)
        From :func:`rope_table`.
    heads : int

    Returns
    -------
    Tensor, shape (3, B, H, S, d)
        Contiguous; queries carry the attention scale if the table does.
    """
    if qkv.dtype in HALF:
        return rope_forward(qkv.float(), table, heads).to(qkv.dtype)
    documents, positions, width = qkv.shape
    half = width // (6 * heads)
    turned = torch.view_as_complex(qkv.view(documents, positions, 3, heads, half, 2)).permute(2, 0, 3, 1, 4)
    out = torch.empty(turned.shape, dtype=turned.dtype, device=qkv.device)
    torch.mul(turned, table[:, None, None], out=out)
    return torch.view_as_real(out).flatten(4)


def rope_backward(grad: Tensor, table: Tensor) -> Tensor:
    """Gradient of :func:`rope_forward`: (3, B, H, S, d) back to (B, S, 3*h); a rotation by the conjugate."""
    if grad.dtype in HALF:
        return rope_backward(grad.float(), table).to(grad.dtype)
    _, documents, heads, positions, width = grad.shape
    turned = torch.view_as_complex(grad.view(*grad.shape[:-1], width // 2, 2))
    out = torch.empty((documents, positions, 3, heads, width // 2), dtype=turned.dtype, device=grad.device)
    torch.mul(turned, table.conj()[:, None, None], out=out.permute(2, 0, 3, 1, 4))
    return torch.view_as_real(out).view(documents, positions, 3 * heads * width)


def swiglu_forward(gate_up: Tensor) -> Tensor:
    """silu(gate) * up of a fused projection (T, 2*I), gate in the first half, up in the second; returns (T, I)."""
    gate, up = gate_up.chunk(2, -1)
    return torch.nn.functional.silu(gate) * up


def swiglu_backward(grad: Tensor, gate_up: Tensor) -> Tensor:
    """Gradient of :func:`swiglu_forward`: (T, I) to (T, 2*I); silu is computed again, not kept."""
    gate, up = gate_up.chunk(2, -1)
    gate_grad = torch.ops.aten.silu_backward(grad * up, gate)
    return torch.cat([gate_grad, grad * torch.nn.functional.silu(gate)], -1)


def cross_entropy_forward(logits: Tensor, targets: Tensor, vocabulary: int | None = None) -> tuple[Tensor, Tensor]:
    """Cross-entropy of rows of logits and its gradient, in one go.

    Parameters
    ----------
    logits : Tensor, shape (T, Vp)
        Columns from ``vocabulary`` on are padding: they get no probability and no gradient.
    targets : Tensor, int64, shape (T,)
        Negative targets are ignored: loss 0, gradient 0.
    vocabulary : int, optional
        V <= Vp.

    Returns
    -------
    nll : Tensor, shape (T,)
        -ln p(target), nats.
    grad : Tensor, shape (T, Vp)
        d nll / d logits = softmax(logits) - onehot(target).
    """
    vocabulary = logits.shape[1] if vocabulary is None else vocabulary
    ignored = targets < 0
    index = targets.clamp(min=0).unsqueeze(1)
    log_p = torch.log_softmax(logits[:, :vocabulary], -1)
    nll = log_p.gather(1, index).squeeze(1).neg().masked_fill_(ignored, 0.0)
    grad = torch.zeros_like(logits)
    torch.exp(log_p, out=grad[:, :vocabulary])
    grad.scatter_add_(1, index, -torch.ones_like(index, dtype=logits.dtype))
    return nll, grad.masked_fill_(ignored.unsqueeze(1), 0.0)


def default_chunk(tokens: int, vocabulary: int, item_bytes: int) -> int:
    """Rows of logits held at once on a GPU: a power of two of at most LOGITS_BYTES, at least 128; all if they fit."""
    rows = max(128, LOGITS_BYTES // (vocabulary * item_bytes))
    return min(tokens, 1 << (rows.bit_length() - 1))


def linear_cross_entropy_loss(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int, chunk: int = HEAD_CHUNK
) -> Tensor:
    """-ln p(target) of every token, never holding more than ``chunk`` rows of logits.

    Parameters
    ----------
    x : Tensor, shape (T, h)
    weight : Tensor, shape (Vp, h)
        The output head; rows from ``vocabulary`` on are padding and are never multiplied.
    targets : Tensor, int64, shape (T,)
        Negative targets are ignored: loss 0.
    vocabulary : int
    chunk : int

    Returns
    -------
    Tensor, shape (T,)
        Nats; of logits in fp32 where the factors are narrower: rounded to bf16 they would move losses by a percent.
    """
    head = weight[:vocabulary].t()
    parts = []
    for start in range(0, x.shape[0], chunk):
        log_p = torch.log_softmax(wide_product(x[start : start + chunk], head), -1)
        parts.append(log_p.gather(1, targets[start : start + chunk].clamp(min=0).unsqueeze(1)).squeeze(1))
    return torch.cat(parts).neg_().masked_fill_(targets < 0, 0.0)


def linear_cross_entropy_backward(
    x: Tensor, weight: Tensor, targets: Tensor, vocabulary: int, weight_grad: Tensor, chunk: int = HEAD_CHUNK
) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of a linear head and its gradients, never holding more than ``chunk`` rows of logits.

    Parameters
    ----------
    x : Tensor, shape (T, h)
    weight : Tensor, shape (Vp, h)
    targets : Tensor, int64, shape (T,)
        Each in 0..vocabulary-1; negative targets are ignored: loss 0, gradient 0, still counted by the mean.
    vocabulary : int
    weight_grad : Tensor, shape (Vp, h)
        Filled; rows from ``vocabulary`` on must be zero, and stay so.
    chunk : int

    Returns
    -------
    loss : Tensor, 0-dimensional
        Mean nats. A token's loss is capped where its probability underflows (87 nats in fp32); gradients are exact.
    grad : Tensor, shape (T, h)
        d loss / d x.
    """
    tokens = x.shape[0]
    head = weight[:vocabulary]
    head_grad = weight_grad[:vocabulary]
    grad = torch.empty_like(x)
    picked = x.new_empty((tokens, 1))
    minus = x.new_full((min(chunk, tokens), 1), -1.0)
    logits = x.new_empty((min(chunk, tokens), vocabulary))
    for start in range(0, tokens, chunk):
        rows = x[start : start + chunk]
        n = rows.shape[0]
        index = targets[start : start + chunk].unsqueeze(1)
        ignored = index < 0
        index = index.clamp(min=0)
        p = torch.mm(rows, head.t(), out=logits[:n])
        torch.softmax(p, -1, out=p)
        torch.gather(p, 1, index, out=picked[start : start + n])
        p.scatter_add_(1, index, minus[:n])
        p.masked_fill_(ignored, 0.0)
        # the mean's 1/T is applied by the products, not in a pass of its own over p
        out = grad[start : start + n]
        torch.addmm(out, p, head, beta=0.0, alpha=1.0 / tokens, out=out)
        if head_grad.dtype == x.dtype:
            torch.addmm(head_grad, p.t(), rows, beta=float(start > 0), alpha=1.0 / tokens, out=head_grad)
        else:
            product_into(p.t(), rows * (1.0 / tokens), head_grad, accumulate=start > 0)
    picked = picked.clamp_(min=torch.finfo(x.dtype).tiny).log_().masked_fill_((targets < 0).unsqueeze(1), 0.0)
    return picked.mean().neg_(), grad


def embedding_backward(grad: Tensor, tokens: Tensor, weight_grad: Tensor) -> None:
    """Sum token gradients (T, h) into the rows of ``weight_grad`` (Vp, h), in token order."""
    weight_grad.zero_().index_add_(0, tokens, grad.to(weight_grad.dtype))


def fetch_documents(documents: Tensor, order: Tensor, cursor: Tensor) -> Tensor:
    """Documents of the step at the cursor.

    Parameters
    ----------
    documents : Tensor, int16 or int32, shape (n, context)
        Token ids; int16 holds the bits of unsigned 16-bit ids.
    order : Tensor, int32, shape (steps, R)
        Documents of every step.
    cursor : Tensor, int64, shape (1,)
        Row of ``order``.

    Returns
    -------
    Tensor, int64, shape (R, context)
    """
    tokens = documents.index_select(0, order.index_select(0, cursor).view(-1)).long()
    return tokens.bitwise_and_(0xFFFF) if documents.dtype == torch.int16 else tokens


def record_step(cursor: Tensor, losses: Tensor, norms: Tensor, loss: Tensor, norm: Tensor) -> None:
    """Write ``loss`` and ``norm``, () or (M,), to row ``cursor`` of the logs (steps,) or (steps, M) and move it on."""
    losses.index_copy_(0, cursor, loss.unsqueeze(0).to(losses.dtype))
    norms.index_copy_(0, cursor, norm.unsqueeze(0).to(norms.dtype))
    cursor.add_(1)


def wide_product(left: Tensor, right: Tensor) -> Tensor:
    """Product (a, b) of (a, k) and (k, b) in fp32 where the factors are narrower, else in their own dtype."""
    if left.dtype not in HALF:
        return torch.mm(left, right)
    if left.device.type == "cuda":
        return torch.mm(left, right, out_dtype=torch.float32)
    return torch.mm(left.float(), right.float())


def product_into(left: Tensor, right: Tensor, out: Tensor, accumulate: bool = False) -> None:
    """Write (or add) ``left @ right`` into ``out``, which may be wider: fp32 gradients of bf16 operands."""
    if left.dtype == out.dtype:
        if accumulate:
            torch.addmm(out, left, right, out=out)
        else:
            torch.mm(left, right, out=out)
    elif left.device.type == "cpu":
        product = left.to(out.dtype) @ right.to(out.dtype)
        out.add_(product) if accumulate else out.copy_(product)
    elif accumulate:
        out.add_(torch.mm(left, right, out_dtype=out.dtype))
    else:
        torch.mm(left, right, out_dtype=out.dtype, out=out)
