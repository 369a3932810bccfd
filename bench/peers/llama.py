"""transformers' LlamaForCausalLM as a peer of the decoder: the same weights, the same optimiser, the usual loop."""

from __future__ import annotations

import importlib

import torch
import transformers
from torch import Tensor
from torch.nn import functional as F

from ziplaw.kernels import reference
from ziplaw.models.decoder import Decoder
from ziplaw.models.flat import shifted
from ziplaw.training.recipe.recipe import TrainConfig

from .loop import Loop


def as_transformers(model: Decoder) -> transformers.LlamaForCausalLM:
    """Copy a decoder into transformers' Llama, which turns feature j with j + d/2 where ours turns 2j with 2j + 1."""
    c, p = model.config, model.parameters
    shape = transformers.LlamaConfig(
        vocab_size=c.vocab_size,
        hidden_size=c.hidden,
        intermediate_size=c.intermediate,
        num_hidden_layers=c.layers,
        num_attention_heads=c.heads,
        max_position_embeddings=c.context,
        rms_norm_eps=reference.EPSILON,
        attn_implementation="sdpa",
    )
    # its own initial weights are drawn only to be overwritten: faster on the device
    with model.flat.device:
        llama = transformers.LlamaForCausalLM(shape).to(model.flat.dtype)
    one = torch.cat([torch.arange(0, c.head_width, 2), torch.arange(1, c.head_width, 2)])
    order = torch.cat([one + head * c.head_width for head in range(c.heads)]).to(model.flat.device)
    state = {
        "model.embed_tokens.weight": p["embedding"][: c.vocab_size],
        "model.norm.weight": p["final_norm"],
        "lm_head.weight": p["head"][: c.vocab_size],
    }
    for i in range(c.layers):
        q, k, v = p[f"layer{i}.qkv"].chunk(3)
        gate, up = p[f"layer{i}.gate_up"].chunk(2)
        parts = {
            "self_attn.q_proj": q[order],
            "self_attn.k_proj": k[order],
            "self_attn.v_proj": v,
            "self_attn.o_proj": p[f"layer{i}.out"],
            "mlp.gate_proj": gate,
            "mlp.up_proj": up,
            "mlp.down_proj": p[f"layer{i}.down"],
            "input_layernorm": p[f"layer{i}.attention_norm"],
            "post_attention_layernorm": p[f"layer{i}.mlp_norm"],
        }
        state |= {f"model.layers.{i}.{name}.weight": value for name, value in parts.items()}
    llama.load_state_dict(state)
    return llama


def peer(
    model: Decoder, config: TrainConfig, half: torch.dtype | None = None, compile_as: dict | None = None, liger=False
) -> Loop:
    """The usual loop around transformers' model.

    Parameters
    ----------
    model : Decoder
        Whose weights to start from, on the device to use.
    config : TrainConfig
        Resolved.
    half : torch.dtype, optional
        Compute in this dtype under autocast, over fp32 weights.
    compile_as : dict, optional
        Compile forward and backward, with these options of torch.compile.
    liger : bool
        With Liger's kernels, the fused head and cross-entropy among them.
    """
    llama = as_transformers(model)
    if liger:
        importlib.import_module("liger_kernel.transformers").apply_liger_kernel_to_llama(model=llama)

    def loss(targets: Tensor) -> Tensor:
        if liger:
            # the fused head is only taken where the model computes its own loss; ours are already shifted
            return llama(shifted(targets), labels=targets, shift_labels=targets, use_cache=False).loss
        logits = llama(shifted(targets), use_cache=False).logits
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    call = loss if compile_as is None else torch.compile(loss, **compile_as)
    return Loop(llama, call, config, model.config.hidden, half)
