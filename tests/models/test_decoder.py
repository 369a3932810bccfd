"""The decoder: parameter counts, shapes, and its hand-written backward pass against float64 autograd."""

import contextlib

import pytest
import torch
from lesser_processor import output_here, output_there

from ziplaw.errors import TrainError
from ziplaw.models import plain_decoder
from ziplaw.models.decoder import Decoder
from ziplaw.models.flat import shifted
from ziplaw.models.shape.counts import count_params
from ziplaw.models.shape.decoder_config import ModelConfig, default_heads, parameter_layout

torch.set_num_threads(1)


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


def test_mup_start_is_uniform_and_norms_are_one():
    config = ModelConfig(16, 2, 33, context=20)
    model = Decoder(config)
    model.initialise(0)
    tokens = torch.randint(0, 33, (2, 20))
    assert torch.allclose(model.token_losses(tokens), torch.tensor(33.0).log())
    assert all((model.parameters[n] == 1).all() for n, _, g in parameter_layout(config) if g == "norms")


SHOWN = """
import hashlib, torch
from ziplaw.models.decoder import Decoder
from ziplaw.models.shape.decoder_config import ModelConfig
from ziplaw.models.lstm import Lstm
from ziplaw.models.shape.lstm_config import LstmConfig
def show(tensor):
    print(hashlib.sha256(tensor.numpy().tobytes()).hexdigest()[:16])
for style in ("mup", "llama"):
    for model in (Decoder(ModelConfig(24, 2, 37, heads=2, context=300)), Lstm(LstmConfig(9, 2, 37))):
        model.initialise(2, style)
        show(model.flat)
show(Decoder(ModelConfig(24, 1, 2, heads=2, context=4096)).table)
"""


def test_a_model_starts_from_the_same_bits_on_every_processor():
    golden = "ee7cd4377fa931ad 614c7f8db054a5b1 c161c5dcf33e887e 7edbcbd806e93311 25e17e344933de06"
    assert output_here(SHOWN).split() == output_there(SHOWN).split() == golden.split()


def test_tokens_are_sorted_beside_the_passes():
    """The order of the tokens, which only the embedding's gradient needs, is forked off before the first layer."""
    log = []

    class Beside:
        @contextlib.contextmanager
        def fork(self):
            log.append("fork")
            yield
            log.append("and on")

        def join(self):
            log.append("join")

    class Noted:
        def __init__(self, ops):
            self.ops = ops

        def __getattr__(self, name):
            found = getattr(self.ops, name)
            return (lambda *a, **k: (log.append(name), found(*a, **k))[1]) if callable(found) else found

    model = Decoder(ModelConfig(8, 1, 11, context=12))
    model.side, model.ops = Beside(), Noted(model.ops)
    model.loss_and_grad(torch.zeros((2, 12), dtype=torch.int64))
    assert log[:5] == ["embed", "fork", "embedding_order", "and on", "rms_norm_forward"]
    assert log[-2:] == ["join", "embedding_backward"]
