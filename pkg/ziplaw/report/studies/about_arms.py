"""What other learning rates change: the verdict of each arm, and slopes by the bounded link and by isoFLOP."""

from __future__ import annotations

from ..figures.studies import Tables
from .markdown import SectionWords, number, table, within

ANY, NOT_MEASURED = "any", "not measured"
SHOWN = ("bounded", "isoflop")  # the figure has all forms
NAMES = {"ln_N": "ln N_opt", "a": "a", "alpha": "alpha", "beta": "beta"}
AGAINST = {"H": "H", "beyond_bigram": "the information beyond the last token"}
WORDS = {
    "sign changes": "changes its sign",
    "same sign": "keeps its sign",
    "depends on the form": "keeps or changes its sign by the form of the law",
    "undecided": "is undecided",
    NOT_MEASURED: "cannot be measured",
}
RECIPES = {
    "paper": "The published recipe (rate 5e-5, batches of 32 documents, cosine)",
    "tuned": "The best rate of each width, unscaled,",
}


def told(tables: Tables) -> SectionWords:
    """A sentence on each arm, and the table of slopes."""
    rows = tables["training_arms"]
    sentences, numbers = [], {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        sums = {(row["quantity"], row["covariate"]): row["verdict"] for row in mine if row["kind"] == ANY}
        first = mine[0]
        begin = f"{RECIPES.get(arm, arm)} was tried on {first['datasets']} grammars"
        share = first["not_started"] / first["cells"]
        begin += f": {first['not_started']} of its {first['cells']} cells ({share:.0%}) have not started to learn"
        begin += f", where {first['not_started_mup']} of the same have not under the study's own recipe"
        groups: dict[str, list[str]] = {}
        for (quantity, covariate), verdict in sums.items():
            groups.setdefault(verdict, []).append(f"{NAMES[quantity]} on {AGAINST[covariate]}")
        if set(groups) == {NOT_MEASURED}:
            said = ["no trend can be measured under it"]
        else:
            said = [f"the trend of {', '.join(names)} {WORDS[verdict]}" for verdict, names in groups.items()]
        sentences.append(f"{begin}; {'; '.join(said)}.")
        by_name = {f"{quantity} on {covariate}": verdict for (quantity, covariate), verdict in sums.items()}
        numbers[arm] = by_name | {"not_started": first["not_started"], "cells": first["cells"]}
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
