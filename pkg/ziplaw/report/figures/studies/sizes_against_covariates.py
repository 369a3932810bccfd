"""The best N of every grammar against H and against the information beyond a bigram: by the chosen link, by isoFLOP."""

from __future__ import annotations

from typing import Any

from ....numerics.functions import exp
from ....sweep.folder import ISOFLOP
from ..style import PAGE, Row, figure, handle, legend, log_axis
from . import Tables
from .forest import HALVES
from .split_factors import chosen

COLUMNS = "kind C dataset half family covariate x N N_low N_high".split()
COVARIATES = {"H": "H", "beyond_bigram": "beyond a bigram, nats"}
# ratios of which matter
LOGARITHMS = {"beyond_bigram"}
FAMILIES = {"varied": ("o", "any vocabulary"), "vocabulary": ("s", "one vocabulary"), "H": ("^", "one H")}


def drawn(tables: Tables) -> tuple[Any, list[Row]]:
    """Return the figure and the numbers in it."""
    rows = shown(tables)
    there = [name for name in COVARIATES if any(row["covariate"] == name for row in rows)]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    made, grid = figure(PAGE, 2.3, 1, max(1, len(there) * len(kinds)), sharey=True)
    panels = [(kind, covariate) for kind in kinds for covariate in there]
    for axes, (kind, covariate) in zip(grid, panels, strict=False):
        for row in rows:
            if (row["kind"], row["covariate"]) == (kind, covariate):
                color, _, face = HALVES[row["half"]]
                axes.plot([row["x"]] * 2, [row["N_low"], row["N_high"]], color=color, linewidth=0.4, alpha=0.5)
                axes.plot([row["x"]], [row["N"]], marker=FAMILIES[row["family"]][0], color=color,
                          markerfacecolor=face, linestyle="none")  # fmt: skip
        axes.set_title("by isoFLOP, no law" if kind == ISOFLOP else f"by the {kind} link")
        axes.set_xlabel(COVARIATES[covariate])
        axes.set_yscale("log")
        if covariate in LOGARITHMS:
            axes.set_xscale("log")
            log_axis(axes.xaxis)
    if rows:
        grid[0].set_ylabel(f"best N at C = {rows[0]['C']:.2g}")
    log_axis(grid[0].yaxis, si=True)
    halves = [name for name in HALVES if any(row["half"] == name for row in rows)]
    marks = [handle(color=HALVES[name][0], linestyle="-") for name in halves]
    marks += [handle(marker=marker, markerfacecolor="white") for marker, _ in FAMILIES.values()]
    legend(made, marks, [f"{name} half" for name in halves] + [words for _, words in FAMILIES.values()], most=5)
    return made, rows


def shown(tables: Tables) -> list[Row]:
    """A row for each kind shown, covariate and grammar, C as 6 N D; what is not known is left out."""
    found = []
    for kind in (chosen(tables), ISOFLOP):
        for covariate in COVARIATES:
            for row in tables["size_of_each"]:
                if (row["kind"], row["accounting"]) == (kind, "6nd") and row[covariate] is not None:
                    ends = [row["ln_N"] + by * row["ln_N_stderr"] for by in (0, -1, 1)]
                    sizes = dict(zip(("N", "N_low", "N_high"), (float(exp(end)) for end in ends), strict=True))
                    x = row[covariate]
                    common = {name: row[name] for name in ("kind", "C", "dataset", "half", "family")}
                    found.append(common | {"covariate": covariate, "x": x} | sizes)
    return found
