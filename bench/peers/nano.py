"""A peer of nanoGPT's kind: the same decoder as plain torch modules, bf16 autocast, torch.compile of the whole model.

Its habits are that family's (one product for q, k and v, scaled_dot_product_attention, fused AdamW, the loss inside the
compiled module); the decoder is ours, so that both train the same model from the same weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ziplaw.kernels.reference import EPSILON
from ziplaw.models.decoder import Decoder
from ziplaw.models.flat import shifted
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.recipe.recipe import TrainConfig

from .loop import Loop


def turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions of (B, heads, S, d): features 2j and 2j + 1 turn by the angles of (S, d / 2)."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


class Block(nn.Module):
    """Attention and SwiGLU, each behind a norm and added to the residual stream."""

    def __init__(self, c: ModelConfig):
        super().__init__()
        self.heads = c.heads
        self.attention_norm, self.mlp_norm = nn.RMSNorm(c.hidden, EPSILON), nn.RMSNorm(c.hidden, EPSILON)
        self.qkv = nn.Linear(c.hidden, 3 * c.hidden, bias=False)
        self.out = nn.Linear(c.hidden, c.hidden, bias=False)
        self.gate_up = nn.Linear(c.hidden, 2 * c.intermediate, bias=False)
        self.down = nn.Linear(c.intermediate, c.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Shape (B, S, hidden) in and out."""
        q, k, v = self.qkv(self.attention_norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        cos, sin = cos.to(q.dtype), sin.to(q.dtype)
        mixed = F.scaled_dot_product_attention(turned(q, cos, sin), turned(k, cos, sin), v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(-2))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class NanoDecoder(nn.Module):
    """The decoder with its loss; parameters bear the names of ours."""

    def __init__(self, c: ModelConfig):
        super().__init__()
        self.embedding = nn.Embedding(c.vocab_size, c.hidden)
        self.layers = nn.ModuleList(Block(c) for _ in range(c.layers))
        self.final_norm = nn.RMSNorm(c.hidden, EPSILON)
        self.head = nn.Linear(c.hidden, c.vocab_size, bias=False)
        angle = torch.arange(c.context)[:, None] / 10_000 ** (torch.arange(0, c.head_width, 2) / c.head_width)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(self, targets: Tensor) -> Tensor:
        """Mean cross-entropy of documents, int64 (B, S), nats per token."""
        x = self.embedding(shifted(targets))
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        return F.cross_entropy(self.head(self.final_norm(x)).flatten(0, 1).float(), targets.flatten())


def peer(model: Decoder, config: TrainConfig, half: torch.dtype | None = None, compile_as: dict | None = None) -> Loop:
    """The usual loop around the module; parameters as of :func:`peers.llama.peer`."""
    c = model.config
    with model.flat.device:
        nano = NanoDecoder(c).to(model.flat.dtype)
    state = {}
    for name, value in model.parameters.items():
        # our rows of padding are not the peer's
        rows = value[: c.vocab_size] if name in ("embedding", "head") else value
        state[name.replace("layer", "layers.", 1) + ".weight"] = rows
    nano.load_state_dict(state)
    call = nano if compile_as is None else torch.compile(nano, **compile_as)
    return Loop(nano, call, config, c.hidden, half)
