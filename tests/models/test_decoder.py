"""The decoder: parameter counts, shapes, and its hand-written backward pass against float64 autograd."""

import itertools

import pytest
import torch

from ziplaw.errors import TrainError
from ziplaw.models import plain_decoder
from ziplaw.models.decoder import Decoder, ModelConfig, default_heads, parameter_layout
from ziplaw.models.flat import count_params, init_seed, shifted
from ziplaw.models.flops import forward_flops_per_token, six_nd, training_flops_per_token
from ziplaw.models.roof import least_seconds
from ziplaw.training.steps.cpu_step import Recorder

torch.set_num_threads(1)

PAPER = {
    (64, 2, 1): 4_178_368,
    (128, 4, 2): 8_848_768,
    (256, 6, 4): 20_320_000,
    (512, 10, 8): 58_994_176,
    (1024, 20, 16): 275_295_232,
    (2048, 30, 32): 1_389_492_224,
}


@pytest.mark.parametrize(("shape", "total"), PAPER.items())
def test_paper_totals(shape, total):
    hidden, layers, heads = shape
    config = ModelConfig(hidden, layers, 32001)
    count = count_params(config)
    assert config.heads == heads
    assert count.N_total == total
    assert total - 2 * 32001 * hidden == count.N
    assert 10 * layers * hidden**2 + (2 * layers + 1) * hidden == count.N


def test_count_is_what_the_model_holds():
    config = ModelConfig(24, 3, 37, intermediate=40)
    model = Decoder(config)
    assert model.flat.numel() == count_params(config).N_total == sum(v.numel() for v in model.parameters.values())
    assert model.parameters["layer2.down"].data_ptr() == model.views(model.flat)["layer2.down"].data_ptr()


def test_default_heads():
    expected = {2: 1, 8: 1, 12: 1, 24: 1, 48: 1, 64: 1, 94: 1, 96: 2, 128: 2, 160: 2, 192: 3, 202: 1, 2048: 32}
    assert {h: default_heads(h) for h in expected} == expected
    for hidden in range(2, 400, 2):
        heads = default_heads(hidden)
        assert hidden % heads == 0
        assert (hidden // heads) % 2 == 0


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"hidden": 7}, "even width"),
        ({"hidden": 0}, "hidden is 0"),
        ({"hidden": 8.0}, "hidden is 8.0"),
        ({"layers": 0}, "layers is 0"),
        ({"layers": True}, "layers is True"),
        ({"vocab_size": 1}, "vocab_size is 1"),
        ({"heads": 3}, "heads is 3"),
        ({"heads": 8}, "heads is 8"),
        ({"context": 0}, "context is 0"),
        ({"intermediate": -1}, "intermediate is -1"),
    ],
)
def test_bad_shapes(arguments, part):
    with pytest.raises(TrainError, match=part) as caught:
        ModelConfig(**{"hidden": 8, "layers": 2, "vocab_size": 5, **arguments})
    assert "\n" not in str(caught.value)


def test_flops_by_hand():
    config = ModelConfig(64, 2, 2001)
    parts = forward_flops_per_token(config)
    assert parts["projections"] + parts["mlp"] == 2 * 10 * 64 * 64 * 2
    assert parts["head"] == 2 * 64 * 2001
    # brute force over the positions a query may see: 2 products of 64 multiply-adds per key, 2 layers
    seen = sum(2 * 2 * 64 * (t + 1) * 2 for t in range(256)) / 256
    assert parts["attention"] == seen
    assert training_flops_per_token(config) == 3 * sum(parts.values())
    assert round(training_flops_per_token(config) / 1e6, 2) == 1.46
    assert six_nd(config, 1000) == 6000 * count_params(config).N


def test_roofs_by_calculation():
    """ms of arithmetic and of memory traffic a step of 32 documents on an H100, as worked out elsewhere by hand."""
    known = {
        (64, 2): (0.015, 0.129),
        (128, 4): (0.064, 0.349),
        (256, 6): (0.30, 0.96),
        (512, 10): (1.75, 3.21),
        (1024, 20): (13.3, 13.9),
        (2048, 30): (78.5, 49.7),
    }
    for (hidden, layers), (arithmetic, memory) in known.items():
        got = least_seconds(ModelConfig(hidden, layers, 2001), 32)
        assert got[0] * 1e3 == pytest.approx(arithmetic, rel=0.05)
        assert got[1] * 1e3 == pytest.approx(memory, rel=0.05)


@pytest.mark.parametrize(
    ("hidden", "layers", "heads", "context", "positions"),
    [(8, 2, None, 12, 12), (12, 1, 2, 150, 150), (24, 2, 3, 70, 65), (6, 3, 1, 64, 64), (2, 1, 1, 5, 1)],
)
@pytest.mark.parametrize("style", ["mup", "llama"])
def test_loss_and_gradients_against_twin(hidden, layers, heads, context, positions, style):
    config = ModelConfig(hidden, layers, 19, heads=heads, context=context)
    model = Decoder(config, dtype=torch.float64)
    model.initialise(3, style)
    # a zero head and unit gains would hide mistakes
    generator = torch.Generator().manual_seed(1)
    model.flat.add_(torch.randn(model.flat.shape, generator=generator, dtype=torch.float64), alpha=0.1)
    model.grad.fill_(torch.nan)
    targets = torch.randint(0, 19, (3, positions), generator=generator)
    inputs = shifted(targets)
    loss = model.loss_and_grad(targets)
    leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
    expected = plain_decoder.token_losses(config, leaves, targets).mean()
    expected.backward()
    assert abs(loss - expected) < 1e-12
    for name, leaf in leaves.items():
        error = (model.grads[name] - leaf.grad).abs().max() / leaf.grad.abs().max().clamp(min=1e-12)
        assert error < 1e-9, (name, float(error))
    assert torch.allclose(model.logits(inputs), plain_decoder.logits(config, leaves, inputs), atol=1e-12)
    assert torch.allclose(model.token_losses(targets).mean(), expected, atol=1e-12)


