"""Plain-torch kernels: the CPU path, and the oracle every Triton kernel is tested against.

Each op is a pair ``*_forward`` / ``*_backward`` of plain functions on tensors that need no autograd (the trainer
calls these and writes weight gradients straight into its flat buffer), and, for everyone else, one differentiable
function of the op's name built on that pair. The head is in :mod:`ziplaw.kernels.reference_head`, AdamW in
:mod:`ziplaw.kernels.reference_adamw`. Shapes: T tokens = B documents x S positions, h hidden, H heads of
width d, I intermediate, V vocabulary. Any floating dtype.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..base.elementary import exp, log, sin_cos
from ..errors import TrainError
from .products import HALF

EPSILON = 1e-5
ROPE_BASE = 10_000.0


# the gain of every row: of M models' gains (M, h) each serves T / M rows
def _for_rows(weight: Tensor, rows: int) -> Tensor:
    return weight if weight.dim() == 1 else weight.repeat_interleave(rows // len(weight), 0)


def rms_norm_forward(
    x: Tensor, weight: Tensor, residual: Tensor | None = None, epsilon: float = EPSILON
) -> tuple[Tensor, Tensor, Tensor]:
    """Add a residual, then normalise rows by their root mean square: y = w * t / sqrt(mean(t^2) + epsilon), t = x + r.

    Parameters
    ----------
    x : Tensor, shape (T, h)
    weight : Tensor, shape (h,) or (M, h)
        Of M models side by side each has T / M rows.
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
    weight = _for_rows(weight, x.shape[0])
    total = x if residual is None else x + residual
    rstd = torch.linalg.vecdot(total, total).mul_(1.0 / x.shape[1]).add_(epsilon).rsqrt_()
    return total * rstd.unsqueeze(1) * weight, total, rstd


def rms_norm_backward(
    grad: Tensor, total: Tensor, rstd: Tensor, weight: Tensor, share: Tensor, total_grad: Tensor | None = None
) -> Tensor:
    """Gradient of :func:`rms_norm_forward` with respect to x (and the residual); fills one of :func:`norm_shares`.

    dt = total_grad + rstd * (g*w - n * mean(g*w*n)) with n = t * rstd; dw = sum over tokens of g*n. ``total_grad``,
    (T, h), is what else flows back into t: the residual stream's own gradient.
    """
    if total.dtype in HALF:
        wide = None if total_grad is None else total_grad.float()
        return rms_norm_backward(grad.float(), total.float(), rstd.float(), weight.float(), share, wide).to(total.dtype)
    weight = _for_rows(weight, len(total))
    rstd = rstd.unsqueeze(1)
    normed = total * rstd
    torch.sum((grad * normed).unflatten(0, (len(share), -1)), 1, keepdim=True, out=share)
    scaled = grad * weight
    inner = torch.linalg.vecdot(scaled, normed).unsqueeze(1).mul_(-1.0 / normed.shape[1])
    scaled.addcmul_(normed, inner)
    return scaled.mul_(rstd) if total_grad is None else torch.addcmul(total_grad, scaled, rstd)


def norm_shares(count: int, rows: int, weight: Tensor) -> Tensor:
    """Room for what ``count`` norms of ``rows`` rows leave of their gains' gradients.

    Returns
    -------
    Tensor, shape (count, M, blocks, h)
        Of gains (M, h) or (h,); fp32, or of their dtype if that is wider. How many blocks is the kernel's affair.
    """
    models = 1 if weight.dim() == 1 else len(weight)
    dtype = torch.promote_types(weight.dtype, torch.float32)
    return torch.empty((count, models, 1, weight.shape[-1]), dtype=dtype, device=weight.device)


