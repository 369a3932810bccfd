"""Read a pilot: bands of N_opt at C of all FLOPs and of the loss beyond the runs, over laws drawn under every link.

Why not ``plans.evidence.own_runs``, which reads tables of any size: it fits each link with nothing known beforehand and
bootstraps cells. Of a pilot's one to three dozen cells, of which those of a trunk share its seed, it refuses many and
gives wide or too narrow bands for the rest; ``docs/validation.md`` has both side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.draws import normals
from ...numerics.functions import exp, log, product
from ..forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ..forms.arguments import check_column, check_level, check_positive
from ..forms.form import Form
from ..forms.links import BOUNDED
from ..intervals.quantities import tails
from ..solve.additive import Array
from .cell_errors import SHARED, Kriging, drift_of, noise_variance
from .compute import Compute
from .posterior import LinkPosterior, Observed, equally_likely, posteriors
from .soft_law import Frame, best_size, excess_share, log_loss, natural, valley_bend
from .take_off import BY, BY_SD, learnt_faster

LEAST_CELLS, LEAST_SIZES = 4, 2
KEPT = 2000  # laws drawn, each as likely as any other
HELD_SHARE = 0.2  # of the cells, those of most compute: predicted from the others
_NEAR_POINTS = 400
_MOST_MOVED = 3.0  # e-folds, by which the misfit may move the bottom of a flat valley


class DrawnFit(NamedTuple):
    """The law in the middle: its form, and its parameters (7,) as the form names them."""

    form: Form
    parameters: Array


@dataclass(frozen=True, eq=False)
class PilotRuns:
    """What the runs of a pilot say.

    Attributes
    ----------
    N, D, measured : ndarray, float64 (n,)
        The cells, and their loss.
    trunk : ndarray of int (n,)
        Which share a seed.
    compute : Compute
        All FLOPs along the ladder.
    links : dict
        link -> ``weight`` (its share of the evidence), ``ln_N`` and ``a`` (means; N at the middle of the cells'
        6 N D), ``sd_ln_N``, ``holdout`` (None: links are weighed by their evidence).
    theta : ndarray (k, 9)
        Drawn laws, see ``soft_law``; equally likely.
    frame : Frame
        What they are counted from.
    mode : ndarray (9,)
        The best law of the link of most evidence.
    misfit : Kriging
        What residuals say of the misfit elsewhere.
    rest : ndarray (k, n)
        Residuals of ln loss under the drawn laws.
    text : bool
        Whether the tokens are of a text, whose loss beyond the runs is told with ``take_off``.
    """

    N: Array
    D: Array
    measured: Array = field(repr=False)
    trunk: npt.NDArray[np.intp] = field(repr=False)
    compute: Compute = field(repr=False)
    links: dict[str, dict[str, Any]]
    theta: Array = field(repr=False)
    frame: Frame = field(repr=False)
    mode: Array = field(repr=False)
    misfit: Kriging = field(repr=False)
    rest: Array = field(repr=False)
    text: bool = False

    @property
    def n(self) -> int:
        """Number of cells."""
        return len(self.N)

    @property
    def C(self) -> tuple[float, float]:
        """Least and most compute of a cell, all FLOPs."""
        C = self.D * self.compute.per_token(self.N)
        return float(C.min()), float(C.max())

    @property
    def link(self) -> str:
        """The one of most evidence."""
        return max(self.links, key=lambda name: float(self.links[name]["weight"]))

    @property
    def fit(self) -> DrawnFit:
        """The best law of the link of most evidence, written with all of the bounded link's parameters."""
        return DrawnFit(BOUNDED, natural(self.mode[None], self.frame)[0])

    @property
    def noise(self) -> dict[str, float]:
        """Standard deviations of ln loss of the largest cells, medians: ``cell``, ``trunk`` (shared), ``misfit``."""
        sigma, kappa = np.median(exp(self.theta[:, 7:]), axis=0)
        return {"cell": float(sigma), "trunk": float(SHARED * sigma), "misfit": float(np.sqrt(2.0) * kappa)}

    def drawn_ln_N(self, C: float) -> Array:
        """Ln N_opt (k,) at C of all FLOPs: of the drawn laws, moved by misfit and, beyond the runs, by drift."""
        C = float(check_positive(C, "C"))
        x = best_size(self.theta, C, self.frame, self.compute)
        noise = normals(np.random.default_rng(len(self.theta) + 1), (2, len(self.theta)))
        # a slope of the misfit moves the bottom of the valley, by less the more it is bent
        y, eps = log(C) - self.compute.log_C(x, 0.0 * x), np.asarray(self.compute.elasticity(exp(x)))
        here = excess_share(self.theta, x, y, self.frame)
        there = excess_share(self.theta, *self._largest, self.frame)
        scale = (1 + max(-float(self._above(C)), 0.0)) * here / there
        mean, variance = self.misfit.slope(self.rest, self.theta, x, y, eps, np.minimum(scale, _MOST_MOVED))
        bend = valley_bend(self.theta, x, C, self.frame, self.compute)
        moved = -(mean + np.sqrt(variance) * noise[1]) / bend
        return x + drift_of(self._above(C)) * noise[0] + np.clip(moved, -_MOST_MOVED, _MOST_MOVED)

    @property
    def _largest(self) -> tuple[Any, Any]:
        """Ln N and ln D of the cell of most compute."""
        i = int((self.D * self.compute.per_token(self.N)).argmax())
        return log(self.N[i]), log(self.D[i])

    def _above(self, C: Any) -> Any:
        """Decades of compute above the largest cell."""
        return (log(C) - log(self.C[1])) / log(10.0)

    def n_opt(self, C: float, level: float = 0.95) -> tuple[float, list[float]]:
        """N_opt at C of all FLOPs, the median, and its band."""
        low, middle, high = exp(np.quantile(self.drawn_ln_N(C), _ends(level)))
        return float(middle), [float(low), float(high)]

    def split(self, C: float, level: float = 0.95) -> dict[str, Any]:
        """N, D, D/N, a and their bands at C of all FLOPs: a dict as ``Compute.split`` gives."""
        N, (low, high) = self.n_opt(C, level)
        a = _exponent(self.theta)
        D, most, least = (float(self.compute.tokens(n, C)) for n in (N, low, high))
        ends = np.quantile(a, _ends(level))
        return {
            "N": N, "N_interval": [low, high], "D": D, "D_interval": [least, most],
            "tokens_per_parameter": D / N, "tokens_per_parameter_interval": [least / high, most / low],
            "a": float(ends[1]), "a_interval": [float(ends[0]), float(ends[2])],
            "C": float(C), "C_6nd": FLOPS_PER_PARAMETER_TOKEN * N * D,
            "elasticity": float(self.compute.elasticity(N)),
        }  # fmt: skip

    def loss(self, N: Any, D: Any, level: float = 0.95, *, new_run: bool = True) -> tuple[Any, list[Any]]:
        """Loss at N and D (...) and its band.

        Parameters
        ----------
        N, D : float or array-like (...)
            Where, in parameters and tokens seen (each once).
        level : float
            Coverage.
        new_run : bool
            Whether the band is of a run that is yet to be made, with its noise, or of the mean of many such runs;
            what the law gets wrong is in either.
        """
        where = np.broadcast_arrays(check_positive(N, "N"), check_positive(D, "D"))
        shape = where[0].shape
        x, y = (log(v.ravel()) for v in where)
        C = self.compute.per_token(exp(x)) * exp(y)
        above = self._above(C)
        mean, variance = self.misfit.at(self.rest, self.theta, x, y, above)
        drawn = log_loss(self.theta, x, y, self.frame)[0] + mean
        if self.text:
            share = learnt_faster(C, self.C[1])
            drawn = drawn - BY * share
            variance = variance + np.square(BY_SD * share)
        middle = np.median(drawn, axis=0)
        if new_run:
            variance = variance + noise_variance(self.theta, above)
        draws = normals(np.random.default_rng(len(self.theta)), (len(self.theta), 1))
        drawn = drawn + draws * np.sqrt(variance)
        low, _, high = np.quantile(drawn, _ends(level), axis=0)
        told = [exp(v).reshape(shape)[()] for v in (middle, low, high)]
        if not shape:
            told = [float(v) for v in told]
        return told[0], told[1:]

    def near_best(self, C: float, tolerance: float = 1e-3, N: float | None = None) -> list[float]:
        """The range of N whose loss at C is within ``tolerance`` of the best, by the law in the middle (``fit``).

        With ``N`` its valley is laid about that one: how flat the bottom is holds where a sum with other knowledge
        puts the bottom.
        """
        middle = float(best_size(self.mode[None], C, self.frame, self.compute)[0])
        ends = []
        for sign in (-1.0, 1.0):
            x = middle + sign * np.linspace(0.0, 6.0, _NEAR_POINTS)
            y = log(self.compute.tokens(exp(x), C))
            z = log_loss(self.mode[None], x, y, self.frame)[0][0]
            above = z - z[0] - tolerance
            outside = np.flatnonzero(above > 0)
            i = int(outside[0]) if len(outside) else _NEAR_POINTS - 1
            # where the line between the last point inside and the first outside is crossed
            share = above[i - 1] / (above[i - 1] - above[i]) if len(outside) else 1.0
            ends.append(x[i - 1] + share * (x[i] - x[i - 1]) - middle)
        about = middle if N is None else log(check_positive(N, "N"))
        return [float(exp(about + off)) for off in ends]

    @property
    def beta(self) -> float:
        """The drawn laws' exponent of D in the index, the median, for ``Compute.split``."""
        return float(np.median(exp(self.theta[:, 4] - self.theta[:, 5])))


