"""One dataset of a sweep under every link, on all of its cells: how well each holds, and the split that each gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.distributions import student_quantile
from ...numerics.functions import exp, geomspace, log, logaddexp, product
from ..forms import arguments
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN, exponents, near_best, split
from ..forms.arguments import Array
from ..forms.catalogue import LINKS
from ..intervals import identification
from ..solve.levels import SAME_VALUE, near_groups
from ..valleys.isoflop import isoflop_split
from .fit import LawFit
from .link_fit import LinkFit, fit_link

Row = Mapping[str, Any]  # of runs.csv
Linked = LawFit | LinkFit
HELD_OUT = 0.15  # of the cells, those with the most compute
NEAR = 1e-3  # of the loss: what a model of another size may cost and still count as near the best
MIN_RUNS, MIN_SIZES = 4, 3
MOST_REDRAWN = 1000
_CURVE, _BUDGETS = 41, 13
_BEYOND = 1.0  # of the index: how far a drawn curve goes on past the cells


def fit_links(
    rows: Sequence[Row],
    *,
    floor: float | None = None,
    unigram: float | None = None,
    links: Sequence[str] = LINKS,
    level: float = 0.95,
) -> dict[str, dict[str, Any]]:
    """Fit ln(A/N^alpha + B/D^beta) under every link to all measured cells of a dataset, whatever their regime.

    With a floor, E is held at it and ln(loss - floor) is fitted by least squares: the loss alone would hide the misfit
    near the floor. A cell whose excess is below its own standard error (``loss_stderr``) has no logarithm to speak of:
    it is left out, here and of the hold-out, and counted. Without a floor E is free and ln(loss) is fitted. The upper
    end of the bounded link is the unigram entropy where it is known.

    Parameters
    ----------
    rows : sequence of dict
        Measured rows of runs.csv, of one dataset: model, seed, N, D, loss; loss_stderr where known.
    floor, unigram : float, optional
        Nats per token.
    links : sequence of str
        Which.
    level : float
        Coverage of the intervals, by the jackknife over runs.

    Returns
    -------
    dict
        link -> its part of ``fits/<dataset>.json`` (``docs/formats.md``). A link that cannot be fitted has the same
        keys, with ``converged`` false and a message.
    """
    kept = [row for row in rows if floor is None or _above(row, floor)]
    middle = float(exp(np.mean([log(FLOPS_PER_PARAMETER_TOKEN * row["N"] * row["D"]) for row in rows] or [0.0])))
    return {link: _one(link, kept, len(rows) - len(kept), floor, unigram, level, middle) for link in links}


def split_by_isoflop(
    rows: Sequence[Row], *, level: float = 0.95, seed: int = 42, n: int = MOST_REDRAWN
) -> dict[str, Any]:
    """Return the split of a dataset by isoFLOP, which assumes no law: ``split``, or None with the reason in ``note``.

    ``n`` tables are redrawn for its intervals, ``MOST_REDRAWN`` at most; see `isoflop_split`.
    """
    N, D, loss = (np.array([row[key] for row in rows], dtype=np.float64) for key in ("N", "D", "loss"))
    try:
        found = isoflop_split(N, D, loss, seed=seed, runs=_runs(rows), level=level, n=min(n, MOST_REDRAWN))
    except FitError as error:
        return {"split": None, "note": str(error)}
    split = found["split"]
    if split and not np.isfinite(split["covariance"]).all():
        # too few valleys for any interval
        split |= {"covariance": None, "intervals": {name: [None, None] for name in split["intervals"]}}
    return found


def _runs(rows: Sequence[Row]) -> list[str]:
    return [f"{row.get('model')}/{row.get('seed')}" for row in rows]


def _above(row: Row, floor: float) -> bool:
    return bool(row["loss"] - floor > max(row.get("loss_stderr") or 0.0, 0.0))


def _one(link, rows, n_left_out, floor, unigram, level, middle):
    N, D, loss = (np.array([row[key] for row in rows], dtype=np.float64) for key in ("N", "D", "loss"))
    start = {
        "E": floor,
        "U": unigram if link == "bounded" else None,
        "error_of": "loss" if floor is None else "excess",
        "n": len(rows),
        "n_left_out": n_left_out,
    }
    try:
        fitted = fit_link(
            N, D, loss, link=link, E=floor, U=start["U"], excess=floor is not None, objective="log-mse",
            duplicates="keep", units="keep",
        )  # fmt: skip
    except FitError as error:
        return _failed(start, str(error))
    if not fitted.converged:
        return _failed(start, fitted.message)
    if not np.isfinite(fitted.parameters).all():
        return _failed(start, "not converged: parameters ran out of range")
    estimates = fitted.estimates
    runs = _runs(rows)
    return start | {
        "E": float(estimates.get("E", floor or 0.0)),
        "U": estimates.get("U", start["U"]),
        "parameters": estimates,
        "index": {name: estimates[name] for name in ("A", "B", "alpha", "beta")},
        "converged": True,
        "message": fitted.message,
        "flags": list(fitted.flags),
        "objective": fitted.objective,
        "rms_log_residual": fitted.rms,
        "holdout": _holdout(fitted, floor),
        "split": jackknifed_split(fitted, runs, middle, level),
        "near_best": _near_best(fitted),
        "curve": _curve(fitted),
    }


def _failed(start, message):
    empty = dict.fromkeys(("parameters", "index", "objective", "rms_log_residual", "holdout", "split", "near_best"))
    return start | empty | {"curve": None, "converged": False, "message": message, "flags": ["not converged"]}


def largest(C: Array, share: float = HELD_OUT) -> npt.NDArray[np.bool_]:
    """Mask of the share of cells with the most compute; all that tie with the last of them."""
    return np.asarray(C >= np.quantile(C, 1 - share))


def _holdout(fitted: Linked, floor: float | None) -> dict[str, Any] | None:
    """Error where compute is largest, by a refit without it: of ln(loss - floor), or of ln(loss) without a floor."""
    top = largest(fitted.columns["N"] * fitted.columns["D"])
    try:
        rest = fitted.refit(~top)
    except FitError:
        return None
    if not rest.converged:
        return None
    predicted = rest.predict(fitted.columns["N"][top], fitted.columns["D"][top]) - (floor or 0.0)
    error = log(predicted / (fitted.loss[top] - (floor or 0.0)))
    return {"n": int(top.sum()), "rms_log_error": float(np.sqrt(np.square(error).mean()))}


def jackknifed_split(fitted: Linked, runs: Sequence[str], C: float, level: float = 0.95) -> dict[str, Any]:
    """Return a SPLIT: ln N_opt at one compute and the exponent a, with their covariance.

    The covariance is the jackknife's over runs, k - 1 over k times the sum of squares of the refits without each of the
    k runs about their mean; the intervals are Student's with k - 1 degrees of freedom.

    Parameters
    ----------
    fitted : LawFit or LinkFit
        The law.
    runs : sequence of str (n,)
        The run of each row.
    C : float
        The compute, FLOPs: the middle of what was measured, where ln N_opt is known best.
    level : float
        Coverage.

    Returns
    -------
    dict
        ``C``, ``ln_N``, ``a``, ``covariance`` (2, 2), ``intervals``, ``identified``,
        ``method``, ``reason`` (why it is not identified; None where it is).
    """
    estimate = np.array(fitted.split_at(C), dtype=np.float64)
    out: dict[str, Any] = {"C": C, "ln_N": float(estimate[0]), "a": float(estimate[1]), "covariance": None}
    draws, method = _left_out(fitted, runs, C)
    out |= {"intervals": {"ln_N": [None, None], "a": [None, None]}, "method": method}
    if draws is not None:
        k = len(draws)
        off = draws - draws.mean(axis=0)
        covariance = product((k - 1) / k * off.T, off)
        t = student_quantile(k - 1, (1 + arguments.check_level(level)) / 2)
        half = t * np.sqrt(np.diag(covariance))
        ends = np.column_stack([estimate - half, estimate + half])
        # a is a share; N_opt has no more room than a token each way leaves
        ends[1] = np.clip(ends[1], 0.0, 1.0)
        out |= {"covariance": covariance.tolist(), "intervals": dict(zip(("ln_N", "a"), ends.tolist()))}
    reason = _doubt(fitted, out, draws)
    return out | {"identified": reason is None, "reason": reason}


def _left_out(fitted, runs, C):
    laws, method = laws_left_out(fitted, runs)
    if laws is None:
        return None, method
    draws = np.column_stack([log(split(laws, C, fitted.form)[0]), exponents(laws, fitted.form)[0]])
    if not np.isfinite(draws).all():
        return None, "none: without some run there is no split"
    return draws, method


def laws_left_out(fitted: Linked, runs: Sequence[str]) -> tuple[Array | None, str]:
    """Fit a law again without each of its runs, for the jackknife.

    Parameters
    ----------
    fitted : LawFit or LinkFit
        The law.
    runs : sequence of str (n,)
        The run of each row.

    Returns
    -------
    laws : ndarray, float64 (k, p), or None
        Natural parameters without each of the k runs, in the order of their names; None where they are too few or some
        refit fails.
    method : str
        What was done, or why there is nothing.
    """
    runs = np.asarray(runs)
    names = np.unique(runs)
    sizes = near_groups(fitted.columns["N"], SAME_VALUE)
    if len(names) < MIN_RUNS:
        return None, f"none: {len(names)} runs, and leaving one out at a time needs {MIN_RUNS}"
    for name in names:
        left = len(np.unique(sizes[runs != name]))
        if left < MIN_SIZES - 1:
            return None, f"none: without {name} there is {left} model size, of which the split needs {MIN_SIZES - 1}"
    # each from the estimate, as refits of a jackknife are; where that fails from every start
    weights = fitted.weights * (runs != names[:, None])
    start = np.repeat(fitted.solution.theta[None], len(names), axis=0)
    theta, _, converged = fitted.problem.solve(start, weights=weights, threads=1)
    laws = np.array(fitted.problem.natural(theta), dtype=np.float64)
    for i, name in enumerate(names):
        if not converged[i]:
            rest = fitted.refit(runs != name)
            if not rest.converged:
                return None, f"none: without {name} the fit did not converge"
            laws[i] = _as_of(rest, fitted)
    return laws, f"jackknife over {len(names)} runs, t with {len(names) - 1} degrees of freedom"


def _as_of(rest, fitted):
    """Parameters of a refit in the form of the fit: one from every start places the free link's knots anew, and their
    number goes with the rows. Its slope, linear between knots, is read at the fit's own.
    """
    knots = fitted.form.link.knots
    first = len(fitted.parameters) - len(knots)
    if not knots:
        return rest.parameters
    return np.append(rest.parameters[:first], np.interp(knots, rest.form.link.knots, rest.parameters[first:]))


def _doubt(fitted, split, draws):
    """Why a split may not be quoted; None when it may."""
    lost = [flag for flag in fitted.flags if flag.split()[0] in ("A", "B", "alpha", "beta")]
    if lost:
        return lost[0]
    if draws is None:
        return split["method"].removeprefix("none: ")
    low, high = split["intervals"]["ln_N"]
    if (high - low) / log(10) > identification.WIDE_DECADES:
        return f"the {identification.WIDE_DECADES:.0f} decades of N that may be best are no split"
    # at equal compute D/N changes by the square of N
    sizes = log(fitted.columns["N"])
    room = log(identification.OUTSIDE_FACTOR) / 2
    if not sizes.min() - room <= split["ln_N"] <= sizes.max() + room:
        return "the optimum lies outside the runs"
    return None


def _near_best(fitted):
    """The best N over the measured compute, and the N whose loss at that compute is within ``NEAR`` of the best."""
    N, D = fitted.columns["N"], fitted.columns["D"]
    C = geomspace(*np.quantile(FLOPS_PER_PARAMETER_TOKEN * N * D, [0.0, 1.0]), _BUDGETS)
    best, tokens = split(fitted.parameters, C, fitted.form)
    loss = fitted.form.loss_at(fitted.parameters, best, tokens)
    low, high = near_best(fitted.parameters, C, NEAR, fitted.form)
    found = {"C": C, "N": best, "loss": loss, "low": np.where(low > 0, low, np.nan), "high": high}
    # no end, where the loss never rises as far
    numbers = {name: [v if np.isfinite(v) else None for v in values.tolist()] for name, values in found.items()}
    return numbers | {"tolerance": NEAR}


def _curve(fitted):
    """The link as drawn: excess over E at values of the index that span the cells and a little more."""
    _, A, B, alpha, beta = fitted.parameters[:5]
    N, D = fitted.columns["N"], fitted.columns["D"]
    z = logaddexp(log(A) - alpha * log(N), log(B) - beta * log(D))
    grid = np.linspace(z.min() - _BEYOND, z.max() + _BEYOND, _CURVE)
    E = float(fitted.estimates.get("E", 0.0))
    return {"z": grid.tolist(), "excess": (fitted.form.loss_of_index(fitted.parameters, grid) - E).tolist()}
