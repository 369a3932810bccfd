"""By how much this corpus's H moves the split that web text wants, and how well that is known.

Let beta (2,) be the slopes of (ln N_opt at C_ref, a) in H. A corpus whose H differs by h from that of the corpora
behind the prior wants mu + beta h + u, where u is the scatter of corpora that the prior's band holds already.

*Before any measurement* the sign of beta is open. The corpora behind the prior differ in H by about sigma_H and in
their splits by T, of which H explains a share anywhere from none to all, half of it on average:

    beta ~ N(0, B),   B = T / (2 sigma_H^2).

*A sweep* measures b, the slopes of (ln N_opt at C_s, a) in H at its own compute C_s, with covariance V: its lines'
error, widened for their degrees of freedom, and the disagreement of the links. Power laws in C make that a
measurement of the same beta, b = M beta + error with M = [[1, ln(C_s / C_ref)], [0, 1]], and one Gaussian update gives

    K = B M' (M B M' + V)^-1,   beta = K b,   P = (1 - K M) B.

So the 20 to 25 e-folds of compute between grammars on a laptop and a plan are not assumed away: an error in the slope
of a counts so many times over, and the sweep is believed only as far as that leaves it more certain than B.
``EffectOfH.share`` says how far that is.

*The shift* is beta h, with covariance

    P (h^2 + v) + beta beta' v,

v being the variance of this corpus's own H. That of the others' H, sigma_H^2, is not added: it is how they differ, and
what it does to their splits is in T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....errors import FitError
from ....numerics.functions import product
from ....numerics.linear import solve
from ...solve.additive import Array
from .gaussian_split import GaussianSplit, inflation, moving

# of the scatter between published corpora, what H is expected to explain before anything is measured
SHARE_OF_SCATTER = 0.5


@dataclass(frozen=True, eq=False)
class EffectOfH:
    """A shift of (ln N_opt at the prior's C, a).

    Attributes
    ----------
    h, h_sd : float
        This corpus's H less that of the prior's corpora, and the standard deviation of this corpus's.
    slopes : ndarray (2,)
        beta, per unit of H.
    slopes_covariance : ndarray (2, 2)
        P.
    share : float
        Of what the prior did not know about ln N's slope at its C, the part that the sweep told: 0 to 1.
    link : str or None
        The link behind the sweep's slopes; None where no sweep measured them.
    covariate : str
        What stands in the place of H, where it is another.
    """

    h: float
    h_sd: float
    slopes: Array
    slopes_covariance: Array
    share: float
    link: str | None
    covariate: str = "H"

    @property
    def shift(self) -> Array:
        """Of (ln N_opt, a), float64 (2,)."""
        return self.slopes * self.h

    @property
    def covariance(self) -> Array:
        """Of the shift, float64 (2, 2)."""
        v = np.square(self.h_sd)
        return self.slopes_covariance * (np.square(self.h) + v) + np.outer(self.slopes, self.slopes) * v


def measured_slopes(split: Mapping[str, Any], C: float) -> tuple[Array, Array, Array, str]:
    """Take the slopes in H of a sweep's "split" (regression.json): b (2,), V (2, 2), M (2, 2), and their link.

    V is widened for the lines' degrees of freedom, and holds the mean square by which the other links' slopes (and
    those of isoFLOP curves) differ from the chosen one's.
    """
    try:
        link, by = split["link"], split["by"]
        chosen = by[link]
        b = np.array(chosen["coefficients"], dtype=np.float64)[:, 1]
        V = np.array(chosen["covariance"], dtype=np.float64)[np.ix_([1, 3], [1, 3])] * inflation(int(chosen["df"]))
        M = moving(C, float(split["C"]))
        rest = [
            np.array(one["coefficients"], dtype=np.float64)[:, 1] - b
            for name, one in by.items()
            if name != link and one and one.get("coefficients")
        ]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FitError(f"the law's split in H lacks {error}: make it again with ziplaw regress") from None
    if b.shape != (2,) or not np.isfinite([*b, *V.ravel(), *M.ravel()]).all():
        raise FitError("the law's split in H is no line of ln_N and a with its covariance: make it with ziplaw regress")
    if rest:
        V = V + np.mean([np.outer(d, d) for d in rest], axis=0)
    return b, V, M, str(link)


def effect_of_H(
    prior: GaussianSplit,
    scatter: Array,
    split: Mapping[str, Any] | None,
    h: float,
    h_sd: float,
    spread: float,
    covariate: str = "H",
) -> EffectOfH:
    """Return by how much H moves the prior's split.

    Parameters
    ----------
    prior : GaussianSplit
        Of corpora like those behind the prior.
    scatter : ndarray (2, 2)
        T: of (ln N_opt, a) between those, at the prior's C.
    split : dict or None
        "split" of regression.json; None where no sweep measured the slopes.
    h, h_sd : float
        H of this corpus less that of the prior's, and the standard deviation of this corpus's.
    spread : float
        sigma_H, by which the corpora behind the prior differ in H.
    covariate : str
        Another one than H, or its logarithm, may stand in its place everywhere: ``split`` of an effect then has the
        slopes in it.
    """
    B = SHARE_OF_SCATTER * np.asarray(scatter, dtype=np.float64) / np.square(spread)
    if split is None:
        return EffectOfH(h, h_sd, np.zeros(2), B, 0.0, None, covariate)
    b, V, M, link = measured_slopes(split, prior.C)
    gain = solve(product(M, B, M.T) + V, product(M, B)).T
    left = B - product(gain, M, B)
    left = (left + left.T) / 2
    share = 1 - float(left[0, 0] / B[0, 0]) if B[0, 0] > 0 else 0.0
    return EffectOfH(h, h_sd, product(gain, b), left, share, link, covariate)
