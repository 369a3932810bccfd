"""May a split of compute be read off a law? Every reason why not, with the runs that would settle it.

One rule for all that plan: ``fit --flops``, ``LawFit.allocate``, ``frontier``, ``predict``, ``plan`` and the report.
The limits are measured in ``docs/validation.md``: no table of an ordinary design is refused, nearly every bad one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.functions import exp, log, log10
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN, split
from ..solve import diagnostics
from ..solve.additive import EXPONENT_BOUNDS, Array
from ..solve.additive_fit import FittedLaw
from .bootstrap import Bootstrap, bootstrap
from .jackknife import jackknife
from .quantities import Runs, tails
from .view import HasView

# bands are judged at this coverage whatever is printed: asking for narrower ones identifies nothing
LEVEL = 0.95
# an N known to no better than a factor of a hundred is no plan; ordinary designs give .1 to .6 decades at 10 C
WIDE_DECADES = 2.0
# tokens per parameter by which the best split may lie outside of what was run: the grid of a good sweep holds it
OUTSIDE_FACTOR = 2.0
# an end of an interval this near to the solver's bound is the bound
_AT_BOUND = 0.01
_FEW_TOKENS, _MANY_TOKENS = 1 / 4, 4
_REFITS = 200


class Planned(FittedLaw, HasView, Protocol):
    """A fit from which a split is read: ``LawFit`` or ``LinkFit``."""

    @property
    def resampled(self) -> Bootstrap:
        """The bootstrap by which a split is judged, drawn once."""


class Doubt(NamedTuple):
    """Why a split is not identified, and what would settle it; C where only that budget is in doubt."""

    reason: str
    remedy: str
    C: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return self._asdict()


def law_doubts(fitted: Planned, intervals: Mapping[str, Sequence[Any]]) -> list[Doubt]:
    """Return what keeps a fitted law from giving any split at all.

    Parameters
    ----------
    fitted : LawFit or LinkFit
        The law and its table.
    intervals : dict
        name -> (low, high) of at least alpha and beta, at ``LEVEL``.

    Returns
    -------
    list of Doubt
        Worst first; empty when the split is identified.
    """
    runs = _Runs(fitted)
    sentences = dict(zip(fitted.flags, diagnostics.warnings(fitted)))
    blocking = diagnostics.blocking(fitted) | ({"few starts agree"} & set(fitted.flags))
    out = [Doubt(sentences[flag], runs.remedy(flag)) for flag in fitted.flags if flag in blocking]
    lost = {flag.split()[0] for flag in blocking}
    bounds = exponent_bounds(fitted)
    for name, term in (("alpha", "A"), ("beta", "B")):
        if not lost & {name, term, "all", "two", "N"} and (why := at_bound(name, intervals.get(name), bounds[name])):
            out.append(Doubt(why, runs.remedy(f"{name} at its bound")))
    return out or _outside(fitted, runs)


def exponent_bounds(fitted: FittedLaw) -> dict[str, tuple[float, float]]:
    """Bounds of alpha and of beta in a fit: wider under a link that has an exponent of its own."""
    form = fitted.form
    places = {name: form.parameters.index(name) for name in ("alpha", "beta")}
    ends = {name: exp([form.low[i], form.high[i]]) for name, i in places.items()}
    # theta has their logarithms: what comes back is 5.000000000000001
    return {name: (float(f"{low:.6g}"), float(f"{high:.6g}")) for name, (low, high) in ends.items()}


def at_bound(name: str, interval: Sequence[Any] | None, bounds: tuple[float, float] = EXPONENT_BOUNDS) -> str | None:
    """Say why an exponent's interval tells nothing: it is missing or ends at a bound of the fit; else None."""
    ends: Sequence[Any] = interval or (None, None)
    if not all(isinstance(end, int | float) and np.isfinite(end) for end in ends):
        return f"{name} has no interval"
    (low, high), (least, most) = ends, bounds
    if low > least * (1 + _AT_BOUND) and high < most * (1 - _AT_BOUND):
        return None
    reach = f"{max(low, 0.0):.3g} to {high:.3g}"
    return f"{name} is not identified: its interval, {reach}, reaches a bound of the fit ({least} to {most})"


def _best_N(fitted, C):
    return split(fitted.parameters, C, fitted.form)[0]


def _outside(fitted, runs):
    return outside_doubts(runs.N, runs.D, _best_N(fitted, FLOPS_PER_PARAMETER_TOKEN * runs.N * runs.D))


def outside_doubts(N: Array, D: Array, best_N: Array) -> list[Doubt]:
    """Doubt a split where every run has more tokens per parameter than the best one at its own compute, or fewer.

    Parameters
    ----------
    N, D : ndarray (n,)
        The runs.
    best_N : ndarray (n,)
        The best N at the compute of each.
    """
    # D/N changes by the square of N at equal compute
    off = 2 * log(N / best_N)
    if -off.max() <= log(OUTSIDE_FACTOR) and off.min() <= log(OUTSIDE_FACTOR):
        return []
    large = off.min() > 0
    C = float(exp(log(FLOPS_PER_PARAMETER_TOKEN * N * D).mean()))
    # past the best split by a factor of three in N, but no further from the runs than thirty
    middle = float(exp(log(N).mean()))
    best = float(exp(log(best_N).mean()))
    wanted = float(np.clip(best * (1 / 3 if large else 3), middle / 30, middle * 30))
    have, add = ("fewer", "more") if large else ("more", "fewer")
    return [
        Doubt(
            f"the optimum lies outside the runs: every one has {have} tokens per parameter than the best split",
            f"add runs with {add} tokens per parameter, such as {_run(wanted, C / FLOPS_PER_PARAMETER_TOKEN / wanted)}",
        )
    ]


