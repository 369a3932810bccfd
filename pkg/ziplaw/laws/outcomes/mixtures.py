"""A mixture law: the loss on each domain is exponential in the weights of the domains that were trained on.

L_i(w) = c_i + k_i exp(sum_j t_ij w_j), after Ye et al. 2024 ("Data mixing laws: optimizing data mixtures by predicting
language modeling performance"). Weights sum to 1, so t_i is known up to a constant: it is centred so that k_i is the
excess over c_i at the average mixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import stats

from ...errors import FitError
from ...numerics.functions import cov, exp, log, product
from ...numerics.linear import pinv, solve
from ..forms.arguments import Array, check_column
from .bounded import descend

SUM_TOLERANCE = 0.01  # weights are printed rounded
RIDGES = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
FOLDS = 5
# of u, the log excess after one domain alone: far below where a small weight already does it all
_LEAST, _LARGEST = -3000.0, 60.0


@dataclass(frozen=True)
class Prediction:
    """Losses at mixtures.

    Attributes
    ----------
    loss : ndarray float64 (m, T)
    interval : ndarray float64 (m, T, 2)
        Of a run yet to be measured: the law's uncertainty, and the scatter of mixtures that were held out.
    """

    loss: Array
    interval: Array


@dataclass(frozen=True, eq=False)
class MixtureLaw:
    """The losses of T domains in the weights of J domains.

    Attributes
    ----------
    names, domains : tuple of str
        The J weights and the T losses.
    theta : ndarray float64 (T, 1 + J)
        c, then u_j = ln k + t_j: c + exp(u_j) is the loss after training on domain j alone.
    average : ndarray float64 (J,)
        The average mixture.
    weights : ndarray float64 (n, J)
    losses : ndarray float64 (n, T)
    ridge : ndarray float64 (T,)
        Penalty on sum_j t_j^2, chosen by cross-validation, relative to the mean square of the loss.
    held_out : ndarray float64 (n, T)
        Predictions of each mixture by a law fitted without its fold.
    converged : ndarray bool (T,)
    """

    names: tuple[str, ...]
    domains: tuple[str, ...]
    theta: Array
    average: Array
    weights: Array
    losses: Array
    ridge: Array
    held_out: Array
    converged: npt.NDArray[np.bool_]
    _drawn: dict[tuple[int, int], Array] = field(default_factory=dict, repr=False)

    def predict(self, weights: npt.ArrayLike, theta: Array | None = None) -> Array:
        """Losses (..., m, T) at mixtures (m, J), by theta (..., T, 1 + J)."""
        theta = self.theta if theta is None else theta
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        return _law(theta[..., None, :, :], weights[:, None, :])

    def outcome(self, weights: npt.ArrayLike, *, level: float = 0.95, draws: int = 200, seed: int = 42) -> Prediction:
        """Losses at mixtures with the intervals of new runs."""
        loss = self.predict(weights)
        drawn = self.predict(weights, self.refits(draws, seed))
        random = np.random.default_rng([seed, 1])
        scatter = log(self.losses / self.held_out)
        drawn = drawn * exp(scatter[random.integers(0, len(scatter), size=drawn.shape[:2])])
        ends = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return Prediction(loss, np.moveaxis(ends, 0, -1))

    def refits(self, draws: int = 200, seed: int = 42) -> Array:
        """Laws refitted to resampled mixtures, the same for every domain, (draws, T, 1 + J)."""
        if (draws, seed) not in self._drawn:
            n = len(self.weights)
            counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64)
            found = [
                _solve(self.weights, self.losses[:, t], self.average, self.ridge[t], counts,
                       np.repeat(self.theta[t][None], draws, axis=0))[0]
                for t in range(len(self.domains))
            ]  # fmt: skip
            self._drawn[draws, seed] = np.stack(found, axis=1)
        return self._drawn[draws, seed]

    def effects(self, theta: Array | None = None) -> Array:
        """T of every domain (..., T, J), centred at the average mixture: below 0 where weight lowers the loss."""
        u = (self.theta if theta is None else theta)[..., 1:]
        return u - product(u, self.average)[..., None]

    def effect_intervals(self, level: float = 0.95, draws: int = 200, seed: int = 42) -> Array:
        """Intervals of the effects, (T, J, 2)."""
        drawn = self.effects(self.refits(draws, seed))
        return np.moveaxis(np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0), 0, -1)

    @property
    def parameters(self) -> dict[str, Array]:
        """C and k, each (T,), and t (T, J)."""
        u = self.theta[:, 1:]
        return {"c": self.theta[:, 0], "k": exp(product(u, self.average)), "t": self.effects()}

    @property
    def residuals(self) -> Array:
        """Log residuals, law over measured, (n, T)."""
        return log(self.predict(self.weights) / self.losses)


def fit_mixtures(
    weights: npt.ArrayLike,
    losses: npt.ArrayLike,
    *,
    names: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    ridges: Sequence[float] = RIDGES,
    seed: int = 0,
) -> MixtureLaw:
    """Fit the law of every domain by least squares, its ridge chosen by cross-validation.

    Parameters
    ----------
    weights : array-like (n, J)
        Share of each domain in the training data of each run; a row sums to 1 within ``SUM_TOLERANCE`` and is divided
        by its sum.
    losses : array-like (n, T)
        Held-out loss on each domain, above 0.
    names, domains : sequence of str, optional
        What the columns of ``weights`` and ``losses`` are called.
    ridges : sequence of float
        Penalties to choose from.
    seed : int
        Of the folds.

    Raises
    ------
    FitError
        When weights are negative, do not sum to 1, are of one domain, or nobody's weight changes; when there are fewer
        than 2 J + 4 runs; when a loss is not above 0 or never changes.
    """
    w, names = check_weights(weights, names)
    y = np.asarray(losses, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    domains = tuple(domains) if domains is not None else tuple(f"loss {t + 1}" for t in range(y.shape[1]))
    if y.ndim != 2 or len(y) != len(w) or len(domains) != y.shape[1] or not domains:
        raise FitError(f"losses {y.shape} and weights {w.shape} do not fit together: give (n, losses) and (n, weights)")
    n, J = w.shape
    if n < 2 * J + 4:
        raise FitError(f"{n} mixtures are too few for {J} weights: at least {2 * J + 4} are needed")
    for t, domain in enumerate(domains):
        check_column(y[:, t], domain)
        if np.ptp(y[:, t]) <= 1e-9 * y[:, t].mean():
            raise FitError(f"{domain} is the same in every run: no law can be read off it; leave it out")
    average = w.mean(axis=0)
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    fitted = [_choose(w, y[:, t], average, fold, sorted(ridges, reverse=True)) for t in range(len(domains))]
    thetas, chosen, held, converged = (np.array(part) for part in zip(*fitted))
    return MixtureLaw(names, domains, thetas, average, w, y, chosen, held.T, converged)


def check_weights(
    weights: npt.ArrayLike, names: Sequence[str] | None = None, *, of_test: bool = False
) -> tuple[Array, tuple[str, ...]]:
    """Return weights (n, J) divided by their sums, and their names; ``of_test`` lets all runs have one mixture.

    Raises
    ------
    FitError
        Naming the first row that is no mixture.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 2 or not w.size:
        raise FitError(f"weights have the shape {w.shape}: give one row a run and one column a domain")
    names = tuple(names) if names is not None else tuple(f"weight {j + 1}" for j in range(w.shape[1]))
    if len(names) != w.shape[1]:
        raise FitError(f"{len(names)} names for {w.shape[1]} weights: give one each")
    if w.shape[1] < 2:
        raise FitError(f"{names[0]} is the only weight: a mixture has two domains or more")
    for i, j in np.argwhere(~np.isfinite(w) | (w < 0))[:1]:
        raise FitError(f"{names[j]} is {w[i, j]:g} in row {i + 1}: a weight is from 0 to 1")
    total = w.sum(axis=1)
    for i in np.flatnonzero(np.abs(total - 1) > SUM_TOLERANCE)[:1]:
        raise FitError(
            f"the weights of row {i + 1} sum to {total[i]:.4g}, must sum to 1: name all of a mixture's columns and no "
            "others, as shares"
        )
    w = w / total[:, None]
    if not of_test and not np.ptp(w, axis=0).any():
        raise FitError("every run has the same mixture: runs of different mixtures are needed")
    return w, names


