"""Normally distributed numbers that a seed draws alike on every machine: initial weights.

Whole numbers of a bit generator become points between 0 and 1/2, and the inverse of the normal distribution, by sums,
products, quotients and roots alone, turns those into numbers; a bit of each decides its sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..base.elementary import log, polynomial
from ..base.threads import each, n_threads

# numbers at a time: their intermediate results stay in the cache
BLOCK = 1 << 14
# from so many on all cores draw, pieces of this size
MANY, PIECE = 1 << 22, 1 << 20

# Wichura 1988, algorithm AS 241, PPND16: numerators and denominators near the middle, and of the root of -ln p
_MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def _ratio(x: np.ndarray, of: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    return polynomial(x, of[0]) / polynomial(x, of[1])


def upper_quantile(p: np.ndarray) -> np.ndarray:
    """Return the number that a standard normal variable exceeds with probability p.

    Parameters
    ----------
    p : ndarray of float64, shape (n,)
        Above 1e-300, at most 1/2.

    Returns
    -------
    ndarray of float64, shape (n,)
        At least 0; relative error below 1e-15.
    """
    from_middle = 0.5 - p
    value = from_middle * _ratio(0.180625 - from_middle * from_middle, _MIDDLE)
    (outside,) = np.nonzero(from_middle > 0.425)
    root = np.sqrt(-log(p[outside]))
    value[outside] = np.where(root <= 5.0, _ratio(root - 1.6, _TAIL), _ratio(root - 5.0, _FAR))
    return value


class Normals:
    """A stream of independent standard normal numbers.

    Parameters
    ----------
    seed : int
        At least 0.
    """

    def __init__(self, seed: int):
        self.bits = np.random.PCG64(seed)

    def draw(self, shape: Sequence[int], std: float = 1.0) -> np.ndarray:
        """Return the next numbers of the stream times ``std``, rounded once, to float32.

        Many are drawn by all cores, each from its own place in the stream: a core makes some 20 million a second, and a
        model of a billion parameters would have a GPU wait for a minute.
        """
        drawn = np.empty(shape, np.float32)
        flat = drawn.reshape(-1)
        if flat.size < MANY:
            _fill(flat, self.bits, std)
            return drawn
        here = self.bits.state

        def piece(start: int) -> None:
            bits = np.random.PCG64()
            bits.state = here
            bits.advance(start)
            _fill(flat[start : start + PIECE], bits, std)

        each(piece, range(0, flat.size, PIECE), n_threads(None))
        self.bits.advance(flat.size)
        return drawn


def _fill(flat: np.ndarray, bits: np.random.PCG64, std: float) -> None:
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        raw = bits.random_raw(block.size)
        # 52 bits and a half more, so never 0 or 1/2, and the lowest bit of the 64 for the sign
        p = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-53
        block[:] = np.where(raw & np.uint64(1), -std, std) * upper_quantile(p)
