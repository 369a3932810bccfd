"""Two arms under additive laws that share what is asked of them: many least-squares fits on log loss side by side.

A law of N and D is E + A/N^alpha + B/D^beta. Where N and D move together in both arms (a ladder) it is E + K/C^gamma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ...numerics.functions import einsum, exp, log
from ...numerics.linear import pinv
from ...numerics.linear import solve as solve_system
from ..solve.additive import Array
from ..solve.many import Problems, descend

# local unknowns of an arm: ln E, ln A, ln B at the centre, alpha, beta
_LOCAL = 5
# which of them the arms share, by the name of the model
SHARED = {"own": (), "exponents": (3, 4), "factor": (0, 3, 4), "equal": (0, 1, 2, 3, 4)}


@dataclass(frozen=True, eq=False)
class ArmCells:
    """Rows of K arms, padded to one length; where designs match, pairs stand first and in the same columns.

    Attributes
    ----------
    x, y, z, w : ndarray, float64 (K, n)
        ln N and ln D about a common centre (both ln C for a ladder), ln loss, weights (0 where padded).
    ln_E : None
        E is fitted.
    ladder : bool
        Whether the law is one of C alone.
    n_pairs : int
        Columns in which both arms have a run of one N and D.
    centre : tuple of float
        Mean ln N and ln D that were taken off; of a ladder ln C twice.
    """

    x: Array
    y: Array
    z: Array
    w: Array
    ladder: bool
    n_pairs: int
    centre: tuple[float, float]
    ln_E: Array | None = None

    @property
    def K(self) -> int:
        """Number of arms."""
        return len(self.x)

    @property
    def n(self) -> int:
        """Number of rows of all arms."""
        return int((self.w > 0).sum())

    def arm(self, k: int) -> ArmCells:
        """One arm alone."""
        return replace(self, x=self.x[k : k + 1], y=self.y[k : k + 1], z=self.z[k : k + 1], w=self.w[k : k + 1])


def cells_of(tables: Sequence[tuple[Array, Array, Array]], ladder: bool, match: float = 1e-3) -> ArmCells:
    """Lay out N, D and loss of each arm; runs of two arms with N and D equal within ``match`` (relative) are a pair."""
    logs = [log(np.stack(table)) for table in tables]
    pairs = _pairs(logs[0][:2], logs[1][:2], match) if len(logs) == 2 else []
    order = [[pair[k] for pair in pairs] for k in range(len(logs))]
    order = [first + sorted(set(range(table.shape[1])) - set(first)) for first, table in zip(order, logs)]
    n = max(map(len, order))
    x, y, z, w = np.zeros((4, len(logs), n))
    for k, (table, rows) in enumerate(zip(logs, order)):
        x[k, : len(rows)], y[k, : len(rows)], z[k, : len(rows)] = table[:, rows]
        w[k, : len(rows)] = 1.0
    if ladder:
        x = y = x + y + log(6.0)
    centre = float((x * w).sum() / w.sum()), float((y * w).sum() / w.sum())
    return ArmCells((x - centre[0]) * w, (y - centre[1]) * w, z, w, ladder, len(pairs), centre)


def _pairs(first: Array, second: Array, match: float) -> list[tuple[int, int]]:
    """Index pairs of columns of (2, n) and (2, m) that agree, each used once."""
    left, out = set(range(second.shape[1])), []
    for i in range(first.shape[1]):
        near = [j for j in sorted(left) if np.abs(first[:, i] - second[:, j]).max() <= match]
        if near:
            out.append((i, near[0]))
            left.discard(near[0])
    return out


def sharing(model: str, K: int, ladder: bool) -> Array:
    """Matrix (K, 5, p): what theta (p,) of a model of ``SHARED`` gives each arm's ln E, ln A, ln B, alpha, beta.

    A ladder's law is the additive one of C twice, with both terms equal.
    """
    local = [0, 1, 1, 2, 2] if ladder else list(range(_LOCAL))
    shared = {local[i] for i in SHARED[model]}
    columns: dict[tuple[int, int], int] = {}
    places = [[columns.setdefault((-1 if i in shared else k, i), len(columns)) for i in local] for k in range(K)]
    S = np.zeros((K, _LOCAL, len(columns)))
    for k, row in enumerate(places):
        S[k, np.arange(_LOCAL), row] = 1.0
    return S


class _Sharing(Problems):
    """Problems whose ``extra`` is the matrix of ``sharing``, (1, K, 5, p)."""

    def unfold(self, theta: Array) -> tuple[Array, Array]:
        """See ``Problems.unfold``."""
        full = einsum("kip,Pp->Pki", self.extra[0], theta)
        return full[..., :3], full[..., 3:]

    def step(self, M: Array, g: Array) -> Array:
        """See ``Problems.step``."""
        S = self.extra[0]
        big = einsum("kip,Pkij,kjq->Ppq", S, M, S)
        step: Array = -solve_system(big, einsum("kip,Pki->Pp", S, g)[..., None])[..., 0]
        return step


@dataclass(frozen=True, eq=False)
class ArmsFit:
    """Outcome of many fits: ``theta`` (P, p), each arm's unknowns ``local`` (P, K, 5), ``rss`` (P,), ``converged``."""

    theta: Array
    local: Array
    rss: Array
    converged: npt.NDArray[np.bool_]

    def best(self) -> ArmsFit:
        """The one with the least sum of squares, P = 1."""
        i = int(np.argmin(self.rss))
        return ArmsFit(self.theta[i : i + 1], self.local[i : i + 1], self.rss[i : i + 1], self.converged[i : i + 1])


