"""How compressible the datasets are: distributions of H, and the paper's presets against its own figures."""

from __future__ import annotations

import numpy as np

from ...sweep.folder import TWIN, Sweep, finite
from .style import COLUMN, GREY, INK, PALE, figure, handle, label, look, save, say

COLUMNS = ["name", "kind", "H", "windows", "density", "median", "std"]
PRESET_COLUMNS = ["preset", "group", "shape", "paper_H", "H", "H_std", "H_low", "H_high", "seeds", "truncated"]


def gzip_distributions(sweep: Sweep, output):
    """Draw how H is distributed over the windows of each dataset and reference: a ridge each, median and quartiles."""
    names = list(sweep.scores)
    made, (axes,) = figure(COLUMN * 1.25, 0.27 * max(len(names), 4) + 0.62)
    rows, places = [], []
    place = 0.0
    for index, name in enumerate(names):
        score = sweep.scores[name]
        kind = _kind(sweep, name)
        if kind == "reference" and places and _kind(sweep, names[index - 1]) == "dataset":
            place += 0.45
            axes.axhline(place - 0.95, color=PALE, linewidth=0.5)
        values = np.asarray(score["sizes"], dtype=float) / score["raw_bytes"]
        values = values[np.isfinite(values)]
        rows += _ridge(axes, name, kind, values, score, place, _fill(kind, index, len(sweep.datasets)))
        places.append(place)
        place += 1
    if not names:
        say(axes, "no scores in this folder")
        save(made, output, rows, COLUMNS)
        return
    axes.set_yticks(places, [label(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(places[-1] + 0.25, -1.05)
    axes.grid(axis="y", visible=False)
    for name, y in zip(names, places):
        score = sweep.scores[name]
        text = f"{score['H']:.3f} ± {score['std']:.3f}" if finite(score["H"]) and finite(score["std"]) else "?"
        axes.text(1.02, y, text, transform=axes.get_yaxis_transform(), size=6.5, va="center", color=INK)
    axes.text(1.02, -0.78, "H ± s.d.", transform=axes.get_yaxis_transform(), size=6.5, va="center", color=GREY)
    axes.set_xlabel(f"compressed / raw bytes of {_windows(sweep)} windows\n(lower is more compressible)")
    save(made, output, rows, COLUMNS)


def _kind(sweep, name):
    return "dataset" if name in sweep.datasets else "raw bytes" if name.endswith(TWIN) else "reference"


def _fill(kind, index, count):
    if kind == "dataset":
        return {"facecolor": look(index, count)["color"], "alpha": 0.75}
    return {"facecolor": "#e3e3e3"} if kind == "reference" else {"facecolor": "white", "hatch": "//////"}


def _windows(sweep):
    found = sorted({score["window"] for score in sweep.scores.values()})
    return f"{found[0]}-token" if len(found) == 1 else f"{found[0]}- to {found[-1]}-token"


def _ridge(axes, name, kind, values, score, place, fill):
    """Draw one density on its own baseline; return its rows: each distinct H, its windows and the density there."""
    distinct, counts = np.unique(values, return_counts=True)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if len(values) else [np.nan] * 3
    # Silverman's rule, never narrower than the step of H (one byte)
    spread = min(values.std(), (high - low) / 1.34 or np.inf) if len(values) else 0.0
    width = max(0.9 * spread * len(values) ** -0.2 if len(values) else 0.0, 1.5 / score["raw_bytes"])
    x = np.linspace(distinct[0] - 3 * width, distinct[-1] + 3 * width, 240)
    density, at = (_density(values, where, width) for where in (x, distinct))
    axes.fill_between(x, place, place - 0.85 * density / density.max(), edgecolor=INK, linewidth=0.5, **fill)
    axes.plot([low, high], [place] * 2, color=INK, linewidth=2.2, solid_capstyle="butt", zorder=3)
    axes.plot(middle, place, "o", color="white", markeredgecolor=INK, markersize=3.4, zorder=4)
    keys = {"name": name, "kind": kind}
    rows = [keys | {"H": h, "windows": c, "density": d} for h, c, d in zip(distinct, counts, at)]
    rows[0] |= {"median": score["H"], "std": score["std"]}
    return rows


def _density(values, x, width):
    return np.exp(-0.5 * ((x[:, None] - values) / width) ** 2).mean(axis=1) / (width * np.sqrt(2 * np.pi))


def presets(sweep: Sweep, output):
    """Draw our H of the paper's preset grammars, mean and spread over seeds, against the paper's H."""
    rows = _preset_rows(sweep.table("presets.csv"))
    made, (axes,) = figure(COLUMN, COLUMN * 0.97 if rows else 1.2)
    if not rows:
        say(axes, "no presets.csv in this folder: this sweep does not score the paper's preset grammars")
        save(made, output, rows, PRESET_COLUMNS)
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
    save(made, output, rows, PRESET_COLUMNS)


def _preset_rows(table):
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
