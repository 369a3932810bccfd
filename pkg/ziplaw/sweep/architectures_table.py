"""architectures.csv, Kaplan's questions of architecture answered from runs.csv: loss against N by architecture, and
shape at fixed N.

Seeds are the replicates: a run's weights and order of data follow from its seed, so models are compared seed by seed
and intervals are Student's over seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..numerics.distributions import student_quantile
from ..numerics.functions import exp, log, raised
from ..numerics.linear import polyfit
from .folder import finite

SAME_N = 0.05
LEVEL = 0.95


def interval(values: Sequence[float] | np.ndarray, level: float = LEVEL) -> tuple[float, float | None, float | None]:
    """Mean and Student's interval of a few replicates; two None for a single one."""
    values = np.asarray(values, float)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, None, None
    half = float(student_quantile(len(values) - 1, 0.5 + level / 2) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


class MeasuredModel:
    """One model's losses by seed, at one budget on one dataset."""

    def __init__(self, rows: Sequence[dict[str, Any]]):
        first = rows[0]
        self.name, self.hidden, self.layers, self.N = (first[key] for key in ("model", "hidden", "layers", "N"))
        self.architecture = first.get("architecture") or "llama"
        self.loss = {row["seed"]: float(row["loss"]) for row in rows}

    def row(self, part: str, where: dict[str, Any]) -> dict[str, Any]:
        """Its row of the table."""
        mean, low, high = interval(list(self.loss.values()))
        return where | {
            "part": part,
            "architecture": self.architecture,
            "model": self.name,
            "hidden": self.hidden,
            "layers": self.layers,
            "N": self.N,
            "seeds": len(self.loss),
            "loss": mean,
            "loss_low": low,
            "loss_high": high,
        }


def _relative(found: dict[str, Any], ratios: Sequence[float]) -> dict[str, Any]:
    if not len(ratios):
        return found
    mean, low, high = interval(np.asarray(ratios) - 1.0)
    return found | {"relative": mean, "relative_low": low, "relative_high": high}


def ladders(models: Sequence[MeasuredModel]) -> dict[str, list[MeasuredModel]]:
    """By architecture, its models of the depth that has the most sizes (the shallower of two such), in order of N."""
    found: dict[str, list[MeasuredModel]] = {}
    for architecture in sorted({m.architecture for m in models}):
        own = [m for m in models if m.architecture == architecture]
        depth = max(sorted({m.layers for m in own}), key=lambda d: len({m.N for m in own if m.layers == d}))
        found[architecture] = sorted((m for m in own if m.layers == depth), key=lambda m: (m.N, m.name))
    return found


def slope(ladder: Sequence[MeasuredModel]) -> float | None:
    """D ln(loss) / d ln(N) along a ladder, by least squares; None for fewer than two sizes."""
    if len({m.N for m in ladder}) < 2:
        return None
    return float(polyfit([log(m.N) for m in ladder], [log(interval(list(m.loss.values()))[0]) for m in ladder], 1)[0])


def at_equal_N(reference: MeasuredModel, ladder: Sequence[MeasuredModel]) -> list[float]:
    """Loss of a ladder at the reference's N over the reference's loss, seed by seed; between sizes ln loss is linear in
    ln N.
    """
    ratios = []
    for seed, loss in sorted(reference.loss.items()):
        sizes = {m.N: m.loss[seed] for m in ladder if seed in m.loss}
        if len(sizes) < 2 or not min(sizes) <= reference.N <= max(sizes):
            continue
        x = sorted(sizes)
        ratios.append(float(exp(np.interp(log(reference.N), log(x), log([sizes[n] for n in x])))) / loss)
    return ratios


def same_size(
    models: Sequence[MeasuredModel], tolerance: float = SAME_N
) -> tuple[MeasuredModel, list[MeasuredModel]] | None:
    """The reference and the largest set of models of its architecture and nearly its N, of three depths or more.

    The reference is on its architecture's ladder. None when there is no such set.
    """
    best = None
    for architecture, ladder in ladders(models).items():
        for reference in ladder:
            near = [
                m for m in models if m.architecture == architecture and abs(m.N / reference.N - 1) <= tolerance + 1e-12
            ]
            if len({m.layers for m in near}) >= 3 and (best is None or len(near) > len(best[1])):
                best = reference, sorted(near, key=lambda m: (m.layers, m.hidden, m.name))
    return best


def architecture_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare the architectures and shapes of a sweep.

    Parameters
    ----------
    rows : sequence of dict
        Rows of runs.csv.

    Returns
    -------
    list of dict
        Rows of :data:`ziplaw.tables.declared.ARCHITECTURES`, by dataset and budget. ``part`` is "size": a model of its
        architecture's ladder, its mean loss (nats per token) and 95 % interval over seeds; "matched": a decoder of the
        ladder, and in ``relative`` how far the other architecture's loss at the same N lies above it (a share; below
        when negative); "shape": a model of nearly the reference's N (``N_mismatch``), ``relative`` to the reference,
        and in ``N_effect`` what the mismatch of N alone would do, by the ladder's slope. Nothing where every run
        diverged.
    """
    measured = [row for row in rows if finite(row.get("loss")) and row["loss"] > 0]
    found = []
    for dataset, budget in sorted({(row["dataset"], row["budget"]) for row in measured}):
        here = [row for row in measured if (row["dataset"], row["budget"]) == (dataset, budget)]
        names = sorted({row["model"] for row in here})
        models = [MeasuredModel([row for row in here if row["model"] == name]) for name in names]
        found += _rows_at(models, {"dataset": dataset, "budget": budget})
    return found


def _rows_at(models: list[MeasuredModel], where: dict[str, Any]) -> list[dict[str, Any]]:
    by_architecture = ladders(models)
    found = [m.row("size", where) for ladder in by_architecture.values() for m in ladder]
    reference_ladder = by_architecture.get("llama", [])
    for architecture, ladder in by_architecture.items():
        if architecture != "llama":
            for m in reference_ladder:
                ratios = at_equal_N(m, ladder)
                row = m.row("matched", where) | {"architecture": architecture, "seeds": len(ratios)}
                found += [_relative(row, ratios)] if ratios else []
    if group := same_size(models):
        reference, near = group
        steep = slope(by_architecture[reference.architecture])
        for m in near:
            shared = sorted(set(m.loss) & set(reference.loss))
            row = m.row("shape", where) | {"N_mismatch": m.N / reference.N - 1.0}
            row["N_effect"] = None if steep is None else raised(m.N / reference.N, steep) - 1.0
            found.append(_relative(row, [m.loss[s] / reference.loss[s] for s in shared]))
    return found
