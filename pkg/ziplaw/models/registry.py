"""The architectures by name: their configs and their models."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import TrainError
from .decoder import Decoder, ModelConfig
from .lstm import Lstm, LstmConfig

ARCHITECTURES = ("llama", "lstm")


def make_config(architecture: str = "llama", **shape: Any) -> ModelConfig | LstmConfig:
    """Return the config of a model by the name of its architecture.

    Parameters
    ----------
    architecture : {"llama", "lstm"}
    **shape
        hidden, layers, vocab_size, context; heads and intermediate (llama only). None means left out.

    Raises
    ------
    TrainError
        When the name is not known, or the shape has what the architecture has not.
    """
    if architecture not in ARCHITECTURES:
        raise TrainError(f"architecture is {architecture!r}, must be one of {', '.join(ARCHITECTURES)}")
    shape = {key: value for key, value in shape.items() if value is not None}
    if architecture == "llama":
        return ModelConfig(**shape)
    for key in ("heads", "intermediate"):
        if key in shape:
            raise TrainError(f"{key} is {shape[key]}, but an LSTM has none: leave it out")
    return LstmConfig(**shape)


def build(config: ModelConfig | LstmConfig, device: torch.device, compute: torch.dtype, pad: int = 1) -> Decoder | Lstm:
    """Return the model of a config; an LSTM computes in float32 whatever ``compute`` is."""
    if isinstance(config, LstmConfig):
        return Lstm(config, device, pad=pad)
    return Decoder(config, device, compute=compute, pad=pad)
