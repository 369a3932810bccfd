"""FLOPs by hand."""

import torch

from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.flops import forward_flops_per_token, six_nd, training_flops_per_token

torch.set_num_threads(1)


def test_flops_by_hand():
    config = ModelConfig(64, 2, 2001)
    parts = forward_flops_per_token(config)
    assert parts["projections"] + parts["mlp"] == 2 * 10 * 64 * 64 * 2
    assert parts["head"] == 2 * 64 * 2001
    # brute force over the positions a query may see: 2 products of 64 multiply-adds per key, 2 layers
    seen = sum(2 * 2 * 64 * (t + 1) * 2 for t in range(256)) / 256
    assert parts["attention"] == seen
    assert training_flops_per_token(config) == 3 * sum(parts.values())
    assert round(training_flops_per_token(config) / 1e6, 2) == 1.46
    assert six_nd(config, 1000) == 6000 * count_params(config).N
