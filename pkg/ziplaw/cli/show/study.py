"""``ziplaw study``: the answers of a study, as tables, figures and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...base.outputs import Output
from ..printing import say_written
from ..verb import OutputPath, SweepFolder, Verb


class AnswersFolder(OutputPath):
    """The folder of a study's answers: what the other options say will be written there."""

    def __init__(self) -> None:
        super().__init__(folder=True)

    def outputs(self, value: str, name: str, params: dict[str, Any]) -> list[Output]:
        """List what is written, see `OutputPath.outputs`."""
        from ...report.studies.study_results import result_outputs, table_outputs

        names, made = params["names"], params["made"]
        found = [] if made else table_outputs(value, name, names or None)
        return found if names else [*found, *result_outputs(value, name)]


def _list(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from ...studies.answers.all_answers import ANSWERS

        for answer in ANSWERS.values():
            click.echo(f"{answer.name:22}  {answer.about}")
        context.exit()


@click.command(cls=Verb)
@click.argument("folder", type=SweepFolder())
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List the answers.")
@click.option("--only", "names", multiple=True, metavar="ANSWER", help="Write the table of this answer alone; "
              "repeatable.")  # fmt: skip
@click.option("--made", is_flag=True, help="Take the tables that lie in OUTPUT as they are.")
@click.option("-o", "--output", required=True, type=AnswersFolder(), help="Folder to write into.")
def command(folder: str, names: tuple[str, ...], made: bool, output: str) -> None:
    """Answer a study's questions from its runs: tables, figures, and a results section that quotes them.

    FOLDER holds design.csv (ziplaw design --table), runs.csv (ziplaw collect), fits/DATASET.json (ziplaw fit) of each
    dataset, and covariates.csv (ziplaw covariates) where there is one. A table is made for each answer, ANSWER.csv,
    both halves and all families apart; then figures/, study.json (the numbers that are quoted) and results.md.
    Tables can be made one by one, side by side, and the rest from them:

    \b
      ziplaw study results/study -o results/study/answers
      ziplaw study results/study --only what_was_measured -o results/study/answers
      ziplaw study results/study --made -o results/study/answers
    """  # noqa: D301
    from ...report.studies.study_results import write_results, write_tables
    from ...studies.answers.all_answers import ANSWERS
    from ...studies.measured import read_study

    strange = next((name for name in names if name not in ANSWERS), None)
    if strange is not None:
        raise click.UsageError(f"no answer {strange!r}: --only takes {', '.join(ANSWERS)}")
    if names and made:
        raise click.UsageError("--only makes tables and --made takes them as they are: give one of the two")
    if not made:
        write_tables(read_study(folder), output, names or ANSWERS)
    if names:
        say_written(output, f"table{'s' if len(names) > 1 else ''} {', '.join(f'{name}.csv' for name in names)}")
        return
    write_results(output)
    say_written(Path(output) / "results.md", f"what {folder} answers")
