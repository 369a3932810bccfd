"""What becomes of runs that are finished already: kept, refused, or replaced."""

from contextlib import nullcontext

import pytest
import torch
from tiny_runs import files, members, two_corpora

from ziplaw.errors import TrainError
from ziplaw.training.jobs import train_members


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return two_corpora(tmp_path_factory.mktemp("corpora"))


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.no_gpu
def test_finished_runs(corpora, tmp_path, runs):
    some = members(corpora, tmp_path, budgets=(640,))[:runs]
    records = train_members(some)
    assert [record["seed"] for record in records] == [member.config.seed for member in some]
    before = [files(member.out_dir) for member in some]
    # the same again: kept if asked, else trained to the same bytes
    assert len(train_members(some, keep_finished=True)) == (0 if runs == 1 else runs)
    train_members(some)
    assert [files(member.out_dir) for member in some] == before
    others = members(corpora, tmp_path, budgets=(640,), weight_decay=0.5)[:runs]
    with pytest.raises(TrainError, match=r"finished: weight_decay is 0\.0 there and 0\.5 here"):
        train_members(others)
    assert [files(member.out_dir) for member in some] == before
    with pytest.raises(TrainError, match="no CUDA device") if not torch.cuda.is_available() else nullcontext():
        # made on a CPU: asked for on a GPU it is not what would be trained
        train_members(members(corpora, tmp_path, budgets=(640,), device="cuda")[:runs], keep_finished=True)
    assert train_members(others, replace=True)[0]["training"]["weight_decay"] == 0.5
