"""A mixture law as plain numbers: effects, held-out errors beside a linear regression's, the best mixture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...numerics.distributions import normal_inverse
from ...numerics.functions import exp, log, log1p, product, tanh
from ..forms.arguments import Array
from .best_mixture import best_mixture
from .mixtures import FOLDS, MixtureLaw, linear_prediction, rank_correlation

INTERVALS = "bootstrap over mixtures"
_POOR_RANK = 0.7
_PEER_RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def mixtures_document(
    law: MixtureLaw,
    *,
    points: npt.ArrayLike | None = None,
    target: Mapping[str, float] | None = None,
    low: Mapping[str, float] | None = None,
    high: Mapping[str, float] | None = None,
    level: float = 0.95,
    draws: int = 200,
    seed: int = 42,
) -> dict[str, Any]:
    """Return the law, its errors and what it recommends as plain numbers.

    Parameters
    ----------
    law : MixtureLaw
    points : array-like (m, J), optional
        Mixtures to predict.
    target : mapping, optional
        Domain -> what its loss counts in the best mixture; all the same by default.
    low, high : mapping, optional
        Name of a weight -> its limits.
    level, draws, seed
        Of the intervals.
    """
    effects, ends = law.effects(), law.effect_intervals(level, draws, seed)
    known = law.weights.max(axis=0) > 0
    parameters = law.parameters
    domains = {}
    drawn = law.refits(draws, seed)
    drawn_k = exp(product(drawn[..., 1:], law.average))
    for i, domain in enumerate(law.domains):
        domains[domain] = {
            "c": float(parameters["c"][i]),
            "c_interval": _ends(drawn[:, i, 0], level),
            "k": float(parameters["k"][i]),
            "k_interval": _ends(drawn_k[:, i], level),
            "ridge": float(law.ridge[i]),
            "rms_log_residual": float(np.sqrt(np.square(law.residuals[:, i]).mean())),
            "converged": bool(law.converged[i]),
            "effects": {
                name: {"t": float(effects[i, j]), "interval": ends[i, j].tolist()}
                for j, name in enumerate(law.names)
                if known[j]
            },
        }
    document = {
        "domains": domains,
        "weights": list(law.names),
        "average": dict(zip(law.names, law.average.tolist())),
        "n": len(law.weights),
        "level": level,
        "draws": draws,
        "interval_method": INTERVALS,
        "holdout": {"folds": FOLDS, "domains": _errors(law.domains, law.held_out, law.losses, level)},
        "tests": [],
        "predictions": [] if points is None else _predictions(law, np.asarray(points), level, draws, seed),
        "best": _best(law, target, low or {}, high or {}, level, draws, seed),
    }
    document["warnings"] = _warnings(law, document, known)
    return document


def _ends(values, level):
    return [float(end) for end in np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])]


def rank_interval(r: float, n: int, level: float) -> tuple[float, float]:
    """Interval of a rank correlation over n pairs: Fisher's z with the variance of Bonett and Wright (2000)."""
    if not np.isfinite(r) or n < 5:
        return np.nan, np.nan
    half = normal_inverse(0.5 + level / 2) * np.sqrt((1 + r * r / 2) / (n - 3))
    r = np.clip(r, -1 + 1e-12, 1 - 1e-12)
    z = 0.5 * log1p(2 * r / (1 - r))  # the inverse of tanh
    return float(tanh(z - half)), float(tanh(z + half))


def _errors(domains, predicted, measured, level):
    ranks = rank_correlation(predicted, measured)
    off = log(np.maximum(predicted, 1e-300) / measured)
    return {
        domain: {
            "rank": float(ranks[i]),
            "rank_interval": list(rank_interval(ranks[i], len(measured), level)),
            "rms_log_error": float(np.sqrt(np.square(off[:, i]).mean())),
            "mean_log_error": float(off[:, i].mean()),
        }
        for i, domain in enumerate(domains)
    }


