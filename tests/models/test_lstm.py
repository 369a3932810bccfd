"""The LSTM against torch.nn.LSTM and a readable twin: outputs, every gradient, counts, FLOPs, training through the
common trainer.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from twins import lstm as twin
from ziplaw.errors import TrainError
from ziplaw.models.flat import init_seed
from ziplaw.models.lstm import Lstm
from ziplaw.models.shape.architectures import make_config
from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.shape.flops import training_flops_per_token
from ziplaw.models.shape.lstm_config import LstmConfig
from ziplaw.training.checkpoint import Stopped
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.steps.graph_step import GraphStep
from ziplaw.training.trainer import Trainer

torch.set_num_threads(1)


def oracle(model):
    """torch's own LSTM with the same weights, and its loss as a function of documents."""
    c, p = model.config, model.parameters
    lstm = torch.nn.LSTM(c.hidden, c.hidden, c.layers).to(model.flat.dtype)
    embedding = p["embedding"].clone().requires_grad_()
    head = p["head"].clone().requires_grad_()
    with torch.no_grad():
        for i in range(c.layers):
            getattr(lstm, f"weight_ih_l{i}").copy_(p[f"layer{i}.input"])
            getattr(lstm, f"weight_hh_l{i}").copy_(p[f"layer{i}.state"])
            getattr(lstm, f"bias_ih_l{i}").copy_(p[f"layer{i}.bias"])
            getattr(lstm, f"bias_hh_l{i}").zero_()

    def logits(targets):
        inputs = F.pad(targets[:, :-1], (1, 0))
        return lstm(embedding[inputs].transpose(0, 1))[0].transpose(0, 1) @ head.T

    return lstm, embedding, head, logits


def random_model(hidden, layers, vocabulary, pad=1, dtype=torch.float64):
    model = Lstm(LstmConfig(hidden, layers, vocabulary, 17), dtype=dtype, pad=pad)
    model.initialise(3)
    generator = torch.Generator().manual_seed(1)
    for name in ("head", *(f"layer{i}.bias" for i in range(layers))):
        rows = model.parameters[name][:vocabulary] if name == "head" else model.parameters[name]
        rows.copy_(0.5 * torch.randn(rows.shape, generator=generator))
    return model


