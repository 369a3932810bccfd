"""Causal attention over rotated queries, keys and values, forward and backward without autograd.

All of it keeps the layout of the projections, (B, S, 3, H, d) in and (B*S, H*d) out: fused attention on a GPU works on
such tensors as they are, and writes such tensors, so nothing is copied on the way.

On a CPU: plain matrix products over blocks of 64 queries, so that keys in the future are never touched and the
backward pass reuses the probabilities instead of computing every exponential again (at 256 tokens this halves the
time of torch's fused CPU kernel). Elsewhere: torch's scaled_dot_product_attention.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

BLOCK = 64


@lru_cache(maxsize=8)
def _mask(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.full((size, size), -torch.inf, dtype=dtype, device=device).triu_(1)


# (B, S, H, d) -> (B*H, S, d), and back
def _by_head(x: Tensor) -> Tensor:
    return x.transpose(1, 2).reshape(-1, x.shape[1], x.shape[3])


def _by_token(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(0, (-1, heads)).transpose(1, 2)


def blocked_forward(qkv: Tensor, keep: bool = True) -> tuple[Tensor, list[Tensor]]:
    """Causal attention of scaled queries.

    Parameters
    ----------
    qkv : Tensor, shape (B, S, 3, H, d), contiguous
        Queries (already times d^-1/2), keys, values.
    keep : bool
        Keep the probabilities for the backward pass.

    Returns
    -------
    out : Tensor, shape (B*S, H*d)
    saved : list of Tensor
        Probabilities, one (B*H, rows, keys) a block of queries.
    """
    _, positions, _, heads, width = qkv.shape
    query, key, value = map(_by_head, qkv.unbind(2))
    key = key.transpose(1, 2)
    saved, parts = [], []
    for start in range(0, positions, BLOCK):
        stop = min(start + BLOCK, positions)
        p = torch.bmm(query[:, start:stop], key[:, :, :stop])
        p[:, :, start:].add_(_mask(BLOCK, p.dtype, p.device)[: stop - start, : stop - start])
        torch.softmax(p, -1, out=p)
        parts.append(torch.bmm(p, value[:, :stop]))
        if keep:
            saved.append(p)
    out = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
    return _by_token(out, heads).reshape(-1, heads * width), saved


def blocked_backward(grad: Tensor, qkv: Tensor, saved: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of :func:`blocked_forward`, ``grad`` (B*S, H*d): of queries, keys and values, (B, S, H, d) each."""
    documents, positions, _, heads, width = qkv.shape
    query, key, value = map(_by_head, qkv.unbind(2))
    grad = _by_head(grad.view(documents, positions, heads, width))
    out = torch.empty((3, *query.shape), dtype=qkv.dtype, device=qkv.device)
    value = value.transpose(1, 2)
    # the last block of queries sees every key, so it fills the key and value gradients that the others add to
    for block in reversed(range(len(saved))):
        p = saved[block]
        start, stop = block * BLOCK, p.shape[2]
        rows = grad[:, start:stop]
        dp = torch.bmm(rows, value[:, :, :stop])
        torch._softmax_backward_data(dp, p, -1, p.dtype, grad_input=dp)
        out[0, :, start:stop] = torch.bmm(dp, key[:, :stop])
        if stop == positions:
            torch.bmm(dp.transpose(1, 2), query[:, start:stop], out=out[1])
            torch.bmm(p.transpose(1, 2), rows, out=out[2])
        else:
            out[1, :, :stop].add_(torch.bmm(dp.transpose(1, 2), query[:, start:stop]))
            out[2, :, :stop].add_(torch.bmm(p.transpose(1, 2), rows))
    query_grad, key_grad, value_grad = (_by_token(part, heads) for part in out)
    return query_grad, key_grad, value_grad


def sdpa_forward(qkv: Tensor, keep: bool = True) -> tuple[Tensor, tuple]:
    """Like :func:`blocked_forward` by torch's fused attention; ``saved`` is a local autograd graph."""
    with torch.set_grad_enabled(keep):
        leaves = [part.transpose(1, 2).detach().requires_grad_(keep) for part in qkv.unbind(2)]
        query, key, value = leaves
        out = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=1.0)
    return out.detach().transpose(1, 2).reshape(-1, qkv.shape[3] * qkv.shape[4]), (leaves, out)


def sdpa_backward(grad: Tensor, qkv: Tensor, saved: tuple) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of :func:`sdpa_forward`, ``grad`` (B*S, H*d): of queries, keys and values, (B, S, H, d) each."""
    leaves, out = saved
    documents, positions, _, heads, width = qkv.shape
    grad = grad.view(documents, positions, heads, width).transpose(1, 2)
    query_grad, key_grad, value_grad = torch.autograd.grad(out, leaves, grad)
    return query_grad.transpose(1, 2), key_grad.transpose(1, 2), value_grad.transpose(1, 2)
