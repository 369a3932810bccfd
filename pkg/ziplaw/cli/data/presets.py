"""``ziplaw presets``: the paper's grammars and their compressibility."""

from __future__ import annotations

import click

from ...base.limits import PRESET_SEEDS
from ...base.outputs import by_header
from ..options import json_option, threads_option
from ..printing import print_json, print_table, say_written
from ..verb import OutputFile, RecordedVerb


def _headers() -> list[list[str]]:
    from ...corpora.preset_scores import SHAPE_COLUMNS
    from ...tables.declared import PRESETS

    return [PRESETS.names, SHAPE_COLUMNS]


@click.command(name="presets", cls=RecordedVerb, stage="SCORER")
@click.option("--seeds", type=click.IntRange(*PRESET_SEEDS), default=5, show_default=True, help="Grammars per preset.")
@click.option("--documents", type=click.IntRange(2), default=1000, show_default=True, help="Documents per grammar.")
@click.option("--group", type=click.Choice(["main", "vocabulary", "compressibility"]), help="Only this group.")
@click.option("--list", "only_list", is_flag=True, help="List names and shapes; draw nothing.")
@click.option(
    "-o", "--output", type=OutputFile(by_header(_headers)), help="Write one CSV row for each preset and seed."
)
@threads_option
@json_option
def command(
    seeds: int,
    documents: int,
    group: str | None,
    only_list: bool,
    output: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Score the paper's preset grammars (its Table 1 and Figure 1).

    Every preset is drawn with several seeds and its documents are scored for H, the gzip-compressibility. Where every
    draw is critical (sentences without end), the first that keeps emitting tokens is taken and marked truncated.

    \b
      ziplaw presets --list
      ziplaw presets --seeds 1 --group main
    """  # noqa: D301
    from ...corpora.preset_scores import preset_shapes, score_presets, summarise_presets

    rows = preset_shapes(group) if only_list else score_presets(group, seeds, documents, threads)
    if output:
        from ...base.documents import write_csv

        write_csv(output, rows)
        say_written(output, f"{len(rows)} rows")
    elif as_json:
        print_json({"presets": rows})
    else:
        print_table(rows if only_list else summarise_presets(rows))
