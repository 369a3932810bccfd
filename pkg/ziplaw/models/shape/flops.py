"""Exact training FLOPs of a model, and the 6ND rule beside them.

A multiply-add counts as two. Counted: the four projections and the SwiGLU, scores and weighted values of causal
attention (only the positions a query may see), the output head; of an LSTM the products with inputs and states. Not
counted: norms, biases, gates, softmax, rotations, embedding look-up, optimiser. The backward pass costs twice the
forward pass. Padding of the vocabulary is not counted.
"""

from __future__ import annotations

from .counts import count_params
from .decoder_config import ModelConfig
from .lstm_config import LstmConfig


def forward_flops_per_token(config: ModelConfig | LstmConfig) -> dict[str, int]:
    """FLOPs of the forward pass by part, mean over the positions of a document.

    Per token: 2 * 4 h^2 (attention projections) + 2 * 3 h I (SwiGLU) + 2 h (S + 1) (a query at position t sees t + 1
    keys, twice h multiply-adds each) per layer, and 2 h V for the head.
    An LSTM has 2 * 8 h^2 a layer and the same head.
    """
    if isinstance(config, LstmConfig):
        return config.forward_flops()
    h, layers = config.hidden, config.layers
    return {
        "projections": 8 * h * h * layers,
        "attention": 2 * h * (config.context + 1) * layers,
        "mlp": 6 * h * config.intermediate * layers,
        "head": 2 * h * config.vocab_size,
    }


def training_flops_per_token(config: ModelConfig | LstmConfig) -> int:
    """Training FLOPs a token, forward and backward: 3 x the forward pass."""
    return 3 * sum(forward_flops_per_token(config).values())


def six_nd(config: ModelConfig | LstmConfig, tokens: int) -> int:
    """C = 6 N D with N the non-embedding parameters (Kaplan et al. 2020)."""
    return 6 * count_params(config).N * tokens
