"""Grammars for tests: made of lines, of presets, and odd ones."""

from functools import cache

from ziplaw.grammar import Grammar, Production, draw_preset

# a fixed grammar is built, and its tables laid out, once
preset = cache(draw_preset)


def grammar(*rules, n_terminals=None, start=(), **provenance):
    """Make a grammar from (lhs, rhs, weight); weights are normalised."""
    totals = {}
    for lhs, _, weight in rules:
        totals[lhs] = totals.get(lhs, 0.0) + weight
    n_terminals = n_terminals or max(symbol for _, rhs, _ in rules for symbol in rhs)
    productions = tuple(Production(lhs, rhs, weight / totals[lhs]) for lhs, rhs, weight in rules)
    return Grammar(max(totals) + 1, n_terminals, productions, start, provenance)


RIGHT = grammar((0, (1, -1), 9), (0, (2,), 1))
ODD = {
    "one rule": grammar((0, (1,), 1)),
    "right recursion": RIGHT,
    "left recursion": grammar((0, (-1, 1), 6), (0, (2,), 4)),
    "centre": grammar((0, (1, -1, 2), 4), (0, (3,), 6)),
    "unit cycle": grammar((0, (-2,), 5), (0, (1,), 5), (1, (-1,), 3), (1, (2, -2, 2), 3), (1, (3,), 4)),
    "endless": grammar((0, (1, -1), 1), supercritical="truncate"),
    "endless, growing": grammar((0, (1, -1, -2), 1), (1, (2, -1), 1), (1, (3,), 1), supercritical="truncate"),
    "tiny probability": grammar((0, (1,), 1e9), (0, (2, -1), 1), (0, (3,), 1e-3)),
    "runs of 23, 24, 25": grammar(*((0, tuple(range(1, n + 1)) + (-1,) * (n > 23), 1) for n in (23, 24, 25))),
    "a run of 5000": grammar((0, (1, *range(1, 5001), -1), 1), (0, (7,), 3)),
    "33 pending": grammar((0, (-2,) * 33, 1), (1, (1,), 1), (1, (2, 2), 2)),
    "start not uniform": grammar((0, (1, -2), 1), (1, (2,), 1), (1, (3, 3), 2), start=(0.75, 0.25)),
    "start at one only": grammar((0, (1, -2), 1), (1, (2,), 1), (1, (3, 3), 2), start=(1.0, 0.0)),
    "equal productions": grammar((0, (1,), 1), (0, (1,), 1), (0, (2, -1), 1)),
    "90 options": grammar(*((0, (j, -1) if j % 2 else (j,), j) for j in range(1, 91))),
    "3000 options": grammar(*((0, (j, -1) if j % 3 else (j,), j) for j in range(1, 3001))),
}
