"""Shapes of nearly equal N: depth against width, and LSTMs beside a decoder."""

from __future__ import annotations

from dataclasses import dataclass

from ...base import limits
from ...errors import TrainError, shown
from .architectures import make_config
from .counts import count_params

# shapes are proposed for the smallest vocabulary: N does not depend on it
_ANY_VOCABULARY = 2
TOLERANCE = 0.05


@dataclass(frozen=True)
class Shape:
    """A proposed shape: its architecture, sizes, N, and N / wanted N - 1."""

    architecture: str
    hidden: int
    layers: int
    N: int
    mismatch: float


def nearest_width(N: int, architecture: str, layers: int) -> Shape:
    """Return the width at which a model of so many layers comes nearest to N non-embedding parameters.

    A decoder's width is even (rotary positions), an LSTM's any.
    """
    step = 2 if architecture == "llama" else 1

    def size(hidden: int) -> int:
        return count_params(
            make_config(architecture, hidden=hidden, layers=layers, vocab_size=_ANY_VOCABULARY, context=1)
        ).N

    low, high = step, step
    while size(high) < N:
        low, high = high, 2 * high
    # N grows with the width: halve the bracket until it is one step wide
    while high - low > step:
        middle = (low + high) // (2 * step) * step
        low, high = (middle, high) if size(middle) < N else (low, middle)
    best = min((low, high), key=lambda hidden: abs(size(hidden) - N))
    return Shape(architecture, best, layers, size(best), size(best) / N - 1.0)


def shapes(N: int, layers: int, tolerance: float = TOLERANCE, deepest: int = 16) -> list[Shape]:
    """Propose depth and width variants of nearly N non-embedding parameters, and LSTMs of matched N.

    Parameters
    ----------
    N : int
        Wanted non-embedding parameters.
    layers : int
        Depth of the reference model; its LSTM is the first of the LSTMs, however far off.
    tolerance : float
        Largest relative mismatch of N for the others.
    deepest : int
        Largest number of layers that is tried.

    Returns
    -------
    list of Shape
        Decoders by depth, then LSTMs: first the one as deep as the reference, then the better matched of other depths.
    """
    if isinstance(N, bool) or not isinstance(N, int) or N < 1:
        raise TrainError(f"N is {shown(N)}, must be a whole number of at least 1")
    if tolerance not in limits.MISMATCH:
        raise TrainError(f"tolerance is {shown(tolerance)}, {limits.MISMATCH.demand}")
    depths = range(1, deepest + 1)
    decoders = [found for d in depths if abs((found := nearest_width(N, "llama", d)).mismatch) <= tolerance]
    matched = nearest_width(N, "lstm", layers)
    others = (nearest_width(N, "lstm", d) for d in range(1, 2 * layers + 1) if d != layers)
    return [*decoders, matched, *(s for s in others if abs(s.mismatch) < abs(matched.mismatch))]
