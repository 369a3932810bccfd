"""``ziplaw predict``: the best split of a compute budget for data of a given compressibility."""

import click

from ._common import NUMBER, json_option, print_json, print_table


def law_options(function):
    """Options of predict and plan."""
    for option in (
        json_option,
        click.option("--epsilon", type=float, default=1.0, show_default=True,
                     help="Weight of the law in H against Chinchilla's constants (0 to 1)."),
        click.option("--level", type=float, default=0.95, show_default=True, help="Coverage of the bands."),
        click.option("--law", type=click.Path(exists=True, dir_okay=False),
                     help="regression.json to predict from [default: the reference law shipped with ziplaw]."),
        click.option("--flops", required=True, type=NUMBER, help="Training FLOPs, C = 6 N D."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command()
@click.option("--gzip", "H", required=True, type=float, help="H of the data, from ziplaw score.")
@law_options
def command(H, flops, law, level, epsilon, as_json):
    """Predict the best N, D and loss for data of gzip-compressibility H, beside Chinchilla's split.

    \b
      ziplaw predict --gzip 0.40 --flops 1e21
      ziplaw predict --gzip 0.40 --flops 1e15 --law regression.json --json
    """  # noqa: D301
    result = make(H, flops, law, level, epsilon)
    if as_json:
        print_json(result)
    else:
        show(result)


def make(H, flops, law, level, epsilon):
    """Read the law and predict; the result says what the law rests on."""
    from ..io import read_json
    from ..laws.regress import prediction

    if law is None:
        from importlib.resources import as_file, files

        from ..errors import FitError

        resource = files("ziplaw") / "data" / "reference_law.json"
        if not resource.is_file():
            raise FitError("this ziplaw ships no reference law: give one with --law regression.json")
        with as_file(resource) as path:
            document = read_json(path, "regression")
        name = "the reference law shipped with ziplaw"
    else:
        document, name = read_json(law, "regression"), click.format_filename(law)
    return prediction(document, H, flops, level=level, epsilon=epsilon) | {"law": name}


def show(result):
    """Print a prediction: the split with bands, Chinchilla's beside it, and what it rests on."""
    bands = f"{result['level']:.0%} band"
    rows = [{"": f"H = {result['H']:.3f}", **_cells(result)}]
    if result["without_H"]:
        rows.append({"": "the same laws, H ignored", **_cells(result["without_H"])})
    for key, title in (("published", "Chinchilla"), ("refit", "Chinchilla, refitted")):
        rows.append({"": title, **_cells(result["chinchilla"][key])})
    rows.append({"": "Kaplan", **_cells(result["kaplan"])})
    click.echo(f"Best split of C = {result['C']:.3g} training FLOPs (C = 6 N D):")
    print_table(rows)
    if result["epsilon"] > 0:
        click.echo(f"{bands} for a new dataset of this H:")
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
    for text in result["warnings"]:
        click.echo(f"Warning: {text}.")


def _cells(split):
    return {"N": f"{split['N']:.3g}", "D": f"{split['D']:.3g}", "D/N": f"{split['D'] / split['N']:.3g}",
            "loss": f"{split['loss']:.4g}"}  # fmt: skip
