"""What a grammar must be: every malformed one ends here, with the value, the limit and the remedy."""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Sequence
from typing import Any

from ..errors import GrammarError, shown
from .production import Production

SUM_TOLERANCE = 1e-6


def probability(where: str, given: Any, lowest: float) -> float:
    """Return ``given`` as a float from ``lowest`` to 1."""
    try:
        value = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not (lowest <= value <= 1.0 + SUM_TOLERANCE):
        bound = "above 0" if lowest > 0 else "at least 0"
        raise GrammarError(f"a probability of {where} is {shown(given)}, must be {bound} and at most 1: mend that rule")
    return value


def production(rule: Any, n_nonterminals: int, n_terminals: int) -> Production:
    """Return (lhs, rhs, probability) with every symbol in range."""
    try:
        lhs, rhs, p = rule
        lhs, rhs = operator.index(lhs), tuple(operator.index(symbol) for symbol in rhs)
    except (TypeError, ValueError):
        raise GrammarError(
            f"{shown(rule)} is no production: give (lhs, rhs, probability), symbols as integers"
        ) from None
    if not 0 <= lhs < n_nonterminals:
        raise GrammarError(f"a left-hand side is {shown(lhs)}, must be a nonterminal from 0 to {n_nonterminals - 1}")
    if not rhs:
        raise GrammarError(f"a production of N{lhs} has an empty right-hand side: each must hold a symbol")
    for symbol in rhs:
        if symbol == 0:
            raise GrammarError(f"a production of N{lhs} holds terminal 0, the separator: count terminals from 1")
        if symbol > n_terminals:
            raise GrammarError(
                f"a production of N{lhs} holds terminal {shown(symbol)}, the highest is {n_terminals}: "
                "raise n_terminals"
            )
        if symbol < -n_nonterminals:
            raise GrammarError(
                f"a production of N{lhs} holds nonterminal N{shown(-symbol - 1)}, the highest is "
                f"N{n_nonterminals - 1}: raise n_nonterminals"
            )
    return Production(lhs, rhs, probability(f"N{lhs}", p, lowest=math.ulp(0.0)))


def covered(rules: Sequence[Production], n_nonterminals: int) -> None:
    """Check that every nonterminal has productions, in memory that grows with the rules only."""
    known = {lhs for lhs, _, _ in rules}
    if len(known) < n_nonterminals:
        lhs = next(i for i in range(n_nonterminals) if i not in known)
        raise GrammarError(f"nonterminal N{lhs} has no production: give it one, or take it out")


def sums(rules: Sequence[Production], start: Sequence[float]) -> None:
    """Check that probabilities sum to 1."""
    totals = [0.0] * len(start)
    for lhs, _, p in rules:
        totals[lhs] += p
    for lhs, total in enumerate(totals):
        if abs(total - 1.0) > SUM_TOLERANCE:
            raise GrammarError(f"probabilities of N{lhs} sum to {total:.9g}, must sum to 1: normalise them")
    total = math.fsum(start)
    if abs(total - 1.0) > SUM_TOLERANCE:
        raise GrammarError(f"start probabilities sum to {total:.9g}, must sum to 1: normalise them")


def symbols(rules: Sequence[Production], lhs_first: Sequence[int], start: Sequence[float], supercritical: Any) -> None:
    """Check that every nonterminal is reached and, unless truncation is asked for, yields some finite sentence."""
    reached = [p > 0.0 for p in start]
    queue = deque(i for i, yes in enumerate(reached) if yes)
    while queue:
        lhs = queue.popleft()
        for _, rhs, _ in rules[lhs_first[lhs] : lhs_first[lhs + 1]]:
            for symbol in rhs:
                if symbol < 0 and not reached[-symbol - 1]:
                    reached[-symbol - 1] = True
                    queue.append(-symbol - 1)
    if not all(reached):
        raise GrammarError(
            f"nonterminal N{reached.index(False)} is never reached from the start symbol: "
            "use it in a right-hand side, or take it out"
        )
    if supercritical == "truncate":
        return
    finite = _finite(rules, len(start))
    if not all(finite):
        raise GrammarError(
            f"nonterminal N{finite.index(False)} never yields a finite sentence: "
            "give it a production without itself, or take it out"
        )


def _finite(rules, n_nonterminals):
    """Mark nonterminals that derive some finite sentence, in time linear in the grammar."""
    users = [[] for _ in range(n_nonterminals)]
    missing = []
    for index, (_, rhs, _) in enumerate(rules):
        needed = {-symbol - 1 for symbol in rhs if symbol < 0}
        missing.append(len(needed))
        for nonterminal in needed:
            users[nonterminal].append(index)
    finite = [False] * n_nonterminals
    queue = deque(index for index, left in enumerate(missing) if left == 0)
    while queue:
        lhs = rules[queue.popleft()][0]
        if not finite[lhs]:
            finite[lhs] = True
            for index in users[lhs]:
                missing[index] -= 1
                if missing[index] == 0:
                    queue.append(index)
    return finite
