"""Grammars as text, and NLTK's grammars: ``S -> A B [0.5] | '7' [0.5]``, terminals quoted integers from 1 up, or words.

What is read becomes the parts that a `grammar.Grammar` builds itself from, and checks. Words get the ids 1, 2, ... in
order of appearance; the grammar's provenance keeps them as "words".
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import GrammarError, shown
from .production import Production

# NLTK takes probabilities that sum to within 0.01 of 1; so do we, and normalise
NLTK_TOLERANCE = 0.01

_TOKEN = re.compile(
    r"""\s*(?: (?P<terminal>'[^']*'|"[^"]*") | \[(?P<probability>[^\]]*)\] | (?P<bar>\|)
             | (?P<nonterminal>[^\s'"\[\]|]+) )\s*""",
    re.VERBOSE,
)

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

_NUMBERED = re.compile("N[0-9]{1,9}")

_DIGITS = re.compile(r"[-+]?[.,_]*\d[\d.,_]*(?:[eE][-+]?\d+)?")


class Word(str):
    """A terminal that is no token id; a plain str in a rule is the name of a nonterminal."""

    __slots__ = ()


NamedRule = tuple[str, list[str | int], float]
"""Name of the left-hand side; names of nonterminals, ids and words; probability."""


class Parts(NamedTuple):
    """What a `grammar.Grammar` is built from, in the order of its fields."""

    n_nonterminals: int
    n_terminals: int
    productions: tuple[Production, ...]
    start: tuple[float, ...]
    provenance: dict[str, Any]


def parse_rules(lines: Iterable[str], where: str = "grammar", one_option: bool = False) -> Iterator[NamedRule]:
    """Yield (lhs name, rhs of nonterminal names, terminal ids and words, probability) for every production.

    Blank lines and comments (#) are skipped; a backslash at the end of a line continues it.

    Raises
    ------
    GrammarError
        With the line number, for anything that is no probabilistic production.
    """
    pending = ""
    for number, line in enumerate(lines, start=1):
        text = pending + line.strip()
        if text.endswith("\\"):
            pending = text[:-1].rstrip() + " "
            continue
        pending = ""
        if not text or text.startswith("#"):
            continue
        place = f"{where}, line {number}"
        lhs, arrow, body = (part.strip() for part in text.partition("->"))
        if not arrow or not lhs or re.search(r"[\s'\"\[\]|]", lhs):
            raise GrammarError(f"{place}: {text[:60]!r} is no production: write it as A -> B '7' [0.5]")
        yield from _options(lhs, body, place, one_option)
    if pending:
        raise GrammarError(f"{where} ends in a backslash: finish its last line")


def _options(lhs, body, place, one_option):
    rhs, closed, position = [], True, 0
    if not body:
        raise GrammarError(f"{place}: {lhs} has an empty right-hand side: each must hold a symbol")
    while position < len(body):
        match = _TOKEN.match(body, position)
        if match is None:
            raise GrammarError(f"{place}: cannot read {body[position : position + 30]!r}: check quotes and brackets")
        position = match.end()
        kind = match.lastgroup
        if kind == "bar":
            if not closed or one_option or match.start() == 0:
                raise GrammarError(f"{place}: an option of {lhs} has no probability: write [p] behind each option")
            closed = False
        elif kind == "probability":
            if not rhs:
                raise GrammarError(f"{place}: {lhs} has an empty right-hand side: each must hold a symbol")
            yield lhs, rhs, _number(match["probability"], lhs, place)
            rhs, closed = [], True
        else:
            if closed and position != match.end() - match.start() and match.start() != 0:
                hint = "give a comment a line of its own" if match["nonterminal"] == "#" else "put | between options"
                raise GrammarError(f"{place}: symbols follow a probability of {lhs}: {hint}")
            closed = False
            rhs.append(match["nonterminal"] or _terminal(match["terminal"][1:-1], place, words=not one_option))
    if rhs or not closed:
        raise GrammarError(f"{place}: the last option of {lhs} has no probability: write [p] behind it")


def _number(text, lhs, place):
    text = text.strip()
    # float takes other digits than 0 to 9 too, and digits with underscores
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not 0.0 < value <= 1.0:
        raise GrammarError(f"{place}: a probability of {lhs} is {shown(text)}, must be above 0 and at most 1")
    return value


def _terminal(value, place, words=False):
    """The id that a terminal says, or the word that it is; numbers other than ids are neither."""
    if words and isinstance(value, str) and value.strip() and not _DIGITS.fullmatch(value.strip()):
        return Word(value)
    text = value if isinstance(value, str) else shown(value if isinstance(value, bool) else int(value))
    if not (text.isdecimal() and text.isascii() and len(text) <= 10) or int(text) == 0:
        kinds = "token id and no word" if words else "token id"
        raise GrammarError(
            f"{place}: terminal {shown(text)} is no {kinds}: ids are integers from 1 up (0 is the separator)"
            + (", a word is no number and not blank" if words else "")
        )
    if text.startswith("0"):  # '01' beside '1' would be one terminal
        raise GrammarError(f"{place}: terminal {shown(text)} has leading zeros: write {int(text)}")
    return int(text)


def parts_of_document(document: dict[str, Any]) -> Parts:
    """Return the parts of a grammar from what :meth:`ziplaw.Grammar.to_dict` returns."""
    if not isinstance(document, dict):
        raise GrammarError(f"the grammar is {shown(document)}, must be a dict: give what to_dict returns")
    for key in ("n_nonterminals", "n_terminals", "productions"):
        if key not in document:
            raise GrammarError(f"the grammar has no {key!r}: make it again with `ziplaw grammar new`")
    lines, start = document["productions"], document.get("start", "uniform")
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise GrammarError("productions must be a list of texts like \"N0 -> '3' N1 [0.5]\": mend the file")
    if start != "uniform" and not isinstance(start, list):
        raise GrammarError(f'start is {shown(start)}, must be "uniform" or a list of probabilities: mend the file')
    rules = []
    for name, rhs, probability in parse_rules(lines, one_option=True):
        names = [name, *(symbol for symbol in rhs if isinstance(symbol, str))]
        bad = next((name for name in names if not _NUMBERED.fullmatch(name)), None)
        if bad is not None:
            raise GrammarError(f"nonterminal {shown(bad)} is not of the form N0, N1, ...: mend the file")
        encoded = [-int(symbol[1:]) - 1 if isinstance(symbol, str) else symbol for symbol in rhs]
        rules.append(Production(int(name[1:]), tuple(encoded), probability))
    return Parts(
        document["n_nonterminals"],
        document["n_terminals"],
        tuple(rules),
        () if start == "uniform" else tuple(start),
        document.get("provenance", {}),
    )


def parts_of_text(text: str, where: str = "grammar") -> Parts:
    """Return the parts of a grammar in NLTK's text form; it starts with the first left-hand side, or ``%start X``."""
    start, n_terminals, lines = None, None, []
    for line in text.splitlines():
        fields = line.split()
        if fields[:2] == ["#", "n_terminals:"] and len(fields) == 3:
            n_terminals = _terminal(fields[2], f"{where}, n_terminals")
        if fields[:1] == ["%start"] and len(fields) == 2:
            start, line = fields[1], ""
        lines.append(line)
    rules = list(parse_rules(lines, where))
    if not rules:
        raise GrammarError(f"{where} holds no production: write rules like S -> A '7' [0.5] | '3' [0.5]")
    return _assemble(rules, start or rules[0][0], n_terminals, where)


def parts_of_nltk(grammar: Any, n_terminals: int | None = None) -> Parts:
    """Return the parts of a grammar from an ``nltk.PCFG``; see :meth:`ziplaw.Grammar.from_nltk`."""
    try:
        start, productions = str(grammar.start()), grammar.productions()
        rules = [
            (
                str(rule.lhs()),
                [
                    _terminal(s, "grammar", words=True) if isinstance(s, str | numbers.Integral) else str(s)
                    for s in rule.rhs()
                ],
                float(rule.prob()),
            )
            for rule in productions
        ]
    except (AttributeError, TypeError):
        raise GrammarError(f"a {type(grammar).__name__} is no nltk.PCFG: give a probabilistic grammar") from None
    if not rules:
        raise GrammarError("the grammar holds no production: give it at least one")
    return _assemble(rules, start, n_terminals, "grammar")


def _assemble(rules: Sequence[NamedRule], start: str, n_terminals: int | None, where: str) -> Parts:
    rules, words = _numbered(rules, where)
    known = {lhs for lhs, _, _ in rules}
    if start not in known:
        raise GrammarError(f"{where}: the start symbol {start} has no production: give it one")
    for lhs, rhs, _ in rules:
        for symbol in rhs:
            if isinstance(symbol, str) and symbol not in known:
                raise GrammarError(f"{where}: nonterminal {symbol} in a rule of {lhs} has no production: give it one")
    used = {symbol for _, rhs, _ in rules for symbol in rhs if isinstance(symbol, str)}
    unit = all(len(rhs) == 1 and isinstance(rhs[0], str) for lhs, rhs, _ in rules if lhs == start)
    chooser = unit and start not in used
    names = _order([lhs for lhs, _, _ in rules if not (chooser and lhs == start)])
    index = {name: number for number, name in enumerate(names)}
    totals: dict[str, float] = {}
    for lhs, _, probability in rules:
        totals[lhs] = totals.get(lhs, 0.0) + probability
    for lhs, total in totals.items():
        if abs(total - 1.0) > NLTK_TOLERANCE:
            raise GrammarError(f"{where}: probabilities of {lhs} sum to {total:.9g}, must sum to 1: normalise them")
    # sums that are off by rounding only stay as they are, so that a round trip gives equal grammars
    scale = {lhs: 1.0 if abs(total - 1.0) < 1e-9 else total for lhs, total in totals.items()}
    first = [0.0] * len(names)
    productions = []
    for lhs, rhs, probability in rules:
        if chooser and lhs == start:
            first[index[rhs[0]]] += probability / scale[lhs]
        else:
            encoded = tuple(-index[symbol] - 1 if isinstance(symbol, str) else symbol for symbol in rhs)
            productions.append(Production(index[lhs], encoded, probability / scale[lhs]))
    if not chooser:
        first[index[start]] = 1.0
    highest = max((symbol for _, rhs, _ in rules for symbol in rhs if isinstance(symbol, int)), default=0)
    if highest == 0:
        raise GrammarError(f"{where} holds no terminal: terminals stand in quotes, as words or integers from 1 up")
    provenance = {"source": "nltk", "start": start}
    if names != [f"N{number}" for number in range(len(names))]:
        provenance["names"] = names
    if words:
        provenance["words"] = words
    n_terminals = highest if n_terminals is None else n_terminals
    return Parts(len(names), n_terminals, tuple(productions), tuple(first), provenance)


def _numbered(rules, where):
    """Return the rules with ids for words, and the words in the order of their ids."""
    terminals = dict.fromkeys(s for _, rhs, _ in rules for s in rhs if isinstance(s, Word | int))
    words = [str(terminal) for terminal in terminals if isinstance(terminal, Word)]
    if not words:
        return rules, []
    if len(words) < len(terminals):
        number = next(terminal for terminal in terminals if isinstance(terminal, int))
        raise GrammarError(
            f"{where}: terminal {shown(words[0])} is a word and {shown(str(number))} a token id: write all as words or "
            "all as ids (integers from 1 up)"
        )
    ids = {word: number for number, word in enumerate(words, start=1)}
    return [(lhs, [ids[s] if isinstance(s, Word) else s for s in rhs], p) for lhs, rhs, p in rules], words


def _order(names):
    """Number nonterminals in order of appearance, or by their own numbers when they are exactly N0..N(n-1)."""
    names = list(dict.fromkeys(names))
    ours = [f"N{number}" for number in range(len(names))]
    return ours if set(names) == set(ours) else names


def rule_text(rule: Production) -> str:
    """Return one rule as both files show it: ``N0 -> '3' N1 [0.5]``."""
    rhs = " ".join(f"'{symbol}'" if symbol > 0 else f"N{-symbol - 1}" for symbol in rule.rhs)
    return f"N{rule.lhs} -> {rhs} [{rule.probability!r}]"


def text_of(n_terminals: int, start: Sequence[float], productions: Sequence[Production]) -> str:
    """Return NLTK's text form; see :meth:`ziplaw.Grammar.to_text`."""
    first = [f"S -> N{i} [{p!r}]" for i, p in enumerate(start) if p > 0.0]
    return "\n".join([f"# n_terminals: {n_terminals}", *first, *map(rule_text, productions)]) + "\n"


def to_nltk(start: Sequence[float], productions: Sequence[Production]) -> Any:
    """Return an ``nltk.PCFG``; see :meth:`ziplaw.Grammar.to_nltk`."""
    try:
        import nltk
    except ImportError:
        raise GrammarError("nltk is not installed: install it with `pip install 'ziplaw[corpora]'`") from None
    nonterminals = [nltk.Nonterminal(f"N{number}") for number in range(len(start))]
    chooser = nltk.Nonterminal("S")
    rules = [
        nltk.ProbabilisticProduction(chooser, [nonterminal], prob=probability)
        for nonterminal, probability in zip(nonterminals, start)
        if probability > 0.0
    ]
    for lhs, rhs, probability in productions:
        symbols = [str(symbol) if symbol > 0 else nonterminals[-symbol - 1] for symbol in rhs]
        rules.append(nltk.ProbabilisticProduction(nonterminals[lhs], symbols, prob=probability))
    return nltk.PCFG(chooser, rules)
