"""Skills as text on a terminal."""

from __future__ import annotations

from typing import Any

import click

from ..printing import print_table


def summary(document: dict[str, Any]) -> str:
    """One line about both steps."""
    emerged = sum(task["emerged"] for task in document["tasks"].values())
    return f"{emerged} of {len(document['tasks'])} skills have emerged in {document['n']} runs"


def show_skills(document: dict[str, Any]) -> None:
    """Print both laws of every task, predictions, and errors on rows that were held out."""
    shared = document["shared_index"]
    exponents = ["alpha"] if document["tied"] else ["alpha", "beta"]
    index = "one index of N and D for all tasks" if shared else "an index of N and D for each task"
    click.echo(f"loss = E + A/N^alpha + B/D^beta ({index}{', alpha = beta' if document['tied'] else ''})")
    click.echo("accuracy = low + (high - low)/(1 + exp(k (loss - x0)))")
    click.echo(summary(document))
    for text in document["warnings"]:
        click.echo(f"  warning: {text}")
    if shared:
        one = next(iter(document["tasks"].values()))
        values = [
            f"{name} {with_interval(one['loss_law'][name], one['loss_law_intervals'][name], '.3f')}"
            for name in exponents
        ]
        click.echo(f"  of every task: {', '.join(values)}")
    rows = []
    for task, found in document["tasks"].items():
        law, ends, second = found["loss_law"], found["loss_law_intervals"], found["sigmoid"]
        rows.append(
            {"task": task}
            | {name: with_interval(law[name], ends[name], ".3f") for name in ("E", *(() if shared else exponents))}
            | {
                "scatter": f"{found['loss_scatter']:.1%}",
                "low": with_interval(second["low"], found["sigmoid_intervals"]["low"], ".2f"),
                "high": with_interval(second["high"], found["sigmoid_intervals"]["high"], ".2f"),
                "x0": with_interval(second["x0"], found["sigmoid_intervals"]["x0"], ".3f"),
                "points": f"{100 * found['accuracy_scatter']:.1f}",
                "measured": "{:.2f} to {:.2f}".format(*found["accuracy_range"]),
                "emerged": "yes" if found["emerged"] else "no",
            }
        )
    print_table(rows)
    level = f"{100 * document['level']:g}%"
    click.echo(f"  {level} intervals: {document['interval_method']}; scatter: of the loss, and of accuracy in points")
    if held := document["holdout"]:
        click.echo(
            f"  held out, the {held['n']} runs of the largest C: step one misses the loss by {held['loss']:.1%}, "
            f"step two by {_points(held['step_two'])}, both by {_points(held['accuracy'])}"
        )
    for found in document["predictions"]:
        _show_prediction(found, level)
    if document["test"]:
        _show_test(document["test"], level)


def _show_prediction(found: dict[str, Any], level: str) -> None:
    if split := found["split_intervals"]:
        click.echo(
            f"\nAt the best split of C {found['C']:.3g}: N {with_interval(found['N'], split['N'], '.3g')}, "
            f"D {with_interval(found['D'], split['D'], '.3g')}; {level} intervals of a run there:"
        )
    else:
        click.echo(f"\nAt N {found['N']:.4g}, D {found['D']:.4g} (C {found['C']:.3g}), {level} intervals of a run:")
    print_table(
        [
            {
                "task": task,
                "loss": with_interval(own["loss"], own["loss_interval"], ".3f"),
                "accuracy": with_interval(own["accuracy"], own["accuracy_interval"], ".3f"),
            }
            for task, own in found["tasks"].items()
        ]
    )
    if found["mean_accuracy"] == found["mean_accuracy"]:
        click.echo(f"  mean accuracy {with_interval(found['mean_accuracy'], found['mean_accuracy_interval'], '.3f')}")


def _show_test(test: dict[str, Any], level: str) -> None:
    click.echo(f"\n{test['n']} rows held out by --test:")
    rows = []
    for run in test["runs"][:4]:
        for task, own in run["tasks"].items():
            rows.append(
                {
                    "N": f"{run['N']:.3g}",
                    "D": f"{run['D']:.3g}",
                    "task": task,
                    "accuracy": with_interval(own["accuracy"], own["accuracy_interval"], ".3f"),
                    "measured": f"{own['measured_accuracy']:.3f}",
                    "step one": f"{own['step_one_error']:+.1%}",
                    "step two": _points(own["step_two_error"], "+"),
                    "both": _points(own["error"], "+"),
                }
            )
    print_table(rows)
    if test["n"] > 4:
        click.echo(f"  ... {test['n'] - 4} more rows: --json has them all")
    click.echo(
        f"  mean absolute errors: step one {test['loss_error']:.1%} of the loss, step two alone "
        f"{_points(test['step_two_error'])}, both {_points(test['accuracy_error'])}"
    )
    inside, of = test["accuracy_within"]
    within, all_of = test["loss_within"]
    click.echo(f"  {level} intervals hold {inside} of {of} accuracies and {within} of {all_of} losses")


def _points(value: float | None, sign: str = "") -> str:
    return "-" if value is None or value != value else f"{100 * value:{sign}.1f} points"


def with_interval(value: float, ends: list[float], how: str) -> str:
    """Write a number with its interval; NaN is the accuracy of a skill that has not emerged."""
    if value != value:
        return "not emerged"
    if ends[0] == ends[1]:
        return f"{value:{how}} (held)"
    return f"{value:{how}} ({ends[0]:{how}} .. {ends[1]:{how}})"
