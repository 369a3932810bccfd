"""The same question of real text, from pilots of six corpora."""

from __future__ import annotations

from ..figures.studies import Tables
from .markdown import SectionWords, number, p_value, table, within


def told(tables: Tables) -> SectionWords:
    """The effect with all runs known, then the table."""
    rows = tables["real_text"]
    first = next((row for row in rows if row["covariate"] == "H"), None)
    words = ""
    if first:
        ends = within(first["factor_low"], first["factor_high"])
        words = (
            f"Over {first['n']} real corpora of one vocabulary size the best N at C = {number(first['C'])} is "
            f"×{number(first['factor'])} ({ends}; p {p_value(first['p_permutation'])}) for .1 of H: so few corpora "
            f"{'show it' if (first['p_permutation'] or 1) <= 0.05 else 'do not show an effect, nor exclude one'}."
        )
    header = ["runs", "covariate", "corpora", "best N times", "p"]
    lines = [
        [r["known"], r["covariate"].replace("_", " "), number(r["n"]),
         f"{number(r['factor'])} ({within(r['factor_low'], r['factor_high'])})", p_value(r["p_permutation"])]
        for r in rows
    ]  # fmt: skip
    return SectionWords(words + "\n\n" + table(header, lines), {"H": first and first["factor"]})