def _law(theta, w):
    """Loss by theta (..., 1 + J) at w (..., J)."""
    u = theta[..., 1:]
    return theta[..., 0] + exp(np.minimum((w * u).sum(axis=-1), _LARGEST))


def _choose(w, y, average, fold, ridges):
    """Fit one domain: theta (1 + J,), the ridge, predictions of the folds left out (n,), and whether it converged.

    The last of FOLDS + 1 problems is that of all rows; a ridge's fits start where the larger one's ended.
    """
    counts = np.array([fold != i for i in range(FOLDS + 1)], dtype=np.float64)
    starts = _starts(w, y, average)
    found, cost, done = _solve(
        w, y, average, ridges[0], np.repeat(counts, len(starts), axis=0), np.tile(starts, (FOLDS + 1, 1))
    )
    first = np.arange(FOLDS + 1) * len(starts) + cost.reshape(FOLDS + 1, -1).argmin(axis=1)
    found, done = found[first], done[first]
    best, least = None, np.inf
    for ridge in ridges:
        found, _, done = _solve(w, y, average, ridge, counts, found)
        predicted = _law(found[fold], w)
        error = float(np.square(predicted - y).mean())
        if error < least * 0.999:
            best, least = (found[-1], ridge, predicted, bool(done[-1])), error
    if best is None:
        raise FitError("the losses follow no law in the weights: check the columns")
    return best


