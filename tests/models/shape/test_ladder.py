import subprocess
import sys
from itertools import pairwise

import pytest
from houses import ROOT

from ziplaw.errors import TrainError
from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.flops import training_flops_per_token
from ziplaw.models.shape.ladder import PAPER_SIZES, decoder_N, head_share, ladder, nearest_shape


@pytest.fixture(scope="module")
def sizes():
    return ladder(4096, 256)


def test_ladder_goes_through_the_papers_sizes_to_a_trillion(sizes):
    shapes = {(size.hidden, size.layers) for size in sizes}
    assert set(PAPER_SIZES) <= shapes
    assert sizes[0].hidden == 4
    assert sizes[-2].N < 1e12 <= sizes[-1].N
    assert [size.heads for size in sizes if size.hidden in (16, 64, 512, 2048)] == [1, 4, 8, 32]


def test_sizes_of_a_pilot_have_one_depth_and_steps_of_at_most_a_factor_of_two(sizes):
    assert {size.layers for size in sizes if size.hidden <= 64} == {2}
    steps = [large.N / small.N for small, large in pairwise(sizes)]
    assert 1 < min(steps)
    assert max(step for size, step in zip(sizes, steps) if size.hidden >= 8) < 1.9
    # a few to an octave from a thousand parameters up to those of the paper's smallest
    fine = [step for size, step in zip(sizes, steps) if 16 <= size.hidden < 64]
    assert max(fine) < 2 ** (1 / 2)


def test_a_size_is_what_its_model_counts(sizes):
    for size in sizes[::9]:
        config = ModelConfig(size.hidden, size.layers, 4096, heads=size.heads, context=256)
        count = count_params(config)
        assert (size.N, size.N_total, size.six_n) == (count.N, count.N_total, 6 * count.N)
        assert size.flops_per_token == training_flops_per_token(config)
        assert decoder_N(size.hidden, size.layers) == count.N
        assert size.name == f"h{size.hidden}"


def test_flops_a_token_rise_with_N_and_near_six_N(sizes):
    ratios = [size.flops_per_token / size.six_n for size in sizes]
    # the head is nearly all of a tiny model and nothing of a huge one
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 50
    assert ratios[-1] < 1.01


def test_ladder_ends_at_the_first_size_large_enough():
    found = ladder(100, 64, largest_N=1e5)
    assert found[-2].N < 1e5 <= found[-1].N


@pytest.mark.parametrize("N", [0, float("nan"), 1e16, True, "7e9"])
def test_sizes_that_no_model_has_are_refused(N):
    for what in (lambda: ladder(100, 64, N), lambda: nearest_shape(N, 100, 64)):
        with pytest.raises(TrainError, match=r"N is .*, must be from 1 to 1e15"):
            what()


@pytest.mark.parametrize(
    ("N", "off"), [(1e4, 0.05), (1e6, 0.05), (2e7, 0.05), (1.5e8, 0.03), (7e9, 0.01), (1e12, 0.01)]
)
def test_nearest_shape_has_that_N_and_heads_of_a_real_width(N, off):
    config = nearest_shape(N, 32000, 2048)
    assert abs(count_params(config).N / N - 1) < off
    if N > 1e7:
        assert config.head_width == (128 if config.hidden >= 2048 else 64)
        assert config.hidden % config.head_width == 0
    # near the family's depth for its width
    assert 0.75 <= config.layers / max(2, config.hidden * 30 / 2048) <= 2


def test_share_of_the_head():
    flops, parameters = head_share(ModelConfig(24, 2, 4096, context=256))
    size = next(size for size in ladder(4096, 256, 1e5) if size.hidden == 24)
    assert flops == 6 * 24 * 4096 / size.flops_per_token
    assert parameters == pytest.approx(2 * 24 * 4096 / size.N_total, rel=1e-12)


def test_counting_needs_no_torch():
    code = "import sys; from ziplaw.models.shape import ladder; ladder.ladder(9, 9, 1e4); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "pkg")}
    )
    assert done.stdout.strip() == "False"
