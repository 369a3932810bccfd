"""Entropies of blocks and correlations at a distance as anybody would write them: dictionaries and double loops."""

from collections import Counter
from math import log

from scipy.special import digamma


def grassberger(n):
    """G(n) by its definition (Grassberger 2003, equation 30)."""
    return digamma(n) + (-1) ** n / 2 * (digamma((n + 1) / 2) - digamma(n / 2))


def entropy(things):
    counts = Counter(things).values()
    total = sum(counts)
    return log(total) - sum(c * grassberger(c) for c in counts) / total


def blocks(rows, length):
    return [tuple(row[i : i + length]) for row in rows for i in range(len(row) - length + 1)]


def conditional_entropy(rows, order):
    both = blocks(rows, order + 1)
    return entropy(both) - entropy([block[:-1] for block in both])


def information(rows):
    pairs = blocks(rows, 2)
    return entropy([a for a, _ in pairs]) + entropy([b for _, b in pairs]) - entropy(pairs)


def squared_covariance(rows, others, lag):
    """Squared Frobenius norm of P(a, b) - P(a) P(b), b of another row ``lag`` places on."""
    pairs = [(row[i], other[i + lag]) for row, other in zip(rows, others) for i in range(len(row) - lag)]
    n, joint = len(pairs), Counter(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    return sum((joint[a, b] / n - first[a] * second[b] / n / n) ** 2 for a in first for b in second)
