"""Probabilistic context-free grammars: random ones, read ones, and what is known about them in closed form.

A nonterminal ``i`` (counted from 0) stands in right-hand sides as ``-(i + 1)``; a terminal is its token id, counted
from 1. Id 0 is the separator between sentences and never a terminal. The start symbol rewrites to one nonterminal.
"""

from __future__ import annotations

import functools
import math
import operator
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..base import limits
from ..base.limits import MAX_SYMBOLS, MAX_TERMINALS
from ..errors import GrammarError, integer, shown
from . import checks

MAX_SUB_SEEDS = 64
# an eigenvalue of exactly 1 comes out of the solver as 1 - 1e-15; such a grammar is critical
CRITICAL = 1.0 - 1e-9
_integer = functools.partial(integer, kind=GrammarError)
_NAME = re.compile("N[0-9]{1,9}")


def _presets() -> dict[str, dict[str, Any]]:
    groups = {
        "main": {
            (3, 20, 2, 2): 0.11,
            (10, 150, 5, 3): 0.22,
            (20, 300, 10, 5): 0.35,
            (30, 400, 10, 8): 0.42,
            (50, 500, 20, 15): 0.51,
            (100, 2000, 100, 30): 0.61,
        },
        "vocabulary": {
            (3, 300, 2, 2): 0.11,
            (10, 300, 5, 3): 0.25,
            (20, 300, 10, 5): 0.36,
            (50, 300, 20, 10): 0.47,
            (100, 300, 100, 30): None,
            (200, 300, 200, 50): None,
        },
        "compressibility": {
            (10, 600, 5, 10): 0.32,
            (20, 300, 15, 5): 0.36,
            (30, 200, 10, 15): 0.38,
            (50, 100, 20, 20): 0.34,
        },
    }
    # of these shapes every draw is critical
    endless = {(100, 300, 100, 30), (200, 300, 200, 50), (50, 100, 20, 20)}
    return {
        f"{group}-{number}": {
            "group": group,
            "shape": shape,
            "paper_h": paper_h,
            "supercritical": "truncate" if shape in endless else "redraw",
        }
        for group, rows in groups.items()
        for number, (shape, paper_h) in enumerate(rows.items(), start=1)
    }


PRESETS: dict[str, dict[str, Any]] = _presets()
"""The paper's grammars: name -> group, shape (nonterminals, terminals, options, length), paper_h, supercritical."""


class Production(NamedTuple):
    """One rule ``lhs -> rhs [probability]``; symbols are encoded as the module says."""

    lhs: int
    rhs: tuple[int, ...]
    probability: float


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


