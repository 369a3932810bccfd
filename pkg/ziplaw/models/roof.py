"""The least time of a training step on a GPU, by calculation: arithmetic or memory traffic, which is more."""

from __future__ import annotations

from dataclasses import dataclass

from .shape.counts import count_params
from .shape.decoder_config import ModelConfig
from .shape.flops import training_flops_per_token

# gradient written and read twice, three fp32 states read and written, group, bf16 copy written, and read twice
OPTIMISER_BYTES = 4 * 3 + 8 * 3 + 1 + 2 + 4


@dataclass(frozen=True)
class Roof:
    """Rates that a device reaches in practice.

    Attributes
    ----------
    name : str
    flops : float
        bf16 FLOP/s of a large matrix product.
    bandwidth : float
        Bytes read and written a second.
    """

    name: str
    flops: float
    bandwidth: float


# measured on one, and what all percentages of a roof refer to unless a bench measured its own device
H100 = Roof("H100", 800e12, 3.0e12)


def bytes_per_step(config: ModelConfig, documents: int, item: int = 2) -> int:
    """Bytes that one step reads and writes at least, with the kernels' fusions and nothing kept in cache between them.

    Parameters
    ----------
    config : ModelConfig
    documents : int
        Documents a step.
    item : int
        Bytes of an activation.

    Returns
    -------
    int
        T (layers (64 h + 17 I) + 5 V + 14 h) item + 43 n: a layer's products, norms, rotations, attention and
        SwiGLU read and write 26 h + 6 I numbers a token forward and 38 h + 11 I backward; logits are written once
        and passed over four times; and the optimiser's traffic for every parameter.
    """
    h, m = config.hidden, config.intermediate
    per_token = config.layers * (64 * h + 17 * m) + 5 * config.vocab_size + 14 * h
    return documents * config.context * per_token * item + OPTIMISER_BYTES * count_params(config).N_total


def least_seconds(config: ModelConfig, documents: int, roof: Roof = H100) -> tuple[float, float]:
    """Return the seconds that arithmetic takes and those that memory takes; the roof is the larger."""
    flops = training_flops_per_token(config) * documents * config.context
    return flops / roof.flops, bytes_per_step(config, documents) / roof.bandwidth
