"""One rule of a grammar, and how its symbols are numbered.

A nonterminal ``i`` (counted from 0) stands in right-hand sides as ``-(i + 1)``; a terminal is its token id, counted
from 1. Id 0 is the separator between sentences and never a terminal.
"""

from __future__ import annotations

from typing import NamedTuple


class Production(NamedTuple):
    """One rule ``lhs -> rhs [probability]``; symbols are encoded as the module says."""

    lhs: int
    rhs: tuple[int, ...]
    probability: float