def _starts(w, y, average):
    """Log-linear fits above three floors, (3, 1 + J)."""
    centred = w - average
    J = w.shape[1]
    matrix = product(centred.T, centred) / len(w)
    rows = []
    for share in (0.3, 0.6, 0.9):
        c = share * y.min()
        z = log(y - c)
        t = solve(matrix + 1e-3 * np.eye(J), product(centred.T, z - z.mean()) / len(w))
        rows.append(np.concatenate([[c], z.mean() + t - product(average, t)]))
    return np.array(rows)


def _solve(w, y, average, ridge, counts, theta):
    """Minimise the mean of count (law - y)^2 + ridge y^2 |t|^2 from theta (P, 1 + J); counts (P or 1, n)."""
    n, J = w.shape
    root = np.sqrt(counts)
    scale = 1.0 / np.sqrt(np.square(y).mean() * n)
    pull = np.sqrt(ridge) * (np.eye(J) - average)  # t = u - average . u
    low = np.concatenate([[0.0], np.full(J, _LEAST)])
    high = np.concatenate([[y.mean()], np.full(J, _LARGEST)])  # noise may take the least loss below c

    def residuals(theta, which):
        part = (root[which] if len(root) > 1 else root) * scale
        excess = exp(np.minimum(product(theta[:, 1:], w.T), _LARGEST))
        fit = (theta[:, :1] + excess - y) * part
        J_fit = np.empty((len(theta), n, 1 + J))
        J_fit[..., 0] = part
        J_fit[..., 1:] = (excess * part)[..., None] * w
        J_pull = np.zeros((len(theta), J, 1 + J))
        J_pull[:, :, 1:] = pull
        return np.concatenate([fit, product(theta[:, 1:], pull.T)], axis=1), np.concatenate([J_fit, J_pull], axis=1)

    return descend(residuals, theta, low, high)


def rank_correlation(predicted: Array, measured: Array) -> Array:
    """Spearman's rank correlation of each column, (T,); NaN where a column is constant."""

    def one(x, y):
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            return np.nan
        together = cov([stats.rankdata(x), stats.rankdata(y)])
        return float(together[0, 1] / np.sqrt(together[0, 0] * together[1, 1]))

    return np.array([one(p, m) for p, m in zip(predicted.T, measured.T)])


def linear_prediction(law: MixtureLaw, weights: Array, ridge: float = 0.0) -> Array:
    """Losses (m, T) at mixtures by a linear regression on the same table, the peer of the law.

    ``ridge`` is relative to the mean variance of a weight.
    """
    average, n = law.weights.mean(axis=0), len(law.weights)
    centred = law.weights - average
    matrix = product(centred.T, centred) / n
    matrix = matrix + ridge * np.eye(len(matrix)) * np.trace(matrix) / len(matrix)
    slope = product(pinv(matrix, rcond=1e-8, hermitian=True), centred.T, law.losses - law.losses.mean(axis=0)) / n
    return law.losses.mean(axis=0) + product(np.atleast_2d(weights) - average, slope)
