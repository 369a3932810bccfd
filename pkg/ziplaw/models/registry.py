"""The model of a config."""

from __future__ import annotations

import torch

from .decoder import Decoder
from .lstm import Lstm
from .shape.decoder_config import ModelConfig
from .shape.lstm_config import LstmConfig


def build(config: ModelConfig | LstmConfig, device: torch.device, compute: torch.dtype, pad: int = 1) -> Decoder | Lstm:
    """Return the model of a config; an LSTM computes in float32 whatever ``compute`` is."""
    if isinstance(config, LstmConfig):
        return Lstm(config, device, pad=pad)
    return Decoder(config, device, compute=compute, pad=pad)