def _ends(level: float) -> list[float]:
    low, high = tails(check_level(level))
    return [low, 0.5, high]


def _exponent(theta: Array) -> Array:
    return np.asarray(1 / (1 + exp(theta[:, 3] - theta[:, 4])))


def columns_of(cells: Mapping[str, Any]) -> tuple[Array, Array, Array, npt.NDArray[np.intp]]:
    """N, D, loss and trunk, checked, from a mapping of columns; trunks are counted from 0.

    Raises
    ------
    FitError
        When a column lacks, or holds what is no positive number.
    """
    lacking = [name for name in ("N", "D", "loss", "trunk") if name not in cells]
    if lacking:
        raise FitError(f"the cells of a pilot lack {', '.join(lacking)}: give N, D, loss and trunk, one value a cell")
    N, D, loss = (check_column(cells[name], name) for name in ("N", "D", "loss"))
    trunk = np.unique(np.asarray(cells["trunk"]), return_inverse=True)[1].reshape(-1)
    if not len(N) == len(D) == len(loss) == len(trunk):
        raise FitError("N, D, loss and trunk differ in length: give one value a cell")
    return N, D, loss, trunk


def read_pilot(cells: Mapping[str, Any], compute: Compute, *, text: bool = False, seed: int = 0) -> PilotRuns:
    """Read the runs of a pilot.

    Parameters
    ----------
    cells : mapping of array-like (n,)
        ``N`` (non-embedding parameters), ``D`` (tokens seen), ``loss`` (held out, nats per token), ``trunk`` (a label:
        cells of one trunk share it).
    compute : Compute
        All FLOPs along the ladder that the sizes are of.
    text : bool
        Whether the tokens are of a text, and not of a grammar: losses beyond the runs are then told with ``take_off``.
    seed : int
        Of the drawn laws.

    Raises
    ------
    FitError
        With fewer than four cells or two sizes.
    """
    N, D, loss, trunk = columns_of(cells)
    if len(N) < LEAST_CELLS or len(np.unique(N)) < LEAST_SIZES:
        raise FitError(
            f"{len(N)} cells of {len(np.unique(N))} sizes: a split needs at least {LEAST_CELLS} cells of "
            f"{LEAST_SIZES} sizes; train more"
        )
    seen = Observed.of(N, D, loss, trunk, log(D * compute.per_token(N)))
    found = posteriors(seen, seed=seed)
    top = max(one.log_evidence for one in found)
    share = np.array([float(exp(one.log_evidence - top)) for one in found])
    share /= share.sum()
    theta = _drawn(found, share, seed)
    C = float(exp(log(FLOPS_PER_PARAMETER_TOKEN * N * D).mean()))
    links = {}
    for one, weight in zip(found, share):
        ln_N, a = best_size(one.draws, C, seen.frame, Compute.six_nd()), _exponent(one.draws)
        mean = float(product(one.weights, ln_N))
        links[one.link] = {
            "ln_N": mean, "sd_ln_N": float(np.sqrt(product(one.weights, np.square(ln_N - mean)))),
            "a": float(product(one.weights, a)), "weight": float(weight), "holdout": None,
            "effective_draws": one.effective,
        }  # fmt: skip
    mode = found[int(share.argmax())].mode
    rest = seen.z - log_loss(theta, seen.x, seen.y, seen.frame)[0]
    return PilotRuns(N, D, loss, trunk, compute, links, theta, seen.frame, mode, seen.kriging, rest, text)


