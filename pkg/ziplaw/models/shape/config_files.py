"""A decoder's shape in the files that other trainers read: transformers' config.json, Meta's params.json, nanoGPT's.

``hf``: what ``transformers.LlamaConfig`` loads; N and what the plan says of the training stand under the key
``ziplaw``. ``llama``: params.json as Meta's code takes it, which knows no other keys; its width of the SwiGLU follows
from ``ffn_dim_multiplier``. ``nanogpt``: a Python file for its ``train.py``. A GPT-2 has other matrices in a layer, so
that its width and depth are its own for an N.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import TrainError, shown
from .counts import count_params
from .decoder_config import ModelConfig
from .ladder import decoder_N, nearest_shape

KINDS = ("hf", "llama", "nanogpt")
# three matrices of a SwiGLU 8/3 h wide as Meta sizes it, times this, are those of one 2 h wide
FFN_MULTIPLIER = 0.75
GPT2_SQUARES = 12
MARK = "ziplaw plan"
_MICRO_BATCH = 32  # sequences that nanoGPT holds at a time


class PlannedTraining(NamedTuple):
    """What a plan says of a model's training: tokens, peak learning rate, tokens a step, and whose rule says so."""

    tokens: float
    learning_rate: float
    batch_tokens: float
    rule: str


class ConfigText(NamedTuple):
    """A config as written: its text, the shape behind it, and that shape's N and N_total."""

    text: str
    shape: ModelConfig
    N: int
    N_total: int


def config_text(kind: str, N: float, vocab_size: int, context: int, training: PlannedTraining) -> ConfigText:
    """Write the config of a model of about N parameters.

    Parameters
    ----------
    kind : {"hf", "llama", "nanogpt"}
    N : float
        Wanted non-embedding parameters; the nearest shape (``ladder.nearest_shape``) has those of ``ConfigText.N``.
    vocab_size, context : int
        Of the model.
    training : PlannedTraining

    Raises
    ------
    TrainError
        When the kind is not known, or a number is out of range.
    """
    if kind not in KINDS:
        raise TrainError(f"the kind of config is {shown(kind)}, must be one of {', '.join(KINDS)}")
    if kind == "nanogpt":
        return _nanogpt(nearest_shape(N, vocab_size, context, GPT2_SQUARES), training)
    shape = nearest_shape(N, vocab_size, context)
    count = count_params(shape)
    text = _json(_hf(shape, training) if kind == "hf" else _llama(shape))
    return ConfigText(text, shape, count.N, count.N_total)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _hf(shape: ModelConfig, training: PlannedTraining) -> dict[str, Any]:
    count = count_params(shape)
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.head_width,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.context,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": False,
        "initializer_range": 0.02,
        "bos_token_id": None,
        "eos_token_id": None,
        "ziplaw": {
            "made_by": MARK,
            "N": count.N,
            "N_total": count.N_total,
            "training_tokens": round(training.tokens),
            "learning_rate": float(f"{training.learning_rate:.3g}"),
            "batch_tokens": round(training.batch_tokens),
            "rule": training.rule,
        },
    }


def _llama(shape: ModelConfig) -> dict[str, Any]:
    return {
        "dim": shape.hidden,
        "n_layers": shape.layers,
        "n_heads": shape.heads,
        "n_kv_heads": shape.heads,
        "vocab_size": shape.vocab_size,
        "ffn_dim_multiplier": FFN_MULTIPLIER,
        "multiple_of": math.gcd(shape.intermediate, 256),
        "norm_eps": 1e-5,
        "rope_theta": 10000.0,
    }


def _nanogpt(shape: ModelConfig, training: PlannedTraining) -> ConfigText:
    h, layers = shape.hidden, shape.layers
    N = int(decoder_N(h, layers, GPT2_SQUARES))
    total = N + (shape.vocab_size + shape.context) * h
    sequences = max(1, round(training.batch_tokens / shape.context))
    steps = -(-sequences // _MICRO_BATCH)
    batch = max(1, round(sequences / steps))
    iters = max(1, round(training.tokens / (steps * batch * shape.context)))
    text = f"""# nanoGPT, made by {MARK}: N = {N} non-embedding parameters
# {total} with the embeddings of tokens and positions; the head is tied to the first
# data/<dataset>/meta.pkl says vocab_size = {shape.vocab_size}: without it train.py takes 50304
n_layer = {layers}
n_head = {shape.heads}
n_embd = {h}
block_size = {shape.context}
bias = False
dropout = 0.0
# {steps * batch * shape.context} tokens a step, {training.tokens:.3g} in all
batch_size = {batch}
gradient_accumulation_steps = {steps}
max_iters = {iters}
lr_decay_iters = {iters}
warmup_iters = {min(2000, max(1, iters // 100))}
# {training.rule}
learning_rate = {training.learning_rate:.3g}
min_lr = {training.learning_rate / 10:.3g}
"""
    return ConfigText(text, shape, N, total)


def is_config_file(path: Path) -> bool:
    """Tell whether a file is an earlier config of any kind, by its mark; of params.json, by its every byte."""
    text = path.read_bytes()[: 1 << 16].decode("utf-8", "replace")
    if f'"made_by": "{MARK}"' in text or re.match(rf"# nanoGPT, made by {MARK}: ", text):
        return True
    try:
        found = json.loads(text)
        shape = ModelConfig(found["dim"], found["n_layers"], found["vocab_size"], heads=found["n_heads"])
    except (ValueError, KeyError, TypeError, TrainError):
        return False
    return text == _json(_llama(shape))
