"""How a plan is printed: the answer first, what moved it, the published splits beside, what it rests on."""

from __future__ import annotations

from typing import Any

import click

from ...errors import FitError
from ..printing import print_table
from .accounting import show_follow_up


def withheld(result: dict[str, Any], anyway: bool) -> bool:
    """Whether the split is not to be shown, since it is not identified."""
    return bool(result["refused"]) and not anyway


def without_split(result: dict[str, Any]) -> dict[str, Any]:
    """The same without the numbers of a split that is not identified."""
    lost = ("N", "D", "tokens_per_parameter", "a", "loss")
    lost = (*lost, "C_6nd", "elasticity", "six_nd")
    return result | dict.fromkeys([*lost, *(f"{name}_interval" for name in lost[:5]), "near_best", "split"])


def refused(result: dict[str, Any], name: str = "") -> FitError:
    """The error of a result without a split, with its reasons and what to do."""
    from ...laws.intervals.identification import Doubt, refusal

    reason = refusal([Doubt(**doubt) for doubt in result["refused"]])
    return FitError(f"{name}{reason}; --anyway shows the numbers")


def show(result: dict[str, Any]) -> None:
    """Print a plan in less than a score of lines, and a line for each warning."""
    mark = "NOT IDENTIFIED: " if result["refused"] else ""
    parts = [f"{name} {_with_band(result, key)}" for name, key in (("N", "N"), ("D", "D"),
                                                                  ("D/N", "tokens_per_parameter"))]  # fmt: skip
    click.echo(f"{mark}{', '.join(parts)}: best split of C = {result['C']:.3g}, {100 * result['level']:g}% bands")
    if result["loss"] is not None:
        low, high = result["loss_interval"]
        known = (
            f"{low:.4g} to {high:.4g}" if high < float("inf") else "no band: beyond the runs a free link tells no loss"
        )
        unit = result["runs"]["loss_unit"] if result["runs"] else "nats per token"
        click.echo(f"loss {result['loss']:.4g} ({known}) {unit} by the law of the own runs")
    click.echo(_near(result))
    show_follow_up(result)
    print_table(_rows(result))
    click.echo(_rests_on(result))
    for doubt in result["refused"]:
        click.echo(f"Not identified: {doubt['reason']}; {doubt['remedy']}.")
    for text in result["warnings"]:
        click.echo(f"Warning: {text}.")


def _with_band(result, key):
    low, high = result[f"{key}_interval"]
    return f"{result[key]:.3g} ({low:.3g} to {high:.3g})"


def _near(result):
    near = result["near_best"]
    low, high = near["N"]
    if low is None or high is None:
        return f"The range of N that costs at most {100 * near['tolerance']:g}% has no end by that law"
    of = "by the law of the own runs" if near["law"] == "own runs" else "by the valley of the refitted Chinchilla law"
    return f"N between {low:.3g} and {high:.3g} costs at most {100 * near['tolerance']:g}% of the loss ({of})"


def _rows(result):
    lines, rows = result["lines"], []
    if line := lines["prior"]:
        rows.append(_row(f"prior: {line['name']}", line))
    if line := lines["H"]:
        low, high = line["factor_interval"]
        a_low, a_high = line["a_shift_interval"]
        rows.append(
            {"": f"effect of {_told(line)} ({line['h']:+.3f})", "N": f"x{line['factor']:.3g}", "from": f"x{low:.3g}",
             "to": f"x{high:.3g}", "D/N": f"x{line['factor'] ** -2:.3g}", "a": f"{line['a_shift']:+.3f}",
             "a from": f"{a_low:+.3f}", "a to": f"{a_high:+.3f}"}
        )  # fmt: skip
    elif lines["prior"]:
        rows.append({"": "effect of H", "N": "unknown"})
    if line := lines["runs"]:
        rows.append(_row(f"own runs ({line['n']})", line))
    else:
        rows.append({"": "own runs", "N": "none"})
    rows.append(_row("sum", result))
    published = result["chinchilla"]
    beside = {"Chinchilla": published["published"], "Chinchilla, refitted": published["refit"]}
    for name, split in (beside | {"Kaplan": result["kaplan"]}).items():
        rows.append({"": f"{name} (6 N D)", "N": f"{split['N']:.3g}", "D/N": f"{split['D'] / split['N']:.3g}"})
    return rows


def _told(line):
    return "H" if line["covariate"] == "H" else f"ln {line['covariate']}"


def _row(name, line):
    (low, high), (a_low, a_high) = line["N_interval"], line["a_interval"]
    return {"": name, "N": f"{line['N']:.3g}", "from": f"{low:.3g}", "to": f"{high:.3g}",
            "D/N": f"{line['tokens_per_parameter']:.3g}", "a": f"{line['a']:.3f}",
            "a from": f"{a_low:.3f}", "a to": f"{a_high:.3f}"}  # fmt: skip


def _rests_on(result):
    parts = []
    if prior := result.get("prior"):
        grids = prior.get("grids") or []
        C = [end for grid in grids for end in grid.get("C_range", ())]
        of = f"{prior['n_grids']} published grids of {prior['n_sources']} sources" if "n_grids" in prior else "a file"
        reach = f", C {min(C):.2g} to {max(C):.2g}" if C else ""
        parts.append(f"{of}{reach}")
    if (line := result["lines"]["H"]) and (on := result.get("law_fitted_on")):
        parts.append(
            f"effect of {_told(line)}: {result['law']} ({on['n_datasets']} datasets, C {on['C'][0]:.2g} to "
            f"{on['C'][1]:.2g})"
        )
    if line := result["lines"]["runs"]:
        parts.append(f"own runs at C {line['C'][0]:.2g} to {line['C'][1]:.2g}, link {line['link']}")
    return f"Rests on {'; '.join(parts)}."
