"""Parameters in flat buffers: counts, views, seeds of the initial weights."""

import itertools

import pytest
import torch

from ziplaw.models.decoder import Decoder
from ziplaw.models.flat import init_seed
from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig

torch.set_num_threads(1)


PAPER = {
    (64, 2, 1): 4_178_368,
    (128, 4, 2): 8_848_768,
    (256, 6, 4): 20_320_000,
    (512, 10, 8): 58_994_176,
    (1024, 20, 16): 275_295_232,
    (2048, 30, 32): 1_389_492_224,
}


@pytest.mark.parametrize(("shape", "total"), PAPER.items())
def test_paper_totals(shape, total):
    hidden, layers, heads = shape
    config = ModelConfig(hidden, layers, 32001)
    count = count_params(config)
    assert config.heads == heads
    assert count.N_total == total
    assert total - 2 * 32001 * hidden == count.N
    assert 10 * layers * hidden**2 + (2 * layers + 1) * hidden == count.N


def test_count_is_what_the_model_holds():
    config = ModelConfig(24, 3, 37, intermediate=40)
    model = Decoder(config)
    assert model.flat.numel() == count_params(config).N_total == sum(v.numel() for v in model.parameters.values())
    assert model.parameters["layer2.down"].data_ptr() == model.views(model.flat)["layer2.down"].data_ptr()


def test_initial_weights_depend_on_seed_model_and_corpus():
    config = ModelConfig(8, 2, 11)
    seeds = {init_seed(s, c, d) for s, c, d in itertools.product((0, 1), (config, ModelConfig(8, 3, 11)), ("a", "b"))}
    assert len(seeds) == 8
    assert all(0 <= s < 1 << 63 for s in seeds)
    one, two = Decoder(config), Decoder(config)
    one.initialise(7)
    two.initialise(7)
    assert torch.equal(one.flat, two.flat)
    two.initialise(8)
    assert not torch.equal(one.flat, two.flat)
