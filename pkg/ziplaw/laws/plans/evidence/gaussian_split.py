"""What is known about a split as one Gaussian, over ln N_opt at a reference compute and the exponent a.

Since N_opt = G (C/6)^a, the pair (ln N_opt at C, a) at one C gives it at every other:

    ln N_opt(C') = ln N_opt(C) + a (ln C' - ln C),

a linear map. So a Gaussian moves along C by a 2 x 2 matrix, and two of them about one corpus multiply: the one update
that planning needs, whatever law, link or isoFLOP curve a pair was read off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....numerics.distributions import normal_inverse, student_quantile
from ....numerics.functions import exp, log, product
from ....numerics.linear import solve
from ...forms.allocation import FLOPS_PER_PARAMETER_TOKEN
from ...forms.arguments import check_level
from ...solve.additive import Array

# where published grids are summed up: in the middle of what they measured
REFERENCE_C = 1e20


def moving(C: float, to: float) -> Array:
    """Return the matrix (2, 2) that takes (ln N_opt at C, a) to (ln N_opt at ``to``, a)."""
    return np.array([[1.0, log(to / C)], [0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class GaussianSplit:
    """A Gaussian over (ln N_opt at C, a).

    Attributes
    ----------
    mean : ndarray, float64 (2,)
        ln N_opt (N in parameters) at C, and a.
    covariance : ndarray, float64 (2, 2)
        Theirs; it may be singular.
    C : float
        The compute at which N_opt is meant, FLOPs, C = 6 N D.
    """

    mean: Array
    covariance: Array
    C: float = REFERENCE_C

    def at(self, C: float) -> GaussianSplit:
        """Return the same knowledge, told at another compute."""
        move = moving(self.C, C)
        return GaussianSplit(product(move, self.mean), product(move, self.covariance, move.T), float(C))

    def shifted(self, shift: npt.ArrayLike, covariance: npt.ArrayLike) -> GaussianSplit:
        """Return the sum with an independent shift (2,) of this covariance (2, 2), both told at the same C."""
        return GaussianSplit(self.mean + np.asarray(shift), self.covariance + np.asarray(covariance), self.C)

    def updated(self, evidence: GaussianSplit) -> GaussianSplit:
        """Return the posterior where this is the prior and ``evidence`` an independent measurement.

        With m, S the prior and y, V the evidence at the same C, and K = S (S + V)^-1:

            mean m + K (y - m), covariance (1 - K) S.
        """
        seen = evidence.at(self.C)
        gain = solve(self.covariance + seen.covariance, self.covariance).T
        left = self.covariance - product(gain, self.covariance)
        return GaussianSplit(self.mean + product(gain, seen.mean - self.mean), (left + left.T) / 2, self.C)

    def z_score(self, other: GaussianSplit, C: float) -> float:
        """How many standard deviations two independent ones lie apart in ln N at C."""
        here, there = self.at(C), other.at(C)
        spread = np.sqrt(here.covariance[0, 0] + there.covariance[0, 0])
        return float(abs(here.mean[0] - there.mean[0]) / spread) if spread > 0 else 0.0

    def split(self, C: float, level: float = 0.95) -> dict[str, Any]:
        """Return N, D, D/N and a at C with their bands.

        Parameters
        ----------
        C : float
            Training FLOPs.
        level : float
            Coverage of the bands.

        Returns
        -------
        dict
            ``N D tokens_per_parameter a`` and each with ``_interval``. D = C / (6 N) is known as well as N is.
        """
        here = self.at(C)
        z = normal_quantile(level)
        (ln_N, a), (sd_N, sd_a) = here.mean, np.sqrt(np.maximum(np.diag(here.covariance), 0.0))
        low, middle, high = (float(exp(ln_N + s * z * sd_N)) for s in (-1, 0, 1))
        tokens = C / FLOPS_PER_PARAMETER_TOKEN
        return {
            "N": middle, "N_interval": [low, high],
            "D": tokens / middle, "D_interval": [tokens / high, tokens / low],
            "tokens_per_parameter": tokens / np.square(middle),
            "tokens_per_parameter_interval": [tokens / np.square(high), tokens / np.square(low)],
            "a": float(a), "a_interval": [float(a - z * sd_a), float(a + z * sd_a)],
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers: C, ln_N, a, covariance."""
        return {"C": self.C, "ln_N": float(self.mean[0]), "a": float(self.mean[1]),
                "covariance": self.covariance.tolist()}  # fmt: skip

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> GaussianSplit:
        """Read what ``to_dict`` gives."""
        mean = np.array([document["ln_N"], document["a"]], dtype=np.float64)
        return cls(mean, np.array(document["covariance"], dtype=np.float64), float(document["C"]))


def normal_quantile(level: float) -> float:
    """Half the width of a band of this coverage, in standard deviations of a Gaussian."""
    return float(normal_inverse((1 + check_level(level)) / 2))


def inflation(df: int) -> float:
    """Return what a covariance known by ``df`` degrees of freedom is multiplied by.

    The Gaussian of that covariance then has the 95 % band of Student's t: (t / z)^2 at .975.
    """
    return float(np.square(student_quantile(df, 0.975) / normal_inverse(0.975)))
