"""``ziplaw covariates``: what else can be measured of a corpus before any training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from ...base.outputs import by_header, by_kind
from ..options import json_option, source_options, threads_option
from ..printing import print_json, print_table, read_line, say_written
from ..verb import OutputFile, RecordedVerb


def _headers() -> Iterable[Sequence[str]]:
    from ...tables.declared import MEASURED

    return [MEASURED.names]


@click.command(cls=RecordedVerb, stage="COVARIATES")
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@source_options
@click.option("--window", default=256, show_default=True, help="Tokens in a row; nothing is counted across its ends.")
@click.option("--samples", default=1000, show_default=True, help="Windows compressed, as of H.")
@click.option("--tokens", default=1 << 21, show_default=True, help="Tokens counted, at most.")
@click.option("--no-zstd", is_flag=True, help="Leave zstd's ratios out, which change with its version.")
@threads_option
@json_option
@click.option("-o", "--output", type=OutputFile(by_header(_headers)), help="Write the table here (CSV).")
@click.option("--details", type=OutputFile(by_kind("covariates")), help="Write errors, ranges and reasons here (JSON).")
def command(
    paths: tuple[str, ...],
    tokenizer: str,
    reading: dict[str, Any],
    window: int,
    samples: int,
    tokens: int,
    no_zstd: bool,
    threads: int | None,
    as_json: bool,
    output: str | None,
    details: str | None,
) -> None:
    """Measure of each PATH, before any training, what may tell more of its scaling than H does.

    \b
      bigram_information      mutual information of neighbouring tokens, nats
      conditional_entropy_n   entropy of a token given the n before it, nats
      H_64 H_1024             H by other windows
      H_16bit H_smallest      H of ids as 2 bytes, and as few bytes as the vocabulary needs
      zstd zstd_whole         compressed / raw by zstd, of H's windows and of all tokens at once
      gamma beta              exponents of H_n - H_inf ~ n^-gamma and of correlations ~ t^-beta
      alpha_D                 gamma / (2 beta), the exponent of loss in data that they foretell
      entropy_decay           the same from the best fits, where no power law can be told

    gamma, beta and alpha_D are empty where no power law can be told; --details says why, and has every error.
    PATH is what `ziplaw score` takes. The table goes to `ziplaw regress --covariates`, which holds each column
    against H.

    \b
      ziplaw covariates results/default/corpora/* -o covariates.csv --details covariates.json
      ziplaw regress --runs runs.csv --fits fits/*.json --covariates covariates.csv -o regression.json
    """  # noqa: D301
    import os

    from ...base.documents import progress, write_json
    from ...base.threads import n_threads
    from ...corpora.measures.corpus_measures import covariate_rows, measure_source
    from ...corpora.readers import open_source
    from ...corpora.tokenizers import takes_any_bytes
    from ...tables.declared import MEASURED

    # the tokenizers library starts its own threads, and asks only the environment how many
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads(threads)))
    found = []
    for path in progress(paths):
        source = open_source(path, binary=takes_any_bytes(tokenizer), **reading)
        found.append(measure_source(source, tokenizer, window, samples, tokens, zstd=not no_zstd, threads=threads))
        click.echo(read_line(path, source), err=True)
    rows = covariate_rows(found)
    document = {"datasets": found}
    if output:
        MEASURED.write(output, rows)
    if details:
        write_json(details, document, kind="covariates")
    if as_json:
        print_json(document)
    elif output is None:
        print_table(rows)
    for place, what in ((output, f"{len(rows)} rows"), (details, "errors, ranges and reasons")):
        if place:
            say_written(place, what)
