"""The Llama-style decoder's shape: width, layers, heads, and the tensors that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...base import limits
from ...errors import TrainError
from .counts import Layout, whole

HEAD_WIDTH = 64


def default_heads(hidden: int) -> int:
    """Heads for a width: round(hidden / 64), at least 1, lowered until it divides hidden into even widths.

    64 -> 1, 128 -> 2, 2048 -> 32 heads of 64; below 96 one head of the full width; 96 -> 2 heads of 48.
    """
    heads = max(1, math.floor(hidden / HEAD_WIDTH + 0.5))
    while heads > 1 and not limits.even_heads(hidden, heads):
        heads -= 1
    return heads


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a decoder.

    Parameters
    ----------
    hidden : int
        Width, even.
    layers : int
    vocab_size : int
        Token ids 0..vocab_size-1 (0 is the separator).
    heads : int, optional
        By default :func:`default_heads`.
    intermediate : int, optional
        Width of the SwiGLU, by default 2 * hidden.
    context : int
        Tokens a document.

    Raises
    ------
    TrainError
        When a number is out of range, hidden is odd, or heads do not divide hidden into even widths.
    """

    hidden: int
    layers: int
    vocab_size: int
    # None when given, numbers from then on
    heads: int = None  # type: ignore[assignment]
    intermediate: int = None  # type: ignore[assignment]
    context: int = 256

    def __post_init__(self) -> None:
        whole("hidden", self.hidden, 2, limits.HIDDEN[1], "choose an even width such as 64")
        if self.hidden % 2:
            raise TrainError(f"hidden is {self.hidden}, rotary positions need an even width: use {self.hidden + 1}")
        whole("layers", self.layers, *limits.LAYERS, "choose at least one layer")
        whole("vocab_size", self.vocab_size, 2, 1 << 31, "use the corpus's own vocabulary size")
        whole("context", self.context, 1, limits.CONTEXT[1], "use the corpus's document length")
        if self.heads is None:
            object.__setattr__(self, "heads", default_heads(self.hidden))
        if self.intermediate is None:
            object.__setattr__(self, "intermediate", 2 * self.hidden)
        whole("intermediate", self.intermediate, 1, 1 << 22, "leave it out for 2 * hidden")
        whole("heads", self.heads, 1, self.hidden // 2, "leave it out for heads of width 64")
        if not limits.even_heads(self.hidden, self.heads):
            raise TrainError(
                f"heads is {self.heads}, which does not divide hidden {self.hidden} into even head widths: "
                f"use {default_heads(self.hidden)}"
            )

    @property
    def head_width(self) -> int:
        """Features a head, hidden / heads."""
        return self.hidden // self.heads

    @property
    def architecture(self) -> str:
        """Name of the architecture."""
        return "llama"

    def layout(self, pad: int = 1) -> Layout:
        """See :func:`parameter_layout`."""
        return parameter_layout(self, pad)

    def to_dict(self) -> dict[str, int]:
        """Return the six numbers as a dict, in the names of run.json."""
        return {
            "hidden": self.hidden,
            "layers": self.layers,
            "heads": self.heads,
            "intermediate": self.intermediate,
            "vocab_size": self.vocab_size,
            "context": self.context,
        }


# name, shape, group of every tensor; groups decide learning-rate scale, weight decay and counting
def parameter_layout(config: ModelConfig, pad: int = 1) -> Layout:
    """Names, shapes and groups (of :data:`GROUPS`) of all tensors, in flat-buffer order.

    The vocabulary is rounded up to a multiple of ``pad``.
    """
    h, m = config.hidden, config.intermediate
    entries = -(-config.vocab_size // pad) * pad
    layout: Layout = [("embedding", (entries, h), "embedding")]
    for i in range(config.layers):
        layout += [(f"layer{i}.attention_norm", (h,), "norms"), (f"layer{i}.mlp_norm", (h,), "norms")]
    layout.append(("final_norm", (h,), "norms"))
    for i in range(config.layers):
        layout += [
            (f"layer{i}.qkv", (3 * h, h), "attention"),
            (f"layer{i}.out", (h, h), "attention"),
            (f"layer{i}.gate_up", (2 * m, h), "mlp"),
            (f"layer{i}.down", (h, m), "mlp"),
        ]
    layout.append(("head", (entries, h), "head"))
    return layout