@pytest.mark.parametrize(
    ("hidden", "layers", "vocabulary", "documents", "positions"),
    [(1, 1, 2, 1, 1), (5, 1, 7, 1, 9), (6, 2, 11, 3, 17), (7, 3, 300, 2, 16)],
)
def test_outputs_and_gradients_are_torchs(hidden, layers, vocabulary, documents, positions):
    model = random_model(hidden, layers, vocabulary, pad=4)
    targets = torch.randint(0, vocabulary, (documents, positions), generator=torch.Generator().manual_seed(2))
    lstm, embedding, head, logits = oracle(model)
    expected = logits(targets)[..., :vocabulary]
    assert torch.allclose(model.logits(F.pad(targets[:, :-1], (1, 0))), expected, rtol=1e-12, atol=1e-12)
    loss = F.cross_entropy(expected.flatten(0, 1), targets.flatten())
    loss.backward()
    assert torch.allclose(model.loss_and_grad(targets), loss.detach(), rtol=1e-12)
    each = F.cross_entropy(expected.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
    assert torch.allclose(model.token_losses(targets), each.detach(), rtol=1e-11)
    theirs = {"embedding": embedding.grad, "head": head.grad}
    for i in range(layers):
        theirs[f"layer{i}.input"] = getattr(lstm, f"weight_ih_l{i}").grad
        theirs[f"layer{i}.state"] = getattr(lstm, f"weight_hh_l{i}").grad
        theirs[f"layer{i}.bias"] = getattr(lstm, f"bias_ih_l{i}").grad
    assert set(theirs) == set(model.grads)
    for name, grad in theirs.items():
        scale = grad.abs().max().clamp(min=1e-9)
        assert ((model.grads[name] - grad).abs().max() / scale).item() < 1e-11, name


def test_outputs_and_gradients_are_the_twins():
    model = random_model(6, 2, 11)
    targets = torch.randint(0, 11, (3, 17), generator=torch.Generator().manual_seed(2))
    p = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    loss = F.cross_entropy(
        twin.logits(model.config, p, F.pad(targets[:, :-1], (1, 0))).flatten(0, 1), targets.flatten()
    )
    loss.backward()
    assert torch.allclose(model.loss_and_grad(targets), loss.detach(), rtol=1e-12)
    for name, value in p.items():
        assert torch.allclose(model.grads[name], value.grad, rtol=1e-10, atol=1e-13), name


def test_counts_and_flops():
    config = LstmConfig(18, 2, 301, 64)
    params = count_params(config)
    torchs = sum(p.numel() for name, p in torch.nn.LSTM(18, 18, 2).named_parameters() if not name.startswith("bias_hh"))
    assert params.N == torchs == 2 * (8 * 18 * 18 + 4 * 18)
    assert params.N_total == params.N + 2 * 301 * 18
    # a multiply-add is two, and backward costs twice forward: six a weight that multiplies (not biases)
    assert training_flops_per_token(config) == 6 * (params.recurrent + params.head)


def test_initial_weights():
    model = Lstm(LstmConfig(64, 2, 50), pad=64)
    model.initialise(init_seed(0, model.config, "x"))
    p = model.parameters
    assert (p["layer1.bias"].view(4, 64) == torch.tensor([0.0, 1, 0, 0])[:, None]).all()
    assert p["layer0.state"].std().item() == pytest.approx(64**-0.5, rel=0.03)
    assert p["embedding"][:50].std().item() == pytest.approx(1.0, rel=0.05)
    assert (p["head"] == 0).all()
    assert (p["embedding"][50:] == 0).all()
    again = Lstm(LstmConfig(64, 2, 50))
    again.initialise(init_seed(0, model.config, "x"))
    assert torch.equal(again.parameters["embedding"], p["embedding"][:50])
    # a decoder of the same sizes starts elsewhere
    assert init_seed(0, LstmConfig(64, 2, 50)) != init_seed(0, ModelConfig(64, 2, 50))


CONTEXT = 16


def documents(n=400, seed=0):
    steps = np.random.default_rng(seed).integers(0, 3, (n, CONTEXT))
    return (np.cumsum(steps, 1) % 21).astype(np.uint16)


def trainer(budgets=(640, 4000), between_steps=None, **settings):
    config = TrainConfig(list(budgets), **settings)
    return Trainer(documents(), documents(9, 1), LstmConfig(9, 2, 21, CONTEXT), config, between_steps=between_steps)


def test_trains_through_the_same_trainer():
    one = trainer()
    one.run()
    assert isinstance(one.engine, GraphStep)
    assert [p["D"] for p in one.points] == [640, 3968]
    assert one.points[1]["loss"] < 0.75 * np.log(21)
    assert one.points[1]["C"] == training_flops_per_token(one.model_config) * 3968
    again = trainer()
    again.run()
    assert again.points == one.points
    for point in one.points:
        alone = trainer((point["budget"],))
        alone.run()
        assert alone.points == [point]


def test_first_step_is_torchs_adamw():
    one = trainer((64,), schedule="constant", warmup_steps=0, weight_decay=0.1, clip=0.5)
    before = {name: value.clone() for name, value in one.model.parameters.items()}
    one.model.parameters["head"][:21].copy_(torch.eye(21, 9))
    before["head"] = one.model.parameters["head"].clone()
    lstm, embedding, head, logits = oracle(one.model)
    groups = [
        {"params": [embedding, lstm.bias_ih_l0, lstm.bias_ih_l1], "lr": 0.02, "weight_decay": 0.0},
        {
            "params": [head, lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.weight_ih_l1, lstm.weight_hh_l1],
            "lr": 0.02 * 32 / 9,
            "weight_decay": 0.1 * 9 / 32 * 32 / 9,
        },
    ]
    lstm.bias_hh_l0.requires_grad_(False)
    lstm.bias_hh_l1.requires_grad_(False)
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
    targets = torch.from_numpy(one.batches[0])
    F.cross_entropy(logits(targets)[..., :21].flatten(0, 1), targets.flatten()).backward()
    torch.nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], 0.5)
    optimiser.step()
    one.advance(1, one.plans[0])
    assert torch.allclose(one.model.parameters["layer1.state"], lstm.weight_hh_l1, rtol=1e-4, atol=1e-6)
    assert torch.allclose(one.model.parameters["layer0.bias"], lstm.bias_ih_l0, rtol=1e-4, atol=1e-6)
    assert torch.allclose(one.model.parameters["head"][:21], head[:21], rtol=1e-4, atol=1e-6)
    assert not torch.equal(one.model.parameters["layer1.state"], before["layer1.state"])


def test_resumed_run_is_bitwise_the_uninterrupted_one():
    whole, saved = trainer(), []
    whole.run()

    def stop(one):
        if one.step == 37:
            place, arrays = one.state()
            saved.append((place, {name: value.clone() for name, value in arrays.items()}))
            raise Stopped

    with pytest.raises(Stopped):
        trainer(between_steps=stop).run()
    second = trainer()
    second.load_state(*saved[0])
    second.run()
    assert second.curve() == whole.curve()
    assert torch.equal(second.model.flat, whole.model.flat)


def test_an_lstm_has_no_heads():
    with pytest.raises(TrainError, match="heads is 2, but an LSTM has none"):
        make_config("lstm", hidden=8, layers=1, vocab_size=9, heads=2)
    with pytest.raises(TrainError, match="architecture is 'gru'"):
        make_config("gru", hidden=8, layers=1, vocab_size=9)
    with pytest.raises(TrainError, match="precision is bf16, but an LSTM"):
        trainer(precision="bf16")
    with pytest.raises(TrainError, match="hidden is 0"):
        make_config("lstm", hidden=0, layers=1, vocab_size=9)
