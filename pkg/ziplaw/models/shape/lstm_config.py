"""The LSTM's shape: width and layers, and the tensors and products that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

from ...base import limits
from .counts import Layout, whole


@dataclass(frozen=True)
class LstmConfig:
    """The shape of an LSTM.

    Parameters
    ----------
    hidden : int
        Width of embedding and states.
    layers : int
    vocab_size : int
        Token ids 0..vocab_size-1 (0 is the separator).
    context : int
        Tokens a document.

    Raises
    ------
    TrainError
        When a number is out of range.
    """

    hidden: int
    layers: int
    vocab_size: int
    context: int = 256

    def __post_init__(self) -> None:
        whole("hidden", self.hidden, *limits.HIDDEN, "choose a width such as 64")
        whole("layers", self.layers, *limits.LAYERS, "choose at least one layer")
        whole("vocab_size", self.vocab_size, 2, 1 << 31, "use the corpus's own vocabulary size")
        whole("context", self.context, 1, limits.CONTEXT[1], "use the corpus's document length")

    @property
    def architecture(self) -> str:
        """Name of the architecture."""
        return "lstm"

    def layout(self, pad: int = 1) -> Layout:
        """Names, shapes, groups of all tensors in flat-buffer order; the vocabulary padded to a multiple of ``pad``.

        Rows of the matrices are gates in torch's order: input, forget, cell, output.
        """
        h = self.hidden
        entries = -(-self.vocab_size // pad) * pad
        layout: Layout = [("embedding", (entries, h), "embedding")]
        for i in range(self.layers):
            layout += [
                (f"layer{i}.input", (4 * h, h), "recurrent"),
                (f"layer{i}.state", (4 * h, h), "recurrent"),
                (f"layer{i}.bias", (4 * h,), "biases"),
            ]
        layout.append(("head", (entries, h), "head"))
        return layout

    def forward_flops(self) -> dict[str, int]:
        """FLOPs of the forward pass a token by part: 2 * 8 h^2 a layer for both products, 2 h V for the head."""
        h = self.hidden
        return {"recurrent": 16 * h * h * self.layers, "head": 2 * h * self.vocab_size}

    def activation_floats(self) -> int:
        """Numbers kept a token for the backward pass: embedding; gates, cells, their tanh, outputs by layer."""
        return self.hidden * (1 + 12 * self.layers)

    def to_dict(self) -> dict[str, object]:
        """Return the shape as a dict, in the names of run.json."""
        return {
            "architecture": self.architecture,
            "hidden": self.hidden,
            "layers": self.layers,
            "vocab_size": self.vocab_size,
            "context": self.context,
        }
