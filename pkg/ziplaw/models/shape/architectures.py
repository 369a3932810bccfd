"""The architectures by name, and their configs."""

from __future__ import annotations

from typing import Any

from ...errors import TrainError
from .decoder_config import ModelConfig
from .lstm_config import LstmConfig

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
