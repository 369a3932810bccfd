"""Twin of ext/src/laws/linkfit.c: the same Huber sums by the general optimiser, numeric derivatives, one by one."""

import numpy as np

from ziplaw.laws.solve.general import minimise


def solve(problem, theta, z=None, weights=None, delta=None, max_steps=400):
    """Minimise from each start theta (P, p): see ``LinkProblem.solve``."""
    theta = np.atleast_2d(problem.held(theta))
    delta = problem.delta if delta is None else delta
    moving = np.flatnonzero(problem.free)
    low, high = problem.form.low[moving], problem.form.high[moving]
    objective, converged = np.empty(len(theta)), np.empty(len(theta), dtype=bool)
    z, weights = (np.atleast_2d(own if v is None else v) for v, own in ((z, problem.z), (weights, problem.weights)))

    def point(start, part):
        out = start.copy()
        out[moving] = part
        if problem.settings.tie:
            out[4] = out[3]
        return out

    for i, start in enumerate(theta):

        def law(part, start=start):
            return problem.log_fitted(point(start, part))

        zi, wi = (v[i if len(v) > 1 else 0] for v in (z, weights))
        part, objective[i], converged[i] = minimise(law, start[moving], zi, wi, min(delta, 1e300), low, high, max_steps)
        theta[i] = point(start, part)
    return theta, objective, converged


def dense_starts(problem, count, seed=0):
    """Starts (count, p) all over the range of a law: exponents, shares of the terms, E, k and U at random."""
    rng = np.random.default_rng(seed)
    names, loss = problem.form.parameters, np.exp(problem.z) + (problem.settings.excess_floor or 0.0)
    theta = np.empty((count, len(names)))
    k = np.exp(rng.uniform(np.log(0.3), np.log(3), count))
    theta[:, 0] = np.log(rng.uniform(0.02, 0.98, count) * loss.min())
    middle = np.log(np.maximum(np.median(loss) - np.exp(theta[:, 0]), 0.05)) / k
    share = rng.uniform(0.1, 0.9, count)
    theta[:, 1], theta[:, 2] = middle + np.log(share), middle + np.log(1 - share)
    theta[:, 3:5] = np.log(rng.uniform(0.1, 0.9, (count, 2)) / k[:, None])
    if problem.form.name == "free":
        theta[:, 5] = problem.z.mean()
        theta[:, 6:] = np.log(k)[:, None]
    else:
        theta[:, 5] = np.log(k)
    if "U" in names:
        theta[:, names.index("U")] = np.log(rng.uniform(1.02, 4, count) * loss.max())
    return problem.held(np.clip(theta, problem.form.low, problem.form.high))
