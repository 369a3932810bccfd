"""Several decoders of one shape side by side: the passes of :mod:`ziplaw.models.decoder` with a leading model axis.

Products become batched products, and the operations by row (norms, rotations, attention, SwiGLU, cross-entropy) see the
documents of all models as one batch, so a narrow model no longer leaves a GPU waiting between kernels. The kernels know
which rows are whose: norms have a gain, and the cross-entropy a vocabulary, for each model. Vocabularies are padded to
the largest; padding gets no probability and no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from ..errors import TrainError
from .decoder import Decoder, DecoderPasses
from .shape.decoder_config import ModelConfig


def common_config(configs: Sequence[ModelConfig]) -> ModelConfig:
    """Return the shape of several decoders, with the largest vocabulary.

    Raises
    ------
    TrainError
        When they differ in more than the vocabulary, or are no decoders.
    """
    shapes = {replace(c, vocab_size=2) if isinstance(c, ModelConfig) else c for c in configs}
    if len(shapes) != 1 or not isinstance(configs[0], ModelConfig):
        raise TrainError(f"models of {len(shapes)} shapes cannot train side by side: give decoders of one size")
    return max(configs, key=lambda config: config.vocab_size)


class Decoders(DecoderPasses):
    """M decoders over flat buffers of shape (M, n), with hand-written backward pass.

    Parameters
    ----------
    configs : sequence of ModelConfig
        One a model, alike but for the vocabulary.
    device, dtype, compute, pad
        As of :class:`ziplaw.models.decoder.DecoderPasses`.
    """

    def __init__(
        self,
        configs: Sequence[ModelConfig],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        compute: torch.dtype | None = None,
        pad: int = 1,
    ):
        self.configs = list(configs)
        super().__init__(common_config(self.configs), device, dtype, compute, pad, len(self.configs))
        self.vocabulary = torch.tensor([c.vocab_size for c in self.configs], dtype=torch.int32, device=device)

    def initialise(self, seeds: Sequence[int], style: str = "mup") -> None:
        """Give each model the weights that :meth:`ziplaw.models.decoder.Decoder.initialise` draws for its seed."""
        for m, (seed, config) in enumerate(zip(seeds, self.configs, strict=True)):
            alone = Decoder(config)
            alone.initialise(seed, style)
            for name, value in alone.parameters.items():
                self.parameters[name][m, : value.shape[0]].copy_(value)
        self.refresh()
