"""A shape as other trainers' configs: each gives a model of the N that it states."""

import json
import re

import pytest

from ziplaw.errors import TrainError
from ziplaw.models.shape.config_files import (
    FFN_MULTIPLIER,
    KINDS,
    PlannedTraining,
    config_text,
    is_config_file,
)
from ziplaw.models.shape.ladder import ladder

TRAINING = PlannedTraining(6e10, 7.4e-4, 8e5, "a rule, its source")


def llama_parameters(hidden, inner, layers, vocab):
    """Of LlamaForCausalLM without biases: attention, gate, up and down, two norms a layer and one at the end."""
    inside = layers * (4 * hidden * hidden + 3 * hidden * inner + 2 * hidden) + hidden
    return inside, inside + 2 * vocab * hidden


def meta_intermediate(dim: int, multiple_of: int, ffn_dim_multiplier: float) -> int:
    """Width of the SwiGLU that Meta's code makes of params.json."""
    width = int(ffn_dim_multiplier * int(2 * 4 * dim / 3))
    return multiple_of * -(-width // multiple_of)


@pytest.mark.parametrize("N", [5e3, 1e6, 3e8, 3e9, 7e10])
def test_hf_config_has_the_N_that_it_states(N):
    found = config_text("hf", N, 8193, 256, TRAINING)
    read = json.loads(found.text)
    sizes = [read[key] for key in ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")]
    assert llama_parameters(*sizes) == (found.N, found.N_total)
    assert read["head_dim"] * read["num_attention_heads"] == read["hidden_size"]
    said = read["ziplaw"]
    assert (said["N"], said["N_total"], said["training_tokens"]) == (found.N, found.N_total, 60_000_000_000)
    assert abs(found.N / N - 1) < 0.05


@pytest.mark.parametrize("N", [1e6, 1e8])
def test_transformers_makes_that_model_of_it(N, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    found = config_text("hf", N, 8193, 256, TRAINING)
    (tmp_path / "config.json").write_text(found.text)
    config = transformers.LlamaConfig.from_pretrained(tmp_path)
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config)
    total = sum(p.numel() for p in model.parameters())
    embeddings = model.model.embed_tokens.weight.numel() + model.lm_head.weight.numel()
    assert (total - embeddings, total) == (found.N, found.N_total)


def test_meta_s_code_makes_the_same_width_of_params_json():
    for size in ladder(8193, 256):
        found = config_text("llama", size.N, 8193, 256, TRAINING)
        read = json.loads(found.text)
        # all that Meta's ModelArgs takes from the file, and nothing else
        assert set(read) == {"dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "multiple_of",
                             "ffn_dim_multiplier", "norm_eps", "rope_theta"}  # fmt: skip
        inner = meta_intermediate(read["dim"], read["multiple_of"], read["ffn_dim_multiplier"])
        assert inner == 2 * read["dim"] == found.shape.intermediate
        assert llama_parameters(read["dim"], inner, read["n_layers"], 8193) == (found.N, found.N_total)


def test_meta_s_rule_is_that_of_its_own_models():
    # Llama 2 7B and Llama 3 8B, as their params.json and weights have it
    assert meta_intermediate(4096, 256, 1) == 11008
    assert meta_intermediate(4096, 1024, 1.3) == 14336
    assert FFN_MULTIPLIER * 8 / 3 == 2


@pytest.mark.parametrize(("N", "batch"), [(1e6, 3e3), (3e8, 8e5)])
def test_nanogpt_config_has_the_N_and_the_tokens_that_it_states(N, batch):
    found = config_text("nanogpt", N, 50304, 1024, TRAINING._replace(batch_tokens=batch))
    given = {}
    exec(found.text, given)
    h, layers = given["n_embd"], given["n_layer"]
    # GPT-2 without biases: attention 4 h^2, MLP 8 h^2, two norms; nanoGPT counts all but positions, the head is tied
    assert found.N == layers * (12 * h * h + 2 * h) + h == int(re.search(r"N = (\d+)", found.text)[1])
    assert found.N_total == found.N + (50304 + 1024) * h
    assert abs(found.N / N - 1) < 0.05
    a_step = given["batch_size"] * given["gradient_accumulation_steps"] * given["block_size"]
    assert a_step == pytest.approx(batch, rel=0.05)
    assert given["max_iters"] * a_step == pytest.approx(6e10, rel=1e-3)
    assert given["learning_rate"] == 7.4e-4
    assert given["bias"] is False


def test_only_earlier_configs_are_recognised(tmp_path):
    path = tmp_path / "file"
    for kind in KINDS:
        path.write_text(config_text(kind, 1e6, 8193, 256, TRAINING).text)
        assert is_config_file(path)
    theirs = {"dim": 4096, "multiple_of": 256, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-5, "vocab_size": 32000}
    for text in (json.dumps(theirs), '{"model_type": "llama"}', "n_layer = 12\n", "[1]", '"dim"'):
        path.write_text(text)
        assert not is_config_file(path)
    with pytest.raises(TrainError, match="must be one of hf, llama, nanogpt"):
        config_text("gguf", 1e6, 9, 9, TRAINING)
