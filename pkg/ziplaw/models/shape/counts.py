"""Parameters of a model by group, counted from its layout, and the check of a whole number of its shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ...errors import TrainError, shown

# parameters of a group share their factors on learning rate and weight decay, and are counted together
GROUPS = ("embedding", "head", "attention", "mlp", "norms", "recurrent", "biases")
Layout = list[tuple[str, tuple[int, ...], str]]


@dataclass(frozen=True)
class ParamCount:
    """Parameters by group; ``N`` leaves out embedding and head, ``N_total`` counts everything."""

    embedding: int = 0
    head: int = 0
    attention: int = 0
    mlp: int = 0
    norms: int = 0
    recurrent: int = 0
    biases: int = 0

    @property
    def N(self) -> int:
        """Non-embedding parameters: attention, SwiGLU and norms; of an LSTM its matrices and biases."""
        return self.attention + self.mlp + self.norms + self.recurrent + self.biases

    @property
    def N_total(self) -> int:
        """All parameters, embedding and output head included."""
        return self.N + self.embedding + self.head


def count_params(config: Any) -> ParamCount:
    """Count parameters of a model's config by group; padding of the vocabulary, if any, is not counted.

    A decoder has N = layers * (4 h^2 + 3 h * intermediate) + (2 layers + 1) h, an LSTM N = layers * (8 h^2 + 4 h).
    """
    totals = dict.fromkeys(GROUPS, 0)
    for _, shape, group in config.layout():
        totals[group] += math.prod(shape)
    return ParamCount(**totals)


def whole(name: str, value: object, low: int, high: int, remedy: str) -> int:
    """Check a whole number of a model's shape.

    Raises
    ------
    TrainError
        When it is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise TrainError(f"{name} is {shown(value)}, must be a whole number from {low} to {high}: {remedy}")
    return value
