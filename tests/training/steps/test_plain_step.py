"""The readable step is the oracle: every fast step takes the same steps, on trunk and branch, in float64."""

import pytest
import torch
from tiny_runs import CONTEXT, documents, model

from ziplaw.models.decoder import Decoder
from ziplaw.models.decoder_stack import Decoders
from ziplaw.training.recipe.batches import Batches
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.schedule import plan_budgets, rate_factor, stretches
from ziplaw.training.steps.compiled_step import CompiledStep
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.steps.plain_step import PlainStep, train_budget
from ziplaw.training.steps.stacked_step import SideBySide
from ziplaw.training.trainer import Trainer

STEPS = 20
SETTINGS = [
    {},
    {"weight_decay": 0.1, "arm": "tuned", "learning_rate": 0.01},
    {"arm": "paper", "batch_documents": 4, "learning_rate": 0.001},
    {"clip": 0.0, "schedule": "constant"},
    {"clip": 0.05, "warmup_steps": 3},
]


def prepared(vocabulary=21, dtype=torch.float64, **settings):
    """Arguments of a step over a run of one budget; its plan."""
    config = TrainConfig([STEPS * 4 * CONTEXT], **settings).resolved()
    decoder = Decoder(model(layers=2, vocab_size=vocabulary), dtype=dtype)
    decoder.initialise(3, config.init)
    (plan,) = plan_budgets(config.budgets, 4 * CONTEXT, config.cooldown, config.schedule)
    batches = Batches(documents(vocabulary=vocabulary), 4, config.seed)
    return (decoder, config, batches, stretches([plan])), plan


def run(step, plan, config):
    """What a trainer does with one budget."""
    for t in range(plan.steps):
        on_branch = None if t < plan.branch else plan
        step.advance(t, t, config.learning_rate * rate_factor(t, on_branch, config.warmup_steps, config.schedule))


# a GraphStep's rates and corrections are float32, rounded once; a CompiledStep is float32 throughout
@pytest.mark.parametrize(
    ("fast", "dtype", "tolerance"), [(GraphStep, torch.float64, 1e-4), (CompiledStep, torch.float32, 1e-4)]
)
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(s) or "usual")
def test_fast_steps_take_the_plain_step(fast, dtype, tolerance, settings):
    arguments, plan = prepared(**settings)
    plain = PlainStep(*arguments)
    expected = train_budget(plain, plan)
    assert expected[-1] < expected[0]
    arguments, plan = prepared(dtype=dtype, **settings)
    step = fast(*arguments)
    run(step, plan, arguments[1])
    assert torch.allclose(step.losses[: plan.steps].double(), expected, rtol=tolerance)
    assert torch.allclose(step.norms[: plan.steps].double(), plain.norms, rtol=tolerance)
    assert torch.allclose(step.model.flat.double(), plain.model.flat, atol=tolerance)
    for name, buffer in plain.state.items():
        assert torch.allclose(step.state[name].double(), buffer, atol=tolerance)
    held_out = documents(40, 1)
    assert torch.allclose(step.document_losses(held_out, 1), plain.document_losses(held_out, 1), rtol=tolerance)


def test_models_side_by_side_take_the_plain_step_each():
    cases = [(21, {"seed": 0}), (13, {"seed": 1, "weight_decay": 0.1, "learning_rate": 0.01})]
    runs = [prepared(vocabulary, **settings) for vocabulary, settings in cases]
    alone = [PlainStep(*arguments) for arguments, _ in runs]
    configs, batches = [step.config for step in alone], [step.batches for step in alone]
    decoders = Decoders([step.model.config for step in alone], dtype=torch.float64)
    decoders.initialise([3, 3])
    together = SideBySide(decoders, configs, batches, runs[0][0][3], [documents(9, 1)] * 2)
    together.seek(0)
    for t in range(STEPS):
        together.advance(t, t, 0.0)
    for m, (step, (_, plan)) in enumerate(zip(alone, runs)):
        assert torch.allclose(together.losses[:STEPS, m].double(), train_budget(step, plan), rtol=1e-4)


def test_a_trainer_trains_with_it():
    points = []
    for engine in (PlainStep, CompiledStep):
        trainer = Trainer(documents(), documents(9, 1), model(), TrainConfig([640, 1280, 2560]), engine=engine)
        trainer.run()
        points.append([point["loss"] for point in trainer.points])
    assert points[0] == pytest.approx(points[1], rel=2e-3)
