"""What the published runs on repeated data say, as numbers: one law of them, with its uncertainty.

The 182 runs behind the parametric fit of Muennighoff et al. (2023, arXiv 2305.16264): decoders of 7M to 8.7B parameters
on 100M to 178B unique tokens of C4, seen up to 9,000 times. Fitted by this project (``fit --law
repeated-overfitting``): root mean square error of log loss .028, against .064 for the discount of that paper.
"""

from __future__ import annotations

import numpy as np

from ...numerics.draws import normals
from ...numerics.functions import product
from ..forms.overfitting import OVERFITTING
from ..solve.additive import Array

SOURCE = "182 runs on repeated C4 text of Muennighoff et al. 2023 (arXiv 2305.16264), fitted by ziplaw"
# least and greatest of what was run; N/U where tokens repeat
REACH = {"N": (7.1e6, 8.67e9), "D": (1e8, 9e11), "U": (1e8, 1.78e11), "N/U": (0.046, 11.0)}
# mean logarithms of the columns; theta of the form there; a square root of its covariance over 400 resamples of runs
CENTRE = {"N": 19.5783, "D": 23.4620, "U": 20.5415}
THETA = np.array([0.7464, -0.5163, -0.9355, -0.9176, -0.8116, -2.9851, 3.3909, 0.3557, -0.0226])
_ROOT = np.zeros((9, 9))
_ROOT[np.tril_indices(9)] = [
    0.0202,
    -0.0479, 0.0710,
    -0.0432, -0.1013, 0.0223,
    0.0309, -0.0510, 0.0077, 0.0206,
    0.0355, 0.0640, -0.0161, -0.0053, 0.0193,
    0.0014, -0.0699, -0.0141, -0.0212, 0.0260, 0.1125,
    -0.0155, 0.0315, 0.0514, 0.0012, 0.0020, 0.0620, 0.1531,
    -0.0119, 0.0475, 0.0273, 0.0279, -0.0096, -0.0191, 0.0546, 0.0479,
    -0.0017, 0.0596, 0.0292, 0.0164, -0.0187, -0.0449, 0.0794, 0.0227, 0.0287,
]  # fmt: skip


def covariance() -> Array:
    """Covariance (9, 9) of theta, which is the logarithms of all parameters, amplitudes at the centre."""
    return product(_ROOT, _ROOT.T)


def estimate() -> Array:
    """Natural parameters (9,) of ``overfitting.OVERFITTING``."""
    return np.array(OVERFITTING.natural(THETA, CENTRE))


def drawn(n: int, seed: int = 42) -> Array:
    """Natural parameters (n, 9) of laws drawn about the estimate."""
    noise = normals(np.random.default_rng(seed), (n, 9))
    return np.array([OVERFITTING.natural(theta, CENTRE) for theta in THETA + product(noise, _ROOT.T)])
