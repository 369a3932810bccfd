"""Tables beside plan.json: their columns; plan.csv has the plan with a quantity a row, for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PLAN_CSV = "quantity value low high unit from".split()
ISOFLOP_CSV = "C kind model N N_lo N_hi loss".split()
BEST_N_CSV = "from C N N_lo N_hi".split()
HELD_OUT_CSV = "N D C loss predicted low high error held".split()
# what is written beside plan.json
HEADERS = {"plan.csv": PLAN_CSV, "isoflop.csv": ISOFLOP_CSV, "best_n.csv": BEST_N_CSV, "held_out.csv": HELD_OUT_CSV}


def plan_rows(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every number of a plan (plan.json) that a reader may want in a table.

    Parameters
    ----------
    plan : dict
        The document of ``whole_plan.pilot_plan``.

    Returns
    -------
    list of dict
        ``PLAN_CSV``; ``low`` and ``high`` are ends of the band at the plan's level, None where there is none.
    """
    shape, bill, data = plan["shape"], plan["bill"], plan["data"]
    everything = " + ".join(line["from"] for line in plan["lines"])
    rows = [
        _row("C", plan["C"], unit="FLOPs", of="asked for"),
        _row("N", plan["N"], plan["N_interval"], "parameters without embeddings", everything),
        _row("D", plan["D"], plan["D_interval"], "tokens", everything),
        _row(
            "tokens per parameter", plan["tokens_per_parameter"], plan["tokens_per_parameter_interval"], "", everything
        ),
        _row("a", plan["a"], plan["a_interval"], "of N ~ C^a, C = 6 N D", plan["lines"][-1]["from"]),
        _row("C_6nd", plan["C_6nd"], unit="FLOPs", of="6 N D"),
        _row("loss", plan["loss"], plan["loss_interval"], plan["loss_unit"], "runs"),
    ]
    if near := plan["near_best"]:
        what = f"within {100 * near['tolerance']:g} % of the best loss"
        rows += [_row(f"{name} {what}", None, near[name], unit, "runs")
                 for name, unit in (("N", "parameters without embeddings"), ("D", "tokens"))]  # fmt: skip
    for key in ("hidden", "layers", "heads", "vocab_size", "N", "N_total"):
        rows.append(_row(f"shape: {key}", shape[key], of="the ladder's nearest"))
    rows.append(_row("shape: D", shape["D"], unit="tokens", of="C over its FLOPs per token"))
    rows += [
        _row("GPU", bill["gpu_flops"], unit="FLOPs a second", of="assumed"),
        _row("GPU's hour", bill["price"], unit="price", of="assumed"),
        _row("GPU-hours", bill["gpu_hours"], unit="h", of="C over the rate"),
        _row("cost", bill["cost"], unit="price", of="GPU-hours times the price"),
    ]
    for line in plan["lines"]:
        rows.append(_row(f"N after {line['from']}", line["N"], line["N_interval"], "parameters", line["from"]))
        if line["alone"]:
            rows.append(
                _row(f"N by {line['from']} alone", line["alone"]["N"], line["alone"]["N_interval"], "parameters",
                     line["from"])
            )  # fmt: skip
    error = data["unique_tokens_error"]
    unique = data["unique_tokens"]
    ends = [unique - 1.96 * error, unique + 1.96 * error] if error is not None else None
    rows.append(_row("unique tokens", unique, ends, "tokens", "the corpus"))
    rows.append(_row("epochs", data["epochs"], data["epochs_interval"], "", "D over unique tokens"))
    for size in plan["vocabulary"]["sizes"]:
        name = "target" if size["target"] else f"h{size['hidden']}"
        rows.append(_row(f"embedding share of {name}", size["embedding_share"], unit="of N_total", of="the shape"))
        rows.append(_row(f"head share of {name}", size["head_share"], unit="of FLOPs", of="the shape"))
    recipe = plan["recipe"]
    rows.append(_row("learning rate", recipe["learning_rate"], unit="peak, AdamW", of=recipe["rule"]))
    rows.append(_row("batch", recipe["batch_tokens"], unit="tokens", of=recipe["rule"]))
    for name, split in plan["beside"].items():
        rows.append(_row("N beside", split["N"], unit="parameters", of=name))
    return rows


def _row(quantity, value, ends=None, unit="", of=""):
    low, high = ends or (None, None)
    return {"quantity": quantity, "value": value, "low": low, "high": high, "unit": unit, "from": of}
