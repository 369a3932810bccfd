"""How much of the scatter of best sizes a second training seed explains."""

from __future__ import annotations

from ...sweep.folder import WAYS
from ..figures.studies import Tables
from ..figures.studies.split_factors import chosen
from .markdown import SectionWords, number, table, within

HALVES = ("exploratory", "confirmatory")


def told(tables: Tables) -> SectionWords:
    """Noise of a seed beside the scatter of grammars, at the middle compute, 6 N D."""
    rows = [
        row for row in tables["split_noise"]
        if row["compute"] == "middle" and row["accounting"] == "6nd" and row["half"] in HALVES
    ]  # fmt: skip
    link = chosen(tables)
    mine = [row for row in rows if row["kind"] == link]
    sentences = [
        f"In the {row['half']} half another training seed moves ln N_opt by {number(row['seed_sd'], 2)} "
        f"({within(row['seed_sd_low'], row['seed_sd_high'], 2)}; {row['n']} grammars), where grammars of one H scatter "
        f"by {number(row['scatter'], 2)}."
        for row in mine
    ]
    lines = [
        [row["half"], WAYS[row["kind"]], number(row["n"]),
         f"{number(row['seed_sd'], 2)} ({within(row['seed_sd_low'], row['seed_sd_high'], 2)})",
         number(row["claimed_sd"], 2), number(row["scatter"], 2), row["verdict"]]
        for row in rows
    ]  # fmt: skip
    header = [
        "half",
        "split by",
        "grammars",
        "sd of a seed",
        "sd that fits claim",
        "scatter about the line in H",
        "fits",
    ]
    numbers = {row["half"]: {key: row[key] for key in ("seed_sd", "claimed_sd", "scatter")} for row in mine}
    return SectionWords(" ".join(sentences) + "\n\n" + table(header, lines), numbers)
