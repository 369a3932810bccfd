"""What other learning rates change: the verdict of each arm, and slopes by the bounded link and by isoFLOP."""

from __future__ import annotations

from ..figures.studies import Tables
from .markdown import SectionWords, number, table, within

ANY = "any"
SHOWN = ("bounded", "isoflop")  # the figure has all forms
NAMES = {"ln_N": "ln N_opt", "a": "a", "alpha": "alpha", "beta": "beta"}
AGAINST = {"H": "H", "beyond_bigram": "the information beyond the last token"}
CHANGES, SAME, DEPENDS = "sign changes", "same sign", "depends on the form"
UNDECIDED, NOT_MEASURED = "undecided", "not measured"
VERDICTS = {SAME: "the same sign for", CHANGES: "another sign for", DEPENDS: "either sign, by the form, for",
            UNDECIDED: "undecided for", NOT_MEASURED: "not measured for"}  # fmt: skip
RECIPES = {
    "paper": "The published recipe (rate 5e-5, batches of 32 documents, cosine)",
    "tuned": "The best rate of each width, unscaled,",
}


def told(tables: Tables) -> SectionWords:
    """Whether a sign changes, a sentence on each arm, and the table of slopes."""
    rows = tables["training_arms"]
    sums = [row for row in rows if row["kind"] == ANY]
    changed = [row for row in sums if row["verdict"] in (CHANGES, DEPENDS)]
    if all(row["verdict"] == NOT_MEASURED for row in sums):
        sentences = ["That cannot be told."]
    else:
        sentences = ["Some do." if changed else "No trend is seen to change its sign."]
    numbers = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        first = mine[0]
        begin = f"{RECIPES.get(arm, arm)} was tried on {first['datasets']} grammars"
        share = first["not_started"] / first["cells"]
        begin += f": {first['not_started']} of its {first['cells']} cells ({share:.0%}) have not started to learn"
        begin += f", where {first['not_started_mup']} of the same have not under the study's own recipe"
        if all(row["verdict"] == NOT_MEASURED for row in mine):
            said = "no trend can be measured under it"
        else:
            said = "; ".join(_against(mine, name) for name in dict.fromkeys(row["covariate"] for row in mine))
        sentences.append(f"{begin}; {said}.")
        numbers[arm] = {f"{row['quantity']} on {row['covariate']}": row["verdict"] for row in sums if row in mine}
        numbers[arm] |= {"not_started": first["not_started"], "cells": first["cells"]}
    header = ["arm", "quantity", "against", "by", "grammars", "slope", "under mup", "difference", "verdict"]
    lines = [
        [
            row["arm"], NAMES[row["quantity"]], row["covariate"], row["kind"], number(row["n"]), _slope(row, "slope"),
            _slope(row, "mup"), _slope(row, "change"), row["verdict"],
        ]
        for row in rows
        if row["kind"] in SHOWN and row["verdict"] != NOT_MEASURED
    ]  # fmt: skip
    shown = "\n\n" + table(header, lines) if lines else "\n"
    return SectionWords(" ".join(sentences) + shown, numbers)


def _slope(row, name):
    return f"{number(row[name], 2)} ({within(row[f'{name}_low'], row[f'{name}_high'], 2)})"


def _against(rows, covariate):
    """Verdicts on one covariate, with the number of forms that say so where the intervals decide."""
    groups: dict[str, list[str]] = {}
    for quantity, name in NAMES.items():
        mine = [row for row in rows if (row["quantity"], row["covariate"]) == (quantity, covariate)]
        said = [row["verdict"] for row in mine if row["kind"] != ANY]
        for verdict in (row["verdict"] for row in mine if row["kind"] == ANY):
            forms = f" ({said.count(verdict)} of {len(said)} forms)" if verdict in (SAME, CHANGES) else ""
            groups.setdefault(verdict, []).append(name + forms)
    words = [f"{VERDICTS[verdict]} {', '.join(groups[verdict])}" for verdict in VERDICTS if verdict in groups]
    return f"on {AGAINST[covariate]} {', '.join(words)}"
