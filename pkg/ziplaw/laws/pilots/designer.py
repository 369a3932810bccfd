"""Which trunks narrow the band of the best size most, for the FLOPs left: a c-optimal design, averaged over drawn laws.

For one law theta the runs of a design xi say of theta as much as the Fisher information

    M(xi) = S^-1 + sum over trunks of J' V^-1 J,

J being the slopes of ln loss in theta at the trunk's cells, V their noise and S the prior's covariance (both as
``cell_errors`` has them); what a law gets wrong is part of theta, as values of the misfit at knots in ln N and in ln D.
The variance of ln N_opt at the target is g' M^-1 g, with g its slopes. A design that makes that least is c-optimal
(Chaloner & Verdinelli 1995, doi 10.1214/ss/1177009939, section 4). Where g and J lie depends on theta, which is what is
sought, so

    Phi(xi) = mean over drawn laws of ln g' M(xi)^-1 g

is made small: laws drawn from the prior in the first round, from what the runs so far say in later ones (their cells
count in M). The laws are those of the bounded link with k and U free, so what links disagree by is part of the band.
Cells that have hardly begun (near U) count for little: no law is made for them.

No law of text holds far from the best split either: models that are starved or drowned take off at other times. So a
cell is designed only where its N lies within a factor of ``NEAR`` of the best N for its own FLOPs, or of ``NEAR`` times
one standard deviation of that (e at most); in the first round by the prior, then by what the runs say; anywhere, where
fewer than three sizes are so near. The last rounds so come to isoFLOP valleys at halves of the largest compute, with
branches shared.

Candidates are a size of the ladder, a largest budget and the branches below it, at computes that all sizes share
(halves of the largest), so that isoFLOP curves have points. The design is built greedily by the fall of Phi per FLOP,
then improved by exchanges of one trunk for another (Fedorov 1972) while that pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import FitError
from ...numerics.draws import normals
from ...numerics.functions import exp, log, product
from ...numerics.linear import inv, solve
from ..forms.arguments import LEAST_N, check_positive
from ..plans.evidence.gaussian_split import GaussianSplit
from ..solve.additive import Array
from .cell_errors import LENGTH, SHARED, decades_below, drift_of
from .compute import Compute
from .posterior import PRIOR_MEAN, PRIOR_SD
from .reading import PilotRuns
from .soft_law import LAW, Frame, best_size, best_size_slopes, excess_share, log_loss, valley_bend

COOLDOWN = 0.2  # of a branch's budget, trained beside the trunk
SHARES = (0.4, 1.0)  # of what is left, that a round may spend; the last one stays for all later rounds
MOST_ROUNDS = 3
LARGEST_SHARE = 1 / 6  # of the pilot's FLOPs, that one cell may take
WORTH = 0.05  # of the pilot's FLOPs: what is less is not designed for
NARROW = 0.1  # standard deviation of ln N_opt at the target that ends a pilot early
LEAST_SIZES, MOST_TRUNKS = 3, 6  # in a round
NEAR = 4.0  # times or over the best N of a cell's own FLOPs, that a cell may have
RATIOS = 1.0, 5000.0  # tokens per parameter between which a law of scaling is looked for
# of the best split of small models: D/N, and the standard deviation of its logarithm (docs/validation.md)
SMALL_SCALE = 80.0, 1.2
_LAWS = 24
_SIZES = 14  # of the ladder that are tried
_HALVINGS = 9  # of the largest compute
_BRANCHES = ((), (1,), (2,), (1, 2), (2, 4), (1, 2, 3), (2, 4, 6), (1, 2, 3, 4))  # halvings below the largest budget
_EXCHANGES = 6
_HARDLY_BEGUN = 10.0  # by how much more a cell at U errs than one far below


class PlannedTrunk(NamedTuple):
    """A trunk to be trained: index of its size in ``sizes``, its budgets (tokens, rising), its FLOPs with branches."""

    size: int
    budgets: tuple[int, ...]
    C: float


@dataclass(frozen=True)
class RoundDesign:
    """What to train next.

    Attributes
    ----------
    runs : tuple of PlannedTrunk
        Each size once; empty where ``stop`` says why.
    sd_before, sd_after : float
        Standard deviation of ln N_opt at ``target_C`` (all FLOPs) now, and expected after these runs.
    stop : str or None
        Why nothing more is to be trained.
    """

    runs: tuple[PlannedTrunk, ...]
    sd_before: float
    sd_after: float
    stop: str | None = None

    @property
    def C(self) -> float:
        """FLOPs of all runs."""
        return float(sum(run.C for run in self.runs))


def trunk_cost(budgets: Sequence[int] | Array, flops_per_token: float) -> float:
    """FLOPs of a trunk: its largest budget, and the cooldown of every other one, which is trained beside it."""
    most = max(budgets)
    return float((most + COOLDOWN * (sum(budgets) - most)) * flops_per_token)


def design_round(
    runs: PilotRuns | None,
    compute: Compute,
    sizes: npt.ArrayLike,
    *,
    target_C: float,
    pilot_C: float,
    spent_C: float = 0.0,
    round_: int = 1,
    workers: int = 1,
    least_tokens: float = 1.0,
    step_tokens: int = 1,
    unique_tokens: float | None = None,
    largest_share: float = LARGEST_SHARE,
    prior: GaussianSplit | None = None,
    seed: int = 0,
) -> RoundDesign:
    """Choose the trunks of a round.

    Parameters
    ----------
    runs : PilotRuns or None
        What all earlier rounds say (``read_pilot``); None in the first.
    compute : Compute
        All FLOPs along the ladder.
    sizes : array-like (k,)
        N of the models that can be trained, any of the ladder; ``PlannedTrunk.size`` counts from 0 in them.
    target_C : float
        All FLOPs of the run that is planned for.
    pilot_C : float
        FLOPs of the whole pilot.
    spent_C : float
        Of which earlier rounds took this much.
    round_ : int
        1, 2, ..., at most ``MOST_ROUNDS``.
    workers : int
        Runs trained at once: no trunk takes more than its worker's share of the round.
    least_tokens, step_tokens : float, int
        The smallest budget worth training, and what budgets are multiples of (tokens of a step).
    unique_tokens : float, optional
        No budget is larger: repeated tokens follow another law.
    largest_share : float
        Of ``pilot_C``, that one cell may take.
    prior : GaussianSplit, optional
        What is known of the split beforehand (of published grids, moved by H), for the first round.
    seed : int
        Of the laws drawn.

    Raises
    ------
    FitError
        When the FLOPs hold no pilot of three sizes.
    """
    target_C, pilot_C = float(check_positive(target_C, "target_C")), float(check_positive(pilot_C, "pilot_C"))
    N = check_positive(sizes, "sizes")
    left = pilot_C - spent_C
    theta, frame, old = _prior_laws(compute, pilot_C, prior, seed) if runs is None else _drawn_laws(runs)
    top = log(pilot_C * largest_share)
    largest = pilot_C * largest_share if runs is None else runs.C[1]
    drift = drift_of(log(target_C / largest) / log(10.0))
    if runs is None:
        law_sd = _first_sd(theta, target_C, top, frame, compute)
        before = float(np.sqrt(np.square(law_sd) + drift * drift))
    else:
        before = float(runs.drawn_ln_N(target_C).std(ddof=1))
        law_sd = float(np.sqrt(max(np.square(before) - drift * drift, 1e-6)))
    if runs is not None:
        why = None
        if before <= NARROW:
            why = f"the band is narrow enough: ln N_opt at the target is known to {before:.2g}"
        elif left < WORTH * pilot_C:
            why = f"the FLOPs are used: {spent_C:.3g} of {pilot_C:.3g}"
        elif round_ > MOST_ROUNDS:
            why = f"{MOST_ROUNDS} rounds are trained"
        if why:
            return RoundDesign((), before, before, why)
    share = SHARES[min(round_, len(SHARES)) - 1]
    budget = left * share
    laws = theta[np.linspace(0, len(theta) - 1, _LAWS).astype(np.intp)]
    affordable = (compute, N, pilot_C * largest_share, min(budget / workers, budget / 2), least_tokens, step_tokens)
    found = _Candidates.of(*affordable, unique_tokens, _Valley.of(laws, pilot_C * largest_share, frame, compute))
    if len(np.unique(found.size)) < LEAST_SIZES:
        # where the runs so far put the best size far from all that can be trained, nothing is near it: look everywhere
        found = _Candidates.of(*affordable, unique_tokens, None)
    if len(np.unique(found.size)) < LEAST_SIZES:
        if runs is not None:
            return RoundDesign((), before, before, f"{left:.3g} FLOPs are left: too few for another round")
        raise FitError(
            f"{pilot_C:.3g} FLOPs hold no runs of {LEAST_SIZES} sizes with {least_tokens:.3g} tokens or more: give the "
            "pilot more FLOPs (or minutes)"
        )
    problem = _Problem.of(laws, frame, compute, target_C, old, found, top)
    chosen = problem.chosen(budget, LEAST_SIZES if runs is None else 1)
    if not chosen:
        return RoundDesign((), before, before, f"{left:.3g} FLOPs are left: too few for another run")
    falls = problem.value(chosen) - problem.value([])
    planned = sorted(PlannedTrunk(int(found.size[j]), found.budgets[j], float(found.cost[j])) for j in chosen)
    reached = max(max(run.budgets) * float(compute.per_token(N[run.size])) for run in planned)
    if runs is not None:
        reached = max(reached, runs.C[1])
    drift = drift_of(log(target_C / reached) / log(10.0))
    after = np.sqrt(np.square(law_sd) * exp(falls) + drift * drift)
    return RoundDesign(tuple(planned), before, float(after))


def _first_sd(theta: Array, C: float, top: float, frame: Frame, compute: Compute) -> float:
    """Standard deviation of ln N_opt before anything is trained: of the laws, and of the bottom as misfit moves it."""
    x = best_size(theta, C, frame, compute)
    slope = exp(theta[:, 8]) * np.sqrt(1 + np.square(compute.elasticity(exp(x)))) / LENGTH
    moved = np.median(slope / _stiffness(theta, x, C, top, frame, compute))
    return float(np.sqrt(x.var(ddof=1) + moved * moved))


def _stiffness(theta: Array, x: Array, C: float, top: float, frame: Frame, compute: Compute) -> Array:
    """The valley's bend (S,) at C, over how large the misfit is there beside that of runs of e^top FLOPs."""
    where = best_size(theta, float(exp(top)), frame, compute)
    here, there = (
        excess_share(theta, at, ln_C - compute.log_C(at, 0.0 * at), frame) for at, ln_C in ((x, log(C)), (where, top))
    )
    return valley_bend(theta, x, C, frame, compute) * there / here


