"""One step for several models: on tensors without values, captured, with all corpora resident once."""

import pytest
import torch
from graph_probes import Launches, NoHostSync, kernels_of_a_step
from tiny_runs import BUDGETS, CONTEXT, arrays, configs, documents, fake_capture, shape, together

from ziplaw.models.decoder_stack import Decoders
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.stacked_step import SideBySide, joint_tables


@pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("vocabularies", [(64, 64), (100, 13)])
def test_whole_step_on_meta_tensors(monkeypatch, compute, vocabularies):
    """No operation of the step mixes devices or dtypes, or needs a value; the path is the one of a GPU."""
    launches = Launches(monkeypatch)
    monkeypatch.setenv("ZIPLAW_KERNELS", "triton")
    step = on_meta(vocabularies, compute)
    with NoHostSync():
        step.step()
    assert step.losses.shape == (21, 2)
    assert step.model.token_losses(torch.zeros((6, CONTEXT), dtype=torch.int64, device="meta")).shape == (6, CONTEXT)
    names = {name.split(".")[0] for name in launches.names}
    assert names >= {"rms_norm", "rope", "swiglu", "cross_entropy", "embedding", "adamw", "program"}


def on_meta(vocabularies, compute):
    models = [shape(v, hidden=64) for v in vocabularies]
    corpora = [documents(vocabulary=v) for v in vocabularies]
    settings = [TrainConfig([20 * 4 * CONTEXT], seed=m).resolved() for m in range(2)]
    program = stretches(plan_budgets(settings[0].budgets, 4 * CONTEXT, 0.2))
    batches = [Batches(d, 4, c.seed) for d, c in zip(corpora, settings)]
    return SideBySide(Decoders(models, "meta", compute=compute, pad=64), settings, batches, program, corpora)


def test_capture_leaves_no_trace(monkeypatch):
    fake_capture(monkeypatch)
    settings = configs(budgets=(640, 2500))
    plain, captured = (together(True, settings, capture=capture) for capture in (False, True))
    engine = captured.trainers[0].engine.engine
    engine.graph.engine = engine
    plain.run()
    captured.run()
    for mine, theirs in zip(captured.trainers, plain.trainers):
        assert mine.points == theirs.points
        assert mine.curve() == theirs.curve()


def test_corpora_are_resident_once():
    batches = [Batches(train, 4, seed) for seed, (train, _) in enumerate(arrays())]
    settings = [c.resolved() for c in configs()]
    program = stretches(plan_budgets(BUDGETS, 4 * CONTEXT, 0.2))
    whole, order, rows = joint_tables(settings, batches, program)
    assert len(whole) == 800
    assert rows.shape == (len(order), 3, 4)
    assert rows[5, :, 3].tolist() == pytest.approx([0, 0.1, 0])
    for m, b in enumerate(batches):
        assert (whole[order[2, 4 * m : 4 * m + 4].numpy()] == b[2]).all()


@pytest.mark.parametrize(("choice", "kernels"), [("triton", 71), ("layers", 31)])
def test_kernels_of_a_step(monkeypatch, choice, kernels):
    """As many kernels as for one model; they were 139."""
    monkeypatch.setenv("ZIPLAW_KERNELS", choice)
    step = on_meta((100, 13), torch.bfloat16)
    count, found = kernels_of_a_step(monkeypatch, step, attentions=2 if choice == "triton" else 0)
    print(found)
    assert not {"copy_", "_to_copy", "mul", "sum", "baddbmm", "cat"} & found.keys()
    assert count == kernels
