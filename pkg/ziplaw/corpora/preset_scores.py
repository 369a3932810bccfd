"""H of the paper's preset grammars, drawn anew with several seeds: the rows of presets.csv."""

from __future__ import annotations

import statistics
from typing import Any

from ..base.documents import progress
from ..grammars.presets import PRESETS, draw_preset
from ..grammars.sampling import sample
from ..tables.declared import PRESETS as PRESETS_CSV
from .compress import compressibility

SHAPE = "preset group n_nonterminals n_terminals max_rhs_options max_rhs_length".split()
SHAPE_COLUMNS = [*SHAPE, "paper_H"]


def preset_shapes(group: str | None = None) -> list[dict[str, Any]]:
    """Return a row of SHAPE_COLUMNS for each preset, of all groups or of one."""
    return [
        {**dict(zip(SHAPE, (name, preset["group"], *preset["shape"]))), "paper_H": preset["paper_h"]}
        for name, preset in PRESETS.items()
        if group in (None, preset["group"])
    ]


def score_presets(
    group: str | None = None, seeds: int = 5, documents: int = 1000, threads: int | None = None
) -> list[dict[str, Any]]:
    """Draw and score presets; return a row of presets.csv for each preset and seed.

    Parameters
    ----------
    group : str, optional
        Only the presets of this group.
    seeds : int
        Grammars per preset, seeds 0, 1, ...
    documents : int
        Documents per grammar; H is the median over them.
    threads : int, optional
        All usable cores by default.
    """
    shapes, rows = preset_shapes(group), []
    bar = progress(total=len(shapes) * seeds, desc="presets", unit="grammar")
    for shape in shapes:
        drawn = []
        for seed in range(seeds):
            grammar = draw_preset(shape["preset"], seed)
            facts = grammar.provenance
            score = compressibility(sample(grammar, documents, seed=seed, threads=threads), threads=threads)
            drawn.append(
                shape
                | {"seed": seed, "sub_seed": facts["sub_seed"], "H": score.median}
                | {"rho_m": facts["rho_m"], "rho_lc": facts["rho_lc"]}
                | {"truncated": facts["supercritical"] == "truncate"}
            )
            bar.update()
        scores = [row["H"] for row in drawn]
        spread = {"H_mean": statistics.fmean(scores), "H_std": statistics.stdev(scores) if seeds > 1 else None}
        rows += [row | spread for row in drawn]
    bar.close()
    return [{column: row[column] for column in PRESETS_CSV.names} for row in rows]


def summarise_presets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a preset, from rows of presets.csv: H over the seeds beside the paper's."""
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault(row["preset"], {"preset": row["preset"], "shape": "", "seeds": 0})
        shape = (row["n_nonterminals"], row["n_terminals"], row["max_rhs_options"], row["max_rhs_length"])
        line["shape"] = ",".join(map(str, shape))
        line["seeds"] += 1
        line |= {"H": row["H_mean"], "H_std": row["H_std"], "paper_H": row["paper_H"], "truncated": row["truncated"]}
    return list(lines.values())
