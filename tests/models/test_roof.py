"""The least time of a step by calculation."""

import pytest
import torch

from ziplaw.models.roof import least_seconds
from ziplaw.models.shape.decoder_config import ModelConfig

torch.set_num_threads(1)


def test_roofs_by_calculation():
    """ms of arithmetic and of memory traffic a step of 32 documents on an H100, as worked out elsewhere by hand."""
    known = {
        (64, 2): (0.015, 0.129),
        (128, 4): (0.064, 0.349),
        (256, 6): (0.30, 0.96),
        (512, 10): (1.75, 3.21),
        (1024, 20): (13.3, 13.9),
        (2048, 30): (78.5, 49.7),
    }
    for (hidden, layers), (arithmetic, memory) in known.items():
        got = least_seconds(ModelConfig(hidden, layers, 2001), 32)
        assert got[0] * 1e3 == pytest.approx(arithmetic, rel=0.05)
        assert got[1] * 1e3 == pytest.approx(memory, rel=0.05)
