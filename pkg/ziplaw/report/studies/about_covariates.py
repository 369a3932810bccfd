"""Which covariate foretells the split and the exponents of a grammar that was left out best."""

from __future__ import annotations

from ..figures.studies import Tables
from ..figures.studies.left_out_errors_by_covariate import shown
from .markdown import SectionWords, number, signed, table, within

JUDGES = {
    "exploratory": "In the exploratory half, each grammar left out,",
    "by the exploratory half": "In the confirmatory half, by lines through the exploratory one,",
}


def told(tables: Tables) -> SectionWords:
    """The best set and H's gain by each way of judging, then the table."""
    rows, sentences, numbers = shown(tables), [], {}
    for judged, words in JUDGES.items():
        mine = {row["covariates"]: row for row in rows if row["judged"] == judged and row["quantity"] == "ln_N"}
        if not mine:
            continue
        best = min(mine.values(), key=lambda row: row["error"])
        sentences.append(f"{words} ln N_opt is foretold best by {_names(best)}: rms error {_gain(best)}"
                         + (f"; by H {_gain(mine['H'])}" if "H" in mine else "") + ".")  # fmt: skip
        numbers[judged] = {
            name: mine[name]["error"] for name in dict.fromkeys((best["covariates"], "H")) if name in mine
        }
    header = ["covariates", "judged", "quantity", "grammars", "rms error", "less than with none"]
    lines = [
        [_names(r), r["judged"], r["quantity"], number(r["n"]), number(r["error"]),
         f"{signed(r['less_none'])} ({within(r['less_none_low'], r['less_none_high'])})"]
        for r in rows
        if r["quantity"] == "ln_N" and "+" not in r["covariates"]
    ]  # fmt: skip
    return SectionWords(" ".join(sentences) + "\n\n" + table(header, lines), numbers)


def _names(row):
    return row["covariates"].replace("_", " ")


def _gain(row):
    ends = within(row["less_none_low"], row["less_none_high"])
    return f"{number(row['error'])}, {signed(row['less_none'])} ({ends}) beside no covariate"
