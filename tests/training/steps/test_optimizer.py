"""AdamW over flat buffers against torch.optim.AdamW, with both ways of telling it the rate."""

import numpy as np
import pytest
import torch
from tiny_runs import grammar_corpus, model

from ziplaw.models.decoder import Decoder
from ziplaw.training import trainer as trainers
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.optimizer import AdamW


def decoder():
    made = Decoder(model(hidden=16), dtype=torch.float64)
    made.initialise(0, "llama")
    return made


def torchs(made, config):
    """torch's optimiser over copies of the parameters, a group for each factor."""
    scales, decays = config.rate_scales(16), config.decay_factors()
    copies = {name: value.clone().requires_grad_() for name, value in made.parameters.items()}
    groups = [
        {"params": [copies[name]], "scale": scales[group], "weight_decay": config.weight_decay * decays[group]}
        for name, _, group in made.layout
    ]
    return copies, torch.optim.AdamW(groups, betas=(config.beta1, config.beta2), eps=config.epsilon)


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"weight_decay": 0.3, "clip": 0.0}, {"arm": "paper", "clip": 0.1}, {"base_hidden": 4}]
)
def test_is_torchs(by_row, settings):
    config = TrainConfig([640], **settings).resolved()
    made = decoder()
    copies, theirs = torchs(made, config)
    ours = AdamW(made, config)
    generator = torch.Generator().manual_seed(0)
    for t in range(1, 6):
        made.grad.copy_(torch.randn(made.grad.shape, generator=generator, dtype=torch.float64))
        for name, value in made.grads.items():
            copies[name].grad = value.clone()
        norm = torch.nn.utils.get_total_norm([p.grad for p in copies.values()])
        if config.clip:
            torch.nn.utils.clip_grad_norm_(copies.values(), config.clip)
        rate = 0.01 * t
        for group in theirs.param_groups:
            group["lr"] = rate * group["scale"]
        theirs.step()
        found = ours.step_by_row(AdamW.rows(config, [rate], t)[0]) if by_row else ours.step(rate, t)
        assert torch.allclose(found, norm)
        for name, value in made.parameters.items():
            assert torch.allclose(value, copies[name], rtol=0, atol=1e-7 if by_row else 1e-13), name


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_idle_row_changes_no_parameter(weight_decay):
    made = decoder()
    optimizer = AdamW(made, TrainConfig([640], weight_decay=weight_decay).resolved())
    before = made.flat.clone()
    made.grad.fill_(1.0)
    optimizer.step_by_row(torch.tensor(AdamW.IDLE))
    assert torch.equal(made.flat, before)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return grammar_corpus(tmp_path_factory.mktemp("corpus"))


def test_weight_decay_shrinks_matrices_only(corpus):
    documents = np.load(corpus / "train.npy")
    trainer = trainers.Trainer(documents, documents[:9], model(), TrainConfig([640], weight_decay=0.5))
    decayed = {
        g for n, s, g in trainer.model.layout if trainer.model.views(trainer.engine.optimizer.decay_mask)[n].all()
    }
    assert decayed == {"attention", "mlp", "head"}
