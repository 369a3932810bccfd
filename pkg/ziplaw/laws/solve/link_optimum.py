"""The global optimum of a law under a link: starts by undoing the link, each polished, the best kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from ...numerics.functions import exp, log, logaddexp
from ..forms.arguments import Array
from ..forms.links import free_form
from .additive import Design
from .linked import Flags, LinkProblem, LinkSettings, LinkSolution
from .optimum import robust_scale
from .starts import starts

_HUBER_EFFICIENT = 1.345  # delta in standard deviations: 95 % efficient under normal noise
_SAME_OPTIMUM = 1e-6  # relative
_MOST_STARTS = 8
_ROWS_RESTARTED, _MOST_RESTARTS, _LEAST_RESTARTS = 1600, 40, 8
_E_SHARES = (0.0, 0.5, 0.8, 0.95)  # of the least loss
_KS = (0.25, 0.5, 1.0, 2.0, 4.0)
_U_OVER = (1.02, 1.3, 3.0)  # over the largest loss
_MOST_KNOTS, _LEAST_KNOTS, _ROWS_A_KNOT = 5, 2, 6
_OUTER = 0.05  # quantile of z at which the first knot lies; the last at as much from the end
_REPLACED = 2  # times that the knots are placed again


def find(N: Array, D: Array, loss: Array, weights: Array, settings: LinkSettings) -> LinkSolution:
    """Find the optimum of one table that was checked, each (n,)."""
    if settings.link == "free":
        return _find_free(N, D, loss, weights, settings)
    problem = LinkProblem.of(N, D, loss, weights, settings)
    return best(problem, _starts(problem, loss))


def best(problem: LinkProblem, theta0: Array, restart: bool = True) -> LinkSolution:
    """Polish starts (k, p), look for a better optimum near the best, and return it."""
    settings = problem.settings
    theta, value, converged = problem.solve(theta0)
    if restart:
        restarted = _restarts(problem, theta[np.argmin(value)])
        theta, value, converged = (np.concatenate(pair) for pair in zip((theta, value, converged), restarted))
    if settings.objective == "huber-scaled":
        for _ in range(3):
            r = problem.residuals(theta[np.argmin(value)][None])[0]
            delta = _HUBER_EFFICIENT * robust_scale(r, int(problem.free.sum()))
            problem = replace(problem, delta=delta)
            theta, value, converged = problem.solve(theta)
    place = int(np.argmin(value))
    lowest = float(value[place])
    same = value[: len(theta0)] <= lowest * (1 + _SAME_OPTIMUM) + 1e-26 * problem.weights.sum()
    return LinkSolution(
        theta=theta[place],
        objective=lowest,
        converged=bool(converged[place]) and bool(np.isfinite(lowest)),
        delta=float(problem.delta),
        fraction_of_starts=float(same.mean()),
        problem=problem,
    )


def _restarts(problem: LinkProblem, theta: Array) -> tuple[Array, Array, Flags]:
    """Look for a better optimum near theta (p,) by way of resampled rows: see ``optimum.find``."""
    n = len(problem.x)
    count = min(max(_ROWS_RESTARTED // n, _LEAST_RESTARTS), _MOST_RESTARTS)
    weights = problem.weights * np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=count)
    away = problem.solve(np.repeat(theta[None], count, axis=0), weights=weights, max_steps=20, anneal=False)[0]
    theta, value, _ = problem.solve(away, max_steps=15, anneal=False)
    behind = np.argsort(value, kind="stable")[:4]
    return problem.solve(theta[behind], anneal=False)


def _starts(problem: LinkProblem, loss: Array) -> Array:
    """Starts (at most ``_MOST_STARTS``, p): for each E, k and U the link is undone, and what is left is two powers."""
    settings, names = problem.settings, problem.form.parameters
    E_held, has_U = settings.E, "U" in names
    Es = [share * loss.min() for share in _E_SHARES] if E_held is None else [E_held]
    Us = [np.inf]
    if has_U:
        Us = [over * loss.max() for over in _U_OVER] if settings.fixed_U is None else [settings.fixed_U]
    found = []
    for E, k, U in product(Es, _KS, Us):
        excess = np.maximum(loss - E, 1e-3 * (loss.max() - E))
        if np.isfinite(U):
            # what lies at the upper end or beyond says no more than that it does
            excess = 1 / (1 / np.minimum(excess, 0.98 * (U - E)) - 1 / (U - E))
        design = Design(problem.x, problem.y, log(excess) / k, 0.0, 0.0, 1.0)
        start = starts(design, problem.weights, fixed_E=0.0, tie=settings.tie, count=1)[0]
        theta = np.zeros(len(names))
        with np.errstate(divide="ignore"):
            theta[:5] = log([max(E, 1e-6), *start[1:]])
        theta[names.index("k")] = log(k)
        if has_U:
            theta[names.index("U")] = log(U)
        found.append(theta)
    theta = problem.held(np.clip(np.array(found), problem.form.low, problem.form.high))
    with np.errstate(all="ignore"):
        first = np.nan_to_num((problem.weights * np.abs(problem.residuals(theta))).sum(axis=1), nan=np.inf)
    return theta[np.argsort(first, kind="stable")[:_MOST_STARTS]]


def _find_free(N: Array, D: Array, loss: Array, weights: Array, settings: LinkSettings) -> LinkSolution:
    """Begin with the power law, whose spline is a line; then place the knots where its z is, and fit, and again."""
    power = replace(settings, link="power", fixed_E=None if settings.excess_floor is not None else settings.E)
    first = LinkProblem.of(N, D, loss, weights, power)
    solution = best(first, _starts(first, loss), restart=False)
    E, k = solution.theta[0], exp(solution.theta[5])
    shift = logaddexp(solution.theta[1], solution.theta[2])
    theta = np.concatenate([[E, solution.theta[1] - solution.theta[2], 0.0], solution.theta[3:5], [k * shift]])
    slopes = np.array([log(k)])
    problem = LinkProblem.of(N, D, loss, weights, settings)
    knots = np.zeros(1)
    m = int(np.clip(len(N) // _ROWS_A_KNOT, _LEAST_KNOTS, _MOST_KNOTS))
    for i in range(1 + _REPLACED):
        z = problem.index(theta)
        place = np.quantile(z, np.linspace(_OUTER, 1 - _OUTER, m))
        slopes = log(np.interp(place, knots, exp(slopes)))
        knots = place
        problem = problem.with_form(free_form(knots.tolist()))
        solution = best(problem, np.concatenate([theta, slopes])[None], restart=i == _REPLACED)
        theta, slopes = solution.theta[:6], solution.theta[6:]
    return solution
