"""transformers' LlamaForCausalLM as a peer of the decoder: the same weights, the same optimiser, the usual loop."""

from __future__ import annotations

import contextlib
import importlib

import torch
import transformers
from torch.nn import functional as F

from ziplaw.kernels import reference
from ziplaw.models.decoder import Decoder
from ziplaw.models.flat import shifted
from ziplaw.training.recipe.recipe import TrainConfig


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


class Peer:
    """The usual loop around transformers' model: autograd, clip_grad_norm_, torch's fused AdamW.

    Parameters
    ----------
    model : Decoder
        Whose weights to start from, on the device to use.
    config : TrainConfig
        Resolved.
    autocast : torch.dtype, optional
        Compute in this dtype under autocast, over fp32 weights.
    compiled : bool
        torch.compile with CUDA graphs for forward and backward.
    liger : bool
        With Liger's kernels, the fused head and cross-entropy among them.
    """

    def __init__(
        self,
        model: Decoder,
        config: TrainConfig,
        autocast: torch.dtype | None = None,
        compiled: bool = False,
        liger: bool = False,
    ):
        self.device, self.autocast, self.clip, self.liger = model.flat.device, autocast, config.clip, liger
        self.llama = as_transformers(model)
        if liger:
            kernels = importlib.import_module("liger_kernel.transformers")
            kernels.apply_liger_kernel_to_llama(model=self.llama)
        self.call = torch.compile(self.loss, mode="reduce-overhead") if compiled else self.loss
        scales = config.rate_scales(model.config.hidden)
        unscaled = [p for n, p in self.llama.named_parameters() if "norm" in n or "embed" in n]
        scaled = [p for n, p in self.llama.named_parameters() if not ("norm" in n or "embed" in n)]
        self.factors = (scales["embedding"], scales["mlp"])
        self.optimiser = torch.optim.AdamW(
            [{"params": unscaled}, {"params": scaled}],
            lr=1.0,
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
            weight_decay=0.0,
            fused=True,
        )

    def loss(self, targets):
        """Mean cross-entropy of documents."""
        half = torch.autocast(self.device.type, self.autocast) if self.autocast else contextlib.nullcontext()
        with half:
            if self.liger:
                # the fused head is only taken where the model computes its own loss; ours are already shifted
                inputs = shifted(targets)
                return self.llama(inputs, labels=targets, shift_labels=targets, use_cache=False).loss
            logits = self.llama(shifted(targets), use_cache=False).logits
        return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    def step(self, targets, rate):
        """One optimiser step; returns the loss."""
        for group, factor in zip(self.optimiser.param_groups, self.factors):
            group["lr"] = rate * factor
        self.optimiser.zero_grad()
        loss = self.call(targets)
        loss.backward()
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.llama.parameters(), self.clip)
        self.optimiser.step()
        return loss.detach()