def test_future_tokens_do_not_matter():
    config = ModelConfig(16, 2, 11, context=130)
    model = Decoder(config)
    model.initialise(0, "llama")
    tokens = torch.randint(0, 11, (1, 130), generator=torch.Generator().manual_seed(0))
    before = model.logits(tokens)
    for t in (1, 63, 64, 65, 129):
        changed = tokens.clone()
        changed[0, t] = (changed[0, t] + 1) % 11
        after = model.logits(changed)
        assert torch.equal(before[:, :t], after[:, :t])
        assert not torch.equal(before[:, t], after[:, t])


def test_same_as_transformers():
    transformers = pytest.importorskip("transformers")
    config = ModelConfig(32, 2, 50, heads=2, context=40)
    model = Decoder(config, dtype=torch.float64)
    model.initialise(5, "llama")
    llama = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=50,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=40,
            rms_norm_eps=1e-5,
        )
    ).double()
    assert sum(p.numel() for p in llama.parameters()) == count_params(config).N_total
    p = model.parameters
    # transformers turns feature j with j + d/2, here 2j turns with 2j + 1
    order = torch.cat([torch.arange(0, 16, 2), torch.arange(1, 16, 2)])
    order = torch.cat([order, order + 16])
    state = {
        "model.embed_tokens.weight": p["embedding"],
        "model.norm.weight": p["final_norm"],
        "lm_head.weight": p["head"],
    }
    for i in range(2):
        q, k, v = p[f"layer{i}.qkv"].chunk(3)
        gate, up = p[f"layer{i}.gate_up"].chunk(2)
        state |= {
            f"model.layers.{i}.{name}.weight": value
            for name, value in {
                "self_attn.q_proj": q[order],
                "self_attn.k_proj": k[order],
                "self_attn.v_proj": v,
                "self_attn.o_proj": p[f"layer{i}.out"],
                "mlp.gate_proj": gate,
                "mlp.up_proj": up,
                "mlp.down_proj": p[f"layer{i}.down"],
                "input_layernorm": p[f"layer{i}.attention_norm"],
                "post_attention_layernorm": p[f"layer{i}.mlp_norm"],
            }.items()
        }
    llama.load_state_dict(state)
    tokens = torch.randint(0, 50, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(llama(tokens).logits, model.logits(tokens), atol=1e-6)


def test_initial_weights_depend_on_seed_model_and_corpus():
    config = ModelConfig(8, 2, 11)
    seeds = {init_seed(s, c, d) for s, c, d in itertools.product((0, 1), (config, ModelConfig(8, 3, 11)), ("a", "b"))}
    assert len(seeds) == 8
    assert all(0 <= s < 1 << 63 for s in seeds)
    one, two = Decoder(config), Decoder(config)
    one.initialise(7)
    two.initialise(7)
    assert torch.equal(one.flat, two.flat)
    two.initialise(8)
    assert not torch.equal(one.flat, two.flat)


def test_mup_start_is_uniform_and_norms_are_one():
    config = ModelConfig(16, 2, 33, context=20)
    model = Decoder(config)
    model.initialise(0)
    tokens = torch.randint(0, 33, (2, 20))
    assert torch.allclose(model.token_losses(tokens), torch.tensor(33.0).log())
    assert all((model.parameters[n] == 1).all() for n, _, g in parameter_layout(config) if g == "norms")


@pytest.mark.parametrize(
    ("hidden", "layers", "heads", "context", "documents"),
    [(8, 2, None, 12, 3), (12, 1, 2, 150, 2), (24, 2, 3, 65, 3), (6, 3, 1, 64, 5), (2, 1, 1, 5, 1)],
)
def test_recorded_cpu_step_against_twin(hidden, layers, heads, context, documents):
    config = ModelConfig(hidden, layers, 19, heads=heads, context=context)
    model = Decoder(config, dtype=torch.float64)
    model.initialise(3, "llama")
    generator = torch.Generator().manual_seed(1)
    model.flat.add_(torch.randn(model.flat.shape, generator=generator, dtype=torch.float64), alpha=0.1)
    step = Recorder(model, documents, backward=True)
    look = Recorder(model, documents, backward=False)
    for _ in range(2):
        model.grad.fill_(torch.nan)
        targets = torch.randint(0, 19, (documents, context), generator=generator)
        step.replay(targets)
        look.replay(targets)
        leaves = {name: value.clone().requires_grad_() for name, value in model.parameters.items()}
        expected = plain_decoder.token_losses(config, leaves, targets).mean()
        expected.backward()
        assert abs(step.losses.mean() - expected) < 1e-12
        assert torch.allclose(step.losses, look.losses, atol=1e-12)
        assert torch.allclose(look.losses, model.token_losses(targets), atol=1e-12)
        for name, leaf in leaves.items():
            error = (model.grads[name] - leaf.grad).abs().max() / leaf.grad.abs().max().clamp(min=1e-12)
            assert error < 1e-9, (name, float(error))
        # the weights move under the recording, as in training
        model.flat.add_(torch.randn(model.flat.shape, generator=generator, dtype=torch.float64), alpha=0.1)
