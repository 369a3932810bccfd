"""Spikes in the log of consecutive steps."""

import torch

from ziplaw.training.segment import Segment


def test_spikes_are_marked():
    losses = torch.linspace(3, 2, 100) + 0.01 * torch.randn(100, generator=torch.Generator().manual_seed(0))
    losses[70] += 1.0
    segment = Segment(None, 0, 100, 0, losses, torch.ones(100))
    assert segment.spikes().nonzero()[0].tolist() == [70]
    rows = segment.rows(10, 4, lambda step: 0.1)
    assert [row["spikes"] for row in rows] == [0] * 7 + [1] + [0] * 2
