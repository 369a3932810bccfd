"""Runs side by side fit together, and each has a folder of its own."""

from dataclasses import replace

import pytest
from tiny_runs import CONTEXT, members, two_corpora

from ziplaw.errors import TrainError
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training.ensemble import ensemble
from ziplaw.training.members import Member, batches_that_fit
from ziplaw.training.recipe.recipe import TrainConfig


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return two_corpora(tmp_path_factory.mktemp("corpora"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: replace(m, config=replace(m.config, batch_documents=8)), "batch_documents is 4 for .* and 8 for"),
        (lambda m: replace(m, config=replace(m.config, budgets=(640,))), "budgets is"),
        (lambda m: replace(m, model=replace(m.model, hidden=10)), "hidden is 8"),
        (lambda m: replace(m, model=LstmConfig(8, 2, 21, CONTEXT)), "is"),
        (lambda m: replace(m, model=replace(m.model, vocab_size=20)), "the model's vocabulary is 20"),
    ],
)
def test_runs_that_do_not_fit_together(corpora, tmp_path, change, message):
    several = members(corpora, tmp_path)
    several[2] = change(several[2])
    with pytest.raises(TrainError, match=message):
        ensemble(several)
    assert not list(tmp_path.iterdir())


def test_no_folder_twice_and_no_empty_ensemble(corpora, tmp_path):
    several = members(corpora, tmp_path)
    with pytest.raises(TrainError, match="two runs would write to"):
        ensemble([several[0], replace(several[1], out_dir=tmp_path / "x" / ".." / "0")])
    with pytest.raises(TrainError, match="no runs"):
        ensemble([])


@pytest.mark.parametrize(
    ("hidden", "layers", "count", "gigabytes", "sizes"),
    [
        (2048, 30, 6, 80, [1] * 6),  # 58 GB each
        (2048, 30, 6, 141, [2] * 3),
        (2048, 30, 6, 24, [1] * 6),  # none fits by estimate: each is tried alone
        (1024, 20, 16, 80, [4] * 4),
        (1024, 20, 7, 80, [4, 3]),
        (256, 6, 6, 80, [6]),
        (64, 2, 64, 80, [64]),
        (2048, 30, 6, None, [6]),  # a CPU's memory is asked for when it is taken
    ],
)
def test_side_by_side_go_as_many_as_the_device_holds(hidden, layers, count, gigabytes, sizes):
    several = [
        Member("corpus", str(i), ModelConfig(hidden, layers, 32001), TrainConfig([10**8], batch_documents=32, seed=i))
        for i in range(count)
    ]
    room = None if gigabytes is None else gigabytes * 10**9
    found = batches_that_fit(several, [400_000] * count, room)
    assert [len(batch) for batch in found] == sizes
    assert [member for batch in found for member in batch] == several
