"""H of the paper's preset grammars as drawn here, against the H that the paper gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...sweep.folder import Sweep, finite
from .style import COLUMN, GREY, INK, PALE, Row, figure, handle, label, look, save, say

COLUMNS = ["preset", "group", "shape", "paper_H", "H", "H_std", "H_low", "H_high", "seeds", "truncated"]


def draw(sweep: Sweep, output: str | Path) -> None:
    """Draw our H of the paper's preset grammars, mean and spread over seeds, against the paper's H."""
    rows = _preset_rows(sweep.table("presets.csv"))
    made, (axes,) = figure(COLUMN, COLUMN * 0.97 if rows else 1.2)
    if not rows:
        say(axes, "no presets.csv in this folder: this sweep does not score the paper's preset grammars")
        save(made, output, rows, COLUMNS)
        return
    known = [row for row in rows if finite(row["paper_H"])]
    groups = list(dict.fromkeys(row["group"] for row in rows))
    values = [v for row in rows for v in (row["H_low"], row["H_high"], row["paper_H"]) if finite(v)]
    ends = np.array([min(values) - 0.03, max(values) + 0.04])
    margin = ends[1] + 0.045
    axes.plot(ends, ends, color=GREY, linewidth=0.7, zorder=1)
    for index, group in enumerate(groups):
        part = [row for row in rows if row["group"] == group]
        style = look(index, len(groups)) | {"linestyle": "none", "markeredgecolor": INK, "markersize": 4}
        # a preset of which the paper gives no H stands in the margin, hollow
        for shown, x, face in (
            ([r for r in part if finite(r["paper_H"])], None, style["color"]),
            ([r for r in part if not finite(r["paper_H"])], margin, "white"),
        ):
            at = [row["paper_H"] if x is None else x + 0.012 * index for row in shown]
            y = [row["H"] for row in shown]
            error = [row["H_std"] or 0.0 for row in shown]
            axes.errorbar(
                at, y, error, **style, markerfacecolor=face, ecolor=INK, elinewidth=0.7, capsize=1.8, capthick=0.6
            )
    missing = len(rows) - len(known)
    if missing:
        axes.axvline((ends[1] + margin) / 2 - 0.005, color=PALE, linewidth=0.6)
        axes.text(margin + 0.014, ends[0] + 0.01, "the paper gives no H", rotation=90, size=6, color=GREY, ha="center")
    seeds = max(row["seeds"] for row in rows)
    spread = f"mean ± s.d. over {seeds} seeds" if seeds > 1 else "one seed"
    axes.set(xlabel="H in the paper", ylabel=f"H here: {spread}", ylim=ends)
    axes.set_xlim(ends[0], margin + 0.045 if missing else ends[1])
    axes.set_xticks([t for t in np.arange(0, 1.01, 0.1) if ends[0] <= t <= ends[1]])
    handles = [
        handle(**(look(i, len(groups)) | {"linestyle": "none"}), markeredgecolor=INK) for i in range(len(groups))
    ]
    handles.append(handle(linestyle="-", color=GREY, linewidth=0.7))
    titles = {"main": "main rows", "vocabulary": "fixed vocabulary", "compressibility": "fixed compressibility"}
    axes.legend(handles, [titles.get(g, label(g)) for g in groups] + ["equal"], loc="upper left")
    save(made, output, rows, COLUMNS)


def _preset_rows(table: list[Row]) -> list[Row]:
    """One row for each preset, over its seeds."""
    rows = []
    for preset in dict.fromkeys(row["preset"] for row in table):
        part = [row for row in table if row["preset"] == preset and finite(row["H"])]
        if not part:
            continue
        values = np.array([row["H"] for row in part])
        shape = "n_nonterminals n_terminals max_rhs_options max_rhs_length".split()
        rows.append(
            {key: part[0][key] for key in ("preset", "group", "paper_H", "truncated")}
            | {"shape": " x ".join(str(part[0][key]) for key in shape), "seeds": len(part)}
            | {"H": float(values.mean()), "H_low": float(values.min()), "H_high": float(values.max())}
            | {"H_std": float(values.std(ddof=1)) if len(values) > 1 else None}
        )
    return rows
