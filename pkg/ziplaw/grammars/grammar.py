"""Probabilistic context-free grammars, and what is known about them in closed form.

Symbols are numbered as `production` says; the start symbol rewrites to one nonterminal.
"""

from __future__ import annotations

import functools
import math
import operator
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..base.limits import MAX_SYMBOLS, MAX_TERMINALS
from ..errors import GrammarError, integer, shown
from . import checks, notation, spectra
from .production import Production
from .spectra import Criticality


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

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name, most in {"n_nonterminals": MAX_SYMBOLS, "n_terminals": MAX_TERMINALS}.items():
            number = integer(name, getattr(self, name), 1, most, "count the symbols of the productions", GrammarError)
            put(self, name, number)
        for name in ("productions", "start"):
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise GrammarError(f"{name} is {shown(given)}, must be a sequence: give one, such as a tuple")
        rules = [checks.production(rule, self.n_nonterminals, self.n_terminals) for rule in self.productions]
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

    def __getstate__(self) -> dict[str, Any]:
        # the fields only: what is cached beside them is made again, and the sampler's tables cannot be pickled
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    @functools.cached_property
    def _lhs_first(self) -> list[int]:
        counts = [0] * (self.n_nonterminals + 1)
        for rule in self.productions:
            counts[rule.lhs + 1] += 1
        return np.cumsum(counts).tolist()

    @property
    def vocab_size(self) -> int:
        """Number of token ids, the separator 0 counted."""
        return self.n_terminals + 1

    @functools.cached_property
    def _flat(self) -> dict[str, np.ndarray]:
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
    def _criticality(self) -> Criticality:
        return spectra.criticality(**self._flat)

    @functools.cached_property
    def _moments(self) -> tuple[float, float]:
        """Expected terminals and derivation entropy (nats) of one sentence; inf when rho(M) >= 1."""
        return spectra.sentence_moments(**self._flat) if self.criticality().terminates else (math.inf, math.inf)

    def check_emits(self) -> None:
        """Raise a GrammarError where a derivation may never reach its next token: no document could be filled."""
        critical = self.criticality()
        if not critical.emits:
            raise GrammarError(
                f"rho(LC) = {critical.rho_lc:.6g}, must be below 1: a derivation of this grammar may never reach its "
                "next token; take out the left recursion, or lower its probability"
            )

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
            "productions": [notation.rule_text(rule) for rule in self.productions],
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Grammar:
        """Make a grammar from what :meth:`to_dict` returns."""
        return cls(*notation.parts_of_document(document))

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

        text = read_text(path)
        if text.lstrip().startswith("{"):
            try:
                return cls.from_dict(read_json(path, kind="grammar"))
            except GrammarError as error:
                raise GrammarError(f"{path}: {error}") from None
        return cls._of(notation.parts_of_text(text, where=str(path)), where=str(path))

    @classmethod
    def _of(cls, parts: notation.Parts, where: str) -> Grammar:
        """Build a grammar whose writer knows its nonterminals by other names: messages call them so."""
        try:
            return cls(*parts)
        except GrammarError as error:
            names = parts.provenance.get("names")
            message = re.sub(r"\bN([0-9]+)\b", lambda match: names[int(match[1])] if names else match[0], str(error))
            raise GrammarError(f"{where}: {message}") from None

    def to_nltk(self) -> Any:
        """Return an ``nltk.PCFG``: start symbol S, nonterminals N0, N1, ..., terminals as decimal strings."""
        return notation.to_nltk(self.start, self.productions)

    @classmethod
    def from_nltk(cls, grammar: Any, n_terminals: int | None = None) -> Grammar:
        """Make a grammar from an ``nltk.PCFG`` whose terminals are integers or integer strings from 1 up, or words.

        Words get the ids 1, 2, ... in order of appearance, which ``provenance["words"]`` keeps.
        ``n_terminals`` is the highest id in use unless given. A start symbol that only rewrites to single nonterminals
        and is used nowhere else becomes the start probabilities; otherwise it becomes a nonterminal like the others.
        """
        return cls._of(notation.parts_of_nltk(grammar, n_terminals), where="grammar")

    def to_text(self) -> str:
        """Return NLTK's text form: the start symbol's rules first, then every production, one a line.

        A comment keeps ``n_terminals``, which NLTK's form has no place for.
        """
        return notation.text_of(self.n_terminals, self.start, self.productions)


def checked(grammar: Any) -> Grammar:
    """Return what is given where a grammar is asked for, if it is one."""
    if not isinstance(grammar, Grammar):
        raise GrammarError(f"grammar is a {type(grammar).__name__}, must be a ziplaw.Grammar: load or draw one")
    return grammar
