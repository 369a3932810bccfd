"""``ziplaw score``: how compressible is it."""

from __future__ import annotations

from typing import Any

import click

from ...base.outputs import by_kind
from ..options import json_option, source_options, threads_option
from ..printing import print_json, print_table, read_line, say_written
from ..verb import OutputFile, Verb

COLUMNS = "path H H_lo H_hi mean sd q05 q25 q75 q95 n window tokens bytes/token bytes_H tokenizer encoding zlib".split()


@click.command(cls=Verb)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--builtin", "builtins", multiple=True, help="Score a built-in corpus, code or prose; repeatable.")
@source_options
@click.option("--window", default=256, show_default=True, help="Tokens in a scored window.")
@click.option("--samples", default=1000, show_default=True, help="Windows scored; H is their median.")
@click.option("--dataset", help="Name in the result [default: the path's last name].")
@threads_option
@json_option
@click.option("-o", "--output", type=OutputFile(by_kind("score")), help="Write the score of ONE path as a JSON file.")
def command(
    paths: tuple[str, ...],
    builtins: tuple[str, ...],
    tokenizer: str,
    reading: dict[str, Any],
    window: int,
    samples: int,
    dataset: str | None,
    threads: int | None,
    as_json: bool,
    output: str | None,
) -> int:
    """Score how compressible each PATH is: H, the median of gzip'd size / raw size over windows of tokens.

    A PATH is a text, records (.jsonl, .json, .parquet, .arrow), token ids (.npy, .bin), a folder of sources or of a
    data set, a ziplaw corpus, or a pipe; texts and JSON may be packed (.gz, .zst, .xz, .bz2). Lower H is more
    compressible. bytes_H is H of the raw bytes, with no tokenizer between.

    H_lo to H_hi is its 95 % interval, which allows for windows of one text being alike (docs/data.md).

    H depends on the tokenizer: compare datasets scored with the same one, and look at bytes/token, because an
    under-trained vocabulary looks like compressibility.

    \b
      ziplaw score my_corpus/ notes.txt data.jsonl.zst
      ziplaw score ids.npy --json
      ziplaw score --builtin code --builtin prose
    """  # noqa: D301
    if not paths and not builtins:
        raise click.UsageError("nothing to score: give a PATH, or --builtin code")
    if (output or dataset) and len(paths) + len(builtins) > 1:
        raise click.UsageError("--output and --dataset need exactly one PATH")

    import os

    from ...base.documents import progress, write_json
    from ...base.threads import n_threads
    from ...corpora.readers import open_source
    from ...corpora.scoring import remarks, score_builtin, score_source
    from ...corpora.tokenizers import takes_any_bytes
    from ...errors import ZiplawError

    # the tokenizers library starts its own threads, and asks only the environment how many
    os.environ.setdefault("RAYON_NUM_THREADS", str(n_threads(threads)))
    scores, lines, failed = [], [], False
    common: dict[str, Any] = {"window": window, "samples": samples, "threads": threads, "dataset": dataset}
    for path, is_path in progress([(path, True) for path in paths] + [(name, False) for name in builtins]):
        try:
            if is_path:
                source = open_source(path, binary=takes_any_bytes(tokenizer), **reading)
                score = score_source(source, tokenizer, **common)
                lines.append(read_line(path, source))
            else:
                score = score_builtin(path, tokenizer, **common)
        except (ZiplawError, OSError) as error:
            if len(paths) + len(builtins) == 1:
                raise
            click.echo(f"ziplaw: error: {error}", err=True)
            failed = True
            continue
        scores.append((path, score))
    if output:
        write_json(output, scores[0][1], kind="score")
    if as_json:
        print_json(scores[0][1] if len(paths) + len(builtins) == 1 else [score for _, score in scores])
    else:
        print_table([_row(path, score) for path, score in scores], COLUMNS)
        if output:
            say_written(output, "the score")
    for line in lines:
        click.echo(line, err=True)
    for path, score in scores:
        for text in remarks(score):
            click.echo(f"ziplaw: note: {click.format_filename(path)}: {text}", err=True)
    return 2 if failed else 0


def _row(path: str, score: dict[str, Any]) -> dict[str, Any]:
    names = {"sd": "std", "bytes/token": "bytes_per_token"}
    row = {column: score.get(names.get(column, column)) for column in COLUMNS}
    row["H_lo"], row["H_hi"] = score.get("H_interval") or (None, None)
    return row | {"path": click.format_filename(path), "tokenizer": score.get("tokenizer") or "ids"}
