"""``ziplaw design``: choose the grammars of a study before any training."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from ...base.outputs import by_header, by_kind
from ..options import json_option, threads_option
from ..printing import print_json, print_table, say_written
from ..verb import OutputFile, Verb

COUNT = click.IntRange(0, 500)


def _ours(path: Path) -> bool:
    from ...studies.design_files import is_study_config

    return is_study_config(path)


def _headers() -> Iterable[Sequence[str]]:
    from ...tables.declared import DESIGN

    return [DESIGN.names]


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, list[float]]:
    """Read NAME=NUMBER of a repeatable option, as the numbers of every name."""
    from ...studies.measured_scatter import QUANTITIES

    found: dict[str, list[float]] = {}
    for text in values:
        name, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if name not in QUANTITIES or not 0 < value < 1e6:
            raise click.BadParameter(f"{text!r} must be NAME=NUMBER, NAME one of {' '.join(QUANTITIES)}, above 0")
        found.setdefault(name, []).append(value)
    return found


@click.command(cls=Verb)
@click.option("--grammars", "varied", type=COUNT, default=24, show_default=True, help="Grammars of any vocabulary.")
@click.option("--fix-vocabulary", "vocabulary", type=COUNT, default=0, help="More grammars, all of one vocabulary.")
@click.option("--fix-H", "fixed_h", type=COUNT, default=0, help="More grammars, all of one H.")
@click.option(
    "--candidates", type=click.IntRange(2, 1_000_000), default=4000, show_default=True, help="Random grammars scored."
)
@click.option(
    "--terminals", nargs=2, type=click.IntRange(2, 60_000), default=(100, 1000), show_default=True, metavar="LOW HIGH",
    help="Range of the vocabulary.",
)  # fmt: skip
@click.option(
    "--one-vocabulary", type=click.IntRange(2, 60_000), default=300, show_default=True,
    help="Terminals of --fix-vocabulary.",
)  # fmt: skip
@click.option(
    "--at-H", "at_h", type=click.FloatRange(0, 2), help="H of --fix-H [default: where the floor varies most]."
)
@click.option(
    "--productions", nargs=2, type=click.IntRange(2, 100_000), default=(370, 700), show_default=True,
    metavar="LOW HIGH", help="Range of productions, which sets when learning starts and ends.",
)  # fmt: skip
@click.option(
    "--documents", type=click.IntRange(20, 100_000), default=200, show_default=True,
    help="Documents that a candidate is measured on; the chosen ones on 1000.",
)  # fmt: skip
@click.option("--halves", type=click.IntRange(1, 2), default=2, show_default=True, help="2: explore, then confirm.")
@click.option(
    "--replicate",
    type=COUNT,
    default=3,
    show_default=True,
    help="A second training seed for every so-manieth; 0: none.",
)
@click.option("--seed", type=click.IntRange(0, 10_000), default=0, show_default=True, help="Seed of the candidates.")
@click.option(
    "--law", type=click.Path(exists=True, dir_okay=False),
    help="regression.json that tells how much datasets scatter [default: the reference law].",
)  # fmt: skip
@click.option("--link", help="Its link whose scatter of ln_N and a is taken [default: the one that it chose].")
@click.option(
    "--scatter", multiple=True, callback=_pairs, metavar="NAME=SD",
    help="Standard deviation about the line, of ln_N, a, alpha or beta; repeatable.",
)  # fmt: skip
@click.option(
    "--effect", multiple=True, callback=_pairs, metavar="NAME=CHANGE",
    help="Tell the power at this change over the range of H; repeatable.",
)  # fmt: skip
@click.option(
    "--draws", type=click.IntRange(100, 1_000_000), default=4000, show_default=True, help="Simulated studies."
)
@click.option("--name", help="Name of the sweep [default: of the file that is written, or study].")
@threads_option
@json_option
@click.option("-o", "--output", type=OutputFile(_ours), help="Write the config of the sweep here (YAML).")
@click.option("--table", type=OutputFile(by_header(_headers)), help="Write the chosen grammars here (CSV).")
@click.option("--summary", type=OutputFile(by_kind("design")), help="Write correlations and power here (JSON).")
def command(
    varied: int,
    vocabulary: int,
    fixed_h: int,
    candidates: int,
    terminals: tuple[int, int],
    one_vocabulary: int,
    at_h: float | None,
    productions: tuple[int, int],
    documents: int,
    halves: int,
    replicate: int,
    seed: int,
    law: str | None,
    link: str | None,
    scatter: dict[str, list[float]],
    effect: dict[str, list[float]],
    draws: int,
    name: str | None,
    threads: int | None,
    as_json: bool,
    output: str | None,
    table: str | None,
    summary: str | None,
) -> None:
    """Choose a study's grammars out of thousands, by what is measured before any training.

    Random shapes and seeds are scored: H, floor, unigram entropy, productions, vocabulary, sentence length. Those are
    chosen that spread H and tell it from its rivals, the floor first. Two halves have grammars of their own: one to
    look at, one to test what was seen. Printed: correlations with H, the expected standard error of each slope in H and
    the power to see a change, with rivals held fixed, by simulation with the scatter of datasets measured so far.

    \b
      ziplaw design --grammars 24 --fix-vocabulary 28 --fix-H 12 -o config/study.yaml --table design.csv
    """  # noqa: D301
    for what, (low, high) in (("--terminals", terminals), ("--productions", productions)):
        if low > high:
            raise click.UsageError(f"{what} {low} {high}: the first must not be above the second")
    if varied + vocabulary + fixed_h < 1:
        raise click.UsageError("nothing to choose: give --grammars, --fix-vocabulary or --fix-H")

    from ...studies import choosing, design_files, foretold
    from ...studies.measured_scatter import Scatter, measured_scatter
    from ...sweep.default import DEFAULT
    from ...sweep.reference_law import read_law

    request = choosing.Request(
        varied=varied,
        vocabulary=vocabulary,
        H=fixed_h,
        candidates=candidates,
        one_vocabulary=one_vocabulary,
        terminals=terminals,
        productions=productions,
        at_H=at_h,
        documents=documents,
        halves=halves,
        budgets=DEFAULT.budgets,
        replicate=replicate,
        seed=seed,
    )
    source = os.path.basename(law) if law else "the reference law"
    known = measured_scatter(read_law(law), source, link) | {
        quantity: Scatter(values[-1], None, "as given") for quantity, values in scatter.items()
    }
    config_name = name or (Path(output).stem if output else "study")
    rows, found = choosing.choose_study(request, threads)
    config = design_files.study_config(rows, config_name)
    correlations = foretold.correlated(rows)
    power = foretold.foretold_power(rows, known, {**foretold.EFFECTS, **effect}, draws)
    document = design_files.design_document(request, len(found), known, correlations, power)
    if output:
        design_files.write_study_config(output, config, _said(request))
    if table:
        design_files.write_design_table(table, rows)
    if summary:
        design_files.write_design_document(summary, document)
    if as_json:
        print_json(document)
    else:
        _tell(rows, document)
        for path, what in (
            (output, f"{len(rows)} datasets"),
            (table, "their measures"),
            (summary, "what they can tell"),
        ):
            if path:
                say_written(path, what)
    for sentence in foretold.unbalanced(rows):
        click.echo(f"ziplaw: note: {sentence}", err=True)


def _said(request: Any) -> str:
    """The command that makes this design again."""
    from ...studies.choosing import Request

    words = ["ziplaw design", f"--grammars {request.varied}"]
    options = {
        "vocabulary": "--fix-vocabulary",
        "H": "--fix-H",
        "candidates": "--candidates",
        "terminals": "--terminals",
        "one_vocabulary": "--one-vocabulary",
        "at_H": "--at-H",
        "productions": "--productions",
        "documents": "--documents",
        "halves": "--halves",
        "replicate": "--replicate",
        "seed": "--seed",
    }
    for field, option in options.items():
        value = getattr(request, field)
        if value != getattr(Request(), field):
            words.append(f"{option} {' '.join(map(str, value)) if isinstance(value, tuple) else value}")
    return " ".join(words)


def _tell(rows: Sequence[dict[str, Any]], document: dict[str, Any]) -> None:
    """Print what a design can tell: of every family how H goes with its rivals, of all together the power."""
    click.echo(f"{len(rows)} grammars of {document['n_candidates']} candidates. Correlation of H with its rivals:")
    kept = ("half", "family", "n", "H_least", "H_most", "inflation_floor", "inflation_all")
    shown = [
        {k.removeprefix("r_"): v for k, v in line.items() if k in kept or k[:2] == "r_"}
        for line in document["correlations"]
    ]
    print_table(shown)
    click.echo("Expected standard error of the slope in H, and power at a change over the range of H (5 % test):")
    several = any(line["family"] == "all" for line in document["power"])
    told = [line for line in document["power"] if not several or line["family"] == "all"]
    print_table(told, "half n quantity given scatter stderr change power power_unsure".split())
    for name, one in document["scatter"].items():
        known = f" with {one['df']} degrees of freedom" if one["df"] else ""
        click.echo(f"scatter of {name}: {one['sd']:.3g}{known}, {one['source']}")
