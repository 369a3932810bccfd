"""What a pilot says of itself on the way: its rounds in a few lines each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.elementary import exp
from ..base.numerals import format_seconds
from ..base.text_table import aligned, wrapped


def round_lines(document: Mapping[str, Any], level: float = 0.95) -> list[str]:
    """Return what a round's document says, for a reader: its runs, its time, its band.

    Parameters
    ----------
    document : mapping
        A rounds/<r>.json.
    level : float
        Coverage of the band that is named.
    """
    # here, as its compiled core may not be there when Snakemake starts
    from ..numerics.distributions import normal_inverse

    band = document["band"]
    z = float(normal_inverse(0.5 + level / 2))

    def factor(sd: float | None) -> str:
        return "any factor" if sd is None else f"a factor of {float(exp(z * sd)):.3g}"

    # the plan, which knows more, may be surer
    alone = "" if document["round"] == 1 else " by the runs alone"
    known = f"the best N at {band['at_C']:.3g} FLOPs is known{alone} within"
    if document["stop"]:
        return wrapped(
            [
                f"The pilot ends after round {document['round'] - 1}: {document['stop']}; {known} "
                f"{factor(band['sd_ln_N_after'])} either way ({level:.0%})"
            ]
        )
    runs, share = document["runs"], sum(run["C"] for run in document["runs"]) / document["pilot_C"]
    sizes = "1 size" if len(runs) == 1 else f"{len(runs)} sizes"
    took = f", about {format_seconds(document['seconds'])}" if document["seconds"] else ""
    lines = [
        f"Round {document['round']}: {sizes}, {share:.0%} of the pilot's {document['pilot_C']:.3g} FLOPs"
        f"{took}; {known} {factor(band['sd_ln_N_before'])} either way before and should be within "
        f"{factor(band['sd_ln_N_after'])} after ({level:.0%})"
    ]
    rows = [
        {
            "model": run["model"],
            "N": f"{run['N']:,}",
            "tokens": " ".join(f"{budget:,}" for budget in run["budgets"]),
            "C": f"{run['C']:.2e}",
            **({"time": format_seconds(run["seconds"])} if run["seconds"] else {}),
        }
        for run in runs
    ]
    return wrapped(lines) + ["  " + line for line in aligned(rows, list(rows[0]))]
