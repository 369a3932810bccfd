"""The ladder: model sizes of one shape family, from tiny to the target of a plan.

Width and depth go together along a line through the paper's sizes (hidden / layers 64/2, 128/4, 256/6, 512/10,
1024/20, 2048/30): two layers up to width 64, so that depth does not move among the sizes of a pilot, straight between
the paper's sizes, and at the aspect of the last one beyond. Heads are an eighth of the width, at least 16 and at most
64 wide: with a single head a small model has to choose between looking at the last token and looking for a copy, and
learns from its context much later (at width 56 four heads in place of one gain 1 % of the loss and cost no time).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ...base import limits
from ...errors import TrainError, shown
from .counts import count_params
from .decoder_config import ModelConfig
from .flops import forward_flops_per_token, training_flops_per_token

SMALLEST_HIDDEN = 4
LARGEST_N = 1e12
SQUARES = 10  # matrices of h^2 in a layer: four of attention, three of a SwiGLU twice as wide
# hidden, layers
PAPER_SIZES = ((64, 2), (128, 4), (256, 6), (512, 10), (1024, 20), (2048, 30))
LEAST_HEAD_WIDTH, MOST_HEAD_WIDTH = 16, 64
# width of a head where a model is wide enough for whole ones; wider models have wider heads
_WIDE_HEADS = ((2048, 128), (256, 64))


@dataclass(frozen=True)
class Size:
    """A size of the ladder.

    Attributes
    ----------
    name : str
        ``h`` and the width, which names a folder.
    hidden, layers, heads : int
    N, N_total : int
        Parameters without and with embedding and head.
    flops_per_token : int
        Of training: matmuls, attention, head.
    six_n : int
        6 N, beside them.
    """

    name: str
    hidden: int
    layers: int
    heads: int
    N: int
    N_total: int
    flops_per_token: int
    six_n: int


def depth(hidden: float) -> float:
    """Layers of the family at a width, not rounded.

    Parameters
    ----------
    hidden : float
        Width; between the paper's sizes a straight line, see the head of this module.
    """
    (low, few), (high, many) = PAPER_SIZES[0], PAPER_SIZES[-1]
    if hidden <= low:
        return float(few)
    if hidden >= high:
        return hidden * many / high
    for (low, few), (high, many) in pairwise(PAPER_SIZES):  # noqa: B007
        if hidden <= high:
            break
    return few + (hidden - low) / (high - low) * (many - few)


def layers_at(hidden: int) -> int:
    """Layers of the family at a width: :func:`depth`, rounded, halves up."""
    return math.floor(depth(hidden) + 0.5)


def heads_at(hidden: int) -> int:
    """Heads of the family at an even width: those whose even width is nearest to hidden / 8, within 16 to 64.

    16 -> 1, 32 -> 2, 64 -> 4, 128 -> 8, 256 -> 8, 512 -> 8, 2048 -> 32; a width without such a divisor has what comes
    nearest (22 -> 1).
    """
    wanted = min(MOST_HEAD_WIDTH, max(LEAST_HEAD_WIDTH, hidden / 8))
    fitting = (heads for heads in range(hidden // 2, 0, -1) if limits.even_heads(hidden, heads))
    # ratios in place of logarithms, whose last bits hang on the machine
    return min(fitting, key=lambda heads: max(hidden / heads / wanted, wanted * heads / hidden))


def decoder_N(hidden: float, layers: float, squares: int = SQUARES) -> float:
    """N of a decoder: layers squares h^2 + (2 layers + 1) h; with ten squares what ``count_params`` says."""
    return squares * layers * hidden * hidden + (2 * layers + 1) * hidden


def widths() -> Iterator[int]:
    """Widths of the ladder without end: steps of 2 up to 16, then eight to an octave (two layers: four of N)."""
    hidden = SMALLEST_HIDDEN
    while True:
        yield hidden
        hidden += 2 if hidden < 16 else 1 << (hidden.bit_length() - 4)


def sized(config: ModelConfig, name: str | None = None) -> Size:
    """Return what the ladder says of a decoder."""
    count, flops = count_params(config), training_flops_per_token(config)
    name = name or f"h{config.hidden}"
    return Size(name, config.hidden, config.layers, config.heads, count.N, count.N_total, flops, 6 * count.N)


def ladder(vocab_size: int, context: int, largest_N: float = LARGEST_N) -> list[Size]:
    """List the sizes, the smallest first, up to the first of at least ``largest_N`` parameters.

    Parameters
    ----------
    vocab_size : int
        Entries of embedding and head.
    context : int
        Tokens a document.
    largest_N : float
        Non-embedding parameters that the largest is to have at least.

    Raises
    ------
    TrainError
        When a number is out of range.
    """
    _check_N(largest_N)
    sizes: list[Size] = []
    for hidden in widths():
        config = ModelConfig(hidden, layers_at(hidden), vocab_size, heads=heads_at(hidden), context=context)
        sizes.append(sized(config))
        if sizes[-1].N >= largest_N:
            break
    return sizes


def nearest_shape(N: float, vocab_size: int, context: int, squares: int = SQUARES) -> ModelConfig:
    """Return a decoder of about N parameters that a trainer would build: whole heads of 64 or 128, near the family.

    Parameters
    ----------
    N : float
        Wanted non-embedding parameters.
    vocab_size, context : int
        Of the model.
    squares : int
        Matrices of h^2 in a layer; 12 of one whose MLP is two matrices four times as wide, as GPT-2's is.

    Returns
    -------
    ModelConfig
        Width a multiple of 64 from 256 on, of 128 from 2048 on, with heads so wide; even below. Of the shapes with at
        most a fourth more or fewer layers than the family has at their width, the one whose N is nearest, where depth
        that is off by a share counts for a tenth of it.

    Raises
    ------
    TrainError
        When a number is out of range.
    """
    _check_N(N)
    best: tuple[float, int, int] | None = None
    for hidden in _buildable_widths():
        wanted = depth(hidden)
        for layers in range(max(1, math.ceil(0.75 * wanted)), math.floor(1.25 * wanted) + 1):
            # ratios in place of logarithms, whose last bits hang on the machine
            n = decoder_N(hidden, layers, squares)
            off = max(n / N, N / n) - 1 + 0.1 * (max(layers / wanted, wanted / layers) - 1)
            if best is None or off < best[0]:
                best = (off, hidden, layers)
        if decoder_N(hidden, 0.75 * wanted, squares) > N:
            break
    assert best is not None
    _, hidden, layers = best
    return ModelConfig(hidden, layers, vocab_size, heads=_heads(hidden), context=context)


def _buildable_widths() -> Iterator[int]:
    hidden = 2
    while True:
        yield hidden
        hidden += next((width for least, width in _WIDE_HEADS if hidden >= least), 2 if hidden < 64 else 8)


def _heads(hidden: int) -> int:
    width = next((width for least, width in _WIDE_HEADS if hidden >= least), None)
    return heads_at(hidden) if width is None else hidden // width


def head_share(config: ModelConfig) -> tuple[float, float]:
    """Return the shares of FLOPs that the output head takes, and of N_total that embedding and head take."""
    flops, count = forward_flops_per_token(config), count_params(config)
    return flops["head"] / sum(flops.values()), 1 - count.N / count.N_total


def _check_N(N: float) -> None:
    if isinstance(N, bool) or not isinstance(N, int | float) or not 1 <= N <= 1e15:
        raise TrainError(f"N is {shown(N)}, must be from 1 to 1e15: count single parameters, such as 7e9")