def solve(cells: ArmCells, model: str, theta: Array, *, z: Array | None = None, w: Array | None = None) -> ArmsFit:
    """Fit a model from starts theta (P, p), to other log losses or weights (P, K, n) if given."""
    S = sharing(model, cells.K, cells.ladder)[None]
    problems = _Sharing(
        cells.x[None],
        cells.y[None],
        cells.z[None] if z is None else z,
        cells.w[None] if w is None else w,
        None,
        S,
    )
    theta, rss, converged = descend(problems, theta)
    return ArmsFit(theta, einsum("kip,Pp->Pki", S[0], theta), rss, converged)


def covariance(cells: ArmCells, model: str, found: ArmsFit) -> Array:
    """Delta-method covariance (p, p) of the one fit of a model: the residuals' variance by the inverse of J'J."""
    S = sharing(model, cells.K, cells.ladder)
    problems = _Sharing(cells.x[None], cells.y[None], cells.z[None], cells.w[None], None, S[None])
    _, parts = problems.terms(*problems.unfold(found.theta))
    M, _ = problems.normal(parts, np.zeros(1))
    freedom = max(cells.n - S.shape[-1], 1)
    inverse: Array = pinv(einsum("kip,kij,kjq->pq", S, M[0], S))
    return found.rss[0] / freedom * inverse


def fit_model(cells: ArmCells, model: str) -> ArmsFit:
    """Fit a model from a grid of starts, and for two arms from what each gives alone; the best, P = 1."""
    starts = [_starts(cells)] * cells.K
    if cells.K > 1:
        alone = [fit_model(cells.arm(k), "own").local[0, 0] for k in range(cells.K)]
        # as they are, and either one's for both
        mixed = np.stack([np.stack(alone), *(np.stack([one] * cells.K) for one in alone)])
        starts = [np.concatenate([common, mixed[:, k]]) for k, common in enumerate(starts)]
    S = sharing(model, cells.K, cells.ladder)
    # a shared unknown starts at the mean of what the arms say
    theta = einsum("kip,kPi->Pp", S, np.stack(starts)) / S.sum(axis=(0, 1))
    return solve(cells, model, theta).best()


def _starts(cells: ArmCells) -> Array:
    """Unknowns (P, 5) to start from: three floors, and two or three values of each exponent."""
    z = cells.z[cells.w > 0]
    out = []
    for share in (0.3, 0.7, 0.95):
        E = z.min() + log(share)
        rest = log(exp(z.mean()) - exp(E)) - log(2)
        for alpha in (0.1, 0.3, 0.6):
            for beta in (alpha,) if cells.ladder else (0.2, 0.5):
                out.append([E, rest, rest, alpha, beta])
    return np.array(out)
