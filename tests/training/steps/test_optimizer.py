"""AdamW over flat buffers against torch.optim.AdamW: by a row of a table, and by the compiled core."""

import numpy as np
import pytest
import torch
from tiny_runs import grammar_corpus, model

from ziplaw.models.decoder import Decoder
from ziplaw.training import trainer as trainers
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.optimizer import AdamW


def decoder(dtype=torch.float64):
    made = Decoder(model(hidden=16), dtype=dtype)
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


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"weight_decay": 0.3, "clip": 0.0}, {"arm": "paper", "clip": 0.1}, {"base_hidden": 4}]
)
def test_is_torchs(compiled, settings):
    config = TrainConfig([640], **settings).resolved()
    made = decoder()
    copies, theirs = torchs(made, config)
    single = decoder(torch.float32)
    ours = AdamW(single if compiled else made, config)
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
        if compiled:
            single.grad.copy_(made.grad)
            assert ours.step(rate, t) == pytest.approx(float(norm), rel=1e-6)
        else:
            assert torch.allclose(ours.step_by_row(AdamW.rows(config, [rate], t)[0]), norm)
        for name, value in ours.model.parameters.items():
            # the rows are float32; so are the core's parameters, of a size up to 1
            assert torch.allclose(value.double(), copies[name], rtol=0, atol=1e-6 if compiled else 1e-7), name


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
    decays = [torch.full((length,), decay) for length, _, decay in trainer.engine.optimizer.stretches]
    by_name = trainer.model.views(torch.cat(decays))
    decayed = {group for name, _, group in trainer.model.layout if by_name[name].all()}
    assert all(value.all() or not value.any() for value in by_name.values())
    assert decayed == {"attention", "mlp", "head"}