def mixtures_test(
    law: MixtureLaw, weights: Array, losses: Array, *, level: float = 0.95, draws: int = 200, seed: int = 42
) -> dict[str, Any]:
    """Errors at further mixtures (m, J) with losses (m, T), beside those of linear peers.

    Also where the mixture with the lowest predicted mean loss stands among them. ``other_scale`` is set where more than
    half of the losses lie outside of their intervals: then only the order can be compared.
    """
    found = law.outcome(weights, level=level, draws=draws, seed=seed)
    domains = _errors(law.domains, found.loss, losses, level)
    inside = (found.interval[..., 0] <= losses) & (losses <= found.interval[..., 1])
    peers = {"linear": linear_prediction(law, weights), "ridge": _ridge(law, weights)}
    ranks = {name: rank_correlation(predicted, losses) for name, predicted in peers.items()}
    for i, domain in enumerate(law.domains):
        domains[domain]["within"] = float(inside[:, i].mean())
        domains[domain] |= {f"rank_{name}": float(values[i]) for name, values in ranks.items()}
    mean = losses.mean(axis=1)
    pick = int(np.argmin(found.loss.mean(axis=1)))
    return {
        "n": len(losses),
        "domains": domains,
        "mean_rank": float(np.mean([entry["rank"] for entry in domains.values()])),
        "mean_rank_linear": float(ranks["linear"].mean()),
        "mean_rank_ridge": float(ranks["ridge"].mean()),
        "within": float(inside.mean()),
        "other_scale": bool(inside.mean() < 0.5),
        "favourite": {"place": int((mean < mean[pick]).sum()) + 1, "loss": float(mean[pick]), "best": float(mean.min()),
                      "median": float(np.median(mean))},
    }  # fmt: skip


def _ridge(law, weights):
    """Ridge regression, its penalty the best of a few by five folds over all domains."""
    n = len(law.weights)
    fold = np.random.default_rng(0).permutation(n) % FOLDS

    def error(ridge):
        total = 0.0
        for i in range(FOLDS):
            part = replace(law, weights=law.weights[fold != i], losses=law.losses[fold != i])
            found = linear_prediction(part, law.weights[fold == i], ridge)
            total += float(np.square(found - law.losses[fold == i]).sum())
        return total

    return linear_prediction(law, weights, min(_PEER_RIDGES, key=error))


def _predictions(law, points, level, draws, seed):
    found = law.outcome(points, level=level, draws=draws, seed=seed)
    return [
        {
            "weights": dict(zip(law.names, points[m].tolist())),
            "domains": {
                domain: {"loss": float(found.loss[m, i]), "interval": found.interval[m, i].tolist()}
                for i, domain in enumerate(law.domains)
            },
        }
        for m in range(len(points))
    ]


def _best(law, target, low, high, level, draws, seed):
    """The best mixture, against the best measured one and against the average."""
    share = None if target is None else np.array([target.get(domain, 0.0) for domain in law.domains])
    lo = np.array([low.get(name, 0.0) for name in law.names])
    hi = np.array([high.get(name, most) for name, most in zip(law.names, law.weights.max(axis=0))])
    options = {"low": lo, "high": hi, "level": level, "draws": draws, "seed": seed}
    best = best_mixture(law, share, **options)
    over_average = best_mixture(law, share, reference=law.average, **options)
    gains = {
        name: {"loss": found.reference_loss, "gain": found.gain, "interval": list(found.interval),
               "real": found.is_real, "weights": dict(zip(law.names, found.reference.tolist()))}
        for name, found in (("best measured", best), ("average", over_average))
    }  # fmt: skip
    return {"weights": dict(zip(law.names, best.weights.tolist())), "loss": best.loss, "over": gains,
            "optimism": best.optimism, "distance": best.distance, "usual_distance": best.usual_distance,
            "extrapolates": best.extrapolates}  # fmt: skip


def _warnings(law, document, known):
    found = []
    if bad := [domain for domain, done in zip(law.domains, law.converged) if not done]:
        found.append(f"not converged: {', '.join(bad)}")
    if bad := [name for name, here in zip(law.names, known) if not here]:
        found.append(f"{', '.join(bad)}: 0 in every run, so nothing is known of it")
    if bad := [d for i, d in enumerate(law.domains) if law.parameters["c"][i] > law.losses[:, i].min()]:
        found.append(
            f"c lies above the lowest loss measured for {len(bad)} of {len(law.domains)} losses ({', '.join(bad[:4])}"
            f"{', ...' if len(bad) > 4 else ''}): near the purest mixtures the law is too flat"
        )
    ranks = {domain: entry["rank"] for domain, entry in document["holdout"]["domains"].items()}
    if bad := [domain for domain, rank in ranks.items() if not rank >= _POOR_RANK]:
        found.append(
            f"held-out rank correlation below {_POOR_RANK:g} for {len(bad)} of {len(ranks)} losses: runs of several "
            "scales or settings in one fit? --where keeps those of one"
        )
    if document["best"]["extrapolates"]:
        found.append("the best mixture is farther from any measured one than these are from each other: try it first")
    return found
