"""Skills as plain numbers: both laws of every task, predictions, held-out errors, and what there is to doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import FitError
from ...numerics.functions import exp, log
from ..forms.arguments import Array
from .skills import LEAST_RUNS, Skills, widened_interval

INTERVALS = "bootstrap of residuals by run through both steps, plus the scatter of one run"
_FAR = 10.0  # times the largest compute: beyond it a prediction says how far it goes
_DIFFERENT = 0.01


def skills_document(
    skills: Skills,
    targets: Sequence[tuple[float, float]] = (),
    flops: Sequence[float] = (),
    test: Mapping[str, Array] | None = None,
    *,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 42,
) -> dict[str, Any]:
    """Return the laws, predictions and errors as plain numbers.

    Parameters
    ----------
    skills : Skills
    targets : sequence of (N, D)
        What to predict.
    flops : sequence of float
        Budgets at whose best split to predict.
    test : mapping, optional
        "N", "D" (m,), "losses" and "accuracy" (m, T) of measured runs that were not fitted.
    level, draws, seed
        Of the intervals.
    """
    law = skills.losses
    thetas, sigmoids = skills.redrawn(draws, seed)
    held = _held_out(skills)
    own = skills.own_indices()
    tasks = {}
    for t, task in enumerate(skills.tasks):
        drawn = law.parameters(t, thetas)
        second = skills.sigmoids[t]
        estimates = law.parameters(t)
        ends = {name: _ends(values, estimates[name], level, law.freedom) for name, values in drawn.items()}
        tasks[task] = {
            "loss_law": {name: float(value) for name, value in estimates.items()},
            "loss_law_intervals": ends,
            "loss_scatter": float(law.scatter[t]),
            "sigmoid": second.parameters,
            "sigmoid_intervals": {
                name: _ends(values, second.parameters[name], level, second.freedom)
                for name, values in second.natural(sigmoids[t]).items()
            },
            "accuracy_scatter": second.scatter,
            "accuracy_range": [float(second.accuracy.min()), float(second.accuracy.max())],
            "chance": float(skills.chance[t]),
            "emerged": skills.emerged[t],
            "holdout": held and {name: float(value[t]) for name, value in held["tasks"].items()},
        }
    document = {
        "tasks": tasks,
        "n": len(law.N),
        "shared_index": bool(law.group.max() == 0),
        "tied": law.tie,
        "own_indices": own,
        "holdout": held and {key: value for key, value in held.items() if key != "tasks"},
        "level": level,
        "draws": draws,
        "interval_method": INTERVALS,
        "predictions": [_prediction(skills, N, D, level, draws, seed) for N, D in targets]
        + [_at_best_split(skills, C, level, draws, seed) for C in flops],
        "test": None if test is None else _test(skills, test, level, draws, seed),
    }
    document["warnings"] = _warnings(skills, document)
    return document


def _ends(values, estimate, level, freedom):
    """Interval of a parameter; those above 0 are widened in their logarithm."""
    if estimate > 0 and (values > 0).all():
        return [float(exp(end)) for end in widened_interval(log(values), log(estimate), level, freedom)]
    return [max(end, 0.0) for end in widened_interval(values, estimate, level, freedom)]


def _held_out(skills):
    """Mean absolute errors on the runs of the largest C, by a refit without them; None where too few are left."""
    law = skills.losses
    C = law.N * law.D
    m = max(2, round(0.15 * len(C)))
    if len(C) - m < LEAST_RUNS:
        return None
    rows = np.zeros(len(C), dtype=bool)
    rows[np.argsort(C, kind="stable")[-m:]] = True
    try:
        errors = skills.held_out(rows)
    except FitError:
        return None
    means = {key: np.abs(value).mean(axis=0) for key, value in errors.items()}
    here = np.isfinite(means["accuracy"])
    return {"n": m, "tasks": means, "loss": float(means["loss"].mean()),
            "step_two": float(means["step_two"][here].mean()) if here.any() else None,
            "accuracy": float(means["accuracy"][here].mean()) if here.any() else None}  # fmt: skip


def _prediction(skills, N, D, level, draws, seed):
    found = skills.predict(N, D, level=level, draws=draws, seed=seed)
    tasks = {
        task: {
            "loss": float(found.loss[t]),
            "loss_interval": found.loss_interval[t].tolist(),
            "accuracy": float(found.accuracy[t]),
            "accuracy_interval": found.accuracy_interval[t].tolist(),
        }
        for t, task in enumerate(skills.tasks)
    }
    farthest = float((skills.losses.N * skills.losses.D).max())
    return {
        "N": found.N,
        "D": found.D,
        "C": 6 * found.N * found.D,
        "times_largest_C": found.N * found.D / farthest,
        "split_intervals": None,
        "tasks": tasks,
        "mean_accuracy": found.mean,
        "mean_accuracy_interval": list(found.mean_interval),
    }


def _at_best_split(skills, C, level, draws, seed):
    N, D = skills.best_split(C)
    found = _prediction(skills, N, D, level, draws, seed)
    lo, hi = _ends(skills.splits(C, draws, seed), N, level, skills.losses.freedom)
    return found | {"split_intervals": {"N": [lo, hi], "D": [C / 6 / hi, C / 6 / lo]}}


def _test(skills, test, level, draws, seed):
    """Errors at measured runs, both steps told apart, and how often the intervals hold them."""
    errors = skills.errors(test["N"], test["D"], test["losses"], test["accuracy"])
    within = {"loss": np.zeros(len(skills.tasks), int), "accuracy": np.zeros(len(skills.tasks), int)}
    rows = []
    for i, (N, D) in enumerate(zip(test["N"], test["D"])):
        found = _prediction(skills, float(N), float(D), level, draws, seed)
        for t, task in enumerate(skills.tasks):
            own = found["tasks"][task]
            own["measured_loss"] = float(test["losses"][i, t])
            own["measured_accuracy"] = float(test["accuracy"][i, t])
            own["step_one_error"] = float(errors["loss"][i, t])
            own["step_two_error"] = float(errors["step_two"][i, t])
            own["error"] = float(errors["accuracy"][i, t])
            for key in within:
                lo, hi = own[f"{key}_interval"]
                within[key][t] += lo <= own[f"measured_{key}"] <= hi
        rows.append(found)
    here = np.array(skills.emerged)
    n, size = len(rows), len(rows) * int(here.sum())
    return {
        "n": n,
        "runs": rows,
        "loss_error": float(np.abs(errors["loss"]).mean()),
        "step_two_error": float(np.abs(errors["step_two"][:, here]).mean()) if size else None,
        "accuracy_error": float(np.abs(errors["accuracy"][:, here]).mean()) if size else None,
        "loss_within": [int(within["loss"].sum()), n * len(here)],
        "accuracy_within": [int(within["accuracy"][here].sum()), size],
    }


def _warnings(skills, document):
    law, found = skills.losses, []
    if not law.converged:
        found.append("step one has not converged: its laws are not to be used")
    if names := law.at_bounds:
        found.append(f"{' and '.join(names)} of step one at a bound: these runs do not tell what N and D are worth")
    if bad := [task for task, s in zip(skills.tasks, skills.sigmoids) if not s.converged]:
        found.append(f"step two has not converged for {', '.join(bad)}")
    if bad := [task for task, here in zip(skills.tasks, skills.emerged) if not here]:
        found.append(
            f"not emerged: {', '.join(bad)}: accuracy does not rise above "
            f"{'chance' if _known(skills) else 'its noise'} in these runs, so none is predicted; its loss is"
        )
    early = [task for task, s, here in zip(skills.tasks, skills.sigmoids, skills.emerged) if here and _is_early(s)]
    if early:
        held = skills.ends[1] is not None
        found.append(
            f"{', '.join(early)}: below the middle of the rise in every run: the upper end is "
            f"{'assumed, not measured (--upper)' if held else 'hardly known'}"
        )
    own = document["own_indices"]
    if own and own["p_value"] < _DIFFERENT:
        found.append(
            f"indices of the tasks differ (F({own['df1']}, {own['df2']:.0f}) = {own['F']:.2f}, "
            f"p {own['p_value']:.2g}): --own-index gives each its own, at more parameters than few runs bear"
        )
    for prediction in document["predictions"]:
        if prediction["times_largest_C"] > _FAR:
            found.append(
                f"C {prediction['C']:.3g} is {prediction['times_largest_C']:.0f} times the largest of these runs: the "
                "intervals know the scatter of the runs, not whether the laws still hold there"
            )
    return found


def _is_early(sigmoid):
    ends = sigmoid.parameters
    return sigmoid.accuracy.max() < (ends["low"] + ends["high"]) / 2


def _known(skills):
    return bool(np.isfinite(skills.chance).any())
