"""A plan by the law in H of a sweep alone: ``plan`` and ``predict`` with ``--prior none`` and no runs of one's own."""

from __future__ import annotations

from typing import Any

import click

from ...errors import FitError
from ..printing import print_table
from .accounting import show_follow_up


def law_prediction(
    document: dict[str, Any], H: float, C: float, name: str, level: float, epsilon: float, anyway: bool
) -> dict[str, Any]:
    """Predict by a law in H of this name; the numbers are None where it does not identify the split."""
    from ...laws.plans.split_at_H import identified_prediction

    result = identified_prediction(document, H, C, level=level, epsilon=epsilon, anyway=anyway)
    return result | {"law": name, "H_of": document.get("H_of")}


def law_refused(result: dict[str, Any], name: str = "") -> FitError:
    """The error of a result without a split, with its reasons and what to do."""
    from ...laws.intervals.identification import Doubt, refusal

    reason = refusal([Doubt(**doubt) for doubt in result["refused"]])
    return FitError(f"{name}{reason} (--law); --anyway shows the numbers of {result['law']}")


def show_law(result: dict[str, Any]) -> None:
    """Print a prediction: the split with bands, Chinchilla's beside it, and what it rests on."""
    bands = f"{100 * result['level']:g}% band"
    mark = " NOT IDENTIFIED" if result["refused"] else ""
    rows = [{"": f"H = {result['H']:.3f}{mark}", **_cells(result)}]
    if (mean := result["without_H"]) and mean["N"] is not None:
        rows.append({"": f"the same laws, H ignored{'' if mean['identified'] else ' NOT IDENTIFIED'}", **_cells(mean)})
    for key, title in (("published", "Chinchilla"), ("refit", "Chinchilla, refitted")):
        rows.append({"": title, **_cells(result["chinchilla"][key])})
    rows.append({"": "Kaplan", **_cells(result["kaplan"])})
    click.echo(f"Best split of C = {result['C']:.3g} training FLOPs (C = 6 N D):")
    print_table(rows)
    if result["epsilon"] > 0:
        click.echo(f"{bands} for a new dataset of this H:{mark}")
        for name, unit in (("N", "parameters"), ("D", "tokens"), ("loss", "nats per token")):
            lo, hi = result[f"{name}_interval"]
            click.echo(f"  {name:4} {lo:.3g} to {hi:.3g} {unit}")
    if result["epsilon"] != 1:
        click.echo(f"Blended with Chinchilla's constants, epsilon = {result['epsilon']:g}.")
    show_follow_up(result)
    on = result["fitted_on"]
    click.echo(
        f"Law: {result['law']}, fitted on {on['n_datasets']} datasets ({on['n_cells']} runs), H {on['H'][0]:.3f} to "
        f"{on['H'][1]:.3f}, C {on['C'][0]:.3g} to {on['C'][1]:.3g} FLOPs."
    )
    for doubt in result["refused"]:
        click.echo(f"Not identified: {doubt['reason']}; {doubt['remedy']}.")
    for text in result["warnings"]:
        click.echo(f"Warning: {text}.")


def _cells(split: dict[str, float]) -> dict[str, str]:
    return {"N": f"{split['N']:.3g}", "D": f"{split['D']:.3g}", "D/N": f"{split['D'] / split['N']:.3g}",
            "loss": f"{split['loss']:.4g}"}  # fmt: skip
