"""The decoder as a plain function of textbook operations, for autograd in float64: the twin of ziplaw.models.decoder.Decoder."""

import torch
from torch.nn import functional as F


def rms_norm(x, weight, epsilon=1e-5):
    return weight * x / torch.sqrt((x * x).mean(-1, keepdim=True) + epsilon)


def rotate(x, base=10_000.0):
    """(B, H, S, d): features 2j and 2j+1 turn by t * base^(-2j/d)."""
    positions, width = x.shape[-2:]
    out = torch.empty_like(x)
    for j in range(width // 2):
        angle = torch.arange(positions, dtype=x.dtype) * base ** (-2 * j / width)
        even, odd = x[..., 2 * j], x[..., 2 * j + 1]
        out[..., 2 * j] = even * angle.cos() - odd * angle.sin()
        out[..., 2 * j + 1] = even * angle.sin() + odd * angle.cos()
    return out


def logits(config, p, inputs):
    """p maps parameter names to tensors; inputs (B, S); returns (B, S, V)."""
    documents, positions = inputs.shape
    x = p["embedding"][inputs]
    mask = torch.full((positions, positions), -torch.inf, dtype=x.dtype).triu(1)
    for i in range(config.layers):
        qkv = rms_norm(x, p[f"layer{i}.attention_norm"]) @ p[f"layer{i}.qkv"].T
        q, k, v = qkv.view(documents, positions, 3, config.heads, config.head_width).permute(2, 0, 3, 1, 4)
        scores = rotate(q) @ rotate(k).transpose(-1, -2) / config.head_width**0.5 + mask
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(documents, positions, config.hidden)
        x = x + mixed @ p[f"layer{i}.out"].T
        gate, up = (rms_norm(x, p[f"layer{i}.mlp_norm"]) @ p[f"layer{i}.gate_up"].T).chunk(2, -1)
        x = x + (F.silu(gate) * up) @ p[f"layer{i}.down"].T
    return rms_norm(x, p["final_norm"]) @ p["head"].T


def loss(config, p, inputs, targets):
    return F.cross_entropy(logits(config, p, inputs).flatten(0, 1), targets.flatten())
