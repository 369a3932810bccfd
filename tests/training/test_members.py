"""Runs side by side fit together, and each has a folder of its own."""

from dataclasses import replace

import pytest
from tiny_runs import CONTEXT, members, two_corpora

from ziplaw.errors import TrainError
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training.ensemble import ensemble


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
