"""How far the links, and isoFLOP beside them, disagree about the best split and about how it moves with H."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....numerics.functions import exp
from .dataset_splits import ISOFLOP, Splits


def disagreement(splits: Mapping[str, Splits], by: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Compare the splits of every dataset over links and isoFLOP, and the slopes in H over them.

    Parameters
    ----------
    splits : dict of str to Splits
        By link or "isoflop", all at one compute.
    by : dict
        The trends of the same kinds.

    Returns
    -------
    dict
        ``datasets``: for each of at least two kinds ``N_factor`` (largest N_opt over smallest), ``smallest``,
        ``largest`` (the kinds), ``a_range``; ``N_factor_median``, ``a_range_median``; ``slopes`` (of ln N_opt by
        kind), ``per_tenth`` (smallest and largest factor in N_opt for .1 of H), ``signs_agree``, ``text``.
    """
    found: dict[str, dict[str, Any]] = {}
    for kind in by:
        for name, pair in zip(splits[kind].names, splits[kind].y):
            found.setdefault(name, {})[kind] = pair
    datasets = []
    for name, pairs in found.items():
        if len(pairs) < 2:
            continue
        ordered = sorted(pairs, key=lambda kind: pairs[kind][0])
        exponents = [pair[1] for pair in pairs.values()]
        datasets.append(
            {
                "dataset": name,
                "N_factor": float(exp(min(pairs[ordered[-1]][0] - pairs[ordered[0]][0], 690))),
                "smallest": ordered[0],
                "largest": ordered[-1],
                "a_range": float(max(exponents) - min(exponents)),
                "n_kinds": len(pairs),
            }
        )
    slopes = {kind: entry["lines"]["ln_N"]["slope"] for kind, entry in by.items()}
    factors = [entry["lines"]["ln_N"]["per_tenth"] for entry in by.values()]
    out: dict[str, Any] = {
        "datasets": datasets,
        "N_factor_median": _median(datasets, "N_factor"),
        "a_range_median": _median(datasets, "a_range"),
        "slopes": slopes,
        "per_tenth": [float(min(factors)), float(max(factors))],
        "signs_agree": len({slope > 0 for slope in slopes.values()}) == 1,
    }
    return out | {"text": _words(out)}


def _median(datasets, key):
    return float(np.median([entry[key] for entry in datasets])) if datasets else None


def _words(found):
    if len(found["slopes"]) < 2:
        return "one answer only: nothing to compare it with"
    kinds = _named(found["slopes"])
    parts = []
    if found["datasets"]:
        worst = max(found["datasets"], key=lambda entry: entry["N_factor"])
        parts.append(
            f"{kinds} put N_opt of a dataset within a factor of {found['N_factor_median']:.2f} (median over datasets; "
            f"at most {worst['N_factor']:.2f}, {worst['dataset']}) and a within {found['a_range_median']:.2f}"
        )
    low, high = found["per_tenth"]
    if found["signs_agree"]:
        which = "rises" if low > 1 else "falls"
        parts.append(f"by each of them N_opt {which} with H, x{low:.2f} to x{high:.2f} for .1 of H")
    else:
        up = [k for k, slope in found["slopes"].items() if slope > 0]
        down = [k for k in found["slopes"] if k not in up]
        parts.append(f"N_opt rises with H by {_named(up)} and falls by {_named(down)}")
    return "; ".join(parts)


def _named(kinds):
    return ", ".join("isoFLOP" if kind == ISOFLOP else kind for kind in kinds)