def split_doubts(C: float, N: float, interval: Sequence[float], *, largest: float | None = None) -> list[Doubt]:
    """Return what keeps the split of one budget from being a plan.

    Parameters
    ----------
    C, N : float
        Training FLOPs and the best N.
    interval : tuple of float
        Of N, at ``LEVEL``.
    largest : float, optional
        The largest C that was measured.

    Returns
    -------
    list of Doubt
        Empty or one.
    """
    low, high = (float(end) for end in interval)
    D = C / (FLOPS_PER_PARAMETER_TOKEN * N) if N > 0 else np.inf
    nearer = "add runs on both sides of the best split, over a wider range of sizes and tokens"
    if largest is not None and largest < C:
        nearer = f"add runs nearer to C = {C:.3g} (the largest has {largest:.3g}), on both sides of the best split"
    if not (N >= 1 and D >= 1):
        return [
            Doubt(f"the best split of C = {C:.3g} has less than one parameter or token, which means nothing", nearer, C)
        ]
    if low > 0 and np.isfinite(high) and log10(high / low) <= WIDE_DECADES:
        return []
    # an N above C/6 leaves less than one token
    most = C / FLOPS_PER_PARAMETER_TOKEN
    known = f"N from {low:.2g} to {high:.2g}" if low >= 1 and high <= most else "any N at all"
    return [Doubt(f"the {LEVEL:.0%} band at C = {C:.3g} is over {WIDE_DECADES:.0f} decades wide ({known})", nearer, C)]


def refusal(doubts: Sequence[Doubt]) -> str:
    """One line for a user: the reasons, then the remedy of the worst."""
    reasons = list(dict.fromkeys(doubt.reason for doubt in doubts))
    more = f" (and {len(reasons) - 2} more reasons)" if len(reasons) > 2 else ""
    stated = any("the split is not identified" in reason for reason in reasons)
    return f"{'' if stated else 'the split is not identified: '}{'; '.join(reasons[:2])}{more}; {doubts[0].remedy}"


def require(fitted: Planned, C: npt.ArrayLike, clusters: Runs = None) -> None:
    """Raise FitError where the law of a table does not identify the split of C (a number or an array of them).

    Judged by a case bootstrap of the rows, drawn once a law, or by the jackknife over runs where
    ``clusters`` names them.
    """
    draws = fitted.resampled if clusters is None else jackknife(fitted, clusters)
    doubts = law_doubts(fitted, draws.interval(LEVEL))
    if not doubts:
        largest = float(FLOPS_PER_PARAMETER_TOKEN * (fitted.N * fitted.D).max())
        for c in np.ravel(C):
            N = float(_best_N(fitted, c))
            doubts += split_doubts(float(c), N, draws.allocate(c, LEVEL)["N"], largest=largest)
    if doubts:
        raise FitError(f"{refusal(doubts)}; check=False gives the numbers all the same")


def drawn_doubts(draws: Array) -> list[Doubt]:
    """Return the doubts about a law of which only draws (n, 5) are known, such as L(N, D, H): about its exponents."""
    ends = np.quantile(np.asarray(draws)[:, 3:], tails(LEVEL), axis=0)
    remedy = "add datasets near this H, with runs over a wider range of sizes and tokens"
    return [
        Doubt(why, remedy) for name, pair in zip(("alpha", "beta"), ends.T) if (why := at_bound(name, pair.tolist()))
    ]


def resamples(fitted: HasView) -> Bootstrap:
    """The bootstrap by which ``require`` judges."""
    return bootstrap(fitted, _REFITS, threads=1)


class _Runs:
    """The range of a table's runs, and what to add to it."""

    def __init__(self, fitted: FittedLaw) -> None:
        rows = fitted.weights > 0
        self.N, self.D = fitted.N[rows], fitted.D[rows]

    def remedy(self, flag: str) -> str:
        """Runs that would settle a flag, with numbers."""
        (n_low, n_high), (d_low, d_high) = ((v.min(), v.max()) for v in (self.N, self.D))
        order = np.argsort(self.N, kind="stable")
        N, D = (float(v[order[len(order) // 2]]) for v in (self.N, self.D))
        if flag in ("poor fit", "mixed runs"):
            return "leave out, or fit apart, the runs that the warnings name"
        if flag == diagnostics.TOGETHER:
            return (
                "add runs with a quarter and four times the tokens at three sizes or more, such as "
                f"{_run(N, D * _FEW_TOKENS)} and {_run(N, D * _MANY_TOKENS)}"
            )
        if flag.startswith(("all N", "two sizes", "A at", "alpha")):
            return f"add other sizes, such as {_run(n_low / 4, d_high)} and {_run(n_high * 4, d_high)}"
        if flag.startswith(("all D", "two budgets", "B at", "beta")):
            return f"add other budgets, such as {_run(n_high, d_low / 4)} and {_run(n_high, d_high * 4)}"
        return f"add runs over a wider range, such as {_run(n_low / 4, d_high * 4)} and {_run(n_high * 4, d_low / 4)}"


def _run(N, D):
    return f"N = {N:.2g} with D = {D:.2g}"
