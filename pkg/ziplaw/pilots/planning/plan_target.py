"""The run that a pilot's plan asks for: a shape, what it costs, what vocabulary and a small corpus do to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...laws.forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ...laws.pilots.compute import Compute
from ...laws.plans.repeating import repeating_advice
from ...models.shape.counts import count_params
from ...models.shape.decoder_config import ModelConfig
from ...models.shape.flops import forward_flops_per_token, training_flops_per_token
from ...models.shape.ladder import head_share, nearest_shape
from ...numerics.distributions import normal_inverse
from ...numerics.functions import log
from .results_folder import PilotFolder

# what is assumed of the machine where nothing is said: dense bf16 of an H100 at two fifths of its peak, rented
GPU_FLOPS, PRICE = 4e14, 2.5
_HOUR = 3600.0


def target_shape(pilot: PilotFolder, N: float, C: float) -> dict[str, Any]:
    """A decoder of about N parameters with the pilot's vocabulary and context, and the tokens that C pays for.

    Returns
    -------
    dict
        hidden, layers, heads, intermediate, vocab_size, context, N, N_total, D, C_6nd, flops_per_token.
    """
    config = nearest_shape(N, pilot.vocab_size, pilot.context)
    count, cost = count_params(config), training_flops_per_token(config)
    D = C / cost
    return {
        **{key: getattr(config, key) for key in ("hidden", "layers", "heads", "intermediate", "vocab_size", "context")},
        "N": count.N,
        "N_total": count.N_total,
        "D": D,
        "C_6nd": FLOPS_PER_PARAMETER_TOKEN * count.N * D,
        "flops_per_token": cost,
    }


def bill(C: float, gpu_flops: float = GPU_FLOPS, price: float = PRICE) -> dict[str, Any]:
    """Hours of one GPU and their price, at a sustained rate.

    Parameters
    ----------
    C : float
        Training FLOPs, all of them.
    gpu_flops : float
        FLOPs a second that a GPU sustains.
    price : float
        Of an hour, in any currency.
    """
    hours = C / gpu_flops / _HOUR
    return {"gpu_flops": gpu_flops, "price": price, "gpu_hours": hours, "cost": hours * price}


def vocabulary(pilot: PilotFolder, shape: dict[str, Any]) -> dict[str, Any]:
    """Where parameters and FLOPs go, at the target and at every size of the pilot.

    Returns
    -------
    dict
        ``size``; ``bytes_per_token``; ``why`` (the tokenizer's report); ``sizes``, a list of hidden, layers, N,
        N_total, embedding_share (of N_total), head_share and attention_share (of the FLOPs), ``target`` true of the
        last.
    """
    known = {(row["hidden"], row["layers"]): row["N"] for row in pilot.cells}
    rows = [_shares(ModelConfig(int(hidden), int(layers), pilot.vocab_size, context=pilot.context), False)
            for (hidden, layers), _ in sorted(known.items(), key=lambda item: item[1])]  # fmt: skip
    names = ("hidden", "layers", "vocab_size", "heads", "intermediate", "context")
    rows.append(_shares(ModelConfig(**{name: shape[name] for name in names}), True))
    report, score = pilot.tokenizer or {}, pilot.score or {}
    return {
        "size": pilot.vocab_size,
        "bytes_per_token": report.get("bytes_per_token") or score.get("bytes_per_token"),
        "why": report.get("why"),
        "sizes": rows,
    }


def _shares(config, target):
    count, flops = count_params(config), forward_flops_per_token(config)
    head, embedding = head_share(config)
    return {
        "hidden": config.hidden,
        "layers": config.layers,
        "N": count.N,
        "N_total": count.N_total,
        "embedding_share": embedding,
        "head_share": head,
        "attention_share": flops["attention"] / sum(flops.values()),
        "target": target,
    }


def data_needed(
    pilot: PilotFolder, compute: Compute, best: dict[str, Any], level: float, given: float | None = None
) -> dict[str, Any]:
    """How often the plan goes through the corpus (or so many tokens as are given), and what that costs.

    Returns
    -------
    dict
        ``unique_tokens unique_tokens_error training_tokens epochs epochs_interval``, and ``repeating``, see
        ``repeating_advice``: None where D asks for no more than there is.
    """
    unique, error = pilot.unique_tokens if given is None else (given, None)
    D, (low, high) = best["D"], best["D_interval"]
    n_low, n_high = best["N_interval"]
    z = float(normal_inverse((1 + level) / 2))
    sd = float(log(n_high / n_low) / (2 * z)) if n_low > 0 and np.isfinite(n_high) else 0.0
    return {
        "unique_tokens": unique,
        "unique_tokens_error": error,
        "training_tokens": pilot.training_tokens,
        "epochs": D / unique,
        "epochs_interval": [low / unique, high / unique],
        "repeating": repeating_advice(
            best["C_6nd"], best["N"], D, unique, log_sd=sd, level=level, tokens=lambda N: compute.tokens(N, best["C"])
        ),
    }
