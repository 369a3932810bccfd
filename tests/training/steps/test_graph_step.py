"""The step that a GPU captures as one graph, run eagerly on a CPU, and on tensors without values."""

import numpy as np
import pytest
import torch
from graph_probes import Launches, NoHostSync, kernels_of_a_step
from tiny_runs import CONTEXT, documents, fake_capture, model

from ziplaw.errors import TrainError
from ziplaw.kernels import backend, reference
from ziplaw.models.decoder import Decoder
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.training.checkpoint import Stopped
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, stretches
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.steps.graph_step import GraphStep, resident, tables
from ziplaw.training.trainer import Trainer


def shape(**changes):
    return model(**{"layers": 2, **changes})


def trainer(engine=GraphStep, model=None, budgets=(640, 5000, 10000), **settings):
    between = settings.pop("between_steps", None)
    config = TrainConfig(list(budgets), **settings)
    return Trainer(documents(), documents(9, 1), model or shape(), config, engine=engine, between_steps=between)


def built(compute=torch.float32, pad=1, device="cpu", model=None, **settings):
    """A GraphStep over a run of 20 steps, not captured."""
    config = TrainConfig([20 * 4 * CONTEXT], **settings).resolved()
    decoder = Decoder(model or shape(), device, compute=compute, pad=pad)
    decoder.initialise(0, config.init)
    program = stretches(plan_budgets(config.budgets, 4 * CONTEXT, config.cooldown, config.schedule))
    return GraphStep(decoder, config, Batches(documents(), 4, 0), program, capture=False)


def run(step, count=20):
    for _ in range(count):
        step.advance(0, 0, 0.0)
    return step.losses[:count].double()


@pytest.mark.parametrize(
    "settings",
    [{}, {"weight_decay": 0.1}, {"arm": "paper", "batch_documents": 4}, {"clip": 0.0, "schedule": "constant"}],
)
def test_same_losses_as_the_cpu_path(settings):
    runs = [trainer(engine, **settings) for engine in (CompiledStep, GraphStep)]
    for one in runs:
        one.run()
    plain, graphed = (one.curve() for one in runs)
    assert len(plain) == len(graphed) > 10
    for a, b in zip(plain, graphed):
        assert a.keys() == b.keys()
        for key in ("train_loss", "loss", "grad_norm", "loss_stderr", "learning_rate"):
            if a.get(key) is None:
                assert b.get(key) is None
            else:
                assert a[key] == pytest.approx(b[key], rel=2e-3), key
    assert plain[0]["train_loss"] == pytest.approx(graphed[0]["train_loss"], rel=1e-6)


def test_long_documents_and_odd_shapes_agree_too():
    model = ModelConfig(18, 1, 301, heads=3, intermediate=10, context=CONTEXT)
    runs = [trainer(engine, model, (1280,)) for engine in (CompiledStep, GraphStep)]
    for one in runs:
        one.run()
    assert runs[0].points[0]["loss"] == pytest.approx(runs[1].points[0]["loss"], rel=1e-4)


@pytest.mark.parametrize("stop", [1, 10, 57, 61, 80])
def test_resumed_run_is_bitwise_the_uninterrupted_one(stop):
    whole = trainer()
    whole.run()
    left, saved = [stop], []

    def between(trainer):
        left[0] -= 1
        if left[0] == 0:
            place, arrays = trainer.state()
            saved.append((place, {name: value.clone() for name, value in arrays.items()}))
            raise Stopped

    with pytest.raises(Stopped):
        trainer(between_steps=between).run()
    second = trainer()
    second.load_state(*saved[0])
    second.run()
    assert second.points == whole.points
    assert second.curve() == whole.curve()
    assert torch.equal(second.model.flat, whole.model.flat)


def test_branch_is_a_separate_run_bitwise():
    together = trainer()
    together.run()
    for point in together.points:
        alone = trainer(budgets=(point["budget"],))
        alone.run()
        assert alone.points == [point]


def test_diverged_run_is_noticed_and_goes_no_further():
    one = trainer(learning_rate=100.0, weight_decay=100.0, budgets=(128, 6400, 12800))
    one.run()
    assert one.diverged
    assert one.points[-1]["loss"] is None
    assert not one.engine.losses.isfinite().all()


def test_every_row_of_the_program_is_the_step_it_stands_for():
    config = TrainConfig([640, 5000, 10000], batch_documents=4, seed=3, weight_decay=0.1).resolved()
    plans = plan_budgets(config.budgets, 4 * CONTEXT, config.cooldown)
    program = stretches(plans)
    batches = Batches(documents(), 4, 3)
    order, settings = tables(config, batches, program)
    assert len(order) == len(settings) == plans[-1].branch + sum(p.cooldown for p in plans) + 1
    for part in program:
        for step in range(part.start, part.stop):
            row = part.slot + step - part.start
            assert (order[row].numpy() == batches.indices(step)).all()
            assert settings[row, 1] == pytest.approx(1 / (1 - 0.9 ** (step + 1)))
            assert settings[row, 3] == pytest.approx(0.1)
    assert settings[-1].tolist() == [0, 1, 1, 0]


