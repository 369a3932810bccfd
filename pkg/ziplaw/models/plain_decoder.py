"""The decoder as a plain function of textbook operations: what the fast passes compute, for reading, and for autograd.

The hand-written passes of :mod:`ziplaw.models.decoder` and :mod:`ziplaw.models.decoder_stack` are tested against this
one in float64, and the compiled core (``ext/src/decoder``) in its float32.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from .flat import shifted
from .shape.decoder_config import ModelConfig


def rms_norm(x: Tensor, weight: Tensor, epsilon: float = 1e-5) -> Tensor:
    """W x / sqrt(mean(x^2) + epsilon) over the last axis."""
    return weight * x / torch.sqrt((x * x).mean(-1, keepdim=True) + epsilon)


def rotate(x: Tensor, base: float = 10_000.0) -> Tensor:
    """Rotary positions of (B, heads, S, d): features 2j and 2j+1 turn by the angle t base^(-2j/d) at position t."""
    positions, width = x.shape[-2:]
    frequency = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angle = (torch.arange(positions, dtype=torch.float64)[:, None] * frequency).to(x.device)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


def logits(config: ModelConfig, p: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
    """Unnormalised log-probabilities of the next token.

    Parameters
    ----------
    config : ModelConfig
    p : mapping of str to Tensor
        The parameters by name, see :func:`ziplaw.models.decoder.parameter_layout`.
    inputs : Tensor, int64, shape (B, S)

    Returns
    -------
    Tensor, shape (B, S, V)
    """
    B, S = inputs.shape
    x = p["embedding"][inputs]
    future = torch.full((S, S), -torch.inf, dtype=x.dtype, device=x.device).triu(1)
    for i in range(config.layers):
        # causal self-attention
        qkv = rms_norm(x, p[f"layer{i}.attention_norm"]) @ p[f"layer{i}.qkv"].T
        q, k, v = qkv.view(B, S, 3, config.heads, config.head_width).permute(2, 0, 3, 1, 4)
        scores = rotate(q) @ rotate(k).transpose(-1, -2) / config.head_width**0.5 + future
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, S, config.hidden)
        x = x + mixed @ p[f"layer{i}.out"].T
        # SwiGLU
        gate, up = (rms_norm(x, p[f"layer{i}.mlp_norm"]) @ p[f"layer{i}.gate_up"].T).chunk(2, -1)
        x = x + (F.silu(gate) * up) @ p[f"layer{i}.down"].T
    return rms_norm(x, p["final_norm"]) @ p["head"].T


def token_losses(config: ModelConfig, p: Mapping[str, Tensor], targets: Tensor) -> Tensor:
    """-ln p of every token of documents (B, S) given those before it, behind a separator; nats, same shape."""
    return F.cross_entropy(logits(config, p, shifted(targets)).transpose(1, 2), targets, reduction="none")