def _drawn(found: list[LinkPosterior], share: Array, seed: int) -> Array:
    """``KEPT`` laws by systematic resampling of all links' draws."""
    theta = np.concatenate([one.draws for one in found])
    weights = np.concatenate([weight * one.weights for one, weight in zip(found, share)])
    return np.asarray(theta[equally_likely(weights, KEPT, np.random.default_rng(seed))])


def predict_held_out(
    cells: Mapping[str, Any],
    compute: Compute,
    *,
    share: float = HELD_SHARE,
    level: float = 0.95,
    text: bool = False,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Predict the cells of most compute from the others.

    Returns
    -------
    list of dict
        Of each held-out cell, most compute last: ``N D C loss predicted low high error`` (of ln loss) ``held``; empty
        where what is left cannot be read.
    """
    N, D, loss, trunk = columns_of(cells)
    C = D * compute.per_token(N)
    order = np.argsort(C, kind="stable")
    kept, out = np.split(order, [len(N) - max(1, int(np.floor(share * len(N))))])
    try:
        table = {"N": N[kept], "D": D[kept], "loss": loss[kept], "trunk": trunk[kept]}
        runs = read_pilot(table, compute, text=text, seed=seed)
    except FitError:
        return []
    told, (low, high) = runs.loss(N[out], D[out], level)
    return [
        {
            "N": float(N[i]), "D": float(D[i]), "C": float(C[i]), "loss": float(loss[i]), "predicted": float(p),
            "low": float(a), "high": float(b), "error": float(log(loss[i] / p)), "held": bool(a <= loss[i] <= b),
        }
        for i, p, a, b in zip(out, told, low, high)
    ]  # fmt: skip