def test_documents_keep_their_ids_on_the_device():
    for ids in (np.array([[0, 65535, 40000]], np.uint16), np.array([[0, 65536, 9_000_000]], np.uint32)):
        ids.flags.writeable = False
        on_device = resident(ids, torch.device("cpu"))
        assert on_device.element_size() == ids.itemsize
        row = reference.fetch_documents(
            on_device, torch.zeros((1, 1), dtype=torch.int32), torch.zeros(1, dtype=torch.int64)
        )
        assert row.tolist() == ids.tolist()


@pytest.mark.no_gpu
def test_corpus_larger_than_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 2000))
    with pytest.raises(TrainError, match="train on fewer documents"):
        resident(documents(), torch.device("cuda"))


def test_padded_vocabulary_changes_nothing():
    plain, padded = built(), built(pad=64)
    assert torch.allclose(run(plain), run(padded), rtol=1e-5)
    for name in ("embedding", "head"):
        assert padded.model.parameters[name].shape[0] == 64
        assert (padded.model.parameters[name][21:] == 0).all()
        assert padded.model.logits(torch.zeros((1, 3), dtype=torch.int64)).shape == (1, 3, 21)


def test_bf16_learns_like_fp32_and_keeps_fp32_masters():
    wide, narrow = built(learning_rate=0.01), built(torch.bfloat16, pad=8, learning_rate=0.01)
    a, b = run(wide), run(narrow)
    assert torch.allclose(a, b, rtol=0.03)
    assert not torch.equal(a, b)
    model = narrow.model
    assert model.flat.dtype == model.grad.dtype == narrow.optimizer.first.dtype == torch.float32
    assert torch.equal(model.shadow, model.flat.bfloat16())
    assert model.weights["final_norm"].dtype == torch.float32


def test_idle_step_leaves_the_parameters_as_they_are():
    step = built(weight_decay=0.1)
    before = step.model.flat.clone()
    step.seek(step.idle)
    step.step()
    assert torch.equal(step.model.flat, before)
    assert step.cursor.item() == step.idle + 1


@pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
def test_capture_leaves_no_trace(monkeypatch, compute):
    fake_capture(monkeypatch)
    plain, captured = built(compute), built(compute)
    captured._capture()
    captured.graph.engine = captured
    assert torch.equal(run(plain), run(captured))
    assert torch.equal(plain.model.flat, captured.model.flat)


# --- what a CPU can tell about a step on a GPU ------------------------------------------------------------------------


@pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
def test_no_host_sync_inside_the_step(compute):
    step = built(compute)
    with NoHostSync() as watch:
        step.step()
    assert {"mm", "index_select", "index_copy_"} <= watch.seen
    with NoHostSync(), pytest.raises(AssertionError, match="_local_scalar_dense inside"):
        step.losses[0].item()


@pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("triton", [False, True])
def test_whole_step_on_meta_tensors(monkeypatch, compute, triton):
    """No operation of the step mixes devices or dtypes, or needs a value; the path is the one of a GPU."""
    launches = Launches(monkeypatch)
    monkeypatch.setenv("ZIPLAW_KERNELS", "triton" if triton else "reference")
    step = built(compute, pad=64, device="meta", model=shape(hidden=64, vocab_size=100))
    with NoHostSync():
        step.step()
    for tensor in (step.losses, step.model.flat, step.model.grad, step.order, step.documents, step.optimizer.factors):
        assert tensor.device.type == "meta"
    losses = step.model.token_losses(torch.zeros((3, CONTEXT), dtype=torch.int64, device="meta"))
    assert losses.shape == (3, CONTEXT)
    if triton:
        made_of = {name.split(".")[0] for name in launches.names}
        assert made_of == {*backend.TRITON, "reduce"} - {"linear_cross_entropy"}


@pytest.mark.parametrize(("choice", "kernels"), [("triton", 71), ("layers", 31)])
def test_kernels_of_a_step(monkeypatch, choice, kernels):
    """Hidden 64: 71 kernels, seven of them beside the others, by the sort of the tokens; they were 80, all in a row."""
    monkeypatch.setenv("ZIPLAW_KERNELS", choice)
    step = built(torch.bfloat16, pad=64, device="meta", model=shape(hidden=64, vocab_size=100))
    count, found = kernels_of_a_step(monkeypatch, step, attentions=2 if choice == "triton" else 0)
    print(found)
    assert found["reduce.sum_rows_kernel"] == (1 if choice == "triton" else 3)
    assert count == kernels