@dataclass(frozen=True)
class Grammar:
    """A probabilistic context-free grammar over token ids.

    Parameters
    ----------
    n_nonterminals : int
        Number of nonterminals, the start symbol not counted.
    n_terminals : int
        Number of terminals; their ids are 1..n_terminals.
    productions : tuple of Production
        Every rule. Those of one nonterminal sum to one and may stand in any order; they are kept sorted by lhs.
    start : tuple of float, optional
        Probability that the start symbol yields each nonterminal; uniform when left out.
    provenance : dict, optional
        Where the grammar comes from (random: shape, seed, sub-seed, criticality); not part of equality.

    Raises
    ------
    GrammarError
        When a nonterminal has no production, is unreachable or never yields a finite sentence, a right-hand side is
        empty, a symbol is out of range, or probabilities do not sum to one. A grammar whose provenance says
        ``"supercritical": "truncate"`` may hold sentences without end.
    """

    n_nonterminals: int
    n_terminals: int
    productions: tuple[Production, ...]
    start: tuple[float, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict, compare=False)

    def __post_init__(self):
        put = object.__setattr__
        for name, most in {"n_nonterminals": MAX_SYMBOLS, "n_terminals": MAX_TERMINALS}.items():
            put(self, name, _integer(name, getattr(self, name), 1, most, "count the symbols of the productions"))
        for name in ("productions", "start"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise GrammarError(f"{name} is {shown(given)}, must be a sequence: give one, such as a tuple")
        rules = [
            Production(*checks.production(rule, self.n_nonterminals, self.n_terminals)) for rule in self.productions
        ]
        checks.covered(rules, self.n_nonterminals)
        start = tuple(self.start) or (1.0 / self.n_nonterminals,) * self.n_nonterminals
        put(self, "start", tuple(checks.probability("start", p, lowest=0.0) for p in start))
        if len(self.start) != self.n_nonterminals:
            raise GrammarError(
                f"start has {len(self.start)} probabilities, must have one for each of the {self.n_nonterminals} "
                "nonterminals: leave it out for a uniform start"
            )
        put(self, "productions", tuple(sorted(rules, key=operator.attrgetter("lhs"))))
        if not isinstance(self.provenance, dict):
            raise GrammarError(f"provenance is a {type(self.provenance).__name__}, must be a dict: leave it out")
        checks.sums(self.productions, self.start)
        checks.symbols(self.productions, self._lhs_first, self.start, self.provenance.get("supercritical"))

    def __getstate__(self):
        # the fields only: what is cached beside them is made again, and the sampler's tables cannot be pickled
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    @functools.cached_property
    def _lhs_first(self):
        counts = [0] * (self.n_nonterminals + 1)
        for rule in self.productions:
            counts[rule.lhs + 1] += 1
        return np.cumsum(counts).tolist()

    @property
    def vocab_size(self) -> int:
        """Number of token ids, the separator 0 counted."""
        return self.n_terminals + 1

    @functools.cached_property
    def _flat(self):
        rules = self.productions
        lengths = np.fromiter((len(rule.rhs) for rule in rules), np.int64, len(rules))
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        return {
            "prod_lhs": np.fromiter((rule.lhs for rule in rules), np.int32, len(rules)),
            "prod_offsets": offsets.astype(np.int32),
            "symbols": np.fromiter((s for rule in rules for s in rule.rhs), np.int32, int(offsets[-1])),
            "probabilities": np.fromiter((rule.probability for rule in rules), np.float64, len(rules)),
            "start": np.array(self.start, dtype=np.float64),
            "lhs_offsets": np.array(self._lhs_first, dtype=np.int32),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the grammar as flat arrays for the C cores (P productions of n nonterminals, sorted by lhs).

        Returns
        -------
        dict of ndarray
            ``prod_lhs`` int32 (P,); ``prod_offsets`` int32 (P + 1,) into ``symbols`` int32, encoded as the module
            says; ``probabilities`` float64 (P,); ``start`` float64 (n,); ``lhs_offsets`` int32 (n + 1,), the
            productions of nonterminal i being ``lhs_offsets[i]:lhs_offsets[i + 1]``.
        """
        return {name: array.copy() for name, array in self._flat.items()}

    # what is known in closed form ----------------------------------------------------------------------------------

    def criticality(self) -> Criticality:
        """Return the spectral radii rho(M) and rho(LC).

        ``M[i, j]`` is the expected number of nonterminals j in one rewrite of i; ``LC[i, j]`` the probability that a
        rewrite of i starts with nonterminal j. Sentences are finite on average if and only if rho(M) < 1; a leftmost
        derivation emits its next token with probability one if rho(LC) < 1.
        """
        return self._criticality

    @functools.cached_property
    def _criticality(self):
        from .spectra import criticality

        return Criticality(*criticality(**self._flat))

    @functools.cached_property
    def _moments(self):
        """Expected terminals and derivation entropy (nats) of one sentence; inf when rho(M) >= 1."""
        from .spectra import sentence_moments

        return sentence_moments(**self._flat) if self.criticality().terminates else (math.inf, math.inf)

    def expected_sentence_length(self) -> float:
        """Return the expected number of terminals in a sentence; ``inf`` when rho(M) >= 1."""
        return self._moments[0]

    def entropy_rate(self) -> float:
        """Return the derivational entropy in nats per token of endless text, the separator counted as a token.

        ``(H(start) + start . (I - M)^-1 h) / (start . (I - M)^-1 t + 1)`` with h and t the entropy and the expected
        terminals of one rewrite. It counts derivations, not strings, and is no bound for truncated documents
        (``ziplaw.floor`` is exact). ``nan`` when rho(M) >= 1.
        """
        terminals, entropy = self._moments
        return entropy / (terminals + 1.0) if math.isfinite(terminals) else math.nan

    # files and other libraries -------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the grammar as JSON-ready data, one readable rule a line."""
        uniform = self.start == (1.0 / self.n_nonterminals,) * self.n_nonterminals
        return {
            "n_nonterminals": self.n_nonterminals,
            "n_terminals": self.n_terminals,
            "start": "uniform" if uniform else list(self.start),
            "productions": [_rule_text(rule) for rule in self.productions],
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Grammar:
        """Make a grammar from what :meth:`to_dict` returns."""
        from .notation import parse_rules

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
            bad = next((name for name in names if not _NAME.fullmatch(name)), None)
            if bad is not None:
                raise GrammarError(f"nonterminal {shown(bad)} is not of the form N0, N1, ...: mend the file")
            encoded = [-int(symbol[1:]) - 1 if isinstance(symbol, str) else symbol for symbol in rhs]
            rules.append(Production(int(name[1:]), tuple(encoded), probability))
        return cls(
            document["n_nonterminals"],
            document["n_terminals"],
            tuple(rules),
            () if start == "uniform" else tuple(start),
            document.get("provenance", {}),
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write the grammar as JSON: sorted keys, one rule a line, its own checksum inside."""
        from ..base.documents import write_json

        write_json(path, self.to_dict(), kind="grammar")

    @classmethod
    def load(cls, path: str | os.PathLike) -> Grammar:
        """Read a grammar: the JSON of :meth:`save`, or NLTK's text form (``S -> A B [0.5] | '7' [0.5]``), with ids or
        words for terminals.

        Raises
        ------
        GrammarError, ZiplawError
            When the file is neither, was damaged, or describes a malformed grammar.
        """
        from ..base.documents import read_json, read_text
        from .notation import parse_grammar

        text = read_text(path)
        if text.lstrip().startswith("{"):
            try:
                return cls.from_dict(read_json(path, kind="grammar"))
            except GrammarError as error:
                raise GrammarError(f"{path}: {error}") from None
        return parse_grammar(text, where=str(path))

    def to_nltk(self) -> Any:
        """Return an ``nltk.PCFG``: start symbol S, nonterminals N0, N1, ..., terminals as decimal strings."""
        from .notation import to_nltk

        return to_nltk(self)

    @classmethod
    def from_nltk(cls, grammar: Any, n_terminals: int | None = None) -> Grammar:
        """Make a grammar from an ``nltk.PCFG`` whose terminals are integers or integer strings from 1 up, or words.

        Words get the ids 1, 2, ... in order of appearance, which ``provenance["words"]`` keeps.
        ``n_terminals`` is the highest id in use unless given. A start symbol that only rewrites to single nonterminals
        and is used nowhere else becomes the start probabilities; otherwise it becomes a nonterminal like the others.
        """
        from .notation import from_nltk

        return from_nltk(grammar, n_terminals)

    def to_text(self) -> str:
        """Return NLTK's text form: the start symbol's rules first, then every production, one a line.

        A comment keeps ``n_terminals``, which NLTK's form has no place for.
        """
        first = [f"S -> N{i} [{p!r}]" for i, p in enumerate(self.start) if p > 0.0]
        return (
            "\n".join([f"# n_terminals: {self.n_terminals}", *first, *(_rule_text(rule) for rule in self.productions)])
            + "\n"
        )


def _rule_text(rule):
    rhs = " ".join(f"'{symbol}'" if symbol > 0 else f"N{-symbol - 1}" for symbol in rule.rhs)
    return f"N{rule.lhs} -> {rhs} [{rule.probability!r}]"


def random_grammar(
    n_nonterminals: int,
    n_terminals: int,
    max_rhs_options: int,
    max_rhs_length: int,
    seed: int = 0,
    supercritical: str = "redraw",
) -> Grammar:
    """Draw a random grammar (Pandey 2024, arXiv 2405.16684, with the separator kept apart from the terminals).

    Each nonterminal gets 1..max_rhs_options productions, each production 1..max_rhs_length symbols, each symbol is
    uniform over nonterminals and terminals together, and weights are integers 1..100, normalised. All are uniform.

    Parameters
    ----------
    n_nonterminals, n_terminals, max_rhs_options, max_rhs_length : int
        The shape, each at least 1.
    seed : int, optional
        Any integer from 0 to 2**64 - 1. Draws come from PCG64 keyed by (seed, sub-seed, shape).
    supercritical : {"redraw", "truncate"}, optional
        "redraw" takes the next sub-seed until sentences are finite on average (rho(M) < 1). "truncate" also accepts
        rho(M) >= 1 as long as a derivation always reaches its next token (rho(LC) < 1); documents cut it off.

    Returns
    -------
    Grammar
        With seed, sub-seed and criticality in ``provenance``.

    Raises
    ------
    GrammarError
        For a shape out of range, or when every sub-seed tried is critical.
    """
    bounds = {
        "n_nonterminals": (n_nonterminals, limits.NONTERMINALS[1]),
        "n_terminals": (n_terminals, MAX_TERMINALS),
        "max_rhs_options": (max_rhs_options, MAX_SYMBOLS),
        "max_rhs_length": (max_rhs_length, MAX_SYMBOLS),
    }
    shape = {
        name: _integer(name, given, 1, most, "the presets show usual ones") for name, (given, most) in bounds.items()
    }
    # of the checked values: products of numpy's integers may overflow
    expected = limits.grammar_symbols(**{key: value for key, value in shape.items() if key != "n_terminals"})
    if expected > MAX_SYMBOLS:
        raise GrammarError(
            f"this shape needs about {expected:.3g} symbols, the limit is {MAX_SYMBOLS}: ask for fewer or shorter rules"
        )
    if supercritical not in ("redraw", "truncate"):
        raise GrammarError(
            f"supercritical is {shown(supercritical)}, must be 'redraw' or 'truncate': 'redraw' is the usual one"
        )
    seed = _integer("seed", seed, *limits.SEED, "choose another")
    from .spectra import criticality

    for sub_seed in range(MAX_SUB_SEEDS):
        flat = _draw(tuple(shape.values()), seed, sub_seed)
        critical = Criticality(*criticality(**flat))
        if critical.terminates or (supercritical == "truncate" and critical.emits):
            break
    else:
        hint = " or supercritical='truncate'" if supercritical == "redraw" else ""
        raise GrammarError(
            f"all of {MAX_SUB_SEEDS} grammars drawn from seed {seed} are critical (the last has rho(M) = "
            f"{critical.rho_m:.4g}): use shorter right-hand sides or more terminals{hint}"
        )
    symbols, offsets = flat["symbols"].tolist(), flat["prod_offsets"].tolist()
    rules = tuple(
        Production(lhs, tuple(symbols[offsets[p] : offsets[p + 1]]), probability)
        for p, (lhs, probability) in enumerate(zip(flat["prod_lhs"].tolist(), flat["probabilities"].tolist()))
    )
    # 12 digits: the last ones of an eigenvalue depend on the processor
    provenance = {
        "source": "random",
        **shape,
        "seed": seed,
        "sub_seed": sub_seed,
        "supercritical": supercritical,
        "rho_m": float(f"{critical.rho_m:.12g}"),
        "rho_lc": float(f"{critical.rho_lc:.12g}"),
    }
    return Grammar(shape["n_nonterminals"], shape["n_terminals"], rules, (), provenance)


def draw_preset(name: str, seed: int = 0) -> Grammar:
    """Draw a grammar of a preset's shape; where every draw is critical, the first that keeps emitting tokens."""
    if name not in PRESETS:
        raise GrammarError(f"there is no preset {name!r}: choose from {', '.join(PRESETS)}")
    preset = PRESETS[name]
    return random_grammar(*preset["shape"], seed=seed, supercritical=preset["supercritical"])


def _draw(shape, seed, sub_seed):
    """Draw all option counts, then all lengths, all symbols, all weights; return the flat arrays."""
    n_nonterminals, n_terminals, max_rhs_options, max_rhs_length = shape
    bits = np.random.PCG64(np.random.SeedSequence([seed, sub_seed, *shape]))

    def uniform(bound, n):
        # raw words and not Generator.integers, whose stream numpy may change; rejection keeps it exactly uniform
        words = bits.random_raw(n)
        while (redo := words > np.uint64(2**64 - 1 - 2**64 % bound)).any():
            words[redo] = bits.random_raw(int(redo.sum()))
        return (words % np.uint64(bound)).astype(np.int64)

    options = 1 + uniform(max_rhs_options, n_nonterminals)
    n_productions = int(options.sum())
    lengths = 1 + uniform(max_rhs_length, n_productions)
    n_symbols = int(lengths.sum())
    draws = uniform(n_nonterminals + n_terminals, n_symbols)
    weights = 1 + uniform(100, n_productions)
    lhs = np.repeat(np.arange(n_nonterminals), options)
    totals = np.bincount(lhs, weights=weights, minlength=n_nonterminals)
    return {
        "prod_lhs": lhs.astype(np.int32),
        "prod_offsets": np.concatenate(([0], np.cumsum(lengths))).astype(np.int32),
        "symbols": np.where(draws < n_nonterminals, -draws - 1, draws - n_nonterminals + 1).astype(np.int32),
        "probabilities": weights / totals[lhs],
        "start": np.full(n_nonterminals, 1.0 / n_nonterminals),
        "lhs_offsets": np.concatenate(([0], np.cumsum(options))).astype(np.int32),
    }
