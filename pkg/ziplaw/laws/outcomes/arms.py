"""What a change of data, optimizer or architecture is worth in compute: one arm's runs against another's.

At the compute-optimal frontier, L_arm(C) = L_base(m C): the base needs m times the compute for the same loss. Where
both arms share E, alpha and beta, L_arm(N, D) = L_base(s N, t D) and m = s t is one number; else it depends on C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...base import limits
from ...errors import FitError, integer
from ...numerics.distributions import f_beyond, student_quantile
from ...numerics.functions import einsum, exp, log
from ..forms import arguments
from ..solve.additive import Array
from .arms_design import Table, checked_arms
from .arms_factors import constant_factors, deviations, frontier, interval, log_factor_at_C, log_factor_at_size
from .arms_fit import ArmCells, ArmsFit, cells_of, fit_model, sharing, solve

# a share of the loss: beyond it a law describes its runs poorly, as for any fit
_POOR_RMS = 0.05
_LEVEL = 0.05  # of the test whether the arms share E, alpha and beta
_RELABELLINGS = 999
_TIE = 1e-7  # two sums of squares this close (relative) are equal
_LEAST_PAIRS = 6
_POINTS = 60
_WIDE = 100.0  # an interval wider than this, as a factor, identifies nothing
# with fewer runs of both arms together than this, refits of resampled runs scatter too little (86 % coverage with 12)
_FEW_RUNS = 30


def compare_arms(
    base: Table,
    arm: Table,
    *,
    sizes: Sequence[float] = (),
    along_C: bool = False,
    bootstrap: int = 1000,
    level: float = 0.95,
    seed: int = 42,
) -> dict[str, Any]:
    """Compute multiplier of an arm over a base, with intervals.

    Least squares on log loss. Three models of the pair are fitted: each arm its own additive law; E, alpha and beta
    shared; one law for both. Intervals are quantiles of refits to resampled runs, in pairs where both arms have a run
    of one N and D, corrected for median bias and widened by t.

    Parameters
    ----------
    base, arm : (N, D, loss), each array-like (n,)
        Runs of either arm: parameters, tokens, held-out loss on the same evaluation, in the same unit.
    sizes : sequence of float
        N at which to say how many of the base's tokens one of the arm's is worth.
    along_C : bool
        Fit E + K/C^gamma in place of a law of N and D; so it is where N and D move together in both arms, or one of
        them does not move.
    bootstrap : int
        Refits behind the intervals.
    level : float
        Coverage of the intervals.
    seed : int
        Of resampling and relabelling.

    Returns
    -------
    dict
        See ``docs/formats.md``: "factor" with interval (and "N_factor", "D_factor"), "shared" (may one factor be
        used?), "difference" (is there any?), "by_C" (the factor by laws of their own), "by_N" (of tokens at equal
        size), "warnings", "usable".

    Raises
    ------
    FitError
        When a table is malformed or too small, or the losses of the two do not overlap.
    """
    bootstrap = integer("bootstrap", bootstrap, 100, 100_000, "1000 refits are usual", FitError)
    level = arguments.check_level(level)
    tables, ladder = checked_arms(base, arm, along_C)
    if ladder and len(sizes):
        raise FitError("tokens at equal N cannot be compared: the law is one of C alone, for N and D move together")
    sizes = [float(arguments.check_within(N, "N", limits.SIZE)) for N in sizes]
    cells, n = cells_of(tables, ladder), [len(table[0]) for table in tables]
    needed = sharing("factor", 2, ladder).shape[-1] + 1
    if cells.n < needed:
        raise FitError(f"{cells.n} runs of both arms together: at least {needed} are needed")
    rng, few = np.random.default_rng(seed), cells.n < _FEW_RUNS
    weights = _resampled(cells, bootstrap, rng)
    known = min(n) > sharing("own", 1, ladder).shape[-1]
    fits = {model: fit_model(cells, model) for model in (("own",) if known else ()) + ("factor", "equal")}
    resampling = f"{'paired ' if cells.n_pairs else ''}case bootstrap, {bootstrap} refits, bias-corrected, t"
    out: dict[str, Any] = {
        "design": "ladder" if ladder else "grid",
        "n": n,
        "n_pairs": cells.n_pairs,
        "C": [[float((6.0 * N * D).min()), float((6.0 * N * D).max())] for N, D, _ in tables],
        "rms_log_residual": {model: float(np.sqrt(found.rss[0] / cells.n)) for model, found in fits.items()},
        "parameters": {model: [_natural(local, cells) for local in fits[model].local[0]] for model in fits},
        "difference": _f_test(fits, cells, "equal", "factor") | {"p_permutation": _relabelled(cells, rng)},
        "shared": _f_test(fits, cells, "factor", "own") if known else {"F": None, "df": None, "p_value": None},
        "by_C": [],
        "by_N": [],
        "level": level,
        "interval_method": f"factor: standard errors and t; by_C: {resampling}" if few else resampling,
    }
    p = out["shared"]["p_value"]
    out["shared"]["holds"] = None if p is None else p > _LEVEL
    drawn = None if few else _refitted(cells, "factor", fits["factor"], weights)
    out |= _constant(fits["factor"], drawn, cells, level)
    if known:
        laws = _Own(fits["own"], _refitted(cells, "own", fits["own"], weights), cells, level)
        out["by_C"] = laws.by_C(out["C"])
        out["by_N"] = [laws.at_size(N, tables[1][1]) for N in sizes]
    out["warnings"] = _warnings(out, fits)
    out["usable"] = not out["warnings"]
    return out


def _resampled(cells: ArmCells, n: int, rng: np.random.Generator) -> Array:
    """Weights (n, K, rows): how often each pair, and each run without one, is drawn."""
    out = np.zeros((n, *cells.w.shape))
    pairs = cells.n_pairs
    if pairs:
        out[:, :, :pairs] = rng.multinomial(pairs, np.full(pairs, 1 / pairs), size=n)[:, None]
    for k, w in enumerate(cells.w):
        if single := int(w.sum()) - pairs:
            out[:, k, pairs : pairs + single] = rng.multinomial(single, np.full(single, 1 / single), size=n)
    return out


def _refitted(cells: ArmCells, model: str, found: ArmsFit, weights: Array) -> ArmsFit:
    """Refit resampled runs from the estimate, some hundreds at a time: the arrays of a step stay small."""
    parts = []
    for start in range(0, len(weights), 250):
        w = weights[start : start + 250]
        parts.append(solve(cells, model, np.repeat(found.theta, len(w), axis=0), w=w))
    names = ("theta", "local", "rss", "converged")
    return ArmsFit(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _constant(found: ArmsFit, drawn: ArmsFit | None, cells: ArmCells, level: float) -> dict[str, Any]:
    """The one factor for all C, and of N and D, with intervals: from refits, else by standard errors and t."""
    out = {}
    draws = None if drawn is None else constant_factors(drawn.local, cells.ladder)
    errors = deviations(found, cells) if draws is None else {}
    for name, (estimate,) in constant_factors(found.local, cells.ladder).items():
        if draws is None:
            freedom = max(cells.n - found.theta.shape[-1], 1)
            ends = estimate + errors[name] * student_quantile(freedom, [(1 - level) / 2, (1 + level) / 2])
        else:
            ends = interval(draws[name], estimate, level, _freedom(cells))
        out[name] = _row(value=estimate, interval=ends)
    return out


@dataclass(frozen=True)
class _Own:
    """Laws of either arm's own, and their refits."""

    found: ArmsFit
    drawn: ArmsFit
    cells: ArmCells
    level: float

    def by_C(self, ranges: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
        """The factor at up to three computes of the arm, where the loss is within what both arms measured if any is."""
        (base_low, base_high), (low, high) = log(ranges)
        grid = np.linspace(low, high, _POINTS)
        log_m = log_factor_at_C(self.found.local[0], self.cells, grid)
        inside = np.flatnonzero((grid + log_m >= base_low - 1e-9) & (grid + log_m <= base_high + 1e-9))
        chosen = np.unique(inside[[0, len(inside) // 2, -1]]) if len(inside) else [_POINTS // 2]
        E, k, gamma = (v[0] for v in frontier(self.found.local[:, 1], self.cells))
        out = []
        for i in chosen:
            ends = interval(
                log_factor_at_C(self.drawn.local, self.cells, grid[i]), log_m[i], self.level, _freedom(self.cells)
            )
            row = _row(C=grid[i], factor=log_m[i], interval=ends)
            out.append(row | {"loss": float(E + exp(k - gamma * grid[i])), "extrapolates": not len(inside)})
        return out

    def at_size(self, N: float, D: Array) -> dict[str, Any]:
        """How many tokens of the base one of the arm's is worth at N, in the middle of the arm's D."""
        log_D = float(log(D).min() + log(D).max()) / 2
        of = (self.cells, log(N), log_D)
        estimate = float(log_factor_at_size(self.found.local[0], *of))
        ends = interval(log_factor_at_size(self.drawn.local, *of), estimate, self.level, _freedom(self.cells))
        return {"N": N} | _row(D=log_D, factor=estimate, interval=ends)


def _freedom(cells: ArmCells) -> int:
    """Degrees of freedom of resampled pairs and single runs."""
    return max(cells.n - cells.n_pairs - 1, 1)


def _row(**logs: Any) -> dict[str, Any]:
    """Logarithms as numbers; what is infinite or no number is None."""
    with np.errstate(over="ignore"):
        return {key: _plain(exp(value).tolist()) for key, value in logs.items()}


def _plain(value: Any) -> Any:
    """Without infinities and NaN, which JSON has not."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _f_test(fits: Mapping[str, ArmsFit], cells: ArmCells, null: str, alternative: str) -> dict[str, Any]:
    """F of nested models by their sums of squares; p is null where nothing is left to judge by."""
    p0, p1 = (sharing(model, 2, cells.ladder).shape[-1] for model in (null, alternative))
    rss0, rss1 = float(fits[null].rss[0]), float(fits[alternative].rss[0])
    freedom = cells.n - p1
    if freedom < 1:
        return {"F": None, "df": [p1 - p0, freedom], "p_value": None}
    F = max(rss0 - rss1, 0.0) / (p1 - p0) / max(rss1 / freedom, 1e-300)
    return {"F": F, "df": [p1 - p0, freedom], "p_value": float(f_beyond(F, p1 - p0, freedom))}


def _relabelled(cells: ArmCells, rng: np.random.Generator) -> float | None:
    """Share of relabellings (arms swapped within pairs) of the pairs alone that part the arms at least as well."""
    pairs = cells.n_pairs
    S = sharing("factor", 2, cells.ladder)
    if pairs < _LEAST_PAIRS or 2 * pairs <= S.shape[-1]:
        return None
    x, y, z, w = (column[:, :pairs] for column in (cells.x, cells.y, cells.z, cells.w))
    paired = replace(cells, x=x, y=y, z=z, w=w)
    found, equal = fit_model(paired, "factor"), fit_model(paired, "equal").local[0]
    # as they stand, and from one law for both: after a swap the arms may stand the other way about
    starts = [found.theta[0], einsum("kip,ki->p", S, equal) / S.sum(axis=(0, 1))]
    swap = rng.integers(0, 2, (_RELABELLINGS, 1, pairs)).astype(bool)
    swapped = np.where(swap, z[None, ::-1], z[None])
    rss = [solve(paired, "factor", np.repeat(s[None], _RELABELLINGS, axis=0), z=swapped).rss for s in starts]
    as_well = np.minimum(*rss) <= found.rss[0] * (1 + _TIE)
    return float((1 + as_well.sum()) / (1 + _RELABELLINGS))


def _natural(local: Array, cells: ArmCells) -> dict[str, float]:
    """Parameters of an arm's law: E, A, B, alpha, beta, or of a ladder E, K, gamma of E + K/C^gamma."""
    E, log_A, log_B, alpha, beta = local.tolist()
    with np.errstate(over="ignore"):
        if cells.ladder:
            found = {"E": exp(E), "K": 2 * exp(log_A + alpha * cells.centre[0]), "gamma": alpha}
        else:
            found = {
                "E": exp(E),
                "A": exp(log_A + alpha * cells.centre[0]),
                "B": exp(log_B + beta * cells.centre[1]),
                "alpha": alpha,
                "beta": beta,
            }
    return {key: _plain(float(value)) for key, value in found.items()}


def _warnings(out: Mapping[str, Any], fits: Mapping[str, ArmsFit]) -> list[str]:
    """What keeps the comparison from being used, worst first."""
    warnings = []
    if not all(found.converged[0] for found in fits.values()):
        warnings.append("not converged: the optimiser ran out of steps")
    least = min(out["rms_log_residual"].values())
    if least > _POOR_RMS:
        warnings.append(f"poor fit: RMS error of log loss {least:.3g} at best")
    exponents = fits["factor"].local[0, 0, 3:]
    if exponents.min() < 0.005 or exponents.max() > 5:
        warnings.append(f"alpha or beta of the shared law is {exponents.min():.3g}: what N or D does is not seen")
    low, high = out["factor"]["interval"]
    if high is None or not low or high / low > _WIDE:
        warnings.append("the interval of the factor is over two decades wide: it is not identified")
    if out["by_C"] and all(row["extrapolates"] for row in out["by_C"]):
        warnings.append("no compute of the arm has a loss that the base reached: the factor is extrapolated")
    return warnings