def _drawn_laws(runs: PilotRuns) -> tuple[Array, Frame, tuple[Array, Array, npt.NDArray[np.intp]]]:
    return runs.theta, runs.frame, (log(runs.N), log(runs.D), runs.trunk)


def _prior_laws(
    compute: Compute, pilot_C: float, prior: GaussianSplit | None, seed: int
) -> tuple[Array, Frame, tuple[Array, Array, npt.NDArray[np.intp]]]:
    """Laws that a corpus may have before anything is trained, about the best split of a tenth of the pilot."""
    C = pilot_C / 10
    # N_opt of a tenth of the pilot where D/N is the usual of small models
    x = _size_at_ratio(compute, C, SMALL_SCALE[0])
    six = float(compute.six_nd_of(exp(x), C))
    # d ln N / d ln(D/N) on D c(N) = C
    spread = SMALL_SCALE[1] / (1 + float(compute.elasticity(exp(x))))
    known = GaussianSplit(np.array([x, 0.5]), np.diag([np.square(spread), np.square(0.15)]), six)
    if prior is not None:
        known = known.updated(prior)
    n = 400
    noise = normals(np.random.default_rng(seed), (n, 10))
    theta = PRIOR_MEAN + PRIOR_SD * noise[:, :9]
    # losses in units of the largest: an untrained model's is 1, the middle of a pilot lies about .7, its least about .5
    theta[:, 0] = np.maximum(theta[:, 0], 0.05)
    theta[:, 1] += log(0.7)
    theta[:, [3, 4]] -= 0.3 * PRIOR_SD[3] * noise[:, [3, 4]]
    here = float(known.at(six).mean[0])
    frame = Frame(here, float(log(compute.tokens(exp(here), C))), 0.5, 1.0)
    best = here + float(np.sqrt(known.at(six).covariance[0, 0])) * noise[:, 9]
    k, alpha, beta = (exp(theta[:, i]) for i in (5, 3, 4))
    dy = log(compute.tokens(exp(best), C)) - frame.y0
    theta[:, 2] = k * log(compute.elasticity(exp(best)) * beta / alpha) + alpha * (best - frame.x0) - beta * dy
    return theta, frame, (np.empty(0), np.empty(0), np.empty(0, dtype=np.intp))


