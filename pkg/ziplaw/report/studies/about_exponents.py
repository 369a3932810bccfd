"""How the exponents move with H, by every link and by the additive law: what depends on the form and what does not."""

from __future__ import annotations

from ...sweep.folder import WAYS
from ..figures.studies import Tables
from .markdown import SectionWords, number, p_value, signed, table, within

HALVES = ("exploratory", "confirmatory")
QUANTITIES = ("a", "alpha", "beta")
LEVEL = 0.05


def told(tables: Tables) -> SectionWords:
    """By how many forms each exponent rises or falls in each half, then the slopes."""
    rows = [
        row for row in tables["split_moves"]
        if row["quantity"] in QUANTITIES and row["half"] in HALVES and (row["covariate"], row["family"]) == ("H", "all")
    ]  # fmt: skip
    sentences, numbers = [], {}
    for half in HALVES:
        parts = []
        for quantity in QUANTITIES:
            mine = [row for row in rows if (row["half"], row["quantity"]) == (half, quantity)]
            sure = [row for row in mine if row["p_permutation"] is not None and row["p_permutation"] <= LEVEL]
            up, down = (sum(row["slope"] * sign > 0 for row in sure) for sign in (1, -1))
            if mine:
                parts.append(f"{quantity} rises with H by {up} of {len(mine)} forms and falls by {down}")
                numbers[f"{half} {quantity}"] = {"forms": len(mine), "rises": up, "falls": down}
        if parts:
            sentences.append(f"In the {half} half {'; '.join(parts)} (p at most .05).")
    lines = [
        [row["half"], row["quantity"], WAYS.get(row["kind"], f"{row['kind']} law, scaling cells"), number(row["n"]),
         f"{signed(row['slope'])} ({within(row['slope_low'], row['slope_high'])})", p_value(row["p_permutation"])]
        for row in rows
    ]  # fmt: skip
    header = ["half", "exponent", "by", "grammars", "slope per unit of H", "p"]
    return SectionWords(" ".join(sentences) + "\n\n" + table(header, lines), numbers)
