"""``ziplaw predict``: the best split of a compute budget for data of a given compressibility."""

from __future__ import annotations

from typing import Any

import click

from ...base import limits
from ...errors import FitError
from ..options import Number, json_option, options
from ..printing import print_json, print_table
from ..verb import Verb

law_options = options(
    click.option("--flops", required=True, type=Number(limits.FLOPS), help="Training FLOPs, C = 6 N D."),
    click.option("--law", type=click.Path(exists=True, dir_okay=False),
                 help="regression.json to predict from [default: the reference law shipped with ziplaw]."),
    click.option("--level", type=Number(limits.LEVEL), default=0.95, show_default=True, help="Coverage of the bands."),
    click.option("--epsilon", type=Number(limits.EPSILON), default=1.0, show_default=True,
                 help="Weight of the law in H against Chinchilla's constants (0 to 1)."),
    click.option("--anyway", is_flag=True, help="Show a split that the law does not identify; it is marked."),
    json_option,
)  # fmt: skip


@click.command(cls=Verb)
@click.option(
    "--gzip", "H", required=True, type=Number(limits.COMPRESSIBILITY), help="H of the data, from ziplaw score."
)
@law_options
def command(H: float, flops: float, law: str | None, level: float, epsilon: float, anyway: bool, as_json: bool) -> None:
    """Predict the best N, D and loss for data of gzip-compressibility H, beside Chinchilla's split.

    Where the law does not identify the split, the reason is printed instead and the exit status is 2.

    \b
      ziplaw predict --gzip 0.40 --flops 1e15 --law regression.json --json
      ziplaw predict --gzip 0.40 --flops 1e21 --anyway
    """  # noqa: D301
    from ...sweep.reference_law import read_law

    result = predicted(read_law(law), H, flops, law, level, epsilon, anyway)
    if as_json:
        print_json(result)
    elif not withheld(result):
        show(result)
    if withheld(result):
        raise refused(result)


def predicted(
    document: dict[str, Any], H: float, C: float, law: str | None, level: float, epsilon: float, anyway: bool
) -> dict[str, Any]:
    """Predict by a law in H, and say which law it was: the file, or the one that is shipped."""
    from ...laws.plans.split_at_H import identified_prediction

    result = identified_prediction(document, H, C, level=level, epsilon=epsilon, anyway=anyway)
    name = "the reference law shipped with ziplaw" if law is None else click.format_filename(law)
    return result | {"law": name, "H_of": document.get("H_of")}


def withheld(result: dict[str, Any]) -> bool:
    """Whether the split was left out of a result because it is not identified."""
    return result["N"] is None


def refused(result: dict[str, Any], name: str = "") -> FitError:
    """The error of a result without a split, with its reasons and what to do."""
    from ...laws.intervals.identification import Doubt, refusal

    reason = refusal([Doubt(**doubt) for doubt in result["refused"]])
    return FitError(f"{name}{reason} (--law); --anyway shows the numbers of {result['law']}")


def show(result: dict[str, Any]) -> None:
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
