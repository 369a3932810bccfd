"""The paper's grammars by name: their shapes, and what it found about them."""

from __future__ import annotations

from typing import Any

from ..errors import GrammarError
from .grammar import Grammar
from .random_grammars import random_grammar


def _presets() -> dict[str, dict[str, Any]]:
    groups: dict[str, dict[tuple[int, int, int, int], float | None]] = {
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


def draw_preset(name: str, seed: int = 0) -> Grammar:
    """Draw a grammar of a preset's shape; where every draw is critical, the first that keeps emitting tokens."""
    if name not in PRESETS:
        raise GrammarError(f"there is no preset {name!r}: choose from {', '.join(PRESETS)}")
    shape: tuple[int, int, int, int] = PRESETS[name]["shape"]
    return random_grammar(*shape, seed=seed, supercritical=PRESETS[name]["supercritical"])