def add_norm_shares(shares: Tensor, places: Tensor, flat_grad: Tensor) -> None:
    """Write the gains' gradients, the sums of their shares, into flat gradients.

    Parameters
    ----------
    shares : Tensor, shape (K, M, blocks, h)
        From :func:`norm_shares`, filled.
    places : Tensor, int64, shape (K,)
        Where the gradient of each gain begins in the buffer of a model.
    flat_grad : Tensor, shape (n,) or (M, n)
    """
    columns = places.unsqueeze(1) + torch.arange(shares.shape[-1], device=places.device)
    sums = shares.sum(2).transpose(0, 1).flatten(1).to(flat_grad.dtype)
    flat_grad.view(len(sums), -1).index_copy_(1, columns.view(-1), sums)


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
    """Rotate queries and keys; the layout stays the projection's, which is what attention reads without a copy.

    Parameters
    ----------
    qkv : Tensor, shape (B, S, 3*h)
        Output of the fused projection: queries, keys, values, each H heads of width d.
    table : Tensor, complex, shape (3, S, d/2)
        From :func:`rope_table`.
    heads : int

    Returns
    -------
    Tensor, shape (B, S, 3, H, d)
        Contiguous; queries carry the attention scale if the table does.
    """
    if qkv.dtype in HALF:
        return rope_forward(qkv.float(), table, heads).to(qkv.dtype)
    documents, positions, width = qkv.shape
    turned = torch.view_as_complex(qkv.view(documents, positions, 3, heads, width // (6 * heads), 2))
    return torch.view_as_real(turned * table.transpose(0, 1)[:, :, None]).flatten(4)


def rope_backward(query_grad: Tensor, key_grad: Tensor, value_grad: Tensor, table: Tensor) -> Tensor:
    """Gradient of :func:`rope_forward`, a rotation by the conjugate: three of (B, S, H, d) to (B, S, 3*h)."""
    grad = torch.stack([query_grad, key_grad, value_grad], 2)
    wide = grad.float() if grad.dtype in HALF else grad
    turned = torch.view_as_complex(wide.unflatten(-1, (-1, 2)))
    return torch.view_as_real(turned * table.conj().transpose(0, 1)[:, :, None]).flatten(2).to(grad.dtype)


def swiglu_forward(gate_up: Tensor) -> Tensor:
    """silu(gate) * up of a fused projection (T, 2*I), gate in the first half, up in the second; returns (T, I)."""
    gate, up = gate_up.chunk(2, -1)
    return torch.nn.functional.silu(gate) * up


def swiglu_backward(grad: Tensor, gate_up: Tensor) -> Tensor:
    """Gradient of :func:`swiglu_forward`: (T, I) to (T, 2*I); silu is computed again, not kept."""
    gate, up = gate_up.chunk(2, -1)
    gate_grad = torch.ops.aten.silu_backward(grad * up, gate)
    return torch.cat([gate_grad, grad * torch.nn.functional.silu(gate)], -1)


def embed(tokens: Tensor, weight: Tensor, shift: bool = True) -> tuple[Tensor, Tensor]:
    """Look up tokens, or with ``shift`` those that come before them.

    Parameters
    ----------
    tokens : Tensor, int64, shape (B, S)
        Documents; of M models side by side those of the first model first.
    weight : Tensor, shape (Vp, h) or (M, Vp, h)
    shift : bool
        Move every document behind a separator, token 0, so that every token is predicted.

    Returns
    -------
    x : Tensor, shape (B*S, h)
    entries : Tensor, integers, shape (B*S,)
        The row of each in all embeddings, one below the other.
    """
    inputs = torch.nn.functional.pad(tokens[:, :-1], (1, 0)) if shift else tokens
    if weight.dim() == 2:
        inputs = inputs.reshape(-1)
        return torch.index_select(weight, 0, inputs), inputs
    model = torch.arange(len(weight), device=tokens.device).unsqueeze(1)
    inputs = inputs.reshape(len(weight), -1)
    return weight[model, inputs].flatten(0, 1), (inputs + model * weight.shape[1]).view(-1)


def embedding_order(entries: Tensor, count: int) -> tuple[Tensor, ...]:
    """What :func:`embedding_backward` wants to know of the entries (T,), 0 to count - 1; it needs no gradient."""
    return (entries,)


def embedding_backward(grad: Tensor, order: tuple[Tensor, ...], weight_grad: Tensor) -> None:
    """Sum token gradients (T, h) into the rows of ``weight_grad``, (Vp, h) or (M, Vp, h), in token order."""
    (entries,) = order
    if weight_grad.dim() == 2:
        weight_grad.zero_().index_add_(0, entries, grad.to(weight_grad.dtype))
    else:
        by_entry = weight_grad.new_zeros((len(weight_grad) * weight_grad.shape[1], grad.shape[1]))
        weight_grad.copy_(by_entry.index_add_(0, entries, grad.to(by_entry.dtype)).view(weight_grad.shape))


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
