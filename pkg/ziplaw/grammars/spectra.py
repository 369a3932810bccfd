"""Criticality and expected yields of a grammar, from the flat arrays of ``Grammar.arrays``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..numerics.functions import log, product, rounded
from ..numerics.linear import LinAlgError, solve

# an eigenvalue of exactly 1 comes out of the solver as 1 - 1e-15; such a grammar is critical
CRITICAL = 1.0 - 1e-9
DENSE = 600
DIGITS = 9  # of what a larger matrix gives
TOLERANCE = 1e-14
POWER_STEPS = 1000
NODA_STEPS = 100


class Criticality(NamedTuple):
    """Spectral radii of M (expected nonterminals per rewrite) and LC (the left-corner matrix)."""

    rho_m: float
    rho_lc: float

    @property
    def terminates(self) -> bool:
        """Whether a derivation ends with probability one, after a finite expected number of rewrites."""
        return self.rho_m < CRITICAL

    @property
    def emits(self) -> bool:
        """Whether a leftmost derivation reaches its next token with probability one."""
        return self.rho_lc < CRITICAL


def rewrite_matrices(
    prod_lhs: np.ndarray, prod_offsets: np.ndarray, symbols: np.ndarray, probabilities: np.ndarray, n: int
) -> tuple[Any, Any]:
    """Return M and LC as sparse (n, n) matrices.

    ``M[i, j]`` is the expected number of nonterminals j in one rewrite of i, ``LC[i, j]`` the probability that a
    rewrite of i starts with j.
    """
    from scipy.sparse import coo_array

    rule = np.repeat(np.arange(len(prod_lhs)), np.diff(prod_offsets))
    inner = np.flatnonzero(symbols < 0)
    first = prod_offsets[:-1]
    first = first[symbols[first] < 0]

    def matrix(where):
        rules = rule[where]
        entries = (probabilities[rules], (prod_lhs[rules], -symbols[where].astype(np.int64) - 1))
        return coo_array(entries, shape=(n, n)).tocsr()

    return matrix(inner), matrix(first)


def spectral_radius(matrix: Any) -> float:
    """Return the spectral radius of a sparse nonnegative matrix: the largest over its strongly connected components.

    Components keep nilpotent and repeated eigenvalues exact, which a dense solver on the whole matrix blurs. Each
    component is bounded by Collatz and Wielandt: min and max of (Ax)_i / x_i for a positive x.
    """
    from scipy.sparse.csgraph import connected_components

    count, label = connected_components(matrix, directed=True, connection="strong")
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(count + 1))
    sizes = np.diff(bounds)
    radius = float(matrix.diagonal().max(initial=0.0))
    for component in np.flatnonzero(sizes > 1):
        members = order[bounds[component] : bounds[component + 1]]
        block = matrix[members][:, members]
        radius = max(radius, _power_radius(block))
    return radius


def _power_radius(block):
    """Bound the radius of an irreducible block by power iteration, then by Noda's where that gets on too slowly."""
    vector = np.ones(block.shape[0])
    for _ in range(POWER_STEPS):
        image = block @ vector + vector  # a sum a row, in the order of its entries
        ratio = image / vector
        low, high = ratio.min(), ratio.max()
        if high - low <= TOLERANCE * high:
            return float(0.5 * (low + high) - 1.0)
        vector = image / image.max()
    return _noda_radius(block, vector)


def _noda_radius(block, vector):
    """Noda (1971): inverse iteration shifted to the upper Collatz-Wielandt bound, which falls quadratically.

    The block is scaled by every iterate, so that the iterate is all ones: a Perron vector may span hundreds of decades.
    """
    from scipy.sparse import diags_array

    bound = np.inf
    for _ in range(NODA_STEPS):
        scaled = (diags_array(1.0 / vector) @ block @ diags_array(vector)).tocsr()
        ratio = scaled @ np.ones(len(vector))
        # rounding has the last word
        if not ratio.max() < bound:
            break
        block, bound = scaled, ratio.max()
        if bound - ratio.min() <= TOLERANCE * bound:
            break
        try:
            vector = _solved(bound, block, np.ones(len(ratio)))
        except (RuntimeError, LinAlgError):  # exactly singular: the bound is the radius
            break
        vector = vector / np.abs(vector).max()
        if not vector.min() > 0.0:
            break
    return float(bound)


def _solved(shift, matrix, rhs):
    """X of (shift - matrix) x = rhs; of a large matrix by scipy, rounded, for its last digits are the processor's."""
    n = len(rhs)
    if n <= DENSE:
        return solve(shift * np.eye(n) - matrix.toarray(), rhs)
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    return rounded(splu((shift * eye_array(n) - matrix).tocsc()).solve(rhs), DIGITS)


def criticality(
    prod_lhs: np.ndarray,
    prod_offsets: np.ndarray,
    symbols: np.ndarray,
    probabilities: np.ndarray,
    start: np.ndarray,
    lhs_offsets: np.ndarray,
) -> Criticality:
    """Return (rho(M), rho(LC))."""
    m, lc = rewrite_matrices(prod_lhs, prod_offsets, symbols, probabilities, len(start))
    return Criticality(spectral_radius(m), spectral_radius(lc))


def sentence_moments(
    prod_lhs: np.ndarray,
    prod_offsets: np.ndarray,
    symbols: np.ndarray,
    probabilities: np.ndarray,
    start: np.ndarray,
    lhs_offsets: np.ndarray,
) -> tuple[float, float]:
    """Return the expected terminals and the derivation entropy (nats) of one sentence; rho(M) must be below 1.

    With t and h the expected terminals and the entropy of one rewrite, they are ``start . (I - M)^-1 t`` and
    ``H(start) + start . (I - M)^-1 h``.
    """
    n = len(start)
    matrix, _ = rewrite_matrices(prod_lhs, prod_offsets, symbols, probabilities, n)
    # one transposed solve gives the expected visits to every nonterminal
    visits = _solved(1.0, matrix.T, start)
    rule = np.repeat(np.arange(len(prod_lhs)), np.diff(prod_offsets))
    per_rule = np.bincount(rule, weights=symbols > 0, minlength=len(prod_lhs))
    terminals = np.bincount(prod_lhs, weights=probabilities * per_rule, minlength=n)
    entropy = np.bincount(prod_lhs, weights=-probabilities * log(probabilities), minlength=n)
    used = start[start > 0]
    return float(product(visits, terminals)), float(product(visits, entropy) - (used * log(used)).sum())