def _size_at_ratio(compute: Compute, C: float, ratio: float) -> float:
    """Ln N where C pays for ``ratio`` tokens a parameter."""
    low, high = compute.x[0] - 30.0, compute.x[-1] + 30.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        more = float(log(compute.tokens(exp(middle), C))) - middle > log(ratio)
        low, high = (middle, high) if more else (low, middle)
    return 0.5 * (low + high)


class _Valley(NamedTuple):
    """The best ln N along ln C, rising (m,), and how far from it a cell may lie."""

    log_C: Array
    best: Array
    reach: Array

    @classmethod
    def of(cls, theta: Array, largest: float, frame: Frame, compute: Compute) -> _Valley:
        C = largest * exp(-log(2.0) * np.arange(2 * _HALVINGS, -1.0, -1.0))
        x = best_size(theta, C, frame, compute)
        return cls(log(C), np.median(x, axis=0), log(NEAR) + np.minimum(x.std(axis=0), 1.0))

    def holds(self, x: float, log_C: Array) -> bool:
        """Whether cells of size ln N = x lie near, at all of their FLOPs."""
        off = np.abs(x - np.interp(log_C, self.log_C, self.best))
        return bool((off <= np.interp(log_C, self.log_C, self.reach)).all())


class _Candidates(NamedTuple):
    """Trunks that may be trained: size (m,), budgets, cost (m,); x and y of all their cells, and whose they are."""

    size: npt.NDArray[np.intp]
    budgets: list[tuple[int, ...]]
    cost: Array
    x: Array
    y: Array
    trunk: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls, compute: Compute, N: Array, largest: float, most: float, least_tokens: float, step: int,
        unique: float | None, valley: _Valley | None,
    ) -> _Candidates:  # fmt: skip
        sizes, budgets, cost = [], [], []
        seen = set()
        c = np.asarray(compute.per_token(N))
        top = np.inf if unique is None else max(unique, step)
        # sizes that the largest cell can train at all, evenly over ln N
        able = np.flatnonzero((largest / c >= least_tokens) & (N >= LEAST_N))
        wanted = np.linspace(log(N[able].min()), log(N[able].max()), _SIZES) if len(able) else np.empty(0)
        tried = sorted({int(able[np.abs(log(N[able]) - x).argmin()]) for x in wanted})
        for i in tried:
            for j in range(_HALVINGS):
                for below in _BRANCHES:
                    D = np.minimum(largest / c[i] * exp(-log(2.0) * (j + np.array([0, *below]))), top)
                    whole = tuple(sorted({int(d // step) * step for d in D if d >= max(least_tokens, step)}))
                    if len(whole) != 1 + len(below) or (i, whole) in seen:
                        continue
                    if not RATIOS[0] <= whole[0] / N[i] <= whole[-1] / N[i] <= RATIOS[1]:
                        continue
                    if valley and not valley.holds(float(log(N[i])), log(np.array(whole) * c[i])):
                        continue
                    seen.add((i, whole))
                    price = trunk_cost(whole, float(c[i]))
                    if price <= most:
                        sizes.append(i)
                        budgets.append(whole)
                        cost.append(price)
        counts = [len(b) for b in budgets]
        trunk = np.repeat(np.arange(len(budgets)), counts)
        tokens = np.array([d for b in budgets for d in b], dtype=np.float64)
        size = np.array(sizes, dtype=np.intp)
        x = log(N[size[trunk]]) if len(trunk) else np.empty(0)
        y = log(tokens) if len(trunk) else np.empty(0)
        return cls(size, budgets, np.array(cost), x, y, trunk)


class _Misfit(NamedTuple):
    """The misfit by its values at knots in ln N and in ln D, and their precision at kappa = 1."""

    knots: tuple[Array, Array]
    precision: Array

    @classmethod
    def of(cls, x: Array, y: Array) -> _Misfit:
        # and one beyond the cells, for the target may be near
        knots = tuple(np.linspace(at.min(), at.max() + LENGTH, int(np.ceil(np.ptp(at) / LENGTH)) + 2) for at in (x, y))
        m, n = (len(k) for k in knots)
        precision = np.zeros((m + n, m + n))
        precision[:m, :m], precision[m:, m:] = (inv(_near(k, k) + 1e-3 * np.eye(len(k))) for k in knots)
        return cls((knots[0], knots[1]), precision)

    def seen(self, x: Array, y: Array) -> Array:
        """Slopes (n, m) of the misfit at cells in its values at the knots."""
        m = len(self.knots[0])
        return np.concatenate(
            [
                product(_near(x, self.knots[0]), self.precision[:m, :m]),
                product(_near(y, self.knots[1]), self.precision[m:, m:]),
            ],
            axis=1,
        )

    def moves(self, x: Array, y: Array, eps: Array, bend: Array) -> Array:
        """Slopes (S, m) of ln N_opt, at x and y (S,) on a valley of this bend (S,), in the values at the knots."""
        m = len(self.knots[0])
        steep = [(at[:, None] - k) / np.square(LENGTH) * _near(at, k) for at, k in zip((x, y), self.knots)]
        return np.concatenate(
            [
                product(steep[0], self.precision[:m, :m]) / bend[:, None],
                product(steep[1], self.precision[m:, m:]) * (-eps / bend)[:, None],
            ],
            axis=1,
        )


def _near(a: Array, b: Array) -> Array:
    return np.asarray(exp(-0.5 * np.square((a[:, None] - b) / LENGTH)))


def _information(
    theta: Array, x: Array, y: Array, trunk: npt.NDArray[np.intp], n: int, below: Array, frame: Frame, misfit: _Misfit
) -> Array:
    """J' V^-1 J (S, n, p, p) of n trunks under laws (S, 9); of the law, then of the misfit's knots."""
    p = 7 + len(misfit.precision)
    out = np.zeros((len(theta), n, p, p))
    if not n:
        return out
    value, slopes = log_loss(theta, x, y, frame, slopes=True)
    assert slopes is not None
    ceiling = frame.largest * (1 + exp(theta[:, 6:7]))
    floor = frame.least * theta[:, :1]
    begun = np.clip((exp(value) - floor) / np.maximum(ceiling - floor, 1e-9), 0.0, 1.0)
    v = 1 + below
    J = np.concatenate([slopes, np.repeat((misfit.seen(x, y) * v[:, None])[None], len(theta), axis=0)], axis=2)
    J = J / (exp(theta[:, 7:8]) * v * (1 + _HARDLY_BEGUN * np.square(begun * begun)))[..., None]
    t2 = np.square(SHARED)
    for j in range(n):
        part = J[:, trunk == j]
        m, sums = part.shape[1], part.sum(axis=1)
        out[:, j] = product(part.swapaxes(1, 2), part) - t2 / (1 + m * t2) * sums[:, :, None] * sums[:, None, :]
    return out


class _Problem(NamedTuple):
    """Phi of designs: what is known already (S, p, p), what each candidate adds (S, m, p, p), slopes g (S, p)."""

    known: Array
    more: Array
    g: Array
    cost: Array
    size: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls, theta: Array, frame: Frame, compute: Compute, target_C: float,
        old: tuple[Array, Array, npt.NDArray[np.intp]], found: _Candidates, top: float,
    ) -> _Problem:  # fmt: skip
        # what links differ by is in the band: U where it may be, rather than nowhere
        theta = theta.copy()
        theta[:, 6] = np.minimum(theta[:, 6], PRIOR_MEAN[6] + PRIOR_SD[6])
        x, y, trunk = old
        misfit = _Misfit.of(np.concatenate([x, found.x]), np.concatenate([y, found.y]))
        p = 7 + len(misfit.precision)
        g = np.zeros((len(theta), p))
        best, g[:, LAW] = best_size_slopes(theta, target_C, frame, compute)
        bend = _stiffness(theta, best, target_C, top, frame, compute)
        tokens, eps = log(target_C) - compute.log_C(best, 0.0 * best), np.asarray(compute.elasticity(exp(best)))
        g[:, 7:] = misfit.moves(best, tokens, eps, bend)
        known = np.zeros((len(theta), p, p))
        known[:, LAW, LAW] = np.diag(1 / np.square(PRIOR_SD[LAW]))
        known[:, 7:, 7:] = misfit.precision * exp(-2 * theta[:, 8])[:, None, None]
        parts = []
        for cells, n in ((old, len(np.unique(trunk))), ((found.x, found.y, found.trunk), len(found.size))):
            below = decades_below(compute.log_C(*cells[:2]), top)
            parts.append(_information(theta, *cells, n, below, frame, misfit))
        known, more = known + parts[0].sum(axis=1), parts[1]
        return cls(known, more, g, found.cost, found.size)

    def value(self, chosen: Sequence[int]) -> float:
        """Phi of a design."""
        M = self.known + self.more[:, list(chosen)].sum(axis=1)
        return float(self._phi(M[:, None])[0])

    def _phi(self, M: Array) -> Array:
        """Phi (m,) of information matrices (S, m, 7, 7)."""
        g = np.broadcast_to(self.g[:, None, :, None], (*M.shape[:3], 1))
        variance = (g * solve(M, g))[..., 0].sum(axis=-1)
        return np.asarray(log(np.maximum(variance, 1e-300)).mean(axis=0))

    def chosen(self, budget: float, least_sizes: int) -> list[int]:
        """A design (indices of candidates, each size once) that the budget pays for."""
        out: list[int] = []
        while len(out) < MOST_TRUNKS and (best := self._best(out, budget, least_sizes)) is not None:
            out.append(best)
        for _ in range(_EXCHANGES):
            value, better = self.value(out), None
            for i in range(len(out)):
                rest = out[:i] + out[i + 1 :]
                new = self._best(rest, budget, least_sizes, per_flop=False)
                if new is not None and (reached := self.value([*rest, new])) < value - 1e-3:
                    value, better = reached, [*rest, new]
            if better is None:
                break
            out = better
            while len(out) < MOST_TRUNKS and (best := self._best(out, budget, least_sizes)) is not None:
                out.append(best)
        return out

    def _best(self, chosen: list[int], budget: float, least_sizes: int, *, per_flop: bool = True) -> int | None:
        left = budget - self.cost[chosen].sum()
        # the first few leave room for as many sizes as there must be
        lacking = least_sizes - len(chosen) - 1
        room = left / (1 + max(lacking, 0)) if lacking > 0 else left
        open_ = np.flatnonzero((self.cost <= room) & ~np.isin(self.size, self.size[chosen]))
        if not len(open_):
            return None
        M = self.known + self.more[:, chosen].sum(axis=1)
        phi = self._phi(M[:, None] + self.more[:, open_])
        fall = float(self._phi(M[:, None])[0]) - phi
        # a run takes a place as well as its FLOPs
        score = fall / (self.cost[open_] + budget / MOST_TRUNKS) if per_flop else fall
        best = int(score.argmax())
        return int(open_[best]) if fall[best] > 1e-4 else None
