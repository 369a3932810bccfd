"""One run shared by several processes, here threads: the run of one process, the same bits in all, again and again."""

from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from teams import in_threads
from tiny_runs import documents, model

from ziplaw.errors import TrainError
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training.checkpoint import Stopped
from ziplaw.training.parallel.parallel_step import Mean
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.trainer import Trainer

BUDGETS = (640, 2500, 5000)


def trainer(processes=None, shape=None, budgets=BUDGETS, between=None, **settings):
    config = TrainConfig(list(budgets), device="cpu", **settings)
    return Trainer(
        documents(), documents(70, 1), shape or model(layers=2), config, processes=processes, engine=GraphStep,
        between_steps=between,
    )  # fmt: skip


def ran(processes, **more):
    one = trainer(processes, **more)
    one.run()
    return one


def test_every_sum_is_taken_in_the_order_of_the_ranks():
    """In fp32 (1e8 + 1) - 1e8 is 0, and any other order makes 1 of it."""
    values = torch.tensor([[1e8], [1.0], [-1e8]]).expand(3, 8)

    def take(processes):
        mean = Mean(processes, 8, torch.device("cpu"))  # no multiple of 3
        mean.values.copy_(values[processes.rank] * torch.arange(8))
        mean.take()
        return mean.values

    third = torch.tensor(1.0 / 3)
    found = in_threads(3, take)
    one = ((values[0] * torch.arange(8) + values[1] * torch.arange(8)) + values[2] * torch.arange(8)) * third
    assert all(torch.equal(each, one) for each in found)
    assert one[1] == 0


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("shape", [None, LstmConfig(8, 1, 21, 32)], ids=["llama", "lstm"])
def test_losses_are_those_of_one_process(size, shape):
    alone, team = ran(None, shape=shape), in_threads(size, lambda processes: ran(processes, shape=shape))
    mine, theirs = (one.engine.losses[:-1].double() for one in (team[0], alone))
    assert torch.allclose(mine[:10], theirs[:10], rtol=1e-5)
    assert torch.allclose(mine, theirs, rtol=2e-3)
    assert torch.allclose(team[0].engine.norms[:10], alone.engine.norms[:10], rtol=1e-4)
    for got, want in zip(team[0].points, alone.points, strict=True):
        assert got["loss"] == pytest.approx(want["loss"], rel=1e-4)
        assert got["loss_stderr"] == pytest.approx(want["loss_stderr"], rel=1e-3)
        assert (got["D"], got["C"], got["step"]) == (want["D"], want["C"], want["step"])
    for other in team[1:]:
        assert torch.equal(other.model.flat, team[0].model.flat)
        assert other.points == team[0].points
        assert other.curve() == team[0].curve()


@pytest.mark.parametrize("stop", [1, 30])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(stop):
    def stopped(processes):
        left = [stop]

        def between(one):
            left[0] -= 1
            if left[0] == 0:
                raise Stopped

        one = trainer(processes, between=between)
        with pytest.raises(Stopped):
            one.run()
        place, arrays = one.state()
        return place, {name: value.clone() for name, value in arrays.items()}

    whole, states = in_threads(2, ran), in_threads(2, stopped)

    def resumed(processes):
        one = trainer(processes)
        one.load_state(*deepcopy(states[0]))  # there is one checkpoint, and it is the first one's
        one.run()
        return one

    for one in in_threads(2, resumed):
        assert one.points == whole[0].points
        assert one.curve() == whole[0].curve()
        assert torch.equal(one.model.flat, whole[0].model.flat)


def test_documents_must_be_shared_evenly():
    with pytest.raises(TrainError, match="batch_documents is 4, which 3 processes cannot share evenly"):
        in_threads(3, ran)


def test_processes_that_drift_apart_are_noticed():
    def drifting(processes):
        one = trainer(processes)
        one.model.flat[5] += 1e-3 * processes.rank
        one.evaluate()

    with pytest.raises(TrainError, match="have come to different parameters: use GPUs of one kind"):
        in_threads(2, drifting)


def test_captured_halves_are_the_step(monkeypatch):
    """A graph is stood in for by its function: passes and update are captured, the exchange is not."""
    eager = in_threads(2, ran)
    modes = []

    def graph(function, mode):
        modes.append(mode)
        return SimpleNamespace(replay=function)

    monkeypatch.setattr(GraphStep, "_graph", staticmethod(graph))

    def captured(processes):
        one = trainer(processes)
        one.engine.graph = one.engine._captured()
        one.engine.step = None
        one.run()
        return one

    for one, other in zip(in_threads(2, captured), eager, strict=True):
        assert modes == ["thread_local"] * 4
        assert torch.equal(one.model.flat, other.model.flat)
        assert one.points == other.points
