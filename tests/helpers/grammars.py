"""Grammars for the tests: odd small ones, made-up ones, and ones whose text tells its derivation."""

from functools import cache

from hypothesis import assume
from hypothesis import strategies as st

from ziplaw.errors import GrammarError
from ziplaw.grammars.grammar import Grammar
from ziplaw.grammars.presets import draw_preset

draw_preset = cache(draw_preset)

ENDLESS = {"supercritical": "truncate"}
BY_HAND = """# a grammar written by hand
S -> NP VP [1.0]
NP -> '1' '2' [0.5] | \\
      "3" [0.25] | NP PP [0.25]
VP -> '4' NP [0.7] | VP PP [0.3]
PP -> '5' NP [1.]
"""


def grammar(n_terminals, *rules, start=(), provenance=None):
    """Short form: rules as (lhs, rhs, probability), nonterminal i in rhs as -(i + 1)."""
    return Grammar(1 + max(lhs for lhs, _, _ in rules), n_terminals, rules, start, provenance or {})


def many_rules(n):
    return grammar(2 * n, *((0, (2 * i + 1, 2 * i + 2) if i % 3 else (i + 1,), 1 / n) for i in range(n)))


ODD = {
    "one sentence": grammar(1, (0, (1,), 1.0)),
    "right recursion": grammar(2, (0, (1, -1), 0.6), (0, (2,), 0.4)),
    "left recursion": grammar(2, (0, (-1, 1), 0.9), (0, (2,), 0.1)),
    "deep left recursion": grammar(2, (0, (-1, 1), 0.999), (0, (2,), 0.001)),
    "unit cycle": grammar(2, (0, (-2,), 0.5), (0, (1,), 0.5), (1, (-1,), 0.7), (1, (2,), 0.3)),
    "endless": grammar(1, (0, (1, -1), 1.0), provenance=ENDLESS),
    "centre": grammar(3, (0, (1, -1, 2), 0.9), (0, (3,), 0.1), provenance=ENDLESS),
    "doubling": grammar(3, (0, (1, -1, -1), 0.8), (0, (2,), 0.2), provenance=ENDLESS),
    "nested": grammar(3, (0, (-2, 3, -2), 0.5), (0, (1,), 0.5), (1, (2, -1), 0.4), (1, (2,), 0.6)),
    "long runs": grammar(40, (0, tuple(range(1, 41)) * 30, 0.2), (0, (7,), 0.5), (0, (8, -1) * 2, 0.3)),
    "many pending": grammar(2, (0, (1, *[-1] * 70), 0.01), (0, (2,), 0.99)),
    "pending with runs": grammar(
        9, (0, (1, -1, 2, -1, *range(1, 10), *range(1, 10), *range(1, 10)), 0.4), (0, (3,), 0.6)
    ),
    "rare rule": grammar(2, (0, (1,), 1.0 - 1e-12), (0, (2,), 1e-12)),
    "uneven start": grammar(2, (0, (1,), 1.0), (1, (2, -1), 1.0), (2, (-2, 2), 1.0), start=(0.0, 0.25, 0.75)),
    "highest 16-bit id": grammar(65_535, (0, (65_535, 1), 0.5), (0, (65_534,), 0.5)),
    "lowest 32-bit id": grammar(65_536, (0, (65_536, 1), 0.5), (0, (65_535, -1), 0.5)),
    "largest id": grammar(2**31 - 2, (0, (2**31 - 2, -1), 0.5), (0, (1,), 0.5)),
    "just below the table limit": many_rules(1023),
    "just above the table limit": many_rules(2049),
}


@st.composite
def small_grammars(draw, finite=False):
    """Grammars of a few symbols whose derivations reach a token soon; finite: and end on average."""
    n, n_terminals = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    symbol = st.one_of(st.integers(-n, -1), st.integers(1, n_terminals))
    rules = []
    for lhs in range(n):
        options = draw(
            st.lists(st.tuples(st.lists(symbol, min_size=1, max_size=4), st.integers(1, 50)), min_size=1, max_size=4)
        )
        if finite:
            options.append(([draw(st.integers(1, n_terminals))], 5 * sum(weight for _, weight in options)))
        total = sum(weight for _, weight in options)
        rules += [(lhs, tuple(rhs), weight / total) for rhs, weight in options]
    try:
        made = Grammar(n, n_terminals, tuple(rules), provenance={} if finite else ENDLESS)
    except GrammarError:
        assume(False)
    assume(made.criticality().rho_lc < 0.95)
    return made


def tagged(original):
    """The same grammar with a terminal of its own in front of every rule.

    Its text names the rule of every rewrite, in the order of the leftmost derivation, before anything below it.
    Returns the grammar; rule r of its productions has tag r + 1, the other terminals are above the tags.
    """
    n = len(original.productions)
    rules = tuple(
        (lhs, (tag, *(s + n if s > 0 else s for s in rhs)), p)
        for tag, (lhs, rhs, p) in enumerate(original.productions, start=1)
    )
    return Grammar(original.n_nonterminals, original.n_terminals + n, rules, original.start, ENDLESS)
