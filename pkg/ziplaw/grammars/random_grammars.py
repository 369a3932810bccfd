"""Random grammars: shapes in, grammars whose sentences end (or at least go on) out."""

from __future__ import annotations

import numpy as np

from ..base import limits
from ..base.limits import MAX_SYMBOLS, MAX_TERMINALS
from ..errors import GrammarError, integer, shown
from .grammar import Grammar
from .production import Production
from .spectra import criticality

MAX_SUB_SEEDS = 64


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
        name: integer(name, given, 1, most, "the presets show usual ones", GrammarError)
        for name, (given, most) in bounds.items()
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
    seed = integer("seed", seed, *limits.SEED, "choose another", GrammarError)
    for sub_seed in range(MAX_SUB_SEEDS):
        flat = _draw(tuple(shape.values()), seed, sub_seed)
        critical = criticality(**flat)
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
